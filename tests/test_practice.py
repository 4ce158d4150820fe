"""The sweeps of notebook 10: what they hold against what, and how differences are judged."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from scalinglib.study import record
from scalinglib.study.designs import practice, scaling
from scalinglib.study.model import transformer
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.recipe import Recipe
from scalinglib.study.run import PERFECT, WORDS, Run, by_ratio, size

SWEEPS = ("mixing", "temperature", "peak", "truncation", "divergence")
PLAIN = (Objective(), Recipe())


def sweep(name):
    return getattr(practice, f"{name}_runs")()


@pytest.mark.parametrize("name", SWEEPS)
def test_each_setting_has_the_same_seeds_as_the_plain_one(name):
    seeds = defaultdict(list)
    for run in sweep(name):
        if run.teacher is None or run.objective.mixing > 0:
            setting = (run.n_layers, run.tokens, run.teacher, run.objective, run.recipe)
            seeds[setting].append(run.seed)
    for (depth, tokens, teacher, *_), found in seeds.items():
        assert found == list(range(len(found)))
        assert found == seeds[depth, tokens, teacher, *PLAIN]


@pytest.mark.parametrize("name", SWEEPS)
def test_full_sweeps_have_two_sizes_and_three_seeds(name):
    runs = sweep(name)
    for depth in (1, 2):
        assert len({run.seed for run in runs if run.n_layers == depth}) >= 3


def test_runs_are_those_of_the_sweeps_each_once():
    runs = practice.runs()
    assert len({run.id for run in runs}) == len(runs)
    assert set(runs) == {run for name in SWEEPS for run in sweep(name)}


def test_mixed_truncation_is_held_against_runs_of_the_mixing_sweep():
    whole = {
        run
        for run in practice.truncation_runs()
        if run.objective.top_k is None and run.objective.top_p is None
    }
    assert whole <= set(practice.mixing_runs())


def test_teachers_are_those_of_the_study():
    teachers = {run.teacher for run in practice.runs()} - {None}
    assert teachers <= set(scaling.FULL.fixed_teachers())


def test_without_mixing_the_teacher_makes_no_difference(tmp_path):
    labels = Run(1, 2000, teacher=PERFECT, objective=Objective(mixing=0.0))
    other = replace(labels, teacher=Run(1, 1000))
    taught = replace(other, objective=Objective())
    with ThreadPoolExecutor(1) as pool:
        runs = record.complete(
            [labels, other, taught], tmp_path / "runs.csv", tmp_path, pool, progress=False
        )
    losses = runs.set_index("id").loss
    assert losses[labels.id] == losses[other.id]
    assert losses[taught.id] != losses[other.id]


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
