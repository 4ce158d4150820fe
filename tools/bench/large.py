"""Training with large vocabularies against PyTorch: speed and memory, a process each.

    python -m tools.bench.large          a vocabulary of 4096 on a CPU, against PyTorch eager
    python -m tools.bench.large gpu      10M and 100M parameters in bfloat16, against torch.compile

Both sides train on labels, from the same weights on the same batches; they take turns, and the
medians of their ratios are what counts. On a CPU seconds are the processor's, which other work on
the machine disturbs less than the clock on the wall. `gpu` names the card and gives the share of
its peak; on a CPU it runs at a toy size, which tells only that it works.
"""

import argparse
import json
import os
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import jax
import numpy as np

from scalinglib.experiment.schedules import warmup_cosine
from scalinglib.flops import Architecture
from scalinglib.study import distill, train, transformer
from scalinglib.study.recipe import Recipe
from tools.bench.memory import peak_bytes

TURNS = 5


@dataclass(frozen=True)
class Setting:
    """A model, its batches, and how many steps count after those that do not."""

    n_layers: int
    n_vocab: int
    n_ctx: int
    windows: int
    aspect_ratio: int = transformer.ASPECT_RATIO
    d_head: int = transformer.D_HEAD
    bfloat16: bool = False
    steps: int = 16
    warm: int = 2
    compiled: bool = False

    @property
    def architecture(self):
        """The model, as `flops.Architecture`."""
        own = {name: getattr(self, name) for name in ("n_ctx", "n_vocab", "aspect_ratio", "d_head")}
        return Architecture(self.n_layers, ffn_multiple=8, **own)

    @property
    def tokens(self):
        """Tokens that count."""
        return self.steps * self.windows * self.n_ctx

    @property
    def recipe(self):
        """How both sides train."""
        return Recipe(windows=self.windows, bfloat16=self.bfloat16)


CPU = Setting(4, n_vocab=4096, n_ctx=64, windows=32)
_GPU = {"n_vocab": 32768, "n_ctx": 1024, "d_head": 64, "bfloat16": True, "compiled": True}
_GPU |= {"steps": 32, "warm": 4}
CARDS = {
    "10M": Setting(6, windows=64, aspect_ratio=64, **_GPU),
    "100M": Setting(12, windows=32, aspect_ratio=64, **_GPU),
}
TOY = Setting(1, 1024, 32, 8, d_head=8, bfloat16=True, steps=4, compiled=True)


@dataclass(frozen=True)
class Zipf:
    """A corpus of symbols drawn one by one, the n-th as often as 1 / n."""

    n_vocab: int
    n_ctx: int
    id = "zipf"
    entropy = None

    def sample(self, split, rng, windows):
        """As `corpus.Corpus`."""
        mass = np.cumsum(1 / np.arange(1, self.n_vocab + 1))
        drawn = rng.random((windows, self.n_ctx + 1)) * mass[-1]
        return np.searchsorted(mass, drawn).astype(np.uint16)


def our_seconds(setting):
    """Seconds of the steps that count, by `train.train`, compiled before."""
    corpus, a_step = Zipf(setting.n_vocab, setting.n_ctx), setting.tokens // setting.steps

    def go(steps):
        how = {"seed": 0, "split": "teacher", "recipe": setting.recipe}
        params = train.train(setting.architecture, corpus, steps * a_step, **how)
        jax.block_until_ready(params)

    go(1)
    clock = time.perf_counter if jax.default_backend() == "gpu" else time.process_time
    before = clock()
    go(setting.steps)
    return clock() - before


def job(setting, threads):
    """What `torch_loop` trains: see there."""
    recipe, steps = setting.recipe, setting.warm + setting.steps
    initial = transformer.initial(setting.architecture, jax.random.key(0))
    shape = {"warmup": recipe.warmup, "final": recipe.final}
    rng = np.random.default_rng(0)
    drawn = Zipf(setting.n_vocab, setting.n_ctx).sample("teacher", rng, steps * setting.windows)
    return {
        "weights": jax.tree.map(np.asarray, initial),
        "shares": transformer.learning_rates(initial),
        "rates": np.array(warmup_cosine(np.arange(steps), steps, peak=1.0, **shape)),
        "symbols": drawn.astype(np.int32).reshape(steps, setting.windows, -1),
        "recipe": asdict(recipe),
        "z_loss": distill.Z_LOSS,
        "rope_base": transformer.ROPE_BASE,
        "threads": threads,
    } | {name: getattr(setting, name) for name in ("warm", "bfloat16", "compiled")}


def difference(setting):
    """Largest difference between the logits of both sides in float32, from the same weights."""
    from tools.bench import torch_loop  # not above: our side must not hold PyTorch

    weights = transformer.initial(setting.architecture, jax.random.key(0))
    # As it begins, the head is zero and says nothing.
    weights["head"] = jax.random.normal(jax.random.key(1), weights["head"].shape, np.float32)
    tokens = Zipf(setting.n_vocab, setting.n_ctx).sample("", np.random.default_rng(0), 1)[:, :-1]
    ours = np.asarray(transformer.logits(weights, tokens.astype(np.int32)))
    symbols = torch_loop.torch.tensor(tokens.astype(np.int64))
    params = torch_loop.tensors(weights)
    turned = torch_loop.rotations(params, setting.n_ctx, transformer.ROPE_BASE)
    theirs = torch_loop.logits(params, symbols, turned)
    return np.abs(theirs.detach().flatten(0, 1).T.numpy() - ours).max()


def measured(module, *given):
    """What a process of its own says of one side: seconds and bytes."""
    done = subprocess.run(
        [sys.executable, "-m", f"tools.bench.{module}", *given], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{module} {given} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def compare(name, setting, turns=TURNS, threads=1):
    """Print rates, memory and the medians of their ratios over turns; returns the two ratios."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.pickle"
        path.write_bytes(pickle.dumps(job(setting, threads)))
        ours, theirs = zip(
            *(
                (measured("large", "--side", name), measured("torch_loop", str(path)))
                for _ in range(turns)
            ),
            strict=True,
        )
    arch = setting.architecture
    title = (
        f"{name}: N = {arch.params:,}, vocabulary {arch.n_vocab:,}, {setting.windows} windows of"
    )
    print(f"{title} {arch.n_ctx}; {turns} turns, logits differ by {difference(setting):.0e}")
    for side, runs in (("ours", ours), ("PyTorch", theirs)):
        rates = [setting.tokens / run["seconds"] for run in runs]
        rate, memory = statistics.median(rates), statistics.median(run["bytes"] for run in runs)
        told = f"  {side}: {rate:,.0f} tokens/s ({min(rates):,.0f} to {max(rates):,.0f}),"
        print(f"{told} {memory / 2**20:,.0f} MB at most", end="")
        print(_share(3 * arch.approximate_forward_flops * rate))
    pairs = list(zip(ours, theirs, strict=True))
    faster = statistics.median(b["seconds"] / a["seconds"] for a, b in pairs)
    memory = statistics.median(a["bytes"] / b["bytes"] for a, b in pairs)
    print(f"  medians of ratios: {faster:.2f} times as fast, {memory:.2f} of the memory")
    return faster, memory


def _share(flops):
    """A rate as the share of the card's peak in bfloat16, where the card is known."""
    kind = jax.devices()[0].device_kind
    peak = next((v for name, v in flops.GPU_TERAFLOPS.items() if name in kind), None)
    return f", {flops / peak / 1e12:.1%} of the {kind}'s peak" if peak else ""


def settings(gpu):
    """What is compared, by name."""
    if not gpu:
        return {"cpu": CPU}
    return CARDS if jax.default_backend() == "gpu" else {"toy": TOY}


def main(gpu=False):
    """Compare, where PyTorch is at hand."""
    if find_spec("torch") is None:
        print("large vocabularies: torch is not installed, no comparison (pip install torch)")
        return
    # Each side is a process that needs the card's memory.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    device = jax.devices()[0].device_kind
    print(f"large vocabularies: {device} {platform.machine()}, {os.cpu_count()} cores")
    for name, setting in settings(gpu).items():
        compare(name, setting)
    if not gpu:
        print("  (goals: 1.3 times as fast as PyTorch eager, in less memory)")


def _side(name):
    if name == "cpu":  # as the study's processes, and PyTorch with a thread
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    found = our_seconds({"cpu": CPU, "toy": TOY, **CARDS}[name])
    stats = jax.devices()[0].memory_stats() or {}
    print(json.dumps({"seconds": found, "bytes": stats.get("peak_bytes_in_use") or peak_bytes()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    given = parser.parse_args()
    _side(given.side) if given.side else main(given.what == "gpu")
