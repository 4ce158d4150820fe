"""The sweep over the Mapping Problem: which networks are trained, and a table that grows as they are.

One row of the table is one trained network. A network's identity is the hash of its configuration;
all its random keys come from that configuration; what is in the table is not trained again.
"""

import hashlib
import os
import platform
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from scalinglib import mapping_problem as mp

__all__ = ["FAST", "FULL", "Group", "Sweep", "groups", "read", "run"]


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
                    "teacher": identity(learned),
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
    map_widths : tuple of int
        Student widths at these shares and rates; teachers there are all but the widest.
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
    map_widths: tuple


FULL = Sweep(
    seeds=5,
    teacher_widths=(4, 8, 16, 32, 64, 128, 256, 512),
    student_widths=(4, 8, 16, 32, 64, 128, 256),
    samples_per_parameter=20,
    least_samples=2**18,
    most_samples=2**20,
    student_samples=2**17,
    teacher_amounts=tuple(2**n for n in range(12, 21)),
    amounts=(2**15, 2**16, 2**18, 2**19),
    easy=(0.0, 2 / 3, 0.9, 1.0),
    peaks=(1e-3, 1e-2),
    map_widths=(8, 16, 32, 64, 128),
)
FAST = Sweep(
    seeds=2,
    teacher_widths=(4, 16, 64),
    student_widths=(8, 32),
    samples_per_parameter=0,
    least_samples=2**15,
    most_samples=2**15,
    student_samples=2**13,
    teacher_amounts=(2**11, 2**13, 2**15),
    amounts=(2**12,),
    easy=(1.0,),
    peaks=(1e-2,),
    map_widths=(8, 32),
)


def groups(sweep):
    """The sweep's groups of networks, each once, teachers before their students."""

    def teacher(width, easy=mp.Problem.easy):
        wanted = sweep.samples_per_parameter * mp.parameters(mp.Problem(), width)
        samples = min(max(wanted, sweep.least_samples), sweep.most_samples)
        return Group(width, samples, sweep.seeds, easy)

    def students(width, teachers, **other):
        base = Group(width, sweep.student_samples, sweep.seeds, teachers=tuple(teachers))
        return replace(base, **other)

    by_width = [teacher(width) for width in sweep.teacher_widths]
    all_by_width = [*by_width, None]
    by_amount = [replace(by_width[-1], samples=amount) for amount in sweep.teacher_amounts]
    found = by_width + [students(width, all_by_width) for width in sweep.student_widths]
    found += by_amount
    # The last amount is the widest teacher of Figure 11, whose students stand in the table already.
    others = [group for group in by_amount if group not in by_width]
    found += [students(width, others) for width in sweep.student_widths]
    found += [
        students(w, all_by_width, samples=n) for n in sweep.amounts for w in sweep.student_widths
    ]
    for peak in sweep.peaks:
        found += [students(width, all_by_width, peak=peak) for width in sweep.map_widths]
    for easy in sweep.easy:
        others = [teacher(width, easy) for width in sweep.teacher_widths[:-1]]
        found += others + [
            students(width, [*others, None], easy=easy) for width in sweep.map_widths
        ]
    return list(dict.fromkeys(found))


def identity(configuration):
    """Twelve hexadecimal digits that stand for a configuration."""
    return hashlib.sha256(repr(sorted(configuration.items())).encode()).hexdigest()[:12]


def read(path):
    """The table of runs as a DataFrame; empty, with an `id` column, if there is none yet.

    A last line that a kill cut short is left out.
    """
    path = Path(path)
    if not path.exists():
        return pd.DataFrame({"id": pd.Series(dtype=str)})
    _drop_torn_line(path)
    return pd.read_csv(path, dtype={"id": str, "teacher": str})


def _drop_torn_line(path):
    text = path.read_bytes()
    if not text.endswith(b"\n"):
        path.write_bytes(text[: text.rfind(b"\n") + 1])


def _append(path, rows):
    """Add rows to the table in one write, so that a kill can tear one line at most."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists() or path.stat().st_size == 0
    text = rows.to_csv(index=False, header=new, float_format="%.6g", lineterminator="\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


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
    missing = [g for g in groups(sweep) if not done >= {identity(c) for c in g.configurations()}]
    tables = {}  # a teacher serves many students: its answers are worked out once
    with tqdm(total=sum(g.work for g in missing), disable=not progress, bar_format=_BAR) as bar:
        for group in missing:
            bar.set_description(f"{group.samples} samples, width {group.width}")
            network, seconds = _train(group, cache, tables, bar)
            rows = _rows(group, network, seconds)
            _append(path, rows[~rows.id.isin(done)])
            done |= set(rows.id)
    return read(path)


_BAR = "{desc:<30} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"


def _train(group, cache, tables, bar=None):
    """The networks of a group and the seconds that training them took."""
    if group.teachers:
        wanted = np.stack([_table(t, group, cache, tables) for t in group.teachers], axis=1)
    else:
        wanted = _table(None, group, cache, tables)[:, None]
    before = time.perf_counter()
    network = mp.train(
        group.problem,
        group.width,
        group.samples,
        range(group.seeds),
        wanted,
        "student" if group.teachers else "teacher",
        mp.Schedule(group.peak),
        lambda seen: (
            bar.update(seen * group.work / group.samples / wanted[:, :, 0, 0].size)
            if bar is not None
            else None
        ),
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
    return cache / f"{identity(asdict(group))}.npz"


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
    configurations = list(group.configurations())
    rows = pd.DataFrame({"id": identity(c), **dict.fromkeys(_COLUMNS), **c} for c in configurations)
    rows.insert(5, "parameters", mp.parameters(group.problem, group.width))
    device = jax.devices()[0]
    hardware = f"{device.device_kind} {platform.machine()}, {os.cpu_count()} cores"
    return rows.assign(**measured, seconds=seconds / len(rows), hardware=hardware)


_COLUMNS = "role context easy width samples peak seed teacher teacher_width teacher_samples".split()
