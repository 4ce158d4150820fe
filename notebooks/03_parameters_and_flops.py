# %% [markdown]
# # 03 · Parameters and FLOPs of fixed-aspect-ratio transformers
#
# [← 22](22_which_runs_next.ipynb)
# · [README](../README.md)
# · [07b →](07b_optimal_teachers.ipynb)
# · *To look up*
#
# *Appendices H and I, Tables 9 to 13.* Every budget in this repository is counted with one
# expression, the forward FLOPs per token of a model of $N$ non-embedding parameters. It must hold
# for small models with a long context, where the usual $2N$ is a third too low.

# %% tags=["parameters"]
profile = "full"

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import numpy as np
import pandas as pd

from scalinglib import flops
from scalinglib.gap import printed_tables
from scalinglib.gap.printed_tables import COLUMNS, four_digits
from scalinglib.report import claims, figures, panels, paths, profiles
from scalinglib.report.panels import Panels

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
printed = pd.read_csv(paths.DATA / "published" / "table13.csv")

# %% [markdown]
# ## What each count misses
#
# Three ways to count, against everything that Table 11 lists, for the models of Table 13 (where
# these numbers come from is said below).

# %%
models = printed_tables.models_of_13(printed)
heads = printed_tables.best_heads(printed)
full = np.array([sum(m.flop_terms(heads).values()) for m in models])
errors = pd.DataFrame({"params": [m.params for m in models]})
errors["two_n"] = 2 * errors.params / full - 1
errors["approximate"] = [m.approximate_forward_flops for m in models] / full - 1
errors["smooth"] = flops.forward_flops(errors.params.to_numpy()) / full - 1

# %%
COUNTS = {
    "two_n": "two per parameter and token ($2N$)",
    "approximate": "with terms for context and vocabulary",
}
long = errors.rename(columns=COUNTS).melt("params", COUNTS.values(), "count", "error")
long["percent_missed"] = 100 * long.error.abs()

# %%
title = (
    f"Two FLOPs a parameter miss up to {-errors.two_n.min():.0%} of what a model computes; "
    f"with context and vocabulary counted, at most {errors.approximate.abs().max():.1%}"
)
grid = Panels(long, "params", "percent_missed", title, size=(7.6, 3.9)).set(yscale="log")
grid.draw(panels.curve, hue="count", marker="o", markersize=4, key="right")
most = long.loc[long.groupby("count").percent_missed.idxmax()]
grid.draw(panels.rings, most, label="most missed")
grid.set(yticks=[0.03, 0.1, 0.3, 1, 3, 10, 30])
grid.axes.flat[0].yaxis.set_major_formatter("{x:g}")
grid.setting(f"The {len(models)} model shapes of the paper's Table 13")
save(grid, "flops_approximations", errors)

# %% [markdown]
# $2N$ misses most on small models, and some even on the largest. Equation 59 (orange) stays close
# throughout. So does the smooth $F(N)$ of any real $N$ that the optimiser uses, at most off by:

# %%
print(f"{errors.smooth.abs().max():.2%}")

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
# Per token a forward pass costs $2N$, the causal attention and the logits:
#
# $$
# F(N) = 2N + 2 n_\text{layers} n_\text{ctx} d_\text{model} + 2 n_\text{vocab} d_\text{model}
# \tag{59}
# $$
#
# Depth and width are powers of $N$, and so are all three terms:
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
print(f"F(1B) = {flops.forward_flops(1e9):.5e} from the shape,", end=" ")
print(f"{printed_tables.by_powers(1e9):.5e} from Equation 69")

# %% [markdown]
# ## Table 8: notation, and one model in it
#
# Number and width of heads are not stated. 128 a head is read off Table 13, whose $N$ needs the
# $2 d_\text{head}$ of QK-norm.

# %%
model = flops.Architecture(21)
heads_of = model.d_model // model.d_head
table08 = pd.DataFrame(
    [
        ("Sequence length/context size", "n_ctx", model.n_ctx),
        ("Vocabulary size", "n_vocab", model.n_vocab),
        ("Number of blocks/layers", "n_layers", model.n_layers),
        ("Number of query heads", "n_heads", heads_of),
        ("Number of key/value heads", "n_kv_heads", heads_of),
        ("Model/embedding dimension", "d_model", model.d_model),
        ("Head dimension", "d_head", model.d_head),
        ("Feed-forward dimension", "d_ffn", model.d_ffn),
        ("Number of feed-forward linears", "n_ffn", 3),
        ("Group size in GQA, n_heads / n_kv_heads", "g_size", 1),
        ("Model aspect ratio d_model / n_layers", "rho_model", model.aspect_ratio),
        ("Feed-forward ratio d_ffn / d_model", "rho_ffn", model.d_ffn / model.d_model),
    ],
    columns=["component", "notation", "here"],
)
save(None, "table08_notation", table08)
table08.round(3)

# %% [markdown]
# ## Tables 9 to 12, component by component
#
# The four columns as printed (`data/published/`), each entry with its value for the model above.
# The norms are blank where the paper leaves them blank; attention and feed-forward are of one
# layer. Tables 10 and 12 are 9 and 11 with $n_\text{heads} d_\text{head} = d_\text{model}$,
# $d_\text{ffn} = \rho_\text{ffn} d_\text{model}$.

# %%
tables = {
    number: printed_tables.worked_out(
        pd.read_csv(paths.DATA / "published" / f"table{number}.csv", dtype=str), model
    )
    for number in (9, 10, 11, 12)
}
save(None, "table09_parameters", tables[9])
save(None, "table10_parameters_simplified", tables[10])
save(None, "table11_flops", tables[11])
save(None, "table12_flops_simplified", tables[12])


# %%
def shown(number):
    """A table of the paper, each entry followed by its value."""
    table = tables[number]
    part = table.section.str.replace(" (one transformer layer)", "") + ": " + table.component
    wide = pd.DataFrame({"component": part.str.replace("whole model: ", "")})
    for column, name in COLUMNS.items():
        entries = table[column] + " = " + table[f"{column}_value"].map("{:.4g}".format)
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
table_checks = {
    "a Total and the sum of its components": max(map(printed_tables.total_misses, tables.values())),
    "Table 10 and Table 9": printed_tables.apart(tables[10], tables[9]),
    "Table 12 and Table 11": printed_tables.apart(tables[12], tables[11]),
    "Table 9 and our count": abs(printed_tables.whole(tables[9], model) / model.total_params - 1),
    "Table 11 and our count": abs(
        printed_tables.whole(tables[11], model) / model.forward_flops - 1
    ),
}
{name: f"{miss:.1e}" for name, miss in table_checks.items()}

# %% [markdown]
# What the four columns make of models of other sizes, next to $2N$, FLOPs per token. Kaplan et al.
# count logits once and no values, which is what a causal mask leaves of both; Hoffmann et al. and
# Narayanan et al. count the whole matrix twice.

# %%
table11 = pd.read_csv(paths.DATA / "published" / "table11.csv", dtype=str)
rows = []
for m in map(flops.Architecture, (8, 10, 14, 18, 21, 28, 34, 40)):
    values = printed_tables.worked_out(table11, m)
    counts = {name: printed_tables.whole(values, m, column) for column, name in COLUMNS.items()}
    rows.append({"n_layers": m.n_layers, "2 N": 2 * m.params} | counts)
conventions = pd.DataFrame(rows)
save(None, "table12_flop_conventions", conventions)
conventions.set_index("n_layers").map("{:.3g}".format)

# %% [markdown]
# ## Table 13, paper and project side by side
#
# Depth alone fixes every row. The feed-forward width is $\tfrac{8}{3} d_\text{model}$ rounded up
# to a multiple of 128, and $n_\text{vocab} = 32768$ follows from $N_\text{total} - N$.

# %%
by_rule = map(flops.Architecture, printed.n_layers)

# %%
rule = pd.DataFrame(map(printed_tables.columns_of_13, by_rule))
SHORT = ["d_ffn", "N / 1e9", "N_total / 1e9", "F / 1e9", "approximate F / 1e9"]
SIDES = ("printed", "here")


def side_by_side(pairs):
    """A table with two columns a quantity, printed and here, a row a model."""
    cells = {(q, side): x for q, two in pairs.items() for side, x in zip(SIDES, two, strict=True)}
    return pd.DataFrame(cells).set_index(printed.name.rename("model"))


pairs = {short: (printed[name], rule[name]) for short, name in zip(SHORT, rule, strict=True)}
side_by_side(pairs).round(4)

# %% [markdown]
# One row does not follow: **10B**. Its printed $d_\text{ffn} = 12672$ is what the rule gives, but
# its $N$, $N_\text{total}$ and FLOPs are those of another width. Four printed numbers agree on it:

# %%
both = [flops.Architecture(37), flops.Architecture(37, d_ffn=12800)]
widths = pd.DataFrame(map(printed_tables.columns_of_13, both))
widths.index = ["printed width", "width that gives the printed numbers"]
widths.loc["printed"] = printed.loc[printed.name == "10B", list(rule)].to_numpy()[0]
widths.set_axis(SHORT, axis=1).round(4)

# %% [markdown]
# With 12800 there, $N$, $N_\text{total}$ and the approximate FLOPs (Equation 59) of all 33 rows
# follow. The table's column *Total* is the forward FLOPs of a token with everything that Table 11
# lists: the matrix products and, 2.5 FLOPs a head and position, softmax. For that the number of
# heads must be known, and no text states it. As many heads as layers (that is, heads as wide as $N$
# needs them, 128) do not give the column, and no other single number does:

# %%
by_heads = pd.Series({n: printed_tables.rows_off(printed, n) for n in range(1, 65)})
as_layers = printed_tables.rows_off(printed, None)
print(f"heads = layers: {as_layers} of {len(models)} rows off in the fourth digit;")
print(f"16 heads: {by_heads[16]}; the best number, {heads}: {by_heads[heads]}")

# %%
kept = ["name", "n_layers", "d_model", "d_ffn", "params_1e9", "total_params_1e9"]
table13 = printed[[*kept, "forward_flops_1e9"]].assign(
    params_here=[m.params / 1e9 for m in models],
    total_params_here=[m.total_params / 1e9 for m in models],
    forward_flops_here=full / 1e9,
    two_params_printed=printed.two_params_1e9,
    two_params_here=[2 * m.params / 1e9 for m in models],
    approximate_printed=printed.approximate_flops_1e9,
    approximate_here=[m.approximate_forward_flops / 1e9 for m in models],
)

# %%
for of in ("two_params", "approximate"):
    table13[f"{of}_error_percent_printed"] = printed[f"{of}_error_percent"]
    relative = table13[f"{of}_here"] / table13.forward_flops_here - 1
    table13[f"{of}_error_percent_here"] = 100 * relative
save(None, "table13_architectures", table13)

# %%
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
print("rows that differ in the fourth digit:")
print(*(f"  {there}: {rows}" for there, rows in differing.items()), sep="\n")

# %%
beside = {
    "total F / 1e9": ("forward_flops_1e9", "forward_flops_here"),
    "2 N, error (%)": ("two_params_error_percent_printed", "two_params_error_percent_here"),
    "Equation 59, error (%)": (
        "approximate_error_percent_printed",
        "approximate_error_percent_here",
    ),
}
side_by_side({q: (table13[one], table13[two]) for q, (one, two) in beside.items()}).round(5)

# %% [markdown]
# ## What the total column has beyond the tables
#
# Table 13's *Total* minus the matrix products, per layer, from the printed digits. What rounding
# allows follows from that column and its printed percentages together.

# %%
products = np.array([sum(m.flop_terms(n_heads=0).values()) - 2 * m.d_model for m in models])
total = printed.forward_flops_1e9.to_numpy() * 1e9
half_digit = 0.5 * 10.0 ** (np.floor(np.log10(total)) - 3)
approximate = np.array([m.approximate_forward_flops for m in models])
percent = -printed.approximate_error_percent.to_numpy()
low = np.maximum(total - half_digit, approximate / (1 - (percent - 0.005) / 100))
high = np.minimum(total + half_digit, approximate / (1 - (percent + 0.005) / 100))

# %%
layers = printed.n_layers.to_numpy()
embedding = 2 * printed.d_model / layers
extra = pd.DataFrame(
    {
        "d_model": printed.d_model,
        "low": (low - products) / layers,
        "high": (high - products) / layers,
        "with_norms": 2.5 * 16 * flops.N_CTX + 8 * printed.d_model + 2048,
        "tables_best_heads": 2.5 * heads * flops.N_CTX + embedding,
        "tables_heads_as_layers": 2.5 * layers * flops.N_CTX + embedding,
    }
)
for words, way in {
    "16 heads, and the norms": "with_norms",
    f"the paper's list of terms, {heads} heads (the best number)": "tables_best_heads",
}.items():
    met = extra[way].between(extra.low, extra.high).sum()
    print(f"{words}: within the rounding of {met} of {len(extra)} rows")
save(None, "flops_total_column", extra)

# %% [markdown]
# The rest grows slowly and almost linearly with width. The tables' own terms are softmax alone,
# with nothing for any norm, and miss a third of the rows. What meets 31 of the 33 is
# $40\, n_\text{ctx} + 8\, d_\text{model} + 2048$, which reads as softmax of **16** heads, 4 FLOPs
# per element of the two pre-norms, and 2048 for QK-norm.
#
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
pd.Series(data).round(2).to_frame("")

# %% [markdown]
# ## Check

# %%
claims.check("table13-params", max(differing["params_1e9"], differing["total_params_1e9"]))
claims.check("table13-flops", int(by_heads.min()))
with_norms = four_digits((products + layers * extra.with_norms) / 1e9)
claims.check("table13-flops-norms", int((np.abs(with_norms * 1e9 / total - 1) > 1e-9).sum()))
claims.check("table13-approximate", differing["approximate_printed"])
claims.check("table13-dffn-10b", bool(abs(rule.params_1e9[29] / printed.params_1e9[29] - 1) < 1e-3))

# %%
claims.check("tables-9-to-12", max(table_checks.values()))
values = [f"{column}_value" for column in COLUMNS]
masked = tables[12].set_index("component").loc[["Logits", "Values"], values].sum()
claims.check("flops-causal", float(masked[values[1:3]].min() / masked[values[0]]))
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

# %%
smooth = np.geomspace(1e8, 2e10, 101)
worst = [
    np.abs(printed_tables.by_powers(smooth, n, v) / flops.forward_flops(smooth, n, v) - 1).max()
    for n, v in ((4096, 32768), (512, 256), (32768, 0))
]
claims.check("flops-powers", float(np.max(worst).round(13)))
claims.check("flops-limit", float(flops.forward_flops(1e15) / 2e15 - 1))

# %% [markdown]
# What dominates, and what inference costs in a year of a billion tokens a day. Inference costs one
# forward pass a token, training three.

# %%
terms = flops.Architecture(9).flop_terms()
attention = terms["attention logits"] + terms["attention values"]
claims.check("attention-significant", attention / sum(terms.values()))

# %%
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
