"""Hints: what asks for patches in words that are not poach's, and has no effect.

These are local versions instead of pins, and the options with which SlapOS' own
zc.buildout and zc.recipe.egg patch eggs.  Those of the buildout project, with which
poach runs, do not read them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version as installed_version
from typing import Any

from poach.buildout import origins, parts
from poach.buildout.session import Session
from poach.buildout.settings import OptionError
from poach.errors import PoachError
from poach.names import canonicalize_name, is_patch_name, is_version
from poach.pins.location import is_url
from poach.pins.pin import Pin

#: Options of SlapOS' zc.recipe.egg, also behind a project's name: ``ZODB-patches``.
_SLAPOS = re.compile(r"((?P<egg>.+)-)?patch(es|-options|-binary|-revision)")
_SLAPOS_LABEL = re.compile(r"slapospatched\d*", re.IGNORECASE)
_RECIPE = re.compile(r"zc\.recipe\.egg(:|$)")


def of(session: Session, buildout: Any) -> Iterator[OptionError]:
    """Yield a fault for each local version or option that looks like a patch."""
    yield from _local_versions(session, buildout)
    if "slapos" not in installed_version("zc.buildout"):
        yield from _slapos_options(buildout)


def _local_versions(session: Session, buildout: Any) -> Iterator[OptionError]:
    section = session.settings.versions
    for option in buildout[section] if section else ():
        value = (buildout[section].get(option) or "").removeprefix("==").strip()
        base, plus, label = value.partition("+")
        ours = canonicalize_name(option) in session.patch_sets
        if ours or not plus or not is_version(value):
            continue
        if _SLAPOS_LABEL.fullmatch(label):
            reason = (
                f"'{option} = {value}' is how SlapOS calls an egg that it patches; for "
                f"poach write '{option} = {base} +NAME', and the diff into [patches]"
            )
        elif names := _names(session, Pin(option, base, ()), label):
            right = " ".join([base, *(f"+{name}" for name in names)])
            reason = (
                f"'{option} = {value}' is a local version (PEP 440), which poach does "
                f"not patch; did you mean '{option} = {right}'?"
            )
        else:
            continue
        owner = origins.setter(buildout, section, option)
        yield OptionError(f"[{section}]", owner, reason)


def _names(session: Session, pin: Pin, label: str) -> list[str]:
    """Return the patches that a local label names, alone or joined by dots."""
    folders = [place for place in session.library.folders if not is_url(place)]
    library = session.library._replace(folders=folders)

    def is_defined(name: str) -> bool:
        try:
            return is_patch_name(name) and bool(library.locate(pin, name, ""))
        except PoachError:
            return False

    for names in ([label], label.split(".")):
        if all(map(is_defined, names)):
            return names
    return []


def _slapos_options(buildout: Any) -> Iterator[OptionError]:
    for name in buildout._raw:
        section = parts.raw(buildout, name)
        if not _RECIPE.match(section.get("recipe", "").strip()):
            continue
        found = [option for option in section if _is_slapos(section, option)]
        if found:
            owner = origins.setter(buildout, name, found[0])
            reason = (
                "only the zc.recipe.egg of SlapOS reads that, and it has no effect "
                "here; write 'PROJECT = VERSION +NAME' into the versions section and "
                "'NAME = DIFF' into [patches]"
            )
            yield OptionError(f"[{name}] {', '.join(found)}", owner, reason)


def _is_slapos(section: dict[str, str], option: str) -> bool:
    """Return whether it is an option of SlapOS' recipe about an egg of the part."""
    found = _SLAPOS.fullmatch(option)
    if found is None or not section[option].strip():
        return False
    eggs = " ".join(section.get(name, "") for name in ("egg", "eggs"))
    return found["egg"] is None or found["egg"].lower() in eggs.lower()
