"""Put the planner together: site/planner/ and the coefficients, as a folder that opens from disk.

    python -m tools.planner build/planner

A page opened from disk may not fetch a file, so the coefficients travel as a script.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

from scalinglib import allocate, flops, laws
from scalinglib.report.paths import DATA, ROOT

SOURCE = ROOT / "site" / "planner"
COEFFICIENT_SET = "corrected"


def relative_error():
    """The law's mean relative error on the runs of the paper's Figure 1 (notebook 05)."""
    with (DATA / "fits" / "misprint_evidence.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["which"]: row for row in csv.DictReader(file)}
    return float(rows[COEFFICIENT_SET]["mean_relative_error"])


def settings():
    """Everything that the planner's scripts take from the library, as a dict of plain numbers."""
    distillation = laws.load(COEFFICIENT_SET)._asdict()
    return {
        "set": COEFFICIENT_SET,
        "supervised": distillation.pop("supervised")._asdict(),
        "distillation": distillation,
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
        "resolution": relative_error(),
        # Where the answer's changes are looked for: the budgets of `allocate.crossover`.
        "scan": {"compute": [1e17, 1e28], "tokens": [1e8, 1e14], "points": 90},
    }


def write(folder):
    """Write the planner into `folder`, which is made anew."""
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCE, folder)
    script = f'"use strict";\nconst SETTINGS = {json.dumps(settings(), indent=2)};\n'
    (folder / "coefficients.js").write_text(script, encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1])
