"""The errors that stop a buildout before unpatched code runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from zc.buildout import UserError

from poach.buildout.patched_pin import PatchedPin
from poach.errors import ErrorWithFields, PoachError


@contextlib.contextmanager
def as_user_errors() -> Iterator[None]:
    """Turn poach's errors into those that buildout prints for its users."""
    try:
        yield
    except PoachError as error:
        raise UserError(str(error)) from error


class BuildoutError(ErrorWithFields, UserError):  # type: ignore[misc]
    """An error with fields that buildout prints for its users."""


class ArbitraryEquality(BuildoutError):
    """A dependent that requires the very text of the unpatched version."""

    pin: PatchedPin
    requirement: str
    requester: str

    def __str__(self) -> str:
        pin = self.pin
        return (
            f"{self.requester} requires {self.requirement}, which compares the text of "
            f"the version (PEP 440), and {pin.version} is another text; relax it to "
            f"=={pin.base}, or drop the patches from '{pin.asked}'"
        )


class UnreadableVersion(BuildoutError):
    """A value of the versions section that buildout cannot read as a version."""

    project: str
    value: str
    where: str
    requirement: str
    requester: str

    def __str__(self) -> str:
        words = self.value.split()
        comment = any(word[0] in "#;" for word in words[1:])
        cure = "; give the comment a line of its own" if comment else ""
        where = f" ({self.where})" if self.where else ""
        return (
            f"{self.requester} requires {self.requirement}, and its version "
            f"'{self.project} = {' '.join(words)}'{where} is none that zc.buildout can "
            f"read{cure}"
        )


class LatePin(BuildoutError):
    """A patched pin that came up after poach had read the versions section."""

    project: str
    value: str

    def __str__(self) -> str:
        value = " ".join(self.value.split())
        return (
            f"The pin '{self.project} = {value}' is not in the versions section that "
            "poach has read; put it there"
        )


class Unpatched(BuildoutError):
    """An unpatched distribution that got where a patched one must be."""

    pin: PatchedPin
    version: str
    location: str

    def __str__(self) -> str:
        pin = self.pin
        return (
            f"{pin.project} is pinned to {pin.text}, but {pin.project} {self.version} "
            f"from {self.location} is in use in its place; remove it from there"
        )


class SubstituteMissing(BuildoutError):
    """A substitute that cannot be found."""

    #: The substitute.
    other: str
    #: The project that it replaces.
    project: str
    #: The origin of the entry.
    owner: str
    #: The package that requires the project.
    requester: str

    def __str__(self) -> str:
        return (
            f"Couldn't find a distribution for {self.other!r}, the substitute of "
            f"{self.project} (see [substitutes], {self.owner}), which {self.requester} "
            "requires; correct the entry, or see that index or find-links has it"
        )


class SubstituteClash(BuildoutError):
    """A requirement on a project that its substitute does not meet."""

    requester: str
    requirement: str
    other: str
    version: str

    def __str__(self) -> str:
        return (
            f"{self.requester} requires {self.requirement}, and its substitute "
            f"{self.other} has version {self.version}; choose another version of that, "
            "or take the entry out of [substitutes]"
        )


class SubstituteTwice(BuildoutError):
    """A part that asks for a project and for its substitute."""

    spec: str
    other: str

    def __str__(self) -> str:
        return (
            f"A part asks for {self.spec} and for {self.other}, which takes its place "
            "(see [substitutes]); name one of them"
        )


class SubstituteBuilt(BuildoutError):
    """A part that builds from source what has a substitute."""

    project: str
    other: str

    def __str__(self) -> str:
        return (
            f"A part builds {self.project}, for which {self.other} stands in (see "
            "[substitutes]): nobody would get what it builds"
        )


class LoadedBefore(Unpatched):
    """A plain egg that buildout runs on since before poach could patch it."""

    def __str__(self) -> str:
        pin = self.pin
        return (
            f"{pin.project} is to be {pin.text}, but {pin.project} {self.version} from "
            f"{self.location} was loaded before poach: an extension requires it, or a "
            "recipe that the section [buildout] refers to; what they require cannot be "
            "patched"
        )


class NotForPlainPins(BuildoutError):
    """A requirement that only a patched egg satisfies, which no pin asks for."""

    #: The message of buildout, empty for none.
    error: str
    requirement: Any
    #: The project, the version and the place of each such distribution.
    found: Sequence[tuple[str, str, str]]

    def __str__(self) -> str:
        error = self.error.rstrip() or f"Nothing is installed for {self.requirement}."
        return "\n".join([error, *(_only_a_pin(*facts) for facts in self.found)])


class TaggedLoaded(BuildoutError):
    """Patched eggs that buildout runs on since before poach, and that no pin takes."""

    found: Sequence[tuple[str, str, str]]

    def __str__(self) -> str:
        return "\n".join(
            f"{project} {version} from {place} was loaded before poach, and it is "
            "patched: an extension requires it, or a recipe that the section "
            "[buildout] refers to.  Remove it from there, or pin it: "
            f"{project} = {version}"
            for project, version, place in self.found
        )


def _only_a_pin(project: str, version: str, place: str) -> str:
    return (
        f"There is {project} {version} ({place}); it is patched, and only this pin "
        f"takes it: {project} = {version}"
    )
