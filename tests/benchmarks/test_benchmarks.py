"""The benchmarks run, small; and what they count on a warm run is a fact."""

from __future__ import annotations

import shutil

import assembly
import buildouts
import cold
import commands
import lookup
import pytest
import warm

#: An assembly of two eggs.
SMALL = """\
[buildout]
parts = app
[app]
recipe = zc.recipe.egg
eggs = six
    WebOb
interpreter = py
[versions]
six = 1.17.0
WebOb = 1.8.9
zc.recipe.egg = 6.0.0
zope.unused = 1.0
"""


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


def test_a_limit_may_be_on_cpu_seconds():
    ours, theirs = [buildouts.Spent(9, 2)], [buildouts.Spent(1, 1)]

    assert buildouts.Contest("it", ours, theirs, 2.1, on="cpu").show()
    assert not buildouts.Contest("it", ours, theirs, 1.9, on="cpu").show()


@pytest.mark.skipif(not shutil.which("valgrind"), reason="needs valgrind")
def test_instructions_are_those_of_children_too(tmp_path):
    true, environ = shutil.which("true"), {"PATH": buildouts.CALLER["PATH"]}
    twice = ["/bin/sh", "-c", f"{true}; {true}; exit"]

    one = buildouts.instructions([true], tmp_path, environ)

    assert buildouts.instructions(twice, tmp_path, environ) > 2 * one > 0


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


@pytest.mark.more
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


def test_an_assembly_is_patched_in_a_module_that_the_egg_has(tmp_path):
    egg, tree = tmp_path / "it.egg", tmp_path / "it-1.0"
    for path, text in {
        egg / "it" / "changed.py": "long = 1  # by the build\n" * 9,
        egg / "it" / "tests.py": "assert True\n" * 8,
        egg / "it" / "twice.py": "same = 1\n" * 7,
        egg / "it" / "it.py": "latin = '\xe9'\x0c\n" * 5,
        egg / "it" / "small.py": "small = 1\n",
        tree / "src" / "it" / "changed.py": "long = 1\n",
        tree / "src" / "it" / "tests.py": "assert True\n" * 8,
        tree / "src" / "it" / "twice.py": "same = 1\n" * 7,
        tree / "copy" / "it" / "twice.py": "same = 1\n" * 7,
        tree / "src" / "it" / "it.py": "latin = '\xe9'\x0c\n" * 5,
        tree / "src" / "it" / "small.py": "small = 1\n",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))

    assert assembly.marked(egg, tree) == (
        "--- a/src/it/it.py\n+++ b/src/it/it.py\n@@ -3,3 +3,4 @@\n"
        + " latin = '\xe9'\x0c\n" * 3
        + "+# patched\n"
    )


def test_assemblies_are_known_by_folder_and_buildout(tmp_path):
    def found(name, buildout=None):
        folder = assembly.ASSEMBLIES / name
        return [
            (made.place.name, made.cfg.name, made.versions["setuptools"])
            for made in assembly.assemblies(folder, tmp_path, buildout, "")
        ]

    old = ("plone-6.0.13-4.2.0", "buildout.cfg", "74.0.0")
    new = ("plone-6.0.13-6.0.1", "buildout-6.0.1.cfg", "80.10.2")
    assert sorted(found("plone-6.0.13")) == [old, new]
    assert found("plone-6.0.13", "4.2.0") == [old]
    assert found("plone-6.0.13", "5.2") == []
    assert found("zope-6.3") == [("zope-6.3-6.0.1", "buildout.cfg", "80.10.2")]


@pytest.mark.more
@pytest.mark.index
@pytest.mark.slow
def test_assemblies_are_compared(tmp_path, capsys):
    folder, place = tmp_path / "small", tmp_path / "place"
    folder.mkdir()
    (folder / "buildout.cfg").write_text(SMALL)
    counted = ["--instructions"] if shutil.which("valgrind") else []

    for word, limit in [("--no-freeze", "1.1"), *((word, "1.08") for word in counted)]:
        assembly.main([str(folder), "--place", str(place), "--repeat=1", word])

        *_, chosen, line = capsys.readouterr().out.splitlines()
        assert chosen == "patched: WebOb six"
        assert line.startswith("small-6.0.1, 2 of 2 eggs ")
        assert line.split()[-2] == limit


def test_commands_are_compared(here, capsys):
    commands.start(here, repeat=1)
    commands.graph(here, repeat=1, patches=5, files=2)

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["poach", "--version"],
        ["poach", "list"],
        ["graph", "of"],
    ]
    cfg = (here.root / "graph" / "buildout.cfg").read_text()
    assert "pool = 1.0 +p0 +p1 +p2 +p3 +p4\n" in cfg


@pytest.mark.more
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
