"""A file of cells as text, as spreadsheets and people write it."""

import csv
import io
import itertools
import re
from pathlib import Path
from typing import NamedTuple

from scalingplan.units import readings

_SEPARATORS = "\t;,|"
_BINARY = {b"PK": "a workbook", b"PAR1": "a Parquet file", b"\xd0\xcf\x11\xe0": "a workbook"}
_BINARY |= {b"\x1f\x8b": "a compressed file", b"%PDF": "a PDF"}


class TableError(ValueError):
    """What is wrong with a file of runs, all of it; the message has one line a fault."""


class Sheet(NamedTuple):
    """Cells as text.

    - rows: dict of list of str; by the row that a spreadsheet shows: the header is row 1, blank
      rows count and are left out.
    - torn: whether the file ends in a number and no line break, as one that was cut does
    """

    header: list
    rows: dict
    separator: str
    torn: bool


def read_sheet(path: str | Path) -> Sheet:
    """The cells of a CSV file, whatever its encoding and separator.

    - raises TableError: where the file is not there, is no text or has no rows.
    """
    text = _text(Path(path))
    torn = bool(re.search(r"[\s;,|][-+.\deE]*[.\d]\Z", text[-99:]))
    lines = text.splitlines(keepends=True)
    for i in itertools.takewhile(lambda i: lines[i].startswith("#"), range(len(lines))):
        lines[i] = "\n"  # remarks before the header, which still count as rows
    if lines and (named := re.fullmatch(r"sep=(.)", lines[0].strip(), re.I)):
        separator, lines = named[1], lines[1:]
    else:
        head = next((line for line in lines if line.strip()), "")
        separator = max(_SEPARATORS, key=re.sub('"[^"]*"', "", head).count)
        if separator not in head:
            separator = ","
            if len(head.split()) > 2:
                words = [",".join(f'"{word}"' for word in line.split()) for line in lines]
                lines, separator = [f"{line}\n" for line in words], " "
    reader = csv.reader(
        io.StringIO("".join(lines), newline=""),
        delimiter="," if separator == " " else separator,
        skipinitialspace=True,
    )
    try:
        records = [[" ".join(cell.split()) for cell in record] for record in reader]
    except csv.Error as error:
        raise TableError(f"row {reader.line_num}: {error}") from None
    filled = {row: record for row, record in enumerate(records, start=1) if any(record)}
    if len(filled) < 2:
        raise TableError(f"{path} has {'a header and no runs' if filled else 'nothing in it'}")
    first = min(filled)
    header = filled.pop(first)
    while header and not header[-1]:
        header.pop()
    for record in filled.values():
        record += [""] * (len(header) - len(record))
    return Sheet(header, filled, separator, torn)


def decimal_mark(sheet: Sheet, columns: dict[str, int]) -> str | None:
    """How some columns write decimals, None where no cell shows it.

    - raises TableError: where some cells say comma and some point.
    """
    marks = {",": None, ".": None}
    for row, record in sheet.rows.items():
        for name, at in columns.items():
            cell = record[at]
            mark = _decimal_mark(cell, name.endswith("loss"))
            if mark and marks[mark] is None:
                marks[mark] = f"row {row}, column {name}: {cell}"
    if all(marks.values()):
        raise TableError(
            f"decimals are written in two ways ({marks[',']}; {marks['.']}): use one of them"
        )
    return next((mark for mark, shown in marks.items() if shown), None)


def _decimal_mark(cell, is_loss):
    """The mark that can only be this cell's decimal one, or None."""
    digits, power = re.match(r"[+-]?([\d.,]*)(e[+-]?\d)?", cell, re.I).groups()
    marks = re.findall("[.,]", digits)
    # A mantissa has no groups, and no loss is in the thousands.
    if len(marks) == 1 and (power or (is_loss and re.fullmatch(r"\d{1,2}.\d{3}", digits))):
        return marks[0]
    found = readings(digits) if marks else {}
    return next(iter(found)) if len(found) == 1 else None


def _text(path):
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise TableError(f"{path} does not exist") from None
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from None
    for start, what in _BINARY.items():
        if data.startswith(start):
            raise TableError(f"{path} is {what}; save the table as CSV")
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise TableError(f"{path} is no text; save the table as CSV")


def _encodings(data):
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ["utf-16"]
    if b"\0" in data[:200]:
        return ["utf-16-le" if data[1:2] == b"\0" else "utf-16-be"]
    return ["utf-8-sig", "cp1252"]
