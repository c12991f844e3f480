"""The bridge: the same buildout.cfg where zc.buildout runs on Python 2.7."""

import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from urllib.parse import quote

import pytest
import zc.buildout.easy_install  # noqa: F401  (brings pkg_resources)

from poach import names
from poach.buildout27 import names as names_2
from poach.pins.pin import is_pin
from support import CALLER, Environment, Project, dists, hermetic
from support.pond import BROKEN, CFG, LOUD, SOURCE, TAGGED, WIDE, add_cpond, add_pond
from support.processes import is_alive, wait_until
from support.python2 import BUILDOUTS_2, environment_2, make_empty_2, run
from support.pythons import python_or_skip

EVERY = pytest.mark.parametrize("version", list(BUILDOUTS_2))
#: The last of buildout's versions 2 by default, those that follow with --all.
FIRST, *OTHERS = BUILDOUTS_2
MATRIX = pytest.mark.parametrize(
    "version", [FIRST, *(pytest.param(v, marks=pytest.mark.more) for v in OTHERS)]
)


@pytest.fixture
def version():
    """The version of buildout."""
    return FIRST


@pytest.fixture
def project2(environments_2, environment, home, wheelhouse, tmp_path, index, version):
    """Make a project that runs on Python 2.7, with the command of the newest poach."""

    def make(cfg, name="project"):
        variables = {
            **hermetic(home, wheelhouse),
            "POACH_COMMAND": str(environment.program("poach")),
            "PYTHONWARNINGS": "ignore",
        }
        made = Project(
            tmp_path / name, environment_2(environments_2, version), variables
        )
        made.write("buildout.cfg", cfg.replace("%(index)s", index.url))
        return made

    return make


@pytest.fixture
def pond(index, project2):
    """Make a project with a patched pin; see `support.pond`."""
    add_pond(index, setuptools=True)

    def make(cfg=CFG, name="project"):
        made = project2(dedent(cfg), name)
        made.write("patches/pond/1.0/loud.patch", LOUD)
        made.write("patches/pond/wide.diff", WIDE)
        return made

    return make


def add_app(index, name="app", requires=("pond",), **details):
    """Put the sdist of an app on the index, that needs a pond."""
    index.add_sdist(
        name,
        "1.0",
        {f"{name}.py": "from pond import main\n"},
        requires=requires,
        entry_points={"console_scripts": [f"{name} = {name}:main"]},
        setuptools=True,
        **details,
    )


def sections(buildout="", rest="", versions="pond = 1.0 +loud", eggs="pond"):
    """A configuration with lines for its sections, and further sections."""
    return "\n".join(
        [
            "[buildout]",
            "extensions = poach",
            "index = %(index)s",
            "parts = app",
            dedent(buildout),
            "[app]",
            "recipe = zc.recipe.egg",
            f"eggs = {eggs}",
            "[versions]",
            versions,
            dedent(rest),
        ]
    )


def says(project, script="pond"):
    return project.script(script).stdout.split()[0]


def stored(project):
    return sorted(project.path.glob("patched-eggs/2/[a-z]*/*/*"))


# --- names


@pytest.mark.parametrize(
    "text",
    [
        *("Zope.Interface", "a-_.b", "1.0", "1.0 +fix", "1.0 -fix", "+fix", "1.0+ fix"),
        *("1.0+cu118", "1.0+fix.p1234abcd", "1.0+FIX-P1234ABCD", "1.0+p1234abcd"),
        *("1.0+fix.p1234abcde", "1.0\n+fix", "a - b", ""),
    ],
)
def test_names_mean_the_same_on_both_pythons(text):
    assert names_2.canonical(text) == names.canonicalize_name(text)
    assert names_2.is_tagged(text) == names.is_tagged(text)
    assert names_2.is_pin(text) == is_pin(text)


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "1"), ("1.0+a-b", "1.0+a.b"), ("1.0", "1.1"), ("x", "x")]
)
def test_versions_mean_the_same_on_both_pythons(one, other):
    assert names_2.same_version(one, other) == names.same_version(one, other)


# --- isolation


@EVERY
def test_a_plain_pin_passes_over_a_patched_egg(index, project2, tmp_path):
    version = "1.0+loud.p1234abcd"
    add_pond(index, setuptools=True)
    (sdist,) = (index.root / "files" / "pond").iterdir()
    plain_sdist = sdist.read_bytes()
    patched = dists.sdist(
        "pond",
        version,
        {"pond/__init__.py": SOURCE.replace("quack", "QUACK")},
        entry_points={"console_scripts": ["pond = pond:main"]},
        setuptools=True,
    )
    index.put(f"links/pond-{version}.tar.gz", patched)
    index.put("files/pond/unrelated.txt", "")
    shared = f"eggs-directory = {tmp_path}/eggs"
    links = f"find-links = {index.root}/links"
    cfg = sections(f"{shared}\n{links}", versions=f"pond = {version}")
    other = project2(cfg.replace("extensions = poach\n", ""), "other")
    other.run()
    assert says(other) == "QUACK"
    sdist.unlink()
    plain = project2(sections(shared, versions="pond = 1.0"))

    error = plain.run(expect=1).error
    index.add("pond", sdist.name, plain_sdist)

    assert f"There is pond {version} ({tmp_path.resolve()}/eggs" in error
    for options in ((), ("-N",), ("-o",)):
        plain.run(*options)
        assert says(plain) == "quack"


# --- requirements


@EVERY
def test_the_parts_own_egg(index, pond):
    patched = pond()

    result = patched.run()

    assert "Patching pond 1.0: loud (1 file, 1 hunk)\n" in result.output
    (egg,) = patched.path.glob("patched-eggs/2/pond/1.0+loud.*/*/pond-*.egg")
    assert f"Patched eggs in use: pond {egg.parent.parent.name}\n" in result.output
    assert patched.script("pond").stdout.startswith(f"QUACK 1 {egg}/")
    assert egg.name.startswith(f"pond-{TAGGED}")
    assert egg.name.endswith("-py2.7.egg")
    assert (egg / "EGG-INFO" / "PKG-INFO").is_file()
    assert not list(patched.path.glob("eggs/*pond*"))
    assert not index.scanned


@MATRIX
@pytest.mark.parametrize("requirement", ["Pond >=0.5", "pond ==1.0"])
def test_a_transitive_requirement(index, pond, requirement):
    add_app(index, requires=[requirement])
    patched = pond(sections(eggs="app"))

    patched.run()

    assert says(patched, "app") == "QUACK"


@EVERY
def test_the_second_run_asks_nobody(index, pond):
    add_app(index)
    patched = pond(sections(eggs="app"))
    patched.run()
    before = patched.snapshot("bin", "patched-eggs", "patches")
    index.requests.clear()

    again = patched.run()

    assert "Patched eggs in use: pond 1.0+loud.p" in again.output
    assert not {"Patching", "Installing", "Uninstalling"} & set(again.output.split())
    assert not [path for path in index.requests if "pond" in path]
    index.requests.clear()
    quiet = patched.run("-N")
    assert quiet.connections == index.requests == []
    # The probe of what Python 2.7 is; nothing is built.
    assert not [event for event in quiet.processes if "pip" in event.args]
    assert patched.snapshot("bin", "patched-eggs", "patches") == before


def test_an_arbitrary_equality(index, pond):
    add_app(index, requires=["pond ===1.0"])

    error = pond(sections(eggs="app")).run(expect=1).error

    assert error.startswith("app requires pond===1.0, which compares the text of ")
    assert error.endswith("or drop the patches from 'pond = 1.0 +loud'")


@MATRIX
def test_not_newest_and_offline(pond):
    patched = pond()

    patched.run("-N")
    assert says(patched) == "QUACK"
    assert "Patched eggs in use: pond" in patched.run("-o").output
    assert says(patched) == "QUACK"


def test_offline_without_an_egg(pond):
    error = pond().run("-o", expect=1).error

    assert error.startswith("There is no patched egg of pond 1.0+loud.p")
    assert error.endswith("yet, and none can be built in offline (no-install) mode")


def test_unused_options_are_those_that_nobody_reads(pond):
    ours = "patch-fuzz = 0\npatch-jobs = 1\npatch-unused = warn\npoach-command ="

    output = pond(sections(ours + "\nfoo = 1")).run().output

    assert "Unused options for buildout: 'foo'.\n" in output


def test_quiet_and_verbose(pond):
    patched = pond()

    assert patched.run("-qq").output == ""
    shutil.rmtree(patched.path / "patched-eggs")
    output = patched.run("-v").output
    assert "src/pond/__init__.py: hunk 1 at line 4\n" in output
    assert "running bdist_wheel" in output


@pytest.mark.index
def test_buildout_itself_installs_the_bridge(environments_2, pond):
    """As any extension, from wherever its distributions come."""
    pip = make_empty_2(environments_2, "empty", python_or_skip("2.7"))
    run([*pip, "install", *BUILDOUTS_2["3.4"]])
    empty = Environment(environments_2 / "empty", "3.4")
    text = sections(f"find-links = {environments_2}")
    patched = replace(pond(text), environment=empty)

    output = patched.run().output

    assert re.search(r"^Got poach ", output, re.M)
    assert says(patched) == "QUACK"


# --- options of buildout


@MATRIX
def test_picked_versions(index, pond):
    add_app(index)
    text = sections("show-picked-versions = true", eggs="app")
    patched = pond(text)

    output = patched.run().output

    assert "app = 1.0\n" in output
    assert "pond = " not in output
    error = patched.run("buildout:allow-picked-versions=false", expect=1).error
    assert error.startswith("Picked: app = 1.0")
    patched.run("buildout:allow-picked-versions=false", "versions:app=1.0")
    assert says(patched, "app") == "QUACK"


DEVELOPED = """\
from setuptools import setup

setup(name="pond", version="1.0", py_modules=["pond"],
      entry_points={"console_scripts": ["pond = pond:main"]})
"""


@MATRIX
def test_a_develop_egg_wins(pond):
    patched = pond(sections("develop = checkout"))
    patched.write("checkout/pond.py", "def main():\n    print('bark')\n")
    patched.write("checkout/setup.py", DEVELOPED)

    result = patched.run()

    assert "The develop egg of pond 1.0 at " in result.output
    assert " wins over the pin 1.0 +loud.\n" in result.output
    assert "Patched eggs in use" not in result.output
    assert says(patched) == "bark"


@EVERY
@pytest.mark.parametrize("first", ["patched", "plain"])
def test_a_plain_buildout_that_shares_all_folders(pond, tmp_path, first):
    (tmp_path / "shared" / "cache").mkdir(parents=True)
    text = sections(
        f"""
        eggs-directory = {tmp_path}/shared/eggs
        download-cache = {tmp_path}/shared/cache
        """
    )
    patched = pond(text, "patched")
    plain = pond(
        text.replace("extensions = poach", "").replace("1.0 +loud", "1.0"), "plain"
    )
    order = [patched, plain] if first == "patched" else [plain, patched]

    for one in [*order, order[0]]:
        one.run()

        assert says(one) == ("QUACK" if one is patched else "quack")

    assert not list((tmp_path / "shared" / "eggs").rglob("*loud*"))
    assert (tmp_path / "shared" / "patched-eggs" / "2" / "pond").is_dir()


def test_layers_and_owners(pond):
    """Who wrote a name, and from where its path counts, is known over there."""
    patched = pond(
        """
        [buildout]
        extends = lower/base.cfg
        index = %(index)s

        [versions]
        pond += +wide
        """
    )
    patched.write(
        "lower/base.cfg",
        sections(
            versions="pond =\n    1.0\n    +near", rest="[patches]\nnear = n.diff"
        ),
    )
    patched.write("lower/n.diff", LOUD)

    patched.run("buildout:index=" + index_of(patched))

    assert patched.script("pond").stdout.startswith("QUACK 2 ")
    records = patched.path.glob("patched-eggs/2/pond/*/*/*.egg/EGG-INFO/poach.json")
    (record,) = [json.loads(path.read_bytes()) for path in records]
    owners = {patch["name"]: patch["owner"] for patch in record["patches"]}
    assert owners == {"near": "base.cfg:12", "wide": "buildout.cfg:7"}


def index_of(project):
    text = (project.path / "buildout.cfg").read_text()
    return text.partition("index = ")[2].split()[0]


@MATRIX
def test_an_edited_diff_is_another_version_and_another_script(pond):
    patched = pond()
    patched.run()
    patched.write(
        "patches/pond/1.0/loud.patch",
        LOUD.replace('+    return "QUACK', '+    return "KWAAK'),
    )

    result = patched.run()

    assert f"Generated script '{patched.path}/bin/pond'.\n" in result.output
    assert says(patched) == "KWAAK"
    assert len(stored(patched)) == 2


# --- what goes wrong


def test_a_patch_that_does_not_apply(pond):
    patched = pond()
    patched.run("versions:pond=1.0")
    before = patched.snapshot("bin")
    patched.write("patches/pond/1.0/loud.patch", BROKEN)

    result = patched.run(expect=1)

    assert result.error.startswith("Cannot patch pond 1.0:\n")
    assert "Patch 'loud' (buildout.cfg:12) does not apply" in result.error
    assert "src/pond/__init__.py" in result.error
    assert patched.snapshot("bin") == before
    assert stored(patched) == []


def test_all_that_is_wrong_with_pins_is_said_at_once(pond):
    patched = pond(sections(versions="pond = 1.0 +lout\nmud = 1 +\nsetuptools = 1 +x"))

    lines = patched.run(expect=1).error.splitlines()

    assert any("Unknown patch 'lout' for pond 1.0 (buildout.cfg:" in x for x in lines)
    assert any("Malformed pin 'mud = 1 +' (buildout.cfg:" in x for x in lines)
    assert any("setuptools runs this very buildout" in x for x in lines)


CURE = (
    "; install poach with Python 3.10 or newer and say where its command is: as "
    "'poach-command = PATH' in [buildout], as the variable POACH_COMMAND, or by "
    "putting it on the PATH"
)
NONE = "Patched eggs for Python 2.7 are made by poach on Python 3, and "


@pytest.mark.parametrize(
    ("option", "variable", "reason"),
    [
        ("", "", "there is no poach on the PATH"),
        ("", "/no/poach", "there is no /no/poach (the variable POACH_COMMAND)"),
        ("no/poach", "", "there is no {0}/no/poach (poach-command in [buildout])"),
        ("poach9", "", "there is no poach9 (poach-command in [buildout]) on the PATH"),
        ("text", "", "{0}/text (poach-command in [buildout]) does not run: {1}"),
    ],
)
def test_a_missing_command(pond, option, variable, reason):
    patched = pond()
    option = f"./{option}" if option == "text" else option
    (patched.path / "text").write_text("words")
    env = {"PATH": "/nowhere", "POACH_COMMAND": variable}

    error = patched.run(f"buildout:poach-command={option}", env=env, expect=1).error

    cause = reason.format(patched.path, "Permission denied")
    assert error.replace("/./", "/") == NONE + cause + CURE
    assert not (patched.path / "bin" / "pond").exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("cat > /dev/null; exit 0", "it ends with exit code 0"),
        ("exit 0", "it ends with exit code 0"),
        ("echo Hello; exit 2", "it ends with exit code 2 and 'Hello'"),
        ("cat", "it ends with exit code 0 and '{{"),
        ("echo '[1]'", "it ends with exit code 0 and '[1]'"),
        ('echo \'{{"error": "x"}}\'', "it ends with exit code 0 and "),
        ("kill -9 $$", "it was killed by signal 9"),
        (
            'echo \'{{"poach-bridge": 2, "answer": {{}}}}\'',
            "it speaks protocol 2, and this bridge 1",
        ),
    ],
)
def test_a_command_that_is_no_poach(pond, script, reason):
    patched = pond()
    command = patched.write("other", f"#!/bin/sh\n{script}\n".format())
    command.chmod(0o755)

    error = patched.run("buildout:poach-command=./other", expect=1).error

    start = f"{patched.path}/./other (poach-command in [buildout]) does not answer as "
    assert error.startswith(f"{start}poach bridge does: {reason.format()}")
    assert error.endswith(CURE)


def test_the_command_is_found_on_the_path(pond, environment):
    patched = pond()
    path = f"{environment.path}/bin:{patched.variables['PATH']}"
    found = replace(patched, variables={**patched.variables, "PATH": path})

    found.run(env={"POACH_COMMAND": ""})

    assert says(patched) == "QUACK"


def test_what_is_meant_for_python_2_does_not_reach_the_command(pond):
    patched = pond()
    patched.write("modules/packaging.py", "raise SystemExit('of another Python')\n")

    patched.run(env={"PYTHONPATH": str(patched.path / "modules")})

    assert says(patched) == "QUACK"


def test_a_project_that_only_poach_itself_needs(index, pond):
    """Over there it is another copy."""
    add_pond(index, "requests", setuptools=True)
    patched = pond(sections(versions="requests = 1.0 +loud", eggs="requests"))
    patched.write("patches/requests/loud.patch", LOUD)

    patched.run()

    assert says(patched, "requests") == "QUACK"


@MATRIX
def test_a_folder_with_spaces_and_letters(pond):
    patched = pond(name="söme pond")

    patched.run(env={"LC_ALL": "C"})

    assert says(patched) == "QUACK"
    patched.run("-N")
    assert len(stored(patched)) == 1
    patched.write("patches/pond/1.0/loud.patch", BROKEN)
    assert (
        "Patch 'loud' (buildout.cfg:12) does not apply" in patched.run(expect=1).error
    )


def test_bytes_that_are_no_utf_8(pond):
    """They are what they were: in paths, and in whatever else there is."""
    patched = pond()
    cfg = sections("patch-path = d\xe9pot\ngreeting = gr\xfc\xdf")
    text = cfg.replace("%(index)s", index_of(patched)).encode("latin-1")
    (patched.path / "buildout.cfg").write_bytes(text)
    depot = bytes(patched.path) + b"/d\xe9pot"
    shutil.move(patched.path / "patches", depot.decode("utf-8", "surrogateescape"))

    patched.run()

    assert says(patched) == "QUACK"
    (patched.path / "buildout.cfg").write_bytes(text.replace(b"+loud", b"+lout"))
    done = subprocess.run(
        [patched.environment.program("buildout")],
        cwd=patched.path,
        env={**patched.variables},
        capture_output=True,
    )
    assert b"Unknown patch 'lout' for pond 1.0 (buildout.cfg:" in done.stderr
    assert b"looked in [patches], " + depot in done.stderr


# --- extensions and recipes

BLANKING = """
    import zc.buildout.easy_install

    def load(buildout):
        versions = buildout._raw["versions"]
        versions["pond"] = ""
        zc.buildout.easy_install.default_versions(dict(versions))
    """


@MATRIX
def test_an_extension_that_blanks_the_pin(index, pond):
    """As mr.developer does for what it has checked out; extensions load in any order.

    What counts is the develop egg, or what buildout picks.
    """
    points = {"zc.buildout.extension": ["default = blanking:load"]}
    files = {"blanking.py": BLANKING}
    index.add_sdist("blanking", "1.0", files, entry_points=points, setuptools=True)
    patched = pond(sections("extensions += blanking"))

    for _ in range(2):
        output = patched.run().output

        assert "The pin 'pond = 1.0 +loud' does not count where an ext" in output
        assert says(patched) == "quack"


QUACKING = {
    "quacking.py": """
        import pond

        class Recipe:
            def __init__(self, buildout, name, options):
                options["location"] = "include"

            def install(self):
                print("The recipe says " + pond.sound())
                return ()

            update = install
        """
}


def add_quacking(index):
    points = {"zc.buildout": ["default = quacking:Recipe"]}
    details = {"requires": ["pond"], "entry_points": points}
    index.add_sdist("quacking", "1.0", QUACKING, **details, setuptools=True)


@MATRIX
def test_a_recipe_that_requires_the_patched_project(index, pond):
    """An edited diff reaches its part, too, which is made again."""
    add_quacking(index)
    patched = pond(CFG.replace("recipe = zc.recipe.egg", "recipe = quacking"))

    assert "The recipe says QUACK" in patched.run().output
    assert "The recipe says QUACK" in patched.run().output
    assert "The recipe says QUACK" in patched.run("-o").output
    louder = LOUD.replace('+    return "QUACK', '+    return "KWAAK')
    patched.write("patches/pond/1.0/loud.patch", louder)
    edited = patched.run()
    assert "Uninstalling app.\nInstalling app.\n" in edited.output
    assert "The recipe says KWAAK" in edited.output


OPAQUE = """
    from zc.buildout import easy_install

    class Recipe(object):
        def __init__(self, buildout, name, options):
            self.wanted = options["packages"].split()
            self.ours = buildout["buildout"]

        def install(self):
            place, index = self.ours["eggs-directory"], self.ours["index"]
            ws = easy_install.install(self.wanted, place, index=index)
            print("The part got " + ws.by_key["pond"].version)
            return ()

        update = install
    """


def test_what_a_part_got_in_the_last_run_is_built_before_parts_are_at_work(index, pond):
    """So a diff that does not apply breaks no part of which that is not known."""
    points = {"zc.buildout": ["default = opaque:Recipe"]}
    files = {"opaque.py": OPAQUE}
    index.add_sdist("opaque", "1.0", files, entry_points=points, setuptools=True)
    text = sections().replace("recipe = zc.recipe.egg", "recipe = opaque")
    patched = pond(text.replace("eggs = pond", "packages = pond"))
    assert "The part got 1.0+loud.p" in patched.run().output
    patched.write("patches/pond/1.0/loud.patch", BROKEN)

    result = patched.run(expect=1)

    assert result.error.startswith("Cannot patch pond 1.0:\n")
    assert "Updating app" not in result.output


SOURCE_C = """\
#include <Python.h>
#ifndef DEPTH
#include "depth.h"
#endif
#ifndef LEVEL
#define LEVEL 0
#endif
#define VOLUME 1

static PyObject *ask(PyObject *self, PyObject *none)
{
    return PyString_FromFormat("volume %d depth %d level %d", VOLUME, DEPTH, LEVEL);
}

static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, ""}, {0}};

PyMODINIT_FUNC initcpond(void)
{
    Py_InitModule("cpond", methods);
}
"""
LOUD_C = """\
--- a/cpond.c
+++ b/cpond.c
@@ -5,5 +5,5 @@
 #ifndef LEVEL
 #define LEVEL 0
 #endif
-#define VOLUME 1
+#define VOLUME 11

"""


def with_c_pond(index, project2, recipe):
    """A project with a patched C extension that is built with options."""
    add_cpond(index)
    add_pond(index, setuptools=True)
    add_quacking(index)
    index.add_sdist(
        "cpond",
        "1.0",
        {
            "cpond.c": SOURCE_C,
            "cquack.py": "import cpond\n\n\ndef main():\n    print(cpond.ask())\n",
            "setup.py": """
                from setuptools import Extension, setup

                setup(
                    name="cpond",
                    version="1.0",
                    py_modules=["cquack"],
                    ext_modules=[Extension("cpond", ["cpond.c"])],
                    entry_points={"console_scripts": ["cpond = cquack:main"]},
                )
                """,
        },
    )
    rest = f"""
        [custom]
        recipe = {recipe}
        egg = cpond
        include-dirs = ${{other:location}}
        environment = vars
        [other]
        recipe = quacking
        [vars]
        CFLAGS = -DLEVEL=3
        """
    versions = "cpond = 1.0 +loud\npond = 1.0 +loud"
    text = sections("parts += custom", rest, versions, eggs="cpond")
    made = project2(text)
    made.write("include/depth.h", "#define DEPTH 2\n")
    made.write("patches/cpond/loud.patch", LOUD_C)
    made.write("patches/pond/loud.patch", LOUD)
    return made


@MATRIX
@pytest.mark.parametrize("recipe", ["zc.recipe.egg:custom", "poach:egg"])
def test_a_part_that_builds_one_egg(index, project2, recipe):
    """With its options, one of which another part tells, whose recipe is patched."""
    patched = with_c_pond(index, project2, recipe)

    for _ in range(2):
        result = patched.run()

        assert "Unused options" not in result.output
        assert patched.script("cpond").stdout == "volume 11 depth 2 level 3\n"
    assert "Building" not in result.output
    egg, other = stored(patched)
    key = json.loads((egg / "entry.json").read_bytes())["key"]
    assert key["build-ext"] == {"include-dirs": str(patched.path / "include")}
    assert key["environment"] == {"CFLAGS": None}
    assert other.parent.parent.name == "pond"
    assert not list(patched.path.glob("*eggs/*cpond*"))
    patched.run("buildout:parts=")
    assert egg.is_dir()


@MATRIX
def test_a_part_that_is_not_among_the_parts(pond):
    """Others refer to it; its options come up when it is installed, before theirs."""
    rest = "[pond]\nrecipe = zc.recipe.egg:custom\ndefine = WIDE\n"
    patched = pond(sections(rest=rest).replace("eggs =", "first = ${pond:egg}\neggs ="))

    for _ in range(2):
        output = patched.run("pond:egg=pond").output

        assert "Patched eggs in use: pond 1.0+loud.p" in output
    place = patched.script("pond").stdout.split()[2]
    (entry,) = [path for path in stored(patched) if place.startswith(f"{path}/")]
    key = json.loads((entry / "entry.json").read_bytes())["key"]
    assert key["build-ext"] == {"define": "WIDE"}


def test_a_part_that_brings_its_own_pin(pond):
    rest = "[pond]\nrecipe = poach:egg\nversion = 1.0\npatches = loud\n"
    patched = pond(sections("parts += pond", rest, versions=""))

    patched.run()

    assert says(patched) == "QUACK"


def test_a_part_that_asks_for_what_the_pin_refuses(pond):
    rest = "[pond]\nrecipe = poach:egg\npatches = loud\n"
    patched = pond(sections("parts += pond", rest, versions="pond = 1.0 -loud"))

    assert "refuses 'loud'; take it out of one of them" in patched.run(expect=1).error


def test_the_recipe_without_the_extension(pond):
    rest = "[pond]\nrecipe = poach:egg\nversion = 1.0\npatches = loud\n"
    text = sections("parts += pond", rest, versions="")

    error = pond(text.replace("extensions = poach", "")).run(expect=1).error

    assert error == (
        "[pond]: its recipe needs 'extensions = poach' in [buildout], or other parts "
        "would run unpatched code"
    )


def test_nothing_to_patch(pond):
    """A buildout without patched pins is as it is without poach, and has no store."""
    patched = pond(sections(versions="pond = 1.0"))

    assert "Patched" not in patched.run().output
    assert says(patched) == "quack"
    assert not (patched.path / "patched-eggs").exists()


# --- the line of 2009

POLLED = """\
import ZODB.DB, ZODB.MappingStorage, ZODB.tests.util
class Storage(ZODB.MappingStorage.MappingStorage):
    polls = 0
    def poll_invalidations(self):
        self.polls += 1
        return {}
storage = Storage()
connection = ZODB.DB(storage).open()
connection.root()
connection.sync()
print(storage.polls > 0, ZODB.__file__)
"""


@pytest.mark.index
@pytest.mark.more
@pytest.mark.slow
def test_a_patch_that_relstorage_brings_for_zodb(pond):
    made = pond(
        """
        [buildout]
        extensions = poach
        parts = app

        [app]
        recipe = zc.recipe.egg
        eggs = RelStorage
        interpreter = py

        [versions]
        ZODB3 = 3.8.1 +poll-invalidations
        RelStorage = 1.1.2
        ZConfig = 3.6.1
        zdaemon = 4.4
        zope.interface = 4.7.2
        zope.proxy = 4.3.5
        zope.testing = 4.7

        [patches]
        poll-invalidations =
            sdist:RelStorage==1.1.2/poll-invalidation-1-zodb-3-8-0.patch#directory=src/ZODB
        """
    )
    made = replace(made, variables={**CALLER, **only_ours(made.variables)})

    result = made.run()

    assert (
        "Patching ZODB3 3.8.1: poll-invalidations (2 files, 6 hunks)" in result.output
    )
    made.write("polled.py", POLLED)
    polled, place = made.script("py", "polled.py").stdout.strip("()\n").split(", ")
    assert polled == "True"
    assert "/patched-eggs/2/zodb3/3.8.1+poll.invalidations.p1d173a39/" in place


def only_ours(variables):
    return {name: variables[name] for name in ("HOME", "POACH_COMMAND")}


# --- without the bridge


STATIC = """
    [buildout]
    find-links = %(links)s
    index = %(index)s
    parts = app
    %(more)s

    [app]
    recipe = zc.recipe.egg
    eggs = app
           pond

    [versions]
    pond = %(version)s
    """


@pytest.mark.index
@MATRIX
@pytest.mark.parametrize("kept", ["*.whl", "*.egg"])
def test_a_folder_serves_a_buildout_without_poach(
    pond, index, environments_2, version, kept
):
    """Wheels and zipped eggs that ``poach build --to`` wrote, listed by a server."""
    add_app(index)
    made = pond()
    python = environment_2(environments_2, version).program("python")
    command = Path(made.variables["POACH_COMMAND"])
    made.command(
        *(command, "build", "--python", str(python), "--to", str(index.root / "links"))
    )
    folder = index.root / "links"
    names = sorted(path.name for path in folder.iterdir())
    for path in set(folder.iterdir()) - set(folder.glob(kept)):
        path.unlink()
    links = (f'<a href="{quote(path.name)}">x</a>' for path in folder.iterdir())
    index.put("links/index.html", "\n".join(links))
    (tagged,) = {name.split("-")[1] for name in names}
    plain = Project(made.path.parent / "plain", made.environment, made.variables)
    options = {
        "links": f"{index.base}/links/index.html",
        "index": index.url,
        "version": tagged,
        "more": f"eggs-directory = {made.path}/eggs",
    }
    plain.write("buildout.cfg", STATIC % options)

    plain.run(env={"POACH_COMMAND": "/nowhere"})

    assert len(names) == 2
    assert says(plain) == says(plain, "app") == "QUACK"
    (egg,) = made.path.glob("eggs/pond-*.egg")
    assert egg.name.startswith(f"pond-{tagged}-py2.7")


# --- what packages ask for


@MATRIX
def test_a_pin_that_only_refuses(pond):
    made = pond(CFG.replace("+loud", "-loud"))

    result = made.run()

    assert says(made) == "quack"
    assert "nothing asked for" not in result.output


@MATRIX
@pytest.mark.parametrize("policy", ["apply", "ignore"])
def test_a_package_that_asks_is_not_served(index, pond, policy):
    add_app(index, requires=("pond[loud]",))
    made = pond(
        sections(f"patch-requests = {policy}", versions="pond = 1.0", eggs="app")
    )

    result = made.run(expect=0 if policy == "ignore" else 1)

    if policy == "ignore":
        assert result.output.count("Ignored: app") == 1
        assert says(made, "app") == "quack"
    else:
        assert (
            "asks for pond[loud], which is neither an extra of pond nor a patch in"
            in (result.error)
        )
    assert "Unused options" not in result.output


@EVERY
def test_a_package_that_asks_for_what_the_pin_has(index, pond):
    add_app(index, requires=("Pond[Loud]",))
    made = pond(sections(eggs="app"))

    made.run()

    assert says(made, "app") == "QUACK"


# --- signals

#: Tells its process and that of a child when it builds, and never ends.
STAY = """
    import os, subprocess, sys
    from setuptools import setup

    if "bdist_wheel" in sys.argv:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(%r, "w") as stream:
            stream.write("%%d %%d\\n" %% (os.getpid(), child.pid))
        child.wait()
    setup(name="pond", version="1.0", packages=["pond"], package_dir={"": "src"})
    """


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of that")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_ends_the_buildout_ends_its_builds(index, pond, tmp_path, number):
    pids = tmp_path / "pids"
    made = pond()
    files = {"src/pond/__init__.py": SOURCE, "setup.py": STAY % str(pids)}
    index.add_sdist("pond", "1.0", files)
    running = subprocess.Popen(
        [made.environment.program("buildout")],
        cwd=made.path,
        env=dict(made.variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"))

    running.send_signal(number)

    running.wait(60)
    wait_until(lambda: not any(map(is_alive, pids.read_text().split())))
    wait_until(lambda: not list(made.path.glob("patched-eggs/2/.staging/*/work")))


# --- patches without effect

#: Makes the second file from the first, as Cython would.
MAKING = """
    from setuptools import setup
    source = open("src/pond/_deep.pyx").read()
    open("src/pond/_deep.c", "w").write("/* Generated by Cython 0.29.37 */ " + source)
    setup(name="NAME", version="1.0", package_dir={"": "src"}, packages=["pond"])
    """
NOT_MAKING = """
    from setuptools import setup
    setup(name="NAME", version="1.0", package_dir={"": "src"}, packages=["pond"])
    """
DEEP = """\
--- a/src/pond/_deep.pyx
+++ b/src/pond/_deep.pyx
@@ -1 +1 @@
-depth = 1
+depth = 2
"""


def add_deep(index, name, setup):
    files = {
        "setup.py": setup.replace("NAME", name),
        "src/pond/__init__.py": SOURCE,
        "src/pond/_deep.pyx": "depth = 1\n",
        "src/pond/_deep.c": "/* Generated by Cython 0.29.37 */ depth = 1\n",
    }
    index.add_sdist(name, "1.0", files)


def test_patches_without_effect(index, pond):
    """The pip of Python 2.7 builds in a copy: what that makes is seen there."""
    add_deep(index, "stale", NOT_MAKING)
    add_deep(index, "fresh", MAKING)
    versions = "stale = 1.0 +deep\nfresh = 1.0 +deep +modern"
    patched = pond(sections(versions=versions, eggs="stale\n    fresh"))
    patched.write("patches/stale/deep.patch", DEEP)
    patched.write("patches/fresh/deep.patch", DEEP)
    modern = LOUD.replace('"QUACK"', 'f"QUACK"')
    patched.write("patches/fresh/modern.patch", modern)

    for _ in range(2):  # the second time the eggs are there
        result = patched.run(expect=1)
        assert result.error.startswith("Patches of stale 1.0 change files without ")
        assert (
            "src/pond/_deep.pyx: src/pond/_deep.c, which is generated" in result.error
        )
        assert "fresh 1.0" not in result.error
    for _ in range(2):
        output = patched.run("buildout:patch-effect=warn").output
        assert output.count("Patches of stale 1.0 change files without effect") == 1
        warning = "src/pond/__init__.py: " + output.partition("/__init__.py: ")[2]
        assert "cannot compile it: line 7: invalid syntax" in warning.splitlines()[0]
        assert output.count("cannot compile it") == 1
    assert "Unused options" not in output
