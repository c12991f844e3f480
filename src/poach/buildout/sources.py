"""Upstream sdists, found and fetched by zc.buildout's own machinery."""

from __future__ import annotations

import bisect
import contextlib
import os
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pkg_resources
import zc.buildout.easy_install as easy_install
from packaging.version import Version
from setuptools.errors import BaseError

from poach.catalog.ports import Sdist
from poach.errors import PoachError
from poach.names import canonicalize_name, is_tagged, is_version, same_version
from poach.pins.location import is_url, plain, without_credentials
from poach.store import manifest
from poach.store.store import DamagedSdist, Store

#: What setuptools' package index takes for an sdist: no .tar.xz.
SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar", ".zip")
#: What it passes over, although others pack sources in it.
_PASSED_OVER = re.compile(
    r"(?P<stem>.+)\.(tar\.(xz|lzma|lz|lz4|zst|Z|br)|txz|tlz|tzst|tbz2?|7z|rar)",
    re.IGNORECASE,
)

#: Where setuptools' package index looks for a user and a password.
_LOGIN = (
    " (if it wants a login, write USER:PASSWORD@ before the host in the URL, or into "
    "~/.pypirc a section with repository, username and password; ~/.netrc does not "
    "count here)"
)

#: One thread at a time: a package index changes the timeout of all sockets while it
#: opens a URL, and buildout keeps its indexes in a global.
_ALONE = threading.Lock()


class NoSdist(PoachError):
    """There is no source archive of that version."""

    project: str
    version: str
    #: The nearest versions that have one.
    others: Sequence[str]
    #: Where poach looked for it.
    places: Sequence[str]
    #: The faults of these places.
    troubles: Sequence[str] = ()
    #: The files that have it in a format that buildout does not know.
    passed_over: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.places = tuple(map(without_credentials, self.places))
        troubles = map(without_credentials, self.troubles)
        self.troubles = tuple(dict.fromkeys(troubles))

    def __str__(self) -> str:
        title, places = f"{self.project} {self.version}", ", ".join(self.places)
        if self.passed_over:
            return (
                f"No sdist of {title} that zc.buildout can use in {places}: "
                f"{' and '.join(self.passed_over)} is there, and it takes only "
                f"{', '.join(SUFFIXES)}; unpack that, pack the same folder as "
                f"{self.project}-{self.version}.tar.gz, and put it into find-links"
            )
        there = (
            f"there are sdists of {', '.join(self.others)}"
            if self.others
            else "there is no sdist of any version"
        )
        if self.troubles:
            there = "; ".join(self.troubles)
        return f"No sdist of {title} in {places}; {there}, and patches need the source"


class WrongSdist(PoachError):
    """An archive with other bytes than the index promises."""

    path: Path
    expected: str
    found: str

    def __str__(self) -> str:
        return (
            f"Wrong sha256 for the sdist {self.path}:\n"
            f"    expected {self.expected} (from the index)\n"
            f"    found    {self.found}\n"
            "remove the file if the index is right"
        )


class DifferentSdists(PoachError):
    """One source archive with different bytes in several places."""

    file: str
    #: The places, without credentials, each with the sha256 that it promises or has.
    found: Mapping[str, str]

    def __post_init__(self) -> None:
        found = self.found.items()
        self.found = {without_credentials(place): digest for place, digest in found}

    def __str__(self) -> str:
        places = (f"    {digest} {place}" for place, digest in self.found.items())
        return "\n".join(
            [
                f"The sdist {self.file} is not the same everywhere; the sha256 is:",
                *places,
                "take the wrong place out of index and find-links",
            ]
        )


class NotFetched(PoachError):
    """A source archive that the index lists and does not deliver."""

    url: str
    reason: str

    def __post_init__(self) -> None:
        self.url, self.reason = without_credentials(self.url), plain(self.reason)

    def __str__(self) -> str:
        return f"Cannot fetch the sdist {self.url}: {self.reason}"


class Offline(PoachError):
    """A source archive is needed in offline mode.

    `damage` says what is wrong with the one that the store had kept, '' for nothing.
    """

    project: str
    version: str
    damage: str = ""

    def __str__(self) -> str:
        said = (
            f"The sdist of {self.project} {self.version} is needed "
            "and cannot be had in offline (no-install) mode"
        )
        return f"{said}; {self.damage}" if self.damage else said


class _Index(easy_install.AllowHostsPackageIndex):  # type: ignore[misc]
    """An index that never reads the page of all projects to find one of them.

    It keeps in `troubles` what stood in its way, and in `passed_over` the names of
    files that are no sdists to it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.troubles: list[str] = []
        self.passed_over: set[str] = set()
        super().__init__(*args, **kwargs)

    def process_url(self, url: str, retrieve: bool = False) -> None:
        self._look_at(urlsplit(url).path)
        super().process_url(url, retrieve)

    def process_filename(self, fn: str, nested: bool = False) -> None:
        self._look_at(Path(fn).as_posix())
        super().process_filename(fn, nested)

    def _look_at(self, path: str) -> None:
        name = unquote(path.rpartition("/")[2])
        if _PASSED_OVER.fullmatch(name):
            self.passed_over.add(name)

    def scan_all(self, msg: str | None = None, *args: object) -> None:
        pass

    def url_ok(self, url: str, fatal: bool = False) -> bool:
        allowed = bool(super().url_ok(url, fatal))
        if not allowed:
            self.troubles.append(f"allow-hosts refuses {url}")
        return allowed

    def open_url(self, url: str, warning: str | None = None) -> Any:
        answer = super().open_url(url, warning)
        status = getattr(answer, "code", None)
        if answer is None:
            self.troubles.append(f"{url} cannot be read")
        elif status is not None and status >= 400 and status != 404:
            how = _LOGIN if status in (401, 403) else ""
            self.troubles.append(f"{url} answers with status {status}{how}")
        return answer


class BuildoutSources:
    """Finds sdists where the buildout finds its distributions, each once in a run.

    `links`, `index` and `allow_hosts` are the buildout's options; the download cache
    and install-from-cache are taken from its installer.  What is fetched from a URL is
    kept in `store`.  Where the store has noted which sdist is right, and keeps that,
    nobody is asked.
    """

    def __init__(
        self,
        store: Store,
        links: Sequence[str] = (),
        index: str | None = None,
        allow_hosts: Sequence[str] = ("*",),
        offline: bool = False,
    ) -> None:
        self.links = links
        self.index = index
        self.allow_hosts = allow_hosts
        self.offline = offline
        self._store = store
        self._found: dict[tuple[str, str], Sdist] = {}
        self._reported: set[tuple[str, str]] = set()
        self._scratch: Path | None = None
        self._count = 0
        self._stack = contextlib.ExitStack()
        weakref.finalize(self, self._stack.close)

    def find(
        self, project: str, version: str, fetching: Callable[[], None] = lambda: None
    ) -> Sdist:
        """Return the sdist of exactly that version, fetched if need be.

        It lies in the store, in the download cache, where find-links points to, or in
        the staging area of a store that cannot keep it.  `fetching` is called before
        it is sought for the first time.  Raises `NoSdist`, `WrongSdist`,
        `DifferentSdists`, `NotFetched`, `Offline`, `StoreUnwritable`.
        """
        wanted = canonicalize_name(project), version
        with _ALONE:
            found = self._found.get(wanted)
            if found is None or not found.path.exists():  # it may have been pruned
                found = self._kept(project, version)
            if found is None:
                if wanted not in self._reported:
                    fetching()
                self._reported.add(wanted)
                found = self._find(project, version)
            self._found[wanted] = found
            return found

    def _kept(self, project: str, version: str) -> Sdist | None:
        """Return the noted sdist if the store keeps it."""
        noted = self._noted(project, version)
        try:
            path = self._store.kept_sdist(noted.sha256)
        except DamagedSdist as damage:
            if self.offline:
                raise Offline(project, version, str(damage)) from damage
            return None
        return Sdist(path, noted.sha256, noted.source) if path else None

    def _find(self, project: str, version: str) -> Sdist:
        if self.offline:
            raise Offline(project, version)
        installer = self._installer()
        known = self._known(installer, project)
        wanted = [d for d in known if same_version(d.version, version)]
        if not wanted:
            others = _nearest(version, {d.version for d in known} - _tagged(known))
            index, places = installer._index, self._places(installer)
            files = [f for f in index.passed_over if _is_of(f, project, version)]
            raise NoSdist(
                project, version, others, places, index.troubles, sorted(files)
            )
        noted = self._noted(project, version)
        chosen = _chosen(installer, wanted, noted)
        promised = _promised(chosen, wanted)
        if noted.sha256 not in promised.values() and len({*promised.values()}) > 1:
            raise DifferentSdists(_file(chosen), promised)
        place = without_credentials(_place(chosen))
        with contextlib.suppress(DamagedSdist):
            kept = self._store.kept_sdist(_digest(chosen))
            if kept is not None:
                return Sdist(kept, _digest(chosen), place)
        folder = self._folder()
        with self._store.writing():
            path = _fetched(installer, chosen, folder)
        _, found = manifest.size_and_digest(path)
        wrong = [digest for digest in promised.values() if digest != found]
        if wrong and found != noted.sha256:
            raise WrongSdist(path, wrong[0], found)
        if is_url(_place(chosen)):
            path = self._store.keep_sdist(folder / path.name, found)
        return Sdist(path, found, place)

    def _noted(self, project: str, version: str) -> _Noted:
        """Return what the store has noted of the sdist when it saw it first."""
        name = f"{canonicalize_name(project)}-{version}"
        facts = self._store.recall("sdists", name) or {}
        return _Noted(*(str(facts.get(key) or "") for key in _Noted._fields))

    def _folder(self) -> Path:
        """Return a new folder for what is fetched."""
        if self._scratch is None:
            self._scratch = self._stack.enter_context(self._store.scratch())
        self._count += 1
        folder = self._scratch / str(self._count)
        folder.mkdir()
        return folder

    def _installer(self) -> Any:
        installer = easy_install.Installer(
            None, self.links, self.index, newest=True, allow_hosts=self.allow_hosts
        )
        index = installer._index
        # The index is shared by all installers with these options; ours is our own.
        installer._index = _Index(index.index_url, hosts=self.allow_hosts)
        installer._index.add_find_links(installer._links)
        return installer

    def _known(self, installer: Any, project: str) -> list[Any]:
        requirement = pkg_resources.Requirement.parse(canonicalize_name(project))
        installer._index.obtain(requirement)
        return [dist for dist in installer._index[requirement.key] if _is_sdist(dist)]

    def _places(self, installer: Any) -> list[str]:
        return [installer._index.index_url, *installer._links]


def _nearest(version: str, others: set[str], count: int = 3) -> list[str]:
    """Return up to `count` of `others` on either side of `version`, in order."""
    ordered = sorted(others, key=Version)
    at = bisect.bisect(ordered, Version(version), key=Version)
    return ordered[max(0, at - count) : at + count]


def _is_of(file: str, project: str, version: str) -> bool:
    """Return whether a file that was passed over is called as this version of it."""
    found = _PASSED_OVER.fullmatch(file)
    stem = found["stem"] if found else ""
    return any(
        canonicalize_name(stem[: dash.start()]) == canonicalize_name(project)
        and same_version(stem[dash.end() :], version)
        for dash in re.finditer("[-_]", stem)  # a name may have some, too
    )


def _tagged(dists: Iterable[Any]) -> set[str]:
    """Return the versions of what is patched already, which no patch is for."""
    return {dist.version for dist in dists if is_tagged(dist.version)}


def _is_sdist(dist: Any) -> bool:
    archive = dist.location.partition("#")[0]
    return (
        dist.precedence == pkg_resources.SOURCE_DIST
        and archive.endswith(SUFFIXES)
        and is_version(dist.version)
    )


class _Noted(NamedTuple):
    """What is noted of an sdist that was seen before, '' for what is not."""

    #: The name of its file.
    file: str
    sha256: str
    #: Where it came from, without credentials.
    source: str


def _chosen(installer: Any, dists: Sequence[Any], noted: _Noted) -> Any:
    """Return the one to take: the noted one first, also if others came later."""
    kinds: tuple[Callable[[Any], bool], ...] = (
        lambda dist: bool(noted.sha256) and _digest(dist) == noted.sha256,
        lambda dist: bool(noted.file) and _file(dist) == noted.file,
        lambda dist: _file(dist).endswith(SUFFIXES[0]),
        lambda dist: True,
    )
    groups = (list(filter(kind, dists)) for kind in kinds)
    best = next(filter(None, groups))
    cache = installer._download_cache
    cached = (dist for dist in best if _lies_in(dist, cache))
    # What is promised can be verified.
    return next(cached, max(best, key=lambda dist: (bool(_digest(dist)), dist)))


def _place(dist: Any) -> str:
    return str(dist.location).partition("#")[0]


def _file(dist: Any) -> str:
    return unquote(_place(dist).rpartition("/")[2])


def _digest(dist: Any) -> str:
    """Return the sha256 that an index promises of a distribution, or ''."""
    fragment = str(dist.location).partition("#")[2]
    return fragment.removeprefix("sha256=") if "sha256=" in fragment else ""


def _promised(chosen: Any, dists: Iterable[Any]) -> dict[str, str]:
    """Return the digests that are promised of the file, by place."""
    same = (dist for dist in dists if _file(dist) == _file(chosen))
    return {_place(dist): _digest(dist) for dist in same if _digest(dist)}


def _lies_in(dist: Any, cache: str | None) -> bool:
    return bool(cache) and str(Path(dist.location).parent) == cache


def _fetched(installer: Any, dist: Any, folder: Path) -> Path:
    cache = installer._download_cache
    try:
        path = Path(installer._fetch(dist, str(folder), cache).location)
    except BaseError as error:
        how = _LOGIN if re.search(r": 40[13] ", str(error)) else ""
        raise NotFetched(str(dist.location), f"{error}{how}") from error
    return _moved(path, Path(cache)) if cache and path.parent == folder else path


def _moved(path: Path, cache: Path) -> Path:
    """Copy the file `path` into the download cache, where it appears whole."""
    handle, name = tempfile.mkstemp(dir=cache, prefix=".new-")
    with path.open("rb") as source, os.fdopen(handle, "wb") as new:
        shutil.copyfileobj(source, new)
    Path(name).chmod(0o644)
    return Path(name).replace(cache / path.name)
