"""Diffs are read from files, servers and sdists, and never without their digest."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import socket
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest

from poach.applier.diff import DiffError, parse
from poach.archives.sdist import BadArchive, MemberMissing
from poach.catalog.fetch import FetchFailed, HttpFetcher
from poach.catalog.ports import Sdist
from poach.catalog.reader import (
    DiffMissing,
    DiffReader,
    NoDiff,
    Unpinned,
    WrongDigest,
    _is_page,
)
from poach.errors import PoachError
from poach.pins.location import Location
from poach.store.store import Store
from support import Index, dists

DIFF = b"--- a\n+++ b\n@@ -1 +1 @@\n-x\r\n+\xff\x85\n\\ No newline at end of file"
MEMBER = "sdist:Carrier==1.0/patches/fix.patch"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Sdists:
    """A `SourceFinder` over archives in memory."""

    folder: Path
    archives: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def find(self, project: str, version: str) -> Sdist:
        self.asked.append((project, version))
        if (project, version) not in self.archives:
            raise PoachError(f"no sdist of {project} {version}")
        name, data = self.archives[project, version]
        (self.folder / name).write_bytes(data)
        return Sdist(self.folder / name, sha256(data))


def tar_gz(diff=DIFF):
    files = {"patches/fix.patch": diff, "other.diff": b""}
    return "Carrier-1.0.tar.gz", dists.sdist("Carrier", "1.0", files)


def zipped(diff=DIFF):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Carrier-1.0/patches/", b"")
        archive.writestr("Carrier-1.0/patches/fix.patch", diff)
    return "Carrier-1.0.zip", buffer.getvalue()


@pytest.fixture
def sdists(tmp_path):
    return Sdists(tmp_path, {("Carrier", "1.0"): tar_gz()})


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def reader(store, sdists):
    return DiffReader(store, sdists, HttpFetcher())


def offline(reader):
    return DiffReader(reader.store, Sdists(Path()), HttpFetcher(offline=True))


def digest(reader, text):
    return reader.digest(Location.parse(text))


def read(reader, text, expected=DIFF):
    return reader.read(Location.parse(text), sha256(expected))


def refusal(function, *args):
    with pytest.raises(PoachError) as caught:
        function(*args)
    return caught.value


# Files


def test_a_file(reader, tmp_path):
    file = tmp_path / "a b é.patch"
    file.write_bytes(DIFF)

    assert digest(reader, str(file)) == sha256(DIFF)
    assert digest(reader, f"{file}#sha256={sha256(DIFF)}") == sha256(DIFF)
    assert digest(reader, file.as_uri()) == sha256(DIFF)
    assert read(reader, str(file)) == DIFF
    assert not reader.store.path.exists()


def test_a_file_with_another_digest(reader, tmp_path):
    file = tmp_path / "a.patch"
    file.write_bytes(DIFF)

    error = refusal(digest, reader, f"{file}#sha256={sha256(b'')}")

    assert isinstance(error, WrongDigest)
    assert str(error) == (
        f"wrong sha256 for {file}:\n"
        f"    expected {sha256(b'')} (pinned)\n"
        f"    found    {sha256(DIFF)}\n"
        "look at what has changed; "
        f"if that is right, pin it: sha256={sha256(DIFF)}"
    )


def test_a_file_that_changes_before_it_is_applied(reader, tmp_path):
    file = tmp_path / "a.patch"
    file.write_bytes(b"changed")
    reader.store.keep_diff(DIFF)  # which must not be taken in its place

    error = refusal(read, reader, str(file))

    assert isinstance(error, WrongDigest)
    assert "(seen before)" in str(error)
    assert str(error).endswith("run again if that is right")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent", "No such file or directory"),
        (".", "it is not a regular file"),
        ("a.patch/b", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_no_such_file(reader, tmp_path, name, reason):
    (tmp_path / "a.patch").write_bytes(DIFF)
    path = tmp_path / name

    error = refusal(digest, reader, str(path))

    assert isinstance(error, DiffMissing)
    assert str(error) == f"cannot read the diff {path}: {reason}"


# Servers


def test_a_pinned_url_is_fetched_once(reader, index: Index):
    url = index.put("fix.patch", DIFF) + f"#sha256={sha256(DIFF)}"

    assert digest(reader, url) == sha256(DIFF)
    assert index.requests == []
    assert read(reader, url) == DIFF
    assert read(reader, url) == DIFF
    assert index.requests == ["/fix.patch"]
    assert read(offline(reader), url) == DIFF


def test_a_url_without_digest_prints_the_location_to_paste(reader, index: Index):
    url = index.put("fix.patch", DIFF)

    error = refusal(digest, reader, f"{url}#strip=1")

    assert isinstance(error, Unpinned)
    assert str(error) == (
        f"a diff from a URL needs its sha256; if you trust what {url} has now, "
        f"pin it with this location:\n    {url}#sha256={sha256(DIFF)}&strip=1"
    )
    assert not reader.store.path.exists()


def test_a_url_with_another_digest(reader, index: Index):
    url = index.put("fix.patch", b"evil")

    error = refusal(read, reader, f"{url}#sha256={sha256(DIFF)}")

    assert isinstance(error, WrongDigest)
    assert str(error) == (
        f"wrong sha256 for {url}:\n"
        f"    expected {sha256(DIFF)} (pinned)\n"
        f"    found    {sha256(b'evil')}\n"
        "look at what has changed; "
        f"if that is right, pin it: sha256={sha256(b'evil')}"
    )
    assert reader.store.kept_diff(sha256(b"evil")) is None


def test_a_kept_diff_that_was_damaged_is_fetched_again(reader, index: Index):
    url = index.put("fix.patch", DIFF) + f"#sha256={sha256(DIFF)}"
    read(reader, url)
    (reader.store.root / ".diffs" / sha256(DIFF)).write_bytes(DIFF[:-1])

    assert read(reader, url) == DIFF
    assert reader.store.kept_diff(sha256(DIFF)) == DIFF
    assert len(index.requests) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 500])
@pytest.mark.parametrize("pinned", [True, False])
def test_a_server_that_refuses(reader, index: Index, status, pinned):
    url = index.put("fix.patch", DIFF)
    index.status["/fix.patch"] = status
    location = Location.parse(f"{url}#sha256={sha256(DIFF)}" if pinned else url)

    error = refusal(
        *(
            (reader.read, location, sha256(DIFF))
            if pinned
            else (reader.digest, location)
        )
    )

    assert isinstance(error, FetchFailed)
    login = ""
    if status in (401, 403):
        login = (
            ": if it wants a login, write 'machine 127.0.0.1 login USER password "
            "PASSWORD' into ~/.netrc, which only you may read"
        )
    if status == 404:
        login = (
            ": check the address; some servers also answer so if a login is needed (in "
            "~/.netrc)"
        )
    words = f"cannot get {url}: the server answers with status {status}{login}"
    assert str(error) == words


def test_a_redirect_is_followed(reader, index: Index):
    # The index answers this with 301 to its page of the project of this name.
    index.add("fix", "x", b"")

    error = refusal(digest, reader, f"{index.base}/simple/Fix")

    assert isinstance(error, NoDiff)  # but a page
    assert index.requests == ["/simple/Fix", "/simple/fix/"]


def test_a_proxy_that_wants_a_login(reader, index: Index):
    url = index.put("fix.patch", DIFF)
    index.status["/fix.patch"] = 407

    assert str(refusal(digest, reader, url)) == (
        f"cannot get {url}: the server answers with status 407: the proxy wants a "
        "login; write USER:PASSWORD@ before the host in the variables https_proxy and "
        "http_proxy"
    )


def test_what_a_server_says_does_not_command_the_terminal(reader):
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(
            target=_answer, args=(server, b"HTTP\x1b]0;evil\x07 200\r\n\r\n")
        )
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/fix.patch"
        error = refusal(digest, reader, url)
        thread.join()

    assert isinstance(error, FetchFailed)
    assert "evil" in str(error)
    assert str(error).isprintable()


def _answer(server: socket.socket, data: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(data)


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_diff_that_is_compressed_on_the_way(reader, coding):
    """It would grow, and its digest is that of what is unpacked."""
    said = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n".encode()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=_answer, args=(server, said + gzip.compress(DIFF)))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/fix.patch"
        error = refusal(digest, reader, url)
        thread.join()

    assert str(error) == (
        f"cannot get {url}: it is encoded ({coding}), but poach did not ask for that"
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_login_that_a_server_refuses(reader, index: Index, status):
    url = index.put("fix.patch", DIFF)
    index.status["/fix.patch"] = status

    error = refusal(digest, reader, url.replace("//", "//jane:secret@"))

    assert str(error) == (
        f"cannot get {url}: the server answers with status {status}: it refuses the "
        "user and password of the URL, or of ~/.netrc"
    )


PAGES = [
    b"<!DOCTYPE html>\n<html><form action='/login'></form></html>",
    b"\xef\xbb\xbf\r\n <HTML lang=en>",
    b"<!-- a comment -->\n<!-- another -->\n<html>",
    b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">',
    b"<head><title>fix.patch</title></head>",
    b"<html><body><pre>\n" + DIFF + b"</pre></body></html>",
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("pinned", ["", f"#sha256={64 * 'a'}"])
def test_a_web_page_is_not_offered_to_be_pinned(reader, index: Index, page, pinned):
    """Servers send one where they want a login; its digest is nobody's diff."""
    url = index.put("fix.patch", page)

    error = refusal(read if pinned else digest, reader, f"{url}{pinned}")

    assert isinstance(error, NoDiff)
    assert str(error) == (
        f"{url} has no usable diff now: it is a web page; take the "
        "address of the raw file, and if the server wants a login write it into "
        "~/.netrc (machine 127.0.0.1)"
    )
    assert sha256(page) not in str(error)


@pytest.mark.parametrize(
    "data", [b"", b'{"error": "forbidden"}', b"--- a/x\n+++ b/x\n"]
)
def test_what_is_no_diff_is_not_offered_to_be_pinned(reader, index: Index, data):
    url = index.put("fix.patch", data)

    error = refusal(digest, reader, url)

    assert str(error).startswith(f"{url} has no usable diff now: ")
    assert sha256(data) not in str(error)


@pytest.mark.parametrize("before", [b"<!---->", b"<?xml?>", b" ", b"<!--"])
def test_what_is_no_page_is_known_soon(before):
    """However much of what may stand before a page's first tag it begins with."""
    start = time.process_time()

    assert not _is_page(before * 100_000 + b"x")
    assert not _is_page(before * 24 + b"<p>")

    assert time.process_time() - start < 1


def test_a_diff_that_begins_like_a_page_in_its_text(reader, index: Index):
    url = index.put("fix.patch", b"<jane@example.com> wrote:\n" + DIFF)

    assert isinstance(refusal(digest, reader, url), Unpinned)


def test_no_server_at_all(reader, tmp_path):
    with Index(tmp_path / "gone") as gone:
        url = gone.put("fix.patch", DIFF)

    error = refusal(digest, reader, url)

    assert isinstance(error, FetchFailed)
    assert str(error).startswith(f"cannot get {url}: ")
    assert "Connection refused" in str(error)


def test_offline(reader, index: Index):
    url = index.put("fix.patch", DIFF)

    error = refusal(digest, offline(reader), url)

    assert str(error) == f"cannot get {url}: buildout runs in offline mode"
    assert index.requests == []


def test_a_password_is_not_printed(reader, index: Index):
    url = index.put("absent", DIFF).replace("//", "//jane:secret@")
    index.status["/absent"] = 404

    assert "secret" not in str(refusal(digest, reader, url))


def test_a_token_is_not_printed(reader, index: Index):
    index.put("fix.diff", DIFF)
    url = f"{index.base}/fix.diff?id=1&private_token=s3cr3t"

    for error in (refusal(digest, reader, url), refusal(digest, offline(reader), url)):
        assert "fix.diff?id=1&private_token=***" in str(error)
        assert "s3cr3t" not in str(error)
    assert "s3cr3t" not in repr(refusal(digest, offline(reader), url))


def test_what_is_to_be_pasted_says_that_it_lacks_secrets(reader, index: Index):
    index.put("fix.diff", DIFF)
    kept = "\nit is shown without secrets: keep yours, also in place of ***"
    for secret in ("{}/fix.diff?token=s3cr3t", "{}/fix.diff"):
        url = secret.format(index.base.replace("//", "//jane:s3cr3t@"))
        assert str(refusal(digest, reader, url)).endswith(kept)
    assert kept not in str(refusal(digest, reader, f"{index.base}/fix.diff"))


# Sdists


@pytest.mark.parametrize("archive", [tar_gz(), zipped()], ids=["tar.gz", "zip"])
def test_a_member_of_an_sdist_is_fetched_once_and_remembered(reader, sdists, archive):
    sdists.archives["Carrier", "1.0"] = archive

    assert digest(reader, MEMBER) == sha256(DIFF)
    assert digest(reader, MEMBER + "#strip=1") == sha256(DIFF)
    assert read(reader, MEMBER) == DIFF
    assert sdists.asked == [("Carrier", "1.0")]
    assert digest(offline(reader), MEMBER) == sha256(DIFF)
    assert read(offline(reader), MEMBER) == DIFF


def test_a_member_with_a_declared_digest_is_not_fetched_to_know_it(reader, sdists):
    location = f"{MEMBER}#sha256={sha256(DIFF)}"

    assert digest(reader, location) == sha256(DIFF)
    assert sdists.asked == []
    assert read(reader, location) == DIFF
    assert read(reader, location) == DIFF
    assert len(sdists.asked) == 1


def test_a_member_with_another_declared_digest(reader):
    error = refusal(read, reader, f"{MEMBER}#sha256={sha256(b'')}", b"")

    assert isinstance(error, WrongDigest)
    assert str(error) == (
        f"wrong sha256 for {MEMBER}:\n"
        f"    expected {sha256(b'')} (pinned)\n"
        f"    found    {sha256(DIFF)}\n"
        "look at what has changed; "
        f"if that is right, pin it: sha256={sha256(DIFF)}"
    )


@pytest.mark.parametrize("archive", [tar_gz(), zipped()], ids=["tar.gz", "zip"])
def test_a_member_that_is_not_there(reader, sdists, archive):
    sdists.archives["Carrier", "1.0"] = archive

    error = refusal(digest, reader, "sdist:Carrier==1.0/fix.patch")

    assert isinstance(error, MemberMissing)
    assert str(error).startswith(f"{archive[0]} has no file 'fix.patch'; it holds ")
    assert str(error).endswith("patches/fix.patch")


def test_no_sdist(reader):
    error = refusal(digest, reader, "sdist:Carrier==2.0/fix.patch")

    assert str(error) == "no sdist of Carrier 2.0"


def test_an_sdist_that_is_none(reader, sdists):
    sdists.archives["Carrier", "1.0"] = ("Carrier-1.0.tar.gz", b"<html>no</html>")

    assert isinstance(refusal(digest, reader, MEMBER), BadArchive)


@pytest.mark.parametrize("note", ["", "[]", "{}", '"x"', "\xff"])
def test_a_damaged_note_is_made_anew(reader, sdists, note):
    digest(reader, MEMBER)
    (file,) = (reader.store.root / ".known/members").iterdir()
    file.write_bytes(note.encode("latin-1"))

    assert digest(reader, MEMBER) == sha256(DIFF)
    assert len(sdists.asked) == 2
    assert digest(offline(reader), MEMBER) == sha256(DIFF)


def test_a_member_that_has_changed_since_it_was_seen_is_refused(reader, sdists):
    seen = digest(reader, MEMBER)
    (reader.store.root / ".diffs" / seen).unlink()
    sdists.archives["Carrier", "1.0"] = tar_gz(b"another")

    error = refusal(read, reader, MEMBER)

    assert isinstance(error, WrongDigest)
    assert (error.expected, error.found) == (seen, sha256(b"another"))


def test_a_changed_member_tells_what_to_remove(reader, sdists):
    digest(reader, MEMBER)
    (reader.store.root / ".diffs" / sha256(DIFF)).unlink()
    sdists.archives["Carrier", "1.0"] = tar_gz(b"another")
    (note,) = (reader.store.root / ".known/members").iterdir()

    error = refusal(read, reader, MEMBER)

    assert "(seen before)" in str(error)
    assert str(error).endswith(f"; if that is right, remove {note}")


def test_a_folder_in_an_sdist_is_no_diff(reader, sdists):
    sdists.archives["Carrier", "1.0"] = zipped()

    refusal(digest, reader, "sdist:Carrier==1.0/patches")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_diff_is_known_by_its_bytes_and_read_unpacked(
    reader, tmp_path, index: Index, pack
):
    data = pack(DIFF)
    (tmp_path / "fix.patch").write_bytes(data)
    found = digest(reader, f"{tmp_path}/fix.patch")
    assert found == sha256(data)
    assert reader.read(Location.parse(f"{tmp_path}/fix.patch"), found) == DIFF
    url = index.put("fix.patch.gz", data)
    location = Location.parse(f"{url}#sha256={found}")
    assert reader.read(location, found) == DIFF
    assert reader.read(location, found) == DIFF  # as the store has kept it
    assert reader.store.kept_diff(found) == data


def test_what_cannot_be_unpacked_is_refused_only_when_it_is_applied(reader, tmp_path):
    data = gzip.compress(DIFF * 100)[:-9]
    (tmp_path / "fix.patch").write_bytes(data)
    location = Location.parse(f"{tmp_path}/fix.patch")
    assert reader.read(location, sha256(data)) == data
    with pytest.raises(DiffError, match="compressed with gzip, and damaged"):
        parse(data)
