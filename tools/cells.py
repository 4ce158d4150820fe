"""Count what a reader of a notebook has to look at: cells, and lines that are code.

python -m tools.cells [notebooks/NN_name.py ...]
"""

import statistics
import sys
from pathlib import Path

import jupytext

ROOT = Path(__file__).resolve().parents[1]


def main(paths):
    """Print one line a notebook, and their sums."""
    every = []
    print("notebook                           cells  median  longest  >20  first   code")
    for path in map(Path, paths or sorted((ROOT / "notebooks").glob("[0-9]*.py"))):
        cells = code_cells(path.read_text(encoding="utf-8"))
        lengths = [len(lines(cell)) for cell in cells]
        every += lengths
        print(line(path.stem, lengths, to_first_picture(cells)))
    print(line("all", every))


def line(name, lengths, first=""):
    """One row of the table that `main` prints."""
    return (
        f"{name:35}{len(lengths):5}{statistics.median(lengths):8g}{max(lengths):9}"
        f"{sum(n > 20 for n in lengths):5}{first:>7}{sum(lengths):7}"
    )


def code_cells(text):
    """The sources of a notebook's code cells, that of its parameters left out."""
    cells = jupytext.reads(text, fmt="py:percent").cells
    return [
        cell.source
        for cell in cells
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", [])
    ]


def lines(source):
    """The lines that hold code: neither empty nor a comment."""
    return [text for text in source.splitlines() if text.strip() and text.strip()[0] != "#"]


def to_first_picture(cells):
    """How many lines of code stand before the first picture, its own cell included."""
    pictures = [i for i, cell in enumerate(cells) if "save(" in cell and "save(None" not in cell]
    return sum(len(lines(cell)) for cell in cells[: pictures[0] + 1]) if pictures else "-"


if __name__ == "__main__":
    main(sys.argv[1:])
