"""Applying diffs to a source tree: first a plan, then the writing.

`plan` reads the tree and applies the whole set of diffs in memory, each to what the
ones before it made.  `write` puts the outcome on disk.  Nothing outside the tree is
read or written, and nothing at all unless every hunk of every diff applies.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from poach.diff import DiffError, FileDiff, NamedDiff, parse
from poach.errors import Faults, PoachError
from poach.hunks import (
    Applied,
    BadBinary,
    Landing,
    Miss,
    Rejected,
    apply_binary,
    apply_hunks,
    is_result,
    without_cr,
)

FILE, PROGRAM, LINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000
_SHOWN = 12  # lines of a small diff in a message
_WIDTH = 160  # characters of such a line
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one hunk, file or whole diff does not apply.

    `patch` and `owner` are the diff's.  `path` is the file's, relative to the tree,
    or as the diff names it; empty where the diff as a whole is refused.  `hunk`
    counts the file's hunks from 1 and `header` is its ``@@ ... @@``; 0 and empty
    where the file as a whole is refused.  `reason` is a short code, `detail` the
    sentence.  `line` is the nearest place in the tree's file, `differ` a small diff
    there: ``-`` what the patch expects, ``+`` what the tree has.
    """

    patch: str
    owner: str
    reason: str
    detail: str
    path: str = ""
    hunk: int = 0
    header: str = ""
    line: int | None = None
    differ: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f"{show(self.path)}: " if self.path else ""
        if self.hunk:
            place += f"hunk {self.hunk} {self.header}: "
        return "\n".join([place + self.detail, *(f"  {line}" for line in self.differ)])


class ApplyRefused(PoachError):
    """Diffs that do not apply; nothing was changed.

    `refusals` holds all reasons in the order of the diffs, `advice` what to do about
    each patch, by its name and owner.
    """

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__(self.refusals)

    @property
    def advice(self) -> dict[tuple[str, str], str]:
        """What to do, for each (patch, owner)."""
        return {key: _advice(found) for key, found in self._grouped().items()}

    def as_json(self) -> dict[str, Any]:
        """Return everything in JSON's types."""
        return {
            "refused": [_refused_json(each) for each in self.refusals],
            "advice": [
                {"patch": name, "owner": owner, "advice": advice}
                for (name, owner), advice in self.advice.items()
            ],
        }

    def __str__(self) -> str:
        return "\n".join(
            _paragraph(name, owner, found)
            for (name, owner), found in self._grouped().items()
        )

    def _grouped(self) -> dict[tuple[str, str], list[Refusal]]:
        groups: dict[tuple[str, str], list[Refusal]] = {}
        for refusal in self.refusals:
            groups.setdefault((refusal.patch, refusal.owner), []).append(refusal)
        return groups


class WriteFailed(PoachError):
    """A tree that could not be written; it is as it was.  `cause` says why."""

    def __init__(self, tree: Path, cause: OSError) -> None:
        super().__init__(tree, cause)
        self.tree = tree
        self.cause = cause

    def __str__(self) -> str:
        return f"Cannot write to {str(self.tree)!r}, nothing was changed: {self.cause}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path: contents (a link's target) and git's mode."""

    data: bytes
    mode: int = FILE


@dataclass(frozen=True, slots=True)
class PatchedFile:
    """What a diff does to one file.

    `path` and `source` (of a rename or copy) are relative to the tree; `action` is
    one of "modify", "create", "delete", "rename", "copy".
    """

    path: str
    action: str
    source: str | None = None
    hunks: tuple[Landing, ...] = ()


@dataclass(frozen=True, slots=True)
class PatchedBy:
    """What one diff does: `strip` and `directory`, given or found, and its files."""

    name: str
    owner: str
    strip: int
    directory: str
    files: tuple[PatchedFile, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be done to `tree`, diff by diff, file by file.

    `changes` holds the outcome: each path, relative to the tree, that will be
    written, with its contents, or None where it will be gone.
    """

    tree: Path
    patches: tuple[PatchedBy, ...]
    changes: tuple[tuple[str, Entry | None], ...] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the plan without contents in JSON's types."""
        return {"applied": [_patch_json(patch) for patch in self.patches]}


def plan(tree: Path, diffs: Sequence[NamedDiff]) -> Plan:
    """Apply `diffs` to `tree` in memory, in order, and return what would be written.

    Raises `ApplyRefused` with all refusals of all diffs.
    """
    world = _World(tree)
    patches: list[PatchedBy] = []
    refusals: list[Refusal] = []
    for diff in diffs:
        attempt = _apply(world, diff)
        world.changes |= attempt.world.changes
        patches.append(attempt.result(diff))
        refusals += attempt.refusals
    if refusals:
        raise ApplyRefused(refusals)
    return Plan(tree, tuple(patches), tuple(sorted(world.outcome().items())))


def write(planned: Plan) -> None:
    """Write the plan's outcome to its tree.

    New contents are written aside first, then everything is put in place by renames;
    if that fails half-way the old files are put back.  Raises `WriteFailed`.
    """
    try:
        aside = Path(tempfile.mkdtemp(prefix=".poach-", dir=planned.tree))
    except OSError as error:
        raise WriteFailed(planned.tree, error) from error
    try:
        _Writer(planned.tree, aside).write(planned.changes)
    except OSError as error:
        raise WriteFailed(planned.tree, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def show(text: str) -> str:
    """Return a name or line for people: what is not printable is escaped."""
    plain = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        each if each.isprintable() or each == "\t" else repr(each)[1:-1]
        for each in plain
    )


class _Fault(Exception):
    """A file that does not apply; `refusals` lack the patch and its owner."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__(*refusals)
        self.refusals = refusals

    @classmethod
    def of(cls, reason: str, detail: str, path: str = "") -> _Fault:
        return cls(Refusal("", "", reason, detail, path))


@dataclass(slots=True)
class _Disk:
    """The tree as it lies on disk, read once."""

    tree: Path
    entries: dict[str, Entry | None] = field(default_factory=dict)
    blocked: dict[str, bool] = field(default_factory=dict)
    by_name: dict[str, list[str]] | None = None

    def entry(self, path: str) -> Entry | None:
        if path not in self.entries:
            self.entries[path] = self._read(path)
        return self.entries[path]

    def _read(self, path: str) -> Entry | None:
        try:
            return self._found(self.tree / path, path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise _Fault.of("unsafe", f"cannot be read: {error}", path) from error

    def _found(self, target: Path, path: str) -> Entry:
        status = target.lstat()
        if stat.S_ISLNK(status.st_mode):
            return Entry(os.fsencode(target.readlink()), LINK)
        if stat.S_ISREG(status.st_mode):
            runs = status.st_mode & stat.S_IXUSR
            return Entry(target.read_bytes(), PROGRAM if runs else FILE)
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise _Fault.of("unsafe", f"{kind} in the tree", path)

    def holds(self, path: str, entry: Entry | None) -> bool:
        try:
            return self.entry(path) == entry
        except _Fault:
            return False

    def blocks(self, path: str) -> bool:
        if path not in self.blocked:
            target = self.tree / path
            real = target.is_dir() and not target.is_symlink()
            self.blocked[path] = not real and os.path.lexists(target)
        return self.blocked[path]

    def below(self, path: str) -> Iterator[str]:
        """Yield the paths of all files in the folder `path`."""
        for folder, _, files in os.walk(self.tree / path):
            below = Path(folder).relative_to(self.tree)
            yield from ((below / file).as_posix() for file in files)

    def named(self, name: str) -> list[str]:
        """Return the paths of all files called `name`."""
        if self.by_name is None:
            self.by_name = {}
            for folder, folders, files in os.walk(self.tree):
                folders.sort()
                below = Path(folder).relative_to(self.tree)
                for file in sorted(files):
                    path = (below / file).as_posix()
                    self.by_name.setdefault(file, []).append(path)
        return self.by_name.get(name, [])


class _World:
    """The tree with changes that are not written."""

    def __init__(self, tree: Path, base: _World | None = None) -> None:
        self.disk: _Disk = base.disk if base else _Disk(tree)
        self.base = base
        self.changes: dict[str, Entry | None] = {}

    def child(self) -> _World:
        """Return a world to try things in."""
        return _World(self.disk.tree, self)

    def entry(self, path: str) -> Entry | None:
        """Return what stands at `path`; refuse ways through links and files."""
        for parent in _parents(path):
            if self._blocks(parent):
                detail = "leads through a symlink or file"
                raise _Fault.of("unsafe", f"{detail}, {show(parent)!r}", path)
        return self._plain(path)

    def _plain(self, path: str) -> Entry | None:
        for world in self._worlds():
            if path in world.changes:
                return world.changes[path]
        try:
            return self.disk.entry(path)
        except _Fault:
            if self._is_emptied(path):
                return None
            raise

    def _is_emptied(self, path: str) -> bool:
        """Tell whether a folder on disk stands at `path` whose files are all gone."""
        prefix = f"{path}/"
        touched = {
            each
            for world in self._worlds()
            for each in world.changes
            if each.startswith(prefix)
        }
        if not touched or any(self._plain(each) for each in touched):
            return False
        return all(each in touched for each in self.disk.below(path))

    def _blocks(self, path: str) -> bool:
        """Tell whether something that is no folder stands at `path`."""
        for world in self._worlds():
            if path in world.changes:
                return world.changes[path] is not None
        return self.disk.blocks(path)

    def _worlds(self) -> Iterator[_World]:
        world: _World | None = self
        while world is not None:
            yield world
            world = world.base

    def outcome(self) -> dict[str, Entry | None]:
        """Return the changes that change something."""
        return {
            path: entry
            for path, entry in self.changes.items()
            if not self.disk.holds(path, entry)
        }

    def ending_with(self, path: str) -> list[str]:
        """Return the paths of files that end with `path`, in order."""
        name = path.rpartition("/")[2]
        made = [each for each in self.changes if each.rpartition("/")[2] == name]
        paths = sorted({*self.disk.named(name), *made})
        return [each for each in paths if each == path or each.endswith("/" + path)]


@dataclass(slots=True)
class _Attempt:
    """A diff applied at one strip level and directory."""

    world: _World
    strip: int
    directory: str
    files: list[PatchedFile] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    landed: int = 0

    @property
    def plausible(self) -> tuple[int, int]:
        """How many files and hunks found their place."""
        missing = sum(each.reason in ("missing", "unsafe") for each in self.refusals)
        return (-missing, self.landed)

    @property
    def has_files(self) -> bool:
        """Tell whether the tree has every file that the diff changes."""
        return all(each.reason != "missing" for each in self.refusals)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(file.path for file in self.files)

    def result(self, diff: NamedDiff) -> PatchedBy:
        files = tuple(self.files)
        return PatchedBy(diff.name, diff.owner, self.strip, self.directory, files)

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        self.refusals += refusals


def _apply(world: _World, diff: NamedDiff) -> _Attempt:
    """Apply one diff where it fits; refusals name the patch and its owner."""
    try:
        files = parse(diff.data)
        directory = diff.directory and _clean(diff.directory)
        attempt = _placed(world, replace(diff, directory=directory), files)
    except (DiffError, Faults) as error:
        faults = error.faults if isinstance(error, Faults) else (error,)
        found = [Refusal("", "", "bad diff", str(fault)) for fault in faults]
        attempt = _Attempt(world.child(), diff.strip or 0, "", refusals=found)
    except _Fault as fault:
        found = list(fault.refusals)
        attempt = _Attempt(world.child(), diff.strip or 0, "", refusals=found)
    attempt.refusals = [
        replace(each, patch=diff.name, owner=diff.owner) for each in attempt.refusals
    ]
    return attempt


def _placed(world: _World, diff: NamedDiff, files: Sequence[FileDiff]) -> _Attempt:
    """Return the attempt at the right place, or the most plausible failure."""

    def attempt(strip: int, directory: str) -> _Attempt:
        return _attempt(world, files, strip, directory, diff.fuzz)

    if diff.strip is not None:
        return attempt(diff.strip, diff.directory or "")
    usual = [attempt(strip, diff.directory or "") for strip in _usual_strips(files)]
    for each in usual:
        if not each.refusals:
            return each
    if any(each.has_files for each in usual):  # it is here, and nowhere else
        return max(usual, key=lambda each: (each.has_files, each.plausible))
    found = [attempt(*place) for place in _places(world, files, diff.directory)]
    right = {each.targets: each for each in reversed(found) if not each.refusals}
    if len(right) > 1:
        raise _Fault.of("ambiguous", _which(reversed(right.values())))
    if right:
        return next(iter(right.values()))
    return max([*usual, *found], key=lambda each: each.plausible)


def _which(places: Iterable[_Attempt]) -> str:
    said = (
        f"strip {each.strip} in {show(each.directory) or '.'} ({show(each.targets[0])})"
        for each in places
    )
    return "applies in more than one place: " + ", ".join(said)


def _usual_strips(files: Sequence[FileDiff]) -> list[int]:
    """Return -p1 and -p0; what only makes new files shows by its names which it is."""
    if any(file.status != "create" and not _may_create(file) for file in files):
        return [1, 0]
    return [1] if all(_has_prefix(file) for file in files) else [0]


def _has_prefix(file: FileDiff) -> bool:
    """Tell whether the names begin with a folder that is not of the tree."""
    if file.git:
        return (file.new or "").startswith(("b/", "w/", "i/"))
    if file.old and file.new:
        return file.old.partition("/")[0] != file.new.partition("/")[0]
    return (file.new or file.old or "").startswith("b/")


def _places(
    world: _World, files: Sequence[FileDiff], directory: str | None
) -> Iterator[tuple[int, str]]:
    """Yield the strip levels and directories where the diff's first old file is."""
    first = next((file for file in files if file.status != "create"), None)
    if first is None:
        return
    names = [name for name in (first.new, first.old, first.index) if name]
    depth = max((name.count("/") for name in names), default=-1)
    seen = set()
    for strip in range(depth + 1):
        for place in _folders(world, names, strip, directory):
            if place not in seen:
                seen.add(place)
                yield strip, place[1]


def _folders(
    world: _World, names: Sequence[str], strip: int, directory: str | None
) -> Iterator[tuple[int, str]]:
    for name in names:
        path = _stripped(name, strip)
        if path is None or directory is not None:
            yield from [] if path is None else [(strip, directory or "")]
            continue
        with suppress(_Fault):
            tail = _clean(path)
            for found in world.ending_with(tail):
                yield strip, found[: -len(tail)].rstrip("/")


def _attempt(
    world: _World, files: Sequence[FileDiff], strip: int, directory: str, fuzz: int
) -> _Attempt:
    done = _Attempt(world.child(), strip, directory)
    for _, part in groupby(files, key=lambda file: file.part):
        _PartOfDiff(done, fuzz).apply(list(part))
    return done


class _PartOfDiff:
    """Applies the files that belong to one commit.

    As in git, renames and copies take what was there before the commit, in whatever
    order the files come.
    """

    def __init__(self, attempt: _Attempt, fuzz: int) -> None:
        self.attempt = attempt
        self.world = attempt.world
        self.fuzz = fuzz
        self.sources: dict[str, Entry | None] = {}
        self.moving: set[str] = set()  # sources of renames that come later

    def apply(self, files: Sequence[FileDiff]) -> None:
        for file in files:
            if file.status in ("rename", "copy"):
                with suppress(_Fault):
                    self._take(file)
        for file in _deletions_first(files):
            try:
                self._file(file)
            except _Fault as fault:
                self.attempt.refuse(fault.refusals)

    def _take(self, file: FileDiff) -> None:
        path = self._path(file.old)
        self.sources.setdefault(path, self.world.entry(path))
        if file.status == "rename":
            self.world.changes[path] = None
            self.moving.add(path)

    def _file(self, file: FileDiff) -> None:
        source, path = self._names(file)
        old = self._old(file, source)
        if file.new_mode == SUBMODULE or file.old_mode == SUBMODULE:
            raise _Fault.of("submodule", "a git submodule, which has no files", path)
        if file.lost:
            raise _Fault.of("binary", _LOST, path)
        self._check(file, source, path, old)
        data, landings = self._contents(file, path, old.data if old else b"")
        action = "create" if old is None else file.status
        self.world.changes[path] = self._made(file, path, old, data)
        moved = source if action in ("rename", "copy") else None
        self.attempt.landed += len(landings)
        self.attempt.files.append(PatchedFile(path, action, moved, landings))

    def _old(self, file: FileDiff, source: str) -> Entry | None:
        if file.status in ("rename", "copy"):
            self.moving.discard(source)
            return self.sources.get(source)
        return self._now(source)

    def _now(self, path: str) -> Entry | None:
        """Return what is at `path`, or was if it is only moved away later."""
        return self.sources[path] if path in self.moving else self.world.entry(path)

    def _names(self, file: FileDiff) -> tuple[str, str]:
        """Return the path to read and the path to write."""
        if file.status in ("rename", "copy"):
            return self._path(file.old), self._path(file.new)
        if file.status == "create":
            path = self._path(file.new if file.new is not None else file.old)
        else:
            path = self._existing(file)
        return path, path

    def _existing(self, file: FileDiff) -> str:
        """Choose among the names that a diff gives one file, as GNU patch does.

        Of those that exist: the fewest folders, then the shortest.  A name may hold
        a remark after a blank.
        """
        names = [name for name in (file.old, file.new) if name] or [file.index or ""]
        paths = self._paths(names) + self._paths(map(_first_word, names))
        if not paths:
            self._path(names[0])
        there = [path for path in paths if self._now(path) is not None]
        if there:
            return min(there, key=_shortness)
        return self._paths(reversed(names))[0] if _may_create(file) else paths[0]

    def _paths(self, names: Iterable[str]) -> list[str]:
        """Return those of `names` that can be meant; an unsafe one cannot."""
        found = []
        for name in names:
            with suppress(_Fault):
                found.append(self._path(name))
        return found

    def _path(self, name: str | None) -> str:
        path = _stripped(name or "", self.attempt.strip)
        if path is None:
            detail = f"has no {self.attempt.strip} folders to strip"
            raise _Fault.of("missing", detail, name or "")
        return self._inside(path)

    def _inside(self, path: str) -> str:
        below = _clean(path)
        directory = self.attempt.directory
        return f"{directory}/{below}" if directory else below

    def _check(self, file: FileDiff, source: str, path: str, old: Entry | None) -> None:
        """Refuse what contradicts the tree."""
        if file.status == "create":
            _check_name(path)
            return self._check_new(file, path, old)
        if old is None and not _may_create(file):
            raise self._missing(file, source, path)
        if old is not None and _is_link(file) != (old.mode == LINK):
            raise _Fault.of("unsafe", "a symlink in the tree, not a file", source)
        if file.status in ("rename", "copy"):
            _check_name(path)
            if self.world.entry(path) is not None:
                raise _Fault.of("exists", "exists already", path)
        return None

    def _missing(self, file: FileDiff, source: str, path: str) -> _Fault:
        gone = file.status == "delete"
        moved = file.status == "rename" and self.world.entry(path) is not None
        if gone or moved:
            detail = "gone already" if gone else f"is {show(path)!r} already"
            return _Fault.of("already applied", detail, source)
        return _Fault.of("missing", "no such file in the tree", source)

    def _check_new(self, file: FileDiff, path: str, old: Entry | None) -> None:
        if old is None or not old.data:
            return
        made = apply_hunks(b"", file.hunks)
        same = isinstance(made, Applied) and made.data == old.data
        if same or (file.binary and is_result(old.data, file.binary)):
            raise _Fault.of("already applied", "exists already, just so", path)
        raise _Fault.of("exists", "exists already, with other contents", path)

    def _contents(
        self, file: FileDiff, path: str, old: bytes
    ) -> tuple[bytes, tuple[Landing, ...]]:
        if file.binary:
            return self._binary(file, path, old), ()
        done = apply_hunks(old, file.hunks, self.fuzz)
        if isinstance(done, Rejected) and file.crlf:
            again = apply_hunks(old, without_cr(file.hunks), self.fuzz)
            done = again if isinstance(again, Applied) else done
        if isinstance(done, Rejected):
            self.attempt.landed += len(done.landings)
            raise _Fault(*(_missed(path, miss) for miss in done.misses))
        return done.data, done.landings

    def _binary(self, file: FileDiff, path: str, old: bytes) -> bytes:
        assert file.binary is not None
        if is_result(old, file.binary):
            raise _Fault.of("already applied", "has these contents already", path)
        try:
            return apply_binary(old, file.binary)
        except BadBinary as error:
            raise _Fault.of("binary", str(error), path) from error

    def _made(
        self, file: FileDiff, path: str, old: Entry | None, data: bytes
    ) -> Entry | None:
        if file.status == "delete":
            if data:
                detail = "is to be deleted, but has more in it than the patch says"
                raise _Fault.of("exists", detail, path)
            return None
        mode = file.new_mode or (old.mode if old else FILE)
        if mode == LINK:
            _check_link(path, data)
        return Entry(data, mode)


_LOST = "a binary change whose data the diff lacks"


def _missed(path: str, miss: Miss) -> Refusal:
    differ = tuple(_shown(line) for line in miss.differ[:_SHOWN])
    if len(miss.differ) > _SHOWN:
        differ += ("...",)
    return Refusal(
        patch="",
        owner="",
        reason=miss.reason,
        detail=_detail(miss),
        path=path,
        hunk=miss.number,
        header=miss.header,
        line=miss.lines[0] if miss.lines else None,
        differ=differ,
    )


def _shown(line: bytes) -> str:
    text = show(line.removesuffix(b"\n").decode("utf-8", "surrogateescape"))
    if not line.endswith(b"\n"):
        text += " (no newline at the end)"
    return text if len(text) <= _WIDTH else text[:_WIDTH] + "..."


def _detail(miss: Miss) -> str:
    lines = " and ".join(str(line) for line in miss.lines)
    if miss.reason == "not found" and miss.lines:
        note = "where these lines differ (- patch, + tree):"
        return f"not found; nearest is line {lines}, {note}"
    return {
        "not found": "not found; none of its lines is in the file",
        "ambiguous": f"fits equally well at lines {lines}",
        "already applied": f"already applied, at line {lines}",
        "line endings": f"fits at line {lines} but for the line endings (CR LF or LF)",
        "only at the start": f"fits at line {lines}, but with so little context before "
        "the change it belongs to the start of the file",
        "only at the end": f"fits at line {lines}, but with so little context after "
        "the change it belongs to the end of the file",
        "order": f"fits at line {lines} only, before or in an earlier hunk",
    }[miss.reason]


def _deletions_first(files: Sequence[FileDiff]) -> list[FileDiff]:
    """Order the files so that a folder is gone before a file takes its name.

    Only git's diffs, whose order is that of the names, and only where each file
    comes once.
    """
    names = [file.old or file.new for file in files]
    if len(set(names)) < len(names) or not all(file.git for file in files):
        return list(files)
    return sorted(files, key=lambda file: file.status != "delete")


def _may_create(file: FileDiff) -> bool:
    """Tell whether a diff that does not say so could make a new file."""
    return (
        len(file.hunks) == 1 and not file.hunks[0].old and not file.hunks[0].old_start
    )


def _is_link(file: FileDiff) -> bool:
    return LINK in (file.new_mode, file.old_mode)


def _first_word(name: str) -> str:
    return next(iter(name.split()), "")


def _shortness(path: str) -> tuple[int, int, int]:
    return path.count("/"), len(path.rpartition("/")[2]), len(path)


def _parents(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _stripped(name: str, strip: int) -> str | None:
    """Take the smallest prefix with `strip` slashes off, as GNU patch -p does."""
    if strip > name.count("/"):
        return None
    found = re.match(rf"(?:[^/]*/+){{{strip}}}", name)
    return name[found.end() :] or None if found else None


def _clean(path: str) -> str:
    """Return the path without empty and ``.`` parts; refuse what leads outside."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    for wrong, detail in (
        ("\0" in path, "has a NUL in its name"),
        ("\\" in path, "has a backslash in its name"),
        (path.startswith("/"), "is an absolute path"),
        (re.match(r"[A-Za-z]:", path), "has a drive letter"),
        (".." in parts, "leads out of the tree"),
        (any(part.lower() == ".git" for part in parts), "is git's own"),
    ):
        if wrong:
            raise _Fault.of("unsafe", detail, path)
    return "/".join(parts)


def _check_name(path: str) -> None:
    """Refuse a new name that some file system cannot hold."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise _Fault.of("unsafe", "its name is not UTF-8", path) from error
    for part in path.split("/"):
        if _RESERVED.fullmatch(part) or re.search(r":|[. ]$", part):
            raise _Fault.of("unsafe", "its name is not allowed on Windows", path)


def _check_link(path: str, target: bytes) -> None:
    text = os.fsdecode(target)
    folder = path.rpartition("/")[0]
    end = os.path.normpath(f"{folder}/{text}" if folder else text)
    if not text or text.startswith("/") or "\\" in text or end.split("/")[0] == "..":
        raise _Fault.of("unsafe", f"a symlink out of the tree, to {show(text)!r}", path)


def _paragraph(name: str, owner: str, found: Sequence[Refusal]) -> str:
    whose = f" ({owner})" if owner else ""
    lines = [f"Patch {name!r}{whose} does not apply:"]
    for refusal in found:
        lines += (f"  {line}" for line in str(refusal).splitlines())
    return "\n".join([*lines, f"  what to do: {_advice(found)}"])


def _advice(found: Sequence[Refusal]) -> str:
    reasons = {refusal.reason for refusal in found}
    if reasons == {"already applied"}:
        return (
            "the source has this change already (or the diff is reversed): "
            f"drop the name {found[0].patch!r}"
        )
    if "already applied" in reasons:
        return "the source has a part of this already: make the diff anew without it"
    for reason, advice in _ADVICE.items():
        if reason in reasons:
            return advice
    return "make the diff anew for this release"


_ADVICE = {
    "unsafe": "do not trust this diff; make it anew with plain paths inside the tree",
    "bad diff": "get the diff anew, unchanged by mail programs and editors",
    "missing": "say where its files are with strip and directory, "
    "or look whether it is for another release",
    "binary": "make the diff anew for this release, with git diff --binary",
    "submodule": "take the submodule out of the diff",
    "exists": "look whether the diff is for another release",
    "line endings": "convert the diff's line endings to those of the file",
    "ambiguous": "say which place is meant: more context in the hunk, "
    "or strip and directory",
    "order": "make the diff anew for this release, its hunks in order",
}


def _patch_json(patch: PatchedBy) -> dict[str, Any]:
    return {
        "patch": patch.name,
        "owner": patch.owner,
        "strip": patch.strip,
        "directory": patch.directory,
        "files": [_file_json(file) for file in patch.files],
    }


def _file_json(file: PatchedFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "action": file.action,
        "source": file.source,
        "hunks": [
            {
                "header": hunk.header,
                "line": hunk.line,
                "offset": hunk.offset,
                "fuzz": hunk.fuzz,
            }
            for hunk in file.hunks
        ],
    }


def _refused_json(refusal: Refusal) -> dict[str, Any]:
    return {
        "patch": refusal.patch,
        "owner": refusal.owner,
        "path": refusal.path,
        "hunk": refusal.hunk,
        "header": refusal.header,
        "reason": refusal.reason,
        "detail": refusal.detail,
        "line": refusal.line,
        "differ": list(refusal.differ),
    }


class _Writer:
    """Puts entries in place; knows how to go back."""

    def __init__(self, tree: Path, aside: Path) -> None:
        self.tree = tree
        self.aside = aside
        self.saved: list[tuple[Path, Path]] = []
        self.placed: list[Path] = []
        self.made: list[Path] = []
        self.removed: list[Path] = []

    def write(self, changes: Sequence[tuple[str, Entry | None]]) -> None:
        staged = [
            (self._stage(number, path, entry), self.tree / path)
            for number, (path, entry) in enumerate(changes)
            if entry is not None
        ]
        try:
            self._save(path for path, _ in changes)
            self._place(staged)
        except BaseException:
            self._restore()
            raise

    def _stage(self, number: int, path: str, entry: Entry) -> Path:
        staged = self.aside / f"new-{number}"
        if entry.mode == LINK:
            staged.symlink_to(os.fsdecode(entry.data))
            return staged
        wanted = 0o777 if entry.mode == PROGRAM else 0o666
        handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, wanted)
        with os.fdopen(handle, "wb") as stream:
            stream.write(entry.data)
        _keep_mode(self.tree / path, staged, entry.mode == PROGRAM)
        return staged

    def _save(self, paths: Iterable[str]) -> None:
        """Move what is there aside, and remove the folders that this empties."""
        for number, path in enumerate(paths):
            target, backup = self.tree / path, self.aside / f"old-{number}"
            if not os.path.lexists(target):
                continue
            target.rename(backup)
            self.saved.append((backup, target))
        for _, target in self.saved:
            self._prune(target.parent)

    def _prune(self, folder: Path) -> None:
        while folder != self.tree and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            self.removed.append(folder)
            folder = folder.parent

    def _place(self, staged: Sequence[tuple[Path, Path]]) -> None:
        for new, target in staged:
            self._make_folders(target.parent)
            new.rename(target)
            self.placed.append(target)

    def _make_folders(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir()
            self.made.append(each)

    def _restore(self) -> None:
        for target in reversed(self.placed):
            target.unlink()
        for folder in reversed(self.made):
            folder.rmdir()
        for folder in reversed(self.removed):
            folder.mkdir()
        for backup, target in reversed(self.saved):
            backup.rename(target)


def _keep_mode(old: Path, new: Path, runs: bool) -> None:
    """Give `new` the permissions of `old`, but for the right to execute."""
    with suppress(FileNotFoundError, NotADirectoryError):
        status = old.lstat()
        if stat.S_ISREG(status.st_mode):
            bits = stat.S_IMODE(status.st_mode)
            if runs != bool(bits & stat.S_IXUSR):
                bits = bits | (bits & 0o444) >> 2 if runs else bits & ~0o111
            new.chmod(bits)
