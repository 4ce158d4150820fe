"""Fit what a token is worth that was read before; scalinglib/coefficients/repeated.csv.

    python -m tools.once.repeated_tokens

The runs are those of Muennighoff et al. in data/public/data_constrained.csv, as far as a plan may
go: 100M parameters or more, 3B tokens or more, no more than 60 epochs. (Over all 182 runs, down to
7M parameters and up to 9000 epochs, none of the forms tried is within 1.5% of the held-out ones:
what the smallest models do is another story, and a law with one floor does not tell it.)
ScaleBench holds out those of 4.2B and 8.7B parameters among them (`test`), larger than all that
are fitted; the form is good enough where its mean error on these is at most 1%. The law is
Equation 1 with gamma held at Table 6's, since a plan puts R_D and R_N on that law.
data/fits/repeated_tokens.csv has it beside what it is judged against: R_D alone, and no account of
repetition at all.
"""

import numpy as np
import pandas as pd

from scalinglib import fit, laws
from scalinglib.fit.spec import POWER_RANGES
from scalinglib.laws.repeated import MOST_EPOCHS, RepeatedLaw
from scalinglib.report.paths import DATA
from tools.once import write

COEFFICIENTS = laws.COEFFICIENTS / "repeated.csv"
TABLE = DATA / "fits" / "repeated_tokens.csv"
LEAST = {"params": 1e8, "tokens": 3e9}
NEVER = 1e9  # an R so large that what is read again is worth as much as anew
FORMS = {
    "R_D and R_N": {},
    "R_D alone": {"R_N": NEVER},
    "as if read once": {"R_N": NEVER, "R_D": NEVER},
}
REPEATED = fit.LawSpec(
    name="repeated",
    law=RepeatedLaw,
    columns=("params", "tokens", "unique_tokens", "loss"),
    ranges=POWER_RANGES | {"E": (0.3, 2.3), "R_D": (2.0, 100.0), "R_N": (0.5, 50.0)},
    terms={"A": ("alpha", "params"), "B": ("beta", "tokens")},
)


def runs() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs to fit and those held out."""
    table = pd.read_csv(DATA / "public" / "data_constrained.csv")
    table = table[table.tokens <= MOST_EPOCHS * table.unique_tokens]
    for name, least in LEAST.items():
        table = table[table[name] >= least]
    held = table.split == "test"
    return table[~held], table[held]


def row(name: str, found: fit.Fit, held: pd.DataFrame) -> dict:
    """Coefficients and errors of one form."""
    errors = np.abs(np.expm1(found.residuals(held)))
    told = {"error": found.mean_relative_error(), "error_held": errors.mean()}
    counts = {"runs": len(found.runs), "held": len(held)}
    return {"form": name} | found.law._asdict() | counts | told | {"worst_held": errors.max()}


def main() -> None:
    """Write both tables."""
    known, held = runs()
    gamma, rows = {"gamma": laws.load().supervised.gamma}, []
    for name, fixed in FORMS.items():
        options = {"starts": 256, "bootstrap": 200 if not fixed else 0, "cluster": "params"}
        found = fit.fit(REPEATED, known, fixed=gamma | fixed, **options)
        rows.append(row(name, found, held))
        if not fixed:
            best = found.coefficients.loc[["R_D", "R_N"], ["estimate", "low", "high"]]
    write(pd.DataFrame(rows), TABLE)
    write(best, COEFFICIENTS, index=True)


if __name__ == "__main__":
    main()
