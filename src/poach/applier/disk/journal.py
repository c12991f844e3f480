"""The journal of a run that writes to a tree, and how it puts the tree back.

The journal says of each path what stood there, what is to come, and where both are
kept.  What waits is moved to its path by one rename; so where it still waits, it was
not placed.  Old files are kept until the whole tree is as before: putting back may be
interrupted, too, and begins again then.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from poach.applier.disk.root import Root, write_all
from poach.applier.disk.staging import JOURNAL, PREFIX
from poach.applier.outcome import LINK, Entry
from poach.applier.paths import parents
from poach.errors import ErrorWithFields

if TYPE_CHECKING:
    import hashlib

FORMAT = 2
FOLDER = "folder"
"""The stamp of a folder."""

_UNFINISHED = "new-journal"
_PIECE = 1 << 20  # bytes that are read at a time
_KEPT = re.compile("(old|new)-[0-9]+", re.ASCII)
_LARGEST = 64 << 20  # bytes in a journal: some 200,000 files
_LONGEST = 8192  # bytes in a path; diffs have shorter ones
_DIGITS = 20  # in a number
_WRITABLE = 0o022  # by others
_OWN = 0o700
FOLDER_BITS = 0o3777
"""The permissions of folders that are put back: setuid says nothing there."""

T = TypeVar("T")


class Step(NamedTuple):
    """What happens at one path, a list in the journal."""

    #: Where the old file is kept, in the folder of the journal; None for none.
    old: str | None
    #: Where the new file waits, in the folder of the journal; None for none.
    new: str | None
    #: The stamp before; None for no file.
    was: str | None
    #: The stamp after; None for no file.
    made: str | None


class Journal(NamedTuple):
    """What a run does to a tree."""

    steps: dict[str, Step]
    #: The outermost new folders, and where they wait.
    tops: dict[str, str]
    #: The folders to remove if they are empty, with their permissions.
    folders: dict[str, int]


class Changed(ErrorWithFields):
    """A tree with paths that are neither as before a run nor as after it."""

    #: Where that is so.
    paths: Sequence[str]


def stamp(entry: Entry, mode: int) -> str:
    """Return what identifies a file: its permissions and the digest of its bytes."""
    import hashlib

    return _stamp(LINK if entry.mode == LINK else mode, hashlib.sha256(entry.data))


def _stamp(mode: int, digest: hashlib._Hash) -> str:
    return f"{mode:06o} {digest.hexdigest()}"


def stamp_at(root: Root, path: str) -> str | None:
    """Return the stamp of the file or link at `path`, `FOLDER` for a folder."""
    try:
        mode = root.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            return stamp(Entry(root.readlink(path), LINK), LINK)
        if stat.S_ISDIR(mode):
            return FOLDER
        return _read_stamp(root, path) if stat.S_ISREG(mode) else f"{mode:06o}"
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read_stamp(root: Root, path: str) -> str:
    import hashlib

    handle, digest = root.open(path), hashlib.sha256()
    try:
        while piece := os.read(handle, _PIECE):
            digest.update(piece)
        return _stamp(os.fstat(handle).st_mode, digest)
    finally:
        os.close(handle)


def note(root: Root, staging: str, journal: Journal) -> None:
    """Write the journal into the folder `staging`; it is on the disk then.

    Raises OSError, also if `read` would refuse it: then nothing could be put back.
    """
    import json

    found = {"format": FORMAT, **journal._asdict()}
    data = json.dumps(found, separators=(",\n", ": ")).encode("ascii")
    _check_size(data, f"{staging}/{JOURNAL}")
    if _journal(_parsed(data) or {}) is None:
        raise OSError(errno.EINVAL, "poach cannot read its own journal of these paths")
    handle = root.create(f"{staging}/{_UNFINISHED}", 0o600)
    try:
        write_all(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    root.replace(f"{staging}/{_UNFINISHED}", f"{staging}/{JOURNAL}")


def is_journal(root: Root, staging: str) -> bool:
    """Return whether a folder has a journal as a whole: then renames may have begun.

    One that cannot be read may be.  One that makes no sense is not, unless an old file
    is nowhere else any more: then the disk has lost a part of it.
    """
    try:
        found = _parsed(_contents(root, f"{staging}/{JOURNAL}"))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return _is_of_poach(found) or _has_only_copies(root, staging)


def _is_of_poach(found: Mapping[str, Any] | None) -> bool:
    """Return whether what was read is a journal, perhaps of another format."""
    if found is None or not isinstance(found.get("format"), int):
        return False
    return found["format"] != FORMAT or _journal(found) is not None


def _has_only_copies(root: Root, staging: str) -> bool:
    """Return whether a folder keeps old files that have no other name."""
    names = (
        f"{staging}/{name}" for name in root.names(staging)[1] if name[:4] == "old-"
    )
    status = map(root.lstat, names)
    return any(stat.S_ISREG(one.st_mode) and one.st_nlink == 1 for one in status)


def read(root: Root, staging: str) -> Journal | None:
    """Return the journal in a folder; None for one of another format.

    Raises OSError.
    """
    found = _parsed(_contents(root, f"{staging}/{JOURNAL}"))
    is_ours = found is not None and found.get("format") == FORMAT
    journal = _journal(found) if found is not None and is_ours else None
    return journal and journal._replace(folders=_narrowed(root, journal.folders))


def _narrowed(root: Root, folders: Mapping[str, int]) -> dict[str, int]:
    """Return the permissions of folders: others may write only where they may above.

    So a forged journal cannot open a tree to others.
    """
    modes = dict[str, int]()
    for folder in sorted(folders):
        above = folder.rpartition("/")[0]
        limit = modes.get(above)
        if limit is None:
            limit = root.lstat(above).st_mode if root.is_folder(above) else 0
        modes[folder] = folders[folder] & (limit | ~_WRITABLE)
    return {folder: modes[folder] for folder in folders}


def _contents(root: Root, path: str) -> bytes:
    """Return the bytes of a regular file; raise OSError, also where it is too large."""
    if not stat.S_ISREG(root.lstat(path).st_mode):
        raise FileNotFoundError
    with os.fdopen(root.open(path), "rb") as stream:
        data = stream.read(_LARGEST + 1)
    _check_size(data, path)
    return data


def _check_size(data: bytes, path: str) -> None:
    if len(data) > _LARGEST:
        raise OSError(errno.EFBIG, f"a journal has at most {_LARGEST} bytes", path)


def _parsed(data: bytes) -> dict[str, Any] | None:
    import json

    try:
        found = json.loads(data, parse_int=_number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _number(digits: str) -> int:
    """Return a number; ValueError for one that is longer than any in a journal."""
    if len(digits) > _DIGITS:
        raise ValueError(digits[:_DIGITS])
    return int(digits)


def _journal(found: Mapping[str, Any]) -> Journal | None:
    """Return a journal, None where anything in it is not as poach writes it."""
    try:
        steps = _items(found, "steps", _step)
        tops = _items(found, "tops", _kept)
        journal = Journal(steps, tops, _items(found, "folders", _mode))
    except ValueError:
        return None
    return journal if _fits(journal) else None


def _fits(journal: Journal) -> bool:
    """Return whether all folders are needed: a file in them comes, or goes."""
    steps = journal.steps.items()
    made = {each for path, step in steps if step.made for each in parents(path)}
    gone = {each for path, step in steps if not step.made for each in parents(path)}
    return made >= journal.tops.keys() and gone >= journal.folders.keys()


def _items(
    found: Mapping[str, Any], name: str, parse: Callable[[object], T]
) -> dict[str, T]:
    """Return what a part of the journal says of each path; raise ValueError."""
    part = found.get(name)
    if not isinstance(part, dict):
        raise ValueError(name)
    for path in part:
        if not _is_path(path) or path.lower().startswith(PREFIX):
            raise ValueError(path)
    return {path: parse(each) for path, each in part.items()}


def _step(found: object) -> Step:
    if not isinstance(found, list) or len(found) != len(Step._fields):
        raise ValueError(found)
    old, new, was, made = found
    if (old is None, new is None) != (was is None, made is None):
        raise ValueError(found)
    return Step(
        None if old is None else _kept(old),
        None if new is None else _kept(new),
        None if was is None else _text(was),
        None if made is None else _text(made),
    )


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise ValueError(found)
    return found


def _kept(found: object) -> str:
    """Return the path of what is kept in the folder."""
    path = _text(found)
    if not _is_path(path) or not _KEPT.fullmatch(path.partition("/")[0]):
        raise ValueError(path)
    return path


def _mode(found: object) -> int:
    """Return the permissions of a folder."""
    if type(found) is not int or found != found & FOLDER_BITS:
        raise ValueError(found)
    return found


def _is_path(path: str) -> bool:
    """Return whether a text is a path that the system can take, and leads nowhere
    up."""
    try:
        is_short = len(os.fsencode(path)) <= _LONGEST
    except UnicodeEncodeError:
        return False
    return is_short and "\0" not in path and not {"", ".", ".."} & {*path.split("/")}


def put_back(root: Root, staging: str, journal: Journal) -> list[str]:
    """Restore a tree as it was before a run; return the paths that had changed.

    Raises `Changed` before anything is changed, and OSError.  Then the journal is
    still of use.
    """
    return _PuttingBack(root, staging, journal).run()


class _PuttingBack:
    """A tree that a run has changed in part, and the way back."""

    def __init__(self, root: Root, staging: str, journal: Journal) -> None:
        root.forget()
        self.root = root
        self.staging = staging
        self.journal = journal
        self.placed = {top for top in journal.tops if self._is_placed(top)}
        self.waiting = {
            path for path, step in journal.steps.items() if self._waits(step)
        }
        self.now = {path: self._now(path) for path in journal.steps}

    def _is_placed(self, top: str) -> bool:
        waits = f"{self.staging}/{self.journal.tops[top]}"
        return self.root.is_folder(top) and not self.root.exists(waits)

    def _waits(self, step: Step) -> bool:
        return step.new is not None and self.root.exists(f"{self.staging}/{step.new}")

    def _now(self, path: str) -> str | None:
        """Return the stamp of a path; of folders that belong there there is none."""
        found = stamp_at(self.root, path)
        ours = path in self.placed or path in self.journal.folders
        return None if found == FOLDER and ours else found

    def run(self) -> list[str]:
        """Put everything back; return the paths that had changed."""
        if strange := [*self._strange(), *self._strange_below()]:
            raise Changed(strange)
        steps = self.journal.steps
        changed = [
            path
            for path, step in steps.items()
            if self.now[path] != step.was and path not in self.waiting
        ]
        self._take_away(changed)
        self._make_folders()
        for path in changed:
            if old := steps[path].old:
                self._restore(f"{self.staging}/{old}", path)
        self._set_modes()
        return changed

    def _strange(self) -> Iterator[str]:
        """Yield the paths that are neither as before the run nor as after it."""
        for path, step in self.journal.steps.items():
            old = f"{self.staging}/{step.old}"
            if step.old and stamp_at(self.root, old) != step.was:
                yield old
            elif self.now[path] != step.was and not self._is_ours(path, step):
                yield path
        for folder in self.journal.folders:
            there = self.root.exists(folder) and not self.root.is_folder(folder)
            if there and folder not in self.journal.steps:
                yield folder

    def _is_ours(self, path: str, step: Step) -> bool:
        """Return whether a path is as after the run, and can be as before.

        What somebody else has put where a new file is still to come is left alone.
        """
        if path in self.waiting:
            return step.was is None
        is_done = self.now[path] == step.made
        return is_done and (step.was is None or self._has_folder(path))

    def _has_folder(self, path: str) -> bool:
        folder = path.rpartition("/")[0]
        made = folder in self.journal.folders
        return not folder or made or self.root.is_folder(folder)

    def _strange_below(self) -> Iterator[str]:
        """Yield all other paths in folders that the run has made."""
        ours = set(self.journal.steps)
        ours |= {folder for path in self.journal.steps for folder in parents(path)}
        for top in sorted(self.placed):
            for place, folders, files in self.root.walk(top):
                for name in [*folders, *files]:
                    if place + name not in ours:
                        yield place + name

    def _take_away(self, changed: Sequence[str]) -> None:
        """Move new files and folders back to the journal's folder."""
        for top in self.placed:
            self.root.replace(top, f"{self.staging}/{self.journal.tops[top]}")
            self.root.forget()
        for path in changed:
            step = self.journal.steps[path]
            if step.was is None and self.placed.isdisjoint(parents(path)):
                self.root.replace(path, f"{self.staging}/{step.new}")

    def _make_folders(self) -> None:
        """Make the folders that are gone; each appears with its permissions.

        One that a killed run had made without them would count as somebody's own.
        """
        between = f"{self.staging}/back-folder"
        for folder in sorted(self.journal.folders):
            if self.root.is_folder(folder):
                continue
            if self.root.is_folder(between):
                self.root.rmdir(between)
            self.root.mkdir(between, _OWN)
            self.root.share_group(between, folder.rpartition("/")[0] or ".")
            self.root.set_folder_mode(between, self.journal.folders[folder] | _OWN)
            self.root.replace(between, folder)
            self.root.forget()

    def _restore(self, old: str, path: str) -> None:
        """Put an old file in its place, and keep it all the same."""
        between = f"{self.staging}/back"
        if self.root.exists(between):
            self.root.unlink(between)
        self.root.twin(old, between)
        self.root.replace(between, path)

    def _set_modes(self) -> None:
        """Take back the rights that only putting back needs; other folders stay."""
        for folder, mode in sorted(self.journal.folders.items(), reverse=True):
            now = self.root.lstat(folder).st_mode & FOLDER_BITS
            if now != mode and now == mode | _OWN:
                self.root.set_folder_mode(folder, mode)
