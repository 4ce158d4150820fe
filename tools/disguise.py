"""Run notebooks as on older processors: twice, for one of them shows what the other hides.

    python -m tools.disguise notebooks/05_fitting_the_law.py ...

Once XLA alone is held back to AVX; once XLA, NumPy and OpenBLAS to the SSE4.2 that every x86-64
has. Where a search ends in a flat direction differs from one to the next: a coefficient and a count
of starts in notebook 05 moved under the first and, on the same machine, not under the second. What
differs beyond rounding is then written, as on any machine, and shows in `git status`.
"""

import os
import platform
import subprocess
import sys

import numpy as np


def environments():
    """Variables of each disguise."""
    flags = os.environ.get("XLA_FLAGS", "")
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return [
        {"XLA_FLAGS": f"{flags} --xla_cpu_max_isa=AVX".strip()},
        {
            "XLA_FLAGS": f"{flags} --xla_cpu_max_isa=SSE4_2".strip(),
            "NPY_DISABLE_CPU_FEATURES": " ".join(found),
            "OPENBLAS_CORETYPE": "Nehalem",
        },
    ]


def main(paths):
    """Run each notebook in each disguise."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        print(f"no disguise for {platform.machine()}: nothing was run")
        return
    for path in paths:
        for disguise in environments():
            command = [sys.executable, "-m", "tools.notebooks", "run", path]
            subprocess.run(command, check=True, env=os.environ | disguise)


if __name__ == "__main__":
    main(sys.argv[1:])
