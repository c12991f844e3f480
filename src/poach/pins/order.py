"""The order in which patches of several owners apply.

A pin's own order stands.  Patches that packages ask for come after it, by name, so that
the order of resolution does not matter; and a diff may say in its header, in the manner
of DEP-3 fields, which patches it is to come after or before::

    After: poll-invalidations
    Before: serializers, cleanup
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from poach.errors import PoachError
from poach.names import canonicalize_name, is_patch_name

#: Where the header of a diff ends and the first file begins.
_BEGIN = re.compile(rb"^(?:diff |--- |Index: )", re.MULTILINE)
_FIELD = re.compile(rb"^(After|Before):[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)


class OrderCycle(PoachError):
    """Patches of which each is to come after another one; `names` go around."""

    title: str
    names: Sequence[str]

    def __str__(self) -> str:
        around = ", ".join(
            f"+{name} must come after +{after}"
            for name, after in zip(self.names, self.names[1:], strict=False)
        )
        return (
            f"The patches of {self.title} have no order: {around}; change the pin, or "
            "the fields After and Before in the headers of the diffs"
        )


@dataclass(frozen=True, slots=True)
class Hints:
    """What the header of a diff says of its place, in canonical names."""

    after: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()


def hints(*diffs: bytes) -> Hints:
    """Read the fields ``After`` and ``Before`` from the headers of some diffs."""
    fields = [
        (field[1].lower(), frozenset(_names(field[2])))
        for diff in diffs
        for field in _FIELD.finditer(_header(diff))
    ]
    after, before = (
        frozenset().union(*(names for field, names in fields if field == wanted))
        for wanted in (b"after", b"before")
    )
    return Hints(after, before)


def _header(diff: bytes) -> bytes:
    found = _BEGIN.search(diff)
    return diff[: found.start()] if found else b""


def arranged(
    title: str, pinned: Sequence[str], asked: Sequence[str], said: Mapping[str, Hints]
) -> list[str]:
    """Return all names in the order in which they apply; they are canonical.

    `pinned` stand in the order of the pin, `asked` come after it in their order as
    far as the hints `said`, by name, allow.  Names that are not here do not matter.
    Raises `OrderCycle`; `title` is for its message.
    """
    left = [*pinned, *asked]
    after = _constraints(pinned, left, said)
    done: list[str] = []
    while left:
        free = (name for name in left if not after[name] - set(done))
        name = next(free, None)
        if name is None:
            raise OrderCycle(title, _around(left, after, done))
        left.remove(name)
        done.append(name)
    return done


def _constraints(
    pinned: Sequence[str], names: Sequence[str], said: Mapping[str, Hints]
) -> dict[str, set[str]]:
    """Return, for each name, those that it must come after."""
    after: dict[str, set[str]] = {name: set() for name in names}
    for earlier, later in pairwise(pinned):
        after[later].add(earlier)
    for name in names:
        hints = said.get(name, Hints())
        pairs = [(name, other) for other in hints.after & after.keys()]
        pairs += [(other, name) for other in hints.before & after.keys()]
        for later, earlier in pairs:
            # What a diff says of another in the same pin, the pin has decided.
            if later != earlier and not {later, earlier} <= set(pinned):
                after[later].add(earlier)
    return after


def _around(
    left: Sequence[str], after: Mapping[str, set[str]], done: Sequence[str]
) -> list[str]:
    """Return names that go in a circle: each is to come after the next one."""
    path = [left[0]]
    while path[-1] not in path[:-1]:
        path.append(min(after[path[-1]] - set(done)))
    return path[path.index(path[-1]) :]


def _names(field: bytes) -> Iterator[str]:
    for word in re.split(r"[\s,]+", field.decode("ascii", "replace")):
        name = word.removeprefix("+")
        if is_patch_name(name):
            yield canonicalize_name(name)
