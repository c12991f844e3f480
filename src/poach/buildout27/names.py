"""Names and versions, as `poach.names` has them for Python 3."""

import re

import pkg_resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The end of what `poach.names.tagged_version` makes, however spelled.
_TAG = re.compile(r"\+.+[-_.]p[0-9a-f]{8}\Z", re.IGNORECASE)

_SIGN = re.compile(r"(^|\s)\+|\S\s+-|^\s*\S+\+(\s|$)")


def canonical(project):  # type: (str) -> str
    """Return the canonical name of a project (PEP 503)."""
    return re.sub(r"[-_.]+", "-", project).lower()


def is_pin(value):  # type: (str) -> bool
    """Tell whether `value` asks for patches or refuses some, well-formed or not.

    A local version such as ``3.8.1+foo`` (PEP 440) does not.
    """
    return _SIGN.search(value) is not None


def is_tagged(version):  # type: (str) -> bool
    """Tell whether `version` is one that poach gives to what it has patched.

    Its label ends in ``.p`` and eight hex digits: ``1.16.0+hello.p1234abcd``.  Other
    labels, as in ``1.0+cu118`` or ``1.0+deb1``, are somebody else's.
    """
    return "+" in version and _TAG.search(version) is not None


def same_version(one, other):  # type: (Any, Any) -> bool
    """Tell whether both are the same PEP 440 version, however spelled."""
    try:
        parsed = pkg_resources.parse_version(one), pkg_resources.parse_version(other)
    except ValueError:
        return False
    return bool(parsed[0] == parsed[1])
