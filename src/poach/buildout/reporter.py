"""Telling the user, who reads buildout's output, what becomes of eggs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from poach.pipeline.ports import Reporter
from poach.record.effect import Effect

if TYPE_CHECKING:
    from poach.errors import PoachError
    from poach.record.provenance import AppliedHunk, AppliedPatch

logger = logging.getLogger("zc.buildout.poach")

#: A diff that changes more files than these is logged without their names.
MANY_FILES = 10


class LogReporter(Reporter):
    """Logs the pipeline's events in buildout's output."""

    def fetching(self, title: str) -> None:
        """Log that the source is sought, before buildout logs its requests."""
        logger.info("Getting the sdist of %s.", title)

    def patched(self, title: str, label: str, patch: AppliedPatch) -> None:
        """Log one line for the diff, one for each file unless there are many, and one
        for each hunk that is not where it says.  With -v every hunk has a line.

        It is one message, for others may be at work at the same time.
        """
        every = logger.isEnabledFor(logging.DEBUG)
        logger.info("\n".join([_summary(title, label, patch), *_details(patch, every)]))

    def building(self, title: str, tool: str) -> None:
        """Log that a build begins, which may take a while, and what builds."""
        logger.info("Building %s with %s.", title, tool)

    def installed(self, title: str, label: str, patch: AppliedPatch) -> None:
        """Log what the wheel has of the diff, and which files it lacks."""
        effects = Counter(file.effect for file in patch.files)
        counts = (
            f"{_count(effects[e], 'file')} {e.value}" for e in Effect if effects[e]
        )
        lines = [f"Patched {title}: {label} ({', '.join(counts)})"]
        others = [file for file in patch.files if file.effect != Effect.INSTALLED]
        for file in others if len(others) <= MANY_FILES else ():
            why = f" ({file.why})" if file.why else ""
            lines.append(f"  {file.path}: {file.effect}{why}")
        logger.info("\n".join(lines))

    def printed(self, log: Path) -> None:
        """Show what the build printed, with -v."""
        if logger.isEnabledFor(logging.DEBUG):
            text = log.read_text(encoding="utf-8", errors="replace")
            logger.debug("%s:\n%s", log.stem, text)

    def built(self, title: str, seconds: float) -> None:
        """Log that the build is done."""
        logger.info("Built %s in %.0f s", title, max(seconds, 1))

    def waiting(self, title: str, holder: str) -> None:
        """Log for whom this process waits."""
        logger.info("Waiting for another buildout (%s) that builds %s.", holder, title)

    def damaged(self, place: Path, reason: str, kept: Path) -> None:
        """Warn of a damaged item, and say where it is kept."""
        logger.warning(
            "Damaged: %s (%s).  It is not used; as soon as a new one is ready, "
            "that takes its place, and the damaged one is kept in %s.",
            *(place, reason, kept),
        )

    def fetched(self, title: str, url: str, size: int) -> None:
        """Log that there is no need to build."""
        logger.info("Fetched %s from %s (%s)", title, url, _bytes(size))

    def uploaded(self, title: str, url: str, size: int) -> None:
        """Log that others can have the egg."""
        logger.info("Uploaded %s to %s (%s)", title, url, _bytes(size))

    def not_shared(self, fault: PoachError) -> None:
        """Warn that a step that should be quick is slow."""
        logger.warning("%s", fault)


def _summary(title: str, label: str, patch: AppliedPatch) -> str:
    hunks = sum(len(file.hunks) for file in patch.files)
    counts = f"{_count(len(patch.files), 'file')}, {_count(hunks, 'hunk')}"
    where = f" in {patch.directory}" if patch.directory else ""
    return f"Patching {title}: {label} ({counts}){where}"


def _details(patch: AppliedPatch, every: bool) -> Iterator[str]:
    for file in patch.files:
        if len(patch.files) <= MANY_FILES:
            hunks = f": {_count(len(file.hunks), 'hunk')}" * bool(file.hunks)
            yield f"  {file.path}{hunks}"
        for number, hunk in enumerate(file.hunks, 1):
            if every or hunk.offset or hunk.fuzz or hunk.eol:
                yield f"  {file.path}: hunk {number} {_place(hunk)}"
    yield from (f"  left out: {name}" for name in patch.excluded)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _bytes(size: int) -> str:
    return f"{max(round(size / 1000), 1)} kB"


def _place(hunk: AppliedHunk) -> str:
    words = [f"at line {hunk.line}"]
    if hunk.offset:
        words.append(f"offset {_count(hunk.offset, 'line')}")
    if hunk.fuzz:
        words.append(f"fuzz {hunk.fuzz}")
    if hunk.eol:
        words.append("other line endings")
    return ", ".join(words)
