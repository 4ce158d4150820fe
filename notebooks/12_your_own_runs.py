# %% [markdown]
# # 12 · Your own runs
#
# [← 09](09_calibration.ipynb)
# · [README](../README.md)
# · [16 →](16_your_own_supervised_runs.ipynb)
# · *Yours*
#
# Put a table of your distillation runs in, get a law with intervals, a diagnosis and three
# decisions out: what another factor of ten in tokens buys, which of your teachers to use, and
# whether to distil at all. One CSV, one row a run:
#
# | column | meaning |
# |---|---|
# | `student_params`, `teacher_params` | **non-embedding** parameters |
# | `student_tokens`, `teacher_tokens` | tokens of distillation, of the teacher's own training |
# | `teacher_loss`, `student_loss` | validation cross-entropy against data, **nats per token** |
#
# As in the paper, the teachers are the supervised runs: the supervised law is fitted to them first
# and its uncertainty carried into the second fit. Rows without teacher (`params`, `tokens`, `loss`,
# the `teacher_` cells empty) join them. Other columns are kept and ignored. Set `SCALINGLIB_RUNS`,
# or `runs_path` below, to your file; the default is an example table of **simulated** runs, so what
# follows about it says nothing about any real model. On the command line
# `scalinglib fit runs.csv` gives the same answers in words.

# %% tags=["parameters"]
profile = "full"
way = "own"  # with few teachers "held" (published exponents), "shifted" (own E) or "published"
student_params = compute = None  # of the decision; what is None is taken inside the runs
delta_lgt = None  # share of the teacher's inference that is paid: all, where its size is known
as_is = False  # True takes the runs as they stand, whatever is doubtful in them

# %% tags=["hide-input"]
import tempfile

import numpy as np
import pandas as pd
import seaborn as sns
from scipy import stats

from scalinglib import flops, laws
from scalinglib.experiment import compare
from scalinglib.report import claims, figures, paths, profiles
from scalinglib.report.columns import axis_label, powers
from scalinglib.report.panels import DIAGONAL, PARTS, Panels, diagonal, dots, rings, span, zero
from scalingplan import tables
from scalingplan.answers import decisions, fitting, full

settings = profiles.load(profile)
figures.use_style()
keep = figures.saver(settings)
example_path = paths.DATA / "runs" / "example_simulated.csv"
runs_path = paths.named_by("SCALINGLIB_RUNS", example_path)
example = runs_path == example_path
whose = "simulated example runs" if example else "your runs"
renamed, units = {}, {}  # such as {"val_loss": "student_loss"}, {"params": "M", "loss": "ppl"}


def save(figure, stem, table):
    """Save under a name that calls no real runs simulated."""
    keep(figure, stem if example else stem.removesuffix("_simulated"), table)


# %% [markdown]
# ## The file
#
# What cannot be read stops here, with every fault of the file at once, its rows counted as a
# spreadsheet counts them. What is doubtful is said, first of all what no law can have made; after
# that, or where a unit is in doubt, there is no verdict before `units` tells it.

# %%
table = tables.read_runs(runs_path, renamed)
if table.distilled.empty:
    raise ValueError(f"{runs_path} holds training runs without teachers: see notebook 16")
runs = tables.converted(table.distilled, units)
singles = tables.converted(table.supervised, units)

# %%
better = runs.student_loss < runs.teacher_loss
title = f"{better.sum()} of {len(runs)} students end better than their teacher ({whose})"
grid = Panels(runs, "teacher_loss", "student_loss", title)
for side, color, words in ((~better, "#BBBBBB", "worse"), (better, "#0072B2", "better")):
    grid.draw(dots, runs[side], color=color)
    grid.key({f"student {words} than its teacher": PARTS["dot"] | {"color": color}})
grid.each(diagonal).key({"equal": DIAGONAL})
grid.setting("A dot: one run; near the line a run's luck may decide")
shown = ["student_params", "student_tokens", "teacher_loss", "student_loss"]
save(grid, "own_runs_table_simulated", runs[shown])

# %% [markdown]
# Below the dashed line a student is better than its teacher.

# %%
print(
    f"{len(runs)} distillation runs, {len(singles)} supervised ones besides", *table.notes, sep="\n"
)
doubts = [doubt for part in (runs, singles) if len(part) for doubt in tables.doubts(part)]
print(*(doubt.text for doubt in doubts), sep="\n", end="\n" * bool(doubts))
if not as_is:
    tables.refuse(doubts, units)
problem = decisions.inside_problem(runs, student_params, compute, delta_lgt)
runs.describe().loc[["min", "50%", "max"]].map("{:.4g}".format)

# %% [markdown]
# For the record, what a file with other names for its columns would have said:

# %%
names = {"student_params": "N_S", "student_loss": "val_loss"}
with tempfile.TemporaryDirectory() as folder:
    renamed_path = f"{folder}/runs.csv"
    runs.rename(columns=names).to_csv(renamed_path, index=False)
    try:
        tables.read_runs(renamed_path)
    except tables.TableError as error:
        print(str(error).replace(renamed_path, "runs.csv"))

# %% [markdown]
# ## Fit
#
# $$
# L_S = L_T + \frac{1}{L_T^{c_0}}
#   \Big(1 + \Big(\frac{L_T}{\tilde L_S d_1}\Big)^{1/f_1}\Big)^{-c_1 f_1}
#   \Big(\frac{A'}{N_S^{\alpha'}} + \frac{B'}{D_S^{\beta'}}\Big)^{\gamma'},
# \qquad
# \tilde L_S = E + \Big(\frac{A}{N_S^\alpha} + \frac{B}{D_S^\beta}\Big)^\gamma
# $$
#
# Runs of one teacher share its noise, so the second bootstrap draws whole teachers.

# %%
fewer = {"starts": settings.fit_starts, "bootstrap": settings.fit_replicates}
own = fitting.fit_own(runs, singles, way=way, **({} if settings.saves else fewer))
distillation = own.distillation
for note in own.notes:
    print(note)
pd.concat({name: found.coefficient_table() for name, found in own.fits().items()}, names=["law"])

# %% [markdown]
# ## Diagnosis
#
# In words first. A ridge means that coefficients trade against each other while predictions stay:
# use predictions.

# %%
for name, found in own.fits().items():
    said = full.explained(found)
    print(f"{name}, mean error {found.mean_relative_error():.2%}:", *said, sep="\n  ")

# %% [markdown]
# Errors of the law against the student's tokens. A law that fits leaves a band without slope or
# bend; a trend says where it is wrong for your models.

# %%
residuals = runs.assign(residual=100 * np.expm1(distillation.residuals()))
trend = stats.spearmanr(residuals.student_tokens, residuals.residual)
print(f"rank correlation {trend.statistic:+.2f}")
says = "rise with" if trend.statistic > 0 else "fall with"
says = says if trend.pvalue < 0.05 else "show no trend over"
labels = axis_label("student_tokens"), axis_label("percent_off")
title = f"The law's errors {says} the student's tokens ({whose})"
grid = Panels(residuals, "student_tokens", "residual", title, labels=labels)
grid.draw(dots, color="#DDDDDD").each(zero)
sixth = pd.qcut(residuals.student_tokens, 6, duplicates="drop")
middle = residuals.groupby(sixth, observed=True).student_tokens.transform("median")
means = residuals.assign(student_tokens=middle)
grid.draw(sns.lineplot, means, color="#D55E00", marker="o", errorbar=compare.interval, zorder=4)
grid.key({"mean of a sixth of the runs": {"color": "#D55E00"}})
ends = pd.DataFrame(residuals.groupby(sixth, observed=True).residual.agg(compare.interval).tolist())
missed = ((ends[0] > 0) | (ends[1] < 0)).sum()
made = "Made by the paper's law (Table 6, one misprint corrected) with noise of 0.5%\n" * example
grid.setting(f"{made}A dot: a run; {missed} of {len(ends)} intervals of means miss zero; "
             f"rank correlation {trend.statistic:+.2f}")  # fmt: skip
columns = ["student_params", "student_tokens", "teacher_loss", "residual"]
save(grid, "own_runs_residuals_simulated", residuals[columns])

# %% [markdown]
# The strongest tenth of the runs held out: if errors jump, do not extrapolate.

# %%
print(full.extrapolation(distillation, fitting.STRONGEST["distillation"]))

# %% [markdown]
# ## What does another factor of ten in tokens buy?
#
# The student of the decision with each token count, from the teacher that the next section
# chooses. The band has 95% of the refitted laws; the table also has where one more run would come
# out.

# %%
answer = decisions.decide(own, problem)
chosen = answer.teachers.iloc[0]
curve = decisions.token_curve(own, answer, settings.curve_points)
curve = curve.rename(columns={"predicted": "student_loss", "run_low": "student_loss_low",
                              "run_high": "student_loss_high"})  # fmt: skip
law = curve.assign(student_loss_low=curve.law_low, student_loss_high=curve.law_high)
bought = answer.ten_times
title = f"Ten times the tokens lower this student's loss by {bought['value']:.2f} nats"
title = answer.more_tokens().capitalize() if bought["beyond"] else title
grid = Panels(law, "student_tokens", "student_loss", f"{title} ({whose})")
grid.draw(span).draw(sns.lineplot, color="#0072B2")
grid.key({"the law": (blue := {"color": "#0072B2"}), "band: 95% of refits": PARTS["band"] | blue})
buys = f"{powers(problem.compute)} FLOPs buy, and ten times as many"
ten = chosen.student_tokens * np.array([1, 10])
before, after = np.interp(ten, curve.student_tokens, curve.student_loss)
two = pd.DataFrame({"student_tokens": ten, "student_loss": [before, after]})
grid.draw(rings, two, label=f"the {figures.label_size(ten[0])} tokens that {buys}")
grid.ax.hlines(before, *ten, color="#666666", linestyle="--")
arrow = {"arrowstyle": "->", "color": "#666666", "linewidth": 1.5}
grid.ax.annotate("", (ten[1], after), (ten[1], before), arrowprops=arrow)
gain = "{value:.3f} nats ({low:.3f} to {high:.3f})\n".format(**bought)
grid.ax.text(ten[1], before, gain, ha="right", va="bottom", linespacing=0.5)
grid.setting(f"Student of {figures.label_size(problem.student_params)} parameters, teacher of loss "
             f"{chosen.teacher_loss:.2f}; law of the {len(runs)} runs")  # fmt: skip
save(grid, "own_runs_more_tokens_simulated", curve)

# %%
print(answer.more_tokens())

# %% [markdown]
# ## Which of my teachers?
#
# Each teacher of the table, the whole budget spent on this student (teacher inference counted
# where `delta_lgt` is 1). `share` is the part of the bootstrap replicates in which that teacher is
# the best one; `regret` is what the choice loses on average over the replicates. Teachers within
# one run's noise of each other are no different; teacher losses are taken as they stand.

# %%
save(None, "own_runs_teachers_simulated", answer.teachers)
answer.teachers.drop(columns="student_params").head(6).map("{:.4g}".format)

# %% [markdown]
# ## Should I distil at all?
#
# The same budget spent on training the student on data. The verdict is *undecided* where the range
# of the gain (9 of 10 replicates) holds zero or the gain is within one run's noise. There is *no
# verdict* where size, tokens, budget or their ratio lie beyond the runs, or where a fit does not
# converge.

# %%
print(*answer.sentences(), sep="\n")

# %% [markdown]
# ## Check
#
# The example's runs come from the `corrected` law, so that here, and only here, the truth is known:
# the interval of the gain must hold it.

# %%
if example:
    made_by, asked = laws.load("corrected"), (problem.student_params, chosen.student_tokens)
    data_tokens = problem.compute / (3 * flops.forward_flops(problem.student_params))
    truth = made_by.supervised.loss(problem.student_params, data_tokens)
    truth -= made_by.loss(*asked, chosen.teacher_loss)
    low, high = answer.advice.ranges["gain"]
    claims.check("own-runs-mean-error", distillation.mean_relative_error())
    claims.check("own-runs-gain", bool(low <= truth <= high))

# %% [markdown]
# ## What to take away
#
# Take the verdict with its range, and only where it is inside your runs. Coefficients of a small
# study mean nothing one by one; seven teachers and students on both sides of theirs are what a law
# of your own needs.
