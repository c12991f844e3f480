"""Diffs made from public reports; `cases.py` says what is right for each."""

from __future__ import annotations

from pathlib import Path

import pytest

import cases

HERE = cases.place()


@pytest.mark.skipif(
    HERE is None,
    reason="THE CASES ARE NOT HERE: set POACH_CASES to their folder",
)
@pytest.mark.parametrize("row", cases.ROWS, ids=str)
def test_it_is_right(row):
    assert HERE is not None
    found, said = cases.faults(row, HERE)
    assert not found, said


def test_a_wrong_outcome_is_found(tmp_path: Path):
    """The command itself: a tree of our own, and rows that are right and wrong."""
    (tmp_path / "c/tree").mkdir(parents=True)
    (tmp_path / "c/tree/f").write_bytes(b"1\n")
    (tmp_path / "c/x").write_bytes(b"--- f\n+++ f\n@@ -1 +1 @@\n-1\n+2\n")
    (tmp_path / "c/y").write_bytes(b"--- f\n+++ f\n@@ -1 +1 @@\n-3\n+4\n")
    for row, right in [
        (cases.Case("c", "x", {"f": b"2"}), True),
        (cases.Case("c", "x", {"f": b"3"}), False),
        (cases.Case("c", "x", {"g": b"2"}), False),
        (cases.Case("c", "x", {"f": None}), False),
        (cases.Case("c", "x", {"f": b"2"}, ("no such word",)), False),
        (cases.Case("c", "x", {}), False),
        (cases.Case("c", "y", {}, ("not found",)), True),
        (cases.Case("c", "y", {}, ("found elsewhere",)), False),
        (cases.Case("c", "y", {}, (), ("not found",)), False),
        (cases.Case("c", "y", {"f": b"4"}), False),
        (cases.Case("c", "y", {"f": b"4"}, or_refused=True), True),
    ]:
        assert (not cases.faults(row, tmp_path)[0]) == right, row
