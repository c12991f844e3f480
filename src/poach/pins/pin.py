"""Pins: ``BASE +NAME ... -NAME ...``, the value of an option in the versions section.

``+`` names a patch to apply; ``-`` one that is refused to every requester.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from poach.errors import PoachError
from poach.names import NormalizedName, canonicalize_name, is_patch_name, is_version

#: A sign before a name, with white space where a local version has none.
_SIGN = re.compile(r"(^|\s)\+|\S\s+-|^\s*\S+\+(\s|$)")


class PinError(PoachError):
    """A value of the versions section that looks like a patched pin and is none."""

    #: As written.
    project: str
    #: As written.
    value: str
    #: The place in the configuration; may be empty.
    where: str
    #: Which rule is broken.
    reason: str

    def __str__(self) -> str:
        shown = " ".join(self.value.split())
        place = f" ({self.where})" if self.where else ""
        return (
            f"Malformed pin '{self.project} = {shown}'{place}: {self.reason}; "
            f"a patched pin is '{self.project} = VERSION +PATCH ...'"
        )


class Pin(NamedTuple):
    """One project at one version with patches."""

    #: The name as written.
    project: str
    #: The upstream version in normal form (PEP 440), without a local label.
    base: str
    #: The patches as written, in the order in which they apply.
    names: tuple[str, ...]
    #: The patches that nobody else may ask for.
    refused: tuple[str, ...] = ()

    @property
    def key(self) -> NormalizedName:
        """The canonical name of the project (PEP 503)."""
        return canonicalize_name(self.project)

    @classmethod
    def parse(cls, project: str, value: str, where: str = "") -> Pin:
        """Parse the `value` that `project` has in the versions section.

        `where` is only for messages.  Raises `PinError`.
        """
        try:
            return _parse(project, value)
        except ValueError as error:
            raise PinError(project, value, where, str(error)) from None

    def __str__(self) -> str:
        words = [*("+" + n for n in self.names), *("-" + n for n in self.refused)]
        return " ".join([self.base, *words])


def is_pin(value: str) -> bool:
    """Return whether `value` asks for patches or refuses some, well-formed or not.

    A local version such as ``3.8.1+foo`` (PEP 440) does not.
    """
    return _SIGN.search(value) is not None


def refuse_missing_plus(project: str, value: str, where: str = "") -> None:
    """Raise `PinError` for a version, or ranges, with names behind that have no sign.

    ``1.0 fix`` is one that forgets the ``+``, and buildout cannot read it.  All else is
    left to buildout, a comment for example: the project may be of no use to anybody.
    """
    first, *rest = value.split() or [""]
    if not rest or is_pin(value) or _is_range(value):
        return
    is_first = is_version(first) or _is_range(first)
    if not (is_first and all(map(is_patch_name, rest))):
        return
    reason = f"{rest[0]!r} has no '+' before it"
    raise PinError(project, value, where, reason)


def _is_range(value: str) -> bool:
    """Return whether `value` is a set of version specifiers (PEP 440)."""
    try:
        SpecifierSet(value)
    except InvalidSpecifier:
        return False
    return True


def _parse(project: str, value: str) -> Pin:
    first, *rest = value.split() or [""]
    if not first or first.startswith("+"):
        raise ValueError("the version is missing")
    base = _base(first)
    words = [(word[0], _name(word)) for word in rest]
    _refuse_twice([name for _, name in words])
    names, refused = (
        tuple(name for sign, name in words if sign == wanted) for wanted in "+-"
    )
    return Pin(project, base, names, refused)


def _base(word: str) -> str:
    if word.endswith("+"):
        raise ValueError(
            f"{word!r} has its '+' behind it; the '+' belongs before the name"
        )
    if word.startswith("="):
        raise ValueError(f"{word!r} has an operator; a pin has only the version")
    if word[0] in "<>!~":
        raise ValueError(f"{word!r} is a range; patches are for one version")
    try:
        version = Version(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a version (PEP 440)") from None
    if version.local:
        raise ValueError(f"{word!r} has a local label already")
    return str(version)


def _name(word: str) -> str:
    if word[0] in "#;":
        raise ValueError(
            f"{word!r} does not begin a comment here; put the comment on a separate "
            "line"
        )
    if word[0] not in "+-":
        raise ValueError(f"{word!r} has no '+' before it")
    name = word[1:]
    if not name:
        raise ValueError(f"a {word!r} without a patch name behind it")
    if not is_patch_name(name):
        raise ValueError(
            f"{name!r} is not a patch name (ASCII letters, digits, '.', '_', '-')"
        )
    return name


def _refuse_twice(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if canonicalize_name(name) in seen:
            raise ValueError(f"patch {name!r} is named twice")
        seen.add(canonicalize_name(name))
