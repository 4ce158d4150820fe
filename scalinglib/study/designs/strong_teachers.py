"""Large students under stronger teachers, the regime that was missing.

Question, criteria and prediction were laid down before any run: data/runs/README.md.
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
SEEDS = range(3)
_SIX = [
    by_ratio(depth, ratio, seed=seed, teacher=_TEACHERS[teacher])
    for seed in SEEDS
    for depth, ratio, teacher in SETTINGS
]
# 1M parameters: of each ratio one run on labels, which tells u: the supervised law is off there.
_MILLION = {
    ratio: [by_ratio(7, ratio, seed=0)]
    + [by_ratio(7, ratio, seed=seed, teacher=_TEACHERS[6]) for seed in SEEDS]
    for ratio in (3, 5, 2)
}
# In the order of training.
RUNS = [*_SIX[:12], *_MILLION[3][:2], *_SIX[12:], *_MILLION[3][2:], *_MILLION[5][:2], *_MILLION[2]]
RUNS += _MILLION[5][2:]  # its u is 0.997


def beside_foretold(
    runs: pd.DataFrame, labels: pd.DataFrame, foretold: pd.DataFrame, entropy: float
) -> pd.DataFrame:
    """Runs beside what forms foretold of them.

    - labels: runs on labels, whose mean loss gives u; where a student has none there, what the form
      `labels` foretold does
    - foretold: of data/fits/open_predictions.csv
    - entropy: nats per token
    - returns: a row a setting and form: params, tokens, teacher, teacher_loss, u, form, measured
      (mean over seeds), loss (foretold), error (foretold over measured, less 1)
    """
    setting = ["params", "tokens", "teacher"]
    measured = runs.groupby(setting).loss.mean().rename("measured")
    found = foretold.drop_duplicates([*setting, "form"]).join(measured, on=setting, how="inner")
    told = found[found.form == "labels"].set_index(setting).loss.rename("told")
    alone = labels.groupby(["params", "tokens"]).loss.mean().rename("alone")
    found = (
        found[found.form != "labels"].join(told, on=setting).join(alone, on=["params", "tokens"])
    )
    found["u"] = (found.teacher_loss - entropy) / (found.alone.fillna(found.told) - entropy)
    found["error"] = found.loss / found.measured - 1
    columns = [*setting, "teacher_loss", "u", "form", "measured", "loss", "error"]
    return found[columns].reset_index(drop=True)
