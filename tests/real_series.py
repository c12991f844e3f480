"""Real series of diffs, fetched by identity, and what is made of them.

    python tests/real_series.py check  --cache FOLDER [WORD...]
    python tests/real_series.py record --cache FOLDER debian SOURCE...
    python tests/real_series.py record --cache FOLDER sdist TARGET PATCHES MEMBER...

``tests/corpus/series.jsonl`` names each series: the source (an sdist, or Debian's
upstream tarball) and the diffs (members of Debian's own tarball or of an sdist), all
by name, version and sha256; what GNU patch and git make of the whole series; and the
digest of the tree that they leave.  No byte of a source or a diff is kept, and nothing
of them is ever run.

``check`` applies each series with poach and prints a table by outcome.  ``record`` runs
the references, which agree on the tree wherever two of them apply a series, and
appends a line.  What Debian's mirror no longer has is reported as such: its pool keeps
only what a release has now.  Recording from Debian asks apt, which needs a deb-src
source; checking does not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

from poach.applier.diff import NamedDiff
from poach.applier.disk.tree import ApplyRefused, plan, write
from poach.archives.sdist import unpack
from poach.pins import series
from support import references

INDEX = "https://pypi.org/simple/"
DEBIAN = "http://deb.debian.org/debian/"
RECORDS = Path(__file__).parent / "corpus" / "series.jsonl"


class Gone(Exception):
    """A file that its server has no more."""


def records() -> list[dict]:
    return [json.loads(line) for line in RECORDS.read_text().splitlines()]


# Fetching.


def fetched(file: dict, cache: Path) -> Path:
    """Return the file in the cache, from there or from where it is published."""
    path = cache / file["file"]
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        url = DEBIAN + file["pool"] if "pool" in file else sdist_url(file)
        path.write_bytes(download(url))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == file["sha256"], f"{path} is another file"
    return path


def download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=180) as stream:
            return stream.read()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise Gone(url) from error
        raise


def sdist_url(file: dict) -> str:
    name = re.sub(r"[-_.]+", "-", file["name"]).lower()
    page = f"{INDEX}{name}/"
    for link in re.findall(r'href="([^"#]+)', download(page).decode()):
        if urllib.parse.unquote(link.rpartition("/")[2]) == file["file"]:
            return urllib.parse.urljoin(page, link)
    raise Gone(f"{file['file']} on {page}")


def diffs(record: dict, cache: Path) -> list[bytes]:
    """Return the diffs of a series, as they are published."""
    found = []
    with tarfile.open(fetched(record["patches_from"], cache)) as archive:
        for patch in record["patches"]:
            stream = archive.extractfile(patch["member"])
            data = stream.read() if stream else b""
            assert hashlib.sha256(data).hexdigest() == patch["sha256"]
            found.append(data)
    return found


def unpacked(record: dict, cache: Path, dest: Path) -> Path:
    """Unpack the source, its files with modes as git has them."""
    tree = unpack(fetched(record["source"], cache), dest)
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    return tree


def digest(tree: Path) -> str:
    """Return the sha256 over each path, mode and contents of the tree."""
    lines = [
        [path, mode, hashlib.sha256(data).hexdigest()]
        for path, (mode, data) in references.listing(tree).items()
    ]
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


# Checking.


def outcome(record: dict, cache: Path, fuzz: int = 0, found: bool = False) -> str:
    """Apply a series with poach; return in a word how that compares."""
    data = diffs(record, cache)
    said = record["applies"]
    expected = said["git"] or said["gnu"] or bool(fuzz and said["gnu_fuzz"])
    with tempfile.TemporaryDirectory() as folder:
        tree = unpacked(record, cache, Path(folder) / "tree")
        before = digest(tree)
        try:
            write(plan(tree, named(record, data, fuzz, found)))
        except ApplyRefused as error:
            assert digest(tree) == before, "a refusal changed the tree"
            return "agree: all refuse" if not expected else f"WE REFUSE: {error}"
        if not expected:
            return "WE APPLY, all refuse"
        wanted = record["tree_fuzz"] if fuzz and said["gnu_fuzz"] else record["tree"]
        same = digest(tree) == wanted
    return "agree: all that apply make the same" if same else "DIFFER"


def named(record: dict, data: list[bytes], fuzz: int, found: bool) -> list[NamedDiff]:
    return [
        NamedDiff(
            patch["member"],
            "",
            each,
            None if found else patch["strip"],
            None if found else record["directory"],
            fuzz,
        )
        for patch, each in zip(record["patches"], data, strict=True)
    ]


def check(cache: Path, words: list[str], fuzz: int, found: bool) -> int:
    table: Counter[str] = Counter()
    for record in records():
        if words and not any(word in record["id"] for word in words):
            continue
        try:
            result = outcome(record, cache, fuzz, found)
        except Gone as error:
            result = "gone from its server"
            print(f"{record['id']}: {error}")
        if not result.startswith(("agree", "gone")):
            print(f"{record['id']}: {result}")
        table[result.partition(": ")[0] if result[0] == "W" else result] += 1
    for result, count in sorted(table.items()):
        print(f"{count:5} {result}")
    return 1 if any(word[0] in "WD" for word in table) else 0


# Recording.


def record_debian(word: str, cache: Path) -> dict | None:
    """Record Debian's series of a source.

    ``SOURCE=NAME==VERSION`` takes the sdist for the upstream tarball.
    """
    name, _, sdist = word.partition("=")
    files = {file["file"]: file for file in debian_files(name)}
    upstream = next((f for f in files if re.search(r"\.orig\.tar\.\w+$", f)), None)
    own = next((f for f in files if ".debian.tar." in f), None)
    if not own or not (upstream or sdist):
        return None
    source = sdist_file(sdist, cache) if sdist else files[upstream or ""]
    version = own.partition(".debian.tar.")[0]
    with tarfile.open(fetched(files[own], cache)) as archive:
        names = archive.getnames()
        if "debian/patches/series" not in names:
            return None
        text = archive.extractfile("debian/patches/series").read()
        patches = [
            patch_in(archive, f"debian/patches/{entry.file}", entry.strip)
            for entry in series.parse(text)
        ]
    return described(f"debian/{version}", source, files[own], patches, "", cache)


def debian_files(name: str) -> list[dict]:
    done = subprocess.run(
        ["apt-get", "source", "--print-uris", "--download-only", name],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.findall(r"^'([^']+)' (\S+) \d+ SHA256:(\w+)", done.stdout, re.MULTILINE)
    return [
        {
            "name": name,
            "file": file,
            "pool": url.partition("/debian/")[2],
            "sha256": sha256,
        }
        for url, file, sha256 in found
    ]


def patch_in(archive: tarfile.TarFile, member: str, strip: int | None) -> dict:
    data = archive.extractfile(member).read()
    return {
        "member": member,
        "sha256": hashlib.sha256(data).hexdigest(),
        "strip": 1 if strip is None else strip,
    }


def record_sdist(words: list[str], cache: Path) -> dict | None:
    """Record from ``TARGET==V[/DIRECTORY]``, ``PATCHES==V`` and members with -pN."""
    target, _, directory = words[0].partition("/")
    source, own = sdist_file(target, cache), sdist_file(words[1], cache)
    with tarfile.open(fetched(own, cache)) as archive:
        top = archive.getnames()[0].partition("/")[0]
        patches = [
            patch_in(archive, f"{top}/{member}", int(strip or 1))
            for member, _, strip in (word.partition(" -p") for word in words[2:])
        ]
    name = f"sdist/{target}/{words[1]}/{words[2].partition(' ')[0]}"
    return described(name, source, own, patches, directory, cache)


def sdist_file(spec: str, cache: Path) -> dict:
    name, _, version = spec.partition("==")
    page = f"{INDEX}{re.sub(r'[-_.]+', '-', name).lower()}/"
    wanted = re.compile(
        rf'href="([^"#]+/([^"/#]+-{re.escape(version)}\.(?:tar\.gz|zip|tgz)))#sha256=(\w+)'
    )
    found = wanted.search(download(page).decode())
    assert found, spec
    return {
        "name": name,
        "version": version,
        "file": urllib.parse.unquote(found[2]),
        "sha256": found[3],
    }


def described(
    name: str,
    source: dict,
    own: dict,
    patches: list[dict],
    directory: str,
    cache: Path,
) -> dict | None:
    """Run the references and return the record."""
    record = {
        "id": name,
        "source": source,
        "patches_from": own,
        "patches": patches,
        "directory": directory,
    }
    data = diffs(record, cache)
    strips = [patch["strip"] for patch in patches]
    trees: dict[str, str | None] = {}
    for reference in ("gnu", "gnu_fuzz", "git"):
        with tempfile.TemporaryDirectory() as folder:
            tree = unpacked(record, cache, Path(folder) / "tree")
            done = all(
                reference_does(reference, tree, each, strip, directory)
                for each, strip in zip(data, strips, strict=True)
            )
            trees[reference] = digest(tree) if done else None
    strict = {each for each in (trees["gnu"], trees["git"]) if each}
    assert len(strict) < 2, f"{name}: the references differ"
    record["applies"] = {key: each is not None for key, each in trees.items()}
    record["tree"] = strict.pop() if strict else None
    record["tree_fuzz"] = trees["gnu_fuzz"]
    return record


def reference_does(
    name: str, tree: Path, data: bytes, strip: int, directory: str
) -> bool:
    if name == "git":
        return references.git_apply(tree, [data], strip, directory)
    fuzz = None if name == "gnu_fuzz" else 0
    return references.gnu_patch(tree, [data], strip, fuzz, directory)


def record(cache: Path, kind: str, words: list[str]) -> int:
    known = {each["id"] for each in records()} if RECORDS.exists() else set()
    jobs = [[word] for word in words] if kind == "debian" else [words]
    for job in jobs:
        try:
            made = (
                record_debian(job[0], cache)
                if kind == "debian"
                else record_sdist(job, cache)
            )
        except (Exception, Gone) as error:
            print(f"{job}: {type(error).__name__}: {error}")
            continue
        if made is None or made["id"] in known:
            print(f"{job}: nothing new")
            continue
        with RECORDS.open("a") as stream:
            stream.write(json.dumps(made, sort_keys=True) + "\n")
        print(f"{made['id']}: {len(made['patches'])} diffs, {made['applies']}")
    return 0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["check", "record"])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--fuzz", type=int, default=0)
    parser.add_argument("--found", action="store_true")
    args = parser.parse_intermixed_args(argv)
    if args.what == "check":
        return check(args.cache, args.words, args.fuzz, args.found)
    return record(args.cache, args.words[0], args.words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
