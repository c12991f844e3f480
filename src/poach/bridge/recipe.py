"""The recipe ``poach:egg`` for Python 2.7: as `poach.buildout.recipe` for Python 3."""

from zc.buildout import UserError

from poach.spelling import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Tuple

#: The options that are read on the other side.
OPTIONS = (
    ("egg", "eggs", "version", "patches", "environment", "swig")
    + ("include-dirs", "library-dirs", "rpath", "define", "undef", "libraries")
    + ("link-objects", "debug", "force", "compiler", "swig-cpp", "swig-opts")
)


class Egg(object):
    """Builds the patched egg of one project, with build options of its own."""

    def __init__(self, buildout, name, options):  # type: (Any, str, Any) -> None
        """Build the egg, so that other sections can refer to its location.

        The part's pin and build options were read when the extension was loaded.
        """
        activation = getattr(buildout, "_poach", None)
        if activation is None:
            raise UserError(
                "[%s]: its recipe needs 'extensions = poach' in [buildout], or other "
                "parts would run unpatched code" % name
            )
        bridge = activation.bridge
        if name not in bridge.parts:
            raise UserError(
                "[%s]: a part that brings patches or build options is named in "
                "buildout:parts, or those before it would run other code" % name
            )
        for option in OPTIONS:  # used, lest buildout calls them unused
            options.get(option)
        key = canonical((options.get("egg") or options.get("eggs") or name).strip())
        pin = bridge.pins[key]
        options["location"] = bridge.egg(key, True)
        options["version"] = pin.base
        options["tagged-version"] = pin.version
        names = [word[1:] for word in pin.text.split()[1:]]
        options["patches"] = " ".join(names)

    def install(self):  # type: () -> Tuple[()]
        """Install nothing into the buildout: the egg is in the store, and stays."""
        return ()

    update = install
