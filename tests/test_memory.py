"""What a memory covers: whatever is read of a buildout for its pins."""

from __future__ import annotations

import hashlib
import os

import pytest
from zc.buildout.buildout import Buildout, Options

from poach.buildout import memory, settings
from poach.buildout.surroundings import Surroundings

CFG = """
[buildout]
parts =
patch-path = one two
substitutes = others
patched-eggs-directory = store

[versions]
pond = 1.0 +loud

[patches]
loud = loud.patch

[others]
moor = bog
"""


def test_all_options_that_are_read_are_compared(tmp_path, monkeypatch):
    (tmp_path / "buildout.cfg").write_text(CFG)
    buildout = Buildout(str(tmp_path / "buildout.cfg"), [], False, "query")
    read, original = set(), Options.get

    def get(self, option, *default):
        if self.name == "buildout":
            read.add(option)
        return original(self, option, *default)

    monkeypatch.setattr(Options, "get", get)
    settings.read(buildout)

    assert "patch-fuzz" in read
    assert read - {*memory.OPTIONS, *memory.MANNERS} == set()


def test_surroundings(tmp_path):
    for name in ("file", "folder/below"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"quack")
    (tmp_path / "dead").symlink_to("nowhere")
    (tmp_path / "round").symlink_to("round")
    paths = [str(tmp_path / name) for name in ("file", "gone", "file/below")]
    folders = [str(tmp_path), str(tmp_path / "nowhere"), paths[0]]

    there = Surroundings.of(paths, folders)

    digest = hashlib.sha256(b"quack").hexdigest()
    assert [there.files[path] for path in paths] == [digest, None, None]
    names = ["dead?", "file", "folder/", "round?"]
    assert [there.folders[folder] for folder in folders] == [names, None, None]
    assert there.are_as_before()


def test_what_cannot_be_read_is_not_taken_for_nothing(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ValueError, match="no regular file"):
        Surroundings.of([str(tmp_path / "pipe")], [])
