"""Python's search for cyclic garbage, which finds next to none in a short run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def uncollected() -> Iterator[None]:
    """Put the search off; what is not in a cycle is freed as ever."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def leave() -> None:
    """Spare a process that ends the search through all that it holds."""
    with suppress(AttributeError):  # PyPy searches otherwise
        gc.freeze()
