"""Isolation: a plain pin, or none, never gets a patched egg, wherever it lies."""

import io
import shutil
import zipfile
from textwrap import dedent

import pytest
import zc.buildout.easy_install as easy_install

from poach.buildout import pinning
from support import dists
from support.pond import LOUD, SOURCE, add_plain_pond, add_plugin, add_pond

#: A version as poach makes them, and labels that somebody else makes.
TAGGED = "1.0+loud.p1234abcd"
FOREIGN = ["1.0+cu118", "1.0+deb1", "1.0+loud", "1.0+loud.pabc"]
PATCHED = SOURCE.replace('"quack"', '"QUACK"')


def cfg(versions="", buildout="", *eggs):
    """A configuration with lines for its sections; the default egg is the pond."""
    return "\n".join(
        [
            "[buildout]",
            "extensions = poach",
            "index = %(index)s",
            "parts = app",
            buildout,
            "[app]",
            "recipe = zc.recipe.egg",
            "eggs =",
            *(f"    {egg}" for egg in eggs or ["pond"]),
            "[versions]",
            versions,
        ]
    )


def says(project, script="pond"):
    return project.script(script).stdout.split()[0]


def patched_wheel(version=TAGGED):
    """A wheel of the pond, patched by hand."""
    points = {"console_scripts": ["pond = pond:main"]}
    files = {"pond/__init__.py": PATCHED}
    return dists.wheel("pond", version, files, entry_points=points)


def patched_sdist(version=TAGGED):
    """An sdist of the pond, patched by hand."""
    points = {"console_scripts": ["pond = pond:main"]}
    files = {"pond/__init__.py": PATCHED}
    return dists.sdist("pond", version, files, entry_points=points, setuptools=True)


def put(folder, name, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def put_wheel(folder, version=TAGGED):
    put(folder, dists.wheel_name("pond", version), patched_wheel(version))


def put_sdist(folder, version=TAGGED):
    put(folder, f"pond-{version}.tar.gz", patched_sdist(version))


def share_egg(project, index, tmp_path, version=TAGGED):
    """Have another buildout put a patched egg into the shared eggs-directory."""
    put_wheel(tmp_path / "links", version)
    links = f"find-links = {tmp_path / 'links'}"
    other = project(cfg(f"pond = {version}", f"{links}\n{SHARED}"), "other")
    other.run()
    assert says(other) == "QUACK"
    shutil.rmtree(tmp_path / "links")


def runs(environment):
    """Options of runs: only 4.2 sees eggs with a wheel's metadata in offline mode."""
    return [(), ("-N",), *[("-o",)] * (environment.buildout == "4.2")]


SHARED = "eggs-directory = ${buildout:directory}/../eggs"


@pytest.fixture
def shared(index, project, tmp_path):
    """Make a project with the eggs-directory in which a patched egg lies."""
    share_egg(project, index, tmp_path)
    return lambda versions="", buildout="", *eggs: project(
        cfg(versions, f"{SHARED}\n{buildout}", *eggs)
    )


# --- eggs-directory


@pytest.mark.every_buildout
def test_a_plain_pin_passes_over_a_patched_egg_in_eggs_directory(
    index, shared, environment
):
    add_plain_pond(index)
    plain = shared("pond = 1.0")

    for options in runs(environment):
        plain.run(*options)
        assert says(plain) == "quack"


@pytest.mark.parametrize("versions", ["", "pond = >=0.5", "pond = ==1.0"])
def test_so_does_whatever_admits_it(index, shared, versions):
    add_plain_pond(index)
    index.add_wheel("app", "1.0", {"app.py": ""}, requires=["pond >=0.9"])
    plain = shared(versions, "", "app", "pond")

    for options in ((), ("-N",)):
        plain.run(*options)
        assert says(plain) == "quack"


def test_a_pin_that_says_the_version_takes_it(shared):
    patched = shared(f"pond = {TAGGED}")

    patched.run("-N")

    assert says(patched) == "QUACK"


def test_a_requirement_that_says_the_version_takes_it(index, shared):
    index.add_wheel("app", "1.0", {"app.py": ""}, requires=["pond >=0.9"])
    patched = shared("", "", "app", f"pond =={TAGGED}")

    patched.run()

    assert says(patched) == "QUACK"


@pytest.mark.every_buildout
def test_the_error_names_what_was_passed_over(index, shared, tmp_path, environment):
    index.add("pond", "unrelated.txt", b"")
    plain = shared("pond = 1.0", "allow-picked-versions = false")

    for options in runs(environment):
        error = plain.run(*options, expect=1).error
        assert f"There is pond {TAGGED} ({tmp_path.resolve()}/eggs/" in error
        assert "it is patched, and only this pin takes it: pond = " + TAGGED in error
    assert "pond==1.0" in error


@pytest.mark.parametrize("version", FOREIGN)
def test_another_label_is_somebody_elses(index, project, tmp_path, version):
    share_egg(project, index, tmp_path, version)
    add_plain_pond(index)
    plain = project(cfg("pond = 1.0", SHARED))

    plain.run("-N")

    assert says(plain) == "QUACK"


def test_a_patched_pin_takes_its_own_egg(index, shared):
    add_pond(index)
    patched = shared("pond = 1.0 +loud")
    patched.write("patches/pond/loud.patch", LOUD)

    patched.run()

    assert "/patched-eggs/" in patched.script("pond").stdout


# --- find-links, download-cache, the index, develop-eggs


@pytest.mark.parametrize("form", [put_wheel, put_sdist])
@pytest.mark.parametrize(
    "place", ["find-links", "download-cache", "install-from-cache", "index"]
)
def test_a_plain_pin_passes_over_what_is_on_offer(
    index, project, tmp_path, place, form
):
    options = {
        "find-links": f"find-links = {tmp_path}/offer",
        "download-cache": f"download-cache = {tmp_path}/offer",
        "install-from-cache": f"download-cache = {tmp_path}/offer\n"
        "install-from-cache = true",
        "index": "",
    }
    form(tmp_path / "offer" / "dist" if "cache" in place else tmp_path / "offer")
    if place == "index":
        shutil.copytree(tmp_path / "offer", index.root / "files" / "pond")
    if place != "install-from-cache":
        add_plain_pond(index)
    plain = project(cfg("pond = 1.0", options[place]))
    if place == "install-from-cache":
        error = plain.run(expect=1).error
        assert f"There is pond {TAGGED} (" in error
        return

    plain.run()

    assert says(plain) == "quack"


def test_a_part_that_builds_from_source_passes_over_a_patched_sdist(
    index, project, tmp_path
):
    add_pond(index, setuptools=True)
    put_sdist(tmp_path / "offer")
    plain = project(
        cfg("pond = 1.0", f"find-links = {tmp_path}/offer").replace(
            "zc.recipe.egg\n", "zc.recipe.egg:custom\n"
        )
    )

    plain.run()

    assert [egg.name[:8] for egg in plain.path.glob("develop-eggs/*.egg")] == [
        "pond-1.0"
    ]
    assert not list(plain.path.glob("develop-eggs/*loud*"))


def test_a_patched_egg_that_lies_in_develop_eggs_is_passed_over(index, shared):
    add_plain_pond(index)
    plain = shared("pond = 1.0")
    (egg,) = (plain.path.parent / "eggs").glob("**/pond-*.egg")
    shutil.copytree(egg, plain.path / "develop-eggs" / egg.name)

    plain.run()

    assert says(plain) == "quack"


def test_a_checkout_that_is_developed_counts_and_is_named(index, project):
    add_plain_pond(index)
    made = project(cfg("pond = 1.0", "develop = checkout"))
    made.write("checkout/src/pond/__init__.py", PATCHED)
    made.write(
        "checkout/setup.py",
        f"""
        from setuptools import setup

        setup(name="pond", version="{TAGGED}", packages=["pond"],
              package_dir={{"": "src"}},
              entry_points={{"console_scripts": ["pond = pond:main"]}})
        """,
    )

    output = made.run().output

    assert output.count(f"The develop egg of pond {TAGGED} at ") == 1
    assert says(made) == "QUACK"


# --- what buildout itself runs on


#: Says what the pond says when it is at work.
SAYING = """
    import pond

    class Recipe:
        def __init__(self, buildout, name, options):
            print("The recipe says", pond.sound())

        def install(self):
            return ()

        update = install
    """
RECIPE_PART = "\n[two]\nrecipe = saying\n"


@pytest.fixture
def beside(environment):
    """Install wheels beside buildout for the time of a test."""
    (folder,) = environment.path.glob("lib/python*/site-packages")
    before = set(folder.iterdir())

    def install(*wheels):
        for data in wheels:
            zipfile.ZipFile(io.BytesIO(data)).extractall(folder)

    yield install
    for path in set(folder.iterdir()) - before:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def with_recipe(text):
    return text.replace("parts = app", "parts = app two") + RECIPE_PART


@pytest.mark.every_buildout
def test_a_part_passes_over_what_is_installed_beside_buildout(index, project, beside):
    add_plain_pond(index)
    beside(patched_wheel())
    plain = project(cfg("pond = 1.0"))

    for options in ((), ("-N",)):
        plain.run(*options)
        assert says(plain) == "quack"


def test_a_recipe_runs_on_the_plain_one(index, project, beside):
    add_plain_pond(index)
    add_plugin(index, "saying", SAYING, requires=("pond >=0.5",))
    beside(patched_wheel())
    plain = project(with_recipe(cfg("pond = 1.0")))

    for options in ((), ("-N",)):
        assert "The recipe says quack" in plain.run(*options).output


def test_a_recipe_runs_on_the_patched_one_where_a_pin_says_so(index, project, beside):
    add_plugin(index, "saying", SAYING, requires=("pond >=0.5",))
    beside(patched_wheel())
    patched = project(with_recipe(cfg(f"pond = {TAGGED}")))

    assert "The recipe says QUACK" in patched.run().output


def test_a_recipe_beside_buildout_that_would_run_on_a_patched_one(
    index, project, beside
):
    add_plain_pond(index)
    points = {"zc.buildout": ["default = saying:Recipe"]}
    files = {"saying.py": dedent(SAYING)}
    recipe = dists.wheel("saying", "1.0", files, requires=["pond"], entry_points=points)
    beside(patched_wheel(), recipe)
    plain = project(with_recipe(cfg("pond = 1.0")))

    error = plain.run(expect=1).error

    assert f"There is pond {TAGGED} (" in error


def test_what_an_extension_got_before_poach(index, shared):
    add_plugin(
        index,
        "early",
        "import pond\n\ndef load(buildout): pass\n",
        group="zc.buildout.extension",
        entry="load",
        requires=("pond",),
    )
    made = shared("pond = 1.0", "extensions += early")

    error = made.run(expect=1).error

    assert error.startswith(f"pond {TAGGED} from ")
    assert "was loaded before poach, and it is patched" in error
    assert f"pin it: pond = {TAGGED}" in error


@pytest.mark.parametrize("gone", ["alpha", "beta", "gamma", "alpha beta"])
def test_extensions_are_all_loaded_though_one_project_is_forgotten(tmp_path, gone):
    names = ["alpha", "beta", "gamma", "omega"]
    for name in names:
        put(tmp_path / f"{name}-1.0.dist-info", "METADATA", metadata(name))
    ws = easy_install.pkg_resources.WorkingSet([str(tmp_path)])
    seen = []

    for dist in ws:
        seen.append(dist.project_name)
        if len(seen) == 2:
            pinning.forget(ws, gone.split())

    assert set(names) - set(gone.split()) <= set(seen)
    assert len(seen) == len(set(seen))
    assert sorted(dist.project_name for dist in ws) == sorted(
        set(names) - set(gone.split())
    )


def metadata(name):
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
