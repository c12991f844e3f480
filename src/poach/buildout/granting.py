"""Granting patches that packages ask for, and refusing them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from poach import pipeline
from poach.catalog.definitions import Disputed, Shelf, SwitchedOff
from poach.errors import PoachError, collect, raise_faults
from poach.names import NormalizedName, canonicalize_name
from poach.pins.patchset import PatchSet, UnknownPatch
from poach.pins.pin import Pin
from poach.pins.requests import (
    Request,
    RequestError,
    refused,
    too_late,
    undefined,
    uninvited,
    unpatchable,
    unpinned,
)
from poach.store.store import StoreUnwritable

if TYPE_CHECKING:
    from poach.buildout.settings import OwnedPin, Settings
    from poach.catalog.definitions import NamedDiffs
    from poach.pipeline.kit import Kit
    from poach.store.store import PatchedEgg

logger = logging.getLogger("zc.buildout.poach")


class PatchSets(Protocol):
    """The patch sets of a buildout, which is what a `Session` is here."""

    settings: Settings
    kit: Kit
    library: NamedDiffs
    patch_sets: dict[NormalizedName, PatchSet]
    used: dict[NormalizedName, PatchedEgg]
    given: set[NormalizedName]

    @property
    def name(self) -> str:
        """What the notes of this buildout are called."""

    def pin_of(self, project: NormalizedName) -> OwnedPin | None:
        """Return the pin of a project, patched or plain, None where it has none."""

    def resolve(self, owned: OwnedPin) -> PatchSet:
        """Find the diffs of a pin, and of what was granted; raise `PoachError`."""


class Granting:
    """Grants what packages ask for to the patch sets of `session`.

    `granted` are the patches by project and name, with who asks; `shipped` the folders
    of diffs that packages bring, with their owners and projects; `ignored` was told.
    `rested` tells that nobody was asked before parts were at work.
    """

    def __init__(self, session: PatchSets) -> None:
        self.session = session
        self.granted: dict[NormalizedName, dict[str, list[str]]] = {}
        self.shipped: set[tuple[str, str, str]] = set()
        self.ignored: set[str] = set()
        self.rested = False

    def ship(self, owner: str, project: str, folder: Path) -> None:
        """Count a folder of diffs for `project` that the distribution `owner` ships."""
        shipped = dict(self.session.library.shipped)
        there = shipped.get(canonicalize_name(project), ())
        self.shipped.add((owner, project, str(folder)))
        shelves = {*there, Shelf(owner, folder)}
        shipped[canonicalize_name(project)] = sorted(shelves, key=lambda s: s.owner)
        self.session.library = replace(self.session.library, shipped=shipped)

    def ask(self, requests: Collection[Request]) -> list[PatchSet]:
        """Grant what packages ask for; return the patch sets that grew by that.

        What nothing defines (yet) changes nothing.  Raises everything that stands in
        the way of the others: a refusal, the policy, a part that has run already.
        """
        if self.session.settings.requests == "ignore":
            return []
        self._refuse_disputes()
        news = [one for one in collect(self._defined, requests) if one is not None]
        self.granted = _with(self.granted, news)
        return collect(self._grow, dict.fromkeys(one.project for one in news))

    def ask_as_noted(self) -> list[PatchSet]:
        """Grant what packages asked for in the last run; return what grew by that.

        What the configuration no longer admits is only told: the next run of all parts
        will say whether anybody asks for it still.
        """
        grown: dict[NormalizedName, PatchSet] = {}
        noted = self.noted() or {}
        for owner, project, folder in noted.get("shipped", ()):
            if Path(folder).is_dir():
                self.ship(owner, project, Path(folder))
        for project, patch, asker in noted.get("granted", ()):
            try:
                more = self.ask([Request.of(project, patch, asker)])
            except PoachError as fault:
                logger.warning("Not counted: %s", fault)
            else:
                grown |= {patch_set.pin.key: patch_set for patch_set in more}
        return list(grown.values())

    def noted(self) -> dict[str, Any] | None:
        """Return what `note` has noted in the last run, None for nothing."""
        return self.session.kit.store.recall("requests", self.session.name)

    def note(self) -> None:
        """Note in the store, if that can be written, what was asked for and shipped."""
        asked = [
            [project, patch, asker]
            for project, patches in sorted(self.granted.items())
            for patch, askers in sorted(patches.items())
            for asker in sorted(set(askers))
        ]
        shipped = [list(each) for each in sorted(self.shipped)] if asked else []
        facts = {"granted": asked, "shipped": shipped}
        noted = self.noted()
        if facts != noted and (asked or noted):
            with contextlib.suppress(StoreUnwritable):
                self.session.kit.store.remember("requests", self.session.name, facts)

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Take back what is granted in the ``with`` block if it raises anything."""
        session = self.session
        before = self.granted, dict(session.patch_sets), dict(session.used)
        try:
            yield
        except BaseException:
            self.granted, session.patch_sets, session.used = before
            raise

    def _refuse_disputes(self) -> None:
        """Raise what shippers that came up since define in another way."""
        for project, patches in self.granted.items():
            owned = self.session.pin_of(project)
            assert owned is not None  # or nothing had been granted
            for name, askers in patches.items():
                self._located(owned, Request(project, name, ", ".join(askers)))

    def _located(self, owned: OwnedPin, request: Request) -> bool:
        """Tell whether anything defines what is asked for; raise if it is disputed."""
        try:
            self.session.library.locate(owned.pin, request.patch, request.asker)
        except UnknownPatch:
            return False
        except Disputed as fault:
            raise RequestError(request, f"and {fault}") from fault
        except SwitchedOff:
            where = self.session.library.definer(owned.pin, request.patch)
            raise refused(request, f"an empty entry in [patches] ({where})") from None
        return True

    def refuse(self, requests: Collection[Request], tolerated: bool) -> None:
        """Refuse what packages ask for and nobody grants.

        It is only told of where patches that packages ask for are to be ignored, or
        unknown extras are `tolerated`.
        """
        faults = [self._refusal(request) for request in requests]
        if self.session.settings.requests != "ignore" and not tolerated:
            raise_faults(faults)
        for text in map(str, faults):
            if text not in self.ignored:
                self.ignored.add(text)
                logger.warning("Ignored: %s", text)

    def _defined(self, request: Request) -> Request | None:
        """Return the request if there is a diff for it that is not in the pin."""
        owned = self.session.pin_of(request.project)
        if owned is None or _names(owned.pin.names, request):
            return None
        if _names(owned.pin.refused, request):
            raise refused(request, f"the pin '{owned.pin.project} = {owned.pin}'")
        if not self._located(owned, request):
            return None
        if request.project in self.session.settings.unpatchable:
            raise unpatchable(request)
        if self.session.settings.requests == "error":
            raise uninvited(request)
        if request.patch in self.granted.get(request.project, {}):
            return None
        if request.project in self.session.given:
            raise too_late(request, self.rested)
        return request

    def _grow(self, project: NormalizedName) -> PatchSet:
        owned = self.session.pin_of(project)
        assert owned is not None
        self.session.patch_sets[project] = self.session.resolve(owned)
        self.session.used.pop(project, None)
        return self.session.patch_sets[project]

    def _refusal(self, request: Request) -> PoachError:
        owned = self.session.pin_of(request.project)
        if owned is None:
            return unpinned(request)
        try:
            self.session.library.locate(owned.pin, request.patch, request.asker)
        except UnknownPatch as unknown:
            return undefined(request, ["[patches]", *unknown.looked_in])
        except PoachError as fault:
            return RequestError(request, str(fault))
        return RequestError(
            request,
            "which the distribution in use does not have; where that is a develop egg, "
            "apply the patch to the checkout and let it define the extra",
        )

    def provides(self, project: NormalizedName) -> list[str]:
        """Return the extras that upstream defines for a project with a pin."""
        owned = self.session.pin_of(project)
        return (
            pipeline.provided(PatchSet(owned.pin, ()), self.session.kit)
            if owned
            else []
        )

    def patchable(self, project: NormalizedName, extras: Iterable[str]) -> Pin | None:
        """Return the plain pin of a project that any of `extras` would patch.

        That is so if there is a diff of that name, and no such extra upstream.
        """
        owned = self.session.pin_of(project)
        ignored = self.session.settings.requests == "ignore"
        if owned is None or ignored or project in self.session.patch_sets:
            return None
        names = {canonicalize_name(name) for name in extras}
        named = {name for name in names if self._has_diff(owned.pin, name)}
        try:
            provided = set(
                map(canonicalize_name, self.provides(project) if named else ())
            )
        except PoachError:  # there is no sdist, for one: nothing that could be patched
            return None
        return owned.pin if named - provided else None

    def _has_diff(self, pin: Pin, name: NormalizedName) -> bool:
        try:
            return bool(self.session.library.locate(pin, name, ""))
        except PoachError:  # to be told when the patch is asked for
            return False


def _with(
    granted: Mapping[NormalizedName, Mapping[str, list[str]]], news: Iterable[Request]
) -> dict[NormalizedName, dict[str, list[str]]]:
    """Return a copy of what is granted, and the `news` with it."""
    more = {key: dict(askers) for key, askers in granted.items()}
    for request in news:
        askers = more.setdefault(request.project, {})
        askers[request.patch] = sorted({*askers.get(request.patch, ()), request.asker})
    return more


def _names(names: Iterable[str], request: Request) -> bool:
    """Tell whether the patch that is asked for is among `names`, however spelled."""
    return any(canonicalize_name(name) == request.patch for name in names)
