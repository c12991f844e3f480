"""What the pipeline needs of the outside: narrow protocols and their values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from poach.pins.build_key import BuildOptions
from poach.remote.reporter import RemoteReporter
from poach.store.reporter import StoreReporter

if TYPE_CHECKING:
    from poach.record.provenance import AppliedPatch


class WheelBuilder(Protocol):
    """Builds a wheel from a source tree."""

    def build(
        self, title: str, tree: Path, dest: Path, options: BuildOptions, log: Path
    ) -> Path:
        """Build `tree` into the new folder `dest`; return the wheel."""

    def tool(self, tree: Path, options: BuildOptions) -> str:
        """Return what builds `tree`, for people."""

    def built_in(self, tree: Path, dest: Path) -> Path:
        """Return where `tree` was built into `dest`: there, or in a copy."""


class Compiler(Protocol):
    """Compiles Python for the interpreter that eggs are made for, called `name`."""

    @property
    def name(self) -> str:
        """What people call the interpreter."""

    def faults(self, sources: Sequence[bytes], folder: Path, log: Path) -> list[str]:
        """Return what is wrong with the syntax of each of `sources`, '' for nothing.

        `folder` may be made and used; what a program prints goes to `log`.
        """


class EggMaker(Protocol):
    """Turns a wheel into an egg in the layout that the host expects."""

    def make(self, wheel: Path, dest: Path, log: Path) -> Path:
        """Unpack `wheel` below the new folder `dest`; return the path of the egg."""


class Reporter(StoreReporter, RemoteReporter):
    """Hears what the pipeline does; silent unless a method is overridden."""

    def fetching(self, title: str) -> None:
        """The sdist of `title` is sought, which may take a while."""

    def patched(self, title: str, label: str, patch: AppliedPatch) -> None:
        """The diff `patch`, called `label`, went into the source of `title`."""

    def building(self, title: str, tool: str) -> None:
        """The build of `title` begins; `tool` says what builds it."""

    def installed(self, title: str, label: str, patch: AppliedPatch) -> None:
        """The effect on the files of `patch`, called `label`, is known."""

    def printed(self, log: Path) -> None:
        """The build went well; `log` holds what it printed, and goes away."""

    def built(self, title: str, seconds: float) -> None:
        """The egg of `title` is published, after so many seconds of work."""
