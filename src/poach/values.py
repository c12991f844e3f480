"""Named tuples for what each ``poach apply`` imports, without the time of typing.

To load typing, and to have it compile the annotations of some twenty named tuples,
would take a sixth of the time in which poach starts.  Type checkers see typing's own.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False  # type checkers go by the name

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Maker(type):
        """Makes a named tuple of a class: its annotations are the fields."""

        def __new__(
            maker, name: str, bases: tuple[type, ...], members: dict[str, object]
        ) -> type:
            if not bases:
                return super().__new__(maker, name, bases, members)
            fields = members["__annotations__"]
            defaults = [members.pop(field) for field in fields if field in members]
            module = members["__module__"]
            base = namedtuple(name, fields, defaults=defaults, module=module)
            return type(name, (base,), {"__slots__": (), **members})

    class NamedTuple(metaclass=_Maker):
        """Stands for `typing.NamedTuple` above a class."""
