"""The committed study of the words, runs held apart from its law, and a sweep of the recipe."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from scalinglib.study import design_file
from scalinglib.study.design import Design
from scalinglib.study.run import Run, by_ratio

__all__ = ["FIXED_TOKENS", "FULL", "LARGEST_STUDENTS", "SWEEP", "Sweep"]

FOLDER = Path(__file__).parent
FULL = design_file.read(FOLDER / "study.toml")
# Apart from the study, whose law is not fitted to them: Figure 36a's second series, and more
# numbers of tokens for the largest student (Figure 37), which that law has to predict.
FIXED_TOKENS = tuple(Run(depth, by_ratio(4, 5).tokens) for depth in (1, 2, 3, 5, 6))
LARGEST_STUDENTS = Design(teachers=FULL.teachers, students=((5, (0.25, 0.5, 2, 4), 1),))


@dataclass(frozen=True)
class Sweep:
    """Batch sizes and learning rates, on labels, around what the recipe takes.

    Attributes
    ----------
    sizes : tuple of (n_layers, ratios)
    windows : tuple of int
        Windows a batch.
    peaks : tuple of float
        Peak learning rates.
    seeds : int
    """

    sizes: tuple
    windows: tuple
    peaks: tuple
    seeds: int

    def runs(self):
        """Every run, cheap ones first."""
        found = [
            by_ratio(depth, ratio, seed=seed, windows=windows, peak=peak)
            for depth, ratios in self.sizes
            for ratio, windows, peak, seed in product(
                ratios, self.windows, self.peaks, range(self.seeds)
            )
        ]
        return sorted(found, key=lambda run: run.flops)


SWEEP = Sweep(
    sizes=((1, (5, 20, 100)), (2, (5, 20, 100))),
    windows=(2, 4, 8, 16, 32),
    peaks=(1e-2, 2e-2, 4e-2),
    seeds=3,
)
