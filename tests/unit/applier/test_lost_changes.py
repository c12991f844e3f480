"""What a diff tells of and does not hold is refused, never dropped."""

from __future__ import annotations

import re

import pytest

from poach.applier.announced import read
from poach.applier.diff import DiffError, parse
from poach.errors import Faults

RULE = b"=" * 67 + b"\n"
CHANGE = b"--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
NEW = b"--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,2 @@\n+one\n+two\n"
SVN = (
    b"Index: m.py\n" + RULE + b"--- m.py\t(revision 10)\n+++ m.py\t(working copy)\n"
    b"@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
)


def faults(data: bytes) -> list[DiffError]:
    with pytest.raises((DiffError, Faults)) as caught:
        parse(data)
    error = caught.value
    return list(error.faults) if isinstance(error, Faults) else [error]


def fault(data: bytes) -> DiffError:
    (found,) = faults(data)
    return found


def names(data: bytes) -> list[str | None]:
    return [file.new for file in parse(data)]


# Lines after a hunk.


@pytest.mark.parametrize(
    "more",
    [
        b"+three\n",
        b"+\n",
        b"-three\n",
        b" three\n",
        b"\tthree\n",
        b"\n+three\n",
        b" \n+three\n",
        b"\n\n\n-three\n",
        b"-- three\n",
        b"-- \n+three\n",
        b"----\n",
        b"+++ three\n",
        b"\\ No newline at end of file\n+three\n",
        b"+three\n@@ -7 +8 @@\n-x\n+y\n",
        b"+three\n" + CHANGE,
        b"+three\ndiff --git a/m.py b/m.py\n" + CHANGE,
    ],
)
def test_lines_that_the_header_of_a_hunk_does_not_count(more):
    found = fault(NEW + more)
    assert found.line == 3
    assert "@@ -0,0 +1,2 @@: the hunk has more lines than its" in found.reason


@pytest.mark.parametrize(
    ("counts", "after"),
    [
        (b"-1,4 +1,3", CHANGE.replace(b"m.py", b"n.py")),
        (b"-1,4 +1,4", CHANGE.replace(b"m.py", b"n.py")),
        (b"-1,4 +1,4", NEW),
        (b"-1,4 +1,3", b"-- \n2.39.5\n\n"),
        (b"-1,4 +1,3", b"-- \n2.39.5 (Apple Git-154)\n"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_counts_that_are_too_large(counts, after, end):
    data = CHANGE.replace(b"-1,3 +1,3", counts) + after
    found = fault(data.replace(b"\n", end))
    assert found.line == 3
    assert "counts more lines than the hunk has" in found.reason


def test_lines_that_only_look_like_a_header_at_the_end_of_a_hunk():
    sql = b"--- a/q.sql\n+++ b/q.sql\n@@ -1,2 +1,2 @@\n select\n--- old\n+++ new\n"
    assert names(sql) == ["b/q.sql"]
    assert names(sql + CHANGE) == ["b/q.sql", "b/m.py"]


def test_surplus_lines_in_the_middle_of_a_mailbox():
    mail = b"From %s Mon Sep 17 00:00:00 2001\nSubject: x\n\n---\n" % (b"a" * 40)
    data = mail + NEW + b"+three\n-- \n2.39.5\n\n" + mail + CHANGE + b"-- \n2.39.5\n\n"
    assert fault(data).line == 7


def test_the_line_of_the_surplus_is_named():
    assert "from line 6 of the diff on" in fault(NEW + b"+three\n").reason


@pytest.mark.parametrize(
    "data",
    [
        CHANGE.replace(b"@@ -1,3", b"+lost\n@@ -1,3"),
        CHANGE.replace(b"@@ -1,3", b"-lost\n@@ -1,3"),
        CHANGE.replace(b"@@ -1,3", b"text\n+lost\n@@ -1,3"),
        b"--- /dev/null\n+++ b/n.py\n+one\n+two\n",
        b"diff --git a/n b/n\nnew file mode 100644\n+one\n",
    ],
)
def test_lines_above_the_header_of_their_hunk(data):
    found = fault(data + b"diff --git a/m.py b/m.py\n" + CHANGE)
    assert "a changed line above the header of its hunk" in found.reason


@pytest.mark.parametrize(
    "text",
    [
        b"-- \n2.39.5\n\n",
        b"--\n2.39.5\n",
        b"\n-- \nA signature\n",
        b"\nThat is all.\n",
        b"\n - a list\n - of points\n",
        b"\n---\nmore\n",
        b"\n----------\n+ text below the text\n"[:12],
        b"\nDescription: x\n+ a point\n- another\n",
        b"Only in a: .git\n",
        b"# end\n",
        b"Author: me\n",
    ],
)
def test_text_after_a_hunk(text):
    assert names(NEW + text) == ["b/n.py"]
    assert names(NEW + text + CHANGE) == ["b/n.py", "b/m.py"]


def test_the_rest_of_an_added_line_that_was_wrapped():
    found = fault(NEW + b"and the rest of it\n")
    assert found.line == 6
    assert "may be the rest of that line, which was wrapped" in found.reason
    assert names(CHANGE + b"text\n") == ["b/m.py"]  # a line of context has to fit


# Files that the diff only tells of.


@pytest.mark.parametrize(
    "line",
    [
        "Only in b: new.py",
        "Only in a/pkg: gone.py",
        "Only in b/a folder: new file.py",
        "Nur in b: new.py.",
        "Seulement dans b: new.py",
        "S\u00f3lo en b: new.py",
        "Somente em b: new.py",
        "\u0422\u043e\u043b\u044c\u043a\u043e \u0432 b: new.py",
        "\u53ea\u5728 b \u5b58\u5728\uff1anew.py",
        "cvs diff: new.py is a new entry, no comparison available",
        "cvs server: gone.py was removed, no comparison available",
        "cvs diff: tag v1 is not in file new.py",
        "File new.py is new; current revision 1.1",
        "File a/x is a regular file while file b/x is a directory",
        "Symbolic links a/x and b/x differ",
        "diff: b/x: Permission denied",
        "=== renamed file 'old.py' => 'new.py'",
        "=== renamed file 'o' => 'n' (properties changed: -x to +x)",
        "=== renamed directory 'o' => 'n'",
        "=== added symlink 'x'",
        "... //depot/main/new.py#1 add",
        "... //depot/main/gone.py#4 move/delete",
        "Submodule vendor/x 1234567..89abcde:",
    ],
)
@pytest.mark.parametrize("order", ["before", "after", "between"])
def test_a_line_that_tells_what_the_diff_lacks(line, order):
    announced = line.encode() + b"\n"
    where = {"before": [announced, CHANGE, NEW], "after": [CHANGE, NEW, announced]}
    found = fault(b"".join(where.get(order, [CHANGE, announced, NEW])))
    assert repr(line) in str(found)


ED = b"5c\nl5\n.\n"


@pytest.mark.parametrize(
    "text",
    [
        b"diff -e a/n.py b/n.py\n" + ED,
        b"diff -r -e a/n.py b/n.py\n5d\n",
        b"diff --ed a/n.py b/n.py\n" + ED,
        b"diff -n a/n.py b/n.py\nd5 1\na5 1\nl5\n",
        b"diff -rN --rcs a/n.py b/n.py\nd5 1\n",
        b"diff -y a/n.py b/n.py\nline 4\t\t\tline 4\nline 5\t\t      |\tl5\n",
        b"diff --side-by-side a/n.py b/n.py\nline 4\t\t\tline 4\n",
        b"diff -r a/n.py b/n.py\n5c5\n< line 5\n---\n> l5\n",
        b"diff -r 1 -r 2 n.py\n5d4\n< line 5\n",
        b"==== //depot/n.py#3 (text) ====\n\n***************\n*** 1,2 ****\n! a\n",
        b"\n5c\nl5\nl6\n.\n",
        b"\nwords\n7,9c\nl5\n.\nw\nq\n",
    ],
)
def test_other_kinds_of_diffs_beside_unified_ones(text):
    for data in (CHANGE + text, CHANGE + text + NEW, text + CHANGE):
        assert "diff -ruN" in fault(data).reason


ANNOUNCING = b"diff -r 0 -r 1 pkg/new.py\n"


@pytest.mark.parametrize(
    "line",
    [
        ANNOUNCING,
        b"diff -r 000000000000 -r 1234567890ab pkg/new.py\n",
        b"diff -ruN --exclude CVS a/pkg/new.py b/pkg/new.py\n",
        b"diff -u -N -r1.1 new.py\n",
        b"diff -ruN -x '*.pyc' 'a/pkg/my new.py' 'b/pkg/my new.py'\n",
        b"diff -u /dev/null b/pkg/new.py\n",
        b"diff -u new.py.orig new.py\n",
    ],
)
@pytest.mark.parametrize(
    "after",
    [
        b"# HG changeset patch\n# User x\nfix\n\n",
        b"From %s Mon Sep 17 00:00:00 2001\nSubject: x\n\n" % (b"a" * 40),
        b"commit %s\nAuthor: a\n\n    words\n\n" % (b"a" * 40),
        b"# a comment\n",
        b"\n",
        b"Common subdirectories: a/x and b/x\n",
    ],
)
def test_a_file_that_is_announced_before_another_header(line, after):
    for data in (line + after + CHANGE, CHANGE + line + after + SVN):
        assert "announces this file and has no change of it" in fault(data).reason


@pytest.mark.parametrize(
    "line",
    [
        b"RENAMED pkg/a.py => pkg/b.py\n",
        b"RENAME pkg/a.py -> pkg/b.py\n",
        b"addfile ./pkg/a.py\n",
        b"rmfile ./pkg/a.py\n",
        b"move ./pkg/a.py ./pkg/b.py\n",
        b'# rename "pkg/a.py"\n#     to "pkg/b.py"\n',
        b'#  rename "pkg/a.py"\n#      to "pkg/b.py"\n',
        b"=== modified file 'm.py' (properties changed: -x to +x)\n",
        b"=== added file 'm.py' (properties changed: -x to +x)\n",
        b"begin 644 logo.png\nM86%A\n`\nend\n",
        b"* Unmerged path n.py\n",
        b"diff --cc n.py\n\n",
        b"diff --combined n.py\nmode 100644,100644..100755\n",
        b"diff --cc n.py\ndeleted file mode 100644,100644\n",
    ],
)
def test_what_other_programs_tell_of_a_file(line):
    for data in (line + CHANGE, NEW + line + CHANGE, NEW + line):
        assert fault(data).line == 1 + (NEW in data) * NEW.count(b"\n")


def test_a_merge_of_which_only_the_header_is_there():
    assert "combined diff of a merge" in fault(CHANGE + b"diff --cc n.py\n").reason


@pytest.mark.parametrize(
    "text",
    [
        b"Only in debug mode: log more\n",
        b"Only in Python 2: str is bytes\n",
        b"Only in debug: logging is on\n",
        b"diff -u output was wrong\n",
        b"diff -u output\n",
        b"diff -r is nice\n",
        b"diff --cc is nice\n",
        b"diff --cc shows\nmerges\n",
        b"* Unmerged paths are refused\n",
        b"diff -u was not enough, so I took diff -e\n",
        b"move the code elsewhere\n",
        b"begin with the code\n",
        b"5 changes\n4c\nand so on\n",
    ],
)
def test_prose_that_begins_like_a_line_of_diff(text):
    for head in (b"# HG changeset patch\n# User x\nfix\n\n", b"Description: x\n\n"):
        assert names(head + text + b"\n" + CHANGE) == ["b/m.py"]
        assert names(NEW + head + text + b"more\n\n" + CHANGE)[-1] == "b/m.py"


@pytest.mark.parametrize(
    "data",
    [
        b"Only in b: two words\n\n" + CHANGE,
        b"Only in debug: one\n\n" + CHANGE,
        b"Only in debug/x: two words\n\n" + CHANGE,
        b"Only in debug: two words\n" + CHANGE,
        b"Only in debug: two words\nOnly in b: x\n" + CHANGE,
        CHANGE + b"Only in debug: two words\n\n",
        CHANGE + b"Only in old tree: two words\n",
        b"Index: x\n=======\nOnly in debug: two words\n\n" + CHANGE,
    ],
)
def test_only_in_that_may_be_of_diff_is_no_prose(data):
    found = [str(each) for each in faults(data) if "Only in" in str(each)]
    assert found and all("the diff lacks this file" in each for each in found)


def test_only_in_says_what_to_do():
    found = fault(CHANGE + b"Only in b: new.py\n")
    assert str(found) == (
        "line 8 of the diff: 'Only in b: new.py': the diff lacks this file, as it was "
        "made without -N; make it with diff -ruN, or leave it out with #exclude=new.py "
        "in the location of the patch (--exclude for poach apply) if the file is no "
        "part of the change"
    )


@pytest.mark.parametrize(
    "name",
    [b"m.pyc", b"__pycache__", b"m.py.orig", b"m.py.rej", b"m.py~", b".git", b"CVS"],
)
def test_what_programs_leave_behind_is_no_change(name):
    assert names(b"Only in b/pkg: " + name + b"\n" + CHANGE) == ["b/m.py"]
    assert names(b"Nur in b/pkg: " + name + b".\n" + CHANGE) == ["b/m.py"]


EMPTY_SHA256 = b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"


@pytest.mark.parametrize(
    "announced",
    [
        b"Index: pkg/__init__.py\n" + RULE,
        b"Index: pkg/__init__.py (deleted)\n" + RULE,
        b"Index: pkg/__init__.py\n" + RULE + b"RCS file: pkg/__init__.py\n"
        b"diff -N pkg/__init__.py\n",
        b"Index: pkg/__init__.py\n" + RULE + b"--- pkg/__init__.py\t(revision 0)\n"
        b"+++ pkg/__init__.py\t(revision 0)\n",
        b"Index: pkg/__init__.py\n" + RULE + b"--- pkg/__init__.py\t(nonexistent)\n"
        b"+++ pkg/__init__.py\t(working copy)\n\nProperty changes on: pkg/__init__.py\n"
        + b"_" * 67
        + b"\nAdded: svn:eol-style\n## -0,0 +1 ##\n+native\n",
        b"Index: pkg/__init__.py\n" + RULE + b"\nProperty changes on: pkg/__init__.py\n"
        + b"_" * 67
        + b"\nAdded: svn:keywords\n   + Id\n\n",
        b"--- /dev/null\n+++ b/pkg/__init__.py\n",
        b"--- a/pkg/__init__.py\n+++ /dev/null\n",
        b"diff -r 0123456789ab -r 123456789abc pkg/__init__.py\n",
        b"diff -ruN a/pkg/__init__.py b/pkg/__init__.py\n",
        b"=== added file 'pkg/__init__.py'\n",
        b"=== removed file 'pkg/__init__.py'\n\n",
        b"==== //depot/pkg/__init__.py#1 (text) ====\n\n",
        b"==== <none> - //depot/pkg/__init__.py#1 ====\n",
        b"ADDED   pkg/__init__.py\n",
        b"DELETED pkg/__init__.py\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", ["before", "after", "between"])
def test_a_file_that_only_a_header_announces(announced, order):
    where = {"before": [announced, SVN, NEW], "after": [SVN, NEW, announced]}
    found = fault(b"".join(where.get(order, [SVN, announced, NEW])))
    assert "__init__.py" in str(found)
    assert "announces this file and has no change of it" in str(found)


def test_two_headers_of_empty_files_and_another_of_the_same_name():
    announced = b"Index: %s/__init__.py\n" + RULE
    body = b"--- %s/__init__.py\n+++ %s/__init__.py\n@@ -1 +1 @@\n-1\n+2\n"
    data = announced % b"a" + announced % b"b" + announced % b"c" + body % (b"c", b"c")
    assert [found.line for found in faults(data)] == [1, 3]


@pytest.mark.parametrize(
    "data",
    [
        SVN,
        b"Index: d/m.py\n"
        + RULE
        + b"RCS file: /cvs/d/m.py,v\nretrieving revision 1.1\n"
        b"diff -u -r1.1 m.py\n" + CHANGE,
        b"Index: tree/m.py\n" + RULE + CHANGE,
        b"Index: m.py\n" + RULE + b"diff --git a/m.py b/m.py\n" + CHANGE,
        b"diff -r 0123456789ab m.py\n" + CHANGE,
        b"diff -ruN -x '*.pyc' a/m.py b/m.py\n" + CHANGE,
        b"diff -u 'a/m.py' 'b/m.py'\n" + CHANGE,
        b"=== modified file 'm.py'\n" + CHANGE,
        b"=== added file 'm.py'\n" + CHANGE,
        b"=== added directory 'pkg'\n\n" + CHANGE,
        b"==== //depot/m.py#3 - /home/x/m.py ====\n" + CHANGE,
        b"==== //depot/o.py#3 - /home/x/o.py ==== identical\n" + CHANGE,
        b"CHANGED m.py\nIndex: m.py\n" + RULE + CHANGE,
        b"... //depot/m.py#4 edit\n" + CHANGE,
        b"cvs diff: Diffing src\n" + CHANGE,
        b"Common subdirectories: a/x and b/x\n" + CHANGE,
        b"The options of diff -u are nice.\ndiff -u is nice\ntoo\n" + CHANGE,
        b"Index: words\n" + CHANGE,
    ],
)
def test_a_header_with_its_hunks(data):
    assert [file.new for file in parse(data)][-1] in ("b/m.py", "m.py")


@pytest.mark.parametrize("name", ["\u00e4.py", "p/\u00e4 b.py", "a\tb", 'say "x".py'])
def test_a_header_with_c_quotes(name):
    """GNU diff quotes what is not ASCII, a tab or a quote, in both of its lines."""
    raw = name.replace('"', '\\"').replace("\t", "\\t").encode()
    raw = raw.replace("\u00e4".encode(), b"\\303\\244")
    announced = b'diff -ruN "a/%s" "b/%s"\n' % (raw, raw)
    body = CHANGE.replace(b"a/m.py", b'"a/%s"' % raw)
    assert names(announced + body.replace(b"b/m.py", b'"b/%s"' % raw)) == [f"b/{name}"]
    reason = fault(announced + CHANGE).reason
    assert "announces this file and has no change of it" in reason
    assert parse(announced + CHANGE, lambda names: names == [f"b/{name}"])


# Properties of Subversion.


def properties(name: bytes, *words: bytes) -> bytes:
    body = b"".join(b"Added: %s\n## -0,0 +1 ##\n+*\n" % word for word in words)
    return b"\nProperty changes on: %s\n%s\n%s" % (name, b"_" * 67, body)


def header(name: bytes) -> bytes:
    announced = (
        b"Index: %s\n" + RULE + b"--- %s\t(revision 1)\n+++ %s\t(working copy)\n"
    )
    return announced % (name, name, name)


def test_a_property_that_is_a_mode():
    for head in (header(b"run.sh"), b""):  # without a header: Subversion before 1.7
        found = fault(SVN + head + properties(b"run.sh", b"svn:executable"))
        assert "'run.sh': the diff cannot carry out the property svn:exec" in str(found)


def test_a_copy_of_subversion():
    names = b"--- o.py\t(revision 1)\n+++ n.py\t(working copy)\n"
    hunk = b"@@ -1 +1 @@\n-1\n+2\n"
    found = fault(b"Index: n.py\n" + RULE + names + hunk)
    assert "svn diff --show-copies-as-adds" in str(found)
    branches = names.replace(b"--- o", b"--- trunk/m").replace(b"+++ n", b"+++ b/m")
    assert parse(b"Index: m.py\n" + RULE + branches + hunk)


def test_a_symlink_of_subversion():
    found = fault(NEW + properties(b"n.py", b"svn:special"))
    assert "a symlink of Subversion" in str(found)


@pytest.mark.parametrize(
    "data",
    [
        SVN + properties(b"m.py", b"svn:executable", b"svn:keywords"),
        SVN + header(b".") + properties(b".", b"svn:mergeinfo"),
        SVN + header(b"o.py") + properties(b"o.py", b"svn:eol-style"),
        header(b".") + properties(b".", b"svn:mergeinfo") + SVN,
    ],
)
def test_properties_that_change_no_contents(data):
    assert names(data) == ["m.py"]


# What looks like a hunk, and has no header that can be understood.

BODY = b" line 9\n-line 10\n+l10\n line 11\n"
DAMAGED = [
    b"@ -9,3 +9,3 @@\n",
    b"@@-9,3 +9,3 @@\n",
    b"@@  -9,3 +9,3 @@\n",
    b"@@ 9,3 9,3 @@\n",
    b"@@ ... @@\n",
    b"@@\n",
    b"Words.\n  @@ -9,3 +9,3 @@\n",
    b"&#64;&#64; -9,3 +9,3 &#64;&#64;\n",
    b"[email protected] -9,3 +9,3 [email protected]\n",
    b"[snip]\n",
    b"...\n",
    b"On line 9:\n",
    b"\n-- \n2.39.5\n\nOn line 9:\n\n",
    b"\nOnly this is lacking:\n",
]
BODIES = [
    BODY,
    BODY.replace(b"\n", b"\r\n"),
    b"-line 1\n+l1\n",
    b"-line 1\n line 2\n",
    b"+line 0\n line 1\n",
    b"+line 0\n+line 1\n",
    b"\tline 9\n-line 10\n",
    b" a\n\n-line 10\n\n b\n",
]


def quoted(text: bytes, mark: bytes) -> bytes:
    return b"".join(mark + line for line in text.splitlines(keepends=True))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("announced", DAMAGED)
def test_a_hunk_with_a_damaged_header(announced, body):
    for more in (b"", b"\n", CHANGE.replace(b"m.py", b"o.py"), SVN):
        found = fault(CHANGE + announced + body + more)
        assert "looks like a part of a diff" in found.reason
        assert 8 <= found.line <= 8 + announced.count(b"\n")


@pytest.mark.parametrize("line", [b"-x = 1\n", b"+x\r\n", b"--bar\n", b"-x\n-y\n"])
@pytest.mark.parametrize(
    "announced", [b"line 6:\n", b"\nclass X:\n", b"** -6 +5,0 **\n"]
)
def test_a_lone_change_below_a_damaged_header(announced, line):
    for more in (b"", b"\n", CHANGE.replace(b"m.py", b"o.py"), SVN):
        found = fault(CHANGE + announced + line + more)
        assert "looks like a part of a diff" in found.reason
        assert found.line == 8 + announced.count(b"\n")


@pytest.mark.parametrize("line", [b"-1\n", b"- x\n", b"+ x\n", b"+2\n", b"-Al\n"])
@pytest.mark.parametrize("announced", [b"-6,1 +5,0 @@\n", b"6,1 5,0 class X:\n"])
def test_a_lone_change_below_the_numbers_of_a_header(announced, line):
    found = fault(CHANGE + b"-- \n2.39.5\n" + announced + line)
    assert "looks like a part of a diff" in found.reason


@pytest.mark.parametrize(
    "line",
    [
        b"similarity index 90%\n",
        b"dissimilarity index 90%\n",
        b"new file mode 100644\n",
        b"deleted file mode 100644\n",
        b"old mode 100644\nnew mode 100755\n",
        b"rename from pkg/a.py\nrename to pkg/b.py\n",
        b"copy from a.py\n",
    ],
)
def test_lines_of_git_s_header_without_its_first(line):
    for data in (CHANGE + line, CHANGE + b"words\n" + line + SVN):
        assert "looks like a part of a diff" in fault(data).reason


@pytest.mark.parametrize("mark", [b"> ", b">", b"> > ", b"  ", b"\t"])
def test_a_hunk_or_a_file_that_is_quoted_or_indented(mark):
    hunk = b"@@ -9,3 +9,3 @@\n" + BODY
    for text in (hunk, CHANGE.replace(b"m.py", b"n.py")):
        found = fault(CHANGE + b"\nas I said:\n" + quoted(text, mark))
        assert "looks like a part of a diff" in found.reason


@pytest.mark.parametrize(
    "text",
    [
        b"Some points:\n- one\n- two\n  that goes on\n\n- three\n",
        b"Words.\n\n    code that is indented\n",
        b"-- \nA B\n-Al\n",
        b"From me in 2026, 1 of 2:\n- a point\n",
        b"The vote:\n+1 by me\n",
        b"The vote:\n-1\n",
        b"Yours,\n\n-Al\n",
        b"He wrote:\n> -x\n",
        b"Signed:\n-----BEGIN PGP SIGNATURE-----\nVersion: 1\n\niQ+a\n=ab\n"
        b"-----END PGP SIGNATURE-----\n",
        b"_" * 47 + b"\nlist mailing list\nlist@example.com\n  http://example.com/\n",
        b"# HG changeset patch\n# User a\nfix\n\n the hunk\n- a\n+ b\n@@ -1 +1 @@ x\n"[
            :-14
        ],
        b"commit %s\nAuthor: a <b>\n\n    words\n    @@ words\n-x\n\n" % (b"a" * 40),
        b"Description: x\n @@ is for\n - a\n+ b\n",
    ],
)
def test_text_that_is_no_hunk(text):
    other = CHANGE.replace(b"m.py", b"n.py")
    assert names(CHANGE + b"\n" + text + other) == ["b/m.py", "b/n.py"]


# git.


@pytest.mark.parametrize(
    "words",
    [
        b"new file mode 100644\nindex 0000000..1234567\n",
        b"index 1234567..89abcde 100644\n",
        b"old mode 100644\nnew mode 100755\nindex 1234567..89abcde\n",
        b"similarity index 90%\nrename from x\nrename to y\nindex 1234567..89abcde\n",
    ],
)
def test_contents_that_git_s_header_tells_of(words):
    found = fault(
        b"diff --git a/x b/y\n" + words + b"diff --git a/m.py b/m.py\n" + CHANGE
    )
    assert "the contents of the file change, and the diff does not say how" in str(
        found
    )


@pytest.mark.parametrize(
    "words",
    [
        b"new file mode 100644\nindex 0000000..e69de29\n",
        b"new file mode 100644\n\nwords\n",
        b"new file mode 100644\nindex %s..%s\n"
        % (b"0" * 64, EMPTY_SHA256),
        b"deleted file mode 100644\nindex 1234567..0000000\n",
        b"similarity index 100%\nrename from x\nrename to y\n",
        b"old mode 100644\nnew mode 100755\n",
    ],
)  # fmt: skip
def test_headers_of_git_that_say_it_all(words):
    assert len(parse(b"diff --git a/x b/y\n" + words)) == 1


MOVED = b"diff --git a/x b/y\nsimilarity index 90%\nrename from x\nrename to y\n"
HALVES = [
    b"diff --git a/x b/y\n",
    b"diff --git a/x b/y\nsimilarity index 90%\n",
    b"diff --git a/x b/y\nsimilarity index 90%\nrename from x\n",
    MOVED,
    MOVED.replace(b"rename", b"copy"),
    MOVED + b"index 1234567..89abcde\n",
    b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\nindex 1..2\n",
    b"diff --git a/x b/x\nold mode 100644\n",
    b"diff --git a/x b/x\ndissimilarity index 80%\n",
    b"diff --git a/x b/x\nnew file mode 100755\n",
    b"Index: x\n",
    b"Index: x\n" + RULE,
]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n \n\n"])
@pytest.mark.parametrize("half", HALVES)
def test_a_diff_that_ends_within_a_header(half, end):
    for data in (CHANGE + half + end, CHANGE + (half + end).replace(b"\n", b"\r\n")):
        assert 8 <= fault(data).line <= 8 + half.count(b"\n")


@pytest.mark.parametrize("half", [MOVED, MOVED.replace(b"rename", b"copy")])
def test_a_move_that_lacks_its_lines_in_the_middle_of_a_diff(half):
    said = "the contents of the file change, and the diff does not say how"
    assert said in fault(half + b"diff --git a/m.py b/m.py\n" + CHANGE).reason
    assert said in fault(half + SVN).reason


def test_an_empty_file_that_mercurial_makes_at_the_end():
    made = b"diff --git a/x b/x\nnew file mode 100644\n"
    changed = b"diff --git a/m.py b/m.py\n" + CHANGE
    assert names(b"# HG changeset patch\n# User a\nfix\n\n" + made)[-1] == "b/x"
    assert names(changed + made) == ["b/m.py", "b/x"]
    of_git = changed.replace(b"--- ", b"index 1234567..89abcde 100644\n--- ")
    assert "it is cut off" in fault(of_git + made).reason
    assert names(of_git + made + b"index 0000000..e69de29\n")[-1] == "b/x"


def test_a_pointer_of_git_lfs_in_the_place_of_a_file():
    pointer = (
        b"+version https://git-lfs.github.com/spec/v1\n+oid sha256:1234\n+size 12345\n"
    )
    found = fault(b"--- /dev/null\n+++ b/icon.png\n@@ -0,0 +1,3 @@\n" + pointer)
    assert "a pointer of Git LFS instead of the contents" in str(found)


# Binary files that differ.


@pytest.mark.parametrize(
    "line",
    [
        "Binary files a/i.png and b/i.png differ",
        "Binärdateien a/i.png und b/i.png sind verschieden.",
        "Les fichiers binaires a/i.png et b/i.png sont différents",
        "Binary file i.png has changed",
        "Files a/i.png and b/i.png differ",
    ],
)
def test_binary_files_that_differ(line):
    first, _ = parse(line.encode() + b"\n" + CHANGE)
    assert first.lost and (first.new or "").endswith("i.png")


TRANSLATED = """
Nur in a: b|Nur en a: b|Seulement dans a: b|Sólo en a: b|Solo en a: b|Solo in a: b
Só em a: b|Só en a: b|Somente em a: b|Apenas em a: b|Alleen in a: b|Endast i a: b
Bara i a: b|Bare i a: b|Kun i a: b|Tylko w a: b|Pouze v a: b|Jen v a: b|Samo u a: b
Doar în a: b|Vain hakemistossa a: b|Csak ebben: a: b|Hanya dalam a: b|Només a a: b
Tikai iekš a: b|Chỉ trong a: b|Yaln\u0131zca a: b
\u0422\u043e\u043b\u044c\u043a\u043e \u0432 a: b|\u041b\u0438\u0448\u0435 \u0443 a: b
\u0421\u0430\u043c\u043e \u0432 a: b|\u0421\u0430\u043c\u043e \u0443 a: b|Μόνο στο a: b
只在 a 存在\uff1ab|a のみに存在: b
Dateien a und b sind verschieden.|Los ficheros binarios a y b son distintos
I file binari a e b sono diversi|I file a e b sono diversi
Ficheiros binários a e b diferem|Os arquivos binários a e b são diferentes
Binaire bestanden a en b zijn verschillend|Bestanden a en b zijn verschillend
De binära filerna a och b skiljer|Filerna a och b skiljer
Binære filer a og b er forskellige|Filerne a og b er forskellige
Binarne pliki a i b różnią się|Binární soubory a a b jsou rozdílné
バイナリーファイル a と b は異なります|二进制文件 a 和 b 不同
"""


@pytest.mark.parametrize("line", re.split(r"[|\n]", TRANSLATED.strip()))
def test_gnu_diff_in_other_languages(line):
    found = read(line.encode())
    assert found is not None and found.kind in ("lost", "binary")


# The end of the diff.


@pytest.mark.parametrize("end", [b" c", b" c\n-d"])
def test_a_last_newline_without_which_nothing_is_lost(end):
    old, new = (3, 3) if b"-d" not in end else (4, 3)
    data = b"--- m\n+++ m\n@@ -1,%d +1,%d @@\n a\n-b\n+B\n" % (old, new) + end
    (file,) = parse(data)
    assert file.hunks[0].old[-1] == end[-1:] + b"\n"


def test_a_last_newline_that_may_have_been_more():
    found = fault(NEW[:-1])
    assert "an added one, has no newline, so that it may be cut off" in str(found)
