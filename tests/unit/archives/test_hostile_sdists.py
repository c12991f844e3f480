"""Sdists that somebody made to do harm: refused, early, and nothing is outside.

Nothing here relies on what the tarfile of this Python checks, or does not check.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import stat
import tarfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from test_sdist import link, make_tar, make_zip, refusal, tree

from poach.archives import sdist as archives
from poach.archives.members import Limits
from poach.archives.sdist import BadArchive, read_member, unpack
from poach.build.extras import extras

SMALL = Limits(unpacked=1 << 20, small=1 << 16, members=50, depth=10, path=200)
HARD = tarfile.LNKTYPE
MB = 1 << 20


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "dest"


@pytest.fixture
def victim(tmp_path):
    """A file beside the folder where an sdist is unpacked; it must stay as it is."""
    path = tmp_path / "victim"
    path.write_bytes(b"precious")
    yield path
    assert path.read_bytes() == b"precious"
    assert {each.name for each in tmp_path.iterdir()} <= {
        *("victim", "dest", "x.tar", "x.tar.gz", "x.zip"),
    }


def folder(mode=0o755):
    return {"type": tarfile.DIRTYPE, "mode": mode}


# Paths that are longer than PATH_MAX (CVE-2025-4517, CVE-2025-4330, CVE-2024-12718)


def beyond_path_max(inside=""):
    """Yield members that end in a link out of the top that realpath sees inside."""
    steps, long, path = "abcdefghijklmnop", "d" * 247, inside
    for step in steps:
        yield f"{path}{long}", folder()
        yield f"{path}{step}", link(long)
        path += f"{long}/"
    last = f"{inside}{'/'.join(steps)}/{'l' * 254}"
    yield last, link("../" * len(steps))
    yield f"{inside}escape", link(f"{last.removeprefix(inside)}/..")


@pytest.mark.parametrize(
    "last",
    [
        [("x-1/flag", link("escape/victim", HARD)), ("x-1/flag", b"overwritten")],
        [("escape/victim", b"overwritten")],
        [("escape/new", b"written")],
        [("x-1/flag", link("escape/victim"))],
        [("escape", folder(0o711))],
        [],
    ],
    ids=["hard link", "file", "new file", "link", "mode of a folder", "link alone"],
)
@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz"])
def test_beyond_the_longest_path(tmp_path, dest, victim, name, last):
    members = [("x-1/setup.py", b""), *beyond_path_max(), *last]
    archive = make_tar(tmp_path / name, members)
    mode = stat.S_IMODE(tmp_path.stat().st_mode)

    assert refusal(unpack, archive, dest).endswith("is too long")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == mode


def test_a_folder_that_is_a_link_later(tmp_path, dest, victim):
    """Also where the chain is made of links that are unpacked after their use."""
    members = [("a/victim", b"overwritten"), ("a", link(".."))]

    archive = make_tar(tmp_path / "x.tar", members)

    assert refusal(unpack, archive, dest).endswith(
        "'a' is a folder and a symbolic link"
    )


# Links


@pytest.mark.parametrize(
    "members",
    [
        [("x-1/l", link("../../victim"))],
        [("x-1/l", link("m/../../../../victim")), ("x-1/m", link("d/d"))],
        [("x-1/m", link("d/d")), ("x-1/d/d/n", link("../../../.."))],
        [("x-1/l", link("/etc"))],
        [("x-1/l", link("m/x")), ("x-1/m", link("/etc"))],
        [("x-1/l", link("n/n")), ("x-1/n", link("..")), ("n", link(".."))],
        [("l", link(".."))],
        [("x-1/l", link("l"))],
        [("x-1/l", link("m")), ("x-1/m", link("l"))],
        [(f"x-1/{n}", link(str(n + 1))) for n in range(42)],
        [("x-1/l", link("a/" * 101))],
        [("x-1/l", link("a" * 2000))],
        [("x-1/l", link("a" * 300))],
        [("x-1/l", link("../victim", HARD))],
        [("x-1/l", link("x-1/m", HARD)), ("x-1/m", b"")],
        [("x-1/m", link("../../victim")), ("x-1/l", link("x-1/m", HARD))],
        [("x-1/d", folder()), ("x-1/l", link("x-1/d", HARD))],
        [("x-1/l", link("x-1/l", HARD))],
        [("x-1/l", link("a")), ("x-1/l", link("b"))],
        [("x-1/l", link("a")), ("x-1/l", b"")],
        [("x-1/l", b""), ("x-1/l", link("a"))],
        [("x-1/d", link("e")), ("x-1/e", folder()), ("x-1/d/a", b"")],
    ],
)
def test_links_that_are_refused(tmp_path, dest, victim, members):
    archive = make_tar(tmp_path / "x.tar", members)

    assert refusal(unpack, archive, dest).startswith("Cannot unpack x.tar: ")
    assert not [each for each in dest.rglob("*") if each.is_symlink()]


@pytest.mark.parametrize(
    "members",
    [
        [("x-1/l", link("d/../d/./a"))],
        [("x-1/l", link("m/a")), ("x-1/m", link("d"))],
        [("x-1/d/l", link("../m/a")), ("x-1/m", link("d"))],
        [("x-1/l", link("../x-1/d//a"))],
        [("x-1/l", link("x-1/d/a", HARD))],
        [("x-1/l", link("/x-1/./d/a", HARD))],
        [("x-1/l", link("d/a")), ("x-1/l", link("d/a"))],
        [("x-1/l", link("not there"))],
    ],
)
def test_links_that_are_harmless(tmp_path, dest, members):
    archive = make_tar(tmp_path / "x.tar", [("x-1/d/a", b"data"), *members])

    top = unpack(archive, dest)

    assert set(tree(top).values()) == {b"data"}


def chained(count):
    """Return links in a row, each to a path in the next one, and `count` to the first.

    No link alone takes long to follow.
    """
    row = [(f"x-1/{n}", link(f"{n + 1}/{'a/' * 96}b")) for n in range(38)]
    return [*row, *((f"x-1/m{n}", link("0")) for n in range(count))]


def test_links_that_take_long_to_follow(tmp_path, dest):
    """There is a limit for all links of an sdist: looked-up names, not time."""
    archive = make_tar(tmp_path / "x.tar", chained(500))

    assert refusal(unpack, archive, dest) == (
        "Cannot unpack x.tar: it takes too long to follow its symbolic links"
    )
    assert not [each for each in dest.rglob("*") if each.is_symlink()]


def test_how_many_names_links_may_lead_to(tmp_path, dest):
    """Each link leads first to two names (x-1, a), and then to three."""
    members = [("x-1/a/b", b""), *((f"x-1/{n}", link("a/b")) for n in range(10))]
    archive = make_tar(tmp_path / "x.tar", members)

    unpack(archive, dest, Limits(followed=50))

    words = refusal(unpack, archive, tmp_path / "again", Limits(followed=49))
    assert words.endswith("it takes too long to follow its symbolic links")


def test_folders_that_only_lead_to_a_file_count(tmp_path, dest):
    """A small archive could make millions of them."""
    members = [(f"x-1/{n}/b/c/d/e/f", b"") for n in range(9)]
    archive = make_tar(tmp_path / "x.tar", members)

    assert refusal(unpack, archive, dest, SMALL) == (
        "Cannot unpack x.tar: it has more than 50 files and folders"
    )
    assert len(list(dest.rglob("*"))) <= 50
    unpack(archive, tmp_path / "again", Limits(members=55))


def test_each_folder_is_made_once(tmp_path, dest, monkeypatch):
    made = []
    real = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda *a, **k: (made.append(a), real(*a, **k)))
    members = [(f"x-1/a/b/c/{n}", b"") for n in range(9)]

    unpack(make_tar(tmp_path / "x.tar", members), dest)

    assert [path.name for path, *_ in made] == ["dest", "x-1", "a", "b", "c"]


def test_a_hard_link_is_a_file_of_its_own(tmp_path, dest):
    """Else whoever writes into one of them changes the other."""
    archive = make_tar(
        tmp_path / "x.tar", [("x-1/a", b"data"), ("x-1/h", link("x-1/a", HARD))]
    )

    top = unpack(archive, dest)
    (top / "h").write_bytes(b"other")

    assert (top / "a").read_bytes() == b"data"


# Special files, modes


@pytest.mark.parametrize(
    "kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"V", b"D", b"Z"]
)
def test_special_files_in_a_tar(tmp_path, dest, kind):
    archive = make_tar(tmp_path / "x.tar", [("x-1/a", b""), ("x-1/s", {"type": kind})])

    assert refusal(unpack, archive, dest) == (
        "Cannot unpack x.tar: 'x-1/s' is a special file"
    )


@pytest.mark.parametrize(
    "kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK]
)
def test_special_files_in_a_zip(tmp_path, dest, kind):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x-1/s")
        info.external_attr = (kind | 0o644) << 16
        archive.writestr(info, b"")

    assert refusal(unpack, path, dest).endswith("'x-1/s' is a special file")


def test_a_link_in_a_zip_is_a_file_with_its_target(tmp_path, dest, victim):
    """As pip has it."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x-1/l")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, b"../../victim")

    there = unpack(path, dest) / "l"

    assert not there.is_symlink()
    assert there.read_bytes() == b"../../victim"


def test_modes_in_a_zip(tmp_path, dest):
    members = [("x-1/a", (b"", 0o6777)), ("x-1/b", (b"", 0o022)), ("x-1/c", (b"", 0))]

    top = unpack(make_zip(tmp_path / "x.zip", members), dest)

    modes = [stat.S_IMODE((top / name).stat().st_mode) for name in "abc"]
    assert modes == [0o755, 0o644, 0o644]


def test_times_stay(tmp_path, dest):
    """A build asks which of a source and what is generated from it is newer."""
    times = {"a": 1_000_000_000, "b": -1, "c": 1e400, "d": 5e18}
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, seconds in times.items():
            info = tarfile.TarInfo(f"x-1/{name}")
            info.mtime = min(seconds, 8**11 - 1)
            info.pax_headers = {"mtime": str(seconds)}
            tar.addfile(info)

    top = unpack(path, dest)

    assert (top / "a").stat().st_mtime == 1_000_000_000
    assert len(tree(top)) == 4


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(members=5), "it has more than 5 files and folders"),
        (Limits(listed=500), "its list of files has more than 500 bytes"),
    ],
)
def test_the_list_of_a_zip_is_measured_before_it_is_read(
    tmp_path, dest, monkeypatch, limits, reason
):
    members = [(f"x-1/{n:03}", b"") for n in range(20)]
    path = make_zip(tmp_path / "x.zip", members)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"a commit"
    assert len(tree(unpack(path, dest))) == 20
    monkeypatch.setattr(zipfile, "ZipFile", None)  # it would read the list

    assert refusal(unpack, path, tmp_path / "again", limits) == (
        f"Cannot unpack x.zip: {reason}"
    )


# What is there twice


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "again", ["x-1/a.patch", "./x-1//a.patch", "x-1/./a.patch"], ids=str
)
def test_two_files_of_one_name(tmp_path, dest, name, again):
    make = make_zip if name == "x.zip" else make_tar
    same = make(tmp_path / name, [("x-1/a.patch", b"one"), (again, b"one")])

    assert tree(unpack(same, dest)) == {"a.patch": b"one"}
    assert read_member(same, "a.patch") == b"one"

    other = make(tmp_path / name, [("x-1/a.patch", b"one"), (again, b"two")])
    words = f"Cannot unpack {name}: 'x-1/a.patch' is in it twice, with different bytes"
    assert refusal(unpack, other, tmp_path / "again") == words
    assert refusal(read_member, other, "a.patch") == words


def test_names_that_differ_in_case_only(tmp_path, dest, monkeypatch):
    """They are two files, or the file system takes them for one and all is refused."""
    archive = make_tar(tmp_path / "x.tar", [("x-1/a", b"one"), ("x-1/A", b"two")])
    assert sorted(tree(unpack(archive, dest)).values()) == [b"one", b"two"]
    real = archives._created

    def folded(path, name):
        return real(path.with_name(path.name.lower()), name)

    monkeypatch.setattr(archives, "_created", folded)

    assert refusal(unpack, archive, tmp_path / "again").endswith(
        "'x-1/A' and another file in it are the same on this file system"
    )


@pytest.mark.parametrize("name", ["x.tar", "x.zip"])
@pytest.mark.parametrize("names", [("x-1/a", "x-1/a/b"), ("x-1/a/b", "x-1/a")], ids=str)
def test_a_file_that_is_a_folder(tmp_path, dest, name, names):
    make = make_zip if name == "x.zip" else make_tar
    archive = make(tmp_path / name, [(each, b"1") for each in names])

    words = refusal(unpack, archive, dest)

    assert "'x-1/a' is a f" in words
    assert str(tmp_path) not in words


# Names


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x-1/" + "a" * 256, "is too long"),
        ("x-1/" + "ä" * 128, "is too long"),
        ("/".join(["aaaa"] * 300), "is too long"),
        ("a/" * 101 + "b", "is more than 100 folders deep"),
        ("x-1/../x-1/a", "has '..' in it"),
        ("..", "has '..' in it"),
        (".", "is not a file name"),
        ("./", "is not a file name"),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("kind", ["x.tar", "x.zip"])
def test_names_that_are_refused(tmp_path, dest, kind, name, reason):
    make = make_zip if kind == "x.zip" else make_tar
    if kind == "x.zip" and name == "./":
        pytest.skip("that is a folder")
    archive = make(tmp_path / kind, [("x-1/setup.py", b""), (name, b"data")])

    assert reason in refusal(unpack, archive, dest)
    assert not any(path.stat().st_size for path in dest.rglob("*") if path.is_file())


def test_a_nul_in_a_name(tmp_path, dest):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("x-1/a")
        info.pax_headers = {"path": "x-1/a\0b"}
        tar.addfile(info)

    assert refusal(unpack, path, dest)


def test_a_nul_in_a_name_in_a_zip(tmp_path, dest):
    """zipfile cuts the name off there, so that nobody knows which file it is."""
    path = make_zip(tmp_path / "x.zip", [("x-1/a!b", b"")])
    path.write_bytes(path.read_bytes().replace(b"x-1/a!b", b"x-1/a\0b"))

    assert "file names may not have" in refusal(unpack, path, dest)


def test_names_that_are_no_utf_8(tmp_path, dest):
    archive = make_tar(tmp_path / "x.tar", [(os.fsdecode(b"x-1/caf\xe9"), b"data")])

    assert tree(unpack(archive, dest)) == {os.fsdecode(b"caf\xe9"): b"data"}


# What is too large


def sparse(path, size):
    """Write a tar with a file that has `size` bytes and next to none in the archive."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("x-1/a")
        info.pax_headers = {
            "GNU.sparse.major": "0",
            "GNU.sparse.minor": "1",
            "GNU.sparse.map": "0,1",
            "GNU.sparse.size": str(size),
            "GNU.sparse.realsize": str(size),
        }
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    return path


def shown(dest):
    return sum(path.stat().st_size for path in dest.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tar.bz2", "x.tar.xz", "x.zip"])
@pytest.mark.parametrize("count", [1, 20])
def test_a_compressed_bomb_stops_early(tmp_path, dest, name, count):
    make = make_zip if name == "x.zip" else make_tar
    members = [(f"x-1/{n}", bytes(10 * MB // count)) for n in range(count)]
    archive = make(tmp_path / name, members)

    most = SMALL.bytes_from(archive)

    assert most <= MB
    assert refusal(unpack, archive, dest, SMALL) == (
        f"Cannot unpack {name}: it unpacks to more than {most} bytes"
    )
    assert shown(dest) <= most


def test_how_much_may_come_out(tmp_path):
    archive = tmp_path / "x.tar.gz"
    limits = Limits(unpacked=1000, small=100, ratio=5)
    for size, most in ((1, 100), (20, 100), (100, 500), (500, 1000)):
        archive.write_bytes(bytes(size))
        assert limits.bytes_from(archive) == most


def test_a_bomb_with_the_limits_that_there_are(tmp_path, dest):
    """A megabyte that would be a gigabyte: a quarter of it, and seconds."""
    path = tmp_path / "x.tar.gz"
    info = tarfile.TarInfo("x-1/a")
    info.size = 1 << 30
    path.write_bytes(gzip.compress(info.tobuf()) + gzip.compress(bytes(MB)) * 1024)
    began = time.monotonic()

    assert "it unpacks to more than " in refusal(unpack, path, dest)

    assert shown(dest) == 0
    assert time.monotonic() - began < 5


def test_a_sparse_file(tmp_path, dest):
    assert len((unpack(sparse(tmp_path / "a.tar", 10), dest) / "a").read_bytes()) == 10
    path = sparse(tmp_path / "x.tar", 1 << 50)

    assert "it unpacks to more than " in refusal(unpack, path, tmp_path / "again")


def test_a_file_that_is_linked_very_often(tmp_path, dest):
    """A hard link takes as much room as the file."""
    links = [(f"x-1/{n}", link("x-1/a", HARD)) for n in range(40)]
    archive = make_tar(tmp_path / "x.tar.gz", [("x-1/a", bytes(60_000)), *links])

    assert "it unpacks to more than " in refusal(unpack, archive, dest, SMALL)


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip"])
def test_too_many_members(tmp_path, dest, name):
    make = make_zip if name == "x.zip" else make_tar
    archive = make(tmp_path / name, [(f"x-1/{n}", b"") for n in range(51)])

    assert refusal(unpack, archive, dest, SMALL) == (
        f"Cannot unpack {name}: it has more than 50 files and folders"
    )


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip"])
def test_limits_are_for_unpacking_one_member_too(tmp_path, name):
    make = make_zip if name == "x.zip" else make_tar
    path = make(tmp_path / name, [("x-1/a.patch", bytes(2 * MB))])

    words = refusal(read_member, path, "a.patch", SMALL)

    assert "it unpacks to more than " in words


@pytest.mark.parametrize("size", [-512, -1024, -1])
def test_a_size_below_nothing(tmp_path, dest, size):
    """tarfile would read the same header again and again (CVE-2025-8194)."""
    info = tarfile.TarInfo("x-1/a")
    info.size = size
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))

    assert refusal(unpack, tmp_path / "x.tar", dest)


def extended(kind, data, size=None):
    info = tarfile.TarInfo("header")
    info.type = kind
    info.size = len(data) if size is None else size
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)


@pytest.mark.parametrize(
    "data",
    [
        extended(tarfile.XHDTYPE, b"9" * 14_000),
        extended(tarfile.XGLTYPE, b"9" * 14_000),
        extended(tarfile.XHDTYPE, b"1 " * 500_000),
        extended(tarfile.XHDTYPE, bytes(10 * MB)),
        extended(tarfile.GNUTYPE_LONGNAME, b"a" * 10 * MB),
        extended(tarfile.GNUTYPE_LONGLINK, b"a" * 10 * MB),
        extended(tarfile.XHDTYPE, b"", 1 << 40),
        extended(tarfile.GNUTYPE_LONGNAME, b"", -512),
        extended(tarfile.XHDTYPE, b"10 a=bcde\n") * 5000,
        extended(tarfile.GNUTYPE_LONGNAME, b"a") * 5000,
    ],
    ids=range(10),
)
@pytest.mark.parametrize("compressed", [False, True])
def test_headers_that_are_too_long(tmp_path, dest, data, compressed):
    """They would take gigabytes of memory, or hours."""
    path = tmp_path / ("x.tar.gz" if compressed else "x.tar")
    data += tarfile.TarInfo("x-1/a").tobuf() + bytes(1024)
    path.write_bytes(gzip.compress(data) if compressed else data)
    del data
    tracemalloc.start()
    began = time.monotonic()

    try:
        assert "a header in it" in refusal(unpack, path, dest)
        assert tracemalloc.get_traced_memory()[1] < 5 * MB
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < 5


def test_a_zip_that_says_less_than_it_has(tmp_path, dest):
    path = make_zip(tmp_path / "x.zip", [("x-1/a", bytes(MB))])
    data = path.read_bytes().replace(MB.to_bytes(4, "little"), b"\5\0\0\0")
    path.write_bytes(data)

    assert refusal(unpack, path, dest)
    assert shown(dest) <= 5


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_compressed_in_another_way(tmp_path, dest, method):
    """LZMA takes as much memory as the archive says."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x-1/a", b"data")

    assert "compressed with a method that sdists do not use" in refusal(
        unpack, path, dest
    )


# What is damaged is never cut off in silence


def test_a_header_that_is_none(tmp_path, dest):
    """tarfile takes it for the end, and the rest of the files would be missing."""
    path = make_tar(tmp_path / "x.tar", [("x-1/a", b"1"), ("x-1/b", b"2")])
    data = bytearray(path.read_bytes())
    data[1024 + 3] ^= 0xFF
    path.write_bytes(data)

    assert "it is damaged at byte 1536" in refusal(unpack, path, dest)


def test_a_checksum_at_the_end(tmp_path, dest):
    path = make_tar(tmp_path / "x.tar.gz", [("x-1/a", b"1")])
    data = bytearray(path.read_bytes())
    data[-8] ^= 0xFF
    path.write_bytes(data)

    assert "CRC" in refusal(unpack, path, dest)


def test_what_stands_behind_the_end_is_no_bomb(tmp_path, dest):
    path = make_tar(tmp_path / "x.tar.gz", [("x-1/a", b"1")])
    with path.open("ab") as stream:
        stream.write(gzip.compress(bytes(10 * MB)))

    assert "it unpacks to more than " in refusal(unpack, path, dest, SMALL)


def test_no_sdist_breaks_out_whatever_is_flipped(tmp_path, victim):
    """The bytes of the headers of an archive full of links, and no exception else."""
    members = [("x-1/a", b"1"), ("x-1/l", link("a")), ("x-1/h", link("x-1/a", HARD))]
    path = make_tar(tmp_path / "x.tar", members)
    data = path.read_bytes()
    (tmp_path / "dest").mkdir()
    for at in range(0, 2048, 5):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        with contextlib.suppress(BadArchive):
            unpack(path, tmp_path / "dest" / str(at))


def test_real_folders_only(tmp_path, dest):
    """The tree is never a link to something else."""
    archive = make_tar(tmp_path / "x.tar", [("x", link("y")), ("y/setup.py", b"")])

    assert unpack(archive, dest) == dest
    alone = make_tar(tmp_path / "y.tar", [("x", link("."))])
    assert unpack(alone, tmp_path / "b") == tmp_path / "b"


def test_metadata_that_is_no_file(tmp_path):
    """The extras of a project are read from its tree, whatever is in that."""
    (tmp_path / "PKG-INFO").mkdir()
    (tmp_path / "x.egg-info").mkdir()
    (tmp_path / "x.egg-info" / "requires.txt").symlink_to("not there")
    (tmp_path / "x.egg-info" / "PKG-INFO").write_text("Provides-Extra: fast\n")

    assert extras(tmp_path) == ["fast"]
