"""The law of mixtures against errors that are added up, and its best share against a search."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalinglib import fit
from scalinglib.laws.mixing import (
    CORRELATION,
    CORRELATION_OF_TEXT,
    best_mixing,
    correlation_of,
    mixed_loss,
)
from scalinglib.report.paths import DATA
from scalinglib.study import record
from scalinglib.study.designs import mixing
from scalinglib.study.run import WORDS
from scalingplan import cli

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


def test_plan_mixes_in_labels_under_a_twin_alone(capsys):
    asked = ["plan", "--student", "1B", "--tokens", "7B", "--json", "--teacher"]
    found = {}
    for teacher in ("1B@25B", "7B@200B"):
        assert cli.main([*asked, teacher]) == 0
        found[teacher] = json.loads(capsys.readouterr().out)
    assert found["7B@200B"]["mixing"] is None
    told, labels = found["1B@25B"]["mixing"], found["1B@25B"]["train"]["loss"]
    shares = mixed_loss(labels, found["1B@25B"]["distil"]["loss"], FINE, 1.22, CORRELATION)
    assert told["loss"] == pytest.approx(shares.min())
    other = mixed_loss(
        labels, found["1B@25B"]["distil"]["loss"], told["teacher_share"], 1.22, CORRELATION_OF_TEXT
    )
    ends = labels, found["1B@25B"]["distil"]["loss"]
    assert told["gain_on_text"] == pytest.approx(min(ends) - other)
    assert told["teacher_share"] == pytest.approx(FINE[shares.argmin()], abs=1e-4)
    assert cli.main([*asked[:-2], "--teacher", "1B@25B"]) == 0
    assert "Mixing in 4" in capsys.readouterr().out
