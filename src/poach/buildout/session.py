"""The session: a buildout's patch sets, and the kit that makes their eggs."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from poach import pipeline
from poach.build import jobs
from poach.buildout import toolchains
from poach.buildout.granting import Granting
from poach.buildout.parts import Part, refuse_other
from poach.buildout.reporter import LogReporter
from poach.buildout.settings import OptionError, OwnedPin, Settings
from poach.buildout.sources import BuildoutSources
from poach.catalog.definitions import NamedDiffs
from poach.catalog.fetch import HttpFetcher
from poach.catalog.reader import DiffReader
from poach.errors import PoachError, collect
from poach.names import NormalizedName, canonicalize_name
from poach.pins import patchset
from poach.pins.build_key import BuildOptions
from poach.pins.patchset import PatchSet
from poach.pipeline import Report
from poach.pipeline.kit import Kit, Toolchain
from poach.pipeline.ports import Reporter
from poach.record.effect import judge
from poach.store import notes, usage
from poach.store.store import PatchedEgg, Store, StoreUnwritable

logger = logging.getLogger("zc.buildout.poach")


class NotBuilt(PoachError):
    """A patched egg that is needed, not in the store, and may not be built."""

    patch_set: PatchSet

    def __str__(self) -> str:
        return (
            f"There is no patched egg of {self.patch_set.tagged} yet, "
            "and none can be built in offline (no-install) mode"
        )


class Vanished(PoachError):
    """Eggs that are gone from the store, and that this run has given out."""

    eggs: Sequence[Path]

    def __str__(self) -> str:
        return (
            "Somebody has removed patched eggs while this buildout was at work: "
            f"{', '.join(map(str, self.eggs))}; run buildout again, which builds them"
        )


class Session:
    """Resolves pins to patch sets and supplies their eggs.

    `patch_sets` and the `pins` that they come from are by canonical name, `granting`
    adds to them what packages ask for.  `parts` are those that build one egg, `options`
    the build options that they declare for a project, each with the part.  `used` are
    the eggs that were asked for in this run, `stand_ins` those in the name of projects
    that have a substitute (folders of the store), `resolved` all projects that parts
    got distributions of, patched or not, and `foreseen` those that they were expected
    to, `blind` the parts of which that was not known; `given` are the projects that
    somebody has got and will keep; `substituted` are those that got a substitute, with
    what that is; `told` are warnings that were given, and `quiet` is whether more are
    kept back.  `partial` tells whether only some parts of the buildout run, `is_run`
    whether this is a run of buildout at all and not a command of poach.  Eggs are
    made by `toolchain`, that of the running interpreter where none is given.
    """

    def __init__(
        self,
        settings: Settings,
        toolchain: Toolchain | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self.settings = settings
        chain = toolchain or toolchains.own(settings)
        self.kit = _kit(settings, chain, reporter or LogReporter())
        self.library = NamedDiffs(
            settings.diffs,
            settings.folders,
            HttpFetcher(settings.offline),
            settings.diff_owners,
            also=_stood_for(settings),
        )
        self.pins = dict(settings.pins)
        self.granting = Granting(self)
        resolved = collect(self.resolve, settings.pins.values(), settings.faults)
        self.patch_sets = {one.pin.key: one for one in resolved}
        self.options: dict[NormalizedName, tuple[str, BuildOptions]] = {}
        self.parts: set[str] = set()
        self.used: dict[NormalizedName, PatchedEgg] = {}
        self.stand_ins: set[Path] = set()
        self._found: dict[NormalizedName, tuple[object, PatchedEgg | None]] = {}
        self.resolved: set[NormalizedName] = set()
        self.foreseen: set[NormalizedName] = set()
        self.blind: set[str] = set()
        self.given: set[NormalizedName] = set()
        self.told: set[str] = set()
        self.quiet = False
        self.substituted: dict[NormalizedName, str] = {}
        self.partial = False
        self.is_run = False
        self._noted_places: set[str] | None = None

    def resolve(self, owned: OwnedPin) -> PatchSet:
        """Find the diffs of a pin; raise all that is wrong with them together."""
        return patchset.resolve(
            owned.pin,
            owned.owners,
            self.library,
            self.kit.reader,
            self.settings.fuzz,
            self.granting.granted.get(owned.pin.key, {}),
        )

    def take(self, part: Part) -> None:
        """Count the pin and the build options of a part that builds one egg.

        Raises `PoachError`, also where another part or a pin says otherwise.
        """
        pinned = self.patch_sets.get(part.project)
        if part.pin is not None and part.project in self.settings.substitutes:
            reason = f"{part.project} has a substitute: nobody would get its patches"
            raise OptionError(f"[{part.name}]", "", reason)
        if part.pin is not None and pinned is None:
            self.pins[part.project] = part.pin
            self.patch_sets[part.project] = self.resolve(part.pin)
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
        """Return the egg of a pinned project as `find`, whatever its patches did."""
        return pipeline.find(
            self.patch_sets[project], self.options_of(project), self.kit
        )

    def _judge(self, patch_set: PatchSet, egg: PatchedEgg) -> None:
        """Warn, once, of patches without effect; raise `PoachError` as settings say."""
        settings = self.settings
        for told in judge(patch_set, egg.entry, settings.effect, settings.unused):
            if told not in self.told and not self.quiet:
                self.told.add(told)
                logger.warning("%s", told)

    def supply(self, project: NormalizedName, may_build: bool = True) -> PatchedEgg:
        """Return the egg of a pinned project, built if need be and if `may_build`."""
        if project not in self.used:
            there = self.find(project) if self._is_there(project) else None
            self.used[project] = there or self._supply(project, may_build).egg
            self._keep_from_pruning(self.used[project])
        return self.used[project]

    def _keep_from_pruning(self, egg: PatchedEgg) -> None:
        """Note the use of an egg at once if the last run did not use it."""
        if not self.is_run:
            return
        if self._noted_places is None:
            self._noted_places = usage.current(self.noted_before() or {})
        if usage.place(self.kit.store, egg) not in self._noted_places:
            self.note_use_so_far()

    def refuse_vanished(self) -> None:
        """Raise `Vanished` if an egg that this run has given out is gone."""
        gone = [one.egg for one in self.used.values() if not one.egg.is_dir()]
        if gone:
            raise Vanished(gone)

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
        if project in self.given:
            reason = f"builds {project} with {options}, when others have it without"
            raise OptionError(f"[{part}]", "", reason)
        self.used.pop(project, None)

    def is_ready(self, project: NormalizedName) -> bool:
        """Tell whether all folders are there in which the build of `project` looks."""
        build_ext = self.options_of(project).build_ext
        folders = [build_ext.get(name, "") for name in ("include-dirs", "library-dirs")]
        paths = [path for each in folders for path in each.split(os.pathsep) if path]
        return all(map(os.path.isdir, paths))

    def build_ahead(self, needed: Collection[NormalizedName]) -> None:
        """Build the patched eggs of the projects in `needed` that are missing.

        They are built side by side, as far as the settings allow.  Raises all that is
        wrong, together.
        """
        wanted = [key for key in self.patch_sets if key in needed]
        build = partial(self._supply, may_build=True)
        jobs.collect(build, self.missing(wanted), self.settings.jobs)

    def missing(self, projects: Iterable[NormalizedName]) -> list[NormalizedName]:
        """Return those of `projects` whose eggs are to be made, or not in order."""
        return [project for project in projects if not self._is_there(project)]

    def _is_there(self, project: NormalizedName) -> bool:
        try:
            return self.find(project) is not None
        except PoachError:  # whoever supplies it raises that
            return False

    def unforeseen_before(self, blind: Iterable[str]) -> set[NormalizedName]:
        """Return what the last run of this buildout got and could not foresee.

        That is nothing unless one of the parts that did not tell is among `blind`.
        """
        found = notes.unforeseen(self.noted_before() or {}, blind)
        return set(map(canonicalize_name, found))

    def noted_before(self) -> dict[str, Any] | None:
        """Return what `note_use` has noted of this buildout, None for nothing."""
        return self.kit.store.recall(notes.RUNS, self.name)

    @property
    def name(self) -> str:
        """What the notes of this buildout are called."""
        return notes.name(self.settings.directory)

    def note_use(self) -> None:
        """Note in the store, if that can be written, what this run used.

        And what it got without having foreseen it, so that the next one does.  A
        buildout without patched pins does not make a store for that.  What killed runs
        left in the store goes, too.
        """
        if self.patch_sets or self.stand_ins or self.noted_before():
            hidden = self.resolved - self.foreseen - self.settings.unpatchable
            self._note(notes.RUNS, notes.of_run(self.used, hidden, self.blind))
        with contextlib.suppress(StoreUnwritable):
            self.kit.store.sweep()

    def note_use_so_far(self) -> None:
        """Note what a run has used that may not come to its end; as `note_use` does.

        What is in the note stays there: scripts of the last run may be there, too.
        """
        if self.used or self.stand_ins:
            noted = self.noted_before() or {}
            facts = {key: noted[key] for key in notes.RUN_FACTS if key in noted}
            self._note(notes.RUNS, facts, whole=False)

    def note_build(self) -> None:
        """Note in the store, if that can be written, what was asked for by command."""
        if self.used:
            self._note(notes.BUILDS)

    def _note(
        self, kind: str, facts: Mapping[str, Any] = {}, whole: bool = True
    ) -> None:
        store, directory = self.kit.store, self.settings.directory
        used = self.used.values(), self.stand_ins
        usage.note(store, kind, directory, *used, whole=whole, **facts)

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


def _kit(settings: Settings, toolchain: Toolchain, reporter: Reporter) -> Kit:
    store = Store(settings.store, reporter)
    sdists = BuildoutSources(
        store, settings.links, settings.index, settings.allow_hosts, settings.offline
    )
    reader = DiffReader(store, sdists, HttpFetcher(settings.offline))
    shared = None
    if settings.sharing is not None and not settings.offline:
        # Imported late: most buildouts share nothing.
        from poach.remote.client import RemoteStore

        shared = RemoteStore(settings.sharing, settings.allow_hosts, reporter)
    trusted = settings.trusted
    return Kit(store, sdists, reader, toolchain, reporter, shared, trusted)
