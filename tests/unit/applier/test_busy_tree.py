"""Trees that others write to while poach does, and runs that are cut off."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from poach.applier.diff import NamedDiff
from poach.applier.disk import journal, writer
from poach.applier.disk.root import Root, opened
from poach.applier.disk.tree import (
    ApplyRefused,
    Interrupted,
    NotRecovered,
    TreeChanged,
    WriteFailed,
    plan,
    recover,
    write,
)
from poach.cli import main

POACH = [
    sys.executable,
    "-c",
    "import sys; from poach.cli import main; sys.exit(main())",
]
LINES = [b"%d\n" % number for number in range(120)]


def change(name: str, old: str = "1", new: str = "2") -> bytes:
    return f"--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-{old}\n+{new}\n".encode()


def made(name: str, text: str = "new") -> bytes:
    return f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+{text}\n".encode()


def gone(name: str, text: str = "1") -> bytes:
    return f"--- a/{name}\n+++ /dev/null\n@@ -1 +0,0 @@\n-{text}\n".encode()


def program(name: str) -> bytes:
    return f"diff --git a/{name} b/{name}\nold mode 100644\nnew mode 100755\n".encode()


def link(name: str, target: str) -> bytes:
    head = f"diff --git a/{name} b/{name}\nnew file mode 120000\n"
    body = f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+{target}\n"
    return f"{head}{body}\\ No newline at end of file\n".encode()


#: Everything that can happen to a path.
ALL = b"".join(
    [
        *(change("d/f"), change("top"), gone("d/gone"), gone("e/only/x")),
        *(made("d/new"), made("n/e/w"), made("n/w"), made("m/x"), made("top-new")),
        *(gone("file"), made("file/now/folder"), gone("folder/x"), made("folder")),
        *(program("d/g"), link("d/link", "f"), gone("e/more/y")),
    ]
)
ONE = {
    "d/f": change("d/f"),
    "d/gone": gone("d/gone"),
    "d/new": made("d/new"),
    "top": change("top"),
    "folder": made("folder"),
    "d/link": link("d/link", "f"),
}
FILES = ("d/f", "top", "d/gone", "d/g", "e/only/x", "file", "folder/x", "e/more/y")


def diff(data: bytes) -> list[NamedDiff]:
    return [NamedDiff("x", "", data, 1)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return put(tmp_path / "tree")


def put(top: Path) -> Path:
    """Make a tree with modes that have to come back."""
    for name in FILES:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1\n")
    (top / "d/f").chmod(0o640)
    (top / "file").chmod(0o4711)
    (top / "e/only").chmod(0o2750)
    (top / "folder").chmod(0o711)
    (top / "e/empty").mkdir()
    return top


def state(top: Path) -> dict[str, tuple[object, ...]]:
    """Return everything below a folder: modes, contents, targets."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(top.rglob("*")):
        mode = path.lstat().st_mode
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        target = path.readlink() if path.is_symlink() else None
        found[path.relative_to(top).as_posix()] = (mode, data, target)
    return found


def without_asides(found: dict[str, tuple[object, ...]]) -> dict[str, object]:
    return {
        path: each for path, each in found.items() if not path.startswith(".poach-")
    }


def patched(tmp_path: Path, data: bytes = ALL) -> dict[str, tuple[object, ...]]:
    other = put(tmp_path / "patched")
    write(plan(other, diff(data)))
    return state(other)


def poach(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*POACH, *map(str, words)], capture_output=True, text=True)


# Folders that are swapped for links


class Swap:
    """Swaps the folder `d` of a tree for a link to one outside, at a certain call."""

    def __init__(self, tree: Path, moment: int, monkeypatch) -> None:
        self.folder = tree / "d"
        self.away = tree.with_name("away")
        self.outside = put(tree.with_name("outside"))
        self.before = state(self.outside)
        self.calls = 0
        self.moment = moment
        look = Root._at

        def at(root: Root, path: str):
            self.calls += 1
            if self.calls == moment:
                self.swap()
            return look(root, path)

        monkeypatch.setattr(Root, "_at", at)

    def swap(self) -> None:
        self.folder.rename(self.away)
        self.folder.symlink_to(self.outside / "d")

    def back(self) -> None:
        if self.calls >= self.moment:
            self.folder.unlink()
            self.away.rename(self.folder)


@pytest.mark.parametrize("start", range(3))
def test_a_folder_that_becomes_a_link_leads_nowhere(tmp_path, start, monkeypatch):
    """Nothing outside is written to or removed, and the tree can be put back."""
    after, ends = patched(tmp_path), Counter[bool]()
    for moment in range(start + 1, 999, 3):
        tree = put(tmp_path / str(moment) / "tree")
        before = state(tree)
        planned = plan(tree, diff(ALL))
        swap = Swap(tree, moment, monkeypatch)
        done = False

        with contextlib.suppress(WriteFailed, TreeChanged):
            write(planned)
            done = True

        monkeypatch.undo()
        assert state(swap.outside) == swap.before
        if swap.calls < moment:
            break
        swap.back()
        ends[done] += 1
        if not done:
            recover(tree)
        assert state(tree) == (after if done else before), moment
    assert done and swap.calls < moment
    assert ends[False] > 20
    assert ends[True] < 10  # it became one when all was done


@pytest.mark.parametrize("moment", range(1, 30))
def test_nothing_is_read_through_a_folder_that_becomes_a_link(
    tree, moment, monkeypatch
):
    (tree / "d/f").write_bytes(b"3\n")
    swap = Swap(tree, moment, monkeypatch)
    (swap.outside / "d/f").write_bytes(b"secret\n")

    with pytest.raises(ApplyRefused) as caught:
        plan(tree, diff(change("d/f") + change("top")))

    assert "secret" not in str(caught.value)


def test_a_file_that_becomes_a_link_is_not_read(tree, tmp_path, monkeypatch):
    (tmp_path / "secret").write_bytes(b"1\n")
    look = Root.lstat

    def lstat(root: Root, path: str) -> os.stat_result:
        status = look(root, path)
        if path == "top":
            (tree / "top").unlink()
            (tree / "top").symlink_to(tmp_path / "secret")
        return status

    monkeypatch.setattr(Root, "lstat", lstat)
    with pytest.raises(ApplyRefused, match="top: cannot be read"):
        plan(tree, diff(change("top")))


SWAPPING = """
import os, sys, time
os.chdir(sys.argv[1])
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    os.rename("d", "../away")
    os.symlink("../outside/d", "d")
    os.unlink("d")
    os.rename("../away", "d")
"""


@pytest.mark.slow
def test_somebody_swaps_it_all_the_time(tree):
    outside = put(tree.with_name("outside"))
    before = state(outside)
    command = [sys.executable, "-c", SWAPPING, str(tree), "8"]
    ends, turn = Counter[str](), [change("d/f") + change("d/g"), b""]
    turn[1] = change("d/f", "2", "1") + change("d/g", "2", "1")
    with subprocess.Popen(command) as swapping:
        while swapping.poll() is None:
            done = False
            try:
                write(plan(tree, diff(turn[0])))
                done = True
            except (ApplyRefused, WriteFailed, TreeChanged, Interrupted) as error:
                ends[type(error).__name__] += 1
                with contextlib.suppress(NotRecovered):
                    recover(tree)
            if done:
                ends["done"] += 1
                turn.reverse()
    print(ends)
    assert state(outside) == before
    assert ends["done"] and ends.total() > ends["done"]


# Two at once


def hunk(number: int) -> bytes:
    """Return a diff that changes one of 120 lines."""
    at = 10 * number + 5
    old = b"".join(b" " + line for line in LINES[at - 3 : at])
    end = b"".join(b" " + line for line in LINES[at + 1 : at + 4])
    head = b"--- a/many\n+++ b/many\n@@ -%d,7 +%d,7 @@\n" % (at - 2, at - 2)
    return head + old + b"-" + LINES[at] + b"+changed %d\n" % number + end


@pytest.mark.parametrize("more", [False, True], ids=["one file", "several"])
def test_twelve_at_once(tree, tmp_path, more):
    """Each waits for the others, and none is lost."""
    (tree / "many").write_bytes(b"".join(LINES))
    running = []
    for number in range(12):
        path = tmp_path / f"{number}.patch"
        path.write_bytes(hunk(number) + (made(f"new/n{number}") if more else b""))
        command = [*POACH, "apply", str(tree), str(path)]
        running.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    ends = [(each.communicate()[1], each.returncode) for each in running]
    assert [code for _, code in ends] == [0] * 12, ends
    text = (tree / "many").read_bytes()
    assert text.count(b"changed") == 12
    assert len(list(tree.glob("new/*"))) == 12 * more
    assert not list(tree.rglob(".poach-*"))


def test_who_waits_says_so(tree, tmp_path):
    (tmp_path / "p").write_bytes(change("top"))
    command = [*POACH, "apply", str(tree), str(tmp_path / "p")]
    with opened(tree) as root:
        root.lock()
        assert root.is_locked
        waiting = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        said = waiting.stderr.readline()
        assert said == f"Waiting for another run of poach on {str(tree)!r}\n"
        assert (tree / "top").read_bytes() == b"1\n"
    assert (waiting.communicate()[1], waiting.returncode) == ("", 0)
    assert (tree / "top").read_bytes() == b"2\n"


def test_who_only_looks_waits_for_nobody_who_only_looks(tree, tmp_path):
    (tmp_path / "p").write_bytes(change("top"))
    with opened(tree) as root:
        root.lock(shared=True)
        done = poach("apply", "--check", tree, tmp_path / "p")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_tree_that_was_replaced_while_we_waited(tree, tmp_path):
    """The new one is patched, not the one that lies elsewhere now."""
    (tmp_path / "p").write_bytes(change("top"))
    command = [*POACH, "apply", str(tree), str(tmp_path / "p")]
    with opened(tree) as root:
        root.lock()
        waiting = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert waiting.stderr.readline().startswith("Waiting")
        tree.rename(tmp_path / "older")
        put(tree)
    assert (waiting.communicate()[1], waiting.returncode) == ("", 0)
    assert (tree / "top").read_bytes() == b"2\n"
    assert (tmp_path / "older/top").read_bytes() == b"1\n"


@pytest.mark.parametrize("data", [change("top"), change("top") + change("d/f")])
@pytest.mark.parametrize("how", ["written", "replaced", "removed", "mode", "link"])
def test_what_somebody_has_changed_since_is_not_lost(tree, tmp_path, data, how):
    """Be it an editor, or a run of poach where there are no locks."""
    planned = plan(tree, diff(data))
    top = tree / "top"
    if how == "written":
        top.write_bytes(b"9\n")
    elif how == "mode":
        top.chmod(0o600)
    else:
        top.unlink()
    if how == "replaced":
        top.write_bytes(b"1\n")
        os.utime(top, (1, 1))
    if how == "link":
        top.symlink_to("d/f")
    before = state(tree)

    with pytest.raises(TreeChanged, match="somebody else has changed 'top' since"):
        write(planned)

    assert state(tree) == before


@pytest.mark.parametrize("path", ["d/f", "d/gone", "d/new", "top", "folder", "d/link"])
def test_what_somebody_changes_while_we_write_is_not_lost(tree, path):
    """At the last moment: everything else is put back."""
    calls = list[int]()

    def look() -> None:
        calls.append(1)
        if len(calls) == moment:
            (tree / path).unlink(missing_ok=True)
            (tree / path).write_bytes(b"theirs\n")

    lost = 0
    for number in range(1, 8):
        moment = number
        afresh(tree)
        calls.clear()
        if path == "folder":
            shutil.rmtree(tree / path)
        try:
            write(plan(tree, diff(change("d/g") + change("file") + ONE[path])), look)
        except (TreeChanged, WriteFailed):
            assert (tree / path).read_bytes() == b"theirs\n"
            assert (tree / "d/g").read_bytes() == b"1\n"
            assert (tree / "file").read_bytes() == b"1\n"
            assert not list(tree.glob(".poach-*"))
            lost += 1
    assert lost > 2


@pytest.mark.parametrize("data", [made("d/new"), made("d/new") + change("top")])
def test_what_somebody_has_made_since_is_not_lost(tree, data):
    planned = plan(tree, diff(data))
    (tree / "d/new").write_bytes(b"theirs\n")
    before = state(tree)
    with pytest.raises(TreeChanged, match="'d/new'"):
        write(planned)
    assert state(tree) == before


def test_twelve_at_once_without_locks(tree, tmp_path):
    """Who says that it is done has done it: the others say that they have not."""
    lawless = tmp_path / "lawless"
    lawless.mkdir()
    code = "import fcntl\ndef flock(*_): raise OSError(37, 'No locks available')\n"
    (lawless / "sitecustomize.py").write_text(f"{code}fcntl.flock = flock\n")
    (tree / "many").write_bytes(b"".join(LINES))
    for number in range(12):
        (tmp_path / f"{number}.patch").write_bytes(hunk(number))
    planned = [plan(tree, diff(hunk(number))) for number in range(12)]
    with opened(tree) as root:
        root.lock()
        done = subprocess.run(
            [*POACH, "apply", str(tree), str(tmp_path / "0.patch")],
            env=os.environ | {"PYTHONPATH": str(lawless)},
            timeout=60,
        )  # which does not wait
    assert done.returncode == 0
    for each in planned:
        with pytest.raises(TreeChanged):
            write(each)
    assert (tree / "many").read_bytes().count(b"changed") == 1


# Runs that are cut off

CUT = """
import os, signal, sys
from poach.applier.disk.root import Root
from poach.cli import main
number, left = int(sys.argv[1]), int(sys.argv[2])
def cut(name):
    step = getattr(Root, name)
    def counted(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), number)
        return step(*args, **kwargs)
    setattr(Root, name, counted)
for name in ("create", "symlink", "unlink", "mkdir", "rmdir", "replace", "twin"):
    cut(name)
code = main(sys.argv[3:])
sys.exit(77 if left > 0 and not code else code)
"""


def cut(number: int, moment: int, *words: str | Path) -> int:
    """Run poach, and send it a signal before a certain change of the file system.

    Returns 77 where it was through before.
    """
    command = [sys.executable, "-c", CUT, str(int(number)), str(moment)]
    done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True)
    is_late = done.returncode == 0 and number != signal.SIGKILL
    assert is_late or done.returncode in (77, 130, -number), done.stderr
    return done.returncode


@pytest.fixture
def applying(tree: Path, tmp_path: Path) -> tuple[str, Path, Path]:
    (tmp_path / "p").write_bytes(ALL)
    return "apply", tree, tmp_path / "p"


def afresh(tree: Path) -> None:
    for path in [tree, *tree.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(tree)
    put(tree)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(4))
def test_killed_before_each_change(tree, tmp_path, applying, start):
    """The tree is before, after, or can be put back, also by runs that are killed."""
    before, after = state(tree), patched(tmp_path)
    chance, ends = random.Random(start), Counter[str]()
    for moment in range(start + 1, 200, 4):
        afresh(tree)
        code = cut(signal.SIGKILL, moment, *applying)
        if code == 77:
            break
        if moment // 4 % 2:
            cut(signal.SIGKILL, chance.randrange(1, 30), "apply", "--recover", tree)
        ends[_settled(tree, before, after)] += 1
    assert code == 77
    assert ends["in part"] and ends["before"]


def _settled(tree, before, after, data=ALL) -> str:
    """Put a tree back if that is needed; return how it was."""
    found = without_asides(state(tree))
    try:
        write(plan(tree, diff(data)))
    except ApplyRefused:
        assert found == after
        assert main(["apply", str(tree), str(tree.with_name("p"))]) == 1
        assert state(tree) == after  # and what was left is gone
        return "after"
    except Interrupted as error:
        assert f"`poach apply --recover {tree}`" in str(error)
        recover(tree)
        assert state(tree) == before
        assert recover(tree) == []
        assert state(tree) == before
        return "in part"
    assert found == before
    assert state(tree) == after
    return "before"


@pytest.mark.slow
def test_killed_at_any_time(tree, tmp_path):
    """A hundred kills at random moments, of runs that write, or put back."""
    data = ALL + b"".join(made(f"d/n{n}") for n in range(300))
    (tmp_path / "p").write_bytes(data)
    before, after = state(tree), patched(tmp_path, data)
    chance, ends = random.Random(5), Counter[str]()
    for number in range(100):
        afresh(tree)
        if number % 3 == 0:
            stop(tree, diff(data), lambda: (tree / "d/n200").exists())
            words = ["--recover", str(tree)]
        else:
            words = [str(tree), str(tmp_path / "p")]
        started = subprocess.Popen([*POACH, "apply", *words], stdout=subprocess.DEVNULL)
        while started.poll() is None and not list(tree.glob(".poach-*")):
            time.sleep(0.0005)
        started.poll() or time.sleep(chance.uniform(0, 0.1))
        started.kill()
        started.wait()
        ends[_settled(tree, before, after, data)] += 1
    print(ends)
    assert ends.total() == 100
    assert ends["in part"] and ends["before"]


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_undo_everything(tree, tmp_path, applying, number):
    before, after = state(tree), patched(tmp_path)
    number = getattr(signal, number)
    codes = Counter[int]()
    for moment in range(1, 200, 5):
        code = cut(number, moment, *applying)
        codes[code] += 1
        if code in (0, 77):
            break
        assert state(tree) == before, (moment, code)
    assert state(tree) == after
    assert set(codes) <= {0, 77, 130 if number == signal.SIGINT else -number}
    assert codes.total() > 5


def test_a_signal_that_comes_too_late_changes_nothing(tree, tmp_path):
    """What is done is said to be done."""
    (tmp_path / "p").write_bytes(change("top"))
    code = (
        "import os, signal, sys; from poach.applier.disk import writer; "
        "from poach.cli import main; step = writer.remove\n"
        "def late(*args): os.kill(os.getpid(), signal.SIGTERM); step(*args)\n"
        "writer.remove = late; sys.exit(main(sys.argv[1:]))"
    )
    words = ["apply", str(tree), str(tmp_path / "p")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True)
    assert (done.returncode, done.stdout.splitlines()[1:]) == (
        0,
        [b"  modify top: 1 hunk"],
    )
    assert (tree / "top").read_bytes() == b"2\n"


def test_an_ignored_signal_stays_ignored(tree, tmp_path, applying):
    """As with nohup."""
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + CUT
    words = [str(int(signal.SIGHUP)), "9", *map(str, applying)]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True)
    assert done.returncode == 0
    assert state(tree) == patched(tmp_path)


def test_what_a_killed_run_on_a_single_file_has_left(tree, tmp_path):
    (tmp_path / "one").write_bytes(change("d/f"))
    (tmp_path / "other").write_bytes(change("top"))
    before = state(tree)
    for moment in (2, 3):  # the file is there; it is to be moved
        assert cut(signal.SIGKILL, moment, "apply", tree, tmp_path / "one") == -9
        assert without_asides(state(tree)) == before
        assert list(tree.glob(".poach-*"))
    assert poach("apply", tree, tmp_path / "other").returncode == 0
    assert not list(tree.rglob(".poach-*"))


# Putting back


@pytest.fixture
def interrupted(tree: Path, tmp_path: Path) -> Path:
    """Return a tree as a run leaves it that is killed before its last step."""
    (tmp_path / "p").write_bytes(ALL)
    stop(tree, diff(ALL), lambda: (tree / "top").read_bytes() == b"2\n")
    with pytest.raises(Interrupted):
        plan(tree, diff(ALL))
    return tree


def stop(tree: Path, diffs: list[NamedDiff], is_time: Callable[[], bool]) -> None:
    """Leave a tree as a killed run does: nothing is put back."""

    def look() -> None:
        if is_time():
            raise InterruptedError

    def dead(*_: object) -> None:
        raise InterruptedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "put_back", dead)
        with pytest.raises(WriteFailed):
            write(plan(tree, diffs), look)


def kept(tree: Path) -> Path:
    (found,) = tree.glob(".poach-*")
    return found


def test_what_is_said(interrupted, tmp_path, monkeypatch):
    """The command that is named is the one to run, whatever the folder is called."""
    tree = interrupted.rename(tmp_path / "a tree's")
    monkeypatch.chdir(tmp_path)
    said = poach("apply", "a tree's", "p")
    assert (said.returncode, said.stdout) == (1, "")
    folder = f"a tree's/{kept(tree).name}"
    assert said.stderr == (
        'Error: An earlier run was killed while it wrote to "a tree\'s"; the tree may '
        f'be partly patched: restore the old files, which are in "{folder}", with '
        "`poach apply --recover 'a tree'\"'\"'s'`, or unpack the source again\n"
    )
    command = said.stderr.partition("`poach ")[2].partition("`")[0]
    done = subprocess.run(
        f"{POACH[0]} -m poach {command}", shell=True, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "put back d/f" in lines and "put back file" in lines
    assert without_asides(state(tree)) == state(tree) == state(put(tmp_path / "new"))


@pytest.mark.parametrize("step", ["set_folder_mode", "replace", "share_group"])
@pytest.mark.parametrize("moment", range(4))
def test_a_recovery_that_is_killed_at_a_folder(interrupted, tmp_path, step, moment):
    """A folder that is made again is never seen without its permissions."""
    calls, real = [], getattr(Root, step)

    def killed(*args: object) -> None:
        calls.append(args)
        if len(calls) > moment:
            raise KeyboardInterrupt
        real(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Root, step, killed)
        with contextlib.suppress(KeyboardInterrupt):
            recover(interrupted)
    if kept_at_all(interrupted):
        recover(interrupted)

    assert without_asides(state(interrupted)) == state(put(tmp_path / "new"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_that_is_put_back_has_the_group_that_its_parent_hands_on(tree):
    os.chown(tree / "e", -1, 4711)
    (tree / "e").chmod(0o2755)
    os.chown(tree / "e/only", -1, 4711)
    stop(tree, diff(ALL), lambda: not (tree / "e/only").exists())
    assert not (tree / "e/only").exists()

    recover(tree)

    found = (tree / "e/only").stat()
    assert (found.st_gid, found.st_mode & 0o7777) == (4711, 0o2750)


def kept_at_all(tree: Path) -> bool:
    return any(tree.glob(".poach-*/journal.json"))


def test_it_is_said_in_json(interrupted, tmp_path):
    for expected in (True, False):
        done = poach("apply", "--recover", "--json", interrupted)
        found = json.loads(done.stdout)
        assert found["format"] == 1
        assert ("d/f" in found["recovered"]) == expected
    (interrupted / ".poach-q").mkdir(0o700)
    (interrupted / ".poach-q/journal.json").write_text('{"format": 3}')
    done = poach("apply", "--recover", "--json", interrupted)
    assert done.returncode == 1
    assert (
        "its journal is damaged, or of another version of poach"
        in json.loads(done.stdout)["error"]
    )


def edit(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"mine\n")


def replace_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("path", "act"),
    [
        *((path, edit) for path in ("d/f", "top", "d/new", "n/e/w", "folder", "d/g")),
        *(
            (path, Path.touch)
            for path in ("d/gone", "n/theirs", "n/e/.x", "file/now/x")
        ),
        *((path, Path.unlink) for path in ("d/f", "top", "d/g")),
        *((path, Path.mkdir) for path in ("d/gone", "n/theirs", "file/more")),
        *((path, replace_by_link) for path in ("d/f", "d/new", "n/e/w")),
        ("e/only", Path.touch),
        ("d/f", lambda path: path.chmod(0o600)),
        ("e/more", lambda path: path.symlink_to("/")),
    ],
)
def test_a_tree_that_was_changed_since_is_left_alone(interrupted, path, act):
    act(interrupted / path)
    before = state(interrupted)

    for _ in range(2):
        done = poach("apply", "--recover", interrupted)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            "Error: Cannot put back what the interrupted run has changed in "
            f"{str(interrupted)!r}: it was changed since, nothing was put back: "
            f"{path!r}.  Unpack the source again, or put the old files back by hand "
            f"that {str(kept(interrupted))!r} holds (journal.json there says which is "
            "which) and remove that folder\n"
        )
        assert state(interrupted) == before


def test_a_file_that_was_not_yet_patched_and_was_changed_since(tree):
    """It is the same file as the one that was kept: that is changed, too."""
    two = diff(change("d/f") + change("top"))
    stop(tree, two, lambda: (tree / "d/f").read_bytes() == b"2\n")
    assert (tree / "top").read_bytes() == b"1\n"
    edit(tree / "top")
    with pytest.raises(NotRecovered, match=r"nothing was put back: '\.poach-.*/old-1'"):
        recover(tree)
    assert (tree / "d/f").read_bytes() == b"2\n"


def test_a_copy_of_the_tree_can_be_put_back(interrupted, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", interrupted, copy], check=True)
    recover(copy)
    assert state(copy) == state(put(tmp_path / "new"))


def test_what_is_put_back_is_the_file_itself(interrupted):
    """With its other names, and its time."""
    steps = json.loads((kept(interrupted) / "journal.json").read_text())["steps"]
    old = kept(interrupted) / steps["d/f"][0]
    before = old.stat()
    recover(interrupted)
    after = (interrupted / "d/f").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert after.st_nlink == 1


@pytest.mark.parametrize("name", ["../outside", "d/../../outside", "/outside"])
def test_a_journal_leads_nowhere(interrupted, tmp_path, name):
    """One that names what lies elsewhere is not used, and the old files stay."""
    (tmp_path / "outside").write_bytes(b"1\n")
    path = kept(interrupted) / "journal.json"
    found = json.loads(path.read_text())
    found["steps"][name] = found["steps"]["d/gone"]
    path.write_text(json.dumps(found))
    before = state(interrupted)
    with pytest.raises(NotRecovered, match="its journal is damaged"):
        recover(interrupted)
    assert (tmp_path / "outside").read_bytes() == b"1\n"
    assert state(interrupted) == before


@pytest.mark.parametrize("user", [0, 4321])
@pytest.mark.parametrize("name", ["", "/journal.json"])
def test_the_folder_of_another_user(interrupted, monkeypatch, user, name):
    """Only the user who has left it can put it back; root obeys no other's journal."""
    before = state(interrupted)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    look, left = Root.lstat, kept(interrupted).name

    def lstat(root: Root, path: str) -> os.stat_result:
        found = look(root, path)
        theirs = {left: user, left + "/journal.json": user, left + name: 987654}
        return owned(found, theirs[path]) if path in theirs else found

    monkeypatch.setattr(Root, "lstat", lstat)
    with pytest.raises(NotRecovered, match="belongs to user 987654: only user 987654"):
        recover(interrupted)
    with pytest.raises(Interrupted) as caught:
        plan(interrupted, diff(ALL))
    assert str(caught.value).startswith("An earlier run of user 987654 was killed")
    assert "` as user 987654, the owner of that folder, or" in str(caught.value)
    monkeypatch.undo()
    assert state(interrupted) == before


def owned(status: os.stat_result, user: int) -> os.stat_result:
    """Return a status with another owner."""
    return os.stat_result((*status[:4], user, *status[5:]))


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777, 0o755, 0o710])
def test_a_folder_that_poach_has_not_made_so(interrupted, mode):
    """Others may write there, or it comes from an archive or a clone."""
    kept(interrupted).chmod(mode)
    before = state(interrupted)
    with pytest.raises(NotRecovered, match="does not have the permissions"):
        recover(interrupted)
    assert state(interrupted) == before
    kept(interrupted).chmod(0o700)
    assert recover(interrupted)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["apply", "t"], "the following arguments are required: PATCH"),
        (
            ["apply", "--recover", "t", "p"],
            "with --recover there is only TREE, and --json",
        ),
        (
            ["apply", "--recover", "--check", "t"],
            "with --recover there is only TREE, and --json",
        ),
        (
            ["apply", "--recover", "-p0", "t"],
            "with --recover there is only TREE, and --json",
        ),
    ],
)
def test_usage(words, said, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(f"poach apply: error: {said}\n")


# Deep trees, few descriptors, other systems


def deepen(tree: Path, count: int, name: str = "d") -> str:
    """Make folders in folders; return the path of the innermost."""
    handle = os.open(tree, os.O_RDONLY)
    for _ in range(count):
        os.mkdir(name, dir_fd=handle)
        below = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
    os.close(handle)
    return "/".join([name] * count)


def remove(tree: Path) -> None:
    """Remove what is too deep for pytest."""
    with opened(tree) as root:
        for name in root.names()[0]:
            root.remove_tree(name)


@pytest.fixture
def deep(tmp_path: Path):
    top = put(tmp_path / "deep")
    yield top
    remove(top)


@pytest.mark.parametrize("count", [1_200, 1_990])
def test_many_nested_folders(deep, tmp_path, count):
    """Files are made, changed, found and removed there; and it can be undone."""
    shutil.rmtree(deep / "d")
    place = deepen(deep, count)
    other = "/".join(["n"] * count)
    (tmp_path / "p").write_bytes(
        made(f"{place}/f") + made(f"{other}/f") + change("top")
    )
    done = poach("apply", deep, tmp_path / "p")
    assert (done.returncode, done.stderr) == (0, "")
    with opened(deep) as root:
        for path in (f"{place}/f", f"{other}/f"):
            with os.fdopen(root.open(path), "rb") as stream:
                assert stream.read() == b"new\n"
    (tmp_path / "q").write_bytes(
        change(f"{place}/f", "new", "more") + gone(f"{other}/f", "new")
    )
    assert cut(signal.SIGKILL, 9, "apply", deep, tmp_path / "q") == -9
    assert poach("apply", "--recover", deep).returncode == 0
    done = poach("apply", deep, tmp_path / "q")
    assert (done.returncode, done.stderr) == (0, "")
    with opened(deep) as root:
        assert root.exists(f"{place}/f") and not root.exists("n")


def test_a_tree_that_is_deeper_than_any_path(deep, tmp_path):
    """It is searched to the end."""
    deepen(deep / "d", 60, "e" * 200)
    (tmp_path / "p").write_bytes(b"--- x/y/d/f\n+++ x/y/d/f\n@@ -1 +1 @@\n-1\n+2\n")
    done = poach("apply", deep, tmp_path / "p")
    assert (done.returncode, done.stderr) == (0, "")
    assert (deep / "d/f").read_bytes() == b"2\n"


def test_a_long_way_to_the_tree(tmp_path):
    """The way to the tree, with that in the tree, may be longer than a path."""
    top = put(tmp_path / Path(*["t" * 200] * 10))
    name = "/".join(["n" * 200] * 12)
    (tmp_path / "p").write_bytes(made(f"{name}/f"))
    done = poach("apply", top, tmp_path / "p")
    assert (done.returncode, done.stderr) == (0, "")
    with opened(top) as root:
        assert root.exists(f"{name}/f")
        root.remove_tree("n" * 200)


def test_few_descriptors_are_needed(tree, tmp_path):
    data = b"".join(made(f"d/n{n}/f") + made(f"new{n}/f") for n in range(200))
    for number in range(200):
        (tree / f"d/n{number}").mkdir()
    (tmp_path / "p").write_bytes(data)
    done = subprocess.run(
        [*POACH, "apply", str(tree), str(tmp_path / "p")],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50)),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_stays_open(tree):
    before = len(list(Path("/proc/self/fd").iterdir()))
    write(plan(tree, diff(ALL)))
    with pytest.raises(ApplyRefused):
        plan(tree, diff(ALL))
    recover(tree)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("fails", [False, True])
def test_a_system_without_handles_of_folders(tree, tmp_path, monkeypatch, fails):
    """As Windows."""
    before, after = state(tree), patched(tmp_path)
    monkeypatch.setattr("poach.applier.disk.root._HAS_HANDLES", False)
    planned = plan(tree, diff(ALL))

    def look() -> None:
        if fails and (tree / "d/link").is_symlink():
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        write(planned, look)
        assert not fails
    assert state(tree) == (before if fails else after)


def test_where_files_cannot_have_two_names(tree, tmp_path, monkeypatch):
    """Old files are copied, and come back so."""
    before, after = state(tree), patched(tmp_path)

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", deny)
    planned = plan(tree, diff(ALL))
    calls = []

    def look() -> None:
        calls.append(1)
        if len(calls) == moment:
            raise KeyboardInterrupt

    for number in range(10, 30, 3):
        moment = number
        calls.clear()
        with pytest.raises(KeyboardInterrupt):
            write(planned, look)
        assert state(tree) == before
        planned = plan(tree, diff(ALL))
    write(planned)
    assert state(tree) == after


def test_a_journal_that_the_disk_has_cut_off(tmp_path):
    """What it says of the old file is lost, but not the old file itself."""
    tree = tmp_path / "tree"
    staging = tree / ".poach-9-x"
    staging.mkdir(parents=True, mode=0o700)
    (tree / "m.py").write_bytes(b"patched\n")
    (staging / "old-0").write_bytes(b"upstream\n")
    (staging / "journal.json").write_bytes(b'{"format":2,"st')

    with pytest.raises(NotRecovered, match="its journal is damaged"):
        recover(tree)
    assert (staging / "old-0").read_bytes() == b"upstream\n"


CRAFTED = [
    {"tops": [[1, "new-0"]]},
    {"tops": {"t": ["new-0"]}},
    {"steps": {"\ud800": [None, "new-0", None, "x"]}},
    {"steps": {"f": [None, "new-0/\ud800", None, "x"]}},
    {"steps": [["f", [None, "new-0", None, "x"]]]},
    {"folders": {"d": 99999999999999999999}},
    {"folders": {"d": 10**4000}},
    {"folders": {"d": 4095}},
    {"folders": {"d": -1}},
    {"folders": ["ab"]},
]


@pytest.mark.parametrize("parts", CRAFTED, ids=repr)
def test_a_crafted_journal_is_damaged(tree, tmp_path, parts, capsys):
    """It changes nothing, and is no bug in poach."""
    staging = tree / ".poach-1-ab"
    staging.mkdir(mode=0o700)
    (staging / "old-0").write_bytes(b"the only copy\n")
    whole = {"format": 2, "steps": {}, "tops": {}, "folders": {}}
    (staging / "journal.json").write_text(json.dumps(whole | parts))
    (tmp_path / "p").write_bytes(change("top"))
    before = state(tree)

    assert main(["apply", str(tree), str(tmp_path / "p")]) == 1
    assert "An earlier run was killed" in capsys.readouterr().err
    assert main(["apply", "--recover", str(tree)]) == 1
    assert "its journal is damaged" in capsys.readouterr().err
    assert state(tree) == before


def crafted(tree, folders):
    """Leave a journal that has deleted a file in each of the folders."""
    staging = tree / ".poach-1-ab"
    staging.mkdir(mode=0o700)
    digest = hashlib.sha256(b"1\n").hexdigest()
    (staging / "old-0").write_bytes(b"1\n")
    (staging / "old-0").chmod(0o644)
    steps = {f"{each}/f": ["old-0", None, f"100644 {digest}", None] for each in folders}
    whole = {"format": 2, "steps": steps, "tops": {}, "folders": folders}
    (staging / "journal.json").write_text(json.dumps(whole))


def modes(tree, *names):
    return [stat.S_IMODE((tree / name).stat().st_mode) for name in names]


def test_a_journal_opens_no_folder_to_others(tmp_path):
    """Nobody but us may write into the tree, whatever the journal says."""
    tree = tmp_path / "tree"
    tree.mkdir(mode=0o755)
    crafted(tree, {"a": 0o3777, "a/b": 0o777, "c": 0o500})

    assert recover(tree) == ["a/f", "a/b/f", "c/f"]
    assert modes(tree, "a", "a/b", "c") == [0o3755, 0o755, 0o500]


def test_a_folder_of_a_group_is_so_again(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    tree.chmod(0o775)
    crafted(tree, {"a": 0o2775, "a/b": 0o777})

    recover(tree)
    assert modes(tree, "a", "a/b") == [0o2775, 0o775]


def test_a_folder_that_is_there_keeps_its_permissions(tmp_path):
    """They are as before the run, or somebody has set them since."""
    tree = tmp_path / "tree"
    (tree / "mine").mkdir(parents=True, mode=0o700)
    crafted(tree, {"mine": 0o755})

    assert recover(tree) == ["mine/f"]
    assert modes(tree, "mine") == [0o700]


@pytest.mark.parametrize(
    "parts", [{"folders": {"other": 0o755}}, {"tops": {"other": "new-0"}}], ids=repr
)
def test_folders_that_no_file_needs_are_in_no_journal(tmp_path, parts):
    tree = tmp_path / "tree"
    tree.mkdir()
    crafted(tree, {"a": 0o755})
    path = tree / ".poach-1-ab/journal.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))

    with pytest.raises(NotRecovered, match="its journal is damaged"):
        recover(tree)


def test_a_huge_journal_is_not_read(tree, tmp_path):
    """It is a sparse file, which takes no place on the disk."""
    staging = tree / ".poach-1-ab"
    staging.mkdir(mode=0o700)
    with (staging / "journal.json").open("wb") as stream:
        stream.truncate(60 << 30)
    (tmp_path / "p").write_bytes(change("top"))

    done = poach("apply", tree, tmp_path / "p")
    assert (done.returncode, "An earlier run was killed" in done.stderr) == (1, True)
    done = poach("apply", "--recover", tree)
    assert done.returncode == 1
    assert "a journal has at most 67108864 bytes" in done.stderr
    assert (tree / "top").read_bytes() == b"1\n"


def test_no_journal_is_written_that_cannot_be_read(tree, monkeypatch):
    before = state(tree)
    with monkeypatch.context() as patch:
        patch.setattr(journal, "_LONGEST", 3)
        with pytest.raises(WriteFailed, match=r"nothing was changed: .*own journal"):
            write(plan(tree, diff(ALL)))
    assert state(tree) == before
    monkeypatch.setattr(journal, "_LARGEST", 100)
    with pytest.raises(WriteFailed, match=r"nothing was changed: .*most 100 bytes"):
        write(plan(tree, diff(ALL)))
    assert state(tree) == before
