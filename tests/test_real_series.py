"""A fixed sample of the real series; real_series.py checks them all."""

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


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("series")


@pytest.mark.index
@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("found", [False, True], ids=["given", "found"])
def test_a_real_series_ends_as_with_the_references(name, found, cache):
    try:
        outcome = real_series.outcome(RECORDS[name], cache, found=found)
    except real_series.Gone as gone:
        pytest.skip(f"no more on its server: {gone}")
    assert outcome.startswith("agree")


def test_records_hold_identities_and_digests_only():
    assert len(RECORDS) >= 40
    for record in RECORDS.values():
        files = [record["source"], record["patches_from"], *record["patches"]]
        assert all(re.fullmatch(r"[0-9a-f]{64}", file["sha256"]) for file in files)
        assert record["patches"]
        assert bool(record["tree"]) == bool(
            record["applies"]["gnu"] or record["applies"]["git"]
        )
