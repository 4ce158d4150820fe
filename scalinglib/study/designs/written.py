"""Sequence-level distillation: students of what a teacher wrote (Kim and Rush).

Question, criteria and prediction were laid down before any run: data/runs/README.md.
"""

import numpy as np
import pandas as pd

from scalinglib.experiment import weights
from scalinglib.study.corpora.base import stream
from scalinglib.study.corpora.repeated import Repeated
from scalinglib.study.designs import scaling
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.teachers import log_probabilities
from scalinglib.study.run import WORDS, by_ratio

DEPTH, RATIO, SEEDS = 2, 5, 3
TEACHERS = scaling.FULL.fixed_teachers()[:3]
_POOLS = 200  # a stream of windows apart from those of seeds


def write(params, windows, rng):
    """Windows that a model writes, (windows, n_ctx + 1): each begins with a space."""
    # A number of windows that has divisors, in which they go through the model at once.
    written = np.zeros((-windows // 64 * -64, WORDS.n_ctx + 1), dtype=np.uint8)
    uniform = rng.random((WORDS.n_ctx, windows))
    for t in range(WORDS.n_ctx):
        seen = 16 * (t // 16 + 1)  # positions that a model reads: of few lengths, compiled each
        log_probs = np.asarray(log_probabilities(params, written[:, : seen + 1]))
        told = log_probs.reshape(WORDS.n_vocab, len(written), -1)[:, :windows, t]
        told = np.cumsum(np.exp(told, dtype=float), axis=0)
        written[:windows, t + 1] = np.sum(uniform[t] * told[-1] >= told, axis=0)
    return written[:windows]


def runs(folder):
    """The runs, on text that the teachers write whose weights lie in `folder`."""
    count = by_ratio(DEPTH, RATIO).tokens // WORDS.n_ctx
    found = []
    for seed in range(SEEDS):
        rng = stream("student", seed, _POOLS)
        real = WORDS.sample("student", rng, count)

        def read(windows, teacher, mixing, seed=seed):
            options = {"corpus": Repeated(WORDS, windows), "objective": Objective(mixing)}
            return by_ratio(DEPTH, RATIO, seed=seed, teacher=teacher, **options)

        found.append(read(real, TEACHERS[0], 0.0))
        for teacher in TEACHERS:
            own = write(weights.load(folder, teacher.key, teacher.shapes), count, rng)
            half = np.concatenate([real[::2], own[1::2]])
            found += [read(windows, teacher, 0.0) for windows in (own, half)]
            found += [read(windows, teacher, 1.0) for windows in (own, real)]
    return found


ARMS = {  # text and lambda in words
    ("real", 0.0): "real symbols",
    ("half written", 0.0): "half real, half written symbols",
    ("written", 0.0): "written symbols",
    ("written", 1.0): "distributions on written text",
    ("real", 1.0): "distributions on real text",
}


def arms(rows: pd.DataFrame) -> pd.DataFrame:
    """The table of runs with a column `arm`, a value of `ARMS`, from who taught what.

    All teachers teach on a seed's real text, one on what it wrote, in both ways, and on a half.
    """
    corpora = rows.groupby("corpus")
    teachers, ways = corpora.teacher.nunique(), corpora.mixing.nunique()
    kinds = np.select([teachers > 1, ways > 1], ["real", "written"], "half written")
    text = rows.corpus.map(dict(zip(teachers.index, kinds, strict=True)))
    return rows.assign(arm=[ARMS[key] for key in zip(text, rows.mixing, strict=True)])
