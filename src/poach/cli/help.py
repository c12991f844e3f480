"""Show the help of a command."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``poach help``."""
    parser.add_argument(
        "words", nargs="*", metavar="COMMAND", help="the command (default: all of them)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the help, and exit as ``--help`` does."""
    # Imported late: the command line imports its commands.
    from poach.cli import parser

    words = [*arguments.words, "--help"]
    parser(words).parse_args(words)
    return 0
