"""`scalinglib plan`: distil or train on data, from which teacher, and how sure that is."""

import argparse
import dataclasses
import json
import math
from functools import partial
from typing import NamedTuple

import numpy as np

from scalinglib import laws
from scalinglib.allocate import TOKENS_BOX, decide, shift
from scalinglib.flops import N_VOCAB, forward_flops
from scalinglib.laws import mixing
from scalingplan import units
from scalingplan.answers.epochs import beyond_one_epoch
from scalingplan.commands import options

_FEW = 30  # laws that stand for all where many problems are asked
_ABSURD = 1e14  # tokens that no model has seen
_DEARER = 1.05  # times the FLOPs of the other plan, from which a verdict says its price

# Options whose number is questioned where it is odd, by its kind.
_NUMBERS = {
    "size": ("student",), "flops": ("flops",), "hours": ("hours",), "teraflops": ("gpu",),
    "tokens": ("tokens", "data", "serve"), "count": ("students", "gpus", "keep"),
    "utilisation": ("utilisation",), "money": ("price",), "vocabulary": ("vocab",),
}  # fmt: skip

_EPILOG = """
teachers:
  8B@15T          what the law expects of 8B parameters on 15T tokens, on the paper's text
  8B@15T:ppl=6.1  the same, measured on your text: moves the law to it, as --measured does
  7B:2.05         a loss on the law's text: nats per token, or bits=2.96, ppl=8.1, bpb=0.78@4.3
                  (bits per byte, at so many bytes a token)
  llama-3-8b      by name: {names}
Several may be given. Without any, the best teacher to train is found, and its training is paid.

example:
  scalinglib plan --student 1.5B --hours 64x14d --gpu H100 --teacher 7B@2T --data 300B
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    number, option = partial(options.number, parser), parser.add_argument
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG.format(names=", ".join(options.KNOWN))
    number("--student SIZE", "size", "its non-embedding parameters, such as 1.5B", required=True)
    budget = partial(options.number, parser.add_mutually_exclusive_group(required=True))
    budget("--flops FLOPS", "flops", "the budget of all that the plan costs, such as 1e21")
    budget("--hours HOURS", "hours", "the same in GPU-hours, such as 5000 or 64x14d")
    budget("--tokens TOKENS", "tokens", "of the student; what its teacher costs comes on top")
    option("--teacher", type=options.teacher, action="append", default=[], help="see below")
    number("--data TOKENS", "tokens", "that there are for any one model")
    options.add_shared(parser)
    number("--gpus COUNT", "count", "says how many days it takes")
    serving = "that the student serves in its life: paid from the budget, other sizes compared"
    number("--serve TOKENS", "tokens", serving)
    number("--students COUNT", "count", "that share the teacher (default: 1)", default="1")
    option("--stored", action="store_true", help="the teacher runs once for all students")
    number("--keep COUNT", "count", "entries of each stored output (default: all)")
    vocabulary = f"entries of your tokenizer (default: the paper's {N_VOCAB:,})"
    number("--vocab COUNT", "vocabulary", vocabulary)
    share = "of a new teacher's training that you pay (default: 1)"
    number("--delta-pre SHARE", "share", share, default="1")
    model = "a model of yours, trained on data: moves the law to your text"
    option("--measured", type=_measured, metavar="SIZE:TOKENS:LOSS", help=model)
    option("--json", action="store_true", help="the answer as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Print the answer."""
    found = answer(arguments)
    if arguments.json:
        print(json.dumps(_finite(found), indent=2, allow_nan=False))
    else:
        print(_text(found), *(f"! {doubt}" for doubt in found["questions"]), sep="\n")


def answer(arguments: argparse.Namespace) -> dict[str, object]:
    """The answer as a dict of plain values."""
    given, measured = arguments, None
    if given.measured:
        measured = _near(given.measured, "measured")
    elif anchors := [t for t in given.teacher if t.tokens and not math.isnan(t.loss)]:
        measured = _near(anchors[0], "teacher")
    law = shift.shifted(laws.load(), *measured)[0] if measured else laws.load()
    doubts, teachers = list(_questions(given)), []
    for name, params, there, tokens in given.teacher:
        if math.isnan(there):
            there = float(np.exp(law.supervised.log_loss(np.log(params), np.log(tokens))))
        elif tokens is None:
            _possible(params, there, name, measured)
            doubts.extend(_implied(law, name, params, there))
        teachers.append(decide.Teacher(name, params, there))
    per_hour = options.flops_per_hour(given)
    problem = decide.Problem(
        given.student,
        compute=given.flops if given.hours is None else given.hours * per_hour,
        student_tokens=given.tokens,
        teachers=tuple(teachers) or None,
        delta_lgt=given.delta_lgt / (given.students if given.stored else 1),
        delta_pre=0.0 if teachers else given.delta_pre / given.students,
        max_tokens=given.data,
        serve_tokens=given.serve or 0.0,
    )
    members = laws.ensemble()
    found = decide.advise(laws.load(), members, problem, measured=measured)
    plain = _plain(found, problem, per_hour, price=given.price, gpus=given.gpus)
    plain["questions"] = doubts
    plain |= _read_again(problem, found.best, members, measured)
    plain["mixing"] = _mixed(law, given.student, found.best)
    plain["losses"] = (
        "nats per token of your text, as the model that you measured has them"
        if measured
        else f"nats per token of English web text (C4), in a vocabulary of {N_VOCAB:,}"
    )
    plain |= {"kept": given.keep, "stored": given.stored, "vocabulary": given.vocab or N_VOCAB}
    if given.serve:
        plain["sizes"] = _sizes(problem, found, members.thin(_FEW), measured)
    return plain


class _Middle(NamedTuple):
    """The centre of an ensemble's losses, as a law."""

    ensemble: laws.Ensemble

    def log_loss(self, *logs: float) -> np.ndarray:
        told = np.array([member.log_loss(*logs) for member in self.ensemble.members])
        return self.ensemble.quantiles(told, 0.5)


def _read_again(problem, best, members, measured):
    """What training on is worth once the text has been read, without a teacher and with the best.

    None where the budget ends before, or the plan is not held back by the text.
    """
    text, student = problem.max_tokens, problem.student_params
    told = {"repeated": None, "repeated_distilled": None}
    if not (text and problem.compute):
        return told
    affordable = problem.training / (3 * float(forward_flops(student)))
    alone = beyond_one_epoch(laws.load().supervised, student, affordable, text)
    if best and math.isclose(best.student_tokens, text):
        left = (problem.compute - best.compute) / (best.flops["student"] + best.flops["inference"])
        if left >= 0.01:
            law = _Middle(decide.on_text(members, measured) if measured else members)
            taught = beyond_one_epoch(law, student, text * (1 + left), text, best.teacher.loss)
            told["repeated_distilled"] = taught and taught._asdict()
    return told | {"repeated": alone and alone._asdict()}


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


def _questions(given):
    """What is odd about the numbers that the options state."""
    stated = [(name, kind) for kind, names in _NUMBERS.items() for name in names]
    told = [(f"--{name}", kind, getattr(given, name)) for name, kind in stated]
    measured = [("--measured", given.measured)] if given.measured else []
    for option, model in [*((f"--teacher {t.name}", t) for t in given.teacher), *measured]:
        told += [(option, "size", model.params), (option, "tokens", model.tokens)]
    for option, kind, value in told:
        if value is not None and (question := units.doubt(value, kind)):
            yield f"{option}: {question}"


@options.said
def _measured(text):
    """A model of the reader's own, as a teacher."""
    if text.count(":") != 2:
        raise ValueError(f"“{text}” is not SIZE:TOKENS:LOSS")
    return options.teacher(text.replace(":", "@", 1))


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


def _near(model, option):
    """Parameters, tokens and loss of a measured model, where the law can be shifted to it."""
    params, loss, tokens = model[1:]
    expected = float(laws.load().supervised.loss(params, tokens))
    if not 0.5 <= loss / expected <= 2:
        raise ValueError(
            f"--{option}: the law expects {expected:.2f} nats of this model, you measured "
            f"{loss:.2f}: too far apart to shift it. Is it the unit?"
        )
    return params, tokens, loss


def _possible(params, loss, text, measured):
    """Refuse a loss that no such teacher has: the unit must be another one."""
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
