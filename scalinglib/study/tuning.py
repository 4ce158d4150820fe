"""What a fixed recipe costs against one tuned for every setting, and runs as if tuned."""

import numpy as np
import pandas as pd

_SETTING = ["params", "tokens"]
_NEAR = 1.05  # a batch fills up the last step: tokens of one setting differ by so much


def undertuning(sweep: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """For each setting of a sweep the recipe's loss over the best of the sweep.

    - sweep: params, tokens, windows, peak, loss; several seeds.
    - returns: params, tokens, fixed, best (mean losses over seeds), excess (log of their ratio),
      peak and windows of the best. Settings without a run by the recipe are left out.
    """
    cells = sweep.groupby(["params", "tokens", "windows", "peak"], as_index=False).loss.mean()
    fixed = runs.groupby(_SETTING, as_index=False).loss.mean()
    rows = []
    for run in fixed.itertuples():
        near = np.abs(np.log(cells.tokens / run.tokens)) < np.log(_NEAR)
        there = cells[(cells.params == run.params) & near]
        if len(there):
            best = there.loc[there.loss.idxmin()]
            excess = np.log(run.loss / best.loss)
            row = run.params, run.tokens, run.loss, best.loss, excess, best.peak, best.windows
            rows.append(row)
    columns = [*_SETTING, "fixed", "best", "excess", "peak", "windows"]
    return pd.DataFrame(rows, columns=columns)


def as_if_tuned(runs: pd.DataFrame, told: pd.DataFrame) -> pd.Series:
    """Losses of runs less what tuning would bring, a plane in log N and log D through `told`.

    The plane extrapolates where the sweep has no setting, but never below no gain at all.
    """
    if len(told) < 4:
        raise ValueError(f"told has {len(told)} settings; a plane and its check need four")

    def inputs(table):
        return np.stack([np.ones(len(table)), *np.log(table[_SETTING].to_numpy(float)).T], axis=1)

    plane, *_ = np.linalg.lstsq(inputs(told), told.excess.to_numpy(), rcond=None)
    return runs.loss * np.exp(-np.maximum(inputs(runs) @ plane, 0.0))
