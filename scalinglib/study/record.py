"""The table of the study's runs: what is trained, measured and written down of each."""

import ast
import hashlib
import inspect
import time
import warnings
from functools import cache, partial
from importlib.metadata import version

import jax
import numpy as np
import pandas as pd

from scalinglib import flops
from scalinglib.experiment import execute, schedules, table
from scalinglib.study import (
    corpus,
    distill,
    measure,
    recipe,
    text,
    tokenizer,
    train,
    transformer,
    words,
)
from scalinglib.study.run import PERFECT, Run

__all__ = ["COLUMNS", "code", "read", "repeats", "reread", "run", "task", "teacher_of", "trained"]

COLUMNS = (
    *("id", "kind", "n_layers", "params", "tokens", "seed", "peak", "windows"),
    *("teacher", "teacher_params", "teacher_tokens", "teacher_loss"),
    *("mixing", "temperature", "top_k", "top_p", "reverse"),
    *("loss", "kl_teacher", "accuracy", "completion"),
    *("flops", "inference_flops", "seconds", "hardware", "code"),
)
# Empty for supervised runs, and without this type floats, which the file would round.
TYPES = {"teacher": str, "code": str} | dict.fromkeys(
    ("teacher_params", "teacher_tokens", "top_k"), "Int64"
)


def read(path):
    """The table of runs at `path` as a DataFrame; data/README.md explains its columns."""
    return table.read(path, TYPES)


def run(wanted, path, folder, executor, *, progress=True):
    """Train the runs (a list of `Run`) that the table at `path` lacks; see `execute.run`.

    A warning names the run that reads its split most often, where one does more than once.
    """
    over = max(wanted, key=repeats, default=None)
    if over is not None and repeats(over) > 1:
        warnings.warn(
            f"{sum(repeats(r) > 1 for r in wanted)} of {len(wanted)} runs want more tokens than "
            f"their split of corpus {over.corpus.id} holds, {over.id} the most "
            f"({over.tokens}, {repeats(over):.1f} times as many): they read text again, and the "
            "law is one of fresh tokens",
            stacklevel=2,
        )
    return execute.run(wanted, task(folder), path, folder, executor, progress=progress)


def repeats(r):
    """Tokens of a run over those of its split; 0 where the corpus has no end."""
    held = getattr(r.corpus, "tokens", None)
    return r.tokens / held["teacher" if r.teacher is None else "student"] if held else 0.0


def reread(r):
    """Share of what a run reads that it has read before: windows are drawn with replacement."""
    times = repeats(r)
    return 1 + np.expm1(-times) / times if times else 0.0


def task(folder=None):
    """What the study does with a run, for `execute.run`; long ones leave their state there."""
    return execute.Task(partial(_train, folder), COLUMNS, TYPES, _loss, _told)


def _told(runs):
    """Losses of the runs and of their teachers, whose own rows may be another table's."""
    teachers = runs[["teacher", "teacher_loss"]].dropna().drop_duplicates()
    return pd.concat([runs[["id", "loss"]], teachers.set_axis(["id", "loss"], axis=1)])


def _loss(r, params):
    return {r.id: measure.evaluate(params, r.corpus)["loss"]}


def _train(folder, r, given):
    """Rows of one run and its weights."""
    teacher = teacher_of(r, given)
    before = time.perf_counter()
    params = trained(r, teacher, folder)
    seconds = time.perf_counter() - before
    measured = measure.evaluate(params, r.corpus, teacher)
    row = dict.fromkeys(COLUMNS) | {
        "id": r.id,
        "kind": "supervised" if r.teacher is None else "distilled",
        "n_layers": r.n_layers,
        "params": r.params,
        "tokens": r.tokens,
        "seed": r.seed,
        "peak": r.peak,
        "windows": recipe.batches(r.tokens, r.corpus.n_ctx, r.windows)[0],
        **_of_teacher(r, teacher),
        **({} if r.teacher is None else vars(r.objective)),
        **{name: measured[name] for name in COLUMNS if name in measured},
        "flops": r.flops,
        "inference_flops": r.inference_flops,
        "seconds": seconds,
        "hardware": execute.hardware(),
        "code": code(),
    }
    return [row], params


def _of_teacher(r, teacher):
    if r.teacher is None:
        return {}
    if r.teacher == PERFECT:
        return {"teacher": PERFECT, "teacher_loss": r.corpus.entropy}
    return {
        "teacher": r.teacher.id,
        "teacher_params": r.teacher.params,
        "teacher_tokens": r.teacher.tokens,
        "teacher_loss": measure.evaluate(teacher.params, r.corpus)["loss"],
    }


def teacher_of(r, given):
    """A run's teacher as a function of windows, from weights by key; None without one."""
    if isinstance(r.teacher, Run):
        return measure.Model(given[r.teacher.key])
    return None if r.teacher is None else measure.Truth(r.corpus)


def trained(r, teacher=None, folder=None):
    """Weights of one run, trained but not measured.

    Parameters
    ----------
    r : Run
    teacher : from `teacher_of`
    folder : path where a long run leaves its state, or None
    """
    params = train.train(
        r.architecture,
        r.corpus,
        r.tokens,
        seed=r.seed,
        split="teacher" if r.teacher is None else "student",
        teacher=teacher,
        objective=r.objective,
        recipe=recipe.Recipe(peak=r.peak, windows=r.windows, bfloat16=r.bfloat16),
        checkpoint=folder and train.Checkpoint(folder, f"{r.id}-{code()}"),
    )
    return jax.tree.map(np.asarray, params)


@cache
def code():
    """Version of the package, and a hash of the source that decides a run's outcome.

    Comments, docstrings and layout do not count.
    """
    modules = corpus, words, tokenizer, text, transformer, flops
    modules += distill, schedules, recipe, train, measure
    told = "".join(_bare(inspect.getsource(module)) for module in modules)
    return f"{version('scalinglib')}+{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def _bare(source):
    """Python source without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body[0] = ast.Pass()
    return ast.unparse(tree)
