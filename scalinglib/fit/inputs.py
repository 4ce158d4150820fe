"""Check a table of runs: errors for what cannot be right, sentences on what may not be."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from scalinglib.doubts import doubts
from scalinglib.fit.forms import DISTILLATION, SUPERVISED
from scalinglib.fit.spec import LawSpec

_ON_A_LINE = np.log(1.25)
_UNIFORM_LOSS = np.log(300_000)  # guessing evenly over a very large vocabulary, nats


def checked_runs(runs: pd.DataFrame, spec: LawSpec, free: int) -> pd.DataFrame:
    """The runs with the law's columns as numbers, and their row labels kept.

    - free: number of coefficients to be fitted.
    - raises ValueError: naming columns that are missing, or the row, column and value that is not
      allowed, or too few runs.
    """
    columns = spec.columns
    if not isinstance(runs, pd.DataFrame):
        raise ValueError(f"runs is {runs!r:.60}; it must be a DataFrame with {', '.join(columns)}")
    if missing := [name for name in columns if name not in runs.columns]:
        raise ValueError(
            f"runs lack the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"a {spec.name} fit needs {', '.join(columns)}; "
            f"found {', '.join(map(str, runs.columns))}"
        )
    runs = runs.assign(**{name: _numbers(runs[name]) for name in columns})
    distinct = len(runs.drop_duplicates(list(columns[:-1])))
    if distinct <= free:
        raise ValueError(
            f"runs have {distinct} distinct settings for {free} coefficients to fit (runs that "
            f"differ in {', '.join(columns[:-1])}); there must be more settings than coefficients: "
            "add runs, or hold some at known values (fixed)"
        )
    return runs


def collinear(runs: pd.DataFrame, columns: tuple[str, ...]) -> str | None:
    """Why the size term and the data term cannot be told apart from these runs, or None.

    They cannot where tokens are a power of the parameters, to within a factor of 1.25 in every run:
    one amount of data for each size. Any law that is right on that line then fits, and off it they
    differ.
    """
    for size, data in _pairs(columns):
        x, y = np.log(runs[size].to_numpy(float)), np.log(runs[data].to_numpy(float))
        line = np.vander(x - x.mean(), 2)
        off = y - line @ np.linalg.lstsq(line, y)[0]
        if np.abs(off).max() < _ON_A_LINE:
            return (
                f"{data} moves with {size} in all runs that are left, within a factor of "
                f"{np.exp(np.ptp(off)):.3g}: their terms cannot be told apart"
            )
    return None


def _pairs(columns):
    sizes, tokens = ([n for n in columns[:-1] if n.endswith(k)] for k in ("params", "tokens"))
    return zip(sizes, tokens, strict=False)


def _numbers(column):
    values = pd.to_numeric(column, errors="coerce").to_numpy(float)
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        rows = [str(label) for label in column.index[bad]]
        listed = ", ".join(rows[:5]) + (", ..." if len(rows) > 5 else "")
        raise ValueError(
            f"row{'s' * (len(rows) > 1)} {listed}, column {column.name}: first value "
            f"{column[bad].tolist()[0]!r}; it must be a number, positive and finite"
        )
    return values


def suspicions(runs: pd.DataFrame, spec: LawSpec) -> Iterable[str]:
    """Sentences about what may be wrong with checked runs, each naming rows or columns."""
    columns = spec.columns
    repeated = runs.index[runs.duplicated(list(columns), keep="first")]
    if len(repeated):
        rows = ", ".join(map(str, repeated[:5]))
        yield f"{len(repeated)} rows repeat an earlier one exactly (first: {rows}): duplicates?"
    for name in (name for name in columns if name.endswith("loss")):
        high = runs.index[runs[name] > _UNIFORM_LOSS]
        if 0 < len(high) < len(runs) / 2:  # all of them are another unit, which `doubts` names
            yield (
                f"column {name}, row {high[0]} is {runs.loc[high[0], name]:.3g}: more than "
                "guessing evenly over 300 000 tokens; is it nats per token?"
            )
    if spec in (SUPERVISED, DISTILLATION):
        # Of the table's doubts those that would change what a fit means.
        yield from (doubt.text for doubt in doubts(runs) if doubt.cannot or doubt.units)
    yield from _coverage(runs, columns)
    if spec is DISTILLATION and runs.teacher_loss.max() / runs.teacher_loss.min() < 1.1:
        yield "column teacher_loss spans less than 10%: c0, d1 and f1 are hardly told"


def _coverage(runs, columns):
    """Inputs that do not span enough to tell the coefficients apart."""
    for name in (name for name in columns[:-1] if name.endswith(("params", "tokens"))):
        span = runs[name].max() / runs[name].min()
        if span < 10:
            yield f"column {name} spans only a factor {span:.3g}: its exponent is hardly told"
    for size, data in _pairs(columns):
        ratio = runs[data] / runs[size]
        if ratio.max() / ratio.min() < 4:
            yield (
                f"{data} over {size} spans only a factor {ratio.max() / ratio.min():.3g}: size and "
                "data move together, and their terms cannot be told apart"
            )
