"""The command line: thin, one module for each command."""

from __future__ import annotations

import argparse
import io
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

from poach.cli import apply, build, listing
from poach.errors import PoachError

DONE, FAULT, BUG, INTERRUPTED = 0, 1, 3, 130

COMMANDS = {"build": build, "list": listing, "apply": apply}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: done; 1: something that the user can mend; 2: usage (raised as SystemExit by
    argparse); 3: a bug of ours; 130: interrupted.
    """
    arguments = parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # a name must not stop what is being done
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(arguments.run(arguments))
    except PoachError as error:
        print(f"Error: {error}", file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception:
        traceback.print_exc()
        print("This is a bug in poach; please report it", file=sys.stderr)
        return BUG


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="poach", description="Patched eggs for zc.buildout."
    )
    top.add_argument(
        "--version", action="version", version=f"%(prog)s {version('poach')}"
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.configure(command)
        command.set_defaults(run=module.run)
    return top
