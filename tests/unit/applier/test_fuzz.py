"""A short run of the fuzzer over mutated diffs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_mutated_diffs_are_applied_or_refused():
    fuzzer = Path(__file__).parents[2] / "fuzz_apply.py"
    args = [sys.executable, fuzzer, "--runs", "20000", "--seed", "3", "--seconds", "20"]
    done = subprocess.run(args, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert " 0 bad" in done.stdout
