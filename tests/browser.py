"""Headless Chromium for pages, Node for arithmetic; where there is none tests are skipped."""

import json
import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATH = next(filter(None, map(shutil.which, _NAMES)), None)

_REASON = f"no browser on PATH (none of {', '.join(_NAMES)}): apt install chromium"
needs_browser = pytest.mark.skipif(_PATH is None, reason=_REASON)


@contextmanager
def open_browser():
    """A started browser; without network, so that a page that asks for any fails."""
    if _PATH is None:
        pytest.skip(_REASON)
    with sync_playwright() as playwright:
        # A container often lacks what Chromium's sandbox needs; the pages are our own.
        browser = playwright.chromium.launch(
            executable_path=_PATH, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


_DRIVER = """
const fs = require("fs"), vm = require("vm");
const { scripts, call, argument } = JSON.parse(fs.readFileSync(0, "utf8"));
for (const name of scripts) vm.runInThisContext(fs.readFileSync(name, "utf8"), name);
console.log(JSON.stringify(vm.runInThisContext(`(${call})`)(argument)));
"""


def without_page(page, call, argument):
    """What the scripts of a page answer under Node, that which builds the page left out.

    `call` is a function in JavaScript, of one argument that JSON can hold, as is its result.
    """
    if shutil.which("node") is None:
        pytest.skip("no node on PATH: apt install nodejs")
    names = re.findall(r'<script src="([\w.]+)"', page.read_text(encoding="utf-8"))
    scripts = [str(page.with_name(name)) for name in names if name != "page.js"]
    given = json.dumps({"scripts": scripts, "call": call, "argument": argument})
    command = ["node", "-e", _DRIVER]
    done = subprocess.run(command, input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
