"""Outside pairs as evidence, and intervals for unseen runs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scalinglib import laws
from scalinglib.fit import outside
from scalinglib.report.paths import DATA
from tools import outside as tool
from tools.once import far_predictions as far

LAW = laws.load("corrected")
PAIRS = pd.DataFrame(
    {
        "student_params": 1e9,
        "student_tokens": [7e9, 9e9],
        "teacher_params": 3e9,
        "teacher_tokens": np.nan,
        "measured": [-0.05, -0.03],
        "precision": [0.003, 0.004],
    }
)
PRIORS = {"teacher_tokens": (1e10, 1e11)}


def test_gain_is_the_difference_of_two_losses():
    teacher = LAW.supervised.loss(3e9, 5e10)
    by_hand = LAW.loss(1e9, 7e9, teacher) - LAW.supervised.loss(1e9, 7e9)
    assert outside.gain(LAW, 1e9, 7e9, 3e9, 5e10) == pytest.approx(float(by_hand), rel=1e-12)


def test_evidence_is_the_mean_likelihood_of_draws():
    rng = np.random.default_rng(0)
    tokens = np.exp(rng.uniform(np.log(1e10), np.log(1e11), 20_000))
    gains = np.array([outside.gain(LAW, 1e9, d, 3e9, tokens) for d in PAIRS.student_tokens])
    covariance = np.diag(2 * PAIRS.precision**2) + 0.01**2
    density = stats.multivariate_normal([0, 0], covariance)
    drawn = density.pdf((PAIRS.measured.to_numpy()[:, None] - gains).T).mean()
    found = outside.evidence(LAW, PAIRS, PRIORS, common=0.01)
    assert found == pytest.approx(np.log(drawn), abs=0.03)
    middle = outside.foretold(LAW, PAIRS, PRIORS, [0.05, 0.5, 0.95])
    np.testing.assert_allclose(middle, np.quantile(gains, [0.05, 0.5, 0.95], axis=1), atol=2e-3)


def test_a_prior_of_one_point_is_a_number():
    known = PAIRS.assign(teacher_tokens=3e10)
    there = outside.evidence(LAW, known, {}, common=0.01)
    point = outside.evidence(LAW, PAIRS, {"teacher_tokens": (3e10, 3e10)}, common=0.01)
    assert there == pytest.approx(point, rel=1e-9)


def test_rows_of_one_curve_are_hardly_more_than_one():
    one = PAIRS.head(1).assign(teacher_tokens=3e10)
    gain = float(outside.gain(LAW, 1e9, 7e9, 3e9, 3e10))
    many = pd.concat([one] * 20)

    def drop(pairs, off):
        best, worse = (
            outside.evidence(LAW, pairs.assign(measured=gain + by), {}, common=0.01)
            for by in (0, off)
        )
        return best - worse

    assert drop(many, 0.02) < 1.3 * drop(one, 0.02)


def test_what_is_not_stated_needs_a_prior():
    with pytest.raises(ValueError, match="pairs lack teacher_tokens"):
        outside.evidence(LAW, PAIRS, {}, common=0.01)
    with pytest.raises(ValueError, match=r"priors\['teacher_tokens'\] is \(2, 1\)"):
        outside.evidence(LAW, PAIRS, {"teacher_tokens": (2, 1)}, common=0.01)
    with pytest.raises(ValueError, match=r"priors\['teacher_loss'\]"):
        outside.evidence(LAW, PAIRS, {"teacher_loss": (2, 3)}, common=0.01)


def test_a_source_is_added_once_and_refused_by_name(tmp_path):
    template = DATA / "public" / "distillation_template.csv"
    table = pd.read_csv(template, dtype=str, keep_default_na=False)
    new = tmp_path / "new.csv"

    def joined(**changes):
        table.assign(**({"source": "arXiv 1"} | changes)).to_csv(new, index=False)
        return tool.joined(tool.KNOWN, new)

    rows = len(pd.read_csv(tool.KNOWN))
    assert len(joined()) == rows + 1
    assert len(joined(id="zlab_4")) == rows
    assert joined(id="zlab_4").student_loss.iloc[-1] == "2.58"
    for column, value, words in (
        ("source", "SIMULATED", "simulated row; replace it"),
        ("unit", "bits", "row 2, column unit is 'bits'"),
        ("group", " ", "row 2, column group is empty"),
        ("teacher_loss", "low", "row 2, column teacher_loss"),
        ("extra", "1", r"other columns than distillation.csv: \['extra'\]"),
    ):
        with pytest.raises(ValueError, match=words):
            joined(**{column: value})


def simulated(seed, cuts=40, rows=30):
    """Errors whose size is 0.001 + 0.004 size + 0.002 compute, by construction."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"one": 1.0, "cut": np.repeat(np.arange(cuts), rows).astype(str)})
    table["size"] = np.where(rng.random(len(table)) < 0.5, 0.0, rng.exponential(size=len(table)))
    table["compute"] = rng.exponential(size=len(table))
    scale = 0.001 + 0.004 * table["size"] + 0.002 * table.compute
    return table.assign(error=scale * rng.standard_normal(len(table)))


def test_scale_finds_how_errors_grow_and_covers_nine_in_ten():
    errors, fresh = simulated(0), simulated(1)
    scale = far.Scale.of(errors)
    sizes = scale.size / np.sqrt(2 / np.pi)  # of the mean of the absolute value
    np.testing.assert_allclose(sizes, [0.001, 0.004, 0.002], rtol=0.25, atol=2e-4)
    low, high = scale.limits(fresh[["one", "size", "compute"]].to_numpy())
    assert ((-fresh.error >= low) & (-fresh.error <= high)).mean() == pytest.approx(0.91, abs=0.03)


def test_committed_intervals_are_of_what_was_asked():
    table = pd.read_csv(DATA / "fits" / "far_predictions.csv")
    asked = np.array([*far.FARSEER, *far.OLMO], float)
    np.testing.assert_allclose(table[["params", "tokens"]], asked, rtol=0)
    assert (table.low < table.centre).all()
    assert (table.centre < table.high).all()
    tests = pd.read_csv(DATA / "fits" / "far_calibration.csv").groupby("table")
    shares = tests.covered.sum() / tests.held.sum()
    assert shares.index.tolist() == ["farseer", "olmo_ladder"]
    assert (shares >= 0.88).all()
