"""The patched-egg store: built once, immutable, shared by many buildouts.

Below the store's folder stands the version of its format, and below that::

    PROJECT/TAGGED-VERSION/KEY/      an egg, the wheel it was made from, entry.json
    .known/                          digests of what was seen, who used what
    .tools/                          pip and its like for Pythons that have none
    .aliases/                        eggs in the name of a project that has a substitute
    .diffs/                          diffs that were fetched, by digest
    .sdists/SHA256/                  an upstream sdist that was fetched
    .locks/  .staging/  .logs/       work under way, and logs of failed builds
    .damaged/                        what was found damaged, and was replaced

An entry appears by one rename and never changes; the remains of a killed build are
in ``.staging`` and are swept later.  One that is damaged nevertheless is built again,
and only then replaced: a program that runs from it never finds it missing.  The damaged
one is kept in ``.damaged`` until some others have come after it.

An entry records the size and the sha256 of every file.  On a hit the sizes are checked
and the digests are not: that would mean to read every file on every run.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poach.errors import PoachError
from poach.pins.build_key import FORMAT, BuildKey
from poach.store import entries, locks, manifest
from poach.store.atomic import Common, appear
from poach.store.entries import DIGITS, DamagedEntry, Made, PatchedEgg
from poach.store.notes import Notes, is_sha256
from poach.store.reporter import StoreReporter
from poach.store.staging import Staging
from poach.system import DISK_FULL

if TYPE_CHECKING:
    from poach.store.permissions import PermissionDenied
    from poach.store.quarantine import DamagedItem

__all__ = [
    "DamagedEntry",
    "DamagedSdist",
    "Made",
    "PatchedEgg",
    "Store",
    "StoreUnwritable",
]

#: What a file system says that takes nothing.
_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO})

#: The folder of upstream sdists, which are kept by digest.
SDISTS = ".sdists"

#: The lock of a process that sweeps and builds nothing.
_SWEEPING = "sweeping"


class StoreUnwritable(PoachError):
    """A store in which nothing can be written; `path` is its folder."""

    path: Path
    reason: str
    cure: str = "make it writable"

    def __str__(self) -> str:
        return (
            f"Cannot write to the patched-egg store {self.path}: {self.reason}; "
            f"{self.cure}, or set patched-eggs-directory"
        )


class DamagedSdist(PoachError):
    """A kept sdist that was damaged and is set aside; `path` is its old folder."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"the sdist kept in {self.path} is damaged ({self.reason})"


class Store:
    """The store in the folder `path`, which need not exist yet.

    `reporter` hears of what is found damaged.
    """

    def __init__(self, path: Path, reporter: StoreReporter | None = None) -> None:
        self.path = path
        self.root = path / str(FORMAT)
        self.reporter = reporter or StoreReporter()
        self.notes = Notes(self.root / ".known")
        self._common = Common(path)
        self._staging = Staging(self.root / ".staging", self._common)

    def holds(self, location: str | Path) -> bool:
        """Return whether `location` lies in the store."""
        place = os.path.realpath(location)
        return place == self._real or place.startswith(self._real + os.sep)

    @functools.cached_property
    def _real(self) -> str:
        return os.path.realpath(self.path)

    def place(self, version: str, key: BuildKey) -> Path:
        """Return the folder of the entry of `key`, there or not."""
        return entries.place(self.root, version, key.as_json())

    def find(self, version: str, key: BuildKey) -> PatchedEgg | None:
        """Return the egg of `key`, or None.

        Only small files are read, nothing is written.  Raises `DamagedEntry` and
        `PermissionDenied`.
        """
        try:
            return entries.read(self.place(version, key), key.as_json())
        except PermissionError as error:
            raise self.denied(Path(error.filename)) from error

    def get_or_make(
        self,
        version: str,
        key: BuildKey,
        make: Callable[[Path], Made],
        waiting: Callable[[str], None] = lambda holder: None,
    ) -> PatchedEgg:
        """Return the egg of `key`; where it is missing, `make` it and publish it.

        `make` gets an empty staging folder and returns what it made there.  `waiting`
        is called with a description of the process that builds this egg already.
        An entry that is damaged is replaced, one that we may not read is not.  Raises
        `StoreUnwritable`, `PermissionDenied`, `DamagedEntry` and all that `make`
        raises; nothing is left behind then, and nothing is replaced.
        """
        with contextlib.suppress(DamagedEntry):
            found = self.find(version, key)
            if found is not None:
                return found
        with self.locked(key.digest[:DIGITS], waiting) as held:
            found, damaged = self._whole(version, key)  # another process may be done
            if found is None:
                with self._writable():
                    self._staging.sweep(held)
                with self.scratch() as staging:
                    made = _made(staging, make)
                    with self._writable():
                        entries.write(staging / "entry", made, key)
                    self._appear(staging / "entry", self.place(version, key), damaged)
                found = self.find(version, key)
        assert found is not None
        return found

    def remember(self, kind: str, name: str, facts: dict[str, Any]) -> None:
        """Record `facts` (plain data) under `kind` and `name` for `recall`."""
        self._write(self.note_path(kind, name), manifest.as_json(facts))

    def recall(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return what was recorded, or None where nothing (readable) is."""
        return self.notes.recall(kind, name)

    def recall_digest(self, kind: str, name: str) -> str | None:
        """Return the ``sha256`` of what was recorded, None where that is none.

        Raises `PermissionDenied`: a file that we may not read may say another one.
        """
        try:
            return self.notes.digest(kind, name)
        except PermissionError as error:
            raise self.denied(Path(error.filename)) from error

    def note_path(self, kind: str, name: str) -> Path:
        """Return the file behind `recall`, for messages that say what to remove."""
        return self.notes.place(kind, name)

    def keep_diff(self, data: bytes) -> str:
        """Keep a fetched diff and return its sha256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        self._write(self.root / ".diffs" / digest, data)
        return digest

    def kept_diff(self, sha256: str) -> bytes | None:
        """Return the diff with that digest if it was kept (and is still whole)."""
        try:
            data = manifest.read(self.root / ".diffs" / sha256)
        except (OSError, ValueError):
            return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def keep_sdist(self, file: Path, sha256: str) -> Path:
        """Keep an sdist, alone in a folder that is staged; return where it is then.

        It stays where it is if the store has it already, or cannot be written.
        """
        place = self.root / SDISTS / sha256
        with contextlib.suppress(StoreUnwritable), self._writable():
            appear(file.parent, place, self._common)
        return file if file.exists() else place / file.name

    def kept_sdist(self, sha256: str) -> Path | None:
        """Return the sdist with that digest if it was kept and this user may read it.

        All of it is read.  Raises `DamagedSdist`, and sets that aside.
        """
        if not is_sha256(sha256):
            return None
        place = self.root / SDISTS / sha256
        reason = ""
        try:
            for file in place.iterdir():
                reason = manifest.wrong_digest(file, sha256)
                if not reason:
                    with contextlib.suppress(OSError):  # another user's
                        os.utime(file)  # the time of its last use
                    return file
        except (FileNotFoundError, PermissionError):
            return None
        except NotADirectoryError:
            reason = "it is no folder" if os.path.lexists(place) else ""
        if not reason:  # there is no file: the user has removed a damaged one
            return None
        with contextlib.suppress(StoreUnwritable), self._writable():
            self._move_damaged(place, reason)
        raise DamagedSdist(place, reason)

    def folder(self, kind: str, name: str, make: Callable[[Path], None]) -> Path:
        """Return the folder `name` of tools or aliases; where it is missing, `make` it.

        `make` fills the folder that it gets, which is staged; what it raises leaves
        nothing behind.  One that is damaged is replaced.  Raises `StoreUnwritable`
        and `PermissionDenied`.
        """
        place = self.root / f".{kind}" / name
        if not self._flaw(place):
            return place
        with self.locked(f"{kind}-{name}"):
            flaw = self._flaw(place)
            there = bool(flaw) and os.path.lexists(place)
            damaged = self._damaged_item(place, flaw) if there else None
            if flaw:
                with self.scratch() as staging:
                    make(staging / kind)
                    with self._writable():
                        manifest.record(staging / kind)
                    self._appear(staging / kind, place, damaged)
        return place

    def log_path(self, version: str, key: BuildKey) -> Path:
        """Return where the log of a build goes; it stays there if the build fails."""
        digits = key.digest[:DIGITS]
        with self._writable():
            self._common.make(self.root / ".logs")
        return self.root / ".logs" / f"{key.project}-{version}-{digits}.log"

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a new folder, with nothing but a lock in it, and remove it in the end.

        It is on the store's file system.  If this process is killed, a later one
        removes it.  Raises `StoreUnwritable`, also where what is done in the ``with``
        block finds that nothing can be written.
        """
        with contextlib.ExitStack() as stack:
            with self._writable():
                scratch = stack.enter_context(self._staging.scratch())
            with self.writing():
                yield scratch

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Raise `StoreUnwritable` where what is done finds that nothing can be written.

        That is where it would lie in the store.
        """
        with self._writable(self._is_ours):
            yield

    def sweep(self, dry_run: bool = False) -> list[Path]:
        """Remove what killed processes left; return what that was, or would be.

        This costs next to nothing where there is nothing, or where another process
        does it.  Raises `StoreUnwritable`.
        """
        if self._staging.is_empty():
            return []
        with self._writable(), locks.if_free(self._lock(_SWEEPING)) as held:
            return self._staging.sweep(held, dry_run) if held else []

    @contextlib.contextmanager
    def locked(
        self, name: str, waiting: Callable[[str], None] = lambda holder: None
    ) -> Iterator[Path]:
        """Hold the lock `name`, and give its file; raise `StoreUnwritable`."""
        with self._writable():
            path = self._lock(name)
            lock = locks.take(path, waiting)
        try:
            with contextlib.suppress(FileNotFoundError):
                self._common.share(path)
            yield path
        finally:
            locks.give_back(lock)

    def _lock(self, name: str) -> Path:
        """Return the file of a lock, in a folder that is there."""
        folder = self.root / ".locks"
        self._common.make(folder)
        return folder / f"{name}.lock"

    def _whole(
        self, version: str, key: BuildKey
    ) -> tuple[PatchedEgg | None, DamagedItem | None]:
        """Return the egg of `key` if it is there and whole, and the place of a damaged
        one.
        """
        try:
            return self.find(version, key), None
        except DamagedEntry as damage:
            return None, self._damaged_item(damage.path, damage.reason)

    def _flaw(self, place: Path) -> str:
        try:
            return manifest.flaw(place)
        except PermissionError as error:
            raise self.denied(Path(error.filename)) from error

    def _write(self, path: Path, data: bytes) -> None:
        """Write a small file, also where a folder has come into its place."""
        with self._writable():
            try:
                self._staging.write(path, data)
            except IsADirectoryError:
                self._move_damaged(path, "it is a folder")
                self._staging.write(path, data)

    def _move_damaged(self, place: Path, reason: str) -> None:
        damaged = self._damaged_item(place, reason)
        self._common.make(damaged.path.parent)
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            place.rename(damaged.path)
            damaged.note(self._common)

    def _damaged_item(self, place: Path, reason: str) -> DamagedItem:
        """Report a damaged entry, and return where to keep it."""
        # Imported late: that is rare.
        from poach.store.quarantine import DAMAGED, DamagedItem

        where = place.relative_to(self.root)
        kind = where.parts[0].lstrip(".")
        name = f"{kind}-{place.name}-{os.urandom(4).hex()}"
        damaged = DamagedItem(self.root / DAMAGED / name, where.as_posix(), reason)
        self.reporter.damaged(place, reason, damaged.path)
        return damaged

    def _appear(self, made: Path, place: Path, damaged: DamagedItem | None) -> None:
        """Rename a new folder to `place`, in exchange for the damaged one."""
        with self._writable():
            if damaged is None:
                appear(made, place, self._common)
                return
            # Imported late: that is rare.
            from poach.store.replacing import replace

            self._common.make(damaged.path.parent)
            replace(made, place, damaged.path, self._common)
            damaged.note(self._common)

    def denied(self, path: Path) -> PermissionDenied:
        """Return the error about `path`, which we may not read."""
        # Imported late: that is rare.
        from poach.store.permissions import denied

        return denied(path, self.path)

    @contextlib.contextmanager
    def _writable(
        self, concerned: Callable[[OSError], bool] = lambda error: True
    ) -> Iterator[None]:
        """Turn OSError, if it is `concerned`, into `StoreUnwritable`."""
        try:
            yield
        except OSError as error:
            if not concerned(error):
                raise
            cure = "make room there" if error.errno in DISK_FULL else "make it writable"
            raise StoreUnwritable(self.path, self._said(error), cure) from error

    def _said(self, error: OSError) -> str:
        """Return what the system says, with no name that is gone when it is read."""
        staging = str(self._staging.path)
        if not str(error.filename).startswith(staging):
            return str(error)
        return str(OSError(error.errno, error.strerror, staging))

    def _is_ours(self, error: OSError) -> bool:
        """Return whether an error says that nothing can be written into the store."""
        place = error.filename
        elsewhere = isinstance(place, str | bytes) and not self.holds(
            os.fsdecode(place)
        )
        return error.errno in DISK_FULL | _CLOSED and not elsewhere


def _made(staging: Path, make: Callable[[Path], Made]) -> Made:
    work = staging / "work"
    work.mkdir()
    return make(work)
