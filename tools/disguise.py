"""Run notebooks as on an older processor: without the vector units that this one adds to SSE4.2.

    python -m tools.disguise notebooks/05_fitting_the_law.py ...

What differs beyond rounding is then written, as on any machine, and shows in `git status`.
"""

import os
import platform
import subprocess
import sys

import numpy as np


def environment():
    """Variables that hold XLA, NumPy and OpenBLAS back to what every x86-64 has."""
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa=SSE4_2".strip()
    return {
        "XLA_FLAGS": flags,
        "NPY_DISABLE_CPU_FEATURES": " ".join(found),
        "OPENBLAS_CORETYPE": "Nehalem",
    }


def main(paths):
    """Run each notebook, disguised."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        print(f"no disguise for {platform.machine()}: nothing was run")
        return
    for path in paths:
        command = [sys.executable, "-m", "tools.notebooks", "run", path]
        subprocess.run(command, check=True, env=os.environ | environment())


if __name__ == "__main__":
    main(sys.argv[1:])
