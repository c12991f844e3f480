"""What a refusal says of a hunk is true, and shows the place that is meant."""

from __future__ import annotations

import time

import pytest

from poach.applier.diagnosis import Miss
from poach.applier.diff import Hunk, parse
from poach.applier.hunks import Rejected, apply_hunks
from poach.applier.rejects import missed


def hunks(*bodies: bytes) -> tuple[Hunk, ...]:
    return parse(b"--- f\n+++ f\n" + b"".join(bodies))[0].hunks


def miss(old: bytes, *bodies: bytes) -> Miss:
    done = apply_hunks(old, hunks(*bodies))
    assert isinstance(done, Rejected), done.data
    (found,) = done.misses
    return found


REMOVE = b"@@ -3,7 +3,6 @@\n c\n d\n e\n-    X = old()\n f\n g\n h\n"
REST = b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"


def test_a_hunk_that_the_diff_s_end_cuts_off():
    whole = b"@@ -1,4 +1,4 @@\n a\n-b\n+B\n c\n d\n"
    for cut, lacking in ((b" d\n", 1), (b" c\n d\n", 2)):
        (hunk,) = hunks(whole.removesuffix(cut))
        assert hunk.chopped == lacking
        found = miss(REST, whole.removesuffix(cut))
        assert found.reason == "not found" and "may be cut off" in found.note
        assert "ends before this hunk does" in missed("f", found).detail
    assert hunks(whole)[0].chopped == 0
    assert not miss(b"x\n", whole).note


@pytest.mark.parametrize("after", [b"", b"Text after the hunk.\n", b"--- g\n+++ g\n"])
def test_counts_that_take_blank_lines_after_the_hunk(after):
    body, more = b" a\n-b\n+B\n c\n", b"@@ -1 +1 @@\n-a\n+b\n" * after.startswith(b"-")
    for blanks, said in ((1, "last line is blank"), (2, "last 2 lines are blank")):
        counts = b"@@ -1,%d +1,%d @@\n" % (3 + blanks, 3 + blanks)
        for end in (b"\n", b"\r\n"):
            diff = (counts + body + b"\n" * blanks + after + more).replace(b"\n", end)
            found = miss(REST.replace(b"\n", end), diff)
            assert (found.reason, found.lines) == ("wrong counts", (1,))
            detail = missed("f", found).detail
            assert "the counts in its header may be too large" in detail
            assert said in detail


def test_a_blank_line_within_the_hunk_is_no_wrong_count():
    body = b"@@ -1,4 +1,4 @@\n a\n-b\n+B\n c\n"
    assert miss(REST, body + b" \n").reason == "not found"
    assert miss(REST, body + b"\n@@ -8 +8 @@\n-h\n+H\n").reason == "not found"
    assert miss(b"x\ny\n", body + b"\n").reason == "not found"


def test_what_was_removed_is_applied():
    assert miss(REST, REMOVE).reason == "already applied"
    assert miss(b"new\n" * 30 + REST, REMOVE).reason == "already applied"


@pytest.mark.parametrize(
    "old",
    [
        REST + b"    X = old()\n",
        b"    X = old()\n" + REST,
        REST.replace(b"i\n", b"i\n        X = old()\n"),
        REST.replace(b"i\n", b"i\n\tX  =  old()\n"),
        REST.replace(b"b\n", b"b\nX = old()   \n"),
        REST.replace(b"\n", b"\r\n").replace(b"a\r\n", b"X = old()\r\n"),
    ],
)
def test_what_is_removed_still_stands(old):
    """Moved, indented, spaced otherwise: it is there, and nothing was applied."""
    found = miss(old, REMOVE)
    assert found.reason == "not found"
    (line,) = found.lines
    assert any(b"X" in each for each in old.split(b"\n")[line - 1 : line + 6])


def test_more_lines_of_which_one_still_stands():
    body = b"@@ -1,5 +1,2 @@\n a\n-import one\n-import two\n-import three\n c\n"
    assert miss(b"a\nc\nd\n", body).reason == "already applied"
    found = miss(b"a\nc\nd\nimport two\n", body)
    assert found.reason == "not found" and found.there == 1
    assert "line 1 looks patched already" in missed("f", found).detail


def test_lines_that_say_nothing_do_not_still_stand():
    body = b"@@ -1,6 +1,2 @@\n a\n-try:\n-    one()\n-finally:\n-    two()\n c\n"
    assert miss(b"a\nc\ntry:\n    x()\n", body).reason == "already applied"


def test_removed_at_the_end_is_at_the_end():
    body = b"@@ -1,4 +1,3 @@\n a\n b\n c\n-Y = older()\n"
    assert miss(b"a\nb\nc\n", body).reason == "already applied"
    for old in (b"a\nb\nc\nX = old()\n", b"a\nb\nc\nmore\n"):
        assert miss(old, body).reason == "not found"
    start = b"@@ -1,4 +1,3 @@\n-Y = older()\n a\n b\n c\n"
    assert miss(b"a\nb\nc\n", start).reason == "already applied"
    assert miss(b"X = old()\na\nb\nc\n", start).reason == "not found"


REPLACE = (
    b"@@ -%d,7 +%d,7 @@\n def get(self):\n     try:\n         value = load(key)\n"
    b"-    except Error, e:\n+    except Error as e:\n         log(e)\n"
    b"     return value\n \n"
)
BEFORE = (
    b"def get(self):\n    try:\n        value = load(key)\n    except Error, e:\n"
    b"        log(e)\n    return value\n\n"
)
AFTER = BEFORE.replace(b"Error, e", b"Error as e")


def test_a_twin_has_it_and_the_own_place_is_changed():
    """The hunk is for the first, of which one line is another one meanwhile."""
    other = BEFORE.replace(b"log(e)", b"log(e, 1)")
    found = miss(other + AFTER, REPLACE % (1, 1))
    assert (found.reason, found.lines, found.there) == ("not found", (1,), 8)


def test_no_twin_and_it_is_there():
    assert miss(b"x\n" * 20 + AFTER, REPLACE % (1, 1)).reason == "already applied"


INSERT = (
    b"@@ -1,6 +1,7 @@\n def get(self):\n     try:\n         value = load(key)\n"
    b"+        check(value)\n     except Error, e:\n         log(e)\n"
    b"     return value\n"
)


def test_inserted_in_a_twin_only():
    inserted = BEFORE.replace(b"(key)\n", b"(key)\n        check(value)\n")
    own = BEFORE.replace(b"return value", b"return value or None")
    found = miss(own + inserted, INSERT)
    assert (found.reason, found.lines) == ("not found", (1,))
    assert miss(b"x\n" * 9 + inserted, INSERT).reason == "already applied"


def test_the_nearest_is_most_alike_and_not_one_equal_line():
    quotes = b'"""\n' + b"filler text\n" * 3
    own = BEFORE.replace(b"load(key)", b"load(key, 1)").replace(b"return", b"yield")
    old = quotes * 3 + b"z\n" * 40 + own
    body = (
        b'@@ -2,5 +2,5 @@\n """\n     try:\n         value = load(key)\n'
        b"-    except Error, e:\n+    except Error as e:\n         log(e)\n"
    )
    found = miss(old, body)
    assert found.lines == (12 + 40 + 1,)


def test_a_changed_line_that_is_similar_counts_for_more_than_context():
    old = (
        b"start()\nfirst = 1\nsecond = 2\nend()\n"
        + b"x\n" * 30
        + b"begin()\nresult = compute(alpha, beta, gamma)\nfinish()\n"
    )
    body = (
        b"@@ -1,4 +1,4 @@\n start()\n-result = compute(alpha, beta)\n"
        b"+result = other(alpha)\n second = 2\n end()\n"
    )
    assert miss(old, body).lines == (35,)


def test_only_quotes_and_brackets_are_nothing_like_it():
    body = b'@@ -1,3 +1,3 @@\n """\n-something = else_entirely()\n+x\n }\n'
    found = miss(b'"""\nfoo\nbar\n}\n', body)
    assert (found.reason, found.lines) == ("not found", ())
    assert missed("f", found).detail == "not found; no part of the file is like it"


SPACE = b"@@ -1,3 +1,3 @@\n one\n-two words\n+2\n three\n"


@pytest.mark.parametrize(
    ("old", "said"),
    [
        (b"one  \ntwo words\nthree\t\n", "the file has them, the diff lacks them"),
        (b"one\ntwo words \nthree\n", "the file has them, the diff lacks them"),
        (b"one\n\ttwo  words\nthree\n", "with other tabs and blanks"),
    ],
)
def test_white_space(old, said):
    found = miss(old, SPACE)
    assert (found.reason, found.lines) == ("white space", (1,))
    assert said in missed("f", found).detail


def test_white_space_that_the_diff_has():
    found = miss(b"one\ntwo words\nthree\n", SPACE.replace(b"words\n", b"words  \n"))
    assert found.reason == "white space"
    assert "the diff has them, the file lacks them" in missed("f", found).detail


def test_a_missing_newline_is_no_white_space():
    found = miss(b"one\ntwo words\nthree", SPACE)
    assert (found.reason, found.differ) == ("not found", (b"-three\n", b"+three"))


@pytest.mark.parametrize(
    ("old", "diff", "said"),
    [
        (
            b"one\r\ntwo words\r\nthree\r\n",
            SPACE,
            "the diff has LF, the file has CR LF",
        ),
        (
            b"one\r\ntwo words\nthree\r\n",
            SPACE,
            "the diff has LF, the file has both CR LF and LF",
        ),
        (
            b"one\ntwo words\nthree\n",
            SPACE.replace(b"\n", b"\r\n").replace(b"@@\r\n", b"@@\n"),
            "the diff has CR LF, the file has LF",
        ),
    ],
)
def test_line_endings(old, diff, said):
    found = miss(old, diff)
    assert (found.reason, found.note) == ("line endings", said)


def test_many_hunks_that_fail_in_a_large_file_take_linear_time():
    """The words of the file are looked at once, and not once for each hunk."""

    def seconds(count: int) -> float:
        lines = b"".join(
            b"value_%d = compute(%d)\n" % (n, n) for n in range(count * 10)
        )
        body = b"@@ -%d,3 +%d,3 @@\n value_%d = compute(%d)\n-lost_%d\n+x\n value_%d\n"
        wanted = hunks(
            *(body % ((n * 10 + 1,) * 2 + (n * 10,) * 4) for n in range(count))
        )
        start = time.process_time()
        done = apply_hunks(lines, wanted)
        assert isinstance(done, Rejected) and len(done.misses) == count
        return time.process_time() - start

    seconds(50)
    small, large = seconds(500), seconds(4000)
    assert large < 8 * small * 2.5 + 1
