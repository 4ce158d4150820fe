"""Where things are, whatever folder a notebook runs in, and where a run may write."""

import os
from pathlib import Path


def _root():
    """The checkout: where this code lies, or for an installed copy the one worked in."""
    beside = Path(__file__).resolve().parents[2]
    for folder in (beside, Path.cwd(), *Path.cwd().parents):
        if (folder / "data" / "claims.toml").is_file():
            return folder
    return beside


ROOT = _root()
DATA = ROOT / "data"
FIGURES = ROOT / "figures"


def output():
    """The folder below which this process writes figures/ and data/.

    The notebook runner names one in SCALINGLIB_OUTPUT and publishes what is new from there;
    a notebook run by hand writes below build/by_hand, so that it changes nothing committed.
    """
    return Path(os.environ.get("SCALINGLIB_OUTPUT") or ROOT / "build" / "by_hand")


def named_by(variable, default=None):
    """The file that an environment variable names, or `default` where it is not set.

    Set but empty, or naming no file, is an error: a default would answer another question.
    """
    name = os.environ.get(variable)
    if name is None:
        return default
    path = Path(name).expanduser()
    if not name.strip() or not path.is_file():
        raise ValueError(f"{variable} is {name!r}; it must name a file of runs, or not be set")
    return path.resolve()
