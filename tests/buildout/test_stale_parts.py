"""A part whose recipe does nothing on update keeps its old egg: that is said."""

import pytest

from support.pond import CFG, LOUD, WIDE, add_plain_pond, add_plugin, add_pond

LAZY = """
    from zc.recipe.egg import Scripts

    class Recipe(Scripts):
        def update(self):
            pass
    """
LATE = CFG.replace("zc.recipe.egg", "lazy")


@pytest.fixture
def pond(index, project):
    """Make a project that has run with a plain pond, or one that is patched."""
    add_pond(index)
    add_plain_pond(index)
    add_plugin(index, "lazy", LAZY, requires=("zc.recipe.egg",))

    def make(cfg=LATE, before="1.0"):
        made = project(cfg)
        made.write("patches/pond/loud.patch", LOUD)
        made.write("patches/pond/wide.patch", WIDE)
        made.run(f"versions:pond={before}")
        return made

    return make


def says(made):
    return made.script("pond").stdout.split()[0]


@pytest.mark.every_buildout
def test_a_part_that_keeps_the_plain_egg(pond):
    made = pond()

    result = made.run()

    assert says(made) == "quack"
    egg = (made.path / "bin" / "pond").read_text().partition("/pond-1.0-")[2]
    assert (
        f"[app] still uses pond-1.0-{egg.partition('.egg')[0]}.egg (in bin/pond) and "
        "not 'pond = 1.0 +loud': its recipe did nothing when buildout updated the "
        "part; remove bin/pond and run buildout again, which then installs the part "
        "again\n"
    ) in result.output.replace(f"{made.path}/", "")
    assert "nothing asked for" not in result.output

    (made.path / "bin" / "pond").unlink()
    result = made.run()
    assert says(made) == "QUACK"
    assert "still uses" not in result.output


def test_a_part_that_keeps_another_patched_egg(pond):
    made = pond(before="1.0 +wide")

    assert "[app] still uses pond-1.0+wide.p" in made.run().output
    assert "still uses" not in made.run("versions:pond=1.0 +wide").output


def test_another_part_uses_the_patched_egg(pond):
    other = "    [other]\n    recipe = zc.recipe.egg:eggs\n    eggs = pond\n"
    cfg = LATE.replace("= app", "= app other").replace(
        "    [versions]", other + "    [versions]"
    )
    made = pond(cfg)

    output = made.run().output

    assert "[app] still uses pond-1.0-" in output
    assert "Patched eggs in use: pond 1.0+loud" in output


def test_a_part_that_does_not_run_is_not_blamed(pond):
    other = "    [other]\n    recipe = zc.recipe.egg:eggs\n    eggs =\n"
    cfg = LATE.replace("= app", "= app other").replace(
        "    [versions]", other + "    [versions]"
    )
    made = pond(cfg)

    assert "still uses" not in made.run("install", "other").output


def test_a_part_that_does_what_it_should(pond):
    made = pond(CFG)

    output = made.run().output

    assert "still uses" not in output
    assert says(made) == "QUACK"


def test_a_pin_that_nothing_asks_for(pond):
    made = pond(LATE)

    output = made.run("app:eggs=", "versions:pond=1.0 +loud").output

    assert "Patched pins that nothing asked for: pond = 1.0 +loud\n" in output
    assert "still uses" not in output
