"""The two wheels and the sdist: each holds what its Python needs."""

import subprocess
import sys
import tarfile
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest

import poach
from support.environments import CALLER, copy_checkout
from support.python2 import run
from support.pythons import python_or_skip

ROOT = Path(poach.__file__).parent
#: What both Pythons run, and what Python 2.7 alone does.
SHARED = ("__init__.py", "runtime.py")
BRIDGE = ("buildout27/*.py",)


def files(*patterns):
    return {
        "poach/" + path.relative_to(ROOT).as_posix()
        for pattern in patterns
        for path in ROOT.glob(pattern)
    }


def contents(wheel):
    """The modules and the metadata of a wheel, and its requirements."""
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("poach/")}
        (metadata,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
        return names, message_from_bytes(archive.read(metadata)), archive


@pytest.fixture(scope="module")
def wheel_2(environments_2):
    (wheel,) = environments_2.glob("poach-*.whl")
    return wheel


@pytest.fixture(scope="module")
def built_3(tmp_path_factory):
    """A folder with the sdist and the wheel that Python 3 builds."""
    folder = tmp_path_factory.mktemp("python3")
    checkout = copy_checkout(folder)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    run([*pip, "-w", str(folder), str(checkout)])
    command = [sys.executable, "setup.py", "-q", "sdist", "-d", str(folder)]
    done = subprocess.run(command, cwd=checkout, env=CALLER, capture_output=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_for_python_2_holds_the_bridge_alone(wheel_2):
    names, metadata, _ = contents(wheel_2)

    assert wheel_2.name.endswith("-py2-none-any.whl")
    assert names == files(*SHARED, *BRIDGE)
    assert metadata.get_all("Requires-Dist") is None
    assert "Pins\n----" in metadata.get_payload()


def test_the_wheel_for_python_3_holds_no_bridge(built_3, wheel_2):
    (wheel,) = built_3.glob("*.whl")
    names, metadata, _ = contents(wheel)
    _, other, _ = contents(wheel_2)

    assert wheel.name.endswith("-py3-none-any.whl")
    assert names == files("**/*.py", "py.typed") - files(*BRIDGE)
    assert metadata["Version"] == other["Version"]
    assert metadata["Requires-Python"] == other["Requires-Python"]
    assert "zc-buildout>=4.2" in metadata.get_all("Requires-Dist")


def test_the_sdist_holds_both(built_3):
    (sdist,) = built_3.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/src/")[2] for name in archive.getnames()}

    assert files("**/*.py") <= names


@pytest.mark.index
def test_pip_of_python_2_takes_the_sdist_as_it_comes(built_3, environments_2, tmp_path):
    """With build isolation, so that pyproject.toml must not ask for too much."""
    (sdist,) = built_3.glob("*.tar.gz")
    python = environments_2 / "2.13" / "bin" / "python"
    command = [str(python), "-m", "pip", "wheel", "--no-deps", "-w", str(tmp_path)]

    run([*command, str(sdist)])

    (wheel,) = tmp_path.glob("*.whl")
    assert contents(wheel)[0] == files(*SHARED, *BRIDGE)


@pytest.mark.index
@pytest.mark.parametrize("version", ["3.8", "3.9"])
@pytest.mark.parametrize("pattern", ["*.whl", "*.tar.gz"])
def test_a_python_between_the_two_takes_neither(built_3, tmp_path, version, pattern):
    python = python_or_skip(version)
    (file,) = built_3.glob(pattern)
    command = [str(python), "-m", "pip", "download", "--no-deps", "-d", str(tmp_path)]

    done = subprocess.run(
        [*command, str(file)], env=CALLER, capture_output=True, encoding="utf-8"
    )

    assert done.returncode == 1
    assert f"requires a different Python: {version}." in done.stderr


@pytest.mark.parametrize("name", sorted(files(*SHARED, *BRIDGE)))
def test_python_2_compiles_what_it_gets(name):
    python = python_or_skip("2.7")
    source = ROOT.parent / name
    code = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')"
    command = [str(python), "-c", code, str(source)]

    done = subprocess.run(command, capture_output=True, encoding="utf-8")

    assert done.returncode == 0, done.stderr
