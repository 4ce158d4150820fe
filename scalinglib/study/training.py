"""A run, trained and measured: its teacher, its weights, what they know, and the code's version."""

import hashlib
import inspect
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from scalinglib import flops
from scalinglib.study.corpora import base, text, tokenizer, words
from scalinglib.study.corpora.base import Corpus, divergence, stream
from scalinglib.study.model import distill, recipe, teachers, train, transformer
from scalinglib.study.model.teachers import Model, Teacher, Truth
from scalinglib.study.model.transformer import Params
from scalinglib.study.run import Run

EVALUATED = 65536  # tokens of the evaluation split
ENTRIES = 2**20  # probabilities in float64 that are judged at once


def teacher_of(r: Run, given: Mapping[str, Params]) -> Teacher | None:
    """A run's teacher as a function of windows, from weights by key; None without one."""
    if r.needs:
        return Model(*(given[t.key] for t in r.needs))
    return None if r.teacher is None else Truth(r.corpus)


def trained(r: Run, teacher: Teacher | None = None, folder: str | Path | None = None) -> Params:
    """Weights of one run, trained but not measured; its teacher is from `teacher_of`."""
    params = train.train(
        r.architecture,
        r.corpus,
        r.tokens,
        seed=r.seed,
        split="teacher" if r.teacher is None else "student",
        teacher=teacher,
        objective=r.objective,
        recipe=r.recipe,
        checkpoint=folder and train.Checkpoint(folder, f"{r.id}-{code()}"),
    )
    return jax.tree.map(np.asarray, params)


def evaluate(params: Params, corpus: Corpus, teacher: Teacher | None = None) -> dict[str, float]:
    """What a model of these weights has learnt; see `score`."""
    return score(Model(params), corpus, teacher)


def score(model: Teacher, corpus: Corpus, teacher: Teacher | None = None) -> dict[str, float]:
    """What a model has learnt, on windows of the evaluation split that are the same for all.

    - returns: what the corpus's `score` gives, loss (nats per token) and accuracy among it, and
      kl_teacher (KL(teacher || model), NaN without a teacher)
    - raises FloatingPointError: if the loss is not finite.
    """
    rng = stream("evaluation", 0)
    size = max(1, min(EVALUATED // 2, ENTRIES // corpus.n_vocab) // corpus.n_ctx)
    pieces = max(1, EVALUATED // (size * corpus.n_ctx))
    measured = [
        _score(model, corpus, teacher, corpus.sample("evaluation", rng, size))
        for _ in range(pieces)
    ]
    found = {name: np.mean([m[name] for m in measured]) for name in measured[0]}
    if not np.isfinite(found["loss"]):
        raise FloatingPointError(f"the loss is {found['loss']}: training diverged")
    return found


def _score(model, corpus, teacher, windows):
    own = _by_window(model(windows), windows)
    kl = np.nan
    if teacher is not None:
        kl = divergence(np.exp(_by_window(teacher(windows), windows)), own)
    return corpus.score(own, windows) | {"kl_teacher": kl}


def _by_window(log_probs: jax.Array, windows: np.ndarray) -> np.ndarray:
    """(n_vocab, columns) as (windows, n_ctx, n_vocab) in float64."""
    log_probs = np.asarray(log_probs, dtype=float)
    return log_probs.T.reshape(len(windows), -1, len(log_probs))


@cache
def code() -> str:
    """Version of the package, and a hash of the source that decides a run's outcome."""
    modules = base, words, tokenizer, text, transformer, flops
    modules += distill, recipe, train, teachers
    told = "".join(map(inspect.getsource, modules))
    return f"{version('scalinglib')}+{hashlib.sha256(told.encode()).hexdigest()[:8]}"
