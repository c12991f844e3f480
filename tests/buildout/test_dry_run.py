"""The dry run of parts changes nothing in a buildout: a look, no touch."""

import pytest

from support import Index
from support.pond import (
    BROKEN,
    LOUD,
    LOUD_C,
    add_app,
    add_cpond,
    add_plain_pond,
    add_plugin,
    add_pond,
)

#: Makes a part a folder with a header, and sets a variable.
MAKER = """
    import os

    class Recipe:
        def __init__(self, buildout, name, options):
            parts = buildout["buildout"]["parts-directory"]
            self.folder = options["location"] = os.path.join(parts, name)
        def install(self):
            os.makedirs(self.folder, exist_ok=True)
            with open(os.path.join(self.folder, "depth.h"), "w") as stream:
                stream.write("#define DEPTH 7")
            os.environ["BOG"] = "set by a part"
            return self.folder
        def update(self):
            os.environ["BOG"] = "set by a part"
    """

#: Installs what `what` names, given out one by one.
ITERATING = """
    from zc.buildout import easy_install

    class Recipe:
        def __init__(self, buildout, name, options):
            self.what = options.get("what", "").split()
            self.ours = buildout["buildout"]
        def install(self):
            ours = self.ours
            ws = easy_install.install(
                filter(None, self.what), ours["eggs-directory"], index=ours["index"],
                path=[ours["develop-eggs-directory"]])
            print("GOT", [str(dist) for dist in ws])
            return ()
        update = install
    """


def cfg(parts, sections, versions="", options=""):
    return f"""
    [buildout]
    extensions = poach
    index = %(index)s
    parts = {parts}
    {options}
    {sections}
    [versions]
    {versions}
    """


def egg(name, eggs, more=""):
    eggs = "\n           ".join(eggs.split())
    return f"[{name}]\n    recipe = zc.recipe.egg\n    eggs = {eggs}\n    {more}\n    "


def says(made, script):
    return made.script(script).stdout.split()[0]


def ask(index, name, *requires):
    points = {"console_scripts": [f"{name} = {name}:main"]}
    files = {f"{name}.py": "from pond import main\n"}
    index.add_wheel(name, "1.0", files, requires=requires, entry_points=points)


# -- what it must not download, build or run


@pytest.mark.matrix
def test_a_part_that_prepares_the_build_of_a_plain_egg(index, project):
    script = (
        "import os\nopen('bog.py', 'w').write("
        "'def main(): print(%r)' % os.environ.get('BOG'))\n"
        "from setuptools import setup\nsetup(name='bog', version='1.0', "
        "py_modules=['bog'], entry_points={'console_scripts': ['bog=bog:main']})\n"
    )
    index.add_sdist("bog", "1.0", {"setup.py": script})
    add_plugin(index, "maker", MAKER)
    sections = "[lib]\n    recipe = maker\n    " + egg("app", "bog")
    made = project(cfg("lib app", sections))

    made.run()

    assert made.script("bog").stdout == "set by a part\n"


def test_a_part_that_fills_the_folder_of_links(index, project):
    """What an index was like before must not be remembered."""
    ask(index, "meek")
    add_pond(index)
    source = """
        import os, shutil

        class Recipe:
            def __init__(self, buildout, name, options):
                self.wheel, self.to = options["wheel"], options["to"]
            def install(self):
                os.makedirs(self.to, exist_ok=True)
                shutil.copy(self.wheel, self.to)
                return ()
            update = install
        """
    add_plugin(index, "copier", source)
    (wheel,) = (index.root / "files" / "meek").glob("*.whl")
    there = wheel.rename(index.root / wheel.name)
    sections = (
        "[copy]\n    recipe = copier\n    to = ${buildout:directory}/links\n    "
        f"wheel = {there}\n    "
        + egg("app", "meek pond", "find-links = ${buildout:directory}/links")
    )
    made = project(cfg("copy app", sections, "pond = 1.0 +loud"))
    made.write("patches/pond/loud.patch", LOUD)

    made.run()

    assert says(made, "meek") == "QUACK"


def test_an_egg_that_came_from_the_index_of_another_part(index, project, tmp_path):
    """As in a plain buildout that is not to look for newer ones."""
    for name, version in (("xxx", "1.0"), ("yyy", "2.0")):
        index.add_wheel(name, version, {f"{name}.py": ""})
    with Index(tmp_path / "other") as other:
        other.add_wheel("yyy", "1.0", {"yyy.py": ""})
        sections = (
            egg("one", "xxx")
            + egg("two", "yyy", f"index = {other.url}")
            + egg("three", "yyy", "interpreter = three")
        )
        made = project(cfg("one two three", sections, options="newest = false"))

        made.run()

    assert "yyy-1.0" in (made.path / "bin/three").read_text()


@pytest.mark.matrix
def test_no_index_is_asked_after_a_part_that_may_do_anything(index, project):
    """What is there already tells, so the second run knows what the first could not."""
    add_pond(index)
    add_plain_pond(index)
    ask(index, "asker", "pond[loud]")
    add_app(index, "user", "pond")
    add_plugin(index, "iterating", ITERATING)
    sections = (
        "[t]\n    recipe = iterating\n    " + egg("a", "user") + egg("b", "asker")
    )
    made = project(cfg("t a b", sections, "pond = 1.0"))
    made.write("patches/pond/loud.patch", LOUD)

    first, second = made.run(expect=1), made.run()

    assert "but pond is already in use without it" in first.error
    assert says(made, "user") == says(made, "asker") == "QUACK"
    for result in (first, second, made.run("-N")):
        assert "pypi.org" not in result.output
        assert "Scanning index" not in result.output


def test_a_part_without_eggs_is_not_about_the_project_of_its_name(index, project):
    index.add_sdist("test", "6.6", {"setup.py": "raise SystemExit('strange')\n"})
    sections = "[test]\n    recipe = zc.recipe.egg\n    eggs =\n    interpreter = py\n"

    result = project(cfg("test", sections)).run()

    assert "test" not in [each.split("/")[-2] for each in index.requests]
    assert "Generated interpreter" in result.stdout


def test_what_is_picked_by_the_survey_is_not_counted(index, project):
    """A part makes a develop egg of it, so the one on the index is nobody's."""
    ask(index, "mine")
    sections = "[dev]\n    recipe = zc.recipe.egg:develop\n    setup = mine\n    "
    options = "show-picked-versions = true\n    update-versions-file = versions.cfg"
    made = project(cfg("dev app", sections + egg("app", "mine"), "", options))
    made.write("versions.cfg", "[versions]\n")
    made.write("mine/mine.py", "")
    made.write(
        "mine/setup.py",
        "from setuptools import setup\n"
        "setup(name='mine', version='0.1', py_modules=['mine'])\n",
    )

    made.run()

    assert "mine" not in (made.path / "versions.cfg").read_text()
    assert not list(made.path.glob("eggs/**/mine-1.0*"))


def test_options_that_nobody_uses_are_still_reported(index, project):
    add_plugin(index, "iterating", ITERATING)
    sections = "[r]\n    recipe = iterating\n    eggs = meek\n    find-links = x\n"

    result = project(cfg("r", sections)).run()

    assert "Section `r` contains unused option(s): 'eggs' 'find-links'." in (
        result.output
    )


# -- what parts get, all the same


@pytest.mark.matrix
def test_a_develop_egg_that_changes_while_parts_are_at_work(index, project):
    """What the dry run saw of it counts no more: it requires the pond now."""
    add_pond(index)
    sections = "[dev]\n    recipe = zc.recipe.egg:develop\n    setup = mine\n    "
    made = project(
        cfg("dev app", sections + egg("app", "mine"), "pond = 1.0 +loud"),
    )
    made.write("patches/pond/loud.patch", LOUD)

    def write(requires, body):
        made.write("mine/mine.py", body)
        made.write(
            "mine/setup.py",
            "from setuptools import setup\nsetup(name='mine', version='1.0', "
            f"py_modules=['mine'], install_requires={requires}, "
            "entry_points={'console_scripts': ['mine=mine:main']})\n",
        )

    write([], "def main(): print('alone')\n")
    made.run()
    write(["pond"], "from pond import main\n")

    result = made.run()

    assert says(made, "mine") == "QUACK"
    assert "Patched eggs in use: pond 1.0+loud.p" in result.stdout


@pytest.mark.matrix
def test_ignored_requests_leave_all_parts_what_they_require(index, project):
    add_pond(index)
    add_plain_pond(index)
    ask(index, "asker", "pond[loud]")
    add_app(index, "user", "pond")
    sections = egg("a", "user") + egg("b", "asker")
    made = project(cfg("b a", sections, "pond = 1.0", "patch-requests = ignore"))
    made.write("patches/pond/loud.patch", LOUD)

    for _ in range(2):
        made.run()
        assert says(made, "user") == "quack"


def with_custom(index, project, parts):
    """Make a project with a recipe of which nobody knows that it builds an egg."""
    add_cpond(index)
    source = """
        from zc.recipe.egg.custom import Custom

        class Recipe(Custom):
            pass
        """
    add_plugin(index, "mycustom", source, requires=("zc.recipe.egg",))
    sections = (
        "[cpond]\n    recipe = mycustom\n    eggs = cpond\n    define = WIDE\n    "
        + egg("app", "cpond")
    )
    made = project(cfg(parts, sections, "cpond = 1.0 +loud"))
    made.write("patches/cpond/loud.patch", LOUD_C)
    return made


def test_build_options_that_a_recipe_comes_up_with_at_work(index, project):
    made = with_custom(index, project, "cpond app")

    made.run()

    assert made.script("cpond").stdout == "volume 11 depth 0 width 4 level 0\n"


def test_build_options_that_come_too_late(index, project):
    """There is one egg of a project in a buildout."""
    made = with_custom(index, project, "app cpond")

    error = made.run(expect=1).error

    assert error == (
        "[a part for cpond]: builds cpond with define = WIDE, when others have it "
        "without"
    )


def test_a_folder_that_a_part_has_yet_to_make(index, project):
    """The egg waits for it: its key does not know what is in the folder."""
    add_cpond(index)
    add_plugin(index, "maker", MAKER)
    sections = (
        "[lib]\n    recipe = maker\n    [cpond]\n    recipe = poach:egg\n    "
        "patches = loud\n    include-dirs = ${lib:location}\n    " + egg("app", "cpond")
    )
    made = project(cfg("lib cpond app", sections, "cpond = 1.0"))
    made.write("patches/cpond/loud.patch", LOUD_C)

    made.run()

    assert made.script("cpond").stdout == "volume 11 depth 7 width 1 level 0\n"
    assert "Building" not in made.run().stdout


def test_requirements_that_can_be_read_only_once(index, project):
    add_plugin(index, "iterating", ITERATING)
    ask(index, "meek")
    add_pond(index)
    sections = "[r]\n    recipe = iterating\n    what = meek pond\n"
    made = project(cfg("r", sections, "pond = 1.0 +loud"))
    made.write("patches/pond/loud.patch", LOUD)

    result = made.run()

    (got,) = (line for line in result.stdout.splitlines() if "GOT" in line)
    assert "'meek 1.0'" in got
    assert "'pond 1.0+loud.p" in got


def test_what_a_part_got_that_is_no_part_any_more(index, project):
    add_plugin(index, "iterating", ITERATING)
    add_pond(index)
    sections = "[r]\n    recipe = iterating\n    what = pond\n    [q]\n" + (
        "    recipe = iterating\n"
    )
    made = project(cfg("r", sections, "pond = 1.0 +loud"))
    made.write("patches/pond/loud.patch", LOUD)
    made.run()
    made.write("patches/pond/loud.patch", BROKEN)

    result = made.run("buildout:parts=q")

    assert "Building" not in result.stdout


# -- who asks


@pytest.mark.every_buildout
def test_one_part_alone_keeps_what_others_ask_for(index, project):
    add_pond(index)
    add_plain_pond(index)
    ask(index, "asker", "pond[loud]")
    add_app(index, "user", "pond")
    sections = egg("a", "user") + egg("b", "asker")
    made = project(cfg("a b", sections, "pond = 1.0"))
    made.write("patches/pond/loud.patch", LOUD)
    made.run()

    result = made.run("install", "a")

    assert "pond 1.0 +loud stays as in the last run." in result.stdout
    assert says(made, "user") == "QUACK"
    assert "+loud (asked for by asker 1.0)" in made.poach("list").stdout


def test_a_failed_request_costs_no_part_and_is_reported_at_once(index, project):
    add_pond(index)
    add_plain_pond(index)
    add_app(index, "user", "pond")
    ask(index, "quiet", "pond[quiet]")
    ask(index, "other", "pond[other]")
    made = project(cfg("a b", egg("a", "user") + egg("b", "user"), "pond = 1.0"))
    made.write("patches/pond/loud.patch", LOUD)
    made.run()

    result = made.run("a:eggs=quiet", "b:eggs=other", expect=1)

    assert "quiet 1.0 asks for pond +quiet" in result.error
    assert "other 1.0 asks for pond +other" in result.error
    assert "Uninstalling" not in result.stdout


def test_options_of_a_part_for_a_patch_that_is_only_asked_for(index, project):
    add_cpond(index)
    ask(index, "asker", "cpond[loud]")
    sections = (
        "[cpond]\n    recipe = zc.recipe.egg:custom\n    egg = cpond\n    "
        "define = WIDE\n    " + egg("app", "cpond asker")
    )
    made = project(cfg("app cpond", sections, "cpond = 1.0"))
    made.write("patches/cpond/loud.patch", LOUD_C)

    result = made.run()

    assert result.stdout.count("Building cpond") == 1
    assert made.script("cpond").stdout == "volume 11 depth 0 width 4 level 0\n"


def test_who_requires_a_dependency_is_reported_as_before(index, project):
    ask(index, "meek")
    ask(index, "one", "meek")
    ask(index, "two", "meek")
    options = "show-picked-versions = true"
    made = project(cfg("a b", egg("a", "one") + egg("b", "two"), "", options))

    result = made.run()

    for name in ("one", "two"):
        assert f"# {name}==1.0" in result.output


@pytest.mark.parametrize("eggs", ["one two", "two one"])
def test_all_requesters_are_named(index, project, eggs):
    add_pond(index)
    ask(index, "one", "pond[loud]")
    ask(index, "two", "pond[loud]")
    made = project(cfg("app", egg("app", eggs), "pond = 1.0"))
    made.write("patches/pond/loud.patch", LOUD)

    result = made.run()

    assert "(asked for by one 1.0, two 1.0)." in result.stdout


def test_an_asker_that_needs_what_a_part_has_yet_to_build(index, project):
    add_pond(index)
    index.add_sdist("bog", "1.0", {"bog.py": ""}, setuptools=True)
    ask(index, "asker", "bog", "pond[loud]")
    sections = (
        "[bog]\n    recipe = zc.recipe.egg:custom\n    egg = bog\n    "
        + egg("a", "pond")
        + egg("b", "asker")
    )
    made = project(cfg("bog a b", sections, "pond = 1.0"))
    made.write("patches/pond/loud.patch", LOUD)

    made.run()

    assert says(made, "pond") == says(made, "asker") == "QUACK"


def test_a_recipe_with_a_version_is_seen(index, project):
    add_pond(index)
    ask(index, "asker", "pond[loud]")
    sections = "".join(
        f"[{name}]\n    recipe = zc.recipe.egg >=1\n    eggs = {name}\n    "
        for name in ("pond", "asker")
    )
    made = project(cfg("pond asker", sections, "pond = 1.0"))
    made.write("patches/pond/loud.patch", LOUD)

    made.run()

    assert says(made, "pond") == "QUACK"
