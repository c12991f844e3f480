"""The upstream sdists that the store keeps."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poach.store.inventory import sdists_of
from poach.store.store import DamagedSdist, Store
from poach.store.verifying import verify

DATA = b"an sdist"
SHA256 = hashlib.sha256(DATA).hexdigest()
NAME = "pond-1.0.tar.gz"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "pätched eggs")


@contextlib.contextmanager
def fetched(store):
    """Give an sdist as it lies in the staging area when it was fetched."""
    with store.scratch() as scratch:
        folder = scratch / "1"
        folder.mkdir()
        (folder / NAME).write_bytes(DATA)
        yield folder / NAME


@pytest.fixture
def kept(store):
    with fetched(store) as file:
        return store.keep_sdist(file, SHA256)


def test_an_sdist_is_kept_by_its_digest(store, kept):
    assert kept == store.root / ".sdists" / SHA256 / NAME
    assert kept.read_bytes() == DATA
    assert store.kept_sdist(SHA256) == kept
    assert list(verify(store)) == []


@pytest.mark.parametrize("digest", ["a" * 64, "", "..", f"../.sdists/{SHA256}"])
def test_an_sdist_that_is_not_kept(store, kept, digest):
    assert store.kept_sdist(digest) is None
    assert kept.exists()


def test_one_that_is_kept_already_stays(store, kept):
    inode = kept.stat().st_ino

    with fetched(store) as file:
        assert store.keep_sdist(file, SHA256) == file
        assert file.read_bytes() == DATA
    assert kept.stat().st_ino == inode


def other_bytes(kept):
    kept.write_bytes(DATA[::-1])


def a_pipe(kept):
    kept.unlink()
    os.mkfifo(kept)


def a_folder(kept):
    kept.unlink()
    kept.mkdir()


def a_file_in_place_of_its_folder(kept):
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_bytes(DATA)


@pytest.mark.parametrize(
    "damage", [other_bytes, a_pipe, a_folder, a_file_in_place_of_its_folder]
)
def test_a_damaged_one_is_set_aside(store, kept, damage):
    damage(kept)

    with pytest.raises(DamagedSdist) as caught:
        store.kept_sdist(SHA256)

    assert str(caught.value).startswith(f"the sdist kept in {kept.parent} is damaged (")
    (aside,) = (store.root / ".damaged").iterdir()
    assert aside.name.startswith(f"sdists-{SHA256}-")
    assert store.kept_sdist(SHA256) is None
    with fetched(store) as file:
        assert store.keep_sdist(file, SHA256) == kept
    assert store.kept_sdist(SHA256) == kept


def test_a_damaged_one_that_was_removed_is_kept_again(store, kept):
    """As ``poach cache verify`` advises."""
    other_bytes(kept)
    (flaw,) = verify(store)
    assert str(flaw) == f"{kept}: it has other bytes"
    flaw.path.unlink()

    assert store.kept_sdist(SHA256) is None
    with fetched(store) as file:
        store.keep_sdist(file, SHA256)
    assert store.kept_sdist(SHA256) == kept


def test_its_age_is_that_of_its_last_use(store, kept):
    os.utime(kept, (0, 0))
    (before,) = sdists_of(store)
    store.kept_sdist(SHA256)
    (after,) = sdists_of(store)

    assert (before.made, before.file, before.size) == (0, NAME, len(DATA))
    assert abs(after.made - time.time()) < 60


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_others_may_read_what_they_may_read_in_the_store(store):
    store.path.mkdir(mode=0o755)
    umask = os.umask(0o077)
    try:
        with fetched(store) as file:
            kept = store.keep_sdist(file, SHA256)
    finally:
        os.umask(umask)

    assert kept.stat().st_mode & 0o777 == 0o644
    assert kept.parent.stat().st_mode & 0o777 == 0o755


def test_a_store_that_cannot_keep_it_leaves_it_where_it_is(store):
    with fetched(store) as file:
        (store.root / ".sdists").write_bytes(b"")

        assert store.keep_sdist(file, SHA256) == file
        assert file.read_bytes() == DATA
    assert store.kept_sdist(SHA256) is None


@pytest.mark.parametrize("at", ["share_and_sync", "sync"])
def test_who_is_killed_keeps_it_whole_or_not_at_all(store, at):
    """`share_and_sync` comes before the rename, the last `sync` after it."""
    code = (
        "import os, sys; from pathlib import Path;"
        "from poach.store import atomic; from poach.store.store import Store;"
        f"atomic.{at} = lambda *_: os._exit(9);"
        "atomic._sync_tree = lambda folder: None;"
        "store = Store(Path(sys.argv[1]));"
        "stack = store.scratch(); folder = stack.__enter__() / '1'; folder.mkdir();"
        f"(folder / {NAME!r}).write_bytes({DATA!r});"
        f"store.keep_sdist(folder / {NAME!r}, {SHA256!r})"
    )
    command = [sys.executable, "-c", code, str(store.path)]
    assert subprocess.run(command, check=False).returncode == 9

    found = store.kept_sdist(SHA256)
    assert (found is None) == (at == "share_and_sync")
    assert list(verify(store)) == []
    assert len(store.sweep()) == 1
    assert store.kept_sdist(SHA256) == found
    assert not list(Path(store.root, ".staging").iterdir())
