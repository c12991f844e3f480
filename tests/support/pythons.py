"""The Pythons of this machine, for tests of what poach builds for others."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from support.environments import CALLER


@cache
def find_python(version: str) -> Path | None:
    """Return a Python ``MAJOR.MINOR`` of this machine, None where there is none."""
    return next((path for path in _places(version) if _is_python(path, version)), None)


def python_or_skip(version: str) -> Path:
    """Return a Python ``MAJOR.MINOR``, or skip the test and say which is missing."""
    found = find_python(version)
    if found is None:
        pytest.skip(f"there is no Python {version} on this machine")
    return found


def _places(version: str) -> Iterator[Path]:
    pyenv = Path(CALLER.get("PYENV_ROOT") or Path(CALLER.get("HOME", "/"), ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    for folder in CALLER["PATH"].split(os.pathsep):
        found = shutil.which(f"python{version}", path=folder)
        if found:
            yield Path(found)


def _is_python(path: Path, version: str) -> bool:
    """Run it, for pyenv puts programs on PATH that only complain."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    command = [str(path), "-c", code]
    done = subprocess.run(command, env=CALLER, capture_output=True, encoding="utf-8")
    return done.returncode == 0 and done.stdout.strip() == version
