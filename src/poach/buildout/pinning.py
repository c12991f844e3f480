"""Pinning: tagged versions where buildout has the pins, and the last words on them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from typing import Any

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.buildout.errors import LoadedBefore
from poach.buildout.patched_pin import PatchedPin
from poach.names import canonicalize_name, same_version

logger = logging.getLogger("zc.buildout.poach")


def pin(
    buildout: Any,
    section: str,
    patched: Iterable[PatchedPin],
    holds: Callable[[str], bool],
) -> None:
    """Make the tagged versions of pins those that `buildout` asks for.

    `section` is the name of the versions section, empty where there is none; `holds`
    returns whether a location is in the store.  Raises `LoadedBefore`.
    """
    pins = {one.key: one for one in patched}
    _refuse_loaded(pins, holds)
    set_versions(buildout, section, {key: pins[key].version for key in pins})
    forget(pkg_resources.working_set, pins)


def set_versions(buildout: Any, section: str, wanted: Mapping[str, str]) -> None:
    """Make `wanted`, versions by canonical name, those of the live `buildout`.

    An option is kept in several places, each of which is read by some recipe or
    extension.  A value that another extension has emptied stays empty.
    """
    for values in _kept(buildout, section):
        _overwrite(values, wanted)
    versions = dict(easy_install.Installer._versions)
    _overwrite(versions, wanted)
    there = set(map(canonicalize_name, versions))
    versions.update({key: wanted[key] for key in wanted if key not in there})
    easy_install.Installer._versions = versions


def _overwrite(versions: dict[str, str], wanted: Mapping[str, str]) -> None:
    for option, value in list(versions.items()):
        if value and canonicalize_name(option) in wanted:
            versions[option] = wanted[canonicalize_name(option)]


def _kept(buildout: Any, section: str) -> list[dict[str, str]]:
    """Return all places where a live `buildout` has the options of a section."""
    if not section:
        return []
    options = buildout[section]
    return [options._data, options._raw, options._cooked, buildout._raw[section]]


def summarize(
    pins: Iterable[PatchedPin], used: Collection[str], overruled: Collection[str]
) -> None:
    """Say which pins were used, and which nobody asked for; both are canonical."""
    ours = list(pins)
    tagged = [one.tagged for one in ours if one.key in used]
    if tagged:
        logger.info("Patched eggs in use: %s", ", ".join(tagged))
    idle = [
        one.asked for one in ours if one.key not in used and one.key not in overruled
    ]
    if idle:
        logger.info("Patched pins that nothing asked for: %s", ", ".join(idle))


def _refuse_loaded(pins: dict[str, PatchedPin], holds: Callable[[str], bool]) -> None:
    """Refuse pins of which buildout has put another egg on its own path already."""
    for dist in list(pkg_resources.working_set):
        patched = pins.get(canonicalize_name(dist.project_name))
        if patched is None:
            continue
        egg = dist.location.endswith(".egg") and dist.location in sys.path
        right = holds(dist.location) and same_version(dist.version, patched.version)
        if egg and not right:
            raise LoadedBefore(patched, dist.version, dist.location)


def forget(ws: Any, projects: Container[str]) -> None:
    """Take plain distributions out of the working set `ws`.

    `projects` are canonical names.  Buildout takes a recipe from its own working set
    without looking at pins.  It may be going through that right now, to load
    extensions: so no key changes its place, and another one, which is passed over when
    it comes up again, fills each gap.
    """
    gone = {key for key in ws.by_key if canonicalize_name(key) in projects}
    for key in gone:
        del ws.by_key[key]
    for keys in ws.entry_keys.values():
        kept = [key for key in keys if key not in gone]
        keys[:] = [kept[0] if key in gone else key for key in keys] if kept else []
