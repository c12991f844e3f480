"""Diffs as values: what a file of unified diffs asks for, file by file.

A scanner of our own, because real diffs hold much that the libraries for them reject or
read silently wrong: names with time stamps, carriage returns or quotes, git's extended
headers and binary data, hunks that lost blank context lines on their way.  It takes the
lines of a hunk by their marks, all at once.

The rules are those of the GNU diffutils manual ("Unified Format"), of GNU patch
("Multiple Patches in a File") and of git ("Generating patch text with -p").

Here, and in all that each ``poach apply`` imports, values are named tuples: frozen
dataclasses would add a quarter to the time that it takes to start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from io import BytesIO
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from poach.errors import PoachError, raise_faults

if TYPE_CHECKING:
    from poach.applier import mail

Status = Literal["modify", "create", "delete", "rename", "copy"]

MAX_DIFF = 1 << 28
"""The most bytes of one diff: 256 MB."""
MAX_LINE = 1 << 26
"""The most bytes of one line of a diff: 64 MB."""
MAX_BINARY = 1 << 27
"""The most bytes that git binary data may unpack to, in one diff or file: 128 MB."""

_LONGEST = 1 << 14  # bytes of two names; Linux takes half as many
_CHOPPED = 3
_ED_LINES = 1000  # that are looked at for the end of what ed adds
_SHOWN = 200  # bytes of a line in a message
_MERE_TEXT = b"-+*@0123456789#"  # first letters of lines that tell of no file
_MARK = b"\xef\xbb\xbf"
_PACKED = (b"\x1f", b"\xfd", b"B", b"P", b"7", b"R", b"\x28", b"]", b"L", b"\x04")
_PLAIN_STARTS = (b"d", b"I", b"F", b"D", b"#", b"+")  # of most diffs, undamaged
_PLAIN = re.compile(rb"[ +-]*")
_HUNK = re.compile(rb"@@ -(\d{1,18})(?:,(\d{1,18}))? \+(\d{1,18})(?:,(\d{1,18}))? ?@@")
_GIT = b"diff --git "
_TEXT = re.compile(rb"[^-+@*=.#0-9A-Za-dmr\x80-\xff]*")  # by their first letters
_NEXT = (  # how lines begin that come after a hunk at once
    *(b"@@", b"diff ", b"Index: ", b"From ", b"=", b"***", b"#", b"commit ", b"_"),
    *(b"Only in ", b"Binary ", b"Files ", b"Common ", b"Cannot ", b"cvs ", b">"),
    *(b"Property ", b"retrieving ", b"GIT "),
)
_OPENING = (b"From: ", b"Subject: ", b"Description: ", b"Author: ", b"Date: ")
_AFTER_HUNK = b" \t\r\n+-\\"  # first letters of what may belong to the hunk above

_Finder = Callable[[bytes], re.Match[bytes] | None]


def _matcher(pattern: bytes) -> _Finder:
    """Return what matches a pattern that not every diff has.

    It is compiled at the first call: all of them take ten milliseconds.
    """
    compiled = cache(lambda: re.compile(pattern).match)
    return lambda text: compiled()(text)


def _searcher(pattern: bytes) -> _Finder:
    compiled = cache(lambda: re.compile(pattern).search)
    return lambda text: compiled()(text)


_extended = _matcher(
    rb"(old mode|new mode|deleted file mode|new file mode|copy from|copy to"
    rb"|rename from|rename to|rename old|rename new|similarity index"
    rb"|dissimilarity index|index) (.*)",
)
_oids = _matcher(rb"([0-9a-f]+)\.\.([0-9a-f]+)(?: ([0-7]{1,6})\b)?")
_BINARY_NOTE = rb"(?m)^(?:Binary files|Files) (.*) differ\r?$"
_SVN_BINARY = b"Cannot display: file marked as a binary type."
_binary_size = _matcher(rb"(literal|delta) (\d{1,18})\n")
_context = _matcher(
    rb"\*\*\* [^\n]*\n--- [^\n]*\n\*{15}|\*{15}[^\n]*\n\*\*\* \d+(?:,\d+)? \*{4}"
)
_normal = _matcher(rb"\d+(?:,\d+)?[acd]\d+(?:,\d+)?\r?\n(?:[<>] |[<>]\r?\n)")
_version = _matcher(rb"\d+\.\d+[\w.]*(?: \(.*\))?\s*$")
_ed = _matcher(rb"\d+(?:,\d+)?[ac]\s*$")
_field = _matcher(rb"[A-Z][A-Za-z-]*: ")
_commit = _matcher(rb"commit [0-9a-f]{40}\b|# HG changeset patch\s*$")
_untracked = _matcher(rb".*\((?:revision 0|nonexistent)\)\s*$|/dev/null\s*$")
_revision = _searcher(rb"\((?:revision \d+|working copy)\)\s*$")
_indented = _searcher(rb"(?m)^([ \t]{1,80})--- [^\n]*\n\1\+\+\+ [^\n]*\n\1@@ -")
_ESCAPE = rb'\\([abfnrtv"\\]|[0-7]{1,3})'
_ESCAPES = dict(zip(b'abfnrtv"\\', b'\a\b\f\n\r\t\v"\\', strict=True))
_stamp = _searcher(
    rb"\s(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?"
    rb"(?: ?[-+]\d\d:?\d\d| ?Z)?"
    rb"|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d (?:[A-Z]+ )?\d{4}"
    rb"(?: [-+]\d{4})?"
    rb"|\((?:revision \d+|working copy|nonexistent)\))\s*$",
)
_date = _searcher(
    rb"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?) ?([-+]\d\d:?\d\d|Z?)\s*$",
)
_epoch = _searcher(
    rb"1970-01-01[ T](\d\d):(\d\d)(?::00(?:[.,]0+)?)?"
    rb"(?: ?([-+])(\d\d):?(\d\d)| ?(?:Z|UTC|GMT))?\s*$"
    rb"|1969-12-31[ T](\d\d):(\d\d)(?::00(?:[.,]0+)?)? ?-(\d\d):?(\d\d)\s*$"
    rb"|(?:Thu )?Jan +1 00:00:00 (?:UTC |GMT )?1970(?: \+0000)?\s*$",
)


class DiffError(PoachError):
    """A diff that cannot be understood; `line` counts its lines from 1, 0 is all."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"line {self.line} of the diff: {self.reason}"
            if self.line
            else (self.reason)
        )


class NamedDiff(NamedTuple):
    """A diff to apply, and whose it is.

    `name` is the patch's name as the user wrote it, `owner` who asked for it
    (``"buildout.cfg:12"``, may be empty), `data` the bytes of the diff.  `strip` and
    `directory` are None where they are to be found out; an empty `directory` is the
    top of the tree.  `fuzz` is how many lines of context may be ignored, `exclude`
    holds globs of files to leave out (`poach.applier.excluding`), `eol` is "keep" or
    "any" (`poach.applier.endings`).
    """

    name: str
    owner: str
    data: bytes
    strip: int | None = None
    directory: str | None = None
    fuzz: int = 0
    exclude: tuple[str, ...] = ()
    eol: str = "keep"


class Hunk(NamedTuple):
    """One hunk.

    `header` is ``@@ -1,2 +3,4 @@`` as the diff has it, without the section heading.
    `old_start` and `new_start` are its line numbers.  Each of `lines` is a mark (a
    blank, ``+`` or ``-``) and a line with its newline, which is lacking only where
    the file ends without one.  `chopped` of them, the last ones, are blank context that
    the diff lacks at its end.  `loose` of them, the last ones, are blank lines without
    a mark at the end of the file's hunks: they may be no part of the hunk.
    """

    header: str
    old_start: int
    new_start: int
    lines: tuple[bytes, ...]
    chopped: int = 0
    loose: int = 0

    @property
    def old(self) -> list[bytes]:
        """The lines that the hunk expects."""
        return [line[1:] for line in self.lines if line[0] != 43]

    @property
    def new(self) -> list[bytes]:
        """The lines that it puts in their place."""
        return [line[1:] for line in self.lines if line[0] != 45]


class Binary(NamedTuple):
    """The forward half of a git binary hunk.

    `data` is the new contents or, for a `delta`, the instructions that make them of
    the old ones.  `old_oid` and `new_oid` are git's names of both, in hex.
    """

    delta: bool
    data: bytes
    old_oid: str
    new_oid: str


class FileDiff(NamedTuple):
    """What a diff asks for one file.

    `old` and `new` are the names as written, nothing stripped; None is /dev/null.
    `indexed` is the name after svn's ``Index:``.  `status` is what is to happen; a
    "modify" whose only hunk begins at line 0 may create the file.  Modes are git's
    and None where not told.  `git` tells that the names come with git's meaning:
    nothing is guessed.  `crlf` tells that the diff's own lines end with CR LF.
    `part` counts the mails of a mailbox, `line` is where the file begins in the
    diff.  `lost` tells of a binary change that the diff mentions but lacks.
    `reversed` tells that by its times or names the diff leads back: from the newer
    side to the older one, or from ``f`` to ``f.orig``.  `subject` is that of the
    mail or commit which the file belongs to, as the mail has it, empty where none is
    told.  `git_line` is what follows ``diff --git`` (see `git_names`).
    """

    old: str | None
    new: str | None
    indexed: str | None = None
    status: Status = "modify"
    old_mode: int | None = None
    new_mode: int | None = None
    hunks: tuple[Hunk, ...] = ()
    binary: Binary | None = None
    git: bool = False
    crlf: bool = False
    part: int = 0
    line: int = 1
    lost: bool = False
    reversed: bool = False
    subject: str = ""
    git_line: bytes = b""

    @property
    def git_names(self) -> tuple[str, ...]:
        """The names that ``diff --git`` gives, new one first, none where it is absent.

        They are for a file whose ``---`` and ``+++`` have names that do not fit.
        """
        if not self.git_line:
            return ()
        try:
            old, new = _split_names(self.git_line.rstrip(b"\r\n"), self.line)
        except DiffError:
            return ()
        return tuple(name for name in (new, old) if name)


def parse(
    data: bytes, is_left_out: Callable[[Sequence[str]], bool] = lambda names: False
) -> tuple[FileDiff, ...]:
    """Parse the unified diffs in `data`, with whatever text stands around them.

    Returns one value for each file section, in order.  Raises `DiffError`, or
    `Faults` of them, for everything that cannot be understood: damaged hunks,
    other kinds of diffs, no diff at all, changes that the diff tells of and lacks.
    What gzip, bzip2 or xz packed is unpacked.  `is_left_out` is asked about the names
    of each file that the diff tells of and lacks, and tells whether it is left out.
    """
    data = _readable(data)
    scanner = _Scanner(data)
    scanner.is_left_out = is_left_out
    files = scanner.run()
    if not scanner.faults and all(file.lost and not file.git for file in files):
        indented = _indented(data)
        if indented:
            return parse(re.sub(rb"(?m)^" + indented[1], b"", data), is_left_out)
        from poach.applier.nodiff import why_nothing

        scanner.faults.append(DiffError(0, why_nothing(data)))
    scanner.faults.sort(key=attrgetter("line"))
    raise_faults(scanner.faults)
    return tuple(files)


def _readable(data: bytes) -> bytes:
    """Return the text of a diff, unpacked and without byte order marks.

    Raises `DiffError` where something became of the whole diff on its way.
    """
    _check_length("the diff", len(data), MAX_DIFF)
    if data[:1] in _PACKED or data[257:262] == b"ustar":
        from poach.applier.packing import BadPacking, unpacked

        try:
            data = unpacked(data, MAX_DIFF)
        except BadPacking as error:
            raise DiffError(0, str(error)) from error
    if _MARK in data:  # also within, where several files were put together
        data = re.sub(rb"(?m)^" + _MARK, b"", data)
    bare = b"\r" in data and b"\n" not in data.rstrip(b"\n")
    if bare or data[:1] not in _PLAIN_STARTS or b"\x1b[" in data:
        from poach.applier.nodiff import damage

        if reason := damage(data):
            raise DiffError(0, reason)
    return data


def split_lines(data: bytes) -> list[bytes]:
    """Split at newlines only, where bytes.splitlines splits at CR too; keep them."""
    return list(BytesIO(data))


class _Head:
    """The header of a file section while it is read."""

    def __init__(
        self,
        line: int,
        git: bytes | None = None,
        old: bytes | None = None,
        new: bytes | None = None,
        index: bytes | None = None,
    ) -> None:
        self.line = line
        self.git = git
        self.old = old
        self.new = new
        self.index = index
        self.extended: dict[bytes, bytes] = {}
        self.crlf = False


class _Pending(NamedTuple):
    """A file that a line announces, and whose hunks have to come.

    `rank` grows with the lines of a header: ``===``, ``Index:``, ``diff -u``, ``---``.
    `is_new` tells that nothing says that the file was there before.
    """

    line: int
    name: bytes
    rank: int
    is_new: bool


class _Scanner:
    """Walks over the lines of a diff, never taking a hunk's line for a header."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lines = split_lines(data)
        longest = max(map(len, self.lines), default=0)
        _check_length("a line of the diff", longest, MAX_LINE)
        self.cut_off = not data.endswith(b"\n")
        if self.cut_off and self.lines:
            self.lines[-1] += b"\n"
        self.marks = bytes(map(itemgetter(0), self.lines))
        self.unpacked = 0
        self.at = 0
        self.part = 0
        self.subject = ""
        self.pending: _Pending | None = None
        self.last: FileDiff | None = None
        self.gap: int | None = None  # where the text after a file begins
        self.boundaries: frozenset[bytes] | None = None
        self.bare: list[int] = []  # lines of the hunk that lack their newline
        self.index: bytes | None = None
        self.names: tuple[bytes, bytes] | None = None  # with text before the hunks
        self.faults: list[DiffError] = []
        self.is_left_out: Callable[[Sequence[str]], bool] = lambda names: False

    def run(self) -> list[FileDiff]:
        """Return the files; what is wrong gathers in `faults`."""
        files: list[FileDiff] = []
        self._open_first_mail()
        self._refuse_encoded()
        while (start := self._after_text()) < len(self.lines):
            try:
                found = self._section()
            except DiffError as error:
                self.faults.append(error)
                self.gap = None
                self.at = max(self.at, start + 1)
                self._skip_to_next_section()
                self.pending = None
            else:
                if found:
                    self._close_gap(found.line - 1)
                    files.append(found)
                    self.gap = self.at
        self._close_gap(len(self.lines))
        self._settle()
        return files

    def _close_gap(self, end: int) -> None:
        """Refuse what looks like a hunk from the last file up to the line `end`."""
        start, self.gap = self.gap, None
        if start is None or not any(map(bytes.strip, self.lines[start:end])):
            return
        from poach.applier import leftover

        gap = self.lines[start:end]
        found = leftover.find(gap, self._boundaries())
        if found is not None:
            said = f"{_short(gap[found])}: {leftover.REASON}"
            self.faults.append(DiffError(start + found + 1, said))

    def _after_text(self) -> int:
        """Step over lines that say nothing, as in a mail; return where that leads."""
        found = _TEXT.match(self.marks, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def _section(self) -> FileDiff | None:
        line = self.lines[self.at]
        if line.startswith(_GIT):
            return self._git_section()
        if line.startswith(b"--- ") and self._is_unified(self.at):
            return self._unified_section(_Head(self.at + 1, index=self.index))
        if line.startswith(b"--- ") and self._peek(self.at + 1).startswith(b"+++ "):
            self._announce_names(line[4:], self._peek(self.at + 1)[4:])
        if line.startswith((b"--- ", b"+++ ")) and self._is_half():
            self.names, self.at = (line[4:], line[4:]), self.at + 1
        if _HUNK.match(self._peek(self.at)):
            return self._headless_section()
        if line.startswith((b"Binary files ", b"Files ", _SVN_BINARY)):
            return self._binary_note()
        if self.names and self._is_stray(line):
            raise DiffError(self.at + 1, _STRAY)
        self._refuse_other_kinds(line)
        self._refuse_what_is_cut_off(line)
        told = self._note(line)
        self.at += 1
        return told

    def _is_stray(self, line: bytes) -> bool:
        """Tell whether a line is one of a hunk, but stands where none is."""
        is_header = line.startswith((b"--- ", b"+++ ")) or line.strip() == b"--"
        return line[:1] in (b"+", b"-") and not is_header

    def _note(self, line: bytes) -> FileDiff | None:
        """Take notice of a line; return the binary file that it tells of, if one."""
        if line.startswith(b"Index: "):
            self.index = line[7:]
            if self._ends_at(self.at + 1):
                raise DiffError(self.at + 1, _CUT_OFF)
            if self._peek(self.at + 1).startswith(b"==="):
                self._close_gap(self.at)
                self._announce(line[7:], 1)
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
            self._close_gap(self.at)
            self.subject = self._subject_of_commit()
        elif line[0] not in _MERE_TEXT or line.startswith((b"# rename", b"#  rename")):
            return self._told(line)
        return None

    def _open_first_mail(self) -> None:
        """Read the header of a mail, or of another kind, that the diff begins with."""
        while self.at < len(self.lines) and not self.lines[self.at].strip():
            self.at += 1
        name, colon, _ = self._peek(self.at).partition(b":")
        is_field = name.replace(b"-", b"").isalnum()
        if colon and is_field and name not in (b"Index", b"diff"):
            self._open_mail()
            self.at += 1

    def _refuse_encoded(self) -> None:
        if any(mark in self.data for mark in (b"ransfer-", b"RANSFER-")):
            from poach.applier import mail

            self.faults += (_of_mail(each) for each in mail.encoded(self.data))

    def _opens_another(self) -> bool:
        """Tell whether a patch with a header of its own follows another one."""
        from poach.applier import mail

        return self.last is not None and mail.opens(self.lines, self.at)

    def _open_mail(self) -> None:
        """Step over the header and the prose of a mail, to the line before its diff."""
        from poach.applier import mail

        self._settle()
        self._close_gap(self.at)
        found = mail.read(self.lines, self.marks, self.at)
        self.subject = found.subject
        self.faults += map(_of_mail, found.faults)
        self.at = max(self.at, found.after - 1)

    def _subject_of_commit(self) -> str:
        """Return the first line of the message below ``commit`` or ``# HG``."""
        mark = b"    " if self._peek(self.at).startswith(b"commit") else b""
        for line in self.lines[self.at + 1 : self.at + 20]:
            if line.startswith(mark) and line.strip() and line[:1] != b"#":
                return _show(line.strip())
        return ""

    def _told(self, line: bytes) -> FileDiff | None:
        """Read a line that may tell of a file; raise if the diff lacks that."""
        from poach.applier import announced

        found = announced.read(line, self._peek(self.at + 1))
        if found is None:
            return None
        names = [*map(_unquoted, found.names)]
        if found.kind == "lost":
            if self.is_left_out([*map(_text, names)]) or self._is_prose(line):
                return None
            raise DiffError(self.at + 1, f"{_short(line)}: {found.reason}")
        if found.kind == "binary":
            return self._lost(_name(found.names[0]), _name(found.names[-1]))
        first, last = names[0], names[-1]
        if line.startswith(b"=="):
            self.names = (first, last)
        self._announce(last, 2 if line.startswith(b"diff ") else 0)
        return None

    def _is_prose(self, line: bytes) -> bool:
        """Tell whether a line above the first file is a sentence of its message."""
        from poach.applier.announced import is_sentence

        is_above = self.gap is None and self.pending is None
        return is_above and is_sentence(line, self._peek(self.at + 1), self.data)

    def _announce_names(self, old: bytes, new: bytes) -> None:
        self.names = (old, new)
        name = old if new.startswith(b"/dev/null") else new
        self._announce((_name(name) or "").encode("utf-8", "surrogateescape"), 3, old)

    def _announce(self, name: bytes, rank: int, old: bytes = b"") -> None:
        """Expect the hunks of a file; a header may name it in several lines."""
        from poach.applier.announced import is_same

        name = name.rstrip()
        pending = self.pending
        if not (pending and pending.rank < rank and is_same(pending.name, _text(name))):
            self._settle()
        is_new = rank < 3 or bool(_untracked(old)) or _is_epoch(old)
        self.pending = _Pending(self.at + 1, name, rank, is_new)

    def _settle(self, file: FileDiff | None = None) -> None:
        """Report the file that was announced, unless `file` is it."""
        pending, self.pending = self.pending, None
        if pending is None:
            return
        from poach.applier.announced import UNTOLD, is_same

        if file is not None and is_same(pending.name, file.old, file.new):
            return
        if not self.is_left_out([_text(pending.name)]):
            said = f"{_short(pending.name)}: {UNTOLD}"
            self.faults.append(DiffError(pending.line, said))

    def _properties(self, name: bytes) -> None:
        """Refuse properties of Subversion that change what the diff does not show."""
        from poach.applier.announced import is_same, lost_properties

        self.names = None
        self._close_gap(self.at)
        first, at = self.at + 1, self.at + 1
        while at < len(self.lines) and not self._begins_section(at):
            at += 1
        text = b"".join(self.lines[first:at])
        pending, last = self.pending, self.last
        if pending and is_same(pending.name, _text(name)):
            reason = lost_properties(text, False, pending.is_new)
            self.pending = None
        else:
            shown = last is not None and is_same(name, last.old, last.new)
            reason = lost_properties(text, shown, False)
        if reason:
            raise DiffError(first, f"{_short(name)}: {reason}")

    def _is_unified(self, at: int) -> bool:
        return self._peek(at + 1).startswith(b"+++ ") and bool(
            _HUNK.match(self._peek(at + 2))
        )

    def _is_half(self) -> bool:
        """Tell whether hunks follow, with one line of names above them or none."""
        line = self._peek(self.at)
        return bool(_HUNK.match(line) or _HUNK.match(self._peek(self.at + 1)))

    def _peek(self, at: int) -> bytes:
        return self.lines[at] if at < len(self.lines) else b""

    def _refuse_other_kinds(self, line: bytes) -> None:
        if line.startswith(b"***") and _context(self._glance()):
            raise DiffError(self.at + 1, _CONTEXT_DIFF)
        if line[:1].isdigit() and _normal(self._glance()):
            raise DiffError(self.at + 1, _NORMAL_DIFF)
        if line[:1].isdigit() and _ed(line) and self._ends_like_ed():
            from poach.applier.nodiff import ED

            raise DiffError(self.at + 1, ED)
        if line.startswith(b"GIT binary patch"):
            raise DiffError(self.at + 1, _NO_BINARY_HEAD)
        if line.startswith(b"@@@ -") or self._is_combined(line):
            from poach.applier.nodiff import COMBINED

            raise DiffError(self.at + 1, COMBINED)
        if line.startswith(b"@@ -"):
            raise DiffError(self.at + 1, _ODD_HEADER)

    def _ends_like_ed(self) -> bool:
        """Tell whether a dot ends the lines here, as those that ed adds."""
        for at in range(self.at + 1, min(self.at + _ED_LINES, len(self.lines))):
            if self._begins_section(at):
                return False
            if self.lines[at].rstrip() == b".":
                return True
        return False

    def _is_combined(self, line: bytes) -> bool:
        following = self._peek(self.at + 1)
        several = following.startswith(b"index ") and b"," in following
        return several and line.startswith((b"diff --cc ", b"diff --combined "))

    def _refuse_what_is_cut_off(self, line: bytes) -> None:
        """Refuse a diff that ends, without a newline, in a header."""
        last = self.cut_off and self.at + 1 >= len(self.lines)
        if last and line.startswith((b"--- ", b"+++ ", b"@@ -")):
            raise DiffError(len(self.lines), _CUT_OFF)

    def _binary_note(self) -> FileDiff | None:
        """Read a note about files that differ; its names count for their file."""
        line, index = self.lines[self.at], self.index
        found = re.match(_BINARY_NOTE, line)
        noted = None
        if found:
            first, _, second = found[1].partition(b" and ")
            noted = self._lost(_name(first), _name(second))
        elif index is not None and line.startswith(_SVN_BINARY):
            noted = self._lost(_name(index), _name(index))
        elif line.startswith(b"File"):
            self._told(line)
        self.at += 1
        return noted

    def _lost(self, old: str | None, new: str | None) -> FileDiff:
        """Return a change of a binary file whose data the diff lacks."""
        file = FileDiff(old, new, line=self.at + 1, part=self.part, lost=True)
        self._settle(file)
        return file._replace(subject=self.subject)

    def _glance(self) -> bytes:
        return b"".join(self.lines[self.at : self.at + 3])

    def _skip_to_next_section(self) -> None:
        while self.at < len(self.lines) and not self._begins_section(self.at):
            self.at += 1

    def _begins_section(self, at: int) -> bool:
        line = self.lines[at]
        if line.startswith(b"--- "):
            return self._is_unified(at)
        return line.startswith((_GIT, b"Index: ", b"From "))

    def _git_section(self) -> FileDiff | None:
        line = self.lines[self.at]
        head = _Head(self.at + 1, git=line[len(_GIT) :])
        head.crlf = _has_cr(line)
        self.at += 1
        while found := _extended(self._peek(self.at)):
            head.extended[found[1]] = found[2]
            self.at += 1
        for source, target in _MOVES:
            if (source in head.extended) != (target in head.extended):
                raise DiffError(head.line, _HALF_A_MOVE)
        following = self._peek(self.at)
        if following.startswith((b"--- ", b"+++ ")) and not self._is_own(head):
            if self._is_unified(self.at):
                raise DiffError(self.at + 1, _ANOTHER)
            return self._file(head)
        if following.startswith(b"--- ") and self._is_unified(self.at):
            return self._unified_section(head)
        if following.startswith((b"--- ", b"+++ ", b"@@ -")) and self._is_half():
            self.at += not following.startswith(b"@@")
            return self._file(head, tuple(self._hunks()))
        return self._git_section_without_hunks(head)

    def _git_section_without_hunks(self, head: _Head) -> FileDiff | None:
        following = self._peek(self.at)
        if following.startswith(b"GIT binary patch"):
            self.at += 1
            return self._file(head)._replace(binary=self._binary(head))
        if self._is_cut_off(head):
            raise DiffError(self.at, _CUT_OFF)
        lost = bool(re.match(_BINARY_NOTE, following))
        self.at += lost
        if not lost and self._is_stray(following):
            raise DiffError(self.at + 1, _STRAY)
        if not lost and (_is_unsaid(head.extended) or _is_unlike(head.extended)):
            raise DiffError(head.line, _UNSAID)
        if lost or _says_something(head.extended):
            return self._file(head)._replace(lost=lost)
        return None

    def _is_cut_off(self, head: _Head) -> bool:
        """Tell whether the diff ends in the middle of git's header.

        Of a new file without lines, git writes an index line, Mercurial writes none.
        """
        if not self._ends_at(self.at):
            return False
        words = head.extended
        if self.at >= len(self.lines) and self.cut_off:
            return not (len(words) > 1 and b"index" in words)
        if b"new file mode" in words:
            return b"index" not in words and not self._is_of_mercurial()
        if (b"old mode" in words) != (b"new mode" in words):
            return True
        return not _says_something(words)

    def _ends_at(self, at: int) -> bool:
        """Tell whether nothing but blank lines comes from a line on."""
        while at < len(self.lines) and not self.lines[at].strip():
            at += 1
        return at >= len(self.lines)

    def _is_of_mercurial(self) -> bool:
        """Tell whether Mercurial made the diff: it writes no index line for text."""
        is_one = b"\n# Node ID " in self.data or self.data.startswith(b"# HG ")
        return is_one or (
            re.search(rb"(?m)^diff --git .*\n--- ", self.data) is not None
            and re.search(rb"(?m)^index [0-9a-f]+\.\.", self.data) is None
        )

    def _is_own(self, head: _Head) -> bool:
        """Tell whether ``---`` belongs to the section; a rename may have no hunks."""
        moved = head.extended.keys() & {b"rename from", b"copy from"}
        return not moved or _name(self.lines[self.at][4:]) in _names(head)

    def _unified_section(self, head: _Head) -> FileDiff:
        head.old = self.lines[self.at][4:]
        head.new = self.lines[self.at + 1][4:]
        head.crlf = _has_cr(head.old) and _has_cr(head.new)
        self.at += 2
        return self._file(head, tuple(self._hunks()))

    def _headless_section(self) -> FileDiff:
        old, new = self.names or (self.index, self.index)
        if old is None or new is None:
            raise DiffError(self.at + 1, "a hunk without the name of its file above it")
        head = _Head(self.at + 1, old=old, new=new, index=self.index)
        head.crlf = _has_cr(old) and _has_cr(new)
        return self._file(head, tuple(self._hunks()))

    def _file(self, head: _Head, hunks: tuple[Hunk, ...] = ()) -> FileDiff:
        self.index = self.names = None
        file = _named(head, hunks, self.part)
        if hunks and _is_pointer(hunks):
            raise DiffError(head.line, _POINTER)
        if head.index is not None and _is_copy(head.old, file):
            raise DiffError(head.line, _COPY)
        if self.pending is not None:
            self._settle(file)
        self.last = file
        return file._replace(subject=self.subject) if self.subject else file

    def _hunks(self) -> Iterator[Hunk]:
        while found := _HUNK.match(self._peek(self.at)):
            old_start, old, new_start, new = map(int, found.groups(b"1"))
            start, self.at = self.at, self.at + 1
            self.bare = []
            lines = self._body(start, old, new)
            self._check_body(start, lines)
            self._refuse_a_header_within(start)
            if self.at < len(self.lines):
                self._check_following(start, lines[-1])
            # The last ones may have been put in the place of lines that are lacking.
            chopped = max(0, len(lines) - (self.at - start - 1))
            loose = self._loose(chopped)
            header = found[0].decode()
            yield Hunk(header, old_start, new_start, tuple(lines), chopped, loose)

    def _loose(self, chopped: int) -> int:
        """Count the last lines of a hunk that may be blank lines after it.

        Where another hunk follows at once, they are lines of this one.
        """
        first = self.at
        while self.lines[first - 1] in (b"\n", b"\r\n"):
            first -= 1
        ends = not self._peek(self.at).startswith(b"@@")
        return self.at - first + chopped if ends and first < self.at else 0

    def _check_body(self, start: int, lines: list[bytes]) -> None:
        """Refuse what GNU patch and git call malformed."""
        cut_off = self.cut_off and self.at >= len(self.lines)
        # Of another line than an added one, nothing can be lost: the tree has it.
        if cut_off and lines[-1:] and lines[-1][0] == 43 and lines[-1][-1] == 10:
            raise DiffError(len(self.lines), _MAY_BE_CUT_OFF)
        if not self._has(b"+", start) and not self._has(b"-", start):
            raise DiffError(start + 1, f"{_header(self.lines[start])}: {_NO_CHANGE}")
        if self.bare and _goes_on(lines, self.bare):
            raise DiffError(start + 1, f"{_header(self.lines[start])}: {_GOES_ON}")

    def _refuse_a_header_within(self, start: int) -> None:
        """Refuse a hunk that has taken what comes after it for lines of its own."""
        mark = self.marks[self.at - 1]
        if mark not in b"+-" or self.at - start < 3:
            return
        before, last = self.lines[self.at - 2 : self.at]
        after, then = self._peek(self.at), self._peek(self.at + 1)
        is_half = last.startswith(b"--- ") and after.startswith(b"+++ ")
        is_whole = before.startswith(b"--- ") and last.startswith(b"+++ ")
        is_signature = last.rstrip() == b"--" and _version(after)
        if (
            (is_half and _HUNK.match(then))
            or (is_whole and _HUNK.match(after))
            or is_signature
        ):
            raise DiffError(start + 1, f"{_header(self.lines[start])}: {_TOO_LARGE}")

    def _check_following(self, start: int, last: bytes) -> None:
        """Refuse what comes after a hunk, and may be a part of it that is lost."""
        line = self.lines[self.at]
        if line[0] in _AFTER_HUNK:
            self._refuse_surplus(start)
        elif last[0] == 43 and not line.startswith(_NEXT) and not _field(line):
            from poach.applier import announced

            if not announced.read(line, self._peek(self.at + 1)):
                raise DiffError(self.at + 1, f"{_short(line)}: {_WRAPPED}")

    def _refuse_surplus(self, start: int) -> None:
        """Refuse lines after the hunk that look like more of it.

        A mail's signature, a header and text end the search, blank lines do not.
        """
        close = True  # to the hunk: context comes at once, or prose that is indented
        for at in range(self.at, len(self.lines)):
            line = self.lines[at]
            plain = line.strip()
            if line[0] not in _AFTER_HUNK or self._begins_file(at):
                return
            if line.startswith(b"--") and self._ends_part(line):
                return
            is_signature = plain == b"--" or (not close and not plain.strip(b"-"))
            is_change = line[0] in b"+-" and not is_signature
            if is_change or (close and line[0] in b" \t" and plain):
                header = _header(self.lines[start])
                raise DiffError(start + 1, f"{header}: {_SURPLUS.format(at + 1)}")
            close = close and bool(plain)

    def _ends_part(self, line: bytes) -> bool:
        """Tell whether a line is the boundary of a MIME part, as its mail says."""
        return line.rstrip() in self._boundaries()

    def _boundaries(self) -> frozenset[bytes]:
        """Return the lines between the parts of mails, looked for once."""
        if self.boundaries is None:
            from poach.applier import mail

            self.boundaries = mail.boundaries(self.data)
        return self.boundaries

    def _begins_file(self, at: int) -> bool:
        """Tell whether a file's header begins at a line, also one that lacks a half."""
        line, following = self.lines[at], self._peek(at + 1)
        if line.startswith(b"--- ") and following.startswith(b"+++ "):
            return True
        return line.startswith((b"--- ", b"+++ ")) and bool(
            _HUNK.match(following) or _HUNK.match(self._peek(at + 2))
        )

    def _has(self, mark: bytes, start: int) -> bool:
        """Tell whether a line from `start` up to here has this mark."""
        return self.marks.find(mark, start, self.at) >= 0

    def _body(self, start: int, old: int, new: int) -> list[bytes]:
        """Read the lines of the hunk that begins at `start`, made good.

        Blanks that were stripped of context lines are put back, as GNU patch does;
        a marker in any language takes the newline before it away.
        """
        body: list[bytes] = []
        while old > 0 or new > 0:
            if body and self._peek(self.at).startswith(b"\\"):
                self._end_bare(body)
                continue
            lines = self._plain(max(old, new)) or self._mended()
            if not lines:
                return body + self._chopped(start, old, new, bool(body))
            end = self.at + len(lines)
            old -= len(lines) - self.marks.count(b"+", self.at, end)
            new -= len(lines) - self.marks.count(b"-", self.at, end)
            if old < 0 or new < 0:
                header = _header(self.lines[start])
                raise DiffError(start + 1, f"{header}: {_TOO_MANY}")
            body += lines
            self.at = end
        if body and self._peek(self.at).startswith(b"\\"):
            self._end_bare(body)
        return body

    def _plain(self, most: int) -> list[bytes]:
        """Return the lines that need no repair, at `most` so many: nearly always all.

        A hunk has at least as many lines as its longer side, so that many cannot
        lead beyond it.
        """
        found = _PLAIN.match(self.marks, self.at, self.at + most)
        return self.lines[self.at : found.end()] if found else []

    def _mended(self) -> list[bytes]:
        """Return the context line that has another mark than a blank, or none."""
        line = self._peek(self.at)
        if line.startswith(b"="):  # of old, for a blank
            return [b" " + line[1:]]
        return [b" " + line] if line.startswith((b"\t", b"\r", b"\n")) else []

    def _end_bare(self, body: list[bytes]) -> None:
        """Take the newline off the last line, as the marker after it says."""
        body[-1] = body[-1].removesuffix(b"\n")
        self.bare.append(len(body) - 1)
        self.at += 1

    def _chopped(self, start: int, old: int, new: int, some: bool) -> list[bytes]:
        """Return the blank context lines that were cut off at the diff's end.

        GNU patch takes a diff that lacks as many as its context may have.
        """
        if some and old == new <= _CHOPPED and self.at >= len(self.lines):
            return [b" \n"] * old
        raise DiffError(start + 1, f"{_header(self.lines[start])}: {_TOO_FEW}")

    def _binary(self, head: _Head) -> Binary:
        start = self.at
        found = _binary_size(self._peek(self.at))
        oids = _oids(head.extended.get(b"index", b""))
        if not found or not oids:
            raise DiffError(start, "a git binary patch without its size or index line")
        self.at += 1
        packed = self._base85()
        if _binary_size(self._peek(self.at)):  # the way back, not needed
            self.at += 1
            self._base85()
        self.unpacked += int(found[2])
        if self.unpacked > MAX_BINARY:
            raise DiffError(start, _too_long("binary data", self.unpacked, MAX_BINARY))
        data = _inflate(packed, int(found[2]), start)
        return Binary(found[1] == b"delta", data, oids[1].decode(), oids[2].decode())

    def _base85(self) -> bytes:
        chunks = []
        while line := self._peek(self.at).rstrip(b"\n"):
            chunks.append(_decode85(line, self.at + 1))
            self.at += 1
        if self.at >= len(self.lines):
            raise DiffError(self.at, _NO_END)
        self.at += 1
        return b"".join(chunks)


_TOO_FEW = "the hunk has fewer lines than its header says; the diff is damaged"
_TOO_MANY = "the hunk has other lines than its header says; the diff is damaged"
_TOO_LARGE = (
    "the header counts more lines than the hunk has, so that what comes after the hunk "
    "would be taken for lines of it; the diff is damaged"
)
_SURPLUS = (
    "the hunk has more lines than its header says, from line {} of the diff on, which "
    "would be lost"
)
_STRAY = "a changed line above the header of its hunk; the diff is damaged"
_COPY = (
    "Subversion made a copy of another file here, which this diff cannot carry out; "
    "make it with svn diff --show-copies-as-adds"
)
_WRAPPED = (
    "this comes at once after an added line, so that it may be the rest of that line, "
    "which was wrapped; get the diff again, or put a blank line before this text"
)
_MAY_BE_CUT_OFF = (
    "the last line of the diff, an added one, has no newline, so that it may be cut "
    "off; get the diff again, or end that line with a newline if it is whole"
)
_UNSAID = (
    "the header says that the contents of the file change, and the diff does not say "
    "how; make it again without -w and other options that leave out changes"
)
_POINTER = (
    "the diff has a pointer of Git LFS instead of the contents of the file, which it "
    "lacks"
)
_CUT_OFF = "the diff ends in the middle of a line or of a header; it is cut off"
_NO_CHANGE = "the hunk changes nothing; the diff is damaged"
_ANOTHER = "this file is not the one of the git header above; the diff is damaged"
_GOES_ON = "the file goes on after its end; the diff is damaged"
_HALF_A_MOVE = "a rename or copy that lacks one of its names; the diff is damaged"
_NO_BINARY_HEAD = "a git binary patch without its header; the diff is damaged"
_NO_END = "binary data without the blank line that ends it; the diff is cut off"
_ODD_HEADER = "a hunk header that cannot be understood; the diff is damaged"
_CONTEXT_DIFF = "a context diff; only unified diffs apply, make it with diff -ruN"
_NORMAL_DIFF = (
    "a diff without file names; only unified diffs apply, make it with diff -ruN"
)


_MOVES = ((b"rename from", b"rename to"), (b"copy from", b"copy to"))


def _says_something(words: dict[bytes, bytes]) -> bool:
    """Tell whether git's extended headers ask for a change, or name one."""
    index = words.get(b"index")
    others = words.keys() - {b"index", b"similarity index", b"dissimilarity index"}
    return bool(others) or (index is not None and bool(_oids(index)))


def _is_unsaid(words: dict[bytes, bytes]) -> bool:
    """Tell whether git's index line names other contents, which the diff lacks.

    What deletes a file may leave its lines out: it fits an empty file only.
    """
    found = _oids(words.get(b"index", b""))
    if not found or b"deleted file mode" in words:
        return False
    old, new = found[1], found[2]
    empty = any(each.startswith(new) for each in _EMPTY_OIDS) or not new.strip(b"0")
    return not (empty if b"new file mode" in words else old == new)


def _is_unlike(words: dict[bytes, bytes]) -> bool:
    """Tell whether git's header says that the contents are not wholly the same."""
    alike = words.get(b"similarity index", b"100%").strip()
    return alike != b"100%" or b"dissimilarity index" in words


_EMPTY_OIDS = (
    b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)


def _is_copy(old: bytes | None, file: FileDiff) -> bool:
    """Tell whether Subversion compares a new file with another one, its source."""
    if not (old and file.old and file.new and _revision(old)):
        return False
    names = [name.rpartition("/")[2] for name in (file.old, file.new)]
    return names[0] != names[1] and (file.indexed or "").endswith(names[1])


def _is_pointer(hunks: tuple[Hunk, ...]) -> bool:
    """Tell whether all that a file gets is a pointer of Git LFS."""
    first = hunks[0].lines
    return (
        first[0].startswith(b"+version https://git-lfs.github.com/spec/")
        and len(hunks) == 1
        and len(first) <= 4
    )


def _of_mail(fault: mail.Fault) -> DiffError:
    return DiffError(fault.line + 1, fault.reason)


def _check_length(what: str, size: int, most: int) -> None:
    if size > most:
        raise DiffError(0, _too_long(what, size, most))


def _too_long(what: str, size: int, most: int) -> str:
    return f"{what} has {size} bytes, more than {most}"


def _short(line: bytes) -> str:
    """Return a line for a message, cut."""
    text = _show(line.strip()[:_SHOWN])
    return repr(text if len(line) <= _SHOWN else f"{text}...")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _goes_on(lines: list[bytes], bare: list[int]) -> bool:
    """Tell whether a side has lines after one that lacks its newline."""
    return any(_shares_side(lines[at], lines[at + 1 :]) for at in bare)


def _shares_side(line: bytes, others: list[bytes]) -> bool:
    mark = line[0]
    return any(32 in (mark, other[0]) or other[0] == mark for other in others)


def _has_cr(line: bytes) -> bool:
    return line.endswith(b"\r\n")


def _header(line: bytes) -> str:
    found = _HUNK.match(line)
    return found[0].decode() if found else ""


def _named(head: _Head, hunks: tuple[Hunk, ...], part: int) -> FileDiff:
    """Return the file: names, status and modes."""
    indexed = _name(head.index) if head.index is not None else None
    old, new = _below(indexed, *_names(head))
    modes = head.extended
    return FileDiff(
        old=old,
        new=new,
        indexed=indexed,
        status=_status(head, old, new, hunks),
        old_mode=_mode(modes, b"old mode", b"deleted file mode"),
        new_mode=_mode(modes, b"new mode", b"new file mode") or _index_mode(modes),
        hunks=hunks,
        part=part,
        git=head.git is not None,
        reversed=_leads_back(head, old, new),
        crlf=head.crlf,
        line=head.line,
        git_line=head.git or b"",
    )


def _below(
    indexed: str | None, old: str | None, new: str | None
) -> tuple[str | None, str | None]:
    """Return both names with the folder that only ``Index:`` tells, as old CVS does."""
    folder, _, name = (indexed or "").rpartition("/")
    if not folder or any(each not in (None, name) for each in (old, new)):
        return old, new
    return indexed if old else None, indexed if new else None


def _names(head: _Head) -> tuple[str | None, str | None]:
    """Return the names; ``---`` and ``+++`` count for more than ``diff --git``."""
    renamed = b"rename from" in head.extended or b"copy from" in head.extended
    if head.old is not None and head.new is not None and not renamed:
        old, new = _name(head.old), _name(head.new)
    else:
        old, new = _git_names(head)
    return (
        None if b"new file mode" in head.extended else old,
        None if b"deleted file mode" in head.extended else new,
    )


def _git_names(head: _Head) -> tuple[str | None, str | None]:
    assert head.git is not None
    rest = head.git.rstrip(b"\r\n")
    words = head.extended
    source = words.get(b"rename from") or words.get(b"copy from")
    target = words.get(b"rename to") or words.get(b"copy to")
    if source and target:
        return _with_prefix(rest, _name(source) or "", _name(target) or "")
    return _split_names(rest, head.line)


def _with_prefix(rest: bytes, old: str, new: str) -> tuple[str, str]:
    """Give the bare names of a rename the prefixes that ``diff --git`` shows."""
    text = rest.decode("utf-8", "surrogateescape")
    bare = not text.startswith('"') and text == f"{old} {new}"
    return (old, new) if bare else (f"a/{old}", f"b/{new}")


def _split_names(rest: bytes, line: int) -> tuple[str | None, str | None]:
    """Split ``a/NAME b/NAME``, where NAME may hold blanks or be quoted.

    That the names are alike but for some folders tells which blank is between them.
    """
    if len(rest) > _LONGEST:
        raise DiffError(line, "a line with names of files that is too long")
    pairs = [(_name(rest[:at]), _name(rest[at + 1 :])) for at in _blanks(rest)]
    alike = [(_unlike(old, new), old, new) for old, new in pairs if old and new]
    if not alike or min(alike)[0] == _NOTHING:
        raise DiffError(line, f"cannot tell the names in {_show(_GIT + rest)!r}")
    return min(alike, key=lambda found: found[0])[1:]


_NOTHING = 1 << 16


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


def _show(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")


def _name(raw: bytes) -> str | None:
    """Return the name in a header line, None for /dev/null.

    A tab ends it (POSIX, diff -u); a date that is set off by blanks is cut off; C
    quotes are resolved (git's core.quotePath).
    """
    raw = raw.rstrip(b"\r\n")
    if raw.startswith(b'"'):
        text = _unquoted(raw)
    else:
        text = raw.partition(b"\t")[0]
        stamp = _stamp(text) if text.split() != [text] else None
        text = text[: stamp.start()].rstrip() if stamp else text
    return (
        None
        if text.strip() == b"/dev/null"
        else (text.decode("utf-8", "surrogateescape"))
    )


def _unquoted(raw: bytes) -> bytes:
    end = re.match(rb'"((?:[^"\\]|\\.)*)"', raw)
    return re.sub(_ESCAPE, _unescape, end[1]) if end else raw


def _unescape(found: re.Match[bytes]) -> bytes:
    word = found[1]
    return bytes([int(word, 8) & 255 if word.isdigit() else _ESCAPES[word[0]]])


def _status(
    head: _Head, old: str | None, new: str | None, hunks: tuple[Hunk, ...]
) -> Status:
    for word, meaning in _GIT_STATUS.items():
        if word in head.extended:
            return meaning
    if old is None or (_is_epoch(head.old) and _from_nothing(hunks)):
        return "create"
    if new is None or (_is_epoch(head.new) and _to_nothing(hunks)):
        return "delete"
    return "modify"


_GIT_STATUS: dict[bytes, Status] = {
    b"rename from": "rename",
    b"rename old": "rename",
    b"copy from": "copy",
    b"new file mode": "create",
    b"deleted file mode": "delete",
}


def _is_epoch(raw: bytes | None) -> bool:
    """Tell whether the time stamp in a header line is 1970-01-01 00:00:00 UTC.

    GNU diff -N writes it for files that are not there.
    """
    # The pattern is not for every diff: it takes a millisecond to compile.
    near = raw is not None and (b"1970" in raw or b"1969" in raw)
    found = _epoch(raw.rstrip(b"\r\n")) if raw and near else None
    if found is None:
        return False
    hour, minute, sign, zone_hour, zone_minute = found.groups()[:5]
    if found[6]:
        minutes = int(found[6]) * 60 + int(found[7]) - 24 * 60
        return minutes + int(found[8]) * 60 + int(found[9]) == 0
    if hour is None:
        return True
    zone = int(zone_hour or 0) * 60 + int(zone_minute or 0)
    return int(hour) * 60 + int(minute) == (-zone if sign == b"-" else zone)


def _leads_back(head: _Head, old: str | None, new: str | None) -> bool:
    """Tell whether times or names say that the old side is the newer one."""
    if old is None or new is None or head.old is None or head.new is None:
        return False
    if _is_original(new) != _is_original(old):
        return _is_original(new)
    if b":" not in head.old:  # nearly always, in git's diffs
        return False
    before, after = _date(head.old), _date(head.new)
    if not before or not after or before[2] != after[2]:
        return False
    return before[1] > after[1] and not _is_epoch(head.new)


def _is_original(name: str) -> bool:
    first, _, rest = name.partition("/")
    return name.endswith((".orig", ".old", "~")) or bool(
        rest and first.endswith((".orig", ".old", "-orig", "-old"))
    )


def _from_nothing(hunks: tuple[Hunk, ...]) -> bool:
    return len(hunks) == 1 and not hunks[0].old


def _to_nothing(hunks: tuple[Hunk, ...]) -> bool:
    return len(hunks) == 1 and not hunks[0].new


def _mode(words: dict[bytes, bytes], *names: bytes) -> int | None:
    found = (_octal(words[name]) for name in names if name in words)
    return next((mode for mode in found if mode is not None), None)


@lru_cache(maxsize=16)  # nearly all have one of four
def _octal(digits: bytes) -> int | None:
    plain = re.fullmatch(rb"\s*[0-7]{1,6}\s*", digits)
    return int(digits, 8) if plain else None


def _index_mode(words: dict[bytes, bytes]) -> int | None:
    """Return a link's or submodule's mode; a plain file's changes nothing."""
    found = _oids(words[b"index"]) if b"index" in words else None
    mode = int(found[3], 8) if found and found[3] else 0
    return mode if mode in (0o120000, 0o160000) else None


def _decode85(line: bytes, number: int) -> bytes:
    """Decode a line of git's base 85: a letter for its length, then the data."""
    import base64

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
    import zlib

    engine = zlib.decompressobj()
    try:
        data = engine.decompress(packed, size + 1)
    except zlib.error as error:
        raise DiffError(line, "damaged binary data") from error
    if len(data) != size:
        raise DiffError(line, "binary data of another size than the diff says")
    return data
