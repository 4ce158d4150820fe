# %% [markdown]
# # 15 · Compute-optimal distillation, sentence by sentence
#
# [← 14](14_a_better_law.ipynb) · [README](../README.md) · [11 →](11_claims.ipynb) · *To look up*
#
# *Sections 5.3, D.4 and D.5, and what some figures show without a sentence.* Notebook 07 draws
# the optima. Here the paper's sentences about them, and those of the poster, the summary page and
# two articles, are put to the law one by one. Each gets two answers:
#
# - **Does it follow from the authors' law?** The figures that the sentences describe were
#   computed from it. It is asked as Table 6 with the corrected $B'$ ("the corrected law") and as
#   the law drawn in Figure 1.
# - **Is it decided by the evidence?** Other laws fit the 328 runs of Figure 1 as well. Twenty of
#   them, drawn by weight from the ensemble of notebook 14, are asked. Nine in ten decide; between
#   that the sentence is *undecided by the evidence*.
#
# A sentence that follows from the law but is undecided says what the authors' figures show, and
# is no ground for a decision. Where a sentence puts one loss below another, 15 mnats count as
# equal: the two floors of the corrected law differ by up to 12 (Figure 40).

# %% tags=["parameters"]
profile = "full"

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import HTML

from scalinglib import allocate, flops, laws, sentences
from scalinglib.report import claims, figures, paths, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
law = laws.load("corrected")

# %% [markdown]
# ## How they came out
#
# Each sentence is a function of a law and its optima in `scalinglib/sentences.py`, under the id
# that it has in `data/claims.toml`. It is asked of both of the authors' laws and of the twenty.

# %%
jury = sentences.jury().map(sentences.World)
values = {
    name: jury.ask(value) for part in sentences.SENTENCES.values() for name, value in part.items()
}
verdicts = {name: claims.judge(name, **found) for name, found in values.items()}

# %%
FOLLOWS = ["holds", "holds under the corrected law alone",
           "holds under the law drawn in Figure 1 alone", "does not hold"]  # fmt: skip
DECIDED = ["holds", "undecided by the evidence", "does not hold"]
plain = [(v.follows.split(" within")[0], v.answer.split(" within")[0]) for v in verdicts.values()]
both = pd.DataFrame(plain, columns=["follows", "decided"])
counts = pd.crosstab(both.follows, both.decided).reindex(FOLLOWS, columns=DECIDED, fill_value=0)
save(None, "sentences_two_answers", counts.reset_index())
undecided, follow = counts.loc["holds", "undecided by the evidence"], counts.loc["holds"].sum()
print(f"{follow} of {len(both)} sentences follow from both laws; the runs leave {undecided} open")
counts.rename_axis(index="by the authors' law", columns="by the 328 runs")

# %% [markdown]
# If the runs determined the law, the numbers would stand in the first row's first
# cell and in the last row's last. The middle column is the price of extrapolating from students
# of at most 1.8B parameters to 50B, and to budgets of 1e26 FLOPs. (*Holds* counts what holds
# within a looser bound as well.)
#
# The tables below have the sentences. *Said* is what the text leads to expect. Then come the
# values under the two laws of the authors, whether the sentence follows from them, and what the
# evidence decides, with the number of laws that keep it.


# %% tags=["hide-input"]
def listed(heading):
    """The verdicts of a part as a table with its text to the left."""
    table = claims.table(verdicts[name] for name in sentences.SENTENCES[heading])
    return HTML(table.to_html(justify="left", index=False))


first, second, third, fourth, fifth = sentences.SENTENCES

# %% [markdown]
# ## Section 5.3 and Figures 8, 17, 18: losses

# %%
listed(first)

# %% [markdown]
# Training the teacher pays after all in two places, under the corrected law: for the largest
# students on less than a tenth of a token per parameter, far outside what was fitted, and for
# students near a floor that differs from the supervised one by less than the law is accurate. The
# budgets at which a scenario that counts the teacher's training beats data alone:

# %%
optima = jury.authors[0].optima
paid = optima[optima.scenario.isin(sentences.PAID) & (optima.gap < 0)]
exceptions = paid.groupby(["scenario", "student_params"]).agg(
    from_compute=("compute", "min"), to_compute=("compute", "max"),
    most_tokens_per_param=("student_ratio", "max"), largest_gain=("gap", lambda g: -g.min()),
)  # fmt: skip
exceptions.rename(figures.label_size, level="student_params").map("{:.2g}".format)

# %% [markdown]
# ## Section D.4: sizes, tokens and shares

# %%
listed(second)

# %% [markdown]
# ## Table 3 over the whole of its ranges, and Figures 30 to 32

# %%
listed(third)

# %% [markdown]
# ### The contour labels of Figures 19, 21, 24 and 27
#
# Does the law reach the lowest and the highest label printed in each panel, over the same
# students and budgets? The maps are the authors' own law's, so this is a question for the
# corrected law alone. With $B'$ as printed none of the four would have student losses as high as
# its labels.

# %%
labels = pd.read_csv(paths.DATA / "published" / "contour_labels.csv")
own = sentences.label_ranges(law, labels)
reached = (own["min"] <= labels.low * 1.001) & (own["max"] >= labels.high * 0.999)
printed = sentences.label_ranges(laws.load("table6"), labels)["max"]
beside = labels.join(own.add_prefix("law_")).assign(reached=reached, printed_law_max=printed)
student = labels.quantity == "student_loss"
beside.drop(columns="scenario").map(lambda v: f"{v:.4g}" if isinstance(v, float) else v)

# %% [markdown]
# ## Section D.5 and the poster's "3x"

# %%
listed(fourth)

# %% [markdown]
# The lowest ratio of compute, and of tokens, to supervised training that each scenario reaches
# within 0.9 nats of a student's floor, under the corrected law; *inf* is a loss that distillation
# does not reach:

# %%
costs = allocate.costs_of_losses(law, sentences.STUDENTS, sentences.ABOVE_FLOOR)
lowest = costs.pivot_table(
    index="student_params", columns="scenario", values=["compute_ratio", "token_ratio"],
    aggfunc="min", sort=False,
)  # fmt: skip
lowest.rename(figures.label_size).round(3)

# %% [markdown]
# On the approach to the floor data alone is cheaper in the end up to 10B. For 30B and 50B the
# law's floor for distillation is the lower one, by less than the law is accurate. The compute
# ratio at so many mnats above the floor:

# %%
steps = {f"{d * 1e3:.0f} mnats": sentences.approach(law, d) for d in (0.012, 0.006, 0.003)}
pd.concat(steps, axis=1).rename(figures.label_size).round(2)

# %% [markdown]
# ## Figures 6, 13 and 14: signs and colours
#
# The colour scales are asked what the contour labels were asked: does the law's $L_S - \tilde
# L_S$ span them over the box of the figure? Where it goes far beyond a scale the figure was
# clipped.

# %%
axis, compute = np.geomspace(1e9, 1e13, 41), np.geomspace(1e19, 1e22, 41)
sizes = np.geomspace(1e8, 7e9, 41)[:, None]
bought = compute / (3 * flops.forward_flops(sizes))
students = np.array([198e6, 546e6, 975e6, 1.82e9])[:, None, None]  # Figure 13's
twenty = 20 * flops.total_params(students)
alone = law.supervised.loss(students, twenty)
drawn = {
    "6": sentences.from_six_teachers(law, sizes, axis),
    "13a": law.loss(students, twenty, law.supervised.loss(sizes, axis)) - alone,
    "13b": law.loss(students, twenty, law.supervised.loss(sizes, bought)) - alone,
    "14": sentences.from_six_teachers(law, sizes, bought),
}

# %%
scales = pd.read_csv(paths.DATA / "published" / "colour_scales.csv").set_index("figure")
shown = pd.DataFrame({f: [gap.min(), gap.max()] for f, gap in drawn.items()}, ["law low", "high"])
pd.concat([shown.T, scales.set_axis(list(drawn))], axis=1).round(3)


# %%
def spans(panel, scale):
    return bool(drawn[panel].min() <= scale.low and drawn[panel].max() >= scale.high)


one, other = scales.loc[13].itertuples()  # which of the two belongs to which panel is not said
either = [spans("13a", x) and spans("13b", y) for x, y in ((one, other), (other, one))]

# %% [markdown]
# ## The articles' rules

# %%
listed(fifth)

# %% [markdown]
# The break-even rule $3 \times 10^{20} (N / 10^9)$ FLOPs, said to include teacher training,
# against the last budget with any gain and with one of more than 0.01 nats, in multiples of the
# rule. *None* is a student without such a gain on 1e20 FLOPs or more; *inf* one that still gains
# at 1e26.

# %%
rule = 3e20 * sentences.STUDENTS / 1e9
last = {
    (scenario, name): jury.authors[0].ends(scenario, gain) / rule
    for scenario in sentences.SCENARIOS
    for name, gain in (("any gain", 0), ("over 0.01", 0.01))
}
break_even = pd.DataFrame(last).rename(figures.label_size)
break_even.map(lambda v: "none" if v == 0 else f"{v:.2g}")

# %% [markdown]
# A teacher may serve several students. Below is the share of students and budgets (1e20 to 1e24
# FLOPs) that gain by distilling: for a teacher trained for $k$ students, each paying its own
# inference and $1/k$ of the training, and for one that exists and whose logits $k$ students
# share.

# %%
sharing = [1, 3, 10, 30, 100, 1000, np.inf]
amortised = {
    "trained for k, inference paid": [sentences.share_with_gain(law, (1, 1 / k)) for k in sharing],
    "exists, logits shared": [sentences.share_with_gain(law, (1 / k, 0)) for k in sharing],
}
pd.DataFrame(amortised, pd.Index(sharing, name="students k")).T.round(2)

# %% [markdown]
# ## Check
#
# Every sentence of the tables, and what the figures show without one.

# %%
for name, found in values.items():
    claims.check(name, **found)
claims.check(
    "figure32-axis", float(optima.teacher_params[optima.student_params >= 5e9].max() / 1e12)
)
by_figure = reached.groupby(labels.figure).all()
claims.check("figure19-labels", bool(by_figure[19]))
claims.check("figure21-labels", bool(by_figure[21]))
claims.check("figure24-labels", bool(by_figure[24]))
claims.check("figure27-labels", bool(by_figure[27]))
claims.check("contour-labels-table6", float((printed - labels.high)[student].max()))
claims.check("contour-labels-corrected", float((own["max"] - labels.high)[student].min()))
claims.check("figure6-colours", spans("6", scales.loc[6]))
claims.check("figure13-colours", any(either))
claims.check("figure14-colours", spans("14", scales.loc[14]))

# %% [markdown]
# ## What to take away
#
# Most sentences follow from the authors' own law, once its $B'$ is corrected. Fewer are decided
# by the runs that anybody can check: other laws fit these as well and say otherwise. Before you
# act on a sentence look at both columns.
