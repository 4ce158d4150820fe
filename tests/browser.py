"""Headless Chromium for the tests of pages; where there is none they are skipped and say so."""

import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATH = next(filter(None, map(shutil.which, _NAMES)), None)

needs_browser = pytest.mark.skipif(
    _PATH is None, reason=f"no browser on PATH (none of {', '.join(_NAMES)}): apt install chromium"
)


@contextmanager
def open_browser():
    """A started browser; without network, so that a page that asks for any fails."""
    with sync_playwright() as playwright:
        # A container often lacks what Chromium's sandbox needs; the pages are our own.
        browser = playwright.chromium.launch(
            executable_path=_PATH, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()
