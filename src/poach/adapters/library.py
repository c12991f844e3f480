"""Finding named diffs: the patches section first, then the folders of patch-path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from poach import series
from poach.errors import PoachError, collect
from poach.location import Kind, Location
from poach.naming import canonicalize_name, same_version
from poach.patchset import UnknownPatch
from poach.pin import Pin
from poach.ports import Fetcher

SUFFIXES = (".patch", ".diff")


class NoSeries(PoachError):
    """A folder given as a diff that holds no quilt series; `path` is the folder."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"the folder {self.path} holds no quilt series (a file named 'series')"


class SwitchedOff(PoachError):
    """A name whose entry in the patches section is empty."""

    def __str__(self) -> str:
        return "its entry in [patches] is empty"


class DigestOfFolder(PoachError):
    """A sha256 declared for a folder of diffs."""

    def __str__(self) -> str:
        return "a sha256 is for one diff, and this is a folder"


@dataclass(frozen=True, slots=True)
class NamedDiffs:
    """The diffs that a buildout defines.

    `section` maps canonical names, or ``PROJECT/NAME`` of canonical names, to
    locations with absolute paths; `folders` are the entries of patch-path, paths or
    URLs, in order.
    """

    section: Mapping[str, Sequence[Location]]
    folders: Sequence[str]
    fetcher: Fetcher

    def locate(self, pin: Pin, name: str, owner: str) -> Sequence[Location]:
        """Return the locations of the diffs of `name`, a folder's series unfolded.

        Raises `UnknownPatch`, and what is wrong with a folder or its series.
        """
        canonical = canonicalize_name(name)
        for key in (f"{pin.key}/{canonical}", canonical):
            if key in self.section:
                return _unfolded(self.section[key])
        for folder in self.folders:
            found = self._look_in(folder, pin, name)
            if found is not None:
                return _unfolded([found])
        raise UnknownPatch(pin, name, owner, list(self._known(pin)), self.folders)

    def _look_in(self, folder: str, pin: Pin, name: str) -> Location | None:
        if folder.startswith(("http://", "https://")):
            return self._look_at(folder, pin, name)
        canonical = canonicalize_name(name)
        for path in _candidates(Path(folder), pin):
            if _name_of(path) == canonical:
                return Location(Kind.PATH, str(path))
        return None

    def _look_at(self, url: str, pin: Pin, name: str) -> Location | None:
        for place in (f"{pin.project}/{pin.base}", pin.project):
            for suffix in SUFFIXES:
                candidate = f"{url.rstrip('/')}/{place}/{name}{suffix}"
                if self.fetcher.exists(candidate):
                    return Location(Kind.URL, candidate)
        return None

    def _known(self, pin: Pin) -> Iterator[str]:
        for key in self.section:
            project, _, name = key.rpartition("/")
            if project in ("", pin.key):
                yield name
        for folder in self.folders:
            yield from (_name_of(path) for path in _candidates(Path(folder), pin))


def _candidates(folder: Path, pin: Pin) -> Iterator[Path]:
    """Yield what may be a diff for `pin` in `folder`, in the order of preference."""
    projects = _folders(folder, lambda path: canonicalize_name(path.name) == pin.key)
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


def _folders(parent: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and wanted(path))


def _name_of(path: Path) -> str:
    return canonicalize_name(path.stem if path.suffix in SUFFIXES else path.name)


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
    if not (folder / "series").is_file():
        raise NoSeries(location.target)
    return [
        replace(
            location,
            target=str(folder / entry.file),
            strip=location.strip if entry.strip is None else entry.strip,
        )
        for entry in series.parse((folder / "series").read_bytes())
    ]
