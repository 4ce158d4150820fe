"""Teachers in other forms: drawn symbols, logits on disk, ensembles, teachers of other corpora."""

from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest
import scipy.stats

from scalinglib.lanes import float64
from scalinglib.report.paths import DATA
from scalinglib.study import record, training
from scalinglib.study.corpora.base import stream
from scalinglib.study.corpora.words import Words
from scalinglib.study.designs import logits
from scalinglib.study.model import distill, train
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.teachers import log_probabilities
from scalinglib.study.run import PERFECT, WORDS, Run
from tests.references import LEXICON, TOY, completed, table_of

CHUNK, EVALUATED = train.CHUNK, training.EVALUATED  # before `little`
OTHER = Words(LEXICON, np.full(6, 1 / 6), n_ctx=8)
TEACHER = Run(1, 2_000, corpus=TOY)
STUDENT = Run(1, 1_000, corpus=TOY, teacher=TEACHER)


@pytest.fixture(autouse=True, scope="module")
def little():
    """Little is drawn, and measured, at once: as long as these runs are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "CHUNK", 512)
        patch.setattr(training, "EVALUATED", 4096)
        yield


@pytest.fixture(scope="module")
def given(little):
    """Weights of the teachers here."""
    teachers = (TEACHER, replace(TEACHER, seed=1), replace(TEACHER, corpus=OTHER))
    return {r.key: training.trained(r) for r in teachers}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Objective(samples=0), "samples is 0"),
        (lambda: Objective(samples=1.5), "samples is 1.5"),
        (lambda: Objective(samples=3, top_k=2), "samples is 3 with top_k 2"),
        (lambda: Objective(samples=3, top_p=0.5), "samples is 3 with .* top_p 0.5"),
        (lambda: Objective(samples=3, reverse=True), "reverse is True with .* samples 3"),
        (lambda: replace(STUDENT, teacher=(TEACHER,)), "two or more Runs"),
        (lambda: replace(STUDENT, teacher=(TEACHER, TEACHER)), "each once"),
        (lambda: replace(STUDENT, teacher=(TEACHER, PERFECT)), "'perfect'"),
        (lambda: replace(STUDENT, teacher=(TEACHER, Run(1, 1e3))), "windows of 64"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def keys(n):
    return jax.random.split(jax.random.key(0), n)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_drawn_symbols_are_right_on_average_in_loss_and_gradient(temperature):
    rng = np.random.default_rng(0)
    with float64():
        student, teacher = rng.normal(size=(2, 7, 4))
        teacher[2, 1] = -np.inf  # never drawn
        teacher = jax.nn.log_softmax(teacher, axis=0)
        labels = rng.integers(0, 7, 4)

        def slope(told):
            return jax.value_and_grad(distill.loss)(student, labels, told, 0.8, temperature)

        def sampled(key):
            cut = Objective(samples=3).cut
            told = distill.targets(teacher, cut, key[None], temperature)
            return *slope(told), told

        draws = 2000
        *found, told = jax.jit(jax.vmap(sampled))(keys(draws))
        for each, expected in zip(found, slope(teacher), strict=True):
            error = np.std(each, axis=0) / np.sqrt(draws)
            assert np.all(np.abs(np.mean(each, axis=0) - expected) < 4 * error + 1e-7)
        counts = 3 * np.exp(np.asarray(told) / temperature)
        p = np.asarray(jax.nn.softmax(teacher / temperature, axis=0))
    np.testing.assert_allclose(counts, counts.round(), atol=1e-5)
    np.testing.assert_allclose(counts.sum(axis=1), 3, rtol=1e-5)
    assert not counts[:, 2, 1].any()
    # Counts of draws with replacement vary as a multinomial's.
    np.testing.assert_allclose(counts.var(axis=0), 3 * p * (1 - p), rtol=0.2, atol=0.01)


def test_each_window_has_draws_of_its_own():
    log_probs = jax.nn.log_softmax(np.random.default_rng(0).normal(size=(7, 3 * 5)), axis=0)
    whole = distill.draw(log_probs, 4, keys(3))
    alone = distill.draw(log_probs[:, 5:10], 4, keys(3)[1:2])
    np.testing.assert_array_equal(whole[:, 5:10], alone)
    same = distill.draw(np.tile(log_probs[:, :5], 3), 4, keys(3))
    assert not np.array_equal(same[:, :5], same[:, 5:10])


def test_draws_hang_on_the_seed_and_the_window():
    *_, first = next(train.chunks(TOY, 1_000, 0, "student"))
    *_, other = next(train.chunks(TOY, 1_000, 1, "student"))
    found = [jax.random.key_data(k) for _, _, k in train.chunks(TOY, 1_000, 0, "student")]
    found = np.concatenate([*found, jax.random.key_data(other)])
    assert len(np.unique(found, axis=0)) == len(found)
    assert len(found) > len(first) + len(other)  # several chunks


def test_an_ensemble_tells_the_mean_of_probabilities(given):
    pair = replace(STUDENT, teacher=(replace(TEACHER, seed=1), TEACHER))
    assert pair == replace(pair, teacher=pair.teacher[::-1])
    windows = TOY.sample("student", stream("student", 0), 6)
    members = [np.exp(log_probabilities(given[t.key], windows)) for t in pair.needs]
    found = np.exp(training.teacher_of(pair, given)(windows))
    np.testing.assert_allclose(found, np.mean(members, axis=0), rtol=1e-5)
    assert pair.inference_flops == 2 * STUDENT.inference_flops


def test_a_row_of_each_kind_is_recorded(tmp_path):
    foreign = replace(STUDENT, teacher=replace(TEACHER, corpus=OTHER))
    pair = replace(STUDENT, teacher=(TEACHER, replace(TEACHER, seed=1)))
    sampled = replace(STUDENT, objective=Objective(samples=3))
    for runs in ([foreign, pair], [foreign, pair, replace(foreign, seed=1)]):
        assert "samples" not in completed(runs, tmp_path)
    found = completed([foreign, pair, sampled], tmp_path, name="all.csv").set_index("id")
    assert found.samples[sampled.id] == 3
    assert found.teacher[pair.id] == pair.teacher_id == "+".join(t.id for t in pair.needs)
    assert found.teacher_params[pair.id] == 2 * TEACHER.params
    assert (found.corpus == TOY.id).all()
    assert found.teacher_corpus[foreign.id] == OTHER.id
    # Judged by what it knows of the student's corpus.
    assert found.teacher_loss[foreign.id] > found.teacher_loss[sampled.id]


def test_languages_have_equal_shares_and_words_in_common_count_together():
    english, both = logits.language("en", size=50), logits.language("en", "de", size=50)
    assert english.n_vocab == both.n_vocab == WORDS.n_vocab
    assert english.entropy < both.entropy < english.entropy + np.log(2)


def test_storage_counts_whole_bytes():
    drawn = {n: logits.bytes_per_token(n, 1, drawn=True) for n in (256, 257, 2**16, 2**16 + 1)}
    assert [*drawn.values()] == [1, 2, 2, 3]
    assert logits.bytes_per_token(128_256, 12, drawn=True) == 36
    assert logits.bytes_per_token(128_256, 12) == 12 * 5
    assert logits.bytes_per_token(128_256) == 256_512


def students(teacher, teacher_loss, losses):
    columns = {"params": 1, "teacher": teacher, "teacher_loss": teacher_loss}
    return pd.DataFrame({"seed": range(len(losses)), "loss": losses}).assign(**columns)


def test_students_are_held_against_the_line_and_the_better_member():
    noise = np.array([0.0, 0.2, -0.1])
    singles = pd.concat([students("a", 1.0, 2 + noise), students("b", 2.0, 3 + noise)])
    own = students("a+b", 1.25, 2.25 + noise + [0.01, 0.02, 0.03])
    found = logits.beside_line(own, singles).iloc[0]
    assert found.above == pytest.approx(0.02)
    assert found.above_error == pytest.approx(0.01 / 3**0.5)
    assert found.relative == pytest.approx(0.02 / (2.25 + noise.mean()))
    assert found.inside
    assert not logits.beside_line(own.assign(teacher_loss=0.9), singles).inside.item()
    judged = logits.better_member(own, singles).iloc[0]
    assert (judged.member_loss, judged.ensemble_loss) == (1.0, 1.25)
    assert judged.above == pytest.approx(0.27)
    assert judged.verdict == "worse"


def test_a_row_is_made_again(monkeypatch):
    monkeypatch.setattr(train, "CHUNK", CHUNK)
    monkeypatch.setattr(training, "EVALUATED", EVALUATED)
    runs = record.read(DATA / "runs" / "logits.csv").set_index("id")
    run = min(logits.RUNS, key=lambda run: run.work + sum(t.work for t in run.needs))
    given = {t.key: training.trained(t) for t in run.needs}
    rows, _ = record.task(None, [run]).train(run, given)
    # To every digit on the machine that made the rows; elsewhere arithmetic differs.
    assert rows[0]["loss"] == pytest.approx(runs.loss[run.id], rel=1e-3)


def kept(drawn, whole, rng, ratio=20):
    """Runs of the smallest `Sparse`: 12 drawn symbols and the whole distribution, three seeds."""
    sparse, shared = logits.Sparse(logits.WORDS, ((1, ratio, 3),), (12,), ()), rng.normal(size=3)

    def loss(r):
        return shared[r.seed] + (drawn if r.objective.samples else whole)[r.seed]

    table = table_of(sparse.runs(), loss).assign(params=1)
    return sparse, table.astype({"samples": float, "top_k": float}), shared


def test_the_share_kept_carries_the_errors_of_both_gains():
    rng = np.random.default_rng(2)
    sparse, table, shared = kept([1.1, 1.1, 1.1], [1.0, 1.0, 1.0], rng)
    data = pd.DataFrame({"params": 1, "seed": range(3), "loss": shared + 1.4})
    found = logits.share_kept(table, sparse, data).iloc[0]
    assert found.share == pytest.approx(0.75)
    assert found.low == pytest.approx(found.high)  # nothing scatters: the seeds' part is shared
    data["loss"] += [0.2, 0.0, -0.2]  # the teacher's worth is uncertain, the drawn symbols' not
    found = logits.share_kept(table, sparse, data).iloc[0]
    assert found.low < 0.75 < found.high


def test_the_change_with_tokens_is_welchs():
    rng = np.random.default_rng(3)
    sparse, short, _ = kept([1.3, 1.5, 1.4], [1.0, 1.0, 1.0], rng)
    _, long, _ = kept([1.1, 1.2, 1.15], [1.0, 1.0, 1.0], rng)
    both = logits.Sparse(logits.WORDS, ((1, 100, 3),), (12,), ())
    long["id"] = [run.id for run in both.runs()]
    found = logits.change_with_tokens(pd.concat([short, long]), sparse, both).iloc[0]
    assert found.change == pytest.approx(-0.25)
    expected = scipy.stats.ttest_ind([0.1, 0.2, 0.15], [0.3, 0.5, 0.4], equal_var=False)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
