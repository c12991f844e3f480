"""What the pipeline needs of the outside: narrow protocols and their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from poach.errors import PoachError
from poach.key import BuildOptions

if TYPE_CHECKING:
    from poach.provenance import AppliedPatch


@dataclass(frozen=True, slots=True)
class Sdist:
    """An upstream source archive: where it lies and the sha256 of its bytes in hex.

    `source` is the URL or the path that it came from, without credentials.
    """

    path: Path
    sha256: str
    source: str = ""


class SourceFinder(Protocol):
    """Finds upstream sdists; zc.buildout's installer stands behind it."""

    def find(
        self, project: str, version: str, fetching: Callable[[], None] = lambda: None
    ) -> Sdist:
        """Return the sdist of exactly that version, fetched once in a run.

        `fetching` is called before it is sought.  Raises `PoachError`.
        """


class WheelBuilder(Protocol):
    """Builds a wheel from a source tree."""

    def build(
        self, title: str, tree: Path, dest: Path, options: BuildOptions, log: Path
    ) -> Path:
        """Build `tree` into the new folder `dest`; return the wheel."""

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


class Fetcher(Protocol):
    """Gets bytes from URLs."""

    def get(self, url: str) -> bytes:
        """Return what the server has at `url`; raise `PoachError`."""

    def exists(self, url: str) -> bool:
        """Tell whether the server has something at `url`; raise `PoachError`."""


class Reporter:
    """Hears what the pipeline does; silent unless a method is overridden."""

    def fetching(self, title: str) -> None:
        """The sdist of `title` is sought, which may take a while."""

    def patched(self, title: str, label: str, patch: AppliedPatch) -> None:
        """The diff `patch`, called `label`, went into the source of `title`."""

    def building(self, title: str) -> None:
        """The build of `title` begins."""

    def installed(self, title: str, label: str, patch: AppliedPatch) -> None:
        """It is known what the build made of the files of `patch`, called `label`."""

    def printed(self, log: Path) -> None:
        """The build went well; `log` holds what it printed, and goes away."""

    def built(self, title: str, seconds: float) -> None:
        """The egg of `title` is published, after so many seconds of work."""

    def waiting(self, title: str, holder: str) -> None:
        """Another process, `holder`, builds `title`; this one waits for it."""

    def set_aside(self, place: Path, reason: str, aside: Path) -> None:
        """What lies at `place` in the store is damaged.

        It stays there until its replacement is ready, and is then moved to `aside`.
        """

    def fetched(self, title: str, url: str, size: int) -> None:
        """The egg of `title` came from a remote store, in so many bytes."""

    def uploaded(self, title: str, url: str, size: int) -> None:
        """The egg of `title` went to a remote store, in so many bytes."""

    def not_shared(self, fault: PoachError) -> None:
        """An egg did not come from a remote store, or go there, for that reason."""
