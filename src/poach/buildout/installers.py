"""What an installer of zc.buildout knows of projects and of who requires them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pkg_resources

from poach.buildout.patched_pin import PatchedPin
from poach.names import canonicalize_name, same_version

try:
    from zc.buildout.utils import normalize_name as normalize_name
except ImportError:  # before zc.buildout 3.1

    def normalize_name(name: str) -> str:
        """Return the key of a project in an index of setuptools."""
        return name.lower()


def version_of(installer: Any, project: str) -> str | None:
    """Return the version that an installer has for a canonical `project`."""
    version = installer._versions.get(project)
    return None if version is None else str(version)


def distributions(installer: Any, project: str) -> Iterator[Any]:
    """Yield the distributions that an installer has of a canonical `project`."""
    for key in _spellings(installer._env).get(project, ()):
        yield from installer._env[key]


def _spellings(env: Any) -> dict[str, list[str]]:
    """Return the keys that an environment has for each canonical name.

    That is asked for every requirement, and there are hundreds of keys.
    """
    size = len(env._distmap)
    if getattr(env, "_poach_spellings", (None, None))[0] != size:
        spellings: dict[str, list[str]] = {}
        for key in env._distmap:  # also where the last of a project is gone by now
            spellings.setdefault(canonicalize_name(key), []).append(key)
        env._poach_spellings = size, spellings
    return env._poach_spellings[1]  # type: ignore[no-any-return]


def admits(constraint: str, pin: PatchedPin) -> bool:
    """Return whether a constraint, as buildout keeps them, leaves room for the pin."""
    if constraint.startswith(("<", ">")):
        requirement = pkg_resources.Requirement.parse(pin.key + constraint)
        return bool(requirement.specifier.contains(pin.base))
    version = constraint[2:] if constraint.startswith("==") else constraint
    return same_version(version, pin.version) or same_version(version, pin.base)


def is_spelling(value: str, text: str) -> bool:
    """Return whether `value` says the same as the `text` of a pin."""
    words, others = value.split(), text.split()
    return same_version(words[0], others[0]) and words[1:] == others[1:]


def is_arbitrary(requirement: Any) -> bool:
    """Return whether a requirement compares the text of versions (``===``, PEP 440)."""
    specs: list[tuple[str, str]] = requirement.specs
    return any(operator == "===" for operator, _ in specs)
