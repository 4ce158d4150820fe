"""The identity KL(p, S) = t + K + X, by context and by bin, and the table that splits it."""

import jax
import numpy as np
import pandas as pd
import pytest

from scalinglib.report.paths import DATA
from scalinglib.study import record, training
from scalinglib.study.corpora.base import divergence
from scalinglib.study.corpora.words import Words
from scalinglib.study.model import transformer
from scalinglib.study.model.teachers import Model
from scalinglib.study.run import size
from tests.references import TOY
from tools.once import cross_term

TOTALS = ["weight", "t", "K", "X"]


def untrained(corpus, seed):
    return transformer.initial(size(1, corpus), jax.random.key(seed))


def log_simplex(rng, *shape):
    return np.log(rng.dirichlet(np.ones(shape[-1]), shape[:-1]))


def test_the_identity_holds_in_every_context():
    rng = np.random.default_rng(0)
    log_truth, log_teacher, log_student = (log_simplex(rng, 5, 40, 27) for _ in range(3))
    log_truth[..., 3] = -np.inf
    log_truth -= np.logaddexp.reduce(log_truth, axis=-1, keepdims=True)
    found = cross_term.decomposed(log_truth, log_teacher, log_student)
    direct = divergence(np.exp(log_truth[2, 7]), log_student[2, 7])
    assert found["t"][2, 7] + found["K"][2, 7] + found["X"][2, 7] == pytest.approx(direct, abs=1e-9)
    towards = cross_term.decomposed(log_truth, log_student, log_student)
    assert np.abs(sum(found.values()) - towards["t"]).max() < 1e-9
    assert not towards["K"].any()
    assert not towards["X"].any()


def test_bins_add_up_to_what_the_study_measures():
    teacher = Model(untrained(TOY, 1))
    student = untrained(TOY, 0)
    measured = training.evaluate(student, TOY, teacher)
    teacher_loss = training.evaluate(teacher.members[0], TOY)["loss"]
    table = cross_term.judged(student, teacher, TOY)
    totals = table.groupby("by")[TOTALS].sum()
    assert set(totals.index) == set(cross_term.EDGES)
    for _, row in totals.iterrows():
        assert row.weight == pytest.approx(1, abs=1e-9)
        assert row.t == pytest.approx(teacher_loss - TOY.entropy, abs=1e-9)
        assert row["K"] == pytest.approx(measured["kl_teacher"], abs=1e-9)
        assert row.t + row.K + row.X == pytest.approx(measured["loss"] - TOY.entropy, abs=1e-9)
    inside = table[table.by == "confidence"]
    mean = inside.confidence / inside.weight
    assert mean.between(inside.bin, inside.bin + 0.1).all()
    assert (table.by == "frequency").sum() > 1


def test_the_table_agrees_with_the_study():
    # The study's rows are of an older code, and rounding grows in training: only students of the
    # first teacher, whose training is short, come out to the digit.
    made = pd.read_csv(DATA / "runs" / "cross_term.csv")
    study = record.read(DATA / "runs" / "study.csv").set_index("id")
    assert set(made.id) == {run.id for run in cross_term.runs()}
    totals = made.groupby(["by", "id"])[TOTALS].sum().reset_index("by")
    run = study.loc[totals.index]
    assert totals.weight.to_numpy() == pytest.approx(1)
    assert totals.t.to_numpy() == pytest.approx(run.teacher_loss - Words().entropy, abs=3e-3)
    first = (run.teacher_params == run.teacher_params.min()).to_numpy()
    cross = run.loss - run.teacher_loss - run.kl_teacher
    for name, expected in (("K", run.kl_teacher), ("X", cross)):
        assert totals[name][first].to_numpy() == pytest.approx(expected[first], abs=3e-5)
