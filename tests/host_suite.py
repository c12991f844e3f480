"""Run zc.buildout's own tests with poach at work in every buildout, and without.

``python3 tests/host_suite.py [--work FOLDER] [-t PATTERN]`` needs Python >= 3.10 and
the package index.  It takes many minutes, so it is no part of the other tests.

Where there is nothing to patch, poach does nothing.  So zc.buildout's tests must give
the same results in both runs.  The table has all tests that fail in one of them; the
exit code is 1 if the two runs differ, or if no test ran.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "poach"
SDISTS = ("zc.buildout==6.0.1", "zc.recipe.egg==6.0.0")
#: The test runner, what the tests import, and what poach requires (see setup.py).
TOOLS = ("zope.testrunner", "build", "filelock", "packaging", "requests")
#: Where the methods are that call poach.
MODULE = Path("src", "zc", "buildout", "buildout.py")
#: What is called at the end of which method: before the one that comes after it.
CALLS = {
    "load": "    def _unload_extensions(self):\n",
    "unload": "    def _print_picked_versions(self):\n",
}
CALL = "        import poach.buildout.extension as ours; ours.{}(self)\n\n"
#: zc.buildout's tests expect that somebody has imported this module.
RUNNER = "import zc.buildout.easy_install; from zope.testrunner import run; run()"
LISTS = re.compile(r"^(?:Tests|Test-modules) with .*:\n((?:  .*\n)+)", re.MULTILINE)
TOTAL = re.compile(r"(?:Ran|Total:) (\d+) tests")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, help="a folder to keep for the next time")
    parser.add_argument("-t", "--test", help="run only tests that match this pattern")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="host-suite-") as folder:
        work = (options.work or Path(folder)).resolve()
        python, suite = prepare(work)
        selected = ["-t", options.test] if options.test else []
        plain = run(work, python, suite, "without", selected)
        with poached(suite):
            patched = run(work, python, suite, "with", selected)
    return compare(plain, patched)


def prepare(work):
    """Make the environment, or take that of the last time; return it and the suite."""
    environment, sources = work / "environment", work / "sources"
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    if not (work / "ready").exists():
        venv.create(environment, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "--quiet"]
        fetch = ["download", "--no-deps", "--no-binary", ":all:", "--dest", work]
        subprocess.run([*pip, *fetch, *SDISTS], check=True)
        buildout, recipe = (unpack(work, sources, name) for name in SDISTS)
        editable = ["--editable", f"{buildout}[test]", "--editable", recipe]
        subprocess.run([*pip, "install", *editable, *TOOLS], check=True)
        expose(python)
        (work / "ready").touch()
    (suite,) = sources.glob("zc_buildout-*")
    restore(suite)
    return python, suite


def unpack(work, sources, requirement):
    """Unpack the sdist of a requirement; return its folder."""
    stem = requirement.replace(".", "_", requirement.partition("==")[0].count("."))
    (archive,) = work.glob(stem.replace("==", "-") + ".tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(sources)
    return sources / archive.name.removesuffix(".tar.gz")


def expose(python):
    """Make poach importable, and no distribution: its entry points would be loaded."""
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([python, "-c", find], check=True, capture_output=True)
    (Path(os.fsdecode(found.stdout.strip())) / "poach").symlink_to(PACKAGE)


@contextlib.contextmanager
def poached(suite):
    """Have every buildout load poach after its extensions, and unload it at the end."""
    module = suite / MODULE
    changed = module.read_text(encoding="utf-8")
    for method, following in CALLS.items():
        assert changed.count(following) == 1
        changed = changed.replace(following, CALL.format(method) + following)
    shutil.copyfile(module, module.with_suffix(".plain"))
    module.write_text(changed, encoding="utf-8")
    try:
        yield
    finally:
        restore(suite)


def restore(suite):
    """Take the calls of poach out again, also those of a run that was killed."""
    plain = (suite / MODULE).with_suffix(".plain")
    if plain.exists():
        plain.replace(suite / MODULE)


def run(work, python, suite, name, selected):
    """Run the tests; return the count of tests, and the names of those that fail."""
    log = work / f"{name}-poach.log"
    command = [python, "-uc", RUNNER, "--test-path=src", "-vv", *selected]
    print(f"Running zc.buildout's tests {name} poach ...", flush=True)
    with log.open("wb") as stream, tempfile.TemporaryDirectory() as home:
        ours = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        env = {**ours, "HOME": home}
        subprocess.run(
            command, cwd=suite, env=env, check=False, stdout=stream, stderr=stream
        )
    output = log.read_text(encoding="utf-8", errors="replace")
    counts = TOTAL.findall(output)
    if not counts:
        sys.exit(output)
    lists = "".join(LISTS.findall(output))
    return int(counts[-1]), {line.strip() for line in lists.splitlines()}


def compare(plain, patched):
    """Print the table; return the exit code, which is 1 where no test ran, too."""
    (ran, fails), (ran_too, fails_too) = plain, patched
    if not (ran and ran_too):
        print(f"{ran} tests ran without poach, {ran_too} with: nothing was compared")
        return 1
    print(f"{'test that fails':60} without  with")
    for test in sorted(fails | fails_too):
        marks = ["fails" if test in each else "-" for each in (fails, fails_too)]
        print(f"{test:60} {marks[0]:7}  {marks[1]}")
    print(
        f"{len(fails)} of {ran} fail without poach, {len(fails_too)} of {ran_too} with"
    )
    return int(plain != patched)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
