"""Named diffs are found in one order, on disk and on a server."""

from __future__ import annotations

import pytest

from poach.catalog.definitions import DigestOfFolder, NamedDiffs, NoSeries, SwitchedOff
from poach.catalog.fetch import FetchFailed, HttpFetcher
from poach.errors import Faults, PoachError
from poach.pins.location import Kind, Location
from poach.pins.patchset import UnknownPatch
from poach.pins.pin import Pin
from poach.pins.series import SeriesError
from support import Index

PIN = Pin.parse("ZODB3", "3.8.1 +fix")
OWNER = "base.cfg:3"


@pytest.fixture
def shelf(tmp_path):
    folder = tmp_path / "patches"
    folder.mkdir()
    return folder


def put(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")


def put_series(folder, text="a.patch\n"):
    folder.mkdir(parents=True)
    (folder / "series").write_text(text)


def library(*folders, section=None, offline=True):
    # An offline fetcher, so that no test goes out by mistake.
    return NamedDiffs(section or {}, [str(f) for f in folders], HttpFetcher(offline))


def located(diffs, pin=PIN, name="fix"):
    return [one.target for one in diffs.locate(pin, name, OWNER)]


def refusal(diffs, pin=PIN, name="fix"):
    with pytest.raises(PoachError) as caught:
        diffs.locate(pin, name, OWNER)
    return caught.value


def path(target, **options):
    return Location(Kind.PATH, str(target), **options)


# The order of places


def test_a_qualified_entry_wins(shelf):
    put(shelf, "ZODB3/3.8.1/fix.patch")
    section = {"fix": [path("/plain")], "zodb3/fix": [path("/ours"), path("/more")]}

    assert located(library(shelf, section=section)) == ["/ours", "/more"]


def test_an_entry_for_another_project_is_none_for_us(shelf):
    section = {"zodb/fix": [path("/theirs")], "fix": [path("/plain")]}

    assert located(library(shelf, section=section)) == ["/plain"]


def test_an_entry_wins_over_patch_path(shelf):
    put(shelf, "ZODB3/3.8.1/fix.patch")

    assert located(library(shelf, section={"fix": [path("/plain")]})) == ["/plain"]


def test_the_order_of_places_in_a_folder(shelf):
    order = [
        "ZODB3/3.8.1/fix.patch",
        "ZODB3/3.8.1/fix.diff",
        "ZODB3/fix.patch",
        "ZODB3/fix.diff",
        "ZODB3/3.8.1/fix/a.patch",
        "ZODB3/fix/a.patch",
    ]
    put(shelf, *order, "fix.patch", "3.8.1/fix.patch", "ZODB3/3.8.2/fix.patch")
    for place in ("ZODB3/3.8.1/fix/series", "ZODB3/fix/series"):
        (shelf / place).write_text("a.patch\n")

    for place in order:
        assert located(library(shelf)) == [str(shelf / place)]
        first = shelf / place
        (first.parent / "series" if first.name == "a.patch" else first).unlink()
    assert isinstance(refusal(library(shelf)), UnknownPatch)


def test_folders_are_searched_in_order(tmp_path):
    put(tmp_path, "one/ZODB3/fix.diff", "two/ZODB3/3.8.1/fix.patch")
    diffs = library(tmp_path / "absent", tmp_path / "one", tmp_path / "two")

    assert located(diffs) == [str(tmp_path / "one/ZODB3/fix.diff")]


# Spellings


@pytest.mark.parametrize(
    ("project", "folder"),
    [
        ("zope.interface", "zope.interface"),
        ("zope.interface", "Zope_Interface"),
        ("Zope-Interface", "zope.interface"),
    ],
)
def test_folders_of_projects_are_compared_by_canonical_name(shelf, project, folder):
    put(shelf, f"{folder}/fix.patch")

    found = located(library(shelf), Pin.parse(project, "5.0 +fix"))

    assert found == [str(shelf / folder / "fix.patch")]


@pytest.mark.parametrize("base", ["1.8.7", "1.8.7.0", "v1.8.7", "01.8.07"])
@pytest.mark.parametrize("folder", ["1.8.7", "1.8.7.0", "v1.8.7"])
def test_folders_of_versions_are_compared_as_versions(shelf, base, folder):
    put(shelf, f"WebOb/{folder}/fix.patch", "WebOb/1.8.70/fix.patch")

    found = located(library(shelf), Pin.parse("WebOb", f"{base} +fix"))

    assert found == [str(shelf / "WebOb" / folder / "fix.patch")]


@pytest.mark.parametrize("file", ["poll-inv.patch", "Poll_Inv.patch", "poll.inv.patch"])
@pytest.mark.parametrize("name", ["poll-inv", "POLL_inv"])
def test_names_are_compared_by_canonical_name(shelf, file, name):
    put(shelf, f"ZODB3/{file}")

    assert located(library(shelf), name=name) == [str(shelf / "ZODB3" / file)]


def test_several_folders_of_one_project_count_as_one(shelf):
    put(shelf, "ZODB3/fix.patch", "zodb3/3.8.1/fix.patch", "Zodb3/readme.txt")

    assert located(library(shelf)) == [str(shelf / "zodb3/3.8.1/fix.patch")]


def test_odd_things_on_patch_path_do_not_matter(shelf):
    put(shelf, "file.patch", "ZODB3/.fix.patch", "ZODB3/fix.patch.orig", "x/3.8.1/y")
    put(shelf, "ZODB3/fix", "ZODB3/not a version/fix.patch")
    (shelf / "ZODB3/fix.diff").mkdir()
    (shelf / "dangling").symlink_to("nowhere")

    assert isinstance(refusal(library(shelf, shelf / "file.patch")), UnknownPatch)


def test_the_exact_name_wins_over_another_spelling(shelf):
    put(shelf, "ZODB3/a-b.patch", "ZODB3/a_b.patch")

    assert located(library(shelf), name="a_b") == [str(shelf / "ZODB3/a_b.patch")]


# Unknown names


def test_an_unknown_name_gets_the_nearest_known_one(shelf):
    put(shelf, "ZODB3/3.8.1/poll-invalidations.patch", "other/poll-invalidation.patch")
    section = {"x": [], "other/poll-invalidation": []}

    error = refusal(library(shelf, section=section), name="poll-invalidation")

    assert str(error) == (
        "Unknown patch 'poll-invalidation' for ZODB3 3.8.1 (base.cfg:3); "
        f"looked in [patches], {shelf}; did you mean 'poll-invalidations'?"
    )


def test_qualified_entries_are_proposed_by_their_name(shelf):
    error = refusal(library(section={"zodb3/fixes": [], "other/fixe": []}))

    assert "; did you mean 'fixes'?" in str(error)


def test_nothing_is_known():
    assert str(refusal(library())) == (
        "Unknown patch 'fix' for ZODB3 3.8.1 (base.cfg:3); looked in [patches]"
    )


def test_an_empty_entry_switches_a_name_off(shelf):
    put(shelf, "ZODB3/fix.patch")

    error = refusal(library(shelf, section={"fix": []}))

    assert isinstance(error, SwitchedOff)
    assert str(error) == (
        "its entry in [patches] is empty, which refuses the patch; write the place of "
        "the diff there, or do not ask for the patch"
    )


# Folders with series


def test_a_series_is_unfolded_in_place(tmp_path):
    put_series(tmp_path / "s", "b.patch -p0\n# no\nsub/a.patch\n")
    options = {"strip": 2, "directory": "src", "fuzz": 1}
    entry = [path("/one"), path(tmp_path / "s", **options), path("/two")]

    assert library(section={"fix": entry}).locate(PIN, "fix", OWNER) == [
        path("/one"),
        path(tmp_path / "s/b.patch", **{**options, "strip": 0}),
        path(tmp_path / "s/sub/a.patch", **options),
        path("/two"),
    ]


def test_a_series_strips_one_folder_unless_something_says_otherwise(tmp_path):
    put_series(tmp_path / "s", "b.patch\na.patch -p2\n")

    found = library(section={"fix": [path(tmp_path / "s")]}).locate(PIN, "fix", OWNER)

    assert [location.strip for location in found] == [1, 2]


def test_a_folder_without_series(tmp_path):
    put(tmp_path, "s/a.patch")
    (tmp_path / "s/series").mkdir()

    error = refusal(library(section={"fix": [path(tmp_path / "s")]}))

    assert isinstance(error, NoSeries)
    assert str(error) == (
        f"the folder {tmp_path}/s has no quilt series (a file named 'series')"
    )


def test_a_folder_with_a_sha256(tmp_path):
    put_series(tmp_path / "s")

    error = refusal(library(section={"fix": [path(tmp_path / "s", sha256="a" * 64)]}))

    assert isinstance(error, DigestOfFolder)
    assert str(error) == "a sha256 is for one diff, but this is a folder"


def test_all_bad_folders_of_one_entry_are_reported(tmp_path):
    put(tmp_path, "s/a.patch")
    put_series(tmp_path / "t", "../x\n")

    error = refusal(library(section={"fix": [path(tmp_path / n) for n in "st"]}))

    assert isinstance(error, Faults)
    assert [type(fault) for fault in error.faults] == [NoSeries, SeriesError]


def test_files_urls_and_members_are_not_looked_at():
    entry = [
        path("/absent/fix.patch"),
        Location(Kind.URL, "https://h/dir/"),
        Location(Kind.SDIST, "src", "X", "1"),
    ]

    assert library(section={"fix": entry}).locate(PIN, "fix", OWNER) == entry


@pytest.mark.parametrize("text", ["", "# all off\n"])
def test_a_series_without_diffs_is_refused(shelf, text):
    put_series(shelf / "ZODB3/fix", text)

    refusal(library(shelf))


def test_a_bad_series_says_where_it_is(shelf):
    put_series(shelf / "ZODB3/fix", "a.patch -R\n")

    assert str(shelf / "ZODB3/fix") in str(refusal(library(shelf)))


# Servers


def test_a_url_as_patch_path(index: Index):
    index.put("lib/ZODB3/3.8.1/fix.diff", "")
    index.put("lib/ZODB3/fix.patch", "")
    diffs = library(f"{index.base}/lib/", offline=False)

    assert diffs.locate(PIN, "fix", OWNER) == [
        Location(Kind.URL, f"{index.base}/lib/ZODB3/3.8.1/fix.diff")
    ]
    assert index.requests == ["/lib/ZODB3/3.8.1/fix.patch", "/lib/ZODB3/3.8.1/fix.diff"]


def test_folders_before_a_url_spare_the_request(index: Index, shelf):
    put(shelf, "ZODB3/fix.patch")

    located(library(shelf, f"{index.base}/lib", offline=False))

    assert index.requests == []


def test_a_url_that_does_not_have_the_name(index: Index, shelf):
    put(shelf, "ZODB3/fix.patch")
    diffs = library(f"{index.base}/lib", shelf, offline=False)

    assert located(diffs) == [str(shelf / "ZODB3/fix.patch")]
    assert len(index.requests) == 4
    assert str(refusal(diffs, name="fax")) == (
        "Unknown patch 'fax' for ZODB3 3.8.1 (base.cfg:3); "
        f"looked in [patches], {index.base}/lib, {shelf}; did you mean 'fix'?"
    )


def test_a_broken_server_does_not_pass_for_one_without_the_name(index: Index, shelf):
    put(shelf, "ZODB3/fix.patch")
    index.status["/lib/ZODB3/fix.patch"] = 503

    error = refusal(library(f"{index.base}/lib", shelf, offline=False))

    assert isinstance(error, FetchFailed)
    assert str(error) == (
        f"cannot get {index.base}/lib/ZODB3/fix.patch: "
        "the server answers with status 503"
    )


def test_offline_a_server_is_not_asked(index: Index):
    error = refusal(library(f"{index.base}/lib", offline=True))

    assert str(error) == (
        f"cannot get {index.base}/lib/ZODB3/3.8.1/fix.patch: "
        "buildout runs in offline mode"
    )
    assert index.requests == []


def test_the_scheme_of_a_url_has_no_case(index: Index):
    index.put("lib/ZODB3/fix.patch", "")

    located(library(f"{index.base.replace('http', 'HTTP')}/lib", offline=False))


def test_a_file_url_as_patch_path(shelf):
    put(shelf, "ZODB3/fix.patch")

    assert located(library(shelf.as_uri())) == [str(shelf / "ZODB3/fix.patch")]
