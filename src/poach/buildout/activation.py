"""Activation: pins become tagged versions, requirements get patched eggs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import pkg_resources

from poach.buildout import (
    idle,
    noted_requests,
    parts,
    pinning,
    settings,
    stale,
    unused,
)
from poach.buildout.interception import intercept
from poach.buildout.session import Session
from poach.buildout.substitution import Substitution
from poach.buildout.supplier import SessionSupplier, patched_pin
from poach.errors import collect
from poach.pins.patchset import PatchSet

if TYPE_CHECKING:
    from poach.buildout.settings import Settings
    from poach.pipeline.kit import Toolchain

logger = logging.getLogger("zc.buildout.poach")


class Activation(NamedTuple):
    """poach at work in one buildout; `restore` ends it."""

    session: Session
    substitution: Substitution
    restore: Callable[[], None]

    def end(self) -> None:
        """Note what the run has used, and say it; raise `Vanished`."""
        session, overruled = self.session, self.substitution.overruled
        session.use.note(session.patch_sets)
        session.use.refuse_vanished()
        noted_requests.note(session)
        pins = map(patched_pin, session.patch_sets.values())
        pinning.summarize(pins, session.use.eggs, overruled | self._tell_stale())
        if session.use.substituted:
            logger.info("Substitutes in use: %s", ", ".join(self._substitutes()))
        self.substitution.supplier.dry_run_ended()

    def _substitutes(self) -> Iterator[str]:
        """Yield what stands in for what, for people."""
        for key, other in self.session.use.substituted.items():
            project, _ = self.session.settings.substitutes[key]
            yield f"{other} for {project}"

    def _tell_stale(self) -> set[str]:
        """Warn of parts that still use old eggs; return the projects of those."""
        ours = self.session.patch_sets.items()
        counting = {k: s for k, s in ours if k not in self.substitution.overruled}
        buildout, parts = self.substitution.buildout, self.substitution.running
        found = list(stale.find(buildout, parts, counting)) if counting else []
        for one in found:
            logger.warning("%s", one)
        return {one.patch_set.pin.key for one in found}


def activate(
    buildout: Any,
    is_over: Callable[[], bool],
    python: str | None = None,
    noted: bool = False,
) -> Activation:
    """Put poach to work in `buildout`, and nothing else: nothing is built.

    `is_over` returns, once another buildout begins in this process, whether this one
    has ended, perhaps with an error.  The eggs are for the interpreter `python`, the
    running one where that is None.  If no package will be asked, patches count that
    were asked for as `noted` in the last run, and unused diffs are reported.
    Raises `PoachError`.
    """
    read = settings.read(buildout)
    if noted:  # buildout itself does not come here with such a pin
        # Imported late: this is for a command of poach.
        from poach.buildout import extensions

        extensions.refuse_required(buildout, read.pins)
    session = Session(read, _foreign(read, python), is_run=not noted)
    substitution = Substitution(supplied(buildout, session), buildout)
    _pin(buildout, session, session.patch_sets.values())
    pinning.forget(pkg_resources.working_set, session.settings.substitutes)
    plain = read.plain.values()
    refusing: dict[str, str] = {pin.key: pin.base for pin in plain if pin.refused}
    pinning.set_versions(buildout, read.versions, refusing)
    substitution.isolation.clear()
    restore = intercept(substitution, is_over)
    activation = Activation(session, substitution, restore)
    buildout._poach = activation
    try:
        # From here on every recipe that is loaded gets patched eggs.
        collect(lambda name: _take(buildout, session, name), parts.ours(buildout))
        custom = parts.custom(buildout, session.patch_sets)
        collect(lambda name: _take(buildout, session, name), custom)
        if noted:
            noted_requests.grant(session)
        unused.report(session, buildout, noted)
    except BaseException:
        restore()
        raise
    return activation


def _foreign(read: Settings, python: str | None) -> Toolchain | None:
    if python is None:
        return None
    # Imported late: a run of buildout makes eggs for its own interpreter.
    from poach.buildout import toolchains

    return toolchains.foreign(read, python)


def supplied(buildout: Any, session: Session) -> SessionSupplier:
    """Return what supplies the eggs of `session` to `buildout`."""
    return SessionSupplier(
        session,
        lambda one: _grown(buildout, session, one),
        idle.is_unconcerned(session),
    )


def _take(buildout: Any, session: Session, name: str) -> None:
    """Count what the part `name` brings: a pin of its own, build options."""
    part = parts.read(buildout, name, session.settings)
    session.take(part)
    if part.pin is not None:
        _pin(buildout, session, [session.patch_sets[part.project]])


def _pin(buildout: Any, session: Session, patch_sets: Iterable[PatchSet]) -> None:
    """Make the tagged versions of `patch_sets` those that buildout asks for."""
    versions, holds = session.settings.versions, session.kit.store.holds
    pinning.pin(buildout, versions, map(patched_pin, patch_sets), holds)


def _grown(buildout: Any, session: Session, patch_set: PatchSet) -> None:
    """Count the build options for a project that may have had no patches before."""
    for name in parts.custom(buildout, [patch_set.pin.key]):
        _take(buildout, session, name)
    _pin(buildout, session, [patch_set])
