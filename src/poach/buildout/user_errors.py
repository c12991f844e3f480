"""How buildout is told of poach's errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import zc.buildout

from poach.errors import PoachError


@contextlib.contextmanager
def as_user_errors() -> Iterator[None]:
    """Turn poach's errors into those that buildout prints for its users."""
    try:
        yield
    except PoachError as error:
        raise zc.buildout.UserError(str(error)) from error
