"""Turn the edited half of a notebook (NN_name.py) into the read half (NN_name.ipynb).

    python tools/notebooks.py run notebooks/NN_name.py   execute, write the .ipynb beside it
    python tools/notebooks.py fast build/fast            unexecuted, profile "fast", for nbmake

A run is repeatable to the byte: cell ids come from content, timings are dropped. It writes to a
temporary name and renames on success; what failed stays beside it as NN_name.failed.ipynb.
"""

import argparse
import contextlib
import hashlib
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
import papermill
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[1]
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def read(path):
    """The .py half as a notebook whose cell ids depend on the content alone."""
    notebook = jupytext.read(path)
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    )
    seen = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


def strip(notebook):
    """Drop what differs between two runs: timings, papermill's records, where streams are cut."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for key in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if "tags" in cell.metadata and not cell.metadata["tags"]:
            del cell.metadata["tags"]
        if "outputs" in cell:
            cell.outputs = join_streams(cell.outputs)
    return notebook


def join_streams(outputs):
    """Outputs with adjacent pieces of one stream joined: where it is cut depends on timing."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def run(path):
    """Execute a notebook in its full profile and put the .ipynb beside the .py, or raise."""
    path = Path(path)
    partial, failed = (path.with_suffix(f".{word}.ipynb") for word in ("partial", "failed"))
    with tempfile.TemporaryDirectory() as private:
        # Sockets in a folder of our own: kernels started at once cannot take each other's.
        sockets = {"transport": "ipc", "ip": f"{private}/kernel"}
        try:
            done = papermill.execute_notebook(
                read(path),
                str(partial),
                kernel_name="python3",
                cwd=str(path.parent),
                progress_bar=False,
                log_output=False,
                extra_arguments=["--IPKernelApp.log_level=ERROR"],
                config=Config({"KernelManager": sockets}),
            )
        except BaseException:
            if partial.exists():
                partial.replace(failed)
            raise
    nbformat.write(strip(done), partial)
    partial.replace(path.with_suffix(".ipynb"))
    failed.unlink(missing_ok=True)


def write_fast(folder):
    """Write every notebook, unexecuted and set to the fast profile, into `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.py")):
        notebook = read(path)
        for cell in notebook.cells:
            if "parameters" in cell.metadata.get("tags", []):
                cell.source = 'profile = "fast"'
        nbformat.write(notebook, folder / f"{path.stem}.ipynb")


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("command", choices=["run", "fast"])
    parser.add_argument("path")
    arguments = parser.parse_args()
    if arguments.command == "fast":
        write_fast(arguments.path)
        return
    try:
        run(arguments.path)
    except papermill.PapermillExecutionError as error:
        with contextlib.suppress(BrokenPipeError):
            sys.exit(f"{arguments.path}: {error}")


if __name__ == "__main__":
    main()
