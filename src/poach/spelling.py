"""How projects and pins are spelled, for Python 2.7 as well as for Python 3.

The bridge carries these rules to the buildouts of Python 2.7; everybody else finds them
in `poach.naming` and `poach.pin`.
"""

import re

_SIGN = re.compile(r"(^|\s)\+|\S\s+-|^\s*\S+\+(\s|$)")


def canonical(project):  # type: (str) -> str
    """Return the canonical name of a project (PEP 503)."""
    return re.sub(r"[-_.]+", "-", project).lower()


def is_pin(value):  # type: (str) -> bool
    """Tell whether `value` asks for patches or refuses some, well-formed or not.

    A local version such as ``3.8.1+foo`` (PEP 440) does not.
    """
    return _SIGN.search(value) is not None
