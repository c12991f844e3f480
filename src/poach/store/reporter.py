"""What the store reports of its work."""

from __future__ import annotations

from pathlib import Path


class StoreReporter:
    """Hears what the store does; silent unless a method is overridden."""

    def waiting(self, title: str, holder: str) -> None:
        """Another process, `holder`, builds `title`; this one waits for it."""

    def damaged(self, place: Path, reason: str, kept: Path) -> None:
        """The item at `place` in the store is damaged.

        It stays there until its replacement is ready, and is then moved to `kept`.
        """
