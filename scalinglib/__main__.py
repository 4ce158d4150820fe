"""`python -m scalinglib` is the `scalinglib` command."""

import sys

from scalinglib.cli import main

if __name__ == "__main__":
    sys.exit(main())
