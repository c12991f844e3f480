"""What a patched build costs beyond the build, and what building side by side saves.

    python tests/benchmarks/cold.py [--only cold|uv|jobs] [--repeat N] [PROJECT==1.0...]

"cold" is ``poach build`` of one project with an empty store, beside ``pip wheel`` of
the same tree, already unpacked and patched; it should take 5 s or more.  "uv" is the
same for projects in pure Python where poach builds with uv: one project, and ten beside
ten runs of ``pip wheel`` one after the other.  "jobs" is ``poach build`` of four
projects with ``-j 2``, beside ``-j 1``; like "cold", it builds with pip.  The sdists
come from the real index before anything is measured, and what builds require from a
folder.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from buildouts import (
    NEW_FILE,
    Contest,
    Place,
    Spent,
    add_real_sdist,
    head,
    place,
    spend,
    turns,
)

from poach.archives.sdist import unpack
from poach.system import processors
from support import CALLER, Project

COLD = 1.10
UV = 0.5
UV_TEN = 0.35
JOBS = 0.65
#: Extensions in C that require nothing but setuptools to build.
PROJECT = "regex==2024.11.6"
PROJECTS = ["psutil==6.1.0", "bitarray==3.0.0", "greenlet==3.1.1", "coverage==7.6.10"]
#: Projects in pure Python that require nothing but setuptools to build.
PURE = [
    *("WebOb==1.8.7", "six==1.16.0", "docutils==0.19", "Mako==1.2.4", "pyasn1==0.5.0"),
    *("Paste==3.7.1", "PasteDeploy==3.1.0", "simplejson==3.19.1", "zope.event==5.0"),
    "webtest==3.0.0",
]

CFG = """\
[buildout]
index = %(index)s
parts =

[versions]
{}
"""


def pinned(here: Place, name: str, projects: Sequence[str]) -> Project:
    """Return a project that patches each of `projects`."""
    pins = [one.split("==") for one in projects]
    versions = "\n".join(f"{name} = {version} +new" for name, version in pins)
    made = here.project(name, CFG.format(versions))
    for project, _ in pins:
        made.write(f"patches/{project}/new.patch", NEW_FILE)
    return made


def poach(
    here: Place, made: Project, numbers: Iterator[int], jobs: int, tool: str
) -> Spent:
    """Build all into a store that is not there yet."""
    store = here.root / f"{made.path.name}-store{next(numbers)}"
    words = [f"buildout:patched-eggs-directory={store}"]
    words += [f"buildout:patch-build-with={tool}"]
    return here.run(made, "poach", "build", f"-j{jobs}", *words)


def add_uv(here: Place) -> None:
    """Install what the extra ``uv`` brings."""
    words = ["-m", "pip", "install", "--quiet", "uv"]
    spend([here.environment.program("python"), *words], here.root, CALLER)


def pip(here: Place, made: Project, sdists: Sequence[Path]) -> Spent:
    """Build the wheels of trees that are patched already, one after the other."""
    spent = []
    for sdist in sdists:
        folder = Path(tempfile.mkdtemp(dir=here.root, prefix="pip"))
        tree = unpack(sdist, folder / "source")
        (tree / "PATCHED").write_text("patched\n")
        words = ["-m", "pip", "wheel", "--no-deps", "--no-input", "-w", folder, tree]
        spent.append(here.run(made, "python", *words))
    return Spent(sum(one.wall for one in spent), sum(one.cpu for one in spent))


def cold(
    here: Place, projects: Sequence[str], repeat: int, tool: str, limit: float
) -> bool:
    """Print the line of one contest with pip; tell whether the limit is kept."""
    sdists = [add_real_sdist(here.index, project) for project in projects]
    name = projects[0] if len(projects) == 1 else f"{len(projects)} pure projects"
    made = pinned(here, f"{tool}-{name}".replace(" ", "-"), projects)
    numbers = itertools.count()
    ours = partial(poach, here, made, numbers, processors(), tool)
    theirs = partial(pip, here, made, sdists)
    turns(1, ours, theirs)  # nobody has compiled the modules of either yet
    return Contest(f"{tool}: {name}", *turns(repeat, ours, theirs), limit).show()


def jobs(here: Place, projects: Sequence[str], repeat: int) -> bool:
    """Print the line of "jobs"; tell whether the limit is kept."""
    for project in projects:
        add_real_sdist(here.index, project)
    made, numbers = pinned(here, "jobs", projects), itertools.count()
    pair = [partial(poach, here, made, numbers, jobs, "pip") for jobs in (2, 1)]
    name = f"jobs: {len(projects)} projects, -j 2 / -j 1"
    return Contest(name, *turns(repeat, *pair), JOBS).show()


def main(argv: Sequence[str]) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=["cold", "uv", "jobs"])
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="turns")
    parser.add_argument("projects", nargs="*", metavar="PROJECT==VERSION")
    args = parser.parse_args(argv)
    kept = True
    with place() as here:
        if args.only in (None, "cold"):
            head("poach", "pip wheel")
            for project in args.projects or [PROJECT]:
                kept &= cold(here, [project], args.repeat, "pip", COLD)
        if args.only in (None, "uv"):
            head("poach", "pip wheel")
            add_uv(here)
            pure = args.projects or PURE
            kept &= cold(here, pure[:1], args.repeat, "uv", UV)
            if len(pure) > 1:
                kept &= cold(here, pure, args.repeat, "uv", UV_TEN)
        if args.only in (None, "jobs"):
            head("-j 2", "-j 1")
            kept &= jobs(here, args.projects or PROJECTS, args.repeat)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
