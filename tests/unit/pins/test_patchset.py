"""Patch sets: what their identity covers, and what is raised together."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poach.errors import Faults, PoachError
from poach.pins.location import Kind, Location
from poach.pins.patchset import Patch, PatchFault, PatchSet, UnknownPatch, resolve
from poach.pins.pin import Pin

PIN = Pin.parse("WebOb", "1.8.7 +cve-1 +legacy")
CVE = Patch("cve-1", "base.cfg:3", Location(Kind.PATH, "/a/cve.patch"), "a" * 64)
LEGACY = Patch("legacy", "base.cfg:4", Location(Kind.PATH, "/a/l.patch"), "b" * 64)
SET = PatchSet(PIN, (CVE, LEGACY))


@dataclass
class Shelf:
    """A library and a reader in memory: locations by name, digests by target."""

    diffs: dict[str, list[Location] | PoachError]
    digests: dict[str, str | PoachError] = field(default_factory=dict)
    definers: dict[str, str] = field(default_factory=dict)

    def locate(self, pin, name, owner):
        if name not in self.diffs:
            raise UnknownPatch(pin, name, owner, list(self.diffs), ["/diffs"])
        return given_or_raised(self.diffs[name])

    def definer(self, pin, name):
        return self.definers.get(name, "")

    def digest(self, location):
        return given_or_raised(self.digests.get(location.target, "d" * 64))


def given_or_raised(value):
    if isinstance(value, PoachError):
        raise value
    return value


def resolved(shelf, pin=PIN, owners=("a.cfg:1", "a.cfg:2"), **options):
    return resolve(pin, owners, shelf, shelf, **options)


def refusal(shelf, pin=PIN, owners=("a.cfg:1", "a.cfg:2")):
    with pytest.raises(PoachError) as caught:
        resolved(shelf, pin, owners)
    return caught.value


def path(target, **options):
    return Location(Kind.PATH, target, **options)


def test_identity_is_made_of_this_very_text():
    # sha256 of the JSON text: [["aaa...",null,null,0],["bbb...",1,"src",2]]
    patches = (CVE, LEGACY._replace(strip=1, directory="src", fuzz=2))

    assert PatchSet(PIN, patches).digest == (
        "6fd884a44eeb3c19fc6934b3da66bc0eb8ae53f6e154d8d4241ae8c421684769"
    )
    assert PatchSet(PIN, patches).version == "1.8.7+cve.1.legacy.p6fd884a4"
    assert PatchSet(PIN, patches).title == "WebOb 1.8.7"
    assert SET.tagged == f"WebOb {SET.version}"


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "c" * 64},
        {"strip": 0},
        {"strip": 1},
        {"directory": ""},
        {"directory": "src"},
        {"fuzz": 1},
        {"exclude": ("tests/*",)},
        {"exclude": ("tests/*", "x")},
        {"eol": "any"},
    ],
    ids=str,
)
def test_whatever_changes_the_meaning_of_a_diff_changes_the_digest(change):
    changed = PatchSet(PIN, (CVE, LEGACY._replace(**change)))

    assert changed.digest != SET.digest
    assert changed.version != SET.version


@pytest.mark.parametrize(
    "change",
    [
        {"location": Location(Kind.URL, "https://h/l.patch", sha256="b" * 64)},
        {"location": path("/home/jane/other/l.patch")},
        {"owner": "elsewhere.cfg:9"},
        {"name": "another"},
    ],
    ids=str,
)
def test_where_a_diff_comes_from_and_for_whom_does_not(change):
    assert PatchSet(PIN, (CVE, LEGACY._replace(**change))).digest == SET.digest


def test_the_order_of_the_globs_does_not_matter():
    """Nor how often each is there: both diffs are the same one."""
    shelf = Shelf(
        {
            "cve-1": [Location.parse("/1#exclude=b&exclude=a&exclude=b&eol=any")],
            "legacy": [Location.parse("/1#exclude=a&exclude=b&eol=any")],
        }
    )
    (patch,) = resolved(shelf, owners=("a.cfg:1", "b.cfg:1")).patches
    assert (patch.exclude, patch.eol) == (("a", "b"), "any")


def test_order_and_number_of_diffs_count():
    digests = {
        PatchSet(PIN, patches).digest
        for patches in ((CVE, LEGACY), (LEGACY, CVE), (CVE,), (CVE, CVE), ())
    }

    assert len(digests) == 5


values = st.tuples(
    st.sampled_from(["a" * 64, "b" * 64]),
    st.sampled_from([None, 0, 1]),
    st.sampled_from([None, "", "null", "1", 'a",null']),
    st.sampled_from([0, 1, 2]),
    st.just(""),
    st.sampled_from([(), ("a",), ("a", "b")]),
    st.sampled_from(["keep", "any"]),
)


@given(st.lists(values, max_size=3), st.lists(values, max_size=3))
def test_digests_are_equal_if_and_only_if_the_meanings_are(one, other):
    sets = [
        PatchSet(PIN, tuple(Patch("n", "", CVE.location, *value) for value in many))
        for many in (one, other)
    ]

    assert (sets[0].digest == sets[1].digest) == (one == other)


def test_resolve_keeps_the_order_of_names_and_of_the_locations_of_each():
    shelf = Shelf(
        {"legacy": [path("/l")], "cve-1": [path("/2"), path("/1")]},
        {"/1": "1" * 64, "/2": "2" * 64, "/l": "3" * 64},
    )

    patches = resolved(shelf).patches

    assert patches == (
        Patch("cve-1", "a.cfg:1", path("/2"), "2" * 64),
        Patch("cve-1", "a.cfg:1", path("/1"), "1" * 64),
        Patch("legacy", "a.cfg:2", path("/l"), "3" * 64),
    )


def test_options_of_the_location_win_over_the_default_fuzz():
    shelf = Shelf(
        {
            "cve-1": [path("/a", strip=0, directory="src", fuzz=0)],
            "legacy": [path("/b")],
        }
    )

    cve, legacy = resolved(shelf, fuzz=2).patches

    assert (cve.strip, cve.directory, cve.fuzz) == (0, "src", 0)
    assert (legacy.strip, legacy.directory, legacy.fuzz) == (None, None, 2)


def test_every_name_has_an_owner():
    with pytest.raises(ValueError, match="shorter"):
        resolved(Shelf({"cve-1": [], "legacy": []}), owners=("a.cfg:1",))


def test_an_unknown_patch():
    error = refusal(Shelf({"cve-1": [path("/a")], "legacies": []}))

    assert isinstance(error, UnknownPatch)
    assert str(error) == (
        "Unknown patch 'legacy' for WebOb 1.8.7 (a.cfg:2); "
        "looked in [patches], /diffs; did you mean 'legacies'?"
    )
    assert (error.pin, error.name, error.owner) == (PIN, "legacy", "a.cfg:2")


def test_an_unknown_patch_of_nobody_and_nothing_near():
    assert str(UnknownPatch(PIN, "x", "")) == (
        "Unknown patch 'x' for WebOb 1.8.7; looked in [patches]"
    )


def test_a_fault_says_whose_patch_it_is():
    fault = PoachError("it is bad")

    error = refusal(Shelf({"cve-1": [path("/a")], "legacy": fault}))

    assert isinstance(error, PatchFault)
    assert str(error) == "Patch 'legacy' of WebOb 1.8.7 (a.cfg:2): it is bad"
    assert error.cause is fault
    defined = Shelf({"cve-1": [], "legacy": fault}, {}, {"legacy": "base.cfg:9"})
    assert str(refusal(defined)) == (
        "Patch 'legacy' of WebOb 1.8.7 (a.cfg:2, defined in base.cfg:9): it is bad"
    )
    assert str(PatchFault(PIN, "x", "", fault)) == (
        "Patch 'x' of WebOb 1.8.7: it is bad"
    )


def test_all_faults_of_all_names_are_raised_together():
    pin = Pin.parse("WebOb", "1.8.7 +good +lost +bad +worse")
    shelf = Shelf(
        {
            "good": [path("/good")],
            "bad": [path("/good"), path("/bad")],
            "worse": PoachError("no way there"),
        },
        {"/bad": PoachError("cannot read /bad")},
    )

    error = refusal(shelf, pin, ["a.cfg:1", "a.cfg:2", "a.cfg:3", "b.cfg:1"])

    assert isinstance(error, Faults)
    assert str(error).splitlines() == [
        "Unknown patch 'lost' for WebOb 1.8.7 (a.cfg:2); looked in [patches], /diffs",
        "Patch 'bad' of WebOb 1.8.7 (a.cfg:3): cannot read /bad",
        "Patch 'worse' of WebOb 1.8.7 (b.cfg:1): no way there",
    ]


def test_every_fault_of_one_name_says_whose_it_is():
    shelf = Shelf(
        {"cve-1": [path("/bad"), path("/worse")], "legacy": [path("/good")]},
        {"/bad": PoachError("bad"), "/worse": PoachError("worse")},
    )

    assert str(refusal(shelf)).splitlines() == [
        "Patch 'cve-1' of WebOb 1.8.7 (a.cfg:1): bad",
        "Patch 'cve-1' of WebOb 1.8.7 (a.cfg:1): worse",
    ]


def test_one_diff_that_two_layers_name_counts_once():
    """Two owners cannot know of each other; one file that names it twice is wrong."""
    shelf = Shelf({"cve-1": [path("/a")], "legacy": [path("/b")]})

    layers = resolved(shelf, owners=("https://h/base.cfg", "https://h/site.cfg"))
    lines = resolved(shelf, owners=("a.cfg:1", "a.cfg:2"))

    assert [patch.name for patch in layers.patches] == ["cve-1"]
    assert layers.extras == ("cve-1", "legacy")
    assert [patch.name for patch in lines.patches] == ["cve-1", "legacy"]
