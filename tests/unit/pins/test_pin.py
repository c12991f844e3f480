"""Pins are read from the versions section and written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poach.names import canonicalize_name
from poach.pins.pin import Pin, PinError, is_pin, refuse_missing_plus

names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)
bases = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "1!"]),
    st.lists(st.integers(0, 99), min_size=1, max_size=4).map(
        lambda numbers: ".".join(map(str, numbers))
    ),
    st.sampled_from(["", "a1", "rc2", ".post1", ".dev0", "b1.post2.dev3"]),
)
pins = st.builds(
    lambda base, words, cut: Pin("ZODB3", base, words[:cut], words[cut:]),
    bases,
    st.lists(names, max_size=5, unique_by=canonicalize_name).map(tuple),
    st.integers(0, 5),
)
#: White space that a configuration file can hold.
spaces = st.text(" \t\n\r\x0b\x0c\x85\xa0\u2028", min_size=1, max_size=3)


@given(pins)
def test_parse_and_str_are_inverses(pin):
    assert Pin.parse("ZODB3", str(pin)) == pin
    assert str(Pin.parse("ZODB3", str(pin))) == str(pin)


@given(pins, st.data())
def test_white_space_has_no_meaning(pin, data):
    words = str(pin).split(" ")
    value = "".join(data.draw(spaces) + word for word in words) + data.draw(spaces)

    assert Pin.parse("ZODB3", value) == pin
    assert is_pin(value) == bool(pin.names + pin.refused)


@given(st.text("1.+a ;#\n\xa0\u2028-"))
def test_whatever_has_a_plus_behind_white_space_is_a_pin(value):
    words = value.split()
    asks = any(word.startswith("+") for word in words)
    asks |= any(word.startswith("-") for word in words[1:])

    assert is_pin(value) == (asks or (bool(words) and words[0].endswith("+")))


@given(st.text("1.+a ;#\n\x00\udcffé=<", min_size=1))
def test_any_value_is_a_pin_or_a_pin_error(value):
    if is_pin(value):
        try:
            pin = Pin.parse("ZODB3", value)
        except PinError:
            return
        assert Pin.parse("ZODB3", str(pin)) == pin


@pytest.mark.parametrize(
    "value",
    [
        "3.8.1",
        "3.8.1+foo",
        "3.8.1+foo+bar",
        ">=3.8,<4",
        "",
        "   ",
        "3.8.1 foo+bar",
        "3.8.1 # c++",
    ],
)
def test_what_is_no_pin(value):
    assert not is_pin(value)


@pytest.mark.parametrize(
    "value", ["+", "+x", "3 +x", "3\n+x", "3\t+", "\n+x", "3 + x", ">=3 +x", "3 ; +x"]
)
def test_what_is_a_pin_even_if_malformed(value):
    assert is_pin(value)


@pytest.mark.parametrize(
    ("value", "base", "written"),
    [
        ("v3.8.1 +a", "3.8.1", "3.8.1 +a"),
        ("3.8.1-1 +a", "3.8.1.post1", "3.8.1.post1 +a"),
        ("1.0ALPHA2 +a", "1.0a2", "1.0a2 +a"),
        ("1.8.7.0 +a", "1.8.7.0", "1.8.7.0 +a"),
        ("01.08 +a", "1.8", "1.8 +a"),
    ],
)
def test_the_base_has_its_normal_form(value, base, written):
    pin = Pin.parse("x", value)

    assert (pin.base, str(pin)) == (base, written)


def test_names_and_project_stay_as_written():
    pin = Pin.parse("Zope.Interface", "5.0 +B_b.B +a-a")

    assert pin.names == ("B_b.B", "a-a")
    assert pin.project == "Zope.Interface"
    assert pin.key == "zope-interface"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("3.8.1 +", "a '+' without a patch name behind it"),
        ("3.8.1 + x", "a '+' without a patch name behind it"),
        ("+x", "the version is missing"),
        ("+", "the version is missing"),
        (">=3.8 +x", "'>=3.8' is a range; patches are for one version"),
        ("~=3.8 +x", "'~=3.8' is a range; patches are for one version"),
        ("!=3.8 +x", "'!=3.8' is a range; patches are for one version"),
        ("3.8.1 +a +b +a", "patch 'a' is named twice"),
        ("3.8.1 +poll-inv +Poll_.Inv", "patch 'Poll_.Inv' is named twice"),
        (
            "3.8.1 +a+b",
            "'a+b' is not a patch name (ASCII letters, digits, '.', '_', '-')",
        ),
        (
            "3.8.1 ++a",
            "'+a' is not a patch name (ASCII letters, digits, '.', '_', '-')",
        ),
        (
            "3.8.1 +a,+b",
            "'a,+b' is not a patch name (ASCII letters, digits, '.', '_', '-')",
        ),
        (
            "3.8.1 +../x",
            "'../x' is not a patch name (ASCII letters, digits, '.', '_', '-')",
        ),
        (
            "3.8.1 +\N{CYRILLIC SMALL LETTER A}",
            "'\N{CYRILLIC SMALL LETTER A}' is not a patch name "
            "(ASCII letters, digits, '.', '_', '-')",
        ),
        (
            "3.8.1 +a-",
            "'a-' is not a patch name (ASCII letters, digits, '.', '_', '-')",
        ),
        (
            "3.8.1 +a ; why",
            "';' does not begin a comment here; put the comment on a separate line",
        ),
        (
            "3.8.1 +a # why",
            "'#' does not begin a comment here; put the comment on a separate line",
        ),
        ("3.8.1 b +a", "'b' has no '+' before it"),
        ("3.8.1+foo +a", "'3.8.1+foo' has a local label already"),
        ("1.3.4nxd6 +a", "'1.3.4nxd6' is not a version (PEP 440)"),
        ("3.8.* +a", "'3.8.*' is not a version (PEP 440)"),
        ("3.8.1+ a", "'3.8.1+' has its '+' behind it; the '+' belongs before the name"),
        ("latest +a", "'latest' is not a version (PEP 440)"),
        ("\N{ARABIC-INDIC DIGIT THREE} +a", "'\u0663' is not a version (PEP 440)"),
    ],
)
def test_malformed_pins(value, reason):
    with pytest.raises(PinError) as caught:
        Pin.parse("ZODB3", value)

    assert str(caught.value) == (
        f"Malformed pin 'ZODB3 = {value}': {reason}; "
        "a patched pin is 'ZODB3 = VERSION +PATCH ...'"
    )


def test_a_malformed_pin_says_where_it_is_and_keeps_what_was_written():
    with pytest.raises(PinError) as caught:
        Pin.parse("ZODB3", "3.8.1\n\t+", "base.cfg:7")

    error = caught.value
    assert str(error) == (
        "Malformed pin 'ZODB3 = 3.8.1 +' (base.cfg:7): a '+' without a patch name "
        "behind it; a patched pin is 'ZODB3 = VERSION +PATCH ...'"
    )
    assert (error.project, error.value) == ("ZODB3", "3.8.1\n\t+")
    assert (error.where, error.reason) == (
        "base.cfg:7",
        "a '+' without a patch name behind it",
    )


@pytest.mark.parametrize("value", ["", " \n "])
def test_an_empty_value_has_no_version(value):
    with pytest.raises(PinError, match="the version is missing"):
        Pin.parse("ZODB3", value)


def test_an_exact_requirement_has_to_drop_the_operator():
    with pytest.raises(PinError) as caught:
        Pin.parse("ZODB3", "==3.8.1 +x")

    assert "is a range" not in str(caught.value)


@pytest.mark.parametrize("value", ["zc.buildout = 6.0.1", "1.0 = 2", "latest fix"])
def test_what_is_no_version_with_names_is_left_to_buildout(value):
    """An option whose value is several settings, for example, is no pin."""
    refuse_missing_plus("pond", value)
