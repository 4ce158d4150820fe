"""The loss of a student that learns from teacher and labels at once, by their shares."""

import numpy as np
from numpy.typing import ArrayLike

from scalinglib.checks import positive, within

# c of students of 3 to 83 thousand parameters on words, and of 3 and 25 on real text (notebook 20).
CORRELATION, CORRELATION_OF_TEXT = 0.9, 0.97


def mixed_loss(
    labels_loss: ArrayLike,
    taught_loss: ArrayLike,
    mixing: ArrayLike,
    entropy: float,
    correlation: ArrayLike,
) -> np.ndarray:
    """Loss of a student under a share of teacher, from its losses under labels and teacher alone.

    L = E + (1 - lambda)^2 e0 + lambda^2 e1 + 2 lambda (1 - lambda) c sqrt(e0 e1), e0 and e1 the two
    losses above E: losses near their minimum are squares of errors, and the student's error is the
    mean of the two (data/runs/README.md derives it; Bates and Granger, 1969, of forecasts).

    - labels_loss, taught_loss: nats per token, at lambda 0 and 1, of the same student and tokens
    - mixing: lambda, in [0, 1]
    - entropy: E, nats per token, below both losses
    - correlation: c, in [-1, 1]
    """
    first, second = _errors(labels_loss, taught_loss, entropy)
    share = within("mixing", mixing, 0, 1)
    left = 1 - share
    crossed = 2 * within("correlation", correlation, -1, 1) * left * share * first * second
    return entropy + (left * first) ** 2 + (share * second) ** 2 + crossed


def best_mixing(
    labels_loss: ArrayLike, taught_loss: ArrayLike, entropy: float, correlation: ArrayLike
) -> np.ndarray:
    """The lambda with the least `mixed_loss`: 1 where e1 <= c^2 e0, 0 where e0 <= c^2 e1."""
    first, second = _errors(labels_loss, taught_loss, entropy)
    shared = within("correlation", correlation, -1, 1) * first * second
    spread = first**2 + second**2 - 2 * shared
    even = spread <= 1e-12 * first * second  # the same error twice: any lambda
    return np.clip(np.where(even, 1.0, (first**2 - shared) / np.where(even, 1, spread)), 0, 1)


def correlation_of(
    labels_loss: ArrayLike,
    taught_loss: ArrayLike,
    mixing: ArrayLike,
    loss: ArrayLike,
    entropy: float,
) -> float:
    """The c of `mixed_loss` with the least squared errors of measured losses, lambda inside."""
    first, second = _errors(labels_loss, taught_loss, entropy)
    share = np.asarray(mixing, dtype=float)
    slope = 2 * share * (1 - share) * first * second
    if not np.any(slope > 0):
        raise ValueError(f"mixing is {mixing!r}; it must hold shares between 0 and 1")
    rest = np.asarray(loss) - entropy - ((1 - share) * first) ** 2 - (share * second) ** 2
    return float(np.sum(slope * rest) / np.sum(slope**2))


def _errors(labels_loss, taught_loss, entropy):
    found = []
    for name, loss in (("labels_loss", labels_loss), ("taught_loss", taught_loss)):
        above = positive(name, loss) - entropy
        if np.any(above < 0):
            raise ValueError(f"{name} is {float(np.min(loss))!r}, below the entropy {entropy!r}")
        found.append(np.sqrt(above))
    return found
