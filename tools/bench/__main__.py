"""Speed, as ratios against a named alternative in the same run: make bench."""

import time

import numpy as np
import pandas as pd

from scalinglib import allocate, laws
from scalinglib.allocate import Teacher, solver
from scalingplan.pilots import Choice, Worlds, grid, propose
from tests.references import dense_grid, slsqp
from tools.bench import fit, optimum, training


def allocation():
    """Compute-optimal allocation: ours against a loop of SciPy's SLSQP from the same start."""
    law, problems, sample = laws.load("corrected"), 10_000, 100
    rng = np.random.default_rng(0)
    student_params = 10 ** rng.uniform(8, 10.3, problems)
    compute = 10 ** rng.uniform(19, 26, problems)
    deltas = rng.uniform(0, 1, (2, problems))
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        table = allocate.optimal(law, student_params, compute, tuple(deltas))
        seconds.append(time.perf_counter() - start)
    ours = min(seconds)

    problem = list(zip(student_params, compute, deltas.T, strict=True))[:sample]
    starts = [dense_grid(law, *p, points=solver.GRID)[1] for p in problem]
    start = time.perf_counter()
    reference = [slsqp(law, *p, start=x) for p, x in zip(problem, starts, strict=True)]
    theirs = (time.perf_counter() - start) * problems / sample
    worse = np.array(reference) - table.student_loss[:sample]
    print(f"allocate.optimal, {problems} problems: {ours:.2f} s")
    print(f"SciPy SLSQP from the same starts, {sample} problems timed and scaled: {theirs:.0f} s")
    print(f"ratio: {theirs / ours:.0f} times faster")
    print(f"student loss, SLSQP minus ours: from {worse.min():+.1e} to {worse.max():+.1e} nats")


def proposal():
    """A proposal among 500 candidate runs under 100 laws, in seconds of this machine."""
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


def main():
    """Run every comparison."""
    for compare in (allocation, fit.main, optimum.main, training.main, proposal):
        compare()


if __name__ == "__main__":
    main()
