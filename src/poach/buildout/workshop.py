"""The workshop: a buildout's patch sets, and the kit that makes their eggs."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poach import patchset, pipeline
from poach.adapters import jobs, uses
from poach.adapters.fetch import HttpFetcher
from poach.adapters.library import Disputed, NamedDiffs, Shelf, SwitchedOff
from poach.adapters.reader import DiffReader
from poach.adapters.store import PatchedEgg, Store, StoreUnwritable
from poach.asking import (
    Request,
    RequestError,
    refused,
    too_late,
    undefined,
    uninvited,
    unpatchable,
    unpinned,
)
from poach.buildout import toolchains
from poach.buildout.parts import Part, refuse_other
from poach.buildout.settings import OptionError, OwnedPin, Settings
from poach.buildout.sources import BuildoutSources
from poach.buildout.telling import StoreReporter
from poach.errors import PoachError, collect, raise_faults
from poach.key import BuildOptions
from poach.kit import Kit, Toolchain
from poach.naming import NormalizedName, canonicalize_name
from poach.patchset import PatchSet, UnknownPatch
from poach.pin import Pin
from poach.pipeline import Report
from poach.ports import Reporter

if TYPE_CHECKING:
    from poach.provenance import AppliedHunk, AppliedPatch

logger = logging.getLogger("zc.buildout.poach")

#: A diff that changes more files than these is logged without their names.
MANY_FILES = 10


class NotBuilt(PoachError):
    """A patched egg that is needed, not in the store, and may not be built."""

    def __init__(self, patch_set: PatchSet) -> None:
        super().__init__(patch_set)
        self.patch_set = patch_set

    def __str__(self) -> str:
        return (
            f"There is no patched egg of {self.patch_set.tagged} yet, "
            "and none can be built in offline (no-install) mode"
        )


class LogReporter(StoreReporter):
    """Tells the pipeline's events to a user who reads buildout's output."""

    def fetching(self, title: str) -> None:
        """Log that the source is sought, before buildout tells of its requests."""
        logger.info("Getting the sdist of %s.", title)

    def patched(self, title: str, label: str, patch: AppliedPatch) -> None:
        """Log one line for the diff, one for each file unless there are many, and one
        for each hunk that is not where it says.  With -v every hunk has a line.

        It is one message, for others may be at work at the same time.
        """
        every = logger.isEnabledFor(logging.DEBUG)
        logger.info("\n".join([_summary(title, label, patch), *_details(patch, every)]))

    def building(self, title: str) -> None:
        """Log that a build begins, which may take a while."""
        logger.info("Building %s.", title)

    def printed(self, log: Path) -> None:
        """Show what the build printed, with -v."""
        if logger.isEnabledFor(logging.DEBUG):
            text = log.read_text(encoding="utf-8", errors="replace")
            logger.debug("%s:\n%s", log.stem, text)

    def built(self, title: str, seconds: float) -> None:
        """Log that the build is done."""
        logger.info("Built %s in %.0f s", title, max(seconds, 1))

    def waiting(self, title: str, holder: str) -> None:
        """Log for whom this process waits."""
        logger.info("Waiting for another buildout (%s) that builds %s.", holder, title)

    def fetched(self, title: str, url: str, size: int) -> None:
        """Log that there is no need to build."""
        logger.info("Fetched %s from %s (%s)", title, url, _bytes(size))

    def uploaded(self, title: str, url: str, size: int) -> None:
        """Log that others can have the egg."""
        logger.info("Uploaded %s to %s (%s)", title, url, _bytes(size))

    def not_shared(self, fault: PoachError) -> None:
        """Warn, for what was meant to be quick is slow."""
        logger.warning("%s", fault)


def _summary(title: str, label: str, patch: AppliedPatch) -> str:
    hunks = sum(len(file.hunks) for file in patch.files)
    counts = f"{_count(len(patch.files), 'file')}, {_count(hunks, 'hunk')}"
    where = f" in {patch.directory}" if patch.directory else ""
    return f"Patching {title}: {label} ({counts}){where}"


def _details(patch: AppliedPatch, every: bool) -> Iterator[str]:
    for file in patch.files:
        if len(patch.files) <= MANY_FILES:
            hunks = f": {_count(len(file.hunks), 'hunk')}" * bool(file.hunks)
            yield f"  {file.path}{hunks}"
        for number, hunk in enumerate(file.hunks, 1):
            if every or hunk.offset or hunk.fuzz:
                yield f"  {file.path}: hunk {number} {_place(hunk)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _bytes(size: int) -> str:
    return f"{max(round(size / 1000), 1)} kB"


def _place(hunk: AppliedHunk) -> str:
    words = [f"at line {hunk.line}"]
    if hunk.offset:
        words.append(f"offset {_count(hunk.offset, 'line')}")
    if hunk.fuzz:
        words.append(f"fuzz {hunk.fuzz}")
    return ", ".join(words)


class Workshop:
    """Resolves pins to patch sets and supplies their eggs.

    `patch_sets` and the `pins` that they come from are by canonical name; `granted`
    are the patches that packages ask for, by project and name, with who asks, and
    `shipped` the folders of diffs that they bring, with their owners; `parts`
    are those that build one egg, `options` the build options that they declare for a
    project, each with the part; `used` are the eggs that were asked for in this run,
    `resolved` all projects that parts got distributions of, patched or not, and
    `foreseen` those that they were expected to, `blind` the parts of which that was
    not known; `given` are the projects that somebody has got and will keep.  Eggs are
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
        )
        self.pins = dict(settings.pins)
        self.granted: dict[NormalizedName, dict[str, list[str]]] = {}
        self.shipped: set[tuple[str, str, str]] = set()
        resolved = collect(self.resolve, settings.pins.values(), settings.faults)
        self.patch_sets = {one.pin.key: one for one in resolved}
        self.options: dict[NormalizedName, tuple[str, BuildOptions]] = {}
        self.parts: set[str] = set()
        self.used: dict[NormalizedName, PatchedEgg] = {}
        self._found: dict[NormalizedName, tuple[object, PatchedEgg | None]] = {}
        self.resolved: set[NormalizedName] = set()
        self.foreseen: set[NormalizedName] = set()
        self.blind: set[str] = set()
        self.given: set[NormalizedName] = set()

    def resolve(self, owned: OwnedPin) -> PatchSet:
        """Find the diffs of a pin; raise all that is wrong with them together."""
        return patchset.resolve(
            owned.pin,
            owned.owners,
            self.library,
            self.kit.reader,
            self.settings.fuzz,
            self.granted.get(owned.pin.key, {}),
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

    def ship(self, owner: str, project: str, folder: Path) -> None:
        """Count a folder of diffs for `project` that the distribution `owner` ships."""
        shipped = dict(self.library.shipped)
        there = shipped.get(canonicalize_name(project), ())
        self.shipped.add((owner, project, str(folder)))
        shelves = {*there, Shelf(owner, folder)}
        shipped[canonicalize_name(project)] = sorted(shelves, key=lambda s: s.owner)
        self.library = replace(self.library, shipped=shipped)

    def ask(self, requests: Collection[Request]) -> list[PatchSet]:
        """Grant what packages ask for; return the patch sets that grew by that.

        What nothing defines (yet) changes nothing.  Raises everything that stands in
        the way of the others: a refusal, the policy, a part that has run already.
        """
        if self.settings.requests == "ignore":
            return []
        self._refuse_disputes()
        news = [one for one in collect(self._defined, requests) if one is not None]
        self.granted = _with(self.granted, news)
        return collect(self._grow, dict.fromkeys(one.project for one in news))

    def ask_as_noted(self) -> None:
        """Grant what packages asked for in the last run of this buildout.

        What the configuration no longer admits is only told: the next run will say
        whether anybody asks for it still.
        """
        noted = self.kit.store.recall("requests", self._name) or {}
        for owner, project, folder in noted.get("shipped", ()):
            if Path(folder).is_dir():
                self.ship(owner, project, Path(folder))
        for project, patch, asker in noted.get("granted", ()):
            try:
                self.ask([Request.of(project, patch, asker)])
            except PoachError as fault:
                logger.warning("Not counted: %s", fault)

    def note_requests(self) -> None:
        """Note in the store, if that can be written, what was asked for and shipped."""
        asked = [
            [project, patch, asker]
            for project, patches in sorted(self.granted.items())
            for patch, askers in sorted(patches.items())
            for asker in sorted(set(askers))
        ]
        shipped = [list(each) for each in sorted(self.shipped)] if asked else []
        facts = {"granted": asked, "shipped": shipped}
        noted = self.kit.store.recall("requests", self._name)
        if facts != noted and (asked or noted):
            with contextlib.suppress(StoreUnwritable):
                self.kit.store.remember("requests", self._name, facts)

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Take back what is granted in the ``with`` block if it raises anything."""
        before = self.granted, dict(self.patch_sets), dict(self.used)
        try:
            yield
        except BaseException:
            self.granted, self.patch_sets, self.used = before
            raise

    def _refuse_disputes(self) -> None:
        """Raise what shippers that came up since define in another way."""
        for project, patches in self.granted.items():
            owned = self._pin_of(project)
            assert owned is not None  # or nothing had been granted
            for name, askers in patches.items():
                self._located(owned, Request(project, name, ", ".join(askers)))

    def _located(self, owned: OwnedPin, request: Request) -> bool:
        """Tell whether anything defines what is asked for; raise if it is disputed."""
        try:
            self.library.locate(owned.pin, request.patch, request.asker)
        except UnknownPatch:
            return False
        except Disputed as fault:
            raise RequestError(request, f"and {fault}") from fault
        except SwitchedOff:
            raise refused(request, "an empty entry in [patches]") from None
        return True

    def refuse(self, requests: Collection[Request], tolerated: bool) -> None:
        """Refuse what packages ask for and nobody grants.

        It is only told of where patches that packages ask for are to be ignored, or
        unknown extras are `tolerated`.
        """
        faults = [self._refusal(request) for request in requests]
        if self.settings.requests != "ignore" and not tolerated:
            raise_faults(faults)
        for fault in faults:
            logger.warning("Ignored: %s", fault)

    def _defined(self, request: Request) -> Request | None:
        """Return the request if there is a diff for it that is not in the pin."""
        owned = self._pin_of(request.project)
        if owned is None or _names(owned.pin.names, request):
            return None
        if _names(owned.pin.refused, request):
            raise refused(request, f"the pin '{owned.pin.project} = {owned.pin}'")
        if not self._located(owned, request):
            return None
        if request.project in self.settings.unpatchable:
            raise unpatchable(request)
        if self.settings.requests == "error":
            raise uninvited(request)
        if request.patch in self.granted.get(request.project, {}):
            return None
        if request.project in self.given:
            raise too_late(request)
        return request

    def _grow(self, project: NormalizedName) -> PatchSet:
        owned = self._pin_of(project)
        assert owned is not None
        self.patch_sets[project] = self.resolve(owned)
        self.used.pop(project, None)
        return self.patch_sets[project]

    def _pin_of(self, project: NormalizedName) -> OwnedPin | None:
        plain = self.settings.plain.get(project)
        return self.pins.get(project) or (OwnedPin(plain, ()) if plain else None)

    def _refusal(self, request: Request) -> PoachError:
        owned = self._pin_of(request.project)
        if owned is None:
            return unpinned(request)
        try:
            self.library.locate(owned.pin, request.patch, request.asker)
        except UnknownPatch as unknown:
            return undefined(request, ["[patches]", *unknown.looked_in])
        except PoachError as fault:
            return RequestError(request, str(fault))
        return RequestError(request, "which another distribution in use does not have")

    def find(self, project: NormalizedName) -> PatchedEgg | None:
        """Return the egg of a pinned project if it was built before.

        The store is asked until it has the egg; entries do not change.
        """
        wanted = self.patch_sets[project], self.options_of(project)
        there, egg = self._found.get(project, (None, None))
        if there != wanted:
            egg = pipeline.find(*wanted, self.kit)
            self._found[project] = (wanted if egg else None, egg)
        return egg

    def supply(self, project: NormalizedName, may_build: bool = True) -> PatchedEgg:
        """Return the egg of a pinned project, built if need be and if `may_build`."""
        if project not in self.used:
            there = self.find(project)
            self.used[project] = there or self._supply(project, may_build).egg
        return self.used[project]

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

    def provides(self, project: NormalizedName) -> list[str]:
        """Return the extras that upstream defines for a project with a pin."""
        owned = self._pin_of(project)
        return pipeline.provided(PatchSet(owned.pin, ()), self.kit) if owned else []

    def patchable(self, project: NormalizedName, extras: Iterable[str]) -> Pin | None:
        """Return the plain pin of a project that any of `extras` would patch.

        That is so if there is a diff of that name, and no such extra upstream.
        """
        owned = self._pin_of(project)
        ignored = self.settings.requests == "ignore"
        if owned is None or ignored or project in self.patch_sets:
            return None
        names = {canonicalize_name(name) for name in extras}
        named = {name for name in names if self._has_diff(owned.pin, name)}
        try:
            provided = set(
                map(canonicalize_name, self.provides(project) if named else ())
            )
        except PoachError:  # there is no sdist, for one: nothing that could be patched
            return None
        return owned.pin if named - provided else None

    def _has_diff(self, pin: Pin, name: NormalizedName) -> bool:
        try:
            return bool(self.library.locate(pin, name, ""))
        except PoachError:  # to be told when the patch is asked for
            return False

    def unforeseen_before(self, blind: Iterable[str]) -> set[NormalizedName]:
        """Return what the last run of this buildout got and could not foresee.

        That is nothing unless one of the parts that did not tell is among `blind`.
        """
        noted = self.noted_before() or {}
        if not set(noted.get("blind", ())).intersection(blind):
            return set()
        return set(map(canonicalize_name, noted.get("unforeseen", ())))

    def noted_before(self) -> dict[str, Any] | None:
        """Return what `note_use` has noted of this buildout, None for nothing."""
        return self.kit.store.recall(uses.RUNS, self._name)

    @property
    def _name(self) -> str:
        """What the notes of this buildout are called."""
        return uses.name(self.settings.directory)

    def note_use(self) -> None:
        """Note in the store, if that can be written, what this run used.

        And what it got without having foreseen it, so that the next one does.

        A buildout without patched pins does not make a store for that.  What killed
        runs left in the store goes, too.
        """
        if self.patch_sets or self.noted_before():
            hidden = self.resolved - self.foreseen - self.settings.unpatchable
            self._note(
                uses.RUNS,
                used=sorted(self.used),
                unforeseen=sorted(hidden),
                blind=sorted(self.blind) if hidden else [],
            )
        with contextlib.suppress(StoreUnwritable):
            self.kit.store.sweep()

    def note_build(self) -> None:
        """Note in the store, if that can be written, what was asked for by command."""
        if self.used:
            self._note(uses.BUILDS)

    def _note(self, kind: str, **facts: Any) -> None:
        store, directory = self.kit.store, self.settings.directory
        uses.note(store, kind, directory, self.used.values(), **facts)

    def options_of(self, project: NormalizedName) -> BuildOptions:
        """Return the build options that parts declare for `project`."""
        return self.options.get(project, ("", BuildOptions()))[1]

    def _supply(self, project: NormalizedName, may_build: bool) -> Report:
        patch_set, options = self.patch_sets[project], self.options_of(project)
        forbidden = self.settings.offline or not may_build
        if forbidden and pipeline.find(patch_set, options, self.kit) is None:
            raise NotBuilt(patch_set)
        return pipeline.ensure(patch_set, options, self.kit)


def _with(
    granted: Mapping[NormalizedName, Mapping[str, list[str]]], news: Iterable[Request]
) -> dict[NormalizedName, dict[str, list[str]]]:
    """Return a copy of what is granted, and the `news` with it."""
    more = {key: dict(askers) for key, askers in granted.items()}
    for request in news:
        askers = more.setdefault(request.project, {})
        askers[request.patch] = sorted({*askers.get(request.patch, ()), request.asker})
    return more


def _names(names: Iterable[str], request: Request) -> bool:
    """Tell whether the patch that is asked for is among `names`, however spelled."""
    return any(canonicalize_name(name) == request.patch for name in names)


def _kit(settings: Settings, toolchain: Toolchain, reporter: Reporter) -> Kit:
    store = Store(settings.store, reporter)
    sdists = BuildoutSources(
        settings.links, settings.index, settings.allow_hosts, settings.offline
    )
    reader = DiffReader(store, sdists, HttpFetcher(settings.offline))
    shared = None
    if settings.sharing is not None and not settings.offline:
        # Imported late: most buildouts share nothing.
        from poach.adapters.remote import RemoteStore

        shared = RemoteStore(settings.sharing, settings.allow_hosts, reporter)
    return Kit(store, sdists, reader, toolchain, reporter, shared)
