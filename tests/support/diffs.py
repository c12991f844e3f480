"""Makers of diffs, for tests whose diffs are computed."""

from __future__ import annotations

import base64
import hashlib
import zlib

ONE = b"@@ -1 +1 @@\n-1\n+2\n"


def named(old: bytes, new: bytes, body: bytes) -> bytes:
    return b"--- %s\n+++ %s\n" % (old, new) + body


def mod(name: bytes, body: bytes = ONE) -> bytes:
    return named(b"a/" + name, b"b/" + name, body)


def new(name: bytes, body: bytes = b"@@ -0,0 +1 @@\n+new\n") -> bytes:
    return named(b"/dev/null", b"b/" + name, body)


def oid(data: bytes) -> bytes:
    """Return the name that git gives to a file with these contents."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest().encode()


def base85(data: bytes) -> bytes:
    lines = []
    for at in range(0, len(data), 52):
        piece = data[at : at + 52]
        size = len(piece) + (64 if len(piece) <= 26 else 70)
        padded = piece + bytes(-len(piece) % 4)
        lines.append(bytes([size]) + base64.b85encode(padded) + b"\n")
    return b"".join(lines) + b"\n"


def packed(kind: bytes, data: bytes, size: int) -> bytes:
    return b"%s %d\n" % (kind, size) + base85(zlib.compress(data, 9))


def binary(
    name: bytes,
    old: bytes,
    new: bytes,
    body: bytes,
    words: tuple[bytes, ...] = (),
    old_oid: bytes = b"",
    new_oid: bytes = b"",
) -> bytes:
    lines = (
        b"diff --git a/%s b/%s" % (name, name),
        *words,
        b"index %s..%s 100644" % (old_oid or oid(old), new_oid or oid(new)),
        b"GIT binary patch",
    )
    return b"".join(line + b"\n" for line in lines) + body


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def delta(old: int, new: int, *commands: bytes) -> bytes:
    return varint(old) + varint(new) + b"".join(commands)


def take(start: int, count: int) -> bytes:
    return b"\xff" + start.to_bytes(4, "little") + count.to_bytes(3, "little")
