"""Whether a distilled student ends below what labels can give it.

Question, criteria and prediction were laid down before any run: data/runs/README.md.
"""

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


def labels_floor(labels: pd.DataFrame, draws: int = 2000) -> pd.Series:
    """Criterion 3: what labels of one size are heading for, by L + B M^-b, by drawn seeds.

    - labels: tokens, params, seed, loss.
    - returns: loss (L), low and high (ends of its 95% interval), power (b)
    """
    ratio = labels.tokens / labels.params
    ratio = ratio.round().to_numpy()
    kept = ratio >= 20
    groups = [g.to_numpy() for _, g in labels.loss[kept].groupby(ratio[kept])]
    ratios = np.unique(ratio[kept])

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
    ends = np.quantile(drawn, [0.025, 0.975])
    return pd.Series([loss, *ends, power], ["loss", "low", "high", "power"])
