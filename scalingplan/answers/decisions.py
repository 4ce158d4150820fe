"""Whether to distil, from which teacher, and what more tokens buy, from a law of one's own runs.

The decision is `allocate.advise` on the replicates of the fits. Where the runs do not bear it there
is no verdict: the decision lies beyond them, or the fits do not tell.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from scalinglib.allocate import Advice, Problem, Teacher, advise
from scalinglib.doubts import rounding
from scalinglib.fit import Fit, Status
from scalinglib.flops import forward_flops
from scalinglib.laws import FITTED_RANGE, Ensemble
from scalingplan.answers.fitting import OwnLaws, teachers_of
from scalingplan.answers.numbers import band, ranged
from scalingplan.pilots import Choice, Worlds, grid, propose

NO_VERDICT = "no verdict"
LEEWAY = 2.0  # a factor beyond the runs that still counts as inside them
# Size and tokens that move together are told together: their ratio is not to be extrapolated.
_RATIO_LEEWAY = 1.1
_LEFT = 0.5  # share of the replicates without which a fit's ranges say nothing
_ERROR = 0.05  # mean error of a law that is said beside the verdict
PILOTS = 0.1  # of the decision's FLOPs that the runs proposed may cost
_TEACHERS, _SIZES, _TOKENS = 4, 3, 4  # of the runs, that are taken for candidates
_INPUTS = ["student_params", "student_tokens", "teacher_loss"]
_REMEDY = (
    "runs on more sizes and ratios would tell; or --supervised shifted takes the published law, "
    "with its E moved to these runs, a guess whose error is in no range"
)


@dataclass(frozen=True)
class Answer:
    """One decision answered.

    - teachers: the chosen one first, then by loss: the teacher, student_tokens, predicted, share
      (of the replicates in which it is the best), regret (mean loss over them of choosing it,
      nats), inside (whether its student's tokens are within what the runs span).
    - ten_times: value, low, high: what ten times the tokens gain, nats; beyond, the factor by which
      they leave the runs, or 0.
    """

    problem: Problem
    advice: Advice
    verdict: str
    reasons: tuple[str, ...]
    teachers: pd.DataFrame
    ten_times: dict[str, float]
    notes: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """The answer in words, the verdict first."""
        asked, found, best = self.problem, self.advice, self.teachers.iloc[0]
        lines = [
            f"verdict: {self.verdict} ({asked.student_params:.3g} parameters, {asked.compute:.3g} "
            f"FLOPs, {asked.delta_lgt:.0%} of the teacher's inference paid)"
        ]
        if self.reasons:
            return [*lines, *(f"  {text}" for text in self.reasons)]
        low, high = found.ranges["gain"]
        size = f" of {best.teacher_params:.3g} parameters," if "teacher_params" in best else " of"
        lines += [
            f"  distilled: {ranged(found.best.loss, *found.ranges['distilled'], '.4f')}, from the "
            f"teacher{size} L_T = {best.teacher_loss:.4g}, with {best.student_tokens:.3g} tokens",
            f"  on data:   {ranged(found.supervised.loss, *found.ranges['supervised'], '.4f')}",
            f"  distilling gains {ranged(found.gain, low, high, '.4f')} nats per token; better in "
            f"{found.share_distil:.0%} of the replicates",
            f"  {self.more_tokens()}",
        ]
        if (self.teachers.share > 0).sum() > 1:
            lines.append(
                f"  this teacher is the best of {len(self.teachers)} in {best.share:.0%} of the "
                f"replicates; choosing it loses {best.regret:.2g} nats on average"
            )
        return [*lines, *(f"  {text}" for text in self.notes)]

    def more_tokens(self) -> str:
        """What ten times the tokens would give, in words."""
        if factor := self.ten_times["beyond"]:
            return f"ten times the tokens lie {factor:.2g} x beyond the runs, which do not tell"
        gain = self.ten_times
        return (
            f"ten times the tokens would give "
            f"{ranged(gain['value'], gain['low'], gain['high'], '.4f')} nats"
        )


def inside_problem(
    distilled: pd.DataFrame,
    student_params: float | None = None,
    compute: float | None = None,
    delta_lgt: float | None = None,
) -> Problem:
    """The decision asked for, with the teachers of the runs; None is taken in the middle of them.

    - student_params, compute, delta_lgt: of `Problem`; in their place a size of the runs, and a
      budget with their tokens.
    """
    size, tokens = middle_student(distilled)
    known = "teacher_params" in distilled
    if not known and delta_lgt:
        raise ValueError(
            f"delta_lgt is {delta_lgt:g}, and what a teacher's inference costs needs the column "
            "teacher_params; --delta-lgt 0 takes it as free"
        )
    delta_lgt = float(known) if delta_lgt is None else delta_lgt
    pool = teachers_of(distilled)
    # Of no account where the inference is free.
    params = pool.teacher_params if known else pool.teacher_loss * 0 + size
    teacher = np.exp(np.log(distilled.teacher_params if known else params).mean())
    budget = tokens * (3 * forward_flops(size) + delta_lgt * forward_flops(teacher))
    teachers = tuple(
        Teacher(f"{n:.3g}" if known else f"{loss:.4g} nats", n, loss)
        for n, loss in zip(params, pool.teacher_loss, strict=True)
    )
    return Problem(
        student_params or size,
        compute=compute or float(f"{budget:.2g}"),
        teachers=teachers,
        delta_lgt=delta_lgt,
    )


def middle_student(runs: pd.DataFrame) -> tuple[float, float]:
    """A student in the middle of the runs: its parameters, and the mean log of its tokens."""
    sizes = np.sort(runs.student_params.unique())
    size = float(sizes[len(sizes) // 2])
    return size, float(np.exp(np.log(runs.student_tokens[runs.student_params == size]).mean()))


def decide(laws: OwnLaws, problem: Problem) -> Answer:
    """Answer a decision with the laws of somebody's runs.

    - problem: with a budget of compute, spent on this student, and the teachers of the runs
      (`inside_problem`), whose training is paid.
    """
    law, runs = laws.distillation, laws.distillation.runs
    ensemble = _replicates(law)

    def advice(teachers):
        return advise(law.law, ensemble, replace(problem, teachers=teachers), seen=None)

    whole = found = advice(problem.teachers)
    inside = [not beyond(plan.student_tokens, runs.student_tokens) for plan in whole.distilled]
    near = tuple(t for t, here in zip(problem.teachers, inside, strict=True) if here)
    # A teacher inside the runs may win without those outside; to lose it must be the best of all.
    if near and not inside[whole.distilled.index(whole.best)]:
        found = advice(near)
        found = found if found.verdict == "distil" else whole
    pool = laws.pool.assign(
        student_params=problem.student_params,
        student_tokens=[plan.student_tokens for plan in whole.distilled],
        predicted=[plan.loss for plan in whole.distilled],
        share=whole.shares,
        regret=whole.regrets,
        inside=inside,
    )
    chosen = [plan.teacher for plan in whole.distilled].index(found.best.teacher)
    order = np.lexsort((pool.predicted, np.arange(len(pool)) != chosen))
    ranked = pool.iloc[order].reset_index(drop=True)
    reasons = (*unfit(laws), *_outside(laws, problem.student_params, found))
    step = rounding(runs.student_loss)
    if abs(found.gain) < step:
        coarse = f"losses are rounded to {step:g}, and the gain is {found.gain:+.2g}: too coarse"
        reasons = (*reasons, coarse)
    return Answer(
        problem=problem,
        advice=found,
        verdict=NO_VERDICT if reasons else found.verdict,
        reasons=reasons,
        teachers=ranked,
        ten_times=_ten_times(law, ranked.iloc[0]),
        notes=tuple(_notes(laws, ranked)),
    )


def token_curve(laws: OwnLaws, answer: Answer, points: int) -> pd.DataFrame:
    """The chosen student with a tenth to ten times its tokens, and the bands of `Fit.predict`."""
    best = answer.teachers.iloc[0]
    curve = pd.DataFrame({"student_tokens": best.student_tokens * np.geomspace(0.1, 10, points)})
    return laws.distillation.predict(
        curve.assign(student_params=best.student_params, teacher_loss=best.teacher_loss)
    )


def next_runs(laws: OwnLaws, problem: Problem, teachers: pd.DataFrame) -> str:
    """One sentence: what to train next, for a tenth of the decision's FLOPs, or why not.

    - teachers: the answer's, best first; candidates are sizes and tokens like those of the runs.
    """
    runs = laws.distillation.runs
    known = tuple(
        Teacher(f"{row.teacher_params:.3g}", row.teacher_params, row.teacher_loss)
        for row in teachers.head(_TEACHERS).itertuples()
    )
    names = ("student_params", "student_tokens")
    sizes, tokens = (
        np.unique(np.quantile(runs[name], np.linspace(0, 1, count), method="nearest"))
        for name, count in zip(names, (_SIZES, _TOKENS), strict=True)
    )
    delta = {"delta_lgt": problem.delta_lgt}
    candidates = grid(sizes, tokens, known, **delta)
    question = Choice(problem.student_params, problem.compute, known, **delta)
    told = [runs]
    if laws.supervised:  # else the published law, and no run of it
        alone = laws.supervised.runs.rename(columns={"params": names[0], "tokens": names[1]})
        told.append(alone)
    # Of a Laplace distribution, which Huber takes residuals for, as of a normal one.
    noise = max(float(np.median(np.abs(laws.distillation.residuals()))), 1e-4) / 0.6745
    try:
        found = propose(
            Worlds.of(laws.distillation.ensemble()),
            candidates,
            question,
            PILOTS * problem.compute,
            noise=noise,
            known=pd.concat(told, ignore_index=True),
            most_runs=3,
        )
    except ValueError as error:
        return f"which runs next: none ({error})"
    return f"which runs next: {found.sentence()}; scalinglib design has them in full"


def beyond(value: float, seen: pd.Series, leeway: float = LEEWAY) -> float:
    """By which factor a value lies outside what was seen, 0 where it lies inside."""
    factor = max(float(np.min(seen)) / value, value / float(np.max(seen)))
    return factor if factor > leeway else 0.0


def _replicates(law: Fit) -> Ensemble:
    """A fit's replicates; the law alone, where none is left, for an answer without verdict."""
    if len(law.replicates):
        return law.ensemble()
    scale = np.abs(law.residuals()).mean()
    return Ensemble((law.law,), ("estimate",), ("",), np.ones(1), np.array([scale]))


def unfit(laws: OwnLaws) -> Iterator[str]:
    """Why the fits bear no verdict at all."""
    for name, found in laws.fits().items():
        if found.status is Status.NOT_CONVERGED:
            yield f"the {name} law is not told: {found.status.value}"
        if found.replicates_converged < _LEFT:
            yield (
                f"the {name} law is not told: only {found.replicates_converged:.0%} of its "
                "replicates converged"
            )
    if laws.way == "own" and laws.supervised.status is Status.NOT_CONVERGED:
        yield _REMEDY


def _outside(laws, size, found):
    """How far the decision lies beyond the runs, in words."""
    runs, data = laws.distillation.runs, found.supervised
    singles = laws.supervised.runs if laws.supervised else pd.DataFrame(FITTED_RANGE)
    asked = [
        ("a student of", size, runs.student_params, "parameters"),
        ("distilling on", found.best.student_tokens, runs.student_tokens, "tokens"),
        ("training on data with", size, singles.params, "parameters"),
        ("training on data on", data.student_tokens, singles.tokens, "tokens"),
    ]
    asked = [(*one, LEEWAY) for one in asked]
    if laws.way not in ("shifted", "published"):  # whose form is the published law's
        ratio, seen = data.student_tokens / size, singles.tokens / singles.params
        asked.append(("training on data on", ratio, seen, "tokens a parameter", _RATIO_LEEWAY))
    said = [
        f"{what} {value:.3g} {unit} is {factor:.3g} x beyond the runs "
        f"({seen.min():.3g} to {seen.max():.3g})"
        for what, value, seen, unit, leeway in asked
        if (factor := beyond(value, seen, leeway))
    ]
    if said:
        alone = len(said) == 1 and "a parameter is" in said[0]
        alone = alone and laws.supervised.status is not Status.NOT_CONVERGED
        said.append(_REMEDY if alone else "there the law is a guess: add runs, or ask inside them")
    return said


def _notes(laws, teachers):
    """What is said beside the verdict."""
    best = teachers.iloc[0]
    if not teachers.inside.all() and teachers.predicted.min() < best.predicted:
        yield "a teacher whose student's tokens lie beyond the runs may be better still"
    for name, found in laws.fits().items():
        error = found.mean_relative_error()
        if error > _ERROR:
            yield f"the {name} law misses its own runs by {error:.1%} on average"


def _ten_times(law, best):
    now, more = (
        law.predict(best[_INPUTS].to_frame().T.assign(student_tokens=d * best.student_tokens))
        for d in (1, 10)
    )
    laws = law.laws()
    with np.errstate(over="ignore"):
        inputs = best.student_params, best.student_tokens, best.teacher_loss
        draws = [laws.loss(inputs[0], d * inputs[1], inputs[2])[:, 0] for d in (1, 10)]
    value = float(now.predicted.iloc[0] - more.predicted.iloc[0])
    low, high = band(draws[0] - draws[1], value)
    factor = beyond(10 * best.student_tokens, law.runs.student_tokens)
    return {"value": value, "low": low, "high": high, "beyond": factor}
