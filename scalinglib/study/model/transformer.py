"""The paper's transformer in miniature (Appendix I): one function from weights to logits.

Features come first and positions last in every array: each matrix product, norm and softmax then
runs over long contiguous rows, which on a CPU makes training half as fast again.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from scalinglib.flops import Architecture

__all__ = ["Params", "architecture", "initial", "learning_rates", "logits"]

Params = dict[str, Any]  # weights by name, those of the layers in a list

ASPECT_RATIO = 16  # width over depth; the paper has 128
D_HEAD = 16  # the paper has 128
BASE_WIDTH = 16  # width at which learning rates are stated (µP)
ROPE_BASE = 10_000.0
ONE_HOT = 512  # vocabulary up to which embedding is a product
SCORE_LIMIT = 40.0  # of attention, before the exponential


def architecture(n_layers: int, n_ctx: int, n_vocab: int) -> Architecture:
    """The study's model of some depth, as `flops.Architecture`."""
    return Architecture(
        n_layers,
        n_ctx=n_ctx,
        n_vocab=n_vocab,
        aspect_ratio=ASPECT_RATIO,
        d_head=D_HEAD,
        ffn_multiple=8,
    )


def initial(arch: Architecture, key: jax.Array) -> Params:
    """Random weights in float32: matrices with variance one over fan-in, the head zero.

    Embedding and head are not tied: µP wants different scales for them.
    """
    d, f, h = arch.d_model, arch.d_ffn, arch.d_head
    shapes = {"qkv": (3 * d, d), "out": (d, d), "up": (2 * f, d), "down": (d, f)}
    keys = iter(jax.random.split(key, 1 + arch.n_layers * len(shapes)))

    def ones(n):
        return jnp.ones((n, 1), jnp.float32)

    def layer():
        matrices = {
            name: jax.random.normal(next(keys), shape, jnp.float32) / np.float32(shape[1] ** 0.5)
            for name, shape in shapes.items()
        }
        gains = {"norm1": ones(d), "norm2": ones(d), "query": ones(h), "key": ones(h)}
        return matrices | {name + "_gain": gain for name, gain in gains.items()}

    return {
        "embedding": jax.random.normal(next(keys), (d, arch.n_vocab), jnp.float32),
        "head": jnp.zeros((arch.n_vocab, d), jnp.float32),
        "gain": ones(d),
        "layers": [layer() for _ in range(arch.n_layers)],
    }


def learning_rates(params: Params) -> Params:
    """Each weight's share of the learning rate under µP (simple): base width / width for matrices.

    Embedding and gains keep the full rate; the head counts as a matrix.
    """
    ratio = BASE_WIDTH / params["head"].shape[1]
    matrices = ("head", "qkv", "out", "up", "down")
    return jax.tree_util.tree_map_with_path(
        lambda path, _: ratio if path[-1].key in matrices else 1.0, params
    )


def _norm(x, gain, axis=0):
    scale = jax.lax.rsqrt(jnp.mean(x * x, axis, keepdims=True) + np.float32(1e-6))
    return x * scale * gain


def _rotate(x):
    """Rotary positions: x is (..., d_head, positions)."""
    d_head = x.shape[-2]
    rates = ROPE_BASE ** (-np.arange(0, d_head, 2) / d_head)
    angle = rates[:, None] * np.arange(x.shape[-1])
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    a, b = jnp.split(x, 2, axis=-2)
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-2)


def _attention(x, layer, batch):
    """Causal attention; x is (d_model, batch * positions)."""
    d, columns = x.shape
    n_ctx, d_head = columns // batch, len(layer["query_gain"])
    heads = layer["qkv"] @ _norm(x, layer["norm1_gain"])
    heads = heads.reshape(3, d // d_head, d_head, batch, n_ctx).transpose(0, 1, 3, 2, 4)
    query = _rotate(_norm(heads[0], layer["query_gain"], -2)) * np.float32(d_head**-0.5)
    key = _rotate(_norm(heads[1], layer["key_gain"], -2))
    mixed = _mixed(query, key, heads[2])
    return layer["out"] @ mixed.transpose(0, 2, 1, 3).reshape(d, columns)


def _mixed(query, key, value):
    """Values mixed by scaled queries and keys, all (heads, batch, d_head, positions); float32."""
    n_ctx = query.shape[-1]
    scores = jnp.einsum("hbdk,hbdq->hbkq", key, query)
    # QK-norm bounds the scores by 4 times the gains, so that the softmax needs no maximum taken off
    # first; but at high learning rates gains grow, until sums of exponentials, or in the gradient
    # their squares, would leave what float32 holds.
    scores = jnp.clip(scores, -np.float32(SCORE_LIMIT), np.float32(SCORE_LIMIT))
    causal = np.triu(np.ones((n_ctx, n_ctx), dtype=bool))
    weights = jnp.exp(jnp.where(causal, scores, -np.float32(np.inf)))
    mixed = jnp.einsum("hbdk,hbkq->hbdq", value, weights)
    return mixed / jnp.sum(weights, axis=-2, keepdims=True)


def _feed_forward(x, layer):
    gate, value = jnp.split(layer["up"] @ _norm(x, layer["norm2_gain"]), 2)
    return layer["down"] @ (jax.nn.silu(gate) * value)


def _embedded(embedding, symbols):
    """Columns of the embedding, (d_model, symbols)."""
    n_vocab = embedding.shape[1]
    if n_vocab > ONE_HOT:
        return embedding[:, symbols]
    # A product with ones and zeros: on a CPU its gradient is cheaper than that of indexing.
    return embedding @ jax.nn.one_hot(symbols, n_vocab, axis=0).astype(jnp.float32)


def logits(params: Params, tokens: ArrayLike) -> jax.Array:
    """Logits of the next symbol.

    - tokens: whole numbers (batch, positions)
    - returns: (n_vocab, batch * positions), float32, columns in the order of `tokens.ravel()`
    """
    x = _embedded(params["embedding"], tokens.reshape(-1))
    for layer in params["layers"]:
        x = x + _attention(x, layer, len(tokens))
        x = x + _feed_forward(x, layer)
    return params["head"] @ _norm(x, params["gain"])
