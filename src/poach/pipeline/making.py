"""Making one egg: unpack, apply, build, judge, retag; `make` reads as the manual.

Apart from `poach.pipeline` because a run that finds its eggs in the store does not
need, and does not import, any of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version as installed_version
from pathlib import Path

from packaging.utils import parse_wheel_filename

from poach.applier.diff import NamedDiff
from poach.applier.disk import tree as trees
from poach.applier.disk.relations import Conflict, conflicts, misplaced
from poach.applier.excluding import check
from poach.applier.hunks import Placement
from poach.archives.sdist import unpack
from poach.build import translations
from poach.build.builder import BuildFailed
from poach.build.built import Touched
from poach.build.compiling import UNKNOWN
from poach.build.judging import of_moved, verdicts
from poach.build.process import tail
from poach.build.retag import read, retagged, write
from poach.build.suspects import PatchedBuildFailed, Suspect, named_in
from poach.build.watching import Before, after, before, upstream
from poach.catalog.ports import Sdist
from poach.errors import PoachError, collect, raise_faults
from poach.names import canonicalize_name, same_version
from poach.pins.build_key import BuildKey
from poach.pins.location import recordable
from poach.pins.patchset import Patch, PatchFault, PatchSet
from poach.pipeline.kit import Kit
from poach.record.effect import Verdict
from poach.record.provenance import (
    AppliedHunk,
    AppliedPatch,
    PatchedFile,
    Provenance,
    Upstream,
    metadata_files,
    record,
)
from poach.store.store import Made

#: Lines at the end of a build's log in which files of patches are looked for.
FAR = 500


class CannotPatch(PoachError):
    """A patch set that does not apply."""

    title: str
    #: Which hunks do not apply, and why.
    refused: trees.ApplyRefused
    #: Which patches keep each other from applying, or would apply in another place.
    conflicts: Sequence[Conflict | str] = ()

    def __str__(self) -> str:
        lines = [f"Cannot patch {self.title}:", self.refused, *self.conflicts]
        return "\n".join(map(str, lines))


class WrongWheel(PoachError):
    """A patched tree that builds another project or version than its pin says."""

    title: str
    wheel: str

    def __str__(self) -> str:
        return (
            f"The patched tree of {self.title} builds {self.wheel}, not the name "
            "and version of the pin; look at upstream's build files and at the patches"
        )


def make(
    staging: Path, patch_set: PatchSet, sdist: Sdist, key: BuildKey, kit: Kit
) -> Made:
    """Make the egg of `patch_set` in the folder `staging`, step by step.

    Returns egg, wheel and the record of what went in, and of what became of each
    file that a patch touches.  Raises `PoachError`.
    """
    log = kit.store.log_path(patch_set.version, key)
    log.unlink(missing_ok=True)
    tree = unpack(sdist.path, staging / "source")
    applied, before = apply(patch_set, tree, kit)
    faults = syntax_faults(before.touched, kit, staging / "syntax", log)
    touched = _touched(patch_set, applied)
    raise_faults(translations.compile_patched(patch_set.title, tree, touched))
    built, builder = staging / "wheel", kit.toolchain().builder
    kit.reporter.building(patch_set.tagged, builder.tool(tree, key.options))
    try:
        path = builder.build(patch_set.asked, tree, built, key.options, log)
    except BuildFailed as failure:
        raise _suspected(patch_set, applied, failure) from failure
    _check(patch_set, path)
    wheel = read(path)
    found = verdicts(after(before, builder.built_in(tree, built), wheel))
    applied = judged(applied, found, faults)
    for label, patch in zip(patch_set.labels, applied, strict=True):
        kit.reporter.installed(patch_set.title, label, patch)
    facts = Provenance(
        project=patch_set.pin.project,
        base=patch_set.pin.base,
        version=patch_set.version,
        upstream=Upstream(sdist.path.name, sdist.sha256),
        names=patch_set.pin.names,
        patches=applied,
        digest=patch_set.digest,
        poach=installed_version("poach"),
    )
    files, extras = metadata_files(facts), patch_set.extras
    tagged = write(retagged(wheel, patch_set.version, files, extras), staging)
    egg = kit.toolchain().eggs.make(tagged, staging / "egg", log)
    translations.make_newer(egg, tree, touched)
    kit.reporter.printed(log)
    log.unlink(missing_ok=True)
    return Made(egg, tagged, record(facts))


def apply(
    patch_set: PatchSet, tree: Path, kit: Kit
) -> tuple[tuple[AppliedPatch, ...], Before]:
    """Apply all diffs of `patch_set` to the source tree `tree`, or none.

    Returns what was done, diff by diff, and how the tree is now.  Raises `PoachError`
    with all that is wrong with any of them.
    """
    diffs = read_diffs(patch_set, kit)
    plan = planned(patch_set, tree, diffs)
    was = upstream(plan)
    trees.write(plan)
    done = tuple(
        _applied(patch, diff.data, outcome)
        for patch, diff, outcome in zip(
            patch_set.patches, diffs, plan.patches, strict=True
        )
    )
    for label, patch in zip(patch_set.labels, done, strict=True):
        kit.reporter.patched(patch_set.title, label, patch)
    return done, before(tree, was)


def syntax_faults(
    touched: Mapping[str, Touched], kit: Kit, folder: Path, log: Path
) -> dict[str, str]:
    """Return what the interpreter of the egg cannot compile in patched modules.

    What it could not compile before, as templates and the code of other Pythons, does
    not count.
    """
    modules = {path: one for path, one in touched.items() if path.endswith(".py")}
    now = {
        path: one.patched for path, one in modules.items() if one.patched is not None
    }
    if not now:
        return {}
    was = [modules[path].upstream or b"" for path in now]
    compiler = kit.toolchain().compiler
    faults = compiler.faults([*now.values(), *was], folder, log)
    pairs = zip(now, faults, faults[len(now) :], strict=False)
    messages = {}
    for path, fault, known in pairs:
        if fault == UNKNOWN:
            messages[path] = f"{compiler.name} {fault}"
        elif fault and not known:
            messages[path] = f"{compiler.name} cannot compile it: {fault}"
    return messages


def judged(
    patches: Iterable[AppliedPatch],
    found: Mapping[str, Verdict],
    faults: Mapping[str, str],
) -> tuple[AppliedPatch, ...]:
    """Return `patches` with what became of each of their files."""

    def file_of(file: PatchedFile) -> PatchedFile:
        verdict = found[file.path]
        if file.source is not None:
            verdict = of_moved(verdict, found[file.source])
        fields = {**verdict._asdict(), "effect": verdict.effect.value}
        return replace(file, **fields, syntax=faults.get(file.path, ""))

    return tuple(
        replace(patch, files=tuple(map(file_of, patch.files))) for patch in patches
    )


def _touched(
    patch_set: PatchSet, applied: Sequence[AppliedPatch]
) -> list[translations.Touched]:
    """Return which files each patch has changed."""
    return [
        translations.Touched(label, patch.owner, {file.path for file in patch.files})
        for label, patch in zip(patch_set.labels, applied, strict=True)
    ]


def planned(patch_set: PatchSet, tree: Path, diffs: Sequence[NamedDiff]) -> trees.Plan:
    """Return what the diffs of `patch_set` do to `tree`; raise `CannotPatch`."""
    try:
        check(diffs)
    except trees.ApplyRefused as refused:
        raise CannotPatch(patch_set.title, refused) from refused
    try:
        return trees.plan(tree, diffs)
    except trees.ApplyRefused as refused:
        found = conflicts(tree, diffs) or misplaced(tree, diffs)
        raise CannotPatch(patch_set.title, refused, found) from refused


def read_diffs(patch_set: PatchSet, kit: Kit) -> list[NamedDiff]:
    """Read all diffs of `patch_set`; raise what is wrong with any of them."""
    labelled = zip(patch_set.labels, patch_set.patches, strict=True)
    return collect(lambda each: _read(patch_set, *each, kit), labelled)


def _suspected(
    patch_set: PatchSet, applied: Sequence[AppliedPatch], failure: BuildFailed
) -> PatchedBuildFailed:
    """Return the error that names the patches of a tree that does not build."""
    suspects = [
        Suspect(label, patch.owners, tuple(file.path for file in done.files))
        for label, patch, done in zip(
            patch_set.labels, patch_set.patches, applied, strict=True
        )
    ]
    files = {file for suspect in suspects for file in suspect.files}
    named = named_in(tail(failure.failure.log, FAR), files)
    project, cure = patch_set.pin.project, failure.cure
    return PatchedBuildFailed(project, failure, suspects, named, cure)


def _applied(patch: Patch, data: bytes, outcome: trees.PatchedBy) -> AppliedPatch:
    return AppliedPatch(
        name=patch.name,
        owner=recordable(_public(patch.owner)),
        location=recordable(_public(patch.location.shown)),
        sha256=patch.sha256,
        data=data,
        strip=outcome.strip,
        directory=outcome.directory,
        fuzz=patch.fuzz,
        exclude=patch.exclude,
        excluded=outcome.excluded,
        eol=patch.eol,
        files=tuple(
            PatchedFile(
                file.path,
                tuple(_hunk(hunk) for hunk in file.hunks),
                file.source if file.action == "rename" else None,
            )
            for file in outcome.files
        ),
    )


def _hunk(hunk: Placement) -> AppliedHunk:
    return AppliedHunk(hunk.header, hunk.line, hunk.offset, hunk.fuzz, hunk.eol)


def _public(place: str) -> str:
    """Return an owner or a location as the record may have it: no machine's paths."""
    return place if ":/" in place or place.startswith("sdist:") else Path(place).name


def _read(patch_set: PatchSet, label: str, patch: Patch, kit: Kit) -> NamedDiff:
    try:
        data = kit.reader.read(patch.location, patch.sha256)
    except PoachError as fault:
        raise PatchFault(patch_set.pin, label, patch.owners, fault) from fault
    return NamedDiff(
        label,
        patch.owner,
        data,
        patch.strip,
        patch.directory,
        patch.fuzz,
        patch.exclude,
        patch.eol,
    )


def _check(patch_set: PatchSet, wheel: Path) -> None:
    name, version, _, _ = parse_wheel_filename(wheel.name)
    pin = patch_set.pin
    same = same_version(version.public, pin.base)
    if canonicalize_name(name) != pin.key or not same:
        raise WrongWheel(patch_set.title, f"{name} {version}")
