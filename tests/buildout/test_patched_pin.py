"""The main job: a pin with a patch, and everybody who requires the project gets it."""

import json
import shutil
import subprocess

import pytest

from support import dists, hermetic
from support.pond import BROKEN, CFG, LOUD, TAGGED, WIDE, add_app, add_pond


@pytest.fixture
def pond(index, project):
    """A project with a patched pin that every part of it can quack with."""
    add_pond(index)

    def make(cfg=CFG, name="project"):
        made = project(cfg, name)
        made.write("patches/pond/1.0/loud.patch", LOUD)
        made.write("patches/pond/wide.diff", WIDE)
        return made

    return make


def eggs(project):
    """The entries of the project's store, as folders."""
    return sorted((project.path / "patched-eggs" / "2").glob("[a-z]*/*/*"))


@pytest.mark.every_buildout
@pytest.mark.parametrize("setuptools", [True, False])
def test_the_parts_own_egg(index, pond, setuptools):
    patched = pond()
    add_pond(index, setuptools=setuptools)

    result = patched.run()

    lines = result.stdout.splitlines()
    assert "Patching pond 1.0: loud (1 file, 1 hunk)" in lines
    (version,) = {line.split()[2] for line in lines if line.startswith("Built pond ")}
    assert version.startswith(TAGGED)
    assert f"Patched eggs in use: pond {version}" in lines
    assert patched.script("pond").stdout.startswith("QUACK 1 ")
    assert "/patched-eggs/2/pond/" in patched.script("pond").stdout
    assert not index.scanned


@pytest.mark.matrix
@pytest.mark.parametrize("requirement", ["Pond >=0.5", "pond ==1.0", "pond ~=1.0"])
def test_a_transitive_requirement(index, pond, requirement):
    add_app(index, "app", requirement)
    patched = pond(CFG.replace("eggs = pond", "eggs = app"))

    patched.run()

    assert patched.script("app").stdout.startswith("QUACK 1 ")


@pytest.mark.every_buildout
def test_the_second_run_asks_nobody(pond):
    patched = pond()
    patched.run()
    before = patched.snapshot("bin", "patched-eggs", "patches")

    again = patched.run()

    assert "Patched eggs in use: pond 1.0+loud.p" in again.stdout
    assert "Patching" not in again.stdout
    asked = [event for event in again.audit if "pond" in str(event)]
    assert asked == []
    assert patched.run("-N").audit == ()
    assert patched.snapshot("bin", "patched-eggs", "patches") == before


def test_offline_with_a_warm_store(pond):
    patched = pond()
    patched.run()

    assert "Patched eggs in use" in patched.run("-o").stdout
    assert patched.script("pond").stdout.startswith("QUACK 1 ")


def test_offline_without_an_egg(pond):
    patched = pond()

    result = patched.run("-o", expect=1)

    assert result.error.startswith("There is no patched egg of pond 1.0+loud.p")
    assert result.error.endswith(
        "yet, and none can be built in offline (no-install) mode"
    )


@pytest.mark.every_buildout
def test_nothing_of_ours_among_the_eggs(pond):
    patched = pond()
    patched.run()

    assert not [name for name in patched.snapshot("eggs") if "pond" in name]
    assert len(eggs(patched)) == 1


def test_a_plain_buildout_after_the_store_is_gone(pond):
    patched = pond()
    patched.run()
    shutil.rmtree(patched.path / "patched-eggs")
    patched.write(
        "plain.cfg",
        """
        [buildout]
        extends = buildout.cfg
        extensions =
        [versions]
        pond = 1.0
        """,
    )

    patched.run("-c", "plain.cfg")

    assert patched.script("pond").stdout.startswith("quack 1 ")


def test_patches_compose_in_the_order_of_the_pin(pond):
    patched = pond(CFG.replace("+loud", "+loud +wide"))

    result = patched.run()

    assert "Patching pond 1.0: loud (1 file, 1 hunk)" in result.stdout
    assert "Patching pond 1.0: wide (1 file, 1 hunk)" in result.stdout
    assert "src/pond/__init__.py: hunk 1 at line 8, offset 2 lines" in result.stdout
    assert patched.script("pond").stdout.startswith("QUACK 2 ")


def test_an_edited_diff_is_another_version(pond):
    patched = pond()
    patched.run()
    first = patched.script("pond").stdout

    patched.write(
        "patches/pond/1.0/loud.patch",
        LOUD.replace('+    return "QUACK', '+    return "KWAAK'),
    )
    patched.run()

    assert patched.script("pond").stdout.startswith("KWAAK 1 ")
    assert patched.script("pond").stdout != first
    assert len(eggs(patched)) == 2


def test_the_metadata_says_what_was_done(pond):
    patched = pond()
    patched.run()
    (entry,) = eggs(patched)
    (info,) = entry.glob("*.egg/*.dist-info")
    (patch,) = json.loads((info / "poach.json").read_bytes())["patches"]

    assert (info / "patches" / "loud.patch").read_text() == LOUD
    assert patch["name"] == "loud"
    assert patch["owner"] == "buildout.cfg:12"
    assert patch["location"] == "loud.patch"
    assert patch["strip"] == 1
    (file,) = patch["files"]
    assert file["path"] == "src/pond/__init__.py"
    assert file["hunks"] == [
        {
            "header": "@@ -4,7 +4,7 @@",
            "line": 4,
            "offset": 0,
            "fuzz": 0,
            "eol": False,
        }
    ]
    assert (info / "sboms" / "pond.cdx.json").is_file()
    assert not (info / "direct_url.json").exists()
    assert str(patched.path) not in (info / "RECORD").read_text()
    assert str(patched.path) not in (info / "poach.json").read_text()


NAMESPACE = "__import__('pkg_resources').declare_namespace(__name__)\n"


@pytest.mark.every_buildout
def test_the_egg_is_laid_out_as_buildouts_own(index, project):
    """Old-style namespaces too: buildout 4 declares them in eggs, 5 and 6 do not."""
    index.add_sdist(
        "old.pond",
        "1.0",
        {
            "old/__init__.py": NAMESPACE,
            "old/pond/__init__.py": "def main():\n    print('quack')\n",
            "old/pond/data.txt": "data\n",
        },
        packages=["old", "old.pond"],
        namespace_packages=["old"],
        entry_points={"console_scripts": ["pond = old.pond:main"]},
    )
    cfg = CFG.replace("pond = 1.0 +loud", "old.pond = 1.0 +loud")
    patched = project(cfg.replace("eggs = pond", "eggs = old.pond"))
    patched.write(
        "patches/old.pond/loud.patch",
        "--- a/old/pond/data.txt\n+++ b/old/pond/data.txt\n@@ -1 +1 @@\n-data\n+DATA\n",
    )
    patched.run()
    patched.write(
        "plain.cfg",
        """
        [buildout]
        extends = buildout.cfg
        extensions =
        [versions]
        old.pond = 1.0
        """,
    )
    patched.run("-c", "plain.cfg")

    (ours,) = patched.path.glob("patched-eggs/2/old-pond/*/*/*.egg")
    (plain,) = patched.path.glob("eggs/**/old*pond-1.0-*.egg")
    assert files(ours) == files(plain)
    assert ours.name == plain.name.replace("-1.0-", f"-{version_of(ours)}-")


def files(egg):
    """The files of an egg, those of its metadata by their names alone.

    What poach adds to the metadata, and what pip says of where it was, left out.
    """
    found = {p.relative_to(egg).as_posix() for p in egg.rglob("*") if p.is_file()}
    names = {name.partition("dist-info/")[2] or name for name in found}
    added = ("patches/", "sboms/", "poach.json", "direct_url.json")
    return {n for n in names if "__pycache__" not in n and not n.startswith(added)}


def version_of(egg):
    return egg.parent.parent.name


@pytest.fixture
def beside_buildout(environment, home, wheelhouse, tmp_path):
    """Install wheels into the environment of buildout itself, for one test."""
    variables = hermetic(home, wheelhouse)
    names = []

    def pip(*args):
        python = environment.program("python")
        command = [str(python), "-m", "pip", *args]
        subprocess.run(command, env=variables, check=True, capture_output=True)

    def install(name, version, files, **more):
        path = tmp_path / dists.wheel_name(name, version)
        path.write_bytes(dists.wheel(name, version, files, **more))
        pip("install", "--no-deps", str(path))
        names.append(name)

    yield install
    pip("uninstall", "--yes", *names)


QUACKING = {
    "quacking.py": """
        import pond

        class Recipe:
            def __init__(self, buildout, name, options):
                options["sound"] = pond.sound()

            def install(self):
                print("The recipe says", pond.sound())
                return ()

            update = install
        """
}
RECIPE = {"zc.buildout": ["default = quacking:Recipe"]}
QUACKING_CFG = CFG.replace("recipe = zc.recipe.egg", "recipe = quacking")


@pytest.mark.every_buildout
def test_a_recipe_runs_patched_code(index, pond):
    index.add_wheel("quacking", "1.0", QUACKING, requires=["pond"], entry_points=RECIPE)
    patched = pond(QUACKING_CFG)

    assert "The recipe says QUACK" in patched.run().stdout
    assert "The recipe says QUACK" in patched.run().stdout


@pytest.mark.every_buildout
def test_a_recipe_beside_buildout_runs_patched_code(pond, beside_buildout):
    """Buildout would not even look for a pond: recipe and pond are there, plain."""
    beside_buildout("pond", "1.0", {"pond.py": "def sound():\n    return 'quack'\n"})
    needs = {"requires": ["pond"], "entry_points": RECIPE}
    beside_buildout("quacking", "1.0", QUACKING, **needs)
    patched = pond(QUACKING_CFG)

    assert "The recipe says QUACK" in patched.run().stdout
    assert "The recipe says QUACK" in patched.run("-N").stdout


@pytest.mark.every_buildout
def test_site_packages_cannot_shadow_the_patched_egg(pond, beside_buildout):
    """Buildout sorts working sets again, and site-packages may come first there."""
    beside_buildout("pond", "1.0", {"pond.py": "def main():\n    print('plain')\n"})
    beside_buildout("helper", "1.0", {"helper.py": "x = 1\n"})
    patched = pond(CFG.replace("eggs = pond", "eggs = helper\n           pond"))

    patched.run()

    assert patched.script("pond").stdout.startswith("QUACK 1 ")
    patched.run("-N")
    assert patched.script("pond").stdout.startswith("QUACK 1 ")


def test_broken_is_reported_and_nothing_is_kept(pond):
    patched = pond()
    patched.write("patches/pond/1.0/loud.patch", BROKEN)

    result = patched.run(expect=1)

    assert "loud" in result.error
    assert eggs(patched) == []
    assert not (patched.path / "bin" / "pond").exists()


@pytest.mark.parametrize(
    ("option", "theirs"), [("find-links = wheels", ""), ("", "wheels")]
)
def test_builds_find_their_requirements_in_relative_folders(
    pond, wheelhouse, option, theirs
):
    """Of buildout's find-links, and of the user's PIP_FIND_LINKS."""
    patched = pond(CFG.replace("parts = app", f"parts = app\n    {option}"))
    shutil.copytree(wheelhouse, patched.path / "wheels")

    patched.poach("build", env={"PIP_FIND_LINKS": theirs})


def test_what_the_user_wants_of_pip_does_not_break_a_build(pond, tmp_path):
    patched = pond()
    variables = ("PIP_USER", "PIP_PREFIX", "PIP_TARGET", "PIP_ROOT")

    patched.poach(
        "build",
        env=dict.fromkeys(variables, str(tmp_path / "theirs")) | {"PIP_USER": "1"},
    )

    assert not (tmp_path / "theirs").exists()
