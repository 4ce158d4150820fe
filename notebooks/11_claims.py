# %% [markdown]
# # 11 · The ledger of claims
#
# [← 15](15_sentence_by_sentence.ipynb)
# · [README](../README.md)
# · [11b →](11b_errata.ipynb)
# · *To look up*
#
# *The whole paper, its poster, its summary page and two articles about it.* (The articles are by
# others: AI CERTS's on the paper, and one with rules for practitioners, here *the
# practitioner's*.) Every statement that can be checked is listed in `data/claims.toml`: where it
# stands, in our words, what would confirm it and how closely. The notebook that computes the
# value asks `claims.check(id, value)`, which fails if the verdict is not the one recorded. There
# are six:
#
# - **holds**: the value is within the tolerance that the text's words or digits leave;
# - **holds within** *x*: it is not, but within a looser tolerance named beside it;
# - **does not hold**;
# - **undecided by the evidence**: some laws that fit the runs of Figure 1 as well keep it, and
#   some do not; how many is said beside the value;
# - **not seen at our scale**: our small runs do not show it, which says nothing against it;
# - **cannot be tested here**, with the reason.
#
# A sentence about the law has a second answer: whether it **follows from the authors' own law**,
# asked as Table 6 with the corrected $B'$ and as the law drawn in Figure 1. Only a sentence that
# does not follow sets the paper's words against the paper's equation. One that follows and is
# undecided, or does not hold, describes the authors' figures truly; the runs that anybody can
# check do not confirm it. A few are settled by reading: then *here* quotes the place.

# %% tags=["parameters"]
profile = "full"

# %% tags=["hide-input"]
import pandas as pd
import seaborn as sns
from IPython.display import HTML

from scalinglib.report import claims, figures, panels, paths, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
ledger = pd.DataFrame.from_dict(claims.ledger(), orient="index").rename_axis("id").reset_index()
ledger["notebook"] = ledger.notebook.fillna("none")
ledger["source"] = ledger.source.replace("here", "this project")

# %% [markdown]
# ## How they came out

# %% tags=["hide-input"]
VERDICTS = {
    "holds": "hold",
    "holds within": "hold within\na looser bound",
    "does not hold": "do not hold",
    "undecided by the evidence": "undecided: laws that\nfit the runs disagree",
    "not seen at our scale": "not seen in\nour small runs",
    "cannot be tested here": "cannot be tested here",
}
ledger["verdict"] = ledger.answer.str.extract(f"^(holds within|{'|'.join(VERDICTS)})")[0]
laws = ledger.dropna(subset="follows")
bars = pd.concat([
    ledger.assign(bar=ledger.source.replace("paper", "all statements\nof the paper")),
    laws.assign(bar="sentences about the law:\nwhat the authors' law says",
                verdict=laws.follows.str.extract("^(holds within|does not hold|holds)")[0]),
    laws.assign(bar="the same sentences:\nwhat the runs decide"),
])  # fmt: skip
counts = bars.groupby(["bar", "verdict"], sort=False).size().rename("claims").reset_index()

# %%
paper = ledger[ledger.source == "paper"]
words = paper.verdict.map(VERDICTS)
title = f"{(words == 'hold').sum()} of the paper's {len(paper)} statements hold when recomputed"
ax = sns.countplot(y=words, order=list(VERDICTS.values()), color="#C6D3DC", width=0.65)
ax.patches[0].set_facecolor("#0072B2")
ax.patches[1].set_facecolor("#6BAED6")
ax.bar_label(ax.containers[0], padding=4)
ax.margins(x=0.08)
ax.set(xlabel=f"number of statements, {len(paper)} in all", ylabel="")
ax.figure.set_size_inches(7, 3.4)
panels.headline(ax.figure, title, 7)
save(ax.figure, "claims_by_verdict", counts)

# %%
kept = laws.follows.str.startswith("holds").sum()
decided = laws.answer.str.startswith("holds").sum()
print(f"of {len(laws)} sentences about the law {kept} follow from it, the runs confirm {decided}")

# %% [markdown]
# What to see: most statements that can be tested hold. The sentences about the law, those of the
# poster and of the articles among them, are asked twice: what follows from one law is decided far
# less often by the runs, because other laws fit these runs as well. (*Holds* includes here what
# holds under one of the authors' two laws alone.)
#
# By notebook, the paper's statements alone:

# %%
by_notebook = pd.crosstab(paper.notebook.replace("none", "no notebook"), paper.verdict)
by_notebook.reindex(columns=VERDICTS)

# %% [markdown]
# ## The ones that people ask about
#
# The misprint, the poster's "3x", and the articles' rules. Each number is computed in the
# notebook named beside it.


# %% tags=["hide-input"]
def listed(table, columns):
    """A table as HTML with its text to the left."""
    return HTML(table[columns].fillna("").to_html(justify="left", index=False))


elsewhere = pd.DataFrame(claims.computed()).query("notebook != '11_claims'")
ledger["here"] = ledger.id.map(elsewhere.set_index("id").value).fillna(ledger.read).fillna("")
ledger["said"] = [claims.said(claim) or "as read" for claim in claims.ledger().values()]
ASKED = ["contour-labels-table6", "contour-labels-corrected", "d5-500m", "d5-10b",
         "d5-500m-table6", "d5-10b-table6", "poster-3x-compute", "poster-3x-inference",
         "practitioner-rule", "practitioner-60-percent", "article-delta", "article-50x",
         "article-plateau", "law-transition", "data-exponent"]  # fmt: skip
shown = ["id", "place", "statement", "confirm", "said", "here", "follows", "answer"]

# %%
listed(ledger.set_index("id", drop=False).loc[ASKED], [*shown, "notebook"])

# %% [markdown]
# ## Where the paper contradicts itself
#
# Numbers and claims of which at most one can be right, each with its places
# (`data/published/contradictions.csv`). Slips of reference and print are left out. Notebook 11b
# has the evidence for those that matter to whoever uses the law.

# %%
contradictions = pd.read_csv(paths.DATA / "published" / "contradictions.csv")
listed(contradictions, list(contradictions))

# %% [markdown]
# ## Every figure and table of the paper
#
# What stands here under each number, what is equal to the paper's and what is not, and why
# (`data/figures_of_the_paper.csv`).

# %%
drawn_here = pd.read_csv(paths.DATA / "figures_of_the_paper.csv")
listed(drawn_here, list(drawn_here))

# %% [markdown]
# ## The whole ledger
#
# *Said* is what the text leads to expect, with its tolerance; *here* is the value computed in the
# notebook; *follows* is the answer of the authors' own law, for sentences about the law.

# %%
tested = ledger[ledger.verdict != "cannot be tested here"]
mine = tested[tested.source == "paper"].sort_values("notebook", kind="stable")
mine = mine[mine.notebook != "none"]
part = mine.notebook.str[:2].astype(int)
plain = [column for column in shown if column != "follows"]

# %% [markdown]
# ### The paper: capacity gap (notebooks 00 to 02)

# %%
listed(mine[part <= 2], plain)

# %% [markdown]
# ### The paper: parameters and FLOPs, the law, its fit (03 to 05)

# %%
listed(mine[(part >= 3) & (part <= 5)], shown)

# %% [markdown]
# ### The paper: distil or supervise (06)

# %%
listed(mine[part == 6], shown)

# %% [markdown]
# ### The paper: compute-optimal distillation (07 and 15)

# %%
listed(mine[part.isin([7, 15])], shown)

# %% [markdown]
# ### The paper: what small runs answer (08 to 10, 17)

# %%
listed(mine[part.isin([8, 9, 10, 17])], plain)

# %% [markdown]
# ### The paper: by other notebooks

# %%
listed(mine[(part > 10) & ~part.isin([15, 17])], [*plain, "notebook"])

# %% [markdown]
# ### What reading settles

# %%
listed(tested[tested.notebook == "none"], ["source", *plain])

# %% [markdown]
# ### Poster, summary page, articles

# %%
others = tested[~tested.source.isin(["paper", "this project"]) & (tested.notebook != "none")]
listed(others.sort_values("source", kind="stable"), ["source", *shown])

# %% [markdown]
# ### Of this project itself

# %%
listed(tested[tested.source == "this project"], plain)

# %% [markdown]
# ### What cannot be tested here, and why

# %%
untested = ledger[ledger.verdict == "cannot be tested here"]
listed(untested.sort_values("source", kind="stable"), ["id", "source", "place", "statement", "why"])

# %% [markdown]
# ## Check
#
# Every claim that can be tested was asked for by its notebook, and the answer printed there is
# the one in the ledger.

# %%
# This notebook is being run, and 12 may hold its reader's own runs.
elsewhere = tested[~tested.notebook.isin(["11_claims", "12_your_own_runs", "none"])]
columns = ["id", "notebook", "answer", "follows"]
printed_there = {tuple(row[key] for key in columns) for row in claims.computed()}
recorded = set(elsewhere[columns].fillna("").itertuples(index=False, name=None))
claims.check("ledger-answered", len(recorded - printed_there))

# %% [markdown]
# ## What to take away
#
# Most statements that can be tested hold. Before you act on one look up both of its answers: many
# of those about distillation against data follow from the authors' law and are undecided by their
# runs.
