"""What a fixed recipe costs: against a plane that is put in."""

import numpy as np
import pandas as pd
import pytest

from scalinglib.study import tuning


def table(excess):
    params, tokens = (part.ravel() for part in np.meshgrid([1e4, 1e5], [1e6, 1e7, 1e8]))
    return pd.DataFrame({"params": params, "tokens": tokens}).assign(excess=excess(params, tokens))


def test_a_plane_is_found_and_taken_off():
    told = table(lambda n, d: 0.2 - 0.01 * np.log(n) - 0.002 * np.log(d))
    runs = told.assign(loss=np.exp(told.excess) * 2.0)
    np.testing.assert_allclose(tuning.as_if_tuned(runs, told), 2.0, rtol=1e-12)
    far = runs.assign(params=1e12)
    assert tuning.as_if_tuned(far, told).tolist() == runs.loss.tolist()
    with pytest.raises(ValueError, match="told has 3 settings"):
        tuning.as_if_tuned(runs, told.head(3))


def test_the_best_of_a_sweep_is_its_lowest_mean():
    sweep = pd.DataFrame(
        {
            "params": 1e4,
            "tokens": [1000, 1000, 1020, 1020, 5000],
            "windows": [2, 2, 4, 4, 2],
            "peak": [0.1, 0.1, 0.2, 0.2, 0.1],
            "loss": [3.0, 1.0, 1.5, 1.7, 0.5],
        }
    )
    runs = pd.DataFrame({"params": 1e4, "tokens": [1000, 1000, 9000], "loss": [2.5, 1.9, 1.0]})
    told = tuning.undertuning(sweep, runs)
    assert told[["tokens", "fixed", "best", "peak"]].to_numpy().tolist() == [[1000, 2.2, 1.6, 0.2]]
    assert told.excess[0] == pytest.approx(np.log(2.2 / 1.6))
