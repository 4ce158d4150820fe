"""Train one model of the study and measure it."""

import math
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from scalinglib.study import distill, language, transformer

__all__ = ["Recipe", "batches", "evaluate", "log_probabilities", "train"]

CHUNK = 32768  # tokens that are drawn, and given to the teacher, at once
PART = 8  # windows that go through a model at once: what they need stays in the cache
EVALUATION_CHUNKS = 2
PROMPT = 3  # letters of a word that are given for its completion


@dataclass(frozen=True)
class Recipe:
    """How every model of the study is trained; notebook 08 shows other batches and rates beside it.

    Attributes
    ----------
    peak : float
        Highest learning rate, at width 16; matrices of wider models get less (µP).
    windows : int or None
        Windows a batch; None lets them grow with the tokens of the run (`batches`).
    warmup, final : float
        Share of the steps with rising rate; last rate over peak (cosine in between).
    b1, b2, weight_decay, clip : float
        Of AdamW (decoupled decay), and the largest global norm of a gradient.
    """

    peak: float = 2e-2
    windows: int | None = None
    warmup: float = 0.05
    final: float = 1e-3
    b1: float = 0.9
    b2: float = 0.99
    weight_decay: float = 1e-4
    clip: float = 1.0


def batches(tokens, n_ctx, windows=None):
    """Windows a batch, and batches, for a run on about `tokens` tokens.

    Without `windows` a batch has sqrt(tokens) / 2 tokens, to the nearest power of two of windows
    between 2 and 32: few tokens want small batches, because steps are scarce; many tokens want
    calm gradients.
    """
    if windows is None:
        windows = int(np.clip(2 ** round(math.log2(math.sqrt(tokens) / (2 * n_ctx))), 2, 32))
    return windows, max(1, round(tokens / (windows * n_ctx)))


def train(arch, corpus, tokens, key, split, teacher=None, objective=None, recipe=None):
    """Weights after one pass over `tokens` fresh tokens.

    Parameters
    ----------
    arch : flops.Architecture
    corpus : language.Words or language.Text
    tokens : int
        Rounded to whole batches; `batches` says how many.
    key : int
        Seeds weights and data.
    split : str
        Of the corpus.
    teacher : function of windows or None
        Gives log-probabilities (n_vocab, windows * n_ctx); None trains on labels.
    objective : distill.Objective
        With a teacher only.
    recipe : Recipe
    """
    recipe = recipe or Recipe()
    objective = objective or distill.Objective()
    windows, steps = batches(tokens, corpus.n_ctx, recipe.windows)
    # A student must not begin as its teacher of the same size and seed did.
    own = jax.random.fold_in(jax.random.key(key), language.SPLITS.index(split))
    params = transformer.initial(arch, own)
    state = (params, _optimizer(recipe).init(params))
    room = max(1, CHUNK // (windows * corpus.n_ctx))
    rng = language.stream(split, key)
    settings = {
        "mixing": np.float32(objective.mixing if teacher else 0.0),
        "temperature": np.float32(objective.temperature if teacher else 1.0),
        "steps": np.float32(steps),
        "peak": np.float32(recipe.peak),
    }
    for done in range(0, steps, room):
        drawn = corpus.sample(split, rng, room * windows)
        log_probs = teacher(drawn) if teacher else np.zeros((arch.n_vocab, 1), np.float32)
        chunk = _chunk(drawn, log_probs, room, objective.top_k, objective.top_p)
        count = min(room, steps - done)
        state = _advance(state, chunk, done, count, settings, recipe, objective.reverse)
    return state[0]


def _optimizer(recipe):
    """AdamW without its learning rate, which `_advance` applies weight by weight."""
    return optax.chain(
        optax.clip_by_global_norm(recipe.clip),
        optax.scale_by_adam(recipe.b1, recipe.b2),
        optax.add_decayed_weights(recipe.weight_decay),
    )


@partial(jax.jit, static_argnums=(2, 3, 4))
def _chunk(drawn, log_probs, room, top_k, top_p):
    """Symbols (room, windows, n_ctx + 1) and teacher's log-probabilities (room, n_vocab, ...)."""
    drawn = drawn.astype(jnp.int32).reshape(room, -1, drawn.shape[1])
    n_vocab = len(log_probs)
    columns = drawn.shape[1] * (drawn.shape[2] - 1)
    log_probs = distill.truncate(log_probs, top_k, top_p)
    log_probs = jnp.broadcast_to(log_probs, (n_vocab, room * columns))
    return drawn, log_probs.reshape(n_vocab, room, columns).swapaxes(0, 1)


def _rate(step, settings, recipe):
    """Learning rate of a step: linear warm-up, then a cosine down to `final` times the peak."""
    warm = jnp.ceil(recipe.warmup * settings["steps"])
    progress = jnp.clip((step - warm) / jnp.maximum(settings["steps"] - warm, 1), 0, 1)
    cosine = recipe.final + (1 - recipe.final) * (1 + jnp.cos(jnp.pi * progress)) / 2
    return settings["peak"] * jnp.minimum((step + 1) / jnp.maximum(warm, 1), cosine)


@partial(jax.jit, static_argnums=(5, 6), donate_argnums=0)
def _advance(state, chunk, done, count, settings, recipe, reverse):
    """`count` steps on the first batches; `done` were made before."""

    def objective(params, symbols, teacher):
        logits = transformer.logits(params, symbols[:, :-1])
        labels = symbols[:, 1:].reshape(-1)
        return distill.loss(
            logits, labels, teacher, settings["mixing"], settings["temperature"], reverse
        )

    def gradient(params, symbols, teacher):
        symbols = _parts(symbols)
        parts = len(symbols)
        teacher = teacher.reshape(len(teacher), parts, -1).swapaxes(0, 1)
        sums = jax.tree.map(jnp.zeros_like, params)

        def add(sums, part):
            return jax.tree.map(jnp.add, sums, jax.grad(objective)(params, *part)), None

        sums, _ = jax.lax.scan(add, sums, (symbols, teacher))
        return jax.tree.map(lambda total: total / np.float32(parts), sums)

    def step(i, state):
        params, moments = state
        slope = gradient(params, *[batches[i] for batches in chunk])
        update, moments = _optimizer(recipe).update(slope, moments, params)
        rate = _rate((done + i).astype(jnp.float32), settings, recipe)
        shares = transformer.learning_rates(params)
        rates = jax.tree.map(lambda share: (rate * share).astype(jnp.float32), shares)
        return jax.tree.map(lambda p, u, r: p - r * u, params, update, rates), moments

    return jax.lax.fori_loop(0, count, step, state)


@jax.jit
def log_probabilities(params, windows):
    """A model's log-probabilities (n_vocab, windows * n_ctx) of the next symbols of `windows`."""
    found = jax.lax.map(
        lambda part: jax.nn.log_softmax(transformer.logits(params, part), axis=0),
        _parts(windows[:, :-1]),
    )
    return found.swapaxes(0, 1).reshape(found.shape[1], -1)


def _parts(windows):
    """Windows in parts of PART; one part where that does not divide them."""
    part = len(windows) if len(windows) % PART else PART
    return windows.reshape(-1, part, windows.shape[1])


def evaluate(params, corpus, teacher=None):
    """What a model has learnt, on windows of the evaluation split that are the same for all.

    Where the corpus knows the truth, expectations over the next symbol are exact, and the loss is
    the entropy plus the mean KL(truth || model): little noise is left.

    Parameters
    ----------
    params : dict, a model's weights
    corpus : language.Words or language.Text
    teacher : function of windows, as in `train`, or None

    Returns
    -------
    dict: loss (nats per token), accuracy (of the likeliest symbol), completion (share of words
    of more than three letters that greedy decoding finishes rightly from the first three; NaN
    for text), kl_teacher (KL(teacher || model), NaN without a teacher)
    """
    rng = language.stream("evaluation", 0)
    shape = (EVALUATION_CHUNKS, CHUNK // corpus.n_ctx)
    measured = [
        _measure(params, corpus, corpus.sample("evaluation", rng, shape[1]), teacher)
        for _ in range(shape[0])
    ]
    found = {name: np.mean([m[name] for m in measured]) for name in measured[0]}
    if not np.isfinite(found["loss"]):
        raise FloatingPointError(f"the loss is {found['loss']}: training diverged")
    return found


def _measure(params, corpus, windows, teacher):
    own = _by_window(log_probabilities(params, windows), windows)
    best = own.argmax(-1)
    labels = windows[:, 1:].astype(int)
    if corpus.entropy is None:
        loss = -np.mean(np.take_along_axis(own, labels[..., None], -1))
        accuracy, completion = np.mean(best == labels), math.nan
    else:
        truth = corpus.truth(windows)
        loss = corpus.entropy + _divergence(truth, own)
        accuracy = np.mean(np.take_along_axis(truth, best[..., None], -1))
        completion = _completion(best == labels, labels)
    kl = (
        math.nan
        if teacher is None
        else _divergence(np.exp(_by_window(teacher(windows), windows)), own)
    )
    return {"loss": loss, "accuracy": accuracy, "completion": completion, "kl_teacher": kl}


def _by_window(log_probs, windows):
    """(n_vocab, columns) as (windows, n_ctx, n_vocab) in float64."""
    log_probs = np.asarray(log_probs, dtype=float)
    return log_probs.T.reshape(len(windows), -1, len(log_probs))


def _divergence(truth, log_probs):
    """Mean KL(truth || model) over contexts; entries of truth may be zero."""
    log_truth = np.log(truth, out=np.zeros_like(truth), where=truth > 0)
    return np.mean(np.sum(truth * (log_truth - log_probs), axis=-1))


def _completion(right, labels):
    """Share of whole words, longer than the prompt, all of whose later symbols are `right`."""
    done = good = 0
    for window, hits in zip(labels, right, strict=True):
        ends = np.flatnonzero(window == 0)
        starts = np.concatenate([[0], ends[:-1] + 1])
        long = ends - starts > PROMPT
        missed = np.concatenate([[0], np.cumsum(~hits)])
        done += long.sum()
        good += np.sum(missed[ends[long] + 1] == missed[starts[long] + PROMPT])
    return good / done
