"""The command line: thin, one module for each command, imported when it is used."""

from __future__ import annotations

import argparse
import importlib
import io
import sys
from collections.abc import Sequence
from functools import partial

from poach.cli import collector
from poach.cli.saying import complain
from poach.errors import PoachError

DONE, FAULT, BUG, INTERRUPTED = 0, 1, 3, 130

COMMANDS = {
    "build": "build",
    "list": "listing",
    "graph": "graph",
    "apply": "apply",
    "cache": "cache",
    "key": "key",
    "bridge": "bridge",
    "help": "help",
}
"""The module of each command."""

_WITHOUT_BUILDOUT = ("apply", "key", "bridge")  # their -v is not buildout's

# Else argparse asks for the terminal's width at each argument, with shutil's help.
_HELP = partial(argparse.HelpFormatter, width=78)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: done; 1: an error that the user can correct; 2: usage (raised as SystemExit by
    argparse); 3: a bug of ours; 130: interrupted.
    """
    if argv is not None:
        return _run(argv)
    code = _run(sys.argv[1:])
    collector.leave()
    return code


def _run(words: Sequence[str]) -> int:
    arguments = argparse.Namespace()
    try:
        with collector.uncollected():  # modules that are imported stay
            parser(words).parse_args(words, arguments)
        _say_any_name()
        return int(arguments.run(arguments))
    except PoachError as error:
        complain(f"Error: {error}")
        return FAULT
    except KeyboardInterrupt:
        complain("Interrupted")
        return INTERRUPTED
    except Exception as error:
        complain(_bug(error, getattr(arguments, "louder", 0)))
        return BUG


def _say_any_name() -> None:
    """Do not stop because a name cannot be printed."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _bug(error: Exception, louder: int) -> str:
    """Return what to say of a bug; it is meant to be sent to others."""
    import traceback

    from poach.pins.location import without_credentials

    if louder:
        text = traceback.format_exc() + "This is a bug in poach; please report it"
    else:
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = (
            f"Error: {''.join(traceback.format_exception_only(error)).strip()}\n"
            f"    in {place.name}, {place.filename}:{place.lineno}\n"
            "This is a bug in poach; please report it, with what the same command "
            "prints with -v"
        )
    return without_credentials(text)


def parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser of the command line, or what of it `words` need."""
    top = argparse.ArgumentParser(
        prog="poach", description="Patched eggs for zc.buildout.", formatter_class=_HELP
    )
    top.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        help="show program's version number and exit",
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name in words[:1] if words and words[0] in COMMANDS else COMMANDS:
        module = importlib.import_module(f"poach.cli.{COMMANDS[name]}")
        summary = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(
            name, help=summary, description=summary, formatter_class=_HELP
        )
        module.configure(command)
        if name in _WITHOUT_BUILDOUT:
            command.add_argument(
                "-v",
                dest="louder",
                action="count",
                default=0,
                help="print the traceback of a bug in poach",
            )
        command.set_defaults(run=module.run)
    return top


class _Version(argparse.Action):
    """Prints the version, which takes a while to find."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('poach')}")
        parser.exit()
