"""Virtual environments, each with one buildout and this checkout in it."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uv
from filelock import FileLock

from support import audit_hook

CHECKOUT = Path(__file__).parents[2]

CALLER = dict(os.environ)
"""The variables of whoever runs the tests, before these were given another HOME."""

BUILDOUTS = {
    # The first two import pkg_resources, which newer setuptools lack.
    "4.2": ("zc.buildout==4.2.*", "zc.recipe.egg==3.0.*", "setuptools<81"),
    "5.2": ("zc.buildout==5.2.*", "zc.recipe.egg==4.0.*", "setuptools<81"),
    "6.0": ("zc.buildout==6.0.*", "zc.recipe.egg==6.0.*", "setuptools"),
}
"""What is installed beside poach, by the version of buildout."""

NEWEST = "6.0"

BUILD_TOOLS = ("setuptools", "wheel", "packaging", "pip", "flit-core")


@dataclass(frozen=True)
class Environment:
    """A virtual environment with a buildout."""

    path: Path
    buildout: str
    """Its version, a key of `BUILDOUTS`."""

    def program(self, name: str) -> Path:
        return self.path / "bin" / name


def once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Let one of several processes fill a folder; the others wait until it is full."""
    done = Path(f"{folder}.done")
    with FileLock(f"{folder}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def make_wheel(folder: Path) -> Path:
    """Return a wheel of this checkout, built from a copy to leave nothing behind."""
    source = copy_checkout(folder)
    _pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source))
    return next(folder.glob("poach-*.whl"))


def copy_checkout(folder: Path) -> Path:
    """Return a copy of what wheels of this checkout are built from."""
    source = folder / "checkout"
    unneeded = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")

    def ignored(at: str, names: list[str]) -> set[str]:
        # poach has a package of that name, too, further down.
        top = {"build", "examples", "tests"} if Path(at) == CHECKOUT else set()
        return top | unneeded(at, names)

    shutil.copytree(CHECKOUT, source, ignore=ignored)
    return source


def make_wheelhouse(folder: Path) -> Path:
    """Fill a folder with what builds may ask for."""
    _pip(
        "download", "--no-deps", "--only-binary=:all:", "-d", str(folder), *BUILD_TOOLS
    )
    return folder


def make_environment(path: Path, buildout: str, wheel: Path) -> Environment:
    """Make an environment as users do, with poach beside buildout."""
    venv.create(path, symlinks=True)
    python = path / "bin" / "python"
    needed = ("pip", str(wheel), *BUILDOUTS[buildout])
    _pip("--python", str(python), "install", "--no-compile", *needed)
    _install_audit_hook(next(path.glob("lib/python*/site-packages")))
    return Environment(path, buildout)


def copy_environment(made: Environment, path: Path) -> Environment:
    """Copy an environment to an empty folder; its programs name their Python."""
    shutil.copytree(made.path, path, symlinks=True, dirs_exist_ok=True)
    for file in (path / "bin").iterdir():
        if file.is_file() and not file.is_symlink():
            old, new = os.fsencode(made.path), os.fsencode(path)
            file.write_bytes(file.read_bytes().replace(old, new))
    return Environment(path, made.buildout)


def hermetic(home: Path, wheelhouse: Path) -> dict[str, str]:
    """Return all variables for runs that see neither the user nor the real index."""
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.pathsep.join([CALLER["PATH"], _folder_of_uv()]),
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "BUILDOUT_HOME": str(home / ".buildout"),
        "TMPDIR": str(temporary),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": str(wheelhouse),
        "PIP_NO_INDEX": "1",
    }


@functools.cache
def _folder_of_uv() -> str:
    """Return a folder with nothing but the uv of this environment, to be on PATH.

    Builds take half the time with it.  What depends on pip or uv asks for one of them.
    """
    folder = Path(sys.prefix, "uv-alone")
    folder.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (folder / "uv").symlink_to(uv.find_uv_bin())
    return str(folder)


def _install_audit_hook(site_packages: Path) -> None:
    shutil.copy(audit_hook.__file__, site_packages / "poach_bench_audit.py")
    (site_packages / "poach_bench_audit.pth").write_text("import poach_bench_audit\n")


def _pip(*args: str) -> None:
    command = [sys.executable, "-m", "pip", *args]
    done = subprocess.run(command, env=CALLER, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
