"""Distil or train on data, with tokens or compute given: what laws say (5.1, 5.2, D, E.4, E.6).

Each function takes a law first and gives the number that a sentence of the paper, or of a text
about it, is judged by. Losses are nats per token, sizes non-embedding parameters.
"""

import numpy as np
import pandas as pd
from numpy.polynomial import Polynomial

from scalinglib import allocate, flops
from scalinglib.laws import DistillationLaw, Ensemble
from scalinglib.laws.base import StudentLaw

SIZES_15 = np.array([1e9, 3e9, 10e9, 30e9])  # the students of Figures 15 and 16
BUDGETS_7 = np.array([250e9, 1e12, 4e12, 16e12])  # the token budgets of Figure 7
SIZES_13 = np.array([198e6, 546e6, 975e6, 1.82e9])  # the students of Figure 13
NONE = 99.0  # a ratio where there is nothing to take it of


def gap_to_data(law: StudentLaw, student_params, student_tokens, teacher_loss) -> np.ndarray:
    """L_S - L̃_S: distilled less trained on data with as many tokens; negative: distilling wins."""
    distilled = law.loss(student_params, student_tokens, teacher_loss)
    return distilled - law.supervised.loss(student_params, student_tokens)


def share_distil(ensemble: Ensemble, student_params, student_tokens, teacher_loss) -> np.ndarray:
    """Weight of the laws under which distilling wins."""
    problem = (student_params, student_tokens, teacher_loss)
    return ensemble.share(np.array([gap_to_data(m, *problem) < 0 for m in ensemble.members]))


def gain_with_best(law: StudentLaw, student_params, student_tokens) -> np.ndarray:
    """Nats gained by distilling from the best possible teacher, for free."""
    best = allocate.best_teacher_loss(law, student_params, student_tokens)
    return -gap_to_data(law, student_params, student_tokens, best)


def signs(law: StudentLaw, runs: pd.DataFrame) -> float:
    """Share of the runs (column gap) over 0.01 nats from zero whose sign the law gives."""
    clear = runs[runs.gap.abs() > 0.01]
    told = gap_to_data(law, clear.student_params, clear.student_tokens, clear.teacher_loss)
    return float((np.sign(told) == np.sign(clear.gap)).mean())


def last_budgets(law: StudentLaw, teachers: np.ndarray, students: np.ndarray) -> np.ndarray:
    """Student FLOPs where the last gain ends (`last_gain`), a row a teacher, a column a student.

    Looked for between 1e18 and 1e25 FLOPs.
    """
    budget = np.geomspace(1e18, 1e25, 281)
    tokens = budget / (3 * flops.forward_flops(students[:, None]))
    gaps = gap_to_data(law, students[:, None], tokens, np.asarray(teachers)[:, None, None])
    return allocate.last_gain(budget, -gaps)


def weaker_with_tokens(law: StudentLaw) -> float:
    """The largest rise of Figure 13's gap along a teacher's tokens, 1B to 10T, above its least."""
    sizes, tokens = np.geomspace(1e8, 7e9, 61), np.geomspace(1e9, 1e13, 61)
    losses = law.supervised.loss(sizes[:, None], tokens)
    student = SIZES_13[:, None, None]
    gap = gap_to_data(law, student, 20 * flops.total_params(student), losses)
    return float((gap - np.minimum.accumulate(gap, axis=-1)).max())


def poor_teachers(law: StudentLaw) -> np.ndarray:
    """Gaps under a 100M teacher on 1B to 10T tokens, and under a 7B teacher on 1B."""
    small = law.supervised.loss(100e6, np.geomspace(1e9, 1e13, 60))[:, None]
    few, larger = law.supervised.loss(7e9, 1e9), SIZES_13[1:]
    small_gap = gap_to_data(law, larger, 20 * flops.total_params(larger), small)
    return np.append(small_gap, gap_to_data(law, SIZES_13, 20 * flops.total_params(SIZES_13), few))


def strong_teacher_inside(law: StudentLaw) -> bool:
    """Whether the 198M student is best with a 7.75B teacher that is neither rawest nor ripest."""
    losses = law.supervised.loss(7.75e9, np.geomspace(1e9, 1e13, 60))
    own = law.loss(198e6, 20 * flops.total_params(198e6), losses)
    return bool(0 < own.argmin() < len(own) - 1)


def budgets_of_help(law: StudentLaw) -> list[bool]:
    """Whether a teacher of 100M to 7B on 3e19, 1e20, 3e20 and 1e21 FLOPs helps a 1.82B student."""
    sizes = np.geomspace(1e8, 7e9, 100)
    tokens = 20 * flops.total_params(1.82e9)
    return [
        bool((gap_to_data(law, 1.82e9, tokens, law.supervised.loss(
            sizes, budget / (3 * flops.forward_flops(sizes)))) < 0).any())
        for budget in (3e19, 1e20, 3e20, 1e21)
    ]  # fmt: skip


def off_a_power_law(law: StudentLaw, student_tokens: float) -> float:
    """How far the best teacher loss is from a power law of student size, 1B to 10B, relatively."""
    x = np.log(np.geomspace(1e9, 1e10, 60))
    y = np.log(allocate.best_teacher_loss(law, np.exp(x), student_tokens))
    return float(np.abs(np.expm1(y - Polynomial.fit(x, y, 1)(x))).max())


def at_bend(law: StudentLaw, student_tokens: float) -> tuple[float, float]:
    """Size of the sharpest downward bend of the best teacher loss, and L_S / L_T there.

    Between 1B and 100B; NaN twice where the sharpest is an end, or no bend.
    """
    x = np.log(np.geomspace(1e9, 1e11, 200))
    y = np.log(allocate.best_teacher_loss(law, np.exp(x), student_tokens))
    bend = np.gradient(np.gradient(y, x), x)[5:-5]
    at = bend.argmin() + 5
    if bend.min() >= -0.005 or not 10 < at < 190:
        return np.nan, np.nan
    size, teacher = np.exp(x[at]), np.exp(y[at])
    return size, float(law.loss(size, student_tokens, teacher) / teacher)


def ratio_at_bends(law: StudentLaw) -> float:
    """Median of L_S / L_T over Figure 7's budgets that have a bend; `NONE` where none has."""
    ratios = [at_bend(law, tokens)[1] for tokens in BUDGETS_7]
    return float(np.nanmedian(ratios)) if np.isfinite(ratios).any() else NONE


def teacher_exponent(law: StudentLaw) -> float:
    """Log slope of the best teacher's size over the student's, 143M to 12.6B on 64B tokens.

    `NONE` where fewer than ten students want a teacher that could exist.
    """
    x = np.geomspace(143e6, 12.6e9, 60)
    loss = allocate.best_teacher_loss(law, x, 64e9)
    exists = loss > law.supervised.loss(1e11, 2e12)
    if exists.sum() < 10:
        return NONE
    size = allocate.cheapest_model(law.supervised, loss[exists])[0]
    return float(Polynomial.fit(np.log(x[exists]), np.log(size), 1).convert().coef[1])


def pace(law: StudentLaw, student_params: float, student_tokens: float) -> float:
    """Log slope of the best teacher loss in student size over that in student tokens."""
    nudge = 1.01 ** np.array([-1, 1])
    by_size = allocate.best_teacher_loss(law, student_params * nudge, student_tokens)
    by_tokens = allocate.best_teacher_loss(law, student_params, student_tokens * nudge)
    return float(abs(np.diff(np.log(by_size))[0]) / abs(np.diff(np.log(by_tokens))[0]))


def drift(law: StudentLaw, student_params: float) -> float:
    """Change of the best teacher loss from the fewest to the most tokens of Figure 15."""
    ends = allocate.best_teacher_loss(law, student_params, np.array([16e12, 250e9]))
    return float(np.subtract(*ends))


def best_within(law: StudentLaw, student_params, student_tokens) -> np.ndarray:
    """The best teacher loss between E and 2.5 nats, the range of Figure 16."""
    trial = np.linspace(law.supervised.E, 2.5, 1281)
    student = np.asarray(student_params)[..., None], np.asarray(student_tokens)[..., None]
    return trial[law.loss(*student, trial).argmin(axis=-1)]


def tradeoff(law: StudentLaw) -> bool:
    """Whether each of Figure 16's students has its best teacher inside 1B to 1T, logits paid."""
    shelf, student = np.geomspace(1e9, 1e12, 121), SIZES_15[:, None]
    tokens = allocate.tokens_with_teacher(student, shelf, 1e22)
    losses = law.loss(student, tokens, law.supervised.loss(shelf, 20 * flops.total_params(shelf)))
    at = losses.argmin(axis=1)
    return bool(((at > 0) & (at < len(shelf) - 1)).all())


def from_ratio(law: StudentLaw, student_params: float, ratio) -> np.ndarray:
    """Student loss under a teacher `ratio` times its size, both on 20 tokens a parameter."""
    teacher = law.supervised.loss(ratio * student_params, 20 * ratio * student_params)
    return law.loss(student_params, 20 * student_params, teacher)


def best_ratio(law: StudentLaw, student_params: float) -> float:
    """The size ratio, 0.3 to 1000, of the best teacher, both on 20 tokens a parameter."""
    ratios = np.geomspace(0.3, 1000, 400)
    return float(ratios[from_ratio(law, student_params, ratios).argmin()])


def harm(law: StudentLaw, student_params: float) -> float:
    """Nats that a teacher of 1.8 nats costs a student against its best one, 20 tokens each."""
    tokens = 20 * student_params
    best = float(allocate.best_teacher_loss(law, student_params, tokens))
    return float(np.diff(law.loss(student_params, tokens, np.array([best, 1.8])))[0])


def bound_crossed(law: StudentLaw) -> float:
    """How far the best distilled loss on infinite data goes below training's, 143M to 12.6B."""
    studied = np.geomspace(143e6, 12.6e9, 64)
    return float(max(-allocate.infinite_data_gap(law, studied).min(), 0))


def nearest_miss(law: StudentLaw) -> float:
    """The least that a teacher 5% off the best, if it can exist, leaves above that floor."""
    studied = np.geomspace(143e6, 12.6e9, 64)
    best = allocate.best_teacher_loss(law, studied)
    floor, least = law.supervised.infinite_data_loss(studied), law.supervised.E
    off = [law.infinite_data_loss(studied, np.maximum(f * best, least)) for f in (0.95, 1.05)]
    exists = [0.95 * best >= least, np.full(len(best), True)]
    return float(np.where(exists, off - floor, np.inf).min())


def as_printed(law: DistillationLaw, student_params, student_tokens, teacher_loss) -> np.ndarray:
    """Equation 8 as it stands in the paper, without logs: overflows where they do not."""
    alone = (
        law.supervised.E
        + (
            law.supervised.A / student_params**law.supervised.alpha
            + law.supervised.B / student_tokens**law.supervised.beta
        )
        ** law.supervised.gamma
    )
    bend = (1 + (teacher_loss / (alone * law.d1)) ** (1 / law.f1)) ** (-law.c1 * law.f1)
    sizes = law.A / student_params**law.alpha + law.B / student_tokens**law.beta
    return teacher_loss + teacher_loss**-law.c0 * bend * sizes**law.gamma


def slopes(law: DistillationLaw, student_tokens: float) -> tuple[float, float]:
    """Log slopes of L_S - L_T in L_T far below and far above the transition, a 1B student.

    Above it the difference is below any rounding error and is taken from the formula's logs.
    """
    ends = law.d1 * law.supervised.loss(1e9, student_tokens) * np.array([0.2499, 0.2501])
    gap = law.loss(1e9, student_tokens, ends) - ends
    x = np.array([3.9999, 4.0001])
    log_gap = -law.c0 * np.log(x) - law.c1 * law.f1 * np.log1p(x ** (1 / law.f1))
    strong = np.diff(np.log(gap))[0] / np.diff(np.log(ends))[0]
    return float(strong), float(np.diff(log_gap)[0] / np.diff(np.log(x))[0])


def transition(law: DistillationLaw, students: np.ndarray) -> np.ndarray:
    """The best teacher loss over d1 L̃_S, where the law's two powers meet, on 64B tokens."""
    alone = law.supervised.loss(students, 64e9)
    return allocate.best_teacher_loss(law, students, 64e9) / (law.d1 * alone)
