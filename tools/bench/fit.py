"""Speed of the fits against the usual public way, in one run on this machine.

The usual way, as in public replications of Chinchilla: SciPy's L-BFGS-B with finite differences
from each start of the grid, SciPy's BFGS with finite differences for each bootstrap replicate, over
log A, log B, log E, alpha, beta and log gamma, one after another. A sample of it is timed and
scaled to the whole, twice: with SciPy's own tolerances, which stop far from the optimum on a sum as
small as this, and with tolerances under which starts do arrive.
"""

import time

import numpy as np
from scipy.optimize import minimize

from scalinglib import fit, laws, simulate

STARTS, REPLICATES, SAMPLE = 4500, 4000, 48
DELTA = 1e-3
TOLERANCES = {
    "its own tolerances": {"maxiter": 1000},
    "tolerances that converge": {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 5000, "maxfun": 100_000},
}


def usual_objective(runs):
    """Sum of Huber over natural coordinates, in NumPy, as such scripts write it."""
    n, d, y = (np.log(runs[name].to_numpy()) for name in ("params", "tokens", "loss"))

    def objective(x, weights=1.0):
        log_a, log_b, log_e, alpha, beta, log_gamma = x
        terms = np.logaddexp(log_a - alpha * n, log_b - beta * d)
        with np.errstate(all="ignore"):
            size = np.abs(np.logaddexp(log_e, np.exp(log_gamma) * terms) - y)
        inner = np.minimum(size, DELTA)
        return np.sum(weights * inner * (size - inner / 2))

    return objective


def usual_way(runs, best, options):
    """Seconds a start and a replicate, and the objectives that the sampled starts reach."""
    rng = np.random.default_rng(0)
    objective = usual_objective(runs)
    grid = rng.choice(_chinchilla_grid(), SAMPLE, replace=False)
    began = time.perf_counter()
    ends = [minimize(objective, x, method="L-BFGS-B", options=options).fun for x in grid]
    per_start = (time.perf_counter() - began) / SAMPLE
    began = time.perf_counter()
    for _ in range(SAMPLE):
        weights = rng.multinomial(len(runs), np.full(len(runs), 1 / len(runs)))
        minimize(objective, best, args=(weights,), method="BFGS")
    return per_start, (time.perf_counter() - began) / SAMPLE, np.array(ends)


def _chinchilla_grid():
    axes = ([0, 5, 10, 15, 20, 25], [0, 5, 10, 15, 20, 25], [-1, -0.5, 0, 0.5, 1])
    axes += ([0, 0.5, 1, 1.5, 2], [0, 0.5, 1, 1.5, 2], [-0.7])
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 6)


def _simulated_240(law):
    rng = np.random.default_rng(7)
    runs = simulate.supervised_runs(law, seed=7)
    runs = runs.sample(240, replace=True, random_state=7).reset_index(drop=True)
    runs["params"] *= np.exp(0.1 * rng.standard_normal(240))
    exact = law.loss(runs.params.to_numpy(), runs.tokens.to_numpy())
    return runs.assign(loss=exact * np.exp(0.005 * rng.standard_normal(240)))


def main():
    """240 supervised runs: 4500 starts and 4000 replicates, ours whole, the usual way sampled."""
    runs, seconds = _simulated_240(laws.load().supervised), {}
    for name in ("compiling", "compiled"):
        began = time.perf_counter()
        found = fit.fit_supervised(runs, bootstrap=REPLICATES)
        seconds[name] = time.perf_counter() - began
    law = found.law
    best = np.array([*np.log([law.A, law.B, law.E]), law.alpha, law.beta, np.log(law.gamma)])
    objective = usual_objective(runs)(best)
    print(
        "supervised fit, 240 runs, 4500 starts + 4000 bootstrap replicates\n"
        f"  here: {seconds['compiling']:.1f} s, {seconds['compiled']:.1f} s once compiled; starts "
        f"at the optimum {found.starts_at_optimum:.1%}, "
        f"replicates converged {found.replicates_converged:.1%}"
    )
    for name, options in TOLERANCES.items():
        per_start, per_replicate, ends = usual_way(runs, best, options)
        theirs = STARTS * per_start + REPLICATES * per_replicate
        arrived = np.mean(ends <= objective * (1 + 1e-6))
        print(
            f"  SciPy, {name}: {theirs:.0f} s, scaled from {SAMPLE} starts at "
            f"{1e3 * per_start:.0f} ms and as many replicates at {1e3 * per_replicate:.0f} ms;\n"
            f"    its starts at the optimum {arrived:.1%}, the best "
            f"{ends.min() / objective - 1:+.1e}\n"
            f"    ratio {theirs / seconds['compiling']:.1f} with compilation, "
            f"{theirs / seconds['compiled']:.1f} without (goal: 20)"
        )


if __name__ == "__main__":
    main()
