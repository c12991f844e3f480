"""Parts that build one egg from source: ``poach:egg`` and ``zc.recipe.egg:custom``.

They are read when the extension loads, before any recipe: the first to resolve
must get the very egg that the part asks for.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from zc.buildout import UserError

from poach.buildout import origins
from poach.buildout.settings import (
    RECIPES,
    OptionError,
    OwnedPin,
    Settings,
    refuse_unpatchable,
)
from poach.names import NormalizedName, canonicalize_name, is_patch_name, same_version
from poach.pins.build_key import BuildOptions
from poach.pins.pin import Pin

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


class EggPart(NamedTuple):
    """A part that builds the egg of a project."""

    name: str
    project: NormalizedName
    #: The pin of the part itself; None if the one of the versions section counts.
    pin: OwnedPin | None
    #: Its build options.
    options: BuildOptions


def ours(buildout: Any) -> list[str]:
    """Return the names of the ``poach:egg`` parts of `buildout`, in order."""
    return [name for name in all_names(buildout) if _recipe(buildout, name) in RECIPES]


def custom(buildout: Any, projects: Collection[NormalizedName]) -> list[str]:
    """Return the names of the ``zc.recipe.egg:custom`` parts for `projects`, in order.

    Options for other projects are ignored, and so are their faults.
    """
    return [
        name
        for name in all_names(buildout)
        if _recipe(buildout, name) == CUSTOM
        and _project(_egg(buildout, name)) in projects
    ]


def single(buildout: Any) -> list[str]:
    """Return the names of all parts that build one egg, of any project."""
    recipes = {*RECIPES, CUSTOM}
    return [name for name in all_names(buildout) if _recipe(buildout, name) in recipes]


def all_names(buildout: Any) -> list[str]:
    """Return the names of all parts of `buildout`, in order."""
    return (buildout["buildout"].get("parts") or "").split()


def raw(buildout: Any, name: str) -> dict[str, str]:
    """Return the options of a section as written, macros included."""
    return dict(_options(buildout, name)._raw)


def read(buildout: Any, name: str, settings: Settings) -> EggPart:
    """Read the part `name`, one of `ours` or `custom`.

    Its options may refer to other parts, whose recipes are loaded then.  Raises
    `PoachError` and zc.buildout.UserError.
    """
    options = _options(buildout, name)
    if _recipe(buildout, name) not in RECIPES:
        project = _project(_egg(buildout, name))
        return EggPart(name, project, None, build_options(buildout, name, options))
    written = project_of(name, options)
    own = _own_pin(buildout, name, options, written, settings)
    key = canonicalize_name(written)
    return EggPart(name, key, own, build_options(buildout, name, options))


def project_of(name: str, options: Any) -> str:
    """Return the project of the part `name` as written; raise `OptionError`."""
    project = str(options.get("egg") or options.get("eggs") or name).strip()
    if not is_patch_name(project):
        raise OptionError(f"[{name}] egg", "", f"{project!r} is no project's name")
    return project


def build_options(buildout: Any, name: str, options: Any) -> BuildOptions:
    """Read the build options of zc.recipe.egg:custom from the part `name`.

    Raises `OptionError`.
    """
    directory = buildout["buildout"]["directory"]
    build_ext = {option: options.get(option) for option in PLAIN if options.get(option)}
    for option in PATHS:
        paths = [_absolute(directory, path) for path in _lines(options.get(option))]
        if paths:
            build_ext[option] = os.pathsep.join(paths)
    if options.get("swig"):
        build_ext["swig"] = _absolute(directory, options.get("swig"))
    return BuildOptions(
        build_ext, _environment(buildout, name, options.get("environment"))
    )


def refuse_other(name: str, pin: Pin, wanted: Pin) -> None:
    """Refuse the part `name` if it wants something else than the `pin` there is."""
    names, there = (list(map(canonicalize_name, one.names)) for one in (wanted, pin))
    if not same_version(wanted.base, pin.base) or names != there:
        reason = f"{pin.project} is pinned to {pin} already, and not to {wanted}"
        raise OptionError(f"[{name}]", "", reason)


def _recipe(buildout: Any, name: str) -> str:
    return raw(buildout, name).get("recipe", "").strip()


def _egg(buildout: Any, name: str) -> str:
    """Return the requirement of a part, empty if buildout does not know it."""
    options = _options(buildout, name)
    with contextlib.suppress(UserError):
        return str(options.get("egg") or options.get("eggs") or name)
    return ""


def _options(buildout: Any, name: str) -> Any:
    """Return the options of a section without loading its recipe."""
    options = buildout.Options(buildout, name, dict(buildout._raw.get(name, {})))
    options._raw = options._do_extend_raw(name, options._raw, [])
    return options


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
    key = canonicalize_name(project)
    pinned = settings.pins.get(key)
    there = pinned.pin if pinned else settings.plain.get(key)
    if there is not None:
        _refuse_vetoed(buildout, name, words, there, settings.versions)
    if pinned is not None:
        names = tuple(words) or pinned.pin.names
        wanted = Pin(project, version or pinned.pin.base, names)
        refuse_other(name, pinned.pin, wanted)
        return None
    plain = there.base if there else _plain_version(buildout, settings, project)
    if not words:
        raise _lacking(buildout, name, "patches", project, "NAME")
    if not (version or plain):
        raise _lacking(buildout, name, "version", project, "VERSION")
    owned = _owned(buildout, name, project, version or plain, words)
    refuse_unpatchable(owned.pin, owned.owners[0], settings.unpatchable)
    if plain and not same_version(plain, owned.pin.base):
        reason = f"{project} is pinned to {plain} already, and not to {owned.pin}"
        raise OptionError(f"[{name}]", "", reason)
    # Packages, too, do not get a patch that the pin refuses.
    refused = there.refused if there else ()
    return owned._replace(pin=owned.pin._replace(refused=refused))


def _refuse_vetoed(
    buildout: Any, name: str, words: list[str], pin: Pin, versions: str
) -> None:
    """Refuse the part `name` if it asks for a patch that the `pin` refuses."""
    refused = set(map(canonicalize_name, pin.refused))
    for word in words:
        if canonicalize_name(word) in refused:
            where = origins.setter(buildout, versions, pin.project)
            reason = (
                f"the pin '{pin.project} = {pin}' ({where}) refuses {word!r}; "
                "take it out of one of them"
            )
            raise origins.fault(buildout, name, "patches", reason)


def _lacking(
    buildout: Any, name: str, option: str, project: str, example: str
) -> OptionError:
    """Return the error of an option that a part lacks, with the line of its recipe."""
    owner = origins.setter(buildout, name, "recipe")
    reason = (
        f"{project} has no {option}: neither here nor in a pin; write "
        f"'{option} = {example}' into [{name}]"
    )
    return OptionError(f"[{name}] {option}", owner, reason)


def _plain_version(buildout: Any, settings: Settings, project: str) -> str:
    section = settings.versions
    for option in buildout[section] if section else ():
        if canonicalize_name(option) == canonicalize_name(project):
            return str(buildout[section][option]).removeprefix("==").strip()
    return ""


def _owned(
    buildout: Any, name: str, project: str, version: str, words: list[str]
) -> OwnedPin:
    lines = origins.lines(buildout, name, "patches", _options(buildout, name))
    owners = [origins.owner(buildout, line, name, "patches") for line in lines]
    value = " ".join([version, *("+" + word for word in words)])
    pin = Pin.parse(project, value, owners[0])
    return OwnedPin(pin, tuple(owners[0] for _ in words))


def _environment(buildout: Any, name: str, section: str | None) -> dict[str, str]:
    if not section:
        return {}
    if section not in buildout._raw:  # it may be a value, and secret
        reason = "it names a section, and there is no section of that name"
        raise origins.fault(buildout, name, "environment", reason)
    variables = dict(buildout[section].items())
    try:
        return {key: value % os.environ for key, value in variables.items()}
    except (KeyError, TypeError, ValueError) as error:
        reason = f"[{section}] has a '%' that names no environment variable: {error}"
        raise origins.fault(buildout, name, "environment", reason) from error


def _absolute(directory: str, path: str) -> str:
    if path.startswith(LINKER_VARIABLES):
        return path
    return str(Path(directory) / path)


def _lines(value: str | None) -> list[str]:
    return [line.strip() for line in (value or "").splitlines() if line.strip()]
