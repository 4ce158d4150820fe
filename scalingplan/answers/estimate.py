"""What a study will take, before it is trained: runs, text, FLOPs, hours, storage."""

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from scalinglib.experiment import execute
from scalinglib.flops import GPU_TERAFLOPS
from scalinglib.study import record, training
from scalinglib.study.run import Run

CARD, UTILISATION = "H100", 0.2  # a guess for small models; the plan says it
PROBE_SECONDS = 10.0
PROBE_TOKENS = 16384


def probe(runs: Sequence[Run]) -> dict[int, float]:
    """FLOP/s that one process reaches in training, by non-embedding parameters.

    The smallest, the largest and a middle size are trained for a moment, compilation apart, until
    `PROBE_SECONDS` are over; at least one is.
    """
    sizes = {r.params: r for r in sorted(runs, key=lambda r: r.params)}
    ordered = list(sizes)
    wanted = dict.fromkeys((ordered[0], ordered[-1], ordered[len(ordered) // 2]))
    begun, found = time.monotonic(), {}
    for params in wanted:
        if found and time.monotonic() - begun > PROBE_SECONDS:
            break
        own = sizes[params]
        recipe = replace(own.recipe, windows=4)
        short = replace(own, tokens=PROBE_TOKENS, recipe=recipe, teacher=None)
        for _ in range(2):  # the first is compiled
            before = time.perf_counter()
            training.trained(short)
            taken = time.perf_counter() - before
        found[params] = short.flops / taken
    return found


def seconds(runs: Sequence[Run], rates: Mapping[int, float]) -> np.ndarray:
    """About how long each run takes one process: training, its teacher, and measuring.

    Between the sizes that were probed the rate is drawn straight in logarithms.
    """
    sizes = sorted(rates)
    at = np.log([r.params for r in runs])
    rate = np.exp(np.interp(at, np.log(sizes), np.log([rates[n] for n in sizes])))
    forward = [
        r.architecture.approximate_forward_flops
        + sum(t.architecture.approximate_forward_flops for t in r.needs)
        for r in runs
    ]
    work = [r.flops + r.inference_flops for r in runs]
    return (np.array(work) + training.EVALUATED * np.array(forward)) / rate


def lines(
    runs: Sequence[Run],
    done: Collection[str],
    rates: Mapping[int, float],
    workers: int,
) -> list[str]:
    """The plan in words, for so many processes."""
    todo = [r for r in runs if r.id not in done]
    taught = sum(r.teacher is not None for r in runs)
    told = [
        f"{len(runs)} runs: {len(runs) - taught} on labels, {taught} from teachers; "
        f"{len(runs) - len(todo)} are in the table, {len(todo)} to train"
    ]
    counts = Counter(r.params for r in runs)
    for r in {r.params: r for r in sorted(runs, key=lambda r: r.params)}.values():
        own = [q.tokens for q in runs if q.params == r.params]
        told.append(
            f"  N = {r.params:,}: depth {r.n_layers}, width {r.architecture.d_model}, "
            f"{counts[r.params]} runs on {min(own):,} to {max(own):,} tokens"
        )
    told += _text(runs)
    work = sum(r.flops for r in todo), sum(r.inference_flops for r in todo)
    told.append(f"FLOPs: {work[0]:.2g} in training, {work[1]:.2g} in teachers' inference")
    if todo:
        hours = seconds(todo, rates) / 3600
        longest = max(hours.max(), hours.sum() / workers)
        peak = GPU_TERAFLOPS[CARD] * 1e12
        card = sum(work) / (UTILISATION * peak) / 3600
        told += [
            f"this machine: {_hours(longest)} on {workers} processes "
            f"({execute.hardware()}; "
            + ", ".join(f"{rate:.2g} FLOP/s at N = {n:,}" for n, rate in sorted(rates.items()))
            + ", probed), and a minute or two of compiling",
            f"on GPUs: {_hours(card)} of one {CARD} at {UTILISATION:.0%} of its "
            f"{peak:.2g} FLOP/s, which models as small as these do not reach; N GPUs share it",
        ]
    needed = {t for q in runs for t in q.needs}
    kept = {r.key: r.architecture for r in runs if r.keeps or r in needed}
    weights = sum(a.params + 2 * a.n_vocab * a.d_model for a in kept.values())  # with the head
    told.append(f"weights kept: {len(kept)} models, {4 * weights / 1e6:.1f} MB")
    return told


def _text(runs):
    """Whether the text of each split suffices."""
    held = getattr(runs[0].corpus, "tokens", None)
    if not held:
        return [f"corpus {runs[0].corpus.id}: no end"]
    source = getattr(runs[0].corpus, "source", "")
    told = [f"corpus {runs[0].corpus.id}: {source}".rstrip()]
    for split, own in (
        ("teacher", [r for r in runs if r.teacher is None]),
        ("student", [r for r in runs if r.teacher is not None]),
    ):
        most = max(own, key=record.repeats, default=None)
        if most is None:
            continue
        times = record.repeats(most)
        over = sum(record.repeats(r) > 1 for r in own)
        enough = f"too few for {over} runs" if over else "enough"
        told.append(
            f"  {split} split: {held[split]:,} tokens, {enough}; the longest run reads "
            f"{most.tokens:,}, {times:.2g} times that, and {record.reread(most):.0%} of it again, "
            "for windows are drawn at random"
        )
    return told


def _hours(hours):
    if hours < 1 / 60:
        return "less than a minute"
    return f"about {hours:.1f} h" if hours >= 1 else f"about {60 * hours:.0f} min"
