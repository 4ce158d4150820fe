"""What a notebook depends on: the files of this repository that its kernel read.

The runner starts a kernel with `record`, and `rule` turns the record into what `make` includes, as
a compiler does with headers. Nothing is guessed from source, whatever way a name was put together.

    python tools/dependencies.py      write the claims that each notebook checks to build/claims

Of data/claims.toml a notebook depends on the claims that it checks, unless it reads others: they
are copied to build/claims/NAME.json, which is rewritten where one of them changed.
"""

import importlib.util
import json
import os
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEDGER = "data/claims.toml"
# Notebooks make these; that the ledger's shows what all others print is said in the Makefile.
_MADE = ("build", "figures", "notebooks")


def record(path):
    """Append the name of each file that this process opens for reading to the file `path`."""
    out, seen = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), set()

    def hook(event, arguments):
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            name, _, flags = arguments
            name = os.path.abspath(os.fsdecode(name))
            if name not in seen and not flags & (os.O_WRONLY | os.O_RDWR):
                seen.add(name)
                os.write(out, f"{name}\n".encode())

    sys.addaudithook(hook)


def read(opened, root):
    """Of files that were opened those that a result depends on, as names from the root, sorted.

    Bytecode stands for its source.
    """
    found = set()
    for path in map(Path, opened):
        if path.is_relative_to(root) and path.suffix == ".pyc":
            path = Path(importlib.util.source_from_cache(path))
        if path.is_relative_to(root) and path.is_file():
            found.add(path.relative_to(root))
    return sorted(f.as_posix() for f in found if f.parts[0][0] != "." and f.parts[0] not in _MADE)


def rule(notebook, opened, root):
    """The make rule of a notebook (its .py) that opened these files.

    Each file is a target too, of no recipe: one that is gone is news, not an error. What another
    notebook draws is no source (ValueError): `make` would not know which of them goes first.
    """
    needed = read(opened, root)
    if drawn := [name for name in opened if Path(name).is_relative_to(root / "figures")]:
        raise ValueError(
            f"it reads {drawn[0]}, which a notebook makes: read what that is made from"
        )
    sources = [notebook, *(root / name for name in needed if name.endswith(".py"))]
    if LEDGER in needed and asks_only_to_check(sources):
        needed.remove(LEDGER)
        needed.append(f"build/claims/{notebook.stem}.json")
    gone = "".join(f"{name}:\n" for name in needed if not name.startswith("build/"))
    return f"build/figures/{notebook.stem}.done: {' '.join(needed)}\n{gone}"


def asks_only_to_check(sources):
    """Whether these files ask nothing of the ledger but to check claims."""
    found = (re.findall(r"\bclaims\.(?!toml\b)(\w+)", s.read_text("utf-8")) for s in sources)
    return set().union(*found) <= {"check"}


def own_claims(stem, ledger, root):
    """Write the claims that a notebook checks to a file, unless it says so; return the file."""
    file = root / "build" / "claims" / f"{stem}.json"
    claims = {name: c for name, c in ledger.items() if c.get("notebook") == stem}
    text = json.dumps(claims, indent=1)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file


if __name__ == "__main__":
    ledger = tomllib.loads((ROOT / LEDGER).read_text(encoding="utf-8"))
    for notebook in (ROOT / "notebooks").glob("[0-9]*.py"):
        own_claims(notebook.stem, ledger, ROOT)
