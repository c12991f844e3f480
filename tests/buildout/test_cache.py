"""``poach cache``: what is in a store, whether it is whole, and what can go."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poach.cli import main
from poach.pins.build_key import BuildKey, BuildOptions, Target
from poach.store import inventory, usage
from poach.store.notes import BUILDS, RUNS
from poach.store.notes import name as note_name
from poach.store.store import Made, Store
from poach.store.verifying import verify
from support import snapshot
from support.pond import CFG, LOUD, WIDE, add_pond
from support.powers import drop_powers

DAY = 24 * 3600
CODE = b"quack\xff\n"
WHEEL = "pond-1.0-py3-none-any.whl"
KEY = BuildKey("pond", "1.0", "a" * 64, "b" * 64, Target("py3", "none", "any", "v5"))
OTHER = KEY._replace(project="duck", options=BuildOptions({"define": "X"}))
VERSION = "1.0+loud.p12345678"


def make(work):
    egg = work / "pond.egg"
    (egg / "pond").mkdir(parents=True)
    (egg / "pond" / "é.py").write_bytes(CODE)
    (work / WHEEL).write_bytes(b"PK")
    return Made(egg, work / WHEEL, {"version": VERSION})


@pytest.fixture
def store(tmp_path):
    """A store with a pond and a duck."""
    store = Store(tmp_path / "pätched eggs")
    for key in (KEY, OTHER):
        store.get_or_make(VERSION, key, make)
    return store


@pytest.fixture
def entry(store):
    return store.place(VERSION, KEY)


@pytest.fixture
def cache(store, capsys):
    """Run ``poach cache``; return what it prints and the exit code."""

    def run(command, *arguments):
        code = main(["cache", command, "--store", str(store.path), *arguments])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments else out, err

    return run


def use(store, directory, *keys, at=None, host=None, kind=RUNS):
    """Note that the buildout in `directory` used eggs; `at` is seconds ago."""
    eggs = [store.find(VERSION, key) for key in keys]
    usage.note(store, kind, str(directory), eggs)
    path = store.note_path(kind, note_name(str(directory)))
    text = path.read_text()
    noted = json.loads(text)
    if at is not None:
        text = text.replace(str(noted["at"]), str(noted["at"] - int(at)))
    if host is not None:
        text = text.replace(json.dumps(noted["host"]), json.dumps(host))
    path.write_text(text)


def entry_json(place, **changes):
    file = place / "entry.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **changes}))


# Notes of use


def notes(store):
    return [note for _, note in store.notes.all(RUNS)]


def test_a_note_names_the_very_entries(store, entry, tmp_path):
    use(store, tmp_path, KEY)

    (note,) = notes(store)
    place = f"pond/{VERSION}/{KEY.digest[:16]}"
    assert store.root / place == entry
    assert (note["eggs"], note["before"]) == ([place], {})
    assert (note["directory"], note["host"]) == (str(tmp_path), socket.gethostname())
    assert abs(note["at"] - time.time()) < 60


def test_a_note_is_written_if_something_changed_or_once_a_day(store, tmp_path):
    def written(*keys, at=None):
        """Use `keys` twice, the first time so long ago."""
        use(store, tmp_path, KEY, at=at)
        before = path.stat().st_ino
        use(store, tmp_path, *keys)
        return path.stat().st_ino != before  # it appears by a rename

    path = store.note_path(RUNS, note_name(str(tmp_path)))
    assert not written(KEY)
    assert not written(KEY, at=DAY - 60)
    assert written(KEY, at=DAY + 60)
    assert written(KEY, at=-DAY)  # the clock was ahead
    assert written(KEY, OTHER)
    assert written(OTHER)


def test_what_was_used_before_stays_known(store, tmp_path):
    use(store, tmp_path, KEY, at=5 * DAY)
    use(store, tmp_path, OTHER)

    known = usage.read(store)

    pond, duck = inventory.entries_of(store)[::-1]
    assert time.time() - known.last[pond.place][0] == pytest.approx(5 * DAY, abs=60)
    assert known.users == {duck.place: [str(tmp_path)]}


def test_entries_that_have_gone_are_forgotten(store, entry, tmp_path):
    use(store, tmp_path, KEY)
    shutil.rmtree(entry)
    use(store, tmp_path, OTHER)

    (note,) = notes(store)
    assert [name.partition("/")[0] for name in note["eggs"]] == ["duck"]
    assert note["before"] == {}


@pytest.mark.parametrize(
    "note",
    [
        *(b"{", b"[]", b"{}", b'{"eggs": 5}', b'{"eggs": [5, {}, "a"]}'),
        *(b'{"before": 5}', b'{"before": {"pond": "x"}}'),
        b'{"eggs": ["a"], "at": "now", "directory": 5, "host": {}}',
    ],
)
def test_odd_notes_are_no_obstacle(store, tmp_path, note, cache):
    use(store, tmp_path, KEY)
    path = store.note_path(RUNS, note_name(str(tmp_path)))
    path.write_bytes(note)

    assert cache("list")[0] == 0
    assert cache("prune", "--unused-for", "1")[0] == 0
    use(store, tmp_path, KEY)
    assert notes(store)[0]["directory"] == str(tmp_path)


# List


def test_list(store, entry, tmp_path, cache):
    one, gone, far = tmp_path / "øne", tmp_path / "gone", tmp_path / "far"
    one.mkdir()
    use(store, one, KEY)
    use(store, gone, KEY, OTHER, at=DAY)
    use(store, far, KEY, host="another.host")
    use(store, tmp_path, KEY, kind=BUILDS)

    code, found, err = cache("list", "--json")

    assert (code, err) == (0, "")
    duck, pond = found["entries"]
    assert found["store"] == str(store.path)
    assert pond == {
        "project": "pond",
        "version": VERSION,
        "key": KEY.digest[:16],
        "python": "py3",
        "abi": "none",
        "platform": "any",
        "layout": "v5",
        "build-ext": {},
        "environment": {},
        "path": str(entry),
        "size": sum(f.stat().st_size for f in entry.rglob("*") if f.is_file()),
        "made": pond["made"],
        "last-used": pond["last-used"],
        "used-by": sorted(map(str, (one, far, tmp_path))),
        "damage": None,
        "closed": None,
        "fetched-from": None,
        "signed-by": None,
    }
    assert duck["build-ext"] == {"define": "X"}
    assert (duck["used-by"], pond["last-used"] > duck["last-used"]) == ([], True)
    for moment in (pond["made"], pond["last-used"]):
        assert abs(_seconds(moment) - time.time()) < 60


def _seconds(stamp):
    from datetime import datetime

    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def test_list_for_people(store, entry, tmp_path, cache):
    use(store, tmp_path, KEY)
    os.utime(entry / "entry.json", (0, 12 * 3600))
    (entry / WHEEL).unlink()

    code, out, err = cache("list")

    today = time.strftime("%Y-%m-%d")
    head, duck, pond, damage, user = out.splitlines()
    assert code == 0
    assert " ".join(head.split()) == "project version for size made last used"
    assert duck.split() == ["duck", VERSION, "py3-none-any-v5", *duck.split()[3:]]
    assert duck.split()[-2:] == [today, "-"]
    assert pond.split()[-2:] == ["1970-01-01", today]
    assert head.index("made") == duck.index(today) == pond.index("1970-01-01")
    assert damage == f"  damaged: {WHEEL} is missing"
    assert user == f"  used by {tmp_path}"
    assert err.startswith("2 eggs, ")
    assert err.endswith(f" in {store.path}\n")


@pytest.fixture
def sdist(store):
    """An sdist that the store keeps, of which only the pond is made."""
    digest = hashlib.sha256(b"sdist").hexdigest()
    for key in (KEY, OTHER):
        shutil.rmtree(store.place(VERSION, key).parents[1])
    store.get_or_make(VERSION, KEY._replace(sdist=digest), make)
    store.get_or_make(VERSION, OTHER, make)
    with store.scratch() as scratch:
        (scratch / "1").mkdir()
        (scratch / "1" / "pond-1.0.tar.gz").write_bytes(b"sdist")
        return store.keep_sdist(scratch / "1" / "pond-1.0.tar.gz", digest)


def test_list_of_sdists(store, sdist, cache):
    os.utime(sdist, (0, 0))

    (found,) = cache("list", "--json")[1]["sdists"]
    shown = cache("list")[1].splitlines()[-1]

    assert found == {
        "file": "pond-1.0.tar.gz",
        "sha256": sdist.parent.name,
        "path": str(sdist.parent),
        "size": 5,
        "last-used": "1970-01-01T00:00:00Z",
        "closed": None,
    }
    day = time.strftime("%Y-%m-%d", time.localtime(0))
    assert shown == f"sdist pond-1.0.tar.gz: 5 B, last used {day}, {sdist.parent}"


def test_verify_of_sdists(store, sdist, cache):
    files = cache("verify", "--json")[1]["checked"]["files"]
    sdist.write_bytes(b"other")

    code, out, err = cache("verify")

    assert (code, out) == (1, f"{sdist}: it has other bytes\n")
    assert "1 damaged file; remove it" in err
    sdist.unlink()
    assert cache("verify", "--json")[1]["checked"]["files"] == files - 1


def test_prune_of_sdists(store, sdist, tmp_path, cache):
    """One goes if it is not used, and all eggs go that are made of it."""
    (pond,) = store.root.glob("pond/*/*")
    key = KEY._replace(sdist=sdist.parent.name)
    os.utime(sdist, (0, 0))
    cache("prune", "--unused-for", "3")
    assert sdist.exists()

    os.utime(pond / "entry.json", (0, 0))
    use(store, tmp_path, key)  # whose folder is there
    cache("prune", "--unused-for", "0")
    assert sdist.exists()

    cache("prune", "--unused-for", "0", "--even-in-use", "--dry-run")
    assert sdist.exists()
    _, out, _ = cache("prune", "--unused-for", "0", "--even-in-use")
    assert f"  sdist  2/.sdists/{sdist.parent.name}\n" in out
    assert not sdist.parent.exists()


def test_prune_leaves_an_sdist_that_was_used(store, sdist, cache):
    (pond,) = store.root.glob("pond/*/*")
    os.utime(pond / "entry.json", (0, 0))

    cache("prune", "--unused-for", "3")

    assert not pond.exists()
    assert sdist.exists()


def test_list_of_what_cannot_be_read(store, entry, cache):
    (entry / "entry.json").write_bytes(b"{")

    _, found, _ = cache("list", "--json")

    pond = found["entries"][1]
    assert (pond["project"], pond["version"], pond["python"]) == ("pond", VERSION, None)
    assert pond["damage"].startswith("entry.json: ")


def test_list_of_other_formats(store, cache):
    (store.path / "1" / "pond").mkdir(parents=True)
    (store.path / "1" / "pond" / "egg").write_bytes(CODE)
    (store.path / "3").mkdir()
    (store.path / "notes").mkdir()

    assert cache("list", "--json")[1]["other-formats"] == [
        {"format": 1, "path": str(store.path / "1"), "size": len(CODE)},
        {"format": 3, "path": str(store.path / "3"), "size": 0},
    ]
    assert cache("list")[1].splitlines()[-2:] == [
        f"format 1 (for older releases of poach): 7 B, {store.path / '1'}",
        f"format 3 (for newer releases of poach): 0 B, {store.path / '3'}",
    ]


def test_an_empty_store(tmp_path, capsys):
    for command in ("list", "verify", "dir"):
        assert main(["cache", command, "--store", str(tmp_path)]) == 0
    assert main(["cache", "prune", "--store", str(tmp_path), "--unused-for", "0"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_not_there(tmp_path, capsys):
    assert main(["cache", "list", "--store", str(tmp_path / "x")]) == 1
    assert capsys.readouterr().err == (
        f"Error: Cannot read the patched-egg store {tmp_path / 'x'}: "
        "there is no such folder\n"
    )


@pytest.mark.parametrize("command", ["list", "verify", "prune"])
def test_a_store_that_cannot_be_read(store, cache, monkeypatch, command):
    more = ["--unused-for", "0"] if command == "prune" else []

    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", denied)
    code, out, err = cache(command, *more)

    assert (code, out) == (1, "")
    assert err.startswith(f"Error: Cannot read the patched-egg store {store.path}: ")
    assert err.endswith(f"[Errno 13] Permission denied: '{store.root}'\n")


# Verify

OLD = "pond/1.0+loud.p12345678/0000000000000000"


def test_a_whole_store(store, entry, cache):
    store.folder("tools", "python2.7", lambda folder: folder.mkdir())
    store.remember("sdists", "pond", {"sha256": "a"})
    store.keep_diff(b"diff")
    with store.scratch():
        said = f"Checked 2 eggs, 6 files, 41 B, in {store.path}: all is well\n"
        assert cache("verify") == (0, "", said)
        assert cache("verify", "--json")[1] == {
            "store": str(store.path),
            "checked": {"eggs": 2, "files": 6, "bytes": 41},
            "flaws": [],
            "signed-by": {},
        }


def test_byte_code_is_no_difference(store, entry, cache):
    (entry / "pond.egg/pond/__pycache__").mkdir()
    for name in ("é.cpython-311.pyc", "é.cpython-311.pyc.140234"):
        (entry / "pond.egg/pond/__pycache__" / name).write_bytes(b"new")
    (entry / "pond.egg/pond/é.pyc").write_bytes(b"new")

    assert cache("verify")[:2] == (0, "")


def as_another_key(entry):
    entry.rename(entry.with_name("0" * 16))


FOLDER = (
    "1 damaged folder; remove only the record in it (entry.json, or contents.json in "
    ".tools and .aliases), and the next run that needs the folder makes a new one and "
    "swaps both, so that nothing is missing under a program that runs from it\n"
)
FILE = "1 damaged file; remove it, and poach makes it again if it is needed\n"


@pytest.mark.parametrize(
    ("damage", "place", "reason"),
    [
        (
            lambda e: (e / "pond.egg/pond/é.py").write_bytes(CODE[::-1]),
            "",
            "pond.egg/pond/é.py has other bytes",
        ),
        (
            lambda e: (e / "pond.egg/pond/é.py").unlink(),
            "",
            "pond.egg/pond/é.py is missing",
        ),
        (
            lambda e: (e / "pond.egg/pond/new.py").touch(),
            "",
            "pond.egg/pond/new.py should not be there",
        ),
        (
            lambda e: (e / "pond.egg/pond/orphan.pyc").touch(),
            "",
            "pond.egg/pond/orphan.pyc should not be there",
        ),
        (lambda e: (e / "top").touch(), "", "top should not be there"),
        (
            lambda e: (e / "link").symlink_to("/nowhere"),
            "",
            "link should not be there",
        ),
        (lambda e: (e / WHEEL).write_bytes(b"KP"), "", f"{WHEEL} has other bytes"),
        (lambda e: (e / "entry.json").unlink(), "", "entry.json is missing"),
        (
            lambda e: entry_json(e, key=OTHER.as_json()),
            "",
            "entry.json is for another build",
        ),
        (
            lambda e: entry_json(e, version="2.0"),
            "",
            "entry.json is for another build",
        ),
        (lambda e: entry_json(e, files=5), "", "entry.json lists no files"),
        (as_another_key, OLD, "entry.json is for another build"),
        (
            lambda e: (e.parent / "file").touch(),
            f"pond/{VERSION}/file",
            "it should not be there",
        ),
    ],
)
def test_verify_finds(store, entry, cache, damage, place, reason):
    damage(entry)
    where = store.root / place if place else entry

    assert cache("verify") == (
        1,
        f"{where}: {reason}\n",
        FILE if where.is_file() else FOLDER,
    )
    code, found, _ = cache("verify", "--json")
    flaw = {"path": str(where), "reason": reason, "closed": False}
    assert (code, found["flaws"]) == (1, [flaw])


def test_a_link_in_the_place_of_a_file(store, entry):
    file = entry / "pond.egg/pond/é.py"
    file.rename(store.path / "elsewhere")
    file.symlink_to(store.path / "elsewhere")

    reasons = [flaw.reason for flaw in verify(store)]

    assert reasons == ["pond.egg/pond/é.py is a symbolic link"]


def test_verify_finds_all(store, entry, cache):
    tools = store.folder("tools", "python2.7", lambda folder: folder.mkdir())
    (tools / "new").touch()
    store.remember("sdists", "pond", {})
    note = store.note_path("sdists", "pond")
    note.write_bytes(b"{")
    diff = store.root / ".diffs" / store.keep_diff(b"diff")
    diff.write_bytes(b"other")
    (entry / WHEEL).unlink()
    (entry / "new").touch()

    code, out, err = cache("verify")

    assert code == 1
    assert sorted(out.splitlines()) == sorted(
        [
            f"{entry}: {WHEEL} is missing",
            f"{entry}: new should not be there",
            f"{tools}: new should not be there",
            f"{note}: the note cannot be read",
            f"{diff}: it has other bytes",
        ]
    )
    assert [line.partition(";")[0] for line in err.splitlines()] == [
        "2 damaged folders",
        "2 damaged files",
    ]


def test_what_verify_names_can_be_removed(store, entry, cache):
    (entry / WHEEL).write_bytes(b"KP")
    shutil.rmtree(cache("verify")[1].partition(": ")[0])

    assert cache("verify")[0] == 0
    assert store.get_or_make(VERSION, KEY, make).wheel.read_bytes() == b"PK"


def test_what_verify_advises_leaves_nothing_missing(store, entry, cache):
    """Of a run, and of a folder of tools; the size is right, so no run sees it."""
    (entry / WHEEL).write_bytes(b"KP")
    tools = store.folder("tools", "python2.7", tool)
    (tools / "pip").write_bytes(b"KP")
    assert store.find(VERSION, KEY) and store.folder("tools", "python2.7", tool)

    (entry / "entry.json").unlink()
    (tools / "contents.json").unlink()

    def at_work(work):
        assert (entry / "pond.egg/pond/é.py").read_bytes() == CODE
        return make(work)

    assert store.get_or_make(VERSION, KEY, at_work).wheel.read_bytes() == b"PK"
    assert (store.folder("tools", "python2.7", tool) / "pip").read_bytes() == b"PK"
    assert cache("verify")[0] == 0


def tool(folder):
    folder.mkdir()
    (folder / "pip").write_bytes(b"PK")


# Prune


def left(store):
    return sorted({path.parts[-3] for path in inventory.places(store)})


@pytest.mark.parametrize(
    ("days", "stays"),
    [
        ("0", []),
        ("1", ["pond"]),
        ("4.9", ["pond"]),
        ("5.1", ["duck", "pond"]),
        ("9999", ["duck", "pond"]),
    ],
)
def test_prune_by_use(store, tmp_path, cache, days, stays):
    """A buildout that has gone was one all the same."""
    use(store, tmp_path / "gone", KEY)
    use(store, tmp_path / "also gone", OTHER, at=5 * DAY)
    for place in inventory.places(store):
        os.utime(place / "entry.json", (0, 0))

    assert cache("prune", "--unused-for", days, "--dry-run")[0] == 0
    assert left(store) == ["duck", "pond"]
    code, out, err = cache("prune", "--unused-for", days)

    assert (code, left(store)) == (0, stays)
    assert len(out.splitlines()) >= 2 - len(stays)
    assert err.endswith(f" removed, in {store.path}\n")
    assert list((store.root / ".staging").iterdir()) == []
    assert sorted(path.name for path in store.root.glob("[!.]*")) == stays
    assert cache("verify")[0] == 0


@pytest.mark.parametrize("seconds", [400 * DAY, -400 * DAY])
def test_what_nobody_is_known_to_have_used_counts_from_when_it_was_made(
    store, entry, cache, seconds
):
    """A time that lies ahead is no reason to keep an egg for ever."""
    os.utime(entry / "entry.json", (0, time.time() - seconds))

    cache("prune", "--unused-for", "30")

    assert left(store) == ["duck"]


def test_a_clock_that_was_ahead_does_not_hide_a_use(store, entry, tmp_path, cache):
    os.utime(entry / "entry.json", (0, 0))
    use(store, tmp_path / "one", KEY, at=-400 * DAY)
    use(store, tmp_path / "two", KEY)

    cache("prune", "--unused-for", "30")

    assert left(store) == ["duck", "pond"]


def test_what_prune_tells(store, entry, cache):
    size = sum(f.stat().st_size for f in entry.rglob("*") if f.is_file())
    os.utime(entry / "entry.json", (0, 0))
    removed = {
        "store": str(store.path),
        "removed": [
            {"path": str(entry), "what": "entry", "size": size, "detail": None}
        ],
        "busy": [],
        "in-use": [],
        "size": size,
    }

    dry = cache("prune", "--unused-for", "3", "--dry-run", "--json")
    assert dry == (0, {**removed, "dry-run": True}, "")
    _, out, err = cache("prune", "--unused-for", "3", "-n")
    shown = f"{size} B"
    assert out == f"{shown:>9}  entry  {entry.relative_to(store.path)}\n"
    assert err == f"{shown} would be removed, in {store.path}\n"
    done = cache("prune", "--unused-for", "3", "--json")
    assert done == (0, {**removed, "dry-run": False}, "")


@pytest.mark.parametrize("arguments", [[], ["--dry-run"], ["--unused-for", "-1"]])
def test_prune_needs_a_criterion(store, cache, capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        cache("prune", *arguments)

    assert caught.value.code == 2
    assert left(store) == ["duck", "pond"]


@pytest.mark.parametrize("days", ["x", "nan", "inf", "-1", ""])
def test_odd_numbers_of_days(store, cache, capsys, days):
    with pytest.raises(SystemExit) as caught:
        cache("prune", "--unused-for", days)

    assert caught.value.code == 2
    assert f"{days!r} is not a number of days" in capsys.readouterr().err


CHILD = f"""
import sys, time
from pathlib import Path
from poach.store.store import Store

store = Store(Path(sys.argv[1]))
with store.locked({KEY.digest[:16]!r}), store.scratch():
    print("at work", flush=True)
    time.sleep(60)
"""


def test_prune_leaves_alone_what_somebody_builds(store, entry, cache):
    command = [sys.executable, "-c", CHILD, str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "at work\n"
        (theirs,) = (store.root / ".staging").iterdir()

        code, found, _ = cache("prune", "--unused-for", "0", "--json")

        assert (code, found["busy"], left(store)) == (0, [str(entry)], ["pond"])
        assert theirs.is_dir()
        process.kill()

    assert cache("prune", "--unused-for", "0")[0] == 0
    assert (left(store), theirs.exists()) == ([], False)


def test_a_failed_removal_is_reported_and_the_rest_is_removed(store, entry):
    fixed = [entry, store.root / ".damaged" / "old"]
    fixed[1].mkdir(parents=True)
    for folder in fixed:
        folder.chmod(0o555)  # which may not be moved elsewhere
    code = "import sys; from poach.cli import main; sys.exit(main(sys.argv[1:]))"
    prune = ["cache", "prune", "--store", str(store.path), "--unused-for", "0"]

    done = subprocess.run(
        [sys.executable, "-c", code, *prune],
        preexec_fn=drop_powers,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    for folder in fixed:
        folder.chmod(0o755)
        assert f"Cannot remove {folder}: [Errno 13] Permission denied" in done.stderr
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert left(store) == ["pond"]


def test_prune_sweeps_rubbish(store, entry, tmp_path, cache):
    """That of killed runs, of damaged entries, of old logs, of notes on nothing."""
    (entry / WHEEL).unlink()
    store.get_or_make(VERSION, KEY, make)
    rubbish = store.root / ".staging" / f"1.{socket.gethostname()}.abc"
    rubbish.mkdir()
    (rubbish / "lock").touch()
    old, new = store.log_path(VERSION, KEY), store.log_path(VERSION, OTHER)
    for log in (old, new):
        log.write_text("x")
    os.utime(old, (0, time.time() - 8 * DAY))
    use(store, tmp_path, KEY)
    use(store, tmp_path / "gone", KEY)
    use(store, tmp_path / "gone too", OTHER)
    shutil.rmtree(store.root / "duck")

    dry = cache("prune", "--unused-for", "9", "--dry-run", "--json")[1]
    assert rubbish.exists()
    done = cache("prune", "--unused-for", "9", "--json")[1]

    assert dry == {**done, "dry-run": True}
    assert [each["what"] for each in done["removed"]] == [
        *("damaged", "log", "note", "left by a killed run")
    ]
    assert not any(Path(each["path"]).exists() for each in done["removed"])
    assert (left(store), new.exists(), len(notes(store))) == (["pond"], True, 2)
    assert cache("prune", "--unused-for", "9", "--json")[1]["removed"] == []


@pytest.mark.parametrize(("name", "goes"), [("1", True), ("3", False), ("x", False)])
def test_prune_of_other_formats(store, cache, name, goes):
    """Old ones go if nothing was written there lately, newer ones never."""
    folder = store.path / name
    (folder / ".locks").mkdir(parents=True)
    (folder / ".locks" / "a.lock").touch()
    cache("prune", "--unused-for", "2")
    assert folder.exists()
    for path in folder.rglob("*"):
        os.utime(path, (0, time.time() - 3 * DAY))

    cache("prune", "--unused-for", "2")

    assert folder.exists() is not goes


def test_a_killed_prune_leaves_what_is_swept(store, entry, monkeypatch):
    """The entry goes by one rename; what is not deleted yet is swept later."""
    code = (
        "import sys, os, shutil; from pathlib import Path;"
        "from poach.store.store import Store; from poach.store.pruning import *;"
        "shutil.rmtree = lambda *a, **k: os._exit(9);"
        "from poach.store.inventory import entries_of;"
        "store = Store(Path(sys.argv[1]));"
        "prune(store, entries_of(store)[1:], [], 0)"
    )
    command = [sys.executable, "-c", code, str(store.path)]
    assert subprocess.run(command, check=False).returncode == 9

    assert store.find(VERSION, KEY) is None
    assert list(verify(store)) == []
    assert len(store.sweep()) == 1


# With real buildouts


@pytest.fixture
def pond(project, index):
    add_pond(index)
    made = project(CFG)
    made.write("patches/pond/loud.patch", LOUD)
    made.write("patches/pond/wide.patch", WIDE)
    return made


def test_the_store_of_a_configuration(pond, project, index):
    """It is listed, verified and pruned, with what runs have noted of it."""
    folder = pond.path / "patched-eggs"
    assert pond.poach("cache", "dir").stdout == f"{folder}\n"
    assert not folder.exists()
    assert json.loads(pond.poach("cache", "list", "--json").stdout)["entries"] == []

    pond.run()
    (built,) = json.loads(pond.poach("cache", "list", "--json").stdout)["entries"]
    assert built["used-by"] == [str(pond.path)]
    assert built["project"] == "pond"
    before = snapshot(folder, start=folder)
    pond.run()
    assert snapshot(folder, start=folder) == before

    # A second buildout shares the store, and uses another patch.
    cfg = CFG.replace("+loud", "+wide").replace(
        "parts = app", f"parts = app\n    patched-eggs-directory = {folder}"
    )
    other = project(cfg, "öther")
    other.write("patches/pond/wide.patch", WIDE)
    other.run()
    entries = json.loads(pond.poach("cache", "list", "--json").stdout)["entries"]
    assert {tuple(each["used-by"]) for each in entries} == {
        (str(pond.path),),
        (str(other.path),),
    }

    ours, theirs = str(pond.path / "buildout.cfg"), str(other.path / "buildout.cfg")
    both = pond.poach("cache", "prune", "--keep", ours, "--keep", theirs)
    assert (both.stdout, both.stderr) == ("", f"0 B removed, in {folder}\n")
    done = pond.poach("cache", "prune", "--keep", theirs, "--dry-run")
    assert done.stdout == ""
    assert f"Kept {built['path']}: in use by {pond.path}\n" in done.stderr
    regardless = ("cache", "prune", "--keep", theirs, "--even-in-use")
    done = pond.poach(*regardless, "--dry-run")
    assert len(done.stdout.splitlines()) == 1
    assert "+loud" in done.stdout
    done = pond.poach(*regardless, "--json")
    (gone,) = json.loads(done.stdout)["removed"]
    assert gone["path"] == built["path"]
    assert not Path(built["path"]).exists()
    verified = pond.poach("cache", "verify")
    assert verified.stdout == ""
    assert re.fullmatch(
        rf"Checked 1 egg, \d+ files, [\d.]+ kB, in {folder}: all is well\n",
        verified.stderr,
    )
    assert "Built" in pond.run().output


def test_keep_is_all_or_nothing(pond, project):
    """Where the needs of one configuration are not known nothing goes."""
    pond.run()
    elsewhere = project(CFG, "elsewhere")
    elsewhere.write("patches/pond/loud.patch", LOUD)
    broken = project(CFG.replace("+loud", "+lout"), "broken")
    files = [str(each.path / "buildout.cfg") for each in (elsewhere, broken)]
    keep = [word for file in files for word in ("--keep", file)]

    done = pond.poach("cache", "prune", "-c", "buildout.cfg", *keep, expect=1)

    assert f"{files[0]} keeps its patched eggs in {elsewhere.path}" in done.stderr
    assert "Unknown patch 'lout' for pond 1.0" in done.stderr
    assert pond.poach("cache", "list").stdout.count("+loud") == 1


def test_keep_counts_the_sdists_of_pins(pond):
    """Also of one whose egg is not built yet, as it does not build."""
    pond.poach("graph")
    (sdist,) = pond.path.glob("patched-eggs/2/.sdists/*/*")

    pond.poach("cache", "prune", "--keep", "buildout.cfg")
    assert not list(pond.path.glob("patched-eggs/2/pond"))
    assert sdist.exists()

    cfg = pond.path / "buildout.cfg"
    cfg.write_text(cfg.read_text().replace("+loud", ""))
    pond.poach("cache", "prune", "--keep", "buildout.cfg")
    assert not sdist.exists()


def test_keep_counts_the_last_run(pond):
    """What it used stays although the pin says something else by now."""
    pond.run()
    cfg = pond.path / "buildout.cfg"
    cfg.write_text(cfg.read_text().replace("+loud", "+wide"))

    pond.poach("cache", "prune", "--keep", "buildout.cfg")

    assert pond.poach("cache", "list").stdout.count("+loud") == 1
    pond.run()
    pond.poach("cache", "prune", "--keep", "buildout.cfg")
    listed = pond.poach("cache", "list").stdout
    assert (listed.count("+loud"), listed.count("+wide")) == (0, 1)


def test_faults_of_patches_do_not_hide_the_store(pond):
    """Only the folder is asked for, not whether its patches apply."""
    cfg = pond.path / "buildout.cfg"
    cfg.write_text(cfg.read_text().replace("+loud", "+lout +lout"))

    assert pond.poach("cache", "dir").stdout == f"{pond.path / 'patched-eggs'}\n"
    done = pond.poach("cache", "list", "-c", "nope.cfg", expect=1)
    assert done.stderr.startswith("Error: ")
    done = pond.poach("cache", "dir", "buildout:patched-eggs-directory=/x/y", "--json")
    assert json.loads(done.stdout) == {"store": "/x/y", "format": 2}


def test_poach_build_is_a_use(pond):
    pond.poach("build")

    (entry,) = json.loads(pond.poach("cache", "list", "--json").stdout)["entries"]
    assert entry["used-by"] == [str(pond.path)]
    assert entry["last-used"]
