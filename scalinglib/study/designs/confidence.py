"""Confidences of the study's models: which students are trained for it, and how it is measured.

A run's rows are, in place of its loss, its reliability tables, one row a bin.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib import calibration
from scalinglib.experiment import compare, execute
from scalinglib.study import record, training
from scalinglib.study.corpora.base import Corpus, stream
from scalinglib.study.designs import scaling
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.teachers import Model
from scalinglib.study.run import PERFECT, Run, by_ratio

COLUMNS = (
    *("id", "params", "tokens", "seed", "teacher", "teacher_params", "top_k"),
    *("reference", "bin", "count", "confidence", "outcome", "apart"),
)
# What a confidence is held against, as pictures call it.
REFERENCES = {
    "data": "against data",
    "teacher_top1": "against its teacher's likeliest symbol",
    "teacher_own": "teacher, in the student's bins",
    "by_teacher_own": "student, in the teacher's bins",
}
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
    taught = teacher and (truth if r.teacher == PERFECT else _of_model(teacher, symbols))
    own = _of_model(Model(weights), symbols)
    found = tables(own, truth, symbols[:, 1:].reshape(-1), taught)
    told = {name: getattr(r, name) for name in ("id", "params", "tokens", "seed")}
    told |= {"teacher": r.teacher_id, "top_k": r.teacher and r.objective.top_k}
    told["teacher_params"] = r.needs[0].params if r.needs else None
    return [told | row for row in found.to_dict("records")], weights


def tables(
    own: np.ndarray, truth: np.ndarray, labels: np.ndarray, teacher: np.ndarray | None = None
) -> pd.DataFrame:
    """Reliability tables of one model, all that Appendix E.8 asks and two comparisons more.

    - own, truth, teacher: (n_vocab, n); probabilities of the next symbol: the model's, the
      language's, and a teacher's.
    - labels: whole numbers (n,), the symbols that came
    - returns: reference, and the columns of `calibration.reliability`. Bins are over the model's
      confidence in its likeliest symbol, and the outcome is, by reference: `data`, whether that
      symbol came; `truth`, its true probability; `teacher_top1`, whether the teacher's likeliest is
      the same; `teacher`, the teacher's probability of it; `teacher_own`, the teacher's confidence
      in the teacher's likeliest. Two references take bins over the teacher's confidence instead:
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


def _of_model(model, symbols, at_once=512):
    """A model's probabilities (n_vocab, windows * n_ctx) of the next symbols, in float64."""
    pieces = [symbols[i : i + at_once] for i in range(0, len(symbols), at_once)]
    logs = [np.asarray(model(piece), dtype=float) for piece in pieces]
    return np.minimum(np.exp(np.concatenate(logs, axis=1)), 1.0)


def named(cells: pd.DataFrame, size: Callable = str) -> pd.DataFrame:
    """The table of bins with `objective` ("whole" or "top-1") and `name`, the teacher's.

    `size` puts parameters into words; a model without a teacher has its own size for a name. Names
    are in the order of size, the perfect teacher last.
    """
    teachers = cells.teacher_params.fillna(cells.params).astype(float)
    teachers = teachers.mask((cells.teacher == PERFECT).fillna(False), np.inf)
    names = {n: "perfect" if np.isinf(n) else size(n) for n in sorted(set(teachers))}
    return cells.assign(
        objective=cells.top_k.map({1: "top-1"}).fillna("whole"),
        name=pd.Categorical(teachers.map(names), list(names.values()), ordered=True),
    )


def measures(cells: pd.DataFrame) -> pd.DataFrame:
    """What each model's reliability tables say in one number each.

    - returns: a row a model and reference: id, tokens, seed, objective, name, reference, ece, gap
      (outcome less confidence), apart (`calibration.reliability`), and ece and gap of the bins
      below and above one half (`ece_unsure`, `gap_unsure`, `ece_sure`, `gap_sure`; zero where there
      are no predictions)
    """
    keys = ["id", "tokens", "seed", "objective", "name", "reference"]
    groups = cells.groupby(keys, observed=True)
    return groups.apply(_measures, include_groups=False).reset_index()


def _measures(rows):
    gap, weights = rows.outcome - rows.confidence, rows["count"]
    found = {"ece": calibration.error(rows), "gap": np.average(gap, weights=weights)}
    found["apart"] = np.average(rows.apart, weights=weights)
    for half, inside in {"unsure": rows.confidence < 0.5, "sure": rows.confidence >= 0.5}.items():
        share = weights * inside / max(1, weights[inside].sum())
        found[f"gap_{half}"] = (gap * share).sum()
        found[f"ece_{half}"] = (gap.abs() * share).sum()
    return pd.Series(found)


def of_students(table: pd.DataFrame) -> pd.DataFrame:
    """`measures` of students as pictures show them, in the order of `REFERENCES` and teachers.

    One column more: held, against what in words.
    """
    taught = table.id[table.reference == "teacher_own"]
    taught = table[table.reference.isin(REFERENCES) & table.id.isin(taught)]
    place = taught.reference.map(list(REFERENCES).index)
    taught = taught.assign(held=taught.reference.map(REFERENCES), place=place)
    ordered = taught.sort_values(["place", "name", "objective", "tokens"])
    return ordered.drop(columns="place")


def by_seed(
    table: pd.DataFrame, measure: str, reference: str, objective: str, tokens: int
) -> pd.DataFrame:
    """One of the `measures`: a row a seed, a column a trained teacher from small to large."""
    wanted = {"reference": reference, "objective": objective, "tokens": tokens}
    rows = table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    rows = rows[rows.name != "perfect"]
    return rows.pivot_table(index="seed", columns="name", values=measure, observed=True)


def grows(change: pd.DataFrame) -> bool:
    """Whether a change is told upwards over all teachers together, and downwards under none.

    `change` has a row a seed and a column a teacher; told is by `compare.above_zero`.
    """
    over_all = compare.above_zero(change.mean(axis=1).to_frame()).all()
    return bool(over_all and not compare.above_zero(-change).any())


def bins(cells: pd.DataFrame, least: int = 50) -> pd.DataFrame:
    """Reliability by bin, means over seeds, of bins with `least` predictions or more.

    - returns: objective, name, reference, bin, confidence, outcome, share (of the predictions),
      outcome_low and outcome_high (t interval over seeds; of a single model that of its labels)
    """
    keys = ["objective", "name", "reference"]
    total = cells.groupby([*keys, "id"], observed=True)["count"].transform("sum")
    groups = cells.assign(share=cells["count"] / total)[cells["count"] >= least]
    groups = groups.groupby([*keys, "bin"], observed=True)
    found = groups[["confidence", "outcome", "count", "share"]].mean()
    ends = groups.outcome.apply(compare.interval)
    one = 2 * np.sqrt(found.outcome * (1 - found.outcome) / found["count"])
    alone = groups.size() < 2
    found["outcome_low"] = ends.str[0].mask(alone, found.outcome - one).clip(0, 1)
    found["outcome_high"] = ends.str[1].mask(alone, found.outcome + one).clip(0, 1)
    return found.reset_index()


def beside(ours: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """The paper's errors beside ours: a row for each of the sixteen kinds of Figures 43 to 50.

    - returns: figure, tokens ("few", "many"), reference, objective, paper and ours (means over
      teachers), paper_rises and ours_rises (from the smallest teacher to the largest), ratio
    """
    short, long = sorted(ours.tokens.unique())
    kinds = product({"few": short, "many": long}.items(), REFERENCES)
    found = []
    for figure, ((amount, tokens), reference) in enumerate(kinds, start=43):
        for objective, panel in {"whole": "a", "top-1": "b"}.items():
            theirs = paper[(paper.figure == figure) & (paper.panel == panel)]
            theirs = theirs.sort_values("teacher_params", kind="stable").ece_percent / 100
            own = by_seed(ours, "ece", reference, objective, tokens).mean()
            cells = {"figure": figure, "tokens": amount, "reference": reference}
            cells |= {"objective": objective, "paper": theirs.mean(), "ours": own.mean()}
            for name, errors in {"paper_rises": theirs, "ours_rises": own}.items():
                cells[name] = errors.iloc[-1] > errors.iloc[0]
            found.append(cells)
    found = pd.DataFrame(found)
    return found.assign(ratio=found.ours / found.paper)
