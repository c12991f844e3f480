"""What two versions of a file have in common, counted in words."""

from __future__ import annotations

import re
from collections import Counter


def is_lost(upstream: bytes | None, patched: bytes, found: bytes) -> bool:
    """Return whether `found`, which stands for the patched file, lacks the change.

    That is so if what the patch changes is there rather as it was upstream: words are
    counted, since a build that rewrites a file may set the others differently.
    """
    if upstream == found:
        return True
    old, new, there = map(_words, (upstream or b"", patched, found))
    changed = [word for word in old | new if old[word] != new[word]]
    to_old = sum(abs(there[word] - old[word]) for word in changed)
    to_new = sum(abs(there[word] - new[word]) for word in changed)
    return to_old < to_new


def is_like(one: bytes, other: bytes) -> bool:
    """Return whether two files have most words in common."""
    ours, theirs = _words(one), _words(other)
    common = (ours & theirs).total()
    return common * 2 > max(ours.total(), theirs.total())


def _words(data: bytes) -> Counter[bytes]:
    return Counter(re.findall(rb"\w+|[^\w\s]", data))
