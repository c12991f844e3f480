"""Compressed diffs, and files that are no diffs."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
import zlib

import pytest

from poach.applier.diff import DiffError, parse
from poach.applier.packing import BadPacking, unpacked
from poach.cli import main

CHANGE = b"--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
PACK = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def fault(data: bytes) -> str:
    with pytest.raises(DiffError) as caught:
        parse(data)
    return str(caught.value)


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/m.py").write_bytes(b"a\nb\nc\n")
    return tmp_path / "tree"


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("name", ["fix.patch", "fix.patch.gz", "fix"])
def test_what_is_compressed_is_unpacked_whatever_its_name(tree, kind, name):
    patch = tree.parent / name
    patch.write_bytes(PACK[kind](CHANGE))
    assert main(["apply", str(tree), str(patch)]) == 0
    assert (tree / "m.py").read_bytes() == b"a\nB\nc\n"


@pytest.mark.parametrize("kind", PACK)
def test_several_streams(kind):
    half = len(CHANGE) // 2
    assert (
        unpacked(PACK[kind](CHANGE[:half]) + PACK[kind](CHANGE[half:]), 999) == CHANGE
    )


@pytest.mark.parametrize("kind", PACK)
def test_a_bomb_is_not_unpacked(kind):
    bomb = PACK[kind](bytes(1 << 24))
    with pytest.raises(BadPacking, match=f"compressed with {kind}, has more than 1000"):
        unpacked(bomb, 1000)


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("damage", [slice(0, -9), slice(0, 12)])
def test_what_is_damaged(kind, damage):
    said = f"the diff is compressed with {kind}, and damaged"
    assert fault(PACK[kind](CHANGE * 20)[damage]) == said


def test_damaged_in_the_middle():
    data = bytearray(gzip.compress(CHANGE * 20))
    data[20:30] = b"\xff" * 10
    assert "compressed with gzip, and damaged" in fault(bytes(data))


def a_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("fix.patch", CHANGE)
    return stream.getvalue()


def a_tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("fix.patch")
        info.size = len(CHANGE)
        archive.addfile(info, io.BytesIO(CHANGE))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x28\xb5\x2f\xfd" + b"x" * 40, "compressed with zstd; unpack it"),
        (a_zip(), "compressed with zip; unpack it"),
        (lzma.compress(CHANGE, lzma.FORMAT_ALONE), "compressed with lzma; unpack it"),
        (b"7z\xbc\xaf\x27\x1c" + b"x" * 40, "compressed with 7z; unpack it"),
        (a_tar(), "a tar archive, not a diff; unpack it"),
        (gzip.compress(gzip.compress(CHANGE)), "compressed more than once; unpack it"),
        (gzip.compress(a_zip()), "compressed with zip; unpack it"),
    ],
    ids=["zstd", "zip", "lzma", "7z", "tar", "gzip in gzip", "zip in gzip"],
)
def test_what_others_packed(data, words):
    assert words in fault(data)


def test_an_archive_of_diffs_within():
    assert "a tar archive" in fault(gzip.compress(a_tar()))


PAGE = b"<!DOCTYPE html>\n<html><body><pre>\n" + CHANGE + b"</pre></body></html>\n"
COLOURED = (
    b"\x1b[1mdiff --git a/m.py b/m.py\x1b[m\n\x1b[1m--- a/m.py\x1b[m\n"
    b"\x1b[1m+++ b/m.py\x1b[m\n\x1b[36m@@ -1,3 +1,3 @@\x1b[m\n a\x1b[m\n"
    b"\x1b[31m-b\x1b[m\n\x1b[32m+\x1b[m\x1b[32mB\x1b[m\n c\x1b[m\n"
)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 12345\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PAGE, "a web page (HTML), not a diff; get the raw file"),
        (b"\n  " + PAGE.lower(), "a web page (HTML)"),
        (b'<?xml version="1.0"?>\n' + PAGE, "a web page (HTML)"),
        (b"<!-- saved -->\n<html>\n" + CHANGE, "a web page (HTML)"),
        (b"\xef\xbb\xbf" + PAGE, "a web page (HTML)"),
        (b"<div>Sign in</div>\n", "a web page (HTML)"),
        (COLOURED, "terminal colours; make it with git diff --no-color"),
        (CHANGE + COLOURED, "terminal colours"),
        (CHANGE.replace(b"\n+", b"\n\x1b[32m+"), "terminal colours"),
        (POINTER, "a pointer of Git LFS"),
        (CHANGE.decode().encode("utf-16"), "iconv -f UTF-16 -t"),
        (CHANGE.decode().encode("utf-16-be"), "iconv -f UTF-16BE -t"),
        (CHANGE.decode().encode("utf-16-le"), "iconv -f UTF-16LE -t"),
        (CHANGE.decode().encode("utf-32"), "iconv -f UTF-32 -t"),
        (b"\0\0\xfe\xff" + CHANGE.decode().encode("utf-32-be"), "iconv -f UTF-32 -t"),
        (CHANGE.decode().encode("utf-32-be"), "iconv -f UTF-32BE -t"),
        (CHANGE.decode().encode("utf-32-le"), "iconv -f UTF-32LE -t"),
        (json.dumps({"message": "Not Found"}).encode(), "JSON, not a diff"),
        (b"404: Not Found", "it says '404: Not Found'"),
        (b"diff --cc m.py\nindex 1,2..3\n--- a/m.py\n+++ b/m.py\n", "combined diff"),
        (b"diff --cc m.py\nindex 1,2..3\n", "combined diff"),
        (b"> " + CHANGE.replace(b"\n", b"\n> "), "quoted with '>'"),
        (b" m.py | 2 +-\n 1 file changed\n", "only a list of files"),
        (b"hunk ./m.py 2\n-b\n+B\n", "a patch of darcs"),
    ],
)
def test_what_is_no_diff(data, words):
    assert words in fault(data)


def test_marks_of_utf_8_do_no_harm():
    mark = b"\xef\xbb\xbf"
    rename = b"diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n"
    files = parse(mark + rename + mark + b"diff --git a/m.py b/m.py\n" + CHANGE)
    assert [file.status for file in files] == ["rename", "modify"]


def test_colours_in_a_file_are_its_contents():
    change = CHANGE.replace(b"+B", b"+\x1b[31mB\x1b[m")
    assert parse(change)[0].hunks[0].new[1] == b"\x1b[31mB\x1b[m\n"


def test_zlib_alone_is_no_format_of_files():
    assert "no unified diff" in fault(zlib.compress(CHANGE))
