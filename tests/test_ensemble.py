"""The ensemble of laws: its forms, its arithmetic, its construction and its coverage."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from scalinglib import allocate, fit, laws
from scalinglib.laws.ensembles import from_rows
from scalinglib.laws.forms import FORMS
from scalinglib.laws.limits import below_floor
from scalinglib.report.paths import DATA
from tools.once import ensemble as tool

RUNS = pd.read_csv(DATA / "published" / "figure1_runs.csv")
CURVES = pd.read_csv(DATA / "published" / "figure1_curves.csv")
COVERAGE = pd.read_csv(tool.COVERAGE)
SUPERVISED = laws.load().supervised
NEW_FORMS = sorted(set(laws.ensemble().forms) - {"equation8"})


def _some(names, weights):
    """The named members with weights of their own."""
    whole = laws.ensemble()
    at = [whole.names.index(name) for name in names]
    members, forms = ([part[i] for i in at] for part in (whole.members, whole.forms))
    return laws.Ensemble(
        tuple(members), tuple(names), tuple(forms), np.array(weights), whole.scales[at]
    )


def _example(form):
    return _some([f"{form}, refit"], [1.0]).members[0]


@pytest.mark.parametrize("form", NEW_FORMS)
def test_forms_meet_their_limits(form):
    law = _example(form)
    sizes = np.array([1e8, 1e10])
    entropy = law.supervised.E
    # A useless teacher teaches itself; endless students and data become their teacher.
    useless = law.log_loss(np.log(sizes), np.log(1e10), np.log(1e4))
    assert np.exp(useless) == pytest.approx(1e4, rel=1e-6)
    assert law.loss(1e30, 1e40, 2.0) == pytest.approx(2.0, rel=1e-6)
    # Perfect soft labels without end are supervised training without end.
    floor = law.supervised.infinite_data_loss(sizes)
    assert law.infinite_data_loss(sizes, entropy * (1 + 1e-12)) == pytest.approx(floor, rel=1e-6)
    assert law.loss(sizes, 1e60, 2.0) == pytest.approx(law.infinite_data_loss(sizes, 2.0), rel=1e-9)


@pytest.mark.parametrize("form", NEW_FORMS)
def test_forms_are_one_formula_for_numpy_and_jax(form):
    law = _example(form)
    logs = np.log(1e9), np.log(2e10), np.log(2.1)
    with jax.enable_x64(True):
        traced = jax.jit(lambda *x: law.log_loss(*x))(*map(jnp.asarray, logs))
        slope = jax.grad(lambda t: law.log_loss(logs[0], logs[1], t))(jnp.asarray(logs[2]))
    assert float(traced) == pytest.approx(law.log_loss(*logs), rel=1e-12)
    step = 1e-5
    ends = [law.log_loss(logs[0], logs[1], logs[2] + s) for s in (-step, step)]
    assert float(slope) == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=1e-5, abs=1e-8)


def test_a_teacher_below_the_entropy_is_refused():
    with pytest.raises(ValueError, match=r"teacher_loss is 1\.0; it must be at least E = "):
        _example("dip").loss(1e9, 2e10, 1.0)


def test_quantiles_and_share_are_those_of_repeated_members():
    names = laws.ensemble().names[:3]
    members = _some(names, [0.5, 0.25, 0.25])
    values = np.array([[3.0, 1.0], [1.0, 5.0], [np.inf, 2.0]])
    repeated = np.concatenate([values[:1], values])
    expected = np.quantile(repeated, [0.1, 0.5, 0.9], axis=0, method="inverted_cdf")
    assert np.array_equal(members.quantiles(values, [0.1, 0.5, 0.9]), expected)
    assert members.share(values > 2).tolist() == [0.75, 0.25]
    with pytest.raises(ValueError, match="first axis must be the 3 laws"):
        members.quantiles(values[:2], [0.5])
    with pytest.raises(ValueError, match="condition is float64; it must be bool"):
        members.share(values)


def test_a_run_spreads_more_than_the_laws():
    members = laws.ensemble()
    losses = members.losses(1e9, 2e10, 2.1)
    law = members.quantiles(losses, [0.05, 0.95])
    run = members.run_quantiles(losses, [0.05, 0.95])
    assert run[0] < law[0] < law[1] < run[1]
    # One law alone: normal, of the deviation of a Laplace distribution of the mean size given.
    alone = _some(members.names[:1], [1.0])
    deviation = np.sqrt(2) * alone.scales[0]
    half = np.log(alone.run_quantiles(losses[:1], 0.75) / losses[0])
    assert half == pytest.approx(0.6745 * deviation, rel=0.1)
    shared = np.log(alone.run_quantiles(losses[:1], 0.75, 2 * deviation) / losses[0])
    assert shared == pytest.approx(0.6745 * np.sqrt(5) * deviation, rel=0.1)


SEEN = laws.Seen.of(RUNS, SUPERVISED)


def test_distance_is_none_at_the_runs_and_counts_factors_beyond():
    at = [RUNS[name].to_numpy() for name in tool.INPUTS]
    assert SEEN.distance(*at).max() == 0
    largest = RUNS[RUNS.student_params == RUNS.student_params.max()].iloc[0]
    n, d, teacher = (largest[name] for name in tool.INPUTS)
    # A teacher as bad for the larger student as for this one: only size and tokens are further.
    alone, there = SUPERVISED.loss(n, d), SUPERVISED.loss(4 * n, 3 * d)
    e = SUPERVISED.E
    same = e + (teacher - e) * (there - e) / (alone - e)
    assert SEEN.distance(4 * n, 3 * d, same) == pytest.approx(np.hypot(np.log(4), np.log(3)))
    # A better teacher than any: by the factor in what it leaves of the loss above E.
    best = RUNS[(RUNS.student_params == n) & (RUNS.student_tokens == d)].teacher_loss.min()
    near = SEEN.distance(n, d, e + (best - e) / 1.01)
    assert near == pytest.approx(np.log(1.01), rel=1e-6)


def test_a_new_runs_band_widens_with_the_distance_and_the_level():
    known = replace(laws.ensemble(), seen=SEEN, growth=0.003)
    near, far = known.predict([1e9, 8e9], [2e10, 2e11], 2.1).to_dict("records")
    assert 0 < near["distance"] < far["distance"]
    assert far["discrepancy"] == pytest.approx(0.003 * far["distance"])
    assert near["low"] < near["centre"] < near["high"]
    assert far["high"] / far["low"] > near["high"] / near["low"]
    wide = known.predict(1e9, 2e10, 2.1, level=0.99).iloc[0]
    assert wide.low < near["low"] < near["high"] < wide.high
    # No discrepancy: what the laws and one run's scatter give.
    bare = replace(known, growth=0.0).predict(8e9, 2e11, 2.1).iloc[0]
    expected = known.run_quantiles(known.losses(8e9, 2e11, 2.1), [0.05, 0.5, 0.95])
    assert [bare.low, bare.centre, bare.high] == pytest.approx(expected)
    with pytest.raises(ValueError, match="level is 90; it must be between 0 and 1"):
        known.predict(1e9, 2e10, 2.1, level=90)
    with pytest.raises(ValueError, match="the ensemble has no `seen`"):
        replace(known, seen=None).predict(1e9, 2e10, 2.1)


def test_answers_are_told_form_by_form():
    members = laws.ensemble()
    values = members.losses(1e9, 2e10, 2.1)
    table = members.by_form(values)
    forms = table.index.drop(["passes its floor", "respects its floor", "all"], errors="ignore")
    assert set(forms) == set(members.forms)
    assert table.weight[forms].sum() == pytest.approx(1)
    assert table.weight[forms].is_monotonic_decreasing
    of = np.array(members.forms) == forms[0]
    by_hand = members.only(of).quantiles(values[of], [0.05, 0.5, 0.95])
    assert table.loc[forms[0], ["low", "centre", "high"]].tolist() == by_hand.tolist()
    split = table.loc[["passes its floor", "respects its floor"]]
    assert split.laws.sum() == table.laws["all"] == len(members.members)


def test_a_law_that_passes_its_floor_is_told():
    law = laws.load("bias_variance")
    sizes = np.array([300e6, 1e9, 10e9])
    many = np.geomspace(1e10, 1e18, 200)[:, None, None]
    good = np.linspace(1.25, 2.6, 200)[:, None]
    lowest = law.loss(sizes, many, good).min(axis=(0, 1))
    by_hand = law.supervised.infinite_data_loss(sizes) - lowest
    assert below_floor(law, sizes) == pytest.approx(by_hand, abs=1e-4)
    assert (by_hand > 5e-4).all()
    assert not below_floor(law._replace(rho=0.0), sizes).any()


def test_a_thin_ensemble_stands_for_the_whole():
    members = laws.ensemble()
    few = members.thin(50)
    assert few.weights.sum() == pytest.approx(1)
    for form in FORMS:
        whole = members.weights[np.array(members.forms) == form].sum()
        assert few.weights[np.array(few.forms) == form].sum() == pytest.approx(whole, abs=0.021)
    with pytest.raises(ValueError, match="count is 0"):
        members.thin(0)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="ensemble is 'figure2'"):
        laws.ensemble("figure2")
    with pytest.raises(ValueError, match="form is 'cubic'"):
        from_rows([{"form": "cubic"}])


@pytest.mark.parametrize("delta", tool.DELTAS)
def test_the_tools_fit_is_the_librarys(delta):
    found = tool.fit("equation8", RUNS, SUPERVISED, delta)
    other = fit.fit_distillation(RUNS, SUPERVISED, fixed={"c1": tool.C1}, delta=delta, starts=64)

    def objective(law):
        size = np.abs(tool.errors(law, RUNS)) / delta
        return np.sum(np.where(size < 1, size**2 / 2, size - 0.5)) * delta**2

    assert objective(found) == pytest.approx(other.objective, rel=1e-4)


def test_members_fit_the_runs_about_equally_well():
    for law in laws.ensemble().members:
        assert np.abs(tool.errors(law, RUNS)).mean() < 0.006


def test_table_is_what_the_tool_makes():
    table = pd.read_csv(tool.TABLE)
    goodness = 1 / tool.form_errors(RUNS, SUPERVISED).mean()
    refits = table[~table.name.isin(["corrected", "drawn in Figure 1"])]
    weights = refits.groupby("form").weight.sum()
    expected = goodness / goodness.sum() * refits.weight.sum()
    assert weights.to_dict() == pytest.approx(expected.to_dict(), rel=1e-3)
    named = table[~table.index.isin(refits.index)]
    assert named.weight.sum() == pytest.approx(weights["equation8"], rel=1e-6)
    assert table.scale.to_numpy() == pytest.approx(tool.run_noise(RUNS), rel=1e-6)
    row = refits[refits.name == "dip 0, delta 0.001"].iloc[0]
    base = tool.supervised_laws(1, CURVES)[0]
    assert row.supervised_E == pytest.approx(base.E, rel=1e-5)
    drawn = tool.resample(RUNS, np.random.default_rng([0, 0]))
    law = tool.fit("dip", drawn, base, 1e-3)
    assert [row[c] for c in FORMS["dip"].coefficient_names()] == pytest.approx(
        [getattr(law, c) for c in FORMS["dip"].coefficient_names()], rel=1e-2
    )


def test_the_band_holds_what_it_should():
    by_kind = COVERAGE.groupby("kind")[["covered", "held"]].sum()
    share = by_kind.covered / by_kind.held
    assert 0.85 <= share["random"] <= 0.95
    assert (share.drop("random") >= 0.8).all()
    masks = tool.held_out(RUNS)
    assert list(zip(COVERAGE.kind, COVERAGE.cut, strict=True)) == list(masks)
    assert COVERAGE.held.tolist() == [mask.sum() for mask in masks.values()]


def test_coverage_is_found_again():
    """One hold-out by extrapolation, with fewer replicates than the recorded ones."""
    key = ("largest students", "top 0.25")
    mask = tool.held_out(RUNS)[key]
    table = tool.build(RUNS[~mask], tool.supervised_laws(4, CURVES), replicates=2)
    inside, width = tool.covered(table, RUNS[mask])
    recorded = COVERAGE.set_index(["kind", "cut"]).loc[key]
    assert inside.mean() == pytest.approx(recorded.share, abs=0.2)
    assert width == pytest.approx(recorded.band_width, rel=0.4)


def test_allocation_under_an_ensemble_is_that_of_its_laws():
    two = _some(("corrected", "equation8, refit"), [0.25, 0.75])
    problem = ([1e9, 1e10], 1e22, "teacher_inference")
    table = allocate.under_ensemble(two.members[0], two, *problem)
    each = [allocate.optimal(law, *problem) for law in two.members]
    losses = np.array([t.student_loss for t in each])
    assert np.array_equal(table.student_loss, losses[0])
    assert np.array_equal(table.student_loss_low, losses.min(axis=0))
    assert np.array_equal(table.student_loss_high, losses.max(axis=0))
    wins = np.array([t.student_loss < t.supervised_loss for t in each])
    assert np.array_equal(table.share_distil, two.weights @ wins)
    assert wins[:, 0].tolist() == [False, True]
    crossing = allocate.crossovers(two, 1e9, "teacher_inference").iloc[0]
    assert crossing.low == pytest.approx(1.9e21, rel=0.05)
    assert np.isinf([crossing["median"], crossing["high"]]).all()
    assert crossing.share_never == 0.75


def test_floors_of_two_laws_are_on_both_sides_of_the_supervised_ones():
    gaps = [
        allocate.infinite_data_gap(_some([name], [1.0]).members[0], [300e6, 1e9, 3e9, 10e9])
        for name in ("corrected", "equation8, refit")
    ]
    assert gaps[0].min() > 0
    assert gaps[1] == pytest.approx([-0.0274, -0.0203, -0.0205, -0.0265], abs=2e-4)


def test_crossings_of_a_student_too_large_for_the_least_budget():
    one = _some(["corrected"], [1.0])
    found = allocate.crossovers(one, [1e9, 50e9], "teacher_inference")
    assert found.low.to_numpy() == pytest.approx(
        allocate.crossover(one.members[0], [1e9, 50e9], "teacher_inference", low=1e18), rel=1e-6
    )
