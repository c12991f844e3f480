"""The messages of errors that stop a buildout before unpatched code runs."""

from zc.buildout import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from poach.buildout27.supplier import PatchedPin


class NotForPlainPins(UserError):  # type: ignore[misc]
    """A requirement that only something patched satisfies, which no pin asks for."""


def arbitrary_equality(pin, requirement, requester):
    # type: (PatchedPin, str, str) -> UserError
    """Return the error for a `===`, which requires the text of the plain version."""
    return UserError(
        "%s requires %s, which compares the text of the version (PEP 440), and %s is "
        "another text; relax it to ==%s, or drop the patches from '%s'"
        % (requester, requirement, pin.version, pin.base, pin.asked)
    )


def unreadable_version(project, value, where, requirement, requester):
    # type: (str, str, str, str, str) -> UserError
    """Return the error for a version that buildout cannot read, set in file `where`."""
    words = value.split()
    comment = any(word[0] in "#;" for word in words[1:])
    return UserError(
        "%s requires %s, and its version '%s = %s'%s is none that zc.buildout can "
        "read%s"
        % (
            requester,
            requirement,
            project,
            " ".join(words),
            " (%s)" % where if where else "",
            "; give the comment a line of its own" if comment else "",
        )
    )


def late_pin(project, value):  # type: (str, str) -> UserError
    """Return the error for a pin that came up after the versions section was read."""
    return UserError(
        "The pin '%s = %s' is not in the versions section that poach has read; "
        "put it there" % (project, " ".join(value.split()))
    )


def unpatched(pin, version, location):  # type: (PatchedPin, str, str) -> UserError
    """Return the error for an unpatched distribution where a patched one must be."""
    return UserError(
        "%s is pinned to %s, but %s %s from %s is in use in its place; "
        "remove it from there" % (pin.project, pin.text, pin.project, version, location)
    )


def loaded_before(pin, version, location):  # type: (PatchedPin, str, str) -> UserError
    """Return the error for a plain egg that buildout itself runs on already."""
    return UserError(
        "%s is to be %s, but %s %s from %s was loaded before poach: an extension "
        "requires it, or a recipe that the section [buildout] refers to; what they "
        "require cannot be patched"
        % (pin.project, pin.text, pin.project, version, location)
    )


def tagged_loaded(found):  # type: (list[tuple[str, str, str]]) -> UserError
    """Return the error for patched eggs that buildout runs on and no pin takes.

    `found` are project, version and place of each.
    """
    return UserError(
        "\n".join(
            "%s %s from %s was loaded before poach, and it is patched: an extension "
            "requires it, or a recipe that the section [buildout] refers to.  Remove "
            "it from there, or pin it: %s = %s"
            % (project, version, place, project, version)
            for project, version, place in found
        )
    )


def not_for_plain_pins(reason, requirement, found):
    # type: (str, Any, list[tuple[str, str, str]]) -> NotForPlainPins
    """Return the error for a requirement that only `found` would satisfy.

    `reason` is what buildout says, empty for nothing.
    """
    lines = [reason.rstrip() or "Nothing is installed for %s." % requirement]
    for project, version, place in found:
        lines.append(
            "There is %s %s (%s); it is patched, and only this pin takes it: %s = %s"
            % (project, version, place, project, version)
        )
    return NotForPlainPins("\n".join(lines))
