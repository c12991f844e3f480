"""The tree that diffs apply to: as it lies on disk, and with changes in memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

from poach.applier.disk.root import Root
from poach.applier.disk.staging import is_staging
from poach.applier.disk.writer import Seen, identity
from poach.applier.outcome import FILE, LINK, PROGRAM, Entry
from poach.applier.paths import parents
from poach.applier.rejects import Fault, show

MAX_FILE = 1 << 28
"""The most bytes of a file that is to be changed: 256 MB."""

_MOST_LINKS = 40  # as many as Linux follows


class Disk:
    """The tree as it lies on disk, read once."""

    def __init__(self, tree: Root) -> None:
        self.tree = tree
        self.entries: dict[str, Entry | None] = {}
        self.identities: dict[str, tuple[int, ...]] = {}  # of what is there
        self.blocked: dict[str, bool] = {}
        self.missing: set[str] = set()  # folders that are not there
        self.by_name: dict[str, list[str]] | None = None

    def entry(self, path: str) -> Entry | None:
        """Return the entry at `path`; refuse anything but a file or link."""
        if path not in self.entries:
            missing = path.rpartition("/")[0] in self.missing
            self.entries[path] = None if missing else self._read(path)
        return self.entries[path]

    def _read(self, path: str) -> Entry | None:
        try:
            return self._found(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from error

    def _found(self, path: str) -> Entry:
        status = self.tree.lstat(path)
        self.identities[path] = identity(status)
        if stat.S_ISLNK(status.st_mode):
            return Entry(self.tree.readlink(path), LINK)
        if stat.S_ISREG(status.st_mode):
            return self._file(path)
        if stat.S_ISDIR(status.st_mode):
            raise Fault.of("unsafe", "a folder in the tree", path)
        raise Fault.of("unreadable", "not a regular file in the tree", path)

    def _file(self, path: str) -> Entry:
        with os.fdopen(self.tree.open(path), "rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())  # it may be another one by now
            self.identities[path] = identity(status)
            if status.st_size > MAX_FILE:
                detail = f"has {status.st_size} bytes, more than {MAX_FILE}"
                raise Fault.of("too large", detail, path)
            data = stream.readall() if stat.S_ISREG(status.st_mode) else b""
            return Entry(data, PROGRAM if status.st_mode & stat.S_IXUSR else FILE)

    def seen(self, path: str) -> Seen | None:
        """Return what stood at `path` when it was read, None for no file."""
        entry = self.entries.get(path)
        return None if entry is None else Seen(entry, self.identities[path])

    def holds(self, path: str, entry: Entry | None) -> bool:
        """Return whether `entry` is the one at `path`."""
        try:
            found = self.entry(path)
        except Fault:
            return False
        return found is entry if found is None else found.is_same(entry)

    def blocks(self, path: str) -> bool:
        """Return whether something that is no folder stands at `path`."""
        if path not in self.blocked:
            self.blocked[path] = self._blocks(path)
        return self.blocked[path]

    def _blocks(self, path: str) -> bool:
        if path.rpartition("/")[0] in self.missing:
            self.missing.add(path)
            return False
        try:
            return not stat.S_ISDIR(self.tree.lstat(path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            self.missing.add(path)
            return False
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from error

    def below(self, path: str) -> Iterator[str]:
        """Yield the paths of all files in the folder `path`."""
        for folder, _, files in self.tree.walk(path):
            yield from (folder + file for file in files)

    def named(self, name: str) -> list[str]:
        """Return the paths of all files called `name`."""
        if self.by_name is None:
            self.by_name = {}
            for folder, folders, files in self.tree.walk():
                folders[:] = sorted(each for each in folders if not is_staging(each))
                for file in sorted(files):
                    self.by_name.setdefault(file, []).append(folder + file)
        return self.by_name.get(name, [])

    def paths(self) -> Iterator[str]:
        """Yield the paths of all files."""
        self.named("")
        yield from chain.from_iterable((self.by_name or {}).values())

    def size(self, path: str) -> int | None:
        """Return the bytes of the file at `path`, None where that is unknown."""
        try:
            return self.tree.lstat(path).st_size
        except (OSError, ValueError):
            return None


def _unreadable(path: str, error: OSError | ValueError) -> Fault:
    reason = getattr(error, "strerror", None) or str(error)
    return Fault.of("unreadable", f"cannot be read: {reason}", path)


class Overlay:
    """The tree with changes that are not written."""

    def __init__(self, tree: Root, base: Overlay | None = None) -> None:
        self.disk: Disk = base.disk if base else Disk(tree)
        self.changes: dict[str, Entry | None] = {}
        self.layers: list[dict[str, Entry | None]] = [self.changes]
        self.layers += base.layers if base else []
        self.made: int = base.made if base else 0  # bytes of new contents, in all
        self.folders: dict[str, int] = dict(base.folders) if base else {}  # of changes

    def put(self, path: str, entry: Entry | None) -> None:
        """Note that `entry` is to stand at `path`, or nothing."""
        before = self._changed(path)
        self.made += len(entry.data if entry else b"")
        self.made -= len(before.data if before else b"")
        self.changes[path] = entry
        if (step := bool(entry) - bool(before)) != 0:
            for folder in parents(path):
                self.folders[folder] = self.folders.get(folder, 0) + step

    def _changed(self, path: str) -> Entry | None:
        """Return what was put at `path`, if anything was."""
        for changes in self.layers:
            if path in changes:
                return changes[path]
        return None

    def adopt(self, child: Overlay) -> None:
        """Take over what was tried in `child`."""
        self.changes |= child.changes
        self.folders = child.folders
        self.made = child.made

    def child(self) -> Overlay:
        """Return an overlay to try things in."""
        return Overlay(self.disk.tree, self)

    def copy(self) -> Overlay:
        """Return the same tree, to be changed for itself."""
        overlay = self.untouched()
        overlay.adopt(self.child())
        overlay.changes.update(self.changes)
        return overlay

    def untouched(self) -> Overlay:
        """Return the tree as it is on disk."""
        overlay = Overlay(self.disk.tree)
        overlay.disk = self.disk
        return overlay

    def is_touched(self, path: str) -> bool:
        """Return whether something was put at `path`, or it was taken away."""
        return any(path in changes for changes in self.layers)

    def entry(self, path: str) -> Entry | None:
        """Return the status of `path`; refuse paths through links and files."""
        for parent in parents(path):
            if self.blocks(parent):
                detail = "leads through a symlink or file"
                raise Fault.of("unsafe", f"{detail}, {show(parent)!r}", path)
        return self._plain(path)

    def _plain(self, path: str) -> Entry | None:
        if self.folders.get(path):
            raise Fault.of("unsafe", "a folder in the tree", path)
        for changes in self.layers:
            if path in changes:
                return changes[path]
        try:
            return self.disk.entry(path)
        except Fault:
            if self._is_emptied(path):
                return None
            raise

    def _is_emptied(self, path: str) -> bool:
        """Return whether `path` is a folder on disk without any files left."""
        prefix = f"{path}/"
        every = chain.from_iterable(self.layers)
        touched = {each for each in every if each.startswith(prefix)}
        if not touched or any(self._plain(each) for each in touched):
            return False
        return all(each in touched for each in self.disk.below(path))

    def blocks(self, path: str) -> bool:
        """Return whether something that is no folder stands at `path`."""
        for changes in self.layers:
            if path in changes:
                return changes[path] is not None
        return self.disk.blocks(path)

    def lacks(self, path: str) -> bool:
        """Return whether nothing at all stands at `path`, on disk or in the changes."""
        if self.folders.get(path) or self.blocks(path):
            return False
        return path in self.disk.missing

    def escapes(self, path: str) -> bool:
        """Return whether the link at `path` leads out of the tree, over others or
        not."""
        todo, here, links = path.split("/")[::-1], list[str](), 0
        while todo and links <= _MOST_LINKS:
            part = todo.pop()
            if part == ".." and not here:
                return True
            here = here[:-1] if part == ".." else [*here, part]
            target = self._target("/".join(here))
            if target is not None:
                links += 1
                here.pop()
                todo += [
                    each for each in target.split("/")[::-1] if each not in ("", ".")
                ]
                if target.startswith("/"):
                    return True
        return False

    def _target(self, path: str) -> str | None:
        with suppress(Fault):
            entry = self._plain(path) if path else None
            if entry and entry.mode == LINK:
                return entry.data.decode("utf-8", "surrogateescape")
        return None

    def has_folder(self, path: str) -> bool:
        """Return whether a folder stands at `path`, on disk or in the changes."""
        return not self.blocks(path) and not self.lacks(path)

    def folders_ending_with(self, path: str) -> list[str]:
        """Return the paths of folders with files that end with `path`, in order."""
        found = {parent for each in self.disk.paths() for parent in parents(each)}
        return sorted(each for each in found if f"/{each}".endswith(f"/{path}"))

    def files_of_size(self, size: int) -> list[str]:
        """Return the paths of files on disk with so many bytes, in order."""
        return sorted(
            each for each in self.disk.paths() if self.disk.size(each) == size
        )

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
