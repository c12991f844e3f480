"""What pip's configuration says, in the words of uv."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from packaging.version import Version

from poach.build import uvconfig
from poach.build.pipconfig import BARRED
from poach.build.uvconfig import DEFAULT_INDEX, Places, Unsayable

PIP = Version("26.3")


def options(tmp_path, text="", pip=PIP, **variables):
    """Return what uv is given where the user has that pip.conf, and no other."""
    (tmp_path / "pip.conf").write_text(text)
    named = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "none")}
    found = uvconfig.options({**environ, **named, **variables}, "/none", pip)
    return {name: value for name, value in found.items() if value}


@pytest.fixture(autouse=True)
def no_system(monkeypatch):
    """Keep the configuration of the machine away."""
    real = uvconfig.files
    monkeypatch.setattr(
        uvconfig,
        "files",
        lambda env, prefix: [p for p in real(env, prefix) if str(p) != "/etc/pip.conf"],
    )


def places(said, *links, indexes=(), cwd=Path("/")):
    return uvconfig.places(said, indexes, links, cwd)


def test_options_that_uv_is_given(tmp_path):
    text = "[global]\nindex_url = https://a\n--find-links = /x\n  /y\ntimeout = 5\n"

    assert options(tmp_path, text, PIP_NO_INDEX="1", PIP_RETRIES="2") == {
        "index-url": "https://a",
        "find-links": "/x\n/y",
        "no-index": "1",
    }


def test_what_only_poach_says_does_not_count(tmp_path):
    lines = "\n".join(f"{name} = x" for name in sorted(BARRED))
    text = "".join(f"[{each}]\n{lines}\n" for each in ("global", "install", "wheel"))
    variables = {f"PIP_{name.upper().replace('-', '_')}": "x" for name in BARRED}

    assert options(tmp_path, text, **variables) == {}


UNKNOWN = [
    *("no-binary", "only-binary", "prefer-binary", "pre", "config-settings", "proxy"),
    *("no-build-isolation", "use-pep517", "use-feature", "client-cert", "pypi-url"),
    *("keyring-provider", "uploaded-prior-to", "what-comes-next"),
]


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_option_that_uv_lacks_is_a_reason_for_pip(tmp_path, name):
    said = f"^pip's option {name} is set, for which uv has nothing$"
    with pytest.raises(Unsayable, match=said):
        options(tmp_path, f"[global]\n{name} = x\n")
    with pytest.raises(Unsayable, match=said):
        options(tmp_path, **{f"PIP_{name.upper().replace('-', '_')}": "x"})


@pytest.mark.parametrize("section", ["install", "wheel"])
def test_so_is_one_of_a_single_command(tmp_path, section):
    said = rf"option find-links is set in \[{section}\] of {tmp_path}/pip.conf, and uv"
    with pytest.raises(Unsayable, match=said):
        options(tmp_path, f"[{section}]\nfind-links = /x\n")

    assert options(tmp_path, f"[{section}]\ntimeout = 5\n[list]\npre = 1\n") == {}


def test_so_is_a_file_that_is_no_configuration(tmp_path):
    with pytest.raises(Unsayable, match=r"pip\.conf is no configuration of pip"):
        options(tmp_path, "index-url = x\n")


def test_each_file_counts_more_than_those_before(tmp_path):
    files = {
        "xdg/pip/pip.conf": "index-url = 1\nfind-links = 1\ncert = 1\nno-index = 1",
        ".pip/pip.conf": "index-url = 2\nfind-links = 2\ncert = 2",
        ".config/pip/pip.conf": "index-url = 3\nfind-links = 3",
        "prefix/pip.conf": "index-url = 4",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(f"[global]\n{text}\n")
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "xdg")}

    found = uvconfig.options(environ, str(tmp_path / "prefix"), PIP)

    assert found == {
        **{"index-url": "4", "find-links": "3", "cert": "2", "no-index": "1"},
        "constraint": "",
    }


def test_no_file_counts_where_pip_reads_none(tmp_path):
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip/pip.conf").write_text("[global]\npre = 1\n")

    assert options(tmp_path, PIP_CONFIG_FILE=os.devnull) == {}


@pytest.mark.parametrize(
    "release, wanted",
    [("25.2", "all"), ("25.3", "builds"), ("26.1", "builds"), ("26.3", "builds")],
)
def test_constraints_are_those_that_this_pip_heeds(tmp_path, release, wanted):
    text = "[global]\nconstraint = all\nbuild-constraint = builds"

    assert options(tmp_path, text, Version(release)) == {
        **{"build-constraint": "builds", "constraint": wanted}
    }


@pytest.mark.parametrize("release, heeded", [("25.2", 1), ("26.1", 1), ("26.3", 0)])
def test_constraints_for_all_that_pip_installs(tmp_path, release, heeded):
    found = options(tmp_path, PIP_CONSTRAINT="a b", pip=Version(release))

    assert found == ({"constraint": "a b"} if heeded else {})


def test_indexes(tmp_path):
    said = {"extra-index-url": "https://b https://c", "index-url": "https://d"}

    assert places(said, indexes=["https://a", "https://b"]).indexes == [
        *("https://a", "https://b", "https://c", "https://d")
    ]
    assert places({}).indexes == [DEFAULT_INDEX]
    assert places({**said, "no-index": "on"}, indexes=["https://a"]).indexes == []
    with pytest.raises(Unsayable, match="no-index is 'perhaps', neither yes nor no"):
        places({"no-index": "perhaps"})


def test_links_that_are_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my wheels").mkdir()
    (tmp_path / "wheels").mkdir()
    (tmp_path / "page.html").touch()
    said = {"find-links": "wheels not-there ~/wheels https://x/links?a=b"}

    found = places(said, f"{tmp_path}/page.html", f"file://{tmp_path}/my%20wheels")

    assert found.links == [
        *(f"{tmp_path}/page.html", f"{tmp_path}/my wheels", f"{tmp_path}/wheels"),
        "https://x/links?a=b",
    ]
    assert places(said, cwd=tmp_path).links[0] == f"{tmp_path}/wheels"


@pytest.mark.parametrize(
    "link", ["{0}/a.whl", "file://{0}/a.whl", "https://x/a.tar.gz", "ftp://x/", "{0}"]
)
def test_links_that_uv_takes_otherwise_are_a_reason_for_pip(tmp_path, link):
    for name in "a.whl", "page.html":
        (tmp_path / name).touch()

    with pytest.raises(Unsayable, match=r"^find-links has "):
        places({}, link.format(tmp_path))


def test_a_reason_shows_no_password():
    with pytest.raises(Unsayable) as caught:
        places({}, "https://jane:secret@x/a.zip")

    assert "secret" not in str(caught.value)


def test_a_configuration_of_uv():
    tomllib = pytest.importorskip("tomllib")
    strange = 'https://jane:p"w\\@x/\n'

    assert tomllib.loads(Places([strange, "b"], ["/é"], ["host"]).as_toml()) == {
        "index-strategy": "unsafe-best-match",
        "find-links": ["/é"],
        "allow-insecure-host": ["host"],
        "no-index": False,
        "index": [{"url": strange}, {"url": "b", "default": True}],
    }
    assert tomllib.loads(Places([], [], []).as_toml()) == {
        "index-strategy": "unsafe-best-match",
        "find-links": [],
        "allow-insecure-host": [],
        "no-index": True,
    }


def environment(tmp_path, said=None, **variables):
    found = uvconfig.environment({"HOME": str(tmp_path), **variables}, said or {})
    ours = {"HOME", "PYTHONNOUSERSITE", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS"}
    return {name: value for name, value in found.items() if name not in ours}


def test_variables_of_uv_count_only_where_they_change_nothing(tmp_path):
    changing = dict.fromkeys(
        (
            *("UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_CONFIG_FILE"),
            *("UV_EXCLUDE_NEWER", "UV_RESOLUTION", "UV_NO_BUILD_ISOLATION"),
            *("UV_OFFLINE", "UV_PYTHON", "UV_WHAT_COMES_NEXT", "PYTHONPATH"),
        ),
        "x",
    )
    kept = {"UV_HTTP_TIMEOUT": "9", "UV_CACHE_DIR": f"{tmp_path}/c", "PYTHONUTF8": "1"}

    assert environment(tmp_path, **changing, **kept) == kept


def test_what_constrains_builds_is_a_variable(tmp_path):
    found = environment(tmp_path, {"constraint": "/a /b"}, UV_BUILD_CONSTRAINT="/c")

    assert found == {"UV_BUILD_CONSTRAINT": "/a /b"}


def test_certificates_are_those_of_pip(tmp_path):
    theirs = {"REQUESTS_CA_BUNDLE": "/r", "CURL_CA_BUNDLE": "/c"}

    assert environment(tmp_path, {"cert": "/p"}, **theirs)["SSL_CERT_FILE"] == "/p"
    assert environment(tmp_path, **theirs)["SSL_CERT_FILE"] == "/r"
    found = environment(tmp_path, CURL_CA_BUNDLE=str(tmp_path))
    assert found["SSL_CERT_DIR"] == str(tmp_path)
    assert environment(tmp_path, SSL_CERT_FILE="/s") == {"SSL_CERT_FILE": "/s"}


def test_where_uv_can_have_no_cache_it_goes_without(tmp_path):
    (tmp_path / "file").touch()

    assert environment(tmp_path) == {}
    assert environment(tmp_path, {"no-cache-dir": "0"}) == {"UV_NO_CACHE": "true"}
    found = environment(tmp_path, UV_CACHE_DIR=f"{tmp_path}/file/x")
    assert found["UV_NO_CACHE"] == "true"
