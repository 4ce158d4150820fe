"""Tables as people have them, what is doubtful in them, and the answers that own runs bear."""

import argparse
import ast
import errno
import json
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import jupytext
import numpy as np
import pandas as pd
import pytest

from scalinglib import fit, flops, laws, simulate
from scalinglib.report.paths import DATA, ROOT
from scalingplan import cli, tables, units
from scalingplan.answers import decisions, fitting, full, numbers
from scalingplan.commands import fit as command
from scalingplan.tables.columns import DISTILLATION
from tools.once import verdicts

CASES = ROOT / "tests" / "cases"
NUMBERS = list(DISTILLATION)
WHO = ("student", "teacher")


@pytest.fixture(scope="module")
def clean():
    """60 simulated runs of ten teachers, as the cases have them."""
    table = tables.read_runs(CASES / "header_space" / "runs.csv").distilled
    return table[::2].reset_index(drop=True)


@pytest.fixture(scope="module")
def own():
    """Laws of the simulated example, few starts and replicates."""
    return fitting.fit_own(simulate.example_runs(), starts=16, bootstrap=16)


@pytest.fixture
def quick(monkeypatch):
    """Few starts and replicates for the command and what it answers."""
    monkeypatch.setattr(full, "_STARTS", 8)
    monkeypatch.setattr(full, "_REPLICATES", 8)


def doubts_of(runs):
    return " | ".join(doubt.text for doubt in tables.doubts(runs))


def arguments(*words):
    parser = argparse.ArgumentParser()
    command.add(parser)
    return parser.parse_args([*map(str, words)])


# Tables as people have them.


def _sized(value):
    return f"{value / 1e6:g}M" if value < 1e9 else f"{value / 1e9:g} B"


def _written(runs, **options):
    return runs.to_csv(index=False, **options)


WRITTEN = {
    "semicolons and decimal commas": lambda runs: _written(runs, sep=";", decimal=",").encode(),
    "tabs": lambda runs: _written(runs, sep="\t").encode(),
    "tabs and decimal commas": lambda runs: _written(runs, sep="\t", decimal=",").encode(),
    "bars": lambda runs: _written(runs, sep="|").encode(),
    "blanks": lambda runs: _written(runs, sep=" ").encode(),
    "UTF-16": lambda runs: _written(runs, sep="\t").encode("utf-16"),
    "UTF-16 without its mark": lambda runs: _written(runs).encode("utf-16-le"),
    "byte order mark": lambda runs: b"\xef\xbb\xbf" + _written(runs).encode(),
    "Windows": lambda runs: _written(runs.assign(note="naïve")).encode("cp1252"),
    "carriage returns": lambda runs: _written(runs, lineterminator="\r\n").encode(),
    "blank rows at the end": lambda runs: (_written(runs) + ",,,,,\n,,,,,\n\n").encode(),
    "cells beyond the header": lambda runs: _written(runs).replace("\n", ",,\n").encode(),
    "sep=": lambda runs: b"sep=;\n" + _written(runs, sep=";").encode(),
    "padded header": lambda runs: _written(runs.rename(columns=" {} ".format)).encode(),
    "capitals": lambda runs: _written(
        runs.rename(columns=lambda n: n.replace("_", " ").title())
    ).encode(),
    "remarks": lambda runs: b"# mine; all of them\n#\n" + _written(runs).encode(),
    "quoted": lambda runs: _written(runs, quoting=1).encode(),
    "sizes as 125M": lambda runs: _written(
        runs.assign(**{n: runs[n].map(_sized) for n in NUMBERS if not n.endswith("loss")})
    ).encode(),
    "groups of three": lambda runs: _written(
        runs.assign(student_params=runs.student_params.map("{:,.0f}".format))
    ).encode(),
    "powers of ten": lambda runs: _written(
        runs.assign(student_tokens=[f"{v / 1e9!r} × 10^9" for v in runs.student_tokens])
    ).encode(),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_table_is_read_whatever_writes_it(how, clean, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_bytes(WRITTEN[how](clean[NUMBERS]))
    read = tables.read_runs(path).distilled
    np.testing.assert_allclose(read[NUMBERS], clean[NUMBERS], rtol=1e-6)


def test_a_decimal_comma_with_three_places_is_read_in_losses_and_refused_in_sizes(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("params;tokens;loss\n1,500;2e9;2,727\n3,000;2e9;2,500\n")
    read = tables.read_runs(path).supervised
    assert read.loss.tolist() == [2.727, 2.5]
    assert read.params.tolist() == [1.5, 3.0]
    path.write_text("params;tokens;loss\n1,500;2e9;2\n3,000;2e9;3\n")
    with pytest.raises(tables.TableError, match=r"row 2, column params.*1\.500 or 1500"):
        tables.read_runs(path)
    path.write_text("params;tokens;loss\n1,50;2e9;2.25\n")
    with pytest.raises(tables.TableError, match="written in two ways"):
        tables.read_runs(path)


def test_every_fault_is_said_at_once_by_the_rows_of_the_spreadsheet(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(
        "#\nparams,tokens,loss\n1e8,2e9,3\n\n1e8,x,3\n-1,2e9,\n1e8,2e9,0,9\n1e8,2e9,inf\n"
    )
    with pytest.raises(tables.TableError) as caught:
        tables.read_runs(path)
    for fault in (
        "row 5, column tokens is 'x'",
        "row 6, column params is '-1': it must be positive",
        "row 6, column loss: it is empty",
        "row 7 has 4 cells; the header has 3",
        "row 7, column loss is '0'",
        "row 8, column loss is 'inf'",
    ):
        assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "nothing in it"),
        (b"params,tokens,loss\n", "a header and no runs"),
        (b"PK\x03\x04", "a workbook"),
        (b"params,loss,loss\n1,2,3\n", "named twice: loss"),
        (b"a,b\n1,2\n", "lacks the columns params, tokens, loss; it has a, b"),
    ],
)
def test_what_is_no_table_is_named(content, message, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_bytes(content)
    with pytest.raises(tables.TableError, match=message):
        tables.read_runs(path)
    with pytest.raises(tables.TableError, match="does not exist"):
        tables.read_runs(tmp_path / "other.csv")


NAMES = [
    ["N_S", "D_S", "N_T", "D_T", "L_T", "L_S"],
    ["student_size", "student tokens", "teacher_size", "D_teacher", "teacher_val_loss", "val_loss"],
    ["studentN", "distill_tokens", "teacherN", "teacherD", "L_teacher", "student_val_loss"],
]


@pytest.mark.parametrize("names", NAMES)
def test_other_names_are_read_by_the_map_that_the_error_suggests(names, clean, tmp_path):
    path = tmp_path / "runs.csv"
    clean[NUMBERS].set_axis(names, axis=1).to_csv(path, index=False)
    with pytest.raises(tables.TableError) as caught:
        tables.read_runs(path)
    suggested = str(caught.value).split('--map "')[1].rstrip('"')
    pairs = dict(pair.split("=") for pair in suggested.split(","))
    for renamed in (pairs, {there: here for here, there in pairs.items()}):
        read = tables.read_runs(path, renamed).distilled
        np.testing.assert_array_equal(read[NUMBERS], clean[NUMBERS])
    with pytest.raises(tables.TableError, match="map names nothing and loss"):
        tables.read_runs(path, {"nothing": "loss"})


def test_a_teacher_that_is_listed_as_a_run_too_is_one_run():
    own = {"params": 83376.0, "tokens": 4e5, "loss": 1.35411}
    teacher = {f"teacher_{name}": value for name, value in own.items()}
    for students in range(1, 30):  # a mean of so many equal losses is not always that loss
        distilled = pd.DataFrame([teacher] * students)
        assert len(fitting.supervised_runs(distilled, pd.DataFrame([own]))) == 1
    seed = own | {"loss": 1.36}
    assert len(fitting.supervised_runs(distilled, pd.DataFrame([own, seed]))) == 2


# What is doubtful.


@pytest.mark.parametrize("unit", ["M", "B"])
@pytest.mark.parametrize("kind", ["params", "tokens"])
def test_sizes_in_other_units_are_suspected_and_the_suggestion_mends_them(unit, kind, clean):
    scale = {"M": 1e6, "B": 1e9}[unit]
    names = [name for name in NUMBERS if name.endswith(kind)]
    _mended(clean.assign(**{name: clean[name] / scale for name in names}), clean)


def test_millions_with_billions_are_told_from_billions_with_trillions(clean):
    sizes = {name: clean[name] / 1e6 for name in NUMBERS if name.endswith("params")}
    tokens = {name: clean[name] / 1e9 for name in NUMBERS if name.endswith("tokens")}
    _mended(clean.assign(**sizes, **tokens), clean)


def test_flops_and_ratios_for_tokens_are_suspected_and_the_suggestion_mends_them(clean):
    _mended(clean.assign(student_tokens=6 * clean.student_params * clean.student_tokens), clean)
    few = clean.assign(student_tokens=np.resize([20.0, 40, 80], len(clean)) * clean.student_params)
    _mended(few.assign(student_tokens=few.student_tokens / few.student_params), few)
    both = {f"{who}_tokens": clean[f"{who}_tokens"] / clean[f"{who}_params"] for who in WHO}
    _mended(clean.assign(**both), clean)  # the same unit for both


def _mended(wrong, right):
    found = [doubt for doubt in tables.doubts(wrong) if doubt.cannot]
    assert found
    units = dict(pair.split("=") for doubt in found for pair in doubt.units.split(","))
    mended = tables.converted(wrong, units)
    np.testing.assert_allclose(mended[NUMBERS], right[NUMBERS], rtol=1e-12)
    assert not any(doubt.cannot for doubt in tables.doubts(mended))


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        ("bits", lambda loss: loss / np.log(2)),
        ("ppl", np.exp),
        ("bpb@4.3", lambda loss: loss / np.log(2) / 4.3),
    ],
)
def test_losses_in_other_units_are_suspected_and_convert_back(unit, written, clean):
    names = ["student_loss", "teacher_loss"]
    other = clean.assign(**{name: written(clean[name]) for name in names})
    units = {doubt.units.partition("@")[0] for doubt in tables.doubts(other) if doubt.units}
    assert units == {f"{name}={unit.partition('@')[0]}" for name in names}
    mended = tables.converted(other, {"loss": unit})
    np.testing.assert_allclose(mended[NUMBERS], clean[NUMBERS], rtol=1e-12)


OUTSIDE = DATA / "public" / "distillation.csv"
OTHER_UNITS = {"farseer", "llama3_isoflops"}
NOT_SUPERVISED = {"authors", "distillation", "distillation_template"} | OTHER_UNITS
PUBLIC = [p for p in sorted((DATA / "public").glob("*.csv")) if p.stem not in NOT_SUPERVISED]


def public_tables():
    """Every public table whole, and the parts that the authors tell apart."""
    for path in PUBLIC:
        runs = tables.read_runs(path).supervised
        yield path.stem, runs
        for column in ("dataset", "depth", "width"):
            for key, part in runs.groupby(column) if column in runs else ():
                if len(part) >= 12:
                    yield f"{path.stem} {column} {key}", part


def test_no_published_table_is_accused():
    seen = dict(public_tables())
    assert len(seen) >= 17
    for name, runs in seen.items():
        accused = [doubt for doubt in tables.doubts(runs) if doubt.cannot or doubt.units]
        assert not accused, name
    table = tables.read_runs(DATA / "runs" / "study.csv")
    for runs in (table.supervised, table.distilled, simulate.example_runs()):
        assert not any(doubt.cannot or doubt.units for doubt in tables.doubts(runs))


@pytest.mark.parametrize("name", sorted(OTHER_UNITS))
def test_a_published_table_in_another_unit_is_told_so(name):
    runs = tables.read_runs(DATA / "public" / f"{name}.csv").supervised
    assert {"nats per token"}.isdisjoint(runs.unit)
    assert [doubt.units for doubt in tables.open_doubts(tables.doubts(runs))] == [
        "loss=bpb@BYTES_PER_TOKEN"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.assign(student_loss=2.5), "student_loss is 2.5 in all rows"),
        (lambda r: r.assign(student_loss=r.teacher_loss, teacher_loss=r.student_loss), "exchanged"),
        (
            lambda r: r.assign(student_params=r.student_tokens, student_tokens=r.student_params),
            "student_params and student_tokens seem to be exchanged",
        ),
        (lambda r: r.assign(student_loss=r.student_loss[::-1].to_numpy()), "the law only falls"),
        (lambda r: r.assign(student_params=1e-9), "those of no language model"),
    ],
)
def test_what_no_law_can_have_made_is_said_first(change, message, clean):
    ordered = clean.sort_values(["student_tokens", "student_params"], ignore_index=True)
    first = tables.doubts(change(ordered))[0]
    assert first.cannot
    assert message in doubts_of(change(ordered))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("student_params", lambda values: values / 1e6),
        ("teacher_tokens", lambda values: values / 1e9),
        ("student_loss", np.exp),
        ("teacher_loss", np.exp),
    ],
)
def test_rows_in_two_units_are_told_from_a_table_in_another_one(name, written, clean):
    half = np.arange(len(clean)) % 2 == 0
    mixed = clean.assign(**{name: clean[name].where(half, written(clean[name]))})
    found = tables.open_doubts(tables.doubts(mixed))
    assert any(f"{name} is hardly in one unit" in doubt.text for doubt in found)
    for runs in (clean.assign(**{name: written(clean[name])}), *dict(public_tables()).values()):
        assert "hardly in one unit" not in doubts_of(runs)


def test_no_verdict_before_the_unit_is_told(clean, tmp_path, capsys):
    path = tmp_path / "bits.csv"
    losses = {name: clean[name] / np.log(2) for name in ("student_loss", "teacher_loss")}
    clean.assign(**losses).to_csv(path, index=False)
    assert command.run(arguments(path)) == 2
    said = capsys.readouterr().out
    assert "no verdict before the unit is told" in said
    assert 'if so: --units "student_loss=bits,teacher_loss=bits"' in said
    assert 'if they are nats: --units "loss=nats"' in said
    assert "verdict:" not in said
    read = tables.read_runs(path).distilled
    found = tables.doubts(read)
    with pytest.raises(tables.TableError, match=r"like bits.*units such as student_loss=bits"):
        tables.refuse(found)
    for told in ({"loss": "nats"}, {"student_loss": "nats", "teacher_loss": "nats"}):
        tables.refuse(found, told)
    with pytest.raises(tables.TableError, match=r"^teacher_loss looks like bits"):
        tables.refuse(found, {"student_loss": "nats"})
    tables.refuse(tables.doubts(tables.converted(read, {"loss": "bits"})))


def test_rounded_and_copied_losses_and_columns_that_never_change_are_said(clean):
    assert "student_tokens is 1e+10 in all rows" in doubts_of(clean.assign(student_tokens=1e10))
    assert "rounded to 0.1" in doubts_of(clean.assign(student_loss=clean.student_loss.round(1)))
    copied = clean.assign(student_loss=clean.student_loss.to_numpy()[np.arange(len(clean)) // 3])
    assert "copied or rounded" in doubts_of(copied)


def test_case_teacher_loss_per_row():
    runs = tables.read_runs(CASES / "teacher_loss_per_row" / "runs.csv").distilled
    assert "10 teachers have several losses" in doubts_of(runs)
    assert len(fitting.supervised_runs(runs)) == 10
    # By more than a measurement's noise they are other teachers, and that is said too.
    apart = runs.assign(teacher_loss=runs.teacher_loss * np.resize([1.0, 1.1], len(runs)))
    assert "kept as different teachers" in doubts_of(apart)
    assert len(fitting.supervised_runs(apart)) > 10


def test_case_three_teachers(quick):
    table = tables.read_runs(CASES / "three_teachers" / "runs.csv")
    with pytest.raises(ValueError, match=r"3 teachers.*needs seven teachers") as caught:
        fitting.fit_own(table.distilled)
    for way_out in ("--supervised FILE", "--supervised held", "--supervised shifted"):
        assert way_out in str(caught.value)
    with pytest.raises(ValueError, match="'held' needs 4"):
        fitting.fit_own(table.distilled, way="held")
    said = " ".join(full.of_distilled(table, "shifted").lines)
    assert "3 runs are too few for ranges of its own" in said
    assert "inference paid); less sure than the ranges say: see how it was fitted" in said
    assert "all ranges are too narrow" in said
    assert "which runs next: " in said
    assert "nan" not in said
    shifted = fitting.fit_own(table.distilled, way="shifted", starts=16, bootstrap=16)
    published = laws.load("corrected")
    assert shifted.supervised.law._replace(E=published.supervised.E) == pytest.approx(
        published.supervised
    )
    assert shifted.distillation.law.c0 == pytest.approx(published.c0)
    assert len(shifted.notes) == 4


def test_the_closing_sentence_counts_runs_on_labels_and_distilled_ones(own, monkeypatch):
    proposed, propose = [], decisions.propose

    def kept(*given, **named):
        proposed.append(propose(*given, **named))
        return proposed[-1]

    monkeypatch.setattr(decisions, "propose", kept)
    monkeypatch.setattr("scalingplan.pilots.choose.CHANGES", 0.0)  # never settled
    problem = decisions.inside_problem(own.distillation.runs, student_params=3e9)
    teachers = decisions.decide(own, problem).teachers
    # As it is, and as where the supervised law is the published one, unfitted.
    for laws_of_these in (own, replace(own, supervised=None)):
        said = decisions.next_runs(laws_of_these, problem, teachers)
        runs = proposed[-1].runs
        taught = runs.teacher_params.notna()
        assert taught.any()
        assert not taught.all()
        inference = flops.forward_flops(runs.teacher_params[taught]) * runs.student_tokens[taught]
        spent = 3 * flops.forward_flops(runs.student_params) @ runs.student_tokens
        spent += problem.delta_lgt * inference.sum()
        assert f"; these {len(runs)} runs, {spent:.2g} FLOPs together, would most likely" in said


def test_case_tiny_models():
    runs = tables.read_runs(CASES / "tiny_models" / "runs.csv").distilled
    tiny = fitting.fit_own(runs, starts=16, bootstrap=16)
    answer = decisions.decide(tiny, decisions.inside_problem(runs, 500e6, 3e20))
    said = " ".join(answer.sentences())
    assert answer.verdict == decisions.NO_VERDICT
    assert "a student of 5e+08 parameters is 2.63e+03 x beyond" in said
    assert "better in" not in said
    assert not decisions.decide(tiny, decisions.inside_problem(runs)).reasons


# Answers.


def test_a_decision_inside_the_runs_holds_the_truth(own):
    runs = own.distillation.runs
    answer = decisions.decide(own, decisions.inside_problem(runs))
    assert answer.reasons == ()
    assert answer.verdict == answer.advice.verdict
    truth, best = laws.load("corrected"), answer.teachers.iloc[0]
    distilled = truth.loss(best.student_params, best.student_tokens, best.teacher_loss)
    assert answer.advice.best.loss == pytest.approx(distilled, rel=0.01)
    assert best.predicted == pytest.approx(answer.advice.best.loss)
    assert answer.teachers.share.sum() == pytest.approx(1)
    assert answer.teachers.predicted[1:].is_monotonic_increasing
    assert answer.more_tokens().startswith("ten times the tokens would give 0.0")
    larger = replace(answer.problem, compute=10 * answer.problem.compute)
    more = decisions.decide(own, larger)
    tokens = 10 * more.teachers.student_tokens[0]
    assert more.ten_times["beyond"] == pytest.approx(tokens / runs.student_tokens.max())
    assert "x beyond the runs, which do not tell" in more.more_tokens()
    curve = decisions.token_curve(own, answer, 11)
    assert curve.predicted.is_monotonic_decreasing
    assert curve.law_low[5] < answer.advice.best.loss < curve.law_high[5]


@pytest.mark.parametrize(("student", "compute"), [(500e9, 3e20), (5e8, 3e26), (5e8, 1e15)])
def test_each_way_of_leaving_the_runs_gets_no_verdict(own, student, compute):
    runs = own.distillation.runs
    answer = decisions.decide(own, decisions.inside_problem(runs, student, compute))
    assert answer.verdict == decisions.NO_VERDICT
    assert all(" x beyond the runs (" in text for text in answer.reasons[:-1])


def test_a_ratio_beyond_the_runs_alone_gets_no_verdict_and_its_remedy(own):
    runs, singles = own.distillation.runs, own.supervised.runs
    size, ratio = runs.student_params.min(), (singles.tokens / singles.params).max()
    for times, told in ((1.05, False), (1.3, True)):
        compute = times * ratio * size * 3 * flops.forward_flops(size)
        answer = decisions.decide(own, decisions.inside_problem(runs, size, compute, 0.0))
        assert (answer.verdict == decisions.NO_VERDICT) == told
        assert ("tokens a parameter is 1.3 x beyond" in " ".join(answer.reasons)) == told
        assert ("--supervised shifted" in " ".join(answer.reasons)) == told


@pytest.mark.parametrize("settings", [7, 8, 9])
def test_few_settings_are_fitted_and_none_held_out_where_too_few_would_stay(settings, quick):
    runs = simulate.supervised_runs(laws.load("corrected").supervised).iloc[::8].head(settings)
    lines = full.of_supervised(tables.RunsTable(runs[:0], runs, ())).lines
    at = lines.index("extrapolation, the strongest 20% held out:")
    free, stiff = lines[at + 1 : at + 3]
    assert ("it takes 9, each with one run" in free) == (settings < 9)
    assert ("it takes 8, each with one run" in stiff) == (settings < 8)
    assert ("of the held out" in free) == (settings == 9)
    assert any("mean error" in line for line in lines[at + 3 :])


def test_the_rows_of_one_run_are_drawn_together(tmp_path):
    runs = simulate.supervised_runs(laws.load("corrected").supervised).iloc[::2]
    path = tmp_path / "curves.csv"
    curves = [f"run {i // 3}" if i < 30 else ("", "nan")[i % 2] for i in range(len(runs))]
    runs = runs.assign(params=np.repeat(runs.params.to_numpy()[::3], 3)[: len(runs)])
    runs.assign(RUN=curves).to_csv(path, index=False)
    table = tables.read_runs(path)
    read = table.supervised
    assert read.run.nunique() == len(runs) - 20
    again = table.joined(read, "b.csv").supervised
    assert again.run.nunique() == 2 * read.run.nunique()  # of two files no run is the same
    assert table.joined(read.drop(columns="run"), "b.csv").supervised.run.notna().all()
    teacher = read.iloc[[2]].add_prefix("teacher_")  # is listed as the end of a curve
    assert (fitting.supervised_runs(teacher, read).run == read.run).all()
    runs.assign(run="seed 1").to_csv(tmp_path / "seeds.csv", index=False)
    seeds = tables.read_runs(tmp_path / "seeds.csv")
    assert "run" not in seeds.supervised
    assert "'seed 1' has several params (row 5); every row is taken" in seeds.notes[-1]
    taught = simulate.example_runs().head(2)
    joined = fitting.supervised_runs(taught, read)
    assert len(joined) == len(runs) + joined.run.str.startswith("teacher").sum() > len(runs)
    assert fitting.drawing(joined, 50) == {"bootstrap": 50, "cluster": "run"}
    assert fitting.drawing(read.head(12), 50)["bootstrap"] == 0  # four runs, of twelve rows
    assert fitting.drawing(read.drop(columns="run"), 50) == {"bootstrap": 50, "cluster": None}


def test_strongest_runs_of_one_loss_are_not_held_out():
    runs = simulate.supervised_runs(laws.load("corrected").supervised)
    runs = runs.assign(loss=np.maximum(runs.loss, runs.loss.median()))
    found = fit.fit_supervised(runs, starts=8, bootstrap=0)
    assert full.extrapolation(found, 0.2).startswith("none to hold out")


def test_ranges_are_finite_or_not_printed():
    assert (
        numbers.ranged(1.0, *numbers.band([1.0, 2.0, np.inf], 1.0)) == "1 (the runs tell no range)"
    )
    assert numbers.ranged(1.0, *numbers.band([], 1.0)) == "1 (the runs tell no range)"
    assert numbers.band(np.linspace(0, 1, 1001), 0.5) == pytest.approx((0.05, 0.95))
    assert numbers.band(np.linspace(0, 1, 1001), 1.2) == pytest.approx((0.05, 1.2))
    assert numbers.ranged(1.0, 1.5, 2.0) == "1 (1 to 2)"


# The command.


def test_the_command_answers_from_a_file_to_its_folder(tmp_path, quick, monkeypatch, capsys):
    monkeypatch.setattr(command.paths, "DATA", tmp_path)  # no checkout: beside the file
    path = tmp_path / "mine.csv"
    simulate.example_runs().to_csv(path, index=False)
    assert command.run(arguments(path, "--student", "1.2B", "--flops", "4e20")) == 0
    said = capsys.readouterr().out
    assert "verdict: " in said
    assert "1.2e+09 parameters, 4e+20 FLOPs" in said
    assert f"written: {tmp_path / 'mine_fit'}\n" in said
    assert (tmp_path / "mine_fit" / "answer.txt").read_text() in said
    assert not any(word in said for word in ("nan", "inf)", "inf "))

    runs = simulate.supervised_runs(laws.load("corrected").supervised)
    runs.assign(params=runs.params / 1e6).to_csv(path, index=False)
    assert command.run(arguments(path)) == 2
    assert 'if so: --units "params=M"' in capsys.readouterr().out
    assert command.run(arguments(path, "--units", "params=M")) == 0
    assert "verdict for " in capsys.readouterr().out


def test_in_a_checkout_the_notebook_that_shows_more_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "_folder", lambda runs: tmp_path / "own")
    monkeypatch.setattr(full, "of_distilled", lambda *asked: full.FullAnswer([], {}))
    path = tmp_path / "mine.csv"
    runs = simulate.example_runs()
    runs.to_csv(path, index=False)
    asked = ("--flops", "4e20", "--student", "1B", "--delta-lgt", "50%")
    assert command.run(arguments(path, *asked)) == 0
    last = capsys.readouterr().out.splitlines()[-1].removeprefix("its notebook: ")
    given, *words = shlex.split(last)
    assert len(tables.read_runs(given.removeprefix("SCALINGLIB_RUNS=")).whole()) == len(runs)
    said = json.loads(words[-1])
    assert said == {
        "student_params": 1e9,
        "compute": 4e20,
        "delta_lgt": 0.5,
        "way": "own",
        "as_is": True,
    }
    # What is handed over is what the notebook's cell of parameters names.
    cell = next(
        cell.source
        for cell in jupytext.read(ROOT / words[-3]).cells
        if "parameters" in cell.metadata.get("tags", [])
    )
    names = {t.id for node in ast.parse(cell).body for t in node.targets}
    assert set(said) <= names


def test_a_whole_table_is_read_back_as_it_was(tmp_path):
    runs = simulate.example_runs().loc[:8, list(DISTILLATION)]
    alone = pd.DataFrame({"params": [1e8, 2e8], "tokens": [1e9, 2e9], "loss": [3.1, 2.9]})
    for parts in ((runs, alone), (runs, alone[:0]), (runs[:0], alone)):
        tables.RunsTable(*parts, ()).whole().to_csv(tmp_path / "whole.csv")
        back = tables.read_runs(tmp_path / "whole.csv")
        for was, found in zip(parts, (back.distilled, back.supervised), strict=True):
            assert len(found) == len(was)
            assert was.empty or np.allclose(found[list(was)], was, rtol=1e-12)


def test_the_command_names_the_file_and_what_it_lacks():
    with pytest.raises(ValueError, match=r"t\.csv\n  the file lacks the columns params, tokens"):
        command.run(arguments(CASES / "table_no_newline" / "t.csv"))
    with pytest.raises(ValueError, match="seven teachers"):
        command.run(arguments(CASES / "three_teachers" / "runs.csv"))


def test_options_are_read_as_all_numbers_are(capsys):
    given = arguments(*["t.csv", "--student", "1,5B", "--delta-lgt", "25%"], "--flops", "300 EFLOP")
    assert (given.student, given.flops, given.delta_lgt) == (1.5e9, 3e20, 0.25)
    given = arguments("t.csv", "--map", "a=loss, b=params", "--map", "c=tokens")
    assert dict(given.map) == {"a": "loss", "b": "params", "c": "tokens"}
    for words, said in (
        ("--student 1,500B", "--student: “1,500B” can be 1.500 or 1500"),
        ("--flops 0.5", "--flops: “0.5” is not a number of FLOPs between 1e9 and 1e30, such as"),
        ("--delta-lgt 1.5", "--delta-lgt: “1.5” is not a share"),
        ("--student=", "--student: This needs a size"),
        ("--units params", "--units: 'params' is no pair such as name=other"),
        ("--nothing 3", "unrecognized arguments: --nothing 3; scalinglib --help has the options"),
    ):
        assert cli.main(["fit", "t.csv", *words.split()]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cell", "mark", "value"),
    [
        ("1,250E+08", None, 1.25e8),
        ("1,250E+08", ",", 1.25e8),
        ("1.250E+08", ".", 1.25e8),
        ("1 500 000", None, 1.5e6),
        ("1,500", ".", 1500),
        ("1,500", ",", 1.5),
        ("1.500,25", ",", 1500.25),
        ("125M params", None, 1.25e8),
        ("3 × 10^9", None, 3e9),
    ],
)
def test_a_cell_is_read_as_its_file_writes(cell, mark, value):
    assert units.cell(cell, "size", mark) == value


@pytest.mark.parametrize(
    "cell", ["1 5B", "100 200", "1,500", "1/2", "64 x 14", "-3", "0", "x", "1.5.2"]
)
def test_a_cell_that_may_be_two_numbers_is_refused(cell):
    with pytest.raises(ValueError, match=r"must be|can be|cannot be"):
        units.cell(cell, "size", None)


def test_a_trackers_export_is_mapped_whole_and_its_crashed_rows_are_left_out_on_request():
    path = CASES / "wandb_partial" / "runs.csv"
    with pytest.raises(tables.TableError) as caught:
        tables.read_runs(path)
    (pairs,) = re.findall(r'--map "(.*)"', str(caught.value))
    renamed = dict(pair.split("=") for pair in pairs.split(","))
    assert set(renamed.values()) == {
        "student_params", "student_tokens", "teacher_params", "teacher_loss", "student_loss"
    }  # fmt: skip
    with pytest.raises(tables.TableError, match=r"row 3, column student_loss.*\n.*--skip-empty"):
        tables.read_runs(path, renamed)
    found = tables.read_runs(path, renamed, skip_empty=True)
    assert "1 rows without a number are left out (first: row 3)" in found.notes
    kept = tables.read_runs(path, renamed, where={"State": "finished"})
    assert kept.distilled.equals(found.distilled)
    assert any("1 rows left out: kept where State is finished" in note for note in kept.notes)
    with pytest.raises(tables.TableError, match="--where names state; the file has Name, State"):
        tables.read_runs(path, renamed, where={"state": "finished"})


@pytest.mark.parametrize(
    ("end", "torn"), [("2.", True), ("2.5", True), ("2.5\n", False), ("2.5\r\n", False)]
)
def test_a_file_that_ends_within_a_number_is_doubted(end, torn, tmp_path):
    (tmp_path / "t.csv").write_bytes(f"params,tokens,loss\n1e8,1e9,3.0\n2e8,1e9,{end}".encode())
    table = tables.read_runs(tmp_path / "t.csv")
    assert any("was the file cut?" in line for line in command._doubts(table, {})[0]) == torn


def test_a_rival_of_a_column_is_named(tmp_path):
    table = tables.read_runs(CASES / "train_and_val_loss" / "trainer.csv")
    (note,) = table.notes
    assert note == (
        'loss is the column loss; eval_loss left aside (--map "eval_loss=loss" takes it)'
    )
    note = tables.read_runs(DATA / "public" / "gadre_c4_eval.csv").notes[0]
    assert note.startswith("params is the column params; params_non_embedding left aside")
    path = tmp_path / "experts.csv"
    path.write_text("params,active_params,tokens,loss\n8e9,1e9,2e10,2.5\n", encoding="utf-8")
    assert "active_params left aside" in tables.read_runs(path).notes[0]
    path.write_text("total_params,active_params,tokens,loss\n8e9,1e9,2e10,2.5\n", encoding="utf-8")
    with pytest.raises(tables.TableError, match='--map "active_params=params"'):
        tables.read_runs(path)


def test_a_table_without_teachers_sizes_answers_what_does_not_need_them(capsys):
    """Figure 1's own runs: with the published supervised law, and the teacher's inference free."""
    table = tables.read_runs(DATA / "published" / "figure1_runs.csv")
    assert "teacher_params" not in table.distilled
    assert "apart" not in doubts_of(table.distilled)
    few = table.distilled[::4]
    with pytest.raises(ValueError, match="teacher counts with teacher_params and teacher_tokens"):
        fitting.fit_own(few)
    own = fitting.fit_own(few, way="published", starts=6, bootstrap=10)
    assert list(own.fits()) == ["distillation"]
    answer = decisions.decide(own, decisions.inside_problem(few, 500e6, 3e20))
    assert answer.problem.delta_lgt == 0
    assert answer.verdict == "distil"
    law, best = laws.load("corrected"), answer.teachers.iloc[0]
    told = law.loss(500e6, best.student_tokens, best.teacher_loss)
    assert answer.advice.best.loss == pytest.approx(told, rel=0.01)
    assert f"from the teacher of L_T = {best.teacher_loss:.4g}" in answer.sentences()[1]
    with pytest.raises(ValueError, match="needs the column teacher_params"):
        decisions.inside_problem(few, delta_lgt=0.5)


def test_what_the_system_refuses_is_a_sentence(tmp_path, monkeypatch, capsys):
    assert cli.main(["fit", str(tmp_path)]) == 2
    assert f"{tmp_path} cannot be read: Is a directory" in capsys.readouterr().err
    path = tmp_path / "mine.csv"
    simulate.example_runs().to_csv(path, index=False)
    monkeypatch.setattr(full, "of_distilled", None)  # all of it before anything is fitted
    assert cli.main(["fit", str(path), "--out", str(path)]) == 2
    assert f"--out is {path}, a file; it must be a folder" in capsys.readouterr().err
    assert cli.main(["fit", str(path), "--out", str(path / "folder")]) == 2
    assert f"scalinglib fit: {path / 'folder'}: Not a directory" in capsys.readouterr().err

    def full_disk(self, *text, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(full, "of_distilled", lambda *asked: full.FullAnswer(["verdict"], {}))
    monkeypatch.setattr(command.Path, "write_text", full_disk)
    assert cli.main(["fit", str(path), "--out", str(tmp_path / "own")]) == 2
    said = f"{tmp_path / 'own' / 'answer.txt'}: No space left on device; --out FOLDER writes"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"mine.csv": None}, "is {out}, which holds mine.csv and is no fit's; it must"),
        ({"notes.txt": "x"}, "is {out}, which holds notes.txt and is no fit's"),
        ({"fit.json": '{"lr": 1}'}, "is {out}, which holds fit.json and is no fit's"),
        ({"fit.json": "[1]"}, "is {out}, which holds fit.json and is no fit's"),
        ({"fit.json": "{"}, "is {out}, which holds fit.json and is no fit's"),
        (
            {"fit.json": '{"from": "x", "table": "mine.csv", "files": []}', "mine.csv": None},
            "is {out}, where the fit would replace its input {out}/mine.csv; it must be another",
        ),
        (
            {"fit.json": '{"from": "x", "table": "x.csv", "files": []}', "answer.txt": "x"},
            "is {out}, where answer.txt is no fit's; move it away",
        ),
    ],
)
def test_a_fit_touches_no_file_that_no_fit_wrote(held, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(full, "of_supervised", None)  # refused before anything is fitted
    runs = simulate.supervised_runs(laws.load("corrected").supervised).to_csv(index=False)
    out = tmp_path / "folder"
    out.mkdir()
    held = {name: runs if text is None else text for name, text in held.items()}
    for name, text in held.items():
        (out / name).write_text(text)
    path = out / "mine.csv" if "mine.csv" in held else tmp_path / "mine.csv"
    path.write_text(runs)
    assert cli.main(["fit", str(path), "--out", str(out)]) == 2
    assert f"scalinglib fit: --out {words.format(out=out)}" in capsys.readouterr().err
    assert {file.name: file.read_text() for file in out.iterdir()} == held


def test_a_fit_takes_the_place_of_an_earlier_one_and_of_nothing_else(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(full, "of_supervised", lambda *asked: full.FullAnswer([], {"a.json": "{}"}))
    runs = simulate.supervised_runs(laws.load("corrected").supervised)
    out = tmp_path / "out"
    for name, count in (("one", 40), ("answer", 30)):
        runs.head(count).to_csv(tmp_path / f"{name}.csv", index=False)
        assert command.run(arguments(tmp_path / f"{name}.csv", "--out", out)) == 0
        (out / "notes.txt").write_text("mine")
    found = {file.name for file in out.iterdir()}
    assert found == {"notes.txt", "fit.json", "answer.txt", "answer.csv", "a.json"}
    assert f"held the fit of {tmp_path / 'one.csv'}" in capsys.readouterr().out
    assert len(tables.read_runs(out / "answer.csv").supervised) == 30
    with pytest.raises(SystemExit):
        arguments("t.csv", "--out", "")


def test_baselines_in_the_students_columns_are_supervised_runs(tmp_path):
    path = tmp_path / "runs.csv"
    runs = simulate.example_runs().head(6)[NUMBERS].astype(object)
    runs.loc[4:, ["teacher_params", "teacher_tokens", "teacher_loss"]] = ""
    runs.to_csv(path, index=False)
    read = tables.read_runs(path)
    assert (len(read.distilled), len(read.supervised)) == (4, 2)
    assert read.supervised.loss.tolist() == runs.student_loss[4:].tolist()
    assert "2 rows without teacher are supervised runs, 4 are distilled ones" in read.notes


def test_tables_that_are_not_what_they_seem_are_doubted():
    law = laws.load("corrected").supervised
    runs = simulate.supervised_runs(law, noise=0.002)
    assert not [d for d in tables.doubts(runs) if "apart" in d.text or "bits" in d.text]
    mixed = runs.assign(loss=runs.loss.where(runs.index % 3 > 0, runs.loss / np.log(2)))
    first = tables.doubts(mixed)[0]
    assert first.cannot
    assert "loss of rows 0, 3, 6, 9, 12, ... is 1.44 times larger than the others" in first.text
    for name, factor, what in (("params", 1e-3, "smaller"), ("tokens", 1e3, "larger")):
        off = runs.assign(**{name: runs[name].where(runs.index % 10 != 3, factor * runs[name])})
        first = tables.doubts(off)[0]
        assert first.cannot
        assert f"{name} of rows 3, 13, 23, 33, 43, ... is a thousand times {what}" in first.text
    sets = pd.concat(
        [
            runs.assign(text=name, loss=f * runs.loss)
            for name, f in (("web", 1.0), ("code", 0.9), ("books", 1.1))
        ],
        ignore_index=True,
    )
    assert "the column text tells them apart (web, code, books)" in doubts_of(sets)
    curves = pd.concat(
        [runs.assign(run_id=runs.index, tokens=s * runs.tokens) for s in (0.2, 0.4, 0.6, 0.8, 1)],
        ignore_index=True,
    )
    curves["loss"] = law.loss(curves.params, curves.tokens)
    assert f"{len(runs)} runs have some 5 rows each (column run_id)" in doubts_of(curves)


def test_of_very_many_rows_some_are_fitted_and_that_is_said(monkeypatch):
    table = tables.read_runs(CASES / "same_ratio_teachers" / "runs.csv")
    monkeypatch.setattr(full, "MOST", 60)
    drawn, (said,) = full._drawn(table.distilled)
    assert 60 <= len(drawn) < 200
    assert set(drawn.teacher_loss) == set(table.distilled.teacher_loss)
    assert said == f"{len(drawn)} of the 328 rows, drawn at random, are fitted"
    assert full._drawn(drawn.head(60))[1] == []


def test_a_broken_pipe_is_the_readers_or_a_workers(monkeypatch, capfd):
    asked = ["plan", "--student", "1B", "--tokens", "50B", "--teacher", "7B:2.05"]
    words = [sys.executable, "-m", "scalingplan", *asked]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as it:
        it.stdout.close()
        assert (it.stderr.read(), it.wait(timeout=300)) == (b"", 141)

    def broken(given):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("scalingplan.commands.plan.run", broken)
    assert cli.main(asked) == 2
    assert "a process that works for it could not start" in capfd.readouterr().err

    def stopped(given):  # raised, for a process in the background ignores the signal
        raise KeyboardInterrupt

    monkeypatch.setattr("scalingplan.commands.plan.run", stopped)
    assert cli.main(asked) == 130
    assert "plan: stopped" in capfd.readouterr().err


@pytest.mark.parametrize("name", cli.COMMANDS)
@pytest.mark.parametrize("text", ["nan", "inf", "soon", ""])
def test_an_option_refuses_what_it_cannot_be_in_words_of_its_own(name, text):
    parser = argparse.ArgumentParser()
    import_module(f"scalingplan.commands.{name}").add(parser)
    options, taken = [o for o in parser._actions if o.type not in (None, Path)], []
    for option in options:
        with suppress(argparse.ArgumentTypeError):  # of another error argparse says what it likes
            taken.append(option.type(text))
    assert len(taken) < len(options)
    assert not [value for value in taken if isinstance(value, int | float)]


FEW = {"starts": 6, "bootstrap": 10}


def asked(case, student, compute, way="own", supervised=None, every=1):
    """The answer from a case's table, or every so many of its rows."""
    table = tables.read_runs(CASES / case / "runs.csv")
    if supervised:
        other = tables.read_runs(CASES / case / supervised)
        table = table.joined(other.supervised, supervised)
    runs = table.distilled[::every]
    own = fitting.fit_own(runs, table.supervised, way=way, **FEW)
    return decisions.decide(own, decisions.inside_problem(runs, student, compute))


def test_of_forty_tables_no_decided_verdict_is_wrong():
    table = pd.read_csv(verdicts.TABLE)
    assert table.seed.tolist() == list(verdicts.SEEDS)
    decided = table[table.verdict.isin(["distil", "train on data"])]
    assert not decided.wrong.any()
    assert ((decided.true_gain > 0) == (decided.verdict == "distil")).all()
    assert set(decided.verdict) == {"distil", "train on data"}
    assert len(decided) > 10


def test_teachers_on_one_ratio_bear_no_verdict_and_the_published_law_a_right_one():
    answer = asked("same_ratio_teachers", 350e6, 3e20, every=5)
    assert answer.verdict == decisions.NO_VERDICT
    said = " ".join(answer.sentences())
    assert "--supervised shifted" in said
    assert "gains" not in said
    # The law that made the runs says -0.023.
    shifted = asked("same_ratio_teachers", 350e6, 3e20, "shifted", every=5)
    assert shifted.verdict == "train on data"


def test_a_bad_teacher_inside_the_runs_is_not_preferred_to_a_good_one_outside():
    """The law that made the runs says +0.068."""
    answer = asked("good_teacher_outside", 1.9e9, 6.5e19, supervised="supervised.csv", every=3)
    assert answer.verdict in ("distil", decisions.NO_VERDICT)
    assert answer.teachers.share[0] > 0


def test_losses_rounded_to_a_tenth_bear_no_verdict():
    assert asked("rounded_ties", 500e6, 3e20).verdict == decisions.NO_VERDICT
