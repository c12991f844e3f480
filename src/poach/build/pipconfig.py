"""A configuration file for one run of pip: the user's, without what breaks a build.

It also has the places with secrets, to hide them from ``ps``: anybody can read the
command line of a process.  Pip itself starts another pip for what a build requires, and
puts all its options on the command line of that, those from the environment too.  So
such places stand in the section of the command ``install``, which only that other pip
reads.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from configparser import Error, RawConfigParser
from pathlib import Path

_FILE = "PIP_CONFIG_FILE"
#: pip's options for places, and how they are called in the environment.
_PLACES = {"find-links": "PIP_FIND_LINKS", "extra-index-url": "PIP_EXTRA_INDEX_URL"}
_IN_PROCESS = "inprocess-build-deps"
#: The sections for the commands of pip that poach runs, and for those that pip runs.
_SECTIONS = ("global", "install", "wheel")
#: Options that say what pip is to build or install, for which interpreter, where that
#: goes, or that pip is to do less: poach decides these.
BARRED = frozenset(
    (
        *("prefix", "target", "root", "user", "wheel-dir", "report", "build-dir"),
        *("build", "build-directory", "src", "source", "source-dir"),
        *("source-directory", "install-option", "requirement", "editable", "group"),
        *("requirements-from-script", "only-dependencies", "only-deps", "no-deps"),
        *("no-dependencies", "python", "python-version", "platform", "abi"),
        *("implementation", "dry-run", "help", "version", "quiet", "upgrade"),
        *("force-reinstall", "ignore-installed", "require-hashes"),
        *("require-virtualenv", "require-venv"),
    )
)
#: Most of that once more: for pip 25, what is empty in our file leaves what the files
#: of the system say.  Variables come last.  Those of one blank are empty lists.
NEUTRAL = {
    **dict.fromkeys(("PIP_EDITABLE", "PIP_REQUIREMENT"), " "),
    **dict.fromkeys(("PIP_DRY_RUN", "PIP_FORCE_REINSTALL", "PIP_NO_DEPS"), "0"),
    **dict.fromkeys(("PIP_IGNORE_INSTALLED", "PIP_ONLY_DEPS", "PIP_QUIET"), "0"),
    **dict.fromkeys(("PIP_REQUIRE_HASHES", "PIP_REQUIRE_VIRTUALENV"), "0"),
    **dict.fromkeys(("PIP_UPGRADE", "PIP_USER"), "0"),
    "PIP_REPORT": os.devnull,
    "PIP_ROOT": str(Path(os.sep).resolve()),
    "_PIP_RUNNING_IN_SUBPROCESS": "1",  # so that pip starts no other interpreter
}


def configured(
    places: Mapping[str, Sequence[str]], environ: Mapping[str, str], folder: Path
) -> dict[str, str]:
    """Return `environ` for a pip that also looks at `places`; write a file for that.

    `places` are URLs by pip's option, ``find-links`` or ``extra-index-url``.  The file
    is in the private folder `folder`.  The user's own configuration counts as ever,
    except options that would change what pip builds and where it puts that.  If files
    are switched off (``PIP_CONFIG_FILE=/dev/null``), the places are in the environment.
    Raises OSError.
    """
    env = {name: value for name, value in environ.items() if not _is_barred(name)}
    env |= NEUTRAL
    if env.get(_FILE) == os.devnull:
        return {**env, **{_PLACES[o]: _joined(env, o, p) for o, p in places.items()}}
    config = _of_user(env)
    if config is None:
        return env
    _bar(config)
    section = _section(config, env)
    for option, urls in places.items():
        here = [config.get(section, option, fallback="")]
        values = [_joined(env, option, urls), *here]
        env.pop(_PLACES[option], None)  # it would count instead of the file
        config.set(section, option, "\n".join(" ".join(values).split()))
    path = folder / "pip.conf"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
        config.write(stream)
    return {**env, _FILE: str(path)}


def files(environ: Mapping[str, str], prefix: str) -> Iterator[Path]:
    """Yield all files that pip reads, which need not be there, the last counts most.

    `environ` is pip's environment, `prefix` that of its interpreter (``sys.prefix``).
    """
    if environ.get(_FILE) == os.devnull:
        return
    yield from _of_system(environ)
    named = bool(environ.get(_FILE)) and Path(environ[_FILE]).exists()
    site = Path(prefix, "pip.ini" if os.name == "nt" else "pip.conf")
    yield from [site] * named
    yield from _files(environ)
    yield from [site] * (not named)


def _of_system(env: Mapping[str, str]) -> Iterator[Path]:
    if os.name == "nt":
        yield Path(env.get("PROGRAMDATA", r"C:\ProgramData"), "pip", "pip.ini")
        return
    if sys.platform == "darwin":
        yield Path("/Library/Application Support/pip/pip.conf")
    folders = env.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    yield from (Path(each, "pip", "pip.conf") for each in folders.split(os.pathsep))
    yield Path("/etc/pip.conf")


def _is_barred(variable: str) -> bool:
    name = variable.upper()
    return name.startswith("PIP_") and option_name(name[4:]) in BARRED


def option_name(name: str) -> str:
    """Return the name of an option as pip reads it."""
    return name.lower().replace("_", "-").removeprefix("--")


def _bar(config: RawConfigParser) -> None:
    """Give barred options empty values, which pip reads as none."""
    for section in ("DEFAULT", *config.sections()):
        for name in [*config[section]]:
            if option_name(name) in BARRED:
                config.remove_option(section, name)
    for section in _SECTIONS:
        if not config.has_section(section):
            config.add_section(section)
        for name in sorted(BARRED):
            config.set(section, name, "")


def _joined(env: Mapping[str, str], option: str, ours: Sequence[str]) -> str:
    return " ".join(filter(None, [*ours, env.get(_PLACES[option])]))


def _section(config: RawConfigParser, env: Mapping[str, str]) -> str:
    """Return the section for the pip that fetches: this one, or the one it starts."""
    features = [env.get("PIP_USE_FEATURE", "")]
    features += [
        config.get(name, "use-feature", fallback="") for name in config.sections()
    ]
    return "global" if any(_IN_PROCESS in each for each in features) else "install"


def _of_user(env: Mapping[str, str]) -> RawConfigParser | None:
    """Return what the user's configuration says; another one hides it from some pips.

    None for what is no configuration, of which pip will complain.
    """
    config = RawConfigParser()
    for path in _files(env):
        try:
            with path.open(encoding="utf-8", errors="surrogateescape") as stream:
                config.read_file(stream)
        except OSError:
            continue
        except Error:
            return None
    return config


def _files(env: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files of a user in the order in which they count (pip's manual)."""
    home = Path(env.get("HOME") or Path.home())
    if env.get(_FILE) and Path(env[_FILE]).exists():
        # Releases of pip differ in whether the others count then.
        yield Path(env[_FILE])
        return
    if os.name == "nt":
        yield home / "pip" / "pip.ini"
        yield Path(env.get("APPDATA", home), "pip", "pip.ini")
        return
    yield home / ".pip" / "pip.conf"
    mac = home / "Library" / "Application Support" / "pip"
    config = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip"
    yield (mac if sys.platform == "darwin" and mac.is_dir() else config) / "pip.conf"
