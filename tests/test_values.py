"""The named tuples are as those of typing."""

from __future__ import annotations

import pickle
import typing

import pytest

from poach import values


class Ours(values.NamedTuple):
    """A place."""

    line: int
    name: str = "f"
    lines: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"{super().__repr__()}!"

    @property
    def is_first(self) -> bool:
        return self.line == 1

    @classmethod
    def of(cls, text: str) -> Ours:
        return cls(int(text))


class Theirs(typing.NamedTuple):
    line: int
    name: str = "f"
    lines: tuple[int, ...] = ()


def test_fields_and_defaults():
    assert Ours(1) == Theirs(1)
    assert Ours(1, lines=(2,)) == Theirs(1, lines=(2,))
    assert Ours._fields == Theirs._fields
    assert Ours._field_defaults == Theirs._field_defaults
    assert Ours(1)._replace(name="g")._asdict() == Theirs(1, "g")._asdict()


def test_the_class_keeps_what_is_written_in_it():
    assert (Ours.__name__, Ours.__module__, Ours.__doc__) == (
        "Ours",
        __name__,
        "A place.",
    )
    assert Ours.of("1").is_first
    assert not Ours.of("2").is_first
    assert repr(Ours(1)) == "Ours(line=1, name='f', lines=())!"


def test_values_hold_nothing_else():
    with pytest.raises(TypeError, match="line"):
        Ours()
    with pytest.raises(AttributeError):
        Ours(1).line = 2
    with pytest.raises(AttributeError):
        Ours(1).other = 2


def test_values_are_pickled_as_they_are():
    copied = pickle.loads(pickle.dumps(Ours(1)))

    assert type(copied) is Ours
    assert copied == Ours(1)
