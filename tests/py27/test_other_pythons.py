"""Eggs and wheels for interpreters that poach itself cannot run on."""

import hashlib
import json
import subprocess
import sys
import zipfile

import pytest
from packaging.utils import parse_wheel_filename

from poach.build.interpreter import environment
from support import CALLER, Index
from support.environments import CHECKOUT
from support.pythons import python_or_skip

#: The oldest of each kind and the newest; those between them with --all.
ENDS = ("2.7", "3.8", "3.13")
BETWEEN = ("3.9", "3.10", "3.11", "3.12")

SETUP = """
    import sys
    from setuptools import Extension, setup
    setup(
        name="Demo.Pond", version="1.0", packages=["demo_pond"],
        package_data={"": ["*.txt"]},
        ext_modules=[Extension("demo_pond.deep", ["deep.c"])],
        install_requires=["a-lake>=1", "a-stream; python_version < '3'"],
        extras_require={"fish": ["carp"]},
        entry_points={"console_scripts": ["quack = demo_pond:main"]},
        scripts=["waddle"],
    )
    """

DEEP = """\
#include <Python.h>
static PyObject *ask(PyObject *self, PyObject *none)
{
    return PyLong_FromLong(DEPTH);
}
static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, ""}, {0}};
#if PY_MAJOR_VERSION < 3
PyMODINIT_FUNC initdeep(void) { Py_InitModule("deep", methods); }
#else
static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "deep", "", -1, methods};
PyMODINIT_FUNC PyInit_deep(void) { return PyModule_Create(&module); }
#endif
"""

FILES = {
    "setup.py": SETUP,
    "deep.c": DEEP.replace("DEPTH", "1"),
    "waddle": "#!/usr/bin/python\nprint('waddle')\n",
    "demo_pond/__init__.py": "sound = 'quack'\ndef main():\n    print(sound)\n",
    "demo_pond/é.txt": b"\xff",
}

LOUD = """\
--- a/demo_pond/__init__.py
+++ b/demo_pond/__init__.py
@@ -1,3 +1,3 @@
-sound = 'quack'
+sound = 'QUACK'
 def main():
     print(sound)
--- a/deep.c
+++ b/deep.c
@@ -1,5 +1,5 @@
 #include <Python.h>
 static PyObject *ask(PyObject *self, PyObject *none)
 {
-    return PyLong_FromLong(1);
+    return PyLong_FromLong(11);
 }
"""

CFG = """
    [buildout]
    index = %(index)s
    parts =

    [versions]
    Demo.Pond = 1.0 +loud
    """

#: What an interpreter says of an egg that it imports: old Pythons know of eggs by
#: pkg_resources, new ones by importlib.metadata.
ASK = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import demo_pond, demo_pond.deep
answer = {"sound": demo_pond.sound, "depth": demo_pond.deep.ask()}
sys.path.append(sys.argv[2])
import poach
poach.require("demo-pond", "Loud")
try:
    poach.require("Demo.Pond", "loud", "other")
except poach.NotPatched as lacking:
    answer["lacks"] = str(lacking).rpartition(" lacks ")[2]
answer["text"] = os.path.getsize(os.path.join(os.path.dirname(demo_pond.__file__),
    u"\\xe9.txt"))
if sys.version_info < (3, 8):
    import pkg_resources
    (dist,) = pkg_resources.find_distributions(sys.argv[1])
    answer.update(name=dist.project_name, version=dist.version, key=dist.key)
    answer["requires"] = [str(r) for r in dist.requires()]
    answer["fish"] = [str(r) for r in dist.requires(["fish"])][-1:]
    answer["scripts"] = list(dist.get_entry_map("console_scripts"))
else:
    from importlib.metadata import distribution
    dist = distribution("Demo.Pond")
    answer.update(name=dist.metadata["Name"], version=dist.version)
    answer["scripts"] = [e.name for e in dist.entry_points]
print(json.dumps(answer))
"""


@pytest.fixture
def pond(index: Index, project):
    """A project whose one pin is patched, in Python and in C."""
    index.add_sdist("Demo.Pond", "1.0", FILES)
    made = project(CFG)
    made.write("patches/demo-pond/1.0/loud.patch", LOUD)
    return made


def reaching_the_index(made, **variables):
    """Return variables with which pip finds build tools where the user's does."""
    theirs = {k: v for k, v in CALLER.items() if k.startswith("PIP_")}
    unset = dict.fromkeys(("PIP_NO_INDEX", "PIP_CONFIG_FILE", "PIP_FIND_LINKS"), "")
    return {**unset, **theirs, **variables}


def build(made, python, *args, expect=0):
    """Build for `python`; return the words of each line that was printed."""
    result = made.poach(
        *("build", "--python", str(python), *args),
        env=reaching_the_index(made),
        expect=expect,
    )
    return [line.rsplit(" ", 1) for line in result.stdout.splitlines()]


def ask(python, made, egg):
    """Return what `python` says of an egg, with the tools that poach fetched."""
    tools = map(str, made.path.glob("patched-eggs/2/.tools/*"))
    done = subprocess.run(
        [str(python), "-W", "ignore", "-c", ASK, str(egg), str(CHECKOUT / "src")],
        env={**environment(list(tools)), "HOME": str(made.path)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.index
@pytest.mark.slow
@pytest.mark.parametrize(
    "version", [*ENDS, *(pytest.param(v, marks=pytest.mark.more) for v in BETWEEN)]
)
def test_an_egg_and_a_wheel_for(version, pond, tmp_path):
    python = python_or_skip(version)

    (tagged, egg), (_, wheel), (_, zipped) = build(pond, python, "--to", "out")

    answer = ask(python, pond, egg)
    assert answer["sound"] == "QUACK"
    assert answer["depth"] == 11
    assert answer["text"] == 1
    assert answer["lacks"] == "+other"
    assert answer["name"] == "Demo.Pond"
    assert answer["scripts"] == ["quack"]
    assert f"Demo.Pond {answer['version']}" == tagged
    assert answer["version"].startswith("1.0+loud.p")
    short = version.replace(".", "")
    assert f"/Demo.Pond-{answer['version']}-py{version}-" in egg
    name, _, _, tags = parse_wheel_filename(wheel.rpartition("/")[2])
    assert name == "demo-pond"
    assert {tag.interpreter for tag in tags} == {f"cp{short}"}
    _check_zipped(pond.path / zipped, pond.path / egg)
    _check_wheel(python, pond, pond.path / wheel, tmp_path / "installed")


def _check_zipped(zipped, egg):
    """The zipped egg holds the files of the folder, but for byte code."""
    assert zipped.name == egg.name
    with zipfile.ZipFile(zipped) as archive:
        names = archive.namelist()
        assert {"EGG-INFO/PKG-INFO", "EGG-INFO/requires.txt"} <= set(names)
        assert "EGG-INFO/scripts/waddle" in names
        assert not [name for name in names if name.endswith(".pyc")]
        for name in names:
            assert archive.read(name) == (egg / name).read_bytes()


def _check_wheel(python, made, wheel, folder):
    """The wheel is one that the interpreter's own pip installs."""
    tools = list(map(str, made.path.glob("patched-eggs/2/.tools/*")))
    install = ["install", "--quiet", "--no-deps", "--no-index", "--target"]
    command = [str(python), "-m", "pip", *install, str(folder), str(wheel)]
    subprocess.run(command, check=True, env=environment(tools))
    script = "import demo_pond.deep as deep; print(deep.ask())"
    done = subprocess.run(
        [str(python), "-c", script],
        env=environment([str(folder)]),
        capture_output=True,
        check=True,
    )
    assert done.stdout.strip() == b"11"


@pytest.mark.index
@pytest.mark.slow
def test_python_2_reads_metadata_and_keeps_the_store_as_it_is(pond):
    python = python_or_skip("2.7")
    ((_, egg),) = build(pond, python)
    before = pond.snapshot("patched-eggs/2/demo-pond")

    answer = ask(python, pond, egg)

    assert answer["key"] == "demo.pond"
    assert answer["requires"] == ["a-lake>=1", "a-stream"]
    assert answer["fish"] == ["carp"]
    # It is compiled already; a later run rebuilds nothing and builds the same.
    assert pond.snapshot("patched-eggs/2/demo-pond") == before
    listed = json.loads(pond.poach("list", "--json", "--python", str(python)).stdout)
    assert [pin["egg"] for pin in listed] == [egg]
    again = pond.poach("build", "--python", str(python))
    assert again.stdout.split()[-1] == egg
    assert "Building" not in again.output
    assert again.connections == []


@pytest.mark.index
@pytest.mark.slow
def test_the_same_egg_gives_the_same_bytes(pond):
    python = python_or_skip("2.7")

    outs = [build(pond, python, "--to", name)[1:] for name in ("one", "two")]

    digests = [
        [hashlib.sha256((pond.path / file).read_bytes()).digest() for _, file in files]
        for files in outs
    ]
    assert digests[0] == digests[1]
    assert sorted(p.name for p in (pond.path / "two").iterdir()) == sorted(
        file.rpartition("/")[2] for _, file in outs[1]
    )


@pytest.mark.index
@pytest.mark.slow
def test_each_interpreter_has_an_egg_of_its_own(pond):
    ((tagged, old),) = build(pond, python_or_skip("2.7"))
    ((same, new),) = (pond.poach("build").stdout.splitlines()[0].rsplit(" ", 1),)

    assert tagged == same
    assert old != new
    assert len(list(pond.path.glob("patched-eggs/2/demo-pond/*/*"))) == 2


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        ("no-such-python", "there is no such program"),
        ("/bin/false", "exit code 1"),
        ("/bin/echo", "it answers"),
    ],
)
def test_what_is_no_python(pond, python, reason):
    result = pond.poach("build", "--python", python, expect=1)

    assert result.error.startswith(f"{python!r} is not a Python that runs: {reason}")
    assert not result.stdout


def test_build_tools_that_cannot_be_had(pond):
    """The wheelhouse of the tests has none that old a Python could use."""
    python = python_or_skip("2.7")

    result = pond.poach("build", "--python", str(python), expect=1)

    assert result.error.startswith(
        f"{python} (Python 2.7) lacks pip, setuptools, wheel, or has them too old, "
        "and they cannot be fetched: "
    )
    assert not list(pond.path.glob("patched-eggs/2/.tools/*"))
    assert not list(pond.path.glob("patched-eggs/2/.staging/*"))


def test_a_folder_that_cannot_be_written(pond):
    pond.write("out", "a file")

    result = pond.poach("build", "--to", "out", expect=1)

    assert result.error.startswith("Cannot write to out: ")


def test_our_own_wheel(pond):
    lines = pond.poach("build", "--to", "out").stdout.splitlines()

    (wheel,) = (pond.path / "out").iterdir()
    assert lines[1].endswith(f" out/{wheel.name}")
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    assert wheel.name.startswith("demo_pond-1.0+loud.p")
    assert f"-{tag}-{tag}-" in wheel.name


def test_variables_for_our_own_interpreter_do_not_reach_others(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("PYTHONHOME", "/ours")
    monkeypatch.setenv("CFLAGS", "-O2")

    assert environment()["CFLAGS"] == "-O2"
    assert not [name for name in environment() if name.startswith("PYTHON")]
    assert environment(["/tools"])["PYTHONPATH"] == "/tools"
