"""eol=any: line endings may differ, and the file keeps its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poach.applier.diff import DiffError, Hunk, NamedDiff, parse
from poach.applier.disk.tree import ApplyRefused, plan
from poach.applier.endings import apply_any
from poach.applier.hunks import Applied, Rejected, apply_hunks

THREE = b"@@ -1,5 +1,6 @@\n one\n two\n-three\n+THREE\n+more\n four\n five\n"


def hunks(body: bytes) -> tuple[Hunk, ...]:
    return parse(b"--- f\n+++ f\n" + body)[0].hunks


def done(old: bytes, body: bytes, fuzz: int = 0) -> tuple[bytes, list[bool]]:
    found = apply_any(old, hunks(body), fuzz)
    assert isinstance(found, Applied), found
    return found.data, [each.eol for each in found.placements]


def crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


OLD = b"one\ntwo\nthree\nfour\nfive\n"
NEW = b"one\ntwo\nTHREE\nmore\nfour\nfive\n"


def test_a_diff_with_lf_for_a_file_with_crlf():
    assert done(crlf(OLD), THREE) == (crlf(NEW), [True])


def test_a_diff_with_crlf_for_a_file_with_lf():
    body = THREE.replace(b"\n", b"\r\n").replace(b"@@\r\n", b"@@\n")
    assert done(OLD, body) == (NEW, [True])


def test_the_same_endings_are_not_reported():
    assert done(OLD, THREE) == (NEW, [False])
    body = THREE.replace(b"\n", b"\r\n").replace(b"@@\r\n", b"@@\n")
    assert done(crlf(OLD), body) == (crlf(NEW), [False])


def test_added_lines_with_other_endings_are_reported():
    """Only what the diff adds has LF: the file has CR LF all the same."""
    body = b"@@ -1,2 +1,3 @@\n one\r\n+more\n two\r\n"
    assert done(b"one\r\ntwo\r\n", body) == (b"one\r\nmore\r\ntwo\r\n", [True])


def test_a_mixed_file_line_by_line():
    old = b"one\r\ntwo\nthree\r\nfour\nfive\r\n"
    new = b"one\r\ntwo\nTHREE\r\nmore\r\nfour\nfive\r\n"
    assert done(old, THREE) == (new, [True])


def test_each_new_line_gets_the_ending_of_the_one_that_it_replaces():
    body = b"@@ -1,3 +1,3 @@\n-1\n-2\n+one\n+two\n 3\n"
    assert done(b"1\r\n2\n3\r\n", body)[0] == b"one\r\ntwo\n3\r\n"


def test_context_between_changes_keeps_its_ending():
    body = b"@@ -1,5 +1,5 @@\n 1\n-2\n+two\n 3\n-4\n+four\n 5\n"
    old = b"1\n2\r\n3\n4\r\n5\n"
    assert done(old, body)[0] == b"1\ntwo\r\n3\nfour\r\n5\n"


def test_lines_at_the_start_get_the_ending_of_the_first():
    body = b"@@ -1,2 +1,3 @@\n+0\n 1\n 2\n"
    assert done(b"1\r\n2\r\n", body)[0] == b"0\r\n1\r\n2\r\n"


def test_the_newline_at_the_end_is_the_diffs():
    body = b"@@ -1,2 +1,2 @@\n 1\n-2\n+two\n\\ No newline at end of file\n"
    assert done(b"1\r\n2\r\n", body)[0] == b"1\r\ntwo"
    body = b"@@ -1,2 +1,2 @@\n 1\n-2\n\\ No newline at end of file\n+two\n"
    assert done(b"1\r\n2", body)[0] == b"1\r\ntwo\r\n"


def test_an_offset_and_fuzz_are_reported_beside():
    old = crlf(b"new\n" + OLD.replace(b"five", b"5"))
    found = apply_any(old, hunks(THREE), fuzz=1)
    assert isinstance(found, Applied)
    (placement,) = found.placements
    assert (placement.line, placement.offset, placement.fuzz, placement.eol) == (
        2,
        1,
        1,
        True,
    )
    assert found.data == crlf(b"new\n" + NEW.replace(b"five", b"5"))


def test_what_is_there_already_is_known():
    found = apply_any(crlf(NEW), hunks(THREE))
    assert isinstance(found, Rejected)
    assert [miss.reason for miss in found.misses] == ["already applied"]


def test_a_lone_cr_is_no_line_ending():
    assert isinstance(
        apply_any(b"one\rtwo\r\n", hunks(b"@@ -1 +1 @@\n-one\n+1\n")), Rejected
    )
    assert done(b"a\r", b"@@ -1 +1 @@\n-a\r\n\\ No\n+b\n")[0] == b"b\n"


def test_all_lines_go():
    assert done(b"1\r\n2\r\n", b"@@ -1,2 +0,0 @@\n-1\n-2\n")[0] == b""


texts = st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=1, max_size=9)


@given(texts, texts, st.lists(st.booleans(), min_size=9, max_size=9))
def test_except_the_endings_it_is_as_without_the_option(old, new, ends):
    """The text is the same; no line that stays changes; one kind of endings stays."""
    marked = [b"-" + line + b"\n" for line in old] + [
        b"+" + line + b"\n" for line in new
    ]
    hunk = Hunk("@@", 1, 1, tuple(marked))
    plain = apply_hunks(b"".join(line + b"\n" for line in old), [hunk])
    pairs = zip(old, ends, strict=False)
    mixed = b"".join(line + (b"\r\n" if end else b"\n") for line, end in pairs)
    found = apply_any(mixed, [hunk])
    assert isinstance(plain, Applied) and isinstance(found, Applied)
    assert found.data.replace(b"\r\n", b"\n") == plain.data
    if all(ends[: len(old)]):
        assert found.data == crlf(plain.data)
    if not any(ends[: len(old)]):
        assert found.data == plain.data


@pytest.mark.parametrize("data", [b"", OLD])
def test_without_any_cr_nothing_is_different(data):
    body = b"@@ -0,0 +1 @@\n+x\n" if not data else THREE
    assert apply_any(data, hunks(body)) == apply_hunks(data, hunks(body))


@pytest.mark.parametrize("old", [OLD, crlf(OLD)])
@pytest.mark.parametrize(("one", "two"), [(b"\r\n", b"\n"), (b"\n", b"\r\n")])
def test_a_hunk_that_only_changes_endings_would_do_nothing(tmp_path, old, one, two):
    (tmp_path / "f").write_bytes(old)
    body = b"@@ -2,3 +2,3 @@\n two%b-three%b+three%b four%b" % (one, one, two, one)
    diff = b"--- a/f\n+++ b/f\n" + body
    with pytest.raises(ApplyRefused, match="leave eol=any out") as caught:
        plan(tmp_path, [NamedDiff("x", "", diff, eol="any")])
    assert [each.reason for each in caught.value.rejects] == ["no change"]
    more = diff.replace(b" four", b"-four%b+4%b five" % (one, two)).replace(
        b",3", b",4"
    )
    assert plan(tmp_path, [NamedDiff("x", "", more, eol="any")]).changes


def said(folder, old: bytes, body: bytes, eol: str = "keep") -> str:
    (folder / "f").write_bytes(old)
    diff = b"--- a/f\n+++ b/f\n" + body
    with pytest.raises(ApplyRefused) as caught:
        plan(folder, [NamedDiff("x", "", diff, eol=eol)])
    return str(caught.value)


SIDES = "(the diff has LF, the file has CR LF)"


def test_the_change_is_there_and_the_endings_are_others(tmp_path):
    message = said(tmp_path, crlf(NEW), THREE)
    assert SIDES in message and "already applied, at line 1" in message
    assert "drop this patch" in message


def test_one_more_difference_beside_the_endings(tmp_path):
    message = said(tmp_path, crlf(OLD.replace(b"two", b"2")), THREE)
    assert SIDES in message and "nearest is line 1" in message
    assert "  -two\n    +2\n" in message and "\\r" not in message
    body = THREE.replace(b"\n", b"\r\n").replace(b"@@\r\n", b"@@\n")
    message = said(tmp_path, OLD.replace(b"two", b"2"), body)
    assert "(the diff has CR LF, the file has LF)" in message


def test_nothing_is_said_of_endings_that_are_the_same(tmp_path):
    assert "endings" not in said(tmp_path, OLD.replace(b"two", b"2"), THREE)
    assert "endings" not in said(tmp_path, crlf(OLD[:8]), THREE, eol="any")


def test_any_is_not_advised_where_it_is_given(tmp_path):
    body = THREE.replace(b"\n", b"\r\n").replace(b"@@\r\n", b"@@\n")
    message = said(tmp_path, OLD.replace(b"\n", b"\r\r\n"), body, eol="any")
    assert "CR CR LF" in message and "eol=any in the location" not in message


def test_a_diff_with_cr_only():
    for end in (b"", b"\n"):
        with pytest.raises(DiffError, match="end with CR only"):
            parse((b"--- a/f\n+++ b/f\n" + THREE).replace(b"\n", b"\r") + end)
