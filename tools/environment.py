"""Make .venv from requirements.lock, hashes checked. Standard library only.

    python3 tools/environment.py          what `make setup` runs

Through uv where it is there and pip where not. A checkout that was moved or copied, or whose Python
is gone, gets a new one: the paths inside an environment are those of the place it was made in.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def wanted(root):
    """What the environment is made from, as .done records it: the packages, and the place."""
    content = b"".join((root / f).read_bytes() for f in ("requirements.lock", "pyproject.toml"))
    return f"{hashlib.sha256(content).hexdigest()}\n{root}\n"


def install(root, python):
    """Install what the lock file names, and this package as one that is edited in place."""
    uv = shutil.which("uv")
    command = [uv, "pip", "install", "-q", "--python", python] if uv else [python, "-m", "pip"]
    command += [] if uv else ["install", "-q"]
    subprocess.run([*command, "--require-hashes", "-r", root / "requirements.lock"], check=True)
    subprocess.run([*command, "--no-deps", "--no-build-isolation", "-e", root], check=True)


def main(root=ROOT):
    """Do what is needed: nothing, or install, into a new environment where the old is of no use."""
    folder, python = root / ".venv", root / ".venv" / "bin" / "python"
    done = folder / ".done"
    record = done.read_text(encoding="utf-8") if done.exists() else ""
    here = record.partition("\n")[2] == f"{root}\n" and python.exists()
    if not here or record != wanted(root):
        print("making .venv: the packages of requirements.lock, some minutes the first time")
        if not here:
            shutil.rmtree(folder, ignore_errors=True)
            # With pip in any case: the README adds extras with it, and a test builds the wheel.
            venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
        install(root, python)
    done.write_text(wanted(root), encoding="utf-8")


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036, the reader's own Python runs this
        sys.exit("Python 3.11 or newer is needed; name one with make PYTHON=...")
    # Of two that are started at once the second finds it made.
    with (ROOT / "requirements.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        main()
