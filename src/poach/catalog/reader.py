"""Reading diffs from their locations, and knowing their digests without reading."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from poach.errors import PoachError
from poach.pins.location import Kind, Location
from poach.store import manifest
from poach.store.store import Store

if TYPE_CHECKING:
    from poach.catalog.ports import Fetcher, SourceFinder

#: The tags with which web pages begin.
_PAGE_TAGS = {b"!doctype", b"html", b"head", b"body", b"script", b"meta", b"title"}
#: What may stand before the first tag, by beginning and end.
_BEFORE_TAGS = {b"<!--": b"-->", b"<?xml": b">"}
_SPACE = re.compile(rb"\s*")
_TAG = re.compile(rb"<(!?\w+)\b")
#: Bytes in which the first tag is looked for.
_HEAD = 8192
#: How gzip, bzip2 and xz begin.
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")


class DiffMissing(PoachError):
    """A path at which there is no diff."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"cannot read the diff {self.path}: {self.reason}"


class Unpinned(PoachError):
    """A URL without a sha256; `sha256` is that of what the server has now, or ''."""

    location: Location
    sha256: str

    def __str__(self) -> str:
        place = self.location.shown
        pinned = self.location._replace(target=place, sha256=self.sha256)
        hidden = place != self.location.place
        kept = "\nit is shown without secrets: keep yours, also in place of ***"
        return (
            f"a diff from a URL needs its sha256; if you trust what {place} has "
            f"now, pin it with this location:\n    {pinned}"
            f"{kept if hidden else ''}"
        )


class NoDiff(PoachError):
    """What a server has in the place of a diff; `place` is the URL."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place} has no usable diff now: {self.reason}"


class WrongDigest(PoachError):
    """A diff whose bytes are not those that were declared or seen before."""

    place: str
    expected: str
    found: str
    #: Where `expected` is from: "pinned" or "seen before".
    source: str
    #: What to do.
    cure: str

    def __str__(self) -> str:
        return (
            f"wrong sha256 for {self.place}:\n"
            f"    expected {self.expected} ({self.source})\n"
            f"    found    {self.found}\n"
            f"look at what has changed; {self.cure}"
        )


class DiffReader(NamedTuple):
    """Reads diffs from files, URLs and sdists; what it fetches it keeps in `store`."""

    store: Store
    sdists: SourceFinder
    fetcher: Fetcher

    def digest(self, location: Location) -> str:
        """Return the sha256, in hex, of the diff at `location`.

        A file is read.  A URL is known by the digest that it declares, a member of
        an sdist by the declared one or by the one seen at first.  Raises
        `DiffMissing`, `Unpinned`, `NoDiff`, `WrongDigest` and the faults of the way
        there.
        """
        if location.kind is Kind.PATH:
            data = _read_file(location.target)
            found = hashlib.sha256(data).hexdigest()
            self._verify(location, location.sha256 or found, data)
            return found
        if location.sha256:
            return location.sha256
        if location.kind is Kind.URL:
            data = self.fetcher.get(location.target)
            _refuse_no_diff(location, data)
            raise Unpinned(location, hashlib.sha256(data).hexdigest())
        return self._seen(location) or self._see(location)

    def read(self, location: Location, sha256: str) -> bytes:
        """Return the diff at `location`, whose digest is `sha256`.

        What gzip, bzip2 or xz packed is unpacked: the digest is that of the bytes as
        they are at the location.  What cannot be unpacked stays as it is; it is
        refused where it is applied.  Raises what `digest` raises.
        """
        data = None if location.kind is Kind.PATH else self.store.kept_diff(sha256)
        if data is None:
            data = self._get(location)
            self._verify(location, sha256, data)
            if location.kind is not Kind.PATH:
                self.store.keep_diff(data)
        # Imported late: a warm run reads no diff.
        from poach.applier.diff import MAX_DIFF
        from poach.applier.packing import BadPacking, unpacked

        try:
            return unpacked(data, MAX_DIFF)
        except BadPacking:
            return data

    def _verify(self, location: Location, sha256: str, data: bytes) -> None:
        found = hashlib.sha256(data).hexdigest()
        if found == sha256:
            return
        if location.kind is Kind.URL:
            _refuse_page(location, data)
        source, cure = "pinned", f"if that is right, pin it: sha256={found}"
        if not location.sha256:
            source, cure = "seen before", "run again if that is right"
        if location.kind is Kind.SDIST and not location.sha256:
            note = self.store.note_path("members", _note_name(location))
            cure = f"if that is right, remove {note}"
        raise WrongDigest(location.shown, sha256, found, source, cure)

    def _get(self, location: Location) -> bytes:
        if location.kind is Kind.PATH:
            return _read_file(location.target)
        if location.kind is Kind.URL:
            return self.fetcher.get(location.target)
        # Imported late: a warm run opens no archive.
        from poach.archives.sdist import read_member

        sdist = self.sdists.find(location.project, location.version)
        return read_member(sdist.path, location.target)

    def _seen(self, location: Location) -> str | None:
        return self.store.recall_digest("members", _note_name(location))

    def _see(self, location: Location) -> str:
        digest = self.store.keep_diff(self._get(location))
        facts = {"location": location.place, "sha256": digest}
        self.store.remember("members", _note_name(location), facts)
        return digest


def _refuse_page(location: Location, data: bytes) -> None:
    if _is_page(data):
        raise NoDiff(
            location.shown,
            "it is a web page; take the address of the raw file, and if the server "
            f"wants a login write it into ~/.netrc (machine {_host(location)})",
        )


def _is_page(data: bytes) -> bool:
    """Return whether `data` begins with a web page's tag.

    A byte order mark, white space, comments and XML declarations may stand before it.
    """
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf")
    at = _after_space(head, 0)
    while end := _ending(head, at):
        found = head.find(end, at)
        if found < 0:
            return False
        at = _after_space(head, found + len(end))
    tag = _TAG.match(head, at)
    return tag is not None and tag[1].lower() in _PAGE_TAGS


def _after_space(data: bytes, at: int) -> int:
    found = _SPACE.match(data, at)
    return found.end() if found else at


def _ending(data: bytes, at: int) -> bytes | None:
    """Return how the comment or declaration at `at` ends; None if there is none."""
    begins = data[at : at + len(b"<?xml")].lower()
    return next((end for b, end in _BEFORE_TAGS.items() if begins.startswith(b)), None)


def _host(location: Location) -> str | None:
    return urlsplit(location.target).hostname


def _refuse_no_diff(location: Location, data: bytes) -> None:
    """Refuse to offer what cannot be a diff as one to pin."""
    _refuse_page(location, data)
    if data.startswith(_COMPRESSED):
        return
    # Imported late: a warm run reads no diff.
    from poach.applier.diff import parse

    try:
        parse(data)
    except PoachError as fault:
        raise NoDiff(location.shown, str(fault)) from fault


def _note_name(location: Location) -> str:
    return hashlib.sha256(location.place.encode()).hexdigest()[:32]


def _read_file(path: str) -> bytes:
    try:
        return manifest.read(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DiffMissing(path, reason) from error
