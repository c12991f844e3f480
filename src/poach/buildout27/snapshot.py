"""What the bridge tells of a buildout: its options, and who set them."""

import os

from poach.buildout27.names import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

#: Options of [buildout] that are read on the other side; buildout calls the others
#: unused where nobody reads them here.
OPTIONS = (
    "patches",
    "patch-path",
    "patched-eggs-directory",
    "patch-fuzz",
    "patch-effect",
    "patch-build-with",
    "patch-jobs",
    "patch-unused",
    "poach-command",
)
RECIPES = ("poach", "poach:default", "poach:egg")
CUSTOM = "zc.recipe.egg:custom"


def sections(buildout):  # type: (Any) -> dict[str, dict[str, str]]
    """Return the options of all sections, those of parts with macros unresolved.

    What is read on the other side is as it is after substitution: [buildout], the
    versions and the patches.
    """
    found = {name: dict(options) for name, options in buildout._raw.items()}
    live = buildout["buildout"]
    for option in OPTIONS:
        live.get(option)
    found["buildout"] = _buildout_options(buildout)
    for name in (live.get("versions"), live.get("patches", "patches")):
        if name and name in buildout:
            found[name] = dict(buildout[name].items())
    return found


def special(buildout):  # type: (Any) -> list[str]
    """Return the names of the parts that build one egg, with options of their own."""
    names = (buildout["buildout"].get("parts") or "").split()
    recipes = {name: _options(buildout, name)._raw.get("recipe", "") for name in names}
    return [name for name in names if recipes[name].strip() in (CUSTOM,) + RECIPES]


def parts(buildout, pinned):
    # type: (Any, Collection[str]) -> dict[str, dict[str, str]]
    """Return the sections of `special` parts, after substitution.

    That loads the recipes of the parts to which they refer.  Of a part for a project
    that is not `pinned` only that much is told.
    """
    found = {}  # type: dict[str, dict[str, str]]
    for name in special(buildout):
        options = _options(buildout, name)
        recipe = options.get("recipe")
        egg = options.get("egg") or options.get("eggs") or name
        if recipe.strip() == CUSTOM and _project(egg) not in pinned:
            found[name] = {"recipe": recipe, "egg": egg}
            continue
        found[name] = dict(options.items())
        environment = options.get("environment")
        if environment and environment in buildout:
            found[environment] = dict(buildout[environment].items())
    return found


def annotated(buildout):  # type: (Any) -> dict[str, dict[str, list[list[str]]]]
    """Return who did what to each option: operation, value and source."""
    return {
        section: {option: _history(key) for option, key in options.items()}
        for section, options in buildout._annotated.items()
    }


def _history(key):  # type: (Any) -> list[list[str]]
    return [[item.operation, item.value, item.source] for item in key.history]


def _buildout_options(buildout):  # type: (Any) -> dict[str, str]
    """Return the options of [buildout], as Python 3 is to see them."""
    live = buildout["buildout"]
    copy = buildout.Options(buildout, "buildout", dict(live._raw))
    copy._data.update(live._data)  # the copy is read, for reading is taken for using
    found = dict(copy.items())
    if found.pop("abi-tag-eggs", None) == "true":
        found["eggs-directory"] = os.path.dirname(found["eggs-directory"])
    # zc.buildout 5 and later would append it.
    found["eggs-directory-version"] = ""
    return found


def _options(buildout, name):  # type: (Any, str) -> Any
    """Return the options of a section without loading its recipe."""
    options = buildout.Options(buildout, name, dict(buildout._raw.get(name, {})))
    options._raw = options._do_extend_raw(name, options._raw, [])
    return options


def _project(spec):  # type: (str) -> str
    """Return the canonical project of a requirement, well-formed or not."""
    word = spec.strip()
    end = 0
    while end < len(word) and (word[end].isalnum() or word[end] in "._-"):
        end += 1
    return canonical(word[:end])
