"""What a folder holds: a size and a digest of every file, and what differs later."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from poach.store.derived import is_byte_code, is_derived, may_be_rewritten

Files = dict[str, tuple[int, str]]
"""Size and sha256 in hex of files, by their paths with slashes."""

#: The record of a folder that has no other.
RECORD = "contents.json"

_BLOCK = 1 << 18
#: What the mode of a regular file says that everybody may read.
_PLAIN = stat.S_IFREG | stat.S_IROTH
_KIND = stat.S_IFMT(0o177777) | stat.S_IROTH
_IRREGULAR = "it is not a regular file"


def files(folder: Path) -> Files:
    """Return the files in `folder`, except the byte code of its sources."""
    names = set(_names(folder))
    kept = sorted(name for name in names if not is_byte_code(name, names))
    return {name: size_and_digest(folder / name) for name in kept}


def size_and_digest(path: Path) -> tuple[int, str]:
    """Return the size of a file and the sha256 of its bytes in hex; raise as `read`.

    It is read piece by piece, for it may be larger than the memory.
    """
    size, digest = 0, hashlib.sha256()
    with open(path, "rb", buffering=0, opener=_at_once) as stream:
        while block := stream.read(_BLOCK):
            size += len(block)
            digest.update(block)
    return size, digest.hexdigest()


def wrong_digest(path: Path, sha256: str) -> str:
    """Return what is wrong with a file that is to have that digest, else ''.

    Raises PermissionError for what this user may not read.
    """
    try:
        _, digest = size_and_digest(path)
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        return f"it cannot be read: {error}"
    return "" if digest == sha256 else "it has other bytes"


def read(path: str | Path) -> bytes:
    """Return the bytes of a regular file; raise OSError, or ValueError for another.

    It never waits, as a pipe would have it.
    """
    with open(path, "rb", opener=_at_once) as stream:
        return stream.read()


def _at_once(path: str, flags: int) -> int:
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError(_IRREGULAR)
    return handle


def size_of(folder: Path) -> int:
    """Return the sum of the sizes of all files at or below `folder`."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(place, name).lstat().st_size
            except OSError:  # it has just gone, or its folder is unreadable
                continue
    return total


def wrong_size(folder: Path, sizes: Mapping[str, int]) -> str:
    """Return what is wrong with the first file that has not its size, else ''.

    A file that programs derive from another one of `sizes` may have any size.
    Raises PermissionError for one that this user may not read.
    """
    for name, size in sizes.items():
        try:
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116 - on each run
        except PermissionError:
            raise
        except (OSError, ValueError):
            return f"{name} is missing"
        if found.st_size != size or found.st_mode & _KIND != _PLAIN:
            any_size = found.st_size != size and may_be_rewritten(name, sizes)
            path = f"{folder}/{name}"
            wrong = _wrong(path, found, found.st_size if any_size else size)
            if wrong:
                return f"{name}{wrong}"
    return ""


def _wrong(path: str, found: os.stat_result, size: int) -> str:
    """Return what is wrong with a file, '' for nothing; raise PermissionError."""
    # Imported late: in most stores everybody may read everything.
    from poach.store.permissions import may_read

    if not stat.S_ISREG(found.st_mode):
        return f": {_IRREGULAR}"
    if found.st_size != size:
        return " has another size"
    ours = found.st_uid == os.geteuid() and found.st_mode & stat.S_IRUSR
    if not ours and not may_read(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return ""


def differences(folder: Path, recorded: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    """Yield all that differs between `folder` and what was `recorded` of it.

    What programs derive from recorded files (`poach.store.derived`) is no difference.
    Raises PermissionError in the end if there is anything that this user may not read.
    """
    denied: PermissionError | None = None
    for name, (size, digest) in recorded.items():
        try:
            free = may_be_rewritten(name, recorded)
            yield from _difference(folder, name, (size, digest), free)
        except PermissionError as error:
            denied = denied or error
    for name in sorted({*_names(folder)} - {*recorded}):
        if not (is_derived(name, recorded) and _is_regular(folder / name)):
            yield f"{name} should not be there"
    if denied is not None:
        raise denied


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return True  # it has just gone


def _difference(
    folder: Path, name: str, recorded: tuple[int, str], free: bool
) -> Iterator[str]:
    """Yield what is wrong with a file, which may have other bytes if it is `free`."""
    path = folder / name
    try:
        if path.is_symlink():
            yield f"{name} is a symbolic link"
        elif size_and_digest(path) != recorded and not free:
            yield f"{name} has other bytes"
    except (FileNotFoundError, NotADirectoryError):
        yield f"{name} is missing"
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        yield f"{name} cannot be read: {error}"


def _names(folder: Path) -> Iterator[str]:
    """Yield the paths of all files in `folder`, and of links."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def as_json(data: Mapping[str, Any]) -> bytes:
    """Return `data` as the bytes of a file that people read, too."""
    return json.dumps(data, indent=1, sort_keys=True).encode() + b"\n"


def record(folder: Path) -> None:
    """Write into `folder` what it holds."""
    (folder / RECORD).write_bytes(as_json({"files": files(folder)}))


def flaw(folder: Path) -> str:
    """Return what is wrong at first sight with a folder that has a record, else ''.

    Raises PermissionError for what this user may not read.
    """
    try:
        found = recorded(folder)
    except ValueError as error:
        return str(error)
    return wrong_size(folder, {name: size for name, (size, _) in found.items()})


def flaws(folder: Path) -> Iterator[str]:
    """Yield all that is wrong with a folder that has a record; raise as `flaw`."""
    try:
        found = recorded(folder)
    except ValueError as error:
        yield str(error)
        return
    for each in differences(folder, found):
        if each != f"{RECORD} should not be there":
            yield each


def recorded(folder: Path) -> Files:
    """Return the record of `folder`; raise ValueError with what is wrong with it."""
    try:
        data = parsed(read(folder / RECORD))
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{RECORD} is missing") from None
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise ValueError(f"{RECORD}: {error}") from None
    try:
        return {str(name): pair(entry) for name, entry in data["files"].items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError(f"{RECORD} lists no files") from None


def pair(entry: Any) -> tuple[int, str]:  # noqa: ANN401 - any JSON
    """Return a recorded size and digest; raise TypeError or ValueError."""
    size, digest = entry
    if type(size) is not int:
        raise TypeError(size)
    return size, str(digest)


def parsed(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return what JSON says, however deep; raise ValueError."""
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError(str(error)) from None
