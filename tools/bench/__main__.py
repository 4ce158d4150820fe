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


def ensemble(problems=10_000):
    """The same problems under every law of the ensemble, against one law."""
    members = laws.ensemble("figure1").members
    rng = np.random.default_rng(0)
    problem = 10 ** rng.uniform(8, 10.3, problems), 10 ** rng.uniform(19, 26, problems)
    deltas = tuple(rng.uniform(0, 1, (2, problems)))
    seconds = []
    for member in members:
        start = time.perf_counter()
        allocate.optimal(member, *problem, deltas)
        seconds.append(time.perf_counter() - start)
    print(f"allocate.optimal, {problems} problems under {len(members)} laws: {sum(seconds):.0f} s")
    print(f"ratio to the first law alone: {sum(seconds) / seconds[0]:.0f}")


def main():
    """Run every comparison."""
    allocation()
    ensemble()
    fit.main()
    optimum.main()
    training.main()
    pilots.main()


if __name__ == "__main__":
    main()
