"""The sweep over the Mapping Problem: which networks to train, and a table that grows with them.

One row of the table is one trained network. A network's identity is the hash of its configuration;
all its random keys come from that configuration; what is in the table is not trained again.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

import jax
import numpy as np

from scalinglib.experiment import execute, table
from scalinglib.gap import mapping as mp

__all__ = ["COLUMNS", "FULL", "Group", "Sweep", "read", "run", "task"]


@dataclass(frozen=True)
class Group:
    """Networks of one shape that are trained together: one for each seed and each teacher.

    A job of `experiment.execute`.

    Attributes
    ----------
    width, samples : int
        Width of the hidden layers; samples that each network is trained on.
    seeds : int
        Number of seeds: 0, 1, ..., seeds - 1. A student learns from the teacher of its own seed.
    easy : float
        Share of easy samples in the problem.
    peak : float
        Highest learning rate.
    teachers : tuple of Group or None
        Whom the students learn from, None being the labels; () makes the group one of teachers,
        which learn from the labels on a stream of their own.
    context : int
        Length of the problem's context.
    """

    width: int
    samples: int
    seeds: int
    easy: float = mp.Problem.easy
    peak: float = mp.Schedule.peak
    teachers: tuple = ()
    context: int = mp.Problem.context

    @property
    def problem(self):
        """The problem that the networks are trained on."""
        return mp.Problem(self.context, self.easy)

    @property
    def work(self):
        """What training costs, in samples times parameters, a fixed overhead of a step included."""
        networks = self.seeds * max(1, len(self.teachers))
        return self.samples * networks * (mp.parameters(self.problem, self.width) + 3000)

    @property
    def key(self):
        """Names the group's weights."""
        return table.identity(asdict(self))

    @property
    def ids(self):
        """Identities of the networks, by seed and then by teacher."""
        return tuple(table.identity(c) for c in self.configurations())

    @property
    def needs(self):
        """The groups that teach."""
        return tuple(teacher for teacher in self.teachers if teacher is not None)

    @property
    def keeps(self):
        """Whether it is a group of teachers."""
        return not self.teachers

    @property
    def shapes(self):
        """Shapes of its weights."""
        grid = (self.seeds, max(1, len(self.teachers)))
        network = jax.eval_shape(lambda: mp.init(self.problem, self.width, mp.key("shapes")))
        return jax.tree.map(lambda a: jax.ShapeDtypeStruct(grid + a.shape, a.dtype), network)

    def configurations(self):
        """The configuration of each network, by seed and then by teacher."""
        own = {
            "context": self.context,
            "easy": self.easy,
            "width": self.width,
            "samples": self.samples,
            "peak": self.peak,
        }
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
                    "teacher": table.identity(learned),
                    "teacher_width": teacher.width,
                    "teacher_samples": teacher.samples,
                }


@dataclass(frozen=True)
class Sweep:
    """The one table of settings from which the list of runs follows.

    Attributes
    ----------
    seeds : int
    teacher_widths, student_widths : tuple of int
    samples_per_parameter, least_samples, most_samples : int
        Teachers see so many samples per parameter, but no less and no more than the bounds.
    student_samples : int
        What students see unless something else is said.
    teacher_amounts : tuple of int
        Samples for the widest teacher, for Figure 12.
    amounts, easy, peaks : tuple
        Other student samples, shares of easy samples and student learning rates, for the map.
    most_work : float
        Students with more samples times parameters than this are left out of the map.
    map_widths : tuple of int
        Student widths at these shares and rates; teachers at these shares are all but the widest.
    """

    seeds: int
    teacher_widths: tuple
    student_widths: tuple
    samples_per_parameter: int
    least_samples: int
    most_samples: int
    student_samples: int
    teacher_amounts: tuple
    amounts: tuple
    easy: tuple
    peaks: tuple
    most_work: float
    map_widths: tuple

    def teachers(self, easy=mp.Problem.easy):
        """One group of teachers a width."""
        return [
            Group(width, int(samples), self.seeds, easy)
            for width in self.teacher_widths
            for samples in [self.samples_per_parameter * mp.parameters(mp.Problem(), width)]
            for samples in [np.clip(samples, self.least_samples, self.most_samples)]
        ]

    def students(self, widths, teachers, **other):
        """One group of students a width, which learn from `teachers` (None: the labels)."""
        base = Group(1, self.student_samples, self.seeds, teachers=tuple(teachers))
        return [replace(base, width=width, **other) for width in widths]

    def figure_11(self):
        """Students of teachers of every width, and of the labels."""
        return self.students(self.student_widths, [*self.teachers(), None])

    def figure_12(self):
        """Students of the widest teacher, trained on every amount of data."""
        widest = self.teachers()[-1]
        teachers = [replace(widest, samples=amount) for amount in self.teacher_amounts]
        return self.students(self.student_widths, teachers)

    def by_samples(self):
        """Figure 11's students trained on other amounts."""
        teachers = [*self.teachers(), None]
        return [
            group
            for amount in self.amounts
            for group in self.students(self.student_widths, teachers, samples=amount)
            if amount * mp.parameters(group.problem, group.width) <= self.most_work
        ]

    def by_peak(self):
        """Figure 11's students trained with other learning rates."""
        teachers = [*self.teachers(), None]
        return [
            group
            for peak in self.peaks
            for group in self.students(self.map_widths, teachers, peak=peak)
        ]

    def by_easy(self):
        """Figure 11's students on problems with other shares of easy samples."""
        return [
            group
            for easy in self.easy
            for teachers in [[*self.teachers(easy)[:-1], None]]
            for group in self.students(self.map_widths, teachers, easy=easy)
        ]

    def groups(self):
        """All groups of networks, each once, teachers before their students."""
        students = [*self.figure_11(), *self.figure_12()]
        students += [*self.by_easy(), *self.by_peak(), *self.by_samples()]
        found = {}
        for group in students:
            found |= dict.fromkeys([t for t in group.teachers if t is not None] + [group])
        return list(found)


FULL = Sweep(
    seeds=5,
    teacher_widths=(4, 8, 16, 32, 64, 128, 256, 512),
    student_widths=(4, 8, 16, 32, 64, 128, 256),
    samples_per_parameter=20,
    least_samples=2**18,
    most_samples=2**20,
    student_samples=2**17,
    teacher_amounts=tuple(2**n for n in range(12, 21)),
    amounts=(2**15, 2**16, 2**18, 2**19, 2**20, 2**21),
    easy=(0.0, 2 / 3, 0.9, 1.0),
    peaks=(1e-3, 1e-2),
    most_work=2e10,
    map_widths=(8, 16, 32, 64, 128),
)
COLUMNS = (
    *("id", "role", "context", "easy", "width", "parameters", "samples", "peak", "seed"),
    *("teacher", "teacher_width", "teacher_samples"),
    *("loss", "accuracy", "easy_loss", "easy_accuracy", "hard_loss", "hard_accuracy"),
    *("seconds", "hardware"),
)
# Empty for teachers, and without this type floats, which the file would round.
_TYPES = {"teacher": str, "teacher_width": "Int64", "teacher_samples": "Int64"}


def read(path):
    """The table of runs as a DataFrame; empty, with an `id` column, if there is none yet."""
    return table.read(path, _TYPES)


def run(sweep, path, folder, *, progress=True):
    """Train whatever of a sweep the table at `path` lacks, and return it; see `execute.run`.

    A group uses all cores at once, so that groups follow each other.
    """
    with ThreadPoolExecutor(1) as pool:
        return execute.run(sweep.groups(), task(), path, folder, pool, progress=progress)


def task():
    """What the sweep does with a group, for `execute.run` on one thread."""
    answers = {}  # a teacher serves many students: its answers are worked out once

    def train(group, given):
        wanted = np.stack(
            [_answers(group, teacher, given, answers) for teacher in group.teachers or (None,)],
            axis=1,
        )
        before = time.perf_counter()
        network = mp.train(
            group.problem,
            group.width,
            group.samples,
            range(group.seeds),
            wanted,
            "student" if group.teachers else "teacher",
            schedule=mp.Schedule(group.peak),
        )
        return _rows(group, network, time.perf_counter() - before), network

    return execute.Task(train, COLUMNS, _TYPES, _losses)


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
        | {"id": table.identity(configuration)}
        | configuration
        | {name: float(values[i]) for name, values in measured.items()}
        | common
        for i, configuration in enumerate(group.configurations())
    ]


def _losses(group, network):
    losses = mp.evaluate(group.problem, network)["loss"].ravel()
    return dict(zip(group.ids, losses.tolist(), strict=True))
