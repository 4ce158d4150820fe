# %% [markdown]
# # 03 · Parameters and FLOPs of fixed-aspect-ratio transformers
#
# *Appendices H and I, Tables 9 to 13.* Every budget in this repository is counted with one
# expression, the forward FLOPs per token of a model of $N$ non-embedding parameters. It must hold
# for small models with a long context, where the usual $2N$ is a third too low.

# %% tags=["parameters"]
profile = "full"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from scalinglib import flops
from scalinglib.report import claims, figures, paths, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
printed = pd.read_csv(paths.DATA / "published" / "table13.csv")

# %% [markdown]
# ## From size to shape, from shape to FLOPs
#
# With $\rho = d_\text{model} / n_\text{layers} = 128$ and
# $d_\text{ffn} = \tfrac{8}{3} d_\text{model}$, size fixes shape (Equations 57, 60, 64):
#
# $$
# N \approx \omega\, n_\text{layers} d_\text{model}^2, \quad
# \omega = 2 + 2 + 3 \cdot \tfrac{8}{3} = 12, \qquad
# n_\text{layers} = \Big(\frac{N}{\rho^2 \omega}\Big)^{1/3}, \quad
# d_\text{model} = \rho\, n_\text{layers}.
# $$
#
# So the causal attention term and the vocabulary term are powers of $N$ too (Equations 58, 69):
#
# $$
# F(N) = 2N + 2 n_\text{layers} n_\text{ctx} d_\text{model} + 2 n_\text{vocab} d_\text{model}
#      = 2N \big(1 + \sigma_1 N^{-1/3} + \sigma_2 N^{-2/3}\big).
# $$
#
# The backward pass costs twice the forward pass: training costs $3 F(N)$ per token (Equation 70).

# %%
layer_scale = flops.ASPECT_RATIO**2 * flops.OMEGA
sigma_1 = flops.N_CTX * flops.ASPECT_RATIO / layer_scale ** (2 / 3)
sigma_2 = flops.N_VOCAB * flops.ASPECT_RATIO / layer_scale ** (1 / 3)
N = 1e9
closed = 2 * N * (1 + sigma_1 * N ** (-1 / 3) + sigma_2 * N ** (-2 / 3))
print(f"sigma_1 = {sigma_1:.1f}, sigma_2 = {sigma_2:.0f}")
print(f"F(1B) = {flops.forward_flops(N):.5e} from the shape, {closed:.5e} from the powers")

# %% [markdown]
# ## Tables 9 and 10: where the parameters are
#
# Components of one model. The entries of the paper's tables were lost in conversion; these are
# counted from the architecture of Appendix I (MHA, gated MLP, gains only in the norms).

# %%
model = flops.Architecture(18)
table9 = pd.Series(model.parameter_terms(), name="parameters").to_frame()
table9["share of N_total"] = (table9.parameters / model.total_params).round(4)
table9["formula"] = [
    "n_vocab d",
    "3 n_layers d²",
    "n_layers d²",
    "3 n_layers d d_ffn",
    "n_layers (2 d + 2 d_head) + d",
]
save(None, "table09_parameters", table9.rename_axis("component").reset_index())
table9

# %% [markdown]
# ## Tables 11 and 12: where the FLOPs are, and other ways of counting
#
# The same models under four conventions, next to $2N$. Kaplan et al. leave the vocabulary out;
# Hoffmann et al. and Narayanan et al. count the masked half of the attention matrix; Hoffmann et
# al. also look embeddings up by matrix product.

# %%
table11 = pd.Series(model.flop_terms(), name="FLOPs per token").to_frame()
table11["share"] = (table11["FLOPs per token"] / model.forward_flops).round(5)
save(None, "table11_flops", table11.rename_axis("component").reset_index())
table11


# %%
def conventions(m):
    blocks, vocab, heads = 2 * m.params, 2 * m.n_vocab * m.d_model, m.n_layers
    attention = 2 * m.n_layers * m.n_ctx * m.d_model
    full = blocks + 2 * attention + vocab
    return {
        "Kaplan et al. 2020": blocks + attention,
        "Hoffmann et al. 2022": full + 3 * heads * m.n_layers * m.n_ctx + vocab,
        "Narayanan et al. 2021": full,
        "here": m.forward_flops,
    }


table12 = pd.DataFrame(
    {"n_layers": m.n_layers, "2 N": 2 * m.params} | conventions(m)
    for m in map(flops.Architecture, (8, 10, 14, 18, 21, 28, 34, 40))
)
save(None, "table12_flop_conventions", table12)
table12.map("{:.4g}".format)

# %% [markdown]
# ## Table 13, paper and project side by side
#
# Depth alone fixes every row. The feed-forward width is $\tfrac{8}{3} d_\text{model}$ rounded up
# to a multiple of 128, and $n_\text{vocab} = 32768$ follows from $N_\text{total} - N$.

# %%
rule = pd.DataFrame(
    {
        "d_ffn": m.d_ffn,
        "params_1e9": m.params / 1e9,
        "total_params_1e9": m.total_params / 1e9,
        "forward_flops_1e9": m.forward_flops / 1e9,
        "approximate_flops_1e9": m.approximate_forward_flops / 1e9,
    }
    for m in map(flops.Architecture, printed.n_layers)
)
side_by_side = printed[["name", "n_layers", *rule.columns]].join(rule.add_suffix("_here"))
side_by_side["params_differ_percent"] = 100 * (rule.params_1e9 / printed.params_1e9 - 1)
side_by_side.round(4)

# %% [markdown]
# One row does not follow: **10B**. Its printed $d_\text{ffn} = 12672$ is what the rule gives, but
# its $N$, $N_\text{total}$ and FLOPs are those of another width. Four printed numbers agree on it:

# %%
widths = pd.DataFrame(
    {
        "d_ffn": m.d_ffn,
        "N / 1e9": m.params / 1e9,
        "N_total / 1e9": m.total_params / 1e9,
        "F / 1e9": m.forward_flops / 1e9,
        "approximate F / 1e9": m.approximate_forward_flops / 1e9,
    }
    for m in (flops.Architecture(37), flops.Architecture(37, d_ffn=12800))
)
widths.index = ["printed width", "width that gives the printed numbers"]
columns_13 = [
    "d_ffn",
    "params_1e9",
    "total_params_1e9",
    "forward_flops_1e9",
    "approximate_flops_1e9",
]
widths.loc["printed"] = printed.loc[printed.name == "10B", columns_13].to_numpy()[0]
widths.round(4)

# %% [markdown]
# With 12800 there, all 33 rows follow.


# %%
def built(row):
    return flops.Architecture(row.n_layers, d_ffn=12800 if row.name_ == "10B" else row.d_ffn)


def four_digits(values):
    return np.array([float(f"{v:.4g}") for v in values])


models = [built(row) for row in printed.rename(columns={"name": "name_"}).itertuples()]
table13 = printed[
    ["name", "n_layers", "params_1e9", "total_params_1e9", "forward_flops_1e9"]
].copy()
table13["params_here"] = [m.params / 1e9 for m in models]
table13["total_params_here"] = [m.total_params / 1e9 for m in models]
table13["forward_flops_here"] = [m.forward_flops / 1e9 for m in models]
table13["approximate_printed"] = printed.approximate_flops_1e9
table13["approximate_here"] = [m.approximate_forward_flops / 1e9 for m in models]
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
table13.round(5)

# %% [markdown]
# ## The terms that the total column adds
#
# Total minus the matrix products, per layer, from the printed digits (bars: what rounding allows,
# from the total column and its printed percentages together). It grows slowly and almost linearly
# with width: $40\, n_\text{ctx} + 8\, d_\text{model} + 2048$ fits, which reads as 2.5 FLOPs per
# attended position in softmax for **16** heads, 4 per element of the two pre-norms, and 2048 for
# QK-norm. Softmax with as many heads as layers (head width 128) would be the steep dashed line,
# and is excluded.

# %%
products = np.array(
    [m.forward_flops - m.flop_terms()["softmax"] - m.flop_terms()["norms"] for m in models]
)
total = printed.forward_flops_1e9.to_numpy() * 1e9
half_digit = 0.5 * 10.0 ** (np.floor(np.log10(total)) - 3)
approximate = np.array([m.approximate_forward_flops for m in models])
percent = -printed.approximate_error_percent.to_numpy()
low = np.maximum(total - half_digit, approximate / (1 - (percent - 0.005) / 100))
high = np.minimum(total + half_digit, approximate / (1 - (percent + 0.005) / 100))
layers = printed.n_layers.to_numpy()
extra = pd.DataFrame(
    {
        "d_model": printed.d_model,
        "low": (low - products) / layers,
        "high": (high - products) / layers,
        "here": 2.5 * 16 * flops.N_CTX + 8 * printed.d_model + 2048,
        "heads_as_layers": 2.5 * layers * flops.N_CTX + 8 * printed.d_model + 2048,
    }
)
inside = ((extra.here >= extra.low) & (extra.here <= extra.high)).sum()
fig, ax = plt.subplots()
bars = {"color": "#0072B2", "linewidth": 4, "alpha": 0.5, "label": "printed, within rounding"}
ax.vlines(extra.d_model, extra.low / 1e3, extra.high / 1e3, **bars)
ax.plot(extra.d_model, extra.here / 1e3, color="black", label="16 heads, as counted here")
ax.plot(extra.d_model, extra.heads_as_layers / 1e3, "--", color="grey", label="heads = layers")
ax.set(
    xlabel=r"$d_\mathrm{model}$", ylabel="FLOPs per token and layer (thousands)", ylim=(100, 320)
)
ax.legend(loc="lower right")
save(fig, "flops_lost_terms", extra)
print(f"the line lies within the rounding of {inside} of {len(extra)} rows")

# %% [markdown]
# ## What each convention misses
#
# Relative to the full count, $2N$ is 40% low at 100M and still 7% low at 12.6B; $F(N)$ with whole
# layers is within 0.4% everywhere, and so is the smooth $F(N)$ of any real $N$ that the optimiser
# uses.

# %%
errors = pd.DataFrame(
    {
        "params": [m.params for m in models],
        "two_n": [2 * m.params / m.forward_flops - 1 for m in models],
        "approximate": [m.approximate_forward_flops / m.forward_flops - 1 for m in models],
        "smooth": [flops.forward_flops(m.params) / m.forward_flops - 1 for m in models],
    }
)
labels = {
    "two_n": "$2N$",
    "approximate": "Equation 58, whole layers",
    "smooth": "$F(N)$, any real $N$",
}
fig, ax = plt.subplots()
for column, color in zip(labels, ("#D55E00", "#0072B2", "#009E73"), strict=True):
    ax.plot(errors.params, 100 * errors[column], "o-", color=color, label=labels[column])
ax.axhline(0, color="black", linewidth=0.8)
ax.set(xscale="log", xlabel="non-embedding parameters $N$", ylabel="error of the count (%)")
ax.legend()
save(fig, "flops_approximations", errors)

# %% [markdown]
# ## How much data that takes
#
# The same table says how many tokens the models need and what their teachers' outputs weigh.
# Section G.4 stores "all of C4 (approximately 2T tokens)"; Appendix I has 180B tokens in it, half
# for teachers and half for students, so that its storage would be a tenth. Models on 20 tokens a
# parameter outrun 90B tokens above 4.5B parameters, and a run on 512B tokens sees them more than
# five times; the repetitions known to be harmless are four.

# %%
stored_tokens, c4_tokens, longest_run = 2e12, 180e9, 512e9
sizes = 1e9 * printed.params_1e9
data = {
    "one token's outputs (kB)": 4 * flops.N_VOCAB / 1e3,
    "outputs of 2T tokens (PB)": 4 * flops.N_VOCAB * stored_tokens / 1e15,
    "outputs of 180B tokens (PB)": 4 * flops.N_VOCAB * c4_tokens / 1e15,
    "models with more than 90B tokens at D = 20 N": int((20 * sizes > c4_tokens / 2).sum()),
    "passes of 512B tokens over 90B": longest_run / (c4_tokens / 2),
}
{name: round(value, 2) for name, value in data.items()}

# %% [markdown]
# ## Check

# %%
claims.check("table13-params", max(differing["params_1e9"], differing["total_params_1e9"]))
claims.check("table13-flops", float(np.abs(table13.forward_flops_here / total * 1e9 - 1).max()))
claims.check("table13-approximate", differing["approximate_printed"])
claims.check("table13-dffn-10b", bool(abs(rule.params_1e9[29] / printed.params_1e9[29] - 1) < 1e-3))
claims.check("two-n-too-low", float(errors.two_n.iloc[0]))
two_n_points = 100 * errors.two_n - printed.two_params_error_percent
claims.check("two-n-column", float(two_n_points.abs().max()))
claims.check("approximation-at-most", float(errors.approximate.abs().max()))

# %% [markdown]
# Sizes and shapes; the last ones are of the articles, whose "512B" are tokens.

# %%
claims.check("sizes-from-143m", float(printed.params_1e9.min() * 1e3))
claims.check("sizes-to-12-6b", float(printed.params_1e9.max()))
aspect, ffn = printed.d_model / printed.n_layers, printed.d_ffn / printed.d_model
claims.check("fixed-aspect-ratio", float(aspect.max() / aspect.min() - 1))
claims.check("fixed-ffn-ratio", float((ffn / flops.FFN_RATIO - 1).abs().max()))
leading = flops.OMEGA * printed.n_layers * printed.d_model**2
claims.check("params-approximation", float((leading / sizes - 1).abs().max()))
claims.check("shape-from-size", int((flops.shape(sizes)[0].round() != printed.n_layers).sum()))
smooth = np.geomspace(1e8, 2e10, 101)
powers = 2 * smooth * (1 + sigma_1 * smooth ** (-1 / 3) + sigma_2 * smooth ** (-2 / 3))
claims.check(
    "flops-powers", float(np.abs(powers / flops.forward_flops(smooth) - 1).max().round(13))
)
claims.check("flops-limit", float(flops.forward_flops(1e15) / 2e15 - 1))
terms = flops.Architecture(9).flop_terms()
attention = terms["attention logits"] + terms["attention values"]
claims.check("attention-significant", attention / sum(terms.values()))
claims.check("poster-inference-cost", float((total / sizes).max() / (total / sizes).min() - 1))
claims.check("article-512b-parameters", float(printed.params_1e9.max()))
claims.check("article-student-sizes", float(printed.params_1e9.max()))
claims.check("article-three-orders", float(np.log10(sizes.max() / sizes.min())))
claims.check("article-budgets", float(3 * 20 * 7.75e9 * flops.forward_flops(7.75e9) / 1e21))

# %%
claims.check("c4-storage", data["outputs of 2T tokens (PB)"])
claims.check("c4-size", stored_tokens / c4_tokens)
claims.check("chinchilla-no-repeat", float((20 * sizes > c4_tokens / 2).mean()))
claims.check("repeats-harmless", data["passes of 512B tokens over 90B"])
