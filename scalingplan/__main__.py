"""`python -m scalingplan` is the `scalinglib` command."""

import sys

from scalingplan.cli import main

if __name__ == "__main__":
    sys.exit(main())
