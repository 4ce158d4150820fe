"""Measure how long each notebook takes, one after the other, for the README's table.

    python -m tools.seconds      write data/seconds.csv

Wall-clock seconds of a full run with its kernel's start and, as in a fresh clone, with nothing
compiled before; to two digits. They are one machine's, and rebuilds do not touch them. Run it where
nothing else runs.
"""

import os
import tempfile
import time

import pandas as pd

from scalinglib.report.paths import DATA
from tools import notebooks, readme


def measure():
    """Run every notebook and return a table of notebook, seconds, cores."""
    rows = []
    for path in readme.notebooks():
        start = time.perf_counter()
        notebooks.run(path)
        seconds = float(f"{time.perf_counter() - start:.2g}")
        rows.append((path.stem, round(seconds), os.cpu_count()))
        print(*rows[-1], flush=True)
    return pd.DataFrame(rows, columns=["notebook", "seconds", "cores"])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as compiled:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled
        table = measure()
    table.to_csv(DATA / "seconds.csv", index=False, lineterminator="\n")
