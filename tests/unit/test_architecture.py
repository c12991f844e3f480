"""The house: which rooms there are, what each may import, and through which doors.

The table below is the rule.  A folder or a module at the top that is not in it fails.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import poach

ROOT = Path(poach.__file__).parent


class Room(NamedTuple):
    """What a room may import of poach, and which of its modules others may import.

    Both are words in one text.  No doors: the room is one module.
    """

    imports: str = ""
    doors: str = ""


HOUSE = {
    # the ground
    "errors": Room(),
    "system": Room(),
    "names": Room(),
    "web": Room(doors="client clock"),
    # pure, but for applier.disk
    "applier": Room(
        "errors",
        "belonging binaries diff excluding hunks outcome packing paths rejects",
    ),
    "applier.disk": Room("errors system applier", "relations signals staging tree"),
    "pins": Room("errors names", "build_key location patchset pin requests series"),
    "record": Room("errors pins", "effect provenance"),
    # files and servers
    "archives": Room("errors system applier applier.disk", "sdist zips"),
    "store": Room(
        "errors system names pins record",
        "alias derived entries export inuse inventory manifest notes pristine pruning "
        "reporter store usage verifying",
    ),
    "catalog": Room(
        "errors names web applier archives pins store",
        "definitions fetch ports reader",
    ),
    "build": Room(
        "errors names applier applier.disk pins record store",
        "builder built compiling egginfo extras interpreter jobs judging pip process "
        "retag suspects translations unpacking uv watching",
    ),
    "remote": Room(
        "errors names web applier archives pins record store",
        "client reporter sharing signing",
    ),
    # the manual
    "pipeline": Room(
        "errors names applier applier.disk archives pins record store catalog build "
        "remote",
        "pipeline kit making ports",
    ),
    # the edges
    "buildout": Room(
        "errors system names pins record store catalog build remote pipeline runtime",
        "activation bridge display extension masking session store_folder",
    ),
    "buildout27": Room(),
    "cli": Room(
        "errors names applier applier.disk pins record store build remote pipeline "
        "buildout",
        "cli",
    ),
    # what patched programs run, and python -m poach
    "runtime": Room(),
    "__main__": Room("cli"),
}
PURE = ("errors", "names", "applier", "pins", "record")
#: What pure modules must not import, whatever for.
WORLD = (
    *("os", "io", "shutil", "tempfile", "glob", "subprocess", "socket", "logging"),
    *("requests", "urllib.request", "http", "time", "random", "sys", "threading"),
    *("setuptools", "filelock", "zc", "pkg_resources", "importlib", "platform"),
)
HOST = ("zc", "pkg_resources")
#: What the state of a run is called wherever it is at hand: a `Session`, its `Use` and
#: its `Granting`.  Each of them alone changes what it has.
STATE = {"session", "use", "granting"}
#: Methods that change a set, a dict or a list.
CHANGING = {
    *("add", "append", "clear", "discard", "extend", "insert", "pop", "popitem"),
    *("remove", "reverse", "setdefault", "sort", "update", "difference_update"),
    *("intersection_update", "symmetric_difference_update"),
}
#: Code lines that a module may have: without comments, docstrings and empty lines.
LONGEST = 350


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in ROOT.rglob("*.py")}
TREES = {name: ast.parse(path.read_bytes()) for name, path in SOURCES.items()}
MODULES = [name for name in SOURCES if name != "poach"]


def room(name):
    """Return the room of a module: the longest name in the table that fits."""
    parts = name.split(".")[1:]
    return ".".join(parts[:2]) if parts[:2] == ["applier", "disk"] else parts[0]


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


def code_lines(path):
    """Return how many lines of a module are code."""
    text = path.read_text("utf-8")
    docs = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docs.update(range(node.lineno, node.end_lineno + 1))
    marks = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER}
    marks |= {tokenize.INDENT, tokenize.DEDENT}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in marks:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docs)


def test_the_reader_of_imports_sees_them():
    assert len(SOURCES) > 100
    assert "poach.pins.pin" in ours("poach.pins.patchset")
    assert "poach.pins.series" in ours("poach.catalog.definitions")
    assert "requests" in set(imports("poach.catalog.fetch"))
    assert "requests" not in set(imports("poach.catalog.fetch", lazy=False))


def test_every_room_is_in_the_table():
    assert {room(name) for name in MODULES} == HOUSE.keys()


def test_every_folder_is_a_room():
    folders = {path.parent.relative_to(ROOT) for path in SOURCES.values()} - {Path()}

    assert {".".join(folder.parts) for folder in folders} <= HOUSE.keys()


def test_the_table_has_no_circle():
    TopologicalSorter({r: each.imports.split() for r, each in HOUSE.items()}).prepare()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_what_its_room_may(name):
    allowed = {room(name), *HOUSE[room(name)].imports.split()}

    assert {room(other) for other in ours(name)} <= allowed


@pytest.mark.parametrize("place", HOUSE)
def test_a_room_may_import_nothing_that_it_does_not(place):
    inside = [name for name in MODULES if room(name) == place]
    used = {room(other) for name in inside for other in ours(name)} - {place}

    assert used == set(HOUSE[place].imports.split())


@pytest.mark.parametrize("name", MODULES)
def test_nobody_reaches_past_a_door(name):
    for other in ours(name):
        place = room(other)
        if place != room(name) and HOUSE[place].doors:
            inside = place.startswith(room(name)) or room(name).startswith(place)
            door = other.rpartition(".")[2]
            assert inside or door in HOUSE[place].doors.split(), other


def test_every_door_is_used():
    used = {o for name in MODULES for o in ours(name) if room(o) != room(name)}
    for place, each in HOUSE.items():
        doors = {d.rpartition(".")[2] for d in used if room(d) == place}
        assert set(each.doors.split()) <= doors, place


@pytest.mark.parametrize("name", MODULES)
def test_a_room_says_what_it_is_for(name):
    assert ast.get_docstring(TREES[name]), name


def test_no_circles():
    graph = {name: ours(name) for name in SOURCES}
    for name in SOURCES:  # a package and the modules in it are imported together
        graph[name].discard(name)

    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("name", MODULES)
def test_no_module_is_too_long(name):
    assert code_lines(SOURCES[name]) <= LONGEST


@pytest.mark.parametrize("name", [n for n in MODULES if room(n) in PURE])
def test_what_is_pure_imports_nothing_of_the_world(name):
    found = {imported for imported in imports(name) if is_of(imported, WORLD)}
    pathlib = {imported for imported in imports(name) if is_of(imported, ["pathlib"])}

    assert found <= {"io.BytesIO"}  # memory, not a file
    assert pathlib <= {"pathlib.PurePosixPath"}


@pytest.mark.parametrize("name", [n for n in MODULES if room(n) in PURE])
def test_what_is_pure_opens_nothing(name):
    called = {
        ast.unparse(node.func)
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Call)
    }

    assert not called & {"open", "print", "input", "exec", "eval", "__import__"}


def test_only_the_edges_know_buildout():
    knows = {n for n in SOURCES if any(is_of(i, HOST) for i in imports(n))}

    assert {room(n) for n in knows} <= {"buildout", "buildout27", "cli", "runtime"}
    assert {n for n in knows if room(n) == "cli"} == {"poach.cli.config"}


def chain(node):
    """Return the names in ``a.b[c].d(e).f``, from the first to the last."""
    names = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute | ast.Subscript):
            names.append(node.attr if isinstance(node, ast.Attribute) else "[]")
        elif not isinstance(node, ast.Call):
            return names[::-1]
        node = node.func if isinstance(node, ast.Call) else node.value
    return [node.id, *names[::-1]]


def changes_of_state(tree):
    """Yield what code assigns, deletes or changes of the state of a run."""
    for node in ast.walk(tree):
        owners = []
        if isinstance(node, ast.Attribute | ast.Subscript):
            owners = [] if isinstance(node.ctx, ast.Load) else chain(node)[:-1]
        elif isinstance(node, ast.Call):
            *owners, called = chain(node.func) or [""]
            if called == "setattr":
                owners = chain(node.args[0])
            elif called in CHANGING:
                owners = owners[:-1]
            else:
                owners = []
        if STATE.intersection(owners):
            yield ast.unparse(node)


@pytest.mark.parametrize(
    "code",
    [
        *("session.partial = True", "self.session.use.eggs[key] = egg"),
        *("session.use.given |= {key}", "del granting.granted[key]"),
        *("a, self.session.pins = 1, {}", "session.use.given.add(key)"),
        *("session.options.setdefault(key, {})", "setattr(session, 'kit', kit)"),
        *("granting.granted.get(key).update(more)", "self.use.eggs.pop(key)"),
        "for session.kit in kits: pass",
    ],
)
def test_a_change_of_the_state_of_a_run_is_seen(code):
    assert list(changes_of_state(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        *("self.session = session", "self.use = Use()", "session.use.give(keys)"),
        *("found.add(session.kit)", "used = dict(session.use.eggs)", "use.drop(key)"),
        "session.pins[key].pin",
    ],
)
def test_what_changes_nothing_of_a_run_is_let_alone(code):
    assert not list(changes_of_state(ast.parse(code)))


@pytest.mark.parametrize("name", [n for n in MODULES if room(n) in ("buildout", "cli")])
def test_the_state_of_a_run_changes_itself_alone(name):
    assert list(changes_of_state(TREES[name])) == []


def test_only_the_command_line_reads_arguments():
    reads = {n for n in SOURCES if any(is_of(i, ["argparse"]) for i in imports(n))}

    assert {room(name) for name in reads} == {"cli"}


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
