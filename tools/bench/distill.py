"""Time of distillation with the reverse KL against the forward KL, in this process.

Processor time: other work on the machine disturbs it less than the clock on the wall.
"""

import time
from functools import partial

import jax
import numpy as np

from scalinglib.study import distill, measure, train
from scalinglib.study.distill import Objective
from scalinglib.study.run import by_ratio

TURNS = 7


def ratio(forward, reverse):
    """Processor time of a call of `reverse` over that of `forward`: best of some, in turns."""
    seconds = []
    for _ in range(TURNS + 1):  # the first turn compiles
        clock = [time.process_time()]
        for call in (forward, reverse):
            jax.block_until_ready(call())
            clock.append(time.process_time())
        seconds.append(np.diff(clock))
    return np.divide(*np.min(seconds[1:], axis=0)[::-1])


def training(depth):
    """Training a student of some depth."""
    run = by_ratio(depth, 2)
    teacher = measure.Truth(run.corpus)

    def smooth(windows):
        """The perfect teacher without its zeros, which would make the reverse KL infinite."""
        return np.maximum(teacher(windows), -12)

    go = partial(train.train, run.architecture, run.corpus, run.tokens, seed=0, split="student")
    objectives = [Objective(reverse=reverse) for reverse in (False, True)]
    return ratio(*(partial(go, teacher=smooth, objective=o) for o in objectives))


def gradient(n_vocab, positions=256):
    """The gradient of the loss by the logits."""
    rng = np.random.default_rng(0)
    logits, teacher = rng.normal(size=(2, n_vocab, positions)).astype(np.float32)
    labels = rng.integers(0, n_vocab, positions)
    slopes = [jax.jit(jax.grad(partial(distill.loss, reverse=r))) for r in (False, True)]
    return ratio(*(partial(slope, logits, labels, teacher) for slope in slopes))


def main():
    """Print the ratios, the forward KL being 1."""
    for depth in (1, 2):
        print(f"training a student of depth {depth}: reverse KL {training(depth):.2f} x")
    for n_vocab in (27, 32768):
        print(f"its loss alone, {n_vocab} symbols: reverse KL {gradient(n_vocab):.2f} x")


if __name__ == "__main__":
    main()
