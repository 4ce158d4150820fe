"""Tables 9 to 13 of the paper as printed, formulas worked out and numbers counted again."""

import re
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from scalinglib import flops
from scalinglib.flops import Architecture

COLUMNS = {
    "kaplan_2020": "Kaplan et al. 2020",
    "hoffmann_2022": "Hoffmann et al. 2022",
    "narayanan_2021": "Narayanan et al. 2021",
    "ours_total": "Ours (Total)",
}
_VALUES = [f"{column}_value" for column in COLUMNS]


def worked_out(table: pd.DataFrame, model: Architecture) -> pd.DataFrame:
    """One of Tables 9 to 12 with what its formulas give for a model, as `{column}_value`.

    The first three columns have a plain MLP of two matrices; at a ratio of 4 it is as large as the
    gated one at 8/3, so that is what they are given.
    """
    table = table.assign(section=table.section.fillna("whole model"))
    for column in COLUMNS:
        sizes = _sizes(model, column)
        table[f"{column}_value"] = [float(_entry(formula, sizes)) for formula in table[column]]
    return table


def _entry(formula, sizes):
    """The number that a printed entry stands for; a dash is 0."""
    code = formula.replace("—", "0").replace("kv-heads", "kv_heads").replace("^", "**")
    return eval(re.sub(r"(?<=[\w)]) +(?=[\w(])", " * ", code), {}, dict(sizes))


def _sizes(model, column):
    """What the symbols are for one model, under one paper's kind of MLP."""
    heads = model.d_model // model.d_head
    ratio = model.d_ffn / model.d_model if column == "ours_total" else 4
    own = asdict(model) | {"d_model": model.d_model, "n_heads": heads, "n_kv_heads": heads}
    return own | {"g_size": 1, "n_ffn": 3, "rho_ffn": ratio, "d_ffn": ratio * model.d_model}


def total_misses(table: pd.DataFrame) -> float:
    """Largest relative distance of a printed Total from the sum of what stands above it."""
    parts = table[~table.component.isin(["Total", "Approx."])].groupby("section")[_VALUES].sum()
    totals = table[table.component == "Total"].set_index("section")[_VALUES]
    return float((totals / parts.loc[totals.index] - 1).abs().max(axis=None))


def apart(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """Largest relative difference of two tables that `worked_out` gave, entry by entry."""
    one, other = one[_VALUES].to_numpy(), other[_VALUES].to_numpy()
    return float(np.max(np.abs(one - other) / np.maximum(other, 1)))


def whole(table: pd.DataFrame, model: Architecture, column: str = "ours_total") -> float:
    """Embedding, n_layers layers and final logits, from a table's components."""
    parts = table[~table.component.isin(["Total", "Approx."])]
    layers = np.where(parts.section == "whole model", 1, model.n_layers)
    return float((parts[f"{column}_value"] * layers).sum())


def models_of_13(printed: pd.DataFrame) -> list[Architecture]:
    """The models of Table 13 by their depths; that of 10B with the d_ffn its numbers need."""
    return [
        Architecture(layers, d_ffn=12800 if name == "10B" else width)
        for name, layers, width in zip(
            printed["name"], printed.n_layers, printed.d_ffn, strict=True
        )
    ]


def columns_of_13(model: Architecture) -> dict[str, float]:
    """A model's row of Table 13."""
    return {
        "d_ffn": model.d_ffn,
        "params_1e9": model.params / 1e9,
        "total_params_1e9": model.total_params / 1e9,
        "forward_flops_1e9": model.forward_flops / 1e9,
        "approximate_flops_1e9": model.approximate_forward_flops / 1e9,
    }


def four_digits(values: Sequence) -> np.ndarray:
    """Numbers rounded to four significant digits, as Table 13 prints them."""
    return np.array([float(f"{value:.4g}") for value in values])


def rows_off(printed: pd.DataFrame, n_heads: int | None) -> int:
    """Rows of Table 13 whose total is not, in its four digits, that of so many heads.

    None gives each model as many heads as it has layers.
    """
    models = models_of_13(printed)
    totals = np.array([sum(model.flop_terms(n_heads).values()) for model in models]) / 1e9
    return int((np.abs(four_digits(totals) - printed.forward_flops_1e9) > 1e-9).sum())


def best_heads(printed: pd.DataFrame) -> int:
    """The one number of heads, up to 64, that gives most rows of Table 13 their total."""
    return min(range(1, 65), key=lambda heads: rows_off(printed, heads))


def by_powers(params: np.ndarray, n_ctx: float = flops.N_CTX, n_vocab: float = flops.N_VOCAB):
    """Forward FLOPs per token as powers of N (Equation 69)."""
    sigma_1 = (1 / (flops.ASPECT_RATIO * flops.OMEGA**2)) ** (1 / 3)
    sigma_2 = (flops.ASPECT_RATIO / flops.OMEGA) ** (1 / 3)
    shares = sigma_1 * n_ctx / params ** (1 / 3) + sigma_2 * n_vocab / params ** (2 / 3)
    return 2 * params * (1 + shares)
