"""Put the planner together: site/planner/ and the coefficients, as a folder that opens from disk.

    python -m scalingplan.page build/planner [runs.csv | folder of scalinglib fit]

With a table of runs it answers from a law fitted to them. A page opened from disk may not fetch a
file, so the coefficients travel as a script.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib import allocate, flops, laws
from scalinglib.laws import mixing
from scalinglib.laws.repeated import MOST_EPOCHS
from scalinglib.report.paths import FIGURES, ROOT
from scalingplan import tables, units
from scalingplan.answers.decisions import middle_student, unfit
from scalingplan.answers.epochs import TAUGHT_EPOCHS, TAUGHT_STRETCH
from scalingplan.answers.fitting import fit_own
from scalingplan.units import written

SOURCE = ROOT / "site" / "planner"
COEFFICIENT_SET = "corrected"
ENSEMBLE = "figure1"
_RANGES = {"studentParams": "student_params", "studentTokens": "student_tokens"}
_RANGES |= {"params": "params", "tokens": "tokens", "teacherLoss": "teacher_loss"}
_FAR = 2  # times the largest loss of somebody's runs, above which a law's is no model's


def resolution() -> float:
    """One run's own scatter, relative to its loss: a gain below it would not be seen in a run."""
    laws_of_runs = laws.ensemble(ENSEMBLE)
    return float(laws_of_runs.weights @ laws_of_runs.scales)


def truncation() -> dict[str, list[dict[str, float]]]:
    """What keeping part of the distribution cost small students (notebooks 10 and 18), in nats."""
    kept = pd.read_csv(FIGURES / "fig54_truncation.csv").query("mixing == 1")
    drawn = pd.read_csv(FIGURES / "drawn_symbols.csv").query("kind == 'drawn'")
    parts = {"entries": kept[kept.knob == "top_k"], "mass": kept[kept.knob == "top_p"]}
    parts["drawn"] = drawn.rename(columns={"count": "kept"})
    return {
        name: part.groupby("kept").above.agg(low="min", high="max").reset_index().to_dict("records")
        for name, part in parts.items()
    }


def small_runs() -> dict[str, object]:
    """What text is worth that is read again, and how errors under labels and teacher correlate."""
    once = laws.load(COEFFICIENT_SET).supervised
    ends = {which: laws.repeated(once, which) for which in ("estimate", "low", "high")}
    return {
        "tokensWorth": {which: law.R_D for which, law in ends.items()},
        "sizeWorth": ends["estimate"].R_N,
        "epochs": MOST_EPOCHS,
        "taughtEpochs": TAUGHT_EPOCHS,
        "stretch": TAUGHT_STRETCH,
        "correlations": {"words": mixing.CORRELATION, "text": mixing.CORRELATION_OF_TEXT},
    }


def _law(law, form):
    coefficients = law._asdict()
    supervised = coefficients.pop("supervised")._asdict()
    return {"form": form, "supervised": supervised, "coefficients": coefficients}


def _seen(ensemble):
    """What `Ensemble.gain_discrepancy` needs: the runs' settings, and the growth of a gain's."""
    seen, growth = ensemble.seen, laws.ensembles.GAIN_GROWTH / laws.ensembles.GROWTH
    names = ("student_params", "student_tokens", "best_teacher", "worst_teacher")
    return {
        "growth": float(growth * ensemble.growth),
        "settings": np.column_stack([getattr(seen, name) for name in names]).tolist(),
    }


def _units(kinds):
    return {
        "kinds": {name: kind._asdict() for name, kind in kinds.items()},
        "times": units.TIMES,
        "flopUnits": units.FLOP_UNITS,
        "scales": units.SCALES,
    }


def settings() -> dict[str, object]:
    """Everything that the planner's scripts take from the library, as a dict of plain numbers."""
    members = laws.ensemble(ENSEMBLE)
    return {
        "set": COEFFICIENT_SET,
        "central": _law(laws.load(COEFFICIENT_SET), "equation8"),
        "ensemble": [
            _law(law, form) | {"weight": float(weight)}
            for law, form, weight in zip(
                members.members, members.forms, members.weights, strict=True
            )
        ],
        "agreement": allocate.AGREEMENT,
        "normal": laws.ensembles.NORMAL.tolist(),
        "seen": _seen(members),
        "flops": {
            "omega": flops.OMEGA,
            "aspectRatio": flops.ASPECT_RATIO,
            "context": flops.N_CTX,
            "vocabulary": flops.N_VOCAB,
        },
        "box": {"params": allocate.TEACHER_PARAMS_BOX, "tokens": allocate.TOKENS_BOX},
        "fitted": {name: laws.FITTED_RANGE[own] for name, own in _RANGES.items()},
        "resolution": resolution(),
        # Where the answer's changes are looked for: the budgets of `allocate.crossover`.
        "scan": {"compute": [1e17, 1e28], "tokens": [1e8, 1e14], "points": 90},
        "units": _units(units.KINDS),
        "gpus": flops.GPU_TERAFLOPS,
        "truncation": truncation(),
        "small": small_runs(),
        "guess": {"loss": float(np.log(flops.N_VOCAB)), "what": "that of guessing"},
        "opening": {
            "n": "1B",
            "b": "50B",
            "tn": "7B",
            "tl": "2.05",
            "list": "small, 550M, 2.55\nmedium, 1.8B, 2.35\nlarge, 7B, 2.05",
        },
        "examples": {
            "sizes": "1B, 500M, 1.5 billion, 3e9",
            "flops": "1e21 or 4 × 10^21",
            "limit": "200B",
            "serve": "2T",
        },
    }


def own_settings(path: Path) -> dict[str, object]:
    """What a table of somebody's runs changes in `settings`: laws, ranges, and whose they are.

    - path: a table, or the folder that `scalinglib fit` left, with its units and its way of
      fitting.
    - raises ValueError: as `tables.read_runs` and `fit_own` have it, where the table has no
      teachers, or where its fits bear no verdict.
    """
    how, asked_for = {"way": "own"}, Path(path)
    if asked_for.is_dir():
        if not (asked_for / "fit.json").is_file():
            raise ValueError(f"{path} is no folder that scalinglib fit left: it has no fit.json")
        how = json.loads((asked_for / "fit.json").read_text(encoding="utf-8"))
        path = asked_for / how["table"]
    table = tables.read_runs(path)
    if table.distilled.empty:
        raise ValueError(f"{path} has no runs with teachers; the planner needs some")
    doubts = table.suspicions()
    if (left := tables.open_doubts(doubts)) and not asked_for.is_dir():
        said = "; ".join(doubt.text for doubt in left)
        raise ValueError(
            f"{path}: no verdict from this table: {said}. scalinglib fit converts it, and its "
            "folder makes a page"
        )
    if lacking := {"teacher_params", "teacher_tokens"} - set(table.distilled):
        raise ValueError(f"{path}: the planner needs the columns {', '.join(sorted(lacking))}")
    fitted = fit_own(table.distilled, table.supervised, way=how["way"])
    if reasons := list(unfit(fitted)):
        raise ValueError(f"{path}: no verdict from these runs: {'; '.join(reasons)}")
    found, runs = fitted.distillation, fitted.distillation.runs
    ensemble = found.ensemble()
    members = ensemble.members
    singles = fitted.supervised.runs if fitted.supervised else pd.DataFrame({"loss": []})
    warned = [text for one in fitted.fits().values() for text in one.warnings]
    notes = [*doubts, *fitted.notes, *warned]
    tokens = np.concatenate([runs.student_tokens, fitted.pool.teacher_tokens])
    params = np.concatenate([runs.student_params, fitted.pool.teacher_params])
    values = dict(zip(_RANGES, (params, tokens, params, tokens, runs.teacher_loss), strict=True))
    seen = {name: [float(of.min()), float(of.max())] for name, of in values.items()}
    low = {name: min(1e6, seen[name][0] / 10) for name in ("params", "tokens")}
    costs = 3 * flops.forward_flops(runs.student_params.to_numpy()) * runs.student_tokens
    compute = [min(1e17, float(costs.min()) / 10), max(1e28, 1e6 * float(costs.max()))]
    span = [min(1e8, seen["tokens"][0]), max(1e14, 1e3 * seen["tokens"][1])]
    asked = _own_question(runs, fitted.pool)
    shown = asked["opening"] | asked["examples"]
    largest = max(*runs.student_loss, *runs.teacher_loss, *singles.loss)
    return {
        "set": f"fitted to {Path(path).name}",
        "whose": f"the laws of {len(runs)} distilled runs and {len(singles)} "
        f"supervised ones in {Path(path).name}, and hold for models and text like theirs. FLOPs "
        f"are counted as for the paper's models. {_sentences(notes)}",
        "central": _law(found.law, "equation8"),
        "ensemble": [_law(law, "equation8") | {"weight": 1 / len(members)} for law in members],
        "box": {
            name: (low[name], box[1])
            for name, box in (
                ("params", allocate.TEACHER_PARAMS_BOX), ("tokens", allocate.TOKENS_BOX),
            )
        },
        "seen": _seen(ensemble),
        "fitted": seen,
        "resolution": float(ensemble.scales[0]),
        "small": None,
        "scan": {"compute": compute, "tokens": span, "points": 90},
        # The vocabulary of the runs is not known, and with it not what guessing would cost.
        "guess": {"loss": _FAR * largest, "what": f"{_FAR} times the largest of the runs"},
        "units": _units(_own_kinds(low, seen, float(costs.min()), shown)),
        **asked,
    }  # fmt: skip


def _own_question(runs, pool):
    """What the page opens with, in the middle of the runs, and its examples of what to write."""
    size, tokens = middle_student(runs)
    # Best last, and each a teacher that there is.
    ranked = pool.sort_values(["teacher_loss", "teacher_params"], ascending=False, kind="stable")
    middle = ranked.iloc[len(ranked) // 2]
    shelf = ranked.iloc[sorted({0, len(ranked) // 2, len(ranked) - 1})]
    names = {1: ["mine"], 2: ["weak", "strong"], 3: ["weak", "middle", "strong"]}[len(shelf)]
    described = [
        f"{name}, {written(one.teacher_params)}, {one.teacher_loss:.4g}"
        for name, one in zip(names, shelf.itertuples(), strict=True)
    ]
    budget = tokens * (3 * flops.forward_flops(size) + flops.forward_flops(middle.teacher_params))
    return {
        "opening": {
            "n": written(size),
            "b": written(tokens),
            "tn": written(middle.teacher_params),
            "tl": f"{middle.teacher_loss:.4g}",
            "list": "\n".join(described),
        },
        "examples": {
            "sizes": ", ".join(
                written(n) for n in (runs.student_params.min(), size, runs.student_params.max())
            ),
            "flops": f"{budget:.2g}".replace("e+", "e"),
            "limit": written(4 * tokens),
            "serve": written(40 * tokens),
        },
    }


def _own_kinds(low, seen, cost, shown):
    """`units.KINDS`, so wide that what the runs hold is neither refused nor questioned."""
    per_hour = 3600e12 * max(flops.GPU_TERAFLOPS.values())
    usual = {
        "size": seen["params"],
        "tokens": seen["tokens"],
        "flops": [cost, cost],
        "hours": [cost / per_hour] * 2,
        "loss": seen["teacherLoss"],
    }
    kinds = units.smaller(
        size=(low["params"], shown["n"]),
        tokens=(low["tokens"], shown["b"]),
        flops=(min(1e15, cost / 10), shown["flops"]),
    )
    kinds["hours"] = kinds["hours"]._replace(low=min(1e-2, cost / 10 / per_hour))
    return kinds | {
        name: kinds[name]._replace(
            usual_low=min(kinds[name].usual_low, first),
            usual_high=max(kinds[name].usual_high, last),
        )
        for name, (first, last) in usual.items()
    }


def _sentences(notes):
    """What is doubtful of a table, and of how it was fitted, for the page that answers from it."""
    told = [getattr(note, "text", note) for note in notes]
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in told)


def write(folder: Path, runs: Path | None = None) -> None:
    """Write the planner into `folder`, made anew; `runs` are one's own, or a fit's folder."""
    told = settings() | (own_settings(runs) if runs else {})
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCE, folder)
    script = f'"use strict";\nconst SETTINGS = {json.dumps(told, indent=1)};\n'
    (folder / "coefficients.js").write_text(script, encoding="utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("runs", type=Path, nargs="?")
    arguments = parser.parse_args()
    try:
        write(arguments.folder, arguments.runs)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"{arguments.runs}: {error}")
    print(arguments.folder / "index.html")


if __name__ == "__main__":
    main()
