"""Pins that buildout reads before it loads poach: the commands name them."""

import pytest

from support.pond import CFG, LOUD, add_plain_pond, add_plugin

NEEDY = "def load(buildout):\n    pass\n"


@pytest.fixture
def pond(index, project):
    """Make a project with one more pin."""
    add_plain_pond(index)

    def make(pin, cfg=CFG):
        made = project(cfg.replace("pond = 1.0 +loud", pin))
        made.write("patches/any/x.patch", LOUD)
        for name in ("pond", "requests", "setuptools", "idna", "zc.buildout"):
            made.write(f"patches/{name}/x.patch", LOUD)
        return made

    return make


@pytest.mark.every_buildout
@pytest.mark.parametrize(
    "pin",
    [
        "requests = 2.31.0 +x",
        "setuptools = 75.0 +x",
        "idna = 3.4 +x",
        "zc.buildout = 6.0 +x",
    ],
)
def test_the_commands_name_a_pin_of_what_poach_needs(pond, pin):
    project = pin.partition(" ")[0]

    assert pond(pin).poach("list", expect=1).error == (
        f"Pin '{pin}' (buildout.cfg:12): {project} runs this very buildout and cannot "
        "be patched by it"
    )


def test_the_commands_name_a_forgotten_plus_of_what_poach_needs(pond):
    error = pond("requests = 2.31.0 x").poach("list", expect=1).error

    assert error.startswith("Malformed pin 'requests = 2.31.0 x' (buildout.cfg:12)")


@pytest.mark.every_buildout
@pytest.mark.parametrize(
    "pin",
    ["requests = 2.34.2 x", "requests = 2.34.2 +x", "setuptools = 75.0 +x"],
)
def test_what_buildout_says_of_a_pin_that_it_reads_before_poach(pond, pin):
    """README.rst shows this text, which poach cannot change."""
    said = pond(pin).run(expect=1).stderr

    _, loading, rest = said.partition("While:\n  Installing.\n  Loading extensions.\n")
    assert loading
    assert rest.startswith(
        "\nAn internal error occurred due to a bug in either zc.buildout or in a\n"
        "recipe being used:\nTraceback (most recent call last):\n"
    )
    value = pin.partition(" = ")[2]
    error = rest.splitlines()[-1]
    assert error.endswith(f"InvalidSpecifier: Invalid specifier: '=={value}'")


@pytest.mark.every_buildout
def test_the_commands_name_a_pin_of_what_an_extension_needs(index, pond):
    group = "zc.buildout.extension"
    between = ("between",)
    add_plugin(index, "needy", NEEDY, group=group, entry="load", requires=between)
    index.add_wheel("between", "1.0", {"between.py": ""}, requires=["pond"])
    cfg = CFG.replace("extensions = poach", "extensions = poach needy")
    made = pond("pond = 1.0", cfg)
    made.run("versions:pond=1.0")

    text = (made.path / "buildout.cfg").read_text()
    made.write("buildout.cfg", text.replace("pond = 1.0", "pond = 1.0 +x"))
    assert "needy" not in made.run(expect=1).error
    assert made.poach("list", expect=1).error == (
        "Pin 'pond = 1.0 +x' (buildout.cfg:12): the extension needy requires pond, "
        "and buildout loads that before poach, so it cannot be patched"
    )


def test_other_pins_are_listed_beside_extensions(index, pond):
    group = "zc.buildout.extension"
    add_plugin(index, "needy", NEEDY, group=group, entry="load")
    cfg = CFG.replace("extensions = poach", "extensions = poach needy absent")

    assert "pond = 1.0 +x" in pond("pond = 1.0 +x", cfg).poach("list").stdout
