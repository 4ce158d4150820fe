import numpy as np
import pytest

from scalinglib import allocate, laws
from scalinglib.gap import fixed_budgets

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
