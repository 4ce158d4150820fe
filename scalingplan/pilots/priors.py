"""From nothing, or from fewer runs than coefficients: a prior on a law, and what runs make of it.

Coordinates are the supervised law's value in the middle of the candidates, what of it is E, how the
power terms share the rest, and their slopes; then, on log scale, what `fit.BIAS_VARIANCE` holds
plausible. A Gaussian there is a prior that says little; the posterior is Laplace's approximation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from scipy.stats import norm, qmc

from scalinglib.checks import positive
from scalinglib.fit.forms import BIAS_VARIANCE
from scalinglib.laws import Law, SupervisedLaw
from scalinglib.laws.forms import BiasVariance
from scalingplan.pilots.worlds import INPUTS, Discrepancy, Worlds, inputs, seed_noise

# Mean and standard deviation of: log loss in the middle; logits of E's share of it and of the size
# term's share of the rest; logs of alpha gamma, beta gamma and gamma.
_SUPERVISED = np.array([(1.0, 0.5), (0.5, 1.2), (0.0, 1.0), (-1.1, 0.5), (-1.1, 0.5), (-0.2, 0.4)])
_RANGES = BIAS_VARIANCE.ranges
_OWN = np.array(
    [(np.mean(r), np.ptp(r) / 4) if name == "rho" else (np.log(r).mean(), np.ptp(np.log(r)) / 4)
     for name, r in _RANGES.items()]
)  # fmt: skip
_CLOSE, _SLOPE = 1e-6, 1e-4


@dataclass(frozen=True)
class Prior:
    """What is believed before any run.

    - params, tokens: the middle of the candidates.
    - supervised: the law of models on labels where it is known; None leaves it to the runs.
    - distilled: whether there are students; without them the law is the supervised one.
    """

    params: float
    tokens: float
    supervised: SupervisedLaw | None = None
    distilled: bool = True

    def __post_init__(self):
        """Refuse what has no coordinates."""
        if self.supervised and not self.distilled:
            raise ValueError("supervised is held and distilled is False; nothing is left to learn")

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Mean and standard deviation of each, (2, coordinates)."""
        parts = [] if self.supervised else [_SUPERVISED]
        return np.concatenate(parts + [_OWN] * self.distilled).T

    @classmethod
    def around(cls, candidates: pd.DataFrame, supervised: SupervisedLaw | None = None) -> "Prior":
        """The prior in the middle of some candidates."""
        runs = inputs(candidates, "candidates")
        taught = runs[["teacher_params", "teacher_loss"]].notna().any(axis=None)
        middle = np.exp(np.log(runs[list(INPUTS[:2])]).mean())
        return cls(*middle, supervised=supervised, distilled=bool(taught))

    def laws(self, z: np.ndarray) -> Law:
        """The laws at standardised coordinates (laws, coordinates), as one of columns."""
        mean, deviation = self.coordinates
        at = (mean + z * deviation).T[..., None]
        supervised = self.supervised
        if supervised is None:
            level, share, split, size, data, gamma = at[:6]
            at = at[6:]
            gamma = np.exp(gamma)
            alpha, beta = np.exp(size) / gamma, np.exp(data) / gamma
            loss, share, split = np.exp(level), 1 / (1 + np.exp(-share)), 1 / (1 + np.exp(-split))
            terms = ((1 - share) * loss) ** (1 / gamma)
            supervised = SupervisedLaw(
                share * loss,
                split * terms * self.params**alpha,
                (1 - split) * terms * self.tokens**beta,
                alpha,
                beta,
                gamma,
            )
        if not self.distilled:
            return supervised
        d0, s, *shape, rho = at
        odds = np.exp(s)
        return BiasVariance(
            np.exp(d0) * self.tokens, odds / (1 + odds), *np.exp(shape), rho, supervised
        )

    def worlds(self, count: int = 256, seed: int = 0) -> Worlds:
        """Laws drawn from the prior."""
        return Worlds((self.laws(_normal(count, self.coordinates.shape[1], seed)),), _even(count))


def posterior(
    prior: Prior,
    runs: pd.DataFrame,
    *,
    noise: float,
    discrepancy: Discrepancy | None = None,
    count: int = 256,
    seed: int = 0,
) -> Worlds:
    """Laws drawn from what runs leave of a prior.

    - runs: `INPUTS`, loss (nats per token), and `run` where rows are of one learning curve; with no
      runs the prior's laws come back.
    - noise: standard deviation of one run's log-loss over seeds.
    - raises ValueError: of runs that `worlds.inputs` refuses, or whose loss is not positive.
    """
    if not len(runs):
        return prior.worlds(count, seed)
    positive("noise", noise)
    rows, target = inputs(runs), np.log(positive("loss", runs.loss))
    covariance = (discrepancy or Discrepancy()).covariance(rows, rows)
    whiten = np.linalg.inv(np.linalg.cholesky(covariance + seed_noise(runs, noise)))

    @np.errstate(over="ignore", invalid="ignore")
    def residuals(z):
        """Standardised, (laws, runs and coordinates)."""
        found = Worlds((prior.laws(z),), _even(len(z))).log_losses(rows) - target
        return np.hstack([np.nan_to_num(found, nan=9.0) @ whiten.T, z])

    size = prior.coordinates.shape[1]
    starts = np.vstack([np.zeros(size), _normal(64, size, seed)])
    order = np.argsort((residuals(starts) ** 2).sum(axis=1), kind="stable")[:4]
    best = min((_descend(residuals, starts[i]) for i in order), key=lambda end: end.cost)
    scale = np.linalg.cholesky(np.linalg.inv(best.jac.T @ best.jac))
    drawn = best.x + _normal(count, size, seed) @ scale.T
    drawn[0] = best.x
    return Worlds((prior.laws(drawn),), _even(count))


def _descend(residuals: Callable, z):
    """The nearest minimum of the sum of squares, as SciPy finds it."""
    steps = _SLOPE * np.eye(len(z))

    def slopes(at):
        return ((residuals(at + steps) - residuals(at[None])) / _SLOPE).T

    return least_squares(lambda at: residuals(at[None])[0], z, slopes, method="lm", ftol=_CLOSE)


def _normal(count, size, seed):
    """Even draws of a standard normal, (count, size)."""
    points = qmc.Sobol(size, rng=np.random.default_rng(seed))
    uniform = points.random_base2(int(np.ceil(np.log2(max(count, 2)))))[:count]
    return norm.ppf(np.clip(uniform, 1e-6, 1 - 1e-6))


def _even(count):
    return np.full(count, 1 / count)
