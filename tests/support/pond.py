"""A small world of projects to patch: `pond`, which quacks, and what needs it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from support.environments import Environment, hermetic
from support.index import Index
from support.project import Project

SOURCE = '''\
"""A pond."""

from __future__ import print_function


def sound():
    return "quack"


def size():
    return 1


def main():
    print(sound(), size(), __file__)
'''

#: Makes `sound` loud.
LOUD = """\
--- a/src/pond/__init__.py
+++ b/src/pond/__init__.py
@@ -4,7 +4,7 @@


 def sound():
-    return "quack"
+    return "QUACK"


 def size():
"""

#: Makes `size` two; its header is two lines off.
WIDE = """\
--- a/src/pond/__init__.py
+++ b/src/pond/__init__.py
@@ -6,5 +6,5 @@


 def size():
-    return 1
+    return 2


"""

#: Fits nowhere.
BROKEN = """\
--- a/src/pond/__init__.py
+++ b/src/pond/__init__.py
@@ -4,7 +4,7 @@


 def sound():
-    return "moo"
+    return "MOO"


 def size():
"""

C_SOURCE = """\
#include <Python.h>
#if __has_include("depth.h")
#include "depth.h"
#else
#define DEPTH 0
#endif
#ifdef WIDE
#define WIDTH 4
#else
#define WIDTH 1
#endif
#ifndef LEVEL
#define LEVEL 0
#endif
#define VOLUME 1

static PyObject *ask(PyObject *self, PyObject *none)
{
    return PyUnicode_FromFormat(
        "volume %d depth %d width %d level %d", VOLUME, DEPTH, WIDTH, LEVEL);
}

static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "cpond", "", -1, methods};

PyMODINIT_FUNC PyInit_cpond(void)
{
    return PyModule_Create(&module);
}
"""

#: Makes the pond in C loud.
LOUD_C = """\
--- a/cpond.c
+++ b/cpond.c
@@ -12,5 +12,5 @@
 #ifndef LEVEL
 #define LEVEL 0
 #endif
-#define VOLUME 1
+#define VOLUME 11

"""

#: An extension that empties a pin, as mr.developer does for what is checked out.
BLANKER = """
    import zc.buildout.easy_install

    def load(buildout):
        versions = buildout._raw["versions"]
        versions["pond"] = ""
        zc.buildout.easy_install.default_versions(dict(versions))
    """

CFG = """
    [buildout]
    extensions = poach
    index = %(index)s
    parts = app

    [app]
    recipe = zc.recipe.egg
    eggs = pond

    [versions]
    pond = 1.0 +loud
    """

#: What identifies LOUD alone, applied to pond 1.0.
TAGGED = "1.0+loud.p"


def add_pond(
    index: Index, name: str = "pond", version: str = "1.0", **how: bool
) -> None:
    """Put the sdist of the pond on the index, `how` as for `dists.sdist`."""
    index.add_sdist(
        name,
        version,
        {"src/pond/__init__.py": SOURCE},
        package_dir={"": "src"},
        packages=["pond"],
        entry_points={"console_scripts": [f"{name} = pond:main"]},
        **how,
    )


def add_cpond(index: Index) -> None:
    """Put the sdist of a pond in C on the index, which tells how it was built."""
    index.add_sdist(
        "cpond",
        "1.0",
        {
            "cpond.c": C_SOURCE,
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


def add_app(index: Index, name: str, requirement: str) -> None:
    """Put a wheel on the index that needs a pond and has a script of its own name."""
    index.add_wheel(
        name,
        "1.0",
        {f"{name}.py": "from pond import main\n"},
        requires=[requirement],
        entry_points={"console_scripts": [f"{name} = {name}:main"]},
    )


def add_plain_pond(index: Index, version: str = "1.0") -> None:
    """Put a wheel of the pond on the index, quick for whoever wants it unpatched."""
    points = {"console_scripts": ["pond = pond:main"]}
    index.add_wheel("pond", version, {"pond/__init__.py": SOURCE}, entry_points=points)


def add_plugin(
    index: Index,
    name: str,
    source: str,
    *,
    group: str = "zc.buildout",
    entry: str = "Recipe",
    requires: tuple[str, ...] = (),
) -> None:
    """Put a wheel on the index with a recipe, or an extension, of one module."""
    index.add_wheel(
        name,
        "1.0",
        {f"{name}.py": dedent(source)},
        requires=requires,
        entry_points={group: [f"default = {name}:{entry}"]},
    )


def make_warm_store(folder: Path, environment: Environment, wheelhouse: Path) -> None:
    """Make a store with the egg of pond 1.0 +loud: ``project/patched-eggs``."""
    project = Project(folder / "project", environment, hermetic(folder, wheelhouse))
    with Index(folder / "index") as index:
        add_pond(index)
        project.write("buildout.cfg", CFG.replace("%(index)s", index.url))
        project.write("patches/pond/1.0/loud.patch", LOUD)
        project.poach("build")
