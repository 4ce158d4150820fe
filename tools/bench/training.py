"""Training against PyTorch eager, on one core.

Both sides train on labels, from the same weights on the same batches, each in a process of its own;
they take turns, and medians of the ratios count. Seconds are the processor's, which other work on
the machine disturbs less than the clock on the wall.
"""

import json
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import jax
import numpy as np

from scalinglib.experiment import execute
from scalinglib.study import Recipe
from scalinglib.study.model import distill, recipe, train, transformer

TURNS, WINDOWS, STEPS, WARM = 5, 32, 16, 2
DEPTH, N_CTX = 4, 64
VOCABULARIES = (27, 4096)  # the words', and one of a BPE


@dataclass(frozen=True)
class Zipf:
    """A corpus of symbols drawn one by one, the n-th as often as 1 / n."""

    n_vocab: int
    n_ctx = N_CTX
    id = "zipf"
    entropy = None

    def sample(self, split, rng, windows):
        """As `Corpus.sample`."""
        mass = np.cumsum(1 / np.arange(1, self.n_vocab + 1))
        drawn = rng.random((windows, self.n_ctx + 1)) * mass[-1]
        return np.searchsorted(mass, drawn).astype(np.uint16)


def our_seconds(n_vocab):
    """Seconds of the steps that count, by `train.train`, compiled before."""
    arch = transformer.architecture(DEPTH, N_CTX, n_vocab)
    go = partial(train.train, arch, Zipf(n_vocab), seed=0, split="teacher")
    for steps in (1, STEPS):
        before = time.process_time()
        jax.block_until_ready(go(tokens=steps * WINDOWS * N_CTX, recipe=Recipe(windows=WINDOWS)))
    return time.process_time() - before


def job(n_vocab):
    """What `torch_loop` trains: see there."""
    initial = transformer.initial(
        transformer.architecture(DEPTH, N_CTX, n_vocab), jax.random.key(0)
    )
    # As it begins, the head is zero and says nothing.
    initial["head"] = jax.random.normal(jax.random.key(1), initial["head"].shape, np.float32)
    steps = WARM + STEPS
    drawn = Zipf(n_vocab).sample("teacher", np.random.default_rng(0), steps * WINDOWS)
    return {
        "weights": jax.tree.map(np.asarray, initial),
        "logits": np.asarray(transformer.logits(initial, drawn[:4, :-1].astype(np.int32))),
        "shares": transformer.learning_rates(initial),
        "rates": np.array(recipe.rate(np.arange(steps), steps, 1.0)),
        "symbols": drawn.astype(np.int64).reshape(steps, WINDOWS, -1),
        "peak": Recipe.peak,
        "adam": {"betas": (recipe.B1, recipe.B2), "weight_decay": recipe.WEIGHT_DECAY},
        "clip": recipe.CLIP,
        "z_loss": distill.Z_LOSS,
        "rope_base": transformer.ROPE_BASE,
        "warm": WARM,
    }


def measured(module, *given):
    """What a process of its own says of one side: seconds, and the most memory."""
    command = [sys.executable, "-m", f"tools.bench.{module}", *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{module} {given} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def against_torch(n_vocab):
    """Print rates, memory and the medians of their ratios over turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.pickle"
        path.write_bytes(pickle.dumps(job(n_vocab)))
        pairs = [
            (measured("training", n_vocab), measured("torch_loop", path)) for _ in range(TURNS)
        ]
    params = transformer.architecture(DEPTH, N_CTX, n_vocab).params
    print(f"training, N = {params:,}, {n_vocab:,} symbols, {TURNS} turns on a core; ", end="")
    print(f"logits differ by {max(theirs['apart'] for _, theirs in pairs):.0e}")
    for name, side in zip(("ours", "PyTorch eager"), zip(*pairs, strict=True), strict=True):
        rate = STEPS * WINDOWS * N_CTX / statistics.median(run["seconds"] for run in side)
        print(f"  {name}: {rate:,.0f} tokens/s")
    faster = statistics.median(theirs["seconds"] / ours["seconds"] for ours, theirs in pairs)
    memory = statistics.median(ours["most"] / theirs["most"] for ours, theirs in pairs)
    print(f"  medians of ratios: {faster:.2f} times as fast (goal 1.3), {memory:.2f} of the memory")


def main():
    """Compare, with PyTorch where it is at hand."""
    for n_vocab in VOCABULARIES:
        if find_spec("torch") is None:
            print("training: torch is not installed, no comparison (pip install torch)")
        else:
            against_torch(n_vocab)


if __name__ == "__main__":
    execute.one_core()
    seconds = our_seconds(int(sys.argv[1]))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in units of the system
    print(json.dumps({"seconds": seconds, "most": most}))
