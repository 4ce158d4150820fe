"""What texts say of compute-optimal distillation, each sentence as a number that a law gives it.

`SENTENCES` has them by the heading under which notebook 15 shows them and by their id in
data/claims.toml, where the words and the criterion stand: Sections 5.3, D.4 and D.5, Figures 6 to
34, the poster, the summary page and two articles. A function takes a `World`, a law with its
optima over the box of the paper's figures, and returns a number or a truth.

`Jury` has the laws to ask: the two that are the authors' own, from which their sentences should
follow, and those that fit the runs of Figure 1, the evidence. A question about a set that turns
out empty has no answer: `every`, `most` and `least` raise, so that nothing holds for want of cases.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from scalinglib import allocate, flops, laws

STUDENTS = np.array([300e6, 500e6, 1e9, 3e9, 5e9, 10e9, 30e9, 50e9])
BUDGETS = np.geomspace(1e20, 1e26, 121)
ABOVE_FLOOR = np.geomspace(0.05, 0.9, 16)  # target losses, nats over the student's floor
# Nats. Less is no difference of losses: the floors of the authors' law differ by up to 12e-3.
TOLERANCE = 0.015
_LARGEST = 10e9  # student of the sentences that name no size; the laws' floors cross beyond it
BEST_CASE, INFERENCE, PRETRAINING, BOTH = SCENARIOS = tuple(allocate.SCENARIOS)
PAID = (PRETRAINING, BOTH)
FREE = (BEST_CASE, INFERENCE)  # in which the teacher's training costs nothing
# Section D.5's two students, each with its target loss in nats.
EXAMPLES = {500e6: 2.4, 10e9: 2.2}
FIGURE6_TEACHERS = np.array([546e6, 975e6, 1.82e9, 2.72e9, 4.82e9, 7.75e9])


@dataclass(frozen=True)
class Jury:
    """Laws, or what was computed of each, that a sentence is put to."""

    authors: tuple
    evidence: tuple

    def ask(self, value: Callable) -> dict:
        """What `report.claims.check` takes: `value` of the authors' first law, and of all."""
        authors = tuple(map(value, self.authors))
        return {
            "value": authors[0],
            "authors": authors,
            "evidence": tuple(map(value, self.evidence)),
        }

    def map(self, function: Callable) -> "Jury":
        """The jury of what `function` makes of each."""
        return Jury(tuple(map(function, self.authors)), tuple(map(function, self.evidence)))


def jury() -> Jury:
    """The authors' laws (Table 6 with B' corrected, the one drawn in Figure 1) and the evidence."""
    authors = laws.load("corrected"), laws.load("figure1")
    return Jury(authors, tuple(laws.ensemble("figure1").thin(20).members))


def _some(values: object) -> np.ndarray:
    found = np.asarray(values)
    if not found.size:
        raise ValueError("values is empty: a sentence about no case neither holds nor fails")
    return found


def every(values: object) -> bool:
    """Whether all of `values` are true; ValueError where there is none."""
    return bool(_some(values).all())


def most(values: object) -> float:
    """The largest of `values`; ValueError where there is none."""
    return float(_some(values).max())


def least(values: object) -> float:
    """The smallest of `values`; ValueError where there is none."""
    return float(_some(values).min())


@dataclass(frozen=True)
class World:
    """A law with its optima, students by budgets."""

    law: laws.DistillationLaw

    @cached_property
    def optima(self) -> pd.DataFrame:
        """`allocate.optima` over `STUDENTS` and `BUDGETS`, four scenarios."""
        return allocate.optima(self.law, STUDENTS, BUDGETS)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """What target losses above a student's floor cost, where the teacher's training is free."""
        return allocate.costs_of_losses(self.law, STUDENTS, ABOVE_FLOOR, scenarios=FREE)

    def at(
        self, scenario: str, column: str, low: float = 0.0, high: float = np.inf
    ) -> pd.DataFrame:
        """A column of the optima, students by the budgets from `low` to `high` FLOPs."""
        values = self.optima[column][self.optima.scenario == scenario].to_numpy()
        table = pd.DataFrame(values.reshape(len(STUDENTS), -1), STUDENTS, BUDGETS)
        return table.loc[:, low * 0.999 : high * 1.001]

    def gains(self, scenario: str) -> pd.DataFrame:
        """Nats that distilling wins, students by budgets."""
        return -self.at(scenario, "gap")

    def ends(self, scenario: str, gain: float) -> pd.Series:
        """Budget at which each student's gain last passes `gain`; 0 for none, inf for no end."""
        ends = allocate.last_gain(BUDGETS, self.gains(scenario), gain)
        return pd.Series(ends, STUDENTS)

    def cheapest_ratio(self, scenario: str, column: str = "compute_ratio") -> pd.Series:
        """Lowest ratio to supervised training of each student of 300M to 10B, over the targets."""
        table = self.costs[self.costs.scenario == scenario]
        return table.groupby("student_params")[column].min().loc[:_LARGEST]

    def over_optimal(self, scenario: str) -> pd.DataFrame:
        """The teacher's D_T / N_T over that of the cheapest model of the same loss."""
        losses = self.at(scenario, "teacher_loss")
        size, tokens = allocate.cheapest_model(self.law.supervised, losses.to_numpy())
        return self.at(scenario, "teacher_ratio") / (tokens / size)


def _grows(levels: pd.Series) -> bool:
    """Whether levels of 300M to 10B exist and rise with size."""
    levels = levels.loc[:_LARGEST]
    return every(np.isfinite(levels)) and every(levels.diff().iloc[1:] > 0)


def _slope(table: pd.DataFrame, low: float = 1e20) -> pd.Series:
    """Logarithmic slope in compute from `low` to the last budget."""
    grid = np.log10(table.loc[:, low * 0.999 :])
    return (grid.iloc[:, -1] - grid.iloc[:, 0]) / np.log10(grid.columns[-1] / grid.columns[0])


def _largest_rise(table: pd.DataFrame) -> float:
    return most(table - table.cummin(axis=1))


def _by_decade(table: pd.DataFrame) -> pd.DataFrame:
    return np.log10(table.iloc[:, :: (len(BUDGETS) - 1) // 6]).diff(axis=1).iloc[:, 1:]


def _threshold(world: World) -> tuple[float, float]:
    """A power law of size through the budgets up to which the best case gains 0.01 nats.

    The largest log10 off it and its exponent; 99 where some student always gains.
    """
    levels = np.log10(world.ends(BEST_CASE, 0.01).loc[:_LARGEST])
    if np.isinf(levels).any():
        return 99.0, 99.0
    size = np.log10(levels.index.to_numpy())
    line = np.polynomial.Polynomial.fit(size, levels, 1).convert()
    return most(np.abs(levels - line(size))), float(line.coef[1])


def _inflection(world: World) -> float:
    """Tokens a parameter where the best case's L_T stops falling, the largest of 3B and above.

    99 where the teacher loss of one of these students never turns: no inflection is none.
    """
    losses, ratio = world.at(BEST_CASE, "teacher_loss"), world.at(BEST_CASE, "student_ratio")
    rising = (losses.diff(axis=1).shift(-1, axis=1) > 1e-6) & (losses.diff(axis=1) <= 1e-6)
    rising = rising.loc[3e9:]
    first = rising.idxmax(axis=1)
    return most([ratio.loc[n, c] if rising.loc[n].any() else 99.0 for n, c in first.items()])


def _together(world: World) -> bool:
    # Where the box ends they stand still, to what a search leaves open.
    size, tokens = (
        np.log(world.at(BEST_CASE, name)).diff(axis=1).iloc[:, 1:].round(6)
        for name in ("teacher_params", "teacher_tokens")
    )
    return every(size * tokens >= 0)


def _excess(world: World) -> float:
    """Largest cost of a paid teacher over that of the cheapest model of its loss, less one."""
    size, tokens = (world.at(PRETRAINING, c) for c in ("teacher_params", "teacher_tokens"))
    losses = world.at(PRETRAINING, "teacher_loss").to_numpy()
    cheapest = allocate.cheapest_model(world.law.supervised, losses)
    spent = flops.forward_flops(size) * tokens
    return most(np.abs(spent / (flops.forward_flops(cheapest[0]) * cheapest[1]) - 1))


def _spread(values: np.ndarray) -> float:
    return float(values.max() / values.min())


def _shrinks(world: World) -> int:
    size = world.at(BOTH, "teacher_params")
    return int((size.iloc[:, -1] < 0.999 * size.max(axis=1)).sum())


def _turn(world: World) -> float:
    """D_S / D_T where the teacher has twice its compute-optimal tokens, median of students."""
    over = world.over_optimal(BOTH)
    ratio = world.at(BOTH, "student_tokens") / world.at(BOTH, "teacher_tokens")
    first = (over >= 2).idxmax(axis=1)[(over >= 2).any(axis=1)]
    return float(np.median(_some([ratio.loc[n, c] for n, c in first.items()])))


def _rise_and_fall(world: World) -> float:
    """The smaller of rise and fall of the teacher's share, 10B student."""
    share = world.at(BOTH, "share_pretraining").loc[10e9]
    return least([share.max() - share.iloc[0], share.max() - share.iloc[-1]])


def _off_a_line(table: pd.DataFrame) -> float:
    x, y = np.log10(table.columns.to_numpy()), np.log10(table.to_numpy()).T
    line = np.polynomial.polynomial.polyfit(x, y, 1)
    return most(np.abs(y.T - np.polynomial.polynomial.polyval(x, line)))


def _quarter(world: World, *, large: bool, rich: bool) -> pd.DataFrame:
    """A quarter of Table 3: optima, all paid, of small or large students, low or high budgets."""
    table = world.optima[world.optima.scenario == BOTH]
    size = table.student_params >= 10e9 if large else table.student_params <= 3e9
    budget = table.compute >= 0.99e25 if rich else table.compute <= 1.01e21
    return table[size & budget]


def _last_ratio(world: World, column: str, over: str, under: str) -> pd.Series:
    """Optimum in one scenario over that in another, on the largest budget, 300M to 10B."""
    ratio = world.at(over, column).iloc[:, -1] / world.at(under, column).iloc[:, -1]
    return ratio.loc[:_LARGEST]


def _on_low_compute(world: World) -> np.ndarray:
    """Students for which 1e20 FLOPs are few, as Section D.4.6 has it: D_S is far below D_T."""
    tokens = (world.at(BOTH, name).iloc[:, 0] for name in ("student_tokens", "teacher_tokens"))
    student, teacher = tokens
    return (student < teacher / 2).to_numpy()


def _low_compute_ratio(world: World, column: str) -> pd.Series:
    """Logarithm of the optimum with all paid over that with training alone, low compute."""
    ratio = world.at(BOTH, column).iloc[:, 0] / world.at(PRETRAINING, column).iloc[:, 0]
    return np.log(ratio)[_on_low_compute(world)]


def _nearer(world: World, column: str) -> int:
    """Students for which both costs end nearer to teacher inference than they begin."""
    distance = np.log(world.at(BOTH, column) / world.at(INFERENCE, column)).abs()
    return int((distance.iloc[:, -1] < distance.iloc[:, 0]).sum())


def from_six_teachers(law: laws.DistillationLaw, student: object, tokens: object) -> np.ndarray:
    """L_S - L̃_S in nats under Figure 6's teachers, which are the first axis of the result.

    They have 20 tokens for each parameter, the embedding included: what the law has for them is
    within 0.1% of the two losses that Figure 1 shows.
    """
    tokens_of = 20 * flops.total_params(FIGURE6_TEACHERS)
    losses = law.supervised.loss(FIGURE6_TEACHERS, tokens_of)[:, None, None]
    return law.loss(student, tokens, losses) - law.supervised.loss(student, tokens)


def _few_and_many(world: World) -> bool:
    sizes = np.geomspace(1e8, 7e9, 41)
    few, many = (from_six_teachers(world.law, sizes, tokens) for tokens in (1e9, 1e13))
    return bool(few.max() < 0 and many.min() > -TOLERANCE)


def label_ranges(law: laws.DistillationLaw, labels: pd.DataFrame) -> pd.DataFrame:
    """The range (min, max) that a law's optima take in each panel of the maps of Section D.4.

    `labels` has a scenario and a quantity, a column of `allocate.optima`, in each row. Students of
    300M to 50B, budgets of 1e20 to 1e26 FLOPs.
    """
    table = allocate.optima(law, np.geomspace(300e6, 50e9, 21), np.geomspace(1e20, 1e26, 25))
    panels = dict(iter(table.groupby("scenario")))
    rows = [panels[row.scenario][row.quantity].agg(["min", "max"]) for row in labels.itertuples()]
    return pd.DataFrame(rows).set_axis(labels.index)


def approach(law: laws.DistillationLaw, above: float) -> pd.DataFrame:
    """Compute ratio `above` nats over the floor, students by the two free-training scenarios."""
    table = allocate.costs_of_losses(law, STUDENTS, [above], scenarios=FREE)
    wide = table.pivot_table(index="student_params", columns="scenario", values="compute_ratio")
    return wide[list(FREE)]


def _slightly_above(world: World) -> pd.Series:
    near = world.costs[world.costs.above_floor <= 0.3]
    return near.groupby(["student_params", "scenario"]).compute_ratio.min()


def example_ratio(column: str, size: float, scenario: str) -> Callable:
    """A ratio of Section D.5's example; 1000 stands for more."""

    def value(world: World) -> float:
        above = EXAMPLES[size] - world.law.supervised.infinite_data_loss(size)
        table = allocate.costs_of_losses(world.law, [size], [above], scenarios=(scenario,))
        return min(float(table[column].iloc[0]), 1e3)

    return value


def share_with_gain(law: laws.DistillationLaw, pair: tuple[float, float]) -> float:
    """Share of the eight students and 17 budgets, 1e20 to 1e24 FLOPs, that gain by distilling."""
    table = allocate.optimal(law, STUDENTS[:, None], np.geomspace(1e20, 1e24, 17), pair)
    return float((table.supervised_loss > table.student_loss).mean())


SENTENCES: dict[str, dict[str, Callable[[World], float | bool]]] = {
    "Section 5.3 and Figures 8, 17, 18: losses": {
        "supervised-matches": lambda w: most(
            [w.at(s, "gap").iloc[:, -1].abs() for s in FREE]
        ),
        "crossover-grows": lambda w: _grows(w.ends(BEST_CASE, TOLERANCE)),
        "summary-level-grows": lambda w: _grows(w.ends(INFERENCE, TOLERANCE)),
        "teacher-training-never-pays": lambda w: most([w.gains(s).loc[:_LARGEST] for s in PAID]),
        "pretraining-above-supervised": lambda w: most([w.gains(s) for s in PAID]),
        "one-student-supervise": lambda w: float((w.gains(BOTH) <= 0).mean(axis=None)),
        "summary-one-student": lambda w: most(w.gains(BOTH).loc[:_LARGEST]),
        "larger-students-gain-more": lambda w: every(
            w.gains(BEST_CASE).max(axis=1).diff().iloc[1:] > 0
        ),
        "threshold-predictable": lambda w: _threshold(w)[0],
        "practitioner-linear": lambda w: _threshold(w)[1],
        "low-compute-wins": lambda w: least([w.gains(s).iloc[:, 0] for s in FREE]),
        "teacher-loss-falls": lambda w: most(
            [_largest_rise(w.at(s, "teacher_loss")) for s in SCENARIOS[1:]]
        ),
        "best-case-inflection": _inflection,
    },
    "Section D.4: sizes, tokens and shares": {
        "best-case-together": _together,
        "inference-tokens-rate": lambda w: most(
            np.ptp(_by_decade(w.at(INFERENCE, "student_tokens")), axis=1)
        ),
        "inference-teacher-grows": lambda w: every(
            _by_decade(w.at(INFERENCE, "teacher_params")) > 0
        ),
        "inference-share-student-falls": lambda w: _largest_rise(w.at(INFERENCE, "share_student")),
        "teacher-compute-optimal": _excess,
        "teacher-ratio-constant": lambda w: _spread(w.at(PRETRAINING, "teacher_ratio").to_numpy()),
        "chinchilla-rule": lambda w: float(np.median(w.at(PRETRAINING, "teacher_ratio"))),
        "pretraining-share-falls": lambda w: _largest_rise(w.at(PRETRAINING, "share_pretraining")),
        "pretraining-plateau": lambda w: most(
            _slope(w.at(PRETRAINING, "teacher_tokens").loc[:_LARGEST], 1e25)
        ),
        "both-low-compute": lambda w: most(
            w.over_optimal(BOTH).iloc[:, 0][_on_low_compute(w)]
        ),
        "both-high-compute": lambda w: least(w.over_optimal(BOTH).iloc[:, -1]),
        "both-teacher-shrinks": _shrinks,
        "both-turn": _turn,
        "both-smaller-students-smaller-teachers": lambda w: every(
            w.at(BOTH, "teacher_params").max(axis=1).diff().iloc[1:] > 0
        ),
        "small-share-falls": lambda w: _largest_rise(w.at(BOTH, "share_pretraining").loc[:500e6]),
        "large-share-turns": _rise_and_fall,
        "teacher-slightly-larger": lambda w: most(w.at(BOTH, "size_ratio").loc[:_LARGEST]),
        "teacher-size-plateaus": lambda w: most(
            _slope(w.at(BOTH, "teacher_params").loc[:_LARGEST], 1e25).abs()
        ),
        "student-tokens-faster": lambda w: least(
            _slope(w.at(BOTH, "student_tokens")) - _slope(w.at(BOTH, "teacher_tokens"))
        ),
        "tokens-power-law": lambda w: most(
            [_off_a_line(w.at(BOTH, c)) for c in ("student_tokens", "teacher_tokens")]
        ),
    },
    "Table 3 and Figures 30 to 32": {
        "table3-small-small": lambda w: least(
            _quarter(w, large=False, rich=False).share_pretraining
        ),
        "table3-small-large": lambda w: most(
            _quarter(w, large=False, rich=True)
            .eval("share_student - share_inference").abs()
        ),
        "table3-small-large-teacher": lambda w: most(
            _quarter(w, large=False, rich=True).eval("share_pretraining / share_inference")
        ),
        "table3-large-small": lambda w: least(_quarter(w, large=True, rich=False).share_student),
        "table3-large-large": lambda w: most(
            np.abs(_quarter(w, large=True, rich=True).filter(like="share_") - 1 / 3)
        ),
        # Supervised tokens are compute over a constant: their log slope is one.
        "student-tokens-parallel": lambda w: most(
            [np.abs(_slope(w.at(s, "student_tokens"), 1e22) - 1) for s in SCENARIOS[1:]]
        ),
        "pretraining-to-best-case": lambda w: least(
            _last_ratio(w, "student_tokens", PRETRAINING, BEST_CASE)
        ),
        "pretraining-teacher-to-best-case": lambda w: least(
            _last_ratio(w, "teacher_tokens", PRETRAINING, BEST_CASE)
        ),
        "low-compute-shared": lambda w: most(
            [_low_compute_ratio(w, c).abs() for c in ("teacher_params", "teacher_tokens")]
        ),
        "both-to-inference": lambda w: _nearer(w, "teacher_params"),
        "both-tokens-to-inference": lambda w: _nearer(w, "teacher_tokens"),
    },
    "Section D.5 and the poster's 3x": {
        "figure6-every-teacher": _few_and_many,
        "d5-often-cheaper": lambda w: most(_slightly_above(w)),
        "d5-near-floor": lambda w: least(
            np.minimum(approach(w.law, 0.003).loc[:_LARGEST], 1e3)
        ),
        "d5-compute-means-data": lambda w: most(
            w.costs[w.costs.compute_ratio < 1].token_ratio
        ),
        "d5-larger-students": lambda w: most(w.cheapest_ratio(INFERENCE).diff().iloc[1:]),
        "d5-500m-both": example_ratio("compute_ratio", 500e6, BOTH),
        "d5-10b-both": example_ratio("compute_ratio", 10e9, BOTH),
        "d5-tokens-500m": example_ratio("token_ratio", 500e6, INFERENCE),
        "d5-tokens-10b": example_ratio("token_ratio", 10e9, INFERENCE),
        "d5-tokens-500m-both": example_ratio("token_ratio", 500e6, BOTH),
        "d5-tokens-10b-both": example_ratio("token_ratio", 10e9, BOTH),
        "poster-3x-compute": lambda w: most(1 / w.cheapest_ratio(BEST_CASE)),
        "poster-3x-inference": lambda w: most(1 / w.cheapest_ratio(INFERENCE)),
        "poster-3x-tokens": lambda w: most(1 / w.cheapest_ratio(INFERENCE, "token_ratio")),
        "poster-gap-disappears": lambda w: most(
            [w.gains(s).iloc[:, -1].abs() for s in SCENARIOS]
        ),
    },
    "The articles' rules": {
        "practitioner-rule": lambda w: min(w.ends(BOTH, 0)[1e9] / 3e20, 1e6),
        "practitioner-small-students-teacher": lambda w: 1
        - most(w.at(BOTH, "share_student", 0, 1e21).loc[:1e9]),
        "practitioner-small-students-shift": lambda w: every(
            w.at(BOTH, "share_student", 1e24, 1e24).loc[:1e9].to_numpy()
            > w.at(BOTH, "share_student", 1e20, 1e20).loc[:1e9]
        ),
        "practitioner-60-percent": lambda w: least(w.at(BOTH, "share_student").loc[10e9:]),
        "practitioner-teacher-tokens": lambda w: float(np.median(w.over_optimal(BOTH).loc[10e9:])),
        "practitioner-tiny-teacher": lambda w: least(w.at(INFERENCE, "size_ratio")),
        # A teacher trained for 100 students, each paying its own inference, against one for one.
        "practitioner-amortise": lambda w: share_with_gain(w.law, (1.0, 0.01))
        / share_with_gain(w.law, (1.0, 1.0)),
        "article-several-students": lambda w: share_with_gain(w.law, (0.1, 0.0)),
        "article-delta": lambda w: share_with_gain(w.law, (0.3, 0.0)),
        "article-70b-teachers": lambda w: most(
            [w.at(s, "teacher_params", 1e20, 1e22) / 1e9 for s in SCENARIOS[1:]]
        ),
        "article-tight-budgets": lambda w: every(
            w.at(BOTH, "teacher_params", 1e20, 1e20)
            < w.at(BOTH, "teacher_params", 1e22, 1e22).to_numpy()
        ),
    },
}  # fmt: skip
