"""Requests and substitutes with real packages from the index."""

import shutil

import pytest

from support import BUILDOUTS, CALLER, Project, dists
from support.environments import CHECKOUT

pytestmark = [pytest.mark.index, pytest.mark.slow]

#: Another patch of the C extension that the library has a diff for.
DOC = """\
--- a/src/zope/i18nmessageid/message.py
+++ b/src/zope/i18nmessageid/message.py
@@ -17,6 +17,6 @@

 __docformat__ = "reStructuredText"
-_marker = object()
+_marker = "poached"


 class Message(str):
"""

#: One that the library's own diff is in the way of.
RIVAL = """\
--- a/src/zope/i18nmessageid/_zope_i18nmessageid_message.c
+++ b/src/zope/i18nmessageid/_zope_i18nmessageid_message.c
@@ -181,6 +181,7 @@ Message_new(PyTypeObject* type, PyObject* args, PyObject* kwds)
     Py_XINCREF(new_msg->default_plural);
     Py_XINCREF(new_msg->number);

+    /* rival */
     return (PyObject*)new_msg;
 }

"""

#: The layers of one buildout: what is pinned, where diffs are, and what is installed.
BASE = """
    [buildout]
    extensions = poach
    parts = app

    [versions]
    zope.i18nmessageid = 8.1
    """
DIFFS = """
    [buildout]
    extends = base.cfg
    find-links = wheels
    patch-path = library
    """
SITE = """
    [buildout]
    extends = diffs.cfg

    [app]
    recipe = zc.recipe.egg
    eggs = %(eggs)s
    interpreter = py

    [versions]
    zc.recipe.egg = %(recipe)s
    """

ASK = """
from zope.i18nmessageid import Message, message
try:
    Message("x", mapping=42)
except Exception as error:
    print(type(error).__name__, message._marker)
"""


@pytest.fixture
def site(tmp_path, environment):
    """Make a buildout of three layers on the real index: ``site(eggs)``."""
    pip = {key: value for key, value in CALLER.items() if key.startswith("PIP_")}
    home = {"HOME": str(tmp_path), "BUILDOUT_HOME": str(tmp_path / "home")}
    path = {"PATH": CALLER["PATH"], "LANG": "C.UTF-8", "PYTHONWARNINGS": "ignore"}
    made = Project(tmp_path / "site", environment, {**pip, **home, **path})

    def make(eggs, **more):
        recipe = BUILDOUTS[environment.buildout][1].removeprefix("zc.recipe.egg==")
        made.write("base.cfg", BASE)
        made.write("diffs.cfg", DIFFS)
        names = {"eggs": eggs, "recipe": recipe.replace("*", "0")}
        made.write("buildout.cfg", SITE % names)
        shutil.copytree(CHECKOUT / "patches", made.path / "library")
        for name, text in more.items():
            made.write(f"library/zope.i18nmessageid/{name}.patch", text)
        return made

    def wheel(name, *requires, ships=None):
        files = {f"{name}.py": ""}
        points = {}
        for patch, text in (ships or {}).items():
            files[f"{name}_patches/8.1/{patch}.patch"] = text
            points["poach.patches"] = [f"zope.i18nmessageid = {name}_patches"]
        place = made.path / "wheels" / dists.wheel_name(name, "1.0")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(
            dists.wheel(name, "1.0", files, requires=requires, entry_points=points)
        )

    make.wheel = wheel
    return make


def works_offline(made):
    """Return whether the plain buildout finds its eggs offline: from 5 on it does
    not."""
    return made.environment.buildout < "5"


@pytest.mark.matrix
def test_two_packages_ask_for_patches_of_one_c_extension(site):
    """One diff is in the library, the other comes with the package that asks."""
    site.wheel("one", "zope.i18nmessageid[mapping-check] >=8")
    site.wheel("two", "zope.i18nmessageid[doc]", ships={"doc": DOC})
    made = site("one\n           two")

    result = made.run()

    assert made.script("py", "-c", ASK).stdout.split() == ["TypeError", "poached"]
    assert (
        "Resolving again with zope.i18nmessageid 8.1 +doc +mapping-check "
        "(asked for by one 1.0, two 1.0)."
    ) in result.stdout
    (entry,) = made.path.glob("patched-eggs/2/zope-i18nmessageid/8.1+doc.mapping*/*")
    before = made.snapshot("patched-eggs/2/zope-i18nmessageid", "bin")
    again = made.run("-N")
    assert "Patched eggs in use: zope.i18nmessageid 8.1+doc.mapping.check" in (
        again.stdout
    )
    assert "Building" not in again.stdout
    if works_offline(made):
        assert "Building" not in made.run("-o").stdout
    assert made.snapshot("patched-eggs/2/zope-i18nmessageid", "bin") == before
    assert entry.is_dir()


@pytest.mark.more
@pytest.mark.matrix
def test_a_part_had_picked_the_plain_egg_before_one_asked(site):
    """What is in use already by the last run changes with the first that asks."""
    site.wheel("one", "zope.i18nmessageid[mapping-check]")
    made = site("zope.i18nmessageid")
    made.run()
    assert made.script("py", "-c", ASK).stdout.split()[0] != "TypeError"
    more = "[other]\nrecipe = zc.recipe.egg\neggs = one\ninterpreter = py2\n"
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write(more)

    offline = [("-o",)] if works_offline(made) else []
    for options in ((), ("-N",), *offline):
        made.run("buildout:parts=app other", *options)

        for interpreter in ("py", "py2"):
            assert made.script(interpreter, "-c", ASK).stdout.split()[0] == "TypeError"


@pytest.mark.more
@pytest.mark.matrix
def test_a_conflict_of_two_packages(site):
    site.wheel("one", "zope.i18nmessageid[mapping-check]")
    site.wheel("two", "zope.i18nmessageid[rival]")
    made = site("one\n           two", rival=RIVAL)

    error = made.run(expect=1).error

    assert (
        "'rival' (asked for by two 1.0) and 'mapping-check' (asked for by one 1.0) "
        "both change src/zope/i18nmessageid/_zope_i18nmessageid_message.c"
    ) in error
    assert "+    /* rival */" in error


@pytest.mark.more
@pytest.mark.matrix
def test_psycopg2_binary_in_the_place_of_psycopg2(site):
    """SQLAlchemy's extra requires psycopg2, which has no wheels for Linux."""
    made = site("SQLAlchemy[postgresql]")
    with (made.path / "buildout.cfg").open("a") as cfg:
        cfg.write("SQLAlchemy = 1.4.54\npsycopg2-binary = 2.9.9\n")
        cfg.write("[substitutes]\npsycopg2 = psycopg2-binary\n")

    result = made.run()

    assert "psycopg2-2" not in result.output
    code = (
        "import psycopg2, sqlalchemy.dialects.postgresql.psycopg2;"
        "from importlib.metadata import version;"
        "print(version('psycopg2'), version('psycopg2-binary'))"
    )
    assert made.script("py", "-c", code).stdout.split() == ["2.9.9"] * 2
    for option in ("-N", "-o") if works_offline(made) else ("-N",):
        assert "Getting" not in made.run(option).stdout
        assert made.script("py", "-c", code).stdout.split() == ["2.9.9"] * 2
