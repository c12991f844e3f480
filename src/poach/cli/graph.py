"""Show which patches of a pin need which, and which commute."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from poach import pipeline
from poach.cli import config
from poach.cli.build import configure_words, parted, projects
from poach.cli.saying import complain, say
from poach.errors import collect
from poach.pins.patchset import PatchSet

if TYPE_CHECKING:
    from poach.applier.disk.relations import Relations
    from poach.buildout.session import Session

Found = tuple[PatchSet, "Relations"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``poach graph``."""
    config.configure(parser)
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print JSON, for programs")
    forms.add_argument("--dot", action="store_true", help="print DOT, for Graphviz")
    configure_words(parser, "show")


def run(arguments: argparse.Namespace) -> int:
    """Print how the patches of each pin relate; return the exit code."""
    assignments, asked = parted(arguments.words)
    with config.opened(arguments, assignments) as session:
        sets = [session.patch_sets[key] for key in projects(session, asked)]
        found = collect(lambda patch_set: _related(session, patch_set), sets)
    if arguments.json:
        say(json.dumps([_as_json(*each) for each in found], indent=2))
    elif arguments.dot:
        say("\n".join(_dot(found)))
    else:
        for each in found:
            say("\n".join(_text(*each)))
    if not found:
        complain(f"No patched pins in {arguments.config}")
    return 0


def _related(session: Session, patch_set: PatchSet) -> Found:
    # Imported late: that needs all of the applier, and what knows buildout.
    from poach.applier.disk.relations import relate
    from poach.buildout.display import counted
    from poach.pipeline.making import planned, read_diffs

    with pipeline.unpacked(patch_set, session.kit) as tree:
        diffs = read_diffs(patch_set, session.kit)
        planned(patch_set, tree, diffs)
        with counted(patch_set.title, len(diffs)) as tried:
            return patch_set, relate(tree, diffs, tried)


def _as_json(patch_set: PatchSet, found: Relations) -> dict[str, Any]:
    def named(pairs: tuple[tuple[int, int], ...]) -> list[list[str]]:
        return [[found.names[later], found.names[earlier]] for later, earlier in pairs]

    return {
        "project": patch_set.pin.project,
        "base": patch_set.pin.base,
        "patches": [
            {"name": name, "owner": patch.owner}
            for name, patch in zip(found.names, patch_set.patches, strict=True)
        ],
        "needs": named(found.needs),
        "after": named(found.order),
        "commute": named(found.commuting),
    }


def _text(patch_set: PatchSet, found: Relations) -> Iterator[str]:
    yield patch_set.asked
    for place, (name, patch) in enumerate(
        zip(found.names, patch_set.patches, strict=True)
    ):
        yield f"  +{name} ({patch.owner})"
        for word, pairs in (
            ("needs", found.needs),
            ("comes after", found.order),
            ("commutes with", found.commuting),
        ):
            others = [f"+{found.names[one]}" for late, one in pairs if late == place]
            if others:
                yield f"    {word} {' '.join(others)}"


def _dot(found: list[Found]) -> Iterator[str]:
    """Yield the lines of a graph in DOT: an arrow to what a patch needs or follows."""
    yield "digraph patches {"
    for patch_set, relations in found:
        nodes = [_quoted(f"{patch_set.title} +{name}") for name in relations.names]
        yield from (f"  {node};" for node in nodes)
        for style, pairs in (("solid", relations.needs), ("dashed", relations.order)):
            for later, earlier in pairs:
                yield f"  {nodes[later]} -> {nodes[earlier]} [style={style}];"
    yield "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
