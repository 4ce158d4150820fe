"""A teacher's distributions in one file: written once, read by as many students as there are.

The file holds the windows that the students will read, and what their teacher tells of each
position: all log-probabilities, or the likeliest entries (index and log-probability), or drawn
symbols (indices alone).
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from scalinglib.experiment import files
from scalinglib.lanes import float64
from scalinglib.study.model import distill
from scalinglib.study.model.distill import Cut, Objective
from scalinglib.study.model.teachers import Teacher


def write(
    path: str | Path,
    teacher: Teacher,
    chunks: Iterable,
    objective: Objective,
    dtype: str = "float32",
) -> None:
    """Write what a teacher tells of the windows that a student reads.

    - chunks: from `train.chunks`, of the student's run
    - objective: says what is kept: `top_k` entries, or as many symbols as `samples`, or all
    - dtype: float32 or float16, of log-probabilities
    - raises ValueError: with `top_p`, which keeps another number of entries at each position.
    """
    if objective.top_p is not None:
        raise ValueError(
            f"objective.top_p is {objective.top_p!r}, which keeps another number of entries at "
            "each position; what is stored is all, top_k entries or samples"
        )
    if dtype not in ("float32", "float16"):
        raise ValueError(f"dtype is {dtype!r}; it must be 'float32' or 'float16'")
    read, told = [], []
    for _, windows, keys in chunks:
        with float64():  # as training runs: the same draws
            log_probs = jnp.asarray(teacher(windows))
            kept = _kept(log_probs, keys, objective, dtype)
        read.append(windows)
        told.append({name: a.reshape(len(windows), -1, a.shape[1]) for name, a in kept.items()})
    arrays = {name: np.concatenate([part[name] for part in told]) for name in told[0]}
    facts = json.dumps({"n_vocab": len(log_probs), "objective": asdict(objective)})
    with files.replacing(path) as file:
        np.savez(file, windows=np.concatenate(read), facts=np.array(facts), **arrays)


def _kept(log_probs, keys, objective, dtype):
    """What is stored of distributions (n_vocab, positions): arrays (positions, entries) by name."""
    index = np.min_scalar_type(len(log_probs) - 1)
    if objective.samples is not None:
        drawn = distill.draw(log_probs, objective.samples, keys, objective.temperature)
        return {"symbols": np.asarray(drawn.T, index)}
    if objective.top_k is None:
        return {"log_probs": np.asarray(log_probs.T, dtype)}
    log_probs = distill.truncate(log_probs, objective.top_k)
    values, symbols = jax.lax.top_k(log_probs.T, min(objective.top_k, len(log_probs)))
    return {"symbols": np.asarray(symbols, index), "log_probs": np.asarray(values, dtype)}


class Stored:
    """A teacher that was written to a file: a function of the windows that lie there.

    Students of any size and objective may read it that read the same windows in the same order:
    those of its corpus and seed and, of `Words`, of the same number of windows a batch.

    - bytes_per_token: of what the teacher tells; the windows' own symbols not counted
    """

    bytes_per_token: float

    def __init__(self, path: str | Path):
        self._path = path
        with np.load(path) as found:
            arrays = dict(found)
        facts = json.loads(str(arrays.pop("facts")))
        self._n_vocab, self._objective = facts["n_vocab"], Objective(**facts["objective"])
        self._windows, self._arrays = arrays.pop("windows"), arrays
        told = sum(array.nbytes for array in arrays.values())
        self.bytes_per_token = told / self._windows[:, 1:].size

    def _found(self, windows):
        """Where windows lie, as a slice."""
        if windows.shape[1] == self._windows.shape[1]:
            for start in np.flatnonzero((self._windows == windows[0]).all(axis=1)):
                rows = slice(start, start + len(windows))
                if np.array_equal(self._windows[rows], windows):
                    return rows
        raise ValueError(
            f"{self._path} holds {len(self._windows)} windows, but not the {len(windows)} asked "
            "for: they are of another corpus or seed, in other batches, or more than were written"
        )

    def left(self, objective: Objective) -> Cut:
        """What is left to do of a student's `Objective.cut`: nothing, if the file is of it.

        - raises ValueError: if the file was written for another cut; of drawn symbols, at another
          temperature.
        """
        own = self._objective
        if own.cut != objective.cut or (own.samples and own.temperature != objective.temperature):
            raise ValueError(f"{self._path} was written for {own}, not for {objective}")
        return Cut()

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """Log-probabilities (n_vocab, windows * n_ctx), -inf where nothing is stored.

        - raises ValueError: if the windows do not lie in the file, one after another.
        """
        rows = self._found(windows)
        found = {name: a[rows].reshape(-1, a.shape[-1]).T for name, a in self._arrays.items()}
        if "symbols" not in found:
            return found["log_probs"].astype(np.float32)
        symbols = found["symbols"].astype(int)
        if "log_probs" not in found:
            told = distill.shares(symbols, self._n_vocab)
            return np.asarray(np.float32(self._objective.temperature) * told)
        told = np.full((self._n_vocab, symbols.shape[1]), -np.inf, np.float32)
        np.put_along_axis(told, symbols, found["log_probs"].astype(np.float32), 0)
        return told
