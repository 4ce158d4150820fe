"""Turn the edited half of a notebook (NN_name.py) into the read half (NN_name.ipynb).

    python -m tools.notebooks run notebooks/NN_name.py   execute, publish the .ipynb and figures
    python -m tools.notebooks own notebooks/NN_name.py   on the reader's runs, into build/own
                       [--parameters JSON]
    python -m tools.notebooks fast build/fast            unexecuted, profile "fast", for nbmake;
                       [--lesser]                        those alone that then compute less

A run is repeatable: cell ids come from content, timings are dropped. It writes into
build/made/NN_name; from there `publish` takes what says something new. What failed stays there.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
import papermill
from traitlets.config import Config

from scalinglib.report import paths
from scalinglib.report.paths import ROOT
from tools import dependencies, pairs, publish

# Where each notebook that takes a reader's own runs looks for them.
OWN = {
    "05_fitting_the_law": "SCALINGLIB_PAPER_RUNS",
    "12_your_own_runs": "SCALINGLIB_RUNS",
    "16_your_own_supervised_runs": "SCALINGLIB_RUNS",
}
# Of each notebook's result, as the Makefile has it.
MADE_BY = ("tools/notebooks.py", "requirements.lock")
# How a notebook computes less in its fast profile; without it, that is the full one unsaved.
LESS = re.compile(r"profile ==|settings\.(?!saves)|settings\.saves else")


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
    names = [p.stem for p in publish.readme.notebooks()]
    place = f"{names.index(path.stem) + 1} of {len(names)}, " if path.stem in names else ""
    begun = time.time_ns()
    with alone(path.stem) as waited:
        if waited and is_current(path):
            print(f"{path.stem}: made in the meantime")
            return
        refuse_unwritable(path)
        seconds = publish.readme.seconds().get(path.stem, "some")
        print(f"running {path.stem} ({place}about {seconds} s)", flush=True)
        notebook = pairs.read(path, keep)
        folder = ROOT / "build" / "made" / path.stem
        opened = execute(path, notebook, folder, dict.fromkeys(OWN.values()))
        for row in publish.publish(path.stem, folder):
            if row["origin"] == "made":
                print(f"  written: {row['file']} ({row['where']})")
        leave(path, opened, begun)


def leave(path, opened, begun):
    """Tell `make` what a result depends on, NAME.d, and that it is as old as its run's beginning.

    A source dated in the future would be newer at each run, and a result as new as that would hide
    each change till then: such a source is dated to that beginning too.
    """
    done, now = ROOT / "build" / "figures" / f"{path.stem}.done", time.time_ns()
    needed = [path, *(ROOT / name for name in (*MADE_BY, *dependencies.read(opened, ROOT)))]
    stamp = begun
    try:
        for file in needed:
            if file.stat().st_mtime_ns > now:
                os.utime(file, ns=(begun, begun))
        # JupyterLab believes the younger half, and both hold the same cells now.
        edited = path.stat().st_mtime_ns
        os.utime(path.with_suffix(".ipynb"), ns=(edited, edited))
    except PermissionError:  # a checkout of somebody else
        stamp = max(now, *(file.stat().st_mtime_ns for file in needed))
    done.parent.mkdir(parents=True, exist_ok=True)
    done.with_suffix(".d").write_text(dependencies.rule(path, opened, ROOT), encoding="utf-8")
    done.touch()
    os.utime(done, ns=(stamp, stamp))


def is_current(path):
    """Whether nothing has changed since a notebook's last result was begun."""
    done = ROOT / "build" / "figures" / f"{path.stem}.done"
    if not done.exists():
        return False
    rule = done.with_suffix(".d").read_text(encoding="utf-8").partition("\n")[0]
    needed = [path, *(ROOT / name for name in (*MADE_BY, *rule.split()[1:]))]
    newest = max(file.stat().st_mtime_ns for file in needed if file.exists())
    return newest <= done.stat().st_mtime_ns


@contextlib.contextmanager
def alone(name):
    """Keep other processes from running the notebook `name`; says whether one had to be awaited."""
    file = ROOT / "build" / "locks" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            waited = False
        except BlockingIOError:
            lock.seek(0)
            print(f"{name} is run by process {lock.read()}; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
            waited = True
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield waited


def refuse_unwritable(path):
    """Raise before the work where its result could not be written: PermissionError."""
    for place in (path.parent, path.with_suffix(".ipynb"), ROOT / "figures"):
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(f"{place} cannot be written by you: nothing was run")


def run_own(path, parameters):
    """Execute a notebook on the reader's own runs; all it makes goes into a folder in build/own.

    Parameters are what the cell of that tag is set to (a dict). The folder is named after the
    notebook and the file of runs, with a mark of the folder where that lies.
    """
    path = Path(path).resolve()
    variable = OWN[path.stem]
    runs = paths.named_by(variable)
    if runs is None:
        raise ValueError(f"{variable} is not set; it must name a file of runs")
    mark = hashlib.sha256(os.fsencode(runs.parent)).hexdigest()[:4]
    folder = ROOT / "build" / "own" / f"{runs.stem}-{mark}" / path.stem
    with alone(f"{folder.parent.name}-{path.stem}"):
        execute(
            path, pairs.identified(jupytext.read(path)), folder, {variable: str(runs)}, parameters
        )
    print(f"{folder.relative_to(ROOT) / path.stem}.ipynb")


def execute(path, notebook, folder, environment, parameters=None):
    """Run a notebook in a kernel that writes into `folder`, emptied; its .ipynb comes there too.

    Returns the names of the files that the kernel read.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    done, failed = folder / f"{path.stem}.ipynb", folder / f"{path.stem}.failed.ipynb"
    with short_folder() as private:
        opened = Path(private, "opened")
        start = f"__import__('tools.dependencies').dependencies.record({str(opened)!r})"
        ours = {"SCALINGLIB_OUTPUT": str(folder), "PYTHONPATH": str(ROOT)} | untouched(private)
        try:
            with variables(ours | environment):
                notebook = papermill.execute_notebook(
                    notebook,
                    str(failed),
                    parameters,
                    kernel_name="python3",
                    cwd=str(path.parent),
                    progress_bar=False,
                    log_output=False,
                    extra_arguments=[
                        "--IPKernelApp.log_level=CRITICAL",
                        f"--IPKernelApp.exec_lines={start}",
                    ],
                    config=Config({"KernelManager": sockets(private)}),
                )
        except papermill.PapermillExecutionError as error:
            error.notebook = failed
            raise
        nbformat.write(strip(notebook), done)
        failed.unlink()
        return opened.read_text(encoding="utf-8").splitlines()


def untouched(private):
    """Variables that keep a reader's own settings out of what is published.

    No start-up file of IPython's, no style of matplotlib's, the kernel of this environment;
    bytecode beside its source, which it stands for; and no word on what XLA compiled earlier: an
    entry of that cache that is damaged or cannot be written costs time, nothing else.
    """
    cache = ("Error reading persistent", "Error writing persistent")
    return {
        "IPYTHONDIR": str(Path(private, "ipython")),
        "MATPLOTLIBRC": os.devnull,
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONPYCACHEPREFIX": None,
        "PYTHONDONTWRITEBYTECODE": None,
        "PYTHONWARNINGS": ",".join(f"ignore:{said} compilation cache" for said in cache),
    }


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


def write_fast(folder, lesser=False):
    """Write the notebooks, unexecuted and set to the fast profile, into `folder`.

    - lesser: Those alone that compute less in it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.py")):
        if lesser and not LESS.search(path.read_text(encoding="utf-8")):
            continue
        notebook = pairs.identified(jupytext.read(path))
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
    parser.add_argument("--lesser", action="store_true", help="of fast: what computes less in it")
    parser.add_argument("--keep", choices=pairs.HALVES, help="the half that counts, where both do")
    arguments = parser.parse_args()
    try:
        if arguments.command == "fast":
            write_fast(arguments.path, arguments.lesser)
        elif arguments.command == "own":
            run_own(arguments.path, arguments.parameters)
        else:
            run(arguments.path, arguments.keep)
    except papermill.PapermillExecutionError as error:
        with contextlib.suppress(BrokenPipeError):
            # A reader's own table wants to know what is wrong with it, not where the code noticed.
            said = error.evalue if arguments.command == "own" else error
            sys.exit(f"{said}\n{arguments.path} failed; see {error.notebook}")
    except (ValueError, OSError) as error:
        sys.exit(f"{arguments.path}: {error}")


if __name__ == "__main__":
    main()
