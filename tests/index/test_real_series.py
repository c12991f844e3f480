"""The real series: a fixed sample by default, all of them with --all."""

from __future__ import annotations

import re

import pytest

import real_series

RECORDS = {record["id"]: record for record in real_series.records()}
SAMPLE = [
    "sdist/ZODB3==3.8.1/RelStorage==1.1.2/poll-invalidation-1-zodb-3-8-0.patch",
    "sdist/ZODB3==3.8.1/RelStorage==1.4.2/poll-invalidation-zodb-3-8.patch",
    "sdist/ZODB3==3.8.1/RelStorage==1.0.1/poll-invalidation-1-zodb-3-8-0.patch",
    "debian/waitress_2.1.2-2+deb12u1",
    "debian/jinja2_3.1.2-1+deb12u3",
    "debian/sqlparse_0.4.2-1+deb12u1",
]
OTHERS = [
    pytest.param(name, marks=pytest.mark.more) for name in RECORDS if name not in SAMPLE
]


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("series")


def ends(name, cache, found=False):
    try:
        return real_series.outcome(RECORDS[name], cache, found=found)
    except real_series.Gone as gone:
        pytest.skip(f"no more on its server: {gone}")


@pytest.mark.index
@pytest.mark.parametrize("name", [*SAMPLE, *OTHERS])
def test_a_real_series_ends_as_with_the_references(name, cache):
    assert ends(name, cache).startswith("agree")


@pytest.mark.index
@pytest.mark.parametrize("name", SAMPLE[:4])
def test_its_place_is_found_out(name, cache):
    assert ends(name, cache, found=True).startswith("agree")


def test_records_hold_identities_and_digests_only():
    assert len(RECORDS) >= 40
    for record in RECORDS.values():
        files = [record["source"], record["patches_from"], *record["patches"]]
        assert all(re.fullmatch(r"[0-9a-f]{64}", file["sha256"]) for file in files)
        assert record["patches"]
        assert bool(record["tree"]) == bool(
            record["applies"]["gnu"] or record["applies"]["git"]
        )
