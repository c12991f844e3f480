"""Sdists as archives: unpacking them, reading one member."""

from __future__ import annotations

import contextlib
import copy
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from poach.adapters.durable import FULL
from poach.errors import PoachError

_EXECUTABLE = 0o111
#: No longer path is followed: beyond it the system stops to resolve links.
_LONGEST = 1024
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, RuntimeError, KeyError),
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
        if _is_tar(archive):
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
        if _is_tar(archive):
            return _read_tar(archive, path)
        return _read_zip(archive, path)


@contextlib.contextmanager
def _damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise  # it is not the archive
        raise BadArchive(archive, str(error) or type(error).__name__) from error


def _is_tar(archive: Path) -> bool:
    """Tell a tar from a zip; raise ValueError for what is neither."""
    # A tar may end with a zip and then passes for one, not the other way round.
    if tarfile.is_tarfile(archive):
        return True
    if zipfile.is_zipfile(archive):
        return False
    raise ValueError("it is neither a tar nor a zip archive")


def _unpack_tar(archive: Path, dest: Path) -> None:
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(dest, filter="data")
            return
        # Python before 3.10.12 and 3.11.4 has no filters (PEP 706).
        for member in tar:
            tar.extract(_safe(member, dest), dest)


def _safe(member: tarfile.TarInfo, dest: Path) -> tarfile.TarInfo:
    """Return `member` as it may be unpacked into `dest`, as tarfile.data_filter does.

    What was unpacked before counts, for a link may lie in the way.  Raises ValueError
    for what leads outside and for special files.
    """
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise ValueError(f"{member.name!r} is a special file")
    safe = copy.copy(member)
    safe.name = member.name.lstrip("/" + os.sep)
    _refuse_outside(member, safe.name, dest)
    if member.issym():
        _refuse_outside(member, str(Path(safe.name).parent / member.linkname), dest)
    if member.islnk():
        _refuse_outside(member, member.linkname, dest)
        # tarfile would else unpack a second copy, past this function.
        if not (dest / member.linkname).is_file():
            raise ValueError(f"{member.name!r} links to a file that is not there")
    safe.mode = _mode(member)
    safe.uname = safe.gname = ""
    safe.uid = getattr(os, "getuid", int)()
    safe.gid = getattr(os, "getgid", int)()
    return safe


def _refuse_outside(member: tarfile.TarInfo, path: str, dest: Path) -> None:
    """Refuse a `member` that is, or points to, a `path` that is not below `dest`."""
    top = os.path.realpath(dest)
    target = os.path.realpath(dest / path)
    below = Path(target).is_relative_to(top)
    if Path(path).is_absolute() or not below or len(target) > len(top) + _LONGEST:
        raise ValueError(f"{member.name!r} leads outside")


def _mode(member: tarfile.TarInfo) -> int:
    """Return the mode of a file that its owner can read and nobody else can write."""
    if not member.isreg() and not member.islnk():
        return 0o755
    mode = member.mode & 0o755 | 0o600
    return mode if mode & 0o100 else mode & ~_EXECUTABLE


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
