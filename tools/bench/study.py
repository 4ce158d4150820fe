"""Speed of training the study's transformer against PyTorch eager, on this machine in this run.

Both train the model of 200k parameters on batches of 32 windows drawn from the same language. The
PyTorch side is what one writes there: the same model from the same weights, token-major, with
fused AdamW and scaled-dot-product attention. It may use the machine in two ways, one process with
a thread a core, or, as the study does, a process a core. Processes of one measurement start
together; sides take turns and the best turn of each counts.
"""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import jax
import numpy as np

from scalinglib.experiment import execute
from scalinglib.experiment.schedules import warmup_cosine
from scalinglib.study import distill, recipe, record, transformer
from scalinglib.study.corpus import stream
from scalinglib.study.run import WORDS, Run, size
from scalinglib.study.train import CHUNK
from tools.bench import torch_loop
from tools.bench.torch_loop import functional, torch

DEPTH, WINDOWS, STEPS, TURNS = 4, 32, 128, 3


def our_seconds(barrier):
    """Seconds of `STEPS` steps of `record.trained`, compiled before."""
    tokens = WINDOWS * WORDS.n_ctx
    record.trained(Run(DEPTH, tokens, windows=WINDOWS))
    barrier.wait()
    before = time.perf_counter()
    record.trained(Run(DEPTH, STEPS * tokens, windows=WINDOWS))
    return time.perf_counter() - before


def torch_seconds(threads, barrier):
    """Seconds of `STEPS` steps of the same training in PyTorch eager."""
    torch.set_num_threads(threads)
    ours = recipe.Recipe()
    initial = transformer.initial(size(DEPTH), jax.random.key(0))
    params = torch_loop.tensors(initial)
    turned = torch_loop.rotations(params, WORDS.n_ctx, transformer.ROPE_BASE)
    shares = jax.tree.leaves(transformer.learning_rates(initial))
    groups = [
        {"params": [p], "lr": ours.peak * share}
        for p, share in zip(jax.tree.leaves(params), shares, strict=True)
    ]
    betas = ours.b1, ours.b2
    optimizer = torch.optim.AdamW(groups, betas=betas, weight_decay=ours.weight_decay, fused=True)
    shape = {"warmup": ours.warmup, "final": ours.final}
    rates = np.array(warmup_cosine(np.arange(STEPS), STEPS, peak=1.0, **shape))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rates[min(step, STEPS - 1)]
    )
    rng = stream("teacher", 0)

    def steps(number):
        room = CHUNK // (WINDOWS * WORDS.n_ctx)
        for done in range(0, number, room):
            drawn = torch.tensor(WORDS.sample("teacher", rng, room * WINDOWS), dtype=torch.long)
            for symbols in drawn.split(WINDOWS)[: number - done]:
                logits = torch_loop.logits(params, symbols[:, :-1], turned).flatten(0, 1)
                loss = functional.cross_entropy(logits, symbols[:, 1:].flatten())
                loss = loss + distill.Z_LOSS * logits.logsumexp(-1).square().mean()
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(jax.tree.leaves(params), ours.clip)
                optimizer.step()
                schedule.step()

    steps(4)
    barrier.wait()
    before = time.perf_counter()
    steps(STEPS)
    return time.perf_counter() - before


def difference():
    """Largest difference between the logits of both sides, from the same weights."""
    params = transformer.initial(size(DEPTH), jax.random.key(0))
    # As it begins, the head is zero and says nothing.
    params["head"] = jax.random.normal(jax.random.key(1), params["head"].shape, np.float32)
    tokens = WORDS.sample("teacher", stream("teacher", 0), 4)[:, :-1]
    ours = np.asarray(transformer.logits(params, tokens))
    symbols, weights = torch.tensor(tokens, dtype=torch.long), torch_loop.tensors(params)
    turned = torch_loop.rotations(weights, WORDS.n_ctx, transformer.ROPE_BASE)
    theirs = torch_loop.logits(weights, symbols, turned)
    return np.abs(theirs.detach().flatten(0, 1).T.numpy() - ours).max()


_barrier = None


def _set_up(barrier):
    global _barrier
    _barrier = barrier
    execute.one_core()


def _call(function, cores):
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, cores)
    return function(_barrier)


def rate(function, processes, threads=1):
    """Tokens per second of so many processes that train side by side, each on cores of its own."""
    cores = np.arange(processes * threads).reshape(processes, threads).tolist()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        processes, mp_context=spawn, initializer=_set_up, initargs=(spawn.Barrier(processes),)
    ) as pool:
        seconds = list(pool.map(_call, [function] * processes, cores))
    return sum(STEPS * WINDOWS * WORDS.n_ctx / s for s in seconds)


def main():
    """Print tokens per second and ratios."""
    if torch is None:
        print("study: torch is not installed, no comparison (pip install torch)")
        return
    cores = os.cpu_count()
    one, all_threads = partial(torch_seconds, 1), partial(torch_seconds, cores)
    sides = {
        "one core": ((our_seconds, 1), (one, 1)),
        "all cores, PyTorch with a thread a core": ((our_seconds, cores), (all_threads, 1, cores)),
        "all cores, PyTorch with a process a core": ((our_seconds, cores), (one, cores)),
    }
    print(f"training at N = {size(DEPTH).params}, {WINDOWS} windows a batch;", end=" ")
    print(f"from equal weights logits differ by at most {difference():.0e}")
    found = {side: 0.0 for pair in sides.values() for side in pair}
    for _ in range(TURNS):
        for side in found:
            found[side] = max(found[side], rate(*side))
    for name, (ours, theirs) in sides.items():
        print(f"  {name}: PyTorch eager {found[theirs]:.0f} tokens/s,", end=" ")
        print(f"ours {found[ours]:.0f}; ratio {found[ours] / found[theirs]:.2f} (goal: 1.5)")


if __name__ == "__main__":
    main()
