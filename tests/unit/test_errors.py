"""Faults are collected in the order of the input and raised once."""

from __future__ import annotations

import pickle

import pytest

from poach.errors import (
    ErrorWithFields,
    Faults,
    PoachError,
    collect,
    did_you_mean,
    raise_faults,
)

A, B, C = PoachError("a"), PoachError("b"), PoachError("c")


def refuse(item):
    if isinstance(item, Exception):
        raise item
    return item * 2


def test_collect_returns_results_in_order():
    assert collect(refuse, [3, 1, 2]) == [6, 2, 4]
    assert collect(refuse, []) == []


def test_collect_goes_on_after_a_fault():
    seen = []

    def look(item):
        seen.append(item)
        return refuse(item)

    with pytest.raises(Faults):
        collect(look, [1, A, 2, B, 3])

    assert seen == [1, A, 2, B, 3]


@pytest.mark.parametrize(
    ("items", "before", "expected"),
    [
        ([A], [], A),
        ([1, A, 2], [], A),
        ([1], [A], A),
    ],
)
def test_one_fault_is_raised_as_it_is(items, before, expected):
    with pytest.raises(PoachError) as caught:
        collect(refuse, items, before)

    assert caught.value is expected


@pytest.mark.parametrize(
    ("items", "before", "expected"),
    [
        ([A, B], [], (A, B)),
        ([B, 1, A], [], (B, A)),
        ([A], [C], (C, A)),
        ([1], [A, B], (A, B)),
        ([Faults((A, B)), C], [], (A, B, C)),
        ([A, PoachError("a"), Faults((B, PoachError("b")))], [], (A, B)),
    ],
)
def test_several_faults_are_raised_together(items, before, expected):
    with pytest.raises(Faults) as caught:
        collect(refuse, items, before)

    assert caught.value.faults == expected
    assert str(caught.value) == "\n".join(map(str, expected))


def test_what_is_not_ours_is_not_collected():
    with pytest.raises(ZeroDivisionError):
        collect(lambda item: 1 / item, [1, 0, 2], [A])


def test_raise_faults():
    raise_faults([])
    raise_faults(iter(()))
    with pytest.raises(PoachError) as one:
        raise_faults(iter([A]))
    with pytest.raises(Faults) as two:
        raise_faults(iter([A, B]))

    assert one.value is A
    assert two.value.faults == (A, B)


def test_faults_survive_pickling():
    assert str(pickle.loads(pickle.dumps(Faults((A, B))))) == "a\nb"


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("lout", ["loud", "wide"], "; did you mean 'loud'?"),
        ("poll-invalidation", iter(["poll-invalidations"]), "; did you mean 'poll-in"),
        ("xyz", ["loud", "wide"], ""),
        ("loud", [], ""),
    ],
)
def test_did_you_mean(word, known, expected):
    hint = did_you_mean(word, known)

    assert hint.startswith(expected)
    assert bool(hint) == bool(expected)


class Leak(PoachError):
    place: str
    size: int = 0

    def __str__(self) -> str:
        return f"{self.place} leaks {self.size}"


class BigLeak(Leak):
    cause: str = ""


@pytest.mark.parametrize(
    "leak", [BigLeak("pond", 3, "age"), BigLeak("pond", size=3, cause="age")]
)
def test_the_fields_of_an_error(leak):
    assert (leak.place, leak.size, leak.cause) == ("pond", 3, "age")
    assert str(leak) == "pond leaks 3"
    assert str(pickle.loads(pickle.dumps(leak))) == "pond leaks 3"
    assert repr(leak) == "BigLeak('pond', 3, 'age')"
    assert str(Leak("pond")) == "pond leaks 0"


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), (("pond", 1, 2), {}), (("pond",), {"depth": 1}), ((), {"size": 1})],
)
def test_a_field_is_missing_or_too_much(values, named):
    with pytest.raises(TypeError, match=r"Leak has the fields place, size"):
        Leak(*values, **named)


class BadAddress(PoachError):
    url: str

    def __post_init__(self) -> None:
        self.url = self.url.replace("secret", "***")


def test_an_error_may_change_the_values_that_it_got():
    error = BadAddress("http://jane:secret@pond")

    assert error.url == "http://jane:***@pond"
    assert "secret" not in repr(error)
    assert pickle.loads(pickle.dumps(error)).url == error.url


class Both(ErrorWithFields, ValueError):
    size: int


def test_an_error_with_fields_may_be_of_another_kind_too():
    with pytest.raises(ValueError, match="3"):
        raise Both(size=3)
    assert not isinstance(Both(3), PoachError)
    with pytest.raises(TypeError, match="Both has the fields size"):
        Both()
