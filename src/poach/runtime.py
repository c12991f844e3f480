"""What the running process runs: `poach.require` for any Python, 2.7 among them."""

import json
import os
import re
import sys

from poach import NotPatched

if False:  # typing is not in Python 2.7
    from collections.abc import Callable, Container, Iterable, Iterator

    Found = tuple[str, str, Callable[[str], str | None]]


def check(project, patches):
    # type: (str, Iterable[str]) -> None
    """Do what `poach.require` says."""
    found = _found(project)
    wanted = _listed(patches)
    if found is None:
        raise NotPatched("%s with %s is required, and is not there" % (project, wanted))
    title, location, read = found
    there = _patches(read("poach.json"))
    keys = [_canonical(name) for name in there]
    lacking = [name for name in patches if _canonical(name) not in keys]
    if lacking:
        has = "has %s and lacks" % _listed(there) if there else "is plain and lacks"
        raise NotPatched("%s at %s %s %s" % (title, location, has, _listed(lacking)))
    stems, shared = _stems(read("RECORD")), read("namespace_packages.txt") or ""
    for module, file in imported_from_elsewhere(
        location, lambda name: name.replace(".", "/") in stems, shared.split()
    ):
        raise NotPatched(
            "%s at %s has %s, but %s is imported from %s already"
            % (title, location, wanted, module, file)
        )


def _found(project):
    # type: (str) -> Found | None
    """Return title, folder and reader of metadata of a project, None without it."""
    if sys.version_info < (3, 8):
        return _found_by_pkg_resources(project)
    from importlib.metadata import distributions

    # Looking for a name fails where spellings differ, with dots for example.
    named = (d for d in distributions() if _is_called(d.metadata["Name"], project))
    dist = next(named, None)
    if dist is None:
        return None
    title = "%s %s" % (dist.metadata["Name"], dist.version)
    return title, str(dist.locate_file("")), dist.read_text


def _found_by_pkg_resources(project):
    # type: (str) -> Found | None
    import pkg_resources

    for dist in pkg_resources.working_set:
        if _is_called(dist.project_name, project):
            break
    else:
        return None

    def read(name):
        # type: (str) -> str | None
        return dist.get_metadata(name) if dist.has_metadata(name) else None

    return str(dist), dist.location, read


def _patches(record):
    # type: (str | None) -> list[str]
    """Return the names of the patches in a record of poach, none without one."""
    return [str(name) for name in json.loads(record)["names"]] if record else []


def imported_from_elsewhere(location, has, shared):
    # type: (str, Callable[[str], bool], Container[str]) -> Iterator[tuple[str, str]]
    """Yield the modules that `location` has and that are imported from other files.

    Gives each with its file.  `has` tells whether it has a module; those of the
    old-style namespace packages `shared` may be anybody's.
    """
    folder = os.path.join(os.path.realpath(location), "")
    for name, file in _modules():
        ours = name not in shared and has(name)
        if ours and not os.path.realpath(file).startswith(folder):
            yield name, file


def _stems(record):
    # type: (str | None) -> set[str]
    """Return the paths of the modules in a list of files, without suffixes."""
    files = [row.split(",")[0].strip('"') for row in (record or "").splitlines()]
    return {_stem(path) for path in files if path.endswith((".py", ".so", ".pyd"))}


def _stem(path):
    # type: (str) -> str
    """Return the path of a module, or of a package, without what follows its name."""
    folder, _, name = path.rpartition("/")
    module = name.split(".")[0]
    return folder if module == "__init__" else (folder + "/" + module).lstrip("/")


def _modules():
    # type: () -> list[tuple[str, str]]
    """Return the imported modules that have a file, by name."""
    modules = sorted(sys.modules.items(), key=lambda item: item[0])
    files = ((name, getattr(module, "__file__", None)) for name, module in modules)
    return [(name, file) for name, file in files if file]


def _is_called(name, project):
    # type: (str | None, str) -> bool
    return name is not None and _canonical(name) == _canonical(project)


def _listed(names):
    # type: (Iterable[str]) -> str
    return " ".join("+" + name for name in names)


def _canonical(project):
    # type: (str) -> str
    """Return the canonical name of a project (PEP 503)."""
    return re.sub(r"[-_.]+", "-", project).lower()
