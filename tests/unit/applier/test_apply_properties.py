"""Generated trees and edits, with git and GNU diff as makers and patch as oracle."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from poach.applier.diff import DiffError, Hunk, NamedDiff, parse
from poach.applier.disk.tree import ApplyRefused, plan, write
from poach.applier.hunks import Applied, Rejected, apply_hunks
from poach.errors import Faults
from support.references import HERE, git_apply, gnu_patch, listing, run

pytestmark = pytest.mark.skipif(not HERE, reason="needs git, patch and diff")

RUNS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
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
        try:
            apply(top / "old", data, strip=2)
        except ApplyRefused as error:  # lines that are there are not put there again
            assert context == "-U0"
            assert {each.reason for each in error.rejects} == {"ambiguous"}
            return
        assert listing(top / "old") == wanted


def raw_git_diff(top: Path, *options: str) -> bytes:
    done = run(["git", "diff", "--no-index", *options, "old", "new"], top)
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
        data = run(["diff", "-a", f"-U{context}", "old", "new"], top).stdout
    (file,) = parse(data)
    done = apply_hunks(old, file.hunks)
    if isinstance(done, Rejected):  # lines that are there are not put there again
        assert not context and {miss.doubt for miss in done.misses} == {"there"}
        return
    assert done.data == new


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


def outcomes_of(case, context, fuzz, change=lambda data: data):
    """Have `diff` compare and all three apply the diff, changed by `change`.

    Returns our outcome, None where we refuse, the reasons then, those of the others,
    and the diff.
    """
    base, new, tree = (b"".join(each) for each in case)
    assume(base and tree and base != new)
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        (top / "base").write_bytes(base)
        (top / "new").write_bytes(new)
        args = ["--label", "a/f", "--label", "b/f"]
        data = change(run(["diff", f"-U{context}", *args, "base", "new"], top).stdout)
        theirs = references(top, tree, data, fuzz)
        make(top / "ours", {"f": (tree, 0o644)})
        try:
            apply(top / "ours", data, strip=1, fuzz=fuzz)
        except ApplyRefused as error:
            return None, {each.reason for each in error.rejects}, theirs, data
        return (top / "ours/f").read_bytes(), set(), theirs, data


@settings(RUNS, max_examples=200)
@given(moved(), st.integers(1, 3), st.integers(0, 2))
def test_agrees_with_patch_and_git(case, context, fuzz):
    ours, refused, theirs, _ = outcomes_of(case, context, fuzz)
    made = {each for each in theirs if each is not None}
    if ours is not None:
        assert ours in made
    elif len(made) == 1:
        # The others do not look whether the new lines stand there already.
        assert refused <= {"ambiguous", "no context", "already applied"}


@settings(RUNS, max_examples=250)
@given(moved(), st.integers(0, 3), st.integers(0, 2), st.data())
def test_mangled_diffs_apply_only_as_a_reference_does(case, context, fuzz, how):
    """Wrong line numbers, context cut off, hunks out of order."""
    ours, _, theirs, data = outcomes_of(
        case, context, fuzz, lambda data: how.draw(mangled(data))
    )
    if ours is not None:
        assert ours in theirs, data


@st.composite
def mangled(draw, data: bytes) -> bytes:
    (file,) = parse(data)
    way = draw(st.sampled_from(["start", "trim", "shuffle"]))
    found = list(file.hunks)
    if way == "shuffle":
        found = draw(st.permutations(found))
    else:
        change = moved_hunk if way == "start" else trimmed_hunk
        found = [change(draw, hunk) for hunk in found]
    return b"--- a/f\n+++ b/f\n" + b"".join(map(written, found))


def moved_hunk(draw, hunk: Hunk) -> Hunk:
    by = draw(st.sampled_from([0, 1, -1, 3, -3, 7]))
    old, new = hunk.old_start + by, hunk.new_start + draw(st.sampled_from([0, by]))
    return hunk._replace(old_start=max(1, old), new_start=max(1, new))


def trimmed_hunk(draw, hunk: Hunk) -> Hunk:
    lines, start = list(hunk.lines), 0
    before, after = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    while start < before and lines[start].startswith(b" "):
        start += 1
    while after and lines[-1].startswith(b" "):
        del lines[-1]
        after -= 1
    old, new = hunk.old_start + start, hunk.new_start + start
    left = hunk._replace(lines=tuple(lines[start:]))
    old -= bool(hunk.old and not left.old)
    new -= bool(hunk.new and not left.new)
    return left._replace(old_start=old, new_start=new)


def written(hunk: Hunk) -> bytes:
    old, new = len(hunk.old), len(hunk.new)
    head = b"@@ -%d,%d +%d,%d @@\n" % (hunk.old_start, old, hunk.new_start, new)
    return head + b"".join(hunk.lines)


def references(top: Path, tree: bytes, data: bytes, fuzz: int) -> list[bytes | None]:
    found = []
    for name in ("gnu", "git"):
        folder = make(top / name, {"f": (tree, 0o644)})
        done = reference(name, folder, data, 1, fuzz)
        path = folder / "f"
        found.append((path.read_bytes() if path.exists() else b"") if done else None)
    return found


def reference(name: str, tree: Path, data: bytes, strip: int, fuzz: int) -> bool:
    if name == "git":
        return git_apply(tree, [data], strip)
    return gnu_patch(tree, [data], strip, fuzz)


sheets = st.lists(words, min_size=6, max_size=14).map(
    lambda each: b"\n".join(each) + b"\n"
)
places = st.permutations(["a", "b c", "d/e", "d/é", "f/g/h", "i"])


@RUNS
@given(
    st.lists(
        st.tuples(sheets, st.sampled_from([0o644, 0o755])), min_size=2, max_size=4
    ),
    places,
    places,
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(["-U0", "-U1", "-U3", "-U8"]),
)
def test_git_diff_with_renames_and_copies(files, before, after, edits, copy, context):
    """Files move to other places, some are edited, one is copied."""
    old = dict(zip(before, files, strict=False))
    new = dict(zip(after, files, strict=False))
    for name in sorted(new)[:edits]:
        new[name] = (b"edited\n" + new[name][0], new[name][1])
    if copy:
        new["copy"] = files[0]
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        make(top / "old", old)
        wanted = listing(make(top / "new", new))
        options = ["--binary", "-M10%", "-C10%", "--find-copies-harder"]
        data = raw_git_diff(
            top, context, *options, "--src-prefix=a/", "--dst-prefix=b/"
        )
        assume(data)
        apply(top / "old", data, strip=2)
        assert listing(top / "old") == wanted


plain_names = st.sampled_from(["a.py", "d/e.py", "f/g/h.txt"])
plain_trees = st.dictionaries(
    plain_names, st.tuples(texts(), st.just(0o644)), min_size=1, max_size=3
)


@RUNS
@given(plain_trees, plain_trees, st.integers(0, 3))
def test_gnu_diff_of_two_trees(old, new, context):
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        make(top / "old", old)
        wanted = listing(make(top / "new", new))
        data = run(["diff", "-aurN", f"-U{context}", "old", "new"], top).stdout
        assume(data)
        apply(top / "old", data, strip=1)
        empty = {name for name, (text, _) in {**old, **new}.items() if not text}
        made = listing(top / "old")
        assert {k: v for k, v in made.items() if k not in empty} == {
            k: v for k, v in wanted.items() if k not in empty
        }


@st.composite
def moved_trees(draw):
    """Two trees, and a third that is the first with other edits."""
    names = draw(st.lists(plain_names, min_size=1, max_size=3, unique=True))
    base, new, tree = {}, {}, {}
    for name in names:
        lines = draw(few)
        base[name] = lines
        new[name] = edited(draw, lines)
        tree[name] = edited(draw, edited(draw, lines)) if draw(st.booleans()) else lines
    for one in (base, new, tree):
        if len(names) > 1 and draw(st.integers(0, 4)) == 0:
            del one[draw(st.sampled_from(sorted(one)))]
    return tuple(
        {name: (b"".join(lines), 0o644) for name, lines in one.items()}
        for one in (base, new, tree)
    )


@settings(RUNS, max_examples=120)
@given(moved_trees(), st.integers(0, 3), st.integers(0, 2), st.booleans())
def test_trees_agree_with_patch_and_git(case, context, fuzz, by_git):
    base, new, tree = case
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        make(top / "old", base)
        make(top / "new", new)
        make(top / "ours", tree)
        if by_git:
            data = raw_git_diff(
                top, f"-U{context}", "--src-prefix=a/", "--dst-prefix=b/"
            )
        else:
            data = run(["diff", "-aurN", f"-U{context}", "old", "new"], top).stdout
        assume(data)
        strip = 2 if by_git else 1
        trees = []
        for name in ("gnu", "git"):
            copy = make(top / name, tree)
            if reference(name, copy, data, strip, fuzz):
                trees.append(listing(copy))
        try:
            apply(top / "ours", data, strip=strip, fuzz=fuzz)
        except ApplyRefused as error:
            # A file is gone with its folder: GNU patch deletes nothing, and succeeds.
            said = [each for each in error.rejects if "no folder" not in each.detail]
            reasons = {each.reason for each in said}
            if len(said) < len(error.rejects):  # which the last reject sums up
                reasons.discard("missing in part")
            alike = bool(trees) and all(each == trees[0] for each in trees)
            assert not alike or reasons <= ALONE, (reasons, data)
        else:
            assert listing(top / "ours") in trees, data


#: Why we refuse what a reference takes: docs/applying.rst says more.
ALONE = {"ambiguous", "exists", "already applied", "partly applied", "no context"}


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
