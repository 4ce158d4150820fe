"""How much of the labels to mix in (lambda), by teacher, student and tokens.

Question, criteria and prediction were laid down before any run: data/runs/README.md.
"""

from itertools import product

import numpy as np
import pandas as pd
from scipy import optimize

from scalinglib.laws.mixing import best_mixing, correlation_of, mixed_loss
from scalinglib.study.designs import scaling
from scalinglib.study.designs.practice import mixed
from scalinglib.study.model.distill import Objective
from scalinglib.study.run import PERFECT, WORDS, by_ratio

MIXING = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
TEXT = scaling.TEXT.corpus
STUDENTS = tuple(product((1,), (5, 20, 80))) + tuple(product((2,), (5, 10, 20)))
STUDENTS += tuple(product((3,), (1, 2, 5)))
_WEAKEST_FIRST = ((1, 5), (1, 20), (2, 5), (2, 20), (3, 20))
TEACHERS = (*(by_ratio(depth, ratio) for depth, ratio in _WEAKEST_FIRST), PERFECT)
TEXT_STUDENTS = tuple(product((1, 2), (5, 20)))
TEXT_TEACHERS = tuple(
    by_ratio(depth, ratio, corpus=TEXT) for depth, ratio in ((1, 5), (1, 20), (2, 20), (3, 20))
)


def _runs(students, teachers, corpus, seeds=2):
    """Seed by seed; lambda = 0 once for all teachers, beside the first."""
    return [
        by_ratio(
            depth, ratio, seed=seed, corpus=corpus, teacher=teacher, objective=Objective(mixing)
        )
        for seed in range(seeds)
        for depth, ratio in students
        for teacher, mixing in product(teachers, MIXING)
        if mixing or teacher == teachers[0]
    ]


RUNS = _runs(STUDENTS, TEACHERS, WORDS)
TEXT_RUNS = _runs(TEXT_STUDENTS, TEXT_TEACHERS, TEXT)

STUDENT, CELL = ["params", "tokens"], ["params", "tokens", "teacher"]


def cells(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over the seeds that have all of lambda, by student, teacher and lambda.

    - returns: params, tokens, teacher, teacher_loss, mixing, seeds, loss, and of the same seeds
      labels and taught (the losses at lambda 0 and 1)
    """
    wide = (
        mixed(runs, "teacher")
        .pivot_table(index=[*CELL, "seed"], columns="mixing", values="loss")
        .dropna()
    )
    means = wide.groupby(CELL).mean().reset_index()
    found = means.melt(CELL, var_name="mixing", value_name="loss").astype({"mixing": float})
    found = found.join(wide.groupby(CELL).size().rename("seeds"), on=CELL)
    ends = wide[[0.0, 1.0]].groupby(CELL).mean().set_axis(["labels", "taught"], axis=1)
    teachers = runs[runs.mixing > 0].groupby("teacher").teacher_loss.first()
    return found.join(ends, on=CELL).join(teachers, on="teacher")


def pair_noise(runs: pd.DataFrame) -> pd.Series:
    """Standard deviation over seeds of a loss less the one at lambda = 1, pooled by size."""
    taught = runs[runs.mixing == 1].set_index([*CELL, "seed"]).loss.rename("one")
    inner = runs[(runs.mixing > 0) & (runs.mixing < 1)].join(taught, on=[*CELL, "seed"])
    inner = inner.assign(difference=inner.loss - inner.one)
    spread = inner.groupby([*CELL, "mixing"]).difference.agg(["var", "size"]).reset_index()
    spread = spread[spread["size"] > 1]
    squares = (spread["var"] * (spread["size"] - 1)).groupby(spread.params).sum()
    return np.sqrt(squares / (spread["size"] - 1).groupby(spread.params).sum())


def left_out(found: pd.DataFrame, entropy: float, share: pd.Series | None = None) -> pd.DataFrame:
    """Criterion 1: what each rival foretells of a teacher's cells from all other teachers'.

    - found: from `cells`; other columns stay
    - entropy: nats per token
    - share: phi by row of `found`, for M2, or None
    - returns: the rows with lambda inside, with columns M, L, c, and where they can be had T (if
      there is the perfect teacher) and M2
    """
    inner = found[(found.mixing > 0) & (found.mixing < 1)]
    parts = []
    for teacher, part in inner.groupby("teacher"):
        others = inner[inner.teacher != teacher]
        columns = (part.labels, part.taught, part.mixing)
        known = (others.labels, others.taught, others.mixing, others.loss)
        c = correlation_of(*known, entropy)
        line = (1 - part.mixing) * part.labels + part.mixing * part.taught
        new = {"c": c, "M": mixed_loss(*columns, entropy, min(c, 1.0)), "L": line}
        if share is not None:
            new["M2"] = _two_coefficients(others, part, share, entropy)
        if PERFECT in set(found.teacher):
            new["T"] = _target(found, part, entropy)(_target_power(found, others, entropy))
        parts.append(part.assign(**new))
    return pd.concat(parts)


def _two_coefficients(others, part, share, entropy):
    """M with c = c0 - c1 phi, fitted to the others."""

    def terms(rows):
        first, second = np.sqrt(rows.labels - entropy), np.sqrt(rows.taught - entropy)
        left = 1 - rows.mixing
        return (left * first) ** 2 + (
            rows.mixing * second
        ) ** 2, 2 * left * rows.mixing * first * second

    squares, slope = terms(others)
    design = np.column_stack([slope, -slope * share.loc[others.index]])
    c, *_ = np.linalg.lstsq(design, others.loss - entropy - squares, rcond=None)
    squares, slope = terms(part)
    return entropy + squares + slope * np.clip(c[0] - c[1] * share.loc[part.index], -1, 1)


def _target_power(found, others, entropy):
    told, measured = _target(found, others, entropy), others.loss.to_numpy()

    def squares(power):
        return np.sum((told(power) - measured) ** 2)

    return optimize.minimize_scalar(squares, bounds=(0.1, 6), method="bounded").x


def _target(found, rows, entropy):
    """Rival T, of its power: losses under teachers between the measured ones, at t lambda^power."""
    taught = found[found.mixing == 1].sort_values("teacher_loss", kind="stable").groupby(STUDENT)
    curves = {key: own[["teacher_loss", "taught"]].to_numpy().T for key, own in taught}
    parts = []
    for key, where in rows.groupby(STUDENT).indices.items():
        shares, loss, labels = rows[["mixing", "teacher_loss", "labels"]].to_numpy()[where].T
        x, y = curves[key]
        noise = (1 - shares) ** 2 * (labels - y[0])  # what labels cost beside the perfect teacher
        parts.append((where, shares, np.maximum(loss - entropy, 0), noise, x - entropy, y))

    def losses(power):
        told = np.empty(len(rows))
        for where, shares, t, noise, x, y in parts:
            told[where] = np.interp(t * shares**power, x, y) + noise
        return told

    return losses


def choices(found: pd.DataFrame, entropy: float, noise: pd.Series) -> pd.DataFrame:
    """Criteria 2 and 3: the best lambda of each cell, and what rules would have had.

    `noise` is from `pair_noise`; a size that it lacks has the largest of the others.

    - returns: a row a cell: best (measured, on the grid), told, law (lambda* of M, c from the other
      teachers' cells), near (the grid's next), steps (of the grid from best), gain (loss at near
      less that at lambda = 1), and regrets, nats above the least of the grid: law_regret,
      teacher_regret, ends_regret, always_regret (0.9)
    """
    wide = found.pivot_table(index=CELL, columns="mixing", values="loss")
    grid, above = wide.columns.to_numpy(), wide.sub(wide.min(axis=1), axis=0)
    cells = found.groupby(CELL).teacher_loss.first().to_frame()
    best = wide.to_numpy().argmin(axis=1)
    # How much worse the better end is that is not the best itself.
    ends = above[[0.0, 1.0]].where(wide.columns[best].to_numpy()[:, None] != [0.0, 1.0])
    size = wide.index.get_level_values("params").map(noise).to_series(wide.index)
    c = left_out(found, entropy).groupby(CELL).c.first().loc[wide.index].clip(upper=1.0)
    law = best_mixing(wide[0.0], wide[1.0], entropy, c)
    near = np.abs(np.subtract.outer(law, grid)).argmin(axis=1)
    chosen = np.take_along_axis(wide.to_numpy(), near[:, None], axis=1)[:, 0]
    return cells.assign(
        best=grid[best],
        told=ends.min(axis=1) > 2 * size.fillna(noise.max()),
        law=law,
        near=grid[near],
        steps=np.abs(near - best),
        gain=chosen - wide[1.0],
        law_regret=chosen - wide.min(axis=1),
        teacher_regret=above[1.0],
        ends_regret=above[[0.0, 1.0]].min(axis=1),
        always_regret=above[0.9],
    ).reset_index()


def regret(found: pd.DataFrame, shares: pd.Series) -> pd.Series:
    """Nats above the least measured loss, by cell, at the grid's lambda next to given ones."""
    wide = found.pivot_table(index=CELL, columns="mixing", values="loss")
    wide = wide.loc[wide.index.intersection(shares.index)]
    places = np.abs(np.subtract.outer(shares[wide.index].to_numpy(), wide.columns)).argmin(axis=1)
    chosen = np.take_along_axis(wide.to_numpy(), places[:, None], axis=1)[:, 0]
    return pd.Series(chosen - wide.min(axis=1), wide.index)
