"""git's binary data in a diff: base 85, packed by zlib."""

from __future__ import annotations

import base64
import zlib

from poach.applier.cursor import Cursor
from poach.applier.filediff import MAX_BINARY, Binary, DiffError, check_length
from poach.applier.patterns import matcher, oids_in

_binary_size = matcher(rb"(literal|delta) (\d{1,18})\n")
_NO_END = "binary data without the blank line that ends it; the diff is cut off"


def read_binary(cursor: Cursor, index: bytes) -> Binary:
    """Read what follows ``GIT binary patch``; `index` is git's index line.

    Raises `DiffError` for what is damaged, cut off or too large.
    """
    start = cursor.at
    found = _binary_size(cursor.peek(cursor.at))
    oids = oids_in(index)
    if not found or not oids:
        raise DiffError(start, "a git binary patch without its size or index line")
    cursor.at += 1
    packed = _base85(cursor)
    if _binary_size(cursor.peek(cursor.at)):  # the way back, not needed
        cursor.at += 1
        _base85(cursor)
    cursor.unpacked += int(found[2])
    check_length("binary data", cursor.unpacked, MAX_BINARY, start)
    data = _inflate(packed, int(found[2]), start)
    return Binary(found[1] == b"delta", data, oids[1].decode(), oids[2].decode())


def _base85(cursor: Cursor) -> bytes:
    chunks = []
    while line := cursor.peek(cursor.at).rstrip(b"\n"):
        chunks.append(_decode85(line, cursor.at + 1))
        cursor.at += 1
    if cursor.at >= len(cursor.lines):
        raise DiffError(cursor.at, _NO_END)
    cursor.at += 1
    return b"".join(chunks)


def _decode85(line: bytes, number: int) -> bytes:
    """Decode a line of git's base 85: a letter for its length, then the data."""
    first = line[0]
    size = first - 64 if 65 <= first <= 90 else first - 70
    try:
        data = base64.b85decode(line[1:])
    except ValueError as error:
        raise DiffError(number, "damaged binary data") from error
    if not 0 < size <= 52 or len(data) < size:
        raise DiffError(number, "damaged binary data")
    return data[:size]


def _inflate(packed: bytes, size: int, line: int) -> bytes:
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(packed, size + 1)
    except zlib.error as error:
        raise DiffError(line, "damaged binary data") from error
    if len(data) != size:
        raise DiffError(line, "binary data of another size than the diff says")
    return data
