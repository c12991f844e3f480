"""Distributions in memory that require something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import zc.buildout.easy_install  # noqa: F401  (brings pkg_resources)
from pkg_resources import Distribution, EmptyProvider


class Metadata(EmptyProvider):  # type: ignore[misc]
    """What a distribution says in requires.txt."""

    def __init__(self, requires: str) -> None:
        self.requires = requires

    def has_metadata(self, name: str) -> bool:
        """Return whether there is a file of metadata."""
        return name == "requires.txt"

    def get_metadata(self, name: str) -> str:
        """Return its text."""
        return self.requires

    def get_metadata_lines(self, name: str) -> Iterator[str]:
        """Yield its lines."""
        return iter(self.requires.splitlines())


def dist(name: str, requires: str = "") -> Any:
    """Return version 1.0 of a project; `requires` is as in requires.txt."""
    return Distribution("/eggs", Metadata(requires), name, "1.0")
