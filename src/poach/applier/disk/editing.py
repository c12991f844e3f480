"""Applying the files of a diff in memory, at a settled strip level and directory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from poach.applier.diff import Binary, FileDiff, Hunk, NamedDiff
from poach.applier.disk.absent import NOWHERE
from poach.applier.disk.naming import Naming, may_create
from poach.applier.disk.overlay import Overlay
from poach.applier.filenames import shown
from poach.applier.hunks import RULES, Applied, Placement, Rejected, Rule, apply_hunks
from poach.applier.outcome import (
    FILE,
    LINK,
    SUBMODULE,
    Entry,
    PatchedBy,
    PatchedFile,
    plain_mode,
)
from poach.applier.paths import check_name, stripped
from poach.applier.rejects import Fault, Reject, missed, show
from poach.applier.text import unix_hunk

MAX_MADE = 1 << 29
"""The most bytes that a patch set may make in all: 512 MB."""

_NOWHERE = ("missing", "gone", "unsafe", "unreadable")
_LOST = "a binary change whose data the diff lacks"
_UNCLEAR = "a new file, and the tree does not say where its folder is"
_ENDINGS_ONLY = "changes only line endings, and with eol=any the file keeps its own"
_THERE = ("already applied", "partly applied", "gone")
_REPEATED = "an earlier diff of the same input has made this change, or a part of it"
_MORE_CRS = "on one side lines end with CR CR LF, which eol=any does not read as LF"
_BIG = f"with this file the patches make more than {MAX_MADE} bytes"


class Attempt:
    """A diff applied at one strip level and directory.

    `files` are those that apply, `rejects` says why others do not, `placed` counts
    the hunks that have a place, also in files that do not apply as a whole, `changes`
    the files that become other ones: not an empty one that is there already.  `absent`
    are the files that the tree lacks, by their names in messages, and their paths.
    `excluded` are the names of those that were left out.
    `unproven` are the lines in the diff of files that may be others here
    (`poach.applier.belonging`).  `rules` are those by which all files so
    far apply: one of them has to place them all.
    """

    def __init__(
        self,
        overlay: Overlay,
        strip: int,
        directory: str,
        rejects: Iterable[Reject] = (),
    ) -> None:
        self.overlay = overlay
        self.strip = strip
        self.directory = directory
        self.files: list[PatchedFile] = []
        self.rejects = list(rejects)
        self.excluded: tuple[str, ...] = ()
        self.absent: dict[str, tuple[FileDiff, str]] = {}
        self.unproven: frozenset[int] = frozenset()
        self.placed = 0
        self.changes = 0
        self.rules: frozenset[Rule] = RULES

    @property
    def plausible(self) -> tuple[int, int]:
        """How many files and hunks found their place."""
        missing = sum(each.reason in _NOWHERE for each in self.rejects)
        return (-missing, self.placed)

    @property
    def has_files(self) -> bool:
        """Return whether the tree has every file that the diff changes."""
        return all(each.reason not in ("missing", "gone") for each in self.rejects)

    @property
    def targets(self) -> tuple[str, ...]:
        """The paths of the files, in order."""
        return tuple(file.path for file in self.files)

    def result(self, diff: NamedDiff) -> PatchedBy:
        """Return what the plan says of the diff."""
        return PatchedBy(
            diff.name,
            diff.owner,
            self.strip,
            self.directory,
            tuple(self.files),
            diff.exclude,
            self.excluded,
            diff.eol,
        )


class Commit:
    """Applies the files that belong to one commit: a mail, or the whole diff.

    As in git, renames and copies take the files from before the commit, in any
    order the files come.
    """

    def __init__(self, attempt: Attempt, fuzz: int, eol: str = "keep") -> None:
        self.attempt = attempt
        self.overlay = attempt.overlay
        self.fuzz = fuzz
        self.eol = eol
        self.sources: dict[str, Entry | None] = {}
        self.moving: set[str] = set()  # sources of renames that come later
        self.made: set[str] = set()  # files that the commit creates
        self.naming = Naming(attempt.strip, attempt.directory, self._now)

    def apply(self, files: Sequence[FileDiff], first: bool = False) -> None:
        """Change the attempt's overlay; rejects gather in the attempt.

        `first` says that nothing was changed in that overlay before.
        """
        for file in files:
            if file.status in ("rename", "copy") and not self._is_unproven(file):
                with suppress(Fault):
                    self._take(file)
        for file in _deletions_first(files, self.attempt.strip):
            try:
                self._file(file)
            except Fault as fault:
                found = fault.rejects
                if not first and self._is_repeated(file, found):
                    found = (Reject("", "", "repeated", _REPEATED, shown(file)),)
                subject = _readable(file.subject)
                self.attempt.rejects += (
                    each._replace(subject=subject) for each in found
                )
        self._check_links()

    def _is_repeated(self, file: FileDiff, found: Sequence[Reject]) -> bool:
        """Return whether a change is there because the same run has made it before."""
        if not all(each.reason in _THERE for each in found):
            return False
        with suppress(Fault):
            if not any(map(self.overlay.is_touched, self.naming.pair(file))):
                return False
        here = self.attempt
        alone = Attempt(self.overlay.untouched(), here.strip, here.directory)
        Commit(alone, self.fuzz, self.eol).apply([file], first=True)
        if not alone.rejects:
            here.absent.pop(shown(file), None)
        return not alone.rejects

    def _take(self, file: FileDiff) -> None:
        """Keep what is there before the commit; what it makes comes in its turn."""
        path, _ = self.naming.moved(file)
        entry = self.sources.get(path) or self.overlay.entry(path)
        if entry is None:
            return
        self.sources[path] = entry
        if file.status == "rename":
            self.overlay.put(path, None)
            self.moving.add(path)

    def _file(self, file: FileDiff) -> None:
        if file.lost and not file.git:
            return self._note(file)
        if self._is_unproven(file):
            new = file.status == "create"
            raise Fault.of("missing", _UNCLEAR if new else NOWHERE, shown(file))
        source, path = self.naming.pair(file)
        old = self._old(file, source)
        if SUBMODULE in (file.new_mode, file.old_mode):
            raise Fault.of("submodule", "a git submodule, which has no files", path)
        if file.lost:
            raise Fault.of("binary", _LOST, path)
        mode = _mode(file, path, old)
        self._check(file, source, path, old)
        data, placements = self._contents(file, path, old)
        if file.status == "rename" and source not in self.sources:
            self.overlay.put(source, None)
        made = self._made(file, path, data, mode)
        if made and old:
            like = source if file.status in ("rename", "copy") else None
            made = made._replace(like=old.like or like)
        self._put(path, made)
        action = "create" if old is None else file.status
        if action == "create":
            self.made.add(path)
        moved = source if action in ("rename", "copy") else None
        was = old.mode if old and file.status in ("modify", "rename", "copy") else None
        changed = None if file.status == "delete" or mode == was else mode
        self.attempt.placed += len(placements)
        self.attempt.changes += (
            moved is not None or made is None or not made.is_same(old)
        )
        self.attempt.files.append(
            PatchedFile(path, action, moved, placements, was, changed)
        )
        return None

    def _is_unproven(self, file: FileDiff) -> bool:
        return file.line in self.attempt.unproven

    def _note(self, file: FileDiff) -> None:
        """Refuse a note about a binary file, which is changed or new.

        GNU patch and git skip all such notes.  Only what programs leave beside a source
        is no part of any change.
        """
        from poach.applier.announced import is_rubbish

        names = list(filter(None, [file.new, file.old]))
        there = [path for path in self.naming.paths(names) if self._now(path)]
        if there or not all(map(is_rubbish, names)):
            raise Fault.of("binary", _LOST, there[0] if there else shown(file))

    def _put(self, path: str, entry: Entry | None) -> None:
        self.overlay.put(path, entry)
        if self.overlay.made > MAX_MADE:
            raise Fault.of("too large", _BIG, path)

    def _old(self, file: FileDiff, source: str) -> Entry | None:
        if file.status in ("rename", "copy"):
            self.moving.discard(source)
            made = self.overlay.entry(source)  # also refuses what cannot be read
            return self.sources.get(source) or (made if source in self.made else None)
        return self._now(source)

    def _now(self, path: str) -> Entry | None:
        """Return what is at `path`, or was if it is only moved away later."""
        return self.sources[path] if path in self.moving else self.overlay.entry(path)

    def _check(self, file: FileDiff, source: str, path: str, old: Entry | None) -> None:
        """Refuse what contradicts the tree."""
        if file.status == "create":
            check_name(path)
            return self._check_new(file, path, old)
        if old is None and not may_create(file):
            raise self._missing(file, source, path)
        if old is not None and (file.hunks or file.binary or file.status == "delete"):
            _check_kind(file, source, old)
        if file.status in ("rename", "copy"):
            check_name(path)
            self._check_free(file, source, path, old)
        elif old is None:
            check_name(path)
        return None

    def _check_free(
        self, file: FileDiff, source: str, path: str, old: Entry | None
    ) -> None:
        """Refuse to rename or copy onto something."""
        there = self.overlay.entry(path)
        if there is None:
            return
        data = None
        with suppress(Fault):
            data, _ = self._contents(file, path, old)
        if data == there.data and file.status == "rename":
            detail = (
                f"is there already, with the same bytes, but {show(source)!r} is, too"
            )
            raise Fault.of("partly applied", detail, path)
        if data == there.data:
            raise Fault.of(
                "already applied", "is there already, with the same bytes", path
            )
        raise Fault.of("exists", "exists already", path)

    def _missing(self, file: FileDiff, source: str, path: str) -> Fault:
        name = shown(file)
        self.attempt.absent[name] = (file, source)
        if file.status == "delete":
            return Fault.of("gone", "gone already", name)
        there = self.overlay.entry(path) if file.status == "rename" else None
        if there is None:
            return Fault.of("missing", NOWHERE, name)
        if self._is_done(file, there):
            return Fault.of("already applied", f"is {show(path)!r} already", source)
        detail = f"{NOWHERE}; {show(path)!r} exists, but differs"
        return Fault.of("missing", detail, name)

    def _is_done(self, file: FileDiff, there: Entry) -> bool:
        """Return whether a file is what the diff makes of it."""
        from poach.applier.presence import backwards

        if file.binary:
            return _is_result(there, file.binary)
        return isinstance(apply_hunks(there.data, backwards(file.hunks)), Applied)

    def _check_new(self, file: FileDiff, path: str, old: Entry | None) -> None:
        if old is None or not old.data:
            return
        made = apply_hunks(b"", _of_new_file(file))
        same = isinstance(made, Applied) and made.data == old.data
        if same or (file.binary and _is_result(old, file.binary)):
            raise Fault.of(
                "already applied", "exists already, with the same bytes", path
            )
        raise Fault.of("exists", "exists already, and differs", path)

    def _contents(
        self, file: FileDiff, path: str, old: Entry | None
    ) -> tuple[bytes, tuple[Placement, ...]]:
        before = old.data if old else b""
        if file.binary:
            return self._binary(file, path, before), ()
        rules = self.attempt.rules
        if old and self.eol == "any":
            _refuse_endings_only(path, file.hunks)
        done = self._placed(before, file.hunks if old else _of_new_file(file))
        if isinstance(done, Rejected) and file.crlf:
            unix = [unix_hunk(hunk) for hunk in file.hunks]
            again = apply_hunks(before, unix, self.fuzz, rules)
            done = again if isinstance(again, Applied) else done
        if isinstance(done, Rejected):
            self.attempt.placed += len(done.placements)
            found = [missed(path, miss, file.reversed) for miss in done.misses]
            raise Fault([*map(_beyond_any, found)] if self.eol == "any" else found)
        self.attempt.rules = done.rules
        return done.data, done.placements

    def _placed(self, before: bytes, hunks: Sequence[Hunk]) -> Applied | Rejected:
        rules = self.attempt.rules
        if self.eol == "keep":
            return apply_hunks(before, hunks, self.fuzz, rules)
        from poach.applier.endings import apply_any

        return apply_any(before, hunks, self.fuzz, rules)

    def _binary(self, file: FileDiff, path: str, old: bytes) -> bytes:
        from poach.applier.binaries import BadBinary, apply_binary, is_result

        assert file.binary is not None
        if is_result(old, file.binary):
            raise Fault.of("already applied", "has the new bytes already", path)
        try:
            return apply_binary(old, file.binary)
        except BadBinary as error:
            raise Fault.of("binary", str(error), path) from error

    def _made(self, file: FileDiff, path: str, data: bytes, mode: int) -> Entry | None:
        if file.status != "delete":
            return Entry(data, mode)
        if data:
            detail = "is to be deleted, but has more lines than the patch says"
            raise Fault.of("not empty", detail, path)
        return None

    def _check_links(self) -> None:
        """Refuse new links that lead out of the tree, also over other links."""
        for path, entry in self.overlay.changes.items():
            if entry is not None and entry.mode == LINK:
                text = entry.data.decode("utf-8", "surrogateescape")
                if _is_bad_target(text) or self.overlay.escapes(path):
                    detail = f"a symlink out of the tree, to {show(text)!r}"
                    fault = Fault.of("unsafe", detail, path)
                    self.attempt.rejects += fault.rejects


def _readable(subject: str) -> str:
    from poach.applier.mail import readable

    return readable(subject) if subject else ""


def _refuse_endings_only(path: str, hunks: Sequence[Hunk]) -> None:
    """Refuse hunks of which ``eol=any`` leaves nothing."""
    from poach.applier.endings import is_endings_only

    found = [
        Reject("", "", "no change", _ENDINGS_ONLY, path, number, hunk.header)
        for number, hunk in enumerate(hunks, 1)
        if is_endings_only(hunk)
    ]
    if found:
        raise Fault(found)


def _beyond_any(reject: Reject) -> Reject:
    """Return the reject of a hunk that does not even fit with ``eol=any``."""
    if reject.reason != "line endings":
        return reject
    detail = f"fits at line {reject.line} except for carriage returns: {_MORE_CRS}"
    return reject._replace(reason="other endings", detail=detail)


def _is_result(entry: Entry, binary: Binary) -> bool:
    from poach.applier.binaries import is_result

    return is_result(entry.data, binary)


def _is_bad_target(text: str) -> bool:
    """Return whether a link's target means something else on some system, or
    nothing."""
    return not text or "\\" in text or "\0" in text or len(text) > 4000


def _of_new_file(file: FileDiff) -> Sequence[Hunk]:
    """Return the hunks that make a file.

    Where the diff's own lines end with CR LF, something converted the diff on its way:
    the file gets LF, as the rest of the tree has it.
    """
    return [unix_hunk(hunk) for hunk in file.hunks] if file.crlf else file.hunks


def _mode(file: FileDiff, path: str, old: Entry | None) -> int:
    """Return the new mode of the file, one of three."""
    before = old.mode if old else FILE
    wanted = file.new_mode
    if not wanted or (old and not wanted >> 12):  # GNU patch skips a mode of no type
        wanted = before
    mode = plain_mode(wanted)
    if mode is None:
        raise Fault.of("unsafe", f"mode {wanted:06o} is not that of a file", path)
    if old and file.status == "modify" and LINK in (mode, before) and mode != before:
        raise Fault.of(
            "kind",
            "this change of the mode cannot make a symlink of a file, or back",
            path,
        )
    return mode


def _check_kind(file: FileDiff, source: str, old: Entry) -> None:
    """Refuse to treat a link as a file: the diff is for the text of its target."""
    if (LINK in (file.new_mode, file.old_mode)) != (old.mode == LINK):
        raise Fault.of("unsafe", "a symlink in the tree, not a file", source)


def _deletions_first(files: Sequence[FileDiff], strip: int) -> list[FileDiff]:
    """Order the files so that a folder is gone before a file takes its name.

    Only git's diffs, whose order is that of the names, and only where each file
    comes once.
    """
    names = [stripped(file.old or file.new or "", strip) for file in files]
    if len(set(names)) < len(names) or not all(file.git for file in files):
        return list(files)
    return sorted(files, key=lambda file: file.status != "delete")
