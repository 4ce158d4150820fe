"""Build the static site: executed notebooks, gallery, ledger, data, library and the planner.

    python -m tools.site      write build/site

No notebook is executed. What exists is shown: nothing here lists notebooks, figures, claims, data
files or modules by hand. MathJax comes from its npm package; Node's npm must be on PATH.
"""

import csv
import re
import shutil
import subprocess
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path

import jinja2
import nbformat
from nbformat.v4 import new_markdown_cell

from scalinglib.report import claims
from scalinglib.report.paths import DATA, FIGURES, ROOT
from scalingplan import page as planner
from tools import cards, navigation, readme

SITE = ROOT / "site"
BUILD = ROOT / "build" / "site"
SOURCE = ROOT / "build" / "site-source"
MATHJAX = ROOT / "build" / "mathjax"
FOLDED = 3  # lines of code, from which on a cell is folded
PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(SITE), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
SHOWN = ("notebooks", "scalinglib", "scalingplan", "tools")


def link(address, words):
    """A link as HTML."""
    return f'<a href="{address}">{words}</a>'


def raw(markup):
    """A cell of HTML that MyST passes through."""
    return new_markdown_cell(f"```{{raw}} html\n{markup}\n```\n")


def plain(heading):
    """A heading without marks, its Greek letters and indices in Unicode."""

    def letter(match):
        name = match[1].upper().replace("LAMBDA", "LAMDA")
        with suppress(KeyError):
            return unicodedata.lookup(f"GREEK SMALL LETTER {name}")
        return ""

    words = re.sub(r"\\([a-z]+)", letter, heading)
    words = re.sub(r"_(\d)", lambda match: "₀₁₂₃₄₅₆₇₈₉"[int(match[1])], words)
    return re.sub(r"[$`*{}_]", "", words)


def caption(notebook, stem):
    """A picture's number or name, and the heading under which its notebook draws it."""
    lines = notebook.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if f'"{stem}"' in line)
    heading = next(line for line in reversed(lines[:at]) if re.match(r"# #+ ", line))
    words = plain(heading.lstrip("# "))
    name, numbered = readme.name(stem), re.match(r"(fig|table)\w+?_", stem)
    if re.match(r"Figures? [\d and]+$", words):
        words = stem[numbered.end() if numbered else 0 :].replace("_", " ")
    words = re.sub(r"^(Figures?|Tables?)( [\d a-z,and–-]*)?: *", "", words)
    return f"{name}: {words}" if numbered else words[0].upper() + words[1:]


def page_of(notebook):
    """Address of a notebook's page, from the root of the site."""
    return f"notebooks/{notebook.stem}.html"


def places():
    """Notebook and address, from the root of the site, of each figure and table by its stem."""
    return {
        stem: (notebook, f"{page_of(notebook)}#{stem}")
        for notebook in readme.notebooks()
        for stem in readme.stems(notebook)
    }


def linked(guide):
    """The guide to the data with links to the files that it names in code or in its headings."""

    def file(name, words, instead):
        return link(f"data/{name}", words) if (DATA / name).is_file() else instead

    def heading(match):
        first, *others = match[1].split(", ")
        folder = Path(first).parent
        names = [first, *(o if "/" in o else f"{folder}/{o}" for o in others)]
        return f"{match[0]}\n\n" + ", ".join(file(n, f"Download {n}", n) for n in names)

    guide = re.sub(r"`([\w./]+)`", lambda m: file(m[1], m[1], m[0]), guide)
    guide = re.sub(r"\[([^]]+)\]\(([\w./]+)\)", lambda m: file(m[2], m[1], m[0]), guide)
    return re.sub(r"^## (\S+\.csv(?:, \S+\.csv)*)$", heading, guide, flags=re.M)


def choices(found):
    """What the ledger is filtered by: names, and the words of each value."""
    titles = {n.stem: f"{n.stem.split('_')[0]} · {readme.title(n)}" for n in readme.notebooks()}
    return {
        "verdict": {v: v for v in map(readme.verdict, found.values())},
        "source": {claim["source"]: claim["source"] for claim in found.values()},
        "notebook": titles,
    }


def by_notebook(found):
    """A heading and the claims of each notebook; those of none come last."""
    pages = [(n.stem, f"[{readme.title(n)}](notebooks/{n.stem}.ipynb)") for n in readme.notebooks()]
    for stem, title in [*pages, (None, "Without a notebook")]:
        yield title, {i: claim for i, claim in found.items() if claim.get("notebook") == stem}


def text(name):
    """A file of the repository, as it is."""
    return (ROOT / name).read_text(encoding="utf-8")


def page(name):
    """A page of `site/`, its Jinja filled in with what there is."""
    where, computed = places(), {row["id"]: row["value"] for row in claims.computed()}
    with (DATA / "figures_of_the_paper.csv").open(encoding="utf-8", newline="") as file:
        of_paper = list(csv.DictReader(file))

    def made(stem):
        return re.sub(r"^(Fig|Table) \w+: ", "", caption(where[stem][0], stem))

    def captioned(notebook):
        stems = readme.pictures(notebook)
        return [(stem, where[stem][1], caption(notebook, stem)) for stem in stems]

    def named():
        return [(s, at, readme.name(s)) for s, (_, at) in where.items() if readme.has_picture(s)]

    def first():
        shown = {notebook: readme.shown(notebook) for notebook in readme.notebooks()}
        return [(stem, page_of(n), readme.title(n)) for n, stem in shown.items() if stem]

    return PAGES.get_template(f"{name}.md").render(
        {f.__name__: f for f in (made, captioned, named, first, text, choices, by_notebook)},
        verdict=readme.verdict,
        readme=readme,
        navigation=navigation,
        notebooks=readme.notebooks(),
        where=where,
        drawn=len(named()),
        claims=claims.ledger(),
        said=claims.said,
        value=lambda i: {"True": "yes", "False": "no"}.get(computed.get(i), computed.get(i, "")),
        of_paper=of_paper,
        guide=linked(text("data/README.md")),
        sources=cards.sources(),
    )


def dressed(notebook):
    """The executed half, with doors to both halves and, before the cell that makes it, each file.

    A picture's alternative text is its caption. Code is folded: what it shows stands first.
    """
    stem = notebook.stem
    halves = (
        f'<p class="files">This page is {link(f"{stem}.ipynb", f"{stem}.ipynb")}, paired with '
        f"{link(f'{stem}.py', f'{stem}.py')}; <code>make {stem}</code> runs it.</p>"
    )
    executed = nbformat.read(notebook.with_suffix(".ipynb"), as_version=4)
    first, *others = executed.cells
    first.source = first.source.replace("[README](../README.md)", "[overview](../index.md)")
    cells = [first, raw(halves)]
    for cell in others:
        made = readme.stems_in(cell.source) if cell.cell_type == "code" else []
        for name in made:
            kinds = ("svg", "csv") if readme.has_picture(name) else ("csv",)
            files = ", ".join(link(f"../figures/{name}.{kind}", kind.upper()) for kind in kinds)
            line = f'<p class="files" id="{name}">{readme.name(name)}: {files}</p>'
            cells.append(raw(line))
        if drawn := [name for name in made if readme.has_picture(name)]:
            cell.metadata["mystnb"] = {"image": {"alt": caption(notebook, drawn[-1])}}
        if cell.cell_type == "code" and cell.source.count("\n") >= FOLDED:
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), "hide-input"})
        cells.append(cell)
    executed.cells = cells
    return executed


def install_mathjax(folder):
    """Put MathJax's one file into `folder`, from the npm package that package-lock.json names."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("make site needs npm on PATH (Node.js): MathJax comes from its npm package")
    MATHJAX.mkdir(parents=True, exist_ok=True)
    wanted = [SITE / name for name in ("package.json", "package-lock.json", ".npmrc")]
    script = MATHJAX / "node_modules" / "mathjax" / "es5" / "tex-svg.js"
    lock = "package-lock.json"
    if not script.exists() or (MATHJAX / lock).read_bytes() != (SITE / lock).read_bytes():
        for file in wanted:
            shutil.copy(file, MATHJAX)
        subprocess.run([npm, "ci", "--ignore-scripts", "--silent"], cwd=MATHJAX, check=True)
    folder.mkdir(parents=True)
    shutil.copy(script, folder)


def lay_out():
    """Write what Sphinx reads into `SOURCE`."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    ignored = shutil.ignore_patterns("planner", "node_modules", "package*", ".npmrc", "*.jinja")
    shutil.copytree(SITE, SOURCE, ignore=ignored)
    install_mathjax(SOURCE / "_static" / "mathjax")
    (SOURCE / "notebooks").mkdir()
    halves = SOURCE / "_extra" / "notebooks"
    halves.mkdir(parents=True)
    for notebook in readme.notebooks():
        nbformat.write(dressed(notebook), SOURCE / "notebooks" / f"{notebook.stem}.ipynb")
        for suffix in (".ipynb", ".py"):
            shutil.copy(notebook.with_suffix(suffix), halves)
    planner.write(SOURCE / "_extra" / "planner")
    shutil.copytree(FIGURES, SOURCE / "_extra" / "figures")
    shutil.copytree(DATA, SOURCE / "_extra" / "data")
    package = Path("scalinglib", "coefficients")
    shutil.copytree(ROOT / package, SOURCE / "_extra" / package)
    for file in SITE.glob("*.md"):
        (SOURCE / file.name).write_text(page(file.stem), encoding="utf-8")


def is_current():
    """Whether the site is built and nothing that it shows has changed since."""
    front = BUILD / "index.html"
    shown = [SITE, DATA, FIGURES, *(ROOT / name for name in SHOWN)]
    newest = max(
        file.stat().st_mtime
        for folder in shown
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )
    return front.exists() and front.stat().st_mtime >= newest


def build():
    """Build the site; warnings are errors."""
    lay_out()
    shutil.rmtree(BUILD, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
    command += ["-j", "auto", "-d", str(ROOT / "build" / "site-doctrees")]
    finished = subprocess.run([*command, str(SOURCE), str(BUILD)])
    if finished.returncode:
        sys.exit("the site was not built: see the warnings above")
    print(f"build/site/index.html: {len(list(BUILD.rglob('*.html')))} pages")


if __name__ == "__main__":
    build()
