"""Configurations: layers, owners, where diffs are, and the commands that read them."""

import hashlib
import json
import shutil
from importlib.metadata import version

import pytest

from support.pond import (
    BROKEN,
    CFG,
    LOUD,
    TAGGED,
    WIDE,
    add_plain_pond,
    add_plugin,
    add_pond,
)


@pytest.fixture
def pond(project):
    """A project that only lacks the places of its diffs."""
    made = project(CFG)
    made.write("patches/pond/1.0/loud.patch", LOUD)
    return made


@pytest.fixture
def built(pond, index, warm):
    """The same with its egg built already."""
    add_pond(index)
    shutil.copytree(warm, pond.path / "patched-eggs")
    return pond


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def patches(project, *args):
    """What each patch of the one pin is, as (name, owner, location from here)."""
    result = project.poach("list", "--json", *args)
    (pin,) = json.loads(result.stdout)
    here = f"{project.path}/"
    return [
        (patch["name"], patch["owner"], patch["location"].removeprefix(here))
        for patch in pin["patches"]
    ]


# --- layers


def test_three_layers_in_three_folders(pond):
    """Relative paths count from the file that says them, and so do the owners."""
    pond.write(
        "base/base.cfg",
        """
        [versions]
        pond =
            1.0
            +loud
        [patches]
        loud = diffs/loud.patch
        """,
    )
    pond.write(
        "site/site.cfg",
        """
        [buildout]
        extends = ../base/base.cfg
        [patches]
        wide = wide.patch
        [versions]
        pond += +wide
        """,
    )
    pond.write("base/diffs/loud.patch", LOUD)
    pond.write("site/wide.patch", WIDE)
    pond.write("buildout.cfg", "[buildout]\nextends = site/site.cfg\n")

    assert patches(pond) == [
        ("loud", "base/base.cfg:5", "base/diffs/loud.patch"),
        ("wide", "site/site.cfg:7", "site/wide.patch"),
    ]

    pond.write(
        "less.cfg", "[buildout]\nextends = site/site.cfg\n[versions]\npond -= +loud\n"
    )

    assert patches(pond, "-c", "less.cfg") == [
        ("wide", "site/site.cfg:7", "site/wide.patch"),
    ]
    assert (
        "[patches]: no pin uses loud (base/base.cfg:7)"
        in pond.poach("list", "-c", "less.cfg").stderr
    )


def test_a_patch_of_several_diffs_from_several_layers(pond):
    pond.write("base/base.cfg", "[patches]\nloud = one.patch\n")
    pond.write("base/one.patch", LOUD)
    pond.write("two.patch", WIDE)
    pond.write(
        "more.cfg",
        """
        [buildout]
        extends = buildout.cfg base/base.cfg
        [patches]
        loud += two.patch
        """,
    )

    assert patches(pond, "-c", "more.cfg") == [
        ("loud", "buildout.cfg:12", "base/one.patch"),
        ("loud", "buildout.cfg:12", "two.patch"),
    ]

    pond.write(
        "less.cfg",
        "[buildout]\nextends = more.cfg\n[patches]\nloud -= one.patch\n",
    )

    assert patches(pond, "-c", "less.cfg") == [("loud", "buildout.cfg:12", "two.patch")]


def test_the_same_path_in_two_layers_is_two_files(pond):
    pond.write("base/base.cfg", "[patches]\nloud = one.patch\n")
    pond.write("base/one.patch", LOUD)
    pond.write("one.patch", WIDE)
    pond.write(
        "more.cfg",
        """
        [buildout]
        extends = buildout.cfg base/base.cfg
        [patches]
        loud += one.patch
        """,
    )

    assert patches(pond, "-c", "more.cfg") == [
        ("loud", "buildout.cfg:12", "base/one.patch"),
        ("loud", "buildout.cfg:12", "one.patch"),
    ]


def test_a_pin_that_a_layer_overrides_leaves_its_patches_unused(pond):
    pond.write(
        "more.cfg",
        """
        [buildout]
        extends = buildout.cfg
        [patches]
        loud = patches/pond/1.0/loud.patch
        [versions]
        pond = 1.1
        """,
    )
    unused = "[patches]: no pin uses loud (more.cfg:5)"

    assert unused in pond.poach("list", "-c", "more.cfg").stderr
    dropped = "[versions] (buildout.cfg:12): 'pond = 1.1' (more.cfg:7) drops +loud"
    assert dropped in pond.poach("list", "-c", "more.cfg").stderr
    refused = pond.poach(
        "list", "-c", "more.cfg", "buildout:patch-unused=error", expect=1
    )
    assert refused.error == f"{unused}\n{dropped}"
    ignored = pond.poach("list", "-c", "more.cfg", "buildout:patch-unused=ignore")
    assert ignored.output == "No patched pins in more.cfg\n"


def test_names_of_a_section_that_is_no_part_do_not_count(pond):
    """A section that nothing builds does not hide that its patch is unused."""
    more = "[idle]\nrecipe = poach:egg\negg = pond\npatches = old\n"
    pond.write(
        "more.cfg",
        f"[buildout]\nextends = buildout.cfg\n[patches]\nold = old.patch\n{more}",
    )
    unused = "[patches]: no pin uses old (more.cfg:4)"

    assert unused in pond.poach("list", "-c", "more.cfg").stderr


def test_macros(pond):
    pond.write("lib/lib.cfg", "[lib]\nloud = loud.patch\n[pins]\npond = 1.0 +loud\n")
    pond.write("lib/loud.patch", LOUD)
    pond.write(
        "macro.cfg",
        """
        [buildout]
        extends = lib/lib.cfg
        [patches]
        <= lib
        [versions]
        <= pins
        """,
    )

    ((name, _, location),) = patches(pond, "-c", "macro.cfg")

    assert (name, location) == ("loud", "lib/loud.patch")


def test_conditional_sections(pond):
    pond.write(
        "more.cfg",
        """
        [buildout]
        extends = buildout.cfg
        [patches:python3]
        loud = other.patch
        [patches:python2]
        loud = none.patch
        [versions:python3]
        pond = 1.0 +loud
        """,
    )
    pond.write("other.patch", LOUD)

    assert patches(pond, "-c", "more.cfg") == [("loud", "more.cfg:9", "other.patch")]


def test_an_assignment_on_the_command_line(pond):
    pond.write("buildout.cfg", "[buildout]\n[versions]\npond = 1.0\n")

    assert patches(pond, "versions:pond=1.0 +loud") == [
        ("loud", "versions:pond on the command line", "patches/pond/1.0/loud.patch")
    ]
    assert patches(
        pond, "versions:pond=1.0 +here", "patches:here=patches/pond/1.0/loud.patch"
    ) == [("here", "versions:pond on the command line", "patches/pond/1.0/loud.patch")]


def test_a_buildout_run_with_an_assignment(built):
    built.run("versions:pond=1.0  +loud")

    assert built.script("pond").stdout.startswith("QUACK")


def test_options_substituted_in_a_location(pond):
    pond.write(
        "lib/lib.cfg",
        """
        [where]
        folder = ${buildout:directory}/elsewhere
        all =
            ${buildout:directory}/elsewhere/one.patch
            ${buildout:directory}/elsewhere/two.patch
        [patches]
        loud = ${where:folder}/one.patch
        all = ${where:all}
        """,
    )
    pond.write("elsewhere/one.patch", LOUD)
    pond.write("elsewhere/two.patch", WIDE)
    pond.write("more.cfg", "[buildout]\nextends = buildout.cfg lib/lib.cfg\n")

    assert patches(pond, "-c", "more.cfg", "versions:pond=1.0 +all +loud") == [
        ("all", "versions:pond on the command line", "elsewhere/one.patch"),
        ("all", "versions:pond on the command line", "elsewhere/two.patch"),
        ("loud", "versions:pond on the command line", "elsewhere/one.patch"),
    ]


def test_a_path_with_spaces(pond):
    pond.write("my diffs/the loud one.patch", LOUD)

    assert patches(pond, "patches:loud=my diffs/the loud one.patch#strip=1") == [
        ("loud", "buildout.cfg:12", "my diffs/the loud one.patch")
    ]


def test_other_names_of_the_sections(pond):
    pond.write("buildout.cfg", "[buildout]\nversions = pins\npatches = diffs\n")
    pond.write("loud.patch", LOUD)
    section = "[pins]\npond = 1.0 +loud\n[diffs]\nloud = loud.patch\n"
    text = (pond.path / "buildout.cfg").read_text() + section
    pond.write("buildout.cfg", text)

    assert patches(pond) == [("loud", "buildout.cfg:5", "loud.patch")]


# --- over http


def test_a_configuration_over_http(pond, index):
    """Its diffs are beside it, so they are URLs and need a sha256."""
    text = "[versions]\npond = 1.0 +loud\n[patches]\nloud = diffs/loud.patch"
    url = index.put("site/base.cfg", text)
    index.put("site/diffs/loud.patch", LOUD)
    pond.write("http.cfg", f"[buildout]\nextends = {url}\n")
    diff = f"{index.base}/site/diffs/loud.patch"

    assert pond.poach("list", "-c", "http.cfg", expect=1).error == (
        f"Patch 'loud' of pond 1.0 ({url}): a diff from a URL needs its sha256; if you "
        f"trust what {diff} has now, pin it with this location:\n"
        f"    {diff}#sha256={sha256(LOUD)}"
    )
    index.put("site/base.cfg", f"{text}#sha256={sha256(LOUD)}\n")
    assert patches(pond, "-c", "http.cfg") == [("loud", url, diff)]


# --- where diffs are found


def test_the_qualified_entry_wins(pond):
    pond.write(
        "more.cfg",
        """
        [buildout]
        extends = buildout.cfg
        [patches]
        loud = one.patch
        Pond/Loud = two.patch
        other/loud = three.patch
        """,
    )
    pond.write("two.patch", LOUD)

    result = pond.poach("list", "-c", "more.cfg")

    assert patches(pond, "-c", "more.cfg") == [("loud", "buildout.cfg:12", "two.patch")]
    assert ("no pin uses loud (more.cfg:5), other/loud (more.cfg:7)") in result.stderr


def test_folders_of_patch_path(pond, home):
    """In order; relative ones count from the file that says them."""
    pond.write("lib/lib.cfg", "[buildout]\npatch-path =\n    mine\n    ~/patches\n")
    pond.write(
        "more.cfg",
        """
        [buildout]
        extends = buildout.cfg lib/lib.cfg
        patch-path += patches
        [versions]
        pond = 1.0 +loud +wide +home +series
        """,
    )
    pond.write("lib/mine/Pond/loud.diff", LOUD)
    pond.write("lib/mine/pond/2.0/wide.diff", "for another version")
    pond.write("patches/pond/wide.patch", WIDE)
    pond.write("patches/pond/series/series", "b.patch\na.patch # why\n")
    pond.write("patches/pond/series/a.patch", LOUD)
    pond.write("patches/pond/series/b.patch", WIDE)
    (home / "patches/pond").mkdir(parents=True)
    (home / "patches/pond/home.patch").write_text(LOUD)

    owner = "more.cfg:6"
    assert patches(pond, "-c", "more.cfg") == [
        ("loud", owner, "lib/mine/Pond/loud.diff"),
        ("wide", owner, "patches/pond/wide.patch"),
        ("home", owner, str(home / "patches/pond/home.patch")),
        ("series", owner, "patches/pond/series/b.patch"),
        ("series", owner, "patches/pond/series/a.patch"),
    ]


@pytest.mark.parametrize("directory", ["..", "."])
def test_diffs_beside_the_file_that_sets_the_pin(pond, directory):
    """The buildout's directory is that of the file on the command line, or set."""
    pond.write(
        "profiles/more.cfg",
        f"""
        [buildout]
        extends = deep/versions.cfg
        directory = {pond.path / "profiles" / directory}
        """,
    )
    pond.write("profiles/deep/versions.cfg", "[versions]\npond = 1.0 +wide\n")
    pond.write("profiles/deep/patches/pond/wide.patch", WIDE)

    listed = pond.poach("list", "--json", "-c", "profiles/more.cfg").stdout

    (patch,) = json.loads(listed)[0]["patches"]
    assert patch["location"] == str(pond.path / "profiles/deep/patches/pond/wide.patch")


def test_the_folder_of_the_buildout_comes_first(pond):
    pond.write("more.cfg", "[buildout]\nextends = deep/versions.cfg\n")
    pond.write("deep/versions.cfg", "[versions]\npond = 1.0 +loud\n")
    pond.write("deep/patches/pond/loud.patch", WIDE)

    ((_, _, location),) = patches(pond, "-c", "more.cfg")
    assert location == "patches/pond/1.0/loud.patch"


def test_the_folder_beside_the_pin_is_named_where_nothing_is_found(pond):
    pond.write("more.cfg", "[buildout]\nextends = deep/versions.cfg\n")
    pond.write("deep/versions.cfg", "[versions]\npond = 1.0 +wide\n")

    assert pond.poach("list", "-c", "more.cfg", expect=1).error == (
        "Unknown patch 'wide' for pond 1.0 (deep/versions.cfg:2); looked in [patches], "
        f"{pond.path}/patches, {pond.path}/deep/patches (no such folder)"
    )


def test_a_part_of_another_file_finds_the_diffs_beside_that(pond):
    pond.write("more.cfg", "[buildout]\nextends = deep/parts.cfg\nparts = pond\n")
    pond.write(
        "deep/parts.cfg",
        "[pond]\nrecipe = poach:egg\nversion = 1.0\npatches = wide\n",
    )
    pond.write("deep/patches/pond/wide.patch", WIDE)

    assert patches(pond, "-c", "more.cfg") == [
        ("wide", "deep/parts.cfg:4", "deep/patches/pond/wide.patch")
    ]


def test_no_other_folder_where_patch_path_says_some(pond):
    pond.write(
        "more.cfg",
        "[buildout]\nextends = deep/versions.cfg\npatch-path = patches\n",
    )
    pond.write("deep/versions.cfg", "[versions]\npond = 1.0 +wide\n")
    pond.write("deep/patches/pond/wide.patch", WIDE)

    assert (
        "Unknown patch 'wide'" in pond.poach("list", "-c", "more.cfg", expect=1).error
    )


def test_the_order_of_preference_in_a_folder(pond):
    pond.write("patches/pond/loud.patch", WIDE)
    pond.write("patches/pond/1.0/loud.diff", WIDE)

    assert patches(pond) == [("loud", "buildout.cfg:12", "patches/pond/1.0/loud.patch")]


def test_a_series_in_the_patches_section(pond):
    pond.write("quilt/series", "sub/one.patch -p0\n\n# nothing\ntwo.patch\n")
    pond.write("quilt/sub/one.patch", LOUD)
    pond.write("quilt/two.patch", WIDE)

    result = pond.poach("list", "--json", "patches:loud=quilt#directory=src&strip=2")

    (pin,) = json.loads(result.stdout)
    assert [
        (patch["location"], patch["strip"], patch["directory"])
        for patch in pin["patches"]
    ] == [
        (f"{pond.path}/quilt/sub/one.patch", 0, "src"),
        (f"{pond.path}/quilt/two.patch", 2, "src"),
    ]


def test_a_folder_without_a_series(pond):
    pond.write("quilt/one.patch", LOUD)

    assert pond.poach("list", "patches:loud=quilt", expect=1).error == (
        "Patch 'loud' of pond 1.0 (buildout.cfg:12, defined in patches:loud on "
        "the command line): the folder "
        f"{pond.path}/quilt has no quilt series (a file named 'series')"
    )


def test_an_entry_that_is_switched_off(pond):
    assert pond.poach("list", "patches:loud=", expect=1).error == (
        "Patch 'loud' of pond 1.0 (buildout.cfg:12, defined in patches:loud on the "
        "command line): its entry in [patches] is empty, which refuses the patch; "
        "write the place of the diff there, or do not ask for the patch"
    )


# --- options


def test_default_cfg_says_where_the_store_is(index, pond, home, warm):
    add_pond(index)
    shutil.copytree(warm, home / ".buildout" / "store")
    (home / ".buildout" / "default.cfg").write_text(
        "[buildout]\npatched-eggs-directory = store\n"
    )

    pond.run()

    assert f"{home}/.buildout/store/2/pond/" in pond.script("pond").stdout
    assert not (pond.path / "patched-eggs").exists()
    assert f"{home}/.buildout/store/2/pond/" in pond.poach("list").stdout
    assert "not built" in pond.poach("list", "-U").stdout


def test_fuzz(index, pond, warm):
    """It is declared, and part of the identity; 0 is the default."""
    add_pond(index)
    pond.write("patches/pond/1.0/loud.patch", LOUD.replace(" def size", " def sighs"))
    plain, fuzzy, own = (
        json.loads(pond.poach("list", "--json", *args).stdout)[0]
        for args in (
            (),
            ("buildout:patch-fuzz=1",),
            (
                "buildout:patch-fuzz=1",
                "patches:loud=patches/pond/1.0/loud.patch#fuzz=0",
            ),
        )
    )
    assert [one["patches"][0]["fuzz"] for one in (plain, fuzzy, own)] == [0, 1, 0]
    assert plain["tagged-version"] == own["tagged-version"] != fuzzy["tagged-version"]

    assert "hunk 1 @@ -4,7 +4,7 @@: not found" in pond.run(expect=1).error
    result = pond.run("buildout:patch-fuzz=1")

    assert "  src/pond/__init__.py: hunk 1 at line 4, fuzz 1" in result.stdout
    assert pond.script("pond").stdout.startswith("QUACK")


@pytest.mark.parametrize(
    ("assignment", "error"),
    [
        ("patch-fuzz = x", "'x' is none of 0, 1, 2"),
        (
            "patch-unused = errors",
            "'errors' is none of warn, error, ignore; did you mean 'error'?",
        ),
        (
            "patch-requests = aply",
            "'aply' is none of apply, error, ignore; did you mean 'apply'?",
        ),
        (
            "patches = patchez",
            "there is no section [patchez]; did you mean 'patches'?",
        ),
        (
            "substitutes = substitutez",
            "there is no section [substitutez]; did you mean 'substitutes'?",
        ),
        ("substitutes = qqq", "there is no section [qqq]"),
    ],
)
def test_invalid_values(pond, assignment, error):
    option, _, value = assignment.partition(" = ")
    pond.write(
        "site.cfg",
        f"""
        [buildout]
        extends = buildout.cfg
        {assignment}
        [patches]
        [substitutes]
        """,
    )

    message = f"[buildout] {option} (site.cfg:4): {error}"
    assert pond.poach("list", "-c", "site.cfg", expect=1).error == message
    assert pond.run("-c", "site.cfg", expect=1).error == message
    by_command = pond.poach("list", f"buildout:{option}={value}", expect=1).error
    assert by_command.startswith(
        f"[buildout] {option} (buildout:{option} on the command line): "
    )


@pytest.mark.parametrize("option", ["patches", "substitutes"])
def test_an_option_that_names_no_section(pond, option):
    assert "+loud" in pond.poach("list", f"buildout:{option}=").stdout


# --- the command line


def test_list(built):
    (entry,) = built.path.glob("patched-eggs/2/pond/*/*")
    (egg,) = entry.glob("*.egg")
    record = json.loads((entry / "entry.json").read_text())

    assert built.poach("list").stdout.splitlines() == [
        "pond = 1.0 +loud",
        f"  version {entry.parent.name}",
        f"  egg     {egg}",
        "  +loud (buildout.cfg:12)",
        f"    {built.path}/patches/pond/1.0/loud.patch",
        f"    sha256 {sha256(LOUD)}",
        "    installed: src/pond/__init__.py as pond/__init__.py",
    ]
    assert json.loads(built.poach("list", "--json").stdout) == [
        {
            "project": "pond",
            "base": "1.0",
            "tagged-version": entry.parent.name,
            "sdist-sha256": record["key"]["sdist"],
            "build-options": {"build-ext": {}, "environment": {}},
            "patches": [
                {
                    "name": "loud",
                    "owner": "buildout.cfg:12",
                    "location": f"{built.path}/patches/pond/1.0/loud.patch",
                    "sha256": sha256(LOUD),
                    "strip": None,
                    "directory": None,
                    "fuzz": 0,
                    "exclude": [],
                    "eol": "keep",
                    "effect": None,
                    "files": [
                        {
                            "path": "src/pond/__init__.py",
                            "place": "pond/__init__.py",
                            "effect": "installed",
                            "why": "",
                            "cure": "",
                            "syntax": "",
                        }
                    ],
                }
            ],
            "built": True,
            "egg": str(egg),
            "damage": None,
            "refused": None,
        }
    ]


def test_commands_leave_the_project_alone(built, index):
    before = built.snapshot()

    built.poach("list")
    built.poach("build")

    after = built.snapshot()
    # The folder is made by buildout, when it reads a configuration.
    new = {name for name in after if name not in before} - {"eggs", "eggs/v5"}
    assert all(name.startswith("patched-eggs/2/.known/builds") for name in new)
    assert index.requests == []


def test_build_of_some_projects(built, index):
    built.write(
        "more.cfg",
        "[buildout]\nextends = buildout.cfg\n[versions]\nDuck = 1.0 +none\n",
    )
    built.write("patches/duck/none.patch", LOUD)
    (egg,) = built.path.glob("patched-eggs/2/pond/*/*/*.egg")

    done = built.poach("build", "-c", "more.cfg", "Pond")

    assert done.stdout == f"pond {egg.parent.parent.name} {egg}\n"
    assert "Patching" not in done.output
    failed = built.poach("build", "-c", "more.cfg", expect=1)
    assert failed.error == (
        f"No sdist of Duck 1.0 in {index.url}; there is no sdist of any version, and "
        "patches need the source"
    )
    assert failed.stdout == done.stdout


def test_some_pins_are_listed(built):
    """Those that are named, in any spelling; an assignment is none of them."""
    built.write(
        "more.cfg",
        "[buildout]\nextends = buildout.cfg\n[versions]\nDuck = 1.0 +none\n",
    )
    built.write("patches/duck/none.patch", LOUD)
    cfg = ("-c", "more.cfg")

    listed = built.poach("list", *cfg, "DUCK", "versions:Duck=2.0 +none").stdout
    both = json.loads(built.poach("list", *cfg, "--json", "Duck", "pond").stdout)
    failed = built.poach("list", *cfg, "duc", "pond", "app", expect=1)

    assert listed.startswith("Duck = 2.0 +none\n")
    assert "pond" not in listed.partition("\n")[0]
    assert [each["project"] for each in both] == ["Duck", "pond"]
    assert failed.error == (
        "'duc' has no patched pin; did you mean 'duck'?\n'app' has no patched pin"
    )
    assert failed.stdout == ""


def test_there_may_be_nothing_to_build(built):
    cfg = "[buildout]\nextends = buildout.cfg\n[versions]\npond = 1.0\n"
    built.write("plain.cfg", cfg + "[buildout]\npatch-unused = ignore\n")
    (egg,) = built.path.glob("patched-eggs/2/pond/*/*/*.egg")

    none = built.poach("build", "-c", "plain.cfg")
    there = built.poach("build", "-q")

    said = "Nothing to build: no patched pins in plain.cfg\n"
    assert (none.stdout, none.stderr[-len(said) :]) == ("", said)
    assert there.output == f"pond {egg.parent.parent.name} {egg}\n"


def test_did_you_mean(pond):
    assert pond.poach("build", "pound", "app", expect=1).error == (
        "'pound' has no patched pin; did you mean 'pond'?\n'app' has no patched pin"
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list"], 0),
        (["build", "-c", "none.cfg"], 1),
        (["build", "none"], 1),
        (["build", "-o"], 1),
        (["list", "--none"], 2),
        ([], 2),
        (["none"], 2),
    ],
)
def test_exit_codes(pond, words, code):
    result = pond.poach(*words, expect=code)

    assert "Traceback" not in result.output
    assert (result.stdout == "") == bool(code)


def test_list_of_a_project_without_a_pin(pond):
    error = pond.poach("list", "none", expect=1).error
    assert error == "'none' has no patched pin"


def test_version(pond):
    assert pond.poach("--version").stdout == f"poach {version('poach')}\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[buildout]\nextends = none.cfg\n", "none.cfg"),
        ("[buildout]\n[versions]\n= 1\n", "buildout.cfg"),
        ("pond = 1\n", "buildout.cfg"),
    ],
)
def test_a_configuration_that_buildout_cannot_read(pond, text, named):
    """Nor can buildout, whose own message is that there is a bug somewhere."""
    pond.write("buildout.cfg", text)

    result = pond.poach("list", expect=1)

    assert "Traceback" not in result.output
    assert named in result.error


# --- how much is said


def test_quiet(index, pond):
    add_pond(index)

    result = pond.run("-q")

    assert "Patch" not in result.output
    assert "Built" not in result.output
    assert pond.run("-q").output == ""
    pond.write("patches/pond/1.0/loud.patch", BROKEN)
    assert "does not apply" in pond.run("-q", expect=1).error


def test_verbose(index, pond):
    add_pond(index)

    lines = pond.run("-v").stdout.splitlines()

    assert "Patching pond 1.0: loud (1 file, 1 hunk)" in lines
    assert "  src/pond/__init__.py: hunk 1 at line 4" in lines
    assert any(line.startswith(f"Built pond {TAGGED}") for line in lines)


def test_verbose_shows_the_build(index, pond):
    add_pond(index)

    shown = pond.run("-v").stdout
    assert "Created wheel for pond" in shown or "Successfully built" in shown


def test_poach_build_says_what_it_does_on_standard_error(index, pond):
    """Standard output is for programs."""
    add_pond(index)
    add_plain_pond(index)

    result = pond.poach("build")

    (egg,) = pond.path.glob("patched-eggs/2/pond/*/*/*.egg")
    assert result.stdout == f"pond {egg.parent.parent.name} {egg}\n"
    assert "Patching pond 1.0: loud (1 file, 1 hunk)" in result.stderr
    assert pond.poach("build", "-q").output == result.stdout


# --- what has no effect


def test_an_override_that_drops_a_patch_is_reported(pond):
    pond.write(
        "site.cfg", "[buildout]\nextends = buildout.cfg\n[versions]\npond = 1.0\n"
    )

    assert pond.poach("list", "-c", "site.cfg").stderr.splitlines()[-2:] == [
        "[versions] (buildout.cfg:12): 'pond = 1.0' (site.cfg:4) drops +loud",
        "No patched pins in site.cfg",
    ]


def test_an_override_that_keeps_a_patch_is_not(pond):
    pond.write(
        "site.cfg",
        "[buildout]\nextends = buildout.cfg\n[versions]\npond =\n  1.1\n  +Loud\n",
    )
    pond.write("patches/pond/loud.patch", LOUD)

    assert "drops" not in pond.poach("list", "-c", "site.cfg").output


def test_a_section_that_is_no_part_is_reported(pond):
    pond.write(
        "site.cfg",
        """
        [buildout]
        extends = buildout.cfg
        [idle]
        recipe = poach:egg
        egg = pond
        patches = loud
        [macro]
        recipe = poach:egg
        patches = loud
        [used]
        <= macro
        """,
    )

    assert pond.poach("list", "-c", "site.cfg").stderr.splitlines()[-1:] == [
        "[idle]: brings loud, but is not among the parts of this buildout: nothing is "
        "patched with it",
    ]


@pytest.mark.parametrize("patches", ["loud", "${names:all}", "<= names-of"])
def test_an_entry_that_only_a_part_uses_is_used(pond, patches):
    option = patches if patches.startswith("<") else f"patches = {patches}"
    pond.write(
        "site.cfg",
        f"""
        [buildout]
        index = http://127.0.0.1:9/
        parts = pond
        [pond]
        recipe = poach:egg
        version = 1.0
        {option}
        [names]
        all = loud
        [names-of]
        patches = loud
        [patches]
        pond/loud = patches/pond/1.0/loud.patch
        """,
    )

    result = pond.poach("list", "-c", "site.cfg", "buildout:patch-unused=error")

    assert "+loud" in result.stdout


# --- places


def test_a_folder_of_patch_path_with_blanks(pond):
    pond.write("my patches é/pond/loud.patch", LOUD)
    pond.write(
        "site.cfg",
        "[buildout]\nextends = buildout.cfg\n"
        "patch-path = ${buildout:directory}/my patches é\n",
    )

    (found,) = patches(pond, "-c", "site.cfg")

    assert found[2] == "my patches é/pond/loud.patch"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("sdist:x==1/patches", "'sdist:x==1/patches' is neither a folder nor a URL"),
        ("patches#strip=1", "'patches#strip=1' is neither a folder nor a URL"),
        (
            "https://jane:secret@example.com/?token=secret#strip=1",
            "'https://example.com/?token=***#strip=1' is neither a folder nor a URL",
        ),
        ("ftp://x/y", "Bad location 'ftp://x/y': scheme 'ftp' is not known; a diff is"),
    ],
)
def test_a_patch_path_that_is_none(pond, value, reason):
    """It does not hide what else is wrong."""
    result = pond.poach(
        "list", f"buildout:patch-path={value}", "versions:pond=>=1 +x", expect=1
    )

    malformed, other = result.error.splitlines()
    assert malformed.startswith("Malformed pin")
    assert other.startswith(
        f"[buildout] patch-path (buildout:patch-path on the command line): {reason}"
    )


@pytest.mark.parametrize("name", ["eggs", "develop-eggs", "parts", "bin"])
def test_a_store_among_what_is_buildouts(pond, name):
    place = f"${{buildout:{name}-directory}}/store"

    result = pond.poach("list", f"buildout:patched-eggs-directory={place}", expect=1)

    assert result.error.startswith(
        "[buildout] patched-eggs-directory (buildout:patched-eggs-directory on the "
        "command line): "
    )
    assert result.error.endswith(
        f"/store is buildout's own {name}-directory, where patched eggs do not belong"
    )


def test_a_store_relative_to_a_url(pond, index):
    index.put("site/base.cfg", "[buildout]\npatched-eggs-directory = store\n")
    pond.write(
        "site.cfg", f"[buildout]\nextends = {index.base}/site/base.cfg buildout.cfg\n"
    )

    result = pond.poach("list", "-c", "site.cfg", expect=1)

    assert result.error.endswith("a URL extends this file: write an absolute path")


# --- what the commands load


def test_an_error_of_buildout_in_an_option_is_no_bug_of_ours(pond):
    pond.write(
        "site.cfg",
        """
        [buildout]
        extends = buildout.cfg
        parts = pond
        [pond]
        recipe = poach:egg
        include-dirs = ${nosuch:location}/include
        """,
    )

    result = pond.poach("list", "-c", "site.cfg", expect=1)

    assert result.error.startswith("The referenced section, 'nosuch', was not defined")


@pytest.mark.parametrize("value", ["100%", "%(NOSUCH)s"])
def test_an_environment_that_cannot_be_expanded(pond, value):
    pond.write(
        "site.cfg",
        f"""
        [buildout]
        extends = buildout.cfg
        parts = pond
        [pond]
        recipe = poach:egg
        environment = env
        [env]
        CFLAGS = {value}
        """,
    )

    result = pond.poach("list", "-c", "site.cfg", expect=1)

    assert result.error.startswith(
        "[pond] environment (site.cfg:7): [env] has a '%' that names no"
    )


def test_a_command_that_loads_a_recipe_gets_patched_code_for_it(index, pond):
    add_pond(index)
    add_plugin(
        index,
        "where",
        """
        import pond

        class Recipe:
            def __init__(self, buildout, name, options):
                options["location"] = "/" + pond.sound()

            def install(self):
                return ()

            update = install
        """,
        requires=("pond",),
    )
    pond.write(
        "site.cfg",
        """
        [buildout]
        extends = buildout.cfg
        parts = where cpond
        [where]
        recipe = where
        [cpond]
        recipe = poach:egg
        version = 1.0
        patches = loud
        include-dirs = ${where:location}
        [patches]
        cpond/loud = patches/pond/1.0/loud.patch
        """,
    )

    listed = json.loads(pond.poach("list", "-c", "site.cfg", "--json").stdout)

    options = {pin["project"]: pin["build-options"]["build-ext"] for pin in listed}
    assert options == {"pond": {}, "cpond": {"include-dirs": "/QUACK"}}
    assert not list(pond.path.glob("eggs/**/pond*"))
