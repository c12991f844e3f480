"""The store: built once, published whole, and never trusted blindly."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from poach.errors import PoachError
from poach.pins.build_key import BuildKey, BuildOptions, Target
from poach.store import entries, locks
from poach.store.staging import STALE_SECONDS
from poach.store.store import DamagedEntry, Made, Store, StoreUnwritable
from poach.store.verifying import verify

VERSION = "1.0+loud.p12345678"
KEY = BuildKey("pond", "1.0", "a" * 64, "b" * 64, Target("py3", "none", "any", "x"))
OTHER = KEY._replace(base="2.0")
CODE = b"quack\xff\n"
WHEEL = "pond-1.0-py3-none-any.whl"
NOBODY = 65534


def make(work):
    """Make an egg, as a build would."""
    assert list(work.iterdir()) == []
    egg = work / "below" / "pond.egg"
    (egg / "pond").mkdir(parents=True)
    (egg / "pond" / "é.py").write_bytes(CODE)
    (egg / "top.txt").write_bytes(b"")
    wheel = work / WHEEL
    wheel.write_bytes(b"PK")
    return Made(egg, wheel, {"upstream": "pond-1.0.tar.gz"})


def never(work):
    raise AssertionError("there is nothing to make")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "pätched eggs")


@pytest.fixture
def entry(store):
    """The folder of a published entry."""
    store.get_or_make(VERSION, KEY, make)
    return store.place(VERSION, KEY)


def there(folder):
    """Return the paths of all files below `folder`, but for locks."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".locks" not in path.parts
    )


def age(left, seconds):
    """Let all of a folder be written so long ago."""
    for path in (*left.rglob("*"), left):
        os.utime(path, (time.time() - seconds,) * 2)


def staged(store):
    return list((store.root / ".staging").iterdir())


# Publishing


def test_an_egg_is_made_once(store):
    made = store.get_or_make(VERSION, KEY, make)
    found = store.get_or_make(VERSION, KEY, never)

    assert found == made == store.find(VERSION, KEY)
    assert (made.egg / "pond" / "é.py").read_bytes() == CODE
    assert made.egg.parent == store.place(VERSION, KEY)


def test_what_an_entry_holds(store, entry):
    files = {"pond/é.py": CODE, "top.txt": b""}

    assert entry == store.path / "2" / "pond" / VERSION / KEY.digest[:16]
    assert there(store.path) == sorted(
        f"{entry.relative_to(store.path)}/{name}"
        for name in (
            *("entry.json", "pond.egg/pond/é.py", "pond.egg/top.txt"),
            WHEEL,
        )
    )
    assert json.loads((entry / "entry.json").read_bytes()) == {
        "key": KEY.as_json(),
        "egg": "pond.egg",
        "files": {
            name: [len(data), hashlib.sha256(data).hexdigest()]
            for name, data in files.items()
        },
        "wheel": [WHEEL, 2, hashlib.sha256(b"PK").hexdigest()],
        "upstream": "pond-1.0.tar.gz",
    }
    assert staged(store) == []


def test_others_may_read_an_entry(store):
    umask = os.umask(0o022)
    try:
        entry = store.get_or_make(VERSION, KEY, make).egg.parent
    finally:
        os.umask(umask)

    for path in (entry, *entry.rglob("*")):
        assert path.stat().st_mode & 0o044 == 0o044


def test_looking_writes_nothing(store):
    assert store.find(VERSION, KEY) is None
    assert store.recall("sdists", "pond-1.0") is None
    assert store.kept_diff("a" * 64) is None
    assert not store.path.exists()


@pytest.mark.parametrize(
    "error",
    [PoachError("no"), OSError("disk full"), KeyboardInterrupt(), SystemExit(1)],
)
def test_a_make_that_fails_leaves_nothing(store, error):
    def fail(work):
        make(work)
        raise error

    with pytest.raises(type(error)) as caught:
        store.get_or_make(VERSION, KEY, fail)

    assert caught.value is error
    assert there(store.path) == []
    assert staged(store) == []
    assert not store.place(VERSION, KEY).parent.exists()
    assert store.get_or_make(VERSION, KEY, make).egg.is_dir()


def test_it_looks_again_when_it_has_the_lock(store):
    def late(version, key):
        if looks:
            looks.pop()
            return None
        return found(version, key)

    store.get_or_make(VERSION, KEY, make)
    found, looks = store.find, [1]
    store.find = late  # as if another process had built it after the first look

    assert store.get_or_make(VERSION, KEY, never).egg.is_dir()


# Several at once

CHILD = f"""
import sys
from pathlib import Path
from poach.store.store import Made, Store
from poach.pins.build_key import BuildKey, BuildOptions, Target

KEY = {KEY!r}

def make(work):
    egg = work / "pond.egg"
    egg.mkdir()
    wheel = work / "pond.whl"
    wheel.touch()
    print("making", flush=True)
    sys.stdin.readline()
    return Made(egg, wheel, {{}})

def waiting(holder):
    print("waiting for", holder, flush=True)

egg = Store(Path(sys.argv[1])).get_or_make({VERSION!r}, KEY, make, waiting).egg
print("has", egg.name, flush=True)
"""


@contextlib.contextmanager
def child(store):
    """Start a process that makes the egg of KEY until it gets a signal."""
    with subprocess.Popen(
        [sys.executable, "-X", "utf8", "-c", CHILD, str(store.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def says(process):
    return process.stdout.readline().strip()


def test_a_killed_build_leaves_rubbish_that_the_next_one_sweeps(store):
    with child(store) as process:
        assert says(process) == "making"
        process.kill()
        process.wait()

    assert len(staged(store)) == 1
    assert store.find(VERSION, KEY) is None
    store.get_or_make(VERSION, OTHER, make)
    assert staged(store) == []
    assert store.get_or_make(VERSION, KEY, make).egg.is_dir()


def test_a_living_build_is_not_swept(store):
    with child(store) as process:
        assert says(process) == "making"
        store.get_or_make(VERSION, OTHER, make)

        assert len(staged(store)) == 1
        process.stdin.write("\n")
        process.stdin.flush()
        assert says(process) == "has pond.egg"

    assert store.find(VERSION, KEY)
    assert staged(store) == []


def test_two_processes_build_one_egg_once(store):
    with child(store) as first:
        assert says(first) == "making"
        with child(store) as second:
            assert says(second) == (
                f"waiting for pid {first.pid} on {socket.gethostname()}"
            )
            first.stdin.write("\n")
            first.stdin.flush()
            assert says(first) == "has pond.egg"
            assert says(second) == "has pond.egg"


def test_the_next_in_line_builds_if_the_first_is_killed(store):
    with child(store) as first:
        assert says(first) == "making"
        with child(store) as second:
            assert says(second).startswith("waiting for pid")
            first.kill()
            assert says(second) == "making"
            second.stdin.write("\n")
            second.stdin.flush()
            assert says(second) == "has pond.egg"


def test_what_a_dead_holder_left_blocks_nobody(store):
    lock = store.root / ".locks" / f"{KEY.digest[:16]}.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("1\nlocalhost\n")
    lock.with_suffix(".holder").write_text("pid 1 on a host that has gone")
    waited = []

    assert store.get_or_make(VERSION, KEY, make, waited.append).egg.is_dir()
    assert waited == []
    assert not lock.with_suffix(".holder").exists()


def test_threads_build_one_egg_once(store):
    made = []

    def slow(work):
        made.append(work)
        time.sleep(0.05)
        return make(work)

    with ThreadPoolExecutor(8) as pool:
        eggs = list(pool.map(lambda _: store.get_or_make(VERSION, KEY, slow), range(8)))

    assert len(made) == 1
    assert len({found.egg for found in eggs}) == 1


def test_a_living_build_in_another_pid_namespace_is_not_swept(store):
    """In a container, say: its pid means another process here, or none."""
    with child(store) as process:
        assert says(process) == "making"
        (theirs,) = staged(store)
        nobody = f"{2**22 + 1}.{socket.gethostname()}.abc"
        theirs.rename(theirs.with_name(nobody))

        store.get_or_make(VERSION, OTHER, make)

        assert [path.name for path in staged(store)] == [nobody]
        process.kill()
        process.wait()

    store.get_or_make(VERSION, KEY._replace(base="3.0"), make)
    assert staged(store) == []


def test_a_folder_that_is_in_use_is_not_swept(store):
    with store.scratch() as scratch:
        store.get_or_make(VERSION, KEY, make)

        assert staged(store) == [scratch]
    assert staged(store) == []


def test_a_folder_that_is_swept_before_it_is_locked_is_not_used(store, monkeypatch):
    def late(lock, blocking=False):
        if blocking and not swept:
            swept.extend(staged(store))
            shutil.rmtree(swept[0])
            return True
        return acquire(lock, blocking)

    acquire, swept = locks.acquire, []
    monkeypatch.setattr(locks, "acquire", late)

    with store.scratch() as scratch:
        assert swept != [scratch]
        assert scratch.is_dir()


def test_folders_that_come_while_another_thread_sweeps(store):
    """Each is swept before its lock is held, or not at all."""
    end, faults = time.monotonic() + 3, []

    def work():
        while time.monotonic() < end:
            try:
                with store.scratch() as scratch:
                    (scratch / "file").write_text("mine")
                    time.sleep(0.001)
                    (scratch / "file").read_text()
            except Exception as fault:
                faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        store.sweep()
    for thread in threads:
        thread.join()

    assert faults == []


HOST = socket.gethostname()


@pytest.mark.parametrize(
    ("name", "seconds", "swept"),
    [
        (f"PID.{HOST}.abc", 0, True),
        (f"x.{HOST}.abc", 0, True),
        ("1.another.host.abc", STALE_SECONDS - 99, False),
        ("1.another.host.abc", STALE_SECONDS + 9, True),
        ("odd", 0, False),
        ("odd", STALE_SECONDS + 9, True),
    ],
)
def test_rubbish_of_others_is_kept_for_a_while(store, name, seconds, swept):
    left = store.root / ".staging" / name.replace("PID", str(os.getpid()))
    (left / "work").mkdir(parents=True)
    (left / "lock").touch()
    age(left, seconds)

    store.get_or_make(VERSION, KEY, make)

    assert left.exists() is not swept


@pytest.mark.parametrize(("seconds", "swept"), [(0, False), (STALE_SECONDS + 9, True)])
def test_a_folder_without_a_lock_is_kept_for_a_while(store, seconds, swept):
    left = store.root / ".staging" / f"1.{HOST}.abc"
    left.mkdir(parents=True)
    age(left, seconds)

    store.get_or_make(VERSION, KEY, make)

    assert left.exists() is not swept


@pytest.mark.parametrize(("seconds", "swept"), [(0, False), (STALE_SECONDS + 9, True)])
def test_what_a_killed_note_left_is_swept_by_age(store, seconds, swept):
    left = store.root / ".staging" / f"1.{HOST}.abc"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"{")
    age(left, seconds)

    store.get_or_make(VERSION, KEY, make)

    assert left.exists() is not swept


YEAR = 365 * 24 * 3600
#: How a clock is wrong: slow, fast, or at the epoch.
CLOCKS = ("behind", "ahead", "epoch")


@pytest.mark.parametrize("seconds", [YEAR, -YEAR, time.time()], ids=CLOCKS)
def test_work_that_is_locked_is_not_swept_whatever_the_clock_says(store, seconds):
    with store.scratch() as scratch:
        age(scratch, seconds)
        store.get_or_make(VERSION, KEY, make)

        assert scratch.is_dir()


@pytest.mark.parametrize("seconds", [YEAR, -YEAR, time.time()], ids=CLOCKS)
def test_rubbish_goes_whatever_the_clock_says(store, seconds):
    (store.root / ".staging" / "1.another.host.abc" / "work").mkdir(parents=True)
    (left,) = staged(store)
    (left / "work" / "file").touch()
    age(left, seconds)

    store.get_or_make(VERSION, KEY, make)

    assert staged(store) == []


@pytest.mark.parametrize("seconds", [YEAR, -YEAR, time.time()], ids=CLOCKS)
def test_another_host_may_work_while_the_clock_jumps(store, seconds):
    work = store.root / ".staging" / "1.another.host.abc" / "work"
    work.mkdir(parents=True)
    age(work.parent, seconds)
    (work / "written since").touch()

    store.get_or_make(VERSION, KEY, make)

    assert work.is_dir()


def test_the_clock_is_that_of_the_file_system(store, monkeypatch):
    """A local clock that is wrong sweeps nothing that a server stamps."""
    work = store.root / ".staging" / "1.another.host.abc" / "work"
    work.mkdir(parents=True)
    monkeypatch.setattr(time, "time", lambda: 1e12)

    store.get_or_make(VERSION, KEY, make)

    assert work.is_dir()


# Sweeping where nothing is built


def test_sweeping(store):
    assert store.sweep() == []
    assert not store.path.exists()
    with child(store) as process:
        assert says(process) == "making"
        assert store.sweep() == store.sweep(dry_run=True) == []
        process.kill()
        process.wait()
    (left,) = staged(store)
    with store.scratch() as scratch:
        assert store.sweep(dry_run=True) == [left]
        assert left.is_dir()
        assert store.sweep() == [left]
        assert staged(store) == [scratch]


def test_one_sweeps_at_a_time(store):
    left = store.root / ".staging" / f"1.{HOST}.abc"
    left.mkdir(parents=True)
    (left / "lock").touch()
    with store.locked("sweeping"):
        assert store.sweep() == []
    assert store.sweep() == [left]


def test_a_dry_run_does_not_make_old_rubbish_young(store):
    left = store.root / ".staging" / "1.another.host.abc"
    left.mkdir(parents=True)
    age(left, STALE_SECONDS + 9)

    assert store.sweep(dry_run=True) == store.sweep(dry_run=True) == [left]


# Where locks mean nothing


@pytest.fixture
def lawless(monkeypatch):
    """Every lock is free, as on file systems that do not know locks."""
    monkeypatch.setattr(locks, "acquire", lambda lock, blocking=False: True)
    monkeypatch.setattr("filelock.BaseFileLock.release", lambda lock: None)
    monkeypatch.setattr(locks, "file_lock", no_lock)


def no_lock(path):
    path.touch()
    return FileLock(path)


@pytest.mark.parametrize(("seconds", "swept"), [(0, False), (STALE_SECONDS + 9, True)])
def test_without_locks_only_what_is_old_is_swept(store, lawless, seconds, swept):
    left = store.root / ".staging" / f"1.{HOST}.abc"
    left.mkdir(parents=True)
    (left / "lock").touch()
    age(left, seconds)

    store.get_or_make(VERSION, KEY, make)

    assert left.exists() is not swept


def test_without_locks_two_builders_end_with_one_good_entry(store, lawless):
    def meet(work):
        made = make(work)
        barrier.wait(10)
        return made

    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        eggs = list(pool.map(lambda _: store.get_or_make(VERSION, KEY, meet), range(2)))

    assert eggs[0] == eggs[1] == store.find(VERSION, KEY)
    assert staged(store) == []
    assert [path.name for path in store.place(VERSION, KEY).parent.iterdir()] == [
        KEY.digest[:16]
    ]


def test_without_locks_an_entry_of_another_builder_is_checked(store, lawless):
    def overtaken(work):
        store.get_or_make(VERSION, KEY, make)
        (store.place(VERSION, KEY) / "pond.egg" / "top.txt").unlink()
        return make(work)

    with pytest.raises(DamagedEntry):
        store.get_or_make(VERSION, KEY, overtaken)


@pytest.mark.parametrize(
    "error",
    [
        NotImplementedError("FileSystem does not appear to support flock"),
        OSError(errno.ENOLCK, "No locks available"),
        OSError(errno.EOPNOTSUPP, "Operation not supported"),
    ],
    ids=str,
)
def test_a_file_system_that_does_not_know_locks(store, monkeypatch, error):
    def unknown(*args, **kwargs):
        raise error

    monkeypatch.setattr("filelock.BaseFileLock.acquire", unknown)
    monkeypatch.setattr(locks, "file_lock", no_lock)

    assert store.get_or_make(VERSION, KEY, make).egg.is_dir()


# Damage


def edit(entry, **changes):
    file = entry / "entry.json"
    content = {**json.loads(file.read_bytes()), **changes}
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda e: (e / "entry.json").unlink(), "entry.json is missing"),
        (
            lambda e: (e / "entry.json").write_bytes(b""),
            "entry.json: Expecting value: line 1 column 1 (char 0)",
        ),
        (
            lambda e: (e / "entry.json").write_bytes(b"[]"),
            "entry.json is for another build",
        ),
        (lambda e: edit(e, key=OTHER.as_json()), "entry.json is for another build"),
        (lambda e: edit(e, key=None), "entry.json is for another build"),
        (lambda e: edit(e, files=None), "entry.json lists no files"),
        (lambda e: edit(e, files=[]), "entry.json lists no files"),
        (lambda e: edit(e, wheel=None), "entry.json lists no files"),
        (lambda e: edit(e, wheel=["../x.whl", 2, ""]), "entry.json lists no files"),
        (lambda e: edit(e, wheel=["pond", 2, ""]), "entry.json lists no files"),
        (lambda e: (e / WHEEL).unlink(), f"{WHEEL} is missing"),
        (lambda e: (e / WHEEL).write_bytes(b"P"), f"{WHEEL} has another size"),
        (lambda e: shutil.rmtree(e / "pond.egg"), "pond.egg is missing"),
        (lambda e: (e / "pond.egg/top.txt").unlink(), "pond.egg/top.txt is missing"),
        (
            lambda e: (e / "pond.egg/pond/é.py").write_bytes(CODE[:-1]),
            "pond.egg/pond/é.py has another size",
        ),
        (
            lambda e: (e / "pond.egg").rename(e / "duck.egg"),
            "pond.egg is missing",
        ),
    ],
)
def test_damaged_entries(store, entry, damage, reason):
    """They are never given out, but made again and replaced, with a report."""
    damage(entry)
    broken = there(entry)
    reported = []
    store.reporter.damaged = lambda *words: reported.append(words)

    with pytest.raises(DamagedEntry) as caught:
        store.find(VERSION, KEY)
    assert str(caught.value) == (
        f"The patched egg in {entry} is damaged: {reason}; "
        "run again, not in offline (no-install) mode, to build it again"
    )
    assert there(entry) == broken
    assert reported == []

    made = store.get_or_make(VERSION, KEY, make)
    ((place, why, kept),) = reported
    assert (place, why) == (entry, reason)
    assert there(kept) == sorted([*broken, "damaged.json"])
    assert kept.parent == store.root / ".damaged"
    assert made == store.find(VERSION, KEY) == store.get_or_make(VERSION, KEY, never)
    assert list(entries.flaws(entry)) == []
    assert len(reported) == 1


def test_a_damaged_entry_that_cannot_be_built_stays_and_is_not_used(store, entry):
    """A program may run from it, and does so without what is damaged."""
    (entry / WHEEL).unlink()
    broken = there(entry)

    def fail(work):
        raise PoachError("no")

    with pytest.raises(PoachError, match="no"):
        store.get_or_make(VERSION, KEY, fail)

    with pytest.raises(DamagedEntry):
        store.find(VERSION, KEY)
    assert there(entry) == broken
    assert not (store.root / ".damaged").exists()


def test_several_find_one_damage_and_mend_it_once(store, entry):
    (entry / WHEEL).unlink()
    made, reported = [], []
    store.reporter.damaged = lambda *words: reported.append(words)

    def slow(work):
        made.append(work)
        time.sleep(0.05)
        return make(work)

    with ThreadPoolExecutor(8) as pool:
        eggs = list(pool.map(lambda _: store.get_or_make(VERSION, KEY, slow), range(8)))

    assert (len(made), len(reported)) == (1, 1)
    assert all(egg == store.find(VERSION, KEY) for egg in eggs)


def test_a_file_in_the_place_of_an_entry(store):
    place = store.place(VERSION, KEY)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")

    assert store.get_or_make(VERSION, KEY, make).egg.is_dir()


def test_bytes_that_are_no_text_are_damage(store, entry):
    (entry / "entry.json").write_bytes(b"\xff\xfe\xfd")

    with pytest.raises(DamagedEntry, match=r"damaged: entry.json: .*codec"):
        store.find(VERSION, KEY)


def test_a_removed_entry_is_built_anew(store, entry):
    shutil.rmtree(entry)

    assert store.find(VERSION, KEY) is None
    assert store.get_or_make(VERSION, KEY, make).egg.is_dir()


def test_byte_code_may_change(store):
    byte_code = ("__pycache__/é.cpython-311.pyc", "é.pyc")

    def compiled(work):
        made = make(work)
        (made.egg / "pond" / "__pycache__").mkdir()
        for name in (*byte_code, "sourceless.pyc"):
            (made.egg / "pond" / name).write_bytes(b"old")
        return made

    found = store.get_or_make(VERSION, KEY, compiled)
    for name in byte_code:
        (found.egg / "pond" / name).write_bytes(b"newer")

    assert store.find(VERSION, KEY) == found

    (found.egg / "pond" / "sourceless.pyc").write_bytes(b"newer")
    with pytest.raises(DamagedEntry, match=r"sourceless\.pyc has another size"):
        store.find(VERSION, KEY)


def test_files_that_came_later_do_not_matter(store, entry):
    (entry / "pond.egg/pond/__pycache__").mkdir()
    (entry / "pond.egg/pond/__pycache__/x.pyc").write_bytes(b"")

    assert store.find(VERSION, KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {"top.txt": 0}},
        {"files": {"top.txt": []}},
    ],
    ids=str,
)
def test_an_odd_list_of_files_is_damage(store, entry, changes):
    edit(entry, **changes)

    with pytest.raises(DamagedEntry):
        store.find(VERSION, KEY)


@pytest.mark.parametrize("egg", ["", ".", "..", "../../..", "/"])
def test_an_egg_lies_in_its_entry(store, entry, egg):
    edit(entry, egg=egg, files={})

    with pytest.raises(DamagedEntry):
        store.find(VERSION, KEY)


# What is no file


@pytest.fixture
def soon():
    """Fail instead of waiting for ever."""

    def late(*_):
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def device(path):
    path.unlink(missing_ok=True)
    try:
        os.mknod(path, 0o644 | stat.S_IFCHR, os.makedev(1, 5))  # zeros, for ever
    except PermissionError:
        pytest.skip("only root can make a device")


def in_its_way(path):
    path.unlink(missing_ok=True)
    path.mkdir()


def bound(path):
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server, tempfile.TemporaryDirectory() as near:
        short = Path(near, "x")  # as the path of a socket has to be
        server.bind(str(short))
        short.rename(path)


ODD = pytest.mark.parametrize("odd", [pipe, device, in_its_way, bound])


@ODD
@pytest.mark.parametrize("name", ["entry.json", WHEEL, "pond.egg/top.txt"])
def test_what_is_no_file_is_damage(store, entry, soon, odd, name):
    odd(entry / name)

    with pytest.raises(DamagedEntry) as caught:
        store.find(VERSION, KEY)
    assert caught.value.reason.startswith(f"{name}: ")
    (flaw,) = entries.flaws(entry)
    assert flaw.startswith(name)
    assert store.get_or_make(VERSION, KEY, make) == store.find(VERSION, KEY)
    assert len(list((store.root / ".damaged").iterdir())) == 1


@ODD
def test_what_is_no_note(store, soon, odd):
    store.remember("sdists", "pond-1.0", {"sha256": "a" * 64})
    note = store.note_path("sdists", "pond-1.0")
    odd(note)

    assert store.recall("sdists", "pond-1.0") is None
    assert store.recall_digest("sdists", "pond-1.0") is None
    assert [str(flaw) for flaw in verify(store)] == [f"{note}: the note cannot be read"]
    store.remember("sdists", "pond-1.0", {"sha256": "b" * 64})
    assert store.recall_digest("sdists", "pond-1.0") == "b" * 64


@ODD
def test_what_is_no_diff(store, soon, odd):
    digest = store.keep_diff(b"diff")
    kept = store.root / ".diffs" / digest
    odd(kept)

    assert store.kept_diff(digest) is None
    (flaw,) = verify(store)
    assert str(flaw).startswith(f"{kept}: it cannot be read: ")
    store.keep_diff(b"diff")
    assert store.kept_diff(digest) == b"diff"


@ODD
def test_what_is_no_record(store, soon, odd):
    folder = store.folder("tools", "x", lambda made: made.mkdir())
    odd(folder / "contents.json")

    assert len(list(verify(store))) == 1
    store.folder("tools", "x", lambda made: made.mkdir())
    assert list(verify(store)) == []


# Stores that cannot be written


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (errno.ENOSPC, "make room there"),
        (errno.EDQUOT, "make room there"),
        (errno.EROFS, "make it writable"),
    ],
)
def test_a_make_that_cannot_write(store, code, cure):
    def fail(work):
        raise OSError(code, os.strerror(code))

    with pytest.raises(StoreUnwritable) as caught:
        store.get_or_make(VERSION, KEY, fail)

    assert str(caught.value) == (
        f"Cannot write to the patched-egg store {store.path}: "
        f"[Errno {code}] {os.strerror(code)}; {cure}, or set patched-eggs-directory"
    )
    assert there(store.path) == []


def test_a_make_that_cannot_write_elsewhere(store):
    def fail(work):
        raise PermissionError(errno.EACCES, "no", "/elsewhere")

    with pytest.raises(PermissionError):
        store.get_or_make(VERSION, KEY, fail)


@contextlib.contextmanager
def powerless():
    """Drop the powers of root, if we have them."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextlib.contextmanager
def read_only(store):
    folders = [store.path, *filter(Path.is_dir, store.path.rglob("*"))]
    for folder in folders:
        folder.chmod(0o555)
    try:
        with powerless():
            yield
    finally:
        for folder in folders:
            folder.chmod(0o755)


@pytest.fixture
def shared():
    """A store that other users can reach, with one entry."""
    with tempfile.TemporaryDirectory(prefix="poach tést ") as folder:
        Path(folder).chmod(0o755)
        store = Store(Path(folder) / "store")
        store.get_or_make(VERSION, KEY, make)
        store.remember("sdists", "pond-1.0", {"sha256": "a"})
        store.keep_diff(b"diff")
        yield store


def test_a_read_only_store_serves_what_it_has(shared):
    with read_only(shared):
        assert shared.get_or_make(VERSION, KEY, never).egg.is_dir()
        assert shared.recall("sdists", "pond-1.0") == {"sha256": "a"}
        assert shared.kept_diff(hashlib.sha256(b"diff").hexdigest()) == b"diff"


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.remember("sdists", "pond-1.0", {}),
        lambda store: store.remember("others", "pond-1.0", {}),
        lambda store: store.keep_diff(b"other"),
        lambda store: store.log_path(VERSION, KEY),
    ],
)
def test_writing_to_a_read_only_store(shared, write):
    with read_only(shared), pytest.raises(StoreUnwritable) as caught:
        write(shared)

    assert str(caught.value).startswith(
        f"Cannot write to the patched-egg store {shared.path}: [Errno 13] "
    )
    assert str(caught.value).endswith(
        "; make it writable, or set patched-eggs-directory"
    )


def test_building_in_a_read_only_store(shared):
    with read_only(shared), pytest.raises(StoreUnwritable):
        shared.get_or_make(VERSION, OTHER, never)


def test_building_where_no_store_can_be(shared):
    with read_only(shared), pytest.raises(StoreUnwritable):
        Store(shared.path / "new").get_or_make(VERSION, KEY, never)


def test_users_with_an_open_umask_share_a_store(shared):
    umask = os.umask(0)
    try:
        store = Store(shared.path.parent / "open")
        store.path.parent.chmod(0o777)
        store.get_or_make(VERSION, OTHER, make)
        store.get_or_make(VERSION, KEY, make)
        shutil.rmtree(store.place(VERSION, KEY))
        with powerless():
            assert store.get_or_make(VERSION, KEY, make).egg.is_dir()
            assert store.get_or_make(VERSION, OTHER, never).egg.is_dir()
    finally:
        os.umask(umask)


def test_rubbish_of_other_users_is_left_to_them(shared):
    left = shared.root / ".staging" / f"1.{HOST}.abc"
    left.mkdir()
    (left / "lock").touch()
    left.chmod(0)
    for folder in (shared.root, left.parent, shared.root / ".locks"):
        folder.chmod(0o777)
    try:
        left.parent.chmod(0o1777)
        with powerless():
            shared.get_or_make("1", KEY._replace(project="p"), make)
            assert left.exists()
    finally:
        left.chmod(0o700)


def test_a_file_where_the_store_should_be(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreUnwritable):
        Store(tmp_path / "file").keep_diff(b"")


def test_building_where_a_file_is(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreUnwritable):
        Store(tmp_path / "file").get_or_make(VERSION, KEY, never)


# Notes and diffs


def test_notes(store):
    store.remember("sdists", "pond-1.0", {"sha256": "é"})
    store.remember("sdists", "pond-1.0", {"sha256": "b"})

    assert store.recall("sdists", "pond-1.0") == {"sha256": "b"}
    assert store.recall("members", "pond-1.0") is None
    assert there(store.path) == ["2/.known/sdists/pond-1.0.json"]
    assert store.note_path("sdists", "pond-1.0").is_file()


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"{"])
def test_a_damaged_note_is_none(store, data):
    store.remember("sdists", "pond-1.0", {})
    store.note_path("sdists", "pond-1.0").write_bytes(data)

    assert store.recall("sdists", "pond-1.0") is None


@pytest.mark.parametrize(
    "data",
    [
        *(b'{"x": 1}', b'{"sha256": null}', b'{"sha256": 5}', b'{"sha256": ["a"]}'),
        *(b'{"sha256": "a"}', b'{"sha256": "' + b"A" * 64 + b'"}', b"[]", b"5", b"{"),
    ],
)
def test_a_note_without_a_digest_is_none(store, data):
    store.remember("sdists", "pond-1.0", {"sha256": "a" * 64})
    assert store.recall_digest("sdists", "pond-1.0") == "a" * 64
    store.note_path("sdists", "pond-1.0").write_bytes(data)

    assert store.recall_digest("sdists", "pond-1.0") is None


def test_a_note_does_not_need_filelock(tmp_path):
    """Its import takes time, and a warm run may note something."""
    code = (
        "import sys, pathlib; from poach.store.store import Store; "
        "Store(pathlib.Path(sys.argv[1])).remember('a', 'b', {}); "
        "print('filelock' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]

    assert subprocess.check_output(command, text=True) == "False\n"


def test_others_may_read_notes(store):
    umask = os.umask(0o022)
    try:
        store.remember("sdists", "pond-1.0", {})
    finally:
        os.umask(umask)

    assert store.note_path("sdists", "pond-1.0").stat().st_mode & 0o777 == 0o644
    assert staged(store) == []


def test_diffs(store):
    digest = store.keep_diff(CODE)

    assert digest == hashlib.sha256(CODE).hexdigest()
    assert store.kept_diff(digest) == CODE
    assert store.kept_diff("0" * 64) is None
    assert there(store.path) == [f"2/.diffs/{digest}"]
    (store.root / ".diffs" / digest).write_bytes(b"")
    assert store.kept_diff(digest) is None


def test_logs_have_one_place_per_key(store):
    log = store.log_path(VERSION, KEY)

    assert log.parent.is_dir()
    assert log == store.log_path(VERSION, KEY)
    assert log != store.log_path(VERSION, OTHER)


# Folders of tools and aliases


def fill(folder):
    (folder / "pip").mkdir(parents=True)
    (folder / "pip/__init__.py").write_bytes(CODE)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda f: (f / "pip/__init__.py").unlink(), "pip/__init__.py is missing"),
        (
            lambda f: (f / "pip/__init__.py").write_bytes(b""),
            "pip/__init__.py has another size",
        ),
        (lambda f: (f / "contents.json").unlink(), "contents.json is missing"),
        (
            lambda f: (f / "contents.json").write_bytes(b"{"),
            "contents.json: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1)",
        ),
        *(
            (
                lambda f, data=data: (f / "contents.json").write_bytes(data),
                "contents.json lists no files",
            )
            for data in (b"[]", b"{}", b'{"files": [1]}', b'{"files": {"pip": 1}}')
        ),
    ],
)
def test_a_damaged_folder_is_made_anew(store, damage, reason):
    reported = []
    store.reporter.damaged = lambda *words: reported.append(words)
    place = store.folder("tools", "python2.7", fill)
    assert store.folder("tools", "python2.7", never) == place
    damage(place)

    assert store.folder("tools", "python2.7", fill) == place

    assert (place / "pip/__init__.py").read_bytes() == CODE
    ((where, why, kept),) = reported
    assert (where, why, kept.parent) == (place, reason, store.root / ".damaged")
    assert store.folder("tools", "python2.7", never) == place


def test_a_folder_is_made_once(store):
    made = []

    def slow(folder):
        made.append(folder)
        time.sleep(0.05)
        fill(folder)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.folder("tools", "x", slow), range(4)))

    assert len(made) == 1


# What lies in the store


def test_holds(store, entry, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(store.path, target_is_directory=True)
    outside = tmp_path / (store.path.name + "-2")
    outside.mkdir()
    (store.path / "out").symlink_to(outside)

    for place in (store.path, entry, str(entry / "pond.egg"), store.path / "absent"):
        assert store.holds(place)
    assert store.holds(link / entry.relative_to(store.path))
    assert Store(link).holds(entry)
    assert store.holds(tmp_path / "x" / ".." / store.path.name)
    for place in (tmp_path, outside, store.path / "..", store.path / "out" / "x"):
        assert not store.holds(place)


def test_a_store_behind_a_symlink_is_the_same_store(store, entry, tmp_path):
    (tmp_path / "link").symlink_to(store.path, target_is_directory=True)

    assert Store(tmp_path / "link").get_or_make(VERSION, KEY, never).egg.is_dir()


# Variables of a build

SECRET = KEY._replace(options=BuildOptions({}, {"TOKEN": "swordfish"}))


def test_no_file_of_an_entry_has_the_values_of_variables(store):
    egg = store.get_or_make(VERSION, SECRET, make)

    place = egg.egg.parent
    assert not [
        path
        for path in store.path.rglob("*")
        if path.is_file() and b"swordfish" in path.read_bytes()
    ]
    assert json.loads((place / "entry.json").read_bytes())["key"] == {
        **SECRET.as_json(),
        "environment": {"TOKEN": None},
        "digest": SECRET.digest,
    }
    assert store.get_or_make(VERSION, SECRET, never) == egg
    assert entries.look(place) == egg
    assert list(entries.flaws(place)) == []


def test_another_value_is_another_build(store):
    store.get_or_make(VERSION, SECRET, make)
    other = SECRET._replace(options=BuildOptions({}, {"TOKEN": "salmon"}))

    assert store.find(VERSION, other) is None
    place = store.place(VERSION, SECRET)
    place.rename(store.place(VERSION, other))

    with pytest.raises(DamagedEntry, match=r"entry\.json is for another build"):
        store.find(VERSION, other)
    assert list(entries.flaws(store.place(VERSION, other)))


def test_an_entry_that_has_the_values_is_used_as_ever(store):
    """So entries were written once."""
    place = store.get_or_make(VERSION, SECRET, make).egg.parent
    path = place / "entry.json"
    entry = json.loads(path.read_bytes())
    path.write_text(json.dumps({**entry, "key": SECRET.as_json()}))

    assert store.get_or_make(VERSION, SECRET, never).egg.parent == place
    assert entries.look(place).egg.parent == place
    assert list(entries.flaws(place)) == []
