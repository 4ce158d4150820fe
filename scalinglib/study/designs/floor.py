"""Does a distilled student end below what labels can give it? Laid down before any run.

Question. A student of 25 312 parameters (depth 2) on words, from labels, from the perfect teacher,
and from the strongest trained teacher whose inference two cores can pay (201 408 parameters, 20
tokens a parameter, loss 1.489; the one of 664 992 parameters and 1.438 would cost three times as
much as its student): where do the three end? Laws that say that distillation never stops paying put
the distilled student below the supervised floor, by 13 to 22 thousandths of a nat in the median.

What mathematics says. The expected loss under the perfect teacher is that under labels, so the best
weights are the same; no trained teacher can lead below them. So the difference of the best possible
students is 0 or more, and a difference that stays is one of optimisation, not of a law of floors.

Runs. For each seed 0, 1, ... 7, in this order: 100, 400 and 1000 tokens a parameter, each from
labels, perfect and trained teacher. Time cuts the list from its end, never a value. A seed shares
weights and data among the taught runs; those on labels turned out (after the first five runs) to
begin and read apart, as teachers do, so that a difference to labels is one of independent runs: its
interval holds, and is wider than that of a pair would be.

Criteria, of differences paired by seed (taught less labels), n seeds, quantiles of t:

1. At each ratio: mean and mean +- t(0.975, n - 1) sd / sqrt(n). At 1000 a teacher "still pays" if
   the interval lies below 0, "costs" if it lies above, else neither is told.
2. Extrapolation: each seed's differences at the three ratios M are fitted by delta + c M^-b, least
   squares, for b = 0.25, 0.5 and 1. "Ends below" if the interval of delta over seeds (t, n - 1)
   lies below 0 for all three b; "ends above" likewise; else "not told". The laws' 13 thousandths
   are excluded if for b = 0.5 and 1 the interval's lower end is above -0.013. Which b the data
   prefer (the least sum of squared residuals over all seeds) is said, and what it would give.
3. Floor: the labels' means at all their ratios of this student, here and in data/runs/study.csv
   from 20 tokens a parameter on, fitted by L + B M^-b. A taught student "has passed the labels'
   floor" if its loss at 1000 plus its half interval lies below L's 95% interval (from 2000 draws of
   seeds by ratio).
4. Forms: mean |measured less predicted difference| over the cells (ratio, teacher) of each form in
   data/fits/open_predictions.csv, which were fitted to data/runs/study.csv alone.

Prediction. By 2. not told for the perfect teacher, with delta within 0.01 of 0 at b = 0.5; the
trained teacher costs at 1000 or is within 0.01 of labels (bias and variance: -0.004; Equation 8:
-0.033), and ends above (t = 0.123 is near the student's own error of 0.2: it pulls it up).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize

from scalinglib.experiment.compare import interval
from scalinglib.study.designs import scaling
from scalinglib.study.run import PERFECT, by_ratio

DEPTH, RATIOS, SEEDS = 2, (100, 400, 1000), 8
TRAINED = scaling.FULL.fixed_teachers()[3]
RUNS = [
    by_ratio(DEPTH, ratio, seed=seed, teacher=teacher)
    for seed in range(SEEDS)
    for ratio in RATIOS
    for teacher in (None, PERFECT, TRAINED)
]

TEACHERS = {PERFECT: "perfect teacher", TRAINED.id: "trained teacher"}
POWERS = (0.25, 0.5, 1.0)  # b of delta + c M^-b


def pairs(runs: pd.DataFrame) -> pd.DataFrame:
    """Taught students beside their twins on labels: ratio, teacher, seed, loss, difference."""
    runs = runs.assign(ratio=(runs.tokens / runs.params).round().astype(int))
    labels = runs[runs.kind == "supervised"].set_index(["ratio", "seed"]).loss
    taught = runs[runs.kind == "distilled"].join(
        labels.rename("labels"), on=["ratio", "seed"], how="inner"
    )
    taught = taught.assign(difference=taught.loss - taught.labels)
    return taught[["ratio", "teacher", "seed", "loss", "difference"]]


def summary(paired: pd.DataFrame) -> pd.DataFrame:
    """Criterion 1: means of `pairs` with their t intervals; the verdict on each."""
    groups = paired.groupby(["teacher", "ratio"])
    found = groups.difference.agg(seeds="size", difference="mean", sd="std").reset_index()
    found["low"], found["high"] = zip(*groups.difference.apply(interval), strict=True)
    words = np.select([found.high < 0, found.low > 0], ["still pays", "costs"], "not told")
    return found.assign(verdict=words)


def extrapolated(paired: pd.DataFrame) -> pd.DataFrame:
    """Criterion 2: delta of delta + c M^-b, seed by seed, for each b of `POWERS`."""
    rows = []
    for teacher, group in paired.groupby("teacher"):
        wide = group.pivot_table(index="seed", columns="ratio", values="difference")
        wide = wide.reindex(columns=RATIOS).dropna()
        if len(wide) < 2:  # no interval
            continue
        for power in POWERS:
            design = np.vander(wide.columns.to_numpy(float) ** -power, 2)  # M^-b, 1
            found, *_ = np.linalg.lstsq(design, wide.T, rcond=None)
            left = wide.T - design @ found
            low, high = interval(found[1])
            residual = float((left.to_numpy() ** 2).sum())
            rows.append((teacher, power, len(wide), found[1].mean(), low, high, residual))
    columns = ["teacher", "power", "seeds", "delta", "low", "high", "residual"]
    return pd.DataFrame(rows, columns=columns)


class Floor(NamedTuple):
    """What labels are heading for, by L + B M^-b: L with the ends of its 95% interval, and b."""

    loss: float
    low: float
    high: float
    power: float


def labels_floor(labels: pd.DataFrame, draws: int = 2000, least: float = 20) -> Floor:
    """Criterion 3, of runs on labels of one size (tokens, params, seed, loss), by drawn seeds."""
    ratio = labels.tokens / labels.params
    groups = [g.to_numpy() for _, g in labels.loss[ratio > least - 1].groupby(ratio.round())]
    ratios = np.sort(ratio[ratio > least - 1].round().unique())

    def floor(means):
        def worst(power):
            design = np.vander(ratios**-power, 2)
            found, *_ = np.linalg.lstsq(design, means, rcond=None)
            return np.sum((design @ found - means) ** 2), found[1]

        power = optimize.minimize_scalar(
            lambda b: worst(b)[0], bounds=(0.02, 2), method="bounded"
        ).x
        return worst(power)[1], power

    rng = np.random.default_rng(0)
    # A ratio with one seed has the noise of the others: pooled residuals, drawn about its mean.
    left = np.concatenate([(g - g.mean()) * np.sqrt(len(g) / max(len(g) - 1, 1)) for g in groups])
    left = left[np.abs(left) > 0]
    drawn = [
        floor(np.array([g.mean() + rng.choice(left, len(g)).mean() for g in groups]))[0]
        for _ in range(draws)
    ]
    loss, power = floor(np.array([g.mean() for g in groups]))
    return Floor(loss, *np.quantile(drawn, [0.025, 0.975]), power)
