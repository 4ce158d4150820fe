"""The table of the study's runs: its columns, and what is measured and written down of each."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib.experiment import execute, records
from scalinglib.study import training
from scalinglib.study.model.recipe import batches
from scalinglib.study.run import PERFECT, Run

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


def read(path: str | Path) -> pd.DataFrame:
    """The table of runs at `path`; data/README.md explains its columns."""
    return records.read(path, TYPES)


def repeats(r: Run) -> float:
    """Tokens of a run over those of its split; 0 where the corpus has no end."""
    held = getattr(r.corpus, "tokens", None)
    return r.tokens / held["teacher" if r.teacher is None else "student"] if held else 0.0


def reread(r: Run) -> float:
    """Share of what a run reads that it has read before: windows are drawn with replacement."""
    times = repeats(r)
    return 1 + np.expm1(-times) / times if times else 0.0


def task(folder: str | Path | None = None, runs: Sequence[Run] = ()) -> execute.Task:
    """What the study does with some runs, for `execute.complete`."""
    names = columns(runs)
    return execute.Task(partial(_train, folder, names), names, TYPES)


def columns(runs: Sequence[Run]) -> tuple[str, ...]:
    """The columns of a table of runs: more than COLUMNS where they differ in what others lack.

    These are knobs of recipe and objective that the committed runs knew nothing of, where they are
    set, and `corpus` and `teacher_corpus` where there are several.
    """
    knobs = dict.fromkeys(name for r in runs for name in r.configuration() if name != "corpus")
    corpora = {corpus for r in runs for corpus in (r.corpus, *(t.corpus for t in r.needs))}
    found = tuple(dict.fromkeys((*COLUMNS, *knobs)))
    return found + (("corpus", "teacher_corpus") if len(corpora) > 1 else ())


def _train(folder, names, r: Run, given: Mapping):
    """Rows of one run and its weights."""
    teacher = training.teacher_of(r, given)
    before = time.perf_counter()
    params = training.trained(r, teacher, folder)
    seconds = time.perf_counter() - before
    measured = training.evaluate(params, r.corpus, teacher)
    own = "id", "n_layers", "params", "tokens", "seed", "flops", "inference_flops"
    row = {name: getattr(r, name) for name in own} | vars(r.recipe) | _of_teacher(r, teacher)
    row |= {"windows": batches(r.tokens, r.corpus.n_ctx, r.recipe.windows)[0]} | measured
    row |= {"seconds": seconds, "hardware": execute.hardware()}
    row |= {"corpus": r.corpus.id, "code": training.code()}
    return [{name: row.get(name) for name in names}], params


def _of_teacher(r, teacher):
    if r.teacher is None:
        return {"kind": "supervised"}
    own = {"kind": "distilled", "teacher": r.teacher_id} | vars(r.objective)
    if r.teacher == PERFECT:
        return own | {"teacher_loss": r.corpus.entropy}
    return own | {
        "teacher_params": sum(t.params for t in r.needs),
        "teacher_tokens": sum(t.tokens for t in r.needs),
        "teacher_loss": training.score(teacher, r.corpus)["loss"],
        "teacher_corpus": "+".join(sorted({t.corpus.id for t in r.needs})),
    }
