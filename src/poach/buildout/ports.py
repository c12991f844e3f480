"""What substitution knows of patched pins, and of those who supply their eggs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from poach.names import canonicalize_name

#: A project, an extra of it that may be a patch, and who asks.
PatchRequest = tuple[str, str, str]


class PatchedPin(NamedTuple):
    """A pin with patches that are resolved.

    `project` is the name as written, `base` the upstream version, `text` the pin in
    normal form, as ``1.0 +fix``, and `version` the tagged version; a plain pin has the
    version in place of both.
    """

    project: str
    base: str
    text: str
    version: str

    @property
    def key(self) -> str:
        """The canonical name of the project (PEP 503)."""
        return canonicalize_name(self.project)

    @property
    def names(self) -> list[str]:
        """The patches as written, in the order in which they apply."""
        return [word[1:] for word in self.text.split()[1:]]

    @property
    def asked(self) -> str:
        """Project and pin, as in the versions section."""
        return f"{self.project} = {self.text}"

    @property
    def tagged(self) -> str:
        """Project and tagged version, for people."""
        return f"{self.project} {self.version}"


class Supplier(Protocol):
    """Supplies patched eggs; its errors are zc.buildout's UserErrors."""

    @property
    def parts(self) -> Collection[str]:
        """The names of the parts that build one egg, as far as they were read."""

    def pinned(self, key: str) -> PatchedPin | None:
        """Return the pin of the project with the canonical name `key`."""

    def egg(self, key: str, may_build: bool) -> str:
        """Return the path of the egg of a pinned project, built if need be."""

    def holds(self, location: str) -> bool:
        """Tell whether `location` lies in the patched-egg store."""

    def declare(
        self,
        spec: str,
        key: str,
        build_ext: dict[str, str],
        environment: dict[str, str],
    ) -> None:
        """Note the build options of a part for `spec`, if none were read before."""

    def resolved(self, keys: Iterable[str]) -> None:
        """Note that parts got distributions of these projects."""

    @property
    def granting(self) -> bool:
        """Whether anything was granted that packages ask for."""

    def given(self, keys: Iterable[str]) -> None:
        """Note that these projects are in use as they are now, patched or not."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to patch, as far as anybody knows."""

    def rests(self, buildout: Any) -> bool:
        """Tell whether no part of `buildout` needs to be asked beforehand."""

    def recall(self) -> None:
        """Grant what was asked for in the last run, of which this is a part."""

    def tentatively(self) -> AbstractContextManager[None]:
        """Let nothing that is supplied in the ``with`` block count as used."""

    def foreseen(self, keys: Iterable[str], blind: Iterable[str]) -> None:
        """Note what the dry run found, and the parts of which it knows too little."""

    def unforeseen(self, blind: Iterable[str]) -> set[str]:
        """Return what such parts got in the last run, if it had any of `blind`."""

    def ready(self, key: str) -> bool:
        """Tell whether a pinned project can be built before parts are at work."""

    def lacks(self, key: str) -> bool:
        """Tell whether the egg of a pinned project has yet to be built."""

    def provides(self, key: str) -> Iterable[str]:
        """Return the extras that upstream defines for a pinned project."""

    def patchable(self, key: str, extras: Iterable[str]) -> PatchedPin | None:
        """Return the plain pin of a project if any of `extras` would patch it."""

    def build(self, keys: Collection[str]) -> None:
        """Build the eggs of pinned projects; raise all that is wrong together."""

    def ship(self, owner: str, project: str, folder: Path) -> None:
        """Note a folder of diffs for `project` that a distribution ships."""

    def ask(self, requests: Iterable[PatchRequest]) -> Sequence[str]:
        """Grant patches that packages ask for; return the pins that changed."""

    def substitute(self, key: str) -> str | None:
        """Return the requirement that stands in for a project, None for itself."""

    def owner(self, buildout: Any, section: str, option: str) -> str:
        """Return who set an option, for people: a file and perhaps a line."""

    def alias(
        self, key: str, other: str, version: str, extras: Sequence[str], points: str
    ) -> str:
        """Return the path of an egg in the name of `key` that requires `other`.

        `points` are the entry points of that, as in its entry_points.txt.
        """

    def dry_run_ended(self) -> None:
        """Hear that it is known, as far as may be, what packages ask for."""

    def refuse(self, requests: Iterable[PatchRequest], tolerated: bool) -> None:
        """Refuse what nobody grants, unless unknown extras are tolerated."""
