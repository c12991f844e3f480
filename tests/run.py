"""Run everything that CI runs: lint, types and tests, in an environment of their own.

``python3 tests/run.py [PYTEST ARGUMENTS]`` needs Python >= 3.10 and the package index.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-tests"


def main(arguments):
    if sys.version_info < (3, 10):  # noqa: UP036
        sys.exit("poach needs Python 3.10 or newer")
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    programs = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
    python = str(programs / "python")
    steps = [
        [python, "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[test]"],
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-m", "pytest", "-n", "auto", "--dist", "loadfile", *arguments],
    ]
    for step in steps:
        print("$", *step, flush=True)
        code = subprocess.run(step, cwd=ROOT, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
