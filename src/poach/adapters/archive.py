"""Sdists as archives: unpacking them, reading one member."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from poach.errors import PoachError

_EXECUTABLE = 0o111


class BadArchive(PoachError):
    """An sdist that cannot be unpacked safely; `archive` is its path."""

    def __init__(self, archive: Path, reason: str) -> None:
        super().__init__(archive, reason)
        self.archive = archive
        self.reason = reason

    def __str__(self) -> str:
        return f"Cannot unpack {self.archive.name}: {self.reason}"


class MemberMissing(PoachError):
    """A file that an sdist does not hold; `path` is relative to its top folder."""

    def __init__(self, archive: Path, path: str, near: tuple[str, ...]) -> None:
        super().__init__(archive, path, near)
        self.archive = archive
        self.path = path
        self.near = near

    def __str__(self) -> str:
        there = f"; it holds {', '.join(self.near)}" if self.near else ""
        return f"{self.archive.name} has no file {self.path!r}{there}"


def unpack(archive: Path, dest: Path) -> Path:
    """Unpack the sdist `archive` below the new folder `dest`; return the source tree.

    The tree is the single top folder that an sdist has (PEP 517), or `dest` where an
    old one has none.  Links and members that lead outside are refused (PEP 706).
    Raises `BadArchive`.
    """
    dest.mkdir()
    try:
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, dest)
        else:
            _unpack_tar(archive, dest)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError) as error:
        raise BadArchive(archive, str(error)) from error
    top = list(dest.iterdir())
    return top[0] if len(top) == 1 and top[0].is_dir() else dest


def read_member(archive: Path, path: str) -> bytes:
    """Return the bytes of the file `path`, relative to the top folder of `archive`.

    Raises `MemberMissing` and `BadArchive`.
    """
    try:
        if zipfile.is_zipfile(archive):
            return _read_zip(archive, path)
        return _read_tar(archive, path)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise BadArchive(archive, str(error)) from error


def _unpack_tar(archive: Path, dest: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(dest, filter="data")


def _unpack_zip(archive: Path, dest: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            path = PurePosixPath(info.filename)
            if path.is_absolute() or ".." in path.parts or "\\" in info.filename:
                raise ValueError(f"{info.filename!r} leads outside")
            target = Path(zipped.extract(info, dest))
            if target.is_file() and info.external_attr >> 16 & _EXECUTABLE:
                target.chmod(target.stat().st_mode | _EXECUTABLE)


def _read_tar(archive: Path, path: str) -> bytes:
    with tarfile.open(archive) as tar:
        members = {_below_top(m.name): m for m in tar.getmembers() if m.isfile()}
        if path not in members:
            raise MemberMissing(archive, path, _diffs(members))
        stream = tar.extractfile(members[path])
        assert stream is not None  # a regular file always has one
        return stream.read()


def _read_zip(archive: Path, path: str) -> bytes:
    with zipfile.ZipFile(archive) as zipped:
        members = {_below_top(name): name for name in zipped.namelist()}
        if path not in members:
            raise MemberMissing(archive, path, _diffs(members))
        return zipped.read(members[path])


def _below_top(name: str) -> str:
    return str(PurePosixPath(*PurePosixPath(name).parts[1:]))


def _diffs(members: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(m for m in members if m.endswith((".patch", ".diff"))))
