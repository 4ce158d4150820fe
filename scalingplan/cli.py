"""The command line: `scalinglib plan`, `fit`, `design`, `study`, or `python -m scalingplan`."""

import argparse
import os
import select
import sys
import warnings
from importlib import import_module

COMMANDS = {
    "plan": "distil a model from a teacher or train it on data: verdict, plan and ranges",
    "fit": "a law of your own runs, and what it says of a decision",
    "design": "which small runs to train before a large one, and when to stop",
    "study": "train models on your text, and leave a table of runs for a law",
}


class _Parser(argparse.ArgumentParser):
    """A parser that refuses with one sentence, which begins with the option at fault."""

    def error(self, message: str) -> None:
        """Raise it as a ValueError."""
        option = message.removeprefix("argument ")
        hint = "" if option != message else f"; {self.prog} --help has the options"
        raise ValueError(f"{self.prog}: {option}{hint}")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status, 2 with a sentence where the input is at fault.

    So too where the command wants an extra that is not installed, or the system refuses.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _Parser(prog="scalinglib", description="Distillation scaling laws.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = {}
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        # Only the command asked for is imported: another one may need what takes seconds.
        if name in arguments[:1]:
            try:
                modules[name] = import_module(f"scalingplan.commands.{name}")
            except ImportError as error:
                print(f"scalinglib {name}: {error}", file=sys.stderr)
                return 2
            modules[name].add(command)
    try:
        given = parser.parse_args(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2

    def said_of(message, *place):
        print(f"scalinglib {given.command}: {message}", file=sys.stderr)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = said_of  # a sentence, without the line of ours that raised it
            status = modules[given.command].run(given) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        if _nobody_reads(sys.stdout.fileno()):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        said = "a process that works for it could not start, or ended (broken pipe)"
    except KeyboardInterrupt:
        print(f"\nscalinglib {given.command}: stopped", file=sys.stderr)
        return 130  # 128 + SIGINT, as shells have it
    except (ValueError, ImportError) as error:
        said = str(error)
    except OSError as error:
        said = f"{error.filename or 'the system'}: {error.strerror or error}"
    print(f"scalinglib {given.command}: {said}", file=sys.stderr)
    return 2


def _nobody_reads(descriptor):
    """Whether it is a pipe whose reader has read enough."""
    seen = select.poll()
    seen.register(descriptor, 0)  # POLLERR and POLLHUP come unasked
    return bool(seen.poll(0))
