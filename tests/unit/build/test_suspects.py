"""Which patch a build that fails is about: what its log says of files."""

import pytest

from poach.build.suspects import PatchedBuildFailed, Suspect, named_in
from poach.errors import PoachError


@pytest.mark.parametrize(
    ("log", "file"),
    [
        ("src/pond/x.c:12:3: error: no", "src/pond/x.c"),
        ("/tmp/source/src/pond/x.c: no such", "src/pond/x.c"),
        ("x.c(12): error C2065", "src/pond/x.c"),
        ('  File "/tmp/source/setup.py", line 3, in <module>', "setup.py"),
        ("invalid pyproject.toml", "pyproject.toml"),
    ],
)
def test_a_file_that_a_log_names(log, file):
    assert named_in(f"before\n{log}\nafter", [file, "other.py"]) == {file}


@pytest.mark.parametrize(
    ("log", "file"),
    [
        ("python setup.py egg_info did not run successfully", "setup.py"),
        ("lex.c:12: error", "src/x.c"),
        ("src/pond/x.cpp: error", "src/pond/x.c"),
        ("creating x.c", "src/x.c"),
        ("copying src/x.py -> build/lib", "src/x.py"),
        ("gcc -c src/pond/x.c -o x.o", "src/pond/x.c"),
        ("src/x.c:12:3: warning: unused", "src/x.c"),
        ("asrc/x.c", "src/x.c"),
    ],
)
def test_a_file_that_it_does_not(log, file):
    assert named_in(log, [file]) == set()


def test_many_files_are_counted():
    many = Suspect("wide", "a.cfg:1", tuple(f"{n}.py" for n in range(7)))
    fault = PoachError("Building pond 1.0 +wide failed")

    assert str(PatchedBuildFailed("pond", fault, [many], [])).split("\n") == [
        "Building pond 1.0 +wide failed",
        "these patches are in the tree:",
        "    +wide (a.cfg:1): 7 files",
        "read the log, or run 'poach build -v pond'; if the pin builds without its "
        "patches, fix the patch",
    ]
    assert "6.py, which the log names" in str(
        PatchedBuildFailed("pond", fault, [many], ["6.py"])
    )
