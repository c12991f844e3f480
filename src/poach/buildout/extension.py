"""The extension: pins become tagged versions, requirements get patched eggs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.buildout.installer import (
    Substitution,
    as_user_errors,
    forget_unpatched,
    intercept,
)
from poach.buildout.settings import OwnedPin
from poach.buildout.workshop import Workshop
from poach.naming import canonicalize_name
from poach.patchset import PatchSet

logger = logging.getLogger("zc.buildout.poach")


@dataclass(frozen=True, slots=True)
class Activation:
    """poach at work in one buildout; `restore` ends it."""

    workshop: Workshop
    substitution: Substitution
    restore: Callable[[], None]

    def adopt(self, buildout: Any, owned: OwnedPin) -> PatchSet:
        """Substitute for one more pin, which a part brings; raise `PoachError`."""
        patch_set = self.workshop.adopt(owned)
        section = self.workshop.settings.versions
        if section:
            pin_to(buildout, section, patch_set)
        versions = easy_install.Installer._versions
        easy_install.default_versions({**versions, owned.pin.key: patch_set.version})
        forget_unpatched(pkg_resources.working_set, [owned.pin.key])
        return patch_set


def load(buildout: Any) -> None:
    """Begin to substitute patched eggs in `buildout` (zc.buildout.extension)."""
    activate(buildout)


def unload(buildout: Any) -> None:
    """End what `load` began, and say which patched eggs were used."""
    activation = getattr(buildout, "_poach", None)
    if activation is None:
        return
    activation.restore()
    activation.workshop.note_use()
    del buildout._poach
    used = [
        patch_set.tagged
        for key, patch_set in activation.workshop.patch_sets.items()
        if key in activation.workshop.used
    ]
    if used:
        logger.info("Patched eggs in use: %s", ", ".join(used))


def activate(buildout: Any) -> Activation:
    """Return poach at work in `buildout`, begun here unless it was before.

    Raises zc.buildout.UserError with all that is wrong with pins and patches; the
    buildout is as it was then.
    """
    activation: Activation | None = getattr(buildout, "_poach", None)
    if activation is None:
        with as_user_errors():
            workshop = Workshop.of(buildout)
            workshop.build_ahead()
        develop_eggs = Path(buildout["buildout"]["develop-eggs-directory"])
        substitution = Substitution(workshop, develop_eggs)
        for patch_set in workshop.patch_sets.values():
            pin_to(buildout, workshop.settings.versions, patch_set)
        forget_unpatched(pkg_resources.working_set, list(workshop.patch_sets))
        activation = Activation(workshop, substitution, intercept(substitution))
        buildout._poach = activation
    return activation


def pin_to(buildout: Any, section: str, patch_set: PatchSet) -> None:
    """Put the tagged version where the live `buildout` has the pin.

    An option is kept in several places, each of which is read by some recipe or
    extension.  A value that another extension has emptied stays empty.
    """
    options = buildout[section]
    kept = (options._data, options._raw, options._cooked, buildout._raw[section])
    for values in kept:
        for option, value in list(values.items()):
            if value and canonicalize_name(option) == patch_set.pin.key:
                values[option] = patch_set.version
