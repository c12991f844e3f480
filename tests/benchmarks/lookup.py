"""What a lookup costs in a large store, beside one in a small store.

    python tests/benchmarks/lookup.py [--entries N] [--repeat N]

Both stores are full of entries as they are on disk.  A turn looks up as many eggs in
each, at random, and what the store remembers of their sdists: that is a hit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from buildouts import Contest, Spent, head, turns

from poach.names import canonicalize_name
from poach.pins.build_key import BuildKey, BuildOptions, Target
from poach.store.store import Made, Store

#: What a lookup in the large store may take, as a multiple of one in the small store:
#: the same, but for what the system's caches do.
LIMIT = 1.1
SMALL = 10
LOOKUPS = 2_000
#: Files in an egg.
FILES = 5

Entry = tuple[str, BuildKey]


def entry(number: int) -> Entry:
    """Return version and key of an entry; ten versions of each project."""
    project, version = canonicalize_name(f"pond{number // 10}"), f"1.{number % 10}"
    target = Target("cp311", "cp311", "linux_x86_64", "v5")
    digest = f"{number:064x}"
    key = BuildKey(project, version, digest, digest, target, BuildOptions())
    return f"{version}+loud.p{number:08x}", key


def filled(path: Path, count: int) -> tuple[Store, list[Entry]]:
    """Make a store with one entry by its own means, and copies of that one."""
    store, entries = Store(path), [entry(number) for number in range(count)]
    version, key = entries[0]
    there = store.get_or_make(version, key, egg).egg.parent
    for version, key in entries:
        place = store.place(version, key)
        if place != there:
            shutil.copytree(there, place, copy_function=os.link)
            record = place / "entry.json"
            facts = {**json.loads(record.read_bytes()), "key": key.as_json()}
            record.unlink()
            record.write_text(json.dumps(facts))
        note = store.note_path("sdists", f"{key.project}-{key.base}")
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"sha256": key.sdist}))
    return store, entries


def egg(staging: Path) -> Made:
    folder, wheel = staging / "pond.egg", staging / "pond-1.0-py3-none-any.whl"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"file{number}.py").write_text("quack = 1\n")
    wheel.write_bytes(b"")
    return Made(folder, wheel, {})


def look(store: Store, entries: Sequence[Entry], wanted: Sequence[int]) -> Spent:
    """Look up some entries; return what that took."""
    began, cpu = time.perf_counter(), time.process_time()
    for number in wanted:
        version, key = entries[number % len(entries)]
        assert store.recall_digest("sdists", f"{key.project}-{key.base}") == key.sdist
        assert store.find(version, key)
    return Spent(time.perf_counter() - began, time.process_time() - cpu)


def looker(path: Path, count: int) -> Callable[[], Spent]:
    store, entries = filled(path, count)
    wanted = [random.Random(1).randrange(count) for _ in range(LOOKUPS)]
    return partial(look, store, entries, wanted)


def main(argv: Sequence[str]) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--entries", type=int, default=10_000, metavar="N")
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="turns")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="poach-benchmark-") as name:
        large = looker(Path(name, "large"), args.entries)
        small = looker(Path(name, "small"), SMALL)
        turns(1, large, small)  # the first one fills the caches of the system
        head(f"{args.entries}", f"{SMALL}")
        found = turns(args.repeat, large, small)
        kept = Contest(f"{LOOKUPS} lookups", *found, LIMIT).show()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
