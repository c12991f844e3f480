"""What the hooks know of patched pins, and of those who supply their eggs."""

import collections
import os

import pkg_resources

from poach.buildout27.spelling import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        Collection,
        ContextManager,
        Dict,
        Iterable,
        List,
        Optional,
        Protocol,
        Sequence,
        Set,
        Tuple,
    )

    #: A project, an extra of it that may be a patch, and who asks.
    Wish = Tuple[str, str, str]

    class Supplier(Protocol):
        """Supplies patched eggs; its errors are zc.buildout's UserErrors."""

        @property
        def parts(self):  # type: () -> Collection[str]
            """The names of the parts that build one egg, as far as they were read."""

        def pinned(self, key):  # type: (str) -> Optional[PatchedPin]
            """Return the pin of the project with the canonical name `key`."""

        def egg(self, key, may_build):  # type: (str, bool) -> str
            """Return the path of the egg of a pinned project, built if need be."""

        def holds(self, location):  # type: (str) -> bool
            """Tell whether `location` lies in the patched-egg store."""

        def declare(self, spec, key, build_ext, environment):
            # type: (str, str, Dict[str, str], Dict[str, str]) -> None
            """Note the build options of a part for `spec`, if none were read before."""

        def resolved(self, keys):  # type: (Iterable[str]) -> None
            """Note that parts got distributions of these projects."""

        @property
        def granting(self):  # type: () -> bool
            """Whether anything was granted that packages ask for."""

        def given(self, keys):  # type: (Iterable[str]) -> None
            """Note that these projects are in use as they are now, patched or not."""

        @property
        def idle(self):  # type: () -> bool
            """Whether there is nothing to patch, as far as anybody knows."""

        def rests(self, buildout):  # type: (Any) -> bool
            """Tell whether no part of `buildout` needs to be asked beforehand."""

        def recall(self):  # type: () -> None
            """Grant what was asked for in the last run, of which this is a part."""

        def tentatively(self):  # type: () -> ContextManager[None]
            """Let nothing that is supplied in the ``with`` block count as used."""

        def foreseen(self, keys, blind):
            # type: (Iterable[str], Iterable[str]) -> None
            """Note what the survey found, and the parts that told it too little."""

        def unforeseen(self, blind):  # type: (Iterable[str]) -> Set[str]
            """Return what such parts got in the last run, if it had any of `blind`."""

        def ready(self, key):  # type: (str) -> bool
            """Tell whether a pinned project can be built before parts are at work."""

        def lacks(self, key):  # type: (str) -> bool
            """Tell whether the egg of a pinned project has yet to be built."""

        def provides(self, key):  # type: (str) -> Iterable[str]
            """Return the extras that upstream defines for a pinned project."""

        def patchable(self, key, extras):
            # type: (str, Iterable[str]) -> Optional[PatchedPin]
            """Return the plain pin of a project if any of `extras` would patch it."""

        def build(self, keys):  # type: (Collection[str]) -> None
            """Build the eggs of pinned projects; raise all that is wrong together."""

        def ship(self, owner, project, folder):  # type: (str, str, str) -> None
            """Note a folder of diffs for `project` that a distribution ships."""

        def ask(self, wishes):  # type: (Iterable[Wish]) -> Sequence[str]
            """Grant patches that packages ask for; return the pins that changed."""

        def substitute(self, key):  # type: (str) -> Optional[str]
            """Return the requirement that stands in for a project, None for itself."""

        def owner(self, buildout, section, option):
            # type: (Any, str, str) -> str
            """Return who set an option, for people: a file and perhaps a line."""

        def alias(self, key, other, version, extras, points):
            # type: (str, str, str, Sequence[str], str) -> str
            """Return the path of an egg in the name of `key` that requires `other`.

            `points` are the entry points of that, as in its entry_points.txt.
            """

        def surveyed(self):  # type: () -> None
            """Hear that it is known, as far as may be, what packages ask for."""

        def refuse(self, wishes, tolerated):  # type: (Iterable[Wish], bool) -> None
            """Refuse what nobody grants, unless unknown extras are tolerated."""


_PatchedPin = collections.namedtuple("_PatchedPin", "project base text version")


class PatchedPin(_PatchedPin):
    """A pin with patches that are resolved.

    `project` is the name as written, `base` the upstream version, `text` the pin in
    normal form, as ``1.0 +fix``, and `version` the tagged version; a plain pin has the
    version in place of both.
    """

    __slots__ = ()

    @property
    def key(self):  # type: () -> str
        """The canonical name of the project (PEP 503)."""
        return canonical(self.project)

    @property
    def names(self):  # type: () -> List[str]
        """The patches as written, in the order in which they apply."""
        return [word[1:] for word in self.text.split()[1:]]

    @property
    def asked(self):  # type: () -> str
        """Project and pin, as in the versions section."""
        return "%s = %s" % (self.project, self.text)

    @property
    def tagged(self):  # type: () -> str
        """Project and tagged version, for people."""
        return "%s %s" % (self.project, self.version)


def real_folder(path):  # type: (str) -> str
    """Return the real path of a folder, with the slash before what lies in it."""
    return os.path.join(os.path.realpath(path), "")


def same_version(one, other):  # type: (Any, Any) -> bool
    """Tell whether both are the same PEP 440 version, however spelled."""
    try:
        parsed = pkg_resources.parse_version(one), pkg_resources.parse_version(other)
    except ValueError:
        return False
    return bool(parsed[0] == parsed[1])
