"""What poach costs real assemblies that have all their eggs already.

    python tests/benchmarks/assembly.py [NAME | FOLDER] [--buildout VERSION]
        [--pins N | --patch PROJECT...] [--repeat N] [--place FOLDER]
        [--instructions] [--no-freeze]

An assembly is a folder with a buildout.cfg that pins all versions; some are in
``tests/benchmarks/assemblies``.  Its runs with ``-N`` are compared: with patched pins,
and plain and without the extension.  Limits are on CPU seconds of whole processes.
The first time takes long: all eggs are fetched from the index, and the patched ones
built.  They are kept in the place, as is the environment, of Python 3.11 if there is
one.  A patch adds a comment to a module that the plain egg has.

A ``buildout-VERSION.cfg`` beside buildout.cfg is the same assembly on another
zc.buildout.  ``--instructions`` counts them with valgrind, once: no load disturbs that.
``--no-freeze`` makes ``gc.freeze`` do nothing, in both.
"""

from __future__ import annotations

import argparse
import configparser
import difflib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from buildouts import Contest, head, instructions, line, output, spend, turns

from poach.archives.sdist import unpack
from poach.names import canonicalize_name
from support import CALLER
from support.environments import copy_checkout
from support.pythons import find_python

CACHE = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
PLACE = Path(CACHE, "poach-benchmarks")
ASSEMBLIES = Path(__file__).resolve().with_name("assemblies")
#: What a patched run may take of the plain one, and how many pins are patched.
LIMITS, PINS = {"zope-6.3": (1.05, 4)}, (1.10, 5)
INSTRUCTIONS, NO_FREEZE = 1.08, 1.10
#: The Python that the assemblies in this folder are for.
PYTHON = "3.11"
#: What is in the environment, where the assembly pins no other.
TOOLS = {
    **{"zc.buildout": "6.0.1", "setuptools": "80.10.2", "pip": "26.3"},
    **{"wheel": "0.48.0", "packaging": "26.4", "platformdirs": "4.14.9"},
}
#: Patched before others: C, namespace packages, large ones, translations.
PREFERRED = (
    *("Zope", "persistent", "Products.CMFPlone", "plone.memoize", "plone.app.locales"),
    *("zope.publisher", "WebOb"),
)
CFG = """\
[buildout]
extends = {cfg}
eggs-directory = {place}/eggs
download-cache = {place.parent}/downloads
"""
PATCHED = """\
extensions = poach
patch-path = {place}/patches
patched-eggs-directory = {place}/patched-eggs

[versions]
{pins}
"""
RUN = "from zc.buildout.buildout import main; main()"
KINDS = "patched", "plain"
NO_OP = "import gc; gc.freeze = lambda: None; "


@dataclass(frozen=True)
class Assembly:
    """A configuration, and where its environment, eggs and runs are kept."""

    cfg: Path
    place: Path
    versions: Mapping[str, str]
    """What it pins, and `TOOLS`."""
    prologue: str
    """Code that runs before buildout."""

    @property
    def python(self) -> Path:
        return self.place / "env" / "bin" / "python"

    @property
    def variables(self) -> dict[str, str]:
        """Return the caller's, but for those that change what Python does."""
        kept = {k: v for k, v in CALLER.items() if not k.startswith("PYTHON")}
        return kept | {"BUILDOUT_HOME": str(self.place / "home")}

    def run(self, kind: str) -> tuple[Sequence[str | Path], Path, Mapping[str, str]]:
        """Return command, folder and variables of a run, patched or plain."""
        command = [self.python, "-c", self.prologue + RUN, "-N"]
        return command, self.place / kind, self.variables

    def prepare(self) -> None:
        """Make the environment, with this checkout, and run what is plain."""
        for name in "../downloads", "eggs", *KINDS:
            (self.place / name).mkdir(parents=True, exist_ok=True)
        if not self.python.exists():
            python = find_python(PYTHON) or sys.executable
            self.do(python, "-m", "venv", self.place / "env")
        pip = [self.python, "-m", "pip", "--quiet"]
        self.do(*pip, "install", *(f"{name}=={self.versions[name]}" for name in TOOLS))
        with tempfile.TemporaryDirectory() as folder:
            checkout = copy_checkout(Path(folder))
            self.do(*pip, "install", "--no-build-isolation", checkout)
        self._write("plain", CFG)
        self.warm("plain")

    def patch(self, projects: Iterable[str]) -> None:
        """Write the diffs and run what is patched."""
        pins = "\n".join(f"{name} = {self._diff(name)} +mark" for name in projects)
        self._write("patched", CFG + PATCHED, pins=pins)
        self.warm("patched")

    def warm(self, kind: str) -> None:
        for _ in range(3):  # scripts settle with the second run
            said = output(*self.run(kind))
        expected = "Patched eggs in use" if kind == "patched" else ""
        if expected not in said or "Installing" in said or "Building" in said:
            raise SystemExit(f"{self.place / kind} is not warm:\n{said}")

    def eggs(self) -> dict[str, Path]:
        """Return the eggs that the scripts of the plain runs have, by project."""
        pattern = re.compile(re.escape(f"{self.place / 'eggs'}/") + r"[^'\"\n]*?\.egg")
        scripts = [*self.place.glob("plain/bin/*"), *self.place.glob("plain/parts/*/*")]
        texts = (one.read_text(errors="replace") for one in scripts if one.is_file())
        found = {Path(egg) for text in texts for egg in pattern.findall(text)}
        return {canonicalize_name(egg.name.partition("-")[0]): egg for egg in found}

    def choose(self, count: int) -> list[str]:
        """Return which pins to patch, of those whose eggs are used."""
        used = self.eggs()
        pins = {name: canonicalize_name(name) in used for name in sorted(self.versions)}
        order = dict.fromkeys((*PREFERRED, *pins))
        return [name for name in order if pins.get(name)][:count]

    def do(self, *command: str | Path) -> None:
        output(command, self.place, self.variables)

    def _write(self, kind: str, cfg: str, **words: str) -> None:
        text = cfg.format(cfg=self.cfg, place=self.place, **words)
        (self.place / kind / "buildout.cfg").write_text(text)

    def _diff(self, project: str) -> str:
        """Write the diff of a project unless it is there; return the version."""
        version = self.versions[project]
        path = self.place / "patches" / project / version / "mark.patch"
        if not path.exists():
            with tempfile.TemporaryDirectory() as folder:
                words = ["--no-deps", "--no-binary=:all:", "-d", folder]
                pip = [self.python, "-m", "pip", "--quiet", "download", *words]
                self.do(*pip, f"{project}=={version}")
                (sdist,) = Path(folder).iterdir()
                tree = unpack(sdist, Path(folder, "tree"))
                text = marked(self.eggs()[canonicalize_name(project)], tree)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("latin-1"))
        return version


def marked(egg: Path, tree: Path) -> str:
    """Return a diff of `tree` that adds a comment to the largest module of `egg`.

    The text is that of the bytes in Latin-1.
    """
    for module in sorted(egg.rglob("*.py"), key=lambda path: -path.stat().st_size):
        data, name = module.read_bytes(), module.relative_to(egg).as_posix()
        if "test" in name:
            continue
        same = [path for path in tree.rglob(name) if path.read_bytes() == data]
        if len(same) == 1 and data.endswith(b"\n"):
            lines = re.findall(".*\n", data.decode("latin-1"))
            more, at = [*lines, "# patched\n"], same[0].relative_to(tree)
            return "".join(difflib.unified_diff(lines, more, f"a/{at}", f"b/{at}"))
    raise SystemExit(f"the sdist has no module of {egg.name} as it is there")


def assemblies(
    folder: Path, place: Path, buildout: str | None, prologue: str
) -> Iterator[Assembly]:
    """Give the assemblies of a folder that run on `buildout`, or all."""
    base = [each for each in folder.glob("*.cfg") if "buildout" not in each.name]
    for cfg in sorted(folder.glob("buildout*.cfg")):
        parser = configparser.RawConfigParser(None, strict=False, delimiters="=")
        parser.optionxform = str  # the case of a project's name is kept
        parser.read([*base, folder / "buildout.cfg", cfg])
        tools = TOOLS | ({"zc.buildout": buildout} if buildout else {})
        versions = tools | dict(parser["versions"])
        used = versions["zc.buildout"]
        if buildout in (None, used):
            here = place / f"{folder.name}-{used}"
            yield Assembly(cfg, here, versions, prologue)


def measure(made: Assembly, args: argparse.Namespace) -> bool:
    """Prepare and measure an assembly; tell whether the limit is kept."""
    name = made.cfg.parent.name
    limit, count = LIMITS.get(name, PINS)
    made.prepare()
    pins = args.patch or made.choose(args.pins or count)
    made.patch(pins)
    print("patched:", *pins, flush=True)
    title = f"{made.place.name}, {len(pins)} of {len(made.eggs())} eggs"
    if args.instructions:
        ours, theirs = (instructions(*made.run(kind)) for kind in KINDS)
        shown = (f"{each / 1e9:.2f} G" for each in (ours, theirs))
        ratio = ours / theirs
        return line(title, *shown, f"{ratio:.3f}", "", INSTRUCTIONS, ratio)
    took = turns(args.repeat, *(partial(spend, *made.run(kind)) for kind in KINDS))
    return Contest(title, *took, NO_FREEZE if args.no_freeze else limit, "cpu").show()


def main(argv: Sequence[str]) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("assembly", nargs="?", metavar="NAME | FOLDER")
    parser.add_argument("--buildout", metavar="VERSION", help="of zc.buildout")
    parser.add_argument("--pins", type=int, metavar="N", help="patched ones")
    parser.add_argument("--patch", nargs="+", metavar="PROJECT", help="these pins")
    parser.add_argument("--repeat", type=int, default=11, metavar="N", help="turns")
    parser.add_argument("--place", type=Path, default=PLACE, metavar="FOLDER")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--no-freeze", action="store_true")
    args = parser.parse_args(argv)
    if args.instructions and not shutil.which("valgrind"):
        parser.error("--instructions needs valgrind")
    named = [ASSEMBLIES / args.assembly] if args.assembly else ASSEMBLIES.iterdir()
    folders = [one if one.is_dir() else Path(args.assembly).resolve() for one in named]
    words = args.place.resolve(), args.buildout, NO_OP if args.no_freeze else ""
    found = [made for each in sorted(folders) for made in assemblies(each, *words)]
    if not found:
        parser.error("there is no such assembly")
    head(*KINDS)
    kept = [measure(made, args) for made in found]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
