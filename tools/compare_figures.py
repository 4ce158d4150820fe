"""Hold the numbers behind every figure against the committed ones: 1e-6 relative.

    python tools/compare_figures.py [REVISION]

Exit status 1 where a file is missing, new or different. Bytes are promised between two runs on one
machine; between processors the last bits, and so rarely the sixth digit, may differ.
"""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]


def git(*arguments):
    """Output of a git command in the repository."""
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def difference(committed, made, tolerance=1e-6):
    """What differs between two tables, in words; empty where nothing does."""
    if list(committed.columns) != list(made.columns) or len(committed) != len(made):
        return f"shape or columns: {committed.shape} committed, {made.shape} made"
    for column in committed:
        old, new = committed[column], made[column]
        if not pd.api.types.is_numeric_dtype(old) or pd.api.types.is_bool_dtype(old):
            if not old.equals(new):
                return f"column {column!r} differs"
            continue
        # Six digits are printed, so the last of them may be rounded either way.
        magnitude = np.abs(old.to_numpy(dtype=float))
        digit = 10.0 ** (np.floor(np.log10(np.maximum(magnitude, 1e-300))) - 5)
        apart = np.abs(new.to_numpy(dtype=float) - old.to_numpy(dtype=float))
        # A number near 0 among larger ones, a residual, is held to its column's scale.
        scale = 1e-2 * tolerance * np.nanmax(magnitude, initial=0)
        close = apart <= tolerance * magnitude + 1.01 * digit + scale
        close |= (old.isna() & new.isna()).to_numpy()
        if not close.all():
            row = int(np.argmin(close))
            return f"column {column!r}, row {row}: {old[row]} committed, {new[row]} made"
    return ""


def main(revision="HEAD"):
    """Compare every figure's CSV and the recipe sheet; return the number of differences."""
    names = git("ls-tree", "-r", "--name-only", revision, "figures", "data/recipes.csv").split()
    committed = {name for name in names if name.endswith(".csv")}
    made = {path.relative_to(ROOT).as_posix() for path in (ROOT / "figures").glob("*.csv")}
    problems = [f"{name}: made but not committed" for name in sorted(made - committed)]
    for name in sorted(committed):
        if not (ROOT / name).exists():
            problems.append(f"{name}: committed but not made")
            continue
        old = pd.read_csv(io.StringIO(git("show", f"{revision}:{name}")))
        found = difference(old, pd.read_csv(ROOT / name))
        problems += [f"{name}: {found}"] if found else []
    print("\n".join(problems) or f"{len(committed)} tables as committed")
    return len(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) > 0)
