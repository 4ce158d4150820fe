"""The distillation law to fit, the supervised one held, in coordinates that runs measure (F.2).

L_S - L_T in the middle of the runs and its slopes there, the sharing of the power terms, and for
the teacher's part the strength, sharpness and amplitude of the gap.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from scalinglib.fit.powers import LOG_GAMMA, LOG_SLOPES, SHARES, logit, power_edges, power_terms
from scalinglib.fit.spec import POWER_RIDGES, Edges, LawSpec, Probe, or_fixed
from scalinglib.laws import DistillationLaw, SupervisedLaw


@dataclass(frozen=True, eq=False)
class _DistillationSpec(LawSpec):
    @property
    def signed(self) -> tuple[str, ...]:
        return ("c0",)

    def centre(self, logs: np.ndarray, supervised: SupervisedLaw | None) -> np.ndarray:
        """Means of log N_S, log D_S, log L_T and log L_T - log L̃_S."""
        size, data, teacher = logs[:3]
        excess = (teacher - supervised.log_loss(size, data)).mean()
        return np.array([*logs[:3].mean(axis=1), excess])

    def coefficients_at(self, z: np.ndarray, fixed: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(A, B, alpha, beta, gamma, c0, c1, d1, f1).

        z: log of L_S - L_T in the middle, four of `power_terms`, the total slope in log L_T, then
        log strength, log f1 and 1 / (c1 f1): strength is what the exponent c1 f1 log(1 + u) in the
        middle becomes as c1 grows without bound, which is a finite distance away in the last one.
        """
        f1 = or_fixed(fixed[8], jnp.exp(z[7]))
        c1 = or_fixed(fixed[6], 1 / (z[8] * f1))
        log_u = z[6] - jnp.log(c1 * f1)
        d1 = or_fixed(fixed[7], jnp.exp(centre[3] - f1 * log_u))
        log_u = (centre[3] - jnp.log(d1)) / f1
        slope = c1 * jax.nn.sigmoid(log_u)
        c0 = or_fixed(fixed[5], z[5] - slope)
        level = z[0] + c0 * centre[2] + c1 * f1 * jax.nn.softplus(log_u)
        terms = power_terms(z[1:], level, 0.0, fixed, centre)
        return jnp.stack([*terms, c0, c1, d1, f1])

    def box(self, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        level = logs[-1].max() + np.array([-15.0, 3.0])
        terms = [SHARES, LOG_SLOPES, LOG_SLOPES, LOG_GAMMA]
        # c1 f1 ends at 1e8, where the law is its limit to eight digits.
        pairs = [level, *terms, (-60.0, 60.0), (-12.0, 7.0), (-6.0, 3.0), (1e-8, 20.0)]
        return np.array(pairs, float).T

    @property
    def edges(self) -> Edges:
        return power_edges(1) | {
            5: ({"c0": "<"}, {"c0": ">"}),
            6: ({"d1": ">"}, {"d1": "<"}),
            7: ({"f1": "<"}, {"f1": ">"}),
            8: ({"c1": ">", "d1": ">"}, {"c1": "<"}),  # on its way to the limit c1 takes d1 along
        }

    def starts(self, logs: np.ndarray) -> np.ndarray:
        """4096 of them."""
        excess = np.exp(logs[-1]) - np.exp(logs[2])
        level = np.log(np.median(excess[excess > 0])) if (excess > 0).any() else -5.0
        axes = (
            [0.3, 0.7],  # share of the size term
            [0.05, 0.15, 0.4, 0.8],  # alpha gamma
            [0.05, 0.15, 0.4, 0.8],  # beta gamma
            [0.4, 1.0],  # gamma
            [-8.0, -2.0],  # slope in log L_T
            [0.3, 1.0, 3.0, 10.0],  # strength of the gap
            [0.05, 0.1, 0.3, 0.8],  # f1
            [3.0, 100.0],  # amplitude
        )
        share, size, data, gamma, slope, strength, f1, amplitude = np.array(list(product(*axes))).T
        slopes = np.log(size * share), np.log(data * (1 - share))
        gap = np.log(strength), np.log(f1), 1 / amplitude
        columns = [np.full(len(gamma), level), logit(share), *slopes, np.log(gamma), slope, *gap]
        return np.stack(columns, axis=1)

    def suspicions(self, runs: pd.DataFrame, supervised: SupervisedLaw | None) -> Iterable[str]:
        if supervised is not None:
            sizes, tokens = runs.student_params.to_numpy(), runs.student_tokens.to_numpy()
            ratio = float(np.median(runs.student_loss / supervised.loss(sizes, tokens)))
            if abs(ratio * np.log(2) - 1) < 0.1:
                yield (
                    f"column student_loss is about {ratio:.2f} times what the supervised law gives "
                    "for these sizes: losses in bits?"
                )
        if runs.teacher_loss.max() / runs.teacher_loss.min() < 1.1:
            yield "column teacher_loss spans less than 10%: c0, d1 and f1 are hardly told"


DISTILLATION = _DistillationSpec(
    name="distillation",
    law=DistillationLaw,
    columns=("student_params", "student_tokens", "teacher_loss", "student_loss"),
    ridges=POWER_RIDGES
    | {
        ("c1", "d1"): "as c1 grows with d1 the teacher's factor tends to a limit: "
        "neither has a value of its own",
        ("c1", "f1"): "only c1 f1 log(1 + ...) enters: c1 alone has no value of its own",
        ("d1", "f1"): "d1 and f1 share the place and the sharpness of the transition",
        ("A", "c0"): "L_T^-c0 scales the power terms as A and B do where L_T hardly varies",
    },
    probes=(Probe("c1", ("d1", "f1"), (0.2, 5.0)),),
)
