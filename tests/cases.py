"""Apply diffs made from public reports, and compare with what is right for each.

    python tests/cases.py FOLDER [WORD...]

FOLDER holds a folder for each case, in it a tree and diffs.  They are other people's
cases, so that none of them is kept here: `ROWS` says what becomes of each.  Prints a
line for each row, and what was said where that is wrong; exits with 1 if any is wrong.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from poach.cli import main as poach

Files = dict[str, "bytes | None"]


@dataclass(frozen=True)
class Case:
    """One diff of a case, and what is right.

    `changes` are the files that are another one afterwards, with a part of what they
    hold then (None: gone); without any, the diff is refused and nothing changes.
    `words` are in the message, `never` are not.  Where `or_refused` is true, a refusal
    with the `words` is right, too.
    """

    folder: str
    diff: str
    changes: Files
    words: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    tree: str = "tree"
    or_refused: bool = False

    def __str__(self) -> str:
        return " ".join([f"{self.folder}/{self.diff}", *self.options])


def refused(folder: str, diff: str, *words: str, never: tuple[str, ...] = ()) -> Case:
    return Case(folder, diff, {}, words, never)


NOT_THERE = ("already applied", "drop this patch", "gone already")
LEFT_OUT = ("--exclude", ".travis.yml", "--exclude", "tests/*")
ROWS = [
    refused(
        "diff-16-missing-in-sdist",
        "x.patch",
        "1 of 3 files",
        "fits",
        "not in this sdist",
        "exclude=",
        "--exclude",
    ),
    Case(
        "diff-16-missing-in-sdist",
        "x.patch",
        {"pkg/m.py": b"B\n"},
        ("left out .travis.yml", "left out tests/test_m.py"),
        options=LEFT_OUT,
    ),
    refused("diff-34-monorepo", "mixed.patch", " cpp/main.cc: no such file"),
    refused(
        "diff-03-crlf-source-lf-patch",
        "x.patch",
        "the diff has LF",
        "the file has CR LF",
        "eol=any",
    ),
    Case(
        "diff-03-crlf-source-lf-patch",
        "x.patch",
        {"win.py": b"two\r\nTHREE\r\nfour\r\n"},
        ("line endings",),
        options=("--eol", "any"),
    ),
    refused("diff-10-wrong-counts", "x.patch", "line", "hunk", "more lines"),
    refused("diff-10-wrong-counts", "lost-middle.patch", "line", "hunk"),
    refused("diff-19-binary", "onlyin.patch", "Only in", "-N"),
    refused("diff-20-svn-props-empty", "emptyinit16.patch", "pkg/__init__.py"),
    refused("diff-21-bzr-p4", "x.patch", "rename"),
    Case("diff-21-bzr-p4", "p4.patch", {"m.py": b"B\n"}),
    refused("diff-24-damaged-by-mail", "qp-silent2.patch", "quoted-printable"),
    refused(
        "diff-14-deletion-only",
        "end.patch",
        "not found",
        "-Y = older()",
        "+X = old()",
        never=NOT_THERE,
    ),
    refused(
        "diff-14-deletion-only",
        "start.patch",
        "not found",
        "-Y = older()",
        "+X = old()",
        never=NOT_THERE,
    ),
    Case("applier-01", "delete.patch", {"src/pkg/gone.py": None}, tree="tree-src"),
    Case(
        "applier-02",
        "patches",
        {"doc/ext/mathdollar.py": b"def setup", "doc/conf.py": b"html = 2"},
    ),
    Case("diff-07-new-files-strip", "plain.patch", {"setup.py": b"x = 1\n"}),
    Case(
        "diff-07-new-files-strip",
        "devnull-toplevel.patch",
        {"src/pkg/n3.py": b"x = 1\n"},
    ),
    Case("diff-18-mixed-levels", "x.patch", {"setup.py": b"B", "Lib/ssl.py": b"B"}),
    Case("diff-17-dotdot-absolute", "x.patch", {"Lib/site.py": b"B"}),
    Case("diff-12-stripped-end", "ctx1.patch", {"m.py": b"a\nB\nc\n"}),
    Case(
        "diff-06-compressed",
        "fix.patch.gz",
        {"m.py": b"TWO\n"},
        ("gzip",),
        or_refused=True,
    ),
    refused("diff-23-web-page", "x.patch", "web page"),
    refused("diff-25-ansi-colour", "x.patch", "colour", "--no-color"),
    refused(
        "diff-24-damaged-by-mail",
        "trimmed.patch",
        "fits",
        "white space",
        "trailing blanks",
        "editor",
    ),
    refused("diff-19-binary", "abbrev.patch", "abbreviated", "--full-index"),
    Case("diff-15-diff-in-message", "hunkword.patch", {"m.py": b"a\nB\nc\n"}),
    refused(
        "diff-29-intermediate-fails",
        "x.patch",
        "[PATCH 1/2] one",
        ".diff",
        "pull request",
    ),
]


def contents(tree: Path) -> dict[str, bytes]:
    """Return all files of a tree."""
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file()
    }


def faults(case: Case, cases: Path) -> tuple[list[str], str]:
    """Apply the case's diff; return what is wrong with the outcome, and its words."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(shutil.copytree(cases / case.folder / case.tree, f"{folder}/tree"))
        for path in [tree, *tree.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        before, out = contents(tree), io.StringIO()
        args = ["apply", *case.options, str(tree), str(cases / case.folder / case.diff)]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = poach(args)
        after, said = contents(tree), out.getvalue()
    changed = {
        path: after.get(path)
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }
    return list(_faults(case, code, changed, said)), said


def _faults(case: Case, code: int, changed: Files, said: str):
    is_refused = not case.changes or (case.or_refused and code == 1)
    if code != int(is_refused):
        yield f"exit code {code}"
    if changed.keys() != (set() if is_refused else case.changes.keys()):
        yield f"changed {sorted(changed)}"
    elif not is_refused:
        for path, part in case.changes.items():
            data = changed[path]
            if (data is None) != (part is None) or (part or b"") not in (data or b""):
                yield f"{path} is {data!r}"
    if is_refused or not case.or_refused:
        yield from (f"lacks {word!r}" for word in case.words if word not in said)
    yield from (f"says {word!r}" for word in case.never if word in said)


def place() -> Path | None:
    """Return the folder of the cases, if there is one here."""
    given = os.environ.get("POACH_CASES")
    beside = Path(__file__).resolve().parents[2] / "shared" / "cases"
    if given:
        return Path(given)
    return beside if beside.is_dir() else None


def main(argv: list[str]) -> int:
    cases, words = Path(argv[0]), argv[1:]
    rows = [row for row in ROWS if not words or any(word in str(row) for word in words)]
    wrong = 0
    for row in rows:
        found, said = faults(row, cases)
        wrong += bool(found)
        print(f"{'WRONG' if found else 'right':6} {row}")
        if found:
            print("".join(f"         {line}\n" for line in [*found, *said.split("\n")]))
    print(f"{len(rows) - wrong} right, {wrong} wrong")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] else __doc__)
