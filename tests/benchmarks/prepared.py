"""Run a benchmark in the environment of the tests, with any Python.

Import this before what needs other packages.  Where those are missing, it makes that
environment as ``tests/run.py`` does, and the program starts again in it.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import run

NEEDED = ("packaging", "poach", "pytest")

if not all(map(find_spec, NEEDED)):
    if code := run.prepare():
        sys.exit(code)
    os.execv(run.PYTHON, [run.PYTHON, *sys.argv])
