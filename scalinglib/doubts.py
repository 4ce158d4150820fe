"""What is doubtful about a table of runs: units, teachers, and losses that no law can have made.

Each rule is a property of the table alone, or holds it against the published law, whose losses are
those of web text: a guess at units, never a correction.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scalinglib.laws import load

FACTORS = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}

_RATIO = 40.0  # tokens per parameter in the middle of what people train
SAME_TEACHER = 0.01  # spread of one teacher's losses, relative, that counts as measurement
_SPAN = 1e6  # a factor between sizes, or tokens, that no study spans
_APART = 2.5  # the same between losses or logs of perplexities, what the law expects taken out
_LEAST_SIZE = 2e7  # parameters; of smaller models the published law says little
_TRIMS, _FEW, _ENOUGH = 10, 0.3, 12  # rounds, share of rows that may be off, rows to tell it by
_FAR_APART = 0.05  # a spread of losses of one setting, relative, whatever makes it
_RUN_NAMES = ("run", "runid", "runname", "name", "id", "model", "modelname")
_EXCHANGED = "exchanged"
_INPUTS = ("params", "tokens", "student_params", "student_tokens")
_WORDS = {"K": "thousands", "M": "millions", "B": "billions", "T": "trillions"}
_WORDS |= {"per_param": "tokens per parameter", "6ND": "training FLOPs (6 N D)"}


class Doubt(NamedTuple):
    """One sentence about a table.

    - cannot: whether the law cannot have made such runs: it goes before everything else.
    - units: what to give for units if the sentence is right, such as "params=M"; "" where nothing
      is.
    """

    text: str
    cannot: bool = False
    units: str = ""


def doubts(runs: pd.DataFrame) -> list[Doubt]:
    """The doubts about runs, those that the law cannot have made first.

    - runs: columns params, tokens, loss, or student_params, student_tokens, teacher_loss,
      student_loss and, where known, teacher_params and teacher_tokens; positive and finite.
    """
    distilled = "student_loss" in runs
    found = [*_mixed(runs)] or [*_sizes_and_tokens(runs), *_loss_units(runs)]
    found += [*_curves(runs), *_apart(runs), *_cluster(runs), *_thousands(runs)]
    found += _constant(runs)
    for name in ("student_loss", "teacher_loss") if distilled else ("loss",):
        found += _coarse(runs, name)
    if distilled:
        found += [*_better_students(runs), *_teachers(runs)]
    # In other units the runs bend otherwise: what to say of that waits for the units.
    if not any(doubt.cannot for doubt in found):
        found += _rising(runs)
    return sorted(found, key=lambda doubt: not doubt.cannot)


def plausible_units(params: ArrayLike, tokens: ArrayLike) -> list[list[str]]:
    """Which units make sizes and tokens those of language models, best first.

    - returns: units of params and of tokens, "" for none, or "exchanged" for both; empty where both
      are plausible as they are, or nothing makes them so.
    """
    params, tokens = np.asarray(params, float), np.asarray(tokens, float)
    if _plausible(params, tokens):
        return []
    ranks = pd.DataFrame([params, tokens]).rank(axis=1).to_numpy()
    together = (np.ptp(ranks, axis=1) > 0).all() and abs(np.corrcoef(ranks)[0, 1]) > 0.3
    scored = []
    for size_unit in ("", "K", "M", "B"):
        size = params * FACTORS.get(size_unit, 1)
        for token_unit in ("", *FACTORS, "per_param", "6ND"):
            data = {"per_param": tokens * size, "6ND": tokens / (6 * size)}.get(
                token_unit, tokens * FACTORS.get(token_unit, 1)
            )
            if _plausible(size, data):
                score = bool(size_unit) + bool(token_unit)
                score += abs(np.log10(np.median(data / size) / _RATIO))
                score += _unusual(size)
                # Tokens that grow with size are no ratio, and a ratio takes few values.
                score += 0.3 if (token_unit == "per_param") == together else 0
                scored.append((score, size_unit, token_unit))
    if _plausible(tokens, params):
        score = 0.5 + abs(np.log10(np.median(params / tokens) / _RATIO))
        score += _unusual(tokens)
        scored.append((score, _EXCHANGED, _EXCHANGED))
    scored.sort()
    return [units for score, *units in scored if score < scored[0][0] + 0.7][:2]


def rounding(values: ArrayLike) -> float:
    """The step to which values are rounded, 1e-7 at the least."""
    values = np.asarray(values, float)
    return 10.0 ** -next(
        (d for d in range(7) if np.allclose(values, values.round(d), atol=1e-9)), 7
    )


def _unusual(params):
    """How far sizes lie, in half decades, outside those that people make runs of."""
    middle, most = np.log10(np.median(params)), np.log10(params.max())
    return 0.5 * (max(0, 7.5 - middle) + max(0, most - 11.5))


def _plausible(params, tokens):
    middle = np.median(tokens / params)
    least, most = min(params.min(), tokens.min()), max(params.max() * 1e3, tokens.max())
    return least >= 1e3 and most <= 1e17 and 0.05 <= middle <= 2e4


def _parts(runs, *kinds):
    """Names and values of these columns, of models, students and teachers that have them all."""
    for prefix in ("", "student_", "teacher_"):
        names = [f"{prefix}{kind}" for kind in kinds]
        if set(names) <= set(runs):
            yield names, [runs[name].to_numpy(float) for name in names]


def _measured(runs):
    """Names of the loss that the law foretells, and of what it foretells it from."""
    if "student_loss" in runs:
        return "student_loss", ["student_params", "student_tokens", "teacher_loss"]
    return "loss", ["params", "tokens"]


def _line(runs):
    """Slopes of the log of a loss in the logs of its inputs, their errors, and what is left."""
    loss, inputs = _measured(runs)
    logs = np.log(runs[inputs].to_numpy(float))
    design = np.column_stack([logs - logs.mean(axis=0), np.ones(len(runs))])
    measured = np.log(runs[loss].to_numpy(float))
    slopes, *_ = np.linalg.lstsq(design, measured, rcond=None)
    rest = measured - design @ slopes
    variance = rest @ rest / (len(runs) - len(slopes)) * np.linalg.pinv(design.T @ design)
    return slopes, np.sqrt(np.diag(variance)), rest


def _sizes_and_tokens(runs):
    wrong = {
        tuple(names): values
        for names, values in _parts(runs, "params", "tokens")
        if not _plausible(*values)
    }
    # Whoever writes one pair of columns in a unit writes the other in it.
    together = (
        plausible_units(*map(np.concatenate, zip(*wrong.values(), strict=True))) if wrong else []
    )
    for (size, data), (params, tokens) in wrong.items():
        shown = f"row {runs.index[0]}: {params[0]:.4g} parameters, {tokens[0]:.4g} tokens"
        guesses = together or plausible_units(params, tokens)
        if not guesses:
            yield Doubt(f"{size} and {data} are those of no language model ({shown})", cannot=True)
            continue
        words = [_in_words(units, size, data) for units in guesses]
        units = ",".join(
            f"{name}={unit}"
            for name, unit in zip((size, data), guesses[0], strict=True)
            if unit not in ("", _EXCHANGED)
        )
        yield Doubt(f"{', or '.join(words)}? ({shown})", cannot=True, units=units)


def _in_words(units, size, data):
    if _EXCHANGED in units:
        return f"{size} and {data} seem to be exchanged"
    parts = [
        f"{name} looks like {_WORDS[u]}" for name, u in zip((size, data), units, strict=True) if u
    ]
    return " and ".join(parts)


def _loss_units(runs):
    """Losses that are not nats: all of them, or those of one column."""
    law, found = load("corrected").supervised, {}
    for names, (params, tokens, losses) in _parts(runs, "params", "tokens", "loss"):
        known = np.median(params) > _LEAST_SIZE and not plausible_units(params, tokens)
        if known and (unit := _unit_of(losses, law.loss(params, tokens))):
            found[names[2]] = unit
    for (name,), (losses,) in _parts(runs, "loss"):
        middle = np.median(losses)
        cannot = bool(middle > np.log(300_000))
        if cannot or name in found:
            word, unit = ("perplexity", "ppl") if cannot else found[name]
            text = f"{name} looks like {word} (median {middle:.3g}): the law wants nats per token"
            yield Doubt(text, cannot=cannot, units=f"{name}={unit}")


def _mixed(runs):
    """Columns of which no one unit makes sense: rows were written in different ones."""
    law = load("corrected").supervised
    for kind in ("params", "tokens"):
        for (name,), (values,) in _parts(runs, kind):
            if values.max() > _SPAN * values.min():
                yield _two_units(runs, name, values)
    for names, (params, tokens, losses) in _parts(runs, "params", "tokens", "loss"):
        if _plausible(params, tokens) and np.median(params) > _LEAST_SIZE:
            expected = law.loss(params, tokens)
            readings = losses / expected, np.log(np.maximum(losses, 1.01)) / expected
            if min(reading.max() / reading.min() for reading in readings) > _APART:
                yield _two_units(runs, names[2], readings[0])


def _two_units(runs, name, measure):
    ends = [
        f"{runs[name].iloc[i]:.4g} in row {runs.index[i]}"
        for i in (measure.argmin(), measure.argmax())
    ]
    return Doubt(f"{name} is hardly in one unit: {ends[0]}, {ends[1]}", cannot=True)


def _curves(runs):
    """Many rows a run: a schedule that is not over is no run."""
    tokens = "student_tokens" if "student_tokens" in runs else "tokens"
    for name in runs.columns:
        if re.sub(r"[^a-z]", "", str(name).lower()) not in _RUN_NAMES:
            continue
        rows = runs.groupby(name)[tokens].agg(["size", "nunique"])
        if len(rows) < len(runs) / 3 and (rows["nunique"] > 2).mean() > 0.5:
            yield Doubt(
                f"{len(rows)} runs have some {rows['size'].median():.0f} rows each (column "
                f"{name}): learning curves of a schedule that decays are no finished runs; keep "
                "the last row of each"
            )
            return


def _apart(runs):
    """One setting with losses that no noise makes: which column tells them apart."""
    teacher = ["teacher_params", "teacher_tokens"]
    teacher = teacher if set(teacher) <= set(runs) else ["teacher_loss"]
    inputs = [name for name in runs if name in (*_INPUTS, *teacher)]
    loss, _ = _measured(runs)
    groups = runs.groupby(inputs)[loss]
    if groups.ngroups > len(runs) / 2:
        return
    spread = (groups.max() / groups.min() - 1).median()
    if spread < SAME_TEACHER:
        return
    text = f"runs of one setting have losses apart by {spread:.1%} in the median"
    for name in runs.columns.difference([*inputs, loss, "teacher_loss"], sort=False):
        values = runs[name].unique()
        within = runs.groupby([*inputs, name])[loss]
        apart = (within.max() / within.min() - 1).median()
        if 1 < len(values) < len(runs) / 2 and apart < spread / 4:
            yield Doubt(
                f"{text}; the column {name} tells them apart ({', '.join(map(str, values[:3]))}"
                f"{', ...' if len(values) > 3 else ''}): keep one (--where {name}=...)"
            )
            return
    if spread > _FAR_APART:
        yield Doubt(text)


def _cluster(runs):
    """Rows whose losses are in another unit than the others', bits among nats."""
    loss, inputs = _measured(runs)
    if len(runs) < 3 * len(inputs):
        return
    _, _, rest = _line(runs)
    order = np.argsort(rest, kind="stable")
    gap = int(np.argmax(np.diff(rest[order])))
    low, high = order[: gap + 1], order[gap + 1 :]
    few = min(low, high, key=len)
    step = rest[high].mean() - rest[low].mean()
    if len(few) < max(3, 0.05 * len(runs)):
        return
    tight = max(np.ptp(rest[low]), np.ptp(rest[high])) < step
    if tight and abs(step / np.log(1 / np.log(2)) - 1) < 0.15:
        rows = _listed(runs, np.sort(few))
        what = "larger" if few is high else "smaller"
        yield Doubt(
            f"{loss} of rows {rows} is {np.exp(step):.3g} times {what} than the others "
            "suggest: bits beside nats?",
            cannot=True,
        )


def _thousands(runs):
    """Rows whose sizes, or tokens, are a thousand times off what their losses say of the others."""
    for names, values in _parts(runs, "params", "tokens", "loss"):
        size, data, measured = np.log(values)
        design = np.column_stack([size, data, np.ones(len(size))])
        off = data - size - np.median(data - size)  # a thousand in either shows here first
        for _ in range(_TRIMS):
            kept = np.abs(off) <= np.quantile(np.abs(off), 1 - _FEW)
            line = np.linalg.lstsq(design[kept], measured[kept], rcond=None)[0]
            off = measured - design @ line
        few = np.abs(off) > 2 * _FAR_APART
        if len(runs) < _ENOUGH or not 0 < few.mean() < _FEW:
            continue
        thousand, left = np.log(1e3), {}
        for name, slope in zip(names[:2], line[:2], strict=True):
            for what, sign in (("smaller", 1), ("larger", -1)):
                left[name, what] = np.abs(off[few] - sign * thousand * slope).max()
        name, what = min(left, key=left.get)
        if left[name, what] < _FAR_APART:
            yield Doubt(
                f"{name} of rows {_listed(runs, few)} is a thousand times {what} than the others' "
                "losses suggest",
                cannot=True,
            )


def _listed(runs, which):
    """The first rows of those that a mask, or their positions, name."""
    rows = runs.index[which]
    return ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")


def _constant(runs):
    for name in runs.columns.intersection(_INPUTS):
        values = runs[name].to_numpy(float)
        if len(values) > 1 and values.min() == values.max():
            yield Doubt(f"{name} is {values[0]:.4g} in all rows: no telling what another one does")


def _unit_of(losses, expected):
    ratio = float(np.median(losses / expected))
    if abs(ratio * np.log(2) - 1) < 0.08:
        return "bits", "bits"
    if ratio > 1.8 and abs(np.median(np.log(losses) / expected) - 1) < 0.25:
        return "perplexity", "ppl"
    if 0.2 < ratio < 0.5:
        return "bits per byte", "bpb@BYTES_PER_TOKEN"
    return None


def _coarse(runs, name):
    values = runs[name].to_numpy(float)
    distinct = np.unique(values)
    if len(distinct) == 1 and len(values) > 1:
        yield Doubt(
            f"{name} is {distinct[0]:g} in all rows: nothing to fit", name != "teacher_loss"
        )
        return
    if name == "teacher_loss":
        return
    if rounding(values) > 0.003 * np.median(values):
        yield Doubt(f"{name} is rounded to {rounding(values):g}: as coarse as one run's noise")
    elif len(distinct) < 0.5 * len(values):
        common = runs[name].value_counts()
        yield Doubt(
            f"{name} takes only {len(distinct)} values in {len(values)} rows "
            f"({common.index[0]:g} in {common.iloc[0]}): copied or rounded?"
        )


def _better_students(runs):
    better = runs.student_loss < runs.teacher_loss
    if not better.any():
        return
    by = (runs.teacher_loss - runs.student_loss)[better].max()
    text = (
        f"students are better than their teachers in {int(better.sum())} of {len(runs)} rows, by "
        f"up to {by:.3g} nats"
    )
    beyond = float((runs.student_loss < 0.99 * runs.teacher_loss).mean())
    if better.mean() > 0.5 and beyond > 0.25:
        yield Doubt(f"{text}: the law has none; are the two losses exchanged?", cannot=True)
    else:
        yield Doubt(f"{text}; the law has none, so it is wrong there or they are noise")


def _teachers(runs):
    if not {"teacher_params", "teacher_tokens"} <= set(runs):
        return
    teachers = runs.groupby(["teacher_params", "teacher_tokens"]).teacher_loss
    spread = (teachers.std() / teachers.mean())[teachers.max() > teachers.min()]
    near, far = spread[spread < SAME_TEACHER], spread[spread >= SAME_TEACHER]
    if len(near):
        yield Doubt(
            f"{len(near)} teachers have several losses, within {near.max():.2%} of each other: "
            "taken as one teacher measured several times, with its mean loss"
        )
    if len(far):
        params, tokens = far.index[0]
        yield Doubt(
            f"{len(far)} teachers have losses that differ by more than noise (first: {params:.4g} "
            f"parameters, {tokens:.4g} tokens, by {far.iloc[0]:.1%}): kept as different teachers"
        )


def _rising(runs):
    """Losses that rise with size or tokens, the rest held: the law only falls."""
    loss, inputs = _measured(runs)
    if len(runs) < len(inputs) + 4 or (runs[inputs].max() == runs[inputs].min()).any():
        return
    slopes, errors, _ = _line(runs)
    for name, slope, error in zip(inputs[:2], slopes, errors, strict=False):
        if slope > 4 * error and slope > 1e-3:
            yield Doubt(f"{loss} rises with {name}, the rest held; the law only falls", True)
