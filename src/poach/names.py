"""Names and versions: what a patched project is called."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

#: A file name has 255 bytes at most; the egg's also holds name, tags and platform.
LONGEST_NAMES = 100

_PATCH_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)

_UNSAFE_IN_EGGS = re.compile(r"[^A-Za-z0-9.]+")

#: The end of what `tagged_version` makes, however spelled.
_TAG = re.compile(r"\+.+[-_.]p[0-9a-f]{8}\Z", re.IGNORECASE)

__all__ = ["NormalizedName", "canonicalize_name"]


def is_patch_name(text: str) -> bool:
    """Return whether `text` can name a patch: the rule for project names (PEP 508)."""
    return _PATCH_NAME.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Return whether `text` is a version (PEP 440)."""
    try:
        Version(text)
    except ValueError:  # also for more digits than Python's int() takes
        return False
    return True


def same_version(one: str, other: str) -> bool:
    """Return whether both are the same PEP 440 version, however spelled."""
    return is_version(one) and is_version(other) and Version(one) == Version(other)


def in_egg_name(project: str) -> str:
    """Return how pkg_resources writes the name of `project` in the name of an egg."""
    return _UNSAFE_IN_EGGS.sub("_", project)


def tagged_version(base: str, names: Sequence[str], digest: str) -> str:
    """Return the version of `base` patched with `names`, in normal form (PEP 440).

    `digest` is the patch set's digest in hex.  The label holds the names for people
    and the first eight digits of the digest for machines, so that another diff is
    another version: ``3.8.1+poll.invalidations.p3f2a91c0``.
    """
    label = ".".join(
        [*_shortened([_as_label(name) for name in names]), "p" + digest[:8]]
    )
    return str(Version(f"{base}+{label}"))


def is_tagged(version: str) -> bool:
    """Return whether `version` is one that poach gives to what it has patched.

    Its label ends in ``.p`` and eight hex digits: ``1.16.0+hello.p1234abcd``.  Other
    labels, as in ``1.0+cu118`` or ``1.0+deb1``, are somebody else's.
    """
    return "+" in version and _TAG.search(version) is not None


def _as_label(name: str) -> str:
    return canonicalize_name(name).replace("-", ".")


def _shortened(labels: list[str]) -> list[str]:
    kept = list(labels)
    while len(kept) > 1 and len(".".join(kept)) > LONGEST_NAMES:
        kept.pop()
    kept[0] = kept[0][:LONGEST_NAMES].rstrip(".")
    left_out = len(labels) - len(kept)
    return [*kept, f"and.{left_out}.more"] if left_out else kept
