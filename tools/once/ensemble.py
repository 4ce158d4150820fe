"""Build the ensemble of laws for the paper's runs, and say what its bands hold.

    python -m tools.once.ensemble

Its rules are in `tools.once.extrapolation`, which was committed before anything was computed. What
it is made of: for each form that deserves a weight the refit to all 328 runs, and refits to runs
resampled by teacher and by student at once, under both readings of Huber's delta, each with another
supervised law that Table 6 and the curves drawn in Figure 1 allow; and, as laws of Equation 8, two
of the authors' own making, `corrected` and the one drawn in Figure 1, which together count as much
as its refits. Writes scalinglib/coefficients/ensemble_figure1.csv and ensemble_figure1_seen.csv;
data/fits/extrapolation.csv (the forms' errors in every hold-out) and
data/fits/ensemble_coverage.csv, gain_coverage.csv and size_coverage.csv (what bands hold of losses,
of the ratio of supervised to distilled loss, and of the mean over a size's runs), from fixed seeds.

What the coverage says. For each set of runs, weights and growth come from the hold-outs of the
other two; fits, replicates and the supervised law from what the split keeps. What has seen the runs
all the same: the forms were found on the paper's runs and on ours; Table 6's law is the authors'
fit to more of them; the supervised laws are filtered with the drawn curves, and `SUPERVISED_NOISE`
is the mean error of Equation 8 on the runs.
"""

import warnings

import jax
import numpy as np
import pandas as pd
from scipy import stats

from scalinglib import fit, laws, simulate
from scalinglib.laws.limits import below_floor
from scalinglib.report.paths import DATA
from tools.once import extrapolation, write
from tools.once.extrapolation import CANDIDATES, INPUTS, SUPERVISED_NOISE

TABLE = laws.COEFFICIENTS / "ensemble_figure1.csv"
SEEN = TABLE.with_name("ensemble_figure1_seen.csv")
ERRORS = DATA / "fits" / "extrapolation.csv"
COVERAGE = DATA / "fits" / "ensemble_coverage.csv"
GAINS = DATA / "fits" / "gain_coverage.csv"
MEANS = DATA / "fits" / "size_coverage.csv"
DELTAS = (1e-3, 1e-4)  # Besiroglu et al.'s and the paper's own (Equation 50)
REPLICATES = 10  # of each form under each delta
HELD_REPLICATES = 8  # in a hold-out
FLOOR = 0.005  # nats below its own supervised floor from which a law is out
MISFIT = 0.006  # of log-loss, mean over the runs, above which a law is not one that fits them
SIZES = np.array([300e6, 1e9, 3e9, 10e9])


def errors(law, runs):
    """Log of predicted over measured student loss, an array (runs,)."""
    inputs = (runs[name].to_numpy(float) for name in INPUTS)
    return np.log(law.loss(*inputs)) - np.log(runs.student_loss.to_numpy(float))


def supervised_laws(count, curves, seed=0):
    """Supervised laws that Table 6 and the curves drawn in Figure 1 allow.

    Table 6's six intervals do not say how its coefficients move together. So each law is a refit to
    73 runs in the paper's protocols, drawn from Table 6's law with `SUPERVISED_NOISE`: what the fit
    could have been. It is kept if Equation 8 on top of it passes through the readings of the drawn
    curves as well as on top of Table 6's, by a likelihood ratio within 95% for six coefficients.
    """
    central = laws.load().supervised
    allowed = _off_curves(central, curves) * np.exp(stats.chi2(6).ppf(0.95) / (2 * len(curves)))
    found = []
    for i in range(20 * count):
        runs = simulate.supervised_runs(central, SUPERVISED_NOISE, seed=1000 * seed + i)
        law = fit.fit_supervised(runs, starts=32).law
        if _off_curves(law, curves) <= allowed:
            found.append(law)
        if len(found) == count:
            return found
    raise RuntimeError(f"only {len(found)} of {count} supervised laws pass the drawn curves")


def _off_curves(supervised, curves):
    spec, fixed = CANDIDATES["equation8"]
    law = fit.fit(spec, curves, supervised=supervised, fixed=fixed, starts=32).law
    return np.abs(errors(law, curves)).mean()


def members(form, runs, supervised):
    """Rows of the table for one form: the refit to all runs under Table 6's law, and replicates."""
    spec, fixed = CANDIDATES[form]
    rng, count = np.random.default_rng(0), REPLICATES * len(DELTAS)
    times = extrapolation.resample(runs, rng, count)
    for delta in DELTAS:
        options = {"supervised": laws.load().supervised, "fixed": fixed, "starts": 64}
        found = fit.fit(spec, runs, delta=delta, **options)
        if delta == DELTAS[0]:
            yield _row(f"{form}, refit", form, found.law)
        mine = range(DELTAS.index(delta), count, len(DELTAS))
        base = laws.SupervisedLaw(*np.array([supervised[i % len(supervised)] for i in mine]).T)
        drawn = fit.laws_of_parts(found, times[list(mine)], base, starts=1)
        for place, i in enumerate(mine):
            law = jax.tree.map(float, extrapolation.part(drawn, (place, 0)))
            yield _row(f"{form} {i // len(DELTAS)}, delta {delta:g}", form, law)


def authors_laws(curves):
    """`corrected` and the law drawn in Figure 1, Equation 8 through the readings of its curves."""
    corrected, (spec, fixed) = laws.load("corrected"), CANDIDATES["equation8"]
    options = {"supervised": corrected.supervised, "fixed": fixed, "starts": 64}
    drawn = fit.fit(spec, curves, **options).law
    yield _row("corrected", "equation8", corrected)
    yield _row("drawn in Figure 1", "equation8", drawn)


def _row(name, form, law):
    values = {c: getattr(law, c) for c in type(law).coefficient_names()}
    held = {f"supervised_{c}": value for c, value in law.supervised._asdict().items()}
    floor = {"below_floor": below_floor(law, SIZES).max()}
    own = {"name": name, "form": form, "weight": np.nan, "law": law}
    return own | floor | held | values


def build(runs, curves, weight, growth):
    """The table whose rows `laws.ensembles.from_rows` takes.

    Left out are laws below their floor, and replicates that do not fit the runs.

    Its `growth` is for a unit of distance: the misfit inside, of refits and supervised law, is in.
    """
    supervised = supervised_laws(REPLICATES * len(DELTAS), curves)
    groups = [list(authors_laws(curves))]
    groups += [list(members(form, runs, supervised)) for form in weight.index]
    table = pd.concat([pd.DataFrame(rows).assign(group=i) for i, rows in enumerate(groups)])
    table["scale"] = float(runs.noise.iloc[0] / np.sqrt(2))
    table["misfit"] = [np.abs(errors(law, runs)).mean() for law in table.law]
    kept = table[(table.below_floor <= FLOOR) & (table.misfit <= MISFIT)]
    # A form counts by its weight, the authors' laws of Equation 8 as much as its refits.
    share = kept.form.map(weight) / kept.groupby(["form"]).group.transform("nunique")
    share = share / kept.groupby("group").group.transform("size")
    refits = kept[kept.name.str.endswith(", refit")]
    growth *= max(np.average(refits.misfit, weights=refits.form.map(weight)), SUPERVISED_NOISE)
    kept = kept.assign(weight=share / share.sum(), scale=kept.scale, growth=growth)
    return kept.drop(columns=["group", "misfit", "law"])


def settled(asked):
    """What each set is judged with, of the other two: weights, growth and the questions."""
    found = {}
    for name in dict.fromkeys(q.runs for q in asked):
        weight, others = extrapolation.of_others(asked, name)
        found[name] = weight, extrapolation.calibrated(others, weight), others
    return found


def coverage(asked, judges, shipped):
    """One row a hold-out and a band: how many runs it holds, how wide it is, its interval score.

    - shipped: weights and growth that the ensemble has, found on all these hold-outs.
    """
    rows = []
    for q in asked:
        weight, growth, _ = judges[q.runs]
        same = [o for o in asked if o.runs == q.runs and o.key != q.key]
        alone = pd.Series({"equation8": 1.0})
        bands = {
            "ensemble": extrapolation.band(q, weight, growth),
            "as shipped": extrapolation.band(q, *shipped),
            "laws alone": extrapolation.band(q, weight, 0.0),
            "bootstrap": extrapolation.band(q, alone, 0.0),
            "conformal": extrapolation.conformal(q, weight, same),
        }
        common = q.named | {"held": len(q.measured), "distance": q.distance.mean()}
        for name, (low, high) in bands.items():
            mine = {"ensemble": growth, "as shipped": shipped[1]}.get(name, np.nan)
            rows.append(
                common | {"band": name, "growth": mine} | extrapolation.judged(q, low, high)
            )
    return pd.DataFrame(rows)


def gain_coverage(asked, weight):
    """One row a hold-out: what the band holds of gains, and how large and how alike errors are."""
    told = {q: extrapolation.gains(q) for q in asked if np.isfinite(q.alone).any()}
    rows = []
    for q, gain in told.items():
        others = [g for g in told.values() if g.runs != q.runs]
        growth, twin = extrapolation.calibrated(others, weight), np.isfinite(q.alone)
        distilled = (q.measured - extrapolation.centre(q, weight))[twin]
        supervised = (q.alone - q.alone_told)[twin]
        sizes = [np.sqrt((e**2).mean()) for e in (distilled, supervised, supervised - distilled)]
        named = dict(zip(("distilled_error", "supervised_error", "gain_error"), sizes, strict=True))
        named["alike"] = (distilled * supervised).mean() / (sizes[0] * sizes[1])
        common = q.named | {"held": int(twin.sum())}
        band = extrapolation.judged(gain, *extrapolation.band(gain, weight, growth))
        rows.append(common | named | {"growth": growth} | band)
    return pd.DataFrame(rows)


def size_coverage(asked, judges):
    """One row a hold-out and a band: of how many sizes it holds the mean over their runs."""
    rows = []
    for q in asked:
        weight, growth, others = judges[q.runs]
        shares = extrapolation.shared(others, weight)
        common = q.named | {"growth": growth}
        for band, of in (("together", shares), ("independent", (0.0, 0.0))):
            low, high, mean = extrapolation.mean_bands(q, weight, growth, of)
            held = {"sizes": len(mean), "covered": int(((low <= mean) & (mean <= high)).sum())}
            size, teacher = of
            told = {"band": band, "of_size": size, "of_teacher": teacher}
            rows.append(common | told | held | {"width": 100 * (high - low).mean()})
    return pd.DataFrame(rows)


def all_asked(sets):
    """The questions of all sets, one fit and `HELD_REPLICATES` refits a form."""
    warnings.simplefilter("ignore", fit.FitWarning)  # that a part covers less is the point
    asked = []
    for name, pair in sets.items():
        found = extrapolation.foretold(*pair, HELD_REPLICATES)
        asked += extrapolation.questions(name, *pair, found)
    return asked


def main():
    """Ask all sets, weigh the forms, build the ensemble, write the six tables."""
    sets = extrapolation.sets()
    asked = all_asked(sets)
    errors_of = extrapolation.scores(asked)
    weight = extrapolation.weights(errors_of)
    growth = extrapolation.calibrated(asked, weight)
    write(errors_of.reset_index(), ERRORS, 4)
    judges = settled(asked)
    write(coverage(asked, judges, (weight, growth)), COVERAGE, 4)
    write(gain_coverage(asked, weight), GAINS, 4)
    write(size_coverage(asked, judges), MEANS, 4)
    runs, curves = sets["paper"][0], pd.read_csv(DATA / "published" / "figure1_curves.csv")
    write(build(runs, curves, weight, growth), TABLE, 9)
    seen = laws.Seen.of(runs, laws.load().supervised)
    columns = ("student_params", "student_tokens", "best_teacher", "worst_teacher")
    write(pd.DataFrame({name: getattr(seen, name) for name in columns}), SEEN, 9)


if __name__ == "__main__":
    main()
