"""The two halves of a notebook hold the same cells; whichever was edited, the other follows.

Which half is newer is decided by content, not by time: the one that differs from what both held
when they last agreed (build/pairs/NAME), or, in a new clone, from the last commit.
"""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import jupytext
import nbformat

from tools import publish

ROOT = Path(__file__).resolve().parents[1]
HALVES = {"py": ".py", "ipynb": ".ipynb"}


def cells(notebook):
    """What of a notebook counts: kind, source and tags of each cell."""
    return [
        (cell.cell_type, cell.source.strip(), sorted(cell.metadata.get("tags", [])))
        for cell in notebook.cells
    ]


def digest(found):
    """A word for some cells, equal where they are."""
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def read(text, half):
    """A notebook from the text of one of its halves."""
    if half == "py":
        return jupytext.reads(text, fmt="py:percent")
    return nbformat.reads(text, as_version=4)


def newer(path, keep=None):
    """The half, "py" or "ipynb", whose cells count; None where both hold the same.

    Parameters
    ----------
    path : Path
        The .py half.
    keep : str, optional
        The half that counts where it cannot be told; else that is a ValueError.
    """
    texts = {h: path.with_suffix(s).read_text(encoding="utf-8") for h, s in HALVES.items()}
    now = {half: digest(cells(read(text, half))) for half, text in texts.items()}
    if now["py"] == now["ipynb"]:
        return None
    if keep:
        return keep
    committed = _last_commit(path)
    later = _committed_later(path) if committed["py"] != committed["ipynb"] else []
    stamp = ROOT / "build" / "pairs" / path.stem
    agreed = stamp.read_text(encoding="utf-8") if stamp.exists() else None
    edited = []
    for half in HALVES:
        # Of two commits that disagree the later says what somebody wrote, the other what is old.
        old = committed["py"] == committed["ipynb"] or (later and half not in later)
        if now[half] != agreed and not (old and now[half] == committed[half]):
            edited.append(half)
    if not edited:
        # Git put one half back: an executed half so put back was not typed in.
        edited = later if now == committed else ["py"] * (now["ipynb"] == agreed)
    if len(edited) == 1:
        return edited[0]
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path
    raise ValueError(
        f"{name} and its .ipynb hold different cells, and which was meant cannot be told; "
        f"say so: make {path.stem} KEEP=py or KEEP=ipynb (the other half's cells are then lost)"
    )


def _last_commit(path):
    found = {}
    for half, suffix in HALVES.items():
        text = publish.committed(f"notebooks/{path.stem}{suffix}")
        found[half] = text and digest(cells(read(text.decode(), half)))
    return found


def _committed_later(path):
    """The half that was committed alone, after both had been: a list of one, or of none."""
    commits = []
    for suffix in HALVES.values():
        command = ["git", "log", "-1", "--format=%H", "--", f"notebooks/{path.stem}{suffix}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        commits.append(done.stdout.strip())
    if not all(commits) or commits[0] == commits[1]:
        return []
    order = ["git", "merge-base", "--is-ancestor"]
    return [
        half
        for half, (old, new) in zip(HALVES, (commits[::-1], commits), strict=True)
        if subprocess.run([*order, old, new], cwd=ROOT, capture_output=True).returncode == 0
    ]


def synchronize(path, keep=None):
    """Carry cells edited in the .ipynb over to the .py, and say so."""
    executed = path.with_suffix(".ipynb")
    half = newer(path, keep) if executed.exists() else "py"
    if half == "ipynb":
        edited = read(executed.read_text(encoding="utf-8"), "ipynb")
        path.write_text(percent(path.read_text(encoding="utf-8"), edited), encoding="utf-8")
        # As old as the edit: what make runs now has these cells.
        stamp = executed.stat().st_mtime_ns
        os.utime(path, ns=(stamp, stamp))
        print(f"{path.name}: cells taken over from the .ipynb")
    if half != "py":
        agree(path)


def agree(path):
    """Note the cells of the .ipynb half as those that both halves hold."""
    stamp = ROOT / "build" / "pairs" / path.stem
    stamp.parent.mkdir(parents=True, exist_ok=True)
    found = cells(read(path.with_suffix(".ipynb").read_text(encoding="utf-8"), "ipynb"))
    stamp.write_text(digest(found), encoding="utf-8")


def percent(text, edited):
    """The text of a .py half with the cells of another notebook, its header and layout kept."""
    notebook = read(text, "py")
    layout = {}
    for cell in notebook.cells:
        layout.setdefault((cell.cell_type, cell.source.strip()), cell.metadata)
    notebook.cells = edited.cells
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = layout.get((cell.cell_type, cell.source.strip()), type(cell.metadata)())
        cell.metadata.pop("tags", None)
        if tags:
            cell.metadata["tags"] = tags
        if "outputs" in cell:
            cell.outputs, cell.execution_count = [], None
    header = re.compile(r"\A# ---\n.*?\n# ---\n", re.DOTALL)
    ours = match[0] if (match := header.match(text)) else ""
    return ours + header.sub("", jupytext.writes(notebook, fmt="py:percent"))
