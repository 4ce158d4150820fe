"""What a fit needs to know of a law: one object, which the solver and all reports read.

A new law is a formula and what is plausible for its coefficients: a `Law` and a `LawSpec` of it.
Fits, bootstrap, profiles, hold-outs, diagnosis and bands follow; tests/test_own_law.py has two.
Laws that deserve better coordinates override the methods here, as the paper's two do.

Coordinates are what a minimiser likes. log A and alpha are a bad pair, since no run lies near
N = 1: they move together along a narrow valley. The size of the term in the middle of the runs is
a better coordinate than log A, and `terms` asks for it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import qmc

from scalinglib.laws import Law, SupervisedLaw

_STARTS = 512
_ROOM = 3.0  # the box, over the plausible range: it stops runaways and does not steer

# By coordinate what the coefficients are at the lower and at the upper end of its box: bounds, not
# estimates. {"gamma": ">"} says that gamma would be larger without the box.
Edges = dict[int, tuple[dict[str, str], dict[str, str]]]
# Of A / N^alpha + B / D^beta, to the power of gamma, where they are the coordinates.
POWER_RANGES = {
    **dict.fromkeys(("A", "B"), (0.01, 30.0)),
    **dict.fromkeys(("alpha", "beta"), (0.1, 1.0)),
    "gamma": (0.2, 1.5),
}
POWER_RIDGES = {
    ("A", "alpha"): "A is the size term at N = 1, far from any run",
    ("B", "beta"): "B is the data term at D = 1, far from any run",
    ("alpha", "gamma"): "where one term rules, only alpha gamma is told",
    ("beta", "gamma"): "where one term rules, only beta gamma is told",
    ("A", "gamma"): "A^gamma is what the size term is worth",
    ("B", "gamma"): "B^gamma is what the data term is worth",
    ("A", "B"): "both are raised to gamma",
}


class Probe(NamedTuple):
    """A ridge that replicates may not show: `coefficient` held at multiples, the rest refitted."""

    coefficient: str
    partners: tuple
    factors: tuple


@dataclass(frozen=True, eq=False)
class LawSpec:
    """One law to fit.

    - law: a `Law`: its fields are the coefficients, in order, then `supervised` if it stands on a
      supervised law that is held.
    - columns: what it reads of a table of runs: the inputs in the order of `log_loss`, the measured
      loss last.
    - ranges: for each coefficient what is plausible. Where it is positive the coordinate is the
      log.
    - terms: {"A": ("alpha", "params")}: A is the scale of a term A / params^alpha. Its coordinate,
      and its range, are that term's in the (geometric) middle of the runs.
    - ridges: for pairs of coefficients the reason why they may move together.
    - raises ValueError: where these parts do not fit together: the part is named.
    """

    name: str
    law: type
    columns: tuple
    ranges: dict = field(default_factory=dict)
    terms: dict = field(default_factory=dict)
    ridges: dict = field(default_factory=dict)
    probes: tuple = ()

    def __post_init__(self):
        """Refuse names that are not there, and ranges that are none."""
        if not (isinstance(self.law, type) and issubclass(self.law, Law)):
            raise TypeError(f"law of {self.name} is {self.law!r}; it must be a subclass of Law")
        probed = (n for probe in self.probes for n in (probe.coefficient, *probe.partners))
        scaled = (n for scale, (exponent, _) in self.terms.items() for n in (scale, exponent))
        self._known("ranges", self.ranges, self.coefficients)
        self._known("terms", scaled, self.coefficients)
        self._known("terms", (column for _, column in self.terms.values()), self.columns[:-1])
        self._known("probes", probed, self.coefficients)
        for name, bounds in self.ranges.items():
            if np.shape(bounds) != (2,) or not -np.inf < bounds[0] < bounds[1] < np.inf:
                raise ValueError(
                    f"ranges[{name!r}] of {self.name} is {bounds!r}; it must be two finite "
                    "numbers, the lower first"
                )
        for name in self.terms:
            if name in self.signed:
                raise ValueError(
                    f"ranges[{name!r}] of {self.name} is {self.ranges[name]!r}; {name} is the "
                    "scale of a term and must be positive"
                )

    def _known(self, part, names, allowed):
        unknown = sorted(set(names) - set(allowed))
        if unknown:
            raise ValueError(
                f"{part} of {self.name} name {', '.join(map(repr, unknown))}; they may name "
                f"{', '.join(allowed)}"
            )

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Their names, in the order of the vectors that `coefficients_at` gives."""
        return self.law.coefficient_names()

    @property
    def needs_supervised(self) -> bool:
        """Whether a supervised law has to be given and is held."""
        return "supervised" in self.law._fields

    @property
    def signed(self) -> tuple[str, ...]:
        """Coefficients that may be zero or negative."""
        return tuple(name for name, (low, _) in self.ranges.items() if low <= 0)

    def build(self, values: ArrayLike, supervised: SupervisedLaw | None = None) -> Law:
        """The law with these coefficients (an array whose first axis they are)."""
        return self.law(*values, **({"supervised": supervised} if self.needs_supervised else {}))

    def centre(self, logs: np.ndarray, supervised: SupervisedLaw | None) -> np.ndarray:
        """What the coordinates are built around.

        - logs: array (columns, runs); logs of the table's columns.
        """
        return logs[:-1].mean(axis=1)

    def box(self, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds of the coordinates, two arrays (coordinates,)."""
        low, high = self._coordinate_ranges()
        middle, half = (low + high) / 2, (high - low) / 2
        return middle - _ROOM * half, middle + _ROOM * half

    @property
    def edges(self) -> Edges:
        """What a coordinate at an end of its box makes of the coefficients."""
        return {at: ({name: "<"}, {name: ">"}) for at, name in enumerate(self.coefficients)}

    def starts(self, logs: np.ndarray) -> np.ndarray:
        """The full set of starts, an array (starts, coordinates)."""
        low, high = self._coordinate_ranges()
        points = qmc.Sobol(len(low), rng=np.random.default_rng(0)).random(_STARTS)
        return low + (high - low) * points

    def coefficients_at(self, z: np.ndarray, fixed: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Coefficients of coordinates z, `fixed` where that is not NaN; all arrays, traced."""
        names, values = self.coefficients, {}
        for name in sorted(names, key=lambda name: name in self.terms):
            at = names.index(name)
            free = z[at]
            if name in self.terms:
                exponent, column = self.terms[name]
                free = free + values[exponent] * centre[self.columns.index(column)]
            free = free if name in self.signed else jnp.exp(free)
            values[name] = or_fixed(fixed[at], free)
        return jnp.stack([values[name] for name in names])

    def residuals(self, z: np.ndarray, lane: dict, table: dict) -> np.ndarray:
        """Log of the law over the run, one a run: what the solver minimises.

        - lane: "fixed" (coefficients,), NaN where free; "supervised" (6,) where the law needs it.
        - table: "logs" (columns, runs) and "centre".
        """
        values = self.coefficients_at(z, lane["fixed"], table["centre"])
        supervised = SupervisedLaw(*lane["supervised"]) if self.needs_supervised else None
        *inputs, measured = table["logs"]
        return self.build(values, supervised).log_loss(*inputs) - measured

    def _coordinate_ranges(self):
        missing = [name for name in self.coefficients if name not in self.ranges]
        if missing:
            raise ValueError(f"ranges of {self.name} lack {', '.join(missing)}")
        pairs = [
            self.ranges[name] if name in self.signed else np.log(self.ranges[name])
            for name in self.coefficients
        ]
        return np.array(pairs, float).T


def or_fixed(fixed: np.ndarray, free: np.ndarray) -> np.ndarray:
    """`free` where `fixed` is NaN."""
    return jnp.where(jnp.isnan(fixed), free, fixed)
