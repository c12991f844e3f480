"""The patched-egg store: built once, immutable, shared by many buildouts.

Below the store's folder stands the version of its format, and below that::

    PROJECT/TAGGED-VERSION/KEY/      an egg, the wheel it was made of, entry.json
    .known/                          digests of what was seen (sdists, diffs)
    .tools/                          pip and its like for Pythons that have none
    .aliases/                        eggs in the name of a project that has a substitute
    .diffs/                          diffs that were fetched, by digest
    .locks/  .staging/  .logs/       work under way, and logs of failed builds

An entry appears by one rename and never changes; whatever a killed build leaves lies
in ``.staging`` and is swept by the next one.  Each folder there belongs to a process
that holds the lock in it for as long as it lives.

An entry records the size and the sha256 of every file.  On a hit the sizes are checked
and the digests are not: that would mean to read every file on every run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poach.errors import PoachError
from poach.key import FORMAT, BuildKey

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Rubbish of other hosts, whose locks may not be seen here, is kept this long.
STALE_SECONDS = 7 * 24 * 3600
ENTRY = "entry.json"
_LOCK = "lock"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class DamagedEntry(PoachError):
    """An entry of the store that is not what it says; `path` is its folder."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"The patched egg in {self.path} is damaged: {self.reason}; "
            "remove that folder and run again to build it anew"
        )


class StoreUnwritable(PoachError):
    """A store in which nothing can be built; `path` is its folder."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"Cannot build in the patched-egg store {self.path}: {self.reason}; "
            "make it writable, or set patched-eggs-directory"
        )


@dataclass(frozen=True, slots=True)
class Made:
    """What came out of a build, in its staging folder: an egg and its wheel.

    `record` is plain data for entry.json, beside the key and the files.
    """

    egg: Path
    wheel: Path
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PatchedEgg:
    """One entry: the paths of its egg and wheel, and the content of entry.json."""

    egg: Path
    wheel: Path
    entry: dict[str, Any]


class Store:
    """The store in the folder `path`, which need not exist yet.

    A hit checks that the files of the egg are there with the sizes that were recorded;
    their digests are recorded, for others to check, and not looked at.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path / str(FORMAT)

    def holds(self, location: str | Path) -> bool:
        """Tell whether `location` lies in the store."""
        return Path(os.path.realpath(location)).is_relative_to(
            os.path.realpath(self.path)
        )

    def place(self, version: str, key: BuildKey) -> Path:
        """Return the folder of the entry of `key`, there or not."""
        return self.root / key.project / version / key.digest[:16]

    def find(self, version: str, key: BuildKey) -> PatchedEgg | None:
        """Return the egg of `key`, or None; raise `DamagedEntry`.

        Only small files are read, nothing is written.
        """
        place = self.place(version, key)
        try:
            entry = json.loads((place / ENTRY).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            if place.exists():
                raise DamagedEntry(place, f"{ENTRY} is missing") from None
            return None
        except (OSError, ValueError) as error:
            raise DamagedEntry(place, f"{ENTRY}: {error}") from None
        return _checked(place, entry, key)

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
        Raises `StoreUnwritable`, `DamagedEntry` and whatever `make` raises; nothing
        is left behind then.
        """
        found = self.find(version, key)
        if found is not None:
            return found
        with self._lock(key, waiting):
            found = self.find(version, key)  # another process may have built it
            if found is None:
                self._sweep(self._lock_path(key))
                with self.scratch() as staging:
                    self._publish(staging, self.place(version, key), key, make)
                found = self.find(version, key)
        assert found is not None
        return found

    def remember(self, kind: str, name: str, facts: dict[str, Any]) -> None:
        """Record `facts` (plain data) under `kind` and `name` for `recall`."""
        with self._writable():
            self._write(self._note(kind, name), _as_json(facts))

    def recall(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return what was recorded, or None where nothing (readable) is."""
        try:
            facts = json.loads(self._note(kind, name).read_bytes())
        except (OSError, ValueError):
            return None
        return facts if isinstance(facts, dict) else None

    def recall_digest(self, kind: str, name: str) -> str | None:
        """Return the ``sha256`` of what was recorded, None where that is none."""
        found = (self.recall(kind, name) or {}).get("sha256")
        return found if isinstance(found, str) and _SHA256.fullmatch(found) else None

    def note_path(self, kind: str, name: str) -> Path:
        """Return the file behind `recall`, for messages that tell what to remove."""
        return self._note(kind, name)

    def keep_diff(self, data: bytes) -> str:
        """Keep a fetched diff and return its sha256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        with self._writable():
            self._write(self.root / ".diffs" / digest, data)
        return digest

    def kept_diff(self, sha256: str) -> bytes | None:
        """Return the diff with that digest if it was kept (and is still whole)."""
        try:
            data = (self.root / ".diffs" / sha256).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def folder(self, kind: str, name: str, make: Callable[[Path], None]) -> Path:
        """Return the folder `name` of tools or aliases; where it is missing, `make` it.

        `make` fills the folder that it gets, which is staged; what it raises leaves
        nothing behind.  Raises `StoreUnwritable`.
        """
        place = self.root / f".{kind}" / name
        if not place.is_dir():
            with self.scratch() as staging:
                make(staging / kind)
                with self._writable():
                    _appear(staging / kind, place)
        return place

    def log_path(self, version: str, key: BuildKey) -> Path:
        """Return where the log of a build goes; it stays there if the build fails."""
        with self._writable():
            (self.root / ".logs").mkdir(parents=True, exist_ok=True)
        return self.root / ".logs" / f"{key.project}-{version}-{key.digest[:16]}.log"

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a new folder, with nothing but a lock in it, and remove it in the end.

        It is on the store's file system.  If this process is killed, the next one that
        builds removes it.  Raises `StoreUnwritable`.
        """
        with self._writable():
            scratch, lock = self._locked_folder()
        try:
            yield scratch
        finally:
            lock.release()
            shutil.rmtree(scratch, ignore_errors=True)

    def _locked_folder(self) -> tuple[Path, BaseFileLock]:
        while True:
            folder = self._staged()
            folder.mkdir(mode=0o700)
            lock = _file_lock(folder / _LOCK)
            _acquire(lock, blocking=True)
            if (folder / _LOCK).exists():
                return folder, lock
            lock.release()  # swept before the lock was ours

    def _staged(self) -> Path:
        """Return a path in the staging area that nobody else has."""
        folder = self.root / ".staging"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{os.getpid()}.{socket.gethostname()}.{os.urandom(8).hex()}"
        return folder / name

    def _lock_path(self, key: BuildKey) -> Path:
        return self.root / ".locks" / f"{key.digest[:16]}.lock"

    def _note(self, kind: str, name: str) -> Path:
        return self.root / ".known" / kind / f"{name}.json"

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnwritable(self.path, str(error)) from error

    @contextlib.contextmanager
    def _lock(self, key: BuildKey, waiting: Callable[[str], None]) -> Iterator[None]:
        path = self._lock_path(key)
        holder = path.with_suffix(".holder")
        with self._writable():
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = _file_lock(path)
            if not _acquire(lock):
                waiting(_holder(holder))
                _acquire(lock, blocking=True)
        try:
            with self._writable():
                holder.write_text(f"pid {os.getpid()} on {socket.gethostname()}")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    def _write(self, path: Path, data: bytes) -> None:
        """Write a small file that appears whole, by one rename.

        It takes no lock, for a run that only notes something shall be fast.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        new = self._staged()
        try:
            with new.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    def _publish(
        self,
        staging: Path,
        place: Path,
        key: BuildKey,
        make: Callable[[Path], Made],
    ) -> None:
        work = staging / "work"
        work.mkdir()
        made = make(work)
        with self._writable():
            folder = staging / "entry"
            folder.mkdir()
            egg = made.egg.rename(folder / made.egg.name)
            wheel = made.wheel.rename(folder / made.wheel.name)
            entry = {
                **made.record,
                "key": key.as_json(),
                "egg": egg.name,
                "files": _files(egg),
                "wheel": [wheel.name, *_size_and_digest(wheel)],
            }
            (folder / ENTRY).write_bytes(_as_json(entry))
            _appear(folder, place)

    def _sweep(self, held: Path) -> None:
        """Remove what killed processes left; `held` is a lock that we hold."""
        trusted = not _is_free(held)
        folder = self.root / ".staging"
        for left in folder.iterdir() if folder.is_dir() else ():
            if left.is_dir():
                _sweep_folder(left, trusted)
            elif _is_old(left):  # what a killed `_write` left
                with contextlib.suppress(OSError):
                    left.unlink()


def _checked(place: Path, entry: object, key: BuildKey) -> PatchedEgg:
    if not isinstance(entry, dict) or entry.get("key") != key.as_json():
        raise DamagedEntry(place, f"{ENTRY} is about another build")
    egg = str(entry.get("egg"))
    if not egg.endswith(".egg") or Path(egg).name != egg:
        raise DamagedEntry(place, f"{ENTRY} names no egg")
    if not (place / egg).is_dir():
        raise DamagedEntry(place, f"{egg} is missing")
    wheel, sizes = _sizes(place, entry)
    for file, size in sizes.items():
        try:
            there = (place / file).stat().st_size
        except (OSError, ValueError):
            raise DamagedEntry(place, f"{file} is missing") from None
        if there != size:
            raise DamagedEntry(place, f"{file} has another size")
    return PatchedEgg(place / egg, place / wheel, entry)


def _sizes(place: Path, entry: dict[str, Any]) -> tuple[str, dict[str, int]]:
    """Return the name of the wheel, and the sizes of all files of the entry."""
    try:
        egg = entry["egg"]
        sizes = {f"{egg}/{name}": size for name, (size, _) in entry["files"].items()}
        wheel, size, _ = entry["wheel"]
        if not wheel.endswith(".whl") or Path(wheel).name != wheel:
            raise ValueError(wheel)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DamagedEntry(place, f"{ENTRY} lists no files") from None
    return wheel, {**sizes, wheel: size}


def _holder(path: Path) -> str:
    try:
        return path.read_text() or "another process"
    except OSError:
        return "another process"


def _file_lock(path: Path) -> BaseFileLock:
    # Imported late: a warm run takes no lock.
    from filelock import FileLock

    logging.getLogger("filelock").setLevel(logging.INFO)
    return FileLock(path, mode=0o666)


def _acquire(lock: BaseFileLock, blocking: bool = False) -> bool:
    """Take `lock` if it is free, or wait for it; a file system without locks gives it.

    Returns whether it was free.
    """
    from filelock import Timeout

    try:
        lock.acquire(timeout=-1 if blocking else 0)
    except Timeout:
        return False
    except NotImplementedError:  # no flock there, and a filelock that says so
        pass
    return True


def _is_free(path: Path) -> bool:
    """Tell whether nobody holds the lock at `path`, or locks mean nothing there."""
    lock = _file_lock(path)
    free = _acquire(lock)
    lock.release()
    return free


def _sweep_folder(left: Path, trusted: bool) -> None:
    """Remove a folder in the staging area if its process is gone.

    That is so if nobody holds its lock; and it must be old, too, where that proves
    nothing: there is no lock in it yet, locks are not `trusted`, or another host may
    keep its own to itself.
    """
    ours = left.name.partition(".")[2].rpartition(".")[0] == socket.gethostname()
    with contextlib.suppress(OSError):  # it may be another user's
        sure = trusted and ours and (left / _LOCK).exists()
        lock = _file_lock(left / _LOCK)
        if (sure or _is_old(left)) and _acquire(lock):
            # Before the release: who waits for the lock then sees that it has gone.
            shutil.rmtree(left, ignore_errors=True)
            lock.release()
            shutil.rmtree(left, ignore_errors=True)  # Windows keeps what is open


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > STALE_SECONDS
    except OSError:
        return False


def _files(egg: Path) -> dict[str, tuple[int, str]]:
    paths = sorted(
        path for path in egg.rglob("*") if path.is_file() and not _is_derived(path)
    )
    return {path.relative_to(egg).as_posix(): _size_and_digest(path) for path in paths}


def _is_derived(path: Path) -> bool:
    """Tell byte code, which Python may write anew after a move, in other sizes.

    Python 2 keeps it beside the source; without that, it is all the code there is.
    """
    if "__pycache__" in path.parts:
        return True
    return path.suffix in (".pyc", ".pyo") and path.with_suffix(".py").exists()


def _size_and_digest(path: Path) -> tuple[int, str]:
    data = path.read_bytes()
    return len(data), hashlib.sha256(data).hexdigest()


def _as_json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, indent=1, sort_keys=True).encode() + b"\n"


def _appear(made: Path, place: Path) -> None:
    """Let the folder `made` appear at `place`, whole, durably and at once."""
    _sync_tree(made)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.rename(place)
    except OSError:
        # Where locks mean nothing, another process may have been faster.
        if not place.is_dir():
            raise
    _sync(place.parent)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    # Folders cannot be opened on Windows, where renames are durable without.
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
