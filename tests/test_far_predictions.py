"""The intervals for unseen runs: the scale of errors on simulated ones, and the committed table."""

import numpy as np
import pandas as pd
import pytest

from scalinglib.report.paths import DATA
from tools.once import far_predictions as far


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
