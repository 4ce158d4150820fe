"""The Mapping Problem of Appendix C.2: small MLPs that learn from labels or from each other.

For readers who want to see the capacity gap in networks that they can train themselves. A teacher
learns from the labels of an endless stream of samples, students learn from the teacher's
probabilities on another stream. All networks of one width are trained together, over seeds and
over what they learn from, in one jitted step that makes its own samples.

The problem is small: with a context of 8 it has 52 488 inputs. So what a network learns from is
given as a table of probabilities over every input: one-hot labels (`truth`) or a teacher's answers
(`answers`), which saves each student the forward passes through its teacher. A teacher is
then simply a student of the truth.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from scalinglib.checks import one_of, positive, whole, within
from scalinglib.extras import missing
from scalinglib.lanes import float64

try:
    import optax
except ImportError as error:
    raise missing("study", error) from error

BATCH = 512
PEAK, WARMUP = 3e-3, 0.05  # of the learning rate, one cosine cycle with linear warm-up, for Adam
VALUES = 3  # the context holds 0, 1 and 2
STREAMS = ("teacher", "student", "evaluation")
# ((weights, bias), ...) from input to output; several networks have axes (seeds, tables) in front.
Network = tuple[tuple[jax.Array, jax.Array], ...]


@dataclass(frozen=True)
class Problem:
    """Which samples there are: the length of the context and the share of easy ones.

    - context: elements of the context, and labels; 2 to 10, so that every input fits in a table
    - easy: probability that the pointer shows a 0, in [0, 1]; else it shows 1 or 2, equally often;
      all other elements are uniform in {0, 1, 2}, so that 1/3 makes the whole context uniform.
    """

    context: int = 8
    easy: float = 1 / 3

    def __post_init__(self):
        whole("context", self.context, 2, 10)
        within("easy", self.easy, 0, 1)


def label(context: ArrayLike, pointer: ArrayLike) -> jax.Array:
    """The label of a sample: a position in the context.

    It is the pointer itself if that shows a 0, else the position of another element equal to the
    one it shows. The paper does not say which if there are several, or none: the first one here,
    and the pointer itself if there is none.

    - context: whole numbers (..., context)
    """
    context, pointer = jnp.asarray(context), jnp.asarray(pointer)
    shown = jnp.take_along_axis(context, pointer[..., None], axis=-1)
    equal = (context == shown) & (jnp.arange(context.shape[-1]) != pointer[..., None])
    lonely = (shown[..., 0] == 0) | ~equal.any(axis=-1)
    return jnp.where(lonely, pointer, jnp.argmax(equal, axis=-1))


def key(*what: object) -> jax.Array:
    """A random key that depends on what it is for and on nothing else, least of all call order."""
    digest = hashlib.sha256(repr(what).encode()).digest()
    return jax.random.key(int.from_bytes(digest[:4], "little"))


def sample(
    context: int, easy: ArrayLike, random_key: jax.Array, size: int
) -> tuple[jax.Array, jax.Array]:
    """`size` samples of a `Problem`: contexts (size, context) and pointers (size,), both int32."""
    uniform = jax.random.uniform(random_key, (size, context + 3), jnp.float32)
    contexts = (uniform[:, :context] * VALUES).astype(jnp.int32)
    pointer = (uniform[:, context] * context).astype(jnp.int32)
    other = 1 + (uniform[:, context + 1] * (VALUES - 1)).astype(jnp.int32)
    shown = jnp.where(uniform[:, context + 2] < easy, 0, other)
    return contexts.at[jnp.arange(size), pointer].set(shown), pointer


def batch(
    context: int, easy: ArrayLike, stream_key: jax.Array, step: ArrayLike
) -> tuple[jax.Array, jax.Array]:
    """Batch number `step` of a stream, made anew from the two: BATCH contexts and pointers."""
    return sample(context, easy, jax.random.fold_in(stream_key, step), BATCH)


def every_input(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """All contexts (rows, context) and pointers (rows,), in the order of the tables."""
    digits = VALUES ** np.arange(problem.context)
    context = np.arange(VALUES**problem.context)[:, None] // digits % VALUES
    pointer = np.repeat(np.arange(problem.context), len(context))
    return np.tile(context, (problem.context, 1)).astype(np.int32), pointer.astype(np.int32)


def row(context: ArrayLike, pointer: ArrayLike) -> jax.Array:
    """The row of a table in which a sample's answer stands."""
    digits = jnp.asarray(VALUES ** np.arange(context.shape[-1]), jnp.int32)
    return (context * digits).sum(-1, dtype=jnp.int32) + pointer * VALUES ** context.shape[-1]


def truth(problem: Problem) -> jax.Array:
    """The labels of every input as one-hot probabilities: float32, (rows, context)."""
    return jax.nn.one_hot(label(*every_input(problem)), problem.context, dtype=jnp.float32)


def _features(context, pointer):
    """What the network sees: the raw integers of the context and a one-hot pointer, float32."""
    hot = jax.nn.one_hot(pointer, context.shape[-1], dtype=jnp.float32)
    return jnp.concatenate([context.astype(jnp.float32), hot], axis=-1)


def parameters(problem: Problem, width: ArrayLike) -> ArrayLike:
    """Number of parameters, biases included, of the MLP of a width."""
    return width**2 + width * (3 * problem.context + 2) + problem.context


def init(problem: Problem, width: int, random_key: jax.Array) -> Network:
    """Weights and biases of an MLP with two hidden layers of equal width, float32.

    He's normal initialisation, biases 0.
    """
    sizes = (2 * problem.context, width, width, problem.context)
    layers = zip(jax.random.split(random_key, 3), sizes[:-1], sizes[1:], strict=True)
    return tuple(
        (
            jax.random.normal(k, (n_in, n_out), jnp.float32) * np.float32(np.sqrt(2 / n_in)),
            jnp.zeros(n_out, jnp.float32),
        )
        for k, n_in, n_out in layers
    )


def logits(network: Network, features: ArrayLike) -> jax.Array:
    """The MLP's output for features (..., 2 context): (..., context)."""
    for weights, bias in network[:-1]:
        features = jax.nn.relu(features @ weights + bias)
    weights, bias = network[-1]
    return features @ weights + bias


def cross_entropy(network: Network, features: ArrayLike, target: ArrayLike) -> jax.Array:
    """Cross-entropy to the target probabilities, in nats: the KL divergence up to a constant."""
    return -(target * jax.nn.log_softmax(logits(network, features))).sum(-1).mean()


def one_cycle(
    step: ArrayLike, steps: ArrayLike, *, peak: ArrayLike, warmup: ArrayLike
) -> jax.Array:
    """The learning rate, float32: linear warm-up, then a cosine to just above zero.

    - warmup: share of the steps on the way up, in (0, 1)
    """
    done = (step + 1) / (steps + 1)
    up = done / warmup
    down = 0.5 + 0.5 * jnp.cos(jnp.pi * (done - warmup) / (1 - warmup))
    return (peak * jnp.where(up < 1, up, down)).astype(jnp.float32)


_ADAM = optax.scale_by_adam()


@jax.jit(donate_argnames="state")
def _advance(state, stream_keys, tables, settings, start, stop):
    """Take the steps from `start` up to `stop` with all networks: (seeds, tables, ...)."""
    easy, peak, warmup, steps = settings

    def update(network, adam, features, target, rate):
        direction, adam = _ADAM.update(jax.grad(cross_entropy)(network, features, target), adam)
        return optax.apply_updates(network, jax.tree.map(lambda d: -rate * d, direction)), adam

    def one_seed(network, adam, stream_key, tables, step):
        context, pointer = batch(tables.shape[-1], easy, stream_key, step)
        target = tables[:, row(context, pointer)]
        over_tables = jax.vmap(update, in_axes=(0, 0, None, 0, None))
        rate = one_cycle(step, steps, peak=peak, warmup=warmup)
        return over_tables(network, adam, _features(context, pointer), target, rate)

    def one_step(step, state):
        return jax.vmap(one_seed, in_axes=(0, 0, 0, 0, None))(*state, stream_keys, tables, step)

    return jax.lax.fori_loop(start, stop, one_step, state)


@float64()  # for the schedule, as the committed networks had it; arrays are float32
def train(
    problem: Problem,
    width: int,
    samples: int,
    seeds: Sequence[int],
    tables: ArrayLike,
    stream: str,
    *,
    peak: float = PEAK,
) -> Network:
    """Train one MLP for each seed and each table to learn from, all together.

    Networks of one seed start alike and see the same samples, whatever they learn from: they
    differ by their tables alone. Every sample is new.

    - samples: for each network, rounded up to whole batches
    - tables: float32 (seeds, tables, rows, context); probabilities to learn from over every input:
      `truth`, or the `answers` of teachers.
    - stream: of `STREAMS`, which are disjoint
    - returns: as from `init`, each array with two axes (seeds, tables) in front
    - raises FloatingPointError: if a network has weights that are not finite.
    """
    peak = float(positive("peak", peak))
    one_of("stream", stream, STREAMS)
    whole("width", width, 1)
    whole("samples", samples, 1)
    n_tables = np.shape(tables)[1]
    tables = jnp.asarray(tables, jnp.float32)
    starts = jnp.stack([key("init", problem, stream, width, seed) for seed in seeds])
    streams = jnp.stack([key("stream", stream, seed) for seed in seeds])
    network = jax.vmap(lambda k: init(problem, width, k))(starts)
    network = jax.tree.map(lambda a: jnp.repeat(a[:, None], n_tables, axis=1), network)
    state = network, jax.vmap(jax.vmap(_ADAM.init))(network)
    steps = -(-samples // BATCH)
    settings = float(problem.easy), peak, WARMUP, steps
    # Calls of a second or so each can be interrupted.
    chunk = max(1, int(3e10 / (6 * BATCH * parameters(problem, width) * len(seeds) * n_tables)))
    for start in range(0, steps, chunk):
        state = _advance(state, streams, tables, settings, start, min(start + chunk, steps))
    network = jax.tree.map(np.asarray, state[0])
    if not all(np.isfinite(a).all() for a in jax.tree.leaves(network)):
        raise FloatingPointError(f"networks of width {width} diverged; lower the peak {peak:g}")
    return network


@jax.jit
def _probabilities(network, features):
    return jax.nn.softmax(logits(network, features))


def _one_by_one(function, network):
    """Apply `function` to each network of a grid (seeds, tables), the results stacked likewise."""
    grid = network[0][0].shape[:2]
    found = [function(jax.tree.map(lambda a, i=i: a[i], network)) for i in np.ndindex(grid)]
    return np.stack([np.asarray(a) for a in found]).reshape(*grid, *found[0].shape)


def answers(problem: Problem, network: Network) -> np.ndarray:
    """Probabilities that networks give to every input: float32, (seeds, tables, rows, context)."""
    features = _features(*map(jnp.asarray, every_input(problem)))
    return _one_by_one(lambda one: _probabilities(one, features), network)


@jax.jit(static_argnames=("problem", "samples"))
def _held_out(problem, samples):
    """The first samples of the evaluation stream: features, labels and whether each is easy."""
    steps = jnp.arange(-(-samples // BATCH))
    stream_key = key("stream", "evaluation", 0)
    one = partial(batch, problem.context, problem.easy, stream_key)
    context, pointer = jax.vmap(one)(steps)
    wanted = label(context, pointer)
    return _features(context, pointer), wanted, wanted == pointer


@jax.jit
def _sums(network, features, wanted, easy):
    """Sums over samples in batches, one network: (loss, hits, number) x (easy, hard)."""

    def one_batch(features, wanted, easy):
        logs = jax.nn.log_softmax(logits(network, features))
        loss = -jnp.take_along_axis(logs, wanted[:, None], axis=-1)[:, 0]
        hit = (logs.argmax(-1) == wanted).astype(jnp.float32)
        cases = jnp.stack([easy, ~easy]).astype(jnp.float32)
        return jnp.stack([cases @ loss, cases @ hit, cases.sum(-1)])

    return jax.lax.map(lambda args: one_batch(*args), (features, wanted, easy)).sum(0)


def evaluate(problem: Problem, network: Network, samples: int = 2**17) -> dict[str, np.ndarray]:
    """Cross-entropy against the labels (nats) and accuracy of networks on the held-out stream.

    - returns: (seeds, tables) each: loss, accuracy, and the same over the easy samples, whose label
      is the pointer, and the hard ones: easy_loss, easy_accuracy, hard_loss, hard_accuracy; nan
      there if the problem has no such samples.
    """
    held_out = _held_out(problem, samples)
    sums = _one_by_one(lambda one: _sums(one, *held_out), network).astype(float)
    total = sums.sum(-1)
    found = {"loss": total[..., 0] / total[..., 2], "accuracy": total[..., 1] / total[..., 2]}
    for case, name in enumerate(("easy", "hard")):
        count = np.where(sums[..., 2, case] > 0, sums[..., 2, case], np.nan)
        found[f"{name}_loss"] = sums[..., 0, case] / count
        found[f"{name}_accuracy"] = sums[..., 1, case] / count
    return found
