"""A buildout that runs in another process, on another Python, seen from here.

The bridge sends what its zc.buildout has made of the configuration; here that becomes
a buildout object again, which is read like any other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zc.buildout.buildout import Buildout, HistoryItem, Options, SectionKey

from poach.build import process
from poach.buildout import parts, settings, toolchains, unused
from poach.buildout.session import Session
from poach.buildout.supplier import patched_pin
from poach.errors import PoachError, collect
from poach.names import NormalizedName, canonicalize_name
from poach.pins.build_key import BuildOptions
from poach.pins.pin import Pin

#: What is said to the bridge and by it; another one is another number.
PROTOCOL = 1

#: On what the other buildout runs; what poach itself needs is here.
UNPATCHABLE = frozenset(
    map(canonicalize_name, ("pip", "poach", "setuptools", "wheel", "zc.buildout"))
)


class NotFromBridge(PoachError):
    """A question that no bridge of this release asks."""

    reason: str

    def __str__(self) -> str:
        return (
            f"{self.reason}: install the same release of poach for Python 2.7 and for "
            "Python 3"
        )


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the bridge."""

    #: The name of one of `ANSWERS`.
    do: str
    #: The interpreter of the buildout.
    python: str
    #: The options of the buildout.  [buildout] and all sections that are read here are
    #: after substitution.
    sections: Mapping[str, Mapping[str, str]]
    #: Who set the options: operation, value and source.
    annotated: Mapping[str, Mapping[str, Sequence[Sequence[str]]]]
    #: For ``supply``: the projects.
    keys: Sequence[str]
    #: For ``supply``: whether it may build.
    may_build: bool
    #: The build options, of build_ext and of the environment, of parts that have come
    #: up since.
    declared: Sequence[Sequence[Any]]
    #: For ``end``: the projects.
    used: Sequence[str]


def parsed(data: object) -> Question:
    """Parse the JSON of a bridge; raise `NotFromBridge`."""
    protocol = data.get("poach-bridge") if isinstance(data, dict) else None
    if not isinstance(data, dict) or protocol != PROTOCOL:
        raise NotFromBridge(
            f"The bridge speaks protocol {protocol!r}, and this poach {PROTOCOL}"
        )
    try:
        words = {key: _decoded(data[key]) for key in data if key != "poach-bridge"}
        question = Question(**words)
    except (TypeError, UnicodeError) as error:
        raise NotFromBridge(f"The bridge asks what nobody can: {error}") from error
    if question.do not in ANSWERS:
        raise NotFromBridge(f"The bridge wants {question.do!r}, which is unknown here")
    return question


class _Options(Options):  # type: ignore[misc]
    """Options of a part with a recipe for another Python, which is not loaded here."""

    def initialize(self) -> None:
        pass


class _Elsewhere(Buildout):  # type: ignore[misc]
    """A buildout that runs in another process."""

    Options = _Options


def answer(question: Question) -> dict[str, Any]:
    """Return what the bridge asks for, as plain data; raise `PoachError`.

    Raises zc.buildout.UserError, too, for options of buildout's own.
    """
    buildout = rebuilt(question)
    session = _session(buildout, question.python)
    # The first question of a run warns about the eggs that are there, and each other
    # question about the eggs that it builds.
    with session.warning(question.do not in ("pins", "end")):
        ANSWERS[question.do](question, buildout, session)
    with session.warning(question.do == "begin"):
        said = _answer(session)
    return {"poach-bridge": PROTOCOL, "answer": _encoded(said)}


def _session(buildout: Any, python: str) -> Session:
    read = settings.read(buildout, UNPATCHABLE)
    # Where nothing is patched no tools are needed, which might have to be fetched.
    patched = read.pins or parts.ours(buildout)
    return Session(read, toolchains.foreign(read, python) if patched else None)


def rebuilt(question: Question) -> Any:
    """Return a buildout with the options of the one that asks."""
    options = [
        (section, option, value)
        for section, values in question.sections.items()
        for option, value in values.items()
    ]
    # They are no file's any more, and nobody's defaults are wanted.
    buildout = _Elsewhere(None, options, False, "query")
    for section in question.sections:  # the empty ones, too
        buildout._raw.setdefault(section, {})
    buildout._annotated = {
        section: {option: _key(history) for option, history in options.items()}
        for section, options in question.annotated.items()
    }
    return buildout


def _key(history: Sequence[Sequence[str]]) -> Any:
    key = SectionKey(history[-1][1], history[-1][2])
    key.history = [HistoryItem(*item) for item in history]
    return key


def _pins(question: Question, buildout: Any, session: Session) -> None:
    """Resolve the pins of the versions section, before parts can be read."""


def _begin(question: Question, buildout: Any, session: Session) -> None:
    """Read the parts, warn of what has no effect."""
    for project, other in session.settings.substitutes.values():
        reason = f"{other!r} cannot stand in for it under Python 2.7"
        raise settings.OptionError(f"[substitutes] {project}", "", reason)
    _take_parts(question, buildout, session)
    unused.report(session, buildout, diffs=True)


def _supply(question: Question, buildout: Any, session: Session) -> None:
    """Build some eggs, with the options that parts have declared by now.

    This process ends with the buildout that asks, for any reason.
    """
    process.end_with_parent()
    _take_parts(question, buildout, session)
    keys = set(map(canonicalize_name, question.keys))
    if question.may_build:
        session.build_ahead(keys)
    collect(lambda key: session.supply(key, question.may_build), sorted(keys))
    session.use.note_so_far()  # for a run that fails does not come to its end


def _end(question: Question, buildout: Any, session: Session) -> None:
    """Note what the run has used."""
    _take_parts(question, buildout, session)
    for key in map(canonicalize_name, question.used):
        session.supply(key, may_build=False)
    session.use.note(session.patch_sets)


ANSWERS: Mapping[str, Callable[[Question, Any, Session], None]] = {
    "pins": _pins,
    "begin": _begin,
    "supply": _supply,
    "end": _end,
}


def _take_parts(question: Question, buildout: Any, session: Session) -> None:
    """Count what parts bring; what is declared since counts where they say nothing."""

    def take(name: str) -> None:
        session.take(parts.read(buildout, name, session.settings))

    collect(take, parts.ours(buildout))
    collect(take, parts.custom(buildout, session.patch_sets))
    for spec, key, build_ext, environment in question.declared:
        if canonicalize_name(key) not in session.options:
            options = BuildOptions(build_ext, environment)
            session.declare(f"a part for {spec}", canonicalize_name(key), options)


def _answer(session: Session) -> dict[str, Any]:
    return {
        "store": str(session.settings.store),
        "versions": session.settings.versions,
        "pins": [_pin(session, key) for key in session.patch_sets],
        "plain": [[pin.key, pin.base] for pin in _refusing(session)],
        "parts": sorted(session.parts),
        "used": (session.use.noted_before() or {}).get("used"),
    }


def _refusing(session: Session) -> list[Pin]:
    """Return the pins that refuse patches and have none."""
    return [pin for pin in session.settings.plain.values() if pin.refused]


def _pin(session: Session, key: NormalizedName) -> dict[str, Any]:
    pin = patched_pin(session.patch_sets[key])
    return {
        **pin._asdict(),
        "egg": _egg(session, key),
        "options": key in session.options,
        "ready": session.is_ready(key),
    }


def _egg(session: Session, key: NormalizedName) -> str | None:
    try:
        found = session.find(key)
    except PoachError:  # damaged: a request for it reports that
        return None
    return str(found.egg) if found else None


# Python 2.7 has bytes where paths and options are concerned.  They travel as text of
# one character for each byte (latin-1), in any encoding.


def _decoded(data: Any) -> Any:
    """Return plain data with bytes from the bridge as text of this Python."""
    return _changed(data, lambda text: os.fsdecode(text.encode("latin-1")))


def _encoded(data: Any) -> Any:
    """Return plain data with text of this Python as bytes for the bridge."""
    return _changed(data, lambda text: _bytes(text).decode("latin-1"))


def _bytes(text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:  # no path, but words: as far as the locale can tell
        return text.encode("utf-8", "backslashreplace")


def _changed(data: Any, change: Callable[[str], str]) -> Any:
    if isinstance(data, str):
        return change(data)
    if isinstance(data, dict):
        return {change(key): _changed(value, change) for key, value in data.items()}
    if isinstance(data, list):
        return [_changed(each, change) for each in data]
    return data


def refusal(fault: Exception) -> dict[str, Any]:
    """Return the answer that is a fault."""
    return {"poach-bridge": PROTOCOL, "error": _encoded(str(fault))}
