"""The recipe ``poach:egg``: a part that builds one patched egg."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from poach.buildout import whose
from poach.buildout.extension import Activation, activate
from poach.buildout.installer import as_user_errors
from poach.buildout.settings import OptionError, OwnedPin
from poach.key import BuildOptions
from poach.naming import canonicalize_name, is_patch_name, same_version
from poach.patchset import PatchSet
from poach.pin import Pin

#: Options of zc.recipe.egg:custom that hold paths, one a line.
PATHS = ("include-dirs", "library-dirs", "rpath")
#: Its other options, which go to build_ext as they are.
PLAIN = (
    *("define", "undef", "libraries", "link-objects", "debug", "force"),
    *("compiler", "swig-cpp", "swig-opts"),
)
#: What the dynamic linker expands itself (ld.so(8)) must not get a folder before it.
LINKER_VARIABLES = (
    "$ORIGIN",
    "$LIB",
    "$PLATFORM",
    "${ORIGIN}",
    "${LIB}",
    "${PLATFORM}",
)


class Egg:
    """Builds the patched egg of one project, with build options of its own.

    Options: ``egg`` (default: the part's name), ``version`` and ``patches`` (default:
    the pin in the versions section), and those of zc.recipe.egg:custom.  Sets
    ``location``, ``version``, ``tagged-version`` and ``patches``.
    """

    def __init__(self, buildout: Any, name: str, options: Any) -> None:
        """Build the egg, so that other sections can refer to its location."""
        self.activation = activate(buildout)
        with as_user_errors():
            patch_set = _patch_set(buildout, name, options, self.activation)
            workshop = self.activation.workshop
            workshop.declare(patch_set.pin.key, build_options(buildout, options))
            egg = workshop.supply(patch_set.pin.key)
        options["location"] = str(egg.egg)
        options["version"] = patch_set.pin.base
        options["tagged-version"] = patch_set.version
        options["patches"] = " ".join(patch_set.pin.names)

    def install(self) -> tuple[()]:
        """Install nothing into the buildout: the egg is in the store, and stays."""
        return ()

    update = install


def build_options(buildout: Any, options: Any) -> BuildOptions:
    """Read the build options of zc.recipe.egg:custom from the section `options`."""
    directory = buildout["buildout"]["directory"]
    build_ext = {name: options[name] for name in PLAIN if options.get(name)}
    for name in PATHS:
        paths = [_absolute(directory, path) for path in _lines(options.get(name))]
        if paths:
            build_ext[name] = os.pathsep.join(paths)
    if options.get("swig"):
        build_ext["swig"] = _absolute(directory, options["swig"])
    return BuildOptions(build_ext, _environment(buildout, options.get("environment")))


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


def _patch_set(
    buildout: Any, name: str, options: Any, activation: Activation
) -> PatchSet:
    project = options.get("egg", name).strip()
    if not is_patch_name(project):
        raise OptionError(f"[{name}] egg", "", f"{project!r} is no project's name")
    words = [word.removeprefix("+") for word in options.get("patches", "").split()]
    version = (options.get("version") or "").strip()
    pinned = activation.workshop.patch_sets.get(canonicalize_name(project))
    if pinned is not None:
        _refuse_other(name, pinned.pin, version, words)
        return pinned
    if not words:
        reason = f"{project} has no patches: neither here nor in a pin"
        raise OptionError(f"[{name}] patches", "", reason)
    version = version or _pinned_version(buildout, activation, project)
    if not version:
        reason = f"{project} has no version: neither here nor in a pin"
        raise OptionError(f"[{name}] version", "", reason)
    return activation.adopt(buildout, _owned(buildout, name, project, version, words))


def _refuse_other(name: str, pin: Pin, version: str, words: list[str]) -> None:
    """Refuse a part that wants something else than the pin of its project."""
    wanted = " ".join([version or pin.base, *("+" + word for word in words)])
    other = version and not same_version(version, pin.base)
    if other or (words and tuple(words) != pin.names):
        reason = f"{pin.project} is pinned to {pin} already, and not to {wanted}"
        raise OptionError(f"[{name}]", "", reason)


def _pinned_version(buildout: Any, activation: Activation, project: str) -> str:
    section = activation.workshop.settings.versions
    for option in buildout[section] if section else ():
        if canonicalize_name(option) == canonicalize_name(project):
            return str(buildout[section][option]).removeprefix("==").strip()
    return ""


def _owned(
    buildout: Any, name: str, project: str, version: str, words: list[str]
) -> OwnedPin:
    lines = whose.lines(buildout, name, "patches")
    owners = [whose.owner(buildout, line, name, "patches") for line in lines]
    value = " ".join([version, *("+" + word for word in words)])
    pin = Pin.parse(project, value, owners[0])
    return OwnedPin(pin, tuple(owners[0] for _ in words))
