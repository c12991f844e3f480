"""Who requires what, as told by the very objects that distributions give."""

from __future__ import annotations

import zc.buildout.easy_install  # noqa: F401  (brings pkg_resources)
from pkg_resources import Requirement

from poach.buildout.requirers import ANYBODY, Requirers
from support.required import dist


def requirers(*dists, aliases=()):
    made = Requirers(lambda project: project in aliases)
    made.got(dists)
    return made


def test_each_distribution_has_its_own_requirement():
    one, two = dist("one", "pond[loud]>=1"), dist("two", "pond[loud]>=1")
    asked = requirers(one, two)

    assert asked.titles(*one.requires()) == ["one 1.0"]
    assert asked.titles(*two.requires()) == ["two 1.0"]
    assert asked.project(*two.requires()) == "two"


def test_a_requirement_of_an_extra():
    one = dist("one", "sea\n[big]\npond[loud]")
    _, wanted = one.requires(["big"])

    assert requirers(dist("two", "pond[loud]"), one).titles(wanted) == ["one 1.0"]


def test_what_no_distribution_requires_is_a_parts():
    asked = requirers(dist("one", "pond[loud]"))

    assert asked.titles(Requirement.parse("pond[loud]")) == [ANYBODY]
    assert asked.project(Requirement.parse("pond[loud]")) == ANYBODY


def test_for_an_alias_it_is_who_requires_that():
    loud = dist("loud", "lake[loud]")
    fast = dist("fast", "Lake[fast]\nlake")
    alias = dist("lake", "pond==1\n[loud]\npond[loud]==1\n[fast]\npond[fast]==1")
    asked = requirers(loud, fast, alias, aliases=["lake"])

    _, wanted = alias.requires(["loud"])

    assert asked.titles(wanted) == ["loud 1.0"]
    assert asked.project(wanted) == "lake"


def test_for_an_alias_that_a_part_requires_it_is_the_part():
    alias = dist("lake", "[loud]\npond[loud]==1")

    asked = requirers(alias, aliases=["lake"])

    assert asked.titles(*alias.requires(["loud"])) == [ANYBODY]


def test_a_resolution_within_another_leaves_that_alone():
    outer, inner = dist("outer", "pond"), dist("inner", "pond")
    asked = requirers(outer)

    with asked.resolving():
        asked.got([inner])
        assert asked.titles(*inner.requires()) == ["inner 1.0"]
        assert asked.titles(*outer.requires()) == [ANYBODY]

    assert asked.titles(*outer.requires()) == ["outer 1.0"]
    assert asked.titles(*inner.requires()) == [ANYBODY]
