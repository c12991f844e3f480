"""What the dry run puts in the place of eggs that are not there: in memory."""

from __future__ import annotations

import contextlib

import pytest
import zc.buildout.easy_install  # noqa: F401  (brings pkg_resources)
from pkg_resources import Distribution, Requirement

from poach.buildout.dry_run import BuiltByPart, DryRun, StandIn
from poach.buildout.patched_pin import PatchedPin
from poach.buildout.requests import Requests
from poach.buildout.requirers import Requirers

PIN = PatchedPin("Pond", "1.0", "1.0 +Very.Loud", "1.0+very.loud.p12345678")


class Session:
    """Pins, eggs and diffs of a run, as far as the dry run wants to know them."""

    idle = granting = False
    parts = ()

    def __init__(self, lacking=(), extras=("fast",), diffs=()):
        self.lacking = lacking
        self.extras = extras
        self.diffs = diffs

    def lacks(self, key):
        return key in self.lacking

    def provides(self, key):
        assert key == "pond"
        return self.extras

    def patchable(self, key, extras):
        there = self.diffs and set(extras) & set(self.diffs)
        return PatchedPin(key, "1.0", "1.0", "1.0") if there else None

    def tentatively(self):
        return contextlib.nullcontext()


def dry_run(**more):
    session = Session(**more)
    run = DryRun(
        session, session, Requests(session, lambda _: [], Requirers(lambda _: False))
    )
    run.missing = set()
    return run


def test_an_egg_that_is_there_is_used():
    assert dry_run().stand_in(PIN) is None


def test_an_egg_that_is_lacking_is_stood_in_for():
    run = dry_run(lacking=["pond"])

    found = run.stand_in(PIN)

    assert (found.project_name, found.version) == ("Pond", "1.0+very.loud.p12345678")
    assert found.extras == ["very-loud", "fast"]
    assert found.requires(["fast"]) == []
    assert run.missing == {"pond"}


def test_outside_of_a_dry_run_nothing_is_stood_in_for():
    run = dry_run(lacking=["pond"], diffs=["loud"])
    run.missing = None

    assert run.stand_in(PIN) is None
    assert run.stand_in_plain(Requirement.parse("pond[loud]"), []) is None


@pytest.mark.parametrize(
    ("spec", "stands_in"),
    [("pond[loud]", True), ("pond[fast]", False), ("pond", False)],
)
def test_a_plain_egg_that_a_request_would_patch(spec, stands_in):
    found = dry_run(diffs=["loud"]).stand_in_plain(Requirement.parse(spec), [])

    assert isinstance(found, StandIn) is stands_in


def test_a_plain_egg_that_is_there_will_do():
    there = Distribution("/eggs/pond", project_name="pond", version="1.0")

    wanted = Requirement.parse("pond[loud]")

    assert dry_run(diffs=["loud"]).stand_in_plain(wanted, [there]) is None


def test_once_a_plain_egg_is_stood_in_for_all_get_that():
    run = dry_run(diffs=["loud"])
    found = run.stand_in_plain(Requirement.parse("pond[loud]"), [])

    assert run.stand_in_plain(Requirement.parse("pond"), []) is found


def test_what_a_part_builds_has_the_version_that_is_required():
    run = dry_run()
    run.later = {"pond"}

    found = run.stand_in_plain(Requirement.parse("Pond==2.5"), [])

    assert (found.project_name, found.version) == ("Pond", "2.5")
    with pytest.raises(BuiltByPart):
        run.stand_in_plain(Requirement.parse("pond>=2"), [])
