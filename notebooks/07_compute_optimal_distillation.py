# %% [markdown]
# # 07 · Compute-optimal distillation
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
# where, $F(N)$ being the FLOPs of one token forward and three times that those of training on it,
#
# $$
# \text{FLOPs} \approx 3 F(N_S) D_S
# + F(N_T) \left(\delta_T^{\text{Lgt}} D_S + \delta_T^{\text{Pre}}\, 3 D_T\right). \tag{9}
# $$
#
# What counts as cost decides the answer. Here is what a budget buys, what a loss costs, and a sheet
# of recipes; notebook `07b` shows the teachers behind them, notebook `15` puts what the paper says
# of them to twenty laws.

# %% tags=["parameters"]
profile = "full"

# %%
import numpy as np
import pandas as pd

from scalinglib import allocate, flops, laws
from scalinglib.report import claims, figures, maps, paths, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
law = laws.load("corrected")
ensemble = laws.ensemble("figure1").thin(50 if settings.saves else 8)  # of 107, drawn by weight
scenarios = list(allocate.SCENARIOS)
students = np.array([300e6, 500e6, 1e9, 3e9, 5e9, 10e9, 30e9, 50e9])
budgets = np.geomspace(1e20, 1e26, settings.curve_points)
COMPUTE = "total compute $C$ (FLOPs)"
GAP = r"$L_S - \tilde L_S$ (nats)"

# %% [markdown]
# ## Tables 2 and 5: the scenarios
#
# The two $\delta$ of Equation 9 say whether the teacher's logits and its training are paid for.
# They need not be 0 or 1: logits stored and used by $k$ students cost
# $\delta_T^{\text{Lgt}} = 1/k$, a shared teacher $\delta_T^{\text{Pre}} = 1/k$, and
# `allocate.optimal` takes any pair in $[0, 1]$. Table 5 repeats Table 2 but for three words.

# %%
table2 = pd.read_csv(paths.DATA / "published" / "table2.csv")
table5 = pd.read_csv(paths.DATA / "published" / "table5.csv")
save(None, "table02_scenarios", table2)
save(None, "table05_scenarios", table5)
table2

# %% [markdown]
# ## Figure 8: what a budget buys
#
# Above, the loss of the best student against total compute; below, what separates the curves, the
# same less $\tilde L_S$, the loss of supervised training on the same budget: below zero distilling
# is better. Bands hold the line and the middle 80% of fifty laws that fit the paper's runs about
# equally well: where a band is on one side of zero nine laws in ten agree, where it has zero inside
# they do not decide. Dots: from here on data alone is at least as good under Table 6's law.
#
# With a free teacher (blue), or one whose inference alone is paid (orange), distillation wins on
# small budgets. On large ones nobody knows: some laws have it win for ever. If the teacher must be
# trained for this one student (green, vermilion), nearly all laws say that data alone does better,
# until the budget is large.

# %%
optima = allocate.optima(law, students, budgets)
keep = ["student_params", "compute", "scenario"]
coarse = budgets[::4]
each_gap = np.array([allocate.optima(m, students, coarse).gap for m in ensemble.members])
decided = allocate.optima(law, students, coarse)[[*keep, "gap"]]
ends_of_gap = allocate.interval(ensemble, each_gap, decided.gap, 0.8)
decided["gap_low"], decided["gap_high"] = ends_of_gap
decided["share_distil"] = ensemble.share(each_gap < 0)
save(None, "distil_or_supervise_by_law", decided)
shown = decided[decided.student_params.isin(students[[0, 2, 3, 5]])]
shown = shown[np.isclose(np.log10(shown.compute) % 1, 0) & (shown.scenario != scenarios[2])]
shown.pivot_table(
    index=["scenario", "student_params"], columns="compute", values="share_distil", sort=False
).rename_axis(columns="share of the laws under which distilling wins").round(2)


# %%
def by_student(table):
    return [group for _, group in table.groupby("student_params")]


def draw_losses(upper, lower, table):
    for name, curve in table.groupby("scenario", sort=False):
        maps.scenario(upper, curve.compute, curve.student_loss, name)
        maps.scenario(lower, curve.compute, curve.gap, name)
    maps.scenario(upper, curve.compute, curve.supervised_loss, "supervised")
    draw_bands(lower, table.student_params.iloc[0])
    lower.set(xscale="log", ylim=(-0.27, 0.15))
    lower.minorticks_off()


def draw_bands(ax, student):
    for name, band in decided[decided.student_params == student].groupby("scenario", sort=False):
        color = figures.SCENARIO_COLORS[name]
        figures.band(ax, band.compute, band.gap_low, band.gap_high, color=color)
        if name in meets:
            at = meets[name][list(students).index(student)]
            ax.plot(at, 0, "o", color=color, markeredgecolor="white", zorder=4)
    ax.axhline(0, color="#333333", linewidth=1.4, linestyle="--")


def loss_panels(only):
    names = [figures.named("N_S", n) for n in only]
    fig, pairs = maps.stacked(names, COMPUTE, ["student loss $L_S$ (nats)", GAP])
    shown = optima[optima.student_params.isin(only)]
    for pair, table in zip(pairs, by_student(shown), strict=True):
        draw_losses(*pair, table)
    even = {"marker": "o", "mec": "white", "ls": ""}
    maps.scenario_key(fig, [*scenarios, "supervised"], {"data alone from here": even})
    return fig, shown[[*keep, "student_loss", "supervised_loss"]]


# %%
meets = {s: allocate.crossover(law, students, s, low=1e18) for s in scenarios[:2]}
fig, table = loss_panels(students[[0, 2, 3, 5]])
save(fig, "fig08_compute_optimal_loss", table)

# %% [markdown]
# ## Figure 17: all eight students
#
# The larger the student, the more there is to win and the larger the budget up to which it is won.
# Training the teacher for one student costs some 0.1 nats at its worst budget. Under Table 6's law
# it pays only for the 30B and 50B students on so small a budget that they see less than a tenth of
# a token a parameter, where the law is far from any run.

# %%
fig, table = loss_panels(students)
save(fig, "fig17_compute_optimal_loss_all", table)

# %% [markdown]
# ## Where supervised training catches up
#
# The crossing is where two laws meet on a nearly flat approach, and hangs on the few mnats by which
# their floors differ (Figure 40). So it has no value but an interval: nine in ten of the fifty laws
# lie between low and high, inf stands for "never", and `share_never` says how many say that.
# `ends` is the same for the last budget, up to $10^{26}$, on which distilling gains more than 0.01
# nats, which is what a decision should use; 0: on no budget from $10^{20}$.


# %%
def interval(values, prefix=""):
    low, median, high = ensemble.quantiles(values, [0.05, 0.5, 0.95])
    found = {"low": low, "median": median, "high": high}
    return {prefix + k: v for k, v in found.items()}


def ends(gaps):
    """Last budget of `coarse` with a gain of more than 0.01 nats; gaps (..., budgets)."""
    last = np.where(gaps < -0.01, coarse, 0).max(axis=-1)
    return np.where(last == coarse[-1], np.inf, last)


def catch_up(scenario):
    gaps = each_gap[:, decided.scenario == scenario].reshape(-1, len(students), len(coarse))
    return allocate.crossovers(ensemble, students, scenario).assign(
        scenario=scenario,
        corrected=meets[scenario],
        **interval(ends(gaps), "ends_"),
    )


crossovers = pd.concat(map(catch_up, scenarios[:2]), ignore_index=True)
first = ["student_params", "scenario", "corrected"]
crossovers = crossovers[first + [c for c in crossovers if c not in first]]
save(None, "crossovers", crossovers)
readable = crossovers.assign(student_params=crossovers.student_params.map(figures.label_size))
readable.set_index(["scenario", "student_params"]).map("{:.1e}".format).assign(
    share_never=crossovers.share_never.to_numpy().round(2)
)

# %% [markdown]
# ## Figures 33 and 34: cost of a target loss, as a multiple of supervised training
#
# Below 1 distillation is cheaper. Without the teacher's training (blue, orange) it is, except
# close to the lowest loss that data alone can give a student (vertical line). With it (green,
# vermilion) it is not, but for the largest students at losses so high that they mean less than a
# token a parameter. Stars are what Section D.5 says of the 500M student at 2.4 nats and of the
# 10B student at 2.2: they lie on the curve of teacher inference, not on that of pretraining +
# inference, which the text names. Tokens are those of the student and of a teacher that is paid,
#
# $$
# D_\text{Dist.} = D_S + \delta_T^\text{Pre} D_T . \tag{34}
# $$


# %%
above = np.geomspace(0.003, 1.02, settings.curve_points // 3)
targets = allocate.costs_of_losses(law, students, above)
targets = targets[np.isfinite(targets.compute_ratio)]
floors = law.supervised.infinite_data_loss(students)
FLOOR = {"color": "grey", "linewidth": 1, "linestyle": "--"}
STAR = {"marker": "*", "linestyle": "", "color": "#C1121F", "markersize": 11, "zorder": 4}
MARKS = {"least loss on data alone": FLOOR, "Section D.5": STAR}
SAID = {500e6: (2.4, 3 / 4, 2 / 3), 10e9: (2.2, 1 / 2, 1 / 2)}  # Section D.5


def ratio_panels(column, ylabel, said):
    titles = [figures.named("N_S", n) for n in students]
    fig, axes = figures.panels(titles, "target loss $L_S$ (nats)", ylabel, columns=4)
    for ax, table, low in zip(axes, by_student(targets), floors, strict=True):
        draw_ratios(ax, table, column, low)
    for size, numbers in SAID.items():
        axes[list(students).index(size)].plot(numbers[0], numbers[said], **STAR)
    maps.scenario_key(fig, scenarios, MARKS)
    return fig


def draw_ratios(ax, table, column, floor):
    for name, curve in table.groupby("scenario", sort=False):
        maps.scenario(ax, curve.student_loss, curve[column], name)
    ax.axhline(1, color="black", linewidth=1, linestyle="--")
    ax.axvline(floor, **FLOOR)
    ax.set(yscale="log", ylim=(0.15, 10), xlim=(1.6, 2.65), yticks=[0.2, 0.5, 1, 2, 5, 10])
    ax.yaxis.set(major_formatter="{x:g}", minor_formatter="")


# %%
fig = ratio_panels("compute_ratio", "compute / supervised compute", 1)
save(fig, "fig33_compute_ratio", targets[[*keep[::2], "student_loss", "compute_ratio"]])

# %%
fig = ratio_panels("token_ratio", "tokens / supervised tokens", 2)
save(fig, "fig34_token_ratio", targets[[*keep[::2], "student_loss", "token_ratio"]])

# %% [markdown]
# ## The sheet
#
# `data/recipes.csv` holds the compute-optimal recipe for every student of Table 13 on budgets from
# $10^{19}$ to $10^{26}$ FLOPs in every scenario, and the supervised run on the same budget, for
# filtering in a spreadsheet; `data/README.md` explains its columns. Recipes are those of Table 6's
# law; the student's loss has a range that holds it and nine in ten of the fifty laws, each with the
# best recipe under it, and `share_distil` is the share of them under which distilling wins: between
# 0.1 and 0.9 it is undecided. `inside_fitted_range` is true where student, teacher and tokens are
# within what the paper trained (143M to 12.6B parameters, 2B to 512B tokens); elsewhere the law
# extrapolates. Where `max_tokens` is $10^{13}$, about what there is of good text, no model may see
# more: without it teachers whose training nobody pays for run to the bound of the search. Those
# rows are for powers of ten, their ranges from ten laws.

# %%
TOKEN_LIMIT = 1e13
models = pd.read_csv(paths.DATA / "published" / "table13.csv")
sizes, names = 1e9 * models.params_1e9.to_numpy(), models.name.to_numpy()
sheet_budgets = 10.0 ** np.arange(19, 26.1, 0.5)
few = sheet_budgets[::2] if settings.saves else sheet_budgets[4:5]


def sheet(scenario, budgets, ensemble, limit=None):
    table = allocate.under_ensemble(
        law, ensemble, sizes[:, None], budgets, scenario, max_tokens=limit
    )
    return table.assign(student=np.repeat(names, len(budgets)), max_tokens=limit or np.nan)


grid = [sheet(s, sheet_budgets, ensemble) for s in scenarios]
grid += [sheet(s, few, ensemble.thin(10 if settings.saves else 3), TOKEN_LIMIT) for s in scenarios]
ends_of_loss = ["student_loss_low", "student_loss_high"]
other_ends = [c for c in grid[0] if c.endswith(("_low", "_high")) and c not in ends_of_loss]
sheet_columns = grid[0].columns.drop([*other_ends, "at_bound"]).tolist()
no_teacher = [c for c in sheet_columns if c.startswith("teacher")]
unlimited, limited = grid[0], grid[len(scenarios)]
data_only = pd.concat([unlimited, limited], ignore_index=True)
data_only = data_only.drop(columns=[*no_teacher, "share_distil"])
data_only = data_only.assign(
    scenario="supervised",
    student_tokens=np.fmin(
        data_only.compute / (3 * flops.forward_flops(data_only.student_params)),
        data_only.max_tokens,
    ),
    student_loss=data_only.supervised_loss,
    student_loss_low=data_only.supervised_loss_low,
    student_loss_high=data_only.supervised_loss_high,
)
recipes = pd.concat([*grid, data_only], ignore_index=True)[sheet_columns]


# %%
def within(low, values, high):
    return values.isna() | ((values >= low) & (values <= high))


recipes["student_tokens_per_param"] = recipes.student_tokens / recipes.student_params
recipes["teacher_tokens_per_param"] = recipes.teacher_tokens / recipes.teacher_params
recipes["gap"] = recipes.student_loss - recipes.supervised_loss
most = recipes.max_tokens.fillna(allocate.TOKENS_BOX[1])
recipes["teacher_tokens_at_bound"] = recipes.teacher_tokens >= most * 0.999
recipes["inside_fitted_range"] = (
    within(143e6, recipes.student_params, 12.61e9)
    & within(143e6, recipes.teacher_params, 12.61e9)
    & within(2e9, recipes.student_tokens, 512e9)
    & within(2e9, recipes.teacher_tokens, 512e9)
)
first = ["student", "student_params", "compute", "scenario", "max_tokens"]
first += ["student_loss", *ends_of_loss]
first += ["supervised_loss", "gap", "share_distil", "inside_fitted_range"]
recipes = recipes[first + [c for c in recipes if c not in first]]
if settings.saves:
    figures.write_table(recipes, "data/recipes.csv")
print(f"{len(recipes)} recipes, {recipes.inside_fitted_range.mean():.0%} inside the fitted range")
recipes[(recipes.student == "1.15B") & (recipes.compute == 1e21) & recipes.max_tokens.isna()].T

# %% [markdown]
# ## Check
#
# The paper's summary page names as a limit of the study that it assumes a powerful teacher. Do all
# of its scenarios have the teacher's training for nothing? Its other sentences about these figures
# stand in notebook `15`.

# %%
claims.check("summary-assumes-teacher", all(pre == 0 for _, pre in allocate.SCENARIOS.values()))

# %% [markdown]
# ## What to take away
#
# What is paid for decides: a teacher that exists makes distilling cheap, one that is trained for a
# single student rarely pays. The budget from which training on data is better has no value but a
# range: for a 1B student with inference paid from about $2 \times 10^{21}$ FLOPs to never.
