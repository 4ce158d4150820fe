"""The whole answer to a table of runs: what the command prints and leaves behind."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.stats import ConstantInputWarning

from scalinglib import fit
from scalinglib.own.budgets import inside_budget, seen, wanted, wanted_in_words
from scalinglib.own.decisions import decide, inside_decision
from scalinglib.own.fitting import fit_own

__all__ = ["FullAnswer", "held_out_error", "of_distilled", "of_supervised"]

_STARTS, _REPLICATES = 64, 100
_STRONGEST = 0.2  # share of the runs that the check of extrapolation holds out


class FullAnswer(NamedTuple):
    """Lines for a reader, and files (name: text) to leave behind."""

    lines: list
    files: dict


def of_distilled(table, way="own", asked=(None, None, 1.0)):
    """Both laws of a table with teachers, and one decision.

    Parameters
    ----------
    table : tables.RunsTable
    way : str
        Of `fitting.fit_own`.
    asked : (float or None, float or None, float)
        Student size, FLOPs and delta_lgt; what is None is taken inside the runs.

    Returns
    -------
    FullAnswer
    """
    decision = inside_decision(table.distilled, *asked)
    options = {"starts": _STARTS, "bootstrap": _REPLICATES}
    laws = fit_own(table.distilled, table.supervised, way=way, **options)
    answer = decide(laws, decision)
    lines = answer.sentences()
    if None in asked:
        lines.append("  what was not asked was taken inside the runs: --student, --flops")
    if laws.notes:
        if answer.verdict != "outside":
            lines[0] += "; less sure than the ranges say: see how it was fitted"
        lines += ["how it was fitted:", *(f"  {note}" for note in laws.notes)]
    told = [_diagnosis(n, getattr(laws, n)) for n in ("supervised", "distillation")]
    lines += [line for part, _ in told for line in part]
    files = {
        "diagnosis.txt": "\n".join(text for _, text in told),
        "teachers.csv": answer.teachers.to_csv(index=False),
        "supervised.json": laws.supervised.to_json() + "\n",
        "distillation.json": laws.distillation.to_json() + "\n",
    }
    return FullAnswer(lines, files)


def of_supervised(table, compute=None):
    """The supervised law of a table without teachers, and what a budget wants.

    Parameters
    ----------
    table : tables.RunsTable
    compute : float or None
        FLOPs; None takes a budget inside the runs.

    Returns
    -------
    FullAnswer
    """
    options = {"starts": _STARTS, "bootstrap": _REPLICATES}
    with warnings.catch_warnings():
        # A Fit keeps its warnings, and the diagnosis says them.
        warnings.simplefilter("ignore", fit.FitWarning)
        free = fit.fit_supervised(table.supervised, **options)
        stiff = fit.fit_supervised(table.supervised, fixed={"gamma": 1.0}, **options)
    budget = compute or inside_budget(free)
    lines, forms = [], {"gamma free": free, "gamma = 1": stiff}
    if budget is None:
        lines.append("verdict: outside; no budget of these runs has its optimum inside them")
    else:
        lines.append(f"verdict for {budget:.3g} FLOPs:")
        lines += [f"  {name}: {wanted_in_words(one, budget)}" for name, one in forms.items()]
    if compute is None and budget is not None:
        lines.append("  the budget was taken inside the runs: --flops")
    lines.append(f"extrapolation, the strongest {_STRONGEST:.0%} held out:")
    for name, one in forms.items():
        fitted, held = held_out_error(one, _STRONGEST)
        lines.append(f"  {name}: mean error {fitted:.2%} of the fitted, {held:.2%} of the held out")
    told, diagnosis = _diagnosis("supervised", free)
    lines += told
    budgets = np.geomspace(*seen(free.runs)["compute"], 21)
    files = {
        "diagnosis.txt": diagnosis,
        "budgets.csv": wanted(free, budgets).to_csv(index=False),
        "supervised.json": free.to_json() + "\n",
        "supervised_gamma_1.json": stiff.to_json() + "\n",
    }
    return FullAnswer(lines, files)


def held_out_error(found, share):
    """Mean relative errors of the fitted runs and of the strongest ones, which were held out.

    Parameters
    ----------
    found : Fit
    share : float
        Of the runs, those of lowest loss.

    Returns
    -------
    fitted, held : float
    """
    measured = found.runs[found.spec.columns[-1]]
    strong = (measured < measured.quantile(share)).to_numpy()
    _, predicted = fit.hold_out(found, strong)
    errors = predicted.relative_error.abs().groupby(predicted.held).mean()
    return float(errors[False]), float(errors[True])


def _diagnosis(name, found):
    if len(found.replicates):
        with warnings.catch_warnings():
            # Of a constant column, which the doubts about the table and the diagnosis name.
            warnings.simplefilter("ignore", ConstantInputWarning)
            sentences = fit.explain(found)
    else:
        sentences = [*found.warnings, "Too few runs to resample: no ranges, no ridges."]
    ridges = sum(sentence.startswith("Ridge") for sentence in sentences)
    lines = [f"diagnosis, {name} law: mean error {found.mean_relative_error():.2%}"]
    lines += [f"  {sentence}" for sentence in sentences if not sentence.startswith("Ridge")]
    if ridges:
        lines.append(f"  {ridges} ridges, along which coefficients trade: see diagnosis.txt.")
    return lines, f"{name} law\n" + "\n".join(sentences) + "\n"
