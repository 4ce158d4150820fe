"""Cheaper and other teachers: drawn symbols in place of distributions, ensembles, other corpora."""

import math
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import wordfreq

from scalinglib.experiment.compare import against
from scalinglib.experiment.records import select
from scalinglib.study.corpora.base import Corpus
from scalinglib.study.corpora.text import Addresses
from scalinglib.study.corpora.words import Words
from scalinglib.study.design import cheap_first
from scalinglib.study.model.distill import Objective
from scalinglib.study.run import WORDS, Run, by_ratio

__all__ = [
    *("LANGUAGES", "LONGER", "SPARSE", "Sparse", "abroad_runs", "beside_line", "better_member"),
    *("bytes_per_token", "equal_bytes", "judged", "language", "pair_runs", "runs", "single_runs"),
]


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

    Attributes
    ----------
    students : of (n_layers, ratio, seeds)
    samples, top_k : three drawn symbols take the bytes of one entry of fewer than 257: an index of
        one byte each, against an index and a float16
    """

    corpus: Corpus
    students: tuple
    samples: tuple[int, ...] = (1, 3, 6, 12, 24, 48)
    top_k: tuple[int, ...] = (1, 2, 4, 8, 16)

    def runs(self) -> list[Run]:
        """The whole distribution, and what is kept of it, the same seeds of each."""
        teacher = by_ratio(*TEACHER, corpus=self.corpus)
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
    return [
        by_ratio(depth, ratio, seed=seed, teacher=teacher, objective=Objective(mixing=mixing))
        for depth, ratio, seeds in SPARSE[0].students
        for seed in range(seeds)
    ]


def single_runs() -> list[Run]:
    """Students of one teacher each; the ensembles' second members are among these."""
    others = [by_ratio(*size, seed=1) for size in PAIRS]
    teachers = [*(by_ratio(*size) for size in SINGLES), *others]
    return [run for teacher in teachers for run in _taught(teacher)]


def pair_runs() -> list[Run]:
    """Students of ensembles."""
    pairs = [tuple(by_ratio(*size, seed=seed) for seed in (0, 1)) for size in PAIRS]
    return [run for pair in pairs for run in _taught(pair)]


def abroad_runs() -> list[Run]:
    """Students of the words whose teachers learnt other languages, and students on labels."""
    teachers = [by_ratio(*TEACHER, corpus=language(*codes)) for codes in LANGUAGES]
    return [
        run
        for mixing in (0.0, *MIXING)
        for teacher in (teachers if mixing else teachers[:1])
        for run in _taught(teacher, mixing)
    ]


def runs() -> list[Run]:
    """Every run once, cheap ones first."""
    found = [run for sparse in (*SPARSE, LONGER) for run in sparse.runs()]
    found += [*single_runs(), *pair_runs(), *abroad_runs()]
    return cheap_first(found)


def bytes_per_token(n_vocab: int, count: int | None = None, *, drawn: bool = False) -> int:
    """What is stored of a token: whole bytes an index, a float16 a probability.

    Parameters
    ----------
    count : entries that are kept, or symbols that are drawn; None stands for the whole distribution
    drawn : drawn symbols are indices alone
    """
    if count is None:
        return 2 * n_vocab
    index = -(-(n_vocab - 1).bit_length() // 8)
    return count * (index if drawn else index + 2)


def judged(runs: pd.DataFrame, sparse: Sparse) -> pd.DataFrame:
    """Each way of keeping less against the whole distribution, by student.

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


def equal_bytes(runs: pd.DataFrame, sparse: Sparse) -> pd.DataFrame:
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


def beside_line(rows: pd.DataFrame, singles: pd.DataFrame) -> pd.DataFrame:
    """Students against the line through those of single teachers, at their teacher's loss.

    Parameters
    ----------
    rows, singles : students, and those of single teachers that learnt the students' corpus: same
        sizes, same seeds

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


def better_member(pairs: pd.DataFrame, singles: pd.DataFrame) -> pd.DataFrame:
    """Students of ensembles against those of the member whose own loss is lower.

    Parameters
    ----------
    pairs, singles : students of ensembles and of single teachers

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
