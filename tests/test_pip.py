"""Pip runs in an environment of the user's that does not break a build."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from poach.adapters.build import BuildFailed, PipBuilder
from poach.adapters.pip import Pip
from poach.adapters.process import CommandFailed
from poach.key import BuildOptions

SECRET = "https://jane:secret@example.com/simple"


class Runs:
    """A runner that remembers what it was to run, and makes a wheel."""

    def __init__(self):
        self.command = self.env = self.cwd = None

    def __call__(self, command, *, cwd, env, log):
        self.command, self.cwd, self.env = command, cwd, env
        if "--wheel-dir" in command:
            dest = Path(command[command.index("--wheel-dir") + 1])
            (dest / "pond-1.0-py3-none-any.whl").touch()


@pytest.fixture
def runs():
    return Runs()


def environment(runs, environ, **fields):
    """Return the variables that pip gets where the user has `environ`."""
    Pip("python3", environ=environ, runner=runs, **fields).run([], Path(), Path("log"))
    return {k: v for k, v in runs.env.items() if k != "PIP_DISABLE_PIP_VERSION_CHECK"}


def test_the_command(runs, tmp_path):
    Pip("python3", environ={}, runner=runs).run(["list"], tmp_path, Path("log"))

    assert runs.command == ["python3", "-m", "pip", "list"]
    assert runs.cwd == tmp_path
    assert runs.env == {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.mark.parametrize(
    "name", ["USER", "PREFIX", "TARGET", "ROOT", "WHEEL_DIR", "REQUIREMENT", "DRY_RUN"]
)
def test_variables_that_would_break_a_build_are_dropped(runs, name):
    kept = {"PIP_NO_INDEX": "1", "USER": "jane", "HOME": "/home/jane"}

    assert environment(runs, {f"PIP_{name}": "1", **kept}) == kept


def test_the_path(runs):
    joined = os.pathsep.join(["/a", "/b", "/theirs"])

    assert environment(runs, {"PYTHONPATH": "/theirs"}, path=["/a", "/b"]) == {
        "PYTHONPATH": joined
    }
    assert environment(runs, {"PYTHONPATH": ""}) == {"PYTHONPATH": ""}


def test_indexes_join_those_of_the_user(runs):
    assert environment(runs, {}, indexes=[SECRET]) == {"PIP_EXTRA_INDEX_URL": SECRET}
    theirs = {"PIP_EXTRA_INDEX_URL": "https://a https://b"}
    assert environment(runs, theirs, indexes=[SECRET]) == {
        "PIP_EXTRA_INDEX_URL": f"{SECRET} https://a https://b"
    }
    assert not [word for word in runs.command if "secret" in word]


def test_an_index_without_a_secret_adds_to_those_of_pips_configuration(runs):
    plain = "https://example.com/simple"

    assert environment(runs, {}, indexes=[plain, SECRET]) == {
        "PIP_EXTRA_INDEX_URL": SECRET
    }
    assert runs.command[-1] == f"--extra-index-url={plain}"


def test_relative_paths_count_from_where_the_user_is(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "pip.conf").touch()

    assert environment(
        runs,
        {
            "PIP_FIND_LINKS": "wheels https://example.com/a file:///b /c",
            "PIP_CONFIG_FILE": "pip.conf",
            "PIP_CACHE_DIR": "absent",
        },
    ) == {
        "PIP_FIND_LINKS": f"{tmp_path}/wheels https://example.com/a file:///b /c",
        "PIP_CONFIG_FILE": f"{tmp_path}/pip.conf",
        "PIP_CACHE_DIR": f"{tmp_path}/absent",
    }


def test_a_build(runs, tmp_path):
    tree = tmp_path / "pond-1.0"
    tree.mkdir()
    pip = Pip("python3", environ={"A": "user", "B": "user"}, runner=runs)
    options = BuildOptions({"libraries": "m"}, {"A": "part"})

    wheel = PipBuilder(pip, ["--find-links=/x"]).build(
        "pond", tree, tmp_path / "wheel", options, tmp_path / "log"
    )

    assert wheel == tmp_path / "wheel" / "pond-1.0-py3-none-any.whl"
    assert runs.command[3:] == [
        *("wheel", "--no-deps", "--no-input", "--find-links=/x"),
        *("--wheel-dir", str(tmp_path / "wheel"), str(tree)),
    ]
    assert runs.env == {
        "A": "part",
        "B": "user",
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "SOURCE_DATE_EPOCH": "315532800",
    }
    assert "libraries = m" in (tree / "setup.cfg").read_text()


def test_a_build_that_fails(tmp_path):
    def fail(command, *, cwd, env, log):
        raise CommandFailed(command, 1, log, cwd)

    builder = PipBuilder(Pip("python3", environ={}, runner=fail))
    tree, log = tmp_path / "work" / "pond-1.0", tmp_path / "log"
    tree.mkdir(parents=True)

    with pytest.raises(BuildFailed) as caught:
        builder.build("pond 1.0", tree, tree.parent / "wheel", BuildOptions(), log)

    assert str(caught.value) == (
        "Building pond 1.0 failed: exit code 1 from: python3 -m pip wheel --no-deps "
        "--no-input --wheel-dir .../wheel .../pond-1.0\n"
        f"the full log is in {log}"
    )
