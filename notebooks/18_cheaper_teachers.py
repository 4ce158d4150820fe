# %% [markdown]
# # 18 · Cheaper and other teachers
#
# [← 10](10_distillation_in_practice.ipynb)
# · [README](../README.md)
# · [20 →](20_open_experiments.ipynb)
# · *Practice*
#
# A teacher gives its student a whole distribution at every token: $V$ numbers to store, or a
# forward pass of the teacher beside each step of the student. In practice people make it cheaper,
# or take what teachers they have. We measure four such practices on our small transformers:
#
# 1. keeping a few **drawn symbols** of each distribution;
# 2. storing logits **once**, for many students to read;
# 3. **ensembles** of teachers;
# 4. teachers that learnt **another corpus**.
#
# `make study-logits` trains the models again.

# %% tags=["parameters"]
profile = "full"

# %% tags=["hide-input"]
import pandas as pd
import seaborn as sns

from scalinglib import sentences
from scalinglib.experiment import compare
from scalinglib.experiment.records import select
from scalinglib.report import claims, figures, profiles
from scalinglib.report.columns import ENDS
from scalinglib.report.panels import Panels, bars, zero
from scalinglib.report.paths import DATA
from scalinglib.study import WORDS, Addresses, record
from scalinglib.study.designs import logits, practice

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## The runs
#
# Small students of four or five seeds learn on two corpora: the words of notebook 10 (27 symbols;
# losses are exact expectations) and the addresses of notebook 17 (256 symbols, bytes; losses on
# 65 536 of them). A seed fixes a student's first weights and its data whatever teaches it, so
# settings are compared within a seed. **Bands and ranges are 95% intervals of paired differences
# (Student's t); where one holds zero we say "no difference".** All criteria below were written
# before the first run.

# %%
NAMES = {WORDS.id: "words", Addresses.id: "real text"}
runs = select(record.read(DATA / "runs" / "logits.csv"), logits.RUNS)
runs = runs.assign(name=runs.corpus.map(NAMES))
print(f"{len(runs)} students, {runs.tokens.sum() / 1e6:.0f} million tokens")
runs.groupby(["name", "params", "tokens"]).seed.nunique().rename("seeds").reset_index()

# %% [markdown]
# ## Drawn symbols
#
# Of the teacher's distribution $p$ keep $m$ symbols drawn from it, $c_a$ of them the symbol $a$,
# and teach $\hat p_a = c_a / m$. Then $\mathbb{E}\,\hat p = p$, and the loss is linear in $\hat p$,
#
# $$
# \mathbb{E}\Big[-\sum_a \hat p_a \log q_a\Big] = -\sum_a p_a \log q_a ,
# $$
#
# so loss and gradient are right on average, whatever $m$. The gradient is only noisier, as with a
# smaller batch. The rival keeps the $k$ likeliest entries and renormalises them (Equation 55). That
# is another distribution, and the student learns it however long it trains.
#
# What does each cost? An index takes one byte up to 256 symbols, and a kept probability two
# (float16), so here three drawn symbols cost what one kept entry does.

# %%
tables = {NAMES[s.corpus.id]: logits.judged(runs, s) for s in logits.SPARSE}
sparse = pd.concat(tables, names=["corpus"]).reset_index("corpus").reset_index(drop=True)
sparse = sparse.rename(columns={"low": "above_low", "high": "above_high"})
sparse["panel"] = sparse.corpus.replace("words", "made-up words")
KEEPS = {"drawn": "drawn at random by the teacher", "likeliest": "the teacher's likeliest"}
sparse["keeps"] = sparse.kind.map(KEEPS)
sparse["relative"] = sparse.above / (sparse.loss - sparse.above)

# %% [markdown]
# Drawn is the larger student, from three bytes on, where both ways exist; the smaller one's costs
# are in the table saved with the picture, and go the same way.

# %%
cut = sparse[(sparse.kind != "whole") & (sparse.params == sparse.params.max())]
cut = cut[cut.bytes_per_token >= 3]
title = "On few bytes a token, randomly drawn symbols teach far better than the likeliest"
labels = ("bytes stored per token", "student's loss above that under\nthe whole teacher (nats)")
grid = Panels(cut, "bytes_per_token", "above", title, col="panel", labels=labels)
ticks = sorted(cut.bytes_per_token.unique())
grid.draw(bars, hue="keeps", fmt="o-").each(zero).set(xticks=ticks, xticklabels=ticks)
grid.key(bars="95% interval of the mean").each(lambda ax: ax.minorticks_off())
grid.setting("Of the teacher's distribution a few symbols of the vocabulary are kept a token.\n"
             "Students of 25k parameters; five seeds on words, four on text")  # fmt: skip
save(grid, "drawn_symbols", sparse.drop(columns=["panel", "keeps"]))

# %% [markdown]
# **Read it.** Drawn symbols (orange) lie below likeliest entries everywhere. On the words even
# sixteen entries of 27 still cost 0.06 to 0.08 nats: what is cut is rare, but the student learns
# that it never comes.
#
# Twelve drawn symbols were published as enough for models of 0.3 to 3 billion parameters. Here:

# %%
shown = ["corpus", "params", "above", "above_low", "above_high", "p", "verdict"]
sparse[(sparse.kind == "drawn") & (sparse["count"] == 12)][shown].round(4)

# %% [markdown]
# They are no different from the whole distribution in three of four students, and cost the fourth
# one 2%. But look at the intervals: on real text a cost of 0.06 to 0.10 nats would have escaped us.
#
# ## The same bytes, or the bytes of a real vocabulary?
#
# On the same bytes as $k$ likeliest entries, of how much is the loss of drawn symbols lower?

# %%
equal = {NAMES[s.corpus.id]: logits.equal_bytes(runs, s) for s in logits.SPARSE}
equal = pd.concat(equal, names=["corpus"]).reset_index("corpus").reset_index(drop=True)
save(None, "drawn_symbols_equal_bytes", equal)
equal[["corpus", "params", "top_k", "samples", "above", "low", "high", "verdict"]].round(4)

# %% [markdown]
# What "the same bytes" means depends on the vocabulary. Three drawn symbols for one entry is the
# rate up to 256 symbols (one byte against three). With 128 256 symbols an index takes three bytes,
# so the rate is 3 against 5, and one entry buys 1.67 drawn symbols. Here is the same comparison at
# that rate, with the next smaller number of drawn symbols that we trained:

# %%
large = {NAMES[s.corpus.id]: logits.equal_bytes(runs, s, 128_256) for s in logits.SPARSE}
large = pd.concat(large, names=["corpus"]).reset_index("corpus").reset_index(drop=True)
save(None, "drawn_symbols_large_vocabulary", large)
large[["corpus", "params", "top_k", "samples", "above", "low", "high", "verdict"]].round(4)

# %%
for name, rate in {"3 for 1": equal, "5 for 3": large}.items():
    print(f"{name}: drawn symbols better in {(rate.verdict == 'better').sum()}", end=" ")
    print(f"of {len(rate)} comparisons, worse in {(rate.verdict == 'worse').sum()}")

# %% [markdown]
# So the advantage does not need the cheap index of a small vocabulary: the same comparisons show it
# at both rates, all but the smaller student of real text with 8 and 16 entries. One limit remains:
# plain renormalised top-k, with at most 16 entries, is the weakest rival that there is.
#
# ## How much of the teacher's worth do they keep?
#
# A teacher is worth its student's gain over training on data. The share of it that drawn symbols
# keep, on the words, with the errors of both gains in the interval:

# %%
alone = select(runs, logits.ABROAD_RUNS).query("mixing == 0")
kept = logits.share_kept(runs, logits.SPARSE[0], alone)
save(None, "drawn_symbols_gain", kept)
kept.round(2)

# %% [markdown]
# One drawn symbol is worth no more than a label, which is one symbol drawn from the truth. Twelve
# keep three quarters of the gain: 0.67 to 0.87 of it for the larger student; of the smaller one the
# interval, 0.4 to 1.1, says little.
#
# Noise should average out over more tokens, and a wrong distribution should not. The smaller
# student on five times the tokens, against the runs above:

# %%
longer = logits.change_with_tokens(runs, logits.SPARSE[0], logits.LONGER)
save(None, "drawn_symbols_longer", longer)
longer.round(4)

# %% [markdown]
# With more tokens the cost of four likeliest entries grows. The cost of drawn symbols falls at each
# count, but five seeds exclude zero for none of these falls.
#
# ## What a file takes
#
# Bytes a token at real vocabularies, and petabytes for two trillion tokens: whole distributions in
# float16, 128 likeliest entries, 256 and 12 drawn symbols. (A symbol drawn often could be stored
# once with its count, so 256 of them take less than this.)

# %%
KEPT = {
    "whole": {},
    "128 likeliest": {"count": 128},
    "256 drawn": {"count": 256, "drawn": True},
    "12 drawn": {"count": 12, "drawn": True},
}
sizes = pd.Index([32_168, 128_256, 262_144], name="symbols")
storage = pd.DataFrame(
    {name: [logits.bytes_per_token(n, **how) for n in sizes] for name, how in KEPT.items()}, sizes
)
storage = storage.join((storage * 2e12 / 1e15).add_suffix(", PB")).reset_index()
save(None, "drawn_symbols_storage", storage)
storage

# %% [markdown]
# ## Ensembles, and teachers of other corpora
#
# In Equation 8 only the teacher's loss matters. Is that still so when the teacher is two models
# whose probabilities are averaged, or when it learnt something else? The line goes through the
# students of single teachers of the same words. Teachers of other corpora are placed by their loss
# on the student's words.

# %%
OTHER, ENSEMBLE = "teacher of two languages", "ensemble of two teachers of one language"
singles, pairs = (select(runs, own) for own in (logits.SINGLE_RUNS, logits.PAIR_RUNS))
abroad = select(runs, logits.ABROAD_RUNS)
others = {ENSEMBLE: pairs, OTHER: abroad[abroad.mixing == 1]}
placed = {kind: logits.beside_line(rows, singles) for kind, rows in others.items()}
placed = pd.concat(placed, names=["kind"]).reset_index("kind").reset_index(drop=True)
languages = {logits.language(*codes).id: " and ".join(codes) for codes in logits.LANGUAGES}
spoken = abroad.groupby("teacher").teacher_corpus.first().map(languages)
placed["words"] = placed.teacher.map(spoken).fillna("en")

# %%
one = placed.params.max()
inside = placed[placed.inside & (placed.params == one)].copy()
inside["loss_low"] = inside.loss + inside.low - inside.above
inside["loss_high"] = inside.loss + inside.high - inside.above
title = "A teacher of two languages teaches worse than teachers of one with the same loss"
labels = (f"{ENDS['teacher']}teacher's loss on the student's words (nats)", "student's loss (nats)")
grid = Panels(singles[singles.params == one], "teacher_loss", "loss", title, labels=labels)
grid.draw(sns.lineplot, color="#333333", errorbar=None, marker="o")
grid.draw(bars, inside, hue="kind", zorder=4, markersize=6, capsize=5)
grid.key({"teachers of one language": {"color": "#333333", "marker": "o"}})
grid.key(bars="95% interval of the mean distance from the line, five seeds")
grid.setting("Students of 25k parameters on made-up words of one language")
save(grid, "other_teachers", placed.drop(columns="teacher"))

# %% [markdown]
# **Read it.** Drawn is the larger student. Bars are intervals of the paired distance from the line.
# Ensembles lie within half a per cent of the line: their loss is nearly all that one must know of
# them. The teacher of English and German words does not: its students stay above, by the column
# `relative` of the table. (The teacher of German alone is off the frame.) Its words come at random,
# so it cannot know which language is next and spends half of its probability on German; a student
# that copies it copies that too.

# %%
placed[["kind", "words", "params", "teacher_loss", "above", "low", "high", "relative"]].round(4)

# %% [markdown]
# An ensemble against its better member, the one whose own loss is lower:

# %%
ensembles = logits.better_member(pairs, singles)
save(None, "ensembles", ensembles)
ensembles.drop(columns=["loss_error", "above_error"]).round(4)

# %% [markdown]
# Better in three of four pairs, by 0.009 to 0.02 nats, for twice the inference. In the fourth the
# 0.007 nats are within what five seeds scatter. A single teacher that is as good does the same.
#
# Teachers of other words at each weight $\lambda$, against training on data alone:

# %%
mixed = practice.mixed(abroad, "teacher_corpus").assign(
    words=lambda rows: rows.teacher_corpus.map(languages)
)
mixed = compare.against(mixed, "mixing", 0.0, by=("params", "words")).query("mixing > 0")
save(None, "other_corpora", mixed)
mixed[["params", "words", "mixing", "above", "low", "high", "verdict"]].round(4)

# %% [markdown]
# The teacher of both languages helps the larger student, most when data has a share. The smaller
# one learns no more from it than from data. The teacher of German helps nobody.
#
# ## Check
#
# What was laid down before the runs of drawn symbols:

# %%
drawn = sparse[sparse.kind == "drawn"]
claims.check("logits-sampled-matches", drawn.relative[drawn["count"] == 12].max())
raw = pd.concat([select(runs, s.runs()) for s in logits.SPARSE])
raw = raw[raw.samples.notna()].groupby(["corpus", "params"])
falls = sentences.every([compare.never_rises(rows, "samples") for _, rows in raw])
most = drawn[drawn["count"] == max(drawn["count"])]
claims.check("logits-sampled-converges", falls and sentences.every(most.verdict != "worse"))
few, many = equal[equal.top_k <= 4].verdict, equal[equal.top_k > 4].verdict
claims.check(
    "logits-sampled-beats-top-k",
    sentences.every(few == "better") and sentences.every(many != "worse"),
)

# %%
shrunk = longer.high < 0
noise = shrunk[(longer.kind == "drawn") & (longer["count"] <= 3)]
bias = shrunk[longer.kind == "likeliest"]
claims.check("logits-noise-shrinks", sentences.every(noise) and sentences.every(~bias))

# %% [markdown]
# And of ensembles and other corpora:

# %%
claims.check("logits-ensemble-better", sentences.every(ensembles.verdict == "better"))
apart = placed[placed.words != "de"].groupby("kind").relative.agg(lambda x: x.abs().max())
claims.check("logits-ensemble-by-loss", apart[ENSEMBLE])
claims.check("logits-abroad-by-loss", apart[OTHER])
claims.check("logits-abroad-harms", sentences.every(mixed[mixed.words == "de"].verdict != "better"))

# %% [markdown]
# ## What to take away
#
# - **Store drawn symbols, not the likeliest entries.** On the same bytes they were better in 18 of
#   20 comparisons, by 0.04 to 2.1 nats, and in two there was no difference. That holds at the rate
#   of a small vocabulary (three symbols for one entry) and at that of 128 256 symbols (1.67 for
#   one).
# - **Twelve a token keep about three quarters** of what this teacher is worth, 24 to 48 up to nine
#   tenths. What is lost is noise, so larger batches and longer runs than ours should lose less; our
#   five seeds are too few to see it.
# - **Write logits once.** From float32 on disk, or from the same drawn symbols, students of two
#   sizes came out as from the teacher itself; float16 costs nothing that shows.
# - **An ensemble is worth its loss.** Take it where one teacher of that loss is not to be had.
# - **Do not judge a teacher of another corpus by its loss alone.** Students lost 4 to 6% against a
#   teacher of their own with the same loss. Mix data in, and leave the teacher where the mixture
#   does not beat data alone.
