"""The committed studies of the words and of real English, runs apart, a sweep of the recipe."""

from itertools import product
from pathlib import Path

from scalinglib.study import design_file
from scalinglib.study.design import Design, cheap_first
from scalinglib.study.model.recipe import Recipe
from scalinglib.study.run import Run, by_ratio

FULL = design_file.read(Path(__file__).with_name("study.toml"))
TEXT = design_file.read(Path(__file__).with_name("addresses.toml"))
# Apart from the study, whose law is not fitted to them: Figure 36a's second series, and more
# numbers of tokens for the largest student (Figure 37), which that law has to predict.
FIXED_TOKENS = tuple(Run(depth, by_ratio(4, 5).tokens) for depth in (1, 2, 3, 5, 6))
_LARGEST = Design(teachers=FULL.teachers, students=((5, (0.25, 0.5, 2, 4), 1),))
LARGEST_STUDENTS = [run for run in _LARGEST.runs() if run.teacher is not None]

# Batch sizes (windows) and learning rates, on labels, around what the recipe takes.
WINDOWS, PEAKS = (2, 4, 8, 16, 32), (1e-2, 2e-2, 4e-2)
SWEEP = cheap_first(
    by_ratio(depth, ratio, seed=seed, recipe=Recipe(peak, windows))
    for depth, ratio in product((1, 2), (5, 20, 100))
    for windows, peak, seed in product(WINDOWS, PEAKS, range(3))
)
