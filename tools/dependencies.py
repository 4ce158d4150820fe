"""Write make rules that say which library modules and data files each notebook depends on.

Standard library only: make reads the result before the environment exists.

    python3 tools/dependencies.py > build/dependencies.mk
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "scalinglib"


def module_file(name):
    """The file of a dotted module of the package, or None where `name` is not one."""
    path = ROOT.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def imports(tree):
    """Dotted names of the package's modules that a syntax tree imports, parents included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == PACKAGE:
                yield from (".".join(parts[:i]) for i in range(1, len(parts) + 1))


def read_by_name(tree, files):
    """Those of `files` whose name or path from the root a string constant of the tree spells."""
    strings = {
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) is str
    }
    return {f for f in files if f.name in strings or f.relative_to(ROOT).as_posix() in strings}


def written(tree, files):
    """Files that the tree itself writes (df.to_csv(DATA / "x.csv")): outputs, not dependencies."""
    calls = (n for n in ast.walk(tree) if isinstance(n, ast.Call))
    saving = [
        c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr.startswith("to_")
    ]
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


def main():
    """Print one rule a notebook."""
    files = [f for f in (ROOT / "data").rglob("*") if f.is_file()]
    files += [f for kind in ("*.mplstyle", "*.csv") for f in (ROOT / PACKAGE).rglob(kind)]
    for notebook in sorted((ROOT / "notebooks").glob("[0-9]*.py")):
        needed = sorted(f.relative_to(ROOT).as_posix() for f in dependencies(notebook, files))
        print(f"build/figures/{notebook.stem}.done: {' '.join(needed)}")


if __name__ == "__main__":
    main()
