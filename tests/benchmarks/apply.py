"""How fast poach applies diffs, beside ``git apply`` and GNU patch.

    python tests/benchmarks/apply.py [--corpus CORPUS --cache FOLDER] [--only NAME]

Everything is measured in this one run: the inputs are made in a temporary folder, each
tool gets a fresh tree, the tools take turns, and the same digest of the tree must come
out of all.  Times are CPU seconds, user and system, of the process and its children;
ratios are medians of the ratios of each turn.  poach's modules are compiled, as pip
leaves them.  The column "started" is poach/git without the start-up of Python and
poach, which no limit counts; "floor" is what a bare Python takes, without poach and
even without its own site module, that knows the outcome and only reads and writes the
files, as a multiple of git: no program in Python can take less.  "B/B" is poach's peak
memory beyond that of its start, in bytes for each byte of the diff.  CORPUS is what
``corpus_table.py`` takes; without it that case is left out.  Exits with 1 if a limit
is broken.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import prepared  # noqa: F401

import corpus_table

MEGA = 1_000_000
LINEAR = 3  # the last step, of twice the size, costs twice as much, 4 if quadratic
NOISE = (0.03, 5)  # seconds and MB; a step that costs less says nothing
FREE = float("inf")

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Spent:
    """What a process took: CPU seconds, and bytes of memory at its peak.

    `user` are the seconds outside the system: file systems do not grow linearly.
    """

    seconds: float
    memory: int
    user: float

    def __add__(self, other: Spent) -> Spent:
        memory = max(self.memory, other.memory)
        return Spent(self.seconds + other.seconds, memory, self.user + other.user)


NOTHING = Spent(0, 0, 0)


@dataclass(frozen=True)
class Job:
    """Diffs for a tree, and the files of it that must be equal afterwards."""

    tree: Path
    diffs: Sequence[Path]
    strip: int = 1
    applies: Sequence[str] = ("poach", "git", "patch")
    outcome: Sequence[Sequence[str | None]] | None = None


Make = Callable[[Path], list[Job]]
"""Makes the inputs of a case in a folder."""


@dataclass(frozen=True)
class Case:
    """Jobs, done one after the other, and how long poach may take for them all.

    `git` and `patch` are the limits as multiples of what these take, `memory` is in
    bytes for each byte of the diff.
    """

    name: str
    make: Make
    git: float = FREE
    patch: float = FREE
    memory: float = FREE
    inside: bool = False  # poach does all jobs in one process
    floor: str = ""  # a program that only reads and writes what has to be

    @property
    def limits(self) -> tuple[float, float]:
        return self.git, self.patch


@dataclass
class Result:
    """The turns of a case, tool by tool."""

    case: Case
    size: int = 0
    turns: dict[str, list[Spent]] = field(default_factory=dict)

    def seconds(self, tool: str) -> float:
        return statistics.median(turn.seconds for turn in self.turns[tool])

    def memory(self, tool: str) -> int:
        return max(turn.memory for turn in self.turns[tool])

    def ratio(self, tool: str, of: str = "poach") -> float:
        pairs = zip(self.turns[of], self.turns[tool], strict=True)
        return statistics.median(ours.seconds / its.seconds for ours, its in pairs)


def spend(command: Sequence[str | Path], cwd: Path) -> Spent:
    """Run a command outside any repository; return what it took."""
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(cwd.parent)}
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode < 0 or process.returncode == 3:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    seconds = usage.ru_utime + usage.ru_stime
    return Spent(seconds, usage.ru_maxrss * 1024, usage.ru_utime)


def git(job: Job, tree: Path) -> Spent:
    """Run ``git apply`` once per diff."""
    words = ["git", "apply", "--whitespace=nowarn", f"-p{job.strip}"]
    return sum((spend([*words, diff], tree) for diff in job.diffs), NOTHING)


def patch(job: Job, tree: Path) -> Spent:
    """Run GNU patch once per diff."""
    words = ["patch", "-f", "-s", f"-p{job.strip}", "-F0", "-r", "-", "-i"]
    words.insert(1, "--no-backup-if-mismatch")
    return sum((spend([*words, diff], tree) for diff in job.diffs), NOTHING)


POACH = [sys.executable, "-c", "import sys, poach.cli; sys.exit(poach.cli.main())"]


def poach(job: Job, tree: Path) -> Spent:
    """Run ``poach apply`` once, start-up and all."""
    return spend([*POACH, "apply", f"-p{job.strip}", tree, *job.diffs], tree)


INSIDE = """
import json, sys
from pathlib import Path
from poach.applier.disk.tree import ApplyRefused, plan, write
from poach.applier.diff import NamedDiff

for tree, strip, paths in json.loads(Path(sys.argv[1]).read_bytes()):
    diffs = [NamedDiff(path, "", Path(path).read_bytes(), strip, "") for path in paths]
    try:
        write(plan(Path(tree), diffs))
    except ApplyRefused as refused:
        str(refused)
"""


def poach_inside(jobs: Sequence[Job], trees: Sequence[Path], folder: Path) -> Spent:
    """Do all jobs in one process that imports poach once."""
    todo = folder / "jobs.json"
    work = [
        (str(tree), job.strip, list(map(str, job.diffs)))
        for job, tree in zip(jobs, trees, strict=True)
    ]
    todo.write_text(json.dumps(work))
    return spend([sys.executable, "-c", INSIDE, todo], folder)


READ_AND_WRITE = """
import os, sys
old, diff = open("file", "rb").read(), open(sys.argv[1], "rb").read()
at = diff.index(b"+new")
assert diff.startswith(old, at + 4)
handle = os.open("other", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
os.write(handle, diff[at + 1 :])
os.close(handle)
os.replace("other", "file")
"""
WRITE_FILES = """
import os
for number in range(2000):
    if number % 50 == 0:
        os.mkdir(f"folder{number // 50}")
    name = f"folder{number // 50}/file{number}"
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    os.write(handle, b"one\\ntwo\\n%d\\n" % number)
    os.close(handle)
"""


def bare(script: str, job: Job, tree: Path) -> Spent:
    """Run a program that does nothing but read and write the files."""
    return spend([sys.executable, "-I", "-S", "-c", script, *job.diffs], tree)


TOOLS = {"poach": poach, "git": git, "patch": patch}


def measure(case: Case, repeat: int, folder: Path) -> Result:
    """Let the tools take turns at a case."""
    jobs = apart(case.make, folder)
    diffs = {diff for job in jobs for diff in job.diffs}
    result = Result(case, sum(diff.stat().st_size for diff in diffs))
    tools = [*TOOLS, "bare"] if case.floor else [*TOOLS]
    for turn in range(repeat):
        first = turn % len(tools)
        names = tools[first:] + tools[:first]
        digests = {name: run_turn(result, jobs, name, folder) for name in names}
        check(case, jobs, digests)
    return result


def run_turn(result: Result, jobs: Sequence[Job], name: str, folder: Path) -> list[str]:
    """Let one tool do all jobs on fresh trees; return the digests of those."""
    trees = fresh(jobs, folder)
    tools = TOOLS | {"bare": partial(bare, result.case.floor)}
    if result.case.inside and name == "poach":
        spent = poach_inside(jobs, trees, folder)
    else:
        done = (tools[name](*pair) for pair in zip(jobs, trees, strict=True))
        spent = sum(done, NOTHING)
    result.turns.setdefault(name, []).append(spent)
    return apart(partial(digests, jobs), trees)


def fresh(jobs: Sequence[Job], folder: Path) -> list[Path]:
    """Give each job a copy of its tree.

    The files are hard links: all three tools put new files in place of old ones.
    Nothing is removed before the end, since some file systems (ext4) take
    several times as long to make files when others were removed just before.
    """
    work = Path(tempfile.mkdtemp(prefix="work-", dir=folder))
    trees = [work / str(number) for number in range(len(jobs))]
    for job, tree in zip(jobs, trees, strict=True):
        shutil.copytree(job.tree, tree, symlinks=True, copy_function=os.link)
    return trees


def digests(jobs: Sequence[Job], trees: Sequence[Path]) -> list[str]:
    return [digest(*pair) for pair in zip(jobs, trees, strict=True)]


def digest(job: Job, tree: Path) -> str:
    """Return what tells apart the trees that can come out of a job."""
    if job.outcome is None:
        found = sorted(corpus_table.listing(tree).items())
    else:
        found = [[path, *described(tree / path)] for path, *_ in job.outcome]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def described(path: Path) -> tuple[str | None, str | None]:
    return corpus_table.described(path) if os.path.lexists(path) else (None, None)


def check(case: Case, jobs: Sequence[Job], digests: dict[str, list[str]]) -> None:
    """Stop unless all tools that can do a job made the same tree."""
    for number, job in enumerate(jobs):
        able = job.applies if not case.floor else [*job.applies, "bare"]
        made = {digests[name][number] for name in able}
        if job.outcome is not None and job.applies:
            wanted = json.dumps(list(job.outcome)).encode()
            made.add(hashlib.sha256(wanted).hexdigest())
        if len(made) > 1:
            raise SystemExit(f"{case.name}: different trees from {job.diffs[0]}")


def numbered(count: int, words: str = "line") -> Iterator[bytes]:
    """Yield different lines of about 40 bytes."""
    return (
        b"%s %d %s\n" % (words.encode(), at, b"x" * (at % 47)) for at in range(count)
    )


def write_lines(path: Path, lines: Iterator[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.writelines(lines)
    return path


def changed(name: str, lines: Sequence[bytes], every: int) -> Iterator[bytes]:
    """Yield a diff that changes one of `every` lines."""
    yield f"--- a/{name}\n+++ b/{name}\n".encode()
    for at in range(every + 3, len(lines) - 3, every):  # none begins at line 1
        yield b"@@ -%d,7 +%d,7 @@\n" % (at - 2, at - 2)
        yield from (b" " + line for line in lines[at - 3 : at])
        yield b"-" + lines[at]
        yield b"+new " + lines[at]
        yield from (b" " + line for line in lines[at + 1 : at + 4])


def hunks(folder: Path, count: int, above: int = 0) -> list[Job]:
    """`count` hunks in a file of ten times as many lines, with others `above`."""
    lines = list(numbered(count * 10))
    diff = write_lines(folder / "hunks.diff", changed("file", lines, 10))
    there = [*numbered(above, "other"), *lines]
    write_lines(folder / "tree" / "file", iter(there))
    return [Job(folder / "tree", [diff])]


def long_line(folder: Path, size: int) -> list[Job]:
    """One line of `size` bytes, changed."""
    line = b"abcdefghi " * (size // 10)
    write_lines(folder / "tree" / "file", iter([line, b"\n"]))
    head = b"--- a/file\n+++ b/file\n@@ -1 +1 @@\n"
    pieces = [head, b"-", line, b"\n+new", line, b"\n"]
    return [Job(folder / "tree", [write_lines(folder / "line.diff", iter(pieces))])]


def new_files(folder: Path, count: int) -> list[Job]:
    """`count` new files, fifty in each folder."""
    (folder / "tree").mkdir()
    diff = write_lines(folder / "new.diff", map(new_file, range(count)))
    return [Job(folder / "tree", [diff])]


def new_file(number: int) -> bytes:
    name = f"folder{number // 50}/file{number}"
    return (
        f"diff --git a/{name} b/{name}\nnew file mode 100644\n"
        f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,3 @@\n+one\n+two\n+{number}\n"
    ).encode()


def rewritten(folder: Path, size: int) -> list[Job]:
    """A diff of about `size` bytes that changes every line of one file."""
    count = size * 10 // 672
    write_lines(folder / "tree" / "file", numbered(count))
    diff = folder / "rewritten.diff"
    with diff.open("wb") as stream:
        head = b"--- a/file\n+++ b/file\n@@ -1,%d +1,%d @@\n" % (count, count)
        stream.write(head)
        stream.writelines(b"-" + line for line in numbered(count))
        stream.writelines(b"+" + line for line in numbered(count, "new"))
    return [Job(folder / "tree", [diff])]


def many_files(folder: Path, size: int) -> list[Job]:
    """A diff of about `size` bytes: sixty hunks in each of many files."""
    lines = list(numbered(600))
    count = size // len(b"".join(changed("folder0/file0", lines, 10)))
    names = [f"folder{number // 50}/file{number}" for number in range(count)]
    for name in names:
        write_lines(folder / "tree" / name, iter(lines))
    pieces = (piece for name in names for piece in changed(name, lines, 10))
    return [Job(folder / "tree", [write_lines(folder / "many.diff", pieces)])]


def misfit(folder: Path, count: int, size: int) -> list[Job]:
    """`count` equal lines, and a hunk of `size` lines that fails at its last one."""
    write_lines(folder / "tree" / "file", iter([b"same\n"] * count))
    middle = (count // 2, size)
    head = b"--- a/file\n+++ b/file\n@@ -%d,%d +%d,%d @@\n" % (*middle, *middle)
    old = [b" same\n"] * (size - 2) + [b"-same\n+new\n", b" other\n"]
    diff = write_lines(folder / "misfit.diff", iter([head, *old]))
    return [Job(folder / "tree", [diff])]


def misfits(folder: Path, count: int) -> list[Job]:
    """`count` hunks, none of which is anywhere in a file of ten times as many lines."""
    (job,) = hunks(folder, count)
    write_lines(folder / "tree" / "file", numbered(count * 10, "other"))
    return [job]


def corpus(folder: Path, args: argparse.Namespace) -> list[Job]:
    """The real series of the corpus."""
    text = (args.corpus / "cases.jsonl").read_text()
    cases = [json.loads(line) for line in text.splitlines()]
    args.cache.mkdir(parents=True, exist_ok=True)
    return [job_of(case, folder, args) for case in cases]


def job_of(case: dict, folder: Path, args: argparse.Namespace) -> Job:
    archive = corpus_table.sdist(case, args.cache)
    tree = corpus_table.unpacked(archive, folder / case["id"].replace("/", "-"))
    diffs = [args.corpus / "patches" / patch["sha256"] for patch in case["patches"]]
    below = tree / (case.get("directory") or "")
    names = {"git": "git_apply", "patch": "patch_F0"}
    able = [tool for tool, name in names.items() if case["applies"][name]]
    able += ["poach"] if able else []
    return Job(below, diffs, int(case["strip"]), able, case["changes"] if able else [])


def cases(args: argparse.Namespace) -> Iterator[Case]:
    """Yield what is compared, with the limits."""
    if args.corpus:
        yield Case("corpus", partial(corpus, args=args), git=1, patch=1, inside=True)
    yield Case("hunks-exact", partial(hunks, count=20_000), git=1)
    yield Case("hunks-offset", partial(hunks, count=20_000, above=5_000), git=1)
    line = partial(long_line, size=5 * MEGA)
    yield Case("long-line", line, git=1, floor=READ_AND_WRITE)
    files = partial(new_files, count=2_000)
    yield Case("new-files", files, git=1, floor=WRITE_FILES)
    yield Case("large-hunk", partial(rewritten, size=100 * MEGA), git=12, memory=12)
    yield Case("large-many", partial(many_files, size=100 * MEGA), git=12, memory=12)
    yield Case("misfit", partial(misfit, count=200_000, size=1_000), git=1)


GROWING: dict[str, tuple[Callable[..., list[Job]], str, int]] = {
    "hunks-exact": (hunks, "count", 5_000),
    "hunks-offset": (partial(hunks, above=5_000), "count", 5_000),
    "hunks-misfit": (misfits, "count", 5_000),
    "long-line": (long_line, "size", 5 * MEGA),
    "new-files": (new_files, "count", 500),
    "large-hunk": (rewritten, "size", 25 * MEGA),
    "large-many": (many_files, "size", 25 * MEGA),
    "misfit-lines": (partial(misfit, size=1_000), "count", 50_000),
    "misfit-hunk": (partial(misfit, count=200_000), "size", 1_000),
}
"""What is made one, two and four times as large, to see how the cost grows."""

COMPARED = "{:14} {:>8} {:>8} {:>8} {:>10} {:>12} {:>8} {:>6} {:>7} {:>5}  {}"
GROWTH = "{:14} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}  {}"


def compare(args: argparse.Namespace, root: Path) -> bool:
    """Print the table that compares the tools; tell whether all limits are kept."""
    titles = ("case", "poach s", "git s", "patch s", "poach/git", "poach/patch")
    print(COMPARED.format(*titles, "started", "floor", "limits", "B/B", ""))
    kept = True
    for case in cases(args):
        if not args.only or any(word in case.name for word in args.only):
            result = measure(case, args.repeat, new_folder(root))
            kept &= show(result, start_up(root))
    return kept


def show(result: Result, base: Spent) -> bool:
    """Print the line of a case; tell whether it keeps its limits."""
    case = result.case
    density = (result.memory("poach") - base.memory) / result.size
    kept = (
        result.ratio("git") <= case.git
        and result.ratio("patch") <= case.patch
        and density <= case.memory
    )
    seconds = (f"{result.seconds(tool):.3f}" for tool in TOOLS)
    ratios = [f"{result.ratio(tool):.2f}" for tool in ("git", "patch")]
    started = (result.seconds("poach") - base.seconds) / result.seconds("git")
    floor = f"{result.ratio('git', of='bare'):.2f}" if case.floor else ""
    limits = "/".join("-" if one == FREE else f"{one:g}" for one in case.limits)
    memory = "" if case.memory == FREE else f"{density:.1f}"
    line = COMPARED.format(
        *(case.name, *seconds, *ratios, f"{started:.2f}", floor),
        *(limits, memory, "ok" if kept else "NOT"),
    )
    print(line, flush=True)
    return kept


def grow(root: Path, repeat: int, wanted: Sequence[str]) -> bool:
    """Print how time and memory grow; tell whether all do so linearly."""
    columns = [f"{what} x{times}" for what in ("s", "MB") for times in (1, 2, 4)]
    print("\n" + GROWTH.format("growth", *columns, "s step", "MB step", ""))
    kept = True
    for name, (make, word, unit) in GROWING.items():
        if not wanted or any(each in name for each in wanted):
            makes = [partial(make, **{word: unit * times}) for times in (1, 2, 4)]
            kept &= show_growth(name, [alone(make, repeat, root) for make in makes])
    return kept


def alone(make: Make, repeat: int, root: Path) -> tuple[float, float]:
    """Return poach's user seconds and MB beyond those of its start."""
    base, folder = start_up(root), new_folder(root)
    (job,) = apart(make, folder)
    spent = [poach(job, *fresh([job], folder)) for _ in range(repeat)]
    seconds = statistics.median(each.user for each in spent)
    memory = statistics.median(each.memory for each in spent)
    return seconds - base.user, (memory - base.memory) / MEGA


def show_growth(name: str, found: Sequence[tuple[float, float]]) -> bool:
    seconds, memory = zip(*found, strict=True)
    growths = [growth(seconds, NOISE[0]), growth(memory, NOISE[1])]
    kept = max(growths) <= LINEAR
    numbers = [f"{each:.2f}" for each in seconds] + [f"{each:.0f}" for each in memory]
    shown = [f"{each:.1f}" for each in growths]
    line = GROWTH.format(name, *numbers, *shown, "ok" if kept else "NOT")
    print(line, flush=True)
    return kept


def growth(costs: Sequence[float], noise: float) -> float:
    """Return by how much the second step, of twice the size, costs more: twice."""
    first, second = costs[1] - costs[0], costs[2] - costs[1]
    return second / max(first, noise)


@cache
def start_up(root: Path) -> Spent:
    """Return what poach takes for next to nothing."""
    folder = new_folder(root)
    write_lines(folder / "tree" / "file", iter([b"old\n"]))
    text = b"--- a/file\n+++ b/file\n@@ -1 +1 @@\n-old\n+new\n"
    diff = write_lines(folder / "small.diff", iter([text]))
    words = ["apply", "--check", "-p1", folder / "tree", diff]
    spent = [spend([*POACH, *words], folder) for _ in range(9)]
    return sorted(spent, key=lambda each: each.seconds)[4]


def new_folder(root: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=root))


def apart(function: Callable[[A], B], argument: A) -> B:
    """Call what takes much memory in another process.

    The peak memory of a process counts from what the one had that started it.
    """
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(function, (argument,))


def main(argv: Sequence[str]) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", type=Path, help="the folder of real series")
    parser.add_argument("--cache", type=Path, help="where their sdists are kept")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="turns")
    parser.add_argument("--no-growth", action="store_true", help="only the comparison")
    args = parser.parse_args(argv)
    if args.corpus and not args.cache:
        parser.error("--corpus needs --cache")
    with tempfile.TemporaryDirectory(prefix="poach-benchmark-") as folder:
        root = Path(folder)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(root / "compiled")
        print(f"start-up of poach apply: {start_up(root).seconds:.3f} s")
        kept = compare(args, root)
        if not args.no_growth:
            kept &= grow(root, args.repeat, args.only)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
