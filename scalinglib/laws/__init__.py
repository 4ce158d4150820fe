"""Scaling laws: the paper's two, other forms of them, named coefficients, and ensembles.

`load("corrected")` is the law to start from; `ensemble("figure1")` are the laws that fit the
paper's runs about equally well, for any answer that money hangs on.
"""

from scalinglib.laws.base import Law, StudentLaw
from scalinglib.laws.ensembles import Ensemble, Seen, ensemble
from scalinglib.laws.equations import (
    FITTED_RANGE,
    DistillationLaw,
    SupervisedLaw,
    inside_trained_range,
)
from scalinglib.laws.forms import FORMS
from scalinglib.laws.named import COEFFICIENTS, NAMES, load
from scalinglib.laws.repeated import RepeatedLaw, repeated

__all__ = [
    "COEFFICIENTS",
    "FITTED_RANGE",
    "FORMS",
    "NAMES",
    "DistillationLaw",
    "Ensemble",
    "Law",
    "RepeatedLaw",
    "Seen",
    "StudentLaw",
    "SupervisedLaw",
    "ensemble",
    "inside_trained_range",
    "load",
    "repeated",
]
