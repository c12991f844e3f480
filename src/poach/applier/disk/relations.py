"""How the patches of one set relate: which needs which, and which are in the way.

That is found out by applying them, in memory, in one order and in another: two patches
*commute* if both orders give the same tree.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from poach.applier.diff import NamedDiff
from poach.applier.disk import tree as trees
from poach.applier.disk.trials import Trials
from poach.applier.outcome import Entry
from poach.applier.rejects import show

#: Lines of a small diff in a message.
SHOWN = 12

Outcome = Mapping[str, Entry | None]


@dataclass(frozen=True, slots=True)
class Relations:
    """How patches relate that apply in their order; all are given by their places.

    All other pairs commute.
    """

    names: tuple[str, ...]
    #: Pairs (later, earlier): the later patch does not apply without the earlier one.
    #: What the earlier one itself needs is not repeated.
    needs: tuple[tuple[int, int], ...]
    #: Pairs (later, earlier): both apply alone, but the other way around they do not,
    #: or give another tree.
    order: tuple[tuple[int, int], ...]

    @property
    def commuting(self) -> tuple[tuple[int, int], ...]:
        """The pairs (later, earlier) that can change places, proved by applying."""
        bound = {*self.order, *_closed(self.needs)}
        places = range(len(self.names))
        pairs = ((later, earlier) for later in places for earlier in range(later))
        return tuple(pair for pair in pairs if pair not in bound)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two patches each of which applies without the other, and not with it."""

    #: Name and owner of the first patch.
    first: tuple[str, str]
    #: Name and owner of the second patch.
    second: tuple[str, str]
    #: A file that both change.
    path: str
    #: A small diff there: ``-`` what the first makes of it, ``+`` what the second does.
    differ: tuple[str, ...]
    #: Whether both apply in the other order.
    turned: bool

    def __str__(self) -> str:
        first, second = map(_titled, (self.first, self.second))
        head = (
            f"{second} and {first} both change {show(self.path)}; "
            + (
                f"they apply in the other order: name {self.second[0]!r} first"
                if self.turned
                else "make one of them again on top of the other"
            )
            + f" (- {self.first[0]}, + {self.second[0]}):"
        )
        return "\n".join([head, *(f"  {line}" for line in self.differ)])


def relate(
    tree: Path, diffs: Sequence[NamedDiff], tried: Callable[[], None] = lambda: None
) -> Relations:
    """Find out how `diffs`, which apply to `tree` in their order, relate.

    Only those are tried that may touch each other.  `tried` is called after each diff.
    """
    needed: list[list[int]] = []
    pairs: list[tuple[int, int]] = []
    order: list[tuple[int, int]] = []
    with trees.opened(tree) as root:
        trials = Trials(root, diffs)
        for later in range(len(diffs)):
            needed.append(trials.needed(later))
            pairs += [(later, one) for one in needed[later]]
            order += [
                (later, earlier)
                for earlier in range(later)
                if earlier not in needed[later]
                and not trials.commute(needed, earlier, later)
            ]
            tried()
    names = tuple(diff.name for diff in diffs)
    return Relations(names, tuple(_reduced(pairs)), tuple(order))


def conflicts(tree: Path, diffs: Sequence[NamedDiff]) -> list[Conflict]:
    """Return the conflicts among `diffs`, which do not apply to `tree` together.

    Those that do not apply for another reason are in none.
    """
    applying: list[NamedDiff] = []
    found: list[Conflict] = []
    for diff in diffs:
        if _outcome(tree, [*applying, diff]) is not None:
            applying.append(diff)
        else:
            found += _in_the_way(tree, applying, diff)
    return found


def misplaced(tree: Path, diffs: Sequence[NamedDiff]) -> list[str]:
    """Return what to do about diffs that do not apply to `tree` where they stand.

    That is for those that apply behind the others, perhaps since they need one.
    """
    advice = []
    for place, diff in enumerate(diffs[:-1]):
        others = [*diffs[:place], *diffs[place + 1 :]]
        here = _outcome(tree, diffs[: place + 1])
        if here is None and _outcome(tree, [*others, diff]) is not None:
            title = _titled((diff.name, diff.owner))
            advice.append(f"{title} applies after the others: name it last")
    return advice


def _in_the_way(
    tree: Path, applying: Sequence[NamedDiff], diff: NamedDiff
) -> Iterator[Conflict]:
    """Yield the conflicts of `diff` with diffs that apply, on all those that do not."""
    base = _base(tree, applying, diff)
    if base is None:
        return
    for other in applying:
        if other in base or _outcome(tree, [*base, other]) is None:
            continue
        if _outcome(tree, [*base, other, diff]) is not None:
            base.append(other)
        else:
            yield from _between(tree, base, other, diff)


def _base(
    tree: Path, applying: Sequence[NamedDiff], diff: NamedDiff
) -> list[NamedDiff] | None:
    """Return diffs with which `diff` applies, None where there are none.

    It may need two of the others and be in the way of some, or the other way round.
    """
    few = (list(some) for size in range(3) for some in combinations(applying, size))
    without = ([one for one in applying if one is not other] for other in applying)
    for base in (*few, *without):
        if _outcome(tree, [*base, diff]) is not None:
            return base
    return None


def _between(
    tree: Path, base: Sequence[NamedDiff], other: NamedDiff, diff: NamedDiff
) -> Iterator[Conflict]:
    """Yield a conflict for each file that both diffs change on top of `base`."""
    before, theirs, ours = (
        _outcome(tree, [*base, *more]) or {} for more in ([], [other], [diff])
    )
    turned = _outcome(tree, [*base, diff, other]) is not None
    first, second = ((one.name, one.owner) for one in (other, diff))
    for path in sorted(_changed(before, theirs) & _changed(before, ours)):
        differ = _differing(theirs.get(path), ours.get(path))
        if differ:
            yield Conflict(first, second, path, differ, turned)


def _outcome(tree: Path, diffs: Sequence[NamedDiff]) -> Outcome | None:
    """Return what `diffs` make of the tree, None where they do not apply."""
    try:
        return dict(trees.plan(tree, diffs).changes)
    except trees.ApplyRefused:
        return None


def _changed(before: Outcome, after: Outcome) -> set[str]:
    return {path for path in after if path not in before or before[path] != after[path]}


def _differing(one: Entry | None, other: Entry | None) -> tuple[str, ...]:
    """Return a small diff of two outcomes for one file, empty where they agree."""
    texts = difflib.unified_diff(_lines(one), _lines(other), n=1, lineterm="")
    lines = list(texts)[2:]
    more = ["..."] if len(lines) > SHOWN else []
    return tuple([show(line) for line in lines[:SHOWN]] + more)


def _lines(entry: Entry | None) -> list[str]:
    data = entry.data if entry else b""
    return data.decode("utf-8", "surrogateescape").split("\n")


def _reduced(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the pairs that do not follow from two others."""
    known = set(pairs)
    for later, earlier in sorted(known):
        between = range(earlier + 1, later)
        if not any({(later, one), (one, earlier)} <= known for one in between):
            yield later, earlier


def _closed(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return `pairs` and all that follow from them."""
    closed: set[tuple[int, int]] = set()
    for later, earlier in sorted(pairs):  # all needs of the earlier one are there
        closed |= {(later, one) for mid, one in closed if mid == earlier}
        closed.add((later, earlier))
    return closed


def _titled(named: tuple[str, str]) -> str:
    name, owner = named
    return f"{name!r} ({owner})" if owner else repr(name)
