"""Files that lines of a diff announce and that need hunks below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from poach.applier.filediff import DiffError, FileDiff, short
from poach.applier.header_names import as_text
from poach.applier.headers import is_epoch
from poach.applier.patterns import matcher

_untracked = matcher(rb".*\((?:revision 0|nonexistent)\)\s*$|/dev/null\s*$")


class _Pending(NamedTuple):
    """A file that a line announces."""

    line: int
    #: As written.
    name: bytes
    #: Grows with the lines of a header: ``===``, ``Index:``, ``diff -u``, ``---``.
    rank: int
    #: Whether nothing says that the file was there before.
    is_new: bool


class Expected:
    """The announced file that needs hunks next, if there is one.

    `faults` gets those that do not come; `is_left_out` is asked about their names.
    """

    def __init__(
        self, faults: list[DiffError], is_left_out: Callable[[Sequence[str]], bool]
    ) -> None:
        self.faults = faults
        self.is_left_out = is_left_out
        self.pending: _Pending | None = None

    def announce(self, line: int, name: bytes, rank: int, old: bytes = b"") -> None:
        """Expect the hunks of a file; a header may name it in several lines."""
        from poach.applier.announced import is_same

        name = name.rstrip()
        pending = self.pending
        if not (
            pending and pending.rank < rank and is_same(pending.name, as_text(name))
        ):
            self.settle()
        is_new = rank < 3 or bool(_untracked(old)) or is_epoch(old)
        self.pending = _Pending(line, name, rank, is_new)

    def settle(self, file: FileDiff | None = None) -> None:
        """Report the file that was announced, unless `file` is it."""
        pending, self.pending = self.pending, None
        if pending is None:
            return
        from poach.applier.announced import UNTOLD, is_same, said

        if file is not None and is_same(pending.name, file.old, file.new):
            return
        name = as_text(pending.name)
        if not self.is_left_out([name]):
            reason = f"{short(pending.name)}: {said(UNTOLD, [name])}"
            self.faults.append(DiffError(pending.line, reason))

    def lost_properties(self, name: bytes, text: bytes, last: FileDiff | None) -> str:
        """Return which properties of a file in Subversion are lost, '' for none.

        `text` is what follows ``Property changes on: NAME``, `last` the file before.
        """
        from poach.applier.announced import is_same, lost_properties, said

        pending = self.pending
        if pending and is_same(pending.name, as_text(name)):
            self.pending = None
            reason = lost_properties(text, False, pending.is_new)
            return said(reason, [as_text(name)])
        shown = last is not None and is_same(name, last.old, last.new)
        return said(lost_properties(text, shown, False), [as_text(name)])
