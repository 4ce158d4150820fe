"""Cheaper and other teachers: drawn symbols in place of distributions, ensembles, other corpora."""

import math
import re
from dataclasses import dataclass
from functools import cache

import wordfreq

from scalinglib.study.corpus import Corpus
from scalinglib.study.distill import Objective
from scalinglib.study.run import WORDS, by_ratio
from scalinglib.study.text import Addresses
from scalinglib.study.words import Words

__all__ = ["FAST", "FULL", "Design", "Sparse", "language"]


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
        found = [run for sparse in self.sparse for run in sparse.runs()]
        found += [*self.single_runs(), *self.pair_runs(), *self.abroad_runs()]
        return sorted(dict.fromkeys(found), key=lambda run: run.flops + run.inference_flops)


CUTS = {"samples": (1, 3, 6, 12, 24, 48), "top_k": (1, 2, 4, 8, 16)}
FULL = Design(
    sparse=(
        Sparse(WORDS, (3, 20), ((1, 20, 5), (2, 5, 5)), **CUTS),
        Sparse(Addresses(), (3, 20), ((1, 20, 4), (2, 5, 4)), **CUTS),
    ),
    students=((1, 20, 5), (2, 5, 5)),
    singles=((1, 20), (2, 5), (2, 10), (2, 20), (2, 50), (3, 20)),
    pairs=((1, 20), (2, 20)),
    languages=(("en", "de"), ("de",)),
    abroad=(3, 20),
    mixing=(0.3, 0.7, 1.0),
)
FAST = Design(
    sparse=(Sparse(WORDS, (1, 4), ((1, 2, 2),), (3, 12), (1, 4)),),
    students=((1, 2, 2),),
    singles=((1, 4), (1, 8)),
    pairs=((1, 4),),
    languages=(("en", "de"),),
    abroad=(1, 4),
    mixing=(1.0,),
)
