"""Units that columns of runs may be in, the runs in ours, and doubts that wait for a unit."""

import numpy as np

from scalinglib.doubts import FACTORS
from scalingplan.tables.cells import TableError

__all__ = ["CONVERSIONS", "converted", "open_doubts", "refuse"]

CONVERSIONS = {
    "params": tuple(FACTORS),
    "tokens": (*FACTORS, "per_param", "6ND"),
    "loss": ("nats", "bits", "ppl", "bpb@BYTES"),
}


def converted(runs, units):
    """Runs whose columns are in the units of `units`, in parameters, tokens and nats per token.

    Parameters
    ----------
    runs : DataFrame
        Columns named params, tokens, loss, or those with `student_` and `teacher_` before them.
    units : dict
        For a column, or for all that end in params, tokens or loss, a unit of `CONVERSIONS`:
        {"params": "M", "student_tokens": "per_param", "loss": "bpb@4.3"}. "per_param" are tokens
        per parameter, "6ND" training FLOPs, and BYTES the bytes of a token.

    Returns
    -------
    DataFrame

    Raises
    ------
    TableError
        Naming a unit or column that is not known.
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
    if unit == "nats" and kind == "loss":
        return values
    if unit == "ppl" and kind == "loss":
        return np.log(values)
    if unit == "bits" and kind == "loss":
        return values * np.log(2)
    if unit.startswith("bpb@") and kind == "loss":
        try:
            return values * np.log(2) * float(unit.removeprefix("bpb@"))
        except ValueError:
            pass
    raise TableError(f"units give {kind} in {unit!r}; it may be {', '.join(CONVERSIONS[kind])}")


def open_doubts(found, units=None):
    """Those after which no verdict holds: what no law can have made, and units not yet told.

    Parameters
    ----------
    found : sequence of Doubt
    units : dict or None
        What was told, as `converted` takes it.

    Returns
    -------
    list of Doubt
    """
    told = tuple(units or {})

    def open_one(doubt):
        columns = [pair.partition("=")[0] for pair in doubt.units.split(",") if pair]
        return doubt.cannot or not all(name.endswith(told) for name in columns)

    return [doubt for doubt in found if open_one(doubt)]


def refuse(found, units=None):
    """Raise a TableError with the `open_doubts`, and how to settle them, where there are any."""
    left = open_doubts(found, units)
    if left:
        settle = ", ".join(dict.fromkeys(doubt.units for doubt in left if doubt.units))
        way = f'; units such as {settle} convert, "nats" takes losses as nats' if settle else ""
        raise TableError("; ".join(doubt.text for doubt in left) + way)
