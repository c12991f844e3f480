"""Environments with Python 2.7: a zc.buildout of its time, and the bridge in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support.environments import CALLER, Environment, copy_checkout

BUILDOUTS_2 = {
    "2.13": ("zc.buildout==2.13.*", "zc.recipe.egg==2.0.7"),
    "3.4": ("zc.buildout==3.4", "zc.recipe.egg==2.0.7"),
}
"""What is installed beside the bridge, by the version of buildout: the last that run
on Python 2.7.
"""

#: The last that makes environments of Python 2.7, and brings the tools for them.
VIRTUALENV = "virtualenv==20.21.1"


def make_environments_2(folder: Path, python: Path) -> Path:
    """Fill `folder` with an environment for each of `BUILDOUTS_2`.

    `python` is a Python 2.7.  The wheel of this checkout that it builds is there, too.
    """
    checkout = copy_checkout(folder)
    tool = folder / "virtualenv"
    run([sys.executable, "-m", "pip", "install", "--target", str(tool), VIRTUALENV])
    for version, requirements in BUILDOUTS_2.items():
        pip = make_empty_2(folder, version, python)
        if not list(folder.glob("*.whl")):
            wheel = ["wheel", "--no-deps", "--no-build-isolation", "-w", str(folder)]
            run([*pip, *wheel, str(checkout)])
        (wheel_path,) = folder.glob("poach-*.whl")
        run([*pip, "install", str(wheel_path), *requirements])
    return folder


def make_empty_2(folder: Path, name: str, python: Path) -> list[str]:
    """Make an environment with nothing but build tools; return its pip's command."""
    make = [sys.executable, "-m", "virtualenv", "--app-data", str(folder / "data")]
    path = {"PYTHONPATH": str(folder / "virtualenv")}
    run([*make, "-p", str(python), str(folder / name)], path)
    return [str(folder / name / "bin" / "python"), "-m", "pip"]


def environment_2(folder: Path, version: str) -> Environment:
    """Return one of the environments that `make_environments_2` has made."""
    return Environment(folder / version, version)


def run(command: list[str], env: Mapping[str, str] | None = None) -> str:
    """Run a command as the caller of the tests, who has an index; return its output."""
    done = subprocess.run(
        command,
        env={**CALLER, "PYTHONWARNINGS": "ignore", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"{os.fspath(command[0])}: {command}\n{done.stdout}"
    return done.stdout
