"""Repeated tokens and mixtures: formulas, limits, best shares, fits and the command."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import huber

from scalinglib import fit, laws
from scalinglib.laws.mixing import (
    CORRELATION,
    CORRELATION_OF_TEXT,
    best_mixing,
    correlation_of,
    mixed_loss,
)
from scalinglib.laws.repeated import MOST_EPOCHS, RepeatedLaw, repeated
from scalinglib.report.paths import DATA
from scalinglib.study import record
from scalinglib.study.designs import mixing
from scalinglib.study.run import WORDS
from scalingplan.answers.epochs import TAUGHT_STRETCH, beyond_one_epoch
from tools.once import repeated_tokens

SUPERVISED = laws.load().supervised
LAW = RepeatedLaw(*SUPERVISED, R_D=15.4, R_N=5.3)


def as_printed(law, params, tokens, unique):
    """Section 3.1 of Muennighoff et al., the optimal size found by SciPy instead of a formula."""

    def imbalance(log_n):
        n = np.exp(log_n)
        compute = n * unique
        scan = minimize_scalar(
            lambda m: law.A / np.exp(law.alpha * m) + law.B * (np.exp(m) / compute) ** law.beta,
            bounds=(np.log(1e4), np.log(1e14)),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return scan.x - log_n

    best = min(params, np.exp(brentq(imbalance, np.log(1e5), np.log(1e13))))
    epochs, size = tokens / unique - 1, params / best - 1
    d = unique + unique * law.R_D * (1 - np.exp(-epochs / law.R_D))
    n = best + best * law.R_N * (1 - np.exp(-size / law.R_N))
    return law.E + (law.A / n**law.alpha + law.B / d**law.beta) ** law.gamma


@pytest.mark.parametrize(
    ("params", "tokens", "unique"), [(1e9, 1e11, 1e10), (3e10, 2e11, 5e9), (1e8, 1e11, 1e11)]
)
def test_the_law_is_the_printed_one(params, tokens, unique):
    expected = as_printed(LAW, params, tokens, unique)
    assert LAW.loss(params, tokens, unique) == pytest.approx(expected, rel=1e-5)


def test_limits():
    params, tokens = np.geomspace(1e8, 1e10, 7), np.geomspace(1e10, 1e12, 7)
    once = LAW._replace(R_N=1e12)
    np.testing.assert_allclose(
        once.loss(params, tokens, tokens), SUPERVISED.loss(params, tokens), rtol=1e-9
    )
    endless = once._replace(R_D=1e12)
    np.testing.assert_allclose(
        endless.loss(params, tokens, 1e9), SUPERVISED.loss(params, tokens), rtol=1e-6
    )
    losses = LAW.loss(1e9, 1e10 * np.geomspace(1, 1e3, 40), 1e10)
    assert (np.diff(losses) <= 0).all()
    assert LAW.effective_tokens(1e14, 1e10) == pytest.approx(1e10 * (1 + LAW.R_D), rel=1e-6)
    with pytest.raises(ValueError, match="unique_tokens exceed tokens"):
        LAW.loss(1e9, 1e10, 2e10)
    with pytest.raises(ValueError, match="which is 'best'"):
        laws.repeated(SUPERVISED, "best")


def test_committed_form_foretells_larger_models_to_a_hundredth():
    known, held = repeated_tokens.runs()
    assert held.params.min() > known.params.max()
    assert len(held) == 17
    committed = pd.read_csv(repeated_tokens.TABLE).set_index("form")
    values = committed[list(RepeatedLaw._fields)]
    for form, row in values.iterrows():
        law = RepeatedLaw(*row)
        predicted = law.loss(held.params, held.tokens, held.unique_tokens)
        error = np.abs(predicted / held.loss - 1).mean()
        assert error == pytest.approx(committed.error_held[form], rel=1e-3)
    assert committed.error_held["R_D and R_N"] < 0.01 < committed.error_held["as if read once"]
    assert laws.repeated(SUPERVISED).once == SUPERVISED
    inputs = known.params, known.tokens, known.unique_tokens

    def objective(x):
        law = RepeatedLaw(*np.exp(x))._replace(gamma=SUPERVISED.gamma)
        return huber(1e-3, np.log(law.loss(*inputs) / known.loss)).sum()

    best = np.log(values.loc["R_D and R_N"].to_numpy(float))
    assert minimize(objective, best, method="Nelder-Mead").fun > 0.999 * objective(best)


def test_a_budget_beyond_the_text():
    params, unique = 1e9, 1e10
    assert beyond_one_epoch(SUPERVISED, params, 0.9 * unique, unique) is None
    few = beyond_one_epoch(SUPERVISED, params, 4 * unique, unique)
    assert few.epochs == pytest.approx(4)
    assert few.all_spent
    assert 0 < few.gain_low < few.gain < few.gain_high
    law = laws.repeated(SUPERVISED)
    gain = law.loss(params, unique, unique) - law.loss(params, 4 * unique, unique)
    assert few.gain == pytest.approx(float(gain))
    many = beyond_one_epoch(SUPERVISED, params, 1e3 * unique, unique)
    assert many.epochs == MOST_EPOCHS
    assert not many.all_spent


def test_plan_answers_beyond_one_epoch(said, asked):
    problem = "--student 1B --data 20B --teacher 7B:2.05 --flops"
    told = said(f"{problem} 1e21")
    for part in ("Read again, ", "distilling comes to", "small scale (notebook 20)"):
        assert part in told
    found = asked(f"{problem} 1e21")
    again, taught = found["repeated"], found["repeated_distilled"]
    assert again["tokens"] == pytest.approx(again["epochs"] * 2e10)
    each = sum(found["distil"]["flops"][part] for part in ("student", "inference"))
    # What the whole budget buys, the teacher's passes included.
    assert taught["tokens"] == pytest.approx(2e10 * 1e21 / each)
    members = laws.ensemble()
    losses = members.losses(1e9, np.array([2e10, taught["tokens"]]), 2.05)
    fresh = -np.diff(members.quantiles(losses, 0.5))[0]
    assert taught["gain_low"] < taught["gain"] < taught["gain_high"] < fresh
    assert "Read again" not in said(f"{problem} 1e20")


LOSSES = st.floats(1.0, 5.0)
FINE = np.linspace(0, 1, 20001)


def test_loss_is_the_square_of_the_mean_error():
    rng = np.random.default_rng(0)
    labels, teacher = rng.standard_normal((2, 7))
    first, second = labels @ labels, teacher @ teacher
    cosine = labels @ teacher / np.sqrt(first * second)
    for share in (0.0, 0.25, 1.0):
        error = (1 - share) * labels + share * teacher
        law = mixed_loss(1.5 + first, 1.5 + second, share, 1.5, cosine)
        assert law == pytest.approx(1.5 + error @ error)


@given(LOSSES, LOSSES, st.floats(-0.99, 0.99))
def test_best_share_is_what_a_search_finds(labels, teacher, c):
    share = best_mixing(labels, teacher, 0.9, c)
    losses = mixed_loss(labels, teacher, FINE, 0.9, c)
    assert mixed_loss(labels, teacher, share, 0.9, c) <= losses.min() + 1e-12
    if teacher - 0.9 <= c * abs(c) * (labels - 0.9):
        assert share == 1


@given(LOSSES, LOSSES, st.floats(-1, 1))
def test_correlation_is_recovered(labels, teacher, c):
    shares = np.array([0.2, 0.5, 0.9])
    losses = mixed_loss(labels, teacher, shares, 0.9, c)
    assert correlation_of(labels, teacher, shares, losses, 0.9) == pytest.approx(c, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mixed_loss(2.0, 2.0, 1.1, 1.0, 0.9), r"mixing is 1\.1"),
        (lambda: mixed_loss(2.0, 0.9, 0.5, 1.0, 0.9), r"taught_loss is 0\.9, below the entropy"),
        (lambda: best_mixing(2.0, 2.0, 1.0, 1.2), r"correlation is 1\.2"),
        (lambda: correlation_of(2.0, 2.0, [0, 1], [2.0, 2.0], 1.0), "between 0 and 1"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_correlation_is_that_of_the_runs():
    cells = mixing.cells(record.read(DATA / "runs" / "mixing.csv"))
    told = mixing.left_out(cells, WORDS.entropy).c
    assert told.min() - 0.005 < CORRELATION < told.max()
    study = record.read(DATA / "runs" / "text.csv")
    alone = study[study.kind == "supervised"][["params", "tokens", "loss"]].astype(float)
    cells = mixing.cells(record.read(DATA / "runs" / "mixing_text.csv"))
    text = mixing.left_out(cells, fit.fit_supervised(alone, starts=16).law.E).c
    assert text.min() - 0.005 < CORRELATION_OF_TEXT < text.max() + 0.005


@pytest.mark.parametrize("unique", [2e7, 3e8, 5e9])
def test_text_read_again_under_a_teacher_is_worth_what_the_laws_middle_says(asked, unique):
    found = asked(f"--student 1B --flops 1e21 --data {unique:g} --teacher 7B@2T")
    way, again, members = found["distil"], found["repeated_distilled"], laws.ensemble()
    R_D = TAUGHT_STRETCH * repeated(SUPERVISED).R_D
    worth = unique * (1 + R_D * (1 - np.exp(-(again["epochs"] - 1) / R_D)))
    middle = members.quantiles(members.losses(1e9, worth, way["teacher"]["loss"]), 0.5)
    assert way["loss"] - again["gain"] == pytest.approx(middle, rel=1e-6)
    assert found["new_run"][1] == way["loss"]
    ranges = found["ranges"]["distilled"]
    assert found["new_run"][0] <= ranges[0] < ranges[1] <= found["new_run"][2]


def test_plan_mixes_in_labels_under_a_twin_alone(said, asked):
    problem = "--student 1B --tokens 7B --teacher"
    assert asked(f"{problem} 7B@200B")["mixing"] is None
    found = asked(f"{problem} 1B@25B")
    told, way = found["mixing"], found["distil"]
    law, at = laws.load(), (1e9, way["student_tokens"])
    ends = law.supervised.loss(*at), law.loss(*at, way["teacher"]["loss"])
    shares = mixed_loss(*ends, FINE, 1.22, CORRELATION)
    assert told["gain"] == pytest.approx(min(ends) - shares.min())
    other = mixed_loss(*ends, told["teacher_share"], 1.22, CORRELATION_OF_TEXT)
    assert told["gain_on_text"] == pytest.approx(min(ends) - other)
    assert told["teacher_share"] == pytest.approx(FINE[shares.argmin()], abs=1e-4)
    assert "Mixing in 4" in said(f"{problem} 1B@25B")
