"""Rolling hold-outs and dominated pairs: against fits one at a time, loops by hand, exact laws."""

import numpy as np
import pandas as pd
import pytest

from scalinglib import fit, laws, simulate

LAW = laws.load("corrected").supervised
STRONG = "ignore::scalinglib.fit.FitWarning"


@pytest.mark.filterwarnings(STRONG)
def test_each_cut_is_foretold_by_a_fit_of_its_own(supervised_runs):
    shuffled = supervised_runs.sample(frac=1, random_state=0)
    held = fit.rolling_hold_outs(fit.fit_supervised(shuffled, starts=32))
    sizes = np.unique(supervised_runs.params)
    assert set(held.cut) <= set(sizes[3:-1])
    assert held.cut.nunique() >= 5
    for cut in held.cut.unique()[[0, -1]]:
        alone = fit.fit_supervised(supervised_runs[supervised_runs.params <= cut], starts=64)
        beyond = supervised_runs[supervised_runs.params > cut]
        expected = alone.law.loss(beyond.params, beyond.tokens) / beyond.loss - 1
        got = held[held.cut == cut].set_index("row")
        np.testing.assert_allclose(got.relative_error[expected.index], expected, atol=2e-5)
        np.testing.assert_allclose(got.ratio[expected.index], beyond.params / cut)


def test_reach_counts_what_is_about_as_much_larger():
    held = pd.DataFrame(
        {
            "cut": [1.0, 1.0, 2.0, 2.0],
            "ratio": [2.0, 4.0, 5.0, 30.0],
            "relative_error": [-0.01, 0.02, -0.04, 0.5],
            "row": [0, 1, 1, 2],
        }
    )
    told = fit.reach(held)
    assert told.index.tolist() == [2, 4]
    assert told.loc[2].tolist() == [0.01, 0.01, 1, 1]
    assert told.loc[4].tolist() == [0.03, 0.04, 2, 1]


@pytest.mark.filterwarnings(STRONG)
def test_three_sizes_leave_nothing_to_hold_out():
    params, tokens = (
        part.ravel() for part in np.meshgrid([1e8, 1e9, 1e10], np.geomspace(1e9, 1e11, 5))
    )
    grid = pd.DataFrame({"params": params, "tokens": tokens, "loss": LAW.loss(params, tokens)})
    few = fit.fit_supervised(grid, starts=8)
    held = fit.rolling_hold_outs(few)
    assert held.empty
    assert fit.reach(held).empty


def test_bad_parts_are_named(supervised_runs):
    found = fit.fit_supervised(supervised_runs, starts=32)
    with pytest.raises(ValueError, match="kept is of shape"):
        fit.laws_of_parts(found, np.ones((1, 3)))
    kept = np.zeros((2, len(found.runs)), bool)
    kept[0] = True
    kept[1, :4] = True
    with pytest.raises(ValueError, match=r"kept\[1\] has 4 settings for 6 coefficients"):
        fit.laws_of_parts(found, kept)


def test_pairs_are_those_of_a_loop(supervised_runs):
    part = supervised_runs.sample(25, random_state=3)
    rows = list(part[["params", "tokens", "loss"]].itertuples(index=False))
    by_hand = sorted(
        a.loss - b.loss
        for a in rows
        for b in rows
        if a.params < b.params and a.tokens < b.tokens and a.loss > b.loss
    )
    pairs = fit.dominated_pairs(part)
    np.testing.assert_allclose(pairs["drop"], by_hand, rtol=1e-12)
    assert (pairs.params < pairs.larger_params).all()


def test_a_shift_of_all_losses_moves_e_alone(supervised_runs):
    moved = (supervised_runs.assign(loss=supervised_runs.loss + by) for by in (0, 0.7))
    found, shifted = (fit.fit_dominated_pairs(runs, starts=32).law for runs in moved)
    assert abs(shifted.E - found.E - 0.7) < 2e-3
    np.testing.assert_allclose(shifted[1:], found[1:], rtol=1e-4)


def test_pairs_give_an_exact_law_back_and_hold_what_is_held():
    runs = simulate.supervised_runs(LAW, noise=0.0)
    np.testing.assert_allclose(fit.fit_dominated_pairs(runs, starts=32).law, LAW, rtol=1e-3)
    one = fit.fit_dominated_pairs(runs, fixed={"gamma": 1.0}, starts=32)
    assert one.law.gamma == 1.0
    assert np.isnan(one.coefficients.low).all()


def test_pairs_refuse_what_they_cannot_tell(supervised_runs):
    with pytest.raises(ValueError, match="fixed names 'E'"):
        fit.fit_dominated_pairs(supervised_runs, fixed={"E": 1.0})
    with pytest.raises(ValueError, match="no pair of which one has more params and tokens"):
        fit.fit_dominated_pairs(supervised_runs.assign(params=1e9))
