import numpy as np
import pandas as pd
import pytest

from scalinglib import flops, laws
from scalinglib.gap import published
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


def test_the_best_teacher_of_each_student_is_neither_the_strongest_nor_the_weakest(runs):
    fixed = published.fixed_ratio(runs)
    above = published.above_best(fixed)
    for _, part in fixed.assign(above=above).groupby(["student_params", "student_tokens"]):
        teacher = part.teacher_loss[part.above == 0]
        assert len(teacher) == 1
        assert part.teacher_loss.min() < teacher.item() < part.teacher_loss.max()


def test_a_teachers_own_loss_stands_where_figure_1_has_it(runs):
    law, params = laws.load("table6").supervised, np.array([198e6, 546e6, 975e6, 4.82e9])
    found = published.teacher_loss(law, params, runs)
    np.testing.assert_allclose(found[:3], [2.75449, 2.50381, 2.37047])
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
