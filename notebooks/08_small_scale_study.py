# %% [markdown]
# # 08 · A whole distillation scaling study on a laptop
#
# [← 07](07_compute_optimal_distillation.ipynb)
# · [README](../README.md)
# · [08b →](08b_small_scale_decisions.ipynb)
# · *Does it hold elsewhere?*
#
# *Sections 4.2, 4.3, E.2 to E.4.* The paper's 770 training runs are not public. Here the same study
# is done for real at small scale: the paper's transformer and protocols, a language whose entropy
# is known, every run in a table that anyone can make again (`make study`), and the same law fitted
# (Equation 8, on the supervised law, Equation 1),
#
# $$
# \tilde L_S = E + \left( \frac{A}{N_S^{\alpha}} + \frac{B}{D_S^{\beta}} \right)^{\gamma} \tag{1}
# $$
#
# $$
# L_S = L_T + \frac{1}{L_T^{c_0}} \left( 1 + \left( \frac{L_T}{\tilde L_S d_1} \right)^{1/f_1}
# \right)^{-c_1 f_1} \left( \frac{A'}{N_S^{\alpha'}} + \frac{B'}{D_S^{\beta'}} \right)^{\gamma'}
# \tag{8}
# $$
#
# $N$ counts parameters, $D$ tokens, and $M = D / N$; $S$ is the student, $T$ its teacher, and
# $\tilde L_S$ the loss of a student that is trained on data, without a teacher. Models have 3 400
# to 1.1 million parameters and read characters. So this says how the law does here, not what its
# coefficients are at the paper's scale.
#
# The notebook goes from what is measured to what is fitted: the capacity gap in the runs, the
# supervised law, the distillation law, the collapse on the teacher's loss, IsoFLOP profiles.
# Notebook `08b` has what follows from the law for someone who decides.

# %% tags=["parameters"]
profile = "full"

# %% tags=["hide-input"]

import numpy as np
import pandas as pd
import seaborn as sns

from scalinglib import fit, sentences
from scalinglib.experiment import compare
from scalinglib.report import claims, figures, profiles
from scalinglib.report.columns import axis_label
from scalinglib.report.panels import PARTS, Panels, bars, curve, dots, rings, zero
from scalinglib.report.paths import DATA
from scalinglib.study import PERFECT, Words, analysis, by_ratio, record, size
from scalinglib.study.designs import scaling

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## The runs
#
# The language: words drawn independently with their real English frequencies, spelt out, a space
# after each, 27 symbols in all. Nothing repeats, and a trie knows the probability of every next
# character. Hence the exact irreducible loss, the exact KL of any model, and a perfect teacher.
#
# The models: Section 4.1 and Appendix I scaled down, with width 16 times depth, RMSNorm before each
# block, QK-norm, RoPE, SwiGLU, µP (simple), AdamW and one pass over fresh data; peak learning rate
# 0.02 at every size, batches of $\sqrt{D}/2$ tokens to the nearest power of two of windows
# (notebook `08b` tries others). Where the paper has a warm-up of 2000 steps, a rate of 0.01, RoPE
# base 500 000 and width 128 times depth, we have 5% of the steps, 0.02, 10 000 and 16.
#
# Smaller models have several seeds, two to five. Intervals hold 95% (Student's t). Their width
# comes from the seeds of like settings: of the same depth, on about as many tokens, because noise
# grows tenfold along the tokens of one depth.

# %%
design, entropy = scaling.FULL, Words().entropy
TABLES = ["study", "fixed_tokens", "largest_students"]  # the law is fitted to the first
runs, *apart = (record.read(DATA / "runs" / f"{name}.csv") for name in TABLES)
fixed = [t if t == PERFECT else t.id for t in design.fixed_teachers()]
print(f"{len(runs)} runs; entropy {entropy:.4f} nats per character in windows of {Words().n_ctx}")

# %% [markdown]
# ## The capacity gap
#
# Past some strength a better teacher makes a student no better, or worse: a small student cannot
# learn all that a strong teacher says. Here are students of the six trained teachers with a fixed
# number of tokens per parameter, held against the student of their best teacher, seed by seed.

# %%
taught = pd.concat([runs, *(part[part.kind == "distilled"] for part in apart)])
taught = taught[taught.teacher.isin(fixed[:-1])]
past = analysis.past_best(taught).assign(tokens_per_param=lambda t: t.tokens / t.params)
past = past[past.groupby(["params", "tokens"]).teacher.transform("size") == 6]
past = past.rename(columns={"params": "student_params"}).astype({"teacher_params": float})
past = past.sort_values("teacher_params", kind="stable")

# %% [markdown]
# ### Figures 4 and 37: how much worse than with the best teacher?
#
# The student of 25k parameters, on its fewest tokens and on its most. Zero is the best teacher of
# each line; teachers grow to the right. Weak teachers, more than 0.2 nats worse than the best, are
# in the first table that is saved, with all five students; the second has the losses of the two
# smallest.

# %%
two = past[past.n_layers == 2].round({"tokens_per_param": 0})
two = two[two.tokens.isin(two.tokens.agg(["min", "max"])) & (two.excess < 0.2)]
labels = axis_label("teacher_params"), "student's loss above that\nunder its best teacher (nats)"
title = "A teacher can be too large for a student that sees few tokens"
grid = Panels(two, "teacher_params", "excess", title, labels=labels)
looks = dict(zip(sorted(two.tokens_per_param.unique()), ("#D55E00", "#0072B2"), strict=True))
grid.draw(bars, hue="tokens_per_param", palette=looks, fmt="o-")
grid.draw(rings, two[two.excess == 0], label="best teacher, the zero of its line")
grid.setting("Student of 25k parameters, random words; not drawn: teachers over 0.2 nats worse")
grid.key(bars="95% interval of the mean, paired by seed")
save(grid, "fig37_capacity_gap_kl_small_scale", past)

# %% [markdown]
# **Read it.** On its fewest tokens the student gets worse past its best teacher. On its most tokens
# no teacher is better than the largest, which is the strongest. In numbers, this teacher against
# the best one, for all five students:

# %%
strongest = past[past.teacher_params == past.teacher_params.max()]
strongest = strongest.sort_values("tokens", kind="stable").groupby("student_params")
shown = ["student_params", "tokens_per_param", "excess", "excess_low", "excess_high"]
pd.concat({"fewest": strongest.head(1)[shown], "most": strongest.tail(1)[shown]}).round(3)

# %% [markdown]
# The best teacher was chosen after looking, so these rises are a little too large. A test without
# that fault: the smallest student on 20 tokens a parameter, under all teachers, where the best
# teacher of each seed is chosen by the other seeds. First up to the best trained teacher, then up
# to the perfect one.

# %%
smallest = runs[(runs.kind == "distilled") & (runs.n_layers == 1)]
smallest = smallest[smallest.tokens == by_ratio(1, 20).tokens]
smallest = smallest.assign(quality=-smallest.teacher_loss)
trained = smallest[smallest.teacher != PERFECT]
rises = {"best trained teacher": trained, "perfect teacher": smallest}
rises = pd.DataFrame({name: compare.rise(rows, "quality") for name, rows in rises.items()})
rises.loc[["rise", "low", "high", "p", "is_u"]]

# %%
claims.check("study-capacity-gap", bool(rises.loc["is_u"].any()))
claims.check("study-gap-not-calibration", bool(rises.loc["is_u", "perfect teacher"]))

# %% [markdown]
# For the perfect teacher the rise is clear of zero. For the best trained teacher it is as large as
# the first column says, but five seeds do not quite exclude zero. The perfect teacher is perfectly
# calibrated, so miscalibration is not what makes it a worse teacher (Section B.3).

# %%
STUDENT_LOSS = {"loss_low": "student_loss_low", "loss_high": "student_loss_high"}
apart = pd.concat(apart)
means = analysis.means(pd.concat([runs, apart]))
students = means[means.teacher.isin(fixed[:-1]) & means.n_layers.isin([1, 2])]
students = students.assign(tokens_per_param=(students.tokens / students.params).round())
students = students[students.tokens_per_param.isin([5, 20, 100, 400])]
students = students.rename(columns=STUDENT_LOSS)
students = students.astype({"teacher_params": float}).sort_values("teacher_params", kind="stable")
columns = ["student_params", "teacher_params", "tokens_per_param", "student_loss"]
columns += ["student_loss_low", "student_loss_high", "seeds"]
save(None, "fig04_capacity_gap_small_scale", students[columns])

# %% [markdown]
# ### Does KL rise with the teacher?
#
# The paper says that KL(teacher‖student) rises with the teacher's capability in all cases. Each
# line is one student on four to five tokens a parameter; the table has all numbers of tokens.

# %%
lines = analysis.means(taught)
lines = lines.astype({"teacher_params": float}).sort_values("teacher_params", kind="stable")
apart_from_5 = np.abs(lines.tokens / lines.params - 5)
shown = lines[apart_from_5 == apart_from_5.groupby(lines.params).transform("min")]
seeds = taught.merge(shown[["params", "tokens"]].drop_duplicates())
seeds = seeds.assign(student_params=seeds.params, teacher_params=seeds.teacher_params.astype(float))
grid = Panels(
    seeds, "teacher_params", "kl_teacher",
    "The larger its teacher, the farther from it a student stays",
    labels=(axis_label("teacher_params"),
            "← close     far →\nKL(teacher‖student) (nats)"),
)  # fmt: skip
grid.draw(sns.lineplot, hue="student_params", marker="o", key="right",
          errorbar=compare.interval, err_style="bars").set(yscale="log")  # fmt: skip
grid.draw(dots, shown[shown.seeds == 1], color="white")
grid.key({"one seed": PARTS["dot"] | {"color": "white"}})
grid.setting("Random English words; 4 to 5 tokens a parameter")
save(grid, "fig37_kl_small_scale",
     lines[["student_params", "tokens", "teacher_params", "kl_teacher"]])  # fmt: skip

# %%
isoflop_teachers = analysis.teacher_budgets(design)
distilled = analysis.means(runs[runs.kind == "distilled"])
kl = {
    "fixed-M teachers": analysis.kl_rises(lines),
    "IsoFLOP teachers": analysis.kl_rises(distilled[distilled.teacher.isin(isoflop_teachers)]),
}
claims.check("study-kl-rises", kl["fixed-M teachers"]["steps"])
pd.DataFrame(kl).round(3)

# %% [markdown]
# It rises at nearly every step from one fixed-M teacher to the next better one. Among the teachers
# of IsoFLOP profiles, which differ in size and tokens at once, it does so at three steps of four.
#
# ## The supervised law
#
# Fitted to the means over seeds, as notebook 05 does, with $\gamma$ free, with $\gamma = 1$, and
# with $E$ held at the true entropy.

# %%
supervised_runs = means[means.teacher.isna() & means.tokens.ne(scaling.FIXED_TOKENS[0].tokens)]
on_data = analysis.means(runs).query("kind == 'supervised'")
inputs, options = on_data[["params", "tokens", "loss"]], {"starts": settings.fit_starts}
supervised = fit.fit_supervised(inputs, bootstrap=settings.fit_replicates, **options)
chinchilla = fit.fit_supervised(inputs, fixed={"gamma": 1.0}, **options)
truthful = fit.fit_supervised(inputs, fixed={"E": entropy}, **options)
kinds = {"free": supervised, "gamma = 1": chinchilla, "E known": truthful}
pd.DataFrame(
    {name: {"mean error": found.mean_relative_error(), "E": found.law.E, "gamma": found.law.gamma}
     for name, found in kinds.items()}
).T.round(4)  # fmt: skip

# %%
claims.check("study-supervised-fits", supervised.mean_relative_error())
claims.check("study-no-tying", chinchilla.mean_relative_error() / supervised.mean_relative_error())
claims.check("study-entropy", supervised.law.E / entropy - 1)

# %% [markdown]
# The law is good to about a percent, and only with $\gamma$ free. But the $E$ that it finds, about
# zero, is nowhere near the true entropy, printed above. What a fit calls irreducible is an
# extrapolation.
#
# ### Figure 36a: the loss of teachers at a fixed number of tokens per parameter
#
# Curves are the fitted law, dotted beyond the sizes that were trained on so many tokens. The table
# has three more ratios, and models that all read the same number of tokens.

# %%
teachers = on_data.assign(tokens_per_param=(on_data.tokens / on_data.params).round())
teachers = teachers[teachers.tokens_per_param.isin([5, 10, 20, 50, 100])]
equal = means[means.teacher.isna() & (means.tokens == scaling.FIXED_TOKENS[0].tokens)]
sizes = np.geomspace(size(1).params, size(7).params, settings.curve_points)
lines = pd.DataFrame({"tokens_per_param": [5.0, 100.0]})
lines = lines.merge(pd.DataFrame({"params": np.geomspace(sizes[0], 3e6, 200)}), how="cross")
lines["loss"] = supervised.law.loss(lines.params, lines.tokens_per_param * lines.params)
largest = lines.tokens_per_param.map(teachers.groupby("tokens_per_param").params.max())
lines["inside"] = lines.params <= largest

# %%
shown = teachers[teachers.tokens_per_param.isin(lines.tokens_per_param)]
title = "Beyond the trained models the law falls below the language's entropy"
grid = Panels(shown, "params", "loss", title)
looks = {"palette": {5: "#0072B2", 100: "#D55E00"}, "hue": "tokens_per_param"}
grid.draw(curve, lines, **looks).draw(bars, key=False, **looks)
grid.mark("y", entropy, "entropy: the least loss possible")
grid.key(bars="95% interval of the mean")
columns = ["params", "tokens", "loss", "seeds", "error"]
off = (supervised.law.loss(shown.params, shown.tokens) - shown.loss).abs().max()
grid.setting(f"Random words; lines: law of all models trained on data, {off:.2f} nats off at most")
save(grid, "fig36_teachers_small_scale", pd.concat([teachers, equal])[columns])

# %% [markdown]
# Where a curve crosses the dashed line the law is wrong: no model can be better than the entropy.
#
# ### Figure 36b: IsoFLOP profiles
#
# Models of several sizes, trained with the same FLOPs, and a parabola fitted to each budget. The
# lowest budget is in the table alone: its least loss is at an end of the sizes tried.

# %%
profiles_of = [(flops, depth) for flops, depths, _ in design.isoflop for depth in depths]
isoflop = analysis.at_budgets(on_data, profiles_of)
minima = isoflop.groupby("budget").apply(analysis.profile_minimum, include_groups=False)
minima = minima[minima.seen].reset_index().rename(columns={"at": "params"})
shown = isoflop[isoflop.budget.isin(minima.budget)]

# %%
grid = Panels(shown, "params", "loss", "The larger the budget, the larger the best model")
grid.draw(curve, analysis.parabolas(shown, ["budget"]), hue="budget", key="right")
grid.draw(bars, hue="budget", key=False).key(bars="95% interval of the mean")
grid.draw(rings, minima, label="least loss of a parabola")
grid.setting("Models trained on random English words; a line: a parabola fitted to one budget")
columns = ["budget", "params", "tokens", "loss", "seeds", "error"]
save(grid, "fig36b_isoflop_small_scale", isoflop[columns])

# %% [markdown]
# ### Figure 36c: the best size grows with compute
#
# The same best sizes over the budget, with what the noise of the seeds leaves, and the law's own.

# %%
best = analysis.optima(isoflop.assign(source="data"), ["source"], draws=settings.fit_replicates)
best = best.rename(columns={"at": "params", "at_low": "params_low", "at_high": "params_high"})
along = pd.DataFrame({"budget": np.geomspace(*isoflop.budget.agg(["min", "max"]), 100)})
fine, models = np.geomspace(sizes[0], sizes[-1], 2001), [size(depth) for depth in range(1, 8)]
flops = [3 * model.approximate_forward_flops for model in models]  # of a token; smooth in size:
cost = np.polynomial.Polynomial.fit(np.log([m.params for m in models]), np.log(flops), 2)
each = np.exp(cost(np.log(fine)))
losses = [supervised.law.loss(fine, budget / each) for budget in along.budget]
along["params"] = fine[np.argmin(losses, axis=1)]
first, last = along.iloc[0], along.iloc[-1]
law, draws = supervised.law, supervised.replicates
low, high = np.percentile(draws.beta / (draws.alpha + draws.beta), [2.5, 97.5])

# %%
times = (last.params / first.params) ** (1 / np.log10(last.budget / first.budget))
grid = Panels(best, "budget", "params", f"Ten times the compute wants {times:.1f} times the size",
              labels=(axis_label("budget"), "best number of parameters"))  # fmt: skip
grid.draw(curve, along, color="#333333").draw(bars, color="#0072B2", markersize=8)
grid.key(dot="best size by the runs", bars="95% interval, by the noise of seeds", line="by the law")
grid.setting("Random English words; the law: fitted to all models trained on data, "
             f"{10**low:.1f} to {10**high:.1f} times in 95% of its refits")  # fmt: skip
save(grid, "fig36c_best_size_small_scale", best.drop(columns="source"))

# %%
print(f"N* grows as C^a with a = β / (α + β) = {law.beta / (law.alpha + law.beta):.3f}", end=" ")
print(f"({low:.3f} to {high:.3f})")

# %% [markdown]
# ## The distillation law
#
# Fitted to all distilled runs, with the supervised law held.

# %%
columns = ["student_params", "student_tokens", "teacher_loss", "student_loss"]
distillation = fit.fit_distillation(
    distilled[columns], supervised, bootstrap=settings.fit_replicates, **options
)
law = distillation.law
print(f"mean error {distillation.mean_relative_error():.2%} over {len(distilled)} settings")
fitted = {"supervised": supervised, "distillation": distillation}
tables = {name: found.coefficient_table() for name, found in fitted.items()}
fitted = pd.concat(tables, names=["law"])
save(None, "coefficients_small_scale", fitted.reset_index())
fitted

# %% [markdown]
# "<" and ">" say that a value stands at the edge of the search and not where the runs put it. Most
# single coefficients are hardly determined; the predictions are.
#
# ### Figure 5: does it predict stronger runs?
#
# Each law is fitted to all its runs, then to the weaker ones alone (losses above 1.6 and 1.8 nats),
# which predict the stronger ones.

# %%
EDGES = {"supervised": 1.6, "distillation": 1.8}
stronger = (supervised.runs.loss < 1.6, distillation.runs.student_loss < 1.8)
held = {
    "supervised": fit.hold_out(supervised, stronger[0].to_numpy()),
    "distillation": fit.hold_out(distillation, stronger[1].to_numpy()),
}
whole = {"supervised": supervised.residuals(), "distillation": distillation.residuals()}

# %%
held_out = pd.concat(
    rows.rename(columns={"loss": "observed", "student_loss": "observed"}).assign(
        law=name, full_error=np.expm1(whole[name])
    )
    for name, rows in held.items()
)[["law", "observed", "held", "relative_error", "full_error"]]
errors = held_out.assign(error=held_out.relative_error.abs()).groupby(["law", "held"]).error
errors = errors.agg(["mean", "max", "size"])
errors.round(4)

# %%
LAWS = {"supervised": "law of training on data", "distillation": "law of distillation"}
SEEN = {False: "weaker models, fitted", True: "stronger models, not seen by the fit"}
both = held_out.assign(law=held_out.law.map(LAWS), seen=held_out.held.map(SEEN))
both = both.assign(percent_off=100 * both.relative_error).reset_index(drop=True)
last = both.observed == both.observed.min()
off, most = (np.ceil(both[own].percent_off.abs().max()) for own in (last, both.held & ~last))
title = f"Laws fitted to weak models predict strong ones within {most:.0f}%, "
title += f"the strongest within {off:.0f}%"
grid = Panels(both, "observed", "percent_off", title, col="law",
              labels=("measured loss (nats)", axis_label("percent_off")))  # fmt: skip
looks = dict(zip(SEEN.values(), ("#aaaaaa", "#0072B2"), strict=True))
grid.draw(sns.scatterplot, hue="seen", palette=looks, s=25).each(zero)
grid.draw(rings, both[last], label="the strongest model")
slide = both[both.held & (both.law == LAWS["supervised"])].percent_off
grid.setting("Random English words; left: errors of unseen models drift, "
             f"{slide.max():+.1f}% to {slide.min():+.1f}%, as models get stronger")  # fmt: skip
save(grid, "fig05_predicted_observed_small_scale", held_out)

# %%
claims.check("study-law-fits", distillation.mean_relative_error())
claims.check("study-law-extrapolates", errors["mean"]["distillation", True])
claims.check("study-supervised-extrapolates", errors["mean"]["supervised", True])

# %% [markdown]
# ### A larger student
#
# The largest student, of 388k parameters, met one number of tokens in the study. It was trained on
# four more afterwards, under the same teachers. The law has not seen these runs, and the bound of
# its error (1%) was written down before they were made.

# %%
unseen = means[means.teacher.notna() & means.tokens.isin(apart[apart.n_layers == 5].tokens)]
unseen = unseen[unseen.n_layers == 5]
unseen = unseen.assign(M=(unseen.tokens / unseen.params).round(2))
off = law.loss(unseen.params, unseen.tokens, unseen.teacher_loss) / unseen.loss - 1
claims.check("study-law-largest-student", off.abs().mean())
print(f"{len(unseen)} runs: {(off > 0).mean():.0%} of the predictions are too high")
print(f"least loss {unseen.loss.min():.3f} nats, in the study {distilled.loss.min():.3f}")
off.groupby(unseen.M).agg(["size", "mean", "min", "max"]).round(4)

# %% [markdown]
# It predicts them within 1% on average, but nearly always too high, on few tokens by up to 2%. Part
# of that may be luck: the runs have one seed, which moves all of them together.
#
# ### Figure 1: the law and its runs
#
# How far is the law at most from the students of the fixed teachers, by their size? On 5 to 400
# tokens a parameter:

# %%
SHOWN = {1: (5, 20, 50, 100, 400), 2: (5, 20, 50, 100), 3: (5, 20)}
keys = [(size(d).params, by_ratio(d, m).tokens, float(m)) for d, ms in SHOWN.items() for m in ms]
keys = pd.DataFrame(keys, columns=["student_params", "tokens", "tokens_per_param"])
shown = distilled[distilled.teacher.isin(fixed)].merge(keys, on=["student_params", "tokens"])
shown = shown.rename(columns=STUDENT_LOSS)
predicted = law.loss(shown.student_params, shown.tokens, shown.teacher_loss)
off = (predicted / shown.student_loss - 1).abs().groupby(shown.student_params).max()
columns = ["student_params", "tokens", "teacher", "teacher_loss", "student_loss", "seeds", "error"]
save(None, "fig01_runs_small_scale", shown[columns])
off.rename(figures.label_size).map("{:.1%}".format).to_frame("largest error of the law")

# %% [markdown]
# ## The collapse: only the teacher's loss matters
#
# Teachers of unlike size and training, but of one loss: do they teach alike? Students on 20 tokens
# a parameter of all trained teachers. A cubic in $L_T$ is drawn through each size; then $\log N_T$
# is allowed to help.

# %%
twenty = {size(depth).params: by_ratio(depth, 20).tokens for depth in (1, 2, 3)}
at_twenty = runs[(runs.kind == "distilled") & (runs.tokens == runs.params.map(twenty))]
raw = at_twenty[at_twenty.teacher != PERFECT]
test = pd.DataFrame({n: analysis.collapse(part) for n, part in raw.groupby("params")}).T
test.rename_axis("student size").round(4)

# %% [markdown]
# The spread about one curve is 0.1 to 0.4% of the loss. What seeds alone leave (`noise`: what
# remains of each loss when the means of its teacher and of its seed are taken away) is as large at
# the two smaller sizes; the largest has one seed of most teachers, so there it is not known. So the
# collapse holds as well as these runs can show, with no room to spare. At no size is the slope in
# $\log N_T$ distinguishable from zero.
#
# ### Figure 3

# %%
gap = distilled[distilled.teacher.ne(PERFECT) & distilled.tokens.eq(distilled.params.map(twenty))]
gap = gap.rename(columns=STUDENT_LOSS)
cubic = analysis.cubics(gap, "student_params", "teacher_loss", "student_loss")

# %%
SIZES = {True: "teachers of 83k parameters or more", False: "smaller teachers"}
gap["size"] = gap.teacher_params.ge(size(3).params).map(SIZES)
title = "Teachers of equal loss teach equally well, whatever their size"
grid = Panels(gap.sort_values("size", kind="stable"), "teacher_loss", "student_loss", title)
grid.draw(curve, cubic, hue="student_params", palette=dict.fromkeys(twenty, "#888888"),
          key="left", linewidth=1.2).set(xlim=(1.2, 2.35))  # fmt: skip
looks = dict(zip(SIZES.values(), ("#0072B2", "#E69F00"), strict=True))
grid.draw(bars, hue="size", palette=looks, markersize=5)
grid.key(bars="95% interval of the mean")
grid.setting("Random English words; students on 20 tokens a parameter; lines: fitted cubics")
columns = ["student_params", "teacher_params", "teacher_tokens", "teacher_loss"]
save(grid, "fig03_collapse_small_scale", gap[[*columns, "student_loss", "error"]])

# %%
best = distilled[distilled.tokens == distilled.params.map(twenty)]
best = best.loc[best.groupby("params").loss.idxmin()].teacher_loss
claims.check("study-teacher-loss-alone", test.spread.max())
claims.check("study-gap-larger-students", sentences.every(np.diff(best) <= 0))

# %% [markdown]
# ### Figure 38b (and 3a): which teachers help which student?
#
# The same students held against themselves trained on data, seed by seed. A line is a budget that
# teachers were trained with (an IsoFLOP profile); within it they differ in size and tokens.

# %%
versus = analysis.against_data(runs)
twentieth = versus[
    versus.teacher.isin(isoflop_teachers) & versus.tokens.eq(versus.params.map(twenty))
]
shown = twentieth.assign(budget=twentieth.teacher.map(isoflop_teachers))
shown = shown.rename(columns={"params": "student_params"} | {
    f"difference{end}": f"gap{end}" for end in ("", "_low", "_high")})  # fmt: skip
shown = shown.astype({"teacher_params": float}).sort_values("teacher_params", kind="stable")

# %%
BUDGETS = {3e10: "teachers trained on 3 × 10¹⁰ FLOPs", 1e12: "teachers trained on 10¹² FLOPs"}
two = shown[shown.n_layers.isin([1, 3]) & shown.budget.isin(BUDGETS)]
two = two.assign(trained=two.budget.map(BUDGETS))
title = "Weak and middling teachers that help a small student do not help a large one"
grid = Panels(two, "teacher_params", "gap", title, col="student_params")
grid.draw(bars, hue="trained", fmt="o-").each(zero).key(bars="95% interval of the mean")
columns = ["budget", "student_params", "teacher_params", "teacher_loss"]
columns += ["gap", "gap_low", "gap_high"]
grid.setting("Students on 20 tokens a parameter, paired by seed; random English words")
save(grid, "fig38b_isoflop_teachers_small_scale", shown[columns])

# %%
largest = versus[versus.params.eq(size(3).params) & versus.tokens.eq(by_ratio(3, 20).tokens)]
largest = largest[largest.teacher != PERFECT]
helped = largest[largest.verdict == "distilling wins"].teacher_loss
hurt = largest[largest.verdict == "data wins"].teacher_loss
print(f"largest student: teachers help up to {helped.max():.3f} nats, hurt from {hurt.min():.3f}")
always = (twentieth[twentieth.n_layers == 1].difference < 0).mean()
claims.check("study-weak-students-always-gain", always)
claims.check("study-strong-students-need-strong-teachers", helped.max() < hurt.min())

# %% [markdown]
# ## Student IsoFLOP profiles: what a budget buys under one teacher
#
# Figures 2 and 38a, under a weak teacher and the perfect one; the table has all seven, and more
# budgets. A line is a student budget (the teacher's inference not counted).

# %%
PROFILES = [(flops, depth) for flops, sizes, *_ in design.profiles for depth, _ in sizes]
HEADS = {fixed[1]: "weak teacher (its loss {:.2f})", PERFECT: "perfect teacher (its loss {:.2f})"}
students = analysis.at_budgets(distilled[distilled.teacher.isin(fixed)], PROFILES)
loss_of = distilled.groupby("teacher").teacher_loss.first()[fixed]
students = students.sort_values(["teacher_loss", "params"], ascending=[False, True], kind="stable")

# %%
two = students[students.teacher.isin([fixed[1], PERFECT])].sort_values(["teacher", "params"])
two = two[two.budget.isin([1e10, 1e11, 1e12])]
two["taught by"] = [HEADS[t].format(loss_of[t]) for t in two.teacher]
labels = "student's parameters", axis_label("student_loss")
title = "Students of a weak teacher stop at the teacher's loss"
grid = Panels(two, "params", "loss", title, col="taught by", labels=labels)
grid.draw(bars, hue="budget", fmt="o-", key="right")
grid.mark("y", two.groupby("taught by").teacher_loss.first().to_dict(), "the teacher's loss")
grid.setting("Random English words, spelt out; a line: students of one budget")
columns = ["teacher_loss", "budget", "params", "tokens", "loss", "seeds", "error"]
grid.key(bars="95% interval of the mean; where none is seen, smaller than the dot")
save(grid, "fig38a_fixed_teachers_small_scale", students[columns])

# %% [markdown]
# Section 4.2 expects that for one teacher the loss is a power law in $(N_S, D_S)$, as it is on
# data. So the supervised form is fitted to each teacher's students alone. It expects other
# coefficients for other teachers: `of_weakest` is the error of the law fitted to the weakest
# teacher's students on this one's.

# %%
by_teacher = {t: distilled[distilled.teacher == t] for t in fixed}
own = {t: fit.fit_supervised(part[["params", "tokens", "loss"]], **options)
       for t, part in by_teacher.items()}  # fmt: skip
weakest = own[fixed[0]].law
off = {t: weakest.loss(part.params, part.tokens) / part.loss - 1 for t, part in by_teacher.items()}
one_teacher = pd.DataFrame(
    {t: {"teacher_loss": loss_of[t], "error": found.mean_relative_error(), "E": found.law.E,
         "of_weakest": off[t].abs().mean()} for t, found in own.items()}
).T.set_index("teacher_loss")  # fmt: skip
one_teacher.round(4)

# %%
claims.check("study-power-law-per-teacher", one_teacher.error.max())
claims.check("study-teachers-differ", one_teacher.of_weakest.iloc[1:].min())

# %% [markdown]
# ## What to take away
#
# Models of 3 400 to a million parameters show what the paper says of its law: it fits within 1%,
# only the teacher's loss matters as far as the seeds show, and small students have a teacher
# that is too good. What a fit calls irreducible, $E$, is not the entropy.
