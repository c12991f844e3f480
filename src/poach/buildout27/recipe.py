"""The recipe ``poach:egg``: a part that builds one patched egg."""

from zc.buildout import UserError

from poach.buildout27.names import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The options that were read when the extension was loaded.
OPTIONS = [
    "egg",
    "eggs",
    "version",
    "patches",
    "environment",
    "include-dirs",
    "library-dirs",
    "rpath",
    "define",
    "undef",
    "libraries",
    "link-objects",
    "debug",
    "force",
    "compiler",
    "swig",
    "swig-cpp",
    "swig-opts",
]


class Egg(object):
    """Builds the patched egg of one project, with build options of its own.

    Options: ``egg`` (default: the part's name), ``version`` and ``patches`` (default:
    the pin in the versions section), and those of zc.recipe.egg:custom.  Sets
    ``location``, ``version``, ``tagged-version`` and ``patches``.
    """

    def __init__(self, buildout, name, options):  # type: (Any, str, Any) -> None
        """Build the egg, so that other sections can refer to its location.

        If it is to be built with folders that another part has yet to make, that waits
        until this part is at work.  The part's pin and build options were read when the
        extension was loaded.  Raises zc.buildout.UserError.
        """
        self.bridge = _bridge(buildout, name)
        self.options = options
        for option in OPTIONS:  # read, or buildout calls them unused
            options.get(option)
        project = options.get("egg") or options.get("eggs") or name
        pin = self.bridge.pins[canonical(project.strip())]
        self.key = pin.key
        options["version"] = pin.base
        options["tagged-version"] = pin.version
        options["patches"] = " ".join(pin.names)
        if self.bridge.ready(self.key):
            self._build()

    def install(self):  # type: () -> tuple[()]
        """Install nothing into the buildout: the egg is in the store, and stays."""
        if "location" not in self.options:
            self._build()
        return ()

    update = install

    def _build(self):  # type: () -> None
        self.options["location"] = self.bridge.egg(self.key, True)


def _bridge(buildout, name):  # type: (Any, str) -> Any
    """Return what supplies the egg of the part `name`; raise zc.buildout.UserError."""
    activation = getattr(buildout, "_poach", None)
    if activation is None:
        raise UserError(
            "[%s]: its recipe needs 'extensions = poach' in [buildout], or other parts "
            "would run unpatched code" % name
        )
    if name not in activation.bridge.parts:
        raise UserError(
            "[%s]: a part that brings patches or build options is named in "
            "buildout:parts, or those before it would run other code" % name
        )
    return activation.bridge
