"""How to distil in practice: the sweeps of Appendix G, scaled down."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from scalinglib.experiment import weights
from scalinglib.study import distill, measure
from scalinglib.study.corpus import stream
from scalinglib.study.distill import Objective
from scalinglib.study.run import PERFECT, Run, by_ratio

__all__ = ["FULL", "Design", "entries"]


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
    mixing=(0.3, 0.5, 0.7, 0.9, 0.97, 0.99),
    pair=(by_ratio(1, 20), by_ratio(3, 20)),
    temperatures=(0.25, 0.5, 2.0, 3.0, 4.0, 10.0),
    peaks=(1e-3, 2e-3, 5e-3, 1e-2, 4e-2, 8e-2, 2e-1),
    deeper=((3, 2.5, 3),),
    peak_teacher=by_ratio(3, 20),
    top_k=(1, 2, 4, 8, 16),
    top_p=(0.1, 0.3, 0.5, 0.7, 0.9, 0.99),
    truncation_mixing=0.7,
)


def entries(design, folder):
    """How many entries the strong teacher's distributions keep under each top-p of a design.

    Parameters
    ----------
    design : Design
    folder : path with the weights of the teacher, as `experiment.execute.run` leaves it

    Returns
    -------
    DataFrame: top_p, entries (mean over positions of the evaluation split)
    """
    teacher = design.pair[-1]
    windows = teacher.corpus.sample("evaluation", stream("evaluation", 0), 512)
    params = weights.load(folder, teacher.key, teacher.shapes)
    log_probs = measure.log_probabilities(params, windows)
    counts = [np.isfinite(distill.truncate(log_probs, top_p=p)).sum(0) for p in design.top_p]
    return pd.DataFrame({"top_p": design.top_p, "entries": np.mean(counts, axis=1)})
