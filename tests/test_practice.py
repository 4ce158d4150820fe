"""The sweeps of notebook 10: what they hold against what, and how differences are judged."""

from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from scalinglib.study import record
from scalinglib.study.designs import practice
from scalinglib.study.model import transformer
from scalinglib.study.run import WORDS, by_ratio, size


def test_entries_kept_grow_with_the_mass_and_reach_every_symbol(tmp_path, monkeypatch):
    monkeypatch.setattr(practice, "TOP_P", (1e-6, 0.5, 1.0))
    teacher = by_ratio(1, 4)
    with ThreadPoolExecutor(1) as pool:
        record.complete([teacher], tmp_path / "runs.csv", tmp_path, pool, progress=False)
    found = practice.entries(tmp_path, teacher).set_index("top_p").entries
    assert found[1e-6] == 1
    assert 1 < found[0.5] < found[1.0] <= WORDS.n_vocab
    assert found[0.5] < WORDS.n_vocab / 2  # half the mass needs less than half the symbols


def test_attention_survives_the_gains_of_high_learning_rates():
    arch = size(1)
    params = transformer.initial(arch, jax.random.key(0))
    params["head"] = jnp.ones_like(params["head"])
    layer = params["layers"][0]
    layer["query_gain"], layer["key_gain"] = 20 * layer["query_gain"], -20 * layer["key_gain"]
    tokens = jnp.arange(8).reshape(1, 8)

    def loss(params):
        return jnp.sum(transformer.logits(params, tokens) ** 2)

    assert np.isfinite(loss(params))
    assert all(np.isfinite(part).all() for part in jax.tree.leaves(jax.grad(loss)(params)))


def test_what_half_a_decade_costs_is_read_between_rates():
    losses = pd.Series({1e-3: 2.0, 1e-2: 1.0, 1e-1: 1.5})
    assert practice.within_a_decade(losses) == pytest.approx(0.5)  # half way to 2.0


def test_each_teacher_has_the_runs_without_one():
    rows = pd.DataFrame({"mixing": [0.0, 1.0, 1.0], "teacher_loss": [np.nan, 1.0, 2.0]})
    found = practice.mixed(rows)
    assert sorted(found[found.mixing == 0].teacher_loss) == [1.0, 2.0]
    assert len(found) == 4
