"""Test settings: repeatable property tests, timing left to `make bench`, no files at home."""

import os

from hypothesis import settings

from scalinglib.report.paths import ROOT

os.environ["SCALINGLIB_CACHE"] = str(ROOT / "build" / "corpora")

settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")
