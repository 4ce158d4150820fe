"""The small-scale study: model, losses, training, runs and their record."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from scalinglib.experiment import execute
from scalinglib.flops import Architecture
from scalinglib.lanes import float64
from scalinglib.report.paths import DATA
from scalinglib.study import analysis, record
from scalinglib.study.corpora.text import Text
from scalinglib.study.corpora.words import Words
from scalinglib.study.designs import practice, scaling
from scalinglib.study.model import distill, teachers, train, transformer
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.recipe import Recipe, batches
from scalinglib.study.model.teachers import Model, Truth
from scalinglib.study.run import PERFECT, WORDS, Run, by_flops
from scalinglib.study.training import evaluate
from tests.references import TOY, completed, rows


def fit(arch, corpus, tokens, **other):
    """A model of a small architecture."""
    return train.train(arch, corpus, tokens, **({"seed": 0, "split": "student"} | other))


TEXT = Text(["the cat sat on the mat"] * 40, n_ctx=16)
ELSEWHERE = Run(1, 1e4, corpus=TEXT)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Objective(mixing=1.5), "mixing is 1.5"),
        (lambda: Objective(temperature=0), "temperature is 0"),
        (lambda: Objective(top_k=0), "top_k is 0"),
        (lambda: Objective(top_k=1.5), "top_k is 1.5"),
        (lambda: Objective(top_p=1.5), "top_p is 1.5"),
        (lambda: Objective(top_k=3, reverse=True), "reverse is True with top_k 3"),
        (lambda: Objective(top_p=0.9, reverse=True), "reverse is True with .* top_p 0.9"),
        (lambda: Run(1, 1e4, teacher=PERFECT, objective=Objective(reverse=True)), "reverse True"),
        (lambda: Run(1, 1e4, teacher="perfekt"), "teacher is 'perfekt'"),
        (lambda: Run(1, 1e4, teacher=ELSEWHERE), "teacher has 256 symbols .* words has 27"),
        (lambda: Run(1, 1e4, teacher=PERFECT, corpus=TEXT), "nobody knows .* text-"),
        (lambda: Run(1, 0), "tokens is 0"),
        (lambda: Run(1, math.nan), "tokens is nan"),
        (lambda: Run(0, 1e4), "n_layers is 0"),
        (lambda: Run(1.5, 1e4), "n_layers is 1.5"),
        (lambda: Run(1, 1e4, recipe=Recipe(windows=0)), "windows is 0"),
        (lambda: Run(1, 1e4, seed=-1), "seed is -1"),
        (lambda: Recipe(peak=0.0), "peak is 0.0"),
        (lambda: fit(small(), WORDS, 0), "tokens is 0"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def small(n_vocab=27, n_ctx=64, d_head=16):
    return Architecture(
        1, n_vocab=n_vocab, n_ctx=n_ctx, d_head=d_head, aspect_ratio=16, ffn_multiple=8
    )


def start(arch, seed=0):
    return transformer.initial(arch, jax.random.key(seed))


def reference_logits(params, tokens):
    """The transformer once more, in NumPy, one window and one position at a time."""

    def norm(x, gain):
        return x / np.sqrt(np.mean(x**2) + 1e-6) * gain.ravel()

    def rotate(x, position):
        half = len(x) // 2
        angle = position * 10_000.0 ** (-np.arange(half) / half)
        z = (x[:half] + 1j * x[half:]) * np.exp(1j * angle)
        return np.concatenate([z.real, z.imag])

    size = len(params["layers"][0]["query_gain"])
    columns = [params["embedding"][:, t] for t in tokens]
    for layer in params["layers"]:
        d = len(columns[0])
        heads = [
            (layer["qkv"] @ norm(x, layer["norm1_gain"])).reshape(3, d // size, size)
            for x in columns
        ]
        mixed = []
        for t in range(len(columns)):
            out = []
            for h in range(d // size):
                query = rotate(norm(heads[t][0, h], layer["query_gain"]), t)
                keys = [rotate(norm(heads[s][1, h], layer["key_gain"]), s) for s in range(t + 1)]
                scores = np.array([query @ key / size**0.5 for key in keys])
                weights = np.exp(scores - scores.max())
                weights /= weights.sum()
                out.append(sum(w * heads[s][2, h] for s, w in enumerate(weights)))
            mixed.append(layer["out"] @ np.concatenate(out))
        columns = [x + m for x, m in zip(columns, mixed, strict=True)]
        for t, x in enumerate(columns):
            gate, value = np.split(layer["up"] @ norm(x, layer["norm2_gain"]), 2)
            columns[t] = x + layer["down"] @ (gate / (1 + np.exp(-gate)) * value)
    return np.stack([params["head"] @ norm(x, params["gain"]) for x in columns], axis=1)


def random_model(n_layers=2, n_ctx=6, d_head=16):
    arch = replace(transformer.architecture(n_layers, n_ctx, 27), d_head=d_head)
    params = transformer.initial(arch, jax.random.key(1))
    rng = np.random.default_rng(0)
    noise = jax.tree.map(lambda a: rng.normal(0, 0.3, a.shape).astype(np.float32), params)
    return arch, jax.tree.map(lambda a, b: np.asarray(a) + b, params, noise)


def test_transformer_is_the_one_written_out_by_hand():
    _, params = random_model(d_head=8)
    tokens = np.random.default_rng(1).integers(0, 27, (3, 6))
    found = np.asarray(transformer.logits(params, jnp.asarray(tokens))).reshape(27, 3, 6)
    for window, row in enumerate(tokens):
        wide = jax.tree.map(lambda a: a.astype(float), params)
        np.testing.assert_allclose(
            found[:, window], reference_logits(wide, row), rtol=2e-3, atol=2e-4
        )


@pytest.mark.parametrize("n_layers", [1, 2, 5])
def test_parameters_are_those_that_flops_counts(n_layers):
    arch = transformer.architecture(n_layers, 64, 27)
    params = jax.eval_shape(lambda: start(arch))
    sizes = sum(a.size for a in jax.tree.leaves(params))
    assert sizes - params["embedding"].size - params["head"].size == arch.params
    assert {a.dtype for a in jax.tree.leaves(params)} == {np.dtype("float32")}
    shares = transformer.learning_rates(params)
    assert shares["layers"][0]["qkv"] == shares["head"] == 1 / n_layers
    assert shares["embedding"] == shares["gain"] == 1


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=0)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0.25, 10), st.booleans())
def test_loss_is_the_formula(seed, mixing, temperature, reverse):
    rng = np.random.default_rng(seed)
    logits, other = rng.normal(size=(2, 5, 7))
    labels = rng.integers(0, 5, 7)
    teacher = np.log(softmax(other))
    q, p = softmax(logits / temperature), softmax(teacher / temperature)
    kd = (q * np.log(q / p)).sum(0) if reverse else -(p * np.log(q)).sum(0)
    ntp = -np.log(softmax(logits)[labels, np.arange(7)])
    z = distill.Z_LOSS * np.log(np.exp(logits).sum(0)) ** 2
    expected = np.mean((1 - mixing) * ntp + mixing * temperature**2 * kd + z)
    with float64():
        found = distill.loss(logits, labels, teacher, mixing, temperature, reverse)
        alone = distill.loss(logits, labels, None)
    assert float(found) == pytest.approx(expected, rel=1e-10)
    assert float(alone) == pytest.approx(np.mean(ntp + z), rel=1e-10)


def test_loss_takes_a_teacher_that_excludes_symbols():
    logits = jnp.zeros((3, 1))
    teacher = jnp.log(jnp.array([[0.5], [0.5], [0.0]]))
    gradient = jax.grad(distill.loss)(logits, np.array([0]), teacher)
    assert np.isfinite(gradient).all()
    assert gradient[2, 0] > 0 > gradient[0, 0]


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 8), st.floats(0.05, 1))
def test_truncation_keeps_the_smallest_set_that_it_should(seed, top_k, top_p):
    p = np.random.default_rng(seed).dirichlet(np.ones(8))
    with float64():
        by_k = np.exp(distill.truncate(jnp.log(p), top_k=top_k))
        by_p = np.exp(distill.truncate(jnp.log(p), top_p=top_p))
    order = np.argsort(-p)
    size = 1 + int(np.sum(np.cumsum(p[order])[:-1] < top_p))
    for found, kept in ((by_k, top_k), (by_p, size)):
        expected = np.zeros(8)
        expected[order[:kept]] = p[order[:kept]] / p[order[:kept]].sum()
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_batches_grow_with_tokens():
    found = [batches(tokens, 64) for tokens in (1e4, 1e5, 1e6, 1e7, 1e8)]
    windows = [w for w, _ in found]
    assert windows == sorted(windows)
    assert windows[0] == 2
    assert windows[-1] == 32
    for tokens, (w, steps) in zip((1e4, 1e5, 1e6, 1e7, 1e8), found, strict=True):
        assert w * steps * 64 == pytest.approx(tokens, rel=0.01)


@pytest.mark.parametrize("large", [False, True])
def test_parts_of_a_batch_add_up_to_the_batch(monkeypatch, large):
    recipe, trained, teacher = Recipe(windows=32, peak=0.5), [], None
    if large:  # as with a large vocabulary
        monkeypatch.setattr(transformer, "ONE_HOT", 0)
        teacher = Model(random_model(1, 8)[1])
    # Adam would not notice gradients that are all too large.
    monkeypatch.setattr(train, "optimizer", optax.identity)
    for part in (4, 32):
        monkeypatch.setattr(teachers, "PART", part)
        train._advance.clear_cache()
        tokens = 8 * 32 * TOY.n_ctx
        trained.append(fit(small(n_ctx=8), TOY, tokens, recipe=recipe, teacher=teacher))
    train._advance.clear_cache()
    few, whole = map(jax.tree.leaves, trained)
    for a, b in zip(few, whole, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_large_vocabulary_is_looked_up_and_says_the_same(monkeypatch):
    _, params = random_model()
    tokens = np.random.default_rng(1).integers(0, 27, (3, 6))

    def told(params):
        found = transformer.logits(params, tokens)
        return jnp.sum(jnp.sin(found)), found

    product = jax.jit(jax.grad(told, has_aux=True))(params)
    monkeypatch.setattr(transformer, "ONE_HOT", 0)
    looked_up = jax.jit(jax.grad(told, has_aux=True))(params)
    for a, b in zip(*map(jax.tree.leaves, (product, looked_up)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_log_probabilities_are_those_of_the_logits():
    _, params = random_model()
    windows = np.random.default_rng(0).integers(0, 27, (24, 7))
    expected = jax.nn.log_softmax(transformer.logits(params, windows[:, :-1]), axis=0)
    found = teachers.log_probabilities(params, windows)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_training_learns_and_repeats_itself():
    losses = [
        evaluate(fit(small(n_ctx=8), TOY, n, seed=3), TOY)["loss"] for n in (512, 512, 20_000)
    ]
    assert losses[0] == losses[1]
    assert TOY.entropy < losses[2] < TOY.entropy + 0.1 < losses[0]


def test_training_is_the_same_whatever_the_processes_precision():
    teacher = start(small(n_ctx=8), seed=1)
    teacher = teacher | {"head": jax.random.normal(jax.random.key(2), (27, 16), "float32")}
    found = []
    for flag in (True, False):
        with jax.enable_x64(flag):
            params = fit(small(n_ctx=8), TOY, 2_000, teacher=Model(teacher))
            found.append((params, evaluate(params, TOY, Model(teacher))))
    (first, measured), (second, again) = found
    assert measured == again
    for a, b in zip(*map(jax.tree.leaves, (first, second)), strict=True):
        assert a.dtype == b.dtype == np.float32
        np.testing.assert_array_equal(a, b)


def test_a_long_run_goes_on_where_a_kill_cut_it_off(monkeypatch, tmp_path):
    monkeypatch.setattr(train, "CHUNK", 512)
    go = partial(fit, small(n_ctx=8), TOY, 6_000)
    whole = go()
    checkpoint = train.Checkpoint(tmp_path, "run", seconds=0)
    drawn = []

    class Killed:
        """A corpus whose user is killed at the sixth chunk."""

        def __getattr__(self, name):
            return getattr(TOY, name)

        def sample(self, *what):
            drawn.append(what)
            if len(drawn) == 6:
                raise KeyboardInterrupt
            return TOY.sample(*what)

    with pytest.raises(KeyboardInterrupt):
        fit(small(n_ctx=8), Killed(), 6_000, checkpoint=checkpoint)
    with float64():  # as training runs
        first = start(small(n_ctx=8))
        done, state = checkpoint.load((first, train.optimizer().init(first)))
    assert 0 < done < 6_000 / (4 * 8)
    for a, b in zip(*map(jax.tree.leaves, (whole, go(checkpoint=checkpoint))), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not list(tmp_path.iterdir())
    checkpoint.save(done, jax.tree.map(np.zeros_like, state))
    assert not np.array_equal(go(checkpoint=checkpoint)["gain"], whole["gain"])


def test_perfect_teacher_knows_no_better():
    found = evaluate(fit(small(n_ctx=8), TOY, 5_000, teacher=Truth(TOY)), TOY, Truth(TOY))
    assert found["kl_teacher"] == pytest.approx(found["loss"] - TOY.entropy, abs=1e-6)


def test_divergence_is_an_error():
    params = jax.tree.map(lambda a: a * np.nan, start(small(n_ctx=8)))
    with pytest.raises(FloatingPointError, match="diverged"):
        evaluate(params, TOY)


def test_isoflop_runs_cost_their_budget():
    for flops in (1e10, 1e12):
        for depth in (1, 2, 3):
            run = by_flops(depth, flops)
            assert run.flops == pytest.approx(flops, rel=0.02)


def test_identity_depends_on_all_that_matters():
    base = Run(1, 1e4, teacher=Run(1, 2e4))
    others = [
        replace(base, n_layers=2),
        replace(base, tokens=2e4),
        replace(base, seed=1),
        replace(base, recipe=Recipe(peak=1e-3)),
        replace(base, teacher=PERFECT),
        replace(base, teacher=Run(1, 4e4)),
        replace(base, objective=Objective(top_k=1)),
        replace(base, recipe=Recipe(windows=16)),
        replace(base, corpus=Words(n_ctx=32), teacher=None),
        replace(base, corpus=TEXT, teacher=None),
    ]
    assert len({r.id for r in [base, *others]}) == 11
    assert replace(base, recipe=Recipe(windows=batches(base.tokens, WORDS.n_ctx)[0])) == base
    assert not {"corpus", "windows"} & base.configuration().keys()


TINY = [
    Run(1, 4_000),
    Run(1, 2_000, teacher=Run(1, 4_000)),
    Run(1, 2_000, seed=1, teacher=Run(1, 2_000, teacher=PERFECT)),
    Run(1, 2_000, teacher=PERFECT),
]


def test_study_resumes_and_any_row_can_be_made_again(tmp_path):
    completed(TINY[:2], tmp_path)
    before = (tmp_path / "t.csv").read_text()
    (tmp_path / f"{TINY[0].id}.npz").unlink()
    found = completed(TINY, tmp_path)
    assert (tmp_path / "t.csv").read_text().startswith(before)
    assert sorted(found.id) == sorted(r.id for r in TINY)
    with ThreadPoolExecutor(1) as pool:
        again = execute.remake(TINY[1].id, TINY, record.task(), tmp_path, pool)
    rows = found.set_index("id")
    row = rows.loc[TINY[1].id]
    assert again.loss.item() == pytest.approx(row.loss, abs=1e-5)
    assert row.teacher == TINY[0].id
    assert row.teacher_loss == pytest.approx(rows.loss[TINY[0].id], abs=1e-5)
    assert row.inference_flops == pytest.approx(row.flops / 3, rel=1e-4)
    assert list(found) == list(record.COLUMNS)
    assert sorted(found) == sorted(record.read(DATA / "runs" / "study.csv"))


def test_rows_of_every_version_of_the_code_are_made_again(tmp_path):
    jobs = {r.id: r for r in (*scaling.FULL.runs(), *practice.RUNS)}
    names = ("study", "practice")
    known = pd.concat(record.read(DATA / "runs" / f"{name}.csv") for name in names)
    known = known.drop_duplicates("id").set_index("id")
    alone = known[known.teacher.isna() | (known.teacher == PERFECT)]
    cheap = alone.assign(work=[jobs[i].work for i in alone.index]).sort_values("work")
    cheap = cheap.groupby("code").head(1)
    assert set(cheap.code) >= set(record.read(DATA / "runs" / "practice.csv").code)
    made = completed([jobs[i] for i in cheap.index], tmp_path).set_index("id")
    # To every digit on the machine that made the rows; elsewhere arithmetic differs.
    assert list(made.loss[cheap.index]) == pytest.approx(list(cheap.loss), rel=1e-3)


def simulated_students(slope, noise=1e-3):
    """Four seeds of students of 16 teachers; losses depend on L_T and, by `slope`, on log N_T.

    Half of the variance is the seed's alone, the same under every teacher.
    """
    rng = np.random.default_rng(0)
    teacher_loss, size = rng.uniform(1.4, 2.3, 16), 10 ** rng.uniform(3, 6, 16)
    loss = 2 + (teacher_loss - 1.8) ** 2 + slope * np.log10(size)
    given = {"teacher": range(16), "teacher_loss": teacher_loss, "teacher_params": size}
    seeds = [loss + 0.05 * rng.normal() + 2 * noise * rng.normal(size=16) for _ in range(4)]
    return pd.concat(
        [pd.DataFrame(given | {"seed": s, "loss": own}) for s, own in enumerate(seeds)]
    )


def test_collapse_sees_what_teacher_size_does_and_nothing_else():
    clean, bent = (analysis.collapse(simulated_students(slope)) for slope in (0.0, 0.02))
    assert clean.p > 0.01
    assert clean.spread == pytest.approx(1e-3 / 2, rel=0.5)
    assert clean.noise == pytest.approx(1e-3 / 2, rel=0.3)  # of four seeds; 0.05 is no part of it
    assert bent.p < 1e-6
    assert abs(bent.slope - 0.02) < 3 * bent.slope_error
    five = simulated_students(0.0).query("teacher < 5")
    with pytest.raises(ValueError, match="5 teachers"):
        analysis.collapse(five)


def repeated(deviation, seeds=4, tokens=(1e4, 1e5, 1e6), depths=(1, 2)):
    """Runs of two teachers whose loss has a seed's noise, the same under both."""
    rng, settings = np.random.default_rng(3), product(depths, tokens, range(seeds))
    losses = {setting: 2 + deviation(*setting[:2]) * rng.normal() for setting in settings}
    return rows(
        {"n_layers": depth, "tokens": count, "seed": seed, "teacher": t, "loss": loss}
        for (depth, count, seed), loss in losses.items()
        for t in ("a", "b")
    )


def test_seed_noise_follows_the_tokens_and_counts_seeds_once():
    runs = repeated(lambda depth, tokens: 0.01 if tokens < 1e5 else 0.1, seeds=40)
    found = analysis.seed_noise(runs).loc[1]
    assert found.deviation[1e4] == pytest.approx(0.03, rel=0.5)  # a tenth of the weight is 0.1's
    assert found.deviation[1e6] == pytest.approx(0.1, rel=0.2)
    # 39 of a setting, hardly more from its neighbours, and not twice that for its two teachers.
    assert 39 < found.freedom[1e6] < 60


def test_depths_without_repeats_take_the_deepest_that_has_some():
    runs = repeated(lambda depth, tokens: 0.1 * depth, seeds=30)
    once = repeated(lambda depth, tokens: 0.0, seeds=1, depths=(3,))
    found = analysis.seed_noise(pd.concat([runs, once]))
    assert found.deviation[3, 1e4] == pytest.approx(found.deviation[2, 1e4])


def test_means_are_over_seeds_with_the_pooled_error():
    runs = [(1, 1.0, 2.0), (1, 1.0, 2.2), (1, 2.0, 3.0), (2, 1.0, 1.0)]
    found = analysis.means(rows({"n_layers": n, "tokens": t, "loss": loss} for n, t, loss in runs))
    assert list(found.loss) == pytest.approx([2.1, 3.0, 1.0])
    deviation = np.std([2.0, 2.2], ddof=1)
    assert list(found.error) == pytest.approx([deviation / math.sqrt(2), deviation, deviation])
    assert (found.freedom == 1).all()
    ends = scipy.stats.t.interval(0.95, 1, 2.1, deviation / math.sqrt(2))
    assert tuple(found.loc[0, ["loss_low", "loss_high"]]) == pytest.approx(ends)


def test_students_stand_beside_their_twins_trained_on_data():
    shared = 0.3 * np.random.default_rng(0).normal(size=4)
    twins = [
        {"kind": kind, "teacher": teacher, "seed": seed, "loss": 2 + shared[seed] + shift}
        for seed in range(4)
        for kind, teacher, shift in (
            ("supervised", None, 0.0),
            ("distilled", "a", -0.1 + 0.01 * seed),
            ("distilled", "b", 0.01 * (-1) ** seed),
        )
    ]
    alone = {"teacher": "a", "tokens": 50, "loss": 2.0}
    found = analysis.against_data(rows([*twins, alone])).set_index("teacher")
    assert len(found) == 2
    assert found.difference["a"] == pytest.approx(-0.085)
    assert list(found.verdict) == ["distilling wins", "no difference"]
    assert (found.error < 0.01).all()  # the seeds' own 0.3 is in neither difference


def test_students_past_their_best_teacher():
    runs = rows(
        {"teacher": t, "teacher_loss": i, "teacher_params": i, "teacher_tokens": i, "seed": seed}
        | {"loss": 2 + seed + above + (0.01 * seed if t == "c" else 0)}
        for i, (t, above) in enumerate({"a": 0.2, "b": 0.0, "c": 0.05}.items())
        for seed in range(3)
    )
    found = analysis.past_best(runs).set_index("teacher")
    assert list(found.best) == [False, True, False]
    assert list(found.excess) == pytest.approx([0.2, 0.0, 0.06])
    assert found.excess_low["c"] < 0.06 < found.excess_high["c"]
    assert found.error["b"] == 0


def test_a_profile_without_a_minimum_gives_its_best_run():
    sizes = np.array([1e4, 3e4, 1e5, 3e5])
    bowl = pd.DataFrame({"params": sizes, "loss": 2 + 0.1 * np.log(sizes / 5e4) ** 2})
    assert list(analysis.profile_minimum(bowl)) == [pytest.approx(5e4), pytest.approx(2.0), True]
    falling = bowl.assign(loss=[4.0, 3.0, 2.0, 1.0])
    assert list(analysis.profile_minimum(falling)) == [3e5, 1.0, False]


def bowl(params, compute):
    return 2 + 0.1 * np.log(params / (0.1 * compute**0.5)) ** 2


def bowls(error=1e-4):
    """IsoFLOP profiles whose best size grows with the square root of compute, exactly."""
    return pd.DataFrame(
        {"budget": budget, "params": params, "tokens": budget / params, "kind": "x", "error": error}
        | {"loss": bowl(params, budget)}
        for budget in (1e10, 1e11, 1e12)
        for params in 0.1 * budget**0.5 * np.array([0.25, 0.5, 0.9, 1.7, 3.0])
    )


def test_optima_and_their_exponent_are_those_of_the_parabola():
    found = analysis.optima(bowls(), ["kind"], draws=50)
    assert list(found["at"]) == pytest.approx(list(0.1 * found.budget**0.5))
    assert (found.at_low < found["at"]).all()
    assert (found.at_high > found["at"]).all()
    slopes = analysis.size_exponent(bowls(), lambda n, d: bowl(n, n * d), draws=50)
    assert slopes.exponent == pytest.approx(0.5)
    assert slopes.through_law == pytest.approx(0.5)
    assert slopes.low < 0.5 < slopes.high
    fewer = bowls()
    assert np.isnan(analysis.size_exponent(fewer[fewer.budget < 1e12], bowl).exponent)
    none_inside = bowls(error=10.0)  # nearly any draw has its minimum at an end
    assert analysis.optima(none_inside, ["kind"], draws=50).empty
