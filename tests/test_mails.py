"""Mails around diffs: subjects, prose that looks like a diff, what mail programs do."""

from __future__ import annotations

import base64
import quopri

import pytest

from poach.diff import DiffError, parse
from poach.errors import Faults
from poach.mail import readable

CHANGE = b"--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
GIT = b"diff --git a/m.py b/m.py\nindex 1234567..89abcde 100644\n" + CHANGE
STAT = b"---\n m.py | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n"
END = b"-- \n2.39.5\n\n"


def mail(subject: bytes, message: bytes, stat: bytes = STAT, *fields: bytes) -> bytes:
    more = b"".join(field + b"\n" for field in fields)
    return (
        b"From %s Mon Sep 17 00:00:00 2001\nFrom: A B <a@example.com>\n"
        b"Date: Tue, 1 Dec 2026 02:12:58 +0000\nSubject: %s\n%s\n%s%s"
        % (b"a" * 40, subject, more, message, stat)
    )


def fault(data: bytes) -> str:
    with pytest.raises((DiffError, Faults)) as caught:
        parse(data)
    return str(caught.value)


def told(data: bytes) -> list[tuple[str | None, str, int]]:
    return [(file.new, file.subject, file.part) for file in parse(data)]


# Subjects.


def test_each_file_knows_the_subject_of_its_mail():
    first = mail(b"[PATCH 1/2] one", b"Words.\n") + GIT + GIT.replace(b"m.py", b"n.py")
    second = mail(b"[PATCH 2/2] two\n that is folded", b"") + GIT
    assert told(first + END + second + END) == [
        ("b/m.py", "[PATCH 1/2] one", 1),
        ("b/n.py", "[PATCH 1/2] one", 1),
        ("b/m.py", "[PATCH 2/2] two that is folded", 2),
    ]


def test_the_subject_of_a_mail_without_its_from_line():
    data = b"From: A <a@b.c>\nSubject: [PATCH] one\n\nWords.\n" + STAT + GIT
    assert told(data) == [("b/m.py", "[PATCH] one", 0)]


def test_the_subjects_of_changesets():
    hg = b"# HG changeset patch\n# User A\n# Date 0 0\n# Node ID 1\n%s\nmore\n\n"
    data = hg % b"one" + GIT + hg % b"two" + GIT
    assert [file.subject for file in parse(data)] == ["one", "two"]
    git = b"commit %s\nAuthor: A\nDate:   now\n\n    %s\n\n    more\n\n"
    data = git % (b"a" * 40, b"one") + GIT + b"\n" + git % (b"b" * 40, b"two") + GIT
    assert [file.subject for file in parse(data)] == ["one", "two"]


def test_a_diff_without_mail_has_no_subject():
    assert told(CHANGE) == [("b/m.py", "", 0)]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?M=C3=BCller?= fixes", "Müller fixes"),
        ("=?UTF-8?B?w6Q=?=", "ä"),
        ("=?nope?q?x?=", "=?nope?q?x?="),
        ("2 =? 3", "2 =? 3"),
    ],
)
def test_subjects_as_people_read_them(raw, text):
    assert readable(raw) == text


# Prose.

QUOTATIONS = {
    "a hunk header": b"The hunk\n@@ -1,3 +1,3 @@ was wrong.\n",
    "names": b"--- a/x.py\n+++ b/x.py\nare the names\n",
    "a context diff": b"*** a/f\n--- b/f\n***************\n*** 1 ****\n! 1\n",
    "a normal diff": b"1c1\n< 1\n---\n> 2\n"[:8],
    "a combined diff": b"@@@ -1,1 -1,1 +1,1 @@@\n",
    "only in": b"Only in b: x\n",
    "an index": b"Index: x.py\n" + b"=" * 67 + b"\n",
    "binary": b"Binary files a/m.py and b/m.py differ\nGIT binary patch\n",
    "a rename": b"=== renamed file 'a' => 'b'\n",
    "a whole diff": GIT.replace(b"+B", b"+WRONG"),
    "a plain diff": CHANGE.replace(b"+B", b"+WRONG"),
    "a damaged diff": GIT.replace(b"+1,3", b"+1,9"),
}


@pytest.mark.parametrize("words", QUOTATIONS.values(), ids=QUOTATIONS)
def test_what_stands_above_the_separator_is_prose(words):
    data = mail(b"x", b"First.\n" + words + b"\nLast.\n") + GIT + END
    for all_of in (data, data + data, data.replace(b"\n", b"\r\n")):
        for file in parse(all_of):
            assert [line.rstrip() for line in file.hunks[0].new] == [b"a", b"B", b"c"]
    assert len(parse(data + data)) == 2


def test_a_diff_above_a_line_that_only_looks_like_the_separator_is_kept():
    rest = GIT.replace(b"m.py", b"n.py")
    data = mail(b"x", b"Words.\n\n", b"") + GIT + b"\n---\n" + rest
    assert [file.new for file in parse(data)] == ["b/m.py", "b/n.py"]


def test_a_removed_line_is_no_separator():
    hunk = b"@@ -1,3 +1,2 @@\n a\n---\n c\n"
    data = mail(b"x", b"Words.\n\n", b"") + b"--- a/m\n+++ b/m\n" + hunk + GIT
    first, second = parse(data)
    assert first.hunks[0].old == [b"a\n", b"--\n", b"c\n"]
    assert second.new == "b/m.py"


def test_a_header_that_a_diff_follows_at_once():
    data = (
        b"Description: x\nAuthor: A\n" + CHANGE + b"\n" + GIT.replace(b"m.py", b"n.py")
    )
    assert [file.new for file in parse(data)] == ["b/m.py", "b/n.py"]


def test_hunk_like_words_where_no_separator_comes():
    words = b"The hunk\n@@ -1,3 +1,3 @@ was wrong.\n\n"
    assert "without the name of its file" in fault(mail(b"x", words, b"") + GIT)


# Encodings.

QUOTED = b"Content-Transfer-Encoding: quoted-printable"
BASE64 = b"Content-Transfer-Encoding: base64"


def test_a_quoted_printable_mail_whose_hunks_would_fit():
    change = GIT.replace(b"+B", b"+y =3D 2")
    data = mail(b"x", b"", STAT, b"MIME-Version: 1.0", QUOTED) + change + END
    said = fault(data)
    assert "line 6 of the diff: the mail is encoded (quoted-printable)" in said
    assert "save the decoded text of the mail" in said


@pytest.mark.parametrize(
    "field", [QUOTED, QUOTED.lower(), QUOTED.upper(), QUOTED.replace(b": ", b":\n ")]
)
def test_soft_line_breaks(field):
    text = STAT + GIT.replace(b"+B", b"+" + b"x" * 100)
    coded = quopri.encodestring(text)
    assert "quoted-printable" in fault(mail(b"x", b"", b"", field) + coded)


def test_the_second_mail_is_encoded():
    good = mail(b"one", b"") + GIT + END
    bad = mail(b"two", b"", STAT, QUOTED) + GIT.replace(b"+B", b"+y =3D 2") + END
    assert "quoted-printable" in fault(good + bad)
    bad = mail(b"two", b"", b"", BASE64) + base64.encodebytes(STAT + GIT)
    assert "the mail is encoded (base64)" in fault(good + bad)


def test_a_mail_in_base64_alone():
    assert "encoded (base64)" in fault(
        mail(b"x", b"", b"", BASE64) + base64.encodebytes(STAT + GIT)
    )


def test_an_attachment_that_is_encoded():
    text = base64.encodebytes(GIT)
    parts = (
        b"\n--=-abc\nContent-Type: text/plain\n\nSee the attachment.\n\n--=-abc\n"
        b"Content-Type: text/x-patch; name=x.patch\nContent-Transfer-Encoding: base64\n"
        b"\n" + text + b"\n--=-abc--\n"
    )
    head = b"Content-Type: multipart/mixed; boundary==-abc"
    assert "encoded (base64)" in fault(mail(b"x", b"", b"", head) + parts + CHANGE)


@pytest.mark.parametrize(
    "field",
    [
        QUOTED,
        b"Content-Transfer-Encoding: 8bit",
        b"Content-Type: text/plain; charset=x",
    ],
)
def test_fields_that_change_nothing(field):
    assert told(mail(b"x", b"", STAT, field) + GIT + END) == [("b/m.py", "x", 1)]


def test_an_encoding_that_a_message_speaks_of():
    words = QUOTED + b"\nis what we test here, and 1 =3D 1.\n"
    assert len(parse(mail(b"x", words) + GIT.replace(b"+B", b"+=3D") + END)) == 1


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (b"Content-Type: text/plain; charset=utf-8; format=flowed", "format=flowed"),
        (b'Content-Type: text/plain;\n format="flowed"', "format=flowed"),
        (b"Content-Type: text/html; charset=utf-8", "a web page (text/html)"),
    ],
)
def test_what_mail_programs_make_of_lines(field, words):
    assert words in fault(mail(b"x", b"", STAT, field) + GIT)


def test_a_mail_that_is_signed_with_pgp():
    escaped = CHANGE.replace(b"\n-", b"\n- -").replace(b"--- a", b"- --- a")
    data = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + escaped
    assert "gpg --decrypt" in fault(data)
