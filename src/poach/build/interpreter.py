"""Other interpreters: what wheels they take, and the tools to build for them."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poach.build.pip import Pip
from poach.build.process import CommandFailed, run, tail
from poach.errors import PoachError
from poach.store.store import Store

#: Every Python has a build that suits it: the newest that still supports it.
TOOLS = ("pip", "setuptools", "wheel")

#: Prints what an interpreter is, and its best tag if it has the tools.  The folder in
#: which Python starts is not looked into.  pip knows the tags since release 20.
_PROBE = """
import json, sys
sys.path[:] = [folder for folder in sys.path if folder]
found = {"version": "%d.%d" % sys.version_info[:2], "tag": None}
try:
    import setuptools.wheel, wheel
    from pip import __version__ as pip
    from pip._vendor.packaging.tags import sys_tags
    tag = next(iter(sys_tags()))
    release = "%d.%d.%d" % sys.version_info[:3]
    found["tag"] = [tag.interpreter, tag.abi, tag.platform, pip, release, sys.prefix]
except ImportError:
    pass
print(json.dumps(found))
"""


class NoInterpreter(PoachError):
    """A command that is no Python, or none that runs."""

    command: str
    reason: str

    def __str__(self) -> str:
        return f"{self.command!r} is not a Python that runs: {self.reason}"


class NoTools(PoachError):
    """An interpreter without build tools, for which none are to be had."""

    command: str
    version: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.command} (Python {self.version}) lacks {', '.join(TOOLS)}, or has "
            f"them too old, and they cannot be fetched: {self.reason}"
        )


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that wheels are built with, and what it takes (PEP 425)."""

    #: The path of the interpreter.
    command: str
    #: Folders with its tools if it has none of its own.
    path: Sequence[str]
    #: That of the first of its tags.
    python: str
    #: That of the first of its tags.
    abi: str
    #: That of the first of its tags.
    platform: str
    #: The version of its pip.
    pip: str
    #: Its own version.
    version: str = ""
    #: The folder where it is installed (``sys.prefix``).
    prefix: str = ""


def find(command: str, store: Store, pip: Pip, options: Sequence[str]) -> Interpreter:
    """Return the interpreter `command`, a path or a name on PATH.

    Where it lacks pip, setuptools or wheel, or has them from before they knew of tags,
    they are fetched by `pip`, with `options` for its command install, and kept in
    `store`.  Raises `NoInterpreter`, `NoTools` and `StoreUnwritable`.
    """
    found = shutil.which(command)
    if found is None:
        raise NoInterpreter(command, "there is no such program")
    command = os.path.abspath(found)  # noqa: PTH100 - a virtual environment's link
    version, tag = _probed(command, ())
    if tag is not None:
        return Interpreter(command, (), *tag)
    path = (str(_tools(command, version, store, pip, options)),)
    _, tag = _probed(command, path)
    if tag is None:
        raise NoTools(command, version, f"those in {path[0]} do not work")
    return Interpreter(command, path, *tag)


def environment(path: Sequence[str] = ()) -> Mapping[str, str]:
    """Return our variables without those that are meant for our own interpreter.

    `path` are folders to import from.
    """
    ours = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    more = {"PYTHONPATH": os.pathsep.join(path)} if path else {}
    return {**ours, **more}


def _probed(command: str, path: Sequence[str]) -> tuple[str, Sequence[str] | None]:
    """Return version and tag of an interpreter, None for the tag without tools."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "probe"
        try:
            run(
                [command, "-c", _PROBE],
                cwd=Path(folder),
                env=environment(path),
                log=log,
            )
            found = json.loads(tail(log, 1))
            return found["version"], tuple(found["tag"]) if found["tag"] else None
        except CommandFailed as failure:
            reason = tail(log) or f"exit code {failure.code}"
        except (KeyError, TypeError, ValueError):
            reason = f"it answers {tail(log)!r}"
    raise NoInterpreter(command, reason)


def _tools(
    command: str, version: str, store: Store, pip: Pip, options: Sequence[str]
) -> Path:
    """Return the folder of build tools for Python `version`; fetch them if need be."""

    def fetch(folder: Path) -> None:
        log = folder.with_suffix(".log")
        arguments = [
            *("install", "--target", str(folder), "--no-compile", "--no-input"),
            *("--only-binary=:all:", f"--python-version={version}"),
            *("--implementation=py", "--abi=none", "--platform=any"),
        ]
        try:
            pip.run([*arguments, *options, *TOOLS], cwd=folder.parent, log=log)
        except CommandFailed:
            raise NoTools(command, version, tail(log)) from None

    return store.folder("tools", f"python{version}", fetch)
