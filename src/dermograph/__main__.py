"""``python -m dermograph``."""

import sys

from dermograph.cli import main

if __name__ == "__main__":
    sys.exit(main())
