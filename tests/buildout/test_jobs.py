"""Eggs are built side by side: really at once, and apart in all else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from poach.build import jobs, process
from poach.errors import Faults, PoachError
from support import backend
from support.pond import BROKEN, LOUD, SOURCE, WIDE
from support.processes import is_alive

CFG = """
    [buildout]
    extensions = poach
    index = %(index)s
    parts = app
    {options}

    [app]
    recipe = zc.recipe.egg
    eggs =
        {eggs}

    [versions]
    {pins}
    """

#: A build backend that does `more`, too.
BACKEND = """
import os, sys, time
from pathlib import Path
from quick import build_wheel as build, prepare_metadata_for_build_wheel

def build_wheel(*args):
    {more}
    return build(*args)
"""

#: Waits for the build of another project.
MEET = """
    Path(r"{folder}", "{name}").touch()
    end = time.monotonic() + 60
    while not Path(r"{folder}", "{other}").exists():
        assert time.monotonic() < end, "{other} is not built at the same time"
        time.sleep(0.01)
"""

#: Tells its process and that of a child, and never ends.
STAY = """
    import subprocess
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    logged = Path(r"{folder}", "{name}")
    logged.with_suffix(".new").write_text("%d %d" % (os.getpid(), child.pid))
    logged.with_suffix(".new").rename(logged)
    child.wait()
"""


class Wrong(PoachError):
    """A fault."""


def add(index, name, more="pass", **words):
    files = {
        "backend.py": BACKEND.format(more=more.format(name=name, **words).strip()),
        "quick.py": Path(backend.__file__).read_bytes(),
        "src/pond/__init__.py": SOURCE,
    }
    shape = {"package_dir": {"": "src"}, "packages": ["pond"], "py_modules": []}
    index.add_sdist(name, "1.0", files, **shape)


def configured(project, names, patches=("loud",), options=""):
    """Return a project that pins each of `names` with `patches`."""
    plus = " ".join(f"+{patch}" for patch in patches)
    made = project(
        CFG.format(
            options=options,
            eggs="\n        ".join(names),
            pins="\n    ".join(f"{name} = 1.0 {plus}" for name in names),
        )
    )
    for name in names:
        made.write(f"patches/{name}/loud.patch", LOUD)
        made.write(f"patches/{name}/wide.patch", WIDE)
    return made


# collect


def test_results_come_in_order_from_no_more_threads_than_jobs():
    threads, lock, barrier = [], threading.Lock(), threading.Barrier(3, timeout=30)

    def work(number):
        with lock:
            threads.append(threading.get_ident())
        barrier.wait()  # passed only if three are at work at once
        return number

    assert jobs.collect(work, range(9), 3) == list(range(9))
    assert len(set(threads)) == 3


@pytest.mark.parametrize(("items", "number"), [([1], 8), ([1, 2, 3], 1), ([], 8)])
def test_what_is_not_side_by_side_needs_no_threads(items, number):
    threads = jobs.collect(lambda item: threading.get_ident(), items, number)

    assert threads == [threading.get_ident()] * len(items)


def test_a_fault_stops_no_other_and_all_are_raised_together():
    done = []

    def work(item):
        if item in "bd":
            raise Wrong(item)
        done.append(item)

    with pytest.raises(Faults) as caught:
        jobs.collect(work, "abcde", 2)

    assert str(caught.value) == "b\nd"
    assert sorted(done) == ["a", "c", "e"]


def test_a_bug_stops_what_runs(tmp_path):
    ended = []

    def work(item):
        if item == "bug":
            wait_for(tmp_path / "up")
            raise ZeroDivisionError
        code = "import pathlib, time; pathlib.Path('up').touch(); time.sleep(600)"
        try:
            process.run(
                [sys.executable, "-c", code],
                cwd=tmp_path,
                env={},
                log=tmp_path / "log",
            )
        except KeyboardInterrupt:
            ended.append(item)
            raise

    with pytest.raises(ZeroDivisionError):
        jobs.collect(work, ["bug", "long"], 2)

    assert ended == ["long"]
    assert not (tmp_path / "log").exists()
    process.run([sys.executable, "-c", ""], cwd=tmp_path, env={}, log=tmp_path / "log")


def test_a_process_that_does_not_hear_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "PATIENCE", (0, 0.2))
    code = (
        "import pathlib, signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "pathlib.Path('up').touch(); time.sleep(600)"
    )

    def work(deaf):
        if not deaf:
            wait_for(tmp_path / "up")
            raise ZeroDivisionError
        process.run(
            [sys.executable, "-c", code], cwd=tmp_path, env={}, log=tmp_path / "log"
        )

    with pytest.raises(ZeroDivisionError):
        jobs.collect(work, [False, True], 2)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc")
def test_what_a_process_has_started_ends_before_it(tmp_path, monkeypatch):
    """uv ends at once when it is interrupted, and its children take their time."""
    monkeypatch.setattr(process, "PATIENCE", (0, 10))
    child = (
        "import pathlib, time\n"
        "pathlib.Path('up').touch()\n"
        "try:\n    time.sleep(600)\n"
        "finally:\n    time.sleep(0.5)\n    pathlib.Path('tidy').touch()\n"
    )
    code = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        f"subprocess.run([sys.executable, '-c', {child!r}])\n"
    )

    def work(stays):
        if not stays:
            wait_for(tmp_path / "up")
            time.sleep(0.1)
            raise ZeroDivisionError
        process.run(
            [sys.executable, "-c", code], cwd=tmp_path, env={}, log=tmp_path / "log"
        )

    with pytest.raises(ZeroDivisionError):
        jobs.collect(work, [False, True], 2)

    assert (tmp_path / "tidy").exists()


# builds


@pytest.mark.parametrize("how", ["command", "option", "buildout"])
def test_two_are_built_at_once(index, project, tmp_path, how):
    for name, other in ("one", "two"), ("two", "one"):
        add(index, name, MEET, folder=tmp_path, other=other)
    options = "" if how == "command" else "patch-jobs = 2"
    made = configured(project, ["one", "two"], options=options)

    result = (
        made.run()
        if how == "buildout"
        else made.poach("build", *["-j2"] * (how == "command"))
    )

    assert result.output.count("Built ") == 2
    assert len(list(made.path.glob("patched-eggs/*/*/*/*/*.egg"))) == 2


@pytest.mark.parametrize("how", ["command", "option"])
def test_one_after_the_other(index, project, tmp_path, how):
    for name in "one", "two":
        add(index, name, LINE, folder=tmp_path)
    options = "patch-jobs = 1" if how == "option" else "patch-jobs = 2"
    made = configured(project, ["one", "two"], options=options)

    result = made.poach("build", *["-j", "1"] * (how == "command"))

    assert (tmp_path / "lines").read_text() == "one +\none -\ntwo +\ntwo -\n"
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["one", "two"]


LINE = """
    lines = open(r"{folder}/lines", "a")
    print("{name} +", file=lines, flush=True)
    time.sleep(0.5)
    print("{name} -", file=lines, flush=True)
"""


def test_lines_tell_whose_they_are(index, project):
    names = ["one", "two", "three", "four"]
    for name in names:
        add(index, name)
    made = configured(project, names, ["loud", "wide"])

    result = made.poach("build", "-j4")

    lines = result.stderr.splitlines()
    for name in names:
        for patch in "loud", "wide":
            at = lines.index(f"Patching {name} 1.0: {patch} (1 file, 1 hunk)")
            assert lines[at + 1] == "  src/pond/__init__.py: 1 hunk"
    logged = [
        line for line in lines if not line.startswith(("  ", "Creating directory"))
    ]
    assert [
        line for line in logged if not re.search(rf"\b({'|'.join(names)})\b", line)
    ] == []
    assert sorted(line.split()[0] for line in result.stdout.splitlines()) == sorted(
        names
    )


def test_all_faults_are_reported_and_the_others_are_built(index, project):
    names = ["one", "two", "three"]
    for name in names:
        add(index, name)
    made = configured(project, names)
    for name in "one", "three":
        made.write(f"patches/{name}/loud.patch", BROKEN)

    result = made.run("buildout:patch-jobs=3", expect=1)

    assert [
        line for line in result.error.splitlines() if line.startswith("Cannot patch")
    ] == ["Cannot patch one 1.0:", "Cannot patch three 1.0:"], str(result)
    assert list(made.path.glob("patched-eggs/*/two/*/*/entry.json"))
    assert made.poach("build", "-j3", "two").stdout.startswith("two 1.0+loud")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
@pytest.mark.parametrize("command", ["buildout", "poach build -j2", "poach build -j1"])
def test_an_interrupt_stops_the_builds_and_leaves_nothing(
    index, project, tmp_path, command
):
    names = ["one", "two"]
    for name in names:
        add(index, name, STAY, folder=tmp_path)
    made = configured(project, names, options="patch-jobs = 2")
    program, *words = command.split()
    running = subprocess.Popen(
        [made.environment.program(program), *words],
        cwd=made.path,
        env={**made.variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    expected = names[:1] if "-j1" in words else names
    pids = [pid for name in expected for pid in wait_for(tmp_path / name).split()]

    running.send_signal(signal.SIGINT)  # to this process alone
    output, _ = running.communicate(timeout=60)

    assert running.returncode in (130, -signal.SIGINT), output
    assert not [pid for pid in pids if is_alive(pid)]
    store = made.path / "patched-eggs"
    left = [path for path in store.glob("*/.[sl][to]*/*") if path.suffix != ".lock"]
    assert left == [], output
    assert not list(Path(made.variables["TMPDIR"]).glob("*pip*"))
    assert not (tmp_path / "two").exists() or "-j1" not in words


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", ["buildout", "poach build -j2", "poach build -j1"])
def test_what_ends_us_ends_the_builds(index, project, tmp_path, command, number):
    names = ["one", "two"]
    for name in names:
        add(index, name, STAY, folder=tmp_path)
    made = configured(project, names, options="patch-jobs = 2")
    program, *words = command.split()
    log = tmp_path / "log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [made.environment.program(program), *words],
            cwd=made.path,
            env={**made.variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    expected = names[:1] if "-j1" in words else names
    pids = [pid for name in expected for pid in wait_for(tmp_path / name).split()]

    os.kill(running.pid, number)  # this process alone

    assert running.wait(timeout=60) == -number, log.read_text()
    assert not [pid for pid in pids if is_alive(pid)]
    store = made.path / "patched-eggs"
    assert list(store.glob("2/.logs/*")) == list(store.glob("2/.staging/*/work")) == []
    assert not list(Path(made.variables["TMPDIR"]).glob("*pip*"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_who_handles_a_signal_keeps_it(tmp_path):
    heard = []
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda n, _: heard.append(n)),
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    }
    code = (
        "import os, signal; os.kill(os.getppid(), signal.SIGTERM);"
        "os.kill(os.getppid(), signal.SIGHUP)"
    )
    try:
        process.run(
            [sys.executable, "-c", code], cwd=tmp_path, env={}, log=tmp_path / "log"
        )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert heard == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL


def test_numbers_that_are_none(index, project):
    made = configured(project, ["one"], options="patch-jobs = many")

    assert made.poach("build", expect=1).error.splitlines()[0] == (
        "[buildout] patch-jobs (buildout.cfg:6): 'many' is not a number of eggs to "
        "build side by side, 1 or more"
    )
    assert made.run("buildout:patch-jobs=0", expect=1).error.startswith(
        "[buildout] patch-jobs (buildout:patch-jobs on the command line): '0'"
    )
    assert "'0' is not a number" in made.poach("build", "-j0", expect=2).stderr


def wait_for(path, seconds=60):
    """Return the text of a file once it is there."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} does not come"
        time.sleep(0.01)
    return path.read_text()
