import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from scalinglib import allocate, flops, laws
from tests.references import dense_grid, slsqp, slsqp_starts

LAW = laws.load("corrected")
students = st.floats(1e8, 2e10)
budgets = st.floats(18.5, 26).map(lambda e: 10.0**e)
fractions = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
pairs = st.tuples(fractions, fractions)


def spent(table, delta_lgt, delta_pre):
    teacher = flops.forward_flops(table.teacher_params)
    student = 3 * flops.forward_flops(table.student_params) * table.student_tokens
    logits, training = delta_lgt * table.student_tokens, 3 * delta_pre * table.teacher_tokens
    return student + teacher * (logits + training)


@given(students, budgets, pairs)
def test_never_worse_than_a_dense_grid_and_within_the_budget(n, c, deltas):
    table = allocate.optimal(LAW, n, c, deltas)
    assert table.student_loss[0] <= dense_grid(LAW, n, c, deltas)[0] + 1e-9
    assert spent(table, *deltas)[0] <= c * (1 + 1e-9)
    shares = table[["share_student", "share_inference", "share_pretraining"]].to_numpy()
    np.testing.assert_allclose(shares.sum(), 1)
    assert (shares >= 0).all()


@settings(max_examples=15)
@given(students, budgets, pairs)
def test_never_worse_than_multistart_slsqp(n, c, deltas):
    best = min(slsqp(LAW, n, c, deltas, start) for start in slsqp_starts(n, c, deltas, 3))
    assert allocate.optimal(LAW, n, c, deltas).student_loss[0] <= best + 2e-5


@pytest.mark.parametrize("scenario", allocate.SCENARIOS)
def test_agrees_with_slsqp_at_the_corners(scenario):
    deltas = allocate.SCENARIOS[scenario]
    for n, c in [(5e8, 1e20), (3e9, 1e22), (1e10, 1e24)]:
        best = min(slsqp(LAW, n, c, deltas, start) for start in slsqp_starts(n, c, deltas))
        ours = allocate.optimal(LAW, n, c, scenario).student_loss[0]
        assert abs(ours - best) < 2e-5


@settings(max_examples=30)
@given(students, budgets, pairs, st.floats(1.05, 10))
def test_a_larger_budget_never_makes_a_worse_student(n, c, deltas, factor):
    table = allocate.optimal(LAW, n, [c, c * factor], deltas)
    assert table.student_loss[1] <= table.student_loss[0] + 1e-9


@settings(max_examples=30)
@given(students, budgets, pairs, pairs)
def test_paying_for_more_never_makes_a_better_student(n, c, one, other):
    less, more = np.minimum(one, other), np.maximum(one, other)
    cheap = allocate.optimal(LAW, n, c, tuple(less)).student_loss[0]
    assert cheap <= allocate.optimal(LAW, n, c, tuple(more)).student_loss[0] + 1e-9


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


def test_arrays_broadcast_and_chunks_do_not_show():
    n, c = np.geomspace(1e8, 1e10, 13), np.geomspace(1e19, 1e25, 11)
    table = allocate.optimal(LAW, n[:, None], c, "teacher_pretraining")
    assert len(table) == 143
    one = allocate.optimal(LAW, n[7], c[5], "teacher_pretraining").student_loss[0]
    assert table.student_loss[7 * 11 + 5] == pytest.approx(one, rel=1e-12)
    swept = allocate.optimal(LAW, 1e9, 1e22, (np.linspace(0, 1, 5), 1.0))
    assert (np.diff(swept.student_loss) > 0).all()


def test_the_free_teacher_is_the_cheapest_of_its_loss():
    table = allocate.optimal(LAW, 1e9, [1e20, 1e22], "best_case")
    params, tokens = allocate.cheapest_model(LAW.supervised, table.teacher_loss.to_numpy())
    np.testing.assert_allclose(table.teacher_params, params, rtol=1e-9)
    np.testing.assert_allclose(table.teacher_tokens, tokens, rtol=1e-6)


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


@pytest.mark.parametrize(
    ("n", "loss", "expected", "tolerance"), [(5e8, 2.4, 0.75, 0.05), (1e10, 2.2, 0.5, 0.06)]
)
def test_section_d5(n, loss, expected, tolerance):
    ratios = {}
    for name in ("corrected", "table6"):
        law = laws.load(name)
        alone = 3 * flops.forward_flops(n) * law.supervised.tokens_for_loss(n, loss)
        ratios[name] = allocate.compute_for_loss(law, n, loss, "teacher_inference") / alone
    assert abs(ratios["corrected"] - expected) <= tolerance
    assert abs(ratios["table6"] - expected) > 5 * tolerance


@settings(max_examples=20)
@given(students, budgets, pairs)
def test_compute_for_loss_inverts_optimal(n, c, deltas):
    loss = allocate.optimal(LAW, n, c, deltas).student_loss[0]
    back = allocate.compute_for_loss(LAW, n, loss, deltas)
    # Flat stretches have many budgets of one loss: hold the loss, not the budget.
    again = allocate.optimal(LAW, n, back, deltas).student_loss[0]
    assert back <= c * (1 + 1e-6)
    assert again == pytest.approx(loss, abs=1e-8)


def test_unreachable_loss_costs_infinitely_much():
    assert allocate.compute_for_loss(LAW, 1e9, 1.5, "best_case") == np.inf


def test_crossover_is_where_the_sign_changes():
    budget = allocate.crossover(LAW, [1e9, 3e9], "teacher_inference")
    for side, sign in ((0.99, -1), (1.01, 1)):
        table = allocate.optimal(LAW, [1e9, 3e9], budget * side, "teacher_inference")
        assert (np.sign(table.student_loss - table.supervised_loss) == sign).all()
    assert allocate.crossover(LAW, 1e9, "teacher_pretraining", low=1e19)[0] == 1e19


def test_tokens_with_teacher_spend_the_budget():
    tokens = allocate.tokens_with_teacher(1e9, 3e9, 1e21, 0.4)
    cost = tokens * (3 * flops.forward_flops(1e9) + 0.4 * flops.forward_flops(3e9))
    assert cost == pytest.approx(1e21)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1e9, 1e21, "best_case"), "student_params is -1000000000.0"),
        ((1e9, np.nan, "best_case"), "compute is nan"),
        ((1e9, 1e21, "free_lunch"), "'free_lunch'; it must be one of"),
        ((1e9, 1e21, (0.5, 1.5)), r"delta_pre is 1\.5; it must be within \[0, 1\]"),
        ((1e9, 1e21, (np.nan, 0.0)), "delta_lgt is nan"),
        ((1e9, 1e21, 3), "scenario is 3"),
        ((1e9, [1e21, 1e10], "best_case"), r"compute is 1e\+10.*at least"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        allocate.optimal(LAW, *arguments)
