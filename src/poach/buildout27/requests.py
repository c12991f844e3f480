"""Patches that packages ask for: they are refused, for here the pin names them.

A requirement on ``ZODB3[poll-invalidations]`` asks for a patch if ZODB3 has no extra of
that name.  That shows when the requirement meets a distribution.
"""

import logging
import os

import pkg_resources
from zc.buildout import UserError

from poach.buildout27.names import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from poach.buildout27.supplier import Bridge, PatchedPin

    #: A project, an extra of it that may be a patch, and who asks.
    Request = tuple[str, str, str]

logger = logging.getLogger("zc.buildout.poach")

#: Who asks where no distribution does.
ANYBODY = "A part or a recipe"


class Requests(object):
    """Finds the extras that distributions do not have.

    `seen` are all extras that the requirements of a resolution have named so far, and
    `dropped` those without which it goes on; `ws` is its working set.
    """

    def __init__(self, bridge, buildout):  # type: (Bridge, Any) -> None
        self.bridge = bridge
        options = buildout["buildout"]
        patches = options.get("patches", "patches")
        self.policy = options.get("patch-requests", "apply").strip()
        self.defined = patches in buildout and bool(buildout[patches].keys())
        self.folders = (options.get("patch-path") or "patches").split()
        self.directory = options["directory"]
        self.ignored = set()  # type: set[str]
        self.seen = []  # type: list[Request]
        self.dropped = set()  # type: set[tuple[str, str]]
        self.ws = None  # type: Any

    @property
    def idle(self):  # type: () -> bool
        """Whether there is nothing to patch: no pin, no diff that one might name."""
        said = self.bridge.pins or self.bridge.plain or self.defined
        return not said and not any(map(self._may_have_diffs, self.folders))

    def _may_have_diffs(self, place):  # type: (str) -> bool
        """Tell whether an entry of patch-path is a folder that is there, or a URL."""
        place = os.path.join(self.directory, os.path.expanduser(place))
        return "://" in place or os.path.isdir(place)

    def resolved(self, resolve, found):
        # type: (Callable[[], Any], Callable[[list[Request]], None]) -> Any
        """Return the working set that `resolve` returns, also if extras are lacking.

        They are given to `found`, which may raise, and then they do not count.  Raises
        what `resolve` raises.
        """
        try:
            while True:
                self.seen, self.ws, fault = [], None, None
                try:
                    self.ws = resolve()
                except UserError as error:
                    fault = error
                lacking = self._lacking()
                if not lacking and fault is not None:
                    raise fault
                if not lacking:
                    return self.ws
                found(lacking)
                self.dropped.update(map(_key, lacking))
        finally:
            self.dropped = set()

    def stripped(self, requirement, requesters, pin):
        # type: (Any, list[str], PatchedPin | None) -> Any
        """Return `requirement` without what was dropped; note what it asks for.

        Extras that are patches of `pin` are spelled as its egg has them: buildout
        compares text.
        """
        project, extras = requirement.project_name, requirement.extras
        self.seen += [(project, x, who) for x in extras for who in requesters]
        patches = set(map(canonical, pin.names)) if pin is not None else set()
        kept = [x for x in extras if _key((project, x, "")) not in self.dropped]
        kept = [canonical(x) if canonical(x) in patches else x for x in kept]
        if kept == list(extras):
            return requirement
        extra = "[%s]" % ",".join(kept) if kept else ""
        specs = ",".join(operator + version for operator, version in requirement.specs)
        return pkg_resources.Requirement.parse(project + extra + specs)

    def refuse(self, requests, tolerated):  # type: (list[Request], bool) -> None
        """Raise zc.buildout.UserError for what the pins do not have.

        It is only said, once, where unknown extras are `tolerated`, or by policy.
        """
        for project, extra, requester in requests:
            if not tolerated and self.policy != "ignore":
                raise UserError(
                    "%s asks for %s[%s], which is neither an extra of %s nor a patch "
                    "in its pin; under Python 2.7 a patch is named in the pin"
                    % (requester, project, extra, project)
                )
            text = "%s asks for %s[%s]." % (requester, project, extra)
            if text not in self.ignored:
                self.ignored.add(text)
                logger.warning("Ignored: %s", text)

    def _lacking(self):  # type: () -> list[Request]
        """Return what was asked for and the distributions in the set do not have."""
        lacking = []  # type: list[Request]
        for project, extra, requester in self.seen:
            dist = _find(self.ws, project)
            request = project, extra, _title(self.ws, requester)
            there = dist is None or canonical(extra) in map(canonical, dist.extras)
            if (
                not there
                and request not in lacking
                and _key(request) not in self.dropped
            ):
                lacking.append(request)
        return lacking


def requesters(installer, requirement):  # type: (Any, Any) -> list[str]
    """Return all who have a requirement, from what is logged for conflicts."""
    start, end = "Requirement of ", ": %s" % requirement
    found = [
        str(line[len(start) : -len(end)])
        for line in installer._requirements_and_constraints
        if line.startswith(start) and line.endswith(end)
    ]
    return found or [ANYBODY]


def _key(request):  # type: (Request) -> tuple[str, str]
    return canonical(request[0]), canonical(request[1])


def _find(ws, project):  # type: (Any, str) -> Any
    for dist in ws if ws is not None else ():
        if canonical(dist.project_name) == canonical(project):
            return dist
    return None


def _title(ws, requester):  # type: (Any, str) -> str
    """Return name and version of who has a requirement, where `requester` is one."""
    try:
        dist = _find(ws, pkg_resources.Requirement.parse(requester).project_name)
    except ValueError:  # it is a part
        return requester
    return requester if dist is None else str(dist)
