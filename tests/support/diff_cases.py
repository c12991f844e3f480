"""Cases of diffs: a tree, diffs for it, and what becomes of it; by poach and others."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from poach.cli import main
from support import references
from support.references import LINK, PROGRAM, Listing

FIFO, HARD_LINK = "fifo", "hard link"  # modes that only a tree to be patched has


@dataclass(frozen=True)
class Case:
    """Diffs, and what becomes of the tree that they are applied to."""

    name: str
    tree: Listing  # before
    series: tuple[bytes, ...]  # the diffs, each applied to what the one before left
    references: str = "- -"  # what GNU patch and git apply do; "- -": not asked
    changes: dict[str, tuple[str, bytes] | None] = field(default_factory=dict)
    refused: str = ""  # the reason code, where the diffs are refused
    why: str = ""  # why a reference applies what we refuse, or makes another tree
    strip: int | None = 1  # None: the option is not given
    options: tuple[str, ...] = ()  # further options of `poach apply`


@dataclass(frozen=True)
class Outcome:
    """What one way to apply the diffs of a case ends in."""

    code: int
    tree: Listing
    outside: Listing  # the folder beside the tree
    reasons: tuple[str, ...] = ()
    printed: str = ""


def make(tree: Path, files: Listing) -> Path:
    """Make `tree`; paths in `files` may lead out of it, to ``../outside``."""
    tree.mkdir(parents=True)
    for name, (mode, data) in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode == LINK:
            path.symlink_to(os.fsdecode(data))
        elif mode == FIFO:
            os.mkfifo(path)
        elif mode == HARD_LINK:
            path.hardlink_to(tree / os.fsdecode(data))
        else:
            path.write_bytes(data)
            path.chmod(0o755 if mode == PROGRAM else 0o644)
    return tree


def outcome(
    code: int, top: Path, reasons: tuple[str, ...] = (), printed: str = ""
) -> Outcome:
    tree, outside = (references.listing(top / name) for name in ("tree", "outside"))
    return Outcome(code, tree, outside, reasons, printed)


def before(case: Case) -> Outcome:
    """Apply nothing."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder, "tree"), case.tree)
        return outcome(0, Path(folder))


def ours(case: Case) -> Outcome:
    """Apply the diffs with ``poach apply``."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        tree = make(top / "tree", case.tree)
        names = []
        for number, data in enumerate(case.series):
            (top / f"{number}.patch").write_bytes(data)
            names.append(str(top / f"{number}.patch"))
        strip = [] if case.strip is None else ["--strip", str(case.strip)]
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(["apply", "--json", *strip, *case.options, str(tree), *names])
        report = json.loads(out.getvalue()) if code < 2 else {"bug": out.getvalue()}
        reasons = tuple(each["reason"] for each in report.get("refused", ()))
        return outcome(code, top, reasons, json.dumps(report, indent=1))


def theirs(case: Case, apply: Callable[..., bool], **options: int) -> Outcome:
    """Apply the diffs with a reference."""
    with tempfile.TemporaryDirectory() as folder:
        tree = make(Path(folder, "tree"), case.tree)
        done = apply(tree, case.series, case.strip, **options)
        return outcome(0 if done else 1, Path(folder))


def compared(case: Case, done: Outcome, fuzz: int = 0) -> str:
    """Return what GNU patch and git make of the case, beside what we made."""
    if case.references == "- -":
        return case.references
    gnu = theirs(case, references.gnu_patch, fuzz=fuzz)
    return f"{beside(done, gnu)} {beside(done, theirs(case, references.git_apply))}"


def beside(done: Outcome, reference: Outcome) -> str:
    if reference.code:
        return "no"
    if done.code:
        return "yes"
    return "=" if done.tree == reference.tree else "other"
