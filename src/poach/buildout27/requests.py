"""Patches that packages ask for: a resolution that starts again when one comes up.

A requirement on ``ZODB3[poll-invalidations]`` asks for a patch if ZODB3 has no extra of
that name.  That shows when the requirement meets a distribution; the patch set then
grows, and all is resolved anew.  It only grows, so that ends.
"""

import logging
import os
import sys

import pkg_resources
from zc.buildout import UserError

from poach.buildout27.spelling import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Set, Tuple

    from poach.buildout27.pins import PatchedPin, Supplier, Wish

    _Fault = Optional[UserError]
    #: What came of a resolution: a working set, a state to go back to, an error.
    _Try = Tuple[Any, Any, _Fault]

logger = logging.getLogger("zc.buildout.poach")

#: The entry points of distributions that ship diffs: a project, and a package folder.
GROUP = "poach.patches"


class Asking(object):
    """Resolves requirements together with the patches that they ask for.

    `wishes` are all extras that requirements have named in one go, with who asks;
    `open` are those that their distributions do not have: without them the resolution
    goes on, and learns who ships diffs.  `unmet` are those that buildout tolerates as
    unknown extras, while nobody ships diffs.
    """

    def __init__(self, supplier, sources):
        # type: (Supplier, Callable[[Any], List[str]]) -> None
        """`sources` tells the folders in which the packages of a distribution are."""
        self.supplier = supplier
        self.sources = sources
        self.wishes = []  # type: List[Wish]
        self.open = []  # type: List[Wish]
        self.unmet = []  # type: List[Wish]
        self.ws = None  # type: Any

    def resolved(self, resolve, working_set, tolerated):
        # type: (Callable[[], Any], Any, bool) -> Any
        """Return the working set that `resolve` returns once all wishes are granted.

        What it adds to `working_set` in vain is taken out again.  Raises what it
        raises, and zc.buildout.UserError for a wish that is not granted, unless unknown
        extras are `tolerated`.  Where nobody ships a diff and there is nothing else to
        patch, a wish is an unknown extra, and what buildout makes of that counts.
        """
        return self._apart(lambda: self._resolved(resolve, working_set, tolerated))

    def survey(self, resolve):
        # type: (Callable[[], Any]) -> Tuple[List[Wish], Any, Optional[Exception]]
        """Return what `resolve` asks for, and its working set; grant nothing.

        That is all that came up before it failed, and the error, where it does.
        """
        return self._apart(lambda: self._surveyed(resolve))  # type: ignore[no-any-return]

    def grant(self, wishes, dists):  # type: (List[Wish], List[Any]) -> bool
        """Have wishes granted, perhaps by diffs that some of `dists` ship.

        Returns whether anything came of it.  Raises zc.buildout.UserError for what
        cannot be, also where `dists` ship something else than was granted before.
        """
        for dist in dists:
            for project, folder in self._shipped(dist):
                self.supplier.ship(str(dist), project, folder)
        changed = self.supplier.ask(wishes)
        for pin in changed:
            project = canonical(pin.split()[0])
            askers = {wish[2] for wish in wishes if canonical(wish[0]) == project}
            asked = ", ".join(sorted(askers))
            logger.info("Resolving anew with %s (asked for by %s).", pin, asked)
        return bool(changed)

    def _apart(self, function):  # type: (Callable[[], Any]) -> Any
        """Call `function` with nothing asked yet; it may come about within another."""
        outer = self.wishes, self.open, self.ws
        self.open = []
        try:
            return function()
        finally:
            self.wishes, self.open, self.ws = outer

    def _surveyed(self, resolve):
        # type: (Callable[[], Any]) -> Tuple[List[Wish], Any, Optional[Exception]]
        while True:
            self.wishes, self.ws = [], None
            try:
                ws, fault = resolve(), None
            except Exception as error:  # a build that fails, for one
                ws, fault = self.ws, error
            lacking = self._lacking(ws)
            if not lacking:
                return self.open, ws, fault
            self.open += lacking

    def _resolved(self, resolve, working_set, tolerated):
        # type: (Callable[[], Any], Any, bool) -> Any
        state, first = _state(working_set), None  # type: Any, Optional[_Try]
        while True:
            ws, lacking, fault = self._tried(resolve, working_set)
            if fault is not None and not lacking:
                raise first[2] if first and first[2] and self.supplier.idle else fault
            self.open += lacking
            if not self.open and not self.supplier.granting:
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
            if self.supplier.idle:
                ws, done = _unpatched(*first)
                self.unmet += self.open
            else:
                self.supplier.refuse(self.open, tolerated)
            _restore(working_set, done)
            return ws

    def _remember(self, dists):  # type: (List[Any]) -> None
        """Raise, or say, that some of `dists` ship diffs for what was tolerated."""
        if self.unmet:
            self.grant(self.unmet, dists)
            if not self.supplier.idle:
                self.supplier.refuse(self.unmet, True)
                self.unmet = []

    def _tried(self, resolve, working_set):
        # type: (Callable[[], Any], Any) -> Tuple[Any, List[Wish], _Fault]
        """Return a working set, the wishes that it does not meet, and an error."""
        self.wishes, self.ws = [], working_set
        try:
            ws, fault = resolve(), None
        except UserError as error:
            ws, fault = self.ws, error
        return ws, self._lacking(ws), fault

    def _granted(self, dists):  # type: (List[Any]) -> bool
        """Have granted what is open; tell whether to resolve anew."""
        changed = self.grant(self.open, dists)
        if changed:
            self.open = []
        return changed

    def stripped(self, requirement, askers, pin):
        # type: (Any, List[str], Optional[PatchedPin]) -> Any
        """Return `requirement` without what is open; note what it wishes.

        Extras that are patches of `pin` are spelled as its egg has them: buildout
        compares text.
        """
        project, extras = requirement.project_name, requirement.extras
        self.wishes += [(project, x, asker) for x in extras for asker in askers]
        patches = set(map(canonical, pin.names)) if pin is not None else set()
        lacking = {_key(wish) for wish in self.open}
        kept = [x for x in extras if (canonical(project), canonical(x)) not in lacking]
        kept = [canonical(x) if canonical(x) in patches else x for x in kept]
        if kept == list(extras):
            return requirement
        extra = "[%s]" % ",".join(kept) if kept else ""
        specs = ",".join(operator + version for operator, version in requirement.specs)
        return pkg_resources.Requirement.parse(project + extra + specs)

    def _lacking(self, ws):  # type: (Any) -> List[Wish]
        """Return the wishes that the distributions in `ws` do not meet."""
        seen = {(_key(wish), wish[2]) for wish in self.open}
        lacking = []
        for wish in self.wishes:
            dist = _find(ws, wish[0])
            told = wish[0], wish[1], _title(ws, wish[2])
            if dist is None or (_key(wish), told[2]) in seen:
                continue
            if canonical(wish[1]) not in map(canonical, dist.extras):
                seen.add((_key(wish), told[2]))
                lacking.append(told)
        return lacking

    def _shipped(self, dist):  # type: (Any) -> List[Tuple[str, str]]
        """Return the projects that a distribution has diffs for, with their folders."""
        try:
            points = list(dist.get_entry_map(GROUP).values())
        except ValueError as error:
            raise UserError("The entry points of %s are malformed: %s" % (dist, error))
        return [
            (point.name, os.path.join(folder, *point.module_name.split(".")))
            for point in points
            for folder in self.sources(dist)
        ]


def _unpatched(ws, state, fault):
    # type: (Any, Any, _Fault) -> Tuple[Any, Any]
    """Return what buildout found by itself, or raise what it raised."""
    if fault is not None:
        raise fault
    return ws, state


def _key(wish):  # type: (Wish) -> Tuple[str, str]
    return canonical(wish[0]), canonical(wish[1])


def _find(ws, project):  # type: (Any, str) -> Any
    for dist in ws if ws is not None else ():
        if canonical(dist.project_name) == canonical(project):
            return dist
    return None


def _title(ws, asker):  # type: (Any, str) -> str
    """Return name and version of who has a requirement, where `asker` is one."""
    try:
        dist = _find(ws, pkg_resources.Requirement.parse(asker).project_name)
    except ValueError:  # it is a part
        return asker
    return asker if dist is None else str(dist)


def _state(ws):  # type: (Any) -> Any
    if ws is None:
        return None
    keys = {entry: list(found) for entry, found in ws.entry_keys.items()}
    return list(ws.entries), keys, dict(ws.by_key), list(sys.path)


def _restore(ws, state):  # type: (Any, Any) -> None
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
