"""``python -m poach`` is the command line."""

import sys

from poach.cli import main

if __name__ == "__main__":
    sys.exit(main())
