"""Finding named diffs: the patches section first, then the folders of patch-path."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poach.errors import PoachError, collect
from poach.names import NormalizedName, canonicalize_name, is_version, same_version
from poach.pins import series
from poach.pins.location import Kind, Location, is_url, without_credentials
from poach.pins.patchset import UnknownPatch
from poach.pins.pin import Pin

if TYPE_CHECKING:
    from poach.catalog.ports import Fetcher

SUFFIXES = (".patch", ".diff")


class NoSeries(PoachError):
    """A folder given as a diff that holds no quilt series; `path` is the folder."""

    path: str

    def __str__(self) -> str:
        return f"the folder {self.path} has no quilt series (a file named 'series')"


class SwitchedOff(PoachError):
    """A name whose entry in the patches section is empty."""

    def __str__(self) -> str:
        return (
            "its entry in [patches] is empty, which refuses the patch; write the "
            "place of the diff there, or do not ask for the patch"
        )


class Ambiguous(PoachError):
    """Several diffs beside each other whose names differ in spelling only."""

    paths: Sequence[Path]

    def __str__(self) -> str:
        return f"it may be any of {', '.join(map(str, self.paths))}"


class DigestOfFolder(PoachError):
    """A sha256 declared for a folder of diffs."""

    def __str__(self) -> str:
        return "a sha256 is for one diff, but this is a folder"


class Disputed(PoachError):
    """A name that several distributions define in different ways."""

    owners: Sequence[str]

    def __str__(self) -> str:
        return (
            f"{' and '.join(self.owners)} define it in different ways; say which one "
            "counts in [patches]"
        )


class Shelf(NamedTuple):
    """A folder of diffs for one project that a distribution ships.

    It holds ``NAME.patch``, ``BASE/NAME.patch`` and folders ``NAME`` with a series.
    """

    #: The distribution.
    owner: str
    folder: Path


class NamedDiffs(NamedTuple):
    """The diffs that a buildout defines."""

    #: Maps canonical names, or ``PROJECT/NAME`` of canonical names, to locations with
    #: absolute paths.
    section: Mapping[str, Sequence[Location]]
    #: The entries of patch-path, paths or URLs, in order.
    folders: Sequence[str]
    fetcher: Fetcher
    #: Who wrote each entry of the section.
    owners: Mapping[str, str] = {}
    #: The shelves of distributions, by the project that they are for; they come last.
    shipped: Mapping[str, Sequence[Shelf]] = {}
    #: Other names of a project under which its diffs may be, after its own: those for
    #: which it stands in.
    also: Mapping[NormalizedName, Sequence[NormalizedName]] = {}

    def locate(self, pin: Pin, name: str, owner: str) -> Sequence[Location]:
        """Return the locations of the diffs of `name`, a folder's series unfolded.

        Raises `UnknownPatch`, and what is wrong with a folder or its series.
        """
        entry = self.entry(pin, name)
        if entry is not None:
            return _unfolded(self.section[entry])
        found = next(self._on_path(pin, name), None)
        if found is not None:
            return _unfolded([found])
        shipped = self._shipped(pin, name)
        if shipped:
            return _agreed(shipped)
        known, others = list(self._known(pin)), list(self._elsewhere(pin, name))
        raise UnknownPatch(pin, name, owner, known, self._looked_in(), others)

    def may_define(self, pin: Pin, name: str) -> bool:
        """Tell whether there may be a diff of `name`: of a URL that is not known."""
        if self.entry(pin, name) is not None or any(map(is_url, self.folders)):
            return True
        try:
            return any(self._on_path(pin, name)) or bool(self._shipped(pin, name))
        except Ambiguous:
            return True

    def definer(self, pin: Pin, name: str) -> str:
        """Return who wrote the entry for `name` or ships it, empty for patch-path."""
        entry = self.entry(pin, name)
        if entry is not None:
            return self.owners.get(entry, "")
        shipped = any(self.shipped.get(one.key) for one in self._called(pin))
        if not shipped or any(self._on_path(pin, name)):
            return ""
        return " and ".join(shelf.owner for shelf, _ in self._shipped(pin, name))

    def entry(self, pin: Pin, name: str) -> str | None:
        """Return the entry of the section that defines `name`, None without one."""
        canonical = canonicalize_name(name)
        keys = (*(f"{one.key}/{canonical}" for one in self._called(pin)), canonical)
        return next((key for key in keys if key in self.section), None)

    def _shipped(self, pin: Pin, name: str) -> list[tuple[Shelf, Path]]:
        """Return the shelves that have `name`, and where."""
        called = self._called(pin)
        shelves = [one for each in called for one in self.shipped.get(each.key, ())]
        found = ((one, _chosen(name, _on([one.folder], pin))) for one in shelves)
        return [(shelf, path) for shelf, path in found if path is not None]

    def _called(self, pin: Pin) -> list[Pin]:
        """Return `pin`, and the pins under whose names its diffs may be as well."""
        others = self.also.get(pin.key, ())
        return [pin, *(Pin(other, pin.base, ()) for other in others)]

    def _on_path(self, pin: Pin, name: str) -> Iterator[Location]:
        """Yield where the folders have `name`, in the order of preference."""
        for one in self._called(pin):
            for folder in self.folders:
                found = self._look_in(folder, one, name)
                if found is not None:
                    yield found

    def _looked_in(self) -> list[str]:
        places = map(Location.parse, self.folders)
        return [
            f"{place.target} (no such folder)"
            if place.kind is Kind.PATH and not Path(place.target).is_dir()
            else without_credentials(place.target)
            for place in places
        ]

    def _look_in(self, folder: str, pin: Pin, name: str) -> Location | None:
        place = Location.parse(folder)
        if place.kind is Kind.URL:
            return self._look_at(place.target, pin, name)
        path = _chosen(name, _candidates(Path(place.target), pin))
        return Location(Kind.PATH, str(path)) if path else None

    def _look_at(self, url: str, pin: Pin, name: str) -> Location | None:
        for place in (f"{pin.project}/{pin.base}", pin.project):
            for suffix in SUFFIXES:
                candidate = f"{url.rstrip('/')}/{place}/{name}{suffix}"
                if self.fetcher.exists(candidate):
                    return Location(Kind.URL, candidate)
        return None

    def _elsewhere(self, pin: Pin, name: str) -> Iterator[str]:
        """Yield the other versions of the project that have a diff of that name."""
        for folder in map(Location.parse, self.folders):
            for project in _projects(Path(folder.target), pin):
                for version in _folders(project, lambda path: is_version(path.name)):
                    there = Pin(pin.project, version.name, ())
                    found = map(_name_of, _candidates(Path(folder.target), there))
                    if canonicalize_name(name) in found:
                        yield version.name

    def _known(self, pin: Pin) -> Iterator[str]:
        for key in self.section:
            project, _, name = key.rpartition("/")
            if project in ("", pin.key):
                yield name
        for folder in map(Location.parse, self.folders):
            if folder.kind is Kind.PATH:
                yield from map(_name_of, _candidates(Path(folder.target), pin))


def _chosen(name: str, candidates: Iterable[Path]) -> Path | None:
    """Return the first of `candidates` that is called `name`; raise `Ambiguous`."""
    named = [p for p in candidates if _name_of(p) == canonicalize_name(name)]
    rivals = [path for path in named if _shelf(path) == _shelf(named[0])]
    exact = [path for path in rivals if path.name == name + _kind(path)]
    if len(rivals) > 1 and not exact:
        raise Ambiguous(rivals)
    return next(iter(exact or rivals), None)


def _shelf(path: Path) -> tuple[Path, str]:
    return path.parent, _kind(path)


def _kind(path: Path) -> str:
    """Return the suffix of a diff, or nothing for a folder."""
    return path.suffix if path.suffix in SUFFIXES else ""


def _candidates(folder: Path, pin: Pin) -> Iterator[Path]:
    """Yield what may be a diff for `pin` in `folder`, in the order of preference."""
    yield from _on(_projects(folder, pin), pin)


def _on(projects: Sequence[Path], pin: Pin) -> Iterator[Path]:
    """Yield what may be a diff for `pin` in folders that are for its project."""
    versions = [
        base
        for project in projects
        for base in _folders(project, lambda path: same_version(path.name, pin.base))
    ]
    places = [*versions, *projects]
    for place in places:
        for suffix in SUFFIXES:
            yield from sorted(p for p in place.glob("*" + suffix) if p.is_file())
    for place in places:
        yield from _folders(place, lambda path: (path / "series").is_file())


def _projects(folder: Path, pin: Pin) -> list[Path]:
    return _folders(folder, lambda path: canonicalize_name(path.name) == pin.key)


def _folders(parent: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and wanted(path))


def _name_of(path: Path) -> str:
    return canonicalize_name(path.name.removesuffix(_kind(path)))


def _agreed(shipped: Sequence[tuple[Shelf, Path]]) -> list[Location]:
    """Return the diffs of a name if all that ship it agree; raise `Disputed`."""
    unfolded = [_unfolded([Location(Kind.PATH, str(path))]) for _, path in shipped]
    contents = {tuple(map(_content, locations)) for locations in unfolded}
    if len(contents) > 1:
        raise Disputed([shelf.owner for shelf, _ in shipped])
    return unfolded[0]


def _content(location: Location) -> tuple[bytes, int | None]:
    try:
        return Path(location.target).read_bytes(), location.strip
    except OSError:  # reported when the diff is read
        return os.fsencode(location.target), location.strip


def _unfolded(locations: Sequence[Location]) -> list[Location]:
    if not locations:
        raise SwitchedOff
    return [one for group in collect(_series, locations) for one in group]


def _series(location: Location) -> list[Location]:
    if location.kind is not Kind.PATH or not Path(location.target).is_dir():
        return [location]
    if location.sha256:
        raise DigestOfFolder
    folder = Path(location.target)
    listed = folder / "series"
    if not listed.is_file():
        raise NoSeries(location.target)
    usual = series.STRIP if location.strip is None else location.strip
    return [
        location._replace(
            target=str(folder / entry.file),
            strip=usual if entry.strip is None else entry.strip,
        )
        for entry in series.parse(listed.read_bytes(), str(listed))
    ]
