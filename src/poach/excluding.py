"""Leaving files of a diff out: ``exclude=GLOB``.

A glob is compared with the whole name of a file as messages show it: as the diff has
it, without ``a/`` and ``b/``.  ``*`` and ``?`` stand for any characters, ``/`` among
them, as in ``git apply --exclude``; a glob that ends with ``/`` means all in a folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from poach.diff import DiffError, FileDiff, NamedDiff, parse
from poach.errors import Faults
from poach.filenames import shown
from poach.refusals import ApplyRefused, Fault, Refusal, show

_SHOWN = 8  # names in a message


def split(
    files: Sequence[FileDiff], globs: Iterable[str]
) -> tuple[list[FileDiff], list[str]]:
    """Return the files that no glob leaves out, and the names of those left out.

    Raises `Fault` where nothing remains.
    """
    patterns = list(globs)
    if not patterns:
        return list(files), []
    kept: list[FileDiff] = []
    left: list[str] = []
    for file in files:
        name = next(filter(None, (_match(file, glob) for glob in patterns)), None)
        if name is None:
            kept.append(file)
        else:
            left.append(name)
    if not kept:
        detail = "exclude leaves out every file of the diff; nothing remains"
        raise Fault.of("excluded", detail)
    return kept, list(dict.fromkeys(left))


def check(diffs: Sequence[NamedDiff]) -> None:
    """Raise `ApplyRefused` for each glob that matches no file of any diff with it.

    The diffs of a series share their globs.  One that cannot be read is passed over:
    it is refused where it is applied.
    """
    files = [_files(diff) for diff in diffs]
    if None in files:
        return
    globs = dict.fromkeys(glob for diff in diffs for glob in diff.exclude)
    refusals = []
    for glob in globs:
        using = [
            (diff, found or ())
            for diff, found in zip(diffs, files, strict=True)
            if glob in diff.exclude
        ]
        every = [file for _, found in using for file in found]
        if not any(_match(file, glob) for file in every):
            first = using[0][0]
            detail = f"exclude={show(glob)} matches no file; {_names(every)}"
            refusals.append(Refusal(first.name, first.owner, "excluded", detail))
    if refusals:
        raise ApplyRefused(refusals)


def _files(diff: NamedDiff) -> tuple[FileDiff, ...] | None:
    if not diff.exclude:
        return ()
    try:
        return parse(diff.data)
    except (DiffError, Faults):
        return None


def _match(file: FileDiff, glob: str) -> str | None:
    """Return the name of the file that the glob matches, if it does."""
    import fnmatch

    pattern = f"{glob}*" if glob.endswith("/") else glob
    called = [shown(file)]
    if file.status in ("rename", "copy"):
        called.append(shown(file._replace(status="modify")))
    return next((name for name in called if fnmatch.fnmatchcase(name, pattern)), None)


def _names(files: Iterable[FileDiff]) -> str:
    names = [show(name) for name in dict.fromkeys(map(shown, files))]
    more = ", ..." if len(names) > _SHOWN else ""
    return f"the files are {', '.join(names[:_SHOWN])}{more}"
