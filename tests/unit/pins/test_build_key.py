"""Build keys: equal inputs have equal digests, and no others."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poach.pins.build_key import (
    FORMAT,
    BuildKey,
    BuildOptions,
    Target,
    recorded,
    recorded_digest,
)

KEY = BuildKey(
    "zodb3",
    "3.8.1",
    "a" * 64,
    "b" * 64,
    Target("cp311", "cp311", "linux_x86_64", "dist-info"),
    BuildOptions({"include-dirs": "/inc"}, {"CFLAGS": "-O2", "B": ""}),
)

texts = st.text(max_size=5)
mappings = st.dictionaries(texts, texts, max_size=3)
keys = st.builds(
    BuildKey,
    texts,
    texts,
    texts,
    texts,
    st.builds(Target, texts, texts, texts, texts),
    st.builds(BuildOptions, mappings, mappings),
)


def test_the_digest_covers_this_very_text():
    text = (
        '{"abi":"cp311","base":"3.8.1","build-ext":{"include-dirs":"/inc"},'
        '"environment":{"B":"","CFLAGS":"-O2"},"format":2,"layout":"dist-info",'
        f'"patches":"{"b" * 64}","platform":"linux_x86_64","project":"zodb3",'
        f'"python":"cp311","sdist":"{"a" * 64}"}}'
    )

    assert KEY.digest == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", BuildKey._fields[:4])
def test_every_input_counts(name):
    assert KEY._replace(**{name: "other"}).digest != KEY.digest


@pytest.mark.parametrize("name", Target._fields)
def test_every_trait_of_the_target_counts(name):
    target = KEY.target._replace(**{name: "other"})

    assert KEY._replace(target=target).digest != KEY.digest


@pytest.mark.parametrize(
    "options",
    [
        BuildOptions(),
        BuildOptions(KEY.options.build_ext),
        BuildOptions({}, KEY.options.environment),
        BuildOptions(KEY.options.environment, KEY.options.build_ext),
        BuildOptions({"include-dirs": "/inc "}, KEY.options.environment),
        BuildOptions(KEY.options.build_ext, {"CFLAGS": "-O2"}),
    ],
)
def test_every_option_counts(options):
    assert KEY._replace(options=options).digest != KEY.digest


def test_the_order_of_options_does_not_count():
    environment = dict(reversed(KEY.options.environment.items()))
    options = BuildOptions(dict(KEY.options.build_ext), environment)

    assert list(environment) != list(KEY.options.environment)
    assert KEY._replace(options=options).digest == KEY.digest


@given(keys, keys)
def test_keys_are_equal_if_and_only_if_their_digests_are(one, other):
    assert (one == other) == (one.digest == other.digest)


@given(keys)
def test_a_key_survives_its_way_through_a_file(key):
    assert json.loads(json.dumps(key.as_json())) == key.as_json()
    assert key.as_json()["format"] == FORMAT


def test_a_record_has_no_values_of_variables():
    secret = BuildOptions({"define": "WIDE"}, {"TOKEN": "swordfish", "A": "1"})
    key = KEY._replace(options=secret)

    found = recorded(key.as_json())

    assert found["environment"] == {"A": None, "TOKEN": None}
    assert found["build-ext"] == {"define": "WIDE"}
    assert "swordfish" not in json.dumps(found)
    assert hashlib.sha256(b"swordfish").hexdigest() not in json.dumps(found)
    assert str(secret) == "define = WIDE, TOKEN = ***, A = ***"


@given(keys)
def test_the_digest_of_a_key_is_known_from_its_record(key):
    """Also from one that has the key itself, as it was written once."""
    for record in (key.as_json(), recorded(key.as_json())):
        assert recorded_digest(json.loads(json.dumps(record))) == key.digest
