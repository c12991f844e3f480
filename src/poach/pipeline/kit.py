"""The kit: the tools that the pipeline works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poach.catalog.ports import SourceFinder
from poach.pins.build_key import Target
from poach.pins.patchset import PatchReader
from poach.pipeline.ports import (
    Compiler,
    EggMaker,
    Reporter,
    WheelBuilder,
)
from poach.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Collection

    from poach.remote.client import RemoteStore
    from poach.remote.sharing import PublicKey


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What makes wheels and eggs for one interpreter, the `target`.

    `compiler` tells whether that takes a source.
    """

    builder: WheelBuilder
    eggs: EggMaker
    target: Target
    compiler: Compiler


@dataclass(frozen=True, slots=True)
class Kit:
    """The tools that the pipeline works with; `shared` is asked before it builds.

    Of what was fetched, by whomever, only what one of the `trusted` keys has signed is
    used; None trusts all.
    """

    store: Store
    sdists: SourceFinder
    reader: PatchReader
    toolchain: Toolchain
    reporter: Reporter = field(default_factory=Reporter)
    shared: RemoteStore | None = None
    trusted: Collection[PublicKey] | None = None
