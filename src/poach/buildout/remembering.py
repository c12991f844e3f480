"""What there is to remember of a run, for `poach.buildout.memory`."""

from __future__ import annotations

from typing import Any

from poach.adapters.library import looked_at
from poach.buildout import parts
from poach.buildout.memory import Memory, RememberedPin
from poach.buildout.settings import Settings
from poach.buildout.supplier import patched_pin
from poach.buildout.surroundings import Surroundings
from poach.buildout.workshop import Workshop
from poach.location import Kind
from poach.patchset import Patch, PatchSet
from poach.pipeline import sdist_note


def surroundings(settings: Settings) -> Surroundings | None:
    """Return what files and folders say about the names of pins, None if not only they.

    The diffs themselves are not among them: nobody has read them yet.
    """
    pins = (owned.pin for owned in settings.pins.values())
    try:
        there = looked_at(settings.diffs, settings.folders, pins)
        return None if there is None else Surroundings.of(*there)
    except (OSError, ValueError):  # to be told by whoever needs it
        return None


def found(
    buildout: Any, workshop: Workshop, there: Surroundings | None
) -> Memory | None:
    """Return what a run has found out, None if that may be something else next time.

    `there` is what it found at its beginning.  Patches that packages ask for, parts
    that bring patches or options, substitutes, digests that the store has noted, a
    remote store, keys and warnings: those need all of poach.
    """
    patch_sets = workshop.patch_sets.values()
    patches = [patch for patch_set in patch_sets for patch in patch_set.patches]
    if (
        there is None
        or not _is_plain(buildout, workshop)
        or not all(map(_is_sure, patches))
    ):
        return None
    diffs = {p.location.target: p.sha256 for p in patches if _is_file(p)}
    plain = workshop.settings.plain.values()
    return Memory(
        str(workshop.kit.store.path),
        str(workshop.kit.store.root),
        workshop.settings.versions,
        [_pin(workshop, patch_set) for patch_set in patch_sets],
        [(pin.key, pin.base) for pin in plain if pin.refused],
        sorted(workshop.settings.unpatchable),
        there._replace(files={**there.files, **diffs}),
    )


def _is_plain(buildout: Any, workshop: Workshop) -> bool:
    """Tell a run in which nothing but the versions section has brought patches.

    Of parts that build one egg a recipe may say which, and of keys their files.
    """
    granting = workshop.granting
    asked = granting.granted or granting.shipped or granting.ignored
    more = workshop.settings.substitutes or workshop.parts or workshop.options
    names = {name for name in buildout["buildout"] if name.startswith("patched-eggs-")}
    sharing = names - {"patched-eggs-directory"}
    return not (asked or more or sharing or workshop.warned or parts.single(buildout))


def _is_sure(patch: Patch) -> bool:
    """Tell whether a file or the configuration itself says what the diff is."""
    return _is_file(patch) or bool(patch.location.sha256)


def _is_file(patch: Patch) -> bool:
    return patch.location.kind is Kind.PATH


def _pin(workshop: Workshop, patch_set: PatchSet) -> RememberedPin:
    key = workshop.key_of(patch_set.pin.key)
    pin = patched_pin(patch_set)
    return RememberedPin(pin, key and key.as_json(), sdist_note(patch_set.pin))
