"""The effect of a patch: what became of its files, and what to say about that.

What became of them stands in the record of each egg; `poach.build.judging` finds it out
when the egg is built.  What to say depends on the buildout: each run decides that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from poach.errors import PoachError, raise_faults
from poach.pins.patchset import Patch, PatchSet

#: What can be done about a patch without effect, and about one that is not installed.
POLICIES = ("error", "warn", "ignore")


class Effect(str, Enum):
    """What becomes of a file that a patch created, changed, moved or deleted.

    INSTALLED: the wheel has exactly the patched bytes, or lacks the deleted file.
    BUILD_INPUT: it may act through the build.  NOT_INSTALLED: tests, docs, CI.
    WITHOUT_EFFECT: what runs is not what the patch made.
    """

    INSTALLED = "installed"
    BUILD_INPUT = "build input"
    NOT_INSTALLED = "not installed"
    WITHOUT_EFFECT = "without effect"


class Verdict(NamedTuple):
    """What becomes of one file."""

    effect: Effect
    #: Its path in the wheel, where that has it.
    place: str = ""
    #: The reason, for people; may be empty.
    why: str = ""
    #: What to do, for people; may be empty.
    cure: str = ""


class Finding(NamedTuple):
    """What the record of an egg says about one file of a patch."""

    path: str
    #: What became of it.
    verdict: Verdict
    #: What cannot be compiled in it.
    syntax: str


class WithoutEffect(PoachError):
    """Files that patches change without effect."""

    patch_set: PatchSet
    #: One for each file.
    lines: Sequence[str]
    #: What the user has set, ``error`` or ``warn``.
    policy: str = "error"

    def __str__(self) -> str:
        milder = POLICIES[POLICIES.index(self.policy) + 1]
        return "\n".join(
            [
                f"Patches of {self.patch_set.title} change files without effect:",
                *(f"    {line}" for line in self.lines),
                f"to use such a patch anyway, write #effect={milder} behind the "
                f"location of its diff, or patch-effect = {milder} in [buildout]",
            ]
        )


class NothingInstalled(PoachError):
    """A patch of which no file is installed or acts in the build."""

    patch_set: PatchSet
    patch: Patch
    files: Sequence[Finding]

    def __str__(self) -> str:
        reasons = (f"{each.path} ({each.verdict.why})" for each in self.files)
        return (
            f"Patch {self.patch.name!r} of {self.patch_set.title} "
            f"({self.patch.owners}) changes nothing that is installed: "
            f"{', '.join(dict.fromkeys(reasons))}; take it out of the pin, or write "
            "#effect=ignore behind the location of its diff, or patch-unused = ignore "
            "in [buildout]"
        )


def findings(record: Mapping[str, Any]) -> list[list[Finding]] | None:
    """Return what the record of an egg says about the files of each of its diffs.

    None where it does not say that, or nonsense.
    """
    try:
        return [
            [_finding(file) for file in patch["files"]] for patch in record["patches"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _finding(file: Mapping[str, Any]) -> Finding:
    problems = (str(file[name]) for name in ("place", "why", "cure"))
    return Finding(
        str(file["path"]),
        Verdict(Effect(file["effect"]), *problems),
        str(file["syntax"]),
    )


def judge(
    patch_set: PatchSet, record: Mapping[str, Any], effect: str, unused: str
) -> list[str]:
    """Return warnings about the patches of an egg; raise `PoachError` for all errors.

    `record` is that of the egg.  `effect` says what to do about files without effect,
    where a patch does not say otherwise, `unused` about patches of which nothing is
    installed; both are one of `POLICIES`.
    """
    found = _found(patch_set, record)
    faults: list[PoachError] = []
    warnings: list[PoachError] = []
    for policy in POLICIES[:2]:
        lines = [*_without_effect(found, effect, policy)]
        problems: list[PoachError] = []
        if lines:
            problems.append(WithoutEffect(patch_set, lines, policy))
        if unused == policy:
            problems += _not_installed(patch_set, found)
        (faults if policy == "error" else warnings).extend(problems)
    raise_faults(faults)
    return [*map(str, warnings), *_syntax(patch_set, found)]


_Found = Sequence[tuple[str, Patch, Sequence[Finding]]]


def _found(patch_set: PatchSet, record: Mapping[str, Any]) -> _Found:
    """Return each diff with its label and what became of its files."""
    problems = findings(record) or []
    return [*zip(patch_set.labels, patch_set.patches, problems, strict=False)]


def _without_effect(found: _Found, effect: str, policy: str) -> Iterator[str]:
    for label, patch, files in found:
        for file in files if (patch.effect or effect) == policy else ():
            verdict = file.verdict
            if verdict.effect is Effect.WITHOUT_EFFECT:
                cure = f"; {verdict.cure}" if verdict.cure else ""
                yield (f"{label!r} ({patch.owners}): {file.path}: {verdict.why}{cure}")


def _not_installed(patch_set: PatchSet, found: _Found) -> Iterator[PoachError]:
    """Yield a fault for each name of which no file is installed or acts in the build.

    A name may stand for a series of diffs, one of which is for tests.
    """
    for name in dict.fromkeys(patch.name for _, patch, _ in found):
        diffs = [(patch, files) for _, patch, files in found if patch.name == name]
        files = [file for _, files in diffs for file in files]
        idle = all(file.verdict.effect is Effect.NOT_INSTALLED for file in files)
        if files and idle and diffs[0][0].effect != "ignore":
            yield NothingInstalled(patch_set, diffs[0][0], files)


def _syntax(patch_set: PatchSet, found: _Found) -> Iterator[str]:
    for label, patch, files in found:
        for file in files:
            if file.syntax:
                yield (
                    f"Patch {label!r} of {patch_set.title} ({patch.owners}): "
                    f"{file.path}: {file.syntax}"
                )
