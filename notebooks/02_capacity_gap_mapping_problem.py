# %% [markdown]
# # 02 · The capacity gap in a network you can train in a minute
#
# [← 01](01_capacity_gap_kernel_regression.ipynb)
# · [README](../README.md)
# · [10 →](10_distillation_in_practice.ipynb)
# · *Does it hold elsewhere?*
#
# *Appendix C.2.* Here real networks are trained: multilayer perceptrons with two hidden layers of
# equal width on the Mapping Problem. The paper says that a student that is too small does not
# learn, that one that is large enough matches its teacher, and that in between there is a best
# teacher that is not the best-trained one; and that the problem must mix cases that are easy for
# the student with harder ones. All of it is asked below of small networks: a hundred with the
# paper's own settings, and 3 700 on a wider map around them.

# %% tags=["parameters"]
profile = "full"

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from scalinglib import sentences
from scalinglib.experiment import compare
from scalinglib.experiment.records import select
from scalinglib.gap import mapping as mp
from scalinglib.gap import mapping_paper as paper
from scalinglib.gap import mapping_sweep as sweep
from scalinglib.report import claims, columns, figures, panels, profiles
from scalinglib.report.panels import Panels
from scalinglib.report.paths import DATA

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## What is to be seen
#
# Four students of different width, each taught by teachers of growing width. Teachers get better
# from left to right; the students do not. (How they are trained is said below; bars are 95%
# intervals of five seeds, of differences within a seed.)

# %%
runs = sweep.read(DATA / "runs" / "mapping.csv")
by_width = select(runs, sweep.figure_11())
students = by_width[by_width.role == "student"]


def from_best(rows, over="teacher_width", loss="loss"):
    """The runs of one student with their loss above that of the best teacher, seed by seed."""
    best = rows.groupby(over).loss.mean().idxmin()
    above = compare.differences(rows.assign(loss=rows[loss]), over, best)
    return above.rename(columns={"above": "above_best"}).assign(best=best)


def draw_rises(table, over, title):
    """Students' losses above that under their best teacher, over a property of the teacher."""
    labels = (columns.axis_label(over), "loss above that under the best teacher (nats)")
    grid = Panels(table, over, "above_best", title, col="width", labels=labels, size=(8.6, 2.7))
    look = {"errorbar": compare.interval, "err_style": "bars", "marker": "o", "color": "#0072B2"}
    grid.draw(sns.lineplot, **look)
    grid.draw(panels.rings, table[table[over] == table.best], label="the best teacher")
    grid.setting("Differences within five seeds; weak teachers lie above the picture")
    return grid.each(panels.zero).set(ylim=(-0.012, 0.072))


rising = pd.concat(from_best(rows) for _, rows in students.groupby("width"))

# %%
title = "Past their best teacher students of width 16 and 64 get worse; the widest does not"
four = rising[rising.width.isin([4, 16, 64, 256])]
grid = draw_rises(four, "teacher_width", title)
save(grid, "mapping_rise", rising[["width", "teacher_width", "seed", "above_best"]])

# %% [markdown]
# Zero is each student's best teacher. To the left of it teachers are too weak, and the curve leaves
# the picture. To the right of it teachers are better and their students are worse. The narrowest
# student learns from nobody, the widest follows its teachers until they make no difference. The
# table has three widths more, 8, 32 and 128: all three get worse.
#
# ## The problem
#
# A sample is a context $c \in \{0, 1, 2\}^8$ and a one-hot pointer $i$; the label is a position,
#
# $$
# y(c, i) = \begin{cases}
# i & \text{if } c_i = 0 \quad \text{(easy)}, \\
# \min\{j \ne i : c_j = c_i\} & \text{otherwise} \quad \text{(hard)},
# \end{cases}
# $$
#
# and $i$ again if nothing matches. The paper's code returns *all* other matches, an array; the
# three examples have exactly one. (In the second one the text's digits, 12101200, are not its
# context, 11201200; only the context has the label printed.)

# %%
examples = [("20202100", 1, 1), ("11201200", 5, 2), ("12101200", 5, 2), ("01222212", 1, 6)]
agrees = {}
for digits, pointer, printed in examples:
    label = mp.label(np.array([int(d) for d in digits]), np.array(pointer))
    agrees[digits] = int(label) == printed
    print(f"context {digits}, pointer {pointer}: label {label}, printed {printed}")

# %% [markdown]
# Of all inputs with a uniform context two in three are hard, and only a fifth of those have one
# other match. What is the label of the others? Two readings can be held against the paper's
# accuracies, which go from 0.5 to 0.8:

# %%
contexts, pointers = mp.every_input(mp.Problem())
shown_value = np.take_along_axis(contexts, pointers[:, None], axis=1)
matches = (contexts == shown_value).sum(axis=1) - 1
easy = shown_value[:, 0] == 0
drawn = np.where(easy, 1, 1 / np.maximum(matches, 1)).mean()
unique = (easy / (easy | (matches == 1)).mean()).mean()
alone = (matches[~easy] == 1).mean()
print(f"If one of the matches were drawn, nobody could be right in more than {drawn:.1%}.")
print(f"If only samples with one match counted, the pointer alone would be right in {unique:.1%}.")
print(
    f"Hard samples with one other match: {alone:.1%}, with none: {(matches[~easy] == 0).mean():.1%}"
)

# %% [markdown]
# The first is too little, the second too much. So a sample with several matches has a fixed one of
# them; that it is the first, and the pointer where there is none, is our choice. (The second
# argument assumes uniform contexts, which the paper does not state.)
#
# ## The networks
#
# Teachers learn from the labels, students from their teacher's probabilities alone,
#
# $$
# \mathcal{L}_S = -\sum_a p_T(a) \log q_S(a), \qquad \tau = 1,
# $$
#
# on a stream of samples of their own. All use Adam, batches of 512 and one cosine cycle with linear
# warm-up over 5% of the steps. Losses are cross-entropies against the labels on 131 072 held-out
# samples. Students of one seed start alike and see the same samples whatever their teacher, so that
# differences between teachers are paired.
#
# *The paper's settings:* peak rate 3e-4, $\max(500 \cdot 512, 20 N)$ samples for teachers and
# students, four trials. Cut short: the teacher of Figure 12 ends at the 10 761 steps of Figure 11,
# where the paper's goes to 16 384.
#
# *The map:* peak rate 3e-3, 20 samples a parameter within 262 144 and 1 048 576 for teachers, and
# 131 072 for students, which is not enough for any of them to finish; five seeds. These were chosen
# after a look at two or three of the seeds, to show the gap, and the map tests some sixty cells:
# read a lone rise that is hardly larger than its interval as a hint.
#
# "Held out" says less than it seems: there are only 52 488 different inputs. Nothing here
# overfits, because each sample is drawn anew, and the gap is not one of generalisation.

# %%
paper_runs = sweep.read(DATA / "runs" / "mapping_paper.csv")
for name, table in (("the paper's settings", paper_runs), ("the map", runs)):
    print(f"{name}: {len(table)} networks, {(table.samples * 1.0).sum() / 1e6:.0f} million samples")

# %% [markdown]
# ## Figures 11 and 12 with the paper's settings
#
# First teachers of growing width, then one teacher of width 512 on more and more steps. Lines are
# means of four trials, dotted lines the same student trained on the labels. (Accuracies are in the
# tables of their numbers.)

# %%
MEASURES = ["loss", "accuracy"]


def losses(teachers, students, over, title, errorbar):
    """Losses of teachers (grey) and of students over a property of the teacher."""
    taught = students[students.role == "student"]
    labels = (columns.axis_label(over), "loss (nats)")
    grid = Panels(taught, over, "loss", title, labels=labels, size=(7.6, 4.4))
    widths = taught.width.unique()  # three are told apart better by colours without an order
    palette = columns.palette("width" if len(widths) > 3 else "any", widths)
    look = {"errorbar": errorbar, "marker": "o"}
    grid.draw(sns.lineplot, hue="width", palette=palette, **look)
    grid.draw(sns.lineplot, teachers, color="#888888", **look)
    turns = taught.groupby("width").apply(compare.rise, over, include_groups=False)
    turns = turns[turns.is_u.astype(bool)].reset_index()
    turns = turns.rename(columns={"best": over, "best_loss": "loss"})
    grid.draw(panels.rings, turns, label="best teacher, if the last is clearly worse (paired)")
    grid.setting(
        "Small networks on a made-up task: to find an equal digit; width: of hidden layers"
    )
    alone = students[students.role == "supervised"]
    if len(alone):
        grid.draw(panels.levels, alone, hue="width", palette=palette, key=False)
        grid.key(dotted="trained on the labels")
    return grid.key({"the teacher itself": {"color": "#888888"}})


# %%
def numbers(teachers, students, over, errorbar):
    """The means behind such a figure, with both ends of what is drawn about them."""
    rows = pd.concat([teachers, students])
    group = rows.groupby(["role", "width", over], dropna=False)[MEASURES]
    ends = {"low": lambda x: errorbar(x)[0], "high": lambda x: errorbar(x)[1]}
    table = group.agg(["mean", *(end for end in ends.values())])
    table.columns = [f"{m}_{what}" for m in MEASURES for what in ("mean", *ends)]
    return table.reset_index().astype({over: object}).fillna({over: "none"})


def quartiles(values):
    """The middle half."""
    return tuple(np.quantile(values, [0.25, 0.75]))


# %%
paper_11 = select(paper_runs, paper.figure_11())
own = select(paper_runs, paper.teachers())
own = own.assign(teacher_width=own.width)
title = "With the paper's settings only the student of width 128 has a teacher that is too good"
grid = losses(own, paper_11, "teacher_width", title, ("pi", 50))
grid.key(band="middle half of four trials")
save(grid, "fig11_mapping_paper_settings", numbers(own, paper_11, "teacher_width", quartiles))

# %% [markdown]
# **The settings are the paper's, the result is not.** The student of width 362 is large enough in
# both: it follows its teacher down. But the turn, a student that gets worse with a better teacher,
# is here at width 128, which in the paper is too small to learn anything; the paper has it at 256.
# And here the task can be learned whole:

# %%
best = own.groupby("width")[["loss", "accuracy"]].mean().iloc[-1]
taught = paper_11[paper_11.role == "student"].groupby("width")
spread = paper_11.groupby(["width", "teacher_width"], dropna=False)[MEASURES].mean()
turn_11 = taught.apply(compare.rise, include_groups=False)
turning = ", ".join(str(width) for width in turn_11.index[turn_11.is_u.astype(bool)])
pd.DataFrame(
    {
        "Figure 11": ["256", "0.75 to 2.00", "0.5 to 0.8"],
        "here": [
            turning,
            f"{min(spread.loss.min(), best.loss):.2f} to {spread.loss.max():.2f}",
            f"{spread.accuracy.min():.2f} to {max(spread.accuracy.max(), best.accuracy):.2f}",
        ],
    },
    ["widths with a turn", "cross-entropies (nats)", "accuracies"],
)

# %% [markdown]
# So the problem that was trained there is a harder one than the one that its text describes, or
# than our reading of it. A label that is harder to learn, or a smaller share of easy samples, might
# put the turn where the paper has it; it states neither.

# %%
paper_12 = select(paper_runs, paper.figure_12())
longer = select(paper_runs, paper.longer())
longer = longer.assign(teacher_samples=longer.samples)


def in_steps(rows):
    """The teacher's samples as training steps."""
    return rows.assign(teacher_steps=rows.teacher_samples / mp.BATCH)


title = "Trained for longer, one teacher of width 512 gets too good for the student of width 128"
grid = losses(in_steps(longer), in_steps(paper_12), "teacher_steps", title, ("pi", 50))
grid.key(band="middle half of four trials")
table = numbers(longer, paper_12, "teacher_samples", quartiles)
save(grid, "fig12_mapping_paper_settings", table)

# %% [markdown]
# With its teacher's training the student of width 256 gets a little worse too, but four trials do
# not exclude that this is chance. The rises after the best teacher, with 95% t intervals of the
# four trials (each trial's best teacher is the one that is best for the other three, so that a
# lucky choice does not count):

# %%
turn_12 = paper_12.groupby("width").apply(compare.rise, "teacher_samples", include_groups=False)
rises = pd.concat({"teacher's width": turn_11, "teacher's steps": turn_12}, names=["over", "width"])
shown = rises[["rise", "low", "high", "is_u"]].astype({"is_u": bool})
shown.rename(columns={"rise": "rise (nats)", "is_u": "a turn"}).round(4)

# %% [markdown]
# ## The wider map
#
# From here on the map's settings: more widths, and a rate at which small networks learn within
# 131 072 samples.
#
# ### Figure 11
#
# Networks of 128 to 275 464 parameters, means of five seeds with their 95% t intervals. Intervals
# are wide because seeds differ. Differences between teachers of one seed are far smaller; they are
# what the first picture shows. Four of the seven widths are drawn.

# %%
teachers = select(runs, sweep.teachers())
teachers = teachers.assign(teacher_width=teachers.width)
title = "Teachers (grey) get better and better, students only up to their best teacher"
few = [4, 16, 64, 256]
shown = students[students.width.isin(few)]
grid = losses(teachers, shown, "teacher_width", title, compare.interval)
table = numbers(teachers, students, "teacher_width", compare.interval)
save(grid, "fig11_mapping_teacher_width", table)

# %% [markdown]
# ### Figure 12
#
# The same students, and one large teacher trained on more and more data: the same turn. So it is
# the teacher's completeness that hurts and not its size. Teachers of 8 and 16 steps, whose losses
# are 2.0 and more, are in the table of its numbers and not in the picture.

# %%
by_data = select(runs, sweep.figure_12())
widest = select(runs, sweep.figure_12()[0].teachers)
widest = widest.assign(teacher_samples=widest.samples)
taught = in_steps(by_data[by_data.width.isin(few) & (by_data.role == "student")])
late = taught[taught.teacher_steps >= 32].groupby("width")
above = pd.concat(from_best(rows, "teacher_steps") for _, rows in late)
title = "One teacher, trained for longer and longer, gets too good for students of width 16 and 64"
grid = draw_rises(above, "teacher_steps", title)
table = numbers(widest, by_data, "teacher_samples", compare.interval)
save(grid, "fig12_mapping_teacher_data", table)

# %% [markdown]
# ## What the student gives up
#
# The rise can be split into easy samples (the label is the pointer) and hard ones, from each
# student's best teacher on.

# %%
cases = pd.concat(
    from_best(rows, loss=f"{case}_loss")
    .query("teacher_width >= best")
    .assign(case=f"{case} samples")
    for case in ("easy", "hard")
    for _, rows in students.groupby("width")
)
title = "Past its best teacher a narrow student loses on easy samples, a wide one on hard ones"
labels = (columns.axis_label("teacher_width"), "loss above that under\nthe best teacher (nats)")
three = cases[cases.width.isin([16, 64, 128])]
grid = Panels(three, "teacher_width", "above_best", title, col="case", labels=labels)
grid.draw(sns.lineplot, hue="width", errorbar=compare.interval, err_style="bars", marker="o")
grid.each(panels.zero)
save(grid, "mapping_easy_and_hard", cases[["case", "width", "teacher_width", "seed", "above_best"]])

# %% [markdown]
# At width 16 (and at 8 and 32, in the table) the rise is all in the easy samples, while the hard
# ones even gain. This is what the theory of C.1 has: a teacher that knows what is out of the
# student's reach teaches it at the expense of what is within. At width 64 both kinds suffer, and at
# 128 the hard samples alone: there they are within reach.
#
# ## Where is there a turn?
#
# Students are trained on more and fewer samples, on other mixes of easy and hard ones, and at other
# rates. Each cell is one kind of student and says its rise to the widest teacher, 0 where the 95%
# interval of five seeds does not exclude it; empty cells were not run. The column with the
# bold name is the same in all three: the map's usual students. A turn seems to need a student that
# cannot learn all that a perfect teacher has to teach.

# %%
same = [group for group in sweep.figure_11() if group.width in sweep.MAP_WIDTHS]
kinds = {
    "samples": sweep.figure_11() + sweep.by_samples(),
    "easy": same + sweep.by_easy(),
    "peak": same + sweep.by_peak(),
}
found = []
for knob, groups in kinds.items():
    rows = select(runs, groups).query("role == 'student'").groupby([knob, "width"])
    rises = rows.apply(compare.rise, include_groups=False).rename_axis(["value", "width"])
    found.append(rises.reset_index().assign(knob=knob))
found = pd.concat(found, ignore_index=True).infer_objects()

# %%
SCALE = {"cmap": "rocket_r", "vmin": 0, "vmax": 50, "linewidths": 1}
SCALE["cbar_kws"] = {"label": "rise past the best teacher\n(thousandths of a nat)"}
KNOBS = {
    "samples": ("student's training samples", columns.count, 131072),
    "easy": ("share of easy samples", "{:.2g}".format, mp.Problem.easy),
    "peak": ("peak learning rate", "{:g}".format, mp.PEAK),
}


def cells_of(knob):
    """One knob's rises in thousandths of a nat; zero what is not clear of it."""
    cells = found[found.knob == knob]
    cells = cells.assign(rise=1e3 * cells.rise.where(cells.is_u.astype(bool), 0))
    wide = cells.pivot_table(index="width", columns="value", values="rise")
    return wide.reindex(sweep.STUDENT_WIDTHS[::-1])


def heat(ax, knob, bar):
    """One knob's cells; the name of the usual students' column is bold."""
    label, words, usual = KNOBS[knob]
    rises = cells_of(knob)
    sns.heatmap(rises, annot=rises.map("{:.0f}".format), fmt="", ax=ax, cbar=bar, **SCALE)
    ax.set(xlabel=label, ylabel="student's width" if knob == "samples" else "")
    ax.set_xticklabels(map(words, rises.columns), rotation=0)
    ax.get_xticklabels()[np.abs(rises.columns - usual).argmin()].set_weight("bold")
    ax.tick_params(axis="y", rotation=0)
    ax.grid(False)


# %%
widths = found.groupby("knob").value.nunique()[list(KNOBS)] + [0, 0, 1]
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.9), sharey=True, width_ratios=widths)
for ax, knob in zip(axes, KNOBS, strict=True):
    heat(ax, knob, bar=knob == "peak")
title = (
    "On more samples or at a higher rate fewer students get worse with a better teacher, on easy "
    "samples alone none (0: none clear of chance; bold: the usual; empty: not run)"
)
panels.headline(fig, title, 9.6)
save(fig, "mapping_where_is_the_u", found.drop(columns="is_u"))

# %% [markdown]
# - *Samples.* With more of them the turn leaves the widest student first and stays longest with
#   narrow ones. Width alone does not make a gap: on the fewest samples even the student of width
#   256 has a clear one.
# - *Learning rate.* At 0.01 students learn more from the same samples, and most turns are gone or
#   not clear of chance. At 0.001 they learn less, and every student here has a turn.
# - *Mix.* With easy samples only there is no turn. But with none at all nearly every student has
#   one, and it lies in the samples that have a match (nearly all). The paper's "must include a
#   class of problems that are easy" is not what we see at our scale: hard samples of unequal
#   difficulty suffice. The other half of the sentence holds: without hard samples there is no turn.
# - *The paper's settings* sit at one end of this map: a tenth of the learning rate and ten times
#   the samples. There the student of width 128 turns; at 256 and 362 no turn is seen.

# %% [markdown]
# ## Check
#
# For each student width of the map the best teacher and the rise from there to the last one.

# %%
by_amount = by_data.groupby("width").apply(compare.rise, "teacher_samples", include_groups=False)
by_teacher = students.groupby("width").apply(compare.rise, include_groups=False)
turns = pd.concat({"teacher's width": by_teacher, "teacher's samples": by_amount})
turns[["best", "best_loss", "rise", "low", "high", "is_u"]].infer_objects().round(4)

# %% [markdown]
# The paper's settings:

# %%
claims.check("mapping-gap-at-256", bool(turn_11.is_u[256]))
claims.check("mapping-gap-at-128", bool(turn_11.is_u[128] and turn_12.is_u[128]))
claims.check("mapping-large-at-362", not (turn_11.is_u[362] or turn_12.is_u[362]))
of_128 = paper_11[paper_11.width == 128].groupby("teacher_width").loss.mean()
claims.check("mapping-128-does-not-learn", bool(of_128.min() > 0.9 * np.log(8)))

# %% [markdown]
# The map, where "too small" is width 4, "large enough" 256, and between them lie 8 to 128:

# %%
is_u = {knob: cells.set_index(["value", "width"]).is_u for knob, cells in found.groupby("knob")}
between, largest = list(sweep.MAP_WIDTHS), max(sweep.STUDENT_WIDTHS)
narrowest = students[students.width == min(sweep.STUDENT_WIDTHS)].groupby("teacher_width").loss
claims.check("mapping-small-does-not-learn", narrowest.mean().min() > 0.9 * np.log(8))
claims.check(
    "mapping-gap-between", sentences.every(is_u["samples"][sweep.STUDENT_SAMPLES][between])
)
claims.check("mapping-large-follows", not is_u["samples"].xs(largest, level="width").iloc[-1])
claims.check("mapping-gap-by-data", sentences.every(by_amount.is_u[between]))
claims.check("mapping-needs-easy", sentences.every(is_u["easy"][min(sweep.EASY)].eq(0)))
claims.check("mapping-needs-hard", sentences.every(is_u["easy"][max(sweep.EASY)].eq(0)))
by_accuracy = students.assign(loss=-students.accuracy).groupby("width")
falls = by_accuracy.apply(compare.rise, include_groups=False).is_u
claims.check("mapping-gap-accuracy", int(falls[between].sum()))

# %% [markdown]
# Narrow students (8 to 32) lose on easy samples and not on hard ones at the widest teacher:

# %%
last = cases[cases.teacher_width == max(sweep.TEACHER_WIDTHS)]
lost = last.groupby(["case", "width"]).above_best.apply(lambda x: compare.interval(x)[0] > 0)
narrow = [width for width in between if width <= 32]
held = lost["easy samples"][narrow] & ~lost["hard samples"][narrow]
claims.check("mapping-out-of-reach", sentences.every(held))
digits_alone = agrees.pop("12101200")
claims.check("mapping-examples", sum(agrees.values()))
claims.check("mapping-example-digits", digits_alone)

# %% [markdown]
# ## What to take away
#
# Trained networks show the gap: students between those that learn nothing and those that are large
# enough have a best teacher, in size and in training. It does not need easy cases beside hard ones,
# as the section says it does. The widths at which it shows depend on samples and rate, and with the
# paper's own settings they are not the paper's.
