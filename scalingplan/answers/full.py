"""The whole answer to a table of runs: what the command prints and leaves behind."""

import json
import warnings
from typing import NamedTuple

import numpy as np
from scipy.stats import ConstantInputWarning

from scalinglib import fit
from scalingplan.answers.budgets import inside_budget, seen, wanted, wanted_in_words
from scalingplan.answers.decisions import NO_VERDICT, decide, inside_problem, next_runs
from scalingplan.answers.fitting import STRONGEST, drawing, fit_own, settings_to_check
from scalingplan.tables import RunsTable

_STARTS, _REPLICATES = 64, 100
MANY = 2000  # rows, from which fewer starts and replicates do: each tells more
MOST = 4000  # rows that are fitted: by then a law misses by its form, not by their noise


def _effort(rows):
    """Options of a fit to so many rows."""
    fewer = 5 if rows > MANY else 1
    return {"starts": _STARTS // fewer, "bootstrap": _REPLICATES // fewer}


def _drawn(runs):
    """So many of the runs as are fitted, every teacher among them, and what is to say of it."""
    if len(runs) <= MOST:
        return runs, []
    first = runs.groupby("teacher_loss").head(1).index if "teacher_loss" in runs else []
    drawn = runs.index.isin(first) | runs.index.isin(runs.sample(MOST, random_state=0).index)
    return runs[drawn], [f"{drawn.sum()} of the {len(runs)} rows, drawn at random, are fitted"]


def to_json(found: fit.Fit) -> str:
    """A fit without its runs, as JSON text: rounding apart, what the notebooks show."""
    table = found.coefficients.astype(object)
    return json.dumps(
        {
            "law": found.spec.name,
            "runs": len(found.runs),
            "delta": found.delta,
            "objective": found.objective,
            "status": found.status.name.lower(),
            "level": found.level,
            "replicates": len(found.replicates),
            "replicates_converged": found.replicates_converged,
            "starts_at_optimum": found.starts_at_optimum,
            "mean_relative_error": found.mean_relative_error(),
            "coefficients": table.where(table.notna(), None).to_dict("index"),
            "warnings": list(found.warnings),
        },
        indent=2,
    )


class FullAnswer(NamedTuple):
    """Lines for a reader, and files (name: text) to leave behind."""

    lines: list[str]
    files: dict[str, str]


def of_distilled(
    table: RunsTable,
    way: str = "own",
    student_params: float | None = None,
    compute: float | None = None,
    delta_lgt: float | None = None,
) -> FullAnswer:
    """Both laws of a table with teachers, and one decision.

    - student_params, compute, delta_lgt: of the decision; what is None is taken inside the runs.
    """
    problem = inside_problem(table.distilled, student_params, compute, delta_lgt)
    runs, drawn = _drawn(table.distilled)
    singles, drawn_singles = _drawn(table.supervised)
    laws = fit_own(runs, singles, way=way, **_effort(len(runs)))
    notes = [*drawn, *drawn_singles, *laws.notes]
    answer = decide(laws, problem)
    lines = answer.sentences()
    if student_params is None or compute is None:
        lines.append("  what was not asked was taken inside the runs: --student, --flops")
    if laws.notes and answer.verdict != NO_VERDICT:
        lines[0] += "; less sure than the ranges say: see how it was fitted"
    lines += ["how it was fitted:", *(f"  {note}" for note in notes)] if notes else []
    told = [_diagnosis(name, found) for name, found in laws.fits().items()]
    lines += [line for part, _ in told for line in part]
    if answer.verdict != NO_VERDICT and "teacher_params" in laws.pool:
        lines.append(next_runs(laws, problem, answer.teachers))
    files = {
        "diagnosis.txt": "\n".join(text for _, text in told),
        "teachers.csv": answer.teachers.to_csv(index=False),
    }
    files |= {f"{name}.json": to_json(found) + "\n" for name, found in laws.fits().items()}
    return FullAnswer(lines, files)


def of_supervised(table: RunsTable, compute: float | None = None) -> FullAnswer:
    """The supervised law of a table without teachers, and what a budget wants."""
    runs, drawn = _drawn(table.supervised)
    options = _effort(len(runs))
    options |= drawing(runs, options["bootstrap"])
    with warnings.catch_warnings():
        # A Fit keeps its warnings, and the diagnosis says them.
        warnings.simplefilter("ignore", fit.FitWarning)
        free = fit.fit_supervised(runs, **options)
        stiff = fit.fit_supervised(runs, fixed={"gamma": 1.0}, **options)
    budget = compute or inside_budget(free)
    lines, forms = drawn, {"gamma free": free, "gamma = 1": stiff}
    if budget is None:
        lines.append("verdict: outside; no budget of these runs has its optimum inside them")
    else:
        lines.append(f"verdict for {budget:.3g} FLOPs:")
        lines += [f"  {name}: {wanted_in_words(one, budget)}" for name, one in forms.items()]
    if compute is None and budget is not None:
        lines.append("  the budget was taken inside the runs: --flops")
    share = STRONGEST["supervised"]
    lines.append(f"extrapolation, the strongest {share:.0%} held out:")
    lines += [f"  {name}: {extrapolation(one, share)}" for name, one in forms.items()]
    lines.append("larger models, each foretold by a fit to all smaller ones:")
    lines += [f"  {name}: {foretells_larger(one)}" for name, one in forms.items()]
    told, diagnosis = _diagnosis("supervised", free)
    lines += told
    budgets = np.geomspace(*seen(free.runs)["compute"], 21)
    files = {
        "diagnosis.txt": diagnosis,
        "budgets.csv": wanted(free, budgets).to_csv(index=False),
        "supervised.json": to_json(free) + "\n",
        "supervised_gamma_1.json": to_json(stiff) + "\n",
    }
    return FullAnswer(lines, files)


def extrapolation(found: fit.Fit, share: float) -> str:
    """How well a law foretells its strongest runs, as words.

    - returns: mean relative errors of the fitted runs and of those held out; or why none can be.
    """
    measured = found.runs[found.spec.columns[-1]]
    strong = (measured < measured.quantile(share)).to_numpy()
    settings = list(found.spec.columns[:-1])
    stay = len(found.runs[~strong].drop_duplicates(settings))
    free = int((~found.coefficients.fixed).sum())
    if stay <= free:
        return (
            f"too few settings to hold any out: {stay} would stay for {free} coefficients; it "
            f"takes {settings_to_check(free, share)}, each with one run"
        )
    if not strong.any():
        return f"none to hold out: the strongest {share:.0%} have one and the same loss"
    if reason := fit.collinear(found.runs[~strong], found.spec.columns):
        return f"no hold-out: {reason}"
    predicted = fit.hold_out(found, strong)
    errors = predicted.relative_error.abs().groupby(predicted.held).mean()
    return f"mean error {errors[False]:.2%} of the fitted, {errors[True]:.2%} of the held out"


def foretells_larger(found: fit.Fit) -> str:
    """How well a law foretells models a few times larger than those it is fitted to, as words."""
    told = fit.reach(fit.rolling_hold_outs(found))
    if told.empty:
        return "too few sizes to cut at; it takes five, with runs to spare below the last"
    said = [f"{factor:g}× to {error:.1%}" for factor, error in told.error.items()]
    return f"predicts {', '.join(said)} (mean error)"


def explained(found: fit.Fit) -> list[str]:
    """`fit.explain`, or a law's warnings where its runs are too few to resample."""
    if not len(found.replicates):
        return [*found.warnings, "Too few runs to resample: no ranges, no ridges."]
    with warnings.catch_warnings():
        # Of a constant column, which the doubts about the table and the diagnosis name.
        warnings.simplefilter("ignore", ConstantInputWarning)
        return fit.explain(found)


def _diagnosis(name, found):
    sentences = explained(found)
    ridges = sum(sentence.startswith("Ridge") for sentence in sentences)
    lines = [f"diagnosis, {name} law: mean error {found.mean_relative_error():.2%}"]
    lines += [f"  {sentence}" for sentence in sentences if not sentence.startswith("Ridge")]
    if ridges:
        lines.append(f"  {ridges} ridges, along which coefficients trade: see diagnosis.txt.")
    return lines, f"{name} law\n" + "\n".join(sentences) + "\n"
