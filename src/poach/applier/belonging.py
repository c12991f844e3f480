"""Which files of a diff a place in the tree is not proven for.

Where a diff belongs is found out by the names in it.  A file that only shares the last
part of its name with one in the tree may be another one: there is an ``__init__.py`` in
every package.  Lines of context prove that it is the right one.  A deletion, a rename,
a change of a mode, a new file have none.  They need more: a folder in their names that
the tree has, too, or another file of the same folder, which context proves.
(The rule is poach's own; git looks for a file in one place only.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from poach.applier.diff import FileDiff
from poach.applier.filenames import PREFIXES, git_names, names
from poach.applier.paths import stripped

RELEASE = re.compile(r".+[-_]v?\d+(\.\w+)*([-_.]?(orig|old|new))?", re.IGNORECASE)
"""The name of a top folder that looks like a release: ``Foo-1.0``."""


def unproven(files: Sequence[FileDiff], strip: int, found: bool) -> frozenset[int]:
    """Return the files, by their lines in the diff, that may be others in the tree.

    `found` says that the directory was found by the names of the files.
    """
    sure = filter(_has_context, files)
    known = {lead for file in sure for lead in _leads(file, strip)}
    return frozenset(
        file.line
        for file in files
        if not (_has_context(file) or known.intersection(_leads(file, strip)))
        and not any("/" in rest for rest in _rests(file, strip))
        and (found or strip > _prefix(file))
    )


def _has_context(file: FileDiff) -> bool:
    """Return whether a line that is not blank stays where it is."""
    lines: Iterable[bytes] = (line for hunk in file.hunks for line in hunk.lines)
    return any(line[0] == 32 and line.strip() for line in lines)


def _rests(file: FileDiff, strip: int) -> Iterator[str]:
    """Yield what is left of the names of a file."""
    rests = (stripped(name, strip) for name in _names(file))
    return (rest.lstrip("/") for rest in rests if rest)


def _leads(file: FileDiff, strip: int) -> set[str]:
    """Return what is stripped from the names of a file."""
    pairs = ((name, stripped(name, strip)) for name in _names(file))
    return {name.removesuffix(rest).rstrip("/") for name, rest in pairs if rest}


def _names(file: FileDiff) -> list[str]:
    return [*names(file), *git_names(file)]


def _prefix(file: FileDiff) -> int:
    """Return how many folders at the start of the names are not of the tree."""
    tops = {name.partition("/")[0] for name in names(file)}
    plain = all(f"{top}/" in PREFIXES or RELEASE.fullmatch(top) for top in tops)
    return 1 if plain or (file.old and file.new and len(tops) > 1) else 0
