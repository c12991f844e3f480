"""A change that comes twice in one input is not called one that the source has."""

from __future__ import annotations

from pathlib import Path

import pytest

from poach.applier.diff import NamedDiff
from poach.applier.disk.tree import ApplyRefused, plan

TEXT = "".join(f"line {n}\n" for n in range(1, 9))
EDIT = (
    "--- a/m.py\n+++ b/m.py\n@@ -3,3 +3,3 @@\n line 3\n-line 4\n+line four\n line 5\n"
)
MORE = EDIT.replace(",3", ",5").replace(" line 5\n", " line 5\n-line 6\n+l6\n line 7\n")
NEW = "--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+new\n"
GONE = "--- a/o.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n"
RENAME = (
    "diff --git a/o.py b/p.py\nsimilarity index 100%\n"
    "rename from o.py\nrename to p.py\n"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "m.py").write_text(TEXT)
    (tmp_path / "o.py").write_text("old\n")
    return tmp_path


def refused(tree: Path, *diffs: str) -> ApplyRefused:
    with pytest.raises(ApplyRefused) as caught:
        plan(tree, [NamedDiff(f"p{n}", "", d.encode()) for n, d in enumerate(diffs)])
    return caught.value


PAIRS = [(EDIT, EDIT), (EDIT, MORE), (NEW, NEW), (GONE, GONE), (RENAME, RENAME)]


@pytest.mark.parametrize(("one", "two"), PAIRS)
@pytest.mark.parametrize("parts", [1, 2])
def test_the_first_diff_made_it(tree, one, two, parts):
    found = refused(tree, *([one, two] if parts == 2 else [one + two]))
    said = str(found)
    if one == RENAME and parts == 1:  # git reads both from before
        assert "drop this patch" not in said
        return
    assert [each.reason for each in found.rejects] == ["repeated"]
    assert "the source does not have it" in said and "drop this patch" not in said


def test_what_the_source_has_is_not_repeated(tree):
    (tree / "m.py").write_text(TEXT.replace("line 4", "line four"))
    found = refused(tree, EDIT.replace("4\n+line four", "four\n+l4"), EDIT + NEW)
    assert {each.reason for each in found.rejects}.isdisjoint({"repeated"})
    found = refused(tree, NEW, EDIT)
    assert [each.reason for each in found.rejects] == ["already applied"]


def test_a_rename_whose_old_file_stands_is_not_done(tree):
    (tree / "p.py").write_text("old\n")
    found = refused(tree, RENAME)
    assert "drop this patch" not in str(found)
    assert "p.py: is there already, with the same bytes, but 'o.py' is, too" in str(
        found
    )


def test_a_file_that_only_moved_is_not_gone(tree):
    (tree / "o.py").unlink()
    (tree / "pkg").mkdir()
    (tree / "pkg/old_o.py").write_text("old\n")
    assert "drop this patch" not in str(refused(tree, GONE))
    (tree / "pkg/old_o.py").unlink()
    assert "drop this patch" in str(refused(tree, GONE))
