"""The order of patches does not depend on who came first."""

import random
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poach.pins.order import Hints, OrderCycle, arranged, hints


@pytest.mark.parametrize(
    ("header", "after", "before"),
    [
        (b"", (), ()),
        (b"After: a\n", ("a",), ()),
        (b"after: A_b, +C.d\tx\r\nBEFORE:  z\r\n", ("a-b", "c-d", "x"), ("z",)),
        (b"After: a\nText\nAfter: b\n", ("a", "b"), ()),
        (b"Hereafter: a\n After: b\n", (), ()),
        (b"After: \xff, b\nBefore: :-)\n", ("b",), ()),
    ],
)
@pytest.mark.parametrize(
    "body", [b"--- a/f\nAfter: q\n", b"diff --git a/f b/f\n", b"Index: f\nBefore: q\n"]
)
def test_fields_of_the_header(header, after, before, body):
    assert hints(header + body) == Hints(frozenset(after), frozenset(before))


def test_no_diff_has_no_header():
    assert hints(b"After: a\n") == Hints()


def order(pinned, asked, **said):
    made = {
        name: Hints(frozenset(after.split()), frozenset(before.split()))
        for name, (after, before) in said.items()
    }
    return " ".join(arranged("Z 1", pinned.split(), asked.split(), made))


@pytest.mark.parametrize(
    ("pinned", "asked", "said", "expected"),
    [
        ("b a", "", {}, "b a"),
        ("b a", "d c", {}, "b a d c"),
        ("b a", "c d", {"c": ("d", "")}, "b a d c"),
        ("b a", "c d", {"d": ("", "c")}, "b a d c"),
        ("b a", "c", {"c": ("", "a")}, "b c a"),
        ("b a", "c", {"c": ("", "b")}, "c b a"),
        ("a", "b", {"b": ("missing b", "nowhere")}, "a b"),
        ("b a", "c", {"b": ("a", ""), "a": ("", "b")}, "b a c"),  # the pin has decided
    ],
)
def test_the_pin_comes_first_and_hints_move_the_others(pinned, asked, said, expected):
    assert order(pinned, asked, **said) == expected


@pytest.mark.parametrize(
    ("pinned", "asked", "said", "message"),
    [
        (
            "",
            "x y",
            {"x": ("y", ""), "y": ("x", "")},
            "+x must come after +y, +y must come after +x",
        ),
        (
            "a b",
            "c d",
            {"c": ("b", ""), "d": ("c", "a")},
            "+a must come after +d, +d must come after +c, "
            "+c must come after +b, +b must come after +a",
        ),
    ],
)
def test_no_order(pinned, asked, said, message):
    with pytest.raises(OrderCycle) as caught:
        order(pinned, asked, **said)

    assert str(caught.value) == (
        f"The patches of Z 1 have no order: {message}; change the pin, or the fields "
        "After and Before in the headers of the diffs"
    )


names = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=7)


@given(names, st.integers(0, 7), st.dictionaries(st.sampled_from("abcdefgh"), names))
def test_any_order_keeps_every_rule_or_is_none(all_names, cut, afters):
    pinned, asked = all_names[:cut], all_names[cut:]
    said = {name: Hints(frozenset(after)) for name, after in afters.items()}
    graph = {
        name: {
            other
            for other in {*afters.get(name, ())} & set(all_names) - {name}
            if not {name, other} <= set(pinned)
        }
        for name in all_names
    }
    for one, other in pairwise(pinned):
        graph[other].add(one)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        with pytest.raises(OrderCycle) as caught:
            arranged("Z", pinned, asked, said)
        around = caught.value.names
        assert around[0] == around[-1]
        assert all(b in graph[a] for a, b in pairwise(around))
        return
    found = arranged("Z", pinned, asked, said)
    assert sorted(found) == sorted(all_names)
    for name, after in graph.items():
        assert all(found.index(other) < found.index(name) for other in after)
    shuffled = dict(random.sample(list(said.items()), len(said)))
    assert arranged("Z", pinned, asked, shuffled) == found
