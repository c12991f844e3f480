"""What is damaged is replaced under those who use it, and does not pile up."""

from __future__ import annotations

import errno
import threading
import time

import pytest

from poach.cli import main
from poach.errors import PoachError
from poach.pins.build_key import BuildKey, Target
from poach.store import quarantine, replacing
from poach.store.atomic import Common
from poach.store.quarantine import KEPT
from poach.store.replacing import replace
from poach.store.store import Made, Store
from poach.store.verifying import verify

VERSION = "1.0+loud.p12345678"
KEY = BuildKey("pond", "1.0", "a" * 64, "b" * 64, Target("py3", "none", "any", "v5"))
WHEEL = "pond-1.0-py3-none-any.whl"


def make(work):
    (work / "pond.egg").mkdir()
    (work / "pond.egg" / "pond.py").write_text("quack\n")
    (work / "pond.egg" / "big.py").write_text("x")
    (work / WHEEL).write_bytes(b"PK")
    return Made(work / "pond.egg", work / WHEEL, {"version": VERSION})


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def egg(store):
    return store.get_or_make(VERSION, KEY, make).egg


def damage(egg):
    (egg / "big.py").write_text("longer than it was")


def no_exchange(monkeypatch):
    """Let the system be one that cannot swap two folders."""
    monkeypatch.setattr(replacing, "_renameat2", lambda: None)


@pytest.fixture(params=["swap", "two renames"])
def either_way(request, monkeypatch):
    if request.param == "two renames":
        no_exchange(monkeypatch)


def kept(store):
    return sorted((store.root / ".damaged").iterdir())


class Watcher(threading.Thread):
    """Somebody who runs from the egg: opens a file in it all the time."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.done, self.looks, self.gaps = path, False, 0, []
        self._since = None

    def run(self):
        while not self.done:
            self.looks += 1
            self._look()

    def _look(self):
        try:
            self.path.stat()
        except FileNotFoundError:
            self._since = self._since or time.perf_counter()
            return
        if self._since is not None:
            self.gaps.append(time.perf_counter() - self._since)
            self._since = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.done = True
        self.join()


def test_a_damaged_egg_stays_where_it_is_until_it_is_replaced(store, egg, either_way):
    damage(egg)
    seen = []

    def slow(work):
        seen.append((egg / "big.py").read_text())
        return make(work)

    store.get_or_make(VERSION, KEY, slow)

    assert seen == ["longer than it was"]
    assert (egg / "big.py").read_text() == "x"
    (old,) = kept(store)
    assert (old / "pond.egg/big.py").read_text() == "longer than it was"
    assert list(verify(store)) == []
    assert list((store.root / ".staging").iterdir()) == []


def test_nothing_is_missing_while_it_is_replaced(store, egg):
    try:
        replacing._swap(egg / "pond.py", egg / "big.py")
    except OSError as error:
        pytest.skip(f"this file system swaps nothing: {error}")

    def slow(work):
        time.sleep(0.01)
        return make(work)

    with Watcher(egg / "pond.py") as watcher:
        for _ in range(50):
            damage(egg)
            store.get_or_make(VERSION, KEY, slow)

    assert watcher.looks > 50
    assert watcher.gaps == []


def test_two_renames_leave_no_more_than_a_moment(store, egg, monkeypatch):
    no_exchange(monkeypatch)

    def slow(work):
        time.sleep(0.3)
        return make(work)

    with Watcher(egg / "pond.py") as watcher:
        for _ in range(3):
            damage(egg)
            store.get_or_make(VERSION, KEY, slow)

    assert sum(watcher.gaps) < 0.3


def test_a_damaged_folder_of_aliases_stays_until_it_is_replaced(store, either_way):
    def fill(folder):
        folder.mkdir()
        (folder / "x").write_text("whole")

    place = store.folder("aliases", "sea-1", fill)
    (place / "x").write_text("damaged")
    seen = []

    def slow(folder):
        seen.append((place / "x").read_text())
        fill(folder)

    (place / "x").write_text("of another size")
    store.folder("aliases", "sea-1", slow)

    assert seen == ["of another size"]
    assert (place / "x").read_text() == "whole"


@pytest.mark.parametrize("error", [PoachError("no"), KeyboardInterrupt(), OSError()])
def test_where_nothing_can_be_made_nothing_is_replaced(store, egg, error):
    damage(egg)

    def fail(work):
        make(work)
        raise error

    with pytest.raises(type(error)):
        store.get_or_make(VERSION, KEY, fail)

    assert (egg / "big.py").read_text() == "longer than it was"
    assert not (store.root / ".damaged").exists()


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.EPERM])
def test_a_file_system_that_swaps_nothing(store, egg, monkeypatch, code):
    monkeypatch.setattr(replacing, "_renameat2", lambda: lambda one, other: code)
    damage(egg)

    store.get_or_make(VERSION, KEY, make)

    assert (egg / "big.py").read_text() == "x"
    assert len(kept(store)) == 1


def test_what_has_gone_meanwhile_appears(tmp_path, either_way):
    made, place = tmp_path / "made", tmp_path / "place"
    made.mkdir()
    replace(made, place, tmp_path / "old", Common(tmp_path))

    assert (place.is_dir(), made.exists()) == (True, False)


def test_if_the_second_rename_fails_the_first_is_taken_back(tmp_path, monkeypatch):
    no_exchange(monkeypatch)
    place = tmp_path / "place"
    place.mkdir()
    (place / "x").touch()

    with pytest.raises(FileNotFoundError):
        replacing._rename_both(tmp_path / "gone", place, tmp_path / "old")

    assert (place / "x").exists()


def test_a_folder_in_use_keeps_its_open_files(store, egg):
    """A program that has a file open reads on; one that opens it gets the new one."""
    damage(egg)
    with (egg / "big.py").open() as stream:
        store.get_or_make(VERSION, KEY, make)
        assert stream.read() == "longer than it was"


# What is kept of it


def test_only_the_newest_are_kept(store, egg):
    found = []
    for number in range(KEPT + 3):
        (egg / "big.py").write_text(f"longer {number}")
        store.get_or_make(VERSION, KEY, make)
        found.append({*kept(store)})

    last = [old / "pond.egg/big.py" for old in kept(store)]
    texts = sorted(path.read_text() for path in last)
    assert texts == [f"longer {number}" for number in range(3, KEPT + 3)]
    assert max(map(len, found)) == KEPT


def test_what_cannot_be_removed_is_no_error(store, egg, monkeypatch):
    monkeypatch.setattr(quarantine, "KEPT", 1)
    monkeypatch.setattr(quarantine.shutil, "rmtree", lambda *a, **k: None)
    for _ in range(2):
        damage(egg)
        store.get_or_make(VERSION, KEY, make)

    assert len(kept(store)) == 2


def test_prune_says_what_was_damaged(store, egg, capsys):
    damage(egg)
    store.get_or_make(VERSION, KEY, make)
    diff = store.keep_diff(b"diff")
    (store.root / ".diffs" / diff).unlink()
    (store.root / ".diffs" / diff).mkdir()
    store.keep_diff(b"diff")
    (store.root / ".damaged/of-an-earlier-release").mkdir()
    arguments = ["cache", "prune", "--unused-for", "9", "--store", str(store.path)]

    assert main([*arguments, "--dry-run"]) == 0
    dry = capsys.readouterr().out
    assert main(arguments) == 0

    assert capsys.readouterr().out == dry
    assert f"(was .diffs/{diff}: it is a folder)" in dry
    where = f"pond/{VERSION}/{KEY.digest[:16]}"
    assert f"(was {where}: pond.egg/big.py has another size)" in dry
    assert "damaged  2/.damaged/of-an-earlier-release\n" in dry
    assert not list((store.root / ".damaged").iterdir())
