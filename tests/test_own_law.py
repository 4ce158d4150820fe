"""Laws of one's own: what a `LawSpec` asks for, and that fits and reports need nothing else."""

from collections import namedtuple
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from scalinglib import fit, laws
from scalinglib.fit.forms import DISTILLATION
from scalinglib.lanes import float64
from scalinglib.laws import Law, StudentLaw
from tests import references

LAW = laws.load("corrected")


class CosineLaw(StudentLaw, namedtuple("_Cosine", "A B beta rho kappa p supervised")):
    """L_S = E + t + K + 2 rho sqrt(t K), t = L_T - E, K = g exp(-(t / (kappa g))^p).

    g = (A / N_S^alpha + B / D_S^beta)^gamma, E, alpha and gamma the supervised law's.
    """

    def log_loss(self, log_student_params, log_student_tokens, log_teacher_loss):
        known = self.supervised
        size = jnp.log(self.A) - known.alpha * log_student_params
        data = jnp.log(self.B) - self.beta * log_student_tokens
        log_g = known.gamma * jnp.logaddexp(size, data)
        t = jnp.exp(log_teacher_loss) - known.E
        log_kl = log_g - jnp.exp(self.p * (jnp.log(t / self.kappa) - log_g))
        cross = 2 * self.rho * jnp.exp((jnp.log(t) + log_kl) / 2)
        return jnp.log(known.E + t + jnp.exp(log_kl) + cross)


COSINE = fit.LawSpec(
    name="cosine",
    law=CosineLaw,
    columns=DISTILLATION.columns,
    ranges={
        "A": (1e2, 1e5),
        "B": (0.03, 3.0),
        "beta": (0.2, 1.0),
        "rho": (-0.3, 0.3),
        "kappa": (0.3, 3.0),
        "p": (0.4, 2.0),
    },
    terms={"B": ("beta", "student_tokens")},
    ridges={("kappa", "p"): "both say where K collapses"},
    probes=(fit.Probe("kappa", ("p",), (0.98, 1.02)),),
)
COSINE_TRUTH = CosineLaw(3000.0, 2e4, 0.43, -0.05, 1.5, 2.0, LAW.supervised)


@pytest.fixture(scope="module")
def cosine_fit(distillation_runs):
    rng = np.random.default_rng(5)
    runs = distillation_runs.assign(student_loss=_cosine(distillation_runs))
    runs["student_loss"] *= np.exp(0.003 * rng.standard_normal(len(runs)))
    return fit.fit(COSINE, runs, supervised=LAW.supervised, starts=32, bootstrap=32)


def _cosine(runs):
    with float64():
        inputs = (jnp.log(runs[name].to_numpy()) for name in COSINE.columns[:-1])
        return np.exp(np.asarray(COSINE_TRUTH.log_loss(*inputs)))


def test_a_law_of_ones_own_is_fitted(cosine_fit, distillation_runs):
    assert isinstance(cosine_fit.law, CosineLaw)
    assert cosine_fit.starts_at_optimum > 0.5
    assert cosine_fit.replicates_converged == 1.0
    by_hand = references.huber_objective(
        _Readable(cosine_fit.law), cosine_fit.runs, COSINE.columns, cosine_fit.delta
    )
    assert cosine_fit.objective == pytest.approx(by_hand, rel=1e-9)
    bands, exact = cosine_fit.predict(distillation_runs), _cosine(distillation_runs)
    assert np.abs(bands.predicted / exact - 1).max() < 0.005
    assert (bands.run_low < bands.law_low).all()
    assert (bands.law_high < bands.run_high).all()
    assert 0.88 < cosine_fit.runs.student_loss.between(bands.run_low, bands.run_high).mean() <= 1


class _Readable:
    """A law's `loss`, for the reference that reads it run by run."""

    def __init__(self, law):
        self.law = law

    def loss(self, *inputs):
        with float64():
            return float(np.exp(self.law.log_loss(*np.log(inputs))))


def test_a_law_of_ones_own_is_diagnosed(cosine_fit):
    estimate = cosine_fit.coefficients.estimate
    table = fit.profile(cosine_fit, "p", estimate["p"] * np.array([0.8, 1.0, 1.25]))
    assert table.likelihood_ratio.iloc[1] == pytest.approx(0, abs=1e-6)
    assert (table.likelihood_ratio[[0, 2]] > 1).all()
    losses = cosine_fit.runs.student_loss
    held = fit.hold_out(cosine_fit, (losses < losses.quantile(0.2)).to_numpy())
    assert held.relative_error[held.held].abs().mean() < 0.01
    said = " ".join(fit.explain(cosine_fit))
    assert "fits as well: both say where K collapses." in said  # its probe


def test_a_law_of_ones_own_is_refused_where_it_cannot_be_fitted(cosine_fit):
    with pytest.raises(ValueError, match="supervised is NoneType"):
        fit.fit(COSINE, cosine_fit.runs)
    with pytest.raises(ValueError, match=r"fixed\['p'\] is -1.0"):
        fit.fit(COSINE, cosine_fit.runs, supervised=LAW.supervised, fixed={"p": -1.0})
    lacking = fit.LawSpec("half", CosineLaw, COSINE.columns, ranges={"A": (1.0, 2.0)})
    with pytest.raises(ValueError, match="ranges of half lack B, beta, rho, kappa, p"):
        fit.fit(lacking, cosine_fit.runs, supervised=LAW.supervised)


def test_fits_are_float64_whatever_the_process_says(cosine_fit, supervised_runs):
    before = jax.config.jax_enable_x64
    options = {"starts": 16, "bootstrap": 8}
    try:
        jax.config.update("jax_enable_x64", True)
        on = fit.fit_supervised(supervised_runs, **options)
        predicted = cosine_fit.predict(cosine_fit.runs)
        jax.config.update("jax_enable_x64", False)
        off = fit.fit_supervised(supervised_runs, **options)
        pd.testing.assert_frame_equal(predicted, cosine_fit.predict(cosine_fit.runs))
    finally:
        jax.config.update("jax_enable_x64", before)
    pd.testing.assert_frame_equal(on.coefficients, off.coefficients)


class RateLaw(Law, namedtuple("_Rate", "E A alpha k")):
    """L = E + A / D^alpha (rate / 0.01)^k: no supervised law, no sizes, k of either sign."""

    def log_loss(self, log_rate, log_tokens):
        power = self.k * (log_rate - jnp.log(0.01)) - self.alpha * log_tokens
        return jnp.log(self.E + self.A * jnp.exp(power))


RATE = fit.LawSpec(
    name="rate",
    law=RateLaw,
    columns=("rate", "tokens", "loss"),
    ranges={"E": (1.0, 4.0), "A": (0.01, 3.0), "alpha": (0.05, 1.0), "k": (-1.0, 1.0)},
    terms={"A": ("alpha", "tokens")},
)


def _rate_runs(k):
    rng = np.random.default_rng(0)
    runs = pd.DataFrame({"rate": 10 ** rng.uniform(-4, -1, 60)})
    runs["tokens"] = 10 ** rng.uniform(8, 11, 60)
    with float64():
        exact = np.exp(RateLaw(2.0, 400.0, 0.3, k).log_loss(*np.log(runs.to_numpy().T)))
    return runs.assign(loss=exact * np.exp(0.003 * rng.standard_normal(60)))


@pytest.mark.parametrize(("k", "mark"), [(-0.3, "<"), (0.3, ">")])
def test_an_estimate_that_is_the_box_is_said_to_be_one(k, mark):
    tight = replace(RATE, ranges=RATE.ranges | {"k": (-0.02, 0.02)})
    bound, free = (
        fit.fit(spec, _rate_runs(k), starts=32, bootstrap=32, level=0.9) for spec in (tight, RATE)
    )
    assert bound.objective > free.objective  # the box is all that holds it
    assert bound.at_bound.estimate["k"] == mark
    side = {"<": "below", ">": "above"}[mark]
    assert bound.at_bound.loc["k", side] == 1
    assert bound.coefficient_table().loc["k"].tolist() == [f"{mark}{k / 5:.2g}"] * 3
    assert f"k {mark} {k / 5:.2g}" in " ".join(fit.explain(bound))
    assert not free.at_bound.estimate.any()
    assert float(free.coefficient_table().estimate["k"]) == pytest.approx(k, abs=0.005)
    assert "bounds of the search" not in " ".join(fit.explain(free))


@pytest.mark.parametrize("k", [-0.3, 0.0])
def test_a_coefficient_of_either_sign_and_inputs_that_are_no_sizes(k):
    found = fit.fit(RATE, _rate_runs(k), starts=32, bootstrap=64)
    assert found.warnings == ()  # a rate of 1e-4 is no size in billions
    assert found.coefficients.estimate.k == pytest.approx(k, abs=0.005)
    profile = fit.profile(found, "k", np.linspace(-1, 1, 25))
    near = profile.k[profile.likelihood_ratio.idxmin()]
    assert abs(near - k) <= 2 / 24
    loose = any("hardly tell" in said and " k (" in said for said in fit.explain(found))
    assert loose == (k == 0)  # an interval around zero leaves the sign open


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ranges": RATE.ranges | {"E": (4.0, 1.0)}}, r"ranges\['E'\] of rate is \(4.0, 1.0\)"),
        ({"ranges": RATE.ranges | {"E": (1.0, np.nan)}}, r"ranges\['E'\] of rate"),
        ({"ranges": RATE.ranges | {"E": 2.0}}, r"ranges\['E'\] of rate is 2.0"),
        ({"ranges": RATE.ranges | {"gamma": (1.0, 2.0)}}, "ranges of rate name 'gamma'"),
        ({"ranges": RATE.ranges | {"A": (-1.0, 1.0)}}, r"ranges\['A'\].* must be positive"),
        ({"terms": {"A": ("alpha", "tokns")}}, "name 'tokns'; they may name rate, tokens"),
        ({"terms": {"A": ("alpha", "loss")}}, "name 'loss'"),
        ({"terms": {"A": ("beta", "tokens")}}, "terms of rate name 'beta'"),
        ({"probes": (fit.Probe("k", ("zeta",), (0.5,)),)}, "probes of rate name 'zeta'"),
    ],
)
def test_a_spec_whose_parts_do_not_fit_together_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        replace(RATE, **change)
    with pytest.raises(TypeError, match="law of rate is <class 'dict'>"):
        replace(RATE, law=dict)
