"""The stack of 2009 on Python 2.7, from the real index, and the diffs that it needs."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_examples import GENERATED, LEFT_OUT

import real_series
from poach.archives.sdist import unpack
from poach.cli import main
from support import CALLER

ROOT = Path(__file__).parents[2]
ZODB3 = {
    "name": "ZODB3",
    "file": "ZODB3-3.8.1.tar.gz",
    "sha256": "c910bb4c9b73cd108462132c14387f4461ea49424e6c4bf0f2e4e3b446d17d5b",
}
RELSTORAGE = {
    "name": "RelStorage",
    "file": "RelStorage-1.1.2.tar.gz",
    "sha256": "b8bbbc4df27e246f66491f3b89cec203b4370189fdacaaa04b0c88936e2d5c76",
}
PBSTATE = {
    "name": "keas.pbstate",
    "file": "keas.pbstate-0.1.1.tar.gz",
    "sha256": "f25d48da36adcf88fc523de7af2e6e1c7acc41150b01fc4e80f61cc8a473e79f",
}
EXAMPLES = ROOT / "examples"
SERIALIZERS = ROOT / "patches" / "ZODB3" / "3.8.1" / "serializers.patch"
PROTOBUF = ROOT / "patches" / "keas.pbstate" / "0.1.1" / "protobuf-2.6.patch"

pytestmark = pytest.mark.index


# The diffs


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("sdists")


@pytest.fixture
def tree(cache, tmp_path):
    """Unpack an sdist into a folder of its own."""

    def tree(sdist, name="tree"):
        return unpack(real_series.fetched(sdist, cache), tmp_path / name)

    return tree


def contents(tree):
    return {
        path.relative_to(tree): path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file()
    }


def with_poach(tree, patch, folder):
    directory = ["--directory", folder] if folder else []
    assert main(["apply", "--fuzz", "0", *directory, str(tree), str(patch)]) == 0


def with_gnu_patch(tree, patch, folder):
    strip = "0" if folder else "1"
    command = ["patch", "--fuzz=0", "--strip", strip, "--input", patch]
    subprocess.run(command, cwd=tree / folder, check=True, capture_output=True)


APPLIERS = with_poach, with_gnu_patch


def test_the_patches_of_zodb3_apply_in_both_orders_to_the_same_tree(tree):
    polling = tree(RELSTORAGE, "relstorage") / "poll-invalidation-1-zodb-3-8-0.patch"
    patches = [(polling, "src/ZODB"), (SERIALIZERS, "")]
    trees = []
    for name, order in (("ab", patches), ("ba", patches[::-1])):
        for apply in APPLIERS:
            patched = tree(ZODB3, f"{name}-{apply.__name__}")
            for patch, folder in order:
                apply(patched, patch, folder)
            trees.append(contents(patched))

    assert trees[0] == trees[1] == trees[2] == trees[3]
    plain = contents(tree(ZODB3, "plain"))
    changed = {str(path) for path in trees[0] if plain.get(path) != trees[0][path]}
    assert {"src/ZODB/DB.py", "src/ZODB/format.py"} <= changed
    assert not set(plain) - set(trees[0])


def test_the_patch_of_keas_pbstate_applies(tree):
    trees = []
    for apply in APPLIERS:
        patched = tree(PBSTATE, apply.__name__)
        apply(patched, PROTOBUF, "")
        trees.append(contents(patched))

    assert trees[0] == trees[1] != contents(tree(PBSTATE))


# The example


@pytest.fixture(scope="module")
def python2():
    """A Python 2.7, which Debian has no more, where there is a PostgreSQL, too."""
    find_python2 = runpy.run_path(str(EXAMPLES / "run.py"))["find_python2"]
    postgres = runpy.run_path(str(EXAMPLES / "zodb3" / "postgres.py"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", CALLER["HOME"])
        try:
            postgres["programs"]()
            return find_python2()
        except (SystemExit, postgres["Missing"]) as missing:
            pytest.skip(f"THE EXAMPLE zodb3 IS NOT TESTED: {missing}")


@pytest.fixture(scope="module")
def printed(python2, tmp_path_factory, pytestconfig):
    """Run the example in a copy of the checkout; return what each command printed."""
    quick = [] if pytestconfig.option.all else ["--quick"]
    folder = tmp_path_factory.mktemp("clone")
    checkout = folder / "poach"
    shutil.copytree(ROOT, checkout, ignore=LEFT_OUT)
    shutil.copytree(EXAMPLES, checkout / "examples", ignore=GENERATED)
    done = subprocess.run(
        [sys.executable, "examples/run.py", *quick, "zodb3"],
        cwd=checkout,
        env={**CALLER, "HOME": str(folder), "PYTHON2": python2},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    steps = (step.partition("\n") for step in done.stdout.split("\n$ ")[1:])
    return {command: output for command, _, output in steps}


@pytest.mark.slow
def test_the_patched_storage_is_polled_and_the_plain_one_is_not(printed):
    plain, patched = printed["bin-plain/polled --expect-plain"], printed["bin/polled"]

    assert "polls         0 and 0" in plain
    assert "other reads   'first', then 'first'" in plain
    assert re.search(r"polls         [1-9]\d* and [1-9]", patched)
    assert "other reads   'first', then 'second'" in patched
    assert re.search(
        r"/patched-eggs/\d+/zodb3/3\.8\.1\+poll\.invalidations\.serializers\.p", patched
    )
    assert re.search(r"^ZODB3 +3\.8\.1$", plain, re.MULTILINE)
    assert "/eggs/ZODB3-3.8.1-py2.7" in plain


@pytest.mark.slow
def test_the_tests_of_keas_pass(printed):
    lines = printed["bin/keas-tests downloads/dist"].splitlines()

    assert "keas.pbpersist 0.1: 114 examples, all pass" in lines
    assert any(
        line.startswith("keas.pbstate 0.1.1+protobuf.2.6.p")
        and line.endswith(": 83 examples, all pass")
        for line in lines
    )


@pytest.mark.slow
def test_records_that_are_no_pickles(printed):
    output = printed["bin/formats"]

    assert re.search("^Alice is +{protobuf}$", output, re.MULTILINE)
    assert re.search(r"^100 \+ 1 \+ 10 is +111$", output, re.MULTILINE)
    assert output.count("The serialization format 'protobuf' is not registered") == 4


@pytest.mark.slow
def test_two_clients_of_postgresql(printed):
    output = printed["bin/relstorage-postgres"]

    assert re.search("^psycopg2 +2.8.6$", output, re.MULTILINE)
    assert re.search("^read, not polled +first$", output, re.MULTILINE)
    assert re.search("^read after the poll +second$", output, re.MULTILINE)


@pytest.mark.slow
def test_the_suite_of_zodb3_ends_as_without_the_patches(printed, pytestconfig):
    """By default without the tests of ZEO that mostly wait for servers."""
    output = printed["bin/zodb-tests compare parts/plain.json parts/patched.json"]

    assert output.endswith("All other tests have the same outcomes.\n")
    plain, patched = (
        int(n) for n in re.findall(r": (\d+) tests in \d+ modules", output)
    )
    added = re.search(r"^added: ZODB.tests.testFormat: (\d+) ok$", output, re.MULTILINE)
    assert plain > (2500 if pytestconfig.option.all else 2000)
    assert patched == plain + int(added[1])
