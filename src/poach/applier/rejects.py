"""Why diffs do not apply: rejects as values, and the message made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from poach.applier.filenames import as_glob
from poach.errors import ErrorWithFields, PoachError

if TYPE_CHECKING:
    from poach.applier.diagnosis import Miss

_SHOWN = 12  # lines of a small diff in a message
_WIDTH = 160  # characters of such a line
_LONGEST = 1000  # characters of a name in a message
_DEEPEST = 4096  # characters of a path in JSON; no system has longer ones


class Reject(NamedTuple):
    """Why one hunk, file or whole diff does not apply."""

    #: The diff's name.
    patch: str
    #: The diff's owner.
    owner: str
    #: A short code for the reason.
    reason: str
    #: The reason as a sentence.
    detail: str
    #: Relative to the tree, or as the diff names it; empty where the whole diff is
    #: refused.
    path: str = ""
    #: Counts the file's hunks from 1; 0 where the whole file is refused.
    hunk: int = 0
    #: The ``@@ ... @@`` of the hunk; empty where the whole file is refused.
    header: str = ""
    #: The nearest place in the tree's file.
    line: int | None = None
    #: A small diff there: ``-`` what the patch expects, ``+`` what the tree has.
    differ: tuple[str, ...] = ()
    #: All places that come into question.
    lines: tuple[int, ...] = ()
    #: The strip level that was tried; None where none was.
    strip: int | None = None
    #: The directory that was tried; None where none was.
    directory: str | None = None
    #: The subject of the mail that the file is from; empty where the diff is not
    #: several mails.
    subject: str = ""

    def __str__(self) -> str:
        place = f"{show(self.path)}: " if self.path else ""
        if self.subject:
            place = f"in the mail {show(self.subject)!r}: {place}"
        if self.hunk:
            place += f"hunk {self.hunk} {self.header}: "
        return "\n".join([place + self.detail, *(f"  {line}" for line in self.differ)])


class ApplyRefused(PoachError):
    """Diffs that do not apply; nothing was changed."""

    #: All reasons, in the order of the diffs.
    rejects: Sequence[Reject]

    @property
    def advice(self) -> dict[tuple[str, str], str]:
        """What to do, for each (patch, owner)."""
        return {
            key: "; ".join(_advices(found)) for key, found in self._grouped().items()
        }

    def as_json(self) -> dict[str, Any]:
        """Return everything in JSON's types."""
        return {
            "refused": [_refused_json(each) for each in self.rejects],
            "advice": [
                {"patch": name, "owner": owner, "advice": advice}
                for (name, owner), advice in self.advice.items()
            ],
        }

    def __str__(self) -> str:
        return "\n".join(
            _paragraph(name, owner, found)
            for (name, owner), found in self._grouped().items()
        )

    def _grouped(self) -> dict[tuple[str, str], list[Reject]]:
        groups: dict[tuple[str, str], list[Reject]] = {}
        for reject in self.rejects:
            groups.setdefault((reject.patch, reject.owner), []).append(reject)
        return groups


class Fault(ErrorWithFields):
    """A file that does not apply; `rejects` lack the patch and its owner."""

    rejects: Sequence[Reject]

    @classmethod
    def of(cls, reason: str, detail: str, path: str = "") -> Fault:
        """Return the fault of a file as a whole."""
        return cls([Reject("", "", reason, detail, path)])


def show(text: str) -> str:
    """Return a name or line for people: cut, and what is not printable is escaped."""
    if len(text) > _LONGEST:
        return f"{show(text[:_LONGEST])}..."
    if text.isprintable():
        return text
    plain = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        each if each.isprintable() or each == "\t" else repr(each)[1:-1]
        for each in plain
    )


def in_part(found: Sequence[Reject], others: object) -> list[Reject]:
    """Distinguish a change that is there in part from one that is there as a whole.

    `others` is true where some of the diff's changes are not there yet.
    """
    there = {"already applied", "reversed"}
    if not others and all(each.reason in there for each in found):
        return list(found)
    return [
        each._replace(reason="partly applied", detail=f"{each.detail}; {_REST}")
        if each.reason in there
        else each
        for each in found
    ]


_REST = "other changes of the patch are not there"
_TURNED = "the diff leads back to what the tree has, at line"


def missed(path: str, miss: Miss, is_reversed: bool = False) -> Reject:
    """Return the reject of a hunk of the file at `path`."""
    differ = tuple(_shown(line) for line in miss.differ[:_SHOWN])
    if len(miss.differ) > _SHOWN:
        differ += ("...",)
    turned = is_reversed and miss.reason == "already applied"
    return Reject(
        patch="",
        owner="",
        reason="reversed" if turned else miss.reason,
        detail=f"reversed: {_TURNED} {miss.lines[0]}" if turned else _detail(miss),
        path=path,
        hunk=miss.number,
        header=miss.header,
        line=miss.lines[0] if miss.lines else None,
        differ=differ,
        lines=miss.lines,
    )


def _shown(line: bytes) -> str:
    text = show(line.removesuffix(b"\n").decode("utf-8", "surrogateescape"))
    if not line.endswith(b"\n"):
        text += " (no newline at the end)"
    return text if len(text) <= _WIDTH else text[:_WIDTH] + "..."


def _detail(miss: Miss) -> str:
    if miss.endings:
        said = f"the line endings differ, too ({miss.endings}); without them: "
        return said + _detail(miss._replace(endings=""))
    lines = " and ".join(str(line) for line in miss.lines)
    if miss.reason == "not found":
        return _not_found(miss)
    if miss.reason == "ambiguous":
        return _doubtful(miss)
    return {
        "already applied": f"already applied, at line {lines}",
        "partly applied": f"applied in part: at line {lines} some of its changes are "
        "made, others are not",
        "line endings": f"fits at line {lines} except for the line endings: "
        f"{miss.note}",
        "white space": f"fits at line {lines} except for white space "
        f"{_SPACE.get(miss.note, f'({miss.note})')}",
        "only at the start": f"fits at line {lines}, but with so little context before "
        "the change it belongs to the start of the file",
        "only at the end": f"fits at line {lines}, but with so little context after "
        "the change it belongs to the end of the file",
        "order": f"fits at line {lines} only, before or in an earlier hunk",
        "no context": f"would go to line {lines}, but it has no context: "
        "it applies at its own line only",
        "wrong counts": f"fits at line {lines} except for its end, where the last "
        f"{miss.note} blank: the counts in its header may be too large",
    }[miss.reason]


_SPACE = {
    "diff": "(trailing blanks): the file has them, the diff lacks them; an editor or a "
    "hook may have removed them from the diff",
    "file": "(trailing blanks): the diff has them, the file lacks them",
    "both": "(trailing blanks): the diff and the file have them at different lines",
}


def _not_found(miss: Miss) -> str:
    after = f"; line {miss.there} looks patched already" if miss.there else ""
    after = f"{after}; {miss.note}" if miss.note else after
    if not miss.lines:
        return f"not found; no part of the file is like it{after}"
    note = "where these lines differ (- patch, + tree):"
    return f"not found{after}; nearest is line {miss.lines[0]}, {note}"


def _doubtful(miss: Miss) -> str:
    first, second = miss.lines
    if miss.doubt == "clash":
        return f"GNU patch would take line {first}, git line {second}"
    if miss.doubt == "there" and first == second:
        return f"would go to line {first}, where its new lines are already"
    if miss.doubt == "there":
        return (
            f"its old lines are at line {first}, away from its own line, and its new "
            f"lines are at line {second} already: either may be its place"
        )
    return f"fits equally near at lines {first} and {second}"


def _paragraph(name: str, owner: str, found: Sequence[Reject]) -> str:
    whose = f" ({owner})" if owner else ""
    lines = [f"Patch {show(name)!r}{whose} does not apply:"]
    for reject in found:
        lines += (f"  {line}" for line in str(reject).splitlines())
    lines += (f"  what to do: {advice}" for advice in _advices(found))
    return "\n".join(lines)


def _advices(found: Sequence[Reject]) -> list[str]:
    """Return what to do, once for each cause."""
    reasons = {_cause(reject) for reject in found}
    if "missing in part" in reasons:
        reasons.discard("missing")
    every = [advice for reason, advice in _ADVICE.items() if reason in reasons]
    if "missing in part" in reasons:
        every.append(_left_out(found))
    if reasons - _ADVICE.keys() - {"missing in part"}:
        every.append("make the diff again for this release")
    if any(reject.subject for reject in found):
        every.append(_SUM)
    return list(dict.fromkeys(every))


def _cause(reject: Reject) -> str:
    """Return the reason, other for a diff with several places than for a hunk."""
    several = reject.reason == "ambiguous" and not reject.hunk
    return "strip" if several else reject.reason


def _left_out(found: Sequence[Reject]) -> str:
    """Say how to leave out the files that are missing, with their names."""
    missing = (each.path for each in found if each.reason == "missing" and each.path)
    paths = list(dict.fromkeys(missing))
    options = "&".join(f"exclude={as_glob(path)}" for path in paths[:_NAMED])
    more = "&..." if len(paths) > _NAMED else ""
    return (
        "an sdist often lacks tests and CI files; if the patch works without the "
        f"missing files, leave them out: #{options}{more} in the location of the "
        "patch, or --exclude for poach apply"
    )


_NAMED = 3  # files in an example
_SUM = (
    "the diff is several commits, one after the other; if it is the .patch of a pull "
    "request, take its .diff, which has the sum of them"
)
_AGAIN = "get the diff again from its source, or make it again"

_ADVICE = {
    "unsafe": "do not trust this diff; make it again with plain paths inside the tree",
    "directory": "give a directory of the tree, as a plain path with / in it",
    "strip": "give the right one of them: strip= and directory= in the location of the "
    "patch, or --strip and --directory for poach apply",
    "unreadable": "look at this path in the tree, and at its permissions",
    "kind": "make the diff again with git diff, which deletes the one and makes the "
    "other",
    "bad diff": _AGAIN,
    "wrong counts": _AGAIN,
    "excluded": "correct the globs of exclude=, or leave them out",
    "too large": "look at the diff; a patch is never that large",
    "already applied": "the source has this change already (or the diff is reversed): "
    "drop this patch",
    "partly applied": "the source has a part of this already: "
    "make the diff again without it; files that have all of their changes may be left "
    "out with exclude= in the location of the patch (--exclude for poach apply)",
    "reversed": "make the diff the other way round, from the old side to the new one; "
    "if the source has the change already, drop this patch",
    "missing": "say where its files are with strip and directory, "
    "or look whether it is for another release",
    "binary": "make the diff again for this release, with git diff --binary "
    "--full-index; or, if the patch works without the file, leave it out with exclude= "
    "in the location of the patch (--exclude for poach apply)",
    "submodule": "leave the submodule out, with exclude= in the location of the patch "
    "(--exclude for poach apply)",
    "exists": "look whether the diff is for another release",
    "line endings": "apply it with eol=any in the location of the patch (--eol any "
    "for poach apply), which keeps the file's own line endings; "
    "or convert the diff's line endings to those of the file",
    "repeated": "take the change out where it comes a second time; the source does not "
    "have it",
    "no change": "leave eol=any out, so that the line endings change",
    "other endings": "convert the line endings of the diff and of the file to LF or CR "
    "LF",
    "white space": "get the diff again, unchanged by mail programs and editors; "
    "or make it again for this release",
    "ambiguous": "look at both places; if the change is there, the patch is not "
    "needed, else make the diff again for this release, with more context (diff -U10)",
    "no context": "make the diff again with context (diff -U3)",
    "order": "make the diff again for this release, its hunks in order",
}


def _refused_json(reject: Reject) -> dict[str, Any]:
    return {
        "patch": reject.patch,
        "owner": reject.owner,
        "strip": reject.strip,
        "directory": reject.directory,
        "path": reject.path[:_DEEPEST],
        "hunk": reject.hunk,
        "header": reject.header,
        "reason": reject.reason,
        "detail": reject.detail,
        "line": reject.line,
        "lines": list(reject.lines),
        "subject": reject.subject,
        "differ": list(reject.differ),
    }
