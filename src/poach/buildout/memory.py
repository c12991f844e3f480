"""Memory: what a run found out about its pins, for the next one.

Most runs of a buildout are like the one before.  As long as nothing has changed on
which pins and their patch sets depend, such a run need not find out anew what they
are, and does not import what it takes to find that out.  That is all that a buildout
says, with who says it (`inputs`), and all files and folders that were read for it
(`Surroundings`): they are compared as a whole, and any doubt means to start anew.

The memory lies in the parts-directory and may be removed at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pkg_resources
import zc.buildout.easy_install as easy_install
from packaging.tags import sys_tags

import poach
from poach.hooks.pins import PatchedPin

if TYPE_CHECKING:
    pass

#: The file below parts-directory.
FILE = ".poach.json"

#: Options of [buildout] that poach reads, after substitution.
OPTIONS = (
    *("directory", "develop-eggs-directory", "eggs-directory", "parts-directory"),
    *("bin-directory", "eggs-directory-version", "abi-tag-eggs", "parts", "versions"),
    *("allow-hosts", "find-links", "index", "patch-fuzz", "patch-jobs", "patch-path"),
    *("patch-requests", "patch-unused", "patched-eggs-directory"),
    *("patched-eggs-signing-key", "patched-eggs-trusted-keys", "patched-eggs-upload"),
    *("patched-eggs-url", "patches", "poach-command", "substitutes"),
)
#: Options that only say how a run goes about it: who alternates between them should
#: not start anew each time.
MANNERS = ("log-format", "log-level", "newest", "offline", "verbosity")


class Surroundings(NamedTuple):
    """What was there when pins were resolved: files and folders outside of options.

    `files` have the sha256 of their bytes, in hex, `folders` the names in them, sorted:
    those of folders with a slash, of what is no file (a link to nothing) with a
    question mark; None stands for what is not there.
    """

    files: dict[str, str | None]
    folders: dict[str, list[str] | None]

    @classmethod
    def of(cls, files: Iterable[str], folders: Iterable[str]) -> Surroundings:
        """Look at the files and folders with these paths."""
        return cls(
            {path: _digest(path) for path in files},
            {path: _names(path) for path in folders},
        )

    def is_as_before(self) -> bool:
        """Tell whether nothing has changed since."""
        return self == Surroundings.of(self.files, self.folders)


class RememberedPin(NamedTuple):
    """A pin, the build key of its egg (plain data) and the note on its sdist.

    The key is None where it is not known: nothing has needed the egg yet.
    """

    pin: PatchedPin
    key: Mapping[str, Any] | None
    sdist: str


class Memory(NamedTuple):
    """What is known of a buildout.

    `store` is the folder of the store, `root` that of its format in it, `versions` the
    name of the versions section; `plain` are projects and versions of pins that only
    refuse patches; `unnoted` are projects that no run takes note of.
    """

    store: str
    root: str
    versions: str
    pins: list[RememberedPin]
    plain: list[tuple[str, str]]
    unnoted: list[str]
    surroundings: Surroundings


def inputs(buildout: Any) -> str:
    """Return the sha256, in hex, of all that `buildout` says and runs on.

    That is the text of all sections with who wrote it, what is read here after
    substitution, and the releases of whatever makes something of it.  It is to be asked
    before anything is pinned.  Raises zc.buildout.UserError for options that cannot be
    read.
    """
    options = buildout["buildout"]
    sections = (options.get("versions"), options.get("patches", "patches"))
    read = [
        {name: options.get(name) for name in OPTIONS},
        *(dict(buildout[name]) for name in sections if name in buildout),
    ]
    # What is no text, which buildout does not have, would only make runs start anew.
    text = json.dumps([_releases(), read, _written(buildout)], default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def recall(buildout: Any, said: str) -> Memory | None:
    """Return what the last run found out, None if that does not hold any more.

    `said` are the `inputs` of this run.
    """
    try:
        data = json.loads(_file(buildout).read_bytes())
        if data["inputs"] != said:
            return None
        memory = Memory(*data["memory"])
        memory = memory._replace(
            pins=[_remembered(*each) for each in memory.pins],
            surroundings=Surroundings(*memory.surroundings),
        )
    except (AttributeError, LookupError, OSError, TypeError, ValueError):
        return None
    return memory if memory.surroundings.is_as_before() else None


def keep(buildout: Any, said: str, memory: Memory | None) -> None:
    """Write down what this run found out, or that the next one has to start anew."""
    path = _file(buildout)
    with contextlib.suppress(OSError):
        if memory is None:
            path.unlink(missing_ok=True)
            return
        data = json.dumps({"inputs": said, "memory": memory}).encode()
        if not path.exists() or path.read_bytes() != data:
            new = path.with_name(f"{FILE}.{os.getpid()}")
            new.write_bytes(data)
            new.replace(path)


def _file(buildout: Any) -> Path:
    return Path(buildout["buildout"]["parts-directory"]) / FILE


def _remembered(
    pin: Iterable[str], key: Mapping[str, Any] | None, sdist: str
) -> RememberedPin:
    return RememberedPin(PatchedPin(*pin), key, sdist)


def _releases() -> list[Any]:
    """Return what distinguishes this Python, zc.buildout and poach from others."""
    tag = next(sys_tags())
    files = [str(poach.__file__), str(easy_install.__file__)]
    return [
        [sys.version, str(tag), os.path.expanduser("~")],  # noqa: PTH111 - may stay ~
        [[file, Path(file).stat().st_mtime_ns] for file in files],
        sorted(map(str, pkg_resources.working_set)),
    ]


def _written(buildout: Any) -> list[Any]:
    """Return the text of all sections, and for each option who did what to it."""
    history = {
        section: {
            option: [[item.operation, item.value, item.source] for item in key.history]
            for option, key in options.items()
            if section != "buildout" or option not in MANNERS
        }
        for section, options in buildout._annotated.items()
    }
    options = buildout._raw["buildout"].items()
    ours = {option: text for option, text in options if option not in MANNERS}
    return [{**buildout._raw, "buildout": ours}, history]


def _digest(path: str) -> str | None:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None


def _names(path: str) -> list[str] | None:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name + _kind(entry) for entry in entries)
    except (OSError, ValueError):
        return None


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_dir():
        return "/"
    return "" if entry.is_file() else "?"
