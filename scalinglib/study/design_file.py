"""A study as one TOML file: read into a `Design`, or refused with every fault of it."""

import os
import tomllib
from dataclasses import fields
from pathlib import Path

from scalinglib.study.corpora.base import N_CTX
from scalinglib.study.corpora.text import Addresses, Text
from scalinglib.study.corpora.tokenizer import BYTES
from scalinglib.study.corpora.words import Words
from scalinglib.study.design import Design
from scalinglib.study.model.distill import Objective
from scalinglib.study.model.recipe import Recipe
from scalinglib.study.run import size

# A value's kind: its test, and what is allowed, of one and of a list.
_ALLOWED = {
    "size": (lambda v: type(v) is int and v >= 1, "a whole number from 1", "whole numbers from 1"),
    "number": (
        lambda v: type(v) in (int, float) and 0 < v < float("inf"),
        *("a positive number", "positive numbers"),
    ),
    "share": (lambda v: type(v) in (int, float) and 0 <= v <= 1, "a number from 0 to 1", ""),
    "text": (lambda v: isinstance(v, str), "text", "texts"),
    "switch": (lambda v: isinstance(v, bool), "true or false", ""),
}
_SIZED, _RATIO, _COUNT = {"n_layers": "size"}, {"ratio": "number"}, {"seeds": "size"}
_RATIOS, _PROFILE = {"ratios": ["number"]}, {"flops": "number", "depths": ["size"]}
# What each row of a protocol holds, in the order of the tuples of `Design`; a kind in a list is one
# of several values.
PROTOCOLS = {
    "supervised": _SIZED | _RATIOS | _COUNT,
    "isoflop": _PROFILE | _COUNT,
    "teachers": _SIZED | _RATIO,
    "profiles": _PROFILE | _COUNT,
    "fixed_students": _SIZED | _RATIO | _COUNT,
    "students": _SIZED | _RATIOS | _COUNT,
    "weak_to_strong": _SIZED | _RATIO | _COUNT,
}
_CORPUS = {"kind": "text", "paths": ["text"], "documents": "text"}
_CORPUS |= {"tokenizer": "text", "n_vocab": "size", "n_ctx": "size"}
_KINDS = {float: "number", int: "size", int | None: "size", bool: "switch"}
_RECIPE = {f.name: _KINDS[f.type] for f in fields(Recipe)}
_TRAINED_BYTES = 16  # a parameter's, its gradient's and Adam's two moments', in float32
_OBJECTIVE = {"mixing": "share", "temperature": "number", "reverse": "switch"}
_OBJECTIVE |= {"top_k": "size", "top_p": "number", "samples": "size"}
_BUDGETS = "isoflop_teachers"  # a list of numbers


class DesignError(ValueError):
    """One line for every fault of the file."""


def read(path: str | Path) -> Design:
    """The design that a TOML file describes.

    `designs/example.toml` has every key with a comment. Folders and files of text are taken from
    where the file lies.

    - raises DesignError: with every fault: the key, its value, and what is allowed.
    """
    path = Path(path)
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DesignError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise DesignError(
            f"{path} is a folder; it must be a TOML file, which --new makes"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DesignError(f"{path} is not TOML: {error}") from None
    faults = []
    known = {*PROTOCOLS, _BUDGETS, "corpus", "recipe", "objective"}
    _unknown(told, known, "", faults)
    made = {name: _rows(name, told[name], faults) for name in PROTOCOLS if name in told}
    if _BUDGETS in told:
        made[_BUDGETS] = _value(_BUDGETS, told[_BUDGETS], ["number"], faults)
    recipe = _table("recipe", told, _RECIPE, faults)
    objective = _objective(told, faults)
    corpus = _corpus(path.parent, _table("corpus", told, _CORPUS, faults), faults)
    refuse(path, faults)
    design = Design(**made, recipe=Recipe(**recipe), corpus=corpus, objective=objective)
    faults += _impossible(design, made)
    refuse(path, faults)
    return design


def refuse(path: str | Path, faults: list[str]) -> None:
    """Raise `DesignError` where a file has faults."""
    if faults:
        raise DesignError("\n".join([f"{path}:", *(f"  {fault}" for fault in faults)]))


def _unknown(table, known, where, faults):
    for name in table:
        if name not in known:
            faults.append(f"{where}{name}: unknown; there are {', '.join(sorted(known))}")


def _table(name, told, kinds, faults):
    table = told.get(name, {})
    if not isinstance(table, dict):
        faults.append(f"{name} is {table!r}; it must be a table, [{name}]")
        return {}
    _unknown(table, kinds, f"{name}.", faults)
    return {
        key: _value(f"{name}.{key}", table[key], kinds[key], faults)
        for key in kinds
        if key in table
    }


def _rows(name, rows, faults):
    kinds, found = PROTOCOLS[name], []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        faults.append(f"{name} is {rows!r}; it must be rows, each [[{name}]] or {{...}} in a list")
        return ()
    for i, row in enumerate(rows):
        where = f"{name}[{i}]"
        _unknown(row, kinds, f"{where}.", faults)
        missing = [key for key in kinds if key not in row and key != "seeds"]
        faults += [f"{where} lacks {key}, {_said(kinds[key])}" for key in missing]
        values = [
            _value(f"{where}.{key}", row.get(key, 1), kind, faults)
            for key, kind in kinds.items()
            if key not in missing
        ]
        if name == "profiles" and not missing:
            flops, depths, seeds = values
            values = [flops, tuple((depth, seeds) for depth in depths)]
        found.append(tuple(values))
    return tuple(found)


def _value(where, value, kind, faults):
    """The value, lists as tuples; what is wrong with it goes to `faults`."""
    several, listed = isinstance(kind, list), isinstance(value, list)
    test = _ALLOWED[kind[0] if several else kind][0]
    values = value if several and listed else [value]
    if not values or (several and not listed) or not all(map(test, values)):
        faults.append(f"{where} is {value!r}; it must be {_said(kind)}")
        return () if several else 1
    return tuple(values) if several else value


def _said(kind):
    return f"a list of {_ALLOWED[kind[0]][2]}" if isinstance(kind, list) else _ALLOWED[kind][1]


def _objective(told, faults):
    before = len(faults)
    told = _table("objective", told, _OBJECTIVE, faults)
    if len(faults) == before:
        try:
            return Objective(**told)
        except ValueError as error:
            faults.append(f"objective.{error}")
    return Objective()


def _corpus(folder, told, faults):
    kind = told.get("kind", "text" if "paths" in told else "words")
    n_ctx = told.get("n_ctx", N_CTX)
    if kind not in ("words", "addresses", "text"):
        faults.append(f"corpus.kind is {kind!r}; it must be words, addresses or text")
    elif kind != "text":
        odd = sorted(set(told) - {"kind", *(("n_ctx",) if kind == "words" else ())})
        faults += [f"corpus.{name}: {kind} take none" for name in odd]
        return Words(n_ctx=n_ctx) if kind == "words" else Addresses()
    elif not told.get("paths"):
        faults.append("corpus lacks paths, a list of files and folders of text")
    else:
        how, n_vocab = told.get("tokenizer", "bytes"), told.get("n_vocab")
        if how not in ("bytes", "bpe"):
            faults.append(f"corpus.tokenizer is {how!r}; it must be bytes or bpe")
        elif (how == "bpe") != (n_vocab is not None):
            faults.append(f"corpus.n_vocab is {n_vocab!r}; bpe needs a number, bytes take none")
        else:
            try:
                return Text.from_files(
                    [folder / path for path in told["paths"]],
                    n_ctx,
                    n_vocab or BYTES,
                    documents=told.get("documents", "paragraphs"),
                )
            except ValueError as error:
                faults.append(f"corpus: {error}")
    return Words()


def _impossible(design, made):
    """What is wrong only when it is put together: sizes, and students without teachers."""
    faults = []
    rows = ("supervised", "teachers", "fixed_students", "students", "weak_to_strong")
    depths = {row[0] for name in rows for row in made.get(name, ())}
    depths |= {depth for row in made.get("isoflop", ()) for depth in row[1]}
    depths |= {depth for row in made.get("profiles", ()) for depth, _ in row[1]}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for depth in sorted(depths):
        model = size(depth, design.corpus)
        if (need := _TRAINED_BYTES * model.total_params) > memory:
            faults.append(
                f"n_layers is {depth}: a model of {model.params:.3g} parameters needs "
                f"{need / 1e9:,.0f} GB to be trained; this machine has {memory / 1e9:,.0f}"
            )
    for name in ("profiles", "students", "weak_to_strong"):
        if made.get(name) and not made.get("teachers") and design.corpus.entropy is None:
            faults.append(f"{name} has students, and teachers is empty")
    budgets = {row[0] for row in made.get("isoflop", ())}
    for flops in made.get("isoflop_teachers", ()):
        if flops not in budgets:
            faults.append(f"isoflop_teachers has {flops:g}; isoflop has {sorted(budgets)}")
    if made.get("fixed_students") and not made.get("isoflop_teachers"):
        faults.append("fixed_students has students, and isoflop_teachers is empty")
    trained = [name for name in PROTOCOLS if name != "teachers"]  # those only if they teach
    if not any(made.get(name) for name in trained):
        faults.append(f"no runs; there must be rows of {', '.join(trained)}")
    return faults
