"""The files that configure a build, and the names in them."""

from __future__ import annotations

import re
from functools import cached_property

from poach.build.built import Built, Placement

#: Where a build looks for what it is to do.
_SCRIPTS = (
    *("setup.py", "setup.cfg", "pyproject.toml", "meson.build", "CMakeLists.txt"),
    *("build.py", "hatch_build.py", "pdm_build.py"),
)

#: What build files say if something is to be compiled for Python.
_EXTENSIONS = re.compile(
    rb"\b(?:\w*Extension\s*\(|ext[_-]modules\b|cythonize\b|cffi_modules\b"
    rb"|rust[_-]extensions\b|maturin\b|extension_module\b"
    rb"|(?:pybind11|nanobind|python|Python3?)_add_(?:module|library)\b)"
)


class BuildFiles:
    """Reads the build files of one build."""

    def __init__(self, built: Built, placement: Placement) -> None:
        self._built = built
        self._at = placement

    @cached_property
    def have_extensions(self) -> bool:
        """Whether they say that something is to be compiled for Python."""
        return any(map(_EXTENSIONS.search, self._scripts.values()))

    def mention(self, path: str, whole: bool) -> bool:
        """Return whether they name the file at `path`.

        If `whole`, it is named with its path, else with its name; or it is a module at
        the top, or in a package there, that is imported.
        """
        word = path if whole else path.rpartition("/")[2]
        pattern = rb"(?<![\w.-])%b(?![\w-])" % re.escape(_bytes(word))
        if re.search(pattern, b"\n".join(self._scripts.values())):
            return True
        top = path.partition("/")[0]
        helper = path.endswith(".py") and not self._at.goes(f"{top}/")
        module = top.removesuffix(".py")
        return helper and any(_imports(text, module) for text in self._scripts.values())

    @cached_property
    def _scripts(self) -> dict[str, bytes]:
        """Files that configure the build, and modules at the top that it imports."""
        there = self._built.tree.sizes
        found = {path: self._at.read(path) for path in _SCRIPTS if path in there}
        tops = {p for p in there if p.endswith(".py") and "/" not in p}
        new = set(found)
        while new:
            text = b"\n".join(found[path] for path in new)
            more = tops - found.keys()
            new = {path for path in more if _imports(text, path.removesuffix(".py"))}
            found.update((path, self._at.read(path)) for path in new)
        return found


def _imports(text: bytes, module: str) -> bool:
    """Return whether a line of `text` imports `module`, or names it as the backend."""
    imports = rb"^[ \t]*(?:import|from)[ \t]+(?:[\w., \t]*,[ \t]*)?"
    backend = rb"build-backend[ \t]*=[ \t]*[\"']"
    name = re.escape(_bytes(module))
    line = rb"(?:%b|%b)%b\b" % (imports, backend, name)
    return bool(re.search(line, text, re.MULTILINE))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
