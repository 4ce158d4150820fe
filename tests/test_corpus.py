"""The corpora: words whose truth is known, and text, against counting and statistics."""

import math
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from scalinglib.study import record
from scalinglib.study.corpora.base import divergence, stream
from scalinglib.study.corpora.text import Text
from scalinglib.study.corpora.words import Words
from scalinglib.study.run import PERFECT, Run
from tests.references import FREQUENCIES, LEXICON, TOY, completed


def encode(text):
    return np.array([[0, *(0 if c == " " else ord(c) - 96 for c in text)]], dtype=np.uint8)


def test_truth_is_what_counting_words_gives():
    text = "been an "
    truth = TOY.truth(encode(text))[0]
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
    long = Words(LEXICON, FREQUENCIES, n_ctx=20_000)
    length = FREQUENCIES @ [len(word) + 1 for word in LEXICON]
    assert long.entropy == pytest.approx(stats.entropy(FREQUENCIES) / length, abs=1e-4)


def test_entropy_is_the_mean_surprise_of_samples():
    windows = TOY.sample("teacher", stream("teacher", 1), 20_000)
    truth = TOY.truth(windows)
    assert truth.sum(-1) == pytest.approx(1)
    seen = np.take_along_axis(truth, windows[:, 1:, None].astype(int), -1)[..., 0]
    surprise = -np.log(seen).mean(1)
    assert abs(surprise.mean() - TOY.entropy) < 4 * surprise.std() / math.sqrt(len(windows))


def test_words_come_with_their_frequencies():
    windows = TOY.sample("teacher", stream("teacher", 2), 20_000)
    text = [bytes(row + 96).decode().replace("`", " ").split(" ") for row in windows[:, 1:]]
    first = [words[0] for words in text if len(words) > 1]
    # Words that end inside the window: all can, for the longest has four letters of eight.
    counts = [first.count(word) for word in LEXICON]
    assert stats.chisquare(counts, FREQUENCIES * len(first)).pvalue > 1e-3
    assert (windows[:, 0] == 0).all()


def test_streams_of_splits_and_seeds_differ():
    keys = [("teacher", 0), ("teacher", 1), ("student", 0), ("evaluation", 0)]
    drawn = {TOY.sample(s, stream(s, k), 64).tobytes() for s, k in keys}
    assert len(drawn) == len(keys)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Words(["a", "B"], [0.5, 0.5]), "'B'"),
        (lambda: Words(["a", "a"], [0.5, 0.5]), "twice"),
        (lambda: Words(["a", "b"], [0.5, 0.6]), "sum to one"),
        (lambda: stream("test"), "'test'"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_score_of_the_truth_is_the_entropy_and_its_best_guess():
    windows = TOY.sample("evaluation", stream("evaluation", 0), 2000)
    truth = TOY.truth(windows)
    found = TOY.score(np.log(np.maximum(truth, 1e-300)), windows)
    assert found["loss"] == pytest.approx(TOY.entropy, abs=1e-9)
    assert found["accuracy"] == pytest.approx(truth.max(-1).mean())
    # Of the words longer than three letters there is one, and after b-e-e it is not the likelier.
    assert found["completion"] == 0


def test_score_of_text_is_the_mean_surprise():
    corpus = Text(["abcd" * 5] * 20, n_ctx=4)
    windows = corpus.sample("student", stream("student", 0), 10)
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(256), (10, 4))
    seen = [p[i, t, windows[i, t + 1]] for i in range(10) for t in range(4)]
    found = corpus.score(np.log(p), windows)
    assert found["loss"] == pytest.approx(-np.mean(np.log(seen)))
    assert math.isnan(found["completion"])


@dataclass(frozen=True)
class Dice:
    """A corpus of one's own: independent symbols of known odds, scored by one number more."""

    id: str = "dice"
    n_vocab: int = 5
    n_ctx: int = 16
    entropy: float = stats.entropy([1, 2, 3, 4, 5])

    def sample(self, split, rng, windows):
        return rng.choice(5, (windows, 17), p=np.arange(1, 6) / 15).astype(np.uint16)

    def truth(self, windows):
        return np.broadcast_to(np.arange(1, 6) / 15, (len(windows), 16, 5))

    def score(self, log_probs, windows):
        loss = self.entropy + divergence(self.truth(windows), log_probs)
        right = log_probs.argmax(-1) == windows[:, 1:]
        return {"loss": loss, "accuracy": right.mean(), "bits": loss / np.log(2)}


def test_a_corpus_of_ones_own_is_learnt_and_distilled(tmp_path):
    dice = Dice()
    teacher = Run(1, 8_000, corpus=dice)
    runs = [teacher, *(Run(1, 8_000, teacher=t, corpus=dice) for t in (teacher, PERFECT))]
    for wanted in (runs[:1], runs):  # the second time it reads what the first one wrote
        found = completed(wanted, tmp_path)
    assert list(found) == list(record.COLUMNS)
    assert (found.loss > dice.entropy - 1e-5).all()  # six digits are written
    assert (found.loss < dice.entropy + 0.02).all()
    assert sorted(found.teacher.dropna()) == [teacher.id, "perfect"]


def test_identity_is_that_of_the_contents():
    same = Words(LEXICON, FREQUENCIES, n_ctx=8)
    assert (same, hash(same)) == (TOY, hash(TOY))
    texts = [Text([letter * 50] * 20, n_ctx=n) for letter, n in [("a", 8), ("b", 8), ("a", 16)]]
    others = [Words(LEXICON, FREQUENCIES, n_ctx=9), Words(LEXICON, FREQUENCIES[::-1], n_ctx=8)]
    named = [TOY, *others, *texts, Words(), Words(n_ctx=32)]
    assert len({corpus.id for corpus in named}) == len(named)
    assert Words().id == "words"
    for corpus in named:
        again = pickle.loads(pickle.dumps(corpus))
        assert again == corpus
        if corpus.entropy is None or corpus.id == TOY.id:
            drawn = (c.sample("student", stream("student", 1), 5) for c in (corpus, again))
            np.testing.assert_array_equal(*drawn)
    assert len(pickle.dumps(Words())) < 500  # it travels with every run
