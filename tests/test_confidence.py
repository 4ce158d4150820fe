"""Confidences of the study's models: symbols and bins by hand, and what is trained for them."""

from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pandas as pd
import pytest

from scalinglib import calibration
from scalinglib.experiment import execute, weights
from scalinglib.study.designs import confidence
from scalinglib.study.model import transformer
from scalinglib.study.model.teachers import log_probabilities
from scalinglib.study.run import PERFECT, WORDS, by_ratio

# Two positions, three symbols: the columns are distributions.
OWN = np.array([[0.6, 0.1], [0.3, 0.2], [0.1, 0.7]])
TEACHER = np.array([[0.2, 0.05], [0.5, 0.05], [0.3, 0.9]])
TRUTH = np.array([[0.25, 0.0], [0.25, 0.2], [0.5, 0.8]])


def test_each_reference_by_hand():
    found = confidence.tables(OWN, TRUTH, np.array([1, 2]), TEACHER)
    pairs = {
        name: list(zip(t.confidence.round(9), t.outcome.round(9), strict=True))
        for name, t in found.groupby("reference")
    }
    assert pairs == {
        "data": [(0.6, 0), (0.7, 1)],  # predicts 0 and 2; 1 and 2 came
        "truth": [(0.6, 0.25), (0.7, 0.8)],
        "teacher_top1": [(0.6, 0), (0.7, 1)],  # the teacher predicts 1 and 2
        "teacher": [(0.6, 0.2), (0.7, 0.9)],
        "teacher_own": [(0.6, 0.5), (0.7, 0.9)],
        "by_teacher": [(0.5, 0.3), (0.9, 0.7)],
        "by_teacher_own": [(0.5, 0.6), (0.9, 0.7)],
    }


@pytest.fixture
def cache(tmp_path):
    """A cache with a model that was never trained: training it would show."""
    teacher = by_ratio(1, 1)
    params = transformer.initial(teacher.architecture, jax.random.key(5))
    head = jax.random.normal(jax.random.key(6), params["head"].shape, "float32")
    weights.store(tmp_path, teacher.key, params | {"head": head})
    return tmp_path


def test_runs_are_measured_once_and_teachers_taken_from_the_cache(cache):
    teacher = by_ratio(1, 1)
    wanted = confidence.runs((teacher, PERFECT), ((1, 1, 1),))
    more = confidence.runs((teacher, PERFECT), ((1, 1, 1), (1, 2, 1)))
    task = confidence.task(cache, windows=8)
    path = cache / "table.csv"
    with ThreadPoolExecutor(1) as pool:
        found = execute.complete(wanted, task, path, cache, pool, progress=False)
        text = path.read_bytes()
        execute.complete(wanted, task, path, cache, pool, progress=False)
        assert path.read_bytes() == text
        assert len(execute.complete(more, task, path, cache, pool, progress=False)) > len(found)
    assert path.read_bytes().startswith(text)
    assert set(found.id) == {r.id for r in wanted}
    counts = found.groupby(["id", "reference"])["count"].sum()
    assert (counts == 8 * 64).all()
    symbols, truth = confidence.sample(WORDS, 8)
    assert truth.shape == (27, 8 * 64)
    np.testing.assert_allclose(truth.sum(axis=0), 1)
    logs = log_probabilities(weights.load(cache, teacher.key, teacher.shapes), symbols)
    expected = calibration.ece(np.exp(logs).max(0), logs.argmax(0) == symbols[:, 1:].ravel())
    own = found[(found.id == teacher.id) & (found.reference == "data")]
    assert calibration.error(own) == pytest.approx(expected, rel=1e-4)
    perfect = found[found.teacher == "perfect"].reset_index()
    pairs = {n: t.drop(columns="reference") for n, t in perfect.groupby("reference")}
    # The perfect teacher is the truth: as an outcome they are the same.
    assert (pairs["truth"].outcome.to_numpy() == pairs["teacher"].outcome.to_numpy()).all()


def test_a_change_grows_where_it_is_told_over_all_and_contradicted_by_none():
    up = pd.DataFrame({"a": [0.10, 0.11, 0.12], "b": [0.05, 0.07, 0.06]})
    assert confidence.grows(up)
    assert not confidence.grows(-up)
    assert not confidence.grows(up.assign(b=[-0.02, -0.021, -0.022]))  # told downwards under b
    assert not confidence.grows(up - 0.09)  # within the noise
