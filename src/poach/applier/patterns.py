"""Patterns of diffs, compiled when they are first used, and the most common ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

Finder = Callable[[bytes], re.Match[bytes] | None]

GIT = b"diff --git "
HUNK = re.compile(rb"@@ -(\d{1,18})(?:,(\d{1,18}))? \+(\d{1,18})(?:,(\d{1,18}))? ?@@")
BINARY_NOTE = rb"(?m)^(?:Binary files|Files) (.*) differ\r?$"


def matcher(pattern: bytes) -> Finder:
    """Return what matches a pattern that not every diff has.

    It is compiled at the first call: all of them take ten milliseconds.
    """
    compiled = cache(lambda: re.compile(pattern).match)
    return lambda text: compiled()(text)


def searcher(pattern: bytes) -> Finder:
    """Return what finds such a pattern anywhere in a text."""
    compiled = cache(lambda: re.compile(pattern).search)
    return lambda text: compiled()(text)


oids_in = matcher(rb"([0-9a-f]+)\.\.([0-9a-f]+)(?: ([0-7]{1,6})\b)?")
