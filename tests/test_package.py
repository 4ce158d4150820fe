"""The wheel, installed where the repository is not."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from scalinglib.extras import missing
from scalinglib.report.paths import ROOT

EXTRAS = ["PIL", "matplotlib", "optax", "wordfreq"]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A function that runs code in an environment of the wheel, in a folder of its own."""
    folder = tmp_path_factory.mktemp("elsewhere")
    source = folder / "source"  # building leaves files beside what it builds
    for package in ("scalinglib", "scalingplan"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run(wheel, check=True)
    shutil.rmtree(source)
    python = folder / "venv" / "bin" / "python"
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    install = ["--python", str(python), "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, *install, *map(str, folder.glob("*.whl"))], check=True)
    # What scalinglib stands on is borrowed from the environment of the tests.
    (site,) = (folder / "venv").glob("lib/*/site-packages")
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (site / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    settings = {name: v for name, v in os.environ.items() if not name.startswith("PYTHON")}

    def run(code, *, without=()):
        blocked = f"import sys; sys.modules.update(dict.fromkeys({list(without)!r}))\n"
        return subprocess.run(
            [python, "-W", "error", "-c", blocked + code],
            cwd=folder,
            env=settings,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    return run


def test_the_snippet_of_the_readme(elsewhere):
    (snippet,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S
    )
    elsewhere(snippet)


def test_the_command_of_the_wheel_needs_neither_extras_nor_jax(elsewhere):
    file, *said = elsewhere(
        """
import scalinglib
from scalingplan import cli
from scalinglib import allocate, laws
print(scalinglib.__file__)
assert cli.main(["plan", "--student", "1B", "--tokens", "50B", "--teacher", "7B:2.05"]) == 0
allocate.optimal(laws.load(), 1e9, 1e21, "teacher_inference")
open("t.csv", "w").write("params,tokens,loss\\n-1,x,3\\n")
assert cli.main(["fit", "t.csv"]) == 2
assert "jax" not in sys.modules
for name in ("flops", "fit", "simulate", "calibration"):
    __import__(f"scalinglib.{name}")
for module in ("study", "report.figures"):
    try:
        __import__(f"scalinglib.{module}")
    except ImportError as error:
        print(error)
""",
        without=EXTRAS,
    ).splitlines()
    assert ROOT not in Path(file).parents
    assert said[0].startswith("Distil from 7B")
    assert said[-2:] == [
        'optax is not installed; pip install "scalinglib[study]" brings it',
        'matplotlib is not installed; pip install "scalinglib[report]" brings it',
    ]


def test_a_missing_package_that_nobody_names_is_not_called_none():
    told = str(missing("dev", ImportError("Dask distributed requirements are not installed")))
    assert told == 'what this needs is not installed; pip install "scalinglib[dev]" brings it'


def test_jax_that_comes_later_is_the_readers_own(elsewhere):
    elsewhere(
        """
import sys
from scalinglib import laws
law = laws.load()
assert "jax" not in sys.modules
import jax, jax.numpy as jnp, numpy as np
from scalinglib import allocate, fit, flops, lanes, simulate
allocate.optimal(law, 1e9, 1e21, "teacher_inference")
with lanes.float64():
    assert jnp.ones(2).dtype == "float64"
assert not jax.config.jax_enable_x64
sizes = jnp.log(jnp.array([1e8, 1e9]))
loss = lambda law, n: law.log_loss(n, 23.0, 0.7)
values = jax.jit(jax.vmap(loss, in_axes=(None, 0)))(law, sizes)
assert values.dtype == jnp.float32
assert jnp.allclose(values, loss(law, sizes), rtol=1e-5)
slope = jax.jit(jax.grad(loss))(law, sizes[0])
assert type(slope) is laws.DistillationLaw and slope.supervised.E != 0
from scalinglib.study import Run, training
weights = training.trained(Run(1, 2048))
assert all(np.isfinite(part).all() for part in jax.tree.leaves(weights))
"""
    )
