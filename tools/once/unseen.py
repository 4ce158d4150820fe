"""What the ensemble's rules say of runs kept from them: data/fits/unseen.csv.

    python -m tools.once.unseen

Students under strong teachers (largest_students.csv, strong_teachers.csv in data/runs) are foretold
from notebook 08's runs by the rules of `tools.once.extrapolation`: weights and growth from the
hold-outs on the paper's runs and on text, the widths of 90%. Asked are the distilled loss, and the
gain, supervised over distilled loss, where the student was trained on labels too.
"""

import warnings

import numpy as np
import pandas as pd

from scalinglib import fit
from tools.once import extrapolation, write
from tools.once.ensemble import COVERAGE, ERRORS, GAINS, HELD_REPLICATES

TABLE = ERRORS.with_name("unseen.csv")
KEY = ("unseen", "notebook 08's runs")


def asked():
    """The runs as one `Question`, and what is in them."""
    runs, trained = extrapolation.sets()["words"]
    held, alone = extrapolation.means("largest_students", "strong_teachers")
    both = pd.concat([runs, held], ignore_index=True)
    kept = np.arange(len(both)) < len(runs)
    warnings.simplefilter("ignore", fit.FitWarning)  # that a part covers less is the point
    whole = {KEY: (kept[kept], kept[kept])}
    laws = extrapolation.foretold(runs, trained, HELD_REPLICATES, whole)
    pairs = {KEY: (kept, ~kept)}
    labels = pd.concat([trained, alone]).drop_duplicates(["params", "tokens"])
    (question,) = extrapolation.questions("words", both, trained, laws, pairs, labels)
    return question, held


def main():
    """Foretell, compare, write."""
    question, held = asked()
    errors = pd.read_csv(ERRORS).query("runs != 'words'").set_index(["runs", "kind", "cut"])
    weight = extrapolation.weights(errors)
    rows = []
    twin = np.isfinite(question.alone)
    for what, q, table, of in (
        ("loss", question, COVERAGE, held),
        ("gain", extrapolation.gains(question), GAINS, held[twin]),
    ):
        growth = pd.read_csv(table).query("runs == 'words'").growth.dropna().iloc[0]
        low, high = extrapolation.band(q, weight, growth)
        inputs = of[extrapolation.INPUTS].assign(what=what, distance=q.distance, low=low)
        middle = {"centre": extrapolation.centre(q, weight), "high": high, "measured": q.measured}
        rows.append(inputs.assign(**middle, held=(low <= q.measured) & (q.measured <= high)))
    write(pd.concat(rows), TABLE, 5)


if __name__ == "__main__":
    main()
