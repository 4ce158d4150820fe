"""Whether a distilled student ends below what labels can give it.

Question, criteria and prediction were laid down before any run: data/runs/README.md.
"""

import numpy as np
import pandas as pd
from scipy import optimize

from scalinglib.experiment.compare import interval
from scalinglib.study.designs import scaling
from scalinglib.study.run import PERFECT, by_ratio

DEPTH, RATIOS, SEEDS = 2, (100, 400, 1000, 3000), 8  # the last ratio was added later
TRAINED = scaling.FULL.fixed_teachers()[3]
RUNS = [
    by_ratio(DEPTH, ratio, seed=seed, teacher=teacher)
    for ratios in (RATIOS[:-1], RATIOS[-1:])
    for seed in range(SEEDS)
    for ratio in ratios
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


def extrapolated(paired: pd.DataFrame, ratios: tuple[int, ...] = RATIOS) -> pd.DataFrame:
    """Criterion 2: delta of delta + c M^-b, seed by seed, for each b of `POWERS`.

    - ratios: to which it is fitted, of the seeds that have them all.
    - returns: teacher, power, seeds; delta with its interval; residual (sum of squares); where the
      last of `RATIOS` is not fitted, also off (measured there less foretold) with its interval.
    """
    rows = []
    for teacher, group in paired.groupby("teacher"):
        wide = group.pivot_table(index="seed", columns="ratio", values="difference")
        wide = wide.reindex(columns=RATIOS).dropna()
        if len(wide) < 2:  # no interval
            continue
        fitted = wide[[*ratios]].T.to_numpy()
        for power in POWERS:
            terms = np.vander(np.array(RATIOS, float) ** -power, 2)  # M^-b, 1
            design = terms[np.isin(RATIOS, ratios)]
            found, *_ = np.linalg.lstsq(design, fitted, rcond=None)
            row = {"teacher": teacher, "power": power, "seeds": len(wide)}
            row["delta"] = found[1].mean()
            row["low"], row["high"] = interval(found[1])
            row["residual"] = float(((fitted - design @ found) ** 2).sum())
            if RATIOS[-1] not in ratios:
                off = wide[RATIOS[-1]] - terms[-1] @ found
                row["off"], (row["off_low"], row["off_high"]) = off.mean(), interval(off)
            rows.append(row)
    return pd.DataFrame(rows)


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
