"""Train one model: on labels, from a teacher, or both; on a CPU or a GPU, in one go or in several.

Arrays are float32 whatever JAX's setting; the setting itself is on while a model is trained,
because Adam's bias corrections are worked out in float64.
"""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from scalinglib.experiment import weights
from scalinglib.experiment.schedules import warmup_cosine
from scalinglib.lanes import float64
from scalinglib.study import distill, measure, transformer
from scalinglib.study.corpus import SPLITS, stream
from scalinglib.study.recipe import Recipe, batches
from scalinglib.study.stored import Stored

__all__ = ["Checkpoint", "chunks", "optimizer", "train"]

CHUNK = 32768  # tokens that are drawn at once
# Probabilities that a teacher may tell of a chunk beforehand; where there would be more, they are
# made part by part inside the step. That rounds otherwise, by 1e-8 in the loss of a short run, and
# so the small vocabularies of the committed rows stay with what they had.
TOLD = 2**24


@dataclass(frozen=True)
class Checkpoint:
    """Where a long run leaves its state, so that another process can go on after a kill.

    Attributes
    ----------
    folder : path
    key : str
        Stands for all that decides the outcome: a state of another key is not read.
    seconds : float
        Between two states; a run that ends sooner leaves none.
    """

    folder: Path
    key: str
    seconds: float = 60.0

    @property
    def _name(self):
        return f"{self.key}.state"

    def save(self, done, state):
        """Write the state after `done` steps in place of the one before."""
        weights.store(self.folder, self._name, {"done": np.int64(done), "state": state})

    def load(self, state):
        """Steps done and the state there; 0 and `state` where there is none that can be read."""
        like = jax.eval_shape(lambda: {"done": np.int64(0), "state": state})
        try:
            found = weights.load(self.folder, self._name, like)
        except (FileNotFoundError, weights.DamagedError):
            return 0, state
        return int(found["done"]), found["state"]

    def clear(self):
        """Remove the state."""
        weights.remove(self.folder, self._name)


def train(
    arch, corpus, tokens, *, seed, split, teacher=None, objective=None, recipe=None, checkpoint=None
):
    """Weights after one pass over `tokens` fresh tokens.

    Parameters
    ----------
    arch : flops.Architecture
    corpus : Corpus
    tokens : int
        Rounded to whole batches; `recipe.batches` says how many.
    seed : int
        Of weights and data.
    split : str
        Of the corpus.
    teacher : measure.Model, ModelEnsemble or Truth, Stored or another function of windows, or None
        Gives log-probabilities (n_vocab, windows * n_ctx); None trains on labels.
    objective : distill.Objective
        With a teacher only.
    recipe : Recipe
    checkpoint : Checkpoint or None

    Raises
    ------
    ValueError
        If model, corpus and teacher do not fit together.
    """
    recipe, objective = recipe or Recipe(), objective or distill.Objective()
    if (arch.n_vocab, arch.n_ctx) != (corpus.n_vocab, corpus.n_ctx):
        raise ValueError(
            f"arch has {arch.n_vocab} symbols and windows of {arch.n_ctx}; corpus {corpus.id} has "
            f"{corpus.n_vocab} and {corpus.n_ctx}"
        )
    with float64():
        return _train(arch, corpus, tokens, seed, split, (teacher, objective, recipe, checkpoint))


def _train(arch, corpus, tokens, seed, split, how):
    teacher, objective, recipe, checkpoint = how
    windows, steps = batches(tokens, corpus.n_ctx, recipe.windows)
    # A student must not begin as its teacher of the same size and seed did.
    own = jax.random.fold_in(jax.random.key(seed), SPLITS.index(split))
    params = transformer.initial(arch, own)
    state = (params, optimizer(recipe).init(params))
    before, state = checkpoint.load(state) if checkpoint else (0, state)
    room = _room(windows, corpus)
    settings = {
        "mixing": np.float32(objective.mixing if teacher else 0.0),
        "temperature": np.float32(objective.temperature if teacher else 1.0),
        "steps": np.float32(steps),
        "peak": np.float32(recipe.peak),
    }
    model, saved = _inside(teacher, corpus, recipe), time.monotonic()
    cut = teacher.left(objective) if isinstance(teacher, Stored) else objective.cut
    for done, drawn, keys in chunks(corpus, tokens, seed, split, recipe.windows):
        if done < before:  # these batches are behind the state that was read
            continue
        told = teacher(drawn) if teacher and model is None else None
        if told is not None and objective.reverse and not np.isfinite(told).all():
            raise ValueError("teacher excludes symbols: KL(student || teacher) is infinite")
        sampled = None if cut[2] is None else (keys, settings["temperature"])
        chunk = _chunk(drawn, told, sampled, room, cut)
        if checkpoint:
            jax.block_until_ready(state)
            if done and time.monotonic() - saved > checkpoint.seconds:
                checkpoint.save(done, state)
                saved = time.monotonic()
        count = min(room, steps - done)
        if teacher:
            settings["mixing"] = np.float32(objective.mixing_at(done / steps))
        inside = None if model is None else cut  # what is told is cut, and the step compiled once
        fixed = recipe, inside, objective.reverse
        state = _advance(state, model, chunk, (done, count, settings), fixed)
    if checkpoint:
        checkpoint.clear()
    return state[0]


def chunks(corpus, tokens, seed, split, windows=None):
    """What a run reads, some batches at once.

    Yields
    ------
    steps before, windows of symbols as from `Corpus.sample`, and random keys (windows,): of what is
    drawn in place of a teacher's distribution
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


def _inside(teacher, corpus, recipe):
    """Weights of teachers whose probabilities are made inside the step; None for others."""
    if not isinstance(teacher, measure.Model | measure.ModelEnsemble):
        return None
    members = teacher.members if isinstance(teacher, measure.ModelEnsemble) else (teacher.params,)
    for params in members:
        n_vocab = params["head"].shape[0]
        if n_vocab != corpus.n_vocab:
            raise ValueError(
                f"teacher has a vocabulary of {n_vocab}; corpus {corpus.id} has one of "
                f"{corpus.n_vocab}"
            )
    return members if recipe.bfloat16 or CHUNK * n_vocab > TOLD else None


def optimizer(recipe):
    """AdamW without its learning rate, which `_advance` applies weight by weight."""
    return optax.chain(
        optax.clip_by_global_norm(recipe.clip),
        optax.scale_by_adam(recipe.b1, recipe.b2),
        optax.add_decayed_weights(recipe.weight_decay),
    )


@partial(jax.jit, static_argnums=(3, 4))
def _chunk(drawn, log_probs, sampled, room, cut):
    """Symbols (room, windows, n_ctx + 1), what is told of them (room, n_vocab, ...), and keys.

    Of the last two one or both are None.
    """
    drawn = drawn.astype(jnp.int32).reshape(room, -1, drawn.shape[1])
    if log_probs is None:
        return drawn, None, None if sampled is None else sampled[0].reshape(room, -1)
    log_probs = distill.targets(log_probs, cut, *(sampled or ()))
    return drawn, log_probs.reshape(len(log_probs), room, -1).swapaxes(0, 1), None


@partial(jax.jit, static_argnums=4, donate_argnums=0)
def _advance(state, model, chunk, progress, fixed):
    """Steps on the first batches of a chunk: (steps made before, steps to make, settings)."""
    (done, count, settings), (recipe, cut, reverse) = progress, fixed

    def teacher(symbols, told, keys):
        """The teacher's log-probabilities of one part: made here, so that no more exist at once."""
        if told is not None or model is None:
            return told
        found = [transformer.logits(p, symbols[:, :-1], recipe.bfloat16) for p in model]
        found = [jax.nn.log_softmax(each, axis=0) for each in found]
        return distill.targets(measure.average(found), cut, keys, settings["temperature"])

    def loss(params, symbols, told):
        logits = transformer.logits(params, symbols[:, :-1], recipe.bfloat16)
        labels = symbols[:, 1:].reshape(-1)
        mixing, temperature = settings["mixing"], settings["temperature"]
        return distill.loss(logits, labels, told, mixing, temperature, reverse)

    def gradient(params, symbols, told, keys):
        symbols = measure.parts(params, symbols)
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
        update, moments = optimizer(recipe).update(slope, moments, params)
        rate = warmup_cosine(
            (done + i).astype(jnp.float32),
            settings["steps"],
            peak=settings["peak"],
            warmup=recipe.warmup,
            final=recipe.final,
        )
        shares = transformer.learning_rates(params)
        rates = jax.tree.map(lambda share: (rate * share).astype(jnp.float32), shares)
        return jax.tree.map(lambda p, u, r: p - r * u, params, update, rates), moments

    return jax.lax.fori_loop(0, count, step, state)
