# %% [markdown]
# # 22 · Which runs next?
#
# [← 16](16_your_own_supervised_runs.ipynb)
# · [README](../README.md)
# · [03 →](03_parameters_and_flops.ipynb)
# · *Yours*
#
# Before a large run people train pilots: small runs for a scaling law. Which ones? Here pilots are
# chosen by **what they would decide**. `scalinglib design` takes the laws that are still in
# question (*worlds*: the ensemble of the paper's Figure 1, or what your own runs leave), a decision
# or a loss to foretell, and a budget; it says which runs to train, what each is expected to buy,
# and when to stop.

# %% tags=["parameters"]
profile = "full"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from scalinglib import laws, sentences
from scalinglib.allocate import Teacher
from scalinglib.report import claims, columns, figures, profiles
from scalinglib.report.panels import Panels, bars, headline
from scalinglib.report.paths import DATA
from scalingplan import pilots

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## Few choices are open
#
# A student, a budget, three teachers at hand: train on data, or distil, and from whom? A cell
# has the best choice and the chance, over the laws of the ensemble, that another is best. Most
# choices are settled without any pilot; what is open lies where data and a teacher are level.

# %%
worlds = pilots.Worlds.of(laws.ensemble("figure1"))
TEACHERS = (Teacher("2B", 2e9, 2.2), Teacher("7B", 7e9, 2.05), Teacher("13B", 13e9, 1.95))
SIZES, BUDGETS = [3e8, 1e9, 3e9], np.geomspace(3e19, 1e22, 6)
candidates = pilots.grid([1e8, 2e8, 4e8, 8e8], [2e9, 8e9, 3.2e10], TEACHERS)
NOISE, rows = 0.002, []
for size, compute in [(size, compute) for size in SIZES for compute in BUDGETS]:
    asked = pilots.Choice(size, compute, TEACHERS)
    found = pilots.propose(worlds, candidates, asked, 1e21, noise=NOISE)
    now = found.answers.sort_values("best", kind="stable").answer.iloc[-1]
    rows.append({"student": size, "compute": compute, "doubt": found.doubt, "now": now})
doubts = pd.DataFrame(rows)

# %%
cells = doubts.pivot_table(["doubt", "now"], "student", "compute", aggfunc="first")
best = cells.now.replace({"train on ": "", "distil from (.*)": r"\1 teacher"}, regex=True)
look = (cells.doubt >= 0.1) + 2 * best.ne("data")
look = look.rename(index=figures.label_size, columns=columns.powers)
fig, ax = plt.subplots(figsize=(7.5, 3.9))
best += "\n" + cells.doubt.map("{:.0%}".format).replace("0%", "under 1%")
shades = ["#DCEBF5", "#6CB4E0", "#FBEBD0", "#F0B35C"]
sns.heatmap(look, annot=best, fmt="", cmap=shades, vmin=0, vmax=3, cbar=False, linewidths=2, ax=ax)
said = "In a cell: the best way, and the chance, over fitted laws, that it is not (open: from 10%)"
ax.set(xlabel="compute of student and teacher's inference (FLOPs)", ylabel="student's parameters")
ax.tick_params(rotation=0)
words = ["data, settled", "data, open", "a teacher, settled", "a teacher, open"]
patches = [plt.Rectangle((0, 0), 1, 1, color=shade) for shade in shades]
fig.legend(patches, words, loc="outside lower center", ncols=4, title=said, title_fontsize=9)
headline(fig, f"Data or a teacher: laws settle {(doubts.doubt < 0.1).sum()} of {len(doubts)}", 7.5)
save(fig, "pilots_doubt", doubts)

# %% [markdown]
# ## One open choice
#
# The most open of them: the ways, what is expected of each (90% ranges), and the pilots for a fifth
# of the decision's FLOPs, the most telling a FLOP first. *changes* is the chance that the results
# so far make another way the answer.

# %%
place = doubts.doubt.idxmax()
size, compute = SIZES[place // len(BUDGETS)], BUDGETS[place % len(BUDGETS)]
asked = pilots.Choice(size, compute, TEACHERS)
choice = pilots.propose(worlds, candidates, asked, compute / 5, noise=NOISE)
print(choice.sentence())
choice.answers.drop(columns="question").round(4)

# %%
shown = ["student_params", "student_tokens", "teacher_params", "cost", "width", "changes"]
save(None, "pilots_of_one_choice", choice.runs[shown])
choice.runs[shown]

# %% [markdown]
# ## What pilots cannot buy
#
# Somebody has no runs yet, only a prior that says little (`pilots.Prior`), and asks for the loss of
# a student five times larger than any pilot. For more FLOPs the range shrinks to a floor. It has
# two parts: what laws that agree on all pilots still leave open, and the **discrepancy**, what no
# law says, of which small runs tell nothing about large ones. A design that rests on extrapolation
# alone knows that it does.

# %%
nothing, asked = pilots.Prior.around(candidates).worlds(256), pilots.Foretell(4e9, 8e10, 2.05)
rows = []
for budget in np.geomspace(1e19, 1e22, 7):
    found = pilots.propose(nothing, candidates, asked, budget, noise=NOISE)
    spent = {"flops": found.runs.spent.iloc[-1], "runs": len(found.runs)}
    rows.append(spent | {"after": found.runs.width.iloc[-1], "floor": found.floor})
bought = pd.DataFrame(rows)

# %%
shown = bought.rename(columns={"flops": "budget"}).assign(half=1.645 * bought.after)
title = "Small runs narrow a large student's forecast to a floor and no further"
labels = ("compute of the small runs (FLOPs)", "half the 90% range of\nthe forecast loss (nats)")
grid = Panels(shown, "budget", "half", title, labels=labels)
grid.draw(sns.lineplot, marker="o").mark("y", 1.645 * found.width, "before any run")
floor = {"linestyle": ":", "color": figures.MARKS["optimum"]}
grid.mark("y", 1.645 * found.floor, "floor: every small run on offer trained, at any cost", **floor)
grid.setting("Simulated. Forecast: a distilled student of 4B parameters on 80B tokens;\n"
             "small runs have 800M parameters or fewer")  # fmt: skip
ticks = [0.1, 0.2, 0.5, 1]
grid.set(yscale="log", yticks=ticks, yticklabels=ticks).tick_params(which="minor", length=0)
save(grid, "pilots_floor", bought)
apart = pilots.Discrepancy().size
print(f"the discrepancy alone: ±{1.645 * apart * found.answers.loss[0]:.2g}")

# %% [markdown]
# ## Does it work? Against other designs at equal cost
#
# `tools/once/pilots_bench.py` laid down the comparison: each way of choosing runs starts from
# nothing and may spend 1, 2, 5 and 10% of the FLOPs of a table whose losses are known, the law is
# fitted to what it chose, and its verdicts are held against those of the whole table. Two tables
# have no teachers, and there large runs are foretold: of Farseer the tenth of most FLOPs, of the
# runs on repeated tokens (Muennighoff et al.) the 21 that ScaleBench holds out. The other
# ways: runs drawn at random, best for the coefficients
# (D-optimal), sizes at fixed FLOPs (IsoFLOP), one tokens-to-size ratio, one size and one length
# (L-shaped).

# %%
from scalinglib.experiment.compare import interval, intervals
from scalinglib.study import record

bench = pd.read_csv(DATA / "fits" / "pilots_bench.csv").sort_values("table", kind="stable")
WAYS = {"pilots": "chosen by what they tell", "d_optimal": "D-optimal", "random": "drawn at random",
        "isoflop": "IsoFLOP", "fixed_m": "fixed ratio", "l_shaped": "L-shaped"}  # fmt: skip
NAMES = {"figure1": "paper's 328 runs", "words": "made-up words", "text": "real text"}
bench["percent"], bench["design"] = 100 * bench.share, bench.way.map(WAYS)
bench = bench.sort_values("way", key=lambda way: way.map(list(WAYS).index), kind="stable")


# %%
verdicts = bench[bench.table.isin(NAMES)].replace({"table": NAMES})
measures = ["agree", "agree_told", "told", "regret"]
columns_of = ["table", "way", "share", "start", "runs", *measures]
save(None, "pilots_verdicts", verdicts[columns_of])
verdicts.pivot_table("agree", "design", ["table", "percent"], sort=False).round(2)

# %% [markdown]
# The table has the share of choices that are decided as by all runs (data, or which teacher), at 1,
# 2, 5 and 10% of the FLOPs. On real text all ways decide nine in ten or more so. On words pilots
# and runs drawn at random come to eight in ten. On the paper's runs pilots get worse as they spend
# more (0.92 to 0.80), which other ways do not.
#
# How far are the losses of large runs off that are foretold (%, mean of five starts)?

# %%
FORETOLD = {"farseer": "Farseer's runs", "data_constrained": "runs on repeated tokens"}
errors = bench[bench.table.isin(FORETOLD)].replace({"table": FORETOLD})
save(None, "pilots_errors", errors[["table", "way", "share", "start", "runs", "error", "r2"]])
missed = errors.assign(error=100 * errors.error)
missed.pivot_table("error", "design", ["table", "percent"], sort=False).round(1)

# %% [markdown]
# Pilots foretell Farseer's large runs best at every budget; on repeated tokens their lead is within
# noise, by the pairs of starts further below.
#
# ScaleBench (arXiv 2604.22753, Table 2) publishes R² of the repeated tokens: the same 161
# candidates, 21 runs to foretell and costs. The law differs: there the mean of ten forms fitted by
# least squares, here one form under a prior, so that the rows compare whole methods, not designs
# alone. Like theirs ours are cut at −1. Of Farseer it foretells seven runs that its file lacks:
# that column cannot be compared. Its other six tasks are of other laws.

# %%
published = pd.DataFrame(
    {"random": [-0.74, -0.36, 0.12], "D-optimal": [0.71, 0.80, 0.77],
     "V-optimal": [0.58, 0.83, 0.85], "theirs": [0.73, 0.85, 0.86]}, index=[1, 5, 10])  # fmt: skip
repeated = bench[(bench.table == "data_constrained") & (bench.share != 0.02)]
repeated = repeated.assign(r2=repeated.r2.clip(lower=-1), percent=repeated.percent.astype(int))
ours = repeated.pivot_table(index="percent", columns="design", values="r2")
both = published.add_prefix("ScaleBench: ").join(
    ours[["drawn at random", "D-optimal", "chosen by what they tell"]]
)
save(None, "pilots_scalebench", both.reset_index(names="percent"))
both.round(2)

# %% [markdown]
# Pilots against the best of the other ways, start by start (a start shares its draws): the
# difference of the mean, with its 95% t interval.

# %%
rows = []
for (table, share), part in bench.groupby(["table", "share"]):
    judged = "error" if table in FORETOLD else "regret"
    wide = part.pivot_table(index="start", columns="way", values=judged)
    rival = wide.drop(columns="pilots").mean().idxmin()
    low, high = interval(wide.pilots - wide[rival])
    row = {"table": table, "share": share, "judged": judged, "pilots": wide.pilots.mean()}
    rows.append(row | {"best rival": rival, "rival": wide[rival].mean(), "low": low, "high": high})

# %%
against = pd.DataFrame(rows)
against["pilots are"] = np.select([against.high < 0, against.low > 0], ["better", "worse"], "level")
save(None, "pilots_against_rivals", against)
against.round(4)

# %%
tenth = bench[(bench.share == 0.1) & bench.table.isin(NAMES)]
final = tenth.pivot_table(index="way", columns="table", values="agree")
sure = tenth.pivot_table(index="way", columns="table", values="agree_told")
count = tenth.groupby("table").told.first().astype(int)
print(final.round(2), sure.round(2), sep="\n\nof those that the whole table tells:\n")
print("told by the whole table:", count.to_dict())

# %%
missed = tenth[tenth.way == "pilots"].groupby("table")[["agree", "regret"]].mean()
cost = missed.regret / (1 - missed.agree).where(missed.agree < 1)
print("what a missed verdict costs, nats:", cost.dropna().round(3).to_dict())
print(f"rule: stop where pilots change the answer in less than {pilots.CHANGES:.0%} of the worlds")

# %% [markdown]
# Where verdicts are missed, and why. The whole table does not tell all of them either. By the rule
# of this house a verdict needs nine tenths of the laws, and the laws of all runs agree so far on 6
# of 8 decisions on the paper's runs, on 12 of 12 on real text and on 9 of 12 on words. **Of these
# pilots reach all on the paper's runs**: what they miss there is all but tied (0.002 nats a missed
# verdict). On real text two starts of five miss one decision, which costs 0.19 nats. On the words
# they reach 84%: it is mostly one student at middling budgets, and after few runs the law of so
# small models is too kind to training on data, while nearly all that pilots train there are
# students. A discrepancy fitted to the runs at hand won one decision of twelve in one of two starts
# on the words and none in the other; it is not kept.

# %% [markdown]
# ## A real loop
#
# `tools/once/pilots_loop.py` laid down, before any of its models was trained: text that no law was
# fitted to (pandas' own source in bytes), a student of 201 408 parameters and three teachers that
# are not there yet, smaller pilots, and what "right" means. Pilots are proposed, four at a time are
# trained, all is learnt again from nothing but the prior and the table, until the rule stops or a
# twentieth of what the study of real text cost is spent. Then each way's loss was committed with a
# 90% range, which has what no law says in it, and only then trained.

# %%
runs = record.read(DATA / "runs" / "pilots.csv")
foretold = pd.read_csv(DATA / "fits" / "pilots_foretold.csv")
inputs = {"params": "student_params", "tokens": "student_tokens"}
runs = runs.rename(columns=inputs).astype({"teacher_params": float, "teacher_tokens": float})
runs["cost"] = runs.flops + runs.inference_flops
STUDENT, NOISE_HERE = 201408, 0.022
final = (runs.student_params == STUDENT) & (runs.student_tokens < 1.1e6)
small, measured = runs[~final], runs[final].copy()

# %%
text = record.read(DATA / "runs" / "text.csv")
whole = (text.flops + text.inference_flops).sum()
ways = foretold.set_index("teacher_params").answer
measured["way"] = measured.teacher_params.map(ways).fillna("train on data")
ends = foretold.rename(columns={"answer": "way", "low": "loss_low", "high": "loss_high"})

# %%
title = "Measured losses lie in the lower half of the ranges that were foretold"
named = {
    "way": {"train on data": "trained on data", "distil from depth (.)": r"teacher of \1 layers"}
}
shown, means = (table.replace(named, regex=True) for table in (ends, measured))
means = means.groupby("way", as_index=False).loss.mean()

# %%
grid = Panels(shown, "loss", "way", title, labels=("loss of the student (nats per byte)", ""),
              size=(6.6, 3))  # fmt: skip
grid.draw(bars, fmt="none", color="#888888", linewidth=8, alpha=0.4)
grid.draw(sns.scatterplot, marker="|", color="#333333", s=160, linewidth=1.8)
dot = {"color": "#0072B2", "s": 60}
grid.draw(sns.scatterplot, means, zorder=3, **dot).set(ylim=(len(ends) - 0.5, -0.5))
grid.key({"middle": {"marker": "|", "ls": "", "ms": 10, "mew": 1.8}}, band="90% range foretold")
grid.key({"measured, mean of three seeds": {"marker": "o", "ls": "", "color": "#0072B2"}})
grid.setting("A student of 201k parameters on Python code, foretold before training by our law,\n"
             f"which was fitted to {len(small)} runs of smaller students (pilots)")  # fmt: skip
both = ends[["way", "loss", "loss_low", "loss_high"]].rename(columns={"loss": "foretold"})
save(grid, "pilots_loop", measured[["way", "seed", "loss"]].merge(both, on="way"))

# %%
means = measured.groupby("way").loss.agg(measured="mean", seeds="size")
told = foretold.set_index("answer")[["loss", "low", "high", "best"]].join(means)
told["inside"] = told.measured.between(told.low, told.high)
advised = foretold.answer[foretold.loss.idxmin()]
save(None, "pilots_loop_foretold", told[["loss", "low", "high", "best"]].reset_index())
print(f"advised: {advised}; pilots: {len(small)}, {small.cost.sum() / whole:.2%} of the grid")
print(f"trained of what was foretold: {len(measured)} of {3 * len(foretold)}")
wide = measured.pivot_table(index="seed", columns="way", values="loss")
behind = wide.drop(columns=advised).sub(wide[advised], axis=0)
print(intervals(behind).assign(mean=behind.mean()).round(3))
told.round(3)

# %% [markdown]
# ## Check
#
# The criteria were laid down with the comparison. The default of the discrepancy was not: a first
# look at the paper's runs and at the words had it reach further, and pilots came out behind; it now
# is what is likeliest on the paper's 328 runs. Text and Farseer were not looked at for it. What is
# asked of the verdicts that the whole table tells came later, before its values.

# %%
last = bench[bench.share == 0.1].groupby(["table", "way"])[["error", "agree"]].mean()
agree = last.agree.xs("pilots", level="way").dropna()
claims.check("pilots-nine-of-ten", float(agree.min()))
claims.check("pilots-nine-of-ten-told", float(sure.loc["pilots"].min()))
errors = last.error["farseer"]
claims.check("pilots-foretell-farseer", float(errors.pilots / errors.drop("pilots").min()))
no_better = sentences.every(intervals(behind).high >= 0)
claims.check("pilots-loop", bool(told.inside[advised] and no_better))

# %% [markdown]
# ## What to take away
#
# - **Ask what a decision depends on before training pilots: most choices here are settled
#   already.** What is left open lies near a tie, where the wrong way costs a few thousandths of a
#   nat.
# - **Pilots chosen by what they tell foretell large runs best**: on Farseer their error at 2% of
#   the FLOPs is below what the best other way has at 5%, and they are better at every budget. On
#   repeated tokens they are ahead too, but within noise of random runs at most budgets.
# - **For verdicts they are level with the best of the other ways**, whichever that is on a table,
#   and none of the others is good on all. The goal, nine decisions of ten at a tenth of the FLOPs,
#   is reached on real text alone (97%; 80% on the paper's runs, 78% on words). Of the verdicts that
#   the whole table itself tells pilots reach all on the paper's runs, 97% and 84%: on the words the
#   law of few runs is at fault.
# - **A real loop foretold four students right and left the choice open.** Its money, a twentieth
#   of the grid of real text, was gone before its rule stopped it, with data and the strongest
#   teacher level. All four losses then came out inside their ranges, all below the middle;
#   that ranges of nine in ten held four of four says little. The advised teacher was the best of
#   the four, and not told apart from data (0.011 nats, from −0.004 to 0.026): level they were.
# - **A forecast has a floor** that no small pilot lowers: what no law says. It is shown beside the
#   range, and pilots stop where they would change the answer in less than 1 of 20 worlds.
