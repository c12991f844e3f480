"""What poach costs a buildout that has all its eggs already.

    python tests/benchmarks/warm.py [--pins N] [--others N] [--repeat N]

The same buildout, once with patched pins and once plain and without the extension:
nothing has changed since the last run.  Its pins are in one part and in several, and
alone and among other eggs.  Both run with ``newest = false``, else buildout asks the
index for releases of itself and of all that extensions need, at each run.

"load" is what a buildout without parts takes longer with the extension and all pins, in
milliseconds of the CPU; buildout itself needs some of that to find any extension.
Below the table stands what one run did: sockets and programs as strace counts them
(without strace they are left out), and which modules it has imported.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from buildouts import Contest, Place, Spent, head, line, median, place, turns

from support import Project
from support.pond import LOUD, SOURCE

#: What a warm run with patched eggs may take, as a multiple of the plain one.
LIMIT = 1.05
#: Milliseconds that the extension may take to load.
LOAD = 30
#: Modules that a run which makes nothing does not need.
NEEDLESS = (
    *("requests", "poach.applier.diff", "filelock", "rich"),
    "concurrent.futures.thread",
)

CFG = """\
[buildout]
index = %(index)s
newest = false
{extension}
parts = {parts}

[versions]
{versions}

{sections}
"""
SECTION = "[{}]\nrecipe = zc.recipe.egg\neggs =\n    {}\n"
RUN = (
    "import sys; from zc.buildout.buildout import main; sys.argv[0] = 'buildout'; "
    f"main(); print('modules', *set({NEEDLESS!r}) & set(sys.modules))"
)


@dataclass(frozen=True)
class Shape:
    """Pins of a buildout, other eggs, and the parts that they are shared out to."""

    pins: int
    others: int
    parts: int

    def __str__(self) -> str:
        noun = "part" if self.parts == 1 else "parts"
        eggs = self.pins + self.others
        return f"{self.pins} pins of {eggs} eggs, {self.parts} {noun}"

    @property
    def pinned(self) -> list[str]:
        return [f"pond{number}" for number in range(self.pins)]

    @property
    def names(self) -> list[str]:
        return self.pinned + [f"other{number}" for number in range(self.others)]

    def configuration(self, patched: bool) -> str:
        """Return the buildout.cfg, the same but for patches and extension."""
        versions = dict.fromkeys(self.names, "1.0")
        if patched:
            versions |= dict.fromkeys(self.pinned, "1.0 +loud")
        parts = {f"part{at}": self.names[at :: self.parts] for at in range(self.parts)}
        return CFG.format(
            extension="extensions = poach" if patched else "",
            parts=" ".join(parts),
            versions="\n".join(f"{name} = {v}" for name, v in versions.items()),
            sections="\n".join(
                SECTION.format(part, "\n    ".join(eggs))
                for part, eggs in parts.items()
            ),
        )


def warmed(here: Place, shape: Shape, patched: bool) -> Project:
    """Return a project that has all its eggs; all projects share them."""
    kind = "patched" if patched else "plain"
    made = here.project(f"{kind} {shape}", shape.configuration(patched))
    for name in shape.pinned:
        diff = LOUD.replace("src/pond", f"src/{name}")
        made.write(f"patches/{name}/loud.patch", diff)
    for _ in range(2):  # the order of eggs in the scripts settles with the second run
        made.run(*shared(here))
    return made


def shared(here: Place) -> list[str]:
    folders = {"eggs-directory": "eggs", "patched-eggs-directory": "patched"}
    return [f"buildout:{name}={here.root / to}" for name, to in folders.items()]


def add_dists(here: Place, pins: int, others: int) -> None:
    for name in Shape(pins, 0, 1).names:
        words = {"package_dir": {"": "src"}, "packages": [name]}
        here.index.add_sdist(name, "1.0", {f"src/{name}/__init__.py": SOURCE}, **words)
    for name in Shape(0, others, 1).names:
        here.index.add_wheel(name, "1.0", {f"{name}.py": ""})


def buildout(here: Place, made: Project, *more: str) -> Spent:
    return here.run(made, "buildout", "-q", *shared(here), *more)


def compare(here: Place, shapes: Sequence[Shape], repeat: int) -> bool:
    """Print a line for each shape; tell whether the limit is kept."""
    kept = True
    for shape in shapes:
        pair = [partial(buildout, here, warmed(here, shape, p)) for p in (True, False)]
        kept &= Contest(str(shape), *turns(repeat, *pair), LIMIT).show()
    return kept


def load(here: Place, shape: Shape, repeat: int) -> bool:
    """Print what the extension alone takes; tell whether the limit is kept."""
    pair = [
        partial(buildout, here, warmed(here, shape, patched), "buildout:parts=")
        for patched in (True, False)
    ]
    ours, theirs = turns(repeat, *pair)
    found = 1000 * median(a.cpu - b.cpu for a, b in zip(ours, theirs, strict=True))
    shown = (f"{1000 * median(s.cpu for s in each):.0f} ms" for each in (ours, theirs))
    return line("load (no parts)", *shown, f"+{found:.0f} ms", "", LOAD, found)


def tell(here: Place, shape: Shape) -> bool:
    """Print what runs do besides; tell whether ours does no more than the plain one."""
    ours, theirs = (traced(here, warmed(here, shape, p)) for p in (True, False))
    print(f"{shape}: {ours}; plain: {theirs}")
    return ours == theirs


def traced(here: Place, made: Project) -> str:
    """Return what a run does: sockets, programs, needless modules."""
    strace = shutil.which("strace")
    calls = made.path / "calls"
    trace = [strace, "-f", "-qq", "-o", calls, "-e", "trace=execve,socket"]
    command = [here.environment.program("python"), "-c", RUN, "-q", *shared(here)]
    done = subprocess.run(
        [*(trace if strace else ()), *command],
        cwd=made.path,
        env=made.variables,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = done.stdout.rpartition("modules")[2].split()
    counts = counted(calls.read_text()) if strace else "(no strace)"
    return f"{counts}, {', '.join(modules) or 'no needless module'}"


def counted(calls: str) -> str:
    """Return how many sockets and programs there are in the output of strace."""
    sockets = re.findall(r"socket\(", calls)
    programs = re.findall(r"execve\(.* = 0$", calls, re.MULTILINE)
    return f"{len(sockets)} sockets, {len(programs) - 1} more programs"


def main(argv: Sequence[str]) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pins", type=int, default=10, metavar="N")
    parser.add_argument("--others", type=int, default=40, metavar="N", help="eggs")
    parser.add_argument("--repeat", type=int, default=21, metavar="N", help="turns")
    args = parser.parse_args(argv)
    with place() as here:
        add_dists(here, args.pins, args.others)
        kinds = product((0, args.others), (1, 5))
        shapes = [Shape(args.pins, others, parts) for others, parts in kinds]
        head("patched", "plain")
        kept = compare(here, shapes, args.repeat)
        kept &= load(here, shapes[0], args.repeat)
        kept &= tell(here, shapes[1])
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
