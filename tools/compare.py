"""What a second computation says differently: tables, drawings, outputs of notebooks.

Two processors differ in the last bits, and what is made from them in more. With the vector units
of this processor switched off (`make disguised`), refitted coefficients moved by up to 4e-8 of
themselves, fitted losses by 4e-10, what is left between such numbers by 7e-8 of the largest in its
column, points of drawings by 2e-5 pt. NOISE and POINTS leave room above that, and a changed sixth
digit, 1e-6 to 1e-5 of a number, still counts.
"""

import base64
import csv
import io
import math
import re
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
from PIL import Image

NOISE = 3e-7  # of a number, or of what it is a difference of
LEFT = 0.3  # a difference's largest entry, over what it is taken to be left from
POINTS = 0.1  # between drawings, in points
NOTHING = 1e-12  # what cancels exactly on one machine and to a few bits on another

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.]*\w)")
COUNT = re.compile(r"-?\d+")
# Columns that hold what is left of nearly equal numbers, though they may have one sign only.
DIFFERENCE = re.compile(
    r"(?:^|_)(?:error|residual|bias|gap|gain|difference|excess|rise|over)(?:_|$)"
)
# Matplotlib names markers, hatches and collections by a hash of all their coordinates.
HASHED = re.compile(r'(?<=[#"])(?:[a-zA-Z]|image|C\w+_)?[0-9a-f]{10,}(?=[")])')
COORDINATES = {"d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"}
COORDINATES |= {"transform", "points", "viewBox"}
SCALE = re.compile(r"scale\(([^)]*)\)")


@dataclass(frozen=True)
class Deviation:
    """How far two versions are apart, where, and whether that says something new.

    `size` is relative for numbers, in points for drawings, infinite where the form differs.
    """

    size: float
    where: str
    new: bool

    def __or__(self, other):
        """The one that weighs more."""
        return max(self, other, key=lambda d: (d.new, d.size))


SAME = Deviation(0.0, "", False)


def different(where):
    """The deviation of two things that cannot be measured against each other."""
    return Deviation(math.inf, where, True)


def table(published, made):
    """Hold a table with all its digits (`made`) against one printed with six; both are CSV text.

    What was printed must be what rounding gives, up to NOISE of the number itself. Where a column
    takes both signs or its name says that it holds differences, NOISE is of what they are left
    from, taken to be three times the largest of them. Rows that are coefficients, as a column of
    that name says, have no such thing in common.
    """
    (names, *old), (others, *new) = (csv.reader(io.StringIO(text)) for text in (published, made))
    if names != others or len(old) != len(new):
        return different(f"{len(old)} rows of {names}; made: {len(new)} of {others}")
    found = SAME
    columns = zip(*old, strict=True), zip(*new, strict=True)
    for name, before, after in zip(names, *columns, strict=False):  # without rows there are none
        found |= _column(name, before, after, alike="coefficient" not in names)
    return found


def _number(text):
    try:
        return float(text)
    except ValueError:
        return math.nan


def _column(name, old, new, alike):
    before, after = (np.array([_number(text) for text in column]) for column in (old, new))
    exact = np.array([a == b for a, b in zip(old, new, strict=True)], bool)
    # What is counted is printed whole and is the same everywhere, to the last of ten digits.
    counted = [COUNT.fullmatch(a) and COUNT.fullmatch(b) for a, b in zip(old, new, strict=True)]
    measured = np.isfinite(before) & np.isfinite(after) & ~np.array(counted, bool)
    for row in np.flatnonzero(~exact & ~measured):
        return different(f"column {name!r}, row {row}: {old[row]!r}; made: {new[row]!r}")
    before, after = (np.where(exact | np.isnan(part), 0.0, part) for part in (before, after))
    size = np.abs(before)
    half = 0.5 * 10.0 ** (np.floor(np.log10(np.maximum(size, 1e-300))) - 5)
    beyond = np.maximum(np.abs(after - before) - half, 0.0)
    every = np.nan_to_num([_number(text) for text in old], posinf=0, neginf=0)
    both = every.min(initial=0) < 0 < every.max(initial=0)
    if alike and (DIFFERENCE.search(name) or both):
        size = np.full_like(size, np.abs(every).max(initial=0) / LEFT)
    relative = beyond / np.maximum(size, NOTHING / NOISE)
    row = int(np.argmax(relative)) if len(relative) else 0
    if not len(relative) or relative[row] == 0:
        return SAME
    where = f"column {name!r}, row {row}: {old[row]}; made: {new[row]}"
    return Deviation(float(relative[row]), where, bool(relative[row] > NOISE))


def text(published, made):
    """Hold two printed texts against each other, the numbers in them as numbers.

    A number may differ by NOISE, or, printed with six digits or more, by one in its last.
    """
    words = [NUMBER.sub("\0", part).split() for part in (published, made)]
    if words[0] != words[1]:
        place = next((i for i, pair in enumerate(zip(*words, strict=False)) if len({*pair}) > 1), 0)
        said = [" ".join(part[max(place - 2, 0) : place + 5]) for part in words]
        return different(f"{said[0]!r}; made: {said[1]!r}".replace("\\x00", "_"))
    found = SAME
    for old, new in zip(NUMBER.findall(published), NUMBER.findall(made), strict=True):
        if old != new:
            found |= _printed(old, new)
    return found


def _printed(old, new):
    where = f"{old}; made: {new}"
    if "." not in old + new and "e" not in (old + new).lower():
        return different(where)
    size, apart = abs(float(old)), abs(float(new) - float(old))
    if max(size, abs(float(new))) < NOTHING:
        return SAME
    mantissa, _, exponent = old.lower().partition("e")
    last = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    if last <= 1e-5 * size:
        apart = max(apart - 1.01 * last, 0.0)
    relative = apart / max(size, NOTHING)
    return Deviation(relative, where, relative > NOISE)


def drawing(published, made):
    """Hold two SVG texts against each other: elements, texts and styles equal, coordinates near."""
    old, new = (list(ElementTree.fromstring(_named(svg)).iter()) for svg in (published, made))
    if [e.tag for e in old] != [e.tag for e in new]:
        return different(f"{len(old)} elements; made: {len(new)}, or others")
    found = SAME
    for before, after in zip(old, new, strict=True):
        if (before.text or "").strip() != (after.text or "").strip():
            return different(f"text {before.text!r}; made: {after.text!r}")
        if before.attrib.keys() != after.attrib.keys():
            return different(f"attributes of {before.tag}")
        for key, value in before.attrib.items():
            if value != after.get(key):
                found |= _attribute(key.rpartition("}")[2], value, after.get(key))
    return found


def _named(svg):
    """The SVG with what is called by a hash called by its order instead."""
    names = {}
    return HASHED.sub(lambda match: names.setdefault(match[0], f"name{len(names)}"), svg)


def _attribute(key, old, new):
    if key == "href" and old.startswith("data:image"):
        return picture(*(value.partition(",")[2] for value in (old, new)))
    if key not in COORDINATES or NUMBER.sub("\0", old) != NUMBER.sub("\0", new):
        return different(f"{key} {old[:60]!r}; made: {new[:60]!r}")
    old, new = (_points(value) for value in (old, new))
    apart = float(np.abs(old - new).max(initial=0))
    return Deviation(apart, f"{key}, {apart:.2g} pt", apart > POINTS)


def _points(value):
    """The numbers of an attribute in points; a scale once more, times the 100 units of an em."""
    em = [100 * float(number) for part in SCALE.findall(value) for number in NUMBER.findall(part)]
    return np.array([float(number) for number in NUMBER.findall(value)] + em)


def picture(published, made):
    """Hold two PNGs, in base64, against each other: as large, no channel off by over 2 of 255."""
    old, new = (_read(base64.b64decode(png)) for png in (published, made))
    if old.shape != new.shape:
        return different(f"picture of {old.shape}; made: {new.shape}")
    apart = int(np.abs(old - new).max(initial=0))
    return Deviation(apart / 255, f"picture, {apart} of 255", apart > 2)


def _read(png):
    """The pixels of a PNG as numbers that can be subtracted, (height, width, 4), of 255."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), np.int16)


def pixels(published, made):
    """Hold the PNG files of drawings that say the same against each other.

    One pixel in a thousand may be of another colour: a curve's edge falls here or there. What was
    published is None where the file lacks.
    """
    if published == made:
        return SAME
    if published is None:
        return different("the .png was not there")
    old, new = _read(published), _read(made)
    if old.shape != new.shape or (np.abs(old - new).max(axis=-1) > 25).mean() > 1e-3:
        return different("the .png shows something else")
    return SAME


def output(published, made, same_drawing=False):
    """Hold two outputs of a code cell against each other, as nbformat has them.

    Where the cell's figures are drawn as before (`same_drawing`), so is its picture.
    """
    old, new = dict(published), dict(made)
    if old.get("output_type") != new.get("output_type") or old.get("name") != new.get("name"):
        return different("outputs of another kind")
    if "text" in old:
        return text(old["text"], new["text"])
    if "ename" in old and (old["ename"], old["evalue"]) != (new["ename"], new["evalue"]):
        return different(f"{old['ename']}: {old['evalue']}; made: {new['ename']}: {new['evalue']}")
    old, new = old.get("data", {}), new.get("data", {})
    if old.keys() != new.keys():
        return different(f"outputs of {sorted(old)}; made: {sorted(new)}")
    found = SAME
    for kind in old:
        if old[kind] == new[kind]:
            continue
        if kind == "image/png":
            found |= SAME if same_drawing else picture(old[kind], new[kind])
        elif kind in ("text/plain", "text/html", "text/markdown"):
            found |= text(old[kind], new[kind])
        else:
            found |= different(f"output of {kind}")
    return found
