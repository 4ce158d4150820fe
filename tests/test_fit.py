"""Fits: mathematics against independent routes, recovery, determinism, errors, the paper's runs."""

import json
from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from scalinglib import fit, laws, simulate
from scalinglib.fit import solver
from scalinglib.fit.forms import DISTILLATION, SUPERVISED
from scalinglib.fit.inputs import suspicions
from scalinglib.lanes import float64
from scalinglib.laws import SupervisedLaw
from scalinglib.report.paths import DATA
from scalinglib.study import analysis
from scalingplan.answers.full import to_json
from tests import references
from tools.bench import optimum

LAW = laws.load("corrected")
few_runs = pytest.mark.filterwarnings("ignore::scalinglib.fit.FitWarning")
SPECS = {"supervised": SUPERVISED, "distillation": DISTILLATION}
OPTIONS = {"supervised": {"starts": 128, "bootstrap": 120, "seed": 3}}
OPTIONS["distillation"] = {"starts": 64, "bootstrap": 48, "seed": 3}


@pytest.fixture(scope="module")
def supervised_fit(supervised_runs):
    return fit.fit_supervised(supervised_runs, **OPTIONS["supervised"])


@pytest.fixture(scope="module")
def distillation_fit(distillation_runs):
    return fit.fit_distillation(distillation_runs, LAW.supervised, **OPTIONS["distillation"])


@pytest.mark.parametrize("name", SPECS)
def test_objective_is_the_sum_of_huber(name, request):
    found, runs = (request.getfixturevalue(f"{name}_{part}") for part in ("fit", "runs"))
    by_hand = references.huber_objective(found.law, runs, SPECS[name].columns, found.delta)
    assert found.objective == pytest.approx(by_hand, rel=1e-10)


@pytest.mark.parametrize("name", SPECS)
def test_no_start_of_the_papers_optimiser_ends_lower(name, request):
    found = request.getfixturevalue(f"{name}_fit")
    both = jax.jit(jax.value_and_grad(_objective(found.problem)))
    grid = found.spec.starts(found.problem.table["logs"])
    bounds = np.transpose(found.problem.box)
    starts = [found.z, *grid[:: len(grid) // 5]]
    with float64():
        ends = [references.lbfgsb(both, z, bounds).fun for z in starts]
    best = found.objective / found.delta**2
    assert best <= min(ends) * (1 + 1e-9)
    assert min(ends) <= best * (1 + 1e-4)  # and it is no other, lower objective that we minimise


def _objective(problem):
    lane = {"fixed": problem.fixed, "supervised": problem.supervised}

    def objective(z):
        residuals = problem.spec.residuals(z, lane, problem.table)
        return solver.sum_of_huber(residuals, problem.weights(), problem.delta)

    return objective


def test_newton_step_against_dense_solve():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((9, 9))
    matrix, gradient = root @ root.T, rng.standard_normal(9)
    damped = matrix + 0.1 * np.diag(matrix).max() * np.eye(9)
    with float64():
        step = np.asarray(solver.newton_step(matrix, gradient, 0.1))
        down = np.asarray(solver.newton_step(matrix - 3 * np.eye(9), gradient, 0.0))
    np.testing.assert_allclose(step, -np.linalg.solve(damped, gradient), rtol=1e-10)
    assert gradient @ down < 0  # an indefinite matrix still gives a way down


@few_runs
@settings(max_examples=15)
@given(
    e=st.floats(0.3, 3.0),
    size_term=st.floats(0.2, 2.0),
    share=st.floats(0.1, 0.9),
    alpha=st.floats(0.15, 0.8),
    beta=st.floats(0.15, 0.8),
    gamma=st.floats(0.3, 1.3),
)
def test_exact_data_give_the_predictions_back(e, size_term, share, alpha, beta, gamma):
    middle = size_term ** (1 / gamma)
    law = SupervisedLaw(
        e, share * middle * 1e9**alpha, (1 - share) * middle * 3e10**beta, alpha, beta, gamma
    )
    runs = simulate.supervised_runs(law, noise=0.0)
    found = fit.fit_supervised(runs, starts=128)
    exact = runs.loss.to_numpy()
    predicted = found.law.loss(runs.params.to_numpy(), runs.tokens.to_numpy())
    np.testing.assert_allclose(predicted, exact, rtol=1e-6)


# No shrinking: an example takes a second, and minutes of it say little more.
@few_runs
@settings(max_examples=5, phases=(Phase.explicit, Phase.generate))
@given(
    alpha=st.floats(0.25, 0.45),
    beta=st.floats(0.3, 0.7),
    c0=st.floats(1.0, 3.0),
    d1=st.floats(1.2, 1.6),
    f1=st.floats(0.07, 0.2),
)
def test_exact_distillation_data_give_the_predictions_back(alpha, beta, c0, d1, f1):
    a, b = 2.9 * 1e9**alpha, 0.5 * 3e10**beta
    law = laws.DistillationLaw(a, b, alpha, beta, 0.764, c0, 47 / f1, d1, f1, LAW.supervised)
    runs = simulate.distillation_runs(law, noise=0.0)
    runs = runs.sample(125, random_state=0).reset_index(drop=True)
    # Where most students equal their teachers to rounding, the runs hold nothing about the law.
    assume((runs.student_loss / runs.teacher_loss).median() > 1.001)
    found = fit.fit_distillation(runs, LAW.supervised, starts=128)
    assert np.abs(np.expm1(found.residuals())).max() < 1e-6


def test_noisy_runs_give_predictions_back(supervised_fit, distillation_fit):
    clean = simulate.supervised_runs(LAW.supervised, noise=0.0)
    assert supervised_fit.mean_relative_error(clean) < 0.002
    clean = simulate.distillation_runs(LAW, noise=0.0)
    assert distillation_fit.mean_relative_error(clean) < 0.004
    for found in (supervised_fit, distillation_fit):
        assert found.starts_at_optimum > 0.5
        assert found.replicates_converged == 1.0


@pytest.mark.parametrize("name", SPECS)
def test_same_fit_twice_and_rows_in_any_order(name, request):
    found, runs = (request.getfixturevalue(f"{name}_{part}") for part in ("fit", "runs"))
    known = () if name == "supervised" else (LAW.supervised,)
    call = getattr(fit, f"fit_{name}")
    again = call(runs.sample(frac=1, random_state=2), *known, **OPTIONS[name]).coefficients
    np.testing.assert_allclose(again.estimate, found.coefficients.estimate, rtol=1e-8)
    np.testing.assert_allclose(again.low, found.coefficients.low, rtol=1e-6)


def test_fixed_coefficients_stay_and_cost(supervised_fit, supervised_runs):
    held = fit.fit_supervised(supervised_runs, fixed={"gamma": 1.0, "E": 1.5}, starts=64)
    assert (held.law.gamma, held.law.E) == (1.0, 1.5)
    assert list(held.coefficients.index[held.coefficients.fixed]) == ["E", "gamma"]
    assert held.objective > supervised_fit.objective
    at_estimate = fit.fit_supervised(
        supervised_runs,
        fixed={"A": supervised_fit.law.A, "beta": supervised_fit.law.beta},
        starts=64,
    )
    assert at_estimate.objective == pytest.approx(supervised_fit.objective, rel=1e-9)


@few_runs
def test_a_run_twice_weighs_as_one_resampled_twice(supervised_fit, supervised_runs):
    weights = np.ones(len(supervised_runs))
    weights[5] = 2
    problem, z = supervised_fit.problem, supervised_fit.z[None]
    weighted = problem.solve(z, weights=problem.weights(weights), near=True)
    doubled = pd.concat([supervised_runs, supervised_runs.iloc[[5]]])
    repeated = fit.fit_supervised(doubled, starts=64)
    assert weighted.value[0] * 1e-6 == pytest.approx(repeated.objective, rel=1e-9)


def test_bands_are_ordered_and_cover(supervised_fit, supervised_runs):
    table = supervised_fit.predict(supervised_runs)
    assert (table.run_low < table.law_low).all()
    assert (table.law_low <= table.predicted).mean() > 0.95
    assert (table.law_high < table.run_high).all()
    inside = table.loss.between(table.run_low, table.run_high).mean()
    assert 0.88 < inside <= 1.0
    exact = LAW.supervised.loss(table.params.to_numpy(), table.tokens.to_numpy())
    assert ((table.law_low <= exact) & (exact <= table.law_high)).mean() > 0.7


def test_bootstrap_over_clusters_and_through_the_supervised_law(
    supervised_fit, distillation_fit, distillation_runs
):
    clustered = fit.fit_distillation(
        distillation_runs, LAW.supervised, starts=16, bootstrap=48, cluster="teacher"
    )
    assert clustered.replicates.shape == (48, 9)
    assert not np.allclose(clustered.replicates, distillation_fit.replicates)
    carried = fit.fit_distillation(distillation_runs, supervised_fit, starts=16, bootstrap=48)
    held = fit.fit_distillation(distillation_runs, supervised_fit.law, starts=16, bootstrap=48)
    # L̃_S at one run as the replicates see it: a number while held, a spread when carried.
    spread = [np.ptp(f.laws().supervised.loss(1e9, 2e10)) for f in (held, carried)]
    assert spread[0] == 0 < spread[1]
    assert not np.allclose(held.replicates, carried.replicates)


def test_the_papers_procedure_ends_no_lower(supervised_runs):
    paper = fit.paper
    assert len(paper.SUPERVISED.starts()) == 9600
    assert len(paper.DISTILLATION.starts()) == 216_000
    ours = fit.fit_supervised(supervised_runs, delta=paper.OPTIONS["delta"], starts=64)
    best = ours.coefficients.estimate.to_numpy()
    starts = [[*np.log(best[:3]), *best[3:]], *paper.SUPERVISED.starts(2)]
    theirs = paper.SUPERVISED.minimise(supervised_runs, starts)
    assert theirs.objective[0] == pytest.approx(ours.objective, rel=1e-9)  # it is the same one
    assert theirs.objective.min() >= ours.objective * (1 - 1e-9)


def test_profile_touches_the_optimum_and_rises(supervised_fit):
    estimate = supervised_fit.law.alpha
    table = fit.profile(supervised_fit, "alpha", estimate * np.array([0.6, 0.8, 1.0, 1.25, 1.6]))
    assert table.likelihood_ratio.min() == pytest.approx(0, abs=1e-6)
    assert table.likelihood_ratio.idxmin() == 2
    assert (np.diff(table.objective) * [-1, -1, 1, 1] > 0).all()


def test_ridges_are_named(distillation_fit):
    said = " ".join(fit.explain(distillation_fit))
    assert "c1" in said
    assert "neither has a value of its own" in said
    pairs = fit.ridges(distillation_fit)
    assert {"A", "alpha"} in [set(pair) for pair in pairs[["first", "second"]].to_numpy()]
    assert pairs.correlation.min() < -0.8  # such as alpha with gamma
    assert pairs.correlation.max() > 0.8


@few_runs
def test_gamma_is_a_ridge_where_runs_are_too_narrow_to_tell(supervised_fit, supervised_runs):
    assert "gamma" not in " ".join(fit.explain(supervised_fit))
    narrow = supervised_runs[(supervised_runs.params < 6e8) & (supervised_runs.tokens < 1e11)]
    few = fit.fit_supervised(narrow, starts=64, bootstrap=32)
    assert "Ridge: gamma" in " ".join(fit.explain(few))
    ends = [
        fit.fit_supervised(narrow, fixed={"gamma": few.law.gamma * factor}, starts=64).law
        for factor in (0.7, 1.5)
    ]

    def apart(runs):
        one, other = (law.loss(runs.params.to_numpy(), runs.tokens.to_numpy()) for law in ends)
        return np.abs(np.log(one / other)).max()

    # Alike within the noise where the runs are, unlike beyond it over the whole range.
    assert apart(narrow) < 0.005 < apart(supervised_runs)


def test_held_out_strong_runs(supervised_fit):
    held = (supervised_fit.runs.loss < 2.2).to_numpy()
    table = fit.hold_out(supervised_fit, held)
    weak = fit.fit_supervised(supervised_fit.runs[~held], starts=64)
    np.testing.assert_allclose(table.predicted, weak.predict(table).predicted, rtol=1e-6)
    assert table.relative_error[held].abs().mean() < 0.02
    along = supervised_fit.runs.protocol != "fixed M"
    with pytest.raises(ValueError, match="tokens moves with params in all runs that are left"):
        fit.hold_out(supervised_fit, along.to_numpy())
    with pytest.raises(ValueError, match="held takes all"):
        fit.hold_out(supervised_fit, np.ones(73, bool))


@pytest.mark.filterwarnings("ignore:loss rises with tokens")
def test_residual_trends_find_a_missing_term(supervised_runs):
    bent = supervised_runs.assign(
        loss=supervised_runs.loss * (supervised_runs.tokens / 1e11) ** 0.05
    )
    options = {"fixed": {"beta": 0.431, "B": 18186.0}, "starts": 64, "bootstrap": 8}
    said = fit.explain(fit.fit_supervised(bent, **options))
    assert any("Residuals still trend with tokens" in text for text in said)


def test_isoflop_parabola_finds_a_minimum_and_none_at_an_edge():
    params = np.geomspace(1e8, 1e10, 9)
    loss = 2 + 0.1 * np.log(params / 7e8) ** 2
    assert fit.isoflop_minimum(params[::-1], loss[::-1]) == pytest.approx((7e8, 2.0), rel=1e-9)
    for none in (slice(4, None), slice(3)):
        assert np.isnan(fit.isoflop_minimum(params[none], loss[none])).all()


def test_isoflop_draws_spread_as_errors_propagate():
    params = np.geomspace(1e8, 1e10, 5)
    loss, error = 2 + 0.1 * np.log(params / 7e8) ** 2, np.geomspace(1e-3, 4e-3, 5)

    def best(loss):
        return np.log(fit.isoflop_minimum(params, loss)[0])

    slopes = [(best(loss + d) - best(loss - d)) / 2e-4 for d in 1e-4 * np.eye(5)]
    profile = pd.DataFrame({"params": params, "loss": loss, "error": error})
    drawn = np.log(analysis.minima_drawn(profile, draws=2000))
    assert drawn.std() == pytest.approx(np.linalg.norm(slopes * error), rel=0.1)
    assert abs(drawn.mean() - np.log(7e8)) < 5 * drawn.std() / np.sqrt(2000)


def test_the_amplitude_at_its_limit_is_marked(distillation_fit):
    """c1 f1 has a limit: which replicates stand there is read off the coefficients too."""
    table, drawn = distillation_fit.at_bound, distillation_fit.replicates
    at_limit = drawn.c1 * drawn.f1 > 900
    assert 0 < at_limit.mean() == table.above["c1"]
    assert table.above["d1"] >= table.above["c1"]  # which moves with it
    held = replace(distillation_fit.problem, fixed=np.r_[[np.nan] * 6, 522.6, np.nan, np.nan])
    assert not replace(distillation_fit, problem=held).at_bound.above["c1"]


def test_an_ensemble_of_replicates_is_the_fit(supervised_fit, distillation_runs):
    found = fit.fit_distillation(distillation_runs, supervised_fit, starts=16, bootstrap=24)
    members = found.ensemble()
    runs = found.runs.head(5)
    inputs = [runs[name].to_numpy() for name in found.spec.columns[:-1]]
    bands = found.predict(runs)
    losses = members.losses(*inputs)
    low, high = np.quantile(losses, [0.025, 0.975], axis=0)
    np.testing.assert_allclose([bands.law_low, bands.law_high], [low, high], rtol=1e-9)
    assert set(members.forms) == {"equation8"}
    with pytest.raises(ValueError, match="the supervised law has no teachers"):
        supervised_fit.ensemble()
    with pytest.raises(ValueError, match="no replicates"):
        replace(found, replicates=found.replicates.head(0)).ensemble()


def test_json_has_the_numbers(supervised_fit):
    stored = json.loads(to_json(supervised_fit))
    assert stored["coefficients"]["alpha"]["estimate"] == supervised_fit.law.alpha
    assert stored["runs"] == 73
    assert stored["coefficients"]["alpha"]["level"] == supervised_fit.level


def _broken(runs, **changes):
    runs = runs.copy()
    for name, value in changes.items():
        runs.loc[7, name] = value
    return runs


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda r: _broken(r, params=-1.0), {}, "row 7, column params: first value -1.0"),
        (lambda r: _broken(r, tokens=np.inf), {}, "row 7, column tokens"),
        (lambda r: _broken(r, loss=np.nan), {}, "row 7, column loss: first value nan"),
        (lambda r: _broken(r.astype(object), loss="n/a"), {}, "column loss: first value 'n/a'"),
        (lambda r: r.rename(columns={"params": "N", "loss": "L"}), {},
         "lack the columns params, loss; .* found N, tokens, protocol, L"),
        (lambda r: r.head(6), {}, "6 distinct settings for 6 coefficients"),
        (lambda r: "runs.csv", {}, r"runs is 'runs\.csv'; it must be a DataFrame"),
        (lambda r: r, {"fixed": {"delta": 1.0}}, "fixed names 'delta'"),
        (lambda r: r, {"starts": 9999}, "starts is 9999"),
        (lambda r: r, {"starts": 1.5}, "starts is 1.5; it must be a whole number"),
        (lambda r: r, {"bootstrap": -1}, "bootstrap is -1; it must be a whole number"),
        (lambda r: r, {"delta": 0}, "delta is 0"),
        (lambda r: r, {"starts": 16, "bootstrap": 2, "cluster": "teachers"},
         "cluster is 'teachers'"),
    ],
)  # fmt: skip
def test_bad_input_is_named(supervised_runs, change, options, words):
    with pytest.raises(ValueError, match=words):
        fit.fit_supervised(change(supervised_runs), **options)


def test_what_is_no_supervised_law_is_named(distillation_runs):
    with pytest.raises(ValueError, match="supervised is DistillationLaw"):
        fit.fit_distillation(distillation_runs, LAW)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda runs: pd.concat([runs, runs.head(2)]), "2 rows repeat"),
        (lambda runs: _broken(runs, loss=13.0), "guessing evenly"),
        (lambda runs: runs.assign(loss=runs.loss * 6 + 6), "looks like perplexity"),
        (lambda runs: runs.assign(params=runs.params / 1e9), "params looks like billions"),
        (lambda runs: runs.assign(tokens=20 * runs.params), "cannot be told apart"),
        (lambda runs: runs[runs.params < 1e9], "hardly told"),
    ],
)
def test_suspicious_runs_are_warned_of(supervised_runs, change, message):
    assert any(message in text for text in suspicions(change(supervised_runs), SUPERVISED))


def test_bits_are_suspected(distillation_runs):
    bits = distillation_runs.assign(student_loss=distillation_runs.student_loss / np.log(2))
    assert "student_loss looks like bits" in " ".join(suspicions(bits, DISTILLATION))


def test_simulated_protocols_have_the_papers_counts():
    assert len(simulate.supervised_runs(LAW.supervised)) == 73
    assert len(simulate.distillation_runs(LAW)) == 697


def test_example_table_is_what_its_command_makes():
    stored = pd.read_csv(DATA / "runs" / "example_simulated.csv")
    pd.testing.assert_frame_equal(stored, simulate.example_runs(), rtol=1e-5, check_dtype=False)
    assert (
        stored.teacher_loss.groupby(stored.teacher_params * stored.teacher_tokens)
        .nunique()
        .eq(1)
        .all()
    )


@few_runs
def test_scipy_ends_below_a_fit_only_beyond_the_bound_that_the_fit_tells(supervised_runs):
    """Losses that would want E < 0: the box ends above it, and the fit says so."""
    below = supervised_runs.assign(loss=supervised_runs.loss - 1.6)
    found = fit.fit_supervised(below, starts=32)
    assert found.at_bound.estimate["E"] == "<"
    inside, beyond = (optimum.least(found, bounded=b, starts=2) for b in (True, False))
    assert inside == pytest.approx(found.objective, rel=1e-9)
    assert beyond < found.objective * (1 - 1e-6)
