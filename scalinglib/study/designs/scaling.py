"""The paper's protocols (Sections 4.2 and E.2) scaled down, and a sweep of the recipe."""

from dataclasses import dataclass
from itertools import product

from scalinglib.study.corpus import Corpus
from scalinglib.study.run import PERFECT, WORDS, Run, by_flops, by_ratio

__all__ = ["FAST", "FULL", "SWEEP", "Design", "Sweep"]


@dataclass(frozen=True)
class Design:
    """The one table of settings from which the list of runs follows.

    Attributes
    ----------
    supervised : tuple of (n_layers, ratios, seeds)
        Fixed-M supervised runs (E.2).
    isoflop : tuple of (flops, depths, seeds)
        Supervised IsoFLOP profiles, whose first seeds are also the IsoFLOP teachers.
    teachers : tuple of (n_layers, ratio)
        The fixed-M teachers; the perfect teacher joins them where the corpus has one.
    profiles : tuple of (flops, ((n_layers, seeds), ...))
        Student IsoFLOP profiles under each fixed-M teacher (Figure 2).
    isoflop_teachers : tuple of float
        Budgets whose models teach the fixed students.
    fixed_students : tuple of (n_layers, ratio, seeds)
        Students of the IsoFLOP teachers (Figure 3).
    students : tuple of (n_layers, ratios, seeds)
        Fixed-M students of every fixed-M teacher (Figure 4).
    weak_to_strong : tuple of (n_layers, ratio, seeds)
        More seeds of students that may overtake the first, weakest fixed-M teacher (Figure 41).
    corpus : Corpus
    """

    supervised: tuple
    isoflop: tuple
    teachers: tuple
    profiles: tuple
    isoflop_teachers: tuple
    fixed_students: tuple
    students: tuple
    weak_to_strong: tuple = ()
    corpus: Corpus = WORDS

    def supervised_runs(self):
        """Protocol E.2, fixed M."""
        return [
            by_ratio(depth, ratio, seed=seed, corpus=self.corpus)
            for depth, ratios, seeds in self.supervised
            for ratio, seed in product(ratios, range(seeds))
        ]

    def isoflop_runs(self):
        """Protocol E.2, IsoFLOP profiles."""
        return [
            by_flops(depth, flops, seed=seed, corpus=self.corpus)
            for flops, depths, seeds in self.isoflop
            for depth, seed in product(depths, range(seeds))
        ]

    def fixed_teachers(self):
        """The fixed-M teachers, and the perfect one where the corpus knows its own truth."""
        found = [by_ratio(depth, ratio, corpus=self.corpus) for depth, ratio in self.teachers]
        return found if self.corpus.entropy is None else [*found, PERFECT]

    def profile_runs(self):
        """Fixed-M teachers, student IsoFLOP profiles (Figures 2, 38a, 39)."""
        return [
            by_flops(depth, flops, seed=seed, teacher=teacher, corpus=self.corpus)
            for teacher in self.fixed_teachers()
            for flops, sizes in self.profiles
            for depth, seeds in sizes
            for seed in range(seeds)
        ]

    def fixed_student_runs(self):
        """IsoFLOP teachers, fixed-M students (Figures 3, 38b)."""
        teachers = [
            by_flops(depth, flops, corpus=self.corpus)
            for flops, depths, _ in self.isoflop
            if flops in self.isoflop_teachers
            for depth in depths
        ]
        return [
            by_ratio(depth, ratio, seed=seed, teacher=teacher, corpus=self.corpus)
            for teacher in teachers
            for depth, ratio, seeds in self.fixed_students
            for seed in range(seeds)
        ]

    def student_runs(self):
        """Fixed-M teachers, fixed-M students (Figures 4, 37, 41)."""
        return [
            by_ratio(depth, ratio, seed=seed, teacher=teacher, corpus=self.corpus)
            for teacher in self.fixed_teachers()
            for depth, ratios, seeds in self.students
            for ratio, seed in product(ratios, range(seeds))
        ]

    def weak_to_strong_runs(self):
        """Students of the weakest teacher, near whose loss seeds decide (Figure 41)."""
        weakest = self.fixed_teachers()[0]
        return [
            by_ratio(depth, ratio, seed=seed, teacher=weakest, corpus=self.corpus)
            for depth, ratio, seeds in self.weak_to_strong
            for seed in range(seeds)
        ]

    def runs(self):
        """Every run once, teachers before their students, cheap ones first within each."""
        students = [
            *self.profile_runs(),
            *self.fixed_student_runs(),
            *self.student_runs(),
            *self.weak_to_strong_runs(),
        ]
        teachers = [run.teacher for run in students if isinstance(run.teacher, Run)]
        alone = [*self.supervised_runs(), *self.isoflop_runs(), *teachers]
        return [
            run
            for group in (alone, students)
            for run in sorted(dict.fromkeys(group), key=lambda run: run.flops + run.inference_flops)
        ]


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


FULL = Design(
    supervised=(
        (1, (5, 10, 20, 50, 100, 200, 400), 5),
        (2, (5, 10, 20, 50, 100), 3),
        (2, (200, 400), 2),
        (3, (5, 10, 20), 2),
        (3, (50,), 1),
        (4, (2.5, 5, 10, 20), 1),
        (5, (2.5, 5, 10), 1),
        (6, (2.5,), 1),
        (7, (1,), 1),
    ),
    isoflop=(
        (3e10, (1, 2, 3, 4), 3),
        (1e11, (1, 2, 3, 4), 3),
        (3e11, (1, 2, 3, 4), 2),
        (1e12, (2, 3, 4, 5), 1),
        (3e12, (2, 3, 4, 5, 6), 1),
    ),
    teachers=((1, 20), (2, 20), (3, 20), (4, 20), (5, 10), (6, 10)),
    profiles=(
        (1e10, ((1, 5), (2, 5), (3, 3))),
        (3e10, ((1, 3), (2, 3), (3, 2), (4, 1))),
        (1e11, ((1, 2), (2, 3), (3, 2), (4, 1))),
        (3e11, ((2, 2), (3, 2), (4, 1))),
        (1e12, ((2, 1), (3, 1), (4, 1), (5, 1))),
    ),
    isoflop_teachers=(3e10, 1e11, 1e12),
    fixed_students=((1, 20, 5), (2, 20, 3), (3, 20, 1)),
    students=(
        (1, (5, 20, 50), 5),
        (1, (100, 200), 3),
        (1, (400,), 2),
        (2, (5, 20), 3),
        (2, (50, 100), 1),
        (3, (5, 20), 1),
        (4, (5,), 1),
    ),
    weak_to_strong=(
        *((2, 5, 8), (2, 20, 6), (2, 50, 3)),
        *((3, 2, 5), (3, 5, 4), (3, 20, 3)),
        *((4, 0.5, 4), (4, 1, 3)),
    ),
)
FAST = Design(
    supervised=((1, (2, 5, 10), 1), (2, (1,), 1)),
    isoflop=((2e9, (1, 2), 1),),
    teachers=((1, 10),),
    profiles=((1e9, ((1, 1),)),),
    isoflop_teachers=(2e9,),
    fixed_students=((1, 4, 1),),
    students=((1, (2, 4), 1),),
)
SWEEP = Sweep(
    sizes=((1, (5, 20, 100)), (2, (5, 20, 100))),
    windows=(2, 4, 8, 16, 32),
    peaks=(1e-2, 2e-2, 4e-2),
    seeds=3,
)
