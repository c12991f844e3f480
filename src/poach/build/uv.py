"""Building a wheel with uv: which uv, for what it can be used, and how it is run."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from poach.build import uvconfig
from poach.build.builder import PipBuilder, built, environment
from poach.build.process import CommandFailed, run, tail
from poach.build.uvconfig import Places, Unsayable
from poach.errors import PoachError
from poach.pins.build_key import BuildOptions

#: The first release that does all that it is asked for here.
OLDEST = Version("0.6")
#: Pythons by their tags (PEP 425); uv runs those from this minor version on.
_PYTHON = re.compile(r"(?:cp|pp)3(\d+)")
_OLDEST_PYTHON = 8
#: The first pip that builds what has no pyproject.toml as it builds all else.
_ALWAYS_ISOLATED = Version("25.3")

_CURE = "with 'patch-build-with = pip' in [buildout] pip builds it instead of uv"


class NoUv(Unsayable):
    """There is no uv, which most people do not miss."""


class CannotUseUv(PoachError):
    """A tree that uv must build and cannot."""

    title: str
    reason: str

    def __str__(self) -> str:
        return (
            f"uv, which 'patch-build-with = uv' asks for, cannot build {self.title}: "
            f"{self.reason}; with 'patch-build-with = auto' pip does what uv cannot do"
        )


class OtherPython(PoachError):
    """A wheel that does not support the Python that it was built with."""

    title: str
    wanted: str
    version: str

    def __str__(self) -> str:
        return (
            f"{self.title} requires Python {self.wanted}, and is built for "
            f"Python {self.version}"
        )


class Python(NamedTuple):
    """The interpreter that wheels are built with."""

    #: The first of its tags.
    tag: str
    #: As it says itself.
    version: str
    #: Its `sys.prefix`.
    prefix: str
    #: The version of its pip, '' where that is not known.
    pip: str


@dataclass(frozen=True, slots=True)
class UvBuilder:
    """Builds wheels with uv where that does as pip would, else with pip.

    Which one it is depends on what is there before a build, and never on how one ends.
    """

    #: Builds the others, and says what counts for either.
    pip: PipBuilder
    python: Python
    #: Whether it is an error if uv cannot build something.
    must: bool = False

    def tool(self, tree: Path, options: BuildOptions) -> str:
        """Return what builds `tree`, and why it is not uv, for people."""
        try:
            _, version = found()
            self._given(tree, self._environment(tree, options))
        except NoUv:
            return "uv" if self.must else "pip"
        except Unsayable as fault:
            return "uv" if self.must else f"pip ({fault})"
        return f"uv {version}"

    def build(
        self, title: str, tree: Path, dest: Path, options: BuildOptions, log: Path
    ) -> Path:
        """Build the source tree `tree`; return the path of the one wheel in `dest`.

        What uv or pip print goes to `log`.  `title` is for messages.  Raises
        `BuildFailed`, `NotOneWheel`, `CannotUseUv` and `OtherPython`.
        """
        env = self._environment(tree, options)
        try:
            command, _ = found()
            given = self._given(tree, env)
        except Unsayable as fault:
            if self.must:
                raise CannotUseUv(title, fault.reason) from None
            return self.pip.build(title, tree, dest, options, log)
        said, places = given

        def uv() -> None:
            more = uvconfig.environment(env, said)
            self._run(command, places, tree, dest, more, log)

        wheel = built(title, tree, dest, options, uv, "" if self.must else _CURE)
        _refuse_other_python(title, wheel, self.python.version)
        return wheel

    def built_in(self, tree: Path, dest: Path) -> Path:
        """Return where `tree` was built into `dest`: there, or in a copy of pip's."""
        return self.pip.built_in(tree, dest)

    def _environment(self, tree: Path, options: BuildOptions) -> dict[str, str]:
        env = self.pip.pip.environment()
        return {**env, **environment(tree, env), **options.environment}

    def _given(
        self, tree: Path, env: Mapping[str, str]
    ) -> tuple[Mapping[str, str], Places]:
        """Return what uv is given; raise `Unsayable` where it would not do as pip."""
        pip, python = self.pip.pip, self.python
        minor = _PYTHON.fullmatch(python.tag)
        if minor is None or int(minor[1]) < _OLDEST_PYTHON:
            raise Unsayable(f"uv does not support Python {python.version}")
        # Older releases take the setuptools that is installed for this.
        release = Version(python.pip or "0")
        if release < _ALWAYS_ISOLATED and not (tree / "pyproject.toml").is_file():
            raise Unsayable(
                f"it has no pyproject.toml, and pip is older than {_ALWAYS_ISOLATED}"
            )
        said = uvconfig.options(env, python.prefix, release)
        return said, uvconfig.places(said, pip.indexes, pip.links, tree.parent)

    def _run(
        self,
        command: str,
        places: Places,
        tree: Path,
        dest: Path,
        env: Mapping[str, str],
        log: Path,
    ) -> None:
        pip = self.pip.pip
        # It lies in the staging area, from where a later run removes what is left.
        with tempfile.TemporaryDirectory(dir=tree.parent, prefix="uv-") as folder:
            config = Path(folder, "uv.toml")
            config.touch(0o600)  # there are passwords in URLs
            config.write_text(places.as_toml(), "utf-8")
            words = [
                *("build", "--wheel", "--no-sources", "--force-pep517"),
                *("--no-python-downloads", "--no-progress", "--color=never"),
                *("--config-file", str(config), "--python", pip.python),
                *("--out-dir", str(dest), str(tree)),
            ]
            pip.runner([command, *words], cwd=tree.parent, env=env, log=log)


@functools.cache
def found() -> tuple[str, str]:
    """Return the path of uv and its version.

    The package ``uv`` beside poach comes first, then what is on PATH.  Raises `NoUv`,
    and `Unsayable` for one that is too old.
    """
    command = _packaged() or shutil.which("uv")
    if command is None:
        raise NoUv("there is no uv, neither the package (poach[uv]) nor on PATH")
    command = os.path.abspath(command)  # noqa: PTH100 - where a link leads may differ
    version = _version(command)
    if version < OLDEST:
        raise Unsayable(f"{command} is uv {version}, older than {OLDEST}")
    return command, str(version)


def _packaged() -> str | None:
    """Return the path of the uv that is installed beside poach, None for none."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return None


def _version(command: str) -> Version:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "version"
        try:
            run([command, "--version"], cwd=Path(folder), env=os.environ, log=log)
            return Version(tail(log, 1).split()[1])
        except (CommandFailed, IndexError, ValueError):
            raise Unsayable(f"{command} does not say its version") from None


def _refuse_other_python(title: str, wheel: Path, version: str) -> None:
    """Refuse what pip would not build: uv does not look at ``Requires-Python``."""
    wanted = _headers(wheel).get("Requires-Python", "")
    try:
        if Version(version) not in SpecifierSet(wanted):
            raise OtherPython(title, wanted, version)
    except InvalidSpecifier:
        return


def _headers(wheel: Path) -> Message:
    """Return the metadata of a wheel; none of a broken one, which is refused later."""
    try:
        with ZipFile(wheel) as archive:
            names = fnmatch.filter(archive.namelist(), "*.dist-info/METADATA")
            return message_from_bytes(archive.read(min(names, key=len)))
    except (BadZipFile, ValueError):
        return Message()
