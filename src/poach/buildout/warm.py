"""Warm runs: those that are like the last one, and get the same eggs.

They are served from `poach.buildout.memory`, unless something comes up that it does
not know: an egg that is missing or damaged, a patch that a package asks for.  Then all
of poach awakes and takes over.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zc.buildout import UserError

from poach.adapters import entries, notes
from poach.adapters.durable import Common
from poach.adapters.entries import DamagedEntry
from poach.adapters.notes import Notes
from poach.adapters.staging import Staging
from poach.buildout.errors import as_user_errors
from poach.buildout.memory import Memory
from poach.hooks import pinning
from poach.hooks.interception import intercept
from poach.hooks.substitution import Substitution

if TYPE_CHECKING:
    from poach.buildout.activation import Activation
    from poach.buildout.supplier import WorkshopSupplier
    from poach.hooks.pins import PatchedPin, Supplier


class NotRemembered(Exception):
    """Something that the last run did not find out."""


class Changed(UserError):  # type: ignore[misc]
    """Pins or diffs that are not any more what this run began with."""

    def __str__(self) -> str:
        return "Pins or their diffs have changed while this run was at work; run again"


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
        self._store = _whole(memory.store)
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
        return not self._egg(key)

    def egg(self, key: str, may_build: bool) -> str:
        """Return the path of a patched egg."""
        path = self._egg(key)
        self.used.add(key)
        return str(path)

    def holds(self, location: str) -> bool:
        """Tell whether `location` lies in the store."""
        if location not in self._held:
            self._held[location] = _whole(location).startswith(self._store)
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
        """Tell another one what this run has seen so far."""
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
        noted = self._noted()
        if not set(noted.get("blind", ())).intersection(blind):
            return set()
        return set(noted.get("unforeseen", ()))

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
            "used": sorted(self.used),
            "unforeseen": sorted(hidden),
            "blind": sorted(self._blind) if hidden else [],
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


def _whole(path: str) -> str:
    """Return the real path of a folder, with a slash at its end."""
    return os.path.join(os.path.realpath(path), "")  # noqa: PTH118 - Path drops it


class Standby:
    """Hands what it is asked to `last`, and to the workshop from `awake` on.

    That comes about with the first question that `last` cannot answer.
    """

    def __init__(self, last: LastRun, awake: Callable[[], WorkshopSupplier]) -> None:
        self._last = last
        self._awake = awake
        self._supplier: WorkshopSupplier | None = None

    @property
    def parts(self) -> Collection[str]:
        """The names of the parts that build one egg."""
        return (self._supplier or self._last).parts

    @property
    def granting(self) -> bool:
        """Whether anything was granted that packages ask for."""
        return (self._supplier or self._last).granting

    @contextlib.contextmanager
    def tentatively(self) -> Iterator[None]:
        """Let nothing that is supplied in the ``with`` block count as used."""
        asleep = self.asleep
        with (self._supplier or self._last).tentatively():
            yield
        if asleep and self._supplier is not None:
            self._supplier.keep_used(self._last.used)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method of a `poach.hooks.pins.Supplier`."""
        return partial(self._ask, name)

    @property
    def asleep(self) -> bool:
        """Whether the last run could tell all that this one has asked."""
        return self._supplier is None

    def wake(self) -> WorkshopSupplier:
        """Return what supplies all, which has taken over."""
        if self._supplier is None:
            supplier = self._awake()
            self._last.hand_over(supplier)
            self._supplier = supplier
        return self._supplier

    def _ask(self, name: str, *args: Any) -> Any:
        if self._supplier is None:
            with contextlib.suppress(NotRemembered):
                return getattr(self._last, name, _unknown)(*args)
        return getattr(self.wake(), name)(*args)


def _unknown(*args: object) -> None:
    raise NotRemembered


class WarmActivation:
    """poach at work in a run that is like the last one; `restore` ends it."""

    def __init__(self, buildout: Any, memory: Memory, said: str) -> None:
        self.buildout = buildout
        self.memory = memory
        self.said = said
        self.restore: Callable[[], None] = lambda: None
        self._written = pinning.written(buildout, memory.versions)
        directory = str(buildout["buildout"]["directory"])
        self._last = LastRun(memory, directory)
        self._standby = Standby(self._last, self._awake)
        self.substitution = Substitution(cast("Supplier", self._standby), buildout)

    def pin(self) -> None:
        """Make the tagged versions those that buildout asks for."""
        versions, pins = self.memory.versions, [each.pin for each in self.memory.pins]
        pinning.pin(self.buildout, versions, pins, self._last.holds)
        pinning.set_versions(self.buildout, versions, dict(self.memory.plain))

    def end(self) -> None:
        """Note what the run has used, unless that is noted, and say it."""
        if not (self._standby.asleep and self._last.is_noted()):
            self._whole().end()
            return
        pins = [each.pin for each in self.memory.pins]
        pinning.summarize(pins, self._last.used, self.substitution.overruled)

    def _awake(self) -> WorkshopSupplier:
        """Find out what was found out when the memory was written; that counts now.

        The pins are read as they were written.  Raises zc.buildout.UserError.
        """
        from poach.buildout import settings
        from poach.buildout.activation import supplied
        from poach.buildout.supplier import patched_pin
        from poach.buildout.workshop import Workshop

        with as_user_errors():
            with pinning.as_written(self.buildout, self.memory.versions, self._written):
                read = settings.read(self.buildout)
            workshop = Workshop(read)
        pins = [patched_pin(each) for each in workshop.patch_sets.values()]
        if pins != [each.pin for each in self.memory.pins]:
            raise Changed()
        return supplied(self.buildout, workshop)

    def _whole(self) -> Activation:
        from poach.buildout.activation import Activation

        return Activation(
            self.buildout,
            self._standby.wake().workshop,
            self.substitution,
            self.restore,
            self.said,
            self.memory.surroundings,
        )


def activate(
    buildout: Any,
    is_over: Callable[[], bool],
    memory: Memory,
    said: str,
) -> None:
    """Put poach to work in `buildout` as `poach.buildout.activation.activate` does.

    What it would find out is in `memory`; `said` are the inputs of both runs.  Raises
    zc.buildout.UserError.
    """
    activation = WarmActivation(buildout, memory, said)
    activation.pin()
    activation.restore = intercept(activation.substitution, is_over)
    buildout._poach = activation
