# %% [markdown]
# # 12 · Your own runs
#
# Put a table of your distillation runs in, get a law with intervals, a diagnosis and three
# decisions out: what another factor of ten in tokens buys, which of your teachers to use, and
# whether to distil at all. One CSV, one row a run:
#
# | column | meaning |
# |---|---|
# | `student_params`, `teacher_params` | **non-embedding** parameters |
# | `student_tokens`, `teacher_tokens` | tokens of distillation, of the teacher's own training |
# | `teacher_loss`, `student_loss` | validation cross-entropy against data, **nats per token** |
#
# As in the paper, the teachers are the supervised runs: the supervised law is fitted to them first
# and its uncertainty carried into the second fit. Other columns are kept and ignored. Set
# `SCALINGLIB_RUNS`, or `runs_path` below, to your file; the default is an example table of
# **simulated** runs, so what follows about it says nothing about any real model.

# %% tags=["parameters"]
profile = "full"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from scalinglib import allocate, fit, flops, laws
from scalinglib.report import claims, figures, paths, profiles

settings = profiles.load(profile)
figures.use_style()
save = figures.saver(settings)
example_path = paths.DATA / "runs" / "example_simulated.csv"
runs_path = paths.named_by("SCALINGLIB_RUNS", example_path)
example = runs_path == example_path
whose = "simulated example runs" if example else "your runs"
student_params, compute, delta_lgt = 500e6, 3e20, 1.0  # the decision: student, FLOPs, logits paid?

# %% [markdown]
# ## Check
#
# A file with wrong columns, values that cannot be, or too few runs stops here, and the error names
# the column and row. What is only suspicious is a warning.

# %%
table = pd.read_csv(runs_path)
if {"params", "tokens", "loss"} <= set(table.columns):
    raise ValueError(f"{runs_path} holds training runs without teachers: see notebook 16")
runs = fit.check_runs(table, "distillation")
teachers = runs[["teacher_params", "teacher_tokens", "teacher_loss"]].drop_duplicates()
teachers = fit.check_runs(
    teachers.rename(columns=lambda name: name.removeprefix("teacher_")).reset_index(drop=True)
)
print(f"{len(runs)} distillation runs from {len(teachers)} teachers")
runs.describe().loc[["min", "50%", "max"]].map("{:.4g}".format)

# %% [markdown]
# For the record, what a file with other names for its columns would have said:

# %%
try:
    fit.check_runs(
        runs.rename(columns={"student_params": "N", "student_loss": "val_loss"}), "distillation"
    )
except ValueError as error:
    print(error)

# %% [markdown]
# ## Fit
#
# $$
# L_S = L_T + \frac{1}{L_T^{c_0}}
#   \Big(1 + \Big(\frac{L_T}{\tilde L_S d_1}\Big)^{1/f_1}\Big)^{-c_1 f_1}
#   \Big(\frac{A'}{N_S^{\alpha'}} + \frac{B'}{D_S^{\beta'}}\Big)^{\gamma'},
# \qquad
# \tilde L_S = E + \Big(\frac{A}{N_S^\alpha} + \frac{B}{D_S^\beta}\Big)^\gamma
# $$
#
# Runs of one teacher share its noise, so the second bootstrap draws whole teachers.

# %%
options = {"starts": settings.fit_starts, "bootstrap": settings.fit_replicates}
supervised = fit.fit_supervised(teachers, **options)
distillation = fit.fit_distillation(runs, supervised, cluster="teacher", **options)
tables = {"supervised": supervised.coefficients, "distillation": distillation.coefficients}
coefficients = pd.concat(tables, names=["law"]).drop(columns="fixed")
coefficients.map("{:.4g}".format)

# %% [markdown]
# ## Diagnosis
#
# In words first. A ridge means that coefficients trade against each other while predictions stay:
# use predictions.

# %%
for name, found in (("supervised", supervised), ("distillation", distillation)):
    print(f"{name}, mean error {found.mean_relative_error():.2%}:", *fit.explain(found), sep="\n  ")

# %% [markdown]
# Residuals against student size, tokens and teacher loss. A law that fits leaves a band without
# slope or bend; a trend says where the law is wrong for your models.

# %%
residuals = runs.assign(residual=100 * np.expm1(distillation.residuals()))
fig, axes = plt.subplots(1, 3, figsize=(9.9, 3.2), sharey=True)
labels = {"student_params": "$N_S$", "student_tokens": "$D_S$", "teacher_loss": "$L_T$ (nats)"}
for ax, (column, label) in zip(axes, labels.items(), strict=True):
    ax.plot(residuals[column], residuals.residual, "o", color="#0072B2", alpha=0.5)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(xlabel=label, xscale="linear" if column == "teacher_loss" else "log")
axes[0].set_ylabel("predicted − measured (%)")
fig.suptitle(f"Residuals, {whose}")
save(fig, "own_runs_residuals_simulated", residuals[[*labels, "residual"]])

# %% [markdown]
# The strongest tenth of the runs held out: if errors jump, do not extrapolate.

# %%
strong = (runs.student_loss < runs.student_loss.quantile(0.1)).to_numpy()
_, held_out = fit.hold_out(distillation, strong)
left_out = held_out.relative_error.abs().groupby(held_out.held).mean()
print(f"fitted runs {left_out[False]:.2%}, strongest tenth, held out {left_out[True]:.2%}")

# %% [markdown]
# ## What does another factor of ten in tokens buy?
#
# The student of the decision with each token count, from the teacher that the next section
# chooses. Dark band: where the law lies (95% of the replicates). Light band: where one more run
# would come out.

# %%
pool = runs[["teacher_params", "teacher_tokens", "teacher_loss"]].drop_duplicates(ignore_index=True)
pool["student_tokens"] = allocate.tokens_with_teacher(
    student_params, pool.teacher_params.to_numpy(), compute, delta_lgt
)
pool["student_params"] = student_params
options_of = ["student_params", "student_tokens", "teacher_loss"]
pool["predicted"] = distillation.law.loss(*(pool[name].to_numpy() for name in options_of))
chosen = pool.loc[pool.predicted.idxmin()]

# %%
tokens = chosen.student_tokens * np.geomspace(0.1, 10, settings.curve_points)
curve = pd.DataFrame(
    {
        "student_params": student_params,
        "student_tokens": tokens,
        "teacher_loss": chosen.teacher_loss,
    }
)
curve = distillation.predict(curve)
fig, ax = plt.subplots()
ax.fill_between(tokens, curve.run_low, curve.run_high, color="#56B4E9", alpha=0.3, label="new run")
ax.fill_between(tokens, curve.law_low, curve.law_high, color="#0072B2", alpha=0.5, label="law")
ax.plot(tokens, curve.predicted, color="#0072B2", label="prediction")
ax.axhline(chosen.teacher_loss, color="grey", linewidth=1, label="teacher")
ax.axvline(chosen.student_tokens, color="black", linewidth=0.8, linestyle=":")
ax.set(xscale="log", xlabel="student tokens $D_S$", ylabel="student loss $L_S$ (nats)")
ax.set_title(f"{figures.label_size(student_params)} student, {whose}")
ax.legend()
save(fig, "own_runs_more_tokens_simulated", curve)

# %%
replicates = distillation.laws()
now, more = (
    replicates.loss(student_params, d * chosen.student_tokens, chosen.teacher_loss)[:, 0]
    for d in (1, 10)
)
gain = now - more
low, high = np.quantile(gain, [0.025, 0.975])
print(f"10 x tokens: {np.median(gain):.4f} nats lower (95%: {low:.4f} to {high:.4f})")

# %% [markdown]
# ## Which of my teachers?
#
# Each teacher of the table, the whole budget spent on this student (teacher inference counted
# where `delta_lgt` is 1). `share` is the part of the bootstrap replicates in which that teacher is
# the best one; `regret` is what the choice loses on average over the replicates. Teachers within
# one run's noise of each other are no different; teacher losses are taken as they stand.

# %%
losses = replicates.loss(*(pool[name].to_numpy() for name in options_of))
ranked = pool.assign(
    share=np.bincount(losses.argmin(axis=1), minlength=len(pool)) / len(losses),
    regret=(losses - losses.min(axis=1, keepdims=True)).mean(axis=0),
).sort_values("predicted", kind="stable")
save(None, "own_runs_teachers_simulated", ranked)
ranked.drop(columns="student_params").head(6).map("{:.4g}".format)

# %% [markdown]
# ## Should I distil at all?
#
# The same budget spent on training the student on data. `share` is the part of the replicates in
# which the best teacher of the table beats that.

# %%
data_tokens = compute / (3 * flops.forward_flops(student_params))
on_data = float(distillation.law.supervised.loss(student_params, data_tokens))
on_data_replicates = replicates.supervised.loss(student_params, data_tokens)[:, 0]
gains = on_data_replicates - losses[:, pool.predicted.idxmin()]
agree = float((gains > 0).mean())
advantage = on_data - chosen.predicted
noise = np.median(np.abs(distillation.residuals())) * on_data
verdict = "distil" if advantage > 0 else "train on data"
if abs(advantage) < noise:
    verdict = "no difference beyond one run's noise"
print(f"distilled {chosen.predicted:.4f}, on data {on_data:.4f} nats per token: {verdict}")
print(f"the chosen teacher beats data in {agree:.0%} of the replicates")
print("its gain, 95% of the replicates:", np.quantile(gains, [0.025, 0.975]).round(4), "nats")

# %% [markdown]
# ## The recipe

# %%
pd.Series(
    {
        "student": figures.label_size(student_params),
        "budget": f"{compute:.3g} FLOPs",
        "verdict": verdict,
        "replicates that agree": f"{max(agree, 1 - agree):.0%}",
        "teacher": f"{figures.label_size(chosen.teacher_params)}, L_T = {chosen.teacher_loss:.3f}",
        "student tokens": f"{chosen.student_tokens:.3g}",
        "expected loss": f"{min(chosen.predicted, on_data):.4f} nats per token",
        "10 x tokens would give": f"{np.median(gain):.4f} nats",
    },
    name="recipe",
).to_frame()

# %% [markdown]
# ## Check
#
# The example's runs come from the `corrected` law, so that here, and only here, the truth is known:
# the interval of the gain must hold it.

# %%
if example:
    made_by = laws.load("corrected")
    truth = made_by.supervised.loss(student_params, data_tokens)
    truth -= made_by.loss(student_params, chosen.student_tokens, chosen.teacher_loss)
    low, high = np.quantile(gains, [0.025, 0.975])
    claims.check("own-runs-mean-error", distillation.mean_relative_error())
    claims.check("own-runs-gain", bool(low <= truth <= high))
