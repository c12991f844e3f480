"""uv builds where it does what pip would do, and pip builds the rest."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from poach.build import uv as building
from poach.build.builder import BuildFailed, PipBuilder
from poach.build.pip import Pip
from poach.build.process import run
from poach.build.uv import CannotUseUv, OtherPython, Python, UvBuilder
from poach.build.uvconfig import Unsayable
from poach.pins.build_key import BuildOptions
from support.pond import CFG, LOUD, add_pond
from support.wheels import WHEEL, make_wheel, record_of

pytest.importorskip("uv")

PYTHON = Python("cp311", "3.11.0", "/none", "26.3")
NO_OPTIONS = BuildOptions()

BACKEND = """
import os, tadpole, zipfile

HEADERS = "Metadata-Version: 2.1\\nName: pond\\nVersion: 1.0\\n"
HEADERS += "Requires-Python: >=3.8\\n"
WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, info = "pond-1.0-py3-none-any.whl", "pond-1.0.dist-info/"
    told = [tadpole.VERSION, config_settings, os.environ.get("PYTHONPATH")]
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("pond.py", "")
        wheel.writestr("told", repr(told))
        wheel.writestr(info + "METADATA", HEADERS)
        wheel.writestr(info + "WHEEL", WHEEL)
        wheel.writestr(info + "RECORD", "")
    return name
"""
SYSTEM = """
[build-system]
requires = ["tadpole"]
build-backend = "backend"
backend-path = ["."]
"""


class Runs:
    """Remembers the tools that it runs."""

    def __init__(self):
        self.tools = []

    def __call__(self, command, *, cwd, env, log):
        self.tools.append("pip" if command[1:3] == ["-m", "pip"] else "uv")
        run(command, cwd=cwd, env=env, log=log)


@pytest.fixture
def links(tmp_path):
    """Make a folder with two releases of what the tree requires."""
    for version in "1.0", "2.0":
        info = f"tadpole-{version}.dist-info"
        headers = f"Metadata-Version: 2.1\nName: tadpole\nVersion: {version}\n"
        files = {
            "tadpole.py": f"VERSION = {version}\n".encode(),
            **{f"{info}/METADATA": headers.encode(), f"{info}/WHEEL": WHEEL},
        }
        own = f"{info}/RECORD"
        path = tmp_path / "links" / f"tadpole-{version}-py3-none-any.whl"
        path.parent.mkdir(exist_ok=True)
        make_wheel(path, {**files, own: record_of(files, own)})
    return tmp_path / "links"


@pytest.fixture
def tree(tmp_path):
    tree = tmp_path / "work" / "pond-1.0"
    tree.mkdir(parents=True)
    (tree / "backend.py").write_text(BACKEND)
    (tree / "pyproject.toml").write_text(SYSTEM)
    return tree


@pytest.fixture
def make(tmp_path, links, tree):
    """Build the tree; return what made it, and what the backend has told."""

    def make(variables=None, python=PYTHON, options=NO_OPTIONS, **fields):
        runs = Runs()
        kept = {k: os.environ[k] for k in ("PATH", "LANG") if k in os.environ}
        environ = {
            **{**kept, "HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull},
            **{"PIP_NO_INDEX": "1", **(variables or {})},
        }
        pip = Pip(sys.executable, links=[str(links)], environ=environ, runner=runs)
        builder = UvBuilder(PipBuilder(pip), python, **fields)
        dest = tree.parent / "wheel"
        tool = builder.tool(tree, options)
        wheel = builder.build("pond 1.0", tree, dest, options, tmp_path / "log")
        shutil.unpack_archive(wheel, tree.parent / "unpacked", "zip")
        told = eval((tree.parent / "unpacked/told").read_text())
        shutil.rmtree(dest)
        (done,) = runs.tools
        assert tool.split()[0] == done
        return done, told

    return make


def test_uv_builds_where_it_can(make):
    assert make() == ("uv", [2.0, {}, None])


@pytest.mark.parametrize(
    "why",
    [
        {"variables": {"PIP_PREFER_BINARY": "1"}},
        {"variables": {"PIP_USE_PEP517": "1"}},
        {"options": BuildOptions(environment={"PIP_NO_COLOR": "1", "PIP_PRE": "1"})},
        {"python": PYTHON._replace(tag="cp37")},
        {"python": PYTHON._replace(tag="graalpy311")},
    ],
)
def test_pip_builds_what_uv_cannot(make, why):
    assert make(**why)[0] == "pip"
    with pytest.raises(CannotUseUv):
        make(**why, must=True)


def test_what_a_part_sets_is_there(make):
    assert make(options=BuildOptions(environment={"PIP_NO_COLOR": "1"}))[0] == "uv"


def test_the_reason_is_told(make, tree):
    pip = Pip(sys.executable, environ={"PIP_PRE": "1", "PIP_CONFIG_FILE": os.devnull})
    builder = UvBuilder(PipBuilder(pip), PYTHON)

    assert builder.tool(tree, NO_OPTIONS) == (
        "pip (pip's option pre is set, for which uv has nothing)"
    )
    with pytest.raises(CannotUseUv) as caught:
        make({"PIP_PRE": "1"}, must=True)
    assert str(caught.value) == (
        "uv, which 'patch-build-with = uv' asks for, cannot build pond 1.0: pip's "
        "option pre is set, for which uv has nothing; with 'patch-build-with = auto' "
        "pip does what uv cannot do"
    )


@pytest.mark.parametrize("pip, tool", [("25.2", "pip"), ("25.3", "uv"), ("", "pip")])
def test_what_has_no_pyproject_is_built_as_that_pip_does(tree, pip, tool):
    (tree / "pyproject.toml").unlink()
    environ = {"PIP_CONFIG_FILE": os.devnull}
    builder = UvBuilder(
        PipBuilder(Pip("python", environ=environ)), PYTHON._replace(pip=pip)
    )

    assert builder.tool(tree, NO_OPTIONS).split()[0] == tool


WHATEVER = """
no-build-isolation = true
no-index = true
find-links = ["/elsewhere"]
config-settings = { a = "b" }
exclude-newer = "2001-01-01"
constraint-dependencies = ["tadpole <2"]
build-constraint-dependencies = ["tadpole <2"]
required-version = "==0.1"
"""


@pytest.mark.parametrize("place", ["tree", "above", "user", "variable"])
def test_no_configuration_of_uv_counts(make, tree, tmp_path, place):
    variables = {}
    if place == "tree":
        sources = "[tool.uv.sources]\ntadpole = { path = '/elsewhere' }\n"
        text = f"{SYSTEM}\n[tool.uv]\n{WHATEVER}\n{sources}"
        (tree / "pyproject.toml").write_text(text)
    elif place == "above":
        (tmp_path / "work/pyproject.toml").write_text(f"[tool.uv]\n{WHATEVER}")
        (tmp_path / "work/.python-version").write_text("3.99")
    elif place == "user":
        (tmp_path / ".config/uv").mkdir(parents=True)
        (tmp_path / ".config/uv/uv.toml").write_text(WHATEVER)
    else:
        (tmp_path / "uv.toml").write_text(WHATEVER)
        variables = {"UV_CONFIG_FILE": f"{tmp_path}/uv.toml", "UV_RESOLUTION": "lowest"}

    assert make(variables) == ("uv", [2.0, {}, None])


def test_no_variable_of_uv_counts_even_if_a_part_sets_it(make):
    variables = {"UV_EXCLUDE_NEWER": "2001-01-01", "UV_CONFIG_SETTING": "a=b"}

    found = make(variables, options=BuildOptions(environment={"UV_NO_INDEX": "0"}))

    assert found == ("uv", [2.0, {}, None])


def test_modules_of_the_user_are_not_there(make, tmp_path):
    (tmp_path / "tadpole.py").write_text("VERSION = 0\n")

    assert make({"PYTHONPATH": str(tmp_path)})[1][0] == 2.0


@pytest.mark.parametrize("name", ["PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"])
@pytest.mark.parametrize("release", ["25.2", "26.3"])
def test_constraints_count_as_with_that_pip(make, tmp_path, name, release):
    (tmp_path / "limits.txt").write_text("tadpole <2\n")

    _, (version, *_) = make(
        {name: f"{tmp_path}/limits.txt"}, PYTHON._replace(pip=release)
    )

    assert version == (1.0 if ("BUILD" in name) == (release == "26.3") else 2.0)


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_a_folder_of_links_that_is_not_there_harms_nothing(make, tool):
    variables = {"PIP_FIND_LINKS": "/not/there"}
    why = {} if tool == "uv" else {"PIP_PRE": "1"}

    assert make({**variables, **why})[:1] == (tool,)


def test_without_a_cache(make, tmp_path):
    (tmp_path / ".cache").touch()

    assert make()[0] == "uv"


def test_a_wheel_for_another_python_is_refused_as_by_pip(make):
    with pytest.raises(OtherPython) as caught:
        make(python=PYTHON._replace(version="3.7.1"))

    assert str(caught.value) == (
        "pond 1.0 requires Python >=3.8, and is built for Python 3.7.1"
    )


def test_what_uv_cannot_build_pip_does_not_try(make, tree):
    (tree / "backend.py").write_text("def build_wheel(*_, **__):\n    raise SystemExit")

    with pytest.raises(BuildFailed) as caught:
        make()

    assert "'patch-build-with = pip' in [buildout]" in caught.value.cure


# Which uv


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Return a folder that is all of PATH, where no package uv is installed."""
    monkeypatch.setattr(building, "_packaged", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    building.found.cache_clear()
    yield tmp_path
    building.found.cache_clear()


@pytest.mark.parametrize(
    "says, reason",
    [
        (None, "there is no uv, neither the package (poach[uv]) nor on PATH"),
        ("echo uv 0.5.31", "{0}/uv is uv 0.5.31, older than 0.6"),
        ("echo hello", "{0}/uv does not say its version"),
        ("exit 1", "{0}/uv does not say its version"),
    ],
)
def test_no_uv_of_use(path, tree, says, reason):
    if says:
        (path / "uv").write_text(f"#!/bin/sh\n{says}\n")
        (path / "uv").chmod(0o755)

    with pytest.raises(Unsayable) as caught:
        building.found()

    assert str(caught.value) == reason.format(path)


def test_the_uv_on_path(path):
    (path / "uv").write_text("#!/bin/sh\necho 'uv 0.6.0 (abc 2025-02-14)'\n")
    (path / "uv").chmod(0o755)

    assert building.found() == (f"{path}/uv", "0.6.0")


# With a buildout


@pytest.fixture
def pond(index, project):
    add_pond(index)
    made = project(CFG)
    made.write("patches/pond/1.0/loud.patch", LOUD)
    return made


def without_uv(made):
    """Leave no uv on the PATH of a project."""
    folders = made.variables["PATH"].split(os.pathsep)
    kept = [f for f in folders if not Path(f, "uv").exists()]
    made.variables["PATH"] = os.pathsep.join(kept)


@pytest.mark.parametrize("how", ["auto", "uv", "pip"])
def test_the_log_says_what_builds(pond, tmp_path, how):
    uv = building.found()[0]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/uv").symlink_to(shutil.which(uv))
    pond.variables["PATH"] = f"{tmp_path}/bin:{pond.variables['PATH']}"

    result = pond.run(f"buildout:patch-build-with={how}")

    tool = r"pip\." if how == "pip" else r"uv \d"
    assert re.search(rf"Building pond 1\.0\+loud\.p\w+ with {tool}", result.stdout)
    assert "Unused" not in result.output
    again = pond.run(f"buildout:patch-build-with={'uv' if how == 'pip' else 'pip'}")
    assert "Building" not in again.stdout


def test_without_uv_pip_builds_unless_uv_must(pond):
    without_uv(pond)

    error = pond.run("buildout:patch-build-with=uv", expect=1).error
    result = pond.run()

    assert error == (
        "uv, which 'patch-build-with = uv' asks for, cannot build pond 1.0 +loud: "
        "there is no uv, neither the package (poach[uv]) nor on PATH; with "
        "'patch-build-with = auto' pip does what uv cannot do"
    )
    assert re.search(r"Building pond 1\.0\+loud\.p\w+ with pip\.\n", result.stdout)


def test_another_word_is_an_error(pond):
    assert pond.run("buildout:patch-build-with=uvv", expect=1).error == (
        "[buildout] patch-build-with (buildout:patch-build-with on the command line): "
        "'uvv' is none of auto, uv, pip; did you mean 'uv'?"
    )
