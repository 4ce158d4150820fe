# %% [markdown]
# # 03 · Parameters and FLOPs of fixed-aspect-ratio transformers
#
# *Appendices H and I, Tables 9 to 13.* Every budget in this repository is counted with one
# expression, the forward FLOPs per token of a model of $N$ non-embedding parameters. It must hold
# for small models with a long context, where the usual $2N$ is a third too low.

# %% tags=["parameters"]
profile = "full"

# %%
import re
from dataclasses import asdict

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from scalinglib import flops
from scalinglib.report import claims, figures, paths, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
pd.set_option("display.max_colwidth", None)
printed = pd.read_csv(paths.DATA / "published" / "table13.csv")

# %% [markdown]
# ## From size to shape, from shape to FLOPs
#
# With $\rho = d_\text{model} / n_\text{layers} = 128$ and
# $d_\text{ffn} = \tfrac{8}{3} d_\text{model}$, size fixes shape:
#
# $$
# N \approx \omega\, n_\text{layers} d_\text{model}^2, \qquad
# \omega = 2 + 2 + 3 \cdot \tfrac{8}{3} = 12,
# \tag{60, 62}
# $$
#
# $$
# n_\text{layers} = \Big(\frac{N}{\rho^2 \omega}\Big)^{1/3}, \qquad
# d_\text{model} = \rho\, n_\text{layers}.
# \tag{64}
# $$
#
# Per token a forward pass costs $2N$, the causal attention and the logits, which so are powers of
# $N$ too:
#
# $$
# F(N) = 2N + 2 n_\text{layers} n_\text{ctx} d_\text{model} + 2 n_\text{vocab} d_\text{model}
# \tag{59}
# $$
#
# $$
# F(N) = 2N \Big(1 + \sigma_1 \frac{n_\text{ctx}}{N^{1/3}}
#                  + \sigma_2 \frac{n_\text{vocab}}{N^{2/3}}\Big), \quad
# \sigma_1 = \Big(\frac{1}{\rho \omega^2}\Big)^{1/3}, \quad
# \sigma_2 = \Big(\frac{\rho}{\omega}\Big)^{1/3}.
# \tag{66, 68, 69}
# $$
#
# The backward pass costs twice the forward pass (Equation 70): training costs $3 F(N)$ per token.

# %%
sigma_1 = (1 / (flops.ASPECT_RATIO * flops.OMEGA**2)) ** (1 / 3)
sigma_2 = (flops.ASPECT_RATIO / flops.OMEGA) ** (1 / 3)


def by_powers(n, n_ctx=flops.N_CTX, n_vocab=flops.N_VOCAB):
    """Equation 69."""
    return 2 * n * (1 + sigma_1 * n_ctx / n ** (1 / 3) + sigma_2 * n_vocab / n ** (2 / 3))


print(f"sigma_1 = {sigma_1:.5f}, sigma_2 = {sigma_2:.4f}")
print(
    f"F(1B) = {flops.forward_flops(1e9):.5e} from the shape, {by_powers(1e9):.5e} from Equation 69"
)

# %% [markdown]
# ## Table 8: notation, and one model in it
#
# Number and width of heads are not stated; 128 a head is read off Table 13, whose $N$ needs the
# $2 d_\text{head}$ of QK-norm.

# %%
model = flops.Architecture(21)
SIZES = {
    "n_ctx": model.n_ctx,
    "n_vocab": model.n_vocab,
    "n_layers": model.n_layers,
    "n_heads": model.d_model // model.d_head,
    "n_kv_heads": model.d_model // model.d_head,
    "d_model": model.d_model,
    "d_head": model.d_head,
    "d_ffn": model.d_ffn,
    "n_ffn": 3,
    "g_size": 1,
    "rho_model": model.aspect_ratio,
    "rho_ffn": model.d_ffn / model.d_model,
}
COMPONENTS = [
    "Sequence length/context size",
    "Vocabulary size",
    "Number of blocks/layers",
    "Number of query heads",
    "Number of key/value heads",
    "Model/embedding dimension",
    "Head dimension",
    "Feed-forward dimension",
    "Number of feed-forward linears",
    "Group size in GQA, n_heads / n_kv_heads",
    "Model aspect ratio d_model / n_layers",
    "Feed-forward ratio d_ffn / d_model",
]
table08 = pd.DataFrame({"component": COMPONENTS, "notation": SIZES.keys(), "here": SIZES.values()})
save(None, "table08_notation", table08)
table08.round(3)

# %% [markdown]
# ## Tables 9 to 12, component by component
#
# The four columns as printed (`data/published/`), each entry with its value for the model above;
# the norms are blank where the paper leaves them blank, attention and feed-forward are of one
# layer. Tables 10 and 12 are 9 and 11 with $n_\text{heads} d_\text{head} = d_\text{model}$,
# $d_\text{ffn} = \rho_\text{ffn} d_\text{model}$. The first three columns have a plain MLP of two
# matrices; at $\rho_\text{ffn} = 4$ it is the size of our gated one at 8/3, so that is what they
# are given below.

# %%
COLUMNS = {
    "kaplan_2020": "Kaplan et al. 2020",
    "hoffmann_2022": "Hoffmann et al. 2022",
    "narayanan_2021": "Narayanan et al. 2021",
    "ours_total": "Ours (Total)",
}


def entry(formula, sizes):
    """The number that a printed entry stands for; a dash is 0."""
    code = formula.replace("—", "0").replace("kv-heads", "kv_heads").replace("^", "**")
    return eval(re.sub(r"(?<=[\w)]) +(?=[\w(])", " * ", code), {}, dict(sizes))


def sizes_of(m, column):
    """What the symbols are for one model, under one paper's kind of MLP."""
    heads = m.d_model // m.d_head
    ratio = m.d_ffn / m.d_model if column == "ours_total" else 4
    own = asdict(m) | {"d_model": m.d_model, "n_heads": heads, "n_kv_heads": heads}
    return own | {"g_size": 1, "n_ffn": 3, "rho_ffn": ratio, "d_ffn": ratio * m.d_model}


def worked_out(number, m):
    """A table of the paper with each entry's value beside it."""
    table = pd.read_csv(paths.DATA / "published" / f"table{number}.csv", dtype=str)
    table["section"] = table.section.fillna("whole model")
    for column in COLUMNS:
        sizes = sizes_of(m, column)
        table[f"{column}_value"] = [float(entry(f, sizes)) for f in table[column]]
    return table


tables = {number: worked_out(number, model) for number in (9, 10, 11, 12)}
save(None, "table09_parameters", tables[9])
save(None, "table10_parameters_simplified", tables[10])
save(None, "table11_flops", tables[11])
save(None, "table12_flops_simplified", tables[12])


def shown(number):
    """A table of the paper, each entry followed by its value."""
    table = tables[number]
    part = table.section.str.replace(" (one transformer layer)", "") + ": " + table.component
    wide = pd.DataFrame({"component": part.str.replace("whole model: ", "")})
    for column, name in COLUMNS.items():
        values = table[f"{column}_value"].map("{:.4g}".format)
        entries = table[column] + " = " + values
        wide[name] = entries.where(table[column] != "—", "—")
    return wide.set_index("component")


shown(9)

# %%
shown(10)

# %%
shown(11)

# %%
shown(12)

# %% [markdown]
# Do the tables agree with themselves? Totals against the sums of their components, 10 against 9,
# 12 against 11, and the fourth column against this library's own count; largest relative
# differences.

# %%
VALUES = [f"{column}_value" for column in COLUMNS]


def total_misses(table):
    """Largest relative distance of a printed Total from the sum of what stands above it."""
    parts = table[~table.component.isin(["Total", "Approx."])].groupby("section")[VALUES].sum()
    totals = table[table.component == "Total"].set_index("section")[VALUES]
    return float((totals / parts.loc[totals.index] - 1).abs().max(axis=None))


def apart(one, other):
    """Largest relative difference of two tables, entry by entry."""
    one, other = one[VALUES].to_numpy(), other[VALUES].to_numpy()
    return float(np.max(np.abs(one - other) / np.maximum(other, 1)))


def whole(table, m, column="ours_total"):
    """Embedding, n_layers layers and final logits, from a table's components."""
    parts = table[~table.component.isin(["Total", "Approx."])]
    layers = np.where(parts.section == "whole model", 1, m.n_layers)
    return float((parts[f"{column}_value"] * layers).sum())


table_checks = {
    "a Total and the sum of its components": max(map(total_misses, tables.values())),
    "Table 10 and Table 9": apart(tables[10], tables[9]),
    "Table 12 and Table 11": apart(tables[12], tables[11]),
    "Table 9 and our count": abs(whole(tables[9], model) / model.total_params - 1),
    "Table 11 and our count": abs(whole(tables[11], model) / model.forward_flops - 1),
}
table_checks

# %% [markdown]
# What the four columns make of models of other sizes, next to $2N$, FLOPs per token. Kaplan et al.
# count logits once and no values, which is what a causal mask leaves of both; Hoffmann et al. and
# Narayanan et al. count the whole matrix twice.

# %%
conventions = pd.DataFrame(
    {"n_layers": m.n_layers, "2 N": 2 * m.params}
    | {name: whole(table, m, column) for column, name in COLUMNS.items()}
    for m in map(flops.Architecture, (8, 10, 14, 18, 21, 28, 34, 40))
    for table in [worked_out(11, m)]
)
save(None, "table12_flop_conventions", conventions)
conventions.map("{:.4g}".format)

# %% [markdown]
# ## Table 13, paper and project side by side
#
# Depth alone fixes every row. The feed-forward width is $\tfrac{8}{3} d_\text{model}$ rounded up
# to a multiple of 128, and $n_\text{vocab} = 32768$ follows from $N_\text{total} - N$.


# %%
def columns_13(m):
    """A model's row of Table 13."""
    return {
        "d_ffn": m.d_ffn,
        "params_1e9": m.params / 1e9,
        "total_params_1e9": m.total_params / 1e9,
        "forward_flops_1e9": m.forward_flops / 1e9,
        "approximate_flops_1e9": m.approximate_forward_flops / 1e9,
    }


rule = pd.DataFrame(map(columns_13, map(flops.Architecture, printed.n_layers)))
SHORT = ["d_ffn", "N / 1e9", "N_total / 1e9", "F / 1e9", "approximate F / 1e9"]


def side_by_side(pairs):
    """A table with two columns a quantity, printed and here, a row a model."""
    columns = {(q, side): x for q, two in pairs.items() for side, x in zip(SIDES, two, strict=True)}
    return pd.DataFrame(columns).set_index(printed.name.rename("model"))


SIDES = ("printed", "here")
pairs = {short: (printed[name], rule[name]) for short, name in zip(SHORT, rule, strict=True)}
side_by_side(pairs).round(4)

# %% [markdown]
# One row does not follow: **10B**. Its printed $d_\text{ffn} = 12672$ is what the rule gives, but
# its $N$, $N_\text{total}$ and FLOPs are those of another width. Four printed numbers agree on it:

# %%
widths = pd.DataFrame(
    map(columns_13, (flops.Architecture(37), flops.Architecture(37, d_ffn=12800)))
)
widths.index = ["printed width", "width that gives the printed numbers"]
widths.loc["printed"] = printed.loc[printed.name == "10B", list(rule)].to_numpy()[0]
widths.set_axis(SHORT, axis=1).round(4)

# %% [markdown]
# With 12800 there, $N$, $N_\text{total}$ and the approximate FLOPs (Equation 59) of all 33 rows
# follow. The table's column *Total* is the forward FLOPs of a token with everything that Table 11
# lists: the matrix products and, 2.5 FLOPs a head and position, softmax. It hangs on the number of
# heads, which no text states: with heads as wide as $N$ needs them (128, so that there are as many
# as layers) it is missed, and no single number gives it; the best is taken below.


# %%
def built(row):
    return flops.Architecture(row.n_layers, d_ffn=12800 if row.name_ == "10B" else row.d_ffn)


def four_digits(values):
    return np.array([float(f"{v:.4g}") for v in values])


models = [built(row) for row in printed.rename(columns={"name": "name_"}).itertuples()]


def rows_off(n_heads):
    """Rows of Table 13 whose total is not, in its four digits, that of so many heads."""
    totals = np.array([sum(m.flop_terms(n_heads).values()) for m in models]) / 1e9
    return int((np.abs(four_digits(totals) - printed.forward_flops_1e9) > 1e-9).sum())


by_heads = pd.Series({heads: rows_off(heads) for heads in range(1, 65)}, name="rows off")
BEST_HEADS = int(by_heads.idxmin())
print(f"heads = layers: {rows_off(None)} of {len(models)} rows off in the fourth digit;")
print(f"16 heads: {by_heads[16]}; the best number, {BEST_HEADS}: {by_heads[BEST_HEADS]}")
table13 = printed[
    ["name", "n_layers", "d_model", "d_ffn", "params_1e9", "total_params_1e9", "forward_flops_1e9"]
].copy()
table13["params_here"] = [m.params / 1e9 for m in models]
table13["total_params_here"] = [m.total_params / 1e9 for m in models]
table13["forward_flops_here"] = [sum(m.flop_terms(BEST_HEADS).values()) / 1e9 for m in models]
table13["two_params_printed"] = printed.two_params_1e9
table13["two_params_here"] = [2 * m.params / 1e9 for m in models]
table13["approximate_printed"] = printed.approximate_flops_1e9
table13["approximate_here"] = [m.approximate_forward_flops / 1e9 for m in models]
for of in ("two_params", "approximate"):
    table13[f"{of}_error_percent_printed"] = printed[f"{of}_error_percent"]
    relative = table13[f"{of}_here"] / table13.forward_flops_here - 1
    table13[f"{of}_error_percent_here"] = 100 * relative
pairs = {
    "params_1e9": "params_here",
    "total_params_1e9": "total_params_here",
    "forward_flops_1e9": "forward_flops_here",
    "approximate_printed": "approximate_here",
}
differing = {
    there: int((np.abs(four_digits(table13[here]) - table13[there]) > 1e-9).sum())
    for there, here in pairs.items()
}
save(None, "table13_architectures", table13)
print("rows that differ in the fourth digit:", differing)
side_by_side(
    {
        "total F / 1e9": (table13.forward_flops_1e9, table13.forward_flops_here),
        "2 N, error (%)": (
            table13.two_params_error_percent_printed,
            table13.two_params_error_percent_here,
        ),
        "Equation 59, error (%)": (
            table13.approximate_error_percent_printed,
            table13.approximate_error_percent_here,
        ),
    }
).round(5)

# %% [markdown]
# ## What each count misses
#
# How far below the full count each one is: $2N$ misses 40% at 100M and still 7% at 12.6B;
# Equation 59 with whole layers and the smooth $F(N)$ of any real $N$, which the optimiser uses,
# stay within 0.4% (sizes are the depths of Table 13; the smooth curve's jumps are the rounding of
# $d_\text{ffn}$).

# %%
full = 1e9 * table13.forward_flops_here.to_numpy()
errors = pd.DataFrame(
    {
        "params": [m.params for m in models],
        "two_n": [2 * m.params for m in models] / full - 1,
        "approximate": [m.approximate_forward_flops for m in models] / full - 1,
        "smooth": [float(flops.forward_flops(m.params)) for m in models] / full - 1,
    }
)
LABELS = {
    "two_n": ("$2N$", "#D55E00", (1.5e9, 23)),
    "approximate": ("Equation 59, whole layers", "#0072B2", (1.5e9, 0.13)),
    "smooth": ("$F(N)$, any real $N$", "#009E73", (1.1e8, 0.006)),
}
fig, ax = plt.subplots()
for column, (label, color, place) in LABELS.items():
    ax.plot(errors.params, 100 * errors[column].abs(), "o-", color=color, markersize=3)
    ax.text(*place, label, color=color)
ax.set(xscale="log", yscale="log", xlabel="non-embedding parameters $N$")
ax.set_ylabel("FLOPs missed (% of the full count)")
ax.yaxis.set_major_formatter("{x:g}")
ax.set_xticks([1e8, 1e9, 1e10], ["100M", "1B", "10B"])
save(fig, "flops_approximations", errors)

# %% [markdown]
# ## What the total column has beyond the tables
#
# Table 13's *Total* minus the matrix products, per layer, from the printed digits (bars: what
# rounding allows, from that column and its printed percentages together). It grows slowly and
# almost linearly with width. The tables' own terms (dashed) are softmax alone, with nothing for any
# norm, and cross the bars; $40\, n_\text{ctx} + 8\, d_\text{model} + 2048$ (solid) runs through
# all of them, which reads as softmax of **16** heads, 4 FLOPs per element of the two pre-norms, and
# 2048 for QK-norm.

# %%
products = np.array([sum(m.flop_terms(n_heads=0).values()) - 2 * m.d_model for m in models])
total = printed.forward_flops_1e9.to_numpy() * 1e9
half_digit = 0.5 * 10.0 ** (np.floor(np.log10(total)) - 3)
approximate = np.array([m.approximate_forward_flops for m in models])
percent = -printed.approximate_error_percent.to_numpy()
low = np.maximum(total - half_digit, approximate / (1 - (percent - 0.005) / 100))
high = np.minimum(total + half_digit, approximate / (1 - (percent + 0.005) / 100))
layers = printed.n_layers.to_numpy()
embedding = 2 * printed.d_model / layers
extra = pd.DataFrame(
    {
        "d_model": printed.d_model,
        "low": (low - products) / layers,
        "high": (high - products) / layers,
        "with_norms": 2.5 * 16 * flops.N_CTX + 8 * printed.d_model + 2048,
        "tables_best_heads": 2.5 * BEST_HEADS * flops.N_CTX + embedding,
        "tables_heads_as_layers": 2.5 * layers * flops.N_CTX + embedding,
    }
)
inside = ((extra.with_norms >= extra.low) & (extra.with_norms <= extra.high)).sum()
fig, ax = plt.subplots()
ax.vlines(extra.d_model, extra.low / 1e3, extra.high / 1e3, color="#888888", linewidth=4, alpha=0.6)
ax.plot(extra.d_model, extra.with_norms / 1e3, color="black")
ax.plot(extra.d_model, extra.tables_best_heads / 1e3, "--", color="#D55E00")
ax.plot(extra.d_model, extra.tables_heads_as_layers / 1e3, "--", color="#0072B2")
ax.set(xlim=(900, 6500), ylim=(100, 320), xlabel=r"$d_\mathrm{model}$")
ax.set_ylabel("FLOPs beyond matrix products,\nper token and layer (thousands)")
for text, x, y, color in (
    ("16 heads and norms", 5200, 207, "black"),
    ("Table 13, within rounding", 4100, 265, "#666666"),
    (f"Table 11, {BEST_HEADS} heads", 5200, 185, "#D55E00"),
    ("Table 11, heads = layers", 1550, 262, "#0072B2"),
):
    ax.text(x, y, text, color=color, va="center")
save(fig, "flops_total_column", extra)
print(f"16 heads and norms lie within the rounding of {inside} of {len(extra)} rows")

# %% [markdown]
# ## How much data that takes
#
# The same table says how many tokens the models need and what their teachers' outputs weigh.
# Section G.4 stores "all of C4 (approximately 2T tokens)" for a vocabulary of 32168 (Table 13 has
# 32768); Appendix I has 180B tokens in it, half for teachers and half for students, so that its
# storage would be a tenth. Models on 20 tokens a parameter outrun 90B tokens above 4.5B parameters,
# and a run on 512B tokens sees them more than five times; the repetitions known to be harmless are
# four.

# %%
stored_tokens, c4_tokens, longest_run, g4_vocab = 2e12, 180e9, 512e9, 32168
sizes = 1e9 * printed.params_1e9
data = {
    "one token's outputs (kB)": 4 * g4_vocab / 1e3,
    "outputs of 2T tokens (PB)": 4 * g4_vocab * stored_tokens / 1e15,
    "outputs of 180B tokens (PB)": 4 * g4_vocab * c4_tokens / 1e15,
    "models with more than 90B tokens at D = 20 N": int((20 * sizes > c4_tokens / 2).sum()),
    "passes of 512B tokens over 90B": longest_run / (c4_tokens / 2),
}
{name: round(value, 2) for name, value in data.items()}

# %% [markdown]
# ## Check

# %%
claims.check("table13-params", max(differing["params_1e9"], differing["total_params_1e9"]))
claims.check("table13-flops", int(by_heads.min()))
with_norms = four_digits((products + layers * extra.with_norms) / 1e9)
claims.check("table13-flops-norms", int((np.abs(with_norms * 1e9 / total - 1) > 1e-9).sum()))
claims.check("table13-approximate", differing["approximate_printed"])
claims.check("table13-dffn-10b", bool(abs(rule.params_1e9[29] / printed.params_1e9[29] - 1) < 1e-3))
claims.check("tables-9-to-12", max(table_checks.values()))
masked = tables[12].set_index("component").loc[["Logits", "Values"], VALUES].sum()
claims.check("flops-causal", float(masked[VALUES[1:3]].min() / masked[VALUES[0]]))
claims.check("two-n-too-low", float(errors.two_n.max()))
two_n_points = 100 * errors.two_n - printed.two_params_error_percent
claims.check("two-n-column", float(two_n_points.abs().max()))
points = 100 * errors.approximate - printed.approximate_error_percent
claims.check("approximate-column", float(points.abs().max()))

# %% [markdown]
# Sizes and shapes.

# %%
claims.check("sizes-to-12-6b", float(printed.params_1e9.max()))
aspect, ffn = printed.d_model / printed.n_layers, printed.d_ffn / printed.d_model
claims.check("fixed-aspect-ratio", float(aspect.max() / aspect.min() - 1))
claims.check("fixed-ffn-ratio", float((ffn / flops.FFN_RATIO - 1).abs().max()))
leading = flops.OMEGA * printed.n_layers * printed.d_model**2
claims.check("params-approximation", float((leading / sizes - 1).abs().max()))
claims.check("shape-from-size", int((flops.shape(sizes)[0].round() != printed.n_layers).sum()))
smooth = np.geomspace(1e8, 2e10, 101)
worst = [
    np.abs(by_powers(smooth, n, v) / flops.forward_flops(smooth, n, v) - 1).max()
    for n, v in ((4096, 32768), (512, 256), (32768, 0))
]
claims.check("flops-powers", float(np.max(worst).round(13)))
claims.check("flops-limit", float(flops.forward_flops(1e15) / 2e15 - 1))
terms = flops.Architecture(9).flop_terms()
attention = terms["attention logits"] + terms["attention values"]
claims.check("attention-significant", attention / sum(terms.values()))
# Inference costs one forward pass a token, training three.
served = 365 * 1e9 * total
claims.check("inference-dominates-lifetime", float((served > 3 * 20 * sizes * total).mean()))
claims.check("poster-inference-cost", float((total / sizes).max() / (total / sizes).min() - 1))
claims.check("article-512b-parameters", float(printed.params_1e9.max()))
claims.check("article-budgets", float(3 * 20 * 7.75e9 * flops.forward_flops(7.75e9) / 1e21))

# %%
claims.check("c4-storage", data["outputs of 2T tokens (PB)"])
vocabulary = 1e9 * (printed.total_params_1e9 - printed.params_1e9).sum() / printed.d_model.sum()
claims.check("g4-vocabulary", float(vocabulary))
claims.check("c4-size", stored_tokens / c4_tokens)
claims.check("chinchilla-no-repeat", float((20 * sizes > c4_tokens / 2).mean()))
claims.check("repeats-harmless", data["passes of 512B tokens over 90B"])

# %% [markdown]
# ## What to take away
#
# Count budgets with $2N$ and the two terms for context and vocabulary; without them small models
# with a long context come out a third too cheap. All sizes of Table 13 follow from depth alone.
