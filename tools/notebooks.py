"""Turn the edited half of a notebook (NN_name.py) into the read half (NN_name.ipynb).

    python -m tools.notebooks run notebooks/NN_name.py   execute, publish the .ipynb and figures
    python -m tools.notebooks own notebooks/NN_name.py   on the reader's runs, into build/own
                       [--parameters JSON]
    python -m tools.notebooks fast build/fast            unexecuted, profile "fast", for nbmake

A run is repeatable: cell ids come from content, timings are dropped. It writes into
build/made/NN_name; from there `publish` takes what says something new. What failed stays there.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
import papermill
from traitlets.config import Config

from scalinglib.report import paths
from tools import pairs, publish

# Where each notebook that takes a reader's own runs looks for them.
OWN = {
    "05_fitting_the_law": "SCALINGLIB_PAPER_RUNS",
    "12_your_own_runs": "SCALINGLIB_RUNS",
    "16_your_own_supervised_runs": "SCALINGLIB_RUNS",
}
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
            for output in cell.outputs:
                if output.get("name") == "stderr":
                    output.text = without_machine(output.text)
    return notebook


def without_machine(text):
    """A warning's text without what one machine and one process are called."""
    text = re.sub(r"\S*/ipykernel_\d+/\d+\.py", "this cell", text)
    text = text.replace(f"{ROOT}{os.sep}", "")
    return re.sub(r"(?m)^\S.*/site-packages/|\bpid \d+|(?<=\[)\d+(?=\])", "", text)


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


def run(path, keep=None):
    """Execute a notebook in its full profile and publish what is new of it, or raise."""
    path = Path(path).resolve()
    pairs.synchronize(path, keep)
    folder = ROOT / "build" / "made" / path.stem
    shutil.rmtree(folder, ignore_errors=True)
    execute(path, folder, dict.fromkeys(OWN.values()))
    rows = publish.publish(path.stem, folder)
    for row in rows:
        if row["origin"] == "made":
            print(f"  written: {row['file']} ({row['where']})")
    # Not before: after a run that failed the .py is still the edited half.
    pairs.agree(path)
    # JupyterLab believes the younger half, and both hold the same cells now.
    stamp = path.stat().st_mtime_ns
    os.utime(path.with_suffix(".ipynb"), ns=(stamp, stamp))


def run_own(path, parameters):
    """Execute a notebook on the reader's own runs; all it makes goes into build/own/NAME.

    Parameters are what the cell of that tag is set to (a dict).
    """
    path = Path(path).resolve()
    variable = OWN[path.stem]
    runs = paths.named_by(variable)
    if runs is None:
        raise ValueError(f"{variable} is not set; it must name a file of runs")
    folder = ROOT / "build" / "own" / runs.stem
    execute(path, folder, {variable: str(runs)}, parameters)
    print(f"{folder.relative_to(ROOT) / path.stem}.ipynb")


def execute(path, folder, environment, parameters=None):
    """Run the .py half in a kernel that writes into `folder`, where its .ipynb comes as well."""
    folder.mkdir(parents=True, exist_ok=True)
    done, failed = folder / f"{path.stem}.ipynb", folder / f"{path.stem}.failed.ipynb"
    failed.unlink(missing_ok=True)
    ours = {"SCALINGLIB_OUTPUT": str(folder), "PYTHONPATH": str(ROOT)} | environment
    with short_folder() as private, variables(ours):
        try:
            notebook = papermill.execute_notebook(
                read(path),
                str(failed),
                parameters,
                kernel_name="python3",
                cwd=str(path.parent),
                progress_bar=False,
                log_output=False,
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
                config=Config({"KernelManager": sockets(private)}),
            )
        except papermill.PapermillExecutionError as error:
            error.notebook = failed
            raise
    nbformat.write(strip(notebook), done)
    failed.unlink()


def short_folder():
    """A temporary folder of our own: kernels started at once cannot take each other's sockets."""
    return tempfile.TemporaryDirectory(dir=min((tempfile.gettempdir(), "/tmp"), key=len))


def sockets(folder):
    """How a kernel is spoken to: through sockets in a folder, or TCP where its name is too long."""
    # 104 bytes (macOS) hold the path of a socket; jupyter_client adds a number.
    short = len(os.fsencode(f"{folder}/kernel")) < 95
    return {"transport": "ipc", "ip": f"{folder}/kernel"} if short else {}


@contextlib.contextmanager
def variables(wanted):
    """Environment variables set, or with None taken away, for as long as the context lasts."""
    before = {name: os.environ.get(name) for name in wanted}

    def put(values):
        for name, value in values.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

    put(wanted)
    try:
        yield
    finally:
        put(before)


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
                cell.source = cell.source.replace('profile = "full"', 'profile = "fast"')
        nbformat.write(notebook, folder / f"{path.stem}.ipynb")


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("command", choices=["run", "own", "fast"])
    parser.add_argument("path")
    parser.add_argument("--parameters", type=json.loads, default={}, help="of an own run, in JSON")
    parser.add_argument("--keep", choices=pairs.HALVES, help="the half that counts, where both do")
    arguments = parser.parse_args()
    try:
        if arguments.command == "fast":
            write_fast(arguments.path)
        elif arguments.command == "own":
            run_own(arguments.path, arguments.parameters)
        else:
            run(arguments.path, arguments.keep)
    except papermill.PapermillExecutionError as error:
        with contextlib.suppress(BrokenPipeError):
            # A reader's own table wants to know what is wrong with it, not where the code noticed.
            said = error.evalue if arguments.command == "own" else error
            sys.exit(f"{said}\n{arguments.path} failed; see {error.notebook}")
    except ValueError as error:
        sys.exit(f"{arguments.path}: {error}")


if __name__ == "__main__":
    main()
