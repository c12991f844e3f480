"""Resolutions start again when packages ask for patches: with a granter in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import zc.buildout.easy_install  # noqa: F401  (brings pkg_resources)
from pkg_resources import EntryPoint, Requirement
from zc.buildout import UserError

from poach.buildout.requests import GROUP, Requests
from poach.buildout.requirers import Requirers


class Dist:
    """A distribution: what it requires, its extras, and the diffs that it ships."""

    def __init__(self, project_name, requires=(), extras=(), ships=()):
        self.project_name = project_name
        self._dep_map = {None: [Requirement.parse(each) for each in requires]}
        self.extras = list(extras)
        self.ships = ships

    def __str__(self):
        return f"{self.project_name} 1.0"

    def get_entry_map(self, group):
        assert group == GROUP
        return {name: EntryPoint(name, "diffs.of") for name in self.ships}


class Granter:
    """Grants the patches of `known`: the distribution gets an extra of that name."""

    def __init__(self, world, known=(), idle=False):
        self.world = world
        self.known = known
        self.idle = idle
        self.granting = False
        self.asked = []
        self.shipped = []
        self.refused = []

    def ship(self, owner, project, folder):
        self.shipped.append((owner, project, folder))

    def ask(self, requests):
        self.asked.append(list(requests))
        news = [name for _, name, _ in requests if name in self.known]
        new = [n for n in news if n not in self.world["pond"].extras]
        self.world["pond"].extras += new
        self.granting = self.granting or bool(new)
        return [f"Pond 1.0 +{name}" for name in new]

    def refuse(self, requests, tolerated):
        if requests:
            self.refused.append((list(requests), tolerated))
        if requests and not tolerated:
            raise UserError("refused")


def bench(*requires, pond=(), known=(), idle=False, ships=()):
    """Return a granter, `Requests`, and a function that resolves what app requires."""
    world = {
        "app": Dist("app", requires, ships=ships),
        "lake": Dist("lake"),
        "pond": Dist("pond", extras=pond),
    }
    granter = Granter(world, known, idle)
    requirers = Requirers(lambda project: False)
    requests = Requests(granter, lambda dist: [f"/eggs/{dist.project_name}"], requirers)
    runs = []

    def resolve():
        runs.append(1)
        found, todo = [], [Requirement.parse("app")]
        while todo:
            wanted = requests.stripped(todo.pop(0), None)
            dist = world[wanted.key]
            found.append(dist)
            requests.ws = found
            requirers.got([dist])
            lacking = set(wanted.extras) - set(dist.extras)
            if lacking:
                raise UserError(f"{dist} has no {lacking}")
            todo += dist._dep_map[None]
        return found

    return granter, requests, resolve, runs


def names(found):
    return [dist.project_name for dist in found]


def test_who_asks_for_nothing_is_resolved_once():
    granter, requests, resolve, runs = bench("pond[fast]", "lake", pond=["fast"])

    assert names(requests.resolved(resolve, None, False)) == ["app", "pond", "lake"]
    assert (len(runs), granter.asked, granter.refused) == (1, [], [])


def test_a_request_that_is_granted_is_resolved_again():
    granter, requests, resolve, runs = bench("pond[loud]", known=["loud"])

    found = requests.resolved(resolve, None, False)

    assert names(found) == ["app", "pond"]
    assert granter.asked[0] == [("pond", "loud", "app 1.0")]
    assert granter.world["pond"].extras == ["loud"]
    assert len(runs) > 1
    assert granter.refused == []


def test_requests_of_two_packages_come_together():
    granter, requests, resolve, _ = bench(
        "pond[loud]", "pond[wide]", known=["loud", "wide"]
    )

    requests.resolved(resolve, None, False)

    asked = {name for each in granter.asked for _, name, _ in each}
    assert asked == {"loud", "wide"}


@pytest.mark.parametrize("tolerated", [True, False])
def test_what_nobody_grants_is_refused(tolerated):
    granter, requests, resolve, _ = bench("pond[loud]")

    if tolerated:
        assert names(requests.resolved(resolve, None, tolerated)) == ["app", "pond"]
    else:
        with pytest.raises(UserError, match="refused"):
            requests.resolved(resolve, None, tolerated)

    assert granter.refused == [([("pond", "loud", "app 1.0")], tolerated)]


def test_with_nothing_to_patch_buildouts_own_error_counts():
    _, requests, resolve, _ = bench("pond[loud]", idle=True)

    with pytest.raises(UserError, match="has no"):
        requests.resolved(resolve, None, False)


def test_who_ships_diffs_is_heard_before_anything_is_granted():
    granter, requests, resolve, _ = bench("pond[loud]", known=["loud"], ships=["pond"])

    requests.resolved(resolve, None, False)

    assert granter.shipped[0] == ("app 1.0", "pond", Path("/eggs/app/diffs/of"))


def test_collecting_grants_nothing():
    granter, requests, resolve, _ = bench("pond[loud]", "lake", known=["loud"])

    asked, found, fault = requests.collected(resolve)

    assert asked == [("pond", "loud", "app 1.0")]
    assert names(found) == ["app", "pond", "lake"]
    assert fault is None
    assert granter.asked == []


def test_a_resolution_within_another_leaves_that_alone():
    _, requests, resolve, _ = bench("pond[loud]", known=["loud"])
    requests.requests, requests.ws = [("lake", "deep", "sea")], ["outer"]

    requests.resolved(resolve, None, False)

    assert (requests.requests, requests.ws) == ([("lake", "deep", "sea")], ["outer"])
