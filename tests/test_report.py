import itertools
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine

from scalinglib.report import claims, columns, figures, panels, profiles


def draw():
    figures.use_style()
    figure, axes = plt.subplots()
    axes.plot([1, 2], [3, 4])
    return figure


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_a_figure_drawn_twice_saves_the_same_bytes(tmp_path, monkeypatch):
    files, layouts, engine = [], [], ConstrainedLayoutEngine
    lay_out = engine.execute
    monkeypatch.setattr(engine, "execute", lambda *of: (layouts.append(1), lay_out(*of)))
    for folder in ("one", "two"):
        monkeypatch.setenv("SCALINGLIB_OUTPUT", str(tmp_path / folder))
        figures.saver(profiles.load("full"))(draw(), "fig", {"x": [1 / 3], "name": ["a"]})
    assert len(layouts) == 2  # else what .svg and .png show lies elsewhere
    for folder in ("one", "two"):
        files.append({f.name: f.read_bytes() for f in (tmp_path / folder / "figures").iterdir()})
    assert set(files[0]) == {"fig.svg", "fig.png", "fig.csv", "fig.exact.csv"}
    assert files[0] == files[1]
    assert files[0]["fig.csv"] == b"x,name\n0.333333,a\n"


def test_fast_writes_nothing_and_a_missing_number_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALINGLIB_OUTPUT", str(tmp_path))
    save, drawing = figures.saver(profiles.load("fast")), draw()
    save(drawing, "fig", {"x": [1.0]})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="fig: column 'y' has missing numbers"):
        save(drawing, "fig", {"x": [1.0], "y": [float("nan")]})
    with pytest.raises(ValueError, match="profile is 'slow'"):
        profiles.load("slow")


def test_budgets_are_written_as_powers():
    assert columns.powers(1e11) == "10¹¹"
    assert columns.powers(3e10) == "3 × 10¹⁰"


def test_panels_have_words_for_sizes_and_each_row_in_its_place():
    figures.use_style()
    sizes = [1e9, 3e8, 3e9, 1e10]
    table = pd.DataFrame([(n, 10.0**e, e) for n in sizes for e in (20, 21, 22)],
                         columns=["student_params", "compute", "gap"])  # fmt: skip
    grid = panels.Panels(table, "compute", "gap", "A finding", col="student_params")
    grid.draw(
        panels.curve, table.assign(scenario="best_case", inside=table.gap < 22), hue="scenario"
    )
    figure = grid.finish()
    titles = [ax.get_title() for ax in grid.axes.flat]
    assert titles == [f"student of {words} parameters" for words in ("1B", "300M", "3B", "10B")]
    assert figure.get_figwidth() <= 10
    assert grid.axes.flat[0].get_xscale() == "log"
    assert "distilling wins" in figure.get_supylabel()
    assert list(grid.keys) == ["best case: teacher free", "dotted: beyond what was trained"]
    for ax in grid.axes.flat:
        solid, dotted = (line.get_ydata() for line in ax.lines)
        assert np.isfinite(solid).tolist() == [True, True, False]
        assert np.isfinite(dotted).tolist() == [False, True, True]  # it meets the solid piece


@pytest.mark.parametrize("side", ["left", "right"])
def test_words_beside_the_ends_of_lines_do_not_touch_and_keep_the_order_of_the_lines(side):
    figures.use_style()
    slopes = {4: 0.0, 16: 0.001, 64: 0.002, 256: 1.0}
    table = pd.DataFrame([(x, slope * abs(x), width) for width, slope in slopes.items()
                          for x in (-1.0, 0.0, 1.0)], columns=["x", "loss", "width"])  # fmt: skip
    grid = panels.Panels(table, "x", "loss").draw(panels.curve, hue="width", key=side)
    figure = grid.finish()
    boxes = [text.get_window_extent(figure.canvas.get_renderer()) for text in grid.ax.texts]
    said = [text.get_text().replace("\n", " ") for text in grid.ax.texts]
    assert said == [f"student of width {width}" for width in slopes]
    assert all(low.y1 <= high.y0 + 0.5 for low, high in itertools.pairwise(boxes))
    assert not grid.keys


def test_a_value_has_one_colour_whatever_stands_beside_it():
    for column, values in {"student_params": [143e6, 7.75e9], "scenario": ["best_case"]}.items():
        every = columns.palette(column, [*values, *values[:1]])
        assert all(columns.palette(column, [v])[v] == every[v] for v in values)


@pytest.fixture
def one_claim(monkeypatch):
    entry = {"statement": "s", "expected": 0.75, "tolerance": 0.05, "answer": "holds"}
    monkeypatch.setattr(claims, "ledger", lambda: {"number": entry})
    return entry


def test_a_verdict_does_not_change_unseen(one_claim, capsys):
    claims.check("number", 0.79)
    assert "number: holds (here: 0.79)" in capsys.readouterr().out
    with pytest.raises(AssertionError, match=r"records: {'answer': 'holds'}"):
        claims.check("number", 0.81)
    for name, value in (("other", 1.0), ("number", float("nan"))):
        with pytest.raises(ValueError, match=r"'other'|nan"):
            claims.check(name, value)


def judged(monkeypatch, value, **claim):
    monkeypatch.setattr(claims, "ledger", lambda: {"it": {"statement": "s", **claim}})
    return claims.judge("it", value).answer


LOOSE = {"expected": 3.0, "tolerance": 0.5, "loose": 1.0}


@pytest.mark.parametrize(
    ("claim", "answer", "values"),
    [
        ({"expected": 0.75, "tolerance": 0.05}, "holds", (0.701, 0.799)),
        ({"expected": 0.75, "tolerance": 0.05}, "does not hold", (0.699, 0.801)),
        ({"at_least": 0.6}, "holds", (0.6, 1.0)),
        ({"at_least": 0.6}, "does not hold", (0.599,)),
        ({"at_most": 0.01}, "holds", (-1.0, 0.01)),
        ({"at_most": 0.01}, "does not hold", (0.0101,)),
        ({"expected": True}, "holds", (True, np.True_)),
        ({"expected": True}, "does not hold", (False,)),
        ({"expected": False}, "holds", (False,)),
        (LOOSE, "holds", (2.51, 3.49)),
        (LOOSE, "holds within 1", (2.49, 2.01, 3.51, 3.99)),
        (LOOSE, "does not hold", (1.99, 4.01)),
        ({"at_least": 0.5, "scale": "ours"}, "holds", (0.6,)),
        ({"at_least": 0.5, "scale": "ours"}, "not seen at our scale", (0.4,)),
    ],
)
def test_both_sides_of_a_tolerance(monkeypatch, claim, answer, values):
    assert {judged(monkeypatch, value, **claim) for value in values} == {answer}


@pytest.mark.parametrize(
    ("evidence", "answer"),
    [
        ([0.71, 0.79], "holds"),
        ([0.9, 0.6], "does not hold"),
        # Nine in ten decide, either way, whatever the corrected law says.
        ([0.9] + [0.75] * 9, "holds"),
        ([0.75] + [0.9] * 9, "does not hold"),
        ([0.9] + [0.75] * 8, "undecided by the evidence"),
        ([0.75, 0.71, 0.9], "undecided by the evidence"),
    ],
)
def test_laws_that_disagree_leave_a_claim_undecided(one_claim, evidence, answer):
    for value in (0.75, 0.9):
        verdict = claims.judge("number", value, evidence)
        assert verdict.answer == answer
    kept = sum(0.7 <= v <= 0.8 for v in evidence)
    if "undecided" in answer:
        assert verdict.shares == f"{kept} of {len(evidence)} laws that fit the runs"


def test_the_share_of_laws_is_recorded_too(one_claim, capsys):
    shares = "2 of 3 laws that fit the runs"
    one_claim |= {"answer": "undecided by the evidence", "shares": shares}
    claims.check("number", 0.75, evidence=[0.75, 0.71, 0.9])
    assert f"(here: 0.75, holds under {shares}). s" in capsys.readouterr().out
    with pytest.raises(AssertionError, match=r"data/claims\.toml records"):
        claims.check("number", 0.75, evidence=[0.75, 0.6, 0.9])


def test_what_follows_from_the_law_is_recorded_apart_from_what_the_evidence_decides(one_claim):
    with pytest.raises(AssertionError, match="records"):
        claims.check("number", 0.75, authors=[0.75, 0.9])
    one_claim |= {"answer": "does not hold", "follows": "holds under the corrected law alone"}
    asked = {"value": 0.75, "evidence": [0.9] * 3, "authors": [0.75, 0.9]}
    claims.check("number", **asked)
    row = claims.table([claims.judge("number", **asked)]).iloc[0]
    assert list(row) == ["s", "0.75 ± 0.05", "0.75", "0.9", one_claim["follows"], "does not hold"]


def test_what_cannot_be_tested_cannot_be_checked(monkeypatch):
    with pytest.raises(ValueError, match="cannot be tested: no runs"):
        judged(monkeypatch, 1.0, why="no runs")


@pytest.mark.parametrize(
    ("authors", "follows"),
    [
        ((0.75, 0.75), "holds"),
        ((0.75, 0.8), "holds within 0.1"),
        ((0.8, 0.75), "holds within 0.1"),
        ((0.8, 0.9), "holds under the corrected law alone"),
        ((0.9, 0.75), "holds under the law drawn in Figure 1 alone"),
        ((0.9, 0.9), "does not hold"),
        ((), ""),
    ],
)
def test_what_follows_is_said_law_by_law(one_claim, authors, follows):
    one_claim |= {"tolerance": 0.01, "loose": 0.1}
    assert claims.judge("number", 0.8, authors=authors).follows == follows


def test_computed_values_are_read_as_the_check_cell_prints_them(monkeypatch, tmp_path):
    entry = {"statement": "A (b). C.", "expected": 0.75, "tolerance": 0.01, "loose": 0.1}
    monkeypatch.setattr(claims, "ledger", lambda: {"a-1": entry})
    text = f"something: else\n{claims.judge('a-1', 0.8, authors=(0.8, 0.9))}\n"
    cells = [{"cell_type": "markdown"}, {"outputs": [{"text": text.splitlines(keepends=True)}]}]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_a.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "notebooks" / "00_a.partial.ipynb").write_text('{"cells": [')
    monkeypatch.setattr(claims, "ROOT", tmp_path)
    told = {"notebook": "00_a", "id": "a-1", "answer": "holds within 0.1", "value": "0.8"}
    assert claims.computed() == [told | {"follows": "holds under the corrected law alone"}]


def test_without_the_repository_the_ledger_is_missed_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "DATA", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"claims.toml is not there: .* repository"):
        claims.ledger()


def test_a_column_is_told_to_few_digits_and_the_others_to_all():
    table = pd.DataFrame({"A": [4846.594, 4846.603], "loss": [2.345678, 0.1]})
    found = figures.told(table, ["A"])
    assert list(found.A) == [4847, 4847]
    assert list(found.loss) == [2.345678, 0.1]
    assert list(table.A) == [4846.594, 4846.603]
