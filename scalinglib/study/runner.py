"""Train what a table of runs lacks, here or on a cluster, and go on after a kill."""

import hashlib
import multiprocessing
import os
import platform
import shutil
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from tqdm import tqdm

from scalinglib import runs as table
from scalinglib.study import language, train, transformer
from scalinglib.study.protocol import PERFECT, Run

__all__ = [
    "cached",
    "execute",
    "load",
    "local_executor",
    "read",
    "remake",
    "run",
    "teacher_function",
    "trained",
]

_BAR = "{desc:<34} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"
# Empty for supervised runs, and without this type floats, which the file would round.
_WHOLE = {"teacher_params": "Int64", "teacher_tokens": "Int64", "top_k": "Int64"}


def read(path):
    """The table of runs at `path` as a DataFrame; data/README.md explains its columns."""
    return table.read(path, {"teacher": str, "code": str} | _WHOLE)


def run(wanted, path, cache, executor, progress=True, task=None):
    """Train the runs that the table at `path` lacks, and return the whole table.

    Rows are written one by one as runs finish; start it again after a kill and it goes on. A run
    that fails is reported at the end and keeps no other from being written.

    Parameters
    ----------
    wanted : list of Run
    path : path of a CSV file
    cache : folder for weights of models trained on labels; one missing there is trained again
    executor : concurrent.futures.Executor
        `local_executor()`, or `dask.distributed.Client(...).get_executor()`.
    progress : bool, whether to show a progress bar with the time left
    task : function like `execute`, which is the default
        In place of its row it may return a list of rows, all with the run's id.
    """
    done = set(read(path).id)
    waiting = {r.id: r for r in wanted if r.id not in done}
    for r in list(waiting.values()):
        if isinstance(r.teacher, Run) and not cached(r.teacher, cache):
            waiting[r.teacher.id] = r.teacher
    failed = {}
    with tqdm(total=_work(waiting.values()), disable=not progress, bar_format=_BAR) as bar:
        futures = {}
        while waiting or futures:
            for r in [r for r in waiting.values() if _ready(r, waiting, futures)]:
                teacher = load(r.teacher, cache)
                futures[executor.submit(task or execute, r, teacher)] = waiting.pop(r.id)
            finished, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in finished:
                r = futures.pop(future)
                bar.update(_work([r]))
                if future.exception() is not None:
                    failed[r] = future.exception()
                    waiting = {k: w for k, w in waiting.items() if w.teacher != r}
                    continue
                row, params = future.result()
                if r.teacher is None:
                    _store(_file(r.id, cache), params)
                if r.id not in done:
                    rows = pd.DataFrame(row if isinstance(row, list) else [row])
                    whole = {name: dtype for name, dtype in _WHOLE.items() if name in rows}
                    table.append(path, rows.astype(whole))
                    done.add(r.id)
                bar.set_description(f"{len(waiting) + len(futures)} runs to go")
    if failed:
        told = "\n".join(f"{r.id} {r.configuration()}: {error!r}" for r, error in failed.items())
        raise RuntimeError(f"{len(failed)} runs failed (the others are in {path}):\n{told}")
    return read(path)


def _ready(r, waiting, futures):
    """Whether nobody still trains a run's teacher."""
    return r.teacher not in futures.values() and getattr(r.teacher, "id", None) not in waiting


def _work(wanted):
    """FLOPs, the small models' lower efficiency and the cost of measuring a run included."""
    return sum(r.flops + r.inference_flops + 5e10 + 2e4 * r.tokens for r in wanted)


def execute(r, teacher=None):
    """Train and measure one run: its row of the table (a dict) and its weights.

    Parameters
    ----------
    r : Run
    teacher : dict
        Weights of the run's teacher, if that is a model.
    """
    corpus = language.words()
    teach = teacher_function(r.teacher, teacher, corpus)
    before = time.perf_counter()
    params = trained(r, teacher)
    seconds = time.perf_counter() - before
    measured = train.evaluate(params, corpus, teach)
    if r.teacher is None:
        learnt = {}
    elif r.teacher == PERFECT:
        learnt = {"teacher": PERFECT, "teacher_loss": corpus.entropy}
    else:
        learnt = {
            "teacher": r.teacher.id,
            "teacher_params": r.teacher.params,
            "teacher_tokens": r.teacher.tokens,
            "teacher_loss": train.evaluate(teacher, corpus)["loss"],
        }
    row = dict.fromkeys(_COLUMNS) | {
        "id": r.id,
        "kind": "supervised" if r.teacher is None else "distilled",
        "n_layers": r.n_layers,
        "params": r.params,
        "tokens": r.tokens,
        "seed": r.seed,
        "peak": r.peak,
        "windows": train.batches(r.tokens, language.N_CTX, r.windows)[0],
        **learnt,
        **({} if r.teacher is None else vars(r.objective)),
        **measured,
        "flops": r.flops,
        "inference_flops": r.inference_flops,
        "seconds": seconds,
        "hardware": f"{jax.devices()[0].device_kind} {platform.machine()}, {os.cpu_count()} cores",
        "code": _code(),
    }
    return row, params


def trained(r, teacher=None):
    """Weights of one run, trained but not measured; the arguments are those of `execute`."""
    corpus = language.words()
    params = train.train(
        r.architecture,
        corpus,
        r.tokens,
        r.seed,
        "teacher" if r.teacher is None else "student",
        teacher_function(r.teacher, teacher, corpus),
        r.objective,
        train.Recipe(peak=r.peak, windows=r.windows),
    )
    return jax.tree.map(np.asarray, params)


_COLUMNS = (
    *("id", "kind", "n_layers", "params", "tokens", "seed", "peak", "windows"),
    *("teacher", "teacher_params", "teacher_tokens", "teacher_loss"),
    *("mixing", "temperature", "top_k", "top_p", "reverse"),
    *("loss", "kl_teacher", "accuracy", "completion"),
    *("flops", "inference_flops", "seconds", "hardware", "code"),
)


@cache
def _code():
    """Version of the package, and a hash of the sources that decide a run's outcome."""
    sources = [Path(m.__file__).read_bytes() for m in (language, transformer, train.distill, train)]
    return f"{version('scalinglib')}+{hashlib.sha256(b''.join(sources)).hexdigest()[:8]}"


def teacher_function(teacher, params, corpus):
    """Log-probabilities of a teacher as a function of windows; None for None."""
    if teacher is None:
        return None
    if teacher == PERFECT:
        return partial(_true_log_probabilities, corpus)
    return partial(train.log_probabilities, params)


def _true_log_probabilities(corpus, windows):
    truth = corpus.truth(windows).reshape(-1, corpus.n_vocab).T.astype(np.float32)
    return np.log(truth, out=np.full_like(truth, -np.inf), where=truth > 0)


def remake(run_id, wanted, cache, executor):
    """Train one run again and return its row (a Series); the table stays as it is."""
    found = [r for r in wanted if r.id == run_id]
    if not found:
        raise ValueError(f"run_id is {run_id!r}; the study has no run of that identity")
    teacher = found[0].teacher
    if isinstance(teacher, Run) and not cached(teacher, cache):
        _store(_file(teacher.id, cache), executor.submit(execute, teacher).result()[1])
    row, _ = executor.submit(execute, found[0], load(teacher, cache)).result()
    return pd.Series(row)


def local_executor(workers=None):
    """An Executor on this machine: a process a core, each on one core; a single one with a GPU.

    Small models gain nothing from several cores a run, nor (measured on a CPU) from training
    equal shapes under `vmap`: separate runs side by side are fastest.
    """
    if workers is None:
        workers = 1 if shutil.which("nvidia-smi") else os.cpu_count()
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=spawn, initializer=_worker)


def _worker():
    """Set up a worker: one thread, and an end when the parent is gone (killed, say)."""
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _file(run_id, cache):
    return Path(cache) / f"{run_id}.npz"


def _store(file, params):
    file.parent.mkdir(parents=True, exist_ok=True)
    partial_file = file.with_suffix(".partial.npz")
    leaves, _ = jax.tree.flatten(params)
    np.savez(partial_file, *leaves)
    partial_file.replace(file)


def cached(r, cache):
    """Whether a run's weights are in the cache."""
    return _file(r.id, cache).exists()


def load(r, cache):
    """A run's weights from the cache; None for a teacher that is not a model."""
    if not isinstance(r, Run):
        return None
    shapes = jax.eval_shape(lambda: transformer.initial(r.architecture, jax.random.key(0)))
    with np.load(_file(r.id, cache)) as arrays:
        return jax.tree.unflatten(jax.tree.structure(shapes), [arrays[n] for n in arrays.files])
