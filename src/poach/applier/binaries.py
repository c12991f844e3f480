"""git's binary hunks: ``(old bytes, binary) -> new bytes``, or why not."""

from __future__ import annotations

from collections.abc import Iterator

from poach.applier.diff import MAX_BINARY, Binary


class BadBinary(ValueError):
    """A binary change that does not fit; the message says why."""


def apply_binary(old: bytes, binary: Binary) -> bytes:
    """Return the file that a git binary hunk makes from `old`.

    Both names must agree, as ``git apply`` wants.  Raises `BadBinary`.
    """
    if not all(map(_is_whole, (binary.old_oid, binary.new_oid))):
        raise BadBinary(_ABBREVIATED)
    if not _is_blob(old, binary.old_oid, allow_null=True):
        raise BadBinary("the binary change is for another file than the tree has")
    new = _apply_delta(old, binary.data) if binary.delta else binary.data
    if not _is_blob(new, binary.new_oid, allow_null=True):
        raise BadBinary("damaged binary data")
    return new


_ABBREVIATED = (
    "the index line of the binary data is abbreviated, so that poach cannot check "
    "the data; make the diff with git diff --binary --full-index"
)


def _is_whole(oid: str) -> bool:
    return len(oid) in (40, 64) or not oid.strip("0")


def is_result(old: bytes, binary: Binary) -> bool:
    """Return whether `old` is what the binary change would make already."""
    return _is_blob(old, binary.new_oid)


def _is_blob(data: bytes, oid: str, allow_null: bool = False) -> bool:
    """Return whether git gives `data` this name; a null oid stands for no file."""
    if allow_null and not oid.strip("0"):
        return not data
    kind = {40: "sha1", 64: "sha256"}.get(len(oid))
    if kind is None:
        return False
    import hashlib

    found = hashlib.new(kind, b"blob %d\0" % len(data), usedforsecurity=False)
    found.update(data)
    return found.hexdigest() == oid


def _apply_delta(old: bytes, delta: bytes) -> bytes:
    """Follow git's pack delta (gitformat-pack, "Deltified representation")."""
    try:
        source, at = _size(delta, 0)
        target, at = _size(delta, at)
        if source != len(old) or target > MAX_BINARY:
            raise BadBinary("the binary change is for another file than the tree has")
        pieces = list(_pieces(old, delta, at, target))
    except IndexError as error:
        raise BadBinary("damaged binary data") from error
    return b"".join(pieces)


def _pieces(old: bytes, delta: bytes, at: int, target: int) -> Iterator[bytes]:
    while at < len(delta):
        code = delta[at]
        at += 1
        if code & 0x80:
            start, at = _number(delta, at, code & 0x0F)
            size, at = _number(delta, at, code >> 4 & 0x07)
            piece = old[start : start + (size or 0x10000)]
        else:
            piece = delta[at : at + code]
            at += code
        target -= len(piece)
        if not piece or target < 0:
            raise BadBinary("damaged binary data")
        yield piece
    if target:
        raise BadBinary("damaged binary data")


def _size(delta: bytes, at: int) -> tuple[int, int]:
    """Read a size: seven bits in each byte, the lowest first."""
    value = shift = 0
    while True:
        byte = delta[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def _number(delta: bytes, at: int, present: int) -> tuple[int, int]:
    """Read the bytes of a number that the bits of `present` say are there."""
    value = 0
    for index in range(4):
        if present >> index & 1:
            value |= delta[at] << 8 * index
            at += 1
    return value, at
