"""The recipe poach:egg: a part that builds one patched egg, for all the others."""

import json
import shutil
from textwrap import dedent

import pytest

from support.pond import (
    LOUD,
    LOUD_C,
    TAGGED,
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

    def make(text):
        made = project(text)
        made.write("patches/pond/1.0/loud.patch", LOUD)
        made.write("patches/pond/wide.patch", WIDE)
        shutil.copytree(warm, made.path / "patched-eggs")
        return made

    return make


def cfg(part="", *, versions="", parts="pond app", extensions="poach", more=""):
    """A configuration: options of the part, lines of [versions], further sections."""
    return "\n".join(
        [
            "[buildout]",
            f"extensions = {extensions}",
            "index = %(index)s",
            f"parts = {parts}",
            "[pond]",
            "recipe = poach:egg",
            dedent(part),
            "[app]",
            "recipe = zc.recipe.egg",
            "eggs = pond",
            "[versions]",
            dedent(versions),
            dedent(more),
        ]
    )


OWN = "patches = loud\nversion = 1.0\n"
PINNED = "pond = 1.0 +loud"


def says(project, script="pond"):
    """The sound that a script of the project makes."""
    return project.script(script).stdout.split()[0]


def stored(project, name="pond"):
    """The entries of the project's store, as folders."""
    return sorted(project.path.glob(f"patched-eggs/2/{name}/*/*"))


@pytest.mark.parametrize(
    ("part", "versions"),
    [
        ("", PINNED),
        (OWN, ""),
        ("patches = loud", "pond = 1.0"),
        ("patches = +Loud", "Pond = ==1.0"),
        ("patches = loud\nversion = 1.0.0", PINNED),
        ("egg = Pond", PINNED),
    ],
)
def test_where_pin_and_patches_come_from(index, pond, part, versions):
    """Every part gets the egg, also those before it and what only requires it."""
    add_app(index, "quacker", "pond ==1.0")
    more = "[other]\nrecipe = zc.recipe.egg\neggs = quacker\n"
    made = pond(
        cfg(
            part,
            versions=versions,
            parts="other pond app",
            more=more,
        )
    )

    made.run()

    assert [says(made, "quacker"), says(made)] == ["QUACK", "QUACK"]
    assert not list(made.path.glob("eggs/**/*pond*"))
    assert len(stored(made)) == 1


def test_the_command_line_knows_what_parts_bring(pond):
    made = pond(cfg(OWN))

    (pin,) = json.loads(made.poach("list", "--json").stdout)

    assert (pin["project"], pin["built"]) == ("pond", True)
    assert [patch["name"] for patch in pin["patches"]] == ["loud"]
    assert (
        made.poach("build", "pond").stdout
        == f"pond {pin['tagged-version']} {pin['egg']}\n"
    )


@pytest.mark.parametrize("part", ["", OWN])
def test_what_other_sections_can_refer_to(pond, part):
    values = "${pond:version} ${pond:tagged-version} ${pond:patches} ${pond:location}"
    made = pond(cfg(part, versions="" if part else PINNED))
    text = (made.path / "buildout.cfg").read_text()
    made.write(
        "buildout.cfg",
        text.replace("eggs = pond", f"eggs = pond\ninitialization = print('{values}')"),
    )

    for _ in range(2):
        made.run()

        version, tagged, patches, location = (
            made.script("pond").stdout.splitlines()[0].split()
        )
        (entry,) = stored(made)
        (egg,) = entry.glob("*.egg")
        assert (version, patches) == ("1.0", "loud")
        assert tagged.startswith(TAGGED)
        assert tagged == entry.parent.name
        assert location == str(egg)


@pytest.mark.parametrize(
    ("part", "versions", "error"),
    [
        (
            "patches = wide",
            PINNED,
            "[pond]: pond is pinned to 1.0 +loud already, and not to 1.0 +wide",
        ),
        (
            "version = 1.1",
            PINNED,
            "[pond]: pond is pinned to 1.0 +loud already, and not to 1.1 +loud",
        ),
        (
            "",
            "pond = 1.0",
            "[pond] patches (buildout.cfg:6): pond has no patches: neither here nor in "
            "a pin; write 'patches = NAME' into [pond]",
        ),
        (
            "patches = loud",
            "",
            "[pond] version (buildout.cfg:6): pond has no version: neither here nor in "
            "a pin; write 'version = VERSION' into [pond]",
        ),
        (
            "egg = pond ==1.0",
            PINNED,
            "[pond] egg: 'pond ==1.0' is no project's name",
        ),
        (
            "patches = lout\nversion = 1.0",
            "",
            "Unknown patch 'lout' for pond 1.0 (buildout.cfg:7); "
            "looked in [patches], HERE/patches; did you mean 'loud'?",
        ),
        (
            "patches = loud loud\nversion = 1.0",
            "",
            "Malformed pin 'pond = 1.0 +loud +loud' (buildout.cfg:7): patch 'loud' is "
            "named twice; a patched pin is 'pond = VERSION +PATCH ...'",
        ),
        (
            "patches = wide +Loud",
            "pond = 1.0 -loud",
            "[pond] patches (buildout.cfg:7): the pin 'pond = 1.0 -loud' "
            "(buildout.cfg:12) refuses 'Loud'; take it out of one of them",
        ),
        (
            "patches = wide loud",
            "pond = 1.0 +wide -loud",
            "[pond] patches (buildout.cfg:7): the pin 'pond = 1.0 +wide -loud' "
            "(buildout.cfg:12) refuses 'loud'; take it out of one of them",
        ),
        (
            OWN.replace("loud", "wide"),
            PINNED,
            "[pond]: pond is pinned to 1.0 +loud already, and not to 1.0 +wide",
        ),
    ],
)
def test_refused(pond, part, versions, error):
    made = pond(cfg(part, versions=versions))

    assert made.run(expect=1).error.replace(str(made.path), "HERE") == error


def test_what_the_pin_refuses_is_refused_to_packages_too(index, pond):
    add_app(index, "asker", "pond[wide]")
    more = "[other]\nrecipe = zc.recipe.egg\neggs = asker\n"
    part = "patches = loud"
    made = pond(cfg(part, versions="pond = 1.0 -wide", parts="pond other", more=more))

    assert made.run(expect=1).error == (
        "asker 1.0 asks for pond +wide, which the pin 'pond = 1.0 +loud -wide' "
        "refuses; remove that refusal, or set 'patch-requests = ignore' to run without "
        "the patch"
    )


def test_a_part_and_a_plain_pin_that_disagree_on_the_version(pond):
    made = pond(cfg(OWN, versions="pond = 1.1"))

    assert made.run(expect=1).error == (
        "[pond]: pond is pinned to 1.1 already, and not to 1.0 +loud"
    )


def test_what_runs_buildout_cannot_be_patched_by_a_part(pond):
    made = pond(cfg("egg = idna\nversion = 1.0\npatches = loud"))
    made.write("patches/idna/loud.patch", LOUD)

    assert made.run(expect=1).error == (
        "Pin 'idna = 1.0 +loud' (buildout.cfg:9): idna runs this very buildout and "
        "cannot be patched by it"
    )


def test_two_parts_that_agree(pond):
    more = "[again]\nrecipe = poach:egg\negg = pond\n" + OWN
    made = pond(cfg(OWN, parts="again pond app", more=more))

    made.run()

    assert says(made) == "QUACK"
    assert len(stored(made)) == 1


def test_two_parts_that_disagree_on_patches(pond):
    more = "[again]\nrecipe = poach:egg\negg = pond\nversion = 1.0\npatches = wide\n"
    made = pond(cfg(OWN, parts="pond again app", more=more))

    assert made.run(expect=1).error == (
        "[again]: pond is pinned to 1.0 +loud already, and not to 1.0 +wide"
    )


def test_two_parts_of_two_projects(index, pond):
    index.add_sdist("duck", "1.0", {"duck.py": "def main():\n    print('quack')\n"})
    more = "[duck]\nrecipe = poach:egg\nversion = 1.0\npatches = loud\n"
    made = pond(cfg(OWN, parts="pond duck app", more=more))
    made.write(
        "patches/duck/loud.patch",
        "--- a/duck.py\n+++ b/duck.py\n@@ -1,2 +1,2 @@\n def main():\n"
        "-    print('quack')\n+    print('QUACK')\n",
    )

    made.run()

    assert [len(stored(made, name)) for name in ("pond", "duck")] == [1, 1]


def test_uninstalling_leaves_the_store(pond):
    made = pond(cfg(OWN))
    made.run()
    before = made.snapshot("patched-eggs/2/pond")

    made.run("buildout:parts=")

    assert made.snapshot("patched-eggs/2/pond") == before
    assert not (made.path / "bin" / "pond").exists()


def test_the_second_run_asks_nobody(pond):
    made = pond(cfg(OWN))
    made.run()

    again = made.run("-N")

    assert again.audit == ()
    assert "Patched eggs in use: pond 1.0+loud.p" in again.stdout
    made.run("-o")
    assert says(made) == "QUACK"


def test_without_the_extension(pond):
    """Parts that are loaded before the recipe would get plain code."""
    made = pond(cfg(OWN, extensions=""))

    assert made.run(expect=1).error == (
        "[pond]: its recipe needs 'extensions = poach' in [buildout], or other parts "
        "would run unpatched code"
    )


def test_a_part_that_is_only_referred_to(pond):
    made = pond(cfg(OWN, parts="app", more="[x]\ny = ${pond:location}\n"))
    text = (made.path / "buildout.cfg").read_text()
    made.write("buildout.cfg", text.replace("eggs = pond", "eggs = pond\nz = ${x:y}"))

    assert made.run(expect=1).error == (
        "[pond]: a part that brings patches or build options is named in "
        "buildout:parts, or those before it would run other code"
    )


def test_one_part_by_name(pond):
    """Buildout does not load the recipe of a part that it is not asked to install."""
    made = pond(cfg(OWN))

    made.run("install", "app")

    assert says(made) == "QUACK"


QUACKING = """
    import pond

    class Recipe:
        def __init__(self, buildout, name, options):
            print("It says", pond.sound())

        def install(self):
            return ()

        update = install
    """


def test_a_recipe_that_is_loaded_before_the_part(index, pond):
    """It runs patched code, or buildout stops."""
    add_plugin(index, "quacking", QUACKING, requires=("pond",))
    made = pond(
        cfg(
            OWN,
            parts="early pond app",
            more="[early]\nrecipe = quacking\n",
        )
    )

    result = made.run(expect=None)

    assert result.returncode or "It says QUACK" in result.stdout


def test_a_recipe_that_resolves_before_the_part(index, pond):
    """zc.recipe.egg keeps the working set, for other parts that ask for the same."""
    eager = """
        import zc.recipe.egg

        class Recipe(zc.recipe.egg.Scripts):
            def __init__(self, buildout, name, options):
                super().__init__(buildout, name, options)
                self.working_set()
        """
    add_plugin(index, "eager", eager, requires=("zc.recipe.egg",))
    made = pond(
        cfg(
            OWN,
            parts="early pond app",
            more="[early]\nrecipe = eager\neggs = pond\n",
        )
    )

    result = made.run(expect=None)

    assert result.returncode or says(made) == "QUACK"


# --- build options


def c_cfg(more="", **options):
    lines = "".join(f"{key.replace('_', '-')} = {v}\n" for key, v in options.items())
    text = cfg(lines, versions=PINNED, more="[vars]\nCFLAGS = -DLEVEL=3\n" + more)
    return text.replace("pond", "cpond")


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


def test_build_options_change_what_it_does_and_the_key(cpond):
    made = cpond(c_cfg(include_dirs="include", define="WIDE", environment="vars"))
    made.run()
    assert made.script("cpond").stdout == "volume 11 depth 2 width 4 level 3\n"

    (entry,) = stored(made, "cpond")
    key = json.loads((entry / "entry.json").read_bytes())["key"]
    assert key["build-ext"] == {
        "define": "WIDE",
        "include-dirs": str(made.path / "include"),
    }
    assert key["environment"] == {"CFLAGS": None}


@pytest.mark.parametrize("value", ["DBPW=SEKRET", "SEKRET"])
def test_an_environment_that_is_no_section_is_not_shown(cpond, value):
    result = cpond(c_cfg(environment=value)).run(expect=1)

    assert (
        "environment (buildout.cfg:7): it names a section, and there is no section of "
        "that name" in result.error
    )
    assert "SEKRET" not in result.output


WIDE_C = "volume 11 depth 0 width 4 level 0\n"


@pytest.fixture(scope="module")
def warm_wide(tmp_path_factory):
    """A folder that keeps the store of the first test for the others."""
    return tmp_path_factory.mktemp("wide") / "patched-eggs"


@pytest.fixture
def wide(cpond, warm_wide):
    """A buildout that has run, with build options."""
    made = cpond(c_cfg(define="WIDE"))
    if warm_wide.exists():
        shutil.copytree(warm_wide, made.path / "patched-eggs")
    made.run()
    if not warm_wide.exists():
        shutil.copytree(made.path / "patched-eggs", warm_wide)
        # What the run noted is about this project alone.
        shutil.rmtree(warm_wide / "2" / ".known" / "buildouts", ignore_errors=True)
    return made


def test_changed_build_options_reach_the_other_parts(wide):
    """The version is the same, the egg is not; and going back builds nothing."""
    made = wide
    made.write("more.cfg", "[buildout]\nextends = buildout.cfg\n[cpond]\ndefine =\n")

    made.run("-c", "more.cfg")
    assert made.script("cpond").stdout == "volume 11 depth 0 width 1 level 0\n"
    again = made.run()

    assert made.script("cpond").stdout == "volume 11 depth 0 width 4 level 0\n"
    assert "Building" not in again.output
    assert len(stored(made, "cpond")) == 2


def test_the_second_run_with_build_options_builds_nothing(wide):
    again = wide.run()

    assert "Building" not in again.output
    assert len(stored(wide, "cpond")) == 1
    assert wide.script("cpond").stdout == WIDE_C


def test_build_options_offline(wide):
    wide.run("-o")

    assert wide.script("cpond").stdout == WIDE_C


def test_one_part_by_name_with_build_options(wide):
    wide.run("install", "app")

    assert wide.script("cpond").stdout == WIDE_C


def test_two_parts_that_disagree_on_build_options(cpond):
    """There is one egg of a project in a buildout."""
    again = "[again]\nrecipe = poach:egg\negg = pond\ndefine = FLAT\n"
    made = cpond(c_cfg(again, define="WIDE").replace("parts =", "parts = again"))

    result = made.run(expect=1)

    assert "WIDE" in result.error
    assert "FLAT" in result.error
