"""Settings against each other, seed by seed: seeds share weights and data between settings.

Intervals are Student's, at `LEVEL`: of two to five seeds two standard errors hold the mean in 70 to
88 cases of a hundred, not in 95.
"""

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["LEVEL", "against", "differences", "interval", "paired", "rise"]

LEVEL = 0.95  # of every interval and verdict


def paired(runs: pd.DataFrame, over: str) -> pd.DataFrame:
    """Losses by seed and setting.

    Parameters
    ----------
    runs : DataFrame
        Models of one kind: a row for each of at least two seeds and each value of `over`.
    over : str
        The column that differs between settings.

    Returns
    -------
    DataFrame, a row a seed, a column a value of `over` in ascending order
    """
    losses = runs.pivot_table(index="seed", columns=over, values="loss")
    if len(losses) < 2 or losses.isna().any(axis=None) or losses.size != len(runs):
        raise ValueError(
            f"runs has {len(runs)} rows for {len(losses)} seeds and {losses.shape[1]} values of "
            f"{over}; it must have one row for each pair, and two seeds or more"
        )
    return losses


def interval(values) -> tuple[float, float]:
    """Both ends of the t interval of a mean at `LEVEL`: seaborn's `errorbar=interval`.

    `values` are independent, one a seed; of a single one there is no interval, NaN twice.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return np.nan, np.nan
    half = stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * stats.sem(values)
    return values.mean() - half, values.mean() + half


def differences(runs: pd.DataFrame, over: str, reference: object) -> pd.DataFrame:
    """Each run's loss above the one of its seed at the reference, for pictures of paired seeds.

    Parameters
    ----------
    runs, over : as in `paired`
    reference : value of that column

    Returns
    -------
    DataFrame: the runs, with a column `above` (nats)
    """
    losses = paired(runs, over)
    if reference not in losses:
        raise ValueError(f"reference is {reference!r}; {over} takes {list(losses.columns)}")
    return runs.assign(above=runs.loss - runs.seed.map(losses[reference]))


def against(runs: pd.DataFrame, over: str, reference: object) -> pd.DataFrame:
    """Each setting of a sweep against one of them; where the interval holds zero, no difference.

    Parameters
    ----------
    runs, over, reference : as in `differences`

    Returns
    -------
    DataFrame, a row for each value: it, loss and loss_error (mean over seeds, standard error),
    above and above_error (loss above the reference's), low and high (its `interval`), p (of no
    difference, paired t test), verdict ("worse", "better", "no difference")
    """
    groups = differences(runs, over, reference).groupby(over)
    found = groups.loss.agg(loss="mean", loss_error="sem")
    found = found.join(groups.above.agg(above="mean", above_error="sem"))
    ends = groups.above.apply(interval)
    found["low"], found["high"] = ends.str[0], ends.str[1]
    found["p"] = [_p(rows.above) for _, rows in groups]
    unequal = (found.low > 0) | (found.high < 0)
    words = np.where(found.above > 0, "worse", "better")
    return found.assign(verdict=np.where(unequal, words, "no difference")).reset_index()


def rise(runs: pd.DataFrame, over: str = "teacher_width") -> pd.Series:
    """How much worse students get between their best teacher and the last one.

    The best teacher has the lowest mean loss. For the rise each seed's best teacher is chosen by
    the other seeds, so that luck in the choice does not count as a rise.

    Parameters
    ----------
    runs : DataFrame, students as in `paired`
    over : str
        The column that tells teachers apart and grows with their quality; its largest value is
        the last teacher.

    Returns
    -------
    Series: best and last (values of `over`), best_loss and last_loss (means over seeds), rise
    (mean over seeds), error (its standard error), low and high (its `interval`), p (of no rise, t
    test), is_u (whether low > 0).
    """
    losses = paired(runs, over)
    last = losses.columns[-1]
    rises = [
        losses.loc[seed, last] - losses.loc[seed, losses.drop(index=seed).mean().idxmin()]
        for seed in losses.index
    ]
    means, (low, high) = losses.mean(), interval(rises)
    return pd.Series(
        {
            "best": means.idxmin(),
            "last": last,
            "best_loss": means.min(),
            "last_loss": means[last],
            "rise": np.mean(rises),
            "error": stats.sem(rises),
            "low": low,
            "high": high,
            "p": _p(rises),
            "is_u": bool(low > 0),
        }
    )


def _p(values):
    """Of a mean of zero, by a t test; 1 where all values are 0, as a setting's against itself."""
    return float(stats.ttest_1samp(values, 0).pvalue) if np.any(values) else 1.0
