"""The study's transformer and its training as one writes them in PyTorch; knows nothing of JAX.

    python -m tools.bench.torch_loop job.pickle    trains, and prints seconds and memory

A job is what `tools.bench.training.job` makes: symbols are (steps, windows, n_ctx + 1), `shares` of
the learning rate a tree like the weights.
"""

import json
import pickle
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional


def tensors(weights):
    """The study's weights as PyTorch's, gains flat, the embedding a row a symbol."""

    def convert(name, x):
        x = np.array(x.T if name == "embedding" else x)
        flat = torch.tensor(x.ravel() if "gain" in name else x)
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
    head = len(params["layers"][0]["query_gain"])
    angle = np.outer(np.arange(n_ctx), rope_base ** (-np.arange(0, head, 2) / head))
    return [torch.tensor(f(angle), dtype=torch.float32) for f in (np.cos, np.sin)]


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
        query = rotate(norm(heads[0], layer["query_gain"]))
        key = rotate(norm(heads[1], layer["key_gain"]))
        mixed = functional.scaled_dot_product_attention(query, key, heads[2], is_causal=True)
        x = x + functional.linear(mixed.transpose(1, 2).reshape(x.shape), layer["out"])
        gate, value = functional.linear(norm(x, layer["norm2_gain"]), layer["up"]).chunk(2, -1)
        x = x + functional.linear(functional.silu(gate) * value, layer["down"])
    return functional.linear(norm(x, params["gain"]), params["head"])


def apart(job):
    """Largest difference between a job's logits and those of this side."""
    weights = tensors(job["weights"])
    symbols = torch.tensor(job["symbols"].reshape(-1, job["symbols"].shape[2])[:4, :-1])
    turned = rotations(weights, symbols.shape[1], job["rope_base"])
    found = logits(weights, symbols, turned).detach().flatten(0, 1).T.numpy()
    return float(np.abs(found - job["logits"]).max())


def seconds(job):
    """The processor's seconds of a job's steps after its `warm` ones."""
    params = tensors(job["weights"])
    groups = [
        {"params": [p], "lr": job["peak"] * share}
        for p, share in zip(leaves(params), leaves(job["shares"]), strict=True)
    ]
    optimizer = torch.optim.AdamW(groups, fused=True, **job["adam"])
    rates = job["rates"]
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rates[min(step, len(rates) - 1)]
    )
    turned = rotations(params, job["symbols"].shape[2] - 1, job["rope_base"])
    for step, symbols in enumerate(job["symbols"]):
        if step == job["warm"]:
            before = time.process_time()
        symbols = torch.tensor(symbols)
        found = logits(params, symbols[:, :-1], turned).flatten(0, 1)
        loss = functional.cross_entropy(found, symbols[:, 1:].flatten())
        loss = loss + job["z_loss"] * found.logsumexp(-1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(leaves(params), job["clip"])
        optimizer.step()
        schedule.step()
    return time.process_time() - before


if __name__ == "__main__":
    torch.set_num_threads(1)
    wanted = pickle.loads(Path(sys.argv[1]).read_bytes())
    told = {"apart": apart(wanted), "seconds": seconds(wanted)}
    print(json.dumps(told | {"most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
