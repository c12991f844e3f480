"""Show the pins: their patches, tagged versions, and where their eggs are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from poach import pipeline
from poach.cli import config
from poach.cli.build import configure_words, parted, projects
from poach.cli.saying import complain, say
from poach.errors import PoachError
from poach.pins.location import recordable
from poach.pins.patchset import Patch, PatchSet
from poach.record.effect import Finding, findings
from poach.store.store import DamagedEntry, PatchedEgg

if TYPE_CHECKING:
    from poach.buildout.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``poach list``."""
    config.configure(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    configure_words(parser, "show")


def run(arguments: argparse.Namespace) -> int:
    """Print one block, or one JSON object, for each pin; return the exit code."""
    assignments, asked = parted(arguments.words)
    with config.opened(arguments, assignments) as session:
        keys = projects(session, asked)
        pins = [_pin(session, session.patch_sets[key]) for key in keys]
    if arguments.json:
        say(json.dumps(pins, indent=2))
        return 0
    for pin in pins:
        say(_block(pin))
    if not pins:
        complain(f"No patched pins in {arguments.config}")
    return 0


def _pin(session: Session, patch_set: PatchSet) -> dict[str, Any]:
    egg, damage, refusal = _found(session, patch_set)
    effects = findings(egg.entry) if egg else None
    return {
        "project": patch_set.pin.project,
        "base": patch_set.pin.base,
        "tagged-version": patch_set.version,
        "sdist-sha256": pipeline.seen(patch_set, session.kit),
        "build-options": _options(session, patch_set),
        "patches": [
            _patch(patch, files)
            for patch, files in zip_longest(patch_set.patches, effects or ())
            if patch is not None
        ],
        "built": egg is not None,
        "egg": str(egg.egg) if egg else None,
        "damage": damage,
        "refused": refusal,
    }


def _found(
    session: Session, patch_set: PatchSet
) -> tuple[PatchedEgg | None, str | None, str | None]:
    """Return the egg, what is damaged where it is, and why it is not to be used."""
    egg = None
    try:
        egg = session.recorded(patch_set.pin.key)
        session.find(patch_set.pin.key)
        return egg, None, None
    except DamagedEntry as damage:
        return None, f"{damage.reason} in {damage.path}", None
    except PoachError as fault:  # it is there, and not to be used by us
        return egg, None, str(fault)


def _options(session: Session, patch_set: PatchSet) -> dict[str, dict[str, str | None]]:
    """Return the build options; values of variables, which may be secret, are None."""
    options = session.options_of(patch_set.pin.key)
    return {
        "build-ext": dict(options.build_ext),
        "environment": dict.fromkeys(options.environment),
    }


def _patch(patch: Patch, files: Sequence[Finding] | None) -> dict[str, Any]:
    return {
        "name": patch.name,
        "owner": recordable(patch.owner),
        "location": recordable(patch.location.shown),
        "sha256": patch.sha256,
        "strip": patch.strip,
        "directory": patch.directory,
        "fuzz": patch.fuzz,
        "exclude": list(patch.exclude),
        "eol": patch.eol,
        "effect": patch.effect,
        "files": None if files is None else [_file(file) for file in files],
    }


def _file(file: Finding) -> dict[str, Any]:
    return {
        "path": file.path,
        **file.verdict._asdict(),
        "effect": file.verdict.effect.value,
        "syntax": file.syntax,
    }


def _block(pin: dict[str, Any]) -> str:
    names = dict.fromkeys(patch["name"] for patch in pin["patches"])
    lines = [
        f"{pin['project']} = {pin['base']} " + " ".join(f"+{name}" for name in names),
        f"  version {pin['tagged-version']}",
        f"  egg     {pin['egg'] or _missing(pin)}",
    ]
    if pin["egg"] and pin["refused"]:
        lines.append(f"  not used: {pin['refused']}")
    for options in pin["build-options"].values():
        lines += [f"  {o} = {'***' if v is None else v}" for o, v in options.items()]
    for name in names:
        patches = [patch for patch in pin["patches"] if patch["name"] == name]
        lines.append(f"  +{name} ({patches[0]['owner']})")
        for patch in patches:
            lines.append(f"    {patch['location']}")
            lines.append("    " + ", ".join(_declared(patch)))
            lines += map(_became, patch["files"] or ())
    return "\n".join(lines)


def _became(file: dict[str, Any]) -> str:
    """Return a line with the effect of a patch on a file."""
    place = f" as {file['place']}" if file["place"] not in ("", file["path"]) else ""
    why = f" ({file['why']})" if file["why"] else ""
    return f"    {file['effect']}: {file['path']}{place}{why}"


def _missing(pin: dict[str, Any]) -> str:
    words = [("damaged", pin["damage"]), ("not used", pin["refused"])]
    return next((f"{word} ({why})" for word, why in words if why), "not built")


def _declared(patch: dict[str, Any]) -> Iterator[str]:
    """Yield the digest of a diff, and the options that say how it applies."""
    yield f"sha256 {patch['sha256']}"
    for option in ("strip", "directory", "fuzz", "effect"):
        if patch[option]:
            yield f"{option} {patch[option]}"
    yield from (f"exclude {glob}" for glob in patch["exclude"])
    if patch["eol"] != "keep":
        yield f"eol {patch['eol']}"
