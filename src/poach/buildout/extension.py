"""The extension: pins become tagged versions, requirements get patched eggs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.buildout import parts
from poach.buildout.installer import (
    Substitution,
    as_user_errors,
    forget_unpatched,
    intercept,
)
from poach.buildout.settings import OptionError
from poach.buildout.workshop import Workshop
from poach.naming import NormalizedName, canonicalize_name
from poach.patchset import PatchSet

logger = logging.getLogger("zc.buildout.poach")


@dataclass(frozen=True, slots=True)
class Activation:
    """poach at work in one buildout; `restore` ends it."""

    workshop: Workshop
    substitution: Substitution
    restore: Callable[[], None]


def load(buildout: Any) -> None:
    """Begin to substitute patched eggs in `buildout` (zc.buildout.extension).

    Raises zc.buildout.UserError with all that is wrong with pins and patches.
    """
    with as_user_errors():
        buildout._poach = _activate(buildout)


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
    idle = [
        f"{patch_set.pin.project} = {patch_set.pin}"
        for key, patch_set in activation.workshop.patch_sets.items()
        if key not in activation.workshop.used
    ]
    if idle:
        logger.info("Patched pins that nothing asked for: %s", ", ".join(idle))


def active(buildout: Any, part: str) -> Activation:
    """Return poach at work in `buildout`; raise `OptionError` where it is not."""
    activation: Activation | None = getattr(buildout, "_poach", None)
    if activation is None:
        reason = (
            "its recipe needs 'extensions = poach' in [buildout], "
            "or other parts would run unpatched code"
        )
        raise OptionError(f"[{part}]", "", reason)
    return activation


def _activate(buildout: Any) -> Activation:
    workshop = Workshop.of(buildout)
    develop_eggs = Path(buildout["buildout"]["develop-eggs-directory"])
    substitution = Substitution(workshop, develop_eggs)
    for patch_set in workshop.patch_sets.values():
        _pin(buildout, workshop, patch_set)
    restore = intercept(substitution)
    try:
        # From here on whatever recipe is loaded gets patched eggs.
        for part in parts.read(buildout, workshop.settings):
            workshop.take(part)
            if part.pin is not None:
                _pin(buildout, workshop, workshop.patch_sets[part.project])
        workshop.build_ahead(_named(buildout, develop_eggs))
    except BaseException:
        restore()
        raise
    return Activation(workshop, substitution, restore)


def _named(buildout: Any, develop_eggs: Path) -> set[NormalizedName]:
    """Return the projects that parts name and whose pins count.

    Develop eggs win over pins, so there are none before buildout has made the first.
    """
    options = buildout["buildout"]
    if options.get("develop") and not Path(options["installed"]).exists():
        return set()
    developed = {
        canonicalize_name(link.stem) for link in develop_eggs.glob("*.egg-link")
    }
    pins = easy_install.Installer._versions
    emptied = {canonicalize_name(key) for key, pin in pins.items() if pin == ""}
    return parts.named(buildout) - developed - emptied


def _pin(buildout: Any, workshop: Workshop, patch_set: PatchSet) -> None:
    """Make the tagged version of `patch_set` the one that buildout asks for."""
    if workshop.settings.versions:
        pin_to(buildout, workshop.settings.versions, patch_set)
    versions = {**easy_install.Installer._versions}
    if versions.get(patch_set.pin.key) != "":
        versions[patch_set.pin.key] = patch_set.version
    easy_install.Installer._versions = versions
    forget_unpatched(pkg_resources.working_set, [patch_set.pin.key])


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
