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


def test_the_best_teacher_of_each_student_is_neither_the_strongest_nor_the_weakest(runs):
    fixed = published.fixed_ratio(runs)
    above = published.above_best(fixed)
    for _, part in fixed.assign(above=above).groupby(["student_params", "student_tokens"]):
        teacher = part.teacher_loss[part.above == 0]
        assert len(teacher) == 1
        assert part.teacher_loss.min() < teacher.item() < part.teacher_loss.max()


def test_twenty_tokens_a_parameter_count_the_embedding():
    model = flops.Architecture(8)
    np.testing.assert_allclose(
        published.twenty_tokens(model.params), 20 * model.total_params, rtol=2e-3
    )


def test_a_teachers_own_loss_stands_where_figure_1_has_it(runs):
    law, params = laws.load("table6").supervised, np.array([198e6, 546e6, 975e6, 4.82e9])
    found = published.teacher_loss(law, params, runs)
    np.testing.assert_allclose(found[:3], [2.75449, 2.50381, 2.37047])
    assert found[3] == law.loss(params[3], published.twenty_tokens(params[3]))
