"""Laws that fit the same runs about equally well, with weights: what the evidence leaves open.

One law gives one answer; where a decision hangs on some mnats between two extrapolated losses, the
share of the laws that agree is the answer. `tools/once/ensemble.py` builds the table and says how.

>>> laws = ensemble("figure1")
>>> losses = laws.losses(1e9, 2e10, 2.1)
>>> laws.quantiles(losses, [0.05, 0.5, 0.95]).round(2)
array([2.31, 2.32, 2.32])
"""

import csv
from dataclasses import dataclass

import numpy as np

from scalinglib.laws.equations import SupervisedLaw
from scalinglib.laws.forms import FORMS
from scalinglib.laws.named import COEFFICIENTS

__all__ = ["Ensemble", "ensemble", "from_rows"]

_RESIDUALS = 41  # points that stand for one run's residual


@dataclass(frozen=True)
class Ensemble:
    """Distillation laws of several forms with weights.

    Attributes
    ----------
    members : tuple of laws
        `DistillationLaw` or a form of `laws.forms`, each with its own `supervised`.
    names : tuple of str
        Where each comes from, such as "cosine 3, delta 0.001" or "corrected".
    forms : tuple of str
        Keys of `laws.FORMS`.
    weights : array (members,)
        Positive, sum 1.
    scales : array (members,)
        Mean absolute residual of log-loss of one run, whatever the law.
    """

    members: tuple
    names: tuple
    forms: tuple
    weights: np.ndarray
    scales: np.ndarray

    def losses(self, student_params, student_tokens, teacher_loss):
        """L_S under each law, an array (members, ...); arguments as for `DistillationLaw.loss`."""
        return np.array(
            [m.loss(student_params, student_tokens, teacher_loss) for m in self.members]
        )

    def quantiles(self, values, levels):
        """Weighted quantiles over the laws.

        Parameters
        ----------
        values : array_like (members, ...)
            One answer a law; inf, say "never", is an answer too.
        levels : array_like
            Between 0 and 1.

        Returns
        -------
        array, shape of `levels`, then the rest of the shape of `values`
            The smallest value that laws of at least that weight do not exceed.
        """
        values = self._one_each(values)
        return _quantiles(values, self.weights, levels)

    def share(self, condition):
        """Weight of the laws under which `condition` (bool, (members, ...)) holds."""
        condition = self._one_each(condition)
        if condition.dtype != bool:
            raise ValueError(f"condition is {condition.dtype}; it must be bool")
        return np.tensordot(self.weights, condition, 1)

    def run_quantiles(self, losses, levels):
        """Quantiles of a new run's loss: the laws' spread and one run's residual.

        Parameters
        ----------
        losses : array (members, ...)
            What `losses` gives.
        levels : array_like

        Returns
        -------
        array, shape of `levels`, then the rest
            The residual is Laplace, as Huber with a small delta takes it to be, of the mean size
            in `scales`.
        """
        losses = self._one_each(losses)
        tail = 2 * (np.arange(_RESIDUALS) + 0.5) / _RESIDUALS - 1
        residual = -np.sign(tail) * np.log1p(-np.abs(tail))
        shape = (-1,) + (1,) * (losses.ndim - 1)
        drawn = [losses * np.exp(q * self.scales.reshape(shape)) for q in residual]
        weights = np.tile(self.weights / _RESIDUALS, _RESIDUALS)
        return _quantiles(np.concatenate(drawn), weights, levels)

    def thin(self, count):
        """`count` laws that stand for all: every form and named law keeps its weight.

        Members are drawn at even steps of the cumulated weight, and count alike afterwards.
        """
        if not 1 <= count <= len(self.members):
            raise ValueError(f"count is {count!r}; it must be from 1 to {len(self.members)}")
        steps = (np.arange(count) + 0.5) / count
        chosen = np.searchsorted(np.cumsum(self.weights), steps)
        kept, times = np.unique(chosen, return_counts=True)
        members, names, forms = (
            tuple(part[i] for i in kept) for part in (self.members, self.names, self.forms)
        )
        return Ensemble(members, names, forms, times / count, self.scales[kept])

    def _one_each(self, values):
        values = np.asarray(values)
        if values.ndim == 0 or len(values) != len(self.members):
            raise ValueError(
                f"values have shape {values.shape}; the first axis must be the "
                f"{len(self.members)} laws"
            )
        return values


def ensemble(name="figure1"):
    """The ensemble that ships with the package.

    Parameters
    ----------
    name : str
        "figure1": laws fitted to the 328 runs of the paper's Figure 1, with `corrected` and the
        authors' own law as drawn there.
    """
    if name != "figure1":
        raise ValueError(f"ensemble is {name!r}; it must be 'figure1'")
    with (COEFFICIENTS / f"ensemble_{name}.csv").open(encoding="utf-8") as file:
        return from_rows(csv.DictReader(file))


def from_rows(rows):
    """An `Ensemble` from one row a law.

    Parameters
    ----------
    rows : iterable of dicts
        name, form, weight, scale, supervised_E ... supervised_gamma, and the coefficients of the
        form; those of other forms are ignored.
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
    )


def _quantiles(values, weights, levels):
    return np.quantile(values, levels, axis=0, weights=weights, method="inverted_cdf")
