"""A plain wheel is unpacked without pip, and what comes of it is what pip makes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest
import zc.buildout.easy_install as easy_install

from poach.build import retag
from poach.build.egginfo import EggFailed
from poach.build.pip import Pip
from poach.build.unpacking import is_plain, unpack
from poach.buildout.eggs import BuildoutEggs
from support import CALLER

INFO = "pond-1.0.dist-info"
METADATA = {
    f"{INFO}/METADATA": b"Metadata-Version: 2.1\nName: pond\nVersion: 1.0\n",
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
POINTS = b"[console_scripts]\npond = pond:main\n"

#: What is unlike in what pip writes: who has installed it, and from where.
OF_PIP = {"INSTALLER", "REQUESTED", "direct_url.json"}

FILES = {
    "pond/__init__.py": b"def main():\n    print('quack')\n",
    "pond/latin.py": b"# -*- coding: latin-1 -*-\nname = '\xe4'\n",
    "pond/crlf.py": b"a = 1\r\nb = '''\r\n'''\r\n",
    "pond/template.py": b"class {{ name }}:\n    pass\n",
    "pond/old.py": b"print 'quack'\n",
    "pond/odd.py": b"assert (1, 'always')\nx = 1 is 1\n",
    "pond/empty.txt": b"",
    "pond/with space/\u00e4.dat": bytes(range(256)),
    "top.py": b"import pond\n",
    "moor/part/deep.py": b"x = 1\n",
    f"{INFO}/top_level.txt": b"pond\ntop\n",
    f"{INFO}/entry_points.txt": POINTS,
    f"{INFO}/licenses/LICENSE": b"MIT\n",
}


def make_wheel(folder, files, modes=None):
    """Write a wheel with these files, and with RECORD."""
    path = folder / "pond-1.0-py3-none-any.whl"
    record = f"{INFO}/RECORD"
    rows = "".join(f"{name},,\n" for name in [*METADATA, *files, record])
    with ZipFile(path, "w") as archive:
        for name, data in {**METADATA, **files, record: rows.encode()}.items():
            info = ZipInfo(name, (2020, 2, 2, 2, 2, 2))
            info.external_attr = (modes or {}).get(name, 0o100644) << 16
            archive.writestr(info, data)
    return path


def with_pip(wheel, dest):
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    words = ["--disable-pip-version-check", "--target", dest, wheel]
    subprocess.run([*command, *words], check=True, env={**os.environ, **CALLER})


def with_poach(wheel, dest):
    dest.mkdir()
    read = retag.read(wheel)
    assert is_plain(read)
    unpack(read, dest, Pip(sys.executable), dest.parent / "log")
    assert (dest.parent / "log").read_text() == ""


def content(folder):
    """Return modes and bytes of all files, but for time stamps in compiled ones."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        outside = name.startswith("bin/") or name == "bin"
        if path.name in OF_PIP or path.name == "RECORD" or outside:
            continue
        data = b"" if path.is_dir() or path.suffix == ".pyc" else path.read_bytes()
        found[name] = (path.stat().st_mode, data)
    return found


def recorded(folder):
    (record,) = folder.rglob("RECORD")
    with record.open(encoding="utf-8", newline="") as stream:
        names = [row[0] for row in csv.reader(stream)]
    assert len({*names}) == len(names)
    inside = (name for name in names if not name.startswith(".."))
    return {name for name in inside if name.rpartition("/")[2] not in OF_PIP}


def assert_alike(wheel, folder):
    with_pip(wheel, folder / "pip")
    with_poach(wheel, folder / "poach")

    assert content(folder / "poach") == content(folder / "pip")
    assert recorded(folder / "poach") == recorded(folder / "pip")


def test_what_pip_makes(tmp_path):
    modes = {"pond/with space/\u00e4.dat": 0o100755, "top.py": 0o100600}
    modes |= {"pond/empty.txt": 0o755, "pond/crlf.py": 0o120777}  # no files, they say

    assert_alike(make_wheel(tmp_path, FILES, modes), tmp_path)


@pytest.mark.index
@pytest.mark.parametrize(
    "wheel", ["zope.interface==7.2", "regex==2024.11.6", "Jinja2==3.1.6"]
)
def test_what_pip_makes_of_real_wheels(tmp_path, wheel):
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    words = ["--only-binary=:all:", "-d", tmp_path, wheel]
    subprocess.run([*command, *words], check=True, env={**os.environ, **CALLER})

    assert_alike(next(tmp_path.glob("*.whl")), tmp_path)


def test_the_egg_says_who_made_it(tmp_path):
    wheel = make_wheel(tmp_path, FILES)
    egg = BuildoutEggs(Pip(sys.executable)).make(
        wheel, tmp_path / "egg", tmp_path / "log"
    )

    (info,) = egg.glob("*.dist-info")
    assert (info / "INSTALLER").read_text() == "poach\n"
    assert not (info / "direct_url.json").exists()
    assert f"{INFO}/INSTALLER" in (info / "RECORD").read_text()


ODD = [
    {"pond-1.0.data/scripts/pond": b"#!python\n"},
    {"pond-1.0.data/purelib/pond.py": b""},
    {"../pond.py": b""},
    {"pond/../../pond.py": b""},
    {"/pond.py": b""},
    {"C:/pond.py": b""},
    {"..\\pond.py": b""},
    {"pond": b"", "pond/__init__.py": b""},
    {"pond.py": b"", "Pond.py": b""},
]


@pytest.mark.parametrize("files", ODD, ids=lambda files: " ".join(files))
def test_what_is_left_to_pip(tmp_path, files):
    assert not is_plain(retag.read(make_wheel(tmp_path, files)))


def test_scripts_of_a_wheel_get_where_pip_puts_them(tmp_path):
    files = {**FILES, "pond-1.0.data/purelib/more.py": b"x = 1\n"}
    wheel = make_wheel(tmp_path, files)
    egg = BuildoutEggs(Pip(sys.executable)).make(
        wheel, tmp_path / "egg", tmp_path / "log"
    )

    assert (egg / "more.py").read_bytes() == b"x = 1\n"
    (info,) = egg.glob("*.dist-info")
    assert (info / "INSTALLER").read_text() == "pip\n"


#: Some of what a tool may leave out of RECORD, or writes there in its own spelling.
LACKING = {
    "nothing": lambda name: name.endswith(("METADATA", "WHEEL", "RECORD")),
    "no package": lambda name: not name.startswith("pond/"),
    "no data": lambda name: not name.endswith((".txt", ".dat")),
    "no metadata": lambda name: not name.startswith(INFO),
    "all": lambda name: True,
}


def lacking(folder, listed, spelled=lambda name: name, more=()):
    files = {**METADATA, **FILES, "sub/alone.so": b"\x7fELF", **dict(more)}
    rows = [spelled(name) for name in files if listed(name)]
    record = "".join(f"{row},,\n" for row in rows).encode()
    path = folder / "pond-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for name, data in {**files, f"{INFO}/RECORD": record}.items():
            archive.writestr(ZipInfo(name, (2020, 2, 2, 2, 2, 2)), data)
    return path, files


@pytest.mark.parametrize("listed", LACKING.values(), ids=LACKING)
@pytest.mark.parametrize("more", [{}, {"pond-1.0.data/purelib/p.py": b""}], ids=str)
def test_a_record_that_misses_files_loses_none(tmp_path, listed, more):
    """Buildout makes an egg of what RECORD names, and of what top_level.txt names."""
    path, files = lacking(tmp_path, listed, more=more)
    tagged = retag.retag(path, "1.0+fix", tmp_path)

    egg = BuildoutEggs(Pip(sys.executable)).make(
        tagged, tmp_path / "egg", tmp_path / "log"
    )

    wanted = {name for name in files if not name.startswith("pond-1.0.d")}
    assert not [name for name in wanted if not (egg / name).is_file()]
    with ZipFile(tagged) as archive:
        rows = list(
            csv.reader(
                archive.read("pond-1.0+fix.dist-info/RECORD").decode().splitlines()
            )
        )
        assert sorted(row[0] for row in rows) == sorted(archive.namelist())


def test_a_wheel_that_is_not_retagged_loses_none(tmp_path):
    path, files = lacking(tmp_path, LACKING["no package"])
    dest = tmp_path / "dest"
    dest.mkdir()

    unpack(retag.read(path), dest, Pip(sys.executable), tmp_path / "log")

    rows = csv.reader((dest / INFO / "RECORD").read_text("utf-8").splitlines())
    names = [row[0] for row in rows if row[0] and "__pycache__" not in row[0]]
    assert sorted(names) == sorted(
        {*files, *(f"{INFO}/{name}" for name in ("INSTALLER", "REQUESTED"))}
        | {f"{INFO}/RECORD"}
    )


def test_a_record_in_another_spelling_loses_none(tmp_path):
    path, _ = lacking(tmp_path, LACKING["all"], lambda name: name.replace("/", "\\"))
    tagged = retag.retag(path, "1.0+fix", tmp_path)

    egg = BuildoutEggs(Pip(sys.executable)).make(
        tagged, tmp_path / "egg", tmp_path / "log"
    )

    assert (egg / "sub" / "alone.so").is_file()
    assert (egg / "pond" / "with space" / "\u00e4.dat").is_file()


def test_an_egg_in_a_folder_in_other_words_loses_none(tmp_path):
    """Without top_level.txt buildout takes only what lies below the very path."""
    files = {name: data for name, data in FILES.items() if "top_level" not in name}
    wheel = make_wheel(tmp_path, files)
    dest = tmp_path / "buildout" / ".." / "egg"
    (tmp_path / "buildout").mkdir()

    egg = BuildoutEggs(Pip(sys.executable)).make(wheel, dest, tmp_path / "log")

    wanted = {name for name in files if not name.startswith("pond-1.0.d")}
    assert not [name for name in wanted if not (egg / name).is_file()]


def test_an_egg_that_lacks_files_is_none(tmp_path, monkeypatch):
    path, _ = lacking(tmp_path, LACKING["all"])
    original = easy_install.make_egg_after_pip_install

    def forgetful(dest, dist_info):
        (egg,) = original(dest, dist_info)
        (Path(egg) / "sub").rename(Path(dest) / "sub")
        return [egg]

    monkeypatch.setattr(easy_install, "make_egg_after_pip_install", forgetful)
    with pytest.raises(EggFailed, match=r"zc\.buildout left out sub/alone\.so"):
        BuildoutEggs(Pip(sys.executable)).make(path, tmp_path / "e", tmp_path / "log")
