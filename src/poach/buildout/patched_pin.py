"""Patched pins and patch requests, as the edge hands them from room to room."""

from __future__ import annotations

from typing import NamedTuple

from poach.names import canonicalize_name

#: A project, an extra of it that may be a patch, and who asks.
PatchRequest = tuple[str, str, str]


class PatchedPin(NamedTuple):
    """A pin with patches that are resolved.

    A plain pin has its version as `text` and as `version`.
    """

    #: The name as written.
    project: str
    #: The upstream version.
    base: str
    #: The pin in normal form, as ``1.0 +fix``.
    text: str
    #: The tagged version.
    version: str

    @property
    def key(self) -> str:
        """The canonical name of the project (PEP 503)."""
        return canonicalize_name(self.project)

    @property
    def names(self) -> list[str]:
        """The patches as written, in the order in which they apply."""
        return [word[1:] for word in self.text.split()[1:]]

    @property
    def asked(self) -> str:
        """Project and pin, as in the versions section."""
        return f"{self.project} = {self.text}"

    @property
    def tagged(self) -> str:
        """Project and tagged version, for people."""
        return f"{self.project} {self.version}"
