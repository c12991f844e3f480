"""Writing to a tree: everything or nothing.

New files are written first into a staging directory ``.poach-*`` of the tree, with the
old files beside them and a journal of all steps.  Then each path changes by one rename,
so that at any time it is as before or as wanted, never half written.  A new folder
comes into its place with all its files, by one rename, too.  A failed run is undone.
If a run is killed in between, the staging directory stays with the old files and the
journal.  The next run reports it instead of patching a half-patched tree, and `recover`
puts everything back.

Where one rename is all there is to do, it is all or nothing by itself.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from poach.applier.disk import journal as journals
from poach.applier.disk.journal import Changed, Journal, Step, put_back
from poach.applier.disk.root import Root, StrPath, opened, set_mode, write_all
from poach.applier.disk.staging import (
    JOURNAL,
    is_private,
    new_staging,
    other_owner,
    remove,
    staging_folders,
    sweep,
)
from poach.applier.outcome import LINK, PROGRAM, Entry
from poach.applier.paths import parents
from poach.applier.rejects import show
from poach.errors import PoachError

Change = tuple[str, Entry | None]
"""A path, and its new entry, None for nothing."""

Look = Callable[[], None]
"""Is called before each step; any exception from it ends the run, which is undone."""

_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_SHOWN = 20  # paths in a message


class Seen(NamedTuple):
    """A file or link when it was read; `identity` shows whether it has changed."""

    entry: Entry
    identity: tuple[int, ...]


def identity(status: os.stat_result) -> tuple[int, ...]:
    """Return what differs when a file was replaced or written to since."""
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


class WriteFailed(PoachError):
    """A tree that could not be written; it is as it was."""

    tree: StrPath
    #: Why it could not be written.
    cause: OSError | Changed
    #: The folder with the old files, where not even they could be put back.
    kept: str | None = None

    def __str__(self) -> str:
        cause: object = self.cause
        if isinstance(self.cause, Changed):
            cause = f"somebody else has changed {_listed(self.cause.paths)}"
        if self.kept:
            return f"Cannot write to {str(self.tree)!r}: {cause}; {self._hint()}"
        return f"Cannot write to {str(self.tree)!r}, nothing was changed: {cause}"

    def _hint(self) -> str:
        return f"the tree may be partly patched: {_way_back(self.tree, self.kept)}"


class TreeChanged(PoachError):
    """A path that somebody else has written to since poach read it."""

    tree: StrPath
    path: str

    def __str__(self) -> str:
        return (
            f"Cannot write to {str(self.tree)!r}, nothing was changed: somebody else "
            f"has changed {show(self.path)!r} since it was read; run again"
        )


class Interrupted(PoachError):
    """A tree in which an earlier run was killed while it wrote."""

    tree: StrPath
    #: The folder with the old files.
    kept: str
    #: The other user who started that run; None for the user of this process.
    owner: str | None = None

    def __str__(self) -> str:
        whose = f" of {self.owner}" if self.owner else ""
        return (
            f"An earlier run{whose} was killed while it wrote to {str(self.tree)!r}; "
            "the tree may be partly patched: "
            f"{_way_back(self.tree, self.kept, self.owner)}"
        )


class NotRecovered(PoachError):
    """A tree that an interrupted run has left and that cannot be restored."""

    tree: StrPath
    #: The folder with the old files.
    kept: str
    reason: str

    def __str__(self) -> str:
        return (
            f"Cannot put back what the interrupted run has changed in "
            f"{str(self.tree)!r}: {self.reason}.  Unpack the source again, or put the "
            f"old files back by hand that {self.kept!r} holds ({JOURNAL} "
            "there says which is which) and remove that folder"
        )


def _way_back(tree: StrPath, kept: str | None, owner: str | None = None) -> str:
    import shlex

    command = f"poach apply --recover {shlex.quote(str(tree))}"
    user = f" as {owner}, the owner of that folder" if owner else ""
    return (
        f"restore the old files, which are in {kept!r}, with `{command}`{user}, or "
        "unpack the source again"
    )


def _listed(paths: Sequence[str]) -> str:
    shown = ", ".join(repr(show(path)) for path in paths[:_SHOWN])
    more = len(paths) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def check_whole(root: Root) -> None:
    """Raise `Interrupted` where an earlier run was killed in the middle."""
    for staging in staging_folders(root):
        if journals.is_journal(root, staging):
            owner = other_owner(root, staging)
            raise Interrupted(root.path, f"{root}/{staging}", owner)


def clear(root: Root) -> None:
    """Remove what runs have left that were killed, and of which nothing is needed."""
    for staging in staging_folders(root):
        if not journals.is_journal(root, staging):
            sweep(root, staging)


def write_changes(
    tree: StrPath,
    changes: Sequence[Change],
    seen: Mapping[str, Seen | None],
    look: Look = lambda: None,
) -> None:
    """Write `changes` to `tree`, in which `seen` was found before.

    Raises `WriteFailed`, `TreeChanged` and `Interrupted`.
    """
    if not changes:
        return
    try:
        with opened(tree) as root:
            root.lock()
            check_whole(root)
            clear(root)
            _write(root, changes, seen, look)
    except OSError as error:
        raise WriteFailed(str(tree), error) from error


def recover(tree: StrPath, look: Look = lambda: None) -> list[str]:
    """Put back what interrupted runs have changed; return the paths.

    Raises `NotRecovered`, and nothing was changed then unless it says otherwise.
    """
    changed = list[str]()
    with opened(tree) as root:
        root.lock()
        for staging in staging_folders(root):
            if journals.is_journal(root, staging):
                look()
                changed += _recovered(root, staging)
        clear(root)
    return changed


def _recovered(root: Root, staging: str) -> list[str]:
    kept = f"{root}/{staging}"
    try:
        if distrust := _distrust(root, staging):
            raise NotRecovered(root.path, kept, f"{kept!r} {distrust}")
        journal = journals.read(root, staging)
        if journal is None:
            reason = "its journal is damaged, or of another version of poach"
            raise NotRecovered(root.path, kept, reason)
        changed = put_back(root, staging, journal)
    except Changed as changes:
        listed = _listed(changes.paths)
        reason = f"it was changed since, nothing was put back: {listed}"
        raise NotRecovered(root.path, kept, reason) from changes
    except OSError as error:
        raise NotRecovered(root.path, kept, str(error)) from error
    remove(root, staging)
    return changed


def _distrust(root: Root, staging: str) -> str | None:
    """Return why the journal in a folder may be a trap, None if this user made it."""
    if owner := other_owner(root, staging):
        return f"belongs to {owner}: only {owner} can restore it, not even root"
    if not is_private(root, staging):
        return (
            "does not have the permissions (700) that poach gives such a folder, so "
            "somebody else may have made its journal"
        )
    return None


def _write(
    root: Root,
    changes: Sequence[Change],
    seen: Mapping[str, Seen | None],
    look: Look,
) -> None:
    staging = new_staging(root)
    writer = _Writer(root, staging, seen, look)
    kept = f"{root}/{staging}"
    try:
        writer.write(changes)
    except (OSError, Changed) as error:
        is_stuck = writer.is_stuck
        raise WriteFailed(root.path, error, kept if is_stuck else None) from error
    finally:
        if not writer.is_stuck:
            remove(root, staging)


class _Writer:
    """Puts entries in place; knows how to go back.

    What waits to be placed is a new file or, for folders that are not there, the
    outermost of them with all that comes into it.
    """

    def __init__(
        self, root: Root, staging: str, seen: Mapping[str, Seen | None], look: Look
    ) -> None:
        self.root = root
        self.staging = staging
        self.seen = seen
        self.look = look
        self.tops: dict[str, str | None] = {}  # of each folder, the outermost new one
        self.waiting: dict[str, str] = {}  # where what comes to a path waits
        self.steps: dict[str, Step] = {}
        self.folders: set[str] = set()  # those made staging
        self.emptying: set[str] = set()  # those that lead to what is deleted
        self.begun: set[str] = set()  # what may be changed
        self.is_stuck = False  # neither forth nor back

    def write(self, changes: Sequence[Change]) -> None:
        """Write everything; on any exception put back what was there."""
        alone = len(changes) == 1 and changes[0][1] is not None
        gone = [path for path, entry in changes if entry is None]
        self.emptying = {folder for path in gone for folder in parents(path)}
        for number, (path, entry) in enumerate(changes):
            self.look()
            with _naming(path):
                self._prepare(f"-{number}", path, entry, alone)
        self.root.forget()
        if gone or len(self.waiting) > 1:
            self._change_all([path for path in gone if self.steps[path].was])
        else:  # one rename, which is all or nothing by itself
            self._place_all()

    def _change_all(self, gone: Sequence[str]) -> None:
        journal = Journal(self.steps, self._new_folders(), self._emptied())
        journals.note(self.root, self.staging, journal)
        try:
            self._delete(gone, journal.folders)
            self._place_all()
        except BaseException:
            self.is_stuck = True
            put_back(self.root, self.staging, self._undone(journal))
            self.is_stuck = False
            raise

    def _undone(self, journal: Journal) -> Journal:
        """Return the part of the journal that has begun; the rest may be theirs."""
        steps = {
            path: step
            for path, step in journal.steps.items()
            if path in self.begun or not self.begun.isdisjoint(parents(path))
        }
        tops = {top: new for top, new in journal.tops.items() if top in self.begun}
        return Journal(steps, tops, journal.folders)

    def _prepare(
        self, number: str, path: str, entry: Entry | None, alone: bool
    ) -> None:
        """Write what is to come, and keep what is there, which stays for now."""
        folder = path.rpartition("/")[0]
        top = self._top(folder)
        mode = None if top else self._looked(path)
        old = new = was = made = None
        if top and self.seen.get(path):  # its folder has gone
            raise TreeChanged(self.root.path, path)
        if mode is not None and not alone:
            old = f"old{number}"
            was = self._keep(old, path, mode)
        if entry is not None:
            new = self._waits(top, path, folder, f"new{number}")
            like = entry.like or (path if mode is not None else None)
            bits = self._write_file(new, entry, like)
            made = None if alone else journals.stamp(entry, bits)
        self.steps[path] = Step(old, new, was, made)

    def _looked(self, path: str) -> int | None:
        """Return the mode of a file or link; refuse one that is not as it was seen."""
        try:
            status = self.root.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            status = None
        if status and stat.S_ISDIR(status.st_mode) and path in self.emptying:
            return None  # it will be gone by then
        seen = self.seen.get(path)
        if (status and identity(status)) != (seen and seen.identity):
            raise TreeChanged(self.root.path, path)
        return status and status.st_mode

    def _keep(self, old: str, path: str, mode: int) -> str:
        """Keep what is at `path`, which stays there for now; return its stamp."""
        self.root.twin(path, f"{self.staging}/{old}")
        seen = self.seen[path]
        assert seen is not None
        return journals.stamp(seen.entry, mode)

    def _top(self, folder: str) -> str | None:
        """Return the outermost folder that leads to `folder`, or is it, and is new."""
        if folder in self.tops:
            return self.tops[folder]
        top = None
        for each in [*parents(folder), folder] if folder else []:
            if each not in self.tops:
                is_new = top is not None or not self.root.is_folder(each)
                self.tops[each] = (top or each) if is_new else None
            top = self.tops[each]
        return top

    def _waits(self, top: str | None, path: str, folder: str, new: str) -> str:
        """Return where what comes to a path is to wait; make what leads there."""
        if top is None:
            self.waiting[path] = new
            return new
        waits = self.waiting.setdefault(top, new)
        if folder not in self.folders:
            for each in [*parents(folder), folder]:
                if len(each) >= len(top) and each not in self.folders:
                    self.root.mkdir(f"{self.staging}/{waits}{each[len(top) :]}")
                    self.folders.add(each)
        return waits + path[len(top) :]

    def _write_file(self, new: str, entry: Entry, like: str | None) -> int:
        """Stage `entry` with the permissions of `like`; return those."""
        path = f"{self.staging}/{new}"
        if entry.mode == LINK:
            self.root.symlink(entry.data, path)
            return LINK
        runs = entry.mode == PROGRAM
        handle = self.root.create(path, 0o777 if runs else 0o666)
        try:
            write_all(handle, entry.data)
            if like is not None:
                self._keep_mode(handle, like, runs)
            return os.fstat(handle).st_mode
        finally:
            os.close(handle)

    def _keep_mode(self, handle: int, like: str, runs: bool) -> None:
        """Give an open file the permissions of another, except the right to execute.

        Rights that come with being setuid or setgid are not handed on.
        """
        with suppress(FileNotFoundError, NotADirectoryError):
            status = self.root.lstat(like)
            if stat.S_ISREG(status.st_mode):
                bits = stat.S_IMODE(status.st_mode) & 0o777
                if runs != bool(bits & stat.S_IXUSR):
                    bits = bits | (bits & 0o444) >> 2 if runs else bits & ~0o111
                set_mode(handle, bits)

    def _new_folders(self) -> dict[str, str]:
        tops = {*self.tops.values()}
        return {top: new for top, new in self.waiting.items() if top in tops}

    def _emptied(self) -> dict[str, int]:
        """Return the folders that may be empty then, with their permissions.

        The innermost come first.
        """
        needed = {folder for path in self.waiting for folder in parents(path)}
        return {
            folder: self.root.lstat(folder).st_mode & journals.FOLDER_BITS
            for folder in sorted(self.emptying - needed, reverse=True)
            if self.root.is_folder(folder)
        }

    def _delete(self, gone: Sequence[str], folders: Mapping[str, int]) -> None:
        """Remove files, and the folders that are empty then."""
        for path in gone:
            self.look()
            with _naming(path):
                self._looked(path)
                self.begun.add(path)
                self.root.unlink(path)
        for folder in folders:
            try:
                self.root.rmdir(folder)
            except OSError as error:
                if error.errno not in _NOT_EMPTY:
                    raise

    def _place_all(self) -> None:
        tops = {*self.tops.values()}
        for path, new in self.waiting.items():
            self.look()
            with _naming(path):
                if path not in tops:
                    self._looked(path)
                self.begun.add(path)
                self.root.replace(f"{self.staging}/{new}", path)
            if path in tops:
                self.root.forget()
        self._check_ways()

    def _check_ways(self) -> None:
        """Raise OSError where a folder was swapped for a link while it was open."""
        self.root.forget()
        for folder in {path.rpartition("/")[0] for path in self.waiting} - {""}:
            with _naming(folder):
                if not stat.S_ISDIR(self.root.lstat(folder).st_mode):
                    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


class _naming:
    """Lets an OSError name the whole path, of which it knows the end only."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, OSError):
            error.filename, error.filename2 = self.path, None
