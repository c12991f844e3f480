"""What the benchmarks of whole runs share: turns, medians, and a line for each limit.

Everything that is compared is measured in the same run and in turns; a ratio is the
median of the ratios of each turn.  Limits are on the wall clock, if nothing else is
said.  Beside them stands the ratio of CPU seconds, which others who load the machine
change less.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import prepared  # noqa: F401

from support import CALLER, Environment, Index, Project, hermetic
from support.environments import NEWEST, make_environment, make_wheel, make_wheelhouse

TABLE = "{:34} {:>10} {:>10} {:>8} {:>8} {:>8}  {}"

#: A patch that fits anywhere: it adds a file.
NEW_FILE = "--- /dev/null\n+++ b/PATCHED\n@@ -0,0 +1 @@\n+patched\n"


@dataclass(frozen=True)
class Spent:
    """What a command took: seconds, and those of the CPU, its children's included."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Contest:
    """What ours and a peer took, turn by turn; `limit` is for ours/theirs."""

    name: str
    ours: Sequence[Spent]
    theirs: Sequence[Spent]
    limit: float
    on: Literal["wall", "cpu"] = "wall"
    """What the limit is for."""

    def show(self) -> bool:
        """Print a line, with the seconds of `on`; tell whether the limit is kept."""
        both = self.ours, self.theirs
        seconds = (median(getattr(one, self.on) for one in each) for each in both)
        shown = (f"{each:.3f} s" for each in seconds)
        wall, cpu = self._ratio("wall"), self._ratio("cpu")
        found = wall if self.on == "wall" else cpu
        return line(self.name, *shown, f"{wall:.3f}", f"{cpu:.3f}", self.limit, found)

    def _ratio(self, what: str) -> float:
        pairs = zip(self.ours, self.theirs, strict=True)
        return median(getattr(a, what) / getattr(b, what) for a, b in pairs)


@dataclass(frozen=True)
class Place:
    """A folder with an environment, and an index on 127.0.0.1 for its projects."""

    root: Path
    environment: Environment
    wheelhouse: Path
    index: Index

    def project(self, name: str, cfg: str) -> Project:
        """Return a project whose runs see neither the user nor the real index."""
        variables = hermetic(self.root / "home", self.wheelhouse)
        made = Project(self.root / name, self.environment, variables)
        made.write("buildout.cfg", cfg.replace("%(index)s", self.index.url))
        return made

    def run(self, project: Project, program: str, *words: str | Path) -> Spent:
        """Run a program of the environment in the folder of a project."""
        command = [self.environment.program(program), *words]
        return spend(command, project.path, project.variables)


@contextmanager
def place() -> Iterator[Place]:
    """Give a new place, with this checkout beside the newest zc.buildout."""
    with tempfile.TemporaryDirectory(prefix="poach-benchmark-") as name:
        root = Path(name)
        for folder in "wheel", "wheelhouse":
            (root / folder).mkdir()
        made = make_environment(root / "env", NEWEST, make_wheel(root / "wheel"))
        with Index(root / "index", empty=["zc.recipe.egg", "poach"]) as index:
            yield Place(root, made, make_wheelhouse(root / "wheelhouse"), index)


def median(numbers: Iterator[float]) -> float:
    return statistics.median(numbers)


def head(ours: str, theirs: str) -> None:
    """Print the head of a table, and how busy the machine is."""
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    print(f"load {load} on {os.cpu_count()} processors")
    titles = (ours, theirs, "ratio", "CPU", "limit", "")
    print(TABLE.format("", *titles), flush=True)


def line(
    name: str,
    ours: str,
    theirs: str,
    ratio: str,
    cpu: str,
    limit: float,
    found: float,
) -> bool:
    """Print a line; tell whether what was found keeps the limit."""
    kept = found <= limit
    row = (name, ours, theirs, ratio, cpu, f"{limit:g}", "ok" if kept else "NOT")
    print(TABLE.format(*row), flush=True)
    return kept


def turns(repeat: int, *runs: Callable[[], Spent]) -> list[list[Spent]]:
    """Return what each of `runs` took; they take turns, and turns to begin."""
    found: list[list[Spent]] = [[] for _ in runs]
    for turn in range(repeat):
        for at in [(turn + at) % len(runs) for at in range(len(runs))]:
            found[at].append(runs[at]())
    return found


def spend(
    command: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None
) -> Spent:
    """Run a command that must not fail; return what it took."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            printed = output.read().decode(errors="replace")
            raise SystemExit(f"failed: {' '.join(map(str, command))}\n{printed}")
    return Spent(took, usage.ru_utime + usage.ru_stime)


def output(
    command: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None
) -> str:
    """Run a command that must not fail; return what it printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def instructions(
    command: Sequence[str | Path], cwd: Path, env: Mapping[str, str]
) -> int:
    """Return how many a command and its children take, as valgrind counts them.

    The order of sets is the same each time.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = f"--log-file={folder}/log.%p", f"--cachegrind-out-file={folder}/out.%p"
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", *files]
        words = [*valgrind, "--trace-children=yes", *command]
        output(words, cwd, {**env, "PYTHONHASHSEED": "0"})
        logs = "".join(path.read_text() for path in Path(folder).glob("log.*"))
    counts = re.findall(r"I +refs: +([\d,]+)", logs)
    return sum(int(each.replace(",", "")) for each in counts)


def add_real_sdist(index: Index, requirement: str) -> Path:
    """Put a real sdist on the index, from the real one; return its path."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        spend([*pip, "--no-binary=:all:", "-d", folder, requirement], Path(), CALLER)
        (found,) = Path(folder).iterdir()
        return index.add(requirement.partition("=")[0], found.name, found.read_bytes())
