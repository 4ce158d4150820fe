"""Count what a reader of a notebook has to look at: cells, lines, and how many of them only draw.

    python -m tools.cells [notebooks/NN_name.py ...]

A line of code is one that is neither empty nor a comment. It draws if it belongs to a simple
statement that names matplotlib, seaborn or the library's figures and maps, calls a method that
only an Axes, a Figure or an axis has, calls a function of the notebook that draws, or spells a
style (a dict with a colour, a line width, a marker); a `for`, `def`, `with` or `if` draws if
anything in it does. What saves (`save(fig, ...)`) or chooses a style for the process does not draw.
"""

import ast
import statistics
import sys
from pathlib import Path

import jupytext
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from pandas import DataFrame

ROOT = Path(__file__).resolve().parents[1]
MODULES = {"plt", "mpl", "sns", "so", "figures", "maps", "shades", "columns", "panels"}
NOT_DRAWING = {
    "saver", "use_style", "write_table", "told", "label_size", "amount", "named", "over",
    "count", "powers", "words", "SCENARIO_WORDS",
}  # fmt: skip
DRAWN = {name for kind in (Axes, Axis, Figure) for name in dir(kind) if name[0] != "_"}
DRAWN = (DRAWN - set(dir(DataFrame)) - set(dir(dict)) - set(dir(str))) | {
    "plot",
    "hist",
    "key",
    "mark",
    "each",
}
STYLES = {"color", "linestyle", "ls", "linewidth", "lw", "marker", "ms", "fontsize", "cmap", "ha"}


def main(paths):
    """Print one line a notebook, and their sums."""
    paths = paths or sorted((ROOT / "notebooks").glob("[0-9]*.py"))
    every, total = [], {"code": 0, "draws": 0, "functions": 0}
    print("notebook                           cells  median  longest  >20  first  code  draws  def")
    for path in paths:
        cells = code_cells(Path(path).read_text(encoding="utf-8"))
        found = counted(cells)
        every += found["lengths"]
        for key in total:
            total[key] += found[key]
        print(line(Path(path).stem, found))
    print(line("all", total | {"lengths": every, "first": ""}))


def line(name, found):
    """One row of the table that `main` prints."""
    lengths = found["lengths"]
    return (
        f"{name:35}{len(lengths):5}{statistics.median(lengths):8g}{max(lengths):9}"
        f"{sum(n > 20 for n in lengths):5}{found['first']:>7}{found['code']:6}{found['draws']:7}"
        f"{found['functions']:5}"
    )


def code_cells(text):
    """The sources of a notebook's code cells, that of its parameters left out."""
    cells = jupytext.reads(text, fmt="py:percent").cells
    return [
        cell.source
        for cell in cells
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", [])
    ]


def counted(cells):
    """What a notebook's cells come to: a dict of their lengths and sums.

    `first` is how many lines of code stand before the first picture, its own cell included.
    """
    lengths = [len(lines(cell)) for cell in cells]
    pictures = [i for i, cell in enumerate(cells) if "save(" in cell and "save(None" not in cell]
    source = "\n".join(cells)
    return {
        "lengths": lengths,
        "first": sum(lengths[: pictures[0] + 1]) if pictures else "-",
        "code": sum(lengths),
        "draws": len(drawing_lines(source)),
        "functions": sum(isinstance(n, ast.FunctionDef) for n in ast.walk(ast.parse(source))),
    }


def lines(source):
    """The numbers of the lines that hold code."""
    return {
        number
        for number, text in enumerate(source.splitlines(), 1)
        if text.strip() and not text.strip().startswith("#")
    }


def drawing_lines(source):
    """The numbers of the lines that draw."""
    tree, helpers, before = ast.parse(source), set(), None
    while helpers != before:  # a function that calls one that draws draws itself
        before = set(helpers)
        helpers |= {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and any(draws(n, helpers) for n in node.body)
        }
    found = set()
    for statement in tree.body:
        found |= _of(statement, helpers)
    return found & lines(source)


def _of(statement, helpers):
    """The lines of a statement, or of those parts of a compound one, that draw."""
    inner = [
        part
        for field in ("body", "orelse", "finalbody")
        for part in getattr(statement, field, None) or []
        if isinstance(part, ast.stmt)
    ]
    if not inner:
        simple = range(statement.lineno, statement.end_lineno + 1)
        return set(simple) if draws(statement, helpers) else set()
    found = set().union(*(_of(part, helpers) for part in inner))
    if found:
        found |= set(range(statement.lineno, inner[0].lineno))
    return found


def draws(node, helpers):
    """Whether a statement holds anything that draws."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return False
    return any(_draws(part, helpers) for part in ast.walk(node))


def _draws(node, helpers):
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id in MODULES and node.attr not in NOT_DRAWING
    if isinstance(node, ast.Name):
        return node.id == "Panels"
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return node.func.attr in DRAWN and not _module(node.func)
        return isinstance(node.func, ast.Name) and node.func.id in helpers
    if isinstance(node, ast.Dict):
        keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
        return bool(keys & STYLES)
    return False


def _module(attribute):
    """Whether it is a function of a module (np.hist), not a method of what is drawn on."""
    return isinstance(attribute.value, ast.Name) and attribute.value.id in {
        "np", "pd", "mp", "kr", "laws", "fit", "flops", "allocate", "claims", "paths", "warnings",
    } | MODULES  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
