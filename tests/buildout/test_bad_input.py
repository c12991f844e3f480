"""Bad input: a clear error, exit code 1, and nothing changed on disk."""

import hashlib
import shutil

import pytest

from support.pond import (
    BROKEN,
    CFG,
    LOUD,
    LOUD_C,
    WIDE,
    add_app,
    add_cpond,
    add_pond,
)

#: What a failing run must leave as it was; the store keeps logs and what it saw.
KEPT = (
    *("bin", "parts", "develop-eggs", "eggs"),
    *("patches", "patched-eggs/2/pond"),
)


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A folder that keeps the store of the first test for the others: it can move."""
    return tmp_path_factory.mktemp("warm") / "patched-eggs"


@pytest.fixture
def pond(index, project, warm):
    """A project whose patched buildout works, to be spoiled by the test."""
    add_pond(index, setuptools=True)
    made = project(CFG)
    made.write("patches/pond/1.0/loud.patch", LOUD)
    store = made.path / "patched-eggs"
    if warm.exists():
        shutil.copytree(warm, store)
    made.run()
    if not warm.exists():
        shutil.copytree(store, warm)
    return made


def spoil(pond, pin="1.0 +loud", more=""):
    """Give `pond` another pin, and more lines of configuration."""
    text = (pond.path / "buildout.cfg").read_text()
    pond.write("buildout.cfg", text.replace("1.0 +loud", pin) + more)


def refused(pond, *args):
    """Run the spoiled buildout; return its error without the path of the project."""
    before = pond.snapshot(*KEPT), pond.installed()
    result = pond.run(*args, expect=1)
    assert (pond.snapshot(*KEPT), pond.installed()) == before
    assert "Traceback" not in result.output
    assert not list(pond.path.glob("patched-eggs/2/.staging/*"))
    return result.error.replace(str(pond.path), "HERE")


def test_unknown_patch_name(pond):
    spoil(pond, "1.0 +lout")

    assert refused(pond) == (
        "Unknown patch 'lout' for pond 1.0 (buildout.cfg:12); "
        "looked in [patches], HERE/patches; did you mean 'loud'?"
    )


def test_a_patch_that_is_there_for_another_version(pond):
    spoil(pond, "1.1 +loud")

    assert refused(pond) == (
        "Unknown patch 'loud' for pond 1.1 (buildout.cfg:12); "
        "looked in [patches], HERE/patches; there is one for 1.0"
    )


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        ("1.0 +", "a '+' without a patch name behind it"),
        ("+x", "the version is missing"),
        (">=1.0 +x", "'>=1.0' is a range; patches are for one version"),
        ("1.0 +loud +Loud", "patch 'Loud' is named twice"),
        ("1.3.4nxd6 +x", "'1.3.4nxd6' is not a version (PEP 440)"),
        ("1.0 +loud+wide", "'loud+wide' is not a patch name"),
        (
            "1.0 +loud ; why",
            "';' does not begin a comment here; put the comment on a separate line",
        ),
    ],
)
def test_malformed_pin(pond, pin, reason):
    spoil(pond, pin)

    error = refused(pond)

    assert error.startswith(f"Malformed pin 'pond = {pin}' (buildout.cfg:12): {reason}")
    assert error.endswith("; a patched pin is 'pond = VERSION +PATCH ...'")


def test_all_faults_of_all_pins_at_once(pond):
    spoil(pond, "1.0 +lout +wiide", "other = >=2 +x\nthird = 3 +y\n")

    lines = refused(pond).splitlines()

    assert [line.partition(" (")[0] for line in lines] == [
        "Malformed pin 'other = >=2 +x'",
        "Unknown patch 'lout' for pond 1.0",
        "Unknown patch 'wiide' for pond 1.0",
        "Unknown patch 'y' for third 3",
    ]


def test_all_faults_of_all_options_at_once(pond):
    spoil(pond, more="\n[patches]\nx = ftp://h/x\ny = a.patch#strop=1\n-z = b.patch\n")

    assert refused(pond, "buildout:patch-fuzz=3").splitlines() == [
        "[patches] x (buildout.cfg:15): Bad location 'ftp://h/x': scheme 'ftp' is not "
        "known; a diff is a path, a file: or http(s): URL, or sdist:NAME==VERSION/PATH",
        "[patches] y (buildout.cfg:16): Bad location 'a.patch#strop=1': option 'strop' "
        "is not known; did you mean 'strip'? (sha256, strip, directory, fuzz, effect, "
        "exclude, eol)",
        "[patches] -z (buildout.cfg:17): an entry is NAME or PROJECT/NAME",
        "[buildout] patch-fuzz (buildout:patch-fuzz on the command line): '3' is none "
        "of 0, 1, 2",
    ]


def test_the_diff_is_missing(pond):
    spoil(pond, more="\n[patches]\nloud = elsewhere/loud.patch\n")

    assert refused(pond) == (
        "Patch 'loud' of pond 1.0 (buildout.cfg:12, defined in "
        "buildout.cfg:15): cannot read the diff "
        "HERE/elsewhere/loud.patch: No such file or directory"
    )


def test_a_url_without_sha256_prints_the_location_to_paste(pond, index):
    url = index.put("diffs/loud.patch", LOUD)
    spoil(pond, more=f"\n[patches]\nloud = {url}#strip=1\n")
    pinned = f"{url}#sha256={hashlib.sha256(LOUD.encode()).hexdigest()}&strip=1"

    error = refused(pond)

    assert error == (
        "Patch 'loud' of pond 1.0 (buildout.cfg:12, defined in "
        "buildout.cfg:15): a diff from a URL needs its "
        f"sha256; if you trust what {url} has now, pin it with this location:\n"
        f"    {pinned}"
    )
    text = (pond.path / "buildout.cfg").read_text()
    pond.write("buildout.cfg", text.replace(f"{url}#strip=1", pinned))
    pond.run()
    assert pond.script("pond").stdout.startswith("QUACK")


def test_a_url_with_a_wrong_sha256(pond, index):
    url = index.put("diffs/loud.patch", LOUD)
    wrong, right = "0" * 64, hashlib.sha256(LOUD.encode()).hexdigest()
    spoil(pond, more=f"\n[patches]\nloud = {url}#sha256={wrong}\n")

    assert refused(pond) == (
        "Patch 'loud' of pond 1.0 (buildout.cfg:12, defined in "
        "buildout.cfg:15): wrong sha256 for "
        f"{url}:\n    expected {wrong} (pinned)\n    found    {right}\n"
        f"look at what has changed; if that is right, pin it: sha256={right}"
    )


def test_a_diff_that_does_not_apply(pond):
    """All rejects of all diffs at once."""
    spoil(pond, "1.0 +loud +wide")
    pond.write("patches/pond/1.0/loud.patch", BROKEN)
    pond.write("patches/pond/wide.patch", WIDE.replace("return 1", "return 7"))

    assert refused(pond) == (
        "Cannot patch pond 1.0:\n"
        "Patch 'loud' (buildout.cfg:12) does not apply:\n"
        "  src/pond/__init__.py: hunk 1 @@ -4,7 +4,7 @@: not found; nearest is line 4, "
        "where these lines differ (- patch, + tree):\n"
        '    -    return "moo"\n'
        '    +    return "quack"\n'
        "  what to do: make the diff again for this release\n"
        "Patch 'wide' (buildout.cfg:12) does not apply:\n"
        "  src/pond/__init__.py: hunk 1 @@ -6,5 +6,5 @@: not found; nearest is line 8, "
        "where these lines differ (- patch, + tree):\n"
        "    -    return 7\n"
        "    +    return 1\n"
        "  what to do: make the diff again for this release"
    )


def test_all_rejects_of_all_pins_at_once_on_the_first_run(index, project):
    add_pond(index)
    add_pond(index, "lake")
    made = project(CFG.replace("eggs = pond", "eggs =\n        pond\n        lake"))
    spoil(made, more="lake = 1.0 +loud\n")
    made.write("patches/pond/1.0/loud.patch", BROKEN)
    made.write("patches/lake/1.0/loud.patch", BROKEN)

    lines = made.run(expect=1).error.splitlines()

    assert [line for line in lines if line.startswith("Cannot patch")] == [
        "Cannot patch pond 1.0:",
        "Cannot patch lake 1.0:",
    ]
    assert not (made.path / "bin" / "pond").exists()


def test_a_diff_that_comes_twice(pond):
    spoil(pond, "1.0 +loud +again")
    pond.write("patches/pond/again.patch", LOUD)

    assert refused(pond) == (
        "Cannot patch pond 1.0:\n"
        "Patch 'again' (buildout.cfg:12) does not apply:\n"
        "  src/pond/__init__.py: an earlier diff of the same input has made this "
        "change, or a part of it\n"
        "  what to do: take the change out where it comes a second time; the source "
        "does not have it"
    )


def test_a_diff_that_would_write_outside_the_tree(pond):
    spoil(pond, "1.0 +out")
    pond.write(
        "patches/pond/out.patch",
        "--- /dev/null\n+++ b/../../../out.py\n@@ -0,0 +1 @@\n+evil = True\n",
    )

    assert refused(pond) == (
        "Cannot patch pond 1.0:\n"
        "Patch 'out' (buildout.cfg:12) does not apply:\n"
        "  ../../../out.py: leads out of the tree\n"
        "  what to do: do not trust this diff; make it again with plain paths inside "
        "the tree"
    )


def test_no_diff_at_all(pond):
    spoil(pond, "1.0 +empty")
    pond.write("patches/pond/empty.patch", "")

    assert "Patch 'empty' (buildout.cfg:12) does not apply:" in refused(pond)


def test_no_sdist_of_that_version(pond, index):
    spoil(pond, "1.1 +loud")
    pond.write("patches/pond/loud.patch", LOUD)

    assert refused(pond) == (
        f"No sdist of pond 1.1 in {index.url}; there are sdists of 1.0, and patches "
        "need the source"
    )


BANG = (
    "--- a/setup.py\n+++ b/setup.py\n@@ -1,3 +1,4 @@\n"
    " from setuptools import setup\n+raise SystemExit('bang, says setup.py')\n"
    " \n setup(\n"
)


def test_a_build_that_fails(pond):
    spoil(pond, "1.0 +bang +loud")
    pond.write("patches/pond/bang.patch", BANG)

    error = refused(pond)

    (log,) = pond.path.glob("patched-eggs/2/.logs/*.log")
    here = str(log).replace(str(pond.path), "HERE")
    assert error.startswith("Building pond 1.0 +bang +loud failed: exit code ")
    assert "bang, says setup.py" in error
    assert (
        f"the full log is in {here}\n"
        "these patches are in the tree:\n"
        "    +bang (buildout.cfg:12): setup.py\n"
        "    +loud (buildout.cfg:12): src/pond/__init__.py\n"
        "read the log, or run 'poach build -v pond'; if the pin builds without its "
        "patches, fix the patch"
    ) in error
    assert "bang, says setup.py" in log.read_text()


def test_a_build_that_fails_names_the_patch_of_the_file(index, project):
    add_cpond(index)
    made = project(CFG.replace("= pond", "= cpond").replace("pond =", "cpond ="))
    text = (made.path / "buildout.cfg").read_text()
    made.write("buildout.cfg", text.replace("1.0 +loud", "1.0 +other +loud"))
    made.write("patches/cpond/loud.patch", LOUD_C.replace("VOLUME 11", "VOLUME )("))
    made.write(
        "patches/cpond/other.patch",
        "--- a/cquack.py\n+++ b/cquack.py\n@@ -1,3 +1,4 @@\n import cpond\n+\n \n \n",
    )

    _, log = made.run(expect=1).error.split("the full log is in ")
    assert log.partition("; with 'patch-build-with")[0].split("\n")[1:] == [
        "these patches are in the tree:",
        "    +other (buildout.cfg:12): cquack.py",
        "    +loud (buildout.cfg:12): cpond.c, which the log names",
        "read the log, or run 'poach build -v cpond'; if the pin builds without +loud, "
        "fix the patch",
    ]


def test_a_patch_that_changes_the_version(pond):
    spoil(pond, "1.0 +next")
    pond.write(
        "patches/pond/next.patch",
        "--- a/setup.py\n+++ b/setup.py\n@@ -3,4 +3,4 @@\n setup(\n"
        "     name='pond',\n-    version='1.0',\n+    version='1.1',\n"
        "     py_modules=[],\n",
    )

    assert refused(pond) == (
        "The patched tree of pond 1.0 builds pond 1.1, not the name and version of "
        "the pin; look at upstream's build files and at the patches"
    )


@pytest.mark.every_buildout
def test_a_dependent_that_compares_the_text_of_the_version(index, project):
    add_pond(index)
    add_app(index, "app", "pond ===1.0")
    made = project(CFG.replace("eggs = pond", "eggs = app"))
    made.write("patches/pond/1.0/loud.patch", LOUD)

    result = made.run(expect=1)

    version = result.error.partition(" is another text")[0].rpartition(" ")[2]
    assert version.startswith("1.0+loud.p")
    assert result.error == (
        "app requires pond===1.0, which compares the text of the version (PEP 440), "
        f"and {version} is another text; relax it to ==1.0, or drop the patches from "
        "'pond = 1.0 +loud'"
    )
    assert not list(made.path.glob("patched-eggs/2/pond"))


def test_what_runs_buildout_cannot_be_patched(pond):
    spoil(pond, more="\n[versions]\nidna = 3.4 +x\n")

    assert "idna" in refused(pond)


def test_an_entry_that_no_pin_uses_is_named_in_one_warning(pond):
    spoil(pond, more="\n[patches]\npond/old = old.patch\nolder = older.patch\n")

    result = pond.run()

    assert result.stdout.count("no pin uses") == 1
    assert (
        "[patches]: no pin uses pond/old (buildout.cfg:15), older (buildout.cfg:16)\n"
    ) in result.output
