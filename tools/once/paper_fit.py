"""The paper's own search and intervals on the runs of its Figure 1, recorded once.

    python -m tools.once.paper_fit

Writes below data/fits, from fixed seeds:

- paper_starts.csv, the ends of `COUNT` of the grid's 216 000 starts, drawn at random (0.14 s each:
  the whole grid takes eight hours);
- paper_resamples.csv, the same optimiser from the best of those ends on `RESAMPLES` resamples of
  the runs;
- paper_intervals.csv, our search under the paper's objective with its 90% intervals of 4096
  resamples.

All 328 runs have L_S >= 2.3, so the paper's subset of weak runs is all of them. A table that is
there is not made again; the first goes on where it was stopped.
"""

import numpy as np
import pandas as pd

from scalinglib import fit, laws
from scalinglib.fit import paper
from scalinglib.report.paths import DATA
from tools.once import write

STARTS = DATA / "fits" / "paper_starts.csv"
RESAMPLED = DATA / "fits" / "paper_resamples.csv"
INTERVALS = DATA / "fits" / "paper_intervals.csv"
COUNT = 600
CHUNK = 50
RESAMPLES = 60


def starts(runs, supervised):
    """Where the grid's starts end, a chunk at a time."""
    grid = paper.DISTILLATION.starts(COUNT, seed=0)
    done = len(pd.read_csv(STARTS)) if STARTS.exists() else 0
    for first in range(done, COUNT, CHUNK):
        ends = paper.DISTILLATION.minimise(runs, grid[first : first + CHUNK], supervised)
        write(ends, STARTS, mode="a", header=first == 0)


def resampled(runs, supervised):
    """Where the optimiser goes on resampled runs from the best end of the recorded starts."""
    ends = pd.read_csv(STARTS)
    best = ends.loc[ends.objective.idxmin()].drop("objective")
    logs = list(paper.DISTILLATION.logs)
    best[logs] = np.log(best[logs])
    parts = [
        paper.DISTILLATION.minimise(
            runs.sample(frac=1, replace=True, random_state=seed), [best.to_numpy()], supervised
        )
        for seed in range(RESAMPLES)
    ]
    write(pd.concat(parts), RESAMPLED)


def intervals(runs, supervised):
    """Our search under the paper's objective, with the paper's resamples and level."""
    found = fit.fit_distillation(runs, supervised, starts=64, **paper.OPTIONS)
    write(found.coefficients.loc[:, :"fixed"], INTERVALS, index=True)


def main():
    """Write the tables that are not there."""
    runs = pd.read_csv(DATA / "published" / "figure1_runs.csv")
    supervised = laws.load().supervised
    starts(runs, supervised)
    if not RESAMPLED.exists():
        resampled(runs, supervised)
    if not INTERVALS.exists():
        intervals(runs, supervised)


if __name__ == "__main__":
    main()
