"""The dry run: what parts will get, resolved before any of them is uninstalled.

Requirements are resolved as the parts will resolve them; patched eggs that are not in
the store are stood in for.  Then they are built: those that parts need and no others,
all faults are reported together, and no part is lost by them.

What a part gets may depend on what it and the parts before it do.  Where those do more
than to install eggs, nothing is downloaded for it: what is there already has to do.
"""

import copy
import functools
import logging
import os

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.buildout27.names import canonical
from poach.buildout27.requests import ANYBODY
from poach.buildout27.supplier import PatchedPin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable
    from typing import Any

    from poach.buildout27.requests import Request, Requests
    from poach.buildout27.supplier import Bridge

logger = logging.getLogger("zc.buildout.poach")

#: Entry points of zc.recipe.egg that do nothing that matters to the parts after them.
QUIET = ("default", "eggs", "script", "scripts")
#: What easy_install counts while it resolves.
COUNTS = ("_picked_versions", "_required_by")


class StandIn(pkg_resources.Distribution):  # type: ignore[misc]
    """Stands in for an egg that is not built yet: what it requires is not known."""

    def __init__(self, pin):  # type: (PatchedPin) -> None
        place = os.path.join(os.sep, "awaited", pin.key)
        super(StandIn, self).__init__(
            place, project_name=pin.project, version=str(pin.version)
        )
        self.pin = pin

    @property
    def extras(self):  # type: () -> list[str]
        """The patches of the pin."""
        return list(map(canonical, self.pin.names))

    def requires(self, extras=()):  # type: (Iterable[str]) -> list[Any]
        """Return nothing, for any `extras`."""
        return []


class BuiltByPart(Exception):
    """A project that a part is going to build, so nothing is known of it yet."""


class Part(object):
    """A part, as far as it installs eggs: `specs` are the requirements that it names.

    `builds` is the project that it builds from source with options of its own, nothing
    for most.  What comes after a part that is not `quiet` may depend on what it does.
    """

    def __init__(self, options, ours):  # type: (Any, Container[str]) -> None
        """Read the part with these options; `ours` are the names of parts of poach."""
        self.name = options.name
        self.options = options
        recipe, _, entry = _text(options, "recipe").partition(":")
        of_eggs = _project(recipe.strip()) == "zc-recipe-egg"
        entry = entry.strip() or "default"
        single = options.name in ours or (of_eggs and entry == "custom")
        named = of_eggs and entry in QUIET and "eggs" not in options
        self.quiet = single or (of_eggs and entry in QUIET)
        self.builds = ""
        self.specs = []  # type: list[str]
        if single:
            egg = _text(options, "egg") or _text(options, "eggs") or options.name
            self.builds = _project(egg)
        else:
            text = options.name if named else _text(options, "eggs")
            lines = (line.strip() for line in text.split("\n"))
            self.specs = [line for line in lines if _project(line)]

    def installer(self, buildout, ahead):  # type: (Any, bool) -> Any
        """Return an installer as zc.recipe.egg has it, on which most recipes build.

        Unless it may go `ahead`, it has what is there already, and downloads nothing.
        """
        ours = buildout["buildout"]
        more = {"path": [ours["develop-eggs-directory"]]}  # type: dict[str, Any]
        if ours.get("allow-unknown-extras") == "true":
            more["allow_unknown_extras"] = True
        if ours.get("offline") == "true" or not ahead:
            more["newest"] = False
        else:
            links = _peek(self.options, "find-links", ours.get("find-links"))
            more["links"] = (links or "").split()
            more["index"] = _peek(self.options, "index", ours.get("index"))
            more["newest"] = ours.get("newest") == "true"
            more["allow_hosts"] = tuple(ours.get("allow-hosts", "*").split())
        installer = easy_install.Installer(ours["eggs-directory"], **more)
        if "index" not in more:
            installer._dest = None
        return installer


class DryRun(object):
    """What the parts of a run need.

    `missing` are the pinned projects that were stood in for since it was emptied, None
    while nothing is stood in for; `later` are those that parts build.
    """

    def __init__(self, bridge, requests):  # type: (Bridge, Requests) -> None
        self.bridge = bridge
        self.requests = requests
        self.missing = None  # type: set[str] | None
        self.later = set()  # type: set[str]

    def take(self, buildout, names, resolve, counts):
        # type: (Any, Iterable[str], Callable[..., Any], Callable[..., bool]) -> None
        """Build what the parts `names` need.

        `resolve` is the method of installers, `counts` tells whether the pin of a
        project counts for one.  Raises zc.buildout.UserError for eggs that cannot be
        built, and for patches that packages ask for; what cannot be resolved is
        reported when its part is at work.
        """
        parts = [Part(buildout[name], self.bridge.parts) for name in names]
        self.later = {part.builds for part in parts if part.builds}
        used = set(self.bridge.used)
        try:
            with _Quiet():
                while self._round(buildout, parts, resolve, counts):
                    pass
        finally:
            self.missing = None
            self.bridge.used = used  # by no part yet

    def _round(self, buildout, parts, resolve, counts):
        # type: (Any, list[Part], Callable[..., Any], Callable[..., bool]) -> bool
        """Resolve and build; return whether what was built may need more."""
        self.missing = set()
        requests, whole = self._asked(buildout, parts, resolve)
        more = set(self.later)
        if not whole:
            more.update(self.bridge.used_before or ())
        self.missing.update(self._lacking(buildout, more, counts))
        build = sorted(filter(self.bridge.ready, self.missing))
        if build:
            self.bridge.build(build)
        elif whole and not self.missing and not self.later:
            tolerated = buildout["buildout"].get("allow-unknown-extras") == "true"
            self.requests.refuse(requests, tolerated)
        return bool(build)

    def _asked(self, buildout, parts, resolve):
        # type: (Any, list[Part], Callable[..., Any]) -> tuple[list[Request], bool]
        """Resolve what parts need; return their requests, and whether that is all."""
        requests, whole, ahead = [], True, True  # type: list[Request], bool, bool
        for part in parts:
            ahead = ahead and part.quiet
            if part.specs:
                question = functools.partial(
                    resolve, part.installer(buildout, ahead), part.specs, None
                )
                found = []  # type: list[Request]
                try:
                    self.requests.resolved(question, found.extend)
                except Exception as error:  # a build that fails, for one
                    logger.debug("Not known what [%s] needs: %s", part.name, error)
                    whole = False
                requests += [_of(part.name, request) for request in found]
            elif not part.builds:
                whole = False
        return requests, whole

    def stand_in(self, pin):  # type: (PatchedPin) -> Any
        """Return what stands in for the egg of `pin`, None where that is to be used."""
        if self.missing is None or not self.bridge.lacks(pin.key):
            return None
        self.missing.add(pin.key)
        return StandIn(pin)

    def stand_in_plain(self, requirement, there):
        # type: (Any, Iterable[Any]) -> Any
        """Return what stands in for a plain egg that a part has yet to build, or None.

        `there` are the distributions of the project, of which one may do.  Raises
        `BuiltByPart` if not even the version is known.
        """
        project, specs = requirement.project_name, requirement.specs
        if self.missing is None or canonical(project) not in self.later:
            return None
        if any(dist in requirement for dist in there):
            return None
        if specs and [operator for operator, _ in specs] != ["=="]:
            raise BuiltByPart(project)
        version = specs[0][1] if specs else "0"  # as good as any
        return StandIn(PatchedPin(project, version, version, version))

    def _lacking(self, buildout, keys, counts):
        # type: (Any, Iterable[str], Callable[..., bool]) -> list[str]
        """Return those of some projects whose pins count and whose eggs are missing."""
        lacking = [k for k in keys if k in self.bridge.pins and self.bridge.lacks(k)]
        if not lacking:
            return []
        options = buildout["buildout"]
        path = [options["develop-eggs-directory"], options["eggs-directory"]]
        installer = easy_install.Installer(path=path)
        return [key for key in lacking if counts(installer, key)]


class _Quiet(logging.Filter):
    """Keeps what easy_install logs and counts in a dry run out of the real one."""

    said = ("%s does not provide the extra", "Version and requirements information")

    def __enter__(self):  # type: () -> None
        installer = easy_install.Installer
        self.counts = {name: copy.deepcopy(getattr(installer, name)) for name in COUNTS}
        easy_install.logger.addFilter(self)

    def __exit__(self, *_):  # type: (*Any) -> None
        easy_install.logger.removeFilter(self)
        for name, count in self.counts.items():
            setattr(easy_install.Installer, name, count)

    def filter(self, record):  # type: (Any) -> bool
        """Return whether to log `record`: not what buildout will say anyway."""
        return not str(record.msg).startswith(self.said)


def _text(options, name):  # type: (Any, str) -> str
    """Return an option, empty where there is none."""
    return str(_peek(options, name) or "").strip()


def _peek(options, name, default=None):  # type: (Any, str, Any) -> Any
    """Return an option, and leave it to buildout to see that nobody else reads it."""
    read = name in options._data
    value = options.get(name, default)
    if not read:
        options._data.pop(name, None)
    return value


def _project(spec):  # type: (str) -> str
    """Return the canonical project of a requirement, nothing if it is none."""
    try:
        return canonical(pkg_resources.Requirement.parse(spec).project_name)
    except ValueError:
        return ""


def _of(part, request):  # type: (str, Request) -> Request
    """Return `request` with the part as the one who asks if nobody else does."""
    project, extra, requester = request
    return project, extra, "[%s]" % part if requester == ANYBODY else requester
