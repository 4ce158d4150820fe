"""Laws that fit the same runs about equally well, with weights: what the evidence leaves open.

One law gives one answer; where a decision hangs on some mnats between two extrapolated losses, the
share of the laws that agree is the answer. `tools/once/ensemble.py` builds the table and says how.

>>> laws = ensemble("figure1")
>>> losses = laws.losses(1e9, 2e10, 2.1)
>>> laws.quantiles(losses, [0.05, 0.5, 0.95]).round(2)
array([2.3 , 2.31, 2.32])
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from scalinglib.laws.equations import SupervisedLaw
from scalinglib.laws.forms import FORMS
from scalinglib.laws.limits import below_floor
from scalinglib.laws.named import COEFFICIENTS, load

NORMAL = stats.norm.ppf((np.arange(41) + 0.5) / 41)  # stand for a normal distribution
_PASSES = 5e-4  # nats
# Deviation of log-loss for a unit of `Seen.distance`, in units of what laws miss inside the runs.
# The least that holds what it should in hold-outs of three sets of runs (tools/once/extrapolation).
GROWTH = 2.4
GAIN_GROWTH = 1.5  # the same of distilled less supervised loss of one student: errors go together
LEVEL = 0.9  # of ranges over laws, and of a new run's band, where none is asked for


@dataclass(frozen=True)
class Seen:
    """The runs that laws were fitted to, as far as a distance from them needs.

    - student_params, student_tokens: array (settings,); of each student that was trained.
    - best_teacher, worst_teacher: array (settings,); the least and the largest of its teachers'
      losses.
    - supervised: says what a student reaches alone, against which its teacher is measured.
    """

    student_params: np.ndarray
    student_tokens: np.ndarray
    best_teacher: np.ndarray
    worst_teacher: np.ndarray
    supervised: SupervisedLaw

    @classmethod
    def of(cls, runs: pd.DataFrame, supervised: SupervisedLaw) -> "Seen":
        """Of a table of runs: student_params, student_tokens, teacher_loss."""
        groups = runs.groupby(["student_params", "student_tokens"]).teacher_loss
        table = groups.agg(["min", "max"]).reset_index().astype(float)
        return cls(*table.to_numpy().T, supervised)

    def distance(
        self, student_params: ArrayLike, student_tokens: ArrayLike, teacher_loss: ArrayLike
    ) -> np.ndarray:
        """How far settings are from the nearest run, each factor e of a quantity counting one.

        The quantities are N_S, D_S and (L_T - E) / (L(N_S, D_S) - E), the teacher's error over what
        the student would have alone; along the last all between a student's teachers is near.
        """
        inputs = np.broadcast_arrays(student_params, student_tokens, teacher_loss)
        size, tokens, teacher = (np.asarray(x, float)[..., None] for x in inputs)
        log_u = self._log_u(size, tokens, teacher)
        low = self._log_u(self.student_params, self.student_tokens, self.best_teacher)
        high = self._log_u(self.student_params, self.student_tokens, self.worst_teacher)
        apart = np.log(size / self.student_params) ** 2 + np.log(tokens / self.student_tokens) ** 2
        apart = apart + np.maximum(np.maximum(low - log_u, log_u - high), 0) ** 2
        return np.sqrt(apart.min(axis=-1))

    def _log_u(self, params, tokens, teacher_loss):
        alone = np.exp(self.supervised.log_loss(np.log(params), np.log(tokens)))
        entropy = self.supervised.E
        return np.log(np.maximum(teacher_loss - entropy, 1e-6) / (alone - entropy))


@dataclass(frozen=True)
class Ensemble:
    """Distillation laws of several forms with weights.

    - names: where each comes from, such as "equation8 3, delta 0.001" or "corrected".
    - forms: keys of `laws.FORMS`.
    - weights: array (members,); positive, sum 1.
    - scales: array (members,); mean absolute residual of log-loss of one run, whatever the law.
    - seen: the runs; without them no `predict`.
    - growth: deviation of log-loss that all laws share, for each unit of `Seen.distance`: what they
      have missed by on runs kept from them.
    """

    members: tuple
    names: tuple
    forms: tuple
    weights: np.ndarray
    scales: np.ndarray
    seen: Seen | None = None
    growth: float = 0.0

    def losses(
        self, student_params: ArrayLike, student_tokens: ArrayLike, teacher_loss: ArrayLike
    ) -> np.ndarray:
        """L_S under each law, an array (members, ...); arguments as for `DistillationLaw.loss`."""
        return np.array(
            [m.loss(student_params, student_tokens, teacher_loss) for m in self.members]
        )

    def quantiles(
        self,
        values: ArrayLike,
        levels: ArrayLike,
        deviation: ArrayLike = 0.0,
        within: tuple[ArrayLike, ArrayLike] = (-np.inf, np.inf),
    ) -> np.ndarray:
        """Weighted quantiles over the laws.

        - values: array_like (members, ...); one answer a law; inf, say "never", is an answer too.
        - levels: between 0 and 1.
        - deviation: of what is asked for about each law's answer, normal; broadcasts against
          `values`.
        - within: the least and the most to which it can deviate; broadcasts likewise.
        - returns: array, shape of `levels`, then the rest of the shape of `values`; the smallest
          value that laws of at least that weight do not exceed.
        """
        values, weights = self._one_each(values), self.weights
        if np.any(deviation):
            drawn = [np.clip(values + point * deviation, *within) for point in NORMAL]
            values = np.concatenate(drawn)
            weights = np.tile(weights / len(NORMAL), len(NORMAL))
        return np.quantile(values, levels, axis=0, weights=weights, method="inverted_cdf")

    def interval(self, values: ArrayLike, level: float = LEVEL, *spread: Any) -> np.ndarray:
        """Low, centre and high over the laws, of every number that money hangs on, (3, ...).

        The centre is the laws' weighted median, so that no answer is one law's.

        - level: weight of the laws between low and high.
        - values, spread: as values, deviation and within for `quantiles`.
        """
        return self.quantiles(values, [(1 - level) / 2, 0.5, (1 + level) / 2], *spread)

    def share(self, condition: ArrayLike) -> np.ndarray:
        """Weight of the laws under which `condition` (bool, (members, ...)) holds."""
        condition = self._one_each(condition)
        if condition.dtype != bool:
            raise ValueError(f"condition is {condition.dtype}; it must be bool")
        return np.tensordot(self.weights, condition, 1)

    def predict(
        self,
        student_params: ArrayLike,
        student_tokens: ArrayLike,
        teacher_loss: ArrayLike,
        level: float = LEVEL,
    ) -> pd.DataFrame:
        """Where a new run's loss will lie.

        In the range are the spread of the laws, one run's scatter and the discrepancy, which grows
        with the distance from the runs: its log is normal about each law's, and it does not end
        below the entropy of the text as that law has it. Arguments as for `StudentLaw.loss`.

        - returns: one row a run: student_params, student_tokens, teacher_loss; low, centre, high,
          nats per token; level and kind of that range; distance, by `Seen.distance`, and
          discrepancy, the deviation of log-loss that it makes.
        - raises ValueError: where `level` is not between 0 and 1, or the ensemble does not know its
          runs.
        """
        if not 0 < level < 1:
            raise ValueError(f"level is {level!r}; it must be between 0 and 1")
        if self.seen is None:
            raise ValueError("the ensemble has no `seen`: it does not know how far its runs are")
        inputs = [
            np.ravel(x) for x in np.broadcast_arrays(student_params, student_tokens, teacher_loss)
        ]
        distance = self.seen.distance(*inputs)
        discrepancy = self.growth * distance
        scales, entropies = self.scales[:, None], self.entropies[:, None]
        # A Laplace distribution deviates by the square root of two of its mean size.
        deviation, within = np.sqrt(2 * scales**2 + discrepancy**2), (np.log(entropies), np.inf)
        log_losses = np.log(self.losses(*inputs))
        low, centre, high = np.exp(self.interval(log_losses, level, deviation, within))
        names = "student_params", "student_tokens", "teacher_loss", "low", "centre", "high"
        found = dict(zip(names, (*inputs, low, centre, high), strict=True))
        found |= {"level": level, "kind": "new run"}
        return pd.DataFrame(found | {"distance": distance, "discrepancy": discrepancy})

    def gain_discrepancy(
        self, student_params: ArrayLike, student_tokens: ArrayLike, teacher_loss: ArrayLike
    ) -> np.ndarray:
        """Deviation of the log of distilled over supervised loss, beside what the laws leave open.

        Arguments as for `StudentLaw.loss`. 0 where the ensemble does not know its runs.
        """
        if self.seen is None:
            return np.zeros(np.broadcast(student_params, student_tokens, teacher_loss).shape)
        distance = self.seen.distance(student_params, student_tokens, teacher_loss)
        return GAIN_GROWTH / GROWTH * self.growth * distance

    def only(self, which: ArrayLike) -> "Ensemble":
        """The members that `which` (bool, one each) names, weighted anew."""
        at = np.flatnonzero(self._one_each(which))
        if not len(at):
            raise ValueError("which names no member")
        return self._part(at, self.weights[at] / self.weights[at].sum())

    def _part(self, at, weights):
        members, names, forms = (
            tuple(part[i] for i in at) for part in (self.members, self.names, self.forms)
        )
        return replace(
            self, members=members, names=names, forms=forms, weights=weights, scales=self.scales[at]
        )

    @cached_property
    def entropies(self) -> np.ndarray:
        """E of each law, below which no run ends, (members,)."""
        return np.array([law.supervised.E for law in self.members])

    @cached_property
    def passes_floor(self) -> np.ndarray:
        """Which laws let some student of 300M to 10B pass its own supervised floor, (members,).

        By more than half a millinat; `limits.below_floor` says by how much.
        """
        sizes = np.geomspace(300e6, 10e9, 4)
        return np.array([below_floor(law, sizes).max() > _PASSES for law in self.members])

    def by_form(
        self,
        values: ArrayLike,
        level: float = LEVEL,
        deviation: float = 0.0,
        most: ArrayLike = np.inf,
    ) -> pd.DataFrame:
        """One answer a law, form by form, so that nothing counts forms.

        - values: array_like (members,)
        - deviation, most: as `deviation` and the second of `within` for `quantiles`.
        - returns: indexed by form, the heaviest first, then "passes its floor", "respects its
          floor" and "all": laws (how many), weight, low, centre, high (quantiles of their values;
          inf is an answer too), level.
        """
        values, forms, passes = self._one_each(values), np.array(self.forms), self.passes_floor
        most = np.broadcast_to(most, values.shape)
        heaviest = sorted(set(self.forms), key=lambda form: -self.weights[forms == form].sum())
        groups = {form: forms == form for form in heaviest}
        groups |= {"passes its floor": passes, "respects its floor": ~passes}
        groups["all"] = np.ones(len(forms), bool)
        rows = {}
        for name, of in groups.items():
            if of.any():
                within = -np.inf, most[of]
                ends = self.only(of).interval(values[of], level, deviation, within)
                rows[name] = (int(of.sum()), self.weights[of].sum(), *ends, level)
        columns = ["laws", "weight", "low", "centre", "high", "level"]
        return pd.DataFrame(rows, index=columns).T.rename_axis("form").astype({"laws": int})

    def thin(self, count: int) -> "Ensemble":
        """`count` laws that stand for all: every form and named law keeps its weight.

        Members are drawn at even steps of the cumulated weight, and count alike afterwards.
        """
        if not 1 <= count <= len(self.members):
            raise ValueError(f"count is {count!r}; it must be from 1 to {len(self.members)}")
        steps = (np.arange(count) + 0.5) / count
        chosen = np.searchsorted(np.cumsum(self.weights), steps)
        kept, times = np.unique(chosen, return_counts=True)
        return self._part(kept, times / count)

    def _one_each(self, values):
        values = np.asarray(values)
        if values.ndim == 0 or len(values) != len(self.members):
            raise ValueError(
                f"values have shape {values.shape}; the first axis must be the "
                f"{len(self.members)} laws"
            )
        return values


def ensemble(name: str = "figure1") -> Ensemble:
    """The ensemble that ships with the package.

    - name: "figure1": laws fitted to the 328 runs of the paper's Figure 1, with `corrected` and the
      authors' own law as drawn there.
    """
    if name != "figure1":
        raise ValueError(f"ensemble is {name!r}; it must be 'figure1'")
    with (COEFFICIENTS / f"ensemble_{name}_seen.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file)
    with (COEFFICIENTS / f"ensemble_{name}.csv").open(encoding="utf-8") as file:
        return from_rows(csv.DictReader(file), Seen(*table.to_numpy().T, load().supervised))


def from_rows(rows: Iterable[dict], seen: Seen | None = None) -> Ensemble:
    """An `Ensemble` from one row a law.

    - rows: name, form, weight, scale, supervised_E ... supervised_gamma, the coefficients of the
      form (those of other forms are ignored), and growth where there are runs seen.
    - seen: those runs.
    """
    rows = list(rows)
    members = []
    for row in rows:
        if row["form"] not in FORMS:
            raise ValueError(f"form is {row['form']!r}; it must be one of {list(FORMS)}")
        supervised = SupervisedLaw(*(float(row[f"supervised_{c}"]) for c in SupervisedLaw._fields))
        values = {c: float(row[c]) for c in FORMS[row["form"]].coefficient_names()}
        members.append(FORMS[row["form"]](**values, supervised=supervised))
    weights, scales = (np.array([float(row[key]) for row in rows]) for key in ("weight", "scale"))
    return Ensemble(
        tuple(members),
        tuple(row["name"] for row in rows),
        tuple(row["form"] for row in rows),
        weights / weights.sum(),
        scales,
        seen,
        float(rows[0]["growth"]) if seen else 0.0,
    )
