"""Names in diffs: absolute ones, those of ``diff --git``; converted line ends."""

from __future__ import annotations

import pytest

from poach.applier.diff import NamedDiff
from poach.applier.disk.tree import ApplyRefused, plan, write
from poach.cli import main
from poach.pins.series import STRIP

OLD, NEW = b"a\nb\nc\n", b"a\nB\nc\n"
HUNK = b"@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"


def change(old: str, new: str) -> bytes:
    return b"--- %s\n+++ %s\n" % (old.encode(), new.encode()) + HUNK


def made(new: str) -> bytes:
    return b"--- /dev/null\n+++ %s\n@@ -0,0 +1 @@\n+x = 1\n" % new.encode()


@pytest.fixture
def tree(tmp_path):
    for name in ("m.py", "Lib/site.py", "Lib/ssl.py", "setup.py"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(OLD)
    return tmp_path / "tree"


def changed(tree, data: bytes, strip: int | None = None) -> dict[str, bytes]:
    write(plan(tree, [NamedDiff("x", "", data, strip)]))
    files = (path for path in tree.rglob("*") if path.is_file())
    found = {path.relative_to(tree).as_posix(): path.read_bytes() for path in files}
    return {name: data for name, data in found.items() if data != OLD}


def refused(tree, data: bytes, strip: int | None = None) -> list[str]:
    with pytest.raises(ApplyRefused) as caught:
        plan(tree, [NamedDiff("x", "", data, strip)])
    return [each.reason for each in caught.value.rejects]


# Names are judged after stripping.


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("../Python-2.7.8.orig/Lib/site.py", "../Python-2.7.8/Lib/site.py"),
        ("../../x.orig/Lib/site.py", "../../x/Lib/site.py"),
        ("/home/me/x.orig/Lib/site.py", "/home/me/x/Lib/site.py"),
        ("//depot/main/x/Lib/site.py", "/home/me/ws/x/Lib/site.py"),
        ("/tmp/a/Lib/site.py", "./Lib/site.py"),
        ("/Lib/site.py", "/Lib/site.py"),
    ],
)
def test_what_stripping_leaves_counts(tree, old, new):
    assert changed(tree, change(old, new)) == {"Lib/site.py": NEW}


def test_all_files_of_a_diff_are_stripped_alike(tree):
    data = b"".join(
        change(f"../x.orig/{name}", f"../x/{name}")
        for name in ("m.py", "Lib/site.py", "setup.py")
    )
    data += made("../x/Lib/new.py")
    assert changed(tree, data) == {
        "m.py": NEW,
        "Lib/site.py": NEW,
        "setup.py": NEW,
        "Lib/new.py": b"x = 1\n",
    }


@pytest.mark.parametrize("strip", [0, None])
@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret", "../../x/secret", "//depot/x/secret"]
)
def test_what_still_leads_outside_is_refused(tree, name, strip):
    (tree.parent / "secret").write_bytes(OLD)
    assert set(refused(tree, change(name, name), strip)) <= {"unsafe", "missing"}
    assert (tree.parent / "secret").read_bytes() == OLD


def test_one_file_inside_and_one_outside(tree):
    data = change("a/m.py", "b/m.py") + change("../../m.py", "../../m.py")
    assert "unsafe" in refused(tree, data, 1)
    refused(tree, data)


def test_a_file_behind_a_link_is_not_looked_for_elsewhere(tree):
    (tree / "link").symlink_to("Lib")
    assert refused(tree, change("a/link/site.py", "b/link/site.py")) == ["unsafe"]


# Perforce.


@pytest.mark.parametrize(
    "head",
    [
        b"==== //depot/main/x/m.py#4 - /home/u/ws/x/m.py ====\n",
        b"==== //depot/main/x/m.py#4 (text) ====\n\n",
        b"==== //depot/x/m.py#4 (text) - //depot/dev/x/m.py#1 (text) ==== content\n",
        b"==== //depot/main/x/m.py#4 - /home/u/ws/x/m.py ====\n"
        b"--- //depot/main/x/m.py\t2010-01-01 10:00:00\n"
        b"+++ /home/u/ws/x/m.py\t2010-01-01 10:00:00\n",
    ],
)  # fmt: skip
def test_headers_of_perforce(tree, head):
    assert changed(tree, head + HUNK) == {"m.py": NEW}


def test_two_files_of_perforce(tree):
    head = b"==== //depot/x/%s#4 - /home/u/ws/x/%s ====\n"
    data = head % (b"m.py", b"m.py") + HUNK + head % ((b"Lib/ssl.py",) * 2) + HUNK
    assert changed(tree, data) == {"m.py": NEW, "Lib/ssl.py": NEW}


# The names of diff --git.


def git(name: str, body: bytes, words: bytes = b"") -> bytes:
    return b"diff --git a/%s b/%s\n" % (name.encode(), name.encode()) + words + body


@pytest.mark.parametrize("strip", [1, None])
def test_names_of_git_count_where_the_others_do_not_fit(tree, strip):
    data = git("setup.py", change("setup.py.orig", "setup.py"))
    data += git("Lib/ssl.py", change("a/Lib/ssl.py", "b/Lib/ssl.py"))
    assert changed(tree, data, strip) == {"setup.py": NEW, "Lib/ssl.py": NEW}


def test_names_of_git_for_new_and_deleted_files(tree):
    data = git("Lib/ssl.py", change("a/Lib/ssl.py", "b/Lib/ssl.py"))
    data += git("new.py", made("new.py"), b"new file mode 100755\n")
    gone = b"--- m.py\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-a\n-b\n-c\n"
    data += git("m.py", gone, b"deleted file mode 100644\n")
    assert changed(tree, data) == {"Lib/ssl.py": NEW, "new.py": b"x = 1\n"}
    assert not (tree / "m.py").exists()


def test_names_of_git_count_less_where_others_fit(tree):
    data = git("setup.py", change("a/m.py", "b/m.py"))
    assert changed(tree, data) == {"m.py": NEW}


@pytest.mark.parametrize("name", ["../m.py", "/etc/passwd", "..\\m.py"])
def test_names_of_git_are_judged_too(tree, name):
    line = f"diff --git a/{name} b/{name}\n".encode()
    refused(tree, line + change("x.py.orig", "x.py"), 1)


# Line ends of the diff.


def crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def test_what_a_converted_diff_creates_has_lf(tree):
    data = crlf(change("a/m.py", "b/m.py") + made("b/new.py"))
    assert changed(tree, data) == {"m.py": NEW, "new.py": b"x = 1\n"}


def test_what_a_converted_diff_of_git_creates_has_lf(tree):
    bare = made("b/new.py") + b"\\ No newline at end of file\n"
    data = crlf(git("new.py", bare, b"new file mode 100644\n"))
    assert changed(tree, data) == {"new.py": b"x = 1"}


def test_a_converted_diff_whose_new_file_is_there_already(tree):
    (tree / "new.py").write_bytes(b"x = 1\n")
    assert refused(tree, crlf(made("b/new.py"))) == ["already applied"]


def test_only_the_lines_of_the_file_have_cr_lf(tree):
    data = made("b/new.py").replace(b"+x = 1\n", b"+x = 1\r\n")
    assert changed(tree, data) == {"new.py": b"x = 1\r\n"}


# Series.


def test_a_series_strips_one_folder(tree, tmp_path):
    folder = tmp_path / "patches"
    folder.mkdir()
    (tree / "Lib/Lib").mkdir()  # so that -p0 would fit, too
    (folder / "new.patch").write_bytes(made("Lib/Lib/new.py"))
    (folder / "series").write_bytes(b"new.patch\n")
    assert main(["apply", str(tree), str(folder)]) == 0
    assert (tree / "Lib/new.py").exists()
    assert STRIP == 1


def test_a_level_in_the_series_or_in_the_call_counts_more(tree, tmp_path):
    folder = tmp_path / "patches"
    folder.mkdir()
    (folder / "new.patch").write_bytes(made("Lib/new.py"))
    (folder / "series").write_bytes(b"new.patch -p0\n")
    assert main(["apply", "--check", str(tree), str(folder)]) == 0
    assert main(["apply", "--check", "-p1", str(tree), str(folder)]) == 0
    assert main(["apply", str(tree), str(folder)]) == 0
    assert (tree / "Lib/new.py").exists()
