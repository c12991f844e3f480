"""What is in an sdist, member by member, each checked before anything is done with it.

tarfile's own checks differ between releases of Python and do not hold in many of them
(CVE-2025-4517, CVE-2025-8194 and their kin).  So nothing here relies on them: tarfile
and zipfile read headers and data, and never write a file.  The rules are those of
PEP 706, and stricter.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NamedTuple

from poach.archives.zips import check_list

Kind = Literal["file", "folder", "symbolic link", "hard link"]

_BLOCK = 1 << 16
#: The most bytes of all headers of one member: long names and extended attributes.
_HEADER = 1 << 14
_ALL = 1 << 62
#: No number in a header is so long; tarfile would take a long time for it
#: (CVE-2024-6232).
_DIGITS = re.compile(rb"[0-9]{512}")
_COMPRESSED: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),  # type: ignore[dict-item, return-value]
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
#: Others take as much memory as the archive says.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_WINDOWS = "\\:" if os.name == "nt" else ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too large to be an sdist."""

    #: Bytes of all files.
    unpacked: int = 4 << 30
    #: Bytes that any archive may hold, however small it is.
    small: int = 256 << 20
    #: How many times its own bytes it may hold, where that is more than `small`.
    ratio: int = 100
    #: Files, links, and folders, also folders that only lead to a file.
    members: int = 100_000
    #: Bytes of a zip's list of its members.
    listed: int = 16 << 20
    #: How many names a path may have.
    depth: int = 100
    #: Bytes of a path.
    path: int = 1024
    #: Bytes of each name in a path.
    name: int = 255
    #: The names in all paths that following the links leads to.
    followed: int = 1 << 22

    def bytes_from(self, archive: Path) -> int:
        """Return how many bytes may come out of `archive`; raise OSError."""
        return min(self.unpacked, max(self.small, self.ratio * archive.stat().st_size))


LIMITS = Limits()


class Member(NamedTuple):
    """One member of an archive."""

    #: As the archive has it.
    name: str
    #: Leads from the top without ``.`` and empty names, and never outside.
    path: str
    kind: Kind
    #: Bytes of its content.
    size: int
    #: The mode of a file that only its owner can write.
    mode: int
    #: When it was changed, where that is known.
    time: float | None
    #: Where a symbolic link points to, or the path of the file that a hard link shares.
    target: str
    #: Gives the content of a file, before the next member is asked for.
    open: Callable[[], IO[bytes]]

    def blocks(self) -> Iterator[bytes]:
        """Yield the content piece by piece; raise ValueError unless it has its size."""
        left = self.size
        with self.open() as stream:
            while block := stream.read(min(_BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    break
                yield block
        if left:
            raise ValueError(f"{self.name!r} has another length than its header says")


def members(archive: Path, limits: Limits = LIMITS) -> Iterator[Member]:
    """Yield the members of a tar or zip archive, in its order.

    Where a symbolic link leads is not checked.  Raises ValueError for what is not to be
    unpacked, and what tarfile, zipfile and the modules for compression raise.
    """
    most = limits.bytes_from(archive)
    sizes: dict[str, int] = {}
    total = 0
    for number, member in enumerate(_all(archive, limits, most), 1):
        if member.kind == "hard link":
            if member.target not in sizes:
                raise ValueError(f"{member.name!r} links to a file that is not there")
            member = member._replace(size=sizes[member.target])
        if member.kind in ("file", "hard link"):
            sizes[member.path] = member.size
        total += member.size
        if number > limits.members:
            raise ValueError(too_many(limits))
        if member.size < 0 or total > most:
            raise ValueError(_too_large(most))
        if member.path:
            yield member
        elif member.kind != "folder":
            raise ValueError(f"{member.name!r} is not a file name")


def too_many(limits: Limits) -> str:
    """Return why an archive with more members than `limits` admits is refused."""
    return f"it has more than {limits.members} files and folders"


def _too_large(most: int) -> str:
    return f"it unpacks to more than {most} bytes"


def _all(archive: Path, limits: Limits, most: int) -> Iterator[Member]:
    with archive.open("rb") as stream:
        # A tar may end with a zip and then passes for one, not the other way round.
        for decompressed in _readings(stream):
            reader = _Reader(decompressed, most)
            try:
                tar = tarfile.TarFile(fileobj=reader)  # type: ignore[arg-type]
            except tarfile.ReadError:
                continue
            yield from _of_tar(tar, reader, limits)
            return
    if not zipfile.is_zipfile(archive):
        raise ValueError("it is neither a tar nor a zip archive")
    with archive.open("rb") as stream:
        check_list(stream, limits.members, limits.listed)
        with zipfile.ZipFile(stream) as zipped:
            for info in zipped.infolist():
                yield _of_zip(zipped, info, limits)


def _readings(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield the bytes of a file as they are, and unpacked if they are compressed."""
    yield stream
    stream.seek(0)
    magic = stream.read(6)
    stream.seek(0)
    for start, unpacked in _COMPRESSED.items():
        if magic.startswith(start):
            with unpacked(stream) as decompressed:
                yield decompressed


class _Reader:
    """A tar archive as tarfile reads it: no more than `most` bytes of it in all.

    Of these tarfile may take as many as are `left` until that is set again.  `last` is
    what it has read last.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._most = most
        self.left = _HEADER
        self.last = b""

    def read(self, size: int) -> bytes:
        self.left -= size
        if size < 0 or self.left < 0:
            raise ValueError("a header in it is too long")
        self.last = self._stream.read(size)
        if self.tell() > self._most:
            raise ValueError(_too_large(self._most))
        if _DIGITS.search(self.last) and self.left < _HEADER:
            raise ValueError("a header in it has a number that is too long")
        return self.last

    def seek(self, place: int) -> int:
        if not 0 <= place <= self._most:
            raise ValueError(_too_large(self._most))
        return self._stream.seek(place)

    def tell(self) -> int:
        return self._stream.tell()

    def finish(self) -> None:
        """Read the rest, so that its checksum counts; raise what is wrong with it.

        tarfile takes what is no header for the end of the archive.
        """
        if self.last.strip(b"\0") or len(self.last) not in (0, tarfile.BLOCKSIZE):
            raise ValueError(f"it is damaged at byte {self.tell()}")
        while self._stream.read(_BLOCK):
            if self.tell() > self._most:
                raise ValueError(_too_large(self._most))


def _of_tar(tar: tarfile.TarFile, reader: _Reader, limits: Limits) -> Iterator[Member]:
    with tar:
        while info := tar.next():
            tar.members.clear()  # type: ignore[attr-defined] # they would all stay
            reader.left = _ALL
            yield _tar_member(tar, info, limits)
            reader.left = _HEADER
        reader.finish()


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo, limits: Limits) -> Member:
    def content() -> IO[bytes]:
        stream = tar.extractfile(info)
        assert stream is not None  # a regular file always has one
        return stream

    kind = _tar_kind(info)
    target = info.linkname
    if kind == "hard link":
        target = _path(info.linkname.lstrip("/"), limits)
    elif kind == "symbolic link":
        _refuse_long(target, limits)
    return Member(
        info.name,
        _path(info.name.lstrip("/"), limits),
        kind,
        info.size if kind == "file" else 0,
        _mode(info.mode),
        info.mtime,
        target,
        content,
    )


def _tar_kind(info: tarfile.TarInfo) -> Kind:
    if info.isreg():
        return "file"
    if info.isdir():
        return "folder"
    if info.issym():
        return "symbolic link"
    if info.islnk():
        return "hard link"
    raise ValueError(f"{info.name!r} is a special file")


def _of_zip(zipped: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> Member:
    # What zipfile calls the name ends at a NUL, and other programs read on.
    name, mode = info.orig_filename, info.external_attr >> 16
    if name.startswith("/"):
        raise ValueError(f"{name!r} is an absolute path")
    if "\\" in name:
        raise ValueError(f"{name!r} has a backslash in it")
    if info.compress_type not in _METHODS:
        raise ValueError(f"{name!r} is compressed with a method that sdists do not use")
    # What a tool has written for a symbolic link is unpacked as a file, as pip does.
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise ValueError(f"{name!r} is a special file")
    return Member(
        name,
        _path(name, limits),
        "folder" if info.is_dir() else "file",
        0 if info.is_dir() else info.file_size,
        0o755 if mode & 0o111 else 0o644,
        None,
        "",
        lambda: zipped.open(info),
    )


def _mode(mode: int) -> int:
    """Return the mode of a file that its owner can read and nobody else can write."""
    mode = mode & 0o755 | 0o600
    return mode if mode & 0o100 else mode & ~0o111


def _path(name: str, limits: Limits) -> str:
    """Return the path of a member below the top; raise ValueError."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError(f"{name!r} has '..' in it")
    if any(character in name for character in ("\0", *_WINDOWS)):
        raise ValueError(f"{name!r} has a character that file names may not have")
    _refuse_long(name, limits)
    return "/".join(parts)


def _refuse_long(name: str, limits: Limits) -> None:
    """Refuse a name, or the target of a link, that the file system could cut off."""
    encoded = os.fsencode(name)
    parts = encoded.split(b"/")
    if len(encoded) > limits.path or max(map(len, parts)) > limits.name:
        raise ValueError(f"the name {name[:60]!r}... is too long")
    if len(parts) > limits.depth:
        raise ValueError(f"{name[:60]!r}... is more than {limits.depth} folders deep")
