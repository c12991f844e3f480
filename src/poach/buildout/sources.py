"""Upstream sdists, found and fetched by zc.buildout's own machinery."""

from __future__ import annotations

import bisect
import contextlib
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pkg_resources
import zc.buildout.easy_install as easy_install
from packaging.version import Version
from setuptools.errors import BaseError

from poach.adapters import contents
from poach.adapters.store import Store
from poach.errors import PoachError
from poach.location import without_credentials
from poach.naming import canonicalize_name, is_version, same_version
from poach.ports import Sdist
from poach.spelling import is_tagged

#: What setuptools' package index takes for an sdist: no .tar.xz.
SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar", ".zip")

#: One thread at a time: a package index changes the timeout of all sockets while it
#: opens a URL, and buildout keeps its indexes in a global.
_ALONE = threading.Lock()


class NoSdist(PoachError):
    """No source archive of that version is to be had.

    `others` are the nearest versions that have one, `places` where it was looked for,
    `troubles` what stood in the way there.
    """

    def __init__(
        self,
        project: str,
        version: str,
        others: Sequence[str],
        places: Sequence[str],
        troubles: Sequence[str] = (),
    ) -> None:
        places = [without_credentials(place) for place in places]
        troubles = [without_credentials(trouble) for trouble in troubles]
        super().__init__(project, version, others, places, troubles)
        self.troubles = tuple(dict.fromkeys(troubles))
        self.project = project
        self.version = version
        self.others = tuple(others)
        self.places = tuple(places)

    def __str__(self) -> str:
        there = (
            f"there are sdists of {', '.join(self.others)}"
            if self.others
            else "there is no sdist of any version"
        )
        if self.troubles:
            there = "; ".join(self.troubles)
        return (
            f"No sdist of {self.project} {self.version} in {', '.join(self.places)}; "
            f"{there}, and patches need the source"
        )


class WrongSdist(PoachError):
    """An archive whose bytes are not those that the index promises."""

    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(path, expected, found)
        self.path = path
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return (
            f"Wrong sha256 for the sdist {self.path}:\n"
            f"    expected {self.expected} (from the index)\n"
            f"    found    {self.found}\n"
            "remove the file if the index is right"
        )


class NotFetched(PoachError):
    """A source archive that the index lists and does not deliver."""

    def __init__(self, url: str, reason: str) -> None:
        url, reason = without_credentials(url), without_credentials(reason)
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"Cannot fetch the sdist {self.url}: {self.reason}"


class Offline(PoachError):
    """A source archive is needed in offline mode."""

    def __init__(self, project: str, version: str) -> None:
        super().__init__(project, version)
        self.project = project
        self.version = version

    def __str__(self) -> str:
        return (
            f"The sdist of {self.project} {self.version} is needed "
            "and cannot be had in offline (no-install) mode"
        )


class _Index(easy_install.AllowHostsPackageIndex):  # type: ignore[misc]
    """An index that never reads the page of all projects to find one of them.

    It keeps in `troubles` what stood in its way.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.troubles: list[str] = []
        super().__init__(*args, **kwargs)

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
            self.troubles.append(f"{url} answers with status {status}")
        return answer


class BuildoutSources:
    """Finds sdists where the buildout finds its distributions, each once in a run.

    `links`, `index` and `allow_hosts` are the buildout's options; the download cache
    and install-from-cache are taken from its installer.  What lies in no cache is kept
    in the staging area of `store` for as long as this object, or the process, lives.
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
        self._scratch: Path | None = None
        self._stack = contextlib.ExitStack()
        weakref.finalize(self, self._stack.close)

    def find(
        self, project: str, version: str, fetching: Callable[[], None] = lambda: None
    ) -> Sdist:
        """Return the sdist of exactly that version, fetched if need be.

        It lies in the download cache, where there is one, in the staging area, or where
        find-links points to.  `fetching` is called before it is sought.  Raises
        `NoSdist`, `WrongSdist`, `NotFetched`, `Offline`, `StoreUnwritable`.
        """
        wanted = canonicalize_name(project), version
        with _ALONE:
            if wanted not in self._found:
                fetching()
                self._found[wanted] = self._find(project, version)
            return self._found[wanted]

    def _find(self, project: str, version: str) -> Sdist:
        if self.offline:
            raise Offline(project, version)
        installer = self._installer()
        known = self._known(installer, project)
        wanted = [d for d in known if same_version(d.version, version)]
        if not wanted:
            others = _nearest(version, {d.version for d in known} - _tagged(known))
            troubles = installer._index.troubles
            raise NoSdist(project, version, others, self._places(installer), troubles)
        with self._store.writing():
            path = _fetched(installer, _chosen(installer, wanted), self._folder())
        return Sdist(path, _verified(path, wanted))

    def _folder(self) -> Path:
        """Return a new folder for what is fetched."""
        if self._scratch is None:
            self._scratch = self._stack.enter_context(self._store.scratch())
        folder = self._scratch / str(len(self._found))
        folder.mkdir(exist_ok=True)
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


def _chosen(installer: Any, dists: Iterable[Any]) -> Any:
    cache = installer._download_cache
    best = sorted(dists)[-1]
    return next((d for d in dists if _lies_in(d, cache)), best)


def _lies_in(dist: Any, cache: str | None) -> bool:
    return bool(cache) and str(Path(dist.location).parent) == cache


def _fetched(installer: Any, dist: Any, folder: Path) -> Path:
    cache = installer._download_cache
    try:
        path = Path(installer._fetch(dist, str(folder), cache).location)
    except BaseError as error:
        raise NotFetched(str(dist.location), str(error)) from error
    return _moved(path, Path(cache)) if cache and path.parent == folder else path


def _moved(path: Path, cache: Path) -> Path:
    """Copy the file `path` into the download cache, where it appears whole."""
    handle, name = tempfile.mkstemp(dir=cache, prefix=".new-")
    with path.open("rb") as source, os.fdopen(handle, "wb") as new:
        shutil.copyfileobj(source, new)
    Path(name).chmod(0o644)
    return Path(name).replace(cache / path.name)


def _verified(path: Path, dists: Iterable[Any]) -> str:
    _, found = contents.size_and_digest(path)
    for dist in dists:
        place, _, fragment = dist.location.partition("#sha256=")
        if fragment and place.endswith("/" + path.name) and fragment != found:
            raise WrongSdist(path, fragment, found)
    return found
