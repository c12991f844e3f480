"""Run an example: an environment with poach, buildout, and the proof.

``python3 examples/run.py [--quick] [NAME ...]`` needs Python >= 3.10 and the package
index.  ``zodb3`` also needs a Python 2.7 and what is said in ``zodb3/README.rst``;
``--quick`` leaves out those of ZODB3's own tests that run for minutes.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
ROOT = EXAMPLES.parent
ENVIRONMENT = ROOT / ".venv"
ENVIRONMENT_2 = ROOT / ".venv-2.7"
PROGRAMS = "Scripts" if os.name == "nt" else "bin"

#: What a wheel of poach is built from, beside src.
SOURCES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.rst", "CHANGES.rst")

#: The buildout that runs on Python 2.7, and the poach that it asks.
BUILDOUT_2 = (
    f"../../.venv-2.7/{PROGRAMS}/buildout"
    f" buildout:poach-command=../../.venv/{PROGRAMS}/poach"
)

#: An option of this script, and of the command that runs for minutes without it.
QUICK = "--quick"
LONG = "zodb-tests run"

#: The commands of each example, each with the folder to run it in.
STEPS = {
    "quickstart": [
        (".", "buildout -q -c plain.cfg"),
        (".", "bin-plain/proof --expect-open"),
        (".", "buildout"),
        (".", "bin/proof"),
    ],
    "native": [
        (".", "buildout -q -c plain.cfg"),
        (".", "bin-plain/proof --expect-plain"),
        (".", "buildout"),
        (".", "bin/proof"),
    ],
    "shared-cache": [
        ("patched", "buildout"),
        ("plain", "buildout"),
        ("patched", "bin/which"),
        ("plain", "bin/which"),
    ],
    "zodb3": [
        (".", f"{BUILDOUT_2} -q -c plain.cfg"),
        (".", "bin-plain/polled --expect-plain"),
        (".", BUILDOUT_2),
        (".", "bin/polled"),
        # Once more, without an index: the folders are shared, the eggs are not.
        (".", f"{BUILDOUT_2} -q -o -c plain.cfg"),
        (".", "bin-plain/polled --expect-plain"),
        (".", "bin/keas-tests downloads/dist"),
        (".", "bin/formats"),
        (".", "bin/relstorage-postgres"),
        (".", "bin-plain/zodb-tests run parts/plain.json"),
        (".", "bin/zodb-tests run parts/patched.json"),
        (".", "bin/zodb-tests compare parts/plain.json parts/patched.json"),
    ],
}


def main(arguments):
    names = [argument for argument in arguments if argument != QUICK]
    if sys.version_info < (3, 10):  # noqa: UP036
        sys.exit("poach needs Python 3.10 or newer")
    unknown = set(names) - set(STEPS)
    if unknown or not names:
        sys.exit(f"usage: {sys.argv[0]} [{QUICK}] {'|'.join(STEPS)}")
    python2 = find_python2() if "zodb3" in names else None
    print(f"$ python3 -m venv {ENVIRONMENT}", flush=True)
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    # The setuptools that the examples pin: with another one beside buildout, its
    # second run finds its recipes changed and installs their parts anew.
    run(ROOT, "pip install --quiet setuptools==80.8.0 --editable .")
    if python2:
        make_environment_2(python2)
    for name in names:
        for folder, command in STEPS[name]:
            option = f" {QUICK}" if QUICK in arguments and LONG in command else ""
            run(EXAMPLES / name / folder, command + option)


def run(folder, command):
    """Run a command of the environment or, with a slash in it, of the example."""
    if isinstance(command, str):
        command = command.split()
    print(f"\n$ {shlex.join(command)}", flush=True)
    program, *arguments = command
    home = folder if "/" in program else ENVIRONMENT / PROGRAMS
    code = subprocess.run([home / program, *arguments], cwd=folder, check=False)
    if code.returncode:
        sys.exit(code.returncode)


def find_python2():
    """Return a Python 2.7 that runs: $PYTHON2, on PATH, or one of pyenv."""
    pyenv = os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser()
    candidates = [
        os.environ.get("PYTHON2"),
        shutil.which("python2.7"),
        *sorted(Path(pyenv, "versions").glob("2.7.*/bin/python2.7")),
    ]
    code = "import sys; print(sys.version_info[:2] == (2, 7))"
    for python in filter(None, candidates):
        done = subprocess.run([python, "-c", code], capture_output=True, check=False)
        if done.stdout.strip() == b"True":
            return str(python)
    sys.exit("zodb3 needs a Python 2.7: $PYTHON2, on PATH, or one of pyenv")


def make_environment_2(python):
    """Make an environment with Python 2.7, its buildout and poach's bridge."""
    # The last virtualenv for Python 2.7; it brings setuptools 44.1.1, pip and wheel.
    run(ROOT, "pip install --quiet virtualenv==20.21.1")
    target = str(ENVIRONMENT_2)
    virtualenv = ["virtualenv", "--quiet", "--clear", "--no-download"]
    run(ROOT, [*virtualenv, "--python", python, target])
    pip = [f"{target}/{PROGRAMS}/pip", "--quiet", "--no-python-version-warning"]
    with tempfile.TemporaryDirectory() as folder:
        # This pip copies all that it builds from, and a checkout may hold a lot.
        source = Path(folder, "source")
        shutil.copytree(ROOT / "src", source / "src")
        for name in SOURCES:
            shutil.copy(ROOT / name, source)
        install = ["install", "--no-build-isolation", "zc.buildout==2.13.8"]
        run(ROOT, [*pip, *install, str(source)])


if __name__ == "__main__":
    main(sys.argv[1:])
