"""Which of the teachers on disk: a law's best L_T as a decision, with its regret.

Question, criteria and prediction were laid down before any run: data/runs/README.md.
"""

import pandas as pd

from scalinglib.study.designs import scaling
from scalinglib.study.run import by_ratio

TEACHERS = scaling.FULL.fixed_teachers()[1:5]
SETTINGS = tuple((1, ratio) for ratio in (10, 30, 80, 150, 300))
SETTINGS += ((2, 2), (2, 10), (2, 30), (3, 2), (3, 10))
RUNS = [
    by_ratio(depth, ratio, seed=seed, teacher=teacher)
    for seed in range(2)
    for depth, ratio in SETTINGS
    for teacher in TEACHERS
]


def regrets(runs: pd.DataFrame, foretold: pd.DataFrame, rules: dict[str, str]) -> pd.DataFrame:
    """What each rule's teacher costs beside the best of those that taught a setting, by setting.

    - foretold: of data/fits/open_predictions.csv
    - rules: form in `foretold` by the rule's name
    - returns: params, tokens, best (size of that teacher), and by rule ("strongest" and "one size
      up" too) the regret in nats
    """
    setting = ["params", "tokens"]
    losses = runs.pivot_table(index=setting, columns="teacher_params", values="loss").dropna()
    sizes = runs.groupby("teacher_params").teacher.first()
    rows = []
    for (params, tokens), loss in losses.iterrows():
        told = foretold[(foretold.params == params) & (foretold.tokens == tokens)]
        chosen = {
            "strongest": loss.index.max(),
            "one size up": loss.index[loss.index > params].min(),
        }
        for rule, form in rules.items():
            own = told[told.form == form].drop_duplicates("teacher").set_index("teacher").loss
            chosen[rule] = own[sizes[loss.index]].set_axis(loss.index).idxmin()
        row = {"params": params, "tokens": tokens, "best": loss.idxmin()}
        rows.append(row | {rule: loss[size] - loss.min() for rule, size in chosen.items()})
    return pd.DataFrame(rows)
