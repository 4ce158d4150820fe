"""Cheaper and other teachers: drawn symbols in place of distributions, ensembles, other corpora."""

import math
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import wordfreq
from scipy import stats

from scalinglib.experiment import compare
from scalinglib.experiment.records import select
from scalinglib.study.corpora.base import Corpus
from scalinglib.study.corpora.text import Addresses
from scalinglib.study.corpora.words import Words
from scalinglib.study.design import cheap_first
from scalinglib.study.model.distill import Objective
from scalinglib.study.run import WORDS, Run, by_ratio, over_seeds


@cache
def language(*codes: str, size: int = 100_000) -> Words:
    """A corpus of the most frequent words in a-z of languages (`wordfreq`), with equal shares.

    Words that several have count together.
    """
    found = {}
    for code in codes:
        frequencies = wordfreq.get_frequency_dict(code, wordlist="large")
        own = [(w, f) for w, f in frequencies.items() if re.fullmatch("[a-z]+", w)]
        own = sorted(own, key=lambda pair: (-pair[1], pair[0]))[:size]
        total = math.fsum(f for _, f in own) * len(codes)
        for word, frequency in own:
            found[word] = found.get(word, 0.0) + frequency / total
    return Words(list(found), list(found.values()))


@dataclass(frozen=True)
class Sparse:
    """Drawn symbols and likeliest entries against the whole distribution, on one corpus.

    - students: of (n_layers, ratio, seeds)
    - samples, top_k: three drawn symbols take the bytes of one entry of fewer than 257: an index of
      one byte each, against an index and a float16
    """

    corpus: Corpus
    students: tuple
    samples: tuple[int, ...] = (1, 3, 6, 12, 24, 48)
    top_k: tuple[int, ...] = (1, 2, 4, 8, 16)

    def runs(self) -> list[Run]:
        """The whole distribution, and what is kept of it, the same seeds of each."""
        own = {"corpus": self.corpus, "teacher": by_ratio(*TEACHER, corpus=self.corpus)}
        cuts = [{}, *({"samples": m} for m in self.samples), *({"top_k": k} for k in self.top_k)]
        taught = (over_seeds(self.students, objective=Objective(**cut), **own) for cut in cuts)
        return [run for runs in taught for run in runs]


TEACHER = (3, 20)  # of cuts, and of other languages: depth, tokens per parameter
SPARSE = (
    Sparse(WORDS, ((1, 20, 5), (2, 5, 5))),
    Sparse(Addresses(), ((1, 20, 4), (2, 5, 4))),
)
LONGER = Sparse(WORDS, ((1, 100, 5),), (1, 3, 12), (4, 16))  # the first again, on more tokens
# Teachers that learnt the words, one at a time: what a teacher of some loss is worth.
SINGLES = ((1, 20), (2, 5), (2, 10), (2, 20), (2, 50), (3, 20))
PAIRS = ((1, 20), (2, 20))  # ensembles of two that differ in the seed
LANGUAGES = (("en", "de"), ("de",))  # what other teachers learn, as for `language`
MIXING = (0.3, 0.7, 1.0)  # lambda with these


def _taught(teacher, mixing=1.0):
    """Students of the words."""
    return over_seeds(SPARSE[0].students, teacher=teacher, objective=Objective(mixing=mixing))


# Students of one teacher each; the ensembles' second members are among these.
_ALONE = [*(by_ratio(*size) for size in SINGLES), *(by_ratio(*size, seed=1) for size in PAIRS)]
SINGLE_RUNS = [run for teacher in _ALONE for run in _taught(teacher)]
# Students of ensembles.
_BOTH = [tuple(by_ratio(*size, seed=seed) for seed in (0, 1)) for size in PAIRS]
PAIR_RUNS = [run for pair in _BOTH for run in _taught(pair)]
# Students of the words whose teachers learnt other languages, and students on labels.
_ABROAD = [by_ratio(*TEACHER, corpus=language(*codes)) for codes in LANGUAGES]
ABROAD_RUNS = [
    run
    for mixing in (0.0, *MIXING)
    for teacher in (_ABROAD if mixing else _ABROAD[:1])
    for run in _taught(teacher, mixing)
]
_SPARSE_RUNS = [run for sparse in (*SPARSE, LONGER) for run in sparse.runs()]
RUNS = cheap_first([*_SPARSE_RUNS, *SINGLE_RUNS, *PAIR_RUNS, *ABROAD_RUNS])


def bytes_per_token(
    n_vocab: int, count: int | None = None, *, drawn: bool = False, number: int = 2
) -> int:
    """What is stored of a token: whole bytes an index, a float16 a probability.

    - count: entries that are kept, or symbols that are drawn; None stands for the whole
      distribution
    - number: bytes of a probability, 4 for float32
    """
    if count is None:
        return number * n_vocab
    index = -(-(n_vocab - 1).bit_length() // 8)
    return count * (index if drawn else index + number)


def _numbered(runs, sparse):
    """A design's runs with the number of what is kept: likeliest entries count downwards."""
    rows = select(runs, sparse.runs())
    return rows.assign(number=(rows.samples.fillna(0) - rows.top_k.fillna(0)).astype(int))


def _against(own, reference):
    """`compare.against` of one setting, alone in its rows, against another."""
    both = pd.concat([reference.assign(own=False), own.assign(own=True)])
    return compare.against(both, "own", False).query("own").drop(columns="own")


def judged(runs: pd.DataFrame, sparse: Sparse) -> pd.DataFrame:
    """Each way of keeping less against the whole distribution, by student.

    - returns: params, kind ("drawn", "likeliest" or "whole"), count, bytes_per_token, and the
      columns of `compare.against`
    """
    found = compare.against(_numbered(runs, sparse), "number", 0, by=("params",))
    number = found.pop("number")
    kind = np.select([number > 0, number < 0], ["drawn", "likeliest"], "whole")
    size = [bytes_per_token(sparse.corpus.n_vocab, abs(n) or None, drawn=n > 0) for n in number]
    found.insert(1, "kind", kind)
    return found.assign(count=number.abs(), bytes_per_token=size)


def equal_bytes(runs: pd.DataFrame, sparse: Sparse, n_vocab: int | None = None) -> pd.DataFrame:
    """Drawn symbols against likeliest entries that take the same bytes or more, by student.

    - n_vocab: a vocabulary whose bytes are counted; the corpus's own unless given.
    - returns: params, top_k, samples, and of the drawn symbols the columns of `compare.against`
    """
    rows, found = select(runs, sparse.runs()), []
    index = bytes_per_token(n_vocab or sparse.corpus.n_vocab, 1, drawn=True)
    for (params, k), kept in rows[rows.top_k.notna()].groupby(["params", "top_k"]):
        samples = max(m for m in sparse.samples if m * index <= k * (index + 2))
        drawn = rows[(rows.params == params) & (rows.samples == samples)]
        cells = _against(drawn, kept)
        found.append(cells.assign(params=params, top_k=int(k), samples=int(samples)))
    found = pd.concat(found, ignore_index=True)
    return found[["params", "top_k", "samples", *found.columns[:-3]]]


def share_kept(runs: pd.DataFrame, sparse: Sparse, data: pd.DataFrame) -> pd.DataFrame:
    """Which share of the teacher's worth, the gain over training on data, drawn symbols keep.

    - data: the same students, of the same seeds, trained on data.
    - returns: params, count, share (ratio of mean gains), low, high (t interval of a ratio of
      paired means: the error of both gains is in it)
    """
    rows, found = select(runs, sparse.runs()), []
    for params, own in rows.groupby("params"):
        plain = own[own.samples.isna() & own.top_k.isna()].set_index("seed").loss
        without = data[data.params == params].set_index("seed").loss[plain.index]
        for count, drawn in own[own.samples.notna()].groupby("samples"):
            gain, worth = without - drawn.set_index("seed").loss, without - plain
            share = gain.mean() / worth.mean()
            low, high = compare.interval((gain - share * worth) / worth.mean())
            cells = {"params": params, "count": int(count), "share": share}
            found.append(cells | {"low": share + low, "high": share + high})
    return pd.DataFrame(found)


def change_with_tokens(runs: pd.DataFrame, short: Sparse, long: Sparse) -> pd.DataFrame:
    """How the cost of keeping less changes from one amount of tokens to another.

    - returns: params, kind, count, above_short, above_long (over the whole distribution, nats),
      change, low, high (Welch's t interval: the amounts share no data)
    """
    numbered = (_numbered(runs, sparse) for sparse in (short, long))
    few, many = (compare.differences(own, "number", 0, by=("params",)) for own in numbered)
    found = []
    for (params, number), own in many[many.number != 0].groupby(["params", "number"]):
        before = few[(few.params == params) & (few.number == number)].above
        ends = stats.ttest_ind(own.above, before, equal_var=False).confidence_interval(
            compare.LEVEL
        )
        cells = {"params": params, "kind": "drawn" if number > 0 else "likeliest"}
        means = {"above_short": before.mean(), "above_long": own.above.mean()}
        cells |= {"count": abs(number)} | means
        change = cells["above_long"] - cells["above_short"]
        found.append(cells | {"change": change, "low": ends.low, "high": ends.high})
    return pd.DataFrame(found)


def beside_line(rows: pd.DataFrame, singles: pd.DataFrame) -> pd.DataFrame:
    """Students against the line through those of single teachers, at their teacher's loss.

    - rows, singles: students, and those of single teachers that learnt the students' corpus: same
      sizes, same seeds
    - returns: a row a student's size and teacher: params, teacher, teacher_loss, loss, above,
      above_error, low and high (over the line, paired by seed; t interval), relative (to the line),
      inside (whether the teacher's loss is among the single teachers'; outside, the line is flat)
    """
    found = []
    for (params, teacher), own in rows.groupby(["params", "teacher"]):
        line = singles[singles.params == params]
        line = line.pivot_table(index="seed", columns="teacher_loss", values="loss")
        at, losses = own.teacher_loss.mean(), own.set_index("seed").loss
        expected = line.apply(lambda row, at=at: np.interp(at, row.index, row), axis=1)
        above = losses - expected
        cells = {"params": params, "teacher": teacher, "teacher_loss": at, "loss": losses.mean()}
        cells |= {"above": above.mean(), "above_error": above.sem()}
        cells["low"], cells["high"] = compare.interval(above)
        cells["relative"] = cells["above"] / expected.mean()
        found.append(cells | {"inside": line.columns.min() <= at <= line.columns.max()})
    return pd.DataFrame(found)


def better_member(pairs: pd.DataFrame, singles: pd.DataFrame) -> pd.DataFrame:
    """Students of ensembles against those of the member whose own loss is lower.

    - returns: params, member_loss, ensemble_loss, and of the ensemble's students the columns of
      `compare.against`
    """
    found = []
    for (params, teacher), own in pairs.groupby(["params", "teacher"]):
        members = singles[(singles.params == params) & singles.teacher.isin(teacher.split("+"))]
        better = members[members.teacher_loss == members.teacher_loss.min()]
        cells = _against(own, better)
        cells.insert(0, "params", params)
        cells.insert(1, "member_loss", better.teacher_loss.mean())
        cells.insert(2, "ensemble_loss", own.teacher_loss.mean())
        found.append(cells)
    return pd.concat(found, ignore_index=True)
