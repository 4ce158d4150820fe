"""Add a table of outside runs to data/public/distillation.csv and execute notebook 19 on it.

    python -m tools.outside MY_TABLE.csv

The table has the columns of data/public/distillation_template.csv. It is read as `scalinglib fit`
reads it, so that what cannot be a run is refused by row and column; an `id` that is already there
replaces its row.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd

from scalinglib.report.paths import DATA, ROOT
from scalingplan import tables

KNOWN = DATA / "public" / "distillation.csv"
NOTEBOOK = "notebooks/19_tested_outside.py"


def joined(known: Path, added: Path) -> pd.DataFrame:
    """Both tables in one, as text, rows of `added` in place of those with their `id`.

    - raises ValueError: naming the columns that are missing or unknown, a row without a source, a
      unit that is not nats per token, or what the reader of runs refuses.
    """
    old, new = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (known, added))
    if list(new.columns) != list(old.columns):
        differ = sorted(set(new.columns) ^ set(old.columns)) or "their order"
        raise ValueError(f"{added} has other columns than {known.name}: {differ}")
    for column in ("id", "group", "source"):
        empty = new.index[new[column].str.strip() == ""]
        if len(empty):
            raise ValueError(f"row {empty[0] + 2}, column {column} is empty")
    units = new.index[new.unit != "nats per token"]
    if len(units):
        found = new.unit[units[0]]
        raise ValueError(f"row {units[0] + 2}, column unit is {found!r}; write nats per token")
    if new.source.str.contains("SIMULATED").any():
        raise ValueError(f"{added} has the template's simulated row; replace it")
    read = tables.read_runs(added)
    tables.refuse(tables.doubts(read.distilled), {"loss": "nats"})
    return pd.concat([old[~old.id.isin(new.id)], new], ignore_index=True)


def main() -> None:
    """Add, then execute the notebook."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("table", type=Path, help="a CSV file, columns as in the template")
    table = joined(KNOWN, parser.parse_args().table)
    table.to_csv(KNOWN, index=False, lineterminator="\n")
    print(f"{len(table)} rows in {KNOWN.relative_to(ROOT)}", flush=True)
    command = [sys.executable, "-m", "tools.notebooks", "run", NOTEBOOK]
    raise SystemExit(subprocess.run(command, cwd=ROOT).returncode)


if __name__ == "__main__":
    main()
