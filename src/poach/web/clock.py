"""One clock for a whole transfer: it ends, however a server drips."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

#: Bytes in a second; what is slower is given up.
SLOWEST = 50_000


class TooSlow(Exception):
    """What was given up."""


def watched(
    work: Callable[[], T], patience: float, progress: Callable[[], int] = lambda: 0
) -> T:
    """Return what `work` returns; give it up when its `progress`, bytes, is slow.

    It gets `patience`, in seconds, and the time that its bytes take.  It runs in a
    thread, which then stays behind until its next time-out: neither looking up a name
    nor waiting for headers can be stopped, and a server that sends a byte now and
    then meets no time-out at all.  Raises `TooSlow`, and what `work` raises.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    end = time.monotonic() + patience
    while True:
        left = end + progress() / SLOWEST - time.monotonic()
        if wait([outcome], max(left, 0)).done:
            return outcome.result()
        if left <= 0:
            raise TooSlow
