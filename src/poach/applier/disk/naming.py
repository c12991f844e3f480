"""Which paths in the tree are meant by the names that a diff gives a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from poach.applier.diff import FileDiff
from poach.applier.filenames import git_names
from poach.applier.outcome import Entry
from poach.applier.paths import clean, first_word, shortness, stripped
from poach.applier.rejects import Fault


class Naming:
    """Chooses paths at one strip level and directory.

    `now` returns what is at a path, None for nothing, and raises `Fault` for what
    cannot be read.
    """

    def __init__(
        self, strip: int, directory: str, now: Callable[[str], Entry | None]
    ) -> None:
        self.strip = strip
        self.directory = directory
        self.now = now

    def pair(self, file: FileDiff) -> tuple[str, str]:
        """Return the path to read and the path to write; raise `Fault` without."""
        if file.status in ("rename", "copy"):
            return self.moved(file)
        is_new = file.status == "create"
        path = self._made_at(file) if is_new else self._existing(file)
        return path, path

    def _made_at(self, file: FileDiff) -> str:
        """Return the path of a new file, by ``diff --git`` if ``+++`` does not fit."""
        name = file.new if file.new is not None else file.old
        fits = stripped(name or "", self.strip) is not None
        others = [] if fits else self.paths(git_names(file))
        return others[0] if others else self._path(name)

    def moved(self, file: FileDiff) -> tuple[str, str]:
        """Return both paths of a rename or copy, as git reads its bare names.

        They have no prefix, so that nothing is stripped, also with -p0.
        """
        old, new = file.old or "", file.new or ""
        prefixed = old.startswith("a/") and new.startswith("b/")
        if self.strip or not prefixed or self.now(self._path(old)):
            return self._path(old), self._path(new)
        return self._path(old[2:]), self._path(new[2:])

    def _existing(self, file: FileDiff) -> str:
        """Choose among the names that a diff gives one file, as GNU patch does.

        Of those that exist: the fewest folders, then the shortest.  A name may hold
        a remark after a blank.
        """
        names = [name for name in (file.old, file.new) if name] or [file.indexed or ""]
        paths = self.paths(dict.fromkeys([*names, *map(first_word, names)]))
        for some in (paths, self.paths(git_names(file))):
            there = [path for path in some if self.now(path) is not None]
            if there:
                return min(there, key=shortness)
        if not paths:
            self._path(names[0])
        created = self.paths(reversed(names)) if may_create(file) else []
        return next(iter(created), paths[0])

    def paths(self, names: Iterable[str]) -> list[str]:
        """Return those of `names` that can be meant; an unsafe one cannot."""
        found = []
        for name in names:
            with suppress(Fault):
                found.append(self._path(name))
        return found

    def _path(self, name: str | None) -> str:
        path = stripped(name or "", self.strip)
        if path is None:
            raise Fault.of("missing", _too_short(name, self.strip), name or "")
        below = clean(path)
        if not below or path.endswith(("/", "/.")):
            raise Fault.of("unsafe", "names a folder", path)
        directory = self.directory
        return f"{directory}/{below}" if directory else below


def may_create(file: FileDiff) -> bool:
    """Return whether a diff that does not say so could make a new file."""
    return (
        len(file.hunks) == 1 and not file.hunks[0].old_start and not file.hunks[0].old
    )


def _too_short(name: str | None, strip: int) -> str:
    """Return why nothing is left of a name."""
    if not name:
        return "a part of the diff names no file"
    if strip <= name.count("/"):
        return "names a folder"
    return f"has fewer than {strip} folder{'s' if strip > 1 else ''} to strip"
