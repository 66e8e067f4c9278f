"""Runs one pytest file in Slicer's Python, for ctest: ``Slicer --python-script run_in_slicer.py FILE``."""

import sys

import slicer


def main(arguments):
    try:
        import pytest
    except ModuleNotFoundError:
        slicer.util.pip_install("pytest hypothesis")
        import pytest
    return int(pytest.main(["-p", "no:cacheprovider", "--import-mode=importlib", *arguments]))


if __name__ == "__main__":
    slicer.util.exit(main(sys.argv[1:]))
