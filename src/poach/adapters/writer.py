"""Writing to a tree: everything or nothing.

New files are written aside first, in a folder ``.poach-*`` of the tree, with the old
files beside them and a journal of what is to be done.  Then each path changes by one
rename, so that at any time it is as before or as wanted, never half written.  What
fails is undone.  Where a run is killed in between, the folder stays with the old files
and the journal, and the next run says so instead of patching a half-patched tree.

Where one file is all that changes, that one rename is all or nothing by itself.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from poach.errors import PoachError
from poach.outcome import LINK, PROGRAM, Entry

_PREFIX = ".poach-"
_JOURNAL = "journal.json"


class WriteFailed(PoachError):
    """A tree that could not be written; it is as it was.

    `cause` says why.  `kept` is None, or the folder with the old files where not even
    they could be put back.
    """

    def __init__(self, tree: Path, cause: OSError, kept: Path | None = None) -> None:
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

    def __init__(self, tree: Path, kept: Path) -> None:
        super().__init__(tree, kept)
        self.tree = tree
        self.kept = kept

    def __str__(self) -> str:
        return (
            f"An earlier run was killed while it wrote to {str(self.tree)!r}; "
            f"{_hint(self.kept)}"
        )


def _hint(kept: Path) -> str:
    return (
        f"the tree may be patched in part: unpack it anew, or put the old files back "
        f"that {str(kept)!r} holds ({_JOURNAL} there says which is which) "
        "and remove that folder"
    )


def is_aside(name: str) -> bool:
    """Tell whether a folder's name is that of one in which new files wait."""
    return name.startswith(_PREFIX)


def check_whole(tree: Path) -> None:
    """Raise `Interrupted` where an earlier run was killed in the middle."""
    for journal in sorted(tree.glob(f"{_PREFIX}*/{_JOURNAL}")):
        if _is_journal(journal):
            raise Interrupted(tree, journal.parent)


def _is_journal(path: Path) -> bool:
    """Tell whether a file is a journal as a whole: then renames may have begun.

    One that cannot be read may be.
    """
    import json

    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        said = json.loads(path.read_bytes())
    except OSError:
        return True
    except (ValueError, RecursionError):
        return False
    if not isinstance(said, dict) or not isinstance(said.get("format"), int):
        return False
    old = said.get("old")
    return isinstance(old, dict) and all(map(_is_backup, old.values()))


def _is_backup(name: object) -> bool:
    return name is None or (isinstance(name, str) and name.startswith("old-"))


def write_changes(tree: Path, changes: Sequence[tuple[str, Entry | None]]) -> None:
    """Write `changes` to `tree`: None where a path is to be gone.

    Raises `WriteFailed`.
    """
    if len(changes) == 1 and _write_one(tree, *changes[0]):
        return
    if changes:
        _write_all(tree, changes)


def _write_one(tree: Path, path: str, entry: Entry | None) -> bool:
    """Write one file in a folder that is there; return False for anything else."""
    target = f"{tree}/{path}"
    folder = os.path.dirname(target)  # noqa: PTH120
    if entry is None or not os.path.isdir(folder):  # noqa: PTH112
        return False
    new = f"{folder}/{_PREFIX}{os.getpid()}"
    try:
        Path(new).unlink(missing_ok=True)  # of a killed process with our number
        with _undone(new):
            _write(new, entry, f"{tree}/{entry.like or path}")
            os.replace(new, target)  # noqa: PTH105
    except OSError as error:
        raise WriteFailed(tree, error) from error
    return True


@contextmanager
def _undone(new: str) -> Iterator[None]:
    """Take the file `new` away after any exception."""
    try:
        yield
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise


def _write_all(tree: Path, changes: Sequence[tuple[str, Entry | None]]) -> None:
    try:
        aside = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=tree))
    except OSError as error:
        raise WriteFailed(tree, error) from error
    writer = _Writer(tree, aside)
    try:
        writer.write(changes)
    except OSError as error:
        raise WriteFailed(tree, error, aside if writer.stuck else None) from error
    finally:
        if not writer.stuck:
            (aside / _JOURNAL).unlink(missing_ok=True)
            shutil.rmtree(aside, ignore_errors=True)


class _Writer:
    """Puts entries in place; knows how to go back."""

    def __init__(self, tree: Path, aside: Path) -> None:
        self.tree = tree
        self.aside = aside
        self.saved: dict[str, Path] = {}
        self.changed: list[str] = []
        self.made: list[Path] = []
        self.folders: set[str] = set()  # those that are there
        self.removed: list[tuple[Path, int]] = []
        self.stuck = False  # neither forth nor back

    def write(self, changes: Sequence[tuple[str, Entry | None]]) -> None:
        """Write everything; on any exception put back what was there."""
        staged = {
            path: self._stage(number, path, entry)
            for number, (path, entry) in enumerate(changes)
            if entry is not None
        }
        for number, (path, _) in enumerate(changes):
            self._save(number, path)
        self._note(path for path, _ in changes)
        try:
            for path, entry in changes:
                if entry is None:
                    self._remove(path)
            for path, new in staged.items():
                self._place(new, path)
        except BaseException:
            self._restore()
            raise

    def _stage(self, number: int, path: str, entry: Entry) -> Path:
        staged = self.aside / f"new-{number}"
        _write(str(staged), entry, self._at(entry.like or path))
        return staged

    def _at(self, path: str) -> str:
        return f"{self.tree}/{path}"

    def _save(self, number: int, path: str) -> None:
        """Keep what is at `path`, which stays there for now."""
        target = self._at(path)
        with suppress(FileNotFoundError, NotADirectoryError):
            if stat.S_ISDIR(os.lstat(target).st_mode):
                return  # a folder that will be empty by then
            backup = self.aside / f"old-{number}"
            try:
                os.link(target, backup, follow_symlinks=False)
            except (OSError, NotImplementedError):
                shutil.copy2(target, backup, follow_symlinks=False)
            self.saved[path] = backup

    def _note(self, paths: Iterator[str]) -> None:
        """Write the journal: for each path the name of its old file, or null.

        It is there for runs that are killed, which the system's cache outlives, so
        it need not reach the disk before the files do.
        """
        import json

        kept = {path: self._backup(path) for path in paths}
        with (self.aside / _JOURNAL).open("w", encoding="ascii") as stream:
            json.dump({"format": 1, "old": kept}, stream, indent=1)

    def _backup(self, path: str) -> str | None:
        return self.saved[path].name if path in self.saved else None

    def _remove(self, path: str) -> None:
        if path in self.saved:
            self.changed.append(path)
            (self.tree / path).unlink()
            self._prune((self.tree / path).parent)

    def _prune(self, folder: Path) -> None:
        """Remove a folder that is empty now, and those above it."""
        while folder != self.tree and folder.is_dir() and not any(folder.iterdir()):
            self.removed.append((folder, stat.S_IMODE(folder.stat().st_mode)))
            folder.rmdir()
            folder = folder.parent

    def _place(self, new: Path, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self.folders:
            self._make_folders(self.tree / folder)
            self.folders.add(folder)
        self.changed.append(path)
        new.replace(self._at(path))

    def _make_folders(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir()
            self.made.append(each)

    def _restore(self) -> None:
        self.stuck = True
        for path in reversed(self.changed):
            if path not in self.saved:
                (self.tree / path).unlink(missing_ok=True)
        for folder in reversed(self.made):
            folder.rmdir()
        for folder, mode in reversed(self.removed):
            folder.mkdir()
            folder.chmod(mode)
        for path in reversed(self.changed):
            if path in self.saved:
                self.saved[path].replace(self.tree / path)
        self.stuck = False


def _write(new: str, entry: Entry, old: str) -> None:
    """Write `entry` to the path `new`, with the permissions of what is at `old`."""
    if entry.mode == LINK:
        Path(new).symlink_to(os.fsdecode(entry.data))
        return
    wanted = 0o777 if entry.mode == PROGRAM else 0o666
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, wanted)
    with os.fdopen(handle, "wb") as stream:
        stream.write(entry.data)
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
            os.chmod(new, bits)  # noqa: PTH101
