"""Cheaper and other teachers: drawn symbols in place of distributions, ensembles, other corpora."""

import math
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import wordfreq

from scalinglib.experiment.compare import against
from scalinglib.experiment.table import select
from scalinglib.study.corpus import Corpus
from scalinglib.study.distill import Objective
from scalinglib.study.run import WORDS, by_ratio
from scalinglib.study.text import Addresses
from scalinglib.study.words import Words

__all__ = [
    *("FULL", "Design", "Sparse", "beside_line", "better_member", "bytes_per_token"),
    *("equal_bytes", "judged", "language"),
]


@cache
def language(*codes, size=100_000):
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

    Attributes
    ----------
    corpus : Corpus
    teacher : (n_layers, ratio)
    students : tuple of (n_layers, ratio, seeds)
    samples, top_k : tuple of int
        Three drawn symbols take the bytes of one entry of fewer than 257: an index of one byte
        each, against an index and a float16.
    """

    corpus: Corpus
    teacher: tuple
    students: tuple
    samples: tuple
    top_k: tuple

    def runs(self):
        """The whole distribution, and what is kept of it, the same seeds of each."""
        teacher = by_ratio(*self.teacher, corpus=self.corpus)
        cuts = [{}, *({"samples": m} for m in self.samples), *({"top_k": k} for k in self.top_k)]
        objectives = [Objective(**cut) for cut in cuts]
        return [
            by_ratio(
                depth, ratio, seed=seed, corpus=self.corpus, teacher=teacher, objective=objective
            )
            for objective in objectives
            for depth, ratio, seeds in self.students
            for seed in range(seeds)
        ]


@dataclass(frozen=True)
class Design:
    """Settings from which the runs follow.

    Attributes
    ----------
    sparse : tuple of Sparse
        On the words, and on other corpora.
    longer : Sparse
        The first again, on more tokens.
    students : tuple of (n_layers, ratio, seeds)
        Of all that follows, on the words.
    singles : tuple of (n_layers, ratio)
        Teachers that learnt the words, one at a time: what a teacher of some loss is worth.
    pairs : tuple of (n_layers, ratio)
        Ensembles of two teachers, which differ in the seed; the first member is one of `singles`.
    languages : tuple of tuple of str
        What teachers learn, as for `language`.
    abroad : (n_layers, ratio), of these teachers
    mixing : tuple of float
        lambda with these teachers; 0 stands for labels alone.
    """

    sparse: tuple
    longer: Sparse
    students: tuple
    singles: tuple
    pairs: tuple
    languages: tuple
    abroad: tuple
    mixing: tuple

    def _taught(self, teacher, mixing=1.0):
        return [
            by_ratio(depth, ratio, seed=seed, teacher=teacher, objective=Objective(mixing=mixing))
            for depth, ratio, seeds in self.students
            for seed in range(seeds)
        ]

    def single_runs(self):
        """Students of one teacher each; the ensembles' second members are among these."""
        others = [by_ratio(*size, seed=1) for size in self.pairs]
        teachers = [*(by_ratio(*size) for size in self.singles), *others]
        return [run for teacher in teachers for run in self._taught(teacher)]

    def pair_runs(self):
        """Students of ensembles."""
        pairs = [tuple(by_ratio(*size, seed=seed) for seed in (0, 1)) for size in self.pairs]
        return [run for pair in pairs for run in self._taught(pair)]

    def abroad_runs(self):
        """Students of the words whose teachers learnt other languages, and students on labels."""
        teachers = [by_ratio(*self.abroad, corpus=language(*codes)) for codes in self.languages]
        return [
            run
            for mixing in (0.0, *self.mixing)
            for teacher in (teachers if mixing else teachers[:1])
            for run in self._taught(teacher, mixing)
        ]

    def runs(self):
        """Every run once, cheap ones first."""
        found = [run for sparse in (*self.sparse, self.longer) for run in sparse.runs()]
        found += [*self.single_runs(), *self.pair_runs(), *self.abroad_runs()]
        return sorted(dict.fromkeys(found), key=lambda run: run.flops + run.inference_flops)


_CUTS = {"samples": (1, 3, 6, 12, 24, 48), "top_k": (1, 2, 4, 8, 16)}
FULL = Design(
    sparse=(
        Sparse(WORDS, (3, 20), ((1, 20, 5), (2, 5, 5)), **_CUTS),
        Sparse(Addresses(), (3, 20), ((1, 20, 4), (2, 5, 4)), **_CUTS),
    ),
    longer=Sparse(WORDS, (3, 20), ((1, 100, 5),), (1, 3, 12), (4, 16)),
    students=((1, 20, 5), (2, 5, 5)),
    singles=((1, 20), (2, 5), (2, 10), (2, 20), (2, 50), (3, 20)),
    pairs=((1, 20), (2, 20)),
    languages=(("en", "de"), ("de",)),
    abroad=(3, 20),
    mixing=(0.3, 0.7, 1.0),
)


def bytes_per_token(n_vocab, count=None, *, drawn=False):
    """What is stored of a token: whole bytes an index, a float16 a probability.

    Parameters
    ----------
    n_vocab : int
    count : int or None
        Entries that are kept, or symbols that are drawn; None stands for the whole distribution.
    drawn : bool
        Drawn symbols are indices alone.
    """
    if count is None:
        return 2 * n_vocab
    index = -(-(n_vocab - 1).bit_length() // 8)
    return count * (index if drawn else index + 2)


def judged(runs, sparse):
    """Each way of keeping less against the whole distribution, by student.

    Parameters
    ----------
    runs : DataFrame, the table
    sparse : Sparse

    Returns
    -------
    DataFrame: params, kind ("drawn", "likeliest" or "whole"), count, bytes_per_token, and the
    columns of `compare.against`
    """
    rows = select(runs, sparse.runs())
    number = rows.samples.fillna(0) - rows.top_k.fillna(0)  # likeliest entries count downwards
    rows = rows.assign(number=number.astype(int))
    found = rows.groupby("params").apply(against, "number", 0, include_groups=False)
    found = found.reset_index("params").reset_index(drop=True)
    number = found.pop("number")
    kind = np.select([number > 0, number < 0], ["drawn", "likeliest"], "whole")
    size = [bytes_per_token(sparse.corpus.n_vocab, abs(n) or None, drawn=n > 0) for n in number]
    found.insert(1, "kind", kind)
    return found.assign(count=number.abs(), bytes_per_token=size)


def equal_bytes(runs, sparse):
    """Drawn symbols against likeliest entries that take the same bytes, by student.

    Returns
    -------
    DataFrame: params, top_k, samples, and of the drawn symbols the columns of `compare.against`
    """
    rows, found = select(runs, sparse.runs()), []
    index = bytes_per_token(sparse.corpus.n_vocab, 1, drawn=True)
    for (params, k), kept in rows[rows.top_k.notna()].groupby(["params", "top_k"]):
        samples = k * (index + 2) / index
        drawn = rows[(rows.params == params) & (rows.samples == samples)]
        if len(drawn):
            both = pd.concat([kept.assign(drawn=False), drawn.assign(drawn=True)])
            cells = against(both, "drawn", False).query("drawn").drop(columns="drawn")
            found.append(cells.assign(params=params, top_k=k, samples=int(samples)))
    return pd.concat(found, ignore_index=True)


def beside_line(rows, singles):
    """Students against the line through those of single teachers, at their teacher's loss.

    Parameters
    ----------
    rows, singles : DataFrame
        Students, and those of single teachers that learnt the students' corpus: same sizes, same
        seeds.

    Returns
    -------
    DataFrame, a row a student's size and teacher: params, teacher, teacher_loss, loss, above and
    above_error (over the line, paired by seed), relative (to the line), inside (whether the
    teacher's loss is among the single teachers'; outside, the line is flat)
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
        cells["relative"] = cells["above"] / expected.mean()
        found.append(cells | {"inside": line.columns.min() <= at <= line.columns.max()})
    return pd.DataFrame(found)


def better_member(pairs, singles):
    """Students of ensembles against those of the member whose own loss is lower.

    Parameters
    ----------
    pairs, singles : DataFrame, students of ensembles and of single teachers

    Returns
    -------
    DataFrame: params, member_loss, ensemble_loss, and of the ensemble's students the columns of
    `compare.against`
    """
    found = []
    for (params, teacher), own in pairs.groupby(["params", "teacher"]):
        members = singles[(singles.params == params) & singles.teacher.isin(teacher.split("+"))]
        better = members[members.teacher_loss == members.teacher_loss.min()]
        both = pd.concat([better.assign(pair=False), own.assign(pair=True)])
        cells = against(both, "pair", False).query("pair").drop(columns="pair")
        cells.insert(0, "params", params)
        cells.insert(1, "member_loss", better.teacher_loss.mean())
        cells.insert(2, "ensemble_loss", own.teacher_loss.mean())
        found.append(cells)
    return pd.concat(found, ignore_index=True)
