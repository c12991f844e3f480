"""A build as it was watched: the patched tree, and the wheel that came out of it.

Only names and bytes show where files of the tree are in the wheel: every build
tool records that in its own way, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from poach.applier.paths import parents

#: How many files that went from a folder of the tree into the wheel are enough to know
#: where it goes.
_ENOUGH = 20

#: In the path of a script in a wheel (PEP 427).
_SCRIPTS = ".data/scripts/"


class Touched(NamedTuple):
    """A file that patches touch: its bytes upstream and with all patches.

    None where it is not there.
    """

    upstream: bytes | None
    patched: bytes | None


class Files(NamedTuple):
    """The files of a tree or a wheel: their sizes by path, and how to read one."""

    sizes: Mapping[str, int]
    read: Callable[[str], bytes]


class Built(NamedTuple):
    """One build, as far as it was watched."""

    #: The files that patches touch.
    touched: Mapping[str, Touched]
    #: The patched tree before the build.
    tree: Files
    #: The tree in which the build was at work, when that is done.
    after: Files
    #: The files in `after` that the build made, or wrote again.
    written: Collection[str]
    #: The files of the wheel; purelib and platlib are no folders of their own in it.
    wheel: Files
    #: Whether the wheel has nothing compiled.
    pure: bool


class Placement:
    """Where files of the tree are in the wheel.

    A folder of the tree, as all those here, ends with a slash, or is the top ('').
    """

    def __init__(self, built: Built) -> None:
        self._built = built
        self._wheel = built.wheel
        self._goes: dict[str, list[str]] = {}

    def places(self, path: str) -> list[str]:
        """Return where the wheel would have `path`, and where it has a look-alike."""
        tails = [place for place in _tails(path) if place in self._wheel.sizes]
        return [*dict.fromkeys([*self.expected(path), *tails])]

    def expected(self, path: str) -> list[str]:
        """Return where the wheel has, or would have, `path`: beside its neighbours."""
        for folder in above(path):
            goes = self.goes(folder)
            if goes:
                return [place + path[len(folder) :] for place in goes]
        return []

    def goes(self, folder: str) -> list[str]:
        """Return the folders of the wheel to which files of a folder of the tree go.

        The one to which most go is first.
        """
        if folder not in self._goes:
            goes = Counter(
                place[: len(place) - len(path) + len(folder)]
                for place, path in self._evidence(folder)
            )
            self._goes[folder] = [place for place, _ in goes.most_common()]
        return self._goes[folder]

    def installed(self, folder: str) -> list[str]:
        """Return some files of the wheel that are the same in a folder of the tree."""
        return [place for place, _ in self._evidence(folder)]

    def holders(self, path: str, data: bytes) -> Iterator[str]:
        """Yield where the wheel has `data`: where `path` is expected, then elsewhere.

        Elsewhere only the bytes count, so there must be some.  A place does not count
        if another file of the tree with the same bytes fits it better.
        """
        places = self.places(path)
        others = [
            place
            for place, size in self._wheel.sizes.items()
            if data and (size == len(data) or _SCRIPTS in place)
        ]
        others.sort(key=lambda place: -_shared(path, place))
        for place in dict.fromkeys([*places, *others]):
            if _holds(self._wheel, place, data) and not self._is_from_other(
                path, data, place
            ):
                yield place

    def read(self, path: str) -> bytes:
        """Return the bytes of a file of the patched tree before the build."""
        touched = self._built.touched.get(path)
        if touched is not None and touched.patched is not None:
            return touched.patched
        return self._built.tree.read(path)

    def copy(self, path: str, data: bytes) -> str | None:
        """Return where the wheel has `data` in a file with the name of `path`.

        Many packages have the same __init__.py: there the folder's name counts, too.
        """
        parts = path.split("/")
        tail = "/".join(parts[-2:] if parts[-1] == "__init__.py" else parts[-1:])
        for place in self._called.get(parts[-1], ()):
            if is_tail(tail, place) and _holds(self._wheel, place, data):
                return place
        return None

    def sources(self, place: str) -> list[str]:
        """Return the files of the tree with the path of one of the wheel at their end.

        Those that have the same bytes come first.
        """
        found = [path for path in self._built.tree.sizes if is_tail(place, path)]
        data = self._wheel.read(place)
        return sorted(found, key=lambda path: not self._is_same(path, data))

    def original(self, path: str, place: str) -> str:
        """Return the untouched file of the tree with the bytes of `place` in the wheel.

        That is another one than `path`, the most alike by name.  It is empty where
        there is none; an empty file is like too many others.
        """
        data = self._wheel.read(place)
        found = [
            other
            for other in self._built.tree.sizes
            if data and other != path and self._is_untouched(other)
        ]
        found = [other for other in found if self._is_same(other, data)]
        return max(found, key=lambda other: _shared(other, place), default="")

    def _is_untouched(self, path: str) -> bool:
        return path not in self._built.touched and path not in self._built.written

    def _is_from_other(self, path: str, data: bytes, place: str) -> bool:
        """Return whether another file has the same bytes and a better claim on `place`.

        What patches make the same in several places may be in the wheel from each.
        """
        expected = place in self.expected(path)
        name = place.rpartition("/")[2]
        rivals = [
            other
            for other, size in self._built.tree.sizes.items()
            if size == len(data)
            and not (expected and other in self._built.touched)
            and is_tail(name, other)
            and self._is_same(other, data)
        ]
        return any(
            self._rank(other, place) > self._rank(path, place) for other in rivals
        )

    def _rank(self, path: str, place: str) -> tuple[int, int]:
        """Return how likely the wheel has `place` from `path` in the tree."""
        shared = _shared(path, place)
        folders = path.split("/")[: path.count("/") + 1 - shared]
        return shared, len(self.installed("".join(f"{each}/" for each in folders)))

    def _evidence(self, folder: str) -> Iterator[tuple[str, str]]:
        """Yield files that are the same in the wheel and in a folder of the tree."""
        yield from islice(self._all_evidence(folder), _ENOUGH)

    def _all_evidence(self, folder: str) -> Iterator[tuple[str, str]]:
        for path, size in self._built.tree.sizes.items():
            if size and path.startswith(folder):
                rest = path[len(folder) :]
                for place in self._called.get(path.rpartition("/")[2], ()):
                    if is_tail(rest, place) and self._is_from(path, place):
                        yield place, path

    def _is_from(self, path: str, place: str) -> bool:
        """Return whether the wheel has `place` as `path` was before the build."""
        same = self._wheel.sizes[place] == self._built.tree.sizes[path]
        may_be = self._is_known(path) and (same or _SCRIPTS in place)
        return may_be and _holds(self._wheel, place, self.read(path))

    def _is_same(self, path: str, data: bytes) -> bool:
        """Return whether a file of the tree had the bytes `data` before the build."""
        same = self._built.tree.sizes[path] == len(data) and self._is_known(path)
        return same and self.read(path) == data

    def _is_known(self, path: str) -> bool:
        """Return whether the bytes of a file of the tree before the build are known."""
        return path in self._built.touched or path not in self._built.written

    @cached_property
    def _called(self) -> dict[str, list[str]]:
        """The files of the wheel by their names, without its metadata."""
        found: dict[str, list[str]] = {}
        for place in self._wheel.sizes:
            if not place.partition("/")[0].endswith(".dist-info"):
                found.setdefault(place.rpartition("/")[2], []).append(place)
        return found


def is_tail(tail: str, path: str) -> bool:
    """Return whether `path` ends with all of the path `tail`."""
    return path == tail or path.endswith(f"/{tail}")


def above(path: str) -> Iterator[str]:
    """Yield the folders of `path`, each with a slash, from the nearest to the top."""
    yield from (f"{folder}/" for folder in reversed([*parents(path)]))
    yield ""


def _holds(wheel: Files, place: str, data: bytes) -> bool:
    """Return whether the wheel has `data` at `place`.

    The first line of a script may be another one: builds write ``#!python`` there.
    """
    if place not in wheel.sizes:
        return False
    if wheel.sizes[place] == len(data) and wheel.read(place) == data:
        return True
    if _SCRIPTS not in place or not data.startswith(b"#!"):
        return False
    found = wheel.read(place)
    return found.startswith(b"#!") and _body(found) == _body(data)


def _body(script: bytes) -> bytes:
    return script.partition(b"\n")[2]


def _shared(path: str, place: str) -> int:
    """Return how many components, from the end, two paths have in common."""
    pairs = zip(reversed(path.split("/")), reversed(place.split("/")), strict=False)
    shared = 0
    for ours, theirs in pairs:
        if ours != theirs:
            break
        shared += 1
    return shared


def _tails(path: str) -> Iterator[str]:
    """Yield `path`, then without its first folder, without the first two, and so on."""
    parts = path.split("/")
    yield from ("/".join(parts[start:]) for start in range(len(parts)))
