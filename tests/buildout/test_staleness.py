"""Each run goes by what is there now, never by what was there in the last one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from poach.store.staging import STALE_SECONDS
from support.pond import (
    BLANKER,
    BROKEN,
    CFG,
    LOUD,
    TAGGED,
    WIDE,
    add_app,
    add_plain_pond,
    add_plugin,
    add_pond,
)
from support.powers import drop_powers

#: The setup.py of a package that asks for something.
ASKER = "from setuptools import setup\nsetup(name='asker', version='1', %s)\n"

#: Makes `sound` soft; the file has the size of the loud one.
SOFT = LOUD.replace('"QUACK"', '"quuck"')

DIFF = "patches/pond/loud.patch"


@pytest.fixture
def pond(index, project, warm):
    """A buildout with one patched egg, which is in the store."""
    add_pond(index)
    made = project(CFG)
    shutil.copytree(warm, made.path / "patched-eggs")
    made.write(DIFF, LOUD)
    link = made.path / "patches/pond/1.0/loud.patch"
    link.parent.mkdir()
    link.symlink_to(made.path / "soft.patch")  # which is not there yet
    made.run()
    return made


def says(made):
    return made.script("pond").stdout.split()[0]


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, os.mkfifo])
def test_what_the_last_run_kept_in_earlier_releases(pond, make):
    """It is no longer read, and goes if it is a file."""
    path = pond.path / "parts" / ".poach.json"
    make(path)

    pond.run("-N")

    assert path.exists() == path.is_dir()
    assert says(pond) == "QUACK"


@pytest.mark.every_buildout
def test_an_edited_diff_with_every_buildout(index, project):
    add_pond(index)
    made = project(CFG)
    made.write(DIFF, LOUD)
    made.run()

    made.run()
    made.write(DIFF, SOFT)
    made.run()
    assert says(made) == "quuck"
    remove_the_store(made)
    made.run()
    assert says(made) == "quuck"


# -- what changes


def edit_the_diff(made):
    """Its size and its times stay what they were."""
    path = made.path / DIFF
    before = path.stat()
    assert len(SOFT) == len(LOUD)
    path.write_text(SOFT)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def add_a_diff_for_the_version(made):
    (made.path / "patches/pond/1.0/loud.patch").unlink()
    made.write("patches/pond/1.0/loud.patch", SOFT)


def add_a_folder_of_that_version(made):
    made.write("patches/pond/1.0.0/loud.patch", SOFT)


def mend_a_link(made):
    made.write("soft.patch", SOFT)


def define_it(made):
    made.write("quiet.patch", SOFT)
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[patches]\nloud = quiet.patch\n")


def define_it_in_a_default(made):
    made.write("quiet.patch", SOFT)
    folder = Path(made.variables["BUILDOUT_HOME"])
    folder.mkdir(parents=True, exist_ok=True)
    default = f"[patches]\nloud = {made.path}/quiet.patch\n"
    (folder / "default.cfg").write_text(default)


def look_elsewhere(made):
    made.write("others/pond/loud.patch", SOFT)
    rewrite(made.path / "buildout.cfg", "[app]", "patch-path = others\n[app]")


CHANGES = [
    edit_the_diff,
    add_a_diff_for_the_version,
    add_a_folder_of_that_version,
    mend_a_link,
    define_it,
    define_it_in_a_default,
    look_elsewhere,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_another_diff_counts_at_once(pond, change):
    change(pond)

    pond.run()
    assert says(pond) == "quuck"
    pond.run()


def remove_the_diff(made):
    (made.path / DIFF).unlink()


def spell_it_twice(made):
    remove_the_diff(made)
    for name in ("Loud", "LOUD"):
        made.write(f"patches/pond/{name}.patch", LOUD)


def switch_it_off(made):
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[patches]\nloud =\n")


def pin_another(made):
    rewrite(made.path / "buildout.cfg", "+loud", "+quiet")


def break_the_diff(made):
    made.write(DIFF, BROKEN)


def want_strange_fuzz(made):
    rewrite(made.path / "buildout.cfg", "[app]", "patch-fuzz = 7\n[app]")


FAULTS = [
    (remove_the_diff, "loud"),
    (spell_it_twice, "it may be any of"),
    (switch_it_off, "its entry in [patches] is empty"),
    (pin_another, "quiet"),
    (break_the_diff, "pond 1.0"),
    (want_strange_fuzz, "'7' is none of 0, 1, 2"),
]


@pytest.mark.parametrize(
    ("change", "message"), FAULTS, ids=lambda each: getattr(each, "__name__", "")
)
def test_new_faults_are_reported_at_once(pond, change, message):
    change(pond)

    for _ in range(2):
        assert message in pond.run(expect=1).error


def test_a_series_that_changes(index, project):
    add_pond(index)
    made = project(CFG.replace("+loud", "+both"))
    made.write("patches/pond/both/series", "loud.patch\n")
    made.write("patches/pond/both/loud.patch", LOUD)
    made.write("patches/pond/both/wide.patch", WIDE)
    made.run()
    made.run()
    assert made.script("pond").stdout.split()[:2] == ["QUACK", "1"]

    made.write("patches/pond/both/series", "loud.patch\nwide.patch\n")

    made.run()
    assert made.script("pond").stdout.split()[:2] == ["QUACK", "2"]


def test_a_series_that_is_named_in_the_section(index, project):
    add_pond(index)
    made = project(CFG + "\n    [patches]\n    loud = quilt\n")
    made.write("quilt/series", "loud.patch\n")
    made.write("quilt/loud.patch", LOUD)
    made.write("quilt/soft.patch", SOFT)
    made.run()
    made.run()

    made.write("quilt/series", "soft.patch\n")

    made.run()
    assert says(made) == "quuck"


def test_a_home_that_moves(index, project, tmp_path):
    add_pond(index)
    made = project(CFG.replace("parts = app", "parts = app\n    patch-path = ~/diffs"))
    for home, diff in (("one", LOUD), ("two", SOFT)):
        folder = tmp_path / home / "diffs" / "pond"
        folder.mkdir(parents=True)
        (folder / "loud.patch").write_text(diff)
    found = []
    for home in ("one", "one", "two"):
        made.run(env={"HOME": str(tmp_path / home)})
        found.append(says(made))

    assert found == ["QUACK", "QUACK", "quuck"]


# -- the store


def entry(made):
    (found,) = (made.path / "patched-eggs").glob("2/pond/*/*/entry.json")
    return found.parent


def remove_the_entry(made):
    shutil.rmtree(entry(made))


def remove_the_store(made):
    shutil.rmtree(made.path / "patched-eggs")


def cut_a_file(made):
    next(entry(made).glob("*.egg/pond/__init__.py")).write_text("")


def remove_a_file(made):
    next(entry(made).glob("*.egg/pond/__init__.py")).unlink()


def spoil_the_record(made):
    (entry(made) / "entry.json").write_text("{}")


def take_another_sdist(made):
    """The note on the sdist that was seen is removed, as a message tells users to."""
    (made.path / "patched-eggs/2/.known/sdists/pond-1.0.json").unlink()


DAMAGES = [
    remove_the_entry,
    remove_the_store,
    cut_a_file,
    remove_a_file,
    spoil_the_record,
    take_another_sdist,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_an_egg_that_is_not_whole_any_more_is_built(pond, damage):
    damage(pond)

    pond.run()
    assert says(pond) == "QUACK"
    pond.run()
    assert pond.poach("cache", "verify").returncode == 0


def test_an_egg_that_is_gone_and_may_not_be_built(pond):
    remove_the_entry(pond)

    assert "none can be built in offline" in pond.run("-o", expect=1).error


def test_the_use_is_noted_once_a_day(pond):
    (note,) = (pond.path / "patched-eggs/2/.known/buildouts").glob("*.json")
    facts = json.loads(note.read_text())
    note.write_text(json.dumps({**facts, "at": facts["at"] - 25 * 3600}))

    pond.run()

    assert json.loads(note.read_text())["at"] >= facts["at"]
    pond.run()


def test_what_a_killed_run_left_is_swept(pond):
    left = pond.path / "patched-eggs/2/.staging/killed"
    left.mkdir()
    long_ago = time.time() - STALE_SECONDS - 9
    os.utime(left, (long_ago, long_ago))

    pond.run()

    assert not left.exists()


# -- what comes in between


def test_a_warning_is_printed_in_each_run(index, project):
    add_pond(index)
    made = project(CFG + "\n    [patches]\n    idle = idle.patch\n")
    made.write(DIFF, LOUD)
    made.write("idle.patch", WIDE)
    for _ in range(3):
        assert "no pin uses idle" in made.run().output


def test_patches_that_packages_ask_for_come_in_between(index, project):
    """The first package that asks shows up when all eggs are there."""
    add_pond(index)
    made = project(CFG.replace("eggs = pond", "eggs = pond\n        asker"))
    rewrite(made.path / "buildout.cfg", "[app]", "develop = asker\n[app]")
    made.write(DIFF, LOUD)
    made.write("patches/pond/wide.patch", WIDE)
    made.write("asker/setup.py", ASKER % "install_requires=['pond']")
    made.run()
    made.run()
    assert made.script("pond").stdout.split()[:2] == ["QUACK", "1"]

    made.write("asker/setup.py", ASKER % "install_requires=['pond[wide]']")

    for _ in range(3):
        result = made.run()
        assert "+loud.wide.p" in result.output
        assert made.script("pond").stdout.split()[:2] == ["QUACK", "2"]

    made.write("asker/setup.py", ASKER % "install_requires=['pond']")
    made.run()
    assert made.script("pond").stdout.split()[:2] == ["QUACK", "1"]
    made.run()


def test_a_request_that_nobody_grants_comes_in_between(index, project):
    add_pond(index)
    made = project(CFG.replace("eggs = pond", "eggs = pond\n        asker"))
    rewrite(made.path / "buildout.cfg", "[app]", "develop = asker\n[app]")
    made.write(DIFF, LOUD)
    made.write("asker/setup.py", ASKER % "install_requires=['pond']")
    made.run()
    made.run()

    made.write("asker/setup.py", ASKER % "install_requires=['pond[moat]']")

    assert "asker 1 asks for pond +moat" in made.run(expect=1).error
    assert says(made) == "QUACK"


def test_an_egg_that_nothing_needed_before(index, project):
    """A part of the next run needs it."""
    add_pond(index)
    add_pond(index, "moor")
    made = project(CFG.replace("pond = 1.0 +loud", "pond = 1.0\n    moor = 1.0 +loud"))
    rewrite(made.path / "buildout.cfg", "eggs = pond", "eggs = asker")
    rewrite(made.path / "buildout.cfg", "[app]", "develop = asker\n[app]")
    made.write("patches/moor/loud.patch", LOUD)
    made.write("asker/setup.py", ASKER % "install_requires=[]")
    made.run()
    idle = made.run()
    assert "Patched pins that nothing asked for: moor" in idle.output

    made.write("asker/setup.py", ASKER % "install_requires=['moor']")
    built = made.run()

    assert "Patched eggs in use: moor 1.0+loud.p" in built.output
    made.run()


def test_a_develop_egg_that_comes_in_between(pond):
    assert TAGGED in pond.run().output
    pond.write("checkout/src/pond/__init__.py", "def main():\n    print('bark')\n")
    setup = (
        "from setuptools import setup\nsetup(name='pond', version='1.0', "
        "package_dir={'': 'src'}, packages=['pond'], "
        "entry_points={'console_scripts': ['pond=pond:main']})\n"
    )
    pond.write("checkout/setup.py", setup)
    rewrite(pond.path / "buildout.cfg", "[app]", "develop = checkout\n[app]")

    outputs = [pond.run().output for _ in range(3)]

    assert outputs[1] == outputs[2]
    assert all("The develop egg of pond 1.0" in output for output in outputs)
    assert says(pond) == "bark"


def test_a_plain_egg_that_is_there(index, pond):
    add_plain_pond(index)
    made = pond
    made.run("buildout:extensions=", "versions:pond=1.0")
    assert says(made) == "quack"

    made.run()

    assert says(made) == "QUACK"


def test_a_part_that_builds_one_egg_is_read_in_each_run(index, project):
    add_pond(index)
    made = project(CFG.replace("parts = app", "parts = pond app"))
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[pond]\nrecipe = poach:egg\n")
    made.write(DIFF, LOUD)
    for _ in range(3):
        made.run()
    assert says(made) == "QUACK"


def test_a_substitute_that_comes_in_between(index, pond):
    add_pond(index, "moor")
    add_app(index, "asker", "pond")
    rewrite(pond.path / "buildout.cfg", "pond = 1.0 +loud", "moor = 1.0")
    with (pond.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[substitutes]\npond = moor\n")
    for _ in range(2):
        pond.run()
    assert not (pond.path / "parts/.poach.json").exists()


def test_an_extension_that_takes_a_pin_away(index, project):
    add_pond(index)
    add_plain_pond(index)
    group = {"group": "zc.buildout.extension", "entry": "load"}
    add_plugin(index, "blanker", BLANKER, **group)
    extensions = "extensions = poach blanker"
    made = project(CFG.replace("extensions = poach", extensions))
    made.write(DIFF, LOUD)

    for _ in range(3):  # eggs load in another order when they are there already
        made.run()
        assert says(made) == "quack"


def test_the_collector_still_takes_what_comes_later(pond):
    """It is only relieved of what was there when the extension was loaded."""
    script = (
        "import sys\n"
        "from zc.buildout.buildout import main\n"
        "sys.argv[0] = 'buildout'\n"
        "main()\n"
        "import gc, weakref\n"
        "class Node: pass\n"
        "node = Node(); node.itself = node\n"
        "gone = weakref.ref(node); del node; gc.collect()\n"
        "print(gone() is None, gc.get_freeze_count() > 0)\n"
    )
    done = pond.command(pond.environment.program("python"), "-c", script)

    assert done.stdout.split()[-2:] == ["True", "True"]


# -- what a reader of this code has tried


@pytest.mark.parametrize("target", ["odd", "loud.patch/x", "nowhere"])
def test_a_strange_link_in_a_folder_hides_nothing(pond, target):
    (pond.path / "patches/pond/odd").symlink_to(target)
    pond.run()
    pond.run()

    add_a_diff_for_the_version(pond)

    pond.run()
    assert says(pond) == "quuck"


def test_a_pipe_where_a_series_might_be(pond):
    (pond.path / "patches/pond/odd").mkdir()
    os.mkfifo(pond.path / "patches/pond/odd/series")

    for _ in range(2):
        pond.run()
    assert says(pond) == "QUACK"


def test_a_pipe_in_the_place_of_the_diff(pond):
    remove_the_diff(pond)
    os.mkfifo(pond.path / DIFF)

    assert "Unknown patch 'loud'" in pond.run(expect=1).error  # and does not wait


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop its powers")
def test_a_folder_of_patches_that_may_not_be_read_and_need_not(index, project):
    add_pond(index)
    made = project(CFG + "\n    [patches]\n    loud = loud.patch\n")
    made.write("loud.patch", LOUD)
    made.write("patches/pond/loud.patch", SOFT)
    (made.path / "patches").chmod(0)
    command = [made.environment.program("buildout")]

    for _ in range(2):
        message = subprocess.check_output(
            command, cwd=made.path, env=made.variables, preexec_fn=drop_powers
        )
        assert TAGGED.encode() in message
    assert says(made) == "QUACK"


def test_what_packages_asked_for_elsewhere_counts_for_one_part(index, project):
    """Notes go by the folder of a buildout, whatever its parts-directory is."""
    add_pond(index)
    made = project(CFG.replace("parts = app", "parts = app more"))
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[more]\nrecipe = zc.recipe.egg\neggs = pond\n")
    made.write(DIFF, LOUD)
    made.write("patches/pond/wide.patch", WIDE)
    made.write("asker/setup.py", ASKER % "install_requires=['pond[wide]']")
    other = """
        [buildout]
        extends = buildout.cfg
        parts-directory = others
        develop = asker
        [app]
        eggs = pond
            asker
        """
    made.write("other.cfg", other)
    made.run()
    made.run()
    made.run("-c", "other.cfg")

    result = made.run("install", "app")

    assert "pond 1.0 +loud +wide stays as in the last run" in result.output
    assert made.script("pond").stdout.split()[:2] == ["QUACK", "2"]


#: Says what a file says.
TELLER = """
    import os

    class Recipe:
        def __init__(self, buildout, name, options):
            options["egg"] = open(os.path.join(
                buildout["buildout"]["directory"], "what")).read().strip()
        def install(self):
            return ()
        update = install
    """


def test_a_part_that_builds_what_a_recipe_says(index, project):
    add_pond(index)
    add_pond(index, "moor", setuptools=True)
    add_plugin(index, "teller", TELLER)
    made = project(CFG.replace("parts = app", "parts = names app custom"))
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write(
            "\n[names]\nrecipe = teller\n\n[custom]\nrecipe = zc.recipe.egg:custom\n"
            "egg = ${names:egg}\ndefine = A\n"
        )
    made.write(DIFF, LOUD)
    made.write("what", "moor")
    for _ in range(2):
        made.run()

    made.write("what", "pond")

    assert "Built pond 1.0+loud" in made.run().output


#: Changes an option of poach once that is loaded.
CHANGING = """
    class Recipe:
        def __init__(self, buildout, name, options):
            buildout["buildout"]["patch-fuzz"] = "7"
        def install(self):
            return ()
        update = install
    """


def test_an_option_that_is_changed_after_poach_was_loaded(index, project):
    """What was read at load counts, whenever it is read again."""
    add_pond(index)
    add_plugin(index, "changing", CHANGING)
    made = project(CFG.replace("parts = app", "parts = change app"))
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[change]\nrecipe = changing\n")
    made.write(DIFF, LOUD)
    made.run()
    made.run()

    remove_the_entry(made)

    assert "Built pond 1.0+loud" in made.run().output


def test_a_store_that_has_become_a_file(pond):
    remove_the_store(pond)
    (pond.path / "patched-eggs").write_text("")

    result = pond.run("buildout:parts=app", expect=1)

    assert "is no folder" in result.error
    assert "Updating" not in result.stdout
