"""Locations are read from the configuration and written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poach.pins.location import (
    Kind,
    Location,
    LocationError,
    recordable,
    without_credentials,
)

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

any_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
#: What a path or a URL may hold: anything but the mark of the options.
targets = any_text.filter(
    lambda text: not {"#", "\0"} & set(text) and text == text.strip()
)
paths = targets.filter(lambda text: "://" not in text and text[:6] != "sdist:")
folders = st.lists(
    any_text.filter(
        lambda text: (
            text not in (".", "..")
            and not {"/", "\\"} & set(text)
            and text[1:2] != ":"  # a drive
        )
    ),
    max_size=3,
).map("/".join)
options = {
    "sha256": st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
    "strip": st.none() | st.integers(0, 10**6),
    "directory": st.none() | folders,
    "fuzz": st.none() | st.integers(0, 2),
    "exclude": st.lists(
        st.text(min_size=1).filter(
            lambda text: text.isprintable() and text.strip() and text[0] != "/"
        ),
        max_size=3,
    ).map(tuple),
    "eol": st.sampled_from([None, "keep", "any"]),
    "effect": st.sampled_from([None, "error", "warn", "ignore"]),
}
nothing = st.just("")
locations = st.one_of(
    st.builds(Location, st.just(Kind.PATH), paths, nothing, nothing, **options),
    st.builds(
        Location,
        st.just(Kind.URL),
        targets.map("https://example.com/".__add__),
        nothing,
        nothing,
        **options,
    ),
    st.builds(
        Location,
        st.just(Kind.SDIST),
        targets.filter(lambda text: "\n" not in text),
        st.sampled_from(["RelStorage", "zope.interface"]),
        st.sampled_from(["1.1.2", "1!2.0rc1", "1.0+local"]),
        **options,
    ),
)


@given(locations)
def test_parse_and_str_are_inverses(location):
    assert Location.parse(str(location)) == location
    assert Location.parse(f"  {location}\n") == location


@given(st.text("afilestph:/#&=%2.01 é\\\n", max_size=30))
def test_any_text_is_a_location_or_a_location_error(text):
    try:
        Location.parse(text)
    except LocationError as error:
        assert str(error).startswith(f"Bad location {text!r}: ")


def test_files_to_leave_out():
    text = "fix.patch#strip=1&exclude=.travis.yml&exclude=tests/*&eol=any"
    location = Location.parse(text)
    assert (location.exclude, location.eol) == ((".travis.yml", "tests/*"), "any")
    assert str(location) == text
    assert Location.parse("fix.patch#exclude=a%26b").exclude == ("a&b",)


@pytest.mark.parametrize("glob", ["", "%20", "/etc/x", "a%0Ab"])
def test_what_is_no_glob(glob):
    with pytest.raises(LocationError, match="not a glob"):
        Location.parse(f"fix.patch#exclude={glob}")


def test_line_endings_that_are_not_known():
    with pytest.raises(LocationError, match="eol='crlf' is not keep or any"):
        Location.parse("fix.patch#eol=crlf")


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("fix.patch", Kind.PATH, "fix.patch"),
        ("/a b/é.patch", Kind.PATH, "/a b/é.patch"),
        ("a%23b.patch", Kind.PATH, "a%23b.patch"),
        (r"C:\diffs\fix.patch", Kind.PATH, r"C:\diffs\fix.patch"),
        ("c://fix.patch", Kind.PATH, "c://fix.patch"),
        ("file:///a%20b/c.patch", Kind.PATH, "/a b/c.patch"),
        ("FILE://localhost/c.patch", Kind.PATH, "/c.patch"),
        ("http://h/a.patch?x=1&y=2", Kind.URL, "http://h/a.patch?x=1&y=2"),
        ("HTTPS://h/a%20b.patch", Kind.URL, "HTTPS://h/a%20b.patch"),
        ("sdist:X==1.0/a b.patch", Kind.SDIST, "a b.patch"),
    ],
)
def test_kinds(text, kind, target):
    location = Location.parse(text)

    assert (location.kind, location.target) == (kind, target)


def test_a_member_of_an_sdist():
    text = (
        "sdist:RelStorage==1.1.2/poll-invalidation-1-zodb-3-8-0.patch"
        "#directory=src/ZODB"
    )

    location = Location.parse(text)

    assert location == Location(
        Kind.SDIST,
        "poll-invalidation-1-zodb-3-8-0.patch",
        "RelStorage",
        "1.1.2",
        directory="src/ZODB",
    )
    assert str(location) == text
    assert location.place == text.partition("#")[0]


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("", {}),
        ("&&", {}),
        ("strip=0", {"strip": 0}),
        ("strip=007", {"strip": 7}),
        ("fuzz=2&strip=1", {"fuzz": 2, "strip": 1}),
        ("&fuzz=0&", {"fuzz": 0}),
        (f"sha256={HEX.upper()}", {"sha256": HEX}),
        ("directory=src/ZODB", {"directory": "src/ZODB"}),
        ("directory=./src//ZODB/.", {"directory": "src/ZODB"}),
        ("directory=src%2FZODB", {"directory": "src/ZODB"}),
        ("directory=a%26b%3Dc%23d", {"directory": "a&b=c#d"}),
        ("directory=a=b", {"directory": "a=b"}),
        ("directory=..a", {"directory": "..a"}),
        ("directory=", {"directory": ""}),
        ("directory=.", {"directory": ""}),
    ],
)
def test_options(fragment, expected):
    assert Location.parse(f"a.patch#{fragment}") == Location(
        Kind.PATH, "a.patch", **expected
    )


KNOWN = "(sha256, strip, directory, fuzz, effect, exclude, eol)"
IN_SDIST = "a diff in an sdist is sdist:NAME==VERSION/PATH"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("#strip=1", "it is empty"),
        (
            "ftp://h/x",
            "scheme 'ftp' is not known; a diff is a path, a file: or http(s): URL, "
            "or sdist:NAME==VERSION/PATH",
        ),
        (
            "git+https://h/x",
            "scheme 'git+https' is not known; a diff is a path, a file: or http(s): "
            "URL, or sdist:NAME==VERSION/PATH",
        ),
        ("file://host/x", "a file: URL has no host"),
        ("file://relative.patch", "a file: URL has no host"),
        ("sdist:", IN_SDIST),
        ("sdist:X", IN_SDIST),
        ("sdist:X==1", IN_SDIST),
        ("sdist:X==1/", IN_SDIST),
        ("sdist:X=1/p", IN_SDIST),
        ("sdist:X===1/p", IN_SDIST),
        ("sdist:X>=1/p", IN_SDIST),
        ("sdist:X ==1/p", IN_SDIST),
        ("sdist:==1/p", IN_SDIST),
        ("sdist:X==1.*/p", "'1.*' is not a version (PEP 440)"),
        ("sdist:X==new/p", "'new' is not a version (PEP 440)"),
        ("a#strop=1", f"option 'strop' is not known; did you mean 'strip'? {KNOWN}"),
        ("a#Strip=1", f"option 'Strip' is not known; did you mean 'strip'? {KNOWN}"),
        (
            "a#dirctory=x",
            f"option 'dirctory' is not known; did you mean 'directory'? {KNOWN}",
        ),
        ("a#egg=X", f"option 'egg' is not known {KNOWN}"),
        ("a#=1", f"option '' is not known {KNOWN}"),
        ("a#strip=1&strip=1", "option 'strip' is given twice"),
        ("a#strip", "strip='' is not a number of path components"),
        ("a#strip=-1", "strip='-1' is not a number of path components"),
        ("a#strip=1.0", "strip='1.0' is not a number of path components"),
        ("a#strip=\xb2", "strip='\xb2' is not a number of path components"),
        ("a#strip=1#fuzz=2", "strip='1#fuzz=2' is not a number of path components"),
        ("a#fuzz=3", "fuzz='3' is not 0, 1 or 2"),
        ("a#fuzz=", "fuzz='' is not 0, 1 or 2"),
        ("a#effect=", "effect='' is not error, warn or ignore"),
        ("a#effect=Warn", "effect='Warn' is not error, warn or ignore"),
        ("a#sha256=", "sha256='' is not 64 hex digits"),
        ("a#sha256=" + "g" * 64, f"sha256={'g' * 64!r} is not 64 hex digits"),
        (f"a#sha256={HEX}0", f"sha256={HEX + '0'!r} is not 64 hex digits"),
        (f"a#sha256={HEX}%0A", f"sha256={HEX + chr(10)!r} is not 64 hex digits"),
        ("a#directory=..", "directory='..' is not below the source tree"),
        ("a#directory=a/../..", "directory='a/../..' is not below the source tree"),
        ("a#directory=%2e%2e/b", "directory='../b' is not below the source tree"),
        ("a#directory=/etc", "directory='/etc' is not below the source tree"),
        ("a#directory=%2Fetc", "directory='/etc' is not below the source tree"),
        (r"a#directory=..\b", r"directory='..\\b' is not below the source tree"),
    ],
)
def test_bad_locations(text, reason):
    with pytest.raises(LocationError) as caught:
        Location.parse(text)

    assert str(caught.value) == f"Bad location {text!r}: {reason}"
    assert (caught.value.text, caught.value.reason) == (text, reason)


def test_another_place_keeps_the_options():
    location = Location.parse("a.patch#strip=2&fuzz=1").at("/abs/a.patch")

    assert location == Location(Kind.PATH, "/abs/a.patch", strip=2, fuzz=1)


def test_a_path_below_a_url_is_a_url():
    location = Location.parse("a.patch#strip=2").at("https://h/cfg/a.patch")

    assert location == Location(Kind.URL, "https://h/cfg/a.patch", strip=2)


@pytest.mark.parametrize("text", ["file:///a%23strip", "file:///a%20"])
def test_a_file_url_is_written_so_that_it_is_read_back(text):
    location = Location.parse(text)

    assert Location.parse(str(location)) == location


def test_a_question_mark_in_a_file_url_is_not_dropped():
    try:
        location = Location.parse("file:///a?b.patch")
    except LocationError:
        return
    assert location.target == "/a?b.patch"


def test_the_short_form_of_a_file_url():
    assert Location.parse("file:/a.patch").target == "/a.patch"  # RFC 8089


@pytest.mark.parametrize(
    "text",
    [
        "file://",
        "file:///a%00b",
        "http:/h/a.patch",
        "https:h/a.patch",
        "http:///a.patch",
        "http://[::1/x",
        "http://",
        "http://:80/x",
        "a#strip=\N{ARABIC-INDIC DIGIT THREE}",
        "a#directory=C:/x",
        "a#directory=%ff",
        "sdist:\xe9==1/p",
        "sdist:X[extra]==1/p",
    ],
)
def test_more_bad_locations(text):
    with pytest.raises(LocationError):
        Location.parse(text)


def test_a_huge_strip_is_refused_in_our_words():
    with pytest.raises(LocationError, match="is not a number of path components"):
        Location.parse("a#strip=" + "9" * 5000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com/a?id=123", "https://example.com/a?id=123"),
        ("https://jane:secret@example.com/a", "https://example.com/a"),
        ("HTTP://token@example.com:80/a@b", "HTTP://example.com:80/a@b"),
        ("https://jane:se@cret@example.com", "https://example.com"),
        ("--find-links=https://j:s@e.org/x", "--find-links=https://e.org/x"),
        ("git+https://j:s@e.org/x", "git+https://e.org/x"),
        ("a http://j:s@x/ b\nhttp://j:s@y/ c", "a http://x/ b\nhttp://y/ c"),
        ("'https://e.org/?token=ab', cd", "'https://e.org/?token=***', cd"),
        ("https://e.org/?a=1&Token=s#b=2", "https://e.org/?a=1&Token=***#b=2"),
        ("https://e.org/?sig=s;a=1", "https://e.org/?sig=***;a=1"),
        ("https://e.org/?access%5Ftoken=s", "https://e.org/?access%5Ftoken=***"),
        ("/a/path?token=s", "/a/path?token=s"),
        ("ftp://j:s@e.org/?token=s", "ftp://e.org/?token=***"),
        ("with url: /a?token=s (Caused by", "with url: /a?token=*** (Caused by"),
        (
            "https://e.org/http://j:s@f.org/?key=s",
            "https://e.org/http://f.org/?key=***",
        ),
        ("jane@example.com", "jane@example.com"),
    ],
)
def test_what_may_be_shown(text, expected):
    assert without_credentials(text) == expected
    assert without_credentials(expected) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://j:s@e.org/a?x=s&y=s#strip=0", "https://e.org/a#strip=0"),
        ("https://e.org?https://f.org/?x=s", "https://e.org"),
        ("https://e.org/a%3Fb?s b?c", "https://e.org/a%3Fb b?c"),
        ("patches/a?b.diff", "patches/a?b.diff"),
        ("sdist:pond==1.0/a?b", "sdist:pond==1.0/a?b"),
    ],
)
def test_what_may_be_recorded(text, expected):
    assert recordable(text) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("token", "private_token", "authToken", "key", "api_key", "AWSAccessKeyId"),
        *("secret", "sig", "X-Amz-Signature", "signature", "password", "passwd"),
        *("auth", "Authorization", "X-Amz-Credential", "credentials"),
        *("jwt", "id_jwt", "code", "c%%6Fde", "auth_code", "passcode", "apikey", "sas"),
        *("sas-token", "X-Amz-Security-Token", "X-Amz-Date", "X-Goog-Expires"),
        *("sessionid", "PHPSESSID", "sid", "session", "pass", "bearer", "SAMLResponse"),
        *("otp", "cookie", "assertion"),
    ],
)
def test_a_query_that_is_secret(name):
    url = f"https://example.com/fix.diff?raw=1&{name}=%s&id=2"

    assert without_credentials(url % "s3cr3t'%22") == url % "***"


@pytest.mark.parametrize(
    "name",
    [
        *("id", "author", "design", "keyword", "raw", "h", "hb", "ref", "path", "at"),
        *("encode", "country_code", "codec", "format", "sasl", "compass", "passive"),
        *("inline", "status", "version", "export", "expires", "attachment", "product"),
        *("state", "ticket", "pin"),
    ],
)
def test_a_query_that_is_not(name):
    url = f"https://example.com/fix.diff?{name}=1"

    assert without_credentials(url) == url


def test_a_bad_location_does_not_show_its_password():
    with pytest.raises(LocationError) as caught:
        Location.parse("https://jane:secret@example.com/a#fuzz=x")

    assert str(caught.value) == (
        "Bad location 'https://example.com/a#fuzz=x': fuzz='x' is not 0, 1 or 2"
    )
