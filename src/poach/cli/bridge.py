"""Answer the bridge in a buildout on Python 2.7, which asks on standard input."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import Any

from poach.cli.saying import say
from poach.errors import PoachError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no arguments: everything is in the question."""


def run(arguments: argparse.Namespace) -> int:
    """Print the answer, one line of JSON, and return the exit code.

    What buildout and poach log goes to standard error.  A fault is an answer, too.
    """
    with contextlib.redirect_stdout(sys.stderr):
        code, answer = _answered(sys.stdin.buffer.read())
    say(json.dumps(answer))
    return code


def _answered(question: bytes) -> tuple[int, dict[str, Any]]:
    # Imported late: `poach apply` needs no buildout, and importing it takes a while.
    from poach.buildout import bridge
    from poach.cli.config import our_errors

    try:
        with our_errors():
            return 0, bridge.answer(bridge.parsed(_read(question)))
    except PoachError as fault:
        return 1, bridge.refusal(fault)


def _read(question: bytes) -> object:
    try:
        return json.loads(question)
    except ValueError:
        return None  # which is no question
