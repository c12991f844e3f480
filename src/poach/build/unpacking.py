"""Unpacking a wheel that needs no more than that to be installed (PEP 427).

Most wheels are such: what is in them lies where it belongs, and there is nothing to
move and nothing to rewrite but RECORD.  Starting pip for that takes longer than all
the rest.
"""

from __future__ import annotations

import csv
import io
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from poach.build.pip import Pip
from poach.build.process import CommandFailed
from poach.build.retag import Entry, Wheel

#: Who has installed a distribution, and that somebody wanted it (PEP 376).
_NOTES = {"INSTALLER": b"poach\n", "REQUESTED": b""}


def is_plain(wheel: Wheel) -> bool:
    """Return whether to unpack `wheel` is all there is to do.

    It has no ``.data`` folder, whose files go elsewhere, no INSTALLER of its own, and
    no paths that lead out of where it is unpacked, or are there twice: pip knows about
    those.
    """
    paths = [entry.path for entry in wheel.entries]
    moved = any(folder.endswith(".data") for folder in wheel.folders)
    ours = tuple(f".dist-info/{name}" for name in _NOTES)
    moved = moved or any(path.endswith(ours) for path in paths)
    files = {path for path in paths if not path.endswith("/")}
    clashing = any(str(up) in files for p in paths for up in PurePosixPath(p).parents)
    clashing = clashing or len({*map(str.casefold, paths)}) < len(paths)
    return not (moved or clashing) and all(map(_is_inside, paths))


def unpack(wheel: Wheel, dest: Path, pip: Pip, log: Path) -> None:
    """Unpack `wheel`, which `is_plain`, into the folder `dest`, and compile it.

    What the files are like afterwards, and RECORD, is as pip has it.  `pip` names the
    interpreter; what that says goes to `log`.
    """
    for entry in wheel.entries:
        _write(entry, dest)
    (dist_info,) = dest.glob("*.dist-info")
    for name, data in _NOTES.items():
        (dist_info / name).write_bytes(data)
    _compile(dest, pip, log)
    compiled = sorted(dest.rglob("__pycache__/*.pyc"))
    more = [*(dist_info / name for name in _NOTES), *compiled]
    names = dict.fromkeys(entry.path for entry in wheel.entries)
    names |= dict.fromkeys(path.relative_to(dest).as_posix() for path in more)
    _record(dist_info / "RECORD", (name for name in names if not name.endswith("/")))


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    odd = "\\" in path or ":" in path or "\0" in path
    return bool(parts) and not path.startswith("/") and ".." not in parts and not odd


def _write(entry: Entry, dest: Path) -> None:
    path = dest / entry.path
    if entry.path.endswith("/"):
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(entry.data)
    mode, wanted = path.stat().st_mode, entry.info.external_attr >> 16
    if stat.S_ISREG(wanted) and wanted & 0o111:  # who may read it may run it
        path.chmod(mode | (mode & 0o444) >> 2)


def _compile(dest: Path, pip: Pip, log: Path) -> None:
    """Compile what can be compiled, as pip does: some packages hold templates."""
    command = [pip.python, "-I", "-W", "ignore", "-m", "compileall", "-qq", str(dest)]
    try:
        pip.runner(command, cwd=dest, env=pip.environ, log=log)
    except CommandFailed:
        return


def _record(record: Path, names: Iterable[str]) -> None:
    """Add files to RECORD, without digests as PEP 376 has it for compiled ones.

    Those that it has already stay as they are.
    """
    before = record.read_bytes().rstrip(b"\r\n")
    old = io.StringIO(before.decode("utf-8", "surrogateescape"), newline="")
    known = {row[0] for row in csv.reader(old) if row}
    text = io.StringIO(newline="")
    new = ([name, "", ""] for name in names if name not in known)
    csv.writer(text, lineterminator="\n").writerows(new)
    record.write_bytes(before + b"\n" + text.getvalue().encode("utf-8"))
