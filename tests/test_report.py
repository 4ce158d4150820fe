import matplotlib.pyplot as plt
import pytest

from scalinglib.report import claims, figures, profiles


def draw():
    figures.use_style()
    figure, axes = plt.subplots()
    axes.plot([1, 2], [3, 4])
    return figure


@pytest.fixture
def drawing():
    yield draw()
    plt.close("all")


def test_a_figure_drawn_twice_saves_the_same_bytes(tmp_path, monkeypatch):
    files = []
    for folder in ("one", "two"):
        monkeypatch.setattr(figures, "FIGURES", tmp_path / folder)
        figures.saver(profiles.load("full"))(draw(), "fig", {"x": [1 / 3], "name": ["a"]})
        plt.close("all")
        files.append({f.name: f.read_bytes() for f in (tmp_path / folder).iterdir()})
    assert set(files[0]) == {"fig.svg", "fig.png", "fig.csv"}
    assert files[0] == files[1]
    assert files[0]["fig.csv"] == b"x,name\n0.333333,a\n"


def test_fast_writes_nothing(drawing, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "FIGURES", tmp_path / "figures")
    figures.saver(profiles.load("fast"))(drawing, "fig", {"x": [1.0]})
    assert list(tmp_path.iterdir()) == []


def test_a_missing_number_is_named(drawing):
    with pytest.raises(ValueError, match="fig: column 'y' has missing numbers"):
        figures.saver(profiles.load("fast"))(drawing, "fig", {"x": [1.0], "y": [float("nan")]})


def test_unknown_profile_is_named():
    with pytest.raises(ValueError, match="profile is 'slow'"):
        profiles.load("slow")


def test_sizes_have_one_colour_each():
    sizes = [143e6, 546e6, 1.82e9, 7.75e9, 12.6e9]
    assert len({figures.student_color(n) for n in sizes}) == len(sizes)
    assert [figures.label_size(n) for n in sizes] == ["143M", "546M", "1.82B", "7.75B", "12.6B"]


@pytest.fixture
def one_claim(monkeypatch):
    entry = {"statement": "s", "expected": 0.75, "tolerance": 0.05, "answer": "holds"}
    monkeypatch.setattr(claims, "ledger", lambda: {"number": entry})
    return entry


def test_a_claim_holds_within_its_tolerance(one_claim, capsys):
    claims.check("number", 0.79)
    assert "number: holds (here: 0.79)" in capsys.readouterr().out
    assert claims.judge("number", 0.81).answer == "does not hold"


def test_a_verdict_does_not_change_unseen(one_claim):
    with pytest.raises(AssertionError, match=r"data/claims\.toml records: holds"):
        claims.check("number", 0.81)
    with pytest.raises(ValueError, match="'other'"):
        claims.check("other", 1.0)
    with pytest.raises(ValueError, match="nan"):
        claims.judge("number", float("nan"))
