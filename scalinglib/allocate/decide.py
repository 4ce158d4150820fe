"""Distil or train on data: one decision, with what an ensemble of laws leaves open.

The recipe is one law's; what is expected of it is the ensemble's, a centre and a range, and the
verdict "undecided" where the range of the gain holds zero or a run would not show it. The laws are
those that fit the paper's runs, or the replicates of a fit to a reader's own (`Fit.ensemble`). The
planner's page computes the same, and tests/test_planner.py holds the two together.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from scalinglib.allocate.questions import (
    RunawayWarning,
    best_teacher_loss,
    cost_per_token,
    deltas,
    loss_under,
    optimal,
)
from scalinglib.allocate.shift import Shifted, shifted
from scalinglib.allocate.solver import ENDLESS, TEACHER_PARAMS_BOX, TOKENS_BOX
from scalinglib.allocate.supervised import cheapest_model
from scalinglib.allocate.uncertainty import verdict
from scalinglib.checks import positive
from scalinglib.flops import N_VOCAB, forward_flops
from scalinglib.laws import FITTED_RANGE, Ensemble, StudentLaw

AGREEMENT = 0.9  # weight of the laws between low and high of every range


class Teacher(NamedTuple):
    """A model to distil from; `tokens` only where it would be trained for the purpose."""

    name: str
    params: float
    loss: float
    tokens: float | None = None


@dataclass(frozen=True)
class Problem:
    """What is wanted, and what there is.

    - compute, student_tokens: the budget: FLOPs for all that the plan costs, or tokens of the
      student; one of the two.
    - teachers: those that exist, whose training is paid; None where one would be trained.
    - delta_lgt, delta_pre: shares of the teacher's inference and training that count, in [0, 1].
      Students that share one teacher, or its stored outputs, divide the share among them.
    - serve_tokens: tokens that the student will read or write in its life, one forward pass each:
      part of what the plan costs.
    """

    student_params: float
    compute: float | None = None
    student_tokens: float | None = None
    teachers: tuple[Teacher, ...] | None = None
    delta_lgt: float = 1.0
    delta_pre: float = 1.0
    max_tokens: float | None = None
    serve_tokens: float = 0.0

    def __post_init__(self):
        """Refuse what is no problem."""
        if (self.compute is None) == (self.student_tokens is None):
            raise ValueError("a problem has either compute or student_tokens")
        if self.teachers is not None and not self.teachers:
            raise ValueError("teachers is empty; None asks for a teacher to train")
        for name in ("student_params", "compute", "student_tokens", "max_tokens"):
            value = getattr(self, name)
            if value is not None:
                positive(name, value)
        if not 0 <= self.serve_tokens < np.inf:
            raise ValueError(f"serve_tokens is {self.serve_tokens!r}; it must be 0 or more")
        deltas((self.delta_lgt, self.delta_pre))
        if self.compute is not None and self.compute <= self.serving:
            raise ValueError(
                f"serve_tokens is {self.serve_tokens:.4g}: serving a student of "
                f"{self.student_params:.3g} parameters costs {self.serving:.3g} FLOPs, and compute "
                f"is {self.compute:.3g}"
            )

    @property
    def serving(self) -> float:
        """FLOPs of serving the student."""
        return self.serve_tokens * float(forward_flops(self.student_params))

    @property
    def training(self) -> float | None:
        """FLOPs that serving leaves for training; None where the budget is tokens."""
        return None if self.compute is None else self.compute - self.serving


@dataclass(frozen=True)
class Plan:
    """One way to the student: its expected loss, its tokens, its teacher and its FLOPs by part.

    The loss is the law's in `plans`, and the centre of the laws in an `Advice`.
    """

    loss: float
    student_tokens: float
    teacher: Teacher | None
    flops: dict[str, float]

    @property
    def compute(self) -> float:
        """FLOPs of all parts."""
        return sum(self.flops.values())


@dataclass(frozen=True)
class Advice:
    """The decision and the numbers behind it.

    - verdict: of `VERDICTS`; "undecided" where the range of the gain holds zero, or the gain is
      within one run's own scatter.
    - share_distil: weight of the laws under which distilling has the lower loss.
    - distilled: a plan a teacher, the recipe of the law given; empty where the budget pays for
      none.
    - best: of `distilled`, the one of the lowest loss.
    - equal: where the budget is tokens: data alone for what `best` costs.
    - shares, regrets: for each of `distilled`: weight of the laws under which its teacher is the
      best, and what choosing it loses on average over them, nats.
    - ranges: name: (low, high) over the laws (`Ensemble.interval`) of supervised, distilled, equal
      and gain (with what laws have missed it by, `Ensemble.gain_discrepancy`); where the teacher is
      to be trained also of teacher_params, teacher_loss and student_tokens, each law with its own,
      the recipe among them.
    - by_form: form: that range of the gain over the laws of one form, the heaviest first; then
      "passes its floor" and "respects its floor", as `Ensemble.by_form` has them.
    - new_run: low, centre, high of the loss of one new student so distilled, what the laws have
      missed on runs kept from them included (`Ensemble.predict`); None where the ensemble does not
      know.
    - notes: where the answer extrapolates, runs into a bound or leaves budget unspent.
    """

    verdict: str
    supervised: Plan
    distilled: tuple[Plan, ...]
    best: Plan | None
    error: float
    share_distil: float = 0.0
    equal: Plan | None = None
    shares: tuple[float, ...] = ()
    regrets: tuple[float, ...] = ()
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    by_form: dict[str, tuple[float, float]] = field(default_factory=dict)
    new_run: tuple[float, float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def gain(self) -> float:
        """Nats per token by which distilling is better; -inf where it is impossible."""
        return self.supervised.loss - self.best.loss if self.best else -np.inf

    @property
    def price(self) -> float:
        """How many times the FLOPs of training on data distilling takes; 1 where it is none."""
        return self.best.compute / self.supervised.compute if self.best else 1.0


def advise(
    law: StudentLaw,
    ensemble: Ensemble,
    problem: Problem,
    *,
    measured: tuple[float, float, float] | None = None,
    seen: Mapping[str, tuple[float, float]] | None = FITTED_RANGE,
) -> Advice:
    """Whether to distil, from which teacher, and how sure that is.

    - law: whose recipes the plans are; as for `allocate.optimal`.
    - ensemble: the laws that centres and ranges are over.
    - measured: parameters, tokens and loss (nats per token) of one model trained on data, of the
      reader's own: moves all laws to their text, in both ways of `shift.shifted`; the recipe's by a
      difference.
    - seen: what the laws were fitted on, (lowest, highest) by the keys of `FITTED_RANGE`, for the
      notes on extrapolation; None leaves them to the caller.
    """
    if measured is not None:
        ensemble, law = on_text(ensemble, measured), shifted(law, *measured)[0]
    on_data, taught = plans(law, problem)
    student, ranges = problem.student_params, {}
    alone = _on_data_by_all(ensemble, student, on_data)
    supervised, ranges["supervised"] = _centred(ensemble, on_data, alone)
    error = float(ensemble.weights @ ensemble.scales) * supervised.loss
    losses, recipes = _distilled_by_all(ensemble, problem, taught)
    told = [_centred(ensemble, *pair) for pair in zip(taught, losses.T, strict=True)]
    distilled = tuple(plan for plan, _ in told)
    found = {"supervised": supervised, "distilled": distilled, "error": error, "ranges": ranges}
    best = min(distilled, key=lambda plan: plan.loss, default=None)
    chosen = distilled.index(best) if best else None
    mine = taught[chosen] if best else None
    found["notes"] = tuple(_notes(law, problem, on_data, mine, seen, measured is not None))
    if not best:
        return Advice("train on data", best=None, **found)
    gains = alone - losses[:, chosen]
    spread = _discrepancy(ensemble, problem, law, supervised, best)
    most = alone - ensemble.entropies  # no student ends below E
    low, _, high = ensemble.interval(gains, AGREEMENT, spread, (-np.inf, most)).tolist()
    ranges |= {"distilled": told[chosen][1], "gain": (low, high)}
    for name, (each, planned) in recipes.items():
        least, _, largest = ensemble.interval(each, AGREEMENT).tolist()
        ranges[name] = min(least, planned), max(largest, planned)
    if problem.compute is None:
        equal = _on_data(law, replace(problem, compute=best.compute, student_tokens=None))
        equal_losses = _on_data_by_all(ensemble, student, equal)
        found["equal"], ranges["equal"] = _centred(ensemble, equal, equal_losses)
    # A law that runs away loses no more than guessing does.
    capped = np.minimum(losses, np.log(N_VOCAB))
    regrets = ensemble.weights @ (capped - capped.min(axis=1, keepdims=True))
    if not measured:
        found["by_form"] = _by_form(ensemble, gains, spread, most)
        found["new_run"] = _new_run(ensemble, problem, best, ranges["distilled"])
    return Advice(
        str(verdict(supervised.loss - best.loss, low, high, error)),
        share_distil=float(ensemble.share(gains > 0)),
        best=best,
        shares=tuple(
            float(ensemble.share(losses.argmin(axis=1) == i)) for i in range(len(distilled))
        ),
        regrets=tuple(map(float, regrets)),
        **found,
    )


def on_text(ensemble: Ensemble, measured: tuple[float, float, float]) -> Ensemble:
    """The ensemble with every law moved to a text, in both ways of `shift.shifted`.

    - measured: as for `advise`
    """
    pairs = [shifted(member, *measured) for member in ensemble.members]
    return replace(
        ensemble,
        members=tuple(member for pair in pairs for member in pair),
        names=tuple(np.repeat(ensemble.names, 2)),
        forms=tuple(np.repeat(ensemble.forms, 2)),
        weights=np.repeat(ensemble.weights / 2, 2),
        scales=np.repeat(ensemble.scales, 2),
    )


def _centred(ensemble, plan, losses):
    """The plan with the centre of the laws' losses, and the range of these."""
    low, centre, high = ensemble.interval(losses, AGREEMENT).tolist()
    return replace(plan, loss=centre), (low, high)


def _discrepancy(ensemble, problem, law, supervised, best):
    """Deviation of the gain about each law's, nats, as runs kept from laws have shown it."""
    teacher = best.teacher.loss
    if isinstance(law, Shifted):  # to what it is on the text of the runs
        teacher = (teacher - law.offset) / law.factor
    told = ensemble.gain_discrepancy(problem.student_params, best.student_tokens, teacher)
    return float(told * supervised.loss)


def _by_form(ensemble, gains, deviation, most):
    if len(set(ensemble.forms)) == 1:
        return {}
    table = ensemble.by_form(gains, AGREEMENT, deviation, most).drop("all")
    return {name: (float(row.low), float(row.high)) for name, row in table.iterrows()}


def _new_run(ensemble, problem, best, laws):
    """What one run may come to: no less than what the laws leave open."""
    if ensemble.seen is None:
        return None
    told = ensemble.predict(
        problem.student_params, best.student_tokens, best.teacher.loss, AGREEMENT
    ).iloc[0]
    return min(float(told.low), laws[0]), best.loss, max(float(told.high), laws[1])


def _on_data_by_all(ensemble, student_params, plan):
    """The loss of a plan without a teacher under each law, (members,)."""
    where = student_params, plan.student_tokens
    return np.array([float(loss_under(m.supervised, *where)) for m in ensemble.members])


def _distilled_by_all(ensemble, problem, distilled):
    """Losses of the plans under each law, (members, teachers), and the recipes of new teachers.

    A recipe is a name and what it is under each law, (members,), and in the plan.
    """
    if problem.teachers is not None:  # what they cost is the same under every law
        tokens = np.array([plan.student_tokens for plan in distilled])
        teachers = np.array([plan.teacher.loss for plan in distilled])
        with np.errstate(over="ignore"):  # where a replicate runs away
            losses = [
                loss_under(m, problem.student_params, tokens, teachers) for m in ensemble.members
            ]
        return np.array(losses), {}
    if not distilled:
        return np.empty((len(ensemble.members), 0)), {}
    rows = np.array(
        [
            (plan.loss, plan.teacher.params, plan.teacher.loss, plan.student_tokens)
            for plan in (*(plans(law, problem)[1][0] for law in ensemble.members), *distilled)
        ]
    )
    names = "teacher_params", "teacher_loss", "student_tokens"
    recipes = {name: (rows[:-1, i], rows[-1, i]) for i, name in enumerate(names, 1)}
    return rows[:-1, :1], recipes


def plans(law: StudentLaw, problem: Problem) -> tuple[Plan, tuple[Plan, ...]]:
    """The plan without a teacher, and one with each, under one law.

    - returns supervised, distilled: in the order of `problem.teachers`; with None, the best teacher
      to train, or nothing where the budget does not pay for one.
    """
    most = min(problem.max_tokens or np.inf, TOKENS_BOX[1])
    supervised = _on_data(law, problem)
    if problem.teachers is None:
        found = _new_teacher(law, problem, most)
        return supervised, () if found is None else (found,)
    distilled = []
    for teacher in problem.teachers:
        costs = cost_per_token(problem.student_params, teacher.params, (problem.delta_lgt, 0))
        per_token = costs["student"] + costs["inference"]
        affordable = problem.student_tokens or problem.training / per_token
        distilled.append(_distil(law, problem, min(affordable, most), teacher))
    return supervised, tuple(distilled)


def _on_data(law, problem):
    per_token = float(3 * forward_flops(problem.student_params))
    affordable = problem.student_tokens or problem.training / per_token
    tokens = float(min(affordable, problem.max_tokens or np.inf))
    loss = float(loss_under(law.supervised, problem.student_params, tokens))
    return Plan(loss, tokens, None, {"student": per_token * tokens, "serving": problem.serving})


def _new_teacher(law, problem, most):
    pair = problem.delta_lgt, problem.delta_pre
    if most <= TOKENS_BOX[0]:
        return None
    if problem.compute is not None:
        limit = {"max_tokens": problem.max_tokens}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RunawayWarning)  # `_notes` says it
                table = optimal(law, problem.student_params, problem.training, pair, **limit)
        except ValueError:  # the budget does not pay for the smallest teacher
            return None
        row = table.iloc[0]
        chosen = (row.teacher_params, row.teacher_loss, row.teacher_tokens)
        return _distil(law, problem, row.student_tokens, Teacher("new", *map(float, chosen)))
    tokens = min(problem.student_tokens, most)
    corners = zip(TEACHER_PARAMS_BOX, (TOKENS_BOX[0], most), strict=True)
    worst, best = (loss_under(law.supervised, *corner) for corner in corners)
    loss = float(np.clip(best_teacher_loss(law, problem.student_params, tokens), best, worst))
    # Of the teachers of that loss, the one that adds least.
    inference = problem.delta_lgt * problem.student_tokens
    if inference:
        inference = inference / (3 * problem.delta_pre) if problem.delta_pre else np.inf
    size, teacher_tokens = cheapest_model(
        law.supervised, loss, max_tokens=most, inference_tokens=inference
    )
    teacher = Teacher("new", float(size), loss, float(teacher_tokens))
    return _distil(law, problem, tokens, teacher)


def _distil(law, problem, tokens, teacher):
    shares = problem.delta_lgt, problem.delta_pre
    costs = cost_per_token(problem.student_params, teacher.params, shares)
    flops = {
        "student": costs["student"] * tokens,
        "inference": costs["inference"] * tokens,
        "pretraining": costs["pretraining"] * (teacher.tokens or 0.0),
        "serving": problem.serving,
    }
    loss = loss_under(law, problem.student_params, tokens, teacher.loss)
    return Plan(float(loss), float(tokens), teacher, {k: float(v) for k, v in flops.items()})


def _notes(law, problem, supervised, best, seen, measured):
    """What a reader must know before believing the numbers."""
    asked = [
        ("student size", problem.student_params, "student_params" if best else "params"),
        ("tokens when training on data", supervised.student_tokens, "tokens"),
    ]
    if best:
        asked += [
            ("student tokens when distilling", best.student_tokens, "student_tokens"),
            ("teacher size", best.teacher.params, "params"),
            ("teacher tokens", best.teacher.tokens, "tokens"),
        ]
    if best and not measured:  # on other text the paper's losses are no measure
        asked.append(("teacher loss", best.teacher.loss, "teacher_loss"))
    for name, value, key in asked if seen else ():
        low, high = seen[key]
        if value is not None and not low * 0.999 <= value <= high * 1.001:
            ratio = max(low / value, value / high)
            far = f"{ratio:.3g} times" if ratio > 1.1 else f"{ratio - 1:.1%}"
            yield (
                f"extrapolates: {name} {value:.3g}, {far} beyond the runs that the laws are fitted "
                f"to ({low:.3g} to {high:.3g})"
            )
    guess = np.log(N_VOCAB)
    if max(plan.loss for plan in (supervised, best) if plan) > guess:
        yield f"a loss above that of guessing ({guess:.1f}): the law says nothing on so few tokens"
    if best is None:
        most = problem.max_tokens
        short = most is not None and most <= TOKENS_BOX[0]
        cause = f"{most:.3g} tokens are too few" if short else "the budget does not pay"
        yield f"{cause} for even the smallest teacher"
        return
    size, loss = best.teacher.params, best.teacher.loss
    if loss <= np.exp(law.supervised.log_loss(np.log(size), ENDLESS)):
        yield f"by the law no model of {size:.3g} parameters reaches a loss of {loss:.3f}"
    if problem.teachers is None:
        most = min(problem.max_tokens or np.inf, TOKENS_BOX[1])
        if best.teacher.tokens >= most * 0.999:
            yield f"the teacher's tokens are a bound ({most:.3g}), no optimum: as many as there are"
        if best.teacher.params >= TEACHER_PARAMS_BOX[1] * 0.999:
            yield "the teacher's size is the bound of the search, no optimum"
    if problem.compute is not None:
        for name, plan in (("distilling", best), ("training on data", supervised)):
            left = 1 - plan.compute / problem.compute
            if left > 0.001:
                limit = problem.max_tokens
                limited = limit is not None and plan.student_tokens >= limit * 0.999
                cause = "the token limit" if limited else "the bound of the search"
                share = f"{left:.0%}" if left < 0.995 else "more than 99%"
                yield f"{cause} leaves {share} of the budget unspent when {name}"
