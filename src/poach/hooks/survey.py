"""The survey: what the parts of a run will get, found out before any of them works.

It comes when recipes and develop eggs are there, and buildout has uninstalled no part
yet.  Requirements are resolved as the parts will resolve them; patched eggs that are
not in the store are stood in for, until it is known what packages ask for.  Then they
are built: those that parts need and no others, all of what is wrong with them is told
together, and no part is lost by it.
"""

import copy
import functools
import logging
import os

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.spelling import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        Callable,
        Container,
        Dict,
        Iterable,
        Iterator,
        List,
        Optional,
        Set,
        Tuple,
    )

    from poach.hooks.asking import Asking
    from poach.hooks.pins import PatchedPin, Supplier, Wish

    #: An installer, and the requirements that it is to resolve.
    Part = Tuple[Any, List[str]]

logger = logging.getLogger("zc.buildout.poach")

CUSTOM = "zc.recipe.egg:custom"
#: Recipes whose parts are about the project of their name unless they say otherwise.
NAMESAKES = (
    "zc.recipe.egg",
    "zc.recipe.egg:default",
    "zc.recipe.egg:eggs",
    "zc.recipe.egg:script",
    "zc.recipe.egg:scripts",
)


class Awaited(pkg_resources.Distribution):  # type: ignore[misc]
    """Stands in for an egg that is not built yet: what it requires is not known."""

    def __init__(self, pin, supplier):  # type: (PatchedPin, Supplier) -> None
        """`supplier` is asked for the extras of upstream if anybody wants to know."""
        place = os.path.join(os.sep, "awaited", pin.key)
        super(Awaited, self).__init__(
            place, project_name=pin.project, version=str(pin.version)
        )
        self.pin = pin
        self.supplier = supplier

    @property
    def extras(self):  # type: () -> List[str]
        """The patches of the pin, and the extras that upstream itself defines."""
        return list(map(canonical, self.pin.names)) + list(
            self.supplier.provides(self.pin.key)
        )

    def requires(self, extras=()):  # type: (Iterable[str]) -> List[Any]
        """Return nothing, whatever the `extras`."""
        return []


class BuiltByPart(Exception):
    """A project that a part is going to build, so nothing is known of it yet."""


class Survey(object):
    """What the parts of a run ask for and get.

    `missing` are the pinned projects that were stood in for since it was emptied,
    None while nothing is stood in for; `wanted` stand in for plain eggs.  `done` tells
    whether the parts were asked, `found` what they get, by question.
    """

    def __init__(self, supplier, asking):  # type: (Supplier, Asking) -> None
        self.supplier = supplier
        self.asking = asking
        self.missing = None  # type: Optional[Set[str]]
        self.done = False
        self.later = set()  # type: Set[str]  # what parts build without a pin
        self.wanted = {}  # type: Dict[str, Awaited]
        self.found = {}  # type: Dict[Any, Any]

    def take(self, buildout, names, resolve, counts):
        # type: (Any, Iterable[str], Callable[..., Any], Callable[..., bool]) -> None
        """Ask the parts `names`, have granted what they ask for, build what they need.

        `resolve` is the method of installers, `counts` tells whether the pin of a
        project counts for one.  Raises zc.buildout.UserError for wishes that are not
        granted and for eggs that cannot be built; what cannot be resolved is told when
        its part is at work.
        """
        singles = dict(_singles(buildout, names, self.supplier.parts))
        self.later = set(singles.values())
        parts = [_part(buildout, name) for name in names if name not in singles]
        found = [part for part in parts if part is not None]
        try:
            while True:
                self.missing, self.wanted, self.found = set(), {}, {}
                wishes, dists = self._asked(found, resolve)
                if wishes and self.asking.grant(wishes, dists):
                    continue
                more = list(singles.values())
                if len(self.found) < len(parts):
                    more += self.supplier.unforeseen
                self.missing.update(self._lacking(buildout, more, counts))
                if not self.missing:
                    break
                self.supplier.build(sorted(self.missing))
        finally:
            self.missing, self.done = None, True
        self.supplier.foreseen({canonical(dist.project_name) for dist in dists})

    def stand_in(self, pin):  # type: (PatchedPin) -> Any
        """Return what stands in for the egg of `pin`, None where that is to be used."""
        if self.missing is None or not self.supplier.lacks(pin.key):
            return None
        self.missing.add(pin.key)
        return Awaited(pin, self.supplier)

    def stand_in_plain(self, requirement):  # type: (Any) -> Any
        """Return what stands in for a plain egg that somebody wants patched, or None.

        So it does for every `requirement` from then on, until that is granted.
        """
        if self.missing is None:
            return None
        key = canonical(requirement.project_name)
        if key not in self.wanted and requirement.extras:
            pin = self.supplier.patchable(key, requirement.extras)
            if pin is not None:
                self.wanted[key] = Awaited(pin, self.supplier)
        return self.wanted.get(key)

    def refuse_unbuilt(self, requirement, there):
        # type: (Any, Iterable[Any]) -> None
        """Raise `BuiltByPart` for what a part has yet to build with its own options.

        `there` are the distributions of the project; one in a folder of eggs is built.
        """
        if (
            self.missing is None
            or canonical(requirement.project_name) not in self.later
        ):
            return
        if not any(dist in requirement for dist in there):
            raise BuiltByPart(requirement.project_name)

    def known(self, installer, specs):  # type: (Any, Iterable[str]) -> Any
        """Return the working set that was found for the very same question, or None."""
        found = self.found.get(_question(installer, specs)) if self.found else None
        return copy.copy(found)

    def _asked(self, parts, resolve):
        # type: (List[Part], Callable[..., Any]) -> Tuple[List[Wish], List[Any]]
        """Return what parts ask for, and the distributions that they get."""
        wishes, dists = [], []  # type: Tuple[List[Wish], List[Any]]
        for installer, specs in parts:
            try:
                asked, ws = self.asking.survey(
                    functools.partial(resolve, installer, specs, None)
                )
            except Exception as error:  # a build that fails, for one
                logger.debug("Not known what a part asks for: %s", error)
                continue
            wishes += asked
            dists += list(ws)
            if not asked:
                self.found[_question(installer, specs)] = ws
        return wishes, dists

    def _lacking(self, buildout, keys, counts):
        # type: (Any, Iterable[str], Callable[..., bool]) -> List[str]
        """Return those of some projects whose pins count and whose eggs are missing."""
        pinned = [key for key in keys if self.supplier.pinned(key) is not None]
        lacking = [key for key in pinned if self.supplier.lacks(key)]
        if not lacking:
            return []
        installer = easy_install.Installer(path=_path(buildout))
        return [key for key in lacking if counts(installer, key)]


def _part(buildout, name):  # type: (Any, str) -> Optional[Part]
    """Return how the part `name` resolves its requirements; None if it names none.

    As zc.recipe.egg does, on which nearly all recipes with eggs build.
    """
    specs = list(_specs(buildout[name]))
    return (_installer(buildout, buildout[name]), specs) if specs else None


def _installer(buildout, options):  # type: (Any, Any) -> Any
    """Return the installer of a part with these options."""
    ours, path = buildout["buildout"], _path(buildout)
    more = {}  # type: Dict[str, Any]
    if ours.get("allow-unknown-extras") == "true":
        more["allow_unknown_extras"] = True
    if ours.get("offline") == "true":
        return easy_install.Installer(path=path, **more)
    more["links"] = (options.get("find-links") or ours.get("find-links") or "").split()
    more["index"] = options.get("index") or ours.get("index")
    more["newest"] = ours.get("newest") == "true"
    more["allow_hosts"] = tuple(ours.get("allow-hosts", "*").split())
    return easy_install.Installer(ours["eggs-directory"], path=path[:1], **more)


def _path(buildout):  # type: (Any) -> List[str]
    """Return the folders in which develop eggs and eggs are."""
    options = buildout["buildout"]
    return [options["develop-eggs-directory"], options["eggs-directory"]]


def _specs(part):  # type: (Any) -> Iterator[str]
    """Yield the requirements of a part; what is no requirement is left out."""
    egg = part.name if part.get("recipe", "").strip() in NAMESAKES else ""
    for line in (part.get("eggs") or egg).split("\n"):
        if line.strip() and _project(line.strip()):
            yield line.strip()


def _singles(buildout, names, ours):
    # type: (Any, Iterable[str], Container[str]) -> Iterator[Tuple[str, str]]
    """Yield the parts that build one egg from source, and its project."""
    for name in names:
        options = buildout[name]
        if name in ours or options.get("recipe", "").strip() == CUSTOM:
            spec = options.get("egg") or options.get("eggs") or name
            yield name, _project(spec.strip())


def _project(spec):  # type: (str) -> str
    """Return the canonical project of a requirement, nothing if it is none."""
    try:
        return canonical(pkg_resources.Requirement.parse(spec).project_name)
    except ValueError:
        return ""


def _question(installer, specs):  # type: (Any, Iterable[str]) -> Any
    """Return all that the answer of an installer to some requirements depends on."""
    there = {dist.location for key in installer._env for dist in installer._env[key]}
    return (
        tuple(specs),
        installer._dest,
        tuple(installer._links),
        id(installer._index),
        tuple(installer._path),
        installer._newest,
        tuple(installer._allow_hosts),
        installer._allow_unknown_extras,
        frozenset(installer._versions.items()),
        frozenset(there),
    )
