"""Verdicts on tables made by known laws, held against what those laws say: none may be wrong.

    python -m tools.once.verdicts

Writes data/fits/verdicts.csv: one row a table, of 40, from fixed seeds. The laws are scattered
about the published one; teachers stand on one ratio of tokens to parameters or on many, losses have
noise or are rounded, and the question lies inside the runs or outside them.
"""

import sys

import numpy as np
import pandas as pd

from scalinglib import laws
from scalinglib.allocate import decide as advice
from scalinglib.report.paths import DATA
from scalingplan.answers import decisions, fitting
from tools.once import write

TABLE = DATA / "fits" / "verdicts.csv"
SEEDS = range(40, 80)  # drawn after the rules stood; 0 to 39 had found a wrong one
STARTS, REPLICATES = 16, 40
_SCATTER = 0.05  # of the logarithms of a law's coefficients


def random_law(random: np.random.Generator) -> laws.DistillationLaw:
    """The published law with every coefficient but E moved a little."""
    law = laws.load()

    def moved(one, held):
        factors = np.exp(_SCATTER * random.standard_normal(len(one._fields)))
        pairs = zip(one._fields, one, factors, strict=True)
        return {name: value if name in held else value * f for name, value, f in pairs}

    supervised = laws.SupervisedLaw(**moved(law.supervised, ("E", "alpha", "beta")))
    own = law._replace(supervised=1.0)
    coefficients = moved(own, ("supervised", "alpha", "beta", "gamma"))
    return laws.DistillationLaw(**coefficients | {"supervised": supervised})


def random_runs(random: np.random.Generator, law: laws.DistillationLaw) -> pd.DataFrame:
    """Distilled runs of 7 to 14 teachers."""
    count = random.integers(7, 15)
    size = 10 ** random.uniform(8.3, 10, count)
    ratio = 20 if random.random() < 0.4 else 10 ** random.uniform(0.9, 2.7, count)
    noise = random.choice([0.001, 0.002, 0.005])
    teachers = pd.DataFrame({"teacher_params": size, "teacher_tokens": size * ratio})
    loss = law.supervised.loss(size, size * ratio)
    teachers["teacher_loss"] = loss * np.exp(noise * random.standard_normal(count))
    students = pd.DataFrame({"student_params": 10 ** random.uniform(8.2, 9.5, 12)})
    runs = teachers.merge(students, how="cross")
    runs["student_tokens"] = runs.student_params * 10 ** random.uniform(1, 2.3, len(runs))
    exact = law.loss(runs.student_params, runs.student_tokens, runs.teacher_loss)
    runs["student_loss"] = exact * np.exp(noise * random.standard_normal(len(runs)))
    return runs.round({"student_loss": int(random.choice([1, 2, 4, 4, 4]))})


def verdict(seed: int) -> dict[str, object]:
    """One table, one question, the answer from the table and the gain by the law that made it."""
    random = np.random.default_rng(seed)
    law = random_law(random)
    runs = random_runs(random, law)
    middle = decisions.inside_problem(runs)
    far = seed % 4 == 3
    problem = decisions.inside_problem(
        runs,
        middle.student_params * 10 ** random.uniform(-0.3, 0.3),
        middle.compute * 10 ** random.uniform(*((-2, 2) if far else (-0.5, 0.5))),
        float(random.choice([0.0, 0.3, 1.0])),
    )
    own = fitting.fit_own(runs, starts=STARTS, bootstrap=REPLICATES)
    answer = decisions.decide(own, problem)
    data, distilled = advice.plans(law, problem)
    gain = data.loss - min(plan.loss for plan in distilled)
    wrong = (answer.verdict == "distil" and gain < 0) or (
        answer.verdict == "train on data" and gain > 0
    )
    return {
        "seed": seed,
        "teachers": len(problem.teachers),
        "far": far,
        "verdict": answer.verdict,
        "said": answer.advice.verdict,
        "gain": answer.advice.gain,
        "gain_low": answer.advice.ranges["gain"][0],
        "gain_high": answer.advice.ranges["gain"][1],
        "true_gain": gain,
        "wrong": wrong,
    }


def main() -> None:
    """Ask all tables; a line each as they are answered."""
    rows = []
    for seed in SEEDS:
        rows.append(verdict(seed))
        print(rows[-1], file=sys.stderr, flush=True)
    write(pd.DataFrame(rows), TABLE)


if __name__ == "__main__":
    main()
