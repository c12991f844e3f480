"""The items that a run of a buildout uses, and its notes about them in the store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poach.errors import PoachError
from poach.names import NormalizedName, canonicalize_name
from poach.store import notes, usage
from poach.store.store import PatchedEgg, Store, StoreUnwritable

if TYPE_CHECKING:
    from poach.buildout.settings import Settings


class Vanished(PoachError):
    """Eggs that are gone from the store, and that this run has given out."""

    eggs: Sequence[Path]

    def __str__(self) -> str:
        return (
            "Somebody has removed patched eggs while this buildout was at work: "
            f"{', '.join(map(str, self.eggs))}; run buildout again, which builds them"
        )


class Use:
    """What a run uses: others read it, and only the methods here change it."""

    def __init__(self, store: Store, settings: Settings, is_run: bool) -> None:
        self.store = store
        self.settings = settings
        #: Whether this is a run of buildout, and not a command of poach.
        self.is_run = is_run
        #: The patched eggs that were asked for.
        self.eggs: dict[NormalizedName, PatchedEgg] = {}
        #: The folders in the store of the aliases that were given out.
        self.aliases: set[Path] = set()
        #: The substitute of each project, with its version, for messages.
        self.substituted: dict[NormalizedName, str] = {}
        #: All projects that parts got distributions of, patched or not.
        self.resolved: set[NormalizedName] = set()
        #: Those that the dry run expected them to get.
        self.foreseen: set[NormalizedName] = set()
        #: The parts of which the dry run could not know that.
        self.blind: set[str] = set()
        #: The projects that somebody has got and will keep, as they are now.
        self.given: set[NormalizedName] = set()
        #: Whether only some parts of the buildout run.
        self.partial = False
        #: Whether this run has no dry run.
        self.rested = False
        self._noted_places: set[str] | None = None

    def take(self, project: NormalizedName, egg: PatchedEgg) -> None:
        """Count the egg of a project as used, and keep it from being pruned."""
        self.eggs[project] = egg
        if not self.is_run:
            return
        if self._noted_places is None:
            self._noted_places = usage.current(self.noted_before() or {})
        if usage.place(self.store, egg) not in self._noted_places:
            self.note_so_far()

    def drop(self, project: NormalizedName) -> None:
        """Count the egg of a project as used no more: there will be another one."""
        self.eggs.pop(project, None)

    def substitute(self, project: NormalizedName, other: str, alias: Path) -> None:
        """Count the folder of an alias of a project, for which `other` stands in.

        An alias of the dry run counts, too: parts may get it without asking again.
        """
        self.substituted[project] = other
        self.aliases.add(alias)

    def resolve(self, keys: Iterable[str]) -> None:
        """Count projects that parts got distributions of."""
        self.resolved.update(map(canonicalize_name, keys))

    def give(self, keys: Iterable[str]) -> None:
        """Count projects that are in use as they are now, patched or not."""
        self.given.update(map(canonicalize_name, keys))

    def foresee(self, keys: Iterable[str], blind: Iterable[str]) -> None:
        """Count what the dry run found, and the parts of which it knows too little."""
        self.foreseen.update(map(canonicalize_name, keys))
        self.blind.update(blind)

    def run_some_parts(self) -> None:
        """Count this as a run of some parts, which does not use all eggs."""
        self.partial = True

    def rest(self) -> None:
        """Count this as a run without a dry run."""
        self.rested = True

    @contextlib.contextmanager
    def tentatively(self) -> Iterator[None]:
        """Let no egg that is taken in the ``with`` block count as used."""
        undo = self.undo()
        try:
            yield
        finally:
            undo()

    def undo(self) -> Callable[[], None]:
        """Return a function that makes the eggs that are used now the only ones."""
        before = dict(self.eggs)

        def put_back() -> None:
            self.eggs = before

        return put_back

    def refuse_vanished(self) -> None:
        """Raise `Vanished` if an egg that this run has given out is gone."""
        gone = [one.egg for one in self.eggs.values() if not one.egg.is_dir()]
        if gone:
            raise Vanished(gone)

    def noted_before(self) -> dict[str, Any] | None:
        """Return what `note` has noted of this buildout, None for nothing."""
        return self.store.recall(notes.RUNS, notes.name(self.settings.directory))

    def unforeseen_before(self, blind: Iterable[str]) -> set[NormalizedName]:
        """Return what the last run of this buildout got and could not foresee.

        That is nothing unless `blind` has one of the parts with unknown needs.
        """
        found = notes.unforeseen(self.noted_before() or {}, blind)
        return set(map(canonicalize_name, found))

    def note(self, pinned: Collection[NormalizedName]) -> None:
        """Note in the store, if that can be written, what this run used.

        And what it got without having foreseen it, so that the next one does.  A
        buildout without `pinned` projects does not make a store for that.  What killed
        runs left in the store goes, too.
        """
        if pinned or self.aliases or self.noted_before():
            hidden, blind = self._hidden()
            self._note(notes.RUNS, notes.of_run(self.eggs, hidden, blind))
        with contextlib.suppress(StoreUnwritable):
            self.store.sweep()

    def _hidden(self) -> tuple[set[NormalizedName], set[str]]:
        """Return what parts got without a dry run that knew it, and which may have.

        A run without a dry run does not know that: the last note counts.
        """
        if self.rested:
            noted = self.noted_before() or {}
            there, blind = noted.get("unforeseen", ()), noted.get("blind", ())
            return self.resolved.intersection(there), set(blind)
        return self.resolved - self.foreseen - self.settings.unpatchable, self.blind

    def note_so_far(self) -> None:
        """Note what a run has used that may not come to its end; as `note` does.

        What is in the note stays there: scripts of the last run may be there, too.
        """
        if self.eggs or self.aliases:
            noted = self.noted_before() or {}
            facts = {key: noted[key] for key in notes.RUN_FACTS if key in noted}
            self._note(notes.RUNS, facts, whole=False)

    def note_build(self) -> None:
        """Note in the store, if that can be written, what was asked for by command."""
        if self.eggs:
            self._note(notes.BUILDS)

    def _note(
        self, kind: str, facts: Mapping[str, Any] = {}, whole: bool = True
    ) -> None:
        directory, used = self.settings.directory, (self.eggs.values(), self.aliases)
        usage.note(self.store, kind, directory, *used, whole=whole, **facts)
