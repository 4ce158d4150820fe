"""Train one model: on labels, from a teacher, or both; in one go or in several.

Arrays are float32 whatever JAX's setting; the setting itself is on while a model is trained,
because Adam's bias corrections are worked out in float64.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from scalinglib.experiment import weights
from scalinglib.flops import Architecture
from scalinglib.lanes import float64
from scalinglib.study.corpora.base import SPLITS, Corpus, stream
from scalinglib.study.model import distill, recipe, transformer
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.recipe import Recipe, batches
from scalinglib.study.model.teachers import Teacher, parts
from scalinglib.study.model.transformer import Params

__all__ = ["Checkpoint", "chunks", "optimizer", "train"]

CHUNK = 32768  # tokens that are drawn at once
TOLD = 2**24  # probabilities that a teacher tells of them: fewer are drawn of large vocabularies


@dataclass(frozen=True)
class Checkpoint:
    """Where a long run leaves its state, so that another process can go on after a kill.

    - key: stands for all that decides the outcome: a state of another key is not read.
    - seconds: between two states; a run that ends sooner leaves none.
    """

    folder: Path
    key: str
    seconds: float = 60.0

    @property
    def _name(self):
        return f"{self.key}.state"

    def save(self, done: int, state: Any) -> None:
        """Write the state after `done` steps in place of the one before."""
        weights.store(self.folder, self._name, {"done": np.int64(done), "state": state})

    def load(self, state: Any) -> tuple[int, Any]:
        """Steps done and the state there; 0 and `state` where there is none that can be read."""
        like = jax.eval_shape(lambda: {"done": np.int64(0), "state": state})
        try:
            found = weights.load(self.folder, self._name, like)
        except (FileNotFoundError, weights.DamagedError):
            return 0, state
        return int(found["done"]), found["state"]

    def clear(self) -> None:
        """Remove the state."""
        weights.remove(self.folder, self._name)


class Settings(NamedTuple):
    """What differs between runs that share a compiled step, each float32."""

    mixing: np.float32
    temperature: np.float32
    steps: np.float32
    peak: np.float32


class Chunk(NamedTuple):
    """Batches that are drawn at once.

    symbols (batches, windows, n_ctx + 1); told (batches, n_vocab, windows * n_ctx): what a student
    learns in place of a teacher's log-probabilities; None without one.
    """

    symbols: jax.Array
    told: jax.Array | None


@float64()
def train(
    arch: Architecture,
    corpus: Corpus,
    tokens: float,
    *,
    seed: int,
    split: str,
    teacher: Teacher | None = None,
    objective: Objective | None = None,
    recipe: Recipe | None = None,
    checkpoint: Checkpoint | None = None,
) -> Params:
    """Weights after one pass over `tokens` fresh tokens.

    - tokens: rounded to whole batches; `recipe.batches` says how many
    - teacher: a function of windows, as those of `model.teachers`; None trains on labels
    - objective: counts with a teacher only
    """
    recipe, objective = recipe or Recipe(), objective or Objective()
    windows, steps = batches(tokens, corpus.n_ctx, recipe.windows)
    # A student must not begin as its teacher of the same size and seed did.
    own = jax.random.fold_in(jax.random.key(seed), SPLITS.index(split))
    params = transformer.initial(arch, own)
    state = (params, optimizer().init(params))
    before, state = checkpoint.load(state) if checkpoint else (0, state)
    room = _room(windows, corpus)
    settings = Settings(
        mixing=np.float32(0.0),  # of a student, set chunk by chunk
        temperature=np.float32(objective.temperature if teacher else 1.0),
        steps=np.float32(steps),
        peak=np.float32(recipe.peak),
    )
    saved = time.monotonic()
    for done, drawn, keys in chunks(corpus, tokens, seed, split, recipe.windows):
        if done < before:  # these batches are behind the state that was read
            continue
        told = teacher(drawn) if teacher else None
        chunk = _chunk(drawn, told, keys, settings.temperature, room, objective.cut)
        if checkpoint:
            jax.block_until_ready(state)
            if done and time.monotonic() - saved > checkpoint.seconds:
                checkpoint.save(done, state)
                saved = time.monotonic()
        count = min(room, steps - done)
        if teacher:
            mixing = np.float32(objective.mixing_at(done / steps))
            settings = settings._replace(mixing=mixing)
        state = _advance(state, chunk, done, count, settings, reverse=objective.reverse)
    if checkpoint:
        checkpoint.clear()
    return state[0]


def chunks(
    corpus: Corpus, tokens: float, seed: int, split: str, windows: int | None = None
) -> Iterator[tuple[int, np.ndarray, jax.Array]]:
    """What a run reads, some batches at once.

    - yields: steps before, windows of symbols as from `Corpus.sample`, and random keys (windows,):
      of what is drawn in place of a teacher's distribution
    """
    windows, steps = batches(tokens, corpus.n_ctx, windows)
    room, rng = _room(windows, corpus), stream(split, seed)
    key = jax.random.fold_in(jax.random.key(seed), len(SPLITS))  # the weights' are of a split
    for done in range(0, steps, room):
        drawn = corpus.sample(split, rng, room * windows)
        numbers = done * windows + np.arange(room * windows, dtype=np.uint32)
        yield done, drawn, jax.vmap(jax.random.fold_in, (None, 0))(key, numbers)


def _room(windows, corpus):
    """Batches that are drawn at once."""
    return max(1, min(CHUNK, TOLD // corpus.n_vocab) // (windows * corpus.n_ctx))


def optimizer() -> optax.GradientTransformation:
    """AdamW without its learning rate, which `_advance` applies weight by weight."""
    return optax.chain(
        optax.clip_by_global_norm(recipe.CLIP),
        optax.scale_by_adam(recipe.B1, recipe.B2),
        optax.add_decayed_weights(recipe.WEIGHT_DECAY),
    )


@partial(jax.jit, static_argnames=("room", "cut"))
def _chunk(drawn, told, keys, temperature, room, cut):
    drawn = drawn.astype(jnp.int32).reshape(room, -1, drawn.shape[1])
    if told is None:
        return Chunk(drawn, None)
    told = distill.targets(told, cut, keys, temperature)
    return Chunk(drawn, told.reshape(len(told), room, -1).swapaxes(0, 1))


@partial(jax.jit, static_argnames="reverse", donate_argnums=0)
def _advance(state, chunk, done, count, settings, *, reverse):
    """So many steps, on the first batches of a chunk, after those that are done."""

    def loss(params, symbols, told):
        logits = transformer.logits(params, symbols[:, :-1])
        labels = symbols[:, 1:].reshape(-1)
        return distill.loss(logits, labels, told, settings.mixing, settings.temperature, reverse)

    def gradient(params, symbols, told):
        symbols = parts(symbols)
        count = len(symbols)
        if told is not None:
            told = told.reshape(len(told), count, -1).swapaxes(0, 1)
        sums = jax.tree.map(jnp.zeros_like, params)

        def add(sums, part):
            slope = jax.grad(loss)(params, *part)
            return jax.tree.map(jnp.add, sums, slope), None

        sums, _ = jax.lax.scan(add, sums, (symbols, told))
        return jax.tree.map(lambda total: total / np.float32(count), sums)

    def step(i, state):
        params, moments = state
        slope = gradient(params, *[None if part is None else part[i] for part in chunk])
        update, moments = optimizer().update(slope, moments, params)
        rate = recipe.rate((done + i).astype(jnp.float32), settings.steps, settings.peak)
        shares = transformer.learning_rates(params)
        rates = jax.tree.map(lambda share: (rate * share).astype(jnp.float32), shares)
        return jax.tree.map(lambda p, u, r: p - r * u, params, update, rates), moments

    return jax.lax.fori_loop(0, count, step, state)
