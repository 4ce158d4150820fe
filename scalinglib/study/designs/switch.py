"""Distil, then supervise (Section D.5), or the other way round.

Question, criteria and prediction were laid down before any run: data/runs/README.md.
"""

from itertools import product

import numpy as np
import pandas as pd

from scalinglib.experiment.compare import against, paired
from scalinglib.study.designs import scaling
from scalinglib.study.designs.practice import mixed
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


def _under_each(runs):
    """The runs, those on labels throughout once for each teacher."""
    ends = runs.switch.isna()
    return pd.concat([runs[~ends], mixed(runs[ends])], ignore_index=True)


def by_share(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs by the share of their tokens under the teacher and its order; ends stand in both."""
    rows = _under_each(runs)
    turn = rows.switch.fillna(1.0)
    rows = rows.assign(share=turn.where(rows.mixing == 1, 1 - turn), order=rows.mixing.map(ORDERS))
    ends = rows[rows.switch.isna()]
    both = [ends.assign(order=order) for order in ORDERS.values()]
    return pd.concat([rows[rows.switch.notna()], *both], ignore_index=True)


def judged(runs: pd.DataFrame) -> pd.DataFrame:
    """Each share and order against the better end of its teacher, paired by seed.

    - returns: teacher_loss, mixing (at first), switch, share (of the run under the
      teacher), and the columns of `compare.against`, with p_holm
    """
    rows = _under_each(runs)
    rows["setting"] = rows.switch.fillna(1.0).where(rows.mixing == 1, -rows.switch.fillna(1.0))
    found = []
    for loss, own in rows.groupby("teacher_loss"):
        end = paired(own, "setting")[[-1.0, 1.0]].mean().idxmin()
        found.append(against(own, "setting", end).assign(teacher_loss=loss))
    found = pd.concat(found, ignore_index=True).query("abs(setting) < 1")
    at = found.setting.abs()
    found = found.assign(mixing=(found.setting > 0) * 1.0, switch=at)
    found["share"] = at.where(found.setting > 0, 1 - at)
    order = found.p.rank(method="first")
    held = (found.p * (len(found) + 1 - order)).clip(upper=1)
    # Holm's: no smaller than that of any smaller p.
    found["p_holm"] = held[order.sort_values(kind="stable").index].cummax()
    return found.drop(columns="setting").reset_index(drop=True)


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
