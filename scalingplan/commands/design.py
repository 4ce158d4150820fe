"""`scalinglib design`: the next runs to train, in order, for what they would decide."""

import argparse
import re
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib import laws
from scalinglib.experiment import files
from scalinglib.flops import forward_flops
from scalingplan import tables, units
from scalingplan.commands import options
from scalingplan.pilots import Choice, Foretell, Prior, Proposal, Worlds, grid, posterior, propose

_WORLDS = 100
_NOISE = 0.002  # of a run's log-loss over seeds, at the paper's scale
_SIZES, _RATIOS = (1 / 30, 1 / 10, 1 / 4), (5, 20, 60)  # of pilots, where none are named
_LARGE = 1e7  # parameters from which the paper's count of FLOPs holds; below, 6 N D

_EPILOG = """
The laws in question are those of --runs where there are any (few are enough), else the ensemble of
the paper's Figure 1.

teachers:
  8B:1.99         at hand, with its loss; or 8B@15T:1.99; units as `scalinglib plan` has them
  llama-3-8b      by name, with the loss that the published law expects
  7B@2T           to be trained first, as one of the pilots

A run counts with its last loss. Where the learning rate lets it stop anywhere (constant, or with a
decay of its own at each stop), --curves counts its losses on the way, too. In --runs a column `run`
says which rows are losses of one run: they share half of a seed's noise, and `fit` resamples them
as one.

examples:
  scalinglib design --student 3B --flops 2e22 --teacher 8B:1.99 --teacher 70B:1.85 --budget 5e20
  scalinglib design --student 3B --hours 64x14d --teacher 7B:2.05 --budget '$2000' --price 2.50
  scalinglib design --runs mine.csv --student 1.5B --tokens 300B --budget 8x3d --out next.csv
  scalinglib study next.csv     trains what `design` wrote, where its sizes are the study's
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    number = partial(options.number, parser, kinds=options.SMALL)
    option = parser.add_argument
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    number("--student SIZE", "size", "of the large model in question, such as 3B", required=True)
    group = parser.add_mutually_exclusive_group(required=True)
    asked = partial(options.number, group, kinds=options.SMALL)
    asked("--flops FLOPS", "flops", "its budget: distil or train on data, from which teacher?")
    asked("--hours HOURS", "hours", "the same in GPU-hours, such as 5000 or 64x14d")
    asked("--tokens TOKENS", "tokens", "asks for its loss on so many tokens instead")
    teacher = partial(options.teacher, kinds=options.SMALL)
    option("--teacher", type=teacher, action="append", default=[], help="see below")
    budget = "of all pilots together: FLOPs (5e20), GPU-hours (500h, 8x3d) or money ($2000)"
    option("--budget", type=_budget, required=True, help=budget)
    options.add_shared(parser)
    option("--runs", type=Path, metavar="FILE", help="a CSV file of the runs that there are")
    sizes = "of pilots, such as 100M,300M (default: 1/30, 1/10, 1/4 of the student)"
    option("--sizes", type=partial(_several, kind="size"), help=sizes)
    tokens = "of pilots, such as 2B,8B (default: 5, 20, 60 a parameter)"
    every = partial(_several, kind="tokens")
    option("--pilot-tokens", type=every, metavar="TOKENS", help=tokens)
    noise = f"relative scatter of a run's loss over seeds (default: {_NOISE})"
    number("--noise SHARE", "noise", noise, default=str(_NOISE))
    option("--curves", action="store_true", help="a run tells its losses on fewer tokens, too")
    option("--out", metavar="FILE", help="write the runs as CSV, where there are any")


def run(arguments: argparse.Namespace) -> int:
    """Print the answer as it stands, the runs in order, and what they are expected to buy.

    - raises ValueError: of what cannot be read, of pilots that no budget pays or that tell nothing.
    """
    given = arguments
    if given.out is not None:
        _refuse(Path(given.out), given.runs)
    student = given.student
    sizes = given.sizes or [student * share for share in _SIZES]
    teachers = [_at_hand(teacher) for teacher in given.teacher]
    costs = {"delta_lgt": given.delta_lgt}
    costs["forward"] = forward_flops if min(sizes) >= _LARGE else lambda params: 2 * params
    tokens = [given.pilot_tokens or [ratio * size for ratio in _RATIOS] for size in sizes]
    rows = [grid([size], own, teachers, **costs) for size, own in zip(sizes, tokens, strict=True)]
    candidates = pd.concat(rows, ignore_index=True)
    per_hour = options.flops_per_hour(given)
    if given.tokens:
        if len(teachers) > 1 or any(np.isnan(teacher.loss) for teacher in teachers):
            raise ValueError("--tokens foretells one loss: give one --teacher as SIZE:LOSS or none")
        question = Foretell(student, given.tokens, *(teacher.loss for teacher in teachers))
    elif teachers:
        compute = given.flops if given.hours is None else given.hours * per_hour
        question = Choice(student, compute, tuple(teachers), **costs)
    else:
        raise ValueError("a budget asks whether to distil: give a --teacher, or --tokens")
    known, worlds = _worlds(given, candidates)
    budget = _flops(given.budget, per_hour, given.price)
    evidence = {"noise": given.noise, "known": known, "curves": given.curves}
    proposal = propose(worlds, candidates, question, budget, **evidence)
    print(*lines(proposal), sep="\n")
    if len(proposal.runs):
        hours = proposal.runs.spent.iloc[-1] / per_hour
        price = given.price
        money = "" if price is None else f", {hours * price:.3g} at {price:g} an hour"
        print(f"all together: {hours:.3g} GPU-hours{money}")
    if given.out and proposal.runs.empty:
        print(f"no runs to write: {given.out} is left as it is")
    elif given.out:
        written(proposal).to_csv(given.out, index=False, float_format="%.6g")
        print(f"written: {given.out}")
    return 0


def lines(proposal: Proposal) -> list[str]:
    """A proposal in words."""
    told = ["as it stands:"]
    for row in proposal.answers.itertuples():
        share = "" if len(proposal.answers) == 1 else f", best in {row.best:.0%} of the worlds"
        told.append(f"  {row.answer}: {row.loss:.4f} ({row.low:.4f} to {row.high:.4f}){share}")
    told.append(proposal.sentence())
    if proposal.stop:
        return told
    for number, row in enumerate(proposal.runs.itertuples(), 1):
        teacher = ""
        if not np.isnan(row.teacher_params):
            new = f", trained on {row.teacher_tokens:.3g}" if np.isnan(row.teacher_loss) else ""
            teacher = f" from the teacher of {row.teacher_params:.3g}{new}"
        told.append(
            f"  {number}. {row.student_params:.3g} parameters on {row.student_tokens:.3g} tokens"
            f"{teacher}: {row.cost:.2g} FLOPs; then ±{1.645 * row.width:.2g} nats"
        )
    if len(proposal.runs) and proposal.floor > 0.5 * proposal.width:
        told.append(
            f"  no pilots of these sizes leave less than ±{1.645 * proposal.floor:.2g}: the rest "
            "is extrapolation"
        )
    return told


def written(proposal: Proposal) -> pd.DataFrame:
    """The runs as a table for `scalinglib study`, and with losses for `scalinglib fit`."""
    columns = ["student_params", "student_tokens", "teacher_params", "teacher_tokens"]
    found = proposal.runs[[*columns, "teacher_loss"]].copy()
    seeds = proposal.runs.groupby("candidate").cumcount()
    return found.assign(student_loss=np.nan, seed=seeds, flops=proposal.runs.cost)


def _refuse(out, runs):
    """Raise where the answer cannot be written, or would overwrite the runs."""
    said = f"--out is {str(out) if out.name else ''!r}; it must be "
    if not out.name or out.is_dir():
        raise ValueError(f"{said}a CSV file, and this is a folder")
    if not out.parent.is_dir():
        raise ValueError(f"{said}a CSV file in a folder that is there")
    if runs is not None and files.one_of(out, [runs]):
        raise ValueError(f"{said}another file than --runs, which would be overwritten")
    files.writable(out, "--out FILE writes elsewhere", folder=False)


@options.said
def _several(text, kind):
    return [units.read(part, kind, options.SMALL) for part in text.split(",")]


def _at_hand(teacher):
    """A teacher by name has the published law's loss; another one without is to be trained."""
    if teacher.name.lower() not in options.KNOWN:
        return teacher
    loss = laws.load().supervised.loss(teacher.params, teacher.tokens)
    return teacher._replace(loss=float(loss))


@options.said
def _budget(text):
    """A budget and what it is in: flops, hours or money."""
    if price := re.fullmatch(r"\s*(?:[$€£]\s*(.+?)|(.+?)\s*(?:usd|eur|[$€£]))\s*", text, re.I):
        return units.read(price[1] or price[2], "count"), "money"
    for kind in ("flops", "hours"):
        with suppress(ValueError):
            amount = units.read(text, kind, options.SMALL)
            # FLOPs below those of a run are no hours either, unless they say so.
            if kind == "flops" or amount < 1e6 or re.search("[hdwy]", text, re.I):
                return amount, kind
    raise ValueError(f"“{text}” is neither FLOPs (5e20) nor GPU-hours (8x3d) nor money ($2000)")


def _flops(budget, per_hour, price):
    amount, unit = budget
    if unit == "money" and not price:
        raise ValueError("--budget is money; say what a GPU-hour costs, --price")
    return amount * {"flops": 1, "hours": per_hour, "money": per_hour / (price or 1)}[unit]


def _worlds(given, candidates):
    """Runs that there are, and what is believed after them."""
    if given.runs is None:
        return None, Worlds.of(laws.ensemble("figure1"))
    table = tables.read_runs(given.runs)
    found = table.suspicions()
    if left := [doubt.text for doubt in found if doubt.units]:
        raise ValueError(f"--runs {given.runs}: {'; '.join(left)}: `scalinglib fit` converts")
    for said in (*table.notes, *table.doubts, *(doubt.text for doubt in found)):
        print(f"--runs: {said}")
    names = {"params": "student_params", "tokens": "student_tokens", "student_loss": "loss"}
    runs = table.whole().rename(columns=names).reset_index(drop=True)
    prior = Prior.around(pd.concat([candidates, runs], ignore_index=True))
    return runs, posterior(prior, runs, noise=given.noise, count=_WORLDS)
