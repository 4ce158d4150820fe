"""Run a command as an older processor would compute it.

    python -m tools.disguise AVX make verify        XLA held back to AVX
    python -m tools.disguise SSE4_2 COMMAND ...     XLA, NumPy and OpenBLAS to what every x86-64 has

Where a search ends in a flat direction differs from one to the next: a coefficient and a count of
starts in notebook 05 moved under the first and, on the same machine, not under the second. So CI
computes everything under the first, and what fits or optimises under the second too.
"""

import os
import platform
import subprocess
import sys

import numpy as np


def environment(isa):
    """Variables that hold this process's children back to `isa`, AVX or SSE4_2."""
    worn = {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa={isa}".strip()}
    if isa == "SSE4_2":
        found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
        worn |= {"NPY_DISABLE_CPU_FEATURES": " ".join(found), "OPENBLAS_CORETYPE": "Nehalem"}
    return worn


if __name__ == "__main__":
    isa, *command = sys.argv[1:]
    known = platform.machine().lower() in ("x86_64", "amd64")
    if not known:
        print(f"no disguise for {platform.machine()}: as it computes", flush=True)
    sys.exit(subprocess.call(command, env=os.environ | (environment(isa) if known else {})))
