"""Reading order, and the line of links under each notebook's title: what comes before, and after.

Reading order is `PARTS`, not the numbers: the law first, then whether it holds elsewhere, practice,
the reader's own runs, and what one looks up. `tools.readme` writes the links.
"""

import re

from scalinglib.report.paths import ROOT

PARTS = {
    "The law": ["00", "04", "05", "06", "07"],
    "Does it hold elsewhere?": ["08", "08b", "17", "21", "13", "19", "01", "02"],
    "Practice": ["10", "18", "20", "09"],
    "Yours": ["12", "16", "22"],
    "To look up": ["03", "07b", "14", "15", "11", "11b"],
}
LINE = re.compile(r"(^# # .+\n)(?:#\n# \[(?:README|←).*\n(?:# .+\n)*)?", re.MULTILINE)


def linked(path):
    """The text of a notebook's edited half with its line of links made anew."""
    links = line(in_order(), path.stem).replace("\n", "\n# ")
    text = path.read_text(encoding="utf-8")
    return LINE.sub(rf"\g<1>#\n# {links}\n", text, count=1)


def in_parts():
    """The edited halves of the notebooks by part, in reading order; what none names comes last."""
    every = {path.stem.split("_")[0]: path for path in sorted(ROOT.glob("notebooks/[0-9]*.py"))}
    parts = {p: [every.pop(n) for n in numbers if n in every] for p, numbers in PARTS.items()}
    parts[list(PARTS)[-1]] += every.values()
    return parts


def in_order():
    """The same one after the other."""
    return [path for paths in in_parts().values() for path in paths]


def line(order, stem):
    """Links to the notebooks before and after the one called `stem`, and its part."""
    at = [path.stem for path in order].index(stem)
    number = stem.split("_")[0]
    part = next((name for name, numbers in PARTS.items() if number in numbers), "")
    links = ["[README](../README.md)"]
    if at:
        links.insert(0, f"[← {_number(order[at - 1])}]({order[at - 1].stem}.ipynb)")
    if at + 1 < len(order):
        links.append(f"[{_number(order[at + 1])} →]({order[at + 1].stem}.ipynb)")
    text = " · ".join([*links, f"*{part}*"] if part else links)
    return text if len(text) < 98 else text.replace(" · ", "\n· ")


def _number(path):
    return path.stem.split("_")[0]
