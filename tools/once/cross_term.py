"""Where the identity's cross term sits: by frequency and confidence; data/runs/cross_term.csv.

    python -m tools.once.cross_term

Trains some models of the study again, on one core in a few minutes, and splits t, K and X of each
student over the contexts of the evaluation windows. Bins were laid down before any was filled.

A reading, written down with t, K and X by bin in view but before the teacher's calibration was: a
student smooths its teacher, which helps where that is overconfident and harms where it is not
confident enough. Then X has the sign of outcome - confidence. It passes if that is so in nine of
ten bins by frequency, among those of the two better teachers whose X is more than two standard
errors (over seeds) from zero.
"""

from itertools import product

import numpy as np
import pandas as pd

from scalinglib.report.paths import DATA
from scalinglib.study import training
from scalinglib.study.run import by_ratio
from tools.once import write

TABLE = DATA / "runs" / "cross_term.csv"
# Lower edges of bins: share of the language's words that begin with what the context gives of the
# word, 1 where a word begins; and the probability of the teacher's likeliest symbol.
EDGES = {
    "frequency": np.array([0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]),
    "confidence": np.arange(10) / 10,
}
COLUMNS = ("weight", "t", "K", "X", "confidence", "outcome")
SEEDS = {1: 5, 2: 3}  # the study's, of students by depth


def runs():
    """The study's students of depth 1 and 2 on 20 tokens a parameter, of three teachers."""
    return [
        by_ratio(depth, 20, seed=seed, teacher=by_ratio(above, 20))
        for depth, above in product(SEEDS, (1, 2, 3))
        for seed in range(SEEDS[depth])
    ]


class Judge:
    """A corpus whose score says how t, K and X fall into bins, under a teacher.

    - corpus: Corpus, of which the truth is known and windows begin where a word does, after symbol
      0
    - teacher: function of windows, as `training.evaluate` takes it
    """

    def __init__(self, corpus, teacher):
        self.id, self.n_vocab, self.n_ctx = corpus.id, corpus.n_vocab, corpus.n_ctx
        self.entropy, self.sample = corpus.entropy, corpus.sample
        self.corpus, self.teacher = corpus, teacher

    def score(self, log_probs, windows):
        """Loss, as the corpus has it, and by (by, lower edge, column) what of the mean is there."""
        truth = self.corpus.truth(windows)
        log_truth = np.log(truth, out=np.full_like(truth, -np.inf), where=truth > 0)
        log_teacher = self.teacher(windows).astype(float).T.reshape(truth.shape)
        parts = decomposed(log_truth, log_teacher, log_probs)
        parts["weight"] = np.ones(truth.shape[:2])
        likeliest = log_teacher.argmax(axis=-1)[..., None]
        parts["confidence"] = np.exp(log_teacher.max(axis=-1))
        parts["outcome"] = np.take_along_axis(truth, likeliest, -1)[..., 0]
        places = {"frequency": frequencies(truth, windows), "confidence": parts["confidence"]}
        found = {"loss": self.corpus.score(log_probs, windows)["loss"]}
        for by, edges in EDGES.items():
            bins = np.digitize(places[by], edges).ravel() - 1
            for name, values in parts.items():
                sums = np.bincount(bins, values.ravel(), len(edges)) / values.size
                found |= {(by, edge, name): share for edge, share in zip(edges, sums, strict=True)}
        return found


def decomposed(log_truth, log_teacher, log_student):
    """T = KL(p, T), K = KL(T, S) and the cross term X of KL(p, S) = t + K + X, each by its own sum.

    Log-probabilities (..., n_vocab); the truth's may be -inf, where a symbol cannot follow.
    """
    truth, teacher = np.exp(log_truth), np.exp(log_teacher)
    behind = np.subtract(log_truth, log_teacher, out=np.zeros_like(truth), where=truth > 0)
    apart = log_teacher - log_student
    parts = {"t": truth * behind, "K": teacher * apart, "X": (truth - teacher) * apart}
    return {name: part.sum(axis=-1) for name, part in parts.items()}


def frequencies(truth, windows):
    """Share of words that begin with what each context gives of its word, (windows, n_ctx)."""
    came = np.take_along_axis(truth, windows[:, 1:, None].astype(int), -1)[..., 0]
    before = np.cumsum(np.log(came), axis=1) - np.log(came)
    place = np.arange(truth.shape[1])
    start = np.maximum.accumulate(np.where(windows[:, :-1] == 0, place, 0), axis=1)
    return np.exp(before - np.take_along_axis(before, start, 1))


def judged(student, teacher, corpus):
    """Rows (by, bin and `COLUMNS`) of a student's weights, on the windows of `evaluate`."""
    found = training.evaluate(student, Judge(corpus, teacher))
    table = pd.DataFrame(
        {"by": by, "bin": edge} | {name: found[by, edge, name] for name in COLUMNS}
        for by, edges in EDGES.items()
        for edge in edges
    )
    return table[table.weight > 0].reset_index(drop=True)


def main():
    """Train, judge and write the table."""
    given, tables = {}, []
    for r in runs():
        if r.teacher.key not in given:
            given[r.teacher.key] = training.trained(r.teacher)
        teacher = training.teacher_of(r, given)
        found = judged(training.trained(r, teacher), teacher, r.corpus)
        named = {"id": r.id, "student": r.params, "teacher": r.teacher.params, "seed": r.seed}
        tables.append(pd.DataFrame([named] * len(found)).join(found))
    write(pd.concat(tables), TABLE)


if __name__ == "__main__":
    main()
