"""Aliases: eggs that stand in the name of one project for another."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from poach.names import canonicalize_name, in_egg_name
from poach.store.store import Store


def alias(
    store: Store,
    project: str,
    other: str,
    version: str,
    extras: Sequence[str],
    points: str,
) -> Path:
    """Return the egg of `project` that requires `other`, both at `version`.

    It has the `extras` and the entry points (`points`, as in entry_points.txt) of the
    other, and nothing else: plugins and scripts are found under both names.  Its
    metadata is dist-info under the project's own spelling: so old versions of
    pkg_resources find it, and importlib.metadata under any spelling.  Raises
    `StoreUnwritable`.
    """
    metadata = "\n".join(_metadata(project, other, version, extras)) + "\n"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    name = f"{in_egg_name(project)}-{version}"
    egg = f"{name}-py{python}.egg"

    def make(folder: Path) -> None:
        info = folder / egg / f"{name}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        if points:
            (info / "entry_points.txt").write_text(points, encoding="utf-8")

    text = f"{egg}\n{metadata}\n{points}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return store.folder("aliases", f"{canonicalize_name(project)}-{digest}", make) / egg


def _metadata(
    project: str, other: str, version: str, extras: Sequence[str]
) -> Iterator[str]:
    """Yield the lines of core metadata."""
    yield "Metadata-Version: 2.1"
    yield f"Name: {project}"
    yield f"Version: {version}"
    yield f"Summary: Stands for {other}"
    yield f"Requires-Dist: {other}=={version}"
    for extra in extras:
        yield f"Provides-Extra: {extra}"
        yield f'Requires-Dist: {other}[{extra}]=={version}; extra == "{extra}"'
