"""Numbers as people write them: sizes, tokens, FLOPs, GPU-hours, shares and losses.

>>> read("1,5B", "size"), read("64 x 14 d", "hours"), read("4 × 10^21", "flops")
(1500000000.0, 21504.0, 4e+21)

What can be read in two ways is refused. The planner's page reads by the same rules, and
tests/units.json holds both to one table of cases.
"""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from scalinglib.flops import N_VOCAB


class Kind(NamedTuple):
    """What a number may be: refused outside (low, high), questioned outside (usual_*)."""

    what: str
    low: float
    high: float
    usual_low: float
    usual_high: float
    units: tuple = ()


TIMES = {"h": 1, "hr": 1, "hrs": 1, "hour": 1, "hours": 1, "gpu-hour": 1, "gpu-hours": 1, "gpuh": 1}
TIMES |= dict.fromkeys(["gpu-h", "gpu-hr", "gpu-hrs"], 1)
TIMES |= dict.fromkeys(["d", "day", "days", "gpu-day", "gpu-days"], 24)
TIMES |= dict.fromkeys(["w", "week", "weeks", "wk"], 168)
FLOP_UNITS = {"flop": 1, "flops": 1, "tflop": 1e12, "tflops": 1e12, "pflop": 1e15, "pflops": 1e15}
FLOP_UNITS |= {"eflop": 1e18, "eflops": 1e18, "zflop": 1e21, "zflops": 1e21}
FLOP_UNITS |= dict.fromkeys(["pf-day", "pf-days", "pflop/s-day", "pflop/s-days"], 1e15 * 86400)
SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6}
SCALES |= dict.fromkeys(["b", "bn", "g", "billion", "mrd"], 1e9)
SCALES |= dict.fromkeys(["t", "tn", "trillion"], 1e12)

KINDS = {
    "size": Kind(
        "a size between 1M and 10T, such as 1B, 500M or 3e9",
        1e6, 1e13, 1e7, 2e12, ("param", "params", "parameter", "parameters"),
    ),
    "tokens": Kind(
        "a number of tokens between 1M and 1e16, such as 50B",
        1e6, 1e16, 1e8, 1e14, ("token", "tokens", "tok"),
    ),
    "flops": Kind(
        "a number of FLOPs between 1e15 and 1e30, such as 1e21", 1e15, 1e30, 1e17, 1e27,
        tuple(FLOP_UNITS),
    ),
    "hours": Kind(
        "a number of GPU-hours, such as 5000 or 64 × 14 d", 1e-2, 1e12, 1, 1e9, tuple(TIMES)
    ),
    "teraflops": Kind("a number of TFLOP/s, such as 989", 1, 1e5, 20, 5000, ("tflops", "tflop/s")),
    "utilisation": Kind("a utilisation, such as 40% or 0.4", 1e-3, 1, 0.05, 0.75),
    "share": Kind("a share between 0 and 1, such as 0.25, 25% or 1/4", 0, 1, 0, 1),
    "count": Kind("a whole number, 1 or more", 1, 1e9, 1, 1e4, ("gpus", "gpu", "students")),
    "vocabulary": Kind(
        "a number of entries of a tokenizer, such as 128k", 16, 1e7, 1e3, 1e6, ("entries", "tokens")
    ),
    "money": Kind(
        "a price of one hour, such as 2.50", 0, 1e4, 0.05, 50,
        ("$", "€", "£", "usd", "eur", "/h", "/hr", "/hour", "h", "hour", "per"),
    ),
    "minutes": Kind("a number of minutes, such as 30", 0.1, 1e5, 1, 1e4, ("min", "minutes")),
    "noise": Kind("a relative scatter of losses, such as 0.002", 1e-6, 0.5, 1e-4, 0.1),
    "bytes": Kind("a number of bytes per token, such as 4.3", 0.5, 20, 2, 7, ("bytes",)),
    "loss": Kind(
        f"a loss that a model can have, in nats per token (0.1 to {math.log(N_VOCAB):.1f})",
        0.1, math.log(N_VOCAB), 1.0, 4.0, ("nat", "nats", "nats/token", "nats/tok"),
    ),
    "bits": Kind(
        f"a loss in bits per token (0.1 to {math.log2(N_VOCAB):.0f})", 0.1, math.log2(N_VOCAB),
        1.0 / math.log(2), 4.0 / math.log(2), ("bit", "bits"),
    ),
    "perplexity": Kind(
        "a perplexity per token, such as 8.1", 1.1, N_VOCAB, math.e, math.exp(4.0), ("ppl",)
    ),
    "bits_per_byte": Kind("bits per byte, such as 0.78", 0.1, 8, 0.4, 1.6, ("bpb",)),
}  # fmt: skip

LOSS_UNITS = {"nats": "loss", "ppl": "perplexity", "bpb": "bits_per_byte", "bits": "bits"}
# What people call them; the longest first, for "bits" begins "bits per byte".
_CALLED = {"bpb": r"bpb|bits? ?(?:per|/) ?byte", "ppl": "ppl|perplexity"}
_CALLED |= {unit: rf"{unit[:-1]}s?(?: ?(?:per|/) ?tok(?:en)?)?" for unit in ("nats", "bits")}

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_NUMBER = r"(?:[0-9]{1,3}(?:[ '_][0-9]{3})+(?:[.,][0-9]+)?|[0-9][0-9.,_]*|[.,][0-9]+)"
_PLAIN = re.compile(r"\d+(?:\.\d*)?(?:e[+-]?\d+)?", re.I)
_POWER = re.compile(r"10(?:\^|\*\*)\(?([+-]?[0-9]+)\)?([^0-9]*)", re.I)
_FACTOR = re.compile(rf"({_NUMBER})(?:e([+-]?[0-9]+))?(.*)", re.I)


def smaller(**least: tuple[float, str]) -> dict[str, Kind]:
    """`KINDS` for models smaller than people train.

    - least: of size, tokens or flops: the least that it may be, and an example.
    """
    found = dict(KINDS)
    for kind, (low, example) in least.items():
        shown = f"{low:.2g}" if kind == "flops" else written(low)
        what = re.sub("between .* and", f"between {shown} and", KINDS[kind].what)
        what = re.sub("such as .*", f"such as {example}", what)
        found[kind] = KINDS[kind]._replace(what=re.sub(r"e\+0?", "e", what), low=low)
    return found


def written(value: float) -> str:
    """A size, or a number of tokens, as people write it, to four digits."""
    scale = next((s for s in "TBMk" if value >= SCALES[s.lower()]), "")
    return f"{value / SCALES.get(scale.lower(), 1):.4g}{scale}"


def read(text: str, kind: str, kinds: Mapping[str, Kind] = KINDS) -> float:
    """The number that a text states.

    - text: 1.5 billion, 1,5B, 7e9, 4 × 10^21, 1/4, 50%, 64 × 14 d.
    - kind: of `kinds`: which words may follow the number, and what it must lie between.
    - returns: in parameters, tokens, FLOPs, GPU-hours, or as a share.
    - raises ValueError: with a sentence for the reader, where the text is no such number or could
      be two.
    """
    allowed = kinds[kind]
    stated = text.strip()
    if not stated:
        raise ValueError(f"This needs {allowed.what}.")
    refused = ValueError(f"“{stated}” is not {allowed.what}.")
    value = _value(stated, kind, refused)
    if kind == "utilisation" and 1 < value <= 100 and "%" not in stated:
        value /= 100
    whole = kind != "count" or value == round(value)
    if not (allowed.low <= value <= allowed.high and whole):
        raise refused
    return value


def cell(text: str, kind: str, decimal: str | None) -> float:
    """The number in a cell of a table, as in 125M, 1.5e9, 3 × 10^9, 2,727 or 1 500 000.

    - kind: "size", "tokens" or "loss". Of what size it must be the column's unit tells, later.
    - decimal: the mark of the file's decimals, where its cells show one.
    - raises ValueError: with the reason, to be put behind the cell's row and column.
    """
    stated = text.strip().removeprefix("+")
    if decimal in (".", None) and _PLAIN.fullmatch(stated):
        value = float(stated)
    else:
        if re.match(r"[-−]\s*[\d.,]", stated):
            raise ValueError("it must be positive and finite")
        refused = ValueError("it must be a number")
        # No sums and shares, and no two numbers that a blank tells apart.
        if re.search(r"/(?! ?tok)|\bfor\b", stated) or re.fullmatch(r"\d{3}[ _]\d{3}", stated):
            raise refused
        value = _value(stated, kind, refused, decimal, cell=True)
    if not (math.isfinite(value) and value > 0):
        raise ValueError("it must be positive and finite")
    return value


def doubt(value: float, kind: str) -> str | None:
    """A question where no such thing is usual, else None."""
    allowed = KINDS[kind]
    if allowed.usual_low <= value <= allowed.usual_high:
        return None
    side = "less" if value < allowed.usual_low else "more"
    bound = allowed.usual_low if side == "less" else allowed.usual_high
    return f"Is this right? It reads as {value:.4g}, {side} than the usual ({bound:.3g})."


def in_nats(value: float, unit: str, bytes_per_token: float | None) -> float:
    """Nats per token of a loss in nats or bits, of a perplexity, or of bits per byte.

    - unit: "nats", "ppl", "bpb" or "bits" (per token).
    - bytes_per_token: for bits per byte: of the tokenizer whose tokens the nats are for.
    """
    if unit == "ppl":
        return np.log(value)
    if unit == "bits":
        return value * math.log(2)
    if unit == "bpb":
        if bytes_per_token is None:
            raise ValueError("bits per byte need the bytes per token, as in bpb=0.78@4.3")
        return value * bytes_per_token * math.log(2)
    return value


def read_loss(text: str) -> float:
    """Nats per token of 2.05, ppl=8.1, bits=2.96 or bpb=0.78@4.3 (at 4.3 bytes a token).

    The unit may stand behind the number as well, and in words: 8.1 ppl, 0.78 bits per byte@4.3.
    """
    named = " ".join(text.split())
    for unit, names in _CALLED.items():
        named = re.sub(rf"(?<![a-z/])(?:{names})(?![a-z/])", unit, named, flags=re.I)
    units = "|".join(LOSS_UNITS)
    turned = re.sub(rf"^([^=@]*?\d) ?({units}) ?(@.*)?$", r"\2=\1\3", named)
    match = re.fullmatch(rf"(?:({units}) ?[=: ] ?)?([^@]*)(?:@(.*))?", turned)
    unit = ((match and match[1]) or "nats").lower()
    if match and unit == "bpb" and match[3] is None:
        raise ValueError(
            f"“{text}” lacks the bytes per token of the tokenizer; write them behind an @, "
            "as in bpb=0.78@4.3."
        )
    if not match or (match[3] is not None) != (unit == "bpb"):
        raise ValueError(
            f"“{text}” is not a loss such as 2.05, ppl=8.1, bits=2.96 or bpb=0.78@4.3."
        )
    bytes_per_token = read(match[3], "bytes") if unit == "bpb" else None
    nats = float(in_nats(read(match[2], LOSS_UNITS[unit]), unit, bytes_per_token))
    allowed = KINDS["loss"]
    if not allowed.low <= nats <= allowed.high:
        raise ValueError(f"“{text}” is {nats:.3g} nats per token, not {allowed.what}.")
    return nats


def _value(written, kind, refused, decimal=None, *, cell=False):
    """The number; `cell`: of a table, where nothing stands alone to say how it is meant."""
    text = re.sub(r"[\s\u00a0\u2009\u202f]+", " ", written).replace("−", "-").replace("’", "'")
    if kind == "money":
        text = re.sub(r"^[$€£] ?", "", text)
    text = re.sub(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)", r"10^\1", text).translate(_SUPERSCRIPTS)
    if match := re.fullmatch(rf"({_NUMBER}) ?/ ?({_NUMBER})", text):
        over = _number(match[2], written)
        if not over:
            raise refused
        return _number(match[1], written) / over
    times = r" ?[×·] ?|(?<=[\d)a-z]) ?x ?(?=[\d.])|(?<!\*) ?\*(?!\*) ?| for "
    product, timed = 1.0, False
    factors = re.split(times, text, flags=re.I)
    if cell and len(factors) > 1 + any(map(_POWER.fullmatch, factors)):
        raise refused
    if kind == "size" and len(factors) > 1 and re.search(r"[0-9] ?[kmbt]", text, re.I):
        raise ValueError(
            f"“{written}” reads as a mixture of experts: give the parameters that are active for a "
            "token, which are what it costs, and its measured loss."
        )
    for factor in factors:
        power = _POWER.fullmatch(factor)
        match = None if power else _FACTOR.fullmatch(factor)
        if power:
            rest = power[2]
        elif match:
            rest = match[3]
        else:
            raise refused
        scale, is_time = _words(rest.strip().lower(), kind, refused)
        if power:
            number = float(f"1e{int(power[1])}")
        else:
            # 5,000 GPU-hours is one number; 1,500 billion can be two.
            # A mantissa has no groups: 1,250E+08 is 1.25e8.
            mark = "," if match[2] and "," in match[1] and "." not in match[1] else decimal
            scaled = scale != 1 or cell
            number = _number(match[1], written, scaled, kind == "hours", mark)
            number *= float(f"1e{int(match[2] or 0)}")
        if is_time and timed:
            raise refused
        product, timed = product * number * scale, timed or is_time
    return product


def _words(words, kind, refused):
    """What the words behind a number multiply it by, and whether they are a time."""
    if words == "%":
        if kind not in ("share", "utilisation"):
            raise refused
        return 0.01, False
    scale, time = 1.0, False
    for i, word in enumerate(word.rstrip(".") for word in words.split(" ") if word):
        units = {"hours": TIMES, "flops": FLOP_UNITS}.get(kind, dict.fromkeys(KINDS[kind].units, 1))
        if word in units:
            scale, time = scale * units[word], kind == "hours"
        elif i == 0 and word in SCALES and kind not in ("loss", "share", "perplexity", "bits"):
            scale *= SCALES[word]
        elif not (kind == "hours" and word in ("gpu", "gpus")):
            raise refused
    return scale, time


def readings(text: str) -> dict[str, float]:
    """By decimal mark, point or comma, what digits can say; the other one parts groups of three."""
    found = {}
    for mark, group in (".,", ",."):
        whole, marked, rest = text.partition(mark)
        grouped = rf"[0-9]*|[1-9][0-9]{{0,2}}({re.escape(group)}[0-9]{{3}})+"
        if re.fullmatch(grouped, whole) and re.fullmatch("[0-9]*", rest) and whole + rest:
            if marked and not rest and group in whole:  # the end of a sentence, or of a list
                continue
            found[mark] = float(f"{whole.replace(group, '') or 0}.{rest or 0}")
    return found


def _number(text, written, scaled=False, hours=False, decimal=None):
    """A number that can be read in one way.

    Of 1.500 and 1,500 the mark is a point, where that is no odd thing to write: sizes, tokens and
    FLOPs are too large for thousandths, hours (5.000) are not.
    """
    plain = re.sub("[ '_]", "", text)
    found = readings(plain)
    if decimal:
        found = {mark: value for mark, value in found.items() if mark == decimal}
    if not found:
        raise ValueError(f"“{written}” cannot be read as one number.")
    if len(set(found.values())) > 1 and (hours if "." in plain else scaled):
        decimal, whole = plain.replace(",", "."), re.sub("[,.]", "", plain)
        raise ValueError(f"“{written}” can be {decimal} or {whole}: write one of them.")
    return next(iter(found.values()))
