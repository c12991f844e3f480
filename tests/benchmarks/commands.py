"""What poach's own commands take, beside the import of zc.buildout.

    python tests/benchmarks/commands.py [--only start|graph] [--repeat N]

"start" is ``poach --version``, and ``poach list`` with the egg in the store, beside
``python -c "import zc.buildout.buildout"``, on CPU seconds.  "graph" is ``poach graph``
of a pin with 100 patches, each of one to three among 40 files: CPU seconds in all.
"""

from __future__ import annotations

import argparse
import difflib
import random
import sys
from collections.abc import Sequence
from functools import partial

from buildouts import Contest, Place, head, line, place, turns

from support import Project
from support.pond import CFG, LOUD, add_pond

#: What a command may take, as a multiple of the import.
START = 1.5
#: Seconds of CPU that the graph may take.
GRAPH = 5
PATCHES, FILES, LINES = 100, 40, 300


def warm(here: Place) -> Project:
    """Return a project whose patched egg is in the store."""
    add_pond(here.index)
    made = here.project("start", CFG)
    made.write("patches/pond/loud.patch", LOUD)
    here.run(made, "poach", "build")
    return made


def start(here: Place, repeat: int) -> bool:
    """Print a line for each command; tell whether the limits are kept."""
    made, kept = warm(here), True
    peer = partial(here.run, made, "python", "-c", "import zc.buildout.buildout")
    for word in ("--version", "list"):
        ours = partial(here.run, made, "poach", word)
        turns(1, ours, peer)  # nobody has compiled the modules of either yet
        found = turns(repeat, ours, peer)
        kept &= Contest(f"poach {word}", *found, START, "cpu").show()
    return kept


def patched(here: Place, patches: int, files: int) -> Project:
    """Return a project with a pin of so many patches; they are always the same."""
    chance = random.Random(1)
    texts = {
        f"src/pool/part{number % 5}/module{number}.py": [
            f"value{at} = {chance.random()}\n" for at in range(LINES)
        ]
        for number in range(files)
    }
    plain = {path: "".join(lines) for path, lines in texts.items()}
    here.index.add_sdist("pool", "1.0", plain)
    names = [f"p{number}" for number in range(patches)]
    cfg = CFG.replace("pond = 1.0 +loud", f"pool = 1.0 +{' +'.join(names)}")
    made = here.project("graph", cfg)
    for name in names:
        diff = ""
        for path in chance.sample(
            sorted(texts), min(files, chance.choice((1, 1, 2, 3)))
        ):
            lines = list(texts[path])
            lines[chance.randrange(LINES)] = f"{name} = 1\n"
            both = texts[path], lines, f"a/{path}", f"b/{path}"
            diff += "".join(difflib.unified_diff(*both))
            texts[path] = lines
        made.write(f"patches/pool/{name}.patch", diff)
    return made


def graph(here: Place, repeat: int, patches: int = PATCHES, files: int = FILES) -> bool:
    """Print a line for the graph; tell whether the limit is kept."""
    made = patched(here, patches, files)
    (found,) = turns(repeat, partial(here.run, made, "poach", "graph"))
    cpu = sorted(one.cpu for one in found)[len(found) // 2]
    name = f"graph of {patches} patches"
    return line(name, f"{cpu:.3f} s", "", "", "", GRAPH, cpu)


def main(argv: Sequence[str]) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=["start", "graph"])
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="turns")
    args = parser.parse_args(argv)
    kept = True
    with place() as here:
        head("poach", "import")
        if args.only != "graph":
            kept &= start(here, args.repeat)
        if args.only != "start":
            kept &= graph(here, args.repeat)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
