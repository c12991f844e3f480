"""The way from a patch set to its egg, which is in the store or is made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poach.errors import PoachError
from poach.pins.build_key import BuildKey, BuildOptions
from poach.pins.location import recordable
from poach.pins.patchset import PatchSet
from poach.pins.pin import Pin
from poach.pipeline.kit import Kit
from poach.store.store import DamagedEntry, Made, PatchedEgg, Store, StoreUnwritable

if TYPE_CHECKING:
    from poach.catalog.ports import Sdist


class ChangedSdist(PoachError):
    """An upstream sdist that is not the one that was seen before."""

    pin: Pin
    #: The sha256 of that one, in hex.
    seen: str
    #: Where that one came from; '' if not noted.
    source: str
    found: Sdist
    note: Path

    def __str__(self) -> str:
        before = f" ({self.source})" if self.source else ""
        now = self.found.source or self.found.path.name
        return (
            f"The sdist of {self.pin.project} {self.pin.base} has changed:\n"
            f"    seen before {self.seen}{before}\n"
            f"    found now   {self.found.sha256} ({now})\n"
            f"if the new one is right, remove {self.note}"
        )


class Untrusted(PoachError):
    """An egg in the store that came from a server and is signed by no trusted key."""

    #: The folder of the egg.
    path: Path
    #: The server.
    source: str
    #: The key that signed it; '' where nobody asked.
    by: str

    def __str__(self) -> str:
        signed = f"signed by {self.by}" if self.by else "no signature was checked"
        return (
            f"The patched egg in {self.path} came from {self.source} and is signed by "
            f"none of patched-eggs-trusted-keys ({signed}); remove it, and it is "
            "fetched or built again"
        )


class Report(NamedTuple):
    """What `ensure` came by: every value on the way."""

    patch_set: PatchSet
    options: BuildOptions
    key: BuildKey
    egg: PatchedEgg
    #: Whether this run built the egg; else it was in a store.
    made: bool


def find(patch_set: PatchSet, options: BuildOptions, kit: Kit) -> PatchedEgg | None:
    """Return the egg of `patch_set` if the store has it; fetch and build nothing.

    Raises `DamagedEntry`, `PermissionDenied`, `Untrusted`.
    """
    report = _found(patch_set, options, kit)
    return report.egg if report else None


def ensure(patch_set: PatchSet, options: BuildOptions, kit: Kit) -> Report:
    """Return the egg of `patch_set`, from the store or published there.

    An egg that is missing, or damaged and set aside, comes from the remote store or is
    built.  Raises `PoachError`; nothing is left in the store then but the log of a
    build that failed.
    """
    try:
        found = _found(patch_set, options, kit)
    except DamagedEntry as damage:
        return _remade(damage, patch_set, options, kit)
    return found or _made(patch_set, options, kit)


@contextmanager
def unpacked(patch_set: PatchSet, kit: Kit) -> Iterator[Path]:
    """Give the upstream source tree of a pin, for as long as the ``with`` lasts.

    Raises `PoachError`.
    """
    # Imported late: a warm run unpacks nothing.
    from poach.archives.sdist import unpack

    with kit.store.scratch() as scratch:
        sdist = _Upstream(patch_set, kit).sdist()
        yield unpack(sdist.path, scratch / "source")


def provided(patch_set: PatchSet, kit: Kit) -> list[str]:
    """Return the extras that upstream defines for a pin; its sdist may be fetched.

    Raises `PoachError`.
    """
    noted = kit.store.recall("extras", sdist_note(patch_set.pin))
    sdist = seen(patch_set, kit)
    if noted is not None and sdist is not None and noted.get("sdist") == sdist:
        return list(map(str, noted.get("extras", ())))
    # Imported late: a run that finds its eggs in the store asks nothing of the kind.
    from poach.build.extras import extras

    with unpacked(patch_set, kit) as tree:
        found = extras(tree)
    facts = {"sdist": seen(patch_set, kit), "extras": found}
    kit.store.remember("extras", sdist_note(patch_set.pin), facts)
    return found


def known_key(patch_set: PatchSet, options: BuildOptions, kit: Kit) -> BuildKey | None:
    """Return the build key of `patch_set`, None if its sdist was never seen."""
    sdist = seen(patch_set, kit)
    return None if sdist is None else _key(patch_set, options, sdist, kit)


def _found(patch_set: PatchSet, options: BuildOptions, kit: Kit) -> Report | None:
    key = known_key(patch_set, options, kit)
    if key is None:
        return None
    egg = kit.store.find(patch_set.version, key)
    if egg is None:
        return None
    _refuse_untrusted(egg, kit)
    return Report(patch_set, options, key, egg, made=False)


def _refuse_untrusted(egg: PatchedEgg, kit: Kit) -> None:
    """Refuse what a buildout that trusts others, or used to, has fetched."""
    source = str(egg.entry.get("fetched-from") or "")
    by = str(egg.entry.get("signed-by") or "")
    if kit.trusted is not None and source and by not in map(str, kit.trusted):
        raise Untrusted(egg.wheel.parent, source, by)


def _made(patch_set: PatchSet, options: BuildOptions, kit: Kit) -> Report:
    # Imported late: a warm run makes nothing.
    from poach.build.process import tidily

    with tidily(), kit.store.scratch() as scratch:
        upstream = _Upstream(patch_set, kit)
        key = _key(patch_set, options, upstream.sha256, kit)
        seconds: list[float] = []

        def make_here(staging: Path) -> Made:
            if kit.shared is not None:
                there = kit.shared.fetch(patch_set, key, staging)
                if there is not None:
                    return there
            # Imported late: a warm run makes nothing.
            from poach.pipeline.making import make

            began = time.monotonic()
            made = make(staging, patch_set, upstream.sdist(), key, kit)
            seconds.append(time.monotonic() - began)
            return made

        egg = kit.store.get_or_make(
            patch_set.version,
            key,
            make_here,
            lambda holder: kit.reporter.waiting(patch_set.tagged, holder),
        )
        _refuse_untrusted(egg, kit)  # another buildout may have been faster
        for took in seconds:
            kit.reporter.built(patch_set.tagged, took)
            if kit.shared is not None:
                kit.shared.offer(patch_set, key, egg, scratch)
    return Report(patch_set, options, key, egg, bool(seconds))


def _remade(
    damage: DamagedEntry, patch_set: PatchSet, options: BuildOptions, kit: Kit
) -> Report:
    try:
        return _made(patch_set, options, kit)
    except StoreUnwritable as fault:
        raise DamagedEntry(damage.path, damage.reason, str(fault)) from fault


class _Upstream:
    """The upstream sdist of a pin: known by its digest, fetched only if need be."""

    def __init__(self, patch_set: PatchSet, kit: Kit) -> None:
        self._pin = patch_set.pin
        self._title = patch_set.title
        self._kit = kit
        self._sdist: Sdist | None = None
        self.sha256 = seen(patch_set, kit) or self.sdist().sha256

    def sdist(self) -> Sdist:
        """Return the sdist, the same that was seen before; raise `ChangedSdist`."""
        if self._sdist is None:
            pin, kit = self._pin, self._kit
            fetching = partial(kit.reporter.fetching, self._title)
            found = kit.sdists.find(pin.project, pin.base, fetching)
            self._sdist = _remembered(pin, found, kit.store)
        return self._sdist


def _remembered(pin: Pin, found: Sdist, store: Store) -> Sdist:
    seen = store.recall_digest("sdists", sdist_note(pin))
    if seen is None:
        facts = {
            "file": found.path.name,
            "sha256": found.sha256,
            "source": recordable(found.source),
        }
        store.remember("sdists", sdist_note(pin), facts)
    elif seen != found.sha256:
        noted = store.recall("sdists", sdist_note(pin)) or {}
        note = store.note_path("sdists", sdist_note(pin))
        raise ChangedSdist(pin, seen, str(noted.get("source") or ""), found, note)
    return found


def seen(patch_set: PatchSet, kit: Kit) -> str | None:
    """Return the sha256, in hex, of the upstream sdist if it was ever fetched."""
    return kit.store.recall_digest("sdists", sdist_note(patch_set.pin))


def sdist_note(pin: Pin) -> str:
    """Return the name of the notes on the sdist of a pin."""
    return f"{pin.key}-{pin.base}"


def _key(patch_set: PatchSet, options: BuildOptions, sdist: str, kit: Kit) -> BuildKey:
    pin = patch_set.pin
    digest = patch_set.digest
    return BuildKey(pin.key, pin.base, sdist, digest, kit.target, options)
