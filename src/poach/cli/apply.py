"""``poach apply``: diffs on an unpacked source tree, all or nothing."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from poach.applier.diff import MAX_DIFF, NamedDiff
from poach.applier.disk.signals import held_back
from poach.applier.disk.tree import (
    ApplyRefused,
    PatchedBy,
    PatchedFile,
    Plan,
    Root,
    clear,
    opened,
    plan,
    recover,
    show,
    write,
)
from poach.applier.hunks import Placement
from poach.applier.outcome import FILE
from poach.cli.collector import uncollected
from poach.cli.saying import complain, say
from poach.errors import PoachError, collect, each

_FORMAT = 1  # of what --json prints
_SHOWN = 40  # characters of a bad value in a usage message
_LONGEST = 4000  # characters of a path in a message


class Unreadable(PoachError):
    """A file or folder of the command line that cannot be read; `path` names it."""

    path: str
    reason: str

    def __str__(self) -> str:
        given = repr(_cut(self.path, _LONGEST))
        name = "standard input" if self.path == "-" else given
        return f"Cannot read {name}: {self.reason}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its `parser`."""
    parser.description = (
        "Apply diffs to a source tree in place, in order, all or nothing."
    )
    parser.add_argument("tree", metavar="TREE", type=_path, help="the unpacked source")
    parser.add_argument(
        "patches",
        metavar="PATCH",
        nargs="*",
        type=_path,
        help="a diff, a folder with a quilt series, or - for standard input",
    )
    parser.add_argument(
        "-p",
        "--strip",
        metavar="N",
        type=_strip,
        help="folders to strip from the names (default: poach finds the number)",
    )
    parser.add_argument(
        "-d",
        "--directory",
        metavar="DIR",
        help="folder of the tree that the names are relative to (default: poach "
        "finds it)",
    )
    parser.add_argument(
        "--fuzz",
        metavar="N",
        type=_fuzz,
        default=0,
        help="lines of context that may be ignored: 0 (default), 1 or 2",
    )
    parser.add_argument(
        "--exclude",
        metavar="GLOB",
        type=_glob,
        action="append",
        default=[],
        help="files of the diffs to leave out; may be repeated",
    )
    parser.add_argument(
        "--eol",
        choices=["keep", "any"],
        default="keep",
        help="any: line endings (CR LF or LF) may differ, the file keeps its own",
    )
    parser.add_argument(
        "--check", action="store_true", help="only print what would be done"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--recover",
        action="store_true",
        help="undo the changes of a killed run in TREE (takes no PATCH)",
    )
    parser.set_defaults(command=parser)


def run(args: argparse.Namespace) -> int:
    """Do it; return the exit code.  Raises `PoachError`, which --json prints."""
    _check_usage(args)
    with uncollected():
        return _run_and_say(args)


def _check_usage(args: argparse.Namespace) -> None:
    """Report a PATCH that is missing, or that has no use, as argparse does."""
    if not args.recover and not args.patches:
        args.command.error("the following arguments are required: PATCH")
    parts = (args.patches, args.check, args.directory, args.fuzz, args.exclude)
    given = any(parts) or args.strip is not None or args.eol != "keep"
    if args.recover and given:
        args.command.error("with --recover there is only TREE, and --json")


def _run_and_say(args: argparse.Namespace) -> int:
    if args.recover:
        return _recover_and_say(args)
    if not args.json:
        patches = _run(args).patches
        say("\n".join(line for patch in patches for line in describe(patch)))
        return 0
    try:
        said, code = _run(args).as_json(), 0
    except ApplyRefused as refused:
        said, code = refused.as_json(), 1
    except PoachError as error:
        said, code = _error_json(error), 1
    import json

    say(json.dumps({"format": _FORMAT, **said}, indent=2))
    return code


def _recover_and_say(args: argparse.Namespace) -> int:
    said: dict[str, Any]
    try:
        with _locked(args) as root, held_back() as look:
            paths = recover(root, look)
    except PoachError as error:
        if not args.json:
            raise
        said, code = _error_json(error), 1
    else:
        said, code = {"recovered": paths}, 0
    if args.json:
        import json

        say(json.dumps({"format": _FORMAT, **said}, indent=2))
    else:
        lines = [f"put back {show(path)}" for path in paths]
        say("\n".join(lines or ["nothing to put back"]))
    return code


def _error_json(error: PoachError) -> dict[str, Any]:
    """Return all faults except diffs that do not apply, in JSON's types."""
    return {"error": str(error), "errors": [str(one) for one in each(error)]}


def _run(args: argparse.Namespace) -> Plan:
    _check_folder(args.tree)
    diffs = [diff for found in _collected(args) for diff in found]
    if args.exclude:
        from poach.applier.excluding import check

        check(diffs)
    with _locked(args) as root:
        if not args.check:
            clear(root)
        planned = plan(root, diffs)
        if not args.check:
            with held_back() as look:
                write(planned, look)
    return planned


def _check_folder(tree: str) -> None:
    if not os.path.isdir(tree):
        raise Unreadable(tree, "not a folder")


@contextmanager
def _locked(args: argparse.Namespace) -> Iterator[Root]:
    """Give the open tree; another run that writes to it comes first or later."""
    _check_folder(args.tree)
    try:
        with opened(args.tree) as root:
            root.lock(shared=args.check, waiting=lambda: _wait(args.tree))
            yield root
    except OSError as error:
        raise Unreadable(args.tree, error.strerror or str(error)) from error


def _wait(tree: str) -> None:
    complain(f"Waiting for another run of poach on {_cut(tree, _LONGEST)!r}")


def describe(patch: PatchedBy) -> Iterator[str]:
    """Say in lines what one diff does: the files, the hunks, what was found out."""
    place = f" in {show(patch.directory)}" if patch.directory else ""
    yield f"{show(patch.name)}: strip {patch.strip}{place}"
    for file in patch.files:
        source = f" from {show(file.source)}" if file.source else ""
        yield f"  {file.action} {show(file.path)}{source}{_mode(file)}{_hunks(file)}"
    yield from (f"  left out {show(name)}" for name in patch.excluded)


def _mode(file: PatchedFile) -> str:
    plain = file.new_mode == FILE and file.old_mode is None
    return "" if plain or not file.new_mode else f", mode {file.new_mode:06o}"


def _hunks(file: PatchedFile) -> str:
    if not file.hunks:
        return ""
    count = len(file.hunks)
    moved = [_moved(number, hunk) for number, hunk in enumerate(file.hunks, 1)]
    notes = [f"; {note}" for note in moved if note]
    return f": {count} hunk{'s' if count > 1 else ''}{''.join(notes)}"


def _moved(number: int, hunk: Placement) -> str:
    notes = [f"offset {hunk.offset:+}"] if hunk.offset else []
    notes += [f"fuzz {hunk.fuzz}"] if hunk.fuzz else []
    notes += ["other line endings"] if hunk.eol else []
    return f"hunk {number} at line {hunk.line}, {', '.join(notes)}" if notes else ""


def _collected(args: argparse.Namespace) -> list[Sequence[NamedDiff]]:
    """Return the diffs of each argument; what cannot be read is raised together."""
    return collect(lambda path: _diffs(path, args), args.patches)


def _diffs(path: str, args: argparse.Namespace) -> Sequence[NamedDiff]:
    if path == "-" or not os.path.isdir(path):
        return [_diff(path, args, args.strip)]
    from poach.pins import series

    listed = os.path.join(path, "series")

    def diff(entry: series.SeriesEntry) -> NamedDiff:
        level = series.STRIP if entry.strip is None else entry.strip
        strip = level if args.strip is None else args.strip
        return _diff(os.path.join(path, entry.file), args, strip)

    return collect(diff, series.parse(_read(listed), listed))


def _diff(path: str, args: argparse.Namespace, strip: int | None) -> NamedDiff:
    return NamedDiff(
        path,
        "",
        _read(path),
        strip,
        args.directory,
        args.fuzz,
        tuple(sorted(set(args.exclude))),
        args.eol,
    )


def _read(path: str) -> bytes:
    """Read a diff, or as much as shows that it is too large for one."""
    try:
        if path == "-":
            return _standard_input()
        with open(path, "rb") as stream:
            return stream.read(MAX_DIFF + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreadable(path, reason) from error


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise Unreadable("-", "it is closed")
    return sys.stdin.buffer.read(MAX_DIFF + 1)


def _path(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def _strip(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text):
        raise argparse.ArgumentTypeError(f"not a number from 0 to 999: {_cut(text)!r}")
    return int(text)


def _fuzz(text: str) -> int:
    if text not in ("0", "1", "2"):
        raise argparse.ArgumentTypeError(f"not 0, 1 or 2: {_cut(text)!r}")
    return int(text)


def _glob(text: str) -> str:
    if not text.strip() or text.startswith("/") or not text.isprintable():
        raise argparse.ArgumentTypeError(f"not a glob for a name: {_cut(text)!r}")
    return text


def _cut(text: str, most: int = _SHOWN) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
