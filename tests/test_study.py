"""The small-scale study: language, model, losses, training, and a runner that survives kills."""

import math
import os
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scalinglib.report.paths import DATA
from scalinglib.study import analysis, distill, language, protocol, runner, train, transformer

LEXICON = ["a", "an", "and", "be", "been", "bee"]
FREQUENCIES = np.array([0.3, 0.1, 0.2, 0.2, 0.05, 0.15])


@pytest.fixture(scope="module")
def toy():
    return language.Words(LEXICON, FREQUENCIES, n_ctx=8)


def encode(text):
    return np.array([[0, *(0 if c == " " else ord(c) - 96 for c in text)]], dtype=np.uint8)


def test_truth_is_what_counting_words_gives(toy):
    text = "been an "
    truth = toy.truth(encode(text))[0]
    for t in range(len(text)):
        prefix = text[:t].split(" ")[-1]
        following = {}
        for word, frequency in zip(LEXICON, FREQUENCIES, strict=True):
            if word.startswith(prefix):
                symbol = encode((word + " ")[len(prefix)])[0, 1]
                following[symbol] = following.get(symbol, 0) + frequency
        expected = np.zeros(27)
        expected[list(following)] = np.array(list(following.values())) / sum(following.values())
        np.testing.assert_allclose(truth[t], expected, atol=1e-12)


def test_entropy_of_long_windows_is_that_of_words_over_their_length():
    long = language.Words(LEXICON, FREQUENCIES, n_ctx=20_000)
    length = FREQUENCIES @ [len(word) + 1 for word in LEXICON]
    assert long.entropy == pytest.approx(stats.entropy(FREQUENCIES) / length, abs=1e-4)


def test_entropy_is_the_mean_surprise_of_samples(toy):
    windows = toy.sample("teacher", language.stream("teacher", 1), 20_000)
    truth = toy.truth(windows)
    assert truth.sum(-1) == pytest.approx(1)
    seen = np.take_along_axis(truth, windows[:, 1:, None].astype(int), -1)[..., 0]
    surprise = -np.log(seen).mean(1)
    assert abs(surprise.mean() - toy.entropy) < 4 * surprise.std() / math.sqrt(len(windows))


def test_words_come_with_their_frequencies(toy):
    windows = toy.sample("teacher", language.stream("teacher", 2), 20_000)
    text = [bytes(row + 96).decode().replace("`", " ").split(" ") for row in windows[:, 1:]]
    first = [words[0] for words in text if len(words) > 1]
    # Words that end inside the window: all can, for the longest has four letters of eight.
    counts = [first.count(word) for word in LEXICON]
    assert stats.chisquare(counts, FREQUENCIES * len(first)).pvalue > 1e-3
    assert (windows[:, 0] == 0).all()


def test_streams_of_splits_and_seeds_differ(toy):
    keys = [("teacher", 0), ("teacher", 1), ("student", 0), ("evaluation", 0)]
    drawn = {toy.sample(s, language.stream(s, k), 64).tobytes() for s, k in keys}
    assert len(drawn) == len(keys)


def test_lexicon_is_english():
    words, probabilities = language.lexicon(1000)
    assert words[:3] == ["the", "to", "and"]
    assert len(words) == 1000
    assert (np.diff(probabilities) <= 0).all()
    assert probabilities.sum() == pytest.approx(1)


def test_text_splits_share_no_document(tmp_path):
    paragraphs = [chr(97 + i) * 50 for i in range(20)]
    file = tmp_path / "text.txt"
    file.write_text("\n\n".join(paragraphs), encoding="utf-8")
    corpus = language.Text.from_files([file], n_ctx=16)
    seen = {
        split: set(np.unique(corpus.sample(split, language.stream(split), 500))) - {10}
        for split in language.SPLITS
    }
    assert [len(seen[split]) for split in language.SPLITS] == [12, 6, 2]
    assert not seen["teacher"] & seen["student"]
    assert not (seen["teacher"] | seen["student"]) & seen["evaluation"]
    assert corpus.entropy is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: language.Words(["a", "B"], [0.5, 0.5]), "'B'"),
        (lambda: language.Words(["a", "a"], [0.5, 0.5]), "twice"),
        (lambda: language.Words(["a", "b"], [0.5, 0.6]), "sum to one"),
        (lambda: language.Text(["short"] * 20, n_ctx=64), "n_ctx = 64"),
        (lambda: language.stream("test"), "'test'"),
        (lambda: distill.Objective(mixing=1.5), "mixing is 1.5"),
        (lambda: distill.Objective(temperature=0), "temperature is 0"),
        (lambda: distill.Objective(top_k=0), "top_k is 0"),
        (lambda: distill.Objective(top_p=1.5), "top_p is 1.5"),
        (lambda: protocol.Run(1, 1e4, windows=0), "windows is 0"),
        (lambda: runner.remake("nobody", [], None, None), "'nobody'"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def reference_logits(params, tokens):
    """The transformer once more, in NumPy, one window and one position at a time."""

    def norm(x, gain):
        return x / np.sqrt(np.mean(x**2) + 1e-6) * gain.ravel()

    def rotate(x, position):
        half = len(x) // 2
        angle = position * 10_000.0 ** (-np.arange(half) / half)
        z = (x[:half] + 1j * x[half:]) * np.exp(1j * angle)
        return np.concatenate([z.real, z.imag])

    columns = [params["embedding"][:, t] for t in tokens]
    for layer in params["layers"]:
        d = len(columns[0])
        heads = [
            (layer["qkv"] @ norm(x, layer["norm1_gain"])).reshape(3, d // 16, 16) for x in columns
        ]
        mixed = []
        for t in range(len(columns)):
            out = []
            for h in range(d // 16):
                query = rotate(norm(heads[t][0, h], layer["query_gain"]), t)
                keys = [rotate(norm(heads[s][1, h], layer["key_gain"]), s) for s in range(t + 1)]
                scores = np.array([query @ key / 4 for key in keys])
                weights = np.exp(scores - scores.max())
                weights /= weights.sum()
                out.append(sum(w * heads[s][2, h] for s, w in enumerate(weights)))
            mixed.append(layer["out"] @ np.concatenate(out))
        columns = [x + m for x, m in zip(columns, mixed, strict=True)]
        for t, x in enumerate(columns):
            gate, value = np.split(layer["up"] @ norm(x, layer["norm2_gain"]), 2)
            columns[t] = x + layer["down"] @ (gate / (1 + np.exp(-gate)) * value)
    return np.stack([params["head"] @ norm(x, params["gain"]) for x in columns], axis=1)


def random_model(n_layers=2, n_ctx=6):
    arch = transformer.architecture(n_layers, n_ctx, 27)
    params = transformer.initial(arch, jax.random.key(1))
    rng = np.random.default_rng(0)
    noise = jax.tree.map(lambda a: rng.normal(0, 0.3, a.shape).astype(np.float32), params)
    return arch, jax.tree.map(lambda a, b: np.asarray(a) + b, params, noise)


def test_transformer_is_the_one_written_out_by_hand():
    _, params = random_model()
    tokens = np.random.default_rng(1).integers(0, 27, (3, 6))
    found = np.asarray(transformer.logits(params, jnp.asarray(tokens))).reshape(27, 3, 6)
    for window, row in enumerate(tokens):
        wide = jax.tree.map(lambda a: a.astype(float), params)
        np.testing.assert_allclose(
            found[:, window], reference_logits(wide, row), rtol=2e-3, atol=2e-4
        )


def test_transformer_does_not_see_what_is_to_come():
    _, params = random_model()
    tokens = np.random.default_rng(2).integers(0, 27, (1, 6))
    other = tokens.copy()
    other[0, 4] = (other[0, 4] + 1) % 27
    found, changed = (np.asarray(transformer.logits(params, t)) for t in (tokens, other))
    np.testing.assert_array_equal(found[:, :4], changed[:, :4])
    assert np.abs(found[:, 4:] - changed[:, 4:]).max(axis=0).min() > 1e-3


@pytest.mark.parametrize("n_layers", [1, 2, 5])
def test_parameters_are_those_that_flops_counts(n_layers):
    arch = transformer.architecture(n_layers, 64, 27)
    params = transformer.initial(arch, jax.random.key(0))
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
    found = distill.loss(logits, labels, teacher, mixing, temperature, reverse)
    assert float(found) == pytest.approx(expected, rel=1e-10)


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
    by_k = np.exp(distill.truncate(jnp.log(p), top_k=top_k))
    by_p = np.exp(distill.truncate(jnp.log(p), top_p=top_p))
    order = np.argsort(-p)
    size = 1 + int(np.sum(np.cumsum(p[order])[:-1] < top_p))
    for found, kept in ((by_k, top_k), (by_p, size)):
        expected = np.zeros(8)
        expected[order[:kept]] = p[order[:kept]] / p[order[:kept]].sum()
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_batches_grow_with_tokens():
    found = [train.batches(tokens, 64) for tokens in (1e4, 1e5, 1e6, 1e7, 1e8)]
    windows = [w for w, _ in found]
    assert windows == sorted(windows)
    assert windows[0] == 2
    assert windows[-1] == 32
    for tokens, (w, steps) in zip((1e4, 1e5, 1e6, 1e7, 1e8), found, strict=True):
        assert w * steps * 64 == pytest.approx(tokens, rel=0.01)


def test_parts_of_a_batch_add_up_to_the_batch(toy, monkeypatch):
    arch = transformer.architecture(1, toy.n_ctx, toy.n_vocab)
    recipe, trained = train.Recipe(windows=32, peak=0.5), []
    # Adam would not notice gradients that are all too large.
    monkeypatch.setattr(train, "_optimizer", lambda recipe: optax.identity())
    for part in (4, 32):
        monkeypatch.setattr(train, "PART", part)
        jax.clear_caches()
        trained.append(train.train(arch, toy, 8 * 32 * toy.n_ctx, 0, "student", recipe=recipe))
        assert train._parts(np.zeros((32, 3))).shape == (32 // part, part, 3)
    jax.clear_caches()
    few, whole = map(jax.tree.leaves, trained)
    for a, b in zip(few, whole, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert train._parts(np.zeros((33, 3))).shape == (1, 33, 3)


def test_log_probabilities_are_those_of_the_logits():
    _, params = random_model()
    windows = np.random.default_rng(0).integers(0, 27, (24, 7))
    expected = jax.nn.log_softmax(transformer.logits(params, windows[:, :-1]), axis=0)
    found = train.log_probabilities(params, windows)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_training_learns_and_repeats_itself(toy):
    arch = transformer.architecture(1, toy.n_ctx, toy.n_vocab)
    losses = []
    for tokens in (512, 20_000, 20_000):
        params = train.train(arch, toy, tokens, 3, "student")
        losses.append(train.evaluate(params, toy)["loss"])
    assert losses[1] == losses[2]
    assert toy.entropy < losses[1] < toy.entropy + 0.1 < losses[0]


def test_perfect_teacher_knows_no_better(toy):
    truth = runner.teacher_function(protocol.PERFECT, None, toy)
    arch = transformer.architecture(1, toy.n_ctx, toy.n_vocab)
    params = train.train(arch, toy, 5_000, 0, "student", truth)
    found = train.evaluate(params, toy, truth)
    assert found["kl_teacher"] == pytest.approx(found["loss"] - toy.entropy, abs=1e-6)


def test_accuracy_and_completion_of_a_model_that_knows(toy, monkeypatch):
    truth = runner.teacher_function(protocol.PERFECT, None, toy)
    monkeypatch.setattr(
        train, "log_probabilities", lambda params, windows: np.maximum(truth(windows), -700)
    )
    found = train.evaluate(None, toy)
    assert found["loss"] == pytest.approx(toy.entropy, abs=1e-6)
    # Of the words longer than three letters there is one, and after b-e-e it is not the likelier.
    assert found["completion"] == 0
    assert 0 < found["accuracy"] < 1


def test_text_can_be_learnt_and_distilled(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("\n\n".join(["the cat sat on the mat"] * 40), encoding="utf-8")
    corpus = language.Text.from_files([file], n_ctx=16)
    arch = transformer.architecture(1, 16, corpus.n_vocab)
    teacher = train.train(arch, corpus, 20_000, 0, "teacher")
    teach = runner.teacher_function(SimpleNamespace(), teacher, corpus)
    student = train.train(arch, corpus, 10_000, 0, "student", teach)
    before, after = (train.evaluate(p, corpus, teach) for p in (teacher, student))
    assert before["loss"] < after["loss"] < math.log(256) / 4
    assert math.isnan(after["completion"])
    assert after["kl_teacher"] > 0


def test_divergence_is_an_error(toy):
    arch = transformer.architecture(1, toy.n_ctx, toy.n_vocab)
    params = jax.tree.map(lambda a: a * np.nan, transformer.initial(arch, jax.random.key(0)))
    with pytest.raises(FloatingPointError, match="diverged"):
        train.evaluate(params, toy)


def test_full_design_is_the_size_that_was_asked_for():
    wanted = protocol.FULL.runs()
    supervised = [r for r in wanted if r.teacher is None]
    assert len(supervised) >= 40
    assert len(wanted) - len(supervised) >= 400
    assert len({r.id for r in wanted}) == len(wanted)
    sizes = sorted({r.params for r in wanted})
    assert len(sizes) >= 7
    assert sizes[-1] / sizes[0] >= 100
    position = {r.id: i for i, r in enumerate(wanted)}
    for r in wanted:
        if isinstance(r.teacher, protocol.Run):
            assert position[r.teacher.id] < position[r.id]


def test_isoflop_runs_cost_their_budget():
    for flops in (1e10, 1e12):
        for depth in (1, 2, 3):
            run = protocol.by_flops(depth, flops)
            assert run.flops == pytest.approx(flops, rel=0.02)
            if isinstance(run.teacher, protocol.Run):
                assert run.inference_flops > 0


def test_identity_depends_on_all_that_matters():
    base = protocol.Run(1, 1e4, teacher=protocol.Run(1, 2e4))
    others = [
        replace(base, n_layers=2),
        replace(base, tokens=2e4),
        replace(base, seed=1),
        replace(base, peak=1e-3),
        replace(base, teacher=protocol.PERFECT),
        replace(base, teacher=protocol.Run(1, 4e4)),
        replace(base, objective=distill.Objective(top_k=1)),
        replace(base, windows=16),
    ]
    assert len({r.id for r in [base, *others]}) == 9
    assert replace(base, windows=train.batches(base.tokens, language.N_CTX)[0]) == base


TINY = [
    protocol.Run(1, 4_000),
    protocol.Run(1, 2_000, teacher=protocol.Run(1, 4_000)),
    protocol.Run(1, 2_000, seed=1, teacher=protocol.Run(1, 4_000)),
    protocol.Run(1, 2_000, teacher=protocol.PERFECT),
]


def test_study_resumes_and_any_row_can_be_made_again(tmp_path):
    path, cache = tmp_path / "study.csv", tmp_path / "models"
    with ThreadPoolExecutor(1) as pool:
        runner.run(TINY[:2], path, cache, pool, progress=False)
        before = path.read_text()
        path.write_text(before + "torn,li")
        (cache / f"{TINY[0].id}.npz").unlink()
        found = runner.run(TINY, path, cache, pool, progress=False)
        assert path.read_text().startswith(before)
        assert sorted(found.id) == sorted(r.id for r in TINY)
        again = runner.remake(TINY[2].id, TINY, cache, pool)
    row = found.set_index("id").loc[TINY[2].id]
    assert again.loss == pytest.approx(row.loss, abs=1e-3)
    assert row.teacher == TINY[0].id
    assert row.teacher_loss == pytest.approx(found.set_index("id").loss[TINY[0].id], abs=1e-5)
    assert row.inference_flops == pytest.approx(row.flops / 3, rel=1e-4)


class Broken:
    """An executor on which the run with a certain seed fails."""

    def __init__(self, seed):
        self.seed = seed

    def submit(self, function, r, teacher=None):
        future = Future()
        if r.seed == self.seed:
            future.set_exception(FloatingPointError("diverged"))
        else:
            future.set_result(function(r, teacher))
        return future


def test_a_failing_run_is_named_and_costs_no_other(tmp_path):
    path = tmp_path / "study.csv"
    with pytest.raises(RuntimeError, match=f"1 runs failed.*\n{TINY[2].id}.*'seed': 1.*diverged"):
        runner.run(TINY, path, tmp_path / "models", Broken(1), progress=False)
    assert set(runner.read(path).id) == {TINY[i].id for i in (0, 1, 3)}


@pytest.mark.filterwarnings("ignore")  # dask's own, about ports and large graphs
def test_dask_workers_may_die(tmp_path):
    from dask.distributed import Client, LocalCluster

    many = [*TINY, *(protocol.Run(1, 20_000, seed=seed) for seed in range(4))]
    path = tmp_path / "study.csv"
    with (
        LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        pool = client.get_executor(pure=False)
        victim = next(iter(client.run(os.getpid).values()))
        killed = []

        class Killing:
            def submit(self, *work):
                future = pool.submit(*work)
                if not killed:
                    killed.append(victim)
                    client.loop.call_later(2, os.kill, victim, signal.SIGKILL)
                return future

        found = runner.run(many, path, tmp_path / "models", Killing(), progress=False)
        assert victim not in client.run(os.getpid).values()
    assert sorted(found.id) == sorted(r.id for r in many)


def test_committed_table_is_the_design():
    for name, design in {"study": protocol.FULL, "sweep": protocol.SWEEP}.items():
        runs = runner.read(DATA / "runs" / f"{name}.csv")
        assert sorted(runs.id) == sorted(r.id for r in design.runs())
        assert np.isfinite(runs.loss).all()
        assert len(set(runs.code)) == 1


def simulated_students(slope, noise=1e-3):
    """Students of 16 teachers whose loss depends on L_T and, by `slope`, on log N_T."""
    rng = np.random.default_rng(0)
    teacher_loss, size = rng.uniform(1.4, 2.3, 16), 10 ** rng.uniform(3, 6, 16)
    loss = 2 + (teacher_loss - 1.8) ** 2 + slope * np.log10(size) + noise * rng.normal(size=16)
    columns = {"student_loss": loss, "teacher_loss": teacher_loss, "teacher_params": size}
    return pd.DataFrame(columns | {"error": noise})


def test_collapse_sees_what_teacher_size_does_and_nothing_else():
    clean, bent = (analysis.collapse(simulated_students(slope)) for slope in (0.0, 0.02))
    assert clean.p > 0.01
    assert clean.spread == pytest.approx(1e-3 / 2, rel=0.5)
    assert bent.p < 1e-6
    assert abs(bent.slope - 0.02) < 3 * bent.slope_error
    with pytest.raises(ValueError, match="5 teachers"):
        analysis.collapse(simulated_students(0.0)[:5])


def test_means_are_over_seeds_with_the_pooled_error():
    numbers = [
        "params",
        "tokens",
        "teacher_params",
        "teacher_tokens",
        "peak",
        "teacher_loss",
        "flops",
    ]
    numbers += ["kl_teacher", "accuracy", "completion", "flops"]
    base = {"kind": "x", "teacher": "x"} | dict.fromkeys(numbers, 1.0)
    rows = [(1, 1.0, 2.0), (1, 1.0, 2.2), (1, 2.0, 3.0), (2, 1.0, 1.0)]
    runs = pd.DataFrame(
        [base | {"n_layers": depth, "tokens": t, "loss": loss} for depth, t, loss in rows]
    )
    found = analysis.means(runs)
    assert list(found.loss) == pytest.approx([2.1, 3.0, 1.0])
    deviation = np.std([2.0, 2.2], ddof=1)
    assert list(found.error) == pytest.approx([deviation / math.sqrt(2), deviation, deviation])
