"""What distributions at hand say of themselves."""

from __future__ import annotations

import zipfile

import pytest

from poach.buildout import at_hand

METADATA = """\
Metadata-Version: 2.1
Name: app
Requires-Dist: pond[loud,Wide_Beak]>=1; python_version > "3"
Requires-Dist: lake
Provides-Extra: Big_Wave
Requires-Dist: sea [deep]; extra == "Big_Wave"

Requires-Dist: nobody[said] this
"""
REQUIRES = "lake\n\n[extra]\npond[loud]\n\n[:python_version > '3']\nsea[deep] >= 1\n"


@pytest.fixture
def eggs(tmp_path):
    """Return a function that gives what is at hand in two folders."""
    for name in ("eggs", "develop"):
        (tmp_path / name).mkdir()
    options = {
        "eggs-directory": str(tmp_path / "eggs"),
        "develop-eggs-directory": str(tmp_path / "develop"),
    }
    return lambda: {one.project: one for one in at_hand.eggs({"buildout": options})}


def write(folder, **files):
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_txt", ".txt")).write_text(text)


def test_an_egg_of_setuptools(eggs, tmp_path):
    egg = tmp_path / "eggs" / "App.Two-1.0_rc1-py3.11.egg"
    write(egg / "EGG-INFO", requires_txt=REQUIRES, entry_points_txt="[poach.patches]")

    (found,) = eggs().values()

    assert (found.project, found.version) == ("app-two", "1.0_rc1")
    assert found.entry_points == b"[poach.patches]"
    assert set(found.wanted_extras()) == {("pond", "loud"), ("sea", "deep")}
    assert list(found.extras()) == ["extra"]


def test_an_egg_of_a_wheel_as_buildout_arranges_it(eggs, tmp_path):
    egg = tmp_path / "eggs" / "app-1.0-py3.11-linux-x86_64.egg"
    write(egg / "app-1.0-py3.11-linux-x86_64.dist-info", METADATA=METADATA)

    found = eggs()["app"]

    assert (found.version, found.entry_points) == ("1.0", b"")
    wanted = {("pond", "loud"), ("pond", "wide-beak"), ("sea", "deep")}
    assert set(found.wanted_extras()) == wanted
    assert list(found.extras()) == ["big-wave"]


def test_a_zipped_egg(eggs, tmp_path):
    with zipfile.ZipFile(tmp_path / "eggs" / "app-1.0-py3.11.egg", "w") as archive:
        archive.writestr("EGG-INFO/requires.txt", REQUIRES)

    assert ("pond", "loud") in set(eggs()["app"].wanted_extras())


@pytest.mark.parametrize("kind", ["egg-info", "dist-info"])
def test_a_develop_egg(eggs, tmp_path, kind):
    write(tmp_path / "src" / f"app.{kind}", requires_txt=REQUIRES, METADATA=METADATA)
    (tmp_path / "develop" / "app.egg-link").write_text(f"{tmp_path / 'src'}\n.")

    found = eggs()["app"]

    assert found.version == ""
    assert ("pond", "loud") in set(found.wanted_extras())


def test_what_pip_installs_in_editable_mode(eggs, tmp_path):
    write(tmp_path / "develop" / "app-1.0.dist-info", METADATA=METADATA)
    (tmp_path / "develop" / "__editable__.app-1.0.pth").write_text("/src")

    assert eggs()["app"].version == "1.0"


def test_bytes_that_are_no_utf_8(eggs, tmp_path):
    folder = tmp_path / "eggs" / "app-1.0-py3.11.egg" / "EGG-INFO"
    write(folder)
    (folder / "requires.txt").write_bytes(b"# \xe9\r\npond[loud]\r\n")

    assert set(eggs()["app"].wanted_extras()) == {("pond", "loud")}


def test_what_is_no_distribution(eggs, tmp_path):
    (tmp_path / "eggs" / "README").write_text("nothing")
    (tmp_path / "eggs" / "empty.egg").mkdir()
    (tmp_path / "develop" / "gone.egg-link").write_text("/nowhere\n")

    assert eggs() == {}


def test_a_zipped_egg_that_is_broken(eggs, tmp_path):
    egg = tmp_path / "eggs" / "app-1.0-py3.11.egg"
    with zipfile.ZipFile(egg, "w") as archive:
        archive.writestr("EGG-INFO/requires.txt", REQUIRES)
    data = egg.read_bytes()
    egg.write_bytes(data.replace(b"pond[loud]", b"pond[cold]"))

    with pytest.raises(ValueError, match=r"app-1\.0-py3\.11\.egg: Bad CRC-32"):
        eggs()


def test_a_link_to_nothing_that_can_be(eggs, tmp_path):
    (tmp_path / "develop" / "app.egg-link").write_bytes(b"/a\0b\n")

    with pytest.raises(ValueError, match="null"):
        eggs()


def test_a_folder_that_is_not_there(eggs, tmp_path):
    (tmp_path / "eggs").rmdir()

    with pytest.raises(FileNotFoundError):
        eggs()


def test_buildout_runs_on_itself():
    assert "zc-buildout" in {dist.project for dist in at_hand.beside_buildout()}
