"""Build keys: the identity of one built egg.

The values are named tuples because each run defines them, and dataclasses take several
times as long for that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

#: The version of the store's format; it stands in the key and in the store's path.
FORMAT = 2


#: What is declared where nothing is.
NOTHING: Mapping[str, str] = {}


class Target(NamedTuple):
    """What an egg is built for."""

    #: As in a wheel's tags (PEP 425).
    python: str
    #: As in a wheel's tags (PEP 425).
    abi: str
    #: As in a wheel's tags (PEP 425).
    platform: str
    #: The shape of the egg, which differs between the generations of zc.buildout.
    layout: str


class BuildOptions(NamedTuple):
    """Declared options of a build."""

    #: Options of setuptools' command of that name.
    build_ext: Mapping[str, str] = NOTHING
    #: Variables set for the build.
    environment: Mapping[str, str] = NOTHING

    def __str__(self) -> str:
        """Show the options, without the values of variables: they may be secret."""
        options = {**self.build_ext, **dict.fromkeys(self.environment, "***")}
        return ", ".join(f"{name} = {value}" for name, value in options.items())


class BuildKey(NamedTuple):
    """Everything that goes into one patched egg."""

    #: The canonical name.
    project: str
    #: The upstream version.
    base: str
    #: The sha256 of the upstream archive, in hex.
    sdist: str
    #: The sha256 of the patch set, in hex.
    patches: str
    target: Target
    options: BuildOptions = BuildOptions()

    def as_json(self) -> dict[str, Any]:
        """Return the key as plain data, the very data that `digest` covers."""
        return {
            "format": FORMAT,
            "project": self.project,
            "base": self.base,
            "sdist": self.sdist,
            "patches": self.patches,
            "python": self.target.python,
            "abi": self.target.abi,
            "platform": self.target.platform,
            "layout": self.target.layout,
            "build-ext": dict(self.options.build_ext),
            "environment": dict(self.options.environment),
        }

    @property
    def digest(self) -> str:
        """The sha256, in hex, of the canonical JSON of the key."""
        return digest_of(self.as_json())


def digest_of(key: Mapping[str, Any]) -> str:
    """Return the sha256, in hex, of the canonical JSON of a key that is plain data."""
    text = json.dumps(key, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def recorded(key: Mapping[str, Any]) -> dict[str, Any]:
    """Return a key, plain data, as others may read it: without the values of variables.

    They may be secret, and no digest of one would hide a short word.  That of the whole
    key, ``digest``, stands for them; without variables there is none.
    """
    names = key["environment"]
    if not names:
        return dict(key)
    hidden = dict.fromkeys(sorted(names))
    return {**key, "environment": hidden, "digest": digest_of(key)}


def recorded_digest(record: Mapping[str, Any]) -> str:
    """Return the digest of the key of which `record` was made.

    Entries that were made earlier have the key itself.
    """
    return str(record.get("digest") or digest_of(record))
