"""A bundle: an entry of the store as one zip archive, which travels.

It holds ``entry.json``, perhaps its signatures (``entry.json.sig``, one a line), the
wheel, and the egg as a folder.  Its ``entry.json`` names the build key by its digest,
for build options may be private, and each file with its size and
sha256; so who signs it signs everything.

Bundles come from servers that are not trusted: `unpack` checks everything.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import struct
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import IO, Any
from zipfile import (
    ZIP_DEFLATED,
    ZIP_STORED,
    BadZipFile,
    LargeZipFile,
    ZipFile,
    ZipInfo,
)

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from poach.applier.paths import clean, parents
from poach.applier.rejects import Fault
from poach.archives.zips import check_list
from poach.errors import PoachError
from poach.names import canonicalize_name, same_version
from poach.pins.build_key import BuildKey
from poach.record.effect import findings
from poach.remote.sharing import PublicKey, Signature
from poach.remote.signing import Signer, is_by
from poach.store.derived import is_byte_code
from poach.store.entries import ENTRY
from poach.store.pristine import opened
from poach.store.store import Made, PatchedEgg

#: The version of this format.
BUNDLE = 1
SIGNATURES = ENTRY + ".sig"
#: What is signed begins with this, so that it is no signature of anything else.
_CONTEXT = b"poach bundle\n"
#: The fields of an entry.json that do not depend on the place of the egg.
_RECORD = (
    *("format", "project", "base", "version", "upstream", "names", "patches"),
    *("digest", "poach"),
)
#: The first day that a zip archive can record: the same entry gives the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: Others take as much memory as the archive says.
_METHODS = (ZIP_STORED, ZIP_DEFLATED)
_BLOCK = 1 << 16
_DAMAGE = (
    *(BadZipFile, LargeZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, RuntimeError, OverflowError, MemoryError, InvalidWheelFilename),
)
# The end of a zip archive (APPNOTE.TXT 4.3.15 and 4.3.16).
_END = struct.Struct("<4s4H2LH")
_END_MARK, _END_64_MARK = b"PK\x05\x06", b"PK\x06\x07"
_END_64_SIZE = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too large to be a patched egg."""

    #: Bytes that come over the network.
    archive: int = 1 << 30
    #: Bytes on the disk.
    unpacked: int = 4 << 30
    #: How many files there may be.
    files: int = 50_000
    #: Bytes of a file that is read as a whole.
    metadata: int = 16 << 20
    #: How many signatures there may be.
    signatures: int = 16


LIMITS = Limits()


class BadBundle(PoachError):
    """A bundle that is not what was asked for; `reason` says why."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class _File:
    """A file of an entry: its path in the archive, size, sha256 and mode."""

    name: str
    size: int
    sha256: str
    mode: int


def pack(egg: PatchedEgg, key: BuildKey, path: Path, signer: Signer | None) -> None:
    """Write the new archive `path` with an entry of the store; sign it with `signer`.

    Raises `BadBundle` for an entry that cannot travel, or is damaged.
    """
    with _damage():
        place = egg.egg.parent
        programs = [name for name in _names(egg.entry) if _is_program(place / name)]
        entry = {
            **{field: egg.entry[field] for field in _RECORD},
            "bundle": BUNDLE,
            "key": key.digest,
            **{field: egg.entry[field] for field in ("egg", "files", "wheel")},
            "programs": programs,
        }
        data = json.dumps(entry, indent=1, sort_keys=True).encode() + b"\n"
        files = _files(entry, LIMITS)
        with ZipFile(path, "x", allowZip64=False) as archive:
            archive.writestr(_info(ENTRY), data)
            if signer is not None:
                line = f"{signer.sign(_CONTEXT + data)}\n"
                archive.writestr(_info(SIGNATURES), line)
            for file in files:
                info = _info(file.name, file.mode)
                with _source(egg, file) as source, archive.open(info, "w") as sink:
                    _copy(source, sink, file)


def unpack(
    archive: Path,
    dest: Path,
    version: str,
    key: BuildKey,
    trusted: Collection[PublicKey] | None,
    limits: Limits = LIMITS,
) -> Made:
    """Unpack the egg of `key`, in the tagged `version`, into the new folder `dest`.

    It is signed by one of the `trusted` keys, unless that is None; the record says by
    which (``signed-by``).  Raises `BadBundle`, and `NoCryptography` where signatures
    cannot be checked.
    """
    with _damage(), _opened(archive, limits) as zipped:
        entry, by = _entry(zipped, trusted, limits)
        _check_inputs(entry, version, key)
        files = _files(entry, limits)
        _check_members(zipped, {file.name for file in files})
        for file in files:
            _extract(zipped, file, dest)
        record = {field: entry[field] for field in _RECORD}
        made = Made(dest / entry["egg"], dest / entry["wheel"][0], record)
        _check_names(made, version, key)
        _check_metadata(made, version, key, limits)
        return made._replace(record={**record, "signed-by": str(by) if by else None})


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, AttributeError) as error:
        raise BadBundle(f"it is malformed: {error}") from error
    except _DAMAGE as error:
        raise BadBundle(str(error) or type(error).__name__) from error


@contextlib.contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[ZipFile]:
    """Open an archive whose list of members is no longer than it may be."""
    with path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        length = stream.tell()
        stream.seek(max(0, length - _END.size - _END_64_SIZE))
        tail = stream.read()
        if len(tail) < _END.size or not tail[-_END.size :].startswith(_END_MARK):
            stream.seek(0)
            raise ValueError(
                f"it is not a zip archive: it begins with {stream.read(16)!r}"
            )
        if tail.startswith(_END_64_MARK):
            raise ValueError("it is a zip archive of a kind that poach does not make")
        check_list(stream, limits.files, limits.metadata)
        with ZipFile(stream) as zipped:
            if any(info.compress_type not in _METHODS for info in zipped.infolist()):
                raise ValueError(
                    "it is compressed with a method that poach does not use"
                )
            yield zipped


def _entry(
    zipped: ZipFile, trusted: Collection[PublicKey] | None, limits: Limits
) -> tuple[dict[str, Any], PublicKey | None]:
    """Return the content of entry.json, which is not parsed before it is trusted.

    That is but the JSON: what it says is to be checked.  With it comes the trusted key
    that has signed it, if that had to be.
    """
    data = _read(zipped, ENTRY, limits)
    by = None if trusted is None else _signer(zipped, data, trusted, limits)
    entry = json.loads(data)
    if not isinstance(entry, dict) or entry.get("bundle") != BUNDLE:
        raise ValueError(f"{ENTRY} is not from a bundle of format {BUNDLE}")
    return entry, by


def _signer(
    zipped: ZipFile, data: bytes, trusted: Collection[PublicKey], limits: Limits
) -> PublicKey:
    """Return the trusted key that has signed `data`."""
    most = limits.signatures
    if SIGNATURES not in zipped.namelist():
        raise ValueError("it is not signed")
    text = _read(zipped, SIGNATURES, limits).decode("ascii")
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > most:
        raise ValueError(f"it has more than {most} signatures")
    known = [one for one in map(Signature.parse, lines) if one.by in trusted]
    if not known:
        raise ValueError("it is signed by no trusted key")
    for one in known:
        if is_by(one, _CONTEXT + data):
            return one.by
    raise ValueError("its signature is wrong")


def _check_inputs(entry: Mapping[str, Any], version: str, key: BuildKey) -> None:
    """Check that the entry is about the very build that was asked for."""
    same = canonicalize_name(str(entry["project"])) == key.project
    for field, wanted, found in (
        ("build key", key.digest, entry["key"]),
        ("project", key.project, key.project if same else entry["project"]),
        ("version", version, entry["version"]),
        ("upstream version", key.base, entry["base"]),
        ("upstream sdist", key.sdist, entry["upstream"]["sha256"]),
        ("patch set", key.patches, entry["digest"]),
    ):
        if found != wanted:
            raise ValueError(
                f"it is for another build: its {field} is {found!r}, not {wanted!r}"
            )
    if not _are(str, entry["names"]) or not _are(dict, entry["patches"]):
        raise ValueError("it does not say what its patches are")
    if findings(entry) is None:
        raise ValueError("it does not say what its patches did")


def _are(kind: type, values: object) -> bool:
    return isinstance(values, list) and all(isinstance(v, kind) for v in values)


def _names(entry: Mapping[str, Any]) -> list[str]:
    """Return the paths of all files of an entry, from its folder."""
    return [*(f"{entry['egg']}/{name}" for name in entry["files"]), entry["wheel"][0]]


def _files(entry: Mapping[str, Any], limits: Limits) -> list[_File]:
    """Return the files that an entry records; raise what is wrong with them."""
    recorded = [*entry["files"].values(), entry["wheel"][1:]]
    programs = set(entry["programs"])
    files = [
        _File(name, size, sha256, 0o755 if name in programs else 0o644)
        for name, (size, sha256) in zip(_names(entry), recorded, strict=True)
    ]
    for file in files:
        if not isinstance(file.size, int) or file.size < 0:
            raise ValueError(f"{file.name!r} has no size")
    for top in (entry["egg"], entry["wheel"][0]):
        if "/" in top:
            raise ValueError(f"{top!r} is not at the top")
    _check_paths({file.name for file in files}, len(files))
    if len(files) > limits.files:
        raise ValueError(f"it has more than {limits.files} files")
    if sum(file.size for file in files) > limits.unpacked:
        raise ValueError(f"it has more than {limits.unpacked} bytes")
    return files


def _check_paths(names: set[str], count: int) -> None:
    """Refuse paths that lead outside, and two that some file system takes for one.

    `count` is how many there were.
    """
    folded = {name.casefold() for name in names}
    if len(folded) < count:
        raise ValueError(
            "it has two files with the same name, or with names that differ only in "
            "case"
        )
    for name in names:
        _refuse_unsafe(name)
        if not folded.isdisjoint(parents(name.casefold())):
            raise ValueError(f"{name!r} is in a file")
        if is_byte_code(name, names):
            raise ValueError(f"{name!r} is byte code, which goes with its source")


def _refuse_unsafe(name: str) -> None:
    try:
        plain = clean(name) == name
    except Fault as fault:
        raise ValueError(f"{name!r} {fault.rejects[0].detail}") from None
    if not plain:
        raise ValueError(f"{name!r} is not a plain path")


def _check_members(zipped: ZipFile, names: set[str]) -> None:
    """Check that the archive has the recorded files, each once, and nothing else."""
    members = zipped.infolist()
    there = Counter(info.filename for info in members)
    for wrong, how in (
        (set(there) - names - {ENTRY, SIGNATURES}, "not recorded"),
        (names - set(there), "missing"),
        ({name for name, count in there.items() if count > 1}, "there twice"),
    ):
        if wrong:
            raise ValueError(f"{min(wrong)!r} is {how}")
    for info in members:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or info.is_dir():
            raise ValueError(f"{info.filename!r} is not a regular file")


def _extract(zipped: ZipFile, file: _File, dest: Path) -> None:
    path = dest / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o777 if file.mode & 0o100 else 0o666  # less what the umask takes
    with zipped.open(file.name) as source:
        new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(new, "wb") as sink:
            _copy(source, sink, file)


def _copy(source: IO[bytes], sink: IO[bytes], file: _File) -> None:
    """Copy `file`, and check it against its record."""
    digest = hashlib.sha256()
    left = file.size
    while block := source.read(min(_BLOCK, left + 1)):
        left -= len(block)
        if left < 0:
            break
        digest.update(block)
        sink.write(block)
    if left or digest.hexdigest() != file.sha256:
        raise ValueError(f"{file.name!r} is not the file that {ENTRY} records")


def _read(zipped: ZipFile, name: str, limits: Limits) -> bytes:
    with zipped.open(name) as stream:
        data = stream.read(limits.metadata + 1)
    if len(data) > limits.metadata:
        raise ValueError(f"{name!r} has more than {limits.metadata} bytes")
    return data


def _check_names(made: Made, version: str, key: BuildKey) -> None:
    """Check what the names of egg and wheel say; their readers go by that."""
    name, found, _, _ = parse_wheel_filename(made.wheel.name)
    wheel = canonicalize_name(name) == key.project and str(found) == version
    parts = made.egg.name.removesuffix(".egg").split("-")
    egg = len(parts) > 1 and made.egg.name.endswith(".egg")
    egg = egg and canonicalize_name(parts[0]) == key.project
    if not wheel or not egg or not same_version(parts[1], version):
        names = f"{made.egg.name!r}, {made.wheel.name!r}"
        raise ValueError(f"its files are called {names}, not {key.project} {version}")


def _check_metadata(made: Made, version: str, key: BuildKey, limits: Limits) -> None:
    """Check what the metadata of egg and wheel say of what they are."""
    folders = [*made.egg.glob("*.dist-info"), *made.egg.glob("EGG-INFO")]
    if not folders:
        raise ValueError(f"{made.egg.name!r} has no metadata")
    for folder in folders:
        name = "PKG-INFO" if folder.name == "EGG-INFO" else "METADATA"
        data = _data(folder / name, limits)
        _check_headers(f"{made.egg.name}/{folder.name}/{name}", data, version, key)
        if json.loads(_data(folder / "poach.json", limits)) != made.record:
            raise ValueError(f"{folder.name}/poach.json says other than {ENTRY}")
    with _opened(made.wheel, limits) as zipped:
        names = [n for n in zipped.namelist() if n.endswith(".dist-info/METADATA")]
        for name in [n for n in names if n.count("/") == 1] or ["METADATA"]:
            data = _read(zipped, name, limits)
            _check_headers(f"{made.wheel.name}/{name}", data, version, key)


def _data(path: Path, limits: Limits) -> bytes:
    if path.stat().st_size > limits.metadata:
        raise ValueError(f"{path.name!r} has more than {limits.metadata} bytes")
    return path.read_bytes()


def _check_headers(path: str, data: bytes, version: str, key: BuildKey) -> None:
    headers = BytesHeaderParser().parsebytes(data)
    names, versions = headers.get_all("Name", []), headers.get_all("Version", [])
    same = [canonicalize_name(str(name)) for name in names] == [key.project]
    if not same or list(map(str, versions)) != [version]:
        raise ValueError(f"{path!r} is about {names} {versions}")


def _source(egg: PatchedEgg, file: _File) -> AbstractContextManager[IO[bytes]]:
    """Open a file of an entry as it was recorded."""
    if file.name == egg.wheel.name:
        return egg.wheel.open("rb")
    return opened(egg, file.name.partition("/")[2])


def _info(name: str, mode: int = 0o644) -> ZipInfo:
    info = ZipInfo(name, _EPOCH)
    # A wheel is compressed already.
    info.compress_type = ZIP_STORED if name.endswith(".whl") else ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | mode) << 16
    return info


def _is_program(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)
