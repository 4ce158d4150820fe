import numpy as np
import pandas as pd
import pytest

from scalinglib import allocate, laws
from scalinglib.report.paths import DATA
from scalingplan.page import resolution

LAW = laws.load("corrected")


def test_optima_are_those_of_each_scenario():
    table = allocate.optima(LAW, [1e9, 1e10], np.array([1e21, 1e23]))
    assert len(table) == 4 * 2 * 2
    one = allocate.optimal(LAW, 1e10, 1e23, "teacher_pretraining").iloc[0]
    row = table[
        (table.scenario == "teacher_pretraining")
        & (table.student_params == 1e10)
        & (table.compute == 1e23)
    ].iloc[0]
    assert row.student_loss == pytest.approx(one.student_loss, rel=1e-12)
    assert row.size_ratio == pytest.approx(one.teacher_params / 1e10, rel=1e-9)
    free = table[table.scenario == "best_case"]
    np.testing.assert_allclose(free.student_tokens, free.supervised_tokens, rtol=1e-12)


def test_cost_of_a_loss_is_the_budget_at_which_the_optimum_reaches_it():
    loss = allocate.optimal(LAW, 1e9, 1e21, "teacher_inference").iloc[0]
    above = loss.student_loss - LAW.supervised.infinite_data_loss(1e9)
    table = allocate.costs_of_losses(LAW, [1e9], [above]).set_index("scenario")
    alone = LAW.supervised.tokens_for_loss(1e9, loss.student_loss)
    tokens = loss.student_tokens / alone
    assert table.token_ratio["teacher_inference"] == pytest.approx(tokens, rel=1e-5)
    ratio = tokens / loss.share_student
    assert table.compute_ratio["teacher_inference"] == pytest.approx(ratio, rel=1e-5)
    # Paying for the training too costs more, and its tokens count.
    assert table.compute_ratio["teacher_pretraining_inference"] > ratio


def test_an_unreachable_loss_costs_an_infinite_amount():
    table = allocate.costs_of_losses(LAW, [3e9], [1e-4])
    assert np.isinf(table.compute_ratio).all()
    assert np.isinf(table.token_ratio).all()


def test_every_recipe_lies_in_its_own_range():
    recipes = pd.read_csv(DATA / "recipes.csv")
    assert (recipes.student_loss_low <= recipes.student_loss).all()
    assert (recipes.student_loss <= recipes.student_loss_high).all()


def test_the_threshold_that_the_sheets_text_names_is_the_codes():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert f"({resolution():.4f} of the loss, the threshold of `scalinglib plan`)" in text
