"""The extension: pins become tagged versions, requirements get patched eggs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.buildout import parts, settings, toolchains, unused
from poach.buildout.errors import LoadedBefore, as_user_errors
from poach.buildout.installer import Substitution, forget_unpatched
from poach.buildout.interception import intercept
from poach.buildout.settings import OptionError
from poach.buildout.workshop import Workshop
from poach.errors import collect
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
        activation = activate(buildout, lambda: not _is_running(buildout))
        try:
            activation.workshop.build_ahead(_needed(buildout, activation))
        except BaseException:
            activation.restore()
            raise


def unload(buildout: Any) -> None:
    """End what `load` began, and say which patched eggs were used."""
    activation = getattr(buildout, "_poach", None)
    if activation is None:
        return
    activation.restore()
    activation.workshop.note_use()
    del buildout._poach
    workshop, overruled = activation.workshop, activation.substitution.overruled
    sets = workshop.patch_sets.items()
    used = [patch_set.tagged for key, patch_set in sets if key in workshop.used]
    if used:
        logger.info("Patched eggs in use: %s", ", ".join(used))
    idle = [
        f"{patch_set.pin.project} = {patch_set.pin}"
        for key, patch_set in sets
        if key not in {*workshop.used, *overruled}
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


def activate(
    buildout: Any, is_over: Callable[[], bool], python: str | None = None
) -> Activation:
    """Put poach to work in `buildout`, and nothing else: nothing is built.

    `is_over` tells, once another buildout begins in this process, whether this one
    has ended, perhaps with an error.  The eggs are for the interpreter `python`, the
    running one where that is None.  Raises `PoachError`.
    """
    read = settings.read(buildout)
    workshop = Workshop(read, toolchains.foreign(read, python) if python else None)
    develop_eggs = Path(buildout["buildout"]["develop-eggs-directory"])
    substitution = Substitution(workshop, develop_eggs)
    for patch_set in workshop.patch_sets.values():
        _pin(buildout, workshop, patch_set)
    restore = intercept(substitution, is_over)
    activation = Activation(workshop, substitution, restore)
    buildout._poach = activation
    try:
        # From here on whatever recipe is loaded gets patched eggs.
        collect(lambda name: _take(buildout, workshop, name), parts.ours(buildout))
        custom = parts.custom(buildout, workshop.patch_sets)
        collect(lambda name: _take(buildout, workshop, name), custom)
        unused.report(workshop, buildout)
    except BaseException:
        restore()
        raise
    return activation


def _take(buildout: Any, workshop: Workshop, name: str) -> None:
    """Count what the part `name` brings: a pin of its own, build options."""
    part = parts.read(buildout, name, workshop.settings)
    workshop.take(part)
    if part.pin is not None:
        _pin(buildout, workshop, workshop.patch_sets[part.project])


def _is_running(buildout: Any) -> bool:
    """Tell whether the method `install` of `buildout` is at work up the stack."""
    install = type(buildout).install.__code__
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code is install and frame.f_locals.get("self") is buildout:
            return True
    return False


def _needed(buildout: Any, activation: Activation) -> set[NormalizedName]:
    """Return the projects that this run will ask for and whose pins count.

    That is what can be told before anything is resolved: what parts name and what
    the last run resolved or, where parts were installed without poach, may have.
    Develop eggs win over pins, so there are none before buildout has made the first.
    """
    options = buildout["buildout"]
    installed = Path(options["installed"]).exists()
    if options.get("develop") and not installed:
        return set()
    before = activation.workshop.resolved_before()
    if before is None:
        before = _projects_in(Path(options["eggs-directory"])) if installed else set()
    if activation.workshop.settings.offline or not parts.all_names(buildout):
        before = set()  # nothing can be built, or nothing will ask
    links = activation.substitution.develop_eggs.glob("*.egg-link")
    developed = {canonicalize_name(link.stem) for link in links}
    pins = easy_install.Installer._versions
    emptied = {canonicalize_name(key) for key, pin in pins.items() if pin == ""}
    return (parts.named(buildout) | before) - developed - emptied


def _projects_in(eggs_directory: Path) -> set[NormalizedName]:
    eggs = eggs_directory.glob("*.egg")
    return {canonicalize_name(egg.name.partition("-")[0]) for egg in eggs}


def _pin(buildout: Any, workshop: Workshop, patch_set: PatchSet) -> None:
    """Make the tagged version of `patch_set` the one that buildout asks for."""
    if workshop.settings.versions:
        pin_to(buildout, workshop.settings.versions, patch_set)
    versions = {**easy_install.Installer._versions}
    if versions.get(patch_set.pin.key) != "":
        versions[patch_set.pin.key] = patch_set.version
    easy_install.Installer._versions = versions
    _refuse_loaded(patch_set, workshop)
    forget_unpatched(pkg_resources.working_set, [patch_set.pin.key])


def _refuse_loaded(patch_set: PatchSet, workshop: Workshop) -> None:
    """Refuse a pin whose plain egg buildout has put on its own path already."""
    for dist in list(pkg_resources.working_set):
        ours = canonicalize_name(dist.project_name) == patch_set.pin.key
        egg = dist.location.endswith(".egg") and dist.location in sys.path
        if ours and egg and not workshop.kit.store.holds(dist.location):
            raise LoadedBefore(patch_set, dist.version, dist.location)


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
