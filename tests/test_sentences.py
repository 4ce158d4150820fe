import numpy as np
import pandas as pd
import pytest

from scalinglib import allocate, laws, sentences
from scalinglib.report import claims

ALL = {name: value for part in sentences.SENTENCES.values() for name, value in part.items()}


@pytest.fixture(scope="module")
def corrected():
    return sentences.World(laws.load("corrected"))


@pytest.mark.parametrize("question", [sentences.every, sentences.most, sentences.least])
def test_a_question_about_no_case_has_no_answer(question):
    for empty in ([], np.zeros((0, 3)), pd.Series(dtype=float), pd.DataFrame()):
        with pytest.raises(ValueError, match="empty"):
            question(empty)
    assert question(np.array([[1.0, 1.0]])) == 1


class Falling:
    """A world whose best teacher loss only falls with compute, or turns for one student alone."""

    def __init__(self, turns=()):
        self.turns = turns

    def at(self, scenario, column):
        shape = len(sentences.STUDENTS), len(sentences.BUDGETS)
        fall = np.linspace(2.5, 1.5, shape[1])
        values = np.broadcast_to(fall if column == "teacher_loss" else 1.0, shape).copy()
        for student in self.turns if column == "teacher_loss" else ():
            row = list(sentences.STUDENTS).index(student)
            values[row, 60:] = values[row, 60] + (values[row, 60] - values[row, 60:])
        return pd.DataFrame(values, sentences.STUDENTS, sentences.BUDGETS)


def test_an_inflection_that_does_not_happen_is_none():
    """Sixteen of twenty laws have none; 0 tokens a parameter had counted as fewer than twenty."""
    value = ALL["best-case-inflection"]
    large = sentences.STUDENTS[sentences.STUDENTS >= 3e9]
    for turns, holds in (((), False), (large[:-1], False), (large, True)):
        verdict = claims.judge("best-case-inflection", value(Falling(turns)))
        assert verdict.answer == ("holds" if holds else "does not hold")


def test_ends_are_where_an_optimum_on_its_own_gains_so_much(corrected):
    for scenario in sentences.FREE:
        student, budget = 1e9, corrected.ends(scenario, 0.01)[1e9]
        row = allocate.optimal(corrected.law, student, budget, scenario).iloc[0]
        assert row.supervised_loss - row.student_loss == pytest.approx(0.01, abs=2e-4)


def test_the_authors_laws_meet_the_sentences_that_were_computed_from_them(corrected):
    """Section D.5's ratios and the labels of its maps, which no other test of this file touches."""
    labels = pd.DataFrame({"scenario": ["best_case"], "quantity": ["student_loss"]})
    low, high = sentences.label_ranges(corrected.law, labels).iloc[0]
    assert low < 1.65  # Figure 19's labels
    assert high > 2.75
    shares = [sentences.share_with_gain(corrected.law, (delta, 0.0)) for delta in (1.0, 0.3, 0.0)]
    assert shares == sorted(shares)
    ratios = sentences.approach(corrected.law, 0.3)
    assert (ratios.best_case <= ratios.teacher_inference).all()
