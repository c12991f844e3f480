"""Telling the user, who reads buildout's output, what was wrong with the store."""

from __future__ import annotations

import logging
from pathlib import Path

from poach.ports import Reporter

logger = logging.getLogger("zc.buildout.poach")


class StoreReporter(Reporter):
    """Warns of what was found damaged."""

    def set_aside(self, place: Path, reason: str, aside: Path) -> None:
        """Log what was wrong, and where it is to be seen."""
        logger.warning(
            "Damaged: %s (%s).  It is made anew; what it was is in %s.",
            *(place, reason, aside),
        )
