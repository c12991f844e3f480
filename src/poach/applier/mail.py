"""Mails around diffs: their subjects, where their prose ends, how they are encoded.

The rules are those of ``git format-patch`` and ``git am``, of mbox files (RFC 4155) and
of MIME (RFC 2045, 2047, 3676).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_DAYS = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d+ \d\d:\d\d"
_BEGIN = re.compile(
    rb"From (?:[0-9a-f]{40}(?:[0-9a-f]{24})? |\S[^\n]* +" + _DAYS + rb")"
)
_FIELD = re.compile(rb"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)", re.DOTALL)
_DIFFSTAT = re.compile(rb" \S.* \| +(?:\d+|Bin|Unmerged)\b| \d+ files? changed\b")
_HUNK = re.compile(rb"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? ?@@")
_QUOTED = re.compile(rb"=(?:[0-9A-Fa-f]{2}|[ \t]*\r?$)", re.MULTILINE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}\s*")
_ENDS = re.compile(rb"[-+dIADFS]")  # first letters of what ends prose, or begins a diff
_OPENING = re.compile(rb"(?:From|Subject|Description|Author): ")
_OPENING_STARTS = b"ADFS"
_ENCODING = re.compile(
    rb"(?im)^content-transfer-encoding:\s*(quoted-printable|base64)[^\n]*\n"
    rb"((?:[\w-]+:[^\n]*\n|[ \t]+\S[^\n]*\n)*)\r?\n"
)
_BOUNDARY = re.compile(rb"(?im)^(?:content-type:|[ \t])[^\n]*\bboundary=\"?([^\s\";]+)")
_ANY_HUNK = re.compile(rb"(?m)^@@ -\d")
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
_DOUBTFUL = (
    "a whole diff is above this line, which ends the prose of a mail; if that diff "
    "is another patch, put each patch into a separate file; if it is a quotation, "
    "delete it"
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
    """A mail around diffs."""

    #: As the mail has it, unfolded; empty for none.
    subject: str
    #: The line, from 0, where its prose ends: what stands before is no diff.
    after: int
    #: Why its lines are not those of the diff.
    faults: tuple[Fault, ...] = ()


def begins(line: bytes) -> bool:
    """Return whether a mail of a mailbox begins with this line."""
    return line.startswith(b"From ") and bool(_BEGIN.match(line))


def looks_like_one(line: bytes) -> bool:
    """Return whether a file that begins with this line may be one mail without its
    ``From`` line, or a header in the manner of DEP-3."""
    return bool(_FIELD.match(line)) and not line.startswith(b"Index: ")


def opens(lines: Sequence[bytes], at: int) -> bool:
    """Return whether the header of another patch begins here, without a ``From`` line.

    It is one like that of a mail or of DEP-3, as in patches that ``cat`` put together.
    """
    above = lines[at - 1] if at else b""
    if _FIELD.match(above) or above.startswith((b"commit ", b"# ")):
        return False
    end = _header_end(lines, at, len(lines))
    return any(map(_OPENING.match, lines[at:end]))


def boundaries(data: bytes) -> frozenset[bytes]:
    """Return the lines that stand between the parts of a mail, and after the last."""
    names = set(_BOUNDARY.findall(data)) if b"oundary=" in data else ()
    marks = [b"--" + name for name in names]
    return frozenset([*marks, *(mark + b"--" for mark in marks)])


def encoded(data: bytes) -> Iterator[Fault]:
    """Return which parts of mails are encoded, anywhere in `data`.

    A header ends with a blank line; in a hunk no line begins like a field.
    """
    ends = _ends_of_parts(data)
    for found in _ENCODING.finditer(data):
        body = data[found.end() : _end_of_part(data, ends, found.end())]
        kind = found[1].lower()
        quoted = _QUOTED.search(body) and _ANY_HUNK.search(body)
        packed = _BASE64.match(body.lstrip().partition(b"\n")[0])
        if quoted if kind == b"quoted-printable" else packed:
            at = data.count(b"\n", 0, found.start())
            yield Fault(at, _ENCODED.format(kind.decode()))


def _ends_of_parts(data: bytes) -> re.Pattern[bytes]:
    ends = [rb"From [^\n]* \d\d:\d\d", *map(re.escape, sorted(boundaries(data)))]
    return re.compile(rb"(?m)^(?:%s)" % b"|".join(ends))


def _end_of_part(data: bytes, ends: re.Pattern[bytes], start: int) -> int:
    """Return where the part of a mail ends, whose body begins at `start`."""
    found = ends.search(data, start)
    return found.start() if found else len(data)


def read(lines: Sequence[bytes], marks: bytes, at: int) -> Mail:
    """Read the mail that begins at line `at`; `marks` are the lines' first letters."""
    end = _end(lines, marks, at + 1)
    start = at + begins(lines[at])
    body = _header_end(lines, start, end)
    fields = list(_fields(lines, start, body))
    subject = next((text for _, name, text in fields if name == b"subject"), b"")
    prose = _prose(lines, marks, body, end)
    after = body if prose.another else prose.after
    parts = [(start, body, end)]
    if any(text.lower().startswith(b"multipart/") for _, _, text in fields):
        parts += _parts(lines, body, end)
    faults = [fault for part in parts for fault in _faults(lines, *part)]
    if _is_doubtful(prose, start > at, bool(subject)):
        faults.append(Fault(prose.after - 1, _DOUBTFUL))
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


class _Prose(NamedTuple):
    """Where the prose of a mail ends, as `Mail.after`."""

    after: int
    #: Whether a whole diff stands in it.
    quotes: bool = False
    #: Whether the header of another patch follows that diff.
    another: bool = False


def _prose(lines: Sequence[bytes], marks: bytes, body: int, end: int) -> _Prose:
    """Return where the prose ends, `body` where no line ends it.

    A line ``---`` ends it.  Where a whole diff stands above, that is a quotation only
    if a diffstat follows the line, as in what ``git format-patch`` writes: else it may
    be the change itself.
    """
    quotes = another = False
    for found in _ENDS.finditer(marks, body, end):
        at = found.start()
        line = lines[at]
        quotes = quotes or _begins_diff(lines, at)
        another = another or (
            quotes and line[0] in _OPENING_STARTS and opens(lines, at)
        )
        is_end = line[:3] == b"---" and not line[3:].strip()
        if is_end and (not quotes or _has_diffstat(lines, at + 1, end)):
            return _Prose(at + 1, quotes, another)
    return _Prose(body)


def _is_doubtful(prose: _Prose, in_mailbox: bool, has_subject: bool) -> bool:
    """Return whether a diff in the prose may be another patch, and no quotation."""
    return (prose.another and in_mailbox) or (
        prose.quotes and not prose.another and not has_subject
    )


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
        if name == b"content-type" and has_hunks:
            if re.search(rb"format=\"?flowed", said):
                yield Fault(at, _FLOWED)
            if said.startswith(b"text/html"):
                yield Fault(at, _HTML)
