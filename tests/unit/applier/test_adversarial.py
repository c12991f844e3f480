"""Diffs that mean harm, are damaged, or lie in the corners: what becomes of each.

The cases are text, in the folder ``adversarial`` beside this file; the README there
says how to read one and how to add one.  Those below are too large to write out.

This prints the cases, with what poach, GNU patch and git do with them now:

    python tests/unit/applier/test_adversarial.py [WORD]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from support import references
from support.case_format import read_cases, read_tree
from support.diff_cases import Case, before, compared, ours
from support.diffs import binary, mod, new, packed
from support.references import FILE

FOLDER = Path(__file__).with_name("adversarial")
TREE = read_tree(FOLDER / "common.tree")
NUMBERS, PIXELS = TREE["d/e"][1], TREE["bin"][1]
PNG = bytes(range(255, -1, -1)) * 3
BYTES = bytes(range(11, 256))  # those above the newline
COMPUTED = [
    Case(
        "a very deep name",
        TREE,
        (new(b"x/" * 3000 + b"x"),),
        references="no no",
        refused="unsafe",
    ),
    Case(
        "garbage",
        TREE,
        (bytes(range(256)) * 20,),
        references="no no",
        refused="bad diff",
    ),
    Case(
        "every byte",
        TREE | {"m": (FILE, BYTES + b"\n")},
        (mod(b"m", b"@@ -1 +1 @@\n-%s\n+%s!\n" % (BYTES, BYTES)),),
        references="= =",
        changes={"m": (FILE, BYTES + b"!\n")},
    ),
    Case(
        "zlib bomb",
        TREE,
        (binary(b"bin", PIXELS, PNG, packed(b"literal", bytes(1 << 22), 99)),),
        references="no no",
        refused="bad diff",
    ),
    Case(
        "no context, 460 lines away",
        TREE | {"m": (FILE, b"x\n" * 460 + NUMBERS)},
        (mod(b"m", b"@@ -5 +5 @@\n-5\n+five\n"),),
        references="yes no",
        refused="no context",
        why="without context, nothing tells another place from the right one",
    ),
]
CASES = [*read_cases(FOLDER), *COMPUTED]
IDS = [case.name for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_it_ends_as_expected(case):
    start, done = before(case), ours(case)
    assert done.outside == start.outside
    if case.refused:
        assert (done.code, done.tree) == (1, start.tree), done.printed
        assert case.refused in done.reasons
    else:
        tree = start.tree | case.changes
        kept = {path: entry for path, entry in tree.items() if entry is not None}
        assert (done.code, done.tree) == (0, kept), done.printed


@pytest.mark.skipif(not references.HERE, reason="needs git, patch and diff")
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_references_do_as_the_table_says(case):
    assert compared(case, ours(case)) == case.references


def test_where_we_stand_alone_the_table_says_why():
    alone = {
        case.name for case in CASES if {"yes", "other"} & {*case.references.split()}
    }
    assert {case.name for case in CASES if case.why} == alone


def test_the_names_of_the_rows_differ():
    assert len(set(IDS)) == len(IDS) >= 480


def show(words: list[str]) -> None:
    """Print each case with what we and the references do with it now."""
    for case in CASES:
        if not words or any(word in case.name for word in words):
            done = ours(case)
            end = ",".join(done.reasons) or (
                "applied" if not done.code else done.printed
            )
            print(f"{case.name:45} {end:18} {compared(case, done):12} {case.why}")


if __name__ == "__main__":
    show(sys.argv[1:])
