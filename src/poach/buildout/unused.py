"""What a buildout says about patches and does not use.

A patch that is declared and has no effect is named: it may be the one that somebody
relies on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from poach.buildout import hints, origins, parts
from poach.buildout.session import Session
from poach.buildout.settings import RECIPES, OptionError
from poach.errors import raise_faults
from poach.names import canonicalize_name

logger = logging.getLogger("zc.buildout.poach")


def report(session: Session, buildout: Any, diffs: bool) -> None:
    """Warn of what has no effect, as patch-unused says; of `diffs` if that is known.

    To be called when all pins are known.  Raises it all as `OptionError` with
    ``patch-unused = error``.
    """
    idle = _diffs(session) if diffs else ()
    others = [*_dropped(session, buildout), *_sections(buildout)]
    _tell(session, [*idle, *others, *hints.of(session, buildout)])


def report_diffs(session: Session) -> None:
    """Warn of patches and substitutes that have no use, as `report` does.

    To be called when it is known what packages ask for.
    """
    _tell(session, [*_diffs(session), *_substitutes(session)])


def _tell(session: Session, faults: Sequence[OptionError]) -> None:
    policy = session.settings.unused
    if policy == "error":
        raise_faults(faults)
    for fault in faults if policy == "warn" else ():
        logger.warning("%s", fault)


def _diffs(session: Session) -> Iterator[OptionError]:
    """Yield one fault that names all entries of the patches section without a use."""
    pins = [patch_set.pin for patch_set in session.patch_sets.values()]
    used = {session.library.entry(pin, name) for pin in pins for name in pin.names}
    owners = session.settings.diff_owners
    idle = [
        f"{key} ({owners[key]})"
        for key, locations in session.library.section.items()
        if locations and key not in used  # an empty one refuses a patch
    ]
    if idle:
        yield OptionError("[patches]", "", f"no pin uses {', '.join(idle)}")


def _substitutes(session: Session) -> Iterator[OptionError]:
    """Yield one fault that names all substitutes that stand in for nothing.

    A run of some parts does not show that.
    """
    owners = session.settings.substitute_owners
    idle = [
        f"{project} ({owners[key]})"
        for key, (project, _) in session.settings.substitutes.items()
        if key not in session.use.substituted
    ]
    if idle and not session.use.partial:
        yield OptionError("[substitutes]", "", f"nothing requires {', '.join(idle)}")


def _dropped(session: Session, buildout: Any) -> Iterator[OptionError]:
    """Yield a fault for each line of a pin that a later layer overrides without it."""
    section = session.settings.versions
    for option in buildout[section] if section else ():
        patch_set = session.patch_sets.get(canonicalize_name(option))
        value = str(patch_set.pin if patch_set else buildout[section].get(option) or "")
        kept = set(map(canonicalize_name, value.split()))
        for line in origins.overridden(buildout, section, option):
            words = [word for word in line.text.split() if word.startswith("+")]
            lost = [word for word in words if canonicalize_name(word) not in kept]
            if lost:
                by = origins.setter(buildout, section, option)
                reason = f"'{option} = {value}' ({by}) drops {' '.join(lost)}"
                owner = origins.owner(buildout, line, section, option)
                yield OptionError(f"[{section}]", owner, reason)


def _sections(buildout: Any) -> Iterator[OptionError]:
    """Yield a fault for each section that brings patches and is not built."""
    built = {*parts.all_names(buildout), *_macros(buildout)}
    for name, section in buildout._raw.items():
        ours = section.get("recipe", "").strip() in RECIPES
        if ours and section.get("patches") and name not in built:
            reason = (
                f"brings {' '.join(section['patches'].split())}, but is not among the "
                "parts of this buildout: nothing is patched with it"
            )
            yield OptionError(f"[{name}]", "", reason)


def _macros(buildout: Any) -> set[str]:
    return {
        name
        for section in buildout._raw.values()
        for name in section.get("<", "").split()
    }
