"""Retagging: the same wheel under another version.

A wheel states its version in its file name, in the names of its ``.dist-info`` and
``.data`` folders (PEP 427), in METADATA and, through those names, in RECORD
(PEP 376).  Nothing else is touched, so this works for wheels of any build backend.
"""

from __future__ import annotations

import base64
import copy
import csv
import hashlib
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from packaging.version import InvalidVersion, Version

from poach.errors import PoachError
from poach.names import canonicalize_name

_HEADERS_END = re.compile(rb"^\r?$", re.MULTILINE)
_VERSION = re.compile(rb"^(Version[ \t]*:[ \t]*)[^\r\n]*", re.MULTILINE | re.IGNORECASE)
_EXTRA = re.compile(
    rb"^Provides-Extra[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE
)
#: A format that had no extras yet.
_BEFORE_EXTRAS = re.compile(
    rb"^(Metadata-Version[ \t]*:[ \t]*)(?:1\.\d|2\.0)\b", re.MULTILINE | re.IGNORECASE
)

#: A folder that bears the version: NAME-VERSION.dist-info, NAME-VERSION.data (PEP 427).
_FOLDER = re.compile(r"(?P<project>.+)-[^-]+(?P<suffix>\.dist-info|\.data)")

#: Signatures of RECORD, void as soon as RECORD changes (PEP 427).
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")


#: The flag of an entry in a zip archive whose path is UTF-8 (APPNOTE 4.4.4, bit 11).
_IS_UTF8 = 0x800


class RetagError(PoachError):
    """A wheel that cannot be retagged; `wheel` is its file name, `reason` the rule."""

    wheel: str
    reason: str

    def __str__(self) -> str:
        return f"Cannot retag {self.wheel}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a wheel."""

    path: str
    data: bytes
    #: Time, mode, system and compression. Its path is that of the entry as read: do not
    #: rely on it.
    info: ZipInfo

    def header(self) -> ZipInfo:
        """Return a fresh header, for this path, to write the entry with."""
        header = copy.copy(self.info)
        header.filename = self.path
        header.extra = b""  # sizes and offsets in the archive that was read
        if not (self.info.filename.isascii() or self.info.flag_bits & _IS_UTF8):
            header.__class__ = _Unflagged
        return header


class _Unflagged(ZipInfo):
    """An entry whose path is UTF-8 (PEP 427) and does not say so.

    So the tools of Python 2 wrote wheels, and so its pip wants them.
    """

    __slots__ = ()

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("utf-8"), self.flag_bits & ~_IS_UTF8


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel in memory: its file name and its entries in the order of the archive."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def folders(self) -> list[str]:
        """The names of the folders at the top, sorted."""
        tops = (entry.path.partition("/") for entry in self.entries)
        return sorted({folder for folder, slash, _ in tops if slash})

    def entry(self, path: str) -> Entry:
        """Return the entry at `path`; raises `RetagError` where there is none."""
        for entry in self.entries:
            if entry.path == path:
                return entry
        raise RetagError(self.name, f"it has no {path}")


def retag(
    wheel: Path,
    version: str,
    dest: Path,
    extra: Mapping[str, bytes] = {},
    provides: Sequence[str] = (),
) -> Path:
    """Write `wheel` under another version into the folder `dest`; return its path.

    `version` has a local label (PEP 440).  `extra` are files to add, by their paths
    in the dist-info folder; `provides` are extras (Provides-Extra) to name in the
    metadata where it does not, so that who requires them is satisfied.  The same
    input gives the same bytes.  Raises `RetagError`, before anything is written.
    """
    return write(retagged(read(wheel), version, extra, provides), dest)


def read(path: Path) -> Wheel:
    """Read the wheel at `path`; raises `RetagError` where it is not a zip archive."""
    try:
        with ZipFile(path) as archive:
            infos = archive.infolist()
            return Wheel(
                path.name,
                tuple(Entry(_path(i), archive.read(i), i) for i in infos),
            )
    except (BadZipFile, zlib.error) as error:
        raise RetagError(path.name, f"it is damaged ({error})") from error


def _path(info: ZipInfo) -> str:
    """Return the path of an entry: it is UTF-8 (PEP 427), whether or not it says so.

    Where it does not, zipfile takes it for code page 437.
    """
    if info.flag_bits & _IS_UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def write(wheel: Wheel, dest: Path) -> Path:
    """Write `wheel` into the folder `dest` and return its path."""
    path = dest / wheel.name
    with ZipFile(path, "w") as archive:
        for entry in wheel.entries:
            header = entry.header()
            archive.writestr(header, entry.data)
            # Where there is no mode, zipfile wrote a default one.
            header.external_attr = entry.info.external_attr
    return path


def metadata(wheel: Wheel) -> Entry:
    """Return the entry METADATA of `wheel`; raises `RetagError` where there is none."""
    return wheel.entry(f"{_dist_info(wheel).string}/METADATA")


def retagged(
    wheel: Wheel,
    version: str,
    extra: Mapping[str, bytes] = {},
    provides: Sequence[str] = (),
) -> Wheel:
    """Return `wheel` under `version`, with the files of `extra` and what it provides.

    Pure; otherwise as `retag`.
    """
    version = _tagged(wheel, version)
    dist_info = _dist_info(wheel)
    renames = _renames(wheel, dist_info["project"], version)
    old = metadata(wheel)
    record = wheel.entry(f"{dist_info.string}/RECORD")
    ours = {record.path, *(f"{dist_info.string}/{name}" for name in _SIGNATURES)}

    tagged = _with_version(wheel, old.data, version)
    edited = replace(old, data=_with_extras(tagged, provides))
    added = _beside(old, extra)
    kept = [
        edited if entry is old else entry
        for entry in wheel.entries
        if entry.path not in ours
    ]
    rows = _record(record, [edited, *added], kept, ours, renames)
    entries = [*kept, *added, replace(record, data=rows)]
    return Wheel(
        _file_name(wheel, version),
        _distinct(wheel, [replace(e, path=_moved(e.path, renames)) for e in entries]),
    )


def _tagged(wheel: Wheel, version: str) -> str:
    try:
        parsed = Version(version)
    except InvalidVersion:
        raise RetagError(
            wheel.name, f"{version!r} is not a version (PEP 440)"
        ) from None
    if parsed.local is None:
        raise RetagError(wheel.name, f"version {version!r} has no local label")
    return str(parsed)


def _file_name(wheel: Wheel, version: str) -> str:
    """NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl (PEP 427)."""
    parts = wheel.name.split("-")
    if len(parts) not in (5, 6) or not wheel.name.endswith(".whl"):
        raise RetagError(
            wheel.name, "it does not have the file name of a wheel (PEP 427)"
        )
    return "-".join([parts[0], version, *parts[2:]])


def _versioned(wheel: Wheel) -> list[re.Match[str]]:
    return [found for folder in wheel.folders if (found := _FOLDER.fullmatch(folder))]


def _dist_info(wheel: Wheel) -> re.Match[str]:
    found = [f for f in _versioned(wheel) if f["suffix"] == ".dist-info"]
    if len(found) != 1:
        named = f" ({', '.join(f.string for f in found)})" if found else ""
        raise RetagError(
            wheel.name, f"it has {len(found)} .dist-info folders{named}, not one"
        )
    return found[0]


def _renames(wheel: Wheel, project: str, version: str) -> dict[str, str]:
    """Return the new names of the folders that bear the version of `project`.

    They are found, not computed, for not every backend spells the name and the
    version in a ``.data`` folder as in the dist-info folder.
    """
    return {
        found.string: f"{found['project']}-{version}{found['suffix']}"
        for found in _versioned(wheel)
        if canonicalize_name(found["project"]) == canonicalize_name(project)
    }


def _moved(path: str, renames: Mapping[str, str]) -> str:
    top, slash, rest = path.partition("/")
    return renames.get(top, top) + slash + rest


def _with_version(wheel: Wheel, metadata: bytes, version: str) -> bytes:
    """Edit bytes, for an email parser would rewrite what it does not understand."""
    headers, body = _parted(metadata)
    headers, found = _VERSION.subn(rb"\g<1>" + version.encode(), headers, count=1)
    if not found:
        raise RetagError(wheel.name, "its METADATA has no Version header")
    return headers + body


def _with_extras(metadata: bytes, provides: Sequence[str]) -> bytes:
    """Add the extras in `provides` that `metadata` does not name, in any spelling.

    The header came with version 2.1 of the format (PEP 566).
    """
    headers, body = _parted(metadata)
    there = {
        canonicalize_name(found.decode("utf-8", "replace"))
        for found in _EXTRA.findall(headers)
    }
    added = [name for name in provides if canonicalize_name(name) not in there]
    if not added:
        return metadata
    newline = b"\r\n" if b"\r\n" in headers else b"\n"
    lines = (b"Provides-Extra: " + name.encode() + newline for name in added)
    if headers and not headers.endswith(b"\n"):
        headers += newline
    return _BEFORE_EXTRAS.sub(rb"\g<1>2.1", headers) + b"".join(lines) + body


def _parted(metadata: bytes) -> tuple[bytes, bytes]:
    """Return the headers, and the rest with the blank line that ends them."""
    end = _HEADERS_END.search(metadata)
    cut = end.start() if end else len(metadata)
    return metadata[:cut], metadata[cut:]


def _beside(metadata: Entry, extra: Mapping[str, bytes]) -> list[Entry]:
    """Return entries for `extra` in the folder of METADATA, with its time and mode.

    Any clock of ours would make the bytes differ from build to build.
    """
    folder = metadata.path.rpartition("/")[0]
    return [
        replace(metadata, path=f"{folder}/{path}", data=data)
        for path, data in sorted(extra.items())
    ]


def _record(
    record: Entry,
    changed: Iterable[Entry],
    there: Iterable[Entry],
    ours: set[str],
    renames: Mapping[str, str],
) -> bytes:
    """Return RECORD with new paths, and new hashes and sizes for `changed`.

    Those of the files `there` that it misses are added, for who installs by RECORD
    would lose them.  `ours` are the files that RECORD does not hash: it and its
    signatures.
    """
    lines = {entry.path: _line(entry) for entry in changed}
    # Lines that are not UTF-8 are another tool's fault; they pass through.
    old = record.data.decode("utf-8", "surrogateescape")
    rows = [row for row in csv.reader(io.StringIO(old, newline="")) if row]
    known = {row[0] for row in rows} | set(lines)
    for entry in there:
        if entry.path not in known and not entry.path.endswith("/"):
            lines[entry.path] = _line(entry)
    rows = [lines.pop(row[0], row) for row in rows if row[0] not in ours]
    rows += [*lines.values(), [record.path, "", ""]]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(
        [_moved(path, renames), *rest] for path, *rest in rows
    )
    return text.getvalue().encode("utf-8", "surrogateescape")


def _line(entry: Entry) -> list[str]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(entry.data).digest())
    return [
        entry.path,
        f"sha256={digest.rstrip(b'=').decode()}",
        str(len(entry.data)),
    ]


def _distinct(wheel: Wheel, entries: list[Entry]) -> tuple[Entry, ...]:
    counts = Counter(entry.path for entry in entries)
    twice = [path for path, count in counts.items() if count > 1]
    if twice:
        raise RetagError(wheel.name, f"it would hold twice: {', '.join(twice)}")
    return tuple(entries)
