"""Show, or make, the key that signs what goes to a remote store."""

from __future__ import annotations

import argparse
from pathlib import Path

from poach.cli.saying import say


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``poach key``."""
    parser.add_argument(
        "--new", action="store_true", help="make the key, in a file that is not there"
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="the file with the private key, for patched-eggs-signing-key",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the public key, for patched-eggs-trusted-keys; return the exit code."""
    from poach.remote import signing

    signer = (signing.make if arguments.new else signing.load)(arguments.file)
    say(str(signer.public))
    return 0
