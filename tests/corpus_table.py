"""Apply real series with poach and compare with what the references make of them.

    python tests/corpus_table.py CORPUS [--cache FOLDER] [--found] [CASE...]

CORPUS holds ``cases.jsonl`` and ``patches/``; its own README explains.  Source
archives are fetched from the package index by name and digest and kept in the cache;
nothing of them is ever run.  ``--found`` leaves strip and directory to be found out.
Prints a line for each case that is not in agreement, then a table by outcome.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

from poach.applier.diff import NamedDiff
from poach.applier.disk.tree import ApplyRefused, plan, write
from poach.archives.sdist import unpack

INDEX = "https://pypi.org/simple/"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--found", action="store_true")
    parser.add_argument("--fuzz", type=int, default=0)
    args = parser.parse_args(argv)
    args.cache.mkdir(parents=True, exist_ok=True)
    table: Counter[str] = Counter()
    for line in (args.corpus / "cases.jsonl").read_text().splitlines():
        case = json.loads(line)
        if args.cases and not any(word in case["id"] for word in args.cases):
            continue
        outcome, detail = run(case, args)
        table[outcome] += 1
        if not outcome.startswith("agree") or args.cases:
            print(f"{case['id']}: {outcome}\n{detail}")
    for outcome, count in sorted(table.items()):
        print(f"{count:5} {outcome}")
    return 0


def run(case: dict, args: argparse.Namespace) -> tuple[str, str]:
    archive = sdist(case, args.cache)
    with tempfile.TemporaryDirectory() as folder:
        tree = unpacked(archive, Path(folder) / "tree")
        before = listing(tree)
        try:
            write(plan(tree, list(diffs(case, args))))
        except ApplyRefused as error:
            assert listing(tree) == before
            return refused(case, args.fuzz), f"{error}"
        after = listing(tree)
    changes = {
        path: after.get(path)
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }
    return applied(case, changes, args.fuzz)


def expected(case: dict, fuzz: int) -> bool:
    applies = case["applies"]
    return applies["git_apply"] or applies["patch_F0"] or (fuzz and applies["patch"])


def refused(case: dict, fuzz: int) -> str:
    if expected(case, fuzz):
        return "WE REFUSE, a reference applies"
    return "agree: all refuse"


def applied(case: dict, changes: dict, fuzz: int) -> tuple[str, str]:
    if not expected(case, fuzz):
        return "WE APPLY, all refuse", str(sorted(changes))
    wanted = {
        path: (mode, digest) if mode else None for path, mode, digest in case["changes"]
    }
    if changes == wanted:
        return "agree: all that apply make the same", ""
    wrong = {
        path: (changes.get(path), wanted.get(path))
        for path in changes.keys() | wanted.keys()
        if changes.get(path) != wanted.get(path)
    }
    return "DIFFER", str(wrong)


def diffs(case: dict, args: argparse.Namespace):
    for patch in case["patches"]:
        data = (args.corpus / "patches" / patch["sha256"]).read_bytes()
        if args.found:
            yield NamedDiff(patch["file"], "", data, fuzz=args.fuzz)
        else:
            directory = case.get("directory") or ""
            strip = int(case["strip"])
            yield NamedDiff(patch["file"], "", data, strip, directory, args.fuzz)


def listing(tree: Path) -> dict[str, tuple[str, str]]:
    found = {}
    for folder, folders, files in os.walk(tree):
        for name in [
            *files,
            *(each for each in folders if (Path(folder) / each).is_symlink()),
        ]:
            path = Path(folder) / name
            found[path.relative_to(tree).as_posix()] = described(path)
    return found


def described(path: Path) -> tuple[str, str]:
    if path.is_symlink():
        return "120000", os.fsencode(path.readlink()).hex()
    runs = path.stat().st_mode & 0o100
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ("100755" if runs else "100644"), digest


def unpacked(archive: Path, dest: Path) -> Path:
    tree = unpack(archive, dest)
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    return tree


def sdist(case: dict, cache: Path) -> Path:
    path = cache / case["sdist_file"]
    if not path.exists():
        path.write_bytes(download(case))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == case["sdist_sha256"], path
    return path


def download(case: dict) -> bytes:
    name = re.sub(r"[-_.]+", "-", case["sdist"].partition("==")[0]).lower()
    page_url = f"{INDEX}{name}/"
    with urllib.request.urlopen(page_url, timeout=60) as page:
        links = re.findall(r'href="([^"#]+)', page.read().decode())
    for link in links:
        if urllib.parse.unquote(link.rpartition("/")[2]) == case["sdist_file"]:
            url = urllib.parse.urljoin(page_url, link)
            with urllib.request.urlopen(url, timeout=180) as stream:
                return stream.read()
    raise SystemExit(f"{page_url} has no {case['sdist_file']}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
