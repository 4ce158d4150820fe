"""What forms fitted to data/runs/study.csv foretell of runs not yet made.

Writes data/fits/open_predictions.csv.

    python -m tools.once.open_predictions
"""

import pandas as pd

from scalinglib import fit
from scalinglib.report.paths import DATA
from scalinglib.study import record
from scalinglib.study.corpora.words import Words
from scalinglib.study.designs import choice, floor, mixing, scaling, strong_teachers
from scalinglib.study.run import PERFECT
from tools.once import write
from tools.once.extrapolation import means
from tools.once.law_bench import FORMS, STARTS

TABLE = DATA / "fits" / "open_predictions.csv"
NAMES = ("equation8", "cosine", "dip", "data dip", "two parts", "bias and variance")
NAMES += ("  orthogonal", "  never below the floor")
EXPERIMENTS = {"floor": floor.RUNS, "strong_teachers": strong_teachers.RUNS}
EXPERIMENTS |= {"mixing": mixing.RUNS, "choice": choice.RUNS}
# These were there before, apart from the study that the forms are fitted to.
EXPERIMENTS |= {"largest_students": scaling.LARGEST_STUDENTS}


def settings():
    """What is to be foretold: experiment, params, tokens, teacher, teacher_loss; each once."""
    known = record.read(DATA / "runs" / "study.csv").set_index("id").loss
    losses = known.to_dict() | {PERFECT: Words().entropy}
    found = [
        (name, r.params, r.tokens, r.teacher_id, losses[r.teacher_id])
        for name, runs in EXPERIMENTS.items()
        for r in runs
        if r.teacher is not None and r.objective.mixing
    ]
    columns = ["experiment", "params", "tokens", "teacher", "teacher_loss"]
    return pd.DataFrame(list(dict.fromkeys(found)), columns=columns)


def main():
    """Fit and foretell."""
    taught, trained = means("study")
    supervised = fit.fit_supervised(trained, starts=256).law
    cells = settings()
    labels = supervised.loss(cells.params, cells.tokens)
    rows = [cells.assign(form="labels", loss=labels, difference=0.0)]
    for name in NAMES:
        spec, fixed = FORMS[name]
        law = fit.fit(spec, taught, supervised=supervised, fixed=fixed, starts=STARTS).law
        loss = law.loss(cells.params, cells.tokens, cells.teacher_loss)
        rows.append(cells.assign(form=name.strip(), loss=loss, difference=loss - labels))
    write(pd.concat(rows), TABLE)


if __name__ == "__main__":
    main()
