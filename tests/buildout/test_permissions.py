"""Items that this user may not read: they are not damaged, and stay as they are."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from poach.pins.build_key import BuildKey, Target
from poach.store.store import Made, Store
from support.powers import JANE, JOE, TEAM, as_user

VERSION = "1.0+loud.p12345678"
KEY = BuildKey("pond", "1.0", "a" * 64, "b" * 64, Target("py3", "none", "any", "x"))
DUCK = KEY._replace(project="duck")
WHEEL = "pond-1.0-py3-none-any.whl"

if os.geteuid():
    pytest.skip("only root can be somebody else", allow_module_level=True)

#: Does something with the store of which the folder is the first argument.
PREAMBLE = """
import sys
from pathlib import Path
from poach.store.store import Made, Store
from poach.errors import PoachError
from poach.pins.build_key import BuildKey, Target

KEY = BuildKey("pond", "1.0", "a" * 64, "b" * 64, Target("py3", "none", "any", "x"))
store = Store(Path(sys.argv[1]))

def make(work):
    raise AssertionError("it is built again")

def outcome(action):
    try:
        print(action())
    except PoachError as error:
        print(type(error).__name__, error)
"""
USE = f"{PREAMBLE}\noutcome(lambda: store.get_or_make({VERSION!r}, KEY, make))"
DENIED = "PermissionDenied"  # the name of the error, which USE prints
CACHE = "import sys; from poach.cli import main; sys.exit(main(sys.argv[1:]))"


def make(work):
    egg = work / "pond.egg"
    (egg / "pond").mkdir(parents=True)
    (egg / "pond" / "code.py").write_bytes(b"quack")
    (work / WHEEL).write_bytes(b"PK")
    return Made(egg, work / WHEEL, {"version": VERSION})


@pytest.fixture
def store():
    """A store of Jane's that others can reach, and in which all may write."""
    with tempfile.TemporaryDirectory(prefix="poach tést ") as folder:
        Path(folder).chmod(0o755)
        store = Store(Path(folder) / "store")
        for key in (KEY, DUCK):
            store.get_or_make(VERSION, key, make)
        store.remember("sdists", "pond-1.0", {"sha256": "a" * 64})
        store.keep_diff(b"diff")
        for path in (store.path, *store.path.rglob("*")):
            os.chown(path, JANE, JANE)
            path.chmod(0o777 if path.is_dir() else 0o666)
        yield store


@pytest.fixture
def entry(store):
    return store.place(VERSION, KEY)


def close(path, mode=0):
    """Let nobody but its owner have something."""
    path.chmod(0o700 if path.is_dir() else 0o600)


def state(store):
    """Everything that is in the store, but for locks and notes of use."""
    return sorted(
        (str(path), path.lstat().st_mtime_ns if path.is_file() else 0)
        for path in store.path.rglob("*")
        if ".locks" not in path.parts
    )


def cache(store, command, *arguments):
    return as_user(JOE, CACHE, "cache", command, "--store", store.path, *arguments)


@pytest.mark.parametrize(
    "name",
    [
        "entry.json",
        "",
        "pond.egg",
        "pond.egg/pond",
        "pond.egg/pond/code.py",
        WHEEL,
        "..",
        "../..",
    ],
)
def test_what_we_may_not_read(store, entry, name):
    barrier = Path(os.path.normpath(entry / name))
    close(barrier)
    before = state(store)
    reason = (
        f"{barrier} belongs to user {JANE} (mode {barrier.stat().st_mode & 0o777:04o}),"
        f" who has to let others read it (chmod -R a+rX {barrier})"
    )
    where = barrier if name.startswith("..") else entry

    used = as_user(JOE, USE, store.path)
    listed = cache(store, "list", "--json")
    table = cache(store, "list")
    verified = cache(store, "verify")
    pruned = cache(store, "prune", "--unused-for", "0", "--dry-run")
    kept = cache(store, "prune", "--unused-for", "9")

    assert used.stdout.startswith(f"{DENIED} Cannot read "), used
    assert used.stdout.endswith(f": {reason}; or set patched-eggs-directory\n")
    assert state(store) == before
    found = json.loads(listed.stdout)
    projects = {each["project"]: each for each in found["entries"]}
    assert projects["duck"]["damage"] is projects["duck"]["closed"] is None
    if name.startswith(".."):
        assert found["closed"] == [{"path": str(barrier), "reason": reason}]
        assert f"Cannot see what is in {barrier}: {reason}\n" in table.stderr
    else:
        assert found["closed"] == []
        assert projects["pond"]["closed"] == reason
        assert projects["pond"]["damage"] is None
        assert f"  you may not read it: {reason}\n" in table.stdout
    assert (listed.returncode, table.returncode) == (0, 0)
    assert (verified.returncode, verified.stdout) == (1, f"{where}: {reason}\n")
    assert verified.stderr == "1 place that you may not read\n"
    assert (pruned.returncode, kept.returncode) == (0, 0)
    assert f"Kept, because you may not read it: {where}: {reason}\n" in pruned.stderr
    assert "duck/" in pruned.stdout and "pond/" not in pruned.stdout


def test_its_owner_has_it(store, entry):
    close(entry)

    assert as_user(JANE, USE, store.path).stdout.startswith("PatchedEgg(")


def test_verify_goes_on(store, entry):
    """What is damaged beside it, in the very entry and elsewhere, is reported, too."""
    close(entry / "pond.egg/pond/code.py")
    (entry / WHEEL).write_bytes(b"KP")
    (store.place(VERSION, DUCK) / WHEEL).unlink()

    done = cache(store, "verify")

    assert [line.partition(": ")[2] for line in done.stdout.splitlines()] == [
        f"{WHEEL} is missing",
        f"{WHEEL} has other bytes",
        done.stdout.splitlines()[-1].partition(": ")[2],
    ]
    assert done.stdout.splitlines()[-1].startswith(f"{entry}: {entry}/pond.egg/")
    assert done.stderr.startswith("2 damaged folders; ")
    assert done.stderr.endswith("\n1 place that you may not read\n")


def test_an_unreadable_store_is_reported_once(store):
    for folder in (store.root, store.path):
        close(folder)
        used = as_user(JOE, USE, store.path)
        folder.chmod(0o755)
        assert used.stdout == (
            f"{DENIED} Cannot read the patched-egg store {store.path}: {folder} "
            f"belongs to user {JANE} (mode 0700), who has to let others read it "
            f"(chmod -R a+rX {folder}); or set patched-eggs-directory\n"
        )


def test_a_folder_above_the_store(store):
    """No message asks to open a folder that has nothing to do with poach."""
    above = store.path.parent
    close(above)

    used = as_user(JOE, USE, store.path)

    assert used.stdout == (
        f"{DENIED} Cannot read the patched-egg store {store.path}: {above} belongs to "
        "root (mode 0700), who has to let others read it; "
        "or set patched-eggs-directory\n"
    )


def test_the_digest_of_an_sdist(store):
    """One that was seen and may not be read is not forgotten for that."""
    close(store.note_path("sdists", "pond-1.0"))
    code = f"{PREAMBLE}\noutcome(lambda: store.recall_digest('sdists', 'pond-1.0'))"

    assert as_user(JOE, code, store.path).stdout.startswith(f"{DENIED} Cannot read ")
    assert cache(store, "verify").returncode == 1


@pytest.mark.parametrize("name", ["", "contents.json", "file"])
def test_a_closed_folder_of_tools(store, name):
    folder = store.folder("tools", "x", lambda made: write(made, "file"))
    close(folder / name)
    code = f"{PREAMBLE}\noutcome(lambda: store.folder('tools', 'x', make))"

    done = as_user(JOE, code, store.path)

    assert done.stdout.startswith(f"{DENIED} Cannot read "), done
    verified = cache(store, "verify")
    assert (verified.returncode, len(verified.stdout.splitlines())) == (1, 1)
    assert not (store.root / ".damaged").exists()


@pytest.mark.parametrize("mode", [0o700, 0o744])
@pytest.mark.parametrize(
    "name",
    [
        *(".known", ".known/sdists", ".tools", ".diffs", ".sdists", ".damaged"),
        ".staging",
    ],
)
def test_closed_folders_beside_the_entries(store, name, mode):
    folder = store.root / name
    folder.mkdir(exist_ok=True)
    folder.chmod(mode)
    os.chown(folder, JANE, JANE)

    listed = cache(store, "list", "--json")
    verified = cache(store, "verify")
    pruned = cache(store, "prune", "--unused-for", "9")

    outcome = [] if name in (".damaged", ".staging") else [str(folder)]
    entries = json.loads(listed.stdout)["entries"]
    assert [each["project"] for each in entries] == ["duck", "pond"]
    closed = [flaw["path"] for flaw in json.loads(listed.stdout)["closed"]]
    assert closed == outcome
    assert [line.partition(": ")[0] for line in verified.stdout.splitlines()] == outcome
    assert verified.returncode == len(outcome)
    assert pruned.returncode == 0, pruned


def write(folder, name):
    folder.mkdir()
    (folder / name).write_bytes(b"x")


def test_a_buildout_in_a_closed_home_is_no_obstacle(store, entry):
    home = store.path.parent / "home"
    (home / "site").mkdir(parents=True)
    facts = {"directory": str(home / "site"), "host": os.uname().nodename}
    place = entry.relative_to(store.root).as_posix()
    store.remember("buildouts", "x", {**facts, "eggs": [place], "at": 1})
    close(home)

    listed = cache(store, "list", "--json")

    entries = json.loads(listed.stdout)["entries"]
    assert entries[1]["used-by"] == [str(home / "site")]
    assert cache(store, "prune", "--unused-for", "9").returncode == 0


# A store for several users

GROUP = f"""{PREAMBLE}
import shutil
import tempfile
from dataclasses import replace

def make(work):
    egg = work / "pond.egg"
    egg.mkdir()
    with tempfile.TemporaryDirectory() as folder:  # as pip does it
        code = Path(folder) / "pond"
        code.mkdir()
        (code / "code.py").write_bytes(b"quack")
        (code / "tool").touch(0o755)
        shutil.move(code, egg)
    (work / {WHEEL!r}).write_bytes(b"PK")
    return Made(egg, work / {WHEEL!r}, {{"version": {VERSION!r}}})

name = sys.argv[2]
outcome(lambda: store.get_or_make({VERSION!r}, KEY, make).egg.name)
store.get_or_make({VERSION!r}, KEY._replace(sdist=name), make)
store.remember("sdists", "pond-1.0", {{"sha256": 64 * name[0]}})
store.keep_diff(b"diff")
store.folder("tools", name, lambda folder: folder.mkdir())
store.log_path({VERSION!r}, KEY).unlink(missing_ok=True)
store.log_path({VERSION!r}, KEY).write_text(name)
store.sweep()
damaged = store.place({VERSION!r}, KEY._replace(sdist="damaged"))
if damaged.exists():
    (damaged / {WHEEL!r}).unlink()
store.get_or_make({VERSION!r}, KEY._replace(sdist="damaged"), make)
"""


def modes(folder):
    """The permissions of all that is in a store, but for locks and logs."""
    return {
        oct(path.lstat().st_mode & 0o7777)
        for path in folder.rglob("*")
        if path.suffix not in (".lock", ".log")
    }


@pytest.fixture
def common():
    """A folder for a group, as README makes it."""
    with tempfile.TemporaryDirectory(prefix="poach tést ") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "store"
        path.mkdir()
        os.chown(path, 0, TEAM)
        path.chmod(0o2775)
        yield path


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_two_users_of_one_group(common, umask):
    """Whatever their umask, each can use, mend and remove what the other has made."""
    for user, name in ((JANE, "jane"), (JOE, "other"), (JANE, "again")):
        done = as_user(user, GROUP, common, name, more=[TEAM], umask=umask)
        assert (done.stdout, done.stderr) == ("pond.egg\n", "")
    assert modes(common) == {"0o2775", "0o664", "0o775"}
    assert {path.stat().st_gid for path in common.rglob("*")} == {TEAM}
    assert {path.stat().st_uid for path in common.glob("2/*/*/*")} == {JANE, JOE}
    assert len(list(common.glob("2/.damaged/*"))) == 2

    pruned = as_user(
        *(JOE, CACHE, "cache", "prune", "--unused-for", "0", "--store", common),
        more=[TEAM],
        umask=umask,
    )

    assert (pruned.returncode, pruned.stdout.count("entry")) == (0, 5), pruned
    assert list(common.glob("2/*/*/*/entry.json")) == []
    assert list(common.glob("2/.staging/*")) == []


def test_who_is_not_in_the_group_may_read(common):
    as_user(JANE, GROUP, common, "jane", more=[TEAM], umask=0o077)

    used = as_user(JOE, USE, common)
    wrote = as_user(JOE, GROUP, common, "joe")

    assert used.stdout.startswith("PatchedEgg(")
    assert "StoreUnwritable" in wrote.stderr


@pytest.mark.parametrize(("mode", "umask"), [(0o700, 0o022), (0o750, 0o002)])
def test_what_is_in_a_private_store_is_no_more_open_than_before(common, mode, umask):
    os.chown(common, JANE, TEAM)
    common.chmod(mode)

    as_user(JANE, GROUP, common, "jane", more=[TEAM], umask=umask)

    usual = {oct(mode & ~umask) for mode in (0o777, 0o755, 0o666)}
    assert modes(common) == usual
    assert common.stat().st_mode & 0o777 == mode
