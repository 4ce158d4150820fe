"""Does a model's confidence tell how often it is right? Reliability tables and ECE (Appendix E.8).

A confidence is a probability that a model gives to one symbol at one position, usually the symbol
that it thinks likeliest. What it is held against is called the outcome: whether that symbol came
(0 or 1), or a probability of the same symbol that somebody else gives.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scalinglib.checks import whole, within


def reliability(confidence: ArrayLike, outcome: ArrayLike, bins: int = 21) -> pd.DataFrame:
    """The mean outcome of predictions of like confidence: the numbers of a reliability plot.

    - confidence, outcome: (n,), in [0, 1]; outcome may be boolean.
    - bins: of equal width over [0, 1], each with its upper edge; 0 falls into the first.
    - returns: one row a bin that is not empty: bin (from 0), count, confidence and outcome (means),
      apart (mean distance of the two prediction by prediction, which no binning cancels).
    """
    whole("bins", bins, 1)
    confidence = _probabilities("confidence", confidence)
    outcome = _probabilities("outcome", outcome)
    if confidence.shape != outcome.shape:
        raise ValueError(
            f"outcome has shape {outcome.shape}; it must be that of confidence, {confidence.shape}"
        )
    which = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    count = np.bincount(which, minlength=bins)
    used = np.flatnonzero(count)
    columns = {
        "confidence": confidence,
        "outcome": outcome,
        "apart": np.abs(outcome - confidence),
    }
    means = {name: np.bincount(which, x)[used] / count[used] for name, x in columns.items()}
    return pd.DataFrame({"bin": used, "count": count[used], **means})


def error(table: pd.DataFrame) -> float:
    """The calibration error (ECE) of a table from `reliability`: Equation 38 or 39, in [0, 1]."""
    return float(np.average(np.abs(table.outcome - table.confidence), weights=table["count"]))


def bias(table: pd.DataFrame) -> float:
    """What `error` would be, on average, if each bin's labels were drawn from its confidence.

    The mean distance of a sample mean from its expectation, by the normal approximation: even a
    perfectly calibrated model has this much ECE against finitely many labels.
    """
    deviation = np.sqrt(table.confidence * (1 - table.confidence) / table["count"])
    return float(np.average(np.sqrt(2 / np.pi) * deviation, weights=table["count"]))


def _probabilities(name, values):
    values = within(name, values, 0, 1)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{name} has shape {values.shape}; it must be (n,), n at least 1")
    return values
