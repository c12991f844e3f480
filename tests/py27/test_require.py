"""A program asks for a patch at run time, without buildout."""

import subprocess
import sys

import pytest

from support import dists
from support.pond import LOUD, add_pond

CFG = """
    [buildout]
    index = %(index)s
    parts =

    [versions]
    pond = 1.0 +Very.Loud
    """


@pytest.fixture
def patched(index, project):
    """The path of the patched egg, and a function that runs code with a path."""
    add_pond(index)
    made = project(CFG)
    made.write("patches/pond/1.0/very-loud.patch", LOUD)
    egg = made.poach("build").stdout.split()[-1]

    def run(code, *path):
        return subprocess.run(
            [made.environment.program("python"), "-c", code],
            env={**made.variables, "PYTHONPATH": ":".join(map(str, path))},
            capture_output=True,
            encoding="utf-8",
        )

    return egg, run


@pytest.fixture
def plain(tmp_path):
    """A folder with an unpatched pond in it, as pip installs it."""
    folder = tmp_path / "plain"
    wheel = tmp_path / dists.wheel_name("pond", "1.0")
    files = {"pond/__init__.py": "def sound():\n    return 'quack'\n"}
    wheel.write_bytes(dists.wheel("pond", "1.0", files))
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
    ]
    subprocess.run([*command, str(folder), str(wheel)], check=True)
    return folder


def refusal(done):
    assert done.returncode == 1
    return done.stderr.splitlines()[-1].removeprefix("poach.NotPatched: ")


@pytest.mark.parametrize("name", ["very-loud", "Very.Loud", "very_loud"])
def test_a_patch_that_is_there(patched, name):
    egg, run = patched

    done = run(f"import poach; poach.require('Pond', {name!r})", egg)

    assert done.returncode == 0, done.stderr


def test_nothing_else_is_imported(patched):
    egg, run = patched
    code = (
        "import poach, sys; poach.require('pond', 'very-loud');"
        "print(*(n for n in sys.modules if n.startswith(('poach.', 'zc.', 'pkg_res'))))"
    )

    found = sorted(run(code, egg).stdout.split())
    assert found == ["poach.runtime"]


def test_a_patch_that_is_not(patched):
    egg, run = patched
    version = egg.split("/")[-3]

    done = run("import poach; poach.require('pond', 'very-loud', 'wide', 'deep')", egg)

    assert refusal(done) == (
        f"pond {version} at {egg} has +Very.Loud and lacks +wide +deep"
    )


def test_a_plain_project(patched, plain):
    egg, run = patched

    done = run("import poach; poach.require('pond', 'very-loud')", plain, egg)

    assert refusal(done) == f"pond 1.0 at {plain} is plain and lacks +very-loud"


def test_no_project(patched):
    _, run = patched

    done = run("import poach; poach.require('pond', 'very-loud')")

    assert refusal(done) == "pond with +very-loud is required, and is not there"


def test_code_that_was_imported_from_elsewhere(patched, plain):
    egg, run = patched
    code = f"""
import sys
sys.path.insert(0, {str(plain)!r})
import pond
del sys.path[0]
import poach
poach.require("pond", "very-loud")
"""

    done = run(code, egg)

    assert refusal(done).endswith(
        f" has +very-loud, but pond is imported from {plain}/pond/__init__.py already"
    )
