"""The recommended form: its limits, its parts, its fit; and how limits are told."""

import numpy as np
import pandas as pd
import pytest

from scalinglib import fit, laws
from scalinglib.fit import forms
from scalinglib.laws.limits import LIMITS, met
from scalinglib.report.paths import DATA

LAW = laws.load("bias_variance")
SIZES = np.array([143e6, 1.82e9, 1e11])
E = LAW.supervised.E
INPUTS = ["student_params", "student_tokens", "teacher_loss"]


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
    expected = [_by_hand(LAW, n, 20 * n, teacher_loss) for n in SIZES]
    assert LAW.loss(SIZES, 20 * SIZES, teacher_loss) == pytest.approx(expected, rel=1e-12)


def test_every_limit_is_met_at_random_coefficients():
    rng = np.random.default_rng(0)
    for _ in range(20):
        law = LAW._replace(
            D0=10 ** rng.uniform(7, 10),
            s=rng.uniform(0.2, 0.95),
            k=rng.uniform(4, 25),
            kappa=rng.uniform(0.6, 1.6),
            p=rng.uniform(1.5, 10),
            rho=rng.uniform(-0.2, 0.0),
        )
        found = met(law, SIZES, 20 * SIZES)
        assert all(found[key] for key in ("copies", "useless", "floor", "soft_labels"))
        assert found["gap_closes"]
    found = met(LAW, SIZES, 20 * SIZES)
    assert found == dict.fromkeys(LIMITS, True)


def test_limits_tell_laws_apart():
    found = met(laws.load("corrected"), SIZES, 20 * SIZES)
    assert found["copies"]
    assert not found["floor"]
    assert not found["gap_closes"]
    assert not found["weak_to_strong"]
    assert not met(LAW._replace(rho=0.0), SIZES, 20 * SIZES)["weak_to_strong"]
    assert not met(LAW._replace(rho=0.0, s=1 - 1e-12), SIZES, 20 * SIZES)["gap"]


def test_the_coefficients_on_file_are_the_fit_to_the_papers_runs():
    runs = pd.read_csv(DATA / "published" / "figure1_runs.csv")
    found = fit.fit(forms.BIAS_VARIANCE, runs, supervised=laws.load().supervised, starts=16)
    assert found.coefficients.estimate.to_numpy() == pytest.approx(LAW[:-1], rel=1e-3)
    assert found.mean_relative_error() < 0.0014
    assert not np.isnan(found.residuals()).any()


def test_a_fit_recovers_the_law_it_is_given():
    rng = np.random.default_rng(0)
    n = rng.choice([143e6, 546e6, 1.82e9], 120)
    runs = pd.DataFrame(
        {
            "student_params": n,
            "student_tokens": n * rng.choice([20, 80, 320], 120),
            "teacher_loss": rng.uniform(1.9, 2.8, 120),
        }
    )
    runs["student_loss"] = LAW.loss(*(runs[name].to_numpy() for name in INPUTS))
    found = fit.fit(forms.BIAS_VARIANCE, runs, supervised=LAW.supervised, starts=16)
    assert found.coefficients.estimate.to_numpy() == pytest.approx(LAW[:-1], rel=1e-4)
