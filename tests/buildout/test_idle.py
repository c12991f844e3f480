"""Idleness: where there is nothing to patch, poach does nothing, and wakes in time."""

import shutil

import pytest

from support.pond import LOUD, add_app, add_plain_pond, add_plugin, add_pond

#: Says when it is loaded and when it works, and fails.
RECIPE = """
    class Recipe:
        def __init__(self, buildout, name, options):
            print("loaded")

        def install(self):
            raise ValueError("at work")
    """
EXTRA = "Couldn't find the required extra."


def cfg(*parts, extensions="poach", buildout="", versions="pond = 1.0"):
    """A configuration with parts, each given as its name and its eggs."""
    sections = [
        f"[{name}]\nrecipe = zc.recipe.egg\neggs =\n    " + "\n    ".join(eggs)
        for name, *eggs in parts
    ]
    return "\n".join(
        [
            "[buildout]",
            f"extensions = {extensions}",
            "index = %(index)s",
            f"parts = {' '.join(name for name, *_ in parts)}",
            buildout,
            *sections,
            "[versions]",
            versions,
        ]
    )


def ship(index, name, *requirements, diff=LOUD):
    """Put a wheel on the index that ships a diff for the pond, and has a script."""
    files = {f"{name}.py": "from pond import main\n", f"{name}_diffs/loud.patch": diff}
    points = {
        "console_scripts": [f"{name} = {name}:main"],
        "poach.patches": [f"pond = {name}_diffs"],
    }
    index.add_wheel(name, "1.0", files, requires=requirements, entry_points=points)


def says(project, script):
    return project.script(script).stdout.split()[0]


def printed(project, index, *options, expect=0):
    """What a run prints, without what depends on time and place."""
    output = project.run(*options, expect=expect).output
    for text, name in ((str(project.path), "HERE"), (index.url, "INDEX")):
        output = output.replace(text, name)
    return output


@pytest.mark.every_buildout
@pytest.mark.parametrize("options", [(), ("-N",)])
def test_a_run_prints_the_same_with_poach_and_without(index, project, options):
    add_plain_pond(index)
    add_app(index, "app", "pond >=0.5")
    parts = [("one", "pond"), ("two", "app")]
    with_poach = project(cfg(*parts), "with")
    without = project(cfg(*parts, extensions=""), "without")

    assert kept(printed(with_poach, index, *options)) == kept(
        printed(without, index, *options)
    )
    assert not (with_poach.path / "patched-eggs").exists()


def kept(output):
    """The lines without those of the extension's own installation."""
    lines = output.splitlines()
    start = next(n for n, line in enumerate(lines) if "Installing one" in line)
    return [line for line in lines[start:] if "extensions" not in line]


@pytest.mark.every_buildout
def test_an_unknown_extra_is_buildouts_own_error(index, project):
    add_plain_pond(index)
    made = project(cfg(("one", "pond[loud]"), versions=""))

    result = made.run(expect=1)

    assert "pond 1.0 does not provide the extra 'loud'" in result.output
    assert result.error.startswith(EXTRA)
    assert "patch" not in result.error


@pytest.mark.parametrize("versions", ["", "pond = 1.0"])
def test_unknown_extras_that_are_allowed_are_nobodys_business(index, project, versions):
    add_plain_pond(index)
    allowed = "allow-unknown-extras = true"
    made = project(cfg(("one", "pond[loud]"), buildout=allowed, versions=versions))

    result = made.run()

    assert "Ignored" not in result.output
    assert says(made, "pond") == "quack"


def test_nothing_is_resolved_before_parts_are_at_work(index, project):
    add_plain_pond(index)
    add_plugin(index, "failing", RECIPE)
    made = project(
        cfg(("two", "pond")).replace("parts = two", "parts = one two")
        + "\n[one]\nrecipe = failing\n"
    )

    made.run(expect=1)

    assert not any("/pond/" in path for path in index.requests)


@pytest.mark.parametrize(
    "concern",
    ["[patches]\nloud =\n", "[substitutes]\nlake = pond\n", "diff", "series"],
)
def test_what_wakes_it(index, project, concern):
    add_plain_pond(index)
    add_pond(index, "lake")
    add_plugin(index, "failing", RECIPE)
    text = cfg(("two", "pond")).replace("parts = two", "parts = two one")
    more = concern if concern.startswith("[") else ""
    made = project(f"{text}\n[one]\nrecipe = failing\n{more}")
    if concern == "diff":
        made.write("patches/lake/1.0/loud.patch", LOUD)
    if concern == "series":
        made.write("patches/lake/all/series", "")

    output = made.run(expect=1).output

    assert output.index("Got pond 1.0") < output.index("Installing two")


# --- diffs that a distribution ships


def test_a_shipper_that_the_part_brings_is_heard(index, project):
    add_pond(index)
    ship(index, "shipper", "pond[loud]")
    made = project(cfg(("one", "shipper")))

    result = made.run()

    assert says(made, "shipper") == "QUACK"
    assert "pond 1.0 +loud (asked for by shipper 1.0)" in result.output


@pytest.mark.parametrize("tolerant", ["", "allow-unknown-extras = true"])
def test_one_that_comes_too_late_stops_the_run_and_the_next_is_right(
    index, project, tolerant
):
    add_pond(index)
    ship(index, "shipper", "pond[loud]")
    made = project(cfg(("one", "pond"), ("two", "shipper"), buildout=tolerant))

    error = made.run(expect=1).error

    assert error.startswith(
        "shipper 1.0 asks for pond +loud, but pond is already in use"
    )
    assert "run buildout again" in error
    made.run()
    assert says(made, "pond") == says(made, "shipper") == "QUACK"


def test_one_that_comes_after_a_request_that_was_tolerated(index, project):
    add_pond(index)
    add_app(index, "asker", "pond[loud]")
    ship(index, "shipper")
    parts = [("one", "asker"), ("two", "shipper")]
    made = project(cfg(*parts, buildout="allow-unknown-extras = true"))

    error = made.run(expect=1).error

    assert error.startswith("asker 1.0 asks for pond +loud, but pond is already in use")
    made.run()
    assert says(made, "asker") == "QUACK"


def test_one_that_does_not_agree_with_another_stops_the_run(index, project):
    add_pond(index)
    ship(index, "shipper", "pond[loud]")
    ship(index, "other", "pond[loud]", diff=LOUD.replace("QUACK", "moo"))
    made = project(cfg(("one", "shipper"), ("two", "other")))

    for _ in range(2):
        error = made.run(expect=1).error
        assert "other 1.0 and shipper 1.0 define it in different ways" in error


def test_a_shipper_at_hand_is_heard_before_parts_are_at_work(index, project):
    add_pond(index)
    ship(index, "shipper", "pond[loud]")
    shared = "eggs-directory = ${buildout:directory}/../eggs"
    project(cfg(("one", "shipper"), buildout=shared), "other").run()
    shutil.rmtree(project("", "other").path / "patched-eggs", ignore_errors=True)
    made = project(cfg(("one", "pond"), ("two", "shipper"), buildout=shared))

    made.run()

    assert says(made, "pond") == says(made, "shipper") == "QUACK"


def test_a_shipper_without_a_pin_on_what_it_patches_stops_the_run(index, project):
    add_plain_pond(index)
    ship(index, "shipper", "pond[loud]")
    made = project(cfg(("one", "shipper"), versions=""))

    assert "pin one in [versions]" in made.run(expect=1).error
