"""The workshop as the hooks see it: pins, paths of eggs, buildout's own errors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from poach.buildout.errors import as_user_errors
from poach.buildout.workshop import Workshop
from poach.hooks.pins import PatchedPin
from poach.key import BuildOptions
from poach.naming import canonicalize_name
from poach.patchset import PatchSet


@dataclass(frozen=True, slots=True)
class WorkshopSupplier:
    """Supplies the eggs of `workshop` (a `poach.hooks.pins.Supplier`)."""

    workshop: Workshop

    def pinned(self, key: str) -> PatchedPin | None:
        """Return the pin of a project, None where it has none."""
        patch_set = self.workshop.patch_sets.get(canonicalize_name(key))
        return patched_pin(patch_set) if patch_set is not None else None

    def egg(self, key: str, may_build: bool) -> str:
        """Return the path of a patched egg; raise zc.buildout.UserError."""
        with as_user_errors():
            return str(self.workshop.supply(canonicalize_name(key), may_build).egg)

    def holds(self, location: str) -> bool:
        """Tell whether `location` lies in the store."""
        return self.workshop.kit.store.holds(location)

    def declare(
        self,
        spec: str,
        key: str,
        build_ext: dict[str, str],
        environment: dict[str, str],
    ) -> None:
        """Note the build options of a part unless the configuration has some."""
        project = canonicalize_name(key)
        if project not in self.workshop.options:
            options = BuildOptions(build_ext, environment)
            with as_user_errors():
                self.workshop.declare(f"a part for {spec}", project, options)

    def resolved(self, keys: Iterable[str]) -> None:
        """Note that parts got distributions of these projects."""
        self.workshop.resolved.update(map(canonicalize_name, keys))


def patched_pin(patch_set: PatchSet) -> PatchedPin:
    """Return what the hooks need to know of a patch set."""
    pin = patch_set.pin
    return PatchedPin(pin.project, pin.base, str(pin), patch_set.version)
