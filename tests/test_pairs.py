"""A save in JupyterLab, as `make lab` sets it, writes both halves, and nothing of the session."""

import asyncio
import shutil
import subprocess

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupytext.async_contentsmanager import build_async_jupytext_contents_manager_class
from traitlets.config import PyFileConfigLoader

from scalinglib.report.paths import ROOT

NOTE = "03_parameters_and_flops"


def changed(folder):
    command = ["git", "diff", "-U0", "--", "notebooks"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return [
        line
        for line in done.stdout.splitlines()
        if line[:1] in "+-" and line[1:3] not in ("--", "++")
    ]


@pytest.fixture
def checkout(tmp_path):
    """A checkout with one notebook, committed, in a folder with a space."""
    copy = tmp_path / "my checkout"
    (copy / "notebooks").mkdir(parents=True)
    for name in ("jupytext.toml", f"{NOTE}.py", f"{NOTE}.ipynb"):
        shutil.copy2(ROOT / "notebooks" / name, copy / "notebooks")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run(["git", *who, *command], cwd=copy, check=True)
    return copy


@pytest.mark.filterwarnings("ignore:Overriding existing pre_save_hook .as_committed")
def test_a_save_writes_both_halves_and_nothing_of_the_session(checkout):
    settings = PyFileConfigLoader(str(ROOT / "tools" / "lab.py")).load_config()
    manager = build_async_jupytext_contents_manager_class(AsyncLargeFileManager)(
        config=settings, root_dir=str(checkout / "notebooks")
    )

    async def save(edit):
        model = await manager.get(f"{NOTE}.ipynb")
        # As the page does once a kernel has answered.
        model["content"]["metadata"]["kernelspec"]["display_name"] = "Python 3 (ipykernel)"
        model["content"]["metadata"]["language_info"] |= {"version": "3.11.9", "mimetype": "text/x"}
        (cell,) = (c for c in model["content"]["cells"] if c["source"].startswith("profile ="))
        cell["source"] += edit
        await manager.save(model, f"{NOTE}.ipynb")

    asyncio.run(save(""))
    assert changed(checkout) == []
    asyncio.run(save("\ntyped = 1"))
    python = [line for line in changed(checkout) if '"' not in line]
    assert python == ["+typed = 1"]
    assert any("typed = 1" in line and '"' in line for line in changed(checkout))
