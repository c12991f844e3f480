"""Substitution: answering buildout's requirements with patched eggs."""

import glob
import logging
import os
import sys

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.buildout27 import errors
from poach.buildout27.dry_run import DryRun
from poach.buildout27.isolation import Isolation
from poach.buildout27.names import canonical, is_pin, same_version
from poach.buildout27.requests import Requests, requesters

try:
    from zc.buildout.utils import normalize_name
except ImportError:  # before zc.buildout 3.1

    def normalize_name(name):  # type: (str) -> str
        """Return the key of a project in an index of setuptools."""
        return name.lower()


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from poach.buildout27.supplier import Bridge, PatchedPin

logger = logging.getLogger("zc.buildout.poach")


class Substitution(object):
    """Answers requirements with the eggs of a bridge."""

    def __init__(self, bridge, buildout):  # type: (Bridge, Any) -> None
        self.bridge = bridge
        self.buildout = buildout
        self.requests = Requests(bridge, buildout)
        self.dry_run = DryRun(bridge, self.requests)
        self.isolation = Isolation(self._is_free)
        self.original_install = vars(easy_install.Installer)["install"]
        self.develop_eggs = buildout["buildout"]["develop-eggs-directory"]
        self.environ = dict(os.environ)
        self.logged = set()  # type: set[str]
        self.overruled = set()  # type: set[str]  # pins that do not count

    # What stands in for the methods of Installer: each gets the installer, the
    # original bound to it, and the arguments.

    def constrain(self, installer, original, requirement):
        # type: (Any, Callable[..., Any], Any) -> Any
        """Constrain a requirement on a pinned project to its tagged version."""
        if requirement.extras:
            pin = self.bridge.pins.get(canonical(requirement.project_name))
            who = requesters(installer, requirement)
            requirement = self.requests.stripped(requirement, who, pin)
        pin = self._pinned(installer, requirement.project_name)
        if pin is None:
            return self._plainly(installer, original, requirement)
        version = pin.version
        if self._developed(installer, pin):
            version = pin.base
        elif _arbitrary(requirement) and version not in requirement:
            who = requesters(installer, requirement)
            raise errors.arbitrary_equality(pin, str(requirement), who[-1])
        try:
            return easy_install._constrained_requirement(version, requirement)
        except easy_install.IncompatibleConstraintError:
            conflict = installer._version_conflict_information(pin.project)
            easy_install.logger.info(conflict)
            raise

    def _plainly(self, installer, original, requirement):
        # type: (Any, Callable[..., Any], Any) -> Any
        """Constrain as buildout does; say what is unreadable where that breaks."""
        try:
            return original(requirement)
        except ValueError:  # InvalidSpecifier or InvalidVersion of some packaging
            project = requirement.project_name
            value = _constraint(installer, canonical(project))
            if value is None:
                raise
            where = _setter(self.buildout, canonical(project))
            who = requesters(installer, requirement)[-1]
            raise errors.unreadable_version(
                project, value, where, str(requirement), who
            )

    def satisfied(self, installer, original, requirement, source=None):
        # type: (Any, Callable[..., Any], Any, Any) -> Any
        """Answer a requirement on a pinned project with its patched egg."""
        pin = self._pinned(installer, requirement.project_name)
        if pin is None or self._developed(installer, pin):
            found = _environment(installer, canonical(requirement.project_name))
            there = (d for d in found if not self.isolation.hides(d, requirement))
            stand_in = self.dry_run.stand_in_plain(requirement, there)
            if stand_in is not None:
                return stand_in, None
            return self.isolation.satisfied(installer, original, requirement, source)
        return self.dry_run.stand_in(pin) or self._supply(installer, pin), None

    def obtain(self, installer, original, requirement, source=None):
        # type: (Any, Callable[..., Any], Any, Any) -> Any
        """Look for a distribution on offer, and never find one in the store.

        The package index also lists what is on sys.path; an egg of the store that
        some recipe uses would be copied into eggs-directory.  The dry run asks no index
        where it may download nothing.
        """
        if installer._dest is None and self.dry_run.missing is not None:
            return None
        dists = installer._index._distmap.get(normalize_name(requirement.key), [])
        dists[:] = [dist for dist in dists if not self._is_ours(dist)]
        return self.isolation.obtain(installer, original, requirement, source)

    def get_dist(self, installer, original, requirement, ws):
        # type: (Any, Callable[..., Any], Any, Any) -> Any
        """Get a distribution, and see that a patched one replaces any other."""
        self.requests.ws = ws
        with self.isolation.explaining(requirement):
            dists = original(requirement, ws)
        for dist in filter(self._is_ours, dists):
            there = ws.by_key.get(dist.key)
            if there is None or there.location != dist.location:
                ws.add(dist, replace=True)
        for dist in self.isolation.covered(dists, ws):
            self.isolation.refuse_imported(dist, _imported(dist.location))
            ws.add(dist, replace=True)
        return dists

    def added(self, dist):  # type: (Any) -> None
        """See that buildout's own working set, on which recipes run, is patched.

        What is added to it need not come through an installer: a recipe that lies
        beside buildout finds what it requires beside itself.
        """
        pin = self.bridge.pins.get(canonical(dist.project_name))
        if pin is None:
            self.isolation.added(dist)
            return
        if self._is_developed(dist, pin):
            return
        egg = self.bridge.egg(pin.key, True)
        for file in _imported(egg):
            raise errors.unpatched(pin, "imported already", file)
        if not self._is_ours(dist):
            pkg_resources.working_set.add(distribution(egg, pin), replace=True)

    def install(self, installer, original, specs, working_set=None):
        # type: (Any, Callable[..., Any], Any, Any) -> Any
        """Resolve requirements, and see that the result is patched and stays so."""
        specs = list(specs)

        def resolve():  # type: () -> Any
            return original(specs, working_set)

        def refuse(requests):  # type: (list[Any]) -> None
            self.requests.refuse(requests, installer._allow_unknown_extras)

        with self.isolation.installing():
            if self.requests.idle:
                ws = resolve()
            else:
                ws = self.requests.resolved(resolve, refuse)
        if working_set is None:
            self._verify(installer, ws)
            # Buildout sorts working sets into new ones, and the first entry that
            # has a project wins there: site-packages may have an unpatched one.
            ws.entries.sort(key=lambda entry: not self.bridge.holds(entry))
        return ws

    def foresee(self, buildout, original, parts):
        # type: (Any, Callable[..., Any], Any) -> Any
        """Build what the `parts` of `buildout` need once their recipes are loaded.

        Stands in for the method of Buildout that comes between that and the time when
        parts are uninstalled.
        """
        result = original(parts)
        if buildout is self.buildout and self.bridge.pins:
            self.dry_run.take(buildout, parts, self.original_install, self._counts)
        return result

    def build(self, installer, original, spec, build_ext):
        # type: (Any, Callable[..., Any], str, dict[str, str]) -> Any
        """Build from source with options, for zc.recipe.egg:custom and its like.

        A patched egg stays in the store and is given out from there; nothing is
        returned that the part would remove when it is uninstalled.
        """
        requirement = pkg_resources.Requirement.parse(spec)
        pin = self._pinned(installer, requirement.project_name)
        if pin is None or self._developed(installer, pin):
            with self.isolation.explaining(requirement):
                return original(spec, build_ext)
        installer._constrain(requirement)
        environment = self._changed_environment()
        self.bridge.declare(spec, pin.key, dict(build_ext), environment)
        self._supply(installer, pin)
        return []

    def translated(self, original, versions):
        # type: (Callable[..., dict[str, str]], dict[str, str]) -> dict[str, str]
        """Normalise versions, with tagged versions in the place of pins."""
        return {
            key: self._translated(key, value) if is_pin(value) else value
            for key, value in original(versions).items()
        }

    def _translated(self, key, value):  # type: (str, str) -> str
        pin = self.bridge.pins.get(canonical(key))
        texts = (pin.text, pin.version) if pin is not None else ()
        if pin is None or not any(_is_spelling(value, text) for text in texts):
            raise errors.late_pin(key, value)
        return str(pin.version)

    def _counts(self, installer, key):  # type: (Any, str) -> bool
        pin = self._pinned(installer, key)
        return pin is not None and not self._developed(installer, pin)

    def _pinned(self, installer, project):
        # type: (Any, str) -> PatchedPin | None
        """Return the pin of `project` unless this installer pins otherwise."""
        pin = self.bridge.pins.get(canonical(project))
        if pin is None:
            return None
        constraint = _constraint(installer, pin.key)
        if constraint in (None, pin.text, pin.version) or _admits(constraint, pin):
            return pin
        # Emptied by an extension such as mr.developer, or a recipe's own versions.
        self.overruled.add(pin.key)
        place = "" if constraint else self._checkout(installer, pin.key)
        if place:
            self._warn(
                "%s is a develop egg (%s), which wins over the pin '%s'."
                % (pin.project, place, pin.asked)
            )
        else:
            self._warn(
                "The pin '%s' does not count where an extension or recipe has set the "
                "version to %r." % (pin.asked, constraint)
            )
        return None

    def _checkout(self, installer, project):  # type: (Any, str) -> str
        """Return the folder of the develop egg of a project, empty without one."""
        for dist in _environment(installer, project):
            develop = dist.precedence == pkg_resources.DEVELOP_DIST
            if develop and dist.location in self._develop_locations():
                folder = (self._linked(dist) or [dist.location])[0]
                top = self.buildout["buildout"]["directory"]
                inside = folder.startswith(os.path.join(top, ""))
                return str(os.path.relpath(folder, top)) if inside else folder
        return ""

    def _supply(self, installer, pin):  # type: (Any, PatchedPin) -> Any
        may_build = installer._dest is not None
        return distribution(self.bridge.egg(pin.key, may_build), pin)

    def _developed(self, installer, pin):  # type: (Any, PatchedPin) -> bool
        for dist in _environment(installer, pin.key):
            if self._is_developed(dist, pin):
                self.overruled.add(pin.key)
                self._warn(
                    "The develop egg of %s %s at %s wins over the pin %s."
                    % (dist.project_name, dist.version, dist.location, pin.text)
                )
                return True
        return False

    def _is_developed(self, dist, pin):  # type: (Any, PatchedPin) -> bool
        return (
            dist.precedence == pkg_resources.DEVELOP_DIST
            and dist.location in self._develop_locations()
            and same_version(dist.version, pin.base)
        )

    def _develop_locations(self):  # type: () -> list[str]
        # Whatever else lies on a path is a develop egg to pkg_resources as well.
        return [self.develop_eggs] + list(map(_first_line, self._links()))

    def _linked(self, dist):  # type: (Any) -> list[str]
        """Return the folders to which the egg-links of `dist` point."""
        project = canonical(dist.project_name)
        return [_first_line(x) for x in self._links() if _stem(x) == project]

    def _links(self):  # type: () -> list[str]
        pattern = os.path.join(_escaped(self.develop_eggs), "*.egg-link")
        return glob.glob(pattern)

    def _is_ours(self, dist):  # type: (Any) -> bool
        return self.bridge.holds(dist.location)

    def _is_free(self, dist):  # type: (Any) -> bool
        """Return whether `dist` may be patched where no pin says so; say that it is."""
        if self._is_ours(dist):
            return True
        places = self._linked(dist)
        if not places or dist.location not in [self.develop_eggs] + places:
            return False
        self._warn(
            "The develop egg of %s %s at %s counts where no pin says this version."
            % (dist.project_name, dist.version, dist.location)
        )
        return True

    def _verify(self, installer, ws):  # type: (Any, Any) -> None
        for dist in ws:
            pin = self._pinned(installer, dist.project_name)
            if pin is None or self._developed(installer, pin):
                continue
            if not self._is_ours(dist):
                raise errors.unpatched(pin, dist.version, dist.location)
            self.bridge.egg(pin.key, False)  # which counts as used now

    def _changed_environment(self):  # type: () -> dict[str, str]
        """Return the variables that a part has set for its build."""
        now = os.environ.items()
        return {name: value for name, value in now if self.environ.get(name) != value}

    def _warn(self, message):  # type: (str) -> None
        if message not in self.logged:
            self.logged.add(message)
            logger.warning(message)


def distribution(egg, pin):  # type: (str, PatchedPin) -> Any
    """Return the distribution in `egg` as buildout wants it; raise UserError."""
    (dist,) = pkg_resources.find_distributions(egg)
    if not same_version(dist.version, pin.version):
        raise errors.unpatched(pin, dist.version, dist.location)
    # An egg with dist-info that is found by path would pass for a develop egg.
    dist.precedence = pkg_resources.EGG_DIST
    return dist


def _stem(link):  # type: (str) -> str
    """Return the canonical project of an egg-link."""
    return canonical(os.path.splitext(os.path.basename(link))[0])


def _imported(egg):  # type: (str) -> Iterator[str]
    """Yield files from which this very process has imported what is in `egg`."""
    declared = _namespaces(egg)
    inside = os.path.join(os.path.realpath(egg), "")
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or name in declared or not _has_module(egg, name):
            continue
        if not os.path.realpath(file).startswith(inside):
            yield file


def _has_module(egg, name):  # type: (str, str) -> bool
    stem = os.path.join(egg, *name.split("."))
    files = (stem + ".py", os.path.join(stem, "__init__.py"))
    return any(map(os.path.isfile, files))


def _namespaces(egg):  # type: (str) -> set[str]
    """Return the old-style namespace packages that `egg` shares with others."""
    found = set()  # type: set[str]
    for metadata in ("EGG-INFO", "*.dist-info"):
        place = os.path.join(_escaped(egg), metadata, "namespace_packages.txt")
        for listed in glob.glob(place):
            with open(listed) as stream:
                found.update(stream.read().split())
    return found


def _escaped(path):  # type: (str) -> str
    """Return a pattern for `glob` that means exactly `path`."""
    return "".join("[%s]" % each if each in "[*?" else each for each in path)


def _first_line(path):  # type: (str) -> str
    with open(path) as stream:
        return stream.readline().strip()


def _constraint(installer, project):  # type: (Any, str) -> str | None
    """Return the version that an installer has for a project (canonical)."""
    # How the keys are spelled depends on the release of zc.buildout.
    for key, version in installer._versions.items():
        if canonical(key) == project:
            return str(version)
    return None


def _setter(buildout, project):  # type: (Any, str) -> str
    """Return the name of the file that sets the version of a project (canonical)."""
    section = buildout["buildout"].get("versions") or ""
    for option, key in buildout._annotated.get(section, {}).items():
        if canonical(option) == project and not key.source.endswith("_VALUE"):
            return str(key.source.rpartition("/")[2])
    return ""


def _environment(installer, project):  # type: (Any, str) -> Iterator[Any]
    """Yield the distributions that an installer has of a project (canonical)."""
    # How the keys are spelled depends on the release of zc.buildout.
    for key in list(installer._env):
        if canonical(key) == project:
            for dist in installer._env[key]:
                yield dist


def _admits(constraint, pin):  # type: (str, PatchedPin) -> bool
    """Tell whether a constraint, as buildout keeps them, leaves room for the pin."""
    if constraint.startswith(("<", ">")):
        requirement = pkg_resources.Requirement.parse(pin.key + constraint)
        return bool(requirement.specifier.contains(pin.base))
    version = constraint[2:] if constraint.startswith("==") else constraint
    return same_version(version, pin.version) or same_version(version, pin.base)


def _is_spelling(value, text):  # type: (str, str) -> bool
    """Tell whether `value` says the same as the `text` of a pin."""
    words, others = value.split(), text.split()
    return same_version(words[0], others[0]) and words[1:] == others[1:]


def _arbitrary(requirement):  # type: (Any) -> bool
    return any(operator == "===" for operator, _ in requirement.specs)
