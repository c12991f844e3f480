"""Asking: patches that packages require, as ``ZODB3[poll-invalidations]``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from poach.errors import PoachError
from poach.names import NormalizedName, canonicalize_name


class Request(NamedTuple):
    """A patch that somebody requires."""

    #: The canonical name of the project.
    project: NormalizedName
    #: The canonical name of the patch.
    patch: str
    #: Who requires it, for people.
    requester: str

    @classmethod
    def of(cls, project: str, patch: str, requester: str) -> Request:
        """Return the request with canonical names."""
        return cls(canonicalize_name(project), canonicalize_name(patch), requester)

    @property
    def patch_title(self) -> str:
        """What is required, for people: ``zodb3 +poll-invalidations``."""
        return f"{self.project} +{self.patch}"


class RequestError(PoachError):
    """A request that cannot be satisfied."""

    request: Request
    reason: str

    def __str__(self) -> str:
        request = self.request
        return f"{request.requester} asks for {request.patch_title}, {self.reason}"


def refused(request: Request, where: str) -> RequestError:
    """Return the error of a request for a patch that the buildout refuses."""
    return RequestError(
        request,
        f"which {where} refuses; remove that refusal, or set 'patch-requests = ignore' "
        "to run without the patch",
    )


def unpinned(request: Request) -> RequestError:
    """Return the error of a request on a project that has no one version."""
    return RequestError(
        request,
        f"but {request.project} has no extra of that name, and no single version to "
        "patch: pin one in [versions]",
    )


def uninvited(request: Request) -> RequestError:
    """Return the error of a request where ``patch-requests`` is ``error``."""
    return RequestError(
        request, f"which is not in the pin (patch-requests = error); {_cure(request)}"
    )


def unpatchable(request: Request) -> RequestError:
    """Return the error of a request for what the buildout itself runs on."""
    return RequestError(
        request, f"but {request.project} runs this buildout, which cannot patch it"
    )


def undefined(request: Request, places: Sequence[str]) -> RequestError:
    """Return the error of a request for what is neither an extra nor a patch."""
    return RequestError(
        request,
        f"which is neither an extra of {request.project} nor a patch that anything "
        f"defines; looked in {', '.join(places)}",
    )


def too_late(request: Request, again: bool = False) -> RequestError:
    """Return the error of a request that comes when the project is in use.

    `again` says that the next run will know of the request before that.
    """
    return RequestError(
        request,
        f"but {request.project} is already in use without it, by a recipe or another "
        "part; "
        + "run buildout again, now that the requester is installed, or " * again
        + _cure(request),
    )


def _cure(request: Request) -> str:
    return (
        f"add +{request.patch} to the pin and, if only a package has the diff, its "
        "place to [patches]"
    )
