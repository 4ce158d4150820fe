"""Units that columns of runs may be in, the runs in ours, and doubts that wait for a unit."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import pandas as pd

from scalinglib.doubts import FACTORS, Doubt
from scalingplan.tables.cells import TableError
from scalingplan.units import LOSS_UNITS, in_nats, read

CONVERSIONS = {
    "params": tuple(FACTORS),
    "tokens": (*FACTORS, "per_param", "6ND"),
    "loss": ("nats", "bits", "ppl", "bpb@BYTES"),
}


def converted(runs: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Runs whose columns are in the units of `units`, in parameters, tokens and nats per token.

    - runs: columns named params, tokens, loss, or those with `student_` and `teacher_` before them.
    - units: for a column, or for all that end in params, tokens or loss, a unit of `CONVERSIONS`:
      {"params": "M", "student_tokens": "per_param", "loss": "bpb@4.3"}. "per_param" are tokens per
      parameter, "6ND" training FLOPs, and BYTES the bytes of a token.
    - raises TableError: naming a unit or column that is not known.
    """
    result = runs.copy()
    # Sizes first: tokens may be counted in them.
    for key, unit in sorted(units.items(), key=lambda item: not item[0].endswith("params")):
        columns = [name for name in runs if name == key or name.endswith(f"_{key}")]
        kind = key.rsplit("_", 1)[-1]
        if kind not in CONVERSIONS:
            raise TableError(f"units name {key!r}; they may name params, tokens, loss or a column")
        for name in columns:
            size = result.get(f"{name.removesuffix(kind)}params")
            result[name] = _in(unit, kind, result[name], size)
    return result


def _in(unit, kind, values, size):
    if unit in FACTORS and kind != "loss":
        return values * FACTORS[unit]
    if unit == "per_param" and kind == "tokens":
        return values * size
    if unit == "6ND" and kind == "tokens":
        return values / (6 * size)
    if kind == "loss":
        name, _, bytes_per_token = unit.partition("@")
        if name in LOSS_UNITS and bool(bytes_per_token) == (name == "bpb"):
            with suppress(ValueError):
                return in_nats(
                    values, name, read(bytes_per_token, "bytes") if name == "bpb" else None
                )
    raise TableError(f"units give {kind} in {unit!r}; it may be {', '.join(CONVERSIONS[kind])}")


def open_doubts(found: Sequence[Doubt], units: Mapping[str, str] | None = None) -> list[Doubt]:
    """Those after which no verdict holds: what no law can have made, and units not yet told."""
    told = tuple(units or {})

    def open_one(doubt):
        columns = [pair.partition("=")[0] for pair in doubt.units.split(",") if pair]
        return doubt.cannot or not all(name.endswith(told) for name in columns)

    return [doubt for doubt in found if open_one(doubt)]


def refuse(found: Sequence[Doubt], units: Mapping[str, str] | None = None) -> None:
    """Raise a TableError with the `open_doubts`, and how to settle them, where there are any."""
    left = open_doubts(found, units)
    if left:
        settle = ", ".join(dict.fromkeys(doubt.units for doubt in left if doubt.units))
        way = f'; units such as {settle} convert, "nats" takes losses as nats' if settle else ""
        raise TableError("; ".join(doubt.text for doubt in left) + way)
