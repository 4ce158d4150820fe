# %% [markdown]
# # 16 · Your own supervised runs
#
# [← 12](12_your_own_runs.ipynb)
# · [README](../README.md)
# · [22 →](22_which_runs_next.ipynb)
# · *Yours*
#
# No distillation, only training runs: one CSV, one row a run, with `params` (**non-embedding**),
# `tokens` and `loss` (validation cross-entropy, **nats per token**). Out come the supervised law
# with intervals, the size and tokens that a budget wants, and the loss to expect there. Set
# `SCALINGLIB_RUNS`, or `runs_path` below, to your file. The default is a **real** table: the 34
# runs of Gadre et al. trained on C4 (`data/public`). Tables with teachers go into notebook 12.

# %% tags=["parameters"]
profile = "full"
compute = None  # FLOPs of the decision; None takes a budget inside the runs
as_is = False  # True takes the runs as they stand, whatever is doubtful in them

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import seaborn as sns

from scalinglib import fit, flops
from scalinglib.allocate import supervised_optimum
from scalinglib.report import claims, figures, paths, profiles
from scalinglib.report.panels import Panels, dots, span
from scalinglib.report.paths import DATA
from scalingplan import tables
from scalingplan.answers.budgets import inside_budget, seen, wanted, wanted_in_words
from scalingplan.answers.fitting import STRONGEST
from scalingplan.answers.full import explained, extrapolation
from scalingplan.answers.numbers import band, ranged

settings = profiles.load(profile)
figures.use_style()
example_path = DATA / "public" / "gadre_c4_eval.csv"
runs_path = paths.named_by("SCALINGLIB_RUNS", example_path)
example = runs_path == example_path
save = figures.saver(settings)
whose = "34 runs of Gadre et al." if example else "your runs"
cluster = None  # a column that names the run, where a run has several rows
renamed, units = {}, {}  # such as {"N": "params"}, {"tokens": "B", "loss": "ppl"}

# %% [markdown]
# ## The file

# %%
table = tables.read_runs(runs_path, renamed)
if table.supervised.empty:
    raise ValueError(f"{runs_path} holds runs with teachers only: see notebook 12")
runs = tables.converted(table.supervised, units)
if example:
    runs = runs[runs.dataset == "c4_original"]
    runs = runs.assign(params=runs.params_non_embedding.astype(float))

# %%
ends = runs.loc[runs.groupby("params").tokens.idxmax()].set_index("params").loss.sort_index()
falls = ends.is_monotonic_decreasing and len(ends) > 1
title = "The larger a model, the lower its loss falls" if falls else "The losses of the runs"
shades = dict(zip(ends.index, sns.color_palette("crest", len(ends)), strict=True))
few = len(ends) < 9
grid = Panels(runs, "tokens", "loss", title, size=(7.2, 4.6))
grid.ax.set_yscale("function", functions=(np.log, np.exp))
grid.draw(sns.lineplot, hue="params", palette=shades, key="right" if few else False)
grid.draw(dots, hue="params", palette=shades, key=False)
grid.setting(f"{whose}, a dot each; darker: more parameters")
save(grid, "own_supervised_table", runs[["params", "tokens", "loss"]])

# %% [markdown]
# What is doubtful in the file is said here, and where it is too doubtful the notebook stops:

# %%
doubts = tables.doubts(runs)
print(*(doubt.text for doubt in doubts), sep="\n", end="\n" * bool(doubts))
if not as_is:
    tables.refuse(doubts, units)
runs[["params", "tokens", "loss"]].describe().loc[["min", "50%", "max"]].map("{:.4g}".format)

# %% [markdown]
# ## Fit
#
# $$
# L(N, D) = E + \Big(\frac{A}{N^\alpha} + \frac{B}{D^\beta}\Big)^\gamma
# $$
#
# Compare predictions, not coefficients: the diagnosis says which of them the runs determine. The
# strongest runs held out say what an extrapolation is worth; what it is with $\gamma = 1$ is beside
# it, since with few runs the stiffer form may be the better guess (notebook 13).

# %%
options = {"starts": settings.fit_starts, "cluster": cluster}
found = fit.fit_supervised(runs, bootstrap=settings.fit_replicates, **options)
one = fit.fit_supervised(runs, fixed={"gamma": 1.0}, bootstrap=settings.fit_replicates, **options)
print(
    f"mean error {found.mean_relative_error():.2%}, with gamma = 1 {one.mean_relative_error():.2%}"
)
print(*explained(found), sep="\n")
found.coefficient_table()

# %%
for name, law_fit in {"gamma free": found, "gamma = 1": one}.items():
    print(f"{name}: {extrapolation(law_fit, STRONGEST['supervised'])}")

# %% [markdown]
# ## What a budget wants
#
# For each budget the size and tokens that make the best model ($3 F(N) D$ FLOPs, with the paper's
# $F$), under the fit and under each bootstrap replicate, for both forms. Answers are given **inside
# the runs only**: where the optimum's size and tokens, and the budget, are within what the table
# holds. Drawn is the form with $\gamma$ free; the answer below has both.

# %%
ranges = seen(runs)
budgets = np.geomspace(*ranges["compute"], settings.curve_points)
wants = {"gamma free": wanted(found, budgets), "gamma = 1": wanted(one, budgets)}
both = pd.concat([part.assign(form=name) for name, part in wants.items()])

# %%
inside = wants["gamma free"][wants["gamma free"].inside]
ends = inside.compute.to_numpy()[[0, -1]] if len(inside) > 1 else None


def growth(law):
    """The factor by which ten times the compute lets the best size grow, between the ends."""
    sizes, _ = supervised_optimum(law, ends)
    return 10 ** (np.diff(np.log10(sizes)) / np.diff(np.log10(ends))).item()


# %%
title = "No budget has its best model inside the runs"
if ends is not None:
    resampled = found.replicates.to_numpy() if inside.params_low.notna().all() else []
    factor = growth(found.law)
    low, high = band([growth(found.spec.build(row)) for row in resampled], factor)
    title = f"Ten times the compute wants {ranged(factor, low, high, '.1f')} times the size"
grid = Panels(inside, "compute", "params", title)
grid.labels = "training compute (FLOPs)", "best number of parameters"
shade = {"color": "C0", "linewidth": 7, "alpha": 0.3}
grid.draw(span).draw(sns.lineplot)
grid.key({"band, and range in the title: 90% of fits to resampled runs": shade})
grid.setting(f"Law of loss by size and tokens, fitted to {whose}")
save(grid, "own_supervised_runs", both.dropna())  # without budgets of which a range is not told

# %% [markdown]
# ## The answer

# %%
compute = compute or (1e21 if example else inside_budget(found))
if compute is None:
    print("outside; no budget of these runs has its optimum inside them")
else:
    print(f"{compute:.3g} FLOPs")
    for name, law_fit in {"gamma free": found, "gamma = 1": one}.items():
        print(f"  {name}: {wanted_in_words(law_fit, compute)}")

# %% [markdown]
# ## Check
#
# The best size under the fit against a dense grid of sizes.

# %%
asked = np.geomspace(*ranges["compute"], 9)
sizes = np.geomspace(1e5, 1e12, 20_001)[:, None]
on_grid = found.law.loss(sizes, asked / (3 * flops.forward_flops(sizes))).min(axis=0)
at_optimum = found.law.loss(*supervised_optimum(found.law, asked))
claims.check("own-supervised-optimum", float((at_optimum / on_grid - 1).max()))
if example:
    inside = wants["gamma free"][wants["gamma free"].inside]
    print(f"tokens a parameter: {(inside.tokens / inside.params).min():.1f}", end=" ")
    print(f"to {(inside.tokens / inside.params).max():.1f}")

# %% [markdown]
# ## What to take away
#
# A supervised law of your own says what size and tokens a budget wants, as far as your runs reach.
# If free $\gamma$ and $\gamma = 1$ disagree on the strongest runs held out, believe neither beyond
# them.
