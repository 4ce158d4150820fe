# %% [markdown]
# # 21 · Does a distilled student end below its supervised floor?
#
# [← 17](17_real_text.ipynb)
# · [README](../README.md)
# · [13 →](13_other_peoples_runs.ipynb)
# · *Does it hold elsewhere?*
#
# "Distilling may never stop paying" comes from laws that put a distilled student, with tokens
# without end, **below what labels without end would give the same student**: by 13 to 22
# thousandths of a nat in the median. For best weights that cannot be: labels and the perfect
# teacher have the same expected loss, hence the same best weights, and no other teacher leads below
# them. But laws are fitted to what training reaches, not to best weights. So: what does training
# reach?
#
# A student of 25 thousand parameters on the words of notebook 08 reads 100, 400, 1000 and 3000
# tokens a parameter from labels, from the perfect teacher, and from a trained one of 201 thousand
# parameters (loss 1.489, about half as far above the entropy as the student). Question, criteria
# and prediction stand in `data/runs/README.md`, as they were committed before the first run; 3000
# was added when the others were known, with predictions of its own. Intervals are Student's, at
# 95%, over the eight seeds of the design.

# %% tags=["parameters"]
profile = "full"

# %%

import numpy as np
import pandas as pd
import seaborn as sns
from scipy import stats

from scalinglib.experiment.compare import interval
from scalinglib.report import claims, figures, profiles
from scalinglib.report.columns import ENDS, axis_label
from scalinglib.report.panels import Panels, zero
from scalinglib.report.paths import DATA
from scalinglib.study import record
from scalinglib.study.designs import floor, strong_teachers
from scalinglib.study.run import WORDS

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
E = WORDS.entropy

# %% [markdown]
# ## What the runs say
#
# Each difference is a taught student's loss less that of the student on labels with as many tokens
# and the same number of a seed. Below zero the teacher still pays.

# %%
runs = record.read(DATA / "runs" / "floor.csv")
pairs = floor.pairs(runs)
pairs["teacher_name"] = pairs.teacher.map(floor.TEACHERS)

# %%
worth = -pairs.groupby(["ratio", "teacher_name"], sort=False).difference.mean()
perfect, trained = worth[max(floor.RATIOS)][["perfect teacher", "trained teacher"]]
counts = pairs.groupby(["ratio", "teacher"]).size()
noise = f"95% interval of the mean, {counts.min()} seeds"
title = (
    f"At {max(floor.RATIOS)} tokens a parameter a perfect teacher saves {perfect:.2f} nats, "
    f"a trained one {'saves' if trained > 0 else 'costs'} {abs(trained):.2f}"
)
labels = ("tokens a parameter", axis_label("gap"))
shown = pairs.assign(at=pairs.ratio * np.where(pairs.teacher_name == "perfect teacher", 0.98, 1.02))
grid = Panels(shown, "at", "difference", title, labels=labels)
grid.draw(sns.lineplot, hue="teacher_name", errorbar=interval, err_style="bars", marker="o")
grid.each(zero).set(xscale="log", xticks=floor.RATIOS, xticklabels=floor.RATIOS)
grid.key(bars=f"{noise}; lines set a little apart")
grid.setting("Students of 25k parameters on made-up words")
grid.tick_params(which="minor", length=0)
save(grid, "floor_differences", pairs.drop(columns="teacher"))

# %%
told = floor.summary(pairs)
told["teacher"] = told.teacher.map(floor.TEACHERS)
told.round(4)

# %% [markdown]
# The perfect teacher is worth 0.06 nats at 100 tokens a parameter and **still pays 0.02 at 3000**,
# by the criterion. The trained one falls faster: it is worth next to nothing at 1000, and **at 3000
# it costs 0.013**. Both were predicted. (Students on labels begin and read apart from taught ones,
# which share both: the intervals hold, but are wider than those of pairs would be.)
#
# ## What they say of tokens without end
#
# By the criterion each seed's differences are fitted by $\delta + c M^{-b}$ for three $b$ laid down
# beforehand; $\delta$ is what would be left at infinity. The runs on 3000 tokens a parameter were
# added when the others were known, so that each $b$ had to foretell them first, from the three
# shorter lengths: `off` is measured less foretold.

# %%
early = floor.extrapolated(pairs, floor.RATIOS[:-1])
early["teacher"] = early.teacher.map(floor.TEACHERS)
early.round(4)

# %% [markdown]
# **The gain falls slowly.** The power 1, which left the perfect teacher's student 0.03 nats below
# its floor, has failed under both teachers: the gain at 3000 tokens a parameter is smaller than it
# says by 0.010 and 0.017 nats. The power 0.25 foretold both to 0.001. The power 0.5 is off to the
# same side as 1, by less than is told. Now with all four lengths:

# %%
limits = floor.extrapolated(pairs)
limits["teacher"] = limits.teacher.map(floor.TEACHERS)
save(None, "floor_limits", limits)
limits.round(5)

# %% [markdown]
# With thirty times as many tokens, too, the answer depends on $b$. With $b$ = 0.25, which the data
# prefer (the smallest residuals), the perfect teacher's student ends 0.012 nats above labels'; with
# 0.5 and with 1, which has failed, it ends 0.013 and 0.025 below, told each time. The trained
# teacher's ends above with 0.25 and 0.5, and with 1 neither is told. So by the criterion, which
# asked for all three, **it is not told that a distilled student ends below its floor, under either
# teacher**. The 13 thousandths of the laws that say "never stops paying" are excluded for the
# trained teacher; for the perfect one they are not. All this was predicted before the runs on 3000.
# Of the first predictions two had not come: a $\delta$ of the perfect teacher within 0.01 of zero
# at $b$ = 0.5, and a trained teacher whose student is told to end above for every $b$.
#
# Has a taught student passed where labels are heading? Labels' losses from 20 tokens a parameter
# on, of this table and of notebook 08's, fitted by $L + B M^{-b}$:

# %%
study = record.read(DATA / "runs" / "study.csv")
alone = pd.concat([study, runs]).query("kind == 'supervised' and n_layers == 2")
alone = alone.drop_duplicates("id")
heading = floor.labels_floor(alone)

# %%
last = pairs[pairs.ratio == max(floor.RATIOS)].groupby("teacher_name").loss
ends = pd.DataFrame({"loss": last.mean(), "seeds": last.size()})
print(f"labels are heading for {heading.loss:.3f} ({heading.low:.3f} to {heading.high:.3f}), "
      f"as M^-{heading.power:.2f}; the best weights are no lower than E = {E:.3f}")  # fmt: skip
ends.round(4)

# %% [markdown]
# No: labels are heading far lower than either taught student is after 3000 tokens a parameter. What
# is below labels at a number of tokens is not below labels' floor.
#
# ## Which forms predicted it
#
# Eight forms, fitted to notebook 08's runs alone, had been asked for each cell before it was
# trained (`data/fits/open_predictions.csv`). Here are two of them under the perfect teacher, and
# below, of all, how far the foretold difference to labels is off under either teacher:

# %%
foretold = pd.read_csv(DATA / "fits" / "open_predictions.csv").query("form != 'labels'")
means = pairs.groupby(["ratio", "teacher"]).difference.mean().rename("measured").reset_index()
asked = foretold[foretold.experiment == "floor"]
asked = asked.assign(ratio=(asked.tokens / asked.params).round().astype(int))
asked = asked.merge(means, on=["ratio", "teacher"])
asked["miss"] = asked.measured - asked.difference
asked["form"] = asked.form.replace("equation8", "Equation 8")
asked["by"] = asked.teacher.map(floor.TEACHERS)
asked = asked.sort_values(["ratio", "by"], kind="stable")

# %%
perfect = asked[asked.by == "perfect teacher"]
much = perfect.miss[perfect.form == "Equation 8"]
title = f"On long runs the paper's law promises {much.min():.2f} to {much.max():.2f} nats too much"
TITLED = {"Equation 8": "the paper's law", "bias and variance": "our law"}
two = perfect[perfect.form.isin(TITLED)].replace({"form": TITLED})
grid = Panels(two.assign(at=two.ratio * 1.03), "at", "difference", title, labels=labels)
grid.draw(sns.lineplot, hue="form", marker="o")
measured = pairs[pairs.teacher_name == "perfect teacher"].assign(
    form="measured", at=lambda t: t.ratio
)
grid.draw(sns.lineplot, measured, hue="form", palette={"measured": "black"},
          errorbar=interval, err_style="bars", marker="o")  # fmt: skip
grid.each(zero).set(xscale="log", xticks=floor.RATIOS, xticklabels=floor.RATIOS)
grid.tick_params(which="minor", length=0)
grid.key(bars=f"{noise}; laws set a little apart")
grid.setting("Students of 25k parameters under a perfect teacher; laws fitted to shorter runs.\n"
             "Our law: what a student of its size misses and what too few tokens cost")  # fmt: skip
save(grid, "floor_forms", asked.drop(columns=["experiment", "by"]))
asked.groupby("form").miss.agg(mean_abs=lambda miss: miss.abs().mean(), mean="mean").round(4)

# %% [markdown]
# **Bias and variance predicted what a teacher is worth to 0.003 nats** on average, up to fourteen
# times the tokens that any such student of notebook 08 had, and no worse at 3000 tokens a parameter
# than at fewer. Its variants without the cross term (`orthogonal`) and with the floor kept, and the
# two forms with a dip, are off by 0.003 to 0.005. Equation 8 promises 0.02 to 0.04 too much in each
# cell, the sum of teacher's and imitation error (`cosine`) 0.01 to 0.03; the form with size and
# tokens apart (`two parts`) expects too little, by up to 0.045.
#
# ## Large students under stronger teachers
#
# The runs of Figure 1 hold no large student with a teacher much stronger than itself: where $u =
# (L_T - E) / (\tilde L_S - E)$ lies between 0.6 and 0.95. Of ours, the largest student (388
# thousand parameters) has such runs in `data/runs/largest_students.csv`, to which no form was
# fitted; beside them stand the runs made for this (`strong_teachers`: six settings of two sizes,
# and a student of 1M parameters). The criterion is of the six: the mean over settings of how far a
# form is off, seeds averaged first, and the paired difference to Equation 8's. $u$ is from the
# students' runs on labels, and from the supervised law where there are none.

# %%
tables = ("largest_students.csv", "strong_teachers.csv")
large = [record.read(DATA / "runs" / name) for name in tables]
everything = pd.read_csv(DATA / "fits" / "open_predictions.csv")
labels_alone = pd.concat([study, large[1]]).query("kind == 'supervised'")

# %%
strong = strong_teachers.beside_foretold(pd.concat(large), labels_alone, everything, E)
strong["percent"] = 100 * strong.error
setting = ["params", "tokens", "teacher"]
mine = pd.MultiIndex.from_frame(large[1][setting])
strong["made_for_this"] = pd.MultiIndex.from_frame(strong[setting]).isin(mine)
strong["form"] = strong.form.replace("equation8", "Equation 8")

# %%
larger = strong[strong.params > 1e6]
strong = strong[(strong.params < 1e6) & strong.u.between(*strong_teachers.REGIME)]
strong = strong.rename(columns={"params": "student_params"})
made = strong[strong.made_for_this]
save(None, "strong_teachers", strong)


# %%
def judge(percent):
    """The criterion's numbers, over settings as if independent."""
    miss = percent.abs()
    versus = miss.sub(miss["Equation 8"], axis=0)
    signed = {"mean |error|, %": miss.mean(), "mean error, %": percent.mean()}
    table = pd.DataFrame(signed | {"less Equation 8's": versus.mean()})
    table[["low", "high"]] = [interval(versus[form]) for form in versus]
    others = versus.drop(columns="Equation 8")
    p = stats.ttest_1samp(others, 0).pvalue * others.shape[1]
    return table.join(pd.Series(np.minimum(p, 1), others.columns, name="p, corrected"))


judged = {}
for name, part in (("made for this", made), ("all", strong)):
    percent = part.pivot_table(
        index=["student_params", *setting[1:]], columns="form", values="percent"
    )
    within = ((percent.min(axis=1) < 0) & (percent.max(axis=1) > 0)).sum()
    print(f"{name}: {len(percent)} settings, {within} of them within the span of the forms")
    judged[name] = judge(percent)
print(f"of the runs made for this {len(large[1])} of {len(strong_teachers.RUNS)} are trained")
pd.concat(judged, axis=1).round(3)

# %% [markdown]
# By the criterion **bias and variance is not nearer than Equation 8**: both are off by a quarter of
# a per cent, and the third seed, which was added later, changed nothing. It had been told to be
# while there were four settings of one seed, judged together with those of `largest_students.csv`,
# where Equation 8 is off by up to 2% on few tokens. Of the other forms only two parts is nearer,
# one of seven that were compared, and after Bonferroni's correction for the seven that is not told.
# As predicted no form is off by 1.5% on average; that all are off to one side did not come: in five
# of six settings they lie on both sides of the run.
#
# The student of 1M parameters is 2.8 times larger than any taught student that the forms were
# fitted to. Here is how far its predictions are off (%), by tokens a parameter; the row `labels` is
# the supervised law, against the run on labels:

# %%
alone = labels_alone.groupby(["params", "tokens"]).loss.mean().rename("measured")
said = everything[everything.form == "labels"].drop_duplicates(["params", "tokens"])
said = said.join(alone, on=["params", "tokens"], how="inner").query("params > 1e6")
said["percent"] = 100 * (said.loss / said.measured - 1)
off = pd.concat([said, larger]).assign(ratio=lambda t: (t.tokens / t.params).round().astype(int))

# %%
SAID = {"labels": "trained on data", "Equation 8": "under a teacher"}
single = large[1].assign(form=np.where(large[1].kind == "supervised", "labels", "Equation 8"))
single = single[["params", "tokens", "form", "loss"]].rename(columns={"loss": "of_seed"})
shown = off.merge(single).assign(percent=lambda t: 100 * (t.loss / t.of_seed - 1))
seeds = shown.groupby(["form", "ratio"]).size().groupby("form").min()
worst = off.percent.abs().groupby(off.form).max()
title = (
    f"The paper's laws foretell a 1M student to {worst['Equation 8']:.1f}% under a teacher, "
    f"to {worst['labels']:.0f}% on data"
)
label = f"{ENDS['error']}error of the predicted loss (%)"
shown = shown.replace({"form": SAID})
grid = Panels(shown, "ratio", "percent", title, labels=("tokens a parameter", label)).each(zero)
look = {"errorbar": interval, "err_style": "bars", "marker": "o"}
grid.draw(sns.lineplot, hue="form", key="right", **look)
counted = f"{seeds['Equation 8']} seeds under a teacher ({seeds['labels']} on data)"
grid.key(bars=f"95% interval of the mean, {counted}")
grid.set(xticks=sorted(off.ratio.unique()))
grid.setting(
    "Made-up words; laws fitted to smaller students. The worst of seven other laws\n"
    f"is off by {worst.drop(['labels', 'Equation 8']).max():.1f}% under a teacher"
)
save(grid, "million_student", off[["form", "params", "tokens", "measured", "loss", "percent"]])

# %%
off.pivot_table(index="form", columns="ratio", values="percent").round(2)

# %%
beyond = larger.groupby(["params", "tokens"])[["teacher_loss", "u", "measured"]].first()
seeds = large[1].dropna(subset="teacher").groupby(["params", "tokens"]).loss.agg(["std", "size"])
beyond.join(seeds).join(alone.rename("on_labels")).round(4)

# %% [markdown]
# **Forms foretell the large student to within about 1%, although the supervised law that they stand
# on is off by up to 5%.** That law, which has seen this size on one token a parameter, expects
# labels to take it to 1.37 nats on five, hardly above the entropy; they took it to 1.44, which is
# where its teacher stands. A taught student depends on that law much less: its teacher's loss is
# measured, and the student ends near it. So farther out trust what a law of distillation says of a
# taught student, more than what the supervised law says of one trained on data; the *gain* of
# distilling, which needs both, would be wrong here by all of the 5%. Equation 8 is the nearest of
# the eight forms on average, by what three settings under one teacher say.
#
# Of the predictions one failed: that every form would be too low by more than 1.5%. The labels'
# distance from the law came as predicted (0.013, 0.038 and 0.072 nats on 2, 3 and 5 tokens a
# parameter). Only the setting in the middle lies inside the regime: on 2 tokens $u$ is 0.56; on 5
# the student on labels is as good as its teacher ($u$ = 0.997), and being taught cost it 0.005 nats
# (three seeds taught, deviation 0.001, and one on labels).
#
# ## Do ranges hold there?
#
# The ensemble of notebook 14 has rules for how wide a range must be. Here they are asked about all
# these runs, of which they saw none: laws fitted to notebook 08's runs, weights and widths from
# the paper's runs and from text (`tools/once/unseen.py`). How many of the 90% ranges hold what was
# measured, of the distilled loss, and of the gain where the student was trained on labels too:

# %%
unseen = pd.read_csv(DATA / "fits" / "unseen.csv")
unseen["width"] = 100 * (unseen.high - unseen.low)
unseen["error"] = 100 * (unseen.measured - unseen.centre).abs()
unseen["size"] = unseen.student_params.map("{:.3g}".format)
unseen.groupby(["what", "size"], sort=False).agg(
    asked=("held", "size"), held=("held", "sum"), width=("width", "mean"), error=("error", "mean")
).round(2)

# %% [markdown]
# All of the losses and all gains but one are held; that one (1M parameters on 5 tokens a parameter)
# lies 0.0006 outside. What the supervised law misses by far is in the range of a gain, as it should
# be. Ranges of the loss are wider than these runs needed: at 1M parameters 14%, where the centre is
# off by half a per cent. They were made for worse surprises, which came on text (notebook 14).
#
# ## Verdicts
#
# The criteria as they were laid down; `data/claims.toml` has their words.

# %%
binding = settings.saves
below = limits.groupby("teacher").high.max() < 0
claims.check("floor-ends-below", bool(below["perfect teacher"]), binding)
claims.check("floor-trained-ends-below", bool(below["trained teacher"]), binding)
higher = judged["made for this"].high["bias and variance"]
claims.check("strong-teachers-bias-variance", higher, binding)
claims.check("ensemble-unseen", unseen.groupby("what").held.mean().min(), binding)

# %% [markdown]
# ## What to take away
#
# 1. **Nothing shows a distilled student below its supervised floor.** At 3000 tokens a parameter
# the perfect teacher still pays (-0.020 nats, -0.026 to -0.014), and the trained one costs (0.013,
# 0.007 to 0.020). What is left of the perfect teacher's gain without end depends on a power that
# the runs do not determine; by the power that foretold the longest runs best nothing is left.
# 2. **Of the forms behind "never stops paying" Equation 8 and the cosine are too hopeful in every
# cell**, by 0.01 to 0.04 nats; the dip, which keeps the floor when it is fitted to these runs, is
# off by 0.005. Bias and variance and its variants are off by 0.003 to 0.005.
# 3. **In the missing regime no form of the ensemble is told to be nearer than Equation 8**, and
# none is off by more than 1% on average. Bias and variance expects a little too much of a strong
# teacher there, in every setting made for this, the dips more; the cosine mostly too little.
# 4. **Far out a law says more of a taught student than of one trained on data**: of 1M parameters
# it foretold the former to 1% and the latter to 5%, so do not trust the gain there.
# 5. **Ranges by the ensemble's rules hold there**: 37 of 37 losses, 8 of 9 gains.
#
# Eight seeds a cell of the floor and three of a strong teacher's, but one language.
