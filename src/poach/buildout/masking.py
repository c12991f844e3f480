"""Log lines without secrets: buildout and setuptools print the URLs that they read."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from poach.pins.location import without_credentials

#: Those through which URLs are told.  The package index of setuptools uses the root
#: logger; a filter there sees no line of any other logger.
_LOGGERS = (
    "",
    "zc.buildout",
    "zc.buildout.buildout",
    "zc.buildout.download",
    "zc.buildout.easy_install",
)


class _Mask(logging.Filter):
    """Lets every line pass, without the credentials in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        with contextlib.suppress(TypeError, ValueError):  # logging itself tells of it
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
