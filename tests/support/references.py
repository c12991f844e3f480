"""The references: GNU patch and git apply, on copies of a tree.

A *listing* is what a tree holds: for each path its git mode and its contents (of a
link: the target).  Empty folders and times do not count.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

FILE, PROGRAM, LINK = "100644", "100755", "120000"
ENV = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CEILING_DIRECTORIES": tempfile.gettempdir(),
}
HERE = all(map(shutil.which, ("git", "patch", "diff")))

Listing = dict[str, tuple[str, bytes]]


def listing(tree: Path) -> Listing:
    """Return what stands in `tree`, links not followed."""
    found = {}
    for folder, folders, files in os.walk(tree):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in [*files, *links]:
            path = Path(folder) / name
            found[os.fsdecode(path.relative_to(tree).as_posix())] = described(path)
    return dict(sorted(found.items()))


def described(path: Path) -> tuple[str, bytes]:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return LINK, os.fsencode(path.readlink())
    if not stat.S_ISREG(status.st_mode):
        return "special", b""
    return (PROGRAM if status.st_mode & 0o100 else FILE), path.read_bytes()


def run(
    args: Sequence[str | Path], cwd: Path, data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        args, cwd=cwd, input=data, capture_output=True, env=ENV, timeout=120
    )


def gnu_patch(
    tree: Path,
    diffs: Iterable[bytes],
    strip: int = 1,
    fuzz: int | None = 0,
    directory: str = "",
) -> bool:
    """Apply `diffs` with GNU patch in place; return whether it took all of them."""
    args = ["patch", "-f", f"-p{strip}", "--no-backup-if-mismatch", "-r", "-"]
    args += [] if fuzz is None else [f"-F{fuzz}"]
    return all(not run(args, tree / directory, each).returncode for each in diffs)


def git_apply(
    tree: Path, diffs: Iterable[bytes], strip: int = 1, directory: str = ""
) -> bool:
    """Apply `diffs` with git in place; return whether it took all of them."""
    args = ["git", "apply", "--whitespace=nowarn", f"-p{strip}", "-"]
    return all(not run(args, tree / directory, each).returncode for each in diffs)
