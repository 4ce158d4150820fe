"""A study as one TOML file: what it holds, what is refused, what it takes, and that it trains."""

import sys
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from scalinglib.experiment import execute, records
from scalinglib.report.paths import DATA
from scalinglib.study import design_file, record, training
from scalinglib.study.corpora import text
from scalinglib.study.run import by_ratio
from scalingplan import cli
from scalingplan.answers import estimate, studies
from tools.study import STUDIES

EXAMPLE = resources.files("scalinglib.study.designs") / "example.toml"
TINY = """
supervised = [{ n_layers = 1, ratios = [0.5, 1] }]
teachers = [{ n_layers = 1, ratio = 1 }]
students = [{ n_layers = 1, ratios = [1], seeds = 2 }]
"""


def written(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


TABLES = {
    name: what
    for name, what in STUDIES.items()
    if isinstance(what, tuple) and (DATA / "runs" / f"{name}.csv").exists()
}


@pytest.mark.parametrize("name", TABLES)
def test_the_committed_tables_are_what_their_designs_ask_for(name):
    jobs, task, *_ = TABLES[name]
    table = records.read(DATA / "runs" / f"{name}.csv", task.types)
    wanted = {row_id for job in jobs for row_id in job.ids}
    assert set(table.id) == wanted
    assert set(task.columns) <= set(table)
    assert "loss" not in table or np.isfinite(table.loss).all()


def test_a_design_sets_every_run(tmp_path):
    path = written(
        tmp_path,
        TINY
        + "[corpus]\nkind = 'words'\nn_ctx = 32\n"
        + "[recipe]\npeak = 0.01\n[objective]\ntemperature = 2.0\n",
    )
    runs = design_file.read(path).runs()
    assert {(r.corpus.n_ctx, r.recipe.peak) for r in runs} == {(32, 0.01)}
    assert {r.objective.temperature for r in runs if r.teacher is not None} == {2.0}
    assert by_ratio(1, 1).id not in {r.id for r in runs}


def test_all_faults_of_a_file_are_named_at_once(tmp_path):
    path = written(
        tmp_path,
        "supervized = 1\nsupervised = [{ n_layers = 0, ratios = [5] }, { ratio = 3 }]\n"
        "isoflop = [{ flops = '1e10', depths = [], seeds = 1 }]\n"
        "isoflop_teachers = -1\n[corpus]\nkind = 'novels'\npages = 3\n"
        "[recipe]\npeak = true\n[objective]\nmixing = 2\n",
    )
    with pytest.raises(design_file.DesignError) as raised:
        design_file.read(path)
    said = str(raised.value)
    for fault in (
        "supervized: unknown; there are",
        "supervised[0].n_layers is 0; it must be a whole number from 1",
        "supervised[1].ratio: unknown",
        "supervised[1] lacks n_layers",
        "supervised[1] lacks ratios",
        "isoflop[0].flops is '1e10'; it must be a positive number",
        "isoflop[0].depths is []; it must be a list",
        "isoflop_teachers is -1",
        "corpus.kind is 'novels'; it must be words, addresses or text",
        "corpus.pages: unknown",
        "recipe.peak is True",
        "objective.mixing is 2; it must be a number from 0 to 1",
    ):
        assert fault in said, fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no runs; there must be rows of supervised"),
        ("teachers = [{ n_layers = 1, ratio = 5 }]", "no runs; there must be rows of supervised"),
        (TINY + "[objective]\ntemperature = 'hot'", "temperature is 'hot'; it must be a positive"),
        (TINY + "[objective]\nreverse = 'yes'", "reverse is 'yes'; it must be true or false"),
        (TINY + "[objective]\ntop_p = 1.5", "objective.top_p is 1.5; it must lie in"),
        ("a = ", "is not TOML"),
        (TINY + "[recipe]\nwindows = 0", "windows is 0; it must be a whole number from 1"),
        (TINY.replace("n_layers = 1", "n_layers = 1000000"), "n_layers is 1000000: a model of 3"),
        (
            TINY + "[corpus]\npaths = ['none']",
            "paths holds .*none; there is no such file or folder",
        ),
        (TINY + "[corpus]\nkind = 'text'", "corpus lacks paths"),
        (TINY + "[corpus]\npaths = ['few']", "9 tokens for the teacher split"),
        (TINY + "[corpus]\npaths = ['few']\nn_vocab = 300", "bytes take none"),
        (TINY + "[corpus]\npaths = ['few']\ntokenizer = 'word'", "it must be bytes or bpe"),
        ("fixed_students = [{ n_layers = 1, ratio = 1 }]", "isoflop_teachers is empty"),
        ("isoflop_teachers = [1e9]\n" + TINY, "isoflop_teachers has 1e"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(text, said, tmp_path, monkeypatch):
    monkeypatch.setenv("SCALINGLIB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "a.txt").write_text("A line.\n")
    with pytest.raises(design_file.DesignError, match=said):
        design_file.read(written(tmp_path, text))


def test_the_plan_says_whether_the_text_suffices(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALINGLIB_CACHE", str(tmp_path / "cache"))
    paragraphs = "\n\n".join(f"Paragraph {i} of a novel that is not long." for i in range(400))
    (tmp_path / "novel.txt").write_text(paragraphs)
    runs = design_file.read(written(tmp_path, TINY + "[corpus]\npaths = ['novel.txt']")).runs()
    rates = {runs[0].params: 1e9}
    told = "\n".join(estimate.lines(runs, {runs[0].id}, rates, workers=1))
    assert "1 are in the table, 4 to train" not in told
    assert f"{len(runs)} runs: 2 on labels, 2 from teachers; 1 are in the table" in told
    held = runs[0].corpus.tokens
    assert f"teacher split: {held['teacher']:,} tokens, enough; the longest run reads 3,456" in told
    # What is read again, against drawing tokens one by one.
    drawn = np.random.default_rng(0).integers(0, held["teacher"], (200, 3456))
    new = np.mean([len(np.unique(one)) for one in drawn]) / 3456
    alone = max((run for run in runs if run.teacher is None), key=record.repeats)
    assert record.reread(alone) == pytest.approx(1 - new, abs=0.01)
    # Hours add up: all of the work at the rate that was probed.
    work = [r.flops + r.inference_flops for r in runs]
    forward = runs[0].architecture.approximate_forward_flops * training.EVALUATED
    expected = [w + forward * (2 if r.needs else 1) for w, r in zip(work, runs, strict=True)]
    assert estimate.seconds(runs, rates) == pytest.approx([e / 1e9 for e in expected])


def test_a_study_is_planned_trained_and_complete(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(estimate, "PROBE_TOKENS", 1024)
    path = written(tmp_path, TINY.replace("seeds = 2", "seeds = 1"))
    assert cli.main(["study", str(path), "--dry-run"]) == 0
    assert not path.with_suffix(".csv").exists()
    assert "2 on labels, 2 from teachers; 0 are in the table, 4 to train" in capsys.readouterr().out
    assert cli.main(["study", str(path), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "2 settings on labels are too few, it takes 7" in said
    assert "2 settings from teachers are too few, it takes 7" in said
    assert said.endswith("mine.csv is complete\n")
    runs = record.read(path.with_suffix(".csv"))
    assert set(runs.id) == {run.id for run in design_file.read(path).runs()}
    assert cli.main(["study", str(path)]) == 0
    assert "4 are in the table, 0 to train" in capsys.readouterr().out
    assert cli.main(["study", str(path), "--workers", "0"]) == 2


def test_the_example_is_enough_for_a_law_and_no_run_less(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(estimate, "probe", lambda runs: {runs[0].params: 1e9})
    monkeypatch.setenv("SCALINGLIB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "novel.txt").write_text("\n\n".join(f"Paragraph {i}." for i in range(400)))
    text = EXAMPLE.read_text().replace('"words"', '"text"\npaths = ["novel.txt"]')
    for cut in ("{ n_layers = 2, ratio = 5 },", "{ n_layers = 2, ratios = [5, 20] },", None):
        path = written(tmp_path, text.replace(cut, "") if cut else text)
        assert cli.main(["study", str(path), "--dry-run"]) == 0
        assert ("too few, it takes" in capsys.readouterr().out) == bool(cut)


def test_what_is_no_file_is_neither_design_nor_table(tmp_path, capsys):
    path = written(tmp_path, TINY)
    (tmp_path / "header.csv").write_text("student_params,student_tokens\n")
    for words, said in (
        ([tmp_path / "none.toml"], "none.toml: there is no such file"),
        ([tmp_path], "is a folder; it must be a TOML file"),
        ([tmp_path / "header.csv"], f"no runs in {tmp_path / 'header.csv'}"),
        ([path, "--table", tmp_path], "a folder; it must be a CSV file"),
    ):
        assert cli.main(["study", *map(str, words)]) == 2
        assert said in capsys.readouterr().err


def test_rows_of_another_design_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(estimate, "probe", lambda runs: {runs[0].params: 1e9})
    path = written(tmp_path, TINY)
    other = design_file.read(written(tmp_path, TINY.replace("seeds = 2", "seeds = 3"))).runs()
    rows = [{**dict.fromkeys(record.COLUMNS, ""), "id": run.id} for run in other]
    pd.DataFrame(rows).to_csv(path.with_suffix(".csv"), index=False)
    written(tmp_path, TINY)
    assert cli.main(["study", str(path), "--dry-run"]) == 0
    extra = len(other) - len(design_file.read(path).runs())
    assert f"{extra} rows of {path.with_suffix('.csv')} are no runs" in capsys.readouterr().out


def test_a_table_that_another_runner_holds_is_said_in_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(estimate, "probe", lambda runs: {runs[0].params: 1e9})
    path = written(tmp_path, TINY)
    with records.locked(path.with_suffix(".csv")):
        assert cli.main(["study", str(path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("scalinglib study: ")
    assert "mine.csv" in said


def test_a_study_is_made_for_a_folder_and_some_minutes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SCALINGLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(estimate, "probe", lambda runs: {runs[0].params: 1e9})
    novels = tmp_path / "novels"
    novels.mkdir()
    (novels / "a.txt").write_text("\n\n".join(f"Paragraph {i} of a book." for i in range(9000)))

    def made(minutes, workers=2):
        text, told = studies.for_minutes(novels, minutes, workers)
        return design_file.read(written(tmp_path, text)).runs(), told

    least, told = made(6)
    assert "minutes would buy" in told[1] or "too short for more" in told[1]
    more, _ = made(30)
    work = [sum(run.flops for run in runs) for runs in (least, more)]
    assert work[0] <= work[1]
    assert estimate.seconds(least, {1: 1e9}).sum() / 2 <= 360
    with pytest.raises(ValueError, match="the least study that makes a law takes about"):
        made(0.01)
    given = ["study", "--new", str(novels), "--minutes", "6", "--dry-run"]
    assert cli.main(given) == 0
    assert (tmp_path / "novels_study.toml").exists()
    assert "for a law of one's own" not in capsys.readouterr().out
    # What a longer study would buy is said at the end, too: the file keeps it.
    assert studies.told_of(tmp_path / "novels_study.toml")[1] in told[1]
    assert cli.main(given) == 0
    assert "novels_study.toml is there: it goes on" in capsys.readouterr().out


def test_ctrl_c_is_one_line_and_the_status_of_shells(tmp_path, monkeypatch, capsys):
    def interrupted(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(estimate, "probe", lambda runs: {runs[0].params: 1e9})
    monkeypatch.setattr(execute, "complete", interrupted)
    assert cli.main(["study", str(written(tmp_path, TINY))]) == 130
    assert capsys.readouterr().err.strip().startswith("scalinglib study: stopped; the same command")


def test_a_command_whose_extra_is_missing_names_it(tmp_path, monkeypatch, capsys):
    path = written(tmp_path, TINY + "[corpus]\nkind = 'addresses'")
    monkeypatch.setattr("scalinglib.study.corpora.text.find_spec", lambda name: None)
    text._addresses.cache_clear()
    assert cli.main(["study", str(path), "--dry-run"]) == 2
    assert capsys.readouterr().err.endswith('pip install "scalinglib[text]" brings it\n')
    monkeypatch.setitem(sys.modules, "scalingplan.commands.study", None)
    assert cli.main(["study", "mine.toml"]) == 2
    assert capsys.readouterr().err.startswith("scalinglib study: ")
