"""The next runs: those whose results are expected to narrow an answer most, for what they cost.

Worlds say how the log-losses of all candidates and of what is asked move together; a run's result
is one more observation of a Gaussian with that covariance (and the discrepancy's). So what a set of
runs will leave of the range, and how far it may move the estimates, is known before any is trained.
Of a choice the criterion is the expected regret, of a loss its standard deviation (nats both).
Runs are taken greedily, by what they buy a FLOP and by what they buy, and exchanged while it helps.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm, qmc

from scalinglib.allocate import Teacher
from scalinglib.checks import positive
from scalinglib.flops import forward_flops
from scalingplan.pilots.questions import Choice, Foretell
from scalingplan.pilots.worlds import INPUTS, SHARED, Discrepancy, Worlds, inputs, seed_noise

CHANGES = 0.05  # chance of another verdict below which pilots are not worth their while
LEVEL = 0.9  # of the ranges
_LITTLE = 1e-3  # weight of the range beside the regret, which far from a tie no single run moves
_INFORMS = 0.05  # share of the variance that pilots must be able to take away
_FAR = 1000  # times the largest candidate; published runs of one law span some hundred sizes
_DRAWS = 512
_FIRST, _FEW = 10, 8  # runs that plans are tried to begin with, where no more than that few fit
_PASSES = 10  # of exchanges
_LEAST = 2e-3  # of the criterion: less is no gain
_NOTHING = 1e12  # the variance of an observation that says nothing


def grid(
    student_params: Iterable[float],
    student_tokens: Iterable[float],
    teachers: Sequence[Teacher] = (),
    *,
    delta_lgt: float = 1.0,
    forward: Callable[[float], float] = forward_flops,
) -> pd.DataFrame:
    """Every size on every number of tokens, on labels and from every teacher, with costs.

    - teachers: one with a loss is at hand, one with tokens and a loss of NaN is to be trained.
    - delta_lgt: share of the teacher's inference that counts.
    - forward: FLOPs of a forward pass per token, of parameters.
    - returns: `worlds.INPUTS`, cost (FLOPs of the run and of the inference) and teacher_cost (of
      training its teacher, once).
    """
    rows = []
    for size in student_params:
        for tokens in student_tokens:
            alone = 3 * forward(size) * tokens
            rows.append([size, tokens, np.nan, np.nan, np.nan, alone, 0.0])
            for teacher in teachers:
                told = np.nan if teacher.tokens is None else teacher.tokens
                cost = alone + delta_lgt * forward(teacher.params) * tokens
                new = np.isnan(teacher.loss)
                own = 3 * forward(teacher.params) * told if new else 0.0
                rows.append([size, tokens, teacher.params, told, teacher.loss, cost, own])
    return pd.DataFrame(rows, columns=[*INPUTS, "cost", "teacher_cost"], dtype=float)


@dataclass(frozen=True)
class Proposal:
    """Runs to train, in order, and what they are expected to buy.

    - runs: the chosen candidates (their columns, and `candidate`, their row): cost (FLOPs, with the
      teacher's where it has to be trained first), and when it and all before are trained: spent
      (FLOPs), width (nats, expected), changes (chance that the answer is another one).
    - answers: a row an answer (of each question in turn): question, answer, low, loss, high (nats
      per token), best (share of the worlds in which it is).
    - width: now, nats.
    - floor: width that all candidates together would leave.
    - doubt: chance that the best answer is another one than today's, in the worlds.
    - stop: whether the runs are unlikely (`CHANGES`) to change the answer.
    """

    runs: pd.DataFrame
    answers: pd.DataFrame
    width: float
    floor: float
    doubt: float
    stop: bool

    def sentence(self) -> str:
        """What to do, in one sentence."""
        chosen = len(self.runs)
        last = self.runs.iloc[-1] if chosen else None
        if self.answers.groupby("question").size().max() == 1:
            told = f"the loss is told to ±{_half(self.width):.2g} nats"
            if not chosen:
                return f"{told}, and no run here would narrow it"
            return (
                f"{told}; {_count(chosen)}, {last.spent:.2g} FLOPs together, would leave "
                f"±{_half(last.width):.2g} (all candidates: ±{_half(self.floor):.2g})"
            )
        ways = self.answers.sort_values("best", ascending=False, kind="stable").answer
        if self.stop and self.doubt < CHANGES:
            return f"{ways.iloc[0]}: more pilots would change that in less than 1 of 20 worlds"
        if self.stop:
            return (
                f"{ways.iloc[0]}, though something else is best in {self.doubt:.0%} of the worlds: "
                "no pilots for this budget would change that in more than 1 of 20"
            )
        return (
            f"the answer is open between “{ways.iloc[0]}” and “{ways.iloc[1]}”; {_count(chosen)}, "
            f"{last.spent:.2g} FLOPs together, would most likely settle it: they change the answer "
            f"in {last.changes:.0%} of the worlds, and something else is best in {self.doubt:.0%}"
        )


def _count(runs):
    return "this run" if runs == 1 else f"these {runs} runs"


def _half(width):
    return norm.ppf((1 + LEVEL) / 2) * width


def propose(
    worlds: Worlds,
    candidates: pd.DataFrame,
    questions: Choice | Foretell | Sequence[Choice | Foretell],
    budget: float,
    *,
    noise: float,
    discrepancy: Discrepancy | None = None,
    known: pd.DataFrame | None = None,
    repeats: int = 2,
    most_runs: int = 30,
    curves: bool = False,
) -> Proposal:
    """The runs to train next, within a budget.

    - worlds: what is believed now, after the runs that are `known`.
    - candidates: as from `grid`.
    - budget: FLOPs.
    - noise: standard deviation of one run's log-loss over seeds.
    - discrepancy: what no law says.
    - known: runs that there are, near which the discrepancy is known.
    - repeats: how often a candidate may be taken, each time with another seed.
    - curves: a run tells, on its way, the candidates of its size and teacher with fewer tokens.
    - raises ValueError: where no candidate is affordable, where all teachers are equal, where what
      is asked is over 1000 times larger than any affordable candidate, or where all of them
      together would not take a twentieth of the variance away.
    """
    budget, noise = float(positive("budget", budget)), float(positive("noise", noise))
    questions = [questions] if isinstance(questions, Choice | Foretell) else list(questions)
    rows = inputs(candidates, "candidates")
    _refuse_equal(candidates, questions)
    state = _State(worlds, rows, candidates, questions, noise, discrepancy, known, curves)
    cost = state.costs()
    if not (cost <= budget).any():
        raise ValueError(
            f"budget is {budget:.3g} FLOPs; the cheapest candidate costs {cost.min():.3g}"
        )
    affordable = np.flatnonzero(cost <= budget)
    for name in INPUTS[:2]:
        largest = rows[name].iloc[affordable].max()
        times = max(question.rows()[name].max() for question in questions) / largest
        if times > _FAR:
            raise ValueError(
                f"what is asked has {times:.3g} times the {name} of the largest affordable "
                f"candidate ({largest:.3g}): no law has been held against runs so far away"
            )
    floor = state.asked(state.after(affordable, repeats))
    if state.choices and state.changes(state.now) < CHANGES:
        return state.proposal([], floor)  # nothing that any run could say would change the answer
    if state.width(floor) > np.sqrt(1 - _INFORMS) * state.width(state.now):
        raise ValueError(
            f"all {len(affordable)} candidates within {budget:.3g} FLOPs together would leave "
            f"{state.width(floor) / state.width(state.now):.1%} of the range: what is asked lies "
            "too far from them; take larger pilots or another question"
        )
    return state.proposal(state.searched(_Limits(budget, repeats, most_runs)), floor)


def _refuse_equal(candidates, questions):
    asked = any(isinstance(q, Choice) or q.teacher_loss is not None for q in questions)
    taught = candidates[["teacher_params", "teacher_loss"]].notna().any(axis=1)
    if asked and not taught.any():
        raise ValueError(
            "candidates have no teachers, and what is asked is about a distilled model"
        )
    for teachers in (q.teachers for q in questions if isinstance(q, Choice)):
        if len(teachers) > 1 and len({(t.params, t.loss, t.tokens) for t in teachers}) == 1:
            raise ValueError(f"all {len(teachers)} teachers are equal: there is no choice")


class _Limits(NamedTuple):
    budget: float
    repeats: int | np.ndarray  # of each candidate
    most_runs: int
    least: float = _LEAST


class _State:
    """Covariances of all rows, and criteria of what is left of those that are asked, the last."""

    def __init__(self, worlds, rows, candidates, questions, noise, discrepancy, known, curves):
        self.candidates, self.questions, self.noise = candidates, questions, noise
        zeros = pd.Series(0.0, candidates.index)
        self.cost = candidates["cost"].to_numpy(float)
        self.teacher_cost = candidates.get("teacher_cost", zeros).to_numpy(float)
        # Teachers that would be trained are runs on labels too.
        named = rows[["teacher_params", "teacher_tokens"]].copy()
        named[~(self.teacher_cost > 0)] = np.nan
        kinds = named.dropna().drop_duplicates()
        places = {tuple(pair): len(rows) + i for i, pair in enumerate(kinds.to_numpy())}
        self.teacher = np.array([places.get(tuple(pair), -1) for pair in named.to_numpy()])
        self.rows = _on_the_way(rows) if curves else np.arange(len(rows))[:, None]
        teachers = kinds.set_axis(["student_params", "student_tokens"], axis=1)
        asked = [question.rows() for question in questions]
        self.first = len(rows) + len(kinds)
        ends = np.cumsum([len(part) for part in asked])
        self.groups = [np.arange(e - len(part), e) for e, part in zip(ends, asked, strict=True)]
        whole = pd.concat([rows, inputs(teachers), *asked], ignore_index=True)
        logs = worlds.log_losses(whole)
        # What is asked is a loss in nats; of candidates the log is enough.
        scale, losses = np.ones(len(whole)), np.exp(logs[:, self.first :])
        self.middle = scale[self.first :] = worlds.weights @ losses
        apart = (logs - worlds.weights @ logs) * np.sqrt(worlds.weights)[:, None]
        told = partial(_with_teachers, worlds)
        seen = None if known is None or known.empty else told(inputs(known, "known"))
        own = 0.0 if seen is None else seed_noise(known, noise)
        extra = _conditioned(discrepancy or Discrepancy(), told(whole), seen, own)
        self.covariance = (apart.T @ apart + extra) * np.outer(scale, scale)
        self.now = self.asked(self.covariance)
        self.contests = [at for at in self.groups if len(at) > 1]
        self.choices = len(self.contests) == len(self.groups)
        uniform = qmc.Sobol(max(map(len, self.groups)), rng=np.random.default_rng(0)).random(_DRAWS)
        self.draws = norm.ppf(np.clip(uniform, 1e-6, 1 - 1e-6))

    def asked(self, covariance):
        """That of what is asked."""
        return covariance[self.first :, self.first :]

    def costs(self, trained=()):
        """FLOPs of each candidate, its teacher's too where that is not among those trained."""
        new = (self.teacher >= 0) & ~np.isin(self.teacher, list(trained))
        return self.cost + np.where(new, self.teacher_cost, 0.0)

    def trained(self, plan):
        """Teachers that a plan has trained, and its FLOPs."""
        first = {int(self.teacher[c]): c for c in plan if self.teacher[c] >= 0}
        cost = self.cost[plan].sum() + self.teacher_cost[list(first.values())].sum()
        return set(first), float(cost)

    def observed(self, which, trained):
        """Rows that each candidate's training tells, its teacher's last, and their noise.

        Where a candidate tells fewer rows than others, one of its own stands there without weight.
        """
        teacher = self.teacher[which]
        new = (teacher >= 0) & ~np.isin(teacher, list(trained))
        rows = np.column_stack([self.rows[which], np.where(new, teacher, -1)])
        count = rows.shape[1]
        shared = np.full((count, count), SHARED)
        shared[-1] = shared[:, -1] = 0.0
        np.fill_diagonal(shared, 1.0)
        told = rows >= 0
        noise = self.noise**2 * shared * (told[:, :, None] & told[:, None])
        noise += _NOTHING * ~told[:, None] * np.eye(count)
        return np.where(told, rows, np.asarray(which)[:, None]), noise

    def after(self, plan, seeds=1):
        """What is left after a plan: candidates, repeated where they are taken several times."""
        covariance, trained = self.covariance, set()
        for candidate in plan:
            covariance = self._update(covariance, candidate, trained, seeds)
            trained.add(int(self.teacher[candidate]))
        return covariance

    def _update(self, covariance, candidate, trained, seeds=1):
        (rows,), (noise,) = self.observed(np.array([candidate]), trained)
        inner, outer = covariance[np.ix_(rows, rows)] + noise / seeds, covariance[:, rows]
        return covariance - outer @ np.linalg.solve(inner, outer.T)

    # What follows takes the covariance of what is asked, one or several: (..., asked, asked).

    def width(self, small):
        """Root mean square of what is open: a loss, or each way's difference to the first."""
        found = []
        for at in self.groups:
            inner = small[..., at[:, None], at]
            if len(at) > 1:
                contrast = np.eye(len(at))[1:] - np.eye(len(at))[0]
                inner = contrast @ inner @ contrast.T
            found.append(np.trace(inner, axis1=-2, axis2=-1) / inner.shape[-1])
        return np.sqrt(np.maximum(np.mean(found, axis=0), 0.0))

    def drawn(self, at, known):
        """Expected losses of some that are asked, drawn, when so much (covariance) is known."""
        return self.middle[at] + self.draws[:, : len(at)] @ _root(known[np.ix_(at, at)])

    def changes(self, known):
        """Mean over choices of the chance that another way is best when so much is known."""
        found = [
            (self.drawn(at, known).argmin(axis=1) != self.middle[at].argmin()).mean()
            for at in self.contests
        ]
        return float(np.mean(found or 0.0))

    def criterion(self, small):
        """What a plan should make small, nats: the regret and the width.

        The regret is the mean over choices of the expected one against each rival of today's best
        way, summed: of two ways the very one, of more a bound on it, and at once for many plans.
        """
        total = 0.0
        for at in self.contests:
            best = at[self.middle[at].argmin()]
            rivals = at[at != best]
            behind = self.middle[rivals] - self.middle[best]
            now, left = (
                v[..., rivals, rivals] + v[..., best, best][..., None] - 2 * v[..., rivals, best]
                for v in (self.now, small)
            )
            total = total + (_overtaken(behind, now) - _overtaken(behind, now - left)).sum(axis=-1)
        weight = _LITTLE if self.choices else 1.0
        return total / max(len(self.contests), 1) + weight * self.width(small)

    def criteria(self, covariance, trained, which):
        """The criterion after each of some candidates, one more each."""
        rows, noise = self.observed(which, trained)
        inner = covariance[rows[:, :, None], rows[:, None]] + noise
        outer = covariance[self.first :].T[rows]
        told = np.swapaxes(outer, 1, 2) @ np.linalg.solve(inner, outer)
        return self.criterion(self.asked(covariance) - told)

    def greedy(self, limits, a_flop, plan=()):
        """A plan extended run by run, by what a run buys a FLOP or by what it buys."""
        plan = list(plan)
        covariance = self.after(plan)
        now = float(self.criterion(self.asked(covariance)))
        while len(plan) < limits.most_runs:
            trained, spent = self.trained(plan)
            cost, taken = self.costs(trained), np.bincount(plan, minlength=len(self.cost))
            open_ = (cost <= (limits.budget - spent) * (1 + 1e-9)) & (taken < limits.repeats)
            which = np.flatnonzero(open_)
            if not len(which):
                break
            left = self.criteria(covariance, trained, which)
            best = int(np.argmax((now - left) / (cost[which] if a_flop else 1.0)))
            if now - left[best] <= limits.least * now:
                break
            plan.append(int(which[best]))
            covariance, now = self._update(covariance, plan[-1], trained), float(left[best])
        return plan, now

    def searched(self, limits):
        """The best of greedy plans from several first runs, its runs exchanged while that helps."""

        def best(starts):
            return min((self.greedy(limits, a, s) for s in starts for a in (True, False)), key=last)

        first, last, cost = float(self.criterion(self.now)), itemgetter(1), self.costs()
        plan, now = best([()])
        if len(plan) <= _FEW:
            # Where few runs fit, the first decides what room is left for others.
            which = np.flatnonzero(cost <= limits.budget * (1 + 1e-9))
            gains = first - self.criteria(self.covariance, (), which)
            orders = [np.argsort(-g, kind="stable") for g in (gains, gains / cost[which])]
            starts = np.unique(which[np.concatenate([o[:_FIRST] for o in orders])])
            plan, now = min((plan, now), best([[c] for c in starts]), key=last)
        if now > (1 - limits.least) * first:
            return []
        for _ in range(_PASSES):
            for i in range(len(plan)):
                tried = best([plan[:i] + plan[i + 1 :]])
                if tried[1] < now * (1 - limits.least):
                    plan, now = tried
                    break
            else:
                break
        return plan

    def ordered(self, plan):
        """A plan's runs by what they buy a FLOP, one after another."""
        each = np.bincount(plan, minlength=len(self.cost))
        return self.greedy(_Limits(np.inf, each, len(plan), -np.inf), True)[0] if plan else []

    def proposal(self, plan, floor):
        """The plan in the order in which it buys most, with what it is expected to buy."""
        plan = self.ordered(plan)
        bought = ["candidate", "cost", "spent", "width", "changes"]
        rows = []
        for i, candidate in enumerate(plan):
            before, spent = self.trained(plan[:i])
            cost = self.costs(before)[candidate]
            small = self.asked(self.after(plan[: i + 1]))
            told = [self.candidates.index[candidate], cost, spent + cost, float(self.width(small))]
            told = dict(zip(bought, [*told, self.changes(self.now - small)], strict=True))
            rows.append(self.candidates.iloc[candidate].to_dict() | told)
        doubt = self.changes(self.now)
        return Proposal(
            runs=pd.DataFrame(rows, columns=[*dict.fromkeys([*self.candidates, *bought])]),
            answers=self._answers(),
            width=float(self.width(self.now)),
            floor=float(self.width(floor)),
            doubt=doubt,
            stop=self.choices and (not rows or rows[-1]["changes"] < CHANGES),
        )

    def _answers(self):
        rows = []
        for number, (at, question) in enumerate(zip(self.groups, self.questions, strict=True)):
            half = _half(np.sqrt(np.diag(self.now)[at]))
            best = self.drawn(at, self.now).argmin(axis=1)
            told = {"question": number, "answer": question.names, "low": self.middle[at] - half}
            told |= {"loss": self.middle[at], "high": self.middle[at] + half}
            shares = np.bincount(best, minlength=len(at)) / len(best)
            rows.append(pd.DataFrame(told | {"best": shares}))
        return pd.concat(rows, ignore_index=True)


def _on_the_way(rows):
    """Of each candidate itself and those of its size and teacher with fewer tokens; -1 beyond."""
    tokens, others = rows.student_tokens, [name for name in INPUTS if name != "student_tokens"]
    groups = rows.groupby(others, dropna=False).indices.values()
    found = np.full((len(rows), max(map(len, groups))), -1)
    for at in groups:
        ordered = at[np.argsort(-tokens.to_numpy()[at], kind="stable")]
        for i, candidate in enumerate(ordered):
            found[candidate, : len(at) - i] = ordered[i:]
    return found


def _overtaken(behind, variance):
    """E max(0, x - behind) of a normal x around zero."""
    deviation = np.sqrt(np.maximum(variance, 1e-18))
    at = behind / deviation
    return deviation * norm.pdf(at) - behind * norm.cdf(-at)


def _with_teachers(worlds, rows):
    """Runs with what the worlds expect of the loss of teachers that have none."""
    new = rows.teacher_loss.isna() & rows.teacher_params.notna()
    if not new.any():
        return rows
    names = {"teacher_params": "student_params", "teacher_tokens": "student_tokens"}
    alone = inputs(rows.loc[new, list(names)].rename(columns=names))
    expected = np.exp(worlds.weights @ worlds.log_losses(alone))
    found = rows.copy()
    found.loc[new, "teacher_loss"] = expected
    return found


def _conditioned(discrepancy, whole, seen, noise):
    """The discrepancy's covariance, given the runs that there are."""
    extra = discrepancy.covariance(whole, whole)
    if seen is None:
        return extra
    inner = discrepancy.covariance(seen, seen) + noise
    outer = discrepancy.covariance(whole, seen)
    return extra - outer @ np.linalg.solve(inner, outer.T)


def _root(covariance):
    """The symmetric square root of covariances, what rounding made negative left out."""
    values, vectors = np.linalg.eigh(covariance)
    scaled = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    return scaled @ np.swapaxes(vectors, -1, -2)
