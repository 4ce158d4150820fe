"""Speed of the Mapping Problem's sweep against a plain PyTorch loop that trains one MLP at a time.

Both sides time a few steps of every kind of network in the full sweep, in this process, and add up
what the whole sweep would take at these rates. Ours pays for compilation and for the tables of the
teachers' answers; the loop runs the teacher's forward pass on each batch, as loops do. Each time is
the best of several, and the loop's the best over one thread and all: other work on the machine
slows the loop's thread pool more than anything else, and would flatter us.
"""

import os
import time

import jax
import numpy as np

from scalinglib.gap import mapping as mp
from scalinglib.gap import mapping_sweep

try:
    import torch
except ImportError:
    torch = None

STEPS = 8
PROBLEM = mp.Problem()


def seconds_of(function, repeats=1):
    """Wall-clock seconds that a call takes, the best of some."""
    times = []
    for _ in range(repeats):
        before = time.perf_counter()
        function()
        times.append(time.perf_counter() - before)
    return min(times)


def our_seconds(sweep):
    """Seconds for the whole sweep with `mapping.train`."""
    truth = np.asarray(mp.truth(PROBLEM))
    start, step, total = {}, {}, 0.0
    for group in sweep.groups():
        shape = (sweep.seeds, max(1, len(group.teachers)))
        steps = -(-group.samples // mp.BATCH)
        kind = group.width, shape
        if kind not in step:
            tables = np.broadcast_to(truth, (*shape, *truth.shape))

            def train(steps, width=group.width, tables=tables):
                seeds = range(sweep.seeds)
                network = mp.train(PROBLEM, width, steps * mp.BATCH, seeds, tables, "student")
                return jax.block_until_ready(network)

            total += seconds_of(lambda train=train: train(1))  # compiles
            start[kind] = seconds_of(lambda train=train: train(1), 3)
            longer = seconds_of(lambda train=train: train(1 + STEPS), 3)
            step[kind] = (longer - start[kind]) / STEPS
            if not group.teachers:
                network = train(1)
                mp.answers(PROBLEM, network)
                step["table", group.width] = seconds_of(lambda n=network: mp.answers(PROBLEM, n), 2)
        total += start[kind] + steps * step[kind]
        if not group.teachers:
            total += step["table", group.width]
    return total


def torch_batch():
    """A batch of samples and their labels."""
    rows, places = torch.arange(mp.BATCH), torch.arange(PROBLEM.context)
    context = torch.randint(0, mp.VALUES, (mp.BATCH, PROBLEM.context))
    pointer = torch.randint(0, PROBLEM.context, (mp.BATCH,))
    shown = context[rows, pointer]
    equal = (context == shown[:, None]) & (places != pointer[:, None])
    lonely = (shown == 0) | ~equal.any(1)
    label = torch.where(lonely, pointer, equal.int().argmax(1))
    hot = torch.nn.functional.one_hot(pointer, PROBLEM.context)
    return torch.cat([context, hot], 1).float(), label


def torch_mlp(width):
    """Two hidden layers of equal width, ReLU."""
    n_in, n_out = 2 * PROBLEM.context, PROBLEM.context
    return torch.nn.Sequential(
        torch.nn.Linear(n_in, width),
        torch.nn.ReLU(),
        torch.nn.Linear(width, width),
        torch.nn.ReLU(),
        torch.nn.Linear(width, n_out),
    )


def torch_step_seconds(width, teacher_width=None):
    """Seconds of one training step of one network, from labels or from a teacher."""
    network = torch_mlp(width)
    teacher = torch_mlp(teacher_width) if teacher_width else None
    optimizer = torch.optim.Adam(network.parameters(), lr=mp.Schedule.peak)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)

    def steps(number):
        for _ in range(number):
            features, target = torch_batch()
            if teacher:
                with torch.no_grad():
                    target = teacher(features).softmax(1)
            loss = torch.nn.functional.cross_entropy(network(features), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()

    times = []
    for threads in (1, os.cpu_count()):
        torch.set_num_threads(threads)
        steps(2)
        times.append(seconds_of(lambda: steps(STEPS), 3) / STEPS)
    return min(times)


def torch_seconds(sweep):
    """Seconds for the whole sweep with the plain loop."""
    step, total = {}, 0.0
    for group in sweep.groups():
        steps = -(-group.samples // mp.BATCH)
        for teacher in group.teachers or (None,):
            kind = (group.width, teacher.width if teacher else None)
            if kind not in step:
                step[kind] = torch_step_seconds(*kind)
            total += sweep.seeds * steps * step[kind]
    return total


def main():
    """Print samples per second of both and their ratio."""
    if torch is None:
        print("mapping problem: torch is not installed, no comparison (pip install torch)")
        return
    sweep = mapping_sweep.FULL
    samples = sum(g.samples * g.seeds * max(1, len(g.teachers)) for g in sweep.groups())
    loop, ours = torch_seconds(sweep), our_seconds(sweep)
    print(f"mapping problem, the sweep as a whole ({samples / 1e6:.0f} million samples, CPU):")
    print(f"  plain PyTorch loop {samples / loop:10.0f} samples/s  ({loop / 60:.1f} min)")
    print(f"  ours               {samples / ours:10.0f} samples/s  ({ours / 60:.1f} min)")
    print(f"  ratio              {loop / ours:10.1f}")


if __name__ == "__main__":
    main()
