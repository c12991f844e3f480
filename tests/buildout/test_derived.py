"""What programs write beside the files of an egg is no difference, and code is one."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

import poach.cli
from poach.pins.build_key import BuildKey, Target
from poach.remote.bundle import BadBundle, pack, unpack
from poach.store.derived import is_byte_code, is_derived, may_be_rewritten
from poach.store.export import NotExported, export
from poach.store.store import DamagedEntry, Made, Store
from support import dists

NAMES = frozenset(
    {
        *("m.py", "pkg/__init__.py", "pkg/m.py", "pkg/page.pt", "pkg/page.html"),
        *("pkg/locales/de.po", "pkg/Grammar.txt", "pkg/readme", "pkg/_speed.c"),
        *("twisted/plugins/quack.py", "pkg/data.json", "pkg/script"),
    }
)
BYTE_CODE = [
    "__pycache__/m.cpython-311.pyc",
    "pkg/__pycache__/__init__.cpython-311.pyc",
    "pkg/__pycache__/m.cpython-311.opt-2.pyc",
    "pkg/__pycache__/m.cpython-34.pyo",
    "pkg/__pycache__/m.pypy310.pyc",
    "pkg/__pycache__/m.cpython-311.pyc.140234",
    "pkg/__pycache__/m.cpython-311-pytest-8.3.3.pyc",
    "pkg/__pycache__/m.quack-12.py311.nbi",
    "pkg/__pycache__/m.quack-12.py311.1.nbc",
    *("m.pyc", "pkg/m.pyc", "pkg/m.pyo", "pkg/m$py.class"),
]
TEMPLATES = [
    *("pkg/page.pt.py", "pkg/page.pt.cache", "pkg/page.html.py", "pkg/page.pt.pyc"),
    "pkg/__pycache__/page.pt.cpython-311.pyc",
]
DATA = [
    "pkg/locales/de.mo",
    "pkg/Grammar3.11.4.final.0.pickle",
    "twisted/plugins/dropin.cache",
]
CODE = [
    *("new.py", "pkg/new.py", "pkg/new.so", "pkg/m.so", "pkg/_speed.so"),
    *("pkg/m.cpython-311-x86_64-linux-gnu.so", "pkg/m.pyd", "pkg/m/__init__.py"),
    *("pkg/new.pyc", "pkg/readme.py", "pkg/script.pyc", "pkg/script.cache"),
    *("pkg/page.py", "pkg/page.pyc", "pkg/m.py.py", "pkg/m.py.cache"),
    *("pkg/page.pt.so", "pkg/data.json.py", "pkg/.pt.py", "page.pt.py"),
    *("pkg/__pycache__/m.py", "pkg/__pycache__/__init__.py"),
    *("pkg/__pycache__/m.so", "pkg/__pycache__/m.pyc", "pkg/__pycache__/evil.pyc"),
    "pkg/__pycache__/evil.cpython-311.pyc",
    "pkg/__pycache__/sub/m.cpython-311.pyc",
    "pkg/__pycache__/__pycache__/m.cpython-311.pyc",
    "other/__pycache__/m.cpython-311.pyc",
    "pkg/m.cpython-311.pyc",
    *("de.mo", "pkg/locales/fr.mo", "pkg/locales/de.po.mo", "pkg/locales/de.mo.py"),
    *("pkg/Other3.11.4.final.0.pickle", "pkg/Grammar.pickle", "dropin.cache2"),
    "pkg/locales/dropin.cache",
    *("x.pth", "pkg.pth", "sitecustomize.py", "EGG-INFO/scripts/new"),
]


@pytest.mark.parametrize("name", [*BYTE_CODE, *TEMPLATES, *DATA])
def test_derived(name):
    assert is_derived(name, NAMES)


@pytest.mark.parametrize("name", CODE)
def test_not_derived(name):
    assert not is_derived(name, NAMES)
    assert not is_byte_code(name, NAMES)
    assert not may_be_rewritten(name, {*NAMES, name})


def test_of_what_is_derived_only_byte_code_is_never_recorded():
    every = [*BYTE_CODE, *TEMPLATES, *DATA]
    assert [name for name in every if is_byte_code(name, NAMES)] == BYTE_CODE


def test_of_what_is_recorded_only_data_may_be_rewritten():
    every = [*BYTE_CODE, *TEMPLATES, *DATA, *NAMES]
    data = [name for name in every if may_be_rewritten(name, {*NAMES, name})]
    assert data == ["pkg/page.pt.cache", *DATA]


# In a store

VERSION = "1.0+loud.p12345678"
KEY = BuildKey("pond", "1.0", "a" * 64, "b" * 64, Target("py3", "none", "any", "v5"))
EGG = f"pond-{VERSION}-py3.11.egg"
WHEEL = f"pond-{VERSION}-py3-none-any.whl"
RECORD = {
    "format": 1,
    "project": "pond",
    "base": "1.0",
    "version": VERSION,
    "upstream": {"filename": "pond-1.0.tar.gz", "sha256": "a" * 64, "purl": "pkg:x"},
    "names": ["loud"],
    "patches": [],
    "digest": "b" * 64,
    "poach": "0.1",
}
INFO = f"pond-{VERSION}.dist-info"
FILES = {
    "pond/__init__.py": "quack\n",
    "pond/locales/de.po": 'msgid "quack"\nmsgstr "quak"\n',
    "pond/locales/de.mo": "as it was built",
    "pond/page.pt": "<p/>",
}


def make(work):
    egg = work / EGG
    metadata = f"Metadata-Version: 2.1\nName: pond\nVersion: {VERSION}\n"
    more = {"METADATA": metadata, "poach.json": json.dumps(RECORD)}
    files = {**FILES, **{f"{INFO}/{name}": text for name, text in more.items()}}
    for name, text in files.items():
        (egg / name).parent.mkdir(parents=True, exist_ok=True)
        (egg / name).write_text(text)
    (work / WHEEL).write_bytes(dists.wheel("pond", VERSION, FILES))
    return Made(egg, work / WHEEL, RECORD)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def egg(store):
    """An egg of which a program has begun to make use."""
    made = store.get_or_make(VERSION, KEY, make)
    for name in (
        *("pond/__pycache__/__init__.cpython-311.pyc", "pond/page.pt.py"),
        *("pond/page.pt.cache", "pond/locales/de.mo"),
    ):
        path = made.egg / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("what a program wrote")
    return made


def verify(store, capsys):
    code = poach.cli.main(["cache", "verify", "--store", str(store.path)])
    return code, capsys.readouterr().out


def test_what_a_program_wrote_is_no_difference(store, egg, capsys):
    def never(work):
        raise AssertionError("there is nothing to make")

    assert store.find(VERSION, KEY) == egg
    assert store.get_or_make(VERSION, KEY, never) == egg
    assert verify(store, capsys) == (0, "")


@pytest.mark.parametrize("zipped", [False, True])
def test_what_is_exported_is_as_it_was_built(egg, tmp_path, zipped):
    files = export(egg, tmp_path / "out", zipped)

    assert len(files) == 1 + zipped
    for file in files:
        with zipfile.ZipFile(file) as archive:
            assert archive.read("pond/locales/de.mo") == b"as it was built"
            assert "pond/page.pt.py" not in archive.namelist()


def test_a_bundle_is_as_it_was_built(egg, tmp_path):
    pack(egg, KEY, tmp_path / "bundle.zip", None)
    made = unpack(tmp_path / "bundle.zip", tmp_path / "in", VERSION, KEY, None)

    files = [path for path in made.egg.rglob("*") if path.is_file()]
    found = {path.relative_to(made.egg).as_posix() for path in files}
    assert found == {*FILES, f"{INFO}/METADATA", f"{INFO}/poach.json"}
    assert (made.egg / "pond/locales/de.mo").read_text() == "as it was built"


def test_what_nobody_has_any_more_does_not_travel(egg, tmp_path):
    """The catalog was rewritten, and the wheel has another one."""
    egg.wheel.write_bytes(dists.wheel("pond", VERSION, {"pond/locales/de.mo": "x"}))

    with pytest.raises(NotExported, match=r"de\.mo was changed, and .*whl does not"):
        export(egg, tmp_path / "out", zipped=True)
    with pytest.raises(BadBundle, match=r"de\.mo was changed, and .*whl does not"):
        pack(egg, KEY, tmp_path / "bundle.zip", None)


def add_module(egg: Path) -> None:
    (egg / "pond/new.py").touch()


def link_catalog(egg: Path) -> None:
    (egg / "pond/locales/de.mo").unlink()
    (egg / "pond/locales/de.mo").symlink_to("/etc/passwd")


def link_compiled_template(egg: Path) -> None:
    (egg / "pond/page.pt.py").unlink()
    (egg / "pond/page.pt.py").symlink_to("/etc/passwd")


def link_byte_code(egg: Path) -> None:
    (egg / "pond/__pycache__").rename(egg / "../../elsewhere")
    (egg / "pond/__pycache__").symlink_to("../../../elsewhere")


def add_pipe(egg: Path) -> None:
    os.mkfifo(egg / "pond/__init__.pyc")


def add_module_among_byte_code(egg: Path) -> None:
    (egg / "pond/__pycache__/new.py").touch()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (add_module, "pond/new.py should not be there"),
        (link_catalog, "pond/locales/de.mo is a symbolic link"),
        (link_compiled_template, "pond/page.pt.py should not be there"),
        (link_byte_code, "pond/__pycache__ should not be there"),
        (add_pipe, "pond/__init__.pyc should not be there"),
        (add_module_among_byte_code, "pond/__pycache__/new.py should not be there"),
    ],
)
def test_what_no_program_derives_is_a_difference(store, egg, capsys, change, reason):
    change(egg.egg)

    code, out = verify(store, capsys)

    assert code == 1
    assert f": {egg.egg.name}/{reason}\n" in out


@pytest.mark.parametrize("name", ["pond/locales/de.po", "pond/page.pt"])
def test_a_source_in_another_size_is_damage(store, egg, name):
    (egg.egg / name).write_text("shorter")

    with pytest.raises(DamagedEntry):
        store.find(VERSION, KEY)


def test_a_catalog_that_has_gone_is_damage(store, egg):
    (egg.egg / "pond/locales/de.mo").unlink()

    with pytest.raises(DamagedEntry, match=r"de\.mo is missing"):
        store.find(VERSION, KEY)
