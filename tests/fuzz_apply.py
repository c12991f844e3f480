"""Mutated diffs by the million: nothing but refusals escapes, nothing leaves the tree.

    python tests/fuzz_apply.py --runs 1000000 [--seed 1] [--seconds 600]
    python tests/fuzz_apply.py --agree --runs 5000 [--seed 1]

The seeds are the diffs of unit/applier/adversarial and diffs of generated texts; they
are cut, spliced, doubled, and their bytes, numbers and words changed.  Each input is
planned on a small tree, with a strip level given or not and with fuzz or without; what
applies is written to a copy of the tree now and then.  ``--agree`` applies the inputs
with GNU patch and git, too, and prints where we do as neither.  A run is repeated by
its seed.
"""

from __future__ import annotations

import argparse
import difflib
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poach.applier.diff import NamedDiff
from poach.applier.disk.tree import ApplyRefused, Plan, WriteFailed, plan, write
from poach.applier.outcome import LINK
from support import references
from support.case_format import read_cases, read_tree
from support.diff_cases import Case, compared, make, ours
from support.diffs import mod

FOLDER = Path(__file__).parent / "unit" / "applier" / "adversarial"
TREE = read_tree(FOLDER / "common.tree")
CASES = read_cases(FOLDER)
WORDS = [
    *(
        b"--- a/f\n",
        b"+++ b/f\n",
        b"@@ -1 +1 @@\n",
        b"@@ -0,0 +1 @@\n",
        b"-1\n",
        b"+2\n",
    ),
    *(b"\\ No newline at end of file\n", b" \n", b"\n", b"\r\n", b"\t\n", b"/dev/null"),
    *(
        b"diff --git a/f b/f\n",
        b"new file mode 100644\n",
        b"deleted file mode 100644\n",
    ),
    *(b"rename from f\n", b"rename to x\n", b"copy from d/e\n", b"copy to x\n"),
    *(b"old mode 100644\n", b"new mode 100755\n", b"new file mode 120000\n", b"120000"),
    *(b"GIT binary patch\n", b"literal 9\n", b"delta 9\n", b"index 1..2 100644\n"),
    *(b"../", b"/", b"a/", b"b/", b"..", b"\\", b'"', b"\0", b"\xff", b"\r", b"\x0c"),
    *(b"Index: f\n", b"=" * 67 + b"\n", b"*** a/f\n", b"Binary files a and b differ\n"),
    *(
        b"From " + b"a" * 40 + b" Mon Sep 17 00:00:00 2001\n",
        b"-- \n",
        b"Only in a: b\n",
    ),
    *(b"99999999999999999999", b"18446744073709551615", b"-1", b"0", b"160000"),
    *(b"lo/secret", b"ld/e", b"ls", b".git/config", b"d/e", b"crlf", b"bare", b"empty"),
]
NUMBER = re.compile(rb"\d+")
MEMORY = 1 << 30  # bytes that a run may take in all


@dataclass(frozen=True)
class Input:
    data: bytes
    strip: int | None
    fuzz: int

    def diff(self) -> NamedDiff:
        return NamedDiff("x", "", self.data, self.strip, fuzz=self.fuzz)


def inputs(seed: int) -> Iterator[Input]:
    rng = random.Random(seed)
    seeds = [data for case in CASES for data in case.series if len(data) < 4096]
    while True:
        data = rng.choice(seeds) if rng.random() < 0.8 else generated(rng)
        for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5))):
            data = mutated(rng, data, seeds)
        yield Input(
            data[:8192], rng.choice((0, 1, 1, 1, None)), rng.choice((0, 0, 1, 2))
        )


def generated(rng: random.Random) -> bytes:
    """Return a diff of two texts that are like d/e of the tree."""
    old = TREE["d/e"][1].splitlines(keepends=True)
    new = list(old)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(new) + 1)
        new[at : at + rng.randint(0, 2)] = rng.choices(old, k=rng.randint(0, 2))
    if rng.random() < 0.3:
        old, new = new, old
    return mod(b"d/e", hunks(old, new, rng.randint(0, 3)))


def hunks(old: list[bytes], new: list[bytes], context: int) -> bytes:
    lines = difflib.diff_bytes(
        difflib.unified_diff, old, new, b"a", b"b", n=context, lineterm=b"\n"
    )
    return b"".join(list(lines)[2:])


def mutated(rng: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    at = rng.randrange(len(lines))
    match rng.randrange(10):
        case 0:
            del lines[at : at + rng.randint(1, 3)]
        case 1:
            lines.insert(at, rng.choice(lines))
        case 2:
            lines.insert(at, rng.choice(WORDS))
        case 3:
            other = rng.choice(seeds).splitlines(keepends=True) or [b""]
            lines[at:] = other[rng.randrange(len(other)) :]
        case 4:
            lines += rng.choice(seeds).splitlines(keepends=True)
        case 5:
            return data[: rng.randrange(len(data) + 1)]
        case 6:
            place = rng.randrange(len(data) + 1)
            return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
        case 7:
            place = rng.randrange(len(data) + 1)
            return data[:place] + rng.choice(WORDS).strip() + data[place:]
        case 8:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 9:
            lines[at] = NUMBER.sub(lambda found: number(rng, found[0]), lines[at])
    return b"".join(lines)


def number(rng: random.Random, digits: bytes) -> bytes:
    if rng.random() < 0.5:
        return digits
    return b"%d" % max(0, int(digits[:9]) + rng.choice((-2, -1, 1, 2, 100, 10**12)))


class Fuzzer:
    """Runs inputs over one tree; `said` counts the outcomes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = make(folder / "tree", TREE)
        os.mkfifo(self.tree / "pipe")
        self.before = self.state()
        self.said: Counter[str] = Counter()

    def state(self) -> tuple[references.Listing, references.Listing]:
        listings = map(references.listing, (self.tree, self.folder / "outside"))
        return tuple(listings)

    def run(self, number: int, given: Input) -> None:
        try:
            planned = plan(self.tree, [given.diff()])
        except ApplyRefused as refused:
            self.said.update({each.reason for each in refused.rejects})
            str(refused)
            return
        self.said["applied"] += 1
        self.check(planned)
        if number % 20 == 0:
            self.write(given)

    def check(self, planned: Plan) -> None:
        gone = {path for path, entry in planned.changes if entry is None}
        for path, entry in planned.changes:
            parts = path.split("/")
            assert path and not {"", ".", "..", ".git"} & set(parts), path
            assert "\\" not in path and "\0" not in path, path
            for count in range(1, len(parts)):
                above = "/".join(parts[:count])
                link = (self.tree / above).is_symlink() and above not in gone
                assert not link, path
            if entry is not None and entry.mode == LINK:
                target = Path(*parts[:-1], os.fsdecode(entry.data))
                target = os.path.normpath(target)
                assert target.split("/")[0] not in ("", ".."), path

    def write(self, given: Input) -> None:
        copy = self.folder / "copy"
        shutil.copytree(
            self.tree,
            copy,
            symlinks=True,
            ignore=shutil.ignore_patterns("pipe"),
        )
        try:
            write(plan(copy, [given.diff()]))
        except (ApplyRefused, WriteFailed) as error:
            self.said[f"copy: {type(error).__name__}"] += 1
        assert not list(copy.glob(".poach-*"))
        shutil.rmtree(copy)
        assert self.state() == self.before, "a run changed what it must not"


def fuzz(runs: int, seed: int, seconds: float) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    start = time.monotonic()
    found = number = 0
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        fuzzer = Fuzzer(Path(folder))
        for number, given in zip(range(1, runs + 1), inputs(seed), strict=False):
            try:
                fuzzer.run(number, given)
            except Exception:
                found += 1
                print(f"input {number} of seed {seed}: {given}")
                traceback.print_exc(file=sys.stdout)
            if time.monotonic() - start > seconds:
                break
    taken = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{number} inputs in {taken:.0f} s, seed {seed}, {peak} MB at most: {found} bad"
    )
    for reason, count in fuzzer.said.most_common():
        print(f"{count:9} {reason}")
    return 1 if found else 0


def scratch() -> str | None:
    """Return a folder in memory where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def agree(runs: int, seed: int) -> int:
    table: Counter[str] = Counter()
    for _, given in zip(range(runs), inputs(seed), strict=False):
        fuzz = ("--fuzz", str(given.fuzz))
        case = Case("x", TREE, (given.data,), "", strip=given.strip or 0, options=fuzz)
        done = ours(case)
        refs = compared(case, done, given.fuzz)
        what = ",".join(sorted(set(done.reasons))) or "applied"
        table[f"{what}: {refs}"] += 1
        stands_alone = "=" not in refs and (not done.code or "yes" in refs)
        if stands_alone and what not in ("unsafe", "submodule", "exists"):
            print(f"{what}: {refs}  strip {case.strip}")
            print(f"{given.data!r}\n{done.printed[:400]}")
    for outcome, count in table.most_common():
        print(f"{count:6} {outcome}")
    return 0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--agree", action="store_true")
    args = parser.parse_args(argv)
    if args.agree:
        return agree(args.runs, args.seed)
    return fuzz(args.runs, args.seed, args.seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
