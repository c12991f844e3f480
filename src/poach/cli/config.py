"""The configuration that a command is about, read by zc.buildout itself."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poach.errors import PoachError
from poach.pins.location import without_credentials

if TYPE_CHECKING:
    from poach.buildout.session import Session


#: The configuration where none is named, as in buildout.
DEFAULT = "buildout.cfg"


class BadConfiguration(PoachError):
    """A configuration that zc.buildout cannot read; the message is its own."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a configuration and the interpreter of its eggs."""
    configure_choice(parser)
    configure_reading(parser)
    parser.add_argument(
        "--python",
        metavar="PYTHON",
        help="the interpreter that the eggs are for, a path or a name on PATH "
        "(default: the one that runs poach)",
    )


def configure_choice(parser: argparse._ActionsContainer) -> None:
    """Add the option that chooses a configuration; `parser` may be a group."""
    parser.add_argument(
        "-c",
        dest="config",
        metavar="FILE",
        default=DEFAULT,
        help="the buildout configuration (default: %(default)s)",
    )


def configure_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options that buildout has for reading configurations."""
    parser.add_argument(
        "-o", dest="offline", action="store_true", help="run in offline mode"
    )
    parser.add_argument(
        "-U", dest="user", action="store_false", help="do not read user defaults"
    )
    parser.add_argument("-v", dest="louder", action="count", default=0, help="say more")
    parser.add_argument(
        "-q", dest="quieter", action="count", default=0, help="say less"
    )


def assignment(word: str) -> str:
    """Return `word` if it is an assignment; the usage error is argparse's."""
    if "=" not in word:
        raise argparse.ArgumentTypeError(f"{word!r} is not SECTION:OPTION=VALUE")
    return word


@contextlib.contextmanager
def opened(arguments: argparse.Namespace, words: list[str]) -> Iterator[Session]:
    """Give the session of the configuration that `arguments` name.

    `words` are assignments ``SECTION:OPTION=VALUE`` as the buildout command takes
    them.  Raises `BadConfiguration`, and all that is wrong with pins and patches.
    What buildout logs goes to standard error.
    """
    # Imported late: `poach apply` needs no buildout, and importing it takes a while.
    with contextlib.redirect_stdout(sys.stderr):
        from poach.buildout.activation import activate

    with our_errors(), _logging_as_before():
        with contextlib.redirect_stdout(sys.stderr):
            buildout = _buildout(arguments, words)
            activation = activate(buildout, lambda: False, arguments.python, True)
        try:
            yield activation.session
        finally:
            activation.restore()


def store(arguments: argparse.Namespace, words: list[str]) -> Path:
    """Return the folder of the store of the configuration that `arguments` name.

    Only options of buildout itself are read.  Raises `BadConfiguration` and what
    is wrong with the option.
    """
    with _plain_buildout(arguments, words) as buildout:
        from poach.buildout.store_folder import store_folder

        return store_folder(buildout)


def outdated(arguments: argparse.Namespace, words: list[str]) -> Path:
    """Return the file, there or not, that an earlier release left in parts-directory.

    Raises `BadConfiguration`.
    """
    with _plain_buildout(arguments, words) as buildout:
        from poach.buildout.extension import OUTDATED

        return Path(buildout["buildout"]["parts-directory"], OUTDATED)


@contextlib.contextmanager
def _plain_buildout(arguments: argparse.Namespace, words: list[str]) -> Iterator[Any]:
    with our_errors(), contextlib.redirect_stdout(sys.stderr), _logging_as_before():
        yield _buildout(arguments, words)


@contextlib.contextmanager
def _logging_as_before() -> Iterator[None]:
    """Undo what a buildout does to logging, so that the next one logs nothing twice.

    Meanwhile what is logged has no credentials in it.
    """
    # Imported late: it is a part of the edge to zc.buildout.
    from poach.buildout.masking import masked

    loggers = [logging.getLogger(), logging.getLogger("zc.buildout")]
    before = [(each, each.handlers[:], each.level) for each in loggers]
    try:
        with masked():
            yield
    finally:
        for each, handlers, level in before:
            each.handlers[:] = handlers
            each.setLevel(level)


@contextlib.contextmanager
def our_errors() -> Iterator[None]:
    """Turn what zc.buildout raises for its users into `BadConfiguration`."""
    import zc.buildout

    try:
        yield
    except zc.buildout.UserError as error:
        raise BadConfiguration(without_credentials(str(error))) from error


def _buildout(arguments: argparse.Namespace, words: list[str]) -> Any:  # noqa: ANN401
    from zc.buildout.buildout import Buildout
    from zc.buildout.configparser import Error

    try:
        return Buildout(
            arguments.config, _assignments(arguments, words), arguments.user, "query"
        )
    except (Error, OSError) as error:
        raise BadConfiguration(without_credentials(str(error))) from error
    except ValueError as error:  # InvalidSpecifier, of any copy of packaging
        raise BadConfiguration(
            f"{error}, in a section that [buildout] refers to"
        ) from error


def _assignments(
    arguments: argparse.Namespace, words: list[str]
) -> list[tuple[str, str, str]]:
    verbosity = 10 * (arguments.louder - arguments.quieter)
    assignments = [("buildout", "verbosity", str(verbosity))] if verbosity else []
    if arguments.offline:
        assignments.append(("buildout", "offline", "true"))
    return assignments + [_assignment(word) for word in words]


def _assignment(word: str) -> tuple[str, str, str]:
    place, _, value = word.partition("=")
    section, _, option = place.rpartition(":")
    return section.strip() or "buildout", option.strip(), value.strip()
