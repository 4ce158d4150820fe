"""Distil, then supervise (Section D.5), or the other way round. Before any run.

Question. A student of 25 312 parameters reads 20 tokens a parameter of words. A share f of them
with the teacher alone, the rest with labels alone, in either order: is an order or a share better
than both ends, under a weak teacher (depth 1, loss 2.267) and a strong one (depth 3, 1.619)?

Runs. Seeds 0, 1, 2, one after another (time cuts from the end): both teachers, lambda 1 then 0 and
0 then 1, turned after 1/4, 1/2 and 3/4 of the steps (to a sixteenth); and lambda 0 and 1 all along.

Criteria. Each setting against the better end of its teacher, paired, t over seeds; Holm's
correction over the twelve. "Switching pays" if one is better after it. At equal FLOPs: labels are
given what a teacher's inference costs (f times its forward FLOPs) in tokens, by the exponent of
labels' loss in tokens from 10 to 50 tokens a parameter in data/runs/study.csv.

Prediction. Distil, then supervise is better than its reverse under the weak teacher, and ends
within 0.03 of labels alone; under the strong teacher no setting beats lambda = 1 throughout by more
than 0.01, and the last quarter on labels costs less than 0.02.
"""

from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from scalinglib.experiment.compare import interval
from scalinglib.study.designs import scaling
from scalinglib.study.model.distill import Objective
from scalinglib.study.run import by_ratio

DEPTH, RATIO, SEEDS = 2, 20, 3
TEACHERS = tuple(scaling.FULL.fixed_teachers()[i] for i in (0, 2))
SWITCHES = (0.25, 0.5, 0.75)
_OBJECTIVES = [Objective(0.0), Objective(1.0)]
_OBJECTIVES += [Objective(mixing, switch=at) for mixing, at in product((1.0, 0.0), SWITCHES)]
RUNS = [
    by_ratio(DEPTH, RATIO, seed=seed, teacher=teacher, objective=objective)
    for seed in range(SEEDS)
    for teacher, objective in product(TEACHERS, _OBJECTIVES)
    if teacher == TEACHERS[0] or objective != Objective(0.0)
]


ORDERS = {1.0: "distil first", 0.0: "supervise first"}


def by_share(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs by the share of their tokens under the teacher and its order; ends stand in both."""
    share = runs.switch.fillna(1.0).where(runs.mixing == 1, 1 - runs.switch.fillna(1.0))
    runs = runs.assign(share=share, order=runs.mixing.map(ORDERS))
    ends = runs[runs.switch.isna()]
    both = [
        ends[(ends.teacher_loss == loss) | (ends.mixing == 0)].assign(order=o, teacher_loss=loss)
        for loss in runs.teacher_loss.unique()
        for o in ORDERS.values()
    ]
    return pd.concat([runs[runs.switch.notna()], *both], ignore_index=True)


def judged(runs: pd.DataFrame) -> pd.DataFrame:
    """Each share and order against the better end of its teacher, paired by seed.

    - returns: teacher, teacher_loss, mixing (at first), switch, share (of the run under the
      teacher), seeds, loss, difference with its t interval (low, high), p, p_holm
    """
    ends = runs[runs.switch.isna()]
    labels = ends[ends.mixing == 0].set_index("seed").loss
    rows = []
    for teacher, own in runs.groupby("teacher"):
        taught = ends[(ends.teacher == teacher) & (ends.mixing == 1)].set_index("seed").loss
        end = min(labels, taught, key=lambda losses: losses.mean())
        for (mixing, at), some in own[own.switch.notna()].groupby(["mixing", "switch"]):
            above = (some.set_index("seed").loss - end).dropna()
            low, high = interval(above)
            row = (teacher, own.teacher_loss.iloc[0], mixing, at, at if mixing else 1 - at)
            p = stats.ttest_1samp(above, 0).pvalue if len(above) > 1 else np.nan
            rows.append((*row, len(above), some.loss.mean(), above.mean(), low, high, p))
    names = ["teacher", "teacher_loss", "mixing", "switch", "share", "seeds", "loss"]
    found = pd.DataFrame(rows, columns=[*names, "difference", "low", "high", "p"])
    order = found.p.rank(method="first")
    held = (found.p * (len(found) + 1 - order)).clip(upper=1)
    # Holm's: no smaller than that of any smaller p.
    found["p_holm"] = held[order.sort_values(kind="stable").index].cummax()
    return found


def worth_in_tokens(labels: pd.DataFrame, flops: float, own_flops: float) -> float:
    """Nats that labels' students gain from `flops` more, beside `own_flops`, spent on tokens.

    `labels` are runs of the size on labels around its tokens (tokens, loss): a power law in tokens.
    """
    slope, _ = np.polyfit(np.log(labels.tokens), np.log(labels.loss), 1)
    return float(labels.loss.median() * (1 - (1 + flops / own_flops) ** slope))


def at_equal_flops(runs: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Students that distilled first, beside labels that have the teacher's inference in tokens.

    `labels` are as for `worth_in_tokens`. Returns the rows of `by_share` under a teacher at first,
    with `above`: loss less that of labels of the same seed at equal FLOPs.
    """
    shares = by_share(runs)
    alone = runs[(runs.mixing == 0) & runs.switch.isna()].set_index("seed").loss
    first = shares[(shares.order == ORDERS[1.0]) & (shares.share > 0)]
    worth = [
        worth_in_tokens(labels, share * inference, own)
        for share, inference, own in zip(
            first.share, first.inference_flops, first.flops, strict=True
        )
    ]
    return first.assign(above=first.loss - first.seed.map(alone) + worth)
