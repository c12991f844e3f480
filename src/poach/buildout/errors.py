"""What stops a buildout lest unpatched code runs, and how buildout is told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import zc.buildout

from poach.errors import PoachError
from poach.patchset import PatchSet


class ArbitraryEquality(PoachError):
    """A dependent that requires the very text of the unpatched version."""

    def __init__(self, patch_set: PatchSet, requirement: str, asker: str) -> None:
        super().__init__(patch_set, requirement, asker)
        self.patch_set = patch_set
        self.requirement = requirement
        self.asker = asker

    def __str__(self) -> str:
        pin = self.patch_set.pin
        return (
            f"{self.asker} requires {self.requirement}, which compares the text of "
            f"the version (PEP 440), and {self.patch_set.version} is another text; "
            f"relax it to =={pin.base}, or drop the patches from "
            f"'{pin.project} = {pin}'"
        )


class LatePin(PoachError):
    """A patched pin that came up after poach had read the versions section."""

    def __init__(self, project: str, value: str) -> None:
        super().__init__(project, value)
        self.project = project
        self.value = value

    def __str__(self) -> str:
        return (
            f"The pin '{self.project} = {' '.join(self.value.split())}' is not in "
            "the versions section that poach has read; put it there"
        )


class Unpatched(PoachError):
    """An unpatched distribution that got where a patched one must be."""

    def __init__(self, patch_set: PatchSet, version: str, location: str) -> None:
        super().__init__(patch_set, version, location)
        self.patch_set = patch_set
        self.version = version
        self.location = location

    def __str__(self) -> str:
        pin = self.patch_set.pin
        return (
            f"{pin.project} is pinned to {pin}, but {pin.project} {self.version} "
            f"from {self.location} is in use in its place; remove it from there"
        )


class LoadedBefore(Unpatched):
    """A plain egg that buildout runs on since before poach could patch it."""

    def __str__(self) -> str:
        pin = self.patch_set.pin
        return (
            f"{pin.project} is to be {pin}, but {pin.project} {self.version} from "
            f"{self.location} was loaded before poach: an extension requires it, or a "
            "recipe that the section [buildout] refers to; what they require cannot "
            "be patched"
        )


@contextlib.contextmanager
def as_user_errors() -> Iterator[None]:
    """Turn poach's errors into those that buildout prints for its users."""
    try:
        yield
    except PoachError as error:
        raise zc.buildout.UserError(str(error)) from error
