"""Pins in words that are not poach's: an error or a hint that says the right ones."""

import pytest

from support.pond import CFG, LOUD, add_app, add_plain_pond

CUSTOM = """
    [pond]
    recipe = zc.recipe.egg:custom
    egg = pond
    patches = patches/pond/loud.patch#123
    patch-options = -p1
    """


#: As collective.recipe.patch, which patches what is installed already.
RECIPE = """
    class Recipe:
        def __init__(self, buildout, name, options):
            options["patches"]

        def install(self):
            return ()

        update = install
    """
ENTRY = {"zc.buildout": ["default = fixing:Recipe"]}


@pytest.fixture
def pond(index, project):
    """Make a project with another pin in the place of ``1.0 +loud``."""
    add_plain_pond(index)

    def make(pin, cfg=CFG):
        made = project(cfg.replace("1.0 +loud", pin))
        made.write("patches/pond/loud.patch", LOUD)
        made.write("patches/pond/wide-angle.patch", LOUD)
        return made

    return make


@pytest.mark.every_buildout
@pytest.mark.parametrize(
    ("pin", "word"),
    [
        ("1.0 loud", "loud"),
        ("1.0\n        loud\n        wide", "loud"),
        (">=1.0 loud", "loud"),
    ],
)
def test_a_forgotten_plus(pond, pin, word):
    made = pond(pin)

    result = made.run(expect=1)

    assert "Traceback" not in result.output
    assert result.error == (
        f"Malformed pin 'pond = {' '.join(pin.split())}' (buildout.cfg:12): "
        f"'{word}' has no '+' before it; a patched pin is 'pond = VERSION +PATCH ...'"
    )
    assert not (made.path / "parts").exists()


def test_a_forgotten_plus_is_reported_with_all_faults(pond):
    made = pond("1.0 loud\n    lake = 2.0 +wide +wide\n    sea = 1.0 deep")

    assert [
        line.partition(":")[0] for line in made.run(expect=1).error.split("\n")
    ] == [
        "Malformed pin 'pond = 1.0 loud' (buildout.cfg",
        "Malformed pin 'lake = 2.0 +wide +wide' (buildout.cfg",
        "Malformed pin 'sea = 1.0 deep' (buildout.cfg",
    ]


@pytest.mark.parametrize("command", ["list", "build", "graph"])
def test_the_commands_name_a_forgotten_plus(pond, command):
    error = pond("1.0 loud").poach(command, expect=1).error

    assert error.startswith("Malformed pin 'pond = 1.0 loud' (buildout.cfg:12)")


@pytest.mark.parametrize("value", [">=1.0, <2", ">= 1.0", "== 1.0", "==1.0 , >0.9"])
def test_ranges_with_blanks_are_left_to_buildout(pond, value):
    assert "Malformed" not in pond(value).run(expect=None).output


@pytest.mark.every_buildout
@pytest.mark.parametrize(
    ("value", "cure"),
    [
        ("1.0 # the last one", "; give the comment a line of its own"),
        (">=1.0 ; or so", "; give the comment a line of its own"),
        ("latest", ""),
        ("1.3.4nxd6", ""),
    ],
)
def test_what_buildout_cannot_read_is_an_error_where_it_is_used(
    index, pond, value, cure
):
    add_app(index, "app", "pond")
    made = pond(value, CFG.replace("eggs = pond", "eggs = app"))

    result = made.run(expect=1)

    assert "Traceback" not in result.output
    assert result.error == (
        f"app requires pond, and its version 'pond = {value}' (buildout.cfg:12) is "
        f"none that zc.buildout can read{cure}"
    )


def test_what_buildout_cannot_read_and_nobody_uses_is_left_alone(pond):
    pond("1.0\n    lake = 2.0 # the last one\n    sea = latest").run()


# -- local versions


@pytest.mark.parametrize(
    ("version", "right"),
    [
        ("1.0+loud", "1.0 +loud"),
        ("1.0+Loud", "1.0 +Loud"),
        ("==1.0+loud", "1.0 +loud"),
        ("1.0+wide.angle", "1.0 +wide.angle"),
        ("1.0+loud.wide-angle", "1.0 +loud +wide-angle"),
    ],
)
def test_a_local_version_that_names_a_patch(pond, version, right):
    result = pond(version).run(expect=1)

    shown = version.removeprefix("==")
    assert (
        f"[versions] (buildout.cfg:12): 'pond = {shown}' is a local version (PEP 440), "
        f"which poach does not patch; did you mean 'pond = {right}'?\n"
    ) in result.output


@pytest.mark.parametrize(
    "version", ["1.0+other", "1.0+loud.other", "1.0+loud.p47b1d5f4"]
)
def test_a_local_version_that_names_none(pond, version):
    assert "did you mean" not in pond(version).run(expect=1).output


def test_a_local_version_of_slapos(pond):
    assert (
        "[versions] (buildout.cfg:12): 'pond = 1.0+SlapOSPatched001' is how SlapOS "
        "calls an egg that it patches; for poach write 'pond = 1.0 +NAME', and the "
        "diff into [patches]\n"
    ) in pond("1.0+SlapOSPatched001").run(expect=1).output


def test_hints_are_errors_where_the_user_wants_that(pond):
    made = pond("1.0+loud")

    error = made.run("buildout:patch-unused=error", expect=1).error

    assert error.startswith(
        "[versions] (buildout.cfg:12): 'pond = 1.0+loud' is a local"
    )


# -- options of SlapOS


@pytest.mark.every_buildout
def test_patches_of_slapos_recipe(pond):
    result = pond("1.0", CFG.replace("= app", "= pond") + CUSTOM).run(expect=None)

    assert (
        "[pond] patches, patch-options (buildout.cfg:17): only the zc.recipe.egg of "
        "SlapOS reads that, and it has no effect here; write 'PROJECT = VERSION +NAME' "
        "into the versions section and 'NAME = DIFF' into [patches]\n"
    ) in result.output


@pytest.mark.parametrize("option", ["pond-patches", "Pond-patch-options"])
def test_options_of_slapos_for_one_egg_of_a_part(pond, option):
    cfg = CFG.replace("eggs = pond", f"eggs = pond\n    {option} = -p1")

    assert f"[app] {option} (buildout.cfg:10): only the zc.recipe.egg of SlapOS" in (
        pond("1.0", cfg).run().output
    )


@pytest.mark.parametrize(
    "option", ["patches =", "sea-patches = x", "dispatches = x", "patches-of = x"]
)
def test_other_options_are_none_of_slapos(pond, option):
    cfg = CFG.replace("eggs = pond", f"eggs = pond\n    {option}")

    assert "SlapOS" not in pond("1.0", cfg).run().output


def test_a_part_that_patches_what_is_installed_is_left_alone(index, pond):
    index.add_wheel("fixing", "1.0", {"fixing.py": RECIPE}, entry_points=ENTRY)
    section = """
    [fix]
    recipe = fixing
    patches = patches/pond/loud.patch
    """

    assert (
        "SlapOS"
        not in pond("1.0", CFG.replace("= app", "= app fix") + section).run().output
    )
