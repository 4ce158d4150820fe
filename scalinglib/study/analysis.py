"""What the study's runs say: means over seeds, and whether the teacher's loss says it all."""

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["collapse", "means", "seed_deviation"]

_SAME = ["kind", "n_layers", "params", "tokens", "teacher", "teacher_params", "teacher_tokens"]
_MEASURED = ["loss", "kl_teacher", "accuracy", "completion", "teacher_loss", "flops"]


def seed_deviation(runs):
    """Standard deviation of the loss over seeds, by depth, pooled over all repeated settings.

    Depths of which nothing was repeated get that of the deepest that was.
    """
    same = runs.groupby([*_SAME, "peak"], dropna=False).loss
    spread = pd.DataFrame({"variance": same.var(), "count": same.size()}).dropna().reset_index()
    weight = spread["count"] - 1
    pooled = (spread.variance * weight).groupby(spread.n_layers).sum()
    pooled = np.sqrt(pooled / weight.groupby(spread.n_layers).sum())
    return pooled.reindex(range(1, int(runs.n_layers.max()) + 1)).ffill()


def means(runs):
    """One row a setting, averaged over seeds, with the columns that fits want.

    Returns
    -------
    DataFrame
        kind, n_layers, params, tokens, loss, seeds and error (its standard error, from
        `seed_deviation`); for distilled runs also student_params, student_tokens, student_loss
        and the teacher's columns.
    """
    groups = runs.groupby(_SAME, dropna=False, sort=False)
    table = groups[_MEASURED].mean().reset_index()
    table["seeds"] = groups.size().to_numpy()
    deviation = table.n_layers.map(seed_deviation(runs))
    table["error"] = (deviation / np.sqrt(table.seeds)).astype(float)
    return table.assign(
        student_params=table.params, student_tokens=table.tokens, student_loss=table.loss
    )


def collapse(students, degree=3):
    """Whether students of one size and one amount of tokens depend on L_T alone (Figure 3).

    A polynomial in the teacher's loss is drawn through the means; then log N_T may help.

    Parameters
    ----------
    students : DataFrame
        Rows of `means`, of one student, with teacher_params.
    degree : int

    Returns
    -------
    Series: teachers, spread (standard deviation about the curve, relative to the loss), noise (the
    spread that seeds alone would give), slope and slope_error (nats a decade of N_T at equal
    teacher's loss), p (of a slope of zero, by a t test)
    """
    loss = students.student_loss.to_numpy(float)
    x = students.teacher_loss.to_numpy(float)
    free = len(loss) - degree - 2
    if free < 2:
        raise ValueError(f"students has {len(loss)} teachers; degree {degree} needs {degree + 4}")
    curve = np.vander((x - x.mean()) / x.std(), degree + 1)
    residual = loss - curve @ np.linalg.lstsq(curve, loss, rcond=None)[0]
    size = np.log10(students.teacher_params.to_numpy(float))
    wide = np.column_stack([size - size.mean(), curve])
    found = np.linalg.lstsq(wide, loss, rcond=None)[0]
    left = loss - wide @ found
    slope_error = np.sqrt(left @ left / free * np.linalg.inv(wide.T @ wide)[0, 0])
    return pd.Series(
        {
            "teachers": len(loss),
            "spread": np.sqrt(residual @ residual / (free + 1)) / loss.mean(),
            "noise": np.sqrt(np.mean(students.error**2)) / loss.mean(),
            "slope": found[0],
            "slope_error": slope_error,
            "p": 2 * stats.t.sf(abs(found[0]) / slope_error, free),
        }
    )
