"""Tagged versions do what PEP 440 says of local versions."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from poach.names import (
    canonicalize_name,
    is_patch_name,
    is_tagged,
    is_version,
    same_version,
    tagged_version,
)

DIGEST = hashlib.sha256(b"").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()

names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9])?", fullmatch=True)
some_names = st.lists(names, min_size=1, max_size=6)
digests = st.binary(max_size=4).map(lambda data: hashlib.sha256(data).hexdigest())
bases = st.sampled_from(
    ["3.8.1", "0", "1!2.0", "2.0rc1", "1.0.dev3", "1.0.post2", "1.8.7.0", "2026.1"]
)


@pytest.mark.parametrize(
    ("base", "asked", "expected"),
    [
        ("3.8.1", ["poll-invalidations"], "3.8.1+poll.invalidations.pe3b0c442"),
        ("3.8.1", ["A_b", "c.D"], "3.8.1+a.b.c.d.pe3b0c442"),
        ("3.8.1", ["a-_.b"], "3.8.1+a.b.pe3b0c442"),
        ("1.8.7", ["cve-2024-0042"], "1.8.7+cve.2024.42.pe3b0c442"),
        ("1!2.0rc1", ["x"], "1!2.0rc1+x.pe3b0c442"),
        ("3.8.1", ["a" * 100], f"3.8.1+{'a' * 100}.pe3b0c442"),
        ("3.8.1", ["a" * 101], f"3.8.1+{'a' * 100}.pe3b0c442"),
        ("3.8.1", ["a" * 99 + "-b"], f"3.8.1+{'a' * 99}.pe3b0c442"),
        ("3.8.1", ["a", "b" * 98], f"3.8.1+a.{'b' * 98}.pe3b0c442"),
        ("3.8.1", ["a", "b" * 99], "3.8.1+a.and.1.more.pe3b0c442"),
        (
            "3.8.1",
            ["a" * 500, "b", "c"],
            f"3.8.1+{'a' * 100}.and.2.more.pe3b0c442",
        ),
    ],
)
def test_tagged_version(base, asked, expected):
    assert tagged_version(base, asked, DIGEST) == expected


@given(bases, some_names, digests)
def test_a_tagged_version_is_in_normal_form_and_fit_for_a_file_name(
    base, asked, digest
):
    version = tagged_version(base, asked, digest)

    assert str(Version(version)) == version
    assert Version(version).public == base
    assert re.fullmatch(r"[a-z0-9.+!]+", version)  # '-' would be read as a build tag
    assert len(version) < 150
    assert version.endswith(".p" + digest[:8])


@given(bases, some_names, digests, digests)
def test_another_digest_is_another_version(base, asked, one, other):
    versions = {tagged_version(base, asked, digest) for digest in (one, other)}

    assert len(versions) == len({one, other})


@given(bases, some_names, digests)
def test_case_and_separators_of_names_do_not_matter(base, asked, digest):
    canonical = [canonicalize_name(name) for name in asked]

    assert tagged_version(base, asked, digest) == tagged_version(
        base, canonical, digest
    )


@given(some_names, digests)
def test_order_between_base_and_the_next_release(asked, digest):
    tagged = Version(tagged_version("3.8.1", asked, digest))

    assert Version("3.8.1") < tagged < Version("3.8.1.post1")


@pytest.mark.parametrize("names", [["a"], ["9"], ["a" * 300, "b"]])
@pytest.mark.parametrize(
    ("specifier", "admitted"),
    [
        ("==3.8.1", True),
        ("==3.8.*", True),
        (">=3.8", True),
        (">=3.8.1", True),
        ("<3.9", True),
        ("<=3.8.1", True),
        ("~=3.8.1", True),
        ("~=3.8", True),
        ("===3.8.1", False),
        ("!=3.8.1", False),
        (">3.8.1", False),
        ("<3.8.1", False),
    ],
)
def test_what_admits_a_tagged_version(specifier, admitted, names):
    version = tagged_version("3.8.1", names, DIGEST)

    assert (version in SpecifierSet(specifier)) is admitted


def test_long_names_stay_unique_by_the_digest():
    asked = ["a" * 200, "b" * 200]

    assert tagged_version("1", asked, DIGEST) != tagged_version("1", asked, OTHER)
    assert tagged_version("1", asked, DIGEST) == (f"1+{'a' * 100}.and.1.more.pe3b0c442")


@pytest.mark.parametrize("text", ["a", "A", "0", "a-b", "a._-b", "CVE-2024-42353"])
def test_patch_names(text):
    assert is_patch_name(text)


@pytest.mark.parametrize(
    "text",
    ["", "-a", "a-", ".", "..", "a b", "a/b", "a+b", "a\n", "\u0131", "é", "a\0"],
)
def test_what_is_no_patch_name(text):
    assert not is_patch_name(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.8.7", "1.8.7.0", True),
        ("1.8.7", "v1.8.7", True),
        ("1.0a1", "1.0.ALPHA1", True),
        ("1.8.7", "1.8.70", False),
        ("1.8.7", "1.8.7+x", False),
        ("1.8.7", "0!1.8.7", True),
        ("x", "x", False),
        ("", "", False),
    ],
)
def test_same_version(one, other, same):
    assert same_version(one, other) is same
    assert same_version(other, one) is same


@pytest.mark.parametrize("text", ["", "x", "1.0+", "1.3.4nxd6", "1 2", ">=1", "१"])
def test_what_is_no_version(text):
    assert not is_version(text)


def test_a_number_too_large_for_python_is_no_version():
    assert not is_version("1" * 5000)


@given(bases, some_names, digests)
def test_a_tagged_version_is_known_by_its_spelling(base, asked, digest):
    version = tagged_version(base, asked, digest)

    assert is_tagged(version)
    assert is_tagged(version.replace(".", "_").upper())
    assert not is_tagged(base)


@pytest.mark.parametrize(
    "version",
    [
        *("1.0", "1.0+cu118", "1.0+deb1", "1.0+loud", "1.0+p1234abcd", "1.0.p1234abcd"),
        *("1.0+a.p1234abc", "1.0+a.p1234abcde", "1.0+a.g1234abcd", "1.0+a.p1234abcg"),
        "1.0+a.p1234abcd.1",
    ],
)
def test_other_labels_are_not(version):
    assert not is_tagged(version)
