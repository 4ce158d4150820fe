"""Allocation against dense grids and SciPy."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from scalinglib import allocate, flops, laws
from scalinglib.allocate import questions, supervised_optimum
from scalinglib.lanes import float64
from tests.references import dense_grid

LAW = laws.load("corrected")
ENSEMBLE = laws.ensemble("figure1")
students = st.floats(1e8, 5e10)
budgets = st.floats(19, 26).map(lambda e: 10.0**e)
fractions = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
pairs = st.tuples(fractions, fractions)


def test_a_law_that_runs_away_on_few_tokens_is_remarked_and_ranges_leave_it_out():
    law = ENSEMBLE.members[ENSEMBLE.names.index("equation8 2, delta 0.001")]
    asked = 1e7, 1e15, "best_case"
    with pytest.warns(questions.RunawayWarning, match=r"student_params 1e\+07 on 5.09e\+06 tokens"):
        assert allocate.optimal(law, *asked).student_loss[0] > 1e9
    told = allocate.under_ensemble(LAW, ENSEMBLE.thin(30), *asked)
    assert told.student_loss_high[0] < 7
    few = 1e6, 1.01 * allocate.minimum_compute(1e6, "best_case"), "best_case"
    with pytest.warns(questions.RunawayWarning, match="student_loss_high is"):
        allocate.under_ensemble(LAW, ENSEMBLE.thin(30), *few)


def spent(table, delta_lgt, delta_pre):
    """FLOPs of the student's training, the teacher's inference and its training; (3, rows)."""
    teacher = flops.forward_flops(table.teacher_params)
    student = 3 * flops.forward_flops(table.student_params)
    inference, training = delta_lgt * table.student_tokens, 3 * delta_pre * table.teacher_tokens
    return np.array([student * table.student_tokens, teacher * inference, teacher * training])


def test_a_student_is_found_that_a_huge_teacher_leaves_next_to_nothing():
    # What is left of the budget hangs on the eleventh digit of the teacher's tokens.
    law, n, c, limit = ENSEMBLE.members[9], 1.16e10, 5.8e25, 3.3e8
    tokens = np.geomspace(allocate.TOKENS_BOX[0], limit, 1000)
    params = np.geomspace(*allocate.TEACHER_PARAMS_BOX, 1000)[:, None]
    left = c - tokens * 3 * flops.forward_flops(n)
    teacher_tokens = np.clip(left / (3 * flops.forward_flops(params)), 1e-9, limit)
    teacher_loss = law.supervised.loss(params, teacher_tokens)
    best = np.where(
        teacher_tokens < allocate.TOKENS_BOX[0], np.inf, law.loss(n, tokens, teacher_loss)
    )
    found = allocate.optimal(law, n, c, "teacher_pretraining", max_tokens=limit)
    assert found.student_loss[0] <= best.min() + 1e-5


@settings(max_examples=50)
@given(students, budgets, pairs)
@example(29972734973.0, 10**19.25, (0.0, 1e-30))  # what the teacher costs was lost in rounding
def test_never_worse_than_a_dense_grid_and_within_the_budget(n, c, deltas):
    table = allocate.optimal(LAW, n, c, deltas)
    # Where next to nothing of the teacher is paid its size hardly matters: to 1e-8 nats.
    assert table.student_loss[0] <= dense_grid(LAW, n, c, deltas)[0] + 1e-8
    cost = spent(table, *deltas)[:, 0]
    assert cost.sum() <= c * (1 + 1e-9)
    shares = table[["share_student", "share_inference", "share_pretraining"]].to_numpy()[0]
    np.testing.assert_allclose(shares, cost / cost.sum(), rtol=1e-9)


def test_reported_losses_are_those_of_the_law():
    table = allocate.optimal(LAW, [1e9, 5e9], 1e22, (0.3, 0.7))
    teacher = LAW.supervised.loss(table.teacher_params, table.teacher_tokens)
    np.testing.assert_allclose(table.teacher_loss, teacher, rtol=1e-9)
    student = LAW.loss(table.student_params, table.student_tokens, teacher)
    np.testing.assert_allclose(table.student_loss, student, rtol=1e-9)
    data_tokens = table.compute / (3 * flops.forward_flops(table.student_params))
    np.testing.assert_allclose(
        table.supervised_loss, LAW.supervised.loss(table.student_params, data_tokens), rtol=1e-12
    )


def test_a_budget_that_only_just_suffices():
    for scenario in allocate.SCENARIOS:
        least = allocate.minimum_compute(1e9, scenario)
        assert "student_tokens" in allocate.optimal(LAW, 1e9, least, scenario).at_bound[0]


def test_the_optimum_is_one_to_all_digits():
    def loss(x, student_params, compute, delta):
        teacher = flops.forward_flops(jnp.exp(x[0]))
        student = 3 * flops.forward_flops(student_params)
        left = compute - 3 * delta[1] * teacher * jnp.exp(x[1])
        log_tokens = jnp.log(left / (student + delta[0] * teacher))
        return LAW.log_loss(np.log(student_params), log_tokens, LAW.supervised.log_loss(*x))

    # Exact derivatives vanish where there is no bound.
    for n, c, delta in [(5e8, 1e20, (0, 1)), (3e9, 1e22, (1, 1)), (5e10, 1e25, (0.3, 0.7))]:
        row = allocate.optimal(LAW, n, c, delta).iloc[0]
        assert row.at_bound == ""
        with float64():
            x = jnp.log(jnp.array([row.teacher_params, row.teacher_tokens]))
            assert np.abs(jax.grad(loss)(x, n, c, delta)).max() < 1e-11


def test_bounds_are_named():
    at = {
        scenario: set(allocate.optimal(LAW, 1e9, [1e20, 1e24], scenario).at_bound)
        for scenario in allocate.SCENARIOS
    }
    assert at == {
        "best_case": {""},
        "teacher_inference": {"teacher_tokens"},
        "teacher_pretraining": {""},
        "teacher_pretraining_inference": {""},
    }
    # More than 1e17 tokens are not to be had; the teacher is the best for them.
    beyond = allocate.optimal(LAW, 1e8, 1e30, "teacher_inference")
    assert beyond.at_bound[0] == "student_tokens, teacher_tokens"


@pytest.mark.parametrize("scenario", allocate.SCENARIOS)
def test_budgets_beyond_all_tokens_have_one_answer(scenario):
    table = allocate.optimal(LAW, 3e8, [1e23, 1e24, 1e26], scenario, max_tokens=5e11)
    recipe = table[["student_tokens", "teacher_params", "teacher_tokens", "teacher_loss"]]
    np.testing.assert_allclose(recipe, recipe.iloc[[0] * 3], rtol=1e-5)


class Additive(NamedTuple):
    """A Chinchilla law: two exponents, no gamma."""

    E: float = 1.7
    A: float = 400.0
    B: float = 410.0

    def log_loss(self, log_params, log_tokens):
        return np.log(
            self.E + self.A * np.exp(-0.34 * log_params) + self.B * np.exp(-0.28 * log_tokens)
        )


class Ceiling(laws.StudentLaw):
    """A distillation law of another form, no tuple: the student ends a tenth above its teacher."""

    supervised = Additive()

    def log_loss(self, log_student_params, log_student_tokens, log_teacher_loss):
        own = self.supervised.log_loss(log_student_params, log_student_tokens)
        return np.logaddexp(30 * (log_teacher_loss + 0.1), 30 * own) / 30


@pytest.mark.parametrize("scenario", allocate.SCENARIOS)
def test_any_law_can_be_allocated(scenario):
    law = Ceiling()
    table = allocate.optimal(law, [5e8, 5e9], [1e20, 1e23], scenario)
    for row in table.itertuples():
        grid, _ = dense_grid(law, row.student_params, row.compute, allocate.SCENARIOS[scenario])
        assert row.student_loss <= grid + 1e-9
    cost = allocate.compute_for_loss(law, 5e8, table.student_loss[0], scenario)
    assert cost <= 1e20 * (1 + 1e-6)
    best = allocate.best_teacher_loss(law, 5e8, 1e10)
    assert best >= law.supervised.E


def test_arrays_broadcast_and_chunks_do_not_show():
    n, c = np.geomspace(1e8, 1e10, 13), np.geomspace(1e19, 1e25, 11)
    table = allocate.optimal(LAW, n[:, None], c, "teacher_pretraining")
    assert len(table) == 143
    one = allocate.optimal(LAW, n[7], c[5], "teacher_pretraining").student_loss[0]
    assert table.student_loss[7 * 11 + 5] == pytest.approx(one, rel=1e-12)
    swept = allocate.optimal(LAW, 1e9, 1e22, (np.linspace(0, 1, 5), 1.0))
    assert (np.diff(swept.student_loss) > 0).all()


@pytest.mark.parametrize("scenario", ["best_case", "teacher_pretraining"])
def test_a_teacher_is_the_cheapest_of_its_loss_free_or_however_small_its_part(scenario):
    # At 1e26 FLOPs a 100M student's teacher takes 2e-6 of it and shows in no digit of L_S.
    n, c = np.geomspace(1e8, 5e10, 12)[:, None], np.geomspace(1e19, 1e26, 15)
    table = allocate.optimal(LAW, n, c, scenario)
    params, tokens = allocate.cheapest_model(LAW.supervised, table.teacher_loss.to_numpy())
    np.testing.assert_allclose(table.teacher_params, params, rtol=1e-8)
    np.testing.assert_allclose(table.teacher_tokens, tokens, rtol=1e-8)


def test_a_law_that_cannot_say_how_many_tokens_reach_a_loss_is_searched():
    class Bare:
        log_loss = staticmethod(LAW.supervised.log_loss)

    losses = np.geomspace(1.72, 5.0, 40)
    for limit in (None, np.full(40, 1e12)):
        told = allocate.cheapest_model(LAW.supervised, losses, max_tokens=limit)
        searched = allocate.cheapest_model(Bare, losses, max_tokens=limit)
        np.testing.assert_allclose(searched, told, rtol=1e-7)


@given(st.floats(1.75, 4.0))
def test_cheapest_model_against_scipy(loss):
    params, tokens = allocate.cheapest_model(LAW.supervised, loss)
    np.testing.assert_allclose(LAW.supervised.loss(params, tokens), loss, rtol=1e-9)

    def cost(log_params):
        d = LAW.supervised.tokens_for_loss(np.exp(log_params), loss)
        inside = allocate.TOKENS_BOX[0] <= d <= allocate.TOKENS_BOX[1]
        return np.log(flops.forward_flops(np.exp(log_params)) * d) if inside else 1e3

    around = np.log(params) + np.array([-3, 3])
    best = min(minimize_scalar(cost, bounds=around, method="bounded").fun, cost(np.log(params)))
    ours = np.log(flops.forward_flops(params) * tokens)
    assert ours <= best + 1e-9


@given(students, st.floats(0.5, 5000))
def test_best_teacher_against_scipy(n, ratio):
    best = allocate.best_teacher_loss(LAW, n, n * ratio)
    found = minimize_scalar(
        lambda t: LAW.loss(n, n * ratio, t), bounds=(1.3, 4.0), method="bounded"
    )
    assert LAW.loss(n, n * ratio, best) <= found.fun + 1e-12


@settings(max_examples=20)
@given(students, budgets, pairs)
def test_compute_for_loss_inverts_optimal(n, c, deltas):
    loss = allocate.optimal(LAW, n, c, deltas).student_loss[0]
    back = allocate.compute_for_loss(LAW, n, loss, deltas)
    # Flat stretches have many budgets of one loss: hold the loss, not the budget.
    again = allocate.optimal(LAW, n, back, deltas).student_loss[0]
    assert back <= c * (1 + 1e-6)
    assert again == pytest.approx(loss, abs=1e-8)


def test_crossover_is_where_the_sign_changes():
    budget = allocate.crossover(LAW, [1e9, 3e9], "teacher_inference")
    for side, sign in ((0.99, -1), (1.01, 1)):
        table = allocate.optimal(LAW, [1e9, 3e9], budget * side, "teacher_inference")
        assert (np.sign(table.student_loss - table.supervised_loss) == sign).all()
    assert allocate.crossover(LAW, 1e9, "teacher_pretraining", low=1e19)[0] == 1e19


def test_the_last_gain_is_where_a_straight_line_falls_to_the_least():
    axis = np.geomspace(1e18, 1e24, 7)
    gains = 0.03 * (21 - np.log10(axis))
    found = allocate.last_gain(axis, [gains, gains, -gains, gains - 1], 0.0)
    assert found == pytest.approx([1e21, 1e21, np.inf, 0])
    assert allocate.last_gain(axis, gains, 0.01) == pytest.approx(10 ** (21 - 1 / 3))
    # The last of several ends counts.
    assert allocate.last_gain([1, 10, 100, 1000], [1, -1, 1, -1]) == pytest.approx(10**2.5)


@pytest.mark.parametrize("form", dict.fromkeys(ENSEMBLE.forms))
def test_wild_problems_are_solved_under_every_form(form):
    """Against a search by values: any student and budget, and next to none or far too much."""
    law = ENSEMBLE.members[ENSEMBLE.forms.index(form)]
    random = np.random.default_rng(0)
    n = 10 ** random.uniform(6, 13, 24)
    pair = random.choice([0, 0.01, 0.4, 1.0], (2, 24))
    least = allocate.minimum_compute(n, tuple(pair)) * 1.001
    edge = np.where(np.arange(24) % 2, least * 10 ** random.uniform(0.0001, 1, 24), 1e31)
    wild = np.where(np.arange(24) % 3, 10 ** random.uniform(14, 31, 24), edge)
    table = allocate.optimal(law, n, np.maximum(wild, least), tuple(pair))
    for i, (student, compute, found) in enumerate(
        zip(n, table.compute, table.student_loss, strict=True)
    ):
        assert found <= dense_grid(law, student, compute, pair[:, i])[0] + 1e-6


@pytest.mark.parametrize(
    ("student", "compute", "pair"),
    [
        (2.412e7, 4.333e17, (1.0, 1.0)),
        (9.63e9, 1.612e18, (0.785, 0.783)),
        (4.164e9, 1.398e19, (1.0, 0.708)),
    ],
)
def test_a_teacher_that_leaves_hardly_a_student_is_found(student, compute, pair):
    """Steps of the solver once ended here, where a longer one leaves no student at all."""
    law = ENSEMBLE.members[ENSEMBLE.forms.index("floor_kept")]
    table = allocate.optimal(law, student, compute, pair)
    assert table.student_loss[0] <= dense_grid(law, student, compute, pair)[0]


def test_tokens_with_teacher_spend_the_budget():
    tokens = allocate.tokens_with_teacher(1e9, 3e9, 1e21, 0.4)
    cost = tokens * (3 * flops.forward_flops(1e9) + 0.4 * flops.forward_flops(3e9))
    assert cost == pytest.approx(1e21)


SUPERVISED = laws.load().supervised


@pytest.mark.parametrize(
    ("call", "given", "words"),
    [
        (allocate.optimal, (LAW, -1e9, 1e21, "best_case"), "student_params is -1000000000.0"),
        (allocate.optimal, (LAW, 1e9, np.nan, "best_case"), "compute is nan"),
        (allocate.optimal, (LAW, 1e9, 1e21, "free_lunch"), "'free_lunch'; it must be one of"),
        (allocate.optimal, (LAW, 1e9, 1e21, (0.5, 1.5)), r"delta_pre is 1\.5; .* \[0, 1\]"),
        (allocate.optimal, (LAW, 1e9, 1e21, (np.nan, 0.0)), "delta_lgt is nan"),
        (allocate.optimal, (LAW, 1e9, 1e21, 3), "scenario is 3"),
        (allocate.optimal, (LAW, 1e9, [1e21, 1e10], "best_case"), r"compute is 1e\+10.*at least"),
        (
            lambda limit: allocate.optimal(LAW, 1e9, 1e21, (1, 1), max_tokens=limit),
            (1e3,),
            r"max_tokens is 1000; it must be above 1e\+06",
        ),
        (
            allocate.optimal,
            (SUPERVISED, 1e9, 1e21, "best_case"),
            "law is SupervisedLaw.*StudentLaw",
        ),
        (supervised_optimum, (SUPERVISED, 0.0), "compute is"),
        (supervised_optimum, (SUPERVISED, np.nan), "compute is"),
        (supervised_optimum, (SUPERVISED, -1e20), "compute is"),
        (supervised_optimum, (SUPERVISED, 1e-60), "compute is"),  # beyond all sizes
    ],
)
def test_bad_input_is_named(call, given, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call(*given)


COMPUTE = np.geomspace(1e17, 1e26, 10)


@given(
    alpha=st.floats(0.2, 1.0),
    beta=st.floats(0.2, 1.0),
    log_a=st.floats(4, 12),
    log_b=st.floats(4, 12),
    gamma=st.floats(0.2, 2),
)
def test_no_other_size_is_better_whatever_the_law(alpha, beta, log_a, log_b, gamma):
    law = laws.SupervisedLaw(1.0, np.exp(log_a), np.exp(log_b), alpha, beta, gamma)
    params, tokens = supervised_optimum(law, COMPUTE)
    np.testing.assert_allclose(3 * flops.forward_flops(params) * tokens, COMPUTE, rtol=1e-12)

    def reducible(params):
        tokens = COMPUTE / (3 * flops.forward_flops(params))
        return law.A / params**alpha + law.B / tokens**beta

    others = params * np.geomspace(1e-3, 1e3, 201)[:, None]
    assert (reducible(params) <= reducible(others).min(axis=0) * (1 + 1e-12)).all()


def test_replicates_broadcast_against_budgets():
    columns = SUPERVISED._replace(A=np.array([[1e3], [1e4], [1e5]]))
    params, tokens = supervised_optimum(columns, COMPUTE)
    assert params.shape == tokens.shape == (3, 10)
    one, _ = supervised_optimum(SUPERVISED._replace(A=1e4), COMPUTE)
    np.testing.assert_allclose(params[1], one, rtol=1e-12)


def test_endless_teacher_tokens_do_not_put_an_optimum_beyond_the_runs():
    paid = allocate.optimal(laws.load("corrected"), 1e9, 1e21, "teacher_inference")
    assert paid.teacher_tokens.item() == pytest.approx(allocate.TOKENS_BOX[1])
    assert not laws.inside_trained_range(paid).any()
    assert allocate.inside_trained_range(paid).all()
    assert not allocate.inside_trained_range(paid.assign(student_params=50e9)).any()
