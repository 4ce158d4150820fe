"""What made committed tables once, and says how: no make target needs them."""

import os

# The matrices are far too small for threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def write(table, path, digits=6, **options):
    """Write a table as it is committed."""
    options = {"index": False, "lineterminator": "\n"} | options
    table.to_csv(path, float_format=f"%.{digits}g", **options)
