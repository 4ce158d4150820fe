"""The two laws of somebody's runs, as far as their teachers tell them."""

import warnings
from dataclasses import dataclass, replace
from itertools import count
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from scalinglib import fit
from scalinglib.doubts import SAME_TEACHER
from scalinglib.fit.forms import DISTILLATION
from scalinglib.laws import ensemble, load

TEACHERS_NEEDED = 7  # one more than the supervised law has coefficients
# Of the runs, those of lowest loss that the check of extrapolation holds out.
STRONGEST = {"supervised": 0.2, "distillation": 0.1}
_RESAMPLED = 5  # runs, or teachers, that a bootstrap needs to draw from
# What of the published law is held, for each way out of having few teachers.
HELD = {
    "own": (),
    "held": ("alpha", "beta", "gamma"),
    "shifted": ("A", "B", "alpha", "beta", "gamma"),
    "published": ("E", "A", "B", "alpha", "beta", "gamma"),
}
_LEAST_E = 1e-3  # nats
_TOLD_BY_TEACHERS = ("c0", "c1", "d1", "f1")  # of the published law, where teachers are few


@dataclass(frozen=True)
class OwnLaws:
    """What was fitted.

    - supervised: None where the published law was taken as it is.
    - pool: the teachers: teacher_loss, and teacher_params and teacher_tokens where they are known.
    - notes: what the reader must know of how it was fitted.
    - way: of `HELD`.
    """

    distillation: fit.Fit
    supervised: fit.Fit | None
    pool: pd.DataFrame
    notes: tuple[str, ...]
    way: str

    def fits(self) -> dict[str, fit.Fit]:
        """By name, what was fitted to these runs."""
        both = {"supervised": self.supervised, "distillation": self.distillation}
        return {name: found for name, found in both.items() if found}


def settings_to_check(free: int, share: float) -> int:
    """Settings, one run each, of which more than `free` stay where `share` of them is held out.

    - share: of the runs; those below this quantile of the loss go.
    """
    return next(n for n in count(1) if n - ceil(round(share * (n - 1), 9)) > free)


def students_needed(teachers: int) -> int:
    """Settings of students for a distillation law and its check, with so many teachers."""
    free = len(DISTILLATION.coefficients)
    if teachers < TEACHERS_NEEDED:
        free -= len(_TOLD_BY_TEACHERS)
    return settings_to_check(free, STRONGEST["distillation"])


def merged_teachers(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs in which a teacher measured several times, within noise, has its mean loss.

    - runs: with teacher_loss; teachers are told by teacher_params and teacher_tokens.
    """
    if not {"teacher_params", "teacher_tokens"} <= set(runs):
        return runs
    groups = runs.groupby(["teacher_params", "teacher_tokens"]).teacher_loss
    near = groups.transform("std").fillna(0) < SAME_TEACHER * groups.transform("mean")
    return runs.assign(teacher_loss=runs.teacher_loss.where(~near, groups.transform("mean")))


def teachers_of(distilled: pd.DataFrame) -> pd.DataFrame:
    """The teachers of runs, each once: teacher_params, teacher_tokens (if known), teacher_loss."""
    columns = distilled.columns.intersection(["teacher_params", "teacher_tokens", "teacher_loss"])
    return merged_teachers(distilled)[columns].drop_duplicates().reset_index(drop=True)


def supervised_runs(distilled: pd.DataFrame, others: pd.DataFrame | None = None) -> pd.DataFrame:
    """The supervised runs of a table: its teachers, each once, and those without teacher.

    - distilled: with teacher_loss; without size and tokens a teacher is no run.
    - others: params, tokens, loss, and run where rows are one's learning curve.
    - returns: the same columns; every row without a run is one of its own.
    """
    columns = ["params", "tokens", "loss"]
    teachers = teachers_of(distilled)
    teachers = teachers.rename(columns=lambda name: name.removeprefix("teacher_"))
    parts = [teachers] if set(columns) <= set(teachers) else []
    parts += [] if others is None or others.empty else [others]
    curves = [] if others is None or "run" not in others else ["run"]
    parts = [part.reindex(columns=columns + curves) for part in parts]
    runs = pd.concat(parts or [pd.DataFrame(columns=columns)])
    if curves:
        runs["run"] = runs.run.where(runs.run.notna(), [f"teacher {i}" for i in range(len(runs))])
    # A teacher that is listed as a supervised run as well is one run (the listed one, where rows
    # say whose curve they are); to six digits, as a mean of equal losses is not always one of them.
    told = runs.assign(loss=runs.loss.map("{:.6g}".format))
    return runs[~told.duplicated(columns, keep="last" if curves else "first")]


def drawing(runs: pd.DataFrame, bootstrap: int) -> dict[str, Any]:
    """Options of a bootstrap of supervised runs: learning curves are drawn as wholes.

    Where runs are too few to draw from, there is none.
    """
    enough = _trained(runs) >= _RESAMPLED
    return {"bootstrap": bootstrap if enough else 0, "cluster": "run" if "run" in runs else None}


def _trained(runs):
    return runs.run.nunique() if "run" in runs else len(runs)


def fit_own(
    distilled: pd.DataFrame,
    others: pd.DataFrame | None = None,
    *,
    way: str = "own",
    starts: int = 64,
    bootstrap: int = 100,
) -> OwnLaws:
    """Fit the supervised law to the teachers, then the distillation law on top of it.

    - others: supervised runs besides the teachers: params, tokens, loss.
    - way: "own" fits all six coefficients of the supervised law, "held" holds the published
      exponents, "shifted" all but E, "published" all.
    - starts, bootstrap: of `fit.fit`.
    - raises ValueError: where there are fewer supervised runs than `way` needs; the message names
      the ways out.
    """
    if way not in HELD:
        raise ValueError(f"way is {way!r}; it must be one of {', '.join(HELD)}")
    distilled = merged_teachers(distilled)
    singles = supervised_runs(distilled, others)
    pool = teachers_of(distilled)
    known = "teacher_params" in pool and "teacher_tokens" in pool
    _enough(len(singles.drop_duplicates(["params", "tokens"])), len(pool), way, known)
    published, notes, options = load("corrected"), [], {"starts": starts, "bootstrap": bootstrap}
    with warnings.catch_warnings():
        # A Fit keeps its warnings, and the diagnosis says them.
        warnings.simplefilter("ignore", fit.FitWarning)
        fixed = {name: getattr(published.supervised, name) for name in HELD[way]}
        drawn = drawing(singles, bootstrap)
        supervised = None
        if way != "published":
            supervised = fit.fit_supervised(singles, fixed=fixed, starts=starts, **drawn)
            if not drawn["bootstrap"] and bootstrap:
                few = f"{_trained(singles)} runs are too few for ranges of its own"
                notes.append(f"supervised law: {few}")
        carried = supervised or published.supervised
        if fixed:
            error = "in no range below"
            if way == "shifted":
                carried = replace(supervised, replicates=_shifted_laws(singles))
                error = "that of Table 6's intervals: of the law's form there is none"
            notes.append(
                f"supervised law: {', '.join(fixed)} are the published ones, not these runs', and "
                f"their uncertainty is {error}"
            )
        fixed = {}
        if len(pool) < TEACHERS_NEEDED:
            fixed = {name: getattr(published, name) for name in _TOLD_BY_TEACHERS}
            notes.append(
                f"distillation law: {len(pool)} teachers do not tell what a teacher's loss does; "
                "c0, c1, d1 and f1 are the published ones, and their uncertainty is in no range"
            )
        cluster = "teacher_loss"
        if len(pool) < _RESAMPLED:
            drawn = drawing(distilled, bootstrap)
            cluster = drawn["cluster"] if drawn["bootstrap"] else None
            notes.append(
                f"{len(pool)} teachers are too few to resample: runs of one teacher share its "
                "noise, so that all ranges are too narrow"
            )
        distillation = fit.fit_distillation(
            distilled,
            carried,
            fixed=fixed,
            cluster=cluster,
            **options,
        )
    return OwnLaws(distillation, supervised, pool, tuple(notes), way)


def _shifted_laws(singles):
    """The supervised laws of the ensemble, each with its E moved to these runs."""
    rows = []
    for law in dict.fromkeys(member.supervised for member in ensemble().members):
        off = float(np.median(singles.loss - law.loss(singles.params, singles.tokens)))
        rows.append(law._replace(E=max(law.E + off, _LEAST_E)))
    return pd.DataFrame(rows)


def _enough(settings, teachers, way, known):
    free = 6 - len(HELD[way])
    if settings > free or way == "published":
        return
    needed = {name: 7 - len(held) for name, held in HELD.items()}
    also = "" if way == "own" else f", and {way!r} needs {needed[way]}"
    also += "" if known else "; a teacher counts with teacher_params and teacher_tokens"
    raise ValueError(
        f"{teachers} teacher{'s' * (teachers != 1)}, {settings} supervised "
        f"run{'s' * (settings != 1)} in all: a supervised law of one's own has six coefficients "
        f"and needs seven teachers{also}. Ways out:\n"
        "  supervised runs (params, tokens, loss) in the same file, their teacher_ cells empty, or "
        "in a second one: --supervised FILE\n"
        f"  the published exponents held, from {needed['held']} teachers: --supervised held\n"
        f"  the published law shifted to these teachers, from {needed['shifted']}: "
        "--supervised shifted\n"
        "  the published law as it is, where the losses are of English web text in its "
        "vocabulary: --supervised published"
    )
