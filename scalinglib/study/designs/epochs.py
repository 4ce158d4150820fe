"""Whether a teacher lets a student read its text more often, where tokens are few.

Question, criteria and prediction were laid down before any run: data/runs/README.md.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import optimize

from scalinglib.experiment.compare import against
from scalinglib.study.corpora.base import N_CTX, stream
from scalinglib.study.corpora.repeated import Repeated
from scalinglib.study.designs import scaling
from scalinglib.study.model.distill import Objective
from scalinglib.study.run import by_ratio

DEPTH, UNIQUE, EPOCHS, SEEDS = 2, (1.25, 5), (1, 2, 4, 8, 16), 3
MIXING, TEMPERATURES = (0.0, 0.7, 1.0), (0.5, 2.0)
WORDS_TEACHER, TEXT_TEACHER = (study.fixed_teachers()[2] for study in (scaling.FULL, scaling.TEXT))
_POOLS = 100  # a stream of windows apart from those of seeds


def unique(corpus, ratio, seed):
    """A corpus of which students have so many tokens a parameter and no more."""
    windows = by_ratio(DEPTH, ratio).tokens // corpus.n_ctx
    rng = stream("student", seed, _POOLS)
    return Repeated(corpus, corpus.sample("student", rng, windows))


def runs(teacher):
    """Seed by seed, on the teacher's corpus; real text has to be at hand."""
    return [run for seed in range(SEEDS) for run in _of_seed(teacher, seed)]


def _of_seed(teacher, seed):
    def read(corpus, ratio, objective):
        options = {"corpus": corpus, "teacher": teacher, "objective": objective}
        return by_ratio(DEPTH, ratio, seed=seed, **options)

    plain = [Objective(mixing) for mixing in MIXING]
    hot = [replace(Objective(), temperature=temperature) for temperature in TEMPERATURES]
    repeated = [
        read(unique(teacher.corpus, ratio, seed), k * ratio, objective)
        for ratio in UNIQUE
        for k in EPOCHS
        for objective in plain + (hot if ratio == UNIQUE[0] and k in (1, EPOCHS[-1]) else [])
    ]
    fresh = sorted({k * ratio for ratio in UNIQUE for k in EPOCHS})
    return repeated + [
        read(teacher.corpus, ratio, objective) for ratio in fresh for objective in plain
    ]


RUNS = runs(WORDS_TEACHER)


def costs(runs: pd.DataFrame) -> pd.DataFrame:
    """What reading again costs beside fresh tokens, by seed, arm, unique tokens and epochs.

    `runs` have a corpus; students at one temperature. Returns mixing, seed, unique (tokens a
    parameter), epochs, tokens, loss, cost.
    """
    key, repeated = ["mixing", "seed", "tokens"], _repeated(runs)
    fresh = runs[~repeated].set_index(key).loss.rename("fresh")
    again = runs[repeated].join(fresh, on=key, how="inner")
    count = again.corpus.str.split("-").str[-2].astype(int) * N_CTX
    found = again.assign(
        unique=(count / again.params).round(2),
        epochs=(again.tokens / count).round().astype(int),
        cost=again.loss - again.fresh,
    )
    return found[["mixing", "seed", "unique", "epochs", "params", "tokens", "loss", "cost"]]


def _repeated(runs):
    """Whose text is of counted windows: the corpus's name, their number, what they are."""
    return runs.corpus.str.fullmatch(r".+-\d+-[0-9a-f]{12}")


def stretch(runs: pd.DataFrame) -> pd.Series:
    """R_D of each arm (by mixing): how many epochs' worth of fresh tokens repetition can give."""
    again, found = costs(runs), {}
    for mixing, own in again[again.epochs > 1].groupby("mixing"):
        fresh = runs[~_repeated(runs) & (runs.mixing == mixing)]
        curve = np.log(fresh.groupby("tokens").loss.mean())
        mean = own.groupby(["unique", "epochs", "params"]).loss.mean().reset_index()

        def worst(log_r, mean=mean, curve=curve):
            r, held = np.exp(log_r), mean.unique * mean.params
            worth = held * (1 + r * -np.expm1(-(mean.epochs - 1) / r))
            told = np.interp(np.log(worth), np.log(curve.index), curve)
            return np.sum((told - np.log(mean.loss)) ** 2)

        ends = np.log([0.05, 500])
        found[mixing] = np.exp(optimize.minimize_scalar(worst, bounds=ends, method="bounded").x)
    return pd.Series(found, name="R_D").rename_axis("mixing")


def temperatures(runs: pd.DataFrame) -> pd.DataFrame:
    """Each temperature against 1 on the same repeated windows, by tokens read; see `against`."""
    hot = runs[runs.temperature != 1]
    taught = runs[(runs.mixing == 1) & runs.corpus.isin(hot.corpus) & runs.tokens.isin(hot.tokens)]
    count = taught.groupby(["tokens", "seed"]).loss.transform("size")
    whole = taught[count == 1 + len(TEMPERATURES)]  # of seeds that time did not cut
    judged = whole.groupby("tokens").apply(against, "temperature", 1.0, include_groups=False)
    return judged.reset_index("tokens").reset_index(drop=True)
