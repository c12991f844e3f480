"""The lines of a diff, and the place up to which they are read."""

from __future__ import annotations

import re
from io import BytesIO
from operator import itemgetter

from poach.applier.filediff import MAX_LINE, check_length
from poach.applier.patterns import GIT, HUNK

_TEXT = re.compile(rb"[^-+@*=.#0-9A-Za-dmr\x80-\xff]*")  # by their first letters


def split_lines(data: bytes) -> list[bytes]:
    """Split at newlines only, where bytes.splitlines splits at CR too; keep them."""
    return list(BytesIO(data))


class Cursor:
    """Where a reader is in the lines of a diff, and what it sees from there.

    `lines` end with their newlines, the last one, too: `cut_off` says that the diff
    has none there.  `marks` are their first bytes.  `at` is the next line to read,
    from 0; who reads a line moves it.  `unpacked` counts the bytes of binary data read.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lines = split_lines(data)
        longest = max(map(len, self.lines), default=0)
        check_length("a line of the diff", longest, MAX_LINE)
        self.cut_off = not data.endswith(b"\n")
        if self.cut_off and self.lines:
            self.lines[-1] += b"\n"
        self.marks = bytes(map(itemgetter(0), self.lines))
        self.at = 0
        self.unpacked = 0
        self._boundaries: frozenset[bytes] | None = None

    def skip_text(self) -> int:
        """Step over lines that say nothing, as in a mail; return where that leads."""
        found = _TEXT.match(self.marks, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def skip_to_section(self) -> None:
        """Step over lines up to one at which a section may begin."""
        while self.at < len(self.lines) and not self.begins_section(self.at):
            self.at += 1

    def below(self) -> bytes:
        """Return the lines below this one, up to one at which a section may begin."""
        end = self.at + 1
        while end < len(self.lines) and not self.begins_section(end):
            end += 1
        return b"".join(self.lines[self.at + 1 : end])

    def peek(self, at: int) -> bytes:
        """Return a line, an empty one beyond the last."""
        return self.lines[at] if at < len(self.lines) else b""

    def glance(self) -> bytes:
        """Return three lines from here on, for patterns of several."""
        return b"".join(self.lines[self.at : self.at + 3])

    def is_unified(self, at: int) -> bool:
        """Return whether the second line of names and a hunk follow a line."""
        return self.peek(at + 1).startswith(b"+++ ") and bool(
            HUNK.match(self.peek(at + 2))
        )

    def is_half(self) -> bool:
        """Return whether hunks follow, with one line of names above them or none."""
        line = self.peek(self.at)
        return bool(HUNK.match(line) or HUNK.match(self.peek(self.at + 1)))

    def begins_section(self, at: int) -> bool:
        """Return whether a line begins a file, surely, or a mail."""
        line = self.lines[at]
        if line.startswith(b"--- "):
            return self.is_unified(at)
        return line.startswith((GIT, b"Index: ", b"From "))

    def begins_file(self, at: int) -> bool:
        """Return whether a file's header begins at a line, also one that lacks a
        half."""
        line, following = self.lines[at], self.peek(at + 1)
        if line.startswith(b"--- ") and following.startswith(b"+++ "):
            return True
        return line.startswith((b"--- ", b"+++ ")) and bool(
            HUNK.match(following) or HUNK.match(self.peek(at + 2))
        )

    def ends_at(self, at: int) -> bool:
        """Return whether nothing but blank lines comes from a line on."""
        while at < len(self.lines) and not self.lines[at].strip():
            at += 1
        return at >= len(self.lines)

    def boundaries(self) -> frozenset[bytes]:
        """Return the lines between the parts of mails, looked for once."""
        if self._boundaries is None:
            from poach.applier import mail

            self._boundaries = mail.boundaries(self.data)
        return self._boundaries


def hunk_header(line: bytes) -> str:
    """Return a hunk's header without the section heading, or nothing."""
    found = HUNK.match(line)
    return found[0].decode() if found else ""


def has_cr(line: bytes) -> bool:
    """Return whether a line ends with CR LF."""
    return line.endswith(b"\r\n")
