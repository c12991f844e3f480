"""Substitution: who gets patched code, who does not, and the messages about it."""

import json
import re
import shutil
import subprocess
from textwrap import dedent

import pytest

from support import dists, hermetic, snapshot
from support.pond import (
    BLANKER,
    CFG,
    LOUD,
    LOUD_C,
    SOURCE,
    WIDE,
    add_app,
    add_cpond,
    add_plain_pond,
    add_plugin,
    add_pond,
)


@pytest.fixture
def pond(index, project, warm):
    """Make a project with a warm store; the index has a pond, plain and to patch."""
    add_pond(index)
    add_plain_pond(index)

    def make(cfg=CFG, name="project", store="patched-eggs"):
        made = project(dedent(cfg), name)
        made.write("patches/pond/1.0/loud.patch", LOUD)
        shutil.copytree(warm, made.path / store, dirs_exist_ok=True)
        return made

    return make


def cfg(*, buildout="", versions="", parts="", app="recipe = zc.recipe.egg"):
    """A configuration: lines for its sections, and further sections."""
    return "\n".join(
        [
            "[buildout]",
            "extensions = poach",
            "index = %(index)s",
            "parts = app",
            dedent(buildout),
            "[app]",
            dedent(app),
            "eggs = pond",
            "[versions]",
            "pond = 1.0 +loud",
            dedent(versions),
            dedent(parts),
        ]
    )


def says(project, script="pond"):
    """The sound that a script of the project makes."""
    return project.script(script).stdout.split()[0]


def stored(project):
    """The entries of the project's store, as folders."""
    return sorted(project.path.glob("patched-eggs/2/[a-z]*/*/*"))


def keys(project):
    """The build options of each entry of the store."""
    found = [
        json.loads((e / "entry.json").read_bytes())["key"] for e in stored(project)
    ]
    return [(key["build-ext"], key["environment"]) for key in found]


def tagged(project):
    """The version of the patched pond."""
    (version,) = {entry.parent.name for entry in stored(project)}
    return version


# --- develop eggs


SETUP = """\
from setuptools import setup

setup(name={name!r}, version={version!r}, package_dir={{"": "src"}},
      packages=["pond"],
      entry_points={{"console_scripts": ["pond = pond:main"]}})
"""


def write_checkout(project, version, name="pond"):
    """Write a checkout to develop, which barks."""
    project.write("checkout/src/pond/__init__.py", "def main():\n    print('bark')\n")
    project.write("checkout/setup.py", SETUP.format(name=name, version=version))


@pytest.mark.every_buildout
def test_a_develop_egg_wins_and_is_named(pond):
    patched = pond(cfg(buildout="develop = checkout"))
    write_checkout(patched, "1.0")

    result = patched.run()

    # Buildout 6 sees a develop egg where its metadata is, the others in the checkout.
    (message,) = re.findall(
        "The develop egg of pond 1.0 at (.*) wins over", result.output
    )
    places = (patched.path / "develop-eggs", patched.path / "checkout" / "src")
    assert message in map(str, places)
    assert "Patched eggs in use" not in result.output
    assert says(patched) == "bark"


def test_a_develop_egg_of_a_dotted_project_wins(index, project):
    made = project(cfg(buildout="develop = checkout").replace("pond", "Big.Pond_x"))
    made.write("patches/big-pond-x/loud.patch", LOUD)
    write_checkout(made, "1.0", "Big.Pond_x")

    assert "wins over the pin 1.0 +loud." in made.run().output
    assert says(made) == "bark"


def test_a_develop_egg_of_another_version_does_not_win(pond):
    patched = pond(cfg(buildout="develop = checkout"))
    write_checkout(patched, "1.1")

    result = patched.run()

    assert "wins over" not in result.output
    assert says(patched) == "QUACK"


def test_a_develop_egg_that_goes_gives_way_to_the_pin(pond):
    patched = pond(cfg(buildout="develop = checkout"))
    write_checkout(patched, "1.0")
    patched.run()

    patched.run("buildout:develop=")

    assert says(patched) == "QUACK"


# --- requirements


def test_a_requirement_that_excludes_the_version(index, pond):
    add_app(index, "app", "pond >=2")
    patched = pond(CFG.replace("eggs = pond", "eggs = app"))

    result = patched.run(expect=1)

    version = tagged(patched)
    assert result.error == (
        "The requirement ('pond>=2') is not allowed by your [versions] constraint "
        f"({version})"
    )
    assert f"[versions] constraint on pond: {version}" in result.output
    assert "Requirement of app: pond>=2" in result.output


def test_a_requirement_written_in_the_part_itself(pond):
    patched = pond(CFG.replace("eggs = pond", "eggs = Pond ===1.0"))

    error = patched.run(expect=1).error

    assert error == (
        "A part or a recipe requires Pond===1.0, which compares the text of the "
        f"version (PEP 440), and {tagged(patched)} is another text; relax it to "
        "==1.0, or drop the patches from 'pond = 1.0 +loud'"
    )


def test_two_parts_of_which_one_pins_in_its_eggs(index, pond):
    add_app(index, "app", "pond")
    patched = pond(
        cfg(
            buildout="parts += other",
            parts="""
                [other]
                recipe = zc.recipe.egg
                eggs =
                    app
                    pond ==1.0
                """,
        )
    )

    patched.run()

    assert [says(patched, "app"), says(patched, "pond")] == ["QUACK", "QUACK"]


@pytest.mark.parametrize("spelling", ["Pond", "PoNd"])
def test_another_spelling_of_the_project_in_the_pin(pond, spelling):
    patched = pond(CFG.replace("pond = 1.0", f"{spelling} = 1.0"))

    patched.run()

    assert says(patched) == "QUACK"


@pytest.mark.parametrize(
    "pins", ["pond = 1.0 +loud\nPond = 1.0", "Pond = 1.0\npond = 1.0 +loud"]
)
def test_two_spellings_of_a_project_are_not_silently_unpatched(pond, pins):
    patched = pond(CFG.replace("    pond = 1.0 +loud", pins.replace("\n", "\n    ")))

    result = patched.run(expect=None)

    assert result.returncode == 1 or says(patched) == "QUACK"


def test_two_spellings_of_a_project_that_disagree(pond):
    """As of two layers; the live section would say one thing, the installer another."""
    patched = pond(CFG.rstrip() + "\n    Pond = 2.0\n")

    error = patched.run(expect=1).error

    assert "pond = 1.0 +loud" in error
    assert "Pond = 2.0" in error


def test_extras_of_a_patched_project(index, project):
    index.add_sdist(
        "duck",
        "1.0",
        {"duck.py": "def main():\n    import helper\n    print('quack', helper.x)\n"},
        extras={"help": ["helper"]},
        entry_points={"console_scripts": ["duck = duck:main"]},
    )
    index.add_wheel("helper", "1.0", {"helper.py": "x = 'help'\n"})
    made = project(
        CFG.replace("pond", "duck").replace("eggs = duck", "eggs = duck[help]")
    )
    made.write(
        "patches/duck/loud.patch",
        "--- a/duck.py\n+++ b/duck.py\n@@ -1,3 +1,3 @@\n def main():\n"
        "     import helper\n-    print('quack', helper.x)\n"
        "+    print('QUACK', helper.x)\n",
    )

    made.run()

    assert made.script("duck").stdout == "QUACK help\n"


# --- extensions and recipes


def test_a_later_reader_of_the_versions_sees_a_valid_one(index, pond):
    add_plugin(
        index,
        "reader",
        """
        import zc.buildout.easy_install

        def load(buildout):
            print("live", buildout["versions"]["pond"])
            print("raw", buildout._raw["versions"]["pond"])
            print("default", zc.buildout.easy_install.default_versions()["pond"])
            print("items", dict(buildout["versions"].items())["pond"])
            print("data", dict(buildout)["versions"]["pond"])

        class Recipe:
            def __init__(self, buildout, name, options):
                load(buildout)
                print("option", options["pin"])

            def install(self):
                return ()

            update = install
        """,
        group="zc.buildout.extension",
        entry="load",
    )
    patched = pond(cfg(buildout="extensions += reader"))

    for _ in range(2):
        out = patched.run().stdout
        seen = dict(re.findall("^(live|raw|default|items|data) (.*)$", out, re.M))
        version = tagged(patched)
        # An extension that happens to load first sees the pin as it is written.
        assert set(seen.values()) in ({version}, {"1.0 +loud"})


@pytest.mark.every_buildout
def test_an_extension_that_blanks_the_pin_for_a_develop_egg(index, pond):
    """As mr.developer does; eggs load in another order when they are there already."""
    group = "zc.buildout.extension"
    add_plugin(index, "blanker", BLANKER, group=group, entry="load")
    patched = pond(
        cfg(buildout="develop = checkout\nextensions += blanker"),
    )
    write_checkout(patched, "2.0.dev0")

    for _ in range(2):
        result = patched.run()

        message = (
            "pond is a develop egg (checkout/src), which wins over the pin 'pond = "
        )
        assert f"{message}1.0 +loud'.\n" in result.output
        assert "does not count" not in result.output
        assert "Patched pins that nothing asked for" not in result.output
        assert says(patched) == "bark"


def test_a_blanked_pin_without_a_develop_egg_is_reported(index, pond):
    """What buildout picks is not patched, nor is the store's egg picked by chance."""
    group = "zc.buildout.extension"
    add_plugin(index, "blanker", BLANKER, group=group, entry="load")
    patched = pond(cfg(buildout="extensions += blanker"))

    result = patched.run()

    assert (
        "The pin 'pond = 1.0 +loud' does not count where an extension or recipe has "
        "set the version to ''."
    ) in result.output
    assert says(patched) == "quack"


QUACKING = """
    import pond

    class Recipe:
        def __init__(self, buildout, name, options):
            print(name, "says", pond.sound(), "at first")

        def install(self):
            print("It says", pond.sound())
            return ()

        update = install
    """


@pytest.fixture
def beside_buildout(environment, home, wheelhouse, tmp_path):
    """Install wheels into the environment of buildout itself, for one test."""
    variables = hermetic(home, wheelhouse)
    names = []

    def pip(*args):
        python = environment.program("python")
        command = [str(python), "-m", "pip", *args]
        subprocess.run(command, env=variables, check=True, capture_output=True)

    def install(name, version, files, **details):
        path = tmp_path / dists.wheel_name(name, version)
        path.write_bytes(dists.wheel(name, version, files, **details))
        pip("install", "--no-deps", "--force-reinstall", str(path))
        names.append(name)

    yield install
    pip("uninstall", "--yes", *names)


def test_a_recipe_beside_buildout_with_its_dependency(pond, beside_buildout):
    """Buildout finds the recipe at once, and asks nothing about its requirements."""
    beside_buildout("pond", "1.0", {"pond/__init__.py": SOURCE})
    beside_buildout(
        "quacking",
        "1.0",
        {"quacking.py": QUACKING},
        requires=["pond"],
        entry_points={"zc.buildout": ["default = quacking:Recipe"]},
    )
    patched = pond(cfg(app="recipe = quacking"))

    result = patched.run(expect=None)

    assert "quack" not in result.stdout
    assert result.returncode or "It says QUACK" in result.stdout


def test_a_dependency_of_a_recipe_of_a_recipe(index, pond):
    add_plugin(index, "quacking", QUACKING, requires=("middle",))
    index.add_wheel("middle", "1.0", {}, requires=["pond"])
    patched = pond(cfg(app="recipe = quacking"))

    assert "It says QUACK" in patched.run().stdout


ECHO = """
    class Recipe:
        def __init__(self, buildout, name, options):
            pass

        def install(self):
            print("It says quack")
            return ()

        update = install
    """

LOUDER = """\
--- a/echo.py
+++ b/echo.py
@@ -4,5 +4,5 @@

     def install(self):
-        print("It says quack")
+        print("It says QUACK")
         return ()

"""


@pytest.fixture
def echo(index, project):
    """A recipe that is patched itself."""
    source = dedent(ECHO).lstrip("\n")
    points = {"zc.buildout": ["default = echo:Recipe"]}
    index.add_sdist("echo", "1.0", {"echo.py": source}, entry_points=points)
    made = project(CFG.replace("pond", "echo").replace("zc.recipe.egg", "echo"))
    made.write("patches/echo/1.0/loud.patch", LOUDER)
    return made


def test_a_patched_recipe(echo):
    assert "It says QUACK" in echo.run().stdout
    assert "It says QUACK" in echo.run().stdout
    assert "It says QUACK" in echo.run("-o").stdout


def test_a_patched_recipe_whose_plain_one_is_beside_buildout(echo, beside_buildout):
    points = {"zc.buildout": ["default = echo:Recipe"]}
    beside_buildout("echo", "1.0", {"echo.py": dedent(ECHO)}, entry_points=points)

    assert "It says QUACK" in echo.run().stdout
    assert "It says QUACK" in echo.run().stdout


def test_a_recipe_loaded_before_the_extensions(index, pond):
    """[buildout] that refers to a part loads its recipe before any extension."""
    add_plugin(
        index,
        "early",
        """
        import pond

        class Recipe:
            def __init__(self, buildout, name, options):
                options["sound"] = pond.sound()

            def install(self):
                return ()

            update = install
        """,
        requires=("pond",),
    )
    patched = pond(
        cfg(
            buildout="sound = ${early:sound}\nparts += early",
            parts="[early]\nrecipe = early\n",
        )
    )

    result = patched.run(expect=None)

    assert result.returncode == 1
    assert "InvalidSpecifier" in result.output


INSTALLING = """
    import zc.buildout.easy_install as easy_install

    class Recipe:
        def __init__(self, buildout, name, options):
            self.buildout, self.options = buildout, options

        def install(self):
            buildout = self.buildout["buildout"]
            versions = None
            if "pin" in self.options:
                versions = dict(self.buildout["versions"], pond=self.options["pin"])
            if self.options.get("only") == "true":
                versions = {"unrelated": "1.0"}
            dest = buildout["eggs-directory"]
            path = [buildout["develop-eggs-directory"]]
            if self.options.get("how") == "working_set":
                ws = easy_install.working_set(["pond"], [*path, dest])
            else:
                ws = easy_install.install(
                    ["pond"], dest, index=buildout["index"], path=path,
                    versions=versions)
            (dist,) = [dist for dist in ws if dist.key == "pond"]
            print("It gets", dist.version)
            return ()

        update = install
    """


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", "tagged"),
        ("pin = ${versions:pond}", "tagged"),
        ("pin = 1.0 +loud", "tagged"),
        ("only = true", "tagged"),
        ("how = working_set", "tagged"),
        ("pin = 1.0", "tagged"),
        ("pin = 1.1", "1.1"),
        ("pin =", "1.1"),
    ],
)
def test_a_recipe_that_installs_by_itself(index, pond, options, expected):
    """With versions of its own it gets what it says, and a warning tells that.

    The store's egg is on sys.path here, for the recipe runs on it.
    """
    add_plain_pond(index, "1.1")
    source = "import pond\nassert pond.sound() == 'QUACK'\n" + dedent(INSTALLING)
    add_plugin(index, "installing", source, requires=("pond",))
    patched = pond(cfg(app=f"recipe = installing\n{options}"))

    result = patched.run()

    version = tagged(patched) if expected == "tagged" else expected
    assert f"It gets {version}\n" in result.stdout
    assert not list(patched.path.glob("eggs/**/*loud*"))
    assert ("does not count where an extension" in result.output) == (
        expected != "tagged"
    )


def test_a_recipe_with_a_patched_pin_of_its_own(index, pond):
    add_plugin(index, "installing", INSTALLING)
    patched = pond(cfg(app="recipe = installing\npin = 1.0 +wide"))

    assert patched.run(expect=1).error == (
        "The pin 'pond = 1.0 +wide' is not in the versions section that poach has "
        "read; put it there"
    )


@pytest.mark.parametrize("own", ["1.0 +loud", "1.0 +wide +loud"])
def test_a_recipe_with_a_part_of_the_pin_or_another_order(index, pond, own):
    """What it writes is another patch set than the one that poach has read."""
    add_plugin(index, "installing", INSTALLING)
    patched = pond(cfg(app=f"recipe = installing\npin = {own}"))
    patched.write("patches/pond/wide.patch", WIDE)

    error = patched.run("versions:pond=1.0 +loud +wide", expect=1).error

    assert error.startswith(f"The pin 'pond = {own}' is not in the versions section")


# --- zc.recipe.egg:custom


def custom(parts, **options):
    """A configuration with a part that builds the patched cpond with options."""
    lines = "".join(f"{key.replace('_', '-')} = {v}\n" for key, v in options.items())
    text = cfg(
        buildout=f"parts = {parts}",
        parts=f"[custom]\nrecipe = zc.recipe.egg:custom\negg = cpond\n{lines}"
        "[vars]\nCFLAGS = -DLEVEL=3\n",
    )
    return text.replace("eggs = pond", "eggs = cpond").replace("pond = 1", "cpond = 1")


@pytest.fixture
def cpond(index, project):
    """Make a project with a patched C extension, whose macros say how it was built."""
    add_cpond(index)

    def make(text):
        made = project(text)
        made.write("include/depth.h", "#define DEPTH 2\n")
        made.write("patches/cpond/loud.patch", LOUD_C)
        return made

    return make


@pytest.mark.every_buildout
def test_a_custom_part_on_a_patched_project(cpond):
    """One egg with these options, which the other parts get, and it stays stored."""
    options = {"include_dirs": "include", "define": "WIDE", "environment": "vars"}
    patched = cpond(custom("custom app", **options))
    patched.run()

    assert patched.script("cpond").stdout == "volume 11 depth 2 width 4 level 3\n"
    assert keys(patched) == [
        (
            {"define": "WIDE", "include-dirs": str(patched.path / "include")},
            {"CFLAGS": None},
        )
    ]
    assert not list(patched.path.glob("develop-eggs/*cpond*"))
    assert not list(patched.path.glob("eggs/**/*cpond*"))


WIDE_C = "volume 11 depth 0 width 4 level 0\n"


@pytest.fixture(scope="module")
def warm_wide(tmp_path_factory):
    """A folder that keeps the store of the first test for the others."""
    return tmp_path_factory.mktemp("wide") / "patched-eggs"


@pytest.fixture
def wide(cpond, warm_wide):
    """A buildout that has run, with a custom part."""
    made = cpond(custom("custom app", define="WIDE"))
    if warm_wide.exists():
        shutil.copytree(warm_wide, made.path / "patched-eggs")
    made.run()
    if not warm_wide.exists():
        shutil.copytree(made.path / "patched-eggs", warm_wide)
        # What the run noted is about this project alone.
        shutil.rmtree(warm_wide / "2" / ".known" / "buildouts")
    return made


def test_uninstalling_a_custom_part_leaves_the_store(wide):
    (egg,) = wide.path.glob("patched-eggs/2/cpond/*/*/*.egg")
    before = snapshot(egg, start=egg)

    wide.run("buildout:parts=", "-o")

    assert snapshot(egg, start=egg) == before
    assert not (wide.path / "bin" / "cpond").exists()


def test_the_second_run_of_a_custom_part_builds_nothing(wide):
    again = wide.run()

    assert "Building" not in again.output
    assert keys(wide) == [({"define": "WIDE"}, {})]
    assert wide.script("cpond").stdout == WIDE_C


def test_a_custom_part_behind_the_others(wide):
    """In plain buildout they get its egg from the second run on."""
    for _ in range(2):
        wide.run("buildout:parts=app custom")

    assert wide.script("cpond").stdout == WIDE_C


def test_a_custom_part_offline(wide):
    """There the recipe does nothing, and the others still get the egg it declares."""
    wide.run("-o")

    assert wide.script("cpond").stdout == WIDE_C


def test_one_part_by_name_gets_the_egg_of_the_custom_part(wide):
    wide.run("install", "app")

    assert wide.script("cpond").stdout == WIDE_C


# --- options of buildout


def test_picked_versions_do_not_list_a_patched_egg(index, pond):
    add_app(index, "app", "pond")
    patched = pond(
        cfg(
            buildout="""
                show-picked-versions = true
                update-versions-file = versions.cfg
                extends = versions.cfg
                """
        ).replace("eggs = pond", "eggs = app")
    )
    patched.write("versions.cfg", "[versions]\nzc.recipe.egg = 6.0.0\n")

    result = patched.run()

    picked = result.stdout.partition("[versions]")[2].partition("Patched")[0]
    assert "app = 1.0\n" in picked
    assert "pond" not in picked
    assert "app = 1.0" in (patched.path / "versions.cfg").read_text()
    assert "pond" not in (patched.path / "versions.cfg").read_text()


def test_picked_versions_are_not_allowed(pond):
    patched = pond(
        cfg(
            buildout="allow-picked-versions = false",
            versions="zc.recipe.egg = 6.0.0\nsetuptools =\nzc.buildout =",
        )
    )

    patched.run()

    assert says(patched) == "QUACK"


def test_abi_tags_leave_the_store_beside_the_eggs(pond):
    patched = pond(cfg(buildout="abi-tag-eggs = true"))

    patched.run()

    assert says(patched) == "QUACK"
    assert len(stored(patched)) == 1
    assert sorted(p.name for p in patched.path.glob("**/patched-eggs")) == [
        "patched-eggs"
    ]
    assert "not built" not in patched.poach("list").stdout


@pytest.mark.parametrize("version", ["v5", "mine", ""])
def test_the_store_is_beside_eggs_of_any_layout(pond, tmp_path, version):
    eggs = tmp_path / "shared" / "eggs"
    patched = pond(
        cfg(buildout=f"eggs-directory = {eggs}\neggs-directory-version = {version}"),
        store=eggs.parent / "patched-eggs",
    )

    patched.run()

    assert f"{eggs.parent}/patched-eggs/2/pond/" in patched.script("pond").stdout
    assert not (patched.path / "patched-eggs").exists()
    assert "not built" not in patched.poach("list").stdout
    assert not list(eggs.glob("**/*pond*"))


def test_relative_paths(pond, tmp_path):
    patched = pond(cfg(buildout="relative-paths = true"))
    patched.run()
    assert says(patched) == "QUACK"

    script = (patched.path / "bin" / "pond").read_text()

    assert "join(base, 'patched-eggs/2/pond/" in script


def shared(tmp_path, pin, more=""):
    return cfg(
        buildout=f"""
            eggs-directory = {tmp_path}/shared/eggs
            download-cache = {tmp_path}/shared/cache
            {more}
            """
    ).replace("1.0 +loud", pin)


@pytest.mark.parametrize("first", ["patched", "plain"])
def test_two_buildouts_that_share_all_folders(pond, tmp_path, first):
    (tmp_path / "shared" / "cache").mkdir(parents=True)
    store = tmp_path / "shared" / "patched-eggs"
    patched = pond(shared(tmp_path, "1.0 +loud"), "patched", store)
    plain = pond(shared(tmp_path, "1.0").replace("extensions = poach", ""), "plain")
    # What the store has forgotten is fetched again.
    shutil.rmtree(store / "2" / ".known" / "sdists")
    order = [patched, plain] if first == "patched" else [plain, patched]

    for one in [*order, order[0]]:
        one.run()

        assert says(one) == ("QUACK" if one is patched else "quack")

    cached = [p.name for p in (tmp_path / "shared/cache").rglob("*") if p.is_file()]
    upstream = {"pond-1.0-py3-none-any.whl", "pond-1.0.tar.gz"}
    assert {name for name in cached if "pond" in name} <= upstream
    assert not list((tmp_path / "shared" / "eggs").rglob("*loud*"))
    assert len(list((tmp_path / "shared" / "eggs").rglob("pond-1.0-*.egg"))) == 1


def test_poach_with_a_plain_pin_beside_a_patched_buildout(pond, tmp_path):
    """The same store, the same extension: only the pin says what is patched."""
    (tmp_path / "shared" / "cache").mkdir(parents=True)
    store = tmp_path / "shared" / "patched-eggs"
    patched = pond(shared(tmp_path, "1.0 +loud"), "patched", store)
    patched.run()
    plain = pond(shared(tmp_path, "1.0"), "plain", store)
    plain.run()

    assert [says(patched), says(plain)] == ["QUACK", "quack"]


# --- runs of other kinds


@pytest.mark.every_buildout
def test_a_bootstrapped_buildout(pond):
    patched = pond()
    patched.run("bootstrap")
    own = patched.path / "bin" / "buildout"

    result = patched.command(own)

    assert "Patched eggs in use: pond" in result.stdout
    assert says(patched) == "QUACK"


def test_one_part_by_name(index, pond):
    add_app(index, "app", "pond")
    patched = pond(
        cfg(parts="[other]\nrecipe = zc.recipe.egg\neggs = app\n"),
    )

    patched.run("install", "other")

    assert says(patched, "app") == "QUACK"
    assert not (patched.path / "bin" / "pond").exists()
    patched.run()
    patched.run("install", "app")
    assert says(patched) == "QUACK"


def test_not_newest(pond):
    patched = pond()

    patched.run("-N")
    assert says(patched) == "QUACK"
    patched.run("-N")
    assert says(patched) == "QUACK"


@pytest.mark.parametrize("newest", [(), ("-N",)])
def test_from_plain_to_patched_and_back(pond, newest):
    """No part is left behind on what it had before."""
    patched = pond()
    patched.run(*newest, "versions:pond=1.0")
    assert says(patched) == "quack"

    patched.run(*newest)
    assert says(patched) == "QUACK"
    patched.run(*newest, "versions:pond=1.0")
    assert says(patched) == "quack"


def test_a_failure_leaves_the_installed_parts_alone(pond):
    """Whatever the last run used is looked at before any part is uninstalled."""
    patched = pond()
    patched.run()
    before = patched.snapshot("bin", "patched-eggs/2/pond")

    for change in ("pond=1.0 +lout", "pond=1.1 +loud"):
        patched.run(f"versions:{change}", "app:dependent-scripts=true", expect=1)

    assert patched.snapshot("bin", "patched-eggs/2/pond") == before
    assert says(patched) == "QUACK"


def without_pond(index, pond):
    """A project with a pin that its one part, ``app``, does not need."""
    add_app(index, "app", "other")
    index.add_wheel("other", "1.0", {})
    return pond(cfg().replace("eggs = pond", "eggs = app"))


def test_what_a_changed_part_names_is_built_before_the_part_is_uninstalled(index, pond):
    """Plain buildout uninstalls it before it looks at its new requirements."""
    patched = without_pond(index, pond)
    patched.run()
    before = patched.snapshot("bin")
    assert (patched.path / "bin" / "app").exists()

    patched.write("patches/pond/1.0/loud.patch", LOUD.replace('"quack"', '"moo"'))
    patched.run("app:eggs=pond", expect=1)

    assert patched.snapshot("bin") == before


def test_a_requirement_that_comes_up_late_costs_no_part(index, pond):
    patched = without_pond(index, pond)
    add_app(index, "late", "pond")
    patched.run()
    before = patched.snapshot("bin"), patched.installed()
    patched.write("patches/pond/1.0/loud.patch", LOUD.replace('"quack"', '"moo"'))

    error = patched.run("app:eggs=late", expect=1).error

    assert error.startswith("Cannot patch pond 1.0:")
    assert (patched.snapshot("bin"), patched.installed()) == before


def test_pins_that_nothing_asked_for_are_named(index, pond):
    patched = without_pond(index, pond)

    lines = patched.run().output.splitlines()

    assert "Patched pins that nothing asked for: pond = 1.0 +loud" in lines


# --- what buildout has loaded before poach


EARLY = """
    import pond

    class Recipe:
        def __init__(self, buildout, name, options):
            options["sound"] = pond.sound()

        def install(self):
            return ()

        update = install


    def load(buildout):
        pond.sound()
"""
OWN = "[pond]\nrecipe = poach:egg\nversion = 1.0\npatches = loud\n"


@pytest.mark.parametrize(
    "buildout",
    [
        "sound = ${early:sound}\nparts += early pond",
        "extensions += early\nparts += pond",
    ],
)
def test_what_runs_since_before_poach_cannot_be_patched(index, pond, buildout):
    """A pin that only a part brings does not stop buildout when it loads the recipe."""
    index.add_wheel(
        "early",
        "1.0",
        {"early.py": dedent(EARLY)},
        requires=["pond"],
        entry_points={
            "zc.buildout": ["default = early:Recipe"],
            "zc.buildout.extension": ["default = early:load"],
        },
    )
    text = cfg(buildout=buildout, parts=f"[early]\nrecipe = early\n{OWN}")
    patched = pond(text.replace("pond = 1.0 +loud\n", ""))

    for _ in range(2):
        result = patched.run(expect=1)

        assert result.error.startswith("pond is to be 1.0 +loud, but pond 1.0 from ")
        assert "was loaded before poach" in result.error
    assert not (patched.path / "bin" / "pond").exists()


# --- more than one buildout in a process


TWICE = """\
import sys
from zc.buildout.buildout import main

for folder in sys.argv[1:]:
    try:
        main(["-c", folder + "/buildout.cfg", "-q"])
    except SystemExit as end:
        print("END", end.code)
"""


def test_a_buildout_that_failed_does_not_reach_into_the_next(index, pond, tmp_path):
    """It unloads no extension; what comes next in the process must not notice."""
    add_app(index, "app", "missing")
    failing = pond(
        cfg(app="recipe = zc.recipe.egg\neggs += app").replace("eggs = pond", "")
    )
    plain = pond(cfg().replace("extensions = poach", "").replace(" +loud", ""), "plain")
    again = pond(name="again")
    code = failing.write("twice.py", TWICE)

    result = failing.command(
        failing.environment.program("python"),
        *(str(code), *(str(made.path) for made in (failing, plain, again))),
    )

    assert result.stdout.count("END 1") == 1
    assert says(plain) == "quack"
    assert "patched-eggs" not in (plain.path / "bin" / "pond").read_text()
    assert says(again) == "QUACK"


# --- develop eggs and what is built ahead


@pytest.mark.parametrize("runs", [1, 2])
def test_a_develop_egg_does_not_need_the_patch_to_apply(pond, runs):
    """So it is for whoever mends the patch in a checkout."""
    patched = pond(cfg(buildout="develop = checkout"))
    write_checkout(patched, "1.0")
    patched.write("patches/pond/1.0/loud.patch", LOUD.replace('"quack"', '"moo"'))

    for _ in range(runs):
        result = patched.run()

    assert "Patched pins that nothing asked for" not in result.output
    assert says(patched) == "bark"


def test_a_patch_on_what_an_installed_part_needs_must_apply_first(index, pond):
    """Also where poach has never seen the buildout before."""
    add_app(index, "toad", "pond")
    text = cfg().replace("eggs = pond", "eggs = toad")
    plain = pond(text.replace("extensions = poach", "").replace(" +loud", ""))
    plain.run()
    before = plain.snapshot("bin"), plain.installed()
    plain.write("buildout.cfg", text.replace("%(index)s", index.url))
    plain.write("patches/pond/1.0/loud.patch", LOUD.replace('"quack"', '"moo"'))

    result = plain.run("app:dependent-scripts=true", expect=1)

    assert result.error.startswith("Cannot patch pond 1.0:")
    assert (plain.snapshot("bin"), plain.installed()) == before


def test_a_part_with_faults_of_its_own_does_not_stop_the_others(pond):
    more = "[bad]\nrecipe = zc.recipe.egg:custom\neggs = ${nosuch:eggs}\n"
    patched = pond(cfg(buildout="parts += bad", parts=more))

    patched.run("install", "app")

    assert says(patched) == "QUACK"
