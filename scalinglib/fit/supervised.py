"""The supervised law to fit, in coordinates that runs measure (Section F.1).

The law's value in the middle of the runs and its slopes there, then what only its curvature tells:
how much of the value is E, how the power terms share the rest, gamma. A coefficient that the caller
fixes replaces what the coordinates say; the same compiled code serves any choice of them.
"""

from dataclasses import dataclass
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np

from scalinglib.fit.powers import LOG_GAMMA, LOG_SLOPES, SHARES, logit, power_edges, power_terms
from scalinglib.fit.spec import POWER_RIDGES, Edges, LawSpec, Probe, or_fixed
from scalinglib.laws import SupervisedLaw


@dataclass(frozen=True, eq=False)
class _SupervisedSpec(LawSpec):
    def coefficients_at(self, z: np.ndarray, fixed: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(E, A, B, alpha, beta, gamma).

        z: log of the loss in the middle of the data, logit of E's share of it, then `power_terms`,
        with slopes of log L.
        """
        share = jnp.where(jnp.isnan(fixed[0]), z[1], 0.0)
        e = or_fixed(fixed[0], jnp.exp(z[0] + jax.nn.log_sigmoid(share)))
        log_rest = jax.nn.log_sigmoid(-share)
        terms = power_terms(z[2:], z[0] + log_rest, -log_rest, fixed[1:], centre)
        return jnp.stack([e, *terms])

    def box(self, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        level = logs[-1].min() - 1, logs[-1].max() + 1
        return np.array([level, SHARES, SHARES, LOG_SLOPES, LOG_SLOPES, LOG_GAMMA], float).T

    @property
    def edges(self) -> Edges:
        return {1: ({"E": "<"}, {"E": ">"})} | power_edges(2)

    def starts(self, logs: np.ndarray) -> np.ndarray:
        """4500 of them."""
        axes = (
            [0.1, 0.3, 0.5, 0.7, 0.9],  # share of E
            [0.1, 0.3, 0.5, 0.7, 0.9],  # share of the size term in the rest
            [0.2, 0.4, 0.7, 1.0, 1.6],  # gamma
            [0.03, 0.07, 0.12, 0.25, 0.4, 0.7],  # alpha gamma
            [0.03, 0.07, 0.12, 0.25, 0.4, 0.7],  # beta gamma
        )
        share_e, share, gamma, size, data = np.array(list(product(*axes))).T
        slopes = np.log(size * share * (1 - share_e)), np.log(data * (1 - share) * (1 - share_e))
        level = np.full(len(gamma), np.median(logs[-1]))
        return np.stack([level, logit(share_e), logit(share), *slopes, np.log(gamma)], axis=1)


SUPERVISED = _SupervisedSpec(
    name="supervised",
    law=SupervisedLaw,
    columns=("params", "tokens", "loss"),
    ridges=POWER_RIDGES
    | {("gamma", "E"): "both bend the curve, and the runs are too narrow to tell which"},
    probes=(Probe("gamma", ("E",), (0.7, 1.5)),),
)
