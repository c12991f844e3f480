"""Names of files in the header lines of a diff: quotes, dates, two names in a line."""

from __future__ import annotations

import re

from poach.applier.filediff import DiffError, show
from poach.applier.patterns import GIT, searcher

_LONGEST = 1 << 14  # bytes of two names; Linux takes half as many
_ESCAPE = rb'\\([abfnrtv"\\]|[0-7]{1,3})'
_ESCAPES = dict(zip(b'abfnrtv"\\', b'\a\b\f\n\r\t\v"\\', strict=True))
_NOTHING = 1 << 16
_stamp = searcher(
    rb"\s(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?"
    rb"(?: ?[-+]\d\d:?\d\d| ?Z)?"
    rb"|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d (?:[A-Z]+ )?\d{4}"
    rb"(?: [-+]\d{4})?"
    rb"|\((?:revision \d+|working copy|nonexistent)\))\s*$",
)


def name_in(raw: bytes) -> str | None:
    """Return the name in a header line, None for /dev/null.

    A tab ends it (POSIX, diff -u); a date that is set off by blanks is cut off; C
    quotes are resolved (git's core.quotePath).
    """
    raw = raw.rstrip(b"\r\n")
    if raw.startswith(b'"'):
        text = unquoted(raw)
    else:
        text = raw.partition(b"\t")[0]
        stamp = _stamp(text) if text.split() != [text] else None
        text = text[: stamp.start()].rstrip() if stamp else text
    return None if text.strip() == b"/dev/null" else as_text(text)


def unquoted(raw: bytes) -> bytes:
    """Return a name without its C quotes, if it has any."""
    end = re.match(rb'"((?:[^"\\]|\\.)*)"', raw)
    return re.sub(_ESCAPE, _unescape, end[1]) if end else raw


def _unescape(found: re.Match[bytes]) -> bytes:
    word = found[1]
    return bytes([int(word, 8) & 255 if word.isdigit() else _ESCAPES[word[0]]])


def split_names(rest: bytes, line: int) -> tuple[str | None, str | None]:
    """Split ``a/NAME b/NAME``, where NAME may hold blanks or be quoted.

    The names are alike except for some folders, which shows the blank between them.
    Raises `DiffError` for `line` where none is.
    """
    if len(rest) > _LONGEST:
        raise DiffError(line, "a line with names of files that is too long")
    pairs = [(name_in(rest[:at]), name_in(rest[at + 1 :])) for at in _blanks(rest)]
    alike = [(_unlike(old, new), old, new) for old, new in pairs if old and new]
    if not alike or min(alike)[0] == _NOTHING:
        raise DiffError(line, f"cannot tell the names in {show(GIT + rest)!r}")
    return min(alike, key=lambda found: found[0])[1:]


def _unlike(old: str, new: str) -> int:
    """Count the first folders in which the names differ; all may, for two words."""
    first, second = old.split("/"), new.split("/")
    if first[-1] != second[-1] or not first[-1] or len(first) != len(second):
        return _NOTHING - (" " not in old + new)
    pairs = enumerate(zip(first, second, strict=True), 1)
    return max((at for at, (one, two) in pairs if one != two), default=0)


def _blanks(rest: bytes) -> list[int]:
    """Return the places of blanks, the middle first: there it is nearly always."""
    places = [place for place, byte in enumerate(rest[:4096]) if byte == 32]
    return sorted(places, key=lambda place: abs(2 * place - len(rest)))[:64]


def as_text(raw: bytes) -> str:
    """Return a name as text that keeps bytes which are no UTF-8."""
    return raw.decode("utf-8", "surrogateescape")
