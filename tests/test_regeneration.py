"""What counts as new when everything is computed again, and which half of a notebook does."""

import io
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Event

import jupytext
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from traitlets.config import PyFileConfigLoader

from scalinglib.report import figures, paths, profiles
from tools import compare, dependencies, environment, notebooks, pairs, publish, verify

ROWS = pd.DataFrame(
    {
        "tokens": [1e9 / 3, 1e13 / 3],
        "loss": [2.3456789, 1.23456449],
        "relative_error": [7.42053e-06, 0.0155787],
        "runs": [697, 12],
        "law": ["printed", "corrected"],
    }
)


def printed(table):
    return table.to_csv(index=False, float_format="%.6g")


def exact(**columns):
    return ROWS.assign(**columns).to_csv(index=False)


NOISE = {
    "tokens": ROWS.tokens * (1 + 3e-8),
    "loss": [2.3456789, 1.23456451],  # rounds the other way
    "relative_error": ROWS.relative_error + 2e-10,
}


def test_noise_in_a_table_is_not_news():
    shaken = ROWS.assign(**NOISE)
    assert printed(shaken) != printed(ROWS)
    assert not compare.table(printed(ROWS), shaken.to_csv(index=False)).new
    assert compare.table(printed(ROWS), exact()) == compare.SAME


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("tokens", [1e9 / 3 * (1 + 3e-6), 1e13 / 3]),
        ("loss", [2.345679 + 1e-5, 1.23456449]),
        ("loss", [2.3456789, 1.234566]),
        ("relative_error", [7.42053e-06, 0.0155788]),
        ("relative_error", [8.5e-06, 0.0155787]),
        ("runs", [698, 12]),
        ("law", ["printed", "fitted"]),
        ("loss", [np.inf, 1.23456449]),
    ],
)
def test_a_changed_entry_is_news_and_named(column, values):
    found = compare.table(printed(ROWS), exact(**{column: values}))
    assert found.new
    assert f"column {column!r}" in found.where


def test_a_coefficient_is_compared_with_itself_whatever_stands_above_it():
    rows = pd.DataFrame({"coefficient": ["A", "alpha", "c0"], "low": [2160.0, 0.458745, -0.379562]})
    assert not compare.table(printed(rows), rows.to_csv(index=False)).new
    for value in (0.460745, 0.458755):
        changed = rows.assign(low=[2160.0, value, -0.379562])
        assert compare.table(printed(rows), changed.to_csv(index=False)).new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (printed(ROWS), exact(more=1)),
        (printed(ROWS), ROWS[:1].to_csv(index=False)),
        (printed(ROWS), ROWS[::-1].to_csv(index=False)),
        ("params\n102779904\n", "params\n102779905\n"),  # a count, to its last digit
    ],
)
def test_a_column_a_row_or_a_count_more_is_news(old, new):
    assert compare.table(old, new).new


@cache
def svg(heights=(1.0, 2.0, 1.5), label="loss", color="#0072B2", size=10, shades=(0.0, 1.0)):
    figures.use_style()
    figure, axes = plt.subplots()
    axes.text(0, 0.5, "note", fontsize=size)
    axes.imshow([shades], extent=(1, 2, 0, 1), aspect="auto", vmin=0, vmax=1)
    axes.plot(range(len(heights)), heights, "o-", color=color)
    axes.set_ylabel(label)
    axes.set_ylim(0, 3)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    return file.getvalue()


@pytest.mark.parametrize(
    "noise",  # of a point; and a shade that rounds the other way
    [{"heights": (1.0, 2.0 + 1e-7, 1.5)}, {"shades": (1 / 256 + 1e-6, 1.0)}],
    ids=str,
)
def test_noise_in_a_drawing_is_not_news(noise):
    assert svg(**noise) != svg()
    assert not compare.drawing(svg(), svg(**noise)).new


CHANGED = [{"heights": (1.0, 2.005, 1.5)}, {"heights": (1, 2)}, {"label": "Loss"}]
CHANGED += [{"color": "#0072B3"}, {"size": 11}, {"shades": (0.1, 1.0)}]


@pytest.mark.parametrize("changed", CHANGED, ids=str)
def test_a_changed_curve_label_or_colour_is_news(changed):
    assert compare.drawing(svg(), svg(**changed)).new


@pytest.mark.parametrize(
    ("old", "new", "news"),
    [
        ("98.9132 and 378017.7309", "98.9131 and 378017.7272", False),
        ("98.9132", "98.9134", True),
        ("0.74", "0.75", True),
        ("12 runs", "13 runs", True),
        ("a  1.0", "a 1.0", False),
        ("holds", "does not hold", True),
        ("1.1e-17", "-2.2e-16", False),
        ("1.15B", "1.16B", True),
    ],
)
def test_printed_texts_are_compared_as_words_and_numbers(old, new, news):
    assert compare.text(old, new).new == news


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with one notebook, NOTE, whose halves agree and are committed."""
    for module in (publish, notebooks):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "NOTE.py").write_text("# %%\nx = 1\n")
    write_half(folder / "NOTE.ipynb", "x = 1")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(folder, *arguments):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def commit(folder):
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")


def write_half(path, *sources, text="1.0"):
    cells = [nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    cells[0].outputs = [nbformat.v4.new_output("stream", text=text)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def made(checkout, table, heights=(1.0, 2.0, 1.5), text="1.0"):
    """Publish a run of NOTE that made one figure, and say which files git finds changed."""
    folder = checkout / "build" / "made" / "NOTE"
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    files = {"csv": printed(table), "exact.csv": table.to_csv(index=False), "pdf": table.to_csv()}
    for suffix, content in (files | {"svg": svg(heights)}).items():
        (folder / "figures" / f"fig.{suffix}").write_text(content)
    plt.imsave(folder / "figures" / "fig.png", np.array([heights]))
    write_half(folder / "NOTE.ipynb", "x = 1", text=text)
    publish.publish("NOTE", folder)
    listed = git(checkout, "status", "--porcelain", "-uall", "figures", "notebooks")
    return sorted(line[3:] for line in listed.splitlines())


def test_only_what_is_new_is_written(checkout):
    assert len(made(checkout, ROWS)) == 4
    commit(checkout)
    noise = ROWS.assign(loss=[2.3456789, 1.23456451])
    assert made(checkout, noise, heights=(1.0, 2.0 + 1e-7, 1.5), text="1.00000004") == []
    changed = ROWS.assign(loss=[2.3456789, 1.3])
    assert made(checkout, changed) == ["figures/fig.csv", "figures/fig.pdf"]
    assert made(checkout, ROWS, heights=(1.0, 2.1, 1.5)) == ["figures/fig.png", "figures/fig.svg"]
    assert made(checkout, ROWS, text="1.1") == ["notebooks/NOTE.ipynb"]
    assert made(checkout, ROWS) == []
    plt.imsave(checkout / "figures" / "fig.png", np.eye(3))
    commit(checkout)
    assert made(checkout, ROWS) == ["figures/fig.png"]


def test_outside_git_the_files_themselves_are_what_was_before(checkout):
    made(checkout, ROWS)
    shutil.rmtree(checkout / ".git")
    before = (checkout / "figures" / "fig.csv").read_bytes()
    folder = checkout / "build" / "made" / "NOTE"
    for name, text in (("fig.exact", exact(**NOISE)), ("fig", printed(ROWS.assign(**NOISE)))):
        (folder / "figures" / f"{name}.csv").write_text(text)
    publish.publish("NOTE", folder)
    assert (checkout / "figures" / "fig.csv").read_bytes() == before


def make(checkout):
    """What `make -n 00_note` would run of notebooks, its environment taken for made."""
    done = subprocess.run(
        ["make", "-n", "PYTHON=true", "00_note"], cwd=checkout, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if "tools.notebooks" in line]


@pytest.fixture
def runnable(checkout, monkeypatch):
    """The same with a Makefile, modules and data, and a notebook that reads them."""
    for name in ("Makefile", "tools", "requirements.lock", "pyproject.toml"):
        (checkout / name).symlink_to(paths.ROOT / name)
    for name, text in {
        "data/rates.csv": "1",
        "data/costs.csv": "2",
        "data/left.csv": "3",
        "mine.py": "total = int(open(f'../data/{chr(99)}osts.csv').read())",
        "notebooks/00_note.py": """# %%
import warnings
import matplotlib
import mine
warnings.warn("Error reading persistent compilation cache entry for 'jit_f'")
name = "rates"
print(open(f"../data/{name}.csv").read(), mine.total, matplotlib.rcParams["lines.linewidth"])
""",
    }.items():
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text(text)
    return checkout


def test_a_run_tells_make_what_it_read_and_shows_nothing_of_the_readers_settings(
    runnable, monkeypatch, tmp_path_factory
):
    home = tmp_path_factory.mktemp("home")
    startup = home / ".ipython" / "profile_default" / "startup" / "00.py"
    style = home / ".config" / "matplotlib" / "matplotlibrc"
    for file, text in ((startup, "print('mine')"), (style, "lines.linewidth: 9")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    monkeypatch.setenv("HOME", str(home))
    path = runnable / "notebooks" / "00_note.py"
    assert make(runnable)
    notebooks.run(path)
    (cell,) = nbformat.read(path.with_suffix(".ipynb"), as_version=4).cells
    assert [output.text for output in cell.outputs] == ["1 2 1.5\n"]
    assert not make(runnable)
    for name in ("data/rates.csv", "data/costs.csv", "mine.py", "notebooks/00_note.py"):
        before = (runnable / name).stat().st_mtime_ns
        (runnable / name).touch()
        assert make(runnable), name
        os.utime(runnable / name, ns=(before, before))
    (runnable / "data" / "left.csv").touch()
    assert not make(runnable)
    (runnable / "data" / "costs.csv").unlink()
    assert make(runnable)


@pytest.mark.parametrize("name", ["data/rates.csv", "notebooks/00_note.py", "requirements.lock"])
def test_a_source_dated_ahead_is_news_once_and_hides_no_later_change(runnable, name):
    path, read = runnable / "notebooks" / "00_note.py", runnable / "data" / "rates.csv"
    source, ahead = runnable / name, time.time() + 1e6
    if source.is_symlink():
        source.unlink()
        source.touch()
    write_half(path.with_suffix(".ipynb"), path.read_text())
    os.utime(source, (ahead, ahead))
    notebooks.leave(path, [str(read)], begun=time.time_ns())
    assert not make(runnable)
    assert notebooks.is_current(path)
    read.touch()
    assert make(runnable)


def test_what_another_notebook_draws_is_no_source(tmp_path):
    drawn = str(tmp_path / "figures" / "a.csv")
    with pytest.raises(ValueError, match="read what that is made from"):
        dependencies.rule(tmp_path / "notebooks" / "00_note.py", [drawn], tmp_path)


def test_of_two_runs_at_once_the_second_waits_and_says_for_whom(runnable, monkeypatch):
    path, begun, go = runnable / "notebooks" / "00_note.py", Event(), Event()
    ran, said = [], []

    def execute(path, notebook, folder, environment):
        ran.append(path)
        begun.set()
        go.wait(100)
        folder.mkdir(parents=True)
        write_half(folder / "00_note.ipynb", path.read_text())
        return [str(runnable / "data" / "rates.csv")]

    monkeypatch.setattr(notebooks, "execute", execute)
    monkeypatch.setattr("builtins.print", lambda line, **_: said.append(line))
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(notebooks.run, path)]
        begun.wait(100)
        both.append(pool.submit(notebooks.run, path))
        waiting = f"00_note is run by process {os.getpid()}; waiting for it"
        while waiting not in said and not any(each.done() for each in both):
            time.sleep(0.01)
        go.set()
        assert not any(each.exception() for each in both)
    assert waiting in said
    assert ran == [path]


def test_what_cannot_be_written_is_refused_before_the_work(runnable, monkeypatch):
    monkeypatch.setattr(notebooks.os, "access", lambda place, mode: False)
    with pytest.raises(PermissionError, match="nothing was run"):
        notebooks.run(runnable / "notebooks" / "00_note.py")


def test_cells_typed_into_the_executed_half_alone_are_not_lost(checkout):
    note = checkout / "notebooks" / "NOTE.py"
    executed = pairs.identified(jupytext.read(note))
    nbformat.write(executed, note.with_suffix(".ipynb"))
    note.write_text("# %%\nx = 2\n")
    assert pairs.read(note).cells[0].source == "x = 2"  # edited in its own half
    executed.cells[0].source = "x = 3"
    nbformat.write(executed, note.with_suffix(".ipynb"))
    with pytest.raises(ValueError, match=r"NOTE\.ipynb alone; make NOTE KEEP=ipynb .* KEEP=py"):
        pairs.read(note)
    assert pairs.read(note, "py").cells[0].source == "x = 2"
    assert pairs.read(note, "ipynb").cells[0].source == "x = 3"
    assert note.read_text() == "# %%\nx = 3\n"


def test_a_save_in_jupyterlab_leaves_nothing_of_the_session():
    settings = PyFileConfigLoader(str(paths.ROOT / "tools" / "lab.py")).load_config()
    (notebook, *_) = sorted((paths.ROOT / "notebooks").glob("[0-9]*.ipynb"))
    committed = nbformat.read(notebook, as_version=4)
    saved = nbformat.read(notebook, as_version=4)
    # As the page does once a kernel has answered.
    saved.metadata.kernelspec["display_name"] = "Python 3 (ipykernel)"
    saved.metadata.language_info |= {"version": "3.11.9", "mimetype": "text/x"}
    settings.ContentsManager.pre_save_hook({"type": "notebook", "content": saved}, path="x")
    assert saved == committed


def test_only_the_runner_writes_outside_build(monkeypatch, tmp_path):
    monkeypatch.delenv("SCALINGLIB_OUTPUT", raising=False)
    assert paths.output() == paths.ROOT / "build" / "by_hand"
    monkeypatch.setenv("SCALINGLIB_OUTPUT", str(tmp_path))
    figures.saver(profiles.load("full"))(None, "table", ROWS)
    assert pd.read_csv(tmp_path / "figures" / "table.exact.csv").loss[1] == ROWS.loss[1]


@pytest.mark.parametrize("value", ["", " ", "no such file.csv"])
def test_runs_that_are_named_must_exist(monkeypatch, value):
    monkeypatch.setenv("SCALINGLIB_RUNS", value)
    with pytest.raises(ValueError, match=f"SCALINGLIB_RUNS is '{value}'"):
        paths.named_by("SCALINGLIB_RUNS")
    monkeypatch.delenv("SCALINGLIB_RUNS")
    assert paths.named_by("SCALINGLIB_RUNS", "default") == "default"


def test_warnings_name_no_machine():
    text = f"/tmp/ipykernel_17/123.py:3: UserWarning: [17] {notebooks.ROOT}/data is old, pid 17\n"
    assert notebooks.without_machine(text) == "this cell:3: UserWarning: [] data is old, \n"
    library = "/home/a b/x/.venv/lib/python3.11/site-packages/jax/a.py:1: W\n"
    assert notebooks.without_machine(library) == "jax/a.py:1: W\n"


def test_an_environment_is_made_anew_only_where_it_must(tmp_path, monkeypatch):
    installed, folder = [], tmp_path / ".venv"
    monkeypatch.setattr(environment, "install", lambda root, python: installed.append(root))
    monkeypatch.setattr(environment.shutil, "which", lambda name: "uv")

    def made(change):
        change()
        environment.main(tmp_path)
        found = len(installed), (folder / "kept").exists()
        (folder / "kept").touch()
        return found

    def moved():
        record = (folder / ".done").read_text()
        (folder / ".done").write_text(record.replace(str(tmp_path), "/elsewhere"))

    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    assert made(lambda: None) == (1, False)
    assert made(lambda: None) == (1, True)
    assert made(lambda: (tmp_path / "requirements.lock").write_text("more")) == (2, True)
    # As where the Python that it stood on moved away.
    assert made((folder / "bin" / "python").unlink) == (3, False)
    assert made(moved) == (4, False)


def row(**changes):
    table = {"file": "figures/a.csv", "kind": "table", "origin": "commit"}
    return table | {"size": 2e-8, "where": "column 'x'", "new": False} | changes


def test_the_report_says_what_was_not_reproduced():
    lines, reproduced = verify.summary({"a": [row()]}, {"c": ("holds", "holds")})
    assert reproduced
    assert "1 of 1 tables reproduced, 0 of them to all digits" in lines
    assert any("2.0e-08" in line for line in lines)
    records = {"a": [row(new=True, size=1e-3)], "b": None}
    answers = {"c": ("holds", "does not hold"), "claim of b": ("holds", None)}
    lines, reproduced = verify.summary(records, answers)
    assert "0 of 2 claims answered as recorded" in lines
    assert not reproduced
    assert lines[-4:] == [
        "beyond rounding: 3",
        "    figures/a.csv: column 'x'",
        "    notebook b failed, or was not run",
        "    claim c: does not hold; recorded: holds",
    ]


def test_what_no_notebook_makes_is_reported(checkout, monkeypatch):
    made(checkout, ROWS)
    (checkout / "figures" / "old.csv").write_text("x\n1\n")
    commit(checkout)
    (checkout / "figures" / "old.csv").unlink()
    (checkout / "figures" / "extra.svg").write_text("<svg/>")
    monkeypatch.setattr(verify.readme, "notebooks", lambda: [])
    records = {"NOTE": [row(file="figures/fig.csv"), row(file="figures/fig.svg")]}
    left = verify.not_made(records)
    assert left == ["figures/extra.svg", "figures/old.csv"]
    assert not verify.summary({}, {}, left)[1]


def test_a_disguise_is_worn_accepted_and_passes_on_how_a_command_ended():
    asked = "import os, sys; print(os.environ['XLA_FLAGS']); import jax, numpy; jax.devices(); "
    python = [notebooks.sys.executable, "-W", "error"]
    done = subprocess.run(
        [*python, "-m", "tools.disguise", "SSE4_2", *python, "-c", f"{asked} sys.exit(7)"],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 7, done.stderr
    assert "--xla_cpu_max_isa=SSE4_2" in done.stdout
