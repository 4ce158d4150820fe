"""Designs of the studies: what is read off their runs, against what is put in."""

import pickle
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from scalinglib import calibration
from scalinglib.experiment import weights
from scalinglib.laws.mixing import mixed_loss
from scalinglib.report.paths import DATA
from scalinglib.study import analysis, record, training
from scalinglib.study.corpora.base import stream
from scalinglib.study.corpora.repeated import Repeated
from scalinglib.study.designs import (
    confidence,
    epochs,
    floor,
    mixing,
    practice,
    switch,
    written,
)
from scalinglib.study.model import train, transformer
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.teachers import log_probabilities
from scalinglib.study.run import PERFECT, WORDS, Run, by_ratio, size
from scalingplan.answers.epochs import TAUGHT_EPOCHS, TAUGHT_STRETCH
from tests.references import completed, table_of


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


def table(excess):
    params, tokens = (part.ravel() for part in np.meshgrid([1e4, 1e5], [1e6, 1e7, 1e8]))
    return pd.DataFrame({"params": params, "tokens": tokens}).assign(excess=excess(params, tokens))


def test_a_plane_is_found_and_taken_off():
    told = table(lambda n, d: 0.2 - 0.01 * np.log(n) - 0.002 * np.log(d))
    runs = told.assign(loss=np.exp(told.excess) * 2.0)
    np.testing.assert_allclose(analysis.as_if_tuned(runs, told), 2.0, rtol=1e-12)
    far = runs.assign(params=1e12)
    assert analysis.as_if_tuned(far, told).tolist() == runs.loss.tolist()
    with pytest.raises(ValueError, match="told has 3 settings"):
        analysis.as_if_tuned(runs, told.head(3))


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
    told = analysis.undertuning(sweep, runs)
    assert told[["tokens", "fixed", "best", "peak"]].to_numpy().tolist() == [[1000, 2.2, 1.6, 0.2]]
    assert told.excess[0] == pytest.approx(np.log(2.2 / 1.6))


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


def test_confidences_are_those_of_the_models(cache):
    teacher = by_ratio(1, 1)
    wanted = confidence.runs((teacher, PERFECT), ((1, 1, 1),))
    found = completed(wanted, cache, confidence.task(cache, windows=8))
    assert set(found.id) == {r.id for r in wanted}
    assert (found.groupby(["id", "reference"])["count"].sum() == 8 * 64).all()
    symbols, truth = confidence.sample(WORDS, 8)
    np.testing.assert_allclose(truth.sum(axis=0), np.ones(8 * 64))
    logs = log_probabilities(weights.load(cache, teacher.key, teacher.shapes), symbols)
    pair = np.exp(logs).max(0), logs.argmax(0) == symbols[:, 1:].ravel()
    expected = calibration.error(calibration.reliability(*pair))
    own = found[(found.id == teacher.id) & (found.reference == "data")]
    assert calibration.error(own) == pytest.approx(expected, rel=1e-4)
    # The perfect teacher is the truth: as an outcome they are the same.
    perfect = found[found.teacher == "perfect"].set_index("reference").outcome
    assert perfect["truth"].tolist() == perfect["teacher"].tolist()


def test_a_change_grows_where_it_is_told_over_all_and_contradicted_by_none():
    up = pd.DataFrame({"a": [0.10, 0.11, 0.12], "b": [0.05, 0.07, 0.06]})
    assert confidence.grows(up)
    assert not confidence.grows(-up)
    assert not confidence.grows(up.assign(b=[-0.02, -0.021, -0.022]))  # told downwards under b
    assert not confidence.grows(up - 0.09)  # within the noise


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

    def loss(r):
        ratio = (r.tokens / r.params) ** -0.5
        taught = delta - 2 * ratio + noise * rng.standard_normal() if r.teacher else 0.0
        return 1.5 + 4 * ratio + 0.02 * r.seed + taught

    return table_of(floor.RUNS, loss)


def test_extrapolation_finds_what_was_put_in():
    for delta in (0.0, -0.02):
        exact = floor.extrapolated(floor.pairs(simulated_floor(delta, 0.0)))
        told = exact[exact.power == 0.5]
        np.testing.assert_allclose(told.delta, delta, atol=1e-4)
        assert told.residual.max() < 1e-8 < exact[exact.power == 1].residual.min()
        told = floor.extrapolated(floor.pairs(simulated_floor(delta, 0.0)), floor.RATIOS[:-1])
        off = told.set_index("power").off
        np.testing.assert_allclose(off[0.5], 0.0, atol=1e-4)
        assert (off[1.0] > 1e-3).all()
        assert (off[0.25] < -1e-3).all()
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

    def excess(r):
        return 0.0 if r.teacher == PERFECT else 0.1 + 2e3 / r.teacher.tokens**0.7

    def loss(r):
        labels = 1.5 + 40 * r.tokens**-0.4
        taught = 1.4 + ((labels - 1.5) ** 2 + excess(r) ** 2) ** 0.5
        exact = mixed_loss(labels, taught, r.objective.mixing, 1.3, correlation)
        return exact + noise * rng.standard_normal()

    teacher_loss = [1.3 + excess(r) for r in mixing.RUNS]
    return table_of(mixing.RUNS, loss).assign(teacher_loss=teacher_loss)


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
    cells = mixing.cells(runs)
    found = mixing.choices(cells, 1.3, noise)
    assert (found.steps <= 1).all()
    assert found.law_regret.mean() < found.ends_regret.mean() < found.teacher_regret.mean()
    assert found.told.all()
    assert not mixing.choices(cells, 1.3, 1e4 * noise).told.any()
    assert (found.gain <= 2e-3).all()
    again = mixing.regret(cells, found.set_index(mixing.CELL).law)
    np.testing.assert_allclose(again, found.law_regret)


def test_switches_are_judged_against_the_better_end():
    rng, weak = np.random.default_rng(0), switch.TEACHERS[0]

    def loss(r):
        end = 1.8 if r.objective.mixing == 0 else (2.2 if r.teacher == weak else 1.7)
        if r.objective.switch:
            end = 1.75 if r.objective == Objective(1.0, switch=0.5) and r.teacher == weak else 1.9
        return end + 0.01 * r.seed + 1e-4 * rng.standard_normal()

    runs = table_of(switch.RUNS, loss)
    found = switch.judged(runs.assign(teacher_loss=np.where(runs.teacher == weak.id, 2.0, 1.7)))
    assert len(found) == 12
    better = found[found.above < 0]
    assert list(better.share) == [0.5]
    np.testing.assert_allclose(better.above, -0.05, atol=1e-3)
    strong = found[found.teacher_loss == 1.7]
    np.testing.assert_allclose(strong.above, 0.2, atol=1e-3)
    assert (found.p_holm >= found.p).all()


def test_worth_of_flops_in_tokens_follows_the_power_law():
    tokens = np.array([1e5, 2e5, 4e5])
    labels = pd.DataFrame({"tokens": tokens, "loss": 30 * tokens**-0.25})
    gained = switch.worth_in_tokens(labels, flops=3.0, own_flops=1.0)
    assert gained == pytest.approx(30 * 2e5**-0.25 - 30 * 8e5**-0.25)


def test_stretch_is_recovered_from_runs_that_obey_it():
    def loss(r):
        held = r.corpus.tokens["student"] if isinstance(r.corpus, Repeated) else r.tokens
        wanted = 3.0 + 20 * r.objective.mixing
        return 10 * (held * (1 + wanted * -np.expm1(-(r.tokens / held - 1) / wanted))) ** -0.15

    plain = [r for r in epochs.RUNS if not r.seed and r.objective.temperature == 1]
    runs = table_of(plain, loss)
    np.testing.assert_allclose(epochs.stretch(runs), [3.0, 17.0, 23.0], rtol=0.05)
    cost = epochs.costs(runs)
    assert len(cost) == 3 * 2 * 5
    assert cost.cost[cost.epochs == 1].abs().max() < 1e-9 < cost.cost[cost.epochs == 16].min()


def test_what_the_plan_takes_from_repeated_runs_is_in_them():
    for name in ("epochs.csv", "epochs_text.csv"):
        runs = record.read(DATA / "runs" / name)
        found = epochs.stretch(runs[runs.temperature == 1])
        assert found[1.0] / found[0.0] == pytest.approx(TAUGHT_STRETCH, abs=2)
    assert max(epochs.EPOCHS) == TAUGHT_EPOCHS
