"""The recipe ``poach:egg``: a part that builds one patched egg."""

from __future__ import annotations

from typing import Any

from poach.buildout import parts
from poach.buildout.errors import as_user_errors
from poach.buildout.extension import active
from poach.buildout.settings import OptionError
from poach.naming import canonicalize_name


class Egg:
    """Builds the patched egg of one project, with build options of its own.

    Options: ``egg`` (default: the part's name), ``version`` and ``patches`` (default:
    the pin in the versions section), and those of zc.recipe.egg:custom.  Sets
    ``location``, ``version``, ``tagged-version`` and ``patches``.
    """

    def __init__(self, buildout: Any, name: str, options: Any) -> None:
        """Build the egg, so that other sections can refer to its location.

        The part's pin and build options were read when the extension was loaded.
        Raises zc.buildout.UserError.
        """
        with as_user_errors():
            workshop = active(buildout, name).workshop
            key = canonicalize_name(parts.project_of(name, options))
            if name not in workshop.parts:
                reason = (
                    "a part that brings patches or build options is named in "
                    "buildout:parts, or those before it would run other code"
                )
                raise OptionError(f"[{name}]", "", reason)
            # Used here, so that buildout does not call them unused.
            parts.build_options(buildout, name, options)
            patch_set = workshop.patch_sets[key]
            egg = workshop.supply(key)
        options["location"] = str(egg.egg)
        options["version"] = patch_set.pin.base
        options["tagged-version"] = patch_set.version
        options["patches"] = " ".join(patch_set.pin.names)

    def install(self) -> tuple[()]:
        """Install nothing into the buildout: the egg is in the store, and stays."""
        return ()

    update = install
