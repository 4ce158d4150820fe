"""JupyterLab, driven in a browser: a save writes both halves, a run by hand nothing published."""

import os
import re
import shutil
import subprocess
import sys
import threading

import pytest

from scalinglib.report.paths import ROOT
from tests.browser import needs_browser, open_browser
from tools import pairs

NOTE = "03_parameters_and_flops"
RUN = "(command) => window.jupyterapp.commands.execute(command)"
# Asked of the notebook itself: the page renders only the cells that are in sight.
IDLE = """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session
    ?.kernel?.status === 'idle'"""
EXECUTED = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
    .every((cell) => cell.type !== 'code' || cell.executionCount)"""


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path):
    """A checkout with one notebook, committed, in a folder with a space."""
    copy = tmp_path / "my checkout"
    (copy / "notebooks").mkdir(parents=True)
    without = shutil.ignore_patterns("__pycache__")
    for name in ("scalinglib", "scalingplan", "data", "figures"):
        shutil.copytree(ROOT / name, copy / name, ignore=without)
    halves = (f"notebooks/{NOTE}.py", f"notebooks/{NOTE}.ipynb")
    for name in (".gitignore", "notebooks/jupytext.toml", *halves):
        shutil.copy2(ROOT / name, copy / name)
    git(copy, "init", "-q")
    git(copy, "add", ".")
    git(copy, "commit", "-q", "-m", "x")
    return copy


@pytest.fixture
def address(checkout, tmp_path):
    """Where a JupyterLab of the checkout's notebooks answers."""
    ours = {"PYTHONPATH": str(checkout), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    options = ["--no-browser", "--allow-root", "--port=0", "--IdentityProvider.token="]
    options += ["--LabApp.expose_app_in_browser=True", "notebooks"]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        cwd=checkout,
        env=os.environ | ours,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = next(filter(None, (re.search(r"http://\S+:\d+/", line) for line in server.stderr)))
    # Read on: a full pipe would stop the server.
    threading.Thread(target=server.stderr.read, daemon=True).start()
    yield found[0]
    server.terminate()
    server.wait(20)
    server.stderr.close()


@needs_browser
def test_a_save_writes_both_halves_and_a_run_by_hand_publishes_nothing(checkout, address):
    half = checkout / "notebooks" / f"{NOTE}.py"
    with open_browser() as browser:
        page = browser.new_page()
        page.goto(f"{address}lab/tree/{NOTE}.ipynb")
        first = page.locator(".jp-CodeCell .cm-content").first
        first.wait_for(timeout=60_000)
        page.wait_for_function(IDLE, timeout=60_000)
        first.click()
        page.keyboard.press("Control+End")
        page.keyboard.type("\ntyped = 1")
        page.evaluate(RUN, "notebook:run-all-cells")
        page.wait_for_function(EXECUTED, timeout=120_000)
        page.wait_for_function(IDLE, timeout=60_000)
        page.evaluate(RUN, "docmanager:save")
    text = half.read_text(encoding="utf-8")
    changed = git(checkout, "diff", "-U0", "--", str(half)).splitlines()[5:]
    assert changed == ["+typed = 1"], text[:2000]
    executed = half.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert "typed = 1" in executed
    assert pairs.cells(pairs.read(text, "py")) == pairs.cells(pairs.read(executed, "ipynb"))
    assert git(checkout, "status", "--porcelain", "figures", "data") == ""
    by_hand = checkout / "build" / "by_hand" / "figures"
    assert {file.suffix for file in by_hand.iterdir()} == {".svg", ".png", ".csv"}
