"""Test settings: repeatable property tests, timing left to `make bench`, no files at home."""

import json
import os
import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from scalinglib import laws, simulate
from scalinglib.report.paths import ROOT
from scalingplan import cli

os.environ["SCALINGLIB_CACHE"] = str(ROOT / "build" / "corpora")

settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")

_WRITING = os.O_WRONLY | os.O_RDWR
# What Python and hypothesis keep beside what they run.
_KEPT = {"build", "__pycache__", ".hypothesis"}


def leave_the_checkout_alone(event, arguments):
    """Refuse to write into the checkout: a test has a folder of its own."""
    # Only while a test runs: what pytest writes between them, its cache first of all, is its own.
    if event != "open" or "PYTEST_CURRENT_TEST" not in os.environ:
        return
    if not isinstance(arguments[0], str | os.PathLike):
        return
    path, writes = Path(arguments[0]).absolute(), arguments[2] & _WRITING
    if writes and path.is_relative_to(ROOT) and not _KEPT & set(path.relative_to(ROOT).parts):
        raise PermissionError(f"a test writes {path}, which is not its own")


sys.addaudithook(leave_the_checkout_alone)


@pytest.fixture
def said(capsys):
    """What `scalinglib plan` says to the options given."""

    def plan(options):
        assert cli.main(["plan", *shlex.split(options)]) == 0
        return capsys.readouterr().out

    return plan


@pytest.fixture
def asked(said):
    """The numbers of that, a dict."""
    return lambda options: json.loads(said(f"{options} --json"))


@pytest.fixture(scope="session")
def supervised_runs():
    """The paper's supervised protocol under the corrected law, with noise (simulated)."""
    return simulate.supervised_runs(laws.load("corrected").supervised, noise=0.005, seed=1)


@pytest.fixture(scope="session")
def distillation_runs():
    """A fifth of the paper's protocol under the corrected law, with noise (simulated)."""
    runs = simulate.distillation_runs(laws.load("corrected"), noise=0.005, seed=1)
    return runs.sample(125, random_state=0).reset_index(drop=True)
