"""Run lint, types and tests in an environment of their own.

``python3 tests/run.py [--quick | --all] [PYTEST ARGUMENTS]`` needs Python >= 3.10 and
the package index, and takes some twelve minutes on two cores.  ``--quick`` runs the
tests that start no buildout, in some three minutes.  ``--all`` runs more of them with
each supported zc.buildout, and those with the marker ``more``.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-tests"
PYTHON = str(ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python")
#: What the environment was made of; the same needs no other.
MADE_OF = ENVIRONMENT / "made-of"
#: The tests that start no buildout and take no long time.
QUICK = ["-m", "not slow", "tests/unit"]
#: One more than there are cores: a third of the time tests wait, for disks and servers.
WORKERS = str((os.cpu_count() or 1) + 1)


def main(arguments):
    if sys.version_info < (3, 10):  # noqa: UP036
        sys.exit("poach needs Python 3.10 or newer")
    tests = ["-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder"]
    if "--quick" in arguments:
        arguments = [*QUICK, *(a for a in arguments if a != "--quick")]
    steps = [
        [PYTHON, "-m", "ruff", "check", "."],
        [PYTHON, "-m", "ruff", "format", "--check", "."],
        [PYTHON, "-m", "mypy"],
        [PYTHON, "-m", "pytest", *tests, *arguments],
    ]
    return prepare() or next(filter(None, map(run, steps)), 0)


def prepare():
    """Make the environment unless it is made of the same; return an exit code."""
    inputs = [ROOT / "setup.py", ROOT / "pyproject.toml", Path(__file__)]
    texts = [sys.version.encode(), *(path.read_bytes() for path in inputs)]
    now = hashlib.sha256(b"\0".join(texts)).hexdigest()
    if MADE_OF.exists() and MADE_OF.read_text() == now:
        return 0
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    install = [PYTHON, "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[test]"]
    code = run(install)
    if not code:
        MADE_OF.write_text(now)
    return code


def run(step):
    """Run one command in the checkout; return its exit code."""
    print("$", *step, flush=True)
    return subprocess.run(step, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
