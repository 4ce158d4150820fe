"""A study made for somebody's text and machine: as much of one pattern as the minutes pay for."""

import json
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib.study import Design, Text, design_file, record
from scalinglib.study.run import Run, size
from scalingplan.answers import estimate

# Of one seed: tokens per parameter of the models on labels, by depth; students learn from all
# teachers but at the ends, and teachers from 20 times the scale.
_RATIOS = ((2.5, 5, 10, 20, 40, 80, 160), (2.5, 5, 10, 20, 40), (5, 10, 20), (5, 10))
_PATTERNS = {2: "two sizes", 3: "three sizes", 4: "four sizes"}
_TOLD = "#: "  # begins what was said of a design, in its file
_SCALES = (0.25, 0.5, 1, 2, 4)
_SHARE = 0.8  # of the minutes: what else runs here takes the rest
_DEEPEST, _ROUNDED = 64, 0.01  # depths that a list may name, by sizes so exact
_BESIDES = 1.5  # minutes of compiling and of the fits


def _design(last, scale, corpus):
    ratios = {
        depth: tuple(scale * ratio for ratio in row)
        for depth, row in enumerate(_RATIOS[:last], start=1)
    }
    return Design(
        corpus=corpus,
        supervised=tuple((depth, row, 1) for depth, row in ratios.items()),
        isoflop=((2e10 * scale, (1, 2), 1),),
        teachers=tuple((depth, 20 * scale) for depth in ratios),
        # Of the largest the cheapest: sizes tell the law's exponent.
        students=tuple(
            (depth, row[1:4] if depth < last else row[:1], 1) for depth, row in ratios.items()
        ),
        weak_to_strong=tuple((2, ratio * scale, 1) for ratio in (5, 10, 20)),
    )


def _toml(design, folder, told):
    """A design of this pattern as the file that `scalinglib study` takes."""
    lines = [
        "# Made by `scalinglib study --new`; its --help names an example that explains the keys.",
        *(f"{_TOLD}{line}" for line in told),
    ]
    for name, keys in design_file.PROTOCOLS.items():
        rows = [
            ", ".join(f"{k} = {list(v) if isinstance(v, tuple) else v}" for k, v in pairs)
            for pairs in (zip(keys, row, strict=True) for row in getattr(design, name))
        ]
        if rows:
            lines += ["", f"{name} = [", *(f"    {{ {row} }}," for row in rows), "]"]
    path = json.dumps(str(Path(folder).resolve()))
    return "\n".join([*lines, "", "[corpus]", 'kind = "text"', f"paths = [{path}]", ""])


def for_minutes(folder: str | Path, minutes: float, workers: int) -> tuple[str, list[str]]:
    """The largest study that a time pays for as the text of a design file, and in words.

    - raises ValueError: where minutes is too short for the least study that makes a law.
    """
    corpus = Text.from_files(folder)
    made = [(last, scale, _design(last, scale, corpus)) for last in _PATTERNS for scale in _SCALES]
    rates = estimate.probe(made[-1][2].runs())
    took = [(_minutes(study.runs(), rates, workers), *which, study) for *which, study in made]
    took.sort(key=lambda study: study[0])
    fitting = [study for study in took if study[0] <= minutes]
    if not fitting:
        raise ValueError(
            f"--minutes is {minutes:g}; the least study that makes a law takes about "
            f"{ceil(took[0][0])} here"
        )
    fresh = [study for study in fitting if max(map(record.repeats, study[3].runs())) <= 1]
    # Sizes tell a law more than tokens do.
    time, last, scale, design = max(fresh or fitting[:1], key=lambda study: (study[1], study[0]))
    told = [f"{_words(last, scale)}: about {time:.0f} min of {minutes:g}"]
    more = [study for study in took if study[0] > minutes and study[1] >= last]
    if len(fresh) < len(fitting):
        told.append("the text is too short for more: runs would read it again")
    elif more:
        told.append(f"{ceil(more[0][0])} minutes would buy {_words(*more[0][1:3])}")
    return _toml(design, folder, told), told


def _words(last, scale):
    return f"{_PATTERNS[last]}, {scale:g} times the usual tokens"


def told_of(path: str | Path) -> list[str]:
    """What was said when a design was made."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(_TOLD) for line in lines if line.startswith(_TOLD)]


def _minutes(runs, rates, workers):
    seconds = estimate.seconds(runs, rates)
    return _BESIDES + max(seconds.max(), seconds.sum() / workers) / 60 / _SHARE


def read_runs(path: str | Path, like: Design | None = None) -> list[Run]:
    """The runs that a CSV file lists, as `scalinglib design` writes it.

    - path: columns student_params and student_tokens; teacher_params and teacher_tokens, empty for
      runs on labels; seed, 0 where there is none
    - like: whose corpus, recipe and objective the runs have; words without one
    - raises DesignError: with every cell that is no such number; else with every row whose sizes no
      model of the study has, or whose teacher lacks its tokens.
    """
    like, faults, found = like or Design(), [], []
    common = {"corpus": like.corpus, "recipe": like.recipe}
    sizes = {size(d, like.corpus).params: d for d in range(1, _DEEPEST + 1)}
    table = pd.read_csv(path)
    lacks = [name for name in ("student_params", "student_tokens") if name not in table]
    if lacks:
        raise design_file.DesignError(f"{path} lacks the columns {lacks}; it has {list(table)}")
    if table.empty:
        raise design_file.DesignError(f"no runs in {path}")

    def depth(params, where):
        near = min(sizes, key=lambda own: abs(np.log(own / params)))
        if abs(near / params - 1) > _ROUNDED:
            built = ", ".join(map(str, list(sizes)[:8]))
            faults.append(f"{where} is {params:g}; the study builds {built}, ...")
        return sizes[near]

    names = ["teacher_params", "teacher_tokens", "seed"]
    table = table.reindex(columns=["student_params", "student_tokens", *names])
    for name, cells in table.items():
        numbers = pd.to_numeric(cells, errors="coerce")
        allowed = np.isfinite(numbers) & ((numbers >= 0) if name == "seed" else (numbers > 0))
        allowed |= cells.isna() & (name in names)
        what = "0 or more" if name == "seed" else "positive and finite"
        for at in np.flatnonzero(~allowed):
            faults.append(f"line {at + 2}: {name} is {cells[at]}; it must be {what}")
        table[name] = numbers
    design_file.refuse(path, faults)
    for line, row in enumerate(table.itertuples(index=False), 2):
        deep = depth(row.student_params, f"line {line}: student_params")
        seed = 0 if np.isnan(row.seed) else int(row.seed)
        told = {"seed": seed} | common
        if not np.isnan(row.teacher_params):
            if np.isnan(row.teacher_tokens):
                faults.append(f"line {line} lacks teacher_tokens: nobody has trained its teacher")
                continue
            above = depth(row.teacher_params, f"line {line}: teacher_params")
            teacher = Run(above, row.teacher_tokens, **common)
            told |= {"teacher": teacher, "objective": like.objective}
        found.append(Run(deep, row.student_tokens, **told))
    design_file.refuse(path, faults)
    teachers = [run.teacher for run in found if run.teacher is not None]
    return list(dict.fromkeys([*teachers, *found]))
