"""A study made for somebody's text and machine: as much of one pattern as the minutes pay for."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from scalinglib.study import Design, Text, estimate, record
from scalinglib.study.run import Run

# Of one seed: tokens per parameter of the models on labels and students, by depth; teachers learn
# from 20 times the scale. The least of these makes a law, if one to be doubted.
_PATTERNS = {
    "two sizes": {1: (5, 20, 80), 2: (5, 20)},
    "three sizes": {1: (5, 20, 80), 2: (5, 20, 50), 3: (5, 20)},
    "four sizes": {1: (5, 20, 80, 200), 2: (5, 20, 50), 3: (5, 20), 4: (5, 10)},
}
_SCALES = (0.25, 0.5, 1, 2, 4)
_SHARE = 0.8  # of the minutes: compiling, and what else runs here, take the rest


def _design(depths, scale, corpus):
    ratios = {depth: tuple(scale * r for r in row) for depth, row in depths.items()}
    last = max(depths)
    return Design(
        corpus=corpus,
        supervised=tuple((depth, row, 1) for depth, row in ratios.items()),
        isoflop=((2e10 * scale, (1, 2), 1),),
        teachers=tuple((depth, 20 * scale) for depth in depths),
        students=tuple((depth, ratios[depth][:2], 1) for depth in depths if depth < last),
        weak_to_strong=tuple((2, ratio * scale, 1) for ratio in (5, 10, 20)),
    )


def _toml(design, folder):
    """A design of this pattern as the file that `scalinglib study` takes."""
    keys = {
        "supervised": ("n_layers", "ratios", "seeds"),
        "isoflop": ("flops", "depths", "seeds"),
        "teachers": ("n_layers", "ratio"),
        "students": ("n_layers", "ratios", "seeds"),
        "weak_to_strong": ("n_layers", "ratio", "seeds"),
    }
    lines = [
        "# Made by `scalinglib study --new`; its --help names an example that explains the keys."
    ]
    for name, names in keys.items():
        rows = [
            ", ".join(f"{k} = {list(v) if isinstance(v, tuple) else v}" for k, v in pairs)
            for pairs in (zip(names, row, strict=True) for row in getattr(design, name))
        ]
        lines += ["", f"{name} = [", *(f"    {{ {row} }}," for row in rows), "]"]
    path = json.dumps(str(Path(folder).resolve()))
    return "\n".join([*lines, "", "[corpus]", 'kind = "text"', f"paths = [{path}]", ""])


def for_minutes(
    folder: str | Path,
    minutes: float,
    workers: int,
    probe: Callable[[list[Run]], dict[int, float]] = estimate.probe,
) -> tuple[str, list[str]]:
    """The largest study that a time pays for as the text of a design file, and in words.

    - raises ValueError: where minutes is not positive, or too short for the least study that makes
      a law.
    """
    if not 0 < minutes < np.inf:
        raise ValueError(f"--minutes is {minutes!r}; it must be positive")
    corpus = Text.from_files(folder)
    made = [
        (name, scale, _design(depths, scale, corpus))
        for name, depths in _PATTERNS.items()
        for scale in _SCALES
    ]
    # Rates of the sizes of the least study; larger models are no slower a FLOP.
    rates = probe(made[0][2].runs())
    took = [(_minutes(made_.runs(), rates, workers), name, scale, made_)
            for name, scale, made_ in made]  # fmt: skip
    took.sort(key=lambda study: study[0])
    fitting = [study for study in took if study[0] <= _SHARE * minutes]
    if not fitting:
        raise ValueError(
            f"--minutes is {minutes:g}; the least study that makes a law takes about "
            f"{took[0][0] / _SHARE:.0f} here"
        )
    fresh = [study for study in fitting if max(map(record.repeats, study[3].runs())) <= 1]
    time, name, scale, design = (fresh or fitting[:1])[-1]
    told = [f"{name}, {scale:g} times the usual tokens: about {time:.0f} min of {minutes:g}"]
    more = [study for study in took if study[0] > time and study[1:3] != (name, scale)]
    if len(fresh) < len(fitting):
        told.append("the text is too short for more: runs would read it again")
    elif more:
        longer, other, more_scale, _ = more[0]
        told.append(
            f"{longer / _SHARE:.0f} minutes would buy {other} at {more_scale:g} times the usual "
            "tokens"
        )
    return _toml(design, folder), told


def _minutes(runs, rates, workers):
    seconds = estimate.seconds(runs, rates)
    return max(seconds.max(), seconds.sum() / workers) / 60
