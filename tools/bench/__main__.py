"""Speed, as ratios against a named alternative in the same run: make bench."""

import time

import numpy as np

from scalinglib import allocate, laws
from scalinglib.allocate import solver
from tests.references import dense_grid, slsqp
from tools.bench import fit, optimum, pilots, training


def allocation(problems=10_000, sample=100):
    """Compute-optimal allocation: ours against a loop of SciPy's SLSQP from the same start."""
    law = laws.load("corrected")
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


def main():
    """Run every comparison."""
    for compare in (allocation, fit.main, optimum.main, training.main, pilots.main):
        compare()


if __name__ == "__main__":
    main()
