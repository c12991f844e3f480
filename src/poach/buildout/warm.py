"""Warm runs: those that are like the last one, and get the same eggs.

They are served from `poach.buildout.memory`, unless something comes up that it does
not know: an egg that is missing or damaged, a patch that a package asks for.  Then all
of poach awakes and takes over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from zc.buildout import UserError

from poach.buildout import memory
from poach.buildout.errors import as_user_errors
from poach.buildout.lastrun import LastRun, NotRemembered
from poach.buildout.memory import Memory
from poach.hooks import pinning
from poach.hooks.interception import intercept
from poach.hooks.substitution import Substitution

if TYPE_CHECKING:
    from poach.buildout.activation import Activation
    from poach.buildout.supplier import WorkshopSupplier
    from poach.hooks.pins import Supplier


class Changed(UserError):  # type: ignore[misc]
    """Pins or diffs that are not any more what this run began with."""

    def __str__(self) -> str:
        return "Pins or their diffs have changed while this run was at work; run again"


class Standby:
    """Hands what it is asked to `last`, and to the workshop from `awake` on.

    That comes about with the first question that `last` cannot answer.  It answers the
    methods of a `poach.hooks.pins.Supplier`, whatever they are.
    """

    def __init__(self, last: LastRun, awake: Callable[[], WorkshopSupplier]) -> None:
        self._last = last
        self._awake = awake
        self._supplier: WorkshopSupplier | None = None
        self._fault: UserError | None = None

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
            yield  # where that raises, the run is over
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
        """Return what supplies all, which has taken over.

        Raises what is wrong with that, zc.buildout.UserError, each time: the survey
        goes on where it is not known what a part asks for, and must not get far then.
        """
        if self._fault is not None:
            raise self._fault
        if self._supplier is None:
            try:
                supplier = self._awake()
                self._last.hand_over(supplier)
            except UserError as fault:
                self._fault = fault
                raise
            self._supplier = supplier
        return self._supplier

    def _ask(self, name: str, *args: Any) -> Any:
        if self._supplier is None and self._fault is None:
            with contextlib.suppress(NotRemembered):
                return getattr(self._last, name, _unknown)(*args)
        return getattr(self.wake(), name)(*args)


def _unknown(*args: object) -> None:
    raise NotRemembered


class WarmActivation:
    """poach at work in a run that is like the last one; `restore` ends it.

    `remembered` is what the last run found out, `said` are the inputs of both.
    """

    def __init__(
        self,
        buildout: Any,
        is_over: Callable[[], bool],
        remembered: Memory,
        said: str,
    ) -> None:
        """Begin; `is_over` is as for `poach.hooks.interception.intercept`.

        Raises zc.buildout.UserError.
        """
        self.buildout = buildout
        self._memory = remembered
        self._said = said
        self._sections = _sections(buildout, remembered.versions)
        self._written = pinning.written(buildout, self._sections)
        directory = str(buildout["buildout"]["directory"])
        self._last = LastRun(remembered, directory)
        self._standby = Standby(self._last, self._awake)
        self.substitution = Substitution(cast("Supplier", self._standby), buildout)
        self._pin()
        self.restore = intercept(self.substitution, is_over)

    def _pin(self) -> None:
        """Make the tagged versions those that buildout asks for."""
        versions, pins = self._memory.versions, [each.pin for each in self._memory.pins]
        pinning.pin(self.buildout, versions, pins, self._last.holds)
        pinning.set_versions(self.buildout, versions, dict(self._memory.plain))

    def end(self) -> None:
        """Note what the run has used, unless that is noted, and say it.

        Nothing is given out any more: what is wrong by now the next run will tell.
        """
        if not self._standby.asleep:
            self._whole().end()
            return
        if not self._last.is_noted():
            with contextlib.suppress(UserError):
                self._whole().end()
                return
        pins = [each.pin for each in self._memory.pins]
        pinning.summarize(pins, self._last.used, self.substitution.overruled)

    def _awake(self) -> WorkshopSupplier:
        """Read the pins again, as they were written; return what supplies their eggs.

        The next run starts anew.  Raises zc.buildout.UserError with what is wrong, and
        where the pins are not those that this run began with.
        """
        from poach.buildout import settings
        from poach.buildout.activation import supplied
        from poach.buildout.supplier import patched_pin
        from poach.buildout.workshop import Workshop

        memory.forget(self.buildout)
        with as_user_errors():
            with pinning.as_written(self.buildout, self._sections, self._written):
                read = settings.read(self.buildout)
            workshop = Workshop(read)
        pins = [patched_pin(each) for each in workshop.patch_sets.values()]
        if pins != [each.pin for each in self._memory.pins]:
            raise Changed()
        return supplied(self.buildout, workshop)

    def _whole(self) -> Activation:
        from poach.buildout.activation import Activation

        return Activation(
            self.buildout,
            self._standby.wake().workshop,
            self.substitution,
            self.restore,
            self._said,
            self._memory.surroundings,
        )


def _sections(buildout: Any, versions: str) -> list[str]:
    """Return the sections that are read for pins: others may change them later."""
    patches = buildout["buildout"].get("patches", "patches")
    return [each for each in ("buildout", versions, patches) if each in buildout]
