"""What diffs are read as: names, status, modes, bodies, and what is refused."""

from __future__ import annotations

import pytest

from poach.applier.diff import DiffError, FileDiff, NamedDiff, parse
from poach.errors import Faults

HUNK = b"@@ -1 +1 @@\n-1\n+2\n"


def one(data: bytes) -> FileDiff:
    (file,) = parse(data)
    return file


def unified(old: bytes, new: bytes) -> FileDiff:
    return one(b"--- " + old + b"\n+++ " + new + b"\n" + HUNK)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b"a/f", "a/f"),
        (b"a/f\r", "a/f"),
        (b"a/f\t2020-01-01 10:00:00.000000000 +0100", "a/f"),
        (b"a/f\tWed Feb  4 18:45:35 2015", "a/f"),
        (b"a/f 2020-01-01 10:00:00.000000000 +0100", "a/f"),
        (b"a/f 2020-01-01 10:00:00", "a/f"),
        (b"a/f Wed Feb  4 18:45:35 2015", "a/f"),
        (b"a/f    (revision 123)", "a/f"),
        (b"a/f\t(working copy)", "a/f"),
        (b"a/b c.txt\t", "a/b c.txt"),
        (b"a/b c.txt", "a/b c.txt"),
        (b'"a/d\\303\\251.py"', "a/dé.py"),
        (b'"a/q\\"t\\t\\\\.py"', 'a/q"t\t\\.py'),
        (b"a/\xe9", "a/\udce9"),
        (b"/dev/null", None),
        (b"/dev/null\t1970-01-01 00:00:00.000000000 +0000", None),
    ],
)
def test_names_in_headers(header, name):
    assert unified(header, b"a/f").old == name


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (b"a/f b/f", ("a/f", "b/f")),
        (b"a/b c b/b c", ("a/b c", "b/b c")),
        (b"b c b c", ("b c", "b c")),
        (b"a/old/b c b/new/b c", ("a/old/b c", "b/new/b c")),
        (b'"a/d\\303\\251" "b/d\\303\\251"', ("a/dé", "b/dé")),
        (b"f f", ("f", "f")),
    ],
)
def test_names_after_diff_git(header, names):
    data = b"diff --git " + header + b"\nold mode 100644\nnew mode 100755\n"
    file = one(data)
    assert (file.old, file.new) == names
    assert (file.old_mode, file.new_mode) == (0o100644, 0o100755)


def test_the_names_above_the_hunks_count_for_more():
    file = one(b"diff --git a/g b/g\n--- a/f\n+++ b/f\n" + HUNK)
    assert (file.old, file.new) == ("a/f", "b/f")


@pytest.mark.parametrize(
    ("stamp", "status"),
    [
        (b"1970-01-01 00:00:00.000000000 +0000", "create"),
        (b"1969-12-31 16:00:00.000000000 -0800", "create"),
        (b"1970-01-01 01:00:00.000000000 +0100", "create"),
        (b"Thu Jan  1 00:00:00 1970", "create"),
        (b"1970-01-01 01:00:00.000000000 +0000", "modify"),
        (b"2020-01-01 00:00:00.000000000 +0000", "modify"),
    ],
)
def test_the_epoch_means_no_file(stamp, status):
    data = b"--- a/f\t%s\n+++ b/f\t2020-01-01 00:00:00\n@@ -0,0 +1 @@\n+1\n" % stamp
    assert one(data).status == status


def test_git_extended_headers():
    files = parse(
        b"diff --git a/n b/n\nnew file mode 100755\nindex 0000000..e69de29\n"
        b"diff --git a/o b/o\ndeleted file mode 100644\nindex e69de29..0000000\n"
        b"diff --git a/r b/s/t\nsimilarity index 100%\nrename from r\nrename to s/t\n"
        b"diff --git c d\nsimilarity index 100%\ncopy from c\ncopy to d\n"
    )
    said = [(file.status, file.old, file.new, file.new_mode) for file in files]
    assert said == [
        ("create", None, "b/n", 0o100755),
        ("delete", "a/o", None, None),
        ("rename", "a/r", "b/s/t", None),
        ("copy", "c", "d", None),
    ]


def test_headers_within_a_hunk_are_lines():
    body = b"--- a/g\n+++ b/g\n-@@ -1 +1 @@\n+diff --git a/x b/x\n"
    file = one(b"--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n" + body)
    assert file.hunks[0].lines == tuple(body.splitlines(keepends=True))


def test_only_a_newline_ends_a_line():
    line = b"a\x0b\x0c\x1c\x85\xe2\x80\xa8\rb\n"
    file = one(b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-" + line + b"+" + line + b"")
    assert file.hunks[0].old == [line] and file.hunks[0].new == [line]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b" a\n\n-b\n+c\n", (b" a\n", b" \n", b"-b\n", b"+c\n")),
        (b" a\n\tx\n-b\n+c\n", (b" a\n", b" \tx\n", b"-b\n", b"+c\n")),
        (b"-b\n+c\n a\n", (b"-b\n", b"+c\n", b" a\n", b" \n")),
        (b"-b\n+c\n", (b"-b\n", b"+c\n", b" \n", b" \n")),
        (b" a\n-b\n+c\n d\n\n\n", (b" a\n", b"-b\n", b"+c\n", b" d\n")),
    ],
    ids=["stripped blank", "tab", "chopped one", "chopped two", "separators"],
)
def test_repaired_bodies(body, lines):
    file = one(b"--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n" + body)
    assert file.hunks[0].lines == lines


def test_no_newline_markers_in_any_language():
    marker = "\\ Kein Zeilenumbruch am Dateiende ä.\n".encode()
    file = one(b"--- f\n+++ f\n@@ -1 +1 @@\n-1\n" + marker + b"+2\n" + marker)
    assert file.hunks[0].lines == (b"-1", b"+2")


def test_a_mailbox():
    mail = b"From %s Mon Sep 17 00:00:00 2001\nSubject: x\n\n---\n f | 2 +-\n\n"
    diff = b"diff --git a/f b/f\n--- a/f\n+++ b/f\n" + HUNK + b"-- \n2.39.5\n\n"
    files = parse((mail % (b"a" * 40) + diff) * 2)
    assert [(file.part, len(file.hunks)) for file in files] == [(1, 1), (2, 1)]


def test_svn():
    names = b"--- d/f\t(revision 1)\n+++ d/f\t(working copy)\n"
    file = one(b"Index: d/f\n====\n" + names + HUNK)
    assert (file.old, file.new, file.indexed) == ("d/f", "d/f", "d/f")
    assert one(b"Index: f\n====\n" + HUNK).old == "f"


def test_an_indented_diff():
    data = b"  --- a/f\n  +++ b/f\n  @@ -1 +1 @@\n  -1\n  +2\n"
    assert one(data).hunks[0].lines == (b"-1\n", b"+2\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the diff is empty"),
        (b"hello\n", "no unified diff in it; it says 'hello'"),
        (
            b"*** a/f\n--- b/f\n***************\n*** 1 ****\n! 1\n--- 1 ----\n! 2\n",
            "line 1 of the diff: a context diff; only unified diffs apply, "
            "make it with diff -ruN",
        ),
        (
            b"1c\n2\n.\n",
            "line 1 of the diff: an ed script; only unified diffs apply, "
            "make it with diff -ruN",
        ),
        (
            b"1c1\n< 1\n---\n> 2\n",
            "line 1 of the diff: a diff without file names; only unified diffs apply, "
            "make it with diff -ruN",
        ),
        (
            b"Binary files a and b differ\n",
            "the diff only says that binary files differ; "
            "make it with git diff --binary",
        ),
        (
            "--- f".encode("utf-16"),
            "the diff is encoded in UTF-16, as by > in PowerShell; convert it with "
            "iconv -f UTF-16 -t UTF-8, or make it with git diff --output=FILE",
        ),
        (HUNK, "line 1 of the diff: a hunk without the name of its file above it"),
        (
            b"--- f\n+++ f\n@@ -1,999999999999 +1 @@\n-1\n+2\n",
            "line 3 of the diff: @@ -1,999999999999 +1 @@: the hunk has fewer lines "
            "than its header says; the diff is damaged",
        ),
        (
            b"--- f\n+++ f\n@@ -1,2 +1 @@\n 1\n 2\n",
            "line 3 of the diff: @@ -1,2 +1 @@: the hunk has other lines "
            "than its header says; the diff is damaged",
        ),
        (
            b"--- f\n+++ f\n@@ -1 +1 @@\n-1\n+2",
            "line 5 of the diff: the last line of the diff, an added one, has no "
            "newline, so that it may be cut off; get the diff again, or end that line "
            "with a newline if it is whole",
        ),
        (
            b"--- f\n+++ f\n@@ -1 +1 @@\n 1\n",
            "line 3 of the diff: @@ -1 +1 @@: the hunk changes nothing; "
            "the diff is damaged",
        ),
        (
            b"--- f\n+++ f\n@@ -1,2 +1,2 @@\n-1\n+2\n\\ No newline\n 3\n",
            "line 3 of the diff: @@ -1,2 +1,2 @@: the file goes on after its end; "
            "the diff is damaged",
        ),
        (
            b"diff --git a/x b/x\nGIT binary patch\nliteral 9\nzzz\n\n",
            "line 2 of the diff: a git binary patch without its size or index line",
        ),
        (
            b"diff --git a/x b/x\nindex %s..%s\nGIT binary patch\nliteral 9\nzzz\n\n"
            % (b"0" * 40, b"1" * 40),
            "line 5 of the diff: damaged binary data",
        ),
        (
            b"diff --git a/x b/x\nindex 00..11\nGIT binary patch\n"
            b"literal 99999999999\nAa\n\n",
            "line 5 of the diff: damaged binary data",
        ),
    ],
)
def test_refused(data, message):
    with pytest.raises(DiffError) as caught:
        parse(data)
    assert str(caught.value) == message


def test_all_faults_of_one_diff():
    bad = b"diff --git a/f b/f\n--- f\n+++ f\n@@ -1,9 +1 @@\n-1\n+2\n"
    with pytest.raises(Faults) as caught:
        parse(bad + bad)
    assert [fault.line for fault in caught.value.faults] == [4, 10]


def test_a_note_about_binary_files_is_kept():
    data = b"diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n"
    assert one(data).lost


def test_named_diff_defaults():
    diff = NamedDiff("x", "", b"")
    assert (diff.strip, diff.directory, diff.fuzz) == (None, None, 0)


@pytest.mark.parametrize(
    "words", [b"rename from f\nrename to g\n", b"copy from f\ncopy to g\n"]
)
def test_git_headers_with_the_hunks_of_another_file(words):
    with pytest.raises(DiffError) as caught:
        parse(b"diff --git a/f b/g\n" + words + b"--- a/x\n+++ b/x\n" + HUNK)
    assert str(caught.value) == (
        "line 4 of the diff: this file is not the one of the git header above; "
        "the diff is damaged"
    )


@pytest.mark.parametrize("line", [b"--- a/f\n", b"+++ a/f\n", b"Index: a/f\n"])
def test_half_a_header(line):
    assert one(line + HUNK).old == "a/f"


def test_git_headers_with_half_a_header_or_none():
    for line in (b"--- a/f\n", b"+++ b/f\n", b""):
        file = one(b"diff --git a/f b/f\n" + line + HUNK)
        assert (file.old, file.new, len(file.hunks)) == ("a/f", "b/f", 1)
