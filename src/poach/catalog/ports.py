"""What the catalog needs of the outside, and what it gets from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol


class Sdist(NamedTuple):
    """An upstream source archive."""

    path: Path
    #: The digest of its bytes, in hex.
    sha256: str
    #: The URL or the path that it came from, without credentials.
    source: str = ""


class SourceFinder(Protocol):
    """Finds upstream sdists; zc.buildout's installer stands behind it."""

    def find(
        self, project: str, version: str, fetching: Callable[[], None] = lambda: None
    ) -> Sdist:
        """Return the sdist of exactly that version, fetched once in a run.

        `fetching` is called before it is sought.  Raises `PoachError`.
        """


class Fetcher(Protocol):
    """Gets bytes from URLs."""

    def get(self, url: str) -> bytes:
        """Return what the server has at `url`; raise `PoachError`."""

    def exists(self, url: str) -> bool:
        """Return whether the server has something at `url`; raise `PoachError`."""
