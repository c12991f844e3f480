"""What pip's configuration says, in the words of uv, which reads none of it.

uv gets nothing but this: neither its own configuration nor its variables may change
what is built.  An option of pip that uv does not have, or that is not known here, is a
reason to build with pip.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from configparser import Error, RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from packaging.version import Version

from poach.build.pipconfig import BARRED, files, option_name
from poach.errors import PoachError
from poach.pins.location import without_credentials

DEFAULT_INDEX = "https://pypi.org/simple"
#: Options of pip that uv is given, too.
_GIVEN = frozenset(
    (
        *("build-constraint", "cert", "constraint", "extra-index-url", "find-links"),
        *("index-url", "no-cache-dir", "no-index", "trusted-host"),
    )
)
#: Options of pip that do not matter for what is built, nor for where it comes from.
_IDLE = frozenset(
    (
        *("break-system-packages", "cache-dir", "compile", "config-file", "debug"),
        *("default-timeout", "disable-pip-version-check", "exists-action", "local-log"),
        *("log", "log-file", "no-clean", "no-color", "no-compile", "no-input"),
        *("no-python-version-warning", "no-warn-conflicts", "no-warn-script-location"),
        *("progress-bar", "resume-retries", "retries", "root-user-action", "timeout"),
        "verbose",
    )
)
_COMMANDS = ("install", "wheel")
#: The first pip with ``build-constraint``, and the first that heeds nothing else then.
_BUILD_CONSTRAINT, _NO_CONSTRAINT = Version("25.3"), Version("26.2")
_YES = ("y", "yes", "t", "true", "on", "1")
_NO = ("n", "no", "f", "false", "off", "0")
_ARCHIVES = (".whl", ".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".xz", ".egg")
#: Variables of uv that do not matter for what is built: the others are not handed on.
_KEPT = frozenset(
    (
        *("UV_CACHE_DIR", "UV_CONCURRENT_BUILDS", "UV_CONCURRENT_DOWNLOADS"),
        *("UV_CONCURRENT_INSTALLS", "UV_HTTP_RETRIES", "UV_HTTP_TIMEOUT"),
        *("UV_LINK_MODE", "UV_NATIVE_TLS", "UV_NO_CACHE", "UV_SYSTEM_CERTS"),
    )
)


class Unsayable(PoachError):
    """Something that pip does and uv cannot be asked for."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Places:
    """Where uv finds what a build requires."""

    #: URLs of package indexes, pip's ``index-url`` last; empty where none is asked.
    indexes: Sequence[str]
    #: Folders, pages and URLs of pages.
    links: Sequence[str]
    #: Hosts whose certificate does not matter.
    trusted: Sequence[str]

    def as_toml(self) -> str:
        """Return a configuration of uv that knows these places, and no others."""
        # The newest of all counts, as with pip, not that of the first index with any.
        lines = ['index-strategy = "unsafe-best-match"']
        lines += [f"find-links = {json.dumps(self.links)}"]
        lines += [f"allow-insecure-host = {json.dumps(self.trusted)}"]
        lines += [f"no-index = {json.dumps(not self.indexes)}"]
        for url in self.indexes:
            lines += ["[[index]]", f"url = {json.dumps(url)}"]
        return "\n".join([*lines, *["default = true"][: len(self.indexes)], ""])


def options(environ: Mapping[str, str], prefix: str, pip: Version) -> dict[str, str]:
    """Return the options of pip that uv is to be given, by name.

    `environ` is pip's environment, `prefix` that of its interpreter, `pip` its release.
    Raises `Unsayable` for an option that uv does not have.
    """
    found: dict[str, str] = {}
    for path in files(environ, prefix):
        found |= _read(path)
    variables = {k[4:]: v for k, v in environ.items() if k.upper().startswith("PIP_")}
    found |= {option_name(name): value for name, value in variables.items() if value}
    found = {name: v for name, v in found.items() if v and name not in BARRED | _IDLE}
    for name in sorted(found.keys() - _GIVEN):
        raise Unsayable(f"pip's option {name} is set, for which uv has nothing")
    return found | {"constraint": _constraint(found, pip)}


def places(
    said: Mapping[str, str], indexes: Sequence[str], links: Sequence[str], cwd: Path
) -> Places:
    """Return the places in `said`, pip's options, with `indexes` and `links`.

    Paths count from `cwd`; what is not there does not count, as for pip.  Raises
    `Unsayable`.
    """
    asked = [*indexes, *said.get("extra-index-url", "").split()]
    asked.append(said.get("index-url", DEFAULT_INDEX).strip())
    named = [*links, *said.get("find-links", "").split()]
    found = [place for each in named for place in _link(each, cwd)]
    trusted = said.get("trusted-host", "").split()
    asked = [] if _is_set(said, "no-index") else asked
    return Places([*dict.fromkeys(asked)], [*dict.fromkeys(found)], trusted)


def environment(environ: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` for a uv that trusts whom pip trusts, by pip's options `said`.

    What is built sees no modules of the user, as with pip.
    """
    env = {k: v for k, v in environ.items() if k in _KEPT or not k.startswith("UV_")}
    env.pop("PYTHONPATH", None)
    if env.get("UV_CACHE_DIR"):
        env["UV_CACHE_DIR"] = str(Path(env["UV_CACHE_DIR"]).absolute())
    bundles = said.get("cert"), env.get("REQUESTS_CA_BUNDLE"), env.get("CURL_CA_BUNDLE")
    bundle = next(filter(None, bundles), None)
    if bundle:
        env["SSL_CERT_DIR" if Path(bundle).is_dir() else "SSL_CERT_FILE"] = bundle
    elif _has_certificates():
        env = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true", **env}
    if constraint := said.get("constraint"):
        env["UV_BUILD_CONSTRAINT"] = constraint
    if "no-cache-dir" in said or not _is_usable(_cache(env)):
        env["UV_NO_CACHE"] = "true"
    return {**env, "PYTHONNOUSERSITE": "1"}


def _constraint(said: Mapping[str, str], pip: Version) -> str:
    """Return which files constrain what a build requires, for that release of pip."""
    for_builds = said.get("build-constraint", "") if pip >= _BUILD_CONSTRAINT else ""
    for_all = said.get("constraint", "") if pip < _NO_CONSTRAINT else ""
    return " ".join((for_builds or for_all).split())


def _read(path: Path) -> dict[str, str]:
    """Return what one file says to all commands of pip."""
    config = RawConfigParser()
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as stream:
            config.read_file(stream)
    except OSError:
        return {}
    except Error:
        raise Unsayable(f"{path} is no configuration of pip") from None
    for section in filter(config.has_section, _COMMANDS):
        for name, value in config.items(section):
            if value and option_name(name) not in BARRED | _IDLE:
                told = f"pip's option {name} is set in [{section}] of {path}"
                raise Unsayable(f"{told}, and uv has no such sections")
    found = config.items("global") if config.has_section("global") else ()
    return {option_name(name): value for name, value in found}


def _is_set(said: Mapping[str, str], name: str) -> bool:
    value = said.get(name, "no").strip().lower()
    if value not in _YES + _NO:
        raise Unsayable(f"pip's option {name} is {value!r}, neither yes nor no")
    return value in _YES


def _link(place: str, cwd: Path) -> Iterator[str]:
    """Yield `place` as uv takes it, if it is there."""
    parts = urlsplit(place)
    if "://" in place and parts.scheme != "file":
        if parts.scheme not in ("http", "https") or parts.path.endswith(_ARCHIVES):
            raise Unsayable(f"find-links has {without_credentials(place)}, no page")
        yield place
        return
    local = _of_url(parts.path) if parts.scheme == "file" else place
    path = cwd / Path(local).expanduser()
    if path.is_dir() and not any(path.glob("*.htm*")):  # pip would read those pages
        yield str(path)
    elif path.exists() and path.suffix not in (".html", ".htm"):
        raise Unsayable(f"find-links has {path}, which uv reads in another way")
    elif path.exists():
        yield str(path)


def _of_url(path: str) -> str:
    # Imported late: few links are URLs of files, and this imports much.
    from urllib.request import url2pathname

    return url2pathname(path)


def _has_certificates() -> bool:
    """Tell whether the system has certificates, which new releases of pip trust."""
    paths = ssl.get_default_verify_paths()
    return os.name == "nt" or bool(paths.cafile or paths.capath)


def _cache(env: Mapping[str, str]) -> Path:
    """Return the folder of uv's cache (uv's manual)."""
    home = Path(env.get("HOME") or Path.home())
    if os.name == "nt":
        return Path(env.get("UV_CACHE_DIR") or env.get("LOCALAPPDATA") or home)
    folder = Path(env.get("XDG_CACHE_HOME") or home / ".cache", "uv")
    return Path(env.get("UV_CACHE_DIR") or folder)


def _is_usable(cache: Path) -> bool:
    """Tell whether there can be a cache; without, uv stops and pip goes on."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(cache, os.W_OK | os.X_OK)
