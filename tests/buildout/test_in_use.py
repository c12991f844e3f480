"""What a program may run from is not pruned, unless that is said."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from poach.cli import main
from poach.pins.build_key import BuildKey, Target
from poach.store import usage
from poach.store.inventory import aliases_of, entries_of
from poach.store.notes import BUILDS, RUNS
from poach.store.notes import name as note_name
from poach.store.store import Made, Store
from support.pond import CFG, LOUD, WIDE, add_plugin, add_pond

DAY = 24 * 3600
KEY = BuildKey("pond", "1.0", "a" * 64, "b" * 64, Target("py3", "none", "any", "v5"))
VERSION = "1.0+loud.p12345678"
WHEEL = "pond-1.0-py3-none-any.whl"


def make(work):
    (work / "pond.egg").mkdir()
    (work / "pond.egg" / "pond.py").write_text("quack\n")
    (work / WHEEL).write_bytes(b"PK")
    return Made(work / "pond.egg", work / WHEEL, {"version": VERSION})


def fill(folder):
    folder.mkdir()
    (folder / "sea.egg").mkdir()
    (folder / "sea.egg" / "METADATA").write_text("Name: sea\n")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "patched-eggs")


@pytest.fixture
def egg(store):
    return store.get_or_make(VERSION, KEY, make)


@pytest.fixture
def stand_in(store):
    return store.folder("aliases", "sea-1234", fill)


@pytest.fixture
def buildout(tmp_path):
    """The folder of a buildout."""
    folder = tmp_path / "büildout"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(store, capsys):
    def run(*arguments):
        code = main(["cache", *arguments, "--store", str(store.path)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments else out, err

    return run


@pytest.fixture
def prune(cache):
    """Run ``poach cache prune`` for what nobody has used for no time at all."""
    return lambda *more: cache("prune", "--unused-for", "0", *more)


def install(buildout, *paths, part="app"):
    """Say in .installed.cfg what buildout has installed."""
    lines = "\n".join(f"\t{path}" for path in paths)
    text = f"[buildout]\nparts = {part}\n\n[{part}]\n__buildout_installed__ ={lines}\n"
    (buildout / ".installed.cfg").write_text(text)


# What the last run noted


@pytest.mark.parametrize("kind", [RUNS, BUILDS])
def test_an_egg_that_a_buildout_uses_stays(store, egg, buildout, prune, kind):
    usage.note(store, kind, str(buildout), [egg])
    place = egg.wheel.parent

    assert prune("-n") == (
        0,
        "",
        f"Kept {place}: in use by {buildout}\n0 B would be removed, in {store.path}\n",
    )
    code, done, err = prune("--json")
    used = [{"path": str(place), "used-by": [str(buildout)]}]
    assert (code, done["in-use"], done["removed"], err) == (0, used, [], "")
    assert egg.egg.is_dir()

    shutil.rmtree(buildout)
    assert prune()[0] == 0
    assert not egg.egg.exists()


def test_even_in_use(store, egg, stand_in, buildout, prune):
    usage.note(store, RUNS, str(buildout), [egg], [stand_in])

    dry = prune("--even-in-use", "-n", "--json")[1]
    assert egg.egg.exists()
    done = prune("--even-in-use", "--json")[1]

    assert dry == {**done, "dry-run": True}
    assert [each["what"] for each in done["removed"]] == ["entry", "stand-in"]
    assert done["in-use"] == []
    assert not egg.egg.exists() and not stand_in.exists()


def test_what_another_host_uses_stays(store, egg, buildout, prune):
    usage.note(store, RUNS, str(buildout), [egg])
    note = store.note_path(RUNS, note_name(str(buildout)))
    note.write_text(note.read_text().replace('"host": "', '"host": "another.'))
    shutil.rmtree(buildout)

    assert f"in use by {buildout}\n" in prune()[2]
    assert egg.egg.exists()


@pytest.mark.parametrize("data", [b"{", b"[]", None])
def test_where_a_note_cannot_be_read_nobody_knows(store, egg, buildout, prune, data):
    """It may be the note of whoever uses the egg."""
    usage.note(store, RUNS, str(buildout), [egg])
    note = store.note_path(RUNS, note_name(str(buildout)))
    if data is None:
        note.unlink()
        note.mkdir()
    else:
        note.write_bytes(data)

    code, out, err = prune()

    assert (code, out) == (0, "")
    assert err.startswith(f"{note} cannot be read, so poach does not know")
    assert egg.egg.exists()
    assert prune("--even-in-use")[0] == 0
    assert not egg.egg.exists()


# What the files of a buildout refer to


def script(buildout, egg):
    path = buildout / "bin" / "app"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!python\nsys.path[0:0] = [\n  '{egg.egg}',\n]\n")


def relative_script(buildout, egg):
    path = buildout / "bin" / "app"
    path.parent.mkdir(exist_ok=True)
    there = os.path.relpath(egg.egg, buildout)
    path.write_text(f"#!python\nsys.path[0:0] = [\n  join(base, '{there}'),\n]\n")


def script_elsewhere(buildout, egg):
    path = buildout.parent / "scripts" / "app"
    path.parent.mkdir()
    path.write_text(f"'{egg.egg}',\n")
    install(buildout, path)


def configuration_in_a_part(buildout, egg):
    folder = buildout / "parts" / "instance" / "etc"
    folder.mkdir(parents=True)
    (folder / "wsgi.py").write_bytes(b"\xff " + os.fsencode(egg.egg))
    install(buildout, "parts/instance")


def omelette(buildout, egg):
    folder = buildout / "parts" / "omelette"
    folder.mkdir(parents=True)
    (folder / "pond").symlink_to(egg.egg)
    install(buildout, buildout / "parts" / "omelette")


def option_of_a_part(buildout, egg):
    (buildout / ".installed.cfg").write_text(f"[app]\npath = {egg.egg}\n")


REFERENCES = pytest.mark.parametrize(
    "refer",
    [
        *(script, relative_script, script_elsewhere, configuration_in_a_part),
        *(omelette, option_of_a_part),
    ],
)


@REFERENCES
def test_what_a_file_of_a_buildout_refers_to_stays(store, egg, buildout, prune, refer):
    """The last run, of one part alone, did not use it."""
    usage.note(store, RUNS, str(buildout), [])
    refer(buildout, egg)

    assert f"Kept {egg.wheel.parent}: in use by {buildout}\n" in prune()[2]
    assert egg.egg.exists()


def test_a_stand_in_that_a_script_refers_to_stays(store, stand_in, buildout, prune):
    usage.note(store, RUNS, str(buildout), [])
    (buildout / "bin").mkdir()
    (buildout / "bin" / "app").write_text(f"'{stand_in / 'sea.egg'}'")

    assert f"Kept {stand_in}: in use by {buildout}\n" in prune()[2]
    assert stand_in.exists()


def test_files_that_cannot_be_read_or_say_nothing(store, egg, buildout, prune):
    usage.note(store, RUNS, str(buildout), [])
    install(buildout, "bin/gone", "parts", "\0odd")
    (buildout / "parts").mkdir()
    (buildout / "parts" / "loop").symlink_to(buildout / "parts")
    (buildout / "parts" / "large").write_bytes(b"x" * (1 << 21))
    os.mkfifo(buildout / "parts" / "pipe")

    assert prune()[0] == 0
    assert not egg.egg.exists()


@pytest.mark.parametrize("text", [b"\xff\xfe", b"[", b"x = 1", b"[a]\n%(x)s = %(y)s\n"])
def test_an_odd_installed_cfg(store, egg, buildout, prune, text):
    usage.note(store, RUNS, str(buildout), [])
    (buildout / ".installed.cfg").write_bytes(text)

    assert prune()[0] == 0
    assert not egg.egg.exists()


# Stand-ins


def test_stand_ins_go_by_the_same_rules(store, stand_in, buildout, tmp_path, cache):
    old = time.time() - 40 * DAY
    os.utime(stand_in / "contents.json", (old, old))

    listed = cache("list", "--json")[1]["stand-ins"]
    assert [each["path"] for each in listed] == [str(stand_in)]
    assert listed[0]["used-by"] == []
    assert cache("prune", "--unused-for", "50", "--json")[1]["removed"] == []
    usage.note(store, RUNS, str(tmp_path / "gone"), [], [stand_in])
    assert cache("prune", "--unused-for", "30", "--json")[1]["removed"] == []
    usage.note(store, RUNS, str(buildout), [], [stand_in])
    assert f"  used by {buildout}\n" in cache("list")[1]
    assert cache("prune", "--unused-for", "0", "--json")[1]["removed"] == []
    assert [each.users for each in aliases_of(store)] == [(str(buildout),)]
    usage.note(store, RUNS, str(buildout), [])
    (gone,) = cache("prune", "--unused-for", "0", "--json")[1]["removed"]

    assert (gone["path"], gone["what"]) == (str(stand_in), "stand-in")
    assert not stand_in.exists()


def test_a_stand_in_that_somebody_makes_stays(store, stand_in, prune):
    with store.locked("aliases-sea-1234"):
        assert prune("--json")[1]["busy"] == [str(stand_in)]
    assert stand_in.exists()


# Stores of other releases


def older(store, buildout, eggs, host=""):
    """Make the store of an older release, with a note of `buildout`."""
    new = Store(store.path)
    new.root = store.path / "1"
    new.notes = new.notes._replace(path=new.root / ".known")
    usage.note(new, RUNS, str(buildout), [])
    note = new.note_path(RUNS, note_name(str(buildout)))
    note.write_text(json.dumps({**json.loads(note.read_text()), "eggs": eggs}))
    (new.root / "pond").mkdir()
    for path in new.root.rglob("*"):
        os.utime(path, (0, 0))
    return new.root


def test_an_older_store_that_is_in_use_stays(store, egg, buildout, prune):
    old = older(store, buildout, ["pond/1.0/x"])

    assert f"Kept {old}: in use by {buildout}\n" in prune()[2]
    assert old.exists()

    usage.note(store, RUNS, str(buildout), [egg])  # it runs with this release now
    script(buildout, egg)
    assert prune()[0] == 0
    assert not old.exists()


def test_an_older_store_to_which_a_script_refers_stays(store, egg, buildout, prune):
    old = older(store, buildout, [])
    usage.note(store, RUNS, str(buildout), [egg])
    (buildout / "bin").mkdir()
    (buildout / "bin" / "app").write_text(f"'{old}/pond/1.0/x/pond.egg'")

    assert f"Kept {old}: in use by {buildout}\n" in prune()[2]
    assert old.exists()


# Real buildouts

TWO_PARTS = """
    [buildout]
    extensions = poach
    index = %(index)s
    parts = app other

    [app]
    recipe = zc.recipe.egg
    eggs = pond

    [other]
    recipe = zc.recipe.egg
    eggs = reed
    scripts = reed
    %(more)s

    [versions]
    pond = 1.0 +loud
    reed = 1.0 +loud
    """


@pytest.fixture
def two(project, index):
    add_pond(index)
    add_pond(index, "reed")
    made = project(TWO_PARTS.replace("%(more)s", ""))
    made.write("patches/loud.patch", LOUD)
    made.write("patches/pond/loud.patch", LOUD)
    made.write("patches/pond/wide.patch", WIDE)
    made.write("patches/reed/loud.patch", LOUD)
    return made


def projects(made):
    store = Store(made.path / "patched-eggs")
    return sorted(f"{e.project} {e.version.split('.p')[0]}" for e in entries_of(store))


def test_a_run_of_one_part_leaves_the_scripts_of_the_others(two):
    two.run()
    two.run("install", "app")

    two.poach("cache", "prune", "--unused-for", "0")

    assert projects(two) == ["pond 1.0+loud", "reed 1.0+loud"]
    assert two.script("reed").stdout.startswith("QUACK")


def test_what_a_run_that_failed_has_installed_stays(two):
    """Also where it was the first one, or the last one noted another egg."""
    broken = two.path / "buildout.cfg"
    whole = broken.read_text()
    broken.write_text(
        whole.replace("eggs = reed", "eggs = reed\n    interpreter = a/b")
    )
    two.run(expect=None)
    first = two.run(expect=None)
    two.poach("cache", "prune", "--unused-for", "0")
    assert "pond 1.0+loud" in projects(two), str(first)

    broken.write_text(
        broken.read_text().replace("pond = 1.0 +loud", "pond = 1.0 +wide")
    )
    two.run(expect=None)
    two.poach("cache", "prune", "--unused-for", "0")

    assert "pond 1.0+wide" in projects(two)
    assert two.script("pond").stdout.startswith("quack 2")


def test_a_stand_in_is_used(project, index):
    index.add_wheel("lake", "1.0", {"lake.py": "def main():\n    print('lake')\n"})
    index.add_wheel("app", "1.0", {"app.py": ""}, requires=["sea"])
    cfg = CFG.replace("eggs = pond", "eggs = app").replace("pond = 1.0 +loud", "")
    made = project(f"{cfg}\n    [substitutes]\n    sea = lake\n")
    made.run()

    (listed,) = json.loads(made.poach("cache", "list", "--json").stdout)["stand-ins"]
    assert listed["used-by"] == [str(made.path)]
    done = made.poach("cache", "prune", "--unused-for", "0")
    assert f"Kept {listed['path']}: in use by {made.path}\n" in done.stderr
    done = made.poach("cache", "prune", "--keep", "buildout.cfg", "--even-in-use")
    assert Path(listed["path"]).exists(), str(done)


def test_what_an_earlier_release_left_goes(two, project):
    """In the folder of parts of each configuration that is at hand."""
    two.run()
    other = project(TWO_PARTS.replace("%(more)s", ""), "other")
    store = f"patched-eggs-directory = {two.path / 'patched-eggs'}"
    other.write(
        "buildout.cfg",
        f"[buildout]\nextensions = poach\nparts =\nparts-directory = p\n{store}\n"
        "[versions]\n",
    )
    left = [two.path / "parts/.poach.json", other.path / "p/.poach.json"]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    prune = ["cache", "prune", "--keep", "buildout.cfg"]
    prune += ["--keep", "../other/buildout.cfg"]

    dry = two.poach(*prune, "--dry-run")
    assert all(path.exists() for path in left)
    done = two.poach(*prune)

    assert dry.stdout == done.stdout, (dry.output, done.output)
    for path in left:
        assert f"2 B  left by an earlier release  {path}\n" in done.stdout
        assert not path.exists()
    assert two.poach(*prune).stdout == ""
    assert two.poach("cache", "prune", "--unused-for", "9").stdout == ""


#: Does what a file says, in the middle of a run.
ACTING = """
    import os, subprocess

    class Recipe:
        def __init__(self, buildout, name, options):
            self.folder = buildout["buildout"]["directory"]
        def install(self):
            subprocess.check_call(open(os.path.join(self.folder, "act")).read(),
                                  shell=True, cwd=self.folder)
            return ()
        update = install
    """


@pytest.fixture
def acting(index, project):
    """A buildout with a patched egg, and a part after it that runs given code."""
    add_pond(index)
    add_plugin(index, "acting", ACTING)
    made = project(CFG.replace("parts = app", "parts = app act"))
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[act]\nrecipe = acting\n")
    made.write("patches/pond/loud.patch", LOUD)
    return made


def test_an_egg_that_a_run_has_given_out_stays(acting):
    poach = acting.environment.program("poach")
    acting.write("act", f"{poach} cache prune --unused-for 0 > pruned 2>&1")

    acting.run()

    assert f"in use by {acting.path}" in (acting.path / "pruned").read_text()
    assert acting.script("pond").stdout.startswith("QUACK")


def test_an_egg_that_is_removed_while_a_run_is_at_work(acting):
    acting.write("act", "rm -rf patched-eggs/2/pond")

    result = acting.run(expect=1)

    assert "Somebody has removed patched eggs while this buildout" in result.error
    acting.write("act", "true")
    acting.run()
    assert acting.script("pond").stdout.startswith("QUACK")
