"""Pinning: tagged versions where buildout has the pins, and the last words on them."""

import logging
import sys

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.hooks.errors import LoadedBefore
from poach.hooks.pins import same_version
from poach.spelling import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Collection, Dict, Iterable, List, Set

    from poach.hooks.pins import PatchedPin

logger = logging.getLogger("zc.buildout.poach")


def pin(buildout, section, patched, holds):
    # type: (Any, str, PatchedPin, Callable[[str], bool]) -> None
    """Make the tagged version of a pin the one that `buildout` asks for.

    `section` is the name of the versions section, empty where there is none; `holds`
    tells whether a location is in the store.  Raises `LoadedBefore`.
    """
    _refuse_loaded(patched, holds)
    set_version(buildout, section, patched.key, patched.version)
    forget(pkg_resources.working_set, patched.key)


def set_version(buildout, section, project, version):
    # type: (Any, str, str, str) -> None
    """Make `version` the one of `project`, a canonical name, for the live `buildout`.

    An option is kept in several places, each of which is read by some recipe or
    extension.  A value that another extension has emptied stays empty.
    """
    kept = []  # type: List[Dict[str, str]]
    if section:
        options = buildout[section]
        kept = [options._data, options._raw, options._cooked, buildout._raw[section]]
    for values in kept:
        for option, value in list(values.items()):
            if value and canonical(option) == project:
                values[option] = version
    versions = dict(easy_install.Installer._versions)
    for key in [key for key in versions if canonical(key) == project] or [project]:
        if versions.get(key) != "":
            versions[key] = version
    easy_install.Installer._versions = versions


def summarize(pins, used, overruled):
    # type: (Iterable[PatchedPin], Collection[str], Collection[str]) -> None
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


def _refuse_loaded(patched, holds):
    # type: (PatchedPin, Callable[[str], bool]) -> None
    """Refuse a pin of which buildout has put another egg on its own path already."""
    for dist in list(pkg_resources.working_set):
        if canonical(dist.project_name) != patched.key:
            continue
        egg = dist.location.endswith(".egg") and dist.location in sys.path
        right = holds(dist.location) and same_version(dist.version, patched.version)
        if egg and not right:
            raise LoadedBefore(patched, dist.version, dist.location)


def forget(ws, project):  # type: (Any, str) -> None
    """Take plain distributions of `project` out of the working set `ws`.

    Buildout takes a recipe from its own working set without looking at pins.
    """
    for key in [key for key in ws.by_key if canonical(key) == project]:
        del ws.by_key[key]
        for keys in ws.entry_keys.values():
            if key in keys:
                keys.remove(key)
