"""Build the patched eggs that the pins need, without running parts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from poach.adapters import egginfo
from poach.adapters.export import export
from poach.cli import config
from poach.cli.saying import say
from poach.errors import PoachError, collect, did_you_mean
from poach.naming import NormalizedName, canonicalize_name

if TYPE_CHECKING:
    from poach.buildout.workshop import Workshop


class NotPinned(PoachError):
    """A project that was asked for and has no patched pin."""

    def __init__(self, project: str, known: Sequence[str]) -> None:
        super().__init__(project, known)
        self.project = project
        self.known = known

    def __str__(self) -> str:
        near = did_you_mean(self.project, self.known)
        return f"{self.project!r} has no patched pin{near}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``poach build``."""
    config.configure(parser)
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="write the wheels, and with --python zipped eggs, into this folder, too, "
        "for find-links",
    )
    configure_words(parser, "build")


def configure_words(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the arguments that are projects, to do `what` with, and assignments."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="PROJECT",
        help=f"projects to {what} (default: all pins); SECTION:OPTION=VALUE is an "
        "assignment, as for the buildout command",
    )


def parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the assignments among `words`, and the projects."""
    assignments = [word for word in words if "=" in word]
    return assignments, [word for word in words if "=" not in word]


def run(arguments: argparse.Namespace) -> int:
    """Build, print a line for each egg, and return the exit code."""
    assignments, asked = parted(arguments.words)
    with config.opened(arguments, assignments) as workshop:
        keys = projects(workshop, asked)
        collect(lambda key: _build(workshop, key, arguments.to), keys)
        workshop.note_build()
    return 0


def _build(workshop: Workshop, project: NormalizedName, folder: Path | None) -> None:
    tagged = workshop.patch_sets[project].tagged
    egg = workshop.supply(project)
    say(f"{tagged} {egg.egg}")
    if folder is not None:
        zipped = workshop.kit.toolchain.target.layout == egginfo.LAYOUT
        for file in export(egg, folder, zipped):
            say(f"{tagged} {file}")


def projects(workshop: Workshop, asked: list[str]) -> list[NormalizedName]:
    """Return the pinned projects that are `asked` for, or all; raise `NotPinned`."""

    def known(word: str) -> NormalizedName:
        key = canonicalize_name(word)
        if key not in workshop.patch_sets:
            pinned = [one.pin.project for one in workshop.patch_sets.values()]
            raise NotPinned(word, pinned)
        return key

    return collect(known, asked) if asked else list(workshop.patch_sets)
