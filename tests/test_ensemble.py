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
from scalinglib.laws.limits import below_floor, met
from scalinglib.report.paths import DATA
from tools.once import ensemble as tool
from tools.once import extrapolation

RUNS = pd.read_csv(DATA / "published" / "figure1_runs.csv")
COVERAGE = pd.read_csv(tool.COVERAGE)
ERRORS = pd.read_csv(tool.ERRORS).set_index(["runs", "kind", "cut"])
SUPERVISED = laws.load().supervised
# Near what fits the paper's runs.
_BIAS_VARIANCE = {"D0": 1.5e9, "s": 0.6, "k": 9.0, "kappa": 0.9, "p": 4.0, "rho": -0.1}
EXAMPLES = {
    "bias_variance": _BIAS_VARIANCE,
    "orthogonal": _BIAS_VARIANCE | {"rho": 0.0},
    "floor_kept": _BIAS_VARIANCE,
    "data_dip": {"B": 2e3, "beta": 0.36, "k": 10.0, "r": -0.1},
}
NEW_FORMS = [form for form in FORMS if form != "equation8"]


def _some(members, weights):
    """Named laws with weights of their own."""
    found = tuple(laws.load(name) for name in members)
    return laws.Ensemble(
        found, members, ("equation8",) * len(found), np.array(weights), np.full(len(found), 1e-3)
    )


def _example(form):
    return FORMS[form](**EXAMPLES[form], supervised=SUPERVISED)


@pytest.mark.parametrize("form", NEW_FORMS)
def test_forms_meet_their_limits(form):
    sizes = np.array([1e8, 1e10])
    found = met(_example(form), sizes, 20 * sizes)
    assert [found[limit] for limit in ("copies", "useless", "floor")] == [True] * 3


@pytest.mark.parametrize(
    "law", [*map(_example, NEW_FORMS), laws.load()], ids=[*NEW_FORMS, "equation8"]
)
def test_forms_are_one_formula_for_numpy_and_jax(law):
    logs = np.log(1e9), np.log(2e10), np.log(2.1)
    with jax.enable_x64(True):
        traced = jax.jit(lambda *x: law.log_loss(*x))(*map(jnp.asarray, logs))
        slope = jax.grad(lambda t: law.log_loss(logs[0], logs[1], t))(jnp.asarray(logs[2]))
    assert float(traced) == pytest.approx(law.log_loss(*logs), rel=1e-12)
    step = 1e-5
    ends = [law.log_loss(logs[0], logs[1], logs[2] + s) for s in (-step, step)]
    assert float(slope) == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=1e-5, abs=1e-8)


def test_quantiles_and_share_are_those_of_repeated_members():
    members = _some(("corrected", "refit", "figure1"), [0.5, 0.25, 0.25])
    values = np.array([[3.0, 1.0], [1.0, 5.0], [np.inf, 2.0]])
    repeated = np.concatenate([values[:1], values])
    expected = np.quantile(repeated, [0.1, 0.5, 0.9], axis=0, method="inverted_cdf")
    assert np.array_equal(members.quantiles(values, [0.1, 0.5, 0.9]), expected)
    assert members.share(values > 2).tolist() == [0.75, 0.25]


def test_a_run_of_one_law_deviates_as_its_scatter_and_its_distance_say():
    # Normal, of the deviation of a Laplace distribution of the mean size given.
    members = laws.ensemble()
    alone = members.only(np.arange(len(members.names)) == 0)
    deviation = np.sqrt(2) * alone.scales[0]
    distance = alone.predict(8e9, 2e11, 2.1).distance.iloc[0]
    for times in (0, 2):
        there = replace(alone, growth=times * deviation / distance)
        half = there.predict(8e9, 2e11, 2.1, level=0.5).iloc[0]
        expected = 0.6745 * np.sqrt(1 + times**2) * deviation
        assert np.log(half.high / half.centre) == pytest.approx(expected, rel=0.1)


SEEN = laws.Seen.of(RUNS, SUPERVISED)


def test_distance_is_none_at_the_runs_and_counts_factors_beyond():
    at = [RUNS[name].to_numpy() for name in extrapolation.INPUTS]
    assert SEEN.distance(*at).max() == 0
    largest = RUNS[RUNS.student_params == RUNS.student_params.max()].iloc[0]
    n, d, teacher = (largest[name] for name in extrapolation.INPUTS)
    # A teacher as bad for the larger student as for this one: only size and tokens are further.
    alone, there = SUPERVISED.loss(n, d), SUPERVISED.loss(4 * n, 3 * d)
    e = SUPERVISED.E
    same = e + (teacher - e) * (there - e) / (alone - e)
    far = np.hypot(np.log(4), np.log(3))
    assert SEEN.distance(4 * n, 3 * d, same) == pytest.approx(far)
    members, share = laws.ensemble(), laws.ensembles.GAIN_GROWTH / laws.ensembles.GROWTH
    unsure = share * members.growth * far
    assert members.gain_discrepancy(4 * n, 3 * d, same) == pytest.approx(unsure, rel=1e-6)
    # A better teacher than any: by the factor in what it leaves of the loss above E.
    best = RUNS[(RUNS.student_params == n) & (RUNS.student_tokens == d)].teacher_loss.min()
    near = SEEN.distance(n, d, e + (best - e) / 1.01)
    assert near == pytest.approx(np.log(1.01), rel=1e-6)


def test_a_new_runs_band_widens_with_the_distance_and_the_level():
    known = replace(laws.ensemble(), growth=0.003)
    near, far = known.predict([1e9, 8e9], [2e10, 2e11], 2.1).to_dict("records")
    assert 0 < near["distance"] < far["distance"]
    assert far["discrepancy"] == pytest.approx(0.003 * far["distance"])
    assert near["low"] < near["centre"] < near["high"]
    assert far["high"] / far["low"] > near["high"] / near["low"]
    wide = known.predict(1e9, 2e10, 2.1, level=0.99).iloc[0]
    assert wide.low < near["low"] < near["high"] < wide.high
    # No discrepancy: what the laws and one run's scatter give.
    bare = replace(known, growth=0.0).predict(8e9, 2e11, 2.1).iloc[0]
    logs = np.log(known.losses(8e9, 2e11, 2.1))
    expected = known.quantiles(logs, [0.05, 0.5, 0.95], np.sqrt(2) * known.scales)
    assert np.log([bare.low, bare.centre, bare.high]) == pytest.approx(expected)


def test_no_run_is_foretold_below_the_entropy_of_its_text():
    """However far it is, and however little the runs tell; nor is a gain larger than is left."""
    rng = np.random.default_rng(0)
    asked = 10 ** rng.uniform(7, 13, 50), 10 ** rng.uniform(8, 17, 50), rng.uniform(1.3, 3, 50)
    unsure = replace(laws.ensemble(), growth=0.1)
    uncapped = unsure.losses(*asked) * np.exp(-1.6 * 0.1 * unsure.seen.distance(*asked))
    entropies = np.array([law.supervised.E for law in unsure.members])
    assert (uncapped < entropies[:, None]).all(axis=0).any()
    for level in (0.5, 0.9, 0.99):
        low = unsure.predict(*asked, level=level).low
        assert (low >= unsure.quantiles(entropies, (1 - level) / 2)).all()
    for size, tokens, teacher in zip(*asked, strict=True):
        teachers = (allocate.Teacher("", 7e9, teacher),)
        problem = allocate.Problem(size, student_tokens=tokens, teachers=teachers)
        found = allocate.advise(unsure.members[0], unsure.thin(5), problem)
        alone = [law.supervised.loss(size, tokens) - law.supervised.E for law in unsure.members]
        assert found.ranges["gain"][1] <= max(alone)


def test_errors_are_drawn_alike_for_a_size_and_for_a_teacher():
    sizes, teachers = np.array([8e9, 8e9, 16e9, 16e9]), np.array([2.0, 2.1, 2.0, 2.1])
    drawn = extrapolation.together(np.random.default_rng(0), 40_000, sizes, teachers, (0.56, 0.3))
    assert drawn.std(axis=0) == pytest.approx(1, rel=0.02)
    assert np.corrcoef(drawn.T)[0] == pytest.approx([1, 0.56, 0.3, 0], abs=0.02)


def test_the_mean_of_a_sizes_runs_is_held_where_their_errors_go_together():
    means = pd.read_csv(tool.MEANS).groupby("band")[["sizes", "covered"]].sum()
    share = means.covered / means.sizes
    assert share["together"] >= 0.8
    assert share["together"] > share["independent"]


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
    for form in set(members.forms):
        whole = members.weights[np.array(members.forms) == form].sum()
        assert few.weights[np.array(few.forms) == form].sum() == pytest.approx(whole, abs=0.021)


ASKED = (1e9, 2e10, 2.1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda law: _example("data_dip").loss(1e9, 2e10, 1.0),
            r"is 1\.0; it must be at least E = ",
        ),
        (lambda law: law.quantiles(np.ones((2, 3)), [0.5]), "first axis must be the [0-9]+ laws"),
        (lambda law: law.share(law.losses(*ASKED)), "condition is float64; it must be bool"),
        (lambda law: law.predict(*ASKED, level=90), "level is 90; it must be between 0 and 1"),
        (lambda law: replace(law, seen=None).predict(*ASKED), "the ensemble has no `seen`"),
        (lambda law: law.thin(0), "count is 0"),
        (lambda law: laws.ensemble("figure2"), "ensemble is 'figure2'"),
        (lambda law: from_rows([{"form": "cubic"}]), "form is 'cubic'"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(laws.ensemble())


def test_members_fit_the_runs_about_equally_well():
    for law in laws.ensemble().members:
        assert np.abs(tool.errors(law, RUNS)).mean() < 0.006


def test_weights_are_those_of_the_hold_outs():
    members, weight = laws.ensemble(), extrapolation.weights(ERRORS)
    assert set(members.forms) <= set(weight.index[weight > 0])
    kept = weight[list(set(members.forms))] / weight[list(set(members.forms))].sum()
    for form, share in kept.items():
        mine = np.array(members.forms) == form
        assert members.weights[mine].sum() == pytest.approx(share, rel=1e-2)  # of errors in print
    named = np.isin(members.names, ["corrected", "drawn in Figure 1"])
    equation8 = np.array(members.forms) == "equation8"
    if (equation8 & ~named).any():
        assert members.weights[named].sum() == pytest.approx(
            members.weights[equation8 & ~named].sum()
        )


def test_no_member_is_far_below_its_floor():
    table = pd.read_csv(tool.TABLE)
    deepest = [below_floor(law, tool.SIZES).max() for law in laws.ensemble().members]
    assert table.below_floor.to_numpy() == pytest.approx(deepest, abs=1e-6)
    assert max(deepest) <= tool.FLOOR


def test_growth_is_the_recorded_one_of_the_misfit_inside():
    members = laws.ensemble()
    refit = np.array([name.endswith(", refit") for name in members.names])
    inside = [np.abs(tool.errors(members.members[i], RUNS)).mean() for i in np.flatnonzero(refit)]
    weight = extrapolation.weights(ERRORS)[[members.forms[i] for i in np.flatnonzero(refit)]]
    misfit = max(np.average(inside, weights=weight), extrapolation.SUPERVISED_NOISE)
    assert members.growth == pytest.approx(laws.ensembles.GROWTH * misfit, rel=1e-2)


def test_seen_are_the_runs():
    seen = laws.ensemble().seen
    for name in ("student_params", "student_tokens", "best_teacher", "worst_teacher"):
        assert getattr(seen, name) == pytest.approx(getattr(SEEN, name))


def test_a_refit_is_found_again():
    members = laws.ensemble()
    name = next(name for name in members.names if name.endswith(", refit"))
    form = members.forms[members.names.index(name)]
    spec, fixed = extrapolation.CANDIDATES[form]
    found = fit.fit(spec, RUNS, supervised=SUPERVISED, fixed=fixed, starts=16).law
    assert found[:-1] == pytest.approx(members.members[members.names.index(name)][:-1], rel=1e-4)


def test_hold_outs_ask_what_was_kept_from_the_fit():
    found = extrapolation.splits(RUNS)
    recorded = COVERAGE[(COVERAGE.runs == "paper") & (COVERAGE.band == "ensemble")]
    assert list(zip(recorded.kind, recorded.cut, strict=True)) == list(found)
    assert recorded.held.tolist() == [held.sum() for _, held in found.values()]
    for (kind, _), (kept, held) in found.items():
        small, large = RUNS[kept], RUNS[held]
        assert not (kept & held).any()
        assert (kept | held).all() == (kind != "both")
        if kind in ("size", "both"):
            assert small.student_params.max() < large.student_params.min()
        if kind in ("teachers", "both"):
            assert small.teacher_loss.min() > large.teacher_loss.max()
        if kind == "tokens":
            assert small.student_tokens.max() < large.student_tokens.min()


def test_what_the_band_holds_of_runs_kept_from_it():
    """With weights and growth of the other two sets; where it fails is known by name."""
    ours = COVERAGE[COVERAGE.band == "ensemble"].set_index(["runs", "kind", "cut"])
    assert ours.share.mean() >= 0.9
    missed = [("text", "both", "2 smallest"), ("text", "teachers", "75% weakest")]
    assert [*ours.index[ours.share < 0.8]] == missed
    mean = COVERAGE.pivot_table(index="band", columns="runs", values="score")
    assert (mean.loc[["ensemble", "as shipped"]] < mean.loc["bootstrap"]).all(axis=None)


def test_the_growth_that_ships_holds_four_in_five_everywhere():
    """It is found on these hold-outs themselves."""
    shipped = COVERAGE[COVERAGE.band == "as shipped"]
    assert shipped.growth.eq(laws.ensembles.GROWTH).all()
    assert len(shipped) == len(ERRORS)
    assert shipped.share.min() >= 0.8
    assert shipped.share.mean() >= 0.9


def test_rules_that_were_tried_start_from_todays_bands():
    tried = pd.read_csv(tool.COVERAGE.with_name("ensemble_rules.csv"))
    today = tried[tried.rule == "today"].set_index(["runs", "kind", "cut"])
    ours = COVERAGE[COVERAGE.band == "ensemble"].set_index(["runs", "kind", "cut"])
    columns = ["growth", "covered", "width", "score"]
    pd.testing.assert_frame_equal(today[columns], ours[columns], rtol=1e-3)


def test_what_the_band_holds_of_gains_kept_from_it():
    """Distilled over supervised loss of one student, growth of the other set of runs."""
    gains = pd.read_csv(tool.GAINS).set_index(["runs", "kind", "cut"])
    assert set(gains.index) == {key for key in ERRORS.index if key[0] != "paper"}
    assert gains.share.mean() >= 0.9
    assert gains.share.min() >= 0.8
    # Less than both errors as if nothing were shared, and not nothing.
    alone = np.hypot(gains.distilled_error, gains.supervised_error)
    assert (gains.gain_error / alone).median() < 0.8
    assert laws.ensembles.GAIN_GROWTH == gains.growth.max() < laws.ensembles.GROWTH


def test_a_bands_score_is_the_interval_score():
    rng = np.random.default_rng(0)
    y, low = rng.standard_normal(40), rng.standard_normal(40)
    high = low + rng.uniform(0, 2, 40)
    asked = extrapolation.Question(
        "", ("", ""), y, *[np.zeros(40)] * 2, {}, {}, 0.0, *[y] * 2, (), *[y] * 3
    )
    found = extrapolation.judged(asked, low, high)
    by_hand = [
        h - a + 20 * ((a - x) if x < a else (x - h) if x > h else 0)
        for x, a, h in zip(y, low, high, strict=True)
    ]
    assert found["score"] == pytest.approx(100 * np.mean(by_hand))
    assert found["covered"] == sum(a <= x <= h for x, a, h in zip(y, low, high, strict=True))


def test_allocation_under_an_ensemble_is_that_of_its_laws():
    two = _some(("corrected", "refit"), [0.25, 0.75])
    problem = ([1e9, 1e10], 1e22, "teacher_inference")
    table = allocate.under_ensemble(two.members[0], two, *problem)
    each = [allocate.optimal(law, *problem) for law in two.members]
    losses = np.array([t.student_loss for t in each])
    assert np.array_equal(table.student_loss, losses[1])  # of three quarters of the weight
    assert np.array_equal(table.student_loss_low, losses.min(axis=0))
    assert np.array_equal(table.student_loss_high, losses.max(axis=0))
    wins = np.array([t.student_loss < t.supervised_loss for t in each])
    assert np.array_equal(table.share_distil, two.weights @ wins)
    assert wins[:, 0].tolist() == [False, True]
    # Also where a student is too large for the least budget.
    crossing = allocate.crossovers(two, [1e9, 50e9], "teacher_inference")
    alone = allocate.crossover(two.members[0], [1e9, 50e9], "teacher_inference", low=1e18)
    assert crossing.low.to_numpy() == pytest.approx(alone, rel=1e-6)
    assert np.isinf(crossing[["median", "high"]]).all(axis=None)
    assert crossing.share_never.tolist() == [0.75, 1.0]


@pytest.mark.parametrize(("name", "above"), [("corrected", True), ("refit", False)])
def test_the_gap_of_floors_is_that_of_the_best_of_many_teachers(name, above):
    law, teachers = laws.load(name), np.linspace(1.3, 3, 20_001)[:, None]
    best = law.infinite_data_loss(tool.SIZES, teachers).min(axis=0)
    gap = best - law.supervised.infinite_data_loss(tool.SIZES)
    assert allocate.infinite_data_gap(law, tool.SIZES) == pytest.approx(gap, abs=1e-6)
    assert ((gap > 0) == above).all()
