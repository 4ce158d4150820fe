"""Options that commands share, and what their texts state: numbers, losses, teachers, cards."""

import argparse
import math
import re
from collections.abc import Callable
from functools import partial, wraps

from scalinglib.allocate import Teacher
from scalinglib.flops import GPU_TERAFLOPS
from scalingplan import units

# Own models may be far smaller than those that people train.
SMALL = units.smaller(size=(1e3, "350M"), tokens=(1e3, "7B"), flops=(1e9, "3e20"))

# Non-embedding parameters and tokens that their makers state.
KNOWN = {
    "llama-2-7b": (6.48e9, 2e12),
    "llama-2-13b": (12.7e9, 2e12),
    "llama-2-70b": (68.5e9, 2e12),
    "llama-3-8b": (6.98e9, 15e12),
    "llama-3-70b": (68.5e9, 15e12),
    "llama-3.1-405b": (402e9, 15.6e12),
}


def said(read: Callable) -> Callable:
    """A reader for argparse, which keeps what it says of a text."""

    @wraps(read)
    def typed(text, **given):
        try:
            return read(text, **given)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return typed


def number(
    parser: argparse._ActionsContainer,
    flag: str,
    kind: str,
    help: str,
    kinds: dict[str, units.Kind] = units.KINDS,
    **more: object,
) -> None:
    """An option that states a number of one kind.

    - flag: its name, and after a blank what stands for the number in the help.
    - more: default or required, as argparse has them.
    """
    name, metavar = flag.split()
    read = partial(said(units.read), kind=kind, kinds=kinds)
    parser.add_argument(name, metavar=metavar, type=read, help=help, **more)


@said
def teacher(text: str, kinds: dict[str, units.Kind] = units.KINDS) -> Teacher:
    """A teacher by name, as SIZE@TOKENS, SIZE:LOSS or SIZE@TOKENS:LOSS.

    - returns: its loss is NaN, its tokens are None where the text does not state them.
    """
    if known := KNOWN.get(text.lower()):
        return Teacher(text, known[0], math.nan, known[1])
    name, colon, loss = text.partition(":")
    size, at, tokens = name.partition("@")
    if not colon and not at:
        raise ValueError(
            f"“{text}” is not SIZE@TOKENS or SIZE:LOSS, such as 8B@15T or 7B:2.05; by name there "
            f"are {', '.join(KNOWN)}"
        )
    return Teacher(
        name,
        units.read(size, "size", kinds),
        units.read_loss(loss) if colon else math.nan,
        units.read(tokens, "tokens", kinds) if at else None,
    )


@said
def card(text: str) -> float:
    """TFLOP/s of a card by any usual name, or of a number."""
    bare = re.sub(r"[^a-z0-9]", "", text.lower()).removeprefix("nvidia").removeprefix("amd")
    for name, rate in GPU_TERAFLOPS.items():
        if re.fullmatch(rf"{name.lower()}(sxm\d*|pcie|nvl|hbm\de?)?(\d+gb)?(sxm\d*|pcie)?", bare):
            return rate
    if re.match(r"\s*[a-z]", text, re.I):
        raise ValueError(f"“{text}” is not {', '.join(GPU_TERAFLOPS)}, or TFLOP/s as a number")
    return units.read(text, "teraflops")


def add_shared(parser: argparse.ArgumentParser) -> None:
    """The options that say what a FLOP takes and costs."""
    cards = f"{', '.join(GPU_TERAFLOPS)}, or its TFLOP/s (default: H100)"
    parser.add_argument("--gpu", type=card, default="H100", help=cards)
    share = "of the GPU's peak that training reaches (default: 40%%)"
    number(parser, "--utilisation SHARE", "utilisation", share, default="40%")
    number(parser, "--price MONEY", "money", "of one GPU-hour")
    share = "of the teacher's inference that you pay (default: 1); 0 where its outputs are free"
    number(parser, "--delta-lgt SHARE", "share", share, default="1")


def flops_per_hour(arguments: argparse.Namespace) -> float:
    """FLOPs of one GPU-hour."""
    return arguments.gpu * 1e12 * arguments.utilisation * 3600
