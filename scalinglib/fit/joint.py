"""Two laws fitted at once to two tables, the second standing on the first."""

from dataclasses import dataclass
from functools import cache

import jax.numpy as jnp

from scalinglib.fit.spec import LawSpec

__all__ = ["joint"]


@dataclass(frozen=True, eq=False)
class _JointSpec(LawSpec):
    """Coordinates, coefficients and fixed ones are those of `first`, then those of `second`."""

    first: LawSpec = None
    second: LawSpec = None

    @property
    def coefficients(self):
        return (
            *(f"{self.first.name}_{name}" for name in self.first.coefficients),
            *self.second.coefficients,
        )

    @property
    def needs_supervised(self):
        return False

    @property
    def n_tables(self):
        return 2

    def build(self, values, supervised=None):
        width = len(self.first.coefficients)
        return self.second.build(values[width:], self.first.build(values[:width]))

    def coefficients_at(self, z, fixed, centres):
        width = len(self.first.coefficients)
        first = self.first.coefficients_at(z[:width], fixed[:width], centres[0])
        second = self.second.coefficients_at(z[width:], fixed[width:], centres[1])
        return jnp.concatenate([first, second])

    def residuals(self, z, lane, tables):
        centres = tuple(table["centre"] for table in tables)
        law = self.build(self.coefficients_at(z, lane["fixed"], centres))
        pairs = zip((law.supervised, law), (table["logs"] for table in tables), strict=True)
        return jnp.concatenate([one.log_loss(*logs[:-1]) - logs[-1] for one, logs in pairs])


@cache  # since a spec keys compilation by what it is, not by what it says
def joint(first, second):
    """The spec of both at once.

    Parameters
    ----------
    first : LawSpec
        Of the supervised law.
    second : LawSpec
        Of a law that needs it.
    """
    renamed = {
        tuple(f"{first.name}_{name}" for name in pair): reason
        for pair, reason in first.ridges.items()
    }
    return _JointSpec(
        "joint",
        second.law,
        second.columns,
        ridges=renamed | second.ridges,
        probes=second.probes,
        first=first,
        second=second,
    )
