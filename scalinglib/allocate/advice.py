"""Distil or train on data: one decision, with what an ensemble of laws leaves open.

The answer of one law is a number; that of the ensemble is a range, the share of the laws under
which distilling wins, and the verdict "undecided" where that share or the gain is too small. The
planner's page computes the same, and tests/test_planner.py holds the two together.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from scalinglib.allocate.questions import best_teacher_loss, deltas, optimal
from scalinglib.allocate.search import minimise
from scalinglib.allocate.shift import shifted
from scalinglib.allocate.solver import ENDLESS, TEACHER_PARAMS_BOX, TOKENS_BOX
from scalinglib.allocate.uncertainty import interval
from scalinglib.checks import positive
from scalinglib.flops import N_VOCAB, forward_flops
from scalinglib.laws import FITTED_RANGE

__all__ = [
    "AGREEMENT",
    "Advice",
    "Plan",
    "Problem",
    "Teacher",
    "advise",
    "student_sizes",
]

AGREEMENT = 0.9  # weight of the laws between low and high, and that a verdict needs


class Teacher(NamedTuple):
    """A model to distil from; `tokens` only where it would be trained for the purpose."""

    name: str
    params: float
    loss: float
    tokens: float | None = None


@dataclass(frozen=True)
class Problem:
    """What is wanted, and what there is.

    Attributes
    ----------
    student_params : float
    compute, student_tokens : float
        The budget: FLOPs for all that the plan costs, or tokens of the student; one of the two.
    teachers : tuple of Teacher or None
        Those that exist, whose training is paid; None where one would be trained.
    delta_lgt, delta_pre : float
        Shares of the teacher's inference and training that count, in [0, 1]. Students that share
        one teacher, or its stored outputs, divide the share among them.
    max_tokens : float or None
        The most tokens that any one model can be trained on.
    """

    student_params: float
    compute: float | None = None
    student_tokens: float | None = None
    teachers: tuple | None = None
    delta_lgt: float = 1.0
    delta_pre: float = 1.0
    max_tokens: float | None = None

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
        deltas((self.delta_lgt, self.delta_pre))


@dataclass(frozen=True)
class Plan:
    """One way to the student: its expected loss, its tokens, its teacher and its FLOPs by part."""

    loss: float
    student_tokens: float
    teacher: Teacher | None
    flops: dict

    @property
    def compute(self):
        """FLOPs of all parts."""
        return sum(self.flops.values())


@dataclass(frozen=True)
class Advice:
    """The decision and the numbers behind it.

    Attributes
    ----------
    verdict : str
        "distil", "train", or "undecided": fewer than `AGREEMENT` of the laws agree, or the gain is
        within one run's own scatter.
    share_distil : float
        Weight of the laws under which distilling has the lower loss.
    supervised : Plan
    distilled : tuple of Plan
        One a teacher, under the central law; empty where the budget pays for none.
    best : Plan or None
        Of `distilled`, the one of the lowest loss.
    error : float
        One run's scatter, nats.
    ranges : dict
        name: (low, high) over the laws, the central answer among them (`interval`), of supervised,
        distilled, gain; where the teacher is to be trained also of teacher_params, teacher_loss and
        student_tokens, each law with its own.
    notes : tuple of str
        Where the answer extrapolates, runs into a bound or leaves budget unspent.
    """

    verdict: str
    share_distil: float
    supervised: Plan
    distilled: tuple
    best: Plan | None
    error: float
    ranges: dict = field(default_factory=dict)
    notes: tuple = ()

    @property
    def gain(self):
        """Nats per token by which distilling is better; -inf where it is impossible."""
        return self.supervised.loss - self.best.loss if self.best else -np.inf


def advise(law, ensemble, problem, *, measured=None):
    """Whether to distil, from which teacher, and how sure that is.

    Parameters
    ----------
    law : object
        The central law; as for `allocate.optimal`.
    ensemble : Ensemble
    problem : Problem
    measured : tuple of float, optional
        Parameters, tokens and loss (nats per token) of one model trained on data, of the reader's
        own: moves all laws to their text. The central answer is that of the difference, the ranges
        hold both ways of `shift.shifted`.

    Returns
    -------
    Advice
    """
    if measured is not None:
        pairs = [shifted(member, *measured) for member in ensemble.members]
        ensemble = replace(
            ensemble,
            members=tuple(member for pair in pairs for member in pair),
            names=tuple(np.repeat(ensemble.names, 2)),
            forms=tuple(np.repeat(ensemble.forms, 2)),
            weights=np.repeat(ensemble.weights / 2, 2),
            scales=np.repeat(ensemble.scales, 2),
        )
        law = shifted(law, *measured)[0]
    supervised, distilled = plans(law, problem)
    best = min(distilled, key=lambda plan: plan.loss, default=None)
    error = float(ensemble.weights @ ensemble.scales) * supervised.loss
    share, ranges = _ranges(ensemble, problem, supervised, best)
    gain = supervised.loss - best.loss if best else -np.inf
    return Advice(
        verdict=_verdict(gain, error, share),
        share_distil=share,
        supervised=supervised,
        distilled=distilled,
        best=best,
        error=error,
        ranges=ranges,
        notes=tuple(_notes(law, problem, supervised, best, measured=measured is not None)),
    )


def student_sizes(law, ensemble, problem, sizes, *, serve_tokens=0.0, measured=None):
    """The same compute for students of other sizes, what serving them costs taken off.

    Parameters
    ----------
    law, ensemble, measured
        As for `advise`.
    problem : Problem
        With a budget of compute.
    sizes : sequence of float
        N_S of each student.
    serve_tokens : float
        Tokens that the student will read or write in its life, one forward pass each.

    Returns
    -------
    dict
        size: Advice, or None where serving alone costs more than the budget.
    """
    if problem.compute is None:
        raise ValueError("problem has student_tokens; sizes are compared at equal compute")
    found = {}
    for size in sizes:
        left = problem.compute - serve_tokens * float(forward_flops(size))
        there = replace(problem, student_params=size, compute=left) if left > 0 else None
        found[size] = there and advise(law, ensemble, there, measured=measured)
    return found


def _verdict(gain, error, share):
    if abs(gain) > error and share >= AGREEMENT and gain > 0:
        return "distil"
    if abs(gain) > error and share <= 1 - AGREEMENT and gain < 0:
        return "train"
    return "undecided"


def _ranges(ensemble, problem, supervised, best):
    """Share of the laws that gain, and (low, high) of each quantity."""
    student = problem.student_params
    data = np.array(
        [_loss(law.supervised, student, supervised.student_tokens) for law in ensemble.members]
    )
    values, central = {"supervised": data}, {"supervised": supervised.loss}
    gain = np.full(len(data), -np.inf)
    if best and problem.teachers is not None:  # what it costs is the same under every law
        chosen = student, best.student_tokens, best.teacher.loss
        values["distilled"] = np.array([_loss(law, *chosen) for law in ensemble.members])
    elif best:
        found = [plans(law, problem)[1] for law in ensemble.members]
        values["distilled"] = np.array([plan.loss for (plan,) in found])
        values["teacher_params"] = np.array([plan.teacher.params for (plan,) in found])
        values["teacher_loss"] = np.array([plan.teacher.loss for (plan,) in found])
        values["student_tokens"] = np.array([plan.student_tokens for (plan,) in found])
    if best:
        values["gain"] = gain = data - values["distilled"]
        central |= {
            "distilled": best.loss,
            "gain": supervised.loss - best.loss,
            "teacher_params": best.teacher.params,
            "teacher_loss": best.teacher.loss,
            "student_tokens": best.student_tokens,
        }
    ranges = {
        name: tuple(map(float, interval(ensemble, value, central[name], AGREEMENT)))
        for name, value in values.items()
    }
    return float(ensemble.share(gain > 0)), ranges


def plans(law, problem):
    """The plan without a teacher, and one with each, under one law.

    Returns
    -------
    supervised : Plan
    distilled : tuple of Plan
        In the order of `problem.teachers`; with None, the best teacher to train, or nothing where
        the budget does not pay for one.
    """
    limit = np.inf if problem.max_tokens is None else problem.max_tokens
    student = 3 * forward_flops(problem.student_params)
    affordable = problem.student_tokens or problem.compute / student
    tokens = float(min(affordable, limit))
    loss = _loss(law.supervised, problem.student_params, tokens)
    supervised = Plan(loss, tokens, None, {"student": float(student * tokens)})
    most = min(limit, TOKENS_BOX[1])
    if problem.teachers is None:
        found = _new_teacher(law, problem, most)
        return supervised, () if found is None else (found,)
    distilled = []
    for teacher in problem.teachers:
        per_token = student + problem.delta_lgt * forward_flops(teacher.params)
        affordable = problem.student_tokens or problem.compute / per_token
        distilled.append(_distil(law, problem, min(affordable, most), teacher))
    return supervised, tuple(distilled)


def _new_teacher(law, problem, most):
    pair = problem.delta_lgt, problem.delta_pre
    if most <= TOKENS_BOX[0]:
        return None
    if problem.compute is not None:
        try:
            row = optimal(
                law, problem.student_params, problem.compute, pair, max_tokens=problem.max_tokens
            ).iloc[0]
        except ValueError:  # the budget does not pay for the smallest teacher
            return None
        chosen = (row.teacher_params, row.teacher_loss, row.teacher_tokens)
        return _distil(law, problem, row.student_tokens, Teacher("new", *map(float, chosen)))
    tokens = min(problem.student_tokens, most)
    corners = zip(TEACHER_PARAMS_BOX, (TOKENS_BOX[0], most), strict=True)
    worst, best = (_loss(law.supervised, *corner) for corner in corners)
    loss = float(np.clip(best_teacher_loss(law, problem.student_params, tokens), best, worst))
    size, teacher_tokens = _cheapest_teacher(law, problem, loss, most)
    return _distil(law, problem, tokens, Teacher("new", size, loss, teacher_tokens))


def _cheapest_teacher(law, problem, loss, most):
    """The (N_T, D_T) of a given loss that adds least to a budget of student tokens."""
    free = problem.delta_lgt == 0 and problem.delta_pre == 0

    def tokens(log_params):
        few = np.full(np.shape(log_params), np.log(TOKENS_BOX[0]))
        many = np.full(np.shape(log_params), np.log(most))
        for _ in range(60):
            middle = (few + many) / 2
            enough = law.supervised.log_loss(log_params, middle) <= np.log(loss)
            few, many = np.where(enough, few, middle), np.where(enough, middle, many)
        return many

    def cost(log_params):
        log_tokens = tokens(log_params)
        reaches = law.supervised.log_loss(log_params, log_tokens) <= np.log(loss) + 1e-9
        training = 3 * problem.delta_pre * np.exp(log_tokens)
        inference = problem.delta_lgt * problem.student_tokens
        per_flop = np.exp(log_tokens) if free else training + inference
        return np.where(reaches, forward_flops(np.exp(log_params)) * per_flop, np.inf)

    log_params = minimise(cost, *np.log(TEACHER_PARAMS_BOX))
    return float(np.exp(log_params)), float(np.exp(tokens(log_params)))


def _distil(law, problem, tokens, teacher):
    forward = forward_flops(teacher.params)
    flops = {
        "student": 3 * forward_flops(problem.student_params) * tokens,
        "inference": problem.delta_lgt * forward * tokens,
        "pretraining": 3 * problem.delta_pre * forward * (teacher.tokens or 0.0),
    }
    loss = _loss(law, problem.student_params, tokens, teacher.loss)
    return Plan(loss, float(tokens), teacher, {k: float(v) for k, v in flops.items()})


def _loss(law, *arguments):
    return float(np.exp(law.log_loss(*map(np.log, arguments))))


def _notes(law, problem, supervised, best, *, measured):
    """What a reader must know before believing the numbers."""
    seen = [
        ("student size", problem.student_params, "params"),
        ("tokens when training on data", supervised.student_tokens, "tokens"),
    ]
    if best:
        seen += [
            ("student tokens when distilling", best.student_tokens, "tokens"),
            ("teacher size", best.teacher.params, "params"),
            ("teacher tokens", best.teacher.tokens, "tokens"),
        ]
    if best and not measured:  # on other text the paper's losses are no measure
        seen.append(("teacher loss", best.teacher.loss, "teacher_loss"))
    for name, value, key in seen:
        low, high = FITTED_RANGE[key]
        if value is not None and not low * 0.999 <= value <= high * 1.001:
            yield f"extrapolates: {name} {value:.3g}, fitted on {low:.3g} to {high:.3g}"
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
