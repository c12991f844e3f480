"""The extension, as zc.buildout loads it and unloads it."""

from poach.buildout27 import pinning, snapshot
from poach.buildout27.interception import intercept, is_running
from poach.buildout27.substitution import Substitution
from poach.buildout27.supplier import Bridge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Activation(object):
    """poach at work in one buildout."""

    def __init__(self, buildout):  # type: (Any) -> None
        """Put poach to work; raise zc.buildout.UserError with all that is wrong."""
        self.buildout = buildout
        self.bridge = Bridge(buildout)
        self.substitution = Substitution(self.bridge, buildout)
        special = snapshot.special(buildout)
        if special:
            self.bridge.resolve(special)
        else:
            self.bridge.begin({})
        self._pin()
        self.substitution.isolation.clear()
        self.restore = intercept(self.substitution, lambda: not is_running(buildout))
        try:
            if special:
                # Whatever recipe they load gets patched eggs from here on.
                parts = snapshot.parts(buildout, self.bridge.pins)
                self.bridge.begin(parts)
                self._pin()
        except BaseException:
            self.restore()
            raise

    def _pin(self):  # type: () -> None
        bridge, versions = self.bridge, self.bridge.versions
        pinning.pin(self.buildout, versions, bridge.pins.values(), bridge.holds)
        pinning.set_versions(self.buildout, versions, bridge.plain)


def load(buildout):  # type: (Any) -> None
    """Begin to substitute patched eggs in `buildout` (zc.buildout.extension).

    Raises zc.buildout.UserError with all that is wrong with pins and patches.
    """
    buildout._poach = Activation(buildout)


def unload(buildout):  # type: (Any) -> None
    """End what `load` began, and say which patched eggs were used."""
    activation = getattr(buildout, "_poach", None)
    if activation is None:
        return
    activation.restore()
    bridge = activation.bridge
    bridge.end()
    del buildout._poach
    overruled = activation.substitution.overruled
    pinning.summarize(bridge.pins.values(), bridge.used, overruled)
