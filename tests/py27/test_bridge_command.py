"""``poach bridge``: what it answers to a bridge, and to who is none."""

import json

import pytest

from poach.buildout import bridge
from support.pond import BROKEN, CFG, LOUD, add_pond

QUESTION = {
    "poach-bridge": 1,
    "do": "begin",
    "python": "python",
    "sections": {},
    "annotated": {},
    "keys": [],
    "may_build": True,
    "declared": [],
    "used": [],
}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "The bridge speaks protocol None, and this poach 1"),
        ([], "The bridge speaks protocol None, and this poach 1"),
        ({"poach-bridge": 2}, "The bridge speaks protocol 2, and this poach 1"),
        ({"poach-bridge": 1}, "The bridge asks what nobody can: "),
        ({**QUESTION, "new": 1}, "The bridge asks what nobody can: "),
        ({**QUESTION, "do": "that"}, "The bridge wants 'that', which is unknown here"),
        ({**QUESTION, "python": "\u20ac"}, "The bridge asks what nobody can: "),
    ],
)
def test_what_is_no_question(data, reason):
    with pytest.raises(bridge.NotFromBridge) as caught:
        bridge.parsed(data)

    assert str(caught.value).startswith(reason)
    assert str(caught.value).endswith(
        "install the same release of poach for Python 2.7 and for Python 3"
    )


@pytest.mark.parametrize("data", ["/a b", "/\u00e9", "/\udce9", "$${x:y}", "a\nb"])
def test_text_travels_as_bytes(data):
    encoded = bridge._encoded({data: [data, None, True]})

    assert bridge._decoded(json.loads(json.dumps(encoded))) == {
        data: [data, None, True]
    }
    assert bridge._encoded("\u00e9") == "\u00c3\u00a9"


@pytest.fixture
def question(index, project):
    """Ask the command about a project, as the bridge does."""
    add_pond(index)
    made = project(CFG)
    made.write("patches/pond/1.0/loud.patch", LOUD)
    python = made.environment.program("python")
    cfg = str(made.path / "buildout.cfg")

    def ask(do, **more):
        sections = {
            "buildout": {
                "directory": str(made.path),
                "eggs-directory": str(made.path / "eggs"),
                "index": index.url,
                "parts": "app",
                "versions": "versions",
                "log-format": "",
            },
            "app": {"recipe": "no.recipe", "eggs": "pond", "x": "${app:nothing}"},
            "versions": {"pond": "1.0 +loud"},
        }
        annotated = {"versions": {"pond": [["SET", "1.0 +loud", cfg]]}}
        asked = {**QUESTION, "do": do, "sections": sections, "annotated": annotated}
        file = made.write(
            "question", json.dumps({**asked, "python": str(python), **more})
        )
        script = made.write("ask", f"#!/bin/sh\nexec {python.parent}/poach bridge <$1")
        script.chmod(0o755)
        return made.command(script, str(file), expect=None)

    ask.project = made
    return ask


def test_pins_are_resolved_and_nothing_is_built(question):
    result = question("pins")

    answer = json.loads(result.stdout)["answer"]
    (pin,) = answer["pins"]
    assert pin["version"].startswith("1.0+loud.p")
    assert (pin["project"], pin["base"], pin["text"]) == ("pond", "1.0", "1.0 +loud")
    assert (pin["egg"], pin["options"]) == (None, False)
    assert answer["store"] == str(question.project.path / "patched-eggs")
    assert not (question.project.path / "patched-eggs" / "2" / "pond").exists()


def test_a_supply_is_built_and_what_is_said_goes_to_standard_error(question):
    result = question("supply", keys=["pond"])

    (pin,) = json.loads(result.stdout)["answer"]["pins"]
    assert pin["egg"].endswith(".egg")
    assert "Patching pond 1.0: loud (1 file, 1 hunk)\n" in result.stderr


def test_a_use_is_recorded_and_known_to_the_next(question):
    question("supply", keys=["pond"])
    question("end", used=["pond"])

    answer = json.loads(question("pins").stdout)["answer"]

    assert answer["used"] == ["pond"]


def test_faults_are_the_answer(question):
    question.project.write("patches/pond/1.0/loud.patch", BROKEN)

    result = question("supply", keys=["pond"])

    assert result.returncode == 1
    error = json.loads(result.stdout)["error"]
    assert error.startswith("Cannot patch pond 1.0:\nPatch 'loud' (buildout.cfg:12) ")
    assert "Error" not in result.stderr
