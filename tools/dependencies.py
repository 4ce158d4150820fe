"""Write make rules that say which library modules and data files each notebook depends on.

Of data/claims.toml a notebook depends on the claims that it checks: they are copied to
build/claims/NAME.json, which is rewritten where one of them changed.

    python tools/dependencies.py > build/dependencies.mk
"""

import ast
import itertools
import json
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("scalinglib", "scalingplan")


def module_file(name):
    """The file of a dotted module of the packages, or None where `name` is not one."""
    path = ROOT.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def imports(tree):
    """Dotted names of the packages' modules that a syntax tree imports, parents included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] in PACKAGES:
                yield from (".".join(parts[:i]) for i in range(1, len(parts) + 1))


def read_by_name(tree, files):
    """Those of `files` whose name or path from the root a string constant of the tree spells."""
    strings = {
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) is str
    }
    return {f for f in files if f.name in strings or f.relative_to(ROOT).as_posix() in strings}


def written(tree, files):
    """Files that the tree itself writes (write_table(df, "data/x.csv")): not dependencies."""
    calls = (n for n in ast.walk(tree) if isinstance(n, ast.Call))
    saving = [c for c in calls if getattr(c.func, "attr", "") == "write_table"]
    return set().union(*(read_by_name(call, files) for call in saving))


def dependencies(notebook, files):
    """All files that a notebook's result depends on, itself left out."""
    found, queue = set(), [notebook]
    while queue:
        tree = ast.parse(queue.pop().read_text(encoding="utf-8"))
        reached = {file for name in imports(tree) if (file := module_file(name))}
        queue += reached - found
        found |= reached | (read_by_name(tree, files) - written(tree, files))
    return found


def shows_all_claims(notebook):
    """Whether a notebook reads the whole ledger, not only the claims that it checks."""
    return "claims.ledger(" in notebook.read_text(encoding="utf-8")


def own_claims(notebook, ledger):
    """Write the claims that a notebook checks to a file, unless it says so; return the file."""
    file = ROOT / "build" / "claims" / f"{notebook.stem}.json"
    claims = {name: c for name, c in ledger.items() if c.get("notebook") == notebook.stem}
    text = json.dumps(claims, indent=1)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file


def main():
    """Print one rule a notebook."""
    files = [f for f in (ROOT / "data").rglob("*") if f.is_file()]
    for package, kind in itertools.product(PACKAGES, ("*.mplstyle", "*.csv", "*.toml")):
        files += (ROOT / package).rglob(kind)
    claims = ROOT / "data" / "claims.toml"
    with claims.open("rb") as file:
        ledger = tomllib.load(file)
    for notebook in sorted((ROOT / "notebooks").glob("[0-9]*.py")):
        found = dependencies(notebook, files)
        if claims in found and not shows_all_claims(notebook):
            found = found - {claims} | {own_claims(notebook, ledger)}
        needed = sorted(f.relative_to(ROOT).as_posix() for f in found)
        print(f"build/figures/{notebook.stem}.done: {' '.join(needed)}")


if __name__ == "__main__":
    main()
