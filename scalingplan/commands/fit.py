"""`scalinglib fit runs.csv`: a law of somebody's own runs, and what it says of a decision.

The table is read and doubted before anything that fits is imported: a bad one is answered at once.
"""

import argparse
import json
import shlex
import sys
from functools import partial
from pathlib import Path

from scalinglib.experiment import files
from scalinglib.report import paths
from scalingplan import tables
from scalingplan.commands.options import SMALL, number, said

_ELSEWHERE = "--out FOLDER writes elsewhere"
_FREE = "it must be new, empty or the folder of an earlier fit"
# What a fit leaves besides the table that it read.
_LEFT = ("fit.json", "answer.txt", "diagnosis.txt", "teachers.csv", "budgets.csv")
_LEFT += ("distillation.json", "supervised.json", "supervised_gamma_1.json")
_WAYS = ("held", "shifted", "published")


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    option = parser.add_argument
    parser.description = (
        "Fit the laws to a CSV file of runs: student_params, student_tokens, teacher_params, "
        "teacher_tokens, teacher_loss and student_loss, or params, tokens and loss of supervised "
        "runs. Parameters are non-embedding, losses nats per token. Without teacher_params and "
        "teacher_tokens the supervised law must come from elsewhere (--supervised), and the "
        "teacher's inference is taken as free."
    )
    option("runs", type=Path, help="the CSV file")
    pairs = partial(option, type=_pairs, action="extend", default=[], metavar="PAIRS")
    pairs("--map", help='what columns stand for, as in "val_loss=student_loss,N_S=student_params"')
    known = "; ".join(f"{kind}: {', '.join(units)}" for kind, units in tables.CONVERSIONS.items())
    pairs("--units", help=f'units of columns, as in "params=M,tokens=B,loss=ppl"; {known}')
    pairs("--where", metavar="COLUMN=VALUE", help="keep only such rows, as in State=finished")
    option(
        "--supervised",
        metavar="FILE",
        help="supervised runs besides the teachers; or, with few teachers, 'held' for the "
        "published exponents, 'shifted' for the published law with its E moved to these teachers, "
        "'published' for that law as it is (English web text); what is published is no law of "
        "these runs, and its error is in no range",
    )
    number(parser, "--student SIZE", "size", "of the decision, such as 350M", SMALL)
    number(parser, "--flops FLOPS", "flops", "the budget of the decision, such as 3e20", SMALL)
    share = (
        "of the teacher's inference that the budget pays, such as 25%% (default: 1, and 0 where "
        "the table has no teacher_params)"
    )
    number(parser, "--delta-lgt SHARE", "share", share)
    option("--skip-empty", action="store_true", help="leave out rows in which a number is missing")
    option(
        "--out",
        type=_a_folder,
        help="the folder of the answer: new, empty, or that of an earlier fit",
    )
    option("--as-is", action="store_true", help="fit whatever is doubtful in the runs")


def run(arguments: argparse.Namespace) -> int:
    """Read, doubt, fit, answer; returns the exit status.

    - returns: 0 where there is an answer, 2 where the law cannot have made the table or its units
      are in doubt.
    - raises ValueError: with every fault of the file, where it cannot be read, or with what the
      runs lack.
    """
    place = _place(arguments)
    try:
        return _run(arguments, *place)
    except ValueError as error:
        raise ValueError(
            "\n".join([f"{arguments.runs}", *_indented(str(error).splitlines())])
        ) from None


def _place(arguments):
    """The folder of the answer, where the table goes in it, and what an earlier fit said there.

    - raises ValueError: where the fit would overwrite what it reads, or what no fit has written.
    """
    folder = arguments.out or _folder(arguments.runs)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out is {folder}, a file; it must be a folder")
    read = folder / f"{arguments.runs.stem}.csv"
    if read.name in _LEFT:
        read = folder / f"{arguments.runs.stem}_runs.csv"
    inputs = [arguments.runs]
    if arguments.supervised and arguments.supervised not in _WAYS:
        inputs.append(arguments.supervised)
    earlier = _earlier(folder)
    was = _written(earlier)
    for path in (folder / name for name in [*_LEFT, read.name, *sorted(was)]):
        if files.one_of(path, inputs):
            raise ValueError(
                f"--out is {folder}, where the fit would replace its input {path}; it must be "
                "another folder"
            )
        if path.exists() and path.name not in was:
            raise ValueError(f"--out is {folder}, where {path.name} is no fit's; move it away")
    return folder, read, earlier


def _run(arguments, folder, read, earlier):
    ways = arguments.supervised if arguments.supervised in _WAYS else "own"
    table = _read(arguments.runs, arguments)
    if arguments.supervised and ways == "own":
        other = _read(Path(arguments.supervised), arguments)
        if len(other.distilled):
            raise ValueError(
                f"{arguments.supervised} has runs with teachers; --supervised has none"
            )
        table = table.joined(other.supervised, arguments.supervised)
        table = table._replace(doubts=(*table.doubts, *other.doubts))
    said, doubtful = _doubts(table, dict(arguments.units))
    print(*said, sep="\n", flush=True)
    if doubtful and not arguments.as_is:
        print("no fit; with --as-is the runs are taken as they stand", file=sys.stderr)
        return 2
    files.writable(folder, _ELSEWHERE)
    # What fits imports JAX, which takes seconds that a bad table need not wait.
    from scalingplan.answers import full

    if (rows := len(table.whole())) > full.MANY:
        print(
            f"fitting {min(rows, full.MOST)} rows takes half a minute", file=sys.stderr, flush=True
        )

    if len(table.distilled):
        asked = arguments.student, arguments.flops, arguments.delta_lgt
        answer = full.of_distilled(table, ways, *asked)
        names = "student_params", "compute", "delta_lgt"
        notebook = "12_your_own_runs", dict(zip(names, asked, strict=True)) | {"way": ways}
    else:
        answer = full.of_supervised(table, arguments.flops)
        notebook = "16_your_own_supervised_runs", {"compute": arguments.flops}
    print(*answer.lines, sep="\n")
    source = str(arguments.runs.resolve())
    if earlier.get("from", source) != source:
        print(
            f"{folder} held the fit of {earlier['from']}; it is replaced (--out FOLDER keeps both)"
        )
    left = {"answer.txt": "\n".join([*said, *answer.lines]) + "\n", **answer.files}
    left |= {read.name: table.whole().to_csv()}
    how = {"from": source, "table": read.name, "way": ways, "said": said, "files": list(left)}
    with files.named(folder / "fit.json", _ELSEWHERE):
        for name in _written(earlier) - {"fit.json"}:
            (folder / name).unlink(missing_ok=True)
        # First, so that the folder of a fit that was killed here is known as one.
        with files.replacing(folder / "fit.json") as record:
            record.write((json.dumps(how, indent=1) + "\n").encode())
    for name, text in left.items():
        with files.named(folder / name, _ELSEWHERE):
            (folder / name).write_text(text, encoding="utf-8")
    print(f"written: {folder}", flush=True)
    if _in_checkout():
        name, given = notebook
        given = shlex.quote(json.dumps(given | {"as_is": True}))
        runs, python = (shlex.quote(str(path)) for path in (read.absolute(), sys.executable))
        print(
            f"its notebook: SCALINGLIB_RUNS={runs} {python} -m tools.notebooks own "
            f"notebooks/{name}.py --parameters {given}"
        )
    return 0


def _doubts(table, units):
    """How the table was read and what is doubtful, the impossible first; whether any is open."""
    found = table.suspicions()
    left = tables.open_doubts(found, units)
    lines = []
    for words, doubts in (
        ("the law cannot have made this table:", [d for d in left if d.cannot]),
        ("no verdict before the unit is told:", [d for d in left if not d.cannot]),
    ):
        lines += [words, *_indented(_lines(doubts))] if doubts else []
    lines.append(
        f"{len(table.distilled)} distilled and {len(table.supervised)} supervised runs read"
    )
    lines += _indented(table.notes)
    doubtful = [*table.doubts, *(doubt.text for doubt in found if doubt not in left)]
    lines += ["doubtful:", *_indented(doubtful)] if doubtful else []
    return lines, bool(left)


def _lines(doubts):
    lines = [doubt.text for doubt in doubts]
    units = ",".join(dict.fromkeys(doubt.units for doubt in doubts if doubt.units))
    lines += [f'if so: --units "{units}"'] if units else []
    return [*lines, 'if they are nats: --units "loss=nats"'] if "loss=" in units else lines


def _read(path, arguments):
    return tables.read_runs(
        path,
        dict(arguments.map),
        units_of=dict(arguments.units),
        where=dict(arguments.where),
        skip_empty=arguments.skip_empty,
    )


@said
def _pairs(text):
    pairs = [[part.strip() for part in pair.partition("=")] for pair in text.split(",")]
    for left, mark, right in pairs:
        if not (left and mark and right) and (left or mark):
            raise ValueError(f"{left + mark + right!r} is no pair such as name=other")
    return [(left, right) for left, _, right in pairs if left]


@said
def _a_folder(text):
    if not text.strip():
        raise ValueError(f"it is {text!r}; {_FREE}")
    return Path(text)


def _in_checkout():
    return (paths.DATA / "claims.toml").is_file()


def _folder(runs):
    """build/own/NAME in a checkout, and beside the file outside one."""
    if _in_checkout():
        return paths.ROOT / "build" / "own" / runs.stem
    return runs.resolve().parent / f"{runs.stem}_fit"


def _earlier(folder):
    """What the fit.json of an earlier fit says; {} where a folder is new or empty.

    - raises ValueError: where it holds anything else.
    """
    try:
        found = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if isinstance(found, dict) and {"from", "table", "files"} <= set(found):
        return found
    others = [] if not folder.exists() else sorted(path.name for path in folder.iterdir())
    if others := [name for name in others if not name.startswith(".")]:
        raise ValueError(f"--out is {folder}, which holds {others[0]} and is no fit's; {_FREE}")
    return {}


def _written(earlier):
    """Names of the files that an earlier fit wrote."""
    names = {*earlier["files"], earlier["table"], "fit.json"} if earlier else set()
    return {name for name in names if name == Path(name).name != ".."}


def _indented(lines):
    return [f"  {line}" for line in lines]
