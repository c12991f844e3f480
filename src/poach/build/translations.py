"""Message catalogs of a patched tree: what a patch changes in a .po gets into the .mo.

Programs read the .mo, and many sdists ship one beside each .po.  It is older than the
patch, and would hide it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from poach.build.mo_files import BadCatalog, compiled
from poach.errors import PoachError

_PO, _MO = ".po", ".mo"


class Touched(NamedTuple):
    """A patch, as messages name it, and the paths of the files that it changed."""

    label: str
    owner: str
    paths: Collection[str]


class HiddenTranslation(PoachError):
    """A patched .po that cannot become a .mo, beside an older .mo that would count."""

    #: Project and version.
    title: str
    #: The last one that changed `path`.
    patch: Touched
    path: str
    reason: str

    def __str__(self) -> str:
        where = f" ({self.patch.owner})" if self.patch.owner else ""
        return (
            f"Patch {self.patch.label} of {self.title}{where} has no effect on "
            f"{self.path}: programs read {_mo(self.path)}, which cannot be compiled "
            f"again ({self.path}, {self.reason}); correct the .po file in the patch, "
            "or patch the .mo file, too"
        )


def compile_patched(
    title: str, tree: Path, patches: Sequence[Touched]
) -> list[HiddenTranslation]:
    """Compile the .po files in `tree` that `patches` have changed, in this order.

    That is where the sdist ships catalogs of that name in compiled form, and no patch
    has changed the .mo itself since.  Where the .po was deleted the .mo goes, too.
    Returns what cannot be compiled.
    """
    faults = []
    for path, patch in _changed(patches).items():
        source, target = tree / path, tree / _mo(path)
        if not source.is_file():
            target.unlink(missing_ok=True)
        elif _is_shipped(tree, target):
            try:
                _replace(target, compiled(source.read_bytes()))
            except BadCatalog as error:
                faults.append(HiddenTranslation(title, patch, path, str(error)))
    return faults


def make_newer(egg: Path, tree: Path, patches: Sequence[Touched]) -> None:
    """Make each .mo in `egg` newer than its .po, if that is a patched one of `tree`.

    Zope compiles where it is older, and so would not leave the egg alone.
    """
    patched = {
        (tree / path).read_bytes()
        for patch in patches
        for path in patch.paths
        if path.endswith(_PO) and (tree / path).is_file()
    }
    for source in egg.rglob(f"*{_PO}") if patched else ():
        target = source.with_suffix(_MO)
        if target.is_file() and source.read_bytes() in patched:
            later = source.stat().st_mtime_ns + 10**9
            os.utime(target, ns=(later, later))


def _changed(patches: Sequence[Touched]) -> Mapping[str, Touched]:
    """Return the .po files that were changed after their .mo, and the last patch."""
    changed: dict[str, Touched] = {}
    for patch in patches:
        changed |= {path: patch for path in patch.paths if path.endswith(_PO)}
        for path in patch.paths:
            if path.endswith(_MO):
                changed.pop(path.removesuffix(_MO) + _PO, None)
    return changed


def _mo(path: str) -> str:
    return path.removesuffix(_PO) + _MO


def _is_shipped(tree: Path, target: Path) -> bool:
    """Return whether `target` is there, or one of the same name for another
    language."""
    return target.is_file() or any(_pairs(tree, target.name))


def _pairs(tree: Path, name: str) -> Iterator[Path]:
    for path in tree.rglob("*" + _MO):
        if path.name == name and path.with_suffix(_PO).is_file():
            yield path


def _replace(path: Path, data: bytes) -> None:
    """Write a file in the place of another one, or of a link; that keeps its mode."""
    new = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    new.write_bytes(data)
    if path.is_file():
        new.chmod(path.stat().st_mode & 0o777)
    new.replace(path)
