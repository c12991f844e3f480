"""exclude= and eol= in a buildout: the fragment of a location, the log, the record."""

from __future__ import annotations

import json

import pytest

from support.pond import CFG, LOUD, TAGGED, add_pond

TESTS = "--- a/tests/test_pond.py\n+++ b/tests/test_pond.py\n@@ -1 +1 @@\n-1\n+2\n"


@pytest.fixture
def pond(index, project):
    add_pond(index)

    def make(options: str):
        made = project(CFG)
        text = (made.path / "buildout.cfg").read_text()
        more = f"\n[patches]\nloud = loud.patch#{options}\n"
        made.write("buildout.cfg", text + more)
        head, mark, body = LOUD.partition("@@ -")
        crlf = head + mark + body.replace("\n", "\r\n").replace("@@\r\n", "@@\n")
        made.write("loud.patch", crlf + TESTS)
        return made

    return make


def test_files_are_left_out_and_line_endings_differ(pond):
    patched = pond("exclude=tests/*&eol=any")

    said = patched.run().stdout

    assert "left out: tests/test_pond.py" in said
    assert "other line endings" in said
    (entry,) = (patched.path / "patched-eggs" / "2").glob("pond/*/*/entry.json")
    assert entry.parts[-3].startswith(TAGGED)
    (patch,) = _patches(json.loads(entry.read_bytes()))
    assert patch["exclude"] == ["tests/*"] and patch["eol"] == "any"
    assert patch["excluded"] == ["tests/test_pond.py"]
    assert patched.script("pond").stdout.startswith("QUACK 1 ")


def test_a_glob_that_matches_nothing(pond):
    patched = pond("exclude=docs/*&eol=any")

    error = patched.run(expect=1).error

    assert "exclude=docs/* matches no file; the files are src/pond/" in error
    assert "tests/test_pond.py" in error


def _patches(entry):
    """Return the records of the patches, wherever the entry has them."""
    if "patches" in entry and isinstance(entry["patches"], list):
        return entry["patches"]
    found = [_patches(value) for value in entry.values() if isinstance(value, dict)]
    return next((each for each in found if each), [])
