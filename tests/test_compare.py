"""Comparisons seed by seed against arithmetic by hand and SciPy's paired test."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from scalinglib.experiment.compare import (
    above_zero,
    against,
    against_best,
    interval,
    never_rises,
    rise,
)


def noisy(effects, seeds=4, own=0.001):
    """Losses with a large part that a seed shares between settings and a small one of its own."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=seeds)
    return pd.DataFrame(
        {"seed": seed, "x": x, "loss": 2 + shared[seed] + effect + own * rng.normal()}
        for seed in range(seeds)
        for x, effect in effects.items()
    )


def test_against_takes_differences_within_seeds():
    runs = noisy({0.5: 0.1, 1.0: 0.0, 2.0: -0.1})
    found = against(runs, "x", 1.0).set_index("x")
    assert list(found.verdict) == ["worse", "no difference", "better"]
    wide = runs.pivot_table(index="seed", columns="x", values="loss")
    paired = scipy.stats.ttest_rel(wide[0.5], wide[1.0])
    assert found.above[0.5] / found.above_error[0.5] == pytest.approx(paired.statistic)
    assert found.p[0.5] == pytest.approx(paired.pvalue)
    assert tuple(found.loc[0.5, ["low", "high"]]) == pytest.approx(paired.confidence_interval())
    assert found.loss_error[0.5] > 100 * found.above_error[0.5]


def test_what_two_standard_errors_call_a_difference_may_be_none():
    rows = [{"seed": s, "x": x, "loss": s + x * (0.2 + 0.06 * s)} for s in range(3) for x in (0, 1)]
    found = against(pd.DataFrame(rows), "x", 0).set_index("x").loc[1]
    assert found.above == pytest.approx(0.26)
    assert found.verdict == "worse"
    rows[-1]["loss"] += 0.2  # 7.6 errors before, 3.0 after: of three seeds p = 0.09
    found = against(pd.DataFrame(rows), "x", 0).set_index("x").loc[1]
    assert found.above > 2 * found.above_error
    assert found.verdict == "no difference"


def test_one_seed_has_no_interval():
    assert np.isnan(interval([1.0])).all()


def test_columns_above_zero():
    values = pd.DataFrame(
        {"up": [0.9, 1.0, 1.1], "noise": [-1, 0.5, 1.0], "down": [-1, -1.1, -1.2]}
    )
    assert list(above_zero(values)) == [True, False, False]
    two_errors_are_not_enough = pd.DataFrame({"x": [0.2, 1.0, 1.2]})  # t = 2.7 of two degrees
    assert not above_zero(two_errors_are_not_enough).any()


def test_against_refuses_what_it_cannot_pair():
    runs = noisy({0.0: 0.0, 1.0: 0.0})
    with pytest.raises(ValueError, match="one row for each pair"):
        against(runs[1:], "x", 1.0)
    with pytest.raises(ValueError, match="reference is 3"):
        against(runs, "x", 3)


def test_groups_are_compared_within_themselves():
    groups = [noisy({0.0: 0.0, 1.0: effect}).assign(g=effect) for effect in (0.1, -0.1)]
    both = against(pd.concat(groups), "x", 0.0, by=("g",))
    apart = [against(group, "x", 0.0).assign(g=group.g.iloc[0]) for group in groups]
    pd.testing.assert_frame_equal(both, pd.concat(apart[::-1], ignore_index=True)[list(both)])


def test_what_is_as_good_as_the_best_and_what_never_rises():
    runs = noisy({1: 0.2, 2: 0.0, 3: 1e-5, 4: 0.1})
    judged = against_best(runs, "x")
    assert list(judged.verdict) == ["worse", "no difference", "no difference", "worse"]
    assert judged.loss[judged.best].item() == judged.loss.min()
    twice = against_best(pd.concat([runs.assign(g=0), runs.assign(g=1)]), "x", by=("g",))
    assert list(twice.verdict) == 2 * list(judged.verdict)
    assert not never_rises(runs, "x")
    assert never_rises(runs[runs.x < 4], "x")  # 1e-5 is within the noise


def students(losses):
    """A runs table from losses by seed and teacher."""
    return pd.DataFrame(
        {"seed": seed, "teacher_width": 2**t, "loss": loss}
        for seed, row in enumerate(losses)
        for t, loss in enumerate(row)
    )


def test_a_rise_is_found_where_it_is():
    found = rise(students([[3, 1.0, 2.0], [3, 1.2, 2.4], [3, 1.1, 2.2]]))
    assert (found.best, found["last"], found.is_u) == (2, 4, True)
    assert found.rise == pytest.approx(np.mean([1.0, 1.2, 1.1]))
    assert found.error == pytest.approx(np.std([1.0, 1.2, 1.1], ddof=1) / np.sqrt(3))


def test_no_rise_is_found_in_noise_or_where_the_last_teacher_is_the_best():
    assert not rise(students([[3, 2, 1.0], [3, 2, 1.1]])).is_u
    noise = np.random.default_rng(0).normal(size=(100, 5, 8))
    found = [rise(students(losses)) for losses in noise]
    # The best of seven is always below the last on average; chosen by other seeds it is not.
    assert abs(np.mean([f.rise for f in found])) < 0.2
    assert np.mean([f.last_loss - f.best_loss for f in found]) > 0.5


def test_a_rise_is_refused_where_seeds_are_not_paired():
    with pytest.raises(ValueError, match="two seeds"):
        rise(students([[1.0, 2.0]]))
    with pytest.raises(ValueError, match="one row for each pair"):
        rise(students([[1.0, 2.0], [1.0, 2.0]]).iloc[1:])
