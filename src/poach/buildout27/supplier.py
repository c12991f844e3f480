"""The eggs of ``poach bridge`` as the hooks see them."""

import contextlib
import logging
import os
import sys

from zc.buildout import UserError

from poach.buildout27 import command, pinning, snapshot
from poach.buildout27.pins import PatchedPin, real_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        Collection,
        Dict,
        Iterable,
        Iterator,
        List,
        Optional,
        Sequence,
        Set,
    )

    from poach.buildout27.pins import Wish

logger = logging.getLogger("zc.buildout.poach")


class Bridge(object):
    """Supplies eggs by asking the command (a `poach.buildout27.pins.Supplier`).

    `pins` are by canonical name; `versions` is the section that they are in, `parts`
    are those that build one egg; `used` are the projects whose eggs were asked for.
    """

    def __init__(self, buildout):  # type: (Any) -> None
        options = buildout["buildout"]
        self._command, self._place = command.find(
            options.get("poach-command"), options["directory"]
        )
        self._sections = snapshot.sections(buildout)
        self._annotated = snapshot.annotated(buildout)
        self._patches = options.get("patches", "patches")
        self._policy = options.get("patch-requests", "apply").strip()
        self._directory = options["directory"]
        self._patch_path = (options.get("patch-path") or "patches").split()
        self._declared = []  # type: List[List[Any]]
        self._with_options = set()  # type: Set[str]
        self._unready = set()  # type: Set[str]
        self._eggs = {}  # type: Dict[str, str]
        self._resolved = set()  # type: Set[str]
        self._foreseen = set()  # type: Set[str]
        self._blind = []  # type: List[str]
        self.pins = {}  # type: Dict[str, PatchedPin]
        self.substitutes = {}  # type: Dict[str, str]
        self.parts = set()  # type: Set[str]
        self.used = set()  # type: Set[str]
        self.plain = {}  # type: Dict[str, str]  # versions of pins that only refuse
        self.versions = ""

    def resolve(self, parts):  # type: (Iterable[str]) -> None
        """Learn the pins of the versions section; `parts` are told later."""
        for name in parts:
            self._sections.pop(name, None)
        self._ask("pins")

    def begin(self, parts):  # type: (Dict[str, Dict[str, str]]) -> None
        """Learn all pins; `parts` are sections after substitution."""
        self._sections.update(parts)
        self._ask("begin")

    def end(self):  # type: () -> None
        """Have it noted what the run has used, unless that is what the last one did."""
        used = sorted(self.used)
        unforeseen = sorted(self._resolved - self._foreseen - self._unnoted)
        noted = [used, unforeseen, self._blind if unforeseen else []]
        if noted != self._noted and (self.pins or any(self._noted)):
            self._ask("end", used=used, unforeseen=unforeseen, blind=self._blind)

    # What the hooks ask for

    def pinned(self, key):  # type: (str) -> Optional[PatchedPin]
        """Return the pin of a project, None where it has none."""
        return self.pins.get(key)

    def egg(self, key, may_build):  # type: (str, bool) -> str
        """Return the path of a patched egg; raise zc.buildout.UserError."""
        if key not in self._eggs:
            self._ask("supply", keys=[key], may_build=may_build)
        self.used.add(key)
        return self._eggs[key]

    def holds(self, location):  # type: (str) -> bool
        """Tell whether `location` lies in the store."""
        return real_folder(location).startswith(self._store)

    def declare(self, spec, key, build_ext, environment):
        # type: (str, str, Dict[str, str], Dict[str, str]) -> None
        """Note the build options of a part; those that were read before count more."""
        known = key in self._with_options or key in self.used
        if not known and (build_ext or environment):
            self._declared.append([spec, key, build_ext, environment])
            self._eggs.pop(key, None)  # which was built without them

    def resolved(self, keys):  # type: (Iterable[str]) -> None
        """Note that parts got distributions of these projects."""
        self._resolved.update(keys)

    #: Patches that packages ask for are not granted here.
    granting = False

    @property
    def idle(self):  # type: () -> bool
        """Whether there is nothing to patch: no pin, no diff that one might name."""
        said = self.pins or self.plain or self._sections.get(self._patches)
        return not said and not any(map(self._may_have_diffs, self._patch_path))

    def _may_have_diffs(self, place):  # type: (str) -> bool
        """Tell whether an entry of patch-path is a folder that is there, or a URL."""
        place = os.path.join(self._directory, os.path.expanduser(place))
        return "://" in place or os.path.isdir(place)

    def rests(self, buildout):  # type: (Any) -> bool
        """Tell whether there is nothing to patch; nothing is granted later."""
        return self.idle

    def recall(self):  # type: () -> None
        """Grant nothing."""

    @contextlib.contextmanager
    def tentatively(self):  # type: () -> Iterator[None]
        """Let nothing that is supplied in the ``with`` block count as used."""
        before = set(self.used)
        try:
            yield
        finally:
            self.used = before

    def foreseen(self, keys, blind):  # type: (Iterable[str], Iterable[str]) -> None
        """Note what the survey found, and the parts that told it too little."""
        self._foreseen.update(keys)
        self._blind = sorted(blind)

    def unforeseen(self, blind):  # type: (Iterable[str]) -> Set[str]
        """Return what such parts got in the last run, if it had any of `blind`."""
        unforeseen, parts = self._noted[1] or (), self._noted[2] or ()
        return set(unforeseen) if set(parts).intersection(blind) else set()

    def ready(self, key):  # type: (str) -> bool
        """Tell whether a pinned project can be built before parts are at work."""
        return key not in self._unready

    def lacks(self, key):  # type: (str) -> bool
        """Tell whether the egg of a pinned project has yet to be built."""
        return key not in self._eggs

    def provides(self, key):  # type: (str) -> Sequence[str]
        """Return nothing: what is asked for is refused when the egg is there."""
        return ()

    def patchable(self, key, extras):
        # type: (str, Iterable[str]) -> None
        """Return None: no extra becomes a patch here."""

    def build(self, keys):  # type: (Collection[str]) -> None
        """Build the eggs of pinned projects; raise zc.buildout.UserError."""
        self._ask("supply", keys=list(keys))

    def given(self, keys):  # type: (Iterable[str]) -> None
        """Take no note: no pin ever changes."""

    def ship(self, owner, project, folder):  # type: (str, str, str) -> None
        """Take no note of diffs that a distribution ships."""

    def ask(self, wishes):  # type: (Iterable[Wish]) -> Sequence[str]
        """Grant nothing."""
        return ()

    def substitute(self, key):  # type: (str) -> Optional[str]
        """Return None: a configuration with substitutes is refused."""
        return self.substitutes.get(key)

    def owner(self, buildout, section, option):
        # type: (Any, str, str) -> str
        """Return the name of the file that sets an option, empty for none."""
        key = buildout._annotated.get(section, {}).get(option)
        source = "" if key is None else str(key.source)
        return "" if source.endswith("_VALUE") else source.rpartition("/")[2]

    def alias(self, key, other, version, extras, points):
        # type: (str, str, str, Sequence[str], str) -> str
        """Make none."""
        raise NotImplementedError(key)

    def surveyed(self):  # type: () -> None
        """Tell nothing: nobody was asked."""

    def refuse(self, wishes, tolerated):  # type: (Iterable[Wish], bool) -> None
        """Raise zc.buildout.UserError for what the pins do not have."""
        for project, extra, asker in wishes:
            if tolerated or self._policy == "ignore":
                logger.warning("Ignored: %s asks for %s[%s].", asker, project, extra)
            else:
                raise UserError(
                    "%s asks for %s[%s], which is neither an extra of %s nor a patch "
                    "in its pin; under Python 2.7 a patch is named in the pin"
                    % (asker, project, extra, project)
                )

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
            "unforeseen": [],
            "blind": [],
        }
        question.update(more)
        self._learn(command.ask(self._command, self._place, question))

    def _learn(self, answer):  # type: (Dict[str, Any]) -> None
        self._store = real_folder(answer["store"])
        self._noted = answer["noted"]
        self._unnoted = set(answer["unnoted"])
        self.versions = answer["versions"]
        self.parts = set(answer["parts"])
        self.plain = dict(answer["plain"])
        for told in answer["pins"]:
            pin = PatchedPin(*[told[field] for field in PatchedPin._fields])
            self.pins[pin.key] = pin
            if told["options"]:
                self._with_options.add(pin.key)
            if not told["ready"]:
                self._unready.add(pin.key)
            if told["egg"] is not None:
                self._eggs[pin.key] = told["egg"]
