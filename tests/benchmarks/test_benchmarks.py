"""The benchmarks run, small; and what they count on a warm run is a fact."""

from __future__ import annotations

import shutil

import buildouts
import cold
import lookup
import pytest
import warm


@pytest.fixture
def here(tmp_path, environment, wheelhouse, index):
    return buildouts.Place(tmp_path, environment, wheelhouse, index)


def test_ratios_are_those_of_each_turn():
    ours, theirs = ([buildouts.Spent(n, n * 2) for n in s] for s in ([2, 9], [1, 3]))

    assert buildouts.Contest("it", ours, theirs, 2.6).show()
    assert not buildouts.Contest("it", ours, theirs, 2.4).show()


def test_who_takes_turns_begins_as_often_as_the_others():
    order = []

    def run(name):
        order.append(name)
        return buildouts.Spent(1, len(order))

    found = buildouts.turns(2, lambda: run("a"), lambda: run("b"))

    assert order == ["a", "b", "b", "a"]
    assert [[one.cpu for one in each] for each in found] == [[1, 4], [2, 3]]


@pytest.mark.parametrize("parts", [1, 2])
def test_a_warm_run_needs_nothing(here, parts, capsys):
    shape = warm.Shape(2, 1, parts)
    warm.add_dists(here, 2, 1)
    patched, plain = (warm.warmed(here, shape, kind) for kind in (True, False))

    again = patched.run(*warm.shared(here))

    assert "Patched eggs in use: pond0 1.0+loud" in again.output
    assert again.audit == ()
    traced = warm.traced(here, patched)
    assert traced.endswith(", no needless module")
    assert traced == warm.traced(
        here, plain
    )  # buildout itself looks whether it has IPv6
    assert "0 more programs" in traced or not shutil.which("strace")


def test_needless_modules_are_seen(here):
    """They are there in a run that builds."""
    warm.add_dists(here, 2, 0)
    cfg = warm.Shape(2, 0, 1).configuration(patched=True)
    made = here.project("cold", cfg)
    for number in range(2):
        diff = warm.LOUD.replace("src/pond", f"src/pond{number}")
        made.write(f"patches/pond{number}/loud.patch", diff)

    traced = warm.traced(here, made)

    assert "poach.applier.diff" in traced
    assert "filelock" in traced
    assert "concurrent.futures.thread" in traced
    assert "0 more programs" not in traced


def test_warm_runs_and_the_load_are_compared(here, capsys):
    warm.add_dists(here, 1, 1)
    shape = warm.Shape(1, 1, 1)

    warm.compare(here, [shape], repeat=1)
    warm.load(here, shape, repeat=1)
    assert warm.tell(here, shape)

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "load", "1"]


def test_lookups_are_compared(tmp_path, capsys):
    found = buildouts.turns(
        1, lookup.looker(tmp_path / "large", 30), lookup.looker(tmp_path / "small", 2)
    )

    assert all(spent.wall > 0 for each in found for spent in each)
    assert len(list(tmp_path.glob("large/*/*/*/*/entry.json"))) == 30


@pytest.mark.index
@pytest.mark.slow
def test_cold_builds_are_compared(here, capsys):
    cold.cold(here, "toml==0.10.2", repeat=1)
    cold.jobs(here, ["toml==0.10.2", "docopt==0.6.2"], repeat=1)

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["cold", "jobs:"]
    eggs = [path.name for path in here.root.glob("*-store*/*/*/*/*/*.egg")]
    assert len(eggs) == 2 + 2 * 2  # a cold one is built once before it counts
    assert all("+new.p" in egg for egg in eggs)
    assert all(path.is_file() for path in here.root.glob("*-store*/*/*/*/*/*/PATCHED"))
