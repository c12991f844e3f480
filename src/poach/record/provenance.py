"""Provenance: what was done to a package, as files for its dist-info folder.

There are the diffs themselves, a record for machines (``poach.json``) and a software
bill of materials (PEP 770) in CycloneDX 1.6, whose `pedigree` is made for patched
components.  Nothing here depends on the clock, the machine or chance.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import quote

from poach.pins.location import is_url, recordable

#: The version of the record's format.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Upstream:
    """The sdist that was patched: its file name and its sha256 in hex."""

    filename: str
    sha256: str


@dataclass(frozen=True, slots=True)
class AppliedHunk:
    """One hunk as it went in."""

    #: Its ``@@`` line.
    header: str
    #: Where it went in; the first is 1.
    line: int
    #: How many lines that is below (or, negative, above) where the header says.
    offset: int = 0
    #: How many lines of context did not match.
    fuzz: int = 0
    #: Whether the file has other line endings than the diff, and kept them.
    eol: bool = False


@dataclass(frozen=True, slots=True)
class PatchedFile:
    """One file that a diff changed."""

    #: Relative to the top of the source tree.
    path: str
    hunks: tuple[AppliedHunk, ...] = ()
    #: Where it was before, if it was moved.
    source: str | None = None
    #: The effect of the build on it, a value of `poach.record.effect.Effect`.
    effect: str = ""
    #: Where it is in the wheel; may be empty.
    place: str = ""
    #: The reason, for people; may be empty.
    why: str = ""
    #: What to do, for people; may be empty.
    cure: str = ""
    #: What the interpreter cannot compile in it; may be empty.
    syntax: str = ""


@dataclass(frozen=True, slots=True)
class AppliedPatch:
    """One diff as it was applied."""

    #: The patch's name; several diffs may share one.
    name: str
    #: Who asked for it.
    owner: str
    #: Where it came from.
    location: str
    #: The digest of `data`, in hex.
    sha256: str
    #: The bytes of the diff.
    data: bytes
    #: The value it was applied with; so are `directory` and `fuzz`.
    strip: int
    directory: str
    fuzz: int
    files: tuple[PatchedFile, ...]
    #: Globs of files to leave out.
    exclude: tuple[str, ...] = ()
    #: The files left out.
    excluded: tuple[str, ...] = ()
    #: The value it was applied with.
    eol: str = "keep"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that was done to one package."""

    #: The name as written.
    project: str
    #: The upstream version.
    base: str
    #: The tagged version.
    version: str
    upstream: Upstream
    #: The names of the patches as asked for.
    names: tuple[str, ...]
    #: The diffs in the order of application; several may share a name, and where
    #: several are the same, one has several names.
    patches: tuple[AppliedPatch, ...]
    #: The digest of the patch set, in hex.
    digest: str
    #: The version of poach at work.
    poach: str


def metadata_files(provenance: Provenance) -> dict[str, bytes]:
    """Return the files to add to the dist-info folder, by their paths in it.

    The diffs are ``patches/NAME.patch``, or ``patches/NAME/01.patch`` and so on
    where several share a name; the record is ``poach.json``, the SBOM
    ``sboms/PROJECT.cdx.json`` (PEP 770).
    """
    diffs = zip(
        patch_paths(provenance.patches),
        (patch.data for patch in provenance.patches),
        strict=True,
    )
    return {
        **dict(diffs),
        "poach.json": canonical_json(record(provenance)),
        f"sboms/{_safe(provenance.project)}.cdx.json": canonical_json(sbom(provenance)),
    }


def patch_paths(patches: Sequence[AppliedPatch]) -> list[str]:
    """Return where in the dist-info folder each of `patches` is kept, in order."""
    together = Counter(patch.name for patch in patches)
    seen: Counter[str] = Counter()
    paths = []
    for patch in patches:
        seen[patch.name] += 1
        number = f"/{seen[patch.name]:02}" if together[patch.name] > 1 else ""
        paths.append(f"patches/{_safe(patch.name)}{number}.patch")
    return paths


def canonical_json(data: object) -> bytes:
    """Return `data` as JSON that is the same for the same data, and fit to read.

    It is ASCII, for a path in a diff need not be text that UTF-8 can carry.
    """
    return (json.dumps(data, indent=2, sort_keys=True) + "\n").encode("ascii")


def purl(project: str, version: str) -> str:
    """Return the package URL of a release (purl specification, type pypi)."""
    name = project.lower().replace("_", "-")
    return f"pkg:pypi/{quote(name, safe='')}@{quote(version, safe='')}"


def record(provenance: Provenance) -> dict[str, Any]:
    """Return the record of what was done as plain data.

    The bytes of the diffs are not in it; each has a `file` beside the record.
    """
    return {
        "format": FORMAT,
        "project": provenance.project,
        "base": provenance.base,
        "version": provenance.version,
        "upstream": {
            **asdict(provenance.upstream),
            "purl": purl(provenance.project, provenance.base),
        },
        "names": list(provenance.names),
        "patches": list(_patch_records(provenance.patches)),
        "digest": provenance.digest,
        "poach": provenance.poach,
    }


def _patch_records(patches: Sequence[AppliedPatch]) -> Iterator[dict[str, Any]]:
    for patch, path in zip(patches, patch_paths(patches), strict=True):
        shown = replace(
            patch,
            location=recordable(patch.location),
            owner=recordable(patch.owner),
        )
        fields = asdict(shown)
        del fields["data"]
        yield {**fields, "file": path}


def sbom(provenance: Provenance) -> dict[str, Any]:
    """Return a bill of materials as plain data (CycloneDX 1.6).

    The patched package is both its subject and its one component, as in the SBOMs
    that auditwheel writes: readers look in one place or in the other.
    """
    component = _component(provenance)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_serial(provenance)}",
        "version": 1,
        "metadata": {
            "tools": {
                "components": [
                    {
                        "type": "application",
                        "name": "poach",
                        "version": provenance.poach,
                    }
                ]
            },
            "component": component,
        },
        "components": [component],
    }


def _serial(provenance: Provenance) -> uuid.UUID:
    """Return an id that is another one as soon as anything in the record is."""
    return uuid.uuid5(
        uuid.NAMESPACE_URL, canonical_json(record(provenance)).decode("ascii")
    )


def _component(provenance: Provenance) -> dict[str, Any]:
    return {
        **_library(provenance.project, provenance.version),
        "bom-ref": purl(provenance.project, provenance.version),
        "pedigree": {
            "ancestors": [_ancestor(provenance)],
            "patches": [_pedigree_patch(patch) for patch in provenance.patches],
        },
        "properties": [
            {"name": f"poach:patch:{patch.name}:{name}", "value": value}
            for patch in provenance.patches
            for name, value in _properties(patch)
        ],
    }


def _properties(patch: AppliedPatch) -> Iterator[tuple[str, str]]:
    """Yield what became of each file, and how the diff was applied if not as it is."""
    yield from (
        (file.path, f"{file.effect} {file.place}".strip()) for file in patch.files
    )
    yield from (("excluded", name) for name in patch.excluded)
    if patch.eol != "keep":
        yield "eol", patch.eol


def _ancestor(provenance: Provenance) -> dict[str, Any]:
    digest = {"alg": "SHA-256", "content": provenance.upstream.sha256}
    return {**_library(provenance.project, provenance.base), "hashes": [digest]}


def _library(project: str, version: str) -> dict[str, Any]:
    return {
        "type": "library",
        "name": project,
        "version": version,
        "purl": purl(project, version),
    }


def _pedigree_patch(patch: AppliedPatch) -> dict[str, Any]:
    text = {
        "contentType": "text/x-diff",
        "encoding": "base64",
        "content": base64.b64encode(patch.data).decode("ascii"),
    }
    diff: dict[str, Any] = {"text": text}
    if is_url(patch.location):
        diff["url"] = recordable(patch.location).partition("#")[0]
    return {"type": "unofficial", "diff": diff}


def _safe(name: str) -> str:
    """Return `name` as part of a file name that leads nowhere else."""
    return re.sub(r"^\.+|[^A-Za-z0-9._-]+", "-", name)
