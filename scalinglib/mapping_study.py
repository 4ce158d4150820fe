"""The sweep over the Mapping Problem: which networks to train, and a table that grows with them.

One row of the table is one trained network. A network's identity is the hash of its configuration;
all its random keys come from that configuration; what is in the table is not trained again.
"""

import os
import platform
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from tqdm import tqdm

from scalinglib import mapping_problem as mp
from scalinglib import runs as table

__all__ = ["FAST", "FULL", "Group", "Sweep", "identities", "read", "rise", "run", "select"]


@dataclass(frozen=True)
class Group:
    """Networks of one shape that are trained together: one for each seed and each teacher.

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
FAST = Sweep(
    seeds=2,
    teacher_widths=(8, 64),
    student_widths=(16,),
    samples_per_parameter=0,
    least_samples=2**15,
    most_samples=2**15,
    student_samples=2**13,
    teacher_amounts=(2**13, 2**15),
    amounts=(2**12,),
    easy=(1.0,),
    peaks=(1e-2,),
    most_work=2e10,
    map_widths=(16,),
)


def identities(groups):
    """The identities of all networks of some groups: a list of strings."""
    return [table.identity(c) for group in groups for c in group.configurations()]


def read(path):
    """The table of runs as a DataFrame; empty, with an `id` column, if there is none yet."""
    return table.read(path, {"teacher": str} | _WHOLE)


def run(sweep, path, cache, progress=True):
    """Train whatever of a sweep is not in the table at `path` yet, and return the whole table.

    Can be killed at any moment and started again.

    Parameters
    ----------
    sweep : Sweep
    path : path of a CSV file
    cache : folder for the teachers' weights; a teacher that is missing there is trained again
    progress : bool, whether to show a progress bar with the time left
    """
    path, cache = Path(path), Path(cache)
    done = set(read(path).id)
    missing = [group for group in sweep.groups() if not done >= set(identities([group]))]
    tables = {}  # a teacher serves many students: its answers are worked out once
    with tqdm(total=sum(g.work for g in missing), disable=not progress, bar_format=_BAR) as bar:
        for group in missing:
            bar.set_description(f"{group.samples} samples, width {group.width}")
            network, seconds = _train(group, cache, tables, bar.update)
            rows = _rows(group, network, seconds)
            table.append(path, rows[~rows.id.isin(done)])
            done |= set(rows.id)
    return read(path)


_BAR = "{desc:<30} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"


def _train(group, cache, tables, on_work=None):
    """The networks of a group and the seconds that training them took."""
    if group.teachers:
        wanted = np.stack([_table(t, group, cache, tables) for t in group.teachers], axis=1)
    else:
        wanted = _table(None, group, cache, tables)[:, None]
    work = group.work / (group.samples * wanted.shape[0] * wanted.shape[1])
    before = time.perf_counter()
    network = mp.train(
        group.problem,
        group.width,
        group.samples,
        range(group.seeds),
        wanted,
        "student" if group.teachers else "teacher",
        mp.Schedule(group.peak),
        on_work and (lambda samples: on_work(samples * work)),
    )
    network = jax.tree.map(np.asarray, network)
    seconds = time.perf_counter() - before
    if not group.teachers:
        _store(_file(group, cache), network)
    return network, seconds


def _table(teacher, group, cache, tables):
    """What students learn from: (seeds, rows, context), from a teacher or, if None, the labels."""
    if teacher is None:
        table = np.asarray(mp.truth(group.problem))
        return np.broadcast_to(table, (group.seeds, *table.shape))
    if teacher not in tables:
        file = _file(teacher, cache)
        network = _load(file) if file.exists() else _train(teacher, cache, tables)[0]
        tables[teacher] = np.asarray(mp.answers(teacher.problem, network))[:, 0]
    return tables[teacher]


def _file(group, cache):
    return cache / f"{table.identity(asdict(group))}.npz"


def _store(file, network):
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial.npz")
    np.savez(partial, *jax.tree.leaves(network))
    partial.replace(file)


def _load(file):
    with np.load(file) as arrays:
        leaves = [arrays[name] for name in arrays.files]
    return tuple(zip(leaves[::2], leaves[1::2], strict=True))


def _rows(group, network, seconds):
    """One row a network; `seconds` is its share of the time that the group took."""
    measured = {
        name: values.ravel() for name, values in mp.evaluate(group.problem, network).items()
    }
    rows = pd.DataFrame(
        {"id": table.identity(c), **dict.fromkeys(_COLUMNS), **c} for c in group.configurations()
    ).astype(_WHOLE)
    rows.insert(5, "parameters", mp.parameters(group.problem, group.width))
    device = jax.devices()[0]
    hardware = f"{device.device_kind} {platform.machine()}, {os.cpu_count()} cores"
    return rows.assign(**measured, seconds=seconds / len(rows), hardware=hardware)


# Empty for teachers, and without this type floats, which the file would round.
_WHOLE = {"teacher_width": "Int64", "teacher_samples": "Int64"}
_COLUMNS = (
    "role",
    "context",
    "easy",
    "width",
    "samples",
    "peak",
    "seed",
    "teacher",
    "teacher_width",
    "teacher_samples",
)


def select(runs, groups):
    """The rows of `runs` that are networks of `groups`; ValueError if some are not there."""
    wanted = identities(groups)
    missing = set(wanted) - set(runs.id)
    if missing:
        raise ValueError(f"runs lacks {len(missing)} of {len(wanted)} networks; make study-mapping")
    return runs[runs.id.isin(wanted)]


def rise(runs, over="teacher_width"):
    """How much worse students get between their best teacher and the last one.

    The best teacher has the lowest mean loss. For the rise each seed's best teacher is chosen by
    the other seeds, so that luck in the choice does not count as a rise.

    Parameters
    ----------
    runs : DataFrame
        Students of one kind: a row for each of at least two seeds and each value of `over`.
    over : {"teacher_width", "teacher_samples"}
        What makes a teacher better; its largest value is the last teacher.

    Returns
    -------
    Series: best and last (values of `over`), best_loss and last_loss (means over seeds), rise
    (mean over seeds), error (its standard error), is_u (whether rise > 2 error).
    """
    losses = runs.pivot_table(index="seed", columns=over, values="loss")
    if len(losses) < 2 or losses.isna().any(axis=None) or losses.size != len(runs):
        raise ValueError(
            f"runs has {len(runs)} rows for {len(losses)} seeds and {losses.shape[1]} values of "
            f"{over}; it must have one row for each pair, and two seeds or more"
        )
    last = losses.columns[-1]
    rises = [
        losses.loc[seed, last] - losses.loc[seed, losses.drop(index=seed).mean().idxmin()]
        for seed in losses.index
    ]
    means, error = losses.mean(), np.std(rises, ddof=1) / np.sqrt(len(rises))
    return pd.Series(
        {
            "best": means.idxmin(),
            "last": last,
            "best_loss": means.min(),
            "last_loss": means[last],
            "rise": np.mean(rises),
            "error": error,
            "is_u": bool(np.mean(rises) > 2 * error),
        }
    )
