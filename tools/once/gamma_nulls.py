"""How low gamma comes out where it is one; data/fits/gamma_nulls.csv.

    python -m tools.once.gamma_nulls

A table's law with gamma = 1 plus the table's own residuals, their signs flipped at random, is a
table that a law with gamma = 1 has made; gamma is fitted to it as to the table. Flipped are whole
models (`by` = "model": what `scalinglib.report.public` holds for one), or whole pairs of
neighbouring sizes (`by` = "pair of sizes"), so that what all runs of a size have in common, and
share with the next size, stays together. Six sizes make four such groups and sixteen tables, one of
which is the table itself: no share below a sixteenth says anything there. Neither way can make what
is smooth over the whole grid: a learning rate or a warm-up that suits the small models less than
the large ones is in the residuals and is flipped away with them. `draw` 0 is the table itself.
"""

import numpy as np
import pandas as pd

from scalinglib import fit
from scalinglib.fit import solver
from scalinglib.fit.forms import SUPERVISED
from scalinglib.report import public
from scalinglib.report.paths import DATA
from tools.once import write

TABLE = DATA / "fits" / "gamma_nulls.csv"
DRAWS, STARTS = 100, 8


def residuals(z, lane, table):
    """The supervised law's, of losses moved by `shift` (logs)."""
    return SUPERVISED.residuals(z, lane, table) - lane["shift"]


def groups(table: public.PublicTable, by: str) -> np.ndarray:
    """Which rows flip together, a number a row."""
    if by == "model":
        return table.runs.groupby(table.cluster).ngroup().to_numpy()
    return table.runs.params.rank(method="dense").astype(int).to_numpy() // 2


def gammas(found: fit.Fit, moved: np.ndarray) -> np.ndarray:
    """Gamma fitted to the runs of `found` with each row of `moved` added to their log losses.

    - found: with gamma free.
    - moved: shape (tables, runs), in the order of `found.runs`.
    - returns: array (tables,); from the best of `STARTS` starts of the grid, none of them the law
      that made the table.
    """
    problem = found.problem
    shift = np.repeat(problem.weights(moved), STARTS, axis=0)
    grid = SUPERVISED.starts(problem.table["logs"][:, : problem.count])
    starts = grid[np.random.default_rng(0).integers(len(grid), size=len(shift))]
    lanes = {
        "weights": np.broadcast_to(problem.weights(), shift.shape),
        "fixed": np.broadcast_to(problem.fixed, (len(shift), len(problem.fixed))),
        "shift": shift,
    }
    made = solver.Objective(residuals, lanes, problem.table, problem.box, problem.delta)
    ends = solver.finish(made, solver.approach(made, starts))
    best = ends.value.reshape(-1, STARTS).argmin(axis=1) + np.arange(len(moved)) * STARTS
    return problem.coefficients(ends.z[best])[:, -1]


def nulls(name: str, table: public.PublicTable) -> pd.DataFrame:
    """One row a draw and way of flipping, draw 0 the table's own gamma."""
    one = fit.fit_supervised(table.runs, fixed={"gamma": 1.0}, starts=64)
    free = fit.fit_supervised(table.runs, starts=64)
    rows = []
    for by in ("model", "pair of sizes"):
        of = groups(table, by)
        signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(DRAWS, of.max() + 1))[:, of]
        # A residual is predicted over measured, in logs: measured becomes predicted / (flipped).
        made = gammas(free, one.residuals() * (1 - signs))
        rows += [(name, by, i, gamma) for i, gamma in enumerate((free.law.gamma, *made))]
    return pd.DataFrame(rows, columns=["table", "by", "draw", "gamma"])


def main() -> None:
    """Write the table."""
    found = [nulls(name, table) for name, table in public.supervised_tables().items()]
    write(pd.concat(found), TABLE)


if __name__ == "__main__":
    main()
