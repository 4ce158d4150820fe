"""Large students under stronger teachers, the regime that was missing. Laid down before any run.

Question. Where u = (L_T - E) / (L(N_S, D_S) - E) lies between 0.6 and 0.95, at the largest sizes
that two cores allow (201 408 and 388 240 parameters, on words), which form of the law foretells a
student's loss? E is the entropy; u is from the one run on labels that data/runs/study.csv has.

Settings, in the order in which they are trained, seed by seed (0, then 1); time cuts the list from
its end: size, tokens a parameter, teacher (u).

Criterion. Of each form of data/fits/open_predictions.csv, fitted to data/runs/study.csv alone, the
mean of |predicted / measured - 1| over settings (mean over seeds first), and the paired difference
to Equation 8's over settings (t quantile). A form is better if the interval of that difference lies
below 0. Beside it: how many settings lie within the span of the forms, and the mean signed error,
because errors of one size go together.

Prediction. Bias and variance, and its orthogonal and floor-keeping variants, are nearer than
Equation 8, all within 1.5%; all forms are off in the same direction in most settings.

Left out, by cost: 1M parameters (depth 7) at 5 tokens a parameter under a teacher of its own size
takes 25 core-minutes a run, 3M some four hours.
"""

import pandas as pd

from scalinglib.study.designs import scaling
from scalinglib.study.run import by_ratio

REGIME = (0.6, 0.95)  # u

_TEACHERS = dict(zip(range(1, 7), scaling.FULL.fixed_teachers(), strict=False))
SETTINGS = (  # depth of the student, tokens a parameter, depth of the teacher
    (4, 10, 5),  # u = 0.63
    (4, 10, 4),  # u = 0.71
    (5, 5, 4),  # u = 0.77
    (5, 5, 5),  # u = 0.69
    (4, 20, 5),  # u = 0.89
    (5, 10, 6),  # u = 0.65
)
RUNS = [
    by_ratio(depth, ratio, seed=seed, teacher=_TEACHERS[teacher])
    for seed in range(2)
    for depth, ratio, teacher in SETTINGS
]


def missing_regime(runs: pd.DataFrame, foretold: pd.DataFrame, entropy: float) -> pd.DataFrame:
    """Runs in the missing regime beside what forms foretold of them.

    - foretold: of data/fits/open_predictions.csv; its form `labels` gives u
    - entropy: nats per token
    - returns: a row a setting and form: params, tokens, teacher, teacher_loss, u, form, measured
      (mean over seeds), loss (foretold), error (foretold over measured, less 1)
    """
    setting = ["params", "tokens", "teacher"]
    measured = runs.groupby(setting).loss.mean().rename("measured")
    found = foretold.drop_duplicates([*setting, "form"]).join(measured, on=setting, how="inner")
    labels = found[found.form == "labels"].set_index(setting).loss.rename("labels")
    found = found[found.form != "labels"].join(labels, on=setting)
    found["u"] = (found.teacher_loss - entropy) / (found.labels - entropy)
    found["error"] = found.loss / found.measured - 1
    columns = [*setting, "teacher_loss", "u", "form", "measured", "loss", "error"]
    return found.loc[found.u.between(*REGIME), columns].reset_index(drop=True)
