"""Log lines without secrets: buildout and setuptools print the URLs that they read."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from poach.pins.location import without_credentials

#: It says path and query alone, in which nobody can see a URL.
_REQUESTS = "urllib3.connectionpool"
#: Those that log URLs.  The package index of setuptools uses the root
#: logger; a filter there sees no line of any other logger.
_LOGGERS = (
    "",
    "zc.buildout",
    "zc.buildout.buildout",
    "zc.buildout.download",
    "zc.buildout.easy_install",
    _REQUESTS,
)


class _Mask(logging.Filter):
    """Removes the credentials from each line; drops the lines of single requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == _REQUESTS and record.levelno < logging.WARNING:
            return False
        with contextlib.suppress(TypeError, ValueError):  # logging itself reports it
            said = record.getMessage()
            shown = without_credentials(said)
            if shown != said:
                record.msg, record.args = shown, ()
        return True


_MASK = _Mask()


def mask() -> None:
    """Leave credentials out of what is logged from now on; twice is as once."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_MASK)


def unmask() -> None:
    """End what `mask` began."""
    for name in _LOGGERS:
        logging.getLogger(name).removeFilter(_MASK)


@contextlib.contextmanager
def masked() -> Iterator[None]:
    """Leave credentials out of what is logged here."""
    mask()
    try:
        yield
    finally:
        unmask()
