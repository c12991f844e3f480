"""The errors that a user meets.

Everything that the user can correct derives from `PoachError`; the edges turn it
into `zc.buildout.UserError` or into exit code 1.  Data rides in attributes, the
sentence is in ``__str__``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: object) -> Callable[[T], T]:
        """Return a decorator for type checkers (PEP 681), which does nothing."""
        return lambda kind: kind


T = TypeVar("T")
R = TypeVar("R")


@dataclass_transform(eq_default=False)
class ErrorWithFields(Exception):
    """An error whose data are fields, as those of a dataclass.

    A subclass names its data as annotated fields, in the order of the arguments, with
    defaults where they have one.  TypeError if a field gets no value.  One without
    fields takes any values, as Exception does.
    """

    def __init__(self, *values: object, **named: object) -> None:
        fields = _fields(type(self))
        self.__dict__.update(zip(fields, values, strict=False), **named)
        lacking = [name for name in fields if not hasattr(self, name)]
        surplus = values[len(fields) :] if fields else ()
        if lacking or surplus or named.keys() - fields:
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(fields)}")
        self.__post_init__()
        super().__init__(*[getattr(self, name) for name in fields] or values)

    def __post_init__(self) -> None:
        """Change values before anybody sees them, such as URLs with a password."""


class PoachError(ErrorWithFields):
    """An error that the user can correct; ``str`` says what, where and what to do."""


def _fields(kind: type) -> list[str]:
    """Return the names of all annotated fields of a class, those of its bases first."""
    return [
        name
        for each in reversed(kind.__mro__)
        for name in vars(each).get("__annotations__", ())
    ]


class Faults(PoachError):
    """All faults of one input, to be reported together."""

    #: At least two errors, in the order of the input.
    faults: tuple[PoachError, ...]

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def collect(
    function: Callable[[T], R], items: Iterable[T], before: Iterable[PoachError] = ()
) -> list[R]:
    """Call `function` with every item and raise the faults of all of them at once.

    `before` are faults found earlier, which are raised with the others.  Returns the
    results in the order of `items`.  Raises the one `PoachError` that came up, or
    `Faults` where there are several.
    """
    results: list[R] = []
    faults = list(before)
    for item in items:
        try:
            results.append(function(item))
        except PoachError as error:
            faults.append(error)
    raise_faults(faults)
    return results


def raise_faults(faults: Iterable[PoachError]) -> None:
    """Raise nothing for no fault, the fault itself for one, `Faults` for more."""
    found = list(faults)
    if found:
        raise together(found)


def together(faults: Iterable[PoachError]) -> PoachError:
    """Return the fault itself for one, `Faults` for more; there is at least one.

    An error that several ran into is reported once.
    """
    said: dict[str, PoachError] = {}
    for fault in faults:
        for one in each(fault):
            said.setdefault(str(one), one)
    found = tuple(said.values())
    return found[0] if len(found) == 1 else Faults(found)


def each(fault: PoachError) -> tuple[PoachError, ...]:
    """Return the faults that `fault` stands for, at least one."""
    return fault.faults if isinstance(fault, Faults) else (fault,)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``'; did you mean X?'`` for the nearest of `known`, else ``''``."""
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
