"""Parts that build one egg from source: ``poach:egg`` and ``zc.recipe.egg:custom``.

They are read when the extension loads, before any recipe: whoever resolves first
must get the very egg that the part asks for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poach.buildout import whose
from poach.buildout.settings import (
    RECIPES,
    OptionError,
    OwnedPin,
    Settings,
    refuse_unpatchable,
)
from poach.errors import collect
from poach.key import BuildOptions
from poach.naming import NormalizedName, canonicalize_name, is_patch_name, same_version
from poach.pin import Pin

CUSTOM = "zc.recipe.egg:custom"

#: The name with which a requirement begins (PEP 508).
_REQUIRED = re.compile(r"[A-Za-z0-9._-]*")

#: Options of zc.recipe.egg:custom that hold paths, one a line.
PATHS = ("include-dirs", "library-dirs", "rpath")
#: Its other options, which go to build_ext as they are.
PLAIN = (
    *("define", "undef", "libraries", "link-objects", "debug", "force"),
    *("compiler", "swig-cpp", "swig-opts"),
)
#: What the dynamic linker expands itself (ld.so(8)) must not get a folder before it.
LINKER_VARIABLES = (
    *("$ORIGIN", "$LIB", "$PLATFORM"),
    *("${ORIGIN}", "${LIB}", "${PLATFORM}"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part that builds the egg of `project`.

    `pin` is the one that the part brings itself, None where that of the versions
    section counts; `options` are its build options.
    """

    name: str
    project: NormalizedName
    pin: OwnedPin | None
    options: BuildOptions


def read(buildout: Any, settings: Settings) -> list[Part]:
    """Return the parts of `buildout` that build one egg, in order.

    Their options may refer to other parts, whose recipes are loaded then.  Raises
    all that is wrong with them together.
    """
    return collect(lambda name: _part(buildout, name, settings), _names(buildout))


def named(buildout: Any) -> set[NormalizedName]:
    """Return the projects that the parts of `buildout` name in their ``eggs``."""
    parts = (buildout["buildout"].get("parts") or "").split()
    specs = (_options(buildout, part).get("eggs") or "" for part in parts)
    return {_project(line) for text in specs for line in text.split("\n") if line}


def project_of(name: str, options: Any) -> str:
    """Return the project of the part `name` as written; raise `OptionError`."""
    project = str(options.get("egg") or options.get("eggs") or name).strip()
    if not is_patch_name(project):
        raise OptionError(f"[{name}] egg", "", f"{project!r} is no project's name")
    return project


def build_options(buildout: Any, options: Any) -> BuildOptions:
    """Read the build options of zc.recipe.egg:custom from the section `options`."""
    directory = buildout["buildout"]["directory"]
    build_ext = {name: options.get(name) for name in PLAIN if options.get(name)}
    for name in PATHS:
        paths = [_absolute(directory, path) for path in _lines(options.get(name))]
        if paths:
            build_ext[name] = os.pathsep.join(paths)
    if options.get("swig"):
        build_ext["swig"] = _absolute(directory, options.get("swig"))
    return BuildOptions(build_ext, _environment(buildout, options.get("environment")))


def refuse_other(name: str, pin: Pin, wanted: Pin) -> None:
    """Refuse the part `name` if it wants something else than the `pin` there is."""
    if not same_version(wanted.base, pin.base) or wanted.names != pin.names:
        reason = f"{pin.project} is pinned to {pin} already, and not to {wanted}"
        raise OptionError(f"[{name}]", "", reason)


def _names(buildout: Any) -> Iterator[str]:
    for name in (buildout["buildout"].get("parts") or "").split():
        if _recipe(buildout, name) in (*RECIPES, CUSTOM):
            yield name


def _recipe(buildout: Any, name: str) -> str:
    return str(_options(buildout, name).get("recipe") or "").strip()


def _options(buildout: Any, name: str) -> Any:
    """Return the options of a section without loading its recipe."""
    options = buildout.Options(buildout, name, dict(buildout._raw.get(name, {})))
    options._raw = options._do_extend_raw(name, options._raw, [])
    return options


def _part(buildout: Any, name: str, settings: Settings) -> Part:
    options = _options(buildout, name)
    ours = _recipe(buildout, name) in RECIPES
    egg = str(options.get("egg") or options.get("eggs") or name)
    project = project_of(name, options) if ours else _project(egg)
    return Part(
        name,
        canonicalize_name(project),
        _own_pin(buildout, name, options, project, settings) if ours else None,
        build_options(buildout, options),
    )


def _project(spec: str) -> NormalizedName:
    """Return the canonical project of a requirement, well-formed or not."""
    found = _REQUIRED.match(spec.strip())
    return canonicalize_name(found[0] if found else "")


def _own_pin(
    buildout: Any, name: str, options: Any, project: str, settings: Settings
) -> OwnedPin | None:
    """Return the pin that a part brings, None where it takes that of its project."""
    words = [word.removeprefix("+") for word in (options.get("patches") or "").split()]
    version = (options.get("version") or "").strip()
    pinned = settings.pins.get(canonicalize_name(project))
    if pinned is not None:
        names = tuple(words) or pinned.pin.names
        wanted = Pin(project, version or pinned.pin.base, names)
        refuse_other(name, pinned.pin, wanted)
        return None
    if not words:
        reason = f"{project} has no patches: neither here nor in a pin"
        raise OptionError(f"[{name}] patches", "", reason)
    plain = _plain_version(buildout, settings.versions, project)
    if not (version or plain):
        reason = f"{project} has no version: neither here nor in a pin"
        raise OptionError(f"[{name}] version", "", reason)
    owned = _owned(buildout, name, project, version or plain, words)
    if plain and not same_version(plain, owned.pin.base):
        reason = f"{project} is pinned to {plain} already, and not to {owned.pin}"
        raise OptionError(f"[{name}]", "", reason)
    return owned


def _plain_version(buildout: Any, section: str, project: str) -> str:
    for option in buildout[section] if section else ():
        if canonicalize_name(option) == canonicalize_name(project):
            return str(buildout[section][option]).removeprefix("==").strip()
    return ""


def _owned(
    buildout: Any, name: str, project: str, version: str, words: list[str]
) -> OwnedPin:
    lines = whose.lines(buildout, name, "patches", _options(buildout, name))
    owners = [whose.owner(buildout, line, name, "patches") for line in lines]
    value = " ".join([version, *("+" + word for word in words)])
    pin = Pin.parse(project, value, owners[0])
    refuse_unpatchable(pin, owners[0])
    return OwnedPin(pin, tuple(owners[0] for _ in words))


def _environment(buildout: Any, section: str | None) -> dict[str, str]:
    if not section:
        return {}
    return {key: value % os.environ for key, value in buildout[section].items()}


def _absolute(directory: str, path: str) -> str:
    if path.startswith(LINKER_VARIABLES):
        return path
    return str(Path(directory) / path)


def _lines(value: str | None) -> list[str]:
    return [line.strip() for line in (value or "").splitlines() if line.strip()]
