"""The distributions at hand: what they say of themselves, before anything is resolved.

These are the eggs of eggs-directory, the develop eggs, and what buildout itself runs
on.  Only their metadata files are read, as bytes, which costs a fraction of a
resolution.
"""

from __future__ import annotations

import os
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from zc.buildout import easy_install

from poach.names import NormalizedName, canonicalize_name

#: A folder of metadata; an egg of buildout may hold a ``.dist-info`` (a wheel's).
_FOLDERS = ("EGG-INFO", ".dist-info", ".egg-info")
#: Where a develop egg of setuptools is.
_LINK = ".egg-link"
#: An extra: the head of a section in requires.txt, or a line of METADATA.
_EXTRA = re.compile(rb"^(?:Provides-Extra:[ \t]*|\[)([A-Za-z0-9][\w.-]*)", re.MULTILINE)
#: Requirements with extras, as lines of requires.txt and of METADATA.
_WITH_EXTRAS = re.compile(
    rb"^(?:Requires-Dist:[ \t]*)?([A-Za-z0-9][\w.-]*)[ \t]*\[([^]\n]+)\]", re.MULTILINE
)


class AtHand(NamedTuple):
    """A distribution at hand."""

    project: NormalizedName
    #: The version that its file name says, empty where that says none.
    version: str
    #: What entry_points.txt holds, empty without one.
    entry_points: bytes
    #: What says its requirements: requires.txt, or the head of METADATA.
    requirements: bytes

    def extras(self) -> Iterator[NormalizedName]:
        """Yield the extras that it has."""
        for extra in _EXTRA.findall(self.requirements):
            yield _name(extra)

    def wanted_extras(self) -> Iterator[tuple[NormalizedName, NormalizedName]]:
        """Yield project and extra of its requirements, whatever their markers say."""
        for project, extras in _WITH_EXTRAS.findall(self.requirements):
            for extra in extras.split(b","):
                yield _name(project), _name(extra.strip())


def eggs(buildout: Any) -> Iterator[AtHand]:
    """Yield the eggs and develop eggs of a buildout.  Raises OSError."""
    options = buildout["buildout"]
    yield from at(Path(options["develop-eggs-directory"]))
    for egg in Path(options["eggs-directory"]).iterdir():
        yield from at(egg)


def beside_buildout() -> Iterator[AtHand]:
    """Yield what buildout itself runs on.  Raises OSError."""
    for place in {*sys.path, *easy_install.buildout_and_setuptools_path}:
        yield from at(Path(place))


def at(place: Path) -> Iterator[AtHand]:
    """Yield the distributions in a folder, or in a zipped egg.  Raises OSError."""
    try:
        with os.scandir(place) as entries:
            names = [e.name for e in entries if e.name.endswith((*_FOLDERS, _LINK))]
    except FileNotFoundError:
        return
    except NotADirectoryError:
        if zipfile.is_zipfile(place):
            yield _zipped(place)
        return
    for name in names:
        entry = place / name
        if name.endswith(_LINK):
            link = entry.read_bytes().split(b"\n")[0].strip()
            yield from at(place / os.fsdecode(link))
        else:
            stem = place.stem if name == "EGG-INFO" else entry.stem
            yield _at_hand(stem, *_files(entry))


def _files(folder: Path) -> Iterator[bytes]:
    """Yield entry points and requirements of a folder of metadata."""
    requirements = "METADATA" if folder.suffix == ".dist-info" else "requires.txt"
    for name in ("entry_points.txt", requirements):
        try:
            text = (folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            text = b""
        # What follows is the description, in which nothing is said to buildout.
        yield text.partition(b"\n\n")[0] if name == "METADATA" else text


def _zipped(egg: Path) -> AtHand:
    with zipfile.ZipFile(egg) as archive:
        there = set(archive.namelist())
        files = ("EGG-INFO/entry_points.txt", "EGG-INFO/requires.txt")
        texts = [archive.read(name) if name in there else b"" for name in files]
    return _at_hand(egg.stem, *texts)


def _at_hand(stem: str, entry_points: bytes, requirements: bytes) -> AtHand:
    """Return the distribution whose file name without the suffix is `stem`."""
    project, _, rest = stem.partition("-")
    version = rest.partition("-")[0]
    return AtHand(canonicalize_name(project), version, entry_points, requirements)


def _name(written: bytes) -> NormalizedName:
    return canonicalize_name(written.decode("latin-1"))
