"""The law of repeated tokens to fit."""

from scalinglib.fit.spec import LawSpec
from scalinglib.laws.repeated import RepeatedLaw

REPEATED = LawSpec(
    name="repeated",
    law=RepeatedLaw,
    columns=("params", "tokens", "unique_tokens", "loss"),
    ranges={
        "E": (0.3, 2.3),
        "A": (0.01, 30.0),
        "B": (0.01, 30.0),
        "alpha": (0.1, 1.0),
        "beta": (0.1, 1.0),
        "gamma": (0.2, 1.5),
        "R_D": (2.0, 100.0),
        "R_N": (0.5, 50.0),
    },
    terms={"A": ("alpha", "params"), "B": ("beta", "tokens")},
)
