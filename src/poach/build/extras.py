"""The extras that an upstream project defines, read from its source tree.

An sdist holds its metadata in PKG-INFO (core metadata, ``Provides-Extra``); those that
are older than this field have it in the sections of setuptools' ``requires.txt``.
"""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser
from pathlib import Path

#: No metadata is longer.
_LONGEST = 1 << 24
_SECTION = re.compile(rb"^\[([^\]:\r\n]+)", re.MULTILINE)


def extras(tree: Path) -> list[str]:
    """Return the extras that the metadata in the source tree `tree` names, sorted.

    None are found where a project says them only when it is built.
    """
    found: set[str] = set()
    for path in [*tree.glob("PKG-INFO"), *tree.glob("**/*.egg-info/PKG-INFO")]:
        headers = BytesHeaderParser().parsebytes(_data(path))
        found.update(map(str, headers.get_all("Provides-Extra", ())))
    for path in tree.glob("**/*.egg-info/requires.txt"):
        sections = _SECTION.findall(_data(path))
        found.update(name.decode("utf-8", "replace") for name in sections)
    return sorted(found)


def _data(path: Path) -> bytes:
    """Return what is in a file, nothing where there is another thing of that name."""
    if not path.is_file():
        return b""
    with path.open("rb") as stream:
        return stream.read(_LONGEST)
