"""Show the pins: their patches, tagged versions, and where their eggs are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from poach import pipeline
from poach.adapters.store import DamagedEntry, PatchedEgg
from poach.cli import config
from poach.cli.saying import complain, say
from poach.errors import PoachError
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
    with config.opened(arguments, arguments.words) as workshop:
        pins = [_pin(workshop, one) for one in workshop.patch_sets.values()]
    if arguments.json:
        say(json.dumps(pins, indent=2))
        return 0
    for pin in pins:
        say(_block(pin))
    if not pins:
        complain(f"No patched pins in {arguments.config}")
    return 0


def _pin(workshop: Workshop, patch_set: PatchSet) -> dict[str, Any]:
    egg, damage, refusal = _found(workshop, patch_set)
    return {
        "project": patch_set.pin.project,
        "base": patch_set.pin.base,
        "tagged-version": patch_set.version,
        "sdist-sha256": pipeline.seen(patch_set, workshop.kit),
        "build-options": _options(workshop, patch_set),
        "patches": [_patch(patch) for patch in patch_set.patches],
        "built": egg is not None,
        "egg": str(egg.egg) if egg else None,
        "damage": damage,
        "refused": refusal,
    }


def _found(
    workshop: Workshop, patch_set: PatchSet
) -> tuple[PatchedEgg | None, str | None, str | None]:
    """Return the egg, or None and what is damaged, or why it is not to be used."""
    try:
        return workshop.find(patch_set.pin.key), None, None
    except DamagedEntry as damage:
        return None, f"{damage.reason} in {damage.path}", None
    except PoachError as fault:  # it is there, and not to be used by us
        return None, None, str(fault)


def _options(workshop: Workshop, patch_set: PatchSet) -> dict[str, dict[str, str]]:
    options = workshop.options_of(patch_set.pin.key)
    return {
        "build-ext": dict(options.build_ext),
        "environment": dict(options.environment),
    }


def _patch(patch: Patch) -> dict[str, Any]:
    return {
        "name": patch.name,
        "owner": patch.owner,
        "location": patch.location.shown,
        "sha256": patch.sha256,
        "strip": patch.strip,
        "directory": patch.directory,
        "fuzz": patch.fuzz,
        "exclude": list(patch.exclude),
        "eol": patch.eol,
    }


def _block(pin: dict[str, Any]) -> str:
    names = dict.fromkeys(patch["name"] for patch in pin["patches"])
    lines = [
        f"{pin['project']} = {pin['base']} " + " ".join(f"+{name}" for name in names),
        f"  version {pin['tagged-version']}",
        f"  egg     {pin['egg'] or _missing(pin)}",
    ]
    for options in pin["build-options"].values():
        lines += [f"  {option} = {value}" for option, value in options.items()]
    for name in names:
        patches = [patch for patch in pin["patches"] if patch["name"] == name]
        lines.append(f"  +{name} ({patches[0]['owner']})")
        for patch in patches:
            lines.append(f"    {patch['location']}")
            lines.append("    " + ", ".join(_told(patch)))
    return "\n".join(lines)


def _missing(pin: dict[str, Any]) -> str:
    words = [("damaged", pin["damage"]), ("not used", pin["refused"])]
    return next((f"{word} ({why})" for word, why in words if why), "not built")


def _told(patch: dict[str, Any]) -> Iterator[str]:
    """Yield the digest of a diff, and whatever is declared of how it applies."""
    yield f"sha256 {patch['sha256']}"
    for option in ("strip", "directory", "fuzz"):
        if patch[option]:
            yield f"{option} {patch[option]}"
    yield from (f"exclude {glob}" for glob in patch["exclude"])
    if patch["eol"] != "keep":
        yield f"eol {patch['eol']}"
