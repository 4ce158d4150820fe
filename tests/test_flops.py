import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalinglib import flops
from scalinglib.report.paths import DATA

ROWS = pd.read_csv(DATA / "published" / "table13.csv", dtype=str).to_dict("records")
# The printed width of this row contradicts its own N, N_total and FLOPs (notebook 03).
WIDTHS = {"10B": 12800}
sizes = st.floats(1e6, 1e12)


def built(row):
    return flops.Architecture(
        int(row["n_layers"]), d_ffn=WIDTHS.get(row["name"], int(row["d_ffn"]))
    )


def last_digits(value, printed):
    """How far `value`, rounded to four digits, is from `printed`, in units of the last digit."""
    unit = 10.0 ** (np.floor(np.log10(float(printed))) - 3)
    return abs(round((float(f"{value:.4g}") - float(printed)) / unit))


@pytest.mark.parametrize(
    ("column", "count", "allowed"),
    [
        ("params_1e9", lambda m: m.params, 2),
        ("total_params_1e9", lambda m: m.total_params, 2),
        ("approximate_flops_1e9", lambda m: m.approximate_forward_flops, 0),
        ("two_params_1e9", lambda m: 2 * m.params, 2),
    ],
)
def test_table_13(column, count, allowed):
    off = [last_digits(count(built(row)) / 1e9, row[column]) for row in ROWS]
    assert max(off) <= 1
    assert sum(off) <= allowed


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_rule_gives_the_printed_shape(row):
    model = flops.Architecture(int(row["n_layers"]))
    assert (model.d_model, model.d_ffn) == (int(row["d_model"]), int(row["d_ffn"]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_smooth_flops_are_within_half_a_percent_of_the_total_column(row):
    smooth = flops.forward_flops(float(row["params_1e9"]) * 1e9)
    assert abs(smooth / 1e9 / float(row["forward_flops_1e9"]) - 1) < 0.005


@given(sizes)
def test_without_context_and_vocabulary_it_is_two_n(n):
    np.testing.assert_allclose(flops.forward_flops(n, n_ctx=0, n_vocab=0), 2 * n, rtol=1e-14)


def test_smooth_total_is_near_those_of_table_13():
    for model in map(built, ROWS):
        assert flops.total_params(model.params) == pytest.approx(model.total_params, rel=2e-3)


@given(sizes)
def test_shape_gives_the_size_back(n):
    n_layers, d_model = flops.shape(n)
    np.testing.assert_allclose(flops.OMEGA * n_layers * d_model**2, n, rtol=1e-12)


@given(st.integers(1, 200), st.integers(1, 10_000), st.integers(1, 100_000))
def test_terms_add_up_and_are_those_of_table_11(n_layers, n_ctx, n_vocab):
    model = flops.Architecture(n_layers, n_ctx=n_ctx, n_vocab=n_vocab)
    d, f = model.d_model, model.d_ffn
    gains = n_layers * (2 * d + 256) + d
    assert model.params == n_layers * (4 * d * d + 3 * d * f) + gains
    assert model.total_params == model.params + n_vocab * d
    products = 2 * n_layers * (4 * d * d + 3 * d * f) + 2 * n_layers * n_ctx * d + 2 * n_vocab * d
    assert model.approximate_forward_flops == products + 2 * gains
    heads = d // 128
    layer = 4 * heads * 128 * (d + n_ctx / 2) + 4 * heads * d * 128 + 2.5 * heads * n_ctx
    total = 2 * d + n_layers * (layer + 6 * d * f) + 2 * n_vocab * d
    np.testing.assert_allclose(model.forward_flops, total, rtol=1e-13)
    assert f % 128 == 0
    assert 0 <= f - 8 * d / 3 < 128


@pytest.mark.parametrize(
    ("call", "given", "words"),
    [
        (flops.Architecture, {"n_layers": 8} | {name: bad}, f"{name} is {bad}")
        for name in ("n_layers", "n_ctx", "n_vocab", "d_ffn")
        for bad in (0, -3, 2.5)
    ]
    + [
        (flops.forward_flops, {"params": [1e9, -1.0]}, r"params is -1\.0"),
        (flops.forward_flops, {"params": 1e9, "n_ctx": -5}, "n_ctx is .*; it must be 0 or more"),
        (flops.forward_flops, {"params": 1e9, "n_vocab": np.nan}, "n_vocab is .* 0 or more"),
    ],
)
def test_bad_input_is_named(call, given, words):
    with pytest.raises(ValueError, match=words):
        call(**given)
