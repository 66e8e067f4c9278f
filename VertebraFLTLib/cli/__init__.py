"""The command line: argument parsing only; each command is a few lines over the library."""
