"""Generated trees and edits, with git and GNU diff as makers and patch as oracle."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from poach.adapters.tree import ApplyRefused, plan, write
from poach.diff import DiffError, Hunk, NamedDiff, parse
from poach.errors import Faults
from poach.hunks import Applied, apply_hunks

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("git", "patch", "diff"))),
    reason="needs git, patch and diff",
)

RUNS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
ENV = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CEILING_DIRECTORIES": tempfile.gettempdir(),
}

PLAIN = [b"", b"a", b"b", b"c", b" lead", b"\ttab", b"-- "]
HEADS = [b"--- a", b"+++ b", b"@@ -1 +1 @@", b"\\ No", b"Index: x", b"rename from x"]
ENDS = [b"\x0c", b"x\r", b"x\x85y\xe2\x80\xa8z", b"\x0b\x1c", b"\xff\xfe"]
words = st.sampled_from([*PLAIN, *HEADS, *ENDS, b"diff --git a/x b/x"])
lines = st.lists(words, max_size=12)


@st.composite
def texts(draw):
    body = b"\n".join(draw(lines))
    return body + draw(st.sampled_from([b"\n", b""]))


names = st.sampled_from(
    ["a.py", "b c.txt", "d/e.py", "d/é.py", 'd/q"t.py', "f/g/h.txt", "tab\tname"]
)
trees = st.dictionaries(
    names, st.tuples(texts(), st.sampled_from([0o644, 0o755])), max_size=4
)
binaries = st.binary(max_size=300)


def make(folder: Path, files) -> Path:
    folder.mkdir()
    for name, (data, mode) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
    return folder


def listing(folder: Path):
    return {
        path.relative_to(folder).as_posix(): (
            path.read_bytes(),
            bool(path.stat().st_mode & 0o100),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run(*args, cwd: Path, data: bytes = b"") -> subprocess.CompletedProcess:
    return subprocess.run(args, cwd=cwd, input=data, capture_output=True, env=ENV)


def apply(tree: Path, data: bytes, **options) -> None:
    write(plan(tree, [NamedDiff("x", "", data, **options)]))


@RUNS
@given(trees, trees, st.sampled_from(["-U0", "-U1", "-U3"]))
def test_git_diff_of_two_trees(old, new, context):
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        make(top / "old", old)
        wanted = listing(make(top / "new", new))
        options = ["--binary", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/"]
        data = raw_git_diff(top, context, *options)
        assume(data)
        apply(top / "old", data, strip=2)
        assert listing(top / "old") == wanted


def raw_git_diff(top: Path, *options: str) -> bytes:
    done = run("git", "diff", "--no-index", *options, "old", "new", cwd=top)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@RUNS
@given(binaries, binaries)
def test_git_binary_diff(old, new):
    old, new = b"\0" + old, b"\0" + new
    assume(old != new)
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        make(top / "old", {"x": (old, 0o644)})
        make(top / "new", {"x": (new, 0o644)})
        data = raw_git_diff(top, "--binary", "--full-index")
        apply(top / "old", data, strip=2)
        assert (top / "old/x").read_bytes() == new


@RUNS
@given(texts(), texts(), st.integers(0, 4))
def test_gnu_diff_of_two_texts(old, new, context):
    assume(old != new)
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        (top / "old").write_bytes(old)
        (top / "new").write_bytes(new)
        data = run("diff", "-a", f"-U{context}", "old", "new", cwd=top).stdout
    (file,) = parse(data)
    done = apply_hunks(old, file.hunks)
    assert isinstance(done, Applied) and done.data == new


few = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n", b"e\n"]), max_size=24)


@st.composite
def moved(draw):
    """A base, an edit of it, and a tree that is the base edited elsewhere."""
    base = draw(few)
    new = edited(draw, edited(draw, base))
    return base, new, edited(draw, edited(draw, base))


def edited(draw, base):
    at = draw(st.integers(0, len(base)))
    end = min(len(base), at + draw(st.integers(0, 2)))
    inserted = draw(st.lists(st.sampled_from([b"a\n", b"b\n", b"x\n"]), max_size=3))
    return base[:at] + inserted + base[end:]


@settings(RUNS, max_examples=200)
@given(moved(), st.integers(1, 3), st.integers(0, 2))
def test_agrees_with_patch_and_git(case, context, fuzz):
    base, new, tree = (b"".join(each) for each in case)
    assume(base and tree and base != new)
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        (top / "base").write_bytes(base)
        (top / "new").write_bytes(new)
        args = ["--label", "a/f", "--label", "b/f"]
        data = run("diff", f"-U{context}", *args, "base", "new", cwd=top).stdout
        outcomes = references(top, tree, data, fuzz)
        make(top / "ours", {"f": (tree, 0o644)})
        try:
            apply(top / "ours", data, strip=1, fuzz=fuzz)
        except ApplyRefused as error:
            ours = None
            refused = {each.reason for each in error.refusals}
        else:
            ours = (top / "ours/f").read_bytes()
            refused = set()
    made = {each for each in outcomes if each is not None}
    if ours is not None:
        assert ours in made
    elif len(made) == 1:
        assert refused == {"ambiguous"}


def references(top: Path, tree: bytes, data: bytes, fuzz: int) -> list[bytes | None]:
    found = []
    quiet = ["--no-backup-if-mismatch", "-r", "-"]
    for name, args in (
        ("gnu", ["patch", "-f", "-p1", f"-F{fuzz}", *quiet]),
        ("git", ["git", "apply", "-p1", "--whitespace=nowarn", "-"]),
    ):
        folder = make(top / name, {"f": (tree, 0o644)})
        done = run(*args, cwd=folder, data=data)
        path = folder / "f"
        result = path.read_bytes() if path.exists() else b""
        found.append(None if done.returncode else result)
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(words, st.binary(max_size=8)), max_size=20))
def test_any_bytes_are_parsed_or_refused(pieces):
    head = b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n"
    with silence():
        parse(b"\n".join(pieces) if len(pieces) % 2 else head + b"\n".join(pieces))


class silence:
    """Let the documented errors pass."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return isinstance(error, DiffError | Faults)


@given(few, few)
def test_hunks_are_values(old, new):
    marked = [b"-" + line for line in old] + [b"+" + line for line in new]
    assume(marked)
    hunk = Hunk("@@", 1 if old else 0, 1, tuple(marked))
    done = apply_hunks(b"".join(old), [hunk])
    assert isinstance(done, Applied) and done.data == b"".join(new)
