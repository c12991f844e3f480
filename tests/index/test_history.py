"""The line of 2009, as far as Python 3 can take it."""

import subprocess

import pytest

from poach.archives.sdist import read_member, unpack
from support import CALLER, Project

CFG = """\
[buildout]
extensions = poach
parts = zodb
download-cache = downloads

[zodb]
recipe = zc.recipe.egg
eggs = ZODB3

[versions]
ZODB3 = 3.8.1 +poll-invalidations

[patches]
poll-invalidations = {diff}#directory=src/ZODB
""".format(diff="sdist:RelStorage==1.1.2/poll-invalidation-1-zodb-3-8-0.patch")
SDIST = "c910bb4c9b73cd108462132c14387f4461ea49424e6c4bf0f2e4e3b446d17d5b"
DIFF = "b4d0d0ca803b0d1a954e903b72649c709a3086d2b37ed5df7e1daed632c12341"

pytestmark = pytest.mark.index


@pytest.fixture(scope="module")
def zodb(tmp_path_factory, environment):
    """The buildout, after its one run; that of the real index."""
    folder = tmp_path_factory.mktemp("zodb")
    (folder / "downloads").mkdir()
    project = Project(folder, environment, {**CALLER, "HOME": str(folder)})
    project.write("buildout.cfg", CFG)
    return project, project.run("-v", expect=1)


@pytest.fixture
def trees(zodb, tmp_path):
    """The upstream source twice, and the diff."""
    downloads = zodb[0].path / "downloads" / "dist"
    for name in ("ours", "theirs"):
        sdist = unpack(downloads / "ZODB3-3.8.1.tar.gz", tmp_path / f"of {name}")
        sdist.rename(tmp_path / name)
    member = "poll-invalidation-1-zodb-3-8-0.patch"
    diff = read_member(downloads / "RelStorage-1.1.2.tar.gz", member)
    (tmp_path / "diff").write_bytes(diff)
    return tmp_path


def test_it_is_fetched_verified_and_patched(zodb):
    project, result = zodb

    assert (
        "Patching ZODB3 3.8.1: poll-invalidations (2 files, 6 hunks) in src/ZODB\n"
        in result.stdout
    )
    for line in ("src/ZODB/Connection.py: 5 hunks", "src/ZODB/DB.py: 1 hunk"):
        assert f"  {line}\n" in result.stdout
    hunks = [line for line in result.stdout.splitlines() if ": hunk " in line]
    files = [line.split(":")[0].strip() for line in hunks]
    assert files == 5 * ["src/ZODB/Connection.py"] + ["src/ZODB/DB.py"]
    (seen,) = project.path.glob("patched-eggs/2/.known/sdists/*.json")
    assert SDIST in seen.read_text()
    assert (project.path / "patched-eggs/2/.diffs" / DIFF).is_file()


def test_the_build_fails_and_the_error_says_how(zodb):
    """It is Python 2: another interpreter is needed."""
    project, result = zodb

    assert result.error.startswith(
        "Building ZODB3 3.8.1 +poll-invalidations failed: exit code "
    )
    assert "SyntaxError: Missing parentheses in call to 'print'" in result.error
    (log,) = project.path.glob("patched-eggs/2/.logs/zodb3-3.8.1+poll*.log")
    assert f"the full log is in {log}\n" in result.error
    assert "read the log, or run 'poach build -v ZODB3'" in result.error
    assert not list(project.path.glob("patched-eggs/2/zodb3"))
    assert not list(project.path.glob("patched-eggs/2/.staging/*"))


@pytest.mark.parametrize("found_out", [True, False])
def test_poach_apply_does_what_gnu_patch_does(zodb, trees, found_out):
    given = [] if found_out else ["--strip", "0", "--directory", "src/ZODB"]
    with (trees / "diff").open("rb") as diff:
        command = ["patch", "-s", "-p0", "-d", str(trees / "theirs" / "src" / "ZODB")]
        subprocess.run(command, stdin=diff, check=True)

    zodb[0].poach("apply", *given, str(trees / "ours"), str(trees / "diff"))

    ours = {p.relative_to(trees / "ours"): p for p in (trees / "ours").rglob("*")}
    theirs = {p.relative_to(trees / "theirs"): p for p in (trees / "theirs").rglob("*")}
    assert ours.keys() == theirs.keys()
    files = [path for path in ours if ours[path].is_file()]
    assert all(ours[p].read_bytes() == theirs[p].read_bytes() for p in files)
