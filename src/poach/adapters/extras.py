"""The extras that an upstream project defines, read from its source tree.

An sdist holds its metadata in PKG-INFO (core metadata, ``Provides-Extra``); those that
are older than this field have it in the sections of setuptools' ``requires.txt``.
"""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser
from pathlib import Path

_SECTION = re.compile(rb"^\[([^\]:\r\n]+)", re.MULTILINE)


def extras(tree: Path) -> list[str]:
    """Return the extras that the metadata in the source tree `tree` names, sorted.

    None are found where a project says them only when it is built.
    """
    found: set[str] = set()
    for path in [*tree.glob("PKG-INFO"), *tree.glob("**/*.egg-info/PKG-INFO")]:
        headers = BytesHeaderParser().parsebytes(path.read_bytes())
        found.update(map(str, headers.get_all("Provides-Extra", ())))
    for path in tree.glob("**/*.egg-info/requires.txt"):
        sections = _SECTION.findall(path.read_bytes())
        found.update(name.decode("utf-8", "replace") for name in sections)
    return sorted(found)
