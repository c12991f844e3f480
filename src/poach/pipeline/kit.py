"""The kit: all tools of the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from poach.pipeline.ports import Reporter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from poach.catalog.ports import SourceFinder
    from poach.pins.build_key import Target
    from poach.pins.patchset import PatchReader
    from poach.pipeline.ports import Compiler, EggMaker, WheelBuilder
    from poach.remote.client import RemoteStore
    from poach.remote.sharing import PublicKey
    from poach.store.store import Store


class Toolchain(NamedTuple):
    """What makes wheels and eggs for one interpreter."""

    builder: WheelBuilder
    eggs: EggMaker
    #: The interpreter.
    target: Target
    #: Says what the interpreter cannot compile.
    compiler: Compiler


class Kit(NamedTuple):
    """The tools that the pipeline works with."""

    store: Store
    sdists: SourceFinder
    reader: PatchReader
    #: For what interpreter eggs are made.
    target: Target
    #: Gives what makes them, which a run that builds nothing does not even import.
    toolchain: Callable[[], Toolchain]
    reporter: Reporter = Reporter()
    #: Asked before anything is built.
    shared: RemoteStore | None = None
    #: Of what was fetched, only what one of these keys has signed is used; None trusts
    #: all.
    trusted: Collection[PublicKey] | None = None
