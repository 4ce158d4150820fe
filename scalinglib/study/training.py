"""A run, trained: its teacher, its weights, and the version of the code that made them."""

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
from scalinglib.study.model import distill, recipe, stored, teachers, train, transformer
from scalinglib.study.model.teachers import Model, Teacher, Truth
from scalinglib.study.run import Run


def teacher_of(r: Run, given: Mapping[str, transformer.Params]) -> Teacher | None:
    """A run's teacher as a function of windows, from weights by key; None without one."""
    if r.needs:
        return Model(*(given[t.key] for t in r.needs))
    return None if r.teacher is None else Truth(r.corpus)


def trained(
    r: Run, teacher: Teacher | None = None, folder: str | Path | None = None
) -> transformer.Params:
    """Weights of one run, trained but not measured.

    - teacher: from `teacher_of`, or a `stored.Stored`
    """
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


def store_teacher(
    r: Run, teacher: Teacher, path: str | Path, dtype: str = "float32"
) -> stored.Stored:
    """Write what a teacher tells a run to a file, for it and others on the same windows.

    The run's objective says what is kept: all, `top_k` entries, or `samples`.
    """
    chunks = train.chunks(r.corpus, r.tokens, r.seed, "student", r.recipe.windows)
    stored.write(path, teacher, chunks, r.objective, dtype)
    return stored.Stored(path)


@cache
def code() -> str:
    """Version of the package, and a hash of the source that decides a run's outcome."""
    modules = base, words, tokenizer, text, transformer, flops
    modules += distill, recipe, train, teachers
    told = "".join(map(inspect.getsource, modules))
    return f"{version('scalinglib')}+{hashlib.sha256(told.encode()).hexdigest()[:8]}"
