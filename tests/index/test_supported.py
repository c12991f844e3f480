"""A pin of a zc.buildout that is too old for poach: the error names poach."""

import pytest

from support.pond import CFG, LOUD


@pytest.mark.every_buildout
@pytest.mark.parametrize("pin", ["3.1.0", "4.1.12"])
def test_a_pin_of_an_older_buildout(project, pin):
    made = project(f"{CFG}\n    zc.buildout = {pin}".replace("\n    \n", "\n"))
    made.write("patches/pond/loud.patch", LOUD)

    result = made.run(expect=1)

    assert "Traceback" not in result.output
    assert "\n  Requirement of poach: zc-buildout>=4.2\n" in result.output
    assert "zc-buildout" in result.error
