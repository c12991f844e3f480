"""``poach apply`` as a process: what it prints where, and its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from poach.cli import COMMANDS, main
from poach.cli.cache import ACTIONS

FIX = b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+2\n"
POACH = (
    f"{sys.executable} -c 'import sys; from poach.cli import main; sys.exit(main())'"
)

needs_full = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs /dev/full"
)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """Return a folder, the current one, with a tree ``t`` and a diff ``p``."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t/f").write_bytes(b"1\n")
    (tmp_path / "p").write_bytes(FIX)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(line: str, place: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        ["/bin/bash", "-c", line.replace("POACH", POACH)],
        cwd=place,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": ""},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


FULL = "Cannot print what was done: No space left on device\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("POACH apply t p > /dev/full", FULL, marks=needs_full),
        pytest.param("POACH apply --json t p > /dev/full", FULL, marks=needs_full),
        pytest.param("POACH apply t p > /dev/full 2>&1", "", marks=needs_full),
        ("(sleep .3; POACH apply t p; echo $? >&2) | true", "0\n"),
        ("POACH apply t p >&-", ""),
        ("POACH apply t p >&- 2>&-", ""),
    ],
)
def test_that_it_cannot_print_changes_nothing(place, line, said):
    assert shell(line, place) == (0, "", said)
    assert (place / "t/f").read_bytes() == b"2\n"


@pytest.mark.parametrize(
    "line",
    [
        "POACH apply t nope 2>&-",
        "POACH apply --json t nope >&-",
        pytest.param("POACH apply t nope 2> /dev/full", marks=needs_full),
        pytest.param("POACH apply --json t nope > /dev/full 2>&1", marks=needs_full),
    ],
)
def test_a_refusal_that_cannot_be_printed_is_one(place, line):
    assert shell(line, place) == (1, "", "")


def test_standard_input_may_be_closed(place):
    said = "Error: Cannot read standard input: it is closed\n"
    assert shell("POACH apply t - <&-", place) == (1, "", said)


def refused(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the last line of the message about wrong usage."""
    with pytest.raises(SystemExit) as caught:
        main(["apply", *words])
    assert caught.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].removeprefix("poach apply: error: ")


@pytest.mark.parametrize("value", ["3", "99999", "-1", "x", "", "\u0661", "01"])
def test_fuzz_is_two_at_most(place, capsys, value):
    said = refused(f"--fuzz={value}", "t", "p", capsys=capsys)
    assert said == f"argument --fuzz: not 0, 1 or 2: {value!r}"


@pytest.mark.parametrize("value", ["1000", "-1", "x", "", "\u0661", "\xb2"])
def test_strip_is_a_number(place, capsys, value):
    said = refused(f"--strip={value}", "t", "p", capsys=capsys)
    assert said == f"argument -p/--strip: not a number from 0 to 999: {value!r}"


@pytest.mark.parametrize("option", ["--fuzz", "--strip"])
def test_long_numbers_are_shown_in_part(place, capsys, option):
    said = refused(f"{option}={'9' * 5000}", "t", "p", capsys=capsys)
    assert said.endswith(f": '{'9' * 40}...'")


def test_names_are_not_empty(place, capsys):
    message = "the name is empty"
    assert refused("t", "", capsys=capsys) == f"argument PATCH: {message}"
    assert refused("", "p", capsys=capsys) == f"argument TREE: {message}"


def put(folder: Path, **files: bytes) -> None:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def test_a_diff_of_a_series_is_named_with_its_folder(place, capsys):
    put(place / "one", series=b"fix\n", fix=b"nothing\n")
    put(place / "two", series=b"fix\n", fix=FIX.replace(b"f\n", b"x\n"))
    assert main(["apply", "t", "one", "two"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "does not apply" in line] == [
        "Error: Patch 'one/fix' does not apply:",
        "Patch 'two/fix' does not apply:",
    ]


def test_all_diffs_of_a_series_that_are_missing_are_named(place, capsys):
    put(place / "one", series=b"a\nb\n")
    assert main(["apply", "t", "one", "c"]) == 1
    assert capsys.readouterr().err == (
        "Error: Cannot read 'one/a': No such file or directory\n"
        "Cannot read 'one/b': No such file or directory\n"
        "Cannot read 'c': No such file or directory\n"
    )


def test_the_series_file_is_named(place, capsys):
    put(place / "one", series=b"fix -R\n")
    put(place / "two", series=b"#\n")
    assert main(["apply", "t", "one", "two"]) == 1
    assert capsys.readouterr().err == (
        "Error: bad line 'fix -R' in one/series: reversed diffs are not supported\n"
        "two/series does not name a diff\n"
    )


def test_the_option_overrides_the_level_in_the_series(place, capsys):
    put(place / "one", series=b"fix -p0\n", fix=FIX)
    assert main(["apply", "-p", "1", "t", "one"]) == 0
    assert capsys.readouterr().out.startswith("one/fix: strip 1\n")


def test_a_long_name_in_a_series_is_shown_in_part(place, capsys):
    put(place / "one", series=b"x" * 1_000_000)
    assert main(["apply", "t", "one"]) == 1
    said = capsys.readouterr().err
    assert said.endswith("...': File name too long\n") and len(said) < 5000


def test_it_is_a_module(place):
    for words in ("apply t p", "--version", "help"):
        line = f"{sys.executable} -m poach {words}"
        code, out, err = shell(line, place)
        assert (code, err) == (0, "")
        assert out
    assert (place / "t/f").read_bytes() == b"2\n"
    code, out, err = shell(f"{sys.executable} -m poach apply t p", place)
    assert (code, out) == (1, "")
    assert "already applied" in err
    assert shell(f"{sys.executable} -m poach nope", place)[0] == 2


@pytest.mark.parametrize(
    "words",
    [[], *([name] for name in COMMANDS), *(["cache", each] for each in ACTIONS)],
    ids=" ".join,
)
def test_help_is_what_the_option_prints(words, capsys):
    said = []
    for each in (["help", *words], [*words, "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(each)
        assert caught.value.code == 0
        said.append(capsys.readouterr())
    assert said[0] == said[1]
    assert said[0].out.startswith(f"usage: {' '.join(['poach', *words])} ")


@pytest.mark.parametrize("words", [["nope"], ["cache", "nope"], ["-c"]])
def test_help_of_what_is_no_command(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["help", *words])
    assert caught.value.code == 2
    assert "usage: poach" in capsys.readouterr().err


def fail(error: BaseException):
    def run(*_: object) -> None:
        raise error

    return run


@pytest.mark.parametrize("louder", [[], ["-v"]])
def test_a_bug_of_ours(place, monkeypatch, capsys, louder):
    """There is a traceback where it is asked for, and no password."""
    error = TypeError("no http://me:secret@host/")
    monkeypatch.setattr("poach.cli.apply.plan", fail(error))

    assert main(["apply", *louder, "t", "p"]) == 3

    out, err = capsys.readouterr()
    assert out == ""
    assert ("Traceback" in err) == bool(louder)
    assert "This is a bug in poach; please report it" in err
    assert "secret" not in err
    assert "TypeError: no http://" in err
    if not louder:
        first, where, last = err.splitlines()
        assert first.startswith("Error: TypeError: no ")
        assert where.startswith("    in run, ")
        assert last.endswith("with what the same command prints with -v")
    assert Path("t/f").read_bytes() == b"1\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_can_say_more(name, capsys):
    """So that the advice on a bug is true."""
    words = [name, "list"] if name == "cache" else [name]
    if name == "help":
        return
    with pytest.raises(SystemExit):
        main(["help", *words])
    assert " -v " in capsys.readouterr().out


def test_an_interrupt(place, monkeypatch, capsys):
    monkeypatch.setattr("poach.cli.apply.plan", fail(KeyboardInterrupt()))
    assert main(["apply", "t", "p"]) == 130
    assert capsys.readouterr() == ("", "Interrupted\n")


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), MemoryError()]
)
def test_no_fault_of_the_system_is_taken_for_done(place, monkeypatch, error):
    monkeypatch.setattr("poach.applier.disk.root.write_all", fail(error))
    monkeypatch.setattr("poach.applier.disk.writer.write_all", fail(error))
    assert main(["apply", "t", "p"]) == (1 if isinstance(error, OSError) else 3)
    assert (place / "t/f").read_bytes() == b"1\n"
    assert not list((place / "t").glob(".poach-*"))


def test_a_tree_that_is_none(place, capsys):
    for tree in ("p", "nope"):
        for words in ([tree, "p"], ["--recover", tree]):
            assert main(["apply", *words]) == 1
            assert (
                capsys.readouterr().err
                == f"Error: Cannot read {tree!r}: not a folder\n"
            )
