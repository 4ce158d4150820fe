"""Whether to distil, from which teacher, and what more tokens buy, from a law of one's own runs.

Every answer is held against the runs: what lies outside them is called that, and has no verdict.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalinglib.allocate import tokens_with_teacher
from scalinglib.checks import positive
from scalinglib.flops import N_VOCAB, forward_flops
from scalingplan.answers.numbers import band, ranged

__all__ = ["LEEWAY", "Answer", "Decision", "decide", "inside_decision", "token_curve"]

LEEWAY = 2.0  # a factor beyond the runs that still counts as inside them
_GUESS = np.log(N_VOCAB)  # nats per token that no model exceeds
_INPUTS = ["student_params", "student_tokens", "teacher_loss"]


@dataclass(frozen=True)
class Decision:
    """A student size, a budget, and whether the teacher's logits are paid for.

    Attributes
    ----------
    student_params : float
    compute : float
        FLOPs.
    delta_lgt : float
        Share of the teacher's inference that this budget pays, within [0, 1].
    """

    student_params: float
    compute: float
    delta_lgt: float = 1.0

    def __post_init__(self):
        positive("student_params", self.student_params)
        positive("compute", self.compute)
        if not 0 <= self.delta_lgt <= 1:
            raise ValueError(f"delta_lgt is {self.delta_lgt!r}; it must be within [0, 1]")


@dataclass(frozen=True)
class Answer:
    """One decision answered.

    Attributes
    ----------
    decision : Decision
    verdict : str
        "distil", "train on data", "too close to call" or "outside".
    outside : tuple of str
        How far the decision lies beyond the runs; no verdict where there is any.
    teachers : DataFrame
        Best first: the teacher, student_tokens, predicted, share (of the replicates in which it is
        the best), regret (mean loss over them of choosing it, nats), inside.
    distilled, on_data : dict
        predicted, run_low, run_high: the best teacher's student, and the same budget of data.
    gain, ten_times : dict
        value, low, high in nats: what distilling gains over data, and ten times the tokens over
        the student; ten_times has beyond too, the factor by which they leave the runs, or 0.
    agree : float
        Share of the replicates on the side of the estimate.
    """

    decision: Decision
    verdict: str
    outside: tuple
    teachers: pd.DataFrame
    distilled: dict
    on_data: dict
    gain: dict
    ten_times: dict
    agree: float

    def sentences(self):
        """The answer in words, the verdict first."""
        made, best = self.decision, self.teachers.iloc[0]
        lines = [
            f"verdict: {self.verdict} ({made.student_params:.3g} parameters, {made.compute:.3g} "
            f"FLOPs, {made.delta_lgt:.0%} of the teacher's inference paid)"
        ]
        lines += [f"  outside the runs: {text}" for text in self.outside]
        if self.outside:
            return [
                *lines,
                "  there the law is a guess: take a decision inside the runs, or add some",
            ]
        lines += [
            f"  distilled: {_loss(self.distilled)}, from the teacher of "
            f"{best.teacher_params:.3g} parameters, L_T = {best.teacher_loss:.4g}, with "
            f"{best.student_tokens:.3g} tokens",
            f"  on data:   {_loss(self.on_data)}",
            f"  distilling gains {_nats(self.gain)} nats per token; {self.agree:.0%} of the "
            "replicates agree with its sign",
            f"  {self.more_tokens()}",
        ]
        near = self.teachers[self.teachers.share > 0]
        if len(near) > 1:
            lines.append(
                f"  this teacher is the best of {len(self.teachers)} in {best.share:.0%} of the "
                f"replicates; choosing it loses {best.regret:.2g} nats on average"
            )
        return lines

    def more_tokens(self):
        """What ten times the tokens would give, in words."""
        if factor := self.ten_times["beyond"]:
            return f"ten times the tokens lie {factor:.2g} x beyond the runs, which do not tell"
        return f"ten times the tokens would give {_nats(self.ten_times)} nats"


def inside_decision(distilled, student_params=None, compute=None, delta_lgt=1.0):
    """The decision asked for; what is None of it is taken in the middle of the runs.

    Parameters
    ----------
    distilled : DataFrame
        `tables.columns.DISTILLATION`.
    student_params, compute, delta_lgt
        Of `Decision`; in their place a size of the runs, and a budget with their tokens.

    Returns
    -------
    Decision
    """
    sizes = np.sort(distilled.student_params.unique())
    size = float(sizes[len(sizes) // 2])
    tokens = np.exp(np.log(distilled.student_tokens[distilled.student_params == size]).mean())
    teacher = np.exp(np.log(distilled.teacher_params).mean())
    budget = tokens * (3 * forward_flops(size) + forward_flops(teacher))
    return Decision(student_params or size, compute or float(f"{budget:.2g}"), delta_lgt)


def decide(laws, decision):
    """Answer a decision with the laws of somebody's runs.

    Parameters
    ----------
    laws : OwnLaws
    decision : Decision

    Returns
    -------
    Answer
        The whole budget is spent on this student; the teachers are those of the runs and their
        training is paid. "too close to call" where the 95% range of the gain holds zero, or the
        gain is within one run's noise.
    """
    law, runs, size = laws.distillation, laws.distillation.runs, decision.student_params
    pool = laws.pool.assign(student_params=size)
    pool["student_tokens"] = tokens_with_teacher(
        size, pool.teacher_params.to_numpy(), decision.compute, decision.delta_lgt
    )
    pool["predicted"] = law.predict(pool[_INPUTS]).predicted
    with np.errstate(over="ignore"):
        draws = law.laws().loss(*(pool[name].to_numpy() for name in _INPUTS))
    draws = np.minimum(draws, _GUESS)  # where a replicate runs away
    pool["share"] = np.bincount(draws.argmin(axis=1), minlength=len(pool)) / len(draws)
    pool["regret"] = (draws - draws.min(axis=1, keepdims=True)).mean(axis=0)
    pool["inside"] = [not beyond(tokens, runs.student_tokens) for tokens in pool.student_tokens]
    order = np.lexsort((pool.predicted, ~pool.inside))
    chosen, ranked = int(order[0]), pool.iloc[order].reset_index(drop=True)
    best = ranked.iloc[0]
    data = pd.DataFrame({"params": [size], "tokens": decision.compute / (3 * forward_flops(size))})
    on_data = laws.supervised.predict(data).iloc[0].to_dict()
    replicates = law.laws()
    data_draws = np.broadcast_to(
        np.ravel(replicates.supervised.loss(size, data.tokens[0])), len(draws)
    )
    gain = _draws(on_data["predicted"] - best.predicted, data_draws - draws[:, chosen])
    more = _ten_times(law, best, size)
    outside = _outside(laws, best, data.iloc[0])
    noise = float(np.median(np.abs(law.residuals()))) * on_data["predicted"]
    close = not (gain["low"] > 0 or gain["high"] < 0) or abs(gain["value"]) < noise
    verdict = "distil" if gain["value"] > 0 else "train on data"
    return Answer(
        decision=decision,
        verdict="outside" if outside else "too close to call" if close else verdict,
        outside=outside,
        teachers=ranked,
        distilled=law.predict(ranked[_INPUTS].head(1)).iloc[0].to_dict(),
        on_data=on_data,
        gain=gain,
        ten_times=more,
        agree=float(np.mean((data_draws > draws[:, chosen]) == (gain["value"] > 0))),
    )


def token_curve(laws, answer, points):
    """The chosen student with a tenth to ten times its tokens, and the bands of `Fit.predict`.

    Parameters
    ----------
    laws : OwnLaws
    answer : Answer
    points : int

    Returns
    -------
    DataFrame
    """
    best = answer.teachers.iloc[0]
    curve = pd.DataFrame({"student_tokens": best.student_tokens * np.geomspace(0.1, 10, points)})
    return laws.distillation.predict(
        curve.assign(student_params=best.student_params, teacher_loss=best.teacher_loss)
    )


def beyond(value, seen):
    """By which factor a value lies outside what was seen, 0 where it lies inside (`LEEWAY`)."""
    factor = max(float(np.min(seen)) / value, value / float(np.max(seen)))
    return factor if factor > LEEWAY else 0.0


def _outside(laws, best, data):
    runs, singles = laws.distillation.runs, laws.supervised.runs
    asked = [
        ("a student of", best.student_params, runs.student_params, "parameters"),
        ("distilling on", best.student_tokens, runs.student_tokens, "tokens"),
        ("training on data with", data.params, singles.params, "parameters"),
        ("training on data on", data.tokens, singles.tokens, "tokens"),
    ]
    return tuple(
        f"{what} {value:.3g} {unit} is {factor:.3g} x beyond them "
        f"({seen.min():.3g} to {seen.max():.3g})"
        for what, value, seen, unit in asked
        if (factor := beyond(value, seen))
    )


def _ten_times(law, best, size):
    now, more = (
        law.predict(best[_INPUTS].to_frame().T.assign(student_tokens=d * best.student_tokens))
        for d in (1, 10)
    )
    laws = law.laws()
    with np.errstate(over="ignore"):
        draws = [laws.loss(size, d * best.student_tokens, best.teacher_loss)[:, 0] for d in (1, 10)]
    gain = _draws(float(now.predicted.iloc[0] - more.predicted.iloc[0]), draws[0] - draws[1])
    return gain | {"beyond": beyond(10 * best.student_tokens, law.runs.student_tokens)}


def _draws(value, draws):
    low, high = band(draws, value)
    return {"value": float(value), "low": low, "high": high}


def _loss(row):
    nan = float("nan")
    return ranged(row["predicted"], row.get("run_low", nan), row.get("run_high", nan), ".4f")


def _nats(row):
    return ranged(row["value"], row["low"], row["high"], ".4f")
