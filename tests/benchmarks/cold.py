"""What a patched build costs beyond the build, and what building side by side saves.

    python tests/benchmarks/cold.py [--only cold|jobs] [--repeat N] [PROJECT==1.0...]

"cold" is ``poach build`` of one project with an empty store, beside ``pip wheel`` of
the same tree, already unpacked and patched; it should take 5 s or more.  "jobs" is
``poach build`` of four projects with ``-j 2``, beside ``-j 1``.  The sdists come from
the real index before anything is measured, and what builds require from a folder.
"""

from __future__ import annotations

import argparse
import itertools
import sys
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
    turns,
)

from poach.archives.sdist import unpack
from support import Project

COLD = 1.10
JOBS = 0.65
#: Extensions in C that require nothing but setuptools to build.
PROJECT = "regex==2024.11.6"
PROJECTS = ["psutil==6.1.0", "bitarray==3.0.0", "greenlet==3.1.1", "coverage==7.6.10"]

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


def poach(here: Place, made: Project, numbers: Iterator[int], jobs: int) -> Spent:
    """Build all into a store that is not there yet."""
    store = here.root / f"{made.path.name}-store{next(numbers)}"
    word = f"buildout:patched-eggs-directory={store}"
    return here.run(made, "poach", "build", f"-j{jobs}", word)


def pip(here: Place, made: Project, sdist: Path, numbers: Iterator[int]) -> Spent:
    """Build the wheel of a tree that is patched already."""
    folder = here.root / f"pip{next(numbers)}"
    folder.mkdir()
    tree = unpack(sdist, folder / "source")
    (tree / "PATCHED").write_text("patched\n")
    words = ["-m", "pip", "wheel", "--no-deps", "--no-input", "-w", folder, tree]
    return here.run(made, "python", *words)


def cold(here: Place, project: str, repeat: int) -> bool:
    """Print the line of "cold"; tell whether the limit is kept."""
    sdist, numbers = add_real_sdist(here.index, project), itertools.count()
    made = pinned(here, "cold", [project])
    ours = partial(poach, here, made, numbers, 1)
    theirs = partial(pip, here, made, sdist, numbers)
    turns(1, ours, theirs)  # nobody has compiled the modules of either yet
    return Contest(f"cold {project}", *turns(repeat, ours, theirs), COLD).show()


def jobs(here: Place, projects: Sequence[str], repeat: int) -> bool:
    """Print the line of "jobs"; tell whether the limit is kept."""
    for project in projects:
        add_real_sdist(here.index, project)
    made, numbers = pinned(here, "jobs", projects), itertools.count()
    pair = [partial(poach, here, made, numbers, at_once) for at_once in (2, 1)]
    name = f"jobs: {len(projects)} projects, -j 2 / -j 1"
    return Contest(name, *turns(repeat, *pair), JOBS).show()


def main(argv: Sequence[str]) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=["cold", "jobs"])
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="turns")
    parser.add_argument("projects", nargs="*", metavar="PROJECT==VERSION")
    args = parser.parse_args(argv)
    kept = True
    with place() as here:
        if args.only != "jobs":
            head("poach", "pip wheel")
            for project in args.projects or [PROJECT]:
                kept &= cold(here, project, args.repeat)
        if args.only != "cold":
            head("-j 2", "-j 1")
            kept &= jobs(here, args.projects or PROJECTS, args.repeat)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
