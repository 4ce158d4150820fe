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
from scalinglib.experiment.schedules import warmup_cosine
from scalinglib.flops import Architecture
from scalinglib.lanes import float64
from scalinglib.study.corpora.base import SPLITS, Corpus, stream
from scalinglib.study.model import distill, recipe, transformer
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.recipe import Recipe, batches
from scalinglib.study.model.stored import Stored
from scalinglib.study.model.teachers import Model, ModelEnsemble, Teacher, average, parts
from scalinglib.study.model.transformer import Params

__all__ = ["Checkpoint", "chunks", "optimizer", "train"]

CHUNK = 32768  # tokens that are drawn at once
# Probabilities that a teacher may tell of a chunk beforehand; where there would be more, they are
# made part by part inside the step. That rounds otherwise, by 1e-8 in the loss of a short run, and
# so the small vocabularies of the committed rows stay with what they had.
TOLD = 2**24


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
    """Batches that are drawn at once; of what is told and the keys one or both are None.

    symbols (batches, windows, n_ctx + 1); told (batches, n_vocab, windows * n_ctx): a teacher's
    log-probabilities; keys (batches, windows): of what is drawn from them inside the step.
    """

    symbols: jax.Array
    told: jax.Array | None
    keys: jax.Array | None


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
    - teacher: `Model`, `ModelEnsemble`, `Truth`, `Stored` or another such function of windows; None
      trains on labels
    - objective: counts with a teacher only
    - raises ValueError: if model, corpus and teacher do not fit together.
    """
    if (arch.n_vocab, arch.n_ctx) != (corpus.n_vocab, corpus.n_ctx):
        raise ValueError(
            f"arch has {arch.n_vocab} symbols and windows of {arch.n_ctx}; corpus {corpus.id} has "
            f"{corpus.n_vocab} and {corpus.n_ctx}"
        )
    recipe, objective = recipe or Recipe(), objective or Objective()
    with float64():
        return _train(arch, corpus, tokens, seed, split, teacher, objective, recipe, checkpoint)


def _train(arch, corpus, tokens, seed, split, teacher, objective, recipe, checkpoint):
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
    models, saved = _inside(teacher, corpus), time.monotonic()
    cut = teacher.left(objective) if isinstance(teacher, Stored) else objective.cut
    for done, drawn, keys in chunks(corpus, tokens, seed, split, recipe.windows):
        if done < before:  # these batches are behind the state that was read
            continue
        told = teacher(drawn) if teacher and models is None else None
        if told is not None and objective.reverse and not np.isfinite(told).all():
            raise ValueError("teacher excludes symbols: KL(student || teacher) is infinite")
        keys = None if cut.samples is None else keys
        chunk = _chunk(drawn, told, keys, settings.temperature, room, cut)
        if checkpoint:
            jax.block_until_ready(state)
            if done and time.monotonic() - saved > checkpoint.seconds:
                checkpoint.save(done, state)
                saved = time.monotonic()
        # What was told is cut already: one compiled step serves every cut.
        left = None if models is None else cut
        count = min(room, steps - done)
        if teacher:
            mixing = np.float32(objective.mixing_at(done / steps))
            settings = settings._replace(mixing=mixing)
        state = _advance(
            state, models, chunk, done, count, settings, cut=left, reverse=objective.reverse
        )
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
    return max(1, CHUNK // (windows * corpus.n_ctx))


def _inside(teacher, corpus):
    """Weights of teachers whose probabilities are made inside the step; None for others."""
    if not isinstance(teacher, Model | ModelEnsemble):
        return None
    members = teacher.members if isinstance(teacher, ModelEnsemble) else (teacher.params,)
    for params in members:
        n_vocab = params["head"].shape[0]
        if n_vocab != corpus.n_vocab:
            raise ValueError(
                f"teacher has a vocabulary of {n_vocab}; corpus {corpus.id} has one of "
                f"{corpus.n_vocab}"
            )
    return members if CHUNK * n_vocab > TOLD else None


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
        return Chunk(drawn, None, None if keys is None else keys.reshape(room, -1))
    told = distill.targets(told, cut, keys, temperature)
    return Chunk(drawn, told.reshape(len(told), room, -1).swapaxes(0, 1), None)


@partial(jax.jit, static_argnames=("cut", "reverse"), donate_argnums=0)
def _advance(state, models, chunk, done, count, settings, *, cut, reverse):
    """So many steps, on the first batches of a chunk, after those that are done."""

    def teacher(symbols, told, keys):
        """The teacher's log-probabilities of one part: made here, so that no more exist at once."""
        if told is not None or models is None:
            return told
        found = [transformer.logits(params, symbols[:, :-1]) for params in models]
        found = [jax.nn.log_softmax(each, axis=0) for each in found]
        return distill.targets(average(found), cut, keys, settings.temperature)

    def loss(params, symbols, told):
        logits = transformer.logits(params, symbols[:, :-1])
        labels = symbols[:, 1:].reshape(-1)
        return distill.loss(logits, labels, told, settings.mixing, settings.temperature, reverse)

    def gradient(params, symbols, told, keys):
        symbols = parts(params, symbols)
        count = len(symbols)
        if told is not None:
            told = told.reshape(len(told), count, -1).swapaxes(0, 1)
        keys = None if keys is None else keys.reshape(count, -1)
        sums = jax.tree.map(jnp.zeros_like, params)

        def add(sums, part):
            slope = jax.grad(loss)(params, part[0], teacher(*part))
            return jax.tree.map(jnp.add, sums, slope), None

        sums, _ = jax.lax.scan(add, sums, (symbols, told, keys))
        return jax.tree.map(lambda total: total / np.float32(count), sums)

    def step(i, state):
        params, moments = state
        slope = gradient(params, *[None if part is None else part[i] for part in chunk])
        update, moments = optimizer().update(slope, moments, params)
        rate = warmup_cosine(
            (done + i).astype(jnp.float32),
            settings.steps,
            peak=settings.peak,
            warmup=recipe.WARMUP,
            final=recipe.FINAL,
        )
        shares = transformer.learning_rates(params)
        rates = jax.tree.map(lambda share: (rate * share).astype(jnp.float32), shares)
        return jax.tree.map(lambda p, u, r: p - r * u, params, update, rates), moments

    return jax.lax.fori_loop(0, count, step, state)
