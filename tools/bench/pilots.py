"""A proposal among 500 candidate runs under 100 laws, in seconds of this machine."""

import time

import numpy as np
import pandas as pd

from scalinglib import laws
from scalinglib.allocate import Teacher
from scalingplan.pilots import Choice, Worlds, grid, propose


def main():
    """Print processor's and wall-clock seconds."""
    worlds = Worlds.of(laws.ensemble("figure1"))
    teachers = Teacher("2B", 2e9, 2.2), Teacher("7B", 7e9, 2.05), Teacher("13B", 13e9, 1.95)
    candidates = grid(np.geomspace(5e7, 8e8, 10), np.geomspace(1e9, 3e10, 12), teachers)
    candidates = pd.concat([candidates, candidates[:20]], ignore_index=True)
    before = time.perf_counter(), time.process_time()
    found = propose(worlds, candidates, Choice(3e9, 3e20, teachers), 1e20, noise=0.002)
    wall, own = time.perf_counter() - before[0], time.process_time() - before[1]
    print(
        f"pilots, {len(candidates)} candidates, {len(worlds.weights)} laws, {len(found.runs)} runs"
    )
    print(f"  {own:.1f} s of the processor, {wall:.1f} s by the clock (goal 20)")
