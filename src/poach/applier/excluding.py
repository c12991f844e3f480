"""Leaving files of a diff out: ``exclude=GLOB``.

A glob is compared with the whole name of a file as messages show it: as the diff has
it, without ``a/`` and ``b/``.  ``*`` and ``?`` stand for any characters, ``/`` among
them, as in ``git apply --exclude``; a glob that ends with ``/`` means all in a folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from poach.applier.diff import DiffError, FileDiff, NamedDiff, parse
from poach.applier.filenames import PREFIXES, shown
from poach.applier.rejects import ApplyRefused, Fault, Reject, show
from poach.errors import Faults

_SHOWN = 8  # names in a message


def read(data: bytes, globs: Iterable[str]) -> tuple[list[FileDiff], list[str]]:
    """Return the files of a diff that no glob leaves out, and the names of the others.

    Among these are files that the diff only announces.  Raises `Fault` where nothing
    remains, and what `parse` raises.
    """
    patterns = list(globs)
    absent: list[str] = []
    files = parse(data, partial(_is_left_out, patterns, absent))
    kept, left = split(files, patterns)
    return kept, list(dict.fromkeys([*left, *absent]))


def _is_left_out(globs: Sequence[str], left: list[str], names: Sequence[str]) -> bool:
    """Return whether a glob is for one of the `names` of a file, and keep that in
    `left`.

    Of a folder the diff names only the folder itself, so that it counts as a file.
    """
    plain = [name[2:] if name.startswith(PREFIXES) else name for name in names]
    every = ((name, glob) for name in plain for glob in globs)
    found = next(
        (n for n, glob in every if _fits(n, glob) or _fits(f"{n}/", glob)), None
    )
    if found is not None:
        left.append(found)
    return found is not None


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
    found = [_files(diff) for diff in diffs]
    if None in found:
        return
    files = [each or ((), ()) for each in found]
    globs = dict.fromkeys(glob for diff in diffs for glob in diff.exclude)
    rejects = []
    for glob in globs:
        using = [
            (diff, *each)
            for diff, each in zip(diffs, files, strict=True)
            if glob in diff.exclude
        ]
        every = [file for _, there, _ in using for file in there]
        absent = [name for *_, lacking in using for name in lacking]
        is_named = any(_fits(name, glob) or _fits(f"{name}/", glob) for name in absent)
        if not is_named and not any(_match(file, glob) for file in every):
            first = using[0][0]
            detail = f"exclude={show(glob)} matches no file; {_names(every)}"
            rejects.append(Reject(first.name, first.owner, "excluded", detail))
    if rejects:
        raise ApplyRefused(rejects)


def _files(diff: NamedDiff) -> tuple[Sequence[FileDiff], Sequence[str]] | None:
    """Return the files of a diff, and the names of those left out that it lacks."""
    if not diff.exclude:
        return (), ()
    absent: list[str] = []
    try:
        return parse(diff.data, partial(_is_left_out, diff.exclude, absent)), absent
    except (DiffError, Faults):
        return None


def _match(file: FileDiff, glob: str) -> str | None:
    """Return the name of the file that the glob matches, if it does."""
    called = [shown(file)]
    if file.status in ("rename", "copy"):
        called.append(shown(file._replace(status="modify")))
    return next((name for name in called if _fits(name, glob)), None)


def _fits(name: str, glob: str) -> bool:
    import fnmatch

    return fnmatch.fnmatchcase(name, f"{glob}*" if glob.endswith("/") else glob)


def _names(files: Iterable[FileDiff]) -> str:
    names = [show(name) for name in dict.fromkeys(map(shown, files))]
    more = ", ..." if len(names) > _SHOWN else ""
    return f"the files are {', '.join(names[:_SHOWN])}{more}"
