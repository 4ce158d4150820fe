"""The laws: equations as printed, properties, limits, and the recommended form."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalinglib import fit, laws
from scalinglib.fit import forms
from scalinglib.laws.limits import LIMITS, met
from scalinglib.report.paths import DATA

LAW = laws.load("corrected")
sizes = st.floats(1e7, 1e11)
tokens = st.floats(1e8, 1e14)
losses = st.floats(1.3, 8.0)


def by_hand(law, n, d, teacher_loss):
    """Equation 8 as printed, no logs."""
    s = law.supervised
    supervised = s.E + (s.A / n**s.alpha + s.B / d**s.beta) ** s.gamma
    ratio = (teacher_loss / (supervised * law.d1)) ** (1 / law.f1)
    gap = (1 + ratio) ** (-law.c1 * law.f1) / teacher_loss**law.c0
    return teacher_loss + gap * (law.A / n**law.alpha + law.B / d**law.beta) ** law.gamma


@given(sizes, tokens, losses)
def test_distillation_law_is_equation_8(n, d, teacher_loss):
    np.testing.assert_allclose(
        LAW.loss(n, d, teacher_loss), by_hand(LAW, n, d, teacher_loss), rtol=1e-12
    )


@given(sizes, tokens)
def test_supervised_law_is_equation_1(n, d):
    s = LAW.supervised
    expected = s.E + (s.A / n**s.alpha + s.B / d**s.beta) ** s.gamma
    np.testing.assert_allclose(s.loss(n, d), expected, rtol=1e-12)


@given(sizes, st.floats(1.4, 3.0))
def test_infinite_data_is_the_limit_of_much_data(n, teacher_loss):
    np.testing.assert_allclose(
        LAW.infinite_data_loss(n, teacher_loss), LAW.loss(n, 1e60, teacher_loss), rtol=1e-9
    )
    np.testing.assert_allclose(
        LAW.supervised.infinite_data_loss(n), LAW.supervised.loss(n, 1e60), rtol=1e-9
    )


@given(sizes, tokens)
def test_tokens_for_loss_inverts_the_law(n, d):
    np.testing.assert_allclose(
        LAW.supervised.tokens_for_loss(n, LAW.supervised.loss(n, d)), d, rtol=1e-6
    )


def test_tokens_for_an_unreachable_loss_are_infinite():
    floor = LAW.supervised.infinite_data_loss(1e9)
    assert LAW.supervised.tokens_for_loss(1e9, floor * 0.999) == np.inf
    assert LAW.supervised.tokens_for_loss(1e9, 1.0) == np.inf


@pytest.mark.filterwarnings("ignore:.*which no model has")
def test_no_overflow_far_outside_the_fitted_range():
    for n, d, t in [(1.0, 1.0, 1e-3), (1e30, 1.0, 1e3), (1.0, 1e30, 1e-6)]:
        with np.errstate(all="raise", under="ignore"):
            assert np.isfinite(LAW.loss(n, d, t))


INPUTS = ["student_params", "student_tokens", "teacher_loss"]
INPUT = dict(zip(INPUTS, (1e9, 2e10, 2.0), strict=True))


def broken(name, value):
    """The law with a coefficient that is none, in both of its places."""
    base = LAW.supervised._replace(**{name: value})
    return LAW._replace(**{name: value}), LAW._replace(supervised=base)


@pytest.mark.parametrize(
    ("call", "given", "words"),
    [
        (LAW.loss, INPUT | {name: [1.0, bad]}, f"{name} is .*must be positive and finite")
        for name in INPUTS
        for bad in (0.0, -1.0, np.nan, np.inf)
    ]
    + [
        (law.loss, INPUT, f"the law's {name} is {value}")
        for name, value in {"A": -3.0, "B": np.nan, "alpha": -0.1}.items()
        for law in broken(name, value)
    ]
    + [(laws.load, {"name": "table7"}, "'table7'; it must be")],
)
def test_bad_input_is_named(call, given, words):
    with pytest.raises(ValueError, match=words):
        call(**given)


def test_the_fitted_range_is_that_of_the_runs():
    runs = pd.read_csv(DATA / "published" / "figure1_runs.csv")
    for name in INPUTS:
        ends = runs[name].min(), runs[name].max()
        assert laws.FITTED_RANGE[name] == pytest.approx(ends, rel=2e-3)
    outside = runs.head(3).assign(
        teacher_params=[2e10, np.nan, 1e9], student_params=[1e9, 3e10, 1e9]
    )
    assert laws.inside_trained_range(outside).tolist() == [False, False, True]


BEST = laws.load("bias_variance")
SIZES = np.array([143e6, 1.82e9, 1e11])
E = BEST.supervised.E


def _by_hand(law, n, d, teacher_loss):
    """The form in plain numbers, as notebook 14 prints it."""
    base = law.supervised
    size, data = base.A / n**base.alpha, base.B / (d + law.D0) ** base.beta
    g, b = (size + data) ** base.gamma, (size + law.s * data) ** base.gamma
    t = teacher_loss - base.E
    v = (g - b) * np.exp(-((t / (law.kappa * g)) ** law.p))
    return base.E + (t**law.k + b**law.k) ** (1 / law.k) + v + 2 * law.rho * np.sqrt(t * v)


@pytest.mark.parametrize("teacher_loss", [1.4, 1.9, 2.3, 2.8])
def test_the_form_is_the_printed_one(teacher_loss):
    expected = [_by_hand(BEST, n, 20 * n, teacher_loss) for n in SIZES]
    assert BEST.loss(SIZES, 20 * SIZES, teacher_loss) == pytest.approx(expected, rel=1e-12)


def test_limits_tell_laws_apart():
    assert met(BEST, SIZES, 20 * SIZES) == dict.fromkeys(LIMITS, True)
    found = met(laws.load("corrected"), SIZES, 20 * SIZES)
    missed = {"floor", "soft_labels", "gap_closes", "weak_to_strong"}
    assert {name for name in LIMITS if not found[name]} == missed
    assert not met(BEST._replace(rho=0.0), SIZES, 20 * SIZES)["weak_to_strong"]
    assert not met(BEST._replace(rho=0.0, s=1 - 1e-12), SIZES, 20 * SIZES)["gap"]


def test_the_coefficients_on_file_are_the_fit_to_the_papers_runs():
    runs = pd.read_csv(DATA / "published" / "figure1_runs.csv")
    found = fit.fit(forms.BIAS_VARIANCE, runs, supervised=laws.load().supervised, starts=16)
    assert found.coefficients.estimate.to_numpy() == pytest.approx(BEST[:-1], rel=1e-3)
    assert found.mean_relative_error() < 0.0014
    assert not np.isnan(found.residuals()).any()
