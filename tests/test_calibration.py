"""Calibration errors against a public implementation, and what must hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from scalinglib import calibration

confidences = st.lists(st.floats(0, 1), min_size=1, max_size=60)


def ece(*given):
    return calibration.error(calibration.reliability(*given))


@given(confidences, st.integers(1, 30), st.randoms(use_true_random=False))
def test_agrees_with_scikit_learn(confidence, bins, random):
    confidence = np.array(confidence)
    correct = np.array([random.random() < 0.5 for _ in confidence])
    accuracy, mean = calibration_curve(correct, confidence, n_bins=bins)
    table = calibration.reliability(confidence, correct, bins)
    np.testing.assert_allclose(table.outcome, accuracy)
    np.testing.assert_allclose(table.confidence, mean)
    weighted = np.average(np.abs(accuracy - mean), weights=table["count"])
    assert ece(confidence, correct, bins) == pytest.approx(weighted)


@pytest.mark.parametrize(("value", "expected"), [(0.0, 0), (0.25, 0), (0.26, 1), (1.0, 3)])
def test_edges_belong_to_the_bin_below(value, expected):
    assert calibration.reliability([value], [1.0], bins=4).bin.tolist() == [expected]


@given(confidences, st.data())
def test_bounds_and_refinement(confidence, data):
    size = len(confidence)
    other = data.draw(st.lists(st.floats(0, 1), min_size=size, max_size=size))
    table = calibration.reliability(confidence, other, 20)
    assert table["count"].sum() == size
    # Averages within bins cannot be further apart than what they average, nor can wider bins.
    fine, coarse = calibration.error(table), ece(confidence, other, 10)
    overall = abs(np.mean(other) - np.mean(confidence))
    pointwise = np.mean(np.abs(np.subtract(other, confidence)))
    assert overall - 1e-12 <= coarse <= fine + 1e-12
    assert fine <= pointwise + 1e-12
    assert np.average(table.apart, weights=table["count"]) == pytest.approx(pointwise)


def test_a_perfect_model_has_the_bias_and_no_more():
    rng = np.random.default_rng(0)
    confidence = rng.beta(2, 1, 4000)
    assert ece(confidence, confidence) == 0
    drawn = [calibration.reliability(confidence, rng.random(4000) < confidence) for _ in range(200)]
    errors = [calibration.error(table) for table in drawn]
    expected = calibration.bias(drawn[0])
    assert np.mean(errors) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.2], [1]), "confidence is 1.2"),
        (([0.2], [np.nan]), "outcome is nan"),
        (([0.2, 0.3], [1]), "outcome has shape"),
        (([], []), "confidence has shape"),
        (([0.2], [1], 0), "bins is 0"),
        (([0.2], [1], 2.5), "bins is 2.5"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        calibration.reliability(*arguments)
