"""Diffs on trees: places, messages, safety, writing."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
from pathlib import Path

import pytest

from poach.applier.diff import NamedDiff
from poach.applier.disk import tree as trees
from poach.applier.disk.tree import ApplyRefused, Interrupted, WriteFailed, plan, write
from poach.cli import apply as command
from poach.errors import PoachError

NEW = b"--- /dev/null\n+++ %s\n@@ -0,0 +1 @@\n+new\n"
GIT_NEW = b"diff --git %s %s\nnew file mode 100644\n" + NEW
GIT_LINK = (
    b"diff --git a/%s b/%s\nnew file mode 120000\n--- /dev/null\n+++ b/%s\n"
    b"@@ -0,0 +1 @@\n+%s\n\\ No newline at end of file\n"
)


def change(name: bytes, old: bytes = b"1", new: bytes = b"2") -> bytes:
    return b"--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-%s\n+%s\n" % (name, name, old, new)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    put(top, "f", b"1\n")
    put(top, "src/pkg/mod.py", b"1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    return top


def put(top: Path, name: str, data: bytes) -> Path:
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def listing(top: Path) -> dict[str, bytes]:
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


def diff(data: bytes, name: str = "fix", owner: str = "buildout.cfg:12", **options):
    return NamedDiff(name, owner, data, **options)


def apply(top: Path, *diffs: NamedDiff) -> dict[str, bytes]:
    write(plan(top, diffs))
    return listing(top)


def refused(top: Path, *diffs: NamedDiff) -> str:
    before = listing(top)
    with pytest.raises(ApplyRefused) as caught:
        plan(top, diffs)
    assert listing(top) == before
    json.dumps(caught.value.as_json())
    return str(caught.value)


MOD = b"@@ -3,5 +3,5 @@\n 3\n 4\n-5\n+five\n 6\n 7\n"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        (b"a/src/pkg/mod.py", (1, "")),
        (b"src/pkg/mod.py", (0, "")),
        (b"a/pkg/mod.py", (1, "src")),
        (b"mod.py", (0, "src/pkg")),
        (b"x/y/mod.py", (2, "src/pkg")),
    ],
)
def test_strip_and_directory_are_found_out(tree, name, place):
    planned = plan(tree, [diff(b"--- " + name + b"\n+++ " + name + b"\n" + MOD)])
    (patch,) = planned.patches
    assert (patch.strip, patch.directory) == place
    assert [file.path for file in patch.files] == ["src/pkg/mod.py"]


def test_two_places_are_an_error(tree):
    put(tree, "other/mod.py", (tree / "src/pkg/mod.py").read_bytes())
    data = b"--- mod.py\n+++ mod.py\n" + MOD
    assert refused(tree, diff(data)) == (
        "Patch 'fix' (buildout.cfg:12) does not apply:\n"
        "  applies in more than one place: strip 0 in other (other/mod.py), "
        "strip 0 in src/pkg (src/pkg/mod.py)\n"
        "  what to do: give the right one of them: strip= and directory= in the "
        "location of the patch, or --strip and --directory for poach apply"
    )
    found = plan(tree, [diff(data, directory="other/")])
    assert found.patches[0].files[0].path == "other/mod.py"


@pytest.mark.parametrize(
    ("here", "why"),
    [
        (b"1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "the change is there already"),
        (b"1\n2\n3\n4\n5 + 0\n6\n7\n8\n9\n", "it does not fit there"),
    ],
)
def test_a_copy_that_fits_is_not_taken_for_the_file(tree, here, why):
    copy = put(tree, "a/_vendor/pkg/mod.py", (tree / "src/pkg/mod.py").read_bytes())
    put(tree, "src/pkg/mod.py", here)
    data = b"--- a/pkg/mod.py\n+++ b/pkg/mod.py\n" + MOD
    assert refused(tree, diff(data)) == (
        "Patch 'fix' (buildout.cfg:12) does not apply:\n"
        "  fits at strip 1 in a/_vendor (a/_vendor/pkg/mod.py), but its files are also "
        f"at strip 1 in src (src/pkg/mod.py): {why}\n"
        "  what to do: give the right one of them: strip= and directory= in the "
        "location of the patch, or --strip and --directory for poach apply"
    )
    assert plan(tree, [diff(data, directory="a/_vendor")])
    assert "src/pkg/mod.py: hunk 1" in refused(tree, diff(data, directory="src"))
    copy.unlink()
    assert "src/pkg/mod.py: hunk 1" in refused(tree, diff(data))


def test_a_file_that_shares_less_of_the_name_is_no_other_place(tree):
    put(tree, "other/mod.py", b"1\n")
    data = b"--- a/pkg/mod.py\n+++ b/pkg/mod.py\n" + MOD
    assert apply(tree, diff(data))["other/mod.py"] == b"1\n"


def test_a_place_that_lacks_a_file_of_the_diff_is_no_other_place(tree):
    put(tree, "other/pkg/mod.py", b"1\n")
    put(tree, "src/pkg/b.py", b"1\n")
    data = b"--- a/pkg/mod.py\n+++ b/pkg/mod.py\n" + MOD + change(b"pkg/b.py")
    assert apply(tree, diff(data))["src/pkg/b.py"] == b"2\n"


def test_nothing_is_sought_elsewhere_when_the_files_are_there(tree):
    put(tree, "other/pkg/mod.py", (tree / "src/pkg/mod.py").read_bytes())
    data = b"--- a/src/pkg/mod.py\n+++ b/src/pkg/mod.py\n" + MOD
    apply(tree, diff(data))
    message = refused(tree, diff(data))
    assert "src/pkg/mod.py: hunk 1 @@ -3,5 +3,5 @@: already applied" in message


def test_a_given_strip_is_meant(tree):
    data = b"--- mod.py\n+++ mod.py\n" + MOD
    assert "mod.py: no such file in the tree" in refused(tree, diff(data, strip=0))
    assert apply(tree, diff(data, strip=0, directory="src/pkg"))


def test_not_found_shows_the_nearest_lines(tree):
    put(tree, "src/pkg/mod.py", b"0\n1\n2\n3\n4\n5\nsix\n7\n8\n9\n")
    data = b"--- a/src/pkg/mod.py\n+++ b/src/pkg/mod.py\n" + MOD
    assert refused(tree, diff(data)) == (
        "Patch 'fix' (buildout.cfg:12) does not apply:\n"
        "  src/pkg/mod.py: hunk 1 @@ -3,5 +3,5 @@: not found; nearest is line 4, "
        "where these lines differ (- patch, + tree):\n"
        "    -6\n"
        "    +six\n"
        "  what to do: make the diff again for this release"
    )


def test_already_applied_says_drop_the_name(tree):
    data = b"--- a/src/pkg/mod.py\n+++ b/src/pkg/mod.py\n" + MOD
    apply(tree, diff(data))
    assert refused(tree, diff(data)) == (
        "Patch 'fix' (buildout.cfg:12) does not apply:\n"
        "  src/pkg/mod.py: hunk 1 @@ -3,5 +3,5 @@: already applied, at line 3\n"
        "  what to do: the source has this change already (or the diff is reversed): "
        "drop this patch"
    )


def test_all_refusals_of_all_diffs_at_once(tree):
    message = refused(
        tree,
        diff(change(b"f", b"x") + change(b"gone"), "one", ""),
        diff(change(b"f")),
        diff(b"nothing\n", "three", "base.cfg:3"),
    )
    assert message == (
        "Patch 'one' does not apply:\n"
        "  1 of 2 files of the diff is not in this sdist\n"
        "  f: hunk 1 @@ -1 +1 @@: not found; no part of the file is like it\n"
        "  gone: no such file in the tree\n"
        "  what to do: an sdist often lacks tests and CI files; if the patch works "
        "without the missing files, leave them out: #exclude=gone in the location of "
        "the patch, or --exclude for poach apply\n"
        "  what to do: make the diff again for this release\n"
        "Patch 'three' (base.cfg:3) does not apply:\n"
        "  no unified diff in it; it says 'nothing'\n"
        "  what to do: get the diff again from its source, or make it again"
    )


def test_a_later_diff_sees_what_an_earlier_one_made(tree):
    after = apply(tree, diff(change(b"f")), diff(change(b"f", b"2", b"3")))
    assert after["f"] == b"3\n"


def test_create_and_delete(tree):
    delete = b"--- a/src/pkg/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n"
    put(tree, "src/pkg/x", b"1\n")
    after = apply(tree, diff(NEW % b"b/new/deep/n" + delete))
    assert after["new/deep/n"] == b"new\n"
    assert "src/pkg/x" not in after
    assert "gone already" in refused(tree, diff(delete))
    assert "exists already, with the same bytes" in refused(
        tree, diff(NEW % b"b/new/deep/n")
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"b/fresh/n", "fresh/n"),
        (b"src/pkg/n", "src/pkg/n"),
        (b"n", "n"),
        (b"Foo-1.0/src/pkg/n", "src/pkg/n"),
        (b"Foo-1.0/src/fresh/n", "src/fresh/n"),
        (b"Foo_v0.2.2/setup2.py", "setup2.py"),
        (b"b/src/pkg/n", "src/pkg/n"),
        (b"b/n", "n"),
    ],
)
def test_new_files_alone_go_where_their_folders_are(tree, name, path):
    assert path in apply(tree, diff(NEW % name))


@pytest.mark.parametrize(
    ("name", "places"),
    [
        (b"b/pkg/n", "strip 1 makes pkg/n, strip 1 in src makes src/pkg/n\n"),
        (b"fresh/n", "strip 0 makes fresh/n, strip 1 makes n\n"),
        (
            b"b/lib/src/pkg/n",
            "strip 1 makes lib/src/pkg/n, strip 2 makes src/pkg/n\n",
        ),
    ],
)
def test_new_files_alone_that_nothing_places_are_a_question(tree, name, places):
    said = refused(tree, diff(NEW % name))
    assert f"the tree does not say where they belong: {places}" in said
    assert "--strip and --directory" in said


def test_a_diff_that_only_deletes_is_looked_for_like_one_that_changes(tree):
    put(tree, "src/pkg/x", b"1\n2\n")
    delete = b"--- a/pkg/x\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-1\n-2\n"
    assert "src/pkg/x" not in apply(tree, diff(delete))


def test_a_file_that_has_moved_is_not_gone(tree):
    body = b"".join(b"-line %d\n" % number for number in range(5))
    delete = b"--- a/src/pkg/x\n+++ /dev/null\n@@ -1,5 +0,0 @@\n" + body
    lines = body.replace(b"-line", b"line")
    for name, data in [
        ("src/new/x", lines),
        ("src/new/x", lines.replace(b"3", b"three")),
        ("src/pkg/renamed", lines),
    ]:
        put(tree, name, data)
        said = refused(tree, diff(delete, strip=1))
        assert f"src/pkg/x: no such file in the tree; the change fits {name}\n" in said
        assert "drop" not in said
        (tree / name).unlink()
    assert "src/pkg/x: gone already" in refused(tree, diff(delete, strip=1))


@pytest.mark.parametrize("there", [b"a\r\nb\r\nc\r\n", b"other\n"])
def test_a_deleted_file_whose_name_is_elsewhere_may_not_be_gone(tree, there):
    data = diff(b"--- a/src/pkg/x\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-a\n-b\n-c\n")
    assert "src/pkg/x: gone already\n" in refused(tree, data)
    put(tree, "lib/x", there)
    said = refused(tree, data)
    assert (
        "src/pkg/x: no such file in the tree; it may be gone already, or be lib/x, "
        "which has another text\n" in said
    )
    assert "drop this patch" not in said


def test_what_is_deleted_in_a_folder_that_is_not_there_is_not_gone(tree):
    delete = b"--- a/lib/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n"
    said = refused(tree, diff(delete, strip=1))
    assert "lib/x: no such file in the tree, and no folder 'lib'\n" in said


def test_files_that_are_there_and_others_that_are_not(tree):
    said = refused(tree, diff(change(b"f") + change(b"t/a") + change(b".ci/b")))
    assert said == (
        "Patch 'fix' (buildout.cfg:12) does not apply:\n"
        "  1 of 3 files of the diff is in the tree and fits; "
        "the other 2 are not in this sdist\n"
        "  t/a: no such file in the tree\n"
        "  .ci/b: no such file in the tree\n"
        "  what to do: an sdist often lacks tests and CI files; if the patch works "
        "without the missing files, leave them out: #exclude=t/a&exclude=.ci/b in the "
        "location of the patch, or --exclude for poach apply"
    )


def test_missing_files_have_the_names_of_the_diff(tree):
    put(tree, "g", b"1\n")
    said = refused(tree, diff(change(b"python/g") + change(b"cpp/main.cc")))
    assert "  cpp/main.cc: no such file in the tree\n" in said


def test_the_mail_that_does_not_fit_is_named(tree):
    mail = (
        b"From %s Mon Sep 17 00:00:00 2001\nSubject: [PATCH] %s\n\n---\n%s-- \n2.3\n\n"
    )
    one = mail % (b"1" * 40, b"one", change(b"f"))
    two = mail % (b"2" * 40, b"two", change(b"f", b"9", b"8"))
    said = refused(tree, diff(one + two))
    assert "  in the mail '[PATCH] two': f: hunk 1 @@ -1 +1 @@: not found" in said
    assert "[PATCH] one" not in said and "take its .diff" in said
    assert "in the mail" not in refused(tree, diff(two))
    encoded = (one + two).replace(b"[PATCH] two", b"=?UTF-8?q?=C3=9Cberlauf?=")
    assert "  in the mail 'Überlauf': f: hunk 1" in refused(tree, diff(encoded))


def test_folders_that_are_emptied_go(tree):
    body = b"".join(b"-%d\n" % number for number in range(1, 10))
    apply(tree, diff(b"--- a/src/pkg/mod.py\n+++ /dev/null\n@@ -1,9 +0,0 @@\n" + body))
    assert not (tree / "src").exists()


def test_a_deleted_file_must_be_what_the_diff_says(tree):
    data = b"--- a/src/pkg/mod.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-1\n-2\n"
    assert "src/pkg/mod.py" in refused(tree, diff(data))


def test_modes(tree):
    (tree / "f").chmod(0o640)
    data = b"diff --git a/f b/f\nold mode 100644\nnew mode 100755\n"
    apply(tree, diff(data))
    assert (tree / "f").stat().st_mode & 0o777 == 0o750
    apply(tree, diff(change(b"f")))
    assert (tree / "f").stat().st_mode & 0o777 == 0o750


def test_rename_copy_and_swap(tree):
    put(tree, "g", b"G\n")
    swap = (
        b"diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n"
        b"diff --git a/g b/f\nsimilarity index 100%\nrename from g\nrename to f\n"
        b"diff --git a/f b/h\nsimilarity index 50%\ncopy from f\ncopy to h\n"
        b"--- a/f\n+++ b/h\n@@ -1 +1 @@\n-1\n+2\n"
    )
    after = apply(tree, diff(swap))
    assert (after["f"], after["g"], after["h"]) == (b"G\n", b"1\n", b"2\n")


def test_renames_take_what_was_before_the_commit(tree):
    modify = b"diff --git a/f b/f\n" + change(b"f")
    rename = b"diff --git a/f b/g\nrename from f\nrename to g\n"
    assert "f: no such file" in refused(tree, diff(rename + modify, strip=1))
    after = apply(tree, diff(modify + rename, strip=1))
    assert (after["f"], after["g"]) == (b"2\n", b"1\n")


def test_mails_are_commits_of_their_own(tree):
    mail = b"From " + b"a" * 40 + b" Mon Sep 17 00:00:00 2001\n"
    modify = mail + b"diff --git a/f b/f\n" + change(b"f")
    rename = mail + b"diff --git a/f b/g\nrename from f\nrename to g\n"
    after = apply(tree, diff(modify + rename, strip=1))
    assert "f" not in after and after["g"] == b"2\n"


def test_a_folder_becomes_a_file(tree):
    body = b"".join(b"-%d\n" % number for number in range(1, 10))
    name = b"src/pkg/mod.py"
    gone = b"diff --git a/%s b/%s\ndeleted file mode 100644\n" % (name, name)
    gone += b"--- a/%s\n+++ /dev/null\n@@ -1,9 +0,0 @@\n" % name + body
    after = apply(tree, diff(GIT_NEW % (b"a/src", b"b/src", b"b/src") + gone, strip=1))
    assert after["src"] == b"new\n"


def test_a_diff_of_crlf_lines_applies_to_files_with_either_ending(tree):
    data = change(b"f").replace(b"\n", b"\r\n")
    assert apply(tree, diff(data))["f"] == b"2\n"
    put(tree, "f", b"1\r\n")
    assert apply(tree, diff(data))["f"] == b"2\r\n"
    assert "line endings" in refused(tree, diff(change(b"f", b"2", b"3")))


def test_a_diff_without_any_name_is_refused(tree):
    data = b"--- \n+++ \n@@ -1 +1 @@\n-1\n+2\n"
    assert "does not apply" in refused(tree, diff(data))


def link(name: bytes, target: bytes) -> bytes:
    return GIT_LINK % (name, name, name, target)


def test_a_symlink_within_the_tree(tree):
    message = refused(tree, diff(link(b"src/l", b"../../x")))
    assert "src/l: a symlink out of the tree, to '../../x'" in message
    apply(tree, diff(link(b"src/l", b"../f")))
    assert (tree / "src/l").readlink() == Path("../f")
    assert "a symlink in the tree" in refused(tree, diff(change(b"src/l")))


def test_a_link_that_the_diff_makes_is_not_followed(tree):
    data = link(b"l", b"src") + GIT_NEW % (b"a/l/x", b"b/l/x", b"b/l/x")
    assert "l/x: leads through a symlink or file, 'l'" in refused(tree, diff(data))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"../x", "../x: leads out of the tree"),
        (b"src/../../x", "src/../../x: leads out of the tree"),
        (b"/etc/x", "/etc/x: is an absolute path"),
        (b"C:/x", "C:/x: has a drive letter"),
        (b"src\\x", "src\\x: has a backslash in its name"),
        (b'"x\\000y"', "x\\x00y: has a NUL in its name"),
        (b".git/hooks/x", ".git/hooks/x: is git's own"),
        (b".poach-q/journal.json", ".poach-q/journal.json: is poach's own"),
        (b"a:b", "a:b: its name is not allowed on Windows"),
        (b"src/nul.txt", "src/nul.txt: its name is not allowed on Windows"),
        (b'"\\377"', "\\xff: its name is not UTF-8"),
        (b"link/x", "link/x: leads through a symlink or file, 'link'"),
        (b"f/x", "f/x: leads through a symlink or file, 'f'"),
        (b"src", "src: a folder in the tree"),
        (b"pipe", "pipe: not a regular file in the tree"),
    ],
)
def test_unsafe_names(tree, name, reason):
    (tree / "link").symlink_to(tree.parent)
    os.mkfifo(tree / "pipe")
    message = refused_lines(tree, diff(NEW % name, strip=0))
    assert message == f"  {reason}"


def refused_lines(top: Path, *diffs: NamedDiff) -> str:
    return refused_whole(top, *diffs).splitlines()[1]


def refused_whole(top: Path, *diffs: NamedDiff) -> str:
    with pytest.raises(ApplyRefused) as caught:
        plan(top, diffs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("directory", "detail"),
    [
        ("..", "leads out of the tree"),
        ("../x", "leads out of the tree"),
        ("/etc", "is an absolute path"),
        ("C:", "has a drive letter"),
        ("src\\pkg", "has a backslash in its name"),
        ("link", "is a symlink or file"),
        ("link/x", "leads through a symlink or file, 'link'"),
        ("f", "is a symlink or file"),
        (".git", "is git's own"),
    ],
)
@pytest.mark.parametrize("data", [change(b"f"), b"nothing\n"])
def test_unsafe_directories(tree, directory, detail, data):
    (tree / "link").symlink_to(tree.parent)
    assert refused(tree, diff(data, directory=directory)) == (
        "Patch 'fix' (buildout.cfg:12) does not apply:\n"
        f"  the directory {directory!r} {detail}\n"
        "  what to do: give a directory of the tree, as a plain path with / in it"
    )


@pytest.mark.parametrize("strip", [None, 0, 1])
def test_a_directory_that_is_not_there(tree, strip):
    said = refused(tree, diff(change(b"f"), directory="none/such", strip=strip))

    assert "  the directory 'none/such' is not in the tree\n" in said


@pytest.mark.parametrize(
    ("directory", "where"), [("src/pkg", ", in the folder 'src/pkg'"), (None, "")]
)
def test_a_wrong_name_without_folders_has_none_to_strip(tree, directory, where):
    data = b"--- wrong.py\n+++ wrong.py\n@@ -1 +1 @@\n-1\n+2\n"
    said = refused_lines(tree, diff(data, directory=directory))

    assert said == f"  wrong.py: no such file in the tree{where}"


@pytest.mark.parametrize("name", ["f", "src/pkg/mod.py"])
def test_what_cannot_be_read(tree, name, monkeypatch):
    look = os.lstat

    def deny(path, *, dir_fd):  # as for a folder without x; root may read everything
        if path == Path(name).name:
            raise PermissionError(13, "Permission denied", path)
        return look(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "lstat", deny)
    message = refused_whole(tree, diff(change(name.encode()), strip=1))
    assert message.splitlines()[1:] == [
        f"  {name}: cannot be read: Permission denied",
        "  what to do: look at this path in the tree, and at its permissions",
    ]


def test_a_pipe_is_no_reason_for_distrust(tree):
    os.mkfifo(tree / "pipe")
    assert refused_whole(tree, diff(change(b"pipe"))).splitlines()[1:] == [
        "  pipe: not a regular file in the tree",
        "  what to do: look at this path in the tree, and at its permissions",
    ]


def test_a_file_does_not_become_a_link(tree):
    data = b"diff --git a/f b/f\nold mode 100644\nnew mode 120000\n"
    assert refused_whole(tree, diff(data)).splitlines()[1:] == [
        "  f: this change of the mode cannot make a symlink of a file, or back",
        "  what to do: make the diff again with git diff, which deletes the one and "
        "makes the other",
    ]


@pytest.mark.parametrize(
    ("name", "strip", "detail"),
    [
        (b"/dev/null", 1, "a part of the diff names no file"),
        (b"f", 1, "f: has fewer than 1 folder to strip"),
        (b"a/f", 3, "a/f: has fewer than 3 folders to strip"),
        (b"a/", 1, "a/: names a folder"),
    ],
)
def test_names_of_which_nothing_is_left(tree, name, strip, detail):
    data = b"--- %s\n+++ %s\n@@ -1 +1 @@\n-1\n+2\n" % (name, name)
    assert refused_lines(tree, diff(data, strip=strip)) == f"  {detail}"


@pytest.mark.parametrize(
    "data",
    [
        NEW % (b"b/" + b"x" * 3_000_000),
        GIT_LINK % (b"n", b"n", b"n", b"x/" * 999_999),
    ],
    ids=["name", "target"],
)
def test_messages_are_short(tree, data):
    assert len(refused_whole(tree, diff(data))) < 3000
    with pytest.raises(ApplyRefused) as caught:
        plan(tree, [diff(data)])
    assert len(json.dumps(caught.value.as_json())) < 9000


STAMP = f"100644 {hashlib.sha256(b'1').hexdigest()}"
JOURNAL = {
    "format": 2,
    "steps": {
        "f": ["old-0", None, STAMP, None],
        "d/g": ["old-2", None, STAMP, None],
        "t/x": [None, "new-3/x", None, STAMP],
    },
    "tops": {"t": "new-3"},
    "folders": {"d": 0o755},
}


PARTS = ("steps", "tops", "folders")


def journal(**parts: object) -> bytes:
    return json.dumps({**JOURNAL, **parts}).encode()


def step(path: str, old="old-0", new=None, was=STAMP, made=None) -> bytes:
    """Return the journal with one more step, for `path`."""
    return journal(steps={**JOURNAL["steps"], path: [old, new, was, made]})


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b"{}", journal()[:-2], b"new\n", b"[" * 100_000),
        *(journal(format=each) for each in (None, "2", [])),
        *(journal(steps=each) for each in (None, [], {"f": []}, {"f": [1] * 4})),
        *(journal(tops=each) for each in ({"t": "x"}, {"t": None}, {"../t": "new-0"})),
        *(journal(folders=each) for each in ({"d": "755"}, {"/d": 7}, {"d": True})),
        *(journal(folders={"d": each}) for each in (-1, 0o4755, 4095, 1 << 40, 7.0)),
        *(journal(folders={"d": 10**n}) for n in (20, 4000)),
        *(journal(**{part: each}) for part in PARTS for each in (1, "ab", [[1, "x"]])),
        *(journal(tops=[[each, "new-0"]]) for each in (1, None, "t")),
        *(journal(**{part: {"\ud800": JOURNAL[part]}}) for part in PARTS),
        *(step(each) for each in ("\ud800", "d/\udfff", "f" * 9000, "d/" * 9000 + "f")),
        *(step("f", old=each) for each in ("old-0/\ud800", "old-\u0663", [], {}, True)),
        *(step("f", was=each) for each in ([], {}, True)),
        *(step("f", old=each) for each in ("README", "old-0/..", "../old-0", 7, None)),
        *(step("f", new=each) for each in ("new-1", "/new-1")),
        *(step("f", was=each) for each in (7, None)),
        *(step(each) for each in ("", "/f", "../f", "a/../f", "a//f", ".", "f\0")),
        *(step(each) for each in (".poach-x/f", ".POACH-x/f")),
    ],
)
def test_what_is_no_journal_locks_nothing(tree, data):
    put(tree, ".poach-q/journal.json", data)
    assert apply(tree, diff(change(b"f")))["f"] == b"2\n"


@pytest.mark.parametrize("data", [journal(), b'{"format": 1}', b'{"format": 99}'])
def test_a_journal_stops_the_next_run(tree, data):
    put(tree, ".poach-q/journal.json", data)
    with pytest.raises(Interrupted, match="An earlier run was killed"):
        plan(tree, [diff(change(b"f"))])


def test_a_pipe_is_no_journal(tree):
    (tree / ".poach-q").mkdir()
    os.mkfifo(tree / ".poach-q/journal.json")
    assert plan(tree, [diff(change(b"f"))])


@pytest.mark.parametrize("word", ["rename", "copy"])
@pytest.mark.parametrize("mode", [0o600, 0o444, 0o640])
def test_a_file_keeps_its_permissions_under_another_name(tree, word, mode):
    (tree / "f").chmod(mode)
    data = f"diff --git a/f b/n/g\n{word} from f\n{word} to n/g\n".encode()
    then = b"diff --git a/n/g b/h\nrename from n/g\nrename to h\n"
    edit = change(b"h")
    write(plan(tree, [diff(data), diff(then), diff(edit)]))
    assert (tree / "h").stat().st_mode & 0o777 == mode
    assert (tree / "h").read_bytes() == b"2\n"


def test_swapped_files_keep_their_permissions(tree):
    put(tree, "g", b"G\n").chmod(0o600)
    swap = (
        b"diff --git a/f b/g\nrename from f\nrename to g\n"
        b"diff --git a/g b/f\nrename from g\nrename to f\n"
    )
    (tree / "f").chmod(0o640)
    apply(tree, diff(swap))
    modes = [(tree / name).stat().st_mode & 0o777 for name in "fg"]
    assert modes == [0o600, 0o640]


def test_json_tells_all_places_and_what_was_tried(tree):
    put(tree, "src/pkg/mod.py", b"1\n2\n3\n0\n1\n2\n3\n")
    data = b"--- a/mod.py\n+++ b/mod.py\n@@ -3,3 +3,3 @@\n 1\n-2\n+x\n 3\n"
    with pytest.raises(ApplyRefused) as caught:
        plan(tree, [diff(data, directory="src/pkg"), diff(b"x\n")])
    first, second = caught.value.as_json()["refused"]
    assert first["reason"] == "ambiguous"
    assert first["line"] == first["lines"][0]
    assert sorted(first["lines"]) == [1, 5]
    assert (first["strip"], first["directory"]) == (1, "src/pkg")
    assert (second["lines"], second["strip"], second["directory"]) == ([], None, None)


def test_names_that_lead_outside_are_no_candidates(tree):
    data = b"--- ../orig/f\n+++ f\n@@ -1 +1 @@\n-1\n+2\n"
    assert apply(tree, diff(data, strip=0))["f"] == b"2\n"


def test_hard_links_are_cut(tree):
    outside = tree.parent / "outside"
    os.link(tree / "f", outside)
    apply(tree, diff(change(b"f")))
    assert outside.read_bytes() == b"1\n"


def test_a_binary_change_without_data_is_refused(tree):
    data = b"diff --git a/f b/f\nindex 1..2 100644\nBinary files a/f and b/f differ\n"
    assert "f: a binary change whose data the diff lacks" in refused(tree, diff(data))


def test_writing_that_fails_restores_everything(tree):
    planned = plan(tree, [diff(change(b"f") + NEW % b"b/new/n")])
    before = listing(tree)
    put(tree, "new", b"in the way\n")
    before["new"] = b"in the way\n"
    with pytest.raises(WriteFailed, match="nothing was changed"):
        write(planned)
    assert listing(tree) == before


def test_a_file_that_becomes_a_folder_is_restored(tree):
    gone = b"--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n"
    data = gone + NEW % b"b/f/n" + NEW % b"b/f/m/n" + NEW % b"b/new/n"
    planned = plan(tree, [diff(data)])
    before = listing(tree)
    put(tree, "new", b"in the way\n")
    with pytest.raises(WriteFailed, match="nothing was changed"):
        write(planned)
    (tree / "new").unlink()
    assert listing(tree) == before
    write(planned)
    made = dict.fromkeys(("f/n", "f/m/n", "new/n"), b"new\n")
    assert (
        listing(tree) == {path: before[path] for path in before if path != "f"} | made
    )


def test_the_plan_can_be_shown(tree):
    data = b"--- a/src/pkg/mod.py\n+++ b/src/pkg/mod.py\n" + MOD
    put(tree, "src/pkg/mod.py", b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    assert plan(tree, [diff(data)]).as_json() == {
        "applied": [
            {
                "patch": "fix",
                "owner": "buildout.cfg:12",
                "strip": 1,
                "directory": "",
                "exclude": [],
                "excluded": [],
                "eol": "keep",
                "files": [
                    {
                        "path": "src/pkg/mod.py",
                        "action": "modify",
                        "source": None,
                        "old_mode": "100644",
                        "new_mode": None,
                        "hunks": [
                            {
                                "header": "@@ -3,5 +3,5 @@",
                                "line": 4,
                                "offset": 1,
                                "fuzz": 0,
                                "eol": False,
                            }
                        ],
                    }
                ],
            }
        ]
    }


def test_show_escapes_what_does_not_print():
    assert trees.show("a\udce9\x1b[0m\tb") == "a\\xe9\\x1b[0m\tb"


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return command.run(parser.parse_args(words))


def test_the_command(tree, tmp_path, capsys):
    folder = tmp_path / "quilt"
    put(folder, "series", b"one.patch  # first\n# no\ntwo.patch -p0\n")
    put(folder, "one.patch", change(b"f"))
    put(
        folder,
        "two.patch",
        change(b"f", b"2", b"3").replace(b"a/", b"").replace(b"b/", b""),
    )
    assert call("--check", str(tree), str(folder)) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}/one.patch: strip 1",
        "  modify f: 1 hunk",
        f"{folder}/two.patch: strip 0",
        "  modify f: 1 hunk",
    ]
    assert (tree / "f").read_bytes() == b"1\n"
    assert call(str(tree), str(folder)) == 0
    assert (tree / "f").read_bytes() == b"3\n"
    assert call("--json", str(tree), str(folder / "one.patch")) == 1
    capsys.readouterr()
    with pytest.raises(PoachError, match="does not apply"):
        call(str(tree), str(folder / "one.patch"))
    with pytest.raises(PoachError, match="Cannot read"):
        call(str(tree), str(tree / "nope"))


def test_a_diff_comes_from_standard_input(tree, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(change(b"f"))))
    assert call(str(tree), "-") == 0
    assert capsys.readouterr().out == "-: strip 1\n  modify f: 1 hunk\n"


def test_json_holds_every_kind_of_failure(tree, capsys):
    assert call("--json", str(tree), "nope.patch") == 1
    said = json.loads(capsys.readouterr().out)
    message = "Cannot read 'nope.patch': No such file or directory"
    assert said == {"format": 1, "error": message, "errors": [message]}
    assert call("--json", str(tree), "nope.patch", "neither") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["errors"] == [message, message.replace("nope.patch", "neither")]


def test_modes_are_said(tree, tmp_path, capsys):
    data = b"diff --git a/f b/f\nold mode 100644\nnew mode 100755\n"
    patch = put(tmp_path, "mode.patch", data)
    assert call("--check", str(tree), str(patch)) == 0
    assert capsys.readouterr().out.endswith("  modify f, mode 100755\n")
    assert call("--json", "--check", str(tree), str(patch)) == 0
    (said,) = json.loads(capsys.readouterr().out)["applied"][0]["files"]
    assert (said["old_mode"], said["new_mode"]) == ("100644", "100755")
    assert not (tree / "f").stat().st_mode & 0o100


BOTH = b"@@ -1,9 +1,9 @@\n 1\n-2\n+two\n 3\n 4\n 5\n 6\n 7\n-8\n+eight\n 9\n"
APART = b"@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n@@ -7,3 +7,3 @@\n 7\n-8\n+eight\n 9\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            BOTH,
            "@@ -1,9 +1,9 @@: applied in part: at line 1 some of its changes are made",
        ),
        (
            APART,
            "@@ -1,3 +1,3 @@: already applied, at line 1; other changes of the patch",
        ),
    ],
    ids=["one hunk", "two hunks"],
)
def test_applied_in_part(tree, body, message):
    path = tree / "src/pkg/mod.py"
    path.write_bytes(path.read_bytes().replace(b"2", b"two"))
    said = refused(tree, diff(b"--- a/src/pkg/mod.py\n+++ b/src/pkg/mod.py\n" + body))
    assert f"src/pkg/mod.py: hunk 1 {message}" in said
    assert (
        "what to do: the source has a part of this already: make the diff again" in said
    )


EMPTY = b"diff --git a/%s b/%s\nnew file mode 100644\nindex 0000000..e69de29\n"
RUN = b"diff --git a/run b/run\nold mode 100644\nnew mode 100755\n"


def test_a_file_that_stays_as_it_is_is_no_change_that_is_lacking(tree):
    path = tree / "src/pkg/mod.py"
    path.write_bytes(path.read_bytes().replace(b"2", b"two").replace(b"8", b"eight"))
    data = b"--- a/src/pkg/mod.py\n+++ b/src/pkg/mod.py\n" + APART
    data += EMPTY % (b"src/new/e", b"src/new/e") + RUN
    put(tree, "run", b"x\n")
    assert "; other changes of the patch" in refused(tree, diff(data))
    (tree / "run").chmod(0o755)
    assert "; other changes of the patch" in refused(tree, diff(data))
    put(tree, "src/new/e", b"")
    assert "what to do: the source has this change already" in refused(tree, diff(data))


@pytest.mark.parametrize("strip", [0, 3])
def test_a_wrong_strip_level_is_seen_in_the_name_that_was_sought(tree, strip):
    data = b"--- a/src/pkg/mod.py\n+++ b/src/pkg/mod.py\n" + APART
    said = refused(tree, diff(data, strip=strip))
    sought = "a/src/pkg/mod.py" if strip == 0 else "mod.py"
    assert f"no such file in the tree as {sought}; the change fits src/pkg" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"f\t2021-01-01 10:00:00 +0000", b"f\t2020-01-01 10:00:00 +0000"),
        (b"f", b"f.orig"),
        (b"new/f", b"tree.orig/f"),
    ],
)
def test_reversed(tree, old, new):
    data = b"--- %s\n+++ %s\n@@ -1 +1 @@\n-2\n+1\n" % (old, new)
    said = refused(tree, diff(data, strip=old.count(b"/")))
    assert "hunk 1 @@ -1 +1 @@: reversed: the diff leads back to what the tree" in said
    assert "what to do: make the diff the other way round" in said


def test_what_is_there_already_of_each_kind(tree):
    put(tree, "x", b"1\n")
    for data in (
        GIT_NEW % (b"a/f", b"b/f", b"b/f"),
        b"diff --git a/o b/x\nrename from o\nrename to x\n",
        b"diff --git a/f b/x\ncopy from f\ncopy to x\n",
        b"--- a/o\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n",
    ):
        with pytest.raises(ApplyRefused) as caught:
            plan(tree, [diff(data.replace(b"+new", b"+1"), strip=1)])
        assert [each.reason for each in caught.value.rejects] == ["already applied"]
