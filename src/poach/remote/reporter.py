"""What a store on a server reports of its work."""

from __future__ import annotations

from poach.errors import PoachError


class RemoteReporter:
    """Hears what comes from a server and goes there; silent unless overridden."""

    def fetched(self, title: str, url: str, size: int) -> None:
        """The egg of `title` came from a remote store, in so many bytes."""

    def uploaded(self, title: str, url: str, size: int) -> None:
        """The egg of `title` went to a remote store, in so many bytes."""

    def not_shared(self, fault: PoachError) -> None:
        """An egg did not come from a remote store, or go there, for that reason."""
