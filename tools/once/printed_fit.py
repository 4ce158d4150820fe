"""Equation 8 fitted to all that the paper prints of it at once, recorded once.

    python -m tools.once.printed_fit

Which coefficients are in use, if the B' of Table 6 is a misprint? Each piece of evidence is a block
of residuals in units of what it leaves open:

- runs: the 328 of Figure 1, in units of Equation 8's own misfit, 0.25%;
- digits: Table 6's coefficients but B', in units of a quarter of their printed 95% intervals;
- d5: Section D.5's compute ratios, 3/4 and 1/2 with teacher inference, half of what they round by;
- labels: how far the least and the largest contour label of L_S and L_T on the maps of Section D.4
  lie outside the law's range, 25 mnats (half of the labels' spacing);
- readings: the 40 on the curves drawn in Figure 1, 0.01%.

c1 is held at its printed value, since nothing tells it; the supervised law is Table 6's. Writes
data/fits/printed_fit.csv, the coefficients with 95% intervals (from the Jacobian), and
printed_fit_blocks.csv, each block's root mean square: near one it agrees, far above it does not.
"""

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from scalinglib import allocate, laws
from scalinglib.report.paths import DATA
from scalinglib.sentences import EXAMPLES, INFERENCE, World, example_ratio
from tools.once import write

FREE = ["A", "B", "alpha", "beta", "gamma", "c0", "d1", "f1"]
BLOCKS = ["runs", "digits", "d5", "labels", "readings"]
FITS = {
    "all but the curves drawn": BLOCKS[:4],
    "all": BLOCKS,
    "runs and curves": ["runs", "readings"],
}
D5 = {500e6: (0.75, 0.025), 10e9: (0.5, 0.03)}  # ratio, and half of what it rounds by


def evidence() -> dict[str, pd.DataFrame]:
    """What the paper prints, by block."""
    published = DATA / "published"
    printed = pd.read_csv(laws.COEFFICIENTS / "table6.csv")
    printed = printed[printed.law == "distillation"].set_index("coefficient").loc[FREE]
    labels = pd.read_csv(published / "contour_labels.csv")
    return {
        "runs": pd.read_csv(published / "figure1_runs.csv"),
        "digits": printed.drop("B"),
        "labels": labels[labels.quantity.isin(["student_loss", "teacher_loss"])],
        "readings": pd.read_csv(published / "figure1_curves.csv"),
    }


def off(law: laws.DistillationLaw, table: pd.DataFrame) -> np.ndarray:
    """Relative errors of a law on runs."""
    predicted = law.loss(table.student_params, table.student_tokens, table.teacher_loss)
    return np.log(predicted / table.student_loss).to_numpy()


def outside(law: laws.DistillationLaw, labels: pd.DataFrame) -> np.ndarray:
    """Nats by which labels lie outside the range of a law's optima, 0 inside."""
    optima = allocate.optima(law, np.geomspace(300e6, 50e9, 5), np.geomspace(1e20, 1e26, 7))
    spans = optima.groupby("scenario")[["student_loss", "teacher_loss"]].agg(["min", "max"])
    rows = [spans.loc[row.scenario, row.quantity] for row in labels.itertuples()]
    low, high = (np.array([row[end] for row in rows]) for end in ("min", "max"))
    return np.maximum(np.concatenate([low - labels.low, labels.high - high]), 0)


def ratios(law: laws.DistillationLaw) -> np.ndarray:
    """Section D.5's compute ratios with teacher inference."""
    world = World(law)
    return np.array([example_ratio("compute_ratio", size, INFERENCE)(world) for size in EXAMPLES])


def residuals(law: laws.DistillationLaw, found: dict, blocks: list[str]) -> dict[str, np.ndarray]:
    """The residuals of each block, in its units."""
    digits = found["digits"]
    said, half = np.array(list(D5.values())).T
    make = {
        "runs": lambda: off(law, found["runs"]) / 0.0025,
        "digits": lambda: (
            (np.array([getattr(law, name) for name in digits.index]) - digits.estimate)
            / ((digits.high - digits.low) / 4)
        ),
        "d5": lambda: (ratios(law) - said) / half,
        "labels": lambda: outside(law, found["labels"]) / 0.025,
        "readings": lambda: off(law, found["readings"]) / 1e-4,
    }
    return {block: np.asarray(make[block](), float) for block in blocks}


def fitted(start: laws.DistillationLaw, found: dict, blocks: list[str]):
    """The law with the least squares over some blocks, and SciPy's result in log coefficients."""

    def law(x):
        return start._replace(**dict(zip(FREE, map(float, np.exp(x)), strict=True)))

    result = least_squares(
        lambda x: np.concatenate(list(residuals(law(x), found, blocks).values())),
        np.log([getattr(start, name) for name in FREE]), x_scale="jac", diff_step=1e-5,
    )  # fmt: skip
    return law(result.x), result


def main() -> None:
    """Make both tables."""
    found, corrected = evidence(), laws.load("corrected")
    rows, blocks = [], []
    for name, used in FITS.items():
        law, result = fitted(corrected, found, used)
        error = np.sqrt(np.diag(np.linalg.inv(result.jac.T @ result.jac)))
        for coefficient, x, e in zip(FREE, result.x, error, strict=True):
            ends = np.exp([x, x - 1.96 * e, x + 1.96 * e])
            rows.append([name, coefficient, *ends])
        for block, values in residuals(law, found, BLOCKS).items():
            rms = np.sqrt(np.mean(values**2))
            blocks.append([name, block, block in used, len(values), rms])
    columns = ["fit", "coefficient", "estimate", "low", "high"]
    write(pd.DataFrame(rows, columns=columns), DATA / "fits/printed_fit.csv", 4)
    columns = ["fit", "block", "fitted", "residuals", "root_mean_square"]
    write(pd.DataFrame(blocks, columns=columns), DATA / "fits/printed_fit_blocks.csv", 4)


if __name__ == "__main__":
    main()
