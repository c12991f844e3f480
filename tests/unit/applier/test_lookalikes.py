"""A change that is there already does not go into a look-alike."""

from __future__ import annotations

import pytest

from poach.applier.diff import Hunk, parse
from poach.applier.hunks import Applied, Rejected, apply_hunks
from poach.applier.rejects import missed

HEAD = b"# one\n# two\n# three\n"


def hunks(*bodies: bytes) -> tuple[Hunk, ...]:
    return parse(b"--- f\n+++ f\n" + b"".join(bodies))[0].hunks


def function(name: str, *body: str) -> bytes:
    lines = [f"def {name}(self):", *(f"    {line}" for line in body), "", ""]
    return "\n".join(lines).encode()


PLAIN = ("try:", "    go()", "except Error:", "    pass", "done()")
FIXED = ("try:", "    go()", "except Error:", "    log()", "    pass", "done()")
INSERT = (
    b"@@ -%d,6 +%d,7 @@\n     try:\n         go()\n     except Error:\n"
    b"+        log()\n         pass\n     done()\n \n"
)


def insert(line: int) -> tuple[Hunk, ...]:
    return hunks(INSERT % (line, line))


def ends(old: bytes, wanted, fuzz: int = 0) -> list[tuple[str, tuple[int, ...]]]:
    done = apply_hunks(old, wanted, fuzz)
    assert isinstance(done, Rejected), done.data
    return [(miss.reason, miss.lines) for miss in done.misses]


def made(old: bytes, wanted, fuzz: int = 0) -> bytes:
    done = apply_hunks(old, wanted, fuzz)
    assert isinstance(done, Applied), done
    return done.data


def test_the_fix_stands_at_its_own_line():
    old = function("a", *FIXED) + function("b", *PLAIN)
    (reason, lines), *_ = ends(old, insert(2))
    assert (reason, lines[0]) == ("ambiguous", 10)


@pytest.mark.parametrize("moved", [0, 1, 5, 40])
@pytest.mark.parametrize("fixed", [0, 1, 2])
@pytest.mark.parametrize("line", [2, 9, 16])
def test_three_lookalikes_of_which_one_is_fixed(moved, fixed, line):
    """Only a hunk that is exactly at its own line says which one it is for."""
    bodies = [PLAIN, PLAIN, PLAIN]
    bodies[fixed] = FIXED
    names = zip("abc", bodies, strict=True)
    old = b"# new\n" * moved + b"".join(function(name, *body) for name, body in names)
    at = old.split(b"\n")[line - 1 : line + 5]
    done = apply_hunks(old, insert(line))
    if at == function("x", *PLAIN).split(b"\n")[1:7]:
        assert isinstance(done, Applied) and not done.placements[0].offset
    else:
        assert {reason for reason, _ in ends(old, insert(line))} == {"ambiguous"}


def test_more_lines_above_are_no_doubt():
    old = b"# new\n" * 40 + function("a", *PLAIN)
    assert made(old, insert(2)) == b"# new\n" * 40 + function("a", *FIXED)


def test_as_far_off_as_the_hunk_before_is_no_doubt():
    """The first hunk says how far all has moved: the second is where it belongs."""
    start = b"@@ -1,3 +1,3 @@\n # one\n-# two\n+# 2\n # three\n"
    old = function("z", *FIXED) + HEAD + function("a", *PLAIN)
    wanted = hunks(start, INSERT % (5, 5))
    new = function("z", *FIXED) + HEAD.replace(b"two", b"2") + function("a", *FIXED)
    assert made(old, wanted) == new
    assert [reason for reason, _ in ends(old, wanted[1:])] == ["ambiguous"]


def test_a_second_hunk_that_goes_astray():
    start = b"@@ -1,3 +1,3 @@\n # one\n-# two\n+# 2\n # three\n"
    old = b"# new\n" + HEAD + function("a", *FIXED) + function("b", *PLAIN)
    found = ends(old, hunks(start, INSERT % (5, 5)))
    assert [reason for reason, _ in found] == ["ambiguous"]


def test_it_is_there_with_other_context():
    """The last line of context has changed, and a twin has it all."""
    fixed = (*FIXED[:5], "finish()")
    old = function("a", *fixed) + function("b", *PLAIN)
    assert [reason for reason, _ in ends(old, insert(2))] == ["ambiguous"]


REMOVE = (
    b"@@ -%d,7 +%d,6 @@\n     try:\n         go()\n     except Error:\n"
    b"-        log()\n         pass\n     done()\n \n"
)


def test_a_removal_that_is_done_and_a_twin():
    old = function("a", *PLAIN) + function("b", *FIXED)
    assert [each for each, _ in ends(old, hunks(REMOVE % (2, 2)))] == ["ambiguous"]


def test_a_removal_that_is_done_with_little_context():
    """All of its context at its own line counts, however little it says."""
    old = b"def a(x):\n    return x\n    return x\n\ndef b(x):\n    return x\n\n"
    wanted = hunks(b"@@ -6,3 +6,2 @@\n     return x\n-    return x\n \n")
    assert ends(old, wanted) == [("ambiguous", (2, 6))]
    undone = b"# new\n" + old.removesuffix(b"\n") + b"    return x\n\n"
    twice = b"    return x\n" * 2
    assert made(undone.replace(twice, b"    return x\n", 1), wanted)


def test_a_removal_that_is_done_and_fits_once_more_with_a_fuzz():
    old = b"def a(x):\n\n    go()\n    go()\n\n\ndef b(x):\n"
    wanted = hunks(
        b"@@ -1,6 +1,5 @@\n def a(x):\n \n-    go()\n     go()\n     go()\n \n"
    )
    assert ends(old, wanted, fuzz=2) == [("ambiguous", (1, 1))]
    done = apply_hunks(old, wanted, 2)
    assert isinstance(done, Rejected)
    said = missed("f", done.misses[0]).detail
    assert said == "would go to line 1, where its new lines are already"


def test_a_removal_at_an_offset_between_blank_lines():
    """Two blank lines are elsewhere by mere chance."""
    old = b"a\n\n\nb\n\nX = old()\n\nc\n"
    wanted = hunks(b"@@ -3,3 +3,2 @@\n \n-X = old()\n \n")
    assert made(old, wanted) == b"a\n\n\nb\n\n\nc\n"


def test_one_of_two_equal_lines_is_removed_at_an_offset():
    """The new lines stand in the old ones themselves: that says nothing."""
    old = b"new\nimport a\nimport b\nimport b\n"
    wanted = hunks(b"@@ -1,3 +1,2 @@\n import a\n-import b\n import b\n")
    done = apply_hunks(old, wanted, rules=frozenset({"gnu"}))
    assert isinstance(done, Applied) and done.data == b"new\nimport a\nimport b\n"


def test_a_line_that_is_doubled_already():
    old = b"import a\nimport a\nimport b\n"
    wanted = hunks(b"@@ -1,2 +1,3 @@\n import a\n+import a\n import b\n")
    done = apply_hunks(old, wanted, rules=frozenset({"gnu"}))
    assert isinstance(done, Rejected)


def test_fuzz_does_not_insert_a_second_time():
    fixed = function("a", *FIXED).replace(b"done()", b"finish()")
    for fuzz in (1, 2):
        done = apply_hunks(fixed, insert(2), fuzz)
        assert isinstance(done, Rejected), done.data


def test_fuzz_still_serves():
    old = function("a", *PLAIN).replace(b"done()", b"finish()")
    new = function("a", *FIXED).replace(b"done()", b"finish()")
    assert made(old, insert(2), 2) == new


@pytest.mark.parametrize("away", [-3, 1, 460])
def test_without_context_only_at_its_own_line(away):
    old = b"x\n" * (10 + away) + b"a = 1\n" + b"x\n" * 20
    wanted = hunks(b"@@ -11 +11 @@\n-a = 1\n+a = 2\n")
    assert ends(old, wanted) == [("no context", (11 + away,))]


def test_without_context_at_its_own_line_though_others_are_nearer_to_the_last():
    wanted = hunks(
        b"@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n",
        b"@@ -11 +11 @@\n-a = 1\n+a = 2\n",
    )
    old = b"new\na\nb\nc\nd\n" + b"x\n" * 6 + b"a = 1\n"
    assert ends(old, wanted) == [("no context", (12,))]


def test_lines_to_insert_without_context_where_all_has_moved():
    wanted = hunks(
        b"@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n",
        b"@@ -6,0 +7 @@\n+a = 2\n",
    )
    old = b"new\na\nb\nc\nd\n" + b"x\n" * 6
    assert [reason for reason, _ in ends(old, wanted)] == ["no context"]


def test_lines_to_insert_without_context_that_are_there():
    wanted = hunks(b"@@ -2,0 +3 @@\n+import c\n")
    assert made(b"import a\nimport b\n", wanted).endswith(b"c\n")
    found = ends(b"import a\nimport b\nimport c\n", wanted)
    assert [reason for reason, _ in found] == ["ambiguous"]


def test_doubts_and_misses_are_reported_together():
    old = function("a", *FIXED) + function("b", *PLAIN)
    wanted = hunks(
        INSERT % (2, 2),
        b"@@ -30,3 +31,3 @@\n alpha\n-beta\n+gamma\n delta\n",
    )
    assert [reason for reason, _ in ends(old, wanted)] == ["ambiguous", "not found"]


BODY = ("a = 1", "b = 2", "c = 3", "eval(x)", "d = 4", "e = 5", "f = 6")
DONE = (*BODY[:3], *BODY[4:])
SAFE = (*BODY[:3], "safe(x)", *BODY[4:])
DELETE = (
    b"@@ -2,7 +2,6 @@\n     a = 1\n     b = 2\n     c = 3\n-    eval(x)\n"
    b"     d = 4\n     e = 5\n     f = 6\n"
)
REPLACE = DELETE.replace(b"+2,6", b"+2,7").replace(b")\n", b")\n+    safe(x)\n")


@pytest.mark.parametrize("moved", [0, 1, 2, 5])
@pytest.mark.parametrize("outer", [(), (0,), (-1,), (0, -1)])
@pytest.mark.parametrize(("diff", "done"), [(DELETE, DONE), (REPLACE, SAFE)])
def test_done_near_its_own_line_with_other_context(moved, outer, diff, done):
    """The outer lines of context are others, or lines came above; a twin has it all."""
    body = list(done)
    for at in outer:
        body[at] += "  # changed"
    first = b"import x\n" * moved + function("a", *body)
    old = first + b"# fill\n" * 12 + function("b", *BODY)
    assert [reason for reason, _ in ends(old, hunks(diff))] == ["ambiguous"]
    alone = b"import x\n" * 40 + function("b", *BODY)
    assert b"eval" not in made(alone, hunks(diff))


def test_a_line_came_between_the_change_and_its_context():
    check = ("if n < 0:", "    raise ValueError(n)")
    wanted = hunks(
        b"@@ -2,3 +2,5 @@\n def a(self):\n+    if n < 0:\n"
        b"+        raise ValueError(n)\n     go(n)\n     done()\n"
    )
    twin = function("a", "go(n)", "done()")
    for body in (("log(n)", *check, "go(n)"), (*check, "log(n)", "go(n)")):
        old = b"#\n" * 3 + function("a", *body, "done()") + b"#\n" * 9 + twin
        assert [reason for reason, _ in ends(old, wanted)] == ["ambiguous"]


def test_a_removal_leaves_nothing_that_says_where_it_was():
    """Lines like the ones around the removed line are nearer, by mere chance."""
    chance = b"    return x\n\n"
    old = b"#\n" * 2 + chance + b"#\n" * 9 + b"a = 1\n    return x\nold()\n\nb = 2\n"
    wanted = hunks(b"@@ -1,5 +1,4 @@\n a = 1\n     return x\n-old()\n \n b = 2\n")
    assert b"old" not in made(old, wanted)
