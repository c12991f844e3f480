"""Mails around diffs: their subjects, where their prose ends, how they are encoded.

The rules are those of ``git format-patch`` and ``git am``, of mbox files (RFC 4155) and
of MIME (RFC 2045, 2047, 3676).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_DAYS = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d+ \d\d:\d\d"
_BEGIN = re.compile(rb"From (?:[0-9a-f]{40}(?:[0-9a-f]{24})? |\S+ +" + _DAYS + rb")")
_FIELD = re.compile(rb"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)", re.DOTALL)
_DIFFSTAT = re.compile(rb" \S.* \| +(?:\d+|Bin|Unmerged)\b| \d+ files? changed\b")
_HUNK = re.compile(rb"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? ?@@")
_QUOTED = re.compile(rb"=(?:[0-9A-Fa-f]{2}|[ \t]*\r?$)", re.MULTILINE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}\s*")
_ENDS = re.compile(rb"[-+dI]")  # first letters of what ends prose, or begins a diff
_AHEAD = 6  # lines between the separator and the diffstat

_ENCODED = (
    "the mail is encoded ({}), so that its lines are not those of the diff; "
    "save the decoded text of the mail, or remove this line if it is decoded already"
)
_FLOWED = (
    "the mail says format=flowed, so that its lines may be wrapped and have other "
    "blanks than the diff; get the diff as an attachment or from its source, "
    "or remove this line if the diff is as it was"
)
_HTML = (
    "this part of the mail is a web page (text/html); save its plain text, or get "
    "the diff from its source"
)


class Fault(NamedTuple):
    """What is wrong with a mail: the `line` that says so, from 0, and the sentence."""

    line: int
    reason: str


class Mail(NamedTuple):
    """A mail around diffs.

    `subject` is as the mail has it, unfolded, empty where there is none.  `after` is
    the line, from 0, where its prose ends: what stands before is no diff.  `faults`
    say why its lines are not those of the diff.
    """

    subject: str
    after: int
    faults: tuple[Fault, ...] = ()


def begins(line: bytes) -> bool:
    """Tell whether a mail of a mailbox begins with this line."""
    return line.startswith(b"From ") and bool(_BEGIN.match(line))


def looks_like_one(line: bytes) -> bool:
    """Tell whether a file that begins with this line may be one mail without its
    ``From`` line, or a header in the manner of DEP-3."""
    return bool(_FIELD.match(line)) and not line.startswith(b"Index: ")


def read(lines: Sequence[bytes], marks: bytes, at: int) -> Mail:
    """Read the mail that begins at line `at`; `marks` are the lines' first letters."""
    end = _end(lines, marks, at + 1)
    start = at + begins(lines[at])
    body = _header_end(lines, start, end)
    fields = list(_fields(lines, start, body))
    subject = next((text for _, name, text in fields if name == b"subject"), b"")
    after = _after_prose(lines, marks, body, end)
    parts = [(start, body, end)]
    if any(text.lower().startswith(b"multipart/") for _, _, text in fields):
        parts += _parts(lines, body, end)
    faults = [fault for part in parts for fault in _faults(lines, *part)]
    return Mail(subject.decode("utf-8", "replace"), after, tuple(faults))


def readable(subject: str) -> str:
    """Return a subject as people read it: RFC 2047's encoded words decoded."""
    if "=?" not in subject:
        return subject
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(subject)))
    except (HeaderParseError, LookupError, ValueError):
        return subject


def _end(lines: Sequence[bytes], marks: bytes, at: int) -> int:
    """Return where the next mail begins."""
    while (at := marks.find(b"F", at)) >= 0:
        if begins(lines[at]):
            return at
        at += 1
    return len(lines)


def _header_end(lines: Sequence[bytes], start: int, end: int) -> int:
    """Return the first line that is neither a field nor goes on with one."""
    at = start
    while at < end and (
        looks_like_one(lines[at]) or (at > start and lines[at][:1] in (b" ", b"\t"))
    ):
        at += 1
    return at


def _fields(
    lines: Sequence[bytes], start: int, end: int
) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield line, lower-cased name and unfolded text of each field of a header."""
    at = start
    while at < end:
        found = _FIELD.match(lines[at])
        first, at = at, at + 1
        text = [found[2].strip()] if found else []
        while at < end and lines[at][:1] in (b" ", b"\t"):
            text.append(lines[at].strip())
            at += 1
        if found:
            yield first, found[1].lower(), b" ".join(text).strip()


def _after_prose(lines: Sequence[bytes], marks: bytes, body: int, end: int) -> int:
    """Return the line after the one that ends the prose, `body` where none does.

    A line ``---`` ends it.  Where a whole diff stands above, that is a quotation only
    if a diffstat follows the line, as in what ``git format-patch`` writes: else it may
    be the change itself.
    """
    quotes = False
    for found in _ENDS.finditer(marks, body, end):
        at = found.start()
        line = lines[at]
        quotes = quotes or _begins_diff(lines, at)
        is_end = line[:3] == b"---" and not line[3:].strip()
        if is_end and (not quotes or _has_diffstat(lines, at + 1, end)):
            return at + 1
    return body


def _begins_diff(lines: Sequence[bytes], at: int) -> bool:
    line, *others = lines[at : at + 3]
    if line.startswith((b"--- ", b"+++ ")):
        return any(map(_HUNK.match, others))
    if line.startswith(b"Index: "):
        return bool(others) and others[0].startswith((b"===", b"---"))
    return line.startswith(b"diff --git ")


def _has_diffstat(lines: Sequence[bytes], start: int, end: int) -> bool:
    return any(map(_DIFFSTAT.match, lines[start : min(end, start + _AHEAD)]))


def _parts(
    lines: Sequence[bytes], body: int, end: int
) -> Iterator[tuple[int, int, int]]:
    """Yield where the header, the body and the end of each MIME part is."""
    for at in range(body, end - 1):
        mark = lines[at].rstrip()
        if mark[:2] != b"--" or not lines[at + 1].lower().startswith(b"content-"):
            continue
        start = _header_end(lines, at + 1, end)
        stop = next((n for n in range(start, end) if lines[n].startswith(mark)), end)
        yield at + 1, start, stop


def _faults(lines: Sequence[bytes], start: int, body: int, end: int) -> Iterator[Fault]:
    """Say why a part's lines, if a diff is among them, are not those of the diff."""
    for at, name, text in _fields(lines, start, body):
        said = text.lower()
        has_hunks = any(map(_HUNK.match, lines[body:end]))
        if name == b"content-transfer-encoding":
            quoted = said.startswith(b"quoted-printable")
            if quoted and _QUOTED.search(b"".join(lines[body:end])):
                yield Fault(at, _ENCODED.format("quoted-printable"))
            first = _first(lines, body, end)
            if said.startswith(b"base64") and _BASE64.fullmatch(first):
                yield Fault(at, _ENCODED.format("base64"))
        elif name == b"content-type" and has_hunks:
            if re.search(rb"format=\"?flowed", said):
                yield Fault(at, _FLOWED)
            if said.startswith(b"text/html"):
                yield Fault(at, _HTML)


def _first(lines: Sequence[bytes], start: int, end: int) -> bytes:
    """Return the first line that is not empty."""
    return next((line for line in lines[start:end] if line.strip()), b"")
