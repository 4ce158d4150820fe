"""Put the planner together: site/planner/ and the coefficients, as a folder that opens from disk.

    python -m tools.planner build/planner

A page opened from disk may not fetch a file, so the coefficients travel as a script.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

from scalinglib import allocate, flops, laws, quantities
from scalinglib.allocate import advice
from scalinglib.report.paths import FIGURES, ROOT

SOURCE = ROOT / "site" / "planner"
COEFFICIENT_SET = "corrected"
ENSEMBLE = "figure1"


def resolution():
    """One run's own scatter, relative to its loss: a gain below it would not be seen in a run."""
    laws_of_runs = laws.ensemble(ENSEMBLE)
    return float(laws_of_runs.weights @ laws_of_runs.scales)


def truncation():
    """What keeping part of the distribution cost the small students of notebook 10, in nats."""
    with (FIGURES / "fig54_truncation.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["mixing"]) == 1]
    kept = {"entries": "top_k", "mass": "top_p"}
    costs = {name: {} for name in kept}
    for name, knob in kept.items():
        for row in rows:
            if row["knob"] == knob:
                costs[name].setdefault(float(row["kept"]), []).append(float(row["above"]))
    return {
        name: [{"kept": k, "low": min(v), "high": max(v)} for k, v in sorted(cost.items())]
        for name, cost in costs.items()
    }


def _law(law, form):
    coefficients = law._asdict()
    supervised = coefficients.pop("supervised")._asdict()
    return {"form": form, "supervised": supervised, "coefficients": coefficients}


def settings():
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
        "agreement": advice.AGREEMENT,
        "flops": {
            "omega": flops.OMEGA,
            "aspectRatio": flops.ASPECT_RATIO,
            "context": flops.N_CTX,
            "vocabulary": flops.N_VOCAB,
        },
        "box": {"params": allocate.TEACHER_PARAMS_BOX, "tokens": allocate.TOKENS_BOX},
        "fitted": {
            "params": laws.FITTED_RANGE["params"],
            "tokens": laws.FITTED_RANGE["tokens"],
            "teacherLoss": laws.FITTED_RANGE["teacher_loss"],
        },
        "resolution": resolution(),
        # Where the answer's changes are looked for: the budgets of `allocate.crossover`.
        "scan": {"compute": [1e17, 1e28], "tokens": [1e8, 1e14], "points": 90},
        "quantities": {
            "kinds": {name: kind._asdict() for name, kind in quantities.KINDS.items()},
            "times": quantities.TIMES,
            "flopUnits": quantities.FLOP_UNITS,
            "scales": quantities.SCALES,
        },
        "gpus": quantities.GPU_TERAFLOPS,
        "truncation": truncation(),
    }


def write(folder):
    """Write the planner into `folder`, which is made anew."""
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCE, folder)
    script = f'"use strict";\nconst SETTINGS = {json.dumps(settings(), indent=1)};\n'
    (folder / "coefficients.js").write_text(script, encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1])
