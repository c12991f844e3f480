"""Imports only go downward, and the values know nothing of the world."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import poach

ROOT = Path(poach.__file__).parent
LAYERS = ("values", "ports", "adapters", "pipeline", "edge")
#: Modules that the values must not import, whatever for.
WORLD = {
    *("os", "io", "shutil", "tempfile", "glob", "subprocess", "socket", "logging"),
    *("requests", "urllib.request", "http", "time", "random", "sys", "threading"),
    *("setuptools", "filelock", "zc", "pkg_resources", "importlib", "platform"),
}
HOST = ("zc", "pkg_resources")
#: Who may know zc.buildout: the extension, what runs in its process, the bridge.
EDGE = ("poach.buildout", "poach.hooks", "poach.buildout27")


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in ROOT.rglob("*.py")}
TREES = {name: ast.parse(path.read_bytes()) for name, path in SOURCES.items()}


def layer(name):
    """Return the layer of a module; what stands beside `pin` is a value."""
    parts = name.split(".")[1:]
    match parts:
        case ["adapters", *_]:
            return "adapters"
        case ["ports"]:
            return "ports"
        case ["kit" | "making" | "pipeline" | "relations"]:
            return "pipeline"
        case [] | [
            "__main__" | "buildout" | "cli" | "hooks" | "bridge" | "running",
            *_,
        ]:
            return "edge"
        case _:
            return "values"


def imports(name, lazy=True):
    """Yield the full names that a module imports; `lazy` within functions, too."""
    for node in ast.walk(TREES[name]) if lazy else at_import(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import(node):
    """Walk what runs when a module is imported: no functions, no TYPE_CHECKING."""
    for child in ast.iter_child_nodes(node):
        typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(
            child.test
        )
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not typing:
            yield child
            yield from at_import(child)


def ours(name, lazy=True):
    """Return the modules of poach that a module imports."""
    found = set()
    for imported in imports(name, lazy):
        if imported in SOURCES:
            found.add(imported)
        elif imported.rpartition(".")[0] in SOURCES:
            found.add(imported.rpartition(".")[0])
    return found - {"poach"}


def is_of(imported, packages):
    return any(imported == one or imported.startswith(one + ".") for one in packages)


VALUES = [name for name in SOURCES if layer(name) == "values"]


def test_the_reader_of_imports_sees_them():
    assert len(SOURCES) > 20
    assert "poach.pins.pin" in ours("poach.pins.patchset")
    assert "poach.pins.series" in ours("poach.catalog.definitions")
    assert "requests" in set(imports("poach.catalog.fetch"))
    assert "requests" not in set(imports("poach.catalog.fetch", lazy=False))
    assert {layer(name) for name in SOURCES} == set(LAYERS)


@pytest.mark.parametrize("name", SOURCES)
def test_imports_go_downward(name):
    height = LAYERS.index(layer(name))

    upward = {other for other in ours(name) if LAYERS.index(layer(other)) > height}

    assert not upward


def test_no_cycles():
    graph = {name: ours(name) for name in SOURCES}
    for name in SOURCES:  # a package and the modules in it are imported together
        graph[name].discard(name)

    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("name", VALUES)
def test_values_import_nothing_of_the_world(name):
    found = {imported for imported in imports(name) if is_of(imported, WORLD)}
    pathlib = {imported for imported in imports(name) if is_of(imported, ["pathlib"])}

    assert found <= {"io.BytesIO"}  # memory, not a file
    assert pathlib <= {"pathlib.PurePosixPath"}


@pytest.mark.parametrize("name", VALUES)
def test_values_open_nothing(name):
    called = {
        ast.unparse(node.func)
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Call)
    }

    assert not called & {"open", "print", "input", "exec", "eval", "__import__"}


def test_only_the_edge_knows_buildout():
    knows = {n for n in SOURCES if any(is_of(i, HOST) for i in imports(n))}

    assert {name for name in knows if not is_of(name, EDGE)} <= {
        "poach.cli.config",
        "poach.runtime",
    }


def test_the_hooks_know_nothing_that_python_2_lacks():
    """The bridge brings them to Python 2.7, and nothing else of poach."""
    carried = ["poach.hooks", "poach.buildout27", "poach.spelling"]
    for name in SOURCES:
        if is_of(name, carried):
            assert all(is_of(other, carried) for other in ours(name)), name


def test_buildout_does_not_know_the_command_line():
    both = {
        name: {other for other in ours(name) if is_of(other, ["poach.cli"])}
        for name in SOURCES
        if is_of(name, ["poach.buildout"])
    }

    assert not any(both.values())


def test_the_command_line_imports_buildout_lazily():
    for name in SOURCES:
        if is_of(name, ["poach.cli"]):
            edge = {o for o in imports(name, lazy=False) if is_of(o, HOST)}
            edge |= {o for o in ours(name, lazy=False) if is_of(o, ["poach.buildout"])}
            assert not edge, name


def loaded(statement, *packages):
    """Return which of `packages` a new interpreter loads for `statement`."""
    code = (
        f"import sys; before = {{*sys.modules}}; {statement}; "
        f"print(*{set(packages)!r} & (sys.modules.keys() - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


EXTENSION = "import zc.buildout.easy_install, poach.buildout.extension"


@pytest.mark.parametrize("package", ["requests", "filelock", "poach.applier.diff"])
def test_the_extension_loads_fast(package):
    assert loaded(EXTENSION, package) == set()


@pytest.mark.parametrize("package", ["requests", "filelock", "zc.buildout"])
def test_the_command_line_loads_fast(package):
    assert loaded("import poach.cli", package) == set()


@pytest.mark.parametrize("package", ["dataclasses", "inspect", "json", "pathlib"])
def test_applying_loads_fast(package):
    assert loaded("import poach.cli.apply", package) == set()
