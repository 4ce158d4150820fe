"""Take over what a run made, where it says something new; and keep a record of what was compared.

What was published before is the last commit's, or, outside git or for a file that is new, the file
as it lies there. A file that says the same is put back as it was published, to the byte.
"""

import copy
import dataclasses
import json
import subprocess

import nbformat

from scalinglib.report.paths import ROOT
from tools import compare, readme

_DRAWN = (".svg", ".png")


def committed(name):
    """Bytes of a file in the last commit, or None where there is none."""
    shown = subprocess.run(["git", "show", f"HEAD:./{name}"], cwd=ROOT, capture_output=True)
    return shown.stdout if shown.returncode == 0 else None


def earlier(name):
    """What was published under a name: bytes by where they are from, the last commit first."""
    path = ROOT / name
    versions = {"commit": committed(name), "file": path.read_bytes() if path.exists() else None}
    return {origin: version for origin, version in versions.items() if version is not None}


def put(name, content):
    """Write a file of the repository, unless it says so already."""
    path = ROOT / name
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def settle(name, kind, made, versions, deviations):
    """Write a file as the first earlier version that says the same, or else as it was made.

    - versions: as `earlier` gives them.
    - returns: a row of the record: file, kind, origin (of what was written), size, where, new.
    """
    origin = next((o for o, deviation in deviations.items() if not deviation.new), "made")
    put(name, versions.get(origin, made))
    first = next(iter(deviations.values()), compare.different("not there before"))
    return {"file": name, "kind": kind, "origin": origin} | dataclasses.asdict(first)


def publish(stem, folder):
    """Publish what notebook `stem` wrote into `folder`, and its executed half that lies there.

    Leaves a record, build/made/STEM.json, and returns its rows.
    """
    rows, redrawn = [], {"commit": set(), "file": set()}
    for path in sorted(folder.rglob("*.csv")):
        if not path.name.endswith(".exact.csv"):
            name = path.relative_to(folder).as_posix()
            exact = path.with_suffix(".exact.csv").read_text(encoding="utf-8")
            versions = earlier(name)
            found = {o: compare.table(v.decode(), exact) for o, v in versions.items()}
            rows.append(settle(name, "table", path.read_bytes(), versions, found))
            if (pdf := path.with_suffix(".pdf")).exists():  # the table has its text
                page = pdf.relative_to(folder).as_posix()
                put(page, earlier(page).get(rows[-1]["origin"], pdf.read_bytes()))
    for path in sorted(folder.rglob("*.svg")):
        name, picture = (path.relative_to(folder).with_suffix(s).as_posix() for s in _DRAWN)
        drawn, shown = path.read_text(encoding="utf-8"), path.with_suffix(".png").read_bytes()
        versions, pictures = earlier(name), earlier(picture)
        found = {o: compare.drawing(v.decode(), drawn) for o, v in versions.items()}
        for origin in (o for o, deviation in found.items() if not deviation.new):
            found[origin] |= compare.pixels(pictures.get(origin), shown)
        rows.append(settle(name, "figure", drawn.encode(), versions, found))
        put(picture, pictures.get(rows[-1]["origin"], shown))
        for origin, stems in redrawn.items():
            if origin not in found or found[origin].new:
                stems.add(path.stem)
    rows.append(_publish_notebook(stem, folder, redrawn))
    record = ROOT / "build" / "made" / f"{stem}.json"
    record.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return rows


def _publish_notebook(stem, folder, redrawn):
    name, found = f"notebooks/{stem}.ipynb", {}
    made = new = nbformat.read(folder / f"{stem}.ipynb", as_version=4)
    versions = earlier(name)
    for origin, version in versions.items():
        old = nbformat.reads(version.decode(), as_version=4)
        merged, found[origin] = merge(old, new, redrawn[origin])
        made = merged if len(found) == 1 else made
    return settle(name, "notebook", (nbformat.writes(made) + "\n").encode(), versions, found)


def merge(old, new, redrawn=()):
    """The new notebook, its outputs as they were where they say the same; and what deviates most.

    `redrawn` holds the stems of the figures that are drawn otherwise.
    """
    merged, found = copy.deepcopy(new), compare.SAME
    outputs = {cell.id: cell.outputs for cell in old.cells if "outputs" in cell}
    for cell in (cell for cell in merged.cells if "outputs" in cell):
        before, title = outputs.get(cell.id), cell.source.strip().partition("\n")[0][:50]
        if before is None or len(before) != len(cell.outputs):
            found |= compare.different(f"cell {title!r} is new or has other outputs")
            continue
        drawn = set(readme.stems_in(cell.source))
        same_drawing = bool(drawn) and not drawn & set(redrawn)
        for i, past in enumerate(before):
            deviation = compare.output(past, cell.outputs[i], same_drawing)
            if not deviation.new:
                cell.outputs[i] = past
            if deviation.where:
                where = f"cell {title!r}: {deviation.where}"
                found |= dataclasses.replace(deviation, where=where)
    if not found.new and nbformat.writes(merged) != nbformat.writes(old):
        found |= compare.different("cells, their order or metadata")
    return merged, found
