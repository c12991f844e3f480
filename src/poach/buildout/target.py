"""The target of a buildout's own eggs: its interpreter, and the layout of its eggs."""

from __future__ import annotations

import zc.buildout.easy_install as easy_install
from packaging.tags import sys_tags

from poach.pins.build_key import Target

#: From zc.buildout 5 on, eggs have no ``__init__.py`` for old-style namespaces.
LAYOUT = "v5" if hasattr(easy_install, "find_namespace_init_files") else "v4"


def own_target() -> Target:
    """Return the running interpreter, with the layout of eggs of its buildout."""
    tag = next(sys_tags())
    return Target(tag.interpreter, tag.abi, tag.platform, LAYOUT)
