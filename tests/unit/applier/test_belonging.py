"""A file that only shares the last part of its name is not the one that is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from poach.applier.diff import NamedDiff
from poach.applier.disk.tree import ApplyRefused, Plan, plan

TEXT = "".join(f"line {n}\n" for n in range(1, 9))
EDIT = "@@ -3,3 +3,3 @@\n line 3\n-line 4\n+line four\n line 5\n"


def edit(name: str) -> str:
    return f"--- a/{name}\n+++ b/{name}\n{EDIT}"


def deleted(name: str, line: str = "") -> str:
    head = f"diff --git a/{name} b/{name}\ndeleted file mode 100644\n"
    if not line:
        return head + "index e69de29..0000000\n"
    return f"{head}--- a/{name}\n+++ /dev/null\n@@ -1 +0,0 @@\n-{line}\n"


def moved(old: str, new: str, how: str = "rename") -> str:
    return (
        f"diff --git a/{old} b/{new}\nsimilarity index 100%\n"
        f"{how} from {old}\n{how} to {new}\n"
    )


def mode(name: str) -> str:
    return f"diff --git a/{name} b/{name}\nold mode 100644\nnew mode 100755\n"


def made(name: str) -> str:
    return f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+new\n"


def planned(folder: Path, files: dict[str, str], diff: str, **options) -> Plan:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return plan(folder, [NamedDiff("x", "", diff.encode(), **options)])


BASENAMES = [
    deleted("tests/__init__.py"),
    deleted("tests/data/__init__.py"),
    deleted("vendor/foo/LICENSE", "lib"),
    deleted("LICENSE.txt", "lib"),
    "--- vendor/LICENSE\n+++ /dev/null\n@@ -1 +0,0 @@\n-lib\n",
    "--- a/x/LICENSE\n+++ b/x/LICENSE\n@@ -1 +1 @@\n-lib\n+new\n",
    moved("tests/m.py", "tests/n.py"),
    moved("tests/m.py", "tests/n.py", "copy"),
    mode("tests/m.py"),
]
TREE = {
    "pkg/__init__.py": "",
    "LICENSE": "lib\n",
    "vendored/LICENSE.txt": "lib\n",
    "m.py": TEXT,
}


@pytest.mark.parametrize("diff", BASENAMES)
def test_one_part_of_a_name_is_no_proof(tmp_path, diff):
    with pytest.raises(ApplyRefused) as caught:
        planned(tmp_path, TREE, diff)
    assert {each.reason for each in caught.value.rejects} == {"missing"}


@pytest.mark.parametrize("diff", BASENAMES)
def test_nor_beside_an_edit_of_another_folder(tmp_path, diff):
    with pytest.raises(ApplyRefused) as caught:
        planned(tmp_path, {**TREE, "pkg/a.py": TEXT}, edit("pkg/a.py") + diff)
    assert "drop this patch" not in str(caught.value)


def test_a_new_file_of_a_folder_that_the_tree_lacks(tmp_path):
    diff = edit("lib/pkg/a.py") + edit("lib/pkg/b.py") + made("tests/n.py")
    tree = {"src/a.py": TEXT, "src/b.py": TEXT}
    with pytest.raises(ApplyRefused, match=r"tests/n.py: .* where its folder is"):
        planned(tmp_path, tree, diff.replace("lib/pkg", "pkg"))


@pytest.mark.parametrize(
    ("diff", "changed"),
    [
        (deleted("pkg/m.py", "one"), ["src/pkg/m.py"]),
        (deleted("top/src/pkg/m.py", "one"), ["src/pkg/m.py"]),
        (mode("pkg/m.py"), ["src/pkg/m.py"]),
        (moved("pkg/m.py", "pkg/n.py"), ["src/pkg/m.py", "src/pkg/n.py"]),
        (mode("setup.sh"), ["setup.sh"]),
        (deleted("setup.sh", "one"), ["setup.sh"]),
        ("--- x-1.0/setup.sh\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n", ["setup.sh"]),
        (
            "--- x.orig/setup.sh\n+++ x/setup.sh\t1970-01-01 00:00:00 +0000\n"
            "@@ -1 +0,0 @@\n-one\n",
            ["setup.sh"],
        ),
        ("--- setup.sh\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n", ["setup.sh"]),
        (edit("x/y/a.py"), ["src/a.py"]),
        (edit("x/a.py") + deleted("x/b.py", "one"), ["src/a.py", "src/b.py"]),
        (edit("x/a.py") + made("x/n.py"), ["src/a.py", "src/n.py"]),
        (edit("a.py") + mode("b.py"), ["src/a.py", "src/b.py"]),
    ],
)
def test_what_is_proof(tmp_path, diff, changed):
    tree = dict.fromkeys(("src/pkg/m.py", "src/b.py", "setup.sh"), "one\n")
    tree["src/a.py"] = TEXT
    found = planned(tmp_path, tree, diff)
    assert [path for path, _ in found.changes] == changed


@pytest.mark.parametrize("diff", BASENAMES[:1] + BASENAMES[-3:])
def test_who_says_where_it_is_needs_no_proof(tmp_path, diff):
    tree = {"pkg/__init__.py": "", "pkg/m.py": TEXT}
    assert planned(tmp_path, tree, diff, strip=2, directory="pkg").changes


CVS = "Index: {0}\n====\n--- {1}\t1.1\n+++ {1}\t1 Jan 2001 00:00:00 -0000\n"


@pytest.mark.parametrize("other", ["m.py", "other/m.py", "pkg/pkg/m.py"])
@pytest.mark.parametrize("name", ["m.py", "pkg/m.py"])
def test_the_folder_is_after_index(tmp_path, other, name):
    diff = CVS.format("pkg/m.py", name) + EDIT
    found = planned(tmp_path, {other: TEXT, "pkg/m.py": TEXT}, diff)
    assert [path for path, _ in found.changes] == ["pkg/m.py"]


def test_the_folder_of_a_new_file_and_of_one_that_is_gone_is_after_index(tmp_path):
    tree = {"n.py": "one\n", "pkg/m.py": "one\n"}
    new = "Index: pkg/n.py\n====\n--- /dev/null\n+++ n.py\n@@ -0,0 +1 @@\n+new\n"
    gone = "Index: pkg/m.py\n====\n--- m.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n"
    assert planned(tmp_path, tree, new).changes[0][0] == "pkg/n.py"
    assert planned(tmp_path, tree, gone).changes == (("pkg/m.py", None),)
