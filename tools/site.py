"""Build the static site: executed notebooks, gallery, ledger, data, library and the planner.

    python -m tools.site      write build/site

No notebook is executed. What exists is shown: nothing here lists notebooks, figures, claims, data
files or modules by hand. MathJax comes from its npm package; Node's npm must be on PATH.
"""

import csv
import html
import re
import shutil
import subprocess
import sys
import tomllib
import unicodedata
from contextlib import suppress
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

from scalinglib.report import claims
from scalinglib.report.paths import DATA, FIGURES, ROOT
from scalingplan import page as planner
from tools import navigation, readme

SITE = ROOT / "site"
BUILD = ROOT / "build" / "site"
SOURCE = ROOT / "build" / "site-source"
MATHJAX = ROOT / "build" / "mathjax"
FOLDED = 3  # lines of code, from which on a cell is folded
SHOWN = ("notebooks", "scalinglib", "scalingplan", "tools")


def raw(markup):
    """HTML as a block that MyST passes through."""
    return f"```{{raw}} html\n{markup}\n```\n"


def table(head, rows):
    """An HTML table that scrolls sideways where it must; cells are HTML, or (class, HTML)."""

    def cell(content):
        kind, content = content if isinstance(content, tuple) else ("", content)
        return f'<td class="{kind}">{content}</td>' if kind else f"<td>{content}</td>"

    lines = ["<tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr>"]
    lines += ["<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows]
    return raw('<div class="scroll"><table>\n' + "\n".join(lines) + "\n</table></div>")


def code(line):
    """A docstring's line as HTML, what stands in backticks as code."""
    return re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(line))


def link(address, words):
    """A link as HTML."""
    return f'<a href="{address}">{html.escape(words)}</a>'


def large(stem, words, root=""):
    """A picture that opens large (_static/zoom.js); `root` leads to the site's root."""
    return (
        f'<a href="{root}figures/{stem}.svg"><img src="{root}figures/{stem}.png" loading="lazy" '
        f'alt="{html.escape(words)}"></a>'
    )


def tiles(pictures, kind="gallery"):
    """A gallery of (stem, address, caption): the caption leads to the address, CSV to numbers."""

    def tile(stem, address, caption):
        numbers = link(f"figures/{stem}.csv", "CSV")
        return (
            f"<figure>{large(stem, caption)}"
            f"<figcaption>{link(address, caption)} · {numbers}</figcaption></figure>"
        )

    shown = "\n".join(tile(*picture) for picture in pictures)
    return raw(f'<div class="{kind}">\n{shown}\n</div>')


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


def landing(text):
    """The landing page from its text, with the headline figure, the counts and the gallery."""
    notebooks = readme.notebooks()
    answers = [claim["answer"] for claim in claims.ledger().values()]
    figures = sum(len(readme.pictures(notebook)) for notebook in notebooks)
    counts = (
        f"[{figures} figures](gallery.md) in {len(notebooks)} notebooks; of {len(answers)} "
        f"statements of the paper and of texts about it {answers.count('holds')} hold as they "
        f"stand: the [ledger](ledger.md) has them all."
    )
    first = [(s, page_of(n), readme.title(n)) for n in notebooks if (s := readme.shown(n))]
    headline = large(readme.HEADLINE, "Student loss against teacher loss").replace("png", "svg")
    headline = raw(f'<div class="headline">{headline}</div>')
    parts = {"headline": headline, "counts": counts, "gallery": tiles(first), "parts": menus()}
    text = re.sub(r"@(\w+)@$", lambda match: parts[match[1]], text, flags=re.M)
    where = places()
    # A link to a figure: its notebook may change its name.
    return re.sub(
        r"\[([^]]+)\]\(figure:(\w+)\)", lambda match: link(where[match[2]][1], match[1]), text
    )


def menus():
    """The menu's notebooks, by part, in reading order."""
    return "\n\n".join(
        f"```{{toctree}}\n:caption: {part}\n:hidden:\n\n"
        + "\n".join(f"notebooks/{path.stem}" for path in paths)
        + "\n```"
        for part, paths in navigation.in_parts().items()
    )


def gallery():
    """All pictures, by notebook, each with its numbers."""
    where = places()
    lines = [
        "# All figures",
        "",
        "A picture opens large; its caption leads to where its notebook draws it, *CSV* to its",
        "numbers. [One sheet](sheet.md) has all of them, [a table](paper.md) what the paper shows",
        "under the same number.",
        "",
    ]
    for notebook in readme.notebooks():
        if pictures := readme.pictures(notebook):
            named = [(stem, where[stem][1], caption(notebook, stem)) for stem in pictures]
            lines += [f"## {readme.title(notebook)}", "", tiles(named)]
    return "\n".join(lines)


def sheet():
    """All pictures small, side by side: what is drawn unlike the rest sticks out."""
    found = [
        (stem, address, readme.name(stem))
        for stem, (_, address) in places().items()
        if readme.has_picture(stem)
    ]
    return f"# Contact sheet\n\nA picture opens large.\n\n{tiles(found, 'gallery sheet')}"


def paper():
    """Each figure and table of the paper: where it is made here, what is equal, what differs."""
    where = places()
    with (DATA / "figures_of_the_paper.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))

    def made(stem):
        notebook, address = where[stem]
        return link(address, re.sub(r"^(Fig|Table) \w+: ", "", caption(notebook, stem)))

    rows = [
        [
            ("number", row["number"]),
            ("statement", "<br>".join(map(made, row["stems"].split()))),
            ("equal", html.escape(row["equal"])),
            ("differs", html.escape("; ".join(filter(None, (row["differs"], row["why"]))))),
        ]
        for row in told
    ]
    shown = table(["in the paper", "here", "equal", "different, and why"], rows)
    return f"# The paper, figure by figure\n\n{shown}"


def row(identifier, claim, value):
    """A claim as a row of the ledger; `value` is what was computed here, as text."""
    said = html.escape(claim["statement"])
    for key in ("confirm", "why"):
        if key in claim:
            said += f"<br><em>{html.escape(claim[key])}</em>"
    said += f"<br><small>{html.escape(claim['source'])}: {html.escape(claim['place'])}</small>"
    marks = f'data-verdict="{verdict(claim)}" data-source="{claim["source"]}"'
    marks += f' data-notebook="{claim.get("notebook", "")}"'
    kind = {"holds": "answer yes", "does not hold": "answer no"}.get(claim["answer"], "answer")
    answer = f'<span id="{identifier}" {marks}>{html.escape(claim["answer"])}</span>'
    if "follows" in claim:
        answer += f"<br><small>from the authors' law: {html.escape(claim['follows'])}</small>"
    return [
        (kind, answer),
        ("statement", said),
        ("value", html.escape(claims.said(claim))),
        ("value", html.escape({"True": "yes", "False": "no"}.get(value, value))),
    ]


def choices(found):
    """What the ledger is filtered by: a form for a script that shows and hides rows."""
    titles = {notebook.stem: readme.title(notebook) for notebook in readme.notebooks()}
    options = {
        "verdict": {v: v for v in dict.fromkeys(map(verdict, found.values()))},
        "source": {s: s for s in dict.fromkeys(claim["source"] for claim in found.values())},
        "notebook": {n: f"{n.split('_')[0]} · {title}" for n, title in titles.items()},
    }
    selects = [
        f'<label>{name} <select name="{name}"><option value="">all</option>'
        + "".join(f'<option value="{v}">{html.escape(t)}</option>' for v, t in values.items())
        + "</select></label>"
        for name, values in options.items()
    ]
    words = '<label>words <input name="words" type="search"></label>'
    return raw(
        f'<form class="choices">{"".join(selects)}{words}<output></output></form>\n'
        '<script defer src="_static/ledger.js"></script>'
    )


def verdict(claim):
    """A claim's answer without the bound that it names."""
    return re.sub(r"^(holds within) .*", r"\1", claim["answer"])


def ledger():
    """The ledger: every statement, where it stands, what it says, what comes out, by notebook."""
    computed, found = {row["id"]: row["value"] for row in claims.computed()}, claims.ledger()
    status = readme.status(found.values())
    head = ["verdict", "statement", "they say", "here"]
    lines = ["# Ledger", ""]
    lines += ["What the paper and texts about it say, held against what comes out here. The"]
    lines += ["notebooks compute the values and fail where a verdict differs from the one recorded"]
    lines += ["in `data/claims.toml`.", "", f"Of {len(found)} statements: {status}."]
    lines += [f"{readme.follows(found.values()).capitalize()}.", "", choices(found)]
    pages = [(n.stem, f"[{readme.title(n)}](notebooks/{n.stem}.ipynb)") for n in readme.notebooks()]
    for notebook, title in [*pages, (None, "Without a notebook")]:
        part = {i: claim for i, claim in found.items() if claim.get("notebook") == notebook}
        if part:
            rows = [row(i, claim, computed.get(i, "")) for i, claim in part.items()]
            lines += [f"## {title}", "", f"{readme.status(part.values())}.", "", table(head, rows)]
    return "\n".join(lines)


def linked(guide):
    """The guide to the data with links to the files that it names in code or in its headings."""

    def file(name, words):
        return link(f"data/{name}", words)

    def name(match):
        there = (DATA / match[1]).is_file()
        return file(match[1], match[1]) if there else match[0]

    def heading(match):
        first, *others = match[1].split(", ")
        folder = Path(first).parent
        names = [first, *(o if "/" in o else f"{folder}/{o}" for o in others)]
        return f"{match[0]}\n\n" + ", ".join(file(n, f"Download {n}") for n in names)

    guide = re.sub(r"`([\w./]+)`", name, guide)
    return re.sub(r"^## (\S+\.csv(?:, \S+\.csv)*)$", heading, guide, flags=re.M)


def data():
    """The guide to the data, and each file with its origin, licence and checksum."""
    guide = linked((DATA / "README.md").read_text(encoding="utf-8"))
    with (DATA / "SOURCES.toml").open("rb") as file:
        sources = tomllib.load(file)
    rows = [
        [
            f'<a href="data/{name}">{name}</a>',
            html.escape(source["origin"]),
            html.escape(source["licence"]),
            f"<code>{source['sha256'][:12]}…</code>" if "sha256" in source else "made anew",
        ]
        for name, source in sources.items()
    ]
    origin = table(["file", "origin", "licence", "sha256"], rows)
    return f"{guide}\n## Origin, licence and checksum\n\n{origin}"


def about():
    """How to cite, and the licence."""
    cite, licence = ((ROOT / n).read_text(encoding="utf-8") for n in ("CITATION.cff", "LICENSE"))
    return (
        f"# Citation and licence\n\n## CITATION.cff\n\n```yaml\n{cite}```\n\n"
        f"## LICENSE\n\n```text\n{licence}```\n"
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
    cells = [first, new_markdown_cell(raw(halves))]
    for cell in others:
        made = readme.stems_in(cell.source) if cell.cell_type == "code" else []
        for name in made:
            kinds = ("svg", "csv") if readme.has_picture(name) else ("csv",)
            files = ", ".join(link(f"../figures/{name}.{kind}", kind.upper()) for kind in kinds)
            line = f'<p class="files" id="{name}">{readme.name(name)}: {files}</p>'
            cells.append(new_markdown_cell(raw(line)))
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
    same = all(
        (MATHJAX / f.name).exists() and (MATHJAX / f.name).read_bytes() == f.read_bytes()
        for f in wanted
    )
    if not (same and script.exists()):
        for file in wanted:
            shutil.copy(file, MATHJAX)
        subprocess.run([npm, "ci", "--ignore-scripts", "--silent"], cwd=MATHJAX, check=True)
    folder.mkdir(parents=True)
    shutil.copy(script, folder)


def lay_out():
    """Write what Sphinx reads into `SOURCE`."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    ignored = shutil.ignore_patterns("planner", "node_modules", "package*", ".npmrc", "*.pyc")
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
    front = SOURCE / "index.md"
    front.write_text(landing(front.read_text(encoding="utf-8")), encoding="utf-8")
    for write in (paper, gallery, sheet, ledger, data, about):
        (SOURCE / f"{write.__name__}.md").write_text(write(), encoding="utf-8")


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
    doctrees = ROOT / "build" / "site-doctrees"
    finished = subprocess.run([*command, "-d", str(doctrees), str(SOURCE), str(BUILD)])
    if finished.returncode:
        sys.exit("the site was not built: see the warnings above")
    print(f"build/site/index.html: {len(list(BUILD.rglob('*.html')))} pages")


if __name__ == "__main__":
    build()
