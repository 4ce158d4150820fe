"""How a column of a table is shown, in every picture alike: its axis, its words, its colours."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import matplotlib as mpl
import seaborn  # noqa: F401 - its colour maps, by name
from matplotlib.colors import LogNorm, Normalize


def count(value: float, _: object = None) -> str:
    """A number of parameters or tokens as people say it: 300M, 1.5B, 20T; powers beyond."""
    if value >= 0.9995e15:
        return powers(value)
    for unit, scale in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale * 0.9995:
            return f"{value / scale:.3g}{unit}"
    return f"{value:.3g}"


def powers(value: float, _: object = None) -> str:
    """A number of FLOPs in powers of ten, 3 × 10²¹; one digit before the power."""
    mantissa, exponent = f"{value:.0e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return ("" if mantissa == "1" else f"{mantissa} × ") + "10" + raised


# What lies either way on a signed scale, in every picture alike.
ENDS = {
    "gap": "← distilling wins     data wins →\n",
    "error": "← too low     too high →\n",
    "teacher": "← stronger     weaker →\n",
    "passed": "← below its teacher     above →\n",
    "temperature": "← sharper     softer →\n",
    "confidence": "← underconfident     overconfident →\n",
}


@dataclass(frozen=True)
class Column:
    """What a column's axis says, and how single values of it are written.

    - label: with its symbol and unit.
    - phrase: a value as a panel's head and the key have it, "{} tokens a parameter".
    - words: from a value to its text.
    - log: whether its axis is logarithmic, with ticks in those words.
    - base: of a logarithmic axis: 2 ticks the powers of two, 10 what is round.
    """

    label: str
    phrase: str = "{}"
    words: Callable = str
    log: bool = False
    base: int = 10


_NATS, _MNATS = "(nats per token)", "(thousandths of a nat)"
_STUDENT, _TEACHER = "student of {} parameters", "teacher of {} parameters"
_RATIO, _BUDGET, _FLOPS = "{} tokens a parameter", "{} FLOPs", "training compute (FLOPs)"
COLUMNS = {
    "student_params": Column("student's parameters $N_S$", _STUDENT, count, log=True),
    "teacher_params": Column("teacher's parameters $N_T$", _TEACHER, count, log=True),
    "params": Column("model's parameters $N$", "model of {} parameters", count, log=True),
    "student_tokens": Column("student's tokens $D_S$", "{} tokens", count, log=True),
    "teacher_tokens": Column("teacher's tokens $D_T$", "teacher of {} tokens", count, log=True),
    "tokens": Column("training tokens $D$", "{} tokens", count, log=True),
    "tokens_per_param": Column("tokens a parameter $M$", _RATIO, "{:g}".format, log=True),
    "compute": Column(f"total {_FLOPS}", _BUDGET, powers, log=True),
    "student_compute": Column("student's compute (FLOPs)", _BUDGET, powers, log=True),
    "budget": Column(_FLOPS, _BUDGET, powers, log=True),
    "teacher_loss": Column(
        f"{ENDS['teacher']}teacher's loss $L_T$ (nats)", "teacher's loss {}", "{:.3g}".format
    ),
    "student_loss": Column(f"student's loss $L_S$ {_NATS}", "student's loss {}", "{:.3g}".format),
    "loss": Column(f"loss {_NATS}", "loss {}", "{:.3g}".format),
    "gap": Column(f"{ENDS['gap']}distilled minus trained on data (nats)"),
    "scenario": Column("who pays for the teacher", words=lambda name: SCENARIO_WORDS[name]),
    "share": Column("share of the compute"),
    "width": Column("student's width", "student of width {}", "{:g}".format),
    "teacher_width": Column("teacher's width", words="{:g}".format, log=True, base=2),
    "teacher_steps": Column("training steps of the teacher", words="{:g}".format, log=True, base=2),
    "above_best_mnats": Column(f"loss above the best\n{_MNATS}"),
    "percent_off": Column(f"{ENDS['error']}error of the prediction (%)"),
    "percent_missed": Column("FLOPs missed (%)"),
    "temperature": Column(
        f"{ENDS['temperature']}temperature τ", "temperature {}", "{:g}".format, log=True
    ),
    "peak": Column("peak learning rate", "learning rate {}", "{:g}".format, log=True),
    "bytes_per_token": Column("bytes stored per token", words="{:g}".format, log=True),
    "gamma": Column(r"fitted exponent $\gamma$", words="{:g}".format, log=True),
    "factor": Column("interval's upper over lower end", words="{:g}".format, log=True),
    "teacher_size": Column("teacher's size (number of weights)"),
    "student_size": Column("student's size (number of weights)", "student of {} weights"),
    "student_error": Column("student's error (distance from the target)"),
    "above_best": Column("loss above the best (nats)"),
}

SCENARIO_WORDS = {
    "supervised": "trained on data",
    "best_case": "best case: teacher free",
    "teacher_inference": "teacher inference paid",
    "teacher_pretraining": "teacher pretraining paid",
    "teacher_pretraining_inference": "pretraining and inference paid",
}

# Okabe and Ito's colours, told apart with the common kinds of colour blindness.
_SCENARIOS = {
    "supervised": "#333333",
    "best_case": "#0072B2",
    "teacher_inference": "#E69F00",
    "teacher_pretraining": "#009E73",
    "teacher_pretraining_inference": "#D55E00",
}
_OTHERS = [*[*_SCENARIOS.values()][1:], "#CC79A7", "#56B4E9"]
# Of each quantity one map, from its least to its largest value; pale ends, which white paper
# swallows, are cut off.
_MAPS = {
    "student_params": ("viridis_r", 0.2, LogNorm(1e8, 2e10), LogNorm(3e3, 1.2e6)),
    "student_tokens": ("viridis_r", 0.2, LogNorm(4e9, 512e9), LogNorm(1e5, 1e9)),
    "width": ("viridis_r", 0.2, LogNorm(4, 256), None),
    "tokens_per_param": ("crest", 0.0, LogNorm(10, 600), None),
    "teacher_loss": ("plasma", 0.0, Normalize(1.1, 2.75), None),
    "budget": ("copper_r", 0.15, LogNorm(3e9, 5e12), None),
}
_MAPS["params"] = _MAPS["student_params"]
# Where a study of ours ends.
_SMALL = {"student_params": 1e7, "params": 1e7, "student_tokens": 1e9}


def axis_label(column: str) -> str:
    """What an axis of this column says; a name that is no known column stands for itself."""
    return COLUMNS[column].label if column in COLUMNS else column


def words(column: str, value: object, *, title: bool = False) -> str:
    """A value of a column as text; as a title in its phrase: "student of 300M parameters"."""
    known = COLUMNS.get(column, Column(column))
    return (known.phrase if title else "{}").format(known.words(value))


def palette(column: str, values: Iterable) -> dict:
    """The colour of each value of a column, the same in every figure: {value: colour}.

    Scenarios have their own; sizes, tokens and widths lie on the map of their quantity, paper
    scale and ours apart; anything else takes Okabe and Ito's colours in its order.
    """
    values = list(dict.fromkeys(values))
    if column == "scenario":
        return {name: _SCENARIOS[name] for name in values}
    if column not in _MAPS:
        return dict(zip(values, _OTHERS, strict=False))
    name, least, large, small = _MAPS[column]
    scale = small if max(values) < _SMALL.get(column, 0) else large
    places = {value: float(scale(value)) for value in values}
    shades = {v: mpl.colormaps[name](least + (1 - least) * p) for v, p in places.items()}
    return {v: "black" if places[v] > 1 else shade for v, shade in shades.items()}


def dashes(column: str, value: object) -> dict:
    """The line style of a value: of two scenarios alike in colour one is dashed."""
    dashed = column == "scenario" and "pretraining" in value
    return {"linestyle": (0, (5, 1.2))} if dashed else {}


def ordered(values: Iterable) -> list:
    """Each value once: numbers rising, names in the order given."""
    once = list(dict.fromkeys(values))
    return once if any(isinstance(value, str) for value in once) else sorted(once)
