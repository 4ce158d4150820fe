"""How to distil in practice: the sweeps of Appendix G, scaled down, and how they are compared."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from scalinglib.study import distill, language, runner, train
from scalinglib.study.distill import Objective
from scalinglib.study.protocol import PERFECT, Run, by_ratio

__all__ = ["FAST", "FULL", "Design", "against", "entries", "select"]


@dataclass(frozen=True)
class Design:
    """The one table of settings from which the runs of every sweep follow.

    Each sweep includes the plain setting that it is held against: teacher only, temperature 1,
    whole distribution, forward KL, the recipe's learning rate.

    Attributes
    ----------
    students : tuple of (n_layers, ratio, seeds)
        Students of every sweep: depth, tokens per parameter, number of seeds.
    teachers : tuple of Run or PERFECT
        Teachers of the mixing sweep, the cheapest first.
    mixing : tuple of float
        lambda, below 1; 0 needs no teacher and is trained once.
    pair : tuple of Run
        A weak and a strong teacher, for the sweep of temperatures and for the reverse KL.
    temperatures : tuple of float
        tau, 1 left out.
    peaks : tuple of float
        Peak learning rates, the recipe's left out.
    deeper : tuple of (n_layers, ratio, seeds)
        More students, for the sweep of learning rates.
    peak_teacher : Run
        Teacher of that sweep.
    top_k : tuple of int
    top_p : tuple of float
        Truncations of the strong teacher.
    truncation_mixing : float
        lambda for truncated distributions mixed with data; one of `mixing`.
    """

    students: tuple
    teachers: tuple
    mixing: tuple
    pair: tuple
    temperatures: tuple
    peaks: tuple
    deeper: tuple
    peak_teacher: Run
    top_k: tuple
    top_p: tuple
    truncation_mixing: float

    def _taught(self, teacher, **objective):
        """The students of one teacher under one objective, all seeds."""
        return [
            by_ratio(depth, ratio, seed=seed, teacher=teacher, objective=Objective(**objective))
            for depth, ratio, seeds in self.students
            for seed in range(seeds)
        ]

    def mixing_runs(self):
        """Mixing coefficient by teacher (Figure 51)."""
        return [
            run
            for teacher in self.teachers
            for mixing in (0.0, *self.mixing, 1.0)
            for run in self._taught(teacher if mixing else self.teachers[0], mixing=mixing)
        ]

    def temperature_runs(self):
        """Temperature by teacher (Figure 52)."""
        return [
            run
            for teacher in self.pair
            for temperature in (1.0, *self.temperatures)
            for run in self._taught(teacher, temperature=temperature)
        ]

    def peak_runs(self):
        """Peak learning rate, from labels and from a teacher (Figure 53)."""
        plain = [
            by_ratio(depth, ratio, seed=seed, teacher=teacher)
            for teacher in (None, self.peak_teacher)
            for depth, ratio, seeds in (*self.students, *self.deeper)
            for seed in range(seeds)
        ]
        return [replace(run, peak=peak) for run in plain for peak in (Run.peak, *self.peaks)]

    def truncation_runs(self):
        """Truncated distributions, alone and mixed with data (Figure 54)."""
        cuts = [{}, *({"top_k": k} for k in self.top_k), *({"top_p": p} for p in self.top_p)]
        return [
            run
            for mixing in (1.0, self.truncation_mixing)
            for cut in cuts
            for run in self._taught(self.pair[-1], mixing=mixing, **cut)
        ]

    def divergence_runs(self):
        """Forward and reverse KL (Table 7)."""
        return [
            run
            for teacher in self.pair
            for reverse in (False, True)
            for run in self._taught(teacher, reverse=reverse)
        ]

    def runs(self):
        """Every run once, cheap ones first."""
        found = [
            *self.mixing_runs(),
            *self.temperature_runs(),
            *self.peak_runs(),
            *self.truncation_runs(),
            *self.divergence_runs(),
        ]
        return sorted(dict.fromkeys(found), key=lambda run: run.flops + run.inference_flops)


FULL = Design(
    students=((1, 20, 5), (2, 5, 5)),
    teachers=(*(by_ratio(depth, 20) for depth in (1, 2, 3)), PERFECT),
    mixing=(0.3, 0.5, 0.7, 0.9),
    pair=(by_ratio(1, 20), by_ratio(3, 20)),
    temperatures=(0.25, 0.5, 2.0, 4.0, 10.0),
    peaks=(2e-3, 5e-3, 1e-2, 4e-2, 8e-2, 2e-1),
    deeper=((3, 2.5, 3),),
    peak_teacher=by_ratio(3, 20),
    top_k=(1, 2, 4, 8, 16),
    top_p=(0.5, 0.9, 0.99),
    truncation_mixing=0.7,
)
FAST = Design(
    students=((1, 2, 2),),
    teachers=(by_ratio(1, 4),),
    mixing=(0.7,),
    pair=(by_ratio(1, 4),),
    temperatures=(4.0,),
    peaks=(5e-3,),
    deeper=(),
    peak_teacher=by_ratio(1, 4),
    top_k=(1,),
    top_p=(0.5,),
    truncation_mixing=0.7,
)


def select(runs, wanted):
    """The rows of a table of runs that are those of a list; ValueError if some are not there."""
    identities = {run.id for run in wanted}
    missing = identities - set(runs.id)
    if missing:
        raise ValueError(
            f"runs lacks {len(missing)} of {len(identities)} runs; make study-practice"
        )
    return runs[runs.id.isin(identities)]


def entries(design, cache):
    """How many entries the strong teacher's distributions keep under each top-p of a design.

    Parameters
    ----------
    design : Design
    cache : folder with the weights of the teacher, as `runner.run` leaves it

    Returns
    -------
    DataFrame: top_p, entries (mean over positions of the evaluation split)
    """
    corpus = language.words()
    windows = corpus.sample("evaluation", language.stream("evaluation", 0), 512)
    log_probs = train.log_probabilities(runner.load(design.pair[-1], cache), windows)
    counts = [np.isfinite(distill.truncate(log_probs, top_p=p)).sum(0) for p in design.top_p]
    return pd.DataFrame({"top_p": design.top_p, "entries": np.mean(counts, axis=1)})


def against(runs, over, reference):
    """Each setting of a sweep against one of them, seed by seed.

    Seeds share weights and data between settings, so differences are taken within a seed; what is
    not larger than two standard errors is called no difference.

    Parameters
    ----------
    runs : DataFrame
        Students of one kind: a row for each of at least two seeds and each value of `over`.
    over : str
        The column that the sweep changes.
    reference : value of that column

    Returns
    -------
    DataFrame, a row for each value: it, loss and loss_error (mean over seeds, standard error),
    above and above_error (loss above the reference's), verdict ("worse", "better", "no difference")
    """
    losses = runs.pivot_table(index="seed", columns=over, values="loss")
    if len(losses) < 2 or losses.isna().any(axis=None) or losses.size != len(runs):
        raise ValueError(
            f"runs has {len(runs)} rows for {len(losses)} seeds and {losses.shape[1]} values of "
            f"{over}; it must have one row for each pair, and two seeds or more"
        )
    if reference not in losses:
        raise ValueError(f"reference is {reference!r}; {over} takes {list(losses.columns)}")
    above = losses.sub(losses[reference], axis=0)
    found = pd.DataFrame(
        {
            "loss": losses.mean(),
            "loss_error": losses.sem(),
            "above": above.mean(),
            "above_error": above.sem(),
        }
    )
    unequal = found.above.abs() > 2 * found.above_error
    words = np.where(found.above > 0, "worse", "better")
    return found.assign(verdict=np.where(unequal, words, "no difference")).reset_index()
