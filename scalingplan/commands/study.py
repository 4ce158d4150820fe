"""`scalinglib study design.toml`: say what a study takes, train it, and leave a table of runs."""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from scalinglib.experiment import execute, files, records
from scalinglib.study import design_file, record
from scalingplan import tables
from scalingplan.answers import estimate, full, studies
from scalingplan.answers.fitting import (
    STRONGEST,
    TEACHERS_NEEDED,
    settings_to_check,
    students_needed,
)
from scalingplan.commands import options

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    option, number = parser.add_argument, partial(options.number, parser)
    example = Path(design_file.__file__).with_name("designs") / "example.toml"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"An example with every key: {example}"
    option(
        "design",
        type=Path,
        help="a TOML file, what `scalinglib design` wrote, or with --new a text",
    )
    option(
        "--new",
        action="store_true",
        help="the folder or file is text: make a design for it, train that, and fit the laws",
    )
    number("--minutes MINUTES", "minutes", "that --new may take (default: 30)", default="30")
    option("--like", type=Path, metavar="FILE", help="TOML: corpus and recipe of the runs of a CSV")
    option("--table", type=Path, metavar="FILE", help="of the runs (default: beside design, .csv)")
    option("--dry-run", action="store_true", help="say what it takes and stop")
    number("--workers COUNT", "count", "processes (default: one a core)")
    option("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan and train what the table lacks; start it again after a kill and it goes on.

    - returns: 0; or 1, with a sentence, where runs failed or another runner has the table; or 130
      after Ctrl-C, which ends all runs at once and leaves what they have saved.
    - raises ValueError: with every fault of the design, before anything is trained.
    """
    workers = int(arguments.workers or os.cpu_count())
    if arguments.new:
        arguments.design = _made(arguments, workers)
    if arguments.design.suffix == ".csv":
        like = arguments.like and design_file.read(arguments.like)
        runs = studies.read_runs(arguments.design, like)
        beside = arguments.design.with_name(f"{arguments.design.stem}_runs.csv")
    else:
        runs = design_file.read(arguments.design).runs()
        beside = arguments.design.with_suffix(".csv")
    path = arguments.table or beside
    if path.is_dir():
        raise ValueError(f"--table is {path}, a folder; it must be a CSV file")
    task = record.task(runs=runs)
    records.matching(path, task.columns)
    there = records.read(path, task.types)
    done = set(there.id)
    todo = [r for r in runs if r.id not in done]
    rates = estimate.probe(todo) if todo else {}
    told = [*estimate.lines(runs, done, rates, workers), *_too_few(runs)]
    if strangers := len(done - {r.id for r in runs}):
        told.append(
            f"{strangers} rows of {path} are no runs of this design, and scalinglib fit takes them "
            "too: where corpus, tokenizer or recipe have changed give --table another file"
        )
    print(*told, sep="\n", flush=True)
    if todo and not arguments.dry_run:
        folder = path.with_name(f"{path.stem}_weights")
        local = partial(execute.local_executor, workers if arguments.workers else None)
        try:
            elsewhere = files.named(path, "--table FILE writes elsewhere")
            with elsewhere, execute.executor(arguments.dask, local) as pool:
                execute.complete(runs, record.task(folder, runs), path, folder, pool)
        except RuntimeError as error:  # what the engine says once all else is done
            print(f"scalinglib study: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            told = f"stopped; the same command goes on where {path} and {folder} end"
            print(f"\nscalinglib study: {told}", file=sys.stderr)
            return INTERRUPTED
    if not todo or not arguments.dry_run:
        fits = "" if _too_few(runs) else f"; scalinglib fit {path} makes a law of it"
        print(f"{path} is complete{fits}")
        if arguments.new:
            print(*full.of_distilled(tables.read_runs(path)).lines, sep="\n")
            print(
                "the study:", *(f"  {line}" for line in studies.told_of(arguments.design)), sep="\n"
            )
    return 0


def _made(arguments, workers):
    """The design file of a folder of text: the one that is there, or a new one."""
    text = arguments.design
    path = text.resolve().with_name(f"{text.resolve().stem}_study.toml")
    if path.exists():
        print(f"{path} is there: it goes on")
        return path
    made, told = studies.for_minutes(text, arguments.minutes, workers)
    with files.named(path, "the design lies beside the text: put that where you may write"):
        path.write_text(made, encoding="utf-8")
    print(f"{path}: {told[0]}", *told[1:], sep="\n", flush=True)
    return path


def _too_few(runs):
    """What the runs lack for laws of their own, as lines of the plan."""
    alone = {(r.params, r.tokens) for r in runs if r.teacher is None}
    taught = {(r.params, r.tokens, r.teacher) for r in runs if r.teacher is not None}
    # Where there is nothing else to fit, the law of the runs on labels is the one to check.
    checked = settings_to_check(TEACHERS_NEEDED - 1, STRONGEST["supervised"])
    counts = {"on labels": (alone, TEACHERS_NEEDED if taught else checked)}
    if taught:
        teachers = len({teacher for *_, teacher in taught})
        counts["from teachers"] = taught, students_needed(teachers)
    return [
        f"for a law of one's own: {len(found)} settings {name} are too few, it takes {needed}"
        for name, (found, needed) in counts.items()
        if len(found) < needed
    ]
