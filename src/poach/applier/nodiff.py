"""Why a file is no diff, or not as it was: a web page, colours, another encoding."""

from __future__ import annotations

import re

_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_TAGS = re.compile(rb"<(?:pre|td|tr|div|span|br|p)\b[^>]*>", re.IGNORECASE)
_COLOURED = re.compile(rb"(?m)^(?:\x1b\[[\d;]*[mK])+(?:diff |index |@@|[-+])")
_LFS = b"version https://git-lfs.github.com/spec/"
_QUOTED = re.compile(rb"(?m)^> ?(?:--- |\+\+\+ |@@ -)")
_DARCS = re.compile(rb"(?m)^hunk \./\S+ \d+\s*$")
_CC = re.compile(rb"(?m)^diff --(?:cc|combined) \S")
_ED = re.compile(rb"(?m)^\d+(?:,\d+)?[acd]\r?\n")
_BINARY = re.compile(rb"(?m)^(?:Binary files|Files) (.*) differ\r?$")
_STAT = re.compile(rb"(?m)^ \S.* \| +(?:\d+|Bin)\b")
_BASE64 = re.compile(rb"(?im)^content-transfer-encoding:\s*base64")
_MARKS = {  # the longer ones first
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_SHORT = 200  # bytes of what a server says instead of a diff

COMBINED = "a combined diff of a merge (diff --cc); make it with git diff PARENT MERGE"
ED = "an ed script; only unified diffs apply, make it with diff -ruN"
_PAGE = "a web page (HTML), not a diff; get the raw file"
_COLOURS = "the diff has terminal colours; make it with git diff --no-color"
_CR = (
    "the lines of the diff end with CR only, as on the old Mac OS; convert them to LF, "
    "as with tr '\\r' '\\n'"
)
_POINTER = "a pointer of Git LFS, not a diff; get the file itself, with git lfs pull"
_SIGNED = (
    "the lines of the diff are escaped by a PGP signature; save what gpg --decrypt "
    "prints"
)


def damage(data: bytes) -> str:
    """Say what became of the whole diff on its way, or nothing."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return _encoded(encoding)
    if b"\n" not in data.rstrip(b"\n") and re.search(rb"\r(?:\+\+\+ |@@ -)", data):
        return _CR
    if data.startswith(_LFS):
        return _POINTER
    if _HTML.match(data[:4000]):
        return _PAGE
    if b"\x1b[" in data and _COLOURED.search(data):
        return _COLOURS
    if data.startswith(b"-----BEGIN PGP SIGNED") and b"\n- --- " in data:
        return _SIGNED
    return ""


def why_nothing(data: bytes) -> str:
    """Say why no unified diff is in `data`."""
    if not data.strip():
        return "the diff is empty"
    start = data[:_SHORT]
    if encoding := _unmarked(start):
        return _encoded(encoding)
    for pattern, reason in (
        (_ED, ED),
        (_CC, COMBINED),
        (_BINARY, "the diff only says that binary files differ; make it with "
                  "git diff --binary"),
        (_DARCS, "a patch of darcs; make it with darcs diff -u"),
        (_QUOTED, "the diff is quoted with '>', as in an answer to a mail; get the "
                  "first mail"),
        (_BASE64, "the mail is encoded (base64); save its decoded text"),
        (_TAGS, _PAGE),
        (_STAT, "no unified diff in it, only a list of files that are changed"),
    ):  # fmt: skip
        if pattern.search(data):
            return reason
    if data.lstrip()[:1] in (b"{", b"["):
        return "JSON, not a diff; get the raw file"
    said = data.decode("utf-8", "backslashreplace").strip()
    is_short = len(data) <= _SHORT and said.isprintable()
    return (
        f"no unified diff in it; it says {said!r}"
        if is_short
        else ("no unified diff in it")
    )


def _unmarked(start: bytes) -> str:
    """Return the encoding of letters with many NUL bytes; ``iconv`` needs the order."""
    if start.count(b"\0") * 3 <= len(start):
        return ""
    bits = 32 if start.count(b"\0") * 3 > len(start) * 2 else 16
    return f"UTF-{bits}{'BE' if start[:1] == bytes(1) else 'LE'}"


def _encoded(name: str) -> str:
    origin = ", as by > in PowerShell" if name.startswith("UTF-16") else ""
    return (
        f"the diff is encoded in {name}{origin}; convert it with iconv -f {name} "
        "-t UTF-8, or make it with git diff --output=FILE"
    )
