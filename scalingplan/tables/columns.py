"""From a sheet of cells to the columns that the laws want, with every fault of the file at once."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from scalinglib.doubts import Doubt, doubts
from scalingplan import units
from scalingplan.tables.cells import TableError, decimal_mark, read_sheet
from scalingplan.tables.scales import converted

SUPERVISED = ("params", "tokens", "loss")
DISTILLATION = (
    "student_params",
    "student_tokens",
    "teacher_params",
    "teacher_tokens",
    "teacher_loss",
    "student_loss",
)
# Wanted only where the question does: what the teacher's inference costs, a law of the teachers.
_SIZES = ("teacher_params", "teacher_tokens")
_KIND = {"params": "size", "tokens": "tokens", "loss": "loss"}  # of `units.KINDS`
_KINDS_SAID = {
    "params": {"param", "params", "parameters", "nparams"},
    "tokens": {"token", "tokens", "ntokens"},
    "loss": {"loss", "nll", "ppl", "perplexity", "bpb", "ce"},
}
_BETTER = {"eval", "val", "validation", "test", "emb", "embedding", "non", "active"}
_EMPTY = ("", "nan", "na", "n/a", "none", "null", "-")
_SHOWN = 20  # faults of one kind that are listed; the rest is counted

# What people call the columns; lower case, without blanks and marks.
_CALLED = {
    "params": "n size nparams modelsize parameters nonembeddingparams nonembeddingparameters "
    "numparams paramsnonembedding",
    "tokens": "d data ntokens trainingtokens traintokens numtokens",
    "loss": "l valloss validationloss testloss evalloss crossentropy ce finalloss ppl perplexity "
    "bpb bitsperbyte nll",
    "student_params": "ns nstudent studentsize studentn studentparameters",
    "student_tokens": "ds dstudent studentdata studentd distillationtokens distilltokens",
    "student_loss": "ls lstudent studentvalloss valloss validationloss loss studentl studentppl",
    "teacher_params": "nt nteacher teachersize teachern teacherparameters",
    "teacher_tokens": "dt dteacher teacherdata teacherd",
    "teacher_loss": "lt lteacher teachervalloss teacherl teacherppl",
}


class RunsTable(NamedTuple):
    """A file's runs, told apart; each DataFrame has the spreadsheet's rows as its index.

    - distilled: the columns of `DISTILLATION`, the teachers' size and tokens where the file has
      them; empty where no run has a teacher.
    - supervised: those of `SUPERVISED`; empty where all runs have one.
    - notes: what was understood rather than read.
    - doubts: what the file itself, not its numbers, makes one ask.
    """

    distilled: pd.DataFrame
    supervised: pd.DataFrame
    notes: tuple
    doubts: tuple = ()

    def joined(self, supervised: pd.DataFrame, name: str) -> "RunsTable":
        """With the supervised runs of a second file, whose rows carry its name."""
        named = supervised.set_axis([f"{row} of {name}" for row in supervised.index])
        if "run" in named:  # what two files call alike are two runs
            named = named.assign(run=named.run + f" of {name}")
        parts = [part for part in (self.supervised, named) if len(part)]
        both = pd.concat(parts) if parts else self.supervised
        if "run" in both:
            both["run"] = both.run.fillna(
                pd.Series([f"row {row}" for row in both.index], both.index)
            )
        return self._replace(supervised=both)

    def suspicions(self) -> list[Doubt]:
        """What is doubtful in the numbers, of the distilled runs first."""
        parts = (self.distilled, self.supervised)
        return [doubt for part in parts if len(part) for doubt in doubts(part)]

    def whole(self) -> pd.DataFrame:
        """All runs in one table that `read_runs` takes as it is, supervised ones last."""
        if self.distilled.empty or self.supervised.empty:
            return self.supervised if self.distilled.empty else self.distilled
        own = {f"student_{name}": name for name in SUPERVISED}
        return pd.concat([self.distilled.rename(columns=own), self.supervised])


def read_runs(
    path: str | Path,
    renamed: Mapping[str, str] | None = None,
    *,
    units_of: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    skip_empty: bool = False,
) -> RunsTable:
    """The runs of a CSV file.

    - path: separated by commas, semicolons, tabs, bars or blanks; UTF-8 or UTF-16; decimals with a
      point or, where that is unambiguous, a comma; sizes also as 125M or 1.5B. Columns of
      `DISTILLATION`, of `SUPERVISED`, or the latter with teacher_params, teacher_tokens and
      teacher_loss, which are empty in the rows of supervised runs. Others are kept as they are;
      rows with one `run` are its learning curve.
    - renamed: names in the file and what they stand for, in either direction.
    - units_of: of columns, as `scales.converted` takes them.
    - where: columns of the file and what they must say; other rows are left out, and counted.
    - skip_empty: leave out rows in which a number is missing, and count them.
    - raises TableError: one line for every fault, rows counted as a spreadsheet counts them.
    """
    sheet = read_sheet(path)
    names = _named(sheet.header, renamed or {})
    wanted = _wanted(names, path)
    mark = decimal_mark(sheet, {name: names.index(name) for name in wanted})
    sheet, notes = _kept(sheet, where or {})
    faults, rows, empty = _overlong(sheet), {}, []
    for row, record in sheet.rows.items():
        cells = dict(zip(names, record, strict=False))
        missing, wrong = [], []
        values = _run(row, {name: cells.get(name, "") for name in wanted}, mark, missing, wrong)
        if missing and skip_empty and not wrong:
            empty.append(row)
            continue
        faults += missing + wrong
        rows[row] = values
    if faults:
        if all(" it is " in fault for fault in faults):
            faults.append(
                "scalinglib fit with --skip-empty leaves such rows out, --where COLUMN=VALUE keeps "
                "some"
            )
        more = [f"and {len(faults) - _SHOWN} more of the kind"] if faults[_SHOWN:] else []
        raise TableError("\n".join(faults[:_SHOWN] + more))
    if not rows:
        raise TableError("no row is left")
    if empty:
        notes.append(f"{len(empty)} rows without a number are left out (first: row {empty[0]})")
    sheet = sheet._replace(rows={row: sheet.rows[row] for row in rows})
    notes += _rivals(wanted, names, sheet.header)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=wanted, dtype=float)
    table.index.name = "row"
    others = {name: at for at, name in enumerate(names) if name and name not in wanted}
    kept = {n: [record[at] for record in sheet.rows.values()] for n, at in others.items()}
    if "run" in kept:  # a row without one is a run of its own
        kept["run"] = [
            f"row {row}" if run.lower() in _EMPTY else run
            for row, run in zip(rows, kept["run"], strict=True)
        ]
    table = table.join(pd.DataFrame(kept, index=table.index))
    if "run" in table and (mixed := _sizes_of_a_run(table)):
        notes.append(mixed)
        table = table.rename(columns={"run": "run of the file"})
    found = _told_apart(table, mark)
    torn = (f"the last line of {path} ends without a line break: was the file cut?",)
    return found._replace(
        distilled=converted(found.distilled, units_of or {}),
        supervised=converted(found.supervised, units_of or {}),
        notes=(*notes, *found.notes),
        doubts=torn if sheet.torn else (),
    )


def _kept(sheet, where):
    """The rows whose columns say what they must, and a note on the others."""
    for name in where:
        if name not in sheet.header:
            raise TableError(f"--where names {name}; the file has {', '.join(sheet.header)}")
    at = {sheet.header.index(name): value for name, value in where.items()}
    rows = {
        row: record
        for row, record in sheet.rows.items()
        if all(record[i] == value for i, value in at.items())
    }
    said = ", ".join(f"{name} is {value}" for name, value in where.items())
    out = len(sheet.rows) - len(rows)
    return sheet._replace(rows=rows), [f"{out} rows left out: kept where {said}"] if where else []


def _sizes_of_a_run(table):
    """A sentence where the column run (a seed, or a sweep) names more than one model."""
    for name in (name for name in table if name in ("params", "student_params", "teacher_params")):
        first = table.groupby("run")[name].transform("first")
        if (other := table[name].notna() & (table[name] != first)).any():
            return (
                f"column run is of no learning curves: {table.run[other].iloc[0]!r} has several "
                f"{name} (row {other.idxmax()}); every row is taken as a run of its own"
            )
    return None


def _run(row, cells, mark, missing, wrong):
    """The numbers of one row; what it lacks, or has wrong, goes to the lists."""
    teacher = [name for name in cells if name.startswith("teacher_")]
    mixed = "params" in cells and bool(teacher)
    without = bool(teacher) and not any(cells[name].strip() for name in teacher)
    values = []
    for name, cell in cells.items():
        if cell.lower() in _EMPTY:
            may_lack = name in _SIZES
            if not (without and name in teacher) and not (mixed and may_lack):
                missing.append(f"row {row}, column {name}: it is {cell or 'empty'}")
            values.append(float("nan"))
            continue
        try:
            values.append(units.cell(cell, _KIND[name.rsplit("_")[-1]], mark))
        except ValueError as error:
            wrong.append(f"row {row}, column {name} is {cell!r}: {error}")
            values.append(float("nan"))
    return values


def _told_apart(table, mark):
    notes = ["decimal commas are read as such"] if mark == "," else []
    if "teacher_loss" not in table:
        return RunsTable(pd.DataFrame(columns=list(DISTILLATION)), table, tuple(notes))
    own = {f"student_{name}": name for name in SUPERVISED}
    mixed = "student_params" not in table
    if mixed:
        table = table.rename(columns={name: student for student, name in own.items()})
    alone = table.teacher_loss.isna()
    unsized = ~alone & table[table.columns.intersection(_SIZES)].isna().any(axis=1)
    if unsized.any():
        notes.append(
            f"{int(unsized.sum())} rows name a teacher without size or tokens "
            f"(first: row {unsized.idxmax()}) and are left out"
        )
    distilled = table[~alone & ~unsized]
    if mixed or alone.any():
        notes.append(
            f"{int(alone.sum())} rows without teacher are supervised runs, "
            f"{len(distilled)} are distilled ones"
        )
    teachers = table.columns.intersection(["teacher_loss", *_SIZES])
    supervised = table[alone].drop(columns=teachers).rename(columns=own)
    return RunsTable(distilled, supervised, tuple(notes))


def _named(header, renamed):
    """The header in the law's words, where it says them in another case or with other marks."""
    known = {_bare(name): name for name in (*SUPERVISED, *DISTILLATION, "run")}
    names = [known.get(_bare(name), name) for name in header]
    for one, other in renamed.items():
        here = [name for name in (one, other) if name in header or name in names]
        if not here:
            raise TableError(f"map names {one} and {other}; the file has {', '.join(header)}")
        # The law's word is the target, in whichever direction the pair was written.
        source, target = (one, other) if other in known.values() else (other, one)
        if source not in header:
            source, target = target, source
        if target not in known.values():
            raise TableError(
                f"map sends {source} to {target}; it must be one of {', '.join(known.values())}"
            )
        at = header.index(source)
        names = [f"{name} of the file" if name == target else name for name in names]
        names[at] = target
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise TableError(f"columns named twice: {', '.join(repeated)}")
    return names


def _wanted(names, path):
    """Which of the three sets of columns the file has; TableError with a suggestion otherwise."""
    teacher = [name for name in DISTILLATION if name.startswith("teacher_")]
    for columns in (list(DISTILLATION), [*SUPERVISED, *teacher]):
        lacking = [name for name in columns if name not in names]
        others = [name for name in names if name not in columns]
        if set(lacking) <= set(_SIZES) and not _guesses(lacking, others):
            return [name for name in columns if name in names]
    about_teachers = any(re.search(r"teach|^[NDL]_?T$|student", name, re.I) for name in names)
    if set(SUPERVISED) <= set(names) and not about_teachers:
        return list(SUPERVISED)
    columns = list(DISTILLATION) if about_teachers else list(SUPERVISED)
    missing = [name for name in columns if name not in names]
    guesses = _guesses(missing, [name for name in names if name not in columns])
    lines = [f"the file lacks the columns {', '.join(missing)}; it has {', '.join(names)}"]
    if guesses:
        pairs = ",".join(f"{found}={name}" for name, found in guesses.items())
        lines.append(f'if they are only named otherwise: scalinglib fit {path} --map "{pairs}"')
        if left := [name for name in missing if name not in guesses]:
            lines.append(f"nothing in it looks like {', '.join(left)}")
    raise TableError("\n".join(lines))


def _guesses(missing, names):
    """For each missing column the name in the file that may mean it."""
    guesses, free = {}, list(names)
    for name in missing:
        called = [_bare(name), *_CALLED[name].split()]
        hits = [found for found in free if _bare(found) in called]
        if not hits:
            near = difflib.get_close_matches(_bare(name), map(_bare, free), 1, cutoff=0.8)
            hits = [found for found in free if near and _bare(found) == near[0]]
        hits = hits or sorted((found for found in free if _means(found, name)), key=_doubtful)
        if hits:
            guesses[name] = hits[0]
            free.remove(hits[0])
    return guesses


def _words(name):
    return [word for word in re.split(r"[^a-z]+", name.lower()) if word]


def _means(found, name):
    """Whether a column's name, as trackers and tables write it, can stand for one of the law's."""
    words, kind = _words(found), name.rsplit("_", 1)[-1]
    of_teacher = any(word.startswith("teach") for word in words)
    return of_teacher == name.startswith("teacher") and bool(_KINDS_SAID[kind] & set(words))


def _doubtful(found):
    """How far a name is from what the law wants: evaluation losses, non-embedding parameters."""
    words = set(_words(found))
    return bool(words & {"train", "training", "total"}) - bool(words & _BETTER)


def _rivals(wanted, names, header):
    """What was taken for a column where another one beside it may mean the same."""
    for name in wanted:
        taken = header[names.index(name)]
        others = [
            h for h, n in zip(header, names, strict=False) if n not in wanted and _means(h, name)
        ]
        if others:
            yield (
                f"{name} is the column {taken}; {', '.join(others)} left aside "
                f'(--map "{others[0]}={name}" takes it)'
            )


def _overlong(sheet):
    width = len(sheet.header)
    return [
        f"row {row} has {len(record)} cells; the header has {width}"
        for row, record in sheet.rows.items()
        if any(record[width:])
    ]


def _bare(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())
