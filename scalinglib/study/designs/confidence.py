"""Confidences of the study's models: which students are trained for it, and how it is measured.

A run's rows are, in place of its loss, its reliability tables, one row a bin.
"""

from functools import lru_cache, partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib import calibration
from scalinglib.experiment import execute
from scalinglib.study import record, training
from scalinglib.study.corpora.base import Corpus, stream
from scalinglib.study.designs import scaling
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.teachers import Model
from scalinglib.study.run import PERFECT, Run, by_ratio

__all__ = ["COLUMNS", "TEACHERS", "WINDOWS", "runs", "sample", "tables", "task"]

COLUMNS = (
    *("id", "params", "tokens", "seed", "teacher", "teacher_params", "top_k"),
    *("reference", "bin", "count", "confidence", "outcome", "apart"),
)
# Of the sixth teacher no student was measured.
TEACHERS = (*scaling.FULL.fixed_teachers()[:5], PERFECT)
STUDENTS = ((1, 20, 5), (1, 600, 3))  # depth, tokens per parameter, seeds
OBJECTIVES = (Objective(), Objective(top_k=1))
WINDOWS = 4096  # of the evaluation split, in which confidences are measured


def runs(teachers: tuple = TEACHERS, students: tuple = STUDENTS) -> list[Run]:
    """Every run once: teachers, then students, teacher by teacher and cheap ones first."""
    models = [teacher for teacher in teachers if teacher != PERFECT]
    return models + [
        by_ratio(depth, ratio, seed=seed, teacher=teacher, objective=objective)
        for depth, ratio, seeds in sorted(students, key=lambda s: s[1])
        for teacher, seed, objective in product(teachers, range(seeds), OBJECTIVES)
    ]


def task(folder: str | Path | None = None, windows: int = WINDOWS) -> execute.Task:
    """What is done with a run, for `execute.complete`: confidences in windows are its rows.

    A run without a teacher whose weights are there is not trained again.
    """
    return execute.Task(partial(_measure, windows, folder), COLUMNS, record.TYPES)


def _measure(windows, folder, r, given):
    teacher = training.teacher_of(r, given)
    weights = given.get(r.key)
    if weights is None:
        weights = training.trained(r, teacher, folder)
    symbols, truth = sample(r.corpus, windows)
    taught = None if r.teacher is None else _of_teacher(r, windows, teacher)
    own = _of_model(Model(weights), symbols)
    found = tables(own, truth, symbols[:, 1:].reshape(-1), taught)
    told = {
        "id": r.id,
        "params": r.params,
        "tokens": r.tokens,
        "seed": r.seed,
        "teacher": r.needs[0].id if r.needs else r.teacher,
        "teacher_params": r.needs[0].params if r.needs else None,
        "top_k": None if r.teacher is None else r.objective.top_k,
    }
    return [told | row for row in found.to_dict("records")], weights


def tables(
    own: np.ndarray, truth: np.ndarray, labels: np.ndarray, teacher: np.ndarray | None = None
) -> pd.DataFrame:
    """Reliability tables of one model, all that Appendix E.8 asks and two comparisons more.

    Parameters
    ----------
    own, truth, teacher : (n_vocab, n)
        Probabilities of the next symbol: the model's, the language's, and a teacher's.
    labels : whole numbers (n,), the symbols that came

    Returns
    -------
    DataFrame: reference, and the columns of `calibration.reliability`. Bins are over the model's
    confidence in its likeliest symbol, and the outcome is, by reference: `data`, whether that
    symbol came; `truth`, its true probability; `teacher_top1`, whether the teacher's likeliest is
    the same; `teacher`, the teacher's probability of it; `teacher_own`, the teacher's confidence in
    the teacher's likeliest. Two references take bins over the teacher's confidence instead:
    `by_teacher` (outcome: the model's probability of the teacher's likeliest) and
    `by_teacher_own` (the model's confidence in its own likeliest).
    """
    top, confidence = own.argmax(axis=0), own.max(axis=0)
    pairs = {"data": (confidence, labels == top), "truth": (confidence, _at(truth, top))}
    if teacher is not None:
        taught, teaching = teacher.argmax(axis=0), teacher.max(axis=0)
        pairs |= {
            "teacher_top1": (confidence, top == taught),
            "teacher": (confidence, _at(teacher, top)),
            "teacher_own": (confidence, teaching),
            "by_teacher": (teaching, _at(own, taught)),
            "by_teacher_own": (teaching, confidence),
        }
    found = {reference: calibration.reliability(*pair) for reference, pair in pairs.items()}
    return pd.concat(found, names=["reference"]).reset_index("reference")


def _at(probabilities, symbols):
    """The probabilities (n_vocab, n) of one symbol (n,) each."""
    return np.take_along_axis(probabilities, symbols[None], 0)[0]


@lru_cache(maxsize=1)
def sample(corpus: Corpus, windows: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of the evaluation split and the true probabilities (n_vocab, windows * n_ctx)."""
    symbols = corpus.sample("evaluation", stream("evaluation", 1), windows)
    return symbols, corpus.truth(symbols).reshape(-1, corpus.n_vocab).T.copy()


_last = {}  # the teacher whose probabilities were worked out last: runs come teacher by teacher


def _of_teacher(r, windows, teacher):
    symbols, truth = sample(r.corpus, windows)
    if r.teacher == PERFECT:
        return truth
    key = r.teacher.key, windows
    found = _last.get(key)
    if found is None:
        found = _of_model(teacher, symbols)
        _last.clear()
        _last[key] = found
    return found


def _of_model(model, symbols, at_once=512):
    """A model's probabilities (n_vocab, windows * n_ctx) of the next symbols, in float64."""
    pieces = [symbols[i : i + at_once] for i in range(0, len(symbols), at_once)]
    logs = [np.asarray(model(piece), dtype=float) for piece in pieces]
    return np.minimum(np.exp(np.concatenate(logs, axis=1)), 1.0)
