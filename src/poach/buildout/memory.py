"""Memory: what a run found out about its pins, for the next one.

Most runs of a buildout are like the one before.  As long as nothing has changed on
which pins and their patch sets depend, such a run need not find out anew what they
are, and does not import what it takes to find that out.  That is all that a buildout
says, with who says it (`inputs`), and all files and folders that were read for it
(`poach.buildout.surroundings`): they are compared as a whole, and any doubt means to
start anew.

The memory lies in the parts-directory and may be removed at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pkg_resources
import zc.buildout.easy_install as easy_install
from packaging.tags import sys_tags

import poach
from poach.adapters import contents, notes
from poach.buildout.surroundings import Surroundings
from poach.hooks.pins import PatchedPin

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
#: Where the modules are that make something of options and diffs.
_PACKAGES = ("adapters", "buildout", "hooks")
#: Options that only say how a run goes about it: who alternates between them should
#: not start anew each time.
MANNERS = ("log-format", "log-level", "newest", "offline", "verbosity")


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
    """Return what the last run found out, None if that may not hold any more.

    `said` are the `inputs` of this run.
    """
    try:
        data = contents.parsed(contents.read(_file(buildout)))
        memory = _parsed(data["memory"]) if data["inputs"] == said else None
        holds = memory is not None and _holds(memory, buildout)
    except (AttributeError, LookupError, OSError, TypeError, ValueError):
        return None
    return memory if holds else None


def keep(buildout: Any, said: str, memory: Memory) -> None:
    """Write down what this run found out, if that can be written."""
    data = json.dumps({"inputs": said, "memory": memory}).encode()
    path = _file(buildout)
    # A file of which only a part is there does not parse.
    with contextlib.suppress(OSError, ValueError):  # a pipe would wait for a reader
        if _read(path) != data:
            path.write_bytes(data)


def forget(buildout: Any) -> None:
    """Let the next run start anew."""
    with contextlib.suppress(OSError):
        _file(buildout).unlink(missing_ok=True)


def _holds(memory: Memory, buildout: Any) -> bool:
    """Tell whether all is there that was there, and no package has asked since."""
    store = Path(memory.store)
    if os.path.lexists(store) and not Path(memory.root).is_dir():
        return False
    note = notes.name(str(buildout["buildout"]["directory"]))
    asked = notes.Notes(Path(memory.root, ".known")).recall("requests", note) or {}
    return not asked.get("granted") and memory.surroundings.are_as_before()


def _parsed(data: Any) -> Memory:
    memory = Memory(*data)
    pins = [RememberedPin(PatchedPin(*p), key, note) for p, key, note in memory.pins]
    return memory._replace(pins=pins, surroundings=Surroundings(*memory.surroundings))


def _read(path: Path) -> bytes | None:
    """Return the bytes of a file, None where there is none."""
    try:
        return contents.read(path)
    except FileNotFoundError:
        return None


def _file(buildout: Any) -> Path:
    return Path(buildout["buildout"]["parts-directory"]) / FILE


def _releases() -> list[Any]:
    """Return what distinguishes this Python, zc.buildout and poach from others."""
    tag = next(sys_tags())
    ours = Path(str(poach.__file__)).parent
    folders = [ours, *(ours / name for name in _PACKAGES)]
    return [
        [sys.version, str(tag), os.path.expanduser("~")],  # noqa: PTH111 - may stay ~
        [str(ours), [_times(folder) for folder in folders]],
        [str(easy_install.__file__), Path(easy_install.__file__).stat().st_mtime_ns],
        sorted(map(str, pkg_resources.working_set)),
    ]


def _times(folder: Path) -> list[list[Any]]:
    """Return the modules in `folder` with the times of their last changes."""
    with os.scandir(folder) as entries:
        modules = (entry for entry in entries if entry.name.endswith(".py"))
        return sorted([entry.name, entry.stat().st_mtime_ns] for entry in modules)


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
