"""Series files as quilt writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poach.pins.series import STRIP, EmptySeries, SeriesEntry, SeriesError, parse

files = st.text(
    st.characters(exclude_categories=["Z", "C"], exclude_characters="/#"), min_size=1
).filter(lambda name: name not in (".", "..") and name[0] != "-")
entries = st.builds(SeriesEntry, files, st.none() | st.integers(0, 20))


def line(entry: SeriesEntry) -> str:
    return entry.file if entry.strip is None else f"{entry.file} -p{entry.strip}"


@given(st.lists(entries, min_size=1))
def test_every_entry_is_read_back_in_order(wanted):
    data = "".join(line(entry) + "\n" for entry in wanted).encode()

    assert parse(data) == tuple(wanted)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a.patch\nb.diff", [SeriesEntry("a.patch"), SeriesEntry("b.diff")]),
        (b"a.patch -p0\r\nb\r\n", [SeriesEntry("a.patch", 0), SeriesEntry("b")]),
        (b"a.patch -pab\n", [SeriesEntry("a.patch", 1)]),
        (b"a.patch -p 0\n", [SeriesEntry("a.patch", 0)]),
        (b"\xef\xbb\xbfa.patch\n", [SeriesEntry("a.patch")]),
        (b"\xef\xbb\xbf# first\na.patch\n", [SeriesEntry("a.patch")]),
        (b"a.patch -p1 # why -R\n", [SeriesEntry("a.patch", 1)]),
        (b"a#b.patch\n", [SeriesEntry("a#b.patch")]),
        (b"a.patch\t#b\n", [SeriesEntry("a.patch")]),
        (b"deb/a.patch\n", [SeriesEntry("deb/a.patch")]),
        (b"./a.patch\n", [SeriesEntry("./a.patch")]),
        (b"..a.patch\n", [SeriesEntry("..a.patch")]),
        ("é.patch\n".encode(), [SeriesEntry("é.patch")]),
        (b"\xff.patch\n", [SeriesEntry("\udcff.patch")]),
        (b"b\na\nb\n", [SeriesEntry("b"), SeriesEntry("a"), SeriesEntry("b")]),
    ],
)  # fmt: skip
def test_parse(data, expected):
    assert parse(data) == tuple(expected)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"ok.patch\nx.patch  -R\n",
            "bad line 'x.patch -R' in the series file: "
            "reversed diffs are not supported",
        ),
        (
            b"x.patch -p\n",
            "bad line 'x.patch -p' in the series file: "
            "option '-p' is not known (only -pN is)",
        ),
        (
            b"x.patch -p x\n",
            "bad line 'x.patch -p x' in the series file: "
            "option '-p' is not known (only -pN is)",
        ),
        (
            b"x.patch 1\n",
            "bad line 'x.patch 1' in the series file: "
            "option '1' is not known (only -pN is)",
        ),
        (
            b"x.patch -p-1\n",
            "bad line 'x.patch -p-1' in the series file: "
            "option '-p-1' is not known (only -pN is)",
        ),
        (
            b"x.patch y.patch\n",
            "bad line 'x.patch y.patch' in the series file: "
            "option 'y.patch' is not known (only -pN is)",
        ),
        (
            b"../x.patch\n",
            "bad line '../x.patch' in the series file: "
            "the diff is not below the series' folder",
        ),
        (
            b"a/../../x.patch\n",
            "bad line 'a/../../x.patch' in the series file: "
            "the diff is not below the series' folder",
        ),
        (
            b"/x.patch -p1\n",
            "bad line '/x.patch -p1' in the series file: "
            "the diff is not below the series' folder",
        ),
    ],
)
def test_bad_lines(data, message):
    with pytest.raises(SeriesError) as caught:
        parse(data)

    assert str(caught.value) == message


def test_what_a_line_without_a_level_strips():
    assert STRIP == 1


@pytest.mark.parametrize("data", [b"", b"\n \n\t\n", b"# nothing\n  # at all\n"])
def test_a_series_names_a_diff(data):
    with pytest.raises(
        EmptySeries, match=r"^debian/patches/series does not name a diff$"
    ):
        parse(data, "debian/patches/series")


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\x1c"])
def test_only_line_feeds_end_lines(odd):
    assert len(parse(f"a{odd}b.patch\n".encode())) == 1


def test_an_option_is_no_file():
    with pytest.raises(SeriesError):
        parse(b"-p1\n")


def test_a_long_line_is_shown_in_part():
    with pytest.raises(SeriesError) as caught:
        parse(b"x.patch " + b"y" * 100_000)
    assert len(str(caught.value)) < 600
