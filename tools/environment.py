"""Make .venv, or set it right again after the checkout was moved or copied. Standard library only.

    python3 tools/environment.py          what `make setup` runs

Packages come from requirements.lock, hashes checked, through uv where it is there and pip where
not. Commands in .venv/bin and the way to this package are written relative to the environment, so
that a copy never runs the code that it was copied from.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
SCRIPTS = VENV / "bin"
DONE = VENV / ".done"
# A script that the shell reads as a command and Python as a string: runs its neighbour, python.
HEAD = """#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")"/python "$0" "$@"
' '''
"""


def wanted():
    """What the environment is made from, as .done records it: the packages, and the place."""
    files = (ROOT / "requirements.lock", ROOT / "pyproject.toml")
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return f"{digest}\n{ROOT}\n"


def site():
    """Where packages lie that this Python would find in the environment."""
    return VENV / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def usable():
    """Whether the environment is one of this Python's version, and its Python still there."""
    return (SCRIPTS / "python").exists() and site().is_dir()


def installer():
    """The command that installs packages into the environment."""
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", str(SCRIPTS / "python")]
    return [str(SCRIPTS / "python"), "-m", "pip", "install", "--quiet"]


def install():
    """Install what the lock file names, and this package as one that is edited in place."""
    lock = str(ROOT / "requirements.lock")
    subprocess.run([*installer(), "--require-hashes", "-r", lock], check=True)
    here = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    subprocess.run([*installer(), *here], check=True)


def settle():
    """Write all paths inside the environment relative to it."""
    for finder in site().glob("__editable__*scalinglib*"):
        finder.unlink()
    way = site() / "scalinglib.pth"
    way.write_text(os.path.relpath(ROOT, site()) + "\n", encoding="utf-8")
    for script in (file for file in SCRIPTS.iterdir() if file.is_file() and not file.is_symlink()):
        content = script.read_bytes()
        if re.match(rb"#!.*\bpython|#!/bin/sh\n'''exec'", content):
            script.write_bytes(HEAD.encode() + without_head(content))


def without_head(script):
    """A script of Python without its first line, or the three that stand for it."""
    lines = script.split(b"\n", 3)
    return lines[3] if lines[0] == b"#!/bin/sh" else b"\n".join(lines[1:])


def main():
    """Do what is needed: nothing, set paths right, or install."""
    if sys.version_info < (3, 11):  # noqa: UP036, the reader's own Python runs this
        sys.exit("Python 3.11 or newer is needed; name one with make PYTHON=...")
    record = DONE.read_text(encoding="utf-8") if DONE.exists() else ""
    if record == wanted() and usable():
        DONE.touch()
        return
    same_packages = usable() and record.partition("\n")[0] == wanted().partition("\n")[0]
    if VENV.exists() and not usable():
        shutil.rmtree(VENV)
    # Also where it exists: its activate scripts name the folder.
    with_pip = not shutil.which("uv") and not same_packages
    venv.EnvBuilder(with_pip=with_pip, symlinks=True).create(VENV)
    if not same_packages:
        install()
    else:
        print(f"the environment was moved to {ROOT}: its paths are set right")
    settle()
    DONE.write_text(wanted(), encoding="utf-8")


if __name__ == "__main__":
    main()
