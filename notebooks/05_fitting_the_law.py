# %% [markdown]
# # 05 · Fitting the law
#
# *Sections 2, 4.2 to 4.4, Appendix F.* The paper fits the supervised law to 73 runs, holds it, fits
# the distillation law to 697, and reports a relative error below 1%. Both fits minimise
#
# $$
# \sum_i \mathrm{Huber}_\delta\big(\log \hat L_i - \log L_i\big)
# \tag{45}
# $$
#
# with (Equation 50)
#
# $$
# \mathrm{Huber}_\delta(r) =
#   \begin{cases} r^2 / 2 & |r| \le \delta \\ \delta\,(|r| - \delta / 2) & |r| > \delta \end{cases}
# $$
#
# a sum, not a mean, over a grid of starts, with $\delta = 10^{-4}$; here $\delta = 10^{-3}$, as in
# most fits of others, and a section below shows what hangs on it. First come **the paper's own
# runs**: 328 of the 697, those with $L_S > 2.3$, read off the vector graphics of its Figure 1
# (losses good to $10^{-5}$, tokens to 1%). What they cannot tell is asked of **simulated** runs,
# drawn from the `corrected` law with 0.5% noise, and said to be.

# %% tags=["parameters"]
profile = "full"

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.polynomial import Polynomial

from scalinglib import allocate, fit, flops, laws, simulate
from scalinglib.report import claims, figures, paths, profiles
from scalinglib.report.paths import DATA, ROOT
from scalinglib.report.shades import BLUE

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
law = laws.load("corrected")
binding = settings.saves  # a quarter of the simulated runs and five values of B' need not agree
options = {"starts": settings.fit_starts, "bootstrap": settings.fit_replicates, "level": 0.9}

# %% [markdown]
# ## The paper's runs
#
# Who has more of the runs names a file of them in `SCALINGLIB_PAPER_RUNS` (columns
# `student_params`, `student_tokens`, `teacher_loss`, `student_loss`). The smallest student met the
# eleven teachers on a fixed ratio of tokens to parameters; a teacher that it did not meet comes
# from an IsoFLOP profile. The shortest runs have 20 tokens a parameter if the embedding is counted
# among the parameters, 21 to 26 if it is not: the paper's $M \approx 20$ seems to be the former.

# %%
own = paths.named_by("SCALINGLIB_PAPER_RUNS")
runs = pd.read_csv(own or DATA / "published" / "figure1_runs.csv")
curves = pd.read_csv(DATA / "published" / "figure1_curves.csv")
runs = runs.sort_values(
    ["student_params", "student_tokens", "teacher_loss"], kind="stable", ignore_index=True
)
fixed_teachers = runs.teacher_loss[runs.student_params == runs.student_params.min()].unique()
runs["isoflop"] = ~runs.teacher_loss.isin(fixed_teachers)
by_student = runs.groupby("student_params")
students = by_student.agg(
    runs=("student_loss", "size"),
    token_counts=("student_tokens", "nunique"),
    fewest_tokens=("student_tokens", "min"),
    isoflop_teachers=("isoflop", "sum"),
    best_loss=("student_loss", "min"),
).reset_index()
models = pd.read_csv(DATA / "published" / "table13.csv")
nearest = [(models.params_1e9 - n / 1e9).abs().idxmin() for n in students.student_params]
totals = 1e9 * models.total_params_1e9.to_numpy()[nearest]
students["tokens_per_param"] = students.fewest_tokens / students.student_params
students["tokens_per_total_param"] = students.fewest_tokens / totals
save(None, "paper_runs_students", students)
print(f"{len(runs)} runs, {len(fixed_teachers)} teachers of a fixed ratio")
students.round(2)

# %% [markdown]
# ## Only the teacher's loss matters (Figure 3)
#
# Section 4.2's finding, on the paper's own runs. Left: the students that met teachers of all sizes
# and token counts; filled, teachers of four IsoFLOP profiles, open, those of a fixed ratio. Right:
# what is left after one quartic in $\log L_T$ a student. Whatever the teacher's size and tokens,
# runs lie within 0.35% of the curve through their teacher's loss, 0.1% on average.


# %%
def left_of_quartic(part):
    x, y = np.log(part.teacher_loss), np.log(part.student_loss)
    return np.expm1(y - Polynomial.fit(x, y, 4)(x))


settings_of = runs.groupby(["student_params", "student_tokens"], group_keys=False)
runs["left"] = settings_of[["teacher_loss", "student_loss"]].apply(left_of_quartic)
collapse = runs[settings_of.isoflop.transform("any")]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True)
for n, part in collapse.groupby("student_params"):
    for isoflop, marks in part.groupby("isoflop"):
        style = {"color": figures.student_color(n), "mfc": None if isoflop else "none", "ms": 4}
        axes[0].plot(marks.teacher_loss, marks.student_loss, "o", **style)
        axes[1].plot(marks.teacher_loss, 100 * marks.left, "o", **style)
    first = part.loc[part.teacher_loss.idxmin()]
    place = {"ha": "right", "va": "center", "fontsize": 8}
    label = f"$N_S$ = {figures.label_size(n)}"
    # The two largest students' labels would overlap.
    lower = 0.02 if n == collapse.student_params.max() else 0
    axes[0].text(first.teacher_loss - 0.02, first.student_loss - lower, label, **place)
axes[0].set(xlabel="teacher loss $L_T$ (nats)", ylabel="student loss $L_S$ (nats)")
axes[0].set(xlim=(1.68, None), ylim=(2.26, None))
for fill, kind in ((None, "of an IsoFLOP profile"), ("none", "on a fixed ratio")):
    axes[0].plot([], [], "o", ms=4, color="#666666", mfc=fill, label=f"teacher {kind}")
axes[0].legend(loc="upper left")
axes[1].axhline(0, color="grey", linewidth=0.8)
axes[1].set(xlabel="teacher loss $L_T$ (nats)", ylabel="$L_S$ over its quartic (%)")
axes[1].set_ylim(-0.5, 0.5)
save(fig, "paper_runs_collapse", collapse)
spread = collapse.left.abs()
print(f"largest {spread.max():.3%}, mean {spread.mean():.3%}")

# %% [markdown]
# What is left is not the noise of single runs. In each of the four groups two branches part from
# the group's best teacher, as the two sides of an IsoFLOP profile do (small teachers on many
# tokens, large ones on few), and the same teacher leaves all its students on the same side of their
# curves (rank correlations below). Either size or tokens act a little beside the loss, by up to
# 0.35%, or the teacher losses of the figure are off by as much, as they would be if they were the
# supervised law's and not measured; Table 1 calls $L_T$ an estimate of the law. The 198M students,
# which follow $L_T$ least, are least off, which speaks for the second.

# %%
profiles_only = collapse[collapse.isoflop]
left = profiles_only.pivot_table(index="teacher_loss", columns="student_params", values="left")
together = left.corr(method="spearman")
together.round(2)

# %%
claims.check("paper-runs-collapse", float(spread.max()))
claims.check("paper-runs-teacher-left", float(together.min(axis=None)))

# %% [markdown]
# ## The capacity gap, and students that beat their teachers (Figure 4)
#
# One curve a token count, over the eleven teachers of a fixed ratio; a diamond marks each curve's
# best student. Below the dashed diagonal a student is better than its teacher. From the best point
# on, a better teacher (leftwards) makes a worse student; more tokens move that point left.

# %%
gap = runs[~runs.isoflop & (settings_of.teacher_loss.transform("min") < 2)]
best = gap.loc[gap.groupby(["student_params", "student_tokens"]).student_loss.idxmin()]
fig, axes = figures.panels(
    [f"$N_S$ = {figures.label_size(n)}" for n in gap.student_params.unique()],
    "teacher loss $L_T$ (nats)",
    "student loss $L_S$ (nats)",
    sharey=False,
)
for ax, (n, part) in zip(axes, gap.groupby("student_params"), strict=True):
    lines = part.groupby("student_tokens")
    for strength, (tokens, line) in zip((0.4, 0.6, 0.8, 1)[: len(lines)], lines, strict=True):
        color = figures.student_color(n)
        ax.plot(line.teacher_loss, line.student_loss, "o-", ms=3, color=color, alpha=strength)
        place = {"ha": "right", "va": "center", "fontsize": 7}
        ax.text(1.88, line.student_loss.iloc[0], f"{tokens / 1e9:.3g}B", **place)
    marks, diamond = best[best.student_params == n], {"color": figures.MARKS["optimum"], "ms": 5}
    ax.plot(marks.teacher_loss, marks.student_loss, "D", **diamond, label="best student")
    diagonal = {"color": "black", "linestyle": "--", "linewidth": 0.8}
    ax.axline((2.5, 2.5), slope=1, **diagonal, label="$L_S = L_T$")
    low, high = part.student_loss.min(), part.student_loss.max()
    ax.set(xlim=(1.7, 2.82), ylim=(low - 0.03, high + 0.03))
axes[0].plot([], [], "o-", ms=3, color="#666666", label="a curve for each number of tokens $D_S$")
figures.legend_below(fig, axes[0])
save(fig, "paper_runs_capacity_gap", gap.drop(columns="left"))
strongest = gap.groupby(["student_params", "student_tokens"]).student_loss.first()
rise = strongest - gap.groupby(["student_params", "student_tokens"]).student_loss.min()
weak_to_strong = int((runs.student_loss < runs.teacher_loss).sum())
best_margin = (runs.teacher_loss - runs.student_loss).max()
print(f"the strongest teacher costs {rise.min():.4f} to {rise.max():.4f} nats against the best one")
print(f"{weak_to_strong} students beat their teachers, by up to {best_margin:.4f} nats")

# %%
by_teacher = runs[~runs.isoflop].pivot_table(
    index=["student_params", "student_tokens"], columns="teacher_loss", values="student_loss"
)
ends_of_teachers = np.log(by_teacher.iloc[:, [0, -1]]).diff(axis=1).iloc[:, 1].dropna()
claims.check("paper-runs-capacity-gap", bool((rise > 0.002).all()))
claims.check("paper-runs-weak-to-strong", weak_to_strong)
claims.check("one-teacher-not-enough", float(np.ptp(ends_of_teachers)))

# %% [markdown]
# ## Four laws for the same runs (Figure 5b)
#
# `table6` is the law as printed; `corrected` has $B' = 2.0 \times 10^6$; `refit` is Equation 8
# fitted to the 328 runs; `figure1` is the law that the authors drew through them, found by fitting
# Equation 8 to 40 readings of the drawn curves. The last two hold $c_1$ at the printed 522.6, which
# no run tells (see below), and are kept in `scalinglib/coefficients`, remade here and compared.

# %%
held_c1 = {"fixed": {"c1": law.c1}, "starts": settings.fit_starts}
drawn = fit.fit_distillation(curves, law.supervised, **held_c1)
refit = fit.fit_distillation(
    runs, law.supervised, cluster="teacher", bootstrap=settings.fit_replicates, level=0.9, **held_c1
)
for name, found in {"figure1": drawn, "refit": refit}.items():
    table = found.coefficients[["estimate"]].reset_index()
    table.insert(0, "law", "distillation")
    if settings.saves and own is None:
        figures.write_table(table, f"scalinglib/coefficients/{name}.csv")
    stored = pd.read_csv(ROOT / "scalinglib" / "coefficients" / f"{name}.csv")
    np.testing.assert_allclose(stored.estimate, table.estimate, rtol=2e-5)


def relative_error(trial, table):
    inputs = ["student_params", "student_tokens", "teacher_loss"]
    return trial.loss(*(table[name].to_numpy() for name in inputs)) / table.student_loss - 1


named = {name: laws.load(name) for name in ("table6", "corrected", "figure1", "refit")}
errors = pd.concat(
    [runs.assign(law=name, error=relative_error(trial, runs)) for name, trial in named.items()]
).drop(columns=["left", "isoflop"])
on_curves = {name: relative_error(trial, curves).abs().mean() for name, trial in named.items()}
summary = errors.assign(error=errors.error.abs()).groupby("law", sort=False).error
summary = summary.agg(["mean", "max"]).assign(mean_on_drawn_curves=on_curves)
coefficients_of = pd.DataFrame({name: trial._asdict() for name, trial in named.items()}).T
coefficients_of = coefficients_of.drop(columns="supervised").astype(float)
named_laws = summary.join(coefficients_of).rename_axis("law").reset_index()
save(None, "named_laws", named_laws)
named_laws.round(5)

# %% [markdown]
# The lower half of Figure 5b for each of them: error of prediction against the measured loss,
# coloured by student size. The law as printed is off by up to 6%, mostly too low; the other
# three, whose $\beta'$ range from 0.43 to 0.66, all stay within 1%. That is the honest range of
# laws: the same runs, the same error, other exponents.

# %%
titles = ["Table 6 (scale of its own)", "corrected", "drawn in Figure 1", "free refit"]
axes_named = ("measured $L_S$ (nats)", "predicted over measured (%)")
fig, axes = figures.panels(titles, *axes_named, columns=4, sharey=False)
for ax, (name, part) in zip(axes, errors.groupby("law", sort=False), strict=True):
    for n, points in part.groupby("student_params"):
        style = {"color": figures.student_color(n), "label": f"$N_S$ = {figures.label_size(n)}"}
        ax.plot(points.student_loss, 100 * points.error, "o", ms=2.5, **style)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_ylim((-7, 7) if name == "table6" else (-1.2, 1.2))
figures.legend_below(fig, axes[0], columns=5)
save(fig, "fig05_predicted_observed", errors)

# %% [markdown]
# What is certain in the refit: intervals at 90%, as in Table 6, from a bootstrap over teachers.
# Beside them Table 6, whose fit had more than twice the runs, the strong ones among them.

# %%
published = pd.read_csv(laws.COEFFICIENTS / "table6.csv").set_index(["law", "coefficient"])
told = refit.coefficients.drop("c1")[["estimate", "low", "high"]]
told["table6"] = published.estimate["distillation"][told.index]
told["inside"] = told.table6.between(told.low, told.high)
save(None, "refit_intervals", told.reset_index())
told.map(lambda value: value if isinstance(value, bool) else f"{value:.4g}")

# %%
claims.check("paper-runs-refit", float(summary.loc["refit", "mean"]))
claims.check("law-error-figure1", float(summary.loc["corrected", "mean"]))
claims.check("law-error-figure1-table6", float(summary.loc["table6", "mean"]))
claims.check("figure5-axis", float(summary.loc["corrected", "max"]))
claims.check("drawn-curves-law", float(summary.loc["figure1", "mean_on_drawn_curves"]))

# %% [markdown]
# ## Does it extrapolate?
#
# Runs left out of the fit and then predicted, four ways; the first is the paper's (weak to strong).
# Weak to strong is easy. Better teachers than any seen, or more tokens, are not: there the error
# is several times that of the fit, and there are the decisions.

# %%
ways = {
    "strongest quarter of runs": runs.student_loss < runs.student_loss.quantile(0.25),
    "two largest students": runs.student_params > 9e8,
    "best quarter of teachers": runs.teacher_loss < runs.teacher_loss.quantile(0.25),
    "most tokens a parameter": runs.student_tokens / runs.student_params > 45,
}
rows = []
for way, held in ways.items():
    _, predicted = fit.hold_out(refit, held.to_numpy())
    size = predicted.relative_error.abs().groupby(predicted.held)
    rows.append((way, held.sum(), *size.mean(), size.max()[True]))
columns = ["held out", "runs", "mean error, fitted", "mean error, held out", "largest, held out"]
extrapolated = pd.DataFrame(rows, columns=columns)
save(None, "paper_runs_held_out", extrapolated)
extrapolated.round(5)

# %%
claims.check("fit-extrapolates", float(extrapolated["mean error, held out"][0]))
claims.check("fit-extrapolates-teachers", float(extrapolated["mean error, held out"][2]))

# %% [markdown]
# ## What hangs on $\delta$ and on $c_1$
#
# Refits of the same runs. $\delta$ moves $\beta'$ by more than its printed interval and
# predictions by nothing. Holding $c_1$ at 522.6 or at ten times as much is no different from
# leaving it free, when it runs to the bound of the search ($c_1 f_1 = 10^4$): in $c_1 \to \infty$
# the teacher's factor tends to $\exp(-k (L_T / \tilde L_S)^{1/f_1})$ and neither $c_1$ nor $d_1$
# has a value of its own. How Table 6 can have (522.6, 522.6) for it is shown further down.


# %%
def refitted(what, **changes):
    found = fit.fit_distillation(runs, law.supervised, starts=32, **changes)
    inside = relative_error(found.law, runs).abs().mean()
    return {"refit": what, "mean_error": inside, **found.coefficients.estimate}


rows = [refitted(f"delta = {d:g}", delta=d, fixed={"c1": law.c1}) for d in (1e-4, 1e-3, 1e-2)]
rows += [refitted(f"c1 = {c:g}", fixed={"c1": c}) for c in (10, 50, 5226)]
rows += [refitted("c1 free"), refitted("c1 free, delta = 0.0001", delta=1e-4)]
ridge = ["A", "B", "alpha", "beta", "gamma", "c0", "c1", "d1", "f1"]
sensitivity = figures.told(pd.DataFrame(rows), ridge)
save(None, "refit_sensitivity", sensitivity)
sensitivity.round(5)

# %% [markdown]
# The profile of $c_1$, the others refitted to the 328 runs at each value; below the dotted line all
# values fit as well as the best.

# %%
values = np.geomspace(8, 8000, 13)
profile_c1 = fit.profile(refit, "c1", values)
fig, ax = plt.subplots()
ax.plot(profile_c1.c1, profile_c1.likelihood_ratio, "o-", color=BLUE)
ax.axhline(3.84, color="black", linestyle=":", linewidth=1.2)
ax.axvline(law.c1, color="black", linestyle="--", linewidth=1)
ax.text(law.c1 * 1.1, 27, "$c_1$ in Table 6")
ax.text(1e4, 4.4, "below: as good as the best (95%)", ha="right")
ax.set(xscale="log", xlim=(50, 1.1e4), ylim=(-1, 30), xlabel="$c_1$, held")
ax.set_ylabel(r"likelihood ratio, $2 n\,\log(S / S_\mathrm{best})$")
ax.set_xticks([100, 1000, 10000], ["100", "1000", "10000"])
save(fig, "profile_c1", figures.told(profile_c1, ridge))

# %%
refused = profile_c1.likelihood_ratio[profile_c1.c1 > 5000].min() > 3.84
claims.check("c1-identified", bool(refused))

# %% [markdown]
# ## The paper's own procedure (Sections F.1 to F.3)
#
# $\delta = 10^{-4}$, L-BFGS-B without bounds from a grid of 216 000 starts, 90% intervals of 4096
# resamples of single runs. The whole grid takes eight hours; recorded are 600 of its starts, drawn
# at random (`python -m tools.once.paper_fit`). The paper also fits only the runs with
# $L_S \geq 2.3$: all 328 are. First, where the starts end; then our search under the same
# objective, with the paper's intervals, beside ours above ($\delta = 10^{-3}$, $c_1$ held, teachers
# resampled); last, where its optimiser goes on 60 resamples from the best of its ends.

# %%
ends = pd.read_csv(DATA / "fits" / "paper_starts.csv")
paper_intervals = pd.read_csv(DATA / "fits" / "paper_intervals.csv", index_col="coefficient")
searched = law._replace(**paper_intervals.estimate)
inputs = [runs[name].to_numpy() for name in ("student_params", "student_tokens", "teacher_loss")]
residuals = np.log(searched.loss(*inputs) / runs.student_loss.to_numpy())
delta = fit.paper.OPTIONS["delta"]
size = np.abs(residuals)
ours_objective = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2)).sum()
finite = ends[np.isfinite(ends.objective)]
print(f"{len(ends)} starts: {len(ends) - len(finite)} end where the law is not defined")
print(f"best objective {finite.objective.min():.4g}, median {finite.objective.median():.4g}")
print(f"our search under the same objective: {ours_objective:.4g}")
print(f"within 1% of ours: {(finite.objective < 1.01 * ours_objective).sum()} starts")
print(f"mean error of our search's law: {size.mean():.3%}, of the refit above: ", end="")
print(f"{summary.loc['refit', 'mean']:.3%}")
best_end = finite.loc[finite.objective.idxmin()].rename("best of the paper's starts")
beside = paper_intervals[["estimate", "low", "high"]].join(best_end)
refit_columns = refit.coefficients[["estimate", "low", "high"]].T.ffill().T.add_prefix("ours ")
beside = beside.join(refit_columns).rename_axis("coefficient")
save(None, "paper_procedure", beside.reset_index())
beside.map("{:.4g}".format)

# %% [markdown]
# A third of the starts end where the law is not defined, most others far above the best, and nine
# within 1% of our objective: those differ in $A'$ and $B'$ by factors of hundreds and agree in
# $c_0$ and $f_1$. Ours ends lower by a little, with $c_1$ at the bound of our search. No start that
# ends where the law is defined leaves $c_1$, begun at 1.5 at most, where it was.
#
# Neither $\delta$ nor the number of resamples makes the printed intervals: with the paper's
# objective and its 4096 resamples those of $A'$ and $B'$ span many powers of ten once $c_1$ is
# free. But resamples that start from the estimate, below, leave $c_1$ within 0.03% of it, and the
# other coefficients spread. That the printed interval of $c_1$ came about so is a guess (Section
# F.3 does not say where a resample starts); that such an interval says nothing of what runs tell is
# not.

# %%
began = fit.paper.DISTILLATION.starts(len(ends), seed=0)[:, list(law._fields).index("c1")]
kept_c1 = int((np.abs(ends.c1 - began) < 1e-3)[finite.index].sum())
resampled = pd.read_csv(DATA / "fits" / "paper_resamples.csv")
warm = (
    resampled.drop(columns="objective").quantile([0.05, 0.95]).T.set_axis(["low", "high"], axis=1)
)
warm.insert(0, "start", best_end)
print(f"{kept_c1} of {len(finite)} starts that end where the law is defined leave c1 where it was")
warm.map("{:.4g}".format)

# %%
printed_widths = np.log(published.high / published.low)["distillation"][paper_intervals.index]
own_widths = np.log(paper_intervals.high / paper_intervals.low)
alike = (own_widths < 3 * printed_widths)[printed_widths > 0].all()
claims.check("paper-starts-reach", float(finite.objective.min() / ours_objective))
claims.check("table6-intervals-runs", bool(alike))

# %% [markdown]
# ## The misprint: $B'$
#
# Section D.5 says that a 500M student reaches 2.4 nats at "roughly 3/4" of the supervised compute
# and a 10B student 2.2 nats at "roughly 1/2" (teacher inference counted). Each curve is that ratio
# as $B'$ varies and all else is as printed. At the printed $B'$ both are under 0.1; they cross the
# text's values (dots) near $2 \times 10^6$.

# %%
b_values = np.geomspace(2e4, 8e6, 5 if profile == "fast" else 19)
targets = pd.DataFrame(
    {"student_params": [5e8, 1e10], "student_loss": [2.4, 2.2], "text": [3 / 4, 1 / 2]}
)
tokens = law.supervised.tokens_for_loss(targets.student_params, targets.student_loss)
supervised_compute = np.asarray(3 * flops.forward_flops(targets.student_params) * tokens)


def compute_ratio(b):
    trial = law._replace(B=float(b))
    sizes, losses = targets.student_params, targets.student_loss
    needed = allocate.compute_for_loss(trial, sizes, losses, "teacher_inference")
    return needed / supervised_compute


scan = pd.DataFrame([compute_ratio(b) for b in b_values], columns=["ratio_500M", "ratio_10B"])
scan.insert(0, "B", b_values)

# %%
crossings = {
    name: float(np.exp(np.interp(text, scan[name], np.log(scan.B))))
    for name, text in zip(["ratio_500M", "ratio_10B"], targets.text, strict=True)
}
fig, ax = plt.subplots()
for name, row in zip(crossings, targets.itertuples(), strict=True):
    color = figures.student_color(row.student_params)
    label = f"$N_S$ = {figures.label_size(row.student_params)}, to {row.student_loss:g} nats"
    ax.plot(scan.B, scan[name], color=color, label=label)
    ax.plot(crossings[name], row.text, "o", color=color, markersize=8)
    words = {"ha": "right", "va": "center", "fontsize": 9}
    ax.text(crossings[name] * 0.88, row.text + 0.02, f"text: {row.text:g}", **words)
for value, told in ((24181, "printed $B'$ = 24181"), (law.B, "corrected $B'$ = 2.0e6")):
    ax.axvline(value, color="black", linestyle="--", linewidth=1)
    ax.text(value * 1.06, 1.24, told, fontsize=9)
ax.set(xscale="log", xlabel="$B'$", ylabel="compute over supervised compute", ylim=(0, 1.3))
ax.legend(loc="upper left", bbox_to_anchor=(0.1, 0.88))
save(fig, "misprint_section_d5", scan)
{name: f"{value:.3g}" for name, value in crossings.items()}

# %% [markdown]
# The second half of the evidence is the runs. With all else as printed, $B'$ fitted to them alone
# comes out at $2.0 \times 10^6$ too. Freed one at a time, no other coefficient explains them as
# well: the next best, $\beta'$, leaves an error a fifth larger. And the authors' own law as drawn
# in Figure 1 has a $B'$ of millions.

# %%
printed = named["table6"]._asdict()
printed.pop("supervised")


def freed(name):
    held = {c: value for c, value in printed.items() if c != name}
    return fit.fit_distillation(runs, law.supervised, fixed=held, starts=16)


alone = {name: freed(name) for name in printed}
single = pd.DataFrame(
    {
        "freed": list(alone),
        "printed": [printed[name] for name in alone],
        "fitted": [found.coefficients.estimate[name] for name, found in alone.items()],
        "mean_error": [relative_error(found.law, runs).abs().mean() for found in alone.values()],
    }
).sort_values("mean_error", kind="stable", ignore_index=True)
save(None, "misprint_single_coefficients", single)
single.round(5)

# %%
held = {c: value for c, value in printed.items() if c != "B"}
alone_b = fit.fit_distillation(
    runs,
    law.supervised,
    fixed=held,
    bootstrap=settings.fit_replicates,
    starts=16,
    cluster="teacher",
)
trials = {"printed": named["table6"], "corrected": law, "fitted alone": alone_b.law}
evidence = pd.DataFrame({"which": list(trials), "B": [trial.B for trial in trials.values()]})
sizes = [relative_error(trial, runs).abs() for trial in trials.values()]
evidence["runs"] = len(runs)
evidence["mean_relative_error"] = [size.mean() for size in sizes]
evidence["max_relative_error"] = [size.max() for size in sizes]
low, high = alone_b.coefficients.loc["B", ["low", "high"]]
printed_low, printed_high = published.loc[("distillation", "B"), ["low", "high"]]
evidence["B_low"], evidence["B_high"] = [printed_low, law.B, low], [printed_high, law.B, high]
if settings.saves:
    figures.write_table(evidence, "data/fits/misprint_evidence.csv")
evidence.round(5)

# %%
claims.check("misprint-500m", crossings["ratio_500M"] / 1e6, binding)
claims.check("misprint-10b", crossings["ratio_10B"] / 1e6, binding)
claims.check("misprint-runs", float(alone_b.law.B / 1e6))
claims.check("misprint-only-b", single.freed[0] == "B")

# %% [markdown]
# ## The runs over the contours (Figures 6 and 13)
#
# Figures 6 and 13 lay runs over contours of $L_S - \tilde L_S$. The same difference for the runs
# here, $\tilde L_S$ from the supervised law, against what the `corrected` law gives.

# %%
supervised_loss = law.supervised.loss(runs.student_params, runs.student_tokens)
runs["advantage"] = runs.student_loss - supervised_loss
off_contour = (relative_error(law, runs) * runs.student_loss).abs()
small = runs[(runs.student_params == 1.98e8) & runs.isoflop]
print(f"runs are {off_contour.mean():.4f} nats off the contours, {off_contour.max():.4f} at most")
print(f"198M with IsoFLOP teachers: {(small.advantage < 0).sum()} of {len(small)} beat supervised")
runs.groupby("student_params").advantage.describe().round(4)

# %%
claims.check("contours-match-scatter", float(off_contour.max()))
claims.check("paper-runs-198m", bool((small.advantage < 0).all()))

# %% [markdown]
# ## Simulated: what would come back from all the runs (Table 6)
#
# 73 supervised runs (eleven with $D = 20 N$, six on 512B tokens, four IsoFLOP profiles) and 697
# distillation runs (fixed-$M$ teachers with student IsoFLOPs, teacher IsoFLOPs with fixed-$M$
# students, both fixed), drawn from a known law.

# %%
supervised_runs = simulate.supervised_runs(law.supervised, noise=0.005, seed=1)
distillation_runs = simulate.distillation_runs(law, noise=0.005, seed=1)
if profile == "fast":
    distillation_runs = distillation_runs.sample(180, random_state=0).reset_index(drop=True)
supervised = fit.fit_supervised(supervised_runs, **options)
distillation = fit.fit_distillation(distillation_runs, law.supervised, **options)
fits = {"supervised": supervised, "distillation": distillation}
for name, found in fits.items():
    print(
        f"{name}: {len(found.runs)} runs, {found.starts_at_optimum:.0%} of the starts at the best "
        f"objective, {found.replicates_converged:.0%} of the replicates converged"
    )

# %% [markdown]
# Each dot is an estimate over its true value, with a 90% bootstrap interval; black between two
# strokes, the interval that Table 6 prints, over its own estimate: too short to be seen for most.
# Exponents come back within 15%; $A$,
# $B$, $A'$ and $B'$ only within a factor of two or three, since they are the terms at one parameter
# and one token; $c_1$ not at all (the arrow: it ran to the bound of the search, $c_1 f_1 = 10^4$).

# %%
truth = {"supervised": law.supervised._asdict(), "distillation": law._asdict()}


def row(name, coefficient):
    found = fits[name].coefficients.loc[coefficient]
    printed = published.loc[(name, coefficient)]
    values = [truth[name][coefficient], *found[["estimate", "low", "high"]]]
    return [name, coefficient, *values, *printed[["estimate", "low", "high"]]]


columns = ["law", "coefficient", "true", "estimate", "low", "high"]
columns += ["printed", "printed_low", "printed_high"]
pairs = [(name, c) for name, found in fits.items() for c in found.coefficients.index]
coefficients = pd.DataFrame([row(*pair) for pair in pairs], columns=columns)
coefficients["printed_low"] = coefficients.printed_low.fillna(coefficients.printed)
save(None, "table06_coefficients_simulated", coefficients)
coefficients.round(4)

# %%
SYMBOLS = {greek: rf"$\{greek}$" for greek in ("alpha", "beta", "gamma")}
SYMBOLS |= {f"{letter}1": f"${letter}_1$" for letter in "cdf"} | {"c0": "$c_0$"}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for ax, (name, part) in zip(axes, coefficients.groupby("law", sort=False), strict=True):
    at = np.arange(len(part))[::-1]
    span = (part[["low", "high"]].to_numpy() / part[["true"]].to_numpy()).T
    centre = (part.estimate / part.true).to_numpy()
    printed = part[["printed_low", "printed_high"]].to_numpy() / part[["printed"]].to_numpy()
    bars = {"fmt": "o", "color": BLUE, "label": "simulated runs: estimate and 90%"}
    ax.errorbar(centre, at, xerr=np.abs(span - centre), **bars)
    ax.hlines(at, *printed.T, color="black", linewidth=2, zorder=3)
    for end in printed.T:
        ax.plot(end, at, "|", color="black", ms=13, mew=1, zorder=3)
    ax.plot([], [], "k|", ms=11, mew=1, label="Table 6: 90% as printed, over its estimate")
    prime = "'" if name == "distillation" else ""
    primed = [prime if c in truth["supervised"] else "" for c in part.coefficient]
    names = [SYMBOLS.get(c, f"${c}$") for c in part.coefficient]
    ax.set_yticks(at, [f"{n[:-1]}{p}$" for n, p in zip(names, primed, strict=True)])
    for y, c, x in zip(at, part.coefficient, centre, strict=True):
        if c == "c1":
            arrow = {"arrowstyle": "->", "color": BLUE, "linewidth": 1.5}
            ax.annotate("", (2.8 * x, y), (x, y), arrowprops=arrow)
    ticks = [0.3, 0.5, 1, 2, 3] if name == "supervised" else [0.1, 1, 10, 100]
    ax.set(
        xscale="log",
        xlabel="estimate / true value",
        title=f"{name} law, simulated runs",
    )
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    if name == "distillation":
        ax.set_xlim(0.02, 800)
    ax.xaxis.set_minor_formatter("")
figures.legend_below(fig, axes[0])
save(fig, "fit_recovery_simulated", coefficients)

# %% [markdown]
# Coefficients differ, predictions do not: where the runs are, the fitted laws agree with the law
# that made them within 0.1%. Compare predictions, never coefficients.

# %%
clean = {
    "supervised": simulate.supervised_runs(law.supervised, noise=0),
    "distillation": simulate.distillation_runs(law, noise=0),
}
recovered = {name: found.mean_relative_error(clean[name]) for name, found in fits.items()}
{name: f"{error:.3%}" for name, error in recovered.items()}

# %%
claims.check("fit-recovers-supervised", recovered["supervised"], binding)
claims.check("fit-recovers-distillation", recovered["distillation"], binding)
claims.check("fit-starts-agree", min(found.starts_at_optimum for found in fits.values()), binding)

# %% [markdown]
# The diagnosis in words, ridges by name. The data tell combinations: $A$ moves with $\alpha$, $B$
# with $\beta$; neither $c_1$ nor $d_1$ has a value of its own. On narrow data $\gamma$ moves with
# $E$ as well; over the paper's range of sizes it does not.

# %%
for name, found in fits.items():
    print(f"{name}:", *fit.explain(found), sep="\n  ")

# %% [markdown]
# ## Are the printed intervals believable?
#
# Below, the printed intervals and ours as multiples of each other. Two arguments, one from runs
# like the paper's and one from the table alone:
#
# - Simulated runs give all coefficients wider intervals than printed: $E$, $\gamma$, $c_0$ and
#   $f_1$ three to eight times, exponents and $d_1$ tens of times, $A$ and $B$ hundreds. Widths
#   shrink in proportion to the noise; no one noise gives all the printed widths, and that for $A$
#   would be near 0.001%, where the refit above leaves errors of 0.2%.
# - $A$ and $\alpha$ cannot both be that certain *and* independent. What runs tell is
#   $A / \bar N^{\alpha}$ near the middle $\bar N \approx 10^9$, so $\alpha \pm 0.003$ means
#   $A$ within $\pm 0.003 \ln \bar N \approx 6\%$; printed is $\pm 0.2\%$. The interval of $A$
#   looks like that of an optimiser that hardly moves $A$ from where it started, as $c_1$ above.
#
# So the printed intervals are not to be used as uncertainties of the coefficients.

# %%
widths = coefficients[["law", "coefficient"]].assign(
    printed=np.log(coefficients.printed_high / coefficients.printed_low),
    simulated=np.log(coefficients.high / coefficients.low),
)
widths["simulated / printed"] = widths.simulated / widths.printed.replace(0, np.nan)
middle = np.log(supervised_runs.params).mean()
alpha_width = 0.411 - 0.405
print(f"A's interval if alpha's is as printed: a factor {np.exp(alpha_width * middle):.3f} wide")
print(f"A's interval as printed: a factor {3360 / 3346:.4f} wide")
widths.round(4)

# %%
claims.check("table6-intervals", bool((widths["simulated / printed"].dropna() < 3).all()), binding)

# %% [markdown]
# ## Simulated: how few weak runs are too few
#
# Fits to the supervised runs above a mark, and their error on the stronger ones, over eight draws
# of the noise (whose own mean size is 0.4%). The paper's mark is 2.2. From there to 2.4 the error
# about doubles on average, and one draw says little: "extrapolates from weak to strong" needs the
# number of weak runs beside it.

# %%
marks = (2.1, 2.2, 2.3, 2.4)
rows = []
for seed in range(1 if profile == "fast" else 8):
    drawn_runs = simulate.supervised_runs(law.supervised, noise=0.005, seed=seed)
    whole = fit.fit_supervised(drawn_runs, starts=64)
    for mark in marks:
        held = (whole.runs.loss < mark).to_numpy()
        error = fit.hold_out(whole, held)[1].relative_error[held].abs()
        rows.append((mark, (~held).sum(), held.sum(), error.mean(), error.max()))
names = ["fitted above (nats)", "runs fitted", "runs held out", "mean error", "largest error"]
few = pd.DataFrame(rows, columns=names).groupby(names[0])
few_weak = few.mean().assign(largest_draw=few["mean error"].max(), largest_run=few[names[4]].max())
few_weak.drop(columns=names[4]).round(4)

# %% [markdown]
# The paper fits the weak runs, $L \geq 2.2$, with its own procedure too. Its supervised runs are
# not known, so this is on one simulated draw: 100 of its grid's 9600 starts beside our search under
# the same objective. Some come within 1% of it, the best is the same optimum.

# %%
weak = fit.paper.SUPERVISED.weak(supervised_runs)
strong = supervised_runs.drop(weak.index)
weak_fit = fit.fit_supervised(weak, delta=delta, starts=64)
weak_starts = fit.paper.SUPERVISED.starts(3 if profile == "fast" else 100)
weak_ends = fit.paper.SUPERVISED.minimise(weak, weak_starts)
weak_best = weak_ends.loc[weak_ends.objective.idxmin()]
near = (weak_ends.objective < 1.01 * weak_fit.objective).mean()
weak_law = laws.SupervisedLaw(**weak_best.drop("objective"))
off = np.abs(weak_law.loss(strong.params, strong.tokens) / strong.loss - 1).mean()
ours_off = weak_fit.mean_relative_error(strong)
print(
    f"{len(weak)} weak runs; {len(weak_ends)} starts, "
    f"{'at least' if near > 0.2 else 'under'} one in five within 1% of our objective"
)
print(f"best of them over ours: {weak_best.objective / weak_fit.objective:.6f}")
print(f"mean error on the {len(strong)} stronger runs: {off:.3%}, ours {ours_off:.3%}")

# %% [markdown]
# ## Simulated: which protocol tells what (Sections 2, 4.2 and E.4)
#
# The paper says that compute-optimal runs alone do not tell the supervised law; that IsoFLOP
# students of fixed teachers tell $A'$, $B'$ and the exponents, IsoFLOP teachers of fixed students
# $c_0$, $c_1$, $d_1$ and $f_1$; and that the third protocol is not needed. Below, the upper over
# the lower end of each 90% interval, for each part of the runs. Compute-optimal runs tell nothing,
# the three supervised protocols together the exponents to about 20%. For distillation no protocol
# alone tells all that is said of it, the second next to nothing; with noise of 0.2% the first would
# tell the exponents to about 50%, $A'$ and $B'$ still not (last line). Without the third protocol
# intervals are wider, yet its runs are predicted to 0.1%: it is not needed to predict.


# %%
TOLD = 1.5  # ends of an interval up to this ratio: told, as `fit.explain` counts


def interval_ratios(found):
    low, high = found.coefficients.low, found.coefficients.high
    return (high / low).where(low > 0, np.inf)  # not even the sign is told


# Of intervals this wide fifty replicates say enough, and these fits are slow.
few_options = {**options, "starts": 32, "bootstrap": min(50, settings.fit_replicates)}


def fitted_quietly(call, *arguments):
    with warnings.catch_warnings():
        # That these runs are too few is what is asked.
        warnings.simplefilter("ignore", fit.FitWarning)
        return call(*arguments, **few_options)


optimal_params = np.geomspace(143e6, 12.6e9, len(supervised_runs))
optimal_runs = pd.DataFrame({"params": optimal_params, "tokens": 20 * optimal_params})
noise = np.exp(0.005 * np.random.default_rng(1).standard_normal(len(optimal_runs)))
optimal_runs["loss"] = law.supervised.loss(*optimal_runs.to_numpy().T) * noise
optimal_only = fitted_quietly(fit.fit_supervised, optimal_runs)
first, second, third = distillation_runs.protocol.unique()
parts = {
    "IsoFLOP students": distillation_runs.protocol == first,
    "IsoFLOP teachers": distillation_runs.protocol == second,
    "without the third": distillation_runs.protocol != third,
}
by_part = {
    what: fitted_quietly(fit.fit_distillation, distillation_runs[part], law.supervised)
    for what, part in parts.items()
}
told_by = {
    "supervised, compute-optimal": optimal_only,
    "supervised, all": supervised,
    **by_part,
    "all": distillation,
}
told_by = pd.DataFrame({what: interval_ratios(found) for what, found in told_by.items()})
third_runs = clean["distillation"][clean["distillation"].protocol == third]
third_error = by_part["without the third"].mean_relative_error(third_runs)
print(f"without the third protocol its runs are predicted to {third_error:.3%}")
# Widths in logs go with the noise.
less_noise = (told_by.loc[["A", "B", "alpha", "gamma"], "IsoFLOP students"] ** (0.2 / 0.5)).round(2)
print(f"IsoFLOP students with noise of 0.2%, not 0.5%: {less_noise.to_dict()}")
# How wide an interval is of what is not told hangs on the last digit of a processor.
told_by.map("{:.3g}".format).mask(~(told_by <= TOLD), "not told")

# %%
exponents = ["alpha", "beta", "gamma"]
told_alone, told_together = (
    told_by.loc[exponents, f"supervised, {w}"] for w in ("compute-optimal", "all")
)
enough = (told_alone > TOLD).all() and (told_together <= TOLD).all()
claims.check("compute-optimal-not-enough", bool(enough), binding)
shape, teacher_part = ["A", "B", *exponents], ["c0", "c1", "d1", "f1"]
told_shape = (told_by.loc[shape, "IsoFLOP students"] <= TOLD).all()
told_teacher = (told_by.loc[teacher_part, "IsoFLOP teachers"] <= TOLD).all()
claims.check("isoflop-students-tell", bool(told_shape), binding)
claims.check("isoflop-teachers-tell", bool(told_teacher), binding)
claims.check("third-protocol-not-needed", third_error, binding)

# %% [markdown]
# ## A cross-check: IsoFLOP parabolas (Figure 36b)
#
# The other public way: on each budget a parabola in $\log N$ through the losses, its minimum the
# compute-optimal size. Beside it, the optimum of the law that made the runs. The parabola is off
# by 1 to 5% from noise and by 0.6 to 0.7% from its own shape (last column: without noise),
# here on profiles centred on the optimum; it serves as a check of the fit, not the other way round.


# %%
def law_optimum(budget):
    params = np.geomspace(1e7, 1e12, 20001)
    tokens = budget / (3 * flops.forward_flops(params))
    return params[np.argmin(law.supervised.loss(params, tokens))]


rows = []
for budget in simulate.BUDGETS:
    profiles_of = [
        t[t.protocol == f"IsoFLOP {budget:.0e}"] for t in (supervised_runs, clean["supervised"])
    ]
    best = law_optimum(budget)
    off = [fit.isoflop_minimum(p.params, p.loss)[0] / best - 1 for p in profiles_of]
    rows.append((f"{budget:.0e}", figures.label_size(best), *off))
isoflops = pd.DataFrame(rows, columns=["FLOPs", "law's best N", "parabola", "without noise"])
isoflops.round(4)

# %% [markdown]
# ## Does holding the supervised law hide uncertainty?
#
# Where the supervised law is itself fitted (to 73 runs), its replicates can be carried through the
# distillation fit. $A'$'s widens most, by a fifth; 400 replicates tell a width to some 5%, so
# the small differences are none.

# %%
carried = fit.fit_distillation(distillation_runs, supervised, **options)


def log_widths(found):
    return np.log(found.coefficients.high / found.coefficients.low)


carried_widths = pd.DataFrame({"held": log_widths(distillation), "carried": log_widths(carried)})
carried_widths["carried / held"] = carried_widths.carried / carried_widths.held
carried_widths.round(3)

# %% [markdown]
# ## Check: what the runs say of the protocols

# %%
isoflop_teachers = students.set_index("student_params").isoflop_teachers
counted = set(isoflop_teachers[[1.98e8, 5.46e8, 9.75e8]])
four = set(isoflop_teachers.index[isoflop_teachers > 0]) == {1.98e8, 5.46e8, 9.75e8, 1.82e9}
claims.check("teacher-isoflop-protocol", four and counted == {55})
claims.check("ten-by-five-protocol", len(fixed_teachers))
claims.check("article-seven-sizes", curves.student_params.nunique())
weakest, best_in_range = law.supervised.loss([1.98e8, 7.75e9], 20 * np.array([1.98e8, 7.75e9]))
inside = runs.teacher_loss.between(0.98 * best_in_range, 1.02 * weakest).all()
claims.check("practitioner-teacher-range", bool(inside))
claims.check("runs-token-range", float(curves.student_tokens.max() / 1e9))
claims.check("supervised-runs-74", int(published.estimate["supervised", "runs"]))

# %% [markdown]
# ## What to take away
#
# Predictions of the law are good to 1% where there are runs; its coefficients, $c_1$ and $d_1$
# above all, are not told by them, and the printed intervals are not uncertainties. The printed
# $B'$ contradicts both the paper's text and its runs: use `corrected`.
