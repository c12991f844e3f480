"""Runs that are like the one before: quick, and never on what is no longer so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from bench.pond import (
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
    add_quick_pond,
)
from bench.powers import drop_powers
from poach.adapters.staging import STALE_SECONDS
from poach.sharing import PublicKey

#: Runs buildout and tells whether all of poach was needed for it.
RUN = """
import sys
from zc.buildout.buildout import main
sys.argv[0] = "buildout"
main()
print("COLD" if "poach.buildout.workshop" in sys.modules else "WARM")
"""

#: The setup.py of a package that asks for something.
ASKER = "from setuptools import setup\nsetup(name='asker', version='1', %s)\n"

#: Makes `sound` soft; the file has the size of the loud one.
SOFT = LOUD.replace('"QUACK"', '"quuck"')

DIFF = "patches/pond/loud.patch"


@pytest.fixture
def pond(index, project):
    """A buildout with one patched egg, of which the last run knows everything."""
    add_quick_pond(index)
    made = project(CFG)
    made.write(DIFF, LOUD)
    link = made.path / "patches/pond/1.0/loud.patch"
    link.parent.mkdir()
    link.symlink_to(made.path / "soft.patch")  # which is not there yet
    made.run()
    assert is_warm(made)
    return made


def run(made, *args, **more):
    python = made.environment.program("python")
    return made.command(python, "-c", RUN, *args, **more)


def is_warm(made, *args):
    told = run(made, *args).stdout.split()[-1]
    assert told in ("WARM", "COLD")
    return told == "WARM"


def says(made):
    return made.script("pond").stdout.split()[0]


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_warm_run_says_and_does_what_a_cold_one_does(pond):
    cold = pond.path / "parts" / ".poach.json"
    cold.unlink()
    folders = ("bin", "parts", "eggs", "develop-eggs", "patched-eggs")
    first, before = run(pond), pond.snapshot(*folders)
    second, after = run(pond), pond.snapshot(*folders)

    assert first.stdout.split()[-1] == "COLD"
    assert second.stdout.split()[-1] == "WARM"
    assert first.output.replace("COLD", "WARM") == second.output
    assert TAGGED in second.output
    assert before == after
    assert second.audit == ()
    assert says(pond) == "QUACK"


@pytest.mark.every_buildout
def test_warm_runs_with_every_buildout(index, project):
    add_quick_pond(index)
    made = project(CFG)
    made.write(DIFF, LOUD)
    made.run()

    assert is_warm(made)
    made.write(DIFF, SOFT)
    assert not is_warm(made)
    assert says(made) == "quuck"
    remove_the_store(made)  # so that a warm run awakes
    assert not is_warm(made)
    assert says(made) == "quuck"


def test_what_only_says_how_a_run_goes_about_it(pond):
    assert is_warm(pond, "-o")
    assert is_warm(pond, "-N")
    assert is_warm(pond, "-n")
    assert is_warm(pond, "install", "app")


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

    assert not is_warm(pond)
    assert says(pond) == "quuck"
    assert is_warm(pond)


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
    ("change", "told"), FAULTS, ids=lambda each: getattr(each, "__name__", "")
)
def test_what_is_wrong_now_is_told_at_once(pond, change, told):
    change(pond)

    for _ in range(2):
        assert told in run(pond, expect=1).error


def test_a_series_that_changes(index, project):
    add_quick_pond(index)
    made = project(CFG.replace("+loud", "+both"))
    made.write("patches/pond/both/series", "loud.patch\n")
    made.write("patches/pond/both/loud.patch", LOUD)
    made.write("patches/pond/both/wide.patch", WIDE)
    made.run()
    assert is_warm(made)
    assert made.script("pond").stdout.split()[:2] == ["QUACK", "1"]

    made.write("patches/pond/both/series", "loud.patch\nwide.patch\n")

    assert not is_warm(made)
    assert made.script("pond").stdout.split()[:2] == ["QUACK", "2"]


def test_a_series_that_is_named_in_the_section(index, project):
    add_quick_pond(index)
    made = project(CFG + "\n    [patches]\n    loud = quilt\n")
    made.write("quilt/series", "loud.patch\n")
    made.write("quilt/loud.patch", LOUD)
    made.write("quilt/soft.patch", SOFT)
    made.run()
    assert is_warm(made)

    made.write("quilt/series", "soft.patch\n")

    assert not is_warm(made)
    assert says(made) == "quuck"


def test_a_home_that_moves(index, project, tmp_path):
    add_quick_pond(index)
    made = project(CFG.replace("parts = app", "parts = app\n    patch-path = ~/diffs"))
    for home, diff in (("one", LOUD), ("two", SOFT)):
        folder = tmp_path / home / "diffs" / "pond"
        folder.mkdir(parents=True)
        (folder / "loud.patch").write_text(diff)
    found = []
    for home in ("one", "one", "two"):
        result = run(made, env={"HOME": str(tmp_path / home)})
        found.append((result.stdout.split()[-1], says(made)))

    assert found == [("COLD", "QUACK"), ("WARM", "QUACK"), ("COLD", "quuck")]


def test_another_release_of_poach_starts_anew(pond):
    find = "import poach; print(poach.__file__)"
    found = pond.command(pond.environment.program("python"), "-c", find)
    path = Path(found.stdout.strip())
    before = path.stat()
    try:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        assert not is_warm(pond)
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


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

    assert not is_warm(pond)
    assert says(pond) == "QUACK"
    assert is_warm(pond)
    assert pond.poach("cache", "verify").returncode == 0


#: Installs what a file says, after it has edited a diff.
EDITING = """
    import os
    from zc.buildout import easy_install

    class Recipe:
        def __init__(self, buildout, name, options):
            self.ours = buildout["buildout"]
        def install(self):
            ours = self.ours
            diff, what = (os.path.join(ours["directory"], f) for f in ("diff", "what"))
            os.replace(diff, os.path.join(ours["directory"], %r))
            easy_install.install(
                open(what).read().split(), ours["eggs-directory"], index=ours["index"],
                path=[ours["develop-eggs-directory"]])
            return ()
        update = install
    """


def test_a_diff_that_is_edited_while_a_warm_run_is_at_work(index, pond):
    """Where that run has to begin anew, no part gets another egg than those before."""
    add_plugin(index, "editing", EDITING % DIFF)
    rewrite(pond.path / "buildout.cfg", "parts = app", "parts = app edit")
    with (pond.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[edit]\nrecipe = editing\n")
    for _ in range(2):
        pond.write("diff", LOUD)
        pond.write("what", "pond")
        told = run(pond).stdout.split()[-1]
    assert told == "WARM"

    pond.write("diff", SOFT)
    pond.write("what", "pond[moat]")

    assert "changed while this run was at work" in run(pond, expect=1).error
    pond.write("diff", SOFT)
    pond.write("what", "pond")
    assert not is_warm(pond)
    assert says(pond) == "quuck"


def test_an_egg_that_is_gone_and_may_not_be_built(pond):
    remove_the_entry(pond)

    assert "none can be built in offline" in run(pond, "-o", expect=1).error


def test_the_use_is_noted_once_a_day(pond):
    (note,) = (pond.path / "patched-eggs/2/.known/buildouts").glob("*.json")
    facts = json.loads(note.read_text())
    note.write_text(json.dumps({**facts, "at": facts["at"] - 25 * 3600}))

    run(pond)

    assert json.loads(note.read_text())["at"] >= facts["at"]
    assert is_warm(pond)


def test_what_a_killed_run_left_is_swept(pond):
    left = pond.path / "patched-eggs/2/.staging/killed"
    left.mkdir()
    long_ago = time.time() - STALE_SECONDS - 9
    os.utime(left, (long_ago, long_ago))

    assert not is_warm(pond)

    assert not left.exists()


# -- the memory itself


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"inputs": 1}', "\xff", '{"memory": []}']
)
def test_a_memory_that_is_none(pond, text):
    path = pond.path / "parts/.poach.json"
    path.write_text(text, encoding="latin-1")

    assert not is_warm(pond)
    assert is_warm(pond)


@pytest.mark.parametrize("memory", [[], [1], {}, "text", None, ["a"] * 7, [[]] * 7])
def test_a_memory_of_this_run_that_makes_no_sense(pond, memory):
    path = pond.path / "parts/.poach.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "memory": memory}))

    assert not is_warm(pond)
    assert says(pond) == "QUACK"


def test_a_folder_in_the_place_of_the_memory(pond):
    path = pond.path / "parts/.poach.json"
    path.unlink()
    path.mkdir()

    assert not is_warm(pond)
    assert says(pond) == "QUACK"


def test_a_pipe_in_the_place_of_the_memory(pond):
    path = pond.path / "parts/.poach.json"
    path.unlink()
    os.mkfifo(path)

    for _ in range(2):
        assert not is_warm(pond)
    assert says(pond) == "QUACK"


def test_a_run_that_fails_is_no_memory(index, project):
    add_quick_pond(index)
    made = project(CFG)
    made.write(DIFF, BROKEN)
    made.run(expect=1)

    assert not (made.path / "parts/.poach.json").exists()


# -- what is never remembered


def test_a_warning_is_told_in_each_run(index, project):
    add_quick_pond(index)
    made = project(CFG + "\n    [patches]\n    idle = idle.patch\n")
    made.write(DIFF, LOUD)
    made.write("idle.patch", WIDE)
    for _ in range(3):
        assert "no pin uses idle" in run(made).output


def test_patches_that_packages_ask_for_come_in_between(index, project):
    """The first package that asks shows up in a run that would have been warm."""
    add_quick_pond(index)
    made = project(CFG.replace("eggs = pond", "eggs = pond\n        asker"))
    rewrite(made.path / "buildout.cfg", "[app]", "develop = asker\n[app]")
    made.write(DIFF, LOUD)
    made.write("patches/pond/wide.patch", WIDE)
    made.write("asker/setup.py", ASKER % "install_requires=['pond']")
    made.run()
    assert is_warm(made)
    assert made.script("pond").stdout.split()[:2] == ["QUACK", "1"]

    made.write("asker/setup.py", ASKER % "install_requires=['pond[wide]']")

    for _ in range(3):
        result = run(made)
        assert result.stdout.split()[-1] == "COLD"
        assert "+loud.wide.p" in result.output
        assert made.script("pond").stdout.split()[:2] == ["QUACK", "2"]

    made.write("asker/setup.py", ASKER % "install_requires=['pond']")
    run(made)
    assert made.script("pond").stdout.split()[:2] == ["QUACK", "1"]
    assert is_warm(made)


def test_a_request_that_nobody_grants_comes_in_between(index, project):
    add_quick_pond(index)
    made = project(CFG.replace("eggs = pond", "eggs = pond\n        asker"))
    rewrite(made.path / "buildout.cfg", "[app]", "develop = asker\n[app]")
    made.write(DIFF, LOUD)
    made.write("asker/setup.py", ASKER % "install_requires=['pond']")
    made.run()
    assert is_warm(made)

    made.write("asker/setup.py", ASKER % "install_requires=['pond[moat]']")

    assert "asker 1 asks for pond +moat" in run(made, expect=1).error
    assert says(made) == "QUACK"


def test_an_egg_that_nothing_needed_before(index, project):
    """Its pin has no build key in the memory; a part of the next run needs it."""
    add_quick_pond(index)
    add_quick_pond(index, "moor")
    made = project(CFG.replace("pond = 1.0 +loud", "pond = 1.0\n    moor = 1.0 +loud"))
    rewrite(made.path / "buildout.cfg", "eggs = pond", "eggs = asker")
    rewrite(made.path / "buildout.cfg", "[app]", "develop = asker\n[app]")
    made.write("patches/moor/loud.patch", LOUD)
    made.write("asker/setup.py", ASKER % "install_requires=[]")
    made.run()
    warm = run(made)
    assert "WARM" in warm.stdout
    assert "Patched pins that nothing asked for: moor" in warm.output

    made.write("asker/setup.py", ASKER % "install_requires=['moor']")
    built = run(made)

    assert "Patched eggs in use: moor 1.0+loud.p" in built.output
    assert is_warm(made)


def test_a_develop_egg_that_comes_in_between(pond):
    assert TAGGED in run(pond).output
    pond.write("checkout/src/pond/__init__.py", "def main():\n    print('bark')\n")
    setup = (
        "from setuptools import setup\nsetup(name='pond', version='1.0', "
        "package_dir={'': 'src'}, packages=['pond'], "
        "entry_points={'console_scripts': ['pond=pond:main']})\n"
    )
    pond.write("checkout/setup.py", setup)
    rewrite(pond.path / "buildout.cfg", "[app]", "develop = checkout\n[app]")

    outputs = [run(pond).output for _ in range(3)]

    assert outputs[1].replace("COLD", "WARM") == outputs[2]
    assert all("The develop egg of pond 1.0" in output for output in outputs)
    assert says(pond) == "bark"


def test_a_plain_egg_that_is_there(index, pond):
    add_plain_pond(index)
    made = pond
    made.run("buildout:extensions=", "versions:pond=1.0")
    assert says(made) == "quack"

    run(made)

    assert says(made) == "QUACK"


def test_a_part_that_builds_one_egg_is_read_in_each_run(index, project):
    add_quick_pond(index)
    made = project(CFG.replace("parts = app", "parts = pond app"))
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[pond]\nrecipe = poach:egg\n")
    made.write(DIFF, LOUD)
    for _ in range(3):
        assert not is_warm(made)
    assert says(made) == "QUACK"


def test_whose_signatures_count_is_read_in_each_run(index, project):
    """The file may lose a key, and an egg that it has signed is not to be used then."""
    add_quick_pond(index)
    trusting = "parts = app\n    patched-eggs-trusted-keys = keys"
    made = project(CFG.replace("parts = app", trusting))
    made.write("keys", f"{PublicKey(bytes(32))}\n")
    made.write(DIFF, LOUD)
    for _ in range(3):
        assert not is_warm(made)


def test_how_a_remote_store_is_used_is_read_in_each_run(index, project):
    """Keys are files, and what is wrong with them is told at load."""
    add_quick_pond(index)
    remote = "parts = app\n    patched-eggs-url = http://127.0.0.1:9/"
    made = project(CFG.replace("parts = app", remote))
    made.write(DIFF, LOUD)
    for _ in range(3):
        assert not is_warm(made)


def test_a_substitute_that_comes_in_between(index, pond):
    add_quick_pond(index, "moor")
    add_app(index, "asker", "pond")
    rewrite(pond.path / "buildout.cfg", "pond = 1.0 +loud", "moor = 1.0")
    with (pond.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[substitutes]\npond = moor\n")
    for _ in range(2):
        assert not is_warm(pond)
    assert not (pond.path / "parts/.poach.json").exists()


def test_an_extension_that_takes_a_pin_away(index, project):
    add_quick_pond(index)
    add_plain_pond(index)
    group = {"group": "zc.buildout.extension", "entry": "load"}
    add_plugin(index, "blanker", BLANKER, **group)
    extensions = "extensions = poach blanker"
    made = project(CFG.replace("extensions = poach", extensions))
    made.write(DIFF, LOUD)

    for _ in range(3):  # eggs load in another order when they are there already
        run(made)
        assert says(made) == "quack"


def test_the_collector_still_takes_what_comes_later(pond):
    """It is only relieved of what was there when the extension was loaded."""
    script = RUN + (
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
    run(pond)
    assert is_warm(pond)

    add_a_diff_for_the_version(pond)

    assert not is_warm(pond)
    assert says(pond) == "quuck"


def test_a_pipe_where_a_series_might_be(pond):
    (pond.path / "patches/pond/odd").mkdir()
    os.mkfifo(pond.path / "patches/pond/odd/series")

    for _ in range(2):
        assert not is_warm(pond)
    assert says(pond) == "QUACK"


def test_a_pipe_in_the_place_of_the_diff(pond):
    remove_the_diff(pond)
    os.mkfifo(pond.path / DIFF)

    assert "Unknown patch 'loud'" in run(pond, expect=1).error  # and does not wait


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop its powers")
def test_a_folder_of_patches_that_may_not_be_read_and_need_not(index, project):
    add_quick_pond(index)
    made = project(CFG + "\n    [patches]\n    loud = loud.patch\n")
    made.write("loud.patch", LOUD)
    made.write("patches/pond/loud.patch", SOFT)
    (made.path / "patches").chmod(0)
    command = [made.environment.program("python"), "-c", RUN]

    for _ in range(2):
        told = subprocess.check_output(
            command, cwd=made.path, env=made.variables, preexec_fn=drop_powers
        )
        assert told.split()[-1] == b"COLD"
    assert says(made) == "QUACK"


def test_what_packages_asked_for_elsewhere_counts_for_one_part(index, project):
    """Notes go by the folder of a buildout, and memories by parts-directory."""
    add_quick_pond(index)
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
    run(made)
    assert is_warm(made)
    run(made, "-c", "other.cfg")

    result = run(made, "install", "app")

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
    add_quick_pond(index)
    add_pond(index, "moor")
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
        run(made)

    made.write("what", "pond")

    assert "Built pond 1.0+loud" in run(made).output


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
    add_quick_pond(index)
    add_plugin(index, "changing", CHANGING)
    made = project(CFG.replace("parts = app", "parts = change app"))
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[change]\nrecipe = changing\n")
    made.write(DIFF, LOUD)
    made.run()
    assert is_warm(made)

    remove_the_entry(made)

    assert "Built pond 1.0+loud" in run(made).output


def test_a_change_that_comes_up_when_all_is_done(index, pond):
    """A part updates the patches; the use is to be noted, for a day has gone."""
    add_plugin(index, "editing", EDITING % DIFF)
    rewrite(pond.path / "buildout.cfg", "parts = app", "parts = app edit")
    with (pond.path / "buildout.cfg").open("a") as cfg:
        cfg.write("\n[edit]\nrecipe = editing\n")
    for _ in range(2):
        pond.write("diff", LOUD)
        pond.write("what", "pond")
        run(pond)
    (note,) = (pond.path / "patched-eggs/2/.known/buildouts").glob("*.json")
    facts = json.loads(note.read_text())
    note.write_text(json.dumps({**facts, "at": facts["at"] - 25 * 3600}))
    pond.write("diff", SOFT)

    assert "Patched eggs in use: pond 1.0+loud.p" in run(pond).output
    pond.write("diff", SOFT)
    assert not is_warm(pond)
    assert says(pond) == "quuck"


@pytest.mark.parametrize("module", ["naming.py", "buildout/settings.py"])
def test_another_module_of_poach_starts_anew(pond, module):
    find = "import poach; print(poach.__file__)"
    found = pond.command(pond.environment.program("python"), "-c", find)
    path = Path(found.stdout.strip()).parent / module
    before = path.stat()
    try:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        assert not is_warm(pond)
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_store_that_has_become_a_file(pond):
    remove_the_store(pond)
    (pond.path / "patched-eggs").write_text("")

    result = run(pond, "buildout:parts=app", expect=1)

    assert "is no folder" in result.error
    assert "Updating" not in result.stdout
