"""The kit of a session: store, diffs, and what builds.

What only a build needs is imported when it is asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from poach.buildout.target import own_target
from poach.catalog.fetch import HttpFetcher
from poach.catalog.reader import DiffReader
from poach.pipeline.kit import Kit
from poach.store.store import Store

if TYPE_CHECKING:
    from poach.buildout.settings import Settings
    from poach.catalog.ports import Sdist, SourceFinder
    from poach.pipeline.kit import Toolchain
    from poach.pipeline.ports import Reporter


def kit_of(settings: Settings, foreign: Toolchain | None, reporter: Reporter) -> Kit:
    """Return what a session works with.

    Eggs are made by `foreign`, the toolchain of another interpreter; None: by that of
    the running one.
    """
    store = Store(settings.store, reporter)
    sdists = _Sources(settings, store)
    reader = DiffReader(store, sdists, HttpFetcher(settings.offline))
    shared = None
    if settings.sharing is not None and not settings.offline:
        # Imported late: most buildouts share nothing.
        from poach.remote.client import RemoteStore

        shared = RemoteStore(settings.sharing, settings.allow_hosts, reporter)
    target = foreign.target if foreign else own_target()
    tools = (lambda: foreign) if foreign else _own_toolchain(settings)
    trusted = settings.trusted
    return Kit(store, sdists, reader, target, tools, reporter, shared, trusted)


class _Sources:
    """The upstream sdists of a buildout (a `poach.catalog.ports.SourceFinder`)."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def find(
        self, project: str, version: str, fetching: Callable[[], None] = lambda: None
    ) -> Sdist:
        """Return the sdist of exactly that version; see `BuildoutSources.find`."""
        return self._sources.find(project, version, fetching)

    @functools.cached_property
    def _sources(self) -> SourceFinder:
        from poach.buildout.sources import BuildoutSources

        return BuildoutSources(
            self._store,
            self._settings.links,
            self._settings.index,
            self._settings.allow_hosts,
            self._settings.offline,
        )


def _own_toolchain(settings: Settings) -> Callable[[], Toolchain]:
    """Return a function that gives the toolchain of the running interpreter."""

    @functools.cache
    def toolchain() -> Toolchain:
        from poach.buildout import toolchains

        return toolchains.own(settings)

    return toolchain
