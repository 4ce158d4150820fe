"""Train what a table of runs lacks, here or on a cluster, and go on after a kill."""

import multiprocessing
import os
import platform
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

import jax
import pandas as pd
from tqdm import tqdm

from scalinglib.experiment import records, weights
from scalinglib.extras import missing

AT_ONCE = 256  # jobs that an executor holds: each carries its teachers' weights

_BAR = "{desc:<24} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"


class Job(Protocol):
    """What is trained at once: one model, or several that share a step.

    - key: names its weights on disk
    - ids: identities of its rows
    - needs: whose weights it learns from
    - keeps: whether its weights stay on disk though nothing here needs them: other tables may
    - work: what it costs, for the progress bar
    - shapes: of its weights, a pytree of `jax.ShapeDtypeStruct`
    """

    key: str
    ids: tuple[str, ...]
    needs: "tuple[Job, ...]"
    keeps: bool
    work: float
    shapes: Any


@dataclass(frozen=True)
class Task:
    """What an experiment does with a job.

    - train: the weights are a dict by key: those that the job needs, and its own where they are on
      disk. Returns rows and the job's weights.
    """

    train: Callable[[Job, Mapping[str, Any]], tuple[list[dict], Any]]
    columns: tuple[str, ...]
    types: Mapping[str, Any] = field(default_factory=dict)


def complete(
    jobs: Sequence[Job],
    task: Task,
    path: str | Path,
    folder: str | Path,
    executor: Executor,
    *,
    progress: bool = True,
) -> pd.DataFrame:
    """Train the jobs that the table at `path` lacks, and return the whole table.

    Rows are written as jobs finish; start it again after a kill and it goes on. What jobs need
    and is not on disk is trained too, without rows unless it is among the jobs. A job that fails
    is reported at the end and keeps none from being written but those that need it. A job of
    `local_executor` whose process dies is tried once more. Damaged weights on disk are trained
    again with a warning. On Ctrl-C what has ended is recorded, and the rest left.

    - folder: where weights lie; what is needed and missing there is trained again
    - executor: `local_executor()`, or `dask.distributed.Client(...).get_executor()`
    - raises ValueError: before anything is trained: the table has other columns.
    - raises records.LockedError: if another runner writes the table.
    - raises RuntimeError: after everything else is done: the jobs that failed.
    """
    with records.locked(path):
        records.matching(path, task.columns)
        runs = records.read(path, task.types)
        done, wanted = set(runs.id), {job.key for job in jobs}

        def record(job, rows):
            found = records.frame(rows)
            if set(found.id) != set(job.ids):
                raise ValueError(f"job {job.key} gave rows of {sorted(set(found.id))}")
            if set(found) != set(task.columns):
                odd = sorted(set(found) ^ set(task.columns))
                raise ValueError(f"job {job.key}: columns {odd} are its rows' or the task's alone")
            found = found[~found.id.isin(done)]
            if job.key in wanted and len(found):
                records.append(path, found)
                done.update(found.id)

        todo = [job for job in jobs if not done.issuperset(job.ids)]
        failed = _complete(_with_needs(todo, folder), task, folder, executor, record, progress)
    if failed:
        told = "\n".join(f"{job.key} {job}: {error!r}" for job, error in failed.values())
        raise RuntimeError(f"{len(failed)} runs failed (the others are in {path}):\n{told}")
    return records.read(path, task.types)


def remake(
    row_id: str, jobs: Sequence[Job], task: Task, folder: str | Path, executor: Executor
) -> pd.DataFrame:
    """Train the job of one row again and return its rows; no table is touched."""
    job = next((job for job in jobs if row_id in job.ids), None)
    if job is None:
        raise ValueError(f"row_id is {row_id!r}; no job has a row of that identity")
    made = {}
    todo = _with_needs([job], folder)
    failed = _complete(todo, task, folder, executor, lambda job, rows: made.update({job: rows}))
    if failed:
        raise next(iter(failed.values()))[1]
    return records.frame(made[job])


def _with_needs(jobs, folder):
    """Jobs by key, after those that they need and of which there are no weights yet."""
    found, there = {}, {}

    def add(job):
        if job.key not in found:
            for need in job.needs:
                if need.key not in there:
                    there[need.key] = _readable(need, folder) is not None
                if not there[need.key]:
                    add(need)
            found[job.key] = job

    for job in jobs:
        add(job)
    return found


def _readable(job, folder):
    """A job's weights from disk; None, with a warning where they are damaged, if not there."""
    try:
        return weights.load(folder, job.key, job.shapes)
    except FileNotFoundError:
        return None
    except weights.DamagedError as error:
        warnings.warn(f"{error}: trained again", stacklevel=2)
        return None


def _complete(waiting, task, folder, executor, record, progress=False):
    """Train jobs (a dict, used up) in the order of their needs; those that failed, with errors."""
    failed, futures = {}, {}
    needed = {need.key for job in waiting.values() for need in job.needs}

    def fail(job, error):
        failed[job.key] = job, error
        for other in [j for j in waiting.values() if any(n.key in failed for n in j.needs)]:
            if waiting.pop(other.key, None) is not None:
                fail(other, RuntimeError(f"its teacher {job.key} failed"))

    def start(job):
        try:
            given = {need.key: weights.load(folder, need.key, need.shapes) for need in job.needs}
            if job.keeps and (own := _readable(job, folder)) is not None:
                given[job.key] = own
            futures[executor.submit(task.train, job, given)] = job
        except Exception as error:
            fail(job, error)

    def finish(job, future):
        try:
            rows, trained = future.result()
            record(job, rows)
            if job.keeps or job.key in needed:
                weights.store(folder, job.key, trained)
        except Exception as error:
            fail(job, error)

    with tqdm(
        total=sum(job.work for job in waiting.values()), disable=not progress, bar_format=_BAR
    ) as bar:
        try:
            while waiting or futures:
                busy = waiting.keys() | {job.key for job in futures.values()}
                ready = [j for j in waiting.values() if not any(n.key in busy for n in j.needs)]
                for job in ready[: AT_ONCE - len(futures)]:
                    if waiting.pop(job.key, None) is not None:
                        start(job)
                if not futures:
                    continue
                for future in wait(futures, return_when=FIRST_COMPLETED).done:
                    job = futures.pop(future)
                    finish(job, future)
                    bar.update(job.work)
                    bar.set_description(f"{len(waiting) + len(futures)} runs to go")
        except KeyboardInterrupt:
            for future in [future for future in futures if future.done()]:
                finish(futures.pop(future), future)
            raise
        finally:
            for future in futures:
                future.cancel()
    return failed


def hardware() -> str:
    """The processor or card and the number of cores, in words, for a table."""
    return f"{jax.devices()[0].device_kind} {platform.machine()}, {os.cpu_count()} cores"


def local_executor(workers: int | None = None) -> Executor:
    """An Executor on this machine: a process a core, each on one core; this process with a GPU.

    Small models gain nothing from several cores a run, nor (measured on a CPU) from training
    equal shapes under `vmap`: separate runs side by side are fastest.
    """
    if jax.default_backend() != "cpu":
        # A second process would find the card's memory taken.
        return ThreadPoolExecutor(workers or 1)
    return _Pool(workers or os.cpu_count())


class _Pool(ThreadPoolExecutor):
    """A process for each thread: one that dies takes along its own job alone, which tries again."""

    def __init__(self, workers):
        super().__init__(workers)
        self._idle, self._ended = SimpleQueue(), False
        for _ in range(workers):
            self._idle.put(_process())

    def submit(self, function, /, *given, **named):
        return super().submit(self._in_process, function, *given, **named)

    def _in_process(self, *work):
        own = self._idle.get()
        try:
            for last in (False, True):
                try:
                    return own.submit(*work).result()
                except BrokenExecutor:
                    own = _process()
                    if last or self._ended:
                        raise RuntimeError("its process died: killed for memory, perhaps") from None
        finally:
            self._idle.put(own)

    def __exit__(self, kind, *error):
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._ended = True
            for process in multiprocessing.active_children():
                process.kill()
        super().__exit__(kind, *error)
        while not self._idle.empty():
            self._idle.get().shutdown()


def _process():
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawn, initializer=one_core)


@contextmanager
def executor(
    address: str | None = None, local: Callable[[], Executor] = local_executor
) -> Iterator[Executor]:
    """Dask's executor at a scheduler's address, or without one this machine's, for as long.

    Where workers have the resource "GPU", each run takes one. Ctrl-C ends this machine's processes
    at once: long runs have left states from which the next start goes on.
    """
    if address:
        try:
            from dask.distributed import Client
        except ImportError as error:
            raise missing("dev", error) from error
        with Client(address) as client:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            tagged = any(worker["resources"].get("GPU") for worker in workers)
            yield client.get_executor(pure=False, **({"resources": {"GPU": 1}} if tagged else {}))
    else:
        with local() as pool:
            yield pool


def one_core() -> None:
    """Set up a worker process: one thread, and an end when the parent is gone (killed, say).

    Ctrl-C is the parent's business.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_cpu_multi_thread_eigen" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
