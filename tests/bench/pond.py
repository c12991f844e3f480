"""A small world of projects to patch: `pond`, which quacks, and what needs it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from bench.environments import Environment, hermetic
from bench.index import Index
from bench.project import Project

SOURCE = '''\
"""A pond."""

import sys


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


def add_pond(index: Index, name: str = "pond", version: str = "1.0") -> None:
    """Put the sdist of the pond on the index."""
    index.add_sdist(
        name,
        version,
        {"src/pond/__init__.py": SOURCE},
        package_dir={"": "src"},
        packages=["pond"],
        entry_points={"console_scripts": ["pond = pond:main"]},
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


def make_warm_store(folder: Path, environment: Environment, wheelhouse: Path) -> Path:
    """Return a store with the egg of pond 1.0 +loud, to be copied: stores can move."""
    project = Project(folder / "project", environment, hermetic(folder, wheelhouse))
    with Index(folder / "index") as index:
        add_pond(index)
        project.write("buildout.cfg", CFG.replace("%(index)s", index.url))
        project.write("patches/pond/1.0/loud.patch", LOUD)
        project.poach("build")
    return project.path / "patched-eggs"
