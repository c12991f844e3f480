"""Mails around diffs: subjects, prose that looks like a diff, what mail programs do."""

from __future__ import annotations

import base64
import quopri

import pytest

from poach.applier.diff import DiffError, parse
from poach.applier.mail import readable
from poach.errors import Faults

CHANGE = b"--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
GIT = b"diff --git a/m.py b/m.py\nindex 1234567..89abcde 100644\n" + CHANGE
STAT = b"---\n m.py | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n"
NEW = b"--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,2 @@\n+one\n+two\n"
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


def subjects(data: bytes) -> list[tuple[str | None, str, int]]:
    return [(file.new, file.subject, file.part) for file in parse(data)]


# Subjects.


def test_each_file_knows_the_subject_of_its_mail():
    first = mail(b"[PATCH 1/2] one", b"Words.\n") + GIT + GIT.replace(b"m.py", b"n.py")
    second = mail(b"[PATCH 2/2] two\n that is folded", b"") + GIT
    assert subjects(first + END + second + END) == [
        ("b/m.py", "[PATCH 1/2] one", 1),
        ("b/n.py", "[PATCH 1/2] one", 1),
        ("b/m.py", "[PATCH 2/2] two that is folded", 2),
    ]


def test_the_subject_of_a_mail_without_its_from_line():
    data = b"From: A <a@b.c>\nSubject: [PATCH] one\n\nWords.\n" + STAT + GIT
    assert subjects(data) == [("b/m.py", "[PATCH] one", 0)]


def test_the_subjects_of_changesets():
    hg = b"# HG changeset patch\n# User A\n# Date 0 0\n# Node ID 1\n%s\nmore\n\n"
    data = hg % b"one" + GIT + hg % b"two" + GIT
    assert [file.subject for file in parse(data)] == ["one", "two"]
    git = b"commit %s\nAuthor: A\nDate:   now\n\n    %s\n\n    more\n\n"
    data = git % (b"a" * 40, b"one") + GIT + b"\n" + git % (b"b" * 40, b"two") + GIT
    assert [file.subject for file in parse(data)] == ["one", "two"]


def test_a_diff_without_mail_has_no_subject():
    assert subjects(CHANGE) == [("b/m.py", "", 0)]


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


def concatenated(*patches: bytes) -> list[str | None]:
    return [file.new for file in parse(b"".join(patches))]


OTHER = CHANGE.replace(b"m.py", b"n.py")
THIRD = CHANGE.replace(b"m.py", b"o.py")
HEADERS = {
    "DEP-3": b"Description: one\nAuthor: x\n\n",
    "a mail": b"From: y\nSubject: two\n" + STAT,
    "prose": b"Subject: x\nFrom: y\n\nSome words:\n - about it\n" + STAT,
    "no blank line": b"Author: y\n" + STAT,
    "folded": b"Description: two\n and more\nOrigin: upstream\n" + STAT,
}


@pytest.mark.parametrize("gap", [b"", b"\n", b"-- \n2.39.5\n\n"])
@pytest.mark.parametrize("second", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("first", HEADERS.values(), ids=HEADERS)
def test_patches_that_were_put_together(first, second, gap):
    both = (first, CHANGE, gap, second, OTHER)
    assert concatenated(*both) == ["b/m.py", "b/n.py"]
    assert concatenated(*both, gap, second, THIRD) == ["b/m.py", "b/n.py", "b/o.py"]
    assert concatenated(CHANGE, gap, second, OTHER) == ["b/m.py", "b/n.py"]


def test_each_patch_that_was_put_to_another_has_its_subject():
    data = HEADERS["prose"] + CHANGE + b"\n" + HEADERS["a mail"] + OTHER
    assert subjects(data) == [("b/m.py", "x", 0), ("b/n.py", "two", 1)]


def test_a_diff_above_the_separator_that_may_be_another_patch():
    for data in (
        mail(b"x", b"", b"") + CHANGE + b"\nFrom: y\nSubject: two\n" + STAT + OTHER,
        b"Description: one\n\n" + CHANGE + b"\nSome words.\n" + STAT + OTHER,
    ):
        assert (
            "if that diff is another patch, put each patch into a separate file"
            in fault(data)
        )


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


CODED = GIT.replace(b"+B", b"+y =3D 2")
PART = b"--=-abc\nContent-Type: text/plain\n\nWords.\n\n--=-abc\n"
MULTIPART = b"From: x\nContent-Type: multipart/mixed; boundary==-abc\n\n" + PART


@pytest.mark.parametrize(
    "head",
    [
        b"From al at example.com  Mon Jan  1 10:00:00 2001\nFrom: al at example.com\n",
        b">From a@b.c Mon Jan  1 10:00:00 2001\nFrom: a@b.c\n",
        b"From: x\nContent-Type: message/rfc822\n\nFrom: y\nSubject: fix\n",
        b"Look at this mail:\n\nFrom: y\n",
        CHANGE + b"\nFrom: y\nSubject: fix\n",
        CHANGE + b"\n",
        MULTIPART + b"X-Foo: 1\n",
        MULTIPART + b"MIME-Version: 1.0\n",
        MULTIPART + b"Content-Type: message/rfc822\n\nFrom: y\nSubject: fix\n",
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_encoded_diff_wherever_the_header_of_its_mail_stands(head, end):
    data = head + QUOTED + b"\n\n" + CODED + b"\nThanks, y\n"
    assert "encoded (quoted-printable)" in fault(data.replace(b"\n", end))
    data = head + BASE64 + b"\n\n" + base64.encodebytes(CODED) + CHANGE
    assert "encoded (base64)" in fault(data.replace(b"\n", end))


@pytest.mark.parametrize("name", [b"------------2.39.5", b"=-abc", b"BB"])
@pytest.mark.parametrize("blank", [b"", b"\n", b"\n\n"])
def test_attachments_that_are_not_encoded(name, blank):
    head = (
        b'Content-Type: multipart/mixed; boundary="%s"\n\nThis is in MIME format.\n'
        b"--%s\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\n"
    ) % (name, name)
    part = b"\n--%s\nContent-Type: text/x-patch; name=x\n" % name + (
        b"Content-Transfer-Encoding: 8bit\nContent-Disposition: attachment\n\n"
    )
    end = blank + b"--%s--\n\n\n" % name
    one = mail(b"x", b"", b"")[:-1] + head + STAT + part + GIT + end
    assert subjects(one + one) == [("b/m.py", "x", 1), ("b/m.py", "x", 2)]
    two = head + STAT + part + NEW + blank[1:] + part + GIT + end
    assert concatenated(b"From: a\n" + two) == ["b/n.py", "b/m.py"]
    said = fault(two.replace(b"boundary=", b"limit="))
    assert "more lines than its header says" in said


def test_prose_that_is_encoded_beside_a_diff_that_is_not():
    words = PART.replace(b"Words.", b"W=C3=B6rter.").replace(
        b"\n\nW", b"\n" + QUOTED + b"\n\nW"
    )
    data = MULTIPART.replace(PART, words) + b"Content-Type: text/x-diff\n\n"
    assert concatenated(data, CODED, b"\n\n--=-abc--\n") == ["b/m.py"]


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
    assert subjects(mail(b"x", b"", STAT, field) + GIT + END) == [("b/m.py", "x", 1)]


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
