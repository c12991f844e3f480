"""What this process has imported of an egg, and from where."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from poach.buildout.eggs_in_use import imported_from_elsewhere


@pytest.fixture
def egg(tmp_path):
    """An egg with a package, one of an old-style namespace, and a module."""
    folder = tmp_path / "store" / "pond.egg"
    for name in ("quackage/__init__.py", "quackns/__init__.py", "quackmod.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "EGG-INFO").mkdir()
    (folder / "EGG-INFO" / "namespace_packages.txt").write_text("quackns\n")
    return folder


@pytest.mark.parametrize(
    ("module", "file", "found"),
    [
        ("quackage", "plain/quackage/__init__.py", True),
        ("quackage", "store/pond.egg/quackage/__init__.py", False),
        ("quackage", "store/pond.egg.old/quackage/__init__.py", True),
        ("quackage.more", "plain/quackage/more.py", False),
        ("quackmod", "plain/quackmod.py", True),
        ("quackns", "plain/quackns/__init__.py", False),
        ("quackage", None, False),
    ],
)
def test_what_was_imported_from_elsewhere(
    egg, tmp_path, monkeypatch, module, file, found
):
    imported = ModuleType(module)
    imported.__file__ = file and str(tmp_path / file)
    monkeypatch.setitem(sys.modules, module, imported)

    expected = [str(tmp_path / file)] if found else []
    assert list(imported_from_elsewhere(str(egg))) == expected


def test_an_egg_that_is_a_link(egg, tmp_path, monkeypatch):
    link = tmp_path / "link.egg"
    link.symlink_to(egg)
    imported = ModuleType("quackmod")
    imported.__file__ = str(egg / "quackmod.py")
    monkeypatch.setitem(sys.modules, "quackmod", imported)

    assert list(imported_from_elsewhere(str(link))) == []
