"""Check a table of runs before fitting: errors for what cannot be right, warnings for what may not be."""

import warnings

import numpy as np

from scalinglib.fit.model import DISTILLATION, SUPERVISED

__all__ = ["FitWarning", "check_runs"]

NATS_OVER_BITS = np.log(2)
_UNIFORM_LOSS = np.log(300_000)  # guessing evenly over a very large vocabulary, nats


class FitWarning(UserWarning):
    """Something about runs or fit that the reader should look at; the fit goes on."""


def check_runs(runs, kind="supervised", free=None, supervised=None):
    """The runs, checked and with their row labels kept.

    Parameters
    ----------
    runs : DataFrame
        Columns of the kind (params, tokens, loss or student_params, student_tokens, teacher_loss,
        student_loss); others are kept. Parameters are non-embedding, losses nats per token.
    kind : str
        "supervised" or "distillation".
    free : int or None
        Number of coefficients to be fitted; None skips that check.
    supervised : SupervisedLaw or None
        Where given, student losses are held against it to find losses in bits.

    Returns
    -------
    DataFrame
        A copy with the named columns as float64.

    Raises
    ------
    ValueError
        Naming columns that are missing, or the row, column and value that is not allowed, or too
        few runs. What is only suspicious gives a FitWarning.
    """
    columns = {k.name: k.columns for k in (SUPERVISED, DISTILLATION)}[kind]
    missing = [name for name in columns if name not in runs.columns]
    if missing:
        raise ValueError(
            f"runs lack the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"a {kind} fit needs {', '.join(columns)}; found {', '.join(map(str, runs.columns))}"
        )
    runs = runs.copy()
    for name in columns:
        runs[name] = _numbers(runs, name)
    distinct = len(runs.drop_duplicates(list(columns[:-1])))
    if free is not None and distinct <= free:
        raise ValueError(
            f"runs have {distinct} distinct settings for {free} coefficients to fit; "
            "there must be more settings than coefficients (fix some, or add runs)"
        )
    for text in _suspicions(runs, columns, kind, supervised):
        warnings.warn(text, FitWarning, stacklevel=3)
    return runs


def _numbers(runs, name):
    try:
        values = runs[name].to_numpy(dtype=float)
    except (TypeError, ValueError):
        for label, value in runs[name].items():
            try:
                float(value)
            except (TypeError, ValueError):
                raise ValueError(
                    f"row {label}, column {name} is {value!r}; it must be a number"
                ) from None
        raise
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        rows = [str(label) for label in runs.index[bad]]
        listed = ", ".join(rows[:5]) + (", ..." if len(rows) > 5 else "")
        raise ValueError(
            f"row{'s' * (len(rows) > 1)} {listed}, column {name}: first value "
            f"{values[bad][0]!r}; it must be positive and finite"
        )
    return values


def _suspicions(runs, columns, kind, supervised):
    """Sentences about what may be wrong, each naming rows or columns."""
    repeated = runs.duplicated(list(columns), keep="first")
    if repeated.any():
        rows = ", ".join(str(label) for label in runs.index[repeated][:5])
        yield f"{int(repeated.sum())} rows repeat an earlier one exactly (first: {rows}): duplicates?"
    for name in columns[2:]:
        high = runs.index[runs[name] > _UNIFORM_LOSS]
        if len(high):
            yield (
                f"column {name}, row {high[0]} is {runs.loc[high[0], name]:.3g}: more than guessing "
                "evenly over 300 000 tokens; is it nats per token?"
            )
    for name in runs.columns:
        if any(word in str(name).lower() for word in ("bit", "bpb", "bpc")):
            yield f"column {name} speaks of bits; losses must be nats per token (bits times {NATS_OVER_BITS:.4f})"
        if "total" in str(name).lower() and "param" in str(name).lower():
            yield f"column {name} speaks of total parameters; {columns[0]} must be non-embedding ones"
    if kind == "distillation" and supervised is not None:
        expected = supervised.loss(runs.student_params.to_numpy(), runs.student_tokens.to_numpy())
        ratio = float(np.median(runs.student_loss / expected))
        if abs(ratio * NATS_OVER_BITS - 1) < 0.1:
            yield (
                f"column student_loss is about {ratio:.2f} times what the supervised law gives for "
                "these sizes: losses in bits?"
            )
    yield from _size_suspicions(runs, columns)
    yield from _coverage(runs, columns)


def _size_suspicions(runs, columns):
    sizes = runs[columns[0]].to_numpy()
    if np.any(sizes < 1000) and np.any(sizes < 20):
        row = runs.index[int(np.argmin(sizes))]
        yield f"column {columns[0]}, row {row} is {sizes.min():.3g}: in millions or billions, perhaps?"
    # N_total = N + V d with d ~ N^(1/3): a flatter log d against log N than any stack of layers has
    # cannot be seen from N alone, but a table that has both says it.
    widths = [name for name in ("d_model", "n_embd", "width") if name in runs.columns]
    layers = [name for name in ("n_layers", "n_layer", "depth") if name in runs.columns]
    if widths and layers:
        core = 12 * runs[widths[0]].to_numpy(float) ** 2 * runs[layers[0]].to_numpy(float)
        over = np.median(sizes / core)
        if over > 1.25:
            yield (
                f"column {columns[0]} is about {over:.2f} times 12 layers width^2 (median): "
                "does it count embeddings? N must be non-embedding"
            )


def _coverage(runs, columns):
    """Data that do not cover N, D or the teacher widely enough to tell the coefficients apart."""
    for name, factor in zip(columns[:2], (10, 10), strict=True):
        span = runs[name].max() / runs[name].min()
        if span < factor:
            yield f"column {name} spans only a factor {span:.3g}; below {factor} its exponent is hardly told"
    ratio = runs[columns[1]] / runs[columns[0]]
    if ratio.max() / ratio.min() < 4:
        yield (
            f"{columns[1]} over {columns[0]} spans only a factor {ratio.max() / ratio.min():.3g}: "
            "size and data move together, and their terms cannot be told apart"
        )
    if columns is DISTILLATION.columns and runs.teacher_loss.max() / runs.teacher_loss.min() < 1.1:
        yield "column teacher_loss spans less than 10%: c0, d1 and f1 are hardly told"
