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
    stored,
    text,
    tokenizer,
    train,
    transformer,
    words,
)
from scalinglib.study.run import PERFECT

__all__ = [
    *("COLUMNS", "code", "columns", "read", "repeats", "reread", "run", "task", "teacher_of"),
    *("trained", "write"),
]

COLUMNS = (
    *("id", "kind", "n_layers", "params", "tokens", "seed", "peak", "windows"),
    *("teacher", "teacher_params", "teacher_tokens", "teacher_loss"),
    *("mixing", "temperature", "top_k", "top_p", "reverse"),
    *("loss", "kl_teacher", "accuracy", "completion"),
    *("flops", "inference_flops", "seconds", "hardware", "code"),
)
# Empty for supervised runs, and without this type floats, which the file would round.
TYPES = {"teacher": str, "code": str} | dict.fromkeys(
    ("teacher_params", "teacher_tokens", "top_k", "samples"), "Int64"
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
    return execute.run(wanted, task(folder, wanted), path, folder, executor, progress=progress)


def repeats(r):
    """Tokens of a run over those of its split; 0 where the corpus has no end."""
    held = getattr(r.corpus, "tokens", None)
    return r.tokens / held["teacher" if r.teacher is None else "student"] if held else 0.0


def reread(r):
    """Share of what a run reads that it has read before: windows are drawn with replacement."""
    times = repeats(r)
    return 1 + np.expm1(-times) / times if times else 0.0


def task(folder=None, runs=()):
    """What the study does with some runs, for `execute.run`.

    Parameters
    ----------
    folder : path where long runs leave their state, or None
    runs : list of Run
        Those of the table: they decide its `columns`.
    """
    names = columns(runs)
    strangers = {t.id for r in runs for t in r.needs if t.corpus != r.corpus}
    return execute.Task(
        partial(_train, folder, names), names, TYPES, _loss, partial(_told, strangers)
    )


def columns(runs):
    """The columns of a table of runs: more than COLUMNS where they differ in what others lack.

    These are `samples` where symbols are drawn, `switch` where lambda turns, and `corpus` and
    `teacher_corpus` where there are several.
    """
    objectives = [r.objective for r in runs if r.teacher]
    more = [name for name in ("samples", "switch") if any(getattr(o, name) for o in objectives)]
    corpora = {corpus for r in runs for corpus in (r.corpus, *(t.corpus for t in r.needs))}
    found = (*COLUMNS, *more)
    return found + (("corpus", "teacher_corpus") if len(corpora) > 1 else ())


def _told(strangers, runs):
    """Losses of the runs and of their teachers, whose own rows may be another table's.

    Left out are teachers of other corpora, whose `teacher_loss` is not that on their own.
    """
    teachers = runs[["teacher", "teacher_loss"]].dropna().drop_duplicates()
    teachers = teachers[~teachers.teacher.isin(strangers)]
    return pd.concat([runs[["id", "loss"]], teachers.set_axis(["id", "loss"], axis=1)])


def _loss(r, params):
    return {r.id: measure.evaluate(params, r.corpus)["loss"]}


def _train(folder, names, r, given):
    """Rows of one run and its weights."""
    teacher = teacher_of(r, given)
    before = time.perf_counter()
    params = trained(r, teacher, folder)
    seconds = time.perf_counter() - before
    measured = measure.evaluate(params, r.corpus, teacher)
    row = {
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
        **measured,
        "flops": r.flops,
        "inference_flops": r.inference_flops,
        "seconds": seconds,
        "hardware": execute.hardware(),
        "code": code(),
        "corpus": r.corpus.id,
    }
    return [{name: row.get(name) for name in names}], params


def _of_teacher(r, teacher):
    if r.teacher is None:
        return {}
    if r.teacher == PERFECT:
        return {"teacher": PERFECT, "teacher_loss": r.corpus.entropy}
    return {
        "teacher": r.teacher_id,
        "teacher_params": sum(t.params for t in r.needs),
        "teacher_tokens": sum(t.tokens for t in r.needs),
        "teacher_loss": measure.score(teacher, r.corpus)["loss"],
        "teacher_corpus": "+".join(sorted({t.corpus.id for t in r.needs})),
    }


def teacher_of(r, given):
    """A run's teacher as a function of windows, from weights by key; None without one."""
    members = tuple(given[t.key] for t in r.needs)
    if members:
        return measure.ModelEnsemble(members) if len(members) > 1 else measure.Model(*members)
    return None if r.teacher is None else measure.Truth(r.corpus)


def trained(r, teacher=None, folder=None):
    """Weights of one run, trained but not measured.

    Parameters
    ----------
    r : Run
    teacher : from `teacher_of`, or from `write`
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


def write(r, teacher, folder, dtype="float32"):
    """Write what a teacher tells a run to a folder, for it and others on the same windows.

    Parameters
    ----------
    r : Run
        Its objective says what is kept: all, `top_k` entries, or `samples`.
    teacher : from `teacher_of`
    folder : path
    dtype : "float32" or "float16"

    Returns
    -------
    stored.Stored, for `trained`
    """
    chunks = train.chunks(r.corpus, r.tokens, r.seed, "student", r.windows)
    return stored.write(folder, teacher, chunks, r.objective, dtype)


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
