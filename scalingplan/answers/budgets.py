"""What a training budget wants under a supervised law of one's own runs, inside them."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scalinglib.allocate import supervised_optimum
from scalinglib.fit import Fit
from scalinglib.flops import forward_flops
from scalingplan.answers.numbers import band, ranged

_BUDGETS = 64  # between the smallest and the largest of the runs, to look for one inside


def seen(runs: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """What the runs span: {"params", "tokens", "compute"}, each (lowest, highest).

    - runs: params, tokens. Training costs 3 F(N) FLOPs a token, the paper's F.
    """
    columns = runs.params.to_numpy(), runs.tokens.to_numpy()
    values = (*columns, 3 * forward_flops(columns[0]) * columns[1])
    names = "params", "tokens", "compute"
    return {n: (float(v.min()), float(v.max())) for n, v in zip(names, values, strict=True)}


def wanted(law_fit: Fit, budgets: ArrayLike) -> pd.DataFrame:
    """The best size and tokens of each budget.

    - returns: compute, params and tokens with _low and _high (9 of 10 replicates; NaN where one has
      no optimum), the columns of `Fit.predict`, and inside: whether size, tokens and budget are
      within what the runs span.
    """
    best = pd.DataFrame({"compute": np.atleast_1d(np.asarray(budgets, float))})
    best["params"], best["tokens"] = supervised_optimum(law_fit.law, best.compute.to_numpy())
    rows = law_fit.replicates.to_numpy()
    draws = np.array([_optimum(law_fit.spec.build(row), best.compute) for row in rows])
    draws = draws.reshape(len(rows), 2, len(best)).transpose(1, 0, 2)
    for name, values in zip(("params", "tokens"), draws, strict=True):
        best[f"{name}_low"], best[f"{name}_high"] = band(values, best[name])
    best = law_fit.predict(best)
    return best.assign(inside=_inside(law_fit, best))


def inside_budget(law_fit: Fit) -> float | None:
    """The middle of the budgets whose optimum the runs hold, or None where they hold none."""
    grid = np.geomspace(*seen(law_fit.runs)["compute"], _BUDGETS)
    table = pd.DataFrame({"compute": grid})
    table["params"], table["tokens"] = supervised_optimum(law_fit.law, grid)
    budgets = grid[_inside(law_fit, table)]
    return float(f"{budgets[len(budgets) // 2]:.2g}") if len(budgets) else None


def wanted_in_words(law_fit: Fit, compute: float) -> str:
    """One budget's answer as a sentence; "outside" where the runs do not hold it."""
    best = wanted(law_fit, compute).iloc[0]
    if not best.inside:
        text = ", ".join(
            f"{name} {low:.3g} to {high:.3g}" for name, (low, high) in seen(law_fit.runs).items()
        )
        return (
            f"outside: {compute:.3g} FLOPs want N = {best.params:.3g}, D = {best.tokens:.3g}, and "
            f"the runs span {text}"
        )
    nan = float("nan")
    size = ranged(best.params, best.params_low, best.params_high, ".3g")
    tokens = ranged(best.tokens, best.tokens_low, best.tokens_high, ".3g")
    loss = ranged(best.predicted, best.get("run_low", nan), best.get("run_high", nan), ".3f")
    return f"{size} parameters, {tokens} tokens, {loss} nats per token for one run"


def _inside(law_fit, table):
    within = [table[name].between(*limits) for name, limits in seen(law_fit.runs).items()]
    return np.logical_and.reduce(within)


def _optimum(law, budgets):
    """Sizes and tokens of budgets; NaN for a law that has no optimum."""
    try:
        return supervised_optimum(law, budgets.to_numpy())
    except ValueError:
        return np.full((2, len(budgets)), np.nan)
