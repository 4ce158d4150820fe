"""What the paper prints: runs, tables, fixed budgets and sentences, against laws and counts."""

import numpy as np
import pandas as pd
import pytest

from scalinglib import allocate, flops, laws, sentences, simulate
from scalinglib.gap import fixed_budgets, printed_tables, published
from scalinglib.report import claims
from scalinglib.report.paths import DATA


@pytest.fixture(scope="module")
def runs():
    return published.sorted_runs(pd.read_csv(DATA / "published" / "figure1_runs.csv"))


def test_eleven_teachers_have_a_fixed_ratio(runs):
    assert runs[~runs.isoflop].teacher_loss.nunique() == 11
    assert not runs[runs.student_params == runs.student_params.min()].isoflop.any()


def test_isoflop_teachers_have_four_budgets_the_better_the_larger(runs):
    teachers = runs[runs.isoflop].drop_duplicates("teacher_loss")
    budget = published.isoflop_budget(teachers.teacher_loss)
    best = teachers.teacher_loss.groupby(budget).min()
    assert list(best.index) == [3e19, 1e20, 3e20, 1e21]
    assert best.is_monotonic_decreasing
    law = laws.load("table6").supervised
    sizes = np.geomspace(1e8, 2e10, 500)
    along = [law.loss(sizes, c / (3 * flops.forward_flops(sizes))).min() for c in best.index]
    np.testing.assert_allclose(best, along, rtol=0.005)


def test_a_teachers_own_loss_stands_where_figure_1_has_it(runs):
    law, params = laws.load("table6").supervised, np.array([198e6, 546e6, 975e6, 4.82e9])
    found = published.teacher_loss(law, params, runs)
    np.testing.assert_allclose(found[:3], [2.75449, 2.50381, 2.37047])
    assert dict(zip(params[:3], found[:3].round(5), strict=True)) == simulate.OWN_LOSSES
    assert found[3] == law.loss(params[3], 20 * flops.total_params(params[3]))


def test_a_quartic_leaves_nothing_of_a_quartic_and_all_of_a_bump(runs):
    student = runs[(runs.student_params == 198e6) & (runs.student_tokens < 5e9)]
    x = np.log(student.teacher_loss)
    smooth = student.assign(student_loss=np.exp(1 + 0.1 * (x - 0.8) ** 4 - 0.2 * x))
    assert published.quartic_residuals(smooth).abs().max() < 1e-12
    bump = smooth.assign(student_loss=smooth.student_loss * (1 + 0.01 * (student.index == 100)))
    left = published.quartic_residuals(bump)
    assert left.idxmax() == 100
    assert left[100] == pytest.approx(0.01, rel=0.3)


PRINTED = pd.read_csv(DATA / "published" / "table13.csv")


def read(number):
    return pd.read_csv(DATA / "published" / f"table{number}.csv", dtype=str)


@pytest.mark.parametrize("layers", [9, 21, 40])
def test_printed_formulas_give_the_librarys_counts(layers):
    model = flops.Architecture(layers)
    parameters, costs = (printed_tables.worked_out(read(n), model) for n in (9, 11))
    assert printed_tables.whole(parameters, model) == pytest.approx(model.total_params)
    assert printed_tables.whole(costs, model) == pytest.approx(model.forward_flops)


def test_a_wrong_total_is_seen():
    table = printed_tables.worked_out(read(11), flops.Architecture(9))
    assert printed_tables.total_misses(table) < 1e-9
    table.loc[table.component == "Total", "ours_total_value"] *= 1.02
    assert printed_tables.total_misses(table) == pytest.approx(0.02)
    assert printed_tables.apart(table, table) == 0


def test_no_number_of_heads_gives_all_totals_and_the_best_gives_most():
    best = printed_tables.best_heads(PRINTED)
    off = printed_tables.rows_off(PRINTED, best)
    assert 0 < off <= min(printed_tables.rows_off(PRINTED, heads) for heads in (8, 16, 32, None))


def test_equation_69_is_the_librarys_count():
    sizes = np.geomspace(1e7, 1e12, 7)
    np.testing.assert_allclose(
        printed_tables.by_powers(sizes), flops.forward_flops(sizes), rtol=1e-12
    )


LAW = laws.load("corrected")


def test_the_printed_form_is_the_law():
    found = fixed_budgets.as_printed(LAW, 1e9, 2e10, np.array([2.0, 2.4]))
    np.testing.assert_allclose(found, LAW.loss(1e9, 2e10, np.array([2.0, 2.4])), rtol=1e-12)


def test_slopes_are_the_two_powers():
    strong, weak = fixed_budgets.slopes(LAW, 2e10)
    assert strong == pytest.approx(-LAW.c0, rel=1e-3)
    assert weak == pytest.approx(-(LAW.c0 + LAW.c1), rel=1e-3)


def test_the_last_budget_is_the_last_with_a_gain():
    teacher, student = LAW.supervised.loss(1.82e9, 20 * 1.82e9), np.array([546e6, 1.82e9])
    last = fixed_budgets.last_budgets(LAW, [teacher], student)[0]
    for size, budget in zip(student, last, strict=True):
        tokens = np.array([0.9, 1.1]) * allocate.tokens_with_teacher(size, 1e6, budget, 0.0)
        gaps = fixed_budgets.gap_to_data(LAW, size, tokens, teacher)
        assert gaps[0] < 0 < gaps[1]


def test_the_best_teacher_of_a_range_beats_its_neighbours():
    best = fixed_budgets.best_within(LAW, 3e9, 1e11)
    losses = LAW.loss(3e9, 1e11, best * np.array([0.99, 1, 1.01]))
    assert losses.argmin() == 1


def test_a_ratio_that_is_best_is_better_than_half_and_twice_of_it():
    best = fixed_budgets.best_ratio(LAW, 546e6)
    losses = fixed_budgets.from_ratio(LAW, 546e6, best * np.array([0.5, 1, 2]))
    assert losses.argmin() == 1
    assert fixed_budgets.harm(LAW, 300e6) > 0


def test_shares_agree_with_the_laws_one_by_one():
    ensemble = laws.ensemble("figure1").thin(5)
    share = fixed_budgets.share_distil(ensemble, 546e6, np.array([5e9, 1e12]), 2.3)
    every = [fixed_budgets.gap_to_data(m, 546e6, np.array([5e9, 1e12]), 2.3) < 0
             for m in ensemble.members]  # fmt: skip
    np.testing.assert_allclose(share, np.average(every, axis=0, weights=ensemble.weights))


ALL = {name: value for part in sentences.SENTENCES.values() for name, value in part.items()}


@pytest.fixture(scope="module")
def corrected():
    return sentences.World(laws.load("corrected"))


@pytest.mark.parametrize("question", [sentences.every, sentences.most, sentences.least])
def test_a_question_about_no_case_has_no_answer(question):
    for empty in ([], np.zeros((0, 3)), pd.Series(dtype=float), pd.DataFrame()):
        with pytest.raises(ValueError, match="empty"):
            question(empty)
    assert question(np.array([[1.0, 1.0]])) == 1


class Falling:
    """A world whose best teacher loss only falls with compute, or turns for one student alone."""

    def __init__(self, turns=()):
        self.turns = turns

    def at(self, scenario, column):
        shape = len(sentences.STUDENTS), len(sentences.BUDGETS)
        fall = np.linspace(2.5, 1.5, shape[1])
        values = np.broadcast_to(fall if column == "teacher_loss" else 1.0, shape).copy()
        for student in self.turns if column == "teacher_loss" else ():
            row = list(sentences.STUDENTS).index(student)
            values[row, 60:] = values[row, 60] + (values[row, 60] - values[row, 60:])
        return pd.DataFrame(values, sentences.STUDENTS, sentences.BUDGETS)


def test_an_inflection_that_does_not_happen_is_none():
    """Sixteen of twenty laws have none; 0 tokens a parameter had counted as fewer than twenty."""
    value = ALL["best-case-inflection"]
    large = sentences.STUDENTS[sentences.STUDENTS >= 3e9]
    for turns, holds in (((), False), (large[:-1], False), (large, True)):
        verdict = claims.judge("best-case-inflection", value(Falling(turns)))
        assert verdict.answer == ("holds" if holds else "does not hold")


def test_ends_are_where_an_optimum_on_its_own_gains_so_much(corrected):
    for scenario in sentences.FREE:
        student, budget = 1e9, corrected.ends(scenario, 0.01)[1e9]
        row = allocate.optimal(corrected.law, student, budget, scenario).iloc[0]
        assert row.supervised_loss - row.student_loss == pytest.approx(0.01, abs=2e-4)


def test_the_authors_laws_meet_the_sentences_that_were_computed_from_them(corrected):
    """Section D.5's ratios and the labels of its maps, which no other test of this file touches."""
    labels = pd.DataFrame({"scenario": ["best_case"], "quantity": ["student_loss"]})
    low, high = sentences.label_ranges(corrected.law, labels).iloc[0]
    assert low < 1.65  # Figure 19's labels
    assert high > 2.75
    shares = [sentences.share_with_gain(corrected.law, (delta, 0.0)) for delta in (1.0, 0.3, 0.0)]
    assert shares == sorted(shares)
    ratios = sentences.approach(corrected.law, 0.3)
    assert (ratios.best_case <= ratios.teacher_inference).all()
