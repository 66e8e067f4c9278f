"""`python -m VertebraFLTLib` is `vertebraflt`."""

import sys

from VertebraFLTLib.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
