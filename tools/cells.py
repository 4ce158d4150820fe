"""Count what a reader of a notebook has to look at: cells, and lines that are code.

python -m tools.cells [notebooks/NN_name.py ...]
"""

import statistics
import sys
from pathlib import Path

import jupytext
import pandas as pd

from scalinglib.report.paths import ROOT


def main(paths):
    """Print one line a notebook, and one of all."""
    every, rows = [], {}
    for path in map(Path, paths or sorted((ROOT / "notebooks").glob("[0-9]*.py"))):
        cells = code_cells(path.read_text(encoding="utf-8"))
        lengths = [len(lines(cell)) for cell in cells]
        every += lengths
        rows[path.stem] = row(lengths) | {"first": f"{to_first_picture(cells)}"}
    print(pd.DataFrame([*rows.values(), row(every)], [*rows, "all"]).fillna("").to_string())


def row(lengths):
    """What `main` prints of the lengths of some cells."""
    counts = {"cells": len(lengths), "median": statistics.median(lengths), "longest": max(lengths)}
    return counts | {">20": sum(n > 20 for n in lengths), "code": sum(lengths)}


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
