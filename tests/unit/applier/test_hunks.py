"""Where hunks land, and why they do not."""

from __future__ import annotations

import hashlib
import time

import pytest

from poach.applier.binaries import BadBinary, apply_binary
from poach.applier.diff import Binary, Hunk, parse
from poach.applier.hunks import RULES, Applied, Rejected, apply_hunks
from poach.applier.rejects import missed as missed_text
from poach.applier.text import unix_hunk


def hunks(*bodies: bytes) -> tuple[Hunk, ...]:
    return parse(b"--- f\n+++ f\n" + b"".join(bodies))[0].hunks


def numbered(count: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(1, count + 1))


MIDDLE = hunks(b"@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6\n")


def placed(old: bytes, wanted, fuzz: int = 0):
    done = apply_hunks(old, wanted, fuzz)
    assert isinstance(done, Applied), done
    return done.data, [(each.line, each.offset, each.fuzz) for each in done.placements]


def missed(old: bytes, wanted, fuzz: int = 0):
    done = apply_hunks(old, wanted, fuzz)
    assert isinstance(done, Rejected), done
    return [(each.number, each.reason, each.lines) for each in done.misses]


def test_exact():
    new = numbered(9).replace(b"5", b"five")
    assert placed(numbered(9), MIDDLE) == (new, [(4, 0, 0)])


def test_offset_is_carried_to_the_next_hunk():
    two = hunks(
        b"@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6\n",
        b"@@ -14,3 +14,3 @@\n 14\n-15\n+x\n 16\n",
    )
    old = b"new\n" * 3 + numbered(20)
    assert placed(old, two)[1] == [(7, 3, 0), (17, 3, 0)]


def test_nearest_place():
    old = b"4\n5\n6\n" + b"x\n" * 6 + b"4\n5\n6\n"
    assert placed(old, MIDDLE)[1] == [(1, -3, 0)]


def test_equally_near_places_are_refused():
    old = b"4\n5\n6\n" + b"x\n" * 3 + b"4\n5\n6\n"
    assert missed(old, MIDDLE) == [(1, "ambiguous", (7, 1))]


def test_equally_near_places_with_the_same_result():
    wanted = hunks(b"@@ -2 +1,0 @@\n-c\n")
    assert placed(b"c\n" * 3, wanted)[0] == b"c\n" * 2


def test_hunks_are_not_placed_each_by_another_rule():
    """The first hunk fits only as GNU patch takes it, the second only as git does."""
    two = hunks(
        b"@@ -1,3 +1,3 @@\n q\n-a\n+z\n q\n",
        b"@@ -5,3 +5,4 @@\n m\n c\n+x\n b\n",
    )
    for rules in (RULES, frozenset({"gnu"}), frozenset({"git"})):
        done = apply_hunks(b"0\nq\na\nq\nm\nc\nb\nt\n", two, rules=rules)
        assert isinstance(done, Rejected)


def tried(more: bytes = b"", fifth: bytes = b"l5\n") -> list[bytes]:
    lines = [b"l%d\n" % number for number in range(1, 61)]
    lines[4] = fifth
    for at in (30, 40, 50):
        lines[at : at + 4] = [b"try:\n", b"  go()\n", b"except:\n", b"  pass\n"]
    lines[41] += more
    return lines


@pytest.mark.parametrize("fuzz", [1, 2])
def test_git_has_no_say_where_it_refuses_another_hunk(fuzz):
    two = hunks(
        b"@@ -3,5 +3,5 @@\n l3\n l4\n-l5\n+FIVE\n l6\n l7\n",
        b"@@ -41,4 +41,5 @@\n try:\n   go()\n+  more()\n except:\n   pass\n",
    )
    old, new = tried(), tried(b"  more()\n", b"FIVE\n")
    for lines in (old, new):
        lines[1:3] = [b"x2\n", b"x3\n"]
        lines[:0] = [b"new\n"] * 10
    assert missed(b"".join(old), two) == [(1, "not found", (13,))]
    done = placed(b"".join(old), two, fuzz)
    assert done == (b"".join(new), [(13, 10, 1), (51, 10, 0)])


def test_different_places_of_gnu_patch_and_git_are_refused():
    wanted = hunks(b"@@ -2,2 +8,3 @@\n a\n+x\n b\n")
    old = b"1\na\nb\nc\n2\n3\n4\na\nb\nc\n5\n"
    done = apply_hunks(old, wanted)
    assert isinstance(done, Rejected) and done.misses[0].doubt == "clash"
    assert done.misses[0].lines == (2, 8)
    (detail,) = [missed_text("f", miss).detail for miss in done.misses]
    assert detail == "GNU patch would take line 2, git line 8"
    for rule, at in (("gnu", 2), ("git", 8)):
        done = apply_hunks(old, wanted, rules=frozenset({rule}))
        assert isinstance(done, Applied) and done.rules == {rule}
        assert done.data.split(b"\n")[at] == b"x"


def test_a_hunk_with_less_context_before_belongs_to_the_start():
    first = hunks(b"@@ -1,3 +1,3 @@\n-1\n+one\n 2\n 3\n")
    assert missed(b"new\n" + numbered(5), first) == [(1, "only at the start", (2,))]


def test_fuzz():
    old = numbered(9).replace(b"6", b"six")
    assert missed(old, MIDDLE)[0][1] == "not found"
    new = old.replace(b"5", b"five")
    assert placed(old, MIDDLE, fuzz=1) == (new, [(4, 0, 1)])


def test_already_applied():
    old = numbered(9).replace(b"5", b"five")
    assert missed(old, MIDDLE) == [(1, "already applied", (4,))]


def test_line_endings():
    old = numbered(9).replace(b"\n", b"\r\n")
    assert missed(old, MIDDLE) == [(1, "line endings", (4,))]


def test_nearest_differing_lines():
    done = apply_hunks(numbered(9).replace(b"6", b"six"), MIDDLE)
    assert isinstance(done, Rejected)
    (miss,) = done.misses
    assert (miss.header, miss.lines) == ("@@ -4,3 +4,3 @@", (4,))
    assert miss.differ == (b"-6\n", b"+six\n")


def test_nothing_like_it():
    assert missed(b"x\ny\n", MIDDLE) == [(1, "not found", ())]


def test_all_misses_are_reported_with_the_hunks_that_fit():
    three = hunks(
        b"@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n",
        b"@@ -4,3 +4,3 @@\n 4\n-x\n+five\n 6\n",
        b"@@ -7,3 +7,3 @@\n 7\n-y\n+eight\n 9\n",
    )
    done = apply_hunks(numbered(9), three)
    assert isinstance(done, Rejected)
    assert [miss.number for miss in done.misses] == [2, 3]
    assert [placement.line for placement in done.placements] == [1]


@pytest.mark.parametrize("old_end", [b"\n", b""])
@pytest.mark.parametrize("new_end", [b"\n", b""])
def test_missing_newlines(old_end, new_end):
    body = b"-1\n" + (b"" if old_end else b"\\ No\n")
    body += b"+2\n" + (b"" if new_end else b"\\ No\n")
    wanted = hunks(b"@@ -1 +1 @@\n" + body)
    assert placed(b"1" + old_end, wanted)[0] == b"2" + new_end
    other = b"" if old_end else b"\n"
    assert missed(b"1" + other, wanted)[0][1] == "not found"


def test_new_lines_only():
    assert placed(b"", hunks(b"@@ -0,0 +1 @@\n+x\n"))[0] == b"x\n"
    assert placed(numbered(3), hunks(b"@@ -2,0 +3 @@\n+x\n"))[0] == b"1\n2\nx\n3\n"
    assert placed(b"1", hunks(b"@@ -1,0 +2 @@\n+x\n"))[0] == b"1\nx\n"


def test_hunks_out_of_order_as_git_takes_them():
    two = hunks(
        b"@@ -7,3 +7,3 @@\n 7\n-8\n+eight\n 9\n",
        b"@@ -3,3 +3,3 @@\n 3\n-4\n+four\n 5\n",
    )
    new = numbered(12).replace(b"8", b"eight").replace(b"4", b"four")
    assert placed(numbered(12), two)[0] == new


def test_unix_hunk():
    crlf = hunks(b"@@ -1 +1 @@\n-1\r\n+2\r\n")
    assert placed(b"1\n", [unix_hunk(hunk) for hunk in crlf])[0] == b"2\n"
    assert placed(b"1\r\n", crlf)[0] == b"2\r\n"


def oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def test_delta():
    old = bytes(range(256)) * 2
    new = old[256:] + b"new" + old[:16]
    delta = b"\x80\x04" + b"\x93\x02" + b"\xb2\x01\x00\x01" + b"\x03new" + b"\x90\x10"
    binary = Binary(True, delta, oid(old), oid(new))
    assert apply_binary(old, binary) == new
    with pytest.raises(BadBinary, match="another file"):
        apply_binary(b"else", binary)


@pytest.mark.parametrize(
    "delta",
    [b"", b"\x01", b"\x01\x05", b"\x01\x01\x00", b"\x01\x02\x90\x01", b"\x01\x09\x80"],
)
def test_damaged_delta(delta):
    with pytest.raises(BadBinary):
        apply_binary(b"x", Binary(True, delta, oid(b"x"), oid(b"y")))


def test_a_long_hunk_that_fails_at_its_last_line_among_equal_lines():
    old = b"same\n" * 100_000 + b"last\n" * 100_000
    body = b" same\n" * 1000 + b"-same\n" + b" last\n" * 1000 + b" same\n"
    wanted = hunks(b"@@ -9000,2002 +9000,2001 @@\n" + body)
    start = time.process_time()
    assert missed(old, wanted)[0][1] == "not found"
    assert time.process_time() - start < 5
