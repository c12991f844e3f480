"""The session: a buildout's patch sets, and the kit that makes their eggs."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from poach import pipeline
from poach.buildout.granting import Granting
from poach.buildout.kit import kit_of
from poach.buildout.parts import EggPart, refuse_other
from poach.buildout.reporter import LogReporter
from poach.buildout.settings import OptionError, OwnedPin, Settings
from poach.buildout.use import Use
from poach.catalog.definitions import NamedDiffs, Shelf
from poach.catalog.fetch import HttpFetcher
from poach.errors import PoachError, collect
from poach.names import NormalizedName, canonicalize_name
from poach.pins import patchset
from poach.pins.build_key import BuildOptions
from poach.pins.patchset import PatchSet
from poach.pipeline import Report
from poach.pipeline.kit import Toolchain
from poach.pipeline.ports import Reporter
from poach.record.effect import judge
from poach.store.store import PatchedEgg

logger = logging.getLogger("zc.buildout.poach")


class NotBuilt(PoachError):
    """A patched egg that is needed, not in the store, and may not be built."""

    patch_set: PatchSet

    def __str__(self) -> str:
        return (
            f"There is no patched egg of {self.patch_set.tagged} yet, "
            "and none can be built in offline (no-install) mode"
        )


class Session:
    """Resolves pins to patch sets and supplies their eggs.

    Others read its attributes, and only the methods here change them.
    """

    def __init__(
        self,
        settings: Settings,
        toolchain: Toolchain | None = None,
        reporter: Reporter | None = None,
        is_run: bool = False,
    ) -> None:
        """Resolve all pins; raise `PoachError` with all that is wrong with them.

        Eggs are made by `toolchain`, that of the running interpreter where none is
        given.  `is_run` says whether this is a run of buildout, and not a command of
        poach.
        """
        self.settings = settings
        self.kit = kit_of(settings, toolchain, reporter or LogReporter())
        #: The diffs that the buildout defines, and those that packages ship.
        self.library = NamedDiffs(
            settings.diffs,
            settings.folders,
            HttpFetcher(settings.offline),
            settings.diff_owners,
            also=_stood_for(settings),
        )
        #: The pins with patches, also those that parts bring.
        self.pins = dict(settings.pins)
        resolved = collect(self._resolve, settings.pins.values(), settings.faults)
        #: What became of the pins, with the patches that packages ask for.
        self.patch_sets = {one.pin.key: one for one in resolved}
        #: The build options that parts declare for a project, each with the part.
        self.options: dict[NormalizedName, tuple[str, BuildOptions]] = {}
        #: The names of the parts that build one egg.
        self.parts: set[str] = set()
        #: The items that the run uses.
        self.use = Use(self.kit.store, settings, is_run)
        #: The patches that packages ask for.
        self.granting = Granting(self)
        self._found: dict[NormalizedName, tuple[object, PatchedEgg | None]] = {}
        self._reported: set[str] = set()  # warnings
        self._warns = True

    def _resolve(
        self, owned: OwnedPin, granted: Mapping[str, Sequence[str]] = {}
    ) -> PatchSet:
        """Find the diffs of a pin; raise all that is wrong with them together."""
        return patchset.resolve(
            owned.pin,
            owned.owners,
            self.library,
            self.kit.reader,
            self.settings.fuzz,
            granted,
        )

    def grow(
        self, project: NormalizedName, granted: Mapping[str, Sequence[str]]
    ) -> PatchSet:
        """Add the patches that are `granted`, with who asks, to those of a pin.

        Raises `PoachError`.
        """
        owned = self.pin_of(project)
        assert owned is not None  # or nothing had been granted
        self.patch_sets[project] = self._resolve(owned, granted)
        self.use.drop(project)
        return self.patch_sets[project]

    def ship(self, owner: str, project: str, folder: Path) -> None:
        """Count a folder of diffs for `project` that the distribution `owner` ships."""
        shipped = dict(self.library.shipped)
        there = shipped.get(canonicalize_name(project), ())
        shelves = {*there, Shelf(owner, folder)}
        shipped[canonicalize_name(project)] = sorted(shelves, key=lambda s: s.owner)
        self.library = self.library._replace(shipped=shipped)

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Take back all that the ``with`` block changes if it raises anything."""
        before = self.library, dict(self.pins), dict(self.patch_sets)
        declared = dict(self.options), set(self.parts)
        undo = self.use.undo(), self.granting.undo()
        try:
            yield
        except BaseException:
            self.library, self.pins, self.patch_sets = before
            self.options, self.parts = declared
            for each in undo:
                each()
            raise

    @contextlib.contextmanager
    def reporting(self, reporter: Reporter) -> Iterator[None]:
        """Report what becomes of eggs in the ``with`` block to another reporter."""
        before = self.kit
        self.kit = before._replace(reporter=reporter)
        try:
            yield
        finally:
            self.kit = before

    @contextlib.contextmanager
    def warning(self, wanted: bool) -> Iterator[None]:
        """Warn of patches without effect in the ``with`` block only if `wanted`."""
        before, self._warns = self._warns, wanted
        try:
            yield
        finally:
            self._warns = before

    def take(self, part: EggPart) -> None:
        """Count the pin and the build options of a part that builds one egg.

        Raises `PoachError`, also where another part or a pin says otherwise.
        """
        pinned = self.patch_sets.get(part.project)
        if part.pin is not None and part.project in self.settings.substitutes:
            reason = f"{part.project} has a substitute: nobody would get its patches"
            raise OptionError(f"[{part.name}]", "", reason)
        if part.pin is not None and pinned is None:
            self.pins[part.project] = part.pin
            self.patch_sets[part.project] = self._resolve(part.pin)
        elif part.pin is not None and pinned is not None:
            refuse_other(part.name, pinned.pin, part.pin.pin)
        self.declare(part.name, part.project, part.options)

    def pin_of(self, project: NormalizedName) -> OwnedPin | None:
        """Return the pin of a project, patched or plain, None where it has none."""
        plain = self.settings.plain.get(project)
        return self.pins.get(project) or (OwnedPin(plain, ()) if plain else None)

    def find(self, project: NormalizedName) -> PatchedEgg | None:
        """Return the egg of a pinned project if it was built before.

        The store is asked until it has the egg; entries do not change.
        """
        wanted = self.patch_sets[project], self.options_of(project)
        there, egg = self._found.get(project, (None, None))
        if there != wanted:
            egg = self.recorded(project)
            if egg is not None:
                self._judge(wanted[0], egg)
            self._found[project] = (wanted if egg else None, egg)
        return egg

    def recorded(self, project: NormalizedName) -> PatchedEgg | None:
        """Return the egg of a pinned project, also if its patches had no effect."""
        return pipeline.find(
            self.patch_sets[project], self.options_of(project), self.kit
        )

    def _judge(self, patch_set: PatchSet, egg: PatchedEgg) -> None:
        """Warn, once, of patches without effect; raise `PoachError` as settings say."""
        settings = self.settings
        for warning in judge(patch_set, egg.entry, settings.effect, settings.unused):
            if self._warns and warning not in self._reported:
                self._reported.add(warning)
                logger.warning("%s", warning)

    def supply(self, project: NormalizedName, may_build: bool = True) -> PatchedEgg:
        """Return the egg of a pinned project, built if need be and if `may_build`."""
        if project not in self.use.eggs:
            there = self.find(project) if self._is_there(project) else None
            self.use.take(project, there or self._supply(project, may_build).egg)
        return self.use.eggs[project]

    def declare(
        self, part: str, project: NormalizedName, options: BuildOptions
    ) -> None:
        """Build `project` with the options of a part; raise `OptionError`.

        There is one egg of a project in a buildout, so parts cannot disagree.
        """
        self.parts.add(part)
        if options == BuildOptions():
            return
        other, there = self.options.setdefault(project, (part, options))
        if there != options:
            reason = f"builds {project} with {options}, and [{other}] with {there}"
            raise OptionError(f"[{part}]", "", reason)
        if project in self.use.given:
            reason = f"builds {project} with {options}, when others have it without"
            raise OptionError(f"[{part}]", "", reason)
        self.use.drop(project)

    def is_ready(self, project: NormalizedName) -> bool:
        """Return whether all folders that the build of `project` reads are there."""
        build_ext = self.options_of(project).build_ext
        folders = [build_ext.get(name, "") for name in ("include-dirs", "library-dirs")]
        paths = [path for each in folders for path in each.split(os.pathsep) if path]
        return all(map(os.path.isdir, paths))

    def build_ahead(
        self,
        needed: Collection[NormalizedName],
        done: Callable[[], None] = lambda: None,
    ) -> None:
        """Build the patched eggs of the projects in `needed` that are missing.

        They are built side by side, as far as the settings allow; each thread calls
        `done` after an egg, built or not.  Raises all faults together.
        """
        # Imported late: a warm run builds nothing.
        from poach.build import jobs

        def build(project: NormalizedName) -> None:
            try:
                self._supply(project, may_build=True)
            finally:
                done()

        wanted = [key for key in self.patch_sets if key in needed]
        jobs.collect(build, self.missing(wanted), self.settings.jobs)

    def missing(self, projects: Iterable[NormalizedName]) -> list[NormalizedName]:
        """Return the `projects` with eggs that are missing or damaged."""
        return [project for project in projects if not self._is_there(project)]

    def _is_there(self, project: NormalizedName) -> bool:
        try:
            return self.find(project) is not None
        except PoachError:  # raised when it is supplied
            return False

    def provides(self, project: NormalizedName) -> list[str]:
        """Return the extras that upstream defines for a project, none without a pin.

        Raises `PoachError`.
        """
        owned = self.pin_of(project)
        if owned is None:
            return []
        return pipeline.provided(PatchSet(owned.pin, ()), self.kit)

    def options_of(self, project: NormalizedName) -> BuildOptions:
        """Return the build options that parts declare for `project`."""
        return self.options.get(project, ("", BuildOptions()))[1]

    def _supply(self, project: NormalizedName, may_build: bool) -> Report:
        patch_set, options = self.patch_sets[project], self.options_of(project)
        forbidden = self.settings.offline or not may_build
        if forbidden and pipeline.find(patch_set, options, self.kit) is None:
            raise NotBuilt(patch_set)
        report = pipeline.ensure(patch_set, options, self.kit)
        self._judge(patch_set, report.egg)
        return report


def _stood_for(settings: Settings) -> dict[NormalizedName, list[NormalizedName]]:
    """Return the projects for which each substitute stands, also in a chain."""
    found: dict[NormalizedName, list[NormalizedName]] = {}
    for key in settings.substitutes:
        other = settings.substitute(key)
        while other is not None:
            found.setdefault(other, []).append(key)
            other = settings.substitute(other)
    return found
