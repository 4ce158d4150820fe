"""The supervised optimum against dense grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalinglib import flops, laws
from scalinglib.allocate import supervised_optimum

LAW = laws.load().supervised
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
    columns = LAW._replace(A=np.array([[1e3], [1e4], [1e5]]))
    params, tokens = supervised_optimum(columns, COMPUTE)
    assert params.shape == tokens.shape == (3, 10)
    one, _ = supervised_optimum(LAW._replace(A=1e4), COMPUTE)
    np.testing.assert_allclose(params[1], one, rtol=1e-12)


@pytest.mark.parametrize("compute", [0.0, np.nan, -1e20])
def test_budget_must_be_positive(compute):
    with pytest.raises(ValueError, match="compute is"):
        supervised_optimum(LAW, compute)


def test_budget_beyond_all_sizes_is_refused():
    with pytest.raises(ValueError, match="compute is 1e-60"):
        supervised_optimum(LAW, 1e-60)
