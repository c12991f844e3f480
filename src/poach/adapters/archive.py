"""Sdists as archives: unpacking them, reading one member."""

from __future__ import annotations

import contextlib
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from poach.errors import PoachError

_EXECUTABLE = 0o111
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, RuntimeError),
)


class BadArchive(PoachError):
    """An sdist that cannot be unpacked safely; `archive` is its path."""

    def __init__(self, archive: Path, reason: str) -> None:
        super().__init__(archive, reason)
        self.archive = archive
        self.reason = reason

    def __str__(self) -> str:
        return f"Cannot unpack {self.archive.name}: {self.reason}"


class MemberMissing(PoachError):
    """A file that an sdist does not hold.

    `path` is relative to its top folder, `near` are the diffs that it does hold.
    """

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
    with _damage(archive):
        if tarfile.is_tarfile(archive):
            _unpack_tar(archive, dest)
        else:
            _unpack_zip(archive, dest)
    top = list(dest.iterdir())
    return top[0] if len(top) == 1 and top[0].is_dir() else dest


def read_member(archive: Path, path: str) -> bytes:
    """Return the bytes of the file `path`, relative to the source tree of `archive`.

    Raises `MemberMissing` and `BadArchive`.
    """
    with _damage(archive):
        # A tar may end with a zip and then passes for one, not the other way round.
        if tarfile.is_tarfile(archive):
            return _read_tar(archive, path)
        return _read_zip(archive, path)


@contextlib.contextmanager
def _damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise BadArchive(archive, str(error) or type(error).__name__) from error


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
        files = {member.name: member for member in tar.getmembers() if member.isfile()}
        stream = tar.extractfile(files[_member(archive, list(files), path)])
        assert stream is not None  # a regular file always has one
        return stream.read()


def _read_zip(archive: Path, path: str) -> bytes:
    with zipfile.ZipFile(archive) as zipped:
        files = [info.filename for info in zipped.infolist() if not info.is_dir()]
        return zipped.read(_member(archive, files, path))


def _member(archive: Path, names: list[str], path: str) -> str:
    """Return which of the files `names` is `path` in the source tree."""
    parts = {name: PurePosixPath(name).parts for name in names}
    tops = {each[0] for each in parts.values()}
    skip = 1 if len(tops) == 1 and all(len(each) > 1 for each in parts.values()) else 0
    below = {"/".join(each[skip:]): name for name, each in parts.items()}
    if path not in below:
        near = tuple(sorted(p for p in below if p.endswith((".patch", ".diff"))))
        raise MemberMissing(archive, path, near)
    return below[path]
