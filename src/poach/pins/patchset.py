"""Patch sets: the ordered, resolved diffs of one pin."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

from poach.errors import PoachError, collect, did_you_mean, each, together
from poach.names import canonicalize_name, tagged_version
from poach.pins.location import Location, without_credentials
from poach.pins.pin import Pin


class UnknownPatch(PoachError):
    """A pin names a patch that nothing defines."""

    pin: Pin
    name: str
    owner: str
    #: The names that are defined for this project.
    known: Sequence[str] = ()
    #: Where it was looked for.
    looked_in: Sequence[str] = ()
    #: The versions for which there is a diff of that name.
    others: Sequence[str] = ()

    def __str__(self) -> str:
        owner = f" ({self.owner})" if self.owner else ""
        places = ", ".join(["[patches]", *self.looked_in])
        hint = did_you_mean(self.name, self.known)
        if self.others:
            hint = f"; there is one for {', '.join(self.others)}"
        return (
            f"Unknown patch {self.name!r} for {self.pin.project} {self.pin.base}"
            f"{owner}; looked in {places}{hint}"
        )


class PatchFault(PoachError):
    """What is wrong with one patch of a pin; `cause` is the fault itself."""

    pin: Pin
    name: str
    owner: str
    cause: PoachError

    def __str__(self) -> str:
        owner = f" ({self.owner})" if self.owner else ""
        title = f"{self.pin.project} {self.pin.base}"
        return f"Patch {self.name!r} of {title}{owner}: {self.cause}"


class Patch(NamedTuple):
    """One diff of a patch set.

    What changes its meaning is as declared, before anything is found out.
    """

    #: The patch's name as the pin writes it; several diffs may share one.
    name: str
    #: Who asked for it.
    owner: str
    #: Where the diff is.
    location: Location
    #: The digest of its bytes, in hex.
    sha256: str
    #: None where it is to be found out.
    strip: int | None = None
    #: None where it is to be found out.
    directory: str | None = None
    fuzz: int = 0
    #: Who says where the diff is; empty where it was looked up.
    definer: str = ""
    #: The globs of files to leave out, each once and in order.
    exclude: tuple[str, ...] = ()
    eol: str = "keep"
    #: What to do if it has no effect; None where the buildout decides. It is no part of
    #: what the diff does.
    effect: str | None = None

    @property
    def meaning(self) -> list[object]:
        """All that decides what the diff does, in JSON's types.

        The options that came later stand there only where they are given, so that
        the digests of before stay.
        """
        later: dict[str, object] = {}
        if self.exclude:
            later["exclude"] = list(self.exclude)
        if self.eol != "keep":
            later["eol"] = self.eol
        known: list[object] = [self.sha256, self.strip, self.directory, self.fuzz]
        return [*known, later] if later else known

    @property
    def owners(self) -> str:
        """Who asked for the patch and, if somebody else, who defined it."""
        return _owners(self.owner, self.definer)


@dataclass(frozen=True)
class PatchSet:
    """A pin and its diffs, in the order in which they apply."""

    pin: Pin
    #: A diff that has several names counts once: there may be fewer than names in the
    #: pin.
    patches: tuple[Patch, ...]
    #: Who asked for what is not in the buildout's own pin.
    requesters: Mapping[str, Sequence[str]] = field(default_factory=dict, compare=False)

    @functools.cached_property
    def digest(self) -> str:
        """The sha256, in hex, of everything that changes what the patches do."""
        diffs = [patch.meaning for patch in self.patches]
        text = json.dumps(diffs, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @functools.cached_property
    def version(self) -> str:
        """The tagged version, in normal form (PEP 440)."""
        return tagged_version(self.pin.base, self.pin.names, self.digest)

    @property
    def extras(self) -> tuple[str, ...]:
        """The extras that the patched project provides: one for each patch's name.

        So ``ZODB3[poll-invalidations]`` requires the patch, in canonical spelling.
        """
        return tuple(canonicalize_name(name) for name in self.pin.names)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each patch is called: its name, and its file's where it shares that."""
        sharing = Counter(patch.name for patch in self.patches)
        return tuple(
            f"{patch.name}/{_file_name(patch.location)}"
            if sharing[patch.name] > 1
            else patch.name
            for patch in self.patches
        )

    @property
    def title(self) -> str:
        """Project and base, for people: ``WebOb 1.8.7``."""
        return f"{self.pin.project} {self.pin.base}"

    @property
    def asked(self) -> str:
        """Project and pin, for people: ``WebOb 1.8.7 +fix``."""
        return f"{self.pin.project} {self.pin}"

    @property
    def tagged(self) -> str:
        """Project and tagged version, for people: ``WebOb 1.8.7+fix.p1a2b3c4d``."""
        return f"{self.pin.project} {self.version}"


class Library(Protocol):
    """Where named diffs are defined."""

    def locate(self, pin: Pin, name: str, owner: str) -> Sequence[Location]:
        """Return the locations of `name` for `pin`, in order; raise `UnknownPatch`."""

    def definer(self, pin: Pin, name: str) -> str:
        """Return where `name` is defined for `pin`, '' if nobody needs to know."""


class PatchReader(Protocol):
    """Reads diffs and knows their digests, if possible without reading them."""

    def digest(self, location: Location) -> str:
        """Return the sha256 of the diff at `location` in hex; raise `PoachError`."""

    def read(self, location: Location, sha256: str) -> bytes:
        """Return the diff at `location`, verified; raise `PoachError`."""


def resolve(
    pin: Pin,
    owners: Sequence[str],
    library: Library,
    reader: PatchReader,
    fuzz: int = 0,
    requesters: Mapping[str, Sequence[str]] = {},
) -> PatchSet:
    """Find the diffs of every name of `pin`, and of those that others ask for.

    `owners` says for each name who wrote it; `fuzz` holds where a location does not
    say otherwise.  `requesters` are those who ask for more patches, by canonical name:
    they come after the pin's, or where their headers say (`poach.pins.order`).  All
    faults of all names are raised together.
    """
    there = set(map(canonicalize_name, pin.names))
    more = sorted(name for name in requesters if name not in there)
    names = (*pin.names, *more)
    asked_by = (*owners, *(f"asked for by {', '.join(requesters[n])}" for n in more))

    def patches(asked: tuple[str, str]) -> list[Patch]:
        name, owner = asked
        definer = library.definer(pin, name)
        try:
            return collect(
                lambda location: _patch(name, owner, location, reader, fuzz, definer),
                library.locate(pin, name, owner),
            )
        except UnknownPatch:
            raise
        except PoachError as fault:
            owners = _owners(owner, definer)
            faults = (PatchFault(pin, name, owners, one) for one in each(fault))
            raise together(faults) from fault

    found = dict(
        zip(names, collect(patches, zip(names, asked_by, strict=True)), strict=True)
    )
    if more:
        names = _arranged(pin, more, found, reader)
    whole = Pin(pin.project, pin.base, names, pin.refused)
    all_of = [patch for name in names for patch in found[name]]
    return PatchSet(whole, _distinct(all_of, pin), requesters)


def _arranged(
    pin: Pin,
    more: Sequence[str],
    found: Mapping[str, Sequence[Patch]],
    reader: PatchReader,
) -> tuple[str, ...]:
    """Return all names that were `found` in the order in which they apply."""
    # Imported late: most pins have all the patches that are asked for.
    from poach.pins.order import Hints, arranged, hints

    said: dict[str, Hints] = {
        canonicalize_name(name): hints(
            *(reader.read(patch.location, patch.sha256) for patch in patches)
        )
        for name, patches in found.items()
    }
    keys = [canonicalize_name(name) for name in pin.names]
    order = arranged(f"{pin.project} {pin.base}", keys, more, said)
    return tuple(sorted(found, key=lambda n: order.index(canonicalize_name(n))))


def _distinct(patches: Iterable[Patch], pin: Pin) -> tuple[Patch, ...]:
    """Return the diffs of which the same was not there before, under any name.

    Two owners may call one diff differently.  Where one file names it twice in the
    `pin`, that is a mistake, and the second does not apply.
    """
    found: list[Patch] = []
    for patch in patches:
        same = {_file(one.owner) for one in found if one.meaning == patch.meaning}
        if not same or (patch.name in pin.names and _file(patch.owner) in same):
            found.append(patch)
    return tuple(found)


def _file(owner: str) -> str:
    """Return the file of an owner that is a line of one."""
    return re.sub(r":\d+$", "", owner)


def _patch(
    name: str,
    owner: str,
    location: Location,
    reader: PatchReader,
    fuzz: int,
    definer: str,
) -> Patch:
    return Patch(
        name,
        owner,
        location,
        reader.digest(location),
        location.strip,
        location.directory,
        fuzz if location.fuzz is None else location.fuzz,
        definer,
        tuple(sorted(set(location.exclude))),
        location.eol or "keep",
        location.effect,
    )


def _owners(owner: str, definer: str) -> str:
    return f"{owner}, defined in {definer}" if definer not in ("", owner) else owner


def _file_name(location: Location) -> str:
    return PurePosixPath(without_credentials(location.target)).name
