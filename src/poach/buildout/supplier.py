"""The session as substitution sees it: pins, paths of eggs, buildout's own errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poach.buildout import foresight, noted_requests, origins, unused
from poach.buildout.errors import as_user_errors
from poach.buildout.patched_pin import PatchedPin
from poach.buildout.session import Session
from poach.names import canonicalize_name
from poach.pins.build_key import BuildOptions
from poach.pins.patchset import PatchSet
from poach.pins.requests import Request
from poach.store.alias import alias

logger = logging.getLogger("zc.buildout.poach")


@dataclass(frozen=True, slots=True)
class SessionSupplier:
    """Supplies the eggs of `session` (a `poach.buildout.substitution.Supplier`)."""

    session: Session
    #: Makes buildout ask for the tagged version of a patch set.
    pin: Callable[[PatchSet], None]
    #: Whether the configuration has no patches.
    unconcerned: bool = False
    #: The reports that were made.
    reported: list[str] = field(default_factory=list)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to patch, as far as is known."""
        session = self.session
        found = session.patch_sets or session.parts or session.library.shipped
        return self.unconcerned and not found

    def rests(self, buildout: Any, specs: Iterable[str]) -> bool:
        """Return whether no dry run is needed; `specs` are what parts name."""
        if not foresight.is_needed(self.session, buildout, specs, self.idle):
            self.session.use.rest()
        return self.session.use.rested

    def recall(self) -> None:
        """Grant what was asked for in the last run, of which this is a part."""
        self.session.use.run_some_parts()
        with as_user_errors():
            for patch_set in noted_requests.grant(self.session):
                self.pin(patch_set)
                logger.info("%s stays as in the last run.", patch_set.asked)

    def tentatively(self) -> AbstractContextManager[None]:
        """Let nothing that is supplied in the ``with`` block count as used."""
        return self.session.use.tentatively()

    def foreseen(self, keys: Iterable[str], blind: Iterable[str]) -> None:
        """Note what the dry run found, and the parts of which it knows too little."""
        self.session.use.foresee(keys, blind)

    def unforeseen(self, blind: Iterable[str]) -> set[str]:
        """Return what such parts got in the last run, if it had any of `blind`."""
        return set(self.session.use.unforeseen_before(blind))

    def ready(self, key: str) -> bool:
        """Return whether a pinned project can be built before parts are at work."""
        return self.session.is_ready(canonicalize_name(key))

    def lacks(self, key: str) -> bool:
        """Return whether the egg of a pinned project has yet to be built."""
        return bool(self.session.missing([canonicalize_name(key)]))

    def provides(self, key: str) -> Collection[str]:
        """Return the extras that upstream defines for a pinned project."""
        with as_user_errors():
            return self.session.provides(canonicalize_name(key))

    def patchable(self, key: str, extras: Iterable[str]) -> PatchedPin | None:
        """Return the plain pin of a project if any of `extras` would patch it."""
        with as_user_errors():
            pin = self.session.granting.patchable(canonicalize_name(key), extras)
        if pin is None:
            return None
        return PatchedPin(pin.project, pin.base, pin.base, pin.base)

    def build(self, keys: Collection[str]) -> None:
        """Build the eggs of pinned projects; raise zc.buildout.UserError."""
        # Imported late: a warm run builds nothing.
        from poach.buildout.display import shown

        needed = set(map(canonicalize_name, keys))
        with (
            as_user_errors(),
            shown(self.session, self.session.missing(needed)) as done,
        ):
            self.session.build_ahead(needed, done)

    @property
    def granting(self) -> bool:
        """Whether anything was granted that packages ask for."""
        return bool(self.session.granting.granted)

    def given(self, keys: Iterable[str]) -> None:
        """Note that these projects are in use as they are now, patched or not."""
        self.session.use.give(keys)

    @property
    def parts(self) -> set[str]:
        """The names of the parts that build one egg."""
        return self.session.parts

    def pinned(self, key: str) -> PatchedPin | None:
        """Return the pin of a project, None where it has none."""
        patch_set = self.session.patch_sets.get(canonicalize_name(key))
        return patched_pin(patch_set) if patch_set is not None else None

    def egg(self, key: str, may_build: bool) -> str:
        """Return the path of a patched egg; raise zc.buildout.UserError."""
        with as_user_errors():
            return str(self.session.supply(canonicalize_name(key), may_build).egg)

    def holds(self, location: str) -> bool:
        """Return whether `location` lies in the store."""
        return self.session.kit.store.holds(location)

    def declare(
        self,
        spec: str,
        key: str,
        build_ext: dict[str, str],
        environment: dict[str, str],
    ) -> None:
        """Note the build options of a part unless the configuration has some."""
        project = canonicalize_name(key)
        if project not in self.session.options:
            options = BuildOptions(build_ext, environment)
            with as_user_errors():
                self.session.declare(f"a part for {spec}", project, options)

    def resolved(self, keys: Iterable[str]) -> None:
        """Note that parts got distributions of these projects."""
        self.session.use.resolve(keys)

    def ship(self, owner: str, project: str, folder: Path) -> None:
        """Note diffs for `project` that the distribution `owner` ships."""
        self.session.ship(owner, project, folder)

    def ask(self, requests: Iterable[tuple[str, str, str]]) -> list[str]:
        """Grant patches that packages ask for; return the pins that changed."""
        with as_user_errors(), self.session.whole():
            grown = self.session.granting.ask(
                [Request.of(*request) for request in requests]
            )
            for patch_set in grown:
                self.pin(patch_set)
            return [patch_set.asked for patch_set in grown]

    def substitute(self, key: str) -> str | None:
        """Return the requirement that stands in for a project, None for itself."""
        found = self.session.settings.substitutes.get(canonicalize_name(key))
        return found[1] if found else None

    def owner(self, buildout: Any, section: str, option: str) -> str:
        """Return who set an option: a file and its line."""
        return origins.setter(buildout, section, option)

    def alias(
        self, key: str, other: str, version: str, extras: Sequence[str], points: str
    ) -> str:
        """Return the path of an egg in the name of `key` that requires `other`.

        `points` are the entry points of that, as in its entry_points.txt.
        """
        project, _ = self.session.settings.substitutes[canonicalize_name(key)]
        store = self.session.kit.store
        with as_user_errors():
            egg = alias(store, project, other, version, extras, points)
        by = f"{other} {version}"
        self.session.use.substitute(canonicalize_name(key), by, egg.parent)
        return str(egg)

    def dry_run_ended(self) -> None:
        """Report what nobody uses, once; all requests of packages are known now."""
        if not self.reported:
            self.reported.append("unused")
            with as_user_errors():
                unused.report_diffs(self.session)

    def refuse(self, requests: Iterable[tuple[str, str, str]], tolerated: bool) -> None:
        """Refuse what nobody grants; raise zc.buildout.UserError."""
        with as_user_errors():
            self.session.granting.refuse(
                [Request.of(*request) for request in requests], tolerated
            )


def patched_pin(patch_set: PatchSet) -> PatchedPin:
    """Return what substitution needs to know of a patch set."""
    pin = patch_set.pin
    return PatchedPin(pin.project, pin.base, str(pin), patch_set.version)
