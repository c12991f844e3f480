"""Sdists as archives: unpacking them, reading one member."""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from poach.applier.diff import MAX_DIFF
from poach.applier.disk.staging import is_staging
from poach.archives.members import LIMITS, Limits, Member, members, too_many
from poach.errors import PoachError
from poach.system import DISK_FULL

#: More links in a row are followed by no system.
_LINKS = 40
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, RuntimeError, LookupError, OverflowError),
)
_TWICE = "{!r} is in it twice, with different bytes"


class BadArchive(PoachError):
    """An sdist that cannot be unpacked safely; `archive` is its path."""

    archive: Path
    reason: str

    def __str__(self) -> str:
        return f"Cannot unpack {self.archive.name}: {self.reason}"


class MemberMissing(PoachError):
    """A file that an sdist does not hold."""

    archive: Path
    #: Relative to the top folder of the sdist.
    path: str
    #: The diffs that the sdist does hold.
    near: tuple[str, ...]

    def __str__(self) -> str:
        there = f"; it holds {', '.join(self.near)}" if self.near else ""
        return f"{self.archive.name} has no file {self.path!r}{there}"


def unpack(archive: Path, dest: Path, limits: Limits = LIMITS) -> Path:
    """Unpack the sdist `archive` below the new folder `dest`; return the source tree.

    The tree is the single top folder that an sdist has (PEP 517), or `dest` where an
    old one has none.  Links and members that lead outside are refused, and so is what
    is larger than `limits`, or is there twice with different content, and a tree that
    comes with a journal of `poach apply` or the like.  Raises `BadArchive`.
    """
    dest.mkdir()
    with _damage(archive):
        tree = _Tree(dest, limits)
        for member in members(archive, limits):
            tree.add(member)
        tree.link()
        top = list(dest.iterdir())
        single = len(top) == 1 and top[0].is_dir() and not top[0].is_symlink()
        source = top[0] if single else dest
        _check_asides(source)
    return source


def _check_asides(tree: Path) -> None:
    """Raise ValueError where a source tree comes with folders of `write`."""
    if found := sorted(path.name for path in tree.iterdir() if is_staging(path.name)):
        raise ValueError(
            f"it contains {', '.join(map(repr, found))}, where poach keeps old files "
            "while it patches a tree; perhaps the sdist was made from a tree that is "
            "patched in part; use another sdist, or ask its author for one"
        )


def read_member(archive: Path, path: str, limits: Limits = LIMITS) -> bytes:
    """Return the bytes of the file `path`, relative to the source tree of `archive`.

    Raises `MemberMissing` and `BadArchive`, the latter as `unpack` does.
    """
    with _damage(archive):
        names = [each.path for each in members(archive, limits) if each.kind == "file"]
        wanted = _member(archive, names, path)
        found = {
            _content(each)
            for each in members(archive, limits)
            if each.kind == "file" and each.path == wanted
        }
        if len(found) > 1:
            raise ValueError(_TWICE.format(wanted))
    return found.pop()


@contextlib.contextmanager
def _damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise  # it is not the archive
        raise BadArchive(archive, str(error) or type(error).__name__) from error


def _content(member: Member) -> bytes:
    if member.size > MAX_DIFF:
        raise ValueError(f"{member.name!r} has more than {MAX_DIFF} bytes")
    return b"".join(member.blocks())


class _Tree:
    """The unpacked tree in `dest`, which is new and only used here.

    Symbolic links come last, so that no file is ever written through one, and a hard
    link is a copy of the file.
    """

    def __init__(self, dest: Path, limits: Limits) -> None:
        self._dest = dest
        self._limits = limits
        self._kinds: dict[str, str] = {"": "folder"}
        self._digests: dict[str, bytes] = {}
        self._links: dict[str, str] = {}

    def add(self, member: Member) -> None:
        """Unpack one member; raise ValueError and OSError."""
        self._claim(member.path, "file" if member.kind == "hard link" else member.kind)
        if member.kind == "symbolic link":
            if self._links.setdefault(member.path, member.target) != member.target:
                raise ValueError(_TWICE.format(member.path))
        elif member.kind != "folder":
            self._file(member)

    def link(self) -> None:
        """Make the symbolic links; raise ValueError if one of them leads outside."""
        left = self._limits.followed
        for path in self._links:
            left = _refuse_outside(path, self._links, left)
        for path, target in self._links.items():
            (self._dest / path).symlink_to(target)

    def _claim(self, path: str, kind: str) -> None:
        """Note what is at `path`, and make it if it is a folder, in one that is there.

        The folders that lead to a member are seldom members, but take their time and
        place, too.
        """
        there = self._kinds.get(path)
        if there == kind:
            return
        if there is not None:
            raise ValueError(f"{path!r} is a {there} and a {kind}")
        self._claim(path.rpartition("/")[0], "folder")
        if len(self._kinds) > self._limits.members:
            raise ValueError(too_many(self._limits))
        self._kinds[path] = kind
        if kind == "folder":
            (self._dest / path).mkdir(exist_ok=True)

    def _file(self, member: Member) -> None:
        digest = hashlib.sha256()
        blocks = self._blocks(member)
        if member.path in self._digests:
            for block in blocks:
                digest.update(block)
            if digest.digest() != self._digests[member.path]:
                raise ValueError(_TWICE.format(member.path))
            return
        path = self._dest / member.path
        with _created(path, member.name) as sink:
            for block in blocks:
                digest.update(block)
                sink.write(block)
        path.chmod(member.mode)
        if member.time is not None:  # builds compare times
            with contextlib.suppress(ValueError, OverflowError):
                os.utime(path, (member.time, member.time))
        self._digests[member.path] = digest.digest()

    def _blocks(self, member: Member) -> Iterator[bytes]:
        if member.kind == "file":
            return member.blocks()
        other = self._dest / member.target
        return member._replace(open=lambda: other.open("rb")).blocks()


def _created(path: Path, name: str) -> BinaryIO:
    """Create a file that is not there; no link is followed."""
    try:
        return path.open("xb")
    except FileExistsError:
        raise ValueError(
            f"{name!r} and another file in it are the same on this file system"
        ) from None


def _refuse_outside(path: str, links: Mapping[str, str], left: int) -> int:
    """Refuse the symbolic link at `path` if it leads out of the top, by way of others.

    Other links than `links` there are none.  `left` names may be looked at; returns how
    many are left then.
    """
    at = path.split("/")[:-1]
    todo = list(reversed(links[path].split("/")))
    followed = 0
    outside = links[path].startswith("/")
    while todo and not outside:
        left -= len(at) + 1
        if left < 0:
            raise ValueError("it takes too long to follow its symbolic links")
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            outside = not at
            at = at[:-1]
            continue
        target = links.get("/".join([*at, part]))
        if target is None:
            at.append(part)
        else:
            followed += 1
            outside = target.startswith("/") or followed > _LINKS
            todo.extend(reversed(target.split("/")))
    if outside:
        raise ValueError(f"{path!r} leads outside, to {links[path]!r}")
    return left


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
