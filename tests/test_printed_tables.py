import numpy as np
import pandas as pd
import pytest

from scalinglib import flops
from scalinglib.gap import printed_tables
from scalinglib.report.paths import DATA

PRINTED = pd.read_csv(DATA / "published" / "table13.csv")


def read(number):
    return pd.read_csv(DATA / "published" / f"table{number}.csv", dtype=str)


@pytest.mark.parametrize("layers", [9, 21, 40])
def test_printed_formulas_give_the_librarys_counts(layers):
    model = flops.Architecture(layers)
    parameters, costs = (printed_tables.worked_out(read(n), model) for n in (9, 11))
    assert printed_tables.whole(parameters, model) == pytest.approx(model.total_params)
    assert printed_tables.whole(costs, model) == pytest.approx(model.forward_flops)


def test_a_wrong_total_is_seen():
    table = printed_tables.worked_out(read(11), flops.Architecture(9))
    assert printed_tables.total_misses(table) < 1e-9
    table.loc[table.component == "Total", "ours_total_value"] *= 1.02
    assert printed_tables.total_misses(table) == pytest.approx(0.02)
    assert printed_tables.apart(table, table) == 0


def test_no_number_of_heads_gives_all_totals_and_the_best_gives_most():
    best = printed_tables.best_heads(PRINTED)
    off = printed_tables.rows_off(PRINTED, best)
    assert 0 < off <= min(printed_tables.rows_off(PRINTED, heads) for heads in (8, 16, 32, None))


def test_equation_69_is_the_librarys_count():
    sizes = np.geomspace(1e7, 1e12, 7)
    np.testing.assert_allclose(
        printed_tables.by_powers(sizes), flops.forward_flops(sizes), rtol=1e-12
    )
