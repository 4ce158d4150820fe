"""Weights of trained models on disk: one file a model, which says whose weights it holds."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from scalinglib.experiment import files

OWNER = "owner"  # the entry of a file that names the model


class DamagedError(ValueError):
    """A file of weights that cannot be read, or that holds another model's."""


def store(folder: str | Path, key: str, weights: Any) -> None:
    """Write weights (any pytree of arrays) under a key; a kill leaves no part of a file."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(weights)
    arrays = {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}
    with files.replacing(_file(folder, key)) as file:
        np.savez(file, **{OWNER: np.array(key)}, **arrays)


def load(folder: str | Path, key: str, like: Any) -> Any:
    """Weights under a key.

    - like: pytree of arrays or `jax.ShapeDtypeStruct`; the shapes and types that the weights must
      have.
    - raises FileNotFoundError, DamagedError: if there is no such file; if it cannot be read, names
      another model, or holds other arrays.
    """
    file = _file(folder, key)
    try:
        with file.open("rb") as opened, np.load(opened) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged archive raises whatever its bytes lead to
        raise DamagedError(f"{file} cannot be read: {error}") from error
    owner = str(found.pop(OWNER, "nobody"))
    if owner != key:
        raise DamagedError(f"{file} holds the weights of {owner}")
    leaves, tree = jax.tree_util.tree_flatten_with_path(like)
    wanted = {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
    have, want = ({k: (v.shape, v.dtype) for k, v in each.items()} for each in (found, wanted))
    if have != want:
        raise DamagedError(f"{file} has arrays {have}; they must be {want}")
    if not all(np.isfinite(array).all() for array in found.values()):
        raise DamagedError(f"{file} holds numbers that are not finite")
    return jax.tree.unflatten(tree, [found[name] for name in wanted])


def remove(folder: str | Path, key: str) -> None:
    """Remove the weights under a key, if there are any."""
    _file(folder, key).unlink(missing_ok=True)


def _file(folder, key):
    return Path(folder) / f"{key}.npz"
