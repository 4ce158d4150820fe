"""The two halves of notebooks, the arrows between modules, and what stands in generated files."""

import ast
import csv
import hashlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest

from scalinglib import sentences
from scalinglib.report import claims
from scalinglib.report.paths import DATA, ROOT
from tools import cards, dependencies, navigation, pairs, readme
from tools import cells as counting

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


@each_notebook
def test_both_halves_agree(path):
    edited = pairs.identified(jupytext.read(path))
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
    assert [source.splitlines()[0] for source in tagged] == ['profile = "full"']
    # A header would change with the version of jupytext and with the kernel that a save met.
    assert text.startswith("# %% [markdown]\n# # ")
    for source in counting.code_cells(text):
        assert len(counting.lines(source)) <= 25, source[:80]
    *before, last = cells
    assert last.source.startswith("## What to take away\n")
    assert any("claims.check(" in cell.source for cell in before)
    # GitHub and MyST both want display mathematics fenced by lines of their own.
    assert all(line.strip() in ("# $$", "") for line in text.splitlines() if "$$" in line)


def test_modules_import_downwards_only():
    # The contracts stand in pyproject.toml. A process of its own: its console outlives a capture.
    code = "import sys; from importlinter.cli import lint_imports as l; sys.exit(l(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_is_equal_stays_in_order():
    """NumPy's default sort puts ties in another order on another processor."""
    loose = [
        f"{path}:{node.lineno}"
        for path in [*NOTEBOOKS, *ROOT.glob("scaling*/**/*.py"), *ROOT.glob("tools/**/*.py")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") in ("sort_values", "argsort")
        and not any(keyword.arg == "kind" for keyword in node.keywords)
        and not any(isinstance(argument, ast.List) for argument in node.args)  # several keys
    ]
    assert not loose


def holds_on_nothing(node):
    """Whether an expression is a truth, or a bound, that an empty set has."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return getattr(getattr(node.operand, "func", None), "attr", "") == "any"
    name = getattr(node, "func", None) and getattr(node.func, "attr", getattr(node.func, "id", ""))
    keywords = {keyword.arg for keyword in getattr(node, "keywords", ())}
    if name in ("max", "min"):
        return "default" in keywords
    # Groups are never empty, and the rows of an axis are asked about further on.
    of = getattr(getattr(getattr(node, "func", None), "value", None), "func", None)
    grouped = {getattr(of, "attr", ""), getattr(of, "id", "")} & {"groupby", "_some"}
    return name == "all" and "axis" not in keywords and not grouped


def test_no_verdict_holds_for_want_of_cases():
    """`sentences.every`, `most` and `least` refuse an empty set; claims are checked with them."""
    parts = {path.stem: counting.code_cells(path.read_text("utf-8")) for path in NOTEBOOKS}
    parts = {name: [s for s in found if "claims.check(" in s] for name, found in parts.items()}
    parts["sentences"] = [Path(sentences.__file__).read_text("utf-8")]
    loose = [
        f"{name}: {ast.unparse(node)}"
        for name, sources in parts.items()
        for node in ast.walk(ast.parse("\n".join(sources)))
        if holds_on_nothing(node)
    ]
    assert not loose
    for vacuous in ("(x > 0).all()", "all(x)", "max(x, default=0)", "not (x > 0).any()"):
        assert any(map(holds_on_nothing, ast.walk(ast.parse(vacuous))))


def test_a_changed_claim_concerns_the_notebooks_that_check_it(tmp_path):
    ledger = {"one": {"notebook": "00_a", "answer": "holds"}, "two": {"notebook": "01_b"}}

    def times():
        files = [dependencies.own_claims(name, ledger, tmp_path) for name in ("00_a", "01_b")]
        return [file.stat().st_mtime_ns for file in files]

    before = times()
    ledger["one"]["answer"] = "does not hold"
    after = times()
    assert after[0] > before[0]
    assert after[1] == before[1]


def test_who_asks_more_of_the_ledger_than_to_check_depends_on_the_whole(tmp_path):
    opened = [str(tmp_path / "data" / "claims.toml"), str(tmp_path / "lib" / "table.py")]
    for name, text in {"data/claims.toml": "", "lib/table.py": "", "notebooks/00_a.py": ""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    notebook = tmp_path / "notebooks" / "00_a.py"

    def whole():
        return "data/claims.toml" in dependencies.rule(notebook, opened, tmp_path)

    notebook.write_text('claims.check("a", 1)  # data/claims.toml')
    assert not whole()
    notebook.write_text("claims.ledger()")
    assert whole()
    notebook.write_text('claims.check("a", 1)')
    (tmp_path / "lib" / "table.py").write_text("claims.computed()")
    assert whole()


def test_generated_parts_of_the_readme_are_up_to_date_and_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.updated(text) == text
    page = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    assert readme.details() == page
    for folder, written in ((ROOT, text), (ROOT / "notebooks", page)):
        links = re.findall(r"\]\(([^)#:]+)\)", written)
        links += re.findall(r'(?:src|href)="([^":]+)"', written)
        for target in links:
            assert (folder / target).exists(), target
    for notebook in NOTEBOOKS:
        assert navigation.linked(notebook) == notebook.read_text(encoding="utf-8"), notebook
        assert f"(notebooks/{notebook.stem}.ipynb)" in text, notebook
        assert f"({notebook.stem}.ipynb)" in page


def test_what_guides_and_notebooks_name_is_there():
    packages = "scalinglib|scalingplan|tools|tests|data|notebooks|site"
    rooms = "laws|fit|allocate|report|study|gap|experiment|flops"
    named = rf"`((?:{packages})/[\w./-]+|(?:{packages}|{rooms})\.[\w.]+)(?:\([^`]*)?`"
    guides = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *sorted(DATA.glob("**/README.md"))]
    names = {name for file in [*guides, *NOTEBOOKS] for name in re.findall(named, file.read_text())}
    assert len(names) > 30
    for name in sorted(names):
        if "/" in name:
            assert "NAME" in name or (ROOT / name).exists(), name
        elif name.split(".")[0] in rooms.split("|"):
            assert pkgutil.resolve_name(f"scalinglib.{name}") is not None
        else:
            assert pkgutil.resolve_name(name) is not None


def test_cards_say_what_is_here_and_one_version():
    for name, text in cards.cards().items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, name
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert str(cards.citation()["version"]) == version
    released = cards.citation()["date-released"]
    assert f"\n## {version} ({released})\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_data_file_has_a_source():
    with (DATA / "SOURCES.toml").open("rb") as file:
        sources = tomllib.load(file)
    files = {
        f.relative_to(DATA).as_posix(): f
        for f in DATA.rglob("*.*")
        if f.is_file() and f.name not in ("README.md", "SOURCES.toml")
    }
    package = ROOT / "scalinglib" / "coefficients"
    files |= {f"../scalinglib/coefficients/{f.name}": f for f in package.iterdir()}
    assert set(sources) == set(files)
    for name, source in sources.items():
        assert source["origin"]
        assert source["licence"]
        if "sha256" in source:
            assert hashlib.sha256(files[name].read_bytes()).hexdigest() == source["sha256"], name


def test_every_public_run_names_its_source():
    for path in sorted((DATA / "public").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if path.name != "authors.csv":  # fits, each by the name of its table
            assert all(len(row["source"]) > 10 for row in rows), path.name


def test_recipe_columns_are_explained_in_order():
    guide = (DATA / "README.md").read_text(encoding="utf-8").split("## recipes.csv")[1]
    explained = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]+) \|", guide, re.M)))
    with (DATA / "recipes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(explained) == sorted(rows[0])
    keys = ("student", "compute", "scenario", "max_tokens")
    assert len(rows) == len({tuple(r[key] for key in keys) for r in rows}) == 33 * (15 + 3 * 8) * 5
    limited = [r for r in rows if r["max_tokens"]]
    assert {float(r["max_tokens"]) for r in limited} == {5e11, 2e12, 1e13}
    for whose in ("student", "teacher"):
        tokens = [float(r[f"{whose}_tokens"] or 0) / float(r["max_tokens"]) for r in limited]
        assert max(tokens) <= 1 + 1e-5
    shares = [float(r[f"share_{s}"]) for r in rows for s in ("student", "inference", "pretraining")]
    assert min(shares) >= 0
    assert max(shares) <= 1


def asked(text):
    """The ids of the claims that a notebook checks: by name, or as a sentence of the module."""
    named = re.findall(r'claims\.check\(\s*"([^"]+)"', text)
    sentence = [name for part in sentences.SENTENCES.values() for name in part]
    return named + (sentence if "in sentences.SENTENCES.values()" in text else [])


@pytest.mark.parametrize(("claim_id", "claim"), claims.ledger().items(), ids=claims.ledger())
def test_claim_is_complete_and_answered(claim_id, claim):
    assert {"source", "place", "statement", "confirm", "answer"} <= set(claim)
    assert all(claim[key].strip() for key in ("source", "place", "statement", "confirm"))
    assert claim["source"] in SOURCES_OF_CLAIMS
    if claim["answer"] == "cannot be tested here":
        assert len(claim["why"]) > 20
        assert not {"notebook", "expected", "at_least", "at_most"} & set(claim)
        return
    if "read" in claim:
        assert claim["answer"] in {"holds", "does not hold"}
        assert len(claim["read"]) > 20
        assert not {"notebook", "expected", "at_least", "at_most"} & set(claim)
        return
    assert claim.get("scale", "ours") == "ours"
    failed = "not seen at our scale" if "scale" in claim else "does not hold"
    loosely = {f"holds within {claim['loose']:g}"} if "loose" in claim else set()
    assert claim["answer"] in {"holds", failed, "undecided by the evidence"} | loosely
    assert ("shares" in claim) == (claim["answer"] == "undecided by the evidence")
    if "shares" in claim:
        kept, laws = map(int, re.match(r"(\d+) of (\d+) laws", claim["shares"]).groups())
        assert 0 < kept < laws
    assert len({"expected", "at_least", "at_most"} & set(claim)) == 1
    # A number needs a tolerance; true, false and bounds have none.
    number = "expected" in claim and not isinstance(claim["expected"], bool)
    assert number == ("tolerance" in claim)
    assert claim.get("loose", np.inf) > claim.get("tolerance", 0)
    assert number or "loose" not in claim
    text = (ROOT / "notebooks" / f"{claim['notebook']}.py").read_text(encoding="utf-8")
    assert asked(text).count(claim_id) == 1
    loosely = {"does not hold"} | loosely
    alone = {f"holds under {law} alone" for law in claims.AUTHORS}
    assert claim.get("follows", "holds") in {"holds"} | loosely | alone
    # What other laws are asked about is about the law, so that the authors' own is asked as well.
    assert "follows" in claim or "shares" not in claim


def test_notebooks_ask_for_every_claim_that_can_be_tested_once_and_for_no_other():
    texts = [path.read_text(encoding="utf-8") for path in NOTEBOOKS]
    tested = [name for name, claim in claims.ledger().items() if "notebook" in claim]
    assert sorted(name for text in texts for name in asked(text)) == sorted(tested)


def test_executed_notebooks_print_the_answers_recorded():
    keys = ("id", "notebook", "answer", "follows")
    printed = {tuple(row[key] for key in keys) for row in claims.computed()}
    recorded = {
        (name, claim["notebook"], claim["answer"], claim.get("follows", ""))
        for name, claim in claims.ledger().items()
        if "notebook" in claim
    }
    assert printed == recorded


def test_figures_are_those_that_the_notebooks_save():
    made = {stem for path in NOTEBOOKS for stem in readme.stems(path)}
    assert {f.stem for f in (ROOT / "figures").glob("*.csv")} == made


def test_rows_of_a_sheet_are_as_long_as_its_header():
    for path in [*DATA.rglob("*.csv"), *(ROOT / "figures").glob("*.csv")]:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        assert {len(row) for row in rows} == {len(header)}, path.name


def test_every_figure_and_table_of_the_paper_is_there_or_excused():
    with (DATA / "figures_of_the_paper.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = [f"Figure {n}" for n in range(1, 55)] + [f"Table {n}" for n in range(1, 14)]
    assert [row["number"] for row in rows] == wanted
    made = {stem for path in NOTEBOOKS for stem in readme.stems(path)}
    for row in rows:
        assert set(row["stems"].split()) <= made, row["number"]
        assert (row["stems"] and row["equal"]) or row["why"], row["number"]
        assert bool(row["differs"]) == bool(row["why"]), row["number"]


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
