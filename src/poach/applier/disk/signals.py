"""Signals that end this process, held back while something must not be cut off."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# As Python and the system handle them; who handles one otherwise, or ignores it, does.
_HELD = {
    name: handler
    for name, handler in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    )
    if hasattr(signal, name)
}


class Stopped(BaseException):
    """A signal came in; the block of `held_back` that looked for it is to end."""


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Let signals wait until the block looks for them.

    The block gets a function that raises `Stopped` if one came in.  Where the block
    ends with that, the first signal does what it always does.  One that the block did
    not look for any more came too late, and does nothing.  Only the main thread can
    hold signals back.
    """
    came: list[int] = []

    def look() -> None:
        if came:
            raise Stopped

    held, is_stopped = _held(came), False
    try:
        yield look
    except Stopped:
        is_stopped = True
    finally:
        for number in held:
            signal.signal(number, _HELD[signal.Signals(number).name])
    if is_stopped:
        os.kill(os.getpid(), came[0])
        raise KeyboardInterrupt  # where the signal did not end us


def _held(came: list[int]) -> list[int]:
    held = list[int]()
    for name, handler in _HELD.items():
        number = getattr(signal, name)
        if signal.getsignal(number) == handler:
            try:
                signal.signal(number, lambda number, _: came.append(number))
            except ValueError:  # not the main thread
                break
            held.append(number)
    return held
