"""Printing what was done, which does not change whether it was done."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO


def say(text: str) -> None:
    """Print `text`; where that fails, say so on standard error and go on.

    A reader that went away, as in ``| head``, wants to hear no more of it.
    """
    fault = _printed(text, sys.stdout)
    if fault is not None and not isinstance(fault, BrokenPipeError):
        complain(f"Cannot print what was done: {fault.strerror or fault}")


def complain(text: str) -> None:
    """Print `text` on standard error if that can be."""
    _printed(text, sys.stderr)


def _printed(text: str, stream: TextIO | None) -> OSError | None:
    """Print `text` on `stream`, which is None if it was closed before the start."""
    if stream is None:
        return None
    try:
        stream.write(f"{text}\n")  # at once, for several threads may have to say it
        stream.flush()
    except OSError as error:
        _give_up(stream)
        return error
    return None


def _give_up(stream: TextIO) -> None:
    """Send what `stream` still holds nowhere: Python flushes it at the end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
