# %% [markdown]
# # 05 · Fitting the law
#
# [← 04](04_scaling_law.ipynb)
# · [README](../README.md)
# · [06 →](06_distill_or_supervise.ipynb)
# · *The law*
#
# *Sections 2, 4.2 to 4.4, Appendix F.* The paper fits the supervised law to 73 runs, holds it, fits
# the distillation law to 697, and reports a relative error below 1%. Here are first **the paper's
# own runs**: 328 of the 697, those with $L_S > 2.3$, read off the vector graphics of its Figure 1
# (losses good to $10^{-5}$, tokens to 1%). What they cannot say is asked of **simulated** runs,
# drawn from the corrected law with 0.5% noise, and said to be.

# %% tags=["parameters"]
profile = "full"

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import warnings

import numpy as np
import pandas as pd
import seaborn as sns

from scalinglib import allocate, fit, flops, laws, sentences, simulate
from scalinglib.gap import published
from scalinglib.report import claims, columns, figures, panels, paths, profiles
from scalinglib.report.panels import Panels
from scalinglib.report.paths import DATA, ROOT

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## Only the teacher's loss matters (Figure 3)
#
# Section 4.2's finding, on the paper's own runs. A quartic in $\log L_T$ is fitted to each
# student's losses on each number of tokens. If the size or the tokens of its teachers mattered
# beside their loss, the runs would not lie on it.
#
# If you have more of the paper's runs, name a file of them in `SCALINGLIB_PAPER_RUNS` (columns
# `student_params`, `student_tokens`, `teacher_loss`, `student_loss`).

# %%
own = paths.named_by("SCALINGLIB_PAPER_RUNS")
runs = published.sorted_runs(pd.read_csv(own or DATA / "published" / "figure1_runs.csv"))
met_profiles = runs.groupby(["student_params", "student_tokens"]).isoflop.transform("any")
collapse = runs.assign(left=published.quartic_residuals(runs))[met_profiles]
spread = collapse.left.abs()
two = collapse[collapse.student_params.isin([198e6, 546e6])]
two = two.sort_values("isoflop", ascending=False, kind="stable")
KINDS = {True: "teacher on fewer or more tokens", False: "teacher on 20 tokens a parameter"}
two = two.assign(kind=two.isoflop.map(KINDS), curve=two.student_loss / (1 + two.left))

# %%
title = "A student's loss follows its teacher's loss, however the teacher was trained"
grid = Panels(two, "teacher_loss", "student_loss", title, size=(7.6, 4.2))
for student, part in two.sort_values("teacher_loss", kind="stable").groupby("student_params"):
    quartic = np.polynomial.Polynomial.fit(*np.log(part[["teacher_loss", "curve"]].to_numpy().T), 4)
    grid.ax.plot(*np.exp(quartic.linspace(200)), color="#888888", lw=1)
    name = columns.words("student_params", student, title=True)
    grid.ax.text(1.9, part.curve.iloc[0] + 0.02, name)
grid.draw(panels.dots, hue="kind")
within = f"all lie within {two.left.abs().max():.2%} of it"
grid.setting(f"Grey: a smooth curve (quartic) fitted to the paper's runs of each student; {within}")
save(grid, "paper_runs_collapse", collapse)
print(f"largest {spread.max():.3%}, mean {spread.mean():.3%}")

# %% [markdown]
# The lines are those quartics, of two of the four students that had both kinds of teachers. What is
# left is too small to see here and is not the noise of single runs. In each of the four groups of
# teachers two branches start from the group's best teacher, as the two sides of an IsoFLOP profile
# do (small teachers on many tokens, large ones on few). And students of the same teacher lie on the
# same side of their curves, as the rank correlations below say.
#
# There are two ways to read this. Either size or tokens act a little beside the loss. Or the
# teacher losses of the figure are off by as much, as they would be if they were the supervised
# law's and not measured; Table 1 calls $L_T$ an estimate of the law. The 198M students, which
# follow $L_T$ least, are least off, which speaks for the second.

# %%
left = collapse[collapse.isoflop].pivot_table(
    index="teacher_loss", columns="student_params", values="left"
)
together = left.rename(columns=columns.count).corr(method="spearman")
together.round(2)

# %%
claims.check("paper-runs-collapse", float(spread.max()))
claims.check("paper-runs-teacher-left", float(together.min(axis=None)))

# %% [markdown]
# ## The capacity gap, and students that beat their teachers (Figure 4)
#
# Of each student on each number of tokens: by how much its loss under the strongest of the eleven
# teachers whose tokens have a fixed ratio to their parameters exceeds its least one (notebook `00`
# draws one student).

# %%
gap = published.fixed_ratio(runs)
gap["above_best"] = published.above_best(gap)
strongest = gap.groupby(["student_params", "student_tokens"], as_index=False).first()
save(None, "paper_runs_capacity_gap", gap.drop(columns="above_best"))
cost = (1e3 * strongest.above_best).rename("thousandths of a nat")
names = [strongest[name].map(columns.count) for name in ("student_params", "student_tokens")]
cost.to_frame().round(1).set_index(names).T

# %% [markdown]
# The gap is real and small, and mostly smaller on more tokens. Under the
# weakest teachers students are better than their teachers, which the law has no room for:

# %%
weak_to_strong = int((runs.student_loss < runs.teacher_loss).sum())
margin = (runs.teacher_loss - runs.student_loss).max()
print(f"the strongest teacher costs {cost.min():.1f} to {cost.max():.1f} thousandths")
print(f"{weak_to_strong} students beat their teachers, by up to {1e3 * margin:.1f} thousandths")

# %%
by_teacher = runs[~runs.isoflop].pivot_table(
    index=["student_params", "student_tokens"], columns="teacher_loss", values="student_loss"
)
ends_of_teachers = np.log(by_teacher.iloc[:, [0, -1]]).diff(axis=1).iloc[:, 1].dropna()
claims.check("paper-runs-capacity-gap", sentences.every(strongest.above_best > 0.002))
claims.check("paper-runs-weak-to-strong", weak_to_strong)
claims.check("one-teacher-not-enough", float(np.ptp(ends_of_teachers)))

# %% [markdown]
# ## The paper's runs by student
#
# The shortest runs have 20 tokens a parameter if the embedding is counted among the parameters, 21
# to 26 if it is not: the paper's $M \approx 20$ is the former.

# %%
students = runs.groupby("student_params", as_index=False).agg(
    runs=("student_loss", "size"),
    token_counts=("student_tokens", "nunique"),
    fewest_tokens=("student_tokens", "min"),
    isoflop_teachers=("isoflop", "sum"),
    best_loss=("student_loss", "min"),
)
totals = flops.total_params(students.student_params)
students["tokens_per_param"] = students.fewest_tokens / students.student_params
students["tokens_per_total_param"] = students.fewest_tokens / totals
save(None, "paper_runs_students", students)
fixed_teachers = runs.teacher_loss[~runs.isoflop].unique()
print(f"{len(runs)} runs, {len(fixed_teachers)} teachers of a fixed ratio")
students.round(2)

# %% [markdown]
# ## How the law is fitted
#
# Both fits of the paper minimise
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
# It is a sum, not a mean, over a grid of starts, with $\delta = 10^{-4}$. Here
# $\delta = 10^{-3}$, as in most fits of others; a section below shows what that changes.
#
# ## Four laws for the same runs (Figure 5b)
#
# - `table6` is the law as printed;
# - `corrected`, *the corrected law*, has $B' = 2.0 \times 10^6$;
# - `refit` is Equation 8 fitted to the 328 runs;
# - `figure1` is the law that the authors drew through them, found by fitting Equation 8 to 40
#   readings of the drawn curves.
#
# The last two hold $c_1$ at the printed 522.6, on which no run depends (see below). They are kept
# in `scalinglib/coefficients`, remade here and compared.

# %%
law = laws.load("corrected")
drawn_curves = pd.read_csv(DATA / "published" / "figure1_curves.csv")
held_c1 = {"fixed": {"c1": law.c1}, "starts": settings.fit_starts}
drawn = fit.fit_distillation(drawn_curves, law.supervised, **held_c1)
by_teacher = {"cluster": "teacher", "bootstrap": settings.fit_replicates, "level": 0.9}
refit = fit.fit_distillation(runs, law.supervised, **by_teacher, **held_c1)

# %%
for name, found in {"figure1": drawn, "refit": refit}.items():
    table = found.coefficients[["estimate"]].reset_index()
    table.insert(0, "law", "distillation")
    if settings.saves and own is None:
        figures.write_table(table, f"scalinglib/coefficients/{name}.csv")
    stored = pd.read_csv(ROOT / "scalinglib" / "coefficients" / f"{name}.csv")
    np.testing.assert_allclose(stored.estimate, table.estimate, rtol=2e-5)

# %%
named = {name: laws.load(name) for name in ("table6", "corrected", "figure1", "refit")}
errors = pd.concat(
    [runs.assign(law=name, error=published.relative_error(each, runs))
     for name, each in named.items()]
).drop(columns="isoflop")  # fmt: skip
summary = errors.assign(error=errors.error.abs()).groupby("law", sort=False).error
on_curves = {n: published.relative_error(each, drawn_curves).abs() for n, each in named.items()}
summary = summary.agg(["mean", "max"]).assign(
    mean_on_drawn_curves={name: error.mean() for name, error in on_curves.items()}
)

# %%
coefficients_of = pd.DataFrame({name: each._asdict() for name, each in named.items()}).T
coefficients_of = coefficients_of.drop(columns="supervised").astype(float)
named_laws = summary.join(coefficients_of).rename_axis("law").reset_index()
save(None, "named_laws", named_laws)
named_laws.round(5)

# %% [markdown]
# The lower half of Figure 5b: the error of the prediction, a dot a run. The law as printed is off
# by several percent, mostly too low; the corrected one, whose picture those of the other two
# resemble, is not.

# %%
WORDS = {"table6": "the law as printed", "corrected": "one number corrected"}
shown = errors.assign(law=errors.law.map(WORDS), percent_off=100 * errors.error)
shown = shown.dropna().reset_index(drop=True)
most = shown.percent_off.abs().groupby(shown.law, sort=False)
title = "One misprint makes the law miss by up to {:.0f}% instead of {:.1f}%".format(*most.max())
grid = Panels(shown, "student_loss", "percent_off", title, col="law", size=(8.6, 3.6))
grid.draw(panels.dots, color="#56B4E9").each(panels.zero)
grid.draw(panels.rings, shown.loc[most.idxmax()], label="worst run")
grid.setting(f"{len(runs)} runs of the paper. Corrected is the coefficient of the student's tokens")
save(grid, "fig05_predicted_observed", errors)

# %% [markdown]
# The other three have a $\beta'$ from 0.43 to 0.66 and all stay within 1%. That is the honest range
# of laws: the same runs, the same error, other exponents.
#
# How certain is the refit? Below are its intervals at 90%, as in Table 6, from a bootstrap over
# teachers. Beside them stands Table 6, whose fit had more than twice the runs, the strong ones
# among them.

# %%
table6 = pd.read_csv(laws.COEFFICIENTS / "table6.csv").set_index(["law", "coefficient"])
intervals = refit.coefficients.drop("c1")[["estimate", "low", "high"]]
intervals["table6"] = table6.estimate["distillation"][intervals.index]
intervals["inside"] = intervals.table6.between(intervals.low, intervals.high)
save(None, "refit_intervals", intervals.reset_index())
refit.coefficient_table().drop("c1").join(intervals[["table6", "inside"]])

# %%
claims.check("paper-runs-refit", float(summary.loc["refit", "mean"]))
claims.check("law-error-figure1", float(summary.loc["corrected", "mean"]))
claims.check("law-error-figure1-table6", float(summary.loc["table6", "mean"]))
claims.check("figure5-axis", float(summary.loc["corrected", "max"]))
claims.check("drawn-curves-law", float(summary.loc["figure1", "mean_on_drawn_curves"]))

# %% [markdown]
# ## Does it extrapolate?
#
# Runs are left out of the fit and then predicted, four ways; the first is the paper's (weak to
# strong).

# %%
ways = {
    "strongest quarter of runs": runs.student_loss < runs.student_loss.quantile(0.25),
    "two largest students": runs.student_params > 9e8,
    "best quarter of teachers": runs.teacher_loss < runs.teacher_loss.quantile(0.25),
    "most tokens a parameter": runs.student_tokens / runs.student_params > 45,
}
rows = []
for way, held in ways.items():
    predicted = fit.hold_out(refit, held.to_numpy())
    size = predicted.relative_error.abs().groupby(predicted.held)
    rows.append((way, held.sum(), *size.mean(), size.max()[True]))
names = ["held out", "runs", "mean error, fitted", "mean error, held out", "largest, held out"]
extrapolated = pd.DataFrame(rows, columns=names)
save(None, "paper_runs_held_out", extrapolated)
extrapolated.set_index("held out").map(lambda x: x if isinstance(x, int) else f"{x:.2%}")

# %% [markdown]
# Weak to strong is easy. Better teachers than any seen, or more tokens, are not: there the error is
# several times that of the fit, and it is there that decisions are made.

# %%
claims.check("fit-extrapolates", float(extrapolated["mean error, held out"][0]))
claims.check("fit-extrapolates-teachers", float(extrapolated["mean error, held out"][2]))

# %% [markdown]
# ## What depends on $\delta$ and on $c_1$
#
# Refits of the same runs with other values of $\delta$, and with $c_1$ held elsewhere or free.
# Predictions are the same throughout. $\delta$ moves $\beta'$ by more than its printed interval.
# Left free, $c_1$ runs to the bound of the search ($c_1 f_1 = 10^4$), and it fits no better there
# than at 522.6: as $c_1 \to \infty$ the teacher's factor tends to
# $\exp(-k (L_T / \tilde L_S)^{1/f_1})$, and neither $c_1$ nor $d_1$ has a value of its own. How
# Table 6 can have (522.6, 522.6) for its interval is shown further down.


# %%
def refitted(what, **changes):
    """One refit in a row: its error and its coefficients."""
    found = fit.fit_distillation(runs, law.supervised, starts=32, **changes)
    inside = published.relative_error(found.law, runs).abs().mean()
    return {"refit": what, "mean_error": inside, **found.coefficients.estimate}


rows = [refitted(f"delta = {d:g}", delta=d, fixed={"c1": law.c1}) for d in (1e-4, 1e-3, 1e-2)]
rows += [refitted(f"c1 = {c:g}", fixed={"c1": c}) for c in (10, 50, 5226)]
rows += [refitted("c1 free"), refitted("c1 free, delta = 0.0001", delta=1e-4)]
ridge = ["A", "B", "alpha", "beta", "gamma", "c0", "c1", "d1", "f1"]
sensitivity = figures.told(pd.DataFrame(rows), ridge)
save(None, "refit_sensitivity", sensitivity)
sensitivity.round(5)

# %% [markdown]
# The profile of $c_1$: at each value all other coefficients are refitted to the 328 runs. Below a
# likelihood ratio of 3.84 a value fits as well as the best (95%): the runs set only a lower bound.

# %%
profile_c1 = fit.profile(refit, "c1", np.geomspace(8, 8000, 13))
falling = profile_c1.sort_values("likelihood_ratio", kind="stable")
least = np.exp(np.interp(3.84, falling.likelihood_ratio, np.log(falling.c1)))
print(f"all values of c1 from {least:.0f} on fit as well; printed is {law.c1}, without any range")
save(None, "profile_c1", figures.told(profile_c1, ridge))
profile_c1[["c1", "likelihood_ratio"]].round(1).T

# %%
refused = profile_c1.likelihood_ratio[profile_c1.c1 > 5000].min() > 3.84
claims.check("c1-identified", bool(refused))

# %% [markdown]
# ## The misprint: $B'$
#
# Section D.5 says that a 500M student reaches 2.4 nats at "roughly 3/4" of what training on data
# costs, and a 10B student 2.2 nats at "roughly 1/2" (teacher inference counted). Of which $B'$ is
# that true, if all else is as printed?

# %%
b_values = np.geomspace(2e4, 8e6, 5 if profile == "fast" else 19)
scan = pd.concat(
    published.cost_examples(law._replace(B=float(b))).assign(B=b) for b in b_values
).reset_index(drop=True)
by_size = scan.groupby("student_params")
crossings = {
    size: float(np.exp(np.interp(part.said.iloc[0], part.compute_ratio, np.log(part.B))))
    for size, part in by_size
}
print({columns.count(size): f"B' = {value:.3g}" for size, value in crossings.items()})

# %%
said = published.cost_examples(law)
examples = {
    "the paper's text": said.assign(compute_ratio=said.said),
    "its law, misprint corrected": said,
    "its law as printed": published.cost_examples(named["table6"]),
}
d5 = pd.concat(table.assign(source=name) for name, table in examples.items())
d5["student"] = [f"{columns.count(n)} student" for n in d5.student_params]
said = [f"{s}\nto a loss of {x:g}" for s, x in zip(d5.student, d5.student_loss, strict=True)]
told = d5.assign(goal=said)
text, by_law = told[told.source == "the paper's text"], told[told.source != "the paper's text"]

# %%
title = "With one misprint corrected the law comes near the costs in the paper's text"
labels = "compute to reach that loss, distilling divided by training on data", ""
grid = Panels(told, "compute_ratio", "goal", title, labels=labels, size=(7.6, 3))
grid.draw(sns.scatterplot, by_law, hue="source", s=70)
grid.draw(panels.rings, text, label="the paper's text", s=400)
grid.set(xlim=(5e-4, 1), ylim=(1.5, -0.5), xscale="log").ax.xaxis.set_major_formatter("{x:g}")
misprint = f"the coefficient B' as {named['table6'].B:,.0f}; right is {law.B / 1e6:.1f} million"
grid.setting(f"Two examples, teacher's inference paid. Table 6 prints {misprint}")
save(grid, "misprint_section_d5", d5)

# %% [markdown]
# At the printed $B'$ both ratios are under 0.1; they cross the text's values near
# $2 \times 10^6$.
#
# The second half of the evidence is the runs. With all else as printed, $B'$ fitted to them alone
# comes out at $2.0 \times 10^6$ too. Freed one at a time, no other coefficient explains them as
# well: the next best, $\beta'$, leaves an error a fifth larger. And the authors' own law as drawn
# in Figure 1 has a $B'$ of millions.

# %%
as_printed = {name: v for name, v in named["table6"]._asdict().items() if name != "supervised"}
alone = {
    name: fit.fit_distillation(
        runs, law.supervised, starts=16, fixed={c: v for c, v in as_printed.items() if c != name}
    )
    for name in as_printed
}
single = pd.DataFrame(
    {
        "freed": list(alone),
        "printed": list(as_printed.values()),
        "fitted": [found.coefficients.estimate[name] for name, found in alone.items()],
        "mean_error": [found.mean_relative_error() for found in alone.values()],
    }
).sort_values("mean_error", kind="stable", ignore_index=True)
save(None, "misprint_single_coefficients", single)
single.round(5)

# %% [markdown]
# $B'$ alone, with its interval:

# %%
held = {c: value for c, value in as_printed.items() if c != "B"}
alone_b = fit.fit_distillation(
    runs, law.supervised, fixed=held, starts=16,
    cluster="teacher", bootstrap=settings.fit_replicates,
)  # fmt: skip
trials = {"printed": named["table6"], "corrected": law, "fitted alone": alone_b.law}
sizes = [published.relative_error(trial, runs).abs() for trial in trials.values()]
ends_b = [table6.loc[("distillation", "B")], None, alone_b.coefficients.loc["B"]]
evidence = pd.DataFrame(
    {
        "which": list(trials),
        "B": [trial.B for trial in trials.values()],
        "runs": len(runs),
        "mean_relative_error": [size.mean() for size in sizes],
        "max_relative_error": [size.max() for size in sizes],
        "B_low": [law.B if row is None else row.low for row in ends_b],
        "B_high": [law.B if row is None else row.high for row in ends_b],
    }
)
if settings.saves:
    figures.write_table(evidence, "data/fits/misprint_evidence.csv")
evidence.round(5)

# %%
binding = settings.saves  # five values of B', and a quarter of the simulated runs, need not agree
claims.check("misprint-500m", crossings[5e8] / 1e6, binding)
claims.check("misprint-10b", crossings[1e10] / 1e6, binding)
claims.check("misprint-runs", float(alone_b.law.B / 1e6))
claims.check("misprint-only-b", single.freed[0] == "B")

# %% [markdown]
# ## The runs over the contours (Figures 6 and 13)
#
# Figures 6 and 13 lay runs over contours of $L_S - \tilde L_S$. The same difference for the runs
# here, $\tilde L_S$ from the supervised law, against what the corrected law gives.

# %%
supervised_loss = law.supervised.loss(runs.student_params, runs.student_tokens)
runs["gap"] = runs.student_loss - supervised_loss
off_contour = (published.relative_error(law, runs) * runs.student_loss).abs()
small = runs[(runs.student_params == 1.98e8) & runs.isoflop]
print(f"runs are {off_contour.mean():.4f} nats off the contours, {off_contour.max():.4f} at most")
print(f"198M with IsoFLOP teachers: {(small.gap < 0).sum()} of {len(small)} beat training on data")
by_student = runs.groupby(runs.student_params.map(columns.count), sort=False).gap
by_student.describe()[["count", "mean", "min", "max"]].round(4)

# %%
claims.check("contours-match-scatter", float(off_contour.max()))
claims.check("paper-runs-198m", sentences.every(small.gap < 0))

# %% [markdown]
# ## The paper's own procedure (Sections F.1 to F.3)
#
# The paper uses $\delta = 10^{-4}$, L-BFGS-B without bounds from a grid of 216 000 starts, and 90%
# intervals of 4096 resamples of single runs. It fits only the runs with $L_S \geq 2.3$, which all
# 328 are. The whole grid takes eight hours; recorded are 600 of its starts, drawn at random
# (`python -m tools.once.paper_fit`). Where do they end?

# %%
ends = pd.read_csv(DATA / "fits" / "paper_starts.csv")
paper_intervals = pd.read_csv(DATA / "fits" / "paper_intervals.csv", index_col="coefficient")
searched = law._replace(**paper_intervals.estimate)
size = np.abs(np.log1p(published.relative_error(searched, runs)))
delta = fit.paper.OPTIONS["delta"]
ours_objective = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2)).sum()
finite = ends[np.isfinite(ends.objective)]
best_end = finite.loc[finite.objective.idxmin()].rename("best of the paper's starts")

# %%
print(f"{len(ends)} starts: {len(ends) - len(finite)} end where the law is not defined")
print(f"best objective {finite.objective.min():.4g}, median {finite.objective.median():.4g}")
print(f"our search under the same objective: {ours_objective:.4g}")
print(f"within 1% of ours: {(finite.objective < 1.01 * ours_objective).sum()} starts")
print(f"mean error of our search's law: {size.mean():.3%}, of the refit above: ", end="")
print(f"{summary.loc['refit', 'mean']:.3%}")

# %% [markdown]
# A third of the starts end where the law is not defined, most others far above the best, and nine
# within 1% of our objective: those differ in $A'$ and $B'$ by factors of hundreds and agree in
# $c_0$ and $f_1$. Ours ends lower by a little, with $c_1$ at the bound of our search. Below is our
# search under the paper's objective with the paper's intervals, beside the refit above.

# %%
beside = paper_intervals[["estimate", "low", "high"]].join(best_end)
refit_columns = refit.coefficients[["estimate", "low", "high"]].T.ffill().T.add_prefix("ours ")
beside = beside.join(refit_columns).rename_axis("coefficient")
save(None, "paper_procedure", beside.reset_index())
beside.map("{:.3g}".format)

# %% [markdown]
# Neither $\delta$ nor the number of resamples makes the printed intervals: with the paper's
# objective and its 4096 resamples those of $A'$ and $B'$ span many powers of ten once $c_1$ is
# free. But no start that ends where the law is defined moves $c_1$, begun at 1.5 at most, from
# where it was. And resamples that start from the estimate, below, leave $c_1$ within 0.03% of it,
# while the other coefficients spread.
#
# That the printed interval of $c_1$ came about so is a guess, for Section F.3 does not say where a
# resample starts. That such an interval says nothing about the runs is not a guess.

# %%
began = fit.paper.DISTILLATION.starts(len(ends), seed=0)[:, list(law._fields).index("c1")]
kept_c1 = int((np.abs(ends.c1 - began) < 1e-3)[finite.index].sum())
resampled = pd.read_csv(DATA / "fits" / "paper_resamples.csv").drop(columns="objective")
warm = resampled.quantile([0.05, 0.95]).T.set_axis(["low", "high"], axis=1)
warm.insert(0, "start", best_end)
print(f"{kept_c1} of {len(finite)} starts that end where the law is defined leave c1 where it was")
warm.map("{:.4g}".format)

# %%
printed_widths = np.log(table6.high / table6.low)["distillation"][paper_intervals.index]
own_widths = np.log(paper_intervals.high / paper_intervals.low)
alike = sentences.every((own_widths < 3 * printed_widths)[printed_widths > 0])
claims.check("paper-starts-reach", float(finite.objective.min() / ours_objective))
claims.check("table6-intervals-runs", bool(alike))

# %% [markdown]
# ## Simulated: what would come back from all the runs (Table 6)
#
# 73 supervised runs (eleven with $D = 20 N_\text{total}$, six on 512B tokens, four IsoFLOP
# profiles) and 697 distillation runs (fixed-$M$ teachers with student IsoFLOPs, teacher IsoFLOPs
# with fixed-$M$ students, both fixed), drawn from a known law.

# %%
options = {"starts": settings.fit_starts, "bootstrap": settings.fit_replicates, "level": 0.9}
supervised_runs = simulate.supervised_runs(law.supervised, noise=0.005, seed=1)
distillation_runs = simulate.distillation_runs(law, noise=0.005, seed=1)
if profile == "fast":
    distillation_runs = distillation_runs.sample(180, random_state=0).reset_index(drop=True)
supervised = fit.fit_supervised(supervised_runs, **options)
distillation = fit.fit_distillation(distillation_runs, law.supervised, **options)
fits = {"supervised": supervised, "distillation": distillation}
for name, found in fits.items():
    print(
        f"{name}: {len(found.runs)} runs. {found.starts_in_words} of the starts end at the best "
        f"objective, {found.replicates_converged:.0%} of the replicates converge"
    )

# %%
truth = {"supervised": law.supervised._asdict(), "distillation": law._asdict()}
coefficients = pd.concat(
    found.coefficients[["estimate", "low", "high"]].rename_axis("coefficient").reset_index().assign(
        law=name, true=lambda t, name=name: t.coefficient.map(truth[name])
    )
    for name, found in fits.items()
)  # fmt: skip
printed_columns = {"estimate": "printed", "low": "printed_low", "high": "printed_high"}
coefficients = coefficients.join(
    table6[list(printed_columns)].rename(columns=printed_columns), on=["law", "coefficient"]
)
order = ["law", "coefficient", "true", "estimate", "low", "high", *printed_columns.values()]
coefficients = coefficients[order].reset_index(drop=True)
coefficients["printed_low"] = coefficients.printed_low.fillna(coefficients.printed)
coefficients = figures.told(coefficients, ["estimate", "low", "high"])
save(None, "table06_coefficients_simulated", coefficients)
coefficients.round(4)

# %% [markdown]
# How wide the intervals are, as factors from end to end: those that simulated runs give back, and
# those that Table 6 prints.

# %%
widths = coefficients[["law", "coefficient"]].assign(
    printed=np.log(coefficients.printed_high / coefficients.printed_low),
    simulated=np.log(coefficients.high / coefficients.low),
)
vague = widths[widths.simulated > np.log(2)]
print(
    f"in simulated runs {len(vague)} of {len(widths)} coefficients are uncertain by a factor of "
    f"{np.exp(vague.simulated.min()):.0f} or more; the paper prints each within "
    f"{np.expm1(widths.printed.max()):.0%}"
)

# %% [markdown]
# Exponents come back within 15%. $A$, $B$, $A'$ and $B'$ come back only within a factor of two or
# three, since they are the terms at one parameter and one token, far from any run. $c_1$ does not
# come back: in two of five replicates it runs to the bound of the search ($c_1 f_1 = 10^4$).
#
# Coefficients differ, predictions do not: where the runs are, the fitted laws agree with the law
# that made them as closely as the next cell says. Compare predictions, never coefficients.

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
least = min(found.starts_at_optimum for found in fits.values())
claims.check("fit-starts-agree", np.floor(10 * least) / 10, binding)  # tenths are told

# %% [markdown]
# The diagnosis in words. What the data determine are combinations: $A$ moves with $\alpha$, $B$
# with $\beta$, and neither $c_1$ nor $d_1$ has a value of its own. On narrow data $\gamma$ moves
# with $E$ as well; over the paper's range of sizes it does not.

# %%
for name, found in fits.items():
    print(f"{name}:", *fit.explain(found), sep="\n  ")

# %% [markdown]
# ## Are the printed intervals believable?
#
# Two arguments against them, one from runs like the paper's and one from the table alone:
#
# - Simulated runs give all coefficients wider intervals than printed: $E$, $\gamma$, $c_0$ and
#   $f_1$ three to eight times, exponents and $d_1$ tens of times, $A$ and $B$ hundreds. Widths
#   shrink in proportion to the noise; no one noise gives all the printed widths, and that for $A$
#   would be near 0.001%, where the refit above leaves errors of 0.2%.
# - $A$ and $\alpha$ cannot both be that certain *and* independent. What runs determine is
#   $A / \bar N^{\alpha}$ near the middle $\bar N \approx 10^9$, so $\alpha \pm 0.003$ means
#   $A$ within $\pm 0.003 \ln \bar N \approx 6\%$; printed is $\pm 0.2\%$. The interval of $A$
#   looks like that of an optimiser that hardly moves $A$ from where it started, as $c_1$ above.
#
# So the printed intervals are not to be used as uncertainties of the coefficients.

# %%
widths["simulated / printed"] = widths.simulated / widths.printed.replace(0, np.nan)
middle = np.log(supervised_runs.params).mean()
alpha_low, alpha_high = table6.loc[("supervised", "alpha"), ["low", "high"]]
a_low, a_high = table6.loc[("supervised", "A"), ["low", "high"]]
expected = np.exp((alpha_high - alpha_low) * middle)
print(f"A's interval if alpha's is as printed: a factor {expected:.3f} wide")
print(f"A's interval as printed: a factor {a_high / a_low:.4f} wide")
widths.round(4)

# %%
claims.check(
    "table6-intervals", sentences.every(widths["simulated / printed"].dropna() < 3), binding
)

# %% [markdown]
# ## Simulated: how few weak runs are too few
#
# Fits to the supervised runs above a mark, and their error on the stronger ones, over eight draws
# of the noise (whose own mean size is 0.4%). The paper's mark is 2.2.

# %%
rows = []
for seed in range(1 if profile == "fast" else 8):
    drawn_runs = simulate.supervised_runs(law.supervised, noise=0.005, seed=seed)
    whole = fit.fit_supervised(drawn_runs, starts=32)
    for mark in (2.1, 2.2, 2.3, 2.4):
        held = (whole.runs.loss < mark).to_numpy()
        error = fit.hold_out(whole, held).relative_error[held].abs()
        rows.append((mark, (~held).sum(), held.sum(), error.mean(), error.max()))
names = ["fitted above (nats)", "runs fitted", "runs held out", "mean error", "largest error"]
few = pd.DataFrame(rows, columns=names).groupby(names[0])
few_weak = few.mean().assign(largest_draw=few["mean error"].max(), largest_run=few[names[4]].max())
few_weak.drop(columns=names[4]).round(4)

# %% [markdown]
# From the paper's mark to 2.4 the error about doubles on average, and one draw says little:
# "extrapolates from weak to strong" needs the number of weak runs beside it.
#
# The paper fits the weak runs, $L \geq 2.2$, with its own procedure too. Its supervised runs are
# not known, so this is on one simulated draw: 40 of its grid's 9600 starts beside our search under
# the same objective.

# %%
weak = supervised_runs[supervised_runs.loss >= 2.2]
strong = supervised_runs.drop(weak.index)
weak_fit = fit.fit_supervised(weak, delta=delta, starts=64)
weak_starts = fit.paper.SUPERVISED.starts(3 if profile == "fast" else 40)
weak_ends = fit.paper.SUPERVISED.minimise(weak, weak_starts)
weak_best = weak_ends.loc[weak_ends.objective.idxmin()]
weak_law = laws.SupervisedLaw(**weak_best.drop("objective"))

# %%
near = (weak_ends.objective < 1.01 * weak_fit.objective).mean()
off = np.abs(weak_law.loss(strong.params, strong.tokens) / strong.loss - 1).mean()
some = "at least" if near > 0.2 else "under"
print(f"{len(weak)} weak runs; {len(weak_ends)} starts, {some} one in five within 1% of ours")
print(f"best of them over ours: {weak_best.objective / weak_fit.objective:.6f}")
ours_off = weak_fit.mean_relative_error(strong)
print(f"mean error on the {len(strong)} stronger runs: {off:.3%}, ours {ours_off:.3%}")

# %% [markdown]
# ## Simulated: which protocol determines what (Sections 2, 4.2 and E.4)
#
# The paper says that compute-optimal runs alone do not determine the supervised law; that IsoFLOP
# students of fixed teachers determine $A'$, $B'$ and the exponents, IsoFLOP teachers of fixed
# students $c_0$, $c_1$, $d_1$ and $f_1$; and that the third protocol is not needed.
#
# Below is the upper over the lower end of each 90% interval, for each part of the runs. A
# coefficient counts as determined where that ratio is at most 1.5, as `fit.explain` counts.

# %%
DETERMINED = 1.5
# Of intervals this wide thirty replicates say enough, and these fits are slow.
few_options = {**options, "starts": 16, "bootstrap": min(30, settings.fit_replicates)}
optimal_params = np.geomspace(143e6, 12.6e9, len(supervised_runs))
optimal_tokens = 20 * flops.total_params(optimal_params)
optimal_runs = pd.DataFrame({"params": optimal_params, "tokens": optimal_tokens})
noise = np.exp(0.005 * np.random.default_rng(1).standard_normal(len(optimal_runs)))
optimal_runs["loss"] = law.supervised.loss(*optimal_runs.to_numpy().T) * noise
first, second, third = distillation_runs.protocol.unique()
parts = {
    "IsoFLOP students": distillation_runs.protocol == first,
    "IsoFLOP teachers": distillation_runs.protocol == second,
    "without the third": distillation_runs.protocol != third,
}

# %%
with warnings.catch_warnings():
    # That these runs are too few is what is asked.
    warnings.simplefilter("ignore", fit.FitWarning)
    optimal_only = fit.fit_supervised(optimal_runs, **few_options)
    by_part = {
        what: fit.fit_distillation(distillation_runs[part], law.supervised, **few_options)
        for what, part in parts.items()
    }
protocols = {"supervised, compute-optimal": optimal_only, "supervised, all": supervised}
protocols |= {**by_part, "all": distillation}
ratio = pd.DataFrame(
    {
        what: (found.coefficients.high / found.coefficients.low).where(
            found.coefficients.low > 0, np.inf  # not even the sign is known
        )
        for what, found in protocols.items()
    }
)  # fmt: skip
# How wide an interval is that says nothing depends on the last digit of a processor.
ratio.map("{:.3g}".format).mask(~(ratio <= DETERMINED), "not determined")

# %% [markdown]
# Compute-optimal runs determine nothing, the three supervised protocols together the exponents to
# about 20%. For distillation no protocol alone determines all that is said of it, the second next
# to nothing. With less noise the first would determine the exponents, $A'$ and $B'$ still not:

# %%
third_runs = clean["distillation"][clean["distillation"].protocol == third]
third_error = by_part["without the third"].mean_relative_error(third_runs)
print(f"without the third protocol its runs are predicted to {third_error:.3%}")
# Widths in logs go with the noise.
less_noise = ratio.loc[["A", "B", "alpha", "gamma"], "IsoFLOP students"] ** (0.2 / 0.5)
print(f"IsoFLOP students with noise of 0.2%, not 0.5%: {less_noise.round(2).to_dict()}")

# %% [markdown]
# Without the third protocol intervals are wider, yet its runs are predicted to 0.1%: it is not
# needed to predict.

# %%
exponents = ["alpha", "beta", "gamma"]
alone_ratio = ratio.loc[exponents, "supervised, compute-optimal"]
enough = sentences.every(alone_ratio > DETERMINED) and sentences.every(
    ratio.loc[exponents, "supervised, all"] <= DETERMINED
)
claims.check("compute-optimal-not-enough", bool(enough), binding)
shape, teacher_part = ["A", "B", *exponents], ["c0", "c1", "d1", "f1"]
shape_known = sentences.every(ratio.loc[shape, "IsoFLOP students"] <= DETERMINED)
teacher_known = sentences.every(ratio.loc[teacher_part, "IsoFLOP teachers"] <= DETERMINED)
claims.check("isoflop-students-tell", bool(shape_known), binding)
claims.check("isoflop-teachers-tell", bool(teacher_known), binding)
claims.check("third-protocol-not-needed", third_error, binding)

# %% [markdown]
# ## A cross-check: IsoFLOP parabolas (Figure 36b)
#
# The other public way: on each budget a parabola in $\log N$ through the losses, its minimum the
# compute-optimal size. Beside it stands the optimum of the law that made the runs.

# %%
rows = []
for budget in simulate.BUDGETS:
    best_size = float(allocate.supervised_optimum(law.supervised, budget)[0])
    one = [t[t.protocol == f"IsoFLOP {budget:.0e}"] for t in (supervised_runs, clean["supervised"])]
    off = [fit.isoflop_minimum(p.params, p.loss)[0] / best_size - 1 for p in one]
    rows.append((f"{budget:.0e}", columns.count(best_size), *off))
isoflops = pd.DataFrame(rows, columns=["FLOPs", "law's best N", "parabola", "without noise"])
isoflops.round(4)

# %% [markdown]
# The parabola is off by some percent from noise, and by more than half a percent from its own shape
# (last column), although these profiles are centred on the optimum. So it can serve as a check of
# the fit no finer than that.
#
# ## Does holding the supervised law hide uncertainty?
#
# Where the supervised law is itself fitted (to 73 runs), its replicates can be carried through the
# distillation fit. Widths of intervals change by a tenth or so either way, which a hundred
# replicates cannot tell from nothing: what is hidden is little.

# %%
hundred = {**options, "bootstrap": min(100, settings.fit_replicates)}
carried = fit.fit_distillation(distillation_runs, supervised, **hundred)
both = {"held": distillation.replicates[:100], "carried": carried.replicates}
ends = {name: each.quantile([0.05, 0.95]) for name, each in both.items()}
carried_widths = pd.DataFrame({name: np.log(e.iloc[1] / e.iloc[0]) for name, e in ends.items()})
carried_widths["carried / held"] = carried_widths.carried / carried_widths.held
carried_widths.round(3)

# %% [markdown]
# ## Check: what the runs say of the protocols

# %%
isoflop_teachers = students.set_index("student_params").isoflop_teachers
counted = set(isoflop_teachers[[1.98e8, 5.46e8, 9.75e8]])
four = set(isoflop_teachers.index[isoflop_teachers > 0]) == {1.98e8, 5.46e8, 9.75e8, 1.82e9}
claims.check("teacher-isoflop-protocol", four and counted == {55})
claims.check("article-seven-sizes", drawn_curves.student_params.nunique())
ends = np.array([1.98e8, 7.75e9])
weakest, best_in_range = law.supervised.loss(ends, 20 * flops.total_params(ends))
inside = sentences.every(runs.teacher_loss.between(0.98 * best_in_range, 1.02 * weakest))
claims.check("practitioner-teacher-range", bool(inside))
claims.check("runs-token-range", float(drawn_curves.student_tokens.max() / 1e9))
claims.check("supervised-runs-74", int(table6.estimate["supervised", "runs"]))

# %% [markdown]
# ## What to take away
#
# Where there are runs, predictions of the law are good to 1%. Its coefficients, $c_1$ and $d_1$
# above all, are not determined by them, and the printed intervals are no uncertainties. The printed
# $B'$ contradicts both the paper's text and its runs: use the corrected law.
