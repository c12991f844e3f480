"""Jobs side by side: threads, for what takes long is done in subprocesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from poach import errors
from poach.build import process

T = TypeVar("T")
R = TypeVar("R")


def collect(function: Callable[[T], R], items: Sequence[T], jobs: int) -> list[R]:
    """Do as `poach.errors.collect`, with up to `jobs` calls of `function` at a time.

    A `PoachError` of one stops no other; the faults come in the order of the items.
    Anything else, an interrupt by the user, and a signal that ends this process stop
    all subprocesses, and are raised when every call has cleaned up.
    """
    if jobs == 1 or len(items) < 2:
        return errors.collect(function, items)
    # Imported late: a run that makes nothing, or one egg, needs no threads.
    from concurrent.futures import Future, ThreadPoolExecutor

    pool = ThreadPoolExecutor(min(jobs, len(items)))
    with process.tidily():
        try:
            futures = [pool.submit(function, item) for item in items]
            results: list[R] = errors.collect(Future.result, futures)
        except BaseException:
            # First, so that no build begins that was waiting for another to end.
            pool.shutdown(wait=False, cancel_futures=True)
            with process.shut():
                pool.shutdown()
            raise
        pool.shutdown()
    return results
