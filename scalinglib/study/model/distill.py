"""The training losses of the paper as one function (Equations 4-7 and 51-56)."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from scalinglib.checks import positive, whole, within

__all__ = ["Cut", "Objective", "draw", "loss", "targets", "truncate"]

Z_LOSS = 1e-4  # lambda_Z


class Cut(NamedTuple):
    """What is left of a teacher's distribution; see `Objective`."""

    top_k: int | None = None
    top_p: float | None = None
    samples: int | None = None


@dataclass(frozen=True)
class Objective:
    """What a student learns: (1 - mixing) NTP + mixing KD + the z-loss (Equation 7).

    - mixing: lambda, from 0 (labels only) to 1 (teacher only).
    - temperature: tau of the distillation term, positive.
    - top_k: entries of the teacher's distribution that are kept (Equation 55).
    - top_p: mass that is at least kept, in (0, 1] (Equation 56).
    - samples: symbols that are drawn at each token from the teacher's distribution, with
      replacement, and stand for it: right on average, where what is cut is not.
    - reverse: KL(student || teacher) instead of KL(teacher || student); infinite where the teacher
      excludes a symbol, hence not with a truncated or sampled teacher.
    - switch: share of the run, in (0, 1), after which lambda turns into 1 - lambda (Section D.5),
      to the chunk of batches that is drawn at once (`train.chunks`).
    """

    mixing: float = 1.0
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    reverse: bool = False
    samples: int | None = None
    switch: float | None = None

    def __post_init__(self):
        within("mixing", self.mixing, 0, 1)
        positive("temperature", self.temperature)
        for name in ("top_k", "samples"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), 1)
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p!r}; it must lie in (0, 1]")
        if self.switch is not None and not 0 < self.switch < 1:
            raise ValueError(f"switch is {self.switch!r}; it must lie between 0 and 1")
        cuts = f"top_k {self.top_k!r} and top_p {self.top_p!r}"
        cut = (self.top_k, self.top_p) != (None, None)
        if self.samples is not None and cut:
            raise ValueError(
                f"samples is {self.samples!r} with {cuts}; symbols are drawn from the whole "
                "distribution"
            )
        if self.reverse and (cut or self.samples is not None):
            raise ValueError(
                f"reverse is True with {cuts} and samples {self.samples!r}; such a teacher "
                "excludes symbols, and KL(student || teacher) is infinite"
            )

    def mixing_at(self, share: float) -> float:
        """Lambda when a share of the run is done."""
        switched = self.switch is not None and share >= self.switch
        return 1 - self.mixing if switched else self.mixing

    @property
    def cut(self) -> Cut:
        """What is done to the teacher's distribution."""
        return Cut(self.top_k, self.top_p, self.samples)


def truncate(
    log_probs: ArrayLike, top_k: int | None = None, top_p: float | None = None
) -> jax.Array:
    """A distribution cut to its likeliest entries and renormalised (Equations 55 and 56).

    - top_k: how many entries stay; ties with the last of them stay too
    - top_p: the smallest set of entries with at least this mass stays
    """
    if top_k is None and top_p is None:
        return log_probs
    ordered = jnp.sort(log_probs, axis=0, descending=True)
    keep = jnp.ones(ordered.shape, dtype=bool)
    if top_k is not None:
        keep &= jnp.arange(len(ordered)).reshape(-1, *[1] * (ordered.ndim - 1)) < top_k
    if top_p is not None:
        better = jnp.cumsum(jnp.exp(ordered), axis=0) - jnp.exp(ordered)
        keep &= better < top_p
    least = jnp.min(jnp.where(keep, ordered, jnp.inf), axis=0)
    return jax.nn.log_softmax(jnp.where(log_probs >= least, log_probs, -jnp.inf), axis=0)


def draw(
    log_probs: ArrayLike, samples: int, keys: jax.Array, temperature: ArrayLike = 1.0
) -> jax.Array:
    """Symbols drawn from distributions at a temperature, with replacement.

    - log_probs: (n_vocab, windows * n_ctx)
    - keys: random (windows,); each window has draws of its own, whatever goes through a model
      beside it
    - returns: whole numbers (samples, windows * n_ctx)
    """

    def one(log_probs, key):
        cumulative = jnp.cumsum(jax.nn.softmax(log_probs / temperature, axis=0), axis=0)
        shape = samples, log_probs.shape[1]
        uniform = jax.random.uniform(key, shape, log_probs.dtype) * cumulative[-1]
        # The first symbol whose cumulated probability is above: never one without probability.
        return jax.vmap(partial(jnp.searchsorted, side="right"), 1, 1)(cumulative, uniform)

    found = jax.vmap(one, (1, 0), 1)(log_probs.reshape(len(log_probs), len(keys), -1), keys)
    return found.reshape(samples, -1)


def targets(
    log_probs: ArrayLike, cut: Cut, keys: jax.Array | None = None, temperature: ArrayLike = 1.0
) -> jax.Array:
    """What a student learns in place of a teacher's distributions, for `loss` at a temperature.

    - log_probs: (n_vocab, windows * n_ctx)
    - returns: like log_probs: truncated, or the shares of symbols drawn at the temperature, times
      it, because `loss` divides by it
    """
    if cut.samples is None:
        return truncate(log_probs, cut.top_k, cut.top_p)
    drawn = draw(log_probs, cut.samples, keys, temperature)
    counts = jnp.zeros(log_probs.shape, jnp.float32)
    counts = counts.at[drawn, jnp.arange(drawn.shape[1])].add(1.0)
    return temperature * jnp.log(counts / np.float32(cut.samples))


def loss(
    logits: ArrayLike,
    labels: ArrayLike,
    teacher: ArrayLike | None,
    mixing: ArrayLike = 1.0,
    temperature: ArrayLike = 1.0,
    reverse: bool = False,
) -> jax.Array:
    """The loss of a student, averaged over positions, in nats.

    - logits, teacher: (n_vocab, positions); the student's logits and the teacher's
      log-probabilities (-inf allowed where not reverse).
    - labels: whole numbers (positions,), the symbols that came
    - reverse: KL(student || teacher) as the distillation term instead of the cross-entropy.
    """
    log_z = jax.nn.logsumexp(logits, axis=0)
    came = jax.nn.one_hot(labels, len(logits), axis=0, dtype=logits.dtype)
    ntp = log_z - jnp.sum(logits * came, axis=0)
    if teacher is None:
        return jnp.mean(ntp + Z_LOSS * log_z**2)
    soft = jax.nn.log_softmax(logits / temperature, axis=0)
    target = jax.nn.log_softmax(teacher / temperature, axis=0)
    if reverse:
        kd = jnp.sum(jnp.exp(soft) * (soft - target), axis=0)
    else:
        kd = -jnp.sum(jnp.exp(target) * soft, axis=0)
    total = (1 - mixing) * ntp + mixing * temperature**2 * kd + Z_LOSS * log_z**2
    return jnp.mean(total)
