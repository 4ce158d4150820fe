"""What the study's runs say: means over seeds, and whether the teacher's loss says it all."""

import numpy as np
import pandas as pd
from scipy import stats

from scalinglib.fit import isoflop_minimum
from scalinglib.study.run import PERFECT, by_flops, size

__all__ = [
    "against_labels",
    "at_budgets",
    "collapse",
    "decomposed",
    "falls_back",
    "kl_rises",
    "means",
    "overtakers",
    "profile_minimum",
    "seed_deviation",
    "teacher_budgets",
    "tokens_on",
]

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


def decomposed(log_truth, log_teacher, log_student):
    """KL(p, S) = t + K + X in every context: of truth p, teacher T and student S.

    Parameters
    ----------
    log_truth, log_teacher, log_student : float64 arrays (..., n_vocab)
        Log-probabilities; the truth's may be -inf, where a symbol cannot follow.

    Returns
    -------
    dict of arrays (...), nats: t (KL(p, T)), K (KL(T, S)) and the cross term X, each from its own
    sum

    Raises
    ------
    ValueError
        If a model excludes a symbol: its divergence is infinite, or X is not defined.
    """
    for name, given in (("log_teacher", log_teacher), ("log_student", log_student)):
        if not np.isfinite(given).all():
            bad = given[~np.isfinite(given)][0]
            raise ValueError(f"{name} holds {bad}; all of it must be finite")
    truth, teacher = np.exp(log_truth), np.exp(log_teacher)
    behind = np.subtract(log_truth, log_teacher, out=np.zeros_like(truth), where=truth > 0)
    apart = log_teacher - log_student
    return {
        "t": np.sum(truth * behind, axis=-1),
        "K": np.sum(teacher * apart, axis=-1),
        "X": np.sum((truth - teacher) * apart, axis=-1),
    }


def at_budgets(table, budgets):
    """Rows of `table` on (budget, depth) pairs, in order of size, with a column `budget`."""
    runs = [(flops, by_flops(depth, flops)) for flops, depth in budgets]
    keys = pd.DataFrame(
        [(flops, r.n_layers, r.tokens) for flops, r in runs],
        columns=["budget", "n_layers", "tokens"],
    )
    return keys.merge(table).sort_values("params", kind="stable")


def against_labels(table):
    """Distilled rows of `means` beside the supervised rows of the same size and tokens.

    Returns
    -------
    DataFrame
        The distilled rows that have such a twin, and: loss_labels, error_labels, difference (loss
        less loss_labels, nats), difference_error (its standard error)
    """
    labels = table[table.kind == "supervised"][["params", "tokens", "loss", "error"]]
    labels = labels.rename(columns={"loss": "loss_labels", "error": "error_labels"})
    versus = table[table.kind == "distilled"].merge(labels, on=["params", "tokens"])
    return versus.assign(
        difference=versus.loss - versus.loss_labels,
        difference_error=np.hypot(versus.error, versus.error_labels),
    )


def teacher_budgets(design):
    """FLOPs of each teacher on an IsoFLOP profile of a `Design`, by the teacher's id."""
    return {
        by_flops(depth, flops).id: flops
        for flops, depths, _ in design.isoflop
        if flops in design.isoflop_teachers
        for depth in depths
    }


def profile_minimum(profile, sizes="params"):
    """Size and loss at the minimum of an IsoFLOP profile's parabola.

    Parameters
    ----------
    profile : DataFrame
        Rows of one budget with loss and the column that `sizes` names.
    sizes : str

    Returns
    -------
    Series: at (size), loss, seen (False where the profile has no minimum inside: size and loss are
    then those of its best run)
    """
    try:
        found = [*isoflop_minimum(profile[sizes], profile.loss), True]
    except ValueError:
        best = profile.loc[profile.loss.idxmin()]
        found = [best[sizes], best.loss, False]
    return pd.Series(found, ["at", "loss", "seen"])


def kl_rises(table):
    """How often KL(teacher || student) rises from each trained teacher to the next better one.

    Returns
    -------
    dict: students (kinds of them), always (share with a rise at every step), steps (share of all)
    """
    ordered = table[table.teacher != PERFECT].sort_values(
        "teacher_loss", ascending=False, kind="stable"
    )
    steps = ordered.groupby(["params", "tokens"]).kl_teacher.diff().dropna() > 0
    always = steps.groupby([ordered.params, ordered.tokens]).all()
    return {"students": len(always), "always": always.mean(), "steps": steps.mean()}


def overtakers(runs, within=0.005):
    """Settings whose loss is at most `within` nats above their teacher's (Section E.7).

    So near their teacher seeds agree far better than elsewhere: the error is from the spread of
    these settings over their own seeds, pooled by depth.

    Returns
    -------
    DataFrame: teacher, teacher_loss, n_layers, params, tokens, excess (student less teacher),
    seeds, error, below (by more than two standard errors)
    """
    close = runs[runs.kind == "distilled"]
    close = close.assign(excess=close.loss - close.teacher_loss)
    near = close.groupby(["teacher", "n_layers", "params", "tokens"]).excess
    near = near.agg(excess="mean", variance="var", seeds="size").reset_index()
    near["teacher_loss"] = near.teacher.map(close.groupby("teacher").teacher_loss.first())
    near = near[near.excess < within]
    freedom = (near.seeds - 1).where(near.variance.notna(), 0)
    pooled = (near.variance * freedom).groupby(near.n_layers).sum()
    pooled = pooled / freedom.groupby(near.n_layers).sum()
    depths = range(1, int(near.n_layers.max()) + 1)
    near["error"] = np.sqrt(near.n_layers.map(pooled.reindex(depths).ffill()) / near.seeds)
    near["below"] = near.excess < -2 * near.error
    return near.drop(columns="variance")


def falls_back(part):
    """Rise of one student's excess past its minimum over tokens, and its standard error.

    `part` holds rows of `overtakers` that differ in tokens alone.
    """
    part = part.sort_values("tokens", kind="stable")
    least, last = part.loc[part.excess.idxmin()], part.iloc[-1]
    found = {"tokens_least": least.tokens, "least": least.excess, "tokens_last": last.tokens}
    error = np.hypot(least.error, last.error)
    rise = last.excess - least.excess
    return pd.Series(found | {"last": last.excess, "rise": rise, "error": error})


def tokens_on(budget, params):
    """Tokens that a budget (FLOPs) buys a size between two depths, FLOPs a token log-linear."""
    models = [size(depth) for depth in range(1, 8)]
    costs = np.log([3 * model.approximate_forward_flops for model in models])
    return budget / np.exp(np.interp(np.log(params), np.log([m.params for m in models]), costs))
