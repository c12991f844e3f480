"""Build the patched eggs that the pins need, without running parts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from poach.build import egginfo, jobs
from poach.cli import config
from poach.cli.saying import complain, say
from poach.errors import PoachError, collect, did_you_mean
from poach.names import NormalizedName, canonicalize_name
from poach.store.export import export

if TYPE_CHECKING:
    from poach.buildout.session import Session


class NotPinned(PoachError):
    """A project that was asked for and has no patched pin."""

    project: str
    known: Sequence[str]

    def __str__(self) -> str:
        known = map(canonicalize_name, self.known)
        near = did_you_mean(canonicalize_name(self.project), known)
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
    parser.add_argument(
        "-j",
        dest="jobs",
        type=_number,
        metavar="N",
        help="build up to N eggs side by side (default: patch-jobs in [buildout], "
        "else the number of processors)",
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
    with config.opened(arguments, assignments) as session:
        keys = projects(session, asked)
        missing = session.missing(keys)
        side_by_side = arguments.jobs or session.settings.jobs
        with _shown(session, missing) as done:
            build = partial(_build, session, arguments.to, done)
            jobs.collect(build, keys, side_by_side if len(missing) > 1 else 1)
        session.use.note_build()
    if not keys:
        complain(f"Nothing to build: no patched pins in {arguments.config}")
    return 0


def _shown(
    session: Session, missing: Sequence[NormalizedName]
) -> AbstractContextManager[Callable[[], None]]:
    # Imported late, as everything that knows buildout.
    from poach.buildout.display import shown

    return shown(session, missing)


def _number(word: str) -> int:
    """Return a number of jobs; the usage error is argparse's."""
    if not word.isdecimal() or not int(word):
        raise argparse.ArgumentTypeError(f"{word!r} is not a number, 1 or more")
    return int(word)


def _build(
    session: Session,
    folder: Path | None,
    done: Callable[[], None],
    project: NormalizedName,
) -> None:
    tagged = session.patch_sets[project].tagged
    try:
        egg = session.supply(project)
    finally:
        done()
    say(f"{tagged} {egg.egg}")
    if folder is not None:
        zipped = session.kit.target.layout == egginfo.LAYOUT
        for file in export(egg, folder, zipped):
            say(f"{tagged} {file}")


def projects(session: Session, asked: list[str]) -> list[NormalizedName]:
    """Return the pinned projects that are `asked` for, or all; raise `NotPinned`."""

    def known(word: str) -> NormalizedName:
        key = canonicalize_name(word)
        if key not in session.patch_sets:
            pinned = [one.pin.project for one in session.patch_sets.values()]
            raise NotPinned(word, pinned)
        return key

    return collect(known, asked) if asked else list(session.patch_sets)
