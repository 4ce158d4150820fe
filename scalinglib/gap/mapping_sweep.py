"""The sweep over the Mapping Problem: which networks to train, and a table that grows with them.

One row of the table is one trained network. A network's identity is the hash of its configuration;
all its random keys come from that configuration; what is in the table is not trained again.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd

from scalinglib.experiment import execute, records
from scalinglib.gap import mapping as mp


@dataclass(frozen=True)
class Group:
    """Networks of one shape that are trained together: one for each seed and each teacher.

    A job of `experiment.execute`.

    - width, samples: of the hidden layers; those that each network is trained on
    - seeds: how many: 0, 1, ... A student learns from the teacher of its own seed.
    - teachers: whom the students learn from, None being the labels; () makes the group one of
      teachers, which learn from the labels on a stream of their own
    """

    width: int
    samples: int
    seeds: int
    easy: float = mp.Problem.easy
    peak: float = mp.PEAK
    teachers: "tuple[Group | None, ...]" = ()
    context: int = mp.Problem.context

    @property
    def problem(self) -> mp.Problem:
        """The problem that the networks are trained on."""
        return mp.Problem(self.context, self.easy)

    @property
    def work(self) -> float:
        """What training costs, in samples times parameters, a fixed overhead of a step included."""
        networks = self.seeds * max(1, len(self.teachers))
        return self.samples * networks * (mp.parameters(self.problem, self.width) + 3000)

    @property
    def key(self) -> str:
        """Names the group's weights."""
        return records.identity(asdict(self))

    @property
    def ids(self) -> tuple[str, ...]:
        """Identities of the networks, by seed and then by teacher."""
        return tuple(records.identity(c) for c in self.configurations())

    @property
    def needs(self) -> "tuple[Group, ...]":
        """The groups that teach."""
        return tuple(teacher for teacher in self.teachers if teacher is not None)

    @property
    def keeps(self) -> bool:
        """Whether it is a group of teachers."""
        return not self.teachers

    @property
    def shapes(self) -> Any:
        """Shapes of its weights."""
        grid = (self.seeds, max(1, len(self.teachers)))
        network = jax.eval_shape(lambda: mp.init(self.problem, self.width, mp.key("shapes")))
        return jax.tree.map(lambda a: jax.ShapeDtypeStruct(grid + a.shape, a.dtype), network)

    def configurations(self) -> Iterator[dict[str, Any]]:
        """The configuration of each network, by seed and then by teacher."""
        names = "context", "easy", "width", "samples", "peak"
        own = {name: getattr(self, name) for name in names}
        for seed in range(self.seeds):
            if not self.teachers:
                yield {"role": "teacher", **own, "seed": seed}
            for teacher in self.teachers:
                if teacher is None:
                    yield {"role": "supervised", **own, "seed": seed}
                    continue
                learned = list(teacher.configurations())[seed]
                yield {
                    "role": "student",
                    **own,
                    "seed": seed,
                    "teacher": records.identity(learned),
                    "teacher_width": teacher.width,
                    "teacher_samples": teacher.samples,
                }


SEEDS = 5
TEACHER_WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512)
STUDENT_WIDTHS = (4, 8, 16, 32, 64, 128, 256)
SAMPLES_PER_PARAMETER, LEAST_SAMPLES, MOST_SAMPLES = 20, 2**18, 2**20  # what teachers see
STUDENT_SAMPLES = 2**17  # what students see unless something else is said
TEACHER_AMOUNTS = tuple(2**n for n in range(12, 21))  # of the widest teacher, for Figure 12
# For the map: other samples, shares of easy samples and rates of students, at some widths (at the
# shares, of teachers all but the widest); students with more samples times parameters are left out.
AMOUNTS = (2**15, 2**16, 2**18, 2**19, 2**20, 2**21)
EASY = (0.0, 2 / 3, 0.9, 1.0)
PEAKS = (1e-3, 1e-2)
MAP_WIDTHS = (8, 16, 32, 64, 128)
MOST_WORK = 2e10


def teachers(easy: float = mp.Problem.easy) -> list[Group]:
    """One group of teachers a width."""
    samples = [SAMPLES_PER_PARAMETER * mp.parameters(mp.Problem(), w) for w in TEACHER_WIDTHS]
    samples = np.clip(samples, LEAST_SAMPLES, MOST_SAMPLES).tolist()
    return [Group(w, n, SEEDS, easy) for w, n in zip(TEACHER_WIDTHS, samples, strict=True)]


def _students(widths, teachers, samples=STUDENT_SAMPLES, **other):
    """One group of students a width, which learn from `teachers` (None: the labels)."""
    return [Group(w, samples, SEEDS, teachers=tuple(teachers), **other) for w in widths]


def figure_11() -> list[Group]:
    """Students of teachers of every width, and of the labels."""
    return _students(STUDENT_WIDTHS, [*teachers(), None])


def figure_12() -> list[Group]:
    """Students of the widest teacher, trained on every amount of data."""
    widest = teachers()[-1]
    longer = [replace(widest, samples=amount) for amount in TEACHER_AMOUNTS]
    return _students(STUDENT_WIDTHS, longer)


def by_samples() -> list[Group]:
    """Figure 11's students trained on other amounts."""
    return [
        group
        for amount in AMOUNTS
        for group in _students(STUDENT_WIDTHS, [*teachers(), None], amount)
        if amount * mp.parameters(group.problem, group.width) <= MOST_WORK
    ]


def by_peak() -> list[Group]:
    """Figure 11's students trained with other learning rates."""
    return [
        group for peak in PEAKS for group in _students(MAP_WIDTHS, [*teachers(), None], peak=peak)
    ]


def by_easy() -> list[Group]:
    """Figure 11's students on problems with other shares of easy samples."""
    return [
        group
        for easy in EASY
        for group in _students(MAP_WIDTHS, [*teachers(easy)[:-1], None], easy=easy)
    ]


def groups() -> list[Group]:
    """All groups of networks, each once, teachers before their students."""
    students = [*figure_11(), *figure_12(), *by_easy(), *by_peak(), *by_samples()]
    return list(dict.fromkeys(g for group in students for g in (*group.needs, group)))


COLUMNS = (
    *("id", "role", "context", "easy", "width", "parameters", "samples", "peak", "seed"),
    *("teacher", "teacher_width", "teacher_samples"),
    *("loss", "accuracy", "easy_loss", "easy_accuracy", "hard_loss", "hard_accuracy"),
    *("seconds", "hardware"),
)
# Empty for teachers, and without this type floats, which the file would round.
_TYPES = {"teacher": str, "teacher_width": "Int64", "teacher_samples": "Int64"}


def read(path: str | Path) -> pd.DataFrame:
    """The table of runs; empty, with an `id` column, if there is none yet."""
    return records.read(path, _TYPES)


def task() -> execute.Task:
    """What the sweep does with a group, for `execute.complete` on one thread.

    A group uses all cores at once.
    """
    answers = {}  # a teacher serves many students: its answers are worked out once

    def train(group, given):
        teachers = group.teachers or (None,)
        wanted = np.stack([_answers(group, t, given, answers) for t in teachers], axis=1)
        before = time.perf_counter()
        network = mp.train(
            group.problem,
            group.width,
            group.samples,
            range(group.seeds),
            wanted,
            "student" if group.teachers else "teacher",
            peak=group.peak,
        )
        return _rows(group, network, time.perf_counter() - before), network

    return execute.Task(train, COLUMNS, _TYPES)


def _answers(group, teacher, given, known):
    """What students learn from: (seeds, rows, context), from a teacher or, if None, the labels."""
    if teacher is None:
        truth = np.asarray(mp.truth(group.problem))
        return np.broadcast_to(truth, (group.seeds, *truth.shape))
    if teacher not in known:
        known[teacher] = mp.answers(teacher.problem, given[teacher.key])[:, 0]
    return known[teacher]


def _rows(group, network, seconds):
    """One row a network; `seconds` is its share of the time that the group took."""
    measured = {n: values.ravel() for n, values in mp.evaluate(group.problem, network).items()}
    common = {
        "parameters": mp.parameters(group.problem, group.width),
        "seconds": seconds / len(group.ids),
        "hardware": execute.hardware(),
    }
    return [
        dict.fromkeys(COLUMNS)
        | {"id": records.identity(configuration)}
        | configuration
        | {name: float(values[i]) for name, values in measured.items()}
        | common
        for i, configuration in enumerate(group.configurations())
    ]
