"""`scalinglib plan`: distil or train on data, from which teacher, and how sure that is."""

import argparse
import dataclasses
import json
import math
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scalinglib import laws
from scalinglib.allocate import TOKENS_BOX, decide, shift
from scalinglib.flops import GPU_TERAFLOPS, N_VOCAB, forward_flops
from scalinglib.laws import mixing
from scalingplan import units
from scalingplan.answers.epochs import beyond_one_epoch

_FEW = 30  # laws that stand for all where many problems are asked
_ABSURD = 1e14  # tokens that no model has seen
_DEARER = 1.05  # times the FLOPs of the other plan, from which a verdict says its price

# Non-embedding parameters and tokens that their makers state.
KNOWN = {
    "llama-2-7b": (6.48e9, 2e12),
    "llama-2-13b": (12.7e9, 2e12),
    "llama-2-70b": (68.5e9, 2e12),
    "llama-3-8b": (6.98e9, 15e12),
    "llama-3-70b": (68.5e9, 15e12),
    "llama-3.1-405b": (402e9, 15.6e12),
}

# Of `units.KINDS`, by option.
_KINDS = {"student": "size", "flops": "flops", "hours": "hours", "utilisation": "utilisation"}
_KINDS |= dict.fromkeys(("tokens", "data", "serve"), "tokens") | {"price": "money"}
_KINDS |= dict.fromkeys(("students", "gpus", "keep"), "count") | {"vocab": "vocabulary"}
_KINDS |= dict.fromkeys(("delta_lgt", "delta_pre"), "share")

_EPILOG = """
teachers:
  8B@15T          what the law expects of 8B parameters on 15T tokens, on the paper's text
  8B@15T:ppl=6.1  the same, measured on your text: moves the law to it, as --measured does
  7B:2.05         a loss on the law's text; nats, bits=2.96, ppl=8.1 or bpb=0.78@4.3 (bytes a token)
  llama-3-8b      by name: {names}
Without --teacher the best one to train is found. Several may be given.

example:
  scalinglib plan --student 1.5B --hours 64x14d --gpu H100 --teacher 7B@2T --data 300B
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    option = parser.add_argument
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG.format(names=", ".join(KNOWN))
    option("--student", required=True, metavar="SIZE", help="such as 1.5B")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--flops", help="of all that the plan costs, such as 1e21")
    budget.add_argument("--hours", help="GPU-hours of the same, such as 5000 or 64x14d")
    budget.add_argument("--tokens", help="of the student; the teacher's cost comes on top")
    cards = ", ".join(GPU_TERAFLOPS)
    option("--gpu", default="H100", help=f"{cards}, or TFLOP/s (default: H100)")
    option("--utilisation", default="40%", help="of the peak (default: 40%%)")
    option("--gpus", help="how many, for days")
    option("--price", help="of one GPU-hour")
    option(
        "--serve", metavar="TOKENS", help="of the student's life: paid from the budget; other sizes"
    )
    option("--teacher", action="append", default=[], metavar="TEACHER")
    option("--data", metavar="TOKENS", help="most tokens for any one model")
    option("--students", default="1", help="that share the teacher (default: 1)")
    option("--stored", action="store_true", help="the teacher runs once for all students")
    option("--keep", metavar="COUNT", help="entries of a stored output (default: all)")
    option("--vocab", metavar="COUNT", help=f"of your tokenizer (default: the paper's {N_VOCAB:,})")
    option("--delta-lgt", default="1", help="share of its inference that counts")
    option("--delta-pre", default="1", help="share of its training, if it is new")
    option(
        "--measured",
        metavar="SIZE:TOKENS:LOSS",
        help="a model of yours, trained on data: shifts the law to your text",
    )
    option("--json", action="store_true", help="the answer as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Print the answer."""
    found, doubts = answer(arguments)
    print(json.dumps(_finite(found), indent=2, allow_nan=False) if arguments.json else _text(found))
    if not arguments.json:
        for doubt in doubts:
            print(f"! {doubt}")


def answer(arguments: argparse.Namespace) -> tuple[dict[str, object], list[str]]:
    """The answer as a dict of plain values, and questions about what was put in."""
    doubts = []

    def read(text, kind, option):
        try:
            value = units.read(text, kind)
        except ValueError as error:
            raise ValueError(f"--{option}: {error}") from None
        if question := units.doubt(value, kind):
            doubts.append(f"--{option} {text}: {question}")
        return value

    def loss(text, option):
        try:
            return units.read_loss(text)
        except ValueError as error:
            raise ValueError(f"--{option}: {error}") from None

    given = options(arguments, read)
    measured = None
    if arguments.measured:
        parts = arguments.measured.split(":")
        if len(parts) != 3:
            raise ValueError(f"--measured: “{arguments.measured}” is not SIZE:TOKENS:LOSS")
        params, tokens = read(parts[0], "size", "measured"), read(parts[1], "tokens", "measured")
        measured = params, tokens, _near(params, tokens, loss(parts[2], "measured"))
    told = [described(given, read, loss) for given in arguments.teacher]
    if measured is None:
        anchors = [one for one in told if None not in one[1:]]
        if anchors:
            _, params, tokens, there = anchors[0]
            measured = params, tokens, _near(params, tokens, there, "teacher")
    law = shift.shifted(laws.load(), *measured)[0] if measured else laws.load()
    teachers = []
    for name, params, tokens, there in told:
        if there is None:
            there = float(np.exp(law.supervised.log_loss(np.log(params), np.log(tokens))))
        elif tokens is None:
            _possible(params, there, name, measured)
            doubts.extend(_implied(law, name, params, there))
        teachers.append(decide.Teacher(name, params, there))
    per_hour = peak(arguments.gpu, read) * 1e12 * given.utilisation * 3600
    problem = decide.Problem(
        given.student,
        compute=given.flops if given.hours is None else given.hours * per_hour,
        student_tokens=given.tokens,
        teachers=tuple(teachers) or None,
        delta_lgt=given.delta_lgt / (given.students if arguments.stored else 1),
        delta_pre=0.0 if teachers else given.delta_pre / given.students,
        max_tokens=given.data,
        serve_tokens=given.serve or 0.0,
    )
    members = laws.ensemble()
    found = decide.advise(laws.load(), members, problem, measured=measured)
    plain = _plain(found, problem, per_hour, price=given.price, gpus=given.gpus)
    plain["questions"] = doubts
    plain["repeated"] = _repeated(problem)
    there = decide.on_text(members, measured) if measured else members
    plain["repeated_distilled"] = _taught_again(_Middle(there), problem, found.best)
    plain["mixing"] = _mixed(law, given.student, found.best)
    plain["losses"] = (
        "nats per token of your text, as the model that you measured has them"
        if measured
        else f"nats per token of English web text (C4), in a vocabulary of {N_VOCAB:,}"
    )
    plain |= {"kept": given.keep, "stored": arguments.stored, "vocabulary": given.vocab or N_VOCAB}
    if given.serve:
        plain["sizes"] = _sizes(problem, found, members.thin(_FEW), measured)
    return plain, doubts


def _repeated(problem):
    """What training on without a teacher is worth once the text has been read, or None."""
    if not (problem.max_tokens and problem.compute):
        return None
    student = problem.student_params
    affordable = problem.training / (3 * float(forward_flops(student)))
    again = beyond_one_epoch(laws.load().supervised, student, affordable, problem.max_tokens)
    return again and again._asdict()


class _Middle(NamedTuple):
    """The centre of an ensemble's losses, as a law."""

    ensemble: laws.Ensemble

    def log_loss(self, *logs: float) -> np.ndarray:
        told = np.array([member.log_loss(*logs) for member in self.ensemble.members])
        return self.ensemble.quantiles(told, 0.5)


def _taught_again(law, problem, best):
    """What reading the text again under the teacher is worth, or None."""
    text = problem.max_tokens
    if not (text and problem.compute and best and math.isclose(best.student_tokens, text)):
        return None
    left = (problem.compute - best.compute) / (best.flops["student"] + best.flops["inference"])
    if left < 0.01:
        return None
    affordable = text * (1 + left)
    again = beyond_one_epoch(law, problem.student_params, affordable, text, best.teacher.loss)
    return again and again._asdict()


def _mixed(law, student, best):
    """The best share of a teacher no larger than the student, and its gain on either alone.

    Of stronger ones the paper's sweep is flat from a half to one, which our law is not.
    """
    if not best or best.teacher.params > student:
        return None
    floor, labels = (
        float(np.exp(law.supervised.log_loss(*np.log(there))))
        for there in ((1e300, 1e300), (student, best.student_tokens))
    )
    taught = float(law.loss(student, best.student_tokens, best.teacher.loss))
    if not floor < taught:
        return None
    ends = labels, taught
    share = float(mixing.best_mixing(*ends, floor, mixing.CORRELATION))
    gain, low = (
        min(ends) - float(mixing.mixed_loss(*ends, share, floor, c))
        for c in (mixing.CORRELATION, mixing.CORRELATION_OF_TEXT)
    )
    return {"teacher_share": share, "gain": gain, "gain_on_text": low}


def options(arguments: argparse.Namespace, read: Callable) -> argparse.Namespace:
    """The numbers that options state, None where one is not given."""
    texts = {name: getattr(arguments, name, None) for name in _KINDS}
    told = {name: text for name, text in texts.items() if text is not None}
    found = {name: read(text, _KINDS[name], name.replace("_", "-")) for name, text in told.items()}
    return argparse.Namespace(**dict.fromkeys(_KINDS) | found)


def described(
    given: str, read: Callable, loss: Callable
) -> tuple[str, float, float | None, float | None]:
    """A teacher as it was written: its name, parameters, tokens or None, loss or None."""
    known = KNOWN.get(given.lower())
    if known:
        return given, *known, None
    where, mark, text = given.partition(":")
    size, at, trained = where.partition("@")
    if not mark and not at:
        raise ValueError(
            f"--teacher: “{given}” is not SIZE@TOKENS or SIZE:LOSS, such as 8B@15T or 7B:2.05; by "
            f"name there are {', '.join(KNOWN)}"
        )
    params = read(size, "size", "teacher")
    tokens = read(trained, "tokens", "teacher") if at else None
    return where, params, tokens, loss(text, "teacher") if mark else None


def _implied(law, name, params, there):
    """What a loss without tokens means by the law, where that is no model's."""
    model, loss = law.supervised, there
    if isinstance(law, shift.Shifted):
        model, loss = law.law.supervised, (there - law.offset) / law.factor
    tokens = float(model.tokens_for_loss(params, loss))
    if tokens > _ABSURD:
        much = f"{tokens:.2g} tokens" if np.isfinite(tokens) else "more tokens than there are"
        yield (
            f"--teacher {name}: a loss of {there:.3f} takes {much} by the law. Is it measured on "
            "other text, or in another vocabulary? SIZE@TOKENS:LOSS moves the law there"
        )


def peak(card: str, read: Callable) -> float:
    """TFLOP/s of a card by any usual name, or of a number."""
    bare = re.sub(r"[^a-z0-9]", "", card.lower()).removeprefix("nvidia").removeprefix("amd")
    for name, rate in GPU_TERAFLOPS.items():
        if re.fullmatch(rf"{name.lower()}(sxm\d*|pcie|nvl|hbm\de?)?(\d+gb)?(sxm\d*|pcie)?", bare):
            return rate
    if re.match(r"\s*[a-z]", card, re.I):
        raise ValueError(
            f"--gpu: “{card}” is not {', '.join(GPU_TERAFLOPS)}, or TFLOP/s as a number"
        )
    return read(card, "teraflops", "gpu")


def _near(params, tokens, loss, option="measured"):
    """The loss of a measured model, where the law can be shifted to it."""
    expected = float(laws.load().supervised.loss(params, tokens))
    if not 0.5 <= loss / expected <= 2:
        raise ValueError(
            f"--{option}: the law expects {expected:.2f} nats of this model, you measured "
            f"{loss:.2f}: too far apart to shift it. Is it the unit?"
        )
    return loss


def _possible(params, loss, text, measured):
    """A teacher's loss, refused where no such teacher has it: the unit must be another one."""
    shifted = shift.shifted(laws.load(), *measured) if measured else (laws.load(),)
    few = min(1e9, 5 * params)  # a model is hardly ever left worse than after so few tokens
    least, after = (
        [float(np.exp(law.supervised.log_loss(*np.log(there)))) for law in shifted]
        for there in ((1e300, 1e300), (params, few))
    )
    whose, other = (
        ("this", "") if measured else ("English", "; if it is other text, give --measured")
    )
    # No law answers below its own entropy.
    bound = min(least) if measured else float(laws.ensemble().entropies.max())
    if loss < bound:
        raise ValueError(
            f"--teacher {text}: {loss:.3g} nats per token is less than {whose} text leaves "
            f"to any model ({bound:.4g}). Are these bits per byte? Write bpb=...@BYTES{other}"
        )
    if loss > max(*after, 3.5):
        raise ValueError(
            f"--teacher {text}: {loss:.3g} nats per token is more than a model of this size has "
            f"after {few:.3g} tokens ({max(after):.2f}). Is it a perplexity? Write ppl=...{other}"
        )
    return loss


def _sizes(problem, found, members, measured):
    """Rows of the students beside the one asked for, at what its plan costs."""
    if problem.compute is None:
        compute = (found.best or found.supervised).compute
        problem = dataclasses.replace(problem, compute=compute, student_tokens=None)
    sizes = [problem.student_params * 2.0**i for i in range(-3, 4)]
    rows = []
    for size in sizes:
        row = {"student_params": size, "verdict": "serving costs more than the budget"}
        if problem.serve_tokens * float(forward_flops(size)) < problem.compute:
            there = dataclasses.replace(problem, student_params=size)
            advised = decide.advise(laws.load(), members, there, measured=measured)
            way = "distilled" if advised.gain > 0 else "supervised"
            plan = advised.best if advised.gain > 0 else advised.supervised
            row |= {"verdict": advised.verdict, "loss": plan.loss, "range": advised.ranges[way]}
            row |= {"student_tokens": plan.student_tokens}
        rows.append(row)
    return rows


def _plain(found, problem, per_hour, *, price, gpus):
    def plan(one):
        if one is None:
            return None
        hours = one.compute / per_hour
        return dataclasses.asdict(one) | {
            "teacher": one.teacher and one.teacher._asdict(),
            "compute": one.compute,
            "gpu_hours": hours,
            "days": None if gpus is None else hours / gpus / 24,
            "price": None if price is None else hours * price,
        }

    return {
        "verdict": found.verdict,
        "share_distil": found.share_distil,
        "gain": found.gain,
        "one_run_scatter": found.error,
        "student_params": problem.student_params,
        "distil": plan(found.best),
        "train": plan(found.supervised),
        "each_teacher": [
            plan(one) | {"best_in": share, "regret": regret}
            for one, share, regret in zip(found.distilled, found.shares, found.regrets, strict=True)
        ],
        "train_same_compute": plan(found.equal),
        "times_the_flops": found.price,
        "ranges": found.ranges,
        "by_form": found.by_form,
        "new_run": found.new_run,
        "ranges_hold": decide.AGREEMENT,
        "notes": list(found.notes),
    }


def _finite(value):
    """Infinite and missing numbers as null: JSON has none."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _again(repeated, loss, way):
    """Several epochs, as lines; none where one ends the budget."""
    if not repeated:
        return []
    gain, low, high = (repeated[name] for name in ("gain", "gain_low", "gain_high"))
    rest = "" if repeated["all_spent"] else ", where the runs that tell it end"
    return [
        "",
        f"Read again, {repeated['epochs']:.3g} epochs ({repeated['tokens']:.3g} tokens){rest}: "
        f"{way} comes to {_loss(loss - gain)} nats ({_loss(loss - high)} to {_loss(loss - low)}).",
    ]


def _labels_help(mixed, scatter):
    """Labels beside the teacher, as lines where a run would show what they gain."""
    if not mixed or mixed["gain"] <= scatter:
        return []
    return [
        "",
        f"Mixing in {1 - mixed['teacher_share']:.0%} labels, the teacher being no larger than the "
        "student, may gain",
        f"{mixed['gain_on_text']:+.3f} to {mixed['gain']:+.3f} nats on the better of teacher and "
        "labels alone (as small models of",
        "text and of words have it, notebook 20; nothing larger was tried).",
    ]


def _tokens(tokens, bound=False):
    bound = bound or math.isclose(tokens, TOKENS_BOX[1], rel_tol=1e-3)
    return f"{tokens:.3g}{' (a bound)' if bound else ''}"


def _loss(nats):
    """A loss, or that it is above that of guessing: no model's, whatever the law puts there."""
    guess = math.log(N_VOCAB)
    return f"{nats:.3f}" if nats <= guess else f"above {guess:.3f}"


def _gain(nats):
    """A gain, or that it is beyond what guessing loses: laws that run away say no number."""
    guess = math.log(N_VOCAB)
    if abs(nats) <= guess:
        return f"{round(nats, 3) + 0.0:+.3f}"
    return f"below {-guess:.3f}" if nats < 0 else f"above {guess:+.3f}"


def _amount(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _headline(found):
    """The verdict, and its price."""
    best, equal = found["distil"], found["train_same_compute"]
    if found["verdict"] == "train on data":
        return "Train on data, without a teacher"
    if found["verdict"] == "undecided":
        return "Undecided; training on data is simpler"
    teacher = best["teacher"]["name"]
    line = f"Distil from {'a new teacher' if teacher == 'new' else teacher}"
    if found["times_the_flops"] > _DEARER:
        line += f": {found['gain']:+.3f} nats for {found['times_the_flops']:.2g} times the FLOPs"
    scatter = found["one_run_scatter"]
    if equal and equal["loss"] < best["loss"] - scatter:
        line += "; with data to spare, train on it instead"
    if again := found["repeated"]:
        taught = found["repeated_distilled"] or {"gain_low": 0.0, "gain_high": 0.0}
        ahead = found["train"]["loss"] - best["loss"]  # of distilling; then at least and at most
        least = ahead + taught["gain_low"] - again["gain_high"]
        most = ahead + taught["gain_high"] - again["gain_low"]
        if most < -scatter:
            line += "; but training on the text again and again, without a teacher, does better"
        elif least < scatter:
            line += "; but training on the text again and again may do as well"
    return line


def _text(found):
    best, data, equal = found["distil"], found["train"], found["train_same_compute"]
    ranges = found["ranges"]
    plans = {"distil": best, "train on data": data}
    if equal:
        plans["on data, same FLOPs"] = equal
    rows = [("", *plans)]

    def row(name, show):
        rows.append((name, *(("none" if p is None else show(p)) for p in plans.values())))

    row("expected loss (nats)", lambda p: _loss(p["loss"]))
    bands = [ranges.get(name) for name in ("distilled", "supervised", "equal")[: len(plans)]]
    texts = ["none" if band is None else " to ".join(map(_loss, band)) for band in bands]
    rows.append(("in 9 of 10 laws", *texts))
    if found["new_run"]:
        run = found["new_run"]
        text = f"{_loss(run[0])} to {_loss(run[2])}"
        rows.append(("a run, 9 of 10", text, *[""] * (len(plans) - 1)))
    row("student tokens", lambda p: _tokens(p["student_tokens"]))
    row("FLOPs", lambda p: f"{p['compute']:.3g}")
    if data["flops"]["serving"]:
        row("of them serving", lambda p: f"{p['flops']['serving']:.3g}")
    row("GPU-hours", lambda p: _amount(p["gpu_hours"]))
    if data["days"] is not None:
        row("days", lambda p: f"{p['days']:.3g}")
    if data["price"] is not None:
        row("price", lambda p: _amount(p["price"]))
    if best:
        teacher, rest = best["teacher"], [""] * (len(plans) - 1)
        rows.append(("teacher size", f"{teacher['params']:.3g}", *rest))
        rows.append(("teacher loss (nats)", f"{teacher['loss']:.3f}", *rest))
        if teacher["tokens"]:
            bound = any("tokens are a bound" in n for n in found["notes"])
            rows.append(("teacher tokens", _tokens(teacher["tokens"], bound), *rest))
    lines = [_headline(found), "", *_aligned(rows)]
    if best:
        low, high = ranges["gain"]
        lines += [
            "",
            f"Gain of distilling: {_gain(found['gain'])} nats per token; in 9 of 10 cases it lies "
            f"between {_gain(low)} and {_gain(high)}, as the laws that fit the paper's runs differ "
            "and as they missed runs that were kept from them.",
            *_forms(found["by_form"]),
        ]
    lines += _labels_help(found["mixing"], found["one_run_scatter"])
    lines += _again(found["repeated"], data["loss"], "training on data")
    if found["repeated_distilled"]:
        lines += _again(found["repeated_distilled"], best["loss"], "distilling")
        lines.append("That a teacher stretches the text fourfold is of small scale (notebook 20).")
    if len(found["each_teacher"]) > 1:
        rows = [("teacher", "size", "loss", "student loss", "student tokens", "best in")]
        rows += [
            (
                one["teacher"]["name"],
                f"{one['teacher']['params']:.3g}",
                f"{one['teacher']['loss']:.3f}",
                _loss(one["loss"]),
                _tokens(one["student_tokens"]),
                f"{one['best_in']:.0%}",
            )
            for one in found["each_teacher"]
        ]
        lines += ["", *_aligned(rows)]
    if found["stored"] and best:
        lines += ["", _storage(best["student_tokens"], found["kept"], found["vocabulary"])]
    lines += [f"Note: {note}." for note in found["notes"]]
    lines.append(
        "The range on data is that of Table 6's coefficients: no error of the law's form is in it."
    )
    lines.append(f"Losses are {found['losses']}.")
    if found["vocabulary"] != N_VOCAB:
        lines.append(_another_vocabulary(found["student_params"], found["vocabulary"]))
    if "sizes" in found:
        lines += ["", "Other students for the same compute, serving included:"]
        sizes = [size for size in found["sizes"] if "loss" in size]
        least = min(sizes, key=lambda size: size["loss"], default=None)
        for size in found["sizes"]:
            line = f"  {size['student_params']:>9.3g}  {size['verdict']:<13}"
            if "loss" in size:
                low, high = size["range"]
                line += f"  {_loss(size['loss'])} ({_loss(low)} to {_loss(high)})"
            lines.append(line + ("  the best of these" if size is least else ""))
    return "\n".join(lines)


def _forms(by_form):
    """Which forms of the law say what of the gain, so that nothing counts forms."""
    of_floor = {name: by_form[name] for name in by_form if name.endswith("its floor")}
    parts = {"gains": [], "loses": [], "may gain or lose": []}
    for name, (low, high) in by_form.items():
        if name not in of_floor:
            what = "gains" if low > 0 else "loses" if high < 0 else "may gain or lose"
            parts[what].append(name.replace("_", " "))
    said = [f"{what} ({', '.join(names)})" for what, names in parts.items() if names]
    if not said:
        return []
    lines = [f"By the form of the law: distilling {', '.join(said)}."]
    if len(said) == 1:
        lines = [f"Under every form of the law distilling {said[0].partition(' (')[0]}."]
    if len(of_floor) == 2:
        passes, respects = of_floor["passes its floor"], of_floor["respects its floor"]
        lines.append(
            "Laws that let a distilled student end below what endless data would give it say "
            f"{' to '.join(map(_gain, passes))}; the others {' to '.join(map(_gain, respects))}."
        )
    return lines


def _aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join([f"{row[0]:<{widths[0]}}", *map("{:>{}}".format, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]


def _another_vocabulary(params, vocabulary):
    """What the numbers leave out where the tokenizer is not the paper's."""
    more = forward_flops(params, n_vocab=vocabulary) / forward_flops(params) - 1
    return (
        f"FLOPs are counted for the paper's vocabulary: {vocabulary:,.0f} entries make the student "
        f"{more:+.0%}. Losses and tokens count its tokens too: give --measured, or a teacher as "
        "SIZE@TOKENS:LOSS, to move the law to yours."
    )


def _storage(tokens, kept, vocabulary):
    """Bytes of a teacher's stored outputs, in float32 with an index where some are kept."""
    index = math.ceil(math.log2(vocabulary) / 8)
    kept = None if kept is None or kept >= vocabulary else kept
    per_token = 4 * vocabulary if kept is None else kept * (4 + index)
    total = per_token * tokens
    thousands = min(int(math.log10(total) / 3), 6)
    unit = ("", *"kMGTPE")[thousands]
    entries = f"all {vocabulary:,.0f}" if kept is None else f"{kept:.0f}"
    return (
        f"Stored outputs: {tokens:.3g} tokens, {entries} entries each, take "
        f"{total / 1e3**thousands:.3g} {unit}B ({per_token:,.0f} bytes a token)."
    )
