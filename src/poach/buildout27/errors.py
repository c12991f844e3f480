"""What stops a buildout lest unpatched code runs."""

from zc.buildout import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Tuple

    from poach.buildout27.pins import PatchedPin


class ArbitraryEquality(UserError):  # type: ignore[misc]
    """A dependent that requires the very text of the unpatched version."""

    def __init__(self, pin, requirement, asker):
        # type: (PatchedPin, str, str) -> None
        UserError.__init__(self, pin, requirement, asker)
        self.pin = pin
        self.requirement = requirement
        self.asker = asker

    def __str__(self):  # type: () -> str
        pin = self.pin
        return (
            "%s requires %s, which compares the text of the version (PEP 440), and %s "
            "is another text; relax it to ==%s, or drop the patches from '%s'"
        ) % (self.asker, self.requirement, pin.version, pin.base, pin.asked)


class UnreadableVersion(UserError):  # type: ignore[misc]
    """A value of the versions section that buildout cannot read as a version."""

    def __init__(self, project, value, where, requirement, asker):
        # type: (str, str, str, str, str) -> None
        UserError.__init__(self, project, value, where, requirement, asker)
        self.project = project
        self.value = value
        self.where = where
        self.requirement = requirement
        self.asker = asker

    def __str__(self):  # type: () -> str
        words = self.value.split()
        comment = any(word[0] in "#;" for word in words[1:])
        cure = "; give the comment a line of its own" if comment else ""
        where = " (%s)" % self.where if self.where else ""
        return (
            "%s requires %s, and its version '%s = %s'%s is none that zc.buildout can "
            "read%s"
        ) % (
            self.asker,
            self.requirement,
            self.project,
            " ".join(words),
            where,
            cure,
        )


class LatePin(UserError):  # type: ignore[misc]
    """A patched pin that came up after poach had read the versions section."""

    def __init__(self, project, value):  # type: (str, str) -> None
        UserError.__init__(self, project, value)
        self.project = project
        self.value = value

    def __str__(self):  # type: () -> str
        return (
            "The pin '%s = %s' is not in the versions section that poach has read; "
            "put it there"
        ) % (self.project, " ".join(self.value.split()))


class Unpatched(UserError):  # type: ignore[misc]
    """An unpatched distribution that got where a patched one must be."""

    def __init__(self, pin, version, location):
        # type: (PatchedPin, str, str) -> None
        UserError.__init__(self, pin, version, location)
        self.pin = pin
        self.version = version
        self.location = location

    def __str__(self):  # type: () -> str
        pin = self.pin
        return (
            "%s is pinned to %s, but %s %s from %s is in use in its place; "
            "remove it from there"
        ) % (pin.project, pin.text, pin.project, self.version, self.location)


class SubstituteMissing(UserError):  # type: ignore[misc]
    """A substitute that cannot be found; `owner` is who has named it."""

    def __init__(self, other, project, owner, asker):
        # type: (str, str, str, str) -> None
        UserError.__init__(self, other, project, owner, asker)
        self.other = other
        self.project = project
        self.owner = owner
        self.asker = asker

    def __str__(self):  # type: () -> str
        return (
            "Couldn't find a distribution for %r, the substitute of %s (see "
            "[substitutes], %s), which %s requires; correct the entry, or see that "
            "index or find-links has it"
        ) % (self.other, self.project, self.owner, self.asker)


class SubstituteClash(UserError):  # type: ignore[misc]
    """A requirement on a project that its substitute does not meet."""

    def __init__(self, asker, requirement, other, version):
        # type: (str, str, str, str) -> None
        UserError.__init__(self, asker, requirement, other, version)
        self.asker = asker
        self.requirement = requirement
        self.other = other
        self.version = version

    def __str__(self):  # type: () -> str
        return (
            "%s requires %s, and its substitute %s has version %s; choose another "
            "version of that, or take the entry out of [substitutes]"
        ) % (self.asker, self.requirement, self.other, self.version)


class SubstituteTwice(UserError):  # type: ignore[misc]
    """A part that asks for a project and for its substitute."""

    def __init__(self, spec, other):  # type: (str, str) -> None
        UserError.__init__(self, spec, other)
        self.spec = spec
        self.other = other

    def __str__(self):  # type: () -> str
        return (
            "A part asks for %s and for %s, which takes its place (see [substitutes]); "
            "name one of them"
        ) % (self.spec, self.other)


class SubstituteBuilt(UserError):  # type: ignore[misc]
    """A part that builds from source what has a substitute."""

    def __init__(self, project, other):  # type: (str, str) -> None
        UserError.__init__(self, project, other)
        self.project = project
        self.other = other

    def __str__(self):  # type: () -> str
        return (
            "A part builds %s, for which %s stands in (see [substitutes]): nobody "
            "would get what it builds"
        ) % (self.project, self.other)


class LoadedBefore(Unpatched):
    """A plain egg that buildout runs on since before poach could patch it."""

    def __str__(self):  # type: () -> str
        pin = self.pin
        return (
            "%s is to be %s, but %s %s from %s was loaded before poach: an extension "
            "requires it, or a recipe that the section [buildout] refers to; what they "
            "require cannot be patched"
        ) % (pin.project, pin.text, pin.project, self.version, self.location)


class NotForPlainPins(UserError):  # type: ignore[misc]
    """A requirement that only something patched satisfies, which no pin asks for.

    `error` is what buildout says, empty for nothing; `found` are the project, the
    version and the place of each such distribution.
    """

    def __init__(self, error, requirement, found):
        # type: (str, Any, List[Tuple[str, str, str]]) -> None
        UserError.__init__(self, error, requirement, found)
        self.error = error
        self.requirement = requirement
        self.found = found

    def __str__(self):  # type: () -> str
        error = self.error.rstrip() or "Nothing is installed for %s." % self.requirement
        return "\n".join([error] + [_only_a_pin(*facts) for facts in self.found])


class TaggedLoaded(UserError):  # type: ignore[misc]
    """Patched eggs that buildout runs on since before poach, and that no pin takes."""

    def __init__(self, found):  # type: (List[Tuple[str, str, str]]) -> None
        UserError.__init__(self, found)
        self.found = found

    def __str__(self):  # type: () -> str
        return "\n".join(
            "%s %s from %s was loaded before poach, and it is patched: an extension "
            "requires it, or a recipe that the section [buildout] refers to.  Remove "
            "it from there, or pin it: %s = %s"
            % (project, version, place, project, version)
            for project, version, place in self.found
        )


def _only_a_pin(project, version, place):  # type: (str, str, str) -> str
    return "There is %s %s (%s); it is patched, and only this pin takes it: %s = %s" % (
        (project, version, place, project, version)
    )
