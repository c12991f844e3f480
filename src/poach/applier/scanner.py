"""Sections of a diff: which lines are headers of files, hunks, mails, mere text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from poach.applier import other_kinds
from poach.applier.bodies import read_hunks
from poach.applier.cursor import Cursor, has_cr
from poach.applier.expected import Expected
from poach.applier.filediff import DiffError, FileDiff, Hunk, short, show
from poach.applier.git_headers import (
    is_cut_off,
    is_own,
    lacks_contents,
    read_head,
    says_something,
)
from poach.applier.header_names import as_text, name_in, unquoted
from poach.applier.headers import Head, file_of, is_copy, is_pointer
from poach.applier.patterns import BINARY_NOTE, GIT, HUNK, matcher

if TYPE_CHECKING:
    from poach.applier import mail

_MERE_TEXT = b"-+*@0123456789#"  # first letters of lines that announce no file
_ANNOUNCING = (b"# rename", b"#  rename", b"* Unmerged path ")  # others among these
_SVN_BINARY = b"Cannot display: file marked as a binary type."
_OPENING = (b"From: ", b"Subject: ", b"Description: ", b"Author: ", b"Date: ")
_commit = matcher(rb"commit [0-9a-f]{40}\b|# HG changeset patch\s*$")
_STRAY = "a changed line above the header of its hunk; the diff is damaged"
_COPY = (
    "Subversion made a copy of another file here, which this diff cannot carry out; "
    "make it with svn diff --show-copies-as-adds"
)
_POINTER = (
    "the diff has a pointer of Git LFS instead of the contents of the file, which it "
    "lacks"
)
_UNSAID = (
    "the header says that the contents of the file change, and the diff does not say "
    "how; make it again without -w and other options that leave out changes"
)
_NO_NAME = "a hunk without the name of its file above it"
_ANOTHER = "this file is not the one of the git header above; the diff is damaged"
_CUT_OFF = "the diff ends in the middle of a line or of a header; it is cut off"


class Scanner:
    """Walks over the lines of a diff, never taking a hunk's line for a header.

    `is_left_out` is as of `poach.applier.diff.parse`.
    """

    def __init__(
        self, data: bytes, is_left_out: Callable[[Sequence[str]], bool]
    ) -> None:
        self.cursor = Cursor(data)
        self.is_left_out = is_left_out
        self.faults: list[DiffError] = []
        self.expected = Expected(self.faults, is_left_out)
        self.part = 0
        self.subject = ""
        self.last: FileDiff | None = None
        self.gap: int | None = None  # where the text after a file begins
        self.index: bytes | None = None
        self.names: tuple[bytes, bytes] | None = None  # with text before the hunks

    def run(self) -> list[FileDiff]:
        """Return the files; what is wrong gathers in `faults`."""
        cursor = self.cursor
        files: list[FileDiff] = []
        self._open_first_mail()
        self._refuse_encoded()
        while (start := cursor.skip_text()) < len(cursor.lines):
            try:
                found = self._section()
            except DiffError as error:
                self.faults.append(error)
                self.gap = None
                cursor.at = max(cursor.at, start + 1)
                cursor.skip_to_section()
                self.expected.pending = None
            else:
                if found:
                    self._close_gap(found.line - 1)
                    files.append(found)
                    self.gap = cursor.at
        self._close_gap(len(cursor.lines))
        self.expected.settle()
        return files

    def _close_gap(self, end: int) -> None:
        """Refuse what looks like a hunk from the last file up to the line `end`."""
        cursor = self.cursor
        start, self.gap = self.gap, None
        if start is None or not any(map(bytes.strip, cursor.lines[start:end])):
            return
        from poach.applier import leftover

        gap = cursor.lines[start:end]
        found = leftover.find(gap, cursor.boundaries())
        if found is not None:
            said = f"{short(gap[found])}: {leftover.REASON}"
            self.faults.append(DiffError(start + found + 1, said))

    def _section(self) -> FileDiff | None:
        cursor = self.cursor
        line = cursor.lines[cursor.at]
        if line.startswith(GIT):
            return self._git_section()
        if line.startswith(b"--- ") and cursor.is_unified(cursor.at):
            return self._unified_section(Head(cursor.at + 1, index=self.index))
        following = cursor.peek(cursor.at + 1)
        if line.startswith(b"--- ") and following.startswith(b"+++ "):
            self._announce_names(line[4:], following[4:])
        if line.startswith((b"--- ", b"+++ ")) and cursor.is_half():
            self.names, cursor.at = (line[4:], line[4:]), cursor.at + 1
        if HUNK.match(cursor.peek(cursor.at)):
            return self._headless_section()
        if line.startswith((b"Binary files ", b"Files ", _SVN_BINARY)):
            return self._binary_note()
        if self.names and _is_stray(line):
            raise DiffError(cursor.at + 1, _STRAY)
        other_kinds.refuse(cursor, line)
        self._refuse_what_is_cut_off(line)
        found = self._note(line)
        cursor.at += 1
        return found

    def _refuse_what_is_cut_off(self, line: bytes) -> None:
        """Refuse a diff that ends, without a newline, in a header."""
        cursor = self.cursor
        last = cursor.cut_off and cursor.at + 1 >= len(cursor.lines)
        if last and line.startswith((b"--- ", b"+++ ", b"@@ -")):
            raise DiffError(len(cursor.lines), _CUT_OFF)

    def _note(self, line: bytes) -> FileDiff | None:
        """Record a line; return the binary file that it announces, if any."""
        cursor = self.cursor
        if line.startswith(b"Index: "):
            self.index = line[7:]
            if cursor.ends_at(cursor.at + 1):
                raise DiffError(cursor.at + 1, _CUT_OFF)
            if cursor.peek(cursor.at + 1).startswith(b"==="):
                self._close_gap(cursor.at)
                self.expected.announce(cursor.at + 1, line[7:], 1)
        elif line.startswith(b"From "):
            from poach.applier import mail

            if mail.begins(line):
                self.part += 1
                self._open_mail()
        elif line.startswith(_OPENING) and self._opens_another():
            self.part += 1
            self._open_mail()
        elif line.startswith(b"Property changes on: "):
            self._properties(line[21:].strip())
        elif line.startswith((b"commit ", b"# HG ")) and _commit(line):
            self.part += 1
            self._close_gap(cursor.at)
            self.subject = self._subject_of_commit()
        elif line[0] not in _MERE_TEXT or line.startswith(_ANNOUNCING):
            return self._announced(line)
        return None

    def _open_first_mail(self) -> None:
        """Read the header of a mail, or of another kind, that the diff begins with."""
        cursor = self.cursor
        while cursor.at < len(cursor.lines) and not cursor.lines[cursor.at].strip():
            cursor.at += 1
        name, colon, _ = cursor.peek(cursor.at).partition(b":")
        is_field = name.replace(b"-", b"").isalnum()
        if colon and is_field and name not in (b"Index", b"diff"):
            self._open_mail()
            cursor.at += 1

    def _refuse_encoded(self) -> None:
        if any(mark in self.cursor.data for mark in (b"ransfer-", b"RANSFER-")):
            from poach.applier import mail

            self.faults += (_of_mail(each) for each in mail.encoded(self.cursor.data))

    def _opens_another(self) -> bool:
        """Return whether a patch with a header of its own follows another one."""
        from poach.applier import mail

        return self.last is not None and mail.opens(self.cursor.lines, self.cursor.at)

    def _open_mail(self) -> None:
        """Step over the header and the prose of a mail, to the line before its diff."""
        cursor = self.cursor
        from poach.applier import mail

        self.expected.settle()
        self._close_gap(cursor.at)
        found = mail.read(cursor.lines, cursor.marks, cursor.at)
        self.subject = found.subject
        self.faults += map(_of_mail, found.faults)
        cursor.at = max(cursor.at, found.after - 1)

    def _subject_of_commit(self) -> str:
        """Return the first line of the message below ``commit`` or ``# HG``."""
        cursor = self.cursor
        mark = b"    " if cursor.peek(cursor.at).startswith(b"commit") else b""
        for line in cursor.lines[cursor.at + 1 : cursor.at + 20]:
            if line.startswith(mark) and line.strip() and line[:1] != b"#":
                return show(line.strip())
        return ""

    def _announced(self, line: bytes) -> FileDiff | None:
        """Read a line that may announce a file; raise if the diff lacks that."""
        cursor = self.cursor
        from poach.applier import announced

        found = announced.read(line, cursor.peek(cursor.at + 1))
        if found is None:
            return None
        names = [*map(unquoted, found.names)]
        if found.kind == "lost":
            called = [*map(as_text, names)]
            if self.is_left_out(called) or self._is_prose(line):
                return None
            reason = announced.said(found.reason, called)
            raise DiffError(cursor.at + 1, f"{short(line)}: {reason}")
        if found.kind == "binary":
            return self._lost(name_in(found.names[0]), name_in(found.names[-1]))
        first, last = names[0], names[-1]
        if line.startswith(b"=="):
            self.names = (first, last)
        rank = 2 if line.startswith(b"diff ") else 0
        self.expected.announce(cursor.at + 1, last, rank)
        return None

    def _is_prose(self, line: bytes) -> bool:
        """Return whether a line above the first file is a sentence of its message."""
        cursor = self.cursor
        from poach.applier.announced import is_sentence

        is_above = self.gap is None and self.expected.pending is None
        return is_above and is_sentence(line, cursor.peek(cursor.at + 1), cursor.data)

    def _announce_names(self, old: bytes, new: bytes) -> None:
        self.names = (old, new)
        name = old if new.startswith(b"/dev/null") else new
        said = (name_in(name) or "").encode("utf-8", "surrogateescape")
        self.expected.announce(self.cursor.at + 1, said, 3, old)

    def _properties(self, name: bytes) -> None:
        """Refuse properties of Subversion that change what the diff does not show."""
        cursor = self.cursor
        self.names = None
        self._close_gap(cursor.at)
        reason = self.expected.lost_properties(name, cursor.below(), self.last)
        if reason and not self.is_left_out([as_text(name)]):
            raise DiffError(cursor.at + 1, f"{short(name)}: {reason}")

    def _binary_note(self) -> FileDiff | None:
        """Read a note about files that differ; its names count for their file."""
        cursor = self.cursor
        line, index = cursor.lines[cursor.at], self.index
        found = re.match(BINARY_NOTE, line)
        noted = None
        if found:
            first, _, second = found[1].partition(b" and ")
            noted = self._lost(name_in(first), name_in(second))
        elif index is not None and line.startswith(_SVN_BINARY):
            noted = self._lost(name_in(index), name_in(index))
        elif line.startswith(b"File"):
            self._announced(line)
        cursor.at += 1
        return noted

    def _lost(self, old: str | None, new: str | None) -> FileDiff:
        """Return a change of a binary file without its data."""
        file = FileDiff(old, new, line=self.cursor.at + 1, part=self.part, lost=True)
        self.expected.settle(file)
        return file._replace(subject=self.subject)

    def _git_section(self) -> FileDiff | None:
        cursor = self.cursor
        head = read_head(cursor)
        following = cursor.peek(cursor.at)
        if following.startswith((b"--- ", b"+++ ")) and not is_own(cursor, head):
            if cursor.is_unified(cursor.at):
                raise DiffError(cursor.at + 1, _ANOTHER)
            return self._file(head)
        if following.startswith(b"--- ") and cursor.is_unified(cursor.at):
            return self._unified_section(head)
        if following.startswith((b"--- ", b"+++ ", b"@@ -")) and cursor.is_half():
            cursor.at += not following.startswith(b"@@")
            return self._file(head, tuple(read_hunks(cursor)))
        return self._git_section_without_hunks(head)

    def _git_section_without_hunks(self, head: Head) -> FileDiff | None:
        cursor = self.cursor
        following = cursor.peek(cursor.at)
        if following.startswith(b"GIT binary patch"):
            from poach.applier.base85 import read_binary

            cursor.at += 1
            file = self._file(head)
            binary = read_binary(cursor, head.extended.get(b"index", b""))
            return file._replace(binary=binary)
        if is_cut_off(cursor, head):
            raise DiffError(cursor.at, _CUT_OFF)
        lost = bool(re.match(BINARY_NOTE, following))
        cursor.at += lost
        if not lost and _is_stray(following):
            raise DiffError(cursor.at + 1, _STRAY)
        if not lost and lacks_contents(head.extended):
            raise DiffError(head.line, _UNSAID)
        if lost or says_something(head.extended):
            return self._file(head)._replace(lost=lost)
        return None

    def _unified_section(self, head: Head) -> FileDiff:
        cursor = self.cursor
        head.old = cursor.lines[cursor.at][4:]
        head.new = cursor.lines[cursor.at + 1][4:]
        head.crlf = has_cr(head.old) and has_cr(head.new)
        cursor.at += 2
        return self._file(head, tuple(read_hunks(cursor)))

    def _headless_section(self) -> FileDiff:
        cursor = self.cursor
        old, new = self.names or (self.index, self.index)
        if old is None or new is None:
            raise DiffError(cursor.at + 1, _NO_NAME)
        head = Head(cursor.at + 1, old=old, new=new, index=self.index)
        head.crlf = has_cr(old) and has_cr(new)
        return self._file(head, tuple(read_hunks(cursor)))

    def _file(self, head: Head, hunks: tuple[Hunk, ...] = ()) -> FileDiff:
        self.index = self.names = None
        file = file_of(head, hunks, self.part)
        if hunks and is_pointer(hunks):
            raise DiffError(head.line, _POINTER)
        if head.index is not None and is_copy(head.old, file):
            raise DiffError(head.line, _COPY)
        self.expected.settle(file)
        self.last = file
        return file._replace(subject=self.subject) if self.subject else file


def _of_mail(fault: mail.Fault) -> DiffError:
    return DiffError(fault.line + 1, fault.reason)


def _is_stray(line: bytes) -> bool:
    """Return whether a line is one of a hunk, but stands where none is."""
    is_header = line.startswith((b"--- ", b"+++ ")) or line.strip() == b"--"
    return line[:1] in (b"+", b"-") and not is_header
