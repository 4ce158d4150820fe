"""Distil, then supervise (Section D.5), or the other way round. Before any run.

Question. A student of 25 312 parameters reads 20 tokens a parameter of words. A share f of them
with the teacher alone, the rest with labels alone, in either order: is an order or a share better
than both ends, under a weak teacher (depth 1, loss 2.267) and a strong one (depth 3, 1.619)?

Runs. Seeds 0, 1, 2, one after another (time cuts from the end): both teachers, lambda 1 then 0 and
0 then 1, turned after 1/4, 1/2 and 3/4 of the steps (to a sixteenth); and lambda 0 and 1 all along.

Criteria. Each setting against the better end of its teacher, paired, t over seeds; Holm's
correction over the twelve. "Switching pays" if one is better after it. At equal FLOPs: labels are
given what a teacher's inference costs (f times its forward FLOPs) in tokens, by the exponent of
labels' loss in tokens from 10 to 50 tokens a parameter in data/runs/study.csv.

Prediction. Distil, then supervise is better than its reverse under the weak teacher, and ends
within 0.03 of labels alone; under the strong teacher no setting beats lambda = 1 throughout by more
than 0.01, and the last quarter on labels costs less than 0.02.
"""

from itertools import product

from scalinglib.study.designs import scaling
from scalinglib.study.model.distill import Objective
from scalinglib.study.run import by_ratio

__all__ = ["RUNS", "SWITCHES", "TEACHERS"]

DEPTH, RATIO, SEEDS = 2, 20, 3
TEACHERS = tuple(scaling.FULL.fixed_teachers()[i] for i in (0, 2))
SWITCHES = (0.25, 0.5, 0.75)
_OBJECTIVES = [Objective(0.0), Objective(1.0)]
_OBJECTIVES += [Objective(mixing, switch=at) for mixing, at in product((1.0, 0.0), SWITCHES)]
RUNS = [
    by_ratio(DEPTH, RATIO, seed=seed, teacher=teacher, objective=objective)
    for seed in range(SEEDS)
    for teacher, objective in product(TEACHERS, _OBJECTIVES)
    if teacher == TEACHERS[0] or objective != Objective(0.0)
]
