# %% [markdown]
# # 07 · Compute-optimal distillation
#
# [← 06](06_distill_or_supervise.ipynb)
# · [README](../README.md)
# · [08 →](08_small_scale_study.ipynb)
# · *The law*
#
# *Sections 5.3, D.4.1 and D.5.* A student of $N_S$ parameters and a budget of $C$ FLOPs are given.
# Choose the distillation tokens $D_S$ and the teacher, its size $N_T$ and its tokens $D_T$, that
# make the student best,
#
# $$
# D_S^*, N_T^*, D_T^* = \arg\min_{D_S, N_T, D_T} L_S(N_S, D_S, N_T, D_T)
# \quad \text{subject to} \quad \text{FLOPs} = C, \tag{10}
# $$
#
# where $F(N)$ are the FLOPs of one token forward, and training on it takes three times as many:
#
# $$
# \text{FLOPs} \approx 3 F(N_S) D_S
# + F(N_T) \left(\delta_T^{\text{Lgt}} D_S + \delta_T^{\text{Pre}}\, 3 D_T\right). \tag{9}
# $$
#
# What counts as cost decides the answer. Here is what a budget buys, what a loss costs, and a sheet
# of recipes. Notebook `07b` shows the teachers behind them, and notebook `15` asks of the laws what
# the paper says of them.

# %% tags=["parameters"]
profile = "full"

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import numpy as np
import pandas as pd

from scalinglib import allocate, flops, laws, sentences
from scalinglib.report import claims, columns, figures, panels, paths, profiles
from scalinglib.report.panels import Panels

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## Figures 8 and 17: what a budget buys
#
# The two $\delta$ make four scenarios: the teacher is free (*best case*), its inference is paid,
# its pretraining, or both. For each student and budget the optimum is found in every scenario,
# under the corrected law and under some fifty laws of an ensemble that fit the paper's runs about
# as well.

# %%
law = laws.load("corrected")
ensemble = laws.ensemble("figure1").thin(50 if settings.saves else 8)  # drawn by weight
scenarios = list(allocate.SCENARIOS)
students = np.array([300e6, 500e6, 1e9, 3e9, 5e9, 10e9, 30e9, 50e9])
budgets = np.geomspace(1e20, 1e26, settings.curve_points)
optima = allocate.optima(law, students, budgets)
optima["inside"] = allocate.inside_trained_range(optima)

# %%
keep = ["student_params", "compute", "scenario"]
coarse = budgets[::4]
each_gap = np.array([allocate.optima(m, students, coarse).gap for m in ensemble.members])
central = allocate.optima(law, students, coarse)
decided = central[[*keep, "gap"]]
distilled = central.student_params, central.student_tokens, central.teacher_loss
missed = ensemble.gain_discrepancy(*distilled) * central.supervised_loss.to_numpy()
decided["gap_low"], middle, decided["gap_high"] = ensemble.interval(each_gap, 0.8, missed)
decided["share_distil"] = ensemble.share(each_gap < 0)
save(None, "distil_or_supervise_by_law", decided)

# %% [markdown]
# Below is what distilling gains over training the same student on data with the same budget, for
# a teacher that exists and one that must be trained. Below zero distilling wins. Curves are the
# middle of these laws. Bands hold eight in ten: of these laws, and of what such laws missed of
# this difference on runs kept from them, which grows with the distance from the runs. Where a band
# has zero inside, it is not known which is better. Drawn are two students on small budgets: from
# $2 \times 10^{23}$ FLOPs on all their bands have zero inside, and from $4 \times 10^{24}$ those of
# all students. The tables have all students, scenarios and budgets, by the corrected law.

# %%
drawn = {"student_params": students[2:4], "scenario": scenarios[1::2]}
central = decided.assign(gap=middle, inside=allocate.inside_trained_range(central))
central = central[central[list(drawn)].isin(drawn).all(axis=1)]
title = "On small budgets distilling wins, unless the teacher's pretraining is paid too"
words = columns.axis_label("compute"), columns.ENDS["gap"] + "difference in student's loss (nats)"
look = {"col": "student_params", "labels": words, "size": (8.6, 3.8)}
grid = Panels(central, "compute", "gap", title, **look)
grid.draw(panels.span, hue="scenario", key=False)
grid.draw(panels.curve, hue="scenario").each(panels.zero)
grid.key(band="80% of the laws")
grid.setting("Distilling minus data. Lines: middle of some fifty laws that fit the paper's runs")
grid.set(xlim=(1e20, 3e22), ylim=(-0.15, 0.15))
told = optima[[*keep, "student_loss", "supervised_loss"]]
four = told.student_params.isin(students[[0, 2, 3, 5]])
save(grid, "fig08_compute_optimal_loss", told[four])

# %% [markdown]
# If only the inference of a teacher is paid (orange), distillation wins on small budgets, the more
# so the larger the student is; a free teacher gains a little more. On large budgets nobody knows:
# some laws have it win for ever. If the teacher must be trained for this one student (vermilion),
# nearly all laws say that data do better, by some 0.1 nats on the worst budget, until the budget is
# large and all answers are nearly the same. For the 30B and 50B students it pays on budgets so
# small that they see less than a tenth of a token a parameter: there the law is far from any run.
#
# The shares of the laws under which distilling wins, at powers of ten:

# %%
save(None, "fig17_compute_optimal_loss_all", told)
shown = decided[decided.student_params.isin(students[[0, 2, 3, 5]])]
shown = shown[np.isclose(np.log10(shown.compute) % 1, 0) & (shown.scenario != scenarios[2])]
shown.assign(
    student=shown.student_params.map(columns.count),
    scenario=shown.scenario.map(columns.SCENARIO_WORDS),
    compute=shown.compute.map("{:.0e}".format),
).pivot_table(
    index=["scenario", "student"], columns="compute", values="share_distil", sort=False
).map("{:.0%}".format)

# %% [markdown]
# ## Tables 2 and 5: the scenarios
#
# The two $\delta$ of Equation 9 say whether the teacher's logits and its training are paid for.
# They need not be 0 or 1: logits that are stored and used by $k$ students cost
# $\delta_T^{\text{Lgt}} = 1/k$, a shared teacher $\delta_T^{\text{Pre}} = 1/k$, and
# `allocate.optimal` takes any pair in $[0, 1]$. Table 5 repeats Table 2 but for three words.

# %%
table2 = pd.read_csv(paths.DATA / "published" / "table2.csv")
table5 = pd.read_csv(paths.DATA / "published" / "table5.csv")
save(None, "table02_scenarios", table2)
save(None, "table05_scenarios", table5)
table2

# %% [markdown]
# ## Where training on data catches up
#
# The two losses approach each other slowly, and where they cross depends on a few mnats by which
# the floors of the laws differ (Figure 40). So the crossing has no single value, but an interval:
# nine in ten of these laws lie between low and high. "Never" is an answer too, and
# `share_never` says how many laws give it.
#
# A decision should rather ask for the last budget on which distilling still gains something worth
# having. `ends` is the last one up to $10^{26}$ with a gain of more than 0.01 nats (0: there is
# none from $10^{20}$ on; inf: it goes on).


# %%
def intervals(values, prefix=""):
    """Low, median and high of one number a law."""
    low, median, high = ensemble.quantiles(values, [0.05, 0.5, 0.95])
    return {f"{prefix}low": low, f"{prefix}median": median, f"{prefix}high": high}


def catch_up(scenario):
    """Crossings and last worthwhile budgets of all students in a scenario."""
    gaps = each_gap[:, decided.scenario == scenario].reshape(-1, len(students), len(coarse))
    return allocate.crossovers(ensemble, students, scenario).assign(
        scenario=scenario,
        corrected=allocate.crossover(law, students, scenario, low=1e18),
        **intervals(allocate.last_gain(coarse, -gaps, 0.01), "ends_"),
    )


crossovers = pd.concat(map(catch_up, scenarios[:2]), ignore_index=True)
first = ["student_params", "scenario", "corrected"]
crossovers = crossovers[first + [c for c in crossovers if c not in first]]
save(None, "crossovers", crossovers)

# %%
readable = crossovers.assign(
    student_params=crossovers.student_params.map(columns.count),
    scenario=crossovers.scenario.map(columns.SCENARIO_WORDS),
)
readable.set_index(["scenario", "student_params"]).map("{:.1e}".format).assign(
    share_never=crossovers.share_never.map("{:.0%}".format).to_numpy()
)

# %% [markdown]
# ## Figures 33 and 34: what a loss costs
#
# Now the loss is given and the cheapest way to it is asked: its cost as a multiple of what training
# on data costs, in compute, and in tokens, those of the student and of a teacher that is paid:
#
# $$
# D_\text{Dist.} = D_S + \delta_T^\text{Pre} D_T . \tag{34}
# $$

# %%
above = np.geomspace(0.003, 1.02, settings.curve_points // 3)
targets = allocate.costs_of_losses(law, students, above)
targets = targets[np.isfinite(targets.compute_ratio) & targets.student_loss.between(1.6, 2.65)]
targets["inside"] = allocate.inside_trained_range(targets)

# %%
title = "Distilling saves compute and tokens, unless the teacher's pretraining is paid too"
words = {"compute_ratio": "compute", "token_ratio": "training tokens, a teacher's too if paid"}
one = targets[targets.inside & (targets.student_params == students[3])].rename(columns=words)
one = one[one.scenario.isin(scenarios[1::2]) & one.student_loss.between(2.1, 2.5)]
long = one.melt(["student_loss", "scenario"], words.values(), "quantity", "times")
labels = "better ←  student's loss (nats)  → worse", "multiple of training on data"
grid = Panels(long, "student_loss", "times", title, col="quantity", labels=labels)
grid.draw(panels.curve, hue="scenario").mark("y", 1, "the same as on data", color="black")
grid.set(ylim=(0, 5), xticks=[2.1, 2.2, 2.3, 2.4, 2.5]).setting(
    "Student of 3B parameters, by the paper's law (Table 6, one misprint corrected)"
)
save(grid, "fig33_compute_ratio", targets[[*keep[::2], "student_loss", "compute_ratio"]])
save(None, "fig34_token_ratio", targets[[*keep[::2], "student_loss", "token_ratio"]])

# %% [markdown]
# If only the inference of a teacher is paid distillation is cheaper, except close to the lowest
# loss that distilling can give a student: there, beyond the picture, the curves turn upright. If
# the teacher must be trained for this student and run, distillation is dearer, but for students of
# 30B and 50B, for which the law is far from any run. Section D.5 says three quarters of the compute
# for 500M parameters at a loss of 2.4, and half for 10B at 2.2. Both lie on the curves of teacher
# inference, and not on those of pretraining and inference, which the text names. All students and
# scenarios are in the tables. The ratios are the corrected law's alone, without a range: how far
# other laws differ from it is seen in the bands of Figure 8 above.

# %% [markdown]
# ## The sheet
#
# `data/recipes.csv` holds the compute-optimal recipe for every student of Table 13 on budgets from
# $10^{19}$ to $10^{26}$ FLOPs in every scenario, and the run on data with the same budget, for
# filtering in a spreadsheet; `data/README.md` explains its columns. Recipes are those of the
# corrected law. Losses are the middle of these laws, each with the best recipe under it, and
# the student's has the range of nine in ten of them. In the range of the gap is also what such laws
# missed on runs kept from them, and `verdict` is what follows from it by the rule of `scalinglib
# plan`. `share_distil` is the share of the laws alone under which distilling wins.
#
# `inside_fitted_range` is true where student, teacher and tokens are within what the paper trained
# (143M to 12.6B parameters, 2B to 512B tokens); elsewhere the law extrapolates. Where `max_tokens`
# is given, 500B, 2T or $10^{13}$ (about what there is of good text), no model may see more. Without
# such a limit teachers whose training nobody pays for run to the bound of the search. The limited
# rows are for powers of ten, their ranges from ten laws.

# %%
TOKEN_LIMITS = 5e11, 2e12, 1e13
models = pd.read_csv(paths.DATA / "published" / "table13.csv")
sizes, names = 1e9 * models.params_1e9.to_numpy(), models.name.to_numpy()
sheet_budgets = 10.0 ** np.arange(19, 26.1, 0.5)
few = sheet_budgets[::2] if settings.saves else sheet_budgets[4:5]


def sheet(scenario, budgets, ensemble, limit=None):
    """One scenario's recipes, for all students and `budgets`."""
    table = allocate.under_ensemble(
        law, ensemble, sizes[:, None], budgets, scenario, max_tokens=limit
    )
    return table.assign(student=np.repeat(names, len(budgets)), max_tokens=limit or np.nan)


rows = [sheet(s, sheet_budgets, ensemble) for s in scenarios]
ten = ensemble.thin(10 if settings.saves else 3)
rows += [sheet(s, few, ten, limit) for limit in TOKEN_LIMITS for s in scenarios]

# %% [markdown]
# A run on data has no teacher, and its tokens are what the budget buys:

# %%
told = ["gap_low", "gap_high", "verdict", "share_distil"]
data_only = pd.concat(rows[:: len(scenarios)], ignore_index=True)
no_teacher = [c for c in data_only if c.startswith("teacher") or c in told]
affordable = data_only.compute / (3 * flops.forward_flops(data_only.student_params))
data_only = data_only.drop(columns=no_teacher).assign(
    scenario="supervised",
    student_tokens=np.fmin(affordable, data_only.max_tokens),
    student_loss=data_only.supervised_loss,
    student_loss_low=data_only.supervised_loss_low,
    student_loss_high=data_only.supervised_loss_high,
)
recipes = pd.concat([*rows, data_only], ignore_index=True)

# %%
recipes["student_tokens_per_param"] = recipes.student_tokens / recipes.student_params
recipes["teacher_tokens_per_param"] = recipes.teacher_tokens / recipes.teacher_params
recipes["gap"] = recipes.student_loss - recipes.supervised_loss
most = recipes.max_tokens.fillna(allocate.TOKENS_BOX[1])
recipes["teacher_tokens_at_bound"] = recipes.teacher_tokens >= most * 0.999
recipes["inside_fitted_range"] = laws.inside_trained_range(recipes)

# %%
first = ["student", "student_params", "compute", "scenario", "max_tokens", "student_loss"]
first += ["student_loss_low", "student_loss_high", "supervised_loss", "gap", *told]
first += ["inside_fitted_range"]
ends = [c for c in recipes if c.endswith(("_low", "_high")) and c not in first]
others = recipes.columns.drop([*first, *ends, "at_bound"])
recipes = recipes[[*first, *others]]
if settings.saves:
    figures.write_table(recipes, "data/recipes.csv")
print(f"{len(recipes)} recipes, {recipes.inside_fitted_range.mean():.0%} inside the trained range")

# %% [markdown]
# One student on one budget, as an example:

# %%
example = recipes[(recipes.student == "1.15B") & (recipes.compute == 1e21)]
example = example[example.max_tokens.isna()].set_index("scenario")
shown = ["student_loss", "supervised_loss", "verdict", "student_tokens", "teacher_params"]
example = example[shown].rename(columns.SCENARIO_WORDS).fillna("")
example.map(lambda x: x if isinstance(x, str) else f"{x:.3g}")

# %% [markdown]
# ## Check
#
# The paper's summary page names as a limit of the study that it assumes a powerful teacher. Do all
# of its scenarios have the teacher's training for nothing? Its other sentences about these figures
# stand in notebook `15`.

# %%
claims.check(
    "summary-assumes-teacher", sentences.every([pre == 0 for _, pre in allocate.SCENARIOS.values()])
)

# %% [markdown]
# ## What to take away
#
# What is paid for decides: a teacher that exists makes distilling cheap, one that is trained for a
# single student rarely pays. The budget from which training on data is better is not known to one
# number: laws that fit the same runs put it decades apart, or nowhere.
