"""What a few pairs of runs from outside say for a law of distillation.

A pair is one student trained on data and distilled, on the same tokens. Compared is the difference
of the two losses, in which text and tokenizer drop out to first order. What a source does not
state, a teacher's tokens say, is integrated over a prior; nothing is fitted.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from scalinglib.laws import StudentLaw

UNKNOWN = ("student_tokens", "teacher_tokens")  # what a prior may be given for
_POINTS = 201  # of the grid over each unknown


def gain(
    law: StudentLaw,
    student_params: np.ndarray,
    student_tokens: np.ndarray,
    teacher_params: np.ndarray,
    teacher_tokens: np.ndarray,
) -> np.ndarray:
    """Distilled less supervised at equal tokens, nats per token; all broadcast.

    The teacher's loss is that of the law's own supervised part.
    """
    teacher_loss = law.supervised.loss(teacher_params, teacher_tokens)
    supervised = law.supervised.loss(student_params, student_tokens)
    return law.loss(student_params, student_tokens, teacher_loss) - supervised


def _grid(pairs, priors):
    """Each unknown evenly in logs between the ends of its prior, the last axes of what follows."""
    unknown = [name for name in priors if priors[name] is not None]
    for name in unknown:
        low, high = priors[name]
        if name not in UNKNOWN or not 0 < low <= high < np.inf:
            raise ValueError(
                f"priors[{name!r}] is {priors[name]!r}; it must be two positive numbers, the lower "
                f"first, for {' or '.join(UNKNOWN)}"
            )
    points = [np.geomspace(*priors[name], _POINTS) for name in unknown]
    meshes = dict(zip(unknown, np.meshgrid(*points, indexing="ij"), strict=True))
    shape = (-1,) + (1,) * len(unknown)
    inputs = {}
    for name in ("student_params", "student_tokens", "teacher_params", "teacher_tokens"):
        values = meshes.get(name)
        known = pairs[name].to_numpy(float).reshape(shape)
        inputs[name] = known if values is None else values[None]
        if not np.isfinite(inputs[name]).all():
            raise ValueError(f"pairs lack {name} in some row, and priors have none for it")
    return inputs


def foretold(
    law: StudentLaw, pairs: pd.DataFrame, priors: Mapping[str, tuple[float, float]], levels: list
) -> np.ndarray:
    """Quantiles of the gain over the prior of what is not stated.

    - pairs: student_params, student_tokens, teacher_params, teacher_tokens.
    - priors: for each unknown the lowest and highest value, even in logs between them.
    - levels: between 0 and 1.
    - returns: array (levels, pairs)
    """
    gains = gain(law, **_grid(pairs, priors))
    return np.quantile(gains.reshape(len(pairs), -1), levels, axis=1)


def evidence(
    law: StudentLaw,
    pairs: pd.DataFrame,
    priors: Mapping[str, tuple[float, float]],
    *,
    common: float,
) -> float:
    """Log of the likelihood of one witness's gains, what is not stated integrated over its prior.

    - pairs: as for `foretold`, with measured (distilled less supervised) and precision (of one
      loss): rows of one pair of curves.
    - common: standard deviation of what all rows are off together, nats: the scatter of a run, the
      text, the schedule, which do not average out along a curve.
    """
    off = pairs.measured.to_numpy()[:, None] - gain(law, **_grid(pairs, priors)).reshape(
        len(pairs), -1
    )
    own = 2 * pairs.precision.to_numpy(float) ** 2
    covariance = np.diag(own) + common**2
    _, size = np.linalg.slogdet(2 * np.pi * covariance)
    log_likelihood = -0.5 * (size + (off * np.linalg.solve(covariance, off)).sum(axis=0))
    highest = log_likelihood.max()
    return float(highest + np.log(np.exp(log_likelihood - highest).mean()))
