"""Which patches need which, which commute, and which are in each other's way."""

import json
import subprocess
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poach.applier.diff import NamedDiff
from poach.applier.disk import tree as trees
from poach.applier.disk.relations import conflicts, relate
from poach.applier.disk.trials import Trials
from support.pond import LOUD, WIDE, add_pond

LINES = [f"line {number}" for number in range(1, 31)]


def diff(name, before, after, owner="cfg:1", path="f.txt"):
    """Return a diff as `diff -u` makes it between two lists of lines."""
    old, new = ("".join(line + "\n" for line in lines) for lines in (before, after))
    data = subprocess.run(
        ["git", "diff", "--no-index", "--no-prefix", "-U3", "old", "new"],
        capture_output=True,
        cwd=_written(old, new),
    ).stdout
    data = data.replace(b" old\n", f" {path}\n".encode())
    data = data.replace(b" new\n", f" {path}\n".encode())
    data = data[data.index(b"---") :]
    return NamedDiff(name, owner, data, 0, "", 0)


def _written(old, new):
    import tempfile
    from pathlib import Path

    folder = Path(tempfile.mkdtemp())
    (folder / "old").write_text(old)
    (folder / "new").write_text(new)
    return folder


def edited(lines, *changes):
    """Return `lines` with the numbered ones (the first is 1) replaced."""
    changed = list(lines)
    for number, text in changes:
        changed[number - 1] = text
    return changed


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "f.txt").write_text("".join(line + "\n" for line in LINES))
    (tmp_path / "g.txt").write_text("one\ntwo\n")
    return tmp_path


TOP = diff("top", LINES, edited(LINES, (3, "TOP")))
END = diff("end", LINES, edited(LINES, (25, "END")))
TOP_AGAIN = diff(
    "again", edited(LINES, (3, "TOP")), edited(LINES, (3, "TIP")), "relstorage 1.0"
)
NEAR = diff("near", LINES, edited(LINES, (5, "NEAR")), "keas 2.0")
THIRD = diff("third", edited(LINES, (3, "TIP")), edited(LINES, (3, "TEN")))
OTHER = diff("other", ["one", "two"], ["one", "TWO"], path="g.txt")


def test_patches_of_distant_lines_commute(tree):
    found = relate(tree, [TOP, END, OTHER])

    assert found.needs == found.order == ()
    assert found.commuting == ((1, 0), (2, 0), (2, 1))


def test_a_patch_that_needs_another(tree):
    found = relate(tree, [END, TOP, TOP_AGAIN, THIRD])

    assert found.names == ("end", "top", "again", "third")
    assert found.needs == ((2, 1), (3, 2))
    assert found.order == ()
    assert found.commuting == ((1, 0), (2, 0), (3, 0))


def test_an_order_that_matters(tree):
    """The first renames a line of the second's context, which has fuzz for it."""
    fuzzy = NamedDiff(NEAR.name, NEAR.owner, NEAR.data, 0, "", 2)

    found = relate(tree, [TOP, fuzzy])

    assert found.needs == ()
    assert found.order == ((1, 0),)
    assert found.commuting == ()


def test_relating_changes_nothing(tree):
    before = {path.name: path.read_bytes() for path in tree.iterdir()}

    relate(tree, [TOP, TOP_AGAIN])
    conflicts(tree, [TOP, NEAR])

    assert {path.name: path.read_bytes() for path in tree.iterdir()} == before


def test_a_conflict_names_both_and_shows_both_texts(tree):
    (found,) = conflicts(tree, [END, TOP, NEAR, OTHER])

    assert str(found).splitlines() == [
        "'near' (keas 2.0) and 'top' (cfg:1) both change f.txt; make one of them again "
        "on top of the other (- top, + near):",
        "  @@ -2,5 +2,5 @@",
        "   line 2",
        "  -TOP",
        "  +line 3",
        "   line 4",
        "  -line 5",
        "  +NEAR",
        "   line 6",
    ]


def test_an_order_that_would_do(tree):
    """The edge of the first's context may be off, that of the second's may not."""
    loose = NamedDiff("loose", "me", NEAR.data, 0, "", 1)
    strict = diff("strict", LINES, edited(LINES, (8, "STRICT")), "you")

    (found,) = conflicts(tree, [loose, strict])

    assert found.turned
    assert str(found).splitlines()[0] == (
        "'strict' (you) and 'loose' (me) both change f.txt; they apply in the other "
        "order: name 'strict' first (- loose, + strict):"
    )
    assert relate(tree, [strict, loose]).order == ((1, 0),)


def trees_apply(tree, diffs):
    try:
        trees.plan(tree, diffs)
    except trees.ApplyRefused:
        return False
    return True


def test_what_is_no_conflict_is_not_called_one(tree):
    lost = diff("lost", ["nowhere"] * 9, ["nowhere"] * 4 + ["x"] + ["nowhere"] * 4)

    assert conflicts(tree, [TOP, lost]) == []


@settings(deadline=None)  # how long it takes depends on what else runs
@given(st.lists(st.integers(2, 29), min_size=1, max_size=5, unique=True))
def test_commuting_patches_give_one_tree_in_both_orders(tmp_path_factory, numbers):
    tree = tmp_path_factory.mktemp("tree")
    (tree / "f.txt").write_text("".join(line + "\n" for line in LINES))
    diffs = [diff(f"p{n}", LINES, edited(LINES, (n, f"new {n}"))) for n in numbers]
    if not trees_apply(tree, diffs):
        pairs = combinations(sorted(numbers), 2)
        assert any(b - a <= 3 for a, b in pairs)
        assert conflicts(tree, diffs)
        return
    found = relate(tree, diffs)
    assert found.needs == found.order == ()
    assert len(found.commuting) == len(numbers) * (len(numbers) - 1) // 2
    turned = trees.plan(tree, diffs[::-1]).changes
    assert turned == trees.plan(tree, diffs).changes


def needed_by_trial(tree, diffs, place):
    """Return what a diff needs, found out by leaving out each of the others."""
    kept = list(range(place))
    for one in reversed(range(place)):
        without = [each for each in kept if each != one]
        if trees_apply(tree, [diffs[each] for each in [*without, place]]):
            kept = without
    return kept


def related_by_trial(tree, diffs):
    """Return the order and the commuting pairs by trying every pair."""
    needed = [needed_by_trial(tree, diffs, place) for place in range(len(diffs))]
    order, commuting = [], []
    for later, earlier in ((b, a) for b in range(len(diffs)) for a in range(b)):
        if earlier in needed[later]:
            continue
        base = sorted({*needed[earlier], *needed[later]} - {earlier})
        orders = [[*base, earlier, later], [*base, later, earlier]]
        some = [[diffs[each] for each in one] for one in orders]
        same = all(trees_apply(tree, one) for one in some) and (
            trees.plan(tree, some[0]).changes == trees.plan(tree, some[1]).changes
        )
        (commuting if same else order).append((later, earlier))
    return tuple(order), tuple(commuting)


EDITS = st.tuples(st.sampled_from("fgh"), st.integers(2, 29), st.booleans())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(EDITS, min_size=1, max_size=2), min_size=2, max_size=6))
def test_what_is_not_tried_would_have_told_the_same(tmp_path_factory, patches):
    """Each diff edits one or two of three files, or makes a new one."""
    tree = tmp_path_factory.mktemp("tree")
    now = {f"{name}/{name}.txt": LINES for name in "fgh"}
    for path in now:
        (tree / path).parent.mkdir()
        (tree / path).write_text("".join(line + "\n" for line in LINES))
    diffs = []
    for number, edits in enumerate(patches):
        data = b""
        for file, line, new in dict.fromkeys(edits):
            path = f"{file}/{file}.txt"
            after = edited(now[path], (line, f"new {number}"))
            if new:
                made = f"--- /dev/null\n+++ new{number}/{file}{line}.txt\n"
                data += f"{made}@@ -0,0 +1 @@\n+{number}\n".encode()
            elif path.encode() not in data and after != now[path]:
                data += diff("", now[path], after, path=path).data
                now[path] = after
        if data:
            diffs.append(NamedDiff(f"p{number}", "cfg", data, 0, "", 0))
    assert trees_apply(tree, diffs)

    found = relate(tree, diffs)

    order, commuting = related_by_trial(tree, diffs)
    assert found.order == order
    needs = {
        (later, one)
        for later in range(len(diffs))
        for one in needed_by_trial(tree, diffs, later)
    }
    assert set(found.needs) <= needs
    assert {*found.commuting} == {*commuting} - needs - {*order}


def test_a_folder_that_another_patch_makes_is_near(tree):
    """Without it nothing tells at which level the second one's file is new."""
    first = b"--- /dev/null\n+++ lib/one.py\n@@ -0,0 +1 @@\n+1\n"
    second = b"--- /dev/null\n+++ lib/two.py\n@@ -0,0 +1 @@\n+2\n"
    (one, two) = (
        NamedDiff("one", "me", first, 0, "", 0),
        NamedDiff("two", "me", second, None, None, 0),
    )

    assert relate(tree, [one, two]).needs == ((1, 0),)


def test_only_diffs_with_a_common_file_are_tried(tree, monkeypatch):
    tried = []
    outcome = Trials._outcome
    monkeypatch.setattr(
        Trials, "_outcome", lambda *args: tried.append(args[1]) or outcome(*args)
    )
    told = []

    relate(tree, [TOP, OTHER, END], lambda: told.append(len(told)))

    assert [sorted(places) for places in tried] == [[2], [0, 2], [0, 2]]
    assert told == [0, 1, 2]


# -- poach graph and poach build


CFG = """
    [buildout]
    index = %(index)s
    parts =

    [versions]
    pond = 1.0 +loud +wide +louder
    """

LOUDER = LOUD.replace('-    return "quack"', '-    return "QUACK"').replace(
    '+    return "QUACK"', '+    return "QUACK!"'
)
OTHERWISE = LOUD.replace("QUACK", "moo")


@pytest.fixture
def pond(index, project):
    add_pond(index)
    made = project(CFG)
    made.write("patches/pond/loud.patch", LOUD)
    made.write("patches/pond/wide.patch", WIDE)
    made.write("patches/pond/louder.patch", LOUDER)
    made.write("patches/pond/otherwise.patch", OTHERWISE)
    return made


def test_the_graph(pond):
    assert pond.poach("graph").stdout.splitlines() == [
        "pond 1.0 +loud +wide +louder",
        "  +loud (buildout.cfg:7)",
        "  +wide (buildout.cfg:7)",
        "    commutes with +loud",
        "  +louder (buildout.cfg:7)",
        "    needs +loud",
        "    commutes with +wide",
    ]
    assert not list(pond.path.glob("patched-eggs/2/pond"))
    assert not list(pond.path.glob("patched-eggs/2/.staging/*"))


def test_the_graph_for_programs(pond):
    (found,) = json.loads(pond.poach("graph", "--json", "pond").stdout)

    assert found == {
        "project": "pond",
        "base": "1.0",
        "patches": [
            {"name": name, "owner": "buildout.cfg:7"}
            for name in ("loud", "wide", "louder")
        ],
        "needs": [["louder", "loud"]],
        "after": [],
        "commute": [["wide", "loud"], ["louder", "wide"]],
    }


def test_the_graph_for_graphviz(pond):
    assert pond.poach("graph", "--dot").stdout.splitlines() == [
        "digraph patches {",
        '  "pond 1.0 +loud";',
        '  "pond 1.0 +wide";',
        '  "pond 1.0 +louder";',
        '  "pond 1.0 +louder" -> "pond 1.0 +loud" [style=solid];',
        "}",
    ]


@pytest.mark.parametrize("command", ["graph", "build"])
def test_a_conflict_is_explained(pond, command):
    pin = "versions:pond=1.0 +wide +loud +otherwise"

    error = pond.poach(command, pin, expect=1).error

    assert "Patch 'otherwise'" in error
    assert error.endswith(
        "'otherwise' (versions:pond on the command line) and 'loud' (versions:pond on "
        "the command line) both change src/pond/__init__.py; make one of them again "
        "on top of the other (- loud, + otherwise):\n"
        "  @@ -6,3 +6,3 @@\n"
        "   def sound():\n"
        '  -    return "QUACK"\n'
        '  +    return "moo"'
    )


def test_a_wrong_order_is_explained(pond):
    error = pond.poach("graph", "versions:pond=1.0 +louder +loud", expect=1).error

    assert error.endswith(
        "'louder' (versions:pond on the command line) applies after the others: name "
        "it last"
    )


def test_a_diff_that_needs_one_and_is_in_the_way_of_two(tmp_path):
    (tmp_path / "f.txt").write_text("".join(line + "\n" for line in LINES))
    on_a = edited(LINES, (5, "a"))
    diffs = [
        diff("a", LINES, on_a),
        diff("b", LINES, edited(LINES, (15, "b"))),
        diff("c", LINES, edited(LINES, (25, "c"))),
        diff("d", on_a, edited(on_a, (5, "A"), (15, "d"), (25, "d"))),
    ]

    found = [(one.first[0], one.second[0]) for one in conflicts(tmp_path, diffs)]

    assert found == [("b", "d"), ("c", "d")]
