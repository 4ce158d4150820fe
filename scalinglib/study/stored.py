"""A teacher's distributions on disk: written once, read by as many students as there are.

A folder holds the windows that the students will read, and what their teacher tells of each
position: all log-probabilities, or the likeliest entries (index and log-probability), or drawn
symbols (indices alone).
"""

import json
import math
from dataclasses import asdict
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from scalinglib.lanes import float64
from scalinglib.study import distill
from scalinglib.study.distill import Objective

__all__ = ["Stored", "write"]

FACTS = "stored.json"  # written last: a folder without it is not whole


def write(folder, teacher, chunks, objective=None, dtype="float32"):
    """Write what a teacher tells of the windows that a student reads.

    Parameters
    ----------
    folder : path, made if need be
    teacher : function of windows, such as `measure.Model`
    chunks : from `train.chunks`, of the student's run
    objective : distill.Objective
        Says what is kept: `top_k` entries, or as many symbols as `samples`, or all.
    dtype : "float32" or "float16"
        Of log-probabilities.

    Returns
    -------
    Stored

    Raises
    ------
    ValueError
        With `top_p`, which keeps another number of entries at each position.
    """
    objective, folder = objective or Objective(), Path(folder)
    if objective.top_p is not None:
        raise ValueError(
            f"objective.top_p is {objective.top_p!r}, which keeps another number of entries at "
            "each position; what is stored is all, top_k entries or samples"
        )
    if dtype not in ("float32", "float16"):
        raise ValueError(f"dtype is {dtype!r}; it must be 'float32' or 'float16'")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FACTS).unlink(missing_ok=True)
    for left in folder.glob("*.bin"):
        left.unlink()
    shapes, count = {}, 0
    for _, windows, keys in chunks:
        with float64():  # as training runs: the same draws
            log_probs = jnp.asarray(teacher(windows))
            kept = _kept(log_probs, keys, objective, dtype)
        kept = {name: a.reshape(len(windows), -1, a.shape[1]) for name, a in kept.items()}
        for name, array in {"windows": windows[..., None], **kept}.items():
            with (folder / f"{name}.bin").open("ab") as file:
                file.write(array.tobytes())
            shapes[name] = array.dtype.str, array.shape[1:]
        count += len(windows)
    facts = {
        "windows": count,
        "n_vocab": len(log_probs),
        "objective": asdict(objective),
        "arrays": shapes,
    }
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    return Stored(folder)


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
    """A teacher that was written to a folder: a function of the windows that lie there.

    Students of any size and objective may read it that read the same windows in the same order:
    those of its corpus and seed and, of `Words`, of the same number of windows a batch.

    Attributes
    ----------
    bytes_per_token : float, of what the teacher tells; the windows' own symbols not counted

    Raises
    ------
    ValueError
        If the folder is not whole.
    """

    def __init__(self, folder):
        self._folder = Path(folder)
        try:
            facts = json.loads((self._folder / FACTS).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ValueError(
                f"folder {folder} has no {FACTS}: no teacher was written there, or not to the end"
            ) from None
        self._n_vocab, self._objective = facts["n_vocab"], Objective(**facts["objective"])
        self._arrays = {
            name: self._opened(name, dtype, (facts["windows"], *shape))
            for name, (dtype, shape) in facts["arrays"].items()
        }
        self._windows = self._arrays.pop("windows")[..., 0]
        told = sum(array.nbytes for array in self._arrays.values())
        self.bytes_per_token = told / self._windows[:, 1:].size

    def _opened(self, name, dtype, shape):
        file = self._folder / f"{name}.bin"
        wanted = math.prod(shape) * np.dtype(dtype).itemsize
        have = file.stat().st_size if file.exists() else 0
        if have != wanted:
            raise ValueError(f"{file} has {have} bytes; it must have {wanted}: write it anew")
        return np.memmap(file, dtype, "r", shape=shape)

    def _found(self, windows):
        """Where windows lie, as a slice."""
        if windows.shape[1] == self._windows.shape[1]:
            for start in np.flatnonzero((self._windows == windows[0]).all(axis=1)):
                rows = slice(start, start + len(windows))
                if np.array_equal(self._windows[rows], windows):
                    return rows
        raise ValueError(
            f"folder {self._folder} holds {len(self._windows)} windows, but not the {len(windows)} "
            "asked for: they are of another corpus or seed, in other batches, or more than were "
            "written"
        )

    def left(self, objective):
        """What is left to do of a student's `Objective.cut`: nothing, if the folder is of it.

        Raises
        ------
        ValueError
            If the folder was written for another cut; of drawn symbols, at another temperature.
        """
        own = self._objective
        same = own.cut == objective.cut
        if not same or (own.samples and own.temperature != objective.temperature):
            raise ValueError(f"folder {self._folder} was written for {own}, not for {objective}")
        return Objective().cut

    def __call__(self, windows):
        """Log-probabilities (n_vocab, windows * n_ctx), -inf where nothing is stored.

        Raises
        ------
        ValueError
            If the windows do not lie in the folder, one after another.
        """
        rows = self._found(windows)
        found = {
            name: np.asarray(array[rows]).reshape(-1, array.shape[-1]).T
            for name, array in self._arrays.items()
        }
        if "symbols" not in found:
            return found["log_probs"].astype(np.float32)
        symbols = found["symbols"].astype(int)
        if "log_probs" not in found:
            told = distill.shares(symbols, self._n_vocab)
            return np.asarray(np.float32(self._objective.temperature) * told)
        told = np.full((self._n_vocab, symbols.shape[1]), -np.inf, np.float32)
        np.put_along_axis(told, symbols, found["log_probs"].astype(np.float32), 0)
        return told
