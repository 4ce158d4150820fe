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
from scalinglib.study.model import distill, recipe, teachers, train, transformer
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


@cache
def code() -> str:
    """Version of the package, and a hash of the source that decides a run's outcome."""
    modules = base, words, tokenizer, text, transformer, flops
    modules += distill, recipe, train, teachers
    told = "".join(map(inspect.getsource, modules))
    return f"{version('scalinglib')}+{hashlib.sha256(told.encode()).hexdigest()[:8]}"
