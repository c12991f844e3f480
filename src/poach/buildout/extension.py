"""The extension: pins become tagged versions, requirements get patched eggs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pkg_resources

from poach.buildout import parts, settings, toolchains, unused
from poach.buildout.errors import as_user_errors
from poach.buildout.supplier import WorkshopSupplier, patched_pin
from poach.buildout.workshop import Workshop
from poach.errors import collect
from poach.hooks import pinning
from poach.hooks.interception import intercept, is_running
from poach.hooks.substitution import Substitution
from poach.patchset import PatchSet


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
        activate(buildout, lambda: not is_running(buildout))


def unload(buildout: Any) -> None:
    """End what `load` began, and say which patched eggs were used."""
    activation = getattr(buildout, "_poach", None)
    if activation is None:
        return
    activation.restore()
    activation.workshop.note_use()
    activation.workshop.granting.note()
    del buildout._poach
    workshop, overruled = activation.workshop, activation.substitution.overruled
    pins = map(patched_pin, workshop.patch_sets.values())
    pinning.summarize(pins, workshop.used, overruled)
    activation.substitution.supplier.surveyed()


def activate(
    buildout: Any,
    is_over: Callable[[], bool],
    python: str | None = None,
    noted: bool = False,
) -> Activation:
    """Put poach to work in `buildout`, and nothing else: nothing is built.

    `is_over` tells, once another buildout begins in this process, whether this one
    has ended, perhaps with an error.  The eggs are for the interpreter `python`, the
    running one where that is None.  If no package will be asked, patches count that
    were asked for as `noted` in the last run, and unused diffs are told.  Raises
    `PoachError`.
    """
    read = settings.read(buildout)
    foreign = None if python is None else toolchains.foreign(read, python)
    workshop = Workshop(read, foreign)
    supplier = WorkshopSupplier(
        workshop,
        lambda patch_set: _grown(buildout, workshop, patch_set),
    )
    substitution = Substitution(supplier, buildout)
    for patch_set in workshop.patch_sets.values():
        _pin(buildout, workshop, patch_set)
    for project in workshop.settings.substitutes:
        pinning.forget(pkg_resources.working_set, project)
    for pin in workshop.settings.plain.values():
        if pin.refused:
            pinning.set_version(buildout, read.versions, pin.key, pin.base)
    restore = intercept(substitution, is_over)
    activation = Activation(workshop, substitution, restore)
    buildout._poach = activation
    try:
        # From here on whatever recipe is loaded gets patched eggs.
        collect(lambda name: _take(buildout, workshop, name), parts.ours(buildout))
        custom = parts.custom(buildout, workshop.patch_sets)
        collect(lambda name: _take(buildout, workshop, name), custom)
        if noted:
            workshop.granting.ask_as_noted()
        unused.report(workshop, buildout, noted)
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


def _pin(buildout: Any, workshop: Workshop, patch_set: PatchSet) -> None:
    """Make the tagged version of `patch_set` the one that buildout asks for."""
    versions, holds = workshop.settings.versions, workshop.kit.store.holds
    pinning.pin(buildout, versions, patched_pin(patch_set), holds)


def _grown(buildout: Any, workshop: Workshop, patch_set: PatchSet) -> None:
    """Count the build options for a project that may have had no patches before."""
    for name in parts.custom(buildout, [patch_set.pin.key]):
        _take(buildout, workshop, name)
    _pin(buildout, workshop, patch_set)
