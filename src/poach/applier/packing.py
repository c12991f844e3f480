"""Compressed diffs: known by their first bytes, unpacked within bounds."""

from __future__ import annotations

_UNPACKED = {b"\x1f\x8b\x08": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
_OTHERS = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x5d\x00\x00": "lzma",
    b"LZIP": "lzip",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress (.Z)",
}
_BY_HAND = "unpack it, and take the diff that is in it"


class BadPacking(ValueError):
    """A compressed diff that cannot be unpacked; the message says why."""


def unpacked(data: bytes, most: int) -> bytes:
    """Return the diff in `data`: unpacked where gzip, bzip2 or xz packed it.

    Raises `BadPacking` where it is damaged, would have more than `most` bytes, or is
    packed by another program.
    """
    kind = _kind(data, _UNPACKED)
    if kind is None:
        _refuse_others(data)
        return data
    try:
        plain = _read(kind, data, most)
    except (OSError, EOFError, ValueError) as error:
        raise BadPacking(f"the diff is compressed with {kind}, and damaged") from error
    if len(plain) > most:
        raise BadPacking(
            f"the diff, compressed with {kind}, has more than {most} bytes"
        )
    if _kind(plain, _UNPACKED):
        raise BadPacking(f"the diff is compressed more than once; {_BY_HAND}")
    _refuse_others(plain)
    return plain


def _kind(data: bytes, kinds: dict[bytes, str]) -> str | None:
    return next((kind for magic, kind in kinds.items() if data.startswith(magic)), None)


def _refuse_others(data: bytes) -> None:
    kind = _kind(data, _OTHERS)
    if kind:
        raise BadPacking(f"the diff is compressed with {kind}; {_BY_HAND}")
    if data[257:262] == b"ustar":
        raise BadPacking(f"a tar archive, not a diff; {_BY_HAND}")


def _read(kind: str, data: bytes, most: int) -> bytes:
    """Unpack at most one byte more than `most`, which shows that there are more."""
    import bz2
    import gzip
    import lzma
    import zlib
    from io import BytesIO

    source = BytesIO(data)
    try:
        if kind == "gzip":
            return gzip.GzipFile(mode="rb", fileobj=source).read(most + 1)
        if kind == "bzip2":
            return bz2.BZ2File(source).read(most + 1)
        return lzma.open(source).read(most + 1)
    except (zlib.error, lzma.LZMAError) as error:
        raise ValueError(str(error)) from error
