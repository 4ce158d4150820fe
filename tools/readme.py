"""Write the README's table of notebooks and its gallery, each between its two markers.

    .venv/bin/python -m tools.readme

What a notebook makes is read off its save(...) calls, how long it takes off data/seconds.csv
(`make seconds` measures it), what became of the statements it checks off data/claims.toml.
"""

import ast
import csv
import re
from collections import Counter
from pathlib import Path

from scalinglib.report.claims import ledger

ROOT = Path(__file__).resolve().parents[1]
HEADLINE = "start_the_u"
# What the gallery shows of a notebook, where that is not its first picture.
SHOWN = {
    "07_compute_optimal_distillation": "fig17_compute_optimal_loss_all",
    "07b_optimal_teachers": "fig29_both_shares",
    "08_small_scale_study": "fig04_capacity_gap_small_scale",
    "08b_small_scale_decisions": "fig06_fixed_tokens_small_scale",
    "09_calibration": "fig43_short_data",
    "12_your_own_runs": "own_runs_more_tokens_simulated",
}


def title(notebook):
    """The text of a notebook's first heading, without its number."""
    return re.search(r"^# # (?:\d+b? · )?(.+)$", notebook.read_text(encoding="utf-8"), re.M)[1]


def stems(notebook):
    """Stems under which a notebook saves figures and tables, in order."""
    return stems_in(notebook.read_text(encoding="utf-8"))


def stems_in(source):
    """Stems under which Python source, of a notebook or one of its cells, saves, in order."""
    calls = [
        node
        for node in ast.walk(ast.parse(source))
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


def seconds():
    """Measured seconds by notebook, as text."""
    with (ROOT / "data" / "seconds.csv").open(encoding="utf-8", newline="") as file:
        return {row["notebook"]: row["seconds"] for row in csv.DictReader(file)}


def status(claims):
    """What became of some claims of data/claims.toml, in words."""
    loosely = "holds within a looser bound"
    plural = {
        "holds": "hold",
        loosely: "hold within a looser bound",
        "does not hold": "do not hold",
        "not seen at our scale": "not seen at our scale",
        "undecided by the evidence": "undecided by the evidence",
    }
    answers = Counter(re.sub("holds within .*", loosely, c["answer"]) for c in claims)
    order = [*plural, *sorted(set(answers) - set(plural))]
    counts = [(answers[answer], answer) for answer in order if answers[answer]]
    return ", ".join(f"{n} {plural.get(a, a) if n > 1 else a}" for n, a in counts)


def follows(claims):
    """How many of the claims about the law follow from the authors' own, in words."""
    answers = [claim["follows"] for claim in claims if "follows" in claim]
    both = [a for a in answers if a.startswith("holds") and not a.endswith("alone")]
    return f"of {len(answers)} about the law {len(both)} follow from the authors' own"


def table():
    """The table's lines."""
    head = ["notebook", "section", "makes", "command", "seconds", "status"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    measured, claims = seconds(), ledger().values()
    for notebook in notebooks():
        stem = notebook.stem
        made = ", ".join(map(link, stems(notebook)))
        cells = [f"[`{stem}`](notebooks/{stem}.ipynb)", title(notebook), made, f"`make {stem}`"]
        checked = [claim for claim in claims if claim.get("notebook") == stem]
        cells += [measured.get(stem, ""), status(checked)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def shown(notebook):
    """The stem of the picture that stands for a notebook; None where it has none."""
    return SHOWN.get(notebook.stem, next(iter(pictures(notebook)), None))


def gallery():
    """A picture of each notebook, three in a row, each leading to its notebook."""
    return "".join(
        f'<a href="notebooks/{notebook.stem}.ipynb">'
        f'<img src="figures/{shown(notebook)}.png" width="32%" alt="{title(notebook)}"></a>\n'
        for notebook in notebooks()
        if shown(notebook)
    )


def updated(text):
    """README text with the table and the gallery made anew."""
    for name, make in {"table": table, "gallery": gallery}.items():
        begin, end = f"<!-- {name}: tools/readme.py -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = before + begin + make() + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(updated(readme.read_text(encoding="utf-8")), encoding="utf-8")
