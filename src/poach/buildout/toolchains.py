"""Toolchains: what builds wheels and makes eggs for the interpreter in question."""

from __future__ import annotations

import logging
import sys
import sysconfig
from pathlib import Path

import zc.buildout.easy_install as easy_install
from packaging.version import Version

from poach.build import egginfo
from poach.build.builder import PipBuilder
from poach.build.compiling import OtherCompiler, OwnCompiler
from poach.build.pip import Pip
from poach.build.uv import Python, UvBuilder
from poach.buildout.eggs import BuildoutEggs
from poach.buildout.reporter import LogReporter
from poach.buildout.settings import Settings
from poach.buildout.target import own_target
from poach.pins.build_key import Target
from poach.pipeline.kit import Toolchain
from poach.pipeline.ports import WheelBuilder
from poach.store.store import Store

logger = logging.getLogger("zc.buildout.poach")

#: The first pip that builds a tree where it is.
_IN_TREE = Version("21.3")


def own(settings: Settings) -> Toolchain:
    """Return what builds for the running interpreter, in the layout of its buildout."""
    pip = _pip(settings)
    builder = PipBuilder(pip, _options(), lambda: _copies(_own_pip()))
    target, version = own_target(), ".".join(map(str, sys.version_info[:3]))
    python = Python(target.python, version, sys.prefix, _own_pip())
    builds = _with_uv(settings, builder, python)
    return Toolchain(builds, BuildoutEggs(pip), target, OwnCompiler())


def foreign(settings: Settings, python: str) -> Toolchain:
    """Return what builds for the interpreter `python`, a path or a name on PATH.

    Its eggs have EGG-INFO, which every pkg_resources reads.  Raises `NoInterpreter`
    and, where it has no build tools and none can be fetched, `NoTools`.
    """
    # Imported late: most buildouts build for their own interpreter.
    from poach.build import interpreter

    store, options = Store(settings.store, LogReporter()), _options()
    found = interpreter.find(python, store, _pip(settings), options)
    pip = Pip(
        found.command,
        found.path,
        _indexes(settings),
        _links(settings),
        interpreter.environment(),
    )
    target = Target(found.python, found.abi, found.platform, egginfo.LAYOUT)
    # Old releases would keep the patched wheel, under its plain name, in pip's cache.
    builder = PipBuilder(pip, [*options, "--no-cache-dir"], lambda: _copies(found.pip))
    eggs, compiler = egginfo.EggInfoEggs(found), OtherCompiler(found)
    builds = _with_uv(
        settings,
        builder,
        Python(found.python, found.version, found.prefix, found.pip),
    )
    return Toolchain(builds, eggs, target, compiler)


def _with_uv(settings: Settings, builder: PipBuilder, python: Python) -> WheelBuilder:
    """Return what builds as ``patch-build-with`` says."""
    if settings.build_with == "pip":
        return builder
    return UvBuilder(builder, python, must=settings.build_with == "uv")


def _pip(settings: Settings) -> Pip:
    return Pip(sys.executable, _pip_path(), _indexes(settings), _links(settings))


def _own_pip() -> str:
    """Return the version of the pip that builds for the running interpreter."""
    # Imported late: a warm run builds nothing.
    from importlib.metadata import distributions

    found = distributions(name="pip", path=[*_pip_path(), *sys.path])
    return next((pip.version for pip in found), "")


def _copies(pip: str) -> bool:
    """Return whether a version of pip copies a tree before it builds it."""
    return bool(pip) and Version(pip) < _IN_TREE


def _indexes(settings: Settings) -> list[str]:
    # The index is one more, as in buildout itself: it need not hold any backend.
    return [settings.index] if settings.index else []


def _links(settings: Settings) -> list[str]:
    """Return where pip finds build requirements: also where buildout finds eggs."""
    return [_absolute(link, settings.directory) for link in settings.links]


def _options() -> list[str]:
    return ["--verbose"] if logger.isEnabledFor(logging.DEBUG) else []


def _absolute(link: str, directory: str) -> str:
    """Return a URL as it is, and a path counted from `directory`."""
    is_url = "://" in link or link.startswith("file:")
    return link if is_url else str(Path(directory, link))


def _pip_path() -> list[str]:
    # A bootstrapped buildout finds its pip in eggs, not in the interpreter.
    installed = set(map(sysconfig.get_path, ("purelib", "platlib")))
    return [path for path in easy_install.pip_path if path not in installed]
