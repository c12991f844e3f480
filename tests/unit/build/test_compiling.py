"""What an interpreter cannot compile."""

from __future__ import annotations

import sys

import pytest

from poach.build.compiling import UNKNOWN, OtherCompiler, OwnCompiler
from poach.build.interpreter import Interpreter
from support.pythons import python_or_skip

GOOD, BAD = b"x = 1\n", b"\nx = = 1\n"
SOURCES = [GOOD, BAD, b"\0", b"# coding: nothing\n", b"'\xff'\n", b"'\\d'\r\n"]


def other(command, tag="cp311"):
    return OtherCompiler(Interpreter(str(command), (), tag, "", "", ""))


@pytest.mark.parametrize("compiler", [OwnCompiler(), other(sys.executable)])
def test_each_source_has_its_fault(compiler, tmp_path):
    faults = compiler.faults(SOURCES, tmp_path / "sources", tmp_path / "log")

    assert faults[0] == faults[5] == ""
    assert faults[1] == "line 2: invalid syntax"
    assert all(faults[2:5])


def test_the_other_python_has_another_syntax(tmp_path):
    python = python_or_skip("2.7")
    sources = [b"print 'x'\n", b"x = f''\n", b"# coding: latin-1\nx = u'\xe9'\n"]

    compiler = other(python, "cp27")

    assert compiler.name == "Python 2.7"
    assert compiler.faults(sources, tmp_path / "sources", tmp_path / "log") == [
        "",
        "line 1: invalid syntax",
        "",
    ]


@pytest.mark.parametrize("command", ["false", "true", "/no/such/python"])
def test_an_interpreter_that_does_not_answer(command, tmp_path):
    faults = other(command).faults([GOOD, BAD], tmp_path / "new", tmp_path / "log")

    assert faults == [UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("tag", "name"), [("cp27", "2.7"), ("cp313", "3.13"), ("pp310", "3.10")]
)
def test_a_name_that_is_no_machines(tag, name):
    assert other("python", tag).name == f"Python {name}"
