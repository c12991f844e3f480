"""Run an example: an environment with poach, buildout, and the proof.

``python3 examples/run.py [NAME ...]`` needs Python >= 3.10 and the package index.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
ROOT = EXAMPLES.parent
ENVIRONMENT = ROOT / ".venv"
PROGRAMS = "Scripts" if os.name == "nt" else "bin"

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
}


def main(names):
    if sys.version_info < (3, 10):  # noqa: UP036
        sys.exit("poach needs Python 3.10 or newer")
    unknown = set(names) - set(STEPS)
    if unknown or not names:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(STEPS)}")
    print(f"$ python3 -m venv {ENVIRONMENT}", flush=True)
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    # The setuptools that the examples pin: with another one beside buildout, its
    # second run finds its recipes changed and installs their parts anew.
    run(ROOT, "pip install --quiet setuptools==80.8.0 --editable .")
    for name in names:
        for folder, command in STEPS[name]:
            run(EXAMPLES / name / folder, command)


def run(folder, command):
    """Run a command of the environment or, with a slash in it, of the example."""
    print(f"\n$ {command}", flush=True)
    program, *arguments = command.split()
    home = folder if "/" in program else ENVIRONMENT / PROGRAMS
    code = subprocess.run([home / program, *arguments], cwd=folder, check=False)
    if code.returncode:
        sys.exit(code.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
