"""The two halves of notebooks, the arrows between modules, and what stands in generated files."""

import ast
import csv
import hashlib
import re
import subprocess
import tomllib

import jupytext
import nbformat
import numpy as np
import pytest

from scalinglib.report import claims
from scalinglib.report.paths import DATA, ROOT
from tools import compare_figures, dependencies, notebooks, readme

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.py"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

SOURCES_OF_CLAIMS = {
    "paper",
    "poster",
    "summary page",
    "AI CERTS article",
    "practitioner's article",
    "here",
}

# What each room may import (the README's map, downwards only).
ROOMS = {
    "checks": set(),
    "lanes": set(),
    "laws": {"checks"},
    "flops": {"checks"},
    "allocate_solver": {"lanes", "laws", "flops"},
    "allocate": {"checks", "laws", "flops", "allocate_solver"},
    "calibration": set(),
    "fit": {"fit", "lanes", "laws", "flops"},
    "experiment": {"experiment"},
    "gap": {"gap", "checks", "experiment", "lanes"},
    "simulate": {"flops", "laws"},
    "study": {"study", "calibration", "experiment", "flops", "lanes"},
    "report": {"report"},
}


@each_notebook
def test_both_halves_agree(path):
    edited = notebooks.read(path)
    executed = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    assert [(c.cell_type, c.id, c.source) for c in edited.cells] == [
        (c.cell_type, c.id, c.source) for c in executed.cells
    ]
    assert executed.metadata.kernelspec.name == "python3"
    code = [c for c in executed.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    assert not [o for c in code for o in c.outputs if o.output_type == "error"]
    # An address in an output differs from run to run.
    assert not re.search(r" at 0x[0-9a-f]{6}", nbformat.writes(executed))


@each_notebook
def test_notebook_follows_the_house(path):
    text = path.read_text(encoding="utf-8")
    cells = jupytext.read(path).cells
    tagged = [c.source for c in cells if "parameters" in c.metadata.get("tags", [])]
    assert tagged == ['profile = "full"']
    assert "jupytext_version" not in text
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    for function in functions:
        assert function.end_lineno - function.lineno < 10, f"{function.name} is too long"
    assert "claims.check(" in cells[-1].source
    # GitHub and MyST both want display mathematics fenced by lines of their own.
    assert all(line.strip() in ("# $$", "") for line in text.splitlines() if "$$" in line)


@pytest.mark.parametrize("room", ROOMS)
def test_modules_import_downwards_only(room):
    base = ROOT / "scalinglib" / room
    files = list(base.glob("*.py")) if base.is_dir() else [base.with_suffix(".py")]
    for file in files:
        found = dependencies.imports(ast.parse(file.read_text(encoding="utf-8")))
        rooms = {
            name.split(".")[1] for name in found if "." in name and dependencies.module_file(name)
        }
        assert rooms <= ROOMS[room], f"{file.name} imports {rooms - ROOMS[room]}"


def test_every_room_has_its_arrows():
    package = ROOT / "scalinglib"
    rooms = {p.stem for p in package.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert rooms - {"__init__"} == set(ROOMS)


def test_make_knows_what_a_notebook_depends_on():
    path = ROOT / "notebooks" / "03_parameters_and_flops.py"
    files = [f for f in DATA.rglob("*") if f.is_file()]
    found = {f.relative_to(ROOT).as_posix() for f in dependencies.dependencies(path, files)}
    assert {"scalinglib/flops.py", "scalinglib/checks.py", "data/published/table13.csv"} <= found
    assert "scalinglib/allocate.py" not in found
    recipes = dependencies.dependencies(
        ROOT / "notebooks/07_compute_optimal_distillation.py", files
    )
    assert DATA / "published" / "table6.csv" in recipes
    assert DATA / "recipes.csv" not in recipes


def test_pieces_of_a_stream_are_joined():
    pieces = [("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")]
    outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in pieces]
    joined = [(o.name, o.text) for o in notebooks.join_streams(outputs)]
    assert joined == [("stdout", "ab"), ("stderr", "c"), ("stdout", "d")]


def test_readme_table_and_gallery_are_up_to_date():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.updated(text) == text
    links = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r'(?:src|href)="([^":]+)"', text)
    for target in links:
        assert (ROOT / target).exists(), target
    for notebook in NOTEBOOKS:
        assert links.count(f"notebooks/{notebook.stem}.ipynb") >= 2, notebook


def test_every_data_file_has_a_source():
    with (DATA / "SOURCES.toml").open("rb") as file:
        sources = tomllib.load(file)
    files = {
        f.relative_to(DATA).as_posix(): f
        for f in DATA.rglob("*.*")
        if f.is_file() and f.name not in ("README.md", "SOURCES.toml")
    }
    assert set(sources) == set(files)
    for name, source in sources.items():
        assert source["origin"]
        assert source["licence"]
        if "sha256" in source:
            assert hashlib.sha256(files[name].read_bytes()).hexdigest() == source["sha256"], name


def test_recipe_columns_are_explained_in_order():
    guide = (DATA / "README.md").read_text(encoding="utf-8").split("## recipes.csv")[1]
    explained = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]+) \|", guide, re.M)))
    with (DATA / "recipes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(explained) == sorted(rows[0])
    assert len({(r["student"], r["compute"], r["scenario"]) for r in rows}) == 33 * 15 * 5
    shares = [float(r[f"share_{s}"]) for r in rows for s in ("student", "inference", "pretraining")]
    assert min(shares) >= 0
    assert max(shares) <= 1


def ask(claim_id):
    return re.compile(rf'claims\.check\(\s*"{re.escape(claim_id)}"')


@pytest.mark.parametrize(("claim_id", "claim"), claims.ledger().items(), ids=claims.ledger())
def test_claim_is_complete_and_answered(claim_id, claim):
    assert {"source", "place", "statement", "confirm", "answer"} <= set(claim)
    assert all(claim[key].strip() for key in ("source", "place", "statement", "confirm"))
    assert claim["source"] in SOURCES_OF_CLAIMS
    if claim["answer"] == "cannot be tested here":
        assert len(claim["why"]) > 20
        assert not {"notebook", "expected", "at_least", "at_most"} & set(claim)
        return
    assert claim["answer"] in (
        {"holds", "does not hold"} | {f"holds within {claim[k]:g}" for k in claim if k == "loose"}
    )
    assert len({"expected", "at_least", "at_most"} & set(claim)) == 1
    # A number needs a tolerance; true, false and bounds have none.
    number = "expected" in claim and not isinstance(claim["expected"], bool)
    assert number == ("tolerance" in claim)
    assert claim.get("loose", np.inf) > claim.get("tolerance", 0)
    assert number or "loose" not in claim
    text = (ROOT / "notebooks" / f"{claim['notebook']}.py").read_text(encoding="utf-8")
    assert len(ask(claim_id).findall(text)) == 1


def test_ledger_is_large_enough_and_nothing_else_is_asked():
    assert len(claims.ledger()) >= 80
    text = "".join(path.read_text(encoding="utf-8") for path in NOTEBOOKS)
    asked = re.findall(r'claims\.check\(\s*"([^"]+)"', text)
    tested = {name for name, claim in claims.ledger().items() if "notebook" in claim}
    assert sorted(asked) == sorted(tested)


def test_executed_notebooks_print_the_answers_recorded():
    printed = {(row["id"], row["notebook"], row["answer"]) for row in claims.computed()}
    recorded = {
        (name, claim["notebook"], claim["answer"])
        for name, claim in claims.ledger().items()
        if "notebook" in claim
    }
    assert printed == recorded


def test_figures_are_those_that_the_notebooks_save():
    made = {stem for path in NOTEBOOKS for stem in readme.stems(path)}
    assert {f.stem for f in (ROOT / "figures").glob("*.csv")} == made


def test_nothing_of_one_machine_or_registry_is_committed():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    words = [
        "python" + "hosted",
        "pypi" + ".org",
        "registry." + "npmjs",
        "/ro" + "ot/",
        "/wo" + "rk/",
    ]
    for name in filter(None, listed.stdout.split("\0")):
        text = (ROOT / name).read_bytes().decode("utf-8", errors="ignore")
        assert not [word for word in words if word in text], name


def test_comparison_sees_a_changed_digit():
    import pandas as pd

    table = pd.DataFrame({"x": [1.23456, 1000.0], "name": ["a", "b"]})
    assert compare_figures.difference(table, table) == ""
    assert (
        compare_figures.difference(table, table + pd.DataFrame({"x": [1e-5, 0], "name": ["", ""]}))
        == ""
    )
    assert "row 0" in compare_figures.difference(table, table.assign(x=[1.23459, 1000.0]))
    assert "column 'name'" in compare_figures.difference(table, table.assign(name=["a", "c"]))
    assert "shape" in compare_figures.difference(table, table[:1])
