"""Foretell runs that were kept aside: data/fits/far_predictions.csv, far_calibration.csv.

    python -m tools.once.far_predictions

Seven settings of Farseer's grid (bits per character) and two models on OLMo's data (nats per token
on C4) lie beyond the tables in data/public. Nobody here has seen their losses; what follows was
settled on hold-outs of the tables alone. (Tried first: the mean of the forms, and cuts that leave
few rows; one form then runs away, and the interval of the largest model is twice as wide.)

* The centre is the median of laws of several forms, each fitted to the whole table: Equation 1 with
  gamma free; the same with a data exponent that slides with the model's size; for Farseer's 404
  rows also its authors' own form, which has no floor.
* How far that is off is measured on the table itself. It is cut at many places, by size and by
  FLOPs, a third of the rows at least left; all forms are refitted to what is left and foretell what
  was cut off. The size of the error is taken to be a + b ln(N / N_max) + c ln(C / C_max), a, b, c
  at least 0, by least squares.
* 90%: between the 5% and the 95% quantile of error over that size, cuts counting alike: of all
  errors, and of those for larger models (or for none larger) alone, the wider end of both. Its own
  test leaves out one cut after another (`covered` in far_calibration.csv); neighbouring cuts share
  most of their rows, so that it is a mild one.
* OLMo's far models were trained another way than the ladder, on 3.9T and 5T tokens of schedules of
  their own, maybe not decayed to the end. What a decay is worth is read off the two Gemstones
  tables; the upper end is higher by half of it.
"""

from collections import namedtuple
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from scalinglib import fit
from scalinglib.checks import namespace
from scalinglib.fit.forms import SUPERVISED
from scalinglib.laws.base import Law
from scalinglib.report.paths import DATA
from tools.once import write

FARSEER = (
    (2273495040, 430537310208),
    (2697992704, 430537310208),
    (3816352512, 453197168640),
    (6369572352, 304437264384),
    (25120768000, 125599744000),
    (5354047488, 215270162432),
    (5354047488, 430540062720),
)
OLMO = ((6.9e9, 3.9e12), (13.2e9, 5e12))
TAILS = (0.05, 0.95)
STARTS = 64
_CENTRE = np.log(1e9), np.log(1e10)  # params and tokens at which the forms' numbers are read


class Sliding(Law, namedtuple("_Sliding", "E A B alpha beta gamma slide")):
    """Equation 1 with the data exponent beta + slide ln(N / 1e9)."""

    def log_loss(self, log_params: np.ndarray, log_tokens: np.ndarray) -> np.ndarray:
        """Log L from log N and log D; unchecked."""
        xp = namespace(log_params, log_tokens, self.A)
        size = xp.log(self.A) - self.alpha * log_params
        twisted = (log_params - _CENTRE[0]) * (log_tokens - _CENTRE[1])
        data = xp.log(self.B) - self.beta * log_tokens - self.slide * twisted
        return xp.logaddexp(xp.log(self.E), self.gamma * xp.logaddexp(size, data))


class Floorless(
    Law, namedtuple("_Floorless", "e e_slope e_power b b_slope b_power beta beta_slope beta_power")
):
    """Farseer's form (arXiv 2506.10972): exp(e(N)) + exp(b(N)) / D^exp(beta(N)).

    Each of the three is value + slope (n^power - 1) / power, n = N / 1e9.
    """

    def log_loss(self, log_params: np.ndarray, log_tokens: np.ndarray) -> np.ndarray:
        """Log L from log N and log D; unchecked."""
        xp = namespace(log_params, log_tokens, self.e)
        n, d = log_params - _CENTRE[0], log_tokens - _CENTRE[1]

        def curve(value, slope, power):
            return value + slope * xp.expm1(power * n) / power

        exponent = xp.exp(curve(self.beta, self.beta_slope, self.beta_power))
        floor = curve(self.e, self.e_slope, self.e_power)
        return xp.logaddexp(floor, curve(self.b, self.b_slope, self.b_power) - exponent * d)


_RANGES = {
    "E": (0.05, 2.0),
    "A": (0.01, 30.0),
    "B": (0.01, 30.0),
    "alpha": (0.1, 1.5),
    "beta": (0.1, 1.5),
    "gamma": (0.15, 1.5),
    "slide": (-0.1, 0.1),
}
SLIDING = fit.LawSpec(
    name="sliding",
    law=Sliding,
    columns=SUPERVISED.columns,
    ranges=_RANGES,
    terms={"A": ("alpha", "params"), "B": ("beta", "tokens")},
)
FLOORLESS = fit.LawSpec(
    name="floorless",
    law=Floorless,
    columns=SUPERVISED.columns,
    ranges={
        "e": (-1.5, 0.5),
        "e_slope": (-0.3, 0.05),
        "e_power": (0.01, 0.4),
        "b": (-4.0, 0.0),
        "b_slope": (-0.5, 0.2),
        "b_power": (0.01, 0.4),
        "beta": (-2.0, 0.0),
        "beta_slope": (-0.2, 0.4),
        "beta_power": (0.01, 0.4),
    },
)


def flops(runs: pd.DataFrame) -> np.ndarray:
    """6 N D of each row."""
    return 6 * runs.params.to_numpy(float) * runs.tokens.to_numpy(float)


def cuts(runs: pd.DataFrame, least: int) -> tuple[np.ndarray, list[str]]:
    """Parts of the runs to fit, (parts, runs) of bool, each with `least` settings, and their names.

    Cut below every size, below every third of an octave of FLOPs, and below both at once.
    """
    size, compute = runs.params.to_numpy(float), flops(runs)
    sizes = [*np.unique(size)[3:-1], np.inf]
    levels = [*np.geomspace(compute.min(), compute.max(), 40)[:-1], np.inf]
    kept, names, seen = [], [], set()
    for n in sizes:
        for c in (*levels[:: 3 if np.isfinite(n) else 1], np.inf):
            part = (size <= n) & (compute <= c)
            settings = len(runs[part].drop_duplicates(["params", "tokens"]))
            spans = [np.ptp(np.log(x[part])) if part.any() else 0 for x in (size, runs.tokens)]
            if settings < least or part.all() or part.tobytes() in seen or min(spans) < np.log(4):
                continue
            seen.add(part.tobytes())
            kept.append(part)
            names.append(f"N <= {n:.3g}, C <= {c:.2g}")
    return np.array(kept), names


def beyond(known: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """1, ln(N / N_max) and ln(C / C_max), from 0, of the rows of `asked`; (rows, 3)."""
    size = np.log(asked.params.to_numpy(float) / known.params.max())
    compute = np.log(flops(asked) / flops(known).max())
    return np.stack([np.ones(len(asked)), np.maximum(size, 0), np.maximum(compute, 0)], axis=1)


def log_middle(laws: list, runs: pd.DataFrame) -> np.ndarray:
    """Median over laws of the log of the loss; coefficients may have parts as columns."""
    logs = (np.log(runs[name].to_numpy(float)) for name in ("params", "tokens"))
    n, d = logs
    with np.errstate(over="ignore", invalid="ignore"):
        return np.median([law.log_loss(n, d) for law in laws], axis=0)


def errors_of_cuts(
    runs: pd.DataFrame, fits: list, least: int, furthest: np.ndarray
) -> pd.DataFrame:
    """What was foretold of rows that a cut left out, no further off than `furthest`."""
    kept, names = cuts(runs, least)
    predicted = log_middle([fit.laws_of_parts(found, kept) for found in fits], runs)
    rows = []
    for part, name, log_loss in zip(kept, names, predicted, strict=True):
        out = runs[~part]
        far = beyond(runs[part], out)
        near = (far <= furthest * 1.2).all(axis=1) & (far[:, 1:] > 0).any(axis=1)
        error = log_loss[~part] - np.log(out.loss.to_numpy())
        table = pd.DataFrame(far[near], columns=["one", "size", "compute"])
        rows.append(table.assign(cut=name, error=error[near]))
    return pd.concat(rows, ignore_index=True)


class Scale(NamedTuple):
    """How large an error is to be expected, and quantiles of errors in that measure.

    `low` and `high` are two each: of models no larger than the fitted ones, and of larger ones.
    """

    size: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, errors: pd.DataFrame) -> "Scale":
        """Each cut counts alike; each kind has the wider of its own quantiles and everybody's."""
        weight = 1 / errors.groupby("cut").error.transform("size").to_numpy()
        root = np.sqrt(weight)[:, None]
        far = errors[["one", "size", "compute"]].to_numpy()
        size, _ = nnls(far * root, errors.error.abs().to_numpy() * root[:, 0])
        ratios, larger = errors.error.to_numpy() / (far @ size), far[:, 1] > 0

        def quantiles(which):
            return np.quantile(ratios[which], TAILS, weights=weight[which], method="inverted_cdf")

        everybody = quantiles(np.full(len(ratios), True))
        low, high = np.transpose([quantiles(which) for which in (~larger, larger)])
        low, high = np.minimum(low, everybody[0]), np.maximum(high, everybody[1])
        return cls(size, np.minimum(low, 0.0), np.maximum(high, 0.0))

    def limits(self, far: np.ndarray) -> np.ndarray:
        """Log of truth over prediction, low and high, (2, rows)."""
        scale, kind = far @ self.size, (far[:, 1] > 0).astype(int)
        return np.stack([-self.high[kind] * scale, -self.low[kind] * scale])


def coverage(errors: pd.DataFrame) -> pd.DataFrame:
    """Each cut's errors in the interval of all the others: rows and how many are covered."""
    rows = []
    for cut, part in errors.groupby("cut", sort=False):
        scale = Scale.of(errors[errors.cut != cut])
        low, high = scale.limits(part[["one", "size", "compute"]].to_numpy())
        truth = -part.error.to_numpy()
        inside = int(((truth >= low) & (truth <= high)).sum())
        rows.append(
            (cut, len(part), inside, part.error.abs().mean(), np.exp(high - low).mean() - 1)
        )
    return pd.DataFrame(rows, columns=["cut", "held", "covered", "error", "width"])


def foretold(name: str, tables: list, asked: tuple, specs: tuple) -> tuple:
    """Predictions of the first of `tables`, calibrated on all of them, and the calibration."""
    asked = pd.DataFrame(asked, columns=["params", "tokens"], dtype=float)
    furthest, all_errors, first = beyond(tables[0], asked).max(axis=0), [], None
    for i, runs in enumerate(tables):
        fits = [fit.fit(spec, runs, starts=STARTS) for spec in specs]
        least = max(2 * max(len(spec.coefficients) for spec in specs), len(runs) // 3)
        errors = errors_of_cuts(runs, fits, least, furthest)
        all_errors.append(errors.assign(cut=errors.cut + f" ({i})"))
        first = first or fits
    errors = pd.concat(all_errors, ignore_index=True)
    centre = log_middle([found.law for found in first], asked)
    low, high = Scale.of(errors).limits(beyond(tables[0], asked))
    table = asked.assign(table=name, low=centre + low, centre=centre, high=centre + high)
    return table, coverage(errors).assign(table=name)


def decay() -> float:
    """Log of the loss at a constant rate over that after cooling down (Gemstones), the median."""
    hot, cool = (pd.read_csv(DATA / "public" / f"gemstones_{k}.csv") for k in ("hot", "cool"))
    hot, found = hot.sort_values("tokens", kind="stable"), []
    for (width, depth), part in cool.groupby(["width", "depth"]):
        same = hot[(hot.width == width) & (hot.depth == depth)]
        if len(same):
            at = np.interp(np.log(part.tokens), np.log(same.tokens), np.log(same.loss))
            inside = part.tokens.between(same.tokens.min(), same.tokens.max())
            found += list((at - np.log(part.loss))[inside])
    return float(np.median(found))


def main() -> None:
    """Write the tables."""
    public = DATA / "public"
    farseer = pd.read_csv(public / "farseer.csv")
    olmo = pd.read_csv(public / "olmo_ladder.csv")
    texts = [olmo] + [olmo.assign(loss=olmo[f"loss_{t}"]) for t in ("pile", "wikitext103")]
    first, one = foretold("farseer", [farseer], FARSEER, (SUPERVISED, SLIDING, FLOORLESS))
    second, two = foretold("olmo_ladder", texts, OLMO, (SUPERVISED, SLIDING))
    second["high"] += decay() / 2
    table = pd.concat([first, second], ignore_index=True)
    table = table.astype({"params": "int64", "tokens": "int64"})
    table[["low", "centre", "high"]] = np.exp(table[["low", "centre", "high"]])
    columns = ["table", "params", "tokens", "low", "centre", "high"]
    for name, part in (("predictions", table[columns]), ("calibration", pd.concat([one, two]))):
        write(part, DATA / "fits" / f"far_{name}.csv")


if __name__ == "__main__":
    main()
