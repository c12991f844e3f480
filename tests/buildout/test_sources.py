"""Where upstream sdists come from: where buildout's own distributions come from.

A store that has the egg and has forgotten the sdist makes poach fetch and not build.
"""

import hashlib
import io
import os
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter

import pytest
from zc.buildout.easy_install import AllowHostsPackageIndex

from poach.buildout.sources import SUFFIXES
from support.pond import (
    CFG,
    LOUD,
    SOURCE,
    TAGGED,
    WIDE,
    add_plain_pond,
    add_pond,
)

FILE = "/files/pond/pond-1.0.tar.gz"
PAGE = "/simple/pond/"


@pytest.fixture
def warm(warm, tmp_path):
    """A store with the egg of pond 1.0 +loud, that knows and keeps no sdist."""
    store = shutil.copytree(warm, tmp_path / "warm")
    shutil.rmtree(store / "2" / ".known" / "sdists")
    shutil.rmtree(store / "2" / ".sdists", ignore_errors=True)
    return store


@pytest.fixture
def pond(project, warm):
    """Make a project, with more lines for [buildout], which needs the sdist."""

    def make(more="", pin="1.0 +loud", theirs=""):
        text = CFG.replace("parts = app", f"parts = app\n    {more}")
        text = text.replace("1.0 +loud", pin)
        made = project(f"{text}[patches]\n    theirs = {theirs}\n" if theirs else text)
        made.write("patches/pond/loud.patch", LOUD)
        shutil.copytree(warm, made.path / "patched-eggs")
        return made

    return make


@pytest.fixture
def sdist(tmp_path, index):
    """The sdist of the pond, which lies where no index has it."""
    add_pond(index)
    file = index.root / FILE.lstrip("/")
    return file.replace(tmp_path / file.name)


def forget(project):
    """Make the store forget which sdist it has seen."""
    shutil.rmtree(project.path / "patched-eggs/2/.known/sdists")


def drop(project):
    """Remove the sdists that the store keeps."""
    shutil.rmtree(project.path / "patched-eggs/2/.sdists")


def kept(project):
    """Return the only sdist that the store keeps."""
    (found,) = project.path.glob("patched-eggs/2/.sdists/*/*")
    return found


def edit(project):
    """Edit the diff, so that the egg has to be built again."""
    project.write("patches/pond/loud.patch", "Text.\n\n" + LOUD)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_the_index(index, pond):
    add_pond(index)
    add_plain_pond(index)

    assert pond().poach("build").stdout.startswith("pond " + TAGGED)
    assert index.requests == [PAGE, FILE]


@pytest.mark.parametrize("spelling", ["Pond", "POND"])
def test_the_index_by_another_spelling(index, pond, spelling):
    add_pond(index)
    made = pond()
    text = (made.path / "buildout.cfg").read_text()
    made.write("buildout.cfg", text.replace("pond = 1.0", f"{spelling} = 1.0"))

    assert made.poach("build").stdout.startswith(f"{spelling} {TAGGED}")
    assert not index.scanned


def test_a_folder_in_find_links(index, pond, sdist):
    made = pond(f"find-links = {sdist.parent}")

    assert made.poach("build").stdout.startswith("pond " + TAGGED)
    assert not index.scanned


def test_a_url_in_find_links(index, pond, sdist):
    url = index.put("elsewhere/pond-1.0.tar.gz", sdist.read_bytes())

    pond(f"find-links = {url}#sha256={sha256(sdist.read_bytes())}").poach("build")

    assert index.requests[-1] == "/elsewhere/pond-1.0.tar.gz"
    assert not index.scanned


def test_a_url_in_find_links_with_another_digest(index, pond, sdist):
    url = index.put("elsewhere/pond-1.0.tar.gz", sdist.read_bytes())
    made = pond(f"find-links = {url}#sha256={'0' * 64}")

    assert made.poach("build", expect=1).error == (
        f"Cannot fetch the sdist {url}#sha256={'0' * 64}: "
        "sha256 validation failed for pond-1.0.tar.gz; possible download problem?"
    )


def test_a_page_in_find_links(index, pond, sdist):
    index.put("elsewhere/pond-1.0.tar.gz", sdist.read_bytes())
    page = index.put("elsewhere/page.html", '<a href="pond-1.0.tar.gz">pond</a>')

    pond(f"find-links = {page}").poach("build")

    assert "/elsewhere/pond-1.0.tar.gz" in index.requests
    assert not index.scanned


def test_a_local_version_in_find_links_is_not_upstream(index, pond, sdist):
    """It is there for whoever pins it, and is patched already."""
    other = sdist.read_bytes() + b"\0"
    shutil.move(sdist, sdist.with_name("pond-1.0+x.tar.gz"))
    sdist.with_name("pond-1.0+y-1.tar.gz").write_bytes(other)
    made = pond(f"find-links = {sdist.parent}")

    assert made.poach("build", expect=1).error == (
        f"No sdist of pond 1.0 in {index.url}, {sdist.parent}; there are sdists of "
        "1.0+x, 1.0+y.1, and patches need the source"
    )


def test_the_download_cache_is_filled_and_used(index, pond):
    add_pond(index)
    made = pond("download-cache = cache")
    cached = made.path / "cache" / "dist" / "pond-1.0.tar.gz"
    cached.parent.mkdir(parents=True)

    made.run()

    assert cached.read_bytes() == (index.root / FILE.lstrip("/")).read_bytes()
    assert sorted(made.path.glob("cache/dist/**/*")) == [cached]
    assert cached.stat().st_mode & 0o777 == 0o644
    forget(made)
    index.requests.clear()
    made.poach("build")
    assert FILE not in index.requests
    forget(made)
    index.status[PAGE] = 500
    made.poach("build")


def test_a_tampered_file_in_the_download_cache(index, pond):
    add_pond(index)
    made = pond("download-cache = cache")
    cached = made.path / "cache" / "dist" / "pond-1.0.tar.gz"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"tampered")

    assert made.run(expect=1).error == (
        f"Wrong sha256 for the sdist {cached}:\n"
        f"    expected {sha256((index.root / FILE.lstrip('/')).read_bytes())} "
        "(from the index)\n"
        f"    found    {sha256(b'tampered')}\n"
        "remove the file if the index is right"
    )


def test_install_from_cache(index, pond, sdist):
    made = pond("download-cache = cache\n    install-from-cache = true")
    (made.path / "cache" / "dist").mkdir(parents=True)
    shutil.copy(sdist, made.path / "cache" / "dist")

    made.run()

    assert index.requests == []
    assert made.script("pond").stdout.startswith("QUACK")


def test_install_from_an_empty_cache(index, pond):
    add_pond(index)
    made = pond("download-cache = cache\n    install-from-cache = true")
    cache = made.path / "cache" / "dist"
    cache.mkdir(parents=True)

    error = made.run(expect=1).error

    assert error.startswith("No sdist of pond 1.0 in ")
    assert str(cache) in error
    assert index.requests == []


@pytest.fixture
def not_allowed(index, pond, sdist):
    """The error where both index and find-links are on a host that is refused."""
    url = index.put("elsewhere/pond-1.0.tar.gz", sdist.read_bytes())
    made = pond(f"find-links = {url}\n    allow-hosts = pypi.org")
    return made.poach("build", expect=1).error


def test_a_host_that_is_not_allowed(index, not_allowed):
    assert not_allowed.startswith(f"No sdist of pond 1.0 in {index.url}")
    assert index.requests == []


def test_a_host_that_is_not_allowed_is_named(not_allowed):
    assert "allow-hosts" in not_allowed


def test_offline(index, pond):
    add_pond(index)
    made = pond()

    for run in (made.run, made.poach):
        words = () if run == made.run else ("build",)
        error = run(*words, "-o", expect=1).error
        assert error.startswith(f"There is no patched egg of pond {TAGGED}")
    assert index.requests == []


def test_only_a_wheel(index, pond):
    add_plain_pond(index)

    assert pond().poach("build", expect=1).error == (
        f"No sdist of pond 1.0 in {index.url}; there is no sdist of any version, and "
        "patches need the source"
    )


def test_the_nearest_versions_are_named(index, pond):
    for version in ("0.1", "0.2", "0.3", "0.4", "0.9", "1.0.1", "1.1", "1.2", "2.0"):
        index.add("pond", f"pond-{version}.tar.gz", b"")

    assert pond().poach("build", expect=1).error == (
        f"No sdist of pond 1.0 in {index.url}; there are sdists of 0.3, 0.4, 0.9, "
        "1.0.1, 1.1, 1.2, and patches need the source"
    )


def with_password(made):
    """Give the URL of the index of a project a password."""
    text = (made.path / "buildout.cfg").read_text()
    made.write("buildout.cfg", text.replace("http://", "http://jane:s3cr3t@"))


@pytest.mark.parametrize("broken", [False, True])
def test_no_secret_gets_anywhere(index, pond, broken):
    """Neither into a file of the store or of the project, nor into what is printed."""
    setup = "import sys; print(sys.argv); assert 0" if broken else None
    files = {"setup.py": setup} if broken else {}
    index.add_sdist("pond", "1.0", {"src/pond/__init__.py": SOURCE, **files})
    page = index.put("links.html", "").replace("//", "//jane:hush1@")
    made = pond(f"find-links = {page}?token=hush2")
    parts = "recipe = poach:egg\n    egg = pond\n    environment = vars"
    text = (made.path / "buildout.cfg").read_text()
    text = re.sub(r"recipe = .*\n *eggs = pond", parts, text)
    made.write("buildout.cfg", text + "[vars]\nTOKEN = hush3\n")

    results = [
        made.poach("build", "-vv", expect=1 if broken else 0),
        made.poach("list", "--json"),
        made.poach("cache", "list", "--json"),
    ]

    for result in results:
        assert "hush" not in result.output
    assert "Reading " in results[0].stderr
    files = [path for path in made.path.rglob("*") if path.is_file()]
    with_secret = [path.name for path in files if b"hush" in path.read_bytes()]
    assert with_secret == ["buildout.cfg"]
    assert broken == any(path.suffix == ".log" for path in files)


@pytest.mark.parametrize("command", ["run", "poach"])
def test_no_secret_is_logged(index, pond, command):
    """Neither by poach nor by buildout and setuptools while poach is at work."""
    index.add_sdist("pond", "1.0", {"src/pond/__init__.py": SOURCE})
    page = index.put("links.html", "").replace("//", "//jane:hush1@")
    made = pond(f"find-links = {page}?token=hush2")
    config = made.path / "buildout.cfg"
    text = config.read_text().replace("http://127", "http://jane:hush1@127")
    config.write_text(text.replace("jane:hush1@jane:hush1@", "jane:hush1@"))

    # With -vv buildout prints its configuration, before any extension is loaded.
    words = {"run": [["-v"]], "poach": [["build", "-vv"], ["graph", "-vv"]]}[command]
    for each in words:
        shutil.rmtree(made.path / "patched-eggs/2/.sdists", ignore_errors=True)
        result = getattr(made, command)(*each, expect=None)
        assert "links.html" in result.stderr + result.stdout
        assert "hush" not in result.output


def test_no_secret_of_a_diff_is_logged(index, pond):
    """urllib3 logs each request: path and query, without what makes it a URL."""
    index.add_sdist("pond", "1.0", {"src/pond/__init__.py": SOURCE})
    url = index.put("loud.patch", LOUD).replace("//", "//jane:hush1@")
    location = f"{url}?token=hush2#sha256={hashlib.sha256(LOUD.encode()).hexdigest()}"
    made = pond()
    config = made.path / "buildout.cfg"
    config.write_text(f"{config.read_text()}\n[patches]\nloud = {location}\n")

    for command in (["list"], ["build"], ["graph"]):
        assert "hush" not in made.poach(*command, "-vv").output
    assert "hush" not in made.run("-v").output
    assert [path for path in index.requests if "token=hush2" in path]


def test_the_password_of_the_index_is_not_shown(index, pond):
    add_plain_pond(index)
    made = pond("find-links = http://jane:s3cr3t@127.0.0.1:1/?token=s3cr3t&id=1")
    with_password(made)

    assert made.poach("build", expect=1).error == (
        f"No sdist of pond 1.0 in {index.url}, http://127.0.0.1:1/?token=***&id=1; "
        "http://127.0.0.1:1/?token=***&id=1 cannot be read, and patches need the source"
    )


def test_the_password_of_a_file_that_is_not_delivered_is_not_shown(index, pond):
    add_pond(index)
    index.status[FILE] = 500
    made = pond()
    with_password(made)

    error = made.poach("build", expect=1).error

    assert error.startswith(f"Cannot fetch the sdist {index.base}{FILE}#sha256=")
    assert "s3cr3t" not in error


def test_the_formats_that_buildout_knows():
    """What it does not list poach cannot pick; so SUFFIXES has no more than it."""
    module = sys.modules[AllowHostsPackageIndex.scan_url.__module__]
    assert set(SUFFIXES) == set(module.EXTENSIONS)


def unknown(where, file):
    return (
        f"No sdist of pond 1.0 that zc.buildout can use in {where}: {file} is there, "
        "and it takes only .tar.gz, .tgz, .tar.bz2, .tar, .zip; unpack that, pack the "
        "same folder as pond-1.0.tar.gz, and put it into find-links"
    )


@pytest.mark.every_buildout
@pytest.mark.parametrize("file", ["pond-1.0.tar.xz", "Pond-1.0.0.tar.zst"])
def test_another_format_on_the_index(index, pond, sdist, file):
    index.add("pond", file, sdist.read_bytes())

    assert pond().poach("build", expect=1).error == unknown(index.url, file)


@pytest.mark.every_buildout
def test_another_format_in_a_folder(index, pond, sdist):
    made = pond("find-links = links")
    made.write("links/pond-1.0.txz", "")

    assert made.run(expect=1).error == unknown(f"{index.url}, links", "pond-1.0.txz")


@pytest.mark.parametrize(
    "file", ["pond-1.1.tar.xz", "pond-two-1.0.tar.xz", "pond.tar.xz", "pond-1.0.whl.xz"]
)
def test_another_format_of_something_else(index, pond, sdist, file):
    index.add("pond", file, sdist.read_bytes())

    assert pond().poach("build", expect=1).error == (
        f"No sdist of pond 1.0 in {index.url}; there is no sdist of any version, and "
        "patches need the source"
    )


@pytest.mark.parametrize("damage", ['{"x": 1}', '{"sha256": null}', "[]", "{"])
def test_a_damaged_note_counts_as_none(index, pond, damage):
    add_pond(index)
    made = pond()
    made.poach("build")
    note = made.path / "patched-eggs/2/.known/sdists/pond-1.0.json"
    good = note.read_text()
    note.write_text(damage)

    made.poach("build")

    assert note.read_text() == good


def test_nothing_stays_in_the_temporary_folder(index, pond, home):
    """What a killed run leaves lies in the store, where the next one sweeps."""
    add_pond(index)
    index.status[FILE] = 500
    made = pond()
    made.poach("build", expect=1)

    assert not list((home / "tmp").glob("poach-*"))
    assert not list(made.path.glob("patched-eggs/2/.staging/*"))


def test_a_project_that_nobody_knows(index, pond):
    assert pond().run(expect=1).error == (
        f"No sdist of pond 1.0 in {index.url}; there is no sdist of any version, and "
        "patches need the source"
    )
    assert not index.scanned


@pytest.mark.parametrize("status", [404, 500])
def test_an_index_that_does_not_answer_is_not_scanned(index, pond, status):
    add_pond(index)
    index.status[PAGE] = status

    assert "root: HTTP error: " in pond().run(expect=1).stdout
    assert not index.scanned


@pytest.mark.parametrize("status", [403, 503])
def test_an_index_that_does_not_answer_is_reported(index, pond, status):
    """It is not the same as an index that has no sdist."""
    add_pond(index)
    index.status[PAGE] = status

    error = pond().run(expect=1).error

    assert "there is no sdist of any version" not in error
    assert ("USER:PASSWORD@ before the host in the URL" in error) == (status == 403)


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_file_that_is_not_delivered(index, pond, status):
    add_pond(index)
    index.status[FILE] = status

    error = pond().run(expect=1).error

    assert error.startswith(f"Cannot fetch the sdist {index.base}{FILE}#sha256=")
    assert f"Can't download {index.base}{FILE}#sha256=" in error
    assert f": {status} " in error
    assert ("USER:PASSWORD@ before the host in the URL" in error) == (status == 401)


def test_a_file_that_is_not_the_one_of_the_index(index, pond):
    """Buildout itself verifies what it downloads."""
    add_pond(index)
    page = index.put("page.html", f'<a href="{FILE}#sha256={"0" * 64}">pond</a>')
    index.status[PAGE] = 404

    error = pond(f"find-links = {page}").run(expect=1).error

    assert "sha256 validation failed for pond-1.0.tar.gz" in error


def test_an_edited_diff_needs_no_index(index, pond):
    """The note says which sdist is right, and the store keeps that one."""
    add_pond(index)
    made = pond()
    made.poach("build")
    (index.root / FILE.lstrip("/")).unlink()
    index.requests.clear()
    edit(made)

    done = made.poach("build")

    assert "Built pond" in done.output
    assert "Getting the sdist" not in done.output
    assert index.requests == []
    assert made.poach("graph", "-o").stdout.startswith("pond 1.0 +loud\n")
    assert made.poach("cache", "verify").returncode == 0


@pytest.mark.parametrize("command", ["build", "graph"])
def test_a_damaged_sdist_is_fetched_again(index, pond, command):
    add_pond(index)
    made = pond()
    made.poach("build")
    kept(made).write_bytes(b"damaged")
    index.requests.clear()
    edit(made)

    done = made.poach(command)

    assert "Damaged: " in done.stderr
    assert index.requests == [PAGE, FILE]
    assert kept(made).read_bytes() == (index.root / FILE.lstrip("/")).read_bytes()
    assert made.poach("cache", "verify").returncode == 0


def test_a_damaged_sdist_offline(index, pond):
    add_pond(index)
    made = pond()
    made.poach("build")
    file = kept(made)
    file.write_bytes(b"damaged")

    assert made.poach("graph", "-o", expect=1).error == (
        "The sdist of pond 1.0 is needed and cannot be had in offline (no-install) "
        f"mode; the sdist kept in {file.parent} is damaged (it has other bytes)"
    )


def test_with_a_download_cache_both_have_the_sdist(index, pond):
    add_pond(index)
    made = pond("download-cache = downloads")
    (made.path / "downloads").mkdir()
    made.poach("build")
    (cached,) = made.path.glob("downloads/**/pond-1.0.tar.gz")

    assert cached.read_bytes() == kept(made).read_bytes()
    cached.unlink()
    index.requests.clear()
    edit(made)
    made.poach("build")
    assert index.requests == []


def test_what_lies_in_find_links_is_not_kept(index, pond, sdist):
    made = pond(f"find-links = {sdist.parent}")
    made.poach("build")

    assert not list(made.path.glob("patched-eggs/2/.sdists"))


def test_where_no_sdist_can_be_kept(index, pond):
    add_pond(index)
    made = pond()
    made.write("patched-eggs/2/.sdists", "")
    made.poach("build")
    edit(made)
    index.requests.clear()

    assert "Built pond" in made.poach("build").output
    assert index.requests == [PAGE, FILE]


def test_what_the_index_promises_is_not_fetched_if_it_is_kept(index, pond):
    """The note was removed, as a message tells users to, and nothing has changed."""
    add_pond(index)
    made = pond()
    made.poach("build")
    forget(made)
    index.requests.clear()

    made.poach("build")

    assert index.requests == [PAGE]


def test_a_changed_sdist(index, pond):
    """The store goes on with the one it knows, and builds no other by itself."""
    add_pond(index)
    made = pond()
    made.poach("build")
    old = sha256((index.root / FILE.lstrip("/")).read_bytes())
    index.add_sdist("pond", "1.0", {"src/pond/__init__.py": SOURCE + "\nnew = 1\n"})
    new = sha256((index.root / FILE.lstrip("/")).read_bytes())
    made.poach("build")
    drop(made)
    edit(made)
    note = made.path / "patched-eggs/2/.known/sdists/pond-1.0.json"

    assert made.poach("build", expect=1).error == (
        "The sdist of pond 1.0 has changed:\n"
        f"    seen before {old} ({index.base}{FILE})\n"
        f"    found now   {new} ({index.base}{FILE})\n"
        f"if the new one is right, remove {note}"
    )
    note.unlink()
    made.poach("build")
    (egg,) = made.path.glob("patched-eggs/2/pond/*/*/*.egg/pond/../../entry.json")
    assert new in note.read_text()
    assert egg.exists()


def as_zip(sdist):
    """The files of a tar.gz in a zip."""
    buffer = io.BytesIO()
    with tarfile.open(sdist) as archive, zipfile.ZipFile(buffer, "w") as zipped:
        for member in archive:
            zipped.writestr(member.name, archive.extractfile(member).read())
    return buffer.getvalue()


def test_a_zip(index, pond, sdist):
    index.add("pond", "pond-1.0.zip", as_zip(sdist))
    made = pond()

    made.run()

    assert made.script("pond").stdout.startswith("QUACK")


def test_a_zip_beside_a_known_tar_gz_changes_nothing(index, pond):
    add_pond(index)
    made = pond()
    made.poach("build")
    tar = index.root / FILE.lstrip("/")
    index.add("pond", "pond-1.0.zip", as_zip(tar))
    drop(made)
    edit(made)

    made.poach("build")

    assert not [path for path in index.requests if path.endswith(".zip")]


def test_a_tar_gz_beside_a_known_zip_changes_nothing(index, pond, sdist):
    index.add("pond", "pond-1.0.zip", as_zip(sdist))
    made = pond()
    made.poach("build")
    index.add("pond", "pond-1.0.tar.gz", sdist.read_bytes())
    drop(made)
    edit(made)

    made.poach("build")

    assert FILE not in index.requests


def test_of_a_tar_gz_and_a_zip_the_tar_gz_is_taken(index, pond):
    add_pond(index)
    index.add("pond", "pond-1.0.zip", as_zip(index.root / FILE.lstrip("/")))

    pond().poach("build")

    assert FILE in index.requests


def two(index, sdist, promise=True):
    """Put another sdist of the same name elsewhere; return a page that links to it."""
    other = sdist.read_bytes() + b"\0"
    url = index.put("elsewhere/pond-1.0.tar.gz", other)
    fragment = f"#sha256={sha256(other)}" * promise
    page = index.put("elsewhere/page.html", f'<a href="{url}{fragment}">pond</a>')
    return page, url, sha256(other)


def test_two_places_with_different_bytes(index, pond):
    add_pond(index)
    ours = index.root / FILE.lstrip("/")
    page, url, digest = two(index, ours)
    made = pond(f"find-links = {page.replace('//', '//jane:secret@')}")

    lines = made.poach("build", expect=1).error.splitlines()

    assert lines[0] == (
        "The sdist pond-1.0.tar.gz is not the same everywhere; the sha256 is:"
    )
    assert sorted(lines[1:3]) == sorted(
        [f"    {digest} {url}", f"    {sha256(ours.read_bytes())} {index.base}{FILE}"]
    )
    assert lines[3] == "take the wrong place out of index and find-links"
    assert FILE not in index.requests


def test_a_place_that_promises_a_digest_is_asked_first(index, pond):
    add_pond(index)
    page, _, _ = two(index, index.root / FILE.lstrip("/"), promise=False)

    pond(f"find-links = {page}").poach("build")

    assert FILE in index.requests
    assert "/elsewhere/pond-1.0.tar.gz" not in index.requests


def test_a_known_sdist_is_distinguished_from_another_of_its_name(index, pond):
    add_pond(index)
    made = pond(f"find-links = {index.put('elsewhere/page.html', '')}")
    made.poach("build")
    two(index, index.root / FILE.lstrip("/"))
    drop(made)
    edit(made)
    index.requests.clear()

    made.poach("build")

    assert FILE in index.requests
    assert "/elsewhere/pond-1.0.tar.gz" not in index.requests


def test_a_base_that_spells_the_version_otherwise(index, pond):
    """1.0.0 is 1.0 (PEP 440), for buildout too."""
    add_pond(index)
    made = pond(pin="1.0.0 +loud")

    made.run()

    assert made.script("pond").stdout.startswith("QUACK")


@pytest.mark.parametrize("name", ["Big.Pond_x", "big-pond-x", "big_pond_x"])
def test_the_names_of_sdists(index, pond, sdist, name):
    """With the project's name verbatim, or as PEP 625 has it."""
    index.add("big-pond-x", f"{name}-1.0.tar.gz", sdist.read_bytes())
    made = pond()
    text = (made.path / "buildout.cfg").read_text()
    made.write("buildout.cfg", text.replace("pond = 1.0", "Big.Pond-x = 1.0"))
    made.write("patches/big.pond.x/loud.patch", "")

    # The diff is empty, so the sdist was found and unpacked.
    assert "'loud'" in made.poach("build", expect=1).error


def test_a_diff_in_the_sdist_of_another_project(index, pond):
    add_pond(index)
    index.add_sdist("other", "2.0", {"diffs/loud.patch": LOUD})
    made = pond(pin="1.0 +theirs", theirs="sdist:Other==2.0/diffs/loud.patch")
    made.poach("list")
    index.requests.clear()

    assert made.poach("list", "-o").stdout.splitlines()[-3:] == [
        "  +theirs (buildout.cfg:13)",
        "    sdist:Other==2.0/diffs/loud.patch",
        f"    sha256 {sha256(LOUD.encode())}",
    ]
    assert index.requests == []
    assert not index.scanned


def test_a_diff_that_is_not_in_the_sdist(index, pond):
    index.add_sdist("other", "2.0", {"diffs/loud.patch": LOUD})
    made = pond(pin="1.0 +theirs", theirs="sdist:other==2.0/diffs/lout.patch")

    error = made.poach("list", expect=1).error

    assert error.startswith(
        "Patch 'theirs' of pond 1.0 (buildout.cfg:13, defined in buildout.cfg:15): "
    )
    assert "diffs/lout.patch" in error


# How often


@pytest.mark.parametrize("command", ["buildout", "poach build"])
def test_an_sdist_is_fetched_once_in_a_run(project, index, command):
    """Also where its extras are read before it is built, and a diff is out of it."""
    for name in ("pond", "lake"):
        add_pond(index, name)
    index.add_sdist("carrier", "1.0", {"loud.patch": LOUD, "wide.patch": WIDE})
    made = project(
        CFG.replace("eggs = pond", "eggs = pond\n        lake").replace(
            "pond = 1.0 +loud",
            """pond = 1.0 +loud +wide
    lake = 1.0 +loud

    [patches]
    loud = sdist:carrier==1.0/loud.patch
    wide = sdist:carrier==1.0/wide.patch""",
        )
    )

    done = made.run() if command == "buildout" else made.poach("build")

    for name in ("pond", "lake"):
        assert done.output.count(f"Getting the sdist of {name} 1.0.") == 1
    asked = Counter(p for p in index.requests if re.search("pond|lake|carrier", p))
    assert asked == Counter(
        path
        for name in ("pond", "lake", "carrier")
        for path in (f"/simple/{name}/", f"/files/{name}/{name}-1.0.tar.gz")
    )
    assert list((made.path / "patched-eggs/2/.staging").iterdir()) == []


def test_an_sdist_that_is_nowhere_is_sought_twice_and_reported_once(project):
    """Its extras are read first, and nothing is lost if they are not."""
    made = project(CFG)
    made.write("patches/pond/1.0/loud.patch", LOUD)

    done = made.run(expect=1)

    assert done.output.count("Getting the sdist of pond 1.0.") == 1
    assert "No sdist of pond 1.0" in done.error


def test_a_diff_out_of_an_sdist_on_a_full_disk(project, index):
    """It lies in the store until the run ends, and is reported like all else there."""
    add_pond(index)
    index.add_sdist("carrier", "1.0", {"loud.patch": LOUD, "x": os.urandom(2_000_000)})
    patches = "[patches]\n    loud = sdist:carrier==1.0/loud.patch\n"
    made = project(f"{CFG}\n    {patches}")

    done = subprocess.run(
        [made.environment.program("buildout")],
        cwd=made.path,
        env=dict(made.variables),
        capture_output=True,
        encoding="utf-8",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6)),
        check=False,
    )

    assert done.returncode == 1
    assert ": Cannot write to the patched-egg store " in done.stderr, done
    assert "make room there" in done.stderr
