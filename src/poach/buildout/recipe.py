"""The recipe ``poach:egg``: a part that builds one patched egg."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Protocol

from zc.buildout import UserError

from poach.buildout.patched_pin import PatchedPin
from poach.names import canonicalize_name

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


class Supplier(Protocol):
    """What a part that builds one egg needs; its errors are UserErrors."""

    @property
    def parts(self) -> Collection[str]:
        """The names of the parts that build one egg, as far as they were read."""

    def pinned(self, key: str) -> PatchedPin | None:
        """Return the pin of the project with the canonical name `key`."""

    def ready(self, key: str) -> bool:
        """Return whether a pinned project can be built before parts are at work."""

    def egg(self, key: str, may_build: bool) -> str:
        """Return the path of the egg of a pinned project, built if need be."""

    def given(self, keys: Iterable[str]) -> None:
        """Note that these projects are in use as they are now, patched or not."""


class Egg:
    """Builds the patched egg of one project, with build options of its own.

    Options: ``egg`` (default: the part's name), ``version`` and ``patches`` (default:
    the pin in the versions section), and those of zc.recipe.egg:custom.  Sets
    ``location``, ``version``, ``tagged-version`` and ``patches``.
    """

    def __init__(self, buildout: Any, name: str, options: Any) -> None:
        """Build the egg, so that other sections can refer to its location.

        If it is to be built with folders that another part has yet to make, that waits
        until this part is at work.  The part's pin and build options were read when the
        extension was loaded.  Raises zc.buildout.UserError.
        """
        self.supplier = _supplier(buildout, name)
        self.options = options
        for option in OPTIONS:  # read, or buildout calls them unused
            options.get(option)
        project = options.get("egg") or options.get("eggs") or name
        pin = self.supplier.pinned(canonicalize_name(project.strip()))
        assert pin is not None  # or the extension had not read the part
        self.key = pin.key
        options["version"] = pin.base
        options["tagged-version"] = pin.version
        options["patches"] = " ".join(pin.names)
        if self.supplier.ready(self.key):
            self._build()

    def install(self) -> tuple[()]:
        """Install nothing into the buildout: the egg is in the store, and stays."""
        if "location" not in self.options:
            self._build()
        return ()

    update = install

    def _build(self) -> None:
        self.options["location"] = self.supplier.egg(self.key, True)
        self.supplier.given([self.key])


def _supplier(buildout: Any, name: str) -> Supplier:
    """Return what supplies the egg of the part `name`; raise zc.buildout.UserError."""
    activation = getattr(buildout, "_poach", None)
    if activation is None:
        raise UserError(
            f"[{name}]: its recipe needs 'extensions = poach' in [buildout], or other "
            "parts would run unpatched code"
        )
    supplier: Supplier = activation.substitution.supplier
    if name not in supplier.parts:
        raise UserError(
            f"[{name}]: a part that brings patches or build options is named in "
            "buildout:parts, or those before it would run other code"
        )
    return supplier
