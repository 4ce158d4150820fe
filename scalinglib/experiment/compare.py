"""Settings against each other, seed by seed: seeds share weights and data between settings.

Intervals are Student's, at `LEVEL`: of two to five seeds two standard errors hold the mean in 70 to
88 cases of a hundred, not in 95.
"""

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95  # of every interval and verdict


def paired(runs: pd.DataFrame, over: str) -> pd.DataFrame:
    """Losses by seed and setting.

    - runs: models of one kind: a row for each of at least two seeds and each value of `over`.
    - over: the column that differs between settings.
    - returns: a row a seed, a column a value of `over` in ascending order
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


def intervals(values: pd.DataFrame) -> pd.DataFrame:
    """mean, low and high of each column (rows: seeds), low and high its `interval`."""
    ends = {name: interval(column.dropna()) for name, column in values.items()}
    found = pd.DataFrame(list(ends.values()), list(ends), ["low", "high"])
    return pd.concat({"mean": values.mean(), "low": found.low, "high": found.high}, axis=1)


def above_zero(values: pd.DataFrame) -> pd.Series:
    """Of each column (rows: seeds) whether the `interval` of its mean lies above zero."""
    return intervals(values).low > 0


def differences(runs: pd.DataFrame, over: str, reference: object, by: tuple = ()) -> pd.DataFrame:
    """Each run's loss above the one of its seed at the reference, for pictures of paired seeds.

    - by: columns whose values are told apart first: each group is compared within itself.
    - returns: the runs, with a column `above` (nats)
    """
    if by:
        groups = [group for _, group in runs.groupby(list(by))]
        return pd.concat([differences(group, over, reference) for group in groups])
    losses = paired(runs, over)
    if reference not in losses:
        raise ValueError(f"reference is {reference!r}; {over} takes {list(losses.columns)}")
    return runs.assign(above=runs.loss - runs.seed.map(losses[reference]))


def against(runs: pd.DataFrame, over: str, reference: object, by: tuple = ()) -> pd.DataFrame:
    """Each setting of a sweep against one of them; where the interval holds zero, no difference.

    - returns: a row for each value: it, loss and loss_error (mean over seeds, standard error),
      above and above_error (loss above the reference's), low and high (its `interval`), p (of no
      difference, paired t test), verdict ("worse", "better", "no difference"); first of all the
      columns of `by`
    """
    groups = differences(runs, over, reference, by).groupby([*by, over])
    found = groups.loss.agg(loss="mean", loss_error="sem")
    found = found.join(groups.above.agg(above="mean", above_error="sem"))
    ends = groups.above.apply(interval)
    found["low"], found["high"] = ends.str[0], ends.str[1]
    found["p"] = [_p(rows.above) for _, rows in groups]
    unequal = (found.low > 0) | (found.high < 0)
    words = np.where(found.above > 0, "worse", "better")
    return found.assign(verdict=np.where(unequal, words, "no difference")).reset_index()


def against_best(runs: pd.DataFrame, over: str, by: tuple = ()) -> pd.DataFrame:
    """`against` the setting of least mean loss of each group, chosen after looking."""
    found = []
    for _, group in runs.groupby(list(by)) if by else [(None, runs)]:
        best = paired(group, over).mean().idxmin()
        judged = against(group, over, best, by)
        found.append(judged.assign(best=judged[over] == best))
    return pd.concat(found, ignore_index=True)


def never_rises(runs: pd.DataFrame, over: str) -> bool:
    """Whether from no value of `over` to the next larger one the loss is told to rise, by pairs."""
    steps = paired(runs, over).diff(axis=1).iloc[:, 1:]
    return not any(interval(steps[value])[0] > 0 for value in steps)


def rise(runs: pd.DataFrame, over: str = "teacher_width") -> pd.Series:
    """How much worse students get between their best teacher and the last one.

    The best teacher has the lowest mean loss. For the rise each seed's best teacher is chosen by
    the other seeds, so that luck in the choice does not count as a rise.

    - over: the column that tells teachers apart and grows with their quality; its largest value is
      the last teacher.
    - returns: best and last (values of `over`), best_loss and last_loss (means over seeds), rise
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
    found = {"best": means.idxmin(), "last": last}
    found |= {"best_loss": means.min(), "last_loss": means[last]}
    found |= {"rise": np.mean(rises), "error": stats.sem(rises), "low": low, "high": high}
    return pd.Series(found | {"p": _p(rises), "is_u": bool(low > 0)})


def _p(values):
    """Of a mean of zero, by a t test; 1 where all values are 0, as a setting's against itself."""
    return float(stats.ttest_1samp(values, 0).pvalue) if np.any(values) else 1.0
