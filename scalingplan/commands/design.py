"""`scalinglib design`: the next runs to train, in order, for what they would decide."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib import laws
from scalinglib.allocate import Teacher
from scalinglib.flops import GPU_TERAFLOPS, forward_flops
from scalinglib.pilots import Choice, Foretell, Prior, Proposal, Worlds, grid, posterior, propose
from scalingplan import tables, units

_WORLDS = 100
_NOISE = 0.002  # of a run's log-loss over seeds, at the paper's scale
_SIZES, _RATIOS = (1 / 30, 1 / 10, 1 / 4), (5, 20, 60)  # of pilots, where none are named
_LARGE = 1e7  # parameters from which the paper's count of FLOPs holds; below, 6 N D

_EPILOG = """
The laws in question are those of --runs where there are any (few are enough), else the ensemble of
the paper's Figure 1. Teachers: SIZE:LOSS at hand, or SIZE@TOKENS, to be trained first.

examples:
  scalinglib design --student 3B --flops 2e22 --teacher 8B:1.99 --teacher 70B:1.85 --budget 5e20
  scalinglib design --runs mine.csv --student 1.5B --tokens 300B --budget 1e21 --out next.csv
  scalinglib study next.csv     trains what `design` wrote, where its sizes are the study's
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("--student", required=True, metavar="SIZE", help="what is asked about")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--flops", help="its budget: distil or train on data, from which teacher?")
    asked.add_argument("--tokens", help="foretell its loss on so many tokens, under --teacher")
    parser.add_argument("--teacher", action="append", default=[], metavar="SIZE:LOSS")
    parser.add_argument("--budget", help="of the pilots, FLOPs such as 5e20")
    parser.add_argument("--hours", help="of the same, GPU-hours such as 500 or 8x3d")
    parser.add_argument("--gpu", default="H100", help=f"{', '.join(GPU_TERAFLOPS)}")
    parser.add_argument("--utilisation", default="40%", help="of its peak (default: 40%%)")
    parser.add_argument("--runs", type=Path, help="a CSV file of the runs that there are")
    parser.add_argument("--sizes", help="of pilots, such as 100M,300M (default: below the student)")
    parser.add_argument("--pilot-tokens", help="of pilots, such as 2B,8B (default: 5, 20, 60 N)")
    parser.add_argument("--noise", type=float, default=_NOISE, help="of log-loss over seeds")
    parser.add_argument("--out", type=Path, help="write the runs as CSV")


def run(arguments: argparse.Namespace) -> int:
    """Print the answer as it stands, the runs in order, and what they are expected to buy.

    - raises ValueError: of what cannot be read, of pilots that no budget pays or that tell nothing.
    """
    student = _number("student", arguments.student, "size")
    sizes = _list("sizes", arguments.sizes, "size") or [student * share for share in _SIZES]
    named = _list("pilot-tokens", arguments.pilot_tokens, "tokens")
    forward = forward_flops if min(sizes) >= _LARGE else _twice
    teachers = [_teacher(given) for given in arguments.teacher]
    candidates = pd.concat(
        [
            grid([size], named or [ratio * size for ratio in _RATIOS], teachers, forward=forward)
            for size in sizes
        ],
        ignore_index=True,
    )
    if arguments.flops:
        if not teachers:
            raise ValueError("--flops asks whether to distil: give a --teacher, or --tokens")
        compute = _number("flops", arguments.flops, "flops")
        question = Choice(student, compute, tuple(teachers), forward=forward)
    else:
        question = _foretold(student, _number("tokens", arguments.tokens, "tokens"), teachers)
    known, worlds = _worlds(arguments, candidates)
    given = {"noise": arguments.noise, "known": known}
    proposal = propose(worlds, candidates, question, _budget(arguments), **given)
    print(*lines(proposal), sep="\n")
    if arguments.out:
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


def _twice(params):
    return 2 * params


def _number(option, text, kind):
    """As `plan` reads it; plain numbers of any size too, for studies in small."""
    try:
        return units.read(text, kind)
    except ValueError as error:
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"--{option}: {error}") from None
        if not 0 < value < np.inf:
            raise ValueError(f"--{option}: {error}") from None
        return value


def _list(option, text, kind):
    return [_number(option, part, kind) for part in text.split(",")] if text else []


def _teacher(given):
    size, mark, loss = given.partition(":")
    if mark:
        return Teacher(size, _number("teacher", size, "size"), units.read_loss(loss))
    size, mark, tokens = given.partition("@")
    if not mark:
        raise ValueError(f"--teacher: “{given}” is not SIZE:LOSS, such as 7B:2.05, or SIZE@TOKENS")
    params, tokens = _number("teacher", size, "size"), _number("teacher", tokens, "tokens")
    return Teacher(size, params, np.nan, tokens)


def _foretold(student, tokens, teachers):
    if len(teachers) > 1 or (teachers and np.isnan(teachers[0].loss)):
        raise ValueError("--tokens foretells one loss: give one --teacher as SIZE:LOSS, or none")
    return Foretell(student, tokens, teachers[0].loss if teachers else None)


def _budget(arguments):
    if (arguments.budget is None) == (arguments.hours is None):
        raise ValueError("give what the pilots may cost, --budget or --hours")
    if arguments.budget:
        return _number("budget", arguments.budget, "flops")
    peak = GPU_TERAFLOPS.get(arguments.gpu)
    peak = _number("gpu", arguments.gpu, "teraflops") if peak is None else peak
    share = _number("utilisation", arguments.utilisation, "utilisation")
    return _number("hours", arguments.hours, "hours") * peak * 1e12 * share * 3600


def _worlds(arguments, candidates):
    """Runs that there are, and what is believed after them."""
    if arguments.runs is None:
        return None, Worlds.of(laws.ensemble("figure1"))
    table = tables.read_runs(arguments.runs)
    names = {"params": "student_params", "tokens": "student_tokens", "loss": "student_loss"}
    parts = (table.distilled, table.supervised.rename(columns=names))
    runs = pd.concat([part for part in parts if len(part)]).rename(columns={"student_loss": "loss"})
    runs = runs.reset_index(drop=True)
    prior = Prior.around(pd.concat([candidates, runs], ignore_index=True))
    return runs, posterior(prior, runs, noise=arguments.noise, count=_WORLDS)
