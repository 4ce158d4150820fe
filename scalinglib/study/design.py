"""The paper's protocols (Sections 4.2 and E.2) scaled down: settings, and the runs they make."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from scalinglib.study.corpora.base import Corpus
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.recipe import Recipe
from scalinglib.study.run import PERFECT, WORDS, Run, by_flops, by_ratio, over_seeds


@dataclass(frozen=True)
class Design:
    """The one table of settings from which the list of runs follows.

    - supervised: tuple of (n_layers, ratios, seeds); fixed-M supervised runs (E.2).
    - isoflop: tuple of (flops, depths, seeds); supervised IsoFLOP profiles, whose first seeds are
      also the IsoFLOP teachers.
    - teachers: tuple of (n_layers, ratio); the fixed-M teachers; the perfect teacher joins them
      where the corpus has one.
    - profiles: tuple of (flops, ((n_layers, seeds), ...)); student IsoFLOP profiles under each
      fixed-M teacher (Figure 2).
    - fixed_students: tuple of (n_layers, ratio, seeds); students of the IsoFLOP teachers (Figure
      3).
    - students: tuple of (n_layers, ratios, seeds); fixed-M students of every fixed-M teacher
      (Figure 4).
    - weak_to_strong: tuple of (n_layers, ratio, seeds); more seeds of students that may overtake
      the first, weakest fixed-M teacher (Figure 41).
    - corpus, recipe, objective: of every run (`Run`); the objective is that of the students.
    """

    supervised: tuple = ()
    isoflop: tuple = ()
    teachers: tuple = ()
    profiles: tuple = ()
    isoflop_teachers: tuple = ()
    fixed_students: tuple = ()
    students: tuple = ()
    weak_to_strong: tuple = ()
    corpus: Corpus = WORDS
    recipe: Recipe = field(default_factory=Recipe)
    objective: Objective = field(default_factory=Objective)

    def fixed_teachers(self) -> list[Run | str]:
        """The fixed-M teachers, and the perfect one where the corpus knows its own truth."""
        found = self._made(by_ratio, [(depth, ratio, 1) for depth, ratio in self.teachers])
        return found if self.corpus.entropy is None else [*found, PERFECT]

    def _made(self, make, rows, teachers=(None,)):
        """Runs by `by_ratio` or `by_flops` of (depth, amount, seeds), under each teacher."""
        own = {name: getattr(self, name) for name in ("corpus", "recipe")}
        found = []
        for teacher in teachers:
            taught = {} if teacher is None else {"teacher": teacher, "objective": self.objective}
            found += over_seeds(rows, make, **own, **taught)
        return found

    def runs(self) -> list[Run]:
        """Every run once, teachers before their students, cheap ones first within each."""
        fixed = self.fixed_teachers()
        budgets = [row for row in self.isoflop if row[0] in self.isoflop_teachers]
        isoflop = self._made(by_flops, [(d, f, 1) for f, depths, _ in budgets for d in depths])
        students = [
            *self._made(
                by_flops, [(d, f, n) for f, sizes in self.profiles for d, n in sizes], fixed
            ),
            *self._made(by_ratio, self.fixed_students, isoflop),
            *self._made(by_ratio, [(d, r, n) for d, rs, n in self.students for r in rs], fixed),
            *self._made(by_ratio, self.weak_to_strong, fixed[:1]),
        ]
        alone = [
            *self._made(by_ratio, [(d, r, n) for d, rs, n in self.supervised for r in rs]),
            *self._made(by_flops, [(d, f, n) for f, depths, n in self.isoflop for d in depths]),
            *(run.teacher for run in students if isinstance(run.teacher, Run)),
        ]
        return [run for group in (alone, students) for run in cheap_first(group)]


def cheap_first(runs: Iterable[Run]) -> list[Run]:
    """Each run once, by its FLOPs, those of its teachers' inference among them."""
    return sorted(dict.fromkeys(runs), key=lambda run: run.flops + run.inference_flops)
