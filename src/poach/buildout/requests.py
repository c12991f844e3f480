"""Patches that packages ask for: a resolution that starts again when one comes up.

A requirement on ``ZODB3[poll-invalidations]`` asks for a patch if ZODB3 has no extra of
that name.  That shows when the requirement meets a distribution; the patch set then
grows, and all is resolved again.  It only grows, so that ends.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import pkg_resources
from zc.buildout import UserError

from poach.buildout.patched_pin import PatchedPin, PatchRequest
from poach.buildout.requirers import Requirers
from poach.names import canonicalize_name

_Fault: TypeAlias = "UserError | None"
#: What came of a resolution: a working set, a state to go back to, an error.
_Try: TypeAlias = "tuple[Any, Any, _Fault]"

logger = logging.getLogger("zc.buildout.poach")

#: The entry points of distributions that ship diffs: a project, and a package folder.
GROUP = "poach.patches"


class Granter(Protocol):
    """Grants patches that packages ask for; its errors are UserErrors."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to patch, as far as is known."""

    @property
    def granting(self) -> bool:
        """Whether anything was granted that packages ask for."""

    def ship(self, owner: str, project: str, folder: Path) -> None:
        """Note a folder of diffs for `project` that a distribution ships."""

    def ask(self, requests: Iterable[PatchRequest]) -> Sequence[str]:
        """Grant patches that packages ask for; return the pins that changed."""

    def refuse(self, requests: Iterable[PatchRequest], tolerated: bool) -> None:
        """Refuse what nobody grants, unless unknown extras are tolerated."""


class Requests:
    """Resolves requirements together with the patches that they ask for."""

    def __init__(
        self,
        granter: Granter,
        sources: Callable[[Any], list[str]],
        requirers: Requirers,
    ) -> None:
        """`sources` returns the folders with the packages of a distribution."""
        self.granter = granter
        self.sources = sources
        self.requirers = requirers
        #: All extras that requirements have named in one resolution, each with its
        #: requirement.
        self.requests: list[tuple[str, str, Any]] = []
        #: Extras that their distributions do not have.  The resolution goes on without
        #: them, and learns who ships diffs.
        self.open: list[PatchRequest] = []
        #: Those that buildout tolerates as unknown extras, while nobody ships diffs.
        self.unmet: list[PatchRequest] = []
        self.ws: Any = None

    def resolved(
        self, resolve: Callable[[], Any], working_set: Any, tolerated: bool
    ) -> Any:
        """Return the working set that `resolve` returns once all requests are granted.

        What it adds to `working_set` in vain is taken out again.  Raises what it
        raises, and zc.buildout.UserError for a request that is not granted, unless
        unknown extras are `tolerated`.  Where nobody ships a diff and there is nothing
        else to patch, a request is an unknown extra, and what buildout makes of that
        counts.
        """
        return self._apart(lambda: self._resolved(resolve, working_set, tolerated))

    def collected(
        self, resolve: Callable[[], Any]
    ) -> tuple[list[PatchRequest], Any, Exception | None]:
        """Return what `resolve` asks for, and its working set; grant nothing.

        That is all that came up before it failed, and the error, where it does.
        """
        return self._apart(lambda: self._collected(resolve))  # type: ignore[no-any-return]

    def grant(self, requests: list[PatchRequest], dists: list[Any]) -> bool:
        """Have requests granted, perhaps by diffs that some of `dists` ship.

        Returns whether anything came of it.  Raises zc.buildout.UserError for what
        cannot be, also where `dists` ship something else than was granted before.
        """
        for dist in dists:
            for project, folder in self._shipped(dist):
                self.granter.ship(str(dist), project, folder)
        changed = self.granter.ask(requests)
        for pin in changed:
            project = canonicalize_name(pin.split()[0])
            requesters = {
                request[2]
                for request in requests
                if canonicalize_name(request[0]) == project
            }
            asked = ", ".join(sorted(requesters))
            logger.info("Resolving again with %s (asked for by %s).", pin, asked)
        return bool(changed)

    def refuse(self, requests: Iterable[PatchRequest], tolerated: bool) -> None:
        """Refuse what nobody grants, unless unknown extras are `tolerated`."""
        self.granter.refuse(requests, tolerated)

    def _apart(self, function: Callable[[], Any]) -> Any:
        """Call `function` with nothing asked yet; it may come about within another."""
        outer = self.requests, self.open, self.ws
        self.open = []
        try:
            with self.requirers.resolving():
                return function()
        finally:
            self.requests, self.open, self.ws = outer

    def _collected(
        self, resolve: Callable[[], Any]
    ) -> tuple[list[PatchRequest], Any, Exception | None]:
        while True:
            self.requests, self.ws = [], None
            try:
                ws, fault = resolve(), None
            except Exception as error:  # a build that fails, for one
                ws, fault = self.ws, error
            lacking = self._lacking(ws)
            if not lacking:
                return self.open, ws, fault
            self.open += lacking

    def _resolved(
        self, resolve: Callable[[], Any], working_set: Any, tolerated: bool
    ) -> Any:
        state = _state(working_set)
        first: _Try | None = None
        while True:
            ws, lacking, fault = self._tried(resolve, working_set)
            if fault is not None and not lacking:
                raise first[2] if first and first[2] and self.granter.idle else fault
            self.open += lacking
            if not self.open and not self.granter.granting:
                self._remember(list(ws))
                return ws
            dists, done = list(ws), _state(working_set)
            _restore(working_set, state)
            first = first or (ws, done, fault)
            if lacking:
                continue
            if self._granted(dists):
                first = None
                continue
            if self.granter.idle:
                ws, done = _unpatched(*first)
                self.unmet += self.open
            else:
                self.granter.refuse(self.open, tolerated)
            _restore(working_set, done)
            return ws

    def _remember(self, dists: list[Any]) -> None:
        """Raise, or say, that some of `dists` ship diffs for what was tolerated."""
        if self.unmet:
            self.grant(self.unmet, dists)
            if not self.granter.idle:
                self.granter.refuse(self.unmet, True)
                self.unmet = []

    def _tried(
        self, resolve: Callable[[], Any], working_set: Any
    ) -> tuple[Any, list[PatchRequest], _Fault]:
        """Return a working set, the requests that it does not meet, and an error."""
        self.requests, self.ws = [], working_set
        try:
            ws, fault = resolve(), None
        except UserError as error:
            ws, fault = self.ws, error
        return ws, self._lacking(ws), fault

    def _granted(self, dists: list[Any]) -> bool:
        """Have open requests granted; return whether to resolve again."""
        changed = self.grant(self.open, dists)
        if changed:
            self.open = []
        return changed

    def stripped(self, requirement: Any, pin: PatchedPin | None) -> Any:
        """Return `requirement` without what is open; note what it asks for.

        Extras that are patches of `pin` are spelled as its egg has them: buildout
        compares text.
        """
        project, extras = requirement.project_name, requirement.extras
        self.requests += [(project, extra, requirement) for extra in extras]
        patches = set(map(canonicalize_name, pin.names)) if pin is not None else set()
        lacking = {_key(request) for request in self.open}
        kept = [
            x
            for x in extras
            if (canonicalize_name(project), canonicalize_name(x)) not in lacking
        ]
        kept = [
            canonicalize_name(x) if canonicalize_name(x) in patches else x for x in kept
        ]
        if kept == list(extras):
            return requirement
        extra = f"[{','.join(kept)}]" if kept else ""
        specs = ",".join(operator + version for operator, version in requirement.specs)
        return pkg_resources.Requirement.parse(project + extra + specs)

    def _lacking(self, ws: Any) -> list[PatchRequest]:
        """Return the requests that the distributions in `ws` do not meet."""
        seen = {(_key(request), request[2]) for request in self.open}
        lacking: dict[Any, PatchRequest] = {}
        for project, extra, requirement in self.requests:
            dist = _find(ws, project)
            if dist is None or _has(dist, extra):
                continue
            for requester in self.requirers.titles(requirement):
                request = project, extra, requester
                if (_key(request), requester) not in seen:
                    lacking.setdefault((_key(request), requester), request)
        return list(lacking.values())

    def _shipped(self, dist: Any) -> list[tuple[str, Path]]:
        """Return the projects that a distribution has diffs for, with their folders."""
        try:
            points = list(dist.get_entry_map(GROUP).values())
        except ValueError as error:
            reason = f"The entry points of {dist} are malformed: {error}"
            raise UserError(reason) from error
        return [
            (point.name, Path(folder, *point.module_name.split(".")))
            for point in points
            for folder in self.sources(dist)
        ]


def _unpatched(ws: Any, state: Any, fault: _Fault) -> tuple[Any, Any]:
    """Return what buildout found by itself, or raise what it raised."""
    if fault is not None:
        raise fault
    return ws, state


def _key(request: PatchRequest) -> tuple[str, str]:
    return canonicalize_name(request[0]), canonicalize_name(request[1])


def _find(ws: Any, project: str) -> Any:
    for dist in ws if ws is not None else ():
        if canonicalize_name(dist.project_name) == canonicalize_name(project):
            return dist
    return None


def _has(dist: Any, extra: str) -> bool:
    """Return whether a distribution has an extra, in any spelling."""
    return canonicalize_name(extra) in map(canonicalize_name, dist.extras)


def _state(ws: Any) -> Any:
    if ws is None:
        return None
    keys = {entry: list(found) for entry, found in ws.entry_keys.items()}
    return list(ws.entries), keys, dict(ws.by_key), list(sys.path)


def _restore(ws: Any, state: Any) -> None:
    """Put a working set back to what it was, in place.

    It may be buildout's own, and what is added to that is put on the path.
    """
    if ws is not None:
        entries, keys, by_key, sys.path[:] = state
        ws.entries[:] = entries
        ws.entry_keys.clear()
        ws.entry_keys.update({entry: list(found) for entry, found in keys.items()})
        ws.by_key.clear()
        ws.by_key.update(by_key)
