"""Sdists that the store keeps are found without an index."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from poach.buildout.sources import BuildoutSources, Offline
from poach.store.store import Store

DATA = b"an sdist"
SHA256 = hashlib.sha256(DATA).hexdigest()
SOURCE = "https://example.com/pond-1.0.tar.gz"


@pytest.fixture
def store(tmp_path):
    """A store that keeps the sdist of pond 1.0, and has noted it."""
    store = Store(tmp_path / "store")
    with store.scratch() as scratch:
        (scratch / "1").mkdir()
        (scratch / "1" / "pond-1.0.tar.gz").write_bytes(DATA)
        store.keep_sdist(scratch / "1" / "pond-1.0.tar.gz", SHA256)
    facts = {"file": "pond-1.0.tar.gz", "sha256": SHA256, "source": SOURCE}
    store.remember("sdists", "pond-1.0", facts)
    return store


def never():
    raise AssertionError("there is nothing to fetch")


def test_the_noted_one_is_found(store):
    found = BuildoutSources(store, offline=True).find("Pond", "1.0", never)

    assert found.path == store.root / ".sdists" / SHA256 / "pond-1.0.tar.gz"
    assert (found.sha256, found.source) == (SHA256, SOURCE)


def test_one_that_is_not_noted_is_not_found(store):
    store.note_path("sdists", "pond-1.0").unlink()

    with pytest.raises(Offline) as caught:
        BuildoutSources(store, offline=True).find("pond", "1.0")
    assert not caught.value.damage


def test_one_that_another_process_prunes_is_sought_again(store):
    sources = BuildoutSources(store, offline=True)
    sources.find("pond", "1.0")
    shutil.rmtree(store.root / ".sdists")

    with pytest.raises(Offline):
        sources.find("pond", "1.0")
