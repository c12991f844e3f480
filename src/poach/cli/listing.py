"""Show the pins: their patches, tagged versions, and where their eggs are."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from poach.cli import config
from poach.patchset import Patch, PatchSet

if TYPE_CHECKING:
    from poach.buildout.workshop import Workshop


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``poach list``."""
    config.configure(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "words",
        nargs="*",
        type=config.assignment,
        metavar="SECTION:OPTION=VALUE",
        help="assignments, as for the buildout command",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print one block, or one JSON object, for each pin; return the exit code."""
    workshop = config.open_workshop(arguments, arguments.words)
    pins = [_pin(workshop, one) for one in workshop.patch_sets.values()]
    if arguments.json:
        print(json.dumps(pins, indent=2))
    else:
        for pin in pins:
            print(_block(pin))
    return 0


def _pin(workshop: Workshop, patch_set: PatchSet) -> dict[str, Any]:
    egg = workshop.find(patch_set.pin.key)
    return {
        "project": patch_set.pin.project,
        "base": patch_set.pin.base,
        "tagged-version": patch_set.version,
        "patches": [_patch(patch) for patch in patch_set.patches],
        "built": egg is not None,
        "egg": str(egg.egg) if egg else None,
    }


def _patch(patch: Patch) -> dict[str, Any]:
    return {
        "name": patch.name,
        "owner": patch.owner,
        "location": patch.location.place,
        "sha256": patch.sha256,
        "strip": patch.strip,
        "directory": patch.directory,
        "fuzz": patch.fuzz,
    }


def _block(pin: dict[str, Any]) -> str:
    names = dict.fromkeys(patch["name"] for patch in pin["patches"])
    lines = [
        f"{pin['project']} = {pin['base']} " + " ".join(f"+{name}" for name in names),
        f"  version {pin['tagged-version']}",
        f"  egg     {pin['egg'] or 'not built'}",
    ]
    for patch in pin["patches"]:
        lines.append(f"  +{patch['name']} ({patch['owner']})")
        lines.append(f"    {patch['location']}")
        lines.append(f"    sha256 {patch['sha256']}")
    return "\n".join(lines)
