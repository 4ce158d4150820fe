"""Write the README's table of notebooks and figures, between its two markers.

    python tools/readme.py

What a notebook makes is read off its save(...) calls.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADLINE = "start_the_u"
BEGIN, END = "<!-- table: tools/readme.py -->\n", "<!-- end of table -->"


def title(notebook):
    """The text of a notebook's first heading, without its number."""
    return re.search(r"^# # (?:\d+ · )?(.+)$", notebook.read_text(encoding="utf-8"), re.M)[1]


def stems(notebook):
    """Stems under which a notebook saves figures and tables, in order."""
    calls = [
        node
        for node in ast.walk(ast.parse(notebook.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "save"
    ]
    return [call.args[1].value for call in sorted(calls, key=lambda call: call.lineno)]


def notebooks():
    """The edited halves of all notebooks, in reading order."""
    return sorted((ROOT / "notebooks").glob("[0-9]*.py"))


def name(stem):
    """What a figure or table is called: by the paper's number where it has one."""
    match = re.match(r"(fig|table)0*(\d+[a-z]?)_", stem)
    kind = {"fig": "Fig", "table": "Table"}
    return f"{kind[match[1]]} {match[2]}" if match else stem.replace("_", " ")


def has_picture(stem):
    """Whether there is a picture, not a table alone."""
    return (ROOT / "figures" / f"{stem}.png").exists()


def pictures(notebook):
    """Stems of the notebook's pictures, in order."""
    return [stem for stem in stems(notebook) if has_picture(stem)]


def link(stem):
    """A link to the picture, or to the numbers of a table without one."""
    return f"[{name(stem)}](figures/{stem}.{'png' if has_picture(stem) else 'csv'})"


def table():
    """The table's lines."""
    lines = ["| notebook | section | makes | command |", "|---|---|---|---|"]
    for notebook in notebooks():
        stem = notebook.stem
        made = ", ".join(map(link, stems(notebook)))
        cells = [f"[`{stem}`](notebooks/{stem}.ipynb)", title(notebook), made, f"`make {stem}`"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def updated(text):
    """README text with the table made anew."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(updated(readme.read_text(encoding="utf-8")), encoding="utf-8")
