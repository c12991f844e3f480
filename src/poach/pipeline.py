"""The way from a patch set to its egg; `ensure` and `make` read as the manual."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from packaging.utils import parse_wheel_filename

from poach.adapters import tree as trees
from poach.adapters.archive import unpack
from poach.adapters.retag import retag
from poach.adapters.store import PatchedEgg, Store
from poach.diff import NamedDiff
from poach.errors import PoachError, collect
from poach.hunks import Landing
from poach.key import BuildKey, BuildOptions, Target
from poach.naming import canonicalize_name
from poach.patchset import Patch, PatchFault, PatchReader, PatchSet
from poach.pin import Pin
from poach.ports import EggMaker, Reporter, Sdist, SourceFinder, WheelBuilder
from poach.provenance import (
    AppliedHunk,
    AppliedPatch,
    PatchedFile,
    Provenance,
    Upstream,
    metadata_files,
    record,
)


class ChangedSdist(PoachError):
    """An upstream sdist that is not the one that was seen before."""

    def __init__(self, pin: Pin, seen: str, found: Sdist, note: Path) -> None:
        super().__init__(pin, seen, found, note)
        self.pin = pin
        self.seen = seen
        self.found = found
        self.note = note

    def __str__(self) -> str:
        return (
            f"The sdist of {self.pin.project} {self.pin.base} has changed:\n"
            f"    seen before {self.seen}\n"
            f"    found now   {self.found.sha256} ({self.found.path.name})\n"
            f"if the new one is right, remove {self.note}"
        )


class CannotPatch(PoachError):
    """A patch set that does not apply; `refused` says which hunks, and why."""

    def __init__(self, title: str, refused: trees.ApplyRefused) -> None:
        super().__init__(title, refused)
        self.title = title
        self.refused = refused

    def __str__(self) -> str:
        return f"Cannot patch {self.title}:\n{self.refused}"


class WrongWheel(PoachError):
    """A patched tree that builds another project or version than its pin says."""

    def __init__(self, title: str, wheel: str) -> None:
        super().__init__(title, wheel)
        self.title = title
        self.wheel = wheel

    def __str__(self) -> str:
        return (
            f"The patched tree of {self.title} builds {self.wheel}; "
            "patches must leave name and version alone"
        )


@dataclass(frozen=True, slots=True)
class Kit:
    """The tools that the pipeline works with."""

    store: Store
    sdists: SourceFinder
    reader: PatchReader
    builder: WheelBuilder
    eggs: EggMaker
    target: Target
    reporter: Reporter = field(default_factory=Reporter)


@dataclass(frozen=True, slots=True)
class Report:
    """What `ensure` came by: every value on the way.

    `made` tells whether this run built the egg (else it was in the store).
    """

    patch_set: PatchSet
    options: BuildOptions
    key: BuildKey
    egg: PatchedEgg
    made: bool


def find(patch_set: PatchSet, options: BuildOptions, kit: Kit) -> PatchedEgg | None:
    """Return the egg of `patch_set` if the store has it; fetch and build nothing."""
    seen = _seen(patch_set, kit)
    if seen is None:
        return None
    key = _key(patch_set, options, seen, kit)
    return kit.store.find(patch_set.version, key)


def ensure(patch_set: PatchSet, options: BuildOptions, kit: Kit) -> Report:
    """Return the egg of `patch_set`, from the store or built and published there.

    Raises `PoachError`; nothing is left in the store then but the log of a build
    that failed.
    """
    with tempfile.TemporaryDirectory(prefix="poach-") as scratch:
        upstream = _Upstream(patch_set, kit, Path(scratch))
        key = _key(patch_set, options, upstream.sha256, kit)
        seconds: list[float] = []

        def make_here(staging: Path) -> tuple[Path, dict[str, Any]]:
            began = time.monotonic()
            egg, record = make(staging, patch_set, upstream.sdist(), key, kit)
            seconds.append(time.monotonic() - began)
            return egg, record

        egg = kit.store.get_or_make(
            patch_set.version,
            key,
            make_here,
            lambda holder: kit.reporter.waiting(_tagged(patch_set), holder),
        )
    for took in seconds:
        kit.reporter.built(_tagged(patch_set), took)
    return Report(patch_set, options, key, egg, bool(seconds))


def make(
    staging: Path, patch_set: PatchSet, sdist: Sdist, key: BuildKey, kit: Kit
) -> tuple[Path, dict[str, Any]]:
    """Make the egg of `patch_set` in the folder `staging`: unpack, apply, build, retag.

    Returns the path of the egg and the record of what went in.  Raises `PoachError`.
    """
    log = kit.store.log_path(patch_set.version, key)
    tree = unpack(sdist.path, staging / "source")
    applied = apply(patch_set, tree, kit)
    kit.reporter.building(_tagged(patch_set))
    wheel = kit.builder.build(
        patch_set.title, tree, staging / "wheel", key.options, log
    )
    _check(patch_set, wheel)
    facts = Provenance(
        project=patch_set.pin.project,
        base=patch_set.pin.base,
        version=patch_set.version,
        upstream=Upstream(sdist.path.name, sdist.sha256),
        patches=tuple(applied),
        digest=patch_set.digest,
        poach=installed_version("poach"),
    )
    tagged = retag(wheel, patch_set.version, staging, metadata_files(facts))
    egg = kit.eggs.make(tagged, staging / "egg", log)
    kit.reporter.printed(log)
    log.unlink(missing_ok=True)
    return egg, record(facts)


def apply(patch_set: PatchSet, tree: Path, kit: Kit) -> list[AppliedPatch]:
    """Apply all diffs of `patch_set` to the source tree `tree`, or none.

    Returns what was done, diff by diff.  Raises `PoachError` with all that is wrong
    with any of them.
    """
    diffs = collect(lambda patch: _read(patch_set, patch, kit), patch_set.patches)
    try:
        plan = trees.plan(tree, diffs)
    except trees.ApplyRefused as refused:
        raise CannotPatch(patch_set.title, refused) from refused
    trees.write(plan)
    done = [
        _applied(patch, diff.data, outcome)
        for patch, diff, outcome in zip(
            patch_set.patches, diffs, plan.patches, strict=True
        )
    ]
    for patch in done:
        kit.reporter.patched(patch_set.title, patch)
    return done


def _applied(patch: Patch, data: bytes, outcome: trees.PatchedBy) -> AppliedPatch:
    return AppliedPatch(
        name=patch.name,
        owner=_public(patch.owner),
        location=_public(patch.location.place),
        sha256=patch.sha256,
        data=data,
        strip=outcome.strip,
        directory=outcome.directory,
        fuzz=patch.fuzz,
        files=tuple(
            PatchedFile(file.path, tuple(_hunk(hunk) for hunk in file.hunks))
            for file in outcome.files
        ),
    )


def _hunk(hunk: Landing) -> AppliedHunk:
    return AppliedHunk(hunk.header, hunk.line, hunk.offset, hunk.fuzz)


def _public(place: str) -> str:
    """Return an owner or a location as the record may have it: no machine's paths."""
    return place if ":/" in place or place.startswith("sdist:") else Path(place).name


def _tagged(patch_set: PatchSet) -> str:
    return f"{patch_set.pin.project} {patch_set.version}"


def _read(patch_set: PatchSet, patch: Patch, kit: Kit) -> NamedDiff:
    try:
        data = kit.reader.read(patch.location, patch.sha256)
    except PoachError as fault:
        raise PatchFault(patch_set.pin, patch.name, patch.owner, fault) from fault
    return NamedDiff(
        patch.name, patch.owner, data, patch.strip, patch.directory, patch.fuzz
    )


def _check(patch_set: PatchSet, wheel: Path) -> None:
    name, version, _, _ = parse_wheel_filename(wheel.name)
    if canonicalize_name(name) != patch_set.pin.key or (
        version.public != patch_set.pin.base
    ):
        raise WrongWheel(patch_set.title, f"{name} {version}")


class _Upstream:
    """The upstream sdist of a pin: known by its digest, fetched only if need be."""

    def __init__(self, patch_set: PatchSet, kit: Kit, folder: Path) -> None:
        self._pin = patch_set.pin
        self._kit = kit
        self._folder = folder
        self._sdist: Sdist | None = None
        self.sha256 = _seen(patch_set, kit) or self.sdist().sha256

    def sdist(self) -> Sdist:
        """Return the sdist, the same that was seen before; raise `ChangedSdist`."""
        if self._sdist is None:
            pin = self._pin
            found = self._kit.sdists.find(pin.project, pin.base, self._folder)
            self._sdist = _remembered(pin, found, self._kit.store)
        return self._sdist


def _remembered(pin: Pin, found: Sdist, store: Store) -> Sdist:
    seen = store.recall("sdists", _note(pin))
    if seen is None:
        facts = {"file": found.path.name, "sha256": found.sha256}
        store.remember("sdists", _note(pin), facts)
    elif seen.get("sha256") != found.sha256:
        note = store.note_path("sdists", _note(pin))
        raise ChangedSdist(pin, str(seen.get("sha256")), found, note)
    return found


def _seen(patch_set: PatchSet, kit: Kit) -> str | None:
    facts = kit.store.recall("sdists", _note(patch_set.pin))
    return str(facts["sha256"]) if facts and "sha256" in facts else None


def _note(pin: Pin) -> str:
    return f"{pin.key}-{pin.base}"


def _key(patch_set: PatchSet, options: BuildOptions, sdist: str, kit: Kit) -> BuildKey:
    pin = patch_set.pin
    return BuildKey(pin.key, pin.base, sdist, patch_set.digest, kit.target, options)
