"""How to distil in practice: the sweeps of Appendix G, scaled down (notebook 10).

Each sweep includes the plain setting that it is held against: teacher only, temperature 1, whole
distribution, forward KL, the recipe's learning rate.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pandas as pd

from scalinglib.experiment import compare, weights
from scalinglib.study.corpora.base import stream
from scalinglib.study.design import cheap_first
from scalinglib.study.model import distill
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.recipe import Recipe
from scalinglib.study.model.teachers import log_probabilities
from scalinglib.study.run import PERFECT, Run, by_ratio, over_seeds

STUDENTS = ((1, 20, 5), (2, 5, 5))  # of every sweep: depth, tokens per parameter, seeds
DEEPER = ((3, 2.5, 3),)  # more students, for the sweep of learning rates
WEAK, STRONG = by_ratio(1, 20), by_ratio(3, 20)  # for temperatures and the reverse KL
TEACHERS = (WEAK, by_ratio(2, 20), STRONG, PERFECT)  # of the mixing sweep, the cheapest first
MIXING = (0.3, 0.5, 0.7, 0.9, 0.97, 0.99)  # lambda; 0, which needs no teacher, and 1 beside them
TEMPERATURES = (0.25, 0.5, 2.0, 3.0, 4.0, 10.0)  # tau, 1 left out
PEAKS = (1e-3, 2e-3, 5e-3, 1e-2, 4e-2, 8e-2, 2e-1)  # learning rates, the recipe's left out
TOP_K = (1, 2, 4, 8, 16)  # truncations of the strong teacher
TOP_P = (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
TRUNCATION_MIXING = 0.7  # lambda for truncated distributions mixed with data; one of MIXING


def _taught(teacher, **objective):
    """The students of one teacher under one objective, all seeds."""
    return over_seeds(STUDENTS, teacher=teacher, objective=Objective(**objective))


# Mixing coefficient by teacher (Figure 51); without a share of the teacher its name is idle.
MIXING_RUNS = [
    run
    for teacher in TEACHERS
    for mixing in (0.0, *MIXING, 1.0)
    for run in _taught(teacher if mixing else WEAK, mixing=mixing)
]
# Temperature by teacher (Figure 52).
TEMPERATURE_RUNS = [
    run
    for teacher in (WEAK, STRONG)
    for temperature in (1.0, *TEMPERATURES)
    for run in _taught(teacher, temperature=temperature)
]
# Peak learning rate, from labels and from a teacher (Figure 53).
_PLAIN = [
    run
    for source in ({}, {"teacher": STRONG})
    for run in over_seeds((*STUDENTS, *DEEPER), **source)
]
PEAK_RUNS = [
    replace(run, recipe=Recipe(peak=peak)) for run in _PLAIN for peak in (Recipe.peak, *PEAKS)
]
# Truncated distributions, alone and mixed with data (Figure 54).
_CUTS = [{}, *({"top_k": k} for k in TOP_K), *({"top_p": p} for p in TOP_P)]
TRUNCATION_RUNS = [
    run
    for mixing in (1.0, TRUNCATION_MIXING)
    for cut in _CUTS
    for run in _taught(STRONG, mixing=mixing, **cut)
]
# Forward and reverse KL (Table 7).
DIVERGENCE_RUNS = [
    run
    for teacher in (WEAK, STRONG)
    for reverse in (False, True)
    for run in _taught(teacher, reverse=reverse)
]
RUNS = cheap_first(
    [*MIXING_RUNS, *TEMPERATURE_RUNS, *PEAK_RUNS, *TRUNCATION_RUNS, *DIVERGENCE_RUNS]
)


def entries(folder: str | Path, teacher: Run = STRONG) -> pd.DataFrame:
    """How many entries a teacher's distributions keep under each top-p of the sweep.

    - folder: with the weights of the teacher, as `experiment.execute.complete` leaves it
    - returns: top_p, entries (mean over positions of the evaluation split)
    """
    windows = teacher.corpus.sample("evaluation", stream("evaluation", 0), 512)
    params = weights.load(folder, teacher.key, teacher.shapes)
    log_probs = log_probabilities(params, windows)
    counts = [np.isfinite(distill.truncate(log_probs, top_p=p)).sum(0) for p in TOP_P]
    return pd.DataFrame({"top_p": TOP_P, "entries": np.mean(counts, axis=1)})


def labelled(runs: pd.DataFrame, n_vocab: int) -> pd.DataFrame:
    """The table of runs, ready to be compared.

    One `teacher_loss` a teacher, `top_k` and `top_p` of whole distributions filled in, and a
    column `source`: "data" or "teacher".
    """
    return runs.assign(
        # Teachers that were trained again for later rows keep the loss of the first.
        teacher_loss=runs.groupby("teacher").teacher_loss.transform("first"),
        source=np.where(runs.kind == "supervised", "data", "teacher"),
        top_k=runs.top_k.fillna(n_vocab).astype(int),
        top_p=runs.top_p.fillna(1.0),
    )


def mixed(rows: pd.DataFrame, teacher: str = "teacher_loss") -> pd.DataFrame:
    """Rows of a sweep of lambda, those of lambda = 0, which have no teacher, under each one.

    `teacher` is the column that tells teachers apart.
    """
    alone, taught = rows[rows.mixing == 0], rows[rows.mixing > 0]
    under = [alone.assign(**{teacher: value}) for value in sorted(taught[teacher].unique())]
    return pd.concat([taught, *under])


def truncated(rows: pd.DataFrame) -> pd.DataFrame:
    """Each run of the truncation sweep above the whole distribution alone, of its seed.

    - returns: the rows, once for each knob ("top_k", "top_p") that cuts them or that cuts nothing,
      with knob, kept (its value), and above (nats)
    """
    found = []
    whole = {knob: rows[knob].max() for knob in ("top_k", "top_p")}
    for knob, other in (("top_k", "top_p"), ("top_p", "top_k")):
        cut = rows[rows[other] == whole[other]].assign(knob=knob)
        kept = cut[knob].astype(float)
        cut = cut.assign(kept=kept, setting=kept.map(str) + " at " + cut.mixing.map(str))
        plain = f"{float(whole[knob])} at 1.0"
        found.append(compare.differences(cut, "setting", plain, by=("n_layers",)))
    return pd.concat(found).drop(columns="setting")


def within_a_decade(losses: pd.Series) -> float:
    """What half a decade from the best rate costs at most, nats; between rates log-linear.

    `losses` are one student's means over seeds, indexed by peak learning rate, rising.
    """
    rates, least = np.log10(losses.index), np.log10(losses.idxmin())
    return np.interp([least - 0.5, least + 0.5], rates, losses).max() - losses.min()


def loss_operations(reverse: bool, n_vocab: int, positions: int = 64) -> float:
    """FLOPs of the teacher's loss and its gradient per position and symbol, as XLA counts them."""
    logits = jax.ShapeDtypeStruct((n_vocab, positions), np.float32)
    labels = jax.ShapeDtypeStruct((positions,), np.int32)
    slope = jax.jit(jax.grad(partial(distill.loss, reverse=reverse)))
    cost = slope.lower(logits, labels, logits).cost_analysis()
    return cost["flops"] / n_vocab / positions
