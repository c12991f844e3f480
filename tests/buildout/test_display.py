"""What is under way is shown on a terminal that has rich, and is in nobody's way."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import threading
from pathlib import Path

import pyte
import pytest

from support.pond import BROKEN, CFG, LOUD, WIDE, add_pond

COLUMNS = 40

pty = pytest.importorskip("pty", reason="Windows has no such terminals")

#: What moves the cursor, clears lines and sets colours.
ESCAPE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def rich(tmp_path):
    """A folder from which rich, and no more than it needs, is imported."""
    folder = tmp_path / "rich"
    folder.mkdir()
    for name in ("rich", "pygments", "markdown_it", "mdurl"):
        found = importlib.util.find_spec(name)
        (folder / name).symlink_to(Path(found.origin).parent)
    return folder


@pytest.fixture
def pond(index, project):
    add_pond(index)
    made = project(CFG)
    made.write("patches/pond/loud.patch", LOUD)
    return made


def on_terminal(project, *words, program="poach", path="", stdout=None, kind="xterm"):
    """Run a program with a narrow terminal as standard error; return what came."""
    ours, theirs = pty.openpty()
    environment = {"TERM": kind, "COLUMNS": str(COLUMNS), "PYTHONPATH": str(path)}
    process = subprocess.Popen(
        [project.environment.program(program), *words],
        cwd=project.path,
        env={**project.variables, **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
    )
    os.close(theirs)
    seen = bytearray()
    reader = threading.Thread(target=_read, args=(ours, seen))
    reader.start()
    code = process.wait(timeout=120)
    reader.join()
    os.close(ours)
    return code, bytes(seen).replace(b"\r\n", b"\n")


def _read(terminal, seen):
    while True:
        try:
            block = os.read(terminal, 1 << 16)
        except OSError:  # on Linux that is how it ends
            return
        if not block:
            return
        seen += block


def screen(seen):
    """Return what is on the terminal in the end."""
    terminal = pyte.Screen(COLUMNS, 200)
    pyte.ByteStream(terminal).feed(seen.replace(b"\n", b"\r\n"))
    return "\n".join(map(str.rstrip, terminal.display)).rstrip()


def test_a_terminal_shows_what_is_under_way(pond, rich):
    code, seen = on_terminal(pond, "build", path=rich)

    assert code == 0, seen
    text = ESCAPE.sub(b"", seen).decode()
    assert "0 of 1 patched eggs built" in text
    assert "pond 1.0: getting the sdist" in text
    assert re.search(r"pond 1\.0\+loud\.p\w+: building", text)
    lines = text.splitlines()
    assert "Patching pond 1.0: loud (1 file, 1 hunk)" in lines
    assert "  src/pond/__init__.py: 1 hunk" in lines
    (printed,) = [line for line in lines if line.startswith("pond") and ".egg" in line]
    assert len(printed) > COLUMNS  # nothing was broken to fit
    assert Path(printed.partition(" +loud")[0].split()[-1]).is_dir()
    left = screen(seen)
    assert "eggs built" not in left  # what was shown is gone in the end
    assert ": building" not in left
    assert "".join(left.split("\n")).endswith(printed)


def test_a_run_of_buildout_shows_what_is_under_way(pond, rich):
    code, seen = on_terminal(pond, program="buildout", path=rich)

    assert code == 0, seen
    text = ESCAPE.sub(b"", seen).decode()
    assert "0 of 1 patched eggs built" in text
    assert re.search(r"pond 1\.0\+loud\.p\w+: building", text)
    left = screen(seen)
    assert "eggs built" not in left
    assert "Patching pond 1.0: loud" in left
    assert "Installing app." in left


def test_what_is_not_for_the_terminal_does_not_go_there(pond, rich, tmp_path):
    with (tmp_path / "out").open("wb") as out:
        code, seen = on_terminal(pond, "build", path=rich, stdout=out)

    assert code == 0, seen
    printed = (tmp_path / "out").read_text()
    assert re.fullmatch(r"pond 1\.0\+loud\.p\w+ /.*\.egg\n", printed)
    assert printed.encode() not in seen
    assert b"0 of 1 patched eggs built" in ESCAPE.sub(b"", seen)


def test_nothing_is_shown_where_nothing_is_built(pond, rich):
    pond.poach("build")

    code, seen = on_terminal(pond, "build", path=rich)

    assert code == 0
    assert re.fullmatch(rb"pond 1\.0\+loud\.p\w+ /.*\.egg\n", seen)


def test_an_error_is_printed_below(pond, rich):
    pond.write("patches/pond/loud.patch", BROKEN)

    code, seen = on_terminal(pond, "build", path=rich)

    assert code == 1
    assert "\nError: Cannot patch pond 1.0:\n" in screen(seen)
    assert "eggs built" not in screen(seen)


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_without_rich_or_a_cursor_there_are_plain_lines(pond, rich, kind):
    path = rich if kind == "dumb" else ""

    code, seen = on_terminal(pond, "build", path=path, kind=kind)

    assert code == 0
    assert b"\x1b" not in seen
    assert seen.startswith((b"Creating directory", b"Getting"))
    assert re.search(rb"\nBuilt pond 1\.0\+loud\.p\w+ in \d+ s\n", seen)


def test_the_graph_shows_how_far_it_is(pond, rich):
    pond.write("patches/pond/wide.patch", WIDE)
    words = ("graph", "versions:pond=1.0 +loud +wide")

    code, seen = on_terminal(pond, *words, path=rich)

    assert code == 0, seen
    text = ESCAPE.sub(b"", seen).decode()
    assert "Trying the 2 patches of pond 1.0 in other orders." in text
    assert "pond 1.0: 0 of 2 patches tried" in text
    assert "patches tried" not in screen(seen)


def test_the_graph_has_a_plain_line_where_there_is_no_terminal(pond):
    pond.write("patches/pond/wide.patch", WIDE)
    line = "Trying the 2 patches of pond 1.0 in other orders.\n"

    assert line in pond.poach("graph", "versions:pond=1.0 +loud +wide").stderr
    assert "Trying" not in pond.poach("graph").output
