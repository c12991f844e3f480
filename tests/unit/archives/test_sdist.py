"""Sdists are unpacked whole and within their folder, or refused."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile

import pytest

from poach.archives.sdist import BadArchive, MemberMissing, read_member, unpack

TAR_MODES = {"x.tar.gz": "w:gz", "x.tar.bz2": "w:bz2", "x.tar.xz": "w:xz", "x.tar": "w"}


def make_tar(path, members):
    """Write a tar; a member is its name and either bytes or fields of its header."""
    with tarfile.open(path, TAR_MODES.get(path.name, "w:gz")) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            data = content if isinstance(content, bytes) else b""
            info.size = len(data)
            for key, value in {} if isinstance(content, bytes) else content.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
    return path


def make_zip(path, members):
    """Write a zip; a member is its name and either bytes or (bytes, mode)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            data, mode = content if isinstance(content, tuple) else (content, 0o644)
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return path


def make(path, members):
    return (make_zip if path.suffix == ".zip" else make_tar)(path, members)


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def link(target, kind=tarfile.SYMTYPE):
    return {"type": kind, "linkname": target}


def refusal(function, *args):
    with pytest.raises(BadArchive) as caught:
        function(*args)
    return str(caught.value)


@pytest.fixture(params=[*TAR_MODES, "x.zip"])
def archive(request, tmp_path):
    return tmp_path / request.param


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "ä dest"


@pytest.fixture(params=["filter", "no filter"], autouse=True)
def python(request, monkeypatch):
    """Run everything as on a Python without tarfile.data_filter, too (PEP 706)."""
    if request.param == "no filter":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
        monkeypatch.setattr(
            tarfile.TarFile, "extraction_filter", as_it_is, raising=False
        )
    elif not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python has no tarfile.data_filter")


@staticmethod
def as_it_is(member, dest):
    return member


# What sdists look like


def test_the_one_top_folder_is_the_tree(archive, dest):
    make(archive, [("x-1/setup.py", b"\r\n\xff"), ("x-1/a b/é.py", b"")])

    top = unpack(archive, dest)

    assert top == dest / "x-1"
    assert tree(top) == {"setup.py": b"\r\n\xff", "a b/é.py": b""}


@pytest.mark.parametrize("top", ["x-1/", ""])
@pytest.mark.parametrize("name", [".poach-1-ab/journal.json", ".Poach-q"])
def test_a_tree_with_a_folder_of_poach_apply(archive, dest, top, name):
    """Nobody takes it for a run of ours that was killed, nor is it obeyed."""
    make(archive, [(f"{top}setup.py", b""), (f"{top}{name}", b'{"format": 2}')])

    folder = name.partition("/")[0]
    assert refusal(unpack, archive, dest) == (
        f"Cannot unpack {archive.name}: it contains {folder!r}, where poach keeps old "
        "files while it patches a tree; perhaps the sdist was made from a tree that is "
        "patched in part; use another sdist, or ask its author for one"
    )


@pytest.mark.parametrize("name", ["x/.poach-1-ab/f", "poach-1/f", ".poach/f"])
def test_names_that_are_no_folder_of_poach_apply(archive, dest, name):
    make(archive, [("x-1/setup.py", b""), (f"x-1/{name}", b"1")])

    assert name in tree(unpack(archive, dest))


@pytest.mark.parametrize(
    "names", [["setup.py"], ["setup.py", "x/a.py"], ["x/a.py", "y/a.py"]]
)
def test_without_a_single_top_folder_all_is_the_tree(archive, dest, names):
    make(archive, [(name, b"") for name in names])

    assert unpack(archive, dest) == dest
    assert set(tree(dest)) == set(names)


def test_a_leading_dot_in_names(archive, dest):
    make(archive, [("./x-1/setup.py", b"1"), ("./x-1/a.patch", b"2")])

    assert unpack(archive, dest) == dest / "x-1"
    assert read_member(archive, "a.patch") == b"2"


def test_executable_bits_survive(archive, dest):
    run, plain = (0o755, 0o644)
    if archive.suffix == ".zip":
        make(archive, [("x-1/run", (b"", run)), ("x-1/plain", (b"", plain))])
    else:
        make(archive, [("x-1/run", {"mode": run}), ("x-1/plain", {"mode": plain})])

    top = unpack(archive, dest)

    assert os.access(top / "run", os.X_OK)
    assert (top / "run").stat().st_mode & 0o100
    assert not (top / "plain").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0o6777, 0o755), (0o666, 0o644), (0o075, 0o644), (0, 0o600), (0o100, 0o700)],
)
def test_nobody_else_may_write_what_is_unpacked(tmp_path, dest, mode, expected):
    fields = {"mode": mode, "uid": 4711, "gid": 4711, "uname": "daemon"}
    make_tar(tmp_path / "x.tar", [("x-1/a", fields)])

    there = (unpack(tmp_path / "x.tar", dest) / "a").stat()

    assert stat.S_IMODE(there.st_mode) == expected
    assert (there.st_uid, there.st_gid) == (os.getuid(), os.getgid())


def test_folders_without_any_permission(tmp_path, dest):
    folder = {"type": tarfile.DIRTYPE, "mode": 0}
    make_tar(tmp_path / "x.tar", [("x-1", folder), ("x-1/a", b"")])

    assert tree(unpack(tmp_path / "x.tar", dest)) == {"a": b""}
    assert stat.S_IMODE((dest / "x-1").stat().st_mode) & 0o700 == 0o700


def test_a_hard_link_to_what_is_not_there(tmp_path, dest):
    """tarfile would look for another member of that name."""
    archive = make_tar(
        tmp_path / "x.tar.gz",
        [
            ("x-1/h", link("x-1/a", tarfile.LNKTYPE)),
            ("x-1/a", link("/etc/passwd")),
        ],
    )

    assert refusal(unpack, archive, dest)
    assert not (dest / "x-1" / "h").is_symlink()


def test_links_within_the_tree(tmp_path, dest):
    archive = make_tar(
        tmp_path / "x.tar.gz",
        [
            ("x-1/a", b"data"),
            ("x-1/sub/symbolic", link("../a")),
            ("x-1/hard", link("x-1/a", tarfile.LNKTYPE)),
        ],
    )

    top = unpack(archive, dest)

    assert (top / "sub/symbolic").is_symlink()
    assert tree(top) == {"a": b"data", "sub/symbolic": b"data", "hard": b"data"}


def test_the_destination_must_be_new(archive, dest):
    make(archive, [("x-1/a", b"")])
    dest.mkdir()

    with pytest.raises(FileExistsError):
        unpack(archive, dest)


# What leads outside


@pytest.mark.parametrize(
    "members",
    [
        [("../evil", b"")],
        [("x-1/../../evil", b"")],
        [("x-1/l", link("/etc/passwd"))],
        [("x-1/l", link("../../evil"))],
        [("x-1/l", link("../evil", tarfile.LNKTYPE))],
        [("x-1/l", link("..")), ("x-1/l/../evil", b"")],
        [("x-1/l", link("../..")), ("x-1/l/evil", b"")],
        [("x-1/l", link("m")), ("x-1/m", link("..")), ("x-1/l/../evil", b"")],
        [("x-1/h", link("/etc/passwd", tarfile.LNKTYPE))],
        [("x-1/pipe", {"type": tarfile.FIFOTYPE})],
        [("x-1/device", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3})],
    ],
    ids=str,
)
def test_tars_that_lead_outside(tmp_path, dest, members):
    archive = make_tar(tmp_path / "x.tar.gz", members)

    assert refusal(unpack, archive, dest).startswith("Cannot unpack x.tar.gz: ")
    assert {path.name for path in tmp_path.iterdir()} == {"x.tar.gz", dest.name}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil", "has '..' in it"),
        ("x-1/../../evil", "has '..' in it"),
        ("x-1/..", "has '..' in it"),
        ("/evil", "is an absolute path"),
        ("x-1\\..\\..\\evil", "has a backslash in it"),
    ],
)
def test_zips_that_lead_outside(tmp_path, dest, name, reason):
    archive = make_zip(tmp_path / "x.zip", [("x-1/a", b""), (name, b"")])

    assert refusal(unpack, archive, dest) == (f"Cannot unpack x.zip: {name!r} {reason}")
    assert {path.name for path in tmp_path.iterdir()} == {"x.zip", dest.name}


def test_an_absolute_name_in_a_tar_stays_inside(tmp_path, dest):
    archive = make_tar(tmp_path / "x.tar", [(f"{tmp_path}/evil", b"")])  # PEP 706

    unpack(archive, dest)

    assert not (tmp_path / "evil").exists()


# What is damaged


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"\x1f\x8b", b"PK\3\4" * 9])
def test_what_is_no_archive(archive, dest, data):
    archive.write_bytes(data)

    assert refusal(unpack, archive, dest).startswith(f"Cannot unpack {archive.name}: ")
    assert refusal(read_member, archive, "a").startswith("Cannot unpack ")


def test_what_is_neither_tar_nor_zip(archive, dest):
    archive.write_bytes(b"<html>404</html>")

    for function, argument in ((unpack, dest), (read_member, "a")):
        assert str(refusal(function, archive, argument)) == (
            f"Cannot unpack {archive.name}: it is neither a tar nor a zip archive"
        )


@pytest.mark.parametrize("part", [0.2, 0.5])
@pytest.mark.parametrize("name", ["x.tar.gz", "x.tar.bz2", "x.tar.xz", "x.zip"])
def test_a_part_of_an_archive(tmp_path, dest, name, part):
    archive = make(tmp_path / name, [("x-1/a.patch", bytes(range(256)) * 4)])
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * part)])

    assert refusal(read_member, archive, "a.patch")
    assert refusal(unpack, archive, dest)


@pytest.mark.parametrize(
    "name",
    [
        "x.tar.gz",
        "x.zip",
        "x.tar.xz",
        "x.tar.bz2",
    ],
)
def test_any_flipped_byte_is_harmless_or_refused(tmp_path, name):
    diff = bytes(range(256)) * 4
    archive = make(tmp_path / name, [("x-1/a.patch", diff)])
    data = archive.read_bytes()

    for at in range(len(data)):
        archive.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            unpack(archive, tmp_path / f"dest{at}")
            read_member(archive, "a.patch")
        except (BadArchive, MemberMissing):
            pass


def test_a_file_that_is_a_folder_too(archive, dest):
    make(archive, [("x-1/a", b""), ("x-1/a/b", b"")])

    assert refusal(unpack, archive, dest)


def test_an_encrypted_zip(tmp_path, dest):
    archive = make_zip(tmp_path / "x.zip", [("x-1/a", b"data")])
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # the flag in the file's header
    data[data.index(b"PK\1\2") + 8] |= 1  # and in the directory
    archive.write_bytes(data)

    assert refusal(unpack, archive, dest)


def test_a_tar_that_ends_with_a_zip(tmp_path, dest):
    inner = make_zip(tmp_path / "inner.zip", [("evil-1/setup.py", b"")]).read_bytes()
    archive = make_tar(
        tmp_path / "x.tar", [("x-1/setup.py", b""), ("x-1/tests/data.zip", inner)]
    )

    assert set(tree(unpack(archive, dest))) == {"setup.py", "tests/data.zip"}


# One member


def test_read_member(archive):
    make(archive, [("x-1/a.patch", b"\r\n\xff"), ("x-1/d/a.patch", b"2")])

    assert read_member(archive, "a.patch") == b"\r\n\xff"
    assert read_member(archive, "d/a.patch") == b"2"


@pytest.mark.parametrize(
    "path", ["b.patch", "x-1/a.patch", "../x-1/a.patch", "A.patch"]
)
def test_a_missing_member_tells_what_diffs_there_are(archive, path):
    make(archive, [("x-1/d/b.diff", b""), ("x-1/a.patch", b""), ("x-1/setup.py", b"")])

    with pytest.raises(MemberMissing) as caught:
        read_member(archive, path)

    assert str(caught.value) == (
        f"{archive.name} has no file {path!r}; it holds a.patch, d/b.diff"
    )


def test_a_missing_member_where_no_diffs_are(archive):
    make(archive, [("x-1/setup.py", b"")])

    with pytest.raises(MemberMissing) as caught:
        read_member(archive, "a.patch")

    assert str(caught.value) == f"{archive.name} has no file 'a.patch'"


def test_a_link_is_no_member(tmp_path):
    archive = make_tar(tmp_path / "x.tar", [("x-1/a.patch", link("/etc/passwd"))])

    with pytest.raises(MemberMissing):
        read_member(archive, "a.patch")


def test_a_folder_is_no_member(tmp_path):
    archive = make_zip(tmp_path / "x.zip", [("x-1/d/", b""), ("x-1/d/a.patch", b"")])

    with pytest.raises(MemberMissing):
        read_member(archive, "d")


def test_a_member_of_an_archive_without_a_top_folder(archive):
    make(archive, [("setup.py", b""), ("fixes/a.patch", b"1")])

    assert read_member(archive, "fixes/a.patch") == b"1"
