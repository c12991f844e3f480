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
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from zc.buildout import easy_install

from poach.names import NormalizedName, canonicalize_name

#: A folder of metadata; an egg of buildout may hold a ``.dist-info`` (a wheel's).
_FOLDERS = (".dist-info", ".egg-info")
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
        """Yield project and extra of its requirements, with any markers."""
        for project, extras in _WITH_EXTRAS.findall(self.requirements):
            for extra in extras.split(b","):
                yield _name(project), _name(extra.strip())


def eggs(buildout: Any) -> Iterator[AtHand]:
    """Yield the eggs and develop eggs of a buildout.  Raises OSError, ValueError."""
    options = buildout["buildout"]
    yield from at(options["develop-eggs-directory"])
    folder = options["eggs-directory"]
    for name in os.listdir(folder):  # noqa: PTH208 - on each run
        yield from at(f"{folder}/{name}")


def beside_buildout() -> Iterator[AtHand]:
    """Yield what buildout itself runs on.  Raises OSError, ValueError."""
    for place in {*sys.path, *easy_install.buildout_and_setuptools_path}:
        yield from at(place)


def at(place: str) -> Iterator[AtHand]:
    """Yield the distributions in a folder, or in a zipped egg.

    Raises OSError, and ValueError for what cannot be an egg.
    """
    try:
        names = os.listdir(place)  # noqa: PTH208 - on each run
    except FileNotFoundError:
        return
    except NotADirectoryError:
        if zipfile.is_zipfile(place):
            yield _zipped(place)
        return
    for name in names:
        if name == "EGG-INFO":
            yield _at_hand(place, *_files(f"{place}/{name}"))
        elif name.endswith(_FOLDERS):
            yield _at_hand(name, *_files(f"{place}/{name}"))
        elif name.endswith(".egg-link"):  # a develop egg of setuptools
            link = Path(place, name).read_bytes().split(b"\n")[0].strip()
            yield from at(str(Path(place, os.fsdecode(link))))


def _files(folder: str) -> Iterator[bytes]:
    """Yield entry points and requirements of a folder of metadata."""
    yield _read(f"{folder}/entry_points.txt")
    if folder.endswith(".dist-info"):
        # What follows is the description, in which nothing is said to buildout.
        yield _read(f"{folder}/METADATA").partition(b"\n\n")[0]
    else:
        yield _read(f"{folder}/requires.txt")


def _read(file: str) -> bytes:
    """Return what a file holds, nothing where there is none."""
    try:
        with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 - on each run
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return b""


def _zipped(egg: str) -> AtHand:
    """Return the distribution in a zipped egg; raise ValueError for a broken one."""
    files = ("EGG-INFO/entry_points.txt", "EGG-INFO/requires.txt")
    try:
        with zipfile.ZipFile(egg) as archive:
            there = set(archive.namelist())
            texts = [archive.read(name) if name in there else b"" for name in files]
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(f"{egg}: {error}") from error
    return _at_hand(egg, *texts)


def _at_hand(path: str, entry_points: bytes, requirements: bytes) -> AtHand:
    """Return the distribution that a path names: PROJECT[-VERSION[-...]].SUFFIX."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    project, _, rest = stem.partition("-")
    version = rest.partition("-")[0]
    return AtHand(canonicalize_name(project), version, entry_points, requirements)


def _name(written: bytes) -> NormalizedName:
    return canonicalize_name(written.decode("latin-1"))
