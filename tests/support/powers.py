"""Doing without what lets root write where permissions forbid it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import filelock
import pytest

import poach

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2

#: Users and a group of whom no system knows anything.
JANE, JOE, TEAM = 54321, 54322, 54300


def drop_powers() -> None:
    """Let permissions bind this process and what it starts (a `preexec_fn`)."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for power in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        prctl(_PR_CAPBSET_DROP, power, 0, 0, 0)


def as_user(
    user: int, code: str, *arguments: object, more: Sequence[int] = (), umask: int = 2
) -> subprocess.CompletedProcess[str]:
    """Run Python `code` as another user, in a group of its own and in `more` groups.

    The test is skipped where we may not do that.
    """
    command = [python_for_all(), "-c", code, *map(str, arguments)]
    return _run(command, user, more, umask)


@lru_cache
def python_for_all() -> str:
    """Return a Python that all users may run; skip the test where there is none."""
    if os.geteuid():
        pytest.skip("only root can be somebody else")
    for python in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            if not _run([python, "-c", "import filelock, poach.cli"], JANE).returncode:
                return python
    pytest.skip("other users may run no Python that finds poach")


def _run(
    command: list[str], user: int, more: Sequence[int] = (), umask: int = 2
) -> subprocess.CompletedProcess[str]:
    path = [str(Path(module.__file__).parent.parent) for module in (poach, filelock)]
    return subprocess.run(
        command,
        cwd="/",
        user=user,
        group=user,
        extra_groups=more,
        umask=umask,
        capture_output=True,
        encoding="utf-8",
        env={
            "PATH": os.defpath,
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=False,
    )
