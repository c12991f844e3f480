"""The last run of a buildout, as one that supplies eggs: those that it had."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poach.adapters import entries, notes
from poach.adapters.durable import Common
from poach.adapters.entries import DamagedEntry
from poach.adapters.notes import Notes
from poach.adapters.staging import Staging
from poach.buildout.memory import Memory
from poach.hooks.pins import real_folder

if TYPE_CHECKING:
    from poach.buildout.supplier import WorkshopSupplier
    from poach.hooks.pins import PatchedPin


class NotRemembered(Exception):
    """Something that the last run did not find out."""


class LastRun:
    """Supplies the eggs of the last run: of a `poach.hooks.pins.Supplier` what it can.

    Whatever it does not know raises `NotRemembered`.  `used` are the projects whose
    eggs were asked for.
    """

    granting = False
    parts: Collection[str] = ()

    def __init__(self, memory: Memory, directory: str) -> None:
        self._memory = memory
        self._directory = directory
        self._root = Path(memory.root)
        self._notes = Notes(self._root / ".known")
        self._staging = Staging(self._root / ".staging", Common(Path(memory.store)))
        self._store = real_folder(memory.store)
        self._pins = {each.pin.key: each for each in memory.pins}
        self._eggs: dict[str, Path] = {}
        self._held: dict[str, bool] = {}
        self.used: set[str] = set()
        self._resolved: set[str] = set()
        self._foreseen: set[str] = set()
        self._blind: set[str] = set()
        self._given: set[str] = set()

    def pinned(self, key: str) -> PatchedPin | None:
        """Return the pin of a project, None where it has none."""
        found = self._pins.get(key)
        return found.pin if found is not None else None

    def substitute(self, key: str) -> None:
        """Return None: no project had a substitute."""

    def lacks(self, key: str) -> bool:
        """Tell that an egg is there, for `NotRemembered` is raised if it is not."""
        self._egg(key)
        return False

    def egg(self, key: str, may_build: bool) -> str:
        """Return the path of a patched egg."""
        path = self._egg(key)
        self.used.add(key)
        return str(path)

    def holds(self, location: str) -> bool:
        """Tell whether `location` lies in the store."""
        if location not in self._held:
            self._held[location] = real_folder(location).startswith(self._store)
        return self._held[location]

    def recall(self) -> None:
        """Grant nothing: no package has asked for anything."""

    def surveyed(self) -> None:
        """Tell nothing: nothing was unused."""

    def refuse(self, wishes: Collection[object], tolerated: bool) -> None:
        """Refuse nothing where nothing is wished."""
        if wishes:
            raise NotRemembered

    def resolved(self, keys: Iterable[str]) -> None:
        """Note that parts got distributions of these projects."""
        self._resolved.update(keys)

    def foreseen(self, keys: Iterable[str], blind: Iterable[str]) -> None:
        """Note what the survey found, and the parts that told it too little."""
        self._foreseen.update(keys)
        self._blind.update(blind)

    def given(self, keys: Iterable[str]) -> None:
        """Note that these projects are in use as they are now, patched or not."""
        self._given.update(keys)

    def hand_over(self, supplier: WorkshopSupplier) -> None:
        """Tell another one what this run has seen, and used, so far.

        Raises zc.buildout.UserError for what that one cannot supply.
        """
        supplier.resolved(self._resolved)
        supplier.foreseen(self._foreseen, self._blind)
        supplier.given(self._given)
        for key in self.used:
            supplier.egg(key, True)

    @contextlib.contextmanager
    def tentatively(self) -> Iterator[None]:
        """Let nothing that is supplied in the ``with`` block count as used."""
        before = set(self.used)
        try:
            yield
        finally:
            self.used = before

    def unforeseen(self, blind: Iterable[str]) -> set[str]:
        """Return what the last run got and could not foresee."""
        return notes.unforeseen(self._noted(), blind)

    def is_noted(self) -> bool:
        """Tell whether the store says already what this run has used.

        And whether there is nothing to sweep.
        """
        if not self._staging.is_empty():
            return False
        noted = self._noted()
        hidden = self._resolved - self._foreseen - set(self._memory.unnoted)
        eggs = (self._eggs[key].parent for key in self.used)
        places = [egg.relative_to(self._root).as_posix() for egg in eggs]
        facts = {
            **notes.use(self._directory, places),
            **notes.of_run(self.used, hidden, self._blind),
        }
        nothing = not self._pins and not noted
        return nothing or notes.says(noted, facts, time.time())

    def _noted(self) -> dict[str, Any]:
        return self._notes.recall(notes.RUNS, notes.name(self._directory)) or {}

    def _egg(self, key: str) -> Path:
        if key not in self._eggs:
            self._eggs[key] = self._find(key)
        return self._eggs[key]

    def _find(self, key: str) -> Path:
        """Look for an egg in the store; entries do not change once they are there."""
        pin, wanted, note = self._pins[key]
        if wanted is None:
            raise NotRemembered(key)
        try:
            seen = self._notes.digest("sdists", note)
            place = entries.place(self._root, pin.version, wanted)
            found = entries.read(place, wanted) if seen == wanted["sdist"] else None
        except (DamagedEntry, PermissionError) as error:
            raise NotRemembered(key) from error
        if found is None:
            raise NotRemembered(key)
        return found.egg
