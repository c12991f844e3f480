"""What only a run that builds something needs, imported when it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poach.buildout.settings import Settings
    from poach.catalog.ports import Sdist, SourceFinder
    from poach.pipeline.kit import Toolchain
    from poach.store.store import Store


class LateSources:
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


def own_toolchain(settings: Settings) -> Callable[[], Toolchain]:
    """Return a function that gives the toolchain of the running interpreter."""

    @functools.cache
    def toolchain() -> Toolchain:
        from poach.buildout import toolchains

        return toolchains.own(settings)

    return toolchain
