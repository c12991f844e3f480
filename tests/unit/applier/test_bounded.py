"""Bombs, huge lines and killed runs: bounded memory, and a tree that can be mended."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from poach.applier.diff import MAX_BINARY, MAX_DIFF, MAX_LINE, NamedDiff
from poach.applier.disk.root import Root
from poach.applier.disk.tree import Interrupted, WriteFailed, plan, write
from support import references
from support.diffs import base85, binary, delta, mod, new, oid, take

MEMORY = 1200 << 20
LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
from poach.cli import main
code = main(sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    top.mkdir()
    (top / "f").write_bytes(b"1\n")
    (top / "g").write_bytes(b"G\n")
    return top


def refused(tree: Path, patch: Path) -> set[str]:
    """Apply with little memory; return the reasons of the refusal."""
    before = references.listing(tree) if (tree / "f").stat().st_size < 99 else None
    args = ["apply", "--json", "-p1", str(tree), str(patch)]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *args], capture_output=True, timeout=300
    )
    assert done.returncode == 1, done.stderr[-2000:].decode()
    assert before is None or references.listing(tree) == before
    return {each["reason"] for each in json.loads(done.stdout)["refused"]}


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "x.patch"
    path.write_bytes(data)
    return path


def test_a_gigabyte_line(tree, tmp_path):
    path = tmp_path / "x.patch"
    with path.open("wb") as stream:
        stream.write(b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+")
        stream.truncate(1 << 30)
    assert refused(tree, path) == {"bad diff"}


#: Makes, verifies and exports an entry with a file and a wheel of a gigabyte.
LARGE = """
import resource, sys
from pathlib import Path
from zipfile import ZipFile
from poach.store import entries, manifest
from poach.store.export import export
from poach.store.store import Made, Store
from poach.store.verifying import verify
from poach.pins.build_key import BuildKey, Target

KEY = BuildKey("pond", "1.0", "a" * 64, "b" * 64, Target("py3", "none", "any", "x"))
folder = Path(sys.argv[1])

def make(work):
    egg, wheel = work / "pond.egg", work / "pond-1.0-py3-none-any.whl"
    egg.mkdir()
    for path in (egg / "data", wheel):
        with path.open("wb") as stream:
            stream.truncate(1 << 30)
    return Made(egg, wheel, {})

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
store = Store(folder / "store")
egg = store.get_or_make("1.0", KEY, make)
assert list(verify(store)) == []
wheel, zipped = export(egg, folder / "out", zipped=True)
assert wheel.stat().st_size == 1 << 30
assert ZipFile(zipped).getinfo("data").file_size == 1 << 30
assert manifest.size_and_digest(wheel)[1] == egg.entry["wheel"][2]
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_a_gigabyte_in_an_egg(tmp_path):
    command = [sys.executable, "-c", LARGE, str(tmp_path)]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=300)
    finally:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)  # no sparse files, perhaps
    assert int(done.stdout) < 32, "MB more"


def test_a_line_that_is_too_long(tree, tmp_path):
    data = mod(b"f", b"@@ -1 +1 @@\n-1\n+" + b"x" * (MAX_LINE + 1) + b"\n")
    assert refused(tree, written(tmp_path, data)) == {"bad diff"}


def test_a_file_that_is_too_large(tree, tmp_path):
    with (tree / "f").open("wb") as stream:
        stream.truncate(MAX_DIFF + 1)
    assert refused(tree, written(tmp_path, mod(b"f"))) == {"too large"}


def test_zlib_bombs(tree, tmp_path):
    zeros = bytes(MAX_BINARY // 2)
    body = b"literal %d\n" % len(zeros) + base85(zlib.compress(zeros, 9))
    new, old = oid(zeros), b"0" * 40
    one = [
        binary(b"n%d" % n, b"", b"", body, (b"new file mode 100644",), old, new)
        for n in range(9)
    ]
    assert refused(tree, written(tmp_path, b"".join(one))) == {"bad diff"}


def test_a_zlib_bomb_that_lies_about_its_size(tree, tmp_path):
    body = b"literal 9\n" + base85(zlib.compress(bytes(1 << 28), 9))
    data = binary(b"f", b"1\n", b"2\n", body)
    assert refused(tree, written(tmp_path, data)) == {"bad diff"}


def test_delta_bombs(tree, tmp_path):
    source = bytes(1 << 16)
    (tree / "f").write_bytes(source)
    count = MAX_BINARY // len(source)
    target = bytes(MAX_BINARY)
    commands = delta(len(source), len(target), take(0, len(source)) * count)
    body = b"delta %d\n" % len(commands) + base85(zlib.compress(commands, 9))
    words = (b"similarity index 1%", b"copy from f")
    name = oid(target)
    one = [
        binary(b"f", source, b"", body, (*words, b"copy to n%d" % n), new_oid=name)
        for n in range(9)
    ]
    assert refused(tree, written(tmp_path, b"".join(one))) == {"too large"}


def test_a_delta_that_claims_too_much(tree, tmp_path):
    commands = delta(2, 1 << 40, take(0, 2) * 1000)
    body = b"delta %d\n" % len(commands) + base85(zlib.compress(commands))
    data = binary(b"f", b"1\n", b"2\n", body)
    assert refused(tree, written(tmp_path, data)) == {"binary"}


@pytest.mark.parametrize(
    "line",
    [
        b"--- " + b" " * (1 << 22) + b"x\n",
        b"Binary files " + b"a and " * (1 << 19) + b"\n",
        b"Files " * (1 << 20) + b"\n",
        b'--- "' + b"\\\\" * (1 << 20) + b"\n",
        b"--- a/f (working copy)" * (1 << 17) + b"x\n",
        b"diff --git " + b"a " * (1 << 20) + b"\n",
        b"--- " + b"a/" * (1 << 20) + b"\n",
        b"@@ -" + b"1" * (1 << 22) + b"\n",
    ],
    ids=range(8),
)
def test_long_headers_take_no_time(tree, tmp_path, line):
    data = line + b"+++ b/f\n@@ -1 +1 @@\n-9\n+2\n"
    refused(tree, written(tmp_path, data))


KILLED = """
import os, signal, sys
from pathlib import Path
from poach.applier.disk.root import Root
from poach.applier.disk.tree import plan, write
from poach.applier.disk.writer import _Writer
from poach.applier.diff import NamedDiff
place = Root if hasattr(Root, sys.argv[2]) else _Writer
step = getattr(place, sys.argv[2])
def dying(self, *args):
    step(self, *args)
    if not str(args[-1]).endswith("journal.json"):
        os.kill(os.getpid(), signal.SIGKILL)
setattr(place, sys.argv[2], dying)
write(plan(Path(sys.argv[1]), [NamedDiff("x", "", sys.stdin.buffer.read())]))
"""
TWO = mod(b"f") + mod(b"g", b"@@ -1 +1 @@\n-G\n+H\n")


def kill_after(step: str, tree: Path, data: bytes) -> None:
    """Have a process write to the tree, and kill it after its first such step."""
    command = [sys.executable, "-c", KILLED, str(tree), step]
    assert subprocess.run(command, input=data).returncode == -signal.SIGKILL


def test_a_run_that_is_killed_can_be_undone(tree):
    before = references.listing(tree)
    kill_after("replace", tree, TWO)
    assert ((tree / "f").read_bytes(), (tree / "g").read_bytes()) == (b"2\n", b"G\n")
    with pytest.raises(Interrupted, match="An earlier run was killed") as caught:
        plan(tree, [NamedDiff("x", "", TWO)])
    kept = Path(caught.value.kept)
    steps = json.loads((kept / "journal.json").read_text())["steps"]
    for path, step in steps.items():
        (kept / step[0]).replace(tree / path)
    shutil.rmtree(kept)
    assert references.listing(tree) == before
    write(plan(tree, [NamedDiff("x", "", TWO)]))


def poach_apply(tree: Path, diff: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys, poach.cli; sys.exit(poach.cli.main())"
    command = [sys.executable, "-c", code, "apply", str(tree), str(diff)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("step", ["twin", "_prepare", "_top"])
@pytest.mark.parametrize("data", [TWO, TWO + new(b"new/er/n")], ids=["old", "new"])
def test_what_a_killed_run_prepared_is_cleared(tree, tmp_path, step, data):
    before = references.listing(tree)
    kill_after(step, tree, data)
    (left,) = tree.glob(".poach-*")
    now = references.listing(tree)
    assert {path: now[path] for path in before} == before
    done = poach_apply(tree, written(tmp_path, data))
    assert (done.returncode, done.stderr) == (0, "")
    assert not left.exists()
    assert (tree / "f").read_bytes() == b"2\n"
    assert not list(tree.glob(".poach-*"))


def test_only_looking_clears_nothing(tree):
    kill_after("_prepare", tree, TWO)
    (left,) = tree.glob(".poach-*")
    plan(tree, [NamedDiff("x", "", TWO)])
    assert left.exists()


def test_without_locks_nobody_knows_that_it_is_rubbish(tree, monkeypatch):
    kill_after("_prepare", tree, TWO)
    (left,) = tree.glob(".poach-*")
    monkeypatch.setattr(Root, "_lock", no_locks)
    write(plan(tree, [NamedDiff("x", "", TWO)]))
    assert left.exists()
    assert (tree / "f").read_bytes() == b"2\n"
    monkeypatch.undo()
    write(plan(tree, [NamedDiff("x", "", mod(b"f", b"@@ -1 +1 @@\n-2\n+3\n"))]))
    assert not left.exists()


def no_locks(self: Root, *_: object) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.mark.parametrize("name", ["unlocked", "notes.txt"])
def test_what_may_be_another_s_is_left_alone(tree, name):
    kill_after("_prepare", tree, TWO)
    (left,) = tree.glob(".poach-*")
    (left / name).touch()
    write(plan(tree, [NamedDiff("x", "", TWO)]))
    assert (left / name).exists()


def test_a_link_to_a_folder_is_left_alone(tree, tmp_path):
    kill_after("_prepare", tree, TWO)
    (left,) = tree.glob(".poach-*")
    outside = left.rename(tmp_path / "outside")
    (tree / ".poach-q").symlink_to(outside)
    write(plan(tree, [NamedDiff("x", "", TWO)]))
    assert (outside / "new-0").exists()


def test_what_cannot_be_put_back_is_kept(tree, monkeypatch):
    planned = plan(tree, [NamedDiff("x", "", TWO)])
    replace, calls = os.replace, []

    def failing(source: str, target: str, **folders: int) -> None:
        calls.append(target)
        if len(calls) > 2:  # the journal, and one file
            raise OSError("no more")
        replace(source, target, **folders)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(WriteFailed, match="may be partly patched") as caught:
        write(planned)
    assert caught.value.kept
    assert (Path(caught.value.kept) / "old-0").read_bytes() == b"1\n"


def test_folders_keep_their_modes(tree):
    (tree / "d").mkdir(mode=0o700)
    (tree / "d/e").write_bytes(b"1\n")
    write(plan(tree, [NamedDiff("x", "", mod(b"d/e"))]))
    assert (tree / "d").stat().st_mode & 0o777 == 0o700


def test_setuid_is_not_handed_on(tree):
    (tree / "f").chmod(0o4755)
    write(plan(tree, [NamedDiff("x", "", mod(b"f"))]))
    assert (tree / "f").stat().st_mode & 0o7777 == 0o755
