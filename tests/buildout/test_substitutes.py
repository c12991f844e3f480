"""One project stands in for another, for whoever requires it."""

import json

import pytest

from support.pond import LOUD, add_pond

CFG = """
    [buildout]
    extensions = poach
    index = %(index)s
    parts = app

    [app]
    recipe = zc.recipe.egg
    eggs = app
    interpreter = py

    [substitutes]
    Lake.X = pond

    [versions]
    pond = 1.0
    """

#: `pkg_resources` is where zc.buildout finds its own: in setuptools or in itself.
ASK = """
import json, warnings
warnings.simplefilter("ignore")
from importlib.metadata import distribution, requires, version
names = ["lake.x", "Lake-X", "lake_x"]
answer = {"versions": [version(name) for name in names], "requires": requires("lake-x")}
answer["name"] = distribution("lake-x").metadata["Name"]
answer["points"] = [point.value for point in distribution("lake-x").entry_points]
try:
    import zc.buildout.easy_install
except ImportError:
    pass
try:
    import pkg_resources
except ImportError:
    pass
else:
    answer["required"] = [dist.key for dist in pkg_resources.require("lake.x")]
    main = pkg_resources.load_entry_point("Lake.X", "console_scripts", "pond")
    answer["loaded"] = main.__module__
print(json.dumps(answer))
"""


@pytest.fixture
def lake(index, project):
    """A project whose app requires a lake that is on no index."""
    add_pond(index)
    app(index, "lake.x >=0.5")
    return lambda cfg=CFG, name="project": project(cfg, name)


def app(index, *requires):
    index.add_wheel(
        "app",
        "1.0",
        {"app.py": "from pond import main\n"},
        requires=requires,
        entry_points={"console_scripts": ["app = app:main"]},
    )


def says(made):
    return made.script("app").stdout.split()[0]


@pytest.mark.every_buildout
def test_whoever_requires_a_project_gets_its_substitute(lake, index):
    made = lake()

    result = made.run()

    assert says(made) == "quack"
    assert "Couldn't find" not in result.output
    assert not [path for path in index.requests if "lake" in path]


@pytest.mark.matrix
def test_metadata_at_run_time(lake):
    made = lake()
    made.run()

    answer = json.loads(made.script("py", "-c", ASK).stdout)

    assert answer.pop("required", ["lake.x", "pond"]) == ["lake.x", "pond"]
    assert answer.pop("loaded", "pond") == "pond"
    assert answer == {
        "versions": ["1.0"] * 3,
        "requires": ["pond==1.0"],
        "name": "Lake.X",
        "points": ["pond:main"],
    }


@pytest.mark.matrix
def test_a_part_of_a_project_gets_the_scripts_of_its_substitute(lake):
    made = lake(CFG.replace("eggs = app", "eggs = lake.x"))

    made.run()

    assert made.script("pond").stdout.startswith("quack")


def test_a_patched_substitute_has_its_scripts_too(lake):
    """Its egg is not there yet when parts are asked what they need."""
    cfg = CFG.replace("eggs = app", "eggs = lake.x").replace("= 1.0", "= 1.0 +loud")
    made = lake(cfg)
    made.write("patches/pond/loud.patch", LOUD)

    for _ in range(2):
        made.run()
        assert made.script("pond").stdout.startswith("QUACK")


def test_a_run_says_which_substitutes_are_in_use(lake):
    made = lake()

    for _ in range(2):
        assert "Substitutes in use: pond 1.0 for Lake.X\n" in made.run().stdout


UNUSED = "[substitutes]: nothing requires Sea (buildout.cfg:14), bay (buildout.cfg:15)"
MORE = CFG.replace("= pond\n", "= pond\n    Sea = pond\n    bay = pond ==1.0\n")


@pytest.mark.matrix
def test_substitutes_of_projects_that_nobody_requires_are_reported(lake):
    made = lake(MORE)

    for _ in range(2):
        assert made.run().output.count(f"{UNUSED}\n") == 1
    assert "[substitutes]" not in made.run("buildout:patch-unused=ignore").output
    assert made.run("buildout:patch-unused=error", expect=1).error == UNUSED


def test_a_run_of_one_part_does_not_tell_that(lake):
    other = "    [other]\n    recipe = zc.recipe.egg:eggs\n    eggs = pond\n"
    cfg = MORE.replace("parts = app", "parts = app other")
    made = lake(cfg.replace("    [versions]", f"{other}\n    [versions]"))

    assert "nothing requires" not in made.run("install", "app").output
    assert "nothing requires" in made.run().output


def test_the_commands_do_not_tell_that_either(lake):
    assert "nothing requires" not in lake(MORE).poach("list").output


@pytest.mark.every_buildout
def test_the_second_run_and_offline(lake, index):
    made = lake()
    made.run()
    index.requests.clear()
    before = made.snapshot("bin", "patched-eggs/2/.aliases")

    made.run("-N")

    assert made.snapshot("bin", "patched-eggs/2/.aliases") == before
    assert not [path for path in index.requests if "pond" in path]
    assert says(made) == "quack"


@pytest.mark.matrix
def test_the_substitute_may_be_patched(lake):
    made = lake(CFG.replace("pond = 1.0", "pond = 1.0 +loud"))
    made.write("patches/pond/loud.patch", LOUD)

    made.run()

    assert says(made) == "QUACK"


def test_a_version_in_the_entry(lake, index):
    add_pond(index, version="0.9")
    made = lake(
        CFG.replace("= pond", "= pond ==0.9").replace("pond = 1.0", "app = 1.0")
    )

    made.run()

    assert "pond-0.9" in (made.path / "bin" / "app").read_text()


@pytest.mark.matrix
@pytest.mark.parametrize("other", ["nowhere", "pond ==7"])
def test_a_substitute_that_is_nowhere(lake, other):
    made = lake(CFG.replace("X = pond", f"X = {other}").replace("pond = 1.0", ""))

    assert made.run(expect=1).error == (
        f"Couldn't find a distribution for {other!r}, the substitute of lake.x (see "
        "[substitutes], buildout.cfg:13), which app requires; correct the entry, or "
        "see that index or find-links has it"
    )


def test_extras_pass_through(lake, index):
    index.add_wheel("fish", "1.0", {"fish.py": ""})
    index.add_wheel("sea", "1.0", {"sea.py": ""}, extras={"fish": ["fish"]})
    app(index, "lake.x[fish]", "pond")
    made = lake(CFG.replace("= pond\n", "= sea\n"))

    made.run()

    script = (made.path / "bin" / "app").read_text()
    assert "/fish-1.0" in script
    assert "/sea-1.0" in script


def test_a_chain(lake):
    cfg = CFG.replace("[versions]", "Puddle = lake_x\n\n    [versions]")
    made = lake(cfg.replace("eggs = app", "eggs = app\n           puddle"))

    made.run()

    assert says(made) == "quack"
    assert "/Puddle-1.0" in (made.path / "bin" / "app").read_text()


@pytest.mark.matrix
def test_a_version_that_somebody_does_not_want(lake, index):
    app(index, "lake.x >=2")

    error = lake().run(expect=1).error

    assert error == (
        "app requires lake.x>=2, and its substitute pond has version 1.0; choose "
        "another version of that, or take the entry out of [substitutes]"
    )


def test_a_second_one_who_does_not_want_it(lake, index):
    index.add_wheel("other", "1.0", {"other.py": ""}, requires=["lake-x <1"])
    app(index, "lake.x", "other")

    assert "other requires lake-x<1, and its substitute pond" in (
        lake().run(expect=1).error
    )


def test_a_part_that_asks_for_both(lake):
    made = lake(CFG.replace("eggs = app", "eggs = Lake-X\n           pond"))

    assert made.run(expect=1).error == (
        "A part asks for Lake-X and for pond, which takes its place (see "
        "[substitutes]); name one of them"
    )


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            "a = b\n    b = a",
            "[substitutes] b (buildout.cfg:14): it goes in a circle: b -> a -> b",
        ),
        ("a = A", "[substitutes] a (buildout.cfg:13): it goes in a circle: a -> a"),
        ("a =", "[substitutes] a (buildout.cfg:13): '' is no requirement, as"),
        ("a = b; c", "'b; c' is no requirement"),
        ("a = b @ file:///x", "has a URL or a marker"),
        ("a = setuptools", "this very buildout runs on it"),
        ("requests = a", "this very buildout runs on it"),
        ("a-b = x\n    A.b = y", "A.b (buildout.cfg:14): the same project as another"),
        ("pond = x", "pond is pinned with patches, which nobody gets"),
    ],
)
def test_entries_that_cannot_be(lake, entries, message):
    made = lake(CFG.replace("Lake.X = pond", entries).replace("1.0", "1.0 +loud"))
    made.write("patches/pond/loud.patch", LOUD)

    assert message in made.run(expect=1).error


def test_a_part_that_patches_what_has_a_substitute(lake):
    more = """
    [lake]
    recipe = poach:egg
    egg = Lake.X
    version = 1.0
    patches = loud
    """
    made = lake(CFG.replace("parts = app", "parts = app lake") + more)
    made.write("patches/lake-x/loud.patch", LOUD)

    assert made.run(expect=1).error == (
        "[lake]: lake-x has a substitute: nobody would get its patches"
    )


# -- substitutes that require what they stand in for, and are asked for patches


def dependent(requires):
    return {
        "requires": [requires],
        "entry_points": {"console_scripts": ["app = app:main"]},
    }


OTHER = """
    [buildout]
    extensions = poach
    index = %(index)s
    parts = app
    OPTIONS

    [app]
    recipe = zc.recipe.egg
    eggs = app

    [substitutes]
    xx = yy

    [versions]
    app = 1.0
    yy = 1.0
    """


@pytest.mark.matrix
@pytest.mark.parametrize("requires", ["xx", "plugin"])
def test_a_substitute_that_requires_what_it_stands_in_for(index, project, requires):
    index.add_wheel("plugin", "1.0", {"plugin.py": ""}, requires=["xx"])
    files = {"yy.py": "def main(): print('yy')\n"}
    index.add_wheel("yy", "1.0", files, requires=[requires])
    index.add_wheel(
        "app", "1.0", {"app.py": "from yy import main\n"}, **dependent("xx >=1")
    )
    made = project(OTHER.replace("OPTIONS", ""))

    made.run()

    assert says(made) == "yy"


def test_substitutes_where_no_version_may_be_picked(index, project):
    index.add_wheel("yy", "1.0", {"yy.py": "def main(): print('yy')\n"})
    index.add_wheel(
        "app", "1.0", {"app.py": "from yy import main\n"}, **dependent("xx >=1")
    )
    pinned = "zc.buildout =\n    zc.recipe.egg ="
    cfg = OTHER.replace("OPTIONS", "allow-picked-versions = false")
    made = project(cfg.replace("yy = 1.0", f"yy = 1.0\n    {pinned}"))

    result = made.run()

    assert "Picked" not in result.output
    assert says(made) == "yy"


@pytest.mark.matrix
def test_a_patch_that_is_asked_for_through_a_substitute(index, project):
    add_pond(index, "yy")
    index.add_wheel(
        "app", "1.0", {"app.py": "from pond import main\n"}, **dependent("xx[loud]")
    )
    made = project(OTHER.replace("OPTIONS", ""))
    made.write("patches/yy/loud.patch", LOUD)

    result = made.run()

    assert "Resolving again with yy 1.0 +loud (asked for by app 1.0)." in result.stdout
    assert says(made) == "QUACK"


@pytest.mark.matrix
@pytest.mark.parametrize("place", ["patches/xx/loud.patch", "patches/XX/1.0/loud.diff"])
def test_a_patch_that_is_registered_for_what_is_stood_in_for(index, project, place):
    add_pond(index, "yy")
    index.add_wheel(
        "app", "1.0", {"app.py": "from pond import main\n"}, **dependent("xx[loud]")
    )
    made = project(OTHER.replace("OPTIONS", ""))
    made.write(place, LOUD)

    result = made.run()

    assert "Resolving again with yy 1.0 +loud (asked for by app 1.0)." in result.stdout
    assert says(made) == "QUACK"


def test_an_entry_for_what_is_stood_in_for_counts_and_is_used(index, project):
    add_pond(index, "yy")
    index.add_wheel(
        "app", "1.0", {"app.py": "from pond import main\n"}, **dependent("xx[loud]")
    )
    cfg = OTHER.replace("OPTIONS", "").replace("xx = yy", "xx = zz\n    zz = yy")
    made = project(cfg + "[patches]\n    XX/loud = diffs/fix.diff\n")
    made.write("diffs/fix.diff", LOUD)

    result = made.run()

    assert says(made) == "QUACK"
    assert "no pin uses" not in result.output


def test_the_diff_of_the_substitute_itself_comes_first(index, project):
    add_pond(index, "yy")
    index.add_wheel("app", "1.0", {"app.py": ""}, requires=["xx[loud]"])
    made = project(OTHER.replace("OPTIONS", ""))
    made.write("patches/xx/loud.patch", "is not read")
    made.write("patches/yy/loud.patch", LOUD)

    made.run()


def test_a_request_that_nobody_grants_names_who_asks(index, project):
    add_pond(index, "yy")
    index.add_wheel("app", "1.0", {"app.py": ""}, requires=["xx[lout]"])
    made = project(OTHER.replace("OPTIONS", ""))

    assert made.run(expect=1).error == (
        "app 1.0 asks for yy +lout, which is neither an extra of yy nor a patch that "
        f"anything defines; looked in [patches], {made.path}/patches (no such folder)"
    )


def test_a_part_that_builds_what_nobody_would_get(index, project):
    index.add_wheel("yy", "1.0", {"yy.py": ""})
    cfg = OTHER.replace("OPTIONS", "").replace("recipe.egg\n", "recipe.egg:custom\n")
    made = project(cfg.replace("eggs = app", "egg = xx"))

    assert made.run(expect=1).error == (
        "A part builds xx, for which yy stands in (see [substitutes]): nobody would "
        "get what it builds"
    )
