"""Build the static site: executed notebooks, gallery, ledger, data, API and the planner.

    python -m tools.site      write build/site

No notebook is executed. What exists is shown: nothing here lists notebooks, figures, claims, data
files or modules by hand. MathJax comes from its npm package; Node's npm must be on PATH.
"""

import html
import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import unicodedata
from contextlib import suppress
from pathlib import Path

import nbformat

import scalinglib
from scalinglib.report import claims
from scalinglib.report.paths import DATA, FIGURES, ROOT
from tools import planner, readme

SITE = ROOT / "site"
BUILD = ROOT / "build" / "site"
SOURCE = ROOT / "build" / "site-source"
MATHJAX = ROOT / "build" / "mathjax"

# A verdict as claims.check prints it in an executed notebook.
VERDICT = re.compile(r"^([\w.-]+): .+? \(here: (.+?)\)[.:]", re.M)


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


def tiles(pictures, kind="gallery"):
    """A gallery of (stem, address, caption), each picture with its numbers where it has some."""

    def tile(stem, address, caption):
        numbers = (
            f' <a href="figures/{stem}.csv">CSV</a>' if (FIGURES / f"{stem}.csv").exists() else ""
        )
        return (
            f'<figure><a href="{address}"><img src="figures/{stem}.png" loading="lazy" '
            f'alt="{html.escape(caption)}"></a>'
            f"<figcaption>{html.escape(caption)}{numbers}</figcaption></figure>"
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
    first = [(p[0], page_of(n), readme.title(n)) for n in notebooks if (p := readme.pictures(n))]
    headline = (
        '<a class="headline" href="notebooks/00_start_here.html">'
        f'<img src="figures/{readme.HEADLINE}.svg" alt="Student loss against teacher loss"></a>'
    )
    parts = {"headline": raw(headline), "counts": counts, "gallery": tiles(first)}
    return re.sub(r"^@(\w+)@$", lambda match: parts[match[1]], text, flags=re.M)


def gallery():
    """All pictures, by notebook, each with its numbers."""
    lines = [
        "# All figures",
        "",
        "A click leads to the notebook that draws it, *CSV* to its numbers;",
    ]
    lines += ["[one sheet](sheet.md) has all of them.", ""]
    for notebook in readme.notebooks():
        if pictures := readme.pictures(notebook):
            named = [(stem, page_of(notebook), caption(notebook, stem)) for stem in pictures]
            lines += [f"## {readme.title(notebook)}", "", tiles(named)]
    return "\n".join(lines)


def sheet():
    """All pictures small, side by side: what is drawn unlike the rest sticks out."""
    found = [
        (stem, f"figures/{stem}.svg", readme.name(stem))
        for notebook in readme.notebooks()
        for stem in readme.pictures(notebook)
    ]
    return f"# Contact sheet\n\nA click shows a picture large.\n\n{tiles(found, 'gallery sheet')}"


def values():
    """What the executed notebooks print as computed for each claim, as text by its id."""
    found = {}
    for notebook in readme.notebooks():
        executed = nbformat.read(notebook.with_suffix(".ipynb"), as_version=4)
        outputs = [o for c in executed.cells if c.cell_type == "code" for o in c.outputs]
        text = "".join(o.text for o in outputs if o.output_type == "stream")
        found |= dict(VERDICT.findall(text))
    return found


def expected(claim):
    """What a claim's value is held against, in words."""
    value = claim.get("expected")
    if isinstance(value, bool):
        return "yes" if value else "no"
    bounds = {"at_least": "≥", "at_most": "≤"}
    words = [f"{sign} {claim[key]:g}" for key, sign in bounds.items() if key in claim]
    if value is not None:
        words.append(f"{value:g}" + (f" ± {claim['tolerance']:g}" if "tolerance" in claim else ""))
    return ", ".join(words)


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
    return [
        (kind, f'<span id="{identifier}" {marks}>{html.escape(claim["answer"])}</span>'),
        ("statement", said),
        ("value", html.escape(expected(claim))),
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
    computed, found = values(), claims.ledger()
    status = readme.status(found.values())
    head = ["verdict", "statement", "they say", "here"]
    lines = ["# Ledger", ""]
    lines += ["What the paper and texts about it say, held against what comes out here. The"]
    lines += ["notebooks compute the values and fail where a verdict differs from the one recorded"]
    lines += ["in `data/claims.toml`.", "", f"Of {len(found)} statements: {status}.", ""]
    lines += [choices(found)]
    pages = [(n.stem, f"[{readme.title(n)}](notebooks/{n.stem}.ipynb)") for n in readme.notebooks()]
    for notebook, title in [*pages, (None, "Without a notebook")]:
        part = {i: claim for i, claim in found.items() if claim.get("notebook") == notebook}
        if part:
            rows = [row(i, claim, computed.get(i, "")) for i, claim in part.items()]
            lines += [f"## {title}", "", f"{readme.status(part.values())}.", "", table(head, rows)]
    return "\n".join(lines)


def data():
    """The guide to the data, and each file with its origin, licence and checksum."""
    guide = (DATA / "README.md").read_text(encoding="utf-8")
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


def modules():
    """Names of the library's public modules: packages that re-export stand for their parts."""
    found, whole = [], []
    for module in pkgutil.walk_packages(scalinglib.__path__, "scalinglib."):
        if module.name.startswith(tuple(whole)):
            continue
        exported = getattr(importlib.import_module(module.name), "__all__", [])
        if exported:
            found.append(module.name)
            if module.ispkg:
                whole.append(f"{module.name}.")
    return found


def write_api(folder):
    """One page a module, from its docstrings."""
    folder.mkdir()
    names = modules()
    for name in names:
        title = f"{name}\n{'=' * len(name)}\n\n"
        body = f".. automodule:: {name}\n   :members:\n   :imported-members:\n"
        (folder / f"{name}.rst").write_text(title + body, encoding="utf-8")
    first = [importlib.import_module(name).__doc__.split("\n")[0] for name in names]
    listed = [
        [f'<a href="{name}.html"><code>{name}</code></a>', code(line)]
        for name, line in zip(names, first, strict=True)
    ]
    pages = "\n".join(names)
    toctree = f"```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
    index = f"# Library\n\n{table(['module', 'what it is'], listed)}\n{toctree}"
    (folder / "index.md").write_text(index, encoding="utf-8")


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
    for notebook in readme.notebooks():
        shutil.copy(notebook.with_suffix(".ipynb"), SOURCE / "notebooks")
    planner.write(SOURCE / "_extra" / "planner")
    shutil.copytree(FIGURES, SOURCE / "_extra" / "figures")
    shutil.copytree(DATA, SOURCE / "_extra" / "data")
    package = Path("scalinglib", "coefficients")
    shutil.copytree(ROOT / package, SOURCE / "_extra" / package)
    front = SOURCE / "index.md"
    front.write_text(landing(front.read_text(encoding="utf-8")), encoding="utf-8")
    writers = {"gallery": gallery, "sheet": sheet, "ledger": ledger, "data": data}
    for name, write in writers.items():
        (SOURCE / f"{name}.md").write_text(write(), encoding="utf-8")
    write_api(SOURCE / "api")


def is_current():
    """Whether the site is built and nothing that it shows has changed since."""
    front = BUILD / "index.html"
    shown = [SITE, DATA, FIGURES, ROOT / "notebooks", ROOT / "scalinglib", ROOT / "tools"]
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
