"""The study's transformer and its training as one writes them in PyTorch; knows nothing of JAX.

    python -m tools.bench.torch_loop job.pickle    trains, and prints seconds and memory

A job is a dict: weights (NumPy arrays, `transformer.initial`), shares of the learning rate (a tree
like it), rates by step, symbols (steps, windows, n_ctx + 1), `recipe.Recipe` as a dict, z_loss,
rope_base, warm (steps before the clock starts), bfloat16, compiled, threads.
"""

import json
import pickle
import sys
import time
from pathlib import Path

import numpy as np

from tools.bench.memory import peak_bytes

try:
    import torch
    from torch.nn import functional
except ImportError:
    torch = functional = None


def tensors(weights, device="cpu"):
    """The study's weights as PyTorch's, gains flat, the embedding a row a symbol."""

    def convert(name, x):
        x = np.array(x.T if name == "embedding" else x)
        flat = torch.tensor(x.ravel() if "gain" in name else x, device=device)
        return flat.requires_grad_()

    layers = [{name: convert(name, x) for name, x in layer.items()} for layer in weights["layers"]]
    own = {name: convert(name, x) for name, x in weights.items() if name != "layers"}
    return own | {"layers": layers}


def leaves(tree):
    """What stands in a tree of weights, in one order."""
    own = [x for name, x in sorted(tree.items()) if name != "layers"]
    return own + [x for layer in tree["layers"] for _, x in sorted(layer.items())]


def rotations(params, n_ctx, rope_base):
    """Cosines and sines of the rotary positions, (n_ctx, d_head / 2)."""
    head, device = len(params["layers"][0]["query_gain"]), params["gain"].device
    angle = np.outer(np.arange(n_ctx), rope_base ** (-np.arange(0, head, 2) / head))
    return [torch.tensor(f(angle), dtype=torch.float32, device=device) for f in (np.cos, np.sin)]


def logits(params, tokens, turned):
    """The study's transformer, with `rotations`: logits (windows, positions, n_vocab)."""
    (cos, sin), head = turned, len(params["layers"][0]["query_gain"])

    def norm(x, gain):
        return functional.rms_norm(x, gain.shape, gain, eps=1e-6)

    def rotate(x):
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)

    x = functional.embedding(tokens, params["embedding"])
    windows, positions, d = x.shape
    for layer in params["layers"]:
        heads = functional.linear(norm(x, layer["norm1_gain"]), layer["qkv"])
        heads = heads.view(windows, positions, 3, d // head, head).permute(2, 0, 3, 1, 4)
        query = rotate(norm(heads[0], layer["query_gain"])).to(heads.dtype)
        key = rotate(norm(heads[1], layer["key_gain"])).to(heads.dtype)
        mixed = functional.scaled_dot_product_attention(query, key, heads[2], is_causal=True)
        x = x + functional.linear(mixed.transpose(1, 2).reshape(x.shape), layer["out"])
        gate, value = functional.linear(norm(x, layer["norm2_gain"]), layer["up"]).chunk(2, -1)
        x = x + functional.linear(functional.silu(gate) * value, layer["down"])
    return functional.linear(norm(x, params["gain"]), params["head"])


def seconds(job):
    """Seconds of the steps of a job after its `warm` ones: a GPU's, or of the processor."""
    torch.set_num_threads(job["threads"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    ours, rates = job["recipe"], job["rates"]
    params = tensors(job["weights"], device)
    groups = [
        {"params": [p], "lr": ours["peak"] * share}
        for p, share in zip(leaves(params), leaves(job["shares"]), strict=True)
    ]
    optimizer = torch.optim.AdamW(
        groups, betas=(ours["b1"], ours["b2"]), weight_decay=ours["weight_decay"], fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rates[min(step, len(rates) - 1)]
    )

    turned = rotations(params, job["symbols"].shape[2] - 1, job["rope_base"])

    def loss(symbols):
        with torch.autocast(device, torch.bfloat16, enabled=job["bfloat16"]):
            found = logits(params, symbols[:, :-1], turned).flatten(0, 1)
        found = found.float()
        labels = functional.cross_entropy(found, symbols[:, 1:].flatten())
        return labels + job["z_loss"] * found.logsumexp(-1).square().mean()

    if job["compiled"]:
        loss = torch.compile(loss)
    clock = time.perf_counter if device == "cuda" else time.process_time
    for step, symbols in enumerate(job["symbols"]):
        if step == job["warm"]:
            _wait(device)
            before = clock()
        optimizer.zero_grad()
        loss(torch.tensor(symbols, dtype=torch.long, device=device)).backward()
        torch.nn.utils.clip_grad_norm_(leaves(params), ours["clip"])
        optimizer.step()
        schedule.step()
    _wait(device)
    return clock() - before


def _wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    found = seconds(pickle.loads(Path(sys.argv[1]).read_bytes()))
    card = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    print(json.dumps({"seconds": found, "bytes": card or peak_bytes()}))
