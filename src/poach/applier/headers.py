"""The header of a file in a diff: its names, what is to happen, modes, times."""

from __future__ import annotations

import re
from functools import lru_cache

from poach.applier.filediff import FileDiff, Hunk, Status
from poach.applier.header_names import as_text, name_in, split_names
from poach.applier.patterns import oids_in, searcher

_date = searcher(
    rb"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?) ?([-+]\d\d:?\d\d|Z?)\s*$",
)
_epoch = searcher(
    rb"1970-01-01[ T](\d\d):(\d\d)(?::00(?:[.,]0+)?)?"
    rb"(?: ?([-+])(\d\d):?(\d\d)| ?(?:Z|UTC|GMT))?\s*$"
    rb"|1969-12-31[ T](\d\d):(\d\d)(?::00(?:[.,]0+)?)? ?-(\d\d):?(\d\d)\s*$"
    rb"|(?:Thu )?Jan +1 00:00:00 (?:UTC |GMT )?1970(?: \+0000)?\s*$",
)
_revision = searcher(rb"\((?:revision \d+|working copy)\)\s*$")


class Head:
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


def file_of(head: Head, hunks: tuple[Hunk, ...], part: int) -> FileDiff:
    """Return the file: names, status and modes."""
    indexed = name_in(head.index) if head.index is not None else None
    old, new = _below(indexed, *names_of(head))
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
    """Return both names with the folder that only ``Index:`` has, as in old CVS."""
    folder, _, name = (indexed or "").rpartition("/")
    if not folder or any(each not in (None, name) for each in (old, new)):
        return old, new
    return indexed if old else None, indexed if new else None


def names_of(head: Head) -> tuple[str | None, str | None]:
    """Return the names; ``---`` and ``+++`` count for more than ``diff --git``."""
    renamed = b"rename from" in head.extended or b"copy from" in head.extended
    if head.old is not None and head.new is not None and not renamed:
        old, new = name_in(head.old), name_in(head.new)
    else:
        old, new = _git_names(head)
    return (
        None if b"new file mode" in head.extended else old,
        None if b"deleted file mode" in head.extended else new,
    )


def _git_names(head: Head) -> tuple[str | None, str | None]:
    assert head.git is not None
    rest = head.git.rstrip(b"\r\n")
    words = head.extended
    source = words.get(b"rename from") or words.get(b"copy from")
    target = words.get(b"rename to") or words.get(b"copy to")
    if source and target:
        return _with_prefix(rest, name_in(source) or "", name_in(target) or "")
    return split_names(rest, head.line)


def _with_prefix(rest: bytes, old: str, new: str) -> tuple[str, str]:
    """Give the bare names of a rename the prefixes that ``diff --git`` shows."""
    text = as_text(rest)
    bare = not text.startswith('"') and text == f"{old} {new}"
    return (old, new) if bare else (f"a/{old}", f"b/{new}")


def _status(
    head: Head, old: str | None, new: str | None, hunks: tuple[Hunk, ...]
) -> Status:
    for word, meaning in _GIT_STATUS.items():
        if word in head.extended:
            return meaning
    if old is None or (is_epoch(head.old) and _from_nothing(hunks)):
        return "create"
    if new is None or (is_epoch(head.new) and _to_nothing(hunks)):
        return "delete"
    return "modify"


_GIT_STATUS: dict[bytes, Status] = {
    b"rename from": "rename",
    b"rename old": "rename",
    b"copy from": "copy",
    b"new file mode": "create",
    b"deleted file mode": "delete",
}


def is_epoch(raw: bytes | None) -> bool:
    """Return whether the time stamp in a header line is 1970-01-01 00:00:00 UTC.

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


def _leads_back(head: Head, old: str | None, new: str | None) -> bool:
    """Return whether times or names say that the old side is the newer one."""
    if old is None or new is None or head.old is None or head.new is None:
        return False
    if _is_original(new) != _is_original(old):
        return _is_original(new)
    if b":" not in head.old:  # nearly always, in git's diffs
        return False
    before, after = _date(head.old), _date(head.new)
    if not before or not after or before[2] != after[2]:
        return False
    return before[1] > after[1] and not is_epoch(head.new)


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
    found = oids_in(words[b"index"]) if b"index" in words else None
    mode = int(found[3], 8) if found and found[3] else 0
    return mode if mode in (0o120000, 0o160000) else None


def is_copy(old: bytes | None, file: FileDiff) -> bool:
    """Return whether Subversion compares a new file with another one, its source."""
    if not (old and file.old and file.new and _revision(old)):
        return False
    names = [name.rpartition("/")[2] for name in (file.old, file.new)]
    return names[0] != names[1] and (file.indexed or "").endswith(names[1])


def is_pointer(hunks: tuple[Hunk, ...]) -> bool:
    """Return whether all that a file gets is a pointer of Git LFS."""
    first = hunks[0].lines
    return (
        first[0].startswith(b"+version https://git-lfs.github.com/spec/")
        and len(hunks) == 1
        and len(first) <= 4
    )
