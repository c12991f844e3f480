"""Locations: where a diff is to be had, and how it is to be applied."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from poach.errors import PoachError, did_you_mean
from poach.names import is_patch_name, is_version

_SDIST = re.compile(
    r"sdist:(?P<project>[^=/#\s]+)==(?P<version>[^=/#\s]+)/(?P<path>.+)"
)
# A single letter is a drive of Windows.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://|(file|https?):", re.IGNORECASE)
# What hides secrets is compiled when there are messages with URLs; few runs have some.
_USER = r"(://)[^/?#\s]*@"
#: Up to white space, or to a quote that ends the URL.  Libraries for HTTP tell of what
#: they ask a server for without the server ("url: /path?query").
_QUERY = (
    r"(?:://|(?<=url: )/)(?:(?!://)[^?#\s])*\?"
    r"(?:[^\s\"'<>]|[\"'<>](?=[\w%&=+/-]))*"
)
_ANY_QUERY = r"(://[^?#\s]*)\?[^#\s]*"
_PARAMETER = r"([?&;][^?&;=#]*=)[^&;#]*"
#: Names of query parameters whose values are secret, by a part of the name, a word of
#: it, or (one-time codes, sessions) all of it; `author`, `design` and `encode` are not.
_SECRET = (
    r"token|secret|signature|passw|passphrase|passcode|pwd|credential|bearer|jwt|cookie"
    r"|auth(?!ors?(?![a-z]))|key(?!word)|sess(ion)?[._-]?id|saml|^.x-(amz|goog)-"
    r"|(?<![a-z])(sig|sas|pass|otp|assertion)(?![a-z])"
    r"|^.(code|sid|session|pw)="
)
_LONGEST = 500  # characters of what a server says
_NUMBER = re.compile(r"[0-9]{1,9}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class LocationError(PoachError):
    """A location that cannot be read; `text` is as written, `reason` the rule."""

    text: str
    reason: str

    def __str__(self) -> str:
        return f"Bad location {without_credentials(self.text)!r}: {self.reason}"


class Kind(Enum):
    """What a location points to."""

    PATH = "path"
    URL = "url"
    SDIST = "sdist"


class Location(NamedTuple):
    """One diff's place and the options that ride in its fragment.

    Options are None where they are not given.
    """

    kind: Kind
    #: A path, a URL without fragment, or the path inside an sdist.
    target: str
    #: The project of an sdist.
    project: str = ""
    #: The version of an sdist.
    version: str = ""
    #: The digest of the diff's bytes, in hex.
    sha256: str | None = None
    #: How many leading components of a path to drop.
    strip: int | None = None
    #: The folder of the source tree from which the diff's paths count.
    directory: str | None = None
    #: How many lines of context need not match.
    fuzz: int | None = None
    #: What to do about a diff without effect: error, warn, ignore.
    effect: str | None = None
    #: Globs of files that are left out.
    exclude: tuple[str, ...] = ()
    #: "keep" or "any": whether line endings have to match.
    eol: str | None = None

    @classmethod
    def parse(cls, text: str) -> Location:
        """Parse one location, `str` of which gives it back; raises `LocationError`."""
        place, _, fragment = text.strip().partition("#")
        try:
            return cls(*_place(place), **_options(fragment))  # type: ignore[arg-type]
        except ValueError as error:
            raise LocationError(text, str(error)) from None

    def at(self, target: str) -> Location:
        """Return this location, a path, with another path or URL in its place."""
        return self._replace(kind=_place(target)[0], target=target)

    @property
    def place(self) -> str:
        """The location without its options."""
        if self.kind is Kind.SDIST:
            return f"sdist:{self.project}=={self.version}/{self.target}"
        if self.kind is Kind.PATH and _needs_quotes(self.target):
            return "file://" + quote(self.target)
        return self.target

    @property
    def shown(self) -> str:
        """The place for messages and records: without credentials."""
        return without_credentials(self.place)

    def __str__(self) -> str:
        fragment = "&".join(
            f"{name}={quote(str(value), safe='/*?')}"
            for name in _READERS
            for value in self._values(name)
        )
        return f"{self.place}#{fragment}" if fragment else self.place

    def _values(self, name: str) -> tuple[object, ...]:
        value = getattr(self, name)
        if name in _REPEATED:
            return tuple(value)
        return () if value is None else (value,)


def without_credentials(text: str) -> str:
    """Return `text` without the secrets in its URLs, fit to be shown.

    That is without user and password, and with ``***`` for the values of query
    parameters that are called like a secret.  `text` may be a URL, a word of a
    command or all that a program printed.
    """
    return re.sub(_QUERY, _masked, re.sub(_USER, r"\1", text))


def recordable(text: str) -> str:
    """Return `text` fit to be recorded: without user, password and query in its URLs.

    Records travel further than what is shown, and any parameter may be secret.
    """
    return re.sub(_ANY_QUERY, r"\1", without_credentials(text))


def plain(text: str) -> str:
    """Return what a server may have said as one short line to show.

    It has neither control codes, which a terminal would obey, nor credentials.
    """
    shown = "".join(c if c.isprintable() else " " for c in without_credentials(text))
    return " ".join(shown.split())[:_LONGEST]


def _masked(query: re.Match[str]) -> str:
    return re.sub(
        _PARAMETER,
        lambda found: found[1] + "***" if _is_secret(found[1]) else found[0],
        query[0],
    )


def _is_secret(name: str) -> bool:
    return bool(re.search(_SECRET, unquote(name), re.IGNORECASE))


def is_url(text: str) -> bool:
    """Return whether `text` is an http or https URL."""
    return text[:8].lower().startswith(("http://", "https://"))


def _needs_quotes(path: str) -> bool:
    return path.startswith("/") and ("#" in path or path != path.strip())


def _place(text: str) -> tuple[Kind, str, str, str]:
    if not text:
        raise ValueError("it is empty")
    if "\0" in text:
        raise ValueError("it has a NUL in it")
    if text.startswith("sdist:"):
        return _sdist(text)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return Kind.PATH, text, "", ""
    name = (scheme[1] or scheme[2]).lower()
    if name == "file":
        return Kind.PATH, _file_path(text), "", ""
    if name in ("http", "https"):
        return Kind.URL, _url(text), "", ""
    raise ValueError(
        f"scheme {name!r} is not known; "
        "a diff is a path, a file: or http(s): URL, or sdist:NAME==VERSION/PATH"
    )


def _file_path(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc.lower() not in ("", "localhost"):
        raise ValueError("a file: URL has no host")
    if parts.query:
        raise ValueError("a file: URL has no query; write %3F for '?'")
    path = unquote(parts.path)
    if not path.startswith("/") or "\0" in path:
        raise ValueError("a file: URL needs an absolute path")
    return path


def _url(text: str) -> str:
    if not is_url(text) or not urlsplit(text).hostname:
        raise ValueError("a URL needs a host, as in https://host/path")
    return text


def _sdist(text: str) -> tuple[Kind, str, str, str]:
    found = _SDIST.fullmatch(text)
    if found is None:
        raise ValueError("a diff in an sdist is sdist:NAME==VERSION/PATH")
    if not is_patch_name(found["project"]):
        raise ValueError(f"{found['project']!r} is not a project name (PEP 508)")
    if not is_version(found["version"]):
        raise ValueError(f"{found['version']!r} is not a version (PEP 440)")
    return Kind.SDIST, found["path"], found["project"], found["version"]


def _options(fragment: str) -> dict[str, str | int | tuple[str, ...]]:
    options: dict[str, str | int | tuple[str, ...]] = {}
    for word in filter(None, fragment.split("&")):
        name, _, value = word.partition("=")
        if name not in _READERS:
            raise ValueError(
                f"option {name!r} is not known{did_you_mean(name, _READERS)} "
                f"({', '.join(_READERS)})"
            )
        read = _READERS[name](unquote(value, errors="strict"))
        if name in _REPEATED:
            options[name] = (*_several(options.get(name)), str(read))
            continue
        if name in options:
            raise ValueError(f"option {name!r} is given twice")
        options[name] = read
    return options


def _several(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, tuple) else ()


def _sha256(value: str) -> str:
    if not _SHA256.fullmatch(value.lower()):
        raise ValueError(f"sha256={value!r} is not 64 hex digits")
    return value.lower()


def _strip(value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise ValueError(f"strip={value!r} is not a number of path components")
    return int(value)


def _fuzz(value: str) -> int:
    if value not in ("0", "1", "2"):
        raise ValueError(f"fuzz={value!r} is not 0, 1 or 2")
    return int(value)


def _effect(value: str) -> str:
    if value not in ("error", "warn", "ignore"):
        raise ValueError(f"effect={value!r} is not error, warn or ignore")
    return value


def glob(value: str) -> str:
    """Return a glob of `exclude`; raise `ValueError`."""
    if not value.strip() or value.startswith("/") or not value.isprintable():
        raise ValueError(f"exclude={value!r} is not a glob for the names in a diff")
    return value


def _eol(value: str) -> str:
    if value not in ("keep", "any"):
        raise ValueError(f"eol={value!r} is not keep or any")
    return value


def _directory(value: str) -> str:
    parts = value.split("/")
    drive = value[1:2] == ":"
    if value.startswith("/") or drive or "\\" in value or ".." in parts:
        raise ValueError(f"directory={value!r} is not below the source tree")
    return "/".join(part for part in parts if part not in ("", "."))


_READERS: dict[str, Callable[[str], str | int]] = {
    "sha256": _sha256,
    "strip": _strip,
    "directory": _directory,
    "fuzz": _fuzz,
    "effect": _effect,
    "exclude": glob,
    "eol": _eol,
}
_REPEATED = ("exclude",)
