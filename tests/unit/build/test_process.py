"""Subprocesses are quiet until one fails."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

from poach.build.process import TAIL, CommandFailed, indented, run, tail
from support.processes import is_alive, wait_until

ENV = {"PATH": os.defpath}


def python(code, log, more=(), **options):
    options = {"cwd": log.parent, "env": ENV, **options}
    run([sys.executable, "-c", code, *more], log=log, **options)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "build ä.log"


def test_what_goes_well_is_quiet(log, capfd):
    python("import sys; print('out', flush=True); sys.stderr.write('err')", log)

    assert log.read_bytes() == b"out\nerr"
    assert capfd.readouterr() == ("", "")


def test_folder_environment_and_input_are_as_given(log, tmp_path, monkeypatch):
    monkeypatch.setenv("LEAK", "1")
    code = "import os, sys; print(os.getcwd(), dict(os.environ), sys.stdin.read())"

    python(code, log, env={"ONE": "é", "LC_CTYPE": "C.UTF-8"})

    assert log.read_text() == (
        f"{tmp_path.resolve()} {{'ONE': 'é', 'LC_CTYPE': 'C.UTF-8'}} \n"
    )


def test_a_failure_shows_command_code_tail_and_log(log):
    code = "print('one two'); print(); print('three'); raise SystemExit(7)"

    with pytest.raises(CommandFailed) as caught:
        python(code, log)

    error = caught.value
    command = [sys.executable, "-c", code]
    assert (error.command, error.code, error.log) == (tuple(command), 7, log)
    assert str(error) == (
        f"exit code 7 from: {shlex.join(command)}\n"
        "    one two\n"
        "    three\n"
        f"the full log is in {log}"
    )


def test_a_killed_process_has_failed(log):
    with pytest.raises(CommandFailed) as caught:
        python("import os; os.kill(os.getpid(), 9)", log)

    assert caught.value.code == -9


def test_a_second_command_adds_to_the_log(log):
    python("print('one')", log)
    python("print('two')", log)

    assert log.read_text() == "one\ntwo\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ""),
        (b"\n \n\t\n", ""),
        (b"a\r\nb", "a\nb"),
        (b"a\xff\n", "a\ufffd"),
        (b"  a\n\n\n  b\n", "  a\n  b"),
        (
            b"".join(b"%d\n\n" % number for number in range(100)),
            "\n".join(map(str, range(100 - TAIL, 100))),
        ),
        (
            b"\n".join([b"x" * 100] * 1000 + [b"last"]),
            "\n".join([*["x" * 100] * 19, "last"]),
        ),
    ],
)
def test_tail(log, data, expected):
    log.write_bytes(data)

    assert tail(log) == expected


def test_indented():
    assert indented("a\n  b") == "    a\n      b"


def test_a_failure_without_output(log):
    with pytest.raises(CommandFailed) as caught:
        python("raise SystemExit(1)", log)

    assert "\n\n" not in str(caught.value)


def test_a_program_that_is_not_there(log):
    with pytest.raises(CommandFailed):
        run(["no-such-program"], cwd=log.parent, env=ENV, log=log)


def test_an_error_can_be_shown_when_its_log_has_gone(log):
    assert str(log) in str(CommandFailed(["x"], 1, log))


def test_the_folder_of_the_command_is_shown_short(tmp_path):
    """It is gone when the error is shown."""
    cwd, log = tmp_path / "1.host.abc" / "work", tmp_path / "log"
    cwd.mkdir(parents=True)
    code = "import sys; sys.exit('in ' + sys.argv[1])"

    with pytest.raises(CommandFailed) as caught:
        python(code, log, cwd=cwd, more=[f"{cwd}/source/pond-1.0"])

    assert str(caught.value) == (
        f"exit code 1 from: {shlex.join([sys.executable, '-c', code])} "
        ".../source/pond-1.0\n"
        "    in .../source/pond-1.0\n"
        f"the full log is in {log}"
    )


def test_credentials_are_not_shown(log):
    log.write_text("Looking in https://jane:secret@example.com/?key=secret\n")
    command = ["pip", "--find-links=https://jane:secret@example.com/?token=secret"]

    error = CommandFailed(command, 2, log)

    assert "secret" not in repr(error)
    assert str(error) == (
        "exit code 2 from: pip '--find-links=https://example.com/?token=***'\n"
        "    Looking in https://example.com/?key=***\n"
        f"the full log is in {log}"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of that")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_who_works_for_a_dead_parent_ends_with_all_that_it_has_started(log, number):
    work = (
        "import os, pathlib, time; path = pathlib.Path('new');"
        "path.write_text(f'{os.getppid()} {os.getpid()}'); path.rename('pids');"
        "time.sleep(600)"
    )
    child = (
        "import pathlib, sys; from poach.build import process;"
        "process.end_with_parent();"
        f"process.run([sys.executable, '-c', {work!r}], cwd=pathlib.Path(),"
        "env={}, log=pathlib.Path('log'))"
    )
    parent = (
        f"import subprocess, sys; subprocess.call([sys.executable, '-c', {child!r}])"
    )
    running = subprocess.Popen([sys.executable, "-c", parent], cwd=log.parent)
    pids = log.parent / "pids"
    wait_until(pids.exists)

    running.send_signal(number)

    running.wait(60)
    wait_until(lambda: not any(is_alive(pid) for pid in pids.read_text().split()))


# Secrets in what a command prints

LINES = """
printf 'Looking in links: https://jane:hush1@example.com/?token=hush2\\n'
printf 'GET ftp://jane:hush3@example.com/x svn+https://hush4@example.com/y\\n'
printf 'too many retries with url: /simple/?sig=hush5 (\\377 and more)\\n'
"""
SHOWN = b"""Looking in links: https://example.com/?token=***
GET ftp://example.com/x svn+https://example.com/y
too many retries with url: /simple/?sig=*** (\xff and more)
"""


@pytest.mark.parametrize("code", [0, 1])
def test_a_log_has_no_secrets(tmp_path, code):
    """Whether it is kept, shown with -v, or quoted in an error."""
    log = tmp_path / "log"
    command = ["sh", "-c", f"{LINES}exit {code}"]
    for _ in range(2):
        failing = pytest.raises(CommandFailed) if code else contextlib.nullcontext()
        with failing as caught:
            run(command, cwd=tmp_path, env=dict(os.environ), log=log)

    assert log.read_bytes() == 2 * SHOWN
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert not caught or "hush" not in str(caught.value).partition("\n")[2]


def test_a_log_is_private_until_then(tmp_path):
    log = tmp_path / "log"
    log.touch(0o644)

    run(["sh", "-c", f"stat -c %a {log}"], cwd=tmp_path, env=dict(os.environ), log=log)

    assert log.read_text() == "600\n"
    (tmp_path / "other").touch()
    assert log.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_long_line_is_looked_at_in_no_time(tmp_path):
    """Compilers, and programs that print base64, have such."""
    for text in ("a" * 1_000_000, "a://" * 200_000, "://a?" * 200_000, "/a" * 400_000):
        began = time.monotonic()
        (tmp_path / "text").write_text(text)
        run(["cat", "text"], cwd=tmp_path, env=dict(os.environ), log=tmp_path / "log")
        assert time.monotonic() - began < 10
