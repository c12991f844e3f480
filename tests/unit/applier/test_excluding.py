"""exclude=GLOB: files of a diff that are left out, and what is said of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from poach.applier.diff import DiffError, NamedDiff, parse
from poach.applier.disk.tree import ApplyRefused, plan
from poach.applier.excluding import check, read, split
from poach.applier.rejects import Fault
from poach.cli import main
from poach.pins.location import Location

BODY = "@@ -1 +1 @@\n-1\n+2\n"


def git(name: str) -> str:
    return f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n{BODY}"


DIFF = git(".travis.yml") + git("pkg/m.py") + git("tests/test_m.py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree/pkg").mkdir(parents=True)
    (tmp_path / "tree/pkg/m.py").write_bytes(b"1\n")
    (tmp_path / "x.patch").write_text(DIFF)
    return tmp_path / "tree"


def left(data: str, *globs: str) -> list[str]:
    return split(parse(data.encode()), globs)[1]


@pytest.mark.parametrize(
    ("globs", "names"),
    [
        ((".travis.yml",), [".travis.yml"]),
        ((".travis.yml", "tests/*"), [".travis.yml", "tests/test_m.py"]),
        (("*.yml",), [".travis.yml"]),
        (("tests/",), ["tests/test_m.py"]),
        (("*test_m*",), ["tests/test_m.py"]),
        (("m.py",), []),
        (("*/m.py",), ["pkg/m.py"]),
        (("a/pkg/*",), []),
        (("PKG/*",), []),
        (("pkg/[a-m].py",), ["pkg/m.py"]),
    ],
)
def test_globs_are_for_whole_names_without_a_and_b(globs, names):
    assert left(DIFF, *globs) == names


def test_names_of_other_kinds_of_diffs():
    gnu = f"--- x-1.0.orig/tests/a\n+++ x-1.0/tests/a\n{BODY}{git('b')}"
    assert left(gnu, "tests/*") == ["tests/a"]
    svn = (
        f"Index: tests/a\n--- tests/a (revision 1)\n+++ tests/a (working copy)\n{BODY}"
    )
    assert left(svn + git("b"), "tests/*") == ["tests/a"]
    new = f"--- /dev/null\n+++ b/tests/a\n@@ -0,0 +1 @@\n+1\n{git('b')}"
    assert left(new, "tests/*") == ["tests/a"]
    rename = (
        "diff --git a/old/a b/new/a\nsimilarity index 100%\n"
        "rename from old/a\nrename to new/a\n" + git("b")
    )
    assert left(rename, "old/*") == ["old/a"]
    assert left(rename, "new/*") == ["new/a"]


SUBVERSION = (
    "Index: m.py\n=======\n--- m.py\t(revision 1)\n+++ m.py\t(working copy)\n" + BODY
)


@pytest.mark.parametrize(
    "text",
    [
        "Only in b/my dir: new [1].py\n",
        "Only in new/tests: x\n",
        "Index: pkg/__init__.py\n=======\n--- pkg/__init__.py\t(nonexistent)\n"
        "+++ pkg/__init__.py\t(working copy)\n",
        "Index: old.py (deleted)\n=======\n",
        "=== added file 'pkg/__init__.py'\n+++ pkg/__init__.py\t2010-01-02 00:00:00\n",
        "diff -ruN a/pkg/__init__.py b/pkg/__init__.py\n",
        "diff -r 0 -r 1 pkg/__init__.py\n",
        "addfile ./pkg/__init__.py\n",
        "... //depot/new.py#1 add\n",
        "Submodule sub 1234567..89abcde:\n  > x\n",
        "\nProperty changes on: run\n____\nAdded: svn:executable\n   + *\n",
    ],
)
def test_the_glob_that_a_message_names_leaves_the_file_out(text):
    for data in (text + SUBVERSION, SUBVERSION + text):
        with pytest.raises(DiffError) as caught:
            parse(data.encode())
        assert "delete this line" not in str(caught.value)
        found = re.search(r"#exclude=(\S+) in", str(caught.value))
        assert found
        globs = Location.parse(f"x#exclude={found[1]}").exclude
        files, left = read(data.encode(), globs)
        assert [file.new for file in files] == ["m.py"] and len(left) == 1


def test_a_line_is_to_be_deleted_where_it_is_all():
    with pytest.raises(DiffError, match="or delete this line"):
        parse(f"RENAMED x.py -> m.py\n{SUBVERSION}".encode())


def test_a_submodule_may_be_left_out(tree):
    body = "@@ -1 +1 @@\n-Subproject commit 1234567\n+Subproject commit 89abcde\n"
    head = "diff --git a/sub b/sub\nindex 1234567..89abcde 160000\n"
    data = f"{head}--- a/sub\n+++ b/sub\n{body}"
    with pytest.raises(ApplyRefused, match="what to do: leave the submodule out"):
        plan(tree, [NamedDiff("x", "", (git("pkg/m.py") + data).encode())])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (git("pkg/m.py"), "1 of 2 files of the diff is in the tree and fits"),
        (
            git("pkg/m.py").replace("-1", "-9"),
            "1 of 2 files of the diff is not in this",
        ),
    ],
)
@pytest.mark.parametrize("new", ["b/tests/a.py", "/dev/null"])
def test_missing_tests_may_be_left_out(tree, change, said, new):
    body = BODY if new.startswith("b") else "@@ -1 +0,0 @@\n-1\n"
    data = f"{change}--- a/tests/a.py\n+++ {new}\n{body}"
    with pytest.raises(ApplyRefused) as caught:
        plan(tree, [NamedDiff("x", "", data.encode())])
    assert said in str(caught.value)
    assert "leave them out: #exclude=tests/a.py in" in str(caught.value)


def test_nothing_may_remain():
    with pytest.raises(Fault, match="nothing remains"):
        split(parse(DIFF.encode()), ["*"])


def test_a_glob_that_matches_nothing_names_the_files():
    diff = NamedDiff("fix", "a.cfg:1", DIFF.encode(), exclude=("docs/*", "tests/*"))
    with pytest.raises(ApplyRefused) as caught:
        check([diff])
    assert str(caught.value) == (
        "Patch 'fix' (a.cfg:1) does not apply:\n"
        "  exclude=docs/* matches no file; the files are .travis.yml, pkg/m.py, "
        "tests/test_m.py\n"
        "  what to do: correct the globs of exclude=, or leave them out"
    )


def test_the_diffs_of_a_series_share_their_globs():
    one = NamedDiff("one", "", DIFF.encode(), exclude=("tests/*",))
    two = NamedDiff("two", "", git("pkg/m.py").encode(), exclude=("tests/*",))
    check([one, two])
    check([two, one])
    with pytest.raises(ApplyRefused, match="matches no file"):
        check([two])


def test_the_plan_says_what_was_left_out(tree):
    globs = (".travis.yml", "tests/*")
    (patch,) = plan(tree, [NamedDiff("x", "", DIFF.encode(), exclude=globs)]).patches
    assert patch.excluded == (".travis.yml", "tests/test_m.py")
    assert [file.path for file in patch.files] == ["pkg/m.py"]


def test_the_command(tree, capsys):
    args = ["--exclude", ".travis.yml", "--exclude", "tests/*"]
    assert main(["apply", *args, str(tree), str(tree.parent / "x.patch")]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  modify pkg/m.py: 1 hunk",
        "  left out .travis.yml",
        "  left out tests/test_m.py",
    ]
    assert (tree / "pkg/m.py").read_bytes() == b"2\n"


def test_the_command_in_json(tree, capsys):
    patch = str(tree.parent / "x.patch")
    args = ["apply", "--json", "--check", "--exclude", "[.t]*", str(tree), patch]
    assert main(args) == 0
    (said,) = json.loads(capsys.readouterr().out)["applied"]
    assert said["exclude"] == ["[.t]*"]
    assert said["excluded"] == [".travis.yml", "tests/test_m.py"]
    assert said["eol"] == "keep"
    assert main([*args[:4], "no*", *args[5:]]) == 1
    (said,) = json.loads(capsys.readouterr().out)["refused"]
    assert said["reason"] == "excluded"


@pytest.mark.parametrize("glob", ["", " ", "/etc/*", "a\nb"])
def test_what_is_no_glob(tree, glob, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["apply", "--exclude", glob, str(tree), "x"])


def test_the_command_with_other_line_endings(tree, capsys):
    (tree / "pkg/m.py").write_bytes(b"1\r\n")
    (tree.parent / "x.patch").write_text(git("pkg/m.py"))
    patch = str(tree.parent / "x.patch")
    assert main(["apply", str(tree), patch]) == 1
    said = capsys.readouterr()
    assert "the diff has LF, the file has CR LF" in said.err and "--eol any" in said.err
    assert main(["apply", "--eol", "any", str(tree), patch]) == 0
    assert "hunk 1 at line 1, other line endings" in capsys.readouterr().out
    assert (tree / "pkg/m.py").read_bytes() == b"2\r\n"


@pytest.mark.parametrize(
    "name",
    ["a[1].py", "a b#&;c.py", "*.py", "what?.py", "a%20$x.py", "\u00e9.py", "[!a]"],
)
def test_the_advised_glob_leaves_out_the_file(tree, name, capsys):
    diff = git("pkg/m.py") + git(f"tests/{name}")
    with pytest.raises(ApplyRefused) as caught:
        plan(tree, [NamedDiff("x", "", diff.encode())])
    (found,) = re.findall(r"#(exclude=\S+) in the location", str(caught.value))
    globs = Location.parse(f"x.patch#{found}").exclude
    assert left(diff + git("tests/b"), *globs) == [f"tests/{name}"]


SVN = "Index: tests/__init__.py\n" + "=" * 67 + "\n"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Only in b/tests: x\n", "tests/x"),
        ("Only in p-1.0/tests/data: x y\n", "tests/data/x y"),
        ("Nur in b/tests: x.\n", "tests/x"),
        ("Seulement dans b/tests: x\n", "tests/x"),
        ("只在 b/tests 存在\uff1ax\n", "tests/x"),
        ("b/tests のみに存在: x\n", "tests/x"),
        ("Only in b/tests/my data/: it's: x\n", "tests/my data/it's: x"),
        ("Only in 'b/tests/my data': 'a b'\n", "tests/my data/a b"),
        ("Only in b: tests\n", "tests"),
        ("=== added file 'tests/__init__.py'\n", "tests/__init__.py"),
        ("diff -ruN a/tests/__init__.py b/tests/__init__.py\n", "tests/__init__.py"),
        (SVN, "tests/__init__.py"),
        ("File tests/x is new; current revision 1.1\n", "tests/x"),
        ("addfile ./tests/x\n", "tests/x"),
        ("Submodule tests/x 1234567...89abcde:\n", "tests/x"),
    ],
)
@pytest.mark.parametrize("glob", ["tests/*", "tests/"])
def test_what_the_diff_only_tells_of_may_be_left_out(tree, line, name, glob):
    for data in (line + git("pkg/m.py"), git("pkg/m.py") + line):
        diff = NamedDiff("x", "", data.encode(), exclude=(glob,))
        check([diff])
        (patch,) = plan(tree, [diff]).patches
        assert patch.excluded == (name,)
        for other in ("test/*", "docs/", "x"):
            diff = NamedDiff("x", "", data.encode(), exclude=(other,))
            with pytest.raises(ApplyRefused) as caught:
                plan(tree, [diff])
            assert {each.reason for each in caught.value.rejects} == {"bad diff"}


def test_an_added_file_of_perforce_may_be_left_out(tree):
    line = "... //depot/p/tests/x#1 add\n"
    diff = (line + git("pkg/m.py")).encode()
    (patch,) = plan(tree, [NamedDiff("x", "", diff, exclude=("*/tests/x",))]).patches
    assert patch.excluded == ("//depot/p/tests/x",)
