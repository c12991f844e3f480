"""The files of an egg as they were recorded, before programs changed them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from poach.store import manifest
from poach.store.derived import may_be_rewritten
from poach.store.entries import PatchedEgg


@contextlib.contextmanager
def opened(egg: PatchedEgg, name: str) -> Iterator[IO[bytes]]:
    """Open the file `name` of `egg` to be read.

    A program may have written it again, as Zope does with message catalogs: then it
    comes from the wheel of the egg, in which no program writes.  Raises OSError.
    """
    path, files = egg.egg / name, egg.entry["files"]
    size, digest = manifest.pair(files[name])
    free = may_be_rewritten(name, files)
    if not free or manifest.size_and_digest(path) == (size, digest):
        with path.open("rb") as stream:
            yield stream
        return
    with _wheel(egg.wheel) as wheel:
        same = (info for info in wheel.infolist() if info.file_size == size)
        member = next((info for info in same if _digest(wheel, info) == digest), None)
        if member is None:
            raise OSError(f"{path} was changed, and {egg.wheel.name} does not have it")
        with wheel.open(member) as stream:
            yield stream


def _digest(wheel: ZipFile, member: ZipInfo) -> str:
    return hashlib.sha256(wheel.read(member)).hexdigest()


@contextlib.contextmanager
def _wheel(path: Path) -> Iterator[ZipFile]:
    try:
        with ZipFile(path) as wheel:
            yield wheel
    except BadZipFile as error:
        raise OSError(f"{path}: {error}") from error
