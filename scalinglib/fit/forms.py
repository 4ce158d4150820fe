"""Other laws to fit than the paper's two: the forms of `laws.forms`, and repeated tokens."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from scalinglib.fit.distillation import DISTILLATION
from scalinglib.fit.spec import POWER_RANGES, LawSpec, Probe, or_fixed
from scalinglib.laws import forms
from scalinglib.laws.repeated import RepeatedLaw

_COLUMNS = DISTILLATION.columns
_DATA = {"B": (0.1, 30.0), "beta": (0.2, 0.8)}
_TERMS = {"B": ("beta", "student_tokens")}


@dataclass(frozen=True, eq=False)
class _BiasVarianceSpec(LawSpec):
    """D0's ranges are in the (geometric) mean of the tokens, those of s are of its odds."""

    def coefficients_at(self, z: np.ndarray, fixed: np.ndarray, centre: np.ndarray) -> np.ndarray:
        shift = jnp.zeros(len(z)).at[0].set(centre[1])
        values = jnp.where(jnp.arange(len(z)) == 5, z, jnp.exp(z + shift))
        return or_fixed(fixed, values.at[1].set(jax.nn.sigmoid(z[1])))


BIAS_VARIANCE = _BiasVarianceSpec(
    name="bias_variance",
    law=forms.BiasVariance,
    columns=_COLUMNS,
    ranges={
        "D0": (3e-3, 0.3),
        "s": (0.15, 15.0),
        "k": (3.0, 27.0),
        "kappa": (0.5, 2.0),
        "p": (1.0, 12.0),
        "rho": (-0.3, 0.1),
    },
    ridges={
        ("s", "p"): "the part that is variance, and how fast it fades",
        ("kappa", "p"): "both say where the variance fades",
        ("s", "rho"): "the cross term grows with the variance",
    },
    probes=(Probe("s", ("kappa", "p"), (0.8, 1.2)),),
)
FLOOR_KEPT = replace(BIAS_VARIANCE, name="floor_kept", law=forms.FloorKept)
COSINE = LawSpec(
    name="cosine",
    law=forms.Cosine,
    columns=_COLUMNS,
    ranges=_DATA | {"kappa": (0.5, 2.0), "p": (0.7, 4.5), "rho": (-0.3, 0.2)},
    terms=_TERMS,
    ridges={("kappa", "p"): "both say where K collapses"},
)
DIP = LawSpec(
    name="dip",
    law=forms.Dip,
    columns=_COLUMNS,
    ranges=_DATA | {"k": (2.0, 20.0), "r": (-0.3, 0.2)},
    terms=_TERMS,
)
DATA_DIP = replace(DIP, name="data_dip", law=forms.DataDip)
TWO_PART = LawSpec(
    name="two_part",
    law=forms.TwoPart,
    columns=_COLUMNS,
    ranges=_DATA | {"k": (2.0, 20.0), "kappa": (0.5, 2.0), "p": (0.7, 8.0)},
    terms=_TERMS,
    ridges={("kappa", "p"): "both say where the data part fades"},
)
REPEATED = LawSpec(
    name="repeated",
    law=RepeatedLaw,
    columns=("params", "tokens", "unique_tokens", "loss"),
    ranges=POWER_RANGES | {"E": (0.3, 2.3), "R_D": (2.0, 100.0), "R_N": (0.5, 50.0)},
    terms={"A": ("alpha", "params"), "B": ("beta", "tokens")},
)
