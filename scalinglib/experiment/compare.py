"""Settings against each other, seed by seed: seeds share weights and data between settings."""

import numpy as np
import pandas as pd

__all__ = ["against", "paired", "rise"]


def paired(runs, over):
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


def against(runs, over, reference):
    """Each setting of a sweep against one of them.

    What is not larger than two standard errors is called no difference.

    Parameters
    ----------
    runs, over : as in `paired`
    reference : value of that column

    Returns
    -------
    DataFrame, a row for each value: it, loss and loss_error (mean over seeds, standard error),
    above and above_error (loss above the reference's), verdict ("worse", "better", "no difference")
    """
    losses = paired(runs, over)
    if reference not in losses:
        raise ValueError(f"reference is {reference!r}; {over} takes {list(losses.columns)}")
    above = losses.sub(losses[reference], axis=0)
    found = pd.DataFrame(
        {
            "loss": losses.mean(),
            "loss_error": losses.sem(),
            "above": above.mean(),
            "above_error": above.sem(),
        }
    )
    unequal = found.above.abs() > 2 * found.above_error
    words = np.where(found.above > 0, "worse", "better")
    return found.assign(verdict=np.where(unequal, words, "no difference")).reset_index()


def rise(runs, over="teacher_width"):
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
    (mean over seeds), error (its standard error), is_u (whether rise > 2 error).
    """
    losses = paired(runs, over)
    last = losses.columns[-1]
    rises = [
        losses.loc[seed, last] - losses.loc[seed, losses.drop(index=seed).mean().idxmin()]
        for seed in losses.index
    ]
    means, error = losses.mean(), np.std(rises, ddof=1) / np.sqrt(len(rises))
    return pd.Series(
        {
            "best": means.idxmin(),
            "last": last,
            "best_loss": means.min(),
            "last_loss": means[last],
            "rise": np.mean(rises),
            "error": error,
            "is_u": bool(np.mean(rises) > 2 * error),
        }
    )
