import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from scalinglib.gap import kernel_regression as kr

ALPHA = np.arange(1, 41) ** -0.7


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.2, 3), st.floats(0.1, 1))
def test_lemmas_against_sampled_least_squares(m, n, teacher_bound, share):
    student_bound = share * teacher_bound
    basis = kr.cosine_basis(128, 40)
    errors = kr.numerical_errors(basis, ALPHA, (m, n), (teacher_bound, student_bound))
    assert kr.teacher_error(ALPHA, m, teacher_bound) == pytest.approx(errors[0], abs=1e-9)
    assert kr.student_error(ALPHA, m, n, teacher_bound, student_bound) == pytest.approx(
        errors[1], abs=1e-9
    )


@pytest.mark.parametrize("bound", [0.3, 1.0, 100.0])
def test_constrained_least_squares_against_slsqp(bound):
    rng = np.random.default_rng(0)
    design, target = rng.normal(size=(30, 4)), rng.normal(size=30)
    found = minimize(
        lambda c: np.sum((design @ c - target) ** 2),
        np.full(4, 1e-2),
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda c: bound**2 - c @ c},
        options={"ftol": 1e-14},
    )
    ours = kr.constrained_least_squares(design, target, bound)
    np.testing.assert_allclose(ours, found.x, atol=1e-5)
    assert np.linalg.norm(ours) <= bound * (1 + 1e-9)


def test_the_rise_starts_where_the_bound_stops_binding():
    alpha, n = np.ones(1000), 300
    start = kr.rise_start(alpha, n, 5.0, 4.5)
    assert start == int(n * (5.0 / 4.5) ** 2) + 1
    assert kr.rise_start(alpha, n, 50.0, 50.0) == 1001  # no bound, no rise


def test_basis_is_orthonormal():
    basis = kr.cosine_basis(64, 64)
    np.testing.assert_allclose(basis.T @ basis / 64, np.eye(64), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kr.teacher_error(ALPHA, 0, 1.0), "teacher_size is 0"),
        (lambda: kr.teacher_error(ALPHA, 41, 1.0), "teacher_size is 41"),
        (lambda: kr.teacher_error(ALPHA, 3, -1.0), "teacher_bound is -1.0"),
        (lambda: kr.student_error(ALPHA, 3, 2.5, 1.0, 1.0), "student_size is 2.5"),
        (lambda: kr.teacher_error([1.0, np.nan], 1, 1.0), "alpha must be"),
        (lambda: kr.cosine_basis(4, 5), "size is 5"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
