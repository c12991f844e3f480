"""Patched pins and their eggs, of which ``poach bridge`` knows."""

import collections
import os
import sys

from poach.buildout27 import command, snapshot
from poach.buildout27.names import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

_PatchedPin = collections.namedtuple("_PatchedPin", "project base text version")


class PatchedPin(_PatchedPin):
    """A pin with patches that are resolved.

    `project` is the name as written, `base` the upstream version, `text` the pin in
    normal form, as ``1.0 +fix``, and `version` the tagged version.
    """

    __slots__ = ()

    @property
    def key(self):  # type: () -> str
        """The canonical name of the project (PEP 503)."""
        return canonical(self.project)

    @property
    def names(self):  # type: () -> list[str]
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


class Bridge(object):
    """Supplies eggs by asking the command.

    `pins` are by canonical name; `versions` is the section that they are in, `plain`
    are the versions of pins that only refuse patches; `parts` are those that build one
    egg; `used` are the projects whose eggs were asked for, `used_before` those of the
    last run, None where nothing is known of one.
    """

    def __init__(self, buildout):  # type: (Any) -> None
        options = buildout["buildout"]
        self._command, self._place = command.find(
            options.get("poach-command"), options["directory"]
        )
        self._sections = snapshot.sections(buildout)
        self._annotated = snapshot.annotated(buildout)
        self._declared = []  # type: list[list[Any]]
        self._with_options = set()  # type: set[str]
        self._unready = set()  # type: set[str]
        self._eggs = {}  # type: dict[str, str]
        self.pins = {}  # type: dict[str, PatchedPin]
        self.plain = {}  # type: dict[str, str]
        self.parts = set()  # type: set[str]
        self.used = set()  # type: set[str]
        self.used_before = None  # type: list[str] | None
        self.versions = ""

    def resolve(self, parts):  # type: (Iterable[str]) -> None
        """Learn the pins of the versions section; `parts` come later."""
        for name in parts:
            self._sections.pop(name, None)
        self._ask("pins")

    def begin(self, parts):  # type: (dict[str, dict[str, str]]) -> None
        """Learn all pins; `parts` are sections after substitution."""
        self._sections.update(parts)
        self._ask("begin")

    def end(self):  # type: () -> None
        """Have it noted what the run has used, unless the last one used the same."""
        used = sorted(self.used)
        if used != self.used_before and (self.pins or self.used_before):
            self._ask("end", used=used)

    def egg(self, key, may_build):  # type: (str, bool) -> str
        """Return the path of a patched egg; raise zc.buildout.UserError."""
        if key not in self._eggs:
            self._ask("supply", keys=[key], may_build=may_build)
        self.used.add(key)
        return self._eggs[key]

    def build(self, keys):  # type: (Collection[str]) -> None
        """Build eggs; raise zc.buildout.UserError with all that is wrong."""
        self._ask("supply", keys=list(keys))

    def lacks(self, key):  # type: (str) -> bool
        """Tell whether the egg of a pinned project has yet to be built."""
        return key not in self._eggs

    def ready(self, key):  # type: (str) -> bool
        """Tell whether a pinned project can be built before parts are at work."""
        return key not in self._unready

    def holds(self, location):  # type: (str) -> bool
        """Tell whether `location` lies in the store."""
        return _real_folder(location).startswith(self._store)

    def declare(self, spec, key, build_ext, environment):
        # type: (str, str, dict[str, str], dict[str, str]) -> None
        """Note the build options of a part; those that were read before count more."""
        known = key in self._with_options or key in self.used
        if not known and (build_ext or environment):
            self._declared.append([spec, key, build_ext, environment])
            self._eggs.pop(key, None)  # which was built without them

    def _ask(self, do, **more):  # type: (str, **Any) -> None
        question = {
            "do": do,
            "python": sys.executable,
            "sections": self._sections,
            "annotated": self._annotated,
            "keys": [],
            "may_build": True,
            "declared": self._declared,
            "used": [],
        }
        question.update(more)
        self._learn(command.ask(self._command, self._place, question))

    def _learn(self, answer):  # type: (dict[str, Any]) -> None
        self._store = _real_folder(answer["store"])
        self.used_before = answer["used"]
        self.versions = answer["versions"]
        self.parts = set(answer["parts"])
        self.plain = dict(answer["plain"])
        for one in answer["pins"]:
            pin = PatchedPin(*[one[field] for field in PatchedPin._fields])
            self.pins[pin.key] = pin
            if one["options"]:
                self._with_options.add(pin.key)
            if not one["ready"]:
                self._unready.add(pin.key)
            if one["egg"] is not None:
                self._eggs[pin.key] = one["egg"]


def _real_folder(path):  # type: (str) -> str
    """Return the real path of a folder, with the slash before what lies in it."""
    return os.path.join(os.path.realpath(path), "")
