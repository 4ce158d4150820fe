"""Fit scaling laws to a table of runs, and say what the data can tell.

For anyone with a table of training runs: `fit_supervised` and `fit_distillation` give the law with
intervals, `explain` says in words what to distrust, and `predict` gives a band for the law and a
wider one for a new run. `fit` does so for any law that a `LawSpec` describes.

>>> from scalinglib import fit, laws, simulate
>>> runs = simulate.supervised_runs(laws.load().supervised, noise=0.005)
>>> found = fit.fit_supervised(runs, starts=64)
>>> round(found.law.loss(1e9, 2e10) / laws.load().supervised.loss(1e9, 2e10), 2)
np.float64(1.0)
"""

from scalinglib.fit import paper
from scalinglib.fit.diagnosis import explain, hold_out, isoflop_minimum, profile, ridges
from scalinglib.fit.extrapolation import (
    dominated_pairs,
    fit_dominated_pairs,
    laws_of_parts,
    reach,
    rolling_hold_outs,
)
from scalinglib.fit.fitting import FitWarning, fit, fit_distillation, fit_supervised
from scalinglib.fit.inputs import collinear
from scalinglib.fit.result import Fit, Status
from scalinglib.fit.spec import POWER_RIDGES, LawSpec, Probe

__all__ = [
    "POWER_RIDGES",
    "Fit",
    "FitWarning",
    "LawSpec",
    "Probe",
    "Status",
    "collinear",
    "dominated_pairs",
    "explain",
    "fit",
    "fit_distillation",
    "fit_dominated_pairs",
    "fit_supervised",
    "hold_out",
    "isoflop_minimum",
    "laws_of_parts",
    "paper",
    "profile",
    "reach",
    "ridges",
    "rolling_hold_outs",
]
