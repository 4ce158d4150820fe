"""Designs of the open experiments: pairs share weights and data, and cuts keep them."""

import pickle
from dataclasses import replace
from itertools import groupby

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from scalinglib.laws.mixing import mixed_loss
from scalinglib.study import training
from scalinglib.study.corpora.base import stream
from scalinglib.study.corpora.repeated import Repeated
from scalinglib.study.designs import epochs, floor, mixing, strong_teachers, written
from scalinglib.study.model import train, transformer
from scalinglib.study.model.distill import Objective
from scalinglib.study.run import PERFECT, WORDS, Run, size


def test_each_seed_of_the_floor_has_all_its_arms_before_the_next():
    for seed, runs in groupby(floor.RUNS, key=lambda r: r.seed):
        arms = [(r.tokens // r.params, r.teacher_id) for r in runs]
        assert len(set(arms)) == len(arms) == 9, seed
        assert {teacher for _, teacher in arms} == {None, PERFECT, floor.TRAINED.id}
    assert len({r.id for r in floor.RUNS}) == 8 * 9


def test_strong_teachers_are_no_smaller_than_their_students_by_more_than_a_size():
    assert all(t.params >= 0.5 * r.params for r in strong_teachers.RUNS for t in r.needs)
    seeds = [r.seed for r in strong_teachers.RUNS]
    assert seeds == sorted(seeds)


def test_every_mixture_has_both_its_ends():
    for runs, teachers in ((mixing.RUNS, 6), (mixing.TEXT_RUNS, 4)):
        cells = {}
        for r in runs:
            cells.setdefault((r.params, r.tokens, r.seed), []).append(r)
        for cell in cells.values():
            labels = [r for r in cell if r.objective.mixing == 0]
            assert len(labels) == 1
            assert len(cell) == 1 + teachers * (len(mixing.MIXING) - 1)
        assert [r.seed for r in runs] == sorted(r.seed for r in runs)


def test_students_read_every_window_once_before_they_read_any_again():
    pool = WORDS.sample("student", stream("student", 7), 10)
    corpus, rng = Repeated(WORDS, pool), stream("student", 0)
    drawn = np.concatenate([corpus.sample("student", rng, 4) for _ in range(5)])
    epochs = [{row.tobytes() for row in part} for part in np.split(drawn, 2)]
    assert epochs[0] == epochs[1] == {row.tobytes() for row in pool}
    assert not np.array_equal(drawn[:10], drawn[10:])
    again = pickle.loads(pickle.dumps(corpus))
    assert again == corpus != Repeated(WORDS, pool[::-1])
    assert np.array_equal(again.sample("student", stream("student", 0), 4), drawn[:4])
    judged = [c.sample("evaluation", stream("evaluation", 0), 3) for c in (corpus, WORDS)]
    assert np.array_equal(*judged)
    with pytest.raises(ValueError, match="windows has the shape"):
        Repeated(WORDS, pool[:, :-1])


def test_lambda_turns_where_the_switch_says(monkeypatch):
    monkeypatch.setattr(train, "CHUNK", 1024)
    base = Run(1, 4096, teacher=PERFECT, objective=Objective(mixing=1.0))

    def end(**changed):
        r = replace(base, objective=replace(base.objective, **changed))
        return training.trained(r, training.teacher_of(r, {}))["head"]

    assert np.array_equal(end(switch=0.9), end())  # no chunk begins so late
    assert not np.array_equal(end(switch=0.5), end())
    # All but the first chunk is on labels; from there on labels' students differ by one chunk.
    first = np.abs(end(switch=0.01) - end(mixing=0.0)).mean()
    assert 0 < first < np.abs(end() - end(mixing=0.0)).mean()
    assert base.id != replace(base, objective=Objective(switch=0.5)).id
    assert "switch" not in base.configuration()
    with pytest.raises(ValueError, match=r"switch is 1\.0"):
        Objective(switch=1.0)


def test_repeated_and_fresh_tokens_are_read_in_equal_number():
    runs = [r for r in epochs.RUNS if r.seed == 0 and r.objective == Objective()]
    fresh = {r.tokens for r in runs if r.corpus == WORDS}
    again = [r for r in runs if r.corpus != WORDS]
    assert {r.tokens for r in again} == fresh
    passes = sorted({round(r.tokens / r.corpus.tokens["student"]) for r in again})
    assert tuple(passes) == epochs.EPOCHS


def test_a_teacher_writes_what_it_gives_probability():
    arch = size(1)
    params = transformer.initial(arch, jax.random.key(0))
    likely = jnp.isin(jnp.arange(WORDS.n_vocab), jnp.array([3, 5]))[:, None]
    # All features are one, whatever was read: two symbols share the probability.
    params = params | {"head": 1e3 * likely @ jnp.ones((1, arch.d_model)) / arch.d_model}
    params["embedding"] = jnp.ones_like(params["embedding"])
    params["layers"] = [jax.tree.map(jnp.zeros_like, layer) for layer in params["layers"]]
    drawn = written.write(params, 50, np.random.default_rng(0))
    assert drawn.shape == (50, WORDS.n_ctx + 1)
    assert (drawn[:, 0] == 0).all()
    assert set(np.unique(drawn[:, 1:])) == {3, 5}
    assert abs((drawn[:, 1:] == 3).mean() - 0.5) < 4 * 0.5 / np.sqrt(50 * WORDS.n_ctx)


def simulated_floor(delta, noise):
    """Runs of the floor's design whose true differences are delta + 2 M^-0.5 (simulated)."""
    rng = np.random.default_rng(0)
    rows = []
    for r in floor.RUNS:
        base = 1.5 + 4 * (r.tokens / r.params) ** -0.5 + 0.02 * r.seed
        if r.teacher is not None:
            base += delta - 2 * (r.tokens / r.params) ** -0.5 + noise * rng.standard_normal()
        kind = "supervised" if r.teacher is None else "distilled"
        rows.append((r.params, r.tokens, r.seed, kind, r.teacher_id, base))
    return pd.DataFrame(rows, columns=["params", "tokens", "seed", "kind", "teacher", "loss"])


def test_extrapolation_finds_what_was_put_in():
    for delta in (0.0, -0.02):
        exact = floor.extrapolated(floor.pairs(simulated_floor(delta, 0.0)))
        told = exact[exact.power == 0.5]
        np.testing.assert_allclose(told.delta, delta, atol=1e-4)
        assert told.residual.max() < 1e-8 < exact[exact.power == 1].residual.min()
    noisy = floor.extrapolated(floor.pairs(simulated_floor(-0.02, 0.01)))
    assert (noisy.low < -0.02)[noisy.power == 0.5].all()
    assert (noisy.high > -0.02)[noisy.power == 0.5].all()


def test_floor_of_labels_is_the_one_put_in():
    runs = simulated_floor(0.0, 0.0)
    labels = runs[runs.kind == "supervised"]
    found = floor.labels_floor(labels.assign(loss=labels.loss - 0.02 * labels.seed), draws=1)
    assert found.loss == pytest.approx(1.5, abs=2e-3)
    assert found.power == pytest.approx(0.5, abs=0.02)
    spread = floor.labels_floor(labels, draws=200)
    assert spread.low < 1.5 + 0.02 * 3.5 < spread.high


def simulated_mixtures(correlation, noise=0.0):
    """Runs of the design of mixtures that obey its law (simulated)."""
    rng = np.random.default_rng(0)
    rows = []
    for r in mixing.RUNS:
        t = 0.0 if r.teacher == PERFECT else 0.1 + 2e3 / r.teacher.tokens**0.7
        labels = 1.5 + 40 * r.tokens**-0.4
        taught = 1.4 + ((labels - 1.5) ** 2 + t**2) ** 0.5
        loss = mixed_loss(labels, taught, r.objective.mixing, 1.3, correlation)
        loss += noise * rng.standard_normal()
        row = (r.params, r.tokens, r.teacher_id, 1.3 + t, r.seed, r.objective.mixing, loss)
        rows.append(row)
    names = ["params", "tokens", "teacher", "teacher_loss", "seed", "mixing", "loss"]
    return pd.DataFrame(rows, columns=names)


def test_teachers_left_out_are_foretold_where_the_law_holds():
    exact = mixing.cells(simulated_mixtures(0.9))
    assert len(exact) == 6 * 9 * 6
    assert set(exact.seeds) == {2}
    told = mixing.left_out(exact, 1.3, share=pd.Series(0.3, exact.index) + 0.01 * exact.params**0.1)
    np.testing.assert_allclose(told.c, 0.9)
    np.testing.assert_allclose(told.M, told.loss)
    np.testing.assert_allclose(told.M2, told.loss)
    assert (told.loss < told.L).all()
    assert np.abs(told["T"] - told.loss).mean() > 1e-3


def test_choices_of_the_law_cost_nothing_where_it_holds():
    runs = simulated_mixtures(0.9, noise=1e-4)
    noise = mixing.pair_noise(runs)
    np.testing.assert_allclose(noise, 1e-4 * np.sqrt(2), rtol=0.3)
    found = mixing.choices(mixing.cells(runs), 1.3, noise)
    assert (found.steps <= 1).all()
    assert found.law_regret.mean() < found.ends_regret.mean() < found.teacher_regret.mean()
    assert found.told.all()
    assert not mixing.choices(mixing.cells(runs), 1.3, 1e4 * noise).told.any()
    assert (found.gain <= 2e-3).all()
