"""What programs derive from the files of an egg while they run, beside those files.

Such a file is no difference between an egg and the record of it, as long as it belongs
to a recorded file:

* byte code: ``__pycache__/m.cpython-311.pyc`` (also of pytest and of numba), and
  ``m.pyc``, ``m.pyo``, ``m$py.class`` of Python 2 and Jython, of ``m.py``;
* ``x.mo`` of ``x.po``, which Zope compiles when it starts;
* ``x.pt.py`` and ``x.pt.cache`` of the template ``x.pt`` (Chameleon, Mako);
* ``Grammar3.11.4.final.0.pickle`` of ``Grammar.txt`` (lib2to3 and its forks), and
  ``dropin.cache`` of the modules beside it (Twisted's plugins).

None of them is a module that an import statement can name, except for byte code, which
Python reads in place of its own source only.  So none of them shadows a module.

Paths are relative, with slashes; ``names`` are the recorded ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_CACHE = "__pycache__"
#: NAME.TAG.pyc (PEP 3147), NAME.TAG.opt-1.pyc (PEP 488), the file that becomes one of
#: them by a rename, and what numba keeps there.  All have a dot in NAME.TAG, so that
#: nobody can import them as modules of a package __pycache__.
_CACHED = re.compile(r"[^/]+\.[^/]+\.(?:py[co](?:\.\d+)?|nb[ci])")
_BESIDE = (".pyc", ".pyo", "$py.class")

_TEMPLATES = frozenset(
    {
        *("pt", "cpt", "zpt", "xpt", "mako", "mak", "tmpl"),
        *("html", "htm", "xhtml", "xml", "txt"),
    }
)
_COMPILED = (".py", ".cache")
_GRAMMAR = re.compile(r"(.*?)\d+\.\d+\.\d+\.[a-z]+\.\d+\.pickle")
_PLUGINS = "dropin.cache"
#: What a program may write again where it is recorded: none of it is code of a module.
_DATA = (".mo", ".cache", ".pickle")


def is_byte_code(name: str, names: Collection[str]) -> bool:
    """Return whether it is byte code of a source in `names`; it is never recorded."""
    return any(source in names for source in _sources_of_byte_code(name))


def is_derived(name: str, names: Collection[str]) -> bool:
    """Return whether a program derives this file from one of `names`."""
    return any(
        source in names or _is_template(source, names)
        for source in _sources_of_byte_code(name)
    ) or _is_data_or_template(name, names)


def may_be_rewritten(name: str, names: Collection[str]) -> bool:
    """Return whether its bytes may differ from its record: it is derived, and no code.

    `name` is one of `names` itself.
    """
    return name.endswith(_DATA) and _is_data_or_template(name, names)


def _sources_of_byte_code(name: str) -> Iterator[str]:
    """Yield the paths at which the source of a file lies, if that is byte code."""
    folder, file = _split(name)
    top, last = _split(folder.rstrip("/"))
    if last == _CACHE and _CACHED.fullmatch(file):
        while "." in file:
            file = file.rpartition(".")[0]
            yield f"{top}{file}.py"
    for suffix in _BESIDE if last != _CACHE else ():
        if file.endswith(suffix):
            yield f"{folder}{file.removesuffix(suffix)}.py"


def _is_data_or_template(name: str, names: Collection[str]) -> bool:
    folder, file = _split(name)
    grammar = _GRAMMAR.fullmatch(file)
    return (
        (file.endswith(".mo") and f"{name.removesuffix('.mo')}.po" in names)
        or _is_template(name, names)
        or (grammar is not None and f"{folder}{grammar[1]}.txt" in names)
        or (file == _PLUGINS and any(_is_module_in(folder, each) for each in names))
    )


def _is_template(name: str, names: Collection[str]) -> bool:
    """Return whether it is a compiled template; its two dots forbid an import."""
    source, dot, suffix = name.rpartition(".")
    file = _split(source)[1]
    stem, _, kind = file.rpartition(".")
    known = dot + suffix in _COMPILED and kind in _TEMPLATES
    return known and bool(stem) and source in names


def _is_module_in(folder: str, name: str) -> bool:
    return name.endswith(".py") and _split(name)[0] == folder


def _split(name: str) -> tuple[str, str]:
    """Return the folder, with its last slash, and the name of the file in it."""
    folder, slash, file = name.rpartition("/")
    return folder + slash, file
