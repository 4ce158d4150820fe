"""The two halves of a notebook hold the same cells: the .py is edited, the .ipynb executed.

JupyterLab writes both (notebooks/jupytext.toml). What was typed into the .ipynb by something that
does not is found by the cells' ids, which are hashes of what the runner wrote into them.
"""

import hashlib
import tomllib

import jupytext
import nbformat

from scalinglib.report.paths import ROOT

HALVES = ("py", "ipynb")
CONFIG = ROOT / "notebooks" / "jupytext.toml"
METADATA = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python"},
}


def identified(notebook):
    """A notebook with cell ids that depend on the content alone, and no metadata of a session."""
    notebook.metadata = nbformat.from_dict(METADATA)
    seen = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


def cells(notebook):
    """What of a notebook counts: kind, source and tags of each cell."""
    return [
        (cell.cell_type, cell.source.strip(), sorted(cell.metadata.get("tags", [])))
        for cell in notebook.cells
    ]


def typed_into(executed):
    """Whether an .ipynb (a NotebookNode) holds a cell that the runner did not write."""
    ids = [cell.id for cell in executed.cells]
    return ids != [cell.id for cell in identified(executed).cells]


def read(path, keep=None):
    """The .py half as a notebook, after cells of the .ipynb were taken over if `keep` says so.

    Where cells were typed into the .ipynb alone and `keep` is None, a ValueError.
    """
    other = path.with_suffix(".ipynb")
    if keep != "py" and other.exists():
        executed = nbformat.read(other, as_version=4)
        if cells(executed) != cells(jupytext.read(path)):
            if keep == "ipynb":
                executed.metadata = nbformat.from_dict(
                    {"jupytext": tomllib.loads(CONFIG.read_text("utf-8"))}
                )
                jupytext.write(executed, path, fmt="py:percent")
            elif typed_into(executed):
                raise ValueError(
                    f"cells were typed into {other.name} alone; make {path.stem} KEEP=ipynb takes "
                    "them over into the .py, KEEP=py drops them"
                )
    return identified(jupytext.read(path))
