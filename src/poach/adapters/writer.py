"""Writing to a tree: everything or nothing.

New files are written aside first, in a folder ``.poach-*`` of the tree, with the old
files beside them and a journal of what is to be done.  Then each path changes by one
rename, so that at any time it is as before or as wanted, never half written.  A folder
that is new comes into its place with all that is in it, by one rename, too.  What fails
is undone.  Where a run is killed in between, the folder stays with the old files and
the journal, and the next run says so instead of patching a half-patched tree.

Where one file is all that changes, that one rename is all or nothing by itself.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from poach.adapters.aside import (
    JOURNAL,
    PREFIX,
    StrPath,
    asides,
    is_journal,
    new_aside,
    remove,
    sweep,
)
from poach.errors import PoachError
from poach.outcome import LINK, PROGRAM, Entry
from poach.paths import parents

_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class WriteFailed(PoachError):
    """A tree that could not be written; it is as it was.

    `cause` says why.  `kept` is None, or the folder with the old files where not even
    they could be put back.
    """

    def __init__(self, tree: StrPath, cause: OSError, kept: str | None = None) -> None:
        super().__init__(tree, cause, kept)
        self.tree = tree
        self.cause = cause
        self.kept = kept

    def __str__(self) -> str:
        if self.kept:
            return (
                f"Cannot write to {str(self.tree)!r}: {self.cause}; {_hint(self.kept)}"
            )
        return f"Cannot write to {str(self.tree)!r}, nothing was changed: {self.cause}"


class Interrupted(PoachError):
    """A tree in which an earlier run was killed while it wrote; `kept` says where."""

    def __init__(self, tree: StrPath, kept: str) -> None:
        super().__init__(tree, kept)
        self.tree = tree
        self.kept = kept

    def __str__(self) -> str:
        return (
            f"An earlier run was killed while it wrote to {str(self.tree)!r}; "
            f"{_hint(self.kept)}"
        )


def _hint(kept: str) -> str:
    return (
        f"the tree may be patched in part: unpack it anew, or put the old files back "
        f"that {kept!r} holds ({JOURNAL} there says which is which) "
        "and remove that folder"
    )


def check_whole(tree: StrPath) -> None:
    """Raise `Interrupted` where an earlier run was killed in the middle."""
    for aside in asides(tree):
        if is_journal(f"{aside}/{JOURNAL}"):
            raise Interrupted(tree, aside)


def write_changes(tree: StrPath, changes: Sequence[tuple[str, Entry | None]]) -> None:
    """Write `changes` to `tree`: None where a path is to be gone.

    Raises `WriteFailed`.
    """
    if not changes:
        return
    sweep(tree)
    if len(changes) > 1 or not _write_one(tree, *changes[0]):
        _write_all(tree, changes)


def _write_one(tree: StrPath, path: str, entry: Entry | None) -> bool:
    """Write one file in a folder that is there; return False for anything else."""
    target = f"{tree}/{path}"
    folder = os.path.dirname(target)
    if entry is None or not os.path.isdir(folder):
        return False
    new = f"{folder}/{PREFIX}{os.getpid()}"
    try:
        _remove(new)  # of a killed process with our number
        with _undone(new):
            _write(new, entry, f"{tree}/{entry.like or path}")
            os.replace(new, target)
    except OSError as error:
        raise WriteFailed(tree, error) from error
    return True


@contextmanager
def _undone(new: str) -> Iterator[None]:
    """Take the file `new` away after any exception."""
    try:
        yield
    except BaseException:
        _remove(new)
        raise


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _write_all(tree: StrPath, changes: Sequence[tuple[str, Entry | None]]) -> None:
    try:
        aside, lock = new_aside(tree)
    except OSError as error:
        raise WriteFailed(tree, error) from error
    writer = _Writer(tree, aside)
    try:
        writer.write(changes)
    except OSError as error:
        raise WriteFailed(tree, error, aside if writer.stuck else None) from error
    finally:
        if not writer.stuck:
            remove(aside)
        if lock is not None:
            os.close(lock)


class _Writer:
    """Puts entries in place; knows how to go back.

    What waits to be placed is a new file or, for folders that are not there, the
    outermost of them with all that comes into it.
    """

    def __init__(self, tree: StrPath, aside: str) -> None:
        self.tree = tree
        self.aside = aside
        self.tops: dict[str, str | None] = {}  # of each folder, the outermost new one
        self.staged: dict[str, str] = {}  # where what comes to a path waits
        self.saved: dict[str, str] = {}
        self.deleted: list[str] = []
        self.placed: list[str] = []
        self.made: list[str] = []
        self.folders: set[str] = {""}  # those that are there
        self.removed: list[tuple[str, int]] = []
        self.stuck = False  # neither forth nor back

    def write(self, changes: Sequence[tuple[str, Entry | None]]) -> None:
        """Write everything; on any exception put back what was there."""
        for number, (path, entry) in enumerate(changes):
            self._prepare(number, path, entry)
        self._note(path for path, _ in changes)
        try:
            for path, entry in changes:
                if entry is None:
                    self._delete(path)
            for path, new in self.staged.items():
                self._place(new, path)
        except BaseException:
            self._restore()
            raise

    def _prepare(self, number: int, path: str, entry: Entry | None) -> None:
        """Write what is to come, and keep what is there, which stays for now."""
        folder = path.rpartition("/")[0]
        top = self._top(folder)
        if top is None:
            self._save(number, path)
        if entry is not None:
            new = f"{self.aside}/new-{number}"
            if top is None:
                self.staged[path] = new
            else:
                new = self._below(top, path, folder, new)
            old = entry.like or (path if path in self.saved else None)
            _write(new, entry, old and self._at(old))

    def _top(self, folder: str) -> str | None:
        """Return the outermost folder that leads to `folder`, or is it, and is new."""
        if folder not in self.tops:
            ways = [*parents(folder), folder] if folder else []
            new = (each for each in ways if not self._is_folder(each))
            self.tops[folder] = next(new, None)
        return self.tops[folder]

    def _is_folder(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(self._at(path)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _below(self, top: str, path: str, folder: str, new: str) -> str:
        """Return where a file waits in a new folder; make what leads there."""
        waits = self.staged.setdefault(top, new)
        below = waits + folder[len(top) :]
        if folder not in self.folders:
            os.makedirs(below, exist_ok=True)
            self.folders.add(folder)
        return waits + path[len(top) :]

    def _at(self, path: str) -> str:
        return f"{self.tree}/{path}"

    def _save(self, number: int, path: str) -> None:
        """Keep what is at `path`, which stays there for now."""
        target, backup = self._at(path), f"{self.aside}/old-{number}"
        try:
            os.link(target, backup, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, NotImplementedError):
            if stat.S_ISDIR(os.lstat(target).st_mode):
                return  # it will be empty by then
            import shutil

            shutil.copy2(target, backup, follow_symlinks=False)
        self.saved[path] = backup

    def _note(self, paths: Iterable[str]) -> None:
        """Write the journal: for each path the name of its old file, or null.

        It is there for runs that are killed, which the system's cache outlives, so
        it need not reach the disk before the files do.
        """
        import json

        kept = {path: self._backup(path) for path in paths}
        said = json.dumps({"format": 1, "old": kept}, separators=(",\n", ": "))
        with open(f"{self.aside}/{JOURNAL}", "x", encoding="ascii") as stream:
            stream.write(said)

    def _backup(self, path: str) -> str | None:
        return os.path.basename(self.saved[path]) if path in self.saved else None

    def _delete(self, path: str) -> None:
        if path in self.saved:
            self.deleted.append(path)
            os.unlink(self._at(path))
            self._prune(path.rpartition("/")[0])

    def _prune(self, folder: str) -> None:
        """Remove a folder that is empty now, and those above it."""
        while folder and self._is_folder(folder):
            mode = stat.S_IMODE(os.stat(self._at(folder)).st_mode)
            try:
                os.rmdir(self._at(folder))
            except OSError as error:
                if error.errno in _NOT_EMPTY:
                    return
                raise
            self.removed.append((folder, mode))
            folder = folder.rpartition("/")[0]

    def _place(self, new: str, path: str) -> None:
        self._make_folders(path.rpartition("/")[0])
        self.placed.append(path)
        os.replace(new, self._at(path))

    def _make_folders(self, folder: str) -> None:
        """Make anew the folders that a deletion has emptied."""
        if folder in self.folders:
            return
        for each in [*parents(folder), folder]:
            if not os.path.isdir(self._at(each)):
                os.mkdir(self._at(each))
                self.made.append(each)
        self.folders.add(folder)

    def _restore(self) -> None:
        """Go back: what was placed goes to where it waited, which is removed."""
        self.stuck = True
        tops = set(self.tops.values())
        for path in reversed(self.placed):
            is_new = path not in self.saved or path in tops
            if is_new and not os.path.lexists(self.staged[path]):
                os.replace(self._at(path), self.staged[path])
        for folder in reversed(self.made):
            os.rmdir(self._at(folder))
        for folder, mode in reversed(self.removed):
            os.mkdir(self._at(folder))
            os.chmod(self._at(folder), mode)
        for path in dict.fromkeys([*reversed(self.placed), *reversed(self.deleted)]):
            if path in self.saved:
                os.replace(self.saved[path], self._at(path))
        self.stuck = False


def _write(new: str, entry: Entry, old: str | None) -> None:
    """Write `entry` to the path `new`, with the permissions of what is at `old`."""
    if entry.mode == LINK:
        os.symlink(os.fsdecode(entry.data), new)
        return
    handle = os.open(new, _NEW_FILE, 0o777 if entry.mode == PROGRAM else 0o666)
    try:
        left = memoryview(entry.data)
        while left:
            left = left[os.write(handle, left) :]
    finally:
        os.close(handle)
    if old is not None:
        _keep_mode(old, new, entry.mode == PROGRAM)


def _keep_mode(old: str, new: str, runs: bool) -> None:
    """Give `new` the permissions of `old`, but for the right to execute.

    Rights that come with being setuid or setgid are not handed on.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        status = os.lstat(old)
        if stat.S_ISREG(status.st_mode):
            bits = stat.S_IMODE(status.st_mode) & 0o777
            if runs != bool(bits & stat.S_IXUSR):
                bits = bits | (bits & 0o444) >> 2 if runs else bits & ~0o111
            os.chmod(new, bits)
