# %% [markdown]
# # 08b · The small-scale study: best sizes, distil or train on data, weak teachers
#
# [← 08](08_small_scale_study.ipynb)
# · [README](../README.md)
# · [17 →](17_real_text.ipynb)
# · *Does it hold elsewhere?*
#
# *Sections 5.1, D.2, E.1, E.4, E.5 and E.7.* Notebook `08` trained small transformers by the
# paper's protocols and fitted its law to them. Here is what follows for someone who decides: where
# distillation wins, the size that a budget wants, what a weak teacher can do, and what was held
# fixed. Symbols are those of notebook `08`: $N$ parameters, $D$ tokens, $M = D / N$, $C$ FLOPs, $S$
# the student, $T$ its teacher, $\tilde L_S$ the loss of the same student trained on data, without a
# teacher.

# %% tags=["parameters"]
profile = "full"

# %% tags=["hide-input"]
from functools import partial

import numpy as np
import pandas as pd
import seaborn as sns
from scipy import stats

from scalinglib import fit, sentences
from scalinglib.experiment import compare, execute
from scalinglib.report import claims, figures, profiles
from scalinglib.report.columns import axis_label
from scalinglib.report.panels import Panels, bars, zero
from scalinglib.report.paths import DATA
from scalinglib.study import PERFECT, Recipe, Words, analysis, by_ratio, lexicon, record, size
from scalinglib.study.designs import scaling

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## Long distillation: does the gain last as tokens grow?
#
# Section 5.1 says that distillation is favourable on few tokens and training on data wins on many;
# Section E.6 says that they are equal in the end, with the best teacher. We hold each student
# against itself trained on data, seed by seed, with the best of six trained teachers. Which one is
# best the fitted law says, so that luck does not count as a gain.

# %%
runs, design = record.read(DATA / "runs" / "study.csv"), scaling.FULL
table, versus = analysis.means(runs), analysis.against_data(runs)
versus = versus.rename(columns=lambda name: name.replace("difference", "gap"))
on_data, distilled = (table[table.kind == kind] for kind in ("supervised", "distilled"))
options, inputs = {"starts": settings.fit_starts}, ["params", "tokens", "loss"]
supervised = fit.fit_supervised(on_data[inputs], **options)
law = fit.fit_distillation(distilled, supervised, **options).law
*trained, perfect = (t if t == PERFECT else t.id for t in design.fixed_teachers())

# %%
taught = versus[versus.teacher.isin(trained)].rename(columns={"params": "student_params"})
predicted = law.loss(taught.student_params, taught.tokens, taught.teacher_loss)
long = taught.assign(tokens_per_param=taught.tokens / taught.student_params, predicted=predicted)
long = long.loc[long.groupby(["student_params", "tokens"]).predicted.idxmin()]
two = long[long.n_layers <= 2].replace({"verdict": {"no difference": "undecided"}})
wins = two.verdict.eq("distilling wins").groupby(two.n_layers).agg(["sum", "size"])
title = "Distilling wins at {} of {} lengths for the larger student, {} of {} for the smaller"
title = title.format(*wins.loc[2], *wins.loc[1])
grid = Panels(two, "tokens_per_param", "gap", title, col="student_params", size=(8.6, 3.7))
looks = {"distilling wins": "#0072B2", "undecided": "#999999", "data wins": "#D55E00"}
grid.draw(bars, hue="verdict", palette=looks, markersize=7).each(zero)
grid.setting("Random English words; each student with the best of six teachers by the law")
columns = ["student_params", "tokens", "tokens_per_param", "teacher_loss", "seeds", "loss"]
columns += ["loss_data", "gap", "gap_low", "gap_high"]
grid.key(bars="95% interval of the mean, paired by seed")
save(grid, "long_distillation_small_scale", long[columns])

# %% [markdown]
# **Read it.** Drawn are the two smallest students, which read the most tokens a parameter; the
# table has all five. Distillation is ahead nearly everywhere, for the smallest student at times by
# less than its noise. The larger student's gain shrinks with tokens, but training on data wins on
# no number of tokens that was tried. Bars are 95% intervals of the paired differences; where a
# setting has one seed, their width is that of its neighbours'. All five students:

# %%
long.verdict.value_counts().to_frame("settings")

# %%
most = long.loc[long.groupby("student_params").tokens.idxmax()]
most = most[most.tokens_per_param >= 100]
few = long[long.tokens_per_param.between(4, 7)]
claims.check("study-few-tokens-distil", (few.gap < 0).mean())
claims.check("study-many-tokens-supervise", sentences.every(most.verdict == "data wins"))
claims.check("study-long-distillation-equal", most.gap.abs().max())

# %% [markdown]
# ## Distil, or train on data? (Figures 6 and 13)
#
# ### Figure 6: the student's tokens
#
# One student under three of its trained teachers. The table has all students and teachers.

# %%
taught = taught.sort_values("tokens", kind="stable")
shown = taught[taught.n_layers.eq(2) & taught.teacher.isin([trained[i] for i in (1, 2, 5)])]
shown = shown.astype({"teacher_params": float}).rename(columns={"tokens": "student_tokens"})
title = "The larger the teacher, the more tokens on which distilling wins"
shown["student_tokens"] *= 0.92 + 0.04 * shown.teacher_params.rank(method="dense")
grid = Panels(shown, "student_tokens", "gap", title)
grid.draw(bars, hue="teacher_params", fmt="o-").each(zero)
grid.key(bars="95% interval of the mean, paired by seed")
grid.setting("Student of 25k parameters; random English words; lines drawn 4% of tokens apart")
columns = ["student_params", "tokens", "teacher_params", "teacher_loss"]
columns += ["gap", "gap_low", "gap_high"]
save(grid, "fig06_fixed_tokens_small_scale", taught[columns])

# %% [markdown]
# Few tokens favour distillation, many favour data, from a number that grows with the teacher.
#
# ### Figure 13: which teachers are good enough for a student?
#
# Students on 20 tokens a parameter, under teachers of any size and training.

# %%
twenty = {size(depth).params: by_ratio(depth, 20).tokens for depth in (1, 2, 3)}
own = versus[versus.teacher.ne(PERFECT) & versus.tokens.eq(versus.params.map(twenty))]
own = own.rename(columns={"params": "student_params"}).sort_values("teacher_loss", kind="stable")
title = "The larger the student, the stronger a teacher it needs to beat training on data"
apart = 0.008 * (own.student_params.rank(method="dense") - 2)
grid = Panels(own.assign(teacher_loss=own.teacher_loss + apart), "teacher_loss", "gap", title)
grid.draw(bars, hue="student_params", fmt="o-").each(zero)
grid.key(bars="95% interval of the mean, paired by seed")
grid.setting("Students on 20 tokens a parameter; random words; lines drawn 0.008 nats apart")
save(grid, "fig13_teachers_small_scale", own[columns])

# %% [markdown]
# How often do the laws have the sign of the difference right, where the runs are sure of it?

# %%
told = taught[taught.verdict != "no difference"]
by_law = law.loss(told.student_params, told.tokens, told.teacher_loss)
by_law -= supervised.law.loss(told.student_params, told.tokens)
right = (np.sign(by_law) == np.sign(told.gap)).mean()
print(f"{len(told)} of {len(taught)} settings differ; the laws' sign is right in {right:.1%}")
claims.check("study-contours-match-runs", right)

# %% [markdown]
# ## The best size (Figure 39)
#
# A student budget buys many steps of a small student or few of a large one. Each point is the
# minimum of a parabola through such a profile; bars hold 95% of what the noise of the seeds does to
# it. Profiles whose least loss is at an end have no point.

# %%
PROFILES = [(flops, depth) for flops, depths in design.profiles for depth, _ in depths]
students = analysis.at_budgets(distilled[distilled.teacher.isin([*trained, perfect])], PROFILES)
best = analysis.optima(students, ["teacher", "teacher_loss"], draws=settings.fit_replicates)
best = best.sort_values(["teacher_loss", "budget"])
best = best.rename(columns={"at": "student_params", "at_low": "student_params_low",
                            "at_high": "student_params_high"})  # fmt: skip

# %%
labels = axis_label("teacher_loss"), "parameters of the best student"
title = "A student's best size depends on the budget far more than on the teacher"
grid = Panels(best[best.budget != 1e11], "teacher_loss", "student_params", title, labels=labels)
grid.draw(bars, hue="budget", fmt="o-", key="right")
grid.key(bars="95% interval, by the noise of seeds")
grid.setting("Random English words, two budgets of three; a dot: the best student under a teacher")
save(grid, "fig39_isoflop_optima_small_scale", best)

# %% [markdown]
# And the best size of a teacher on a teacher's budget, for students on 20 tokens a parameter. Only
# four profiles have their minimum inside. The best teacher grows with its own budget, and is the
# same for both students.

# %%
at_twenty = distilled[distilled.tokens == distilled.params.map(twenty)]
at_twenty = at_twenty.assign(budget=at_twenty.teacher.map(analysis.teacher_budgets(design)))
profiled = at_twenty.dropna(subset="budget").drop(columns="student_params")
profiled = profiled.rename(columns={"params": "student_params"})
teacher = analysis.optima(profiled, ["student_params"], "teacher_params", settings.fit_replicates)
teacher = teacher.rename(columns={"at": "teacher_params", "at_low": "teacher_params_low",
                                  "at_high": "teacher_params_high"})  # fmt: skip
save(None, "fig39b_best_teachers_small_scale", teacher)
teacher.set_index(["student_params", "budget"]).filter(like="teacher_params").map("{:.3g}".format)

# %% [markdown]
# ### How fast does the best size grow with compute?
#
# $N^* \propto C^a$. `exponent` is the slope of the parabolas' minima, and `low` and `high` hold 95%
# of the draws. `law` is the slope of the fitted law's own optimum. `through_law` draws the same
# parabolas through the law's losses, which shows the error of the method itself.

# %%
SUPERVISED = [(flops, depth) for flops, depths, _ in design.isoflop for depth in depths]
isoflop = analysis.at_budgets(on_data, SUPERVISED)
exponent = partial(analysis.size_exponent, draws=settings.fit_replicates)
slopes = {"trained on data": exponent(isoflop, supervised.law.loss)}
for loss, own in students.groupby("teacher_loss"):
    slopes[f"teacher of {loss:.2f} nats"] = exponent(own, partial(law.loss, teacher_loss=loss))
slopes = pd.DataFrame(slopes).T.dropna()
save(None, "isoflop_exponents_small_scale", slopes.rename_axis("source").reset_index())
slopes.round(3)

# %% [markdown]
# Trained on data, parabolas and law agree. Under strong teachers the law's exponent is too small:
# it lies below the parabolas' interval.

# %%
slope = slopes.loc["trained on data"]
claims.check("study-isoflop-exponent", bool(slope.low <= slope.law <= slope.high))
minima = isoflop.groupby("budget").apply(analysis.profile_minimum, include_groups=False)
strongest = students[students.teacher == trained[-1]].groupby("budget")
strongest = strongest.apply(analysis.profile_minimum, include_groups=False)
both = strongest.join(minima.loss.rename("loss_data"), how="inner")
claims.check("study-best-student-of-budget", sentences.every(both.loss < both.loss_data))

# %%
of_teachers = profiled.groupby(["student_params", "budget"])
of_teachers = of_teachers.apply(
    analysis.profile_minimum, sizes="teacher_params", include_groups=False
)
data = on_data[on_data.tokens == on_data.params.map(twenty)].set_index("params").loss
least = of_teachers.loss.astype(float).groupby("student_params").min()
claims.check("study-optimal-teacher-beats-labels", sentences.every(least < data[least.index]))

# %% [markdown]
# ## Weak to strong
#
# ### Figure 41: two pairs
#
# A weak teacher with a larger student, and a stronger teacher with a smaller one, over the
# student's tokens. The first pair is drawn, the table has both.

# %%
lines = []
for teacher, depth in ((trained[0], 3), (trained[2], 1)):
    own = distilled[(distilled.teacher == teacher) & (distilled.n_layers == depth)]
    alone = on_data[on_data.n_layers == depth]
    taught, student = (figures.label_size(float(own[name].iloc[0]))
                       for name in ("teacher_params", "params"))  # fmt: skip
    pair = f"teacher of {taught}, student of {student}"
    level = {name: own.teacher_loss for name in ("loss", "loss_low", "loss_high")}
    three = {"teacher": own.assign(**level), "distilled student": own, "trained on data": alone}
    lines += [part.assign(pair=pair, line=line) for line, part in three.items()]
pairs = pd.concat(part.sort_values("tokens", kind="stable") for part in lines)

# %%
first = pairs[pairs.pair == pairs.pair.iloc[0]]
title = "A student much larger than its teacher comes down to the teacher's loss and stays"
labels = "student's tokens", "student's loss (nats)"
grid = Panels(first[first.line != "teacher"], "tokens", "loss", title, labels=labels)
grid.draw(bars, hue="line", fmt="o-")
grid.mark("y", first.teacher_loss.max(), "the teacher's loss")
grid.key(bars="95% interval of the mean")
grid.setting("Student of 83k parameters, teacher of 3k; random English words")
save(grid, "fig41_weak_to_strong_small_scale", pairs[["pair", "line", "tokens", "loss", "error"]])

# %% [markdown]
# The weak teacher's larger student stays far above what data give it. The stronger teacher's
# smaller student stays far above its teacher and a little below what data give it. How far each
# student is from its teacher, as a KL divergence in nats, on its fewest and its most tokens:

# %%
student = pairs[pairs.line == "distilled student"]
save(None, "fig41_kl_small_scale", student[["pair", "tokens", "kl_teacher"]])
student.groupby("pair").kl_teacher.agg(fewest="first", most="last").map("{:.2g}".format)

# %% [markdown]
# ### Who overtakes its teacher?
#
# All settings no more than 0.005 nats above one of the two weakest fixed teachers. So near to the
# teacher seeds agree far better than elsewhere; intervals hold 95% by these settings' own spread.

# %%
near = analysis.overtakers(runs)
params_of = runs.groupby("teacher").teacher_params.first().drop(PERFECT).astype(float)
shown = near[near.teacher.isin(trained[:2])].assign(
    **{f"mnats{end}": 1e3 * near[f"excess{end}"] for end in ("", "_low", "_high")},
    ratio=near.params / near.teacher.map(params_of),
)
shown["taught by"] = "teacher of " + shown.teacher.map(params_of.map(figures.label_size))
shown["taught by"] += " parameters"
save(None, "weak_to_strong_excess_small_scale", shown)
drawn = shown[shown.ratio > 1]
print(f"{drawn.below.sum()} of {len(drawn)} students larger than one of the two weakest teachers")
print(f"are seen below its loss, by {-drawn[drawn.below].mnats.max():.1f}", end=" ")
print(f"to {-drawn[drawn.below].mnats.min():.1f} thousandths of a nat")

# %%
chance = stats.binom.ppf(0.999, len(near), (1 - compare.LEVEL) / 2)
print(f"{near.below.sum()} of {len(near)} settings are below their teacher by their interval;")
print(f"chance gives more than {chance:.0f} in one of a thousand studies")
columns = ["params", "tokens", "teacher_loss", "excess", "error"]
near[near.below].nsmallest(6, "excess")[columns].round(5)

# %% [markdown]
# These differences are real, and too small to be of use. Section E.7 says that a student that
# overtook a weak teacher falls back to it with more tokens. Students larger than the weakest
# teacher, from the tokens of their least loss to their most:

# %%
depth_of = {run.id: run.n_layers for run in design.fixed_teachers() if run != PERFECT}
larger = near[near.n_layers > near.teacher.map(depth_of)]  # of fixed teachers
weakest = larger[larger.teacher == trained[0]]
weakest = weakest[weakest.groupby("n_layers").tokens.transform("size") > 1]
back = weakest.groupby("n_layers").apply(analysis.falls_back, include_groups=False)
back.round(5)

# %%
weak = distilled[distilled.teacher == trained[0]]
weak = weak[(weak.n_layers > 1) & (weak.tokens >= 20 * weak.params)]
claims.check("study-weak-to-strong", bool(near.below.sum() > chance))
claims.check("study-larger-students-overtake", bool(larger.below.any()))
claims.check("study-weak-to-strong-finite", bool(back.rises.any()))
claims.check("study-returns-to-teacher", (weak.loss - weak.teacher_loss).abs().max())

# %% [markdown]
# ## A teacher of another language
#
# Appendix A: if the teacher's data are not the target's, the student learns the teacher's
# distribution. Here is a teacher of the commonest 5 000 words spelt backwards, and its student,
# which reads the right language only; both held against a student trained on data. Nats on the
# right language.

# %%
import tempfile
from concurrent.futures import ThreadPoolExecutor

common, frequencies = lexicon(5000)
backwards = Words([word[::-1] for word in common], frequencies)
misled = by_ratio(1, 100, teacher=by_ratio(1, 100, corpus=backwards))
with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
    task, path = record.task(folder, [misled]), f"{folder}/foreign.csv"
    made = execute.complete([misled], task, path, folder, pool, progress=False)
right = on_data.set_index(["params", "tokens"]).loss[misled.params, misled.tokens]
own = made.iloc[0]
print(f"teacher {own.teacher_loss:.3f}, its student {own.loss:.3f}, trained on data {right:.3f}")
closer = abs(own.loss - own.teacher_loss) < abs(own.loss - right)
claims.check("study-foreign-teacher", bool(closer))

# %% [markdown]
# ## Downstream (Figure 35)
#
# Does the loss say what a model can do? Two measures: next-character accuracy, and the share of
# words completed (the rest of a word from three letters).

# %%
measures = {"accuracy": "next characters", "completion": "words completed from three letters"}
kinds = {"distilled": "distilled", "supervised": "trained on data"}
done = table.melt(["kind", "loss"], list(measures), "measure", "share")
done = done.assign(measure=done.measure.map(measures), kind=done.kind.map(kinds))
done = done.sort_values("kind", kind="stable")  # the fewer, trained on data, on top
grid = Panels(done, "loss", "share",
              "Models of equal loss do nearly equally well, distilled or trained on data",
              col="measure", sharey=False, labels=("loss (nats)", "share right"))  # fmt: skip
looks = {"distilled": "#E69F00", "trained on data": "#0072B2"}
grid.draw(sns.scatterplot, hue="kind", palette=looks, s=18)
grid.setting("Random English words; a dot: mean of one to five seeds of a setting")
columns = ["kind", "params", "tokens", "loss", "accuracy", "completion"]
save(grid, "fig35_downstream_small_scale", table[columns])

# %%
correlation = stats.spearmanr(table.loss, table.accuracy).statistic
middle = table[table.loss.between(1.7, 2.2)].groupby("kind")
lines = {kind: np.polyval(np.polyfit(p.loss, p.accuracy, 1), 1.95) for kind, p in middle}
print(f"rank correlation {correlation:.3f}; accuracy at 1.95 nats:", end=" ")
print(", ".join(f"{kinds[kind]} {value:.4f}" for kind, value in lines.items()))
claims.check("study-downstream-follows", abs(correlation))
claims.check("study-downstream-alike", abs(lines["supervised"] - lines["distilled"]))

# %% [markdown]
# ## Batch size and learning rate: what was held fixed
#
# Models of two sizes on three amounts of tokens, trained on data with other batches and rates,
# three seeds each. How far is the study's own pair above the best pair of its row, in nats, and
# which pair is that?

# %%
sweep = record.read(DATA / "runs" / "sweep.csv")
sweep = sweep.assign(ratio=(sweep.tokens / sweep.params).round().astype(int))
plain = [run.id for run in scaling.SWEEP if run.recipe == Recipe()]
sweep["recipe"] = sweep.id.isin(plain)
row, pair = ["params", "ratio"], ["windows", "peak"]
best = sweep.groupby(row + pair).loss.mean().groupby(row).min()
sweep["excess"] = sweep.loss - best.loc[sweep.set_index(row).index].to_numpy()
cells = sweep.groupby([*row, *pair, "recipe"]).excess.agg(["mean", "sem"]).reset_index()
save(None, "sweep_batch_and_rate", cells)

# %%
chosen = cells[cells.recipe].set_index(row)["mean"]
least = cells.loc[cells.groupby(row)["mean"].idxmin()].set_index(row)[pair]
least.add_prefix("best_").assign(
    own_above_best=chosen.clip(0).round(3), pairs=cells.groupby(row).size()
)

# %%
claims.check("study-recipe-near-best", chosen.max())

# %% [markdown]
# Small batches win, since steps are scarce; with 100 tokens a parameter the batch hardly matters to
# the larger model.

# %% [markdown]
# ## What to take away
#
# Few tokens favour distillation, and no run here was long enough for data to win against the best
# teacher. Students beat weak teachers by thousandths of a nat and stay at their loss.
