"""`scalinglib design`: the next runs to train, in order, for what they would decide."""

import argparse
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib import laws
from scalinglib.allocate import Teacher
from scalinglib.experiment import files
from scalinglib.flops import GPU_TERAFLOPS, forward_flops
from scalingplan import tables, units
from scalingplan.commands.plan import KNOWN, described, options, peak
from scalingplan.pilots import Choice, Foretell, Prior, Proposal, Worlds, grid, posterior, propose

_WORLDS = 100
_NOISE = 0.002  # of a run's log-loss over seeds, at the paper's scale
_SIZES, _RATIOS = (1 / 30, 1 / 10, 1 / 4), (5, 20, 60)  # of pilots, where none are named
_LARGE = 1e7  # parameters from which the paper's count of FLOPs holds; below, 6 N D

_EPILOG = """
The laws in question are those of --runs where there are any (few are enough), else the ensemble of
the paper's Figure 1. Teachers: SIZE:LOSS or SIZE@TOKENS:LOSS at hand, in the units of `plan`, or
one of its names (with the loss of the published law), or SIZE@TOKENS, to be trained first.
The pilots' budget: FLOPs such as 5e20, GPU-hours such as 500h or 8x3d, or money such as $2000.
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
    option = parser.add_argument
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    option("--student", required=True, metavar="SIZE", help="what is asked about")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--flops", help="its budget: distil or train on data, from which teacher?")
    asked.add_argument("--hours", help="GPU-hours of the same, such as 5000 or 64x14d")
    asked.add_argument("--tokens", help="foretell its loss on so many tokens, under --teacher")
    option("--teacher", action="append", default=[], metavar="TEACHER")
    option("--budget", required=True, help="of the pilots: 5e20, 500h, 8x3d or $2000")
    option("--gpu", default="H100", help=f"{', '.join(GPU_TERAFLOPS)}, or TFLOP/s")
    option("--utilisation", default="40%", help="of its peak (default: 40%%)")
    option("--price", help="of one GPU-hour")
    option("--delta-lgt", default="1", help="share of a teacher's inference that counts")
    option("--runs", type=Path, help="a CSV file of the runs that there are")
    option("--sizes", help="of pilots, such as 100M,300M (default: below the student)")
    option("--pilot-tokens", help="of pilots, such as 2B,8B (default: 5, 20, 60 N)")
    option("--noise", type=float, default=_NOISE, help="of log-loss over seeds")
    option("--curves", action="store_true", help="a run tells the fewer tokens, too")
    option("--out", help="write the runs as CSV, where there are any")


def run(arguments: argparse.Namespace) -> int:
    """Print the answer as it stands, the runs in order, and what they are expected to buy.

    - raises ValueError: of what cannot be read, of pilots that no budget pays or that tell nothing.
    """
    if arguments.out is not None:
        _refuse(Path(arguments.out), arguments.runs)
    given = options(arguments, _number)
    student = given.student
    sizes = _list("sizes", arguments.sizes, "size") or [student * share for share in _SIZES]
    named = _list("pilot-tokens", arguments.pilot_tokens, "tokens")
    teachers = [_teacher(text) for text in arguments.teacher]
    costs = {"delta_lgt": given.delta_lgt}
    costs["forward"] = forward_flops if min(sizes) >= _LARGE else lambda params: 2 * params
    candidates = pd.concat(
        [grid([size], named or [r * size for r in _RATIOS], teachers, **costs) for size in sizes],
        ignore_index=True,
    )
    per_hour = peak(arguments.gpu, _number) * 1e12 * given.utilisation * 3600
    if given.tokens:
        if len(teachers) > 1 or any(np.isnan(teacher.loss) for teacher in teachers):
            raise ValueError("--tokens foretells one loss: give one --teacher as SIZE:LOSS or none")
        question = Foretell(student, given.tokens, *(teacher.loss for teacher in teachers))
    elif teachers:
        compute = given.flops if given.hours is None else given.hours * per_hour
        question = Choice(student, compute, tuple(teachers), **costs)
    else:
        raise ValueError("a budget asks whether to distil: give a --teacher, or --tokens")
    known, worlds = _worlds(arguments, candidates)
    budget = _budget(arguments.budget, per_hour, given.price)
    evidence = {"noise": arguments.noise, "known": known, "curves": arguments.curves}
    proposal = propose(worlds, candidates, question, budget, **evidence)
    print(*lines(proposal), sep="\n")
    if len(proposal.runs):
        hours = proposal.runs.spent.iloc[-1] / per_hour
        price = given.price
        money = "" if price is None else f", {hours * price:.3g} at {price:g} an hour"
        print(f"all together: {hours:.3g} GPU-hours{money}")
    if arguments.out and proposal.runs.empty:
        print(f"no runs to write: {arguments.out} is left as it is")
    elif arguments.out:
        written(proposal).to_csv(arguments.out, index=False, float_format="%.6g")
        print(f"written: {arguments.out}")
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


def _number(text, kind, option):
    """As `plan` reads it; plain numbers of any size too, for studies in small."""
    try:
        return units.read_loss(text) if kind == "loss" else units.read(text, kind)
    except ValueError as error:
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"--{option}: {error}") from None
        if kind not in ("size", "tokens", "flops") or not 0 < value < np.inf:
            raise ValueError(f"--{option}: {error}") from None
        return value


def _list(option, text, kind):
    return [_number(part, kind, option) for part in text.split(",")] if text else []


def _teacher(given):
    def of_loss(text, option):
        return _number(text, "loss", option)

    name, params, tokens, loss = described(given, _number, of_loss)
    if given.lower() in KNOWN:
        loss = float(laws.load().supervised.loss(params, tokens))
    return Teacher(name, params, np.nan if loss is None else loss, tokens)


def _budget(text, per_hour, price):
    """FLOPs of a budget in FLOPs, GPU-hours or money."""
    amount = re.fullmatch(r"\s*(?:[$€£]\s*(.+?)|(.+?)\s*(?:usd|eur|[$€£]))\s*", text, re.I)
    if amount:
        if not price:
            raise ValueError(f"--budget: “{text}” is money; say what a GPU-hour costs, --price")
        return _number(amount[1] or amount[2], "count", "budget") / price * per_hour
    with suppress(ValueError):
        return _number(text, "flops", "budget")
    with suppress(ValueError):
        return units.read(text, "hours") * per_hour
    raise ValueError(
        f"--budget: “{text}” is neither FLOPs (5e20) nor GPU-hours (8x3d) nor money ($2000)"
    )


def _worlds(arguments, candidates):
    """Runs that there are, and what is believed after them."""
    if arguments.runs is None:
        return None, Worlds.of(laws.ensemble("figure1"))
    table = tables.read_runs(arguments.runs)
    parts = [part for part in (table.distilled, table.supervised) if len(part)]
    found = [doubt for part in parts for doubt in tables.doubts(part)]
    if left := [doubt.text for doubt in found if doubt.units]:
        raise ValueError(f"--runs {arguments.runs}: {'; '.join(left)}: `scalinglib fit` converts")
    for said in (*table.notes, *table.doubts, *(doubt.text for doubt in found)):
        print(f"--runs: {said}")
    names = {"params": "student_params", "tokens": "student_tokens", "loss": "student_loss"}
    parts = (table.distilled, table.supervised.rename(columns=names))
    runs = pd.concat([part for part in parts if len(part)]).rename(columns={"student_loss": "loss"})
    runs = runs.reset_index(drop=True)
    prior = Prior.around(pd.concat([candidates, runs], ignore_index=True))
    return runs, posterior(prior, runs, noise=arguments.noise, count=_WORLDS)
