"""How well masks and probabilities agree with a reference; needs neither torch nor MONAI."""
