"""Surroundings: the files and folders, outside of options, that a run depends on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from poach.adapters import contents


class Surroundings(NamedTuple):
    """What was there when pins were resolved.

    `files` have the sha256 of their bytes, in hex, `folders` the names in them, sorted:
    those of folders with a slash, and with a question mark what is neither that nor a
    file, such as a link to nothing.  None stands for what is not there.
    """

    files: dict[str, str | None]
    folders: dict[str, list[str] | None]

    @classmethod
    def of(cls, files: Iterable[str], folders: Iterable[str]) -> Surroundings:
        """Look at the files and folders with these paths.

        Raises OSError, and ValueError for what is no regular file, where it is not
        known what is there: that is another thing than nothing.
        """
        return cls(
            {path: _digest(path) for path in files},
            {path: _names(path) for path in folders},
        )

    def are_as_before(self) -> bool:
        """Tell whether nothing has changed since; raises as `of` does."""
        return self == Surroundings.of(self.files, self.folders)


def _digest(path: str) -> str | None:
    try:
        return contents.size_and_digest(Path(path))[1]
    except (FileNotFoundError, NotADirectoryError):
        return None


def _names(path: str) -> list[str] | None:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name + _kind(entry) for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_dir():
            return "/"
        return "" if entry.is_file() else "?"
    except OSError:  # a link to itself, or through a file
        return "?"
