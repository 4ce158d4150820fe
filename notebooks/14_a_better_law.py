# %% [markdown]
# # 14 · A better law
#
# [← 07b](07b_optimal_teachers.ipynb)
# · [README](../README.md)
# · [15 →](15_sentence_by_sentence.ipynb)
# · *To look up*
#
# *Sections 4.3, C and E.6.* Equation 8 puts nine coefficients on top of the supervised law. It
# keeps a capacity gap on infinite data, cannot say $L_S < L_T$, and on better teachers than it was
# fitted to it fails. Here is a form with six that meets the limits theory asks for,
#
# $$
# L_S = E + \left( t^k + b^k \right)^{1/k} + V + 2 \rho \sqrt{t V}, \qquad
# V = (g - b) \exp\left( -\left( \frac{t}{\kappa g} \right)^p \right), \qquad t = L_T - E,
# $$
#
# $$
# g = \left( \frac{A}{N_S^\alpha} + \frac{B}{(D_S + D_0)^\beta} \right)^\gamma, \qquad
# b = \left( \frac{A}{N_S^\alpha} + s \, \frac{B}{(D_S + D_0)^\beta} \right)^\gamma ,
# $$
#
# with $E, A, B, \alpha, \beta, \gamma$ from the supervised law and $D_0, s, k, \kappa, p, \rho$ its
# own. `laws.load("bias_variance")` has it. What decides between laws was written down before any
# new form was fitted, in the head of `tools/once/law_bench.py`, and the bench is in
# `data/fits/law_bench.csv`. The form was found by trying some eighty on two of the sets below, so
# its numbers there flatter it. The real text and the largest students were not looked at then.

# %% tags=["parameters"]
profile = "full"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from scipy import stats

from scalinglib import allocate, fit, laws, sentences
from scalinglib.fit import forms
from scalinglib.laws.limits import LIMITS, met
from scalinglib.report import claims, figures, profiles
from scalinglib.report.columns import ENDS
from scalinglib.report.panels import Panels, zero
from scalinglib.report.paths import DATA
from scalinglib.study import PERFECT, Words, analysis, record

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
# The runs that were there when the hold-outs were laid down.
study = record.read(DATA / "runs" / "study.csv").head(731)
entropy = Words().entropy

# %% [markdown]
# ## An identity, measured
#
# For truth $p$, teacher $T$ and student $S$, without any assumption,
#
# $$
# \underbrace{\mathrm{KL}(p, S)}_{L_S - E} = \underbrace{\mathrm{KL}(p, T)}_{t = L_T - E} +
# \underbrace{\mathrm{KL}(T, S)}_{K} + X, \qquad X = \sum (p - p_T)(\log p_T - \log p_S) .
# $$
#
# In our language all but $X$ are known in every run, so $X$ is too. It would be zero if the
# teacher were the projection of the truth onto a family that holds the student: the teacher's
# error would then be orthogonal to what the student could do about it.

# %%
distilled = study[(study.kind == "distilled") & (study.teacher != PERFECT)].copy()
distilled["t"] = distilled.teacher_loss - entropy
distilled["X"] = distilled.loss - distilled.teacher_loss - distilled.kl_teacher
distilled["cosine"] = distilled.X / (2 * np.sqrt(distilled.t * distilled.kl_teacher))
distilled["above_teacher"] = distilled.loss - distilled.teacher_loss
distilled["sum"] = distilled.teacher_loss + distilled.kl_teacher

# %%
most = np.ceil(100 * distilled.X.abs().max()) / 100
title = f"A student's loss is its teacher's plus their KL divergence, to within {most:g} nats"
labels = "teacher's loss + KL(teacher ‖ student) (nats)", "student's loss minus\nthat sum (nats)"
grid = Panels(distilled, "sum", "X", title, labels=labels).draw(sns.scatterplot, s=16, alpha=0.6)
grid.each(zero).each(plt.Axes.axhspan, -most, most, color="#888888", alpha=0.2, linewidth=0)
grid.set(ylim=(-1.3 * most, 1.3 * most))
grid.key(band=f"within {most:g} nats of the sum")
grid.setting(f"Made-up words; all {len(distilled)} students under a trained teacher")
shown = ["params", "tokens", "seed", "teacher_loss", "above_teacher", "kl_teacher", "t", "X"]
save(grid, "law_identity", distilled[[*shown, "cosine"]])

# %%
print(f"{len(distilled)} runs: |X| <= {distilled.X.abs().max():.3f} nats")
print(
    "X / 2 sqrt(t K), 5, 50, 95%:", distilled.cosine.quantile([0.05, 0.5, 0.95]).round(3).tolist()
)
below = distilled.above_teacher < 0
print(f"L_S < L_T in {below.sum()} runs; X is negative in {(distilled.X[below] < 0).mean():.0%}")

# %% [markdown]
# The cross term is a few hundredths of a nat at most. It is positive where the student is far from
# its teacher and negative where it has caught up, in many runs before it passes the teacher:
# $L_S < L_T$ is $X < -K$, so weak-to-strong *is* a negative cross term. The capacity gap is another
# thing: from a student's best teacher to the perfect one, the language itself, $t$ falls, $K$ grows
# by more, and $X$ makes up for a part.

# %%
STUDENT = ["student_params", "student_tokens"]
means = analysis.means(study)
ours = means[means.kind == "distilled"].copy()
ours["teacher_loss"] = ours.teacher_loss.mask(ours.teacher == PERFECT, entropy)
ours["X"] = ours.loss - ours.teacher_loss - ours.kl_teacher
measures = ["loss", "teacher_loss", "kl_teacher", "X"]

# %%
best = ours.loc[ours.groupby(STUDENT).loss.idxmin()].set_index(STUDENT)[measures]
perfect = ours[ours.teacher == PERFECT].set_index(STUDENT)
change = (perfect[measures] - best).assign(error=perfect.error * np.sqrt(2))
change.columns = ["gap", "change of t", "change of K", "change of X", "error"]
gaps = change[change.gap > 2 * change.error]
print(f"a gap of more than two standard errors: {len(gaps)} of {len(change)} students")
gaps.round(3)

# %% [markdown]
# ### Where the cross term comes from
#
# By how frequent a context is, its parts partly cancel: under the two better teachers it is
# negative in rare contexts and positive in those of middling frequency. By the teacher's confidence
# they hardly do: most of a run's parts are of one sign.
#
# Some students on 20 tokens a parameter were trained again (`python -m tools.once.cross_term`, bins
# laid down first), and $X$ was split over the contexts of the evaluation windows: by the share of
# the language's words that begin with what the context gives of its word, and by the probability of
# the teacher's likeliest symbol. What the bins add is the run's $X$.

# %%
split = pd.read_csv(DATA / "runs" / "cross_term.csv")
setting = ["student", "teacher"]
split["negative"] = split.X.clip(upper=0)
split["positive"] = split.X.clip(lower=0)
sums = split.groupby(["by", *setting, "seed"])[["negative", "positive", "X"]].sum()
sums.groupby(["by", *setting]).agg(["mean", "sem"]).round(4)

# %% [markdown]
# By frequency, in thousandths of a nat, what each bin adds (it is named by the least share of all
# words that begin with its contexts). For the small student, the better the teacher, the rarer the
# contexts in which $X$ is most positive. By confidence (above) hardly anything cancels: where the
# better teachers are confident the small student pays; the larger one gains at nearly every
# confidence of a teacher of its own size. Standard errors of five seeds (small student) or three
# are small, because seeds agree in *where* $X$ sits. There is one teacher of each size: what
# another would change is not in them.

# %%
parts = split.groupby(["by", *setting, "bin"], as_index=False).agg(
    weight=("weight", "mean"), t=("t", "mean"), K=("K", "mean"), X=("X", "mean"),
    error=("X", "sem"), confidence=("confidence", "mean"), outcome=("outcome", "mean"),
)  # fmt: skip
save(None, "law_cross_term", parts)
frequent = 1e3 * parts[parts.by == "frequency"].pivot_table(
    index=setting, columns="bin", values="X"
)
print(f"largest standard error {1e3 * parts.error[parts.by == 'frequency'].max():.1f}")
frequent.round(1)

# %% [markdown]
# Training again moved losses more than $X$:

# %%
again = split[split.by == "confidence"].groupby("id")[["t", "K", "X"]].sum()
once = distilled.set_index("id").loc[again.index]
moved = {"loss": again.sum(axis=1) + entropy - once.loss, "X": again.X - once.X}
pd.DataFrame(moved).abs().agg(["median", "max"]).round(4)

# %% [markdown]
# Why? A student smooths its teacher. That should help where the teacher is overconfident and harm
# where it is not confident enough, so that $X$ has the sign of the truth's probability of the
# teacher's likeliest symbol less the teacher's own. Written down before that difference was looked
# at: the reading passes if nine in ten bins by frequency agree, counting those that differ from
# zero under the two better teachers. It falls just short, by bins that add little. By confidence it
# fails, nearly everywhere where student and teacher are of one size.

# %%
told = parts[(parts.teacher > parts.teacher.min()) & (parts.X.abs() > 2 * parts.error)]
told = told.assign(agrees=np.sign(told.X) == np.sign(told.outcome - told.confidence))
agreement = told.groupby("by").agrees.agg(["sum", "size", "mean"])
agreement["largest |X| that disagrees"] = (
    told[~told.agrees].groupby("by").X.agg(lambda x: x.abs().max())
)
agreement.round(4)

# %% [markdown]
# ## The collapse
#
# Take $g$ to be what each student reaches above $E$ under the perfect teacher, and draw all its
# runs in that unit: $u = (L_T - E) / g$ to the right and $y = (L_S - E) / g$ upwards. Nearly one
# curve: $y = 1$ under good teachers, a dip before the corner where the student has few tokens, and
# $y = u$ under teachers weaker than the student. Not quite one: what is off it is more than the
# seeds' noise, and ordered by tokens a parameter.

# %%
unit = (perfect.loss - entropy).rename("g")
curve = ours.join(unit, on=STUDENT)
curve = curve[curve.teacher != PERFECT]
curve["u"] = (curve.teacher_loss - entropy) / curve.g
curve["y"] = (curve.loss - entropy) / curve.g
curve["tokens_per_param"] = curve.tokens / curve.params

# %%
# A student and its twin under the perfect teacher share their seed: noise is that of the pairs.
seeded = [*STUDENT, "seed"]
taught = study[study.kind == "distilled"].assign(
    student_params=study.params, student_tokens=study.tokens
)
twins = taught[taught.teacher == PERFECT].set_index(seeded).loss.rename("twin")
pairs = taught[taught.teacher != PERFECT].join(twins, on=seeded).dropna(subset="twin")
pairs["y"] = (pairs.loss - entropy) / (pairs.twin - entropy)
noise = pairs.groupby([*STUDENT, "teacher"]).y.sem().rename("noise")
curve = curve.join(noise, on=[*STUDENT, "teacher"])

# %%
bins = pd.cut(np.log(curve.u), np.linspace(-3, 3, 25))
curve["off"] = curve.y - curve.groupby(bins, observed=True).y.transform("median")
near = curve[(curve.u < 1) & curve.noise.notna()]  # of more than one pair of seeds
print(f"u < 1: spread {near.off.std():.3f}, paired seeds {np.sqrt((near.noise**2).mean()):.3f}")
middle = near[near.u.between(0.3, 0.8)]
trend = stats.spearmanr(middle.tokens_per_param, middle.off)
print(f"off the curve against tokens a parameter: {trend.statistic:+.2f}, p = {trend.pvalue:.1g}")

# %%
line = pd.DataFrame({"u": np.geomspace(curve.u.min(), curve.u.max(), 200)})
title = "Loss divided by that under a perfect teacher follows nearly one curve for all students"
labels = (
    f"{ENDS['teacher']}teacher's loss divided by its student's under a perfect teacher",
    "student's loss divided by\nthat under a perfect teacher",
)

# %%
grid = Panels(curve, "u", "y", title, labels=labels)
grid.draw(sns.scatterplot, hue="student_params", s=22, alpha=0.8)
grid.draw(sns.lineplot, line.assign(y=line.u.clip(lower=1)), color="black", linewidth=0.9)
grid.key({"the larger of 1 and the teacher's value": {"color": "black", "lw": 0.9}})
grid.setting("Made-up words; losses: above the entropy; perfect teacher: the language itself")
grid.set(xscale="log", yscale="log", xticks=[0.1, 0.3, 1, 3], xticklabels=["0.1", "0.3", "1", "3"])
grid.set(yticks=range(1, 6), yticklabels=range(1, 6)).each(plt.Axes.minorticks_off)
grid.ax.text(0.08, 1.25, "as good as under a perfect teacher")
grid.ax.text(2.7, 3, "as bad as its teacher", ha="right")
save(grid, "law_collapse", curve[[*STUDENT, "teacher_loss", "u", "y", "tokens_per_param"]])

# %% [markdown]
# ## A derivation, as far as it goes
#
# Let the truth consist of modes of falling weight. A teacher that has learnt some leaves the rest,
# $t$. A student of size $N_S$ on $D_S$ tokens can hold and find its own share and leaves $b$: its
# *bias*. Modes are learnt in about the same order by all, so the two rests are nested and cover
# each other: together they are worth $\max(t, b)$, which the power mean rounds. What is left of
# the student's error under a perfect teacher, $g - b$, is *variance*: noise of the modes that it
# tried to learn from too few tokens. A simple teacher has fewer of these to try, so the variance
# fades as $t$ grows past $g$; that is how a worse teacher may be the better one, and why it is not
# so on infinite data. A student that averages its teacher's noise away undercuts it: $\rho < 0$
# makes $L_S < L_T$ possible where $t$ and $V$ are alike. With labels alone the student would be at
# $D_S$ tokens of the supervised law; soft labels say more from the first token on: a head start of
# $D_0$ tokens.
#
# Not derived: that the rounding is a power mean, that fading is $\exp(-x^p)$, that bias takes a
# fixed share $s$ of the data term, and that all learn in one order. $2 \rho \sqrt{tV}$ was written
# down for the identity's $X$, and below it turns out not to be that.
#
# The limits hold by the form, and are checked by evaluating it at fitted coefficients:

# %%
paper_law = laws.load("bias_variance")
paper_runs = pd.read_csv(DATA / "published" / "figure1_runs.csv")
sizes = np.sort(paper_runs.student_params.unique())
limits = pd.DataFrame(
    {
        "Equation 8": met(laws.load("corrected"), sizes, 20 * sizes),
        "bias and variance": met(paper_law, sizes, 20 * sizes),
    }
).rename(LIMITS)
limits.replace({True: "yes", False: "no"})

# %% [markdown]
# ## The bench
#
# Each law fitted without the runs it is judged on; mean relative error in per cent. Four sets: the
# paper's 328 runs (under Table 6's supervised law, whose runs are not public), our 253 means (the
# settings of notebook 08, seeds averaged), 186 means on real text (notebook 17), and the largest
# students, 28 means foretold by laws of ours that were not fitted to them. The supervised law of
# our runs and of text is fitted anew in each split, without supervised runs from where the question
# is: at first it was held, and had seen them. One split is refused: without the quarter with most
# tokens a parameter, the paper's runs have one amount of data for each size, and no fit can tell
# the two apart. What Equation 8 was off by there, 1.1%, was its optimiser's luck, and bias and
# variance's largest win.

# %%
bench = pd.read_csv(DATA / "fits" / "law_bench.csv")
deciding = {"size": 2, "tokens": 0.25, "teacher": 0.25, "loss": 0.25}
decides = bench.kind.map(deciding).eq(bench.cut) | bench.kind.isin(["fit", "largest"])
SETS = ["paper", "ours", "text"]

# %%
main = bench[bench.runs.isin(SETS) & decides]
frozen = main[main.runs == "text"].form.unique()  # those that were fitted to all sets
main = main[main.form.isin(frozen)]
table = main.pivot_table(index=["form", "k"], columns=["runs", "kind"], values="error", sort=False)
order = [(name, kind) for name in SETS for kind in ("fit", *deciding, "largest")]
table = table.reindex(columns=[column for column in order if column in table])
(100 * table).round(2)

# %% [markdown]
# The errors that were laid down: `se` of resampled teachers and students, laws as fitted; and, the
# least favourable one, `se_refitted`, laws refitted to resampled runs too. Hold-outs in which a
# form is better or worse than Equation 8, by each; beside them, not laid down, teachers alone
# resampled.

# %%
held = main[~main.kind.isin(["fit"]) & (main.form != "equation8")].copy()
for error in ("se", "se_refitted", "se_teachers"):
    held[f"t, {error}"] = held.difference / held[error]


def counted(part):
    found = {"hold-outs": len(part), "smaller error": (part.difference < 0).sum()}
    for error in ("se", "se_refitted", "se_teachers"):
        t = part[f"t, {error}"]
        found |= {f"better, {error}": (t < -2).sum(), f"worse, {error}": (t > 2).sum()}
    return pd.Series(found).astype(int)


# %%
scores = held.groupby("form", sort=False).apply(counted, include_groups=False)
recommended = held[held.form == "bias and variance"]
by_set = recommended.groupby("runs", sort=False).apply(counted, include_groups=False)
pd.concat({"all forms": scores, "bias and variance, by set": by_set}, names=["", "form"])

# %% [markdown]
# The difference of bias and variance to Equation 8 in each hold-out, in units of its standard
# error, laws refitted; below zero it is better. Held out are the two largest students, or the
# quarter of runs with the most tokens a parameter, the best teachers, or the lowest losses. All lie
# within two standard errors. With laws as fitted four do not: the best teachers and the lowest
# losses of the paper and the two largest of our students speak for bias and variance, the lowest
# losses on text for Equation 8.

# %%
save(None, "law_bench", held[["runs", "form", "k", "kind", "held", "error", "difference", "se"]])
recommended.pivot_table(index="kind", columns="runs", values="t, se_refitted", sort=False).round(2)

# %% [markdown]
# All cut points of the form, and what the first bench had, the supervised law held. The last set is
# ours with $E$ held at the language's entropy: the supervised law then misses its own runs by 2.5%
# instead of 0.9%. Equation 8, whose $A', \alpha', \gamma'$ are its own, makes up for that; bias and
# variance stands on the supervised law and cannot. It needs one that is good, and so it is on text.

# %%
cuts = bench[bench.form.isin(["equation8", "bias and variance"]) & bench.kind.ne("fit")]
cuts = cuts.pivot_table(
    index=["runs", "kind", "cut"], columns="form", values=["error", "se", "se_refitted"], sort=False
)
cuts.columns = ["Equation 8", "bias and variance", "se of the difference", "se, refitted"]
lost = cuts["bias and variance"] > cuts["Equation 8"]
print("cut points at which it is worse than Equation 8, and all:")
print(lost.groupby("runs", sort=False).agg(["sum", "size"]).to_string())
(100 * cuts).round(2)

# %% [markdown]
# ## What an ensemble of them foretells
#
# `laws.ensemble("figure1")` carries several forms, weighted by how they foretold runs kept from
# them in rolling hold-outs that look like what people ask: small students to large ones, weak
# teachers to strong, few tokens to many, and size and teachers at once, on the same three sets. Its
# rules are in `tools/once/extrapolation.py`. A new run's band holds the spread of the laws and a
# discrepancy that grows with the distance from the runs. Below, 90% bands: `ensemble` under weights
# and growth of the *other two* sets, so that it has seen nothing of the set it is asked about, and
# `as shipped` under those of all three, which were chosen on these hold-outs. Beside them stand the
# laws alone, a plain bootstrap of Equation 8, and a conformal band. The columns are the share of
# the runs kept aside that a band holds (mean over hold-outs, and the least), its mean width in per
# cent, and the interval score (width and 20 times what is outside; the smaller the better).

# %%
bands = pd.read_csv(DATA / "fits" / "ensemble_coverage.csv")
told = bands.groupby(["runs", "band"], sort=False).agg(
    hold_outs=("share", "size"), mean=("share", "mean"), least=("share", "min"),
    below_80=("share", lambda share: int((share < 0.8).sum())),
    width=("width", "mean"), score=("score", "mean"),
)  # fmt: skip
save(None, "law_bands", told.reset_index())
told.round(2)

# %%
missed = bands[(bands.band == "ensemble") & (bands.share < 0.8)]
missed[["runs", "kind", "cut", "held", "share", "width", "score"]].round(2)

# %% [markdown]
# In the corner of text where two small students speak for all, every form errs to one side by the
# same 4 to 8%, the supervised law alone by 3%: one event, 3.5 misfits a unit of distance, which no
# growth found on the paper's runs and on words (1.7) foretells. The growth that ships (2.4) is the
# least that holds four in five there too, so that this one corner sets it: with it all 28 hold-outs
# are held, the least by 81%, and text's bands are a quarter wider. That a fourth set would be held
# as well is not shown by this, only by runs made since (notebook 21). A rule that two sizes do not
# calibrate a third would pass; it was not laid down before this was seen, so it is not used.
#
# Would another rule hold on text without widening everything? Three were laid down with their
# criterion, before their coverage was known, in `tools/once/ensemble_rules.py`: even at no distance
# a run is missed by what laws miss of the runs that they are fitted to (*inside*); the discrepancy
# is scaled by hold-outs among a table's own runs, where these are missed by more than the general
# one says (*own*, made where the others miss, since it only widens); *both*.

# %%
rules = pd.read_csv(DATA / "fits" / "ensemble_rules.csv")
score = rules.groupby(["rule", "runs"], sort=False).score.mean()
dearer = (score["inside"] / score["today"] - 1).map("{:+.1%}".format)
print("score of inside over today's:", dearer.to_dict())
held_by = rules.pivot_table(index=["runs", "kind", "cut"], columns="rule", values="share")
save(None, "law_band_rules", rules)
held_by[held_by.today < 0.8].round(2)

# %%
centres = rules[rules.rule == "today"].groupby("runs", sort=False)
centres = centres[["median_error", "shifted_error"]].mean()
centres.assign(change=centres.shifted_error / centres.median_error - 1).round(2)

# %% [markdown]
# No rule is adopted, since none holds four in five everywhere. What laws miss inside mends the
# stronger teachers on text, and costs a few per cent of the score. The corner stays: its runs
# foretell one another as well as the general discrepancy says (the factor is 1), so that nothing in
# them tells what larger students will do. All its misses are below the band. The supervised law
# explains a third of them; the rest is what strong teachers give to larger students, and every form
# expects too little of it.
#
# Laws err to one side, and so a centre moved by what they missed on the other two sets foretells
# better on words and on text, by more than the tenth that was asked for. On the paper's runs, those
# of the ensemble that ships, it does not, and so its centre is still the laws' median.
#
# Errors of a student's size, and of a teacher, go together. So a band for the mean of several runs
# of one size is wider than errors as if independent would make it, and of the gain over training on
# data, whose errors go with those of distilling, narrower than both. Of how many sizes the band
# holds the mean over their runs, and how many gains, growth from the other sets:

# %%
means_held = pd.read_csv(DATA / "fits" / "size_coverage.csv").groupby("band", sort=False)
print(means_held[["covered", "sizes"]].sum())
gains_held = pd.read_csv(DATA / "fits" / "gain_coverage.csv")
errors = ["distilled_error", "supervised_error", "gain_error", "alike", "share", "score"]
save(None, "law_gains", gains_held)
gains_held.groupby("runs", sort=False)[errors].agg(["median", "min", "max"]).T.round(2)

# %% [markdown]
# How much does an answer depend on one form? Three questions (teacher's inference paid, the best
# teacher that could be trained), and each form left out in turn: the range of the gain, discrepancy
# within, and the budget from which training on data wins (5, 50 and 95% of the laws).

# %%
ensemble = laws.ensemble("figure1")
ensemble = ensemble if settings.saves else ensemble.thin(8)
asked = np.array([300e6, 1e9, 3e9]), np.array([1e25, 1e22, 2e22]), "teacher_inference"
central = allocate.optimal(laws.load(), *asked)
each = [allocate.optimal(law, *asked) for law in ensemble.members]
each_gain = np.array([one.supervised_loss - one.student_loss for one in each])
crossing = np.array([allocate.crossover(law, asked[0], asked[2]) for law in ensemble.members])
distance = central.student_params, central.student_tokens, central.teacher_loss
discrepancy = ensemble.gain_discrepancy(*distance) * central.supervised_loss.to_numpy()


def without(form):
    """The answers of the laws of all other forms."""
    kept = np.array(ensemble.forms) != form
    part, levels = ensemble.only(kept), [0.05, 0.5, 0.95]
    told = {"gain": part.quantiles(each_gain[kept], levels, discrepancy)}
    told["crossover"] = part.quantiles(crossing[kept], levels)
    table = {"without": form, "student_params": asked[0], "compute": asked[1]}
    names = ("low", "median", "high")
    return pd.DataFrame(table | {f"{k}_{n}": told[k][i] for k in told for i, n in enumerate(names)})


# %%
forms_out = pd.concat(map(without, ["nothing", *dict.fromkeys(ensemble.forms)]), ignore_index=True)
save(None, "law_leave_one_form_out", forms_out)
readable = forms_out.set_index(["student_params", "compute", "without"]).sort_index(kind="stable")
gain_shown = readable.filter(like="gain").map("{:+.3f}".format)
pd.concat([gain_shown, readable.filter(like="crossover").map("{:.1g}".format)], axis=1)

# %% [markdown]
# The range of the gain depends on no form: it holds zero whichever is left out. That training on
# data may never catch up depends on one, bias and variance, whose laws pass their own floor:
# without it the budget has an upper end for all three students, 60 to 240 times its median.

# %% [markdown]
# Runs that nothing here was fitted to or tuned on: two of the paper's with students of 4.82B under
# the strongest teacher (the missing regime: large students under teachers better than themselves),
# and ours of the largest students, foretold by the replicates of one form fitted to the study.

# %%
inputs = [*STUDENT, "teacher_loss"]
large = pd.read_csv(DATA / "published" / "figure1_large.csv")
large = (
    laws.ensemble("figure1")
    .predict(*large[inputs].to_numpy().T)
    .assign(student_loss=large.student_loss)
)
large["inside"] = large.student_loss.between(large.low, large.high)
save(None, "law_large_students", large)
large.round(4)

# %% [markdown]
# ## What the coefficients are
#
# Fitted to the paper's runs with intervals from resampled teachers, and to ours.

# %%
paper_fit = fit.fit(
    forms.BIAS_VARIANCE, paper_runs, supervised=laws.load().supervised, starts=32,
    bootstrap=settings.fit_replicates, cluster="teacher",
)  # fmt: skip

# %%
trained = means[means.kind == "supervised"][["params", "tokens", "loss"]].astype(float)
own_supervised = fit.fit_supervised(trained, starts=settings.fit_starts).law
own_fit = fit.fit(
    forms.BIAS_VARIANCE, ours, supervised=own_supervised, starts=32,
    bootstrap=settings.fit_replicates, cluster="teacher",
)  # fmt: skip

# %%
intervals = {
    "paper": paper_fit.coefficients.loc[:, :"high"],
    "ours": own_fit.coefficients.loc[:, :"high"],
}
pd.concat(intervals, axis=1).map("{:.4g}".format)

# %% [markdown]
# ## The last term is not the cross term
#
# By the identity $K = L_S - L_T - X$, and $X$ is small: any law that predicts $L_S$ foretells
# $\mathrm{KL}(T, S)$ to about what $X$ is, Equation 8 as well as bias and variance. Were $2 \rho
# \sqrt{tV}$ the identity's cross term, subtracting it would help. It makes the agreement three
# times worse, and over the runs it goes *against* the measured $X$: it has no meaning in the
# identity.

# %%
real = ours[ours.teacher != PERFECT]
inputs = [*STUDENT, "teacher_loss"]
arguments = [real[name].to_numpy() for name in inputs]
losses = own_fit.law.loss(*arguments)
cross = losses - own_fit.law._replace(rho=0.0).loss(*arguments)

# %%
columns = [*inputs, "student_loss"]
printed = fit.fit_distillation(ours[columns], own_supervised, starts=32, fixed={"c1": 522.6}).law
above = {"bias and variance": losses, "Equation 8": printed.loss(*arguments)}
divergences = pd.DataFrame(
    {f"{name}, without X": (loss - real.teacher_loss).clip(lower=0) for name, loss in above.items()}
).assign(**{"law's last term as X": losses - real.teacher_loss - cross})

# %%
kl_error = divergences.sub(real.kl_teacher, axis=0)
print(f"mean measured K {real.kl_teacher.mean():.3f} nats")
print(f"correlation of the law's term with the measured X: {np.corrcoef(cross, real.X)[0, 1]:+.2f}")
pd.DataFrame(
    {
        "mean |error|": kl_error.abs().mean(),
        "bias": kl_error.mean(),
        "correlation": divergences.corrwith(real.kl_teacher),
    }
).round(4)

# %% [markdown]
# ## Where it fails
#
# The largest residuals of the fits. In ours they are those of the smallest student, where seeds
# differ by 2% and the supervised law itself is off.

# %%
worst = pd.concat(
    found.runs.assign(residual=found.residuals(), runs=name)
    for name, found in {"paper": paper_fit, "ours": own_fit}.items()
)
worst = worst[[*STUDENT, "teacher_loss", "student_loss", "residual", "runs"]]
save(None, "law_residuals", worst)
worst.sort_values("residual", key=abs, kind="stable").groupby("runs", sort=False).tail(4).round(4)

# %% [markdown]
# ## What changes in the decisions
#
# The same supervised law, two laws of distillation: budgets from which supervised training wins
# (teacher inference paid), the best teacher on 20 tokens a parameter and on infinite data, and what
# distillation gains there.
#
# The best teachers on 20 tokens a parameter agree within 0.02 nats for 3B, within 0.2 for 300M. The
# floors are equal now, as they must be (on infinite data any good teacher will do: the best $L_T$
# means nothing). The crossovers vanish, and that is a **defect**, not a finding: for small $V$ the
# cross term, of order $\sqrt V$, outweighs $V$, and the law falls below the student's own
# infinite-data floor before it returns to it. By one or two mnats, printed below, and without that
# term the crossovers are back, earlier than Equation 8's. The bench's "never below the floor" is
# the same law with a last term that cannot outweigh $V$ where the teacher is better than $b$; it
# gives up a part of the gain in hold-outs. Do not take crossovers or floors from bias and variance.

# %%
students = np.array([300e6, 1e9, 3e9, 10e9])
rows = []
for name, law in {"Equation 8": laws.load("corrected"), "bias and variance": paper_law}.items():
    endless = allocate.best_teacher_loss(law, students)
    rows.append(
        pd.DataFrame(
            {
                "law": name,
                "student": [figures.label_size(n) for n in students],
                "crossover (FLOPs)": allocate.crossover(law, students, "teacher_inference"),
                "best L_T, 20 N tokens": allocate.best_teacher_loss(law, students, 20 * students),
                "best L_T, endless": endless,
                "floor gain": law.supervised.infinite_data_loss(students)
                - law.infinite_data_loss(students, endless),
            }
        )
    )

# %%
decisions = pd.concat(rows)
save(None, "law_decisions", decisions)
decisions.map(lambda v: f"{v:.4g}" if isinstance(v, float) else v)

# %%
many = np.geomspace(1e10, 1e18, 200)[:, None, None]
good = np.linspace(1.25, 2.6, 100)[:, None]
lowest = paper_law.loss(students, many, good).min(axis=(0, 1))
undercut = paper_law.supervised.infinite_data_loss(students) - lowest
print("below the floor by at most (nats):", undercut.round(4).tolist())
orthogonal = paper_law._replace(rho=0.0)
again_crossing = allocate.crossover(orthogonal, students, "teacher_inference")
print("crossovers without the last term:", [f"{c:.2g}" for c in again_crossing])

# %% [markdown]
# ## The verdict
#
# - *By the criterion set beforehand* (better by two standard errors of resampled teachers and
#   students in six of eight hold-outs) no form passes, and by the error of refitted laws bias and
#   variance is better in none. Of twelve hold-outs, one of the eight refused and five added that
#   the form was not chosen on, bias and variance has the smaller error in seven, told in three.
# - *Where it was found* it wins: all three of the paper's, three of our four, above all under
#   better teachers than were fitted, where Equation 8 has to guess. With the supervised law not
#   held, more tokens of ours turn against it. *Where it was not*, it wins with the largest students
#   (0.50 against 0.87%), as its orthogonal twin does (0.33%), and loses on text: all four and the
#   fit, one of them told. It stands on the supervised law, which is off by 1.6% there.
# - So there is no better law in general. Equation 8 stays the law to start from. On runs like the
#   paper's, under better teachers than any fitted, take bias and variance, or its twin that keeps
#   the floor; do not take crossovers or floors from a law that passes its floor.
# - For a decision take none alone but the ensemble, whose members are weighted by hold-outs on
#   all three sets. As it ships its 90% bands hold four in five or more in all 28 hold-outs, on
#   which its growth was chosen. With a growth from the other two sets they do in 26 of 28. Both
#   misses are on text: 19 of 24 runs under stronger teachers, and 14 of 32
#   where two students of at most 25k parameters under weak teachers are asked about larger ones
#   under strong ones (there `scalinglib fit` gives no verdict: it is three times beyond the runs
#   and more). Of runs kept from rules and fits they hold 37 of 37 losses, nine of them trained
#   since the rules, and 8 of 9 gains (notebook 21). Their interval score is better than the plain
#   bootstrap's on all three sets, and than the conformal band's on two; on words, where distances
#   cost least, that one is narrower and as good.
# - *Laws below their floor.* Of laws fitted to resampled runs, all of cosine and dip put some
#   student of 300M to 10B more than 5 mnats below its own supervised floor, and so do all of
#   Equation 8 but the three that the ensemble keeps. They are out of it, and the experiment on the
#   floor (notebook 21) does not bring them back: no student is told to end below its floor.

# %%
claims.check("better-law-every-hold-out", int((recommended.difference < 0).sum()))
claims.check("better-law-two-errors", int((recommended["t, se"] < -2).sum()))
claims.check("better-law-two-errors-refitted", int((recommended["t, se_refitted"] < -2).sum()))
claims.check("ensemble-bands", len(missed))
claims.check("ensemble-large-students", int(large.inside.sum()))
exactly = [
    text for key, text in LIMITS.items() if key in {"copies", "useless", "floor", "soft_labels"}
]
claims.check("better-law-limits", sentences.every(limits["bias and variance"][exactly]))
claims.check("better-law-cross-term", float(np.corrcoef(cross, real.X)[0, 1]))

# %% [markdown]
# ## What to take away
#
# Bias and variance, with six coefficients, meets the limits theory asks for and foretells the
# paper's runs and the largest students of ours better than Equation 8; on real text Equation 8 is
# the better one, under strong teachers neither is (notebook 21), and no difference outlasts
# refitting. What a lead should carry home is not a law but a band that knows how far a question is
# from the runs.
