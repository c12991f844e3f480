"""Granting patches that packages ask for, and refusing them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from poach.catalog.definitions import Disputed, SwitchedOff
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

if TYPE_CHECKING:
    from poach.buildout.settings import OwnedPin, Settings
    from poach.buildout.use import Use
    from poach.catalog.definitions import NamedDiffs

logger = logging.getLogger("zc.buildout.poach")


class PatchSets(Protocol):
    """The patch sets of a buildout: the part of a `Session` that is used here."""

    @property
    def settings(self) -> Settings:
        """What the configuration says."""

    @property
    def library(self) -> NamedDiffs:
        """The diffs that the buildout and packages define."""

    @property
    def patch_sets(self) -> Mapping[NormalizedName, PatchSet]:
        """The patch sets of the pinned projects."""

    @property
    def use(self) -> Use:
        """What the run uses."""

    def pin_of(self, project: NormalizedName) -> OwnedPin | None:
        """Return the pin of a project, patched or plain, None where it has none."""

    def provides(self, project: NormalizedName) -> list[str]:
        """Return the extras that upstream defines; raise `PoachError`."""

    def grow(
        self, project: NormalizedName, granted: Mapping[str, Sequence[str]]
    ) -> PatchSet:
        """Add the patches that are `granted` to those of a pin; raise `PoachError`."""


class Granting:
    """Grants what packages ask for to the patch sets of `session`.

    Others read its attributes, and only the methods here change them.
    """

    def __init__(self, session: PatchSets) -> None:
        self.session = session
        #: The patches that are granted, by project and name, with who asks.
        self.granted: dict[NormalizedName, dict[str, list[str]]] = {}
        self._ignored: set[str] = set()

    def ask(self, requests: Collection[Request]) -> list[PatchSet]:
        """Grant what packages ask for; return the patch sets that grew by that.

        A request that nothing defines (yet) changes nothing.  Raises everything that
        prevents the others: a refusal, the policy, a part that has run already.
        """
        if self.session.settings.requests == "ignore":
            return []
        self._refuse_disputes()
        news = [one for one in collect(self._defined, requests) if one is not None]
        self.granted = _with(self.granted, news)
        return collect(self._grow, dict.fromkeys(one.project for one in news))

    def undo(self) -> Callable[[], None]:
        """Return a function that takes back what will be granted from now on."""
        before = self.granted

        def take_back() -> None:
            self.granted = before

        return take_back

    def _refuse_disputes(self) -> None:
        """Raise what shippers that came up since define in another way."""
        for project, patches in self.granted.items():
            owned = self.session.pin_of(project)
            assert owned is not None  # or nothing had been granted
            for name, requesters in patches.items():
                self._located(owned, Request(project, name, ", ".join(requesters)))

    def _located(self, owned: OwnedPin, request: Request) -> bool:
        """Return whether anything defines the patch; raise if that is disputed."""
        try:
            self.session.library.locate(owned.pin, request.patch, request.requester)
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

        They are only reported if patches that packages ask for are to be ignored, or
        unknown extras are `tolerated`.
        """
        faults = [self._refusal(request) for request in requests]
        if self.session.settings.requests != "ignore" and not tolerated:
            raise_faults(faults)
        for text in map(str, faults):
            if text not in self._ignored:
                self._ignored.add(text)
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
        if request.project in self.session.use.given:
            raise too_late(request, self.session.use.rested)
        return request

    def _grow(self, project: NormalizedName) -> PatchSet:
        return self.session.grow(project, self.granted[project])

    def _refusal(self, request: Request) -> PoachError:
        owned = self.session.pin_of(request.project)
        if owned is None:
            return unpinned(request)
        try:
            self.session.library.locate(owned.pin, request.patch, request.requester)
        except UnknownPatch as unknown:
            return undefined(request, ["[patches]", *unknown.looked_in])
        except PoachError as fault:
            return RequestError(request, str(fault))
        return RequestError(
            request,
            "which the distribution in use does not have; where that is a develop egg, "
            "apply the patch to the checkout and let it define the extra",
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
            provided = self.session.provides(project) if named else []
        except PoachError:  # there is no sdist, for one: nothing that could be patched
            return None
        return owned.pin if named - set(map(canonicalize_name, provided)) else None

    def may_grant(self, project: NormalizedName, patch: NormalizedName) -> bool:
        """Return whether a request may change anything: be granted, or be refused."""
        owned = self.session.pin_of(project)
        if owned is None:
            return False
        refused = patch in map(canonicalize_name, owned.pin.refused)
        return refused or self.session.library.may_define(owned.pin, patch)

    def _has_diff(self, pin: Pin, name: NormalizedName) -> bool:
        try:
            return bool(self.session.library.locate(pin, name, ""))
        except PoachError:  # reported when the patch is asked for
            return False


def _with(
    granted: Mapping[NormalizedName, Mapping[str, list[str]]], news: Iterable[Request]
) -> dict[NormalizedName, dict[str, list[str]]]:
    """Return a copy of what is granted, and the `news` with it."""
    more = {key: dict(requesters) for key, requesters in granted.items()}
    for request in news:
        requesters = more.setdefault(request.project, {})
        requesters[request.patch] = sorted(
            {*requesters.get(request.patch, ()), request.requester}
        )
    return more


def _names(names: Iterable[str], request: Request) -> bool:
    """Return whether the patch that is asked for is among `names`, in any spelling."""
    return any(canonicalize_name(name) == request.patch for name in names)
